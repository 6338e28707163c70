"""Searches with options (filters, doses, cord units, loci reported) list what the oracle's definition lists.

What: random small registries whose donors share few phenotypes, with attributes that are often not known; random filters,
written as text in many ways and as Arrow expressions; requests with any options together. Why: a filter is run on the
rows of the hits only, in blocks, by threads, after the walk; counts, pages and further loci follow from what it leaves.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allomatch as am
import reference.search
from allomatch.cord import CORD_PRESETS
from reference.filter import SIGNS, And, Attributes, Compare, Filter, IsNull, Not, OneOf, Or, Value, truth
from reference.nomenclature import TwoField
from reference.phenotype import parse_phenotype
from strategies import Chooser, Drawn, Seeded
from test_oracle_search import MEMORY

# Attribute -> values that donors have, of which filters name these and others. Totals have digits that float32 rounds.
VALUES: dict[str, list[Value]] = {
    "birth_year": [1900, 1979, 1985, 1990, 2100],
    "sex": ["F", "M"],
    "cmv": ["P", "N", "é's"],
    "abo": ["A", "B", "AB", "O"],
    "rh": ["P", "N"],
    "ion": [1000, 4987, 9999],
    "ethnicity": ["CAU", "AFA/HIS", 'the "other"'],
    "donor_type": ["cord", "CBU", "c", "Cord_Blood-unit", "adult", "D"],
    "status": ["available", "reserved", "RESERVED"],
    "tnc_e7": [0, 30, 75.6, 100.1, 150.3, 999999.9],
    "cd34_e6": [0.1, 2.5, 3.3, 7],
}
OTHER_VALUES: dict[str, list[Value]] = {
    "birth_year": [1985.5, -5, 1e6], "ion": [4986.5], "cmv": ["U"], "status": ["x"], "tnc_e7": [75.5, 1e-9],
    "cd34_e6": [2.4999], "ethnicity": ["cau"], "donor_type": ["CORD"],
}  # fmt: skip
NUMBERS = ("birth_year", "ion", "tnc_e7", "cd34_e6")
A_TYPINGS = ("A*01:01+A*02:01", "A*01:01+A*03:01", "A*01:XX+A*02:XX", "A*24:02+A*25:01")
B_TYPINGS = ("B*08:01+B*44:02", "B*07:02+B*44:02", "")
OTHERS = (
    "DRB1*15:01+DRB1*03:01",
    "DPB1*01:01+DPB1*02:01",
    "DPB1*03:01|DPB1*04:01+DPB1*02:01",
    "DRB1*15:01^C*07:01",
    "",
)


# ---- filters ----------------------------------------------------------------------------------------------------------------


def draw_filter(chooser: Chooser, depth: int = 4) -> Filter:
    kind = chooser.number(0, 8 if depth else 3)
    if kind > 3:
        left = draw_filter(chooser, depth - 1)
        if kind == 4:
            return Not(left)
        return (And if kind < 7 else Or)(left, draw_filter(chooser, depth - 1))
    column = chooser.pick(list(VALUES))
    pool = VALUES[column] + OTHER_VALUES.get(column, [])
    if kind == 0:
        return IsNull(column)
    if kind == 1:
        return OneOf(column, tuple(chooser.pick(pool) for _ in range(chooser.number(1, 3))))
    signs = list(SIGNS) if column in NUMBERS else ["==", "!="]
    return Compare(column, chooser.pick(signs), chooser.pick(pool))


class Writer:
    """Writes a filter as text, each time another way."""

    def __init__(self, chooser: Chooser) -> None:
        self._chooser = chooser

    def any_of(self, *ways: str) -> str:
        return self._chooser.pick(list(ways))

    def word(self, word: str) -> str:
        return self.any_of(word, word.upper(), word.capitalize())

    def value(self, value: Value) -> str:
        if isinstance(value, str):
            quote = '"' if "'" in value else "'" if '"' in value else self.any_of("'", '"')
            return quote + value + quote
        return self.any_of(repr(value), f"+{value!r}") if value >= 0 else repr(value)

    def inner(self, test: Filter, *brackets_unless: type) -> str:
        text = self.text(test)
        if not isinstance(test, brackets_unless) or self._chooser.number(0, 3) == 0:
            return f"({text})"
        return text

    def text(self, test: Filter) -> str:
        gap = self.any_of(" ", "  ", "\n\t ")
        match test:
            case IsNull(column):
                return self.any_of(f"{column} {self.word('is')}{gap}{self.word('null')}", f"{column}.isna()")
            case Compare(column, sign, value):
                return column + self.any_of("", " ") + sign + self.any_of("", " ") + self.value(value)
            case OneOf(column, values):
                left, right = self._chooser.pick([("(", ")"), ("[", "]"), ("( ", ",)")])
                return f"{column} {self.word('in')}{left}{self.any_of(',', ' , ').join(map(self.value, values))}{right}"
            case Not(IsNull(column)) if self._chooser.number(0, 1):
                return self.any_of(f"{column} is {self.word('not')} null", f"{column}.notna()")
            case Not(OneOf(column, values)) if self._chooser.number(0, 1):
                return f"{column} {self.word('not')} in ({', '.join(map(self.value, values))})"
            case Not(inner):
                return self.word("not") + gap + self.inner(inner, Compare, OneOf, IsNull, Not)
            case And(left, right):
                leaves = (Compare, OneOf, IsNull, Not)
                return f"{self.inner(left, *leaves, And)} {self.word('and')}{gap}{self.inner(right, *leaves)}"
            case Or(left, right):
                leaves = (Compare, OneOf, IsNull, Not, And)
                return f"{self.inner(left, *leaves, Or)} {self.word('or')}{gap}{self.inner(right, *leaves)}"


def arrow_expression(test: Filter) -> pc.Expression:
    """The same as an Arrow expression. Arrow's `is_in` calls null false, so null has to be said."""

    def scalar(column: str, value: Value) -> pa.Scalar:
        return pa.scalar(value, pa.float32()) if column in ("tnc_e7", "cd34_e6") else pa.scalar(value)

    match test:
        case IsNull(column):
            return pc.field(column).is_null()
        case Compare(column, sign, value):
            return SIGNS[sign](pc.field(column), pc.scalar(scalar(column, value)))
        case OneOf(column, values):
            expression = pc.field(column) == pc.scalar(scalar(column, values[0]))
            for value in values[1:]:
                expression |= pc.field(column) == pc.scalar(scalar(column, value))
            return expression
        case Not(inner):
            return ~arrow_expression(inner)
        case And(left, right):
            return arrow_expression(left) & arrow_expression(right)
        case Or(left, right):
            return arrow_expression(left) | arrow_expression(right)


