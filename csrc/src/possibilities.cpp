// Who a person may be: the genotypes over the loci predicted, with their probabilities. See prediction.hpp.
#include "allomatch/prediction.hpp"

#include <algorithm>

namespace allomatch {

namespace {

Possibilities certain_possibilities(std::span<const Locus> loci, std::span<const std::array<Name, 2>> genotype) {
    Possibilities result;
    result.loci.assign(loci.begin(), loci.end());
    for (const std::array<Name, 2>& pair : genotype) {
        std::vector<Name> alleles{std::min(pair[0], pair[1])};
        if (pair[1] != pair[0]) alleles.push_back(std::max(pair[0], pair[1]));
        result.genotypes.push_back(0);
        result.genotypes.push_back(static_cast<std::uint16_t>(alleles.size() - 1));
        result.alleles.push_back(std::move(alleles));
    }
    result.probabilities = {1.0};
    result.certain = true;
    return result;
}

// Leaves out the least likely genotypes while they are less than `tail` together. The list is sorted by weight.
void cut_tail(GenotypeList& list, double total, double tail) {
    double lost = 0;
    std::size_t keep = list.weights.size();
    while (keep > 1 && lost + list.weights[keep - 1] <= tail * total) lost += list.weights[--keep];
    list.weights.resize(keep);
    list.classes.resize(keep * 2 * list.levels.size());
}

}  // namespace

Possibilities possibilities(const PeopleReader& reader, std::span<const TypingId, kLocusCount> typings,
                            std::span<const Phase> phases, std::span<const Locus> loci, double tail,
                            const Cancel& cancel) {
    std::vector<std::array<Name, 2>> certain;
    for (const Locus locus : loci) {
        const auto genotype = reader.certain(locus, typings[index_of(locus)]);
        if (!genotype) break;
        certain.push_back(genotype->alleles);
    }
    if (certain.size() == loci.size()) return certain_possibilities(loci, certain);

    const HaplotypeSet& set = reader.set();
    const Candidates candidates(set, reader.read(typings, phases));
    Possibilities result;
    result.loci.assign(loci.begin(), loci.end());
    result.alleles.resize(loci.size());
    if (!(candidates.total() > 0)) return result;
    std::vector<std::size_t> levels;
    for (const Locus locus : loci) levels.push_back(*set.level_of(locus));
    GenotypeList list = genotypes(set, candidates, levels, cancel);
    cut_tail(list, candidates.total(), tail);
    const std::size_t width = 2 * loci.size();
    for (std::size_t i = 0; i < loci.size(); ++i) {
        const AlleleClasses& classes = set.classes(levels[i]);
        std::vector<std::uint16_t> numbers(classes.size());
        for (std::size_t g = 0; g < list.weights.size(); ++g) {
            numbers[list.classes[g * width + 2 * i].value] = 1;
            numbers[list.classes[g * width + 2 * i + 1].value] = 1;
        }
        for (std::uint16_t c = 0; c < numbers.size(); ++c) {
            if (numbers[c] == 0) continue;
            numbers[c] = static_cast<std::uint16_t>(result.alleles[i].size());
            result.alleles[i].push_back(classes.name(ClassId{c}));
        }
        result.genotypes.resize(list.weights.size() * width);
        for (std::size_t g = 0; g < list.weights.size(); ++g) {
            for (std::size_t k = 2 * i; k < 2 * i + 2; ++k)
                result.genotypes[g * width + k] = numbers[list.classes[g * width + k].value];
        }
    }
    for (const double weight : list.weights) result.probabilities.push_back(weight / candidates.total());
    return result;
}

}  // namespace allomatch
