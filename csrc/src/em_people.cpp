// The people of an estimation: the alleles that they may have, and their typings in terms of these. See em.hpp.
#include <algorithm>
#include <array>

#include "allomatch/em.hpp"
#include "allomatch/error.hpp"

namespace allomatch {

// ---- alleles
// ----------------------------------------------------------------------------------------------------------

namespace {

// Genes from the telomere to the centromere (Horton et al., Nature Reviews Genetics 2004;5:889).
constexpr std::array<Locus, kLocusCount> kChromosome{Locus::A,    Locus::C,    Locus::B,    Locus::DRB345,
                                                     Locus::DRB3, Locus::DRB4, Locus::DRB5, Locus::DRB1,
                                                     Locus::DQA1, Locus::DQB1, Locus::DPA1, Locus::DPB1};

// Names of which nobody says which of their alleles a person has.
bool open(const Name& name) noexcept {
    return name.kind == NameKind::XxCode || name.kind == NameKind::Serology || name.kind == NameKind::New;
}

// The classes that a name stands for: what it expresses, or nulls if it expresses nothing.
std::vector<Name> classes_of(const Nomenclature& nomenclature, Locus locus, const Name& name) {
    std::vector<Name> groups;
    if (!nomenclature.reduce_names(locus, std::span(&name, 1), Level::Ard, groups)) return {};
    std::erase_if(groups, open);
    const bool expressed = std::any_of(groups.begin(), groups.end(), [](const Name& g) { return !is_null_class(g); });
    if (expressed) std::erase_if(groups, is_null_class);
    return groups;
}

std::vector<Name> seen_at(const std::shared_ptr<const Nomenclature>& nomenclature, Locus locus,
                          std::span<const Name> names) {
    std::vector<Name> seen;
    const auto add = [&](const Name& name) {
        for (const Name& group : classes_of(*nomenclature, locus, name)) seen.push_back(group);
    };
    const auto tidy = [&] {
        std::sort(seen.begin(), seen.end());
        seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
    };
    for (const Name& name : names) {
        if (!open(name)) add(name);
    }
    tidy();
    const AlleleClasses named(nomenclature, locus, seen);
    std::vector<std::uint64_t> bits(named.words());
    for (const Name& name : names) {
        if (!open(name)) continue;
        std::fill(bits.begin(), bits.end(), 0);
        (void)named.allow(name, bits);
        if (std::all_of(bits.begin(), bits.end(), [](std::uint64_t word) { return word == 0; })) add(name);
    }
    tidy();
    return seen;
}

}  // namespace

std::vector<Locus> chromosome_order(std::span<const Locus> loci) {
    std::vector<Locus> order;
    for (const Locus locus : kChromosome) {
        if (std::find(loci.begin(), loci.end(), locus) != loci.end()) order.push_back(locus);
    }
    return order;
}

std::shared_ptr<const HaplotypeSet> alleles_seen(const std::shared_ptr<const Nomenclature>& nomenclature,
                                                 std::span<const Locus> loci,
                                                 std::span<const DictionaryView, kLocusCount> dictionaries) {
    std::vector<HaplotypeColumn> columns;
    std::size_t rows = 0;
    for (const Locus locus : loci) {
        std::vector<std::string> names;
        for (const Name& name : seen_at(nomenclature, locus, dictionaries[index_of(locus)].names))
            names.push_back(to_text(locus, name));
        if (names.empty())
            throw Error(ErrorCode::InvalidArgument, "nobody has a typing of locus " + std::string(locus_name(locus)) +
                                                        " that names an allele; leave the locus out");
        rows = std::max(rows, names.size());
        columns.push_back({locus, std::move(names), {}});
    }
    // Each allele is in some haplotype; which others are in it does not matter.
    std::vector<std::vector<std::uint32_t>> codes(columns.size(), std::vector<std::uint32_t>(rows));
    for (std::size_t c = 0; c < columns.size(); ++c) {
        for (std::size_t row = 0; row < rows; ++row)
            codes[c][row] = static_cast<std::uint32_t>(row % columns[c].names.size());
        columns[c].codes = codes[c];
    }
    const std::vector<double> frequencies(rows, 1.0 / static_cast<double>(rows));
    return std::make_shared<const HaplotypeSet>(nomenclature, columns, frequencies);
}

// ---- typings and people
// -----------------------------------------------------------------------------------------------

std::uint32_t TypingSides::add(const LocusSides& read) {
    for (std::size_t c = 0; c < read.of_class.size(); ++c) {
        if (read.of_class[c] == 0) continue;
        classes.push_back(static_cast<std::uint16_t>(c));
        sides.push_back(read.of_class[c]);
    }
    offsets.push_back(static_cast<std::uint32_t>(classes.size()));
    if (read.alternatives > 1) {
        fit_of.push_back(static_cast<std::uint32_t>(fits.size()));
        fits.push_back({read.count, read.compatible});
    } else {
        fit_of.push_back(0);
    }
    return static_cast<std::uint32_t>(offsets.size() - 2);
}

namespace {

constexpr std::size_t kTypingsBetweenChecks = 256;

class Fingerprint {
  public:
    void add(std::uint64_t value) noexcept {
        value_ = (value_ ^ value) * 0x9e3779b97f4a7c15ULL;
        value_ ^= value_ >> 32U;
    }
    [[nodiscard]] std::uint64_t value() const noexcept { return value_; }

