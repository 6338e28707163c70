// Registry: donors as columns of typing ids and attributes, sorted by phenotype, in one immutable file.
//
// A registry knows no nomenclature: it keeps the text of typings, interned (phenotype.hpp), and a trie of the donors'
// phenotypes. `RegistryBuilder` takes batches of rows and writes a segment file; `Segment` maps one and hands out
// views.
//
// Invariants: rows are sorted by their typing ids, loci in the order of `TrieView::order` (most selective first), then
// by donor id; donors with equal typings at all loci are one *phenotype*, a range of rows. The same donors give the
// same bytes in whatever order and batches they came, for any number of threads.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "allomatch/error.hpp"
#include "allomatch/marks.hpp"
#include "allomatch/packed_rows.hpp"
#include "allomatch/parallel_for.hpp"
#include "allomatch/phenotype.hpp"
#include "allomatch/text_column.hpp"

namespace allomatch {

struct DonorRow {
    std::uint32_t value;
    auto operator<=>(const DonorRow&) const = default;
};
struct PhenotypeId {
    std::uint32_t value;
    auto operator<=>(const PhenotypeId&) const = default;
};

// ---- attributes
// -----------------------------------------------------------------------------------------------------------

enum class AttributeKind : std::uint8_t { Int16, Float32, Category };

struct AttributeSpec {
    std::string_view name;
    AttributeKind kind;
    double least, greatest;    // of numbers, inclusive
    std::string_view allowed;  // of categories: "F M", or empty for any short text
};

inline constexpr std::size_t kAttributeCount = 16;
[[nodiscard]] std::span<const AttributeSpec, kAttributeCount> attribute_specs() noexcept;

inline constexpr std::int16_t kNoInt = INT16_MIN;     // null of an Int16 column; NaN is null of a Float32 column
inline constexpr std::uint16_t kNoCategory = 0xffff;  // null of a Category column (0xff where codes are one byte)

struct AttributeColumn {
    bool present = false;  // false: null for every donor
    std::span<const std::int16_t> ints;
    std::span<const float> floats;
    std::span<const std::uint8_t> codes8;    // index into categories, narrow ...
    std::span<const std::uint16_t> codes16;  // ... or wide
    std::vector<std::string_view> categories;
};

// ---- reading
// --------------------------------------------------------------------------------------------------------------

// The phenotype trie. Levels [0, depth) are stored as nodes, children of equal parents side by side; where nearly every
// node would have one child, the remaining loci are plain columns over the phenotypes.
struct TrieView {
    // Two more ways in, for searches that allow mismatches (postings_walk.cpp says why). Offsets are by typing.
    struct Postings {
        // Of each typing at order[1] the first phenotypes of its nodes, ascending, and the typing at order[0] above
        // each.
        std::span<const std::uint32_t> node_offsets, node_tops, nodes;
        // ... and a bit for each class of the typings at order[2] below it; and the class of each of these typings.
        std::span<const std::uint32_t> node_thirds;
        std::span<const std::uint8_t> third_classes;
        // Of each typing at order[2] its phenotypes, ascending, in runs of equal typings at order[0]. Each is a row:
        // its number, its typing at order[1], and those at order[3] and on, as far as a word has room.
        std::span<const std::uint32_t> run_offsets, run_tops, run_starts;
        PackedRows rows;
    };
    struct Level {
        std::span<const std::uint32_t> typings;  // of each node
        std::span<const std::uint32_t>
            children;  // first child of each node in the next level (or first phenotype), and the end
    };
    std::vector<Locus> order;          // the loci that anyone is typed at
    std::vector<Level> levels;         // depth of them: order[0 .. depth)
    PackedRows below;                  // order[depth ..): the typings of each phenotype
    Marks rows;                        // which rows begin a phenotype
    Marks nodes;                       // which phenotypes begin a node of the last level
    std::optional<Postings> postings;  // if there are exactly two levels of nodes, and a locus below
};

enum class Validate : std::uint8_t { Header, Full };

struct BlockInfo {
    std::string_view name;
    std::uint64_t offset, bytes;
};

class MappedFile;
class FileLock;

class Segment {
  public:
    // Header: head, directory and lengths are checked, contents are trusted. Full: every block's checksum and every id.
    // Throws FileNotFound, PermissionDenied, NotARegistry, NewerFormat, TruncatedFile, ChecksumMismatch, CorruptFile.
    [[nodiscard]] static std::shared_ptr<const Segment> open(const std::filesystem::path& path, Validate validate,
                                                             const Cancel& cancel = Cancel());
    ~Segment();
    Segment(const Segment&) = delete;
    Segment& operator=(const Segment&) = delete;
    Segment(Segment&&) = delete;
    Segment& operator=(Segment&&) = delete;

