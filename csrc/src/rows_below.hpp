// What a search asks of the loci below the nodes of the trie: phenotypes are filtered by their packed typings.
//
// Plain loops, and on purpose: three look-ups of a row in tables that fit in the caches are done sooner one by one than
// by gathering (docs/architecture.md has the numbers), so there is nothing to choose between instruction sets.
#pragma once

#include <span>
#include <vector>

#include "allomatch/registry.hpp"
#include "kernels/kernels.hpp"

namespace allomatch {

// A damaged file may hold any typing: one beyond the last costs what the last does, as for the kernels.
[[nodiscard]] inline std::uint32_t cost_of(const kernels::Costs& costs, std::uint32_t typing) noexcept {
    const std::uint32_t known = typing < costs.last ? typing : costs.last;
    return costs.words[known >> 4U] >> ((known & 15U) * 2) & 3U;
}

// A locus of packed rows, and what its typings cost.
struct PackedLocus {
    RowLayout::Place place;
    kernels::Costs costs;
    [[nodiscard]] std::uint32_t cost(const std::uint64_t* row) const noexcept {
        return cost_of(costs, static_cast<std::uint32_t>(row[place.word] >> place.shift) & place.mask);
    }
};

class RowsBelow {
  public:
    // `costs` at each locus of the trie's order; no words: the locus is not searched. Both must outlive this.
    RowsBelow(const TrieView& trie, std::span<const kernels::Costs> costs);

    // For every run, in order, keeps the phenotypes that the loci searched below the nodes leave within the limit, none
    // excluded: index, spent with them, origin of the run. Returns how many were kept. The runs' spent are at most
    // `limit`, and the arrays have room for all phenotypes and one more.
    std::size_t filter_runs(std::span<const kernels::Run> runs, std::uint32_t limit,
                            kernels::Survivors out) const noexcept;
    // Keeps those of `n` survivors that the loci searched from the `from`-th on leave within the limit, in place.
    std::size_t filter(std::size_t from, std::uint32_t limit, kernels::Survivors survivors,
                       std::size_t n) const noexcept;

  private:
    [[nodiscard]] const std::uint64_t* row(std::size_t phenotype) const noexcept {
        return words_ + phenotype * stride_;
    }

    const std::uint64_t* words_;
    std::size_t stride_;
    std::vector<PackedLocus> searched_;
};

}  // namespace allomatch
