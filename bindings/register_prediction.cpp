// Prediction: people read for a frequency set, imputations, match probabilities.
#include "read_people.hpp"

namespace allomatch::bindings {
namespace {

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
        .def("genotypes", &person_genotypes, py::arg("loci"));
    py::class_<PredictedPerson, std::shared_ptr<PredictedPerson>>(module, "PredictedPerson")
        .def(py::init([](const ReadPeople& person, const std::vector<std::string>& loci, double tail) {
                 const std::vector<Locus> wanted = require_loci(loci);
                 return released([&](const Cancel&) {
                     return std::make_shared<PredictedPerson>(person.reader(), person.people().of(0),
                                                              person.people().phases_of(0), wanted, tail);
                 });
             }),
             py::arg("person"), py::arg("loci"), py::arg("tail") = 0.0, py::keep_alive<1, 2>())
        .def_property_readonly("represented", &PredictedPerson::represented)
        .def_property_readonly("lost", &PredictedPerson::lost)
        // Of each locus the names of alleles; of each genotype two of their numbers a locus; and how likely each is.
        .def("possibilities", [](const PredictedPerson& self) {
            const auto list = released([&](const Cancel& cancel) { return self.possibilities(cancel); });
            std::vector<std::vector<std::string>> names(list->loci.size());
            for (std::size_t i = 0; i < list->loci.size(); ++i) {
                for (const Name& allele : list->alleles[i]) names[i].push_back(to_text(list->loci[i], allele));
            }
            const auto count = static_cast<py::ssize_t>(list->probabilities.size());
            return py::make_tuple(
                names, own(std::vector(list->genotypes), {count, static_cast<py::ssize_t>(list->loci.size()), 2}),
                own(std::vector(list->probabilities), {count}));
        });
    module.def(
        "predict_positions",
        [](const ReadPeople& patient, const std::vector<std::string>& loci, const ReadPeople& donors,
           unsigned threads) {
            std::size_t width = 0;
            std::vector<double> values = released([&](const Cancel& cancel) {
                const PositionPrediction prediction = patient.positions(require_loci(loci), donors.reader());
                width = prediction.width();
                return predict_positions(prediction, donors.people(), threads, cancel);
            });
            const auto rows = static_cast<py::ssize_t>(donors.people().rows);
            return own(std::move(values), {rows, static_cast<py::ssize_t>(width)});
        },
        py::arg("patient"), py::arg("loci"), py::arg("donors"), py::arg("threads"));
    // A row of values for each donor, and the errors of donors that are not predicted.
    module.def(
        "predict",
        [](const std::shared_ptr<PredictedPerson>& patient, const ReadPeople& donors, const std::string& direction_text,
           unsigned threads) {
            const Direction way = direction(direction_text);
            std::size_t width = 0;
            std::vector<CellError> errors;
            std::vector<double> values = released([&](const Cancel& cancel) {
                const PatientPrediction prediction(patient, donors.reader(), way);
                width = prediction.width();
                std::vector<NotPredicted> not_predicted;
                std::vector<double> predicted =
                    predict_column(prediction, donors.people(), threads, cancel, not_predicted);
                for (const auto& [row, error] : not_predicted)
                    errors.push_back(
                        {row, Side::Donor, "gl", donors.phenotype(row).to_gl(), error.code(), error.what()});
                return predicted;
            });
            const auto rows = static_cast<py::ssize_t>(donors.people().rows);
            return py::make_tuple(own(std::move(values), {rows, static_cast<py::ssize_t>(width)}), cell_errors(errors));
        },
        py::arg("patient"), py::arg("donors"), py::arg("direction") = "both", py::arg("threads") = 0);
}

}  // namespace allomatch::bindings
