"""Details of one patient against a column of donors: pairs a second; beside it, one pair after another.

What: `match_table` over the drawn donors, at the five loci of 10/10, for the first patients; and over as many pairs, each
donor with a patient of its own. Invariants: texts go in as plain strings, and all columns are made before the clock stops. The
baseline is `allomatch.match` in a loop over few of the pairs, as a program would without columns. `distinct_typings`
says how much repeats: a text is read once, and a pair of typings compared once.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

import allomatch as am
from allomatch import Nomenclature
from benchmarks.conftest import Settings
from benchmarks.measuring import Clock

LOCI = ("A", "B", "C", "DRB1", "DQB1")
FEW = 300


def _typed(donors: pa.Table) -> pa.Table:
    return donors.select([f"{locus}_{position}" for locus in LOCI for position in (1, 2)])


def _distinct(donors: pa.Table) -> int:
    """Distinct pairs of position texts, over the loci."""
    count = 0
    for locus in LOCI:
        keys = [f"{locus}_1", f"{locus}_2"]
        count += donors.select(keys).group_by(keys).aggregate([]).num_rows
    return count


def _report(benchmark: Any, clock: Clock, engine: str, pairs: int, about: dict[str, Any], **more: Any) -> None:
    summary = clock.summary()
    median = summary["median_s"]
    assert median is not None
    benchmark.extra_info.update(
        {
            "work": "detail",
            "engine": engine,
            "pairs": pairs,
            "pairs_per_s": round(pairs / median),
            **more,
            **about,
            **summary,
        }
    )


@pytest.mark.parametrize("shape", ["one patient", "pairs"])
def test_allomatch(
    benchmark: Any,
    shape: str,
    donors: pa.Table,
    patients: list[str],
    nomenclature: Nomenclature,
    settings: Settings,
    about: dict[str, Any],
) -> None:
    typed = _typed(donors)
    # Other donors are patients as mixed as there are.
    patient: Any = patients[0] if shape == "one patient" else pa.concat_tables([typed.slice(1), typed.slice(0, 1)])
    clock = Clock()
    benchmark.group = "detail"

    def call() -> object:
        return am.match_table(patient, typed, nomenclature, LOCI, threads=settings.threads)

    call()
    benchmark.pedantic(clock.timed(call), rounds=settings.rounds)
    _report(benchmark, clock, f"allomatch, {shape}", typed.num_rows, about, distinct_typings=_distinct(typed))


def _people(donors: pa.Table) -> list[dict[str, tuple[str, str]]]:
    return [
        {locus: (row[f"{locus}_1"] or "", row[f"{locus}_2"] or "") for locus in LOCI if row[f"{locus}_1"]}
        for row in _typed(donors).slice(0, FEW).to_pylist()
    ]


def test_one_after_another(
    benchmark: Any, donors: pa.Table, patients: list[str], nomenclature: Nomenclature, about: dict[str, Any]
) -> None:
    people = [am.Phenotype(person) for person in _people(donors)]
    patient = am.Phenotype(patients[0])
    clock = Clock()
    benchmark.group = "detail"

    def call() -> object:
        return [am.match(patient, donor, nomenclature, LOCI) for donor in people]

    benchmark.pedantic(clock.timed(call), rounds=3)
    _report(benchmark, clock, "allomatch, match in a loop", len(people), about)
