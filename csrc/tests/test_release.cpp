// A made-up release with every optional file: serology, renamed and old names, statuses, T-cell epitopes, allele codes,
// its binary form, and every way these files can be bad.
#include <algorithm>
#include <fstream>
#include <set>

#include "allomatch/mac.hpp"
#include "allomatch/nomenclature.hpp"
#include "allomatch/reduce.hpp"
#include "check.hpp"
#include "support.hpp"

using namespace allomatch;

namespace {

constexpr std::string_view kAlleles =
    "HLA1,A*02:01:01:01\nHLA2,A*02:03\nHLA3,A*02:99N\nHLA4,A*23:01\nHLA5,A*24:02\nHLA6,A*24:03\nHLA7,A*24:99\n"
    "HLA8,A*11:01Q\nHLA9,DPB1*01:01\nHLA10,DPB1*02:01\nHLA11,DRB3*01:01\nHLA12,DRB4*01:01\nHLA13,DRB4*01:03N\n"
    "HLA14,A*24:50\n";
constexpr std::string_view kSerology =
    "A*;02:01:01:01;2;;;\nA*;02:03;203;;;\nA*;02:99N;0;;;\nA*;23:01;23;;;\nA*;24:02;?;24;23;\nA*;24:03;;;2403;\n"
    "A*;24:99;;;;9\nA*;11:01Q;;;0/11;\nDPB1*;01:01;?;;;\nDPB1*;02:01;;;;\nDRB3*;01:01;52;;;\nDRB4*;01:01;53;;;\n"
    "DRB4*;01:03N;0;;;\nA*;24:50;?;;;";
constexpr std::string_view kRelations = "A;9;23/24;\nA;2;;203\nA;24;;2403\nBw;4;1/2;";
constexpr std::string_view kDeleted =
    "AlleleID,Allele,Description\nHLA90,A*02:50,Sequence renamed A*02:51 (May 2011)\n"
    "HLA91,A*02:51,Sequence shown to contain errors, and identical to A*02:03 (May 2012)\n"
    "HLA92,A*02:60,Sequence renamed A*02:61\nHLA93,A*02:61,Sequence renamed A*02:60\n"
    "HLA94,A*2470,Sequence shown to belong to A*23 allele group renamed A*23:01 (July 2001)\n"
    "HLA95,A*02:77,Name never assigned\n";
constexpr std::string_view kOld =
    "Current Name   Name as of April 2010\n====  ====\nA*0201    A*02:01:01:01\nA*2410  None\n";
constexpr std::string_view kStatus =
    "Allele,Cells,Groups,Confirmed,Start,End,Partial,Type\nA*02:01:01:01,8,10,Confirmed,1,1098,Full,gDNA\n"
    "A*02:03,8,10,Confirmed,1,1098,Full,cDNA\nA*23:01,8,10,Confirmed,1,619,Partial,gDNA\n";
constexpr std::string_view kTce =
    "Allele,Protein,V1_Assignment,V2_Assignment,Comments\nDPB1*01:01,DPB1*01:01,3,3$,\nDPB1*02:01,DPB1*02:01,2,0,\"a, "
    "b\"\n";
constexpr std::string_view kCodes = "\"LAST UPDATED\"\nCODE\tSUBTYPE\n\nAB\t01/02\nAC\t02:01/24:02\nAD\t03/99N/98\n";

struct Files {
    std::string p = support::completed(kAlleles, "A*;02:01:01:01/24:50;02:01P\n");
    std::string g = support::completed(kAlleles, "A*;02:01:01:01/02:99N;02:01:01G\n");
    [[nodiscard]] ReleaseFiles all() const {
        return {kAlleles, p, g, kDeleted, kStatus, kOld, kSerology, kRelations, kTce};
    }
};

std::shared_ptr<const Nomenclature> made_up() {
    static const Files files;
    return Nomenclature::from_files("9.9.9", files.all(), MacTable::from_text("codes", std::string(kCodes)));
}

std::set<std::string> texts(const Nomenclature& release, Locus locus, std::string_view name) {
    const auto list = release.expand(locus, parse_name(locus, name));
    return {list.begin(), list.end()};
}

using Texts = std::set<std::string>;

}  // namespace

