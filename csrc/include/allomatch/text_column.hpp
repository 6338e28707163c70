// Columns of text as Arrow lays them out, looked at without copies.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace allomatch {

// Text as Arrow lays it out; validity bits may be absent (all valid). With `indices`, entries are of a dictionary.
struct TextColumn {
    const std::int32_t* offsets = nullptr;
    const char* bytes = nullptr;
    const std::uint8_t* validity = nullptr;
    std::size_t validity_offset = 0;
    const std::int32_t* indices = nullptr;  // dictionary-encoded: entry of each row
    std::size_t dictionary_size = 0;

    [[nodiscard]] bool valid(std::size_t row) const noexcept {
        const std::size_t bit = row + validity_offset;
        return validity == nullptr || (validity[bit >> 3U] >> (bit & 7U) & 1U) != 0;
    }
    [[nodiscard]] std::string_view entry(std::size_t i) const noexcept {
        return {bytes + offsets[i], static_cast<std::size_t>(offsets[i + 1] - offsets[i])};
    }
    // Blank if null.
    [[nodiscard]] std::string_view operator[](std::size_t row) const noexcept {
        if (!valid(row)) return {};
        return entry(indices == nullptr ? row : static_cast<std::size_t>(indices[row]));
    }
};

}  // namespace allomatch
