// Reading of names, and the tables of a release. See nomenclature.hpp for what they mean.
#include "allomatch/nomenclature.hpp"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <unordered_map>

#include "allomatch/error.hpp"

namespace allomatch {
namespace {

constexpr std::array<std::string_view, kLocusCount> kLocusNames = {"A",    "B",    "C",    "DRB1", "DRB3", "DRB4",
                                                                   "DRB5", "DQA1", "DQB1", "DPA1", "DPB1"};
constexpr std::string_view kSuffixes = "NLSCAQ";

char upper(char c) noexcept {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

bool equals_upper(std::string_view text, std::string_view upper_case) noexcept {
    return text.size() == upper_case.size() &&
           std::equal(text.begin(), text.end(), upper_case.begin(), [](char a, char b) { return upper(a) == b; });
}

bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

std::string_view trimmed(std::string_view text) noexcept {
    const auto blank = [](char c) { return c == ' ' || c == '\t'; };
    while (!text.empty() && blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && blank(text.back())) text.remove_suffix(1);
    return text;
}

[[noreturn]] void malformed(Locus locus, std::string_view text, std::string_view why) {
    throw Error(ErrorCode::MalformedTyping,
                "malformed name " + shown(text) + " at locus " + std::string(locus_name(locus)) + ": " +
                    std::string(why) + "; expected for example 02:01, 02:01:01:01N, 02:01:01G, 02:01P or 02:XX");
}

// Takes the locus prefix ("HLA-A*", "A*") off, if there is one, and checks that it is this locus.
std::string_view without_locus(Locus locus, std::string_view text) {
    std::string_view rest = text;
    if (rest.size() > 4 && equals_upper(rest.substr(0, 4), "HLA-")) rest.remove_prefix(4);
    const std::size_t star = rest.find('*');
    if (star == std::string_view::npos) {
        if (rest.size() != text.size()) malformed(locus, text, "'HLA-' without a locus and '*'");
        return rest;
    }
    if (!equals_upper(rest.substr(0, star), locus_name(locus))) malformed(locus, text, "it names another locus");
    return rest.substr(star + 1);
}

// Two digits, or three or four without a leading zero; 0 if it is none of these.
std::uint16_t parse_field(std::string_view text) noexcept {
    if (text.size() < 2 || text.size() > 4 || (text.size() > 2 && text[0] == '0')) return 0;
    std::uint16_t value = 0;
    for (const char c : text) {
        if (!is_digit(c)) return 0;
        value = static_cast<std::uint16_t>(value * 10 + (c - '0'));
    }
    return value;
}

void append_field(std::string& text, std::uint16_t value) {
    if (value < 10) text.push_back('0');
    text += std::to_string(value);
}

std::uint64_t pack(const std::array<std::uint16_t, 4>& f) noexcept {
    return std::uint64_t{f[0]} << 48U | std::uint64_t{f[1]} << 32U | std::uint64_t{f[2]} << 16U | f[3];
}

std::uint32_t two_field_key(const Name& name) noexcept {
    return std::uint32_t{name.fields[0]} << 16U | name.fields[1];
}

constexpr std::uint32_t kNoGroup = 0xffffffff;
// Keys of the unnamed groups of a first field; second fields never reach them.
constexpr std::uint32_t kFirstUnnamed = 0x10000 - GroupSpace::kUnnamed;

}  // namespace

std::string_view locus_name(Locus locus) noexcept {
    return kLocusNames[index_of(locus)];
}

std::optional<Locus> find_locus(std::string_view text) noexcept {
    for (std::size_t i = 0; i < kLocusCount; ++i) {
        if (equals_upper(text, kLocusNames[i])) return static_cast<Locus>(i);
    }
    return std::nullopt;
}

Locus require_locus(std::string_view text) {
    if (const auto locus = find_locus(text)) return *locus;
    throw Error(ErrorCode::UnknownLocus, "unknown locus " + shown(text) +
                                             "; use one of A, B, C, DRB1, DRB3, DRB4, DRB5, DQA1, DQB1, DPA1 and DPB1");
}

std::size_t Name::field_count() const noexcept {
    return static_cast<std::size_t>(std::find(fields.begin(), fields.end(), 0) - fields.begin());
}

Name parse_name(Locus locus, std::string_view original) {
    const std::string_view text = trimmed(original);
    std::string_view rest = without_locus(locus, text);
    Name name;
    if (rest.empty()) malformed(locus, text, "nothing after the locus");
    const char last = upper(rest.back());
    if (!is_digit(last) && last != 'X') {
        if (last == 'G' || last == 'P') {
            name.kind = last == 'G' ? NameKind::GGroup : NameKind::PGroup;
        } else if (kSuffixes.find(last) != std::string_view::npos) {
            name.suffix = last;
        } else {
            malformed(locus, text, "unknown suffix");
        }
        rest.remove_suffix(1);
    }
    std::size_t count = 0;
    for (bool more = true; more; ++count) {
        const std::size_t colon = rest.find(':');
        const std::string_view field = rest.substr(0, colon);
        more = colon != std::string_view::npos;
        rest = more ? rest.substr(colon + 1) : std::string_view{};
        if (count == 4) malformed(locus, text, "more than four fields");
        if (count == 1 && !more && name.suffix == 0 && name.kind == NameKind::Allele && equals_upper(field, "XX")) {
            name.kind = NameKind::XxCode;
            return name;
        }
        const std::uint16_t value = parse_field(field);
        if (value == 0) malformed(locus, text, "a field is not a number of two to four digits");
        name.fields[count] = value;
    }
    if (count < 2) malformed(locus, text, "a single field; write 02:XX for any allele of a first field");
    // Two fields and a g, in any case, is the small g of other programs.
    if (name.kind == NameKind::GGroup && count == 2) malformed(locus, text, "small g groups are not read yet");
    if (name.kind == NameKind::GGroup && count != 3) malformed(locus, text, "a G group has three fields");
    if (name.kind == NameKind::PGroup && count != 2) malformed(locus, text, "a P group has two fields");
    return name;
}

std::string_view locus_part(std::string_view text) noexcept {
    if (text.size() > 4 && equals_upper(text.substr(0, 4), "HLA-")) text.remove_prefix(4);
    const std::size_t star = text.find('*');
    return star == std::string_view::npos ? std::string_view{} : text.substr(0, star);
}

NameAtLocus parse_name_with_locus(std::string_view text) {
    const std::string_view locus_text = locus_part(trimmed(text));
    if (locus_text.empty()) {
        throw Error(ErrorCode::MalformedTyping,
                    "malformed name " + shown(text) + ": it names no locus; expected for example A*02:01");
    }
    const Locus locus = require_locus(locus_text);
    return {locus, parse_name(locus, text)};
}

std::string to_text(Locus locus, const Name& name) {
    std::string text(locus_name(locus));
    text.push_back('*');
    append_field(text, name.fields[0]);
    for (std::size_t i = 1; i < 4 && name.fields[i] != 0; ++i) {
        text.push_back(':');
        append_field(text, name.fields[i]);
    }
    switch (name.kind) {
        case NameKind::Allele:
            if (name.suffix != 0) text.push_back(name.suffix);
            break;
        case NameKind::GGroup:
            text.push_back('G');
            break;
        case NameKind::PGroup:
            text.push_back('P');
            break;
        case NameKind::XxCode:
            text += ":XX";
            break;
    }
    return text;
}

void GroupBits::set_range(std::size_t first, std::size_t last) noexcept {
    for (std::size_t i = first; i < last; ++i) set(GroupId{static_cast<std::uint32_t>(i)});
}

void GroupBits::clear() noexcept {
    std::fill(words_.begin(), words_.end(), 0);
}

// ---- the tables of a release
// ----------------------------------------------------------------------------------------------

struct ReleaseLocus {
    struct Allele {
        Name name;
        std::uint32_t ard;      // kNoGroup: null
        std::uint32_t p_group;  // index into p_names, or kNoGroup
        std::uint32_t g_group;  // index into g_names, or kNoGroup
    };
    std::vector<Allele> alleles;                        // sorted by fields, then suffix
    std::vector<std::uint64_t> keys;                    // packed fields of `alleles`
    std::vector<std::string> group_texts;               // ARD groups, in the order of their first allele
    std::vector<Name> p_names, g_names;                 // sorted
    std::vector<std::uint32_t> p_ard;                   // ARD group of each P group
    std::vector<std::vector<std::uint32_t>> g_members;  // alleles of each G group