  private:
    std::uint64_t value_ = 0xcbf29ce484222325ULL;
};

}  // namespace

EmPeople::EmPeople(const PeopleReader& reader, const People& people, std::span<const std::uint8_t> left_out,
                   const Cancel& cancel)
    : set_(reader.shared_set()) {
    std::vector<Locus> loci;
    for (const auto& level : set_->levels()) loci.push_back(level.locus);
    loci_ = chromosome_order(loci);
    for (const Locus locus : loci_) levels_.push_back(*set_->level_of(locus));

    // Each typing once. One that is as good as untyped is typing 0.
    std::vector<std::vector<std::uint32_t>> number_of(loci_.size());
    Fingerprint fingerprint;
    for (std::size_t c = 0; c < loci_.size(); ++c) {
        const DictionaryView& dictionary = people.dictionaries[index_of(loci_[c])];
        const std::size_t count = dictionary.typing_offsets.empty() ? 1 : dictionary.typing_count();
        typings_.emplace_back();
        number_of[c].assign(count, 0);
        for (std::uint32_t t = 1; t < count; ++t) {
            if (t % kTypingsBetweenChecks == 0) cancel.check();
            std::array<TypingId, kLocusCount> ids{};
            ids[index_of(loci_[c])] = TypingId{t};
            const Person person = reader.read(ids);
            const LocusSides& sides = person.levels[levels_[c]];
            if (!sides.untyped) number_of[c][t] = typings_[c].add(sides);
        }
        for (std::uint16_t k = 0; k < classes(c).size(); ++k) {
            for (const char letter : to_text(loci_[c], classes(c).name(ClassId{k})))
                fingerprint.add(static_cast<unsigned char>(letter));
        }
    }

    const DistinctPeople distinct = distinct_people(people, cancel);
    std::vector<double> weights(distinct.rows.size());
    for (std::size_t row = 0; row < people.rows; ++row) {
        if (left_out[row] == 0) weights[distinct.number_of[row]] += 1;
    }
    ids_.resize(loci_.size());
    for (std::size_t n = 0; n < distinct.rows.size(); ++n) {
        if (n % kTypingsBetweenChecks == 0) cancel.check();
        if (weights[n] == 0) continue;
        const std::size_t row = distinct.rows[n];
        const auto ids = people.of(row);
        std::vector<std::uint32_t> numbers;
        std::uint32_t phase = 0;
        const auto phases = people.phases_of(row);
        if (phases.empty()) {
            for (std::size_t c = 0; c < loci_.size(); ++c)
                numbers.push_back(number_of[c][ids[index_of(loci_[c])].value]);
        } else {
            Person person = reader.read(ids, phases);
            for (std::size_t c = 0; c < loci_.size(); ++c) {
                const LocusSides& sides = person.levels[levels_[c]];
                numbers.push_back(sides.untyped ? 0 : typings_[c].add(sides));
            }
            if (!person.phased.empty()) {
                phase = static_cast<std::uint32_t>(phases_.size());
                phases_.push_back(std::move(person.phased));
            }
        }
        if (std::all_of(numbers.begin(), numbers.end(), [](std::uint32_t id) { return id == 0; })) {
            untyped_ += static_cast<std::size_t>(weights[n]);
            continue;
        }
        for (std::size_t c = 0; c < loci_.size(); ++c) ids_[c].push_back(numbers[c]);
        phase_of_.push_back(phase);
        weights_.push_back(weights[n]);
        for (const std::uint32_t id : numbers) fingerprint.add(id);
        fingerprint.add(static_cast<std::uint64_t>(weights[n]));
    }
    if (weights_.empty())
        throw Error(ErrorCode::InvalidArgument, "there is nobody to estimate frequencies from: of " +
                                                    std::to_string(people.rows) +
                                                    " people none is typed at a locus that is asked for and readable");
    for (const TypingSides& typings : typings_) {
        for (const std::uint16_t c : typings.classes) fingerprint.add(c);
        for (const std::uint16_t s : typings.sides) fingerprint.add(s);
        for (const std::uint32_t f : typings.fit_of) fingerprint.add(f);
    }
    fingerprint_ = fingerprint.value();
}

}  // namespace allomatch
