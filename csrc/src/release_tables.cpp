// What follows from the tables of a release: members of groups, small g, what an antigen stands for, what is compared.
#include "release_tables.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "allomatch/parallel_for.hpp"

namespace allomatch {

Lists Lists::inverted(std::span<const std::uint32_t> group_of, std::size_t groups) {
    Lists lists;
    lists.offsets.assign(groups + 1, 0);
    for (const std::uint32_t group : group_of) {
        if (group != kNone) ++lists.offsets[group + 1];
    }
    for (std::size_t g = 0; g < groups; ++g) lists.offsets[g + 1] += lists.offsets[g];
    lists.values.resize(lists.offsets.back());
    std::vector<std::uint32_t> next(lists.offsets.begin(), lists.offsets.end() - 1);
    for (std::uint32_t i = 0; i < group_of.size(); ++i) {
        if (group_of[i] != kNone) lists.values[next[group_of[i]]++] = i;
    }
    return lists;
}

// Fields are below 10,000, which leaves two bits at the top for the gene.
std::uint64_t allele_key(const Name& name) noexcept {
    const std::uint64_t gene = name.gene == 0 ? 0 : name.gene - 2U;
    return gene << 62U | name.packed_fields();
}

namespace {

// The four genes that a name may have at a locus, 0 where there is one only: 0, 3, 4, 5.
constexpr std::size_t kGenes = 4;

std::size_t place_of(std::uint16_t gene) noexcept {
    return gene == 0 ? 0 : gene - 2U;
}

}  // namespace

std::optional<std::size_t> ReleaseLocus::shelf_of(std::uint16_t gene, std::uint16_t first) const noexcept {
    if (first >= shelves_a_gene) return std::nullopt;
    return place_of(gene) * shelves_a_gene + first;
}

// Second fields are nearly all there, so that their places are looked up and not searched for. Where they are not, a
// shelf is no longer than twice its alleles and a few.
void ReleaseLocus::derive_index() {
    std::uint32_t last = 0;
    for (const Name& name : alleles) last = std::max<std::uint32_t>(last, name.fields[0]);
    shelves_a_gene = last + 1;
    std::uint32_t i = 0;
    for (std::size_t gene = 0; gene < kGenes; ++gene) {
        for (std::uint32_t first = 0; first <= last; ++first) {
            shelves.push_back(static_cast<std::uint32_t>(second_begins.size()));
            const std::uint32_t begin = i;
            const auto here = [&](const Name& name) { return place_of(name.gene) == gene && name.fields[0] == first; };
            while (i < alleles.size() && here(alleles[i])) ++i;
            const std::uint32_t most = 2 * (i - begin) + 16;
            const std::uint32_t seconds = begin == i ? 1 : std::min(alleles[i - 1].fields[1] + 2U, most);
            std::uint32_t at = begin;
            for (std::uint32_t second = 0; second < seconds; ++second) {
                while (at < i && alleles[at].fields[1] < second) ++at;
                second_begins.push_back(at);
            }
        }
    }
    shelves.push_back(static_cast<std::uint32_t>(second_begins.size()));
    second_begins.push_back(i);
}

std::pair<std::size_t, std::size_t> ReleaseLocus::range(const Name& name) const noexcept {
    const std::size_t n = name.field_count();
    std::size_t begin = 0;
    std::size_t end = keys.size();
    if (n > 0) {
        const auto shelf = shelf_of(name.gene, name.fields[0]);
        if (!shelf) return {0, 0};
        const std::uint32_t first = shelves[*shelf];
        const std::uint32_t after = shelves[*shelf + 1];
        if (n == 1) return {second_begins[first], second_begins[after]};
        const std::uint32_t second = std::min<std::uint32_t>(first + name.fields[1], after - 1);
        begin = second_begins[second];
        end = second_begins[second + 1];
        if (n == 2 && second + 1 < after) return {begin, end};
    }
    // Absent fields are zeros at the end: everything up to their greatest value extends the name. A gene alone
    // ("DRB3*NEW") has no first field either.
    const std::uint64_t low = allele_key(name);
    const std::uint64_t high =
        n == 0 ? low | ((std::uint64_t{1} << 62U) - 1) : low | ((std::uint64_t{1} << (16 * (4 - n))) - 1);
    const auto first = keys.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto last = keys.begin() + static_cast<std::ptrdiff_t>(end);
    const auto lo = std::lower_bound(first, last, low);
    auto hi = lo;  // what follows is visited: to step over it costs less than another search
    while (hi != last && *hi <= high) ++hi;
    return {static_cast<std::size_t>(lo - keys.begin()), static_cast<std::size_t>(hi - keys.begin())};
}

std::optional<std::size_t> ReleaseLocus::find_allele(const Name& name) const noexcept {
    const auto it = std::lower_bound(alleles.begin(), alleles.end(), name);
    if (it == alleles.end() || *it != name) return std::nullopt;
    return static_cast<std::size_t>(it - alleles.begin());
}

std::optional<std::uint32_t> ReleaseLocus::find_antigen(std::uint16_t number) const noexcept {
    const auto it = std::lower_bound(antigens.begin(), antigens.end(), number);
    if (it == antigens.end() || *it != number) return std::nullopt;
    return static_cast<std::uint32_t>(it - antigens.begin());
}

std::vector<std::uint32_t> ReleaseLocus::covered_antigens(std::uint32_t antigen) const {
    std::vector<std::uint32_t> covered;
    for (std::uint32_t a = 0; a < antigens.size(); ++a) {
        const bool is_part = a == antigen || broad[a] == antigen || associated[a] == antigen ||
                             (associated[a] != kNone && broad[associated[a]] == antigen);
        if (is_part || a == broad[antigen]) covered.push_back(a);
    }
    return covered;
}

std::optional<Name> ReleaseLocus::successor(const Name& name) const {
    const auto find = [&](const std::vector<Renamed>& table, const Name& from) -> std::optional<Name> {
        const auto it = std::lower_bound(table.begin(), table.end(), from,
                                         [](const Renamed& entry, const Name& wanted) { return entry.from < wanted; });
        if (it == table.end() || it->from != from) return std::nullopt;
        return it->to;
    };
    if (name.kind != NameKind::Version2) return find(renamed, name);
    if (const auto official = find(version2, name)) return official;
    // Some were deleted before 2010, a few of them with an odd number of digits, of which the rule knows nothing.
    if (const auto deleted = find(renamed, name)) return deleted;
    return version2_by_rule(locus, name);
}

std::optional<Name> ReleaseLocus::current(const Name& name) const {
    Name now = name;
    // A chain of names is short; one that goes on is a loop.
    for (int step = 0; step < 8; ++step) {
        if (now.kind == NameKind::Allele && visit_allele(now, [](std::uint32_t) {})) return now;
        const auto next = successor(now);
        if (!next || *next == now) return std::nullopt;
        now = *next;
    }
    return std::nullopt;
}

void ReleaseLocus::derive() {
    keys.reserve(alleles.size());
    suffixes.reserve(alleles.size());
    for (const Name& name : alleles) {
        keys.push_back(allele_key(name));
        suffixes.push_back(name.suffix);
    }
    derive_index();
    derive_proteins();
    derive_small_g();
    derive_serology();
    derive_groups();
}

void ReleaseLocus::derive_proteins() {
    std::map<std::pair<std::uint64_t, bool>, std::uint32_t> numbers;
    for (std::uint32_t i = 0; i < alleles.size(); ++i) {
        const std::pair key{keys[i] >> 32U, alleles[i].suffix == 'N'};
        const auto [it, fresh] = numbers.try_emplace(key, static_cast<std::uint32_t>(protein_first.size()));
        if (fresh) protein_first.push_back(i);
        protein.push_back(it->second);
    }
}

// The P group plus the nulls of the G groups that share an allele with it.
void ReleaseLocus::derive_small_g() {
    p_members = Lists::inverted(p_group, p_names.size());
    g_members = Lists::inverted(g_group, g_names.size());
    std::vector<std::uint32_t> p_of_g(g_names.size(), kNone);
    for (std::size_t i = 0; i < alleles.size(); ++i) {
        if (g_group[i] != kNone && p_group[i] != kNone) p_of_g[g_group[i]] = p_group[i];
    }
    null_small_g.assign(alleles.size(), kNone);
    for (std::size_t i = 0; i < alleles.size(); ++i) {
        if (alleles[i].suffix == 'N' && g_group[i] != kNone) null_small_g[i] = p_of_g[g_group[i]];
    }
    small_g_nulls = Lists::inverted(null_small_g, p_names.size());
}

void ReleaseLocus::derive_serology() {
    std::vector<std::vector<std::uint32_t>> direct(antigens.size());
    for (std::uint32_t i = 0; i < allele_antigens.size(); ++i) {
        for (const std::uint32_t antigen : allele_antigens[i]) direct[antigen].push_back(i);
    }
    for (std::uint32_t a = 0; a < antigens.size(); ++a) {
        std::vector<std::uint32_t> all;
        for (const std::uint32_t covered : covered_antigens(a)) {
            all.insert(all.end(), direct[covered].begin(), direct[covered].end());
        }
        std::sort(all.begin(), all.end());
        all.erase(std::unique(all.begin(), all.end()), all.end());
        antigen_alleles.push_back(all);
    }
}

void ReleaseLocus::derive_groups() {
    const auto two_fields = [&](std::uint32_t i) {
        const Name& full = alleles[i];
        return to_text(locus, Name{{full.fields[0], full.fields[1], 0, 0}, NameKind::Allele, 0, full.gene});
    };
    // The ARD: the P group, or outside any P group the first two fields. A P group is of proteins, so an allele that an
    // older file leaves out is in the group of its protein.
    std::vector<std::uint32_t> p_of_protein(protein_first.size(), kNone);
    for (std::uint32_t i = 0; i < alleles.size(); ++i) {
        if (alleles[i].suffix != 'N' && p_group[i] != kNone) p_of_protein[protein[i]] = p_group[i];
    }
    Groups& ard = groups[static_cast<std::size_t>(MatchLevel::Ard)];
    std::vector<std::uint32_t> of_p(p_names.size(), kNone);
    std::vector<std::uint32_t> of_protein(protein_first.size(), kNone);
    // Proteins: the first two fields.
    Groups& allele = groups[static_cast<std::size_t>(MatchLevel::Allele)];
    std::vector<std::uint32_t> allele_of_protein(protein_first.size(), kNone);
    // Antigens: the one of the allele. An associated antigen shows as the one that it is associated with (split or
    // better), so that alleles of one antigen stay alike; an allele known only by its broad may be any split.
    Groups& antigen = groups[static_cast<std::size_t>(MatchLevel::Antigen)];
    for (const std::uint16_t number : antigens) {
        antigen.texts.push_back(to_text(locus, Name{{number, 0, 0, 0}, NameKind::Serology, 0}));
    }
    std::map<std::uint64_t, std::uint32_t> of_first_field;
    for (std::uint32_t i = 0; i < alleles.size(); ++i) {
        if (alleles[i].suffix == 'N') {
            for (Groups* level : {&ard, &allele, &antigen}) level->of_allele.push_back({});
            continue;
        }
        const std::uint32_t p = p_group[i] != kNone ? p_group[i] : p_of_protein[protein[i]];
        std::uint32_t& ard_group = p != kNone ? of_p[p] : of_protein[protein[i]];
        if (ard_group == kNone) {
            ard_group = static_cast<std::uint32_t>(ard.texts.size());
            ard.texts.push_back(p != kNone ? to_text(locus, p_names[p]) : two_fields(i));
        }
        ard.of_allele.push_back({&ard_group, 1});
        std::uint32_t& allele_group = allele_of_protein[protein[i]];
        if (allele_group == kNone) {
            allele_group = static_cast<std::uint32_t>(allele.texts.size());
            allele.texts.push_back(two_fields(i));
        }
        allele.of_allele.push_back({&allele_group, 1});

        // Without an antigen the first field stands for one: the antigen of that number, if there is one.
        const auto listed = allele_antigens[i];
        std::vector<std::uint32_t> direct(listed.begin(), listed.end());
        if (direct.empty()) {
            if (const auto pseudo = find_antigen(alleles[i].fields[0])) direct.push_back(*pseudo);
        }
        const auto is_broad = [&](std::uint32_t a) { return std::find(broad.begin(), broad.end(), a) != broad.end(); };
        std::vector<std::uint32_t> all;
        for (const std::uint32_t a : direct) {
            const std::uint32_t parent = associated[a];
            all.push_back(parent != kNone && !is_broad(parent) ? parent : a);
            const bool split_known =
                std::any_of(direct.begin(), direct.end(), [&](std::uint32_t other) { return broad[other] == a; });
            for (std::uint32_t below = 0; below < antigens.size() && is_broad(a) && !split_known; ++below) {
                if (broad[below] == a || associated[below] == a) all.push_back(below);
            }
        }
        if (all.empty()) {
            const auto [it, fresh] = of_first_field.try_emplace(keys[i] >> 48U, 0);
            if (fresh) {
                it->second = static_cast<std::uint32_t>(antigen.texts.size());
                antigen.texts.push_back(
                    to_text(locus, Name{{alleles[i].fields[0], 0, 0, 0}, NameKind::XxCode, 0, alleles[i].gene}));
            }
            all.push_back(it->second);
        }
        std::sort(all.begin(), all.end());
        all.erase(std::unique(all.begin(), all.end()), all.end());
        antigen.of_allele.push_back(all);
    }
}

namespace {

// What is in the files of three genes as one locus.
std::shared_ptr<ReleaseLocus> joined_drb345(const ReleaseLocus& drb3, const ReleaseLocus& drb4,
                                            const ReleaseLocus& drb5) {
    auto all = std::make_shared<ReleaseLocus>();
    all->locus = Locus::DRB345;
    std::set<std::uint16_t> antigens;
    for (const ReleaseLocus* one : {&drb3, &drb4, &drb5}) antigens.insert(one->antigens.begin(), one->antigens.end());
    all->antigens.assign(antigens.begin(), antigens.end());
    all->broad.assign(antigens.size(), kNone);
    all->associated.assign(antigens.size(), kNone);
    all->has_serology = drb3.has_serology;
    all->has_renamed = drb3.has_renamed;
    std::uint8_t gene = 3;
    for (const ReleaseLocus* one : {&drb3, &drb4, &drb5}) {
        const auto of_gene = [&](Name name) {
            name.gene = gene;
            return name;
        };
        const auto append = [](auto& to, const auto& from) { to.insert(to.end(), from.begin(), from.end()); };
        const auto groups = [](std::vector<std::uint32_t>& to, const std::vector<std::uint32_t>& from,
                               std::size_t before) {
            for (const std::uint32_t group : from) {
                to.push_back(group == kNone ? kNone : group + static_cast<std::uint32_t>(before));
            }
        };
        groups(all->p_group, one->p_group, all->p_names.size());
        groups(all->g_group, one->g_group, all->g_names.size());
        for (const Name& name : one->alleles) all->alleles.push_back(of_gene(name));
        for (const Name& name : one->p_names) all->p_names.push_back(of_gene(name));
        for (const Name& name : one->g_names) all->g_names.push_back(of_gene(name));
        append(all->full_gdna, one->full_gdna);
        append(all->tce, one->tce);
        for (std::size_t i = 0; i < one->alleles.size(); ++i) {
            std::vector<std::uint32_t> list;
            for (const std::uint32_t a : one->allele_antigens[i]) list.push_back(*all->find_antigen(one->antigens[a]));
            all->allele_antigens.push_back(list);
        }
        for (const Renamed& entry : one->renamed) all->renamed.push_back({of_gene(entry.from), of_gene(entry.to)});
        for (const Renamed& entry : one->version2) all->version2.push_back({of_gene(entry.from), of_gene(entry.to)});
        ++gene;
    }
    return all;
}

}  // namespace

std::vector<std::shared_ptr<const ReleaseLocus>> completed(std::span<const std::shared_ptr<ReleaseLocus>> genes) {
    const auto gene = [&](Locus locus) -> const ReleaseLocus& { return *genes[index_of(locus)]; };
    std::vector<std::shared_ptr<ReleaseLocus>> loci(genes.begin(), genes.end());
    loci.push_back(joined_drb345(gene(Locus::DRB3), gene(Locus::DRB4), gene(Locus::DRB5)));
    parallel_for(loci.size(), thread_count(0), Cancel{}, [&](std::size_t l) { loci[l]->derive(); });
    return {loci.begin(), loci.end()};
}

}  // namespace allomatch
