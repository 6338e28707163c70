// Phenotypes: the typings of a person, read from GL strings or from pairs of positions, and their meaning as sets.
//
// A typing at a locus is one or more genotypes ('|'), each two positions, each a set of names ('/'). Reading needs no
// nomenclature. The canonical form is sorted and free of duplicates at every level, so equal meanings of the *text* are
// equal values: that is what interning relies on.
//
// Interning has three layers, names -> positions -> typings (`DictionaryView`). Forty million donors share some hundred
// thousand typings, these share some ten thousand positions, these share some thousand names, so interpreting a
// dictionary under a nomenclature (`Interpretation`) costs as much as reading its names: milliseconds.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "allomatch/nomenclature.hpp"

namespace allomatch {

// ---- what was reported
// ----------------------------------------------------------------------------------------------------

struct Position {
    std::vector<Name> names;  // sorted, unique, not empty
    auto operator<=>(const Position&) const = default;
};

struct Genotype {
    std::array<Position, 2> positions;  // sorted
    auto operator<=>(const Genotype&) const = default;
};

// Empty alternatives: untyped.
struct Typing {
    std::vector<Genotype> alternatives;  // sorted, unique
    [[nodiscard]] bool untyped() const noexcept { return alternatives.empty(); }
    auto operator<=>(const Typing&) const = default;
};

// Longest text of one locus that is read; a typing of a real laboratory is far shorter.
inline constexpr std::size_t kMaxTypingText = 65'536;

// One position: "A*01:01/A*01:02", "01:01/02", "A*02:XX". Throws MalformedTyping.
[[nodiscard]] Position parse_position(Locus locus, std::string_view text);
// The same into memory that is there already.
void parse_names(Locus locus, std::string_view text, std::vector<Name>& names);
// Two positions as two texts; a blank second one repeats the first, both blank is untyped. Throws MalformedTyping.
[[nodiscard]] Typing parse_pair(Locus locus, std::string_view first, std::string_view second);
// The part of a GL string that speaks of one locus: genotypes with '|', '+', '/'. Throws MalformedTyping,
// TooManyAlleles.
[[nodiscard]] Typing parse_typing(Locus locus, std::string_view text);
[[nodiscard]] std::string to_text(Locus locus, const Position& position);
[[nodiscard]] std::string to_text(Locus locus, const Typing& typing);  // canonical; empty if untyped

[[nodiscard]] std::string_view trim_blanks(std::string_view text) noexcept;
// Splits a GL string at '^' and finds the locus of every part; a part with '~' has several and says so. Names of more
// than one of DRB3, DRB4 and DRB5 in a part, or DRBX, make it one of DRB345. Throws MalformedTyping, UnknownLocus,
// LocusTwice.
struct GlPart {
    Locus locus;
    bool phased;
    std::string_view text;
};
[[nodiscard]] std::vector<GlPart> split_gl(std::string_view text);
// Whether each genotype of such a part has a second position that is not blank.
[[nodiscard]] bool says_both_positions(std::string_view part);

// Two haplotypes over some loci, as a GL string joins them by '~', or several such pairs, of which one is there ('|').
// Matching takes no notice; prediction does.
struct Phase {
    using Haplotype = std::vector<Position>;  // a position for each locus
    using Diplotype = std::array<Haplotype, 2>;
    std::vector<Locus> loci;              // ascending
    std::vector<Diplotype> alternatives;  // not empty, sorted, unique; the haplotypes of each sorted
    auto operator<=>(const Phase&) const = default;
};

// Two positions of a locus as they were written.
struct PairText {
    Locus locus;
    std::string_view first;
    std::string_view second;
};

// Where both positions of DRB345 are of one gene, that gene and DRB345 have the same typing: a GL string cannot tell
// one from the other, and a search may ask for either. Both readers see to it.
class Phenotype {
  public:
    [[nodiscard]] static Phenotype from_gl(std::string_view text);
    // Throws LocusTwice also if DRB345 is given something else than the gene that it names.
    [[nodiscard]] static Phenotype from_pairs(std::span<const PairText> pairs);
    // Of typings of which it is not known how they were written.
    [[nodiscard]] static Phenotype from_typings(std::array<Typing, kLocusCount> typings);
    [[nodiscard]] const Typing& operator[](Locus locus) const noexcept { return typings_[index_of(locus)]; }
    // The same typings, each locus by itself.
    [[nodiscard]] Phenotype unphased() const;
    [[nodiscard]] std::span<const Phase> phases() const noexcept { return phases_; }
    [[nodiscard]] std::string to_gl() const;
    auto operator<=>(const Phenotype&) const = default;

  private:
    // Sets the typings of its loci too.
    void set_phase(Phase phase);

