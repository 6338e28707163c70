// Search: requests, the index, results as arrays.
#include "bindings.hpp"

#include <algorithm>
#include <array>

#include "allomatch/filter.hpp"
#include "allomatch/search.hpp"

namespace allomatch::bindings {
namespace {

static_assert(sizeof(Counts) == 6, "counts are handed out as rows of six bytes");

// Which donors of the whole registry pass a filter; shape (donors,), bool.
py::array_t<bool> rows_passing(const Segment& segment, const std::string& text) {
    const RowFilter filter = compile_filter(text, segment);
    py::array_t<bool> passed(static_cast<py::ssize_t>(segment.donor_count()));
    auto* const out = reinterpret_cast<std::uint8_t*>(passed.mutable_data());
    released([&](const Cancel& cancel) {
        std::array<DonorRow, 4096> rows{};
        for (std::size_t first = 0; first < segment.donor_count(); first += rows.size()) {
            const std::size_t count = std::min(rows.size(), segment.donor_count() - first);
            for (std::size_t i = 0; i < count; ++i) rows[i] = DonorRow{static_cast<std::uint32_t>(first + i)};
            filter(std::span(rows).first(count), std::span(out + first, count));
            cancel.check();
        }
    });
    return passed;
}

// A filter that Python evaluates: a callable that takes rows (uint32) and returns which of them pass (bool).
RowFilter python_filter(const py::handle& callable) {
    return [callable](std::span<const DonorRow> rows, std::span<std::uint8_t> pass) {
        const py::gil_scoped_acquire gil;
        const py::array_t<std::uint32_t> numbers(static_cast<py::ssize_t>(rows.size()),
                                                 reinterpret_cast<const std::uint32_t*>(rows.data()));
        const auto passed = py::cast<py::array_t<bool, py::array::c_style>>(callable(numbers));
        if (passed.size() != numbers.size()) throw py::value_error("a filter returned another number of rows");
        std::copy_n(passed.data(), pass.size(), pass.begin());
    };
}

SearchResult search(const SearchIndex& index, const Phenotype& patient, const std::vector<std::string>& loci,
                    unsigned max_mismatches, const std::vector<unsigned>& limits,
                    const std::vector<std::string>& levels, const std::string& direction_text, const py::list& filters,
                    const std::vector<std::string>& report, std::uint64_t offset, std::uint64_t limit,
                    unsigned threads) {
    SearchRequest request;
    for (std::size_t i = 0; i < loci.size(); ++i) {
        const Locus locus = require_locus(loci[i]);
        request.loci.push_back(locus);
        request.locus_limits[index_of(locus)] = static_cast<std::uint8_t>(std::min(limits.at(i), 3U));
        request.levels[index_of(locus)] = match_level(levels.at(i));
    }
    request.max_mismatches = max_mismatches;
    request.direction = direction(direction_text);
    for (const py::handle filter : filters) {
        request.filters.push_back(py::isinstance<py::str>(filter)
                                      ? compile_filter(py::cast<std::string>(filter), index.segment())
                                      : python_filter(filter));
    }
    for (const std::string& locus : report) request.report.push_back(require_locus(locus));
    request.offset = offset;
    request.limit = limit;
    request.threads = threads;
    return released([&](const Cancel& cancel) { return index.search(patient, request, cancel); });
}

template <typename T>
std::span<const std::uint32_t> numbers(const std::vector<T>& ids) {
    static_assert(sizeof(T) == 4);
    return {reinterpret_cast<const std::uint32_t*>(ids.data()), ids.size()};
}

std::span<const std::uint8_t> bytes(const std::vector<Counts>& counts) {
    return {reinterpret_cast<const std::uint8_t*>(counts.data()), counts.size() * 6};
}

}  // namespace

void register_search(py::module_& module) {
    py::class_<SearchResult>(module, "SearchResult")
        .def_property_readonly("donors", [](const SearchResult& r) { return r.donors; })
        .def_property_readonly(
            "unread",
            [](const py::object& self) {
                return view(std::span<const std::uint16_t>(py::cast<const SearchResult&>(self).unread), self);
            })
        .def_property_readonly("donors_by_mismatches", [](const SearchResult& r) { return r.donors_by_mismatches; })
        .def_property_readonly(
            "rows",
            [](const py::object& self) { return view(numbers(py::cast<const SearchResult&>(self).rows), self); })
        .def_property_readonly(
            "phenotypes",
            [](const py::object& self) { return view(numbers(py::cast<const SearchResult&>(self).phenotypes), self); })
        .def_property_readonly(
            "row_phenotypes",
            [](const py::object& self) {
                return view(std::span<const std::uint32_t>(py::cast<const SearchResult&>(self).row_phenotypes), self);
            })
        .def_property_readonly("totals",
                               [](const py::object& self) {
                                   const auto& r = py::cast<const SearchResult&>(self);
                                   return view(bytes(r.totals), self, {static_cast<py::ssize_t>(r.totals.size()), 6});
                               })
        .def_property_readonly("reported",
                               [](const py::object& self) {
                                   const auto& r = py::cast<const SearchResult&>(self);
                                   return view(bytes(r.reported), self,
                                               {static_cast<py::ssize_t>(r.rows.size()),
                                                static_cast<py::ssize_t>(r.reported_loci.size()), 6});
                               })
        .def_property_readonly("by_locus", [](const py::object& self) {
            const auto& r = py::cast<const SearchResult&>(self);
            return view(bytes(r.by_locus), self,
                        {static_cast<py::ssize_t>(r.totals.size()), static_cast<py::ssize_t>(r.loci.size()), 6});
        });

    module.def("rows_passing", &rows_passing, py::arg("segment"), py::arg("where"));

    py::class_<SearchIndex>(module, "SearchIndex")
        .def(py::init([](std::shared_ptr<Segment> segment, std::shared_ptr<Nomenclature> nomenclature,
                         const std::string& policy, const std::string& profile_text) {
                 const NullPolicy parsed = null_policy(policy);
                 const Profile rules = profile(profile_text);
                 return released([&](const Cancel&) {
                     return std::make_unique<SearchIndex>(std::move(segment), std::move(nomenclature), parsed, rules);
                 });
             }),
             py::arg("segment"), py::arg("nomenclature"), py::arg("null_policy"), py::arg("profile") = "standard")
        .def("search", &search, py::arg("patient"), py::arg("loci"), py::arg("max_mismatches"), py::arg("limits"),
             py::arg("levels"), py::arg("direction"), py::arg("filters"), py::arg("report"), py::arg("offset"),
             py::arg("limit"), py::arg("threads"))
        .def("unknown_typings", [](const SearchIndex& self) {
            py::list rows;
            for (const UnknownTyping& u : self.unknown_typings()) {
                rows.append(py::make_tuple(std::string(locus_name(u.locus)), u.typing, u.donors));
            }
            return rows;
        });
}

}  // namespace allomatch::bindings
