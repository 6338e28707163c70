// See haplotypes.hpp.
#include "allomatch/haplotypes.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "allomatch/error.hpp"
#include "haplotype_rows.hpp"

namespace allomatch {

std::optional<Name> class_of(const Nomenclature& nomenclature, Locus locus, const Name& name) {
    std::vector<Name> groups;
    if (!nomenclature.reduce_names(locus, std::span(&name, 1), Level::Ard, groups)) return std::nullopt;
    // The name of a group stands for what the group expresses, unless that is nothing.
    if (name.kind == NameKind::GGroup || name.kind == NameKind::SmallG) {
        const auto null = std::stable_partition(groups.begin(), groups.end(),
                                                [](const Name& group) { return !is_null_class(group); });
        if (null != groups.begin()) groups.erase(null, groups.end());
    }
    if (groups.size() != 1) return std::nullopt;
    const NameKind kind = groups.front().kind;
    if (kind != NameKind::Allele && kind != NameKind::PGroup && kind != NameKind::Absent) return std::nullopt;
    return groups.front();
}

// ---- classes
// ----------------------------------------------------------------------------------------------------------

AlleleClasses::AlleleClasses(std::shared_ptr<const Nomenclature> nomenclature, Locus locus, std::vector<Name> classes)
    : nomenclature_(std::move(nomenclature)), locus_(locus), classes_(std::move(classes)) {}

std::optional<ClassId> AlleleClasses::find(const Name& name) const noexcept {
    const auto at = std::lower_bound(classes_.begin(), classes_.end(), name);
    if (at == classes_.end() || *at != name) return std::nullopt;
    return ClassId{static_cast<std::uint16_t>(at - classes_.begin())};
}

// Without data an antigen is a number of first fields, which only the space of groups knows.
void AlleleClasses::allow_antigen(const Name& name, std::span<std::uint64_t> bits) const {
    std::vector<Name> all = classes_;
    all.push_back(name);
    const GroupSpace space = nomenclature_->group_space(locus_, all);
    GroupBits meant(space.size());
    (void)space.add_name(name, meant);
    GroupBits one(space.size());
    for (std::size_t c = 0; c < classes_.size(); ++c) {
        if (is_null_class(classes_[c])) continue;
        one.clear();
        (void)space.add_name(classes_[c], one);
        for (std::size_t w = 0; w < one.words().size(); ++w) {
            if ((one.words()[w] & meant.words()[w]) != 0) bits[c >> 6U] |= std::uint64_t{1} << (c & 63U);
        }
    }
}

AlleleClasses::Allowed AlleleClasses::allow(const Name& name, std::span<std::uint64_t> bits) const {
    const auto set = [&](std::size_t c) { bits[c >> 6U] |= std::uint64_t{1} << (c & 63U); };
    if (name.kind == NameKind::New) {
        // As an untyped position of that first field or gene (docs/science.md): an unnamed allele is in no set.
        if (!nomenclature_->knows(locus_, name)) return {};
        for (std::size_t c = 0; c < classes_.size(); ++c) {
            const bool of_gene = classes_[c].gene == name.gene;
            const bool same =
                name.fields[0] != 0 ? of_gene && classes_[c].fields[0] == name.fields[0] : of_gene || name.gene == 0;
            if (same) set(c);
        }
        return {true, std::nullopt, true};
    }
    std::vector<Name> groups;
    if (!nomenclature_->reduce_names(locus_, std::span(&name, 1), Level::Ard, groups)) return {};
    Allowed result{true, std::nullopt, false};
    std::size_t expressed = 0;
    for (const Name& group : groups) {
        if (group.kind == NameKind::XxCode) {  // without data: every class of the first field
            for (std::size_t c = 0; c < classes_.size(); ++c) {
                if (classes_[c].gene == group.gene && classes_[c].fields[0] == group.fields[0]) set(c);
            }
            expressed += 2;
            result.possibly_null = true;
        } else if (group.kind == NameKind::Serology) {
            allow_antigen(group, bits);
            expressed += 2;
        } else {
            if (const auto found = find(group)) set(found->value);
            if (is_null_class(group)) {
                result.possibly_null = true;
            } else {
                ++expressed;
                result.only = group;
            }
        }
    }
    if (expressed == 0 && groups.size() == 1) {
        result.only = groups.front();
        result.possibly_null = false;
    } else if (expressed != 1 || (result.possibly_null && name.kind == NameKind::Mac)) {
        // The members of a code are written down one by one, its nulls among them.
        result.only.reset();
    }
    return result;
}

// ---- sets
// -------------------------------------------------------------------------------------------------------------

namespace {

constexpr std::uint32_t kLost = 0xffffffff;

// The classes of a column, sorted, and for each of the column's names its class or kLost.
struct CarriedColumn {
    std::vector<Name> classes;
    std::vector<std::uint32_t> of_name;
    std::vector<std::string> reasons;  // of names that are lost
};

CarriedColumn carry(const Nomenclature& nomenclature, const HaplotypeColumn& column) {
    CarriedColumn result;
    std::vector<std::optional<Name>> carried;
    for (const std::string& text : column.names) {
        const Name name = parse_name(column.locus, text);
        carried.push_back(class_of(nomenclature, column.locus, name));
        result.reasons.emplace_back();
        if (carried.back()) {
            result.classes.push_back(*carried.back());
        } else {
            result.reasons.back() = nomenclature.knows(column.locus, name)
                                        ? "it stands for more than one ARD group"
                                        : "nomenclature " + nomenclature.release() + " does not know it";
        }
    }
    std::sort(result.classes.begin(), result.classes.end());
    result.classes.erase(std::unique(result.classes.begin(), result.classes.end()), result.classes.end());
    for (const std::optional<Name>& name : carried) {
        const auto at =
            name ? std::lower_bound(result.classes.begin(), result.classes.end(), *name) : result.classes.end();
        result.of_name.push_back(name ? static_cast<std::uint32_t>(at - result.classes.begin()) : kLost);
    }
    return result;
}

void check(std::span<const HaplotypeColumn> columns, std::span<const double> frequencies,
           std::span<const double> second) {
    const auto refuse = [](const std::string& what) { throw Error(ErrorCode::InvalidArgument, what); };
    if (columns.empty()) refuse("a frequency set has no locus; give at least one column of alleles");
    std::array<bool, kLocusCount> seen{};
    for (const HaplotypeColumn& column : columns) {
        const std::string locus(locus_name(column.locus));
        if (seen[index_of(column.locus)]) refuse("locus " + locus + " is given twice in a frequency set; give it once");
        seen[index_of(column.locus)] = true;
        if (column.codes.size() != frequencies.size())
            refuse("locus " + locus + " has " + std::to_string(column.codes.size()) + " haplotypes, and there are " +
                   std::to_string(frequencies.size()) + " frequencies; give as many of both");
        for (const std::uint32_t code : column.codes) {
            if (code >= column.names.size())
                refuse("locus " + locus + " has " + std::to_string(column.names.size()) +
                       " names, and a haplotype has number " + std::to_string(code) + "; number them from 0");
        }
    }
    if (!second.empty() && second.size() != frequencies.size())
        refuse("there are " + std::to_string(frequencies.size()) + " frequencies of one population and " +
               std::to_string(second.size()) + " of the other; give as many of both");
    for (const auto& values : {frequencies, second}) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (!(values[i] >= 0) || !std::isfinite(values[i]))
                refuse("the frequency of haplotype " + std::to_string(i) + " is " + std::to_string(values[i]) +
                       "; frequencies are 0 or more");
        }
    }
}

