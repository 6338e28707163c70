// Phenotypes.
#include "bindings.hpp"

#include "allomatch/phenotype.hpp"

namespace allomatch::bindings {

void register_phenotype(py::module_& module) {
    py::class_<Phenotype>(module, "Phenotype")
        .def_static("from_gl", [](const std::string& text) { return Phenotype::from_gl(text); })
        .def_static("from_pairs",
                    [](const std::vector<std::tuple<std::string, std::string, std::string>>& pairs) {
                        std::vector<PairText> texts;
                        for (const auto& [locus, first, second] : pairs)
                            texts.push_back({require_locus(locus), first, second});
                        return Phenotype::from_pairs(texts);
                    })
        .def("typing",
             [](const Phenotype& self, const std::string& locus_text) {
                 const Locus locus = require_locus(locus_text);
                 return to_text(locus, self[locus]);
             })
        .def("to_gl", &Phenotype::to_gl)
        .def("__eq__", [](const Phenotype& a, const Phenotype& b) { return a == b; });
}

}  // namespace allomatch::bindings
