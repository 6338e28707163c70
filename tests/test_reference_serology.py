"""The oracle's antigens against the files' own statements, py-ard's 177 antigens and Atlas's facts.

What: relations of antigens, the antigens of an allele, the alleles of an antigen. Where another program takes other
columns of `rel_dna_ser` or other relations, the test says which rows and asserts our answer there. Why: a typing by
serology means what these sets say.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from reference.nomenclature import Level, Release
from reference.serology import LETTERS, Serology, antigen_order, joined, lines
from reference.truth import engine_cases, existing_data_dir, json_lines, needs_data, needs_truth

SUBTYPES = {"Broad": "broad", "Split": "split", "Associated": "associated", "NotSplit": "not split"}
ELSEWHERE = "of another column, or of the antigen that this one is associated with"
# Groups that antigens of Atlas's facts stand for, by level.
AGREEMENT = {
    "P": {"agree": 2137, ELSEWHERE: 149},
    "G": {"agree": 2584, ELSEWHERE: 167},
}


@cache
def serology(number: str) -> Serology:
    wmda = existing_data_dir() / "imgt" / number / "wmda"
    return Serology(lines(wmda / "rel_dna_ser.txt"), lines(wmda / "rel_ser_ser.txt"))


@cache
def release(number: str) -> Release:
    return Release(existing_data_dir(), number)


def test_order() -> None:
    assert joined(["A203", "A24", "A2", "A9"]) == "A2/A9/A24/A203"
    assert joined([]) == ""
    assert antigen_order("Cw10") == ("Cw", 10)


TOY = Serology(
    [
        "A*;23:01;23;;;",
        "A*;23:02;;;9;",
        "A*;24:01;24;;;",
        "A*;24:03;2403;;;",
        "A*;24:09N;0;;;",
        "A*;24:10N;;;0/24;",  # null, whatever the column says
        "A*;24:11Q;;;0/24;",
        "A*;24:12;;24/3;;9",
        "A*;24:13;?;;;24",
        "A*;25:01;?;;;",
        "B*;15:01;;;15/70;",
        "B*;15:02;62;;;70",
    ],
    ["A;9;23/24;", "A;24;;2403", "B;15;62/63;", "B;70;71/72;"],
)


@pytest.mark.parametrize(
    ("allele", "antigens"),
    [
        ("A*23:02", {"A9"}),
        ("A*24:09N", set()),
        ("A*24:10N", set()),
        ("A*24:11Q", {"A24"}),
        ("A*24:12", {"A24", "A3"}),  # the first column that names one decides
        ("A*24:13", {"A24"}),
        ("A*25:01", set()),
        ("B*15:02", {"B62"}),
        ("A*99:01", set()),
    ],
)
def test_antigens_of_an_allele(allele: str, antigens: set[str]) -> None:
    assert TOY.antigens(allele) == antigens


@pytest.mark.parametrize(
    ("antigen", "alleles"),
    [
        (
            "A9",
            {"23:01", "23:02", "24:01", "24:03", "24:11Q", "24:12", "24:13"},
        ),  # splits, and an associated of a split
        ("A23", {"23:01", "23:02"}),  # the broad where that is all that is known
        ("A24", {"23:02", "24:01", "24:03", "24:11Q", "24:12", "24:13"}),
        ("A2403", {"24:03"}),
        ("A25", set()),
        ("B62", {"15:01", "15:02"}),
        ("B63", {"15:01"}),
        ("B72", {"15:01"}),
        ("B70", {"15:01"}),
    ],
)
def test_alleles_of_an_antigen(antigen: str, alleles: set[str]) -> None:
    assert {allele.split("*")[1] for allele in TOY.alleles(antigen)} == alleles


@needs_data
def test_every_expressed_allele_has_an_antigen_that_its_column_names() -> None:
    found = serology("3.58.0")
    # A split's parent is a broad and never itself a split; an associated antigen has one parent.
    relations = found.relations
    for broad, splits in relations.splits.items():
        assert relations.broad(broad) is None
        assert all(relations.broad(split) == broad for split in splits)
    assert relations.relatives("B4005") == {"B4005", "B21"}
    assert relations.relatives("A2403") == {"A2403", "A24", "A9"}
    # Ours are some of all that the four columns say, and none only where they say none.
    for allele in release("3.58.0").alleles:
        if allele.split("*")[0] in LETTERS:
            assert found.antigens(allele) <= found.all_antigens(allele)
            assert bool(found.antigens(allele)) == bool(found.all_antigens(allele))


# --- against py-ard -------------------------------------------------------------------------------------------------


@needs_truth
def test_antigens_of_py_ard() -> None:
    found = serology("3.58.0")
    seen: Counter[str] = Counter()
    for row in json_lines("names/serology.jsonl.gz"):
        if row["kind"] != "serology":
            continue
        antigen = row["in"]
        if antigen.startswith(("Bw", "DPw", "Dw")):
            assert not row["redux"]["W"]
            assert not found.alleles(antigen)  # no antigen that a file gives to an allele
            seen["of no allele"] += 1
            continue
        # It puts nulls beside their expressed kin; a null has no antigen.
        theirs = {allele for allele in row["redux"]["W"].split("/") if allele and not allele.endswith("N")}
        ours = found.alleles(antigen)
        assert theirs <= ours
        if ours == theirs:
            seen["agree"] += 1
        for allele in ours - theirs:
            # What it leaves out and SEMANTICS section 1 does not.
            own = found.antigens(allele)
            relations = found.relations
            associated = relations.below(antigen) - {antigen} - relations.splits.get(antigen, frozenset())
            if own & associated:
                reason = "associated antigens"
            elif relations.broad(antigen) in own:
                reason = "known only by the broad"
            else:
                assert found.expert_only(allele)
                reason = "known only by experts"
            seen[reason] += 1
        if row["broad_splits"]:
            broad, splits = row["broad_splits"]
            assert found.relations.splits[broad] == set(splits)
        if row["associated"] != antigen:
            assert found.relations.associated_with(antigen) == row["associated"]
            seen["associated of"] += 1
    assert seen == {
        "agree": 65,
        "associated antigens": 267,
        "known only by experts": 170,
        "known only by the broad": 9538,
        "associated of": 13,
        "of no allele": 34,
    }


# --- against Atlas --------------------------------------------------------------------------------------------------


@needs_truth
def test_relations_of_atlas() -> None:
    relations = serology("3.33.0").relations
    cases = engine_cases("serology_relationships")
    for case in cases:
        letters = LETTERS[case["locus"]]
        antigen = letters + case["serology"]
        assert relations.subtype(antigen) == SUBTYPES[case["subtype"]]
        expected = {letters + found["serology"]: found for found in case["expected_matching_serologies"]}
        for other, found in expected.items():
            assert relations.subtype(other) == SUBTYPES[found["subtype"]]
            assert (other == antigen) == found["direct"]
        assert relations.relatives(antigen) == expected.keys()
    assert len(cases) == 8


@needs_truth
def test_antigens_of_atlas_alleles() -> None:
    found = serology("3.33.0")
    seen: Counter[str] = Counter()
    for case in engine_cases("allele_to_serology"):
        letters, allele = LETTERS[case["locus"]], f"{case['locus']}*{case['allele']}"
        if case["group"].startswith("Deleted"):
            seen["deleted"] += 1  # in test_reference_deleted.py
            continue
        expected = case["expected_serologies"]
        direct = {letters + s["serology"] for s in expected if s["direct"]}
        # It takes the antigens of all columns, we those of the first one that names any.
        assert found.all_antigens(allele) == direct
        if found.antigens(allele) != direct:
            assert (allele, found.antigens(allele)) in (("B*40:26", {"B21"}), ("B*40:05:01:01", {"B4005"}))
            seen["first column"] += 1
        relatives = frozenset[str]().union(*(found.relations.relatives(antigen) for antigen in direct))
        assert relatives == {letters + s["serology"] for s in expected}
        seen["agree"] += 1
    assert seen == {"agree": 14, "first column": 2, "deleted": 3}


@needs_truth
@pytest.mark.parametrize("level", ["P", "G"])
def test_groups_of_atlas_antigens(level: Level) -> None:
    found, nom = serology("3.33.0"), release("3.33.0")
    seen: Counter[str] = Counter()
    for case in engine_cases("serology_to_groups"):
        locus, antigen = case["locus"], LETTERS[case["locus"]] + case["serology"]
        theirs = {f"{locus}*{group}" for group in case[f"expected_{level.lower()}_groups"]}
        ours = {nom.reduce(allele, level) for allele in found.alleles(antigen)}
        assert ours <= theirs
        # It takes the antigens of all columns, and every relative in either direction: to it B3902 may be any B39.
        relatives = found.relations.relatives(antigen)
        of_relatives = {a for a in nom.alleles if a.startswith(locus + "*") and found.all_antigens(a) & relatives}
        assert {nom.reduce(allele, level) for allele in of_relatives if not allele.endswith("N")} == theirs
        seen["agree"] += len(ours)
        seen[ELSEWHERE] += len(theirs - ours)
    assert seen == AGREEMENT[level]
