// Counts at loci that were not searched. Only the page that is listed is looked at, so a walk never pays for them.
#include "hit_report.hpp"

#include <algorithm>
#include <string>

#include "verdicts.hpp"

namespace allomatch {
namespace {

LocusVerdicts verdicts_at(Locus locus, const SearchIndex& index, const Phenotype& patient) {
    try {
        return {index.segment(), index.nomenclature(), index.interpretation(locus), locus, patient[locus],
                index.policy(),  index.profile()};
    } catch (const Error& error) {
        if (error.code() != ErrorCode::UnknownName) throw;
        throw Error(error.code(), std::string(error.what()) +
                                      " (the locus is not searched, only reported: mend the typing, or report the "
                                      "searched loci alone)");
    }
}

}  // namespace

void report_unsearched(const SearchIndex& index, const Phenotype& patient, const SearchRequest& request, Crew& crew,
                       const Cancel& cancel, SearchResult& result) {
    const Segment& segment = index.segment();
    const std::size_t n_loci = request.report.size();
    result.reported_loci = request.report;
    result.reported.resize(result.rows.size() * n_loci);
    crew.parallel_for(n_loci, cancel, [&](std::size_t i) {
        const Locus locus = request.report[i];
        LocusVerdicts verdicts = verdicts_at(locus, index, patient);
        constexpr std::size_t kPiece = 4096;
        std::vector<TypingId> typings;
        std::vector<Counts> counts(std::min(kPiece, result.rows.size()));
        for (std::size_t begin = 0; begin < result.rows.size() && !cancel.stopped(); begin += kPiece) {
            const std::size_t end = std::min(begin + kPiece, result.rows.size());
            typings.clear();
            for (std::size_t row = begin; row < end; ++row) {
                typings.push_back(segment.typing_of(result.phenotypes[result.row_phenotypes[row]], locus));
            }
            verdicts.counts(typings, counts);
            for (std::size_t row = begin; row < end; ++row) result.reported[row * n_loci + i] = counts[row - begin];
        }
    });
}

void flag_unread(const SearchIndex& index, const SearchRequest& request, const Cancel& cancel, SearchResult& result) {
    const Segment& segment = index.segment();
    const auto flag = [&](Locus locus) {
        const Interpretation& interpretation = index.interpretation(locus);
        if (interpretation.all_known()) return;
        result.unread.resize(result.rows.size());
        for (std::size_t row = 0; row < result.rows.size(); ++row) {
            if (row % 4096 == 0) cancel.check();
            const TypingId typing = segment.typing_of(result.phenotypes[result.row_phenotypes[row]], locus);
            for (const PositionPair& pair : segment.dictionary(locus).alternatives(typing)) {
                if (interpretation.position(pair.first).known && interpretation.position(pair.second).known) continue;
                result.unread[row] = static_cast<std::uint16_t>(result.unread[row] | 1U << index_of(locus));
            }
        }
    };
    static_assert(kLocusCount <= 16);
    for (const Locus locus : request.loci) flag(locus);
    for (const Locus locus : request.report) flag(locus);
}

}  // namespace allomatch