# ---- registries and requests ------------------------------------------------------------------------------------------------


def draw_attributes(chooser: Chooser, names: list[str]) -> dict[str, Value | None]:
    return {name: chooser.pick([None, *VALUES[name], *VALUES[name]]) for name in names}


def draw_donors(chooser: Chooser) -> dict[str, tuple[str, Attributes]]:
    """Donor id -> GL string and attributes. An attribute may be unknown for all of them."""
    names = [name for name in VALUES if name == "donor_type" or chooser.number(0, 3)]
    assigned = Seeded(chooser.number(0, 10_000))
    donors = {}
    for number in range(chooser.number(0, 40)):
        parts = [assigned.pick(list(A_TYPINGS)), assigned.pick(list(B_TYPINGS)), assigned.pick(list(OTHERS))]
        donors[f"D{number}"] = ("^".join(filter(None, parts)), draw_attributes(assigned, names))
    return donors


def build(folder: Path, donors: dict[str, tuple[str, Attributes]]) -> am.Registry:
    columns: dict[str, Any] = {
        "donor_id": pa.array(list(donors), pa.string()),
        "gl": pa.array([gl for gl, _ in donors.values()], pa.string()),
    }
    for name in VALUES:
        kind = pa.float64() if name in NUMBERS else pa.string()
        columns[name] = pa.array([attributes.get(name) for _, attributes in donors.values()], kind)
    registry, report = am.Registry.build(folder / "donors.allo", pa.table(columns))
    assert report.rejected == 0
    return registry


