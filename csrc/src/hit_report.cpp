// Counts at loci that were not searched. Only the page that is listed is looked at, so a walk never pays for them.
#include "hit_report.hpp"

#include "verdicts.hpp"

namespace allomatch {

void report_unsearched(const SearchIndex& index, const Phenotype& patient, const SearchRequest& request,
                       const Cancel& cancel, SearchResult& result) {
    const Segment& segment = index.segment();
    const std::size_t n_loci = request.report.size();
    result.reported_loci = request.report;
    result.reported.resize(result.rows.size() * n_loci);
    parallel_for(n_loci, thread_count(request.threads), cancel, [&](std::size_t i) {
        const Locus locus = request.report[i];
        LocusVerdicts verdicts(segment, index.nomenclature(), index.interpretation(locus), locus, patient[locus],
                               index.policy());
        for (std::size_t row = 0; row < result.rows.size(); ++row) {
            const PhenotypeId phenotype = result.phenotypes[result.row_phenotypes[row]];
            result.reported[row * n_loci + i] = verdicts.counts(segment.typing_of(phenotype, locus));
            if (row % 4096 == 0 && cancel.stopped()) return;
        }
    });
}

}  // namespace allomatch
