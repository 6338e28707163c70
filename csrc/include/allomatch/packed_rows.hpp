// Typings of phenotypes side by side, a row of whole words for each: what a search looks at together lies together, in
// as few bits as the dictionaries need.
//
// Invariant: answers are within bounds whatever the bits are; a damaged file may hold typings that no dictionary has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace allomatch {

// Where each locus stands in a row: as many bits as its greatest typing has, from the low end of a word on; in the next
// word where this one has no room left.
struct RowLayout {
    struct Place {
        std::uint32_t word, shift, mask;
    };
    explicit RowLayout(std::span<const std::size_t> typing_counts);
    // Of as many of the first ones as fit in one word.
    [[nodiscard]] static RowLayout of_one_word(std::span<const std::size_t> typing_counts);
    RowLayout() = default;

    std::vector<Place> places;
    std::size_t words = 0;  // of a row
};

class PackedRows {
  public:
    PackedRows() = default;
    // `words` are those of whole rows, and are not copied.
    PackedRows(RowLayout layout, std::span<const std::uint64_t> words) : layout_(std::move(layout)), words_(words) {}

    [[nodiscard]] std::size_t loci() const noexcept { return layout_.places.size(); }
    [[nodiscard]] const RowLayout::Place& place(std::size_t locus) const noexcept { return layout_.places[locus]; }
    [[nodiscard]] std::size_t stride() const noexcept { return layout_.words; }
    [[nodiscard]] const std::uint64_t* data() const noexcept { return words_.data(); }
    [[nodiscard]] std::uint32_t typing(std::size_t locus, std::uint32_t row) const noexcept {
        const RowLayout::Place& at = layout_.places[locus];
        return static_cast<std::uint32_t>(row_of(row)[at.word] >> at.shift) & at.mask;
    }
    [[nodiscard]] const std::uint64_t* row_of(std::uint32_t row) const noexcept {
        return words_.data() + std::size_t{row} * layout_.words;
    }
    [[gnu::always_inline]] void prefetch(std::uint32_t row) const noexcept { __builtin_prefetch(row_of(row)); }

  private:
    RowLayout layout_;
    std::span<const std::uint64_t> words_;
};

}  // namespace allomatch
