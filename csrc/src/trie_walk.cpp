// The walk goes level by level over blocks of siblings ("runs"). A kernel filters a run of nodes by their typings'
// costs; each survivor's children are a run of the next level. Below the nodes phenotypes are filtered by their packed
// typings (rows_below.hpp).
//
// Blocks have a fixed capacity, so memory does not depend on the query; the top level's survivors are shared out among
// the threads in slices that are put together again in order.
#include "trie_walk.hpp"

#include <algorithm>
#include <string>

#include "allomatch/error.hpp"
#include "allomatch/kernel_choice.hpp"
#include "kernels/kernels.hpp"
#include "rows_below.hpp"

namespace allomatch {
namespace {

constexpr std::uint32_t kBlock = 8192;  // nodes filtered at once: the survivors' arrays fit in the second-level cache

using kernels::Run;

struct LevelBuffer {
    std::vector<std::uint32_t> index, spent, origin;
    std::size_t count = 0;
    LevelBuffer()
        : index(kBlock + kernels::kSlack), spent(kBlock + kernels::kSlack), origin(kBlock + kernels::kSlack) {}
    [[nodiscard]] kernels::Survivors all() noexcept { return {index.data(), spent.data(), origin.data()}; }
};

class Walk {
  public:
    Walk(const TrieView& trie, std::span<const kernels::Costs> loci, std::uint32_t budget, const Cancel& cancel)
        : trie_(trie),
          loci_(loci),
          budget_(budget),
          cancel_(cancel),
          kernels_(active_kernels()),
          buffers_(trie.levels.size() + 1),
          below_(trie, loci) {
        hits.typings.resize(trie.levels.size());
    }

    // Runs of `level` (or of phenotypes, below the last level) in any number; survivors go on to the levels below.
    void descend(std::size_t level, std::span<const Run> runs) {
        if (level < trie_.levels.size() && loci_[level].words == nullptr) {
            pass_over(level, runs);
            return;
        }
        LevelBuffer& buffer = buffers_[level];
        std::vector<Run> block;
        std::size_t at = 0;
        std::uint32_t from = 0;  // how much of run `at` is done
        while (at < runs.size()) {
            cancel_check();
            block.clear();
            std::uint32_t room = kBlock;
            while (at < runs.size() && room > 0) {
                const Run& run = runs[at];
                const std::uint32_t first = run.first + from;
                const std::uint32_t count = std::min(run.last - first, room);
                block.push_back({first, first + count, run.spent, run.origin});
                room -= count;
                from += count;
                if (first + count == run.last) {
                    ++at;
                    from = 0;
                }
            }
            buffer.count = filter(level, block, buffer.all());
            if (level < trie_.levels.size()) {
                children(level, buffer);
            } else {
                finish(buffer);
            }
        }
    }

    // The runs below the survivors of a level, with their first typings on the way to the cache.
    std::vector<Run> runs_below(std::size_t level, const LevelBuffer& survivors) const {
        std::vector<Run> runs(survivors.count);
        const auto& first_child = trie_.levels[level].children;
        constexpr std::size_t kAhead = 24;
        for (std::size_t i = 0; i < survivors.count; ++i) {
            if (i + kAhead < survivors.count) __builtin_prefetch(&first_child[survivors.index[i + kAhead]]);
            const std::uint32_t node = survivors.index[i];
            runs[i] = {first_child[node], first_child[node + 1], survivors.spent[i], static_cast<std::uint32_t>(i)};
            check(runs[i], first_child.back());
        }
        return runs;
    }

    // Filters the whole top level at once; for sharing out among threads.
    LevelBuffer& top() {
        LevelBuffer& buffer = buffers_[0];
        const auto count = static_cast<std::uint32_t>(trie_.levels[0].typings.size());
        for (auto* column : {&buffer.index, &buffer.spent, &buffer.origin}) column->resize(count + kernels::kSlack);
        const Run whole{0, count, 0, 0};
        buffer.count = filter(0, std::span(&whole, 1), buffer.all());
        return buffer;
    }
    void adopt_top(const LevelBuffer& other, std::size_t first, std::size_t last) {
        LevelBuffer& buffer = buffers_[0];
        const auto copy = [&](const std::vector<std::uint32_t>& from, std::vector<std::uint32_t>& to) {
            to.assign(from.begin() + static_cast<std::ptrdiff_t>(first),
                      from.begin() + static_cast<std::ptrdiff_t>(last));
        };
        copy(other.index, buffer.index);
        copy(other.spent, buffer.spent);
        copy(other.origin, buffer.origin);
        buffer.count = last - first;
        children(0, buffer);
    }

    WalkHits hits;

  private:
    // A file that was opened without full validation may be damaged; what is read next must be there.
    static void check(const Run& run, std::uint32_t end) {
        if (run.first <= run.last && run.last <= end) return;
        throw Error(ErrorCode::CorruptFile, "corrupt registry file: children " + std::to_string(run.first) + " to " +
                                                std::to_string(run.last) + " of " + std::to_string(end) +
                                                "; run 'allomatch verify', and restore the file from a copy");
    }