    std::array<Typing, kLocusCount> typings_;
    std::vector<Phase> phases_;  // by their first locus; no locus twice
};

// ---- the interned dictionary of one locus
// ---------------------------------------------------------------------------------

struct TypingId {
    std::uint32_t value;
    auto operator<=>(const TypingId&) const = default;
};
struct PositionId {
    std::uint32_t value;
    auto operator<=>(const PositionId&) const = default;
};
inline constexpr TypingId kUntyped{0};

struct PositionPair {
    PositionId first;
    PositionId second;
    auto operator<=>(const PositionPair&) const = default;
};

// Offsets have one entry more than there are things; thing i owns [offsets[i], offsets[i + 1]). Typing 0 is untyped and
// has no alternatives. `pairs` holds the alternatives.
struct DictionaryView {
    Locus locus = Locus::A;
    std::span<const Name> names;
    std::span<const std::uint32_t> position_offsets;
    std::span<const std::uint32_t> position_names;
    std::span<const std::uint32_t> typing_offsets;
    std::span<const PositionPair> pairs;

    [[nodiscard]] std::size_t position_count() const noexcept { return position_offsets.size() - 1; }
    [[nodiscard]] std::size_t typing_count() const noexcept { return typing_offsets.size() - 1; }
    [[nodiscard]] std::span<const PositionPair> alternatives(TypingId typing) const noexcept {
        return pairs.subspan(typing_offsets[typing.value],
                             typing_offsets[typing.value + 1] - typing_offsets[typing.value]);
    }
    [[nodiscard]] Typing typing(TypingId id) const;
};

// The error of a position that a nomenclature cannot read: it names the first member that is not known.
[[noreturn]] void throw_unknown(const Nomenclature& nomenclature, const DictionaryView& dictionary,
                                PositionId position);

// Owning form, for a patient or a handful of typings.
class Dictionary {
  public:
    Dictionary(Locus locus, std::span<const Typing> typings);  // typing ids 1.. in the order given
    [[nodiscard]] DictionaryView view() const noexcept;

  private:
    Locus locus_;
    std::vector<Name> names_;
    std::vector<std::uint32_t> position_offsets_, position_names_, typing_offsets_;
    std::vector<PositionPair> pairs_;
};

// ---- what it means under a nomenclature
// -----------------------------------------------------------------------------------

// A set of ARD groups: bit i of word w is group 64 * (first_word + w) + i. Trimmed, so that one allele costs one word.
struct GroupSet {
    std::uint32_t first_word = 0;
    std::span<const std::uint64_t> words;

    [[nodiscard]] bool empty() const noexcept { return words.empty(); }
};

struct PositionMeaning {
    GroupSet groups;   // what may be expressed; empty: certainly null
    bool may_be_null;  // a null allele is among the members (certainly null if the groups are empty)
    bool known;        // false: the nomenclature knows none of the names (Atlas: not all); groups hold everything
};

// The meaning of every position of a dictionary. Immutable; shared by threads.
class Interpretation {
  public:
    // `also`: further names that the group space must be able to speak of (a patient's).
    Interpretation(const Nomenclature& nomenclature, const DictionaryView& dictionary, std::span<const Name> also = {},
                   MatchLevel level = MatchLevel::Ard, const Reading& reading = {});
    // In a space that exists already and covers the dictionary's names.
    Interpretation(GroupSpace space, const DictionaryView& dictionary, const Reading& reading = {});

    [[nodiscard]] const GroupSpace& space() const noexcept { return space_; }
    [[nodiscard]] PositionMeaning position(PositionId id) const noexcept {
        const std::uint32_t begin = word_offsets_[id.value];
        const std::uint32_t end = word_offsets_[id.value + 1];
        return {GroupSet{first_words_[id.value], std::span(words_).subspan(begin, end - begin)},
                (flags_[id.value] & kMayBeNull) != 0, (flags_[id.value] & kKnown) != 0};
    }
    [[nodiscard]] PositionMeaning anything() const noexcept;  // an untyped position
    // Positions that hold `group`, ascending: the inverted index.
    [[nodiscard]] std::span<const PositionId> positions_with(GroupId group) const noexcept;
    // How many groups a position has, 4 for any more.
    [[nodiscard]] std::uint8_t few_groups(PositionId id) const noexcept { return few_groups_[id.value]; }
    [[nodiscard]] std::size_t position_count() const noexcept { return flags_.size(); }
    [[nodiscard]] bool all_known() const noexcept { return all_known_; }

  private:
    static constexpr std::uint8_t kMayBeNull = 1;
    static constexpr std::uint8_t kKnown = 2;

    GroupSpace space_;
    bool all_known_ = true;
    std::vector<std::uint64_t> words_;
    std::vector<std::uint32_t> word_offsets_, first_words_;
    std::vector<std::uint8_t> flags_, few_groups_;
    std::vector<std::uint64_t> everything_;
    std::vector<std::uint32_t> inverted_offsets_;
    std::vector<PositionId> inverted_;
};

}  // namespace allomatch