def draw_request(chooser: Chooser) -> dict[str, Any]:
    loci = chooser.pick([["A"], ["A", "B"], ["DRB1", "A"], ["A", "B", "C", "DRB1"], "cord 6/6", "cord 8/8"])
    patient = [chooser.pick(list(A_TYPINGS)), chooser.pick(list(B_TYPINGS)), chooser.pick(list(OTHERS))]
    named = CORD_PRESETS[loci].loci if isinstance(loci, str) else loci
    report: Any = chooser.pick(["all", "all", "searched", [], ["DPB1"], ["DPB1", "A", "C", "DPB1"]])
    gl = "^".join(filter(None, patient))
    typed = [part.split("*")[0] for part in gl.split("^")]
    wanted = (
        sorted(typed, key=am.nomenclature.LOCI.index) if report == "all" else [] if report == "searched" else report
    )
    least = {
        name: chooser.pick(["0.1", "2.5", "2.52", "5"]) for name in ("tnc_e7", "cd34_e6") if chooser.number(0, 3) == 3
    }
    level: Any = chooser.pick([None, None, None, "ard", "allele", "antigen", {"A": "antigen"}, {"a": "ard"}])
    levels = dict.fromkeys(("A", "B"), "antigen") if loci == "cord 6/6" else {}
    levels |= (
        dict.fromkeys(named, level) if isinstance(level, str) else {at.upper(): k for at, k in (level or {}).items()}
    )
    return {
        "patient": gl,
        "level": level,
        "levels": levels,
        "loci": loci,
        "named": list(named),
        "max_mismatches": chooser.number(0, 2) if isinstance(loci, list) else chooser.pick([None, 0, 1, 2]),
        "direction": chooser.pick(["both", "gvh", "hvg"]),
        "report": report,
        "reported": list(dict.fromkeys(locus for locus in wanted if locus not in named)),
        "weight": chooser.pick(["3", "30", "30.5", "70"]) if least or chooser.number(0, 1) else None,
        "least": least,
    }


def expected(donors: dict[str, tuple[str, Attributes]], request: dict[str, Any], where: Filter | None) -> list[Any]:
    cord = isinstance(request["loci"], str)
    budget = request["max_mismatches"]
    if budget is None:
        budget = {"cord 6/6": 2, "cord 8/8": 4}[request["loci"]]
    hits = reference.search.search(
        parse_phenotype(request["patient"]),
        {donor_id: parse_phenotype(gl) for donor_id, (gl, _) in donors.items()},
        TwoField(),
        request["named"],
        budget,
        direction=request["direction"],
        attributes={donor_id: attributes for donor_id, (_, attributes) in donors.items()},
        where=where,
        cord_only=cord,
        weight_kg=request["weight"] or "1",
        least_per_kg=request["least"],
        report=request["reported"],
        levels=request["levels"],
    )
    listed = [
        [
            hit.donor_id,
            hit.match.total.least,
            hit.match.total.greatest,
            *([c.least, c.greatest] for c in [*hit.match.loci.values(), *hit.reported.values()]),
        ]
        for hit in hits
    ]
    return [[sum(hit.mismatches == k for hit in hits) for k in range(budget + 1)], listed]


def found(registry: am.Registry, request: dict[str, Any], where: Any, **options: Any) -> tuple[am.Hits, list[Any]]:
    least = {f"min_{name}_per_kg": float(dose) for name, dose in request["least"].items()}
    hits = registry.search(
        request["patient"],
        request["loci"],
        max_mismatches=request["max_mismatches"],
        direction=request["direction"],
        level=request["level"],
        where=where,
        report=request["report"],
        patient_weight_kg=None if request["weight"] is None else float(request["weight"]),
        **least,
        **options,
    )
    loci = (*hits.loci, *hits.reported)
    counts = [np.column_stack([hits.locus_count(locus, name) for name in ("mismatches", "greatest")]) for locus in loci]
    listed = [
        [donor_id, int(hits.mismatches[i]), int(hits.greatest[i]), *(each[i].tolist() for each in counts)]
        for i, donor_id in enumerate(hits.donor_ids.to_pylist())
    ]
    return hits, [list(hits.counts.values()), listed]


# ---- tests ------------------------------------------------------------------------------------------------------------------


@st.composite
def cases(draw: st.DrawFn) -> tuple[Any, ...]:
    chooser = Drawn(draw)
    where = draw_filter(chooser) if chooser.number(0, 5) else None
    return draw_donors(chooser), draw_request(chooser), where, where and Writer(chooser).text(where)


@settings(max_examples=300)
@given(cases())
def test_options(case: tuple[Any, ...]) -> None:
    donors, request, where, text = case
    answer = expected(donors, request, where)
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        registry = build(Path(folder), donors)
    types = [attributes.get("donor_type") for _, attributes in donors.values()]
    if isinstance(request["loci"], str) and donors and not any(types):
        with pytest.raises(am.ArgumentError, match="donor_type"):  # cord units cannot be told from others
            found(registry, request, text)
        return
    hits, listed = found(registry, request, text)
    assert listed == answer, (text, request)
    assert hits.total == len(listed[1])
    assert list(hits.loci) == request["named"]
    assert list(hits.reported) == request["reported"]
    assert hits.levels == {locus: request["levels"].get(locus, "ard") for locus in hits.loci}
    for threads, page in ((1, 2), (2, 5)):
        for offset in range(0, hits.total + page, page):
            some, part = found(registry, request, text, threads=threads, limit=page, offset=offset)
            assert (some.total, part[0], part[1]) == (hits.total, answer[0], answer[1][offset : offset + page])
    if where is not None:
        assert found(registry, request, arrow_expression(where))[1] == answer
    check_columns(hits, donors, request)


