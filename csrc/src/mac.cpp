// The table of multiple allele codes. See mac.hpp.
#include "allomatch/mac.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "allomatch/error.hpp"
#include "allomatch/kernel_choice.hpp"
#include "kernels/kernels.hpp"

namespace allomatch {
namespace {

// "01", "105N" of a generic code, "02:105N" of a specific one: a field or two, a suffix or none.
bool is_member(std::string_view text, bool specific) noexcept {
    if (!text.empty() && std::string_view("NLSCAQ").find(text.back()) != std::string_view::npos) text.remove_suffix(1);
    const std::size_t colon = text.find(':');
    if (specific != (colon != std::string_view::npos)) return false;
    return parse_field(text.substr(0, colon)) != 0 && (!specific || parse_field(text.substr(colon + 1)) != 0);
}

bool are_members(std::string_view list) noexcept {
    const bool specific = list.find(':') != std::string_view::npos;
    while (true) {
        const std::size_t end = list.find('/');
        if (!is_member(list.substr(0, end), specific)) return false;
        if (end == std::string_view::npos) return true;
        list.remove_prefix(end + 1);
    }
}

}  // namespace

std::shared_ptr<const MacTable> MacTable::from_text(std::string file, std::string text) {
    auto table = std::make_shared<MacTable>();
    table->own_text_ = std::move(text);
    const std::string_view all = table->own_text_;
    std::vector<Entry>& entries = table->own_entries_;
    if (all.size() > UINT32_MAX)
        throw Error(ErrorCode::BadReleaseFile,
                    shown_path(file) + " has more than 4 GiB; it is no file of allele codes");
    std::size_t number = 0;
    for (std::size_t at = 0; at < all.size();) {
        const std::size_t end = std::min(all.find('\n', at), all.size());
        std::string_view line = all.substr(at, end - at);
        ++number;
        const bool cut_short = end == all.size();
        at = end + 1;
        if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
        // The star of alpha.v3 says that the code lists whole names; they say so themselves.
        std::string_view rest = line;
        if (rest.starts_with("*\t")) rest.remove_prefix(2);
        if (rest.starts_with('\t')) rest.remove_prefix(1);
        const std::size_t tab = rest.find('\t');
        const std::uint32_t code = mac_code(rest.substr(0, tab));
        const std::string_view members = tab == std::string_view::npos ? std::string_view{} : rest.substr(tab + 1);
        const bool listed = code != 0 && !members.empty() && members.front() >= '0' && members.front() <= '9';
        if (line.empty() || (!listed && entries.empty())) continue;  // blank, or a heading
        if (listed && cut_short) {
            throw Error(ErrorCode::BadReleaseFile, shown_path(file) +
                                                       " ends in the middle of a line: it was cut short; "
                                                       "fetch the file of allele codes again");
        }
        if (!listed || !are_members(members)) {
            throw Error(ErrorCode::BadReleaseFile, shown_path(file) + ":" + std::to_string(number) +
                                                       ": expected 'CODE<tab>members': " + shown(line) +
                                                       "; fetch the file of allele codes again");
        }
        entries.push_back({code, static_cast<std::uint32_t>(members.data() - all.data()),
                           static_cast<std::uint32_t>(members.size())});
    }
    if (entries.empty()) {
        throw Error(ErrorCode::BadReleaseFile,
                    shown_path(file) + " holds no allele codes; fetch NMDP's numer.v3 or alpha.v3 file again");
    }
    const auto by_code = [](const Entry& a, const Entry& b) { return a.code < b.code; };
    std::stable_sort(entries.begin(), entries.end(), by_code);
    const auto twice = std::adjacent_find(entries.begin(), entries.end(),
                                          [](const Entry& a, const Entry& b) { return a.code == b.code; });
    if (twice != entries.end()) {
        throw Error(ErrorCode::BadReleaseFile, shown_path(file) + " has the code " + mac_letters(twice->code) +
                                                   " twice; fetch the file of allele codes again");
    }
    table->text_ = all;
    table->entries_ = entries;
    return table;
}

namespace {

// Magic with the version of the form, CRC-32C of the rest, number of codes; then the entries and the text.
constexpr std::string_view kMagic = "allomac\1";
using Head = std::array<std::uint32_t, 2>;
constexpr std::size_t kHeadSize = kMagic.size() + sizeof(Head);

std::uint32_t checksum(std::uint32_t count, std::string_view rest) {
    const auto& kernels = active_kernels();
    return kernels.crc32c(kernels.crc32c(0, &count, sizeof count), rest.data(), rest.size());
}

}  // namespace

std::string MacTable::to_cache() const {
    std::string rest(reinterpret_cast<const char*>(entries_.data()), entries_.size_bytes());
    rest += text_;
    const auto count = static_cast<std::uint32_t>(entries_.size());
    const Head head{checksum(count, rest), count};
    std::string bytes(kMagic);
    bytes.append(reinterpret_cast<const char*>(head.data()), sizeof head);
    return bytes + rest;
}

std::shared_ptr<const MacTable> MacTable::from_cache(const std::filesystem::path& path) {
    auto table = std::make_shared<MacTable>();
    const auto bytes = table->file_.emplace(path).bytes();
    const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    Head head{};
    if (all.size() < kHeadSize || !all.starts_with(kMagic)) return nullptr;
    std::memcpy(head.data(), all.data() + kMagic.size(), sizeof head);
    const auto [crc, count] = head;
    const std::string_view rest = all.substr(kHeadSize);
    const std::size_t entry_bytes = sizeof(Entry) * std::size_t{count};
    if (rest.size() < entry_bytes || checksum(count, rest) != crc) return nullptr;
    // A mapping begins at a page and the head is of 16 bytes: the cast meets the alignment of an entry.
    table->entries_ = {reinterpret_cast<const Entry*>(rest.data()), count};
    table->text_ = rest.substr(entry_bytes);
    return table;
}

std::optional<std::string_view> MacTable::members(std::uint32_t code) const noexcept {
    const auto it = std::lower_bound(entries_.begin(), entries_.end(), code,
                                     [](const Entry& entry, std::uint32_t wanted) { return entry.code < wanted; });
    if (it == entries_.end() || it->code != code) return std::nullopt;
    return text_.substr(it->offset, it->length);
}

MacTable::Expansion MacTable::expand(const Name& mac) const {
    Expansion expansion;
    const auto list = members(mac_code(mac));
    if (!list) return expansion;
    const bool specific = list->find(':') != std::string_view::npos;
    bool has_first = !specific;
    for (std::string_view rest = *list; !rest.empty();) {
        const std::size_t end = std::min(rest.find('/'), rest.size());
        const std::string_view member = rest.substr(0, end);
        rest = end < rest.size() ? rest.substr(end + 1) : std::string_view{};
        Name name;
        name.gene = mac.gene;
        std::size_t field = specific ? 0 : 1;
        if (!specific) name.fields[0] = mac.fields[0];
        for (const char c : member) {
            if (c == ':') {
                ++field;
            } else if (c >= '0' && c <= '9' && field < 4) {
                name.fields[field] = static_cast<std::uint16_t>(name.fields[field] * 10 + (c - '0'));
            } else {
                name.suffix = c;
            }
        }
        has_first = has_first || name.fields[0] == mac.fields[0];
        expansion.names.push_back(name);
    }
    if (!has_first) return {{}, true};
    std::sort(expansion.names.begin(), expansion.names.end());
    expansion.names.erase(std::unique(expansion.names.begin(), expansion.names.end()), expansion.names.end());
    return expansion;
}

}  // namespace allomatch
