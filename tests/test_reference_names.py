"""The oracle's reading of one name, form by form, and how it is written back.

What: `parse_name` on every form of SEMANTICS section 1, on what is malformed, and on Atlas's and py-ard's own lists of
what is a form and what is none. Why: reading needs no data, so that a name read wrongly is never noticed later.
"""

from __future__ import annotations

from collections import Counter

import pytest

from reference.names import LOCI, Kind, Name, find_locus, parse_name
from reference.phenotype import parse_phenotype
from reference.truth import engine_cases, json_lines, needs_truth


@pytest.mark.parametrize(
    ("text", "locus", "expected"),
    [
        ("A*02:01", None, Name("A", ("02", "01"), "allele")),
        ("HLA-A*02:01", None, Name("A", ("02", "01"), "allele")),
        ("02:01", "A", Name("A", ("02", "01"), "allele")),
        ("  hla-a*02:01:01:02l ", "A", Name("A", ("02", "01", "01", "02"), "allele", "L")),
        ("dpb1*1728:01n", None, Name("DPB1", ("1728", "01"), "allele", "N")),
        ("Cw*07:02", None, Name("C", ("07", "02"), "allele")),
        ("A*02:01:01G", None, Name("A", ("02", "01", "01"), "G")),
        ("a*02:01:01g", None, Name("A", ("02", "01", "01"), "G")),
        ("A*02:01P", None, Name("A", ("02", "01"), "P")),
        ("02:01p", "A", Name("A", ("02", "01"), "P")),
        ("A*02:01g", None, Name("A", ("02", "01"), "g")),
        ("A*02:01G", None, Name("A", ("02", "01"), "g")),
        ("02:01g", "A", Name("A", ("02", "01"), "g")),
        ("A*02:XX", None, Name("A", ("02",), "XX")),
        ("02:xx", "A", Name("A", ("02",), "XX")),
        # Multiple allele codes, and codes as they were written before April 2010.
        ("A*02:GFJM", None, Name("A", ("02", "GFJM"), "MAC")),
        ("a*02:gfjm", None, Name("A", ("02", "GFJM"), "MAC")),
        ("DPB1*104:AB", None, Name("DPB1", ("104", "AB"), "MAC")),
        ("A*02:ABCDEF", None, Name("A", ("02", "ABCDEF"), "MAC")),
        ("A*02GFJM", None, Name("A", ("02", "GFJM"), "MAC")),
        ("02GFJM", "A", Name("A", ("02", "GFJM"), "MAC")),
        ("A*02XX", None, Name("A", ("02",), "XX")),
        ("Cw*03XX", None, Name("C", ("03",), "XX")),
        ("A*02:XXN", None, Name("A", ("02", "XXN"), "MAC")),
        # Not yet named.
        ("A*02:NEW", None, Name("A", ("02",), "NEW")),
        ("A*02NEW", None, Name("A", ("02",), "NEW")),
        ("a*new", None, Name("A", (), "NEW")),
        ("NEW", "DPB1", Name("DPB1", (), "NEW")),
        ("02:new", "A", Name("A", ("02",), "NEW")),
        # Antigens.
        ("A2", None, Name("A", ("2",), "serology")),
        ("HLA-A2", None, Name("A", ("2",), "serology")),
        ("b44", None, Name("B", ("44",), "serology")),
        ("Cw3", None, Name("C", ("3",), "serology")),
        ("C3", None, Name("C", ("3",), "serology")),
        ("CW10", "C", Name("C", ("10",), "serology")),
        ("DR4", None, Name("DRB1", ("4",), "serology")),
        ("DR103", None, Name("DRB1", ("103",), "serology")),
        ("DR51", None, Name("DRB5", ("51",), "serology")),
        ("DR52", None, Name("DRB3", ("52",), "serology")),
        ("DR53", None, Name("DRB4", ("53",), "serology")),
        ("DQ7", None, Name("DQB1", ("7",), "serology")),
        ("A23(9)", None, Name("A", ("23",), "serology")),
        ("DR11(5)", None, Name("DRB1", ("11",), "serology")),
        ("2", "A", Name("A", ("2",), "serology")),
        ("23(9)", "A", Name("A", ("23",), "serology")),
        ("52", "DRB3", Name("DRB3", ("52",), "serology")),
        ("52", "DRB345", Name("DRB3", ("52",), "serology")),
        # Four digits are an antigen where WHO has one, and a name of before 2010 elsewhere.
        ("A2403", None, Name("A", ("2403",), "serology")),
        ("2403", "A", Name("A", ("2403",), "serology")),
        ("A*2403", None, Name("A", ("2403",), "V2")),
        ("B2403", None, Name("B", ("2403",), "V2")),
        ("DR1404", None, Name("DRB1", ("1404",), "serology")),
        ("DRB11404", None, Name("DRB1", ("1404",), "V2")),
        ("B1501", None, Name("B", ("1501",), "V2")),
        ("1501", "B", Name("B", ("1501",), "V2")),
        ("A*0201", None, Name("A", ("0201",), "V2")),
        ("A0201", None, Name("A", ("0201",), "V2")),
        ("0201", "A", Name("A", ("0201",), "V2")),
        ("DRB10401", None, Name("DRB1", ("0401",), "V2")),
        ("Cw*0702", None, Name("C", ("0702",), "V2")),
        ("Cw0702", "C", Name("C", ("0702",), "V2")),
        ("A*24020102l", None, Name("A", ("24020102",), "V2", "L")),
        ("A*02011", None, Name("A", ("02011",), "V2")),
        # DRB3, DRB4 and DRB5 together.
        ("DRBX*NNNN", None, Name("DRB345", (), "absent")),
        ("drbx*ne", None, Name("DRB345", (), "absent")),
        ("DRB345*NNNN", None, Name("DRB345", (), "absent")),
        ("DRB3*NNNN", None, Name("DRB3", (), "absent")),
        ("DRB3*NNNN", "DRB345", Name("DRB345", (), "absent")),
        ("NNNN", None, Name("DRB345", (), "absent")),
        ("DPw4", None, Name("DPB1", ("4",), "serology")),
        ("4", "DPB1", Name("DPB1", ("4",), "serology")),
        ("NNNN", "DRB345", Name("DRB345", (), "absent")),
        ("HLA-DRB4*01:03", "DRB345", Name("DRB4", ("01", "03"), "allele")),
        ("DRB5*01:XX", "DRB345", Name("DRB5", ("01",), "XX")),
        ("DRBX*NEW", "DRB345", Name("DRB345", (), "NEW")),
    ],
)
def test_name_forms(text: str, locus: str | None, expected: Name) -> None:
    assert parse_name(text, locus) == expected
    assert parse_name(str(expected), expected.locus) == expected


