"""What is compared at each level is what the oracle compares: ARD groups, proteins, antigens.

What: every pair of small typings whose antigens are broad, split, associated, several or none, and random typings of every
form, at all levels, without data and under a release; searches at levels that differ by locus. Why: antigens are no
equivalence of alleles as ARD groups are, and cord blood is chosen by them.
"""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from itertools import combinations_with_replacement, product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings

import allomatch as am
import reference.match
import reference.search
from allomatch import Nomenclature
from reference.levels import LEVELS, MatchLevel, groups, shown_antigens
from reference.match import NullPolicy, match_locus
from reference.names import parse_name
from reference.nomenclature import GENES, Release, TwoField
from reference.phenotype import parse_phenotype
from reference.truth import needs_data
from strategies import (
    Typing,
    gl_string,
    oracle_release,
    oracle_two_field,
    release_vocabulary,
    two_field_vocabulary,
    typings,
)
from test_oracle_match import POLICIES, six

TWO_FIELD = Nomenclature.two_field()

# Under 3.58.0: A*24:19 is known as A9 only, A*02:65 is A2 or A19, A*26:10 A10, B*40:26 B21, B*15:36 B15 or B70, B*40:08 B40,
# C*03:05 Cw3; A*02:03, A*02:10, A*24:03, B*40:05, B*07:03, DRB1*01:03 have associated antigens; C*12:02 has none.
SMALL: dict[str, list[str]] = {
    "A": ["A*02:03", "A*02:10", "A*24:03", "A*24:19", "A*23:01/A*24:02", "A*02:65", "A*01:01/A*01:11N", "A9", "A2403"],
    "B": ["B*40:05", "B*40:26", "B*49:01", "B*15:36", "B*15:01", "B*40:08", "B*07:03/B*07:02", "B21", "B*08:XX"],
    "C": ["C*03:05", "C*03:03", "C*03:04", "C*12:02", "C*12:NEW", "Cw3", "C*04:09N", "C*NEW"],
    "DRB1": ["DRB1*01:03", "DRB1*01:01", "DRB1*03:05", "DRB1*03:01", "DRB1*14:02", "DRB1*13:01P", "DR6", "DRB1*03:XX"],
    "DPB1": ["DPB1*04:01", "DPB1*04:02", "DPB1*04:01:01G", "DPB1*105:01"],
}


def counts(core: bool, patient: str, donor: str, locus: str, nomenclature: Any, policy: NullPolicy, level: Any) -> Any:
    """The six counts of the core or the oracle, or that they refuse."""
    try:
        if core:
            return six(am.match(patient, donor, nomenclature, [locus], null_policy=policy, level=level)[locus])
        read = [parse_phenotype(gl).typing(locus) for gl in (patient, donor)]
        return six(match_locus(*read, nomenclature, policy, level=level))
    except ValueError:
        return "refused"


def check_small(locus: str, nomenclature: Nomenclature, oracle: TwoField | Release) -> None:
    pairs = ["+".join(pair) for pair in combinations_with_replacement(SMALL[locus], 2)]
    some = ["", pairs[1] + "|" + pairs[-2], *pairs]
    for patient, donor in product(some[::5], some[:: 2 if locus == "A" else 3]):
        for level in LEVELS[1:]:
            expected = counts(False, patient, donor, locus, oracle, "explicit", level)
            found = counts(True, patient, donor, locus, nomenclature, "explicit", level)
            assert found == expected, (patient, donor, level)


@pytest.mark.parametrize("locus", SMALL)
def test_every_pair_of_small_typings(locus: str) -> None:
    check_small(locus, TWO_FIELD, oracle_two_field())


@needs_data
@pytest.mark.parametrize("locus", SMALL)
def test_every_pair_of_small_typings_of_a_release(locus: str, release: Nomenclature) -> None:
    check_small(locus, release, oracle_release())


@settings(max_examples=100)
@given(*[typings(two_field_vocabulary("A"))] * 2)
def test_two_field(patient: Typing, donor: Typing) -> None:
    check_all("A", patient, donor, TWO_FIELD, oracle_two_field())


