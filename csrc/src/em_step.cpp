// See em_step.hpp.
#include "em_step.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <mutex>
#include <numeric>

#include "allomatch/error.hpp"
#include "allomatch/parallel_for.hpp"

namespace allomatch {

// ---- what is walked
// ---------------------------------------------------------------------------------------------------

EmTrie::EmTrie(const EmHaplotypes& haplotypes, std::size_t top_classes)
    : columns(haplotypes.columns), levels(columns.size()), top_of_class(top_classes, kNoNode) {
    for (std::size_t row = 0; row < haplotypes.size(); ++row) {
        std::size_t same = 0;
        if (row > 0) {
            while (same < levels.size() && haplotypes.classes[same][row] == haplotypes.classes[same][row - 1]) ++same;
        }
        for (std::size_t l = same; l < levels.size(); ++l) {
            levels[l].classes.push_back(haplotypes.classes[l][row]);
            if (l + 1 < levels.size())
                levels[l].children.push_back(static_cast<std::uint32_t>(levels[l + 1].classes.size()));
        }
    }
    for (std::size_t l = 0; l + 1 < levels.size(); ++l)
        levels[l].children.push_back(static_cast<std::uint32_t>(levels[l + 1].classes.size()));
    for (std::size_t node = 0; node < levels.front().classes.size(); ++node)
        top_of_class[levels.front().classes[node]] = static_cast<std::uint32_t>(node);
}

EmRows::EmRows(const EmPeople& people, std::span<const std::size_t> columns, std::span<const double> weights_of_people,
               const Cancel& cancel)
    : typings(columns.size()) {
    std::vector<std::uint32_t> order;
    for (std::uint32_t person = 0; person < people.size(); ++person) {
        const bool typed = std::any_of(columns.begin(), columns.end(),
                                       [&](std::size_t c) { return people.typings_of(c)[person] != 0; });
        if (typed && weights_of_people[person] > 0) order.push_back(person);
    }
    const auto differ = [&](std::uint32_t a, std::uint32_t b) {
        for (const std::size_t c : columns) {
            const auto ids = people.typings_of(c);
            if (ids[a] != ids[b]) return ids[a] < ids[b] ? -1 : 1;
        }
        return people.phase_of(a) == people.phase_of(b) ? 0 : people.phase_of(a) < people.phase_of(b) ? -1 : 1;
    };
    cancel.check();
    std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
        const int way = differ(a, b);
        return way != 0 ? way < 0 : a < b;
    });
    cancel.check();
    std::uint32_t previous = 0;
    for (const std::uint32_t person : order) {
        if (!weights.empty() && differ(previous, person) == 0) {
            weights.back() += weights_of_people[person];
        } else {
            for (std::size_t l = 0; l < columns.size(); ++l)
                typings[l].push_back(people.typings_of(columns[l])[person]);
            phases.push_back(people.phase_of(person));
            weights.push_back(weights_of_people[person]);
        }
        previous = person;
    }
}

// ---- one person
// -------------------------------------------------------------------------------------------------------

namespace {

constexpr std::uint32_t kNone = 0xffffffff;
constexpr std::uint16_t kEither = 3;
// With more siblings than this for each class that a typing allows, classes are looked up instead.
constexpr std::size_t kSiblingsWorthASearch = 12;

class PersonWalk {
  public:
    PersonWalk(const EmTrie& trie, std::span<const double> frequencies, const EmPeople& people, const EmRows& rows)
        : trie_(trie), frequencies_(frequencies), people_(people), rows_(rows), depths_(trie.levels.size()) {
        for (std::size_t l = 0; l < depths_.size(); ++l) {
            depths_[l].sides.assign(people.classes(trie.columns[l]).size(), 0);
            depths_[l].nodes.resize(trie.levels[l].classes.size());
            depths_[l].groups.resize(trie.levels[l].classes.size());
        }
    }

    // Adds the person's shares; returns the likelihood, 0 if no pair explains the typings.
    double add(std::size_t row, std::span<double> shares) {
        const std::size_t levels = depths_.size();
        std::size_t same = 0;  // levels that still hold
        if (previous_ != kNone) {
            while (same < levels && rows_.typings[same][row] == rows_.typings[same][previous_]) ++same;
            same = std::min(same, levels - 1);
        }
        previous_ = static_cast<std::uint32_t>(row);
        for (std::size_t l = same; l < levels; ++l) {
            read_typing(l, rows_.typings[l][row]);
            if (l == 0) {
                begin();
            } else {
                descend(l);
            }
            name_groups(l);
        }
        const double total = weigh(row);
        if (!(total > 0)) return 0;
        const double factor = rows_.weights[row] / total;
        const Depth& last = depths_.back();
        for (double& partner : partners_) partner *= factor;
        for (std::size_t i = 0; i < last.count; ++i) shares[last.nodes[i]] += partners_[last.groups[i]];
        return total;
    }

