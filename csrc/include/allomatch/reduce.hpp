// Reduction of whole columns: names or GL strings to a coarser level, each distinct text once.
//
// Registries repeat themselves: the texts of a column are interned first, and only the distinct ones are read. Bad
// texts are set aside with their reason and never stop the others.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "allomatch/nomenclature.hpp"
#include "allomatch/parallel_for.hpp"
#include "allomatch/text_column.hpp"

namespace allomatch {

// One text: a name with its locus, or an allele string ("A*01:01/02"), or a whole GL string. Appends the canonical
// text at `level`. Throws MalformedTyping, UnknownLocus, UnknownName and what else reading may say.
void append_reduced_gl(std::string& out, const Nomenclature& nomenclature, std::string_view text, Level level);

struct ReducedColumn {
    static constexpr std::int32_t kNull = -1;
    std::vector<std::int32_t> indices;     // of each row: entry, or kNull (blank, null or bad)
    std::vector<std::int32_t> offsets{0};  // entries: distinct texts end to end
    std::string text;
    struct BadText {
        std::int64_t row;  // the first that has it
        std::int64_t rows;
        std::string value;
        ErrorCode code;
        std::string message;
    };
    std::vector<BadText> errors;  // by row
};

// Throws TooManyValues if the distinct results are longer than 2 GiB together, Interrupted.
[[nodiscard]] ReducedColumn reduce_column(const Nomenclature& nomenclature, const TextColumn& column, std::size_t rows,
                                          Level level, unsigned threads, const Cancel& cancel);

}  // namespace allomatch
