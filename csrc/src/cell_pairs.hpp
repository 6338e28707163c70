// Sums over the pairs of two haplotypes that a donor may have, by the mismatches that they have together.
//
// Haplotypes that the comparison cannot tell apart are one cell. Few pairs of cells are compared one by one. Many are
// parted at a locus into those that differ there, by halves of its alleles, and those that do not: of sets that differ,
// whatever is in them, the mismatches at the locus are known, and behind the last locus a product of two sums is left.
// Only sums of what there is: nothing is subtracted, so that nothing stays nothing.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "allomatch/phenotype.hpp"
#include "match_symbols.hpp"

namespace allomatch {

// Sums of frequencies, in the two populations.
struct Mass {
    double first = 0, second = 0;
    void add(const Mass& other) noexcept {
        first += other.first;
        second += other.second;
    }
};

// The weight of one haplotype of each of two masses, either way round; of two of the same group, once.
[[nodiscard]] inline double product(const Mass& x, const Mass& y, bool one_group) noexcept {
    return one_group ? x.first * y.second : x.first * y.second + y.first * x.second;
}

struct Cells {
    using Symbols = std::array<std::uint16_t, kLocusCount>;
    std::size_t width = 1;  // masses of a cell: of 0, 1, ... mismatches that its haplotypes have by themselves
    std::vector<Mass> masses;
    std::vector<Symbols> symbols;

    void clear(std::size_t new_width) {
        width = new_width;
        masses.clear();
        symbols.clear();
    }
    void append(const Symbols& of_cell) {
        symbols.push_back(of_cell);
        masses.resize(masses.size() + width);
    }
    [[nodiscard]] std::size_t count() const noexcept { return symbols.size(); }
};

// A locus where mismatches are of both haplotypes together.
struct ComparedLocus {
    std::size_t place;  // in a cell's symbols
    const SymbolTable* table;
    unsigned symbols;  // all are below this
};

class CellPairs {
  public:
    struct Range {
        std::size_t begin, end;
    };
    void compare(const Cells& cells, std::span<const ComparedLocus> loci) noexcept {
        cells_ = &cells;
        loci_ = loci;
    }
    // Adds the weights of pairs of a cell of `a` and one of `b` to sums[mismatches].
    void add(Range a, Range b, bool one_group, std::span<double> sums);

  private:
    using Part = std::span<std::uint32_t>;
    void from_locus(Part x, Part y, std::size_t l, unsigned mismatched);
    void of_others(Part x, Part y, std::size_t l, unsigned low, unsigned high, unsigned mismatched);
    void at_last_locus(Part x, Part y, unsigned mismatched);
    void one_by_one(Part x, Part y, std::size_t l, unsigned mismatched);
    void all_together(Part x, Part y, unsigned mismatched);
    void add_product(const Mass* x, const Mass* y, unsigned mismatched) noexcept;

    const Cells* cells_ = nullptr;
    std::span<const ComparedLocus> loci_;
    bool one_group_ = false;
    std::span<double> sums_;
    std::vector<std::uint32_t> a_, b_;
    std::vector<Mass> sum_of_x_, sum_of_y_, x_by_symbol_, y_by_symbol_;
};

}  // namespace allomatch
