// Phenotypes: reading of typings, their canonical form, the limits, GL strings; dictionaries and what they mean.
#include <algorithm>
#include <random>
#include <set>

#include "allomatch/phenotype.hpp"
#include "check.hpp"
#include "support.hpp"
#include "typing_interner.hpp"

using namespace allomatch;

namespace {

std::string canonical(std::string_view text) {
    return to_text(Locus::A, parse_typing(Locus::A, text));
}
std::string pair_text(std::string_view first, std::string_view second) {
    return to_text(Locus::A, parse_pair(Locus::A, first, second));
}
std::string position_text(std::string_view text) {
    return to_text(Locus::A, parse_position(Locus::A, text));
}
bool says(const std::string& message, std::string_view part) {
    return message.find(part) != std::string::npos;
}

std::string repeated(std::string_view part, std::size_t times) {
    std::string text;
    for (std::size_t i = 0; i < times; ++i) text += part;
    return text;
}

}  // namespace

TEST(positions) {
    CHECK_EQ(position_text("A*02:01"), "A*02:01");
    CHECK_EQ(position_text(" hla-a*02:01 "), "A*02:01");
    CHECK_EQ(position_text("02:01"), "A*02:01");
    CHECK_EQ(position_text("A*02:06/A*02:01/02:06"), "A*02:01/A*02:06");
    CHECK_EQ(position_text("A*01:01 / A*02:XX"), "A*01:01/A*02:XX");
    // A short item inherits the first field of the item before it, of whatever kind that is.
    CHECK_EQ(position_text("A*01:01/02/07"), "A*01:01/A*01:02/A*01:07");
    CHECK_EQ(position_text("01:01/11N"), "A*01:01/A*01:11N");
    CHECK_EQ(position_text("A*01:01/A*02:05/06"), "A*01:01/A*02:05/A*02:06");
    CHECK_EQ(position_text("A*01:01:01G/02"), "A*01:01:01G/A*01:02");
    CHECK_EQ(position_text("A*01:XX/02"), "A*01:XX/A*01:02");
    CHECK_EQ(position_text("A*01:01/100"), "A*01:01/A*01:100");
    for (const char* bad : {"", "/", "A*01:01/", "/A*01:01", "A*01:01//A*01:02", "A*01:01/1", "A*01:01/00",
                            "A*01:01/02N1", "A*01:01/B*01:02", "A*01:01+A*01:02", "A*01:01/02:"}) {
        CHECK_THROWS(MalformedTyping, parse_position(Locus::A, bad));
    }
    const std::string message = CHECK_THROWS(MalformedTyping, parse_position(Locus::DRB1, "DRB1*04:01/\n"));
    CHECK(says(message, "DRB1*04:01/\\x0a"));
    CHECK(says(message, "at locus DRB1"));
}

TEST(pairs) {
    CHECK_EQ(pair_text("02:01", "01:01"), "A*01:01+A*02:01");
    CHECK_EQ(pair_text("02:01", ""), "A*02:01+A*02:01");
    CHECK_EQ(pair_text(" 02:01\t", " \r\n"), "A*02:01+A*02:01");
    CHECK_EQ(pair_text("A*02:01/A*02:06", "A*02:01"), "A*02:01+A*02:01/A*02:06");
    CHECK(parse_pair(Locus::A, "", "").untyped());
    CHECK(parse_pair(Locus::A, " ", "\t").untyped());
    CHECK(says(CHECK_THROWS(MalformedTyping, parse_pair(Locus::A, "", "02:01")), "leave the second one blank"));
    CHECK(parse_pair(Locus::A, "01:01", "02:01") == parse_pair(Locus::A, "HLA-A*02:01", "a*01:01"));
}

