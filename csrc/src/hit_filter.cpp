// The rows of all hit phenotypes side by side, tested in pieces that threads share out, and what passes moved together.
#include "hit_filter.hpp"

#include <algorithm>

namespace allomatch {
namespace {

// Enough rows to make a call of a filter cheap, which may be in Python; few enough to notice a wish to stop.
constexpr std::uint64_t kPiece = 65'536;

}  // namespace

HitRows::HitRows(const Segment& segment, std::span<const RowFilter> filters, WalkHits& hits, Crew& crew,
                 const Cancel& cancel)
    : segment_(&segment), filtered_(!filters.empty()) {
    if (!filtered_) return;
    const std::size_t found = hits.phenotypes.size();
    std::vector<std::uint64_t> starts(found + 1, 0);
    for (std::size_t h = 0; h < found; ++h) {
        const Segment::Rows rows = segment.rows_of(hits.phenotypes[h]);
        starts[h + 1] = starts[h] + (rows.last - rows.first);
    }
    rows_.resize(starts.back());
    std::vector<std::uint8_t> pass(starts.back());
    crew.parallel_for((starts.back() + kPiece - 1) / kPiece, cancel, [&](std::size_t piece) {
        const std::uint64_t begin = piece * kPiece;
        const std::uint64_t end = std::min(begin + kPiece, starts.back());
        auto hit = static_cast<std::size_t>(std::upper_bound(starts.begin(), starts.end(), begin) - starts.begin() - 1);
        for (std::uint64_t i = begin; i < end; ++hit) {
            const auto first = segment.rows_of(hits.phenotypes[hit]).first;
            for (; i < std::min(end, starts[hit + 1]); ++i) {
                rows_[i] = first + static_cast<std::uint32_t>(i - starts[hit]);
            }
        }
        static_assert(sizeof(DonorRow) == sizeof(std::uint32_t));
        const std::span rows(reinterpret_cast<const DonorRow*>(rows_.data() + begin), end - begin);
        const auto passed = std::span(pass).subspan(begin, end - begin);
        filters.front()(rows, passed);
        std::vector<std::uint8_t> also(filters.size() > 1 ? rows.size() : 0);
        for (const RowFilter& filter : filters.subspan(1)) {
            filter(rows, also);
            for (std::size_t i = 0; i < also.size(); ++i) passed[i] &= also[i];
        }
    });
    keep(hits, starts, pass);
}

void HitRows::keep(WalkHits& hits, std::span<const std::uint64_t> starts, std::span<const std::uint8_t> pass) {
    offsets_.push_back(0);
    std::size_t kept = 0;
    std::uint64_t end = 0;
    for (std::size_t h = 0; h < hits.phenotypes.size(); ++h) {
        for (std::uint64_t i = starts[h]; i < starts[h + 1]; ++i) {
            rows_[end] = rows_[i];
            end += pass[i];
        }
        if (end == offsets_.back()) continue;
        offsets_.push_back(end);
        hits.phenotypes[kept] = hits.phenotypes[h];
        for (auto& typings : hits.typings) {
            if (!typings.empty()) typings[kept] = typings[h];
        }
        ++kept;
    }
    rows_.resize(end);
    hits.phenotypes.resize(kept);
    for (auto& typings : hits.typings) typings.resize(std::min(typings.size(), kept));
}

}  // namespace allomatch
