// Registries: donors to a file and back, the same bytes whatever way they came, rejected rows, extension, and what
// happens to files that are damaged, in use, of another kind, or not there. One long file: all of it is held against
// `check_segment`, a plain reading of what a file should say, and against the same drawn donors.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <set>

#include "allomatch/mapped_file.hpp"
#include "allomatch/registry.hpp"
#include "allomatch/search.hpp"
#include "check.hpp"
#include "segment_format.hpp"
#include "support.hpp"
#include "typing_classes.hpp"

using namespace support;

namespace {

bool says(const std::string& message, std::string_view part) {
    return message.find(part) != std::string::npos;
}

Donor donor(std::string id, const std::string& gl = {}) {
    Donor result{std::move(id), {}, {}};
    for (const GlPart& part : split_gl(gl)) result.typings[index_of(part.locus)] = part.text;
    return result;
}

std::size_t attribute_named(std::string_view name) {
    const auto specs = attribute_specs();
    const auto it =
        std::find_if(specs.begin(), specs.end(), [&](const AttributeSpec& spec) { return spec.name == name; });
    return static_cast<std::size_t>(it - specs.begin());
}

// The value of a donor's attribute as text; empty: null.
std::string attribute_text(const Segment& segment, std::size_t a, std::uint32_t row) {
    const AttributeColumn& column = segment.attribute(a);
    if (!column.present) return {};
    std::ostringstream text;
    if (!column.ints.empty()) {
        if (column.ints[row] != kNoInt) text << column.ints[row];
    } else if (!column.floats.empty()) {
        if (!std::isnan(column.floats[row])) text << column.floats[row];
    } else if (!column.codes8.empty()) {
        if (column.codes8[row] != 0xff) text << column.categories[column.codes8[row]];
    } else if (column.codes16[row] != kNoCategory) {
        text << column.categories[column.codes16[row]];
    }
    return text.str();
}

// Everything that a registry promises about the donors it was made of.
void check_segment(const Segment& segment, const std::vector<Donor>& donors) {
    const TrieView& trie = segment.trie();
    CHECK_EQ(segment.donor_count(), donors.size());
    if (segment.donor_count() != donors.size()) return;
    std::map<std::string_view, const Donor*> by_id;
    for (const Donor& each : donors) by_id[each.id] = &each;
    CHECK_EQ(by_id.size(), donors.size());

    // Typings: as text, and how many donors have each.
    std::array<std::vector<std::string>, kLocusCount> texts;
    for (std::size_t l = 0; l < kLocusCount; ++l) {
        const auto locus = static_cast<Locus>(l);
        const DictionaryView& dictionary = segment.dictionary(locus);
        for (std::uint32_t t = 0; t < dictionary.typing_count(); ++t)
            texts[l].push_back(to_text(locus, dictionary.typing(TypingId{t})));
        CHECK_EQ(texts[l][0], "");
        CHECK_EQ(std::set<std::string>(texts[l].begin(), texts[l].end()).size(), texts[l].size());
        const std::size_t singles = segment.single_genotype_typings(locus);
        for (std::uint32_t t = 1; t < dictionary.typing_count(); ++t) {
            CHECK_EQ(dictionary.alternatives(TypingId{t}).size() == 1, t < singles);
        }
        const bool in_order = std::find(trie.order.begin(), trie.order.end(), locus) != trie.order.end();
        CHECK_EQ(in_order, texts[l].size() > 1);
    }
    std::array<std::map<std::string, std::string>, kLocusCount> canonical;
    std::array<std::vector<std::uint32_t>, kLocusCount> counts;
    for (std::size_t l = 0; l < kLocusCount; ++l) counts[l].resize(texts[l].size());
    std::vector<std::uint32_t> previous;
    std::vector<std::string_view> by_rank(donors.size());
    std::size_t phenotypes = 0;
    for (std::uint32_t row = 0; row < segment.donor_count(); ++row) {
        const std::string_view id = segment.donor_id(DonorRow{row});
        const auto found = by_id.find(id);
        CHECK(found != by_id.end());
        if (found == by_id.end()) return;
        const Donor& given = *found->second;
        by_rank[segment.donor_ranks()[row]] = id;
        const PhenotypeId phenotype = segment.phenotype_of(DonorRow{row});
        std::vector<std::uint32_t> typings;
        for (std::size_t l = 0; l < kLocusCount; ++l) {
            const auto locus = static_cast<Locus>(l);
            const TypingId typing = segment.typing_of(phenotype, locus);
            auto [it, fresh] = canonical[l].try_emplace(given.typings[l]);
            if (fresh) it->second = to_text(locus, parse_typing(locus, given.typings[l]));
            // A typing of a gene may be one of DRB345 too.
            CHECK_EQ(texts[l][typing.value],
                     shares_drb345(locus) ? to_text(locus, phenotype_of(given)[locus]) : it->second);
            ++counts[l][typing.value];
        }
        // Rows are sorted by their typings in the order of the trie, then by id; equal typings are one phenotype.
        for (const Locus locus : trie.order) typings.push_back(segment.typing_of(phenotype, locus).value);
        if (row > 0) {
            CHECK(previous <= typings);
            CHECK_EQ(previous == typings, segment.phenotype_of(DonorRow{row - 1}) == phenotype);
            if (previous == typings) CHECK(segment.donor_id(DonorRow{row - 1}) < id);
        }
        phenotypes += row == 0 || previous != typings ? 1 : 0;
        previous = typings;
        for (std::size_t a = 0; a < kAttributeCount; ++a)
            CHECK_EQ(attribute_text(segment, a, row), given.attributes[a]);
    }
    CHECK_EQ(segment.phenotype_count(), phenotypes);
    for (std::uint32_t p = 0; p < phenotypes; ++p) {
        const Segment::Rows rows = segment.rows_of(PhenotypeId{p});
        CHECK(rows.first < rows.last && rows.first == trie.rows[p] && rows.last == trie.rows[p + 1]);
    }
    for (const Locus locus : trie.order) {
        const std::vector<TypingId> typings = segment.typings_of_phenotypes(locus);
        CHECK_EQ(typings.size(), phenotypes);
        for (std::uint32_t p = 0; p < typings.size(); ++p)
            CHECK(typings[p] == segment.typing_of(PhenotypeId{p}, locus));
    }
    CHECK(std::is_sorted(by_rank.begin(), by_rank.end()));
    for (std::size_t l = 0; l < kLocusCount; ++l) {
        const auto donors_of = segment.typing_donors(static_cast<Locus>(l));
        if (texts[l].size() == 1) continue;
        CHECK(std::equal(donors_of.begin(), donors_of.end(), counts[l].begin(), counts[l].end()));
    }
    for (std::size_t a = 0; a < kAttributeCount; ++a) {
        CHECK_EQ(segment.attribute(a).present,
                 std::any_of(donors.begin(), donors.end(), [&](const Donor& d) { return !d.attributes[a].empty(); }));
    }
}

// A small registry with every kind of block: node levels, plain columns, alternatives, attributes.
std::vector<Donor> varied_donors(std::size_t count, unsigned seed) {
    std::mt19937 random(seed);
    Mix mix;
    mix.first_fields = 3;
    mix.second_fields = 2;
    std::vector<Donor> donors = random_donors(count, mix, random);
    add_random_attributes(donors, random);
    return donors;
}

Bytes bytes_of(const Folder& folder, std::span<const Donor> donors, const BuildOptions& options) {
    const auto path = folder / "bytes";
    BuildOptions replacing = options;
    replacing.replace = true;
    static_cast<void>(build(path, donors, replacing));
    return read_bytes(path);
}

using Head = format::Head;
using Entry = format::Entry;

Head head_of(const Bytes& bytes) {
    Head head{};
    std::memcpy(&head, bytes.data(), sizeof head);
    return head;
}

std::vector<Entry> entries_of(const Bytes& bytes) {
    const Head head = head_of(bytes);
    std::vector<Entry> entries(head.block_count);
    std::memcpy(entries.data(), bytes.data() + head.directory_offset, entries.size() * sizeof(Entry));
    return entries;
}

// Puts head and directory back with checksums that fit, of the blocks as well: a forged file instead of a damaged one.
void seal(Bytes& bytes, Head head, std::vector<Entry> entries) {
    const auto all = std::as_bytes(std::span(bytes));
    for (Entry& entry : entries) {
        if (entry.offset <= bytes.size() && entry.bytes <= bytes.size() - entry.offset) {
            entry.crc = format::crc32c(all.subspan(entry.offset, entry.bytes));
        }
    }
    const auto directory = std::as_bytes(std::span(entries));
    std::memcpy(bytes.data() + bytes.size() - directory.size(), directory.data(), directory.size());
    head.directory_crc = format::crc32c(directory);
    head.head_crc = format::crc32c(std::as_bytes(std::span(&head, 1)).first(offsetof(Head, head_crc)));
    std::memcpy(bytes.data(), &head, sizeof head);
}

// Opens a file and reports what came of it: nothing, or the code.
std::optional<ErrorCode> outcome(const std::filesystem::path& path, Validate validate) {
    try {
        static_cast<void>(Segment::open(path, validate));
        return std::nullopt;
    } catch (const Error& error) {
        CHECK(says(error.what(), path.filename().string()));
        return error.code();
    }
}

std::uint64_t any_word(std::mt19937& random) {
    const std::uint64_t high = random();
    return high << 32U | random();
}

// A registry, in the file "whole", that has postings: its donors share two levels of nodes.
struct WithPostings {
    explicit WithPostings(std::mt19937& random, bool with_attributes = false) {
        Mix mix = deep_mix();
        mix.ambiguous = 10;
        donors = random_donors(2'000, mix, random);
        if (with_attributes) add_random_attributes(donors, random);
        segment = segment_of(folder, donors, "whole");
        CHECK(segment->trie().postings.has_value());
        whole = read_bytes(folder / "whole");
        entries = entries_of(whole);
    }
    Folder folder;
    std::vector<Donor> donors;
    std::shared_ptr<const Segment> segment;
    Bytes whole;
    std::vector<Entry> entries;
};

}  // namespace

// ---- donors to a file and back
// --------------------------------------------------------------------------------------------

TEST(round_trip_of_random_donors) {
    const Folder folder;
    std::mt19937 random(10);
    for (int round = 0; round < 60; ++round) {
        Mix mix;
        mix.first_fields = 1 + static_cast<unsigned>(random() % 6);
        mix.second_fields = 1 + static_cast<unsigned>(random() % 6);
        mix.untyped = static_cast<unsigned>(random() % 60);
        mix.loci.clear();
        for (std::size_t l = 0; l < kLocusCount; ++l) {
            if (random() % 2 == 0) mix.loci.push_back(static_cast<Locus>(l));
        }
        std::vector<Donor> donors =
            random_donors(random() % (round % 2 == 0 ? 20 : 800), mix, random, round % 3 == 0 ? "" : "BE00");
        if (round % 2 == 0) add_random_attributes(donors, random);
        check_segment(*segment_of(folder, donors, numbered("random", round)), donors);
    }
}

TEST(homozygous_genotypes_in_a_list) {
    // One '+' for two genotypes, on either side, and none: these are not the usual pair of positions.
    const Folder folder;
    const std::vector<Donor> donors = {donor("1", "A*01:01|A*02:01+A*03:01"), donor("2", "A*02:01+A*03:01|A*01:01"),
                                       donor("3", "A*01:01|A*02:01"), donor("4", "A*01:01"),
                                       donor("5", "A*01:01+A*01:01")};
    const auto segment = segment_of(folder, donors);
    check_segment(*segment, donors);
    CHECK_EQ(segment->phenotype_count(), 3U);
}

TEST(trie_has_levels_where_they_pay_off) {
    const Folder folder;
    std::mt19937 random(11);
    const std::vector<Donor> donors = random_donors(4000, deep_mix(), random);
    const auto segment = segment_of(folder, donors);
    CHECK(segment->trie().levels.size() >= 2);
    CHECK(segment->trie().below.loci() > 0);
    check_segment(*segment, donors);
}

TEST(no_donor_and_one) {
    const Folder folder;
    const auto none = segment_of(folder, {}, "none");
    check_segment(*none, {});
    CHECK_EQ(none->phenotype_count(), 0U);
    CHECK(none->trie().order.empty());
    const std::vector<Donor> one = {donor("only", "A*01:01+A*02:01^DPB1*04:01")};
    const auto segment = segment_of(folder, one, "one");
    check_segment(*segment, one);
    CHECK_EQ(segment->phenotype_count(), 1U);
    CHECK_EQ(std::filesystem::file_size(folder / "one"), segment->file_bytes());
}

TEST(nobody_typed) {
    const Folder folder;
    std::vector<Donor> donors;
    for (int i = 0; i < 100; ++i) donors.push_back(donor(numbered("D", i)));
    const auto segment = segment_of(folder, donors);
    check_segment(*segment, donors);
    CHECK_EQ(segment->phenotype_count(), 1U);
    CHECK_EQ(segment->typing_of(PhenotypeId{0}, Locus::A).value, 0U);
    CHECK_EQ(segment->dictionary(Locus::A).typing_count(), 1U);
    CHECK_EQ(segment->dictionary(Locus::A).position_count(), 0U);
}

TEST(all_twelve_loci) {
    const Folder folder;
    std::mt19937 random(12);
    Mix mix;
    mix.loci.clear();
    for (std::size_t l = 0; l < kLocusCount; ++l) mix.loci.push_back(static_cast<Locus>(l));
    // Many typings a locus: twelve ids of six bits or more do not fit into one sort key.
    mix.first_fields = mix.second_fields = 9;
    std::vector<Donor> donors = random_donors(2000, mix, random);
    // ... and donors that differ at the last loci only, or not at all.
    const std::vector<Donor> copies(donors.begin(), donors.begin() + 300);
    for (std::size_t i = 0; i < copies.size(); ++i) {
        donors.push_back(copies[i]);
        donors.back().id = numbered("copy", i);
        if (i % 3 == 0) donors.back().typings[index_of(Locus::DPB1)] = "DPB1*77:01+DPB1*77:02";
        if (i % 3 == 1) donors.back().typings[index_of(Locus::A)] = "";
    }
    const auto segment = segment_of(folder, donors);
    CHECK_EQ(segment->trie().order.size(), kLocusCount);
    check_segment(*segment, donors);
}

TEST(odd_ids) {
    const Folder folder;
    std::vector<Donor> donors;
    const std::string nul("a\0", 2);
    const std::string longest(64, 'x');
    for (const std::string& id : {std::string("a"), nul, std::string("aa"), std::string("a b"), longest,
                                  longest.substr(1), std::string("\xc3\xa9"), std::string("\xf0\x9f\x98\x80"),
                                  std::string("prefix0000001"), std::string("prefix00000011"), std::string("0")}) {
        donors.push_back(donor(id, "A*01:01"));
    }
    check_segment(*segment_of(folder, donors), donors);
    // Ids that agree in all of the eight bytes that are sorted first.
    std::vector<Donor> alike;
    for (int i = 99; i >= 0; --i) alike.push_back(donor((i % 2 == 0 ? "x-------" : "y-------") + std::to_string(i)));
    check_segment(*segment_of(folder, alike, "alike"), alike);
}

TEST(many_categories) {
    // One byte holds 254 codes and null; from 255 values on it takes two.
    const Folder folder;
    const std::size_t status = attribute_named("status");
    for (const std::size_t values : {1U, 254U, 255U, 256U, 257U, 300U, 3000U}) {
        std::vector<Donor> donors;
        for (std::size_t i = 0; i < values + 20; ++i) {
            donors.push_back(donor(numbered("D", i)));
            if (i < values) donors.back().attributes[status] = numbered("value ", i * 7919 % values);
        }
        const auto segment = segment_of(folder, donors, numbered("values", values));
        CHECK_EQ(segment->attribute(status).categories.size(), values);
        CHECK_EQ(segment->attribute(status).codes8.empty(), values > 254);
        check_segment(*segment, donors);
    }
    // More than two bytes hold: the rows that bring one value more are rejected, the rest stays.
    std::vector<Donor> donors;
    for (std::size_t i = 0; i < 65'537; ++i) {
        donors.push_back(donor(numbered("D", i)));
        donors.back().attributes[status] = std::to_string(i);
    }
    const auto errors = build(folder / "most", donors);
    CHECK_EQ(errors.size(), 2U);
    for (const RowError& error : errors) CHECK(error.code == ErrorCode::TooManyValues);
    donors.resize(65'535);
    check_segment(*Segment::open(folder / "most", Validate::Full), donors);
}

TEST(numbers) {
    // As a table gives them: doubles with validity bits; not a number is no value either.
    const Folder folder;
    const std::vector<Donor> donors = {donor("0"), donor("1"), donor("2"), donor("3"), donor("4"), donor("5")};
    Batch batch(donors, 0, {});
    const std::vector<double> years = {1980, std::nan(""), 1900, 2100, 1990, 1991};
    const std::vector<double> doses = {0, 12.5, 1e6, 0, 0, std::nan("")};
    const std::uint8_t validity = 0b110111 << 1 & 0xff;
    batch.view().numbers[attribute_named("birth_year")] = NumberColumn{years.data(), &validity, 1};
    batch.view().numbers[attribute_named("tnc_e7")] = NumberColumn{doses.data()};
    RegistryBuilder builder;
    std::vector<RowError> errors;
    std::vector<RowWarning> warnings;
    builder.add_batch(batch.view(), 2, Cancel(), errors);
    static_cast<void>(builder.finish(folder / "numbers", false, 2, Cancel(), errors, warnings));
    CHECK(errors.empty());
    const auto segment = Segment::open(folder / "numbers", Validate::Full);
    std::vector<std::string> found;
    for (std::uint32_t row = 0; row < 6; ++row) {
        found.push_back(attribute_text(*segment, attribute_named("birth_year"), row) + "/" +
                        attribute_text(*segment, attribute_named("tnc_e7"), row));
    }
    CHECK_EQ(found, (std::vector<std::string>{"1980/0", "/12.5", "1900/1e+06", "/0", "1990/0", "1991/"}));
}

// ---- the same bytes
// -------------------------------------------------------------------------------------------------------

TEST(same_bytes_whatever_the_way) {
    const Folder folder;
    std::mt19937 random(13);
    std::vector<Donor> donors = varied_donors(700, 13);
    const Bytes expected = bytes_of(folder, donors, {});
    for (const std::size_t batch_rows : {std::size_t{1}, std::size_t{7}, std::size_t{100}, SIZE_MAX}) {
        for (unsigned threads = 1; threads <= 3; ++threads) {
            for (const bool dictionary_encoded : {false, true}) {
                std::shuffle(donors.begin(), donors.end(), random);
                const Layout layout{true, dictionary_encoded, threads == 2};
                CHECK(bytes_of(folder, donors, {layout, batch_rows, threads}) == expected);
            }
        }
    }
    // Two columns a locus instead of GL strings.
    for (Donor& each : donors) {
        for (std::string& typing : each.typings) typing = typing.substr(0, typing.find('|'));
    }
    const Bytes plain = bytes_of(folder, donors, {});
    CHECK(plain != expected);
    for (const bool dictionary_encoded : {false, true}) {
        for (const bool nulls : {false, true}) {
            std::shuffle(donors.begin(), donors.end(), random);
            CHECK(bytes_of(folder, donors, {{false, dictionary_encoded, nulls}, 100, 2}) == plain);
        }
    }
    // Typings written in other words.
    for (Donor& each : donors) {
        for (std::string& typing : each.typings) {
            const std::size_t plus = typing.find('+');
            if (plus != std::string::npos) typing = " HLA-" + typing.substr(plus + 1) + " + " + typing.substr(0, plus);
        }
    }
    CHECK(bytes_of(folder, donors, {}) == plain);
}

TEST(same_bytes_for_many_donors) {
    // Enough for the parallel sort; few phenotypes, so that runs of equal rows cross the shares of the threads.
    const Folder folder;
    std::mt19937 random(14);
    Mix mix;
    mix.loci = {Locus::A, Locus::DRB1};
    mix.first_fields = 2;
    mix.second_fields = 1;
    mix.ambiguous = mix.nulls = mix.alternatives = 0;
    std::vector<Donor> donors = random_donors(140'000, mix, random);
    const Bytes expected = bytes_of(folder, donors, {});
    check_segment(*Segment::open(folder / "bytes", Validate::Full), donors);
    std::shuffle(donors.begin(), donors.end(), random);
    CHECK(bytes_of(folder, donors, {{}, 50'000, 2}) == expected);
    CHECK(bytes_of(folder, donors, {{}, SIZE_MAX, 3}) == expected);
}

TEST(rejected_rows_leave_no_trace) {
    const Folder folder;
    const std::vector<Donor> good = {donor("1", "A*01:01+A*02:01"), donor("2", "A*01:01+A*03:01"),
                                     donor("3", "A*02:01")};
    const Bytes expected = bytes_of(folder, good, {});
    std::vector<Donor> with_bad = good;
    with_bad.insert(with_bad.begin() + 1, donor("bad", "A*09:09+A*08:08^B*07:02:O1"));
    CHECK(bytes_of(folder, with_bad, {}) == expected);
    CHECK(bytes_of(folder, with_bad, {{}, 1, 1}) == expected);
    with_bad.push_back(donor("1", "A*77:01+A*77:02^DRB1*04:01"));
    CHECK(bytes_of(folder, with_bad, {}) == expected);
}

TEST(attributes_of_rejected_rows_leave_no_trace) {
    // The only value of a column belongs to a row that is rejected: whether the column is there depends on what came
    // before.
    const Folder folder;
    const std::vector<Donor> good = {donor("1"), donor("2")};
    const Bytes expected = bytes_of(folder, good, {});
    Donor bad = donor("bad", "A*nonsense");
    for (const char* name : {"birth_year", "sex", "tnc_e7"}) {
        bad.attributes[attribute_named(name)] = std::string_view(name) == "sex" ? "F" : "1990";
    }
    const std::vector<Donor> last = {good[0], good[1], bad};
    const std::vector<Donor> first = {bad, good[0], good[1]};
    for (const std::size_t batch_rows : {std::size_t{1}, SIZE_MAX}) {
        CHECK(bytes_of(folder, first, {{}, batch_rows, 1}) == expected);
        CHECK(bytes_of(folder, last, {{}, batch_rows, 1}) == expected);
    }
    // Likewise a row whose donor id came before.
    bad.id = "1";
    bad.typings = {};
    const std::vector<Donor> twice = {good[0], good[1], bad};
    CHECK(bytes_of(folder, twice, {}) == expected);
}

// ---- rows that are not taken
// ----------------------------------------------------------------------------------------------

TEST(bad_rows) {
    struct Case {
        Donor given;
        const char* field;
        ErrorCode code;
    };
    const auto with = [](const char* name, const char* value) {
        Donor result = donor("X");
        result.attributes[attribute_named(name)] = value;
        return result;
    };
    const std::vector<Case> cases = {
        {donor(""), "donor_id", ErrorCode::MissingValue},
        {donor(" \t"), "donor_id", ErrorCode::MissingValue},
        {donor(std::string(65, 'x')), "donor_id", ErrorCode::ValueOutOfRange},
        {donor("\xff"), "donor_id", ErrorCode::InvalidText},
        {donor("\xc0\xaf"), "donor_id", ErrorCode::InvalidText},          // overlong
        {donor("\xed\xa0\x80"), "donor_id", ErrorCode::InvalidText},      // half of a surrogate pair
        {donor("\xf4\x90\x80\x80"), "donor_id", ErrorCode::InvalidText},  // beyond Unicode
        {donor("x\xe2\x82"), "donor_id", ErrorCode::InvalidText},         // cut short
        {donor("X", "A*01:01+A*02"), "A", ErrorCode::MalformedTyping},
        {donor("X", "A*01:01+A*02:01+A*03:01"), "A", ErrorCode::TooManyAlleles},
        {donor("X", "DRB1*04:01gg"), "DRB1", ErrorCode::MalformedTyping},
        {with("birth_year", "1899"), "birth_year", ErrorCode::ValueOutOfRange},
        {with("birth_year", "2101"), "birth_year", ErrorCode::ValueOutOfRange},
        {with("birth_year", "1990.5"), "birth_year", ErrorCode::ValueOutOfRange},
        {with("birth_year", "1990x"), "birth_year", ErrorCode::ValueOutOfRange},
        {with("birth_year", "nan"), "birth_year", ErrorCode::ValueOutOfRange},
        {with("birth_year", "1e400"), "birth_year", ErrorCode::ValueOutOfRange},
        {with("tnc_e7", "-1"), "tnc_e7", ErrorCode::ValueOutOfRange},
        {with("tnc_e7", "inf"), "tnc_e7", ErrorCode::ValueOutOfRange},
        {with("sex", "X"), "sex", ErrorCode::ValueOutOfRange},
        {with("sex", "F M"), "sex", ErrorCode::ValueOutOfRange},
        {with("abo", "AB O"), "abo", ErrorCode::ValueOutOfRange},
        {with("status", "\xff"), "status", ErrorCode::InvalidText},
        {with("status", "a value that is longer than the sixty-four bytes that are kept here"), "status",
         ErrorCode::ValueOutOfRange},
    };
    const Folder folder;
    for (const Case& each : cases) {
        const std::vector<Donor> donors = {donor("before"), each.given, donor("after")};
        const auto errors = build(folder / "bad", donors, {{}, SIZE_MAX, 1, true});
        CHECK_EQ(errors.size(), 1U);
        if (errors.size() != 1) continue;
        CHECK_EQ(errors[0].row, 1);
        CHECK_EQ(errors[0].field, each.field);
        CHECK_EQ(errors[0].code, each.code);
        CHECK(!errors[0].message.empty());
        CHECK_EQ(Segment::open(folder / "bad", Validate::Full)->donor_count(), 2U);
    }
    // GL strings that cannot even be taken apart, through the column itself.
    for (const auto& [gl, code] :
         std::initializer_list<std::pair<const char*, ErrorCode>>{{"01:01", ErrorCode::MalformedTyping},
                                                                  {"A*01:01^A*02:01", ErrorCode::LocusTwice},
                                                                  {"Z*01:01", ErrorCode::UnknownLocus}}) {
        Donor odd = donor("X");
        odd.typings[0] = gl;
        const auto errors = build(folder / "bad", std::span(&odd, 1), {{}, SIZE_MAX, 1, true});
        CHECK_EQ(errors.size(), 1U);
        if (errors.size() != 1) continue;
        CHECK_EQ(errors[0].field, "gl");
        CHECK_EQ(errors[0].code, code);
        CHECK_EQ(errors[0].value, gl);
        CHECK_EQ(errors[0].donor_id, "X");
    }
    // A row with several mistakes tells them all, in the order of rows and fields, for any number of threads.
    std::vector<Donor> several(50, donor("", "B*1+B*2^A*1"));
    for (Donor& each : several) each.attributes[attribute_named("sex")] = "?";
    for (unsigned threads = 1; threads <= 3; ++threads) {
        const auto errors = build(folder / "bad", several, {{}, 20, threads, true});
        CHECK_EQ(errors.size(), 200U);
        for (std::size_t i = 0; i < errors.size(); ++i) {
            CHECK_EQ(errors[i].row, static_cast<std::int64_t>(i / 4));
            CHECK_EQ(errors[i].field, (std::array{"A", "B", "donor_id", "sex"})[i % 4]);
        }
    }
    // Values that are read in other words.
    Donor odd = with("sex", " f ");
    odd.attributes[attribute_named("birth_year")] = " 1990.0 ";
    odd.attributes[attribute_named("abo")] = "ab";
    CHECK(build(folder / "bad", std::span(&odd, 1), {{}, SIZE_MAX, 1, true}).empty());
    const auto segment = Segment::open(folder / "bad", Validate::Full);
    CHECK_EQ(attribute_text(*segment, attribute_named("sex"), 0), "F");
    CHECK_EQ(attribute_text(*segment, attribute_named("abo"), 0), "AB");
    CHECK_EQ(attribute_text(*segment, attribute_named("birth_year"), 0), "1990");
}

TEST(duplicates) {
    const Folder folder;
    std::vector<Donor> donors;
    for (int i = 0; i < 30; ++i) donors.push_back(donor(numbered("D", i % 10), "A*01:" + std::to_string(10 + i)));
    for (const std::size_t batch_rows : {std::size_t{1}, std::size_t{4}, SIZE_MAX}) {
        const auto errors = build(folder / "twice", donors, {{}, batch_rows, 1, true});
        CHECK_EQ(errors.size(), 20U);
        for (std::size_t i = 0; i < errors.size(); ++i) {
            CHECK_EQ(errors[i].code, ErrorCode::DuplicateDonor);
            CHECK_EQ(errors[i].row, static_cast<std::int64_t>(10 + i));
            CHECK_EQ(errors[i].donor_id, numbered("D", i % 10));
            CHECK(says(errors[i].message, numbered("in row ", i % 10) + " already"));
        }
        check_segment(*Segment::open(folder / "twice", Validate::Full), {donors.begin(), donors.begin() + 10});
    }
}

TEST(unknown_names_are_rejected_on_demand) {
    const auto release = small_release("1,A*01:01\n1,A*02:01\n1,B*07:02\n", "A*;01:01;01:01P\n");
    const std::vector<Donor> donors = {donor("1", "A*01:01+A*02:01"),
                                       donor("2", "A*01:01+A*03:01"),
                                       donor("3", "A*01:01/A*03:01+A*02:XX"),
                                       donor("4", "A*03:XX"),
                                       donor("5", "A*01:01+A*01:01|A*03:01+A*03:01"),
                                       donor("6", "DRB1*04:01")};
    const Folder folder;
    for (const bool gl : {true, false}) {
        RegistryBuilder builder;
        builder.require_known(release);
        std::vector<RowError> errors;
        std::vector<RowWarning> warnings;
        std::vector<Donor> given = donors;
        if (!gl) given[4].typings = {};
        add_all(builder, given, {{gl}}, errors);
        CHECK_EQ(builder.finish(folder / (gl ? "gl" : "pairs"), false, 1, Cancel(), errors, warnings), gl ? 2U : 3U);
        CHECK_EQ(errors.size(), gl ? 4U : 3U);
        for (const RowError& error : errors) CHECK_EQ(error.code, ErrorCode::UnknownName);
        CHECK(says(errors[0].message, "'A*03:01'"));
        CHECK(says(errors.back().message, "DRB1*04:01"));
    }
}

// ---- extension
// ------------------------------------------------------------------------------------------------------------

TEST(extend_is_the_same_as_building_at_once) {
    const Folder folder;
    for (const unsigned seed : {15U, 16U, 17U}) {
        std::vector<Donor> all = varied_donors(400, seed);
        if (seed == 16) {
            // A locus and an attribute that only the later donors have, or only the earlier ones.
            for (std::size_t i = 0; i < 150; ++i) {
                all[i].typings[index_of(Locus::C)].clear();
                all[i].attributes[attribute_named("sex")].clear();
            }
            for (std::size_t i = 150; i < all.size(); ++i) {
                all[i].typings[index_of(Locus::B)].clear();
                all[i].attributes[attribute_named("birth_year")].clear();
                all[i].attributes[attribute_named("abo")].clear();
            }
        }
        if (seed == 17) {
            // Codes of one byte before, of two after.
            for (std::size_t i = 0; i < all.size(); ++i)
                all[i].attributes[attribute_named("status")] = std::to_string(i);
        }
        const Bytes expected = bytes_of(folder, all, {});
        for (const std::size_t first : {std::size_t{0}, std::size_t{150}, all.size()}) {
            const auto path = folder / "growing";
            static_cast<void>(build(path, std::span(all).first(first), {{}, SIZE_MAX, 1, true}));
            RegistryBuilder builder;
            std::vector<RowError> errors;
            std::vector<RowWarning> warnings;
            builder.extend(path, Cancel());
            add_all(builder, std::span(all).subspan(first), {{}, 33}, errors);
            // Donors that are there already are named, and the file keeps its own.
            Donor again = all.front();
            again.typings = {};
            again.attributes = {};
            add_all(builder, std::span(&again, 1), {}, errors, 12);
            CHECK_EQ(builder.finish(path, true, 2, Cancel(), errors, warnings), all.size());
            CHECK_EQ(errors.size(), 1U);
            CHECK_EQ(errors[0].code, ErrorCode::DuplicateDonor);
            CHECK_EQ(errors[0].row, 12);
            if (first > 0) CHECK(says(errors[0].message, "is in the registry already"));
            CHECK(read_bytes(path) == expected);
        }
    }
}

TEST(readers_keep_the_file_they_opened) {
    const Folder folder;
    const std::vector<Donor> before = varied_donors(100, 18);
    const auto segment = segment_of(folder, before);
    const std::vector<Donor> after = {donor("other")};
    static_cast<void>(build(folder / "segment", after, {{}, SIZE_MAX, 1, true}));
    check_segment(*segment, before);
    check_segment(*Segment::open(folder / "segment", Validate::Full), after);
    std::filesystem::remove(folder / "segment");
    check_segment(*segment, before);
}

TEST(extend_refuses) {
    const Folder folder;
    {
        RegistryBuilder builder;
        CHECK_THROWS(FileNotFound, builder.extend(folder / "nothing", Cancel()));
    }
    const std::vector<Donor> donors = varied_donors(50, 19);
    const auto path = folder / "segment";
    static_cast<void>(build(path, donors));
    {
        // A second writer, here and in another process: the first one has the lock until it is done.
        RegistryBuilder first;
        first.extend(path, Cancel());
        RegistryBuilder second;
        CHECK(says(CHECK_THROWS(AlreadyExists, second.extend(path, Cancel())), "being written by another process"));
    }
    {
        RegistryBuilder free_again;
        free_again.extend(path, Cancel());
        free_again.close();
        RegistryBuilder next;
        next.extend(path, Cancel());
    }
    {
        RegistryBuilder builder;
        CHECK_THROWS(Interrupted, builder.extend(path, Cancel([] { return true; })));
    }
    CHECK_THROWS(Interrupted, Segment::open(path, Validate::Full, Cancel([] { return true; })));
    {
        // Somebody has replaced the file since: the lock would be that of the old one.
        const int held = ::open(path.c_str(), O_RDONLY);
        static_cast<void>(build(path, donors, {{}, SIZE_MAX, 1, true}));
        CHECK_EQ(::flock(held, LOCK_EX | LOCK_NB), 0);
        RegistryBuilder builder;
        builder.extend(path, Cancel());
        ::close(held);
    }
    // Damage anywhere is not carried over.
    Bytes bytes = read_bytes(path);
    for (const Entry& entry : entries_of(bytes)) {
        if (format::entry_name(entry) != "donors.ids.text") continue;
        bytes[entry.offset] = static_cast<char>(bytes[entry.offset] ^ 1);
    }
    write_bytes(folder / "damaged", bytes);
    RegistryBuilder builder;
    CHECK_THROWS(ChecksumMismatch, builder.extend(folder / "damaged", Cancel()));
}

// ---- damaged files
// --------------------------------------------------------------------------------------------------------

TEST(not_ours) {
    const Folder folder;
    CHECK_THROWS(FileNotFound, Segment::open(folder / "nothing", Validate::Header));
    CHECK_THROWS(FileNotFound, Segment::open(folder / "no" / "folder", Validate::Header));
    std::filesystem::create_directory(folder / "folder");
    CHECK_THROWS(NotARegistry, Segment::open(folder / "folder", Validate::Header));
    // A pipe that nobody writes to: opening it must not wait.
    CHECK_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
    CHECK_THROWS(NotARegistry, Segment::open(folder / "pipe", Validate::Header));
    for (const std::string& content :
         {std::string(), std::string("A"), std::string("ALLOSEG"), std::string("ALLOSEG\r\n"),
          std::string("donor_id,A,B\n"), std::string(1000, '\0'), std::string("PAR1") + std::string(100, 'x')}) {
        write_bytes(folder / "other", content);
        for (const Validate validate : {Validate::Header, Validate::Full}) {
            CHECK(says(CHECK_THROWS(NotARegistry, Segment::open(folder / "other", validate)), "other"));
        }
    }
    // Root may read and write everything, so for a moment we are somebody else.
    const uid_t self = ::geteuid();
    std::filesystem::permissions(folder / "other", std::filesystem::perms::none);
    std::filesystem::permissions(folder / "folder", std::filesystem::perms::owner_read);
    if (self == 0 && ::seteuid(65'534) != 0) {
        std::cout << "skipped: files without permission, because root has every permission\n";
        return;
    }
    CHECK_THROWS(PermissionDenied, Segment::open(folder / "other", Validate::Header));
    CHECK_THROWS(PermissionDenied, build(folder / "folder" / "new", {}));
    if (self == 0) CHECK_EQ(::seteuid(0), 0);
    std::filesystem::permissions(folder / "folder", std::filesystem::perms::owner_all);
}

TEST(truncated) {
    const Folder folder;
    const std::vector<Donor> donors = varied_donors(300, 20);
    static_cast<void>(build(folder / "whole", donors));
    const Bytes whole = read_bytes(folder / "whole");
    const Head head = head_of(whole);
    std::vector<std::size_t> lengths = {8, 9, 63, 64, 65, 127, 128, whole.size() - 64, whole.size() - 1};
    for (const Entry& entry : entries_of(whole)) {
        for (const std::size_t length : {entry.offset, entry.offset + entry.bytes, entry.offset + entry.bytes / 2}) {
            if (length >= 8) lengths.push_back(length);
        }
    }
    for (std::size_t i = 0; i <= head.block_count; i += 3) lengths.push_back(head.directory_offset + i * sizeof(Entry));
    std::size_t cut = 0;
    for (const std::size_t length : lengths) {
        if (length >= whole.size()) continue;
        write_bytes(folder / "cut", std::span(whole).first(length));
        CHECK(outcome(folder / "cut", Validate::Header) == ErrorCode::TruncatedFile);
        CHECK(outcome(folder / "cut", Validate::Full) == ErrorCode::TruncatedFile);
        ++cut;
    }
    CHECK(cut > 50);
    for (std::size_t length = 0; length < 8; ++length) {
        write_bytes(folder / "cut", std::span(whole).first(length));
        CHECK(outcome(folder / "cut", Validate::Header) == ErrorCode::NotARegistry);
    }
    // Too long is as bad.
    Bytes longer = whole;
    longer.push_back('x');
    write_bytes(folder / "cut", longer);
    CHECK(outcome(folder / "cut", Validate::Full) == ErrorCode::TruncatedFile);
}

TEST(one_bit_in_any_block) {
    const Folder folder;
    const std::vector<Donor> donors = varied_donors(300, 21);
    static_cast<void>(build(folder / "whole", donors));
    const Bytes whole = read_bytes(folder / "whole");
    const auto path = folder / "flipped";
    std::mt19937 random(21);
    std::set<std::string_view> kinds;
    const std::vector<Entry> entries = entries_of(whole);
    for (const Entry& entry : entries) {
        if (entry.bytes == 0) continue;
        kinds.insert(format::entry_name(entry));
        for (const std::uint64_t byte : {std::uint64_t{0}, entry.bytes - 1, random() % entry.bytes}) {
            Bytes bytes = whole;
            bytes[entry.offset + byte] = static_cast<char>(bytes[entry.offset + byte] ^ 1 << random() % 8);
            write_bytes(path, bytes);
            CHECK(says(CHECK_THROWS(ChecksumMismatch, Segment::open(path, Validate::Full)), format::entry_name(entry)));
            // A header check reads the dictionaries and the trie's order, and may trust the rest; it must not crash.
            const auto found = outcome(path, Validate::Header);
            const std::string_view name = format::entry_name(entry);
            const bool read_at_open = name == "trie.order" || name.find(".values.") != std::string_view::npos ||
                                      (name.find("trie.") != 0 && name.find("donors.") != 0 &&
                                       name.find(".typings.donors") == std::string_view::npos);
            if (read_at_open) {
                CHECK(found == ErrorCode::ChecksumMismatch);
            } else {
                CHECK(!found || found == ErrorCode::CorruptFile);
            }
        }
    }
    CHECK(kinds.size() > 40);
}

TEST(one_bit_in_head_or_directory) {
    const Folder folder;
    const std::vector<Donor> donors = varied_donors(100, 22);
    static_cast<void>(build(folder / "whole", donors));
    const Bytes whole = read_bytes(folder / "whole");
    const Head head = head_of(whole);
    const auto path = folder / "flipped";
    const auto flip = [&](std::size_t byte, unsigned bit) {
        Bytes bytes = whole;
        bytes[byte] = static_cast<char>(bytes[byte] ^ 1 << bit);
        write_bytes(path, bytes);
        const auto found = outcome(path, Validate::Header);
        CHECK(found == outcome(path, Validate::Full));
        return found;
    };
    for (std::size_t byte = 0; byte < sizeof(Head); ++byte) {
        for (unsigned bit = 0; bit < 8; ++bit) {
            // Version 0 is older than any, so its checksum is looked at.
            const bool version = byte >= 8 && byte < 12 && !(byte == 8 && bit == 0);
            CHECK(flip(byte, bit) == (byte < 8  ? ErrorCode::NotARegistry
                                      : version ? ErrorCode::NewerFormat
                                                : ErrorCode::ChecksumMismatch));
        }
    }
    for (std::size_t byte = head.directory_offset; byte < whole.size(); byte += 5) {
        CHECK(flip(byte, static_cast<unsigned>(byte % 8)) == ErrorCode::ChecksumMismatch);
    }
}

TEST(blocks_that_a_header_check_trusts) {
    // Offsets that point elsewhere: what a search or a reader of ids comes across must be an error, not a crash.
    const Folder folder;
    const std::vector<Donor> donors = varied_donors(200, 27);
    static_cast<void>(build(folder / "whole", donors));
    const Bytes whole = read_bytes(folder / "whole");
    for (const Entry& entry : entries_of(whole)) {
        const std::string_view name = format::entry_name(entry);
        if (name != "donors.ids.offsets") continue;
        for (const std::uint32_t value : {0xffffffffU, 0x7fffffffU, static_cast<std::uint32_t>(entry.bytes * 64)}) {
            Bytes bytes = whole;
            std::memcpy(bytes.data() + entry.offset + 3 * sizeof value, &value, sizeof value);
            write_bytes(folder / "damaged", bytes);
            const auto segment = Segment::open(folder / "damaged", Validate::Header);
            CHECK(says(CHECK_THROWS(CorruptFile, segment->donor_id(DonorRow{2})), "row 2"));
            CHECK_THROWS(CorruptFile, segment->donor_id(DonorRow{3}));
            CHECK(!segment->donor_id(DonorRow{0}).empty());
        }
    }
}

TEST(marks_are_counted_at_every_opening) {
    std::mt19937 random(29);
    const WithPostings registry(random);
    const auto& [folder, donors, segment, whole, entries] = registry;
    for (const Entry& entry : entries) {
        const std::string_view name = format::entry_name(entry);
        if (name != "trie.rows" && name != "trie.nodes") continue;
        // The first thing begins no group; a group more or less; perhaps a mark beyond the end.
        for (const std::size_t bit : {std::size_t{0}, std::size_t{777}, entry.bytes * 8 - 1}) {
            Bytes bytes = whole;
            char& byte = bytes[entry.offset + bit / 8];
            byte = static_cast<char>(byte ^ 1 << bit % 8);
            write_bytes(folder / "damaged", bytes);
            CHECK_THROWS(CorruptFile, Segment::open(folder / "damaged", Validate::Header));
        }
    }
}

// A forged file is refused, or searches find in it what they find in the whole one.
void same_or_corrupt(const std::filesystem::path& whole, const std::filesystem::path& forged,
                     std::span<const Donor> donors) {
    std::shared_ptr<const Segment> segment;
    try {
        segment = Segment::open(forged, Validate::Full);
    } catch (const Error& error) {
        CHECK_EQ(error.code(), ErrorCode::CorruptFile);
        return;
    }
    const SearchIndex a(Segment::open(whole, Validate::Full), Nomenclature::two_field(), NullPolicy::Explicit);
    const SearchIndex b(segment, Nomenclature::two_field(), NullPolicy::Explicit);
    SearchRequest request;
    request.loci = segment->trie().order;
    request.max_mismatches = 2;
    request.threads = 1;
    for (std::size_t d = 0; d < donors.size(); d += 100) {
        const Phenotype patient = phenotype_of(donors[d]);
        CHECK(a.search(patient, request, Cancel()).rows == b.search(patient, request, Cancel()).rows);
    }
}

TEST(forged_postings) {
    // Checksums that fit: any other value contradicts the trie, and the full check says so.
    std::mt19937 random(30);
    const WithPostings registry(random);
    const auto& [folder, donors, segment, whole, entries] = registry;
    std::size_t forged = 0;
    for (const Entry& entry : entries) {
        const std::string_view name = format::entry_name(entry);
        if (name.substr(0, 9) != "postings." && name != "trie.nodes") continue;
        const std::size_t width = format::element_bytes(entry.element);
        for (int round = 0; round < 30; ++round) {
            Bytes bytes = whole;
            const std::size_t at = entry.offset + random() % (entry.bytes / width) * width;
            const std::uint64_t value = round % 3 == 0 ? any_word(random) : random() % 64;
            std::memcpy(bytes.data() + at, &value, width);
            if (round % 5 == 1) {  // the next one
                std::uint64_t next = 0;
                std::memcpy(&next, whole.data() + at, width);
                std::memcpy(bytes.data() + at, &++next, width);
            }
            // Two neighbours change places.
            if (round % 5 == 0 && at + width < entry.offset + entry.bytes) {
                std::memcpy(bytes.data() + at, whole.data() + at + width, width);
                std::memcpy(bytes.data() + at + width, whole.data() + at, width);
            }
            if (bytes == whole) continue;
            ++forged;
            seal(bytes, head_of(bytes), entries);
            write_bytes(folder / "forged", bytes);
            if (name == "postings.thirds") {
                // Another class may be as true as the first: then nothing is lost by it.
                same_or_corrupt(folder / "whole", folder / "forged", donors);
                continue;
            }
            CHECK_THROWS(CorruptFile, Segment::open(folder / "forged", Validate::Full));
        }
    }
    CHECK(forged > 150);
}

TEST(forged_rows_of_postings) {
    // Every bit of a listed row says what the trie says.
    std::mt19937 random(36);
    const WithPostings registry(random);
    const auto& [folder, donors, segment, whole, entries] = registry;
    const RowLayout::Place last = segment->trie().postings->rows.place(segment->trie().postings->rows.loci() - 1);
    CHECK(segment->trie().postings->rows.loci() == 4U);
    for (const Entry& entry : entries) {
        if (format::entry_name(entry) != "postings.rows") continue;
        for (unsigned bit = 0; bit < last.shift + static_cast<unsigned>(std::bit_width(last.mask)); ++bit) {
            Bytes bytes = whole;
            char& byte = bytes[entry.offset + 5 * sizeof(std::uint64_t) + bit / 8];
            byte = static_cast<char>(byte ^ 1 << bit % 8);
            seal(bytes, head_of(bytes), entries);
            write_bytes(folder / "forged", bytes);
            CHECK_THROWS(CorruptFile, Segment::open(folder / "forged", Validate::Full));
        }
    }
}

TEST(classes_of_typings) {
    const Folder folder;
    std::mt19937 random(32);
    Mix mix = deep_mix();
    mix.first_fields = mix.second_fields = 3;
    const auto segment = segment_of(folder, random_donors(9'000, mix, random), "classes");
    const TrieView& trie = segment->trie();
    CHECK(trie.postings.has_value());
    const std::span<const std::uint8_t> classes = trie.postings->third_classes;
    const DictionaryView& dictionary = segment->dictionary(trie.order[2]);
    CHECK_EQ(classes.size(), dictionary.typing_count());
    CHECK_EQ(classes[0], 0);
    // Typings of the same first fields have one class, and there are enough classes for six pairs of them.
    std::map<std::pair<std::uint16_t, std::uint16_t>, std::set<std::uint8_t>> by_fields;
    for (std::uint32_t t = 1; t < dictionary.typing_count(); ++t) {
        const auto field = [&](PositionId position) {
            return dictionary.names[dictionary.position_names[dictionary.position_offsets[position.value]]].fields[0];
        };
        const PositionPair& pair = dictionary.alternatives(TypingId{t}).front();
        by_fields[std::minmax(field(pair.first), field(pair.second))].insert(classes[t]);
    }
    std::set<std::uint8_t> seen;
    for (const auto& [fields, of_fields] : by_fields) {
        CHECK_EQ(of_fields.size(), 1U);
        CHECK(*of_fields.begin() > 0 && *of_fields.begin() < kTypingClasses);
        seen.insert(*of_fields.begin());
    }
    CHECK_EQ(by_fields.size(), 6U);
    CHECK_EQ(seen.size(), 6U);
    // A class that has no bit is refused at every opening.
    Bytes bytes = read_bytes(folder / "classes");
    for (const Entry& entry : entries_of(bytes)) {
        if (format::entry_name(entry) == "postings.thirds") bytes[entry.offset + 5] = static_cast<char>(kTypingClasses);
    }
    seal(bytes, head_of(bytes), entries_of(bytes));
    write_bytes(folder / "damaged", bytes);
    CHECK_THROWS(CorruptFile, Segment::open(folder / "damaged", Validate::Header));
    // What a node says of the phenotypes below it.
    std::size_t nodes_without = 0;
    for (std::size_t i = 0; i < trie.postings->nodes.size(); ++i) {
        const std::uint32_t node = trie.nodes.group_of(trie.postings->nodes[i]);
        std::uint32_t bits = 0;
        for (std::uint32_t p = trie.levels[1].children[node]; p < trie.levels[1].children[node + 1]; ++p) {
            bits |= std::uint32_t{1} << classes[trie.below.typing(0, p)];
        }
        CHECK_EQ(trie.postings->node_thirds[i], bits);
        nodes_without += std::popcount(bits) < 6 ? 1 : 0;
    }
    CHECK(nodes_without > trie.postings->nodes.size() / 2);
}

TEST(newer_format) {
    const Folder folder;
    const std::vector<Donor> donors = varied_donors(10, 23);
    static_cast<void>(build(folder / "whole", donors));
    Bytes bytes = read_bytes(folder / "whole");
    Head head = head_of(bytes);
    head.version = format::kVersion + 1;
    seal(bytes, head, entries_of(bytes));
    write_bytes(folder / "newer", bytes);
    const std::string message = CHECK_THROWS(NewerFormat, Segment::open(folder / "newer", Validate::Header));
    CHECK(says(message, "version 2"));
    CHECK(says(message, "upgrade allomatch"));
    head.version = 0;
    seal(bytes, head, entries_of(bytes));
    write_bytes(folder / "newer", bytes);
    CHECK_THROWS(CorruptFile, Segment::open(folder / "newer", Validate::Header));
}

// What a registry promises must hold for any file that a Full check lets pass, even one made to deceive.
void use_everything(const std::shared_ptr<const Segment>& segment) {
    std::size_t sum = 0;
    for (std::uint32_t row = 0; row < segment->donor_count(); ++row) {
        sum += segment->donor_id(DonorRow{row}).size() + segment->phenotype_of(DonorRow{row}).value;
        for (std::size_t a = 0; a < kAttributeCount; ++a) sum += attribute_text(*segment, a, row).size();
    }
    for (std::uint32_t p = 0; p < segment->phenotype_count(); ++p) {
        for (std::size_t l = 0; l < kLocusCount; ++l) {
            const auto locus = static_cast<Locus>(l);
            sum += segment->dictionary(locus).typing(segment->typing_of(PhenotypeId{p}, locus)).alternatives.size();
        }
    }
    const SearchIndex index(segment, Nomenclature::two_field(), NullPolicy::Possible);
    SearchRequest request;
    request.max_mismatches = 4;
    request.threads = 1;
    request.loci = {Locus::A, Locus::B, Locus::DRB1};
    sum += index.search(Phenotype::from_gl("A*01:01+A*02:01^B*01:01"), request, Cancel()).rows.size();
    sum += index.unknown_typings().size();
    CHECK(sum < SIZE_MAX);
}

TEST(forged_position_without_names) {
    // Offsets that ascend, and yet a position owns no name: nothing to show when no nomenclature knows it.
    const Folder folder;
    const std::vector<Donor> donors = {donor("1", "A*01:01+A*02:01"), donor("2", "A*03:01+A*02:01")};
    static_cast<void>(build(folder / "whole", donors));
    Bytes bytes = read_bytes(folder / "whole");
    for (const Entry& entry : entries_of(bytes)) {
        if (format::entry_name(entry) == "A.positions.offsets") std::memset(bytes.data() + entry.offset + 4, 0, 4);
    }
    seal(bytes, head_of(bytes), entries_of(bytes));
    write_bytes(folder / "forged", bytes);
    const auto release = small_release("1,A*01:01\n1,A*02:01\n1,A*03:01\n");
    try {
        RegistryBuilder builder;
        builder.require_known(release);
        builder.extend(folder / "forged", Cancel());
    } catch (const Error& error) {
        CHECK(error.code() == ErrorCode::CorruptFile);
    }
}

TEST(forged_blocks) {
    // Random bytes with checksums that fit. Opening may fail in any of our ways; what opens must be safe to use.
    const Folder folder;
    const std::vector<Donor> donors = varied_donors(200, 24);
    static_cast<void>(build(folder / "whole", donors));
    const Bytes whole = read_bytes(folder / "whole");
    const std::vector<Entry> entries = entries_of(whole);
    const auto path = folder / "forged";
    std::mt19937 random(24);
    std::size_t passed = 0;
    std::size_t refused = 0;
    for (int round = 0; round < 1500; ++round) {
        Bytes bytes = whole;
        const Entry& entry = entries[static_cast<std::size_t>(round) % entries.size()];
        if (entry.bytes == 0) continue;
        const std::size_t width = format::element_bytes(entry.element);
        for (int change = 0; change < (round % 3 == 0 ? 3 : 1); ++change) {
            const std::size_t at = entry.offset + random() % (entry.bytes / width) * width;
            // Small steps deceive better than noise does.
            const std::uint64_t value = random() % 3 == 0   ? any_word(random)
                                        : random() % 2 == 0 ? random() % 64
                                                            : 0xffffffffU - random() % 3;
            std::memcpy(bytes.data() + at, &value, width);
        }
        seal(bytes, head_of(bytes), entries);
        write_bytes(path, bytes);
        try {
            use_everything(Segment::open(path, Validate::Full));
            ++passed;
        } catch (const Error& error) {
            CHECK_EQ(error.code(), ErrorCode::CorruptFile);
            ++refused;
        }
    }
    CHECK(passed > 50 && refused > 50);
}

TEST(texts_that_are_not_utf8) {
    const Folder folder;
    std::vector<Donor> donors = varied_donors(20, 25);
    donors[0].attributes[attribute_named("ethnicity")] = "Bê";
    static_cast<void>(build(folder / "whole", donors));
    const Bytes whole = read_bytes(folder / "whole");
    const std::vector<Entry> entries = entries_of(whole);
    std::size_t forged = 0;
    for (const Entry& entry : entries) {
        const std::string_view name = format::entry_name(entry);
        if (entry.bytes == 0 || name.substr(name.size() - std::min<std::size_t>(name.size(), 12)) != ".values.text")
            continue;
        Bytes bytes = whole;
        bytes[entry.offset + entry.bytes - 1] = '\xff';
        seal(bytes, head_of(bytes), entries);
        write_bytes(folder / "forged", bytes);
        const std::string message = CHECK_THROWS(CorruptFile, Segment::open(folder / "forged", Validate::Header));
        CHECK(says(message, std::string(name) + "' is not UTF-8"));
        ++forged;
    }
    CHECK(forged > 1);
}

// Sealed files that a header check must refuse: what it trusts must have the right length.
TEST(blocks_that_do_not_fit_together) {
    std::mt19937 random(34);
    const WithPostings registry(random);
    const auto& [folder, donors, segment, whole, entries] = registry;
    const std::string top = "trie." + std::string(locus_name(segment->trie().order[0])) + ".children";
    std::size_t shortened = 0;
    for (std::size_t e = 0; e < entries.size(); ++e) {
        const std::string_view name = format::entry_name(entries[e]);
        if ((name.substr(0, 5) != "trie." && name.substr(0, 9) != "postings.") || name == "trie.order") continue;
        ++shortened;
        std::vector<Entry> forged = entries;
        forged[e].bytes -= format::element_bytes(entries[e].element);
        Bytes bytes = whole;
        seal(bytes, head_of(bytes), forged);
        write_bytes(folder / "forged", bytes);
        CHECK_THROWS(CorruptFile, Segment::open(folder / "forged", Validate::Header));
        if (name != top) continue;
        // The first locus has no nodes, and the second one has.
        forged = entries;
        forged[e].name[name.size() - 1] = 'x';
        bytes = whole;
        seal(bytes, head_of(bytes), forged);
        write_bytes(folder / "forged", bytes);
        const std::string message = CHECK_THROWS(CorruptFile, Segment::open(folder / "forged", Validate::Header));
        CHECK(says(message, "below a locus without nodes"));
    }
    CHECK_EQ(shortened, 16U);
}

TEST(typings_that_no_dictionary_has) {
    const Folder folder;
    std::mt19937 random(35);
    const std::vector<Donor> donors = random_donors(2'000, deep_mix(), random);
    const auto segment = segment_of(folder, donors, "whole");
    const TrieView& trie = segment->trie();
    const Bytes whole = read_bytes(folder / "whole");
    const std::vector<Entry> entries = entries_of(whole);
    std::size_t forged = 0;
    for (std::size_t l = 0; l < trie.below.loci(); ++l) {
        const RowLayout::Place& at = trie.below.place(l);
        const Locus locus = trie.order[trie.levels.size() + l];
        if (at.mask < segment->dictionary(locus).typing_count()) continue;  // all that fits in the bits is known
        for (const Entry& entry : entries) {
            if (format::entry_name(entry) != "trie.typings") continue;
            Bytes bytes = whole;
            const std::size_t place = entry.offset + (7 * trie.below.stride() + at.word) * sizeof(std::uint64_t);
            std::uint64_t word = 0;
            std::memcpy(&word, bytes.data() + place, sizeof word);
            word |= std::uint64_t{at.mask} << at.shift;
            std::memcpy(bytes.data() + place, &word, sizeof word);
            seal(bytes, head_of(bytes), entries);
            write_bytes(folder / "forged", bytes);
            const std::string message = CHECK_THROWS(CorruptFile, Segment::open(folder / "forged", Validate::Full));
            CHECK(says(message, "a typing of " + std::string(locus_name(locus)) + " is unknown"));
            const auto trusted = Segment::open(folder / "forged", Validate::Header);
            CHECK_THROWS(CorruptFile, trusted->typing_of(PhenotypeId{7}, locus));
            ++forged;
        }
    }
    CHECK(forged > 0);
}

TEST(searches_of_a_file_whose_blocks_nobody_checked) {
    // A header check trusts the long blocks. A search across damage in them may find anything or say CorruptFile, no
    // more.
    std::mt19937 random(28);
    const WithPostings registry(random, true);
    const auto& [folder, donors, whole_segment, whole, entries] = registry;
    std::vector<Entry> trusted;
    for (const Entry& entry : entries) {
        const std::string_view name = format::entry_name(entry);
        const bool children = name.find(".children") != std::string_view::npos;
        if (entry.bytes > 8 && (name.substr(0, 5) == "trie." || name.substr(0, 9) == "postings." ||
                                name == "donors.ranks" || name == "donors.ids.offsets")) {
            trusted.push_back(entry);
            if (children) trusted.push_back(entry);
        }
    }
    std::size_t refused = 0;
    std::size_t answered = 0;
    for (int round = 0; round < 1'200; ++round) {
        Bytes bytes = whole;
        const Entry& entry = trusted[static_cast<std::size_t>(round) % trusted.size()];
        const std::size_t width = format::element_bytes(entry.element);
        if (width < 4) continue;
        for (int change = 0; change < 20; ++change) {
            const std::size_t at = entry.offset + random() % (entry.bytes / width) * width;
            const std::uint64_t value = random() % 3 == 0   ? any_word(random)
                                        : random() % 2 == 0 ? random() % 2000
                                                            : 0xffffffffU - random() % 3;
            std::memcpy(bytes.data() + at, &value, width);
        }
        write_bytes(folder / "damaged", bytes);
        try {
            const auto segment = Segment::open(folder / "damaged", Validate::Header);
            const SearchIndex index(segment, Nomenclature::two_field(), NullPolicy::Explicit);
            SearchRequest request;
            request.loci = {Locus::A, Locus::B, Locus::C, Locus::DRB1, Locus::DQB1};
            request.loci.resize(1 + random() % request.loci.size());
            request.max_mismatches = static_cast<unsigned>(random() % 5);
            request.threads = 1 + static_cast<unsigned>(random() % 2);
            const SearchResult result = index.search(phenotype_of(donors[random() % donors.size()]), request, Cancel());
            for (const DonorRow row : result.rows) static_cast<void>(segment->donor_id(row));
            ++answered;
        } catch (const Error& error) {
            CHECK_EQ(error.code(), ErrorCode::CorruptFile);
            ++refused;
        }
    }
    CHECK(refused > 50 && answered > 50);
}

TEST(forged_directory) {
    // Blocks that lie elsewhere, are of another length, type or name, are missing or there twice.
    const Folder folder;
    const std::vector<Donor> donors = varied_donors(200, 25);
    static_cast<void>(build(folder / "whole", donors));
    const Bytes whole = read_bytes(folder / "whole");
    const std::vector<Entry> entries = entries_of(whole);
    const auto path = folder / "forged";
    std::mt19937 random(25);
    for (int round = 0; round < 1500; ++round) {
        Bytes bytes = whole;
        Head head = head_of(bytes);
        std::vector<Entry> changed = entries;
        Entry& entry = changed[static_cast<std::size_t>(round) % entries.size()];
        switch (random() % 7) {
            case 0:
                entry.offset = random() % 2 == 0 ? random() : random() % (whole.size() / 64 + 2) * 64;
                break;
            case 1:
                entry.bytes = random() % 3 == 0   ? (std::uint64_t{random()} << 32U | random())
                              : random() % 3 == 1 ? 0
                                                  : entry.bytes - entry.bytes / 2;
                break;
            case 2:
                entry.bytes += static_cast<std::uint64_t>(random() % 3) * 4 - 4;
                break;
            case 3:
                entry.element = static_cast<format::Element>(random() % 8);
                break;
            case 4:
                entry.name = entries[random() % entries.size()].name;
                break;
            case 5:
                entry.name.fill('x');
                break;
            default:
                head.donor_count = random() % 2 == 0 ? random() : UINT64_MAX;
        }
        seal(bytes, head, changed);
        write_bytes(path, bytes);
        for (const Validate validate : {Validate::Header, Validate::Full}) {
            try {
                const auto segment = Segment::open(path, validate);
                if (validate == Validate::Full) use_everything(segment);
            } catch (const Error& error) {
                CHECK_EQ(error.code(), ErrorCode::CorruptFile);
            }
        }
    }
    // A directory that is not where the head says.
    for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{63}, std::uint64_t{whole.size()},
                                       std::uint64_t{whole.size() + 64}, UINT64_MAX - 63}) {
        Bytes bytes = whole;
        Head head = head_of(bytes);
        head.directory_offset = offset;
        seal(bytes, head, entries);
        write_bytes(path, bytes);
        CHECK(outcome(path, Validate::Full) == ErrorCode::CorruptFile);
    }
    for (const std::uint32_t count : {0U, 1U, 0xffffffffU}) {
        Bytes bytes = whole;
        Head head = head_of(bytes);
        head.block_count = count;
        seal(bytes, head, entries);
        write_bytes(path, bytes);
        CHECK(outcome(path, Validate::Header) == ErrorCode::CorruptFile);
    }
}

// ---- files as such
// --------------------------------------------------------------------------------------------------------

TEST(nothing_is_left_behind) {
    const Folder folder;
    const std::vector<Donor> donors = varied_donors(100, 26);
    // Interrupted.
    {
        RegistryBuilder builder;
        std::vector<RowError> errors;
        std::vector<RowWarning> warnings;
        add_all(builder, donors, {}, errors);
        CHECK_THROWS(Interrupted,
                     builder.finish(folder / "new", false, 2, Cancel([] { return true; }), errors, warnings));
        CHECK_EQ(folder.names(), std::vector<std::string>{});
    }
    {
        RegistryBuilder builder;
        std::vector<RowError> errors;
        Batch batch(donors, 0, {});
        CHECK_THROWS(Interrupted, builder.add_batch(batch.view(), 2, Cancel([] { return true; }), errors));
    }
    // The name is taken, and was not to be replaced.
    static_cast<void>(build(folder / "taken", donors));
    const Bytes before = read_bytes(folder / "taken");
    CHECK_THROWS(AlreadyExists, build(folder / "taken", {}));
    CHECK(read_bytes(folder / "taken") == before);
    CHECK_EQ(folder.names(), std::vector<std::string>{"taken"});
    CHECK_THROWS(FileNotFound, build(folder / "no" / "folder", donors));
    // A name that cannot be replaced by a file.
    std::filesystem::create_directory(folder / "folder");
    write_bytes(folder / "folder" / "inside", Bytes{'x'});
    CHECK_THROWS(IoFailed, build(folder / "folder", donors, {{}, SIZE_MAX, 1, true}));
    CHECK_EQ(folder.names(), (std::vector<std::string>{"folder", "taken"}));
    // Interrupted on the way to replacing: the old one stays.
    RegistryBuilder builder;
    std::vector<RowError> errors;
    std::vector<RowWarning> warnings;
    builder.extend(folder / "taken", Cancel());
    CHECK_THROWS(Interrupted, builder.finish(folder / "taken", true, 1, Cancel([] { return true; }), errors, warnings));
    CHECK(read_bytes(folder / "taken") == before);
    CHECK_EQ(folder.names(), (std::vector<std::string>{"folder", "taken"}));
}

TEST(files_are_private) {
    const Folder folder;
    const auto mode = [](const std::filesystem::path& path) {
        struct stat status{};
        CHECK_EQ(::stat(path.c_str(), &status), 0);
        return status.st_mode & 07777U;
    };
    const mode_t before = ::umask(0);
    static_cast<void>(build(folder / "new", {}));
    CHECK_EQ(mode(folder / "new"), 0600U);
    // One that is replaced stays open to whom it was open before.
    static_cast<void>(build(folder / "new", {}, {{}, SIZE_MAX, 1, true}));
    CHECK_EQ(mode(folder / "new"), 0600U);
    std::filesystem::permissions(folder / "new", std::filesystem::perms{0640});
    static_cast<void>(build(folder / "new", {}, {{}, SIZE_MAX, 1, true}));
    CHECK_EQ(mode(folder / "new"), 0640U);
    ::umask(before);
}

TEST(new_files) {
    const Folder folder;
    const auto text = [](std::string_view chars) { return std::as_bytes(std::span(chars)); };
    {
        NewFile file(folder / "abandoned");
        file.append(text("something"));
        CHECK_EQ(file.size(), 9U);
    }
    CHECK_EQ(folder.names(), std::vector<std::string>{});
    {
        NewFile file(folder / "whole");
        file.append(text("12345678"));
        file.append(text("9"));
        file.write_at(2, text("xx"));
        CHECK_EQ(file.size(), 9U);
        file.commit(false);
    }
    CHECK_EQ(folder.names(), std::vector<std::string>{"whole"});
    const Bytes bytes = read_bytes(folder / "whole");
    CHECK_EQ(std::string(bytes.begin(), bytes.end()), "12xx56789");
    {
        NewFile file(folder / "whole");
        CHECK_THROWS(AlreadyExists, file.commit(false));
        file.commit(true);
    }
    CHECK_EQ(std::filesystem::file_size(folder / "whole"), 0U);
    CHECK(MappedFile(folder / "whole").bytes().empty());
    CHECK_THROWS(FileNotFound, MappedFile(folder / "nothing"));
    CHECK_THROWS(FileNotFound, FileLock(folder / "nothing"));
    {
        const FileLock lock(folder / "whole");
        CHECK_THROWS(AlreadyExists, FileLock(folder / "whole"));
    }
    const FileLock lock(folder / "whole");
}
