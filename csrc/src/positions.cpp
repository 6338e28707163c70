// See positions.hpp.
#include "allomatch/positions.hpp"

#include <algorithm>

namespace allomatch {
namespace {

// A person at some loci, one after the other; what their set makes of them is worked out when first needed.
class PersonAtLoci {
  public:
    PersonAtLoci(const PeopleReader& reader, std::span<const TypingId, kLocusCount> typings,
                 std::span<const Phase> phases)
        : reader_(reader), typings_(typings), phases_(phases) {}

    // False if the person is neither certain at the locus nor represented.
    bool list(Locus locus, PositionList& result) {
        result.alleles.clear();
        result.genotypes.clear();
        if (const auto certain = reader_.certain(locus, typings_[index_of(locus)])) {
            result.alleles.assign(certain->alleles.begin(), certain->alleles.end());
            result.genotypes.push_back({0, 1, certain->either_way ? 0.5 : 1.0});
            if (certain->either_way) result.genotypes.push_back({1, 0, 0.5});
            return true;
        }
        const HaplotypeSet& set = reader_.set();
        const auto level = set.level_of(locus);
        if (!level)
            throw Error(ErrorCode::InvalidArgument, "the frequency set lacks locus " + std::string(locus_name(locus)) +
                                                        "; predict the loci that it has");
        if (!candidates_) {
            person_ = reader_.read(typings_, phases_);
            candidates_.emplace(set, person_);
        }
        if (!(candidates_->total() > 0)) return false;
        // Only the classes that occur are given a name.
        constexpr std::uint16_t kNone = 0xffff;
        const AlleleClasses& classes = set.classes(*level);
        std::vector<std::uint16_t> numbers(classes.size(), kNone);
        const auto number = [&](ClassId id) {
            std::uint16_t& n = numbers[id.value];
            if (n == kNone) {
                n = static_cast<std::uint16_t>(result.alleles.size());
                result.alleles.push_back(classes.name(id));
            }
            return n;
        };
        for (const PositionGenotype& each : position_genotypes(set, *candidates_, person_, *level))
            result.genotypes.push_back({number(each.first), number(each.second), each.probability});
        return true;
    }

