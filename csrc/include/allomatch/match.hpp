// Match: the counting rules of one locus. The only place that knows them; search and prediction call it.
//
// Two ways to the same counts (SEMANTICS section 2). `count` is exact for any two typings: fewest and most mismatches
// in both directions over every pair of resolutions. `least_by_overlap` gives the fewest bidirectional mismatches from
// five bits about each of the donor's positions; a search computes these bits once per position and looks typings up in
// it.
//
// Invariant: where both apply they agree; the tests hold both against the Python oracle.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "allomatch/phenotype.hpp"

namespace allomatch {

enum class NullPolicy : std::uint8_t { Explicit, Possible };
enum class Direction : std::uint8_t { Both, Gvh, Hvg };

// Fewest and most mismatches at a locus (0..2 each), or summed over loci.
struct Counts {
    std::uint8_t least = 0, greatest = 0;
    std::uint8_t gvh_least = 0, gvh_greatest = 0;
    std::uint8_t hvg_least = 0, hvg_greatest = 0;

    [[nodiscard]] std::uint8_t least_in(Direction direction) const noexcept;
    [[nodiscard]] std::uint8_t greatest_in(Direction direction) const noexcept;
    Counts& operator+=(const Counts& other) noexcept {
        const auto plus = [](std::uint8_t a, std::uint8_t b) { return static_cast<std::uint8_t>(a + b); };
        return *this = {plus(least, other.least),         plus(greatest, other.greatest),
                        plus(gvh_least, other.gvh_least), plus(gvh_greatest, other.gvh_greatest),
                        plus(hvg_least, other.hvg_least), plus(hvg_greatest, other.hvg_greatest)};
    }
    auto operator<=>(const Counts&) const = default;
};

// One genotype after the null rule.
enum class GenotypeKind : std::uint8_t {
    Pair,        // any of `first` with any of `second`
    Homozygous,  // the same group of `first` twice: the other position is null
    Nothing,     // both positions null: nothing is expressed
};
struct GenotypeSets {
    GenotypeKind kind = GenotypeKind::Nothing;
    GroupSet first, second;
};

// The genotypes that a typing allows under `policy`; an untyped locus allows anything. Alternatives stay apart.
// A typing of which the nomenclature knows nothing counts as untyped.
class LocusGenotypes {
  public:
    LocusGenotypes(const Interpretation& interpretation, std::span<const PositionPair> alternatives, NullPolicy policy);
    [[nodiscard]] std::span<const GenotypeSets> all() const noexcept {
        return many_.empty() ? std::span(few_).first(count_) : std::span(many_);
    }

  private:
    void add(GenotypeKind kind, GroupSet first, GroupSet second = {});
    void add_anything(const Interpretation& interpretation);
    // Nearly every typing has one genotype; the vector takes over for the rest.
    std::array<GenotypeSets, 4> few_{};
    std::vector<GenotypeSets> many_;
    std::size_t count_ = 0;
};

[[nodiscard]] Counts count(std::span<const GenotypeSets> patient, std::span<const GenotypeSets> donor) noexcept;

// Whether two sets share a group.
[[nodiscard]] bool meet(const GroupSet& a, const GroupSet& b) noexcept;

// ---- fewest mismatches from overlaps
// --------------------------------------------------------------------------------------

namespace overlap {
inline constexpr std::uint8_t kFirst = 1;      // shares a group with the patient's first position
inline constexpr std::uint8_t kSecond = 2;     // ... with the second one
inline constexpr std::uint8_t kCommon = 4;     // ... with both at once: one group that is in all three
inline constexpr std::uint8_t kExpressed = 8;  // may be expressed
inline constexpr std::uint8_t kNull = 16;      // may be null, where the policy counts it
inline constexpr std::size_t kValues = 32;
}  // namespace overlap

// table[a * kValues + b]: fewest mismatches of a donor genotype with overlaps a and b against one patient genotype.
using OverlapTable = std::array<std::uint8_t, overlap::kValues * overlap::kValues>;
[[nodiscard]] const OverlapTable& least_by_overlap(GenotypeKind patient) noexcept;
// The bits kExpressed and kNull of a position under `policy`.
[[nodiscard]] std::uint8_t expression_bits(const PositionMeaning& position, NullPolicy policy) noexcept;
// False where five bits do not decide: a homozygous patient of several possible groups.
[[nodiscard]] bool overlap_decides(const GenotypeSets& patient) noexcept;

}  // namespace allomatch
