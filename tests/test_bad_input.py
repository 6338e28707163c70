"""Bad input: each a clear error of the right type, and bad rows never stop good ones.

What: tables that cannot be used are refused before anything is written; rows that cannot be used come back in a table
(row, donor_id, field, value, code, message) while the others go in; arguments of the wrong type, typings and release
files that are not what they should be. Why: donor centres send what they have, and a search coordinator must be able to
mend it from the message alone. One long file, so that one list shows which bad input is known.
"""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import allomatch as am
from allomatch._core import ERROR_CODES
from allomatch.install import install_release
from allomatch.registry import ERROR_SCHEMA
from allomatch.releases import releases
from made_up import small_release
from reference.truth import existing_data_dir, needs_data

GL = "A*01:01+A*02:01"


@pytest.fixture
def registry(tmp_path: Path) -> am.Registry:
    folder = tmp_path / "home"
    folder.mkdir()
    registry = am.Registry.create(folder / "r.allo")
    registry.add(pa.table({"donor_id": ["first"], "gl": [GL]}))
    return registry


def one(**columns: Any) -> pa.Table:
    """A table of one donor, with columns replaced or added; None takes one away."""
    all_columns = {"donor_id": ["D1"], "gl": [GL]} | columns
    return pa.table({name: column for name, column in all_columns.items() if column is not None})


# --- tables that cannot be used -------------------------------------------------------------------------------------

