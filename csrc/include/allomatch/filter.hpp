// Filters: which donors a search may return, by their attributes.
//
// A filter is a function of rows, so that a search tests only the donors that its typings let through and never scans
// an attribute of everyone. `compile_filter` makes one from a text such as
//
//     sex == 'M' and birth_year >= 1985 and status in ('available', 'reserved') and cmv is not null
//
// Grammar (words in any case, blanks where you like):
//
//     filter = all {"or" all}          all = each {"and" each}          each = "not" each | "(" filter ")" | test
//     test   = column ("==" | "!=" | "<" | "<=" | ">" | ">=") value
//            | column ["not"] "in" "(" value {"," value} ")"
//            | column "is" ["not"] "null" | column ".isna()" | column ".notna()"
//     value  = number | 'text' | "text"          (texts are compared by == != in; values of [] do as well as of ())
//
// Invariants: logic has three values, as in SQL and Arrow. A test of an attribute that is not known is unknown, except
// "is null"; not unknown is unknown; false and anything is false; true or anything is true. A donor passes if the
// whole is true. Numbers are compared with the precision that the column has (a dose of 150.1 is at least 150.1).
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "allomatch/registry.hpp"

namespace allomatch {

// Sets pass[i] to 1 if the donor of rows[i] passes, otherwise to 0. Called by several threads at once.
using RowFilter = std::function<void(std::span<const DonorRow> rows, std::span<std::uint8_t> pass)>;

inline constexpr std::size_t kMaxFilterText = 65'536;

// The filter reads `segment`, which must outlive it. Throws InvalidArgument (malformed text, or a value that the column
// cannot have), MissingColumn, WrongType; each names the filter, the place in it and the remedy.
[[nodiscard]] RowFilter compile_filter(std::string_view text, const Segment& segment);

}  // namespace allomatch
