// Reading and writing of the bytes. See segment_format.hpp.
#include "segment_format.hpp"

#include <algorithm>
#include <cstddef>
#include <numeric>

#include "allomatch/error.hpp"
#include "allomatch/kernel_choice.hpp"
#include "kernels/kernels.hpp"

namespace allomatch::format {

std::uint32_t element_bytes(Element element) noexcept {
    switch (element) {
        case Element::U8:
        case Element::Text:
            return 1;
        case Element::U16:
        case Element::I16:
            return 2;
        case Element::U32:
        case Element::F32:
            return 4;
        case Element::U64:
            return 8;
    }
    return 0;
}

std::uint32_t crc32c(std::span<const std::byte> bytes, std::uint32_t crc) {
    return active_kernels().crc32c(crc, bytes.data(), bytes.size());
}

std::string_view entry_name(const Entry& entry) noexcept {
    const void* end = std::memchr(entry.name.data(), 0, entry.name.size());
    const auto length = end == nullptr ? entry.name.size()
                                       : static_cast<std::size_t>(static_cast<const char*>(end) - entry.name.data());
    return {entry.name.data(), length};
}

Writer::Writer(NewFile& file) : file_(file) {
    const std::array<std::byte, sizeof(Head)> room{};
    file_.append(room);
}

void Writer::pad() {
    const std::array<std::byte, kAlignment> zeros{};
    const std::uint64_t over = file_.size() % kAlignment;
    if (over != 0) file_.append(std::span(zeros).first(kAlignment - over));
}

void Writer::begin(std::string_view name, Element element) {
    pad();
    Entry entry{};
    if (name.size() > entry.name.size()) throw Error(ErrorCode::InvalidArgument, "block name too long: " + shown(name));
    std::memcpy(entry.name.data(), name.data(), name.size());
    entry.element = element;
    entry.offset = file_.size();
    entries_.push_back(entry);
}

void Writer::append(std::span<const std::byte> bytes) {
    Entry& entry = entries_.back();
    entry.crc = crc32c(bytes, entry.crc);
    entry.bytes += bytes.size();
    file_.append(bytes);
}

void Writer::end() {
    pad();
}

void Writer::finish(std::uint64_t donor_count) {
    pad();
    Head head{};
    head.magic = kMagic;
    head.version = kVersion;
    head.block_count = static_cast<std::uint32_t>(entries_.size());
    head.directory_offset = file_.size();
    head.donor_count = donor_count;
    const auto directory = std::as_bytes(std::span(entries_));
    head.directory_crc = crc32c(directory);
    file_.append(directory);
    head.file_bytes = file_.size();
    const auto bytes = std::as_bytes(std::span(&head, 1));
    head.head_crc = crc32c(bytes.first(offsetof(Head, head_crc)));
    file_.write_at(0, bytes);
}

namespace {

[[noreturn]] void corrupt(const std::string& path, const std::string& what) {
    throw Error(ErrorCode::CorruptFile, "corrupt registry file " + shown_path(path) + ": " + what +
                                            "; restore it from a copy, or index the donors again");
}

}  // namespace

Parsed parse(std::span<const std::byte> file, const std::string& path) {
    Parsed parsed{};
    Head& head = parsed.head;
    const bool has_magic = file.size() >= kMagic.size() && std::memcmp(file.data(), kMagic.data(), kMagic.size()) == 0;
    if (!has_magic) {
        throw Error(ErrorCode::NotARegistry, shown_path(path) +
                                                 " is not an allomatch registry (it does not begin with ALLOSEG); " +
                                                 "name a file made by Registry.create or 'allomatch index'");
    }
    if (file.size() < sizeof(Head)) {
        throw Error(ErrorCode::TruncatedFile, "registry file " + shown_path(path) + " ends within its head (" +
                                                  std::to_string(file.size()) +
                                                  " of 64 bytes); restore it from a copy");
    }
    std::memcpy(&head, file.data(), sizeof(Head));
    // The version comes before the checksum: a newer format may lay out its head in another way.
    if (head.version > kVersion) {
        throw Error(ErrorCode::NewerFormat, "registry file " + shown_path(path) + " has format version " +
                                                std::to_string(head.version) + ", this allomatch reads up to " +
                                                std::to_string(kVersion) +
                                                "; upgrade allomatch, or index the donors again (if it is no newer "
                                                "one, its head is damaged: restore it from a copy)");
    }
    if (head.head_crc != crc32c(file.first(offsetof(Head, head_crc)))) {
        throw Error(ErrorCode::ChecksumMismatch, "the head of registry file " + shown_path(path) +
                                                     " does not have its checksum; restore the file from a copy");
    }
    if (head.version == 0) corrupt(path, "format version 0");
    if (file.size() != head.file_bytes) {
        throw Error(ErrorCode::TruncatedFile, "registry file " + shown_path(path) + " is " +
                                                  std::to_string(file.size()) + " bytes long, its head says " +
                                                  std::to_string(head.file_bytes) + "; restore it from a copy");
    }
    const std::uint64_t directory_bytes = std::uint64_t{head.block_count} * sizeof(Entry);
    if (head.directory_offset % kAlignment != 0 || head.directory_offset > file.size() ||
        directory_bytes != file.size() - head.directory_offset) {
        corrupt(path, "the directory lies outside the file");
    }
    const auto directory = file.subspan(head.directory_offset);
    if (crc32c(directory) != head.directory_crc) {
        throw Error(ErrorCode::ChecksumMismatch, "the directory of registry file " + shown_path(path) +
                                                     " does not have its checksum; restore the file from a copy");
    }
    parsed.entries.resize(head.block_count);
    if (!directory.empty()) std::memcpy(parsed.entries.data(), directory.data(), directory.size());
    for (const Entry& entry : parsed.entries) {
        const std::uint32_t width = element_bytes(entry.element);
        if (width == 0 || entry.bytes % width != 0 || entry.offset % kAlignment != 0 ||
            entry.offset > head.directory_offset || entry.bytes > head.directory_offset - entry.offset) {
            corrupt(path, "block " + shown(entry_name(entry)) + " lies outside the file");
        }
    }
    return parsed;
}

void check_padding(std::span<const std::byte> file, const Parsed& parsed, const std::string& path) {
    std::vector<std::pair<std::uint64_t, std::uint64_t>> covered{{0, sizeof(Head)}};
    for (const Entry& entry : parsed.entries) covered.emplace_back(entry.offset, entry.offset + entry.bytes);
    covered.emplace_back(parsed.head.directory_offset, file.size());
    std::sort(covered.begin(), covered.end());
    for (std::size_t i = 1; i < covered.size(); ++i) {
        for (std::uint64_t at = covered[i - 1].second; at < covered[i].first; ++at) {
            if (file[at] != std::byte{0})
                corrupt(path, "byte " + std::to_string(at) + ", between two blocks, is not zero");
        }
    }
}

void check_block(std::span<const std::byte> file, const Entry& entry, const std::string& path) {
    if (crc32c(file.subspan(entry.offset, entry.bytes)) == entry.crc) return;
    throw Error(ErrorCode::ChecksumMismatch,
                "block " + shown(entry_name(entry)) + " of registry file " + shown_path(path) + " (bytes " +
                    std::to_string(entry.offset) + " to " + std::to_string(entry.offset + entry.bytes) +
                    ") does not have its checksum; restore the file from a copy, or index the donors again");
}

}  // namespace allomatch::format
