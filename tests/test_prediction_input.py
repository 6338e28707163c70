"""Bad frequencies and odd people: what is refused, what is said and gone on with, library and command line alike.

And that the bits of a prediction do not depend on which kernel the core runs.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow as pa
import pytest

import allomatch as am
from allomatch import _core, cli
from test_ranking import LOCI, NOM, PATIENTS, drawn_donors, drawn_set

PERSON = "A*01:01+A*02:01^B*08:01+B*07:02"


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str | Path
) -> tuple[int, str, str]:
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr(sys, "argv", ["allomatch", *map(str, arguments), "--nomenclature", "two-field"])
    with pytest.raises(SystemExit) as leave:
        cli.main()
    code = leave.value.code
    streams = capsys.readouterr()
    return code if isinstance(code, int) else 0, streams.out, streams.err


GOOD = "A,B,freq\n01:01,08:01,0.5\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD + "02:01,07:02,-0.1\n", "line 3 of {path} is '-0.1'; a frequency is a number from 0 to 1"),
        (GOOD + "02:01,07:02,NaN\n", "line 3 of {path} is 'NaN'; a frequency is a number from 0 to 1"),
        (GOOD + "02:01,07:02,abc\n", "line 3 of {path} is 'abc'; write a number such as 1.25e-06"),
        (GOOD + "02:01,07:02,1.5\n", "line 3 of {path} is '1.5'; a frequency is a number from 0 to 1"),
        ("", "{path} is empty; it should hold haplotypes and their frequencies"),
    ],
    ids=["negative", "NaN", "no number", "above 1", "empty file"],
)
@pytest.mark.parametrize("command", ["impute", "predict", "info"])
def test_frequencies_that_are_refused(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    command: str,
    text: str,
    said: str,
) -> None:
    path = tmp_path / "set.csv"
    path.write_text(text)
    arguments = {
        "impute": ["impute", "--person", PERSON, "--frequencies", path],
        "predict": ["predict", "--patient", PERSON, "--donor", PERSON, "--loci", "A,B", "--frequencies", path],
        "info": ["frequencies", "info", path],
    }[command]
    code, out, complaint = run(monkeypatch, capsys, *arguments)
    assert (code, out) == (1, "")
    assert said.format(path=repr(str(path))) in complaint


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            "01:01,08:01,1.0\n02:01,07:02,1.0\n",
            "frequencies of set: frequencies sum to 2, not to 1; they are used as they are",
        ),
        ("01:01,08:01,0.5\n01:01,08:01,0.3\n02:01,07:02,0.2\n", "1 rows repeat an earlier haplotype"),
        ("01:01,08:01,0.5\n02:01,07:02,0.2\n02:XX,07:02,0.3\n", "haplotypes of 1 names are left out under two-field"),
    ],
    ids=["sum to 2", "repeated", "not carried"],
)
def test_frequencies_that_are_used_and_said_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, rows: str, said: str
) -> None:
    path = tmp_path / "set.csv"
    path.write_text("A,B,freq\n" + rows)
    for arguments in (
        ["impute", "--person", PERSON],
        ["predict", "--patient", PERSON, "--donor", PERSON, "--loci", "A,B"],
    ):
        code, out, complaint = run(monkeypatch, capsys, *arguments, "--frequencies", path)
        assert code == 0
        assert said in complaint
        assert "1.0000" in out


def test_nobody_explains_anybody(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "set.csv"
    path.write_text("A,B,freq\n")
    code, out, complaint = run(monkeypatch, capsys, "impute", "--person", PERSON, "--frequencies", path)
    assert code == 0
    assert "it holds no haplotypes" in complaint
    assert "not represented" in out
    path.write_text(GOOD)
    code, out, _ = run(monkeypatch, capsys, "impute", "--person", PERSON, "--frequencies", path, "--json")
    assert (code, json.loads(out)["represented"]) == (0, False)


def test_a_set_without_a_searched_locus(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "set.csv"
    path.write_text(GOOD)
    pair = ["predict", "--patient", PERSON, "--donor", PERSON, "--frequencies", path, "--loci"]
    code, out, _ = run(monkeypatch, capsys, *pair, "A,C")
    assert code == 0
    assert "the frequencies say nothing of C" in out
    code, _, complaint = run(monkeypatch, capsys, *pair, "C,DRB1")
    assert code == 1
    assert "have the loci A, B; none of C, DRB1 is among them" in complaint


def test_a_search_says_whose_frequencies_stood_for_the_patient_and_where_they_are_silent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    people = tmp_path / "donors.csv"
    people.write_text(f"donor_id,gl,ethnicity\nD1,{PERSON},white\nD2,{PERSON},black\n")
    assert run(monkeypatch, capsys, "index", people, tmp_path / "home.allo")[0] == 0
    sets = tmp_path / "sets"
    sets.mkdir()
    for name in ("white", "black"):
        (sets / f"{name}.csv").write_text(GOOD + "02:01,07:02,0.4\n")
    search = ["search", tmp_path / "home.allo", "--patient", PERSON, "--loci", "6/6", "--frequencies"]
    code, out, _ = run(monkeypatch, capsys, *search, sets / "white.csv")
    assert code == 0
    assert "Probabilities: frequencies of white for the patient; they say nothing of DRB1." in out
    code, _, complaint = run(monkeypatch, capsys, *search, sets)
    assert code == 1
    assert "choose the patient's by --patient-ethnicity or --patient-ion" in complaint
    code, out, _ = run(monkeypatch, capsys, *search, sets, "--patient-ethnicity", "black", "--json")
    answer = json.loads(out)
    assert (code, answer["patient_frequencies"], answer["ignored_loci"]) == (0, "black", ["DRB1"])
    assert [hit["frequencies"] for hit in answer["hits"]] == ["white", "black"]
    code, _, complaint = run(monkeypatch, capsys, *search, sets, "--patient-ethnicity", "green")
    assert code == 1
    assert "no frequency set for ethnicity 'green'" in complaint
    assert run(monkeypatch, capsys, *search, sets / "white.csv", "--patient-ion", "1234")[0] == 2
    plain = ["search", tmp_path / "home.allo", "--patient", PERSON, "--loci", "6/6", "--json"]
    assert "ignored_loci" not in json.loads(run(monkeypatch, capsys, *plain)[1])


def test_a_set_of_another_release() -> None:
    # Its names are carried to what the release at hand compares; what it does not know is named.
    table = pa.table({"A": ["A*01:01:01:01", "A*02:01P"], "frequency": [0.6, 0.4]})
    freqs = am.HaplotypeFrequencies.from_arrow(table, population="X", release="3.33.0")
    found = am.impute("A*01:01+A*02:01", freqs, am.Nomenclature.two_field())
    assert found.represented
    assert am.not_carried(freqs, am.Nomenclature.two_field()).num_rows == 0


@pytest.mark.parametrize("form", ["document", "folder", "zip"])
@pytest.mark.parametrize("text", ["[1]", "3", "null", '"metadata"'])
def test_a_bundle_whose_document_is_no_object(tmp_path: Path, form: str, text: str) -> None:
    path = tmp_path / "set.hfx"
    if form == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("metadata.json", text)
    elif form == "folder":
        path.mkdir()
        (path / "metadata.json").write_text(text)
    else:
        path.write_text(text)
    with pytest.raises(am.AllomatchError, match=r"set\.hfx"):
        am.HaplotypeFrequencies.read(path)


def test_repeated_haplotypes_that_are_more_than_everyone(tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    path.write_text(GOOD + "02:01,07:02,0.1\n01:01,08:01,0.4\nA*01:01,08:01,0.3\n")
    with pytest.raises(
        am.ArgumentError, match=r"line 2 of .* comes again and sums to 1\.2; a frequency is a number from 0"
    ):
        am.HaplotypeFrequencies.read(path)


def test_rounding_in_sums_is_no_frequency_above_one(tmp_path: Path) -> None:
    # Twenty times 0.05 is a little more than 1 in double.
    frequencies = [0.05] * 20
    assert sum(frequencies) > 1
    table = pa.table({"A": ["01:01"] * 20, "B": [f"07:{i:02}" for i in range(2, 22)], "frequency": frequencies})
    at_a = am.HaplotypeFrequencies.from_arrow(table, "X").project(["A"])
    assert at_a.frequencies.tolist() == [1.0]
    at_a.write(tmp_path / "set.csv")
    assert am.HaplotypeFrequencies.read(tmp_path / "set.csv").frequencies.tolist() == [1.0]
    again = pa.table({"A": ["01:01"] * 20, "frequency": frequencies})
    assert am.HaplotypeFrequencies.from_arrow(again, "X").frequencies.tolist() == [1.0]


def test_what_could_not_be_read_back_is_not_written(tmp_path: Path) -> None:
    table = pa.table({"A": ["01:01"] * 2, "B": ["07:02", "08:01"], "frequency": [1.0, 0.8]})
    at_a = am.HaplotypeFrequencies.from_arrow(table, "X").project(["A"])
    assert at_a.frequencies.tolist() == [1.8]
    for name in ("set.csv", "set.freqs", "set.parquet"):
        with pytest.raises(am.ArgumentError, match=r"1\.8, above 1; write normalised\(\)"):
            at_a.write(tmp_path / name)
        at_a.normalised().write(tmp_path / f"whole-{name}")
    none = am.HaplotypeFrequencies.from_arrow(table.slice(0, 0), "X")
    with pytest.raises(am.ArgumentError, match="no haplotypes, so that its loci could not be read back"):
        none.write(tmp_path / "set.freqs")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["whole-set.csv", "whole-set.freqs", "whole-set.parquet"]


def digest_of_predictions(folder: Path) -> str:
    """All bits that searches, predictions and imputations of some people give."""
    digest = hashlib.sha256()
    table = drawn_donors(7, 200)
    registry, _ = am.Registry.build(folder / f"{_core.active_kernel()}.allo", table, nomenclature=NOM)
    for patient in PATIENTS:
        hits = registry.search(patient, LOCI, max_mismatches=3, frequencies=drawn_set(1))
        assert hits.predictions is not None
        digest.update("".join(hits.donor_ids.to_pylist()).encode())
        digest.update(hits.predictions.values.tobytes())
        predicted = am.predict_table(patient, table["gl"], drawn_set(2), NOM, LOCI, positions=True).table
        for column in predicted.columns:
            digest.update(column.combine_chunks().fill_null(-1.0).to_numpy().tobytes())
    imputed = am.impute_table(table["gl"], drawn_set(1), NOM, best=5).table
    digest.update(repr(imputed.to_pylist()).encode())
    return digest.hexdigest()


def test_same_bits_under_every_kernel(tmp_path: Path) -> None:
    found = {}
    for kernel in _core.supported_kernels():
        environment = {**os.environ, "ALLOMATCH_ISA": kernel, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, __file__, str(tmp_path)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        ran, found[kernel] = done.stdout.split()
        assert ran == kernel
    assert len(set(found.values())) == 1, found


@pytest.fixture(scope="module")
def wide() -> am.HaplotypeFrequencies:
    """15,000 haplotypes: 112.5 million pairs explain who is typed at neither locus."""
    names = [(f"A*{a:02d}:01", f"B*{b:02d}:01") for a in range(1, 101) for b in range(1, 151)]
    return am.HaplotypeFrequencies.from_arrow(
        pa.table({"A": [a for a, _ in names], "B": [b for _, b in names], "frequency": [1 / 16_384] * len(names)}),
        population="wide",
    )


UNTYPED = "C*01:02+C*07:02"
SURE = "A*01:01+A*02:01^B*03:01+B*04:01"


def test_two_who_cannot_be_listed(wide: am.HaplotypeFrequencies) -> None:
    """Neither is listed; others of the column are predicted, whoever the weakly typed one is."""
    with pytest.raises(am.ResourceError, match=r"112507500 pairs of haplotypes.*type more loci"):
        am.predict(UNTYPED, UNTYPED, wide, NOM, LOCI)
    table = am.predict_table(UNTYPED, [SURE, UNTYPED, "A*01:01+A*", "", SURE], wide, NOM, LOCI)
    assert table.patient_represented
    # Both of A are the donor's with 2/100 x 1/100, both of B with 2/150 x 1/150.
    expected = 2 / 100**2 * 2 / 150**2
    for row in (0, 4):
        assert table.table["p0"][row].as_py() == pytest.approx(expected, rel=1e-9)
    assert table.table["p0"].null_count == 3
    errors = table.errors.select(["row", "field", "value"]).to_pylist()
    assert errors == [
        {"row": 1, "field": "gl", "value": UNTYPED},
        {"row": 2, "field": "gl", "value": "A*01:01+A*"},
        {"row": 3, "field": "gl", "value": ""},
    ]
    assert table.errors["code"][0].as_py() == _core.ERROR_CODES["TooManyValues"]
    for patient, donor in ((UNTYPED, SURE), (SURE, UNTYPED)):
        assert am.predict(patient, donor, wide, NOM, LOCI).p_mismatches[0] == pytest.approx(expected, rel=1e-9)


def test_what_is_left_out_where_the_donor_is_listed(wide: am.HaplotypeFrequencies) -> None:
    """`tail` shortens the patient's list: where there is none, nothing is lost."""
    weak = am.predict(UNTYPED, SURE, wide, NOM, LOCI, tail=0.5)
    assert weak.lost == 0
    assert float(weak.p_mismatches.sum()) == pytest.approx(1, rel=1e-9)
    listed = am.predict("A*01:XX+A*02:XX^B*03:01/B*05:01/B*06:01+B*04:01", SURE, wide, NOM, LOCI, tail=0.5)
    assert listed.lost == pytest.approx(1 / 3, rel=1e-9)
    assert float(listed.p_mismatches.sum()) == pytest.approx(2 / 3, rel=1e-9)