  private:
    // The nodes of a level that the person may have.
    struct Depth {
        std::vector<std::uint32_t> nodes, groups;
        std::size_t count = 0;
        std::vector<std::uint16_t> sides;        // of each class; 0: not possible
        std::uint32_t typing = 0;                // whose sides these are
        std::uint32_t stride = 0;                // of the transitions into this level
        std::vector<std::uint32_t> transitions;  // [group above * stride + side]
        // Of each group: the one above, its side here, and sides 1 to 3 of all levels so far, two bits each; levels
        // of several genotypes hold 3 there.
        std::vector<std::uint32_t> above;
        std::vector<std::uint16_t> side;
        std::vector<std::uint64_t> packed;
    };

    void read_typing(std::size_t l, std::uint32_t typing) {
        Depth& depth = depths_[l];
        const TypingSides& all = people_.typings(trie_.columns[l]);
        for (std::uint32_t i = all.offsets[depth.typing]; i < all.offsets[depth.typing + 1]; ++i)
            depth.sides[all.classes[i]] = 0;
        for (std::uint32_t i = all.offsets[typing]; i < all.offsets[typing + 1]; ++i)
            depth.sides[all.classes[i]] = all.sides[i];
        depth.typing = typing;
        depth.stride = std::max<std::uint32_t>(kEither, all.fit(typing).count) + 1;
        depth.count = 0;
        const std::size_t groups_above = l == 0 ? 1 : depths_[l - 1].above.size();
        depth.transitions.assign(groups_above * depth.stride, kNone);
        depth.above.clear();
        depth.side.clear();
        depth.packed.clear();
    }

    // Nodes come with [group above * stride + side], which name_groups turns into groups.
    void begin() {
        Depth& depth = depths_[0];
        const TypingSides& all = people_.typings(trie_.columns[0]);
        std::size_t count = 0;
        if (depth.typing == 0) {
            for (std::uint32_t node = 0; node < trie_.levels[0].classes.size(); ++node) {
                depth.nodes[count] = node;
                depth.groups[count++] = kEither;
            }
        }
        for (std::uint32_t i = all.offsets[depth.typing]; i < all.offsets[depth.typing + 1]; ++i) {
            const std::uint32_t node = trie_.top_of_class[all.classes[i]];
            if (node == EmTrie::kNoNode) continue;
            depth.nodes[count] = node;
            depth.groups[count++] = all.sides[i];
        }
        depth.count = count;
    }

    void descend(std::size_t l) {
        const Depth& from = depths_[l - 1];
        Depth& depth = depths_[l];
        const std::uint32_t* const children = trie_.levels[l - 1].children.data();
        const std::uint16_t* const classes = trie_.levels[l].classes.data();
        const std::uint16_t* const sides = depth.sides.data();
        std::uint32_t* const nodes = depth.nodes.data();
        std::uint32_t* const groups = depth.groups.data();
        const TypingSides& all = people_.typings(trie_.columns[l]);
        const std::size_t first = all.offsets[depth.typing];
        const std::size_t last = all.offsets[depth.typing + 1];
        const std::size_t worth = kSiblingsWorthASearch * (last - first);
        std::size_t count = 0;
        for (std::size_t i = 0; i < from.count; ++i) {
            const std::uint32_t begin = children[from.nodes[i]];
            const std::uint32_t end = children[from.nodes[i] + 1];
            const std::uint32_t base = from.groups[i] * depth.stride;
            if (depth.typing == 0) {
                for (std::uint32_t node = begin; node < end; ++node) {
                    nodes[count] = node;
                    groups[count++] = base + kEither;
                }
            } else if (end - begin > worth) {
                const std::uint16_t* at = classes + begin;
                for (std::size_t entry = first; entry < last; ++entry) {
                    at = std::lower_bound(at, classes + end, all.classes[entry]);
                    if (at == classes + end) break;
                    if (*at != all.classes[entry]) continue;
                    nodes[count] = static_cast<std::uint32_t>(at - classes);
                    groups[count++] = base + all.sides[entry];
                }
            } else {
                for (std::uint32_t node = begin; node < end; ++node) {
                    const std::uint16_t side = sides[classes[node]];
                    nodes[count] = node;
                    groups[count] = base + side;
                    count += side != 0 ? 1 : 0;
                }
            }
        }
        depth.count = count;
    }

