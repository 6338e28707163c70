// Names: what is written for one allele or code, as pure syntax. Reading one needs no data; what it stands for is the
// business of nomenclature.hpp. SEMANTICS section 1 has the forms.
//
// Invariants: a Name is a small value, ordered, with one canonical text; equal texts (after case, blanks, prefixes and
// short forms are undone) are equal values. Whatever the kind, the number that sorts names naturally comes first.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace allomatch {

// DRB345 is the locus of those laboratories that report DRB3, DRB4 and DRB5 together: two positions, each a name of one
// of the three genes, or absence.
enum class Locus : std::uint8_t { A, B, C, DRB1, DRB3, DRB4, DRB5, DQA1, DQB1, DPA1, DPB1, DRB345 };
inline constexpr std::size_t kLocusCount = 12;

[[nodiscard]] constexpr std::size_t index_of(Locus locus) noexcept {
    return static_cast<std::size_t>(locus);
}
[[nodiscard]] std::string_view locus_name(Locus locus) noexcept;
// Any case, also Cw, DRBX and DRB3/4/5; nullopt if it is none of the twelve.
[[nodiscard]] std::optional<Locus> find_locus(std::string_view text) noexcept;
[[nodiscard]] Locus require_locus(std::string_view text);  // throws UnknownLocus, naming the known ones
// 3, 4 and 5 of DRB3, DRB4 and DRB5; 0 of all others.
[[nodiscard]] std::uint16_t gene_of(Locus locus) noexcept;
// DRB3, DRB4, DRB5 or DRB345.
[[nodiscard]] bool shares_drb345(Locus locus) noexcept;

enum class NameKind : std::uint8_t {
    Allele,
    GGroup,
    PGroup,
    XxCode,
    SmallG,
    Mac,       // multiple allele code: "A*02:GFJM"
    Serology,  // "A2", "Cw3", "DR52"
    New,       // an allele not yet named: "A*02:NEW", "A*NEW"
    Absent,    // no gene of DRB3, DRB4, DRB5 on this chromosome
    Version2,  // a name of before April 2010: "A*0201"
};

// One name at a known locus, as syntax. `fields`, absent ones 0, by kind:
//   Allele, GGroup, PGroup, SmallG, XxCode: the fields; New: the first field or 0; Absent: none
//   Mac: the first field, then the code (mac_code); Serology: the antigen's number; Version2: see version2_digits.
struct Name {
    std::array<std::uint16_t, 4> fields{};
    NameKind kind = NameKind::Allele;
    char suffix = 0;         // of alleles and version 2 names: 0 or one of N L S C A Q
    std::uint16_t gene = 0;  // at DRB345: 3, 4 or 5; elsewhere 0

    bool operator==(const Name&) const = default;
    friend std::strong_ordering operator<=>(const Name& a, const Name& b) noexcept {
        if (a.gene != b.gene) return a.gene <=> b.gene;
        if (const auto order = a.packed_fields() <=> b.packed_fields(); order != 0) return order;
        if (a.kind != b.kind) return a.kind <=> b.kind;
        return a.suffix <=> b.suffix;
    }
    // The fields as one number that sorts as they do.
    [[nodiscard]] constexpr std::uint64_t packed_fields() const noexcept {
        return std::uint64_t{fields[0]} << 48U | std::uint64_t{fields[1]} << 32U | std::uint64_t{fields[2]} << 16U |
               fields[3];
    }
    [[nodiscard]] std::size_t field_count() const noexcept;
};

// The letters of a multiple allele code as a number, and back. Up to six letters; 0 if it is no such code.
[[nodiscard]] std::uint32_t mac_code(std::string_view letters) noexcept;
[[nodiscard]] std::string mac_letters(std::uint32_t code);
[[nodiscard]] std::uint32_t mac_code(const Name& name) noexcept;
// The digits of a version 2 name: "0201".
[[nodiscard]] std::string version2_digits(const Name& name);
// A version 2 name by the rule of April 2010 (Marsh et al., Tissue Antigens 2010;75:291): two digits a field, A*92 and
// B*95 continue A*02 and B*15 from 101. nullopt for an odd number of digits.
[[nodiscard]] std::optional<Name> version2_by_rule(Locus locus, const Name& name) noexcept;

// One field of a name: two digits, or three or four without a leading zero; 0 if the text is none of these, as no field
// is "00".
[[nodiscard]] std::uint16_t parse_field(std::string_view text) noexcept;

// Reads "02:01:01:01N", "A*02:01", "HLA-A*02:XX", "A*01:01:01G", "A2", "A*0201"... at `locus`. Throws MalformedTyping
// (with value, locus, remedy).
[[nodiscard]] Name parse_name(Locus locus, std::string_view text);
[[nodiscard]] std::string to_text(Locus locus, const Name& name);
void append_text(std::string& text, Locus locus, const Name& name);

// A name that says its locus: "A*02:01", "HLA-DRB1*04:XX", "DR52". Throws MalformedTyping, UnknownLocus.
struct NameAtLocus {
    Locus locus;
    Name name;
};
[[nodiscard]] NameAtLocus parse_name_with_locus(std::string_view text);
// The locus that the first name of `text` says: of "HLA-DRB1*04:01+..." DRB1, of "A2" A. nullopt if it says none;
// throws UnknownLocus if there is a '*' behind something else.
[[nodiscard]] std::optional<Locus> locus_said(std::string_view text);

}  // namespace allomatch
