// The rules of detail.hpp, on facts of positions. Each is stated in tests/reference/detail.py.
#include "allomatch/detail.hpp"

#include <algorithm>

#include "detail_facts.hpp"

namespace allomatch {
namespace {

template <typename T>
bool share(std::span<const T> a, std::span<const T> b) noexcept {
    // Of unlike first fields, as most pairs are, they lie apart.
    if (a.empty() || b.empty() || a.back() < b.front() || b.back() < a.front()) return false;
    auto x = a.begin();
    auto y = b.begin();
    while (x != a.end() && y != b.end()) {
        if (*x == *y) return true;
        if (*x < *y) {
            ++x;
        } else {
            ++y;
        }
    }
    return false;
}

template <typename T>
bool share(const std::vector<T>& a, const std::vector<T>& b) noexcept {
    return share(std::span<const T>(a), std::span<const T>(b));
}

Grade expressed_grade(const PositionFacts& a, const PositionFacts& b, const Antigens& antigens) noexcept {
    if (a.serology || b.serology) return antigens.best(a.antigens, b.antigens);
    if (share(a.full_gdna, b.full_gdna)) return Grade::GDna;
    if (share(a.alleles, b.alleles) || share(a.coding, b.coding)) return Grade::CDna;
    if (share(a.proteins, b.proteins)) return Grade::Protein;
    if (share(a.g_groups, b.g_groups)) return Grade::GGroup;
    if (!meet(a.ards, b.ards)) return Grade::Mismatch;
    return meet(a.named, b.named) ? Grade::PGroup : Grade::Unknown;
}

Grade grade(const PositionFacts& a, const PositionFacts& b, const Antigens& antigens) noexcept {
    Grade found = Grade::Mismatch;
    if (!a.null && !b.null) found = expressed_grade(a, b, antigens);
    if ((a.may_be_null && !b.null) || (b.may_be_null && !a.null)) found = std::max(found, Grade::ExpressedVsNull);
    if (a.may_be_null && b.may_be_null) found = std::max(found, Grade::NullVsNull);
    return found;
}

// What a position shows once a null has made its locus homozygous.
struct Shown {
    const PositionFacts* facts;
    bool certain = true;          // false where a null is only possible
    bool may_be_nothing = false;  // nothing may be expressed at the whole locus
};

// `merged` is where the facts of both positions go if it may be either.
Shown shown(const PositionFacts& position, const PositionFacts& other, PositionFacts& merged) {
    const bool nothing = position.may_be_null && other.may_be_null;
    if (position.null) return {&other, other.null || !other.may_be_null, nothing};
    if (!position.may_be_null || other.null) return {&position, !position.may_be_null, nothing};
    merged.serology = position.serology || other.serology;
    merged.antigens = position.antigens;
    merged.antigens.insert(merged.antigens.end(), other.antigens.begin(), other.antigens.end());
    // Both sets in words of one window, `ards` before `named`.
    std::size_t size = 0;
    for (const GroupSet* set : {&position.ards, &other.ards, &position.named, &other.named})
        size = std::max(size, set->first_word + set->words.size());
    merged.own_words.assign(2 * size, 0);
    const auto add = [&](const GroupSet& set, std::size_t at) {
        for (std::size_t w = 0; w < set.words.size(); ++w) merged.own_words[at + set.first_word + w] |= set.words[w];
    };
    add(position.ards, 0);
    add(other.ards, 0);
    add(position.named, size);
    add(other.named, size);
    merged.ards = {0, std::span(merged.own_words).first(size)};
    merged.named = {0, std::span(merged.own_words).last(size)};
    merged.unsaid = group_count(merged.ards) != group_count(merged.named);
    return {&merged, false, nothing};
}

Confidence confidence(const Shown& a, const Shown& b, const Antigens& antigens) noexcept {
    const PositionFacts& x = *a.facts;
    const PositionFacts& y = *b.facts;
    const Confidence none = a.may_be_nothing && b.may_be_nothing ? Confidence::Potential : Confidence::Mismatch;
    if (x.null && y.null) return Confidence::Definite;
    if (x.null || y.null) return none;
    const bool reported = x.serology || y.serology;
    const bool shared = reported ? antigens.best(x.antigens, y.antigens) != Grade::Mismatch : meet(x.ards, y.ards);
    if (!shared) return none;
    if (reported || !a.certain || !b.certain) return Confidence::Potential;
    if (x.single && y.single) return Confidence::Definite;
    return x.one_group && y.one_group ? Confidence::Exact : Confidence::Potential;
}

AntigenMatch antigen_match(const Shown& a, const Shown& b, const Antigens& antigens) noexcept {
    const PositionFacts& x = *a.facts;
    const PositionFacts& y = *b.facts;
    if (!(x.serology || y.serology) && meet(x.named, y.named)) return AntigenMatch::Yes;
    if (a.may_be_nothing && b.may_be_nothing) return AntigenMatch::Yes;
    if (antigens.best(x.antigens, y.antigens) != Grade::Mismatch) return AntigenMatch::Yes;
    return x.unsaid || y.unsaid ? AntigenMatch::Unknown : AntigenMatch::No;
}

Category category(const Counts& counts, Verdict verdict) noexcept {
    if (counts.greatest == 0) return Category::Match;
    if (counts.least == 0) return Category::Potential;
    switch (verdict) {
        case Verdict::Permissive:
            return Category::PermissiveMismatch;
        case Verdict::NonPermissiveGvh:
            return Category::NonPermissiveGvh;
        case Verdict::NonPermissiveHvg:
            return Category::NonPermissiveHvg;
        default:
            return Category::Mismatch;
    }
}

Verdict epitope_verdict(std::uint8_t patient, std::uint8_t donor, const Counts& counts) noexcept {
    if (counts.greatest == 0) return Verdict::Matched;
    if (patient == 0 || donor == 0) return Verdict::Unknown;
    if (patient == donor) return Verdict::Permissive;
    return patient < donor ? Verdict::NonPermissiveGvh : Verdict::NonPermissiveHvg;
}

std::optional<PositionId> first_unknown(const LocusFacts& facts, TypingId typing) noexcept {
    for (const PositionPair& pair : facts.dictionary.alternatives(typing)) {
        if (!facts.position(pair.first).known) return pair.first;
        if (!facts.position(pair.second).known) return pair.second;
    }
    return std::nullopt;
}

}  // namespace

// ---- a locus
// --------------------------------------------------------------------------------------------------------------

LocusComparison::LocusComparison(const Nomenclature& nomenclature, const DictionaryView& patients,
                                 const DictionaryView& donors, NullPolicy policy, Profile profile)
    : locus_(donors.locus), policy_(policy) {
    std::vector<Name> names(patients.names.begin(), patients.names.end());
    names.insert(names.end(), donors.names.begin(), donors.names.end());
    const GroupSpace space = nomenclature.group_space(locus_, names);
    const auto antigens = std::make_shared<const Antigens>(nomenclature, locus_);
    patients_ = std::make_unique<const LocusFacts>(nomenclature, patients, space, policy,
                                                   Reading{profile, Side::Patient}, antigens);
    donors_ = std::make_unique<const LocusFacts>(nomenclature, donors, space, policy, Reading{profile, Side::Donor},
                                                 antigens);
}

LocusComparison::~LocusComparison() = default;

std::optional<PositionId> LocusComparison::unknown_of_patient(TypingId typing) const noexcept {
    return first_unknown(*patients_, typing);
}

std::optional<PositionId> LocusComparison::unknown_of_donor(TypingId typing) const noexcept {
    return first_unknown(*donors_, typing);
}

// ---- one patient
// ----------------------------------------------------------------------------------------------------------

// More matches, then better grades, then more confidence, then more antigen matches, each in a byte of its own.
std::uint32_t Against::Paired::worth() const noexcept {
    std::uint32_t matches = 0;
    std::uint32_t grades = 0;
    std::uint32_t confidences = 0;
    std::uint32_t antigens = 0;
    for (const Position& p : positions) {
        matches += p.confidence != Confidence::Mismatch ? 1U : 0U;
        grades += static_cast<std::uint32_t>(p.grade);
        confidences += static_cast<std::uint32_t>(p.confidence);
        antigens += p.antigen == AntigenMatch::Yes ? 1U : 0U;
    }
    return matches << 24U | grades << 16U | confidences << 8U | antigens;
}

Against::Against(const LocusComparison& comparison, TypingId patient, bool remember)
    : comparison_(comparison),
      patient_(comparison.patients_->alternatives(patient)),
      genotypes_(comparison.patients_->interpretation, patient_, comparison.policy_),
      untyped_(patient_.empty()),
      tce_(comparison.patients_->tce(patient)),
      markers_(comparison.patients_->markers(patient)) {
    if (remember && patient_.size() == 1) remembered_.resize(2 * comparison.donors_->positions.size());
}

Against::Position Against::position(const PositionPair& patient, std::size_t p, const PositionPair& donor,
                                    std::size_t d) {
    const LocusFacts& patients = *comparison_.patients_;
    const LocusFacts& donors = *comparison_.donors_;
    const PositionId donor_id = d == 0 ? donor.first : donor.second;
    const PositionFacts& a = patients.position(p == 0 ? patient.first : patient.second);
    const PositionFacts& b = donors.position(donor_id);
    // Where neither may be null, what they show is themselves, whatever is beside them.
    const bool by_themselves = !a.may_be_null && !b.may_be_null;
    std::uint16_t* memory = by_themselves && !remembered_.empty() ? &remembered_[2 * donor_id.value + p] : nullptr;
    if (memory != nullptr && *memory != 0) {
        const unsigned bits = *memory - 1U;
        return {static_cast<Grade>(bits & 15U), static_cast<Confidence>(bits >> 4U & 3U),
                static_cast<AntigenMatch>(bits >> 6U)};
    }
    const Antigens& antigens = *donors.relations;
    Position found{grade(a, b, antigens), Confidence::Mismatch, AntigenMatch::No};
    if (by_themselves) {
        found.confidence = confidence({&a}, {&b}, antigens);
        found.antigen = antigen_match({&a}, {&b}, antigens);
    } else {
        PositionFacts merged_a;
        PositionFacts merged_b;
        const Shown x = shown(a, patients.position(p == 0 ? patient.second : patient.first), merged_a);
        const Shown y = shown(b, donors.position(d == 0 ? donor.second : donor.first), merged_b);
        found.confidence = confidence(x, y, antigens);
        found.antigen = antigen_match(x, y, antigens);
    }
    if (memory != nullptr) {
        *memory = static_cast<std::uint16_t>(1U + (static_cast<unsigned>(found.grade) |
                                                   static_cast<unsigned>(found.confidence) << 4U |
                                                   static_cast<unsigned>(found.antigen) << 6U));
    }
    return found;
}

Against::Paired Against::pair_up(const PositionPair& patient, const PositionPair& donor) {
    const Paired direct{false, {position(patient, 0, donor, 0), position(patient, 1, donor, 1)}};
    const Paired crossed{true, {position(patient, 0, donor, 1), position(patient, 1, donor, 0)}};
    return crossed.worth() > direct.worth() ? crossed : direct;
}

LocusDetail Against::compare(TypingId donor) {
    const LocusFacts& donors = *comparison_.donors_;
    const LocusFacts& patients = *comparison_.patients_;
    const auto alternatives = donors.alternatives(donor);
    LocusDetail detail;
    const LocusGenotypes genotypes(donors.interpretation, alternatives, comparison_.policy_);
    detail.counts = count(genotypes_.all(), genotypes.all());

    Paired best{false,
                {Position{Grade::Unknown, Confidence::Potential, AntigenMatch::Unknown},
                 Position{Grade::Unknown, Confidence::Potential, AntigenMatch::Unknown}}};
    const bool typed = !untyped_ && !alternatives.empty();
    if (typed) {
        bool first = true;
        for (const PositionPair& p : patient_) {
            for (const PositionPair& d : alternatives) {
                const Paired found = pair_up(p, d);
                if (first || found.worth() > best.worth()) best = found;
                first = false;
            }
        }
    }
    const bool certain = typed && patient_.size() == 1 && alternatives.size() == 1;
    detail.crossed = best.crossed;
    for (std::size_t i = 0; i < 2; ++i) {
        detail.grades[i] = best.positions[i].grade;
        detail.confidences[i] =
            certain ? best.positions[i].confidence : std::min(best.positions[i].confidence, Confidence::Potential);
        detail.antigens[i] = best.positions[i].antigen;
    }

    if (comparison_.locus_ == Locus::DPB1) {
        detail.tce = {tce_, donors.tce(donor)};
        detail.verdict = epitope_verdict(detail.tce[0], detail.tce[1], detail.counts);
        for (Grade& grade : detail.grades) {
            if (grade != Grade::Mismatch) continue;
            if (detail.verdict == Verdict::Permissive) grade = Grade::Permissive;
            if (detail.verdict == Verdict::NonPermissiveGvh || detail.verdict == Verdict::NonPermissiveHvg)
                grade = Grade::NonPermissive;
        }
    }
    detail.category = category(detail.counts, detail.verdict);

    if (comparison_.locus_ == Locus::B || comparison_.locus_ == Locus::DPB1) {
        detail.markers = {markers_, donors.markers(donor)};
        const auto mismatch = [&](std::size_t i) { return detail.confidences[i] == Confidence::Mismatch; };
        detail.one_mismatch = certain && mismatch(0) != mismatch(1);
        if (detail.one_mismatch) {
            const bool second = mismatch(1);
            const PositionPair& d = alternatives.front();
            detail.mismatched = {
                patients.marker(patient_.front(), second),
                donors.marker(d, second != detail.crossed),
            };
        }
    }
    return detail;
}

LocusDetail match_detail(const Typing& patient, const Typing& donor, Locus locus, const Nomenclature& nomenclature,
                         NullPolicy policy, bool donor_required, Profile profile) {
    const Dictionary patients(locus, std::span(&patient, 1));
    const Dictionary donors(locus, std::span(&donor, 1));
    const LocusComparison comparison(nomenclature, patients.view(), donors.view(), policy, profile);
    constexpr TypingId kOnly{1};
    if (const auto unknown = comparison.unknown_of_patient(kOnly))
        throw_unknown(nomenclature, patients.view(), *unknown);
    if (const auto unknown = comparison.unknown_of_donor(kOnly); unknown && donor_required)
        throw_unknown(nomenclature, donors.view(), *unknown);
    return Against(comparison, kOnly, false).compare(kOnly);
}

}  // namespace allomatch
