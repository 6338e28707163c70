// See patient_prediction.hpp.
#include "allomatch/patient_prediction.hpp"

namespace allomatch {
namespace {

Direction exchanged(Direction direction) noexcept {
    switch (direction) {
        case Direction::Gvh:
            return Direction::Hvg;
        case Direction::Hvg:
            return Direction::Gvh;
        default:
            return direction;
    }
}

}  // namespace

PatientPrediction::PatientPrediction(std::shared_ptr<const PredictedPerson> patient,
                                     std::shared_ptr<const PeopleReader> donors, Direction direction)
    : patient_(std::move(patient)), donors_(std::move(donors)), direction_(direction) {}

const Prediction& PatientPrediction::by_patient(const Cancel& cancel) const {
    const std::scoped_lock lock(mutex_);
    if (!by_patient_) by_patient_.emplace(patient_->possibilities(cancel), donors_, direction_);
    return *by_patient_;
}

bool PatientPrediction::predict(const std::array<TypingId, kLocusCount>& donor, std::span<const Phase> phases,
                                Prediction::Scratch& scratch, std::span<double> out, const Cancel& cancel) const {
    if (!patient_->represented()) return false;
    if (patient_->diplotype_count() > kFewPairs) {
        const PredictedPerson person(donors_, donor, phases, patient_->loci());
        if (!person.represented()) return false;
        if (person.diplotype_count() < patient_->diplotype_count()) {
            const Prediction by_donor(person.possibilities(cancel), patient_->reader(), exchanged(direction_));
            return by_donor.predict(patient_->typings(), patient_->phases(), scratch, out, cancel);
        }
    }
    return by_patient(cancel).predict(donor, phases, scratch, out, cancel);
}

}  // namespace allomatch
