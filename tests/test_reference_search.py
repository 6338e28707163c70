"""The oracle's search: who is a hit, in which order, by limits and direction.

What: every combination of per-locus mismatches against every kind of budget; and Atlas's rows of criteria with the
simpler searches that together cover them. Why: the core's trie must return exactly these donors.
"""

from __future__ import annotations

from itertools import product

import pytest

from reference.nomenclature import TwoField
from reference.phenotype import Phenotype, parse_phenotype
from reference.search import PRESETS, Direction, search
from reference.truth import engine_cases, needs_truth

LOCI = PRESETS["10/10"]
PATIENT = parse_phenotype(dict.fromkeys(LOCI, ("01:01", "02:01")))
# By mismatches at a locus; (01:01, 02:01) against (01:01, 01:01) is one more way to have one mismatch.
PAIRS = [("01:01", "02:01"), ("01:01", "03:01"), ("03:01", "04:01")]
DONORS = {
    "".join(map(str, mismatches)): parse_phenotype({locus: PAIRS[k] for locus, k in zip(LOCI, mismatches, strict=True)})
    for mismatches in product(range(3), repeat=len(LOCI))
}


def ids(**search_arguments: object) -> set[str]:
    hits = search(PATIENT, DONORS, TwoField(), LOCI, **search_arguments)  # type: ignore[arg-type]
    return {hit.donor_id for hit in hits}


@pytest.mark.parametrize("budget", range(5))
def test_budget_and_limits(budget: int) -> None:
    assert ids(max_mismatches=budget) == {d for d in DONORS if sum(map(int, d)) <= budget}
    limits = {"A": 1, "DQB1": 0}
    expected = {d for d in DONORS if sum(map(int, d)) <= budget and int(d[0]) <= 1 and d[4] == "0"}
    assert ids(max_mismatches=budget, per_locus_limits=limits) == expected


def test_direction() -> None:
    donors = {
        "homozygous": parse_phenotype("A*01:01+A*01:01^B*07:02+B*07:02^DRB1*01:01+DRB1*01:01"),
        "identical": parse_phenotype("A*01:01+A*02:01^B*07:02+B*07:02^DRB1*01:01+DRB1*01:01"),
        "other": parse_phenotype("A*03:01+A*24:02^B*07:02+B*07:02^DRB1*01:01+DRB1*01:01"),
    }
    patient = donors["identical"]
    found: dict[Direction, list[tuple[str, int]]] = {
        direction: [(h.donor_id, h.mismatches) for h in search(patient, donors, TwoField(), "6/6", 1, None, direction)]
        for direction in ("both", "gvh", "hvg")
    }
    assert found["both"] == [("identical", 0), ("homozygous", 1)]
    assert found["gvh"] == [("identical", 0), ("homozygous", 1)]
    assert found["hvg"] == [("homozygous", 0), ("identical", 0)]


def test_order() -> None:
    donors: dict[str, Phenotype] = {
        name: parse_phenotype(text)
        for name, text in {
            "z-exact": "A*01:01+A*02:01^B*07:02+^DRB1*01:01+",
            "b-potential": "A*01:01+A*02:XX^B*07:02+^DRB1*01:01+",
            "a-potential": "A*01:01+A*02:XX^B*07:02+^DRB1*01:01+",
            "a-untyped": "B*07:02+^DRB1*01:01+",
            "a-mismatch": "A*01:01+A*03:01^B*07:02+^DRB1*01:01+",
            "b-worse": "A*01:01+A*03:01^B*07:02+B*08:01^DRB1*01:01+",
        }.items()
    }
    hits = search(donors["z-exact"], donors, TwoField(), "6/6", 1)
    assert [(hit.donor_id, hit.mismatches, hit.greatest) for hit in hits] == [
        ("z-exact", 0, 0),
        ("a-potential", 0, 1),
        ("b-potential", 0, 1),
        ("a-untyped", 0, 2),
        ("a-mismatch", 1, 1),
    ]
    assert hits[0].match.total.greatest == 0


def test_presets() -> None:
    assert {name: set(loci) for name, loci in PRESETS.items()} == {
        "6/6": {"A", "B", "DRB1"},
        "8/8": {"A", "B", "C", "DRB1"},
        "10/10": {"A", "B", "C", "DRB1", "DQB1"},
        "12/12": {"A", "B", "C", "DRB1", "DQB1", "DPB1"},
    }
    for name, loci in PRESETS.items():
        assert {hit.donor_id for hit in search(PATIENT, DONORS, TwoField(), name)} == {
            d for d in DONORS if all(k == "0" for k, locus in zip(d, LOCI, strict=True) if locus in loci)
        }


def test_null_policy_is_passed_on() -> None:
    donors = {"d": parse_phenotype("A*01:01+A*02:01/A*02:125N")}
    patient = parse_phenotype("A*01:01+A*01:01")
    assert search(patient, donors, TwoField(), ("A",), 0) == []
    assert len(search(patient, donors, TwoField(), ("A",), 0, policy="possible")) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        {"loci": "9/10"},
        {"max_mismatches": -1},
        {"per_locus_limits": {"DPB1": 0}},
        {"per_locus_limits": {"A": 3}},
        {"per_locus_limits": {"A": -1}},
        {"direction": "sideways"},
    ],
)
def test_search_errors(arguments: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"preset|negative|limit|direction"):
        search(PATIENT, DONORS, TwoField(), **arguments)  # type: ignore[arg-type]


@needs_truth
def test_simpler_searches_cover_their_criteria() -> None:
    # Atlas splits a search into simpler ones; together they must return the donors of the whole one and no others.
    split = 0
    for case in engine_cases("search_criteria_split"):
        whole = {"total": case["total"], "criteria": case["criteria"]}
        parts = case["expected_sub_searches"]
        if parts == "unchanged":
            parts = [whole]
        loci = tuple(case["criteria"])
        found = [
            {
                hit.donor_id
                for hit in search(PATIENT, DONORS, TwoField(), loci, part["total"], per_locus_limits=part["criteria"])
            }
            for part in (whole, *parts)
        ]
        assert found[0] == set().union(*found[1:])
        assert found[0] == {
            d
            for d in DONORS
            for at in [dict(zip(LOCI, map(int, d), strict=True))]
            if sum(at[locus] for locus in loci) <= case["total"]
            and all(at[locus] <= limit for locus, limit in case["criteria"].items())
        }
        split += parts != [whole]
    assert split == 3
