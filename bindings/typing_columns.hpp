// People as tables: a phenotype, or columns of typings as the face casts them ("gl", or "A_1", "A_2" and so on).
#pragma once

#include "allomatch/detail_table.hpp"
#include "bindings.hpp"

namespace allomatch::bindings {

[[nodiscard]] TypingColumns typing_columns(const py::object& table, Side side, std::size_t rows,
                                           std::span<const Locus> loci, unsigned threads,
                                           std::vector<CellError>& errors);
// One array a locus, a row for every byte of its detail.
[[nodiscard]] py::list detail_arrays(std::vector<std::vector<std::uint8_t>> tables, std::size_t rows);
// row, side, field, value, code, message
[[nodiscard]] py::list cell_errors(std::span<const CellError> errors);

}  // namespace allomatch::bindings