    // [first, last) of the alleles that extend the fields of `name`.
    [[nodiscard]] std::pair<std::size_t, std::size_t> range(const Name& name) const {
        const std::size_t n = name.field_count();
        auto upper_fields = name.fields;
        for (std::size_t i = n; i < 4; ++i) upper_fields[i] = 0xffff;
        const auto lo = std::lower_bound(keys.begin(), keys.end(), pack(name.fields));
        const auto hi = std::upper_bound(lo, keys.end(), pack(upper_fields));
        return {static_cast<std::size_t>(lo - keys.begin()), static_cast<std::size_t>(hi - keys.begin())};
    }

    static std::optional<std::size_t> find(const std::vector<Name>& sorted, const Name& name) {
        const auto it = std::lower_bound(sorted.begin(), sorted.end(), name);
        if (it == sorted.end() || *it != name) return std::nullopt;
        return static_cast<std::size_t>(it - sorted.begin());
    }

    // Calls visit(allele index) for every allele that `name` stands for. SEMANTICS section 1, the table of forms.
    template <typename Visit>
    void for_each(const Name& name, Visit visit) const {
        if (name.kind == NameKind::GGroup) {
            if (const auto g = find(g_names, name)) {
                for (const std::uint32_t member : g_members[*g]) visit(member);
            }
            return;
        }
        if (name.kind == NameKind::PGroup) {
            if (const auto p = find(p_names, name)) {
                for (std::size_t i = 0; i < alleles.size(); ++i) {
                    if (alleles[i].p_group == *p) visit(i);
                }
            }
            return;
        }
        const auto [first, last] = range(name);
        for (std::size_t i = first; i < last; ++i) {
            const char suffix = alleles[i].name.suffix;
            // A null allele is meant only by a name that says so; other suffixes are implied by a name without one.
            if (name.kind == NameKind::XxCode || name.suffix == suffix || (name.suffix == 0 && suffix != 'N')) visit(i);
        }
    }

