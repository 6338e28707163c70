"""The oracle's names and releases: what a written name stands for, and its groups by the official files.

What: `parse_name`, `TwoField` and `Release`, first on hand-made cases, then on the invariants of the three releases,
then against the expected results of other programs. Where another program is wrong, or differs on purpose, the test
says which rows and asserts our answer there. Why: all counts rest on these sets. One long file: its tests share the
releases, which take seconds to read.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import Any

import pytest

from reference.mac import MacTable
from reference.match import unknown_members
from reference.names import GENES
from reference.nomenclature import Level, Release, TwoField, UnknownNameError, parse_name
from reference.phenotype import Position, parse_phenotype
from reference.truth import engine_cases, existing_data_dir, json_lines, needs_data, needs_older_releases, needs_truth

# py-ard makes a G group's name from its first member; the file has its own (3 of 707 differ).
PY_ARD_G_NAMES = {
    "A*02:17:02G": "A*02:17:01G",
    "C*02:02:37G": "C*02:10:01G",
    "DRB3*02:171:01G": "DRB3*03:22:01G",
}

LEVELS_OF_ATLAS: set[Level] = {"P", "G"}
GROUP_KEYS: dict[str, Level] = {"p_group": "P", "g_group": "G"}


@cache
def release(number: str) -> Release:
    return Release(existing_data_dir(), number)


# --- the embedded nomenclature --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "level", "expected"),
    [
        ("A*01:01:01:01", "ard", "A*01:01"),
        ("A*24:02:01:02L", "ard", "A*24:02"),
        ("A*24:02:01:02L", "two-field", "A*24:02"),
        ("A*24:09:01N", "two-field", "A*24:09N"),
        ("A*02:01:01G", "ard", "A*02:01"),
        ("A*02:01P", "two-field", "A*02:01"),
        ("A*02:01:01:01", "P", "A*02:01:01:01"),
        ("A*02:01P", "P", "A*02:01P"),
        ("A*02:01:01G", "G", "A*02:01:01G"),
        ("A*02:XX", "ard", "A*02:XX"),
        ("A*02:XX", "first-field", "A*02"),
        ("A*24:02:01:02L", "first-field", "A*24"),
    ],
)
def test_two_field_reduce(name: str, level: Level, expected: str) -> None:
    assert TwoField().reduce(name, level) == expected


def test_two_field_nulls_have_no_group() -> None:
    nom = TwoField()
    assert nom.ard("A*24:09N") is None
    assert nom.ards("A*24:09N") == frozenset()
    assert nom.members("A*24:09N") == {"A*24:09N"}
    for name, null in [("A*24:09N", True), ("A*24:02:01:02L", False), ("A*24:02", False), ("A*24:XX", False)]:
        assert nom.is_null(name) is null


def test_two_field_xx_is_open() -> None:
    nom = TwoField()
    assert nom.members("A*02:XX") == frozenset()
    assert nom.meaning("A*02:XX").open_fields == {"A*02:"}
    assert nom.meaning("A*02:01").open_fields == frozenset()
    assert nom.may_be_null("A*02:XX")
    assert not nom.may_be_null("A*02:01:01G")
    with pytest.raises(ValueError, match="no single ARD group"):
        nom.ard("A*02:XX")


@pytest.mark.parametrize(
    ("name", "level", "expected"),
    [
        ("A*02:01:01:01", "g", "A*02:01g"),
        ("A*24:09N", "g", "A*24:09N"),
        ("A*24:02:01:02L", "serology", "A24"),
        ("A*24:09N", "serology", ""),
        ("B*15:01", "serology", "B15"),
        ("C*03:04", "serology", "Cw3"),
        ("C*12:03", "serology", ""),
        ("DRB1*03:01", "serology", "DR3"),
        ("DRB3*01:01", "serology", "DR52"),
        ("DPB1*04:01", "serology", ""),
        ("A*0201", "first-field", "A*02"),
        ("A2", "serology", "A2"),
        ("A*02:XX", "serology", "A2"),
        ("DRBX*NNNN", "ard", "DRBX*NNNN"),
        ("A*02:NEW", "ard", "A*02:NEW"),
        ("A*02:NEW", "first-field", "A*02"),
        ("A*NEW", "first-field", "A*NEW"),
    ],
)
def test_two_field_reduce_of_other_forms(name: str, level: Level, expected: str) -> None:
    assert TwoField().reduce(name, level) == expected


@pytest.mark.parametrize(
    ("antigen", "first_fields"),
    [
        ("A2", ["A*02"]),
        ("A9", ["A*23", "A*24"]),
        ("A203", ["A*02"]),
        ("A2403", ["A*24"]),
        ("B15", ["B*15"]),
        ("B70", ["B*15"]),
        ("B40", ["B*40"]),
        ("B21", ["B*49", "B*50"]),
        ("B4005", ["B*40"]),
        ("Cw9", ["C*03"]),
        ("DR3", ["DRB1*03"]),
        ("DR2", ["DRB1*15", "DRB1*16"]),
        ("DR52", ["DRB3*01", "DRB3*02", "DRB3*03"]),
        ("DQ1", ["DQB1*05", "DQB1*06"]),
    ],
)
def test_two_field_antigens(antigen: str, first_fields: list[str]) -> None:
    nom = TwoField()
    assert nom.meaning(antigen).open_fields == {first_field + ":" for first_field in first_fields}
    assert not nom.may_be_null(antigen)  # what was seen by an antiserum is expressed
    with pytest.raises(UnknownNameError, match="no WHO antigen"):
        nom.members("A99")


@needs_data
def test_two_field_antigens_are_those_of_the_release() -> None:
    # Each WHO antigen's first fields are where the release has most of its alleles; and no antigen is missing.
    nom, open_world = release("3.58.0"), TwoField()
    antigens_of = {allele: nom.serology.antigens(allele) for allele in nom.alleles}
    for antigen in set().union(*antigens_of.values()):
        fields = open_world.meaning(antigen).open_fields
        same = {antigen} | nom.serology.relations.splits.get(antigen, frozenset())
        bearers = [a for a, its in antigens_of.items() if its & same and not nom.serology.expert_only(a)]
        assert len([a for a in bearers if a.startswith(tuple(fields))]) > 0.9 * len(bearers), antigen
        assert all(any(a.startswith(field) for a in bearers) for field in fields)


def test_unknown_level() -> None:
    with pytest.raises(ValueError, match="level 'lgx'"):
        TwoField().reduce("A*01:01", "lgx")  # type: ignore[arg-type]


# --- one release ----------------------------------------------------------------------------------------------------


@needs_data
def test_allele_names_mean_what_extends_them() -> None:
    nom = release("3.58.0")
    assert nom.members("A*01:02:01") == {"A*01:02:01:01", "A*01:02:01:02", "A*01:02:01:03"} & nom.alleles
    assert nom.members("A*01:01:01:01") == {"A*01:01:01:01"}
    # Field by field: A*01:10 and A*01:100 do not extend A*01:1.
    assert nom.members("A*02:10") == {"A*02:10"} | {a for a in nom.alleles if a.startswith("A*02:10:")}
    assert "A*02:101:01" not in nom.members("A*02:10")


@needs_data
def test_nulls_are_meant_only_where_written() -> None:
    nom = release("3.58.0")
    assert "A*01:01:01:02N" in nom.alleles
    assert not any(a.endswith("N") for a in nom.members("A*01:01"))
    assert nom.members("A*01:01:01N") == {"A*01:01:01:02N"}
    assert nom.members("A*24:02L") == {"A*24:02:01:02L"}
    assert "A*24:02:01:02L" in nom.members("A*24:02")  # L is expressed
    assert nom.members("A*24:329") == {"A*24:329Q"}
    assert nom.is_null("A*01:01N")
    assert not nom.is_null("A*01:01:01G")  # a null is among its members
    assert nom.may_be_null("A*01:01:01G")
    assert nom.may_be_null("A*01:XX")
    assert not nom.may_be_null("A*01:01P")
    assert nom.is_null("B*40:155:01G")  # a G group of nulls alone


@needs_data
def test_small_g_is_a_p_group_and_the_nulls_beside_it() -> None:
    nom = release("3.58.0")
    assert nom.members("A*01:01g") >= nom.members("A*01:01P") | {"A*01:01:01:02N", "A*01:04:01:01N"}
    assert nom.ards("A*01:01g") == {"A*01:01P"}
    assert nom.may_be_null("A*01:01g")
    assert nom.reduce("A*01:04N", "g") == "A*01:01g"
    assert nom.reduce("A*01:11N", "g") == "A*01:11N"
    assert nom.reduce("A*01:06", "g") == "A*01:06"  # outside any P group
    with pytest.raises(UnknownNameError):
        nom.members("A*01:06g")


@needs_data
def test_new_is_any_of_its_first_field_and_one_more() -> None:
    nom = release("3.58.0")
    meaning = nom.meaning("A*02:NEW")
    assert meaning.members == nom.members("A*02:XX")
    assert (meaning.new, meaning.may_be_null) == ({"A*02:"}, True)
    assert nom.meaning("A*NEW").members == {a for a in nom.alleles if a.startswith("A*")}
    assert nom.meaning("DRBX*NEW").new == {"DRB3*", "DRB4*", "DRB5*"}
    with pytest.raises(UnknownNameError):
        nom.members("A*99:NEW")  # not even the first field has a name


@needs_data
def test_antigens_of_a_release() -> None:
    nom = release("3.58.0")
    assert "A*24:03:01:01" in nom.members("A9")
    assert nom.members("DR52") == {a for a in nom.alleles if a.startswith("DRB3*") and not a.endswith("N")}
    assert not nom.may_be_null("A2")
    assert nom.reduce("A9", "serology") == "A3/A9/A23/A24/A2403"
    for antigen in ("A99", "Cw11"):
        with pytest.raises(UnknownNameError, match=antigen):
            nom.members(antigen)


@needs_data
@pytest.mark.parametrize(
    "name",
    ["A*99:99", "A*99:XX", "A*01:01:9999", "A*01:02L", "A*02:01:03G", "A*02:9999P", "A*01:01:01:02", "C*04:09"],
)
def test_unknown_names_say_value_locus_and_release(name: str) -> None:
    nom = release("3.58.0")
    with pytest.raises(UnknownNameError) as error:
        nom.members(name)
    for part in (name, name.split("*")[0], "3.58.0"):
        assert part in str(error.value)


@needs_data
def test_release_ard() -> None:
    nom = release("3.58.0")
    assert nom.ard("A*01:01:01:01") == "A*01:01P"
    assert nom.ard("A*01:01") == "A*01:01P"
    assert nom.ard("A*01:06") == "A*01:06"
    assert nom.ard("A*24:329Q") == "A*24:329"
    assert nom.ard("A*01:01:01:02N") is None
    assert nom.reduce("A*01:01:01:02N", "ard") == "A*01:01N"
    assert nom.reduce("A*01:01:01:02N", "P") == "A*01:01:01:02N"
    assert nom.reduce("A*01:01:01:02N", "G") == "A*01:01:01G"
    assert nom.reduce("A*24:02:01:02L", "two-field") == "A*24:02"
    with pytest.raises(ValueError, match="no single ARD group"):
        nom.ard("A*01:XX")


# Alleles that the Allelelist of a release has and its hla_nom files have not: newly named, or a file of another day.
LISTED_BUT_UNGROUPED = {
    "3.33.0": {"A*02:741", "B*40:01:51", "B*40:366", "C*02:02:41", "DQB1*03:279", "DQB1*06:02:29"},
    "3.50.0": set(),
    "3.58.0": set(),
}


@needs_older_releases
@pytest.mark.parametrize("number", sorted(LISTED_BUT_UNGROUPED))
def test_invariants_of_a_release(number: str) -> None:
    nom = release(number)
    assert {parse_name(a).locus for a in nom.alleles} == set(GENES)
    groups_of_two_field: dict[str, set[str | None]] = {}
    ards_of_g: dict[str, set[str | None]] = {}
    for allele in nom.alleles:
        name = parse_name(allele)
        # An allele stands for itself alone: no allele of a release is a cut of another, nor differs only by suffix.
        assert nom.members(name) == {allele}
        assert (nom.ard(name) is None) == (name.suffix == "N") == nom.is_null(name)
        if name.suffix == "N":
            assert nom.reduce(name, "P") == allele  # a P group has no nulls
            continue
        groups_of_two_field.setdefault(name.two_field, set()).add(nom.ard(name))
        ards_of_g.setdefault(nom.reduce(name, "G"), set()).add(nom.ard(name))
    # All alleles of one protein are in one ARD group, also those that the group files have not caught up with.
    assert all(len(groups) == 1 for groups in groups_of_two_field.values())
    # The expressed members of a G group are in one ARD group.
    assert all(len(groups) == 1 for groups in ards_of_g.values())


@needs_older_releases
def test_a_late_allele_is_in_the_group_of_its_protein() -> None:
    # 3.33.0 lists B*40:01:51, and its hla_nom files have no line for it: the P group is that of the protein.
    nom = release("3.33.0")
    assert "B*40:01:51" in LISTED_BUT_UNGROUPED["3.33.0"]
    assert nom.reduce("B*40:01:51", "P") == "B*40:01:51"
    assert nom.ard("B*40:01:51") == "B*40:01P"
    assert nom.ards("B*40:01") == {"B*40:01P"}


# --- against py-ard -------------------------------------------------------------------------------------------------


def bare(text: str) -> set[str]:
    """py-ard's `/` list as a set, without its `HLA-` prefixes."""
    return {item.removeprefix("HLA-") for item in text.split("/")}


