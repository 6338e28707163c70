// See prediction.hpp.
#include "allomatch/prediction.hpp"

#include <algorithm>
#include <bit>
#include <map>

#include "cell_pairs.hpp"
#include "haplotype_walk.hpp"

namespace allomatch {
namespace {

// Mismatches by the rules of match.hpp, for a patient {first, second}, homozygous for the first, or of nothing.
SymbolTable symbol_table(GenotypeKind patient, Direction direction) {
    const std::array<std::uint64_t, kSymbols> bits{1, 2, 4, 0, 8};
    const auto set = [&](unsigned symbol) { return GroupSet{0, std::span(&bits[symbol], 1)}; };
    GenotypeSets p{patient, {}, {}};
    if (patient != GenotypeKind::Nothing) p.first = set(kFirst);
    if (patient == GenotypeKind::Pair) p.second = set(kSecond);
    SymbolTable table{};
    for (unsigned s = 0; s < kSymbols; ++s) {
        for (unsigned t = 0; t < kSymbols; ++t) {
            GenotypeSets d{GenotypeKind::Pair, set(s), set(t)};
            if (s == kNull && t == kNull) {
                d = {GenotypeKind::Nothing, {}, {}};
            } else if (s == kNull || t == kNull) {
                d = {GenotypeKind::Homozygous, set(s == kNull ? t : s), {}};
            }
            table[s * kSymbols + t] = count(std::span(&p, 1), std::span(&d, 1)).least_in(direction);
        }
    }
    return table;
}

const SymbolTable& symbol_table_of(GenotypeKind patient, Direction direction) {
    static const std::array<SymbolTable, 9> tables = [] {
        std::array<SymbolTable, 9> all{};
        for (const auto kind : {GenotypeKind::Pair, GenotypeKind::Homozygous, GenotypeKind::Nothing}) {
            for (const auto way : {Direction::Both, Direction::Gvh, Direction::Hvg})
                all[static_cast<std::size_t>(kind) * 3 + static_cast<std::size_t>(way)] = symbol_table(kind, way);
        }
        return all;
    }();
    return tables[static_cast<std::size_t>(patient) * 3 + static_cast<std::size_t>(direction)];
}

}  // namespace

// ---- the patient, locus by locus
// --------------------------------------------------------------------------------------

struct Prediction::AtLocus {
    std::size_t level = 0;
    // What a donor's allele is to the patient: 0 other, 1 + number of the patient's allele, `null` null.
    std::vector<std::uint16_t> of_class;
    std::uint16_t null = 0;
    // The patient's genotypes at this locus, each once.
    struct Genotype {
        GenotypeKind kind;
        const SymbolTable* table;
        std::vector<std::uint16_t> symbols;  // of 0 .. null
        std::uint16_t first, second;         // what its alleles are; equal if homozygous
        double probability;

        [[nodiscard]] unsigned symbol(std::size_t what) const noexcept {
            return what < symbols.size() ? symbols[what] : static_cast<unsigned>(kNamed + what);
        }
    };
    std::vector<Genotype> genotypes;
    std::vector<std::uint32_t> of_genotype;  // of each of the patient's genotypes over all loci