TEST(genotype_lists) {
    CHECK_EQ(canonical("A*02:01+A*01:01"), "A*01:01+A*02:01");
    CHECK_EQ(canonical("A*02:01"), "A*02:01+A*02:01");
    CHECK_EQ(canonical("A*02:01+"), "A*02:01+A*02:01");
    CHECK_EQ(canonical("  "), "");
    CHECK_EQ(canonical("A*01:03+A*24:03|A*01:02/A*01:01+A*24:02"), "A*01:01/A*01:02+A*24:02|A*01:03+A*24:03");
    // The same genotype twice, once the other way round, is one.
    CHECK_EQ(canonical("A*02:01+A*01:01|A*01:01+A*02:01"), "A*01:01+A*02:01");
    // Alternatives are not mixed: two genotypes are not a pair of strings.
    CHECK(parse_typing(Locus::A, "A*01:01+A*02:01|A*03:01+A*11:01") !=
          parse_typing(Locus::A, "A*01:01/A*03:01+A*02:01/A*11:01"));
    for (const char* bad : {"|", "A*01:01|", "|A*01:01", "+", "+A*01:01", "A*01:01||A*02:01", "A*01:01+A*02:01|+"}) {
        CHECK_THROWS(MalformedTyping, parse_typing(Locus::A, bad));
    }
    const std::string message = CHECK_THROWS(TooManyAlleles, parse_typing(Locus::A, "A*01:01+A*02:01+A*03:01"));
    CHECK(says(message, "3 positions"));
    CHECK(says(message, "locus A"));
    CHECK_THROWS(TooManyAlleles, parse_typing(Locus::A, "A*01:01|A*01:01+A*02:01+A*03:01+A*04:01"));
}

