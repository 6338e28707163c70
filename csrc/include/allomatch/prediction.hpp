// Prediction: how likely a donor and a patient have k mismatches, given what is known of both (SEMANTICS section 4).
//
// The patient is a list of genotypes with probabilities. For a donor, the haplotypes that it may have are collapsed to
// what the comparison sees of them: the sides that they stand on, and at each locus which of the patient's alleles they
// have, or another one. For one patient genotype a further step suffices: where a mismatch belongs to one haplotype
// whatever the other one is, it is only counted. So a donor's whole distribution is a small double loop over sums.
//
// The counting rules themselves are those of match.hpp; here they are tables over symbols.
//
// Invariants: results are the same bits for any number of threads (a donor is one thread's, in a fixed order).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "allomatch/imputation.hpp"
#include "allomatch/match.hpp"

namespace allomatch {

// A person's genotypes at some loci, with their probabilities: one if every locus is certain, else by frequencies.
struct Possibilities {
    std::vector<Locus> loci;
    std::vector<std::vector<Name>> alleles;  // of each locus: classes, sorted
    std::vector<std::uint16_t> genotypes;    // of each genotype: two numbers of alleles a locus, ascending
    std::vector<double> probabilities;       // empty: not represented

    [[nodiscard]] bool represented() const noexcept { return !probabilities.empty(); }
};

// A patient against donors of one set, in one direction.
class Prediction {
  public:
    // The donors' set must have the patient's loci.
    Prediction(std::shared_ptr<const Possibilities> patient, std::shared_ptr<const PeopleReader> donors,
               Direction direction);
    ~Prediction();
    Prediction(Prediction&&) noexcept;
    Prediction& operator=(Prediction&&) = delete;
    Prediction(const Prediction&) = delete;
    Prediction& operator=(const Prediction&) = delete;

    [[nodiscard]] std::span<const Locus> loci() const noexcept { return patient_->loci; }
    // The memory of a thread, to be used again.
    struct Scratch;
    [[nodiscard]] static std::unique_ptr<Scratch, void (*)(Scratch*)> scratch();
    // False if the donor (or the patient) is not represented; `out` is then untouched. Writes 2n + 1 overall values,
    // then 3 a locus. Throws Interrupted, in any thread.
    bool predict(std::span<const TypingId, kLocusCount> donor, std::span<const Phase> phases, Scratch& scratch,
                 std::span<double> out, const Cancel& cancel) const;
    [[nodiscard]] std::size_t width() const noexcept { return 5 * loci().size() + 1; }

  private:
    struct AtLocus;
    void predict_certain(std::span<const std::array<Name, 2>> donor, std::span<double> out) const;
    // The steps of a donor who is not certain, in this order.
    void number_codes(Scratch& scratch) const;
    void collapse(Scratch& scratch) const;
    void group_by_sides(Scratch& scratch) const;
    void pair_groups(Scratch& scratch) const;
    void sum_by_what(Scratch& scratch) const;
    void predict_loci(const Scratch& scratch, std::span<double> out) const;
    void predict_genotype(std::size_t genotype, Scratch& scratch, std::span<double> out) const;
    [[nodiscard]] bool additive_at(std::size_t locus, const Scratch& scratch) const;
    void make_cells(Scratch& scratch) const;
    std::shared_ptr<const Possibilities> patient_;
    std::shared_ptr<const PeopleReader> donors_;
    Direction direction_;
    std::vector<AtLocus> loci_;
};

}  // namespace allomatch