    [[nodiscard]] Expression add(const Name& name, GroupBits& bits) const {
        if (name.kind == NameKind::PGroup) {
            const auto p = find(p_names, name);
            if (!p) return Expression::Unknown;
            bits.set(GroupId{p_ard[*p]});
            return Expression::Expressed;
        }
        bool null = false;
        bool expressed = false;
        for_each(name, [&](std::size_t i) {
            const std::uint32_t ard = alleles[i].ard;
            if (ard == kNoGroup) {
                null = true;
            } else {
                expressed = true;
                bits.set(GroupId{ard});
            }
        });
        if (expressed) return null ? Expression::PossiblyNull : Expression::Expressed;
        return null ? Expression::Null : Expression::Unknown;
    }
};

namespace {

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

template <typename Visit>
void for_each_line(std::string_view file, std::string_view content, Visit visit) {
    if (content.empty())
        throw Error(ErrorCode::BadReleaseFile, std::string(file) + " is empty; fetch the release file again");
    if (content.back() != '\n') {
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

Name parse_official(Locus locus, std::string_view text, const Line& line) {
    try {
        return parse_name(locus, text);
    } catch (const Error&) {
        line.fail("not an HLA name: " + shown(text));
    }
}

using LocusTables = std::array<std::shared_ptr<ReleaseLocus>, kLocusCount>;

LocusTables read_allele_list(std::string_view content) {
    LocusTables loci;
    for (auto& locus : loci) locus = std::make_shared<ReleaseLocus>();
    for_each_line("Allelelist.txt", content, [&](const Line& line) {
        const std::size_t comma = line.text.find(',');
        if (comma == std::string_view::npos) line.fail("expected 'id,allele'");
        const std::string_view text = line.text.substr(comma + 1);
        if (text.find(',') != std::string_view::npos) line.fail("expected 'id,allele'");
        if (text == "Allele") return;  // the heading
        const std::size_t star = text.find('*');
        if (star == std::string_view::npos) line.fail("an allele has a '*'");
        // The file also lists genes that registries do not match on (HLA-E, MICA...).
        const auto locus = find_locus(text.substr(0, star));
        if (!locus) return;
        loci[index_of(*locus)]->alleles.push_back({parse_official(*locus, text, line), kNoGroup, kNoGroup, kNoGroup});
    });
    for (auto& locus : loci) {
        auto& alleles = locus->alleles;
        std::sort(alleles.begin(), alleles.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
        for (const auto& allele : alleles) locus->keys.push_back(pack(allele.name.fields));
    }
    return loci;
}

// hla_nom_p and hla_nom_g: "A*;01:02:01:01/01:02:02;01:02P"; a line without a group name is an allele on its own.
// Every expressed allele has a line, but for a handful in some releases: a file that lacks more was cut short.
void read_groups(std::string_view file, std::string_view content, LocusTables& loci, NameKind kind,
                 std::vector<Name> ReleaseLocus::* names, std::uint32_t ReleaseLocus::Allele::* group_of) {
    struct Group {
        Name name;
        std::vector<std::uint32_t> members;
    };
    std::array<std::vector<Group>, kLocusCount> groups;
    std::array<std::vector<bool>, kLocusCount> listed;
    for (std::size_t l = 0; l < kLocusCount; ++l) listed[l].resize(loci[l]->alleles.size());
    for_each_line(file, content, [&](const Line& line) {
        const std::size_t first = line.text.find(';');
        const std::size_t second = first == std::string_view::npos ? first : line.text.find(';', first + 1);
        if (second == std::string_view::npos || first == 0) line.fail("expected 'locus*;members;group'");
        const auto locus = find_locus(line.text.substr(0, first - 1));
        const std::string_view group_text = line.text.substr(second + 1);
        if (!locus) return;
        const auto& alleles = loci[index_of(*locus)]->alleles;
        Group group;
        split(line.text.substr(first + 1, second - first - 1), '/', [&](std::string_view member) {
            const Name name = parse_official(*locus, member, line);
            const auto it =
                std::lower_bound(alleles.begin(), alleles.end(), name,
                                 [](const auto& allele, const Name& wanted) { return allele.name < wanted; });
            if (it == alleles.end() || it->name != name) line.fail("Allelelist.txt lacks the member " + shown(member));
            group.members.push_back(static_cast<std::uint32_t>(it - alleles.begin()));
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
    for (std::size_t l = 0; l < kLocusCount; ++l) {
        for (std::size_t i = 0; i < loci[l]->alleles.size(); ++i) {
            const Name& name = loci[l]->alleles[i].name;
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
    for (std::size_t l = 0; l < kLocusCount; ++l) {
        std::sort(groups[l].begin(), groups[l].end(), [](const Group& a, const Group& b) { return a.name < b.name; });
        for (std::uint32_t g = 0; g < groups[l].size(); ++g) {
            ((*loci[l]).*names).push_back(groups[l][g].name);
            for (const std::uint32_t member : groups[l][g].members) {
                auto& allele = loci[l]->alleles[member];
                if (allele.*group_of != kNoGroup) {
                    const auto locus = static_cast<Locus>(l);
                    throw Error(ErrorCode::BadReleaseFile,
                                std::string(file) + " has " + to_text(locus, allele.name) + " in two groups, " +
                                    to_text(locus, groups[l][allele.*group_of].name) + " and " +
                                    to_text(locus, groups[l][g].name) + "; fetch the release file again");
                }
                allele.*group_of = g;
            }
        }
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

// Numbers the ARD groups: the P group, or outside any P group the first two fields.
void number_ard_groups(Locus locus, ReleaseLocus& tables) {
    std::unordered_map<std::string, std::uint32_t> numbers;
    tables.p_ard.assign(tables.p_names.size(), kNoGroup);
    for (auto& allele : tables.alleles) {
        if (allele.name.suffix == 'N') continue;
        std::string text;
        if (allele.p_group != kNoGroup) {
            text = to_text(locus, tables.p_names[allele.p_group]);
        } else {
            text = to_text(locus, Name{{allele.name.fields[0], allele.name.fields[1], 0, 0}, NameKind::Allele, 0});
        }
        const auto [it, fresh] = numbers.try_emplace(text, static_cast<std::uint32_t>(tables.group_texts.size()));
        if (fresh) tables.group_texts.push_back(text);
        allele.ard = it->second;
        if (allele.p_group != kNoGroup) tables.p_ard[allele.p_group] = it->second;
    }
    for (std::size_t p = 0; p < tables.p_ard.size(); ++p) {
        if (tables.p_ard[p] != kNoGroup) continue;
        throw Error(ErrorCode::BadReleaseFile, "hla_nom_p.txt has the P group " + to_text(locus, tables.p_names[p]) +
                                                   " of null alleles only; fetch the release file again");
    }
}

}  // namespace

std::shared_ptr<const Nomenclature> Nomenclature::two_field() {
    auto result = std::make_shared<Nomenclature>();
    result->release_ = "two-field";
    return result;
}

std::shared_ptr<const Nomenclature> Nomenclature::from_files(std::string release, const ReleaseFiles& files) {
    for (const auto& [file, content] :
         {std::pair{"Allelelist.txt", files.allele_list}, std::pair{"hla_nom_p.txt", files.p_groups},
          std::pair{"hla_nom_g.txt", files.g_groups}}) {
        check_version(release, file, content);
    }
    LocusTables loci = read_allele_list(files.allele_list);
    read_groups("hla_nom_p.txt", files.p_groups, loci, NameKind::PGroup, &ReleaseLocus::p_names,
                &ReleaseLocus::Allele::p_group);
    read_groups("hla_nom_g.txt", files.g_groups, loci, NameKind::GGroup, &ReleaseLocus::g_names,
                &ReleaseLocus::Allele::g_group);
    auto result = std::make_shared<Nomenclature>();
    result->release_ = std::move(release);
    for (std::size_t l = 0; l < kLocusCount; ++l) {
        ReleaseLocus& tables = *loci[l];
        number_ard_groups(static_cast<Locus>(l), tables);
        tables.g_members.resize(tables.g_names.size());
        for (std::uint32_t i = 0; i < tables.alleles.size(); ++i) {
            const std::uint32_t g = tables.alleles[i].g_group;
            if (g != kNoGroup) tables.g_members[g].push_back(i);
        }
        result->loci_.push_back(loci[l]);
    }
    if (result->allele_count() == 0) {
        throw Error(ErrorCode::BadReleaseFile, "Allelelist.txt of release " + shown(result->release_) +
                                                   " lists no HLA allele; fetch the release file again");
    }
    return result;
}

std::size_t Nomenclature::allele_count() const noexcept {
    std::size_t count = 0;
    for (const auto& locus : loci_) count += locus->alleles.size();
    return count;
}

// ---- group spaces
// ---------------------------------------------------------------------------------------------------------

GroupSpace Nomenclature::group_space(Locus locus, std::span<const Name> names) const {
    GroupSpace space;
    space.locus_ = locus;
    if (has_data()) {
        space.release_ = loci_[index_of(locus)];
        space.size_ = space.release_->group_texts.size() + GroupSpace::kUnnamed;
        return space;
    }
    for (const Name& name : names) {
        if (name.kind != NameKind::XxCode && name.suffix != 'N') space.two_field_.push_back(two_field_key(name));
        const std::uint32_t first = std::uint32_t{name.fields[0]} << 16U;
        for (std::uint32_t i = 0; i < GroupSpace::kUnnamed; ++i)
            space.two_field_.push_back(first | (kFirstUnnamed + i));
    }
    std::sort(space.two_field_.begin(), space.two_field_.end());
    space.two_field_.erase(std::unique(space.two_field_.begin(), space.two_field_.end()), space.two_field_.end());
    space.size_ = space.two_field_.size() + GroupSpace::kUnnamed;
    return space;
}

std::string GroupSpace::group_text(GroupId group) const {
    if (group.value + kUnnamed >= size_) return "an allele not yet named";
    if (release_) return release_->group_texts[group.value];
    const std::uint32_t key = two_field_[group.value];
    const auto first = static_cast<std::uint16_t>(key >> 16U);
    const auto second = static_cast<std::uint16_t>(key & 0xffffU);
    if (second >= kFirstUnnamed) return to_text(locus_, Name{{first, 0, 0, 0}, NameKind::XxCode, 0}) + " (unnamed)";
    return to_text(locus_, Name{{first, second, 0, 0}, NameKind::Allele, 0});
}

bool GroupSpace::covers(const Name& name) const noexcept {
    if (release_ || name.suffix == 'N') return true;
    const std::uint32_t key =
        name.kind == NameKind::XxCode ? std::uint32_t{name.fields[0]} << 16U | kFirstUnnamed : two_field_key(name);
    return std::binary_search(two_field_.begin(), two_field_.end(), key);
}

Expression GroupSpace::add_name(const Name& name, GroupBits& bits) const {
    if (release_) return release_->add(name, bits);
    if (name.suffix == 'N') return Expression::Null;
    const auto position = [&](std::uint32_t key) {
        return static_cast<std::size_t>(std::lower_bound(two_field_.begin(), two_field_.end(), key) -
                                        two_field_.begin());
    };
    if (name.kind == NameKind::XxCode) {
        bits.set_range(position(std::uint32_t{name.fields[0]} << 16U),
                       position((std::uint32_t{name.fields[0]} + 1U) << 16U));
        return Expression::PossiblyNull;
    }
    bits.set(GroupId{static_cast<std::uint32_t>(position(two_field_key(name)))});
    // Without data a G group is its first two fields; its members, and so its nulls, are not known.
    return Expression::Expressed;
}

// ---- questions about one name
// ---------------------------------------------------------------------------------------------

void Nomenclature::throw_unknown(Locus locus, const Name& name) const {
    std::string message = "unknown name " + shown(to_text(locus, name)) + " at locus " +
                          std::string(locus_name(locus)) + ": IPD-IMGT/HLA " + release_ + " has no such ";
    message += name.kind == NameKind::GGroup   ? "G group"
               : name.kind == NameKind::PGroup ? "P group"
               : name.kind == NameKind::XxCode ? "first field"
                                               : "allele";
    Name cut = name;
    cut.kind = NameKind::Allele;
    cut.suffix = 'N';
    if (name.kind == NameKind::Allele && name.suffix == 0 && knows(locus, cut)) {
        message += " without its suffix (it has " + to_text(locus, cut) + ")";
    }
    throw Error(ErrorCode::UnknownName, message + "; correct the name, or use a release that has it");
}

bool Nomenclature::knows(Locus locus, const Name& name) const {
    if (!has_data()) return true;
    const ReleaseLocus& tables = *loci_[index_of(locus)];
    GroupBits bits(tables.group_texts.size());
    return tables.add(name, bits) != Expression::Unknown;
}

bool Nomenclature::is_null(Locus locus, const Name& name) const {
    if (!has_data()) return name.suffix == 'N';
    const ReleaseLocus& tables = *loci_[index_of(locus)];
    GroupBits bits(tables.group_texts.size());
    const Expression expression = tables.add(name, bits);
    if (expression == Expression::Unknown) throw_unknown(locus, name);
    return expression == Expression::Null;
}

std::vector<std::string> Nomenclature::expand(Locus locus, const Name& name) const {
    if (!has_data()) return {to_text(locus, name)};
    std::vector<std::string> texts;
    const ReleaseLocus& tables = *loci_[index_of(locus)];
    tables.for_each(name, [&](std::size_t i) { texts.push_back(to_text(locus, tables.alleles[i].name)); });
    if (texts.empty()) throw_unknown(locus, name);
    return texts;
}

std::vector<std::string> Nomenclature::reduce(Locus locus, const Name& name, Level level) const {
    const auto cut = [&](const Name& full, bool keep_suffix) {
        return Name{{full.fields[0], full.fields[1], 0, 0}, NameKind::Allele, keep_suffix ? full.suffix : char{0}};
    };
    const auto first_field = [&](const Name& full) {
        std::string text(locus_name(locus));
        text.push_back('*');
        append_field(text, full.fields[0]);
        return text;
    };
    if (level == Level::FirstField) {
        if (!knows(locus, name)) throw_unknown(locus, name);
        return {first_field(name)};
    }
    if (!has_data()) {
        if (name.kind == NameKind::XxCode) return {to_text(locus, name)};
        if (level == Level::PGroup || level == Level::GGroup) return {to_text(locus, name)};
        return {to_text(locus, cut(name, name.suffix == 'N'))};
    }
    const ReleaseLocus& tables = *loci_[index_of(locus)];
    std::set<Name> names;
    tables.for_each(name, [&](std::size_t i) {
        const auto& allele = tables.alleles[i];
        const bool null = allele.name.suffix == 'N';
        if ((level == Level::PGroup || level == Level::Ard) && allele.p_group != kNoGroup) {
            names.insert(tables.p_names[allele.p_group]);
        } else if (level == Level::GGroup && allele.g_group != kNoGroup) {
            names.insert(tables.g_names[allele.g_group]);
        } else if (level == Level::PGroup || level == Level::GGroup) {
            // "the official group or the name itself where the file gives none": a single allele keeps the name as
            // given.
            names.insert(name.kind == NameKind::Allele ? name : allele.name);
        } else {
            names.insert(cut(allele.name, null));
        }
    });
    if (names.empty()) throw_unknown(locus, name);
    std::vector<std::string> texts;
    for (const Name& each : names) texts.push_back(to_text(locus, each));
    return texts;
}

}  // namespace allomatch
