// EM: haplotype frequencies from phenotypes of mixed resolution, by maximum likelihood (docs/estimation.md).
//
// Equal phenotypes are one person with a weight. The haplotypes that a person may have are grouped by the sides they
// stand on (consistency.hpp); whole groups are compatible or not, so an iteration needs no pairs: the expected copies
// of haplotype h of group G are f(h) S(G) / T, S(G) the frequency of the groups compatible with G and T the sum of all
// f(h) S(G). Candidates come from the data alone: alleles first, then blocks of loci that grow along the chromosome,
// what is too rare in a block being left out of the next.
//
// Invariants: the log-likelihood never falls within a stage (a stage ends where candidates are left out or added). The
// state after an iteration says all, so an estimation may go on from it. Sums run in a fixed order: the same bits for
// any number of threads, with or without a break.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "allomatch/prediction_table.hpp"

namespace allomatch {

// The alleles that some people may have, as a set of haplotypes of no meaning: what a PeopleReader reads them with. An
// allele is seen if a name stands for it, alone or in a string or code; a null allele if it is named itself. An XX code
// or antigen brings alleles of its own only where none of those seen is among its own. Throws InvalidArgument if nobody
// is typed at a locus.
[[nodiscard]] std::shared_ptr<const HaplotypeSet> alleles_seen(
    const std::shared_ptr<const Nomenclature>& nomenclature, std::span<const Locus> loci,
    std::span<const DictionaryView, kLocusCount> dictionaries);

// Loci in the order of the chromosome: neighbours are the most alike.
[[nodiscard]] std::vector<Locus> chromosome_order(std::span<const Locus> loci);

// The sides of the alleles at one locus, for every typing there.
struct TypingSides {
    std::vector<std::uint32_t> offsets{0, 0};  // typing 0: untyped, anything
    std::vector<std::uint16_t> classes, sides;
    // Of a typing of several genotypes, which sides go together: [a * (count + 1) + b]. One genotype: count 0.
    struct Fit {
        std::uint16_t count = 0;
        std::vector<std::uint8_t> compatible;
    };
    std::vector<std::uint32_t> fit_of{0};  // of each typing
    std::vector<Fit> fits{{}};

    [[nodiscard]] const Fit& fit(std::uint32_t typing) const noexcept { return fits[fit_of[typing]]; }
    std::uint32_t add(const LocusSides& sides);
};

// People in terms of the alleles of a set, equal ones once. Columns are loci in the order of the chromosome.
class EmPeople {
  public:
    // `set`: its alleles are those that people may have. `left_out`: rows that are not to count; people typed at none
    // of the loci do not count either. Throws InvalidArgument if nobody is left.
    EmPeople(const PeopleReader& reader, const People& people, std::span<const std::uint8_t> left_out,
             const Cancel& cancel);

    [[nodiscard]] const HaplotypeSet& set() const noexcept { return *set_; }
    [[nodiscard]] std::span<const Locus> loci() const noexcept { return loci_; }
    [[nodiscard]] const AlleleClasses& classes(std::size_t column) const noexcept {
        return set_->classes(levels_[column]);
    }
    [[nodiscard]] std::size_t level(std::size_t column) const noexcept { return levels_[column]; }
    [[nodiscard]] const TypingSides& typings(std::size_t column) const noexcept { return typings_[column]; }
    // Of the distinct people.
    [[nodiscard]] std::size_t size() const noexcept { return weights_.size(); }
    [[nodiscard]] std::span<const double> weights() const noexcept { return weights_; }
    [[nodiscard]] std::span<const std::uint32_t> typings_of(std::size_t column) const noexcept { return ids_[column]; }
    // What a GL string's '~' joins; of most people nothing.
    using Blocks = std::vector<PhasedBlock>;
    [[nodiscard]] std::uint32_t phase_of(std::size_t person) const noexcept { return phase_of_[person]; }
    [[nodiscard]] const Blocks& phase(std::uint32_t number) const noexcept { return phases_[number]; }
    [[nodiscard]] std::size_t untyped() const noexcept { return untyped_; }
    // Tells people and alleles apart from others: what a state belongs to.
    [[nodiscard]] std::uint64_t fingerprint() const noexcept { return fingerprint_; }