@needs_truth
def test_p_groups_of_names() -> None:
    nom = release("3.58.0")
    seen: Counter[str] = Counter()
    for row in json_lines("names/alleles.jsonl.gz"):
        text, kind, expected = row["in"], row["kind"], row["redux"]["P"]
        if kind in ("other_locus", "edge", "G_group") or parse_locus(text) not in GENES:
            continue  # G groups: py-ard reads only the named allele of the group, see test_g_groups_by_name
        try:
            ours = bare(nom.reduce(text, "P"))
        except UnknownNameError:
            # py-ard reads a cut that only nulls extend (`A*01:04`) as an allele of that name; it refuses `C*04:09`,
            # which is just such a name. To us both are errors: nothing expressed bears the name, and no N is written.
            assert nom.is_null(text + "N")
            seen["only nulls"] += 1
            continue
        if isinstance(expected, dict):
            assert text in ("DRB3*03:22P", "DQA1*01:07P")  # refused by py-ard, given by the file
            assert ours == {text}
            seen["refused"] += 1
            continue
        if text not in nom.alleles and ours == {text.removeprefix("HLA-")} != bare(expected):
            # A cut name outside any P group: it gives the alleles, we leave the name as it is.
            assert nom.members(text) == bare(expected)
            seen["a cut name"] += 1
            continue
        assert ours == bare(expected), text
        seen["agree"] += 1
    assert seen == {"agree": 5387, "a cut name": 90, "only nulls": 25, "refused": 2}


