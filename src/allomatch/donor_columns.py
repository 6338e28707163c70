"""Donor columns: which columns of a table are donors', checked, and cast to what the core reads.

Anything with the Arrow C stream is a table of donors if it has ``donor_id`` and typings. What cannot be a table of donors is
refused before anything is written; single bad values are the core's business.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from allomatch import _core
from allomatch.errors import problem
from allomatch.nomenclature import LOCI
from allomatch.serology import SEROLOGY_LOCI, serology_columns

__all__ = ["batches_of", "canonical", "known_columns", "reader_of"]


def batches_of(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    """Yield the batches of a stream, each checked to be what the stream said it would be."""
    for batch in reader:
        if not batch.schema.equals(reader.schema):
            raise problem(
                "WrongType",
                f"a batch of the stream has the columns {', '.join(batch.schema.names)}, its schema says "
                f"{', '.join(reader.schema.names)}; give batches of one schema",
            )
        yield batch


def reader_of(table: Any) -> pa.RecordBatchReader:
    """Open any Arrow-compatible table as a stream of record batches."""
    if isinstance(table, pa.RecordBatchReader):
        return table
    if isinstance(table, pa.RecordBatch):
        table = pa.Table.from_batches([table])
    if not hasattr(table, "__arrow_c_stream__"):
        raise problem(
            "WrongType",
            f"a table of donors is needed, this is a {type(table).__name__}; give a pyarrow, pandas, polars or duckdb table "
            "(anything with the Arrow C stream)",
        )
    names = list(getattr(table, "columns", ()))
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        _check_twice(names)  # pandas would say so in its own words
    try:
        return pa.RecordBatchReader.from_stream(table)
    except (pa.ArrowException, ValueError, TypeError) as failure:
        raise problem(
            "WrongType", f"this {type(table).__name__} cannot be read as an Arrow table: {failure}"
        ) from failure


def _check_twice(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise problem("InvalidArgument", f"column {name!r} is there twice; name each column once")


def known_columns(schema: pa.Schema) -> tuple[dict[str, int], tuple[str, ...]]:
    """Return the columns that are used (name -> place) and the names of those that are not."""
    names = schema.names
    _check_twice(names)
    if "donor_id" not in names:
        meant = next(
            (name for name in names if name.strip().lower() in ("donor_id", "donorid", "donor id", "id")), None
        )
        remedy = "add it" if meant is None else f"rename {meant!r} if that is it"
        raise problem(
            "MissingColumn", f"column 'donor_id' is missing; the table has {', '.join(names) or 'no columns'}: {remedy}"
        )
    pairs = [f"{locus}_{i}" for locus in LOCI for i in (1, 2)]
    pairs += [name for locus in SEROLOGY_LOCI for name in serology_columns(locus)]
    present = [name for name in pairs if name in names]
    for name in names:
        locus, _, side = name.rpartition("_")
        if locus in LOCI and side.isdecimal() and name not in pairs:
            raise problem(
                "InvalidArgument",
                f"column {name!r}: a locus has two positions, '{locus}_1' and '{locus}_2'; write what one position may be as "
                "one text (A*01:01/01:02), and leave the column out",
            )
        # "address_1" is another column; "DBR1_1" and "E_1" are meant as loci.
        if side in ("1", "2") and name not in pairs and re.fullmatch(r"[A-Z]{1,3}[A-Z0-9]{0,3}", locus):
            raise problem("UnknownLocus", f"column {name!r} names no known locus; known are {', '.join(LOCI)}")
    for name in present:
        other = name[:-1] + ("2" if name.endswith("1") else "1")
        if other not in names:
            message = f"column {other!r} is missing beside {name!r}; a locus has two positions: add it, blank where both are alike"
            raise problem("MissingColumn", message)
    if "gl" in names and present:
        raise problem("InvalidArgument", f"the table has both 'gl' and {present[0]!r}; give typings in one way only")
    if "gl" not in names and not present:
        raise problem(
            "MissingColumn",
            f"no typings: neither 'gl' nor pairs such as 'A_1', 'A_2'; the table has {', '.join(names)}",
        )
    used = ["donor_id", "gl", *present, *_core.ATTRIBUTES]
    columns = {name: names.index(name) for name in used if name in names}
    for name, index in columns.items():
        _check_type(name, schema.field(index).type)
    return columns, tuple(name for name in names if name not in columns)


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):
        return _is_text(kind.value_type)
    texts = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    raw = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view, pa.types.is_null)
    return any(test(kind) for test in texts + raw)


def _check_type(name: str, kind: pa.DataType) -> None:
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    if _core.ATTRIBUTES.get(name) in ("int16", "float32"):
        if not number and not _is_text(kind):
            raise problem("WrongType", f"column {name!r} is of type {kind}; numbers are needed: cast it")
    elif not _is_text(kind) and not (name == "donor_id" and pa.types.is_integer(kind)):
        raise problem("WrongType", f"column {name!r} is of type {kind}; text is needed: cast it to strings")


def canonical(name: str, array: pa.Array) -> pa.Array:
    """Cast a column of one batch to what the core reads: utf8, dictionary<int32, utf8>, or float64."""
    kind = array.type
    if _core.ATTRIBUTES.get(name) in ("int16", "float32") and not _is_text(kind):
        return array.cast(pa.float64(), safe=False)
    if pa.types.is_dictionary(kind):
        if array.dictionary.null_count == 0:
            entries = canonical(name, array.dictionary)
            return pa.DictionaryArray.from_arrays(pc.cast(array.indices, pa.int32()), entries)
        array = array.dictionary_decode()
        kind = array.type
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        array = array.cast(pa.binary())
        kind = array.type
    if pa.types.is_binary(kind):
        # Bytes that are not UTF-8 are bad rows, not a bad column: the core looks at each.
        return pa.StringArray.from_buffers(
            len(array), array.buffers()[1], array.buffers()[2], array.buffers()[0], array.null_count, array.offset
        )
    return array.cast(pa.string())
