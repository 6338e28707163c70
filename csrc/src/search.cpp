// From a request to ordered hits: verdict tables, the walk, the counts of every hit, the order, the page.
#include "allomatch/search.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "hit_filter.hpp"
#include "hit_report.hpp"
#include "trie_walk.hpp"
#include "verdicts.hpp"

namespace allomatch {
namespace {

void check_request(const SearchRequest& request) {
    if (request.loci.empty()) {
        throw Error(ErrorCode::InvalidArgument, "no locus to search; name at least one, or a preset such as 10/10");
    }
    std::array<bool, kLocusCount> seen{};
    for (const auto& loci : {request.loci, request.report}) {
        for (const Locus locus : loci) {
            if (seen[index_of(locus)]) {
                throw Error(ErrorCode::InvalidArgument,
                            "locus " + std::string(locus_name(locus)) + " is asked for twice; name it once");
            }
            seen[index_of(locus)] = true;
        }
    }
    if (request.max_mismatches > 4) {
        throw Error(ErrorCode::InvalidArgument,
                    "max_mismatches is " + std::to_string(request.max_mismatches) + "; it may be 0 to 4");
    }
    for (const std::uint8_t limit : request.locus_limits) {
        if (limit > 2) {
            throw Error(ErrorCode::InvalidArgument,
                        "a limit of " + std::to_string(limit) + " mismatches at a locus; it may be 0 to 2");
        }
    }
}

void add(Counts& total, const Counts& counts) noexcept {
    const auto plus = [](std::uint8_t a, std::uint8_t b) { return static_cast<std::uint8_t>(a + b); };
    total = {plus(total.least, counts.least),         plus(total.greatest, counts.greatest),
             plus(total.gvh_least, counts.gvh_least), plus(total.gvh_greatest, counts.gvh_greatest),
             plus(total.hvg_least, counts.hvg_least), plus(total.hvg_greatest, counts.hvg_greatest)};
}

// Sorts by a 32-bit key, eleven bits a pass; short lists by comparison.
struct Listed {
    std::uint32_t rank;
    DonorRow row;
    std::uint32_t phenotype;
};

void sort_by_rank(std::vector<Listed>& hits, const Cancel& cancel) {
    if (hits.size() < 4096) {
        std::sort(hits.begin(), hits.end(), [](const Listed& a, const Listed& b) { return a.rank < b.rank; });
        return;
    }
    std::vector<Listed> other(hits.size());
    for (unsigned shift = 0; shift < 32; shift += 11) {
        std::array<std::uint32_t, 2048> starts{};
        for (const Listed& hit : hits) ++starts[hit.rank >> shift & 2047U];
        std::uint32_t sum = 0;
        for (std::uint32_t& start : starts) sum += std::exchange(start, sum);
        for (const Listed& hit : hits) other[starts[hit.rank >> shift & 2047U]++] = hit;
        hits.swap(other);
        cancel.check();
    }
}

// Lists the hits [offset, offset + limit) in the order of (mismatches, greatest, donor id). Hits of equal counts are
// one bucket; only buckets that the page touches are gathered and sorted.
void list_page(const Segment& segment, const HitRows& hit_rows, const SearchRequest& request, const Cancel& cancel,
               SearchResult& result) {
    constexpr std::size_t kGreatest = 2 * kLocusCount + 1;
    constexpr std::size_t kBuckets = 5 * kGreatest;
    const auto bucket_of = [&](const Counts& counts) {
        return std::size_t{counts.least_in(request.direction)} * kGreatest + counts.greatest_in(request.direction);
    };
    const TrieView& trie = segment.trie();
    std::array<std::vector<std::uint32_t>, kBuckets> buckets;
    std::array<std::uint64_t, kBuckets> donors{};
    for (std::uint32_t i = 0; i < result.phenotypes.size(); ++i) {
        const std::size_t bucket = bucket_of(result.totals[i]);
        buckets[bucket].push_back(i);
        donors[bucket] += hit_rows.of(i, result.phenotypes[i]).count;
    }
    for (std::size_t b = 0; b < kBuckets; ++b) {
        result.donors_by_mismatches[b / kGreatest] += donors[b];
        result.donors += donors[b];
    }
    std::uint64_t before = 0;
    const std::uint64_t end = request.limit > UINT64_MAX - request.offset ? UINT64_MAX : request.offset + request.limit;
    for (std::size_t b = 0; b < kBuckets && before < end; before += donors[b], ++b) {
        if (before + donors[b] <= request.offset || donors[b] == 0) continue;
        std::vector<Listed> hits;
        hits.reserve(donors[b]);
        constexpr std::size_t kAhead = 16;
        for (std::size_t i = 0; i < buckets[b].size(); ++i) {
            if (i % 65'536 == 0) cancel.check();
            if (i + kAhead < buckets[b].size()) {
                __builtin_prefetch(&segment.donor_ranks()[trie.rows[result.phenotypes[buckets[b][i + kAhead]].value]]);
            }
            const std::uint32_t phenotype = buckets[b][i];
            const HitRowRange rows = hit_rows.of(phenotype, result.phenotypes[phenotype]);
            for (std::uint32_t k = 0; k < rows.count; ++k) {
                hits.push_back({segment.donor_ranks()[rows[k]], DonorRow{rows[k]}, phenotype});
            }
        }
        sort_by_rank(hits, cancel);
        const std::uint64_t first = request.offset > before ? request.offset - before : 0;
        const std::uint64_t last = std::min<std::uint64_t>(donors[b], end - before);
        for (std::uint64_t i = first; i < last; ++i) {
            result.rows.push_back(hits[i].row);
            result.row_phenotypes.push_back(hits[i].phenotype);
        }
    }
}

}  // namespace

SearchIndex::SearchIndex(std::shared_ptr<const Segment> segment, std::shared_ptr<const Nomenclature> nomenclature,
                         NullPolicy policy, Profile profile)
    : segment_(std::move(segment)), nomenclature_(std::move(nomenclature)), policy_(policy), profile_(profile) {
    parallel_for(kLocusCount, thread_count(0), Cancel(), [&](std::size_t l) {
        interpretations_[l] =
            std::make_unique<Interpretation>(*nomenclature_, segment_->dictionary(static_cast<Locus>(l)),
                                             std::span<const Name>{}, MatchLevel::Ard, Reading{profile_, Side::Donor});
    });
}

std::vector<UnknownTyping> SearchIndex::unknown_typings() const {
    std::vector<UnknownTyping> unknown;
    for (const Locus locus : segment_->trie().order) {
        const DictionaryView& dictionary = segment_->dictionary(locus);
        const Interpretation& interpretation = *interpretations_[index_of(locus)];
        for (std::uint32_t t = 1; t < dictionary.typing_count(); ++t) {
            const auto pairs = dictionary.alternatives(TypingId{t});
            const bool known = std::all_of(pairs.begin(), pairs.end(), [&](const PositionPair& pair) {
                return interpretation.position(pair.first).known && interpretation.position(pair.second).known;
            });
            if (!known)
                unknown.push_back(
                    {locus, to_text(locus, dictionary.typing(TypingId{t})), segment_->typing_donors(locus)[t]});
        }
    }
    return unknown;
}

SearchResult SearchIndex::search(const Phenotype& patient, const SearchRequest& request, const Cancel& cancel) const {
    check_request(request);
    const unsigned threads = thread_count(request.threads);
    const TrieView& trie = segment_->trie();
    const std::size_t n_loci = request.loci.size();

    std::vector<std::optional<LocusVerdicts>> verdicts(n_loci);
    parallel_for(n_loci, threads, cancel, [&](std::size_t i) {
        const Locus locus = request.loci[i];
        verdicts[i].emplace(*segment_, *nomenclature_, *interpretations_[index_of(locus)], locus, patient[locus],
                            policy_, profile_);
        verdicts[i]->pack_costs(request.direction, request.locus_limits[index_of(locus)]);
    });

    // A locus that nobody is typed at costs every donor the same.
    std::uint32_t budget = request.max_mismatches;
    std::uint32_t everyone = 0;
    std::vector<kernels::Costs> walk_loci(trie.order.size(), {nullptr, 0});
    std::vector<std::size_t> trie_place(n_loci, SIZE_MAX);
    bool possible = true;
    for (std::size_t i = 0; i < n_loci; ++i) {
        const auto at = std::find(trie.order.begin(), trie.order.end(), request.loci[i]);
        if (at != trie.order.end()) {
            trie_place[i] = static_cast<std::size_t>(at - trie.order.begin());
            walk_loci[trie_place[i]] = verdicts[i]->costs();
        } else {
            const std::uint8_t cost = verdicts[i]->cost(kUntyped);
            possible = possible && cost != 3;
            everyone += cost;
        }
    }
    WalkHits hits;
    if (possible && everyone <= budget) {
        budget -= everyone;
        hits = walk_trie(trie, walk_loci, budget, threads, cancel);
    }

    const HitRows hit_rows(*segment_, request.filters, hits, threads, cancel);
    SearchResult result;
    result.loci = request.loci;
    result.phenotypes = std::move(hits.phenotypes);
    const std::size_t found = result.phenotypes.size();
    result.by_locus.resize(found * n_loci);
    parallel_for(n_loci, found < 1000 ? 1 : threads, cancel, [&](std::size_t i) {
        const std::size_t place = trie_place[i];
        for (std::size_t h = 0; h < found; ++h) {
            TypingId typing = kUntyped;
            if (place < trie.levels.size()) {
                typing = {hits.typings[place][h]};
            } else if (place != SIZE_MAX) {
                typing = {trie.columns[place - trie.levels.size()][result.phenotypes[h].value]};
            }
            result.by_locus[h * n_loci + i] = verdicts[i]->counts(typing);
        }
    });
    result.totals.resize(found);
    for (std::size_t h = 0; h < found; ++h) {
        for (std::size_t i = 0; i < n_loci; ++i) add(result.totals[h], result.by_locus[h * n_loci + i]);
    }
    cancel.check();
    list_page(*segment_, hit_rows, request, cancel, result);
    report_unsearched(*this, patient, request, cancel, result);
    return result;
}

Counts match_locus(const Typing& patient, const Typing& donor, Locus locus, const Nomenclature& nomenclature,
                   NullPolicy policy, bool donor_required, Profile profile) {
    const std::array<Typing, 2> both{patient, donor};
    const Dictionary dictionary(locus, both);
    const DictionaryView view = dictionary.view();
    // The two sides differ in what they read only under Atlas, and share the space of groups.
    const Interpretation as_donor(nomenclature, view, {}, MatchLevel::Ard, Reading{profile, Side::Donor});
    const Interpretation as_patient(as_donor.space(), view, Reading{profile, Side::Patient});
    const std::uint32_t required = donor_required ? 2 : 1;
    for (const PositionPair& pair : view.pairs.first(view.typing_offsets[required + 1])) {
        for (const PositionId p : {pair.first, pair.second}) {
            if (!as_donor.position(p).known) throw_unknown(nomenclature, view, p);
        }
    }
    const LocusGenotypes p(as_patient, view.alternatives(TypingId{1}), policy);
    const LocusGenotypes d(as_donor, view.alternatives(TypingId{2}), policy);
    return count(p.all(), d.all());
}

}  // namespace allomatch
