// Questions about names: what they stand for, what they are carried to, what coarser names they have.
#include "allomatch/nomenclature.hpp"

#include <algorithm>
#include <array>

#include "allomatch/error.hpp"
#include "reducer.hpp"
#include "release_tables.hpp"

namespace allomatch {
namespace {

template <typename T>
void sort_unique(std::vector<T>& values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
}

std::string joined(Locus locus, std::span<const Name> names, std::size_t most) {
    std::string text;
    for (std::size_t i = 0; i < names.size() && i < most; ++i) {
        if (i > 0) text.push_back('/');
        append_text(text, locus, names[i]);
    }
    if (names.size() > most) text += "/...";
    return text;
}

std::string_view kind_text(NameKind kind) noexcept {
    switch (kind) {
        case NameKind::GGroup:
            return "G group";
        case NameKind::PGroup:
            return "P group";
        case NameKind::SmallG:
            return "small g group";
        case NameKind::XxCode:
        case NameKind::New:
            return "first field";
        case NameKind::Serology:
            return "antigen";
        default:
            return "allele";
    }
}

}  // namespace

std::shared_ptr<const Nomenclature> Nomenclature::two_field(std::shared_ptr<const MacTable> macs) {
    auto result = std::make_shared<Nomenclature>();
    result->release_ = "two-field";
    result->macs_ = std::move(macs);
    return result;
}

std::size_t Nomenclature::allele_count() const noexcept {
    std::size_t count = 0;
    for (std::size_t l = 0; l + 1 < loci_.size(); ++l) count += loci_[l]->alleles.size();
    return count;
}

// ---- errors and notes
// ---------------------------------------------------------------------------------------------------

std::string Nomenclature::under_release() const {
    return has_data() ? "IPD-IMGT/HLA " + release_ : "the two-field nomenclature";
}

void Nomenclature::throw_unknown(Locus locus, const Name& name) const {
    const std::string text = shown(to_text(locus, name));
    const std::string place = " at locus " + std::string(locus_name(locus));
    if (name.kind == NameKind::Mac) {
        if (macs_ == nullptr) {
            throw Error(ErrorCode::UnknownName, "unknown name " + text + place +
                                                    ": no file of multiple allele codes is beside " + under_release() +
                                                    "; run 'allomatch nomenclature install-macs', or "
                                                    "set ALLOMATCH_DATA to a folder that holds mac/numer.v3.txt");
        }
        const auto members = macs_->members(mac_code(name));
        if (!members) {
            throw Error(ErrorCode::UnknownName, "unknown name " + text + place + ": the list of allele codes beside " +
                                                    under_release() + " has no " + mac_letters(mac_code(name)) +
                                                    "; correct it, or install newer allele codes");
        }
        const MacTable::Expansion expansion = macs_->expand(name);
        throw Error(ErrorCode::UnknownName, "unknown name " + text + place + ": the code stands for " +
                                                shown(*members) +
                                                (expansion.foreign ? ", none of which has the first field given"
                                                                   : ", which IPD-IMGT/HLA " + release_ + " lacks") +
                                                "; correct the name, or use a release that has it");
    }
    if (name.kind == NameKind::Serology && has_data() && !tables(locus).has_serology) {
        throw Error(ErrorCode::UnknownName, "antigen " + text + place + " cannot be read: release " + release_ +
                                                " was installed without wmda/rel_dna_ser.txt; install it again");
    }
    std::string message =
        "unknown name " + text + place + ": " + under_release() + " has no such " + std::string(kind_text(name.kind));
    Name null = name;
    null.suffix = 'N';
    if (name.kind == NameKind::Allele && name.suffix == 0 && knows(locus, null)) {
        message += " without its suffix (it has " + to_text(locus, null) + ")";
    }
    throw Error(ErrorCode::UnknownName, message + "; correct the name, or use a release that has it");
}

std::vector<Note> Nomenclature::notes(Locus locus, std::span<const Name> names) const {
    std::vector<Note> notes;
    std::vector<Name> dropped;
    const auto look_at = [&](const Name& name, std::string_view in) {
        if (name.kind != NameKind::Allele && name.kind != NameKind::Version2) return;
        if (!has_data()) {
            const auto now = name.kind == NameKind::Version2 ? version2_by_rule(locus, name) : std::nullopt;
            if (now) {
                notes.push_back(
                    {ErrorCode::OldName,
                     to_text(locus, name) + " is a name of before April 2010; it is read as " + to_text(locus, *now)});
            }
            return;
        }
        const auto now = tables(locus).current(name);
        if (!now || *now == name) return;
        const bool old = name.kind == NameKind::Version2;
        notes.push_back({old ? ErrorCode::OldName : ErrorCode::RenamedAllele,
                         to_text(locus, name) + std::string(in) +
                             (old ? " is a name of before April 2010; it is read as "
                                  : " was deleted or renamed; IPD-IMGT/HLA " + release_ + " has it as ") +
                             to_text(locus, *now)});
    };
    for (const Name& name : names) {
        look_at(name, "");
        if (names.size() > 1 && !knows(locus, name)) dropped.push_back(name);
        if (name.kind != NameKind::Mac || macs_ == nullptr || !has_data()) continue;
        const std::vector<Name> members = macs_->expand(name).names;
        std::vector<Name> unknown;
        for (const Name& member : members) {
            if (!knows(locus, member)) {
                unknown.push_back(member);
            } else {
                look_at(member, " (of " + to_text(locus, name) + ")");
            }
        }
        if (!unknown.empty() && unknown.size() < members.size()) {
            notes.push_back({ErrorCode::UnknownMember, "IPD-IMGT/HLA " + release_ + " lacks " +
                                                           joined(locus, unknown, 5) + " of " + to_text(locus, name) +
                                                           "; they were left out"});
        }
    }
    if (!dropped.empty() && dropped.size() < names.size()) {
        notes.push_back({ErrorCode::UnknownMember, "IPD-IMGT/HLA " + release_ + " lacks " + joined(locus, dropped, 5) +
                                                       " of " + joined(locus, names, 5) + "; they were left out"});
    }
    return notes;
}

// ---- one name
// -----------------------------------------------------------------------------------------------------------

bool Nomenclature::knows(Locus locus, const Name& name) const {
    const GroupSpace space = group_space(locus, std::span(&name, 1));
    GroupBits bits(space.size());
    return space.add_name(name, bits) != Expression::Unknown;
}

bool Nomenclature::is_null(Locus locus, const Name& name) const {
    const GroupSpace space = group_space(locus, std::span(&name, 1));
    GroupBits bits(space.size());
    const Expression expression = space.add_name(name, bits);
    if (expression == Expression::Unknown) throw_unknown(locus, name);
    return expression == Expression::Null;
}

Name Nomenclature::current_name(Locus locus, const Name& name) const {
    if (name.kind != NameKind::Allele && name.kind != NameKind::Version2) {
        if (!knows(locus, name)) throw_unknown(locus, name);
        return name;
    }
    if (!has_data()) {
        if (name.kind == NameKind::Allele) return name;
        if (const auto now = version2_by_rule(locus, name)) return *now;
    } else if (const auto now = tables(locus).current(name)) {
        return *now;
    }
    throw_unknown(locus, name);
}

std::vector<AlleleId> Nomenclature::members(Locus locus, const Name& name) const {
    std::vector<AlleleId> ids;
    if (!has_data()) return ids;
    tables(locus).for_each(name, macs_.get(), false, [&](std::uint32_t allele) { ids.push_back({allele}); });
    sort_unique(ids);
    return ids;
}

std::vector<std::string> Nomenclature::expand(Locus locus, const Name& name) const {
    std::vector<std::string> texts;
    if (!has_data()) {
        if (!knows(locus, name)) throw_unknown(locus, name);
        if (name.kind != NameKind::Mac) return {to_text(locus, name)};
        for (const Name& member : macs_->expand(name).names) texts.push_back(to_text(locus, member));
        return texts;
    }
    for (const AlleleId id : members(locus, name)) texts.push_back(to_text(locus, tables(locus).alleles[id.value]));
    if (texts.empty() && name.kind != NameKind::Absent) throw_unknown(locus, name);
    return texts;
}

// ---- reductions
// ---------------------------------------------------------------------------------------------------------

std::vector<std::string> Nomenclature::reduce(Locus locus, const Name& name, Level level) const {
    std::vector<Name> names;
    if (!reduce_names(locus, std::span(&name, 1), level, names)) throw_unknown(locus, name);
    std::vector<std::string> texts;
    for (const Name& each : names) append_reduced_text(texts.emplace_back(), locus, each, level);
    return texts;
}

void append_reduced_text(std::string& text, Locus locus, const Name& name, Level level) {
    append_text(text, locus, name);
    const bool first_field = level == Level::FirstField || level == Level::Serology;
    if (first_field && name.kind == NameKind::XxCode) text.resize(text.size() - 3);
}

bool Nomenclature::reduce_names(Locus locus, std::span<const Name> names, Level level, std::vector<Name>& out) const {
    Reducer reducer(*this, locus, level);
    out.clear();
    const bool known = reducer.read(names);
    reducer.append_names(out);
    return known;
}

// ---- alleles and antigens one by one
// --------------------------------------------------------------------------------------

std::size_t Nomenclature::allele_count(Locus locus) const noexcept {
    return has_data() ? tables(locus).alleles.size() : 0;
}

AlleleFacts Nomenclature::allele(Locus locus, AlleleId id) const noexcept {
    const ReleaseLocus& release = tables(locus);
    const auto group = [](std::uint32_t g) { return g == kNone ? std::nullopt : std::optional(g); };
    static_assert(sizeof(AntigenId) == sizeof(std::uint32_t));
    const auto antigens = release.allele_antigens[id.value];
    return {release.alleles[id.value],
            group(release.p_group[id.value]),
            group(release.g_group[id.value]),
            release.protein[id.value],
            release.full_gdna[id.value] != 0,
            release.tce[id.value],
            {reinterpret_cast<const AntigenId*>(antigens.data()), antigens.size()}};
}

std::size_t Nomenclature::antigen_count(Locus locus) const noexcept {
    return has_data() ? tables(locus).antigens.size() : 0;
}

AntigenFacts Nomenclature::antigen(Locus locus, AntigenId id) const {
    const ReleaseLocus& release = tables(locus);
    const auto other = [](std::uint32_t a) { return a == kNone ? std::nullopt : std::optional(AntigenId{a}); };
    AntigenFacts facts{
        release.antigens[id.value], other(release.broad[id.value]), other(release.associated[id.value]), {}};
    for (std::uint32_t a = 0; a < release.antigens.size(); ++a) {
        if (release.broad[a] == id.value) facts.splits.push_back({a});
    }
    return facts;
}

std::optional<AntigenId> Nomenclature::find_antigen(Locus locus, std::uint16_t number) const noexcept {
    if (!has_data()) return std::nullopt;
    const auto antigen = tables(locus).find_antigen(number);
    return antigen ? std::optional(AntigenId{*antigen}) : std::nullopt;
}

}  // namespace allomatch
