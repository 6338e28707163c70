// The groups that typings can speak of, and what a name adds to them. See GroupSpace in nomenclature.hpp.
//
// Layout of a space under a release: the release's groups at the level, four groups for each first field that is named
// with NEW, four that belong to no first field. In the open world: the sorted keys of two_field_, then those four. A
// key is gene, first field, second field; second fields from kFirstUnnamed on are the groups that nobody named.
#include <algorithm>

#include "allomatch/nomenclature.hpp"
#include "release_tables.hpp"
#include "who_serology.hpp"

namespace allomatch {
namespace {

constexpr std::uint64_t kFirstUnnamed = 0x10000 - GroupSpace::kUnnamed;

std::uint64_t first_field_key(std::uint16_t gene, std::uint16_t first) noexcept {
    return std::uint64_t{gene} << 32U | std::uint64_t{first} << 16U;
}

std::uint64_t two_field_key(const Name& name) noexcept {
    return first_field_key(name.gene, name.fields[0]) | name.fields[1];
}

std::uint32_t new_field(const Name& name) noexcept {
    return std::uint32_t{name.gene} << 16U | name.fields[0];
}

// What a name says without data: visit_pair for each allele named by two fields, visit_first for each first field any
// allele of which is meant, visit_all(gene) for any allele at all; of a locus of several genes, of that one.
template <typename Pair, typename First, typename All>
Expression read_openly(Locus locus, const Name& name, const MacTable* macs, Pair visit_pair, First visit_first,
                       All visit_all) {
    switch (name.kind) {
        case NameKind::Allele:
            if (name.suffix == 'N') return Expression::Null;
            [[fallthrough]];
        case NameKind::GGroup:
        case NameKind::PGroup:
        case NameKind::SmallG:
            // Without data a group is its first two fields; its members, and so its nulls, are not known.
            visit_pair(two_field_key(name));
            return Expression::Expressed;
        case NameKind::XxCode:
        case NameKind::New:
            if (name.fields[0] == 0) {
                visit_all(name.gene);
            } else {
                visit_first(first_field_key(name.gene, name.fields[0]));
            }
            return Expression::PossiblyNull;
        case NameKind::Mac: {
            if (macs == nullptr) return Expression::Unknown;
            bool null = false;
            bool expressed = false;
            for (const Name& member : macs->expand(name).names) {
                null = null || member.suffix == 'N';
                expressed = expressed || member.suffix != 'N';
                if (member.suffix != 'N') visit_pair(two_field_key(member));
            }
            if (expressed) return null ? Expression::PossiblyNull : Expression::Expressed;
            return null ? Expression::Null : Expression::Unknown;
        }
        case NameKind::Serology: {
            const auto fields = who_first_fields(locus, name.fields[0]);
            for (const std::uint16_t first : fields) visit_first(first_field_key(name.gene, first));
            return fields.empty() ? Expression::Unknown : Expression::Expressed;
        }
        case NameKind::Absent:
            return Expression::Null;
        case NameKind::Version2: {
            const auto now = version2_by_rule(locus, name);
            if (!now) return Expression::Unknown;
            return read_openly(locus, *now, macs, visit_pair, visit_first, visit_all);
        }
    }
    return Expression::Unknown;
}

}  // namespace

void GroupBits::set_range(std::size_t first, std::size_t last) noexcept {
    for (std::size_t i = first; i < last; ++i) set(GroupId{static_cast<std::uint32_t>(i)});
}

void GroupBits::clear() noexcept {
    std::fill(words_.begin(), words_.end(), 0);
}

GroupSpace Nomenclature::group_space(Locus locus, std::span<const Name> names, MatchLevel level) const {
    GroupSpace space;
    space.locus_ = locus;
    space.level_ = level;
    space.macs_ = macs_;
    const auto sort_unique = [](auto& values) {
        std::sort(values.begin(), values.end());
        values.erase(std::unique(values.begin(), values.end()), values.end());
    };
    if (has_data()) {
        space.release_ = loci_[index_of(locus)];
        for (const Name& name : names) {
            if (name.kind == NameKind::New && new_field(name) != 0) space.new_fields_.push_back(new_field(name));
        }
        sort_unique(space.new_fields_);
        space.size_ = space.release_->groups[static_cast<std::size_t>(level)].texts.size() +
                      GroupSpace::kUnnamed * (space.new_fields_.size() + 1);
        return space;
    }
    const auto first_field = [&](std::uint64_t key) {
        for (std::uint64_t i = 0; i < GroupSpace::kUnnamed; ++i) space.two_field_.push_back(key | (kFirstUnnamed + i));
    };
    for (const Name& name : names) {
        read_openly(
            locus, name, macs_.get(),
            [&](std::uint64_t key) {
                space.two_field_.push_back(key);
                first_field(key & ~std::uint64_t{0xffff});
            },
            first_field,
            [&](std::uint16_t gene) {
                if (gene != 0) first_field(first_field_key(gene, 0));
            });
    }
    sort_unique(space.two_field_);
    space.size_ = space.two_field_.size() + GroupSpace::kUnnamed;
    return space;
}

std::string GroupSpace::group_text(GroupId group) const {
    if (group.value + kUnnamed >= size_) return "an allele not yet named";
    if (release_) {
        const auto& texts = release_->groups[static_cast<std::size_t>(level_)].texts;
        if (group.value < texts.size()) return texts[group.value];
        const std::uint32_t field = new_fields_[(group.value - texts.size()) / kUnnamed];
        return to_text(locus_, Name{{static_cast<std::uint16_t>(field & 0xffffU), 0, 0, 0},
                                    NameKind::New,
                                    0,
                                    static_cast<std::uint16_t>(field >> 16U)});
    }
    const std::uint64_t key = two_field_[group.value];
    const auto gene = static_cast<std::uint16_t>(key >> 32U);
    const auto first = static_cast<std::uint16_t>(key >> 16U);
    const auto second = static_cast<std::uint16_t>(key & 0xffffU);
    if (first == 0) return to_text(locus_, Name{{0, 0, 0, 0}, NameKind::New, 0, gene});
    if (second >= kFirstUnnamed)
        return to_text(locus_, Name{{first, 0, 0, 0}, NameKind::XxCode, 0, gene}) + " (unnamed)";
    return to_text(locus_, Name{{first, second, 0, 0}, NameKind::Allele, 0, gene});
}

bool GroupSpace::covers(const Name& name) const {
    if (release_) {
        return name.kind != NameKind::New || new_field(name) == 0 ||
               std::binary_search(new_fields_.begin(), new_fields_.end(), new_field(name));
    }
    bool all = true;
    const auto look = [&](std::uint64_t key) {
        all = all && std::binary_search(two_field_.begin(), two_field_.end(), key);
    };
    read_openly(
        locus_, name, macs_.get(), look, [&](std::uint64_t key) { look(key | kFirstUnnamed); },
        [&](std::uint16_t gene) {
            if (gene != 0) look(first_field_key(gene, 0) | kFirstUnnamed);
        });
    return all;
}

Expression GroupSpace::add_name(const Name& name, GroupBits& bits, const Reading& reading) const {
    const bool atlas = reading.profile == Profile::Atlas;
    if (atlas && name.kind == NameKind::New) {
        // Two groups for each side that the other side has nothing of.
        const std::size_t first = size_ - (reading.side == Side::Patient ? 4 : 2);
        bits.set_range(first, first + 2);
        return Expression::Expressed;
    }
    if (!release_) {
        // At the level of antigens a first field stands for one: its second fields are all alike.
        const bool by_first = level_ == MatchLevel::Antigen;
        const auto place = [&](std::uint64_t key) {
            return static_cast<std::size_t>(std::lower_bound(two_field_.begin(), two_field_.end(), key) -
                                            two_field_.begin());
        };
        const auto first_field = [&](std::uint64_t key) {
            if (by_first) {
                bits.set(GroupId{static_cast<std::uint32_t>(place(key | kFirstUnnamed))});
            } else {
                bits.set_range(place(key), place(key + 0x10000));
            }
        };
        const auto pair = [&](std::uint64_t key) {
            if (by_first) return first_field(key & ~std::uint64_t{0xffff});
            bits.set(GroupId{static_cast<std::uint32_t>(place(key))});
        };
        const auto all = [&](std::uint16_t gene) {
            if (gene == 0) {
                bits.set_range(0, size_);
            } else {
                bits.set_range(place(first_field_key(gene, 0)), place(std::uint64_t{gene + 1U} << 32U));
            }
        };
        return read_openly(locus_, name, macs_.get(), pair, first_field, all);
    }
    if (name.kind == NameKind::Absent) return Expression::Null;
    const ReleaseLocus::Groups& groups = release_->groups[static_cast<std::size_t>(level_)];
    bool null = false;
    bool expressed = false;
    release_->for_each(name, macs_.get(), atlas, [&](std::uint32_t allele) {
        const auto of_allele = groups.of_allele[allele];
        if (of_allele.empty()) null = true;
        for (const std::uint32_t group : of_allele) {
            bits.set(GroupId{group});
            expressed = true;
        }
    });
    if (name.kind == NameKind::New) {
        if (!expressed && !null && name.fields[0] != 0) return Expression::Unknown;  // no such first field
        if (new_field(name) == 0) {
            bits.set_range(0, size_);
        } else {
            const auto at = std::lower_bound(new_fields_.begin(), new_fields_.end(), new_field(name));
            const std::size_t first =
                groups.texts.size() + kUnnamed * static_cast<std::size_t>(at - new_fields_.begin());
            bits.set_range(first, first + kUnnamed);
        }
        return Expression::PossiblyNull;
    }
    if (expressed) return null ? Expression::PossiblyNull : Expression::Expressed;
    return null ? Expression::Null : Expression::Unknown;
}

}  // namespace allomatch
