// Symbols of a donor's allele beside one patient genotype at a locus, and the mismatches of two of them.
//
// An allele is another one, the patient's first or second, or null. Where two others of equal name count less than two
// unlike ones (host-versus-graft), each has a symbol of its own.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace allomatch {

inline constexpr unsigned kOther = 0;
inline constexpr unsigned kFirst = 1;
inline constexpr unsigned kSecond = 2;
inline constexpr unsigned kNull = 3;
inline constexpr unsigned kElse = 4;  // an other one unlike kOther
inline constexpr unsigned kSymbols = 5;
inline constexpr unsigned kNamed = 8;  // kNamed + what: an other one that is told apart from the rest

using SymbolTable = std::array<std::uint8_t, std::size_t{kSymbols} * kSymbols>;

[[nodiscard]] inline unsigned mismatches(const SymbolTable& table, unsigned s, unsigned t) noexcept {
    // Two others are the same only if they have one name; those without a name never are.
    const bool same = s == t && s >= kNamed;
    if (s >= kNamed) s = kOther;
    if (t >= kNamed || t == kOther) t = same ? kOther : kElse;
    return table[s * kSymbols + t];
}

}  // namespace allomatch
