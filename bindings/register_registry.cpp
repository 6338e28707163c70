// Registry: building a segment from Arrow columns, and reading one.
#include "arrow_abi.hpp"
#include "bindings.hpp"

#include "allomatch/registry.hpp"

namespace allomatch::bindings {
namespace {

NumberColumn number_column(const ArrowColumn& column) {
    const ArrowArray& array = column.array();
    return {static_cast<const double*>(array.buffers[1]) + array.offset, validity_of(array),
            static_cast<std::size_t>(array.offset)};
}

std::size_t attribute_index(const std::string& name) {
    const auto specs = attribute_specs();
    for (std::size_t a = 0; a < specs.size(); ++a) {
        if (specs[a].name == name) return a;
    }
    throw Error(ErrorCode::InvalidArgument, "unknown attribute " + shown(name));
}

using Errors = std::vector<RowError>;

py::list error_rows(const Errors& errors) {
    py::list rows;
    for (const RowError& e : errors)
        rows.append(py::make_tuple(e.row, e.donor_id, e.field, e.value, static_cast<int>(e.code), e.message));
    return rows;
}

py::list add_batch(RegistryBuilder& builder, const py::dict& columns, std::int64_t first_row, unsigned threads) {
    std::vector<std::unique_ptr<ArrowColumn>> owners;
    DonorBatch batch;
    batch.first_row = first_row;
    const auto column = [&](const py::handle& array) -> const ArrowColumn& {
        owners.push_back(std::make_unique<ArrowColumn>(py::reinterpret_borrow<py::object>(array)));
        batch.rows = owners.back()->length();
        return *owners.back();
    };
    for (const auto& [key, array] : columns) {
        const auto name = py::cast<std::string>(key);
        const bool first = name.ends_with("_1");
        if (name == "donor_id") {
            batch.donor_id = text_column(column(array));
        } else if (name == "gl") {
            batch.gl = text_column(column(array));
        } else if (first || name.ends_with("_2")) {
            auto& pair = batch.loci[index_of(require_locus(name.substr(0, name.size() - 2)))];
            if (!pair) pair.emplace();
            (*pair)[first ? 0 : 1] = text_column(column(array));
        } else {
            const std::size_t a = attribute_index(name);
            // allomatch.registry hands numbers over as float64, or as the text that they were read as.
            const bool is_number = py::str(array.attr("type")).equal(py::str("double"));
            if (is_number) {
                batch.numbers[a] = number_column(column(array));
            } else {
                batch.texts[a] = text_column(column(array));
            }
        }
    }
    Errors errors;
    released([&](const Cancel& cancel) { builder.add_batch(batch, threads, cancel, errors); });
    return error_rows(errors);
}

// Donor ids of rows as Arrow's two buffers: offsets and UTF-8 bytes.
py::tuple donor_ids(const Segment& segment, const py::array_t<std::uint32_t, py::array::c_style>& rows) {
    const std::span<const std::uint32_t> wanted(rows.data(), static_cast<std::size_t>(rows.size()));
    std::string text;
    py::array_t<std::int64_t> offsets(static_cast<py::ssize_t>(wanted.size() + 1));
    auto* offset = offsets.mutable_data();
    offset[0] = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        if (wanted[i] >= segment.donor_count())
            throw py::index_error("row " + std::to_string(wanted[i]) + " is beyond the last donor");
        text += segment.donor_id(DonorRow{wanted[i]});
        offset[i + 1] = static_cast<std::int64_t>(text.size());
    }
    // A file that was opened without a look at every block may be damaged here.
    if (!is_utf8(text))
        throw Error(ErrorCode::CorruptFile,
                    "the donor ids of the registry are not UTF-8: the file is damaged; allomatch verify says where");
    return py::make_tuple(offsets, py::bytes(text));
}

py::object attribute(const py::object& self, const std::string& name) {
    const auto& segment = py::cast<const Segment&>(self);
    const std::size_t a = attribute_index(name);
    const AttributeColumn& column = segment.attribute(a);
    if (!column.present) return py::none();
    switch (attribute_specs()[a].kind) {
        case AttributeKind::Int16:
            return py::make_tuple(view(column.ints, self), py::none());
        case AttributeKind::Float32:
            return py::make_tuple(view(column.floats, self), py::none());
        case AttributeKind::Category:
            break;
    }
    return py::make_tuple(column.codes16.empty() ? view(column.codes8, self) : view(column.codes16, self),
                          column.categories);
}

Phenotype phenotype_of(const Segment& segment, std::uint32_t row) {
    if (row >= segment.donor_count()) throw py::index_error("row " + std::to_string(row) + " is beyond the last donor");
    const PhenotypeId phenotype = segment.phenotype_of(DonorRow{row});
    std::array<Typing, kLocusCount> typings;
    for (const Locus locus : segment.trie().order)
        typings[index_of(locus)] = segment.dictionary(locus).typing(segment.typing_of(phenotype, locus));
    return Phenotype::from_typings(std::move(typings));
}

py::dict layout(const Segment& segment) {
    py::dict result;
    py::list order;
    for (const Locus locus : segment.trie().order) order.append(py::str(std::string(locus_name(locus))));
    py::dict typings;
    for (const Locus locus : segment.trie().order) {
        typings[py::str(std::string(locus_name(locus)))] = segment.dictionary(locus).typing_count() - 1;
    }
    py::dict blocks;
    for (const BlockInfo& block : segment.blocks())
        blocks[py::str(std::string(block.name))] = py::make_tuple(block.offset, block.bytes);
    result["order"] = order;
    result["node_levels"] = segment.trie().levels.size();
    result["typings"] = typings;
    result["blocks"] = blocks;
    return result;
}

}  // namespace

