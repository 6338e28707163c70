// With at most two mismatches over the first three loci of the trie, at least one of the three has none. So every hit
// is found on exactly one of three ways:
//
//   Top        none at the first locus: the matching nodes of the top level, and what is below them;
//   Second     one or two at the first locus and none at the second: the nodes of the matching second typings;
//   Third      one at the first and one at the second, so none at the third: the phenotypes of the matching third
//              typings, in runs of equal first typings.
//
// A node on the way Second with no mismatch left is passed over if none of the third typings below it can match: each
// listed node says in a word which classes of them it has.
//
// Typings that match are a few hundredths of a per cent of a dictionary and a per cent of the donors, whereas half of
// all nodes may have one mismatch at the first locus: the walk from the top visits those too. A lower budget needs
// fewer ways. Costs that a way excludes are set to "excluded" in tables of its own, so that the kernels are the same.
//
// Invariant: the ways share no phenotype, and a file that was not checked in full can lead to an error or to wrong
// hits, never outside of its blocks.
#include "postings_walk.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "allomatch/error.hpp"
#include "allomatch/kernel_choice.hpp"
#include "rows_below.hpp"

namespace allomatch {
namespace {

using kernels::Costs;
using kernels::Run;

constexpr std::uint32_t kBlock = 2048;  // things filtered at once: all arrays of a task stay in the second-level cache
constexpr std::uint32_t kShare = 4096;  // least work of a task, in things filtered
constexpr std::size_t kAhead = 24;      // how far ahead of its use a cache line is asked for
constexpr std::size_t kRunsAhead = 12;  // ... for short runs
constexpr std::uint32_t kLow = 0x55555555;

// Costs of 0, 1 and 2 that are not `allowed` become 3, "excluded".
std::vector<std::uint32_t> only(Costs costs, std::array<bool, 3> allowed) {
    std::vector<std::uint32_t> words(costs.words, costs.words + costs.last / 16 + 1);
    for (std::uint32_t& word : words) {
        const std::uint32_t low = word & kLow;
        const std::uint32_t high = word >> 1U & kLow;
        std::uint32_t out = 0;
        if (!allowed[0]) out |= ~low & ~high & kLow;
        if (!allowed[1]) out |= low & ~high;
        if (!allowed[2]) out |= high & ~low;
        word |= out | out << 1U;
    }
    return words;
}

std::vector<std::uint32_t> typings_without_mismatch(Costs costs) {
    std::vector<std::uint32_t> typings;
    for (std::uint32_t first = 0; first <= costs.last; first += 16) {
        const std::uint32_t word = costs.words[first / 16];
        for (std::uint32_t rest = ~(word | word >> 1U) & kLow; rest != 0; rest &= rest - 1) {
            const std::uint32_t typing = first + static_cast<std::uint32_t>(std::countr_zero(rest)) / 2;
            if (typing <= costs.last) typings.push_back(typing);
        }
    }
    return typings;
}

[[noreturn]] void throw_corrupt(const char* what, std::uint32_t first, std::uint32_t last, std::size_t end) {
    throw Error(ErrorCode::CorruptFile, "corrupt registry file: " + std::string(what) + " " + std::to_string(first) +
                                            " to " + std::to_string(last) + " of " + std::to_string(end) +
                                            "; run 'allomatch verify', and restore the file from a copy");
}

void check(const char* what, std::uint32_t first, std::uint32_t last, std::size_t end) {
    if (first > last || last > end) throw_corrupt(what, first, last, end);
}

enum class Way : std::uint8_t { Top, Second, Third };

// A run of a way's first list; `origin` is the typing that it was found by.
struct Piece {
    Way way;
    Run run;
};

struct Plan {
    const TrieView& trie;
    std::span<const Costs> loci;
    std::uint32_t budget;
    Costs top_with;                   // the first locus on the way Second: one mismatch or two
    Costs top_one;                    // ... and on the way Third: one
    std::uint32_t third_matches;      // classes of the third locus' typings without a mismatch
    std::vector<PackedLocus> listed;  // in the listed rows: the second locus, one mismatch, and those after the third
    RowsBelow below;
};

std::vector<PackedLocus> listed_loci(const TrieView& trie, std::span<const Costs> loci, Costs second_one) {
    const PackedRows& rows = trie.postings->rows;
    std::vector<PackedLocus> listed{{rows.place(1), second_one}};
    for (std::size_t place = 2; place < rows.loci(); ++place) {
        if (loci[place + 1].words != nullptr) listed.push_back({rows.place(place), loci[place + 1]});
    }
    return listed;
}

class Task {
  public:
    Task(const Plan& plan, const Cancel& cancel)
        : plan_(plan),
          cancel_(cancel),
          kernels_(active_kernels()),
          words_(std::make_unique_for_overwrite<std::uint32_t[]>(kArrays * (kBlock + kernels::kSlack))) {
        hits.typings.resize(2);
    }

