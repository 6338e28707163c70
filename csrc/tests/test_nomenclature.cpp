// Nomenclature: names as syntax, the tables of a small made-up release, every way a release file can be bad, and the
// world without any data.
#include <algorithm>
#include <random>
#include <set>

#include "allomatch/nomenclature.hpp"
#include "check.hpp"

using namespace allomatch;

namespace {

bool says(const std::string& message, std::string_view part) {
    return message.find(part) != std::string::npos;
}

// The shapes of the real files, with alleles that are real where the rules need them and made up elsewhere.
constexpr std::string_view kAlleles =
    "# file: Allelelist.txt\n"
    "# version: IPD-IMGT/HLA 0.0.1\n"
    "AlleleID,Allele\n"
    "HLA00001,A*01:01:01:01\n"
    "HLA00002,A*01:01:01:02N\n"
    "HLA00003,A*01:01:02\n"
    "HLA00004,A*01:02:01\n"
    "HLA00005,A*01:04:01:01N\n"
    "HLA00006,A*01:11N\n"
    "HLA00007,A*01:32\n"
    "HLA00008,A*02:01:01:01\n"
    "HLA00009,A*02:01:01:02L\n"
    "HLA00010,A*02:105\n"
    "HLA00011,A*02:125N\n"
    "HLA00012,A*02:30\n"
    "HLA00013,A*100:01\n"
    "HLA00014,B*07:02:01\n"
    "HLA00015,E*01:01:01\n"
    "HLA00016,DRB1*04:01Q\n";
constexpr std::string_view kPGroups =
    "# file: hla_nom_p.txt\n"
    "A*;01:01:01:01/01:01:02/01:32;01:01P\n"
    "A*;01:02:01;\n"
    "A*;02:01:01:01/02:01:01:02L/02:105;02:01P\n"
    "A*;02:30;\n"
    "A*;100:01;\n"
    "B*;07:02:01;\n"
    "DRB1*;04:01Q;\n"
    "E*;01:01:01;01:01P\n";
constexpr std::string_view kGGroups =
    "# file: hla_nom_g.txt\n"
    "A*;01:01:01:01/01:01:01:02N/01:04:01:01N/01:32;01:01:01G\n"
    "A*;01:01:02;\n"
    "A*;01:02:01;\n"
    "A*;02:01:01:01/02:01:01:02L;02:01:01G\n"
    "A*;02:105;\n"
    "A*;02:30;\n"
    "A*;100:01;\n"
    "B*;07:02:01;\n"
    "DRB1*;04:01Q;\n";

std::shared_ptr<const Nomenclature> tiny() {
    return Nomenclature::from_files("0.0.1", {kAlleles, kPGroups, kGGroups});
}

Name a(std::string_view text) {
    return parse_name(Locus::A, text);
}

using Texts = std::vector<std::string>;

struct Added {
    Expression expression;
    std::set<std::string> groups;
    bool operator==(const Added&) const = default;
};

Added added(const GroupSpace& space, const Name& name) {
    GroupBits bits(space.size());
    const Expression expression = space.add_name(name, bits);
    Added result{expression, {}};
    for (std::uint32_t g = 0; g < bits.words().size() * 64; ++g) {
        if ((bits.words()[g / 64] >> (g % 64) & 1U) == 0) continue;
        CHECK(g < space.size());
        result.groups.insert(space.group_text(GroupId{g}));
    }
    return result;
}

}  // namespace

TEST(loci) {
    for (std::size_t l = 0; l < kLocusCount; ++l) {
        const auto locus = static_cast<Locus>(l);
        CHECK(find_locus(locus_name(locus)) == locus);
        std::string lower(locus_name(locus));
        for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        CHECK(find_locus(lower) == locus);
    }
    for (const char* bad : {"", "E", "DRB", "DRB2", "A ", "HLA-A", "AA"}) {
        CHECK(!find_locus(bad));
        CHECK(says(CHECK_THROWS(UnknownLocus, require_locus(bad)), "use one of A, B, C"));
    }
    CHECK(locus_said("HLA-DRB1*04:01") == Locus::DRB1);
    CHECK(locus_said("hla-A*") == Locus::A);
    CHECK(!locus_said("02:01"));
}

