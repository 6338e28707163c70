// See hits.hpp.
#include "allomatch/hits.hpp"

#include <algorithm>

#include "verdicts.hpp"

namespace allomatch {
namespace {

std::array<DictionaryView, kLocusCount> dictionaries_of(const Segment& segment) {
    std::array<DictionaryView, kLocusCount> dictionaries;
    for (std::size_t l = 0; l < kLocusCount; ++l) dictionaries[l] = segment.dictionary(static_cast<Locus>(l));
    return dictionaries;
}

bool typed_at(const Segment& segment, Locus locus) {
    const auto& order = segment.trie().order;
    return std::find(order.begin(), order.end(), locus) != order.end();
}

}  // namespace

RegistryReader::RegistryReader(std::shared_ptr<const Segment> segment, std::shared_ptr<const HaplotypeSet> set)
    : segment_(std::move(segment)),
      reader_(std::make_shared<const PeopleReader>(std::move(set), dictionaries_of(*segment_))) {}

namespace {

// Phenotypes of a registry as people, at the loci of a set.
struct RegistryPeople {
    std::array<std::vector<std::uint32_t>, kLocusCount> typings;
    People people;

    RegistryPeople(const Segment& segment, const HaplotypeSet& set, std::span<const PhenotypeId> phenotypes,
                   const Cancel& cancel) {
        people.rows = phenotypes.size();
        people.dictionaries = dictionaries_of(segment);
        for (const auto& level : set.levels()) {
            if (!typed_at(segment, level.locus)) continue;
            auto& of_locus = typings[index_of(level.locus)];
            for (std::size_t i = 0; i < phenotypes.size(); ++i) {
                if (i % 4096 == 0) cancel.check();
                of_locus.push_back(segment.typing_of(phenotypes[i], level.locus).value);
            }
            people.typings[index_of(level.locus)] = of_locus;
        }
    }
};

}  // namespace

std::vector<double> RegistryReader::predict(const PatientPrediction& prediction,
                                            std::span<const PhenotypeId> phenotypes, unsigned threads,
                                            const Cancel& cancel) const {
    const RegistryPeople read(*segment_, reader_->set(), phenotypes, cancel);
    std::vector<NotPredicted> not_predicted;
    std::vector<double> values = predict_column(prediction, read.people, threads, cancel, not_predicted);
    if (!not_predicted.empty()) throw Error(not_predicted.front().error);
    return values;
}

std::vector<double> RegistryReader::predict(const PositionPrediction& prediction,
                                            std::span<const PhenotypeId> phenotypes, unsigned threads,
                                            const Cancel& cancel) const {
    const RegistryPeople read(*segment_, reader_->set(), phenotypes, cancel);
    return predict_positions(prediction, read.people, threads, cancel);
}

std::vector<Counts> count_phenotypes(const SearchIndex& index, const Phenotype& patient, std::span<const Locus> loci,
                                     std::span<const PhenotypeId> phenotypes, unsigned threads, const Cancel& cancel) {
    std::vector<std::vector<Counts>> by_locus(loci.size());
    parallel_for(loci.size(), thread_count(threads), cancel, [&](std::size_t i) {
        const Locus locus = loci[i];
        const LocusVerdicts verdicts(index.segment(), index.nomenclature(), index.interpretation(locus), locus,
                                     patient[locus], index.policy(), index.profile());
        const bool typed = typed_at(index.segment(), locus);
        std::vector<TypingId> typings(phenotypes.size(), kUntyped);
        for (std::size_t p = 0; typed && p < phenotypes.size(); ++p)
            typings[p] = index.segment().typing_of(phenotypes[p], locus);
        by_locus[i].resize(phenotypes.size());
        verdicts.counts(typings, by_locus[i]);
    });
    std::vector<Counts> totals(phenotypes.size());
    for (const std::vector<Counts>& counts : by_locus) {
        for (std::size_t p = 0; p < totals.size(); ++p) totals[p] += counts[p];
    }
    return totals;
}

TypingColumns typing_columns_of(const Segment& segment, std::span<const PhenotypeId> phenotypes,
                                std::span<const Locus> loci) {
    std::vector<TypingColumns::Chosen> chosen;
    for (const Locus locus : loci) {
        std::vector<TypingId> typings(phenotypes.size(), kUntyped);
        if (typed_at(segment, locus)) {
            for (std::size_t i = 0; i < phenotypes.size(); ++i) typings[i] = segment.typing_of(phenotypes[i], locus);
        }
        chosen.push_back({segment.dictionary(locus), std::move(typings)});
    }
    return {chosen, phenotypes.size()};
}

}  // namespace allomatch
