// Any bytes as the files of a release: reading them ends, with a nomenclature or with an Error; names of what was read
// reduce and expand.
//
// One input is the files in the order of `ReleaseFiles`, parted by lines "@@".
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "allomatch/error.hpp"
#include "allomatch/nomenclature.hpp"
#include "holds.hpp"

using namespace allomatch;

namespace {

constexpr std::string_view kPart = "\n@@\n";

std::string_view next_file(std::string_view& rest) {
    const std::size_t cut = rest.find(kPart);
    const std::string_view file = rest.substr(0, cut == std::string_view::npos ? cut : cut + 1);
    rest = cut == std::string_view::npos ? std::string_view() : rest.substr(cut + kPart.size());
    return file;
}

void use(const Nomenclature& nomenclature) {
    for (const char* text : {"A*01:XX", "A*01:01", "B*07:02", "DRB1*04:01", "A*01:01P", "A*01:01:01G", "A*01:01g", "A1",
                             "A9", "A*0101", "A*04:01", "A*01:NEW", "DPB1*04:01", "DRB3*01:01"}) {
        const NameAtLocus name = parse_name_with_locus(text);
        if (!nomenclature.knows(name.locus, name.name)) continue;
        HOLDS(!nomenclature.expand(name.locus, name.name).empty());
        for (const Level level : {Level::Ard, Level::PGroup, Level::GGroup, Level::SmallG, Level::TwoField,
                                  Level::FirstField, Level::Serology}) {
            (void)nomenclature.reduce(name.locus, name.name, level);
        }
        HOLDS(nomenclature.knows(name.locus, nomenclature.current_name(name.locus, name.name)));
        (void)nomenclature.notes(name.locus, std::span(&name.name, 1));
    }
    // The binary form says the same.
    const std::string bytes = nomenclature.to_cache("stamp");
    const auto again = Nomenclature::from_cache(std::as_bytes(std::span(bytes)), "stamp");
    HOLDS(again != nullptr);
    HOLDS(again->to_cache("stamp") == bytes);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    ReleaseFiles files;
    files.allele_list = next_file(rest);
    files.p_groups = next_file(rest);
    files.g_groups = next_file(rest);
    for (std::string_view* file : {&files.deleted, &files.status, &files.old_names, &files.dna_serology,
                                   &files.serology_relations, &files.tce}) {
        *file = next_file(rest);
    }
    try {
        use(*Nomenclature::from_files("1.2.3", files));
    } catch (const Error&) {
    }
    return 0;
}
