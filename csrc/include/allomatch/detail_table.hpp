// Details of many pairs at once: two columns of phenotypes, or one phenotype against a column.
//
// Texts are interned first (`TypingColumns`), so that a text is read once and a typing looked at once, however many
// rows have it; a pair of typings at a locus is compared once as well. Rows are shared out among threads. A row that
// cannot be read does not stop the others: it is named in the errors, and its details mean nothing.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "allomatch/detail.hpp"
#include "allomatch/parallel_for.hpp"
#include "allomatch/text_column.hpp"

namespace allomatch {

// A table's columns of typings: GL strings, or two positions a locus.
struct TypingCells {
    std::size_t rows = 0;
    std::optional<TextColumn> gl;
    std::array<std::optional<std::array<TextColumn, 2>>, kLocusCount> loci;
};

struct CellError {
    std::size_t row;
    Side side;
    std::string field;  // "gl", or the locus
    std::string value;
    ErrorCode code;
    std::string message;
};

class TypingColumns {
  public:
    // One phenotype that stands for any number of rows.
    TypingColumns(const Phenotype& phenotype, std::span<const Locus> loci);
    // Rows that cannot be read are added to `errors`, as of `side`.
    TypingColumns(const TypingCells& cells, Side side, std::span<const Locus> loci, unsigned threads,
                  const Cancel& cancel, std::vector<CellError>& errors);
    // Rows that hold typings of other dictionaries (a registry's); those that no row has are left behind.
    struct Chosen {
        DictionaryView dictionary;
        std::vector<TypingId> typings;  // of each row
    };
    TypingColumns(std::span<const Chosen> loci, std::size_t rows);
    ~TypingColumns();
    TypingColumns(TypingColumns&&) noexcept;
    TypingColumns& operator=(TypingColumns&&) = delete;
    TypingColumns(const TypingColumns&) = delete;
    TypingColumns& operator=(const TypingColumns&) = delete;

    [[nodiscard]] bool single() const noexcept { return single_; }
    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
    [[nodiscard]] DictionaryView dictionary(Locus locus) const noexcept;
    [[nodiscard]] TypingId typing(Locus locus, std::size_t row) const noexcept;
    // Of every row; one for a single phenotype.
    [[nodiscard]] std::span<const std::uint32_t> typings(Locus locus) const noexcept;
    [[nodiscard]] std::span<const Phase> phases(std::size_t row) const noexcept;

  private:
    struct Column;
    std::unordered_map<std::size_t, std::vector<Phase>> phases_;  // of the few rows that have any
    bool single_;
    std::size_t rows_;
    std::array<std::unique_ptr<Column>, kLocusCount> columns_;
};

// A column of one byte for each byte of LocusDetail, one after the other: byte k of row r is at k * rows + r.
inline constexpr std::size_t kDetailBytes = 22;
static_assert(sizeof(LocusDetail) == kDetailBytes, "a column for every byte");

struct DetailRequest {
    std::vector<Locus> loci;
    NullPolicy policy = NullPolicy::Explicit;
    Profile profile = Profile::Standard;
    bool donor_required = true;  // a donor's unknown typing is an error; otherwise it is untyped
    unsigned threads = 0;
};

// A table for each locus asked for. Typings that the nomenclature does not know are added to `errors`, which are sorted
// by row. Throws InvalidArgument if two columns are of unlike length, UnknownName for a single phenotype.
[[nodiscard]] std::vector<std::vector<std::uint8_t>> match_columns(const Nomenclature& nomenclature,
                                                                   const TypingColumns& patients,
                                                                   const TypingColumns& donors,
                                                                   const DetailRequest& request, const Cancel& cancel,
                                                                   std::vector<CellError>& errors);

}  // namespace allomatch
