"""The oracle's reductions against py-ard: 5,680 names, 455 validations, 366 rows of its own feature files.

What: `g`, `serology`, `two-field` and `first-field` of every name, whether a name is valid, and py-ard's features where
they do not hang on its release (3.44.0; here 3.50.0). `P` and `G` are held in test_reference_nomenclature.py. Where
py-ard differs, the test says how and asserts our answer there. Why: its users will compare.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from reference.mac import MacTable
from reference.names import GENES
from reference.nomenclature import Level, Release, UnknownNameError, parse_name
from reference.phenotype import parse_phenotype
from reference.truth import existing_data_dir, json_lines, mac_file, needs_truth


@cache
def release(number: str) -> Release:
    return Release(existing_data_dir(), number, MacTable.read(mac_file()))


def bare(text: str) -> set[str]:
    """py-ard's `/` list as a set, without its `HLA-` prefixes."""
    return {item.removeprefix("HLA-") for item in text.split("/") if item}


def rows_of_names() -> Iterator[dict[str, Any]]:
    """The rows whose name the release has; names that only nulls extend are held in test_reference_nomenclature.py."""
    nom = release("3.58.0")
    for row in json_lines("names/alleles.jsonl.gz"):
        if (
            row["kind"] in ("other_locus", "edge", "G_group")
            or row["in"].removeprefix("HLA-").split("*")[0] not in GENES
        ):
            continue
        try:
            nom.members(row["in"])
        except UnknownNameError:
            continue
        yield row


@needs_truth
@pytest.mark.parametrize("theirs_at", ["lg", "lgx"])
def test_small_g(theirs_at: str) -> None:
    # Its lg ends every name in g, its lgx none; only the members of P groups and the nulls beside them do so with us.
    nom = release("3.58.0")
    seen: Counter[str] = Counter()
    for row in rows_of_names():
        if isinstance(row["redux"][theirs_at], dict):
            assert row["in"] in ("DRB3*03:22P", "DQA1*01:07P")  # refused by it, given by the file
            seen["refused"] += 1
            continue
        ours = nom.reduce(row["in"], "g").split("/")
        for name in ours:
            # What ends in g is a P group's name, and stands for the name that was given.
            assert not name.endswith("g") or nom.members(row["in"]) & nom.members(name)
        without = {name.removesuffix("g") for name in ours}
        theirs = {name.removesuffix("g") if theirs_at == "lg" else name for name in bare(row["redux"][theirs_at])}
        if without == theirs:
            seen["agree"] += 1
        elif {name.removesuffix("N") for name in without} == theirs:
            assert nom.is_null(row["in"])
            seen["it drops the N"] += 1
        elif without == {name.removesuffix("Q") for name in theirs}:
            seen["it keeps the Q"] += 1  # a questionable allele outside any P group; to us as expressed as others
        elif nom.is_null(row["in"]):
            # It gives some nulls the expressed name of their G group, and of DPA1*01:147N's that is in no P group.
            assert row["in"] in ("DRB5*01:08:02N", "DRB5*01:08N", "DPA1*01:147N")
            seen["another null"] += 1
        else:
            assert {name + "P" for name in without} == bare(nom.reduce(row["in"], "P")) == bare(row["redux"]["P"])
            seen["not its own P group"] += 1
    assert (
        seen
        == {
            "lg": {
                "agree": 5293,
                "it drops the N": 98,
                "it keeps the Q": 50,
                "not its own P group": 37,
                "another null": 1,
            },
            "lgx": {
                "agree": 5324,
                "it drops the N": 94,
                "it keeps the Q": 50,
                "not its own P group": 6,
                "another null": 5,
            },
        }[theirs_at]
    )


@needs_truth
def test_serology() -> None:
    # It adds the broads; it looks at the first three columns, and for cut names only at alleles of that very name.
    nom = release("3.58.0")
    relations = nom.serology.relations
    seen: Counter[str] = Counter()
    for row in rows_of_names():
        if isinstance(row["redux"]["S"], dict):
            seen["refused"] += 1
            continue
        ours, theirs = bare(nom.reduce(row["in"], "serology")), bare(row["redux"]["S"])
        above = {a for antigen in ours for a in relations.relatives(antigen) - relations.below(antigen)}
        if nom.is_null(row["in"]):
            assert ours == set()
            seen["a null with antigens" if theirs else "a null"] += 1
        elif ours == theirs:
            seen["agree"] += 1
        elif ours == theirs - above:
            seen["but for the antigens above"] += 1
        elif not theirs:
            members = nom.members(row["in"])
            experts = all(nom.serology.expert_only(m) or not nom.serology.antigens(m) for m in members)
            assert experts or row["in"].removeprefix("HLA-") not in nom.alleles
            seen["known to experts" if experts else "a cut name"] += 1
        else:
            # It gives an allele what its P group has; here each allele has its own line.
            group = frozenset[str]().union(*(nom.members(p) for p in nom.reduce(row["in"], "P").split("/")))
            of_group = {a for member in group for a in nom.serology.antigens(member)}
            of_group |= {a for antigen in of_group for a in relations.relatives(antigen)}
            assert ours < theirs <= of_group | above, row["in"]
            seen["of the P group"] += 1
    assert seen == {
        "agree": 3289,
        "but for the antigens above": 1145,
        "a null": 606,
        "a null with antigens": 96,
        "a cut name": 267,
        "known to experts": 23,
        "of the P group": 53,
    }


