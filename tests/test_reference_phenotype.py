"""The oracle's reading of GL strings and of pairs per locus.

What: forms that mean the same read the same, and each malformed form is an error. Why: a typing read wrongly would be
matched wrongly without a sign.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest

from reference.nomenclature import parse_name
from reference.phenotype import Phenotype, Position, parse_phenotype
from reference.truth import engine_cases, needs_truth


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
        ("A*01:AB/02", ["A*01:AB", "A*01:02"]),
        ("A2/28", ["A2", "A28"]),
        ("A2/A28", ["A2", "A28"]),
        ("23(9)/24", ["A23", "A24"]),
        ("A*02:01/A2", ["A*02:01", "A2"]),
        ("A*0201/0205", ["A*0201", "A*0205"]),
        ("A*0201/05", ["A*0201", "A*0205"]),
        ("0201/0205N", ["A*0201", "A*0205N"]),
        ("A*02:NEW/02:XX", ["A*02:NEW", "A*02:XX"]),
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
        "A*01:01~B*08:01+A*02:01",  # a haplotype without B
        "A*01:01~A*08:01+A*02:01~B*07:02",
        "A*01:01~B*08:01+A*02:01~B*07:02^A*01:01",
        "A*01:01~08:01+A*02:01~07:02",
        "A*01:01~B*08:01+A*02:01~B*07:02+A*02:01~B*07:02",
        "+A*02:01~B*07:02",
        "A*01:01~+A*02:01~B*07:02",
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
        {"A": ("A*01:01~B*07:02", "")},
        {"DRB345": ("01:01", "")},
        {"DRB345": ("DRB1*03:01", "")},
        {"DRBX": ("", ""), "DRB3/4/5": ("", "")},
        {"A": ("A2/B28", "")},
        {"A": ("NNNN", "")},
        {"DRB3": ("DR51/52", "")},
    ],
)
def test_malformed_typings(source: str | Mapping[str, str | Sequence[str | None]]) -> None:
    with pytest.raises(ValueError, match=r"locus|loci"):
        parse_phenotype(source)


@pytest.mark.parametrize(
    ("part", "locus", "names"),
    [
        ("DRB3*01:01+DRB3*NNNN", "DRB3", ("DRB3*01:01", "DRB3*NNNN")),
        ("DRB3*01:01", "DRB3", ("DRB3*01:01", "DRB3*01:01")),
        ("DRB3*01:01+DRB4*01:03", "DRB345", ("DRB3*01:01", "DRB4*01:03")),
        ("DRB3*01:01+DRBX*NNNN", "DRB345", ("DRB3*01:01", "DRBX*NNNN")),
        ("DRB3*01:01+NNNN", "DRB345", ("DRB3*01:01", "DRBX*NNNN")),
        ("DRBX*NNNN+DRBX*NNNN", "DRB345", ("DRBX*NNNN", "DRBX*NNNN")),
        ("DR52+DR53", "DRB345", ("DR52", "DR53")),
        ("DR52", "DRB3", ("DR52", "DR52")),
        ("DRB3*01:01/02+DRB4*01:01", "DRB345", ("DRB3*01:01/DRB3*01:02", "DRB4*01:01")),
        ("DRB3*NNNN+DRB4*01:03", "DRB345", ("DRBX*NNNN", "DRB4*01:03")),
        ("DRB3*NNNN", "DRB3", ("DRB3*NNNN", "DRB3*NNNN")),
    ],
)
def test_genes_of_drb345(part: str, locus: str, names: tuple[str, str]) -> None:
    found = parse_phenotype(part)
    assert tuple(found.typings) == (locus,)
    assert genotypes(found, locus) == (tuple(position(*text.split("/")) for text in names),)


def test_columns_of_drb345() -> None:
    for key in ("DRB345", "drbx", "DRB3/4/5", "HLA-DRBX"):
        found = parse_phenotype({key: ("DRB3*01:01", "NNNN")})
        assert genotypes(found, "DRB345") == ((position("DRB3*01:01"), position("DRBX*NNNN")),)


def test_phase() -> None:
    found = parse_phenotype("B*08:01~A*01:01+A*02:01~B*44:02|A*01:01~B*44:02+A*02:01~B*08:01^C*07:01")
    assert found.typings.keys() == {"A", "B", "C"}
    assert genotypes(found, "A") == ((position("A*01:01"), position("A*02:01")),) * 2
    assert genotypes(found, "B") == (
        (position("B*08:01"), position("B*44:02")),
        (position("B*44:02"), position("B*08:01")),
    )
    (block,) = found.blocks
    assert block.loci == ("A", "B")
    assert found.text() == "A*01:01~B*08:01+A*02:01~B*44:02|A*01:01~B*44:02+A*02:01~B*08:01^C*07:01+C*07:01"
    # One haplotype twice; the genes of DRB3, DRB4, DRB5 on unlike haplotypes are one locus.
    assert parse_phenotype("A*01:01~B*08:01").text() == "A*01:01~B*08:01+A*01:01~B*08:01"
    merged = parse_phenotype("DRB1*03:01~DRB3*01:01+DRB1*04:01~DRB4*01:03")
    assert merged.typings.keys() == {"DRB1", "DRB345"}
    assert parse_phenotype("DRB1*03:01~DRB3*01:01+DRB1*03:01~DRB3*02:02").blocks[0].loci == ("DRB1", "DRB3")
    both = parse_phenotype("DRB3*01:01~DRB4*01:01+DRB3*02:02~DRB4*01:03")
    assert both.typings.keys() == {"DRB3", "DRB4"}


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("a*02:01+A*01:01", "A*01:01+A*02:01"),
        ("B*08:01^A*01:01/A*01:01", "A*01:01+A*01:01^B*08:01+B*08:01"),
        ("A*02:02/10/01+A*24:02", "A*02:01/A*02:02/A*02:10+A*24:02"),
        ("A*02:10/A*02:9/A*02:100", None),
        ("A*02:100/A*02:10/A*02:XX/A*02:01N/A*02:01", "A*02:XX/A*02:01/A*02:01N/A*02:10/A*02:100"),
        ("A*02:01|A*01:01+A*03:01|A*02:01", "A*01:01+A*03:01|A*02:01+A*02:01"),
        ("DRB4*01:01+DRB3*01:01", "DRB3*01:01+DRB4*01:01"),
        ("A24+A2", "A2+A24"),
        ("Cw*0702", "C*0702+C*0702"),
    ],
)
def test_canonical_text(text: str, canonical: str | None) -> None:
    if canonical is None:
        with pytest.raises(ValueError, match="malformed"):
            parse_phenotype(text)
        return
    assert parse_phenotype(text).text() == "^".join(
        part if "+" in part else f"{part}+{part}" for part in canonical.split("^")
    )
    assert parse_phenotype(canonical).text() == parse_phenotype(text).text()


# --- Atlas ----------------------------------------------------------------------------------------------------------


@needs_truth
def test_imported_loci_of_atlas() -> None:
    # DNA decides where there is any; which field was given twice, and that a lone second field is refused.
    seen: Counter[str] = Counter()
    for case in engine_cases("donor_import_locus"):
        dna, serology = ([(case[k] or {}).get(f) for f in ("field1", "field2")] for k in ("dna", "ser"))
        # Its texts are labels; here they are names that we read.
        pair = [LABELS.get(text or "") for text in (dna if any(dna) else serology)]
        first, second = (LABELS.get(text or "") for text in case["expected"])
        if first is None and second is not None:
            with pytest.raises(ValueError, match="first position is blank"):
                parse_phenotype({"A": pair})
            seen["a lone second field"] += 1
            continue
        typing = parse_phenotype({"A": pair}).typing("A")
        if first is None or second is None:
            assert typing is None
            seen["untyped"] += 1
            continue
        assert typing is not None
        assert typing.genotypes == ((position(f"A*{first}"), position(f"A*{second}")),)
        seen["agree"] += 1
    assert seen == {"agree": 39, "untyped": 20, "a lone second field": 20}


LABELS = {"*1": "01:01", "*2": "02:01", "3": "03:01", "4": "11:01", "NEW": "NEW", "*x": "24:02"}