@needs_data
@pytest.mark.parametrize("locus", GENES)
def test_release(locus: str, release: Nomenclature) -> None:
    words = release_vocabulary(locus)

    @settings(max_examples=60 if locus in ("A", "B") else 20)
    @given(typings(words), typings(words))
    def holds(patient: Typing, donor: Typing) -> None:
        check_all(locus, patient, donor, release, oracle_release())

    holds()


def check_all(locus: str, patient: Typing, donor: Typing, core: Nomenclature, oracle: TwoField | Release) -> None:
    texts = [gl_string({locus: typing}) for typing in (patient, donor)]
    for level, policy in product(LEVELS[1:], POLICIES):
        expected = counts(False, *texts, locus, oracle, policy, level)
        assert counts(True, *texts, locus, core, policy, level) == expected, (texts, level, policy)


@needs_data
def test_antigens_that_alleles_show(release: Nomenclature) -> None:
    """The oracle's antigens, by hand; and that most alleles show one, so that the level can say that they match."""
    oracle = oracle_release()
    by_hand = {
        "A*02:01:01:01": "A2", "A*02:03:01:01": "A2", "A*24:03:01:01": "A24", "A*24:19": "A9 A23 A24",
        "A*26:10": "A10 A25 A26 A34 A66", "B*40:05:01:01": "B4005", "B*40:26": "B21 B49 B50 B4005",
        "B*15:36": "B15 B62 B63 B70 B71 B72 B75 B76 B77", "C*12:02:01": "C*12", "C*03:05:01:01": "Cw3 Cw9 Cw10",
        "DRB1*14:02:01:01": "DR14", "DRB1*01:03:01": "DR1",
    }  # fmt: skip
    for allele, antigens in by_hand.items():
        (full,) = sorted(a for a in oracle.alleles if a == allele or a.startswith(allele + ":"))[:1]
        assert shown_antigens(full, oracle) == frozenset(antigens.split()), allele
    for locus in ("A", "B", "DRB1"):
        shown = [len(shown_antigens(a, oracle)) for a in oracle.alleles if a.startswith(locus + "*") and a[-1] != "N"]
        assert sum(number == 1 for number in shown) > 0.85 * len(shown)
    assert groups(parse_name("A*24:02:01G"), oracle, "allele") > {"A*24:02", "A*24:231"}


# ---- searches ---------------------------------------------------------------------------------------------------------------


def donors_of_small(count: int) -> dict[str, str]:
    chance = np.random.default_rng(8)
    donors = {}
    for number in range(count):
        gl = ["+".join(chance.choice(SMALL[locus], 2)) for locus in ("A", "B", "DRB1") if chance.random() < 0.9]
        donors[f"D{number:04}"] = "^".join(gl)
    return donors


