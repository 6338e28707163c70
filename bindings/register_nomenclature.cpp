// Nomenclature: releases and names.
#include "bindings.hpp"

#include "allomatch/nomenclature.hpp"

namespace allomatch::bindings {
namespace {

Level level_of(const std::string& text) {
    if (text == "ard") return Level::Ard;
    if (text == "P") return Level::PGroup;
    if (text == "G") return Level::GGroup;
    if (text == "two-field") return Level::TwoField;
    if (text == "first-field") return Level::FirstField;
    throw Error(ErrorCode::InvalidArgument,
                "unknown level " + shown(text) + "; known are ard, P, G, two-field and first-field");
}

}  // namespace

void register_nomenclature(py::module_& module) {
    // pybind11's holder drops the const that the core's pointers carry; no method here changes anything.
    py::class_<Nomenclature, std::shared_ptr<Nomenclature>>(module, "Nomenclature")
        .def_static("two_field", [] { return std::const_pointer_cast<Nomenclature>(Nomenclature::two_field()); })
        .def_static(
            "from_files",
            [](const std::string& release, const py::bytes& alleles, const py::bytes& p_groups,
               const py::bytes& g_groups) {
                const ReleaseFiles files{alleles, p_groups, g_groups};
                return released([&](const Cancel&) {
                    return std::const_pointer_cast<Nomenclature>(Nomenclature::from_files(release, files));
                });
            },
            py::arg("release"), py::arg("allele_list"), py::arg("p_groups"), py::arg("g_groups"))
        .def_property_readonly("release", &Nomenclature::release)
        .def_property_readonly("has_data", &Nomenclature::has_data)
        .def_property_readonly("allele_count", &Nomenclature::allele_count)
        .def("knows",
             [](const Nomenclature& self, const std::string& text) {
                 const NameAtLocus name = parse_name_with_locus(text);
                 return self.knows(name.locus, name.name);
             })
        .def("is_null",
             [](const Nomenclature& self, const std::string& text) {
                 const NameAtLocus name = parse_name_with_locus(text);
                 return self.is_null(name.locus, name.name);
             })
        .def("expand",
             [](const Nomenclature& self, const std::string& text) {
                 const NameAtLocus name = parse_name_with_locus(text);
                 return self.expand(name.locus, name.name);
             })
        .def("reduce", [](const Nomenclature& self, const std::string& text, const std::string& level) {
            const NameAtLocus name = parse_name_with_locus(text);
            return self.reduce(name.locus, name.name, level_of(level));
        });
    py::list loci;
    for (std::size_t l = 0; l < kLocusCount; ++l) loci.append(py::str(std::string(locus_name(static_cast<Locus>(l)))));
    module.attr("LOCI") = py::tuple(loci);
}

}  // namespace allomatch::bindings