    void run(std::span<const Piece> pieces) {
        for (std::size_t first = 0; first < pieces.size();) {
            std::size_t last = first;
            runs_.clear();
            while (last < pieces.size() && pieces[last].way == pieces[first].way) runs_.push_back(pieces[last++].run);
            switch (pieces[first].way) {
                case Way::Top:
                    for_each_block(runs_, [&](std::span<const Run> block) { from_top(block); });
                    break;
                case Way::Second:
                    for_each_block(runs_, [&](std::span<const Run> block) { from_second(block); });
                    break;
                case Way::Third:
                    for_each_block(runs_, [&](std::span<const Run> block) { from_third(block); });
                    break;
            }
            first = last;
        }
    }

    WalkHits hits;

  private:
    // Arrays of a block's length: the survivors of the first list, and what they lead to; then those of phenotypes.
    enum Array : std::uint8_t { kIndex, kSpent, kOrigin, kTop, kSecond, kIndex2, kSpent2, kOrigin2 };
    static constexpr std::size_t kArrays = kOrigin2 + 1;
    [[nodiscard]] std::uint32_t* array(Array which) const noexcept {
        return words_.get() + which * (kBlock + kernels::kSlack);
    }
    [[nodiscard]] kernels::Survivors first() const noexcept { return {array(kIndex), array(kSpent), array(kOrigin)}; }
    [[nodiscard]] kernels::Survivors second() const noexcept {
        return {array(kIndex2), array(kSpent2), array(kOrigin2)};
    }

    // Cuts runs into blocks of at most kBlock things.
    template <typename Visit>
    void for_each_block(std::span<const Run> runs, Visit visit) {
        std::vector<Run> block;
        std::uint32_t room = kBlock;
        for (Run run : runs) {
            while (run.first < run.last) {
                const std::uint32_t count = std::min(run.last - run.first, room);
                block.push_back({run.first, run.first + count, run.spent, run.origin});
                run.first += count;
                room -= count;
                if (room > 0) continue;
                if (cancel_.stopped()) cancel_.check();
                visit(std::span<const Run>(block));
                block.clear();
                room = kBlock;
            }
        }
        if (!block.empty()) visit(std::span<const Run>(block));
    }

    void from_top(std::span<const Run> block) {
        const auto& ids = plan_.trie.levels[1].typings;
        const std::size_t n =
            kernels_.filter_runs(ids.data(), block.data(), block.size(), plan_.loci[1], plan_.budget, first());
        const auto& children = plan_.trie.levels[1].children;
        runs_below_.resize(n);
        for (std::size_t i = 0; i < n; ++i) {
            if (i + kAhead < n) __builtin_prefetch(&children[array(kIndex)[i + kAhead]]);
            const std::uint32_t node = array(kIndex)[i];
            array(kTop)[i] = array(kOrigin)[i];
            array(kSecond)[i] = ids[node];
            runs_below_[i] = {children[node], children[node + 1], array(kSpent)[i], static_cast<std::uint32_t>(i)};
            check("children", runs_below_[i].first, runs_below_[i].last, children.back());
        }
        below_nodes();
    }

    void from_second(std::span<const Run> block) {
        const TrieView::Postings& postings = *plan_.trie.postings;
        const Marks& nodes = plan_.trie.nodes;
        const std::size_t passed = kernels_.filter_runs(postings.node_tops.data(), block.data(), block.size(),
                                                        plan_.top_with, plan_.budget, first());
        // Nodes that have nothing left to spend, four of five, need a third typing that matches. No branch depends on
        // that: it would be guessed wrong too often.
        std::size_t n = 0;
        for (std::size_t i = 0; i < passed; ++i) {
            const std::uint32_t place = array(kIndex)[i];
            const std::uint32_t spent = array(kSpent)[i];
            const std::uint32_t origin = array(kOrigin)[i];
            const bool left = spent != plan_.budget;
            const bool third = (postings.node_thirds[place] & plan_.third_matches) != 0;
            array(kIndex)[n] = place;
            array(kSpent)[n] = spent;
            array(kSecond)[n] = origin;
            n += static_cast<std::size_t>(left | third);
        }
        runs_below_.resize(n);
        for (std::size_t i = 0; i < n; ++i) {
            const std::uint32_t place = array(kIndex)[i];
            if (i + kAhead < n) nodes.prefetch_after(postings.nodes[array(kIndex)[i + kAhead]]);
            const std::uint32_t first = postings.nodes[place];
            if (first >= nodes.things()) throw_corrupt("phenotypes", first, first + 1, nodes.things());
            array(kTop)[i] = postings.node_tops[place];
            runs_below_[i] = {first, nodes.after(first), array(kSpent)[i], static_cast<std::uint32_t>(i)};
        }
        below_nodes();
    }