TEST(names) {
    struct Case {
        const char* given;
        const char* text;
        NameKind kind;
        std::size_t fields;
    };
    const std::vector<Case> cases = {
        {"02:01", "A*02:01", NameKind::Allele, 2},
        {"A*02:01", "A*02:01", NameKind::Allele, 2},
        {"hla-a*02:01", "A*02:01", NameKind::Allele, 2},
        {"\t HLA-A*02:01:01 ", "A*02:01:01", NameKind::Allele, 3},
        {"A*02:01:01:02L", "A*02:01:01:02L", NameKind::Allele, 4},
        {"A*02:01:01:02l", "A*02:01:01:02L", NameKind::Allele, 4},
        {"01:11n", "A*01:11N", NameKind::Allele, 2},
        {"01:11S", "A*01:11S", NameKind::Allele, 2},
        {"01:11C", "A*01:11C", NameKind::Allele, 2},
        {"01:11A", "A*01:11A", NameKind::Allele, 2},
        {"01:11Q", "A*01:11Q", NameKind::Allele, 2},
        {"A*01:01:01G", "A*01:01:01G", NameKind::GGroup, 3},
        {"A*01:01:01g", "A*01:01:01G", NameKind::GGroup, 3},
        {"A*01:01P", "A*01:01P", NameKind::PGroup, 2},
        {"A*01:01p", "A*01:01P", NameKind::PGroup, 2},
        {"A*02:XX", "A*02:XX", NameKind::XxCode, 1},
        {"A*02:xx", "A*02:XX", NameKind::XxCode, 1},
        {"A*100:1000:99:01", "A*100:1000:99:01", NameKind::Allele, 4},
        {"9999:9999:9999:9999", "A*9999:9999:9999:9999", NameKind::Allele, 4},
    };
    for (const Case& each : cases) {
        const Name name = a(each.given);
        CHECK_EQ(to_text(Locus::A, name), each.text);
        CHECK(name.kind == each.kind);
        CHECK_EQ(name.field_count(), each.fields);
    }
    CHECK_EQ(a("01:11N").suffix, 'N');
    CHECK_EQ(a("01:11").suffix, 0);
}

TEST(malformed_names) {
    for (const char* bad :
         {"",         " ",         "A*",      "HLA-A*",   "*02:01", "HLA-02:01", "B*02:01",        "A02:01",
          "02",       "02:",       ":02",     "02::01",   "2:01",   "02:1",      "02:01:01:01:01", "02:00",
          "00:01",    "02:001",    "002:01",  "02:10000", "02:01X", "02:01M",    "02:01NN",        "02:X",
          "02:XX:01", "XX",        "02:01 N", "02:01/02", "02:01+", "02:-1",     "02:01:01:01G",   "02:01:01P",
          "02P",      "A*A*02:01", "N",       "G"}) {
        const std::string message = CHECK_THROWS(MalformedTyping, parse_name(Locus::A, bad));
        CHECK(says(message, "at locus A"));
        CHECK(says(message, "expected for example 02:01"));
    }
    CHECK(says(CHECK_THROWS(MalformedTyping, a("02:O1")), "'02:O1'"));
    CHECK(says(CHECK_THROWS(MalformedTyping, a("B*02:01")), "another locus"));
    const std::string nul("02:01\0", 6);
    CHECK(says(CHECK_THROWS(MalformedTyping, a(nul)), "'02:01\\x00'"));

    CHECK(parse_name_with_locus(" HLA-DRB1*04:01 ").locus == Locus::DRB1);
    CHECK(says(CHECK_THROWS(MalformedTyping, parse_name_with_locus("04:01")), "names no locus"));
    CHECK_THROWS(UnknownLocus, parse_name_with_locus("DRB2*04:01"));
    CHECK_THROWS(MalformedTyping, parse_name_with_locus("DRB1*04"));
}

