// What positions are: from the members of their names. See detail_facts.hpp.
#include "detail_facts.hpp"

#include <algorithm>
#include <bit>

#include "allomatch/epitopes.hpp"
#include "two_way.hpp"

namespace allomatch {

// ---- antigens
// -------------------------------------------------------------------------------------------------------------

namespace {

// Antigens that are no antigens of the release: a first field of the locus' one gene, or of a gene of several.
constexpr std::uint16_t kFirstField = 0x4000;
constexpr std::uint16_t kOfGene = 0x8000;

bool numbered_by_first_fields(Locus locus) noexcept {
    return locus == Locus::A || locus == Locus::B || locus == Locus::C || locus == Locus::DRB1 || locus == Locus::DQB1;
}

// Whether `a` is the broad or the main antigen of `b`, directly or over one between.
bool above(std::span<const AntigenFacts> facts, std::size_t a, std::size_t b) {
    const auto is = [a](const std::optional<AntigenId>& id) { return id && id->value == a; };
    const AntigenFacts& of = facts[b];
    return is(of.broad) || is(of.associated) || (of.associated && is(facts[of.associated->value].broad));
}

}  // namespace

Antigens::Antigens(const Nomenclature& nomenclature, Locus locus)
    : locus_(locus), numbered_(numbered_by_first_fields(locus)) {
    if (!nomenclature.has_data()) return;
    count_ = nomenclature.antigen_count(locus);
    std::vector<AntigenFacts> facts;
    for (std::uint32_t i = 0; i < count_; ++i) {
        facts.push_back(nomenclature.antigen(locus, AntigenId{i}));
        numbers_.push_back(facts.back().number);
    }
    grades_.resize(count_ * count_, Grade::Mismatch);
    for (std::size_t a = 0; a < count_; ++a) {
        for (std::size_t b = 0; b < count_; ++b) {
            const bool broad = !facts[a].splits.empty() || !facts[b].splits.empty();
            const bool split = facts[a].broad.has_value();
            Grade& grade = grades_[a * count_ + b];
            if (a == b && !broad && !split && facts[a].associated) {
                grade = Grade::Associated;
            } else if (a == b || above(facts, a, b) || above(facts, b, a)) {
                grade = broad ? Grade::Broad : Grade::Split;
            }
        }
    }
}

std::uint16_t Antigens::of_first_field(std::uint16_t gene, std::uint16_t field) const noexcept {
    if (!numbered_) return static_cast<std::uint16_t>(kOfGene + gene * 0x1000U + field);
    const auto found = std::lower_bound(numbers_.begin(), numbers_.end(), field);
    if (found != numbers_.end() && *found == field) return static_cast<std::uint16_t>(found - numbers_.begin());
    return static_cast<std::uint16_t>(kFirstField + field);
}

Grade Antigens::best(std::span<const std::uint16_t> a, std::span<const std::uint16_t> b) const noexcept {
    Grade found = Grade::Mismatch;
    for (const std::uint16_t x : a) {
        for (const std::uint16_t y : b) found = std::max(found, grade(x, y));
    }
    return found;
}

// ---- names
// ----------------------------------------------------------------------------------------------------------------

namespace {

// What one name stands for, as far as details ask.
struct NameFacts {
    bool known = false;
    bool open = false;  // also for alleles that nobody can list
    std::vector<std::uint32_t> g_groups;
    std::vector<std::uint16_t> antigens;
    std::vector<std::uint32_t> alleles, full_gdna;
    std::vector<std::uint64_t> coding, proteins;
    std::uint8_t epitopes = 0;  // bit g: an allele of group g; bit 0: one that has none
    std::uint8_t markers = 0;   // bit m: an allele of marker m
};

template <typename T>
void sort_unique(std::vector<T>& values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
}

template <typename T>
void append(std::vector<T>& to, const std::vector<T>& from) {
    to.insert(to.end(), from.begin(), from.end());
}

bool is_allele_name(const Name& name) noexcept {
    return name.kind == NameKind::Allele || name.kind == NameKind::Version2;
}

std::uint64_t protein_key(const Name& name) noexcept {
    return std::uint64_t{name.gene} << 48U | std::uint64_t{name.fields[0]} << 32U |
           std::uint64_t{name.fields[1]} << 16U;
}

void add_fields(NameFacts& facts, const Name& allele) {
    facts.proteins.push_back(protein_key(allele));
    if (allele.fields[2] != 0) facts.coding.push_back(protein_key(allele) | allele.fields[2]);
}

constexpr std::uint32_t kOwnGroup = 0x80000000U;  // an allele outside any G group is one of its own

class NameReader {
  public:
    NameReader(const Nomenclature& nomenclature, Locus locus, const Antigens& antigens)
        : nomenclature_(nomenclature), locus_(locus), antigens_(antigens), epitopes_(nomenclature, locus) {}