// The chance that two haplotypes share their class.
double sameness(std::span<const std::uint16_t> classes, std::span<const double> frequencies, std::size_t count) {
    std::vector<double> sums(count);
    double total = 0;
    for (std::size_t i = 0; i < classes.size(); ++i) {
        sums[classes[i]] += frequencies[i];
        total += frequencies[i];
    }
    double squares = 0;
    for (const double sum : sums) squares += sum * sum;
    return total > 0 ? squares / (total * total) : 0;
}

}  // namespace

HaplotypeSet::HaplotypeSet(std::shared_ptr<const Nomenclature> nomenclature, std::span<const HaplotypeColumn> columns,
                           std::span<const double> frequencies, std::span<const double> second)
    : nomenclature_(std::move(nomenclature)) {
    check(columns, frequencies, second);
    std::vector<CarriedColumn> carried;
    for (const HaplotypeColumn& column : columns) {
        carried.push_back(carry(*nomenclature_, column));
        if (carried.back().classes.size() > 0xffff)
            throw Error(ErrorCode::TooManyValues, "a frequency set has more than 65,535 alleles at locus " +
                                                      std::string(locus_name(column.locus)));
    }

    // Rows that can be carried, as classes.
    std::vector<std::vector<std::uint16_t>> rows(columns.size());
    std::vector<double> weights;
    std::vector<double> seconds;
    std::vector<std::vector<NotCarried>> lost(columns.size());
    for (std::size_t c = 0; c < columns.size(); ++c) {
        for (std::size_t n = 0; n < columns[c].names.size(); ++n)
            lost[c].push_back({columns[c].locus, columns[c].names[n], 0, 0, carried[c].reasons[n]});
    }
    for (std::size_t row = 0; row < frequencies.size(); ++row) {
        const double weight = frequencies[row] + (second.empty() ? 0 : second[row]);
        bool whole = true;
        for (std::size_t c = 0; c < columns.size(); ++c) {
            const std::uint32_t name = columns[c].codes[row];
            if (carried[c].of_name[name] != kLost) continue;
            whole = false;
            ++lost[c][name].haplotypes;
            lost[c][name].frequency += weight;
        }
        if (!whole) {
            ++lost_haplotypes_;
            lost_frequency_ += weight;
        } else if (weight > 0) {
            for (std::size_t c = 0; c < columns.size(); ++c)
                rows[c].push_back(static_cast<std::uint16_t>(carried[c].of_name[columns[c].codes[row]]));
            weights.push_back(frequencies[row]);
            if (!second.empty()) seconds.push_back(second[row]);
        }
    }
    for (const std::vector<NotCarried>& of_locus : lost) {
        std::copy_if(of_locus.begin(), of_locus.end(), std::back_inserter(not_carried_),
                     [](const NotCarried& name) { return name.haplotypes > 0; });
    }

    // Most diverse locus first.
    std::vector<std::size_t> order(columns.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::vector<double> alike;
    for (std::size_t c = 0; c < columns.size(); ++c)
        alike.push_back(sameness(rows[c], weights, carried[c].classes.size()));
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return alike[a] < alike[b]; });
    std::vector<std::vector<std::uint16_t>> ordered;
    for (const std::size_t c : order) {
        ordered.push_back(std::move(rows[c]));
        classes_.emplace_back(nomenclature_, columns[c].locus, std::move(carried[c].classes));
        levels_.push_back({columns[c].locus, {}, {}});
    }

    columns_.resize(levels_.size());
    std::uint32_t previous = 0;
    bool any = false;
    for (const std::uint32_t row : sorted_rows(ordered, weights.size())) {
        std::size_t same = 0;  // levels that this row shares with the one before
        if (any) {
            while (same < levels_.size() && ordered[same][row] == ordered[same][previous]) ++same;
        }
        if (any && same == levels_.size()) {
            frequencies_.back() += weights[row];
            if (!seconds.empty()) second_.back() += seconds[row];
        } else {
            for (std::size_t l = same; l < levels_.size(); ++l) {
                levels_[l].classes.push_back(ordered[l][row]);
                if (l + 1 < levels_.size())
                    levels_[l].children.push_back(static_cast<std::uint32_t>(levels_[l + 1].classes.size()));
            }
            for (std::size_t l = 0; l < levels_.size(); ++l) columns_[l].push_back(ordered[l][row]);
            frequencies_.push_back(weights[row]);
            if (!seconds.empty()) second_.push_back(seconds[row]);
        }
        previous = row;
        any = true;
    }
    for (std::size_t l = 0; l + 1 < levels_.size(); ++l)
        levels_[l].children.push_back(static_cast<std::uint32_t>(levels_[l + 1].classes.size()));
}