    [[nodiscard]] std::size_t donor_count() const noexcept { return donor_ranks_.size(); }
    [[nodiscard]] std::size_t phenotype_count() const noexcept { return trie_.rows.groups(); }
    [[nodiscard]] const TrieView& trie() const noexcept { return trie_; }
    // Typing 0 (untyped) only, for a locus that nobody is typed at.
    [[nodiscard]] const DictionaryView& dictionary(Locus locus) const noexcept {
        return dictionaries_[index_of(locus)];
    }
    // Donors with each typing.
    [[nodiscard]] std::span<const std::uint32_t> typing_donors(Locus locus) const noexcept {
        return typing_donors_[index_of(locus)];
    }
    // Typings [1, n) with exactly one genotype come before those with several; this is n.
    [[nodiscard]] std::size_t single_genotype_typings(Locus locus) const noexcept { return singles_[index_of(locus)]; }
    // These two look at long blocks that a Header check trusts; they throw CorruptFile rather than read elsewhere.
    [[nodiscard]] std::string_view donor_id(DonorRow row) const;
    struct Rows {
        std::uint32_t first, last;
    };
    [[nodiscard]] Rows rows_of(PhenotypeId phenotype) const;
    // The typing of every phenotype at a locus that is in the trie's order.
    [[nodiscard]] std::vector<TypingId> typings_of_phenotypes(Locus locus) const;
    // Place of each row in the order of donor ids (bytewise): what breaks ties.
    [[nodiscard]] std::span<const std::uint32_t> donor_ranks() const noexcept { return donor_ranks_; }
    [[nodiscard]] const AttributeColumn& attribute(std::size_t index) const noexcept { return attributes_[index]; }
    [[nodiscard]] PhenotypeId phenotype_of(DonorRow row) const noexcept;
    [[nodiscard]] TypingId typing_of(PhenotypeId phenotype, Locus locus) const;
    [[nodiscard]] std::vector<BlockInfo> blocks() const;
    [[nodiscard]] std::uint64_t file_bytes() const noexcept;

  private:
    Segment(const std::filesystem::path& path, Validate validate, const Cancel& cancel);
    struct Directory;
    void read_dictionary(const Directory& directory, Locus locus);
    void read_attributes(const Directory& directory);
    void read_trie(const Directory& directory);
    void read_rows_below(const Directory& directory);
    void read_postings(const Directory& directory);
    void check_postings(const Cancel& cancel) const;
    void check_contents(const Cancel& cancel) const;
    [[noreturn]] void throw_corrupt(const std::string& what) const;

    std::unique_ptr<MappedFile> file_;
    std::unique_ptr<Directory> directory_;
    std::array<DictionaryView, kLocusCount> dictionaries_;
    std::array<std::vector<Name>, kLocusCount> names_;
    std::array<std::span<const std::uint32_t>, kLocusCount> typing_donors_;
    std::array<std::size_t, kLocusCount> singles_{};
    TrieView trie_;
    std::span<const std::uint32_t> donor_offsets_;
    std::string_view donor_text_;
    std::span<const std::uint32_t> donor_ranks_;
    std::array<AttributeColumn, kAttributeCount> attributes_;
};

// ---- writing
// --------------------------------------------------------------------------------------------------------------

struct NumberColumn {
    const double* values = nullptr;
    const std::uint8_t* validity = nullptr;
    std::size_t validity_offset = 0;
    [[nodiscard]] bool valid(std::size_t row) const noexcept {
        const std::size_t bit = row + validity_offset;
        return validity == nullptr || (validity[bit >> 3U] >> (bit & 7U) & 1U) != 0;
    }
};

struct DonorBatch {
    std::size_t rows = 0;
    std::int64_t first_row = 0;  // of the batch in the whole input, for messages
    TextColumn donor_id;
    std::optional<TextColumn> gl;
    std::array<std::optional<std::array<TextColumn, 2>>, kLocusCount> loci;
    std::array<std::optional<TextColumn>, kAttributeCount> texts;      // categories, or numbers as text
    std::array<std::optional<NumberColumn>, kAttributeCount> numbers;  // Int16 and Float32 attributes
};

struct RowError {
    std::int64_t row;
    std::string donor_id, field, value;
    ErrorCode code;
    std::string message;
};

// Something about rows that went in: a name carried to another one, members left out, phase dropped. One entry for a
// message, however many rows have it.
struct RowWarning {
    std::int64_t rows;       // how many
    std::int64_t first_row;  // the first of them, and its donor
    std::string donor_id, field, value;
    ErrorCode code;
    std::string message;
};

struct Donors;  // the rows gathered so far; private to registry_builder.cpp

class RegistryBuilder {
  public:
    RegistryBuilder();
    ~RegistryBuilder();
    RegistryBuilder(const RegistryBuilder&) = delete;
    RegistryBuilder& operator=(const RegistryBuilder&) = delete;
    RegistryBuilder(RegistryBuilder&&) = delete;
    RegistryBuilder& operator=(RegistryBuilder&&) = delete;

    // Typings with a name that `nomenclature` lacks are rejected from now on.
    void require_known(std::shared_ptr<const Nomenclature> nomenclature);
    // Takes over the donors of a registry file that `finish` will replace, and keeps other writers out of it until
    // then.
    void extend(const std::filesystem::path& path, const Cancel& cancel);
    // Lets other writers at the file again; also done by the destructor.
    void close() noexcept;
    // Good rows go in; bad ones are appended to `errors`.
    void add_batch(const DonorBatch& batch, unsigned threads, const Cancel& cancel, std::vector<RowError>& errors);
    // Writes everything to `path`, whole or not at all. Rows whose donor id came before are appended to `errors`, what
    // was said of the rows that went in to `warnings`, by first row and field. Returns the number of donors in the
    // file. The builder is spent.
    std::size_t finish(const std::filesystem::path& path, bool replace, unsigned threads, const Cancel& cancel,
                       std::vector<RowError>& errors, std::vector<RowWarning>& warnings);

  private:
    void add_segment(const Segment& segment, const Cancel& cancel);
    std::unique_ptr<FileLock> lock_;
    std::unique_ptr<Donors> donors_;
};

}  // namespace allomatch
