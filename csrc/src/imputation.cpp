// See imputation.hpp.
#include "allomatch/imputation.hpp"

#include <algorithm>
#include <numeric>
#include <queue>
#include <tuple>

#include "haplotype_walk.hpp"

namespace allomatch {

// ---- candidates
// -------------------------------------------------------------------------------------------------------

namespace {

// Sides as codes of a walk.
std::vector<LevelCodes> side_codes(const Person& person) {
    std::vector<LevelCodes> codes;
    for (const LocusSides& sides : person.levels) codes.push_back({sides.of_class, sides.count});
    return codes;
}

}  // namespace

Candidates::Candidates(const HaplotypeSet& set, const Person& person) {
    const std::vector<LevelCodes> codes = side_codes(person);
    const KeyLayout layout(codes);
    KeyTable keys;
    keys.reset(layout.bits);
    std::vector<Group> by_key;
    const auto first = set.frequencies();
    const auto second = set.second();
    walk_haplotypes(set, codes, layout, [&](std::uint32_t leaf, auto key) {
        const std::uint32_t number = keys.intern(key);
        if (number == by_key.size()) by_key.emplace_back();
        Group& group = by_key[number];
        group.haplotypes.push_back(HaplotypeId{leaf});
        group.first += first[leaf];
        group.second += second[leaf];
        group.of_first += first[leaf] > 0 ? 1U : 0U;
        group.of_second += second[leaf] > 0 ? 1U : 0U;
        group.of_both += first[leaf] > 0 && second[leaf] > 0 ? 1U : 0U;
    });
    for (std::uint32_t g = 0; g < by_key.size(); ++g) {
        for (std::size_t l = 0; l < codes.size(); ++l)
            by_key[g].sides.push_back(layout.code(keys.keys()[g], l, codes[l].most));
        if (person.places(by_key[g].sides, by_key[g].places)) groups_.push_back(std::move(by_key[g]));
    }
    for (std::uint32_t a = 0; a < groups_.size(); ++a) {
        for (std::uint32_t b = a; b < groups_.size(); ++b) {
            const Group& x = groups_[a];
            const Group& y = groups_[b];
            if (!person.fit(x.sides, x.places, y.sides, y.places)) continue;
            pairs_.push_back({a, b});
            total_ += a == b ? x.first * x.second : x.first * y.second + y.first * x.second;
            // Pairs that have a weight: one haplotype of each population, either way round, each pair once.
            diplotypes_ += a == b ? x.of_first * x.of_second - x.of_both * (x.of_both - 1) / 2
                                  : x.of_first * y.of_second + y.of_first * x.of_second - x.of_both * y.of_both;
        }
    }
}

// ---- diplotypes
// -------------------------------------------------------------------------------------------------------

namespace {

double weight(const HaplotypeSet& set, HaplotypeId h, HaplotypeId k) noexcept {
    const auto f = set.frequencies();
    const auto g = set.second();
    if (h == k) return f[h.value] * g[h.value];
    return f[h.value] * g[k.value] + f[k.value] * g[h.value];
}

Diplotype diplotype(const HaplotypeSet& set, HaplotypeId h, HaplotypeId k) noexcept {
    return {std::min(h, k), std::max(h, k), weight(set, h, k)};
}

// Better ones first; a total order, so that results do not depend on how they were found.
bool better(const Diplotype& a, const Diplotype& b) noexcept {
    return std::tie(b.weight, a.first, a.second) < std::tie(a.weight, b.first, b.second);
}

template <typename Visit>
void for_each_diplotype(const HaplotypeSet& set, const Candidates& candidates, const Cancel& cancel, Visit visit) {
    std::uint64_t seen = 0;
    for (const auto& [a, b] : candidates.pairs()) {
        const auto& x = candidates.groups()[a].haplotypes;
        const auto& y = candidates.groups()[b].haplotypes;
        for (std::size_t i = 0; i < x.size(); ++i) {
            if ((seen & 0xfffU) == 0) cancel.check();
            const std::size_t begin = a == b ? i : 0;
            for (std::size_t j = begin; j < y.size(); ++j) {
                const Diplotype each = diplotype(set, x[i], y[j]);
                if (each.weight > 0) visit(each);
            }
            seen += y.size() - begin;
        }
    }
}

// A walk along the products of two descending lists of frequencies, best product first. Within one list the pairs of
// unlike haplotypes and those of like ones are two streams.
class Streams {
  public:
    Streams(const HaplotypeSet& set, const Candidates& candidates, std::uint64_t most) : set_(set) {
        const auto f = set.frequencies();
        for (const Candidates::Group& group : candidates.groups()) {
            std::vector<HaplotypeId> sorted = group.haplotypes;
            // The best n pairs are of the best n of each group.
            const auto end =
                sorted.begin() + static_cast<std::ptrdiff_t>(std::min<std::uint64_t>(most + 1, sorted.size()));
            std::partial_sort(sorted.begin(), end, sorted.end(), [&](HaplotypeId h, HaplotypeId k) {
                return f[h.value] != f[k.value] ? f[h.value] > f[k.value] : h < k;
            });
            sorted.erase(end, sorted.end());
            sorted_.push_back(std::move(sorted));
        }
        for (const auto& [a, b] : candidates.pairs()) {
            if (a == b) {
                offer({a, a, true, 0, 0});
                offer({a, a, false, 0, 1});
            } else {
                offer({a, b, false, 0, 0});
            }
        }
    }

