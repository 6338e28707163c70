"""Adding donors: every producer of Arrow tables gives the same file, and nothing of a donor is lost on the way.

What: one table of donors is handed over in every encoding that the Arrow C stream can bring (views, dictionaries,
slices, batches; pandas, polars, duckdb), and the file must be the same to the byte. Then: adding twice, in pieces, from
two threads and two processes. Why bytes: a file that depends on how its rows came cannot be compared, cached or signed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import allomatch as am
from allomatch._core import ERROR_CODES

GL = "A*01:01+A*02:01"
OTHER = "A*11:01+A*24:02"
TEXTS = ("donor_id", "A_1", "A_2", "B_1", "B_2", "sex", "abo", "ethnicity")


def donors(n: int = 60, first: int = 0) -> pa.Table:
    """Donors with blanks and nulls everywhere, and ids that are awkward in text formats."""
    tails = ["", ",x", '"q"', "\nnext", "'", "\t", "😀", "é", "\0nul", " ", "\\", "\r\n", ";", "[/x]"]
    numbers = range(first, first + n)

    def some(values: list[Any], every: int) -> list[Any]:
        return [None if i % every == 0 else values[i % len(values)] for i in numbers]

    return pa.table(
        {
            "donor_id": pa.array([f"D{i:05d}{tails[i % len(tails)]}" for i in numbers], pa.string()),
            "A_1": pa.array([["01:01", "A*02:01", "HLA-A*03:01", "02:01/02:06", "24:XX"][i % 5] for i in numbers]),
            "A_2": pa.array(some(["02:01", "11:01", "", "01:01"], 7), pa.string()),
            "B_1": pa.array(["" if i % 3 == 2 else ["07:02", "08:01"][i % 2] for i in numbers]),
            "B_2": pa.array([None if i % 3 == 2 else ["44:02", "15:01", ""][i % 3] for i in numbers], pa.string()),
            "birth_year": pa.array(some([1970, 1985, 2001], 4), pa.int32()),
            "sex": pa.array(some(["F", "m", "M", "f"], 5), pa.string()),
            "abo": pa.array(some(["A", "B", "AB", "O"], 6), pa.string()),
            "ethnicity": pa.array(some(["Zürich", "north", "a,b"], 8), pa.string()),
            "tnc_e7": pa.array(some([1.5, 120.25, 0.0], 3), pa.float64()),
        }
    )


def written(folder: Path, *tables: Any, **options: Any) -> bytes:
    """The file that these tables make, added one after the other."""
    path = folder / f"{len(list(folder.iterdir()))}.allo"
    registry = am.Registry.create(path)
    for table in tables:
        report = registry.add(table, **options)
        assert report.rejected == 0, report.errors.to_pylist()[:3]
    am.Registry.open(path, validate="full")
    return path.read_bytes()


def everyone(registry: am.Registry) -> pa.Table:
    """All donors of a registry: an untyped patient excludes nobody."""
    return registry.search("", ["A"], max_mismatches=2).to_arrow()


def cast(table: pa.Table, kinds: dict[str, pa.DataType]) -> pa.Table:
    for name, kind in kinds.items():
        table = table.set_column(table.schema.names.index(name), name, table[name].cast(kind))
    return table


def encoded(table: pa.Table, index: pa.DataType, value: pa.DataType, only: tuple[str, ...] = TEXTS) -> pa.Table:
    """The text columns as dictionaries; a null is a null index."""
    for name in only:
        whole = table[name].combine_chunks().dictionary_encode()
        column = pa.DictionaryArray.from_arrays(whole.indices.cast(index), whole.dictionary.cast(value))
        table = table.set_column(table.schema.names.index(name), name, column)
    return table


def with_null_entries(table: pa.Table) -> pa.Table:
    """Dictionaries of which one entry is null, and indices that point to it."""
    for name in TEXTS:
        whole = table[name].combine_chunks().dictionary_encode(null_encoding="encode")
        table = table.set_column(table.schema.names.index(name), name, whole)
    return table


def shifted(table: pa.Table) -> pa.Table:
    """The same rows as slices with an offset that is not a multiple of eight, of longer arrays."""
    padding = table.slice(0, 13)
    longer = pa.concat_tables([padding, table, padding]).combine_chunks()
    return longer.slice(13, table.num_rows)


def in_batches(table: pa.Table, rows: int) -> pa.RecordBatchReader:
    """Small batches with empty ones between."""

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in table.to_batches(max_chunksize=rows):
            yield batch.slice(0, 0)
            yield batch
        yield table.to_batches()[0].slice(0, 0)

    return pa.RecordBatchReader.from_batches(table.schema, batches())


def with_gl(table: pa.Table) -> pa.Table:
    """The same typings as GL strings."""
    texts = []
    for row in table.select(["A_1", "A_2", "B_1", "B_2"]).to_pylist():
        loci = []
        for locus in "AB":
            first, second = row[f"{locus}_1"], row[f"{locus}_2"] or ""
            if first:
                bare = [each.split("*")[-1] for each in (first, second or first)]
                loci.append("+".join(f"{locus}*{each}" for each in bare))
        texts.append("^".join(loci))
    return table.drop_columns(["A_1", "A_2", "B_1", "B_2"]).append_column("gl", pa.array(texts))


class OnlyAStream:
    """A producer of which allomatch knows nothing but the protocol."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self._table.__arrow_c_stream__(requested_schema)


