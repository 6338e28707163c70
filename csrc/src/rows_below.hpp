// What a search asks of the loci below the nodes of the trie, as the kernels take it.
#pragma once

#include <span>
#include <vector>

#include "allomatch/registry.hpp"
#include "kernels/kernels.hpp"

namespace allomatch {

class RowsBelow {
  public:
    // `loci`: the costs at each locus of the trie's order; no words: the locus is not searched.
    RowsBelow(const TrieView& trie, std::span<const kernels::Costs> loci)
        : rows_{trie.below.data(), trie.below.stride()} {
        for (std::size_t l = 0; l < trie.below.loci(); ++l) {
            const RowLayout::Place& at = trie.below.place(l);
            const kernels::Costs costs = loci[trie.levels.size() + l];
            if (costs.words != nullptr) loci_.push_back({at.word, at.shift, at.mask, costs});
        }
    }

    [[nodiscard]] kernels::Rows rows() const noexcept { return rows_; }
    // Those that are searched, in the trie's order.
    [[nodiscard]] std::span<const kernels::RowLocus> loci() const noexcept { return loci_; }
    // The ends of a run's rows: most runs lie in one cache line or two.
    void prefetch(const kernels::Run& run) const noexcept {
        if (loci_.empty() || run.first == run.last) return;
        __builtin_prefetch(rows_.words + run.first * rows_.stride);
        __builtin_prefetch(rows_.words + run.last * rows_.stride - 1);
    }

  private:
    kernels::Rows rows_;
    std::vector<kernels::RowLocus> loci_;
};

}  // namespace allomatch