    // The phenotypes in runs_below_.
    void below_nodes() {
        for_each_block(runs_below_, [&](std::span<const Run> block) {
            found(plan_.below.filter_runs(block, plan_.budget, second()));
        });
    }

    void from_third(std::span<const Run> block) {
        const TrieView::Postings& postings = *plan_.trie.postings;
        const std::size_t n = kernels_.filter_runs(postings.run_tops.data(), block.data(), block.size(), plan_.top_one,
                                                   plan_.budget, first());
        runs_below_.resize(n);
        for (std::size_t i = 0; i < n; ++i) {
            if (i + kAhead < n) __builtin_prefetch(&postings.run_starts[array(kIndex)[i + kAhead]]);
            const std::uint32_t run = array(kIndex)[i];
            runs_below_[i] = {postings.run_starts[run], postings.run_starts[run + 1], array(kSpent)[i],
                              postings.run_tops[run]};
            check("postings", runs_below_[i].first, runs_below_[i].last, plan_.trie.rows.groups());
        }
        for_each_block(runs_below_, [&](std::span<const Run> block_below) { listed_below(block_below); });
    }

    // Listed phenotypes. Each has one mismatch at the first locus and none at the third: one is left for the second,
    // and none for the others.
    void listed_below(std::span<const Run> block) {
        const PackedRows& rows = plan_.trie.postings->rows;
        const kernels::Survivors out = second();
        // Nearly all fall by the first two of the loci (of one alone, it is asked twice). Copies, for the compiler to
        // know that what is written below is none of theirs.
        const PackedLocus one = plan_.listed.front();
        const PackedLocus other = plan_.listed[plan_.listed.size() > 1 ? 1 : 0];
        const std::uint32_t wanted = plan_.listed.size() > 1 ? 0 : 1;
        std::size_t n = 0;
        for (std::size_t r = 0; r < block.size(); ++r) {
            if (r + kRunsAhead < block.size()) rows.prefetch(block[r + kRunsAhead].first);
            for (std::uint32_t i = block[r].first; i < block[r].last; ++i) {
                const std::uint64_t* const row = rows.row_of(i);
                const std::uint32_t wrong = (one.cost(row) ^ 1U) | (other.cost(row) ^ wanted);
                out.index[n] = i;
                out.origin[n] = block[r].origin;
                n += wrong == 0 ? 1 : 0;
            }
        }
        const std::size_t phenotypes = plan_.trie.rows.groups();
        std::size_t kept = 0;
        for (std::size_t i = 0; i < n; ++i) {
            const std::uint64_t* const row = rows.row_of(out.index[i]);
            std::uint32_t wrong = 0;
            for (std::size_t l = 2; l < plan_.listed.size(); ++l) wrong |= plan_.listed[l].cost(row);
            const std::uint32_t phenotype = rows.typing(0, out.index[i]);
            if (phenotype >= phenotypes) throw_corrupt("phenotypes", phenotype, phenotype + 1, phenotypes);
            array(kTop)[kept] = out.origin[i];
            array(kSecond)[kept] = rows.typing(1, out.index[i]);
            out.index[kept] = phenotype;
            out.spent[kept] = plan_.budget;
            out.origin[kept] = static_cast<std::uint32_t>(kept);
            kept += wrong == 0 ? 1 : 0;
        }
        found(plan_.below.filter(1, plan_.budget, out, kept));
    }

    void found(std::size_t n) {
        for (std::size_t i = 0; i < n; ++i) {
            const std::uint32_t origin = array(kOrigin2)[i];
            hits.phenotypes.push_back(PhenotypeId{array(kIndex2)[i]});
            hits.typings[0].push_back(array(kTop)[origin]);
            hits.typings[1].push_back(array(kSecond)[origin]);
        }
    }