    void cancel_check() const {
        if (cancel_.stopped()) cancel_.check();
    }

    // By the typings of a level's nodes or, below the nodes, by those of the phenotypes.
    std::size_t filter(std::size_t level, std::span<const Run> runs, kernels::Survivors out) const {
        if (level == trie_.levels.size()) return below_.filter_runs(runs, budget_, out);
        return kernels_.filter_runs(trie_.levels[level].typings.data(), runs.data(), runs.size(), loci_[level], budget_,
                                    out);
    }

    // A level that is not searched: a run of nodes is one run of their children. The origin is handed through.
    void pass_over(std::size_t level, std::span<const Run> runs) {
        std::vector<Run> below(runs.begin(), runs.end());
        for (Run& run : below) {
            run.first = trie_.levels[level].children[run.first];
            run.last = trie_.levels[level].children[run.last];
            check(run, trie_.levels[level].children.back());
        }
        descend(level + 1, below);
    }

    void children(std::size_t level, const LevelBuffer& survivors) {
        if (survivors.count > 0) descend(level + 1, runs_below(level, survivors));
    }

    // What is left of the phenotypes are hits.
    void finish(const LevelBuffer& buffer) {
        for (std::size_t i = 0; i < buffer.count; ++i) {
            hits.phenotypes.push_back(PhenotypeId{buffer.index[i]});
            // Up the chain of survivors to the typing at every searched level of nodes.
            std::uint32_t origin = buffer.origin[i];
            for (std::size_t level = trie_.levels.size(); level-- > 0;) {
                if (loci_[level].words == nullptr) continue;
                hits.typings[level].push_back(trie_.levels[level].typings[buffers_[level].index[origin]]);
                origin = buffers_[level].origin[origin];
            }
        }
    }

    const TrieView& trie_;
    std::span<const kernels::Costs> loci_;
    std::uint32_t budget_;
    const Cancel& cancel_;
    const kernels::Kernels& kernels_;
    std::vector<LevelBuffer> buffers_;
    RowsBelow below_;
};

}  // namespace

WalkHits join(std::span<const WalkHits> parts, std::size_t levels) {
    WalkHits all;
    all.typings.resize(levels);
    std::size_t count = 0;
    for (const WalkHits& part : parts) count += part.phenotypes.size();
    all.phenotypes.reserve(count);
    for (const WalkHits& part : parts) {
        all.phenotypes.insert(all.phenotypes.end(), part.phenotypes.begin(), part.phenotypes.end());
        for (std::size_t l = 0; l < levels; ++l) {
            all.typings[l].insert(all.typings[l].end(), part.typings[l].begin(), part.typings[l].end());
        }
    }
    return all;
}

WalkHits walk_trie(const TrieView& trie, std::span<const kernels::Costs> loci, std::uint32_t budget, Crew& crew,
                   const Cancel& cancel) {
    const auto phenotypes = static_cast<std::uint32_t>(trie.rows.groups());
    if (phenotypes == 0) return join({}, trie.levels.size());
    // Slices of the top: of its survivors if it is searched, else of everything below it.
    const bool top_searched = !trie.levels.empty() && loci[0].words != nullptr;
    Walk top(trie, loci, budget, cancel);
    std::vector<std::size_t> bounds{0};
    const LevelBuffer* survivors = nullptr;
    if (top_searched) {
        survivors = &top.top();
        // By the number of children, which is what a survivor costs.
        const auto& children = trie.levels[0].children;
        const auto count_of = [&](std::uint32_t node) { return std::uint64_t{children[node + 1] - children[node]}; };
        std::uint64_t total = 0;
        for (std::size_t i = 0; i < survivors->count; ++i) {
            total += count_of(survivors->index[i]);
        }
        const std::uint64_t share = std::max<std::uint64_t>(total / (crew.threads() * 8ULL) + 1, 16'384);
        std::uint64_t taken = 0;
        for (std::size_t i = 0; i < survivors->count; ++i) {
            taken += count_of(survivors->index[i]);
            if (taken >= share || i + 1 == survivors->count) {
                bounds.push_back(i + 1);
                taken = 0;
            }
        }
    } else {
        const std::size_t nodes = trie.levels.empty() ? phenotypes : trie.levels[0].typings.size();
        const std::size_t slices = std::clamp<std::size_t>(nodes / 65'536, 1, crew.threads() * 8ULL);
        for (std::size_t s = 1; s <= slices; ++s) bounds.push_back(nodes * s / slices);
    }
    const std::size_t tasks = bounds.size() - 1;
    std::vector<WalkHits> parts(tasks);
    crew.parallel_for(tasks, cancel, [&](std::size_t task) {
        Walk walk(trie, loci, budget, cancel);
        if (top_searched) {
            walk.adopt_top(*survivors, bounds[task], bounds[task + 1]);
        } else {
            const Run run{static_cast<std::uint32_t>(bounds[task]), static_cast<std::uint32_t>(bounds[task + 1]), 0, 0};
            walk.descend(0, std::span(&run, 1));
        }
        parts[task] = std::move(walk.hits);
    });
    return join(parts, trie.levels.size());
}

}  // namespace allomatch