@needs_truth
@pytest.mark.parametrize(("level", "theirs_at"), [("two-field", "U2"), ("first-field", "1F")])
def test_fields(level: Level, theirs_at: str) -> None:
    # Its U2 is another thing: two fields where these are unambiguous, else the P group's, with suffixes kept.
    nom = release("3.58.0")
    seen: Counter[str] = Counter()
    for row in rows_of_names():
        if isinstance(row["redux"][theirs_at], dict):
            seen["refused"] += 1
            continue
        ours, theirs = bare(nom.reduce(row["in"], level)), bare(row["redux"][theirs_at])
        if ours == theirs:
            seen["agree"] += 1
        elif row["kind"] == "P_group":
            # Itself or its own first field; we give those of all members.
            assert theirs == ({row["in"]} if level == "two-field" else {parse_name(row["in"]).first_field})
            seen["a group by its name"] += 1
        else:
            assert level == "two-field"
            if {name.rstrip("NLSCAQ") for name in theirs} == {name.rstrip("N") for name in ours}:
                seen["it keeps a suffix, or drops an N"] += 1
            else:
                assert {name + "P" for name in theirs} == bare(nom.reduce(row["in"], "P"))
                seen["the P group's"] += 1
    assert (
        seen
        == {
            "two-field": {
                "agree": 4937,
                "a group by its name": 301,
                "it keeps a suffix, or drops an N": 204,
                "the P group's": 37,
            },
            "first-field": {"agree": 5455, "a group by its name": 24},
        }[level]
    )


def is_valid(text: str, nom: Release) -> bool:
    try:
        phenotype = parse_phenotype(text)
        for typing in phenotype.typings.values():
            for genotype in typing.genotypes:
                for name in genotype[0] | genotype[1]:
                    nom.meaning(name)
    except ValueError:
        return False
    return True


@needs_truth
def test_validations() -> None:
    nom = release("3.58.0")
    seen: Counter[str] = Counter()
    for row in json_lines("names/misc.jsonl.gz"):
        if row["call"] == "is_null":
            assert nom.is_null(row["in"]) == row["out"]
            seen["is_null"] += 1
        if row["call"] == "validate":
            ours, theirs = is_valid(row["in"], nom), row["out"] is True
            if ours == theirs:
                seen["agree"] += 1
            else:
                assert row["in"] in (ONLY_OURS if ours else ONLY_THEIRS)
                seen["only ours" if ours else "only theirs"] += 1
    assert seen == {"agree": 52, "is_null": 6, "only ours": len(ONLY_OURS), "only theirs": len(ONLY_THEIRS)}


ONLY_OURS = (
    "A*24:329",  # extended by A*24:329Q, which is expressed
    "a*01:01",  # any case
    "A*01:01 ",  # blanks are trimmed
    "",  # untyped
    "DRBX*NNNN",
    "A*01:01g",
    "A*01:01G",
    "HLA-A*01:01g",
    "A*NEW",
    "A*01XX",
    "A*23:19Q",  # renamed A*23:19N
)
ONLY_THEIRS = (
    # A bad third to fifth field passes its validation.
    "B*07:02:01:01g",
    "A*01:01:01:01N",
    "DRB1*01:01:01:01:01",
    "C*07:01:01N",
    "A*01123",  # to it A*01:123
    "MICA*002:01",  # no locus of ours
)


# --- its feature files ----------------------------------------------------------------------------------------------

LEVELS: dict[str, Level] = {
    "G": "G",
    "P": "P",
    "lg": "g",
    "lgx": "g",
    "U2": "two-field",
    "1F": "first-field",
    "S": "serology",
}
INPUTS = ("Allele", "Serology", "GL String", "Version2", "MAC", "XX")
OUTPUTS = ("Redux Allele", "Redux Serology", "Redux GL String", "Expanded Alleles", "Redux")
Reduced = set[frozenset[frozenset[str]]]


