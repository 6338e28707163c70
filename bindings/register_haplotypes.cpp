// Haplotypes: frequency sets under a nomenclature.
#include "allomatch/haplotypes.hpp"

#include "bindings.hpp"

namespace allomatch::bindings {
namespace {

using Codes = py::array_t<std::uint32_t, py::array::c_style | py::array::forcecast>;
using Frequencies = py::array_t<double, py::array::c_style | py::array::forcecast>;

std::span<const double> numbers(const std::optional<Frequencies>& values) {
    if (!values) return {};
    return {values->data(), static_cast<std::size_t>(values->size())};
}

std::shared_ptr<HaplotypeSet> haplotype_set(std::shared_ptr<Nomenclature> nomenclature,
                                            const std::vector<std::string>& loci,
                                            const std::vector<std::vector<std::string>>& names,
                                            const std::vector<Codes>& codes, const Frequencies& frequencies,
                                            const std::optional<Frequencies>& second) {
    std::vector<HaplotypeColumn> columns;
    for (std::size_t i = 0; i < loci.size(); ++i) {
        columns.push_back(
            {require_locus(loci[i]), names.at(i), {codes.at(i).data(), static_cast<std::size_t>(codes.at(i).size())}});
    }
    return released([&](const Cancel&) {
        return std::make_shared<HaplotypeSet>(std::move(nomenclature), columns, numbers(frequencies), numbers(second));
    });
}

py::list level_names(const HaplotypeSet& set) {
    py::list all;
    for (std::size_t l = 0; l < set.levels().size(); ++l) {
        py::list names;
        const AlleleClasses& classes = set.classes(l);
        for (std::uint16_t c = 0; c < classes.size(); ++c)
            names.append(to_text(classes.locus(), classes.name(ClassId{c})));
        all.append(names);
    }
    return all;
}

}  // namespace

void register_haplotypes(py::module_& module) {
    // Of each name of a frequency set, whether it can be carried to one class.
    module.def(
        "carried_names",
        [](const Nomenclature& nomenclature, const std::string& locus_text, const std::vector<std::string>& names) {
            const Locus locus = require_locus(locus_text);
            std::vector<bool> carried;
            for (const std::string& name : names)
                carried.push_back(class_of(nomenclature, locus, parse_name(locus, name)).has_value());
            return carried;
        },
        py::arg("nomenclature"), py::arg("locus"), py::arg("names"));
    py::class_<HaplotypeSet, std::shared_ptr<HaplotypeSet>>(module, "HaplotypeSet")
        .def(py::init(&haplotype_set), py::arg("nomenclature"), py::arg("loci"), py::arg("names"), py::arg("codes"),
             py::arg("frequencies"), py::arg("second") = py::none())
        .def("__len__", &HaplotypeSet::size)
        .def_property_readonly("mixed", &HaplotypeSet::mixed)
        .def_property_readonly("memory_bytes", &HaplotypeSet::memory_bytes)
        .def_property_readonly("loci",
                               [](const HaplotypeSet& self) {
                                   std::vector<std::string> loci;
                                   for (const auto& level : self.levels()) loci.emplace_back(locus_name(level.locus));
                                   return loci;
                               })
        .def("names", &level_names)
        .def_property_readonly(
            "frequencies",
            [](const py::object& self) { return view(py::cast<const HaplotypeSet&>(self).frequencies(), self); })
        .def(
            "classes",
            [](const HaplotypeSet& self, const Codes& haplotypes) {
                const std::size_t levels = self.levels().size();
                py::array_t<std::uint16_t> result({haplotypes.size(), static_cast<py::ssize_t>(levels)});
                for (py::ssize_t i = 0; i < haplotypes.size(); ++i) {
                    if (haplotypes.at(i) >= self.size())
                        throw Error(ErrorCode::InvalidArgument, "there is no haplotype " +
                                                                    std::to_string(haplotypes.at(i)) +
                                                                    "; the set has " + std::to_string(self.size()));
                    for (std::size_t l = 0; l < levels; ++l)
                        result.mutable_at(i, static_cast<py::ssize_t>(l)) =
                            self.class_at(HaplotypeId{haplotypes.at(i)}, l).value;
                }
                return result;
            },
            py::arg("haplotypes"))
        .def_property_readonly("lost", [](const HaplotypeSet& self) {
            py::list names;
            for (const NotCarried& name : self.not_carried())
                names.append(
                    py::make_tuple(locus_name(name.locus), name.name, name.haplotypes, name.frequency, name.reason));
            return py::make_tuple(self.lost_haplotypes(), self.lost_frequency(), names);
        });
}

}  // namespace allomatch::bindings