    [[nodiscard]] NameFacts read(const Name& name) const {
        NameFacts facts;
        facts.known = nomenclature_.knows(locus_, name);
        if (!facts.known || name.kind == NameKind::Absent) return facts;
        if (name.kind == NameKind::New) {
            facts.open = true;
        } else if (nomenclature_.has_data()) {
            read_members(name, facts);
        } else {
            read_by_name(name, facts);
        }
        sort_unique(facts.g_groups);
        sort_unique(facts.antigens);
        sort_unique(facts.coding);
        sort_unique(facts.proteins);
        return facts;
    }

  private:
    void read_members(const Name& name, NameFacts& facts) const {
        for (const AlleleId id : nomenclature_.members(locus_, name)) {
            const AlleleFacts allele = nomenclature_.allele(locus_, id);
            if (allele.null()) continue;
            facts.g_groups.push_back(allele.g_group ? *allele.g_group : id.value | kOwnGroup);
            if (is_allele_name(name)) {
                facts.alleles.push_back(id.value);
                if (allele.full_gdna) facts.full_gdna.push_back(id.value);
                add_fields(facts, allele.name);
            }
            for (const AntigenId antigen : allele.antigens)
                facts.antigens.push_back(static_cast<std::uint16_t>(antigen.value));
            if (allele.antigens.empty())
                facts.antigens.push_back(antigens_.of_first_field(allele.name.gene, allele.name.fields[0]));
            facts.epitopes |= static_cast<std::uint8_t>(1U << epitopes_.of(allele));
            add_marker(facts, allele.name);
        }
        if (name.kind == NameKind::Serology) {
            facts.antigens.clear();
            if (const auto antigen = nomenclature_.find_antigen(locus_, name.fields[0]))
                facts.antigens.push_back(static_cast<std::uint16_t>(antigen->value));
        }
    }

    // Without data a name says what its fields say; groups of alleles are known by their names alone.
    void read_by_name(const Name& name, NameFacts& facts) const {
        if (name.kind == NameKind::XxCode || name.kind == NameKind::Serology) {
            facts.open = true;
            if (name.kind == NameKind::XxCode)
                facts.antigens.push_back(antigens_.of_first_field(name.gene, name.fields[0]));
            return;
        }
        facts.epitopes = 1;
        std::vector<Name> proteins;
        (void)nomenclature_.reduce_names(locus_, std::span(&name, 1), Level::TwoField, proteins);
        for (const Name& protein : proteins) {
            if (protein.suffix == 'N') continue;
            facts.antigens.push_back(antigens_.of_first_field(protein.gene, protein.fields[0]));
            add_marker(facts, protein);
        }
        if (name.kind == NameKind::GGroup)
            facts.g_groups.push_back(static_cast<std::uint32_t>(std::uint32_t{name.fields[0]} << 20U |
                                                                std::uint32_t{name.fields[1]} << 8U | name.fields[2]));
        if (is_allele_name(name)) add_fields(facts, nomenclature_.current_name(locus_, name));
    }

    void add_marker(NameFacts& facts, const Name& allele) const noexcept {
        facts.markers |= static_cast<std::uint8_t>(1U << static_cast<unsigned>(two_way_marker(locus_, allele)));
    }