def test_hits_of_a_weakly_typed_patient(wide: am.HaplotypeFrequencies, tmp_path: Path) -> None:
    """Hits say what pairs say; one whom neither list reaches is named as an error, and a search without probabilities has it."""
    donors = pa.table({"donor_id": ["sure", "less"], "gl": [SURE, "A*01:01+A*02:01^B*03:01/B*05:01+B*04:01"]})
    registry, _ = am.Registry.build(tmp_path / "r.allo", donors, nomenclature=NOM)
    hits = registry.search(UNTYPED, LOCI, max_mismatches=0, frequencies=wide).to_arrow()
    for donor, p0 in zip(hits["donor_id"].to_pylist(), hits["p0"].to_pylist(), strict=True):
        gl = donors["gl"][donors["donor_id"].to_pylist().index(donor)].as_py()
        assert p0 == am.predict(UNTYPED, gl, wide, NOM, LOCI).p_mismatches[0] > 0
    assert hits.num_rows == 2
    registry.add(pa.table({"donor_id": ["untyped"], "gl": [UNTYPED]}))
    with pytest.raises(am.ResourceError, match="type more loci"):
        registry.search(UNTYPED, LOCI, max_mismatches=0, frequencies=wide)
    assert registry.search(UNTYPED, LOCI, max_mismatches=0).to_arrow().num_rows == 3


if __name__ == "__main__":
    print(_core.active_kernel(), digest_of_predictions(Path(sys.argv[1])))
