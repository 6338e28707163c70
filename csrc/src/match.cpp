// The counting rules. Each is stated in match.hpp and SEMANTICS section 2, and proved against tests/reference.
#include "allomatch/match.hpp"

#include <algorithm>
#include <bit>

namespace allomatch {

std::uint8_t Counts::least_in(Direction direction) const noexcept {
    return direction == Direction::Both ? least : direction == Direction::Gvh ? gvh_least : hvg_least;
}

std::uint8_t Counts::greatest_in(Direction direction) const noexcept {
    return direction == Direction::Both ? greatest : direction == Direction::Gvh ? gvh_greatest : hvg_greatest;
}

// ---- genotypes after the null rule
// ----------------------------------------------------------------------------------------

void LocusGenotypes::add(GenotypeKind kind, GroupSet first, GroupSet second) {
    if (count_ < few_.size()) {
        few_[count_] = {kind, first, second};
    } else {
        if (count_ == few_.size()) many_.assign(few_.begin(), few_.end());
        many_.push_back({kind, first, second});
    }
    ++count_;
}

void LocusGenotypes::add_anything(const Interpretation& interpretation) {
    const GroupSet anything = interpretation.anything().groups;
    add(GenotypeKind::Pair, anything, anything);
    add(GenotypeKind::Nothing, {});
}

LocusGenotypes::LocusGenotypes(const Interpretation& interpretation, std::span<const PositionPair> alternatives,
                               NullPolicy policy) {
    bool known = !alternatives.empty();
    for (const PositionPair& pair : alternatives) {
        known = known && interpretation.position(pair.first).known && interpretation.position(pair.second).known;
    }
    if (!known) {
        add_anything(interpretation);
        return;
    }
    for (const PositionPair& pair : alternatives) {
        const PositionMeaning a = interpretation.position(pair.first);
        const PositionMeaning b = interpretation.position(pair.second);
        const std::uint8_t a_bits = expression_bits(a, policy);
        const std::uint8_t b_bits = expression_bits(b, policy);
        if ((a_bits & b_bits & overlap::kExpressed) != 0) add(GenotypeKind::Pair, a.groups, b.groups);
        if ((a_bits & overlap::kExpressed) != 0 && (b_bits & overlap::kNull) != 0)
            add(GenotypeKind::Homozygous, a.groups);
        if ((b_bits & overlap::kExpressed) != 0 && (a_bits & overlap::kNull) != 0)
            add(GenotypeKind::Homozygous, b.groups);
        if ((a_bits & b_bits & overlap::kNull) != 0) add(GenotypeKind::Nothing, {});
    }
}

std::uint8_t expression_bits(const PositionMeaning& position, NullPolicy policy) noexcept {
    const bool expressed = !position.groups.empty();
    const bool null = !expressed || (position.may_be_null && policy == NullPolicy::Possible);
    return static_cast<std::uint8_t>((expressed ? overlap::kExpressed : 0) | (null ? overlap::kNull : 0));
}

// ---- exact counts
// ---------------------------------------------------------------------------------------------------------

namespace {

// The words that both sets cover: [begin, end).
std::pair<std::uint32_t, std::uint32_t> common_words(const GroupSet& a, const GroupSet& b) noexcept {
    return {std::max(a.first_word, b.first_word), std::min(a.first_word + static_cast<std::uint32_t>(a.words.size()),
                                                           b.first_word + static_cast<std::uint32_t>(b.words.size()))};
}

}  // namespace

bool meet(const GroupSet& a, const GroupSet& b) noexcept {
    const auto [begin, end] = common_words(a, b);
    for (std::uint32_t w = begin; w < end; ++w) {
        if ((a.words[w - a.first_word] & b.words[w - b.first_word]) != 0) return true;
    }
    return false;
}

namespace {

bool meet(const GroupSet& a, const GroupSet& b, const GroupSet& c) noexcept {
    auto [begin, end] = common_words(a, b);
    begin = std::max(begin, c.first_word);
    end = std::min(end, c.first_word + static_cast<std::uint32_t>(c.words.size()));
    for (std::uint32_t w = begin; w < end; ++w) {
        if ((a.words[w - a.first_word] & b.words[w - b.first_word] & c.words[w - c.first_word]) != 0) return true;
    }
    return false;
}

// Up to four members of a set. Four stand for any larger set when looking for the *most* mismatches: each of the four
// positions has at most three others to differ from, so one with four values or more can always be chosen last.
struct Few {
    std::array<std::uint32_t, 4> values{};
    std::size_t count = 0;

