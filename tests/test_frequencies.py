"""Frequency sets: files read as they are, written back, kept in the cache, and bad ones refused in words.

What: the published files of five populations and the truth's set against a plain reading with the csv module; every format
against every other; round trips of drawn sets; each kind of bad input with the value and the place in its message; a cache that is
used, damaged, stale or impossible. Why: a haplotype that is lost or doubled here moves every probability, and nobody would see it.
One long file: all forms, the round trips and the cache are held against one small set and one plain reading.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import pickle
import stat
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import allomatch as am
from allomatch._core import ERROR_CODES
from allomatch.frequency_files import write_whole
from allomatch.frequency_table import combine
from reference.truth import existing_data_dir, needs_data, needs_truth, truth_dir

Haplotypes = dict[tuple[str, ...], float]


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache of the test's own."""
    home = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(home))
    return home / "allomatch" / "frequencies"


def haplotypes(freqs: am.HaplotypeFrequencies) -> Haplotypes:
    """The haplotypes of a set, spelt out."""
    columns = [np.array(freqs.names(locus).to_pylist())[freqs.codes(locus)].tolist() for locus in freqs.loci]
    found = dict(zip(zip(*columns, strict=True), freqs.frequencies.tolist(), strict=True))
    assert len(found) == len(freqs)
    return found


def write(path: Path, text: str | bytes) -> Path:
    content = text.encode() if isinstance(text, str) else text
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def read(path: Path, text: str | bytes, **arguments: Any) -> am.HaplotypeFrequencies:
    return am.HaplotypeFrequencies.read(write(path, text), **arguments)


# --- real files ------------------------------------------------------------------------------------------------------


@needs_data
@pytest.mark.parametrize("population", ["AFA", "API", "CAU", "HIS", "NAM"])
def test_the_published_files_are_read_as_they_are(population: str) -> None:
    path = existing_data_dir() / "haplotypes" / f"{population}.csv.gz"
    freqs = am.HaplotypeFrequencies.read(path)
    order = ("A", "B", "C", "DRB1", "DQB1", "DRB3/4/5")
    with gzip.open(path, "rt") as lines:
        rows = list(csv.DictReader(lines))
    assert freqs.population == population
    assert freqs.loci == ("A", "B", "C", "DRB1", "DQB1", "DRB345")
    assert haplotypes(freqs) == {tuple(row[locus] for locus in order): float(row["frequency"]) for row in rows}
    assert freqs.counts is not None
    assert freqs.counts.tolist() == [float(row["count"]) for row in rows]
    assert freqs.total == pytest.approx(1, abs=1e-3)
    assert freqs.notes == ()
    again = am.HaplotypeFrequencies.read(path)
    assert again.to_arrow().equals(freqs.to_arrow(), check_metadata=True)


@needs_data
def test_projection_sums_over_the_other_loci() -> None:
    freqs = am.HaplotypeFrequencies.read(existing_data_dir() / "haplotypes" / "NAM.csv.gz")
    for loci in (["A"], ["DQB1", "A", "DRB345"], list(freqs.loci)):
        some = freqs.project(loci)
        at = [freqs.loci.index(locus) for locus in some.loci]
        sums: Counter[tuple[str, ...]] = Counter()
        for names, frequency in haplotypes(freqs).items():
            sums[tuple(names[i] for i in at)] += frequency
        assert set(some.loci) == set(loci)
        assert haplotypes(some) == pytest.approx(dict(sums), rel=1e-12)
        assert some.total == pytest.approx(freqs.total, rel=1e-12)
        assert some.counts is not None
        assert freqs.counts is not None
        assert some.counts.sum() == pytest.approx(freqs.counts.sum(), rel=1e-12)


@needs_truth
def test_the_set_of_the_truth_without_a_heading() -> None:
    folder = truth_dir()
    assert folder is not None
    path = folder / "prediction" / "CAU_5locus_ge1e-6.freqs.gz"
    freqs = am.HaplotypeFrequencies.read(path, "CAU")
    with gzip.open(path, "rt") as lines:
        rows = [line.strip().split(",") for line in lines]
    # In the file C comes before B.
    expected = {}
    for text, _, frequency in rows:
        a, c, b, drb1, dqb1 = text.split("~")
        expected[a, b, c, drb1, dqb1] = float(frequency)
    assert haplotypes(freqs) == expected
    assert len(freqs) == 25_100
    assert freqs.counts is not None
    assert freqs.counts.tolist() == [float(count) for _, count, _ in rows]


# --- what a set is ---------------------------------------------------------------------------------------------------

SMALL = {("A*01:01", "B*08:01", "DRBX*NNNN"): 0.5, ("A*02:01g", "B*07:02", "DRB3*01:01"): 0.25}
COLUMNS = "A,B,DRB3/4/5,frequency,count\nA*01:01,B*08:01,DRBX*NNNN,0.5,10\nA*02:01g,B*07:02,DRB3*01:01,0.25,5\n"
JOINED = "A*01:01~B*08:01~DRBX*NNNN,10,0.5\nA*02:01g~B*07:02~DRB3*01:01,5,0.25\n"
RECORDS = [
    {"haplotype": "A*01:01~B*08:01~DRBX*NNNN", "frequency": 0.5},
    {"haplotype": "A*02:01g~B*07:02~DRB3*01:01", "frequency": 0.25},
]


