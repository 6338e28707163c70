// Search: all donors of a registry within a budget of mismatches for one patient.
//
// For every locus a *verdict table* gives the fewest mismatches of each typing of the dictionary against the patient;
// the walk goes down the phenotype trie adding them up and leaves a branch the moment the budget is spent. Nothing is
// scanned that cannot match; hits are phenotypes, so a thousand equal donors cost one.
//
// Invariants: the result is exact (SEMANTICS section 2) and the same for any number of threads and any kernel. Order:
// mismatches in the direction searched, then the most there can be, then donor id.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "allomatch/filter.hpp"
#include "allomatch/match.hpp"
#include "allomatch/registry.hpp"

namespace allomatch {

class TypingsOfPositions;

struct SearchRequest {
    std::vector<Locus> loci;                               // each once, in the order of the answer
    unsigned max_mismatches = 0;                           // over all of them, 0..4
    std::array<std::uint8_t, kLocusCount> locus_limits{};  // at each, 0..2
    std::array<MatchLevel, kLocusCount> levels{};  // what is compared at each; reported loci are compared by Ard
    Direction direction = Direction::Both;
    std::vector<RowFilter> filters;            // a hit passes all of them
    std::vector<Locus> report;                 // loci besides those searched at which the listed hits are compared too
    std::size_t offset = 0, limit = SIZE_MAX;  // which of the hits, in order, are listed; all are counted
    unsigned threads = 0;                      // 0: all

    SearchRequest() { locus_limits.fill(2); }
};

// The hits. Donors with the same phenotype share one entry of `phenotypes`.
struct SearchResult {
    std::vector<Locus> loci;
    std::array<std::uint64_t, 5> donors_by_mismatches{};  // in the direction searched
    std::uint64_t donors = 0;                             // all hits, listed or not
    std::vector<PhenotypeId> phenotypes;                  // distinct, of all hits
    std::vector<Counts> totals;                           // of each phenotype, summed over the loci (0..22)
    std::vector<Counts> by_locus;                         // phenotypes x loci
    // The listed hits, in order.
    std::vector<DonorRow> rows;
    std::vector<std::uint32_t> row_phenotypes;  // index into `phenotypes`
    std::vector<Locus> reported_loci;
    std::vector<Counts> reported;  // rows x reported_loci: at loci that were not searched
    // Of each row: bit l is set if the nomenclature cannot read its typing at locus number l (searched or reported), so
    // that it counts as untyped there. Empty if it can read all.
    std::vector<std::uint16_t> unread;
};

// Typings that a nomenclature cannot interpret: their donors are treated as untyped at the locus.
struct UnknownTyping {
    Locus locus;
    std::string typing;
    std::uint32_t donors;
};

// A segment read under a nomenclature, ready to be searched by any number of threads.
class SearchIndex {
  public:
    SearchIndex(std::shared_ptr<const Segment> segment, std::shared_ptr<const Nomenclature> nomenclature,
                NullPolicy policy, Profile profile = Profile::Standard);
    ~SearchIndex();

    // Throws UnknownName if the nomenclature does not know a typing of the patient, InvalidArgument for a bad request.
    [[nodiscard]] SearchResult search(const Phenotype& patient, const SearchRequest& request,
                                      const Cancel& cancel) const;
    [[nodiscard]] std::vector<UnknownTyping> unknown_typings() const;
    [[nodiscard]] const Segment& segment() const noexcept { return *segment_; }
    [[nodiscard]] const Nomenclature& nomenclature() const noexcept { return *nomenclature_; }
    [[nodiscard]] NullPolicy policy() const noexcept { return policy_; }
    [[nodiscard]] Profile profile() const noexcept { return profile_; }
    // Of the donors' typings; made when first asked for, but for Ard. Throws InvalidArgument for antigens of a release
    // that was installed without them.
    [[nodiscard]] const Interpretation& interpretation(Locus locus, MatchLevel level = MatchLevel::Ard) const;

  private:
    std::shared_ptr<const Segment> segment_;
    std::shared_ptr<const Nomenclature> nomenclature_;
    NullPolicy policy_;
    Profile profile_;
    struct Made {
        std::once_flag once;
        std::unique_ptr<const Interpretation> value;
    };
    mutable std::array<std::array<Made, kMatchLevels>, kLocusCount> interpretations_;
    std::array<std::unique_ptr<const TypingsOfPositions>, kLocusCount> typings_of_positions_;
    mutable KeptCrew crew_;
};

// The counts of one pair of typings at a locus. Throws UnknownName if the nomenclature does not know the patient's; a
// donor's that it does not know is an error too if `donor_required`, else untyped, as in a search.
[[nodiscard]] Counts match_locus(const Typing& patient, const Typing& donor, Locus locus,
                                 const Nomenclature& nomenclature, NullPolicy policy, bool donor_required = true,
                                 Profile profile = Profile::Standard, MatchLevel level = MatchLevel::Ard);

}  // namespace allomatch
