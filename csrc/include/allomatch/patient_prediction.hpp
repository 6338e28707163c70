// A patient against donors, by the list of whoever has fewer genotypes.
//
// A prediction is a sum over one person's genotypes and the other one's haplotypes (prediction.hpp). It is the same
// whichever of the two is listed, graft-versus-host and host-versus-graft exchanged. A patient of few pairs of
// haplotypes is listed, once for all donors. The list of one who is weakly typed has millions of genotypes: against a
// donor of fewer pairs it is the donor who is listed, and the patient's haplotypes are summed.
#pragma once

#include <memory>
#include <mutex>
#include <optional>

#include "allomatch/predicted_person.hpp"

namespace allomatch {

class PatientPrediction {
  public:
    // A patient of no more pairs than this is listed against every donor: the list is made once.
    static constexpr std::uint64_t kFewPairs = 1024;

    // The donors' set must have the patient's loci.
    PatientPrediction(std::shared_ptr<const PredictedPerson> patient, std::shared_ptr<const PeopleReader> donors,
                      Direction direction);

    [[nodiscard]] std::size_t width() const noexcept { return 5 * patient_->loci().size() + 1; }
    // As Prediction's. Throws TooManyValues too: neither person can be listed.
    bool predict(const std::array<TypingId, kLocusCount>& donor, std::span<const Phase> phases,
                 Prediction::Scratch& scratch, std::span<double> out, const Cancel& cancel) const;

  private:
    [[nodiscard]] const Prediction& by_patient(const Cancel& cancel) const;

    std::shared_ptr<const PredictedPerson> patient_;
    std::shared_ptr<const PeopleReader> donors_;
    Direction direction_;
    mutable std::mutex mutex_;
    mutable std::optional<Prediction> by_patient_;
};

}  // namespace allomatch
