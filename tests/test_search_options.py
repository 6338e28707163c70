"""Options of a search as people write them: filters, doses and further loci, in Python and on the command line.

What: hand-made donors and what each option says of them; texts, numbers and expressions that cannot be, each a clear error.
`test_oracle_options.py` holds the options against the oracle. Why: these texts are typed by hand, every day.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

import allomatch as am
from allomatch import cli, console
from allomatch._core import ERROR_CODES

GL = "A*01:01+A*02:01"
PATIENT = f"{GL}^DPB1*01:01+DPB1*02:01"
DONORS = {
    "donor_id": ["D1", "D2", "D3", "D4", "D5"],
    "gl": [PATIENT, PATIENT, GL, f"{GL}^DPB1*03:01+DPB1*04:01", "A*24:02+A*25:01"],
    "sex": ["F", "M", None, "f", "F"],
    "birth_year": [1980, 1990, 1985, None, 1980],
    "donor_type": ["adult", "CBU", "Cord Blood", None, "C"],
    "tnc_e7": [None, 150.1, 30, 600, 600],
    "cd34_e6": [None, 6, None, 12, 12],
}


@pytest.fixture
def registry(tmp_path: Path) -> am.Registry:
    return am.Registry.build(tmp_path / "r.allo", pa.table(DONORS))[0]


def ids(registry: am.Registry, **options: Any) -> str:
    return " ".join(registry.search(GL, ["A"], **options).donor_ids.to_pylist())


# --- filters --------------------------------------------------------------------------------------------------------

REFUSED: list[tuple[Any, str, list[str]]] = [
    ("", "InvalidArgument", ["empty", "birth_year >= 1985"]),
    ("age > 30", "MissingColumn", ["'age'", "character 1", "birth_year", "cd34_e6"]),
    ("sex == 'F' and donor_id == 'D1'", "MissingColumn", ["'donor_id'", "character 16"]),
    ("birth_year == 'x'", "WrongType", ["birth_year", "'x'", "numbers"]),
    ("cmv > 'N'", "WrongType", ["cmv", "=="]),
    ("sex == 'female'", "InvalidArgument", ["'female'", "F M"]),
    ("sex == 'F' or", "InvalidArgument", ["the end", "column"]),
    ("sex = 'F'", "InvalidArgument", ["'='", "=="]),
    ("__import__('os')", "MissingColumn", ["__import__"]),
    ("sex == 'F\ud800'", "InvalidArgument", ["F M"]),
    ("sex == 'F\0'", "InvalidArgument", ["F M"]),
    ("(" * 200, "InvalidArgument", ["100 deep"]),
    ("x" * 70_000, "InvalidArgument", ["70000", "65536"]),
    (5, "WrongType", ["where is 5", "Expression"]),
    (b"sex == 'F'", "WrongType", ["where is b"]),
    (["sex == 'F'"], "WrongType", ["where is ["]),
    (pc.field("age") > 30, "MissingColumn", ["age", "birth_year", "cd34_e6"]),
    (pc.field("sex", "x") == 1, "MissingColumn", ["sex", "birth_year"]),
    (pc.field(0) == 1, "InvalidArgument", ["place", "birth_year"]),
    (pc.field("birth_year") == "x", "InvalidArgument", ["birth_year", "int16", "string"]),
    (pc.field("birth_year"), "InvalidArgument", ["int16", "true or false"]),
    (pc.field("birth_year") + 32767 > 0, "InvalidArgument", ["overflow"]),
]


@pytest.mark.parametrize(("where", "code", "words"), REFUSED, ids=[str(each[0])[:30] for each in REFUSED])
def test_filters_that_cannot_be(where: Any, code: str, words: list[str], registry: am.Registry) -> None:
    with pytest.raises(am.ArgumentError) as caught:
        registry.search(GL, ["A"], where=where)
    assert caught.value.code == ERROR_CODES[code]
    for word in words:
        assert word in str(caught.value)
    assert len(str(caught.value)) < 600


def test_filters_of_arrow_follow_arrow(registry: am.Registry) -> None:
    sex, year = pc.field("sex"), pc.field("birth_year")
    assert ids(registry, where=sex == "F") == "D1 D4"
    # Arrow's is_in calls null false, so its negation lets null pass; a text's does not.
    assert ids(registry, where=~sex.isin(["F"])) == "D2 D3"
    assert ids(registry, where="sex not in ('F')") == "D2"
    assert ids(registry, where=pc.match_substring(pc.field("donor_type"), "ord")) == "D3"
    assert ids(registry, where=pc.bit_wise_and(year, 1) == 1) == "D3"
    assert ids(registry, where=pc.field("status").is_null()) == "D1 D2 D3 D4"
    assert ids(registry, where=pc.scalar(True)) == "D1 D2 D3 D4"
    assert ids(registry, where=pc.field("ethnicity") == "birth_year") == ""


def test_a_filter_that_throws_throws(registry: am.Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    """What Python raises inside a search comes out of it, and the registry stays usable."""

    def stop(rows: Any) -> Any:
        raise KeyboardInterrupt

    def wrong(rows: Any) -> Any:
        return np.zeros(len(rows) + 1, np.bool_)

    for broken, kind in ((stop, KeyboardInterrupt), (wrong, ValueError)):
        monkeypatch.setattr("allomatch.registry.core_filters", lambda where, segment, broken=broken: [broken])
        with pytest.raises(kind):
            registry.search(GL, ["A"], threads=2)
    monkeypatch.undo()
    assert ids(registry) == "D1 D2 D3 D4"


def test_many_threads_filter_one_registry(registry: am.Registry) -> None:
    found: list[str] = []

    def search() -> None:
        for _ in range(20):
            found.append(ids(registry, where=pc.field("sex") == "F"))
            found.append(ids(registry, where="sex == 'F'", threads=2))

    threads = [threading.Thread(target=search) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {"D1 D4"}
    assert len(found) == 160


FORKED = """
import os, sys
import allomatch as am