  private:
    std::shared_ptr<const HaplotypeSet> set_;
    std::vector<Locus> loci_;
    std::vector<std::size_t> levels_;
    std::vector<TypingSides> typings_;
    std::vector<std::vector<std::uint32_t>> ids_;
    std::vector<double> weights_;
    std::vector<std::uint32_t> phase_of_;
    std::vector<Blocks> phases_{{}};  // 0: none
    std::size_t untyped_ = 0;
    std::uint64_t fingerprint_ = 0;
};

// Haplotypes of some columns: their classes, one array a column, and their frequencies.
struct EmHaplotypes {
    std::vector<std::size_t> columns;
    std::vector<std::vector<std::uint16_t>> classes;
    std::vector<double> frequencies;
    [[nodiscard]] std::size_t size() const noexcept { return frequencies.size(); }
};

struct EmOptions {
    double min_frequency = 0;  // haplotypes below are left out in the end
    double tolerance = 1e-6;   // converged: the log-likelihood rose by less than this part of it
    std::uint32_t max_iterations = 200;
    unsigned threads = 0;
};

// What is known after an iteration, and all that the next one needs.
struct EmState {
    // First: one iteration of a grown block; Settling: a few more; Converging: all columns, until the likelihood is
    // steady; Trimmed: again, without what is too rare; Closing: the likelihood of what is left.
    enum class Kind : std::uint8_t { First, Settling, Converging, Trimmed, Closing, Done };
    Kind kind = Kind::First;
    std::uint32_t block = 0;       // place in the plan: single columns, then the growing blocks
    std::uint32_t stage = 0;       // counts restarts of the likelihood
    std::uint32_t iteration = 0;   // of the stage
    std::uint32_t iterations = 0;  // with all columns
    bool converged = false;
    double log_likelihood = 0;  // of the last iteration of the stage
    EmHaplotypes haplotypes;
    std::vector<std::vector<double>> alleles;  // frequencies, of each column that was estimated
};

// What an iteration found of the frequencies it began with.
struct EmIteration {
    std::uint32_t stage, iteration;
    std::vector<std::size_t> columns;
    std::size_t haplotypes;
    double log_likelihood;
    double unrepresented;  // people whom no pair of the haplotypes explains
};

class Estimation {
  public:
    Estimation(std::shared_ptr<const EmPeople> people, EmOptions options);
    // From frequencies of the given haplotypes, of all columns in order; `weights` of the people instead of their own,
    // or none.
    Estimation(std::shared_ptr<const EmPeople> people, EmOptions options, EmHaplotypes start,
               std::vector<double> weights = {});
    ~Estimation();
    Estimation(const Estimation&) = delete;
    Estimation& operator=(const Estimation&) = delete;
    Estimation(Estimation&&) noexcept;
    Estimation& operator=(Estimation&&) = delete;

    [[nodiscard]] bool finished() const noexcept { return state_.kind == EmState::Kind::Done; }
    [[nodiscard]] const EmState& state() const noexcept { return state_; }
    // Goes on from a state of the same people and options. Throws InvalidArgument if it cannot be one.
    void restore(EmState state);
    // One iteration. Interrupted, it leaves the state as it was.
    EmIteration step(const Cancel& cancel);

  private:
    struct Work;  // the haplotypes as a trie, and the people collapsed to its columns
    [[nodiscard]] bool whole() const noexcept;
    [[nodiscard]] std::uint32_t most_settling() const noexcept;
    void begin_block(std::uint32_t block);
    void end_block();
    void append_alleles(std::size_t column, EmHaplotypes& to) const;
    void grow(std::size_t column);
    void sort_haplotypes();
    [[nodiscard]] bool prune(double least);
    void next_stage(EmState::Kind kind);
    void prepare(const Cancel& cancel);

    std::shared_ptr<const EmPeople> people_;
    EmOptions options_;
    std::vector<double> weights_;
    EmState state_;
    std::unique_ptr<Work> work_;
};

}  // namespace allomatch
