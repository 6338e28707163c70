// Consistency: which haplotypes of a set a person may have, and which two of them together (SEMANTICS section 4).
//
// At a locus a typing says of every class which *side* it is on: the positions, of which alternatives, that it may
// stand at. Two haplotypes explain the typing together if their sides are compatible at every locus. Loci that a GL
// string joins by '~' are one *block*: a haplotype must stand at the same places, of which alternatives, at all of
// these loci at once, and another one at the places across.
//
// Invariants: a side of 0 is "not possible". For a typing of one genotype the sides are 1 (first position only), 2
// (second only) and 3 (either).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "allomatch/haplotypes.hpp"
#include "allomatch/phenotype.hpp"

namespace allomatch {

// The genotype that a typing leaves, if it leaves one whatever is in the set.
struct CertainGenotype {
    std::array<Name, 2> alleles;  // in the order of the positions of its first alternative
    bool either_way = false;      // whether another alternative has them the other way round
};

// The sides of the classes at one locus.
struct LocusSides {
    std::vector<std::uint16_t> of_class;
    std::uint16_t count = 0;               // sides are 1 .. count
    std::vector<std::uint8_t> compatible;  // [a * (count + 1) + b]
    std::optional<CertainGenotype> certain;
    bool untyped = false;
    std::size_t alternatives = 0;  // genotypes of the typing, or diplotypes of its block
    // By the typing alone, whatever its phase: the side of each class, and whether a class of side a may stand at the
    // first position while one of side b stands at the second, [a * row + b].
    struct Standing {
        std::vector<std::uint16_t> of_class;
        std::vector<std::uint8_t> reads;
        std::size_t row = 0;
        [[nodiscard]] bool allows(std::size_t first, std::size_t second) const noexcept {
            return reads[of_class[first] * row + of_class[second]] != 0;
        }
    };
    [[nodiscard]] Standing standing() const;
    std::vector<std::uint8_t> reads;  // as Standing's; empty for a typing of one genotype
    std::optional<Standing> phased;   // the typing's own, where a phase has taken the place of its sides

    [[nodiscard]] bool fit(std::uint16_t a, std::uint16_t b) const noexcept {
        return compatible[a * (count + 1U) + b] != 0;
    }
};

// Several loci in phase. The alternatives of a block have two places each: a bit each, in pairs.
class PhasedBlock {
  public:
    // `places`: of each level, of each of its sides (0: none), as many words.
    PhasedBlock(std::vector<std::size_t> levels, std::vector<std::vector<std::vector<std::uint64_t>>> places);

    [[nodiscard]] std::span<const std::size_t> levels() const noexcept { return levels_; }
    [[nodiscard]] std::size_t words() const noexcept { return words_; }
    // The places that sides of some of the levels leave together; `sides(i)` is that of the i-th level, 0 if that level
    // does not count.
    template <typename Sides>
    void leave(Sides sides, std::span<std::uint64_t> places) const noexcept {
        for (std::uint64_t& word : places) word = ~std::uint64_t{0};
        for (std::size_t i = 0; i < levels_.size(); ++i) {
            const std::size_t side = sides(i);
            if (side == 0) continue;
            for (std::size_t w = 0; w < words_; ++w) places[w] &= places_[i][side][w];
        }
    }

  private:
    std::vector<std::size_t> levels_;
    std::size_t words_;
    std::vector<std::vector<std::vector<std::uint64_t>>> places_;
};

// Whether some alternative has one haplotype at its first place and another one at its second.
[[nodiscard]] inline bool stand_across(std::span<const std::uint64_t> a, std::span<const std::uint64_t> b) noexcept {
    constexpr std::uint64_t kFirst = 0x5555555555555555;
    for (std::size_t w = 0; w < a.size(); ++w) {
        if ((((a[w] & kFirst) << 1U & b[w]) | (a[w] >> 1U & kFirst & b[w])) != 0) return true;
    }
    return false;
}

// One person in the terms of a set: a locus for every level.
struct Person {
    std::vector<LocusSides> levels;
    std::vector<PhasedBlock> phased;
    std::vector<Locus> ignored;  // typed, but not in the set
    std::vector<Locus> unread;   // typed, but the nomenclature knows none of it: as untyped

    // Of a haplotype on these sides, a side for each level: the places that it has in the blocks, one block after the
    // other. False if it has none in one of them.
    bool places(std::span<const std::uint16_t> sides, std::vector<std::uint64_t>& places) const;
    // Whether two haplotypes explain the typings together.
    [[nodiscard]] bool fit(std::span<const std::uint16_t> a, std::span<const std::uint64_t> places_of_a,
                           std::span<const std::uint16_t> b, std::span<const std::uint64_t> places_of_b) const noexcept;
};

// What the names of some people's typings allow in a set: read once, for all of these people.
class PeopleReader {
  public:
    // `dictionaries`: by locus; a default one where nobody is typed.
    PeopleReader(std::shared_ptr<const HaplotypeSet> set, std::span<const DictionaryView, kLocusCount> dictionaries);

    [[nodiscard]] const HaplotypeSet& set() const noexcept { return *set_; }
    [[nodiscard]] const std::shared_ptr<const HaplotypeSet>& shared_set() const noexcept { return set_; }
    // `typings`: by locus, of the dictionaries.
    [[nodiscard]] Person read(std::span<const TypingId, kLocusCount> typings, std::span<const Phase> phases = {}) const;
    // The first position of the typing that the nomenclature knows nothing of.
    [[nodiscard]] std::optional<PositionId> unknown(Locus locus, TypingId typing) const;
    // The one genotype that a typing leaves, at a locus in the set or not.
    [[nodiscard]] std::optional<CertainGenotype> certain(Locus locus, TypingId typing) const;

  private:
    struct AtLocus {
        AlleleClasses classes;  // none at a locus that the set lacks
        std::size_t words = 0;
        std::vector<std::uint64_t> bits;              // of each name
        std::vector<AlleleClasses::Allowed> allowed;  // of each name
        DictionaryView dictionary;
    };
    // What a position allows; and if it is one thing only, which.
    struct PositionSides {
        bool known = false;
        std::optional<Name> only;
    };
    PositionSides read_position(const AtLocus& at, std::span<const std::uint32_t> names,
                                std::span<std::uint64_t> bits) const;
    void read_typing(const AtLocus& at, TypingId typing, LocusSides& sides, bool& unread) const;
    void read_phase(const Phase& phase, Person& person) const;

    std::shared_ptr<const HaplotypeSet> set_;
    std::vector<AtLocus> loci_;  // kLocusCount
};

}  // namespace allomatch
