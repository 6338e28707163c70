// What alleles are called at each level, sorted and written out. See LevelNames in release_tables.hpp.
#include <algorithm>

#include "allomatch/error.hpp"
#include "release_tables.hpp"

namespace allomatch {
namespace {

Name two_fields(const Name& full) noexcept {
    return {{full.fields[0], full.fields[1], 0, 0}, NameKind::Allele, full.suffix == 'N' ? 'N' : char{0}, full.gene};
}

// Calls put(name) for each name of an allele at a level; serology alone may give several, or none.
template <typename Put>
void for_each_name(const ReleaseLocus& release, std::uint32_t allele, Level level, Put put) {
    const Name& full = release.alleles[allele];
    const std::uint32_t p = release.p_group[allele];
    const std::uint32_t g = release.g_group[allele];
    switch (level) {
        case Level::Ard: {
            const auto& ard = release.groups[static_cast<std::size_t>(MatchLevel::Ard)];
            const auto group = ard.of_allele[allele];  // none of a null
            return put(group.empty() ? two_fields(full) : parse_name(release.locus, ard.texts[group.front()]));
        }
        case Level::PGroup:
            return put(p != kNone ? release.p_names[p] : full);
        case Level::GGroup:
            return put(g != kNone ? release.g_names[g] : full);
        case Level::SmallG: {
            const std::uint32_t group = p != kNone ? p : release.null_small_g[allele];
            Name small = group != kNone ? release.p_names[group] : two_fields(full);
            if (group != kNone) small.kind = NameKind::SmallG;
            return put(small);
        }
        case Level::TwoField:
            return put(two_fields(full));
        case Level::FirstField:
            return put(Name{{full.fields[0], 0, 0, 0}, NameKind::XxCode, 0, full.gene});
        case Level::Serology:
            for (const std::uint32_t antigen : release.allele_antigens[allele]) {
                put(Name{{release.antigens[antigen], 0, 0, 0}, NameKind::Serology, 0, full.gene});
            }
            return;
    }
}

template <typename T>
std::size_t bytes_of(const std::vector<T>& values) noexcept {
    return values.capacity() * sizeof(T);
}

}  // namespace

const LevelNames& ReleaseLocus::level_names(Level level) const {
    const auto l = static_cast<std::size_t>(level);
    std::call_once(level_once_[l], [&] { make_level_names(level, level_names_[l]); });
    return level_names_[l];
}

void ReleaseLocus::make_level_names(Level level, LevelNames& made) const {
    const auto count = static_cast<std::uint32_t>(alleles.size());
    for (std::uint32_t i = 0; i < count; ++i) {
        for_each_name(*this, i, level, [&](const Name& name) {
            if (made.names.empty() || made.names.back() != name) made.names.push_back(name);
        });
    }
    std::sort(made.names.begin(), made.names.end());
    made.names.erase(std::unique(made.names.begin(), made.names.end()), made.names.end());
    made.names.shrink_to_fit();
    for (const Name& name : made.names) {
        made.begins.push_back(static_cast<std::uint32_t>(made.text.size()));
        append_reduced_text(made.text, locus, name, level);
        made.text.push_back('/');
    }
    made.begins.push_back(static_cast<std::uint32_t>(made.text.size()));
    made.own.resize(made.names.size());
    for (std::size_t i = 0; i < made.names.size(); ++i) {
        made.own[i] = (level == Level::PGroup || level == Level::GGroup) && made.names[i].kind == NameKind::Allele;
    }
    std::vector<std::uint32_t> places;
    for (std::uint32_t i = 0; i < count; ++i) {
        places.clear();
        for_each_name(*this, i, level, [&](const Name& name) {
            const auto at = std::lower_bound(made.names.begin(), made.names.end(), name);
            places.push_back(static_cast<std::uint32_t>(at - made.names.begin()));
        });
        if (places.size() == 1) {
            made.of_allele.push_back({places.front(), 0});
            continue;
        }
        const auto next = static_cast<std::uint32_t>(made.several.size());
        const auto before = next == 0 ? std::span<const std::uint32_t>{} : made.several[next - 1];
        const bool again = next > 0 && std::equal(before.begin(), before.end(), places.begin(), places.end());
        if (!again) made.several.push_back(places);
        made.of_allele.push_back({LevelNames::kSeveral | (again ? next - 1 : next), 0});
    }
    for (std::uint32_t i = count; i-- > 0;) {
        const bool like_next =
            i + 1 < count && suffixes[i] == suffixes[i + 1] && made.of_allele[i].place == made.of_allele[i + 1].place;
        made.of_allele[i].run_end = like_next ? made.of_allele[i + 1].run_end : i + 1;
    }
    level_names_bytes_ += bytes_of(made.names) + made.text.capacity() + bytes_of(made.begins) +
                          bytes_of(made.of_allele) + bytes_of(made.several.offsets) + bytes_of(made.several.values) +
                          made.own.capacity() / 8;
}

}  // namespace allomatch
