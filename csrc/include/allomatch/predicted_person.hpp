// A person in a prediction: how many pairs of haplotypes explain the typings, and the genotypes that these are, listed
// when they are first asked for.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "allomatch/prediction.hpp"

namespace allomatch {

class PredictedPerson {
  public:
    // `loci` must be in the set. `tail`: genotypes of the least probability are left out of the list while they are
    // this much together.
    PredictedPerson(std::shared_ptr<const PeopleReader> reader, const std::array<TypingId, kLocusCount>& typings,
                    std::span<const Phase> phases, std::span<const Locus> loci, double tail = 0);

    [[nodiscard]] const std::shared_ptr<const PeopleReader>& reader() const noexcept { return reader_; }
    [[nodiscard]] const std::array<TypingId, kLocusCount>& typings() const noexcept { return typings_; }
    [[nodiscard]] std::span<const Phase> phases() const noexcept { return phases_; }
    [[nodiscard]] std::span<const Locus> loci() const noexcept { return loci_; }
    // Every locus is one genotype, whatever the frequencies.
    [[nodiscard]] bool certain() const noexcept { return !candidates_; }
    [[nodiscard]] bool represented() const noexcept { return certain() || candidates_->total() > 0; }
    // 1 if certain.
    [[nodiscard]] std::uint64_t diplotype_count() const noexcept {
        return certain() ? 1 : candidates_->diplotype_count();
    }
    // Throws TooManyValues (imputation.hpp) and Interrupted. For any number of threads.
    [[nodiscard]] std::shared_ptr<const Possibilities> possibilities(const Cancel& cancel) const;
    // Probability of what the list leaves out; nothing if nobody asked for a list.
    [[nodiscard]] double lost() const;

  private:
    [[nodiscard]] Possibilities certain_possibilities() const;
    [[nodiscard]] Possibilities listed(const Cancel& cancel) const;

    std::shared_ptr<const PeopleReader> reader_;
    std::array<TypingId, kLocusCount> typings_;
    std::vector<Phase> phases_;
    std::vector<Locus> loci_;
    double tail_;
    std::vector<std::array<Name, 2>> genotype_;  // at each locus, if certain
    std::optional<Candidates> candidates_;       // if not
    mutable std::mutex mutex_;
    mutable std::shared_ptr<const Possibilities> possibilities_;
};

}  // namespace allomatch
