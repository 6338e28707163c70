// From a request to ordered hits: verdict tables, the walk, the counts of every hit; hit_list.cpp orders them.
#include "allomatch/search.hpp"

#include <algorithm>
#include <numeric>
#include <optional>
#include <utility>

#include "hit_filter.hpp"
#include "hit_list.hpp"
#include "hit_report.hpp"
#include "postings_walk.hpp"
#include "trie_walk.hpp"
#include "typings_of_positions.hpp"
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

void check_level(const Nomenclature& nomenclature, MatchLevel level) {
    if (level == MatchLevel::Antigen && nomenclature.has_data() && nomenclature.antigen_count(Locus::A) == 0) {
        throw Error(ErrorCode::InvalidArgument,
                    "antigens cannot be compared: release " + nomenclature.release() +
                        " was installed without wmda/rel_dna_ser.txt; install it again, or search by ARD");
    }
}

// Places of the loci in `loci`, those of the most typings first, so that no thread is left alone with them at the end.
std::vector<std::size_t> longest_first(const Segment& segment, std::span<const Locus> loci) {
    std::vector<std::size_t> order(loci.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    const auto typings = [&](std::size_t i) { return segment.dictionary(loci[i]).typing_count(); };
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return typings(a) > typings(b); });
    return order;
}

// The counts of every hit. `places`: of each searched locus in the trie's order, SIZE_MAX if nobody is typed at it.
void count_hits(const TrieView& trie, std::span<const std::optional<LocusVerdicts>> verdicts,
                std::span<const std::size_t> places, const WalkHits& hits, Crew& crew, const Cancel& cancel,
                SearchResult& result) {
    constexpr std::size_t kPiece = 512;  // hits counted by a task
    constexpr std::size_t kAhead = 12;
    const std::size_t found = result.phenotypes.size();
    const std::size_t n_loci = places.size();
    result.by_locus.resize(found * n_loci);
    result.totals.resize(found);
    crew.parallel_for((found + kPiece - 1) / kPiece, cancel, [&](std::size_t piece) {
        const std::size_t begin = piece * kPiece;
        const std::size_t n = std::min(found - begin, kPiece);
        const auto phenotypes = std::span(result.phenotypes).subspan(begin, n);
        std::array<TypingId, kPiece> typings;
        std::array<Counts, kPiece> counts;
        for (std::size_t l = 0; l < n_loci; ++l) {
            if (places[l] == SIZE_MAX) {
                typings.fill(kUntyped);
            } else if (places[l] < trie.levels.size()) {
                const auto of_hits = std::span(hits.typings[places[l]]).subspan(begin, n);
                std::transform(of_hits.begin(), of_hits.end(), typings.begin(), [](auto t) { return TypingId{t}; });
            } else {
                const std::size_t below = places[l] - trie.levels.size();
                for (std::size_t h = 0; h < n; ++h) {
                    if (h + kAhead < n) trie.below.prefetch(phenotypes[h + kAhead].value);
                    typings[h] = TypingId{trie.below.typing(below, phenotypes[h].value)};
                }
            }
            verdicts[l]->counts(std::span(typings).first(n), counts);
            for (std::size_t h = 0; h < n; ++h) {
                result.by_locus[(begin + h) * n_loci + l] = counts[h];
                result.totals[begin + h] += counts[h];
            }
        }
    });
}

}  // namespace

SearchIndex::SearchIndex(std::shared_ptr<const Segment> segment, std::shared_ptr<const Nomenclature> nomenclature,
                         NullPolicy policy, Profile profile)
    : segment_(std::move(segment)), nomenclature_(std::move(nomenclature)), policy_(policy), profile_(profile) {
    parallel_for(kLocusCount, thread_count(0), Cancel(), [&](std::size_t l) {
        const auto locus = static_cast<Locus>(l);
        static_cast<void>(interpretation(locus));
        typings_of_positions_[l] =
            std::make_unique<TypingsOfPositions>(segment_->dictionary(locus), segment_->single_genotype_typings(locus));
    });
}

SearchIndex::~SearchIndex() = default;

const Interpretation& SearchIndex::interpretation(Locus locus, MatchLevel level) const {
    Made& made = interpretations_[index_of(locus)][static_cast<std::size_t>(level)];
    std::call_once(made.once, [&] {
        check_level(*nomenclature_, level);
        made.value = std::make_unique<Interpretation>(*nomenclature_, segment_->dictionary(locus),
                                                      std::span<const Name>{}, level, Reading{profile_, Side::Donor});
    });
    return *made.value;
}

std::vector<UnknownTyping> SearchIndex::unknown_typings() const {
    std::vector<UnknownTyping> unknown;
    for (const Locus locus : segment_->trie().order) {
        const DictionaryView& dictionary = segment_->dictionary(locus);
        const Interpretation& names = interpretation(locus);
        for (std::uint32_t t = 1; t < dictionary.typing_count(); ++t) {
            const auto pairs = dictionary.alternatives(TypingId{t});
            const bool known = std::all_of(pairs.begin(), pairs.end(), [&](const PositionPair& pair) {
                return names.position(pair.first).known && names.position(pair.second).known;
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
    const KeptCrew::Lease lease = crew_.take(thread_count(request.threads));
    Crew& crew = *lease;
    const TrieView& trie = segment_->trie();
    const std::size_t n_loci = request.loci.size();

    std::vector<std::optional<LocusVerdicts>> verdicts(n_loci);
    const std::vector<std::size_t> order = longest_first(*segment_, request.loci);
    crew.parallel_for(n_loci, cancel, [&](std::size_t task) {
        const std::size_t i = order[task];
        const Locus locus = request.loci[i];
        verdicts[i].emplace(*segment_, *nomenclature_, interpretation(locus, request.levels[index_of(locus)]), locus,
                            patient[locus], policy_, profile_);
        verdicts[i]->pack_costs(request.direction, request.locus_limits[index_of(locus)],
                                *typings_of_positions_[index_of(locus)]);
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
        hits = postings_serve(trie, walk_loci, budget) ? walk_postings(trie, walk_loci, budget, crew, cancel)
                                                       : walk_trie(trie, walk_loci, budget, crew, cancel);
    }

    const HitRows hit_rows(*segment_, request.filters, hits, crew, cancel);
    SearchResult result;
    result.loci = request.loci;
    result.phenotypes = std::move(hits.phenotypes);
    count_hits(trie, verdicts, trie_place, hits, crew, cancel, result);
    list_page(*segment_, hit_rows, request, crew, cancel, result);
    report_unsearched(*this, patient, request, crew, cancel, result);
    flag_unread(*this, request, cancel, result);
    return result;
}

Counts match_locus(const Typing& patient, const Typing& donor, Locus locus, const Nomenclature& nomenclature,
                   NullPolicy policy, bool donor_required, Profile profile, MatchLevel level) {
    check_level(nomenclature, level);
    const std::array<Typing, 2> both{patient, donor};
    const Dictionary dictionary(locus, both);
    const DictionaryView view = dictionary.view();
    // The two sides differ in what they read only under Atlas, and share the space of groups.
    const Interpretation as_donor(nomenclature, view, {}, level, Reading{profile, Side::Donor});
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