TEST(antigens) {
    const auto release = made_up();
    CHECK(texts(*release, Locus::A, "A2") == (Texts{"A*02:01:01:01", "A*02:03"}));
    CHECK(texts(*release, Locus::A, "A203") == (Texts{"A*02:03"}));
    CHECK(texts(*release, Locus::A, "A9") == (Texts{"A*23:01", "A*24:02", "A*24:03", "A*24:99"}));
    // A split: itself, what is associated with it, and what is known by the broad alone; the first column decides.
    CHECK(texts(*release, Locus::A, "A24") == (Texts{"A*24:02", "A*24:03", "A*24:99"}));
    CHECK(texts(*release, Locus::A, "A23") == (Texts{"A*23:01", "A*24:99"}));
    CHECK(texts(*release, Locus::A, "A11") == (Texts{"A*11:01Q"}));
    CHECK(texts(*release, Locus::DRB3, "DR52") == (Texts{"DRB3*01:01"}));
    CHECK(texts(*release, Locus::DRB345, "DR53") == (Texts{"DRB4*01:01"}));
    CHECK_THROWS(UnknownName, release->expand(Locus::A, parse_name(Locus::A, "A10")));
    CHECK_EQ(release->reduce(Locus::A, parse_name(Locus::A, "24:03"), Level::Serology),
             (std::vector<std::string>{"A2403"}));
    CHECK(release->reduce(Locus::A, parse_name(Locus::A, "24:50"), Level::Serology).empty());
}

TEST(antigens_as_groups) {
    const auto release = made_up();
    const auto groups = [&](std::string_view text) {
        const Name name = parse_name(Locus::A, text);
        const GroupSpace space = release->group_space(Locus::A, std::span(&name, 1), MatchLevel::Antigen);
        GroupBits bits(space.size());
        static_cast<void>(space.add_name(name, bits));
        Texts found;
        for (std::uint32_t g = 0; g < space.size(); ++g) {
            if ((bits.words()[g / 64] >> (g % 64) & 1U) != 0) found.insert(space.group_text(GroupId{g}));
        }
        return found;
    };
    CHECK(groups("02:01:01:01") == (Texts{"A2"}));
    CHECK(groups("02:03") == (Texts{"A2"}));  // an associated antigen shows as the one it is associated with
    CHECK(groups("24:99") == (Texts{"A9", "A23", "A24"}));
    // Without an antigen: that of the number of its first field.
    CHECK(groups("24:50") == (Texts{"A24"}));
    CHECK(groups("02:99N").empty());
}

TEST(names_carried_on) {
    const auto release = made_up();
    const auto now = [&](std::string_view text) {
        return to_text(Locus::A, release->current_name(Locus::A, parse_name(Locus::A, text)));
    };
    CHECK_EQ(now("02:01"), "A*02:01");
    CHECK_EQ(now("02:50"), "A*02:03");
    CHECK_EQ(now("A*0201"), "A*02:01:01:01");
    CHECK_EQ(now("A*0203"), "A*02:03");
    CHECK_EQ(now("A*2470"), "A*23:01");
    CHECK_EQ(now("24:70"), "A*23:01");
    for (const char* none : {"02:60", "02:77", "A*2410", "02:52"}) CHECK_THROWS(UnknownName, now(none));
    const auto codes = [&](std::initializer_list<const char*> given) {
        std::vector<Name> names;
        for (const char* text : given) names.push_back(parse_name(Locus::A, text));
        std::vector<int> found;
        for (const Note& note : release->notes(Locus::A, names)) found.push_back(static_cast<int>(note.code));
        return found;
    };
    CHECK_EQ(codes({"02:01"}), std::vector<int>{});
    CHECK_EQ(codes({"A*0201"}), std::vector<int>{220});
    CHECK_EQ(codes({"02:50"}), std::vector<int>{221});
    CHECK_EQ(codes({"02:01", "02:77"}), std::vector<int>{222});
    CHECK_EQ(codes({"02:AD"}), std::vector<int>{222});
    CHECK_EQ(codes({"02:77"}), std::vector<int>{});  // an error, not a note
}