def test_what_a_set_says(tmp_path: Path) -> None:
    freqs = read(tmp_path / "CAU.v2.csv", COLUMNS, ethnicity="white", ion=42, release="3.20.0")
    assert (freqs.population, freqs.ethnicity, freqs.ion, freqs.release) == ("CAU", "white", "0042", "3.20.0")
    assert (freqs.loci, len(freqs), freqs.total, freqs.notes) == (("A", "B", "DRB345"), 2, 0.75, ())
    assert freqs.names("B").to_pylist() == ["B*07:02", "B*08:01"]
    assert freqs.codes("B").dtype == np.uint32
    assert freqs.codes("B").tolist() == [1, 0]
    assert freqs.frequencies.dtype == np.float64
    assert freqs.counts is not None
    assert freqs.counts.tolist() == [10, 5]
    assert "CAU" in repr(freqs)
    other = freqs.labelled("EUR", ion="9999")
    assert (other.population, other.ethnicity, other.ion, other.release) == ("EUR", "white", "9999", "3.20.0")
    assert freqs.population == "CAU"


@pytest.mark.parametrize("make", ["read", "kept", "from_arrow", "project", "normalised", "pickle"])
def test_arrays_are_read_only(make: str, tmp_path: Path) -> None:
    freqs = big(tmp_path / "big.csv") if make == "kept" else read(tmp_path / "CAU.csv", COLUMNS)
    made = {
        "read": lambda: freqs,
        "kept": lambda: am.HaplotypeFrequencies.read(tmp_path / "big.csv"),
        "from_arrow": lambda: am.HaplotypeFrequencies.from_arrow(freqs.to_arrow()),
        "project": lambda: freqs.project(["A"]),
        "normalised": freqs.normalised,
        "pickle": lambda: pickle.loads(pickle.dumps(freqs)),
    }[make]()
    for array in (made.frequencies, made.counts, *(made.codes(locus) for locus in made.loci)):
        assert array is not None
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    with pytest.raises(AttributeError):
        made.frequencies = made.frequencies  # type: ignore[misc]


def test_normalised(tmp_path: Path) -> None:
    freqs = read(tmp_path / "CAU.csv", COLUMNS)
    assert freqs.normalised().frequencies.tolist() == [0.5 / 0.75, 0.25 / 0.75]
    assert freqs.total == 0.75
    nothing = read(tmp_path / "nothing.csv", "A,freq\nA*01:01,0\n")
    with pytest.raises(am.ArgumentError, match="sum to 0"):
        nothing.normalised()


def test_loci_that_a_set_lacks(tmp_path: Path) -> None:
    freqs = read(tmp_path / "CAU.csv", COLUMNS)
    for call in (lambda: freqs.names("C"), lambda: freqs.codes("C"), lambda: freqs.project(["A", "C"])):
        with pytest.raises(am.ArgumentError, match="no locus 'C'; it has A, B, DRB345"):
            call()
    for loci in ([], "A"):
        with pytest.raises(am.ArgumentError, match="list"):
            freqs.project(loci)


@pytest.mark.parametrize("library", [pa.table, pd.DataFrame, pl.DataFrame])
def test_tables_of_other_libraries(library: Callable[[Any], Any]) -> None:
    table = library({"A": ["01:01", "02:01"], "DRB345": ["NNNN", "DRB3*01:01"], "Freq": [0.5, 0.25]})
    freqs = am.HaplotypeFrequencies.from_arrow(table, "CAU")
    assert haplotypes(freqs) == {("A*01:01", "DRBX*NNNN"): 0.5, ("A*02:01", "DRB3*01:01"): 0.25}
    assert freqs.counts is None
    assert freqs.to_arrow().to_pandas()["A"].tolist() == ["A*01:01", "A*02:01"]


def test_a_table_says_whose_it_is_or_is_told() -> None:
    table = pa.table({"A": ["01:01"], "frequency": [0.5]})
    with pytest.raises(am.ArgumentError, match="population="):
        am.HaplotypeFrequencies.from_arrow(table)
    with pytest.raises(am.ArgumentError, match="no table"):
        am.HaplotypeFrequencies.from_arrow(7, "CAU")
    with pytest.raises(am.ArgumentError, match="ethnicity is a text"):
        am.HaplotypeFrequencies.from_arrow(table, "CAU", ethnicity=5)  # type: ignore[arg-type]


def test_texts_that_are_no_text() -> None:
    names = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(np.array([0, 5], np.int32)), pa.py_buffer(b"01:0\xff")]
    )
    for column in (names, pa.DictionaryArray.from_arrays(pa.array([0]), names, safe=False)):
        with pytest.raises(am.AllomatchError, match=r"column 'A' of the table holds texts that are not UTF-8"):
            am.HaplotypeFrequencies.from_arrow(pa.table({"A": column, "freq": [0.5]}), "CAU")


def test_grouping_by_more_values_than_a_key_holds() -> None:
    rng = np.random.default_rng(5)
    # Five columns of 65,536 values: in 64 bits, rows that differ in the first column alone would look equal.
    columns = [np.append(rng.integers(0, 1 << 16, 100), 65535).astype(np.uint32) for _ in range(5)]
    columns = [np.concatenate([column, column, column[::-1]]) for column in columns]
    columns[0][101:150] ^= 1
    found = combine(columns)
    assert found is not None
    first, group = found
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    seen: dict[tuple[int, ...], int] = {}
    assert group.tolist() == [seen.setdefault(row, len(seen)) for row in rows]
    assert len(seen) == 101 + 49
    assert first.tolist() == [rows.index(row) for row in seen]
    assert combine([np.arange(5), np.zeros(5, int)]) is None