TEST(names_read_back) {
    std::mt19937 random(7);
    constexpr std::string_view kSuffix = "NLSCAQ";
    for (int round = 0; round < 5000; ++round) {
        Name name;
        name.kind = static_cast<NameKind>(random() % 4);
        const std::size_t fields = name.kind == NameKind::XxCode   ? 1
                                   : name.kind == NameKind::PGroup ? 2
                                   : name.kind == NameKind::GGroup ? 3
                                                                   : 2 + random() % 3;
        for (std::size_t f = 0; f < fields; ++f)
            name.fields[f] = static_cast<std::uint16_t>(1 + random() % (random() % 2 == 0 ? 99 : 9999));
        if (name.kind == NameKind::Allele && random() % 2 == 0) name.suffix = kSuffix[random() % kSuffix.size()];
        const auto locus = static_cast<Locus>(random() % kLocusCount);
        if (locus == Locus::DRB345) name.gene = static_cast<std::uint16_t>(3 + random() % 3);
        CHECK(parse_name(locus, to_text(locus, name)) == name);
        if (locus == Locus::DRB345) continue;  // alone, a name of DRB3 is of the locus DRB3
        const NameAtLocus read = parse_name_with_locus(to_text(locus, name));
        CHECK(read.locus == locus && read.name == name);
    }
}

