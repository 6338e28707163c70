"""Which frequency set is for whom: the rule, columns of people, folders; and `allomatch frequencies`.

What: the cases that the engine Atlas answers, all of them; columns against one person at a time; folders with and without
an index, written and read back; labels that clash. Why: a person judged by another population's frequencies gets
probabilities that look as good as the right ones.
"""

from __future__ import annotations

import json
import random
import stat
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import allomatch as am
from allomatch import cli
from allomatch._core import ERROR_CODES
from reference.truth import engine_cases, existing_data_dir, needs_data, needs_truth


@pytest.fixture(autouse=True)
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


def one(
    ethnicity: str | None = None, ion: str | int | None = None, population: str | None = None
) -> am.HaplotypeFrequencies:
    table = pa.table({"A": ["01:01", "02:01"], "frequency": [0.5, 0.25]})
    return am.HaplotypeFrequencies.from_arrow(table, population or f"{ethnicity}/{ion}", ethnicity=ethnicity, ion=ion)


@needs_truth
def test_the_engine_chooses_the_same_sets() -> None:
    cases = engine_cases("mpa_hf_selection")
    assert len(cases) == 10
    for case in cases:
        sets = am.FrequencySets([one(ethnicity, ion) for ion, ethnicity in case["available_sets"]])
        ion, ethnicity = case["request"]
        if isinstance(case["expected_set"], dict):
            with pytest.raises(am.ArgumentError, match="no frequency set"):
                sets.choose(ethnicity, ion)
            continue
        chosen = sets.choose(ethnicity, ion)
        assert [chosen.ion, chosen.ethnicity] == case["expected_set"], case
        codes = sets.choose_columns(pa.array([ethnicity], pa.string()), pa.array([ion], pa.string()))
        assert sets.sets[codes[0]] is chosen


EVERYONE = one(population="world")
BY_ETHNICITY = one("white")
BY_ION = one(ion=1234)
BY_BOTH = one("white", "1234")
SETS = am.FrequencySets([BY_BOTH, BY_ION, EVERYONE, BY_ETHNICITY])


@pytest.mark.parametrize(
    ("ethnicity", "ion", "expected"),
    [
        ("white", "1234", BY_BOTH),
        ("white", 1234, BY_BOTH),
        ("black", "1234", BY_ION),
        (None, 1234, BY_ION),
        ("", "1234", BY_ION),
        ("white", "9999", BY_ETHNICITY),
        ("white", None, BY_ETHNICITY),
        ("white", " ", BY_ETHNICITY),
        ("White", None, EVERYONE),
        ("white ", None, EVERYONE),
        ("black", 9999, EVERYONE),
        (None, None, EVERYONE),
    ],
)
def test_the_rule(ethnicity: str | None, ion: Any, expected: am.HaplotypeFrequencies) -> None:
    assert SETS.choose(ethnicity, ion) is expected
    assert SETS.default is EVERYONE


def test_the_ion_comes_before_the_ethnicity() -> None:
    assert am.FrequencySets([BY_ETHNICITY, BY_ION]).choose("white", 1234) is BY_ION


@pytest.mark.parametrize("ions", ["text", "numbers", "dictionary", "chunks", "numpy", "floats"])
def test_columns_are_chosen_for_row_by_row(ions: str) -> None:
    chance = random.Random(7)
    ethnicity = [chance.choice(["white", "black", "", None]) for _ in range(500)]
    ion = [chance.choice([1234, 9999, None]) for _ in range(500)]
    texts = pa.array([None if i is None else str(i) for i in ion])
    column: Any = {
        "text": texts,
        "numbers": pa.array(ion, pa.int16()),
        "dictionary": texts.dictionary_encode(),
        "chunks": pa.chunked_array([texts[:100], texts[100:]]),
        "floats": np.array([np.nan if i is None else float(i) for i in ion]),
        "numpy": np.array([np.nan if i is None else i for i in ion], object),
    }[ions]
    codes = SETS.choose_columns(pa.array(ethnicity).dictionary_encode(), column)
    assert codes.dtype == np.uint16
    assert [SETS.sets[code] for code in codes] == [SETS.choose(e, i) for e, i in zip(ethnicity, ion, strict=True)]


def test_columns_that_are_missing_or_do_not_fit() -> None:
    assert SETS.choose_columns(n=3).tolist() == [2, 2, 2]
    assert SETS.choose_columns(ion=[1234, None]).tolist() == [1, 2]
    assert SETS.choose_columns(ethnicity=["white"]).tolist() == [3]
    assert SETS.choose_columns(pa.array([], pa.string())).tolist() == []
    with pytest.raises(am.ArgumentError, match="2 ethnicities and 1 IONs"):
        SETS.choose_columns(["white", None], [1])
    with pytest.raises(am.ArgumentError, match="ethnicity is a text"):
        SETS.choose_columns([5])
    with pytest.raises(am.ArgumentError, match="no column of labels"):
        SETS.choose_columns([{}, "a"])


