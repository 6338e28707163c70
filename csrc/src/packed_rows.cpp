// See packed_rows.hpp.
#include "allomatch/packed_rows.hpp"

#include <algorithm>
#include <bit>

namespace allomatch {

RowLayout::RowLayout(std::span<const std::size_t> typing_counts) {
    constexpr std::uint32_t kBits = 64;
    std::uint32_t used = kBits;
    for (const std::size_t typings : typing_counts) {
        const auto bits = std::max(1U, static_cast<std::uint32_t>(std::bit_width(typings - 1)));
        if (used + bits > kBits) {
            ++words;
            used = 0;
        }
        places.push_back(
            {static_cast<std::uint32_t>(words - 1), used, static_cast<std::uint32_t>((std::uint64_t{1} << bits) - 1)});
        used += bits;
    }
}

RowLayout RowLayout::of_one_word(std::span<const std::size_t> typing_counts) {
    RowLayout layout(typing_counts);
    std::erase_if(layout.places, [](const Place& place) { return place.word > 0; });
    layout.words = 1;
    return layout;
}

}  // namespace allomatch
