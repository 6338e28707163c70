// Haplotypes as rows of numbers, a column a locus: their order, which is that of the leaves of a trie.
#pragma once

#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

namespace allomatch {

// Rows in the order of their classes, the first column deciding first; equal rows keep their order.
[[nodiscard]] inline std::vector<std::uint32_t> sorted_rows(std::span<const std::vector<std::uint16_t>> columns,
                                                            std::size_t rows) {
    std::vector<std::uint32_t> order(rows);
    std::iota(order.begin(), order.end(), 0U);
    std::vector<std::uint32_t> next(rows);
    for (std::size_t c = columns.size(); c-- > 0;) {
        std::vector<std::uint32_t> begins(0x10001);
        for (const std::uint16_t value : columns[c]) ++begins[value + 1U];
        std::partial_sum(begins.begin(), begins.end(), begins.begin());
        for (const std::uint32_t row : order) next[begins[columns[c][row]]++] = row;
        order.swap(next);
    }
    return order;
}

}  // namespace allomatch
