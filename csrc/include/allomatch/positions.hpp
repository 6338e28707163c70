// Positions: which position of a typing is the mismatched one, and what the epitopes of DPB1 make of a pair.
//
// Both ask about one locus at a time, and about which allele stands at which position, which the sums of prediction.hpp
// collapse. A person is, at a locus, a list of genotypes in the order of the typing's positions; a donor's list is
// collapsed to what the patient sees of it: which of the patient's alleles, and which epitopes.
//
// Invariant: results are the same bits for any number of threads.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "allomatch/epitopes.hpp"
#include "allomatch/imputation.hpp"

namespace allomatch {

// A person at one locus.
struct PositionList {
    struct Genotype {
        std::uint16_t first, second;  // numbers of alleles: at the first position, at the second
        double probability;
    };
    std::vector<Name> alleles;
    std::vector<Genotype> genotypes;
};

// A patient against donors of one set.
class PositionPrediction {
  public:
    static constexpr std::size_t kOfPositions = 4;  // P(mismatched): the patient's first, second, the donor's
    static constexpr std::size_t kOfEpitopes = 5;   // P: matched, permissive, non-permissive GvH, HvG, unknown

    // The loci must be in both sets.
    PositionPrediction(std::span<const Locus> loci, const PeopleReader& patient,
                       std::span<const TypingId, kLocusCount> typings, std::span<const Phase> phases,
                       std::shared_ptr<const PeopleReader> donors);

    // Values of a donor: those of positions of each locus, in order; then those of epitopes if DPB1 is among the loci.
    [[nodiscard]] std::size_t width() const noexcept;
    // False if the donor (or the patient) is not represented; `out` is then untouched.
    bool predict(std::span<const TypingId, kLocusCount> donor, std::span<const Phase> phases,
                 std::span<double> out) const;

  private:
    // A donor's allele as the patient sees it.
    struct Seen {
        std::uint16_t symbol = 0;  // 0 null, 1 + number of the patient's allele, or `other`
        std::uint8_t epitope = 0;
    };
    struct AtLocus {
        Locus locus;
        std::optional<std::size_t> level;  // of the donors' set
        PositionList patient;              // empty: not represented
        std::vector<std::array<Seen, 2>> seen_of_patient;
        std::vector<Seen> of_class;
        std::uint16_t other = 0;
        Epitopes epitopes;

        [[nodiscard]] Seen see(const Name& allele) const;
    };
    void predict_locus(const AtLocus& at, const PositionList& donor, std::span<double> positions,
                       std::span<double> epitopes) const;

    std::shared_ptr<const PeopleReader> donors_;
    bool represented_ = true;
    std::vector<AtLocus> loci_;
};

}  // namespace allomatch
