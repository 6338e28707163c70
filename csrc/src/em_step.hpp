// One E step of an estimation: how many copies of each haplotype the people are expected to have.
//
// The haplotypes are a trie (as HaplotypeSet's, of some columns). People are sorted by their typings in the order of
// its levels, so that one begins where the walk of the one before still holds. A walk goes level by level over flat
// arrays; each node carries the number of its group, and groups grow a side a level.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "allomatch/em.hpp"

namespace allomatch {

struct EmTrie {
    struct Level {
        std::vector<std::uint16_t> classes;
        std::vector<std::uint32_t> children;  // none at the last level
    };
    std::vector<std::size_t> columns;
    std::vector<Level> levels;
    std::vector<std::uint32_t> top_of_class;  // node of the first level, or kNoNode
    static constexpr std::uint32_t kNoNode = 0xffffffff;

    // `haplotypes` are sorted and unlike each other.
    EmTrie(const EmHaplotypes& haplotypes, std::size_t top_classes);
};

// The people at the columns of a trie, equal ones once.
struct EmRows {
    std::vector<std::vector<std::uint32_t>> typings;  // of each level
    std::vector<std::uint32_t> phases;
    std::vector<double> weights;

    EmRows(const EmPeople& people, std::span<const std::size_t> columns, std::span<const double> weights,
           const Cancel& cancel);
    [[nodiscard]] std::size_t size() const noexcept { return weights.size(); }
};

struct EmExpectation {
    std::vector<double> shares;  // of each haplotype: half its expected copies, over its frequency
    double log_likelihood = 0;
    double represented = 0;    // weight of the people whom some pair explains
    double unrepresented = 0;  // and of the others
};
[[nodiscard]] EmExpectation expect(const EmTrie& trie, std::span<const double> frequencies, const EmPeople& people,
                                   const EmRows& rows, unsigned threads, const Cancel& cancel);

}  // namespace allomatch
