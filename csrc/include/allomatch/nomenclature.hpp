// Nomenclature: what names stand for, under a release of IPD-IMGT/HLA or, without any data, by their first two fields.
//
// Matching compares groups of alleles (SEMANTICS section 2). At the level of the ARD that is the P group, or outside
// any P group the first two fields; a search may also compare two-field proteins, or antigens (`MatchLevel`). A
// Nomenclature turns a name into a set of such groups.
//
// Invariants: a Nomenclature is immutable and may be shared by any number of threads. Alleles of a locus are sorted by
// their numeric fields, so every cut of a name ("A*02:01") and every XX code is one contiguous range.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "allomatch/error.hpp"
#include "allomatch/name.hpp"

namespace allomatch {

// ---- groups
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

struct ReleaseLocus;  // the tables of one locus of a release; private to the nomenclature
class MacTable;

// What a name stands for, besides the groups that were added to the bits.
enum class Expression : std::uint8_t {
    Unknown,       // the release has no such name
    Expressed,     // groups were added
    Null,          // no protein, no groups
    PossiblyNull,  // groups were added, and null alleles are among the members (an XX code, a G group)
};

// What two alleles must share to match.
enum class MatchLevel : std::uint8_t { Ard, Allele, Antigen };
inline constexpr std::size_t kMatchLevels = 3;

// The rules of whom (SEMANTICS section 2, last paragraph). Atlas: NEW matches nothing, and one unknown member makes a
// whole string or code unknown.
enum class Profile : std::uint8_t { Standard, Atlas };
enum class Side : std::uint8_t { Donor, Patient };
struct Reading {
    Profile profile = Profile::Standard;
    Side side = Side::Donor;  // under Atlas a NEW of the patient is unlike a NEW of the donor
};

// The groups of one locus that a set of typings can speak of. Under a release that is all its groups; without data (an
// open world) it is the groups named by the typings, and for every first field four more that nobody named: an XX code
// may always stand for an allele that nobody mentioned. Four are as good as infinitely many: in a comparison each of
// the four positions has at most three others to differ from, so a set of four can always be given a value unlike the
// others. NEW ("an allele not yet named") has four of its own for its first field, in either world.
class GroupSpace {
  public:
    static constexpr std::size_t kUnnamed = 4;

    // Number of groups, the `kUnnamed` last of which belong to no first field ("an allele not yet named").
    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] MatchLevel level() const noexcept { return level_; }
    [[nodiscard]] std::string group_text(GroupId group) const;
    // Adds what `name` stands for to `bits` (of this size).
    [[nodiscard]] Expression add_name(const Name& name, GroupBits& bits, const Reading& reading = {}) const;
    // True if typings with this name can be interpreted in this space without building another one.
    [[nodiscard]] bool covers(const Name& name) const;

  private:
    friend class Nomenclature;
    Locus locus_ = Locus::A;
    MatchLevel level_ = MatchLevel::Ard;
    std::shared_ptr<const ReleaseLocus> release_;  // null in the open world
    std::shared_ptr<const MacTable> macs_;
    std::vector<std::uint64_t> two_field_;   // open world: sorted keys of groups, see group_space.cpp
    std::vector<std::uint32_t> new_fields_;  // sorted: gene and first field of each NEW that is named
    std::size_t size_ = 0;
};

// ---- releases
// -------------------------------------------------------------------------------------------------------------

// The official files of a release, as text. Empty: not there; what needs it is then an error that says so.
struct ReleaseFiles {
    std::string_view allele_list = {};         // Allelelist.txt
    std::string_view p_groups = {};            // wmda/hla_nom_p.txt
    std::string_view g_groups = {};            // wmda/hla_nom_g.txt
    std::string_view deleted = {};             // Deleted_alleles.txt
    std::string_view status = {};              // Allele_status.txt
    std::string_view old_names = {};           // Nomenclature_2009.txt
    std::string_view dna_serology = {};        // wmda/rel_dna_ser.txt
    std::string_view serology_relations = {};  // wmda/rel_ser_ser.txt
    std::string_view tce = {};                 // tce/dpb_tce.csv
};

enum class Level : std::uint8_t { Ard, PGroup, GGroup, SmallG, TwoField, FirstField, Serology };

struct AlleleId {
    std::uint32_t value;  // place among the alleles of its locus, in the order of names
    auto operator<=>(const AlleleId&) const = default;
};
struct AntigenId {
    std::uint32_t value;  // place among the antigens of its locus, by number
    auto operator<=>(const AntigenId&) const = default;
};

// What a release says of one allele.
struct AlleleFacts {
    Name name;
    std::optional<std::uint32_t> p_group, g_group;  // equal numbers, equal groups
    std::uint32_t protein;                          // first two fields (with N if null): equal numbers, equal proteins
    bool full_gdna;                                 // Allele_status: the full genomic sequence is known
    std::uint8_t tce;                               // DPB1: 1, 2 or 3; 0: not assigned (version 2 of dpb_tce)
    std::span<const AntigenId> antigens;            // SEMANTICS section 1, serology

