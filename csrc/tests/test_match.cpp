// The counting rules: the table of SEMANTICS section 2 by hand, and `count` and `least_by_overlap` against a loop over
// every resolution of both sides, which is what the rules say in words.
#include <algorithm>
#include <optional>
#include <random>
#include <set>

#include "allomatch/match.hpp"
#include "allomatch/search.hpp"
#include "check.hpp"
#include "support.hpp"

using namespace allomatch;

namespace {

// ---- the rules as they are written
// ----------------------------------------------------------------------------------------

// A resolved locus: two antigens, or none where both positions are null.
using Resolution = std::optional<std::array<unsigned, 2>>;

struct Mismatches {
    unsigned both, gvh, hvg;
};

Mismatches compare(const Resolution& patient, const Resolution& donor) {
    if (!patient && !donor) return {0, 0, 0};
    const auto antigens = [](const Resolution& r) {
        return r ? std::set<unsigned>(r->begin(), r->end()) : std::set<unsigned>();
    };
    const auto lacking = [&](const Resolution& of, const Resolution& in) {
        const auto have = antigens(in);
        unsigned count = 0;
        for (const unsigned antigen : antigens(of)) count += have.contains(antigen) ? 0 : 1;
        return count;
    };
    unsigned matches = 0;
    if (patient && donor) {
        const auto [p1, p2] = *patient;
        const auto [d1, d2] = *donor;
        matches = std::max(unsigned{p1 == d1} + unsigned{p2 == d2}, unsigned{p1 == d2} + unsigned{p2 == d1});
    }
    return {2 - matches, lacking(patient, donor), lacking(donor, patient)};
}

using Set = std::set<unsigned>;
struct PlainGenotype {
    GenotypeKind kind;
    Set first, second;
};

std::vector<Resolution> resolutions(const PlainGenotype& genotype) {
    if (genotype.kind == GenotypeKind::Nothing) return {std::nullopt};
    std::vector<Resolution> all;
    for (const unsigned x : genotype.first) {
        if (genotype.kind == GenotypeKind::Homozygous) {
            all.push_back(std::array{x, x});
            continue;
        }
        for (const unsigned y : genotype.second) all.push_back(std::array{x, y});
    }
    return all;
}

Counts count_every_resolution(const std::vector<PlainGenotype>& patient, const std::vector<PlainGenotype>& donor) {
    Counts counts{2, 0, 2, 0, 2, 0};
    const auto widen = [](std::uint8_t& least, std::uint8_t& greatest, unsigned value) {
        least = static_cast<std::uint8_t>(std::min<unsigned>(least, value));
        greatest = static_cast<std::uint8_t>(std::max<unsigned>(greatest, value));
    };
    for (const auto& p : patient) {
        for (const auto& d : donor) {
            for (const Resolution& rp : resolutions(p)) {
                for (const Resolution& rd : resolutions(d)) {
                    const Mismatches m = compare(rp, rd);
                    widen(counts.least, counts.greatest, m.both);
                    widen(counts.gvh_least, counts.gvh_greatest, m.gvh);
                    widen(counts.hvg_least, counts.hvg_greatest, m.hvg);
                }
            }
        }
    }
    return counts;
}

// ---- sets as the core has them
// --------------------------------------------------------------------------------------------

// Owns the words of a set, trimmed like an Interpretation's. Groups are spread out, so that sets begin at different
// words.
class Bits {
  public:
    Bits(const Set& set, unsigned spread) {
        if (set.empty()) return;
        first_word_ = *set.begin() * spread / 64;
        words_.resize(*set.rbegin() * spread / 64 - first_word_ + 1);
        for (const unsigned g : set) words_[g * spread / 64 - first_word_] |= std::uint64_t{1} << (g * spread % 64);
    }
    [[nodiscard]] GroupSet view() const { return {first_word_, words_}; }

