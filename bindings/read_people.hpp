// People read for a frequency set: a phenotype, or a table of them, with what their names mean in the set.
#pragma once

#include <algorithm>

#include "allomatch/prediction_table.hpp"
#include "typing_columns.hpp"

namespace allomatch::bindings {

[[nodiscard]] constexpr std::array<Locus, kLocusCount> all_loci() {
    std::array<Locus, kLocusCount> loci{};
    for (std::size_t l = 0; l < kLocusCount; ++l) loci[l] = static_cast<Locus>(l);
    return loci;
}

// One person or a column of them, with what their names mean in a set.
class ReadPeople {
  public:
    ReadPeople(std::shared_ptr<const HaplotypeSet> set, const py::object& table, std::size_t rows, unsigned threads)
        : columns_(typing_columns(table, Side::Donor, rows, kLoci, threads, errors_)) {
        people_.rows = columns_.single() ? 1 : columns_.rows();
        for (const Locus locus : kLoci) {
            people_.dictionaries[index_of(locus)] = columns_.dictionary(locus);
            people_.typings[index_of(locus)] = columns_.typings(locus);
        }
        people_.phases = [this](std::size_t row) { return columns_.phases(row); };
        reader_ = released(
            [&](const Cancel&) { return std::make_shared<const PeopleReader>(std::move(set), people_.dictionaries); });
        report_unknown();
        if (!errors_.empty()) people_.unread.resize(people_.rows);
        for (const CellError& error : errors_) people_.unread[error.row] = 1;
    }
    ReadPeople(const ReadPeople&) = delete;
    ReadPeople& operator=(const ReadPeople&) = delete;
    ReadPeople(ReadPeople&&) = delete;
    ReadPeople& operator=(ReadPeople&&) = delete;
    ~ReadPeople() = default;

    [[nodiscard]] const People& people() const noexcept { return people_; }
    [[nodiscard]] const std::shared_ptr<const PeopleReader>& reader() const noexcept { return reader_; }
    [[nodiscard]] std::span<const CellError> errors() const noexcept { return errors_; }
    [[nodiscard]] const TypingColumns& columns() const noexcept { return columns_; }
    [[nodiscard]] Phenotype phenotype(std::size_t row) const {
        std::array<Typing, kLocusCount> typings;
        for (const Locus locus : kLoci)
            typings[index_of(locus)] = columns_.dictionary(locus).typing(columns_.typing(locus, row));
        return Phenotype::from_typings(std::move(typings));
    }
    // The first of these people as the patient of some donors.
    [[nodiscard]] PositionPrediction positions(std::span<const Locus> loci,
                                               std::shared_ptr<const PeopleReader> donors) const {
        return {loci, *reader_, people_.of(0), people_.phases_of(0), std::move(donors)};
    }

  private:
    static constexpr std::array<Locus, kLocusCount> kLoci = all_loci();

    // A single person with an unknown typing is an error; in a column it is reported for each row.
    void report_unknown() {
        const Nomenclature& nomenclature = *reader_->set().nomenclature();
        for (const Locus locus : kLoci) {
            const DictionaryView& dictionary = people_.dictionaries[index_of(locus)];
            for (std::uint32_t t = 1; t < dictionary.typing_count(); ++t) {
                const auto position = reader_->unknown(locus, TypingId{t});
                if (!position) continue;
                try {
                    throw_unknown(nomenclature, dictionary, *position);
                } catch (const Error& error) {
                    if (columns_.single()) throw;
                    const auto typings = columns_.typings(locus);
                    for (std::size_t row = 0; row < typings.size(); ++row) {
                        if (typings[row] == t)
                            errors_.push_back({row, Side::Donor, std::string(locus_name(locus)),
                                               to_text(locus, dictionary.typing(TypingId{t})), error.code(),
                                               error.what()});
                    }
                }
            }
        }
        std::stable_sort(errors_.begin(), errors_.end(),
                         [](const CellError& a, const CellError& b) { return a.row < b.row; });
    }

    std::vector<CellError> errors_;
    TypingColumns columns_;
    People people_;
    std::shared_ptr<const PeopleReader> reader_;
};

[[nodiscard]] inline std::vector<Locus> require_loci(const std::vector<std::string>& names) {
    std::vector<Locus> loci;
    for (const std::string& name : names) loci.push_back(require_locus(name));
    return loci;
}

}  // namespace allomatch::bindings
