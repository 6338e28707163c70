// Two roads to the costs. The fast one gives each *position* of the dictionary five bits about its overlap with the
// patient, found through the inverted index, and looks every typing up by the bits of its two positions. The exact one
// counts. The fast one serves bidirectional searches, that is nearly all of them; typings of several genotypes and the
// rare patient whose overlap bits do not decide take the exact one.
//
// All counts of a typing likewise: of a patient of two groups it matters which of them a position has and whether it
// has none, one or more others, so that a table of these looks replaces comparing sets. Where others may be the same at
// both positions, and where neither position has a group of the patient's, sets are compared.
#include "verdicts.hpp"

#include <algorithm>
#include <atomic>
#include <bit>
#include <new>
#include <string>

#include "allomatch/error.hpp"

namespace allomatch {
namespace {

constexpr std::uint16_t kThere = 0x8000;  // tells counts of nothing but zeros from those not computed yet

std::uint16_t pack(const Counts& c) noexcept {
    return static_cast<std::uint16_t>(kThere | c.least | c.greatest << 2 | c.gvh_least << 4 | c.gvh_greatest << 6 |
                                      c.hvg_least << 8 | c.hvg_greatest << 10);
}

Counts unpack(std::uint16_t packed) noexcept {
    const auto field = [&](unsigned shift) { return static_cast<std::uint8_t>(packed >> shift & 3U); };
    return {field(0), field(2), field(4), field(6), field(8), field(10)};
}

// A look: the patient's first group, the second one, and one other or, twice that, more.
constexpr std::size_t kHas = 3;
constexpr std::uint8_t kHasFirst = 1;
constexpr std::uint8_t kHasSecond = 2;
constexpr std::uint8_t kOther = 4;
constexpr std::size_t kLooks = 12;  // 0 is a position that may be null, and decides nothing
constexpr std::uint8_t kUndecided = 3;

// What two looks do not decide hangs on whether the others may be the same at both positions. A table each for where
// that does not matter, for positions whose others do not meet, and for those whose others do; then the untyped locus.
constexpr std::size_t kTable = kLooks * kLooks;
constexpr std::size_t kApart = kTable;
constexpr std::size_t kMeeting = 2 * kTable;
constexpr std::size_t kOfUntyped = 3 * kTable;

// Counts by two looks against the patient's groups, which may be the same.
std::vector<Counts> counts_by_looks(bool same) {
    // The patient's groups are 0 and 1; others are 2 to 5.
    const std::array<std::uint64_t, 2> groups{1, same ? 1U : 2U};
    const GenotypeSets patient{GenotypeKind::Pair, {0, std::span(&groups[0], 1)}, {0, std::span(&groups[1], 1)}};
    const auto counts_of = [&](std::size_t a, std::size_t b, bool meeting) {
        const auto set_of = [same](std::size_t look, unsigned other, unsigned another) {
            std::uint64_t word = look & (same ? kHasFirst : kHas);
            if (look >= kOther) word |= std::uint64_t{1} << other;
            if (look >= 2 * kOther) word |= std::uint64_t{1} << another;
            return word;
        };
        const std::uint64_t first = set_of(a, 2, 4);
        const std::uint64_t second = set_of(b, meeting ? 2 : 3, 5);
        const GenotypeSets donor{GenotypeKind::Pair, {0, std::span(&first, 1)}, {0, std::span(&second, 1)}};
        return count(std::span(&patient, 1), std::span(&donor, 1));
    };
    std::vector<Counts> table(kOfUntyped, Counts{.least = kUndecided});
    for (std::size_t a = 1; a < kLooks; ++a) {
        for (std::size_t b = 1; b < kLooks; ++b) {
            const bool nothing_shared = ((a | b) & kHas) == 0;
            const bool one_other_each = (a & ~kHas) == kOther && (b & ~kHas) == kOther;
            const std::size_t place = a * kLooks + b;
            if (!nothing_shared && !one_other_each) {
                table[place] = counts_of(a, b, false);
            } else if ((a & b & kHas) == 0) {
                // Nothing of the patient's is at both: where the positions meet, the others do.
                table[kApart + place] = counts_of(a, b, false);
                table[kMeeting + place] = counts_of(a, b, true);
            }
        }
    }
    return table;
}

template <typename Visit>
void for_each_group(const GroupSet& set, Visit visit) {
    for (std::size_t w = 0; w < set.words.size(); ++w) {
        for (std::uint64_t rest = set.words[w]; rest != 0; rest &= rest - 1) {
            visit(GroupId{static_cast<std::uint32_t>(64 * (set.first_word + w)) +
                          static_cast<std::uint32_t>(std::countr_zero(rest))});
        }
    }
}

bool holds(const GroupSet& set, GroupId group) noexcept {
    const std::uint32_t word = group.value >> 6U;
    return word >= set.first_word && word < set.first_word + set.words.size() &&
           (set.words[word - set.first_word] >> (group.value & 63U) & 1U) != 0;
}

}  // namespace

LocusVerdicts::LocusVerdicts(const Segment& segment, const Nomenclature& nomenclature, const Interpretation& shared,
                             Locus locus, const Typing& patient, NullPolicy policy, Profile profile)
    : dictionary_(segment.dictionary(locus)),
      singles_(segment.single_genotype_typings(locus)),
      policy_(policy),
      interpretation_(&shared),
      cache_(static_cast<std::uint16_t*>(std::calloc(dictionary_.typing_count(), sizeof(std::uint16_t)))) {
    if (cache_ == nullptr) throw std::bad_alloc();
    const Dictionary own(locus, std::span(&patient, 1));
    const DictionaryView view = own.view();
    const auto covered = [&](const Name& name) { return shared.space().covers(name); };
    if (!std::all_of(view.names.begin(), view.names.end(), covered)) {
        own_ = std::make_unique<Interpretation>(nomenclature, dictionary_, view.names, shared.space().level(),
                                                Reading{profile, Side::Donor});
        interpretation_ = own_.get();
    }
    // The patient is read in the donors' space of groups: equal numbers, equal groups.
    patient_meaning_ =
        std::make_unique<Interpretation>(interpretation_->space(), view, Reading{profile, Side::Patient});
    for (std::uint32_t p = 0; p < view.position_count(); ++p) {
        if (!patient_meaning_->position(PositionId{p}).known) throw_unknown(nomenclature, view, PositionId{p});
    }
    patient_.emplace(*patient_meaning_, view.alternatives(TypingId{patient.untyped() ? 0U : 1U}), policy);
    summarize_positions();
}

void LocusVerdicts::summarize_positions() {
    const auto genotypes = patient_->all();
    const auto lone = [](const GroupSet& set) -> std::optional<GroupId> {
        if (set.words.size() != 1 || !std::has_single_bit(set.words[0])) return std::nullopt;
        return GroupId{64 * set.first_word + static_cast<std::uint32_t>(std::countr_zero(set.words[0]))};
    };
    if (genotypes.size() != 1 || !interpretation_->all_known()) return;
    const auto first = lone(genotypes[0].first);
    const auto second = lone(genotypes[0].second);
    if (!first || !second) return;
    const bool same = *first == *second;
    const std::size_t positions = interpretation_->position_count();
    // Which of the patient's groups a position has, and how many others.
    std::vector<std::uint8_t> has(positions);
    for (const PositionId p : interpretation_->positions_with(*first)) has[p.value] |= kHasFirst;
    for (const PositionId p : interpretation_->positions_with(*second)) has[p.value] |= kHasSecond;
    looks_.resize(positions);
    for (std::uint32_t p = 0; p < positions; ++p) {
        const unsigned groups = interpretation_->few_groups(PositionId{p});
        const unsigned shared = same ? has[p] & 1U : static_cast<unsigned>(std::popcount(has[p]));
        const unsigned others = std::min(groups - shared, 2U);
        looks_[p] = static_cast<std::uint8_t>(others * kOther | has[p]);
    }
    for (std::uint32_t p = 0; policy_ == NullPolicy::Possible && p < positions; ++p) {
        if (interpretation_->position(PositionId{p}).may_be_null) looks_[p] = 0;
    }
    by_looks_ = counts_by_looks(same);
    by_looks_.push_back(exact(kUntyped));
}

Counts LocusVerdicts::exact(TypingId typing) const {
    return count(patient_->all(), LocusGenotypes(*interpretation_, dictionary_.alternatives(typing), policy_).all());
}

void LocusVerdicts::counts(std::span<const TypingId> typings, std::span<Counts> counts) const {
    by_looks(typings, counts);
    for (std::size_t i = 0; i < typings.size(); ++i) {
        if (counts[i].least == kUndecided) counts[i] = by_others(typings[i]);
        if (counts[i].least == kUndecided) counts[i] = kept(typings[i]);
    }
}

// Without a branch: whether looks decide is as good as random.
void LocusVerdicts::by_looks(std::span<const TypingId> typings, std::span<Counts> counts) const noexcept {
    constexpr std::size_t kAhead = 16;
    const auto pairs = dictionary_.pairs.first(singles_ - 1);  // typing t of [1, singles_) has the pair t - 1
    if (looks_.empty() || pairs.empty()) {
        std::fill(counts.begin(), counts.end(), Counts{.least = kUndecided});
        return;
    }
    for (std::size_t i = 0; i < typings.size(); ++i) {
        if (i + kAhead < typings.size()) __builtin_prefetch(pairs.data() + typings[i + kAhead].value);
        const std::uint32_t at = typings[i].value - 1;
        const PositionPair pair = pairs[at < pairs.size() ? at : 0];
        const std::size_t looks = looks_[pair.first.value] * kLooks + looks_[pair.second.value];
        const std::size_t other = typings[i] == kUntyped ? kOfUntyped : 0;
        counts[i] = by_looks_[at < pairs.size() ? looks : other];
    }
}

Counts LocusVerdicts::by_others(TypingId typing) const noexcept {
    if (looks_.empty() || typing.value >= singles_) return {.least = kUndecided};
    const PositionPair pair = dictionary_.pairs[typing.value - 1];
    const bool meeting =
        meet(interpretation_->position(pair.first).groups, interpretation_->position(pair.second).groups);
    const std::size_t looks = looks_[pair.first.value] * kLooks + looks_[pair.second.value];
    return by_looks_[(meeting ? kMeeting : kApart) + looks];
}

Counts LocusVerdicts::kept(TypingId typing) const {
    const std::size_t typings = dictionary_.typing_count();
    if (typing.value >= typings) {
        throw Error(ErrorCode::CorruptFile, "corrupt registry file: typing " + std::to_string(typing.value) + " of " +
                                                std::to_string(typings) +
                                                "; run 'allomatch verify', and restore the file from a copy");
    }
    // Two threads may both compute it: they store the same.
    const std::atomic_ref<std::uint16_t> kept(cache_[typing.value]);
    std::uint16_t packed = kept.load(std::memory_order_relaxed);
    if (packed == 0) {
        packed = pack(exact(typing));
        kept.store(packed, std::memory_order_relaxed);
    }
    return unpack(packed);
}

void LocusVerdicts::set_cost(std::uint32_t typing, std::uint32_t cost) noexcept {
    const unsigned shift = (typing & 15U) * 2;
    costs_[typing >> 4U] = (costs_[typing >> 4U] & ~(3U << shift)) | cost << shift;
}

void LocusVerdicts::lower_by_overlap(const GenotypeSets& patient, const TypingsOfPositions& typings) {
    const std::size_t positions = interpretation_->position_count();
    std::vector<std::uint8_t> bits(positions);
    for (std::uint32_t p = 0; p < positions; ++p) {
        bits[p] = expression_bits(interpretation_->position(PositionId{p}), policy_);
    }
    // Two positions that share nothing with the patient cost two; a patient who expresses nothing shares null.
    std::uint8_t shared = overlap::kNull;
    if (patient.kind != GenotypeKind::Nothing) {
        shared = overlap::kFirst | overlap::kSecond;
        const auto mark = [&](const GroupSet& groups, std::uint8_t flag, const GroupSet& common) {
            for_each_group(groups, [&](GroupId group) {
                const std::uint8_t flags = holds(common, group) ? flag | overlap::kCommon : flag;
                for (const PositionId p : interpretation_->positions_with(group)) bits[p.value] |= flags;
            });
        };
        const bool pair = patient.kind == GenotypeKind::Pair;
        mark(patient.first, overlap::kFirst, pair ? patient.second : GroupSet{});
        if (pair) mark(patient.second, overlap::kSecond, {});
    }
    const OverlapTable& table = least_by_overlap(patient.kind);
    for (std::uint32_t p = 0; p < positions; ++p) {
        if ((bits[p] & shared) == 0) continue;
        const std::uint8_t* const by_other = &table[bits[p] * overlap::kValues];
        for (const auto [typing, other] : typings.of(PositionId{p})) {
            std::uint32_t& word = costs_[typing.value >> 4U];
            const unsigned shift = (typing.value & 15U) * 2;
            const std::uint32_t before = word >> shift & 3U;
            const std::uint32_t now = std::min<std::uint32_t>(before, by_other[bits[other.value]]);
            word ^= (before ^ now) << shift;
        }
    }
}

void LocusVerdicts::pack_costs(Direction direction, std::uint8_t limit, const TypingsOfPositions& of_positions) {
    const std::size_t typings = dictionary_.typing_count();
    const auto genotypes = patient_->all();
    const bool fast = direction == Direction::Both && std::all_of(genotypes.begin(), genotypes.end(), overlap_decides);
    constexpr std::uint32_t kTwos = 0xAAAAAAAA;
    costs_.assign(typings / 16 + 1, kTwos);
    const auto set_exactly = [&](std::uint32_t typing) {
        set_cost(typing, exact(TypingId{typing}).least_in(direction));
    };
    set_exactly(0);
    std::uint32_t first_exact = 1;
    if (fast) {
        // The least over the patient's genotypes.
        for (const GenotypeSets& genotype : genotypes) lower_by_overlap(genotype, of_positions);
        first_exact = static_cast<std::uint32_t>(singles_);
        // One position that nobody can interpret makes the whole typing untyped; overlaps know nothing of that.
        for (std::uint32_t p = 0; !interpretation_->all_known() && p < interpretation_->position_count(); ++p) {
            if (interpretation_->position(PositionId{p}).known) continue;
            for (const auto& entry : of_positions.of(PositionId{p})) set_exactly(entry.typing.value);
        }
    }
    for (std::uint32_t t = first_exact; t < typings; ++t) set_exactly(t);
    if (limit == 2) return;
    for (std::uint32_t& word : costs_) {
        // Values above the limit become 3: for 0 that is every value but 0, for 1 every 2.
        constexpr std::uint32_t kLow = 0x55555555;
        const std::uint32_t low = word & kLow;
        const std::uint32_t high = word >> 1U & kLow;
        const std::uint32_t over = limit == 0 ? low | high : high;
        word |= over | over << 1U;
    }
}

}  // namespace allomatch