    // False at the end.
    bool next(Diplotype& out) {
        if (queue_.empty()) return false;
        const Place place = queue_.top().place;
        out = queue_.top().diplotype;
        queue_.pop();
        if (place.like) {
            offer({place.a, place.b, true, place.i + 1, place.j + 1});
            return true;
        }
        const bool within = place.a == place.b;
        offer({place.a, place.b, false, place.i, place.j + 1});
        if (place.j == (within ? place.i + 1 : 0))
            offer({place.a, place.b, false, place.i + 1, within ? place.i + 2 : 0});
        return true;
    }

  private:
    struct Place {
        std::uint32_t a, b;
        bool like;
        std::size_t i, j;
    };
    struct Entry {
        Diplotype diplotype;
        Place place;
        bool operator<(const Entry& other) const noexcept { return better(other.diplotype, diplotype); }
    };
    void offer(const Place& place) {
        const auto& x = sorted_[place.a];
        const auto& y = sorted_[place.b];
        if (place.i < x.size() && place.j < y.size()) queue_.push({diplotype(set_, x[place.i], y[place.j]), place});
    }

    const HaplotypeSet& set_;
    std::vector<std::vector<HaplotypeId>> sorted_;
    std::priority_queue<Entry> queue_;
};

}  // namespace

std::vector<Diplotype> best_diplotypes(const HaplotypeSet& set, const Candidates& candidates, std::uint64_t most,
                                       const Cancel& cancel) {
    const std::uint64_t count = std::min(most, candidates.diplotype_count());
    if (count > kMostDiplotypes)
        throw Error(ErrorCode::TooManyValues, "a person has " + std::to_string(candidates.diplotype_count()) +
                                                  " pairs of haplotypes; ask for the best of them");
    std::vector<Diplotype> result;
    result.reserve(count);
    // Products of sorted lists come in order; the weights of two populations, or all there are, do not.
    if (!set.mixed() && count < candidates.diplotype_count()) {
        Streams streams(set, candidates, count);
        Diplotype next{};
        while (result.size() < count && streams.next(next)) result.push_back(next);
        // Equal weights may come in another order than `better` has; the last ones are as good as those left out.
        std::sort(result.begin(), result.end(), better);
        return result;
    }
    for_each_diplotype(set, candidates, cancel, [&](const Diplotype& each) { result.push_back(each); });
    std::sort(result.begin(), result.end(), better);
    if (result.size() > count) result.resize(count);
    return result;
}

// ---- genotypes
// --------------------------------------------------------------------------------------------------------

GenotypeList genotypes(const HaplotypeSet& set, const Candidates& candidates, std::span<const std::size_t> levels,
                       const Cancel& cancel) {
    if (candidates.diplotype_count() > kMostDiplotypes)
        throw Error(ErrorCode::TooManyValues,
                    "a person has " + std::to_string(candidates.diplotype_count()) +
                        " pairs of haplotypes, too many to list their genotypes; type more loci");
    const std::size_t width = 2 * levels.size();
    GenotypeList found;
    // Genotypes by a hash of their classes; those of equal hash are compared.
    std::vector<std::uint32_t> slots(1024);
    std::vector<ClassId> classes(width);
    const auto place = [&](const ClassId* genotype) {
        std::uint64_t hash = 0;
        for (std::size_t i = 0; i < width; ++i)
            hash = (hash ^ genotype[i].value) * 0x9e3779b97f4a7c15ULL ^ (hash >> 29U);
        return static_cast<std::size_t>(hash >> 20U);
    };
    for_each_diplotype(set, candidates, cancel, [&](const Diplotype& each) {
        for (std::size_t l = 0; l < levels.size(); ++l) {
            const ClassId h = set.class_at(each.first, levels[l]);
            const ClassId k = set.class_at(each.second, levels[l]);
            classes[2 * l] = std::min(h, k);
            classes[2 * l + 1] = std::max(h, k);
        }
        if (2 * (found.weights.size() + 1) > slots.size()) {
            slots.assign(2 * slots.size(), 0U);
            for (std::uint32_t g = 0; g < found.weights.size(); ++g) {
                std::size_t i = place(&found.classes[width * g]) & (slots.size() - 1);
                while (slots[i] != 0) i = (i + 1) & (slots.size() - 1);
                slots[i] = g + 1;
            }
        }
        std::size_t i = place(classes.data()) & (slots.size() - 1);
        while (slots[i] != 0 && !std::equal(classes.begin(), classes.end(), &found.classes[width * (slots[i] - 1U)]))
            i = (i + 1) & (slots.size() - 1);
        if (slots[i] == 0) {
            found.classes.insert(found.classes.end(), classes.begin(), classes.end());
            found.weights.push_back(0);
            slots[i] = static_cast<std::uint32_t>(found.weights.size());
        }
        found.weights[slots[i] - 1U] += each.weight;
    });
    std::vector<std::uint32_t> order(found.weights.size());
    std::iota(order.begin(), order.end(), 0U);
    const auto begin_of = [&](std::uint32_t g) {
        return found.classes.begin() + static_cast<std::ptrdiff_t>(width * g);
    };
    std::sort(order.begin(), order.end(), [&](std::uint32_t x, std::uint32_t y) {
        if (found.weights[x] != found.weights[y]) return found.weights[x] > found.weights[y];
        return std::lexicographical_compare(begin_of(x), begin_of(x + 1), begin_of(y), begin_of(y + 1));
    });
    GenotypeList result;
    result.levels.assign(levels.begin(), levels.end());
    for (const std::uint32_t g : order) {
        result.classes.insert(result.classes.end(), begin_of(g), begin_of(g + 1));
        result.weights.push_back(found.weights[g]);
    }
    return result;
}

// ---- one locus
// --------------------------------------------------------------------------------------------------------

std::vector<PositionGenotype> position_genotypes(const HaplotypeSet& set, const Candidates& candidates,
                                                 const Person& person, std::size_t level) {
    const auto groups = candidates.groups();
    const LocusSides::Standing standing = person.levels[level].standing();
    // The classes that the candidates have, in order, and their numbers.
    std::vector<std::uint16_t> numbers(set.classes(level).size());
    for (const Candidates::Group& group : groups) {
        for (const HaplotypeId h : group.haplotypes) numbers[set.class_at(h, level).value] = 1;
    }
    std::vector<ClassId> occurring;
    for (std::uint16_t c = 0; c < numbers.size(); ++c) {
        if (numbers[c] == 0) continue;
        numbers[c] = static_cast<std::uint16_t>(occurring.size());
        occurring.push_back(ClassId{c});
    }
    const std::size_t classes = occurring.size();
    // Sums of frequencies by group and class, in both populations.
    std::vector<double> first(groups.size() * classes);
    std::vector<double> second(groups.size() * classes);
    std::vector<std::vector<std::uint16_t>> present(groups.size());
    for (std::size_t g = 0; g < groups.size(); ++g) {
        for (const HaplotypeId h : groups[g].haplotypes) {
            const std::size_t c = numbers[set.class_at(h, level).value];
            if (first[g * classes + c] == 0 && second[g * classes + c] == 0)
                present[g].push_back(static_cast<std::uint16_t>(c));
            first[g * classes + c] += set.frequencies()[h.value];
            second[g * classes + c] += set.second()[h.value];
        }
    }
    std::vector<double> sums(classes * classes);
    const auto add = [&](std::size_t at_first, std::size_t at_second, double weight) {
        sums[at_first * classes + at_second] += weight;
    };
    for (const auto& [a, b] : candidates.pairs()) {
        for (const std::size_t c : present[a]) {
            for (const std::size_t d : present[b]) {
                double weight = first[a * classes + c] * second[b * classes + d];
                if (a != b) weight += second[a * classes + c] * first[b * classes + d];
                const bool direct = standing.allows(occurring[c].value, occurring[d].value);
                const bool crossed = standing.allows(occurring[d].value, occurring[c].value);
                const double share = direct && crossed ? 0.5 : 1;
                if (direct) add(c, d, share * weight);
                if (crossed) add(d, c, share * weight);
            }
        }
    }
    std::vector<PositionGenotype> result;
    for (std::size_t c = 0; c < classes; ++c) {
        for (std::size_t d = 0; d < classes; ++d) {
            if (sums[c * classes + d] > 0)
                result.push_back({occurring[c], occurring[d], sums[c * classes + d] / candidates.total()});
        }
    }
    return result;
}

}  // namespace allomatch