TEST(shown_values) {
    CHECK_EQ(shown("A*02:01"), "'A*02:01'");
    CHECK_EQ(shown(std::string_view("a\n\x1b\0\xff", 5)), "'a\\x0a\\x1b\\x00\\xff'");
    // Text stays text, in whole characters; a control character is one in any encoding.
    CHECK_EQ(shown("Caf\xc3\xa9"), "'Caf\xc3\xa9'");
    CHECK_EQ(shown("Caf\xe9"), "'Caf\\xe9'");
    CHECK_EQ(shown("\xc2\x9b"
                   "31m"),
             "'\\xc2\\x9b31m'");
    CHECK_EQ(shown(std::string(79, 'x').append("\xc3\xa9")), shown(std::string(79, 'x')).insert(80, "..."));
    const std::string longest(80, 'x');
    CHECK_EQ(shown(longest).size(), 82U);
    CHECK(says(shown(longest + "x"), longest + "...'"));
    CHECK_EQ(shown(std::string(100'000, 'x')).size(), 85U);
}

TEST(release) {
    const auto release = tiny();
    CHECK_EQ(release->release(), "0.0.1");
    CHECK_EQ(release->allele_count(), 15U);  // HLA-E is listed, but not matched
    CHECK(release->has_data());

    // What each form stands for. Nulls are meant by a name that says so, by an XX code and by a G group only.
    CHECK_EQ(release->expand(Locus::A, a("01:01")), (Texts{"A*01:01:01:01", "A*01:01:02"}));
    CHECK_EQ(release->expand(Locus::A, a("01:01:01")), (Texts{"A*01:01:01:01"}));
    CHECK_EQ(release->expand(Locus::A, a("01:01N")), (Texts{"A*01:01:01:02N"}));
    CHECK_EQ(release->expand(Locus::A, a("01:11N")), (Texts{"A*01:11N"}));
    CHECK_EQ(release->expand(Locus::A, a("02:01")), (Texts{"A*02:01:01:01", "A*02:01:01:02L"}));
    CHECK_EQ(release->expand(Locus::A, a("02:01L")), (Texts{"A*02:01:01:02L"}));
    CHECK_EQ(release->expand(Locus::A, a("02:XX")),
             (Texts{"A*02:01:01:01", "A*02:01:01:02L", "A*02:30", "A*02:105", "A*02:125N"}));
    CHECK_EQ(release->expand(Locus::A, a("01:01P")), (Texts{"A*01:01:01:01", "A*01:01:02", "A*01:32"}));
    CHECK_EQ(release->expand(Locus::A, a("01:01:01G")),
             (Texts{"A*01:01:01:01", "A*01:01:01:02N", "A*01:04:01:01N", "A*01:32"}));
    CHECK_EQ(release->expand(Locus::DRB1, parse_name(Locus::DRB1, "04:01")), (Texts{"DRB1*04:01Q"}));
    CHECK_EQ(release->expand(Locus::A, a("100:01")), (Texts{"A*100:01"}));

    CHECK(release->is_null(Locus::A, a("01:11N")));
    CHECK(release->is_null(Locus::A, a("01:01N")));
    CHECK(!release->is_null(Locus::A, a("01:01")));
    CHECK(!release->is_null(Locus::A, a("01:01:01G")));
    CHECK(!release->is_null(Locus::A, a("01:XX")));
    CHECK(!release->is_null(Locus::A, a("02:01L")));

    for (const char* known :
         {"01:01", "01:01:01", "01:01:01:01", "01:32", "01:XX", "01:01P", "01:01:01G", "01:11N", "100:XX"}) {
        CHECK(release->knows(Locus::A, a(known)));
    }
    for (const char* unknown : {"01:03", "01:01:03", "01:01:01:03", "01:32:01", "01:11", "01:01S", "03:XX", "01:02P",
                                "01:02:01G", "100:02", "01:01:01:01N"}) {
        CHECK(!release->knows(Locus::A, a(unknown)));
        const std::string message = CHECK_THROWS(UnknownName, release->expand(Locus::A, a(unknown)));
        CHECK(says(message, shown("A*" + std::string(unknown))));
        CHECK(says(message, "locus A"));
        CHECK(says(message, "0.0.1"));
        CHECK_THROWS(UnknownName, release->is_null(Locus::A, a(unknown)));
        for (const Level level : {Level::Ard, Level::PGroup, Level::GGroup, Level::TwoField, Level::FirstField}) {
            CHECK_THROWS(UnknownName, release->reduce(Locus::A, a(unknown), level));
        }
    }
    CHECK(says(CHECK_THROWS(UnknownName, release->expand(Locus::A, a("01:11"))), "it has A*01:11N"));
    CHECK(!release->knows(Locus::DQA1, parse_name(Locus::DQA1, "01:01")));
}

TEST(reductions) {
    const auto release = tiny();
    const auto reduced = [&](std::string_view name, Level level) { return release->reduce(Locus::A, a(name), level); };
    CHECK_EQ(reduced("01:32", Level::Ard), (Texts{"A*01:01P"}));
    CHECK_EQ(reduced("01:32", Level::PGroup), (Texts{"A*01:01P"}));
    CHECK_EQ(reduced("01:32", Level::GGroup), (Texts{"A*01:01:01G"}));
    CHECK_EQ(reduced("01:32", Level::TwoField), (Texts{"A*01:32"}));
    CHECK_EQ(reduced("01:32", Level::FirstField), (Texts{"A*01"}));
    // Outside any group: ARD is the first two fields, P and G are the name itself.
    CHECK_EQ(reduced("01:02:01", Level::Ard), (Texts{"A*01:02"}));
    CHECK_EQ(reduced("01:02:01", Level::PGroup), (Texts{"A*01:02:01"}));
    CHECK_EQ(reduced("01:02", Level::PGroup), (Texts{"A*01:02"}));
    // Members that differ give several.
    CHECK_EQ(reduced("02:XX", Level::Ard), (Texts{"A*02:01P", "A*02:30", "A*02:125N"}));
    CHECK_EQ(reduced("01:01", Level::GGroup), (Texts{"A*01:01", "A*01:01:01G"}));
    CHECK_EQ(reduced("01:11N", Level::TwoField), (Texts{"A*01:11N"}));
    CHECK_EQ(reduced("02:01L", Level::TwoField), (Texts{"A*02:01"}));
    CHECK_EQ(reduced("100:XX", Level::FirstField), (Texts{"A*100"}));
}

TEST(groups_of_a_release) {
    const auto release = tiny();
    const GroupSpace space = release->group_space(Locus::A, {});
    // 01:01P, 01:02, 02:01P, 02:30, 100:01 and the unnamed.
    CHECK_EQ(space.size(), 5 + GroupSpace::kUnnamed);
    CHECK(added(space, a("01:01")) == (Added{Expression::Expressed, {"A*01:01P"}}));
    CHECK(added(space, a("01:32")) == (Added{Expression::Expressed, {"A*01:01P"}}));
    CHECK(added(space, a("01:01P")) == (Added{Expression::Expressed, {"A*01:01P"}}));
    CHECK(added(space, a("01:01:01G")) == (Added{Expression::PossiblyNull, {"A*01:01P"}}));
    CHECK(added(space, a("02:01:01G")) == (Added{Expression::Expressed, {"A*02:01P"}}));
    CHECK(added(space, a("02:XX")) == (Added{Expression::PossiblyNull, {"A*02:01P", "A*02:30"}}));
    CHECK(added(space, a("01:11N")) == (Added{Expression::Null, {}}));
    CHECK(added(space, a("01:03")) == (Added{Expression::Unknown, {}}));
    CHECK(added(space, a("03:XX")) == (Added{Expression::Unknown, {}}));
    CHECK(added(space, a("01:02P")) == (Added{Expression::Unknown, {}}));
    CHECK(space.covers(a("77:77")));
    CHECK_EQ(space.group_text(GroupId{static_cast<std::uint32_t>(space.size() - 1)}), "an allele not yet named");
    // A locus that the release has no allele of.
    CHECK_EQ(release->group_space(Locus::DPB1, {}).size(), GroupSpace::kUnnamed);
}

TEST(release_files_as_they_come) {
    // Carriage returns, blank lines.
    const auto crlf = [](std::string_view text) {
        std::string result;
        for (const char c : text) result += c == '\n' ? std::string("\r\n") : std::string(1, c);
        return result;
    };
    const std::string alleles = crlf(kAlleles);
    const std::string p = crlf(kPGroups) + "\r\n";
    const std::string g = crlf(kGGroups);
    const auto release = Nomenclature::from_files("0.0.1", {alleles, p, g});
    CHECK_EQ(release->allele_count(), 15U);
    CHECK_EQ(release->expand(Locus::A, a("02:01:01G")), (Texts{"A*02:01:01:01", "A*02:01:01:02L"}));
}

TEST(bad_release_files) {
    const auto message_of = [](std::string_view alleles, std::string_view p, std::string_view g) {
        return CHECK_THROWS(BadReleaseFile, Nomenclature::from_files("0.0.1", {alleles, p, g}));
    };
    CHECK(says(message_of("", kPGroups, kGGroups), "Allelelist.txt is empty"));
    CHECK(says(message_of(kAlleles, "", kGGroups), "hla_nom_p.txt is empty"));
    CHECK(says(message_of(kAlleles, kPGroups, ""), "hla_nom_g.txt is empty"));

    const std::string start(kAlleles);
    for (const char* bad : {"A*01:05\n", "HLA1;A*01:05\n", "HLA1,01:05\n", "HLA1,A*01:05X\n", "HLA1,A*5\n", "HLA1,A*\n",
                            "HLA1,A*01:05,x\n", "HLA1,\n", " \n", "<html>\n"}) {
        const std::string message = message_of(start + bad, kPGroups, kGGroups);
        CHECK(says(message, "Allelelist.txt:20: "));
        CHECK(says(message, "fetch the release file again"));
    }
    CHECK(says(message_of("AlleleID,Allele\nHLA1,E*01:01\n", "#\n", "#\n"), "lists no HLA allele"));
    CHECK(says(message_of("# nothing\n", "#\n", "#\n"), "lists no HLA allele"));

    const std::vector<const char*> bad_lines = {
        "A*01:01:01:01\n",                // no semicolon
        "A*;01:01:01:01\n",               // one
        ";01:01:01:01;01:01P\n",          // no locus
        "A*;01:01:01:01/09:09;01:01P\n",  // a member that the allele list lacks
        "A*;01:01:01;01:01P\n",           // a cut of one is not a member either
        "A*;01:01:01:01/;01:01P\n",       // an empty member
        "A*;;01:01P\n",                   // no member
        "A*;xyz;01:01P\n",                // not a name
        "A*;B*07:02:01;01:01P\n",         // of another locus
        "A*;01:01:01:01;01P\n",           // not a group name
        "A*;01:01:01:01;01:01P;x\n",      // one semicolon too many
    };
    for (const char* bad : bad_lines) {
        CHECK(says(message_of(kAlleles, std::string(kPGroups) + bad, kGGroups), "hla_nom_p.txt:10: "));
        CHECK(says(message_of(kAlleles, kPGroups, std::string(kGGroups) + bad), "hla_nom_g.txt:11: "));
    }
    // A whole web page instead of a file.
    const std::string_view page = "<!DOCTYPE html>\n<html><body>404</body></html>\n";
    message_of(page, kPGroups, kGGroups);
    message_of(kAlleles, page, kGGroups);
    message_of(kAlleles, kPGroups, page);
}

TEST(release_files_that_were_cut_short) {
    const auto cut = [](std::string_view text) { return text.substr(0, text.size() - 1); };
    const auto message_of = [](std::string_view alleles, std::string_view p, std::string_view g) {
        return CHECK_THROWS(BadReleaseFile, Nomenclature::from_files("0.0.1", {alleles, p, g}));
    };
    CHECK(says(message_of(cut(kAlleles), kPGroups, kGGroups), "Allelelist.txt ends in the middle of a line"));
    CHECK(says(message_of(kAlleles, cut(kPGroups), kGGroups), "hla_nom_p.txt ends in the middle of a line"));
    CHECK(says(message_of(kAlleles, kPGroups, cut(kGGroups)), "hla_nom_g.txt ends in the middle of a line"));
    // Between two lines nothing tells but the alleles without a line. Nulls need none.
    for (const bool in_p : {true, false}) {
        std::string p(kPGroups);
        std::string g(kGGroups);
        std::string& file = in_p ? p : g;
        const std::string_view line = "A*;02:30;\n";
        file.erase(file.find(line), line.size());
        const std::string message = message_of(kAlleles, p, g);
        CHECK(says(message, in_p ? "hla_nom_p.txt lacks 1 of the " : "hla_nom_g.txt lacks 1 of the "));
        CHECK(says(message, "the first is A*02:30"));
    }
    CHECK(says(message_of(kAlleles, "#\n", kGGroups), "hla_nom_p.txt lacks 11 of the 11 "));
    // One in a thousand may be missing: a few real releases are like that.
    std::string alleles;
    std::string groups;
    for (int i = 0; i < 1000; ++i) {
        const std::string name = std::to_string(1000 + i);
        alleles.append("1,A*09:").append(name).append("\n");
        if (i > 0) groups.append("A*;09:").append(name).append(";\n");
    }
    CHECK_EQ(Nomenclature::from_files("0.0.1", {alleles, groups, groups})->allele_count(), 1000U);
    groups.erase(0, groups.find('\n') + 1);
    CHECK(says(message_of(alleles, groups, groups), "lacks 2 of the 1000"));
}

TEST(release_files_of_another_release) {
    const std::string other = "# version: IPD-IMGT/HLA 3.58.0\r\n";
    const std::string p = other + std::string(kPGroups);
    const std::string g = other + std::string(kGGroups);
    for (const ReleaseFiles& files : {ReleaseFiles{kAlleles, p, kGGroups}, ReleaseFiles{kAlleles, kPGroups, g}}) {
        const std::string message = CHECK_THROWS(BadReleaseFile, Nomenclature::from_files("0.0.1", files));
        CHECK(says(message, "is of release '3.58.0', not of '0.0.1'"));
    }
    CHECK(says(CHECK_THROWS(BadReleaseFile, Nomenclature::from_files("0.0.2", {kAlleles, kPGroups, kGGroups})),
               "Allelelist.txt is of release '0.0.1'"));
}

TEST(p_groups_without_expressed_members) {
    // A group of nulls only, and one whose members another line claims as well: no ARD group belongs to either.
    for (const char* line : {"A*;01:11N;01:11P\n", "A*;01:01:01:01/01:01:02/01:32;09:09P\n"}) {
        try {
            const auto release = Nomenclature::from_files("0.0.1", {kAlleles, std::string(kPGroups) + line, kGGroups});
            for (const char* group : {"01:11P", "01:01P", "09:09P"}) {
                if (!release->knows(Locus::A, a(group))) continue;
                CHECK(!added(release->group_space(Locus::A, {}), a(group)).groups.empty());
            }
        } catch (const Error& error) {
            CHECK(error.code() == ErrorCode::BadReleaseFile);
        }
    }
}

TEST(files_in_the_wrong_place) {
    // Each of the group files given as the other: the groups would be the wrong ones, silently.
    CHECK_THROWS(BadReleaseFile, Nomenclature::from_files("0.0.1", {kAlleles, kGGroups, kPGroups}));
    CHECK_THROWS(BadReleaseFile, Nomenclature::from_files("0.0.1", {kAlleles, "A*;01:01:01:01;01:01\n", kGGroups}));
}

TEST(open_world) {
    const auto world = Nomenclature::two_field();
    CHECK_EQ(world->release(), "two-field");
    CHECK(!world->has_data());
    CHECK_EQ(world->allele_count(), 0U);
    CHECK(world->knows(Locus::A, a("77:77:77:77")));
    CHECK(world->is_null(Locus::A, a("77:77N")));
    CHECK(!world->is_null(Locus::A, a("77:XX")));
    CHECK_EQ(world->expand(Locus::A, a("02:XX")), (Texts{"A*02:XX"}));
    CHECK_EQ(world->reduce(Locus::A, a("02:01:01:02L"), Level::Ard), (Texts{"A*02:01"}));
    CHECK_EQ(world->reduce(Locus::A, a("01:11N"), Level::TwoField), (Texts{"A*01:11N"}));
    CHECK_EQ(world->reduce(Locus::A, a("02:01:01G"), Level::Ard), (Texts{"A*02:01"}));
    CHECK_EQ(world->reduce(Locus::A, a("02:01:01G"), Level::GGroup), (Texts{"A*02:01:01G"}));
    CHECK_EQ(world->reduce(Locus::A, a("02:XX"), Level::Ard), (Texts{"A*02:XX"}));
    CHECK_EQ(world->reduce(Locus::A, a("102:01"), Level::FirstField), (Texts{"A*102"}));

    std::vector<Name> names;
    for (const char* text : {"02:01:01:01", "02:01P", "02:06", "03:XX", "01:11N", "04:01:01G"})
        names.push_back(a(text));
    const GroupSpace space = world->group_space(Locus::A, names);
    // 02:01, 02:06, 04:01, four more of each of the first fields 02 to 04, and four of none.
    CHECK_EQ(space.size(), 3 + 3 * GroupSpace::kUnnamed + GroupSpace::kUnnamed);
    CHECK(added(space, names[0]) == (Added{Expression::Expressed, {"A*02:01"}}));
    CHECK(added(space, names[0]) == added(space, a("02:01")));
    CHECK(added(space, names[1]) == added(space, a("02:01")));
    CHECK(added(space, names[5]) == (Added{Expression::Expressed, {"A*04:01"}}));
    CHECK(added(space, names[4]) == (Added{Expression::Null, {}}));
    CHECK(added(space, a("02:XX")) == (Added{Expression::PossiblyNull, {"A*02:01", "A*02:06", "A*02:XX (unnamed)"}}));
    CHECK(added(space, names[3]) == (Added{Expression::PossiblyNull, {"A*03:XX (unnamed)"}}));
    // The unnamed are really several.
    GroupBits bits(space.size());
    static_cast<void>(space.add_name(names[3], bits));
    int count = 0;
    for (std::uint64_t word : bits.words()) {
        for (; word != 0; word &= word - 1) ++count;
    }
    CHECK_EQ(count, static_cast<int>(GroupSpace::kUnnamed));

    for (const Name& name : names) CHECK(space.covers(name));
    for (const char* covered : {"02:XX", "02:06:01", "04:XX", "99:99N", "04:01"}) CHECK(space.covers(a(covered)));
    CHECK(space.covers(a("02:01:01G")));
    for (const char* outside : {"02:02", "03:01", "01:11", "01:XX", "05:XX", "04:02"}) CHECK(!space.covers(a(outside)));
    CHECK_EQ(world->group_space(Locus::A, {}).size(), GroupSpace::kUnnamed);
    // Extremes of a field: the unnamed keys of one first field must not run into the next.
    const std::vector<Name> extreme = {a("9999:9999"), a("9998:XX")};
    const GroupSpace edge = world->group_space(Locus::A, extreme);
    CHECK(added(edge, a("9998:XX")) == (Added{Expression::PossiblyNull, {"A*9998:XX (unnamed)"}}));
    CHECK(added(edge, a("9999:XX")) == (Added{Expression::PossiblyNull, {"A*9999:9999", "A*9999:XX (unnamed)"}}));
}
