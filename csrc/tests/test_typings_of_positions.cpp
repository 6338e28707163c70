// The typings of each position, held against a loop over all typings.
#include "typings_of_positions.hpp"

#include <random>

#include "check.hpp"

using namespace allomatch;

namespace {

// A dictionary of which only the pairs matter here.
struct Pairs {
    Pairs(std::size_t positions, std::size_t singles, std::size_t others, std::mt19937& random) {
        offsets.resize(positions + 1);
        view.position_offsets = offsets;
        for (std::size_t p = 0; p < singles - 1 + others; ++p) {
            const PositionId first{static_cast<std::uint32_t>(random() % positions)};
            const PositionId second{static_cast<std::uint32_t>(random() % positions)};
            pairs.push_back({first, random() % 4 == 0 ? first : second});
        }
        view.pairs = pairs;
    }
    std::vector<std::uint32_t> offsets;
    std::vector<PositionPair> pairs;
    DictionaryView view;
};

}  // namespace

TEST(each_typing_under_its_positions) {
    std::mt19937 random(50);
    for (int round = 0; round < 200; ++round) {
        const std::size_t positions = 1 + random() % 40;
        const std::size_t singles = 1 + random() % 200;
        const Pairs pairs(positions, singles, random() % 5, random);
        const TypingsOfPositions typings(pairs.view, singles);
        for (std::uint32_t position = 0; position < positions; ++position) {
            std::vector<std::pair<std::uint32_t, std::uint32_t>> expected;
            for (std::uint32_t t = 1; t < singles; ++t) {
                const auto [first, second] = pairs.pairs[t - 1];
                if (first.value == position) expected.emplace_back(t, second.value);
                if (second.value == position && first != second) expected.emplace_back(t, first.value);
            }
            std::vector<std::pair<std::uint32_t, std::uint32_t>> found;
            for (const auto [typing, other] : typings.of(PositionId{position}))
                found.emplace_back(typing.value, other.value);
            CHECK(found == expected);
        }
    }
}