def parse_locus(text: str) -> str:
    return text.removeprefix("HLA-").split("*")[0]


@needs_truth
def test_g_groups_of_names() -> None:
    nom = release("3.58.0")
    seen: Counter[str] = Counter()
    for row in json_lines("names/alleles.jsonl.gz"):
        text, kind, expected = row["in"], row["kind"], row["redux"]["G"]
        if kind in ("other_locus", "edge", "G_group", "P_group") or parse_locus(text) not in GENES:
            continue
        try:
            ours = bare(nom.reduce(text, "G"))
        except UnknownNameError:
            assert nom.is_null(text + "N")
            continue
        theirs = {PY_ARD_G_NAMES.get(item, item) for item in bare(expected)}
        if theirs != bare(expected):
            seen["group named otherwise"] += 1
        if ours != theirs:
            # A cut name: py-ard gives its G groups or, where it has none, its alleles; we also give the name itself for
            # its alleles outside any G group.
            assert text not in nom.alleles
            assert ours - theirs == {str(parse_name(text))}
            assert all(name in ours if name.endswith("G") else name in nom.members(text) for name in theirs)
            seen["cut names"] += 1
            continue
        seen["agree"] += 1
    assert seen == {"agree": 4932, "cut names": 246, "group named otherwise": 9}


