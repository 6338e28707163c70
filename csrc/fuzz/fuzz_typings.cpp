// Any text as a GL string, as a name, as the positions of a locus: reading it ends, with a value or with an Error, and
// the canonical text of what was read is a fixed point: it reads as the same value and is written as the same text.
// What was read is then given a meaning, with data and without: no text may crash the reader of a registry.
//
// One input is one text; a line end parts it into two positions where a pair is read.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "allomatch/error.hpp"
#include "allomatch/mac.hpp"
#include "allomatch/phenotype.hpp"
#include "holds.hpp"

using namespace allomatch;

namespace {

const Nomenclature& release() {
    static const auto nomenclature = [] {
        ReleaseFiles files;
        files.allele_list =
            "AlleleID,Allele\nHLA1,A*01:01:01:01\nHLA2,A*01:01:01:02N\nHLA3,A*02:01\nHLA4,A*02:02\nHLA5,DRB1*04:01\n"
            "HLA6,DRB3*01:01\n";
        files.p_groups = "A*;01:01:01:01;\nA*;02:01/02:02;02:01P\nDRB1*;04:01;\nDRB3*;01:01;\n";
        files.g_groups = "A*;01:01:01:01/01:01:01:02N;01:01:01G\nA*;02:01;\nA*;02:02;\nDRB1*;04:01;\nDRB3*;01:01;\n";
        files.deleted = "AlleleID,Allele,Description\nHLA9,A*03:01,Shown to be identical to A*02:01\n";
        files.old_names = "A*0101  A*01:01\n";
        files.dna_serology =
            "A*;01:01:01:01;1;;;\nA*;02:01;2;;;\nA*;02:02;?;;2;\nDRB1*;04:01;4;;;\nDRB3*;01:01;52;;;\n";
        files.serology_relations = "A;9;23/24;\nA;2;;203/210\n";
        const auto macs = MacTable::from_text("numer.v3.txt", "AA\t01/02\nAB\t02:01/02:02/03:01\n");
        return Nomenclature::from_files("1.2.3", files, macs);
    }();
    return *nomenclature;
}

void interpret(Locus locus, const Typing& typing) {
    const Dictionary dictionary(locus, std::span(&typing, 1));
    static const auto without_data = Nomenclature::two_field();
    for (const Nomenclature* nomenclature : {without_data.get(), &release()}) {
        const Interpretation meaning(*nomenclature, dictionary.view());
        for (std::uint32_t id = 0; id < meaning.position_count(); ++id) {
            const PositionMeaning position = meaning.position(PositionId{id});
            HOLDS(position.may_be_null || !position.groups.empty());
        }
    }
}

void as_phenotype(std::string_view text) {
    try {
        const Phenotype phenotype = Phenotype::from_gl(text);
        const std::string canonical = phenotype.to_gl();
        const Phenotype again = Phenotype::from_gl(canonical);
        HOLDS(again == phenotype);
        HOLDS(again.to_gl() == canonical);
        for (std::size_t l = 0; l < kLocusCount; ++l) {
            const auto locus = static_cast<Locus>(l);
            if (!phenotype[locus].untyped()) interpret(locus, phenotype[locus]);
        }
    } catch (const Error&) {
    }
}

void as_name(std::string_view text) {
    try {
        const NameAtLocus read = parse_name_with_locus(text);
        const std::string canonical = to_text(read.locus, read.name);
        const NameAtLocus again = parse_name_with_locus(canonical);
        HOLDS(again.locus == read.locus && again.name == read.name);
        HOLDS(to_text(again.locus, again.name) == canonical);
        if (release().knows(read.locus, read.name)) {
            HOLDS(!release().expand(read.locus, read.name).empty());
        }
    } catch (const Error&) {
    }
}

void as_pair(Locus locus, std::string_view text) {
    const std::size_t cut = text.find('\n');
    const std::string_view first = text.substr(0, cut);
    const std::string_view second = cut == std::string_view::npos ? std::string_view() : text.substr(cut + 1);
    try {
        const Typing typing = parse_pair(locus, first, second);
        const std::string canonical = to_text(locus, typing);
        HOLDS(parse_typing(locus, canonical) == typing);
        HOLDS(to_text(locus, parse_typing(locus, canonical)) == canonical);
    } catch (const Error&) {
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    as_phenotype(text);
    as_name(text);
    for (const Locus locus : {Locus::A, Locus::C, Locus::DRB1, Locus::DRB3, Locus::DQB1}) as_pair(locus, text);
    return 0;
}