  private:
    const PeopleReader& reader_;
    std::span<const TypingId, kLocusCount> typings_;
    std::span<const Phase> phases_;
    Person person_;
    std::optional<Candidates> candidates_;
};

}  // namespace

PositionPrediction::Seen PositionPrediction::AtLocus::see(const Name& allele) const {
    if (is_null_class(allele)) return {};
    const auto found = std::find(patient.alleles.begin(), patient.alleles.end(), allele);
    const auto number = static_cast<std::uint16_t>(found - patient.alleles.begin());
    return {static_cast<std::uint16_t>(found == patient.alleles.end() ? other : 1 + number), epitopes.of(allele)};
}

PositionPrediction::PositionPrediction(std::span<const Locus> loci, const PeopleReader& patient,
                                       std::span<const TypingId, kLocusCount> typings, std::span<const Phase> phases,
                                       std::shared_ptr<const PeopleReader> donors)
    : donors_(std::move(donors)) {
    const HaplotypeSet& set = donors_->set();
    PersonAtLoci person(patient, typings, phases);
    for (const Locus locus : loci) {
        AtLocus at{locus, set.level_of(locus), {}, {}, {}, 0, Epitopes(*set.nomenclature(), locus)};
        represented_ = person.list(locus, at.patient) && represented_;
        at.other = static_cast<std::uint16_t>(at.patient.alleles.size() + 1);
        std::vector<Seen> seen;
        for (const Name& allele : at.patient.alleles) seen.push_back(at.see(allele));
        for (const auto& [first, second, _] : at.patient.genotypes)
            at.seen_of_patient.push_back({seen[first], seen[second]});
        if (at.level) {
            for (std::uint16_t c = 0; c < set.classes(*at.level).size(); ++c)
                at.of_class.push_back(at.see(set.classes(*at.level).name(ClassId{c})));
        }
        loci_.push_back(std::move(at));
    }
}

std::size_t PositionPrediction::width() const noexcept {
    const bool epitopes =
        std::any_of(loci_.begin(), loci_.end(), [](const AtLocus& at) { return at.locus == Locus::DPB1; });
    return kOfPositions * loci_.size() + (epitopes ? kOfEpitopes : 0);
}

bool PositionPrediction::predict(std::span<const TypingId, kLocusCount> donor, std::span<const Phase> phases,
                                 std::span<double> out) const {
    if (!represented_) return false;
    PersonAtLoci person(*donors_, donor, phases);
    std::vector<PositionList> lists(loci_.size());
    for (std::size_t i = 0; i < loci_.size(); ++i) {
        if (!person.list(loci_[i].locus, lists[i])) return false;
    }
    std::fill(out.begin(), out.end(), 0);
    const auto epitopes = out.subspan(kOfPositions * loci_.size());
    for (std::size_t i = 0; i < loci_.size(); ++i)
        predict_locus(loci_[i], lists[i], out.subspan(kOfPositions * i, kOfPositions), epitopes);
    return true;
}

namespace {

// What two positions express: a null one leaves the other alone.
template <typename Seen>
std::array<Seen, 2> expressed(Seen first, Seen second) noexcept {
    if (first.symbol == 0) first = second;
    if (second.symbol == 0) second = first;
    return {first, second};
}

// The lower of two groups; 0 if one is not known, or nothing is expressed.
template <typename Seen>
unsigned epitope_of(const std::array<Seen, 2>& genotype) noexcept {
    if (genotype[0].epitope == 0 || genotype[1].epitope == 0) return 0;
    return std::min(genotype[0].epitope, genotype[1].epitope);
}

// As EpitopeVerdict is said of resolved genotypes: which of the five probabilities.
std::size_t verdict(bool matched, unsigned patient, unsigned donor) noexcept {
    if (matched) return 0;
    if (patient == 0 || donor == 0) return 4;
    if (patient == donor) return 1;
    return patient < donor ? 2 : 3;
}

}  // namespace

void PositionPrediction::predict_locus(const AtLocus& at, const PositionList& donor, std::span<double> positions,
                                       std::span<double> epitopes) const {
    // A donor's genotypes that look alike to the patient are one.
    struct Cell {
        std::uint64_t key;
        double probability;
    };
    std::vector<Seen> seen;
    for (const Name& allele : donor.alleles) {
        std::optional<ClassId> id;
        if (at.level) id = donors_->set().classes(*at.level).find(allele);
        seen.push_back(id ? at.of_class[id->value] : at.see(allele));
    }
    std::vector<Cell> cells;
    for (const auto& [first, second, probability] : donor.genotypes) {
        const auto theirs = expressed(seen[first], seen[second]);
        const std::uint64_t key =
            (std::uint64_t{theirs[0].symbol} << 16U | theirs[1].symbol) << 8U | epitope_of(theirs);
        cells.push_back({key, probability});
    }
    std::stable_sort(cells.begin(), cells.end(), [](const Cell& a, const Cell& b) { return a.key < b.key; });
    std::size_t distinct = 0;
    for (const Cell& cell : cells) {
        if (distinct > 0 && cells[distinct - 1].key == cell.key) {
            cells[distinct - 1].probability += cell.probability;
        } else {
            cells[distinct++] = cell;
        }
    }
    cells.resize(distinct);

    for (std::size_t g = 0; g < at.patient.genotypes.size(); ++g) {
        const auto mine = expressed(at.seen_of_patient[g][0], at.seen_of_patient[g][1]);
        const unsigned epitope = epitope_of(mine);
        for (const Cell& cell : cells) {
            const auto first = static_cast<std::uint16_t>(cell.key >> 24U);
            const auto second = static_cast<std::uint16_t>(cell.key >> 8U);
            const double weight = at.patient.genotypes[g].probability * cell.probability;
            // Of both orientations, whether the patient's first and second position are mismatched.
            const std::array<bool, 2> direct{mine[0].symbol != first, mine[1].symbol != second};
            const std::array<bool, 2> crossed{mine[0].symbol != second, mine[1].symbol != first};
            const int d = direct[0] + direct[1];
            const int c = crossed[0] + crossed[1];
            const double share = d == c ? 0.5 : 1.0;
            if (d <= c) {
                for (const std::size_t k : {0U, 1U}) {
                    positions[k] += direct[k] ? share * weight : 0;
                    positions[2 + k] += direct[k] ? share * weight : 0;
                }
            }
            if (c <= d) {
                for (const std::size_t k : {0U, 1U}) {
                    positions[k] += crossed[k] ? share * weight : 0;
                    positions[3 - k] += crossed[k] ? share * weight : 0;
                }
            }
            if (at.locus == Locus::DPB1)
                epitopes[verdict(std::min(d, c) == 0, epitope, static_cast<unsigned>(cell.key & 0xffU))] += weight;
        }
    }
}

}  // namespace allomatch