@needs_truth
def test_g_groups_by_name() -> None:
    # py-ard's G group rows: the names of 3 are not the file's, and 5 are refused by it; the file has all the others.
    nom = release("3.58.0")
    seen: Counter[str] = Counter()
    for row in json_lines("names/alleles.jsonl.gz"):
        text, expected = row["in"], row["redux"]["G"]
        if row["kind"] != "G_group":
            continue
        if text in PY_ARD_G_NAMES:
            with pytest.raises(UnknownNameError):
                nom.members(text)
            assert nom.members(PY_ARD_G_NAMES[text])
            seen["named otherwise"] += 1
        else:
            assert nom.reduce(text, "G") == text
            seen["refused" if isinstance(expected, dict) else "agree"] += 1
    assert seen == {"agree": 288, "refused": 5, "named otherwise": 3}


@needs_truth
def test_members_of_names() -> None:
    nom = release("3.58.0")
    seen: Counter[str] = Counter()
    for row in json_lines("names/alleles.jsonl.gz"):
        text, kind = row["in"], row["kind"]
        if kind in ("other_locus", "edge", "G_group") or parse_locus(text) not in GENES:
            continue
        expected = bare(row["redux"]["W"])
        try:
            ours = nom.members(text)
        except UnknownNameError:
            assert all(item.endswith("N") for item in expected)
            seen["only nulls"] += 1
            continue
        # py-ard adds the nulls of the same digits to a name that is not null; our rule does not.
        if not parse_name(text).suffix and any(item.endswith("N") for item in expected):
            expected = {item for item in expected if not item.endswith("N")}
            seen["without its nulls"] += 1
        assert ours == expected, text
        seen["agree"] += 1
    assert seen["agree"] == 5479
    assert seen["only nulls"] == 25
    assert seen["without its nulls"] == 19


