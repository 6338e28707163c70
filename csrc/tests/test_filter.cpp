// Filters: what a text means, row by row, and which texts are refused; then filters inside searches.
#include <algorithm>

#include "allomatch/filter.hpp"
#include "allomatch/search.hpp"
#include "check.hpp"
#include "support.hpp"

using namespace support;

namespace {

constexpr std::size_t kYear = 0, kSex = 1, kCmv = 2, kStatus = 8, kTnc = 9;

Donor donor(std::string id, std::string year, std::string sex, std::string cmv, std::string tnc = {}) {
    Donor made{std::move(id), {"A*01:01+A*02:01"}, {}};
    made.attributes[kYear] = std::move(year);
    made.attributes[kSex] = std::move(sex);
    made.attributes[kCmv] = std::move(cmv);
    made.attributes[kTnc] = std::move(tnc);
    return made;
}

// Five donors of one phenotype, so that rows are in the order of ids. Nobody's status is known.
std::vector<Donor> five() {
    return {donor("0", "1980", "F", "P", "150.1"), donor("1", "1990", "M", "N", "0.1"), donor("2", "", "", "", ""),
            donor("3", "1985", "", "it's", "75.6"), donor("4", "", "F", "", "1e6")};
}

// The ids of the donors that pass.
std::string passing(const Segment& segment, std::string_view text) {
    std::vector<DonorRow> rows;
    for (std::uint32_t row = 0; row < segment.donor_count(); ++row) rows.push_back({row});
    std::vector<std::uint8_t> pass(rows.size(), 7);
    compile_filter(text, segment)(rows, pass);
    std::string ids;
    for (std::size_t i = 0; i < rows.size(); ++i) {
        CHECK(pass[i] <= 1);
        if (pass[i] == 1) ids += segment.donor_id(rows[i]);
    }
    return ids;
}

}  // namespace

TEST(tests_of_columns) {
    const Folder folder;
    const auto segment = segment_of(folder, five());
    const auto ids = [&](std::string_view text) { return passing(*segment, text); };
    CHECK_EQ(ids("sex == 'F'"), "04");
    CHECK_EQ(ids("sex=='f'"), "04");
    CHECK_EQ(ids("sex != 'F'"), "1");
    CHECK_EQ(ids("not sex == 'F'"), "1");
    CHECK_EQ(ids("sex in ('F', 'M')"), "014");
    CHECK_EQ(ids("sex not in ['M',]"), "04");
    CHECK_EQ(ids("sex is null"), "23");
    CHECK_EQ(ids("sex IS NOT NULL"), "014");
    CHECK_EQ(ids("sex.isna()"), "23");
    CHECK_EQ(ids("not sex . isna ( )"), "014");
    CHECK_EQ(ids("sex.notna()"), "014");
    CHECK_EQ(ids("cmv == \"it's\""), "3");
    CHECK_EQ(ids("cmv == 'p'"), "");
    CHECK_EQ(ids("birth_year < 1985"), "0");
    CHECK_EQ(ids("birth_year <= 1985"), "03");
    CHECK_EQ(ids("birth_year > 1985"), "1");
    CHECK_EQ(ids("birth_year >= 1985"), "13");
    CHECK_EQ(ids("birth_year > 1984.5"), "13");
    CHECK_EQ(ids("birth_year in (1980, 1985.0, +1990.5)"), "03");
    CHECK_EQ(ids("birth_year != 1980"), "13");
    CHECK_EQ(ids("birth_year > -1e3"), "013");
    // Numbers that float32 rounds are what they were written as.
    CHECK_EQ(ids("tnc_e7 >= 150.1"), "04");
    CHECK_EQ(ids("tnc_e7 > 150.1"), "4");
    CHECK_EQ(ids("tnc_e7 == 75.6 or tnc_e7 == .1"), "13");
    // A column that nobody has.
    CHECK_EQ(ids("status == 'AV'"), "");
    CHECK_EQ(ids("not status == 'AV'"), "");
    CHECK_EQ(ids("status is null"), "01234");
    CHECK_EQ(ids("ion > 0 or ion is null"), "01234");
}

