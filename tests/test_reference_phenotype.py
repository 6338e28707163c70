"""The oracle's reading of GL strings and of pairs per locus.

What: forms that mean the same read the same, and each malformed form is an error. Why: a typing read wrongly would be
matched wrongly without a sign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from reference.nomenclature import parse_name
from reference.phenotype import Phenotype, Position, parse_phenotype


def position(*names: str) -> Position:
    return frozenset(parse_name(name) for name in names)


def genotypes(phenotype: Phenotype, locus: str) -> tuple[tuple[Position, Position], ...]:
    typing = phenotype.typing(locus)
    assert typing is not None
    assert typing.locus == locus
    return typing.genotypes


@pytest.mark.parametrize(
    "source",
    [
        "A*01:01+A*02:01",
        "HLA-A*01:01+HLA-A*02:01",
        "HLA-A*01:01+A*02:01",
        "a*01:01+hla-a*02:01",
        " A*01:01 + A*02:01 ",
        "A*01:01+02:01",
        {"A": ("01:01", "02:01")},
        {"A": ("A*01:01", "HLA-A*02:01")},
        {"HLA-A": ["A*01:01 ", " 02:01"]},
        {" a ": ("01:01", "02:01")},
        {"A": "01:01+02:01"},
        {"A": "A*01:01+A*02:01"},
    ],
)
def test_forms_of_one_genotype(source: str | Mapping[str, str | Sequence[str | None]]) -> None:
    assert genotypes(parse_phenotype(source), "A") == ((position("A*01:01"), position("A*02:01")),)


def test_gl_string_delimiters() -> None:
    found = parse_phenotype("A*01:01+A*24:02|A*01:03/A*01:04N+A*24:03^B*07:02+B*08:XX")
    assert genotypes(found, "A") == (
        (position("A*01:01"), position("A*24:02")),
        (position("A*01:03", "A*01:04N"), position("A*24:03")),
    )
    assert genotypes(found, "B") == ((position("B*07:02"), position("B*08:XX")),)
    assert set(found.typings) == {"A", "B"}
    assert found.typing("C") is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("A*01:01/A*01:02/A*01:07", ["A*01:01", "A*01:02", "A*01:07"]),
        ("A*01:01/02/07", ["A*01:01", "A*01:02", "A*01:07"]),
        ("01:01/01:02/07", ["A*01:01", "A*01:02", "A*01:07"]),
        ("02:01/105/125N", ["A*02:01", "A*02:105", "A*02:125N"]),
        ("A*01:01/A*02:05/06", ["A*01:01", "A*02:05", "A*02:06"]),  # short: locus and first field of the item before
        ("A*01:01:01/02", ["A*01:01:01", "A*01:02"]),
        ("A*01:01P/02P", ["A*01:01P", "A*01:02P"]),
        ("A*01:01:01G/A*02:XX", ["A*01:01:01G", "A*02:XX"]),
        (" A*01:01 / 02 ", ["A*01:01", "A*01:02"]),
        ("A*01:01/01", ["A*01:01"]),  # a set
    ],
)
def test_allele_strings(text: str, names: list[str]) -> None:
    expected = position(*names)
    assert genotypes(parse_phenotype({"A": (text, "03:01")}), "A") == ((expected, position("A*03:01")),)


def test_blank_second_position_repeats_the_first() -> None:
    for source in ({"A": ("02:XX", "")}, {"A": ("02:XX", None)}, {"A": ("02:XX",)}, {"A": ["02:XX", "  "]}):
        assert genotypes(parse_phenotype(source), "A") == ((position("A*02:XX"), position("A*02:XX")),)
    for text in ("A*02:XX", "A*02:XX+", "A*02:XX+ "):
        assert genotypes(parse_phenotype(text), "A") == ((position("A*02:XX"), position("A*02:XX")),)


def test_both_blank_is_untyped() -> None:
    for pair in (("", ""), (None, None), ("  ", ""), (), ("",)):
        assert parse_phenotype({"A": pair, "B": ("07:02", "")}).typing("A") is None
    assert parse_phenotype({"A": ""}).typing("A") is None
    assert parse_phenotype("").typings == {}
    assert parse_phenotype({}).typings == {}


@pytest.mark.parametrize(
    "source",
    [
        "A*01:01+A*02:01+A*03:01",
        "A*01:01+A*02:01^A*03:01+A*03:01",
        "A*01:01+A*02:01^HLA-A*03:01+A*03:01",
        "A*01:01+B*02:01",
        "A*01:01+A*02:01|B*01:01+B*02:01",
        "A*01:01/B*01:02+A*02:01",
        "01:01+02:01",
        "A*01:01+A*02:01^",
        "^A*01:01+A*02:01",
        "A*01:01+A*02:01|",
        "A*01:01//A*01:02+A*02:01",
        "A*01:01/+A*02:01",
        "+A*02:01",
        "+",
        "A*01:01~B*08:01+A*02:01~B*07:02",  # phase: later
        "02/A*01:01+A*02:01",
        {"A": ("01:01", "02:01", "03:01")},
        {"A": ("01:01", "02:01"), "HLA-A": ("01:01", "02:01")},
        {"A": ("01:01", "02:01"), "a": ("", "")},
        {"a": ("", ""), "A": ("01:01", "02:01")},
        {"A": ("", "", "")},
        {"A": ("", "02:01")},
        {"A": (None, "02:01")},
        {"A": ("B*07:02", "")},
        {"A": ("01:01+02:01", "")},
        {"A": ("01:01|02:01", "")},
        {"A": ("01:01^02:01", "")},
        {"X": ("01:01", "")},
        {"DRB345": ("DRB3*01:01", "")},
        {"A": ("02:GFJM", "")},  # MAC: later
        {"A": ("2", "")},  # serology: later
        {"A": ("NEW", "")},  # later
    ],
)
def test_malformed_typings(source: str | Mapping[str, str | Sequence[str | None]]) -> None:
    with pytest.raises(ValueError, match=r"locus|loci"):
        parse_phenotype(source)