@needs_truth
def test_xx_codes() -> None:
    nom = release("3.58.0")
    seen: Counter[str] = Counter()
    for row in json_lines("names/xx.jsonl.gz"):
        text = row["in"]
        # py-ard writes two fields, here with and there without the expression letter; so compare without it.
        expected = {item.rstrip("NLSCAQ") for item in row["expand"].split("/")}
        try:
            ours = {item.rstrip("N") for member in nom.members(text) for item in [parse_name(member).two_field]}
        except UnknownNameError:
            # A broad antigen's number is not a first field: py-ard reads A*09:XX as its splits A*23:XX and A*24:XX.
            broad = {parse_name(item).first_field for item in expected}
            assert text.removesuffix(":XX") not in broad
            seen["broad"] += 1
            continue
        assert ours == expected, text
        seen["agree"] += 1
    assert seen == {"agree": 1830, "broad": 14}


@needs_truth
def test_gl_strings_reduced_to_p_groups() -> None:
    nom = release("3.58.0")
    seen: Counter[str] = Counter()

    def p_groups(position: Position, only_nulls: set[str]) -> str:
        """The P groups of a position, sorted; names that only nulls extend go to `only_nulls`."""
        found: set[str] = set()
        for name in position:
            try:
                # Allele by allele: outside any P group we would leave a cut name as it is, py-ard gives its alleles.
                found |= {p for allele in nom.members(name) for p in bare(nom.reduce(allele, "P"))}
            except UnknownNameError:
                assert nom.is_null(f"{name}N")
                only_nulls.add(str(name))
        return "/".join(sorted(found))

    for row in json_lines("names/glstrings.jsonl.gz"):
        text, expected = row["in"], row["redux"]["P"]
        if "~" in text:
            seen["phase"] += 1  # for later
            continue
        if any(genotype.count("+") > 1 for block in text.split("^") for genotype in block.split("|")):
            with pytest.raises(ValueError, match="two positions"):
                parse_phenotype(text)
            seen["too many positions"] += 1
            continue
        only_nulls: set[str] = set()
        ours = {
            locus: {frozenset(p_groups(position, only_nulls) for position in genotype) for genotype in typing.genotypes}
            for locus, typing in parse_phenotype(text).typings.items()
        }
        theirs = {
            parse_locus(block): {
                frozenset("/".join(sorted(bare(position) - only_nulls)) for position in genotype.split("+"))
                for genotype in block.split("|")
            }
            for block in expected.split("^")
        }
        # Of one gene at both positions, DRB345 says what its gene says.
        if "DRB345" in ours and "DRB345" not in theirs:
            assert ours.pop("DRB345") in ours.values()
            seen["DRB345 of one gene"] += 1
        assert ours == theirs, text
        seen["without names of nulls alone" if only_nulls else "agree"] += 1
    others = {"phase": 22, "too many positions": 14, "DRB345 of one gene": 262}
    assert seen == {"agree": 652, "without names of nulls alone": 12, **others}


