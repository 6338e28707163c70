"""The oracle's multiple allele codes: NMDP's table, 911 codes of py-ard and 163 of Atlas.

What: the two layouts of the file, generic and specific codes, and what is left of them in a release. Where another
program drops other members, the test says which and why. Why: a third of a registry's typings may be such codes.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from reference.mac import MacTable
from reference.match import match_locus, unknown_members
from reference.nomenclature import Release, TwoField, UnknownNameError, parse_name
from reference.phenotype import parse_phenotype
from reference.truth import engine_cases, existing_data_dir, json_lines, mac_file, needs_data, needs_truth


@cache
def macs() -> MacTable:
    return MacTable.read(mac_file())


@cache
def release(number: str) -> Release:
    return Release(existing_data_dir(), number, macs())


NUMER = '"LAST UPDATED: 2024"\nCODE\tSUBTYPE\n\nAB\t01/02\nBMMP\t01:01/01:01N\nDEF\t02:01/03:01\nNEW\t15:01\n'
ALPHA = (
    "LAST UPDATED: 2024\n*\tCODE\tSUBTYPE\n\n\tAB\t01/02\n*\tBMMP\t01:01/01:01N\n*\tDEF\t02:01/03:01\n*\tNEW\t15:01\n"
)


@pytest.mark.parametrize("text", [NUMER, ALPHA, NUMER.replace("\n", "\r\n"), NUMER + "\n"])
def test_layouts(text: str) -> None:
    table = MacTable(text)
    assert table.codes == {"AB", "BMMP", "DEF", "NEW"}
    assert table.members("BMMP") == ("01:01", "01:01N")
    assert table.members("CD") == ()


@pytest.mark.parametrize("line", ["CD", "CD\t", "C1\t01/02", "CD\tXY", "CD\t01\t02\t03"])
def test_damaged_table(line: str) -> None:
    with pytest.raises(ValueError, match="line 8"):
        MacTable(NUMER + line + "\n")


def test_generic_and_specific_codes() -> None:
    table = MacTable(NUMER)

    def expanded(text: str) -> list[str]:
        return [str(name) for name in table.expand(parse_name(text))]

    assert expanded("A*02:AB") == ["A*02:01", "A*02:02"]
    assert expanded("DPB1*104:AB") == ["DPB1*104:01", "DPB1*104:02"]
    assert expanded("A*01:BMMP") == ["A*01:01", "A*01:01N"]
    assert expanded("A*02:DEF") == expanded("A*03:DEF") == ["A*02:01", "A*03:01"]
    for unknown, why in [("A*02:CD", "no code CD"), ("A*02:BMMP", "lists no name that begins 02: it is 01:01/01:01N")]:
        with pytest.raises(ValueError, match=why):
            table.expand(parse_name(unknown))


def test_without_a_table_every_code_is_unknown() -> None:
    with pytest.raises(UnknownNameError, match="no multiple allele codes"):
        TwoField().members("A*02:AB")


def test_two_field_codes() -> None:
    nom = TwoField(MacTable(NUMER))
    assert nom.members("A*02:AB") == {"A*02:01", "A*02:02"}
    assert nom.ards("A*01:BMMP") == {"A*01:01"}
    assert nom.may_be_null("A*01:BMMP")
    assert not nom.is_null("A*01:BMMP")
    assert not nom.may_be_null("A*02:AB")
    assert nom.reduce("A*02:DEF", "ard") == "A*02:01/A*03:01"
    assert nom.meaning("A*02:NEW").new  # NEW is no code, whatever the table says
    with pytest.raises(UnknownNameError, match="no code GFJM"):
        nom.members("A*02:GFJM")


@needs_data
def test_members_that_a_release_lacks() -> None:
    nom = release("3.58.0")
    assert len(macs().codes) == 12520
    # A*01:AD is 01:01 and 01:04, of which there are only nulls.
    assert nom.meaning("A*01:AD").dropped == (
        "A*01:04 at locus A: release 3.58.0 has only null alleles of this name; write A*01:04N",
    )
    assert nom.members("A*01:AD") == nom.members("A*01:01")
    with pytest.raises(UnknownNameError, match=r"A\*99:AB at locus A: of A\*99:01/A\*99:02, release 3\.58\.0 has none"):
        nom.members("A*99:AB")
    # A member of an old name is carried like any name: B*07:44 is now B*07:44N.
    assert "B*07:44N" in nom.members("B*07:RBBC")
    assert nom.meaning("B*07:RBBC").warnings == ("B*07:44 at locus B is now B*07:44N",)
    # An unknown code in a string is dropped as any unknown name is, unless by Atlas's rules.
    patient, donor = parse_phenotype("A*01:AD/A*01:QQQQ+A*02:01"), parse_phenotype("A*01:01+A*02:01")
    (position, _), *_ = patient.typings["A"].genotypes
    assert len(unknown_members(position, nom)) == 2
    assert match_locus(patient.typing("A"), donor.typing("A"), nom).greatest == 0
    with pytest.raises(ValueError, match="QQQQ"):
        match_locus(patient.typing("A"), donor.typing("A"), nom, profile="atlas")


def bare(text: str) -> set[str]:
    return {item.removeprefix("HLA-") for item in text.split("/") if item}


@needs_truth
def test_codes_of_py_ard() -> None:
    nom = release("3.58.0")
    seen: Counter[str] = Counter()
    for row in json_lines("names/macs.jsonl.gz"):
        if row["kind"] != "mac":
            continue
        assert "/".join(macs().members(row["code"])) == row["subtypes"]
        names = [str(name) for name in macs().expand(parse_name(row["in"]))]
        theirs = bare(row["expand"])
        dropped = {name for name in names if unknown(name, nom)}
        ours = set(names) - dropped
        for name in ours - theirs:
            # It takes only names that the release lists as such, or lists with more fields and without a suffix.
            seen["carried" if nom.meaning(name).warnings else "a suffix cut or left out"] += 1
            assert nom.meaning(name).warnings or all(a[-1] in "NLSCAQ" for a in nom.members(name)), name
        for name in theirs - ours:
            assert nom.is_null(name + "N")  # it reads a name that only nulls extend
            seen["nulls alone"] += 1
        if not ours:
            with pytest.raises(UnknownNameError, match="has none"):
                nom.members(row["in"])
            seen["nothing known"] += 1
            continue
        assert len(nom.meaning(row["in"]).dropped) == len([name for name in names if name in dropped])
        if ours != theirs:
            seen["other members"] += 1
            continue
        assert bare(nom.reduce(row["in"], "P")) == bare(row["redux"]["P"])
        seen["agree"] += 1
    assert seen == {
        "agree": 772,
        "carried": 49,
        "a suffix cut or left out": 72,
        "nulls alone": 22,
        "other members": 113,
        "nothing known": 15,
    }


def unknown(name: str, nom: Release) -> bool:
    try:
        nom.members(name)
    except UnknownNameError:
        return True
    return False


@needs_truth
def test_edges_of_py_ard() -> None:
    nom = release("3.58.0")
    seen = {}
    for row in json_lines("names/macs.jsonl.gz"):
        if row["kind"] != "mac_edge":
            continue
        try:
            positions = [p for t in parse_phenotype(row["in"]).typings.values() for g in t.genotypes for p in g]
            for position in positions:
                for name in position:
                    nom.members(name)
            ours = True
        except ValueError:
            ours = False
        theirs = isinstance(row["redux"]["G"], str)
        if ours != theirs:
            seen[row["in"]] = ours
    # Lower case is read by us; `A*01:01:AB` is cut by it to `A*01:01`, and malformed to us.
    assert seen == {"A*01:ab": True, "A*01:01:AB": False}


@needs_truth
def test_codes_of_atlas() -> None:
    seen: Counter[str] = Counter()
    for case in engine_cases("mac_expansion"):
        code, definition = case["mac"].strip("()").upper(), case["definition"]
        if "expected" in case:
            table = MacTable(f"{code if len(code) < 7 else 'CODE'}\t{definition}\n")
            first = case["first_field"] or case["expected"][0].split(":")[0]
            (letters,) = table.codes
            ours = [str(name) for name in table.expand(parse_name(f"DPB1*{first}:{letters}"))]
            assert ours == [f"DPB1*{item}" for item in case["expected"]]
            seen["made up"] += 1
        elif code in macs().codes:
            assert "/".join(macs().members(code)) == definition
            assert case["generic"] == (":" not in definition)
            seen["real"] += 1
        else:
            seen["not in the subset"] += 1
    assert seen == {"made up": 9, "real": 154}