def test_nobody_gets_a_set_by_guess() -> None:
    sets = am.FrequencySets([BY_ETHNICITY, BY_ION])
    for call in (lambda: sets.choose("black", 9999), lambda: sets.choose_columns(["white", "black"], [9999, 9999])):
        with pytest.raises(am.ArgumentError, match="no frequency set for ethnicity 'black' and ION '9999'") as failure:
            call()
        assert "ethnicity 'white'; ION '1234'" in str(failure.value)
    with pytest.raises(am.ArgumentError, match="no frequency set for everyone"):
        sets.choose()
    with pytest.raises(am.ArgumentError, match="nobody"):
        am.FrequencySets([]).choose("white")
    assert sets.default is None


def test_the_default_is_for_everyone_else() -> None:
    own = am.FrequencySets([BY_ETHNICITY, BY_ION], default=BY_ETHNICITY)
    assert (len(own), own.default) == (2, BY_ETHNICITY)
    assert (own.choose("black"), own.choose("white"), own.choose(ion=1234)) == (BY_ETHNICITY, BY_ETHNICITY, BY_ION)
    further = am.FrequencySets([BY_ETHNICITY], default=EVERYONE)
    assert (further.sets, further.choose("black")) == ((BY_ETHNICITY, EVERYONE), EVERYONE)
    assert "default='world'" in repr(further)


def test_sets_for_the_same_people() -> None:
    with pytest.raises(am.ArgumentError, match="'x' and 'y' are both for ethnicity 'white' and ION '0001'"):
        am.FrequencySets([one("white", 1, "x"), one("white", "0001", "y")])
    for sets, default in (([EVERYONE, one()], None), ([EVERYONE], one()), ([EVERYONE, BY_ION], BY_ION)):
        with pytest.raises(am.ArgumentError, match="both for everyone"):
            am.FrequencySets(sets, default)
    with pytest.raises(am.ArgumentError, match="list of HaplotypeFrequencies"):
        am.FrequencySets(["CAU"])  # type: ignore[list-item]


# --- folders ---------------------------------------------------------------------------------------------------------

TEXT = "A,frequency\n01:01,0.5\n02:01,0.25\n"


@needs_data
def test_the_folder_of_published_files() -> None:
    sets = am.FrequencySets.from_folder(existing_data_dir() / "haplotypes")
    assert [one.population for one in sets.sets] == ["AFA", "API", "CAU", "HIS", "NAM"]
    assert sets.choose("HIS", ion=1234).population == "HIS"
    with pytest.raises(am.ArgumentError, match="no frequency set for everyone"):
        sets.choose()


def test_a_folder_without_an_index(tmp_path: Path) -> None:
    (tmp_path / "white.csv").write_text(TEXT)
    (tmp_path / "global.csv").write_text(TEXT)
    (tmp_path / "README.md").write_text("nothing to read")
    (tmp_path / ".hidden.csv").write_text("nothing to read")
    one("black", 1234).write(tmp_path / "a.parquet")
    one(None, 77).write(tmp_path / "b.parquet")
    sets = am.FrequencySets.from_folder(tmp_path)
    assert [(s.population, s.ethnicity, s.ion) for s in sets.sets] == [
        ("black/1234", "black", "1234"),
        ("None/77", None, "0077"),
        ("global", None, None),
        ("white", "white", None),
    ]
    assert sets.default is sets.sets[2]


def test_an_index_says_whose_sets_they_are(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEXT)
    (tmp_path / "b.csv").write_text(TEXT)
    (tmp_path / "not.csv").write_text("nothing to read")
    rows = [
        {"file": "a.csv", "ion": "1234", "release": "3.20.0"},
        {"file": "b.csv", "ethnicity": "a/b", "population": "B"},
    ]
    (tmp_path / "sets.json").write_text(json.dumps({"sets": rows, "default": "a.csv"}))
    sets = am.FrequencySets.from_folder(tmp_path)
    assert [(s.population, s.ethnicity, s.ion, s.release) for s in sets.sets] == [
        ("a", None, "1234", "3.20.0"),
        ("B", "a/b", None, None),
    ]
    assert sets.choose().population == "a"


@pytest.mark.parametrize("default", [None, BY_BOTH, EVERYONE])
def test_folders_are_written_and_read_back(default: am.HaplotypeFrequencies | None, tmp_path: Path) -> None:
    sets = am.FrequencySets([BY_BOTH, BY_ION, one("a/b,Ελ", population="a/b")], default)
    sets.write(tmp_path / "sets")
    assert [entry.name for entry in tmp_path.iterdir()] == ["sets"]
    assert stat.S_IMODE((tmp_path / "sets").stat().st_mode) == 0o700
    assert {stat.S_IMODE(entry.stat().st_mode) for entry in (tmp_path / "sets").iterdir()} == {0o600}
    again = am.FrequencySets.from_folder(tmp_path / "sets")
    assert len(again) == len(sets)
    for ours, theirs in zip(sets.sets, again.sets, strict=True):
        assert theirs.to_arrow().equals(ours.to_arrow(), check_metadata=True)
    assert repr(again) == repr(sets)
    with pytest.raises(FileExistsError, match="exists"):
        sets.write(tmp_path / "sets")


