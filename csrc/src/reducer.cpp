// See reducer.hpp.
#include "reducer.hpp"

#include <algorithm>
#include <bit>

#include "release_tables.hpp"

namespace allomatch {
namespace {

constexpr bool is_allele_name(const Name& name) noexcept {
    return name.kind == NameKind::Allele || name.kind == NameKind::Version2;
}

// A name without data at a level: itself, its first two fields, or its first field.
void reduce_openly(std::vector<Name>& out, const Name& name, Level level) {
    const Name cut{
        {name.fields[0], name.fields[1], 0, 0}, NameKind::Allele, name.suffix == 'N' ? 'N' : char{0}, name.gene};
    const bool code = name.kind != NameKind::Allele && name.kind != NameKind::GGroup && name.kind != NameKind::PGroup &&
                      name.kind != NameKind::SmallG;
    if (code || level == Level::PGroup || level == Level::GGroup) {
        out.push_back(name);
    } else if (level == Level::SmallG && cut.suffix != 'N') {
        out.push_back(Name{cut.fields, NameKind::SmallG, 0, cut.gene});
    } else {
        out.push_back(cut);
    }
}

void sort_unique(std::vector<Name>& names) {
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
}

}  // namespace

Reducer::Reducer(const Nomenclature& nomenclature, Locus locus, Level level)
    : nomenclature_(nomenclature), locus_(locus), level_(level) {
    if (!nomenclature.has_data()) return;
    names_ = &nomenclature.tables(locus).level_names(level);
    places_.resize(names_->names.size() / 64 + 1);
}

template <typename Visit>
void Reducer::for_each_run(Visit visit) const {
    for (std::size_t w = first_word_; w <= last_word_; ++w) {
        std::uint64_t rest = places_[w];
        while (rest != 0) {
            const auto begin = static_cast<std::size_t>(std::countr_zero(rest));
            const auto length = static_cast<std::size_t>(std::countr_one(rest >> begin));
            visit(64 * w + begin, 64 * w + begin + length);
            if (begin + length == 64) break;
            rest &= ~std::uint64_t{0} << (begin + length);
        }
    }
}

bool Reducer::read(std::span<const Name> names) {
    others_.clear();
    return names_ == nullptr ? read_openly(names) : read_alleles(names);
}

bool Reducer::read_openly(std::span<const Name> names) {
    bool known = false;
    for (const Name& name : names) {
        if (!nomenclature_.knows(locus_, name)) continue;
        known = true;
        const Name now = name.kind == NameKind::Version2 ? *version2_by_rule(locus_, name) : name;
        if (now.kind == NameKind::Mac) {
            for (const Name& member : nomenclature_.macs_->expand(now).names) reduce_openly(others_, member, level_);
        } else {
            reduce_openly(others_, now, level_);
        }
    }
    if (level_ == Level::FirstField || level_ == Level::Serology) {
        for (Name& name : others_) {
            const bool unnamed = name.kind == NameKind::New && level_ == Level::Serology;
            if (name.kind == NameKind::Serology || name.fields[0] == 0 || unnamed) continue;
            name = Name{{name.fields[0], 0, 0, 0}, NameKind::XxCode, 0, name.gene};
        }
    }
    sort_unique(others_);
    return known;
}

bool Reducer::read_alleles(std::span<const Name> names) {
    if (first_word_ <= last_word_) std::fill(&places_[first_word_], &places_[last_word_] + 1, 0);
    first_word_ = places_.size();
    last_word_ = 0;
    bool known = false;
    const ReleaseLocus& release = nomenclature_.tables(locus_);
    for (const Name& name : names) {
        if (name.kind == NameKind::Absent || name.kind == NameKind::New) {
            // Nothing that has a name. The first field of a new allele has one.
            if (!nomenclature_.knows(locus_, name)) continue;
            known = true;
            const bool first_field = level_ == Level::FirstField && name.fields[0] != 0;
            others_.push_back(first_field ? Name{{name.fields[0], 0, 0, 0}, NameKind::XxCode, 0, name.gene} : name);
            continue;
        }
        // "the official group or the name itself where the file gives none": a single name stays as given, an old one
        // as it is called now.
        const bool as_given = is_allele_name(name);
        bool itself = false;
        const auto put = [&](std::uint32_t place) {
            if (as_given && names_->own[place] && names_->names[place] != name) {
                itself = true;
                return;
            }
            const std::size_t word = place >> 6U;
            places_[word] |= std::uint64_t{1} << (place & 63U);
            first_word_ = std::min(first_word_, word);
            last_word_ = std::max(last_word_, word);
        };
        release.for_each(name, nomenclature_.macs_.get(), false, [&](std::uint32_t allele) -> std::size_t {
            known = true;
            const LevelNames::Called called = names_->of_allele[allele];
            if (called.place < LevelNames::kSeveral) {
                put(called.place);
            } else {
                for (const std::uint32_t place : names_->several[called.place - LevelNames::kSeveral]) put(place);
            }
            return called.run_end;
        });
        if (itself) others_.push_back(*release.current(name));
    }
    if (!others_.empty()) {
        for_each_run([&](std::size_t begin, std::size_t end) {
            others_.insert(others_.end(), &names_->names[begin], &names_->names[0] + end);
        });
        sort_unique(others_);
    }
    return known;
}

void Reducer::append_text(std::string& text) const {
    bool first = true;
    const auto joined = [&] {
        if (!first) text.push_back('/');
        first = false;
    };
    if (names_ == nullptr || !others_.empty()) {
        for (const Name& name : others_) {
            joined();
            append_reduced_text(text, locus_, name, level_);
        }
        return;
    }
    for_each_run([&](std::size_t begin, std::size_t end) {
        joined();
        text.append(names_->text, names_->begins[begin], names_->begins[end] - 1 - names_->begins[begin]);
    });
}

void Reducer::append_names(std::vector<Name>& names) const {
    if (names_ == nullptr || !others_.empty()) {
        names.insert(names.end(), others_.begin(), others_.end());
        return;
    }
    for_each_run([&](std::size_t begin, std::size_t end) {
        names.insert(names.end(), names_->names.begin() + static_cast<std::ptrdiff_t>(begin),
                     names_->names.begin() + static_cast<std::ptrdiff_t>(end));
    });
}

}  // namespace allomatch
