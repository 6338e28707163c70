// Searches: the trie, the verdict tables and the kernels together, held against `match_locus` over every donor.
//
// ctest runs this once per kernel (ALLOMATCH_ISA). The small registries are searched by hand from the donors' own text;
// the large ones, which have deep tries and blocks of many thousand nodes, by the counts of each typing of the
// dictionary.
#include <algorithm>
#include <bit>
#include <numeric>
#include <set>
#include <tuple>
#include <unordered_map>

#include "allomatch/search.hpp"
#include "check.hpp"
#include "support.hpp"

using namespace support;

namespace {

bool says(const std::string& message, std::string_view part) {
    return message.find(part) != std::string::npos;
}

Phenotype random_patient(std::span<const Donor> donors, const Mix& mix, std::mt19937& random) {
    // Half of them somebody like a donor, with perhaps one locus changed, so that there are hits to find.
    if (!donors.empty() && random() % 2 == 0) {
        Donor like = donors[random() % donors.size()];
        const Locus locus = mix.loci[random() % mix.loci.size()];
        if (random() % 2 == 0) like.typings[index_of(locus)] = random_typing(locus, mix, random);
        return phenotype_of(like);
    }
    Donor anybody;
    for (const Locus locus : mix.loci) anybody.typings[index_of(locus)] = random_typing(locus, mix, random);
    // A locus that perhaps no donor is typed at.
    if (random() % 4 == 0) anybody.typings[index_of(Locus::DPA1)] = random_typing(Locus::DPA1, mix, random);
    return phenotype_of(anybody);
}

SearchRequest random_request(const Mix& mix, std::mt19937& random) {
    SearchRequest request;
    std::vector<Locus> loci = mix.loci;
    const bool is_typed = std::find(loci.begin(), loci.end(), Locus::DPA1) != loci.end();
    if (random() % 4 == 0 && !is_typed) loci.push_back(Locus::DPA1);
    std::shuffle(loci.begin(), loci.end(), random);
    loci.resize(1 + random() % loci.size());
    request.loci = loci;
    request.max_mismatches = static_cast<unsigned>(random() % 5);
    request.direction = static_cast<Direction>(random() % 3);
    if (random() % 2 == 0) {
        for (auto& limit : request.locus_limits) limit = static_cast<std::uint8_t>(random() % 3);
    }
    request.threads = 1;
    return request;
}

Counts sum(std::span<const Counts> counts) {
    Counts total;
    const auto add = [](std::uint8_t& to, std::uint8_t value) { to = static_cast<std::uint8_t>(to + value); };
    for (const Counts& c : counts) {
        add(total.least, c.least);
        add(total.greatest, c.greatest);
        add(total.gvh_least, c.gvh_least);
        add(total.gvh_greatest, c.gvh_greatest);
        add(total.hvg_least, c.hvg_least);
        add(total.hvg_greatest, c.hvg_greatest);
    }
    return total;
}

// A hit as the header of search.hpp describes it; sorts in the order that it promises.
struct Hit {
    unsigned least, greatest;  // in the direction searched
    std::string id;
    std::vector<Counts> by_locus;
    bool operator==(const Hit&) const = default;
    bool operator<(const Hit& other) const {
        return std::tie(least, greatest, id) < std::tie(other.least, other.greatest, other.id);
    }
};

std::optional<Hit> judge(std::string_view id, std::span<const Counts> by_locus, const SearchRequest& request) {
    for (std::size_t i = 0; i < by_locus.size(); ++i) {
        if (by_locus[i].least_in(request.direction) > request.locus_limits[index_of(request.loci[i])])
            return std::nullopt;
    }
    const Counts total = sum(by_locus);
    if (total.least_in(request.direction) > request.max_mismatches) return std::nullopt;
    return Hit{total.least_in(request.direction), total.greatest_in(request.direction), std::string(id),
               std::vector<Counts>(by_locus.begin(), by_locus.end())};
}

// Every donor, one after the other. Texts are read once, and matched once a search: only a cache.
class Scan {
  public:
    Scan(std::span<const Donor> donors, const Nomenclature& nomenclature, NullPolicy policy)
        : donors_(donors), nomenclature_(nomenclature), policy_(policy) {
        std::array<std::unordered_map<std::string, std::size_t>, kLocusCount> known;
        for (const Donor& donor : donors) {
            auto& numbers = numbers_.emplace_back();
            for (std::size_t locus = 0; locus < kLocusCount; ++locus) {
                const std::string& text = donor.typings[locus];
                const auto [it, fresh] = known[locus].try_emplace(text, typings_[locus].size());
                if (fresh) typings_[locus].push_back(parse_typing(static_cast<Locus>(locus), text));
                numbers[locus] = it->second;
            }
        }
    }