    explicit Few(const GroupSet& set) noexcept {
        for (std::size_t w = 0; w < set.words.size() && count < 4; ++w) {
            for (std::uint64_t rest = set.words[w]; rest != 0 && count < 4; rest &= rest - 1) {
                values[count++] = static_cast<std::uint32_t>(64 * (set.first_word + w)) +
                                  static_cast<std::uint32_t>(std::countr_zero(rest));
            }
        }
    }
};

// Mismatches of two resolved genotypes {x, y} and {u, v}.
struct Resolved {
    std::uint32_t x, y, u, v;

    [[nodiscard]] int both() const noexcept {
        const int direct = (x == u) + (y == v);
        const int crossed = (x == v) + (y == u);
        return 2 - std::max(direct, crossed);
    }
    // The patient's antigens that the donor lacks; a homozygous one counts once.
    [[nodiscard]] int gvh() const noexcept { return (x != u && x != v) + (y != x && y != u && y != v); }
    [[nodiscard]] int hvg() const noexcept { return (u != x && u != y) + (v != u && v != x && v != y); }
};

// Fewest antigens of {p1, p2} that {d1, d2} lacks.
int least_lacking(const GenotypeSets& p, const GenotypeSets& d) noexcept {
    const bool p_pair = p.kind == GenotypeKind::Pair;
    const bool d_pair = d.kind == GenotypeKind::Pair;
    const bool first_first = meet(p.first, d.first);
    const bool first_second = d_pair && meet(p.first, d.second);
    if (!p_pair) return first_first || first_second ? 0 : 1;
    const bool second_first = meet(p.second, d.first);
    const bool second_second = d_pair && meet(p.second, d.second);
    if ((first_first && second_second) || (first_second && second_first)) return 0;
    // Both positions the same group: it is enough that the donor has that one.
    if (meet(p.first, p.second, d.first) || (d_pair && meet(p.first, p.second, d.second))) return 0;
    if (first_first || first_second || second_first || second_second) return 1;
    return meet(p.first, p.second) ? 1 : 2;
}

int least_both(const GenotypeSets& p, const GenotypeSets& d) noexcept {
    if (p.kind == GenotypeKind::Homozygous && d.kind == GenotypeKind::Homozygous) return meet(p.first, d.first) ? 0 : 2;
    if (p.kind == GenotypeKind::Homozygous || d.kind == GenotypeKind::Homozygous) {
        const GenotypeSets& same = p.kind == GenotypeKind::Homozygous ? p : d;
        const GenotypeSets& pair = p.kind == GenotypeKind::Homozygous ? d : p;
        if (meet(same.first, pair.first, pair.second)) return 0;
        return meet(same.first, pair.first) || meet(same.first, pair.second) ? 1 : 2;
    }
    const bool first_first = meet(p.first, d.first);
    const bool second_second = meet(p.second, d.second);
    if (first_first && second_second) return 0;
    const bool first_second = meet(p.first, d.second);
    const bool second_first = meet(p.second, d.first);
    if (first_second && second_first) return 0;
    return first_first || second_second || first_second || second_first ? 1 : 2;
}

std::uint8_t narrow(int value) noexcept {
    return static_cast<std::uint8_t>(value);
}

// One side expresses nothing: the other side's antigens are all lacking.
Counts count_with_nothing(const GenotypeSets& p, const GenotypeSets& d) noexcept {
    if (p.kind == d.kind) return {};
    const GenotypeSets& other = p.kind == GenotypeKind::Nothing ? d : p;
    std::uint8_t fewest = 1;
    std::uint8_t most = 1;
    if (other.kind == GenotypeKind::Pair) {
        const Few a(other.first);
        const Few b(other.second);
        fewest = meet(other.first, other.second) ? 1 : 2;
        most = a.count == 1 && b.count == 1 && a.values[0] == b.values[0] ? 1 : 2;
    }
    if (p.kind == GenotypeKind::Nothing) return {2, 2, 0, 0, fewest, most};
    return {2, 2, fewest, most, 0, 0};
}

Counts count_pair(const GenotypeSets& p, const GenotypeSets& d) noexcept {
    if (p.kind == GenotypeKind::Nothing || d.kind == GenotypeKind::Nothing) return count_with_nothing(p, d);
    const bool p_pair = p.kind == GenotypeKind::Pair;
    const bool d_pair = d.kind == GenotypeKind::Pair;
    const Few x(p.first);
    const Few y(p_pair ? p.second : p.first);
    const Few u(d.first);
    const Few v(d_pair ? d.second : d.first);
    if (x.count == 1 && y.count == 1 && u.count == 1 && v.count == 1) {
        const Resolved r{x.values[0], y.values[0], u.values[0], v.values[0]};
        const std::uint8_t both = narrow(r.both());
        const std::uint8_t gvh = narrow(r.gvh());
        const std::uint8_t hvg = narrow(r.hvg());
        return {both, both, gvh, gvh, hvg, hvg};
    }
    int both = 0;
    int gvh = 0;
    int hvg = 0;
    const int most_gvh = p_pair ? 2 : 1;
    const int most_hvg = d_pair ? 2 : 1;
    for (std::size_t i = 0; i < x.count; ++i) {
        for (std::size_t j = p_pair ? 0 : i; j < (p_pair ? y.count : i + 1); ++j) {
            for (std::size_t k = 0; k < u.count; ++k) {
                for (std::size_t l = d_pair ? 0 : k; l < (d_pair ? v.count : k + 1); ++l) {
                    const Resolved r{x.values[i], y.values[j], u.values[k], v.values[l]};
                    both = std::max(both, r.both());
                    gvh = std::max(gvh, r.gvh());
                    hvg = std::max(hvg, r.hvg());
                }
            }
            if (both == 2 && gvh == most_gvh && hvg == most_hvg) break;
        }
    }
    return {narrow(least_both(p, d)),    narrow(both), narrow(least_lacking(p, d)), narrow(gvh),
            narrow(least_lacking(d, p)), narrow(hvg)};
}

}  // namespace

Counts count(std::span<const GenotypeSets> patient, std::span<const GenotypeSets> donor) noexcept {
    Counts total{2, 0, 2, 0, 2, 0};
    for (const GenotypeSets& p : patient) {
        for (const GenotypeSets& d : donor) {
            const Counts c = count_pair(p, d);
            total.least = std::min(total.least, c.least);
            total.greatest = std::max(total.greatest, c.greatest);
            total.gvh_least = std::min(total.gvh_least, c.gvh_least);
            total.gvh_greatest = std::max(total.gvh_greatest, c.gvh_greatest);
            total.hvg_least = std::min(total.hvg_least, c.hvg_least);
            total.hvg_greatest = std::max(total.hvg_greatest, c.hvg_greatest);
        }
    }
    return total;
}

// ---- fewest mismatches from overlaps
// --------------------------------------------------------------------------------------

namespace {

constexpr std::uint8_t least_for(GenotypeKind patient, unsigned a, unsigned b) noexcept {
    using namespace overlap;
    const auto has = [](unsigned bits, std::uint8_t flag) { return (bits & flag) != 0; };
    unsigned best = 2;
    const auto offer = [&](bool two, bool one) { best = std::min(best, two ? 0U : one ? 1U : 2U); };
    if (patient == GenotypeKind::Nothing) return has(a, kNull) && has(b, kNull) ? 0 : 2;
    const auto any = [&](unsigned bits) { return has(bits, kFirst) || has(bits, kSecond); };
    // What the donor's genotype may be: a pair, or homozygous for one position because the other is null.
    const bool pair = has(a, kExpressed) && has(b, kExpressed);
    const bool only_a = has(a, kExpressed) && has(b, kNull);
    const bool only_b = has(b, kExpressed) && has(a, kNull);
    if (patient == GenotypeKind::Pair) {
        const bool direct = has(a, kFirst) && has(b, kSecond);
        const bool crossed = has(a, kSecond) && has(b, kFirst);
        if (pair) offer(direct || crossed, any(a) || any(b));
        if (only_a) offer(has(a, kCommon), any(a));
        if (only_b) offer(has(b, kCommon), any(b));
    } else {
        // A homozygous patient has one group only (overlap_decides), so meeting it twice is meeting the same group.
        if (pair) offer(has(a, kFirst) && has(b, kFirst), has(a, kFirst) || has(b, kFirst));
        if (only_a) offer(has(a, kFirst), false);
        if (only_b) offer(has(b, kFirst), false);
    }
    return static_cast<std::uint8_t>(best);
}

}  // namespace

const OverlapTable& least_by_overlap(GenotypeKind patient) noexcept {
    constexpr auto table_of = [](GenotypeKind kind) {
        OverlapTable table{};
        for (unsigned a = 0; a < overlap::kValues; ++a) {
            for (unsigned b = 0; b < overlap::kValues; ++b) table[a * overlap::kValues + b] = least_for(kind, a, b);
        }
        return table;
    };
    static constexpr std::array tables{table_of(GenotypeKind::Pair), table_of(GenotypeKind::Homozygous),
                                       table_of(GenotypeKind::Nothing)};
    return tables[static_cast<std::size_t>(patient)];
}

bool overlap_decides(const GenotypeSets& patient) noexcept {
    if (patient.kind != GenotypeKind::Homozygous) return true;
    return Few(patient.first).count == 1;
}

}  // namespace allomatch