std::optional<std::size_t> HaplotypeSet::level_of(Locus locus) const noexcept {
    for (std::size_t l = 0; l < levels_.size(); ++l) {
        if (levels_[l].locus == locus) return l;
    }
    return std::nullopt;
}

std::optional<HaplotypeId> HaplotypeSet::find(std::span<const ClassId> classes) const noexcept {
    std::size_t begin = 0;
    std::size_t end = levels_.front().classes.size();
    for (std::size_t l = 0; l < levels_.size(); ++l) {
        const auto first = levels_[l].classes.begin();
        const auto from = first + static_cast<std::ptrdiff_t>(begin);
        const auto to = first + static_cast<std::ptrdiff_t>(end);
        const auto at = std::lower_bound(from, to, classes[l].value);
        if (at == to || *at != classes[l].value) return std::nullopt;
        const auto node = static_cast<std::size_t>(at - first);
        if (l + 1 == levels_.size()) return HaplotypeId{static_cast<std::uint32_t>(node)};
        begin = levels_[l].children[node];
        end = levels_[l].children[node + 1];
    }
    return std::nullopt;
}

std::size_t HaplotypeSet::memory_bytes() const noexcept {
    std::size_t bytes = (frequencies_.size() + second_.size()) * sizeof(double);
    for (const Level& level : levels_) bytes += level.classes.size() * 2 + level.children.size() * 4;
    for (const auto& column : columns_) bytes += column.size() * 2;
    return bytes;
}

}  // namespace allomatch
