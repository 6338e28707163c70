// The donors of the hit phenotypes: all of them, or those that pass the filters of the request.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "allomatch/filter.hpp"
#include "allomatch/parallel_for.hpp"
#include "allomatch/registry.hpp"
#include "trie_walk.hpp"

namespace allomatch {

// Rows of one phenotype: a range, or a list.
struct HitRowRange {
    const std::uint32_t* list = nullptr;
    std::uint32_t first = 0, count = 0;
    [[nodiscard]] std::uint32_t operator[](std::uint32_t i) const noexcept {
        return list == nullptr ? first + i : list[i];
    }
};

class HitRows {
  public:
    // Removes from `hits` the phenotypes of which no donor passes every filter. Throws CorruptFile, Interrupted, and
    // what a filter throws.
    HitRows(const Segment& segment, std::span<const RowFilter> filters, WalkHits& hits, Crew& crew,
            const Cancel& cancel);

    // Fetches what `of` will look at some hits after the `hit`-th of `phenotypes`.
    [[gnu::always_inline]] void prefetch(std::span<const PhenotypeId> phenotypes, std::size_t hit) const noexcept {
        constexpr std::size_t kAhead = 12;
        const Marks& marks = segment_->trie().rows;
        if (filtered_) return;
        if (hit + 2 * kAhead < phenotypes.size()) marks.prefetch_sample(phenotypes[hit + 2 * kAhead].value);
        if (hit + kAhead < phenotypes.size()) marks.prefetch(phenotypes[hit + kAhead].value);
    }
    // Ascending rows of the `hit`-th of the remaining phenotypes, which is `phenotype`.
    [[nodiscard]] HitRowRange of(std::size_t hit, PhenotypeId phenotype) const {
        if (filtered_)
            return {rows_.data() + offsets_[hit], 0, static_cast<std::uint32_t>(offsets_[hit + 1] - offsets_[hit])};
        const Segment::Rows rows = segment_->rows_of(phenotype);
        return {nullptr, rows.first, rows.last - rows.first};
    }

  private:
    void keep(WalkHits& hits, std::span<const std::uint64_t> starts, std::span<const std::uint8_t> pass);

    const Segment* segment_;
    bool filtered_;
    std::vector<std::uint32_t> rows_;
    std::vector<std::uint64_t> offsets_;
};

}  // namespace allomatch
