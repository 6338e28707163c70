// Names as syntax: every form, read and written, at the loci where it can be; and allele codes as numbers.
#include <random>

#include "allomatch/name.hpp"
#include "check.hpp"

using namespace allomatch;

namespace {

bool says(const std::string& message, std::string_view part) {
    return message.find(part) != std::string::npos;
}

}  // namespace

TEST(forms) {
    struct Case {
        Locus locus;
        const char* given;
        const char* text;
        NameKind kind;
    };
    const std::vector<Case> cases = {
        {Locus::A, "02:01g", "A*02:01g", NameKind::SmallG},
        {Locus::A, "HLA-A*02:01G", "A*02:01g", NameKind::SmallG},
        {Locus::A, "02:01:01g", "A*02:01:01G", NameKind::GGroup},
        {Locus::A, "a*02:gfjm", "A*02:GFJM", NameKind::Mac},
        {Locus::A, "02:AB", "A*02:AB", NameKind::Mac},
        {Locus::A, "A*02GFJM", "A*02:GFJM", NameKind::Mac},
        {Locus::A, "02XX", "A*02:XX", NameKind::XxCode},
        {Locus::A, "02:NEWS", "A*02:NEWS", NameKind::Mac},
        {Locus::A, "02:new", "A*02:NEW", NameKind::New},
        {Locus::DPB1, "DPB1*NEW", "DPB1*NEW", NameKind::New},
        {Locus::A, "A2", "A2", NameKind::Serology},
        {Locus::A, "hla-a2", "A2", NameKind::Serology},
        {Locus::A, "2", "A2", NameKind::Serology},
        {Locus::A, "23(9)", "A23", NameKind::Serology},
        {Locus::A, "2403", "A2403", NameKind::Serology},
        {Locus::B, "5102", "B5102", NameKind::Serology},
        {Locus::C, "Cw3", "Cw3", NameKind::Serology},
        {Locus::C, "C10", "Cw10", NameKind::Serology},
        {Locus::DRB1, "DR1403", "DR1403", NameKind::Serology},
        {Locus::DRB1, "DR17(3)", "DR17", NameKind::Serology},
        {Locus::DRB3, "DR52", "DR52", NameKind::Serology},
        {Locus::DRB345, "DR53", "DR53", NameKind::Serology},
        {Locus::DQB1, "DQ7", "DQ7", NameKind::Serology},
        {Locus::A, "A*0201", "A*0201", NameKind::Version2},
        {Locus::A, "A0201", "A*0201", NameKind::Version2},
        {Locus::A, "0201", "A*0201", NameKind::Version2},
        {Locus::A, "A*2403", "A*2403", NameKind::Version2},
        {Locus::A, "2402", "A*2402", NameKind::Version2},
        {Locus::A, "A*24020102l", "A*24020102L", NameKind::Version2},
        {Locus::C, "Cw*0702", "C*0702", NameKind::Version2},
        {Locus::DRB1, "DRB10401", "DRB1*0401", NameKind::Version2},
        {Locus::DRB345, "DRB4*01:01", "DRB4*01:01", NameKind::Allele},
        {Locus::DRB345, "DRBX*nnnn", "DRBX*NNNN", NameKind::Absent},
        {Locus::DRB345, "DRB3*NNNN", "DRBX*NNNN", NameKind::Absent},
        {Locus::DRB345, "NE", "DRBX*NNNN", NameKind::Absent},
        {Locus::DRB3, "DRB3*NNNN", "DRB3*NNNN", NameKind::Absent},
        {Locus::DRB345, "DRB3*01:XX", "DRB3*01:XX", NameKind::XxCode},
    };
    for (const Case& each : cases) {
        const Name name = parse_name(each.locus, each.given);
        CHECK_EQ(to_text(each.locus, name), each.text);
        CHECK_EQ(name.kind, each.kind);
        CHECK(parse_name(each.locus, each.text) == name);
    }
}

