// Nomenclature: the names of HLA alleles and groups, and what a release of IPD-IMGT/HLA says they stand for.
//
// Two layers. `Name` is pure syntax (an allele of 1-4 fields, a G or P group, an XX code): reading one needs no data.
// `Nomenclature` gives names their meaning: the set of ARD groups that matching compares (SEMANTICS sections 1 and 2),
// either under a release (its P groups; an allele outside any P group is its own two-field group) or, without any data,
// by the first two fields.
//
// Invariants: a Nomenclature is immutable and may be shared by any number of threads. Alleles of a locus are sorted by
// their numeric fields, so every cut of a name ("A*02:01") and every XX code is one contiguous range.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace allomatch {

enum class Locus : std::uint8_t { A, B, C, DRB1, DRB3, DRB4, DRB5, DQA1, DQB1, DPA1, DPB1 };
inline constexpr std::size_t kLocusCount = 11;

[[nodiscard]] constexpr std::size_t index_of(Locus locus) noexcept {
    return static_cast<std::size_t>(locus);
}
[[nodiscard]] std::string_view locus_name(Locus locus) noexcept;
// Any case; nullopt if it is none of the eleven.
[[nodiscard]] std::optional<Locus> find_locus(std::string_view text) noexcept;
[[nodiscard]] Locus require_locus(std::string_view text);  // throws UnknownLocus, naming the known ones

enum class NameKind : std::uint8_t { Allele, GGroup, PGroup, XxCode };

// One name at a known locus, as syntax. Absent fields are 0; the suffix is 0 or one of N L S C A Q (alleles only).
struct Name {
    std::array<std::uint16_t, 4> fields{};
    NameKind kind = NameKind::Allele;
    char suffix = 0;

    auto operator<=>(const Name&) const = default;
    [[nodiscard]] std::size_t field_count() const noexcept;
};

// Reads "02:01:01N", "A*02:01", "HLA-A*02:XX", "A*01:01:01G"... at `locus`. Throws MalformedTyping (with value, locus,
// remedy).
[[nodiscard]] Name parse_name(Locus locus, std::string_view text);
[[nodiscard]] std::string to_text(Locus locus, const Name& name);

// A name that says its locus: "A*02:01", "HLA-DRB1*04:XX". Throws MalformedTyping, UnknownLocus.
struct NameAtLocus {
    Locus locus;
    Name name;
};
[[nodiscard]] NameAtLocus parse_name_with_locus(std::string_view text);
// "DRB1" of "HLA-DRB1*04:01"; empty if the text names no locus.
[[nodiscard]] std::string_view locus_part(std::string_view text) noexcept;

// ---- ARD groups
// -----------------------------------------------------------------------------------------------------------

struct GroupId {
    std::uint32_t value;
    auto operator<=>(const GroupId&) const = default;
};

// A plain dense bitset over the groups of one locus; the words are what the kernels read.
class GroupBits {
  public:
    explicit GroupBits(std::size_t size) : words_((size + 63) / 64) {}
    void set(GroupId group) noexcept { words_[group.value >> 6U] |= std::uint64_t{1} << (group.value & 63U); }
    void set_range(std::size_t first, std::size_t last) noexcept;
    void clear() noexcept;
    [[nodiscard]] std::span<const std::uint64_t> words() const noexcept { return words_; }

  private:
    std::vector<std::uint64_t> words_;
};

struct ReleaseLocus;  // the tables of one locus of a release; private to nomenclature.cpp

// What a name stands for, besides the groups that were added to the bits.
enum class Expression : std::uint8_t {
    Unknown,       // the release has no such name
    Expressed,     // groups were added
    Null,          // no protein, no groups
    PossiblyNull,  // groups were added, and null alleles are among the members (an XX code, a G group)
};

// The groups of one locus that a set of typings can speak of. Under a release that is all its groups; without data (an
// open world) it is the groups named by the typings, and for every first field four more that nobody named: an XX code
// may always stand for an allele that nobody mentioned. Four are as good as infinitely many: in a comparison each of
// the four positions has at most three others to differ from, so a set of four can always be given a value unlike the
// others.
class GroupSpace {
  public:
    static constexpr std::size_t kUnnamed = 4;

    // Number of groups, the `kUnnamed` last of which belong to no first field ("an allele not yet named").
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::string group_text(GroupId group) const;
    // Adds what `name` stands for to `bits` (of this size).
    [[nodiscard]] Expression add_name(const Name& name, GroupBits& bits) const;
    // True if typings with this name can be interpreted in this space without building another one.
    [[nodiscard]] bool covers(const Name& name) const noexcept;

  private:
    friend class Nomenclature;
    Locus locus_ = Locus::A;
    std::shared_ptr<const ReleaseLocus> release_;  // null in the open world
    std::vector<std::uint32_t> two_field_;         // open world: sorted first << 16 | second
    std::size_t size_ = 0;
};

// ---- releases
// -------------------------------------------------------------------------------------------------------------

// The official files of a release, as text.
struct ReleaseFiles {
    std::string_view allele_list;  // Allelelist.txt
    std::string_view p_groups;     // wmda/hla_nom_p.txt
    std::string_view g_groups;     // wmda/hla_nom_g.txt
};

enum class Level : std::uint8_t { Ard, PGroup, GGroup, TwoField, FirstField };

class Nomenclature {
  public:
    [[nodiscard]] static std::shared_ptr<const Nomenclature> two_field();
    // Throws BadReleaseFile, naming file, line and value.
    [[nodiscard]] static std::shared_ptr<const Nomenclature> from_files(std::string release, const ReleaseFiles& files);

    // "3.58.0", or "two-field" for the embedded one.
    [[nodiscard]] const std::string& release() const noexcept { return release_; }
    [[nodiscard]] std::size_t allele_count() const noexcept;
    [[nodiscard]] bool has_data() const noexcept { return !loci_.empty(); }

    [[nodiscard]] GroupSpace group_space(Locus locus, std::span<const Name> names) const;

    // The following take one name and throw UnknownName (value, locus, release) when the release lacks it.
    [[nodiscard]] bool knows(Locus locus, const Name& name) const;
    [[nodiscard]] bool is_null(Locus locus, const Name& name) const;
    // The reductions at `level`: one text for most names, several where the members differ; sorted as names.
    [[nodiscard]] std::vector<std::string> reduce(Locus locus, const Name& name, Level level) const;
    // Full names of the release that `name` stands for; without data, the name itself. Sorted as names.
    [[nodiscard]] std::vector<std::string> expand(Locus locus, const Name& name) const;
    [[noreturn]] void throw_unknown(Locus locus, const Name& name) const;

  private:
    std::string release_;
    std::vector<std::shared_ptr<const ReleaseLocus>> loci_;  // kLocusCount of them, or none
};

}  // namespace allomatch