    [[nodiscard]] std::vector<Hit> search(const Phenotype& patient, const SearchRequest& request) {
        std::vector<std::vector<Counts>> counts;  // by the loci searched and the typing
        for (const Locus locus : request.loci) {
            auto& here = counts.emplace_back();
            for (const Typing& typing : typings_[index_of(locus)]) here.push_back(match(patient[locus], typing, locus));
        }
        std::vector<Hit> hits;
        std::vector<Counts> by_locus(request.loci.size());
        for (std::size_t donor = 0; donor < donors_.size(); ++donor) {
            for (std::size_t i = 0; i < by_locus.size(); ++i) {
                by_locus[i] = counts[i][numbers_[donor][index_of(request.loci[i])]];
            }
            if (auto hit = judge(donors_[donor].id, by_locus, request)) hits.push_back(std::move(*hit));
        }
        std::sort(hits.begin(), hits.end());
        return hits;
    }

  private:
    Counts match(const Typing& patient, const Typing& donor, Locus locus) const {
        // A donor's typing that the nomenclature does not know counts as untyped.
        for (const Genotype& genotype : donor.alternatives) {
            for (const Position& position : genotype.positions) {
                const bool known = std::any_of(position.names.begin(), position.names.end(),
                                               [&](const Name& name) { return nomenclature_.knows(locus, name); });
                if (!known) return match_locus(patient, {}, locus, nomenclature_, policy_);
            }
        }
        return match_locus(patient, donor, locus, nomenclature_, policy_);
    }

