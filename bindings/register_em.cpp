// EM: people read for an estimation, and the estimation iteration by iteration.
#include "allomatch/em.hpp"

#include <algorithm>

#include "typing_columns.hpp"

namespace allomatch::bindings {
namespace {

using Classes = py::array_t<std::uint16_t, py::array::c_style | py::array::forcecast>;
using Values = py::array_t<double, py::array::c_style | py::array::forcecast>;

template <typename T>
py::array_t<T> copied(std::span<const T> values) {
    return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

std::vector<double> vector_of(const Values& values) {
    return {values.data(), values.data() + values.size()};
}

// Rows with a cell that the nomenclature cannot read are reported and left out, as those that are no typing at all.
void report_unknown(const PeopleReader& reader, const People& people, std::vector<CellError>& errors) {
    const Nomenclature& nomenclature = *reader.set().nomenclature();
    for (std::size_t l = 0; l < kLocusCount; ++l) {
        const auto locus = static_cast<Locus>(l);
        const auto typings = people.typings[l];
        if (typings.empty()) continue;
        const DictionaryView& dictionary = people.dictionaries[l];
        for (std::uint32_t t = 1; t < dictionary.typing_count(); ++t) {
            const auto position = reader.unknown(locus, TypingId{t});
            if (!position) continue;
            try {
                throw_unknown(nomenclature, dictionary, *position);
            } catch (const Error& error) {
                for (std::size_t row = 0; row < typings.size(); ++row) {
                    if (typings[row] == t)
                        errors.push_back({row, Side::Donor, std::string(locus_name(locus)),
                                          to_text(locus, dictionary.typing(TypingId{t})), error.code(), error.what()});
                }
            }
        }
    }
    std::stable_sort(errors.begin(), errors.end(),
                     [](const CellError& a, const CellError& b) { return a.row < b.row; });
}

struct ReadForEm {
    std::shared_ptr<const EmPeople> people;
    std::vector<CellError> errors;
    std::size_t rows;
};

// `start`: the set whose alleles there are; none: those that the people's typings name.
ReadForEm read_people(const py::object& table, std::size_t rows, std::shared_ptr<Nomenclature> nomenclature,
                      const std::vector<std::string>& locus_names, std::shared_ptr<HaplotypeSet> start,
                      unsigned threads) {
    std::vector<Locus> loci;
    for (const std::string& name : locus_names) loci.push_back(require_locus(name));
    ReadForEm result{nullptr, {}, rows};
    const TypingColumns columns = typing_columns(table, Side::Donor, rows, loci, threads, result.errors);
    People people;
    people.rows = rows;
    for (const Locus locus : loci) {
        people.dictionaries[index_of(locus)] = columns.dictionary(locus);
        people.typings[index_of(locus)] = columns.typings(locus);
    }
    people.phases = [&](std::size_t row) { return columns.phases(row); };
    result.people = released([&](const Cancel& cancel) {
        const std::shared_ptr<const HaplotypeSet> set =
            start ? start : alleles_seen(nomenclature, loci, people.dictionaries);
        const PeopleReader reader(set, people.dictionaries);
        report_unknown(reader, people, result.errors);
        std::vector<std::uint8_t> left_out(rows);
        for (const CellError& error : result.errors) left_out[error.row] = 1;
        return std::make_shared<const EmPeople>(reader, people, left_out, cancel);
    });
    return result;
}

std::vector<std::vector<std::string>> allele_names(const EmPeople& people) {
    std::vector<std::vector<std::string>> all;
    for (std::size_t c = 0; c < people.loci().size(); ++c) {
        auto& names = all.emplace_back();
        const AlleleClasses& classes = people.classes(c);
        for (std::uint16_t k = 0; k < classes.size(); ++k)
            names.push_back(to_text(classes.locus(), classes.name(ClassId{k})));
    }
    return all;
}

// The haplotypes of a set whose alleles the people are read with, in the order of their columns.
EmHaplotypes haplotypes_of(const EmPeople& people) {
    const HaplotypeSet& set = people.set();
    EmHaplotypes all;
    for (std::size_t c = 0; c < people.loci().size(); ++c) {
        all.columns.push_back(c);
        auto& classes = all.classes.emplace_back();
        for (std::uint32_t h = 0; h < set.size(); ++h)
            classes.push_back(set.class_at(HaplotypeId{h}, people.level(c)).value);
    }
    all.frequencies.assign(set.frequencies().begin(), set.frequencies().end());
    return all;
}

// (kind, block, stage, iteration, iterations, converged, log_likelihood), columns, classes of each column, frequencies,
// frequencies of the alleles of each column.
py::tuple state_tuple(const EmState& state) {
    py::list classes;
    for (const auto& column : state.haplotypes.classes) classes.append(copied<std::uint16_t>(column));
    py::list alleles;
    for (const auto& column : state.alleles) alleles.append(copied<double>(column));
    return py::make_tuple(py::make_tuple(static_cast<int>(state.kind), state.block, state.stage, state.iteration,
                                         state.iterations, state.converged, state.log_likelihood),
                          state.haplotypes.columns, classes, copied<double>(state.haplotypes.frequencies), alleles);
}

EmState state_of(const py::tuple& state) {
    const auto numbers = py::cast<py::tuple>(state[0]);
    const int kind = py::cast<int>(numbers[0]);
    if (kind < 0 || kind > static_cast<int>(EmState::Kind::Done))
        throw Error(ErrorCode::InvalidArgument, "there is no kind of stage " + std::to_string(kind));
    EmState result;
    result.kind = static_cast<EmState::Kind>(kind);
    result.block = py::cast<std::uint32_t>(numbers[1]);
    result.stage = py::cast<std::uint32_t>(numbers[2]);
    result.iteration = py::cast<std::uint32_t>(numbers[3]);
    result.iterations = py::cast<std::uint32_t>(numbers[4]);
    result.converged = py::cast<bool>(numbers[5]);
    result.log_likelihood = py::cast<double>(numbers[6]);
    result.haplotypes.columns = py::cast<std::vector<std::size_t>>(state[1]);
    for (const auto& column : py::cast<std::vector<Classes>>(state[2]))
        result.haplotypes.classes.emplace_back(column.data(), column.data() + column.size());
    result.haplotypes.frequencies = vector_of(py::cast<Values>(state[3]));
    for (const auto& column : py::cast<std::vector<Values>>(state[4])) result.alleles.push_back(vector_of(column));
    return result;
}

}  // namespace

void register_em(py::module_& module) {
    py::class_<ReadForEm>(module, "EmPeople")
        .def(py::init(&read_people), py::arg("table"), py::arg("rows"), py::arg("nomenclature"), py::arg("loci"),
             py::arg("start") = py::none(), py::arg("threads") = 0)
        .def_property_readonly("errors", [](const ReadForEm& self) { return cell_errors(self.errors); })
        .def_property_readonly("untyped", [](const ReadForEm& self) { return self.people->untyped(); })
        .def_property_readonly("fingerprint", [](const ReadForEm& self) { return self.people->fingerprint(); })
        .def_property_readonly("loci",
                               [](const ReadForEm& self) {
                                   std::vector<std::string> names;
                                   for (const Locus locus : self.people->loci()) names.emplace_back(locus_name(locus));
                                   return names;
                               })
        .def_property_readonly("alleles", [](const ReadForEm& self) { return allele_names(*self.people); })
        .def_property_readonly("weights", [](const ReadForEm& self) { return copied<double>(self.people->weights()); });
    py::class_<Estimation>(module, "Estimation")
        .def(py::init([](const ReadForEm& people, double min_frequency, double tolerance, std::uint32_t max_iterations,
                         unsigned threads) {
                 return std::make_unique<Estimation>(people.people,
                                                     EmOptions{min_frequency, tolerance, max_iterations, threads});
             }),
             py::arg("people"), py::arg("min_frequency"), py::arg("tolerance"), py::arg("max_iterations"),
             py::arg("threads"))
        .def_static(
            "from_set",
            [](const ReadForEm& people, double min_frequency, double tolerance, std::uint32_t max_iterations,
               unsigned threads) {
                return std::make_unique<Estimation>(people.people,
                                                    EmOptions{min_frequency, tolerance, max_iterations, threads},
                                                    haplotypes_of(*people.people));
            },
            py::arg("people"), py::arg("min_frequency"), py::arg("tolerance"), py::arg("max_iterations"),
            py::arg("threads"))
        .def_static(
            "resampled",
            [](const ReadForEm& people, const Estimation& estimated, const Values& weights, double tolerance,
               std::uint32_t max_iterations, unsigned threads) {
                return std::make_unique<Estimation>(people.people, EmOptions{0, tolerance, max_iterations, threads},
                                                    estimated.state().haplotypes, vector_of(weights));
            },
            py::arg("people"), py::arg("estimated"), py::arg("weights"), py::arg("tolerance"),
            py::arg("max_iterations"), py::arg("threads"))
        .def_property_readonly("finished", &Estimation::finished)
        .def_property_readonly("converged", [](const Estimation& self) { return self.state().converged; })
        .def_property_readonly("iterations", [](const Estimation& self) { return self.state().iterations; })
        .def("state", [](const Estimation& self) { return state_tuple(self.state()); })
        .def("restore", [](Estimation& self, const py::tuple& state) { self.restore(state_of(state)); })
        .def("step", [](Estimation& self) {
            const EmIteration it = released([&](const Cancel& cancel) { return self.step(cancel); });
            return py::make_tuple(it.stage, it.iteration, it.columns, it.haplotypes, it.log_likelihood,
                                  it.unrepresented);
        });
}

}  // namespace allomatch::bindings