# --- against Atlas --------------------------------------------------------------------------------------------------


# The codes of Atlas's tests that are in no table.
MADE_UP = MacTable("DEF\t02:01/03:01\nNUL\t01:11N/01:15N\nXYZ\t133/158\nYYY\t9999:9999\nZZZ\t04N/133/158\n")


@needs_truth
def test_groups_of_atlas_typings() -> None:
    nom = Release(existing_data_dir(), "3.33.0", MADE_UP)
    seen: Counter[str] = Counter()
    for case in engine_cases("typing_expansion"):
        locus, lookup, expected = case["locus"], case["lookup"], case["expected"]
        text = case["typing"].removeprefix("*")
        try:
            typing = parse_phenotype({locus: (text, "")}).typing(locus)
        except ValueError:
            assert expected == {"error": True}
            seen["no form"] += 1
            continue
        assert typing is not None
        position = typing.genotypes[0][0]
        (name, *_) = position
        if lookup == "alleles_of_group":
            if expected == {"error": True}:
                assert name.kind not in ("G", "P", "g")  # not a question that we ask
                seen["no group"] += 1
            else:
                assert nom.members(name) == {f"{locus}*{item}" for item in expected}
                seen[lookup] += 1
        elif text in ("02:FDYX", "01:MAC"):
            with pytest.raises(UnknownNameError, match="no code"):
                nom.members(name)
            seen["a code that we have not"] += 1
        elif text in ("01:04", "35:173", "07:491"):
            # Only nulls extend it. Atlas reads them; to us no expressed allele bears the name, and no N is written.
            with pytest.raises(UnknownNameError, match="only null alleles"):
                nom.members(name)
            seen["nulls alone"] += 1
        elif text in ("9999:YYY", "01:133/9999:9999"):
            # Atlas voids the typing; so do we by its profile. By our rules the unknown member is dropped.
            assert expected == {"error": True}
            assert unknown_members(position, nom)
            assert sorted(map(str, position))[:-1] == ["A*01:133"][: len(position) - 1]
            seen["an unknown member"] += 1
        else:
            seen[lookup] += check_groups(case, position, nom)
    assert seen == {
        "alleles_of_group": 3,
        "p_group_of_G_group": 10,
        "p_group_of_small_g": 5,
        "small_g_of": 11,
        "p_groups_matching": 4,
        "scoring_info": 10,
        "allele_groups": 5,
        "nulls alone": 3,
        "an unknown member": 2,
        "a code that we have not": 1,
        "no group": 6,
        "no form": 1,
    }


def check_groups(case: dict[str, Any], position: Position, nom: Release) -> bool:
    """Asserts what Atlas says of a typing's groups and antigens; whether it says any."""
    locus, lookup, expected = case["locus"], case["lookup"], case["expected"]

    def groups(level: Level) -> set[str]:
        """Of the expressed members; Atlas asks a null only if there is nothing else."""
        members = frozenset[str]().union(*(nom.members(name) for name in position))
        expressed = {member for member in members if not member.endswith("N")}
        found = {nom.reduce(member, level) for member in expressed or members}
        return {group.split("*")[1] for group in found if not group.endswith("N")}

    if lookup == "small_g_of":
        if case["typing"] == "1":
            assert groups("g") >= set(expected["contains"])
            assert len(groups("g")) == expected["count"] == 213
        elif case["typing"] == "01:52:01N":
            assert {nom.reduce(name, "g") for name in position} == {"A*01:52N"}  # a null keeps its N
        else:
            assert groups("g") == set(expected)
    elif lookup.startswith("p_group_of"):
        assert groups("P") == ({expected} if expected else set())
    elif lookup == "p_groups_matching":
        assert groups("P") == set(expected)
    else:
        assert lookup in ("scoring_info", "allele_groups")
        for level in LEVELS_OF_ATLAS & expected.keys():
            of_level = expected[level] if isinstance(expected[level], list) else [expected[level]]
            nulls = {name for name in of_level if name and name.endswith("N")}
            assert groups(level) == {name for name in of_level if name} - nulls, (case, level)
        if "serology_names" in expected:
            antigens = {a for name in position for a in nom.reduce(name, "serology").split("/") if a}
            assert antigens == {locus + number for number in expected["serology_names"]}
    return True