  private:
    std::uint32_t first_word_ = 0;
    std::vector<std::uint64_t> words_;
};

class Genotypes {
  public:
    Genotypes(const std::vector<PlainGenotype>& plain, unsigned spread) {
        bits_.reserve(plain.size() * 2);
        for (const PlainGenotype& genotype : plain) {
            GenotypeSets sets{genotype.kind, {}, {}};
            if (genotype.kind != GenotypeKind::Nothing) sets.first = bits_.emplace_back(genotype.first, spread).view();
            if (genotype.kind == GenotypeKind::Pair) sets.second = bits_.emplace_back(genotype.second, spread).view();
            sets_.push_back(sets);
        }
    }
    [[nodiscard]] std::span<const GenotypeSets> all() const { return sets_; }

  private:
    std::vector<Bits> bits_;
    std::vector<GenotypeSets> sets_;
};

Set random_set(std::mt19937& random, unsigned groups) {
    Set set;
    const unsigned size = 1 + static_cast<unsigned>(random() % (random() % 2 == 0 ? 2 : groups));
    while (set.size() < size) set.insert(static_cast<unsigned>(random() % groups));
    return set;
}

PlainGenotype random_genotype(std::mt19937& random, unsigned groups) {
    const auto kind = random() % 8;
    if (kind == 0) return {GenotypeKind::Nothing, {}, {}};
    if (kind <= 2) return {GenotypeKind::Homozygous, random_set(random, groups), {}};
    return {GenotypeKind::Pair, random_set(random, groups), random_set(random, groups)};
}

std::string describe(const std::vector<PlainGenotype>& genotypes) {
    std::ostringstream out;
    for (const auto& g : genotypes) {
        check::show(out << (g.kind == GenotypeKind::Pair         ? " pair"
                            : g.kind == GenotypeKind::Homozygous ? " same"
                                                                 : " nothing"),
                    g.first);
        if (g.kind == GenotypeKind::Pair) check::show(out, g.second);
    }
    return out.str();
}

std::vector<unsigned> listed(const Counts& c) {
    return {c.least, c.greatest, c.gvh_least, c.gvh_greatest, c.hvg_least, c.hvg_greatest};
}

// ---- a release for the table by hand
// --------------------------------------------------------------------------------------

std::shared_ptr<const Nomenclature> release() {
    return support::small_release(
        "1,A*01:01:01:01\n1,A*01:01:01:02N\n1,A*01:02\n1,A*01:11N\n1,A*02:01\n1,A*02:06\n1,A*02:105\n1,A*02:125N\n1,A*"
        "03:01\n"
        "1,A*03:02\n1,A*11:01\n1,A*24:02\n",
        "A*;02:01/02:105;02:01P\n", "A*;01:01:01:01/01:01:01:02N;01:01:01G\n");
}

Counts match(std::string_view patient, std::string_view donor, NullPolicy policy, const Nomenclature& nomenclature) {
    return match_locus(parse_typing(Locus::A, patient), parse_typing(Locus::A, donor), Locus::A, nomenclature, policy);
}

using Range = std::vector<unsigned>;  // least and greatest
Range both(const Counts& c) {
    return {c.least, c.greatest};
}

}  // namespace