TEST(what_is_no_name) {
    struct Case {
        Locus locus;
        const char* text;
    };
    const std::vector<Case> cases = {
        {Locus::A, "A*2"},          {Locus::A, "A*02"},
        {Locus::A, "02"},           {Locus::A, "0"},
        {Locus::A, "A02:01"},       {Locus::A, "02:A"},
        {Locus::A, "02:ABCDEFG"},   {Locus::A, "02:A1"},
        {Locus::A, "A*020"},        {Locus::A, "A*0201010101"},
        {Locus::A, "NNNN"},         {Locus::A, "A*02:01:GFJM"},
        {Locus::A, "A0"},           {Locus::A, "A12345(9"},
        {Locus::A, "HLA-"},         {Locus::A, "HLA-2"},
        {Locus::DQA1, "2"},         {Locus::DRB3, "DR53"},
        {Locus::DRB345, "01:01"},   {Locus::DRB345, "DRBX*01:01"},
        {Locus::DRB345, "DRB1*01"}, {Locus::DRB3, "DRB4*01:01"},
        {Locus::A, "A*02:01gg"},    {Locus::A, "00XX"},
    };
    for (const Case& each : cases) {
        CHECK(says(CHECK_THROWS(MalformedTyping, parse_name(each.locus, each.text)), locus_name(each.locus)));
    }
}

TEST(locus_that_a_text_says) {
    const auto is = [](std::string_view text, Locus locus) { return locus_said(text) == locus; };
    CHECK(is("HLA-DRB1*04:01+04:02", Locus::DRB1));
    CHECK(is("A2+A24", Locus::A));
    CHECK(is(" Cw3/4", Locus::C));
    CHECK(is("C7", Locus::C));
    CHECK(is("DR4", Locus::DRB1));
    CHECK(is("DR51", Locus::DRB5));
    CHECK(is("DR52+DR52", Locus::DRB3));
    CHECK(is("DQ7(3)", Locus::DQB1));
    CHECK(is("DPB10401", Locus::DPB1));
    CHECK(is("B4005", Locus::B));
    CHECK(is("DRBX*NNNN", Locus::DRB345));
    CHECK(is("Cw*0102", Locus::C));
    for (const char* none : {"", "02:01", "2", "*02:01", "A02:01", "E1", "Bw4"}) CHECK(!locus_said(none));
    CHECK_THROWS(UnknownLocus, locus_said("E*01:01"));
}

TEST(codes_as_numbers) {
    for (const char* letters : {"AA", "AB", "ZZ", "AAA", "GFJM", "ABXBN", "ZZZZZZ"}) {
        CHECK_EQ(mac_letters(mac_code(letters)), letters);
    }
    CHECK_EQ(mac_code("gfjm"), mac_code("GFJM"));
    for (const char* bad : {"", "A", "ABCDEFG", "A1", "A B"}) CHECK_EQ(mac_code(bad), 0U);
}

TEST(version_2_by_rule) {
    const auto rule = [](Locus locus, std::string_view text) -> std::string {
        const auto name = version2_by_rule(locus, parse_name(locus, text));
        return name ? to_text(locus, *name) : "none";
    };
    CHECK_EQ(rule(Locus::A, "A*0201"), "A*02:01");
    CHECK_EQ(rule(Locus::A, "A*02010102L"), "A*02:01:01:02L");
    CHECK_EQ(rule(Locus::A, "A*9201"), "A*02:101");
    CHECK_EQ(rule(Locus::B, "B*950102"), "B*15:101:02");
    CHECK_EQ(rule(Locus::DRB1, "DRB1*9201"), "DRB1*92:01");
    CHECK_EQ(rule(Locus::A, "A*02011"), "none");
    CHECK_EQ(rule(Locus::A, "A*0200"), "none");
}

TEST(random_texts_are_refused_or_fixed_points) {
    std::mt19937 random(5);
    constexpr std::string_view kSigns = "AAABCDRQPwX0123456789**::GgPNL()-HX ";
    std::size_t read = 0;
    for (int i = 0; i < 200'000; ++i) {
        std::string text;
        const std::size_t length = random() % 12;
        for (std::size_t k = 0; k < length; ++k) text.push_back(kSigns[random() % kSigns.size()]);
        const auto locus = static_cast<Locus>(random() % kLocusCount);
        Name name;
        try {
            name = parse_name(locus, text);
        } catch (const Error&) {
            continue;
        }
        ++read;
        CHECK(parse_name(locus, to_text(locus, name)) == name);
        CHECK(locus_said(to_text(locus, name)).has_value());
    }
    CHECK(read > 1000);
}
