// Haplotypes: the frequencies of one population under a nomenclature, as a trie of alleles (SEMANTICS section 4).
//
// The names of a set are carried to *classes*: an expressed allele to its ARD group, a null allele to itself by its
// first two fields. Haplotypes that become equal are one, with the sum of their frequencies. What cannot be carried is
// left out and reported. A second frequency of each haplotype makes a set of two populations, for people of mixed
// ancestry.
//
// Invariants: a set is immutable and may be shared by threads. Haplotypes are sorted by their classes, loci in the
// order of the trie (most diverse first: it prunes best), so haplotype h is leaf h. Sums run in a fixed order.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "allomatch/nomenclature.hpp"

namespace allomatch {

struct ClassId {
    std::uint16_t value;
    auto operator<=>(const ClassId&) const = default;
};
struct HaplotypeId {
    std::uint32_t value;
    auto operator<=>(const HaplotypeId&) const = default;
};

// What alleles of one locus are told apart by. A class is named by its ARD group ("A*02:01P"), or by the null allele.
[[nodiscard]] inline bool is_null_class(const Name& name) noexcept {
    return name.kind == NameKind::Absent || name.suffix == 'N';
}

// The class that a haplotype's allele belongs to; nullopt if the nomenclature lacks the name, or it stands for several.
[[nodiscard]] std::optional<Name> class_of(const Nomenclature& nomenclature, Locus locus, const Name& name);

// The classes of one locus of a set, sorted by name.
class AlleleClasses {
  public:
    // `classes`: sorted, unique.
    AlleleClasses(std::shared_ptr<const Nomenclature> nomenclature, Locus locus, std::vector<Name> classes);

    [[nodiscard]] Locus locus() const noexcept { return locus_; }
    [[nodiscard]] std::size_t size() const noexcept { return classes_.size(); }
    [[nodiscard]] std::size_t words() const noexcept { return (size() + 63) / 64; }
    [[nodiscard]] const Name& name(ClassId id) const noexcept { return classes_[id.value]; }
    [[nodiscard]] std::optional<ClassId> find(const Name& name) const noexcept;

    // What a name in a typing allows.
    struct Allowed {
        bool known = false;          // the nomenclature has the name
        std::optional<Name> only;    // it stands for this class alone, among all that there are (not only in the set)
        bool possibly_null = false;  // null alleles are among what it stands for, beside others
    };
    // Sets the bits of the classes that `name` allows; `bits` has words() words.
    Allowed allow(const Name& name, std::span<std::uint64_t> bits) const;

  private:
    void allow_antigen(const Name& name, std::span<std::uint64_t> bits) const;
    std::shared_ptr<const Nomenclature> nomenclature_;
    Locus locus_;
    std::vector<Name> classes_;
};

// A locus of a frequency file: its distinct names, and the one of each haplotype.
struct HaplotypeColumn {
    Locus locus;
    std::vector<std::string> names;
    std::span<const std::uint32_t> codes;
};

// A name that could not be carried, and what was lost by it.
struct NotCarried {
    Locus locus;
    std::string name;
    std::size_t haplotypes;
    double frequency;
    std::string reason;
};

class HaplotypeSet {
  public:
    struct Level {
        Locus locus;
        std::vector<std::uint16_t> classes;  // of each node
        std::vector<std::uint32_t>
            children;  // first child of each node in the next level, and the end; none at the last
    };

    // `second` is empty for one population. Throws InvalidArgument (no locus, a locus twice, a code or frequency out of
    // range, lengths that differ), MalformedTyping.
    HaplotypeSet(std::shared_ptr<const Nomenclature> nomenclature, std::span<const HaplotypeColumn> columns,
                 std::span<const double> frequencies, std::span<const double> second = {});

    [[nodiscard]] const std::shared_ptr<const Nomenclature>& nomenclature() const noexcept { return nomenclature_; }
    [[nodiscard]] std::size_t size() const noexcept { return frequencies_.size(); }
    [[nodiscard]] bool mixed() const noexcept { return !second_.empty(); }
    [[nodiscard]] std::span<const Level> levels() const noexcept { return levels_; }
    [[nodiscard]] const AlleleClasses& classes(std::size_t level) const noexcept { return classes_[level]; }
    [[nodiscard]] std::optional<std::size_t> level_of(Locus locus) const noexcept;
    [[nodiscard]] std::span<const double> frequencies() const noexcept { return frequencies_; }
    // Those of the other parent's population; the same ones if there is one population.
    [[nodiscard]] std::span<const double> second() const noexcept { return mixed() ? second_ : frequencies_; }
    [[nodiscard]] ClassId class_at(HaplotypeId haplotype, std::size_t level) const noexcept {
        return ClassId{columns_[level][haplotype.value]};
    }
    // The leaf with these classes, one a level.
    [[nodiscard]] std::optional<HaplotypeId> find(std::span<const ClassId> classes) const noexcept;

    [[nodiscard]] std::span<const NotCarried> not_carried() const noexcept { return not_carried_; }
    [[nodiscard]] std::size_t lost_haplotypes() const noexcept { return lost_haplotypes_; }
    [[nodiscard]] double lost_frequency() const noexcept { return lost_frequency_; }
    [[nodiscard]] std::size_t memory_bytes() const noexcept;

  private:
    std::shared_ptr<const Nomenclature> nomenclature_;
    std::vector<Level> levels_;
    std::vector<AlleleClasses> classes_;
    std::vector<std::vector<std::uint16_t>> columns_;
    std::vector<double> frequencies_, second_;
    std::vector<NotCarried> not_carried_;
    std::size_t lost_haplotypes_ = 0;
    double lost_frequency_ = 0;
};

}  // namespace allomatch