# --- formats ---------------------------------------------------------------------------------------------------------


def document(location: str = "inline", **more: Any) -> dict[str, Any]:
    """An HFX document of schema 0.1."""
    metadata = {
        "outputResolution": [{"locus": "A", "resolution": "g"}],
        "hfeMethod": {"method": "EM", "parameters": []},
        "cohortDescription": {
            "species": "Homo sapiens",
            "population": [{"name": "CAU", "geoLocation": {"ISO3166": "US"}, "ethnicity": "white"}],
            "cohortSize": 1000,
        },
        "nomenclatureUsed": {"database": "IPD-IMGT/HLA", "version": "3.20.0"},
        "frequencyLocation": location,
    }
    return {"version": "0.1.0", "metadata": metadata | more}


def bundle(path: Path, files: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


HFX_CSV = "Haplo,Count,Freq\n" + JOINED
MD5 = hashlib.md5(HFX_CSV.encode()).hexdigest()
HEADER = {"haplotype": "Haplo", "frequency": "Freq", "count": "Count"}


def folder(path: Path, files: dict[str, str]) -> Path:
    path.mkdir()
    for name, content in files.items():
        (path / name).write_text(content)
    return path


def parquet(path: Path, table: dict[str, Any]) -> Path:
    pq.write_table(pa.table(table), path)
    return path


def old_document() -> dict[str, Any]:
    """As drafts of HFX before schema 0.1 had it."""
    new = document()
    del new["metadata"]["frequencyLocation"]
    return {"metaData": new["metadata"], "frequencyData": RECORDS}


FORMS: dict[str, Callable[[Path], Path]] = {
    "columns": lambda p: write(p / "CAU.csv", COLUMNS),
    "columns, gzip'd": lambda p: write(p / "CAU.csv.gz", COLUMNS),
    "two gzip members": lambda p: write(
        p / "CAU", gzip.compress(COLUMNS[:40].encode()) + gzip.compress(COLUMNS[40:].encode())
    ),
    "another order, case and prefix": lambda p: write(
        p / "CAU.txt",
        "FREQ,hla-b,drbx, A \n.5,08:01,NNNN,hla-a*01:01\n2.5E-1,b*07:02,hla-DRB3*01:01, A*02:01G \n".replace("G", "g"),
    ),
    "Windows lines, BOM, quotes, blank lines": lambda p: write(
        p / "CAU.csv", b"\xef\xbb\xbf" + COLUMNS.replace("A*01:01", '"A*01:01"').replace("\n", "\r\n\r\n").encode()
    ),
    "old Mac lines": lambda p: write(p / "CAU.csv", COLUMNS.replace("\n", "\r")),
    "no last newline": lambda p: write(p / "CAU.csv", COLUMNS.strip()),
    "joined": lambda p: write(p / "CAU.freqs", JOINED),
    "joined, with a heading": lambda p: write(p / "CAU.freqs", "haplotype,count,freq\n" + JOINED),
    "joined, without counts": lambda p: write(p / "CAU.freqs", JOINED.replace(",10,", ",").replace(",5,", ",")),
    "joined, blank counts": lambda p: write(p / "CAU.freqs", JOINED.replace(",10,", ",,")),
    "joined, in any order": lambda p: write(
        p / "CAU.freqs", "A*01:01~DRBX*NNNN~B*08:01,10,0.5\nDRB3*01:01~A*02:01g~B*07:02,5,0.25\n"
    ),
    "joined, with a population": lambda p: write(p / "x.csv", JOINED.replace(",10,", ",CAU,").replace(",5,", ",CAU,")),
    "absence at one of the genes": lambda p: write(p / "CAU.freqs", JOINED.replace("DRBX", "DRB3")),
    "absence in another spelling": lambda p: write(p / "CAU.freqs", JOINED.replace("DRBX*NNNN", "DRB3/4/5*NNNN")),
    "Parquet": lambda p: parquet(
        p / "CAU.parquet",
        {
            "A": ["A*01:01", "02:01g"],
            "B": ["08:01", "07:02"],
            "DRB345": ["DRB4*NNNN", "DRB3*01:01"],
            "freq": [0.5, 0.25],
        },
    ),
    "Parquet, joined": lambda p: parquet(p / "CAU", {k: [r[k] for r in RECORDS] for k in RECORDS[0]}),
    "HFX document, inline": lambda p: write(p / "x.json", json.dumps(document() | {"frequencyData": RECORDS})),
    "HFX draft": lambda p: write(p / "x.json", json.dumps(old_document())),
    "HFX document and file": lambda p: (
        write(p / "data.csv", HFX_CSV),
        write(p / "x.json", json.dumps(document("file://data.csv", frequencyFileHeader=HEADER, checkSum=MD5.upper()))),
    )[1],
    "HFX folder": lambda p: folder(
        p / "x", {"metadata.json": json.dumps(document("file://data.csv")), "data.csv": COLUMNS, "notes.json": "{}"}
    ),
    "HFX bundle": lambda p: bundle(
        p / "x.hfx",
        {
            "metadata.json": json.dumps(
                document("file://data.csv", frequencyFileHeader={b: a for a, b in HEADER.items()})
            ),
            "data.csv": HFX_CSV,
            "MANIFEST.json": "{}",
        },
    ),
    "HFX bundle in a folder, gzip'd data": lambda p: bundle(
        p / "x.zip",
        {
            "x/CAU.hfx-metadata.json": json.dumps(document("file:data.csv.gz")),
            "x/data.csv.gz": gzip.compress(COLUMNS.encode()),
        },
    ),
    "HFX bundle, inline": lambda p: bundle(
        p / "x.hfx", {"a.json": json.dumps(document() | {"frequencyData": RECORDS})}
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_same(form: str, tmp_path: Path) -> None:
    path = FORMS[form](tmp_path)
    freqs = am.HaplotypeFrequencies.read(path)
    assert haplotypes(freqs) == SMALL
    assert freqs.loci == ("A", "B", "DRB345")
    assert freqs.notes == ()
    assert freqs.population == "CAU"
    if form.startswith("HFX"):
        assert (freqs.ethnicity, freqs.release) == ("white", "3.20.0")
        told = am.HaplotypeFrequencies.read(path, "US", ethnicity="x", release="y", ion="1234")
        assert (told.population, told.ethnicity, told.release, told.ion) == ("US", "x", "y", "1234")


def test_genes_of_drb345_stand_alone_where_a_haplotype_has_several(tmp_path: Path) -> None:
    text = "A*01:01~DRB3*01:01~DRB4*NNNN,0.5\nA*02:01~DRB4*01:01~DRB3*NNNN,0.25\n"
    freqs = read(tmp_path / "x.freqs", text)
    assert haplotypes(freqs) == {
        ("A*01:01", "DRB3*01:01", "DRB4*NNNN"): 0.5,
        ("A*02:01", "DRB3*NNNN", "DRB4*01:01"): 0.25,
    }
    assert read(tmp_path / "y.csv", "DRB3,freq\n01:01,1\n").loci == ("DRB3",)


def test_one_population_of_several(tmp_path: Path) -> None:
    text = "haplotype,population,frequency\nA*01:01,AFA,0.1\nA*01:01,CAU,0.2\nA*02:01,AFA,0.3\nA*01:01,AFA,0.1\n"
    path = write(tmp_path / "all.csv", text)
    afa, cau = (am.HaplotypeFrequencies.read(path, population) for population in ("AFA", "CAU"))
    assert (haplotypes(afa), haplotypes(cau)) == ({("A*01:01",): 0.2, ("A*02:01",): 0.3}, {("A*01:01",): 0.2})
    assert "line 5" in afa.notes[0]
    with pytest.raises(am.ArgumentError, match=r"several populations \('AFA', 'CAU'\)"):
        am.HaplotypeFrequencies.read(path)
    with pytest.raises(am.ArgumentError, match="no population 'HIS'; it has 'AFA', 'CAU'"):
        am.HaplotypeFrequencies.read(path, "HIS")
    with pytest.raises(am.ArgumentError, match="line 4") as failure:
        read(path, text.replace("0.3", "3"), population="AFA")
    assert failure.value.code == ERROR_CODES["ValueOutOfRange"]


def test_haplotypes_that_come_again_are_summed_and_said(tmp_path: Path) -> None:
    text = "A,B,freq,count\n01:01,08:01,0.5,1\n02:01,07:02,0.125,2\n\nHLA-A*01:01,b*08:01,0.25,3\n"
    freqs = read(tmp_path / "CAU.csv", text)
    assert haplotypes(freqs) == {("A*01:01", "B*08:01"): 0.75, ("A*02:01", "B*07:02"): 0.125}
    assert freqs.counts is not None
    assert freqs.counts.tolist() == [4, 2]
    (note,) = freqs.notes
    assert note.startswith("1 rows repeat")
    assert "line 5" in note
    assert freqs.labelled("x").notes == freqs.project(["A"]).notes == freqs.notes


def test_sums_above_one_and_ignored_columns_are_said(tmp_path: Path) -> None:
    freqs = read(tmp_path / "CAU.csv", "A,freq,rank\n01:01,0.9,1\n02:01,0.9,2\n")
    assert freqs.total == 1.8
    assert [note.partition(",")[0] for note in freqs.notes] == ["ignored columns: rank", "frequencies sum to 1.8"]


def test_sets_of_no_and_one_haplotype(tmp_path: Path) -> None:
    none = read(tmp_path / "CAU.csv", "A,B,frequency\n")
    assert (len(none), none.total, none.loci, none.notes) == (0, 0, ("A", "B"), ("it holds no haplotypes",))
    assert (len(none.project(["A"])), none.names("A").to_pylist(), none.codes("A").tolist()) == (0, [], [])
    for ending in ("csv.gz", "parquet"):
        none.write(tmp_path / f"none.{ending}")
        again = am.HaplotypeFrequencies.read(tmp_path / f"none.{ending}")
        assert (len(again), again.loci) == (0, ("A", "B"))
    assert haplotypes(read(tmp_path / "CAU.freqs", "A*01:01~B*08:01,1")) == {("A*01:01", "B*08:01"): 1}
    with pytest.raises(am.ArgumentError, match="loci cannot be known"):
        read(tmp_path / "CAU.freqs", "haplotype,freq\n")


# --- bad input -------------------------------------------------------------------------------------------------------

UTF16 = COLUMNS.encode("utf-16")
GZ = gzip.compress(COLUMNS.encode())
ZIP_HEAD = b"PK\x03\x04"


def parquet_bytes(**columns: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


BAD: dict[str, tuple[str | bytes, str, list[str]]] = {
    "nothing": (b"", "CorruptFile", ["empty"]),
    "blank lines": ("\n \n", "CorruptFile", ["empty"]),
    "nothing, gzip'd": (gzip.compress(b""), "CorruptFile", ["empty"]),
    "gzip cut short": (GZ[:-20], "CorruptFile", ["cut short"]),
    "gzip head alone": (GZ[:5], "CorruptFile", ["cut short"]),
    "gzip with a wrong sum": (GZ[:-8] + b"\0" * 8, "CorruptFile", ["damaged"]),
    "gzip damaged inside": (GZ[:20] + b"\xff\xff\xff" + GZ[23:], "CorruptFile", ["damaged"]),
    "a BOM alone": (b"\xef\xbb\xbf", "CorruptFile", ["empty"]),
    "no end of a quote": ('A,freq\n"01:01,0.1\n', "CorruptFile", ["line 2"]),
    "an endless cell": ("A" * 200_000 + ",freq\n01:01,0.1\n", "CorruptFile", ["as CSV"]),
    "zip cut short": (ZIP_HEAD + b"\0" * 20, "CorruptFile", ["cut short"]),
    "Parquet cut short": (parquet_bytes(A=["01:01"], freq=[0.1])[:-10], "CorruptFile", ["cut short"]),
    "UTF-16": (UTF16, "CorruptFile", ["UTF-16", "UTF-8"]),
    "Latin-1": ("A,freq\n01:01,0.1\n\xe9,0.1\n".encode("latin-1"), "CorruptFile", ["line 3", "UTF-8"]),
    "semicolons": (COLUMNS.replace(",", ";"), "InvalidArgument", ["commas", "A;B"]),
    "a short line": ("A,B,freq\n01:01,08:01,0.1\n\n01:01,08:01\n", "CorruptFile", ["line 4", "2 cells", "3"]),
    "a long line": ("A,freq\n01:01,0.1,1\n", "CorruptFile", ["line 2", "3 cells"]),
    "no frequency": ("A,B\n01:01,08:01\n", "MissingColumn", ["'frequency'", "'A', 'B'"]),
    "no names": ("count,freq\n1,0.1\n", "MissingColumn", ["'haplotype'"]),
    "no heading": ("A*01:01,B*08:01,C*07:01,0.1\n", "MissingColumn", ["heading"]),
    "a column twice": ("A,A,freq\n01:01,01:01,0.1\n", "InvalidArgument", ["two columns", "'A'"]),
    "an ignored column twice": ("A,freq,,\n01:01,0.1,,\n", "InvalidArgument", ["two columns", "''"]),
    "a locus twice": ("DRBX,DRB345,freq\nNNNN,NNNN,0.1\n", "InvalidArgument", ["two columns", "DRB345"]),
    "both ways": ("A,haplotype,freq\n01:01,B*08:01,0.1\n", "InvalidArgument", ["'haplotype'", "A"]),
    "DRB345 and DRB3": ("DRB345,DRB3,freq\nDRB3*01:01,01:01,0.1\n", "InvalidArgument", ["DRB345", "one or the others"]),
    "a column of an unknown locus": ("A,E,freq\n01:01,E*01:01,0.1\n", "UnknownLocus", ["'E'", "DRB345"]),
    "an unknown locus": ("haplotype,freq\nA*01:01~B*08:01,0.1\nA*01:01~E*01:01,0.1\n", "UnknownLocus", ["'E'", "line 3"]),
    "negative": ("A,freq\n01:01,0.1\n02:01,-1e-9\n", "ValueOutOfRange", ["line 3", "'-1e-9'", "0 to 1"]),
    "above one": ("A,freq\n01:01,1.01\n", "ValueOutOfRange", ["line 2", "'1.01'"]),
    "NaN": ("A,freq\n01:01,nan\n", "ValueOutOfRange", ["line 2", "'nan'"]),
    "infinite": ("A,freq\n01:01,inf\n", "ValueOutOfRange", ["line 2", "'inf'"]),
    "no number": ("\nA,freq\n01:01,0.1\n02:01,often\n", "ValueOutOfRange", ["line 4", "'often'"]),
    "decimal comma": ('A,freq\n01:01,"0,1"\n', "ValueOutOfRange", ["line 2", "'0,1'"]),
    "blank frequency": ("A,freq\n01:01,0.1\n02:01,\n", "ValueOutOfRange", ["line 3", "missing"]),
    "negative count": ("A,freq,count\n01:01,0.1,-3\n", "ValueOutOfRange", ["line 2", "count", "'-3'"]),
    "infinite count": ("A,freq,count\n01:01,0.1,inf\n", "ValueOutOfRange", ["line 2", "count"]),
    "malformed": ("A,freq\n01:01,0.1\n1:1x,0.1\n", "MalformedTyping", ["line 3", "'1:1x'", "locus A"]),
    "another locus": ("A,freq\nB*08:01,0.1\n", "MalformedTyping", ["line 2", "'B*08:01'"]),
    "a genotype": ("A,freq\nA*01:01+A*02:01,0.1\n", "MalformedTyping", ["line 2"]),
    "a genotype in a haplotype": ("A*01:01+A*02:01~B*08:01,0.1\n", "MalformedTyping", ["line 1", "one name at a locus"]),
    "loci in a haplotype": ("A*01:01^C*01:02~B*08:01,0.1\n", "MalformedTyping", ["line 1"]),
    "DRB345 without a gene": ("DRB345,freq\n01:01,0.1\n", "MalformedTyping", ["line 2", "DRB3, DRB4 and DRB5"]),
    "blank name": ("A,B,freq\n01:01,08:01,0.1\n01:01,,0.1\n", "MissingValue", ["line 3", "name at B"]),
    "blank part": ("A*01:01~B*08:01,0.1\nA*01:01~,0.1\n", "MalformedTyping", ["line 2", "empty name"]),
    "no locus in a part": ("A*01:01~08:01,0.1\n", "MalformedTyping", ["line 1", "'08:01'"]),
    "fewer loci": ("A*01:01~B*08:01,0.1\nA*01:01,0.1\n", "InvalidArgument", ["line 2", "1 names", "2"]),
    "other loci": ("A*01:01~B*08:01,0.1\nA*01:01~C*07:01,0.1\n", "InvalidArgument", ["line 2", "A, B", "A*01:01~C*07:01"]),
    "a locus twice in a haplotype": ("A*01:01~A*02:01,0.1\n", "InvalidArgument", ["line 1", "A*01:01~A*02:01"]),
    "DRB3 and absence": ("A*01:01~DRB3*01:01~DRBX*NNNN,0.1\n", "InvalidArgument", ["DRB345"]),
    "missing name, Parquet": (parquet_bytes(A=["01:01", None], freq=[0.1, 0.1]), "MissingValue", ["row 1"]),
    "missing frequency, Parquet": (parquet_bytes(A=["01:01"], freq=pa.array([None], pa.float64())), "ValueOutOfRange", ["row 0"]),
    "names as numbers": (parquet_bytes(A=[101], freq=[0.1]), "WrongType", ["'A'", "int64"]),
    "frequencies as truth values": (parquet_bytes(A=["01:01"], freq=[True]), "WrongType", ["frequency", "bool"]),
    "no JSON": ("{", "CorruptFile", ["JSON"]),
    "JSON of something else": ('{"a": 1}', "CorruptFile", ["'metadata'"]),
    "no records": (json.dumps(document()), "CorruptFile", ["frequencyData"]),
    "records of something else": (json.dumps(document() | {"frequencyData": [1]}), "CorruptFile", ["frequencyData"]),
    "frequencies as text": (
        json.dumps(document() | {"frequencyData": [{"haplotype": "A*01:01", "frequency": "x"}]}), "WrongType", ["number"],
    ),
    "a bad record": (
        json.dumps(document() | {"frequencyData": [RECORDS[0], RECORDS[1] | {"frequency": 2}]}),
        "ValueOutOfRange", ["frequencyData[1]", "2"],
    ),
    "KIR": (
        json.dumps(document() | {"frequencyData": [{"haplotype": "KIR2DL1*001", "frequency": 0.5}]}), "UnknownLocus", ["KIR2DL1"],
    ),
    "data elsewhere": (json.dumps(document("https://example.org/x.csv")), "InvalidArgument", ["download", "https:"]),
    "data outside": (json.dumps(document("file://../x.csv")), "InvalidArgument", ["beside"]),
    "data at the root": (json.dumps(document("file:///etc/passwd")), "InvalidArgument", ["beside"]),
    "data not there": (json.dumps(document("file://not.csv")), "FileNotFound", ["not.csv"]),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_with_the_value_and_the_place(case: str, tmp_path: Path) -> None:
    content, code, words = BAD[case]
    path = tmp_path / "bad"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    with pytest.raises(am.AllomatchError) as failure:
        am.HaplotypeFrequencies.read(path)
    assert failure.value.code == ERROR_CODES[code], failure.value
    for word in [*words, str(tmp_path)]:
        assert word in str(failure.value)


@pytest.mark.parametrize(
    ("files", "code", "word"),
    [
        ({"a.json": "{}", "b.json": "{}"}, "CorruptFile", "2 JSON documents"),
        ({"a.csv": COLUMNS}, "CorruptFile", "0 JSON documents"),
        ({"metadata.json": json.dumps(document("file://x.csv"))}, "FileNotFound", "x.csv"),
        (
            {"metadata.json": json.dumps(document("file://x.csv", checkSum="0" * 32)), "x.csv": COLUMNS},
            "ChecksumMismatch",
            "MD5",
        ),
        (
            {"metadata.json": json.dumps(document("file://x.csv")), "x.csv": "A,freq\n01:01,2\n"},
            "ValueOutOfRange",
            "line 2",
        ),
    ],
)
@pytest.mark.parametrize("form", ["zip", "folder"])
def test_bad_bundles(files: dict[str, str], code: str, word: str, form: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    if form == "zip":
        bundle(path, dict(files))
    else:
        folder(path, files)
    with pytest.raises(am.AllomatchError, match=word) as failure:
        am.HaplotypeFrequencies.read(path)
    assert failure.value.code == ERROR_CODES[code]


def test_a_damaged_bundle(tmp_path: Path) -> None:
    path = bundle(tmp_path / "x.hfx", {"metadata.json": json.dumps(document("file://x.csv")), "x.csv": COLUMNS * 50})
    whole = path.read_bytes()
    at = whole.index(b"x.csv") + 40
    for damaged in (whole[: len(whole) // 2], whole[:at] + bytes(8) + whole[at + 8 :], whole[:at] + whole[at + 3 :]):
        path.write_bytes(damaged)
        with pytest.raises(am.FileFormatError, match="damaged or cut short"):
            am.HaplotypeFrequencies.read(path)


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"CAU\.csv"):
        am.HaplotypeFrequencies.read(tmp_path / "CAU.csv")
    (tmp_path / "empty").mkdir()
    with pytest.raises(am.FileFormatError, match="no HFX bundle"):
        am.HaplotypeFrequencies.read(tmp_path / "empty")


# --- writing ---------------------------------------------------------------------------------------------------------

ENDINGS = ("csv", "csv.gz", "freqs", "freqs.gz", "parquet")
NAMES = {
    "A": ["A*01:01", "A*02:01g", "A*02:01:01G", "A*01:11N", "A*02:XX", "A2", "A*01:01/A*01:02"],
    "C": ["C*07:01", "Cw3", "C*12:03P"],
    "DRB1": ["DRB1*03:01", "DRB1*04:NEW", "DRB1*15:01:01:01"],
    "DRB3": ["DRB3*01:01", "DRB3*NNNN"],
    "DRB4": ["DRB4*01:03:01:02N", "DRB4*NNNN"],
    "DRB345": ["DRB3*01:01", "DRB5*01:01", "DRBX*NNNN"],
}


@st.composite
def drawn_sets(draw: st.DrawFn) -> am.HaplotypeFrequencies:
    loci = draw(st.sampled_from([["A"], ["A", "C"], ["C", "A", "DRB1", "DRB345"], ["A", "DRB3", "DRB4"], ["DRB345"]]))
    rows = draw(
        st.lists(st.tuples(*(st.sampled_from(NAMES[locus]) for locus in loci)), min_size=1, max_size=6, unique=True)
    )
    numbers = st.floats(0, 1, allow_subnormal=True)
    table = {locus: [row[i] for row in rows] for i, locus in enumerate(loci)}
    table["frequency"] = [draw(numbers) for _ in rows]  # type: ignore[misc]
    if draw(st.booleans()):
        counts = st.floats(0, 1e9) | st.just(float("nan"))
        table["count"] = [draw(counts) for _ in rows]  # type: ignore[misc]
    label = st.none() | st.sampled_from(["white", "Ελλάδα", "a,b"])
    return am.HaplotypeFrequencies.from_arrow(
        pa.table(table), "CAU", ethnicity=draw(label), ion=draw(st.none() | st.integers(0, 9999)), release=draw(label)
    )


@given(drawn_sets(), st.sampled_from(ENDINGS))
def test_what_is_written_is_read_back(freqs: am.HaplotypeFrequencies, ending: str) -> None:
    with tempfile.TemporaryDirectory() as home:
        path = Path(home) / f"CAU.{ending}"
        freqs.write(path)
        again = am.HaplotypeFrequencies.read(path)
        assert [entry.name for entry in Path(home).iterdir()] == [path.name]
    given_table, read_table = freqs.to_arrow(), again.to_arrow()
    assert read_table.column_names == given_table.column_names
    # Bits are compared: NaN is a missing count.
    for name in given_table.column_names:
        ours, theirs = given_table[name].to_pylist(), read_table[name].to_pylist()
        assert list(map(repr, ours)) == list(map(repr, theirs))
    if ending == "parquet":
        assert read_table.schema.metadata == given_table.schema.metadata
    assert (again.population, again.loci) == ("CAU", freqs.loci)


@given(drawn_sets())
def test_tables_and_processes_keep_a_set(freqs: am.HaplotypeFrequencies) -> None:
    for again in (am.HaplotypeFrequencies.from_arrow(freqs.to_arrow()), pickle.loads(pickle.dumps(freqs))):
        assert repr(again.to_arrow().to_pydict()) == repr(freqs.to_arrow().to_pydict())
        assert again.to_arrow().schema.metadata == freqs.to_arrow().schema.metadata


@given(st.binary(max_size=200) | st.text(alphabet='A*01:,~\n"freq.Be-', max_size=60).map(str.encode))
def test_no_bytes_are_a_crash(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as home:
        for head in (b"", b"A,freq\n", b"\x1f\x8b\x08\0", b"PAR1", ZIP_HEAD, b"{", gzip.compress(b"A,freq\n")):
            path = Path(home) / "x"
            path.write_bytes(head + content)
            failure = None
            try:
                am.HaplotypeFrequencies.read(path)
            except am.AllomatchError as raised:
                failure = raised
            assert failure is None or str(path) in str(failure)


def test_written_files_are_private_and_the_same_each_time(tmp_path: Path) -> None:
    freqs = read(tmp_path / "CAU.csv", COLUMNS)
    for ending in ENDINGS:
        path = tmp_path / f"out.{ending}"
        freqs.write(path)
        first = path.read_bytes()
        freqs.write(path)
        assert path.read_bytes() == first
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (tmp_path / "out.csv").read_text() == COLUMNS.replace("DRB3/4/5", "DRB345")
    assert (tmp_path / "out.freqs").read_text() == "haplotype,count,freq\n" + JOINED
    freqs.write(tmp_path / "x.txt", format="haplotypes")
    assert (tmp_path / "x.txt").read_bytes() == (tmp_path / "out.freqs").read_bytes()


def test_writing_that_cannot_be_done(tmp_path: Path) -> None:
    freqs = read(tmp_path / "CAU.csv", COLUMNS)
    with pytest.raises(FileNotFoundError, match="cannot write"):
        freqs.write(tmp_path / "no" / "CAU.csv")
    for name in ("CAU.xlsx", "CAU", "CAU.parquet.gz"):
        with pytest.raises(am.ArgumentError, match="by its name"):
            freqs.write(tmp_path / name)
    with pytest.raises(am.ArgumentError, match="unknown format 'xml'"):
        freqs.write(tmp_path / "CAU.csv", format="xml")  # type: ignore[arg-type]
    with pytest.raises(am.ArgumentError, match="DRB345"):
        read(tmp_path / "x.csv", "A,DRB3,freq\n01:01,01:01,1\n").write(tmp_path / "x.freqs")
    assert sorted(os.listdir(tmp_path)) == ["CAU.csv", "x.csv"]


@pytest.mark.parametrize("failure", [OSError(28, "no space"), KeyboardInterrupt()])
def test_a_file_is_there_whole_or_as_it_was(failure: BaseException, tmp_path: Path) -> None:
    path = write(tmp_path / "CAU.csv", "before")

    def half(file: Any) -> None:
        file.write(b"half of i")
        raise failure

    with pytest.raises((am.FileAccessError, KeyboardInterrupt)):
        write_whole(path, half)
    assert path.read_text() == "before"
    assert os.listdir(tmp_path) == ["CAU.csv"]


# --- the cache -------------------------------------------------------------------------------------------------------


def big(path: Path, frequency: str = "1e-05") -> am.HaplotypeFrequencies:
    """A file that is worth keeping."""
    rows = [f"A*01:{a:02},B*08:{b:02},{frequency},1" for a in range(1, 102) for b in range(1, 102)]
    return read(path, "A,B,frequency,count\n" + "\n".join(rows) + "\n")


def kept(cache: Path) -> Path:
    (path,) = cache.iterdir()
    return path


def test_the_cache_is_used_while_the_file_is_unchanged(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "CAU.csv"
    first = big(path)
    entry = kept(cache)
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    # In place, of the same size and time: only the cache still knows what was there.
    before = path.stat()
    path.write_bytes(path.read_bytes().replace(b"1e-05", b"2e-05"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert am.HaplotypeFrequencies.read(path).to_arrow().equals(first.to_arrow(), check_metadata=True)
    assert am.HaplotypeFrequencies.read(path, cache=False).frequencies[0] == 2e-05
    labelled = am.HaplotypeFrequencies.read(path, ethnicity="x", ion=1, release="y")
    assert (labelled.frequencies[0], labelled.ethnicity, labelled.ion, labelled.release) == (1e-05, "x", "0001", "y")
    assert am.HaplotypeFrequencies.read(path).ethnicity is None


def test_a_changed_file_is_read_again(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "CAU.csv"
    big(path)
    before = kept(cache)
    assert big(path, "2e-05").frequencies[0] == 2e-05
    assert kept(cache) != before
    assert am.HaplotypeFrequencies.read(path).frequencies[0] == 2e-05


def test_populations_of_one_file_are_kept_apart(tmp_path: Path, cache: Path) -> None:
    rows = [
        f"A*01:{a:02}~B*08:{b:02},{p},{f}"
        for p, f in (("X", 1e-5), ("Y", 2e-5))
        for a in range(1, 102)
        for b in range(1, 102)
    ]
    path = write(tmp_path / "all.csv", "haplotype,population,frequency\n" + "\n".join(rows))
    for _ in range(2):
        for population, frequency in (("X", 1e-5), ("Y", 2e-5)):
            found = am.HaplotypeFrequencies.read(path, population)
            assert (found.population, found.frequencies[0]) == (population, frequency)
    assert len(list(cache.iterdir())) == 2


def test_a_damaged_cache_is_made_again(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "CAU.csv"
    first = big(path).to_arrow()
    entry = kept(cache)
    whole = entry.read_bytes()
    changes = [
        whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in (0, 600, len(whole) // 2, len(whole) - 1)
    ]
    for damaged in [*changes, whole[:-1], whole[:100], b"", whole + b"x"]:
        entry.unlink()
        entry.write_bytes(damaged)
        assert am.HaplotypeFrequencies.read(path).to_arrow().equals(first, check_metadata=True)
        assert kept(cache).read_bytes() == whole


def test_a_cache_that_is_in_use_may_be_replaced(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "CAU.csv"
    big(path)
    mapped = am.HaplotypeFrequencies.read(path)
    big(path, "2e-05")
    assert mapped.frequencies[-1] == 1e-05


def test_without_a_cache_it_works_as_well(tmp_path: Path, cache: Path) -> None:
    read(tmp_path / "small.csv", COLUMNS)
    assert not cache.exists()
    cache.parent.mkdir(parents=True, exist_ok=True)
    cache.write_text("in the way")
    assert len(big(tmp_path / "CAU.csv")) == 101 * 101
    assert cache.read_text() == "in the way"