def as_duckdb(table: pa.Table) -> Any:
    connection = duckdb.connect()
    connection.register("donors", table)
    return connection.sql("select * from donors")


def as_numbers_in_text(table: pa.Table) -> pa.Table:
    return cast(table, {"birth_year": pa.string(), "tnc_e7": pa.large_string()})


PRODUCERS: dict[str, Callable[[pa.Table], Any]] = {
    "record batch": lambda t: t.combine_chunks().to_batches()[0],
    "reader": lambda t: t.to_reader(),
    "batches of 7, with empty ones": lambda t: in_batches(t, 7),
    "batches of 1": lambda t: in_batches(t, 1),
    "chunked unevenly": lambda t: pa.concat_tables([t.slice(0, 1), t.slice(1, 0), t.slice(1, 30), t.slice(31)]),
    "only a stream": OnlyAStream,
    "pandas": lambda t: t.to_pandas(),
    "pandas, index of its own": lambda t: t.to_pandas().set_index(np.arange(t.num_rows) * 3),
    "pandas, categorical": lambda t: t.to_pandas().astype(
        {"A_1": "category", "sex": "category", "donor_id": "category"}
    ),
    "pandas, object columns": lambda t: t.to_pandas().astype({"A_1": object, "sex": object}),
    "pandas, Arrow types": lambda t: t.to_pandas(types_mapper=pd.ArrowDtype),
    "polars": lambda t: pl.from_arrow(t),
    "polars, categorical": lambda t: pl.from_arrow(t).with_columns(pl.col("A_1", "B_2", "sex").cast(pl.Categorical)),  # type: ignore[union-attr]
    "polars, rechunked pieces": lambda t: pl.concat([pl.from_arrow(t.slice(0, 20)), pl.from_arrow(t.slice(20))]),  # type: ignore[type-var]
    "polars, binary": lambda t: pl.from_arrow(t).with_columns(pl.col("donor_id", "A_1", "ethnicity").cast(pl.Binary)),  # type: ignore[union-attr]
    "duckdb": as_duckdb,
    "string_view": lambda t: cast(t, dict.fromkeys(TEXTS, pa.string_view())),
    "large_string": lambda t: cast(t, dict.fromkeys(TEXTS, pa.large_string())),
    "binary": lambda t: cast(t, dict.fromkeys(TEXTS, pa.binary())),
    "large_binary": lambda t: cast(t, dict.fromkeys(TEXTS, pa.large_binary())),
    "binary_view": lambda t: cast(t, dict.fromkeys(TEXTS, pa.binary_view())),
    "slices": shifted,
    "slices of views": lambda t: shifted(cast(t, dict.fromkeys(TEXTS, pa.string_view()))),
    "slices of binary": lambda t: shifted(cast(t, dict.fromkeys(TEXTS, pa.binary()))),
    "slices of dictionaries": lambda t: shifted(encoded(t, pa.int32(), pa.string())),
    "null entries": with_null_entries,
    "slices of null entries": lambda t: shifted(with_null_entries(t)),
    "numbers as text": as_numbers_in_text,
    "numbers as dictionaries of text": lambda t: encoded(
        as_numbers_in_text(t), pa.int32(), pa.string(), ("birth_year", "tnc_e7")
    ),
    "float years": lambda t: cast(t, {"birth_year": pa.float32()}),
    "small numbers": lambda t: cast(t, {"birth_year": pa.uint16(), "tnc_e7": pa.float32()}),
    "GL strings": with_gl,
    "GL strings, dictionaries": lambda t: encoded(with_gl(t), pa.int32(), pa.string(), ("gl", "donor_id")),
    "columns in another order": lambda t: t.select(t.schema.names[::-1]),
    "a column of ours beside": lambda t: t.append_column("name", pa.array(["Jane"] * t.num_rows)),
    "an attribute that is all null": lambda t: t.append_column("cmv", pa.nulls(t.num_rows)),
    "a number that is all null": lambda t: t.append_column("cd34_e6", pa.nulls(t.num_rows, pa.float64())),
    "a locus that is all null": lambda t: t.append_column("C_1", pa.nulls(t.num_rows)).append_column(
        "C_2", pa.nulls(t.num_rows, pa.large_string())
    ),
    "rows in another order": lambda t: t.take(pa.array(np.random.default_rng(1).permutation(t.num_rows))),
}


