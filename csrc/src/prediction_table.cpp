// See prediction_table.hpp.
#include "allomatch/prediction_table.hpp"

#include <algorithm>
#include <limits>
#include <map>
#include <mutex>

namespace allomatch {

std::array<TypingId, kLocusCount> People::of(std::size_t row) const noexcept {
    std::array<TypingId, kLocusCount> ids{};
    for (std::size_t l = 0; l < kLocusCount; ++l) {
        if (!typings[l].empty()) ids[l] = TypingId{typings[l][row]};
    }
    return ids;
}

std::span<const Phase> People::phases_of(std::size_t row) const {
    return phases ? phases(row) : std::span<const Phase>();
}

namespace {

constexpr std::size_t kRowsBetweenChecks = 4096;
// People that a task takes: enough to pay for the memory of a thread, few enough to share out and to stop soon.
constexpr std::size_t kPeopleOfTask = 256;

std::uint64_t hash_of(const std::array<TypingId, kLocusCount>& ids) noexcept {
    std::uint64_t hash = 0;
    for (const TypingId id : ids) hash = (hash ^ id.value) * 0x9e3779b97f4a7c15ULL ^ (hash >> 31U);
    return hash ^ (hash >> 32U);
}

}  // namespace

DistinctPeople distinct_people(const People& people, const Cancel& cancel) {
    DistinctPeople result;
    result.number_of.resize(people.rows);
    std::vector<std::uint32_t> slots(1024);
    for (std::size_t row = 0; row < people.rows; ++row) {
        if (row % kRowsBetweenChecks == 0) cancel.check();
        const auto ids = people.of(row);
        if (!people.phases_of(row).empty()) {
            result.number_of[row] = static_cast<std::uint32_t>(result.rows.size());
            result.rows.push_back(static_cast<std::uint32_t>(row));
            continue;
        }
        if (2 * (result.rows.size() + 1) > slots.size()) {
            slots.assign(2 * slots.size(), 0U);
            for (std::uint32_t n = 0; n < result.rows.size(); ++n) {
                if (!people.phases_of(result.rows[n]).empty()) continue;
                std::size_t i = hash_of(people.of(result.rows[n])) & (slots.size() - 1);
                while (slots[i] != 0) i = (i + 1) & (slots.size() - 1);
                slots[i] = n + 1;
            }
        }
        std::size_t i = hash_of(ids) & (slots.size() - 1);
        while (slots[i] != 0 && people.of(result.rows[slots[i] - 1U]) != ids) i = (i + 1) & (slots.size() - 1);
        if (slots[i] == 0) {
            result.rows.push_back(static_cast<std::uint32_t>(row));
            slots[i] = static_cast<std::uint32_t>(result.rows.size());
        }
        result.number_of[row] = slots[i] - 1U;
    }
    return result;
}

namespace {

// A row of `width` values for each person; `predictor()` makes a thread's own function of a row and its values, which
// says whether the person is represented.
template <typename MakePredictor>
std::vector<double> column_of(const People& people, std::size_t width, unsigned threads, const Cancel& cancel,
                              MakePredictor predictor) {
    const DistinctPeople distinct = distinct_people(people, cancel);
    // What is left of a row that cannot be read may be nothing, of which everybody is possible: for nobody's use.
    std::vector<std::uint8_t> wanted(distinct.rows.size());
    for (std::size_t row = 0; row < people.rows; ++row) {
        if (!people.is_unread(row)) wanted[distinct.number_of[row]] = 1;
    }
    std::vector<double> values(distinct.rows.size() * width);
    const std::size_t tasks = (distinct.rows.size() + kPeopleOfTask - 1) / kPeopleOfTask;
    parallel_for(tasks, thread_count(threads), cancel, [&](std::size_t task) {
        auto predict = predictor();
        const std::size_t end = std::min(distinct.rows.size(), (task + 1) * kPeopleOfTask);
        for (std::size_t n = task * kPeopleOfTask; n < end; ++n) {
            if (cancel.stopped()) return;
            const std::span<double> out = std::span(values).subspan(n * width, width);
            if (wanted[n] == 0 || !predict(distinct.rows[n], out))
                std::fill(out.begin(), out.end(), std::numeric_limits<double>::quiet_NaN());
        }
    });
    cancel.check();
    if (distinct.rows.size() == people.rows) return values;
    std::vector<double> result(people.rows * width);
    for (std::size_t row = 0; row < people.rows; ++row) {
        const auto from = values.begin() + static_cast<std::ptrdiff_t>(distinct.number_of[row] * width);
        std::copy_n(from, width, result.begin() + static_cast<std::ptrdiff_t>(row * width));
    }
    return result;
}

}  // namespace

std::vector<double> predict_column(const PatientPrediction& prediction, const People& donors, unsigned threads,
                                   const Cancel& cancel, std::vector<NotPredicted>& not_predicted) {
    std::mutex mutex;
    std::map<std::size_t, Error> refused;  // by the first row of these typings
    std::vector<double> values = column_of(donors, prediction.width(), threads, cancel, [&] {
        return [&, scratch = Prediction::scratch()](std::size_t row, std::span<double> out) {
            try {
                return prediction.predict(donors.of(row), donors.phases_of(row), *scratch, out, cancel);
            } catch (const Error& error) {
                if (error.code() != ErrorCode::TooManyValues) throw;
                const std::scoped_lock lock(mutex);
                refused.emplace(row, error);
                return false;
            }
        };
    });
    if (refused.empty()) return values;
    const DistinctPeople distinct = distinct_people(donors, cancel);
    for (std::size_t row = 0; row < donors.rows; ++row) {
        const auto at = refused.find(distinct.rows[distinct.number_of[row]]);
        if (at != refused.end() && !donors.is_unread(row)) not_predicted.push_back({row, at->second});
    }
    return values;
}

std::vector<double> predict_positions(const PositionPrediction& prediction, const People& donors, unsigned threads,
                                      const Cancel& cancel) {
    return column_of(donors, prediction.width(), threads, cancel, [&] {
        return [&](std::size_t row, std::span<double> out) {
            return prediction.predict(donors.of(row), donors.phases_of(row), out);
        };
    });
}

ImputedColumn impute_column(const PeopleReader& reader, const People& people, std::uint32_t most, unsigned threads,
                            const Cancel& cancel) {
    struct One {
        double total = 0;
        std::uint64_t diplotypes = 0;
        std::vector<Diplotype> best;
    };
    const DistinctPeople distinct = distinct_people(people, cancel);
    std::vector<One> all(distinct.rows.size());
    const std::size_t tasks = (distinct.rows.size() + kPeopleOfTask - 1) / kPeopleOfTask;
    parallel_for(tasks, thread_count(threads), cancel, [&](std::size_t task) {
        const std::size_t end = std::min(distinct.rows.size(), (task + 1) * kPeopleOfTask);
        for (std::size_t n = task * kPeopleOfTask; n < end; ++n) {
            if (cancel.stopped()) return;
            const std::size_t row = distinct.rows[n];
            const Candidates candidates(reader.set(), reader.read(people.of(row), people.phases_of(row)));
            all[n] = {candidates.total(), candidates.diplotype_count(), {}};
            if (most > 0) all[n].best = best_diplotypes(reader.set(), candidates, most, cancel);
        }
    });
    cancel.check();
    ImputedColumn result;
    for (std::size_t row = 0; row < people.rows; ++row) {
        const One& one = all[distinct.number_of[row]];
        result.totals.push_back(one.total);
        result.diplotypes.push_back(one.diplotypes);
        for (const Diplotype& each : one.best) {
            result.first.push_back(each.first);
            result.second.push_back(each.second);
            result.posteriors.push_back(each.weight / one.total);
        }
        if (result.first.size() > 0xffffffffULL)
            throw Error(ErrorCode::TooManyValues,
                        "the pairs of haplotypes of all people together are more than 2^32; "
                        "ask for fewer of each, or for fewer people at once");
        result.offsets.push_back(static_cast<std::uint32_t>(result.first.size()));
    }
    return result;
}

}  // namespace allomatch