    std::span<const Donor> donors_;
    const Nomenclature& nomenclature_;
    NullPolicy policy_;
    std::array<std::vector<Typing>, kLocusCount> typings_;
    std::vector<std::array<std::size_t, kLocusCount>> numbers_;  // of each donor's typings
};

std::vector<Hit> hits_of(const SearchIndex& index, const SearchResult& result, const SearchRequest& request) {
    std::vector<Hit> hits;
    const std::size_t loci = request.loci.size();
    for (std::size_t i = 0; i < result.rows.size(); ++i) {
        const std::size_t p = result.row_phenotypes[i];
        const auto first = result.by_locus.begin() + static_cast<std::ptrdiff_t>(p * loci);
        const Counts& total = result.totals[p];
        hits.push_back({total.least_in(request.direction),
                        total.greatest_in(request.direction),
                        std::string(index.segment().donor_id(result.rows[i])),
                        {first, first + static_cast<std::ptrdiff_t>(loci)}});
    }
    return hits;
}

// What a result says of itself, besides the hits that it lists.
void check_result(const SearchIndex& index, const SearchResult& result, const SearchRequest& request,
                  const std::vector<Hit>& all) {
    CHECK(result.loci == request.loci);
    CHECK_EQ(result.donors, all.size());
    std::array<std::uint64_t, 5> by_mismatches{};
    for (const Hit& hit : all) ++by_mismatches[hit.least];
    CHECK_EQ(result.donors_by_mismatches, by_mismatches);
    CHECK_EQ(result.totals.size(), result.phenotypes.size());
    CHECK_EQ(result.by_locus.size(), result.phenotypes.size() * request.loci.size());
    CHECK_EQ(std::set<PhenotypeId>(result.phenotypes.begin(), result.phenotypes.end()).size(),
             result.phenotypes.size());
    std::uint64_t donors = 0;
    for (std::size_t p = 0; p < result.phenotypes.size(); ++p) {
        const std::uint32_t phenotype = result.phenotypes[p].value;
        donors += index.segment().trie().rows[phenotype + 1] - index.segment().trie().rows[phenotype];
        const auto first = result.by_locus.begin() + static_cast<std::ptrdiff_t>(p * request.loci.size());
        CHECK(result.totals[p] == sum({first, first + static_cast<std::ptrdiff_t>(request.loci.size())}));
    }
    CHECK_EQ(donors, result.donors);
    CHECK_EQ(result.rows.size(), result.row_phenotypes.size());
    for (std::size_t i = 0; i < result.rows.size(); ++i) {
        CHECK(result.phenotypes[result.row_phenotypes[i]] == index.segment().phenotype_of(result.rows[i]));
    }
}

bool same(const SearchResult& a, const SearchResult& b) {
    return a.donors == b.donors && a.donors_by_mismatches == b.donors_by_mismatches && a.phenotypes == b.phenotypes &&
           a.totals == b.totals && a.by_locus == b.by_locus && a.rows == b.rows && a.row_phenotypes == b.row_phenotypes;
}

// A release with the alleles of a Mix: P groups that join some, G groups with nulls, and some alleles missing.
struct MadeRelease {
    std::string alleles, p, g;
    explicit MadeRelease(const Mix& mix) {
        for (std::size_t l = 0; l < kLocusCount; ++l) {
            const std::string star = std::string(locus_name(static_cast<Locus>(l))) + "*";
            for (unsigned first = 1; first <= mix.first_fields; ++first) {
                for (unsigned second = 1; second <= mix.second_fields; ++second) {
                    const std::string name = two_digits(first).append(":").append(two_digits(second));
                    if ((first * 7 + second * 3) % 11 == 0) continue;  // the release lacks this one
                    alleles.append("1,").append(star).append(name).append(":01\n");
                    if (second % 2 == 1) alleles.append("1,").append(star).append(name).append("N\n");
                    p.append(star).append(";").append(name).append(":01;");
                    p.append(second % 3 != 0 ? name + "P\n" : "\n");
                    g.append(star).append(";").append(name).append(":01");
                    if (second % 2 == 1) g.append("/").append(name).append("N");
                    g.append(";").append(name).append(":01G\n");
                }
            }
        }
        // Two alleles in one P group.
        alleles += "1,A*01:01:02\n1,B*01:01:02\n";
        p += "A*;01:01:02;01:90P\nB*;01:01:02;01:90P\n";
    }
    [[nodiscard]] std::shared_ptr<const Nomenclature> read() const { return small_release(alleles, p, g); }
};

}  // namespace

