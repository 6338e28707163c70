// Hits of equal counts are one bucket; buckets follow each other in the order of the list, and only those that the page
// touches are gathered and sorted, each by the ranks of its donors' ids. Buckets are shared out among the threads: to
// fetch a rank is a cache miss for nearly every phenotype, and two threads wait for twice as many at once.
#include "hit_list.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

namespace allomatch {
namespace {

constexpr std::size_t kGreatest = 2 * kLocusCount + 1;
constexpr std::size_t kBuckets = 5 * kGreatest;
constexpr std::size_t kPiece = 512;  // hits looked at by a task

struct Listed {
    std::uint32_t rank;
    DonorRow row;
    std::uint32_t phenotype;
};

// By ranks of at most `bits` bits, a digit a pass; short lists by comparison.
void sort_by_rank(std::vector<Listed>& hits, unsigned bits, const Cancel& cancel) {
    if (hits.size() < 512) {
        std::sort(hits.begin(), hits.end(), [](const Listed& a, const Listed& b) { return a.rank < b.rank; });
        return;
    }
    // Wide digits mean fewer passes, and more counters: worth it for long lists.
    const unsigned digit = hits.size() < 16'384 ? 9 : 13;
    const std::uint32_t mask = (1U << digit) - 1;
    std::vector<Listed> other(hits.size());
    std::vector<std::uint32_t> starts(std::size_t{1} << digit);
    for (unsigned shift = 0; shift < bits; shift += digit) {
        if (cancel.stopped()) return;
        std::fill(starts.begin(), starts.end(), 0U);
        for (const Listed& hit : hits) ++starts[hit.rank >> shift & mask];
        std::uint32_t sum = 0;
        for (std::uint32_t& start : starts) sum += std::exchange(start, sum);
        for (const Listed& hit : hits) other[starts[hit.rank >> shift & mask]++] = hit;
        hits.swap(other);
    }
}

class HitList {
  public:
    HitList(const Segment& segment, const HitRows& hit_rows, const SearchRequest& request, Crew& crew,
            const Cancel& cancel, SearchResult& result)
        : segment_(segment), request_(request), crew_(crew), cancel_(cancel), result_(result) {
        put_in_buckets(hit_rows);
        for (std::size_t b = 0; b < kBuckets; ++b) {
            result_.donors_by_mismatches[b / kGreatest] += donors_[b];
            result_.donors += donors_[b];
        }
    }

    void list() {
        const std::uint64_t begin = std::min<std::uint64_t>(request_.offset, result_.donors);
        const std::uint64_t end = begin + std::min<std::uint64_t>(request_.limit, result_.donors - begin);
        result_.rows.resize(end - begin);
        result_.row_phenotypes.resize(end - begin);
        struct Part {
            std::size_t bucket;
            std::uint64_t before;  // hits in the buckets before
        };
        std::vector<Part> parts;
        std::uint64_t before = 0;
        for (std::size_t b = 0; b < kBuckets; before += donors_[b], ++b) {
            if (donors_[b] > 0 && before < end && before + donors_[b] > begin) parts.push_back({b, before});
        }
        // The longest first, so that no thread is left alone with it at the end.
        std::stable_sort(parts.begin(), parts.end(),
                         [&](const Part& a, const Part& b) { return donors_[a.bucket] > donors_[b.bucket]; });
        crew_.parallel_for(parts.size(), cancel_, [&](std::size_t i) {
            const auto [bucket, earlier] = parts[i];
            const std::vector<Listed> hits = sorted(bucket);
            const std::uint64_t first = std::max(begin, earlier);
            const std::uint64_t last = std::min(end, earlier + donors_[bucket]);
            for (std::uint64_t place = first; place < last; ++place) {
                result_.rows[place - begin] = hits[place - earlier].row;
                result_.row_phenotypes[place - begin] = hits[place - earlier].phenotype;
            }
        });
    }

  private:
    [[nodiscard]] std::size_t bucket_of(const Counts& counts) const noexcept {
        return std::size_t{counts.least_in(request_.direction)} * kGreatest + counts.greatest_in(request_.direction);
    }

    void put_in_buckets(const HitRows& hit_rows) {
        const std::size_t found = result_.phenotypes.size();
        rows_.resize(found);
        std::vector<std::uint8_t> bucket(found);
        static_assert(kBuckets <= 256);
        const std::size_t pieces = (found + kPiece - 1) / kPiece;
        std::vector<std::array<std::uint64_t, kBuckets>> donors(pieces);
        crew_.parallel_for(pieces, cancel_, [&](std::size_t piece) {
            donors[piece].fill(0);
            for (std::size_t h = piece * kPiece; h < std::min(found, (piece + 1) * kPiece); ++h) {
                const std::size_t b = bucket_of(result_.totals[h]);
                hit_rows.prefetch(result_.phenotypes, h);
                rows_[h] = hit_rows.of(h, result_.phenotypes[h]);
                bucket[h] = static_cast<std::uint8_t>(b);
                donors[piece][b] += rows_[h].count;
            }
        });
        for (const auto& piece : donors) {
            for (std::size_t b = 0; b < kBuckets; ++b) donors_[b] += piece[b];
        }
        for (const std::uint8_t b : bucket) ++starts_[b + std::size_t{1}];
        for (std::size_t b = 0; b < kBuckets; ++b) starts_[b + 1] += starts_[b];
        auto place = starts_;
        hits_.resize(found);
        for (std::uint32_t h = 0; h < found; ++h) hits_[place[bucket[h]]++] = h;
    }

    [[nodiscard]] std::vector<Listed> sorted(std::size_t bucket) const {
        const auto ranks = segment_.donor_ranks();
        const auto of_bucket = std::span(hits_).subspan(starts_[bucket], starts_[bucket + 1] - starts_[bucket]);
        std::vector<Listed> hits;
        hits.reserve(donors_[bucket]);
        constexpr std::size_t kAhead = 32;
        for (std::size_t i = 0; i < of_bucket.size() && !cancel_.stopped(); ++i) {
            if (i + kAhead < of_bucket.size()) __builtin_prefetch(&ranks[rows_[of_bucket[i + kAhead]][0]]);
            const HitRowRange rows = rows_[of_bucket[i]];
            for (std::uint32_t k = 0; k < rows.count; ++k) {
                hits.push_back({ranks[rows[k]], DonorRow{rows[k]}, of_bucket[i]});
            }
        }
        sort_by_rank(hits, static_cast<unsigned>(std::bit_width(ranks.size())), cancel_);
        if (cancel_.stopped()) cancel_.check();
        return hits;
    }

    const Segment& segment_;
    const SearchRequest& request_;
    Crew& crew_;
    const Cancel& cancel_;
    SearchResult& result_;
    std::vector<HitRowRange> rows_;    // of each hit phenotype
    std::vector<std::uint32_t> hits_;  // by bucket
    std::array<std::uint32_t, kBuckets + 1> starts_{};
    std::array<std::uint64_t, kBuckets> donors_{};
};

}  // namespace

void list_page(const Segment& segment, const HitRows& hit_rows, const SearchRequest& request, Crew& crew,
               const Cancel& cancel, SearchResult& result) {
    HitList(segment, hit_rows, request, crew, cancel, result).list();
}

}  // namespace allomatch
