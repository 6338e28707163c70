// Marks, held against plain arrays: dense ones, sparse ones, and gaps longer than a step of the directory.
#include <random>

#include "allomatch/marks.hpp"
#include "check.hpp"

using allomatch::Marks;

namespace {

void check_marks(const std::vector<bool>& begins) {
    std::vector<std::uint64_t> words((begins.size() + 63) / 64);
    std::vector<std::uint32_t> first;
    std::vector<std::uint32_t> group_of;
    for (std::uint32_t i = 0; i < begins.size(); ++i) {
        if (begins[i]) {
            words[i / 64] |= std::uint64_t{1} << i % 64;
            first.push_back(i);
        }
        group_of.push_back(static_cast<std::uint32_t>(first.size()) - 1);
    }
    const Marks marks(words, begins.size());
    CHECK(marks.sound());
    CHECK_EQ(marks.things(), begins.size());
    CHECK_EQ(marks.groups(), first.size());
    first.push_back(static_cast<std::uint32_t>(begins.size()));
    for (std::size_t group = 0; group < first.size(); ++group) CHECK_EQ(marks[group], first[group]);
    for (std::uint32_t i = 0; i < begins.size(); ++i) {
        CHECK_EQ(marks.group_of(i), group_of[i]);
        CHECK_EQ(marks.after(i), first[group_of[i] + std::size_t{1}]);
    }
    CHECK_EQ(marks.after(first.back()), first.back());
}

}  // namespace

TEST(marks_against_arrays) {
    std::mt19937 random(40);
    check_marks({});
    for (const unsigned per_mille : {1000U, 900U, 500U, 100U, 10U, 1U}) {
        for (const std::size_t n : {1U, 2U, 63U, 64U, 65U, 127U, 128U, 129U, 4096U, 20'001U}) {
            std::vector<bool> begins(n);
            for (std::size_t i = 0; i < n; ++i) begins[i] = i == 0 || random() % 1000 < per_mille;
            check_marks(begins);
        }
    }
    // Everything within one directory step, then nothing for a long while, then everything again.
    std::vector<bool> begins(40'000);
    for (std::size_t i = 0; i < begins.size(); ++i) begins[i] = i < 130 || i > 39'900;
    check_marks(begins);
}

TEST(unsound_marks) {
    const std::vector<std::uint64_t> none{0};
    CHECK(!Marks(none, 5).sound());
    const std::vector<std::uint64_t> beyond{0x21};
    CHECK(!Marks(beyond, 5).sound());
    CHECK(Marks(beyond, 6).sound());
    const Marks nothing;
    CHECK_EQ(nothing.groups(), 0U);
    CHECK_EQ(nothing[0], 0U);
    CHECK_EQ(nothing.after(0), 0U);
}