def reduced(text: str, level: str, nom: Release) -> Reduced:
    """Of each genotype, the positions' reductions; loci and order are left out."""

    def names(position: frozenset[Any]) -> frozenset[str]:
        found = [nom.members(n) if level == "W" else bare(nom.reduce(n, LEVELS[level])) for n in position]
        return frozenset(n.removesuffix("g") if level == "lgx" else n for f in found for n in f)

    typings = parse_phenotype(text).typings.values()
    return {frozenset(names(position) for position in genotype) for typing in typings for genotype in typing.genotypes}


def written(text: str) -> Reduced:
    blocks = [block for part in text.split("^") for block in part.replace("~", "+").split("|")]
    return {frozenset(frozenset(bare(position)) for position in block.split("+")) for block in blocks}


@needs_truth
def test_features() -> None:
    nom = release("3.50.0")
    seen: Counter[str] = Counter()
    for row in json_lines("names/feature_cases_imgt3440.jsonl.gz"):
        case = row["case"]
        text = next((case[key] for key in INPUTS if key in case), None)
        output = next((case[key] for key in OUTPUTS if key in case), None)
        level = case.get("Level", "U2" if "Expanded Alleles" in case else "")
        if "Validity" in case and text is not None:
            ours_valid, theirs_valid = is_valid(text, nom), case["Validity"] == "Valid"
            if text in VALID_TO_US:
                assert ours_valid  # py-ard has strict modes, in which it refuses these
            elif text in INVALID_TO_US:
                assert not ours_valid
            else:
                assert ours_valid == theirs_valid, text
            seen["valid or not"] += 1
            continue
        if text is None or output is None or level not in (*LEVELS, "W"):
            seen["of its own"] += 1  # common alleles, DRB3/4/5 blends, broads of first fields, exon level
            continue
        try:
            ours = reduced(text, level, nom)
        except ValueError as error:
            seen[reason_to_refuse(str(error))] += 1
            continue
        seen["agree" if ours == written(output) else reason_to_differ(level, ours, written(output), nom)] += 1
    assert seen == {
        "agree": 144,
        "valid or not": 55,
        "more members": 25,
        "its suffix ARS": 6,
        "it keeps a suffix": 5,
        "it adds the antigens above": 4,
        "a null has no antigen": 2,
        "a name of nulls alone": 2,
        "a code of nothing known": 1,
        "a code that the subset lacks": 12,
        "another release": 12,
        "no locus of ours": 6,
        "no name of ours": 3,
        "of its own": 89,
    }


VALID_TO_US = ("A*24:329", "A*01:01g", "A*30:02g", "DRBX*NNNN")
# Codes that the subset lacks, an antigen that no allele has, fields that no allele has, a null's name with a g.
INVALID_TO_US = ("A*02:CMZEY", "DRB1*15:DFJR", "DPw6", "A*01:01:99:99", "HLA-A*01:04Ng")


def reason_to_refuse(error: str) -> str:
    reasons = {
        "no code": "a code that the subset lacks",
        "only null alleles": "a name of nulls alone",
        "has none": "a code of nothing known",
        "is unknown in release 3.50.0": "another release",
        "malformed": "no name of ours",
        "locus": "no locus of ours",
        "loci": "no locus of ours",
    }
    return next(reason for words, reason in reasons.items() if words in error.replace("at locus", ""))


def reason_to_differ(level: str, ours: Reduced, theirs: Reduced, nom: Release) -> str:
    """Why py-ard's answer is another one, asserted."""
    our_names, their_names = (frozenset[str]().union(*(p for g in r for p in g)) for r in (ours, theirs))
    if their_names == {"X"}:
        assert not our_names
        return "a null has no antigen"
    if any(name.endswith("ARS") for name in their_names):
        assert {name.replace("ARS", "g") for name in their_names} == our_names
        return "its suffix ARS"
    if level == "S":
        above = {a for antigen in our_names for a in nom.serology.relations.relatives(antigen)}
        assert our_names < their_names <= above | {"B15"}  # to it B15 is above B70 as well
        return "it adds the antigens above"
    if {name.rstrip("SLQ") for name in their_names} == our_names:
        return "it keeps a suffix"
    # Of a cut name we keep the members that are in no G group; the other release has other alleles; lg is g for all.
    missing = {name.rstrip("gLSQ") for name in their_names} - {name.rstrip("gLSQ") for name in our_names}
    for name in missing:
        if not name.endswith("N") and is_valid(name, nom):
            assert {g for allele in nom.members(name) for g in bare(nom.reduce(allele, "G"))} <= our_names, name
    return "more members"
