// The verdict table of one patient and one locus: what each typing of a registry's dictionary costs.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "allomatch/match.hpp"
#include "allomatch/registry.hpp"
#include "kernels/kernels.hpp"
#include "typings_of_positions.hpp"

namespace allomatch {

class LocusVerdicts {
  public:
    // `shared` is the registry's interpretation; another one is made if the patient speaks of groups outside it.
    LocusVerdicts(const Segment& segment, const Nomenclature& nomenclature, const Interpretation& shared, Locus locus,
                  const Typing& patient, NullPolicy policy, Profile profile);

    // Packs the costs in `direction` for the kernels; more than `limit` mismatches become 3. `typings` are those of the
    // registry's dictionary.
    void pack_costs(Direction direction, std::uint8_t limit, const TypingsOfPositions& typings);
    [[nodiscard]] kernels::Costs costs() const noexcept {
        return {costs_.data(), static_cast<std::uint32_t>(dictionary_.typing_count() - 1)};
    }
    [[nodiscard]] std::uint8_t cost(TypingId typing) const noexcept {
        return costs_[typing.value >> 4U] >> ((typing.value & 15U) * 2) & 3U;
    }
    // All counts of each typing, into `counts`, as many. Throws CorruptFile for an id that a damaged file may hold.
    void counts(std::span<const TypingId> typings, std::span<Counts> counts) const;

  private:
    void summarize_positions();
    // Counts by the looks of the typing's positions; kUndecided where they do not decide.
    void by_looks(std::span<const TypingId> typings, std::span<Counts> counts) const noexcept;
    // ... and by whether the positions meet, of a typing that looks alone do not decide.
    [[nodiscard]] Counts by_others(TypingId typing) const noexcept;
    // Computed when first asked for, by any thread.
    [[nodiscard]] Counts kept(TypingId typing) const;
    [[nodiscard]] Counts exact(TypingId typing) const;
    // Lowers the costs of typings of one genotype to those against `patient`, a genotype of theirs.
    void lower_by_overlap(const GenotypeSets& patient, const TypingsOfPositions& typings);
    void set_cost(std::uint32_t typing, std::uint32_t cost) noexcept;

    const DictionaryView& dictionary_;
    std::size_t singles_;
    NullPolicy policy_;
    std::unique_ptr<const Interpretation> own_;
    const Interpretation* interpretation_;
    std::unique_ptr<const Interpretation> patient_meaning_;
    std::optional<LocusGenotypes> patient_;
    std::vector<std::uint32_t> costs_;
    // For a patient of one genotype of two groups, as nearly all are: what counts ask of each position, and the counts
    // by that of two, where it decides. Else empty.
    std::vector<std::uint8_t> looks_;
    std::vector<Counts> by_looks_;
    struct Free {
        void operator()(void* memory) const noexcept { std::free(memory); }
    };
    // Packed counts of each typing, two bits each; 0: not yet. From calloc, so that pages that no hit touches are never
    // made.
    std::unique_ptr<std::uint16_t[], Free> cache_;
};

}  // namespace allomatch
