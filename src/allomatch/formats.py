"""Formats: tables of donors in files, opened as streams of record batches; results written as files of the user's own.

Every value of a CSV file is read as text, so that a bad value is a bad row and not the end of the file; rows with too few or too
many cells are set aside by number (their text may hold names and is never shown). Nothing is read ahead of use.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import os
import secrets
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from allomatch.errors import AllomatchError, problem
from allomatch.releases import access_problem

__all__ = ["TableFile", "check_table_path", "open_table", "write_table", "write_whole"]

_BATCH_ROWS = 262_144


@dataclass(slots=True)
class TableFile:
    """A table in a file, being read.

    Attributes:
        schema: Its columns.
        batches: The rows, once.
        ragged: Rows that had another number of cells than the heading, so far: (number in the file from 1, cells).
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    ragged: list[tuple[int, int]] = field(default_factory=list)


def open_table(path: Path) -> TableFile:
    """Open a ``.csv``, ``.csv.gz`` or ``.parquet`` file (in any case).

    Args:
        path: The file. CSV is UTF-8, comma separated, with a heading; quoted values may hold newlines.

    Raises:
        FileAccessError: The file does not exist or cannot be read.
        ArgumentError: It is not what its name says. Also raised while the batches are taken.
    """
    name = path.name.lower()
    if not path.is_file():
        raise problem("FileNotFound", f"there is no file {str(path)!r}; check the path")
    try:
        if name.endswith(".parquet"):
            file = pq.ParquetFile(path)
            return TableFile(file.schema_arrow, _guarded(path, file.iter_batches(batch_size=_BATCH_ROWS)))
        if name.endswith((".csv", ".csv.gz")):
            return _open_csv(path)
    except (pa.ArrowException, OSError, EOFError, zlib.error, UnicodeError, csv.Error) as failure:
        raise _unreadable(path, failure) from failure
    raise problem(
        "InvalidArgument", f"cannot tell what {str(path)!r} is by its name; name a .csv, .csv.gz or .parquet file"
    )


def _unreadable(path: Path, failure: Exception) -> AllomatchError:
    # Arrow quotes the row that it failed at; rows may hold names.
    reason = str(failure).split(":")[0] if "Row #" in str(failure) else str(failure)
    return problem(
        "InvalidArgument", f"cannot read {str(path)!r} as a table: {reason}; it should be what its name says, and UTF-8"
    )


def _open_csv(path: Path) -> TableFile:
    ragged: list[tuple[int, int]] = []

    def set_aside(row: pa_csv.InvalidRow) -> str:
        ragged.append((row.number or 0, row.actual_columns))
        return "skip"

    # One thread parses, so that the handler is told the numbers of rows.
    read = pa_csv.ReadOptions(use_threads=False, block_size=1 << 24)
    parse = pa_csv.ParseOptions(newlines_in_values=True, invalid_row_handler=set_aside)
    names = _heading(path)
    if len(names) == 1 and any(sign in names[0] for sign in ";\t|"):
        raise problem(
            "InvalidArgument",
            f"{str(path)!r} has one column, {names[0][:60]!r}; its cells must be separated by commas: convert it",
        )
    convert = pa_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), check_utf8=False, strings_can_be_null=True, null_values=[""]
    )

    def batches() -> Iterator[pa.RecordBatch]:
        # Opened when rows are asked for, and read to the end: Arrow reads ahead on a thread of its own, which must not hold
        # the handler any more when Python ends.
        with pa_csv.open_csv(path, read_options=read, parse_options=parse, convert_options=convert) as reader:
            yield from reader

    return TableFile(pa.schema([(name, pa.string()) for name in names]), _guarded(path, batches()), ragged)


def _heading(path: Path) -> list[str]:
    """Return the names of the columns of a CSV file."""
    opened = gzip.open if path.name.lower().endswith(".gz") else open
    # Bytes first: only the heading must be UTF-8 here.
    with opened(path, "rt", encoding="latin-1", newline="") as file:
        if file.read(3).encode("latin-1") != codecs.BOM_UTF8:
            file.seek(0)
        names = next((row for row in csv.reader(file) if row), None)
    if names is None:
        raise pa.ArrowInvalid("it is empty")
    return [name.encode("latin-1").decode() for name in names]


def _guarded(path: Path, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the batches; what is wrong inside the file is an error that names it."""
    try:
        yield from batches
    except (pa.ArrowException, OSError, UnicodeError) as failure:
        raise _unreadable(path, failure) from failure


def check_table_path(path: Path) -> None:
    """Raise ArgumentError or FileAccessError if :func:`write_table` would refuse to write there."""
    if path.suffix not in (".parquet", ".csv"):
        raise problem("InvalidArgument", f"{str(path)!r} is neither .parquet nor .csv; choose one of these")
    if path.exists():
        raise problem("AlreadyExists", f"{str(path)!r} exists; choose another name")


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table as ``.parquet`` or ``.csv``: the user's own (0600), whole or not at all, never over another file."""
    check_table_path(path)
    if path.suffix == ".parquet":
        write_whole(path, lambda file: pq.write_table(table, file))
        return
    # The format knows no dictionaries.
    plain = [pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in table.schema]
    write_whole(path, lambda file: pa_csv.write_csv(table.cast(pa.schema(plain)), file))


def write_whole(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    """Write a file that is the user's own (0600), under its name only when it is complete.

    Args:
        path: Its name; a file of that name is replaced.
        write: Writes the content into an open file.

    Raises:
        FileAccessError: It cannot be written; there is nothing new then.
    """
    making: Path | None = None
    try:
        # Named before it is made, so that an interruption on the way leaves nothing; private from the start.
        making = path.parent / f".partial-{secrets.token_hex(8)}"
        handle = os.open(making, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
        with os.fdopen(handle, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        making.replace(path)
    except OSError as error:
        raise access_problem(f"cannot write {str(path)!r}", error, "check the folder and the disk") from error
    finally:
        if making is not None:
            with suppress(OSError):
                making.unlink(missing_ok=True)
