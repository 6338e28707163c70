// Reading of the official files of a release into tables. What contradicts itself, or was cut short, is refused with
// file, line and value: a release that is read wrongly would match wrongly.
#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "allomatch/nomenclature.hpp"
#include "release_tables.hpp"

namespace allomatch {
namespace {

std::string_view trimmed(std::string_view text) noexcept {
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

// One line of a release file, with its place for messages.
struct Line {
    std::string_view text;
    std::string_view file;
    std::size_t number;

    [[noreturn]] void fail(std::string_view why) const {
        throw Error(ErrorCode::BadReleaseFile, std::string(file) + ":" + std::to_string(number) + ": " +
                                                   std::string(why) + ": " + shown(text) +
                                                   "; fetch the release file again");
    }
};

// `open_end`: the official file does not end its last line, so that this does not tell a file that was cut short.
template <typename Visit>
void for_each_line(std::string_view file, std::string_view content, Visit visit, bool open_end = false) {
    if (content.empty())
        throw Error(ErrorCode::BadReleaseFile, std::string(file) + " is empty; fetch the release file again");
    if (content.back() != '\n' && !open_end) {
        throw Error(
            ErrorCode::BadReleaseFile,
            std::string(file) + " ends in the middle of a line: it was cut short; fetch the release file again");
    }
    for (std::size_t number = 1; !content.empty(); ++number) {
        const std::size_t end = content.find('\n');
        std::string_view text = content.substr(0, end);
        content = end == std::string_view::npos ? std::string_view{} : content.substr(end + 1);
        if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
        if (!text.empty() && text.front() != '#') visit(Line{text, file, number});
    }
}

template <typename Visit>
void split(std::string_view text, char separator, Visit visit) {
    while (true) {
        const std::size_t end = text.find(separator);
        visit(text.substr(0, end));
        if (end == std::string_view::npos) return;
        text.remove_prefix(end + 1);
    }
}

// The first `Count` fields of a line; fails if there are fewer, or if there should be no more.
template <std::size_t Count>
std::array<std::string_view, Count> fields_of(const Line& line, char separator, std::string_view expected,
                                              bool exact = false) {
    std::array<std::string_view, Count> fields;
    std::size_t n = 0;
    split(line.text, separator, [&](std::string_view field) {
        if (n < Count) fields[n] = field;
        ++n;
    });
    if (n < Count || (exact && n > Count)) line.fail("expected '" + std::string(expected) + "'");
    return fields;
}

Name parse_official(Locus locus, std::string_view text, const Line& line) {
    try {
        return parse_name(locus, text);
    } catch (const Error&) {
        line.fail("not an HLA name: " + shown(text));
    }
}

// The files also speak of genes that registries do not match on (HLA-E, MICA...): nullopt.
std::optional<Locus> gene_locus(std::string_view text) {
    const auto locus = find_locus(text);
    return locus == Locus::DRB345 ? std::nullopt : locus;
}

using LocusTables = std::array<std::shared_ptr<ReleaseLocus>, kLocusCount - 1>;

LocusTables read_allele_list(std::string_view content) {
    LocusTables loci;
    for (std::size_t l = 0; l < loci.size(); ++l) {
        loci[l] = std::make_shared<ReleaseLocus>();
        loci[l]->locus = static_cast<Locus>(l);
    }
    for_each_line("Allelelist.txt", content, [&](const Line& line) {
        const std::size_t comma = line.text.find(',');
        if (comma == std::string_view::npos) line.fail("expected 'id,allele'");
        const std::string_view text = line.text.substr(comma + 1);
        if (text.find(',') != std::string_view::npos) line.fail("expected 'id,allele'");
        if (text == "Allele") return;  // the heading
        const std::size_t star = text.find('*');
        if (star == std::string_view::npos) line.fail("an allele has a '*'");
        const auto locus = gene_locus(text.substr(0, star));
        if (!locus) return;
        const Name name = parse_official(*locus, text, line);
        if (name.kind != NameKind::Allele) line.fail("not the name of an allele");
        loci[index_of(*locus)]->alleles.push_back(name);
    });
    for (auto& locus : loci) {
        std::sort(locus->alleles.begin(), locus->alleles.end());
        const std::size_t count = locus->alleles.size();
        for (auto* groups : {&locus->p_group, &locus->g_group}) groups->assign(count, kNone);
        for (auto* bytes : {&locus->full_gdna, &locus->tce}) bytes->assign(count, 0);
    }
    return loci;
}

// hla_nom_p and hla_nom_g: "A*;01:02:01:01/01:02:02;01:02P"; a line without a group name is an allele on its own.
// Every expressed allele has a line, but for a handful in some releases: a file that lacks more was cut short.
void read_groups(std::string_view file, std::string_view content, LocusTables& loci, NameKind kind,
                 std::vector<Name> ReleaseLocus::* names, std::vector<std::uint32_t> ReleaseLocus::* group_of) {
    struct Group {
        Name name;
        std::vector<std::uint32_t> members;
    };
    std::array<std::vector<Group>, kLocusCount> groups;
    std::array<std::vector<bool>, kLocusCount> listed;
    for (std::size_t l = 0; l < loci.size(); ++l) listed[l].resize(loci[l]->alleles.size());
    for_each_line(file, content, [&](const Line& line) {
        const auto [prefix, members, group_text] = fields_of<3>(line, ';', "locus*;members;group", true);
        if (prefix.empty()) line.fail("expected 'locus*;members;group'");
        const auto locus = gene_locus(prefix.substr(0, prefix.size() - 1));
        if (!locus) return;
        Group group;
        split(members, '/', [&](std::string_view member) {
            const auto allele = loci[index_of(*locus)]->find_allele(parse_official(*locus, member, line));
            if (!allele) line.fail("Allelelist.txt lacks the member " + shown(member));
            group.members.push_back(static_cast<std::uint32_t>(*allele));
            listed[index_of(*locus)][group.members.back()] = true;
        });
        if (group_text.empty()) return;
        group.name = parse_official(*locus, group_text, line);
        if (group.name.kind != kind) line.fail("the last field is not the name of such a group");
        groups[index_of(*locus)].push_back(std::move(group));
    });
    std::size_t expressed = 0;
    std::size_t missing = 0;
    std::string first_missing;
    for (std::size_t l = 0; l < loci.size(); ++l) {
        for (std::size_t i = 0; i < loci[l]->alleles.size(); ++i) {
            const Name& name = loci[l]->alleles[i];
            if (name.suffix == 'N') continue;
            ++expressed;
            if (listed[l][i]) continue;
            if (missing++ == 0) first_missing = to_text(static_cast<Locus>(l), name);
        }
    }
    if (missing > expressed / 1000) {
        throw Error(ErrorCode::BadReleaseFile,
                    std::string(file) + " lacks " + std::to_string(missing) + " of the " + std::to_string(expressed) +
                        " expressed alleles of Allelelist.txt, the first is " + first_missing +
                        ": it was cut short or is of another release; fetch the release files again");
    }
    for (std::size_t l = 0; l < loci.size(); ++l) {
        const auto locus = static_cast<Locus>(l);
        ReleaseLocus& tables = *loci[l];
        std::sort(groups[l].begin(), groups[l].end(), [](const Group& a, const Group& b) { return a.name < b.name; });
        for (std::uint32_t g = 0; g < groups[l].size(); ++g) {
            (tables.*names).push_back(groups[l][g].name);
            for (const std::uint32_t member : groups[l][g].members) {
                std::uint32_t& of = (tables.*group_of)[member];
                if (of != kNone) {
                    throw Error(ErrorCode::BadReleaseFile,
                                std::string(file) + " has " + to_text(locus, tables.alleles[member]) +
                                    " in two groups, " + to_text(locus, groups[l][of].name) + " and " +
                                    to_text(locus, groups[l][g].name) + "; fetch the release file again");
                }
                of = g;
            }
        }
        for (const Group& group : groups[l]) {
            const bool expresses = std::any_of(group.members.begin(), group.members.end(),
                                               [&](std::uint32_t m) { return tables.alleles[m].suffix != 'N'; });
            if (kind == NameKind::PGroup && !expresses) {
                throw Error(ErrorCode::BadReleaseFile, std::string(file) + " has the P group " +
                                                           to_text(locus, group.name) +
                                                           " of null alleles only; fetch the release file again");
            }
        }
    }
}

// Splits "A*02:01" into locus and name; nullopt for genes that are not ours.
std::optional<NameAtLocus> official_name(std::string_view text, const Line& line) {
    const std::size_t star = text.find('*');
    if (star == std::string_view::npos) line.fail("an allele has a '*'");
    const auto locus = gene_locus(text.substr(0, star));
    if (!locus) return std::nullopt;
    return NameAtLocus{*locus, parse_official(*locus, text, line)};
}

// Allele_status.txt: "A*01:01:01:01,8,10,Confirmed,1,1098,Full,gDNA".
void read_status(std::string_view content, LocusTables& loci) {
    for_each_line("Allele_status.txt", content, [&](const Line& line) {
        const auto fields = fields_of<8>(line, ',', "allele,cells,groups,confirmed,start,end,partial,type");
        if (fields[0] == "Allele") return;
        const auto name = official_name(fields[0], line);
        if (!name) return;
        ReleaseLocus& tables = *loci[index_of(name->locus)];
        if (const auto allele = tables.find_allele(name->name)) {
            tables.full_gdna[*allele] = fields[6] == "Full" && fields[7] == "gDNA" ? 1 : 0;
        }
    });
}

// dpb_tce.csv: "DPB1*01:01:01:01,DPB1*01:01,3,3,": the fourth field, of which the first character counts.
void read_tce(std::string_view content, LocusTables& loci) {
    for_each_line("dpb_tce.csv", content, [&](const Line& line) {
        const auto fields = fields_of<4>(line, ',', "allele,protein,version 1,version 2");
        if (fields[0] == "Allele") return;
        const auto name = official_name(fields[0], line);
        if (!name || name->locus != Locus::DPB1) line.fail("not an allele of DPB1");
        if (fields[3].empty() || fields[3][0] == '0') return;
        if (fields[3][0] < '1' || fields[3][0] > '3') line.fail("a T-cell epitope group is 1, 2 or 3");
        ReleaseLocus& tables = *loci[index_of(Locus::DPB1)];
        if (const auto allele = tables.find_allele(name->name)) {
            tables.tce[*allele] = static_cast<std::uint8_t>(fields[3][0] - '0');
        }
    });
}

std::optional<std::uint16_t> antigen_number(std::string_view text) {
    if (text.empty() || text.size() > 4) return std::nullopt;
    std::uint16_t number = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        number = static_cast<std::uint16_t>(number * 10 + (c - '0'));
    }
    return number;
}

std::uint16_t require_antigen(std::string_view text, const Line& line) {
    const auto number = antigen_number(text);
    if (!number || *number == 0) line.fail("not the number of an antigen: " + shown(text));
    return *number;
}

// rel_ser_ser.txt: "A;9;23/24;" (broad and its splits), "A;2;;203/210" (and its associated antigens); rel_dna_ser.txt:
// "A*;01:01:01:01;1;;;" (unambiguous, possible, assumed, expert assigned): the first that says something counts.
void read_serology(std::string_view dna, std::string_view relations, LocusTables& loci) {
    struct Relation {
        std::uint16_t part, whole;
    };
    std::array<std::vector<Relation>, kLocusCount> splits;
    std::array<std::vector<Relation>, kLocusCount> associated;
    std::array<std::vector<std::uint16_t>, kLocusCount> seen;
    if (!relations.empty()) {
        for_each_line(
            "rel_ser_ser.txt", relations,
            [&](const Line& line) {
                const auto [letters, antigen, split_text, associated_text] =
                    fields_of<4>(line, ';', "locus;antigen;splits;associated antigens");
                const std::map<std::string_view, Locus> of_letters = {
                    {"A", Locus::A}, {"B", Locus::B}, {"Cw", Locus::C}, {"DR", Locus::DRB1}, {"DQ", Locus::DQB1}};
                const auto it = of_letters.find(letters);
                if (it == of_letters.end()) return;
                const std::size_t l = index_of(it->second);
                const std::uint16_t whole = require_antigen(antigen, line);
                seen[l].push_back(whole);
                for (const auto& [text, list] :
                     {std::pair{split_text, &splits[l]}, std::pair{associated_text, &associated[l]}}) {
                    if (text.empty()) continue;
                    split(text, '/', [&, into = list](std::string_view part) {
                        into->push_back({require_antigen(part, line), whole});
                        seen[l].push_back(into->back().part);
                    });
                }
            },
            true);
    }
    std::array<std::vector<std::vector<std::uint16_t>>, kLocusCount> direct;
    std::size_t alleles = 0;
    std::size_t listed = 0;
    for (std::size_t l = 0; l < loci.size(); ++l) {
        direct[l].resize(loci[l]->alleles.size());
        alleles += loci[l]->alleles.size();
    }
    for_each_line(
        "rel_dna_ser.txt", dna,
        [&](const Line& line) {
            const auto fields = fields_of<6>(line, ';', "locus*;allele;unambiguous;possible;assumed;expert");
            const auto locus = gene_locus(fields[0].substr(0, fields[0].size() - (fields[0].empty() ? 0 : 1)));
            if (!locus) return;
            const std::size_t l = index_of(*locus);
            const auto allele = loci[l]->find_allele(parse_official(*locus, fields[1], line));
            if (!allele) line.fail("Allelelist.txt lacks this allele");
            ++listed;
            for (std::size_t column = 2; column < 6 && direct[l][*allele].empty(); ++column) {
                split(fields[column], '/', [&](std::string_view text) {
                    if (text.empty() || text == "?" || text == "0") return;
                    direct[l][*allele].push_back(require_antigen(text, line));
                });
            }
            seen[l].insert(seen[l].end(), direct[l][*allele].begin(), direct[l][*allele].end());
        },
        true);
    if (listed + alleles / 1000 < alleles) {
        throw Error(
            ErrorCode::BadReleaseFile,
            "rel_dna_ser.txt lists " + std::to_string(listed) + " of the " + std::to_string(alleles) +
                " alleles of Allelelist.txt: it was cut short or is of another release; fetch the release files "
                "again");
    }
    for (std::size_t l = 0; l < loci.size(); ++l) {
        ReleaseLocus& tables = *loci[l];
        tables.has_serology = true;
        std::sort(seen[l].begin(), seen[l].end());
        seen[l].erase(std::unique(seen[l].begin(), seen[l].end()), seen[l].end());
        tables.antigens = seen[l];
        tables.broad.assign(seen[l].size(), kNone);
        tables.associated.assign(seen[l].size(), kNone);
        for (const Relation& r : splits[l]) tables.broad[*tables.find_antigen(r.part)] = *tables.find_antigen(r.whole);
        for (const Relation& r : associated[l]) {
            tables.associated[*tables.find_antigen(r.part)] = *tables.find_antigen(r.whole);
        }
        for (const auto& numbers : direct[l]) {
            std::vector<std::uint32_t> list;
            for (const std::uint16_t number : numbers) list.push_back(*tables.find_antigen(number));
            std::sort(list.begin(), list.end());
            tables.allele_antigens.push_back(list);
        }
    }
}

void sort_renamed(std::vector<Renamed>& table) {
    std::stable_sort(table.begin(), table.end(), [](const Renamed& a, const Renamed& b) { return a.from < b.from; });
    const auto same = [](const Renamed& a, const Renamed& b) { return a.from == b.from; };
    table.erase(std::unique(table.begin(), table.end(), same), table.end());
}

// Nomenclature_2009.txt: "A*01010101          A*01:01:01:01", below a heading.
void read_old_names(std::string_view content, LocusTables& loci) {
    for_each_line("Nomenclature_2009.txt", content, [&](const Line& line) {
        const std::size_t end = line.text.find_first_of(" \t");
        if (end == std::string_view::npos) return;
        const std::string_view from = line.text.substr(0, end);
        const std::string_view to = trimmed(line.text.substr(end));
        const std::size_t star = to.find('*');
        if (from.find('*') == std::string_view::npos || star == std::string_view::npos) return;  // the heading
        const auto locus = gene_locus(to.substr(0, star));
        if (!locus) return;
        // A few rows carry a name from one gene to another, or a remark instead of a name.
        try {
            const Name old = parse_name(*locus, from);
            const Name now = parse_name(*locus, to);
            if (old.kind == NameKind::Version2 && now.kind == NameKind::Allele) {
                loci[index_of(*locus)]->version2.push_back({old, now});
            }
        } catch (const Error&) {
            return;
        }
    });
    for (auto& locus : loci) sort_renamed(locus->version2);
}

// The name behind the first "renamed", "identical to" or "newly named" of a description; empty if there is none.
std::string_view successor_in(std::string_view description) noexcept {
    std::size_t at = std::string_view::npos;
    for (const std::string_view mark : {"renamed ", "identical to ", "newly named "}) {
        const std::size_t found = description.find(mark);
        if (found != std::string_view::npos) at = std::min(at, found + mark.size());
    }
    if (at == std::string_view::npos) return {};
    std::string_view rest = description.substr(at);
    while (!rest.empty()) {
        const std::size_t end = std::min(rest.find(' '), rest.size());
        std::string_view word = rest.substr(0, end);
        word = word.substr(0, word.find('('));  // "DRB1*08:01:01(March 2016)"
        while (!word.empty() && (word.back() == '.' || word.back() == ',')) word.remove_suffix(1);
        // "A*02 allele group renamed A*02:01" names a group first: a name has digits behind the first field.
        const std::size_t star = word.find('*');
        if (star != std::string_view::npos && word.size() > star + 3) return word;
        rest = end < rest.size() ? rest.substr(end + 1) : std::string_view{};
    }
    return {};
}

Name two_fields(const Name& name) noexcept {
    return {{name.fields[0], name.fields[1], 0, 0}, NameKind::Allele, name.suffix == 'N' ? 'N' : char{0}, name.gene};
}

// Deleted_alleles.txt: "HLA06674,A*01:34N,Sequence shown ... renamed A*01:01:38L (March 2011)". Names of before 2010
// count under the name that they have since, too.
void read_deleted(std::string_view content, LocusTables& loci) {
    for_each_line("Deleted_alleles.txt", content, [&](const Line& line) {
        const auto [id, allele, description] = fields_of<3>(line, ',', "id,allele,description");
        if (allele == "Allele") return;
        const auto from = official_name(allele, line);
        // The description may itself hold commas, so it is looked for in the whole line.
        const std::size_t second = line.text.find(',', line.text.find(',') + 1);
        const std::string_view to_text = successor_in(line.text.substr(second + 1));
        if (!from || to_text.empty()) return;
        ReleaseLocus& tables = *loci[index_of(from->locus)];
        Name to;
        try {
            to = parse_name(from->locus, to_text);
        } catch (const Error&) {
            return;  // carried to another gene, or not a name: there is no successor at this locus
        }
        tables.renamed.push_back({from->name, to});
        if (from->name.kind == NameKind::Version2) {
            if (const auto now = version2_by_rule(from->locus, from->name)) tables.renamed.push_back({*now, to});
        }
    });
    for (auto& locus : loci) {
        locus->has_renamed = true;
        // "C*03:99:01" is now "C*01:169:01", and so "C*03:99", should no allele have it any more, is "C*01:169". Behind
        // all whole names, which come first.
        const std::size_t whole = locus->renamed.size();
        for (std::size_t i = 0; i < whole; ++i) {
            const Renamed& entry = locus->renamed[i];
            if (entry.from.kind != NameKind::Allele || entry.to.kind != NameKind::Allele || entry.from.fields[2] == 0)
                continue;
            locus->renamed.push_back({two_fields(entry.from), two_fields(entry.to)});
        }
        sort_renamed(locus->renamed);
    }
}

// The head of an official file says "# version: IPD-IMGT/HLA 3.58.0"; another release under this name would be a lie.
void check_version(const std::string& release, const std::string& file, std::string_view content) {
    constexpr std::string_view kMark = "# version: IPD-IMGT/HLA ";
    const std::size_t at = content.substr(0, 2000).find(kMark);
    if (at == std::string_view::npos) return;
    const std::string_view rest = content.substr(at + kMark.size());
    const std::string_view version = trimmed(rest.substr(0, rest.find_first_of("\r\n")));
    if (version == release) return;
    throw Error(ErrorCode::BadReleaseFile, file + " is of release " + shown(version) + ", not of " + shown(release) +
                                               "; name the release that it is of");
}

}  // namespace

std::shared_ptr<const Nomenclature> Nomenclature::from_files(std::string release, const ReleaseFiles& files,
                                                             std::shared_ptr<const MacTable> macs) {
    for (const auto& [file, content] :
         {std::pair{"Allelelist.txt", files.allele_list}, std::pair{"hla_nom_p.txt", files.p_groups},
          std::pair{"hla_nom_g.txt", files.g_groups}, std::pair{"Deleted_alleles.txt", files.deleted},
          std::pair{"Allele_status.txt", files.status}, std::pair{"rel_dna_ser.txt", files.dna_serology},
          std::pair{"rel_ser_ser.txt", files.serology_relations}, std::pair{"dpb_tce.csv", files.tce}}) {
        check_version(release, file, content);
    }
    LocusTables loci = read_allele_list(files.allele_list);
    read_groups("hla_nom_p.txt", files.p_groups, loci, NameKind::PGroup, &ReleaseLocus::p_names,
                &ReleaseLocus::p_group);
    read_groups("hla_nom_g.txt", files.g_groups, loci, NameKind::GGroup, &ReleaseLocus::g_names,
                &ReleaseLocus::g_group);
    if (!files.status.empty()) read_status(files.status, loci);
    if (!files.tce.empty()) read_tce(files.tce, loci);
    if (!files.old_names.empty()) read_old_names(files.old_names, loci);
    if (!files.deleted.empty()) read_deleted(files.deleted, loci);
    if (!files.dna_serology.empty()) {
        read_serology(files.dna_serology, files.serology_relations, loci);
    } else {
        for (auto& locus : loci) {
            for (std::size_t i = 0; i < locus->alleles.size(); ++i) locus->allele_antigens.push_back({});
        }
    }
    auto result = std::make_shared<Nomenclature>();
    result->release_ = std::move(release);
    result->macs_ = std::move(macs);
    result->loci_ = completed(loci);
    if (result->allele_count() == 0) {
        throw Error(ErrorCode::BadReleaseFile, "Allelelist.txt of release " + shown(result->release_) +
                                                   " lists no HLA allele; fetch the release file again");
    }
    return result;
}

}  // namespace allomatch
