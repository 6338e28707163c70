// Which typings of a dictionary have a position: a patient shares something with a few hundredths of the positions, so
// that verdicts look at a tenth of the typings, not at all of them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "allomatch/registry.hpp"

namespace allomatch {

class TypingsOfPositions {
  public:
    struct Entry {
        TypingId typing;
        PositionId other;  // the typing's other position; the same again if it has one twice
    };

    // Of the typings in [1, singles), which have one pair each.
    TypingsOfPositions(const DictionaryView& dictionary, std::size_t singles);

    // Typings ascend, each once.
    [[nodiscard]] std::span<const Entry> of(PositionId position) const noexcept {
        return std::span(entries_).subspan(offsets_[position.value],
                                           offsets_[position.value + 1] - offsets_[position.value]);
    }

  private:
    std::vector<std::uint32_t> offsets_;
    std::vector<Entry> entries_;
};

}  // namespace allomatch