registry = am.Registry.open(sys.argv[1])

def found():
    return [registry.search(sys.argv[2], ["A", "DPB1"], max_mismatches=most, threads=2).donor_ids.to_pylist() for most in (0, 2)]

expected = found()
for _ in range(3):
    child = os.fork()
    if child == 0:
        # With a thread of its own: the first search starts one, which serves the second too.
        right = found() == found() == expected and len(os.listdir("/proc/self/task")) == 2
        del registry
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert found() == expected
# A child that ends as Python does, with the registry open.
child = os.fork()
if child != 0:
    assert os.waitpid(child, 0)[1] == 0
"""


@pytest.mark.skipif(
    not Path("/proc/self/task").is_dir(), reason="forks are tried on Linux, where threads can be counted"
)
def test_a_forked_process_searches(registry: am.Registry) -> None:
    """The threads that a registry keeps for its next search are not in the child."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FORKED, str(registry.path), GL],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


# --- doses and cord blood -------------------------------------------------------------------------------------------


def test_least_doses(registry: am.Registry) -> None:
    assert ids(registry, patient_weight_kg=30) == "D1 D2 D3 D4"
    assert ids(registry, patient_weight_kg=30, min_tnc_e7_per_kg=1) == "D2 D3 D4"
    # 150.1 is no number of float32, and 30 * (150.1 / 30) none of decimals: a unit of exactly the dose passes.
    assert ids(registry, patient_weight_kg=30, min_tnc_e7_per_kg=150.1 / 30) == "D2 D4"
    assert ids(registry, patient_weight_kg=30, min_tnc_e7_per_kg=5.0034) == "D4"
    assert ids(registry, patient_weight_kg=60, min_cd34_e6_per_kg=0.1) == "D2 D4"
    assert ids(registry, patient_weight_kg=60, min_tnc_e7_per_kg=2.6, min_cd34_e6_per_kg=0.1) == "D4"
    hits = registry.search(GL, ["A"], patient_weight_kg=60, where="sex == 'F'")
    assert hits.to_arrow()["tnc_e7_per_kg"].to_pylist() == [None, 10]
    assert hits.to_arrow()["cd34_e6_per_kg"].to_pylist() == [None, pytest.approx(0.2)]
    assert "tnc_e7_per_kg: not known" in hits.explain(0)
    assert "cd34_e6_per_kg: 0.2" in hits.explain(1)