    [[nodiscard]] std::uint16_t what(const std::vector<Name>& alleles, const Name& name) const noexcept {
        if (is_null_class(name)) return null;
        const auto at = std::lower_bound(alleles.begin(), alleles.end(), name);
        if (at == alleles.end() || *at != name) return 0;
        return static_cast<std::uint16_t>(1 + (at - alleles.begin()));
    }
};

Prediction::Prediction(std::shared_ptr<const Possibilities> patient, std::shared_ptr<const PeopleReader> donors,
                       Direction direction)
    : patient_(std::move(patient)), donors_(std::move(donors)), direction_(direction) {
    const HaplotypeSet& set = donors_->set();
    const std::size_t width = 2 * patient_->loci.size();
    for (std::size_t i = 0; i < patient_->loci.size(); ++i) {
        AtLocus at;
        const std::vector<Name>& alleles = patient_->alleles[i];
        at.null = static_cast<std::uint16_t>(alleles.size() + 1);
        const auto level = set.level_of(patient_->loci[i]);
        if (!level)
            throw Error(ErrorCode::InvalidArgument, "the donors' frequency set lacks locus " +
                                                        std::string(locus_name(patient_->loci[i])) +
                                                        "; predict the loci that it has");
        at.level = *level;
        for (std::uint16_t c = 0; c < set.classes(*level).size(); ++c)
            at.of_class.push_back(at.what(alleles, set.classes(*level).name(ClassId{c})));
        std::map<std::pair<std::uint16_t, std::uint16_t>, std::uint32_t> numbers;
        for (std::size_t g = 0; g < patient_->probabilities.size(); ++g) {
            const std::pair pair{patient_->genotypes[g * width + 2 * i], patient_->genotypes[g * width + 2 * i + 1]};
            const auto [it, fresh] = numbers.try_emplace(pair, static_cast<std::uint32_t>(numbers.size()));
            at.of_genotype.push_back(it->second);
            if (fresh) {
                AtLocus::Genotype genotype{};
                const bool first_null = is_null_class(alleles[pair.first]);
                const bool second_null = is_null_class(alleles[pair.second]);
                genotype.first = static_cast<std::uint16_t>(1 + (first_null ? pair.second : pair.first));
                genotype.second = static_cast<std::uint16_t>(1 + (second_null ? pair.first : pair.second));
                genotype.kind = first_null && second_null           ? GenotypeKind::Nothing
                                : genotype.first == genotype.second ? GenotypeKind::Homozygous
                                                                    : GenotypeKind::Pair;
                genotype.table = &symbol_table_of(genotype.kind, direction_);
                genotype.symbols.assign(at.null + 1U, kOther);
                // Host-versus-graft, two others count once if they are equal: the patient's alleles that this genotype
                // lacks are told apart.
                for (std::uint16_t w = 1; direction_ == Direction::Hvg && w < at.null; ++w)
                    genotype.symbols[w] = static_cast<std::uint16_t>(kNamed + w);
                if (genotype.kind != GenotypeKind::Nothing) {
                    genotype.symbols[genotype.second] = kSecond;
                    genotype.symbols[genotype.first] = kFirst;
                }
                genotype.symbols[at.null] = kNull;
                at.genotypes.push_back(std::move(genotype));
            }
            at.genotypes[it->second].probability += patient_->probabilities[g];
        }
        loci_.push_back(std::move(at));
    }
}

Prediction::~Prediction() = default;
Prediction::Prediction(Prediction&&) noexcept = default;

// ---- a donor
// ----------------------------------------------------------------------------------------------------------

struct Prediction::Scratch {
    Person person;
    std::vector<LevelCodes> codes;
    std::optional<KeyLayout> layout;
    struct Seen {
        std::uint16_t what, side;
    };
    std::vector<std::vector<Seen>> seen;  // of each level: what its codes stand for, from code 1
    std::vector<std::uint16_t> numbers;
    KeyTable keys, side_keys, cell_keys;
    std::vector<Mass> masses;  // of each key
    struct Group {
        std::vector<std::uint16_t> sides;
        std::vector<std::uint64_t> places;  // in the phased blocks
        Mass mass;
        std::size_t begin = 0, end = 0;  // of its classes
        std::size_t cells_begin = 0, cells_end = 0;
    };
    std::vector<Group> groups;
    std::vector<std::uint32_t> group_of;  // of each key, kNone if its phase is impossible
    std::vector<std::uint32_t> order;     // keys by group
    struct GroupPair {
        std::uint32_t a, b;
    };
    std::vector<GroupPair> pairs;
    double total = 0;                              // of the weights
    std::vector<std::uint16_t> what;               // of each class in `order`, at each locus
    std::vector<Mass> class_masses;                // of each class in `order`
    std::vector<std::vector<Mass>> by_what;        // of each locus: [group * whats + what]
    std::vector<std::size_t> whats;                // of each locus: how many
    std::vector<std::vector<std::uint8_t>> twice;  // of each locus: whether both haplotypes may have this
    // For the patient genotype at hand: of each locus what it is there, and whether its mismatches are additive.
    std::array<const AtLocus::Genotype*, kLocusCount> genotypes{};
    std::vector<std::uint8_t> additive;
    std::size_t additive_loci = 0;
    Cells cells;
    std::vector<ComparedLocus> compared;  // those that are not additive
    CellPairs cell_pairs;
    std::vector<double> sums;
};

std::unique_ptr<Prediction::Scratch, void (*)(Prediction::Scratch*)> Prediction::scratch() {
    return {new Scratch, [](Scratch* s) { delete s; }};
}

void Prediction::predict_certain(std::span<const std::array<Name, 2>> donor, std::span<double> out) const {
    const std::size_t n = loci_.size();
    std::vector<std::vector<unsigned>> counts(n);
    for (std::size_t i = 0; i < n; ++i) {
        const AtLocus& at = loci_[i];
        std::array<std::uint16_t, 2> what{at.what(patient_->alleles[i], donor[i][0]),
                                          at.what(patient_->alleles[i], donor[i][1])};
        for (const AtLocus::Genotype& genotype : at.genotypes) {
            std::array<unsigned, 2> symbols{genotype.symbol(what[0]), genotype.symbol(what[1])};
            if (donor[i][0] == donor[i][1] && symbols[0] == kOther) symbols = {kNamed, kNamed};
            counts[i].push_back(mismatches(*genotype.table, symbols[0], symbols[1]));
            out[2 * n + 1 + 3 * i + counts[i].back()] += genotype.probability;
        }
    }
    for (std::size_t g = 0; g < patient_->probabilities.size(); ++g) {
        unsigned total = 0;
        for (std::size_t i = 0; i < n; ++i) total += counts[i][loci_[i].of_genotype[g]];
        out[total] += patient_->probabilities[g];
    }
}

bool Prediction::predict(std::span<const TypingId, kLocusCount> donor, std::span<const Phase> phases, Scratch& s,
                         std::span<double> out, const Cancel& cancel) const {
    if (!patient_->represented()) return false;
    std::vector<std::array<Name, 2>> certain;
    for (const Locus locus : patient_->loci) {
        const auto genotype = donors_->certain(locus, donor[index_of(locus)]);
        if (!genotype) break;
        certain.push_back(genotype->alleles);
    }
    if (certain.size() == loci_.size()) {
        std::fill(out.begin(), out.end(), 0);
        predict_certain(certain, out);
        return true;
    }
    s.person = donors_->read(donor, phases);
    number_codes(s);
    collapse(s);
    group_by_sides(s);
    pair_groups(s);
    if (!(s.total > 0)) return false;
    sum_by_what(s);
    std::fill(out.begin(), out.end(), 0);
    predict_loci(s, out);
    constexpr std::size_t kGenotypesBetweenChecks = 256;
    for (std::size_t g = 0; g < patient_->probabilities.size(); ++g) {
        if (g % kGenotypesBetweenChecks == 0) cancel.check();
        predict_genotype(g, s, out);
    }
    return true;
}

// What the comparison sees of each class: the side it stands on, and what it is to the patient. Those pairs that a
// level has are numbered, so that a key is short.
void Prediction::number_codes(Scratch& s) const {
    const std::size_t n = loci_.size();
    const std::size_t levels = s.person.levels.size();
    s.codes.resize(levels);
    s.seen.resize(levels);
    s.whats.assign(n, 0);
    std::array<const AtLocus*, kLocusCount> predicted{};
    for (const AtLocus& at : loci_) predicted[at.level] = &at;
    for (std::size_t l = 0; l < levels; ++l) {
        const LocusSides& sides = s.person.levels[l];
        const AtLocus* const at = predicted[l];
        LevelCodes& codes = s.codes[l];
        codes.of_class.assign(sides.of_class.size(), 0);
        s.seen[l].clear();
        s.numbers.clear();
        std::size_t others = 0;
        for (std::size_t c = 0; c < sides.of_class.size(); ++c) {
            const std::uint16_t side = sides.of_class[c];
            if (side == 0) continue;
            std::size_t what = at == nullptr ? 0 : at->of_class[c];
            // Others that both haplotypes may have are told apart.
            if (direction_ == Direction::Hvg && at != nullptr && what == 0 &&
                (!s.person.phased.empty() || sides.fit(side, side)))
                what = at->null + ++others;
            const std::size_t pair = what * sides.count + side;
            if (pair >= s.numbers.size()) s.numbers.resize(pair + 1);
            if (s.numbers[pair] == 0) {
                s.seen[l].push_back({static_cast<std::uint16_t>(what), side});
                s.numbers[pair] = static_cast<std::uint16_t>(s.seen[l].size());
            }
            codes.of_class[c] = s.numbers[pair];
        }
        codes.most = static_cast<std::uint16_t>(s.seen[l].size());
    }
    for (std::size_t i = 0; i < n; ++i) {
        s.whats[i] = loci_[i].null + 1U;
        for (const auto& seen : s.seen[loci_[i].level]) s.whats[i] = std::max(s.whats[i], seen.what + std::size_t{1});
    }
}

// The possible haplotypes, those of equal codes as one.
void Prediction::collapse(Scratch& s) const {
    const HaplotypeSet& set = donors_->set();
    s.layout.emplace(s.codes);
    s.keys.reset(s.layout->bits);
    s.masses.clear();
    const auto first = set.frequencies();
    const auto second = set.second();
    walk_haplotypes(set, s.codes, *s.layout, [&](std::uint32_t leaf, auto key) {
        const std::uint32_t number = s.keys.intern(key);
        if (number == s.masses.size()) s.masses.emplace_back();
        s.masses[number].add({first[leaf], second[leaf]});
    });
}

void Prediction::group_by_sides(Scratch& s) const {
    const std::size_t levels = s.person.levels.size();
    unsigned side_bits = 0;
    for (const LocusSides& each : s.person.levels) side_bits += static_cast<unsigned>(std::bit_width(each.count));
    s.side_keys.reset(side_bits);
    s.groups.clear();
    s.group_of.clear();
    constexpr std::uint32_t kNone = 0xffffffff;
    std::vector<std::uint16_t> sides(levels);
    std::vector<std::uint64_t> places;
    for (std::size_t k = 0; k < s.masses.size(); ++k) {
        WideKey side_key = 0;
        unsigned shift = 0;
        for (std::size_t l = 0; l < levels; ++l) {
            sides[l] = s.seen[l][s.layout->code(s.keys.keys()[k], l, s.codes[l].most) - 1U].side;
        }
        for (std::size_t l = 0; l < levels; ++l) {
            side_key |= static_cast<WideKey>(sides[l]) << shift;
            shift += static_cast<unsigned>(std::bit_width(s.person.levels[l].count));
        }
        if (!s.person.places(sides, places)) {
            s.group_of.push_back(kNone);
            continue;
        }
        const std::uint32_t group = s.side_keys.intern(side_key);
        if (group == s.groups.size()) {
            s.groups.emplace_back();
            s.groups.back().sides = sides;
            s.groups.back().places = places;
        }
        s.group_of.push_back(group);
        s.groups[group].mass.add(s.masses[k]);
        ++s.groups[group].end;
    }
    std::size_t place = 0;
    for (Scratch::Group& group : s.groups) {
        group.begin = place;
        place += group.end;
        group.end = group.begin;
    }
    s.order.resize(place);
    for (std::uint32_t k = 0; k < s.group_of.size(); ++k) {
        if (s.group_of[k] != kNone) s.order[s.groups[s.group_of[k]].end++] = k;
    }
}

// The groups that explain the donor together, and the sum of their weights.
void Prediction::pair_groups(Scratch& s) const {
    s.pairs.clear();
    s.total = 0;
    for (std::uint32_t a = 0; a < s.groups.size(); ++a) {
        for (std::uint32_t b = a; b < s.groups.size(); ++b) {
            const Scratch::Group& x = s.groups[a];
            const Scratch::Group& y = s.groups[b];
            if (!s.person.fit(x.sides, x.places, y.sides, y.places)) continue;
            s.pairs.push_back({a, b});
            s.total += product(x.mass, y.mass, a == b);
        }
    }
}

// What each class is to the patient, and sums of each group by that.
void Prediction::sum_by_what(Scratch& s) const {
    const std::size_t n = loci_.size();
    s.what.resize(s.order.size() * n);
    s.class_masses.resize(s.order.size());
    s.by_what.resize(n);
    s.twice.resize(n);
    for (std::size_t i = 0; i < n; ++i) s.by_what[i].assign(s.groups.size() * s.whats[i], Mass{});
    for (std::size_t o = 0; o < s.order.size(); ++o) {
        const std::uint32_t k = s.order[o];
        s.class_masses[o] = s.masses[k];
        for (std::size_t i = 0; i < n; ++i) {
            const std::size_t l = loci_[i].level;
            const std::uint16_t what = s.seen[l][s.layout->code(s.keys.keys()[k], l, s.codes[l].most) - 1U].what;
            s.what[o * n + i] = what;
            s.by_what[i][s.group_of[k] * s.whats[i] + what].add(s.masses[k]);
        }
    }
    for (std::size_t i = 0; i < n; ++i) {
        s.twice[i].assign(s.whats[i], 0);
        for (const auto& [a, b] : s.pairs) {
            for (std::size_t w = 0; w < s.whats[i]; ++w) {
                if (product(s.by_what[i][a * s.whats[i] + w], s.by_what[i][b * s.whats[i] + w], a == b) > 0)
                    s.twice[i][w] = 1;
            }
        }
    }
}

// Each locus by itself, over the patient's genotypes there.
void Prediction::predict_loci(const Scratch& s, std::span<double> out) const {
    const std::size_t n = loci_.size();
    for (std::size_t i = 0; i < n; ++i) {
        const std::size_t whats = s.whats[i];
        for (const AtLocus::Genotype& genotype : loci_[i].genotypes) {
            std::array<double, 3> sums{};
            for (const auto& [a, b] : s.pairs) {
                std::array<Mass, kNull + 1> x{};
                std::array<Mass, kNull + 1> y{};
                double same = 0;  // both haplotypes have the same other allele
                for (std::size_t w = 0; w < whats; ++w) {
                    const Mass& of_a = s.by_what[i][a * whats + w];
                    const Mass& of_b = s.by_what[i][b * whats + w];
                    const unsigned symbol = genotype.symbol(w);
                    x[symbol >= kNamed ? kOther : symbol].add(of_a);
                    y[symbol >= kNamed ? kOther : symbol].add(of_b);
                    if (symbol >= kNamed) same += product(of_a, of_b, a == b);
                }
                for (unsigned p = 0; p <= kNull; ++p) {
                    for (unsigned q = 0; q <= kNull; ++q)
                        sums[mismatches(*genotype.table, p, q)] += product(x[p], y[q], a == b);
                }
                if (same > 0) {
                    // These were taken for unlike ones; what rounding leaves below nothing is nothing.
                    double& unlike = sums[mismatches(*genotype.table, kOther, kOther)];
                    unlike = std::max(0.0, unlike - same);
                    sums[mismatches(*genotype.table, kNamed, kNamed)] += same;
                }
            }
            for (std::size_t k = 0; k < 3; ++k)
                out[2 * n + 1 + 3 * i + k] += genotype.probability * (sums[k] / s.total);
        }
    }
}

// Whether each mismatch at locus i belongs to one haplotype, whatever the other one is.
bool Prediction::additive_at(std::size_t i, const Scratch& s) const {
    const AtLocus& at = loci_[i];
    const AtLocus::Genotype& genotype = *s.genotypes[i];
    const auto twice = [&](std::size_t what) { return s.twice[i][what] != 0; };
    if (genotype.kind == GenotypeKind::Nothing) return false;
    for (std::size_t c = 0; c < s.groups.size(); ++c) {
        const Mass& null = s.by_what[i][c * s.whats[i] + at.null];
        if (null.first > 0 || null.second > 0) return false;
    }
    if (direction_ == Direction::Hvg) {
        for (std::size_t w = 0; w < s.whats[i]; ++w) {
            if (genotype.symbol(w) >= kNamed && twice(w)) return false;
        }
        return true;
    }
    if (genotype.kind == GenotypeKind::Homozygous) return direction_ == Direction::Both;
    return !twice(genotype.first) && !twice(genotype.second);
}

// Sums of each group by the symbols at the loci that are not additive; mismatches at the others are counted.
void Prediction::make_cells(Scratch& s) const {
    const std::size_t n = loci_.size();
    unsigned cell_bits = 0;
    for (std::size_t i = 0; i < n; ++i)
        cell_bits += s.additive[i] != 0 ? 0U : static_cast<unsigned>(std::bit_width(kNamed + s.whats[i]));
    check_key_bits(cell_bits);
    s.cells.clear(s.additive_loci + 1);
    for (Scratch::Group& group : s.groups) {
        s.cell_keys.reset(cell_bits);
        group.cells_begin = s.cells.count();
        for (std::size_t o = group.begin; o < group.end; ++o) {
            WideKey key = 0;
            std::size_t misses = 0;
            Cells::Symbols symbols{};
            unsigned shift = 0;
            for (std::size_t i = 0; i < n; ++i) {
                const std::uint16_t what = s.what[o * n + i];
                const unsigned symbol = s.genotypes[i]->symbol(what);
                if (s.additive[i] != 0) {
                    if (symbol == kOther || symbol >= kNamed) ++misses;
                    continue;
                }
                symbols[i] = static_cast<std::uint16_t>(symbol);
                key |= static_cast<WideKey>(symbol) << shift;
                shift += static_cast<unsigned>(std::bit_width(kNamed + s.whats[i]));
            }
            const std::size_t cell = group.cells_begin + s.cell_keys.intern(key);
            if (cell == s.cells.count()) s.cells.append(symbols);
            s.cells.masses[cell * s.cells.width + misses].add(s.class_masses[o]);
        }
        group.cells_end = s.cells.count();
    }
}

// All loci together, for one of the patient's genotypes.
void Prediction::predict_genotype(std::size_t g, Scratch& s, std::span<double> out) const {
    const std::size_t n = loci_.size();
    s.additive.resize(n);
    s.additive_loci = 0;
    for (std::size_t i = 0; i < n; ++i) {
        s.genotypes[i] = &loci_[i].genotypes[loci_[i].of_genotype[g]];
        s.additive[i] = additive_at(i, s) ? 1 : 0;
        s.additive_loci += s.additive[i];
    }
    make_cells(s);
    s.compared.clear();
    for (std::size_t i = 0; i < n; ++i) {
        if (s.additive[i] == 0)
            s.compared.push_back({i, s.genotypes[i]->table, kNamed + static_cast<unsigned>(s.whats[i])});
    }
    // That of most alleles first: what it leaves to the next ones is soon few enough to be compared one by one.
    std::stable_sort(s.compared.begin(), s.compared.end(),
                     [](const ComparedLocus& a, const ComparedLocus& b) { return a.symbols > b.symbols; });
    s.sums.assign(2 * n + 1, 0);
    s.cell_pairs.compare(s.cells, s.compared);
    for (const auto& [a, b] : s.pairs) {
        const auto cells_of = [&](std::uint32_t group) {
            return CellPairs::Range{s.groups[group].cells_begin, s.groups[group].cells_end};
        };
        s.cell_pairs.add(cells_of(a), cells_of(b), a == b, s.sums);
    }
    for (std::size_t k = 0; k < s.sums.size(); ++k) out[k] += patient_->probabilities[g] * (s.sums[k] / s.total);
}

}  // namespace allomatch
