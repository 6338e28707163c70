// The binary form of a release: its tables end to end, so that opening one is copying and deriving, not parsing.
//
// Layout: magic with the version of the form, CRC-32C of the rest, then counts and arrays in the order of `visit`. A
// file that does not check, or that was made from other files (`stamp`), is no error: the official files are read
// again.
#include <array>
#include <cstring>
#include <type_traits>

#include "allomatch/kernel_choice.hpp"
#include "allomatch/nomenclature.hpp"
#include "kernels/kernels.hpp"
#include "release_tables.hpp"

namespace allomatch {
namespace {

constexpr std::string_view kMagic = "allonom\4";

std::uint32_t checksum(std::string_view bytes) {
    return active_kernels().crc32c(0, bytes.data(), bytes.size());
}

class Writer {
  public:
    explicit Writer(std::string& out) : out_(out) {}
    void text(const std::string& value) {
        number(value.size());
        out_.append(value);
    }
    template <typename T>
    void array(const std::vector<T>& values) {
        // No padding: equal tables are equal bytes.
        static_assert(std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T>);
        number(values.size());
        out_.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    }
    void flag(bool value) { out_.push_back(value ? '\1' : '\0'); }

  private:
    void number(std::uint64_t value) { out_.append(reinterpret_cast<const char*>(&value), sizeof value); }
    std::string& out_;
};

// Reads what Writer wrote; `ok` turns false where the bytes end too early.
class Reader {
  public:
    explicit Reader(std::string_view bytes) : bytes_(bytes) {}
    void text(std::string& value) {
        const std::size_t n = number(1);
        value = bytes_.substr(0, n);
        bytes_.remove_prefix(n);
    }
    template <typename T>
    void array(std::vector<T>& values) {
        const std::size_t n = number(sizeof(T));
        values.resize(n);
        if (n > 0) std::memcpy(values.data(), bytes_.data(), n * sizeof(T));
        bytes_.remove_prefix(n * sizeof(T));
    }
    void flag(bool& value) {
        if (bytes_.empty()) {
            ok = false;
            return;
        }
        value = bytes_.front() != '\0';
        bytes_.remove_prefix(1);
    }
    bool ok = true;
    [[nodiscard]] bool at_end() const noexcept { return bytes_.empty(); }

  private:
    std::size_t number(std::size_t element) {
        std::uint64_t value = 0;
        if (bytes_.size() < sizeof value) {
            ok = false;
            return 0;
        }
        std::memcpy(&value, bytes_.data(), sizeof value);
        bytes_.remove_prefix(sizeof value);
        if (value > bytes_.size() / element) {
            ok = false;
            return 0;
        }
        return value;
    }
    std::string_view bytes_;
};

// What is kept of a locus; the rest is derived. `Locus` is const for a Writer.
template <typename Way, typename Tables>
void visit(Way& way, Tables& t) {
    way.array(t.alleles);
    way.array(t.p_group);
    way.array(t.g_group);
    way.array(t.full_gdna);
    way.array(t.tce);
    way.array(t.p_names);
    way.array(t.g_names);
    way.array(t.antigens);
    way.array(t.broad);
    way.array(t.associated);
    way.array(t.allele_antigens.offsets);
    way.array(t.allele_antigens.values);
    way.array(t.renamed);
    way.array(t.version2);
    way.flag(t.has_serology);
    way.flag(t.has_renamed);
}

}  // namespace

std::string Nomenclature::to_cache(std::string_view stamp) const {
    std::string body;
    Writer writer(body);
    writer.text(std::string(stamp));
    writer.text(release_);
    for (std::size_t l = 0; l + 1 < loci_.size(); ++l) visit(writer, *loci_[l]);
    const std::uint32_t crc = checksum(body);
    std::string out(kMagic);
    out.append(reinterpret_cast<const char*>(&crc), sizeof crc);
    return out + body;
}

std::shared_ptr<const Nomenclature> Nomenclature::from_cache(std::span<const std::byte> bytes, std::string_view stamp,
                                                             std::shared_ptr<const MacTable> macs) {
    const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    std::uint32_t crc = 0;
    if (all.size() < kMagic.size() + sizeof crc || !all.starts_with(kMagic)) return nullptr;
    std::memcpy(&crc, all.data() + kMagic.size(), sizeof crc);
    const std::string_view body = all.substr(kMagic.size() + sizeof crc);
    Reader reader(body);
    std::string made_from;
    reader.text(made_from);
    if (!reader.ok || made_from != stamp || checksum(body) != crc) return nullptr;
    auto result = std::make_shared<Nomenclature>();
    result->macs_ = std::move(macs);
    reader.text(result->release_);
    std::vector<std::shared_ptr<ReleaseLocus>> loci;
    for (std::size_t l = 0; l + 1 < kLocusCount; ++l) {
        auto tables = std::make_shared<ReleaseLocus>();
        tables->locus = static_cast<Locus>(l);
        visit(reader, *tables);
        loci.push_back(std::move(tables));
    }
    if (!reader.ok || !reader.at_end()) return nullptr;
    result->loci_ = completed(loci);
    return result;
}

namespace {

template <typename T>
std::size_t bytes_of(const std::vector<T>& values) noexcept {
    return values.capacity() * sizeof(T);
}

std::size_t bytes_of(const Lists& lists) noexcept {
    return bytes_of(lists.offsets) + bytes_of(lists.values);
}

// Adds up what `visit` goes over.
struct Sizer {
    std::size_t total = 0;
    template <typename T>
    void array(const std::vector<T>& values) noexcept {
        total += bytes_of(values);
    }
    void flag(bool) noexcept { ++total; }
};

}  // namespace

std::size_t Nomenclature::memory_bytes() const noexcept {
    Sizer sizer;
    for (const auto& locus : loci_) {
        visit(sizer, *locus);
        sizer.total += bytes_of(locus->keys) + bytes_of(locus->suffixes) + bytes_of(locus->shelves) +
                       bytes_of(locus->second_begins) + bytes_of(locus->protein) + bytes_of(locus->protein_first) +
                       bytes_of(locus->p_members) + bytes_of(locus->g_members) + bytes_of(locus->small_g_nulls) +
                       bytes_of(locus->null_small_g) + bytes_of(locus->antigen_alleles) + locus->level_names_bytes();
        for (const auto& groups : locus->groups) {
            sizer.total += bytes_of(groups.of_allele) + bytes_of(groups.texts);
            for (const std::string& text : groups.texts) sizer.total += text.capacity() > 15 ? text.capacity() + 1 : 0;
        }
    }
    return sizer.total;
}

}  // namespace allomatch