def test_cord_blood(registry: am.Registry, tmp_path: Path) -> None:
    hits = registry.search(GL, "cord 6/6")
    assert hits.donor_ids.to_pylist() == ["D2", "D3", "D5"]
    assert (hits.loci, list(hits.counts)) == (("A", "B", "DRB1"), [0, 1, 2])
    hits = registry.search(GL, "cord 8/8", where="sex is not null", max_mismatches=0)
    assert hits.donor_ids.to_pylist() == ["D2"]
    assert hits.loci == ("A", "B", "C", "DRB1")
    # Nobody is a unit; nobody's type is known; there is nobody.
    table = pa.table({"donor_id": ["D1"], "gl": [GL], "donor_type": ["adult"]})
    adults = am.Registry.build(tmp_path / "adults.allo", table)[0]
    assert adults.search(GL, "cord 6/6").total == 0
    unknown = am.Registry.build(tmp_path / "unknown.allo", table.drop_columns("donor_type"))[0]
    with pytest.raises(am.ArgumentError, match="donor_type"):
        unknown.search(GL, "cord 6/6")
    assert am.Registry.create(tmp_path / "empty.allo").search(GL, "cord 6/6").total == 0


# --- loci reported --------------------------------------------------------------------------------------------------


def test_loci_that_were_not_searched(registry: am.Registry) -> None:
    hits = registry.search(PATIENT, ["A"])
    assert (hits.loci, hits.reported) == (("A",), ("DPB1",))
    assert hits.mismatches.tolist() == [0, 0, 0, 0]
    assert hits.locus_count("DPB1", "mismatches").tolist() == [0, 0, 0, 2]
    assert hits.locus_count("DPB1", "greatest").tolist() == [0, 0, 2, 2]
    assert hits.to_arrow().schema.metadata[b"allomatch.reported"] == b"DPB1"
    last = hits[3]
    assert [each.locus for each in last.match.loci] == ["A"]
    assert [(each.locus, each.mismatches) for each in last.reported] == [("DPB1", 2)]
    assert last.match.mismatches == 0
    assert last.explain().index("not searched:") < last.explain().index("DPB1: mismatch")
    assert registry.search(PATIENT, ["A"], report="searched").reported == ()
    assert registry.search(PATIENT, ["A"], report=[]).reported == ()
    assert registry.search(PATIENT, ["A"], report=["c", "A", "C"]).reported == ("C",)
    # Untyped at a locus that is asked for: anything.
    assert registry.search(GL, ["A"], report=["DPB1"]).locus_count("DPB1", "greatest").tolist() == [2, 2, 2, 2]
    assert registry.search(PATIENT, ["A"], where="sex == 'M'", limit=1).locus_count("DPB1", "gvh").tolist() == [0]


def test_a_reported_locus_that_the_release_does_not_know(release: am.Nomenclature, registry: am.Registry) -> None:
    opened = am.Registry.open(registry.path, nomenclature=release)
    patient = f"{GL}^DPB1*9998:01+DPB1*01:01"
    with pytest.raises(am.TypingError, match=r"DPB1\*9998:01.*not searched"):
        opened.search(patient, ["A"])
    assert opened.search(patient, ["A"], report="searched").total == 4


# --- arguments that cannot be ---------------------------------------------------------------------------------------

ARGUMENTS: dict[str, tuple[Callable[[am.Registry], Any], list[str]]] = {
    "report": (lambda r: r.search(GL, ["A"], report="DPB1"), ["'DPB1'", "['DPB1']"]),  # type: ignore[arg-type]
    "report None": (lambda r: r.search(GL, ["A"], report=[None]), ["None"]),  # type: ignore[list-item]
    "report number": (lambda r: r.search(GL, ["A"], report=5), ["5"]),  # type: ignore[arg-type]
    "report unknown": (lambda r: r.search(GL, ["A"], report=["Z"]), ["'Z'"]),
    "weight 0": (lambda r: r.search(GL, ["A"], patient_weight_kg=0), ["patient_weight_kg is 0", "kg"]),
    "weight -1": (lambda r: r.search(GL, ["A"], patient_weight_kg=-1), ["-1"]),
    "weight NaN": (lambda r: r.search(GL, ["A"], patient_weight_kg=float("nan")), ["nan"]),
    "weight inf": (lambda r: r.search(GL, ["A"], patient_weight_kg=float("inf")), ["inf"]),
    "weight text": (lambda r: r.search(GL, ["A"], patient_weight_kg="30"), ["'30'"]),  # type: ignore[arg-type]
    "weight True": (lambda r: r.search(GL, ["A"], patient_weight_kg=True), ["True"]),
    "dose 0": (lambda r: r.search(GL, ["A"], patient_weight_kg=3, min_tnc_e7_per_kg=0), ["min_tnc_e7_per_kg is 0"]),
    "dose text": (lambda r: r.search(GL, ["A"], patient_weight_kg=3, min_cd34_e6_per_kg="x"), ["'x'"]),  # type: ignore[arg-type]
    "dose alone": (lambda r: r.search(GL, ["A"], min_tnc_e7_per_kg=2.5), ["min_tnc_e7_per_kg", "patient_weight_kg"]),
    "cord, too many": (lambda r: r.search(GL, "cord 6/6", max_mismatches=3), ["3", "from 0 to 2"]),
    "cord 10/10": (lambda r: r.search(GL, "cord 10/10"), ["cord 10/10", "cord 6/6"]),
}  # fmt: skip


