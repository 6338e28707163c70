// See predicted_person.hpp.
#include "allomatch/predicted_person.hpp"

#include <algorithm>
#include <numeric>

namespace allomatch {

namespace {

// Leaves out the least likely genotypes while they are less than `tail` together. The list is sorted by weight.
void cut_tail(GenotypeList& list, double total, double tail) {
    double lost = 0;
    std::size_t keep = list.weights.size();
    while (keep > 1 && lost + list.weights[keep - 1] <= tail * total) lost += list.weights[--keep];
    list.weights.resize(keep);
    list.classes.resize(keep * 2 * list.levels.size());
}

}  // namespace

PredictedPerson::PredictedPerson(std::shared_ptr<const PeopleReader> reader,
                                 const std::array<TypingId, kLocusCount>& typings, std::span<const Phase> phases,
                                 std::span<const Locus> loci, double tail)
    : reader_(std::move(reader)),
      typings_(typings),
      phases_(phases.begin(), phases.end()),
      loci_(loci.begin(), loci.end()),
      tail_(tail) {
    for (const Locus locus : loci_) {
        const auto genotype = reader_->certain(locus, typings_[index_of(locus)]);
        if (!genotype) break;
        genotype_.push_back(genotype->alleles);
    }
    if (genotype_.size() < loci_.size()) candidates_.emplace(reader_->set(), reader_->read(typings_, phases_));
}

std::shared_ptr<const Possibilities> PredictedPerson::possibilities(const Cancel& cancel) const {
    const std::scoped_lock lock(mutex_);
    if (!possibilities_)
        possibilities_ = std::make_shared<const Possibilities>(certain() ? certain_possibilities() : listed(cancel));
    return possibilities_;
}

double PredictedPerson::lost() const {
    const std::scoped_lock lock(mutex_);
    if (!(tail_ > 0) || !possibilities_ || !possibilities_->represented()) return 0;
    const auto& p = possibilities_->probabilities;
    return std::max(0.0, 1 - std::accumulate(p.begin(), p.end(), 0.0));
}

Possibilities PredictedPerson::certain_possibilities() const {
    Possibilities result;
    result.loci = loci_;
    for (const std::array<Name, 2>& pair : genotype_) {
        std::vector<Name> alleles{std::min(pair[0], pair[1])};
        if (pair[1] != pair[0]) alleles.push_back(std::max(pair[0], pair[1]));
        result.genotypes.push_back(0);
        result.genotypes.push_back(static_cast<std::uint16_t>(alleles.size() - 1));
        result.alleles.push_back(std::move(alleles));
    }
    result.probabilities = {1.0};
    return result;
}

Possibilities PredictedPerson::listed(const Cancel& cancel) const {
    const HaplotypeSet& set = reader_->set();
    Possibilities result;
    result.loci = loci_;
    result.alleles.resize(loci_.size());
    if (!(candidates_->total() > 0)) return result;
    std::vector<std::size_t> levels;
    for (const Locus locus : loci_) levels.push_back(*set.level_of(locus));
    GenotypeList list = genotypes(set, *candidates_, levels, cancel);
    cut_tail(list, candidates_->total(), tail_);
    const std::size_t width = 2 * loci_.size();
    for (std::size_t i = 0; i < loci_.size(); ++i) {
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
    for (const double weight : list.weights) result.probabilities.push_back(weight / candidates_->total());
    return result;
}

}  // namespace allomatch
