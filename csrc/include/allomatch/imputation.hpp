// Imputation: the pairs of haplotypes that explain a person's typings, and how likely each is (SEMANTICS section 4).
//
// The weight of a diplotype {h, k} is f(h) f(k), twice that if they differ; with two populations f(h) g(k) + f(k) g(h).
// Haplotypes are grouped by the sides that they stand on (consistency.hpp): whole groups are compatible or not, so the
// total needs no pairs, and the best pairs come out of sorted groups one after the other.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "allomatch/consistency.hpp"
#include "allomatch/parallel_for.hpp"

namespace allomatch {

// The haplotypes that a person may have, by groups of equal sides.
class Candidates {
  public:
    struct Group {
        std::vector<std::uint16_t> sides;     // of each level
        std::vector<std::uint64_t> places;    // in the phased blocks
        std::vector<HaplotypeId> haplotypes;  // ascending
        double first = 0, second = 0;         // sums of their frequencies, in the two populations
        // How many have a frequency in the first population, in the second, in both.
        std::uint64_t of_first = 0, of_second = 0, of_both = 0;
    };
    struct GroupPair {
        std::uint32_t a, b;  // a <= b; compatible
    };

    Candidates(const HaplotypeSet& set, const Person& person);

    [[nodiscard]] std::span<const Group> groups() const noexcept { return groups_; }
    [[nodiscard]] std::span<const GroupPair> pairs() const noexcept { return pairs_; }
    // The sum of all weights; 0 if the person is not represented.
    [[nodiscard]] double total() const noexcept { return total_; }
    // Of those with a weight above 0.
    [[nodiscard]] std::uint64_t diplotype_count() const noexcept { return diplotypes_; }

  private:
    std::vector<Group> groups_;
    std::vector<GroupPair> pairs_;
    double total_ = 0;
    std::uint64_t diplotypes_ = 0;
};

struct Diplotype {
    HaplotypeId first, second;  // first <= second
    double weight;
};

inline constexpr std::uint64_t kAllDiplotypes = UINT64_MAX;
// More than these are not listed at once.
inline constexpr std::uint64_t kMostDiplotypes = 100'000'000;

// The best `most` diplotypes, by weight, then by haplotypes. Throws TooManyValues if that is more than kMostDiplotypes.
[[nodiscard]] std::vector<Diplotype> best_diplotypes(const HaplotypeSet& set, const Candidates& candidates,
                                                     std::uint64_t most, const Cancel& cancel);

// Diplotypes collapsed over phase, and over the levels left out: an unordered pair of classes at each level.
struct GenotypeList {
    std::vector<std::size_t> levels;
    std::vector<ClassId> classes;  // 2 * levels.size() of each genotype, ascending within a level
    std::vector<double> weights;
};
// All of them, by weight, then by classes. Throws TooManyValues as best_diplotypes does.
[[nodiscard]] GenotypeList genotypes(const HaplotypeSet& set, const Candidates& candidates,
                                     std::span<const std::size_t> levels, const Cancel& cancel);

// The genotypes at one level by the positions of the typing: the class at its first position, at its second one, and
// how likely. Where both readings of a pair are possible each has half of it. Sorted by classes.
struct PositionGenotype {
    ClassId first, second;
    double probability;
};
[[nodiscard]] std::vector<PositionGenotype> position_genotypes(const HaplotypeSet& set, const Candidates& candidates,
                                                               const Person& person, std::size_t level);

}  // namespace allomatch
