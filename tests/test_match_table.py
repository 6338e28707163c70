"""`match_table` says of every row what `match` says of the pair.

What: one patient against donors, donors against one, and pairs, given in every way that columns come in; rows that
cannot be read; what is refused; and the command `allomatch match`, alone and over a file. Why: the columns are made by
other code than a single pair (interned, remembered, shared out among threads), and must not show it.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import allomatch as am
from allomatch import Match, Nomenclature, match_table

LOCI = ("A", "B", "DPB1")
PLAIN = Nomenclature.two_field()
NAMES = {
    "A": ("01:01", "01:01:01:01", "02:01", "02:XX", "01:01/02:01", "01:04N", "02:01:01G", "NEW", "02:NEW"),
    "B": ("07:02", "07:65", "44:02", "08:01", "08:XX", "44:02/44:03", "15:01"),
    "DPB1": ("04:01", "02:01", "09:01", "04:02", "05:01", "61:01N", "04:XX"),
}


def people(count: int, seed: int, release: Nomenclature | None = None) -> list[str]:
    """GL strings: homozygotes, untyped loci and genotype lists among them."""
    chance = random.Random(seed)

    def genotype(locus: str) -> str:
        first = chance.choice(NAMES[locus])
        second = first if chance.random() < 0.2 else chance.choice(NAMES[locus])
        return f"{locus}*{first.replace('/', f'/{locus}*')}+{locus}*{second.replace('/', f'/{locus}*')}"

    def typing(locus: str) -> str:
        return genotype(locus) + (f"|{genotype(locus)}" if chance.random() < 0.1 else "")

    return ["^".join(typing(locus) for locus in LOCI if chance.random() < 0.9) for _ in range(count)]


def row_of(found: Match) -> dict[str, Any]:
    """A match as a row of the table."""
    row: dict[str, Any] = {}
    counts = ("mismatches", "greatest", "gvh", "gvh_greatest", "hvg", "hvg_greatest")
    row |= {name: getattr(found, name) for name in counts}
    for each in found.loci:
        locus = each.locus
        row |= {f"{locus}_{name}": getattr(each, name) for name in counts}
        row |= {f"{locus}_category": each.category, f"{locus}_orientation": each.orientation}
        for name in ("grade", "confidence"):
            values = {"grade": each.grades, "confidence": each.confidences}[name]
            row |= {f"{locus}_{name}_1": values[0], f"{locus}_{name}_2": values[1]}
        row |= {f"{locus}_antigen_1": each.antigen_matches[0], f"{locus}_antigen_2": each.antigen_matches[1]}
        if each.tce is not None:
            row |= {"DPB1_tce_patient": each.tce.patient, "DPB1_tce_donor": each.tce.donor}
            row["DPB1_tce_verdict"] = each.tce.verdict
        for what, split in (("leader", each.leader), ("expression", each.expression)):
            if split is not None:
                row |= {f"{locus}_{what}_patient": split.patient, f"{locus}_{what}_donor": split.donor}
                shown = split.mismatched or (None, None)
                row |= {f"{locus}_{what}_mismatched_patient": shown[0], f"{locus}_{what}_mismatched_donor": shown[1]}
    return row


@pytest.mark.parametrize("policy", ["explicit", "possible"])
@pytest.mark.parametrize("shape", ["one patient", "one donor", "pairs"])
def test_rows_are_matches(shape: str, policy: Any, release: Nomenclature) -> None:
    patients, donors = people(150, 1), people(150, 2)
    given = {
        "one patient": (patients[0], donors),
        "one donor": (patients, donors[0]),
        "pairs": (patients, donors),
    }[shape]
    result = match_table(*given, release, LOCI, null_policy=policy)
    assert result.errors.num_rows == 0
    assert (result.nomenclature, result.null_policy) == (release.release, policy)
    pairs = [(patients[0] if shape == "one patient" else p, d) for p, d in zip(patients, donors, strict=True)]
    pairs = [(p, donors[0] if shape == "one donor" else d) for p, d in pairs]
    expected = [row_of(am.match(p, d, release, LOCI, null_policy=policy)) for p, d in pairs]
    assert result.table.to_pylist() == expected


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("patients", [1, 3, 5000])
def test_many_rows(patients: int, threads: int) -> None:
    """More rows than one thread is given, of few and of many patients; rows that repeat say the same again."""
    few_patients, few_donors = people(patients, 3), people(50, 4)
    rows = 70_000
    column = [few_patients[i % patients] for i in range(rows)] if patients > 1 else few_patients[0]
    donors = [few_donors[i % 50] for i in range(rows)]
    found = match_table(column, donors, PLAIN, LOCI, threads=threads).table
    for row in (*range(0, 200), *range(rows - 200, rows)):
        expected = row_of(am.match(few_patients[row % patients], donors[row], PLAIN, LOCI))
        assert found.slice(row, 1).to_pylist() == [expected]
    period = 50 * patients
    if period < rows // 2:
        assert found.slice(period, 2000).to_pylist() == found.slice(0, 2000).to_pylist()


def as_pairs(texts: list[str]) -> pa.Table:
    """The same people in columns of positions; genotype lists do not fit in and are left out."""
    columns: dict[str, list[str]] = {f"{locus}_{i}": [] for locus in LOCI for i in (1, 2)}
    for text in texts:
        of = {part.split("*")[0]: part.split("+") for part in text.split("^") if part and "|" not in part}
        for locus in LOCI:
            for i, position in enumerate(of.get(locus, ("", ""))):
                columns[f"{locus}_{i + 1}"].append(position)
    return pa.table(columns)


GIVEN: dict[str, Callable[[pa.Table], Any]] = {
    "table": lambda t: t,
    "batch": lambda t: t.to_batches()[0],
    "reader": lambda t: t.to_reader(),
    "chunks": lambda t: pa.concat_tables([t.slice(0, 7), t.slice(7, 0), t.slice(7)]),
    "sliced": lambda t: pa.concat_tables([t.slice(3, 2), t]).slice(2),
    "large text": lambda t: t.cast(pa.schema([(n, pa.large_string()) for n in t.column_names])),
    "dictionaries": lambda t: pa.table({n: t[n].dictionary_encode() for n in t.column_names}),
    "nulls": lambda t: pa.table({n: pa.array([v or None for v in t[n].to_pylist()], pa.string()) for n in t.column_names}),
    "other columns": lambda t: t.append_column("C_1", [["C*07:01"] * t.num_rows]).append_column("x", [[1] * t.num_rows]),
    "lower case": lambda t: t.rename_columns([n.lower() for n in t.column_names]),
    "pandas": lambda t: t.to_pandas(),
    "polars": lambda t: pl.from_arrow(t),
}  # fmt: skip


@pytest.mark.parametrize("how", GIVEN)
def test_tables_in_every_way(how: str) -> None:
    donors = as_pairs(people(40, 5))
    expected = match_table(people(1, 6)[0], donors, PLAIN, LOCI, threads=1).table
    assert match_table(people(1, 6)[0], GIVEN[how](donors), PLAIN, LOCI).table.equals(expected)
    gl = []
    for row in donors.to_pylist():
        parts = [f"{row[f'{locus}_1']}+{row[f'{locus}_2']}" for locus in LOCI if row[f"{locus}_1"]]
        gl.append("^".join(parts))
    assert match_table(people(1, 6)[0], pa.table({"gl": gl}), PLAIN, LOCI).table.equals(expected)


@pytest.mark.parametrize(
    "column",
    [
        pytest.param(lambda v: v, id="list"),
        pytest.param(tuple, id="tuple"),
        pytest.param(pa.array, id="array"),
        pytest.param(lambda v: pa.chunked_array([v[:1], v[1:]]), id="chunks"),
        pytest.param(pd.Series, id="pandas"),
        pytest.param(lambda v: pl.Series("x", v), id="polars"),
    ],
)
def test_columns_of_gl_strings(column: Callable[[list[str]], Any]) -> None:
    texts = people(9, 7)
    result = match_table(texts[0], column(texts), PLAIN, LOCI).table
    assert result.equals(match_table(texts[0], pa.table({"GL": texts}), PLAIN, LOCI).table)


def test_no_rows() -> None:
    result = match_table("A*01:01", [], PLAIN, ["A"])
    assert (result.table.num_rows, result.errors.num_rows) == (0, 0)
    one = match_table("A*01:01", "A*01:01+A*02:01", PLAIN, ["A"]).table
    assert one.to_pylist() == [row_of(am.match("A*01:01", "A*01:01+A*02:01", PLAIN, ["A"]))]


def test_rows_that_cannot_be_read(release: Nomenclature) -> None:
    donors = ["A*01:01+A*02:01", "A*01:01+A*03", "A*01:01^A*01:01", "", "A*99:01+A*01:01", "A*01:01/A*99:01"]
    result = match_table("A*01:01+A*02:01", donors, release, ["A"])
    assert [(e["row"], e["side"], e["field"], e["code"]) for e in result.errors.to_pylist()] == [
        (1, "donor", "gl", 200),
        (2, "donor", "gl", 203),
        (4, "donor", "A", 202),
    ]
    assert all(value is None for row in (1, 2, 4) for value in result.table.slice(row, 1).to_pylist()[0].values())
    for row in (0, 3, 5):
        expected = row_of(am.match("A*01:01+A*02:01", donors[row], release, ["A"]))
        assert result.table.slice(row, 1).to_pylist() == [expected]
    # As in a search, on request: what is unknown of a donor is untyped.
    lenient = match_table("A*01:01+A*02:01", donors, release, ["A"], donor_required=False)
    assert lenient.errors["row"].to_pylist() == [1, 2]
    assert lenient.table["A_greatest"].to_pylist()[4] == 2
    # Of the patients likewise, and each row has its own error.
    patients = match_table(donors, "A*01:01+A*02:01", release, ["A"]).errors.to_pylist()
    assert [(e["row"], e["side"]) for e in patients] == [(1, "patient"), (2, "patient"), (4, "patient")]
    pairs = match_table(donors, donors[::-1], release, ["A"]).errors
    assert pairs["row"].to_pylist() == [1, 1, 2, 3, 4, 4]


@pytest.mark.parametrize("threads", [1, 2])
def test_rows_that_stand_alone(threads: int) -> None:
    """GL strings that are more than parts of one locus each, among plain ones, also in slices of their own."""
    odd = {
        "A*01:01~B*07:02+A*02:01~B*08:01": None,
        "A*01:01~C*07:01+A*02:01~C*07:02^B*07:02+B*08:01": None,
        "A*01:01+A*02:01^^B*07:02": 200,  # a blank part, as in a phenotype
        " ": None,
        "A*01:01+A*02:01^C*7": 200,  # a locus that is not asked for must be such that it can be read
        "B*07:02^A*01:01+A*0": 200,
        "A*01:01^B*07:02^A*01:01": 203,
        "A*01:01~B*07:02+A*02:01~B*08:01^A*01:01": 203,
        "B*07:02^01:01": 200,
    }
    plain = ["A*01:01+A*02:01^B*07:02", "B*08:01^A*02:01"]
    donors = [gl for gl in odd for gl in (*plain, gl)] + plain * 9_000 + list(odd)
    found = match_table(plain[0], donors, PLAIN, ("A", "B"), threads=threads)
    wrong = [(row, odd[gl]) for row, gl in enumerate(donors) if odd.get(gl)]
    assert [(error["row"], error["code"]) for error in found.errors.to_pylist()] == wrong
    assert set(found.errors["field"].to_pylist()) == {"gl"}
    for row in (*range(3 * len(odd)), *range(len(donors) - len(odd), len(donors))):
        expected = None if odd.get(donors[row]) else am.match(plain[0], donors[row].strip(), PLAIN, loci=("A", "B"))
        got = found.table.slice(row, 1).to_pylist()[0]
        assert got == (dict.fromkeys(got) if expected is None else row_of(expected)), donors[row]


@pytest.mark.parametrize("loci", [["DRB345"], ["DRB3"], ["A", "DRB345", "DRB3"]])
def test_both_positions_of_one_gene(loci: list[str]) -> None:
    """Columns are read as GL strings and pairs are, whichever of the gene and DRB345 they give."""
    donors = [
        "DRB3*01:01+DRB3*02:02",
        "DRB3*01:01",
        "DRB3*01:01+DRB3*01:01",
        "DRB3*01:01+DRB3*02:02^DRB4*01:03",
        "DRB4*01:03",
    ]
    patient = "A*01:01^DRB3*02:02+DRB3*02:02"
    expected = [row_of(am.match(patient, donor, PLAIN, loci=loci)) for donor in donors]
    assert match_table(patient, donors, PLAIN, loci).table.to_pylist() == expected
    genes = pa.table(
        {
            "DRB3_1": ["01:01", "01:01", "DRB3*01:01", "01:01", ""],
            "DRB3_2": ["02:02", "", "01:01", "02:02", None],
            "DRB4_1": ["", "NNNN", None, "01:03", "01:03"],
            "DRB4_2": [""] * 5,
        }
    )
    assert match_table(patient, genes, PLAIN, loci).table.to_pylist() == expected
    together = pa.table({"DRB345_1": ["DRB3*01:01", "DRB3*02:02"], "DRB345_2": ["DRB3*02:02", ""]})
    found = match_table(patient, together, PLAIN, loci).table.to_pylist()
    assert found == [row_of(am.match(patient, gl, PLAIN, loci=loci)) for gl in (donors[0], patient[8:])]
    unlike = pa.table(
        {"DRB3_1": ["01:01"], "DRB3_2": [""]} | {name: together[name][:1] for name in together.column_names}
    )
    errors = match_table(patient, unlike, PLAIN, loci).errors.to_pylist()
    assert [(e["row"], e["field"], e["value"], e["code"]) for e in errors] == [
        (0, "DRB345", "DRB3*01:01+DRB3*02:02", 203)
    ]


def test_errors_of_pairs_of_columns() -> None:
    table = pa.table({"A_1": ["01:01", "", "01"], "A_2": ["02:01", "02:01", "02:01"]})
    errors = match_table("A*01:01", table, PLAIN, ["A"]).errors.to_pylist()
    assert [(e["row"], e["field"], e["value"], e["code"]) for e in errors] == [
        (1, "A", "+02:01", 200),
        (2, "A", "01+02:01", 200),
    ]


@pytest.mark.parametrize(
    ("patients", "donors", "wrong"),
    [
        (["A*01:01"], ["A*01:01"] * 2, "1 patients and 2 donors"),
        ("A*01:01", pa.table({"x": ["A*01:01"]}), "a column gl is needed"),
        ("A*01:01", pa.table({"A_1": ["A*01:01"]}), "a column gl is needed"),
        ("A*01:01", pa.table({"gl": [1]}), "text is needed"),
        ("A*01:01", [1, 2], "text is needed"),
        ("A*01:01", 5, "a int is none of these"),
    ],
)
def test_refused(patients: Any, donors: Any, wrong: str) -> None:
    with pytest.raises(am.ArgumentError, match=wrong):
        match_table(patients, donors, PLAIN, ["A"])


def test_refused_arguments(release: Nomenclature) -> None:
    for wrong in ({"null_policy": "some"}, {"profile": "some"}, {"threads": -1}, {"loci": ["X"]}, {"loci": ["A", "a"]}):
        with pytest.raises(am.ArgumentError):
            match_table("A*01:01", ["A*01:01"], PLAIN, **{"loci": ["A"], **wrong})
    with pytest.raises(am.TypingError, match=r"A\*99:01"):
        match_table("A*99:01", ["A*01:01"], release, ["A"])
    with pytest.raises(am.TypingError, match="malformed"):
        match_table("A*01", ["A*01:01"], PLAIN, ["A"])


# --- the command ----------------------------------------------------------------------------------------------------


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from allomatch.cli import main; main()", "match", *map(str, arguments)]
    return subprocess.run([*command, "-n", "two-field"], capture_output=True, text=True, check=False, timeout=120)


PATIENT = "A*01:01+A*02:01^B*07:02+B*44:02"


def test_command_of_a_pair() -> None:
    donor = "A*01:01+A*02:XX^B*07:02+B*08:01"
    found = am.match(PATIENT, donor, PLAIN, ["A", "B"])
    said = run("--patient", PATIENT, "--donor", donor, "--loci", "A,B")
    assert (said.returncode, said.stdout) == (0, found.explain() + "\n")
    told = run("--patient", PATIENT, "--donor", donor, "--loci", "A,B", "--json")
    unwarned: dict[str, list[str]] = {"patient_warnings": [], "donor_warnings": []}
    assert json.loads(told.stdout) == json.loads(json.dumps(found.to_dict())) | unwarned
    # A mismatch is an answer, not a failure.
    assert run("--patient", "A*01:01", "--donor", "A*02:01", "--loci", "A").returncode == 0


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_command_of_a_table(ending: str, tmp_path: Path) -> None:
    donors, out = tmp_path / "donors.csv", tmp_path / f"out.{ending}"
    donors.write_text("donor_id,gl\nD1,A*01:01+A*02:01\nD2,A*01:01+A*03\nD3,A*01:01+A*02:XX\n")
    ran = run("--patient", PATIENT, "--donors", donors, "--out", out, "--loci", "A", "--json")
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert (told["donors"], [e["row"] for e in told["errors"]]) == (3, [1])
    read = pq.read_table(out) if ending == "parquet" else pa.Table.from_pandas(pd.read_csv(out))
    assert read["donor_id"].to_pylist() == ["D1", "D2", "D3"]
    assert [v if isinstance(v, str) else None for v in read["A_category"].to_pylist()] == ["match", None, "potential"]
    again = run("--patient", PATIENT, "--donors", donors, "--out", out, "--loci", "A")
    assert again.returncode == 1
    assert "exists" in again.stderr


def test_command_used_wrongly(tmp_path: Path) -> None:
    file = tmp_path / "donors.csv"
    file.write_text("donor_id,gl\n")
    for arguments in (
        (),
        ("--donor", "A*01:01", "--donors", file),
        ("--donors", file),
        ("--donor", "A*01:01", "--out", "x.csv"),
    ):
        assert run("--patient", "A*01:01", *arguments).returncode == 2, arguments
    assert run("--patient", "A*01", "--donor", "A*01:01").returncode == 1
    assert run("--patient", "A*01:01", "--donors", file, "--out", tmp_path / "x.txt").returncode == 1