@pytest.mark.parametrize(
    ("index", "code", "word"),
    [
        ("{", "CorruptFile", "no index"),
        ("[]", "CorruptFile", "no index"),
        ('{"sets": [{}]}', "CorruptFile", "file"),
        ('{"sets": [{"file": "../a.csv"}]}', "CorruptFile", "not in its folder"),
        ('{"sets": [{"file": "/a.csv"}]}', "CorruptFile", "not in its folder"),
        ('{"sets": [{"file": "a.csv"}], "default": "b.csv"}', "CorruptFile", "b.csv"),
        ('{"sets": [{"file": "none.csv"}]}', "FileNotFound", "none.csv"),
    ],
)
def test_bad_indexes(index: str, code: str, word: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(TEXT)
    (tmp_path / "sets.json").write_text(index)
    with pytest.raises(am.AllomatchError, match=word) as failure:
        am.FrequencySets.from_folder(tmp_path)
    assert failure.value.code == ERROR_CODES[code]


def test_bad_folders(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="cannot read the folder"):
        am.FrequencySets.from_folder(tmp_path / "none")
    with pytest.raises(am.ArgumentError, match="no frequency sets"):
        am.FrequencySets.from_folder(tmp_path)
    with pytest.raises(FileNotFoundError, match="cannot write"):
        SETS.write(tmp_path / "none" / "sets")


# --- the command line ------------------------------------------------------------------------------------------------


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str | Path
) -> tuple[int, str, str]:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["allomatch", "frequencies", *map(str, arguments)])
    with pytest.raises(SystemExit) as leave:
        cli.main()
    code = leave.value.code
    streams = capsys.readouterr()
    return code if isinstance(code, int) else 0, streams.out, streams.err


def test_info(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "CAU.csv"
    path.write_text("A,B,freq,rank\n" + "".join(f"01:{i:02},08:01,{i / 1000},1\n" for i in range(1, 13)))
    code, text, _ = run(monkeypatch, capsys, "info", path, "--nomenclature", "two-field", "--json")
    facts = json.loads(text)
    assert code == 0
    assert (facts["population"], facts["haplotypes"], facts["loci"]) == ("CAU", 12, {"A": 12, "B": 1})
    assert facts["total"] == pytest.approx(0.078)
    assert facts["most_frequent"][0] == {"haplotype": "A*01:12~B*08:01", "frequency": 0.012}
    assert [row["frequency"] for row in facts["most_frequent"]] == [i / 1000 for i in range(12, 2, -1)]
    assert facts["notes"] == ["ignored columns: rank"]
    assert facts["not_carried"] == []
    code, text, complaints = run(monkeypatch, capsys, "info", path, "--population", "EUR")
    assert code == 0
    assert "EUR: 12 haplotypes, frequencies sum to 0.078\n" in text
    assert "0.012000  A*01:12~B*08:01" in text
    assert "ignored columns: rank" in complaints


def test_info_names_what_is_not_carried(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "CAU.csv"
    path.write_text("A,freq\n01:01,0.5\n02:XX,0.25\n")
    code, text, complaints = run(monkeypatch, capsys, "info", path, "--nomenclature", "two-field")
    assert code == 0
    assert "A*02:XX is left out of predictions under two-field: it stands for more than one ARD group" in complaints
    _, text, _ = run(monkeypatch, capsys, "info", path, "--nomenclature", "two-field", "--json")
    assert [row["name"] for row in json.loads(text)["not_carried"]] == ["A*02:XX"]


def test_convert(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "CAU.csv").write_text(TEXT)
    code, text, _ = run(monkeypatch, capsys, "convert", tmp_path / "CAU.csv", tmp_path / "x.freqs")
    assert (code, (tmp_path / "x.freqs").read_text()) == (0, "haplotype,freq\nA*01:01,0.5\nA*02:01,0.25\n")
    assert "2 haplotypes of CAU" in text
    code, text, _ = run(
        monkeypatch, capsys, "convert", tmp_path / "x.freqs", tmp_path / "y.txt", "--format", "columns", "--json"
    )
    assert (code, json.loads(text)["haplotypes"]) == (0, 2)
    assert (tmp_path / "y.txt").read_text() == "A,frequency\nA*01:01,0.5\nA*02:01,0.25\n"


def test_commands_that_fail(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "CAU.csv").write_text(TEXT)
    (tmp_path / "bad.csv").write_text(TEXT.replace("0.25", "-1"))
    for arguments, word in (
        (["info", tmp_path / "none.csv"], "error 400"),
        (["info", tmp_path / "bad.csv"], "line 3"),
        (["convert", tmp_path / "CAU.csv", tmp_path / "bad.csv"], "exists"),
        (["convert", tmp_path / "CAU.csv", tmp_path / "x.xlsx"], "by its name"),
        (["convert", tmp_path / "CAU.csv", tmp_path / "x.csv", "--format", "xml"], "unknown format"),
    ):
        code, text, complaints = run(monkeypatch, capsys, *arguments)
        assert (code, text) == (1, "")
        assert word in complaints
