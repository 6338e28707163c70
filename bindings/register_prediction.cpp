// Prediction: people read for a frequency set, imputations, match probabilities.
#include "allomatch/prediction_table.hpp"

#include <algorithm>

#include "typing_columns.hpp"

namespace allomatch::bindings {
namespace {

constexpr std::array<Locus, kLocusCount> all_loci() {
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

py::array own_numbers(const std::vector<HaplotypeId>& ids) {
    std::vector<std::uint32_t> numbers;
    numbers.reserve(ids.size());
    for (const HaplotypeId id : ids) numbers.push_back(id.value);
    return own(std::move(numbers));
}

std::vector<std::string> texts(std::span<const Locus> loci) {
    std::vector<std::string> names;
    for (const Locus locus : loci) names.emplace_back(locus_name(locus));
    return names;
}

std::vector<Locus> require_loci(const std::vector<std::string>& names) {
    std::vector<Locus> loci;
    for (const std::string& name : names) loci.push_back(require_locus(name));
    return loci;
}

py::tuple impute(const ReadPeople& self, std::uint32_t most, unsigned threads) {
    ImputedColumn column = released(
        [&](const Cancel& cancel) { return impute_column(*self.reader(), self.people(), most, threads, cancel); });
    return py::make_tuple(own(std::move(column.totals)), own(std::move(column.diplotypes)),
                          own(std::move(column.offsets)), own_numbers(column.first), own_numbers(column.second),
                          own(std::move(column.posteriors)));
}

// Loci (as asked for), classes of each genotype (n, loci, 2), weights, all of one person.
py::tuple person_genotypes(const ReadPeople& self, const std::vector<std::string>& loci) {
    const HaplotypeSet& set = self.reader()->set();
    std::vector<std::size_t> levels;
    for (const Locus locus : require_loci(loci)) {
        const auto level = set.level_of(locus);
        if (!level)
            throw Error(ErrorCode::InvalidArgument, "the frequency set lacks locus " + std::string(locus_name(locus)));
        levels.push_back(*level);
    }
    GenotypeList list = released([&](const Cancel& cancel) {
        const Candidates candidates(set, self.reader()->read(self.people().of(0), self.people().phases_of(0)));
        return genotypes(set, candidates, levels, cancel);
    });
    std::vector<std::uint16_t> numbers;
    for (const ClassId id : list.classes) numbers.push_back(id.value);
    const auto count = static_cast<py::ssize_t>(list.weights.size());
    return py::make_tuple(own(std::move(numbers), {count, static_cast<py::ssize_t>(levels.size()), 2}),
                          own(std::move(list.weights)));
}

// Of one person at a locus: names of alleles, their numbers at the first and second position, probabilities. None if
// the person is not represented.
py::object person_positions(const ReadPeople& self, const std::string& locus_text) {
    const Locus locus = require_locus(locus_text);
    const HaplotypeSet& set = self.reader()->set();
    const auto typings = self.people().of(0);
    std::vector<std::string> names;
    std::vector<std::uint16_t> first;
    std::vector<std::uint16_t> second;
    std::vector<double> probabilities;
    if (const auto certain = self.reader()->certain(locus, typings[index_of(locus)])) {
        for (const Name& allele : certain->alleles) names.push_back(to_text(locus, allele));
        first = {0};
        second = {1};
        probabilities = {1.0};
        if (certain->either_way) {
            first.push_back(1);
            second.push_back(0);
            probabilities.assign(2, 0.5);
        }
        return py::make_tuple(names, own(std::move(first)), own(std::move(second)), own(std::move(probabilities)));
    }
    const auto level = set.level_of(locus);
    if (!level)
        throw Error(ErrorCode::InvalidArgument, "the frequency set lacks locus " + std::string(locus_name(locus)));
    const Person person = self.reader()->read(typings, self.people().phases_of(0));
    const Candidates candidates(set, person);
    if (!(candidates.total() > 0)) return py::none();
    const AlleleClasses& classes = set.classes(*level);
    for (std::uint16_t c = 0; c < classes.size(); ++c) names.push_back(to_text(locus, classes.name(ClassId{c})));
    for (const PositionGenotype& each : position_genotypes(set, candidates, person, *level)) {
        first.push_back(each.first.value);
        second.push_back(each.second.value);
        probabilities.push_back(each.probability);
    }
    return py::make_tuple(names, own(std::move(first)), own(std::move(second)), own(std::move(probabilities)));
}

}  // namespace

void register_prediction(py::module_& module) {
    py::class_<ReadPeople>(module, "People")
        .def(py::init(
                 [](std::shared_ptr<HaplotypeSet> set, const py::object& table, std::size_t rows, unsigned threads) {
                     return std::make_unique<ReadPeople>(std::move(set), table, rows, threads);
                 }),
             py::arg("set"), py::arg("table"), py::arg("rows") = 1, py::arg("threads") = 0)
        .def("__len__", [](const ReadPeople& self) { return self.people().rows; })
        .def_property_readonly("errors", [](const ReadPeople& self) { return cell_errors(self.errors()); })
        .def("ignored",
             [](const ReadPeople& self) {
                 return texts(self.reader()->read(self.people().of(0), self.people().phases_of(0)).ignored);
             })
        .def("impute", &impute, py::arg("most"), py::arg("threads") = 0)
        .def("genotypes", &person_genotypes, py::arg("loci"))
        .def("positions", &person_positions, py::arg("locus"));
    py::class_<Possibilities, std::shared_ptr<Possibilities>>(module, "Possibilities")
        .def(py::init([](const ReadPeople& person, const std::vector<std::string>& loci, double tail) {
                 const std::vector<Locus> wanted = require_loci(loci);
                 return released([&](const Cancel& cancel) {
                     return std::make_shared<Possibilities>(possibilities(
                         *person.reader(), person.people().of(0), person.people().phases_of(0), wanted, tail, cancel));
                 });
             }),
             py::arg("person"), py::arg("loci"), py::arg("tail") = 0.0)
        .def_property_readonly("represented", &Possibilities::represented)
        .def_readonly("certain", &Possibilities::certain)
        .def("__len__", [](const Possibilities& self) { return self.probabilities.size(); })
        .def_property_readonly("probabilities", [](const py::object& self) {
            return view(std::span<const double>(py::cast<const Possibilities&>(self).probabilities), self);
        });
    module.def(
        "predict",
        [](const std::shared_ptr<Possibilities>& patient, const ReadPeople& donors, const std::string& direction_text,
           unsigned threads) {
            const Direction way = direction(direction_text);
            std::size_t width = 0;
            std::vector<double> values = released([&](const Cancel& cancel) {
                const Prediction prediction(*patient, donors.reader(), way);
                width = prediction.width();
                return predict_column(prediction, donors.people(), threads, cancel);
            });
            const auto rows = static_cast<py::ssize_t>(donors.people().rows);
            return own(std::move(values), {rows, static_cast<py::ssize_t>(width)});
        },
        py::arg("patient"), py::arg("donors"), py::arg("direction") = "both", py::arg("threads") = 0);
}

}  // namespace allomatch::bindings
