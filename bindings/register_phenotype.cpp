// Phenotypes.
#include "bindings.hpp"

#include <set>

#include "allomatch/phenotype.hpp"

namespace allomatch::bindings {

void register_phenotype(py::module_& module) {
    py::class_<Phenotype>(module, "Phenotype")
        .def_static("from_gl", [](const std::string& text) { return Phenotype::from_gl(text); })
        .def_static("from_pairs",
                    [](const std::vector<std::tuple<std::string, std::string, std::string>>& pairs) {
                        Phenotype phenotype;
                        std::set<Locus> seen;
                        for (const auto& [locus_text, first, second] : pairs) {
                            const Locus locus = require_locus(locus_text);
                            if (!seen.insert(locus).second) {
                                throw Error(ErrorCode::LocusTwice, "locus " + std::string(locus_name(locus)) +
                                                                       " is given twice; give each locus once");
                            }
                            phenotype.set(locus, parse_pair(locus, first, second));
                        }
                        return phenotype;
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