TEST(logic_of_three_values) {
    const Folder folder;
    const auto segment = segment_of(folder, five());
    // Donors 0, 1 and 2 make a test true, false and unknown.
    const char* const left[] = {"sex == 'F'", "birth_year == 1980", "cmv == 'P'"};
    const auto of_three = [&](const std::string& text) {
        std::string ids = passing(*segment, text);
        std::erase_if(ids, [](char c) { return c > '2'; });
        return ids;
    };
    for (const std::string test : left) {
        CHECK_EQ(of_three(test), "0");
        CHECK_EQ(of_three("not " + test), "1");
        CHECK_EQ(of_three("not not " + test), "0");
        for (const std::string other : left) {
            CHECK_EQ(of_three(test + " and " + other), "0");
            CHECK_EQ(of_three(test + " or " + other), "0");
            CHECK_EQ(of_three("not (" + test + " and " + other + ")"), "1");
            CHECK_EQ(of_three("not (" + test + " or not " + other + ")"), "");
        }
        // True or unknown is true, false and unknown is false; otherwise the unknown stays.
        CHECK_EQ(of_three(test + " or status == 'x'"), "0");
        CHECK_EQ(of_three("not (" + test + " and status == 'x')"), "1");
        CHECK_EQ(of_three("not (" + test + " or status == 'x')"), "");
        CHECK_EQ(of_three(test + " and status == 'x'"), "");
        // `and` binds closer than `or`, `not` closer than both.
        CHECK_EQ(of_three("sex is null or " + test + " and sex is not null"), "02");
        CHECK_EQ(of_three("(sex is null or " + test + ") and sex is not null"), "0");
        CHECK_EQ(of_three("not " + test + " or sex is null"), "12");
    }
}

