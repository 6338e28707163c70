"""The roadmap on the command line: the shipped cases, a case of one's own, and what is wrong."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pyarrow as pa
import pytest
from typer.testing import CliRunner

import allomatch as am
from allomatch import demo
from allomatch.cli import app
from allomatch.roadmap.policies import Policies

RUN = CliRunner()
PLAIN = ["--nomenclature", "two-field"]


def run(*arguments: str, code: int = 0) -> str:
    done = RUN.invoke(app, ["roadmap", *arguments, *PLAIN])
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.parametrize(("name", "step"), [("lymphoma", "autologous"), ("leukaemia", "family")])
def test_examples(name: str, step: str) -> None:
    assert f"to be discussed first: {step}" in run(name)
    assert json.loads(run(name, "--json"))["recommended"]["step"] == step


def test_the_example_without_family(tmp_path: Path) -> None:
    page = tmp_path / "plan.html"
    values = json.loads(run("mixed", "--html", str(page), "--json"))
    assert values["recommended"]["step"] == "registries"
    assert values["steps"][2]["detail"]["searches"][0]["source"] == "demo (made-up donors)"
    none = json.loads(run("mixed", "--demo-donors", "0", "--json"))
    assert none["steps"][2]["answer"] == "not asked"
    assert page.read_text().startswith("<!doctype html>")
    assert stat.S_IMODE(page.stat().st_mode) == 0o600


def test_a_case_of_ones_own(tmp_path: Path) -> None:
    batches = list(demo.draw_donors(demo.load_haplotypes(), 2000, seed=7))
    am.Registry.build(tmp_path / "home.allo", pa.Table.from_batches(batches))
    am.Registry.build(tmp_path / "world.allo", pa.Table.from_batches(batches))
    own = Policies.default().replaced({"registries": {"listed": {"value": 2, "source": "ours"}}}, version="mine")
    own.write(tmp_path / "rules.json")
    case = {
        "schema": "allomatch-case-1",
        "patient": {
            "phenotype": "A*01:01+A*02:01^B*08:01+B*44:02^C*07:01+C*05:01^DRB1*03:01+DRB1*04:01",
            "weight_kg": 60,
        },
        "registries": [{"name": "Home", "file": "home.allo", "domestic": True, "what": "adults"}],
    }
    place = tmp_path / "case.json"
    place.write_text(json.dumps(case))
    more = ["--registry", str(tmp_path / "world.allo"), "--policies", str(tmp_path / "rules.json")]
    values = json.loads(run(str(place), *more, "--json"))
    assert values["policy_version"] == "mine"
    searches = values["steps"][2]["detail"]["searches"]
    assert [(each["source"], each["place"]) for each in searches[:2]] == [("Home", "home"), ("world", "world")]
    assert all(len(each["best"]) <= 2 for each in searches)


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    def fails(*arguments: str) -> str:
        done = RUN.invoke(app, ["roadmap", *arguments, *PLAIN])
        assert done.exception is not None
        return str(done.exception)

    assert "cannot read the case" in fails(str(tmp_path / "none.json"))
    (tmp_path / "bad.json").write_text("{}")
    assert "allomatch-case-1" in fails(str(tmp_path / "bad.json"))
    assert "html" in fails("lymphoma", "--html", str(tmp_path / "plan.txt"))
    assert "cannot read the policies" in fails("lymphoma", "--policies", str(tmp_path / "none.json"))
    values = Policies.default().to_dict()
    values["autologous"]["weight_kg"]["value"] = [1]
    (tmp_path / "own.json").write_text(json.dumps(values))
    said = fails("lymphoma", "--policies", str(tmp_path / "own.json"))
    assert "own.json" in said
    assert "policies.autologous.weight_kg.value is [1], a list of 1; 2 are needed" in said
    # One file in the case and on the command line.
    case = {
        "schema": "allomatch-case-1",
        "patient": {"phenotype": "A*01:01+A*02:01^B*08:01+B*44:02^C*07:01+C*05:01^DRB1*03:01+DRB1*04:01"},
        "registries": [{"name": "Home", "file": "home.allo", "domestic": True, "what": "adults"}],
    }
    batches = list(demo.draw_donors(demo.load_haplotypes(), 2000, seed=7))
    am.Registry.build(tmp_path / "home.allo", pa.Table.from_batches(batches))
    (tmp_path / "case.json").write_text(json.dumps(case))
    plan = json.loads(run(str(tmp_path / "case.json"), "--registry", str(tmp_path / "home.allo"), "--json"))
    twice = [each for each in plan["problems"] if each["code"] == "registry given twice"]
    assert [each["where"] for each in twice] == ["registry home"]
    assert "'Home' and 'home'" in twice[0]["message"]
    searches = plan["steps"][2]["detail"]["searches"]
    assert [(each["source"], each["kind"]) for each in searches] == [
        ("Home", "adults"),
        ("home", "cord"),
        ("home", "cord"),
    ]