TEST(null_rule_by_hand) {
    const auto nomenclature = release();
    struct Case {
        const char *patient, *donor;
        Range explicit_nulls, possible_nulls;
    };
    // SEMANTICS section 2, row by row. "potential match" is least 0 < greatest.
    const std::vector<Case> cases = {
        {"A*03:01+A*01:11N", "A*03:01+A*03:01", {0, 0}, {0, 0}},
        {"A*03:01+A*01:11N", "A*03:01+A*02:125N", {0, 0}, {0, 0}},
        {"A*03:01+A*01:11N", "A*03:01+A*02:01/A*02:105/A*02:125N", {1, 1}, {0, 1}},
        {"A*03:01+A*03:01", "A*03:01+A*02:XX", {1, 1}, {0, 1}},
        {"A*03:01+A*03:01", "A*03:01+A*01:01:01G", {1, 1}, {0, 1}},
        {"A*01:11N+A*02:125N", "A*03:01+A*03:01", {2, 2}, {2, 2}},
        {"A*01:11N+A*02:125N", "A*01:11N+A*01:11N", {0, 0}, {0, 0}},
        {"A*01:11N+A*02:125N", "A*01:01:01G+A*01:11N", {2, 2}, {0, 2}},
    };
    for (const Case& each : cases) {
        for (const bool turned : {false, true}) {
            const char* p = turned ? each.donor : each.patient;
            const char* d = turned ? each.patient : each.donor;
            CHECK_EQ(both(match(p, d, NullPolicy::Explicit, *nomenclature)), each.explicit_nulls);
            CHECK_EQ(both(match(p, d, NullPolicy::Possible, *nomenclature)), each.possible_nulls);
        }
    }
    // Without data an XX code holds nulls that nobody named; a G group's are not known.
    const auto world = Nomenclature::two_field();
    CHECK_EQ(both(match("A*03:01+A*03:01", "A*03:01+A*02:XX", NullPolicy::Explicit, *world)), (Range{1, 1}));
    CHECK_EQ(both(match("A*03:01+A*03:01", "A*03:01+A*02:XX", NullPolicy::Possible, *world)), (Range{0, 1}));
    CHECK_EQ(both(match("A*03:01+A*01:11N", "A*03:01+A*02:125N", NullPolicy::Explicit, *world)), (Range{0, 0}));
}

TEST(counts_by_hand) {
    const auto nomenclature = release();
    struct Case {
        const char *patient, *donor;
        std::vector<unsigned> counts;  // both, GvH, HvG: least and greatest of each
    };
    const std::vector<Case> cases = {
        {"A*01:01+A*03:01", "A*03:01+A*01:01", {0, 0, 0, 0, 0, 0}},
        {"A*01:01+A*03:01", "A*01:01+A*01:01", {1, 1, 1, 1, 0, 0}},  // SEMANTICS: (a,b) vs (a,a)
        {"A*01:01+A*01:01", "A*01:01+A*03:01", {1, 1, 0, 0, 1, 1}},
        {"A*01:01+A*01:01", "A*03:01+A*11:01", {2, 2, 1, 1, 2, 2}},  // SEMANTICS: (a,a) vs (b,c)
        {"A*03:01+A*11:01", "A*01:01+A*01:01", {2, 2, 2, 2, 1, 1}},
        {"A*01:01+A*03:01", "A*11:01+A*24:02", {2, 2, 2, 2, 2, 2}},
        {"A*02:01+A*03:01", "A*02:105+A*03:01", {0, 0, 0, 0, 0, 0}},  // one P group
        {"A*02:06+A*03:01", "A*02:105+A*03:01", {1, 1, 1, 1, 1, 1}},
        {"A*01:11N+A*02:125N", "A*01:01+A*03:01", {2, 2, 0, 0, 2, 2}},  // nothing for the donor to lack
        {"A*01:01+A*03:01", "A*01:11N+A*02:125N", {2, 2, 2, 2, 0, 0}},
        {"A*01:01+A*03:01", "A*03:01/A*03:02+A*01:01", {0, 1, 0, 1, 0, 1}},
        {"A*02:XX+A*03:01", "A*02:01+A*03:01", {0, 1, 0, 1, 0, 1}},
        {"A*01:01+A*03:01", "A*03:02+A*01:02/A*03:01", {1, 2, 1, 2, 1, 2}},
        // Genotypes are never mixed: 01:01+11:01 is neither of the donor's two.
        {"A*01:01+A*11:01", "A*01:01+A*03:01|A*02:01+A*11:01", {1, 1, 1, 1, 1, 1}},
        {"A*01:01+A*11:01", "A*01:01/A*02:01+A*03:01/A*11:01", {0, 2, 0, 2, 0, 2}},
        // Untyped: anything.
        {"A*01:01+A*03:01", "", {0, 2, 0, 2, 0, 2}},
        {"", "A*01:01+A*03:01", {0, 2, 0, 2, 0, 2}},
        {"", "", {0, 2, 0, 2, 0, 2}},
    };
    for (const Case& each : cases)
        CHECK_EQ(listed(match(each.patient, each.donor, NullPolicy::Explicit, *nomenclature)), each.counts);

    const Counts c = match("A*01:01+A*01:01", "A*03:01+A*11:01", NullPolicy::Explicit, *nomenclature);
    CHECK_EQ(c.least_in(Direction::Both), 2);
    CHECK_EQ(c.least_in(Direction::Gvh), 1);
    CHECK_EQ(c.least_in(Direction::Hvg), 2);
    const Counts wide{0, 1, 0, 2, 1, 2};
    CHECK_EQ(wide.greatest_in(Direction::Both), 1);
    CHECK_EQ(wide.greatest_in(Direction::Gvh), 2);
    CHECK_EQ(wide.least_in(Direction::Hvg), 1);
}