    void name_groups(std::size_t l) {
        Depth& depth = depths_[l];
        const bool plain = people_.typings(trie_.columns[l]).fit(depth.typing).count == 0;
        for (std::size_t i = 0; i < depth.count; ++i) {
            std::uint32_t& group = depth.transitions[depth.groups[i]];
            if (group == kNone) {
                group = static_cast<std::uint32_t>(depth.above.size());
                const std::uint32_t above = depth.groups[i] / depth.stride;
                const auto side = static_cast<std::uint16_t>(depth.groups[i] % depth.stride);
                depth.above.push_back(above);
                depth.side.push_back(side);
                const std::uint64_t packed = l == 0 ? 0 : depths_[l - 1].packed[above];
                depth.packed.push_back(packed | std::uint64_t{plain ? side : kEither} << (2 * l));
            }
            depth.groups[i] = group;
        }
    }

    // Sums the frequencies of each group, then of the groups that go with it; returns the total of all pairs.
    double weigh(std::size_t row) {
        const Depth& last = depths_.back();
        const std::size_t groups = last.above.size();
        sums_.assign(groups, 0);
        for (std::size_t i = 0; i < last.count; ++i) sums_[last.groups[i]] += frequencies_[last.nodes[i]];
        partners_.assign(groups, 0);
        list_places(people_.phase(rows_.phases[row]));
        const std::uint64_t full = (std::uint64_t{1} << (2 * depths_.size())) - 1;
        const bool several = list_several();
        for (std::uint32_t a = 0; a < groups; ++a) {
            for (std::uint32_t b = a; b < groups; ++b) {
                if ((last.packed[a] | last.packed[b]) != full || (several && !fit(a, b)) || !in_phase(a, b)) continue;
                partners_[a] += sums_[b];
                if (a != b) partners_[b] += sums_[a];
            }
        }
        double total = 0;
        for (std::size_t g = 0; g < groups; ++g) total += sums_[g] * partners_[g];
        return total;
    }

    // Where each group stands in the phased blocks.
    void list_places(const EmPeople::Blocks& blocks) {
        const std::size_t groups = depths_.back().above.size();
        places_.resize(blocks.size());
        for (std::size_t b = 0; b < blocks.size(); ++b) {
            const PhasedBlock& block = blocks[b];
            std::vector<std::size_t> depth_of;  // of the block's levels; past the last: not among those of this step
            for (const std::size_t level : block.levels()) {
                std::size_t l = 0;
                while (l < depths_.size() && people_.level(trie_.columns[l]) != level) ++l;
                depth_of.push_back(l);
            }
            places_[b].resize(groups);
            for (std::uint32_t g = 0; g < groups; ++g) {
                places_[b][g].resize(block.words());
                block.leave([&](std::size_t i) { return depth_of[i] < depths_.size() ? side_of(g, depth_of[i]) : 0U; },
                            places_[b][g]);
            }
        }
    }
    // The side of a group of the last level at a level.
    [[nodiscard]] std::size_t side_of(std::uint32_t group, std::size_t level) const {
        for (std::size_t l = depths_.size() - 1; l > level; --l) group = depths_[l].above[group];
        return depths_[level].side[group];
    }
    [[nodiscard]] bool in_phase(std::size_t a, std::size_t b) const {
        return std::all_of(places_.begin(), places_.end(), [&](const std::vector<std::vector<std::uint64_t>>& block) {
            return stand_across(block[a], block[b]);
        });
    }

    // Levels whose typing has several genotypes, and the sides of each group there.
    bool list_several() {
        several_.clear();
        for (std::size_t l = 0; l < depths_.size(); ++l) {
            if (people_.typings(trie_.columns[l]).fit(depths_[l].typing).count != 0) several_.push_back(l);
        }
        if (several_.empty()) return false;
        const std::size_t groups = depths_.back().above.size();
        several_sides_.resize(groups * several_.size());
        for (std::uint32_t g = 0; g < groups; ++g) {
            std::uint32_t at = g;
            std::size_t place = several_.size();
            for (std::size_t l = depths_.size(); l-- > 0;) {
                if (place > 0 && several_[place - 1] == l)
                    several_sides_[g * several_.size() + --place] = depths_[l].side[at];
                at = depths_[l].above[at];
            }
        }
        return true;
    }
    [[nodiscard]] bool fit(std::size_t a, std::size_t b) const {
        for (std::size_t i = 0; i < several_.size(); ++i) {
            const std::size_t l = several_[i];
            const TypingSides::Fit& fits = people_.typings(trie_.columns[l]).fit(depths_[l].typing);
            const std::size_t at =
                several_sides_[a * several_.size() + i] * (fits.count + 1U) + several_sides_[b * several_.size() + i];
            if (fits.compatible[at] == 0) return false;
        }
        return true;
    }

