// Any bytes as the files of a release: reading them ends, with a nomenclature or with an Error; names of what was read
// reduce and expand.
//
// One input is the files in the order of `ReleaseFiles`, parted by lines "@@".
#include <array>
#include <cstddef>
#include <cstdint>
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
    for (const char* text : {"A*01:XX", "A*01:01", "B*07:02", "DRB1*04:01", "A*01:01P", "A*01:01:01G"}) {
        const NameAtLocus name = parse_name_with_locus(text);
        if (!nomenclature.knows(name.locus, name.name)) continue;
        HOLDS(!nomenclature.expand(name.locus, name.name).empty());
        for (const Level level : {Level::Ard, Level::PGroup, Level::GGroup, Level::TwoField, Level::FirstField}) {
            (void)nomenclature.reduce(name.locus, name.name, level);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::string_view rest(reinterpret_cast<const char*>(data), size);
    ReleaseFiles files;
    files.allele_list = next_file(rest);
    files.p_groups = next_file(rest);
    files.g_groups = next_file(rest);
    try {
        use(*Nomenclature::from_files("1.2.3", files));
    } catch (const Error&) {
    }
    return 0;
}