TEST(open_world) {
    // A code of a first field may be an allele that nobody named, so it never matches certainly, nor mismatches itself
    // certainly.
    const auto world = Nomenclature::two_field();
    const auto counts = [&](const char* p, const char* d) { return both(match(p, d, NullPolicy::Explicit, *world)); };
    CHECK_EQ(counts("A*02:XX+A*02:XX", "A*02:XX+A*02:XX"), (Range{0, 2}));
    CHECK_EQ(counts("A*02:01+A*02:01", "A*02:XX+A*02:XX"), (Range{0, 2}));
    CHECK_EQ(counts("A*02:01+A*03:01", "A*02:XX+A*03:XX"), (Range{0, 2}));
    CHECK_EQ(counts("A*02:01+A*03:01", "A*02:XX+A*04:XX"), (Range{1, 2}));
    CHECK_EQ(counts("A*02:01:01+A*03:01P", "A*02:01:02+A*03:01:01G"), (Range{0, 0}));
    CHECK_EQ(counts("A*02:01+A*03:01", "A*02:01+A*03:02"), (Range{1, 1}));
    // One heterozygous code against a homozygous one: the code may be the same allele twice.
    CHECK_EQ(listed(match("A*02:XX+A*02:XX", "A*03:01+A*03:01", NullPolicy::Explicit, *world)),
             (std::vector<unsigned>{2, 2, 1, 2, 1, 1}));
}

TEST(unknown_names) {
    const auto nomenclature = release();
    const std::string message =
        CHECK_THROWS(UnknownName, match("A*09:01+A*01:01", "A*01:01", NullPolicy::Explicit, *nomenclature));
    CHECK(message.find("'A*09:01'") != std::string::npos);
    CHECK_THROWS(UnknownName, match("A*01:01", "A*01:01+A*09:XX", NullPolicy::Explicit, *nomenclature));
    // A donor's may be left open instead, as a search does; a patient's never.
    const auto lenient = [&](const char* p, const char* d) {
        return both(match_locus(parse_typing(Locus::A, p), parse_typing(Locus::A, d), Locus::A, *nomenclature,
                                NullPolicy::Explicit, false));
    };
    CHECK_EQ(lenient("A*01:01", "A*01:01+A*09:XX"), (Range{0, 2}));
    CHECK_EQ(lenient("A*01:01", "A*01:01|A*09:XX"), (Range{0, 2}));
    CHECK_EQ(lenient("A*01:01", "A*01:01"), (Range{0, 0}));
    CHECK_THROWS(UnknownName, lenient("A*01:01+A*09:XX", "A*01:01"));
    // Beside a known one it is dropped.
    CHECK_EQ(both(match("A*01:01", "A*01:01/A*09:01", NullPolicy::Explicit, *nomenclature)), (Range{0, 0}));
}