@needs_truth
def test_groups_of_atlas_alleles() -> None:
    nom = release("3.33.0")
    seen: Counter[str] = Counter()
    for case in engine_cases("test_alleles_by_category"):
        text = case["locus"] + case["allele"]
        for key, level in GROUP_KEYS.items():
            if key not in case:
                continue
            ours, theirs = nom.reduce(text, level).split("/"), f"{case['locus']}*{case[key]}"
            if level == "G" and "disagrees_with_imgt_3330" in case:
                assert theirs not in ours  # the table of Atlas is wrong there, and says so
                seen["G wrong in Atlas"] += 1
            elif text == "B*15:12" and level == "G":
                assert ours == ["B*15:12", "B*15:12:01G"]  # a cut name; Atlas knows its G group alone
                seen["G of a cut name"] += 1
            else:
                assert ours == [theirs]
                seen[level] += 1
    assert seen == {"P": 563, "G": 445, "G wrong in Atlas": 143, "G of a cut name": 1}


@needs_truth
def test_small_g_groups_of_atlas() -> None:
    nom = release("3.33.0")
    seen: Counter[str] = Counter()
    for case in engine_cases("small_g_groups"):
        if case.get("synthetic"):
            seen["synthetic"] += 1  # groups that it makes up for made-up files; ours are those of the official ones
            continue
        locus, text = case["locus"], case["small_g"]
        expected = {f"{locus}*{item}" for item in case["expected_alleles"]}
        if text in ("01:52", "04:94N"):
            # Nulls that share a G group with nothing expressed: Atlas makes them groups of their own. Ours are no
            # groups, and keep their N.
            assert {nom.reduce(allele, "g") for allele in expected} == {f"{locus}*{text.removesuffix('N')}N"}
            assert nom.members(f"{locus}*{text.removesuffix('N')}N") == expected
            seen["nulls alone"] += 1
        elif text.endswith("g"):
            assert nom.members(f"{locus}*{text}") == expected
            assert {nom.reduce(allele, "g") for allele in expected} == {f"{locus}*{text}"}
            assert nom.members(case["locus"] + "*" + case["expected_p_group"]) <= expected
            seen["agree"] += 1
        else:
            # Where all its alleles share two fields, its name has no g. Ours has: it is the P group's name with a g.
            assert nom.members(f"{locus}*{text}g") == nom.members(f"{locus}*{text}") == expected
            assert {nom.reduce(allele, "g") for allele in expected} == {f"{locus}*{text}g"}
            seen["of one name"] += 1
    assert seen == {"agree": 4, "of one name": 3, "nulls alone": 2, "synthetic": 4}


@needs_truth
def test_group_names_of_atlas() -> None:
    # Whether a haplotype's allele is named by its group: it is, if the group's name is what the reduction gives.
    nom = release("3.50.0")  # its facts are of 3.40.0
    levels: dict[str, Level] = {"G group": "G", "small g group": "g"}
    differ = []
    for case in engine_cases("hf_group_name_validity"):
        name = f"{case['locus']}*{case['name']}"
        try:
            ours = nom.reduce(name, levels[case["category"]]) == name
        except ValueError:
            ours = False
        if ours != case["expected_valid"]:
            differ.append((name, nom.reduce(name, "g")))
    # All alleles of A*01:02's P group are A*01:02: to Atlas it has no g, to us it has, like every P group.
    assert differ == [("A*01:02", "A*01:02g")]