    [[nodiscard]] bool null() const noexcept { return name.suffix == 'N'; }
};

// How an antigen relates to others of its locus.
struct AntigenFacts {
    std::uint16_t number;
    std::optional<AntigenId> broad;       // it is a split of this one
    std::optional<AntigenId> associated;  // it is an associated antigen of this one
    std::vector<AntigenId> splits;        // it is a broad of these
};

// Something about the reading of a name that is no error: it was carried to another name, or members were dropped.
struct Note {
    ErrorCode code;
    std::string message;
    bool operator==(const Note&) const = default;
};

// A reduced name as it is written at a level: a first field is "A*02" there, not "A*02:XX".
void append_reduced_text(std::string& text, Locus locus, const Name& name, Level level);

class Nomenclature {
  public:
    // `macs` may be null: multiple allele codes are then unknown.
    [[nodiscard]] static std::shared_ptr<const Nomenclature> two_field(std::shared_ptr<const MacTable> macs = nullptr);
    // Throws BadReleaseFile, naming file, line and value.
    [[nodiscard]] static std::shared_ptr<const Nomenclature> from_files(std::string release, const ReleaseFiles& files,
                                                                        std::shared_ptr<const MacTable> macs = nullptr);
    // The binary form (release_cache.cpp). `stamp` says what it was made from; nullptr if the bytes are of another
    // stamp, another version of the form, or damaged: then read the files.
    [[nodiscard]] static std::shared_ptr<const Nomenclature> from_cache(std::span<const std::byte> bytes,
                                                                        std::string_view stamp,
                                                                        std::shared_ptr<const MacTable> macs = nullptr);
    [[nodiscard]] std::string to_cache(std::string_view stamp) const;

    // "3.58.0", or "two-field" for the embedded one.
    [[nodiscard]] const std::string& release() const noexcept { return release_; }
    // Of the eleven loci of genes.
    [[nodiscard]] std::size_t allele_count() const noexcept;
    [[nodiscard]] bool has_data() const noexcept { return !loci_.empty(); }
    [[nodiscard]] bool has_macs() const noexcept { return macs_ != nullptr; }
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

    [[nodiscard]] GroupSpace group_space(Locus locus, std::span<const Name> names,
                                         MatchLevel level = MatchLevel::Ard) const;

    // The following take one name and throw UnknownName (value, locus, release) when the release lacks it.
    [[nodiscard]] bool knows(Locus locus, const Name& name) const;
    [[nodiscard]] bool is_null(Locus locus, const Name& name) const;
    // The reductions at `level`: one text for most names, several where the members differ; sorted as names.
    [[nodiscard]] std::vector<std::string> reduce(Locus locus, const Name& name, Level level) const;
    // The same of a position as names, sorted; those that the release lacks are left out. False if it has none of them.
    // A first field is an XX code here.
    [[nodiscard]] bool reduce_names(Locus locus, std::span<const Name> names, Level level,
                                    std::vector<Name>& out) const;
    // Full names of the release that `name` stands for; without data, the name itself. Sorted as names.
    [[nodiscard]] std::vector<std::string> expand(Locus locus, const Name& name) const;
    // The name that the release has for an allele under an old, renamed or deleted name; the name itself if it has it.
    [[nodiscard]] Name current_name(Locus locus, const Name& name) const;
    // What was done to read `names` (a position): names carried on, unknown members dropped, nothing that is an error.
    [[nodiscard]] std::vector<Note> notes(Locus locus, std::span<const Name> names) const;
    [[noreturn]] void throw_unknown(Locus locus, const Name& name) const;

    // Alleles and antigens one by one; only with data. Ids are in [0, count).
    [[nodiscard]] std::size_t allele_count(Locus locus) const noexcept;
    [[nodiscard]] AlleleFacts allele(Locus locus, AlleleId id) const noexcept;
    // Every allele that `name` stands for, once, ascending; none if it is unknown (or absent).
    [[nodiscard]] std::vector<AlleleId> members(Locus locus, const Name& name) const;
    [[nodiscard]] std::size_t antigen_count(Locus locus) const noexcept;
    [[nodiscard]] AntigenFacts antigen(Locus locus, AntigenId id) const;
    [[nodiscard]] std::optional<AntigenId> find_antigen(Locus locus, std::uint16_t number) const noexcept;

  private:
    friend class Reducer;
    // How messages call it.
    [[nodiscard]] std::string under_release() const;
    [[nodiscard]] const ReleaseLocus& tables(Locus locus) const noexcept { return *loci_[index_of(locus)]; }

    std::string release_;
    std::vector<std::shared_ptr<const ReleaseLocus>> loci_;  // kLocusCount of them, or none
    std::shared_ptr<const MacTable> macs_;
};

}  // namespace allomatch