TEST(count_is_exhaustive) {
    std::mt19937 random(8);
    for (int round = 0; round < 40'000; ++round) {
        const auto groups = 2 + static_cast<unsigned>(random() % 7);
        std::vector<PlainGenotype> patient(1 + random() % 3);
        std::vector<PlainGenotype> donor(1 + random() % 3);
        if (round % 2 == 0) {  // the usual case: one genotype each
            patient.resize(1);
            donor.resize(1);
        }
        for (auto* side : {&patient, &donor}) {
            for (auto& genotype : *side) genotype = random_genotype(random, groups);
        }
        const unsigned spread = round % 3 == 0 ? 1 : round % 3 == 1 ? 20 : 67;
        const Counts found = count(Genotypes(patient, spread).all(), Genotypes(donor, spread).all());
        const Counts expected = count_every_resolution(patient, donor);
        CHECK_EQ(listed(found), listed(expected));
        if (found != expected) std::cerr << "  patient" << describe(patient) << " donor" << describe(donor) << '\n';
    }
}

TEST(count_is_exhaustive_over_all_tiny_sets) {
    // Every genotype over three groups against every other: nothing is left to chance.
    std::vector<PlainGenotype> all{{GenotypeKind::Nothing, {}, {}}};
    std::vector<Set> sets;
    for (unsigned mask = 1; mask < 8; ++mask) {
        Set set;
        for (unsigned g = 0; g < 3; ++g) {
            if ((mask >> g & 1U) != 0) set.insert(g);
        }
        sets.push_back(set);
        all.push_back({GenotypeKind::Homozygous, set, {}});
    }
    for (const Set& first : sets) {
        for (const Set& second : sets) all.push_back({GenotypeKind::Pair, first, second});
    }
    for (const auto& p : all) {
        for (const auto& d : all) {
            CHECK_EQ(listed(count(Genotypes({p}, 1).all(), Genotypes({d}, 1).all())),
                     listed(count_every_resolution({p}, {d})));
        }
    }
}

TEST(overlaps_agree_with_counts) {
    // A donor's position: what it may express, and whether it may be null.
    struct DonorPosition {
        Set groups;
        bool null;
    };
    const auto meet = [](const Set& a, const Set& b) {
        return std::any_of(a.begin(), a.end(), [&](unsigned g) { return b.contains(g); });
    };
    std::mt19937 random(9);
    std::size_t undecided = 0;
    for (int round = 0; round < 40'000; ++round) {
        const auto groups = 2 + static_cast<unsigned>(random() % 5);
        const PlainGenotype patient = random_genotype(random, groups);
        const Genotypes patient_sets({patient}, 40);
        if (patient.kind == GenotypeKind::Homozygous && patient.first.size() > 1) {
            CHECK(!overlap_decides(patient_sets.all()[0]));
            ++undecided;
            continue;
        }
        CHECK(overlap_decides(patient_sets.all()[0]));
        std::array<DonorPosition, 2> donor;
        std::array<std::size_t, 2> bits{};
        for (std::size_t i = 0; i < 2; ++i) {
            auto& [set, null] = donor[i];
            if (random() % 5 != 0) set = random_set(random, groups);
            null = set.empty() || random() % 3 == 0;
            bits[i] = (set.empty() ? 0U : overlap::kExpressed) | (null ? overlap::kNull : 0U);
            if (patient.kind != GenotypeKind::Nothing && meet(set, patient.first)) bits[i] |= overlap::kFirst;
            if (patient.kind != GenotypeKind::Pair) continue;
            if (meet(set, patient.second)) bits[i] |= overlap::kSecond;
            for (const unsigned g : set) {
                if (patient.first.contains(g) && patient.second.contains(g)) bits[i] |= overlap::kCommon;
            }
        }
        // The null rule: both, either one twice, or nothing.
        const auto& [a, b] = donor;
        std::vector<PlainGenotype> genotypes;
        if (!a.groups.empty() && !b.groups.empty()) genotypes.push_back({GenotypeKind::Pair, a.groups, b.groups});
        if (!a.groups.empty() && b.null) genotypes.push_back({GenotypeKind::Homozygous, a.groups, {}});
        if (!b.groups.empty() && a.null) genotypes.push_back({GenotypeKind::Homozygous, b.groups, {}});
        if (a.null && b.null) genotypes.push_back({GenotypeKind::Nothing, {}, {}});
        const OverlapTable& table = least_by_overlap(patient.kind);
        CHECK_EQ(table[bits[0] * overlap::kValues + bits[1]],
                 count(patient_sets.all(), Genotypes(genotypes, 40).all()).least);
    }
    CHECK(undecided > 100);
}