TEST(codes) {
    const auto release = made_up();
    CHECK(texts(*release, Locus::A, "02:AB") == (Texts{"A*02:01:01:01"}));
    CHECK(texts(*release, Locus::A, "24:AB") == (Texts{"A*24:02"}));
    CHECK(texts(*release, Locus::A, "02:AC") == (Texts{"A*02:01:01:01", "A*24:02"}));
    CHECK(texts(*release, Locus::A, "02:AD") == (Texts{"A*02:03", "A*02:99N"}));
    const auto refused = [&](std::string_view text, std::string_view part) {
        const std::string message = CHECK_THROWS(UnknownName, release->expand(Locus::A, parse_name(Locus::A, text)));
        CHECK(message.find(part) != std::string::npos);
    };
    refused("11:AC", "none of which has the first field");
    refused("23:AD", "which IPD-IMGT/HLA 9.9.9 lacks");
    refused("23:AD", "03/99N/98");
    refused("02:ZZ", "IPD-IMGT/HLA 9.9.9 has no ZZ");
    const Name partly = parse_name(Locus::A, "02:AD");
    const GroupSpace space = release->group_space(Locus::A, std::span(&partly, 1));
    GroupBits bits(space.size());
    CHECK_EQ(space.add_name(partly, bits), Expression::PossiblyNull);
    CHECK_EQ(space.add_name(partly, bits, {Profile::Atlas, Side::Donor}), Expression::Unknown);
}

TEST(files_of_codes) {
    const auto table = MacTable::from_text("alpha", "*\tAB\t01/02\n\tAC\t02:01/03:01N\n");
    CHECK_EQ(table->size(), 2U);
    CHECK(table->members(mac_code("AC")) == "02:01/03:01N");
    CHECK(!table->members(mac_code("AD")));
    for (const char* bad : {"", "no codes here\n", "AB\t01/02\nAB\t03\n", "AB\t01/02\nAC", "AB\t01/02\n1\t02\n",
                            "AB\t01/02\nAC\tx\n", "AB\t01/00\n", "AB\t01:00\n", "AB\t00:01\n", "AB\t044\n"}) {
        CHECK_THROWS(BadReleaseFile, MacTable::from_text("bad", bad));
    }
}

TEST(binary_form_of_codes) {
    const std::string text = "AB\t01/02\nAC\t02:01/03:01N\n";
    const std::string bytes = MacTable::from_text("codes", text)->to_cache();
    const support::Folder folder;
    const auto open = [&](std::string_view content) {
        const auto path = folder / "codes.mac";
        std::ofstream(path, std::ios::binary) << content;
        return MacTable::from_cache(path);
    };
    const auto table = open(bytes);
    CHECK(table != nullptr);
    CHECK_EQ(table->size(), 2U);
    CHECK(table->members(mac_code("AC")) == "02:01/03:01N");
    CHECK(!table->members(mac_code("AD")));
    CHECK_EQ(table->to_cache(), bytes);
    for (std::size_t cut = 0; cut < bytes.size(); ++cut) CHECK(open(bytes.substr(0, cut)) == nullptr);
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ 4);
        CHECK(open(damaged) == nullptr);
    }
    CHECK_THROWS(FileNotFound, MacTable::from_cache(folder / "none.mac"));
}

TEST(facts_of_alleles) {
    const auto release = made_up();
    const auto facts = [&](Locus locus, std::string_view text) {
        return release->allele(locus, release->members(locus, parse_name(locus, text)).at(0));
    };
    CHECK(facts(Locus::A, "02:01:01:01").full_gdna);
    CHECK(!facts(Locus::A, "02:03").full_gdna);
    CHECK(!facts(Locus::A, "23:01").full_gdna);
    CHECK_EQ(facts(Locus::DPB1, "01:01").tce, 3);
    CHECK_EQ(facts(Locus::DPB1, "02:01").tce, 0);
    CHECK(facts(Locus::A, "02:01:01:01").p_group == facts(Locus::A, "24:50").p_group);
    CHECK(!facts(Locus::A, "23:01").p_group);
    CHECK(facts(Locus::A, "02:99N").null());
    CHECK_EQ(release->antigen(Locus::A, *release->find_antigen(Locus::A, 9)).splits.size(), 2U);
    CHECK_EQ(release->members(Locus::DRB345, parse_name(Locus::DRB345, "DRB4*01:XX")).size(), 2U);
    CHECK_EQ(release->members(Locus::A, parse_name(Locus::A, "02:01g")).size(), 3U);  // with 24:50 and the null
}