TABLES: dict[str, tuple[Callable[[], Any], str, list[str]]] = {
    "no columns": (lambda: pa.table({}), "MissingColumn", ["donor_id"]),
    "no donor_id": (lambda: one(donor_id=None), "MissingColumn", ["donor_id", "gl"]),
    "no typings": (lambda: one(gl=None), "MissingColumn", ["gl", "A_1"]),
    "half a pair": (lambda: one(gl=None, A_1=["01:01"]), "MissingColumn", ["A_2", "A_1"]),
    "the other half": (lambda: one(gl=None, DRB1_2=["01:01"]), "MissingColumn", ["DRB1_1"]),
    "both ways": (lambda: one(A_1=["01:01"], A_2=[""]), "InvalidArgument", ["gl", "A_1"]),
    "a column twice": (lambda: pa.table([["D"], [GL], [GL]], names=["donor_id", "gl", "gl"]), "InvalidArgument", ["gl"]),
    "pandas, a column twice": (
        lambda: pd.DataFrame([["D", GL, GL]], columns=["donor_id", "gl", "gl"]), "InvalidArgument", ["gl"],
    ),
    "three alleles": (lambda: one(gl=None, A_1=[""], A_2=[""], A_3=["01:01"]), "InvalidArgument", ["A_3", "'A_2'"]),
    "an unknown locus": (lambda: one(gl=None, A_1=[""], A_2=[""], DRB2_1=[""], DRB2_2=[""]), "UnknownLocus", ["DRB2_1"]),
    "float ids": (lambda: one(donor_id=[1.0]), "WrongType", ["donor_id", "double"]),
    "date ids": (lambda: one(donor_id=[date(2020, 1, 1)]), "WrongType", ["donor_id", "date"]),
    "typings in lists": (lambda: one(gl=[["A*01:01", "A*02:01"]]), "WrongType", ["gl", "list"]),
    "typings in a struct": (lambda: one(gl=[{"A": "01:01"}]), "WrongType", ["gl", "struct"]),
    "typings as numbers": (lambda: one(gl=None, A_1=[101], A_2=[201]), "WrongType", ["A_1", "int64"]),
    "dictionary of numbers": (lambda: one(gl=pa.array([5]).dictionary_encode()), "WrongType", ["gl"]),
    "boolean year": (lambda: one(birth_year=[True]), "WrongType", ["birth_year", "bool"]),
    "date of birth": (lambda: one(birth_year=[date(1980, 1, 1)]), "WrongType", ["birth_year", "date"]),
    "number for a category": (lambda: one(sex=[1]), "WrongType", ["sex", "int64"]),
    "pandas, mixed ids": (lambda: pd.DataFrame({"donor_id": ["a", 2], "gl": [GL, GL]}), "WrongType", ["donor_id"]),
    "polars, objects": (lambda: pl.DataFrame({"donor_id": [object()], "gl": [GL]}), "WrongType", ["donor_id"]),
    "polars, lazy": (lambda: pl.LazyFrame({"donor_id": ["D"], "gl": [GL]}), "WrongType", ["LazyFrame"]),
    "a column, not a table": (lambda: pa.chunked_array([["D1"]]), "WrongType", ["ChunkedArray"]),
    "an array, not a table": (lambda: pa.array(["D1"]), "WrongType", ["Array"]),
    "a dict": (lambda: {"donor_id": ["D1"], "gl": [GL]}, "WrongType", ["dict", "pyarrow"]),
    "a path": (lambda: "donors.csv", "WrongType", ["str"]),
    "None": (lambda: None, "WrongType", ["NoneType"]),
    "rows": (lambda: [("D1", GL)], "WrongType", ["list"]),
    "numpy": (lambda: np.array(["D1"]), "WrongType", ["ndarray"]),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_cannot_be_used(name: str, registry: am.Registry) -> None:
    make, code, words = TABLES[name]
    before = registry.path.read_bytes()
    with pytest.raises(am.ArgumentError) as caught:
        registry.add(make())
    assert caught.value.code == ERROR_CODES[code]
    for word in words:
        assert word in str(caught.value)
    assert isinstance(caught.value, ValueError)
    assert registry.path.read_bytes() == before
    assert len(registry) == 1
    assert os.listdir(registry.path.parent) == ["r.allo"]


@pytest.mark.parametrize(("column", "value"), [("birth_year", "1980"), ("tnc_e7", "1.50"), ("ion", "1234.00")])
def test_decimals_are_numbers(column: str, value: str, registry: am.Registry) -> None:
    # Databases hand numbers over as decimals.
    assert registry.add(one(**{column: [Decimal(value)]})).added == 1


def test_other_columns_are_ignored_and_named(registry: am.Registry) -> None:
    # Also those that end like a position: only names of loci are ours.
    table = one(name=["Jane"], phone_1=["1"], phone_2=["2"], comment=[None], address_1=["x"])
    report = registry.add(table)
    assert report.added == 1
    assert report.ignored_columns == ("name", "phone_1", "phone_2", "comment", "address_1")


def test_a_stream_whose_batches_are_not_of_its_schema(registry: am.Registry) -> None:
    # Columns are found by place: a batch in another order would put ids into typings.
    schema = one().schema
    for batch in (
        pa.record_batch({"gl": [GL], "donor_id": ["D1"]}),
        pa.record_batch({"donor_id": ["D1"]}),
        pa.record_batch({"donor_id": ["D1"], "gl": pa.array([5])}),
    ):
        with pytest.raises(am.ArgumentError):
            registry.add(pa.RecordBatchReader.from_batches(schema, iter([batch])))
    assert len(am.Registry.open(registry.path, validate="full")) == 1


def test_a_source_that_breaks_is_its_own_error(registry: am.Registry) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        yield one().to_batches()[0]
        raise ConnectionResetError("the database went away")

    with pytest.raises(ConnectionResetError, match="the database went away"):
        registry.add(pa.RecordBatchReader.from_batches(one().schema, batches()))
    assert len(am.Registry.open(registry.path)) == 1


# --- bad rows -------------------------------------------------------------------------------------------------------

# Column, value, code, what the row of the table of errors shows as the value (None: the value itself).
BAD_CELLS: list[tuple[str, Any, str | None, str | None]] = [
    ("donor_id", None, "MissingValue", ""),
    ("donor_id", "", "MissingValue", None),
    ("donor_id", " \t", "MissingValue", None),
    ("donor_id", "x" * 65, "ValueOutOfRange", None),
    ("donor_id", "é" * 33, "ValueOutOfRange", None),
    ("donor_id", b"\xff1", "InvalidText", "'\\xff1'"),
    ("donor_id", b"\xed\xa0\x80", "InvalidText", "'\\xed\\xa0\\x80'"),
    ("gl", "bad", "MalformedTyping", None),
    ("gl", "A*01:01", None, None),  # one position is homozygous
    ("gl", "A*01:01+", None, None),
    ("gl", "+A*01:01", "MalformedTyping", None),
    ("gl", "A*01:01+A*02:01+A*03:01", "TooManyAlleles", None),
    ("gl", f"{GL}^{GL}", "LocusTwice", None),
    ("gl", f"{GL}^Z*01:01+Z*01:01", "UnknownLocus", None),
    ("gl", "A*01:01/+A*02:01", "MalformedTyping", None),
    ("gl", f"{GL}|", "MalformedTyping", None),
    ("gl", f"{GL}^", "MalformedTyping", None),
    ("gl", "A*01:01+B*02:01", "MalformedTyping", None),
    ("gl", "A*1+A*02:01", "MalformedTyping", None),
    ("gl", "A*00:01+A*02:01", "MalformedTyping", None),
    ("gl", "A*01:01:01:01:01+A*02:01", "MalformedTyping", None),
    ("gl", "A*99999:01+A*02:01", "MalformedTyping", None),
    ("gl", "A*01:01\0+A*02:01", "MalformedTyping", None),
    ("gl", "A*\uff10\uff11:01+A*02:01", "MalformedTyping", None),
    ("gl", b"A*01:01\xff+A*02:01", "InvalidText", "'A*01:01\\xff+A*02:01'"),
    ("birth_year", 1899, "ValueOutOfRange", "1899"),
    ("birth_year", 2101, "ValueOutOfRange", "2101"),
    ("birth_year", -5, "ValueOutOfRange", "-5"),
    ("birth_year", 19800101, "ValueOutOfRange", "19800101"),
    ("birth_year", 2**62, "ValueOutOfRange", None),
    ("birth_year", 1980.5, "ValueOutOfRange", "1980.5"),
    ("birth_year", math.inf, "ValueOutOfRange", "inf"),
    ("birth_year", "1980.5", "ValueOutOfRange", None),
    ("birth_year", "about 1980", "ValueOutOfRange", None),
    ("birth_year", "nan", "ValueOutOfRange", None),
    ("birth_year", "0x7bc", "ValueOutOfRange", None),
    ("birth_year", "1980,5", "ValueOutOfRange", None),
    ("birth_year", "\u0662\u0660\u0660\u0661", "ValueOutOfRange", None),
    ("birth_year", b"19\xff80", "ValueOutOfRange", "'19\\xff80'"),
    ("ion", 999, "ValueOutOfRange", "999"),
    ("ion", 10000, "ValueOutOfRange", "10000"),
    ("sex", "W", "ValueOutOfRange", None),
    ("sex", "FM", "ValueOutOfRange", None),
    ("sex", "F M", "ValueOutOfRange", None),
    ("abo", "C", "ValueOutOfRange", None),
    ("abo", "A B", "ValueOutOfRange", None),
    ("rh", "+", "ValueOutOfRange", None),
    ("ethnicity", "x" * 65, "ValueOutOfRange", None),
    ("ethnicity", b"Z\xfcrich", "InvalidText", "'Z\\xfcrich'"),
    ("cmv", b"\xff", "InvalidText", "'\\xff'"),
    ("sex", b"\xff", "ValueOutOfRange", "'\\xff'"),
    ("tnc_e7", -0.5, "ValueOutOfRange", "-0.5"),
    ("tnc_e7", 1e7, "ValueOutOfRange", None),
    ("tnc_e7", -math.inf, "ValueOutOfRange", "-inf"),
    ("tnc_e7", "1e400", "ValueOutOfRange", None),
    ("cd34_e6", "1,5", "ValueOutOfRange", None),
    # Blanks and nulls are "not known".
    ("birth_year", math.nan, None, None),
    ("birth_year", "", None, None),
    ("birth_year", " 1980 ", None, None),
    ("birth_year", "1980.0", None, None),
    ("tnc_e7", math.nan, None, None),
    ("tnc_e7", "1.5e2", None, None),
    ("sex", " f ", None, None),
    ("sex", "", None, None),
    ("sex", None, None, None),
    ("ethnicity", "  ", None, None),
    ("gl", None, None, None),
    ("gl", "", None, None),
    ("gl", "  ", None, None),
]  # fmt: skip


BAD_TEXTS = [cell for cell in BAD_CELLS if isinstance(cell[1], str | bytes)]


@pytest.mark.parametrize(
    ("column", "value", "code", "shown", "dictionary"),
    [(*cell, False) for cell in BAD_CELLS] + [(*cell, True) for cell in BAD_TEXTS],
)
def test_a_bad_cell_between_good_rows(
    column: str, value: Any, code: str | None, shown: str | None, dictionary: bool, registry: am.Registry
) -> None:
    good: dict[str, Any] = {"gl": GL, "birth_year": 1980, "ion": 1234, "sex": "F", "abo": "A", "rh": "P", "tnc_e7": 1.0}
    ids: list[Any] = ["D0", "D1", "D2"]
    if column == "donor_id":
        ids[1] = value
        cells = ids
    else:
        other = good.get(column, "1.0" if column == "cd34_e6" else "x")
        cells = [str(other) if isinstance(value, str | bytes) else other] * 3
        cells[1] = value
    kind = pa.binary() if isinstance(value, bytes) else None
    if kind is not None:
        cells = [each.encode() if isinstance(each, str) else each for each in cells]
    array = pa.array(cells, kind, from_pandas=False)
    if dictionary:
        array = array.dictionary_encode()
    columns = {"donor_id": pa.array(ids) if column != "donor_id" else array, "gl": [GL] * 3, "cmv": ["x"] * 3}
    columns[column] = array
    report = registry.add(pa.table(columns))
    if code is None:
        assert (report.added, report.rejected) == (3, 0), report.errors.to_pylist()
        return
    assert report.errors.schema == ERROR_SCHEMA
    assert (report.added, report.rejected) == (2, 1)
    (error,) = report.errors.to_pylist()
    assert (error["row"], error["code"]) == (1, ERROR_CODES[code])
    assert error["field"] in (column, "A")
    if column != "donor_id":
        assert error["donor_id"] == "D1"
    if isinstance(value, float):
        assert float(error["value"]) == value
    elif error["field"] == column:
        assert error["value"] == (str(value) if shown is None else shown)
    # The value is in the message (escaped and cut), and something to do about it.
    assert len(error["message"]) < 600
    assert error["message"].isprintable()
    if isinstance(value, str) and value.strip().isascii() and value.isprintable():
        parts = [part[:40] for part in re.split(r"[+^|*]", value.strip()) if part]
        assert any(part in error["message"] for part in parts) or not parts
    assert len(registry) == 3
    assert len(am.Registry.open(registry.path, validate="full")) == 3


REMEDIES = (
    "correct",
    "leave it blank",
    "convert",
    "use ",
    "write ",
    "expected",
    "give",
    "join",
    "needs one",
    "shorten",
)


def test_every_message_of_a_row_has_a_remedy(registry: am.Registry) -> None:
    rows: list[dict[str, Any]] = []
    for column, value, code, _ in BAD_CELLS:
        if code is not None and isinstance(value, str | bytes):
            cell = pa.array([value])
            rows += registry.add(one(**{column: cell})).errors.to_pylist()
    assert len(rows) > 30
    lacking = {row["message"] for row in rows if not any(remedy in row["message"] for remedy in REMEDIES)}
    assert lacking == set()


def test_all_fields_of_a_bad_row_are_named_and_the_row_counts_once(registry: am.Registry) -> None:
    table = one(gl=["A*1+A*02:01^B*2+B*08:01"], birth_year=[3000], sex=["x"], abo=["y"], tnc_e7=[-1.0])
    report = registry.add(table)
    assert (report.added, report.rejected) == (0, 1)
    assert [error["field"] for error in report.errors.to_pylist()] == ["A", "B", "abo", "birth_year", "sex", "tnc_e7"]


def test_errors_come_in_the_order_of_the_rows(registry: am.Registry) -> None:
    table = pa.table({"donor_id": ["D1", "D1", "D2", "first", "D3", "D1"], "gl": [GL, GL, "bad", GL, "bad", GL]})
    report = registry.add(table)
    assert report.added == 1
    assert report.errors["row"].to_pylist() == [1, 2, 3, 4, 5]


def test_a_huge_text_makes_a_short_error(registry: am.Registry) -> None:
    huge = "A*01:01/" * 1_000_000
    table = pa.table({"donor_id": ["D0", "D1" * 5_000_000, "D2"], "gl": [GL, GL, huge], "ethnicity": ["x", "y", huge]})
    report = registry.add(table)
    assert (report.added, report.rejected) == (1, 2)
    assert report.errors.nbytes < 100_000
    assert {error["code"] for error in report.errors.to_pylist()} == {
        ERROR_CODES["ValueOutOfRange"], ERROR_CODES["TypingTooLong"],
    }  # fmt: skip


def test_errors_are_a_table_for_everyone(registry: am.Registry, tmp_path: Path) -> None:
    report = registry.add(pa.table({"donor_id": [None, 'D,\n"2"'], "gl": ["bad\0", "worse"]}))
    assert report.errors.schema.names == ["row", "donor_id", "field", "value", "code", "message"]
    assert len(report.errors.to_pandas()) == len(pl.from_arrow(report.errors)) == report.errors.num_rows == 3
    assert registry.add(one()).errors.schema == ERROR_SCHEMA  # also when there are none


def test_only_bad_rows_leave_an_empty_registry(tmp_path: Path) -> None:
    registry = am.Registry.create(tmp_path / "r.allo")
    report = registry.add(pa.table({"donor_id": pa.nulls(3), "gl": pa.nulls(3), "sex": pa.nulls(3)}))
    assert (report.added, report.rejected) == (0, 3)
    assert len(registry) == 0
    assert registry.search(GL, ["A"], max_mismatches=2).total == 0
    assert registry.search(GL, ["A"]).to_arrow().num_rows == 0


def test_random_bytes_never_break_anything(registry: am.Registry) -> None:
    chance = np.random.default_rng(5)
    alphabet = np.frombuffer(b"AB*0123:/|+^~ NGPX\0\xff\xc3\xa9-HLDRQ\n", np.uint8)
    texts = [alphabet[chance.integers(0, len(alphabet), chance.integers(0, 40))].tobytes() for _ in range(3000)]
    ids = pa.array([f"D{i}" for i in range(3000)])
    names = ("sex", "birth_year", "ethnicity", "tnc_e7")
    for table in (
        pa.table({"donor_id": ids, "gl": pa.array(texts)}),
        pa.table({"donor_id": pa.array(texts), "A_1": pa.array(texts[::-1]), "A_2": pa.array(texts)}),
        pa.table({"donor_id": ids, "gl": [GL] * 3000, **{name: pa.array(texts) for name in names}}),
    ):
        before = len(registry)
        report = registry.add(table)
        assert report.added + report.rejected == 3000
        assert len(registry) == before + report.added
        assert set(report.errors["row"].to_pylist()) <= set(range(3000))
        assert all(message.isprintable() for message in report.errors["message"].to_pylist())
    am.Registry.open(registry.path, validate="full")


# --- names that a release lacks -------------------------------------------------------------------------------------


@pytest.fixture
def release(tmp_path: Path) -> am.Nomenclature:
    return am.Nomenclature.load("3.58.0", path=small_release(tmp_path / "3.58.0"))


def test_unknown_names_are_bad_rows_where_a_release_is_required(release: am.Nomenclature, tmp_path: Path) -> None:
    registry = am.Registry.create(tmp_path / "r.allo", nomenclature=release)
    gls = [GL, "A*77:01+A*01:01", "A*01:01/A*77:01+A*01:01", "A*01:XX+A*01:01", "A*77:XX+A*01:01", "A*03:01N+A*01:01"]
    report = registry.add(pa.table({"donor_id": [f"D{i}" for i in range(len(gls))], "gl": gls}))
    bad = {error["row"]: error for error in report.errors.to_pylist()}
    assert {1, 4} <= set(bad) <= {1, 4, 5}
    assert bad[1]["code"] == ERROR_CODES["UnknownName"]
    for word in ("A*77:01", "locus A", "3.58.0", "correct the name"):
        assert word in bad[1]["message"]


def test_donors_with_names_that_a_release_lacks_stay_findable(release: am.Nomenclature, tmp_path: Path) -> None:
    registry = am.Registry.create(tmp_path / "r.allo")
    registry.add(pa.table({"donor_id": ["known", "newer"], "gl": [GL, "A*77:01+A*01:01"]}))
    opened = am.Registry.open(registry.path, nomenclature=release)
    assert opened.unknown_typings().to_pylist() == [{"locus": "A", "typing": "A*01:01+A*77:01", "donors": 1}]
    hits = opened.search(GL, ["A"])
    assert hits.donor_ids.to_pylist() == ["known", "newer"]
    # What was listed can be explained, with the same counts.
    for hit, least, greatest in zip(hits, hits.mismatches, hits.greatest, strict=True):
        assert (hit.match.mismatches, hit.match.greatest) == (least, greatest)
        assert hit.donor_id in hit.explain()


def test_a_patient_that_the_release_does_not_know(release: am.Nomenclature, registry: am.Registry) -> None:
    opened = am.Registry.open(registry.path, nomenclature=release)
    with pytest.raises(am.TypingError, match=r"A\*77:01.*3\.58\.0") as caught:
        opened.search("A*77:01+A*01:01", ["A"])
    assert caught.value.code == ERROR_CODES["UnknownName"]


# --- arguments ------------------------------------------------------------------------------------------------------

ARGUMENTS: dict[str, Callable[[am.Registry], object]] = {
    "patient None": lambda r: r.search(None, ["A"]),  # type: ignore[arg-type]
    "patient number": lambda r: r.search(5, ["A"]),  # type: ignore[arg-type]
    "patient bytes": lambda r: r.search(GL.encode(), ["A"]),  # type: ignore[arg-type]
    "patient NaN": lambda r: r.search(math.nan, ["A"]),  # type: ignore[arg-type]
    "patient list": lambda r: r.search([GL], ["A"]),  # type: ignore[arg-type]
    "patient with half a character": lambda r: r.search("A*01:01\ud800", ["A"]),
    "loci number": lambda r: r.search(GL, 5),  # type: ignore[arg-type]
    "loci with a number": lambda r: r.search(GL, [5]),  # type: ignore[list-item]
    "loci with None": lambda r: r.search(GL, ["A", None]),  # type: ignore[list-item]
    "loci empty": lambda r: r.search(GL, []),
    "loci twice": lambda r: r.search(GL, ["A", "A"]),
    "loci twice in other cases": lambda r: r.search(GL, ["A", "a"]),
    "loci unknown": lambda r: r.search(GL, ["DRB2"]),
    "preset unknown": lambda r: r.search(GL, "9/10"),
    "mismatches 5": lambda r: r.search(GL, ["A"], max_mismatches=5),
    "mismatches -1": lambda r: r.search(GL, ["A"], max_mismatches=-1),
    "mismatches True": lambda r: r.search(GL, ["A"], max_mismatches=True),
    "mismatches 1.0": lambda r: r.search(GL, ["A"], max_mismatches=1.0),  # type: ignore[arg-type]
    "limit -1": lambda r: r.search(GL, ["A"], limit=-1),
    "offset -1": lambda r: r.search(GL, ["A"], offset=-1),
    "threads -1": lambda r: r.search(GL, ["A"], threads=-1),
    "threads 1e6": lambda r: r.search(GL, ["A"], threads=1_000_000),
    "direction": lambda r: r.search(GL, ["A"], direction="up"),  # type: ignore[arg-type]
    "direction None": lambda r: r.search(GL, ["A"], direction=None),  # type: ignore[arg-type]
    "per_locus of another locus": lambda r: r.search(GL, ["A"], per_locus={"B": 1}),
    "per_locus 3": lambda r: r.search(GL, ["A"], per_locus={"A": 3}),
    "per_locus list": lambda r: r.search(GL, ["A"], per_locus=[1]),  # type: ignore[arg-type]
    "hits of an unknown count": lambda r: r.search(GL, ["A"]).count("matches"),
    "hits of another locus": lambda r: r.search(GL, ["A"]).locus_count("B", "gvh"),
    "add threads -1": lambda r: r.add(one(), threads=-1),
    "add threads text": lambda r: r.add(one(), threads="2"),  # type: ignore[arg-type]
    "open with a name for a nomenclature": lambda r: am.Registry.open(r.path, nomenclature="3.58.0"),  # type: ignore[arg-type]
    "create with a name for a nomenclature": lambda r: am.Registry.create(f"{r.path}2", nomenclature="3.58.0"),  # type: ignore[arg-type]
    "open with a null policy": lambda r: am.Registry.open(r.path, null_policy="maybe"),  # type: ignore[arg-type]
    "create with a null policy": lambda r: am.Registry.create(f"{r.path}2", null_policy="maybe"),  # type: ignore[arg-type]
    "open with no null policy": lambda r: am.Registry.open(r.path, null_policy=None),  # type: ignore[arg-type]
    "open with a validation": lambda r: am.Registry.open(r.path, validate="some"),  # type: ignore[arg-type]
    "match without a nomenclature": lambda r: am.match(GL, GL, None, ["A"]),  # type: ignore[arg-type]
    "match of a locus twice": lambda r: am.match(GL, GL, am.Nomenclature.two_field(), ["A", "a"]),
    "match of numbers": lambda r: am.match(1, 2, am.Nomenclature.two_field(), ["A"]),  # type: ignore[arg-type]
    "phenotype None": lambda r: am.Phenotype(None),  # type: ignore[arg-type]
    "phenotype list": lambda r: am.Phenotype(["A*01:01"]),  # type: ignore[arg-type]
    "phenotype of None at a locus": lambda r: am.Phenotype({"A": None}),  # type: ignore[dict-item]
    "phenotype of a number at a locus": lambda r: am.Phenotype({"A": 5}),  # type: ignore[dict-item]
    "phenotype of a number at a position": lambda r: am.Phenotype({"A": ("01:01", 5)}),  # type: ignore[dict-item]
    "phenotype of one position": lambda r: am.Phenotype({"A": "01:01"}),
    "phenotype of a numbered locus": lambda r: am.Phenotype({5: ("01:01", "")}),  # type: ignore[dict-item]
    "phenotype of an unknown locus": lambda r: am.Phenotype({"DRB2": ("01:01", "")}),
    "phenotype of a locus twice": lambda r: am.Phenotype({"A": ("01:01", ""), "a": ("02:01", "")}),
    "phenotype of a locus with its prefix": lambda r: am.Phenotype({"A": ("B*01:01", "")}),
    "phenotype asked for an unknown locus": lambda r: am.Phenotype(GL)["DRB2"],
    "name None": lambda r: am.Nomenclature.two_field().knows(None),  # type: ignore[arg-type]
    "name with half a character": lambda r: am.Nomenclature.two_field().expand("A*01:01\ud800"),
    "level None": lambda r: am.Nomenclature.two_field().reduce("A*01:01", None),  # type: ignore[arg-type]
}


@pytest.mark.parametrize("name", ARGUMENTS)
def test_an_argument_that_cannot_be(name: str, registry: am.Registry) -> None:
    with pytest.raises((am.AllomatchError, TypeError)) as caught:
        ARGUMENTS[name](registry)
    # A TypeError is fine if it is in words, not the signatures of the compiled core or a failing attribute.
    assert "incompatible" not in str(caught.value)
    assert "_core" not in str(caught.value)
    assert len(str(caught.value)) < 600
    assert os.listdir(registry.path.parent) == ["r.allo"]
    assert registry.search(GL, ["A"]).total == 1


def test_a_name_for_a_nomenclature_says_how_to_load_it(registry: am.Registry) -> None:
    with pytest.raises((am.ArgumentError, TypeError), match="Nomenclature"):
        am.Registry.open(registry.path, nomenclature="3.58.0")  # type: ignore[arg-type]


def test_numbers_of_numpy_are_numbers(registry: am.Registry) -> None:
    hits = registry.search(GL, ["A"], max_mismatches=np.int64(1), limit=np.uint8(5), offset=np.int32(0))  # type: ignore[arg-type]
    assert hits.total == 1


def test_pages_beyond_any_number(registry: am.Registry) -> None:
    assert len(registry.search(GL, ["A"], offset=2**63)) == 0
    assert len(registry.search(GL, ["A"], limit=2**64)) == 1
    assert len(registry.search(GL, ["A"], offset=2**64 - 1, limit=2**64 - 1)) == 0


def test_missing_values_of_pandas_are_blank_positions() -> None:
    assert am.Phenotype({"A": ("01:01", None)}).gl == "A*01:01+A*01:01"
    assert am.Phenotype({"A": ("01:01", math.nan)}).gl == "A*01:01+A*01:01"  # type: ignore[dict-item]
    assert am.Phenotype({"A": (None, None)}).gl == ""


def test_a_hit_that_was_not_listed(registry: am.Registry) -> None:
    hits = registry.search(GL, ["A"])
    for index in (1, -2, 10**30):
        with pytest.raises(IndexError, match="another limit or offset"):
            hits[index]
    for index in ("D1", None, 0.0):
        with pytest.raises(am.ArgumentError, match="a hit has a number"):
            hits[index]  # type: ignore[call-overload]
    assert [hit.donor_id for hit in hits[::-1]] == [hits[0].donor_id]
    assert hits[5:] == []
    with pytest.raises(KeyError, match="'B' was not compared"):
        hits[0].match["B"]


# --- releases -------------------------------------------------------------------------------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's cache that is empty, and no ALLOMATCH_DATA; returns where releases are installed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("ALLOMATCH_DATA", raising=False)
    return tmp_path / "cache" / "allomatch" / "imgt"


@pytest.mark.parametrize("wanted", [None, "3.58.0", "9.99.0", "3.58", "../..", ""])
def test_a_missing_release_says_how_to_install_it(wanted: str | None, cache: Path) -> None:
    with pytest.raises(am.ReleaseNotFoundError, match=r"allomatch nomenclature install .* --from ") as caught:
        am.Nomenclature.load(wanted)
    assert caught.value.code == ERROR_CODES["ReleaseNotFound"]
    assert isinstance(caught.value, LookupError)
    assert "ALLOMATCH_DATA" in str(caught.value)
    assert str(cache) in str(caught.value)


def test_the_command_of_the_message_exists(cache: Path, tmp_path: Path) -> None:
    source = small_release(tmp_path / "official")
    with pytest.raises(am.ReleaseNotFoundError) as caught:
        am.Nomenclature.load("3.58.0")
    command = str(caught.value).split("or 'allomatch ")[1].split("'")[0].replace("FOLDER", str(source))
    code = "from allomatch.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *command.split()], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert am.Nomenclature.load("3.58.0").allele_count == 4


def test_a_path_without_a_release(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none", __file__):
        with pytest.raises(am.ReleaseNotFoundError, match="official files"):
            am.Nomenclature.load("3.58.0", path=path)


def test_a_data_folder_that_is_none(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    for data in (tmp_path / "file", tmp_path / "none", Path("/dev/null")):
        monkeypatch.setenv("ALLOMATCH_DATA", str(data))
        assert releases() == {}
        with pytest.raises(am.ReleaseNotFoundError):
            am.Nomenclature.load()


# File, what becomes of its text, words of the message.
GARBLED: list[tuple[str, Callable[[str], str | bytes], list[str]]] = [
    ("Allelelist.txt", lambda _: "", ["Allelelist.txt", "empty"]),
    ("Allelelist.txt", lambda _: "# a comment\n", ["Allelelist.txt"]),
    ("Allelelist.txt", lambda _: "<html>Not found</html>\n", ["Allelelist.txt:1", "html"]),
    ("Allelelist.txt", lambda t: t.replace(",", ";"), ["Allelelist.txt"]),
    ("Allelelist.txt", lambda t: t.replace("A*02:01", "A*2"), ["Allelelist.txt:5", "A*2"]),
    ("Allelelist.txt", lambda t: t.replace("A*02:01", "A*"), ["Allelelist.txt:5"]),
    ("Allelelist.txt", lambda t: t.replace("A*02:01\n", ""), ["Allelelist.txt:5"]),
    ("Allelelist.txt", lambda t: t.replace("02:01", "02:\xff1").encode("latin-1"), ["Allelelist.txt:5", "\\xff"]),
    ("Allelelist.txt", lambda t: t.encode("utf-16"), ["Allelelist.txt"]),
    ("Allelelist.txt", lambda t: t[:-9], ["Allelelist.txt"]),
    ("wmda/hla_nom_p.txt", lambda _: "", ["hla_nom_p.txt", "empty"]),
    ("wmda/hla_nom_p.txt", lambda _: "<html>Not found</html>\n", ["hla_nom_p.txt:1"]),
    ("wmda/hla_nom_p.txt", lambda t: t.replace(";", ","), ["hla_nom_p.txt:3"]),
    ("wmda/hla_nom_p.txt", lambda t: t.replace("02:01", "02:99"), ["hla_nom_p.txt:4", "02:99"]),
    ("wmda/hla_nom_p.txt", lambda t: t.replace("02:01;", "02:01;02:01"), ["hla_nom_p.txt:4", "02:01"]),
    ("wmda/hla_nom_p.txt", lambda t: t[: t.index("A*;02")], ["hla_nom_p.txt", "A*02:01"]),
    ("wmda/hla_nom_p.txt", lambda t: t[:-4], ["hla_nom_p.txt"]),
    ("wmda/hla_nom_g.txt", lambda _: "", ["hla_nom_g.txt", "empty"]),
    ("wmda/hla_nom_g.txt", lambda t: t[: t.index("A*;02")], ["hla_nom_g.txt", "A*02:01"]),
    ("wmda/hla_nom_g.txt", lambda t: t.replace("A*;01:01;", "A*;01:01/;01:01:01G"), ["hla_nom_g.txt:3"]),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(GARBLED)))
def test_a_garbled_release_file_names_file_and_line_and_is_not_installed(
    number: int, tmp_path: Path, cache: Path
) -> None:
    file, garble, words = GARBLED[number]
    source = small_release(tmp_path / "official")
    changed = garble((source / file).read_text())
    (source / file).write_bytes(changed.encode() if isinstance(changed, str) else changed)
    for call in (lambda: am.Nomenclature.load("3.58.0", path=source), lambda: install_release("3.58.0", source)):
        with pytest.raises(am.TypingError) as caught:
            call()
        assert caught.value.code == ERROR_CODES["BadReleaseFile"]
        for word in (*words, "fetch"):
            assert word in str(caught.value)
    assert not cache.exists() or os.listdir(cache) == []
    assert releases() == {}


def test_a_release_under_the_name_of_another_is_refused(tmp_path: Path, cache: Path) -> None:
    # Every result says which release it used: it must be that one.
    source = small_release(tmp_path / "official", version="3.58.0")
    for call in (lambda: am.Nomenclature.load("3.50.0", path=source), lambda: install_release("3.50.0", source)):
        with pytest.raises(am.TypingError, match=r"3\.58\.0"):
            call()
    assert releases() == {}


def test_partial_installs_are_never_used(tmp_path: Path, cache: Path) -> None:
    small_release(cache / "3.57.0")
    (cache / "3.57.0" / "wmda" / "hla_nom_g.txt").unlink()
    small_release(cache / ".3.58.0.123.partial")
    small_release(cache / "Latest")
    (cache / "3.59.0").write_text("a file")
    assert releases() == {}
    with pytest.raises(am.ReleaseNotFoundError):
        am.Nomenclature.load()
    installed = install_release("3.57.0", small_release(tmp_path / "official", version="3.57.0"))
    assert installed == cache / "3.57.0"
    assert list(releases()) == ["3.57.0"]
    assert am.Nomenclature.load().release == "3.57.0"


def test_an_install_that_fails_keeps_the_old_one(tmp_path: Path, cache: Path) -> None:
    source = small_release(tmp_path / "official")
    install_release("3.58.0", source)
    (source / "wmda" / "hla_nom_p.txt").write_text("garbage\n")
    with pytest.raises(am.TypingError):
        install_release("3.58.0", source)
    (source / "wmda" / "hla_nom_p.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"hla_nom_p\.txt"):
        install_release("3.58.0", source)
    assert am.Nomenclature.load("3.58.0").allele_count == 4
    assert os.listdir(cache) == ["3.58.0"]
    small_release(tmp_path / "official", alleles="01:01")
    with pytest.raises(am.TypingError, match="checksums differ"):
        install_release("3.58.0", source)
    shutil.rmtree(cache / "3.58.0")
    install_release("3.58.0", source)
    assert am.Nomenclature.load("3.58.0").allele_count == 1


@pytest.mark.parametrize(
    "name", ["3.58", "latest", "../3.58.0", "3.58.0/", "", "3.58.0\n", "\u0663.\u0665\u0668.\u0660"]
)
def test_names_that_are_no_release(name: str, tmp_path: Path, cache: Path) -> None:
    with pytest.raises(am.TypingError, match=r"3\.58\.0"):
        install_release(name, small_release(tmp_path / "official"))
    assert not cache.exists()


def test_a_cache_that_refuses(tmp_path: Path, cache: Path) -> None:
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(am.FileAccessError, match=r"3\.58\.0"):
        install_release("3.58.0", small_release(tmp_path / "official"))
    assert (tmp_path / "cache").is_file()


def test_release_files_that_cannot_be_read(tmp_path: Path) -> None:
    source = small_release(tmp_path / "official")
    (source / "wmda" / "hla_nom_p.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"hla_nom_p\.txt") as caught:
        am.Nomenclature.load("3.58.0", path=source)
    assert isinstance(caught.value, am.FileAccessError)
    (source / "wmda" / "hla_nom_p.txt").mkdir()
    with pytest.raises(am.FileAccessError, match=r"hla_nom_p\.txt"):
        am.Nomenclature.load("3.58.0", path=source)


def test_windows_line_ends_and_a_missing_last_one(tmp_path: Path) -> None:
    source = small_release(tmp_path / "official")
    for file in ("Allelelist.txt", "wmda/hla_nom_p.txt", "wmda/hla_nom_g.txt"):
        (source / file).write_bytes((source / file).read_bytes().replace(b"\n", b"\r\n"))
    assert am.Nomenclature.load("3.58.0", path=source).allele_count == 4


@needs_data
@pytest.mark.parametrize("file", ["Allelelist.txt", "wmda/hla_nom_p.txt", "wmda/hla_nom_g.txt"])
def test_an_official_file_cut_short_is_noticed(file: str, tmp_path: Path) -> None:
    # A download that broke off; also where it broke between two lines, when every line left is sound.
    official = existing_data_dir() / "imgt" / "3.58.0"
    source = tmp_path / "3.58.0"
    (source / "wmda").mkdir(parents=True)
    for each in ("Allelelist.txt", "wmda/hla_nom_p.txt", "wmda/hla_nom_g.txt"):
        shutil.copyfile(official / each, source / each)
    content = (official / file).read_bytes()
    # The third locus of the official order has many lines before and after it.
    begin, end = content.index(b"C*"), content.rindex(b"DPA1*")
    for at in (begin, (begin + end) // 2, end):
        line_end = content.index(b"\n", at) + 1
        for cut in (content[:at], content[:line_end], content[: line_end - 2]):
            (source / file).write_bytes(cut)
            with pytest.raises(am.TypingError) as caught:
                am.Nomenclature.load("3.58.0", path=source)
            assert caught.value.code == ERROR_CODES["BadReleaseFile"]
