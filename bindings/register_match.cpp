// Counts of one pair.
#include "bindings.hpp"

#include "allomatch/search.hpp"

namespace allomatch::bindings {

NullPolicy null_policy(std::string_view text) {
    if (text == "explicit") return NullPolicy::Explicit;
    if (text == "possible") return NullPolicy::Possible;
    throw Error(ErrorCode::InvalidArgument, "unknown null policy " + shown(text) + "; known are explicit and possible");
}

Direction direction(std::string_view text) {
    if (text == "both") return Direction::Both;
    if (text == "gvh") return Direction::Gvh;
    if (text == "hvg") return Direction::Hvg;
    throw Error(ErrorCode::InvalidArgument, "unknown direction " + shown(text) + "; known are both, gvh and hvg");
}

Profile profile(std::string_view text) {
    if (text == "standard") return Profile::Standard;
    if (text == "atlas") return Profile::Atlas;
    throw Error(ErrorCode::InvalidArgument, "unknown profile " + shown(text) + "; known are standard and atlas");
}

void register_match(py::module_& module) {
    module.def(
        "match_locus",
        [](const Phenotype& patient, const Phenotype& donor, const std::string& locus_text,
           const Nomenclature& nomenclature, const std::string& policy, bool donor_required,
           const std::string& profile_text) {
            const Locus locus = require_locus(locus_text);
            const Counts c = match_locus(patient[locus], donor[locus], locus, nomenclature, null_policy(policy),
                                         donor_required, profile(profile_text));
            return std::tuple<int, int, int, int, int, int>(c.least, c.greatest, c.gvh_least, c.gvh_greatest,
                                                            c.hvg_least, c.hvg_greatest);
        },
        py::arg("patient"), py::arg("donor"), py::arg("locus"), py::arg("nomenclature"), py::arg("null_policy"),
        py::arg("donor_required"), py::arg("profile") = "standard");
}

}  // namespace allomatch::bindings