TEST(expression_bits_of_positions) {
    const std::uint64_t word = 1;
    const GroupSet some{0, std::span(&word, 1)};
    const auto bits = [](const GroupSet& groups, bool null, NullPolicy policy) {
        return expression_bits(PositionMeaning{groups, null, true}, policy);
    };
    CHECK_EQ(bits(some, false, NullPolicy::Possible), overlap::kExpressed);
    CHECK_EQ(bits(some, true, NullPolicy::Explicit), overlap::kExpressed);
    CHECK_EQ(bits(some, true, NullPolicy::Possible), overlap::kExpressed | overlap::kNull);
    CHECK_EQ(bits({}, true, NullPolicy::Explicit), overlap::kNull);
    CHECK_EQ(bits({}, true, NullPolicy::Possible), overlap::kNull);
}

TEST(genotypes_of_typings) {
    const auto nomenclature = release();
    const auto kinds = [&](std::string_view text, NullPolicy policy) {
        const std::vector<Typing> typings = {parse_typing(Locus::A, text)};
        const Dictionary dictionary(Locus::A, typings);
        const Interpretation meaning(*nomenclature, dictionary.view());
        std::vector<GenotypeKind> result;
        const LocusGenotypes genotypes(meaning, dictionary.view().alternatives(TypingId{1}), policy);
        for (const GenotypeSets& each : genotypes.all()) result.push_back(each.kind);
        return result;
    };
    using Kinds = std::vector<GenotypeKind>;
    constexpr auto kPair = GenotypeKind::Pair;
    constexpr auto kSame = GenotypeKind::Homozygous;
    constexpr auto kNone = GenotypeKind::Nothing;
    CHECK(kinds("A*01:01+A*03:01", NullPolicy::Possible) == Kinds{kPair});
    CHECK(kinds("A*01:11N+A*03:01", NullPolicy::Explicit) == Kinds{kSame});
    CHECK(kinds("A*01:11N+A*02:125N", NullPolicy::Explicit) == Kinds{kNone});
    CHECK(kinds("A*02:XX+A*03:01", NullPolicy::Explicit) == Kinds{kPair});
    CHECK(kinds("A*02:XX+A*03:01", NullPolicy::Possible) == (Kinds{kPair, kSame}));
    CHECK(kinds("A*02:XX+A*01:XX", NullPolicy::Possible) == (Kinds{kPair, kSame, kSame, kNone}));
    CHECK(kinds("", NullPolicy::Explicit) == (Kinds{kPair, kNone}));
    CHECK(kinds("A*09:01", NullPolicy::Explicit) == (Kinds{kPair, kNone}));
    // More alternatives than the short form holds: five, and twelve after the null rule.
    const char* five = "A*01:01+A*03:01|A*01:02+A*03:01|A*02:01+A*03:01|A*02:06+A*03:01|A*11:01+A*03:01";
    CHECK(kinds(five, NullPolicy::Explicit) == Kinds(5, kPair));
    CHECK_EQ(kinds("A*02:XX+A*01:XX|A*02:XX+A*01:01:01G|A*01:XX+A*01:01:01G", NullPolicy::Possible).size(), 12U);
    // ... and they count: each of the five alternatives is one that a donor may have.
    for (const char* donor :
         {"A*01:01+A*03:01", "A*01:02+A*03:01", "A*02:105+A*03:01", "A*02:06+A*03:01", "A*03:01+A*11:01"}) {
        CHECK_EQ(both(match(five, donor, NullPolicy::Explicit, *nomenclature)), (Range{0, 1}));
    }
    CHECK_EQ(both(match(five, "A*24:02+A*03:01", NullPolicy::Explicit, *nomenclature)), (Range{1, 1}));
}