void register_registry(py::module_& module) {
    py::class_<RegistryBuilder>(module, "RegistryBuilder")
        .def(py::init<>())
        .def("require_known",
             [](RegistryBuilder& self, std::shared_ptr<Nomenclature> n) { self.require_known(std::move(n)); })
        .def("extend",
             [](RegistryBuilder& self, const std::string& path) {
                 released([&](const Cancel& cancel) { self.extend(path, cancel); });
             })
        .def("close", &RegistryBuilder::close)
        .def("add_batch", &add_batch, py::arg("columns"), py::arg("first_row"), py::arg("threads"))
        .def(
            "finish",
            [](RegistryBuilder& self, const std::string& path, bool replace, unsigned threads) {
                Errors errors;
                std::vector<RowWarning> warnings;
                const std::size_t count = released([&](const Cancel& cancel) {
                    return self.finish(path, replace, threads, cancel, errors, warnings);
                });
                py::list warned;
                for (const RowWarning& w : warnings) {
                    warned.append(py::make_tuple(w.rows, w.first_row, w.donor_id, w.field, w.value,
                                                 static_cast<int>(w.code), w.message));
                }
                return py::make_tuple(count, error_rows(errors), warned);
            },
            py::arg("path"), py::arg("replace"), py::arg("threads"));

    py::class_<Segment, std::shared_ptr<Segment>>(module, "Segment")
        .def_static(
            "open",
            [](const std::string& path, bool full) {
                return released([&](const Cancel& cancel) {
                    return std::const_pointer_cast<Segment>(
                        Segment::open(path, full ? Validate::Full : Validate::Header, cancel));
                });
            },
            py::arg("path"), py::arg("full"))
        .def_property_readonly("donor_count", &Segment::donor_count)
        .def_property_readonly(
            "donor_ranks",
            [](const py::object& self) { return view(py::cast<const Segment&>(self).donor_ranks(), self); })
        .def_property_readonly("phenotype_count", &Segment::phenotype_count)
        .def_property_readonly("file_bytes", &Segment::file_bytes)
        .def("layout", &layout)
        .def("donor_ids", &donor_ids)
        .def("attribute", &attribute)
        .def("phenotype", &phenotype_of);

    py::dict attributes;
    for (const AttributeSpec& spec : attribute_specs()) {
        const char* kind = spec.kind == AttributeKind::Int16     ? "int16"
                           : spec.kind == AttributeKind::Float32 ? "float32"
                                                                 : "category";
        attributes[py::str(std::string(spec.name))] = kind;
    }
    module.attr("ATTRIBUTES") = attributes;
}

}  // namespace allomatch::bindings