@needs_data
@pytest.mark.parametrize("under_release", [False, True])
def test_searches(under_release: bool, release: Nomenclature, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All levels of one index, asked for by several threads at once, so that each is made while others are searched."""
    # The oracle remembers pairs of typings, as the donors' are few; its rules are as they were.
    monkeypatch.setattr(reference.match, "match_locus", lru_cache(maxsize=200_000)(match_locus))
    donors = donors_of_small(120)
    table = pa.table({"donor_id": list(donors), "gl": list(donors.values()), "donor_type": ["cord"] * len(donors)})
    path = tmp_path / "r.allo"
    am.Registry.build(path, table)
    registry = am.Registry.open(path, nomenclature=release if under_release else None)
    oracle = oracle_release() if under_release else oracle_two_field()
    read = {donor_id: parse_phenotype(gl) for donor_id, gl in donors.items()}
    patients = [gl for gl in list(donors.values())[:40] if gl.count("^") == 2][:5]
    choices: list[tuple[Any, dict[str, MatchLevel]]] = [
        ("allele", dict.fromkeys(("A", "B", "DRB1"), "allele")),
        ("antigen", dict.fromkeys(("A", "B", "DRB1"), "antigen")),
        ({"b": "antigen", "DRB1": "allele"}, {"B": "antigen", "DRB1": "allele"}),
        (None, {}),
    ]
    expected: dict[tuple[int, int], Any] = {}
    found: dict[tuple[int, int], Any] = {}
    for (i, patient), (j, (_, levels)) in product(enumerate(patients), enumerate(choices)):
        hits = reference.search.search(
            parse_phenotype(patient), read, oracle, "6/6", j, {"A": 1}, "both", levels=levels
        )
        expected[i, j] = [(hit.donor_id, *six(hit.match.total)) for hit in hits]

    def search(i: int, j: int) -> None:
        hits = registry.search(patients[i], "6/6", max_mismatches=j, per_locus={"A": 1}, level=choices[j][0], threads=1)
        assert hits.levels == {locus: choices[j][1].get(locus, "ard") for locus in ("A", "B", "DRB1")}
        columns = [hits.count(name).tolist() for name in am.search.COUNTS]
        found[i, j] = list(zip(hits.donor_ids.to_pylist(), *columns, strict=True))
        for hit in [hits[k] for k in range(min(3, len(hits)))]:
            assert six(hit.match) == found[i, j][hit.rank][1:]

    threads = [threading.Thread(target=search, args=key) for key in expected]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected
    assert sum(map(len, expected.values())) > 50
    cord = registry.search(patients[0], "cord 6/6")
    assert cord.levels == {"A": "antigen", "B": "antigen", "DRB1": "ard"}
    levels: dict[str, MatchLevel] = {"A": "antigen", "B": "antigen"}
    hits = reference.search.search(parse_phenotype(patients[0]), read, oracle, "6/6", 2, levels=levels)
    assert cord.donor_ids.to_pylist() == [hit.donor_id for hit in hits]
    assert "by antigen" in cord.explain(0)
    assert registry.search(patients[0], "cord 6/6", level={"B": "ard"}).levels["B"] == "ard"


@needs_data
def test_a_release_without_antigens(release: Nomenclature, tmp_path: Path) -> None:
    """Its files of alleles alone say nothing of antigens: an error, not another answer."""
    home = Path(os.environ["ALLOMATCH_DATA"]) / "imgt" / "3.58.0"
    bare = am._core.Nomenclature.from_files(
        "3.58.0",
        {
            "allele_list": (home / "Allelelist.txt").read_bytes(),
            "p_groups": (home / "wmda/hla_nom_p.txt").read_bytes(),
            "g_groups": (home / "wmda/hla_nom_g.txt").read_bytes(),
        },
    )
    person = am.Phenotype("A*01:01+A*02:01")
    with pytest.raises(am.ArgumentError, match=r"3\.58\.0.*rel_dna_ser"):
        am._core.match_locus(person._core, person._core, "A", bare, "explicit", True, level="antigen")
    assert am._core.match_locus(person._core, person._core, "A", bare, "explicit", True, level="allele")[1] == 0


@pytest.mark.parametrize(
    ("level", "words"),
    [
        ("protein", ["'protein'", "ard, allele and antigen"]),
        (5, ["level is 5"]),
        ({"C": "ard"}, ["'C'", "not compared"]),
        ({"A": "x"}, ["'x'", "antigen"]),
        ({"A": None}, ["None"]),
        ({"Z": "ard"}, ["'Z'"]),
        (["ard"], ["['ard']"]),
    ],
)
def test_levels_that_cannot_be(level: Any, words: list[str], tmp_path: Path) -> None:
    registry = am.Registry.create(tmp_path / "r.allo")
    for call in (
        lambda: registry.search("A*01:01", ["A", "B"], level=level),
        lambda: am.match("A*01:01", "A*01:01", TWO_FIELD, ["A", "B"], level=level),
    ):
        with pytest.raises(am.ArgumentError) as caught:
            call()
        for word in words:
            assert word in str(caught.value)