TEST(binary_form) {
    const auto release = made_up();
    const std::string bytes = release->to_cache("stamp");
    const auto open = [](std::string_view content, std::string_view stamp) {
        return Nomenclature::from_cache(std::as_bytes(std::span(content)), stamp,
                                        MacTable::from_text("codes", std::string(kCodes)));
    };
    const auto again = open(bytes, "stamp");
    CHECK(again != nullptr);
    CHECK_EQ(again->release(), "9.9.9");
    CHECK_EQ(again->to_cache("stamp"), bytes);
    for (const char* text : {"A2", "A9", "02:AC", "A*0201", "02:50", "02:01g", "02:XX"}) {
        CHECK(texts(*again, Locus::A, text) == texts(*release, Locus::A, text));
    }
    CHECK(open(bytes, "another") == nullptr);
    for (std::size_t cut = 0; cut < bytes.size(); cut += 7) CHECK(open(bytes.substr(0, cut), "stamp") == nullptr);
    for (std::size_t at = 0; at < bytes.size(); at += 13) {
        std::string damaged = bytes;
        damaged[at] = static_cast<char>(damaged[at] ^ 4);
        CHECK(open(damaged, "stamp") == nullptr);
    }
}

TEST(bad_files) {
    static const Files files;
    const auto with = [&](std::string_view ReleaseFiles::* which, std::string_view content) {
        ReleaseFiles all = files.all();
        all.*which = content;
        return CHECK_THROWS(BadReleaseFile, Nomenclature::from_files("9.9.9", all));
    };
    with(&ReleaseFiles::dna_serology, "A*;02:01:01:01;2;;;\n");  // cut short
    with(&ReleaseFiles::dna_serology, "A*;77:01;2;;;\n");
    with(&ReleaseFiles::dna_serology, "A*;02:01:01:01;x;;;\n");
    with(&ReleaseFiles::dna_serology, "A*;02:01:01:01;2\n");
    with(&ReleaseFiles::serology_relations, "A;9;23/x;\n");
    with(&ReleaseFiles::status, "A*02:01\n");
    with(&ReleaseFiles::tce, "DPB1*01:01,DPB1*01:01,3,9,\n");
    with(&ReleaseFiles::tce, "A*02:01:01:01,A*02:01,3,3,\n");
    with(&ReleaseFiles::deleted, "HLA90,A*02:50\n");
    with(&ReleaseFiles::deleted, "# version: IPD-IMGT/HLA 1.0.0\nHLA90,A*02:50,renamed A*02:51\n");
    ReleaseFiles without = files.all();
    without.dna_serology = {};
    const auto release = Nomenclature::from_files("9.9.9", without);
    const std::string message = CHECK_THROWS(UnknownName, release->expand(Locus::A, parse_name(Locus::A, "A2")));
    CHECK(message.find("rel_dna_ser.txt") != std::string::npos);
}