@pytest.mark.parametrize("name", PRODUCERS)
def test_every_producer_gives_the_same_file(name: str, tmp_path: Path) -> None:
    table = donors()
    if name.startswith("pandas"):
        # pandas cannot tell a null from a blank in some columns, and neither can a registry.
        assert table["A_2"].null_count
    assert written(tmp_path, PRODUCERS[name](table)) == written(tmp_path, table)


@pytest.mark.parametrize("value", ["string", "large_string", "string_view", "binary", "large_binary", "binary_view"])
@pytest.mark.parametrize("index", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_every_dictionary_encoding_gives_the_same_file(index: str, value: str, tmp_path: Path) -> None:
    table = donors()
    kinds = getattr(pa, index)(), getattr(pa, value)()
    assert written(tmp_path, encoded(table, *kinds)) == written(tmp_path, table)


def test_a_dictionary_may_change_from_batch_to_batch(tmp_path: Path) -> None:
    table = donors()
    pieces = [encoded(table.slice(i, 9), pa.int32(), pa.string()) for i in range(0, table.num_rows, 9)]
    assert written(tmp_path, pa.concat_tables(pieces)) == written(tmp_path, table)


def test_a_dictionary_may_hold_bad_entries_that_no_row_uses(tmp_path: Path) -> None:
    column = pa.DictionaryArray.from_arrays(pa.array([1, 1], pa.int8()), pa.array(["not a typing", GL, "\0"]))
    table = pa.table({"donor_id": ["D1", "D2"], "gl": column})
    assert written(tmp_path, table) == written(tmp_path, pa.table({"donor_id": ["D1", "D2"], "gl": [GL, GL]}))


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    table = donors()
    registry = am.Registry.create(tmp_path / "r.allo")
    assert registry.add(table).added == table.num_rows
    out = {row["donor_id"]: row for row in everyone(registry).to_pylist()}
    assert set(out) == set(table["donor_id"].to_pylist())
    for row in table.to_pylist():
        stored = out[row["donor_id"]]
        assert stored["birth_year"] == row["birth_year"]
        assert stored["tnc_e7"] == row["tnc_e7"]
        assert stored["ethnicity"] == row["ethnicity"]
        assert stored["abo"] == row["abo"]
        assert stored["sex"] == (row["sex"] and row["sex"].upper())
    for hit in registry.search("", ["A", "B"], max_mismatches=4, limit=20):
        row = next(row for row in table.to_pylist() if row["donor_id"] == hit.donor_id)
        pairs = {locus: (row[f"{locus}_1"], row[f"{locus}_2"]) for locus in "AB"}
        assert {locus: hit.match[locus].donor for locus in "AB"} == {
            locus: am.Phenotype(pairs)[locus] for locus in "AB"
        }


@pytest.mark.parametrize("kind", ["int8", "int64", "uint64", "int32"])
def test_integer_donor_ids(kind: str, tmp_path: Path) -> None:
    most = int(np.iinfo(kind).max)
    least = int(np.iinfo(kind).min)
    table = pa.table({"donor_id": pa.array([most, least, 7], getattr(pa, kind)()), "gl": [GL] * 3})
    registry = am.Registry.create(tmp_path / "r.allo")
    assert registry.add(table).added == 3
    assert set(everyone(registry)["donor_id"].to_pylist()) == {str(most), str(least), "7"}


# --- in one add or several ------------------------------------------------------------------------------------------


def test_one_add_or_several_or_other_threads_give_the_same_file(tmp_path: Path) -> None:
    table = donors(200)
    whole = written(tmp_path, table)
    assert written(tmp_path, *[table.slice(i, 11) for i in range(0, 200, 11)]) == whole
    assert written(tmp_path, table.slice(150), table.slice(0, 150)) == whole
    assert written(tmp_path, table, threads=1) == whole
    assert written(tmp_path, table, threads=7) == whole


def test_more_rows_than_one_batch(tmp_path: Path) -> None:
    # The registry is fed in pieces of 262,144 rows; the second one begins at an offset within the same arrays.
    n = 300_000
    ids = pa.array(np.char.add("D", np.arange(n).astype("U6")))
    texts = pa.DictionaryArray.from_arrays(pa.array(np.arange(n) % 3, pa.int32()), pa.array([GL, OTHER, "bad"]))
    table = pa.table({"donor_id": ids, "gl": texts})
    registry = am.Registry.create(tmp_path / "r.allo")
    report = registry.add(table)
    assert (report.added, report.rejected) == (200_000, 100_000)
    assert report.errors["row"].to_pylist() == list(range(2, n, 3))
    assert report.errors["donor_id"][-1].as_py() == f"D{n - 1}"
    registry.add(pa.table({"donor_id": ["late"], "gl": [GL]}))
    assert len(registry) == 200_001
    assert registry.search(GL, ["A"]).total == 100_001


REJECTED: dict[str, dict[str, Any]] = {
    "int attribute": {"birth_year": [None, 1980]},
    "float attribute": {"tnc_e7": pa.array([None, 2.0])},
    "category": {"sex": pa.array([None, "F"])},
    "category with other values": {"ethnicity": pa.array(["x", "y"])},
    "locus": {"gl": [GL, f"{GL}^DPB1*01:01+DPB1*02:01"]},
    "names": {"gl": [GL, "A*99:99+A*77:77"]},
}


@pytest.mark.parametrize("twice", [False, True], ids=["too long", "duplicate"])
@pytest.mark.parametrize("name", REJECTED)
def test_rejected_rows_leave_no_trace_in_the_file(name: str, twice: bool, tmp_path: Path) -> None:
    columns = {"donor_id": ["D1", "D1" if twice else "x" * 65], "gl": [GL, GL], **REJECTED[name]}
    table = pa.table(columns)
    first, second = am.Registry.create(tmp_path / "1"), am.Registry.create(tmp_path / "2")
    assert first.add(table).rejected == 1
    assert second.add(table.slice(0, 1)).rejected == 0
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()


def test_minus_zero_is_zero(tmp_path: Path) -> None:
    zeros = [pa.table({"donor_id": ["D"], "gl": [GL], "tnc_e7": [value]}) for value in (0.0, -0.0)]
    assert written(tmp_path, zeros[0]) == written(tmp_path, zeros[1])


def test_adding_nothing_changes_nothing(tmp_path: Path) -> None:
    table = donors()
    assert written(tmp_path, table, table.slice(0, 0)) == written(tmp_path, table)
    empty = written(tmp_path, table.slice(0, 0))
    assert empty == written(tmp_path)
    assert len(am.Registry.open(tmp_path / "3.allo")) == 0


def test_the_first_of_two_equal_ids_is_kept(tmp_path: Path) -> None:
    registry = am.Registry.create(tmp_path / "r.allo")
    registry.add(pa.table({"donor_id": ["D0"], "gl": [GL]}))
    report = registry.add(pa.table({"donor_id": ["D1", "D0", "D1", "D2"], "gl": [GL, OTHER, OTHER, OTHER]}))
    assert (report.added, report.rejected) == (2, 2)
    assert report.errors["row"].to_pylist() == [1, 2]
    assert report.errors["donor_id"].to_pylist() == ["D0", "D1"]
    assert report.errors["code"].to_pylist() == [ERROR_CODES["DuplicateDonor"]] * 2
    assert sorted(registry.search(GL, ["A"]).donor_ids.to_pylist()) == ["D0", "D1"]
    assert registry.search(OTHER, ["A"]).donor_ids.to_pylist() == ["D2"]


def test_a_bad_first_row_does_not_shadow_a_good_second_one(tmp_path: Path) -> None:
    registry = am.Registry.create(tmp_path / "r.allo")
    report = registry.add(pa.table({"donor_id": ["D1", "D1"], "gl": ["bad", GL]}))
    assert (report.added, report.rejected) == (1, 1)


def test_adding_the_same_table_twice_adds_nobody(tmp_path: Path) -> None:
    table = donors()
    registry = am.Registry.create(tmp_path / "r.allo")
    registry.add(table)
    before = (tmp_path / "r.allo").read_bytes()
    report = registry.add(table)
    assert (report.added, report.rejected) == (0, table.num_rows)
    assert (tmp_path / "r.allo").read_bytes() == before


# --- several objects, threads and processes -------------------------------------------------------------------------


def test_a_second_object_adds_to_what_is_in_the_file(tmp_path: Path) -> None:
    first = am.Registry.create(tmp_path / "r.allo")
    second = am.Registry.open(tmp_path / "r.allo")
    first.add(pa.table({"donor_id": ["D1"], "gl": [GL]}))
    assert len(second) == 0  # a snapshot
    second.add(pa.table({"donor_id": ["D2"], "gl": [GL]}))
    assert len(second) == 2
    assert len(first) == 1
    first.add(pa.table({"donor_id": ["D3"], "gl": [GL]}))
    assert sorted(first.search(GL, ["A"]).donor_ids.to_pylist()) == ["D1", "D2", "D3"]


def test_adding_while_adding_is_refused_and_loses_nothing(tmp_path: Path) -> None:
    registry = am.Registry.create(tmp_path / "r.allo")
    other = am.Registry.open(tmp_path / "r.allo")
    table = pa.table({"donor_id": ["D1"], "gl": [GL]})
    refusals = []

    def batches() -> Iterator[pa.RecordBatch]:
        yield table.to_batches()[0]
        with pytest.raises(am.FileAccessError, match="being written by another process") as caught:
            other.add(pa.table({"donor_id": ["D2"], "gl": [GL]}))
        refusals.append(caught.value.code)

    registry.add(pa.RecordBatchReader.from_batches(table.schema, batches()))
    assert refusals == [ERROR_CODES["AlreadyExists"]]
    other.add(pa.table({"donor_id": ["D2"], "gl": [GL]}))
    assert len(am.Registry.open(tmp_path / "r.allo", validate="full")) == 2


def test_an_add_that_failed_does_not_keep_the_file_locked(tmp_path: Path) -> None:
    # An interpreter keeps the last exception, and with it the frames that it came through.
    registry = am.Registry.create(tmp_path / "r.allo")
    table = pa.table({"donor_id": ["D1"], "gl": [GL]})

    def batches() -> Iterator[pa.RecordBatch]:
        yield table.to_batches()[0]
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke") as caught:
        registry.add(pa.RecordBatchReader.from_batches(table.schema, batches()))
    assert registry.add(table).added == 1
    assert caught.value.__traceback__ is not None  # still held


ADDER = """
import sys, pyarrow as pa, allomatch as am
path, name = sys.argv[1:]
registry = am.Registry.open(path)
print("ready", flush=True)
sys.stdin.readline()
done = []
for i in range(12):
    ids = [f"{name}-{i}-{k}" for k in range(50)]
    try:
        registry.add(pa.table({"donor_id": ids, "gl": ["A*01:01+A*02:01"] * 50}))
        done += ids
    except am.FileAccessError as error:
        assert error.code == 403 and "another process" in str(error), error
print(*done)
"""


def test_two_processes_adding_at_once_lose_no_donor(tmp_path: Path) -> None:
    path = tmp_path / "r.allo"
    am.Registry.create(path)
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with ExitStack() as stack:
        adders = [
            stack.enter_context(subprocess.Popen([sys.executable, "-c", ADDER, str(path), name], **pipes))
            for name in "xy"
        ]
        for adder in adders:
            assert adder.stdout
            assert adder.stdout.readline() == "ready\n"
        for adder in adders:
            assert adder.stdin
            adder.stdin.write("go\n")
            adder.stdin.flush()
        outputs = [adder.communicate(timeout=60)[0] for adder in adders]
    assert [adder.returncode for adder in adders] == [0, 0]
    promised = " ".join(outputs).split()
    assert len(promised) >= 50
    registry = am.Registry.open(path, validate="full")
    assert sorted(everyone(registry)["donor_id"].to_pylist()) == sorted(promised)
    assert os.listdir(tmp_path) == ["r.allo"]


def test_searches_beside_an_add_see_one_snapshot_or_the_other(tmp_path: Path) -> None:
    # Rows of one snapshot looked up in another are other people.
    registry = am.Registry.create(tmp_path / "r.allo")
    ids = [f"wanted-{i}" for i in range(1000)]
    registry.add(pa.table({"donor_id": ids, "gl": [GL] * 1000}))
    wrong: list[str] = []
    failures: list[BaseException] = []
    stop = threading.Event()

    def look() -> None:
        try:
            while not stop.is_set():
                found = registry.search(GL, ["A"]).donor_ids.to_pylist()
                wrong.extend(each for each in found if not each.startswith("wanted"))
        except BaseException as failure:
            failures.append(failure)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    threads = [threading.Thread(target=look) for _ in range(3)]
    try:
        for thread in threads:
            thread.start()
        for k in range(40):
            ids = [f"other-{k}-{i}" for i in range(200)]
            registry.add(pa.table({"donor_id": ids, "gl": [OTHER] * 200}))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
        sys.setswitchinterval(interval)
    assert failures == []
    assert wrong[:3] == []


def test_hits_keep_their_snapshot(tmp_path: Path) -> None:
    registry = am.Registry.create(tmp_path / "r.allo")
    registry.add(pa.table({"donor_id": ["D5"], "gl": [GL]}))
    hits = registry.search(GL, ["A"])
    registry.add(pa.table({"donor_id": ["D1", "D9"], "gl": [OTHER, GL]}))
    (tmp_path / "r.allo").unlink()
    assert hits.donor_ids.to_pylist() == ["D5"]
    assert hits[0].match["A"].donor == GL
    assert len(registry) == 3


def test_ids_sort_and_page_bytewise(tmp_path: Path) -> None:
    ids = ["b", "a", "B", "é", "\x7f", "😀", "a\0", "a!", "aa", "z" * 64]
    registry = am.Registry.create(tmp_path / "r.allo")
    registry.add(pa.table({"donor_id": ids, "gl": [GL] * len(ids)}))
    assert registry.search(GL, ["A"]).donor_ids.to_pylist() == sorted(ids, key=str.encode)
    pages = [registry.search(GL, ["A"], limit=3, offset=i).donor_ids.to_pylist() for i in range(0, 12, 3)]
    assert [each for page in pages for each in page] == sorted(ids, key=str.encode)


@pytest.mark.parametrize("count", [254, 255, 256, 300])
def test_many_values_of_a_category(count: int, tmp_path: Path) -> None:
    values = [None, *(f"value {i}" for i in range(count))]
    table = pa.table({"donor_id": [f"D{i}" for i in range(count + 1)], "gl": [GL] * (count + 1), "status": values})
    registry = am.Registry.create(tmp_path / "r.allo")
    registry.add(table)
    out = everyone(registry)
    stored = dict(zip(out["donor_id"].to_pylist(), pc.cast(out["status"], pa.string()).to_pylist(), strict=True))
    assert stored == dict(zip(table["donor_id"].to_pylist(), values, strict=True))


def test_too_many_values_of_a_category_are_bad_rows(tmp_path: Path) -> None:
    n = 65_600
    ids = [f"D{i}" for i in range(n)]
    registry = am.Registry.create(tmp_path / "r.allo")
    report = registry.add(pa.table({"donor_id": ids, "gl": [GL] * n, "status": ids}))
    assert report.added == 65_535
    assert set(report.errors["code"].to_pylist()) == {ERROR_CODES["TooManyValues"]}


def test_values_of_an_attribute_are_counted(tmp_path: Path) -> None:
    table = pa.table(
        {
            "donor_id": ["a", "b", "c", "d"],
            "gl": ["A*01:01+A*02:01"] * 4,
            "ethnicity": ["x", None, "x", "y"],
            "birth_year": [1990, 1991, 1992, 1993],
            "donor_type": ["adult", "cord", None, "CBU"],
        }
    )
    registry, _ = am.Registry.build(tmp_path / "r.allo", table, nomenclature=am.Nomenclature.two_field())
    assert registry.count_values("ethnicity") == {"x": 2, "y": 1, None: 1}
    assert registry.count_values("cmv") == {None: 4}
    for where in ("birth_year >= 1991", pc.field("birth_year") >= 1991):
        assert registry.count_values("ethnicity", where=where) == {None: 1, "x": 1, "y": 1}
        assert registry.count_values("cmv", where=where) == {None: 3}
    assert registry.count_values("ethnicity", where="birth_year < 1900") == {}
    with pytest.raises(am.ArgumentError, match="height"):
        registry.count_values("cmv", where="height > 1")
    for attribute, said in (("height", "unknown attribute 'height'"), ("birth_year", "holds numbers")):
        with pytest.raises(am.ArgumentError, match=said):
            registry.count_values(attribute)
    units = registry.cord_filter()
    assert units is not None
    assert registry.search("A*01:01+A*02:01", ["A"], where=units).donor_ids.to_pylist() == ["b", "d"]
    bare = am.Registry.build(tmp_path / "b.allo", table.select(["donor_id", "gl"]), nomenclature=registry.nomenclature)[
        0
    ]
    assert bare.cord_filter() is None
