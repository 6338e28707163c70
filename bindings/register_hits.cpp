// Hits: what a ranking asks of the phenotypes that a search found.
#include "allomatch/hits.hpp"

#include "read_people.hpp"

namespace allomatch::bindings {
namespace {

using Numbers = py::array_t<std::uint32_t, py::array::c_style | py::array::forcecast>;

std::span<const PhenotypeId> phenotypes(const Numbers& numbers, const Segment& segment) {
    static_assert(sizeof(PhenotypeId) == sizeof(std::uint32_t));
    for (py::ssize_t i = 0; i < numbers.size(); ++i) {
        if (numbers.at(i) >= segment.phenotype_count())
            throw Error(ErrorCode::InvalidArgument, "there is no phenotype " + std::to_string(numbers.at(i)) +
                                                        "; the registry has " +
                                                        std::to_string(segment.phenotype_count()));
    }
    return {reinterpret_cast<const PhenotypeId*>(numbers.data()), static_cast<std::size_t>(numbers.size())};
}

// The segment is held beside the reader for the check of phenotypes.
struct BoundReader {
    std::shared_ptr<const Segment> segment;
    RegistryReader reader;
};

}  // namespace

void register_hits(py::module_& module) {
    py::class_<BoundReader>(module, "RegistryReader")
        .def(
            py::init([](const std::shared_ptr<Segment>& segment, std::shared_ptr<HaplotypeSet> set) {
                return released([&](const Cancel&) {
                    return std::make_unique<BoundReader>(BoundReader{segment, RegistryReader(segment, std::move(set))});
                });
            }),
            py::arg("segment"), py::arg("set"))
        .def(
            "predict",
            [](const BoundReader& self, const std::shared_ptr<PredictedPerson>& patient, const Numbers& numbers,
               const std::string& direction_text, unsigned threads) {
                const auto ids = phenotypes(numbers, *self.segment);
                const Direction way = direction(direction_text);
                std::size_t width = 0;
                std::vector<double> values = released([&](const Cancel& cancel) {
                    const PatientPrediction prediction(patient, self.reader.reader(), way);
                    width = prediction.width();
                    return self.reader.predict(prediction, ids, threads, cancel);
                });
                return own(std::move(values), {numbers.size(), static_cast<py::ssize_t>(width)});
            },
            py::arg("patient"), py::arg("phenotypes"), py::arg("direction"), py::arg("threads"))
        .def(
            "predict_positions",
            [](const BoundReader& self, const ReadPeople& patient, const std::vector<std::string>& loci,
               const Numbers& numbers, unsigned threads) {
                const auto ids = phenotypes(numbers, *self.segment);
                std::size_t width = 0;
                std::vector<double> values = released([&](const Cancel& cancel) {
                    const PositionPrediction prediction = patient.positions(require_loci(loci), self.reader.reader());
                    width = prediction.width();
                    return self.reader.predict(prediction, ids, threads, cancel);
                });
                return own(std::move(values), {numbers.size(), static_cast<py::ssize_t>(width)});
            },
            py::arg("patient"), py::arg("loci"), py::arg("phenotypes"), py::arg("threads"));
    module.def(
        "count_phenotypes",
        [](const SearchIndex& index, const Phenotype& patient, const std::vector<std::string>& loci,
           const Numbers& numbers, unsigned threads) {
            const auto ids = phenotypes(numbers, index.segment());
            const std::vector<Locus> wanted = require_loci(loci);
            const std::vector<Counts> counts = released(
                [&](const Cancel& cancel) { return count_phenotypes(index, patient, wanted, ids, threads, cancel); });
            static_assert(sizeof(Counts) == 6);
            const auto* bytes = reinterpret_cast<const std::uint8_t*>(counts.data());
            return own(std::vector<std::uint8_t>(bytes, bytes + counts.size() * 6), {numbers.size(), 6});
        },
        py::arg("index"), py::arg("patient"), py::arg("loci"), py::arg("phenotypes"), py::arg("threads"));
    // The bytes of match_table, a row for each phenotype.
    module.def(
        "detail_of_phenotypes",
        [](const SearchIndex& index, const Phenotype& patient, const std::vector<std::string>& loci,
           const Numbers& numbers, unsigned threads) {
            const auto ids = phenotypes(numbers, index.segment());
            DetailRequest request;
            request.loci = require_loci(loci);
            request.policy = index.policy();
            request.profile = index.profile();
            request.donor_required = false;
            request.threads = threads;
            std::vector<CellError> errors;
            std::vector<std::vector<std::uint8_t>> tables = released([&](const Cancel& cancel) {
                const TypingColumns patients(patient, request.loci);
                const TypingColumns donors = typing_columns_of(index.segment(), ids, request.loci);
                return match_columns(index.nomenclature(), patients, donors, request, cancel, errors);
            });
            return detail_arrays(std::move(tables), ids.size());
        },
        py::arg("index"), py::arg("patient"), py::arg("loci"), py::arg("phenotypes"), py::arg("threads"));
}

}  // namespace allomatch::bindings