    const Plan& plan_;
    const Cancel& cancel_;
    const kernels::Kernels& kernels_;
    std::unique_ptr<std::uint32_t[]> words_;
    std::vector<Run> runs_, runs_below_;
};

// The pieces of a way, whole runs cut where they are longer than `kShare`.
std::vector<Piece> pieces_of(Way way, const TrieView& trie, std::span<const std::uint32_t> matching) {
    const TrieView::Postings& postings = *trie.postings;
    std::vector<Piece> pieces;
    const auto add = [&](const char* what, std::uint32_t first, std::uint32_t last, std::size_t end,
                         std::uint32_t typing) {
        check(what, first, last, end);
        for (; first < last; first += std::min(last - first, kShare)) {
            pieces.push_back({way, {first, first + std::min(last - first, kShare), 0, typing}});
        }
    };
    if (way == Way::Top) {
        const TrieView::Level& top = trie.levels[0];
        for (const std::uint32_t typing : matching) {
            const auto it = std::lower_bound(top.typings.begin(), top.typings.end(), typing);
            if (it == top.typings.end() || *it != typing) continue;  // nobody is untyped
            const auto node = static_cast<std::size_t>(it - top.typings.begin());
            add("children", top.children[node], top.children[node + 1], trie.levels[1].typings.size(), typing);
        }
        return pieces;
    }
    const auto offsets = way == Way::Second ? postings.node_offsets : postings.run_offsets;
    const std::size_t end = way == Way::Second ? postings.nodes.size() : postings.run_tops.size();
    for (const std::uint32_t typing : matching) {
        add("postings", offsets[typing], offsets[typing + 1], end, typing);
    }
    return pieces;
}

// Slices of about equal work: where each begins, and the end.
std::vector<std::size_t> shared_out(std::span<const Piece> pieces, unsigned threads) {
    const auto size_of = [](const Piece& piece) { return piece.run.last - piece.run.first + 8; };
    std::uint64_t total = 0;
    for (const Piece& piece : pieces) total += size_of(piece);
    const std::uint64_t share = std::max<std::uint64_t>(total / (threads * 8ULL) + 1, kShare);
    std::vector<std::size_t> bounds{0};
    std::uint64_t taken = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
        taken += size_of(pieces[i]);
        if (taken < share && i + 1 < pieces.size()) continue;
        bounds.push_back(i + 1);
        taken = 0;
    }
    return bounds;
}

// What the ways need of the costs; of those that the budget allows.
struct Ready {
    std::vector<Piece> pieces;
    std::vector<std::uint32_t> top_with, top_one, second_one;
    std::uint32_t third_matches = ~std::uint32_t{0};  // all classes where the third locus is not searched

    Ready(const TrieView& trie, std::span<const Costs> loci, std::uint32_t budget, Crew& crew, const Cancel& cancel) {
        std::array<std::vector<Piece>, 3> of_ways;
        const std::array<std::function<void()>, 6> steps{
            [&] { of_ways[0] = pieces_of(Way::Top, trie, typings_without_mismatch(loci[0])); },
            [&] {
                if (budget > 0) of_ways[1] = pieces_of(Way::Second, trie, typings_without_mismatch(loci[1]));
            },
            [&] {
                if (budget == 0 || loci[2].words == nullptr) return;
                const auto matching = typings_without_mismatch(loci[2]);
                third_matches = 0;
                for (const std::uint32_t typing : matching) {
                    third_matches |= std::uint32_t{1} << trie.postings->third_classes[typing];
                }
                if (budget > 1) of_ways[2] = pieces_of(Way::Third, trie, matching);
            },
            [&] {
                if (budget > 0) top_with = only(loci[0], {false, true, true});
            },
            [&] {
                if (budget > 1) top_one = only(loci[0], {false, true, false});
            },
            [&] {
                if (budget > 1) second_one = only(loci[1], {false, true, false});
            },
        };
        crew.parallel_for(steps.size(), cancel, [&](std::size_t step) { steps[step](); });
        for (const auto& of_way : of_ways) pieces.insert(pieces.end(), of_way.begin(), of_way.end());
    }
};

}  // namespace

bool postings_serve(const TrieView& trie, std::span<const Costs> loci, std::uint32_t budget) {
    if (!trie.postings || budget > 2) return false;
    return loci[0].words != nullptr && loci[1].words != nullptr && (budget < 2 || loci[2].words != nullptr);
}

WalkHits walk_postings(const TrieView& trie, std::span<const Costs> loci, std::uint32_t budget, Crew& crew,
                       const Cancel& cancel) {
    const Ready ready(trie, loci, budget, crew, cancel);
    const Plan plan{trie,
                    loci,
                    budget,
                    {ready.top_with.data(), loci[0].last},
                    {ready.top_one.data(), loci[0].last},
                    ready.third_matches,
                    listed_loci(trie, loci, {ready.second_one.data(), loci[1].last}),
                    RowsBelow(trie, loci)};
    const std::vector<std::size_t> bounds = shared_out(ready.pieces, crew.threads());
    std::vector<WalkHits> parts(bounds.size() - 1);
    crew.parallel_for(parts.size(), cancel, [&](std::size_t i) {
        Task task(plan, cancel);
        task.run(std::span(ready.pieces).subspan(bounds[i], bounds[i + 1] - bounds[i]));
        parts[i] = std::move(task.hits);
    });
    return join(parts, 2);
}

}  // namespace allomatch