    const EmTrie& trie_;
    std::span<const double> frequencies_;
    const EmPeople& people_;
    const EmRows& rows_;
    std::vector<Depth> depths_;
    std::uint32_t previous_ = kNone;
    std::vector<double> sums_, partners_;
    std::vector<std::vector<std::vector<std::uint64_t>>> places_;  // of each phased block, of each group
    std::vector<std::size_t> several_;
    std::vector<std::uint16_t> several_sides_;
};

// ---- all people
// -------------------------------------------------------------------------------------------------------

// Blocks are of fixed sizes, whatever the threads; their sums may all have to wait for the first one.
constexpr std::size_t kFewestBlocks = 8;
constexpr std::size_t kMostBlocks = 64;
constexpr std::size_t kBytesOfBlocks = std::size_t{1} << 30U;
constexpr std::size_t kLeastBlockRows = 256;
constexpr std::size_t kRowsBetweenChecks = 32;

struct Part {
    std::vector<double> shares;
    double log_likelihood = 0, represented = 0, unrepresented = 0;
};

// Adds parts up in the order of their blocks, whichever is ready first.
class OrderedSum {
  public:
    OrderedSum(std::size_t blocks, std::size_t size) : waiting_(blocks) { sum_.shares.assign(size, 0); }

    std::unique_ptr<Part> fresh() {
        const std::lock_guard lock(mutex_);
        std::unique_ptr<Part> part;
        if (spare_.empty()) {
            part = std::make_unique<Part>();
        } else {
            part = std::move(spare_.back());
            spare_.pop_back();
        }
        return part;
    }
    void add(std::size_t block, std::unique_ptr<Part> part) {
        const std::lock_guard lock(mutex_);
        waiting_[block] = std::move(part);
        for (; next_ < waiting_.size() && waiting_[next_]; ++next_) {
            const Part& ready = *waiting_[next_];
            for (std::size_t h = 0; h < sum_.shares.size(); ++h) sum_.shares[h] += ready.shares[h];
            sum_.log_likelihood += ready.log_likelihood;
            sum_.represented += ready.represented;
            sum_.unrepresented += ready.unrepresented;
            spare_.push_back(std::move(waiting_[next_]));
        }
    }
    [[nodiscard]] EmExpectation take() {
        return {std::move(sum_.shares), sum_.log_likelihood, sum_.represented, sum_.unrepresented};
    }

  private:
    std::mutex mutex_;
    std::vector<std::unique_ptr<Part>> waiting_, spare_;
    std::size_t next_ = 0;
    Part sum_;
};

}  // namespace

EmExpectation expect(const EmTrie& trie, std::span<const double> frequencies, const EmPeople& people,
                     const EmRows& rows, unsigned threads, const Cancel& cancel) {
    const std::size_t most = std::clamp(
        kBytesOfBlocks / (sizeof(double) * std::max<std::size_t>(frequencies.size(), 1)), kFewestBlocks, kMostBlocks);
    const std::size_t block_rows = std::max(kLeastBlockRows, (rows.size() + most - 1) / most);
    const std::size_t blocks = (rows.size() + block_rows - 1) / block_rows;
    OrderedSum sum(blocks, frequencies.size());
    parallel_for(blocks, thread_count(threads), cancel, [&](std::size_t block) {
        std::unique_ptr<Part> part = sum.fresh();
        *part = {std::move(part->shares), 0, 0, 0};
        part->shares.assign(frequencies.size(), 0);
        PersonWalk walk(trie, frequencies, people, rows);
        const std::size_t end = std::min(rows.size(), (block + 1) * block_rows);
        for (std::size_t row = block * block_rows; row < end; ++row) {
            if (row % kRowsBetweenChecks == 0) cancel.check();
            const double likelihood = walk.add(row, part->shares);
            if (likelihood > 0) {
                part->log_likelihood += rows.weights[row] * std::log(likelihood);
                part->represented += rows.weights[row];
            } else {
                part->unrepresented += rows.weights[row];
            }
        }
        sum.add(block, std::move(part));
    });
    return sum.take();
}

}  // namespace allomatch