TEST(limits) {
    // "01:01/01:01/..." of exactly the longest text, and one more.
    const std::string most = "01:01" + repeated("/01:01", (kMaxTypingText - 5) / 6);
    const std::string exact = std::string(kMaxTypingText - most.size(), ' ') + most;
    CHECK_EQ(exact.size(), kMaxTypingText);
    CHECK_EQ(position_text(exact), "A*01:01");
    CHECK_EQ(canonical(exact), "A*01:01+A*01:01");
    const std::string message = CHECK_THROWS(TypingTooLong, parse_position(Locus::B, exact + " "));
    CHECK(says(message, "65537"));
    CHECK(says(message, "locus B"));
    CHECK(message.size() < 400);
    CHECK_THROWS(TypingTooLong, parse_typing(Locus::A, exact + " "));
    CHECK_THROWS(TypingTooLong, parse_pair(Locus::A, "01:01", most + "/01:01"));
    // The number of loci bounds the parts of a GL string, phased ones too (seconds, were they compared with each
    // other).
    const std::string phased = "A*01:01~B*07:02+A*02:01~B*08:01";
    const std::string parts = CHECK_THROWS(LocusTwice, Phenotype::from_gl(repeated(phased + "^", 1'000'000) + phased));
    CHECK(says(parts, "more than 12 parts"));
    CHECK(parts.size() < 400);
    CHECK_THROWS(TypingTooLong,
                 Phenotype::from_gl("A*01:01~B*07:02" + repeated("/07:02", 20'000) + "+A*02:01~B*08:01"));
    CHECK_THROWS(LocusTwice, Phenotype::from_gl("A*01:01" + repeated("~B*07:02", 8'000) + "+A*02:01~B*08:01"));
    // As many distinct names as fit.
    std::string distinct;
    std::size_t count = 0;
    for (int field = 10; distinct.size() < 60'000 && field < 10'000; ++field, ++count) {
        distinct += (distinct.empty() ? "01:" : "/") + std::to_string(field);
    }
    CHECK_EQ(parse_position(Locus::A, distinct).names.size(), count);
    // An error shows of a value what a log can bear.
    CHECK(CHECK_THROWS(MalformedTyping, parse_typing(Locus::A, repeated("x", 60'000))).size() < 400);
}

TEST(interned_texts_read_as_parsed) {
    const std::string longest = repeated("01:01/", (kMaxTypingText - 11) / 6) + "01:01";
    const std::vector<std::string> texts{"A*01:01+A*02:01",
                                         "A*02:01+A*01:01",
                                         " A*01:01 + 02:01 ",
                                         "A*01:01",
                                         "A*01:01+",
                                         "+A*01:01",
                                         "+",
                                         "",
                                         "A*01:01+A*02:01+A*03:01",
                                         "A*01:01+A*02:01|A*01:02+A*02:05",
                                         "A*01:01|A*02:01+A*03:01",
                                         "A*01:01+A*02:01|A*03:01",
                                         "A*01:01/A*01:02+A*02:01",
                                         "A*01:01+A*02:",
                                         "B*07:02+A*01:01",
                                         "A*01:01+B*07:02",
                                         "A*01:01/+A*02:01",
                                         longest + "+02:01",
                                         longest + "+02:01 ",
                                         longest + "+02:01/03:01/05:01"};
    // The typing, or why there is none.
    const auto outcome = [](auto read) -> std::string {
        try {
            return to_text(Locus::A, read());
        } catch (const Error& error) {
            return error.what();
        }
    };
    TypingInterner interner(Locus::A);
    for (int time = 0; time < 2; ++time) {  // the second time from memory
        for (const std::string& text : texts) {
            CHECK_EQ(outcome([&] { return interner.typing_of(interner.gl(text)); }),
                     outcome([&] { return parse_typing(Locus::A, text); }));
        }
    }
}

TEST(alternatives_in_phase) {
    const Phenotype person = Phenotype::from_gl("A*02:01~B*08:01+A*01:01~B*07:02|B*08:01~A*01:01+A*02:01~B*07:02");
    CHECK_EQ(person.to_gl(), "A*01:01~B*07:02+A*02:01~B*08:01|A*01:01~B*08:01+A*02:01~B*07:02");
    CHECK_EQ(person.phases().front().alternatives.size(), 2U);
    CHECK_EQ(person[Locus::A].alternatives.size(), 1U);
    CHECK(person == Phenotype::from_gl(person.to_gl() + "|A*01:01~B*07:02+A*02:01~B*08:01"));
    // One gene of DRB345 on all haplotypes is that locus, else they are one locus.
    CHECK(!Phenotype::from_gl("B*07:02~DRB3*01:01|B*08:01~DRB3*02:02")[Locus::DRB3].untyped());
    CHECK(!Phenotype::from_gl("B*07:02~DRB3*01:01|B*08:01~DRB4*01:01")[Locus::DRB345].untyped());
    CHECK_THROWS(MalformedTyping, Phenotype::from_gl("A*01:01~B*07:02|A*01:01~C*07:02"));
    CHECK_THROWS(MalformedTyping, Phenotype::from_gl("A*01:01~B*07:02|"));
    CHECK_THROWS(TooManyAlleles, Phenotype::from_gl("A*01:01~B*07:02|A*01:01~B*07:02+A*01:01~B*07:02+A*01:01~B*07:02"));
    CHECK_THROWS(LocusTwice, Phenotype::from_gl("A*01:01~B*07:02|A*01:01~B*07:02~B*08:01"));
}

TEST(both_positions_of_one_gene) {
    const auto read = [](std::string_view text) { return Phenotype::from_gl(text); };
    const auto drb345 = [&](std::string_view text) { return to_text(Locus::DRB345, read(text)[Locus::DRB345]); };
    CHECK_EQ(drb345("DRB3*02:02+DRB3*01:01"), "DRB3*01:01+DRB3*02:02");
    CHECK_EQ(drb345("DRB3*01:01+DRB3*01:01"), "DRB3*01:01+DRB3*01:01");
    CHECK_EQ(drb345("DRB4*01:03+DRB4*01:03^DRB3*NNNN"), "DRB4*01:03+DRB4*01:03");
    CHECK_EQ(drb345("DRB1*03:01~DRB3*01:01+DRB1*11:01~DRB3*01:01"), "DRB3*01:01+DRB3*01:01");
    // A second position that was not said, absence, and another gene leave the other chromosome open.
    for (const char* open : {"DRB3*01:01", "DRB3*01:01+ ", "DRB3*01:01+DRB3*02:02|DRB3*01:01", "DRB3*01:01+DRB3*NNNN",
                             "DRB3*01:01+DRB3*02:02^DRB4*01:03", "DRB3*NNNN+DRB3*NNNN"}) {
        CHECK_EQ(drb345(open), "");
        CHECK(read(read(open).to_gl()) == read(open));
    }
    CHECK_EQ(read("DRB3*01:01+").to_gl(), "DRB3*01:01");
    CHECK_EQ(read("DRB3*01:01+DRB3*01:01").to_gl(), "DRB3*01:01+DRB3*01:01");

    const auto of = [](Locus locus, std::string_view first, std::string_view second) {
        return PairText{locus, first, second};
    };
    const std::array one{of(Locus::DRB345, "DRB3*02:02", "DRB3*01:01")};
    CHECK(Phenotype::from_pairs(one) == read("DRB3*01:01+DRB3*02:02"));
    const std::array half{of(Locus::DRB3, "01:01", "")};
    CHECK(Phenotype::from_pairs(half) == read("DRB3*01:01"));
    const std::array two{one[0], of(Locus::DRB4, "01:03", "")};
    CHECK(says(CHECK_THROWS(LocusTwice, Phenotype::from_pairs(two)), "'DRB3*01:01+DRB3*02:02'"));
    const std::array unlike{one[0], of(Locus::DRB3, "01:01", "")};
    CHECK_THROWS(LocusTwice, Phenotype::from_pairs(unlike));
    // Of a registry it is not known whether a second position was said.
    std::array<Typing, kLocusCount> typings;
    typings[index_of(Locus::DRB3)] = parse_pair(Locus::DRB3, "01:01", "01:01");
    CHECK_EQ(Phenotype::from_typings(typings).to_gl(), "DRB3*01:01");
    typings[index_of(Locus::DRB3)] = parse_pair(Locus::DRB3, "01:01", "02:02");
    CHECK(Phenotype::from_typings(typings) == read("DRB3*01:01+DRB3*02:02"));
}

TEST(gl_strings) {
    const Phenotype person = Phenotype::from_gl("B*44:02+B*08:01^hla-A*02:01+A*01:01^DRB1*04:XX");
    CHECK_EQ(person.to_gl(), "A*01:01+A*02:01^B*08:01+B*44:02^DRB1*04:XX+DRB1*04:XX");
    CHECK(person == Phenotype::from_gl(person.to_gl()));
    CHECK(person[Locus::C].untyped());
    CHECK(!person[Locus::B].untyped());
    CHECK_EQ(Phenotype::from_gl("").to_gl(), "");
    CHECK_EQ(Phenotype::from_gl(" \n").to_gl(), "");
    // Every locus, in the order of the loci whatever the order given.
    std::string all;
    std::string turned;
    for (std::size_t l = 0; l < kLocusCount; ++l) {
        const auto locus = static_cast<Locus>(l);
        const std::string one = std::string(locus_name(locus)) + "*01:01";
        const std::string part = locus == Locus::DRB345 ? "DRB3*01:01+DRB5*01:01" : one + "+" + one;
        all += (l == 0 ? "" : "^") + part;
        turned = part + (l == 0 ? "" : "^") + turned;
    }
    CHECK_EQ(Phenotype::from_gl(turned).to_gl(), all);

    CHECK(says(CHECK_THROWS(LocusTwice, Phenotype::from_gl("A*01:01^B*08:01^a*02:01")), "'a*02:01'"));
    CHECK(says(CHECK_THROWS(UnknownLocus, Phenotype::from_gl("A*01:01^E*01:01")), "'E'"));
    CHECK(says(CHECK_THROWS(MalformedTyping, Phenotype::from_gl("A*01:01^02:01")), "'02:01' names no locus"));
    CHECK(says(CHECK_THROWS(MalformedTyping, Phenotype::from_gl("DRB345*01:01+DRB345*02:02")), "which of DRB3"));
    for (const char* bad :
         {"^", "A*01:01^", "^A*01:01", "A*01:01^^B*08:01", "01:01", "*01:01", "A*", "A*01:01+B*08:01"}) {
        CHECK_THROWS(MalformedTyping, Phenotype::from_gl(bad));
    }
}

TEST(canonical_form_of_random_typings) {
    // However a typing is written, the value is the same, and its text reads back as itself.
    std::mt19937 random(6);
    const std::vector<std::string> pool = {"01:01", "01:02",     "01:11N",      "02:01",  "02:06", "02:XX",
                                           "03:01", "01:01:01G", "01:01:01:01", "02:01P", "24:02", "100:1000"};
    const auto written = [&](std::string text) {
        if (random() % 2 == 0) text.insert(0, random() % 2 == 0 ? "A*" : "HLA-A*");
        if (random() % 2 == 0) {
            for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        }
        const std::string blanks(random() % 2, ' ');
        return blanks + text + blanks;
    };
    using Alleles = std::vector<std::string>;
    for (int round = 0; round < 500; ++round) {
        std::vector<std::array<Alleles, 2>> genotypes(1 + random() % 4);
        for (auto& genotype : genotypes) {
            for (Alleles& position : genotype) {
                for (std::size_t i = 1 + random() % 4; i > 0; --i) position.push_back(pool[random() % pool.size()]);
            }
        }
        std::set<std::string> texts;
        Typing first;
        for (int way = 0; way < 4; ++way) {
            std::shuffle(genotypes.begin(), genotypes.end(), random);
            std::string text;
            for (auto& genotype : genotypes) {
                std::shuffle(genotype.begin(), genotype.end(), random);
                std::string both;
                for (Alleles& position : genotype) {
                    std::shuffle(position.begin(), position.end(), random);
                    std::string one;
                    for (const std::string& allele : position)
                        one.append(one.empty() ? "" : "/").append(written(allele));
                    both.append(both.empty() ? "" : "+").append(one);
                }
                text.append(text.empty() ? "" : "|").append(both);
            }
            const Typing typing = parse_typing(Locus::A, text);
            texts.insert(to_text(Locus::A, typing));
            if (way == 0) first = typing;
            CHECK(typing == first);
        }
        CHECK_EQ(texts.size(), 1U);
        CHECK(parse_typing(Locus::A, *texts.begin()) == first);
    }
}

TEST(dictionary) {
    std::vector<Typing> typings;
    for (const char* text :
         {"A*01:01+A*02:01", "A*02:01", "A*01:01/A*01:02+A*02:01|A*03:01+A*11:01", "", "A*01:01+A*02:01"}) {
        typings.push_back(parse_typing(Locus::A, text));
    }
    const Dictionary dictionary(Locus::A, typings);
    const DictionaryView view = dictionary.view();
    CHECK(view.locus == Locus::A);
    CHECK_EQ(view.typing_count(), typings.size() + 1);
    CHECK(view.typing(kUntyped).untyped());
    for (std::uint32_t t = 0; t < typings.size(); ++t) CHECK(view.typing(TypingId{t + 1}) == typings[t]);
    CHECK_EQ(view.names.size(), 5U);  // 01:01, 01:02, 02:01, 03:01, 11:01
    CHECK_EQ(view.position_count(), 5U);
    CHECK(view.alternatives(TypingId{1})[0] == view.alternatives(TypingId{5})[0]);
}

TEST(interpretation) {
    const auto nomenclature =
        support::small_release("1,A*01:01:01:01\n1,A*01:02\n1,A*01:11N\n1,A*02:01\n1,A*03:01\n",
                               "A*;01:01:01:01/01:02;01:01P\n", "A*;01:01:01:01/01:11N;01:01:01G\n");
    std::vector<Typing> typings;
    for (const char* text :
         {"A*01:01+A*01:02", "A*01:11N+A*02:01/A*01:11N", "A*01:XX+A*01:01:01G", "A*09:01+A*02:01/A*09:02"}) {
        typings.push_back(parse_typing(Locus::A, text));
    }
    const Dictionary dictionary(Locus::A, typings);
    const DictionaryView view = dictionary.view();
    const Interpretation meaning(*nomenclature, view);
    const auto groups_of = [&](const GroupSet& set) {
        std::set<std::string> groups;
        for (std::uint32_t g = 0; g < meaning.space().size(); ++g) {
            const std::uint32_t word = g / 64;
            if (word < set.first_word || word >= set.first_word + set.words.size()) continue;
            if ((set.words[word - set.first_word] >> (g % 64) & 1U) != 0)
                groups.insert(meaning.space().group_text(GroupId{g}));
        }
        return groups;
    };
    const auto position = [&](std::uint32_t typing, bool second) {
        const PositionPair pair = view.alternatives(TypingId{typing})[0];
        return meaning.position(second ? pair.second : pair.first);
    };
    using Texts = std::set<std::string>;
    CHECK_EQ(groups_of(position(1, false).groups), Texts{"A*01:01P"});
    CHECK_EQ(groups_of(position(1, true).groups), Texts{"A*01:01P"});
    const PositionMeaning null = position(2, false);
    CHECK(null.known && null.may_be_null && null.groups.empty());
    const PositionMeaning maybe = position(2, true);
    CHECK(maybe.known && maybe.may_be_null);
    CHECK_EQ(groups_of(maybe.groups), Texts{"A*02:01"});
    CHECK_EQ(groups_of(position(3, true).groups), Texts{"A*01:01P"});
    CHECK(position(3, false).may_be_null && position(3, true).may_be_null);
    // A name that the release lacks is dropped beside a known one; alone it leaves the position open, and says so.
    const PositionMeaning unknown = position(4, true);
    CHECK(!unknown.known);
    CHECK_EQ(groups_of(unknown.groups), groups_of(meaning.anything().groups));
    CHECK(position(4, false).known);
    CHECK_EQ(groups_of(position(4, false).groups), Texts{"A*02:01"});
    CHECK(!meaning.all_known());

    // The inverted index says what the positions say.
    CHECK_EQ(meaning.position_count(), view.position_count());
    for (std::uint32_t g = 0; g < meaning.space().size(); ++g) {
        std::vector<std::uint32_t> expected;
        for (std::uint32_t p = 0; p < view.position_count(); ++p) {
            const GroupSet set = meaning.position(PositionId{p}).groups;
            const std::uint32_t word = g / 64;
            if (word >= set.first_word && word < set.first_word + set.words.size() &&
                (set.words[word - set.first_word] >> (g % 64) & 1U) != 0) {
                expected.push_back(p);
            }
        }
        std::vector<std::uint32_t> found;
        for (const PositionId p : meaning.positions_with(GroupId{g})) found.push_back(p.value);
        CHECK_EQ(found, expected);
    }
}

TEST(interpretation_shares_one_space) {
    // A patient read in the donors' space has the donors' numbers; a name outside needs a space of its own.
    const auto open_world = Nomenclature::two_field();
    const std::vector<Typing> donors = {parse_typing(Locus::A, "A*02:01+A*03:XX")};
    const Dictionary dictionary(Locus::A, donors);
    const Interpretation shared(*open_world, dictionary.view());
    const std::vector<Typing> patient = {parse_typing(Locus::A, "A*02:01:01")};
    const Dictionary own(Locus::A, patient);
    CHECK(shared.space().covers(own.view().names[0]));
    CHECK(!shared.space().covers(parse_name(Locus::A, "02:02")));
    CHECK(!shared.space().covers(parse_name(Locus::A, "04:XX")));
    CHECK(!shared.space().covers(parse_name(Locus::A, "03:01")));
    const Interpretation meaning(shared.space(), own.view());
    const GroupSet a = shared.position(dictionary.view().alternatives(TypingId{1})[0].first).groups;
    const GroupSet b = meaning.position(PositionId{0}).groups;
    CHECK_EQ(a.first_word, b.first_word);
    CHECK(std::equal(a.words.begin(), a.words.end(), b.words.begin(), b.words.end()));
    const std::vector<Name> also = {parse_name(Locus::A, "02:02")};
    CHECK(Interpretation(*open_world, dictionary.view(), also).space().covers(also[0]));
    CHECK(shared.all_known());
}
