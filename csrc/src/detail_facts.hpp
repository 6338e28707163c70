// What a comparison in detail needs to know of each position of a dictionary, worked out once.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "allomatch/detail.hpp"

namespace allomatch {

// How the antigens of a locus relate. An antigen is a small number: those of the release first, then first fields that
// stand in for an antigen where an allele has none.
class Antigens {
  public:
    Antigens(const Nomenclature& nomenclature, Locus locus);
    // The antigen that a first field stands for.
    [[nodiscard]] std::uint16_t of_first_field(std::uint16_t gene, std::uint16_t field) const noexcept;
    // Broad, Split or Associated if both may be one thing, otherwise Mismatch.
    [[nodiscard]] Grade grade(std::uint16_t a, std::uint16_t b) const noexcept {
        if (a < count_ && b < count_) return grades_[a * count_ + b];
        return a == b ? Grade::Split : Grade::Mismatch;
    }
    [[nodiscard]] Grade best(std::span<const std::uint16_t> a, std::span<const std::uint16_t> b) const noexcept;

  private:
    Locus locus_;
    bool numbered_;  // first fields are the numbers of antigens
    std::size_t count_ = 0;
    std::vector<std::uint16_t> numbers_;
    std::vector<Grade> grades_;
};

[[nodiscard]] std::size_t group_count(const GroupSet& set) noexcept;

// One position. Sorted vectors stand for sets.
struct PositionFacts {
    GroupSet ards;                         // what may be expressed
    GroupSet named;                        // those of them that names say: not of NEW, nor of an antigen without data
    std::vector<std::uint64_t> own_words;  // where `named` or a merged `ards` lies, if it is not the interpretation's
    std::vector<std::uint32_t> g_groups;
    std::vector<std::uint16_t> antigens;
    // Of one allele name, perhaps cut; otherwise empty.
    std::vector<std::uint32_t> alleles, full_gdna;  // ids; without data none
    std::vector<std::uint64_t> coding, proteins;    // first three fields, first two
    bool known = true;
    bool null = false;
    bool may_be_null = false;  // where the policy counts it
    bool serology = false;
    bool single = false;     // one allele and no other
    bool one_group = false;  // one ARD group and no other
    bool unsaid = false;     // of groups that no name says
    std::uint8_t tce = 0;    // 0: not known
    Marker marker = Marker::Unknown;
};

// The positions of a dictionary, and what is said of whole typings.
struct LocusFacts {
    LocusFacts(const Nomenclature& nomenclature, const DictionaryView& dictionary, GroupSpace space, NullPolicy policy,
               const Reading& reading, std::shared_ptr<const Antigens> antigens);

    [[nodiscard]] const PositionFacts& position(PositionId id) const noexcept { return positions[id.value]; }
    // No alternatives if it is untyped or holds a position of which nothing is known.
    [[nodiscard]] std::span<const PositionPair> alternatives(TypingId typing) const noexcept;
    [[nodiscard]] std::uint8_t tce(TypingId typing) const noexcept;
    // Of the first or second position of a pair. Expression of DPB1 follows the null rule; what a null of B leaves of
    // its leader is not known.
    [[nodiscard]] Marker marker(const PositionPair& pair, bool second) const noexcept;
    [[nodiscard]] MarkerPair markers(TypingId typing) const noexcept;

    DictionaryView dictionary;
    Interpretation interpretation;
    std::shared_ptr<const Antigens> relations;
    std::vector<PositionFacts> positions;
};

}  // namespace allomatch
