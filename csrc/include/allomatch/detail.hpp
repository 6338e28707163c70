// Detail: how well two typings of a locus match, position by position (SEMANTICS section 3).
//
// Beside the counts of match.hpp: a grade, a confidence and an antigen match for each of the patient's positions in the
// better of the two orientations, the T-cell epitope groups of DPB1, and two published two-way splits, the leader of B
// and the expression of DPB1 (two_way.hpp).
//
// What a typing's positions are is worked out once a position (`PositionFacts`), for whole dictionaries of typings;
// comparing two typings then touches no name. `LocusComparison` is immutable and may be shared by threads; an `Against`
// belongs to one of them and remembers what a patient's positions are against each of the donors'.
//
// Invariant: the same results as tests/reference/detail.py, which states the rules in plain Python.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "allomatch/match.hpp"

namespace allomatch {

// In the order of their worth; the last two take the place of a mismatch at DPB1.
enum class Grade : std::uint8_t {
    Mismatch,
    ExpressedVsNull,
    Unknown,
    Broad,
    Split,
    Associated,
    NullVsNull,
    PGroup,
    GGroup,
    Protein,  // the same first two fields
    CDna,     // the same first three fields
    GDna,     // the same allele, of which the full genomic sequence is known
    Permissive,
    NonPermissive,
};
enum class Confidence : std::uint8_t { Mismatch, Potential, Exact, Definite };
enum class AntigenMatch : std::uint8_t { No, Yes, Unknown };
enum class Category : std::uint8_t {
    Match,
    Potential,
    Mismatch,
    PermissiveMismatch,
    NonPermissiveGvh,
    NonPermissiveHvg
};
// Of the epitopes of DPB1; `None` at other loci.
enum class Verdict : std::uint8_t { None, Unknown, Matched, Permissive, NonPermissiveGvh, NonPermissiveHvg };
// B: First is methionine (M), Second threonine (T). DPB1: First is high expression, Second low.
enum class Marker : std::uint8_t { Unknown, First, Second };
enum class MarkerPair : std::uint8_t { Unknown, FirstFirst, FirstSecond, SecondSecond };

// Bytes only, so that a column of one of them is a stride through an array of these.
struct LocusDetail {
    Counts counts;
    Category category = Category::Match;
    bool crossed = false;  // the patient's first position is paired with the donor's second
    // At the patient's positions in their canonical order.
    std::array<Grade, 2> grades{};
    std::array<Confidence, 2> confidences{};
    std::array<AntigenMatch, 2> antigens{};
    // Patient, donor.
    Verdict verdict = Verdict::None;
    std::array<std::uint8_t, 2> tce{};  // 1 to 3; 0: not known
    std::array<MarkerPair, 2> markers{};
    bool one_mismatch = false;           // exactly one position is mismatched, and each side has one genotype
    std::array<Marker, 2> mismatched{};  // then: the markers of the two mismatched alleles

    auto operator<=>(const LocusDetail&) const = default;
};

struct PositionFacts;
struct LocusFacts;

class LocusComparison {
  public:
    // Both dictionaries are of one locus and must outlive this.
    LocusComparison(const Nomenclature& nomenclature, const DictionaryView& patients, const DictionaryView& donors,
                    NullPolicy policy, Profile profile = Profile::Standard);
    ~LocusComparison();
    LocusComparison(const LocusComparison&) = delete;
    LocusComparison& operator=(const LocusComparison&) = delete;
    LocusComparison(LocusComparison&&) = delete;
    LocusComparison& operator=(LocusComparison&&) = delete;

    // A position of which the nomenclature knows no name; nullopt if there is none. Such a typing counts as untyped.
    [[nodiscard]] std::optional<PositionId> unknown_of_patient(TypingId typing) const noexcept;
    [[nodiscard]] std::optional<PositionId> unknown_of_donor(TypingId typing) const noexcept;

  private:
    friend class Against;
    Locus locus_;
    NullPolicy policy_;
    std::unique_ptr<const LocusFacts> patients_, donors_;
};

// One patient's typing against any of the donors'.
class Against {
  public:
    // `remember`: what positions are against each other; it pays if there are hundreds of donors.
    Against(const LocusComparison& comparison, TypingId patient, bool remember);
    [[nodiscard]] LocusDetail compare(TypingId donor);

  private:
    struct Position {  // one of the patient's positions beside one of the donor's
        Grade grade;
        Confidence confidence;
        AntigenMatch antigen;
    };
    struct Paired {
        bool crossed;
        std::array<Position, 2> positions;
        [[nodiscard]] std::uint32_t worth() const noexcept;
    };
    [[nodiscard]] Position position(const PositionPair& patient, std::size_t p, const PositionPair& donor,
                                    std::size_t d);
    [[nodiscard]] Paired pair_up(const PositionPair& patient, const PositionPair& donor);

    const LocusComparison& comparison_;
    std::span<const PositionPair> patient_;
    LocusGenotypes genotypes_;
    bool untyped_;
    std::uint8_t tce_;
    MarkerPair markers_;
    // Of each of the patient's positions beside each of the donor's, once it was asked for. Bits 0-3 grade, 4-5
    // confidence, 6-7 antigens, plus one; 0: not asked yet.
    std::vector<std::uint16_t> remembered_;
};

// One pair of typings. Throws UnknownName if the nomenclature does not know the patient's; a donor's that it does not
// know is an error too if `donor_required`, else untyped, as in a search.
[[nodiscard]] LocusDetail match_detail(const Typing& patient, const Typing& donor, Locus locus,
                                       const Nomenclature& nomenclature, NullPolicy policy, bool donor_required = true,
                                       Profile profile = Profile::Standard);

}  // namespace allomatch
