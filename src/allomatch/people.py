"""People as tables: one phenotype for all rows, a column of GL strings, or a table with columns of typings.

What the functions over many people share: reading what users have (pyarrow, pandas, polars, duckdb, lists), and handing it to
the core as text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from allomatch import _core
from allomatch.errors import problem
from allomatch.phenotype import Phenotype

__all__ = ["Columns", "bad_rows", "cell_errors", "columns_of_side", "part_of_side", "row_table", "rows_of_sides"]

CELL_ERRORS = pa.schema(
    [
        ("row", pa.int64()),
        ("field", pa.string()),
        ("value", pa.string()),
        ("code", pa.int32()),
        ("message", pa.string()),
    ]
)

Columns = dict[str, pa.ChunkedArray]

_SHARED_LOCI = ("DRB3", "DRB4", "DRB5", "DRB345")


def columns_of_side(name: str, value: Any, loci: Sequence[str]) -> Phenotype | Columns:
    """Return a phenotype, or columns of text by their name."""
    if isinstance(value, str):
        return Phenotype(value)
    if isinstance(value, Phenotype):
        return value
    if isinstance(value, pa.RecordBatch):
        value = pa.Table.from_batches([value])
    try:
        if isinstance(value, (pa.Array, pa.ChunkedArray)):
            return {"gl": _text(name, "gl", pa.chunked_array([value]) if isinstance(value, pa.Array) else value)}
        if isinstance(value, (list, tuple)) or (hasattr(value, "dtype") and not hasattr(value, "columns")):
            values = pa.array(value, from_pandas=True) if not hasattr(value, "to_arrow") else value.to_arrow()
            return {"gl": _text(name, "gl", pa.chunked_array([values]))}
        if not hasattr(value, "__arrow_c_stream__"):
            raise TypeError(f"a {type(value).__name__} is none of these")
        table = value if isinstance(value, pa.Table) else pa.table(value)
    except (pa.ArrowException, TypeError, ValueError) as failure:
        raise problem(
            "WrongType",
            f"{name} are a phenotype, a GL string, a column of GL strings, or a table (pyarrow, pandas, polars, duckdb); "
            f"this cannot be read: {failure}",
        ) from failure
    present = {column.strip().upper(): column for column in table.column_names}
    if "GL" in present:
        return {"gl": _text(name, "gl", table[present["GL"]])}
    columns: Columns = {}
    # A typing of a gene can be one of DRB345, and the other way round.
    shared = () if set(loci).isdisjoint(_SHARED_LOCI) else _SHARED_LOCI
    for locus in dict.fromkeys([*loci, *shared]):
        pair = [f"{locus}_1", f"{locus}_2"]
        if all(column in present for column in pair):
            columns |= {column: _text(name, column, table[present[column]]) for column in pair}
    if not columns:
        raise problem(
            "MissingColumn",
            f"{name} have the columns {', '.join(table.column_names)}; a column gl is needed, or columns such as "
            f"{loci[0]}_1 and {loci[0]}_2",
        )
    return columns


def _text(side: str, name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_string_view(kind):
        return column.cast(pa.large_string())
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)):
        raise problem("WrongType", f"column {name} of the {side} is {column.type}; text is needed")
    return column


def rows_of_sides(first: Phenotype | Columns, second: Phenotype | Columns) -> int:
    """Return how many rows there are: those of the tables, 1 for two phenotypes; tables must be of one length."""
    lengths = [len(next(iter(side.values()))) for side in (first, second) if not isinstance(side, Phenotype)]
    if len(set(lengths)) > 1:
        raise problem(
            "InvalidArgument",
            f"there are {lengths[0]} patients and {lengths[1]} donors; give as many of both, or one of either",
        )
    return lengths[0] if lengths else 1


def part_of_side(side: Phenotype | Columns, begin: int, count: int) -> _core.Phenotype | dict[str, pa.Array]:
    """Return some rows as the core reads them: utf8, or a dictionary of it."""
    if isinstance(side, Phenotype):
        return side._core
    part: dict[str, pa.Array] = {}
    for name, column in side.items():
        rows = column.slice(begin, count)
        if pa.types.is_dictionary(rows.type):
            rows = rows.unify_dictionaries()
            kind = pa.dictionary(pa.int32(), pa.string())
            plain = rows.num_chunks == 0 or any(chunk.dictionary.null_count for chunk in rows.chunks)
            rows = rows.cast(pa.string()) if plain else rows.cast(kind)
        else:
            rows = rows.cast(pa.string())
        combined = rows.combine_chunks()
        part[name] = combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)
    return part


def cell_errors(errors: Sequence[_core.CellError]) -> pa.Table:
    """Return what could not be read of one side as a table: row (from 0), field, value, code (docs/errors.md), message."""
    return row_table([(row, *rest) for row, _, *rest in errors], CELL_ERRORS)


def bad_rows(errors: Sequence[_core.CellError], rows: int) -> npt.NDArray[np.bool_]:
    """Return which rows could not be read; shape (rows,)."""
    bad = np.zeros(rows, dtype=bool)
    bad[[error[0] for error in errors]] = True
    return bad


def row_table(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    """Return rows as a table; there may be none."""
    return pa.table([pa.array([row[i] for row in rows], field.type) for i, field in enumerate(schema)], schema=schema)