def check_columns(hits: am.Hits, donors: dict[str, tuple[str, Attributes]], request: dict[str, Any]) -> None:
    """The table and the explanations say the same as the counts, and doses per kg."""
    table = hits.to_arrow()
    assert len(table) == len(hits)
    doses = [name for name in table.column_names if name.endswith("_per_kg")]
    for name in doses:
        total = name.removesuffix("_per_kg")
        for donor_id, dose in zip(table["donor_id"].to_pylist(), table[name].to_pylist(), strict=True):
            known = donors[donor_id][1].get(total)
            weight = float(request["weight"])
            assert dose == (None if known is None else pytest.approx(float(known) / weight, rel=1e-6))
    if request["weight"] is None:
        assert not doses
    for row, hit in zip(table.slice(0, 3).to_pylist(), hits, strict=False):
        assert [each.locus for each in hit.reported] == request["reported"]
        assert [each.level for each in hit.match.loci] == list(hits.levels.values())
        for each in (*hit.match.loci, *hit.reported):
            assert row[f"mismatches_{each.locus}"] == each.mismatches
            assert row[f"greatest_{each.locus}"] == each.greatest
        assert row["mismatches"] == hit.match.mismatches
        assert {name: row[name] for name in doses} == hit.doses
        assert ("not searched:" in hit.explain()) == bool(request["reported"])


def test_the_drawn_cases_are_worth_running() -> None:
    """Chance could leave out what they are for: filters that let some of the matching donors pass, and all the options."""
    some = every = doses = cord = reported = 0
    for seed in range(300):
        chooser = Seeded(seed)
        donors, request, where = draw_donors(chooser), draw_request(chooser), draw_filter(chooser)
        passing = sum(truth(where, attributes) is True for _, attributes in donors.values())
        some += 0 < passing < len(donors)
        every += passing == len(donors) > 0
        hits = len(expected(donors, request, where)[1])
        doses += bool(request["least"]) and hits > 0
        cord += isinstance(request["loci"], str) and hits > 0
        reported += bool(request["reported"]) and hits > 0
    assert some > 120
    assert min(every, doses, cord, reported) > 5


def test_rows_of_many_blocks(tmp_path: Path) -> None:
    """More rows than a piece that a thread takes and than a block that is tested at once, all of few phenotypes."""
    donors = 200_000
    chance = np.random.default_rng(5)
    year = chance.integers(1950, 2005, donors)
    sex = chance.integers(0, 3, donors)
    typing = chance.integers(0, len(A_TYPINGS), donors)
    ids = np.array([f"R{i:07}" for i in chance.permutation(donors)])
    table = pa.table(
        {
            "donor_id": ids,
            "gl": pa.DictionaryArray.from_arrays(pa.array(typing.astype(np.int32)), pa.array(A_TYPINGS)),
            "birth_year": pa.array(year, mask=year < 1955),
            "sex": pa.DictionaryArray.from_arrays(pa.array(sex.astype(np.int32)), pa.array(["F", "M", None])),
        }
    )
    registry = am.Registry.build(tmp_path / "r.allo", table)[0]
    keep = (typing != 3) & ~((year >= 1990) & (sex == 1)) & (year >= 1955) & ((sex < 2) | (year < 1990))
    text = "not (birth_year >= 1990 and sex == 'M') and birth_year is not null"
    for where in (
        text,
        ~((pc.field("birth_year") >= 1990) & (pc.field("sex") == "M")) & pc.field("birth_year").is_valid(),
    ):
        for threads in (1, 2, 3):
            hits = registry.search(A_TYPINGS[0], ["A"], max_mismatches=1, where=where, threads=threads)
            assert hits.total == keep.sum()
            assert hits.counts == {0: (keep & (typing % 2 == 0)).sum(), 1: (keep & (typing == 1)).sum()}
            assert sorted(hits.donor_ids.to_pylist()) == sorted(ids[keep])
