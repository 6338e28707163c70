// The walk down the phenotype trie: which phenotypes stay within the budget.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "allomatch/parallel_for.hpp"
#include "allomatch/registry.hpp"

namespace allomatch {

// What the walk needs to know of one locus of the trie's order. No costs: the locus is not searched.
struct WalkLocus {
    const std::uint32_t* costs = nullptr;
};

struct WalkHits {
    std::vector<PhenotypeId> phenotypes;              // ascending
    std::vector<std::uint8_t> spent;                  // mismatches of each
    std::vector<std::vector<std::uint32_t>> typings;  // per node level that is searched: the typing of each hit
};

[[nodiscard]] WalkHits walk_trie(const TrieView& trie, std::span<const WalkLocus> loci, std::uint32_t budget,
                                 unsigned threads, const Cancel& cancel);

}  // namespace allomatch