TEST(search_is_exact) {
    const Folder folder;
    std::mt19937 random(30);
    std::size_t found = 0;
    for (int round = 0; round < 30; ++round) {
        Mix mix = round % 3 == 0 ? deep_mix() : Mix{};
        if (round % 3 == 1) {
            mix.first_fields = 3;
            mix.second_fields = 2;
            mix.ambiguous = 50;
            mix.alternatives = 30;
            mix.nulls = 15;
        }
        if (round % 5 == 0) mix.loci = {Locus::A, Locus::B, Locus::DRB1, Locus::DRB3, Locus::DPB1, Locus::DQA1};
        const std::vector<Donor> donors =
            random_donors(round < 4 ? static_cast<std::size_t>(round) : 100 + random() % 500, mix, random);
        const auto segment = segment_of(folder, donors, numbered("exact", round));
        const auto nomenclature = round % 2 == 0 ? Nomenclature::two_field() : MadeRelease(mix).read();
        for (const NullPolicy policy : {NullPolicy::Explicit, NullPolicy::Possible}) {
            const SearchIndex index(segment, nomenclature, policy);
            Scan scan(donors, *nomenclature, policy);
            for (int search = 0; search < 8; ++search) {
                Phenotype patient = random_patient(donors, mix, random);
                const SearchRequest request = random_request(mix, random);
                const auto unknown = [&](Locus locus) {
                    for (const Genotype& genotype : patient[locus].alternatives) {
                        for (const Position& position : genotype.positions) {
                            if (std::none_of(position.names.begin(), position.names.end(),
                                             [&](const Name& name) { return nomenclature->knows(locus, name); })) {
                                return true;
                            }
                        }
                    }
                    return false;
                };
                if (std::any_of(request.loci.begin(), request.loci.end(), unknown)) {
                    CHECK_THROWS(UnknownName, index.search(patient, request, Cancel()));
                    continue;
                }
                const std::vector<Hit> expected = scan.search(patient, request);
                const SearchResult result = index.search(patient, request, Cancel());
                CHECK(hits_of(index, result, request) == expected);
                check_result(index, result, request, expected);
                found += expected.size();
            }
        }
    }
    CHECK(found > 5'000);
}

TEST(every_pair_of_small_sets) {
    // All that a position may have: the patient's first, the second, and none, one or more of others, the same or not
    // as the other position has.
    const std::vector<std::string> alleles{"A*01:01", "A*02:01", "A*03:01", "A*11:01", "A*23:01", "A*24:02N"};
    std::vector<std::string> sets;
    for (unsigned members = 1; members < 1U << alleles.size(); ++members) {
        if (std::popcount(members) > 3) continue;
        std::string set;
        for (std::size_t a = 0; a < alleles.size(); ++a) {
            if ((members >> a & 1U) != 0) set.append(set.empty() ? "" : "/").append(alleles[a]);
        }
        sets.push_back(set);
    }
    std::vector<Donor> donors;
    for (const std::string& first : sets) {
        for (const std::string& second : sets) {
            Donor donor{numbered("D", donors.size()), {}, {}};
            donor.typings[index_of(Locus::A)] = std::string(first).append("+").append(second);
            donors.push_back(donor);
        }
    }
    const Folder folder;
    SearchRequest request;
    request.loci = {Locus::A};
    request.max_mismatches = 2;
    request.threads = 1;
    for (const NullPolicy policy : {NullPolicy::Explicit, NullPolicy::Possible}) {
        const SearchIndex index(segment_of(folder, donors, numbered("r", static_cast<std::size_t>(policy))),
                                Nomenclature::two_field(), policy);
        Scan scan(donors, index.nomenclature(), policy);
        for (const char* patient : {"A*01:01+A*02:01", "A*02:01+A*01:01", "A*01:01+A*01:01", "A*01:01+A*24:02N"}) {
            const Phenotype asked = Phenotype::from_gl(patient);
            const SearchResult result = index.search(asked, request, Cancel());
            CHECK_EQ(result.donors, donors.size());
            CHECK(hits_of(index, result, request) == scan.search(asked, request));
        }
    }
}

TEST(few_mismatches_start_from_what_matches) {
    // Two levels of nodes, so that searches go by the postings; loci and budgets that these serve and that they do not.
    const Folder folder;
    std::mt19937 random(34);
    std::array<std::size_t, 3> found{};
    bool all_listed = false, some_listed = false;  // whether listed rows have all loci
    for (int round = 0; round < 5; ++round) {
        Mix mix = deep_mix();
        for (const Locus more : {Locus::DQA1, Locus::DPA1, Locus::DPB1}) {
            if (round == 4) mix.loci.push_back(more);
        }
        mix.second_fields = round == 0 || round == 2 ? 2 : 3;
        mix.first_fields = round >= 3 ? 3 : 2;
        mix.ambiguous = 10;
        const std::vector<Donor> donors = random_donors(round == 0 || round == 2 ? 2'000 : 9'000, mix, random);
        const auto segment = segment_of(folder, donors, numbered("postings", round));
        CHECK(segment->trie().postings.has_value());
        (segment->trie().postings->rows.loci() + 1 == segment->trie().order.size() ? all_listed : some_listed) = true;
        const auto policy = round < 2 ? NullPolicy::Explicit : NullPolicy::Possible;
        const SearchIndex index(segment, Nomenclature::two_field(), policy);
        Scan scan(donors, index.nomenclature(), policy);
        for (int search = 0; search < 24; ++search) {
            const Phenotype patient = random_patient(donors, mix, random);
            SearchRequest request = random_request(mix, random);
            if (search % 4 != 0) request.loci = segment->trie().order;  // else some of them
            if (search % 8 == 1) request.loci.resize(3);
            request.max_mismatches = static_cast<unsigned>(random() % 3);
            const std::vector<Hit> expected = scan.search(patient, request);
            const SearchResult result = index.search(patient, request, Cancel());
            CHECK(hits_of(index, result, request) == expected);
            check_result(index, result, request, expected);
            for (const Hit& hit : expected) ++found[hit.least];
            request.threads = 3;
            CHECK(same(index.search(patient, request, Cancel()), result));
        }
    }
    CHECK(found[0] > 100 && found[1] > 100 && found[2] > 100);
    CHECK(all_listed && some_listed);
}

TEST(pages) {
    const Folder folder;
    std::mt19937 random(31);
    const Mix mix = deep_mix();
    const std::vector<Donor> donors = random_donors(3000, mix, random);
    const SearchIndex index(segment_of(folder, donors), Nomenclature::two_field(), NullPolicy::Explicit);
    Scan scan(donors, index.nomenclature(), NullPolicy::Explicit);
    for (int round = 0; round < 15; ++round) {
        const Phenotype patient = random_patient(donors, mix, random);
        SearchRequest request = random_request(mix, random);
        const std::vector<Hit> all = scan.search(patient, request);
        for (const auto& [offset, limit] : std::vector<std::pair<std::size_t, std::size_t>>{
                 {0, 0},
                 {0, 1},
                 {0, all.size()},
                 {0, SIZE_MAX},
                 {1, SIZE_MAX},
                 {SIZE_MAX, SIZE_MAX},
                 {all.size(), 10},
                 {all.size() + 1, 1},
                 {random() % (all.size() + 1), random() % (all.size() + 1)},
                 {random() % (all.size() + 1), 7}}) {
            request.offset = offset;
            request.limit = limit;
            const SearchResult result = index.search(patient, request, Cancel());
            const std::size_t first = std::min(offset, all.size());
            const std::size_t last = first + std::min(limit, all.size() - first);
            CHECK(hits_of(index, result, request) == std::vector<Hit>(all.begin() + static_cast<std::ptrdiff_t>(first),
                                                                      all.begin() + static_cast<std::ptrdiff_t>(last)));
            check_result(index, result, request, all);
        }
    }
}

namespace {

// The same, for many donors: the counts of every typing of the dictionary, then every phenotype.
void check_large(const SearchIndex& index, const Phenotype& patient, SearchRequest request) {
    const Segment& segment = index.segment();
    std::vector<std::vector<Counts>> counts(request.loci.size());
    for (std::size_t i = 0; i < request.loci.size(); ++i) {
        const Locus locus = request.loci[i];
        const DictionaryView& dictionary = segment.dictionary(locus);
        for (std::uint32_t t = 0; t < dictionary.typing_count(); ++t) {
            counts[i].push_back(match_locus(patient[locus], dictionary.typing(TypingId{t}), locus, index.nomenclature(),
                                            index.policy()));
        }
    }
    std::vector<std::tuple<unsigned, unsigned, std::uint32_t, std::uint32_t>> expected;  // least, greatest, rank, row
    std::vector<PhenotypeId> phenotypes;
    std::vector<Counts> by_locus;
    for (std::uint32_t p = 0; p < segment.phenotype_count(); ++p) {
        std::vector<Counts> each;
        for (std::size_t i = 0; i < request.loci.size(); ++i) {
            each.push_back(counts[i][segment.typing_of(PhenotypeId{p}, request.loci[i]).value]);
        }
        const auto hit = judge({}, each, request);
        if (!hit) continue;
        phenotypes.push_back(PhenotypeId{p});
        by_locus.insert(by_locus.end(), each.begin(), each.end());
        for (std::uint32_t row = segment.trie().rows[p]; row < segment.trie().rows[p + 1]; ++row) {
            expected.emplace_back(hit->least, hit->greatest, segment.donor_ranks()[row], row);
        }
    }
    std::sort(expected.begin(), expected.end());
    std::vector<DonorRow> rows;
    for (const auto& each : expected) rows.push_back(DonorRow{std::get<3>(each)});

    request.threads = 1;
    const SearchResult result = index.search(patient, request, Cancel());
    CHECK(result.phenotypes == phenotypes);
    CHECK(result.by_locus == by_locus);
    CHECK(result.rows == rows);
    CHECK_EQ(result.donors, rows.size());
    for (unsigned threads = 0; threads <= 4; ++threads) {
        request.threads = threads;
        CHECK(same(index.search(patient, request, Cancel()), result));
    }
}

}  // namespace

TEST(deep_tries_and_every_number_of_threads) {
    const Folder folder;
    std::mt19937 random(32);
    Mix mix = deep_mix();
    mix.second_fields = 3;
    const std::vector<Donor> donors = random_donors(40'000, mix, random);
    const SearchIndex index(segment_of(folder, donors), Nomenclature::two_field(), NullPolicy::Possible);
    CHECK(index.segment().trie().levels.size() >= 2);
    CHECK(index.segment().trie().levels.back().typings.size() > 8192);  // more than one block of the walk
    for (int round = 0; round < 10; ++round) {
        check_large(index, random_patient(donors, mix, random), random_request(mix, random));
    }
    // Loci of every level, alone, and all but one of them: levels that are not searched are passed over.
    const std::vector<Locus>& order = index.segment().trie().order;
    for (std::size_t i = 0; i < order.size(); ++i) {
        SearchRequest request;
        request.max_mismatches = 1;
        request.loci = {order[i]};
        check_large(index, phenotype_of(donors[i]), request);
        request.loci = order;
        request.loci.erase(request.loci.begin() + static_cast<std::ptrdiff_t>(i));
        check_large(index, phenotype_of(donors[i]), request);
    }
}

TEST(flat_tries_of_many_phenotypes) {
    // Everybody is unlike everybody else at A: plain columns, cut into slices because A is not searched.
    const Folder folder;
    std::mt19937 random(33);
    Mix mix = deep_mix();
    mix.loci = {Locus::B, Locus::C, Locus::DQB1};
    std::vector<Donor> donors = random_donors(135'001, mix, random);
    for (std::size_t i = 0; i < donors.size(); ++i) {
        donors[i].typings[0] = numbered(numbered("A*01:", 10 + i / 400).append("+A*02:"), 10 + i % 400);
    }
    const SearchIndex index(segment_of(folder, donors), Nomenclature::two_field(), NullPolicy::Explicit);
    CHECK(index.segment().trie().levels.empty());
    CHECK_EQ(index.segment().phenotype_count(), donors.size());
    for (const std::vector<Locus>& loci :
         std::vector<std::vector<Locus>>{{Locus::B}, {Locus::C}, {Locus::C, Locus::B, Locus::DPB1}}) {
        SearchRequest request;
        request.loci = loci;
        request.max_mismatches = 1;
        check_large(index, phenotype_of(donors[0]), request);
    }
    // Everybody is a hit: no slice may lose its end.
    SearchRequest everybody;
    everybody.loci = {Locus::B};
    everybody.max_mismatches = 2;
    everybody.threads = 2;
    everybody.report = {Locus::C, Locus::DPB1, Locus::DQB1};
    const Phenotype first = phenotype_of(donors[0]);
    const SearchResult all = index.search(first, everybody, Cancel());
    CHECK_EQ(all.donors, donors.size());
    CHECK_EQ(all.reported.size(), 3 * donors.size());
    for (std::size_t i = 0; i < everybody.report.size(); ++i) {
        const Locus locus = everybody.report[i];
        std::unordered_map<std::uint32_t, Counts> of_typing;
        std::size_t wrong = 0;
        for (std::size_t row = 0; row < all.rows.size(); ++row) {
            const TypingId typing = index.segment().typing_of(all.phenotypes[all.row_phenotypes[row]], locus);
            const auto [it, fresh] = of_typing.try_emplace(typing.value);
            if (fresh) {
                it->second = match_locus(first[locus], index.segment().dictionary(locus).typing(typing), locus,
                                         index.nomenclature(), index.policy());
            }
            wrong += all.reported[row * everybody.report.size() + i] == it->second ? 0 : 1;
        }
        CHECK_EQ(wrong, 0U);
    }
    // The one donor who matches at A, found below all those typings.
    SearchRequest request;
    request.loci = {Locus::A};
    const SearchResult result = index.search(phenotype_of(donors[77'777]), request, Cancel());
    CHECK_EQ(result.donors, 1U);
    CHECK_EQ(index.segment().donor_id(result.rows.at(0)), donors[77'777].id);
}

TEST(loci_that_nobody_is_typed_at) {
    const Folder folder;
    const std::vector<Donor> donors = {Donor{"b", {}, {}}, Donor{"a", {}, {}}};
    const SearchIndex index(segment_of(folder, donors), Nomenclature::two_field(), NullPolicy::Explicit);
    SearchRequest request;
    request.loci = {Locus::A, Locus::DPB1};
    const SearchResult result = index.search(Phenotype::from_gl("A*01:01+A*02:01"), request, Cancel());
    CHECK_EQ(result.donors, 2U);
    CHECK_EQ(index.segment().donor_id(result.rows[0]), "a");
    CHECK((result.totals[0] == Counts{0, 4, 0, 4, 0, 4}));
    // A patient who expresses nothing: an untyped donor may be like that too.
    request.locus_limits.fill(0);
    CHECK_EQ(index.search(Phenotype::from_gl("A*01:01N+A*02:01N"), request, Cancel()).donors, 2U);
    const std::vector<Donor> nobody;
    const SearchIndex empty(segment_of(folder, nobody, "empty"), Nomenclature::two_field(), NullPolicy::Explicit);
    CHECK_EQ(empty.search(Phenotype::from_gl("A*01:01"), request, Cancel()).donors, 0U);
    CHECK(empty.unknown_typings().empty());
}

TEST(bad_requests) {
    const Folder folder;
    const std::vector<Donor> donors = {Donor{"a", {}, {}}};
    const SearchIndex index(segment_of(folder, donors), Nomenclature::two_field(), NullPolicy::Explicit);
    const auto search = [&](const SearchRequest& request) { return index.search({}, request, Cancel()); };
    SearchRequest request;
    CHECK(says(CHECK_THROWS(InvalidArgument, search(request)), "no locus to search"));
    request.loci = {Locus::A, Locus::B, Locus::A};
    CHECK(says(CHECK_THROWS(InvalidArgument, search(request)), "locus A is asked for twice"));
    request.loci = {Locus::A};
    request.max_mismatches = 5;
    CHECK(says(CHECK_THROWS(InvalidArgument, search(request)), "max_mismatches is 5"));
    request.max_mismatches = 4;
    request.locus_limits[0] = 3;
    CHECK(says(CHECK_THROWS(InvalidArgument, search(request)), "limit of 3"));
    request.locus_limits[0] = 2;
    CHECK_EQ(search(request).donors, 1U);
}

TEST(unknown_typings) {
    const auto release = small_release("1,A*01:01\n1,A*02:01\n1,B*07:02\n");
    std::vector<Donor> donors;
    for (const char* typing : {"A*01:01+A*02:01", "A*01:01+A*09:01", "A*09:01+A*01:01", "A*01:01/A*09:01+A*02:01",
                               "A*01:01+A*02:01|A*01:01+A*09:02", "A*09:XX+A*09:XX"}) {
        donors.push_back(Donor{numbered("D", donors.size()), {typing}, {}});
    }
    const Folder folder;
    const SearchIndex index(segment_of(folder, donors), release, NullPolicy::Explicit);
    std::vector<std::string> found;
    for (const UnknownTyping& each : index.unknown_typings()) {
        CHECK(each.locus == Locus::A);
        found.push_back(numbered(each.typing + " ", each.donors));
    }
    std::sort(found.begin(), found.end());
    CHECK_EQ(found,
             (std::vector<std::string>{"A*01:01+A*02:01|A*01:01+A*09:02 1", "A*01:01+A*09:01 2", "A*09:XX+A*09:XX 1"}));
    SearchRequest request;
    request.loci = {Locus::A};
    CHECK_EQ(index.search(Phenotype::from_gl("A*01:01+A*02:01"), request, Cancel()).donors, 6U);
    CHECK_EQ(index.search(Phenotype::from_gl("A*02:01+A*02:01"), request, Cancel()).donors, 4U);
    CHECK(says(CHECK_THROWS(UnknownName, index.search(Phenotype::from_gl("A*01:01+A*09:01"), request, Cancel())),
               "'A*09:01'"));
    // A name beside another locus than those searched does not matter.
    request.loci = {Locus::B};
    CHECK_EQ(index.search(Phenotype::from_gl("A*09:01"), request, Cancel()).donors, 6U);
}

TEST(a_patient_outside_the_registrys_world) {
    // Names that no donor has make the space of groups larger for this search only.
    std::vector<Donor> donors = {Donor{"0", {"A*02:XX+A*03:01"}, {}}, Donor{"1", {"A*02:01+A*03:XX"}, {}},
                                 Donor{"2", {"A*04:01+A*03:01"}, {}}};
    const Folder folder;
    const SearchIndex index(segment_of(folder, donors), Nomenclature::two_field(), NullPolicy::Explicit);
    Scan scan(donors, index.nomenclature(), NullPolicy::Explicit);
    for (const char* gl : {"A*02:77+A*03:01", "A*02:77+A*03:77", "A*02:XX+A*03:XX", "A*77:XX+A*03:01",
                           "A*77:01+A*77:02", "A*02:01+A*04:01N"}) {
        for (unsigned budget = 0; budget <= 2; ++budget) {
            SearchRequest request;
            request.loci = {Locus::A};
            request.max_mismatches = budget;
            const Phenotype patient = Phenotype::from_gl(gl);
            CHECK(hits_of(index, index.search(patient, request, Cancel()), request) == scan.search(patient, request));
        }
    }
}

TEST(levels_by_locus) {
    // Without data an antigen is a first field; each locus has its own level, also in one search.
    std::vector<Donor> donors = {Donor{"0", {"A*02:06+A*03:01", "B*08:01+B*44:02"}, {}},
                                 Donor{"1", {"A*02:01+A*03:01", "B*08:01+B*44:03"}, {}}};
    const Folder folder;
    const SearchIndex index(segment_of(folder, donors), Nomenclature::two_field(), NullPolicy::Explicit);
    SearchRequest request;
    request.loci = {Locus::A, Locus::B};
    const Phenotype patient = Phenotype::from_gl("A*02:01+A*03:01^B*08:01+B*44:02");
    const auto hits = [&](MatchLevel a, MatchLevel b) {
        request.levels[index_of(Locus::A)] = a;
        request.levels[index_of(Locus::B)] = b;
        return index.search(patient, request, Cancel()).donors;
    };
    CHECK_EQ(hits(MatchLevel::Ard, MatchLevel::Ard), 0U);
    CHECK_EQ(hits(MatchLevel::Antigen, MatchLevel::Ard), 1U);
    CHECK_EQ(hits(MatchLevel::Allele, MatchLevel::Antigen), 1U);
    CHECK_EQ(hits(MatchLevel::Antigen, MatchLevel::Antigen), 2U);
    // A release without antigens cannot compare them, and says so each time; the index stays usable.
    const SearchIndex bare(segment_of(folder, donors, "bare"),
                           small_release("1,A*02:01\n1,A*02:06\n1,A*03:01\n1,B*08:01\n1,B*44:02\n"
                                         "1,B*44:03\n"),
                           NullPolicy::Explicit);
    for (int again = 0; again < 2; ++again) {
        CHECK(says(CHECK_THROWS(InvalidArgument, bare.search(patient, request, Cancel())), "rel_dna_ser"));
    }
    request.levels = {};
    CHECK_EQ(bare.search(patient, request, Cancel()).donors, 0U);
}

TEST(cancelled) {
    const Folder folder;
    std::mt19937 random(34);
    const Mix mix = deep_mix();
    const std::vector<Donor> donors = random_donors(2000, mix, random);
    const SearchIndex index(segment_of(folder, donors), Nomenclature::two_field(), NullPolicy::Explicit);
    SearchRequest request;
    request.loci = mix.loci;
    request.max_mismatches = 4;
    for (unsigned threads = 1; threads <= 4; ++threads) {
        request.threads = threads;
        int asked = 0;
        const Cancel stop([&] {
            ++asked;
            return true;
        });
        CHECK_THROWS(Interrupted, index.search(phenotype_of(donors[0]), request, stop));
        CHECK_EQ(asked, 1);
        CHECK(stop.stopped());
        // Once stopped, it stays so.
        CHECK_THROWS(Interrupted, index.search(phenotype_of(donors[0]), request, stop));
        const Cancel go_on([] { return false; });
        CHECK(index.search(phenotype_of(donors[0]), request, go_on).donors > 0);
    }
}
