// Interning of typings while donors are read: text -> position -> pair of positions -> typing, each parsed once.
//
// Ids are in the order of first sight here; `canonical` renumbers them by content, so that a file does not depend on
// the order in which donors came.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "allomatch/error.hpp"
#include "allomatch/phenotype.hpp"
#include "pair_table.hpp"
#include "text_table.hpp"

namespace allomatch {

// Tables of one locus as they are written, and the new number of every typing (kDropped if no donor has it).
struct CanonicalDictionary {
    static constexpr std::uint32_t kDropped = 0xffffffff;
    std::vector<std::string> names;
    std::vector<std::uint32_t> position_offsets, position_names, typing_offsets, typing_donors;
    std::vector<PositionPair> pairs;
    std::vector<std::uint32_t> new_ids;
};

class TypingInterner {
  public:
    explicit TypingInterner(Locus locus) : locus_(locus) {}
    void require_known(std::shared_ptr<const Nomenclature> nomenclature) { nomenclature_ = std::move(nomenclature); }

    // Number of a position's text (blank included); to be used again while texts repeat.
    std::uint32_t position_text(std::string_view text);
    // The typing of two position texts. Throws the error of a malformed or unknown one, every time.
    std::uint32_t pair(std::uint32_t first_text, std::uint32_t second_text);
    // The typing of one locus of a GL string. Throws likewise.
    std::uint32_t gl(std::string_view text);
    std::uint32_t typing(const Typing& typing);
    // And back.
    [[nodiscard]] Typing typing_of(std::uint32_t id) const;

    // The pairs of positions of a typing.
    [[nodiscard]] std::span<const PositionPair> pairs_of(std::uint32_t typing) const noexcept {
        return typing == 0 ? std::span<const PositionPair>() : typings_[typing - 1];
    }
    [[nodiscard]] std::size_t position_count() const noexcept { return positions_.size(); }
    [[nodiscard]] const Position& position(PositionId id) const noexcept { return *positions_[id.value]; }
    // What the nomenclature that is required does to read a position; nothing if none is.
    [[nodiscard]] std::vector<Note> notes(PositionId id) const;

    [[nodiscard]] std::size_t typing_count() const noexcept { return typings_.size() + 1; }
    // `donors[t]`: donors with typing t.
    [[nodiscard]] CanonicalDictionary canonical(std::span<const std::uint32_t> donors) const;

  private:
    using Pairs = std::vector<PositionPair>;
    std::uint32_t intern(Pairs pairs);
    std::uint32_t intern_position(const Position& position);
    std::uint32_t read_pair(std::uint32_t first_text, std::uint32_t second_text);
    void check_known(const Position& position) const;

    // What reading a text came to: an id, or the error that is thrown for each row that has it.
    struct Outcome {
        std::uint32_t id = 0;
        std::shared_ptr<const Error> error;
    };
    template <typename Read>
    Outcome attempt(Read read);

    Locus locus_;
    std::shared_ptr<const Nomenclature> nomenclature_;
    TextTable position_texts_;
    std::vector<Outcome> text_positions_;  // of each position text
    static constexpr std::uint32_t kFailed = PairTable::kNew - 1;
    PairTable text_pairs_;  // typings, or kFailed
    std::unordered_map<std::uint64_t, Error> failed_pairs_;
    TextTable gl_texts_;
    std::vector<Outcome> gl_typings_;
    std::map<Position, std::uint32_t> position_ids_;
    std::vector<const Position*> positions_;  // keys of position_ids_
    std::map<Pairs, std::uint32_t> several_;  // typings of several genotypes
    std::unordered_map<std::uint64_t, std::uint32_t> single_;
    std::vector<Pairs> typings_;  // typing t is typings_[t - 1]
};

}  // namespace allomatch