@pytest.mark.parametrize(
    ("text", "locus"),
    [
        ("", None),
        ("", "A"),
        ("02:01", None),
        ("2", None),
        ("NEW", None),
        ("HLA-NNNN", None),
        ("A*", None),
        ("A*02", None),
        ("A*2", None),
        ("A*2:1", None),
        ("A*002:01", None),
        ("A*00:01", None),
        ("A*02:00", None),
        ("A*02:01:01:01:01", None),
        ("A*02:01:", None),
        ("A*02::01", None),
        ("A*02:01X", None),
        ("A*02:01NN", None),
        ("A*02:01:01:01G", None),
        ("A*02:01:01P", None),
        ("A*02:01:XX", None),
        ("A*02:A", None),
        ("A*02:ABCDEFG", None),
        ("A*002GFJM", None),
        ("A*02:01:GFJM", None),
        ("A* 02:01", None),
        ("A*02:01\nA*03:01", None),
        ("A02:01", None),
        ("A02:01", "A"),
        ("B*07:02", "A"),
        ("B7", "A"),
        ("DR52", "DRB1"),
        ("52", "DRB1"),
        ("4", "DRB3"),
        ("52", "DRB4"),
        ("HLA-02:01", "A"),
        ("HLA-2", "A"),
        ("HLA-NEW", "A"),
        ("*02:01", "A"),
        ("E*01:01", None),
        ("E1", None),
        ("DQA1*1", None),
        ("1", "DQA1"),
        ("A02", "A"),
        ("02", "A"),
        ("A23(9", None),
        ("A23()9", None),
        ("A*23(9)", None),
        ("A02(9)", None),
        ("A*020", None),
        ("A*020101011", None),
        ("A*0201X", None),
        ("A*NNNN", None),
        ("A*NE", None),
        ("NNNN", "DRB1"),
        ("DRBX*01:01", None),
        ("DRBX*0101", None),
        ("01:01", "DRB345"),
        ("DRB1*03:01", "DRB345"),
        ("DR4", "DRB345"),
        ("DRBX*NNNN", "DRB3"),
        ("DRB4*01:01", "DRB3"),
        ("A*UUUU", None),
        ("Bw4", None),
    ],
)
def test_malformed_names(text: str, locus: str | None) -> None:
    with pytest.raises(ValueError, match=r"malformed|locus|loci"):
        parse_name(text, locus)


