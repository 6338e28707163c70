// No branch depends on a cost: what is kept is as good as random, and a wrong guess costs more than the whole row.
#include "rows_below.hpp"

#include <algorithm>

namespace allomatch {

namespace {
// How many runs, or rows, ahead the next ones are fetched: each lies apart in memory. More lines at a time than a core
// has places to wait for are not fetched at all.
constexpr std::size_t kAhead = 12;
}  // namespace

RowsBelow::RowsBelow(const TrieView& trie, std::span<const kernels::Costs> costs)
    : words_(trie.below.data()), stride_(trie.below.stride()) {
    for (std::size_t l = 0; l < trie.below.loci(); ++l) {
        const kernels::Costs here = costs[trie.levels.size() + l];
        if (here.words != nullptr) searched_.push_back({trie.below.place(l), here});
    }
}

std::size_t RowsBelow::filter_runs(std::span<const kernels::Run> runs, std::uint32_t limit,
                                   kernels::Survivors out) const noexcept {
    std::size_t kept = 0;
    for (std::size_t r = 0; r < runs.size(); ++r) {
        const kernels::Run run = runs[r];
        if (searched_.empty()) {
            for (std::uint32_t i = run.first; i < run.last; ++i, ++kept) {
                out.index[kept] = i;
                out.spent[kept] = run.spent;
                out.origin[kept] = run.origin;
            }
            continue;
        }
        if (r + kAhead < runs.size()) {
            __builtin_prefetch(row(runs[r + kAhead].first));
            __builtin_prefetch(row(runs[r + kAhead].last));
        }
        const PackedLocus first = searched_.front();
        const std::uint32_t most = std::min(limit - run.spent, 2U);  // 3 is excluded
        for (std::uint32_t i = run.first; i < run.last; ++i) {
            const std::uint32_t cost = first.cost(row(i));
            out.index[kept] = i;
            out.spent[kept] = run.spent + cost;
            out.origin[kept] = run.origin;
            kept += cost <= most ? 1 : 0;
        }
    }
    return searched_.size() < 2 ? kept : filter(1, limit, out, kept);
}

std::size_t RowsBelow::filter(std::size_t from, std::uint32_t limit, kernels::Survivors s,
                              std::size_t n) const noexcept {
    std::size_t kept = 0;
    for (std::size_t i = 0; i < n; ++i) {
        if (i + kAhead < n) __builtin_prefetch(row(s.index[i + kAhead]));
        const std::uint32_t phenotype = s.index[i];
        const std::uint32_t origin = s.origin[i];
        std::uint32_t spent = s.spent[i];
        std::uint32_t excluded = 0;
        for (std::size_t l = from; l < searched_.size(); ++l) {
            const std::uint32_t cost = searched_[l].cost(row(phenotype));
            spent += cost;
            excluded |= cost & cost >> 1U;  // 3 is excluded
        }
        s.index[kept] = phenotype;
        s.spent[kept] = spent;
        s.origin[kept] = origin;
        kept += (spent <= limit ? 1U : 0U) & ~excluded & 1U;
    }
    return kept;
}

}  // namespace allomatch
