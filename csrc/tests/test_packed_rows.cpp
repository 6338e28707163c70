// Packed typings, and the filter of phenotypes by them, held against loops over typings that are not packed.
#include "allomatch/packed_rows.hpp"

#include <array>
#include <optional>

#include "check.hpp"
#include "filtering.hpp"
#include "rows_below.hpp"

using namespace allomatch;

namespace {

std::vector<kernels::Costs> views(const std::vector<PlainCosts>& costs, const std::vector<bool>& searched) {
    std::vector<kernels::Costs> all;
    for (std::size_t l = 0; l < costs.size(); ++l) all.push_back(searched[l] ? costs[l].packed() : kernels::Costs{});
    return all;
}

// Phenotypes of some loci, all of them below the nodes; searched at some.
struct Below {
    Below(std::size_t phenotypes, std::mt19937& random) {
        std::vector<std::size_t> counts;
        const std::size_t loci = random() % 8;
        for (std::size_t l = 0; l < loci; ++l) counts.push_back(2 + random() % (l % 2 == 0 ? 40 : 200'000));
        RowLayout layout(counts);
        words.resize(phenotypes * layout.words);
        for (std::size_t l = 0; l < loci; ++l) {
            costs.emplace_back(counts[l], random);
            typings.push_back(random_ids(phenotypes, counts[l], random));
            searched.push_back(random() % 4 != 0);
            const RowLayout::Place at = layout.places[l];
            for (std::size_t p = 0; p < phenotypes; ++p) {
                typings[l][p] &= at.mask;  // a damaged file may hold what is beyond the last
                words[p * layout.words + at.word] |= std::uint64_t{typings[l][p]} << at.shift;
            }
        }
        trie.below = PackedRows(std::move(layout), words);
    }
    // What is spent with the loci searched, without the first `skipped` of them; nothing if that is too much.
    [[nodiscard]] std::optional<std::uint32_t> spent(std::uint32_t phenotype, std::uint32_t before, std::uint32_t limit,
                                                     std::size_t skipped = 0) const {
        std::size_t place = 0;
        for (std::size_t l = 0; l < costs.size(); ++l) {
            if (!searched[l] || place++ < skipped) continue;
            const std::uint32_t cost = costs[l].of(typings[l][phenotype]);
            if (cost == 3) return std::nullopt;
            before += cost;
        }
        return before <= limit ? std::optional(before) : std::nullopt;
    }

    std::vector<std::uint64_t> words;
    std::vector<PlainCosts> costs;
    std::vector<Words> typings;
    std::vector<bool> searched;
    TrieView trie;
};

}  // namespace

TEST(layout_takes_as_few_bits_as_the_typings_have) {
    const std::vector<std::size_t> counts{2, 3, 257, std::size_t{1} << 32U, std::size_t{1} << 21U, 2, 1};
    const RowLayout layout(counts);
    const std::vector<std::array<std::uint32_t, 3>> expected{
        {0, 0, 1}, {0, 1, 3}, {0, 3, 511}, {0, 12, 0xffffffff}, {1, 0, (1U << 21U) - 1}, {1, 21, 1}, {1, 22, 1}};
    CHECK_EQ(layout.words, 2U);
    CHECK_EQ(layout.places.size(), expected.size());
    for (std::size_t l = 0; l < expected.size(); ++l) {
        CHECK_EQ(layout.places[l].word, expected[l][0]);
        CHECK_EQ(layout.places[l].shift, expected[l][1]);
        CHECK_EQ(layout.places[l].mask, expected[l][2]);
    }
    CHECK_EQ(RowLayout(std::span<const std::size_t>()).words, 0U);
}

TEST(a_word_may_be_full) {
    const std::vector<std::size_t> counts{std::size_t{1} << 32U, std::size_t{1} << 32U, 2};
    const RowLayout layout(counts);
    CHECK_EQ(layout.words, 2U);
    CHECK_EQ(layout.places[1].shift, 32U);
    CHECK_EQ(layout.places[2].word, 1U);
}

TEST(what_fits_in_one_word) {
    const std::vector<std::size_t> counts{std::size_t{1} << 30U, std::size_t{1} << 20U, std::size_t{1} << 14U, 2};
    const RowLayout full = RowLayout::of_one_word(counts);
    CHECK_EQ(full.words, 1U);
    CHECK_EQ(full.places.size(), 3U);  // the fourth would fit in, were there a bit left
    CHECK_EQ(full.places[2].shift, 50U);
    const std::vector<std::size_t> wide{std::size_t{1} << 32U, std::size_t{1} << 31U, 4, 2};
    const RowLayout two = RowLayout::of_one_word(wide);
    CHECK_EQ(two.places.size(), 2U);  // none after the first that has no room
    const RowLayout few = RowLayout::of_one_word(std::span(counts).last(2));
    CHECK_EQ(few.places.size(), 2U);
    CHECK_EQ(few.words, 1U);
}

TEST(typings_are_found_again) {
    std::mt19937 random(1);
    for (int round = 0; round < 50; ++round) {
        const Below below(random() % 100, random);
        CHECK_EQ(below.trie.below.loci(), below.typings.size());
        for (std::size_t l = 0; l < below.typings.size(); ++l) {
            for (std::uint32_t p = 0; p < below.typings[l].size(); ++p)
                CHECK_EQ(below.trie.below.typing(l, p), below.typings[l][p]);
        }
    }
}

TEST(runs_of_phenotypes) {
    std::mt19937 random(2);
    for (int round = 0; round < 600; ++round) {
        const auto limit = static_cast<std::uint32_t>(random() % 5);
        const std::size_t longest = round % 3 == 0 ? 1000 : round % 3 == 1 ? 4 : 40;
        const RandomRuns drawn(random() % (round % 3 == 0 ? 2 : 40), longest, limit, random);
        const auto& [runs, last, n] = drawn;
        const Below below(last, random);
        std::vector<Row> expected;
        for (const kernels::Run& run : runs) {
            for (std::uint32_t i = run.first; i < run.last; ++i) {
                if (const auto spent = below.spent(i, run.spent, limit)) expected.push_back({i, *spent, run.origin});
            }
        }
        Out out(n);
        const auto costs = views(below.costs, below.searched);
        const std::size_t kept = RowsBelow(below.trie, costs).filter_runs(runs, limit, out.view());
        CHECK_EQ(kept, expected.size());
        CHECK(first_rows(out, std::min(kept, n)) == expected);
        CHECK(out.guarded());
    }
}

TEST(phenotypes_one_by_one) {
    std::mt19937 random(3);
    for (int round = 0; round < 300; ++round) {
        const std::size_t count = 1 + random() % 2000;
        const Below below(count, random);
        const auto costs = views(below.costs, below.searched);
        const std::size_t n = round < 60 ? static_cast<std::size_t>(round) : random() % 1000;
        const std::size_t from = random() % 3;
        for (std::uint32_t limit = 0; limit <= 4; ++limit) {
            Out out(n);
            for (std::size_t i = 0; i < n; ++i) {
                out.index[i] = static_cast<std::uint32_t>(random() % count);
                out.spent[i] = static_cast<std::uint32_t>(random() % (limit + 1));
                out.origin[i] = static_cast<std::uint32_t>(random());
            }
            std::vector<Row> expected;
            for (const Row& row : first_rows(out, n)) {
                if (const auto spent = below.spent(row.index, row.spent, limit, from))
                    expected.push_back({row.index, *spent, row.origin});
            }
            const std::size_t kept = RowsBelow(below.trie, costs).filter(from, limit, out.view(), n);
            CHECK_EQ(kept, expected.size());
            CHECK(first_rows(out, std::min(kept, n)) == expected);
            CHECK(out.guarded());
        }
    }
}

// A registry may have more phenotypes than a signed number counts, and their rows more words than an unsigned one.
TEST(phenotypes_beyond_two_to_the_31) {
    const std::vector<std::size_t> counts{std::size_t{1} << 31U, std::size_t{1} << 31U, 200};
    RowLayout layout(counts);
    CHECK_EQ(layout.words, 2U);
    const std::size_t words = (std::size_t{1} << 32U) * layout.words;
    const SparseMemory memory(words * sizeof(std::uint64_t));
    if (!memory) return;
    const std::span row_words(static_cast<std::uint64_t*>(memory.data()), words);
    std::mt19937 random(4);
    const PlainCosts costs(200, random);
    const std::vector<kernels::Run> runs{{0x7ffffff0, 0x80000010, 1, 5}, {0xffffffe0, 0xfffffffe, 0, 7}};
    std::vector<Row> expected;
    Out by_number(64);
    std::size_t n = 0;
    for (const kernels::Run& run : runs) {
        for (std::uint32_t i = run.first; i < run.last; ++i, ++n) {
            const auto typing = static_cast<std::uint32_t>(random() % 200);
            row_words[2 * std::size_t{i} + 1] = typing;
            by_number.index[n] = i;
            by_number.spent[n] = run.spent;
            by_number.origin[n] = run.origin;
            const std::uint32_t cost = costs.of(typing);
            if (cost != 3 && run.spent + cost <= 2) expected.push_back({i, run.spent + cost, run.origin});
        }
    }
    TrieView trie;
    trie.below = PackedRows(std::move(layout), row_words);
    const std::array<kernels::Costs, 3> searched{kernels::Costs{}, kernels::Costs{}, costs.packed()};
    const RowsBelow below(trie, searched);
    Out out(n);
    std::size_t kept = below.filter_runs(runs, 2, out.view());
    CHECK_EQ(kept, expected.size());
    CHECK(first_rows(out, std::min(kept, n)) == expected);
    kept = below.filter(0, 2, by_number.view(), n);
    CHECK_EQ(kept, expected.size());
    CHECK(first_rows(by_number, std::min(kept, n)) == expected);
    CHECK_EQ(trie.below.typing(2, 0xfffffffdU), row_words[2 * std::size_t{0xfffffffdU} + 1]);
}
