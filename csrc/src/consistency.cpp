// See consistency.hpp.
#include "allomatch/consistency.hpp"

#include <algorithm>
#include <map>
#include <string>

namespace allomatch {
namespace {

// Sides 1, 2 and 3 of a typing of one genotype.
constexpr std::uint8_t kPairSides[16] = {0, 0, 0, 0,  //
                                         0, 0, 1, 1,  //
                                         0, 1, 0, 1,  //
                                         0, 1, 1, 1};

// Whether side a may stand first and side b second.
constexpr std::uint8_t kPairReads[16] = {0, 0, 0, 0,  //
                                         0, 0, 1, 1,  //
                                         0, 0, 0, 0,  //
                                         0, 0, 1, 1};

void set_pair_sides(LocusSides& sides) {
    sides.count = 3;
    sides.compatible.assign(std::begin(kPairSides), std::end(kPairSides));
    sides.reads.clear();
}

// Where a pair of sides of one genotype stands in the two tables.
std::size_t pair_of(char a, char b) noexcept {
    return static_cast<std::size_t>(a) * 4 + static_cast<std::size_t>(b);
}

bool bit(std::span<const std::uint64_t> bits, std::size_t i) noexcept {
    return (bits[i >> 6U] >> (i & 63U) & 1U) != 0;
}

bool same_pair(const std::array<Name, 2>& a, const std::array<Name, 2>& b) noexcept {
    return a == b || (a[0] == b[1] && a[1] == b[0]);
}

// Whether a null allele of the set is among the bits.
bool has_null(const AlleleClasses& classes, std::span<const std::uint64_t> bits) noexcept {
    for (std::size_t c = 0; c < classes.size(); ++c) {
        if (bit(bits, c) && is_null_class(classes.name(ClassId{static_cast<std::uint16_t>(c)}))) return true;
    }
    return false;
}

}  // namespace

LocusSides::Standing LocusSides::standing() const {
    if (phased) return *phased;
    // Most typings are of one genotype, whose table is a constant and is copied only here.
    if (reads.empty()) return {of_class, {std::begin(kPairReads), std::end(kPairReads)}, count + std::size_t{1}};
    return {of_class, reads, count + std::size_t{1}};
}

PhasedBlock::PhasedBlock(std::vector<std::size_t> levels, std::vector<std::vector<std::vector<std::uint64_t>>> places)
    : levels_(std::move(levels)), words_(places.front().front().size()), places_(std::move(places)) {}

bool Person::places(std::span<const std::uint16_t> sides, std::vector<std::uint64_t>& places) const {
    places.clear();
    for (const PhasedBlock& block : phased) {
        const std::size_t begin = places.size();
        places.resize(begin + block.words());
        const auto here = std::span(places).subspan(begin);
        block.leave([&](std::size_t i) { return sides[block.levels()[i]]; }, here);
        if (std::all_of(here.begin(), here.end(), [](std::uint64_t word) { return word == 0; })) return false;
    }
    return true;
}

bool Person::fit(std::span<const std::uint16_t> a, std::span<const std::uint64_t> places_of_a,
                 std::span<const std::uint16_t> b, std::span<const std::uint64_t> places_of_b) const noexcept {
    for (std::size_t l = 0; l < levels.size(); ++l) {
        if (!levels[l].fit(a[l], b[l])) return false;
    }
    std::size_t begin = 0;
    for (const PhasedBlock& block : phased) {
        if (!stand_across(places_of_a.subspan(begin, block.words()), places_of_b.subspan(begin, block.words())))
            return false;
        begin += block.words();
    }
    return true;
}

PeopleReader::PeopleReader(std::shared_ptr<const HaplotypeSet> set,
                           std::span<const DictionaryView, kLocusCount> dictionaries)
    : set_(std::move(set)) {
    for (std::size_t l = 0; l < kLocusCount; ++l) {
        const auto locus = static_cast<Locus>(l);
        const auto level = set_->level_of(locus);
        AtLocus at{
            level ? set_->classes(*level) : AlleleClasses(set_->nomenclature(), locus, {}), 0, {}, {}, dictionaries[l]};
        at.words = at.classes.words();
        at.bits.resize(at.words * at.dictionary.names.size());
        for (std::size_t n = 0; n < at.dictionary.names.size(); ++n) {
            at.allowed.push_back(
                at.classes.allow(at.dictionary.names[n], std::span(at.bits).subspan(n * at.words, at.words)));
        }
        loci_.push_back(std::move(at));
    }
}

PeopleReader::PositionSides PeopleReader::read_position(const AtLocus& at, std::span<const std::uint32_t> names,
                                                        std::span<std::uint64_t> bits) const {
    std::fill(bits.begin(), bits.end(), 0);
    PositionSides result;
    bool one = true;
    bool possibly_null = false;
    for (const std::uint32_t n : names) {
        const AlleleClasses::Allowed& allowed = at.allowed[n];
        if (!allowed.known) continue;
        for (std::size_t w = 0; w < at.words; ++w) bits[w] |= at.bits[n * at.words + w];
        one = one && allowed.only && (!result.known || result.only == allowed.only);
        if (!result.known) result.only = allowed.only;
        possibly_null = possibly_null || allowed.possibly_null;
        result.known = true;
    }
    // A null that a group may hold is a possibility only where the set has it.
    if (possibly_null && has_null(at.classes, bits)) one = false;
    if (!one) result.only.reset();
    return result;
}

namespace {

using Standings = std::vector<std::vector<std::uint8_t>>;  // of each alternative, of each class: a bit a position

// Numbers the sides of the classes, those that stand alike in every alternative as one, and says which go together.
// Returns how each side stands in each alternative; side 0 stands nowhere.
std::vector<std::string> number_sides(const Standings& standing, LocusSides& sides) {
    if (standing.size() == 1) {
        std::copy(standing[0].begin(), standing[0].end(), sides.of_class.begin());
        set_pair_sides(sides);
        return {std::string(1, 0), std::string(1, 1), std::string(1, 2), std::string(1, 3)};
    }
    std::fill(sides.of_class.begin(), sides.of_class.end(), std::uint16_t{0});
    std::map<std::string, std::uint16_t> numbers;
    std::vector<std::string> of_side{std::string(standing.size(), 0)};
    for (std::size_t c = 0; c < sides.of_class.size(); ++c) {
        std::string alike;
        for (const auto& mask : standing) alike.push_back(static_cast<char>(mask[c]));
        if (alike == of_side[0]) continue;
        const auto [it, fresh] = numbers.try_emplace(alike, static_cast<std::uint16_t>(numbers.size() + 1));
        if (fresh) of_side.push_back(alike);
        sides.of_class[c] = it->second;
    }
    sides.count = static_cast<std::uint16_t>(numbers.size());
    const std::size_t row = sides.count + 1U;
    sides.compatible.assign(row * row, 0);
    sides.reads.assign(row * row, 0);
    for (std::size_t a = 1; a < row; ++a) {
        for (std::size_t b = 1; b < row; ++b) {
            for (std::size_t g = 0; g < standing.size(); ++g) {
                if (kPairSides[pair_of(of_side[a][g], of_side[b][g])] != 0) sides.compatible[a * row + b] = 1;
                if (kPairReads[pair_of(of_side[a][g], of_side[b][g])] != 0) sides.reads[a * row + b] = 1;
            }
        }
    }
    return of_side;
}

// Bits two by two.
std::vector<std::uint64_t> as_places(std::string_view standing) {
    constexpr std::size_t kAWord = 32;
    std::vector<std::uint64_t> words((standing.size() + kAWord - 1) / kAWord);
    for (std::size_t g = 0; g < standing.size(); ++g)
        words[g / kAWord] |= static_cast<std::uint64_t>(standing[g]) << (2 * (g % kAWord));
    return words;
}

std::span<const std::uint32_t> names_of(const DictionaryView& dictionary, PositionId position) {
    const std::uint32_t begin = dictionary.position_offsets[position.value];
    return dictionary.position_names.subspan(begin, dictionary.position_offsets[position.value + 1] - begin);
}

}  // namespace

void PeopleReader::read_typing(const AtLocus& at, TypingId typing, LocusSides& sides, bool& unread) const {
    const std::size_t classes = at.classes.size();
    const auto alternatives = typing == kUntyped ? std::span<const PositionPair>() : at.dictionary.alternatives(typing);
    sides.of_class.assign(classes, 0);
    sides.alternatives = alternatives.size();
    set_pair_sides(sides);
    std::vector<std::uint64_t> first(at.words);
    std::vector<std::uint64_t> second(at.words);
    // Of each class, for each alternative, which of its two positions it may stand at.
    Standings standing;
    bool known = true;
    bool one = true;
    for (const PositionPair& pair : alternatives) {
        const PositionSides a = read_position(at, names_of(at.dictionary, pair.first), first);
        const PositionSides b = read_position(at, names_of(at.dictionary, pair.second), second);
        known = known && a.known && b.known;
        std::optional<std::array<Name, 2>> genotype;
        if (a.only && b.only) genotype = {*a.only, *b.only};
        one = one && genotype && (standing.empty() || same_pair(sides.certain->alleles, *genotype));
        if (one && standing.empty()) sides.certain = CertainGenotype{*genotype};
        if (one && sides.certain->alleles != *genotype) sides.certain->either_way = true;
        auto& mask = standing.emplace_back(classes);
        for (std::size_t c = 0; c < classes; ++c)
            mask[c] = static_cast<std::uint8_t>((bit(first, c) ? 1 : 0) | (bit(second, c) ? 2 : 0));
    }
    if (!one || !known) sides.certain.reset();
    unread = !known;
    if (standing.empty() || !known) {
        // Untyped, or as untyped: anything.
        sides.untyped = true;
        std::fill(sides.of_class.begin(), sides.of_class.end(), std::uint16_t{3});
        return;
    }
    (void)number_sides(standing, sides);
}

// A phase of two levels or more that can be read is a block. Of one level it says no more than the typing.
void PeopleReader::read_phase(const Phase& phase, Person& person) const {
    std::vector<std::size_t> of_phase;
    std::vector<std::size_t> levels;
    for (std::size_t i = 0; i < phase.loci.size(); ++i) {
        const auto level = set_->level_of(phase.loci[i]);
        if (!level || person.levels[*level].untyped) continue;
        of_phase.push_back(i);
        levels.push_back(*level);
    }
    if (levels.size() < 2) return;
    std::vector<std::vector<std::vector<std::uint64_t>>> places;
    for (std::size_t k = 0; k < levels.size(); ++k) {
        const std::size_t i = of_phase[k];
        const AtLocus& at = loci_[index_of(phase.loci[i])];
        LocusSides& sides = person.levels[levels[k]];
        Standings standing(phase.alternatives.size(), std::vector<std::uint8_t>(sides.of_class.size()));
        std::vector<std::uint64_t> bits(at.words);
        for (std::size_t g = 0; g < standing.size(); ++g) {
            for (unsigned h = 0; h < 2; ++h) {
                std::fill(bits.begin(), bits.end(), 0);
                for (const Name& name : phase.alternatives[g][h][i].names) (void)at.classes.allow(name, bits);
                for (std::size_t c = 0; c < sides.of_class.size(); ++c) {
                    if (bit(bits, c)) standing[g][c] = static_cast<std::uint8_t>(standing[g][c] | (1U << h));
                }
            }
        }
        sides.phased = sides.standing();
        sides.alternatives = standing.size();
        auto& of_side = places.emplace_back();
        for (const std::string& side : number_sides(standing, sides)) of_side.push_back(as_places(side));
    }
    person.phased.emplace_back(std::move(levels), std::move(places));
}

Person PeopleReader::read(std::span<const TypingId, kLocusCount> typings, std::span<const Phase> phases) const {
    Person person;
    const auto levels = set_->levels();
    person.levels.resize(levels.size());
    for (std::size_t l = 0; l < kLocusCount; ++l) {
        const auto locus = static_cast<Locus>(l);
        const auto level = set_->level_of(locus);
        if (!level) {
            if (typings[l] != kUntyped) person.ignored.push_back(locus);
            continue;
        }
        bool unread = false;
        read_typing(loci_[l], typings[l], person.levels[*level], unread);
        if (unread) person.unread.push_back(locus);
    }
    for (const Phase& phase : phases) read_phase(phase, person);
    return person;
}

std::optional<PositionId> PeopleReader::unknown(Locus locus, TypingId typing) const {
    if (typing == kUntyped) return std::nullopt;
    const AtLocus& at = loci_[index_of(locus)];
    std::vector<std::uint64_t> bits(at.words);
    for (const PositionPair& pair : at.dictionary.alternatives(typing)) {
        for (const PositionId position : {pair.first, pair.second}) {
            if (!read_position(at, names_of(at.dictionary, position), bits).known) return position;
        }
    }
    return std::nullopt;
}

std::optional<CertainGenotype> PeopleReader::certain(Locus locus, TypingId typing) const {
    LocusSides sides;
    bool unread = false;
    read_typing(loci_[index_of(locus)], typing, sides, unread);
    return sides.certain;
}

}  // namespace allomatch
