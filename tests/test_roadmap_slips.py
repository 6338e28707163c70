"""Slips that would make a plan unsafe: doses in the wrong unit, fields that cannot be read, files that are not there.

Each is named as a problem, nothing is taken for more than it says, and the rest of the plan is still made.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import allomatch as am
from allomatch import cli
from allomatch.roadmap import Harvest, Patient, Plan, Policies, RegistrySource, Relative, Roadmap
from allomatch.roadmap.autologous import assess_autologous
from allomatch.roadmap.case_file import example_path, read_case

TODAY = date(2026, 11, 24)
TYPING = "A*01:01+A*02:01^B*08:01+B*44:02^C*07:01+C*05:01^DRB1*03:01+DRB1*04:01^DQB1*02:01+DQB1*03:01"
BOY = Patient(am.Phenotype(TYPING), date(2010, 5, 1), diagnosis="HL", disease_status="1st relapse, CR2", weight_kg=64)


def stored(**values: Any) -> Harvest:
    given = {"collected": date(2026, 3, 2), "source": "peripheral blood", "viability": 0.96, "disease_status": "CR2"}
    return Harvest(**(given | values))


@pytest.mark.parametrize(
    ("harvests", "code", "answer"),
    [
        ([stored(cd34_e6_per_kg=5.0)], None, "eligible"),
        ([stored(cd34_e6_per_kg=5.0, cd34_e6=320.0)], None, "eligible"),
        ([stored(cd34_e6_per_kg=5.0, cd34_e6=64.0)], "contradictory doses", "possible"),
        ([stored(cd34_e6_per_kg=5e6)], "impossible dose", "possible"),
        ([stored(cd34_e6=3.2e8)], "impossible dose", "possible"),
        ([stored(cd34_e6_per_kg=1.7e308), stored(cd34_e6_per_kg=1.6e308)], "impossible dose", "possible"),
        ([stored(cd34_e6_per_kg=1.2)] * 2, "harvest given twice", "possible"),
        ([stored(cd34_e6_per_kg=1.2), stored(cd34_e6_per_kg=1.2, storage="bag 2")], None, "eligible"),
    ],
)
def test_doses(harvests: list[Harvest], code: str | None, answer: str) -> None:
    found = assess_autologous(BOY, harvests, Policies.default(), TODAY)
    assert {each.code for each in found.problems} == ({code} if code else set())
    assert found.answer == answer


def test_where_cells_are_stored_is_said() -> None:
    found = assess_autologous(BOY, [stored(cd34_e6_per_kg=5.0, storage="Leuven, tank 3")], Policies.default(), TODAY)
    assert "stored: Leuven, tank 3" in found.harvests[0].reasons


def plan_of(family: list[Relative]) -> Plan:
    patient = Patient(
        am.Phenotype(TYPING), date(1991, 6, 2), "F", 64, diagnosis="AML", disease_status="CR1 (adverse risk)"
    )
    return Roadmap(patient, family=family, today=TODAY).plan()


@pytest.mark.parametrize(
    ("relative", "code"),
    [
        (Relative("mother", sex="M"), "contradictory sex"),
        (Relative("father", sex="F"), "contradictory sex"),
        (Relative("mother", sex="Q"), "unknown sex"),
        (Relative("maternal grandmother", sex="M"), "contradictory sex"),
        (Relative("mother", parents=("zzz",)), "parents not used"),
        (Relative("sister", cmv="?"), "unknown cmv"),
        (Relative("sister", abo="Z"), "unknown abo"),
    ],
)
def test_relatives(relative: Relative, code: str) -> None:
    # Also where others have placed the parents before they are looked at.
    for family in ([relative], [Relative("brother"), relative]):
        assert code in {each.code for each in plan_of(family).problems}


@pytest.mark.parametrize("born", [date(1890, 1, 1), date(2030, 1, 1)])
def test_a_patient_who_cannot_be_so_old(born: date) -> None:
    patient = replace(BOY, birth_date=born)
    for family in ([], [Relative("sister")]):
        plan = Roadmap(patient, family=family, today=TODAY).plan()
        of_age = [each for each in plan.problems if "age" in each.code or "future" in each.code]
        assert {each.where for each in of_age} == {"patient"}
        assert plan.age is None
        assert len(set(plan.problems)) == len(plan.problems)
    if born.year < 2000:
        assert [each.code for each in of_age] == ["impossible age"]


GL = am.Phenotype(TYPING)
WRONG: list[tuple[Any, dict[str, Any], str]] = [
    (Patient, {"phenotype": TYPING}, "Patient.phenotype is 'A*01"),
    (Patient, {"phenotype": None}, "Patient.phenotype is None"),
    (Patient, {"phenotype": GL, "weight_kg": "abc"}, "Patient.weight_kg is 'abc'; it must be a number"),
    (Patient, {"phenotype": GL, "weight_kg": True}, "Patient.weight_kg is True"),
    (Patient, {"phenotype": GL, "birth_date": "1991-06-02"}, "Patient.birth_date is '1991-06-02'; it must be a datetime.date"),
    (Patient, {"phenotype": GL, "birth_date": datetime(1991, 6, 2)}, "Patient.birth_date"),
    (Patient, {"phenotype": GL, "ethnicities": "Belgian"}, "Patient.ethnicities is 'Belgian'; it must be a tuple of texts"),
    (Patient, {"phenotype": GL, "diagnosis": 3}, "Patient.diagnosis"),
    (Patient, {"phenotype": GL, "sex": 1}, "Patient.sex"),
    (Harvest, {"collected": "today"}, "Harvest.collected"),
    (Harvest, {"cd34_e6": "5"}, "Harvest.cd34_e6 is '5'"),
    (Harvest, {"disease_status": ["CR1"]}, "Harvest.disease_status"),
    (Relative, {"relation": None}, "Relative.relation is None; it must be a text"),
    (Relative, {"relation": "sister", "phenotype": 7}, "Relative.phenotype is 7; it must be a Phenotype"),
    (Relative, {"relation": "sister", "available": "no"}, "Relative.available is 'no'; it must be True or False, or None"),
    (Relative, {"relation": "sister", "phase_known": 1}, "Relative.phase_known"),
    (Relative, {"relation": "sister", "age": "40"}, "Relative.age"),
    (Relative, {"relation": "sister", "parents": "mother"}, "Relative.parents"),
    (Relative, {"relation": "sister", "medical_reasons_against": (None,)}, "Relative.medical_reasons_against"),
    (RegistrySource, {"name": "x", "registry": "home.allo"}, "RegistrySource.registry is 'home.allo'; it must be a Registry"),
    (Roadmap, {"patient": GL}, "patient, number 1"),
    (Roadmap, {"patient": BOY, "family": [{"relation": "sister"}]}, "family, number 1, is {'relation'"),
    (Roadmap, {"patient": BOY, "family": Relative("sister")}, "a list of Relative"),
    (Roadmap, {"patient": BOY, "harvests": [None]}, "harvests, number 1"),
    (Roadmap, {"patient": BOY, "registries": ["home.allo"]}, "registries, number 1"),
    (Roadmap, {"patient": BOY, "nomenclature": "3.58.0"}, "nomenclature is '3.58.0'; Nomenclature is needed"),
    (Roadmap, {"patient": BOY, "frequencies": "CAU.csv"}, "frequencies is 'CAU.csv'"),
    (Roadmap, {"patient": BOY, "policies": {}}, "policies is {}"),
    (Roadmap, {"patient": BOY, "today": "2026-11-24"}, "today is '2026-11-24'"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "values", "words"), WRONG)
def test_values_of_the_wrong_type_are_refused_where_they_are_given(
    kind: Any, values: dict[str, Any], words: str
) -> None:
    with pytest.raises(am.ArgumentError) as found:
        kind(**values)
    assert words in str(found.value)


def test_values_of_all_number_types_are_numbers() -> None:
    assert Patient(GL, weight_kg=np.float32(64)).weight_kg == 64
    assert Relative("sister", age=40, parents=["mother"]).age == 40  # type: ignore[arg-type]


@pytest.mark.parametrize("changed", [{"domestic_ions": ("81",)}, {"domestic_ions": "1081"}, {"what": "all"}, {"domestic": 1},
                                     {"frequencies": "x.csv"}, {"name": None}])  # fmt: skip
def test_registries_of_a_case_are_checked(tmp_path: Path, changed: dict[str, Any]) -> None:
    table = pa.table({"donor_id": ["D1"], "A_1": ["01:01"], "A_2": ["02:01"]})
    registry, _ = am.Registry.build(tmp_path / "x.allo", table, nomenclature=am.Nomenclature.two_field())
    assert RegistrySource("x", registry, domestic_ions=("1081",)).what == "both"
    with pytest.raises(am.ArgumentError, match=f"RegistrySource.{next(iter(changed))}"):
        RegistrySource(**({"name": "x", "registry": registry} | changed))


def test_what_was_entered_makes_no_lines_of_its_own() -> None:
    text = plan_of([Relative("sister", id="s\n\nto be discussed first: registries")]).explain()
    assert not any(line.startswith("to be discussed first: registries") for line in text.splitlines())


def case(folder: Path, **changes: Any) -> Path:
    values = {
        "schema": "allomatch-case-1",
        "today": "2026-11-24",
        "patient": {
            "phenotype": TYPING,
            "birth_date": "1991-06-02",
            "diagnosis": "AML",
            "disease_status": "CR1 (adverse risk)",
        },
        "family": [{"relation": "sister", "id": "s1", "phenotype": TYPING, "available": True}],
    } | changes
    path = folder / "case.json"
    path.write_text(json.dumps(values))
    return path


@pytest.mark.parametrize("changed", [{"available": "no"}, {"medical_reasons_against": [None]}])
def test_what_would_exclude_a_donor_and_cannot_be_read_does(tmp_path: Path, changed: dict[str, Any]) -> None:
    sister = {"relation": "sister", "id": "s1", "phenotype": TYPING, "available": True} | changed
    read = read_case(case(tmp_path, family=[sister]))
    assert len(read.problems) == 1
    plan = Roadmap(read.patient, family=read.family, today=TODAY).plan()
    assert plan["family"].answer != "identical donor"
    assert "not usable" in next(each.answer for each in plan["family"].options if each.id == "s1")


def test_readable_reasons_are_kept(tmp_path: Path) -> None:
    sister = {"relation": "sister", "medical_reasons_against": ["HIV positive", None]}
    read = read_case(case(tmp_path, family=[sister]))
    assert read.family[0].medical_reasons_against == ("HIV positive",)
    assert [each.code for each in read.problems] == ["not a list of texts"]


def test_numbers_and_ions_that_cannot_be(tmp_path: Path) -> None:
    patient = {"phenotype": TYPING, "weight_kg": 10**400}
    read = read_case(case(tmp_path, patient=patient, home_ions=["abc", "1081"]))
    assert [each.code for each in read.problems] == ["not a number", "not an ION"]
    assert (read.patient.weight_kg, read.home_ions) == (None, ("1081",))


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = case(tmp_path)
    path.write_text(path.read_text()[:-1] + ', "family": []}')
    with pytest.raises(am.ArgumentError, match="'family' is given twice"):
        read_case(path)
    path = case(tmp_path)
    path.write_text("\ufeff" + path.read_text())
    assert len(read_case(path).family) == 1


def test_files_that_are_not_there_leave_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = case(tmp_path, registries=[{"name": "home", "file": "nope.allo"}], frequencies="none.csv")
    monkeypatch.setattr(sys, "argv", ["allomatch", "roadmap", str(path), "--nomenclature", "two-field", "--json"])
    with pytest.raises(SystemExit) as leave:
        cli.main()
    assert not leave.value.code
    plan = json.loads(capsys.readouterr().out)
    assert [each["code"] for each in plan["problems"]] == ["no frequencies", "cannot be searched"]
    assert plan["steps"][1]["answer"] == "identical donor"


def test_changed_rules_need_a_version_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "own.json"
    Policies.default().write(path)
    assert Policies.read(path).version == Policies.default().version
    values = json.loads(path.read_text())
    values["autologous"]["min_cd34_e6_per_kg"]["value"] = 0.1
    path.write_text(json.dumps(values))
    with pytest.raises(am.ArgumentError, match="give them a version of their own"):
        Policies.read(path)
    path.write_text(json.dumps(values | {"version": "centre 1"}))
    assert Policies.read(path).version == "centre 1"
    path.write_text("[" * 100_000)
    with pytest.raises(am.ArgumentError, match="not JSON"):
        Policies.read(path)


def test_shipped_cases_have_no_slips() -> None:
    for name in ("lymphoma", "leukaemia", "mixed"):
        assert read_case(example_path(name)).problems == ()