    const Nomenclature& nomenclature_;
    Locus locus_;
    const Antigens& antigens_;
    Epitopes epitopes_;
};

// The one bit of a mask, as its place; 0 if there are several, or none.
std::uint8_t only_bit(std::uint8_t mask) noexcept {
    return std::has_single_bit(mask) ? static_cast<std::uint8_t>(std::countr_zero(mask)) : std::uint8_t{0};
}

}  // namespace

std::size_t group_count(const GroupSet& set) noexcept {
    std::size_t count = 0;
    for (const std::uint64_t word : set.words) count += static_cast<std::size_t>(std::popcount(word));
    return count;
}

// ---- positions
// ------------------------------------------------------------------------------------------------------------

LocusFacts::LocusFacts(const Nomenclature& nomenclature, const DictionaryView& of, GroupSpace space, NullPolicy policy,
                       const Reading& reading, std::shared_ptr<const Antigens> antigens)
    : dictionary(of), interpretation(std::move(space), of, reading), relations(std::move(antigens)) {
    const NameReader reader(nomenclature, of.locus, *relations);
    std::vector<NameFacts> names;
    names.reserve(of.names.size());
    for (const Name& name : of.names) names.push_back(reader.read(name));

    positions.resize(of.position_count());
    GroupBits bits(interpretation.space().size());
    for (std::uint32_t p = 0; p < of.position_count(); ++p) {
        PositionFacts& facts = positions[p];
        const PositionMeaning meaning = interpretation.position(PositionId{p});
        facts.ards = meaning.groups;
        facts.known = meaning.known;
        if (!meaning.known) continue;
        const std::uint8_t expression = expression_bits(meaning, policy);
        facts.may_be_null = (expression & overlap::kNull) != 0;
        facts.null = (expression & overlap::kExpressed) == 0;
        if (facts.null) continue;

        const auto members =
            of.position_names.subspan(of.position_offsets[p], of.position_offsets[p + 1] - of.position_offsets[p]);
        std::size_t known = 0;
        std::uint8_t epitopes = 0;
        std::uint8_t markers = 0;
        bool open = false;
        bool all_named = true;
        bool silent = false;  // an antigen without data: then nothing of the position is said
        std::uint32_t last = 0;
        for (const std::uint32_t n : members) {
            const Name& name = of.names[n];
            const NameFacts& of_name = names[n];
            if (!of_name.known) continue;
            ++known;
            last = n;
            const bool serology = name.kind == NameKind::Serology;
            silent |= serology && !nomenclature.has_data();
            facts.serology |= serology;
            open |= of_name.open;
            all_named &= name.kind != NameKind::New;
            append(facts.g_groups, of_name.g_groups);
            append(facts.antigens, of_name.antigens);
            epitopes |= of_name.epitopes;
            markers |= of_name.markers;
        }
        if (silent) {
            facts.serology = false;
            facts.g_groups.clear();
            facts.antigens.clear();
            facts.unsaid = true;
            continue;
        }
        if (known > 1) {
            sort_unique(facts.g_groups);
            sort_unique(facts.antigens);
        } else if (is_allele_name(of.names[last])) {
            const NameFacts& name = names[last];
            facts.alleles = name.alleles;
            facts.full_gdna = name.full_gdna;
            facts.coding = name.coding;
            facts.proteins = name.proteins;
            facts.single = name.alleles.size() == 1;
        }
        facts.named = facts.ards;
        if (!all_named) {
            bits.clear();
            for (const std::uint32_t n : members) {
                if (names[n].known && of.names[n].kind != NameKind::New)
                    (void)interpretation.space().add_name(of.names[n], bits, reading);
            }
            facts.own_words.assign(bits.words().begin(), bits.words().end());
            facts.named = GroupSet{0, facts.own_words};
        }
        facts.one_group = group_count(facts.ards) == 1;
        facts.unsaid = group_count(facts.named) != group_count(facts.ards);
        facts.tce = open ? std::uint8_t{0} : only_bit(epitopes);
        facts.marker = open || facts.may_be_null ? Marker::Unknown : static_cast<Marker>(only_bit(markers));
    }
}

std::span<const PositionPair> LocusFacts::alternatives(TypingId typing) const noexcept {
    const auto all = dictionary.alternatives(typing);
    for (const PositionPair& pair : all) {
        if (!position(pair.first).known || !position(pair.second).known) return {};
    }
    return all;
}

std::uint8_t LocusFacts::tce(TypingId typing) const noexcept {
    // Every group that the person may have, as a bit; bit 0: none is known.
    unsigned found = 0;
    for (const PositionPair& pair : alternatives(typing)) {
        const PositionFacts& a = position(pair.first);
        const PositionFacts& b = position(pair.second);
        if (!a.null && !b.null) found |= 1U << (a.tce == 0 || b.tce == 0 ? 0U : std::min(a.tce, b.tce));
        if (!a.null && b.may_be_null) found |= 1U << a.tce;
        if (!b.null && a.may_be_null) found |= 1U << b.tce;
        if (a.may_be_null && b.may_be_null) found |= 1U;
    }
    return only_bit(static_cast<std::uint8_t>(found));
}

Marker LocusFacts::marker(const PositionPair& pair, bool second) const noexcept {
    const PositionFacts& own = position(second ? pair.second : pair.first);
    const PositionFacts& other = position(second ? pair.first : pair.second);
    return dictionary.locus == Locus::DPB1 && own.null ? other.marker : own.marker;
}

MarkerPair LocusFacts::markers(TypingId typing) const noexcept {
    std::optional<MarkerPair> found;
    for (const PositionPair& pair : alternatives(typing)) {
        const Marker a = marker(pair, false);
        const Marker b = marker(pair, true);
        MarkerPair both = MarkerPair::Unknown;
        if (a != Marker::Unknown && b != Marker::Unknown) {
            both = a != b               ? MarkerPair::FirstSecond
                   : a == Marker::First ? MarkerPair::FirstFirst
                                        : MarkerPair::SecondSecond;
        }
        if (found && *found != both) return MarkerPair::Unknown;
        found = both;
    }
    return found.value_or(MarkerPair::Unknown);
}

}  // namespace allomatch