@pytest.mark.parametrize("name", ARGUMENTS)
def test_an_option_that_cannot_be(name: str, registry: am.Registry) -> None:
    call, words = ARGUMENTS[name]
    with pytest.raises(am.ArgumentError) as caught:
        call(registry)
    for word in words:
        assert word in str(caught.value)


def test_numbers_of_numpy_are_doses(registry: am.Registry) -> None:
    assert ids(registry, patient_weight_kg=np.float32(30), min_tnc_e7_per_kg=np.int64(5)) == "D2 D4"


# --- the command line -----------------------------------------------------------------------------------------------


@pytest.fixture
def run(
    registry: am.Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    """Runs `allomatch search` on the donors above: exit code, output, errors."""
    monkeypatch.setattr(console.out, "width", 200)  # COLUMNS is read once, when the console is made

    def call(*words: str) -> tuple[int, str, str]:
        search = ("allomatch", "search", str(registry.path), "-n", "two-field")
        monkeypatch.setattr(sys, "argv", [*search, *words])
        with pytest.raises(SystemExit) as leave:
            cli.main()
        streams = capsys.readouterr()
        code = leave.value.code
        assert isinstance(code, int)
        return code, streams.out, streams.err

    return call


def test_options_of_the_command(run: Callable[..., tuple[int, str, str]]) -> None:
    code, out, _ = run("--patient", PATIENT, "--loci", "A", "--where", "sex == 'F'", "--direction", "hvg", "--json")
    answer = json.loads(out)
    assert (code, answer["total"], answer["where"], answer["direction"]) == (0, 2, "sex == 'F'", "hvg")
    assert (answer["loci"], answer["reported_loci"]) == (["A"], ["DPB1"])
    assert [hit["not_searched"]["DPB1"]["mismatches"] for hit in answer["hits"]] == [0, 2]
    code, out, _ = run("--patient", PATIENT, "--loci", "A", "--report", "searched", "--json")
    assert json.loads(out)["hits"][0]["not_searched"] == {}
    dosed = ("--patient-weight-kg", "30", "--min-tnc-e7-per-kg", "2", "--min-cd34-e6-per-kg", "0.1")
    code, out, _ = run("--patient", PATIENT, "--loci", "cord 6/6", *dosed, "--json")
    answer = json.loads(out)
    assert [hit["donor_id"] for hit in answer["hits"]] == ["D2", "D5"]
    assert answer["hits"][1]["tnc_e7_per_kg"] == 20
    assert list(answer["by_mismatches"]) == ["0", "1", "2"]
    assert answer["levels"] == {"A": "antigen", "B": "antigen", "DRB1": "ard"}
    for words, levels in ((("antigen",), ["antigen", "antigen"]), (("B=allele, a=antigen",), ["antigen", "allele"])):
        code, out, _ = run("--patient", GL, "--loci", "A,B", "--level", *words, "--json")
        assert (code, list(json.loads(out)["levels"].values())) == (0, levels)
    code, out, _ = run("--patient", PATIENT, "--loci", "A", "--report", "DPB1, C", "--patient-weight-kg", "30")
    assert code == 0
    assert "tnc_e7_per_kg" in out
    assert "DPB1 2, C 0-2" in out
    assert run("--patient", PATIENT, "--loci", "A", "--where", "birth_year > 2000")[0] == 3


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--where", "age > 3"), "MissingColumn"),
        (("--where", ""), "InvalidArgument"),
        (("--level", "protein"), "InvalidArgument"),
        (("--level", "B=ard"), "InvalidArgument"),
        (("--level", "A="), "InvalidArgument"),
        (("--report", "Z"), "UnknownLocus"),
        (("--min-tnc-e7-per-kg", "3"), "InvalidArgument"),
    ],
)
def test_options_that_the_command_refuses(
    words: tuple[str, ...], code: str, run: Callable[..., tuple[int, str, str]]
) -> None:
    ended, out, err = run("--patient", PATIENT, "--loci", "A", *words)
    assert (ended, out) == (1, "")
    assert f"(error {ERROR_CODES[code]})" in err
