// See cell_pairs.hpp.
#include "cell_pairs.hpp"

#include <algorithm>
#include <numeric>

namespace allomatch {
namespace {

// Parting costs as much as comparing so many pairs.
constexpr std::size_t kFewPairs = 256;

void number(std::vector<std::uint32_t>& cells, CellPairs::Range range) {
    cells.resize(range.end - range.begin);
    std::iota(cells.begin(), cells.end(), static_cast<std::uint32_t>(range.begin));
}

// Cells that `first` is true of come to the front; returns both parts.
template <typename First>
std::array<std::span<std::uint32_t>, 2> parted(std::span<std::uint32_t> cells, First first) {
    const auto middle = std::partition(cells.begin(), cells.end(), first);
    const auto count = static_cast<std::size_t>(middle - cells.begin());
    return {cells.first(count), cells.subspan(count)};
}

}  // namespace

void CellPairs::add(Range a, Range b, bool one_group, std::span<double> sums) {
    one_group_ = one_group;
    sums_ = sums;
    number(a_, a);
    number(b_, b);
    from_locus(a_, b_, 0, 0);
}

void CellPairs::from_locus(Part x, Part y, std::size_t l, unsigned mismatched) {
    if (x.empty() || y.empty()) return;
    if (x.size() * y.size() <= kFewPairs) return one_by_one(x, y, l, mismatched);
    if (l == loci_.size()) return all_together(x, y, mismatched);
    if (l + 1 == loci_.size()) return at_last_locus(x, y, mismatched);
    const ComparedLocus& locus = loci_[l];
    // The patient's first allele, the second, null; others last.
    std::array<Part, 4> of_x;
    std::array<Part, 4> of_y;
    constexpr std::array<unsigned, 4> kKinds{kFirst, kSecond, kNull, kOther};
    for (std::size_t k = 0; k < 3; ++k) {
        const auto is = [&](std::uint32_t cell) { return cells_->symbols[cell][locus.place] == kKinds[k]; };
        const auto [kind_of_x, rest_of_x] = parted(x, is);
        const auto [kind_of_y, rest_of_y] = parted(y, is);
        of_x[k] = kind_of_x;
        of_y[k] = kind_of_y;
        of_x[3] = x = rest_of_x;
        of_y[3] = y = rest_of_y;
    }
    for (std::size_t p = 0; p < 4; ++p) {
        for (std::size_t q = 0; q < 4; ++q) {
            if (p == 3 && q == 3) continue;
            from_locus(of_x[p], of_y[q], l + 1, mismatched + mismatches(*locus.table, kKinds[p], kKinds[q]));
        }
    }
    of_others(x, y, l, 0, locus.symbols, mismatched);
}

// All have an allele at locus l that the patient has not; its symbol is from `low` to below `high`.
void CellPairs::of_others(Part x, Part y, std::size_t l, unsigned low, unsigned high, unsigned mismatched) {
    if (x.empty() || y.empty()) return;
    if (x.size() * y.size() <= kFewPairs) return one_by_one(x, y, l, mismatched);
    if (l + 1 == loci_.size()) return at_last_locus(x, y, mismatched);
    const ComparedLocus& locus = loci_[l];
    if (high - low == 1) return from_locus(x, y, l + 1, mismatched + mismatches(*locus.table, low, low));
    const unsigned middle = low + (high - low) / 2;
    const auto is_low = [&](std::uint32_t cell) { return cells_->symbols[cell][locus.place] < middle; };
    const auto [low_x, high_x] = parted(x, is_low);
    const auto [low_y, high_y] = parted(y, is_low);
    of_others(low_x, low_y, l, low, middle, mismatched);
    of_others(high_x, high_y, l, middle, high, mismatched);
    const unsigned unlike = mismatched + mismatches(*locus.table, kOther, kElse);
    from_locus(low_x, high_y, l + 1, unlike);
    from_locus(high_x, low_y, l + 1, unlike);
}

// At the last locus sums of each symbol are enough.
void CellPairs::at_last_locus(Part x, Part y, unsigned mismatched) {
    const std::size_t width = cells_->width;
    const ComparedLocus& locus = loci_.back();
    const auto by_symbol = [&](Part cells, std::vector<Mass>& sums) {
        sums.assign(locus.symbols * width, Mass{});
        for (const std::uint32_t cell : cells) {
            Mass* const of_symbol = &sums[cells_->symbols[cell][locus.place] * width];
            for (std::size_t p = 0; p < width; ++p) of_symbol[p].add(cells_->masses[cell * width + p]);
        }
    };
    by_symbol(x, x_by_symbol_);
    by_symbol(y, y_by_symbol_);
    const auto of_x = [&](std::size_t symbol) { return &x_by_symbol_[symbol * width]; };
    const auto of_y = [&](std::size_t symbol) { return &y_by_symbol_[symbol * width]; };
    const auto add_to = [&](std::vector<Mass>& sum, const Mass* of_symbol) {
        for (std::size_t p = 0; p < width; ++p) sum[p].add(of_symbol[p]);
    };
    const auto is_other = [](std::size_t symbol) { return symbol == kOther || symbol >= kNamed; };
    // Unlike others: of y all symbols below the one at hand, then all above it, for want of a difference of sums.
    const unsigned unlike = mismatched + mismatches(*locus.table, kOther, kElse);
    const auto with_unlike = [&](std::size_t symbol) {
        if (!is_other(symbol)) return;
        add_product(of_x(symbol), sum_of_y_.data(), unlike);
        add_to(sum_of_y_, of_y(symbol));
    };
    sum_of_y_.assign(width, Mass{});
    for (std::size_t symbol = locus.symbols; symbol-- > 0;) with_unlike(symbol);
    sum_of_y_.assign(width, Mass{});
    for (std::size_t symbol = 0; symbol < locus.symbols; ++symbol) with_unlike(symbol);
    // That was all others of y; beside them, and beside each other, those that the patient has, and null.
    sum_of_x_.assign(width, Mass{});
    for (unsigned symbol = 0; symbol < locus.symbols; ++symbol) {
        if (!is_other(symbol)) continue;
        add_to(sum_of_x_, of_x(symbol));
        add_product(of_x(symbol), of_y(symbol), mismatched + mismatches(*locus.table, symbol, symbol));
    }
    for (unsigned s = kFirst; s <= kNull; ++s) {
        add_product(of_x(s), sum_of_y_.data(), mismatched + mismatches(*locus.table, s, kOther));
        add_product(sum_of_x_.data(), of_y(s), mismatched + mismatches(*locus.table, kOther, s));
        for (unsigned t = kFirst; t <= kNull; ++t)
            add_product(of_x(s), of_y(t), mismatched + mismatches(*locus.table, s, t));
    }
}

void CellPairs::one_by_one(Part x, Part y, std::size_t l, unsigned mismatched) {
    const std::size_t width = cells_->width;
    const auto loci = loci_.subspan(l);
    for (const std::uint32_t of_x : x) {
        for (const std::uint32_t of_y : y) {
            unsigned all = mismatched;
            for (const ComparedLocus& locus : loci)
                all += mismatches(*locus.table, cells_->symbols[of_x][locus.place], cells_->symbols[of_y][locus.place]);
            add_product(&cells_->masses[of_x * width], &cells_->masses[of_y * width], all);
        }
    }
}

void CellPairs::all_together(Part x, Part y, unsigned mismatched) {
    const std::size_t width = cells_->width;
    const auto sum = [&](Part cells, std::vector<Mass>& into) {
        into.assign(width, Mass{});
        for (const std::uint32_t cell : cells) {
            for (std::size_t p = 0; p < width; ++p) into[p].add(cells_->masses[cell * width + p]);
        }
    };
    sum(x, sum_of_x_);
    sum(y, sum_of_y_);
    add_product(sum_of_x_.data(), sum_of_y_.data(), mismatched);
}

void CellPairs::add_product(const Mass* x, const Mass* y, unsigned mismatched) noexcept {
    const std::size_t width = cells_->width;
    for (std::size_t p = 0; p < width; ++p) {
        if (x[p].first == 0 && x[p].second == 0) continue;
        for (std::size_t q = 0; q < width; ++q) sums_[mismatched + p + q] += product(x[p], y[q], one_group_);
    }
}

}  // namespace allomatch
