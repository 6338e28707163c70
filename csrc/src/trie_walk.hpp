// The walk down the phenotype trie: which phenotypes stay within the budget.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "allomatch/parallel_for.hpp"
#include "allomatch/registry.hpp"
#include "kernels/kernels.hpp"

namespace allomatch {

struct WalkHits {
    std::vector<PhenotypeId> phenotypes;              // each once
    std::vector<std::vector<std::uint32_t>> typings;  // per node level that is searched: the typing of each hit
};

// One after the other; `levels` of nodes.
[[nodiscard]] WalkHits join(std::span<const WalkHits> parts, std::size_t levels);

// `loci`: the costs at each locus of the trie's order; no words: the locus is not searched. Throws CorruptFile,
// Interrupted.
[[nodiscard]] WalkHits walk_trie(const TrieView& trie, std::span<const kernels::Costs> loci, std::uint32_t budget,
                                 Crew& crew, const Cancel& cancel);

}  // namespace allomatch
