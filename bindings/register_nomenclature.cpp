// Nomenclature: releases, names, allele codes, and reductions of columns.
#include "arrow_abi.hpp"
#include "bindings.hpp"

#include "allomatch/mac.hpp"
#include "allomatch/nomenclature.hpp"
#include "allomatch/phenotype.hpp"
#include "allomatch/reduce.hpp"

namespace allomatch::bindings {
namespace {

Level level_of(const std::string& text) {
    constexpr std::pair<std::string_view, Level> kLevels[] = {
        {"ard", Level::Ard},          {"P", Level::PGroup},           {"G", Level::GGroup},
        {"g", Level::SmallG},         {"two-field", Level::TwoField}, {"first-field", Level::FirstField},
        {"serology", Level::Serology}};
    for (const auto& [name, level] : kLevels) {
        if (text == name) return level;
    }
    throw Error(ErrorCode::InvalidArgument,
                "unknown level " + shown(text) + "; known are ard, P, G, g, two-field, first-field and serology");
}

std::shared_ptr<Nomenclature> shared(std::shared_ptr<const Nomenclature> nomenclature) {
    // pybind11's holder drops the const that the core's pointers carry; no method here changes anything.
    return std::const_pointer_cast<Nomenclature>(std::move(nomenclature));
}

std::shared_ptr<Nomenclature> from_files(const std::string& release, const std::map<std::string, py::bytes>& given,
                                         std::shared_ptr<MacTable> macs) {
    ReleaseFiles files;
    const std::pair<const char*, std::string_view ReleaseFiles::*> roles[] = {
        {"allele_list", &ReleaseFiles::allele_list},
        {"p_groups", &ReleaseFiles::p_groups},
        {"g_groups", &ReleaseFiles::g_groups},
        {"deleted", &ReleaseFiles::deleted},
        {"status", &ReleaseFiles::status},
        {"old_names", &ReleaseFiles::old_names},
        {"dna_serology", &ReleaseFiles::dna_serology},
        {"serology_relations", &ReleaseFiles::serology_relations},
        {"tce", &ReleaseFiles::tce}};
    for (const auto& [role, field] : roles) {
        const auto it = given.find(role);
        if (it != given.end()) files.*field = it->second;
    }
    return released([&](const Cancel&) { return shared(Nomenclature::from_files(release, files, std::move(macs))); });
}

py::list note_rows(const std::vector<Note>& notes) {
    py::list rows;
    for (const Note& note : notes) rows.append(py::make_tuple(static_cast<int>(note.code), note.message));
    return rows;
}

// Arrow's buffers of a dictionary column, and the texts that could not be reduced.
py::tuple reduced_column(const Nomenclature& nomenclature, const py::object& array, const std::string& level,
                         unsigned threads) {
    const ArrowColumn column(array);
    const TextColumn texts = text_column(column);
    const Level wanted = level_of(level);
    auto owned = std::make_unique<const ReducedColumn>(released([&](const Cancel& cancel) {
        return reduce_column(nomenclature, texts, column.length(), wanted, threads, cancel);
    }));
    const ReducedColumn& reduced = *owned;
    py::list errors;
    for (const auto& bad : reduced.errors) {
        errors.append(py::make_tuple(bad.row, bad.rows, bad.value, static_cast<int>(bad.code), bad.message));
    }
    const py::capsule owner(owned.get(), [](void* p) { delete static_cast<const ReducedColumn*>(p); });
    (void)owned.release();  // the capsule's now
    const auto bytes = std::as_bytes(std::span(reduced.text));
    const std::span text(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    return py::make_tuple(view(std::span(reduced.indices), owner), view(std::span(reduced.offsets), owner),
                          view(text, owner), errors);
}

template <typename Ask>
auto about(Ask ask) {
    return [ask](const Nomenclature& self, const std::string& text) {
        const NameAtLocus name = parse_name_with_locus(text);
        return ask(self, name.locus, name.name);
    };
}

}  // namespace

void register_nomenclature(py::module_& module) {
    py::class_<MacTable, std::shared_ptr<MacTable>>(module, "MacTable")
        .def_static(
            "from_text",
            [](const std::string& file, const py::bytes& text) {
                std::string copy = text;
                return released([&](const Cancel&) {
                    return std::const_pointer_cast<MacTable>(MacTable::from_text(file, std::move(copy)));
                });
            },
            py::arg("file"), py::arg("text"))
        .def_static(
            "from_cache",
            [](const std::string& path) {
                return released(
                    [&](const Cancel&) { return std::const_pointer_cast<MacTable>(MacTable::from_cache(path)); });
            },
            py::arg("path"))
        .def("to_cache", [](const MacTable& self) { return py::bytes(self.to_cache()); })
        .def_property_readonly("memory_bytes", &MacTable::memory_bytes)
        .def("__len__", &MacTable::size);

    py::class_<Nomenclature, std::shared_ptr<Nomenclature>>(module, "Nomenclature")
        .def_static(
            "two_field",
            [](std::shared_ptr<MacTable> macs) { return shared(Nomenclature::two_field(std::move(macs))); },
            py::arg("macs") = nullptr)
        .def_static("from_files", &from_files, py::arg("release"), py::arg("files"), py::arg("macs") = nullptr)
        .def_static(
            "from_cache",
            [](const py::bytes& bytes, const std::string& stamp, std::shared_ptr<MacTable> macs) {
                const std::string_view view(bytes);
                return released([&](const Cancel&) {
                    return shared(Nomenclature::from_cache(std::as_bytes(std::span(view)), stamp, std::move(macs)));
                });
            },
            py::arg("content"), py::arg("stamp"), py::arg("macs") = nullptr)
        .def("to_cache",
             [](const Nomenclature& self, const std::string& stamp) { return py::bytes(self.to_cache(stamp)); })
        .def_property_readonly("release", &Nomenclature::release)
        .def_property_readonly("has_data", &Nomenclature::has_data)
        .def_property_readonly("has_macs", &Nomenclature::has_macs)
        .def_property_readonly("allele_count", py::overload_cast<>(&Nomenclature::allele_count, py::const_))
        .def_property_readonly("memory_bytes", &Nomenclature::memory_bytes)
        .def("knows", about([](const Nomenclature& n, Locus l, const Name& name) { return n.knows(l, name); }))
        .def("is_null", about([](const Nomenclature& n, Locus l, const Name& name) { return n.is_null(l, name); }))
        .def("expand", about([](const Nomenclature& n, Locus l, const Name& name) { return n.expand(l, name); }))
        .def("current_name", about([](const Nomenclature& n, Locus l, const Name& name) {
                 return to_text(l, n.current_name(l, name));
             }))
        .def("notes", about([](const Nomenclature& n, Locus l, const Name& name) {
                 return note_rows(n.notes(l, std::span(&name, 1)));
             }))
        .def("phenotype_notes",
             [](const Nomenclature& self, const Phenotype& phenotype) {
                 py::list rows;
                 for (std::size_t l = 0; l < kLocusCount; ++l) {
                     const auto locus = static_cast<Locus>(l);
                     for (const Genotype& genotype : phenotype[locus].alternatives) {
                         for (const Position& position : genotype.positions) {
                             for (const Note& note : self.notes(locus, position.names)) {
                                 rows.append(py::make_tuple(std::string(locus_name(locus)), to_text(locus, position),
                                                            static_cast<int>(note.code), note.message));
                             }
                         }
                     }
                 }
                 return rows;
             })
        .def("reduce",
             [](const Nomenclature& self, const std::string& text, const std::string& level) {
                 std::string reduced;
                 append_reduced_gl(reduced, self, text, level_of(level));
                 return reduced;
             })
        .def("antigens",
             [](const Nomenclature& self, const std::string& text) {
                 const NameAtLocus name = parse_name_with_locus(text);
                 // A new allele and absence stay what they are in reductions; they are no antigens.
                 if (name.name.kind == NameKind::New || name.name.kind == NameKind::Absent) {
                     if (!self.knows(name.locus, name.name)) self.throw_unknown(name.locus, name.name);
                     return std::vector<std::string>();
                 }
                 return self.reduce(name.locus, name.name, Level::Serology);
             })
        .def("reduce_column", &reduced_column, py::arg("column"), py::arg("level"), py::arg("threads"));
    py::list loci;
    for (std::size_t l = 0; l < kLocusCount; ++l) loci.append(py::str(std::string(locus_name(static_cast<Locus>(l)))));
    module.attr("LOCI") = py::tuple(loci);
}

}  // namespace allomatch::bindings