TEST(an_allele_not_yet_named) {
    const auto release = made_up();
    const std::vector<Name> names = {parse_name(Locus::A, "02:NEW"), parse_name(Locus::A, "11:NEW"),
                                     parse_name(Locus::A, "A*NEW"), parse_name(Locus::A, "02:XX")};
    const GroupSpace space = release->group_space(Locus::A, names);
    const auto bits = [&](const Name& name, const Reading& reading = {}) {
        GroupBits found(space.size());
        CHECK(space.add_name(name, found, reading) != Expression::Unknown);
        const auto words = found.words();
        return std::vector<std::uint64_t>(words.begin(), words.end());
    };
    const auto meet = [](const auto& a, const auto& b) {
        for (std::size_t w = 0; w < a.size(); ++w) {
            if ((a[w] & b[w]) != 0) return true;
        }
        return false;
    };
    CHECK(meet(bits(names[0]), bits(names[3])));
    CHECK(!meet(bits(names[0]), bits(names[1])));
    CHECK(meet(bits(names[0]), bits(names[2])));
    CHECK(bits(names[0]) != bits(names[3]));
    const Reading donor{Profile::Atlas, Side::Donor};
    const Reading patient{Profile::Atlas, Side::Patient};
    CHECK(!meet(bits(names[0], patient), bits(names[0], donor)));
    CHECK(!meet(bits(names[2], patient), bits(names[3], donor)));
    CHECK(!release->group_space(Locus::A, {}).covers(names[0]));
    CHECK(space.covers(names[0]));
    CHECK(!release->knows(Locus::A, parse_name(Locus::A, "77:NEW")));
}

TEST(columns) {
    const auto release = made_up();
    const auto reduced = [&](std::string_view text, Level level) {
        std::string out;
        append_reduced_gl(out, *release, text, level);
        return out;
    };
    CHECK_EQ(reduced("A*02:01:01:01", Level::Ard), "A*02:01P");
    CHECK_EQ(reduced("A*24:02/23:01+A2", Level::TwoField), "A*02:01/A*02:03+A*23:01/A*24:02");
    CHECK_EQ(reduced("A*24:02+A*02:01:01:01|A*02:01+A*24:02", Level::TwoField), "A*02:01+A*24:02");
    CHECK_EQ(reduced("DRB4*01:01+DRB3*01:01^A*02:03", Level::FirstField), "A*02+A*02^DRB3*01+DRB4*01");
    CHECK_THROWS(UnknownName, reduced("A*77:01+A*02:03", Level::Ard));
    CHECK_THROWS(MalformedTyping, reduced("2", Level::Ard));
}

TEST(places_of_alleles) {
    // Second fields without a gap, with gaps, and far behind the others; more names than a word of bits has.
    std::string alleles = "HLA1,A*02:01:01:01\nHLA2,A*02:01:02\nHLA3,A*02:05\nHLA4,A*02:9998\nHLA5,A*02:9999N\n";
    std::string joined;
    for (int second = 1; second <= 150; ++second) {
        const std::string name = (second < 10 ? "A*30:0" : "A*30:") + std::to_string(second);
        alleles += "HLA" + std::to_string(100 + second) + "," + name + "\n";
        joined += (second > 1 ? "/" : "") + name;
    }
    const auto release = support::small_release(alleles, "", "");
    CHECK(texts(*release, Locus::A, "02:01") == (Texts{"A*02:01:01:01", "A*02:01:02"}));
    CHECK(texts(*release, Locus::A, "02:01:02") == (Texts{"A*02:01:02"}));
    CHECK(texts(*release, Locus::A, "02:05") == (Texts{"A*02:05"}));
    CHECK(texts(*release, Locus::A, "02:9998") == (Texts{"A*02:9998"}));
    CHECK(texts(*release, Locus::A, "02:9999N") == (Texts{"A*02:9999N"}));
    CHECK_EQ(texts(*release, Locus::A, "02:XX").size(), 5U);
    CHECK_EQ(texts(*release, Locus::A, "30:XX").size(), 150U);
    for (const char* unknown : {"02:02", "02:04", "02:06", "02:100", "02:9997", "03:01", "29:XX", "31:01", "9999:01"})
        CHECK(!release->knows(Locus::A, parse_name(Locus::A, unknown)));
    for (const Level level : {Level::TwoField, Level::PGroup}) {
        std::string text;
        append_reduced_gl(text, *release, "A*30:XX", level);
        CHECK_EQ(text, joined);
    }
    // A cut name outside any group stays as given; the same beside a full name, in order.
    std::string text;
    append_reduced_gl(text, *release, "A*30:01/A*02:01:02/A*02:01", Level::GGroup);
    CHECK_EQ(text, "A*02:01/A*02:01:02/A*30:01");
}
