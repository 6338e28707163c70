// Predictions and imputations of many people at once: columns of interned typings, each distinct phenotype once.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "allomatch/error.hpp"
#include "allomatch/parallel_for.hpp"
#include "allomatch/patient_prediction.hpp"
#include "allomatch/positions.hpp"

namespace allomatch {

// People as rows; views of someone else's memory.
struct People {
    std::size_t rows = 0;
    std::array<DictionaryView, kLocusCount> dictionaries;             // default where nobody is typed
    std::array<std::span<const std::uint32_t>, kLocusCount> typings;  // of each row; empty: untyped
    std::function<std::span<const Phase>(std::size_t row)> phases;    // none: nobody's
    std::vector<std::uint8_t> unread;                                 // of each row: cannot be read; empty: none

    [[nodiscard]] std::array<TypingId, kLocusCount> of(std::size_t row) const noexcept;
    [[nodiscard]] std::span<const Phase> phases_of(std::size_t row) const;
    [[nodiscard]] bool is_unread(std::size_t row) const noexcept { return !unread.empty() && unread[row] != 0; }
};

// Rows of equal typings (and no phase) share a number; the first row of each.
struct DistinctPeople {
    std::vector<std::uint32_t> number_of;  // of each row
    std::vector<std::uint32_t> rows;       // of each number
};
[[nodiscard]] DistinctPeople distinct_people(const People& people, const Cancel& cancel);

// A donor whose pairs of haplotypes are too many to be listed, as the patient's are.
struct NotPredicted {
    std::size_t row;
    Error error;
};
// A row of `width()` values for each donor, NaN where the donor (or the patient) is not represented or not predicted.
// Of rows that are not to be read the values mean nothing.
[[nodiscard]] std::vector<double> predict_column(const PatientPrediction& prediction, const People& donors,
                                                 unsigned threads, const Cancel& cancel,
                                                 std::vector<NotPredicted>& not_predicted);
// The same of positions and epitopes.
[[nodiscard]] std::vector<double> predict_positions(const PositionPrediction& prediction, const People& donors,
                                                    unsigned threads, const Cancel& cancel);

// What imputation says of each person.
struct ImputedColumn {
    std::vector<double> totals;             // 0: not represented
    std::vector<std::uint64_t> diplotypes;  // how many there are
    std::vector<std::uint32_t> offsets{0};  // of the listed ones, best first
    std::vector<HaplotypeId> first, second;
    std::vector<double> posteriors;
};
[[nodiscard]] ImputedColumn impute_column(const PeopleReader& reader, const People& people, std::uint32_t most,
                                          unsigned threads, const Cancel& cancel);

}  // namespace allomatch