@pytest.mark.parametrize(
    "text",
    ["A*02:01", "A*24:02:01:02L", "A*01:01:01G", "DPB1*04:01P", "DRB1*13:XX", "A*02:01g", "A*02:GFJM", "A*02:NEW"],
)
def test_name_is_written_as_read(text: str) -> None:
    assert str(parse_name(text.lower())) == text


@pytest.mark.parametrize("text", ["A*NEW", "A2", "Cw3", "DR52", "DRBX*NNNN", "DRB3*NNNN", "C*0702", "A*2402L"])
def test_other_name_is_written_as_read(text: str) -> None:
    assert str(parse_name(text.lower())) == text


def test_loci_by_name() -> None:
    assert [find_locus(text) for text in ("cw", "DRBX", "drb3/4/5", "DRB345", " dqb1 ")] == [
        "C",
        "DRB345",
        "DRB345",
        "DRB345",
        "DQB1",
    ]
    assert len(LOCI) == 12
    with pytest.raises(ValueError, match="not one of the loci"):
        find_locus("DRB6")


# --- against others -------------------------------------------------------------------------------------------------

KIND_OF_CATEGORY: dict[str, Kind] = {
    "Allele": "allele",
    "GGroup": "G",
    "PGroup": "P",
    "SmallGGroup": "g",
    "XxCode": "XX",
    "NmdpCode": "MAC",
    "Serology": "serology",
}


@needs_truth
def test_categories_of_atlas() -> None:
    seen: Counter[str] = Counter()
    for case in engine_cases("typing_category"):
        text, category = case["typing"].removeprefix("*"), case["expected_category"]
        try:
            typing = parse_phenotype({"A": (text, "")}).typing("A")
        except ValueError:
            assert category is None, text
            seen["refused by both"] += 1
            continue
        assert typing is not None
        names = typing.genotypes[0][0]
        (kind, *others) = {name.kind for name in names}
        if category is None:
            # It allows short items after two fields alone, no XX code in a string, and no star before an antigen; our
            # strings are unions of any items, and the star is Atlas's own, removed here.
            assert text in ("01:01:01/02", "01:01/02:XX", "1")
            seen["read by us alone"] += 1
        elif text == "9999":
            assert kind == "V2"  # four digits that are no WHO antigen are a name of before 2010
            seen["V2"] += 1
        else:
            assert not others
            assert kind == KIND_OF_CATEGORY.get(category, "allele")  # its allele strings are several alleles
            assert (len(names) > 1) == category.startswith("AlleleString")
            seen["agree"] += 1
    assert seen == {"agree": 30, "read by us alone": 3, "V2": 1, "refused by both": 14}


@needs_truth
def test_forms_of_py_ard() -> None:
    # Its checks of whether a name is of before 2010; whether names exist is asked in test_reference_nomenclature.py.
    seen: Counter[str] = Counter()
    for row in json_lines("names/misc.jsonl.gz"):
        if row["call"] != "is_v2":
            continue
        if row["in"] == "MICA*002":
            assert not row["out"]  # no locus of ours
            continue
        name = parse_name(row["in"])
        assert name.kind in ("V2", "MAC")
        # It asks the release too: for an odd number of digits, and for a code that its table lacks, it says no.
        seen["agree" if row["out"] else f"only we: {name.kind}"] += 1
    assert seen == {"agree": 8, "only we: V2": 3, "only we: MAC": 1}
