// Matches: of one pair of typings, and of columns of them.
#include <memory>

#include "bindings.hpp"

#include "allomatch/search.hpp"
#include "arrow_abi.hpp"
#include "typing_columns.hpp"

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

MatchLevel match_level(std::string_view text) {
    if (text == "ard") return MatchLevel::Ard;
    if (text == "allele") return MatchLevel::Allele;
    if (text == "antigen") return MatchLevel::Antigen;
    throw Error(ErrorCode::InvalidArgument,
                "unknown level of matching " + shown(text) + "; known are ard, allele and antigen");
}

namespace {

py::tuple numbers(const Counts& c) {
    return py::make_tuple(+c.least, +c.greatest, +c.gvh_least, +c.gvh_greatest, +c.hvg_least, +c.hvg_greatest);
}

// The counts, then the numbers of the enums of detail.hpp; allomatch.detail gives them names.
py::tuple numbers(const LocusDetail& detail) {
    const auto number = [](auto value) { return static_cast<int>(value); };
    const auto pair = [&](const auto& values) { return std::make_pair(number(values[0]), number(values[1])); };
    return py::make_tuple(numbers(detail.counts),
                          py::make_tuple(detail.crossed, pair(detail.grades), pair(detail.confidences),
                                         pair(detail.antigens), number(detail.verdict), pair(detail.tce),
                                         pair(detail.markers), detail.one_mismatch, pair(detail.mismatched)));
}

}  // namespace

TypingColumns typing_columns(const py::object& table, Side side, std::size_t rows, std::span<const Locus> loci,
                             unsigned threads, std::vector<CellError>& errors) {
    if (py::isinstance<Phenotype>(table)) return {py::cast<const Phenotype&>(table), loci};
    std::vector<std::unique_ptr<ArrowColumn>> owners;
    TypingCells cells;
    cells.rows = rows;
    for (const auto& [key, array] : py::cast<py::dict>(table)) {
        const auto name = py::cast<std::string>(key);
        owners.push_back(std::make_unique<ArrowColumn>(py::reinterpret_borrow<py::object>(array)));
        if (name == "gl") {
            cells.gl = text_column(*owners.back());
            continue;
        }
        auto& pair = cells.loci[index_of(require_locus(name.substr(0, name.size() - 2)))];
        if (!pair) pair.emplace();
        (*pair)[name.ends_with("_1") ? 0 : 1] = text_column(*owners.back());
    }
    return released([&](const Cancel& cancel) { return TypingColumns(cells, side, loci, threads, cancel, errors); });
}

py::list detail_arrays(std::vector<std::vector<std::uint8_t>> tables, std::size_t rows) {
    py::list arrays;
    for (std::vector<std::uint8_t>& table : tables)
        arrays.append(own(std::move(table), {static_cast<py::ssize_t>(kDetailBytes), static_cast<py::ssize_t>(rows)}));
    return arrays;
}

py::list cell_errors(std::span<const CellError> errors) {
    py::list rows;
    for (const CellError& e : errors)
        rows.append(py::make_tuple(e.row, e.side == Side::Patient ? "patient" : "donor", e.field, e.value,
                                   static_cast<int>(e.code), e.message));
    return rows;
}

namespace {

py::tuple match_table(const py::object& patients, const py::object& donors, std::size_t rows,
                      const std::vector<std::string>& loci, const Nomenclature& nomenclature, const std::string& policy,
                      const std::string& profile_text, bool donor_required, unsigned threads) {
    DetailRequest request;
    for (const std::string& locus : loci) request.loci.push_back(require_locus(locus));
    request.policy = null_policy(policy);
    request.profile = profile(profile_text);
    request.donor_required = donor_required;
    request.threads = threads;
    std::vector<CellError> errors;
    const TypingColumns patient_columns = typing_columns(patients, Side::Patient, rows, request.loci, threads, errors);
    const TypingColumns donor_columns = typing_columns(donors, Side::Donor, rows, request.loci, threads, errors);
    std::vector<std::vector<std::uint8_t>> tables = released([&](const Cancel& cancel) {
        return match_columns(nomenclature, patient_columns, donor_columns, request, cancel, errors);
    });
    return py::make_tuple(detail_arrays(std::move(tables), rows), cell_errors(errors));
}

}  // namespace

void register_match(py::module_& module) {
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
    module.def(
        "match_locus",
        [](const Phenotype& patient, const Phenotype& donor, const std::string& locus_text,
           const Nomenclature& nomenclature, const std::string& policy, bool donor_required,
           const std::string& profile_text, const std::string& level) {
            const Locus locus = require_locus(locus_text);
            return numbers(match_locus(patient[locus], donor[locus], locus, nomenclature, null_policy(policy),
                                       donor_required, profile(profile_text), match_level(level)));
        },
        py::arg("patient"), py::arg("donor"), py::arg("locus"), py::arg("nomenclature"), py::arg("null_policy"),
        py::arg("donor_required"), py::arg("profile") = "standard", py::arg("level") = "ard");
    module.def("match_table", &match_table, py::arg("patients"), py::arg("donors"), py::arg("rows"), py::arg("loci"),
               py::arg("nomenclature"), py::arg("null_policy"), py::arg("profile"), py::arg("donor_required"),
               py::arg("threads"));
}

}  // namespace allomatch::bindings