TEST(refused_texts) {
    const Folder folder;
    const auto segment = segment_of(folder, five());
    const auto says = [&](const std::string& message, std::initializer_list<std::string_view> parts) {
        for (const std::string_view part : parts) {
            const bool there = message.find(part) != std::string::npos;
            CHECK(there);
            if (!there) std::cerr << "  in: " << message << "\n  not: " << part << '\n';
        }
    };
    const auto compile = [&](std::string_view text) { return compile_filter(text, *segment); };
    says(CHECK_THROWS(InvalidArgument, compile("")), {"empty", "birth_year >= 1985"});
    says(CHECK_THROWS(InvalidArgument, compile("  \n")), {"empty"});
    says(CHECK_THROWS(MissingColumn, compile("sex == 'F' and age > 3")), {"'age'", "character 16", "birth_year, sex"});
    says(CHECK_THROWS(MissingColumn, compile("Sex == 'F'")), {"'Sex'"});
    says(CHECK_THROWS(WrongType, compile("sex == 1")), {"sex", "texts", "quotes"});
    says(CHECK_THROWS(WrongType, compile("birth_year == '1980'")), {"birth_year", "numbers", "quotes"});
    says(CHECK_THROWS(WrongType, compile("abo in ('A', 5)")), {"abo", "character 14"});
    says(CHECK_THROWS(WrongType, compile("abo < 'B'")), {"abo", "order"});
    says(CHECK_THROWS(InvalidArgument, compile("sex == 'male'")), {"'male'", "F M"});
    says(CHECK_THROWS(InvalidArgument, compile("sex == ''")), {"''", "F M"});
    says(CHECK_THROWS(InvalidArgument, compile("sex == 'F M'")), {"'F M'"});
    says(CHECK_THROWS(InvalidArgument, compile("cmv == null")), {"is null"});
    says(CHECK_THROWS(InvalidArgument, compile("cmv != None")), {"is null"});
    says(CHECK_THROWS(InvalidArgument, compile("cmv = 'P'")), {"'='", "=="});
    says(CHECK_THROWS(InvalidArgument, compile("sex == 'F' & cmv == 'P'")), {"'&'", "and"});
    says(CHECK_THROWS(InvalidArgument, compile("sex == 'F' birth_year > 3")), {"'birth_year'", "character 12"});
    says(CHECK_THROWS(InvalidArgument, compile("\xc3\xa9 == \xe2\x82\xac")), {"\xc3\xa9", "character 1"});
    says(CHECK_THROWS(InvalidArgument, compile("cmv == '\xc3\xa9' \xe2\x82\xac")), {"'\xe2\x82\xac'", "character 12"});
    says(CHECK_THROWS(InvalidArgument, compile("cmv == '\xff'")), {"UTF-8", "\\xff"});
    says(CHECK_THROWS(InvalidArgument, compile("cmv == 'P")), {"close it with '", "character 8"});
    for (const char* text : {"sex",
                             "sex ==",
                             "sex == F",
                             "sex is",
                             "sex is not",
                             "sex not",
                             "sex not null",
                             "sex in",
                             "sex in 'F'",
                             "sex in ()",
                             "sex in ('F'",
                             "sex in ('F']",
                             "sex in (,)",
                             "sex in ('F',,)",
                             "(sex == 'F'",
                             "sex == 'F')",
                             "not",
                             "and",
                             "or",
                             "sex == 'F' and",
                             "or sex == 'F'",
                             "()",
                             "'F' == sex",
                             "sex.isna",
                             "sex.isna(",
                             "sex.x()",
                             "sex.",
                             "birth_year >= 19x5",
                             "birth_year >= 1.2.3",
                             "birth_year >= 1e999",
                             "birth_year >= --1",
                             "birth_year >= 0x10",
                             "1980 < birth_year",
                             "birth_year > 1980 > 1970",
                             "sex == 'F' || cmv == 'P'",
                             "sex === 'F'",
                             "birth_year >= nan",
                             "birth_year > inf",
                             "sex == 'F';",
                             "birth_year => 3",
                             "sex is null()",
                             "\0"}) {
        CHECK(!CHECK_THROWS(InvalidArgument, compile(text)).empty());
    }
    // As deep as it may be, and deeper; as long as it may be, and longer.
    const auto deep = [](std::size_t n) { return std::string(n, '(') + "sex == 'F'" + std::string(n, ')'); };
    CHECK_EQ(passing(*segment, deep(99)), "04");
    says(CHECK_THROWS(InvalidArgument, compile(deep(100))), {"100 deep"});
    std::string nots;
    for (int i = 0; i < 100'000 / 4; ++i) nots += "not ";
    CHECK(CHECK_THROWS(InvalidArgument, compile(nots.substr(0, 60'000))).size() < 500);
    std::string many = "birth_year == 0";
    while (many.size() + 21 < kMaxFilterText) many += " or birth_year == 1990";
    CHECK_EQ(passing(*segment, many.substr(0, many.rfind(" or "))), "1");
    says(CHECK_THROWS(InvalidArgument, compile(many + many)), {"65536"});
}

TEST(searches_with_filters) {
    const Folder folder;
    std::mt19937 random(5);
    const Mix mix = deep_mix();
    std::vector<Donor> donors = random_donors(3000, mix, random);
    // Phenotypes of many donors, some of whom pass.
    for (std::size_t i = 0; i < donors.size(); ++i) donors[i].typings = donors[i % 40].typings;
    add_random_attributes(donors, random);
    const SearchIndex index(segment_of(folder, donors), Nomenclature::two_field(), NullPolicy::Explicit);
    std::map<std::string, const Donor*> by_id;
    for (const Donor& each : donors) by_id[each.id] = &each;
    SearchRequest request;
    request.loci = mix.loci;
    request.max_mismatches = 2;
    const Phenotype patient = phenotype_of(donors[3]);
    const SearchResult all = index.search(patient, request, Cancel());
    request.filters = {compile_filter("sex == 'F'", index.segment()),
                       compile_filter("birth_year < 1980 or status is null", index.segment())};
    const auto passes = [&](DonorRow row) {
        const auto& a = by_id.at(std::string(index.segment().donor_id(row)))->attributes;
        return a[kSex] == "F" && ((!a[kYear].empty() && a[kYear] < "1980") || a[kStatus].empty());
    };
    for (unsigned threads = 1; threads <= 3; ++threads) {
        request.threads = threads;
        const SearchResult some = index.search(patient, request, Cancel());
        std::vector<DonorRow> expected;
        std::copy_if(all.rows.begin(), all.rows.end(), std::back_inserter(expected), passes);
        CHECK(some.rows == expected);
        CHECK(expected.size() > 20 && expected.size() < all.rows.size());
        CHECK_EQ(some.donors, expected.size());
        CHECK_EQ(some.totals.size(), some.phenotypes.size());
        // Only phenotypes of hits are left.
        std::vector<bool> used(some.phenotypes.size());
        for (const std::uint32_t p : some.row_phenotypes) used[p] = true;
        CHECK(std::find(used.begin(), used.end(), false) == used.end());
    }
    // What a filter throws comes out, from whichever thread.
    request.filters = {[](std::span<const DonorRow>, std::span<std::uint8_t>) {
        throw Error(ErrorCode::WrongType, "a filter of one's own");
    }};
    CHECK_THROWS(WrongType, index.search(patient, request, Cancel()));
}

TEST(loci_reported) {
    const Folder folder;
    const std::vector<Donor> donors = {Donor{"0", {"A*01:01+A*02:01", "B*08:01+B*07:02"}, {}},
                                       Donor{"1", {"A*01:01+A*02:01", ""}, {}},
                                       Donor{"2", {"A*01:01+A*02:01", "B*08:01+B*44:02"}, {}}};
    const SearchIndex index(segment_of(folder, donors), Nomenclature::two_field(), NullPolicy::Explicit);
    SearchRequest request;
    request.loci = {Locus::A};
    request.report = {Locus::DPB1, Locus::B};
    const Phenotype patient = Phenotype::from_gl("A*01:01+A*02:01^B*08:01+B*44:02");
    const SearchResult result = index.search(patient, request, Cancel());
    CHECK(result.reported_loci == request.report);
    const Counts anything{0, 2, 0, 2, 0, 2};
    const Counts one{1, 1, 1, 1, 1, 1};
    CHECK(result.reported == (std::vector<Counts>{anything, one, anything, anything, anything, Counts{}}));
    request.report = {Locus::B, Locus::A};
    CHECK_THROWS(InvalidArgument, index.search(patient, request, Cancel()));
}
