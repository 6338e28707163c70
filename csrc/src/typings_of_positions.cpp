// A counting sort by position.
#include "typings_of_positions.hpp"

namespace allomatch {

TypingsOfPositions::TypingsOfPositions(const DictionaryView& dictionary, std::size_t singles)
    : offsets_(dictionary.position_count() + 1, 0) {
    const auto pairs = dictionary.pairs.first(singles - 1);  // typing t of [1, singles) has the pair t - 1
    for (const PositionPair& pair : pairs) {
        ++offsets_[pair.first.value];
        if (pair.second != pair.first) ++offsets_[pair.second.value];
    }
    std::uint32_t end = 0;
    for (std::uint32_t& offset : offsets_) offset = end += offset;
    entries_.resize(end);
    // From the last typing to the first, so that every offset ends where its position's typings begin.
    for (std::size_t p = pairs.size(); p-- > 0;) {
        const TypingId typing{static_cast<std::uint32_t>(p + 1)};
        const PositionPair& pair = pairs[p];
        entries_[--offsets_[pair.first.value]] = {typing, pair.second};
        if (pair.second != pair.first) entries_[--offsets_[pair.second.value]] = {typing, pair.first};
    }
}

}  // namespace allomatch
