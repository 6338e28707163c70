// Details of pairs of typings.
#include "bindings.hpp"

#include "allomatch/detail.hpp"

namespace allomatch::bindings {
namespace {

// Six counts, then the numbers of the enums of detail.hpp; allomatch.detail gives them names.
py::tuple numbers(const LocusDetail& detail) {
    const Counts& c = detail.counts;
    const auto number = [](auto value) { return static_cast<int>(value); };
    const auto pair = [&](const auto& values) { return std::make_pair(number(values[0]), number(values[1])); };
    return py::make_tuple(std::make_tuple(number(c.least), number(c.greatest), number(c.gvh_least),
                                          number(c.gvh_greatest), number(c.hvg_least), number(c.hvg_greatest)),
                          number(detail.category), detail.crossed, pair(detail.grades), pair(detail.confidences),
                          pair(detail.antigens), number(detail.verdict), pair(detail.tce), pair(detail.markers),
                          detail.one_mismatch, pair(detail.mismatched));
}

}  // namespace

void register_detail(py::module_& module) {
    module.def(
        "match_detail",
        [](const Phenotype& patient, const Phenotype& donor, const std::string& locus_text,
           const Nomenclature& nomenclature, const std::string& policy, bool donor_required,
           const std::string& profile_text) {
            const Locus locus = require_locus(locus_text);
            return numbers(match_detail(patient[locus], donor[locus], locus, nomenclature, null_policy(policy),
                                        donor_required, profile(profile_text)));
        },
        py::arg("patient"), py::arg("donor"), py::arg("locus"), py::arg("nomenclature"), py::arg("null_policy"),
        py::arg("donor_required"), py::arg("profile"));
}

}  // namespace allomatch::bindings
