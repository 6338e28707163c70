// The walk for few mismatches: by the pigeonhole principle it starts from typings that match, not from the whole trie.
#pragma once

#include <cstdint>
#include <span>

#include "trie_walk.hpp"

namespace allomatch {

// True if walk_postings serves this search: at most two mismatches, and the trie's first loci are searched.
[[nodiscard]] bool postings_serve(const TrieView& trie, std::span<const kernels::Costs> loci, std::uint32_t budget);

// The same phenotypes as walk_trie, in another order, which is the same for any number of threads.
[[nodiscard]] WalkHits walk_postings(const TrieView& trie, std::span<const kernels::Costs> loci, std::uint32_t budget,
                                     Crew& crew, const Cancel& cancel);

}  // namespace allomatch
