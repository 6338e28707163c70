// Hits looked at further: what a ranking asks of the phenotypes that a search found, for all of them at once.
//
// A search lists phenotypes of a registry; here they are predicted against a patient, counted under another policy, or
// made columns of typings for a comparison in detail.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "allomatch/detail_table.hpp"
#include "allomatch/prediction_table.hpp"
#include "allomatch/search.hpp"

namespace allomatch {

// A registry's typings read for a frequency set: once, for any number of patients. Keeps the segment open.
class RegistryReader {
  public:
    RegistryReader(std::shared_ptr<const Segment> segment, std::shared_ptr<const HaplotypeSet> set);

    [[nodiscard]] const std::shared_ptr<const PeopleReader>& reader() const noexcept { return reader_; }
    // As predict_column, a row for each phenotype; throws if one of them is not predicted. A typing that the
    // nomenclature cannot read counts as untyped.
    [[nodiscard]] std::vector<double> predict(const PatientPrediction& prediction,
                                              std::span<const PhenotypeId> phenotypes, unsigned threads,
                                              const Cancel& cancel) const;
    [[nodiscard]] std::vector<double> predict(const PositionPrediction& prediction,
                                              std::span<const PhenotypeId> phenotypes, unsigned threads,
                                              const Cancel& cancel) const;

  private:
    std::shared_ptr<const Segment> segment_;
    std::shared_ptr<const PeopleReader> reader_;
};

// Counts of each phenotype against a patient, summed over `loci`, by ARD under the index's policy.
[[nodiscard]] std::vector<Counts> count_phenotypes(const SearchIndex& index, const Phenotype& patient,
                                                   std::span<const Locus> loci, std::span<const PhenotypeId> phenotypes,
                                                   unsigned threads, const Cancel& cancel);

// The typings of some phenotypes of a registry, as the columns of a comparison in detail.
[[nodiscard]] TypingColumns typing_columns_of(const Segment& segment, std::span<const PhenotypeId> phenotypes,
                                              std::span<const Locus> loci);

}  // namespace allomatch
