"""Pairs matched in detail: one patient against a column of donors, and py-hla-match beside it on the same pairs.

What: pairs a second, with grades, confidence, antigens and categories at five loci. Invariants: fully typed donors drawn from real
haplotypes, read under one release; both clocks start at the text. Columns: all donors distinct, and as a registry has them.
Why two-field names: py-hla-match reads no ambiguity; allomatch is also shown on donors of mixed resolution, alone. The two
count mismatches alike where no null allele is in play; too many unlike counts fail the benchmark.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from allomatch import Nomenclature, demo
from allomatch.match_table import match_table
from benchmarks import drawing, name_columns
from benchmarks.conftest import Settings
from benchmarks.measuring import Clock
from benchmarks.peers import py_hla_match

_ROWS = 500_000
_PEER_SECONDS = 5.0
_LEAST_AGREEMENT = 0.95
COLUMNS = ("fully typed, distinct", "fully typed", "mixed resolution")


@pytest.fixture(scope="session")
def patient(haplotypes: dict[str, demo.Haplotypes]) -> str:
    return drawing.draw_patients(haplotypes, 1)[0][0]


@pytest.fixture(scope="session")
def donor_columns(haplotypes: dict[str, demo.Haplotypes], nomenclature: Nomenclature) -> dict[str, pa.Array]:
    """GL strings of donors by the name of the column."""
    drawn = demo.draw_patients(haplotypes, _ROWS, seed=drawing.SEED + 1)["gl"].combine_chunks()
    mixed = name_columns.registry("ambiguous GL strings", nomenclature, haplotypes, _ROWS)
    return dict(zip(COLUMNS, (drawn.unique(), drawn, mixed), strict=True))


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("way", ["all threads", "one thread"])
def test_allomatch(
    benchmark: Any,
    column: str,
    way: str,
    patient: str,
    donor_columns: dict[str, pa.Array],
    nomenclature: Nomenclature,
    settings: Settings,
) -> None:
    donors = donor_columns[column]
    threads = settings.threads if way == "all threads" else 1
    clock = Clock()

    def compare() -> Any:
        return match_table(patient, donors, nomenclature, "10/10", threads=threads)

    benchmark.group = f"pairs, {column}"
    result = benchmark.pedantic(clock.timed(compare), rounds=3)
    assert result.errors.num_rows == 0, result.errors.slice(0, 5).to_pylist()
    summary = clock.summary()
    benchmark.extra_info.update(
        {
            "work": "pairs",
            "what": column,
            "engine": "allomatch",
            "way": way,
            "threads": threads,
            "rows": len(donors),
            "distinct": pc.count_distinct(donors).as_py(),
            "rate": len(donors) / float(summary["median_s"] or 1),
            "nomenclature": nomenclature.release,
            **summary,
        }
    )


def test_py_hla_match(
    benchmark: Any, patient: str, donor_columns: dict[str, pa.Array], nomenclature: Nomenclature, folder: Path
) -> None:
    pytest.importorskip("py_hla_match", reason="pip install 'allomatch[bench]'")
    if nomenclature.allele_count == 0:
        pytest.skip("py-hla-match compares under a release: allomatch nomenclature install 3.58.0, or ALLOMATCH_DATA")
    matching = py_hla_match(nomenclature.release, folder / "py-ard")
    from py_hla_match.hla import HLA
    from py_hla_match.models import Donor, HLAPair, Patient

    def pairs(gl: str) -> list[Any]:
        return [HLAPair(*map(HLA, part.split("+"))) for part in gl.split("^")]

    donors = donor_columns["fully typed"].to_pylist()
    answers: list[list[Any]] = []
    reference = Patient(pairs(patient))

    def some(start: int) -> float:
        """Compare donors from `start` on for a while; seconds of it."""
        answers.clear()
        began = time.perf_counter()
        for donor in donors[start:]:
            answers.append(matching.multi_locus_match(reference, Donor(pairs(donor))))
            if (spent := time.perf_counter() - began) > _PEER_SECONDS:
                break
        return spent

    some(0)  # it remembers alleles, so the first pairs are slower
    start = len(answers) % len(donors)
    benchmark.group = "pairs, fully typed"
    seconds = benchmark.pedantic(some, args=(start,), rounds=1)
    ours = match_table(patient, donors[start : start + len(answers)], nomenclature, "10/10").table["mismatches"]
    theirs = [
        sum(level.name != "ARD_MATCH" for one in answer for level in one.allele_match_levels) for answer in answers
    ]
    agreement = sum(a == b for a, b in zip(ours.to_pylist(), theirs, strict=True)) / len(answers)
    benchmark.extra_info.update(
        {
            "work": "pairs",
            "what": "fully typed",
            "engine": "py-hla-match",
            "way": "one by one",
            "threads": 1,
            "rows": len(answers),
            "rate": len(answers) / seconds,
            "agreement": round(agreement, 4),
            "nomenclature": nomenclature.release,
        }
    )
    assert agreement >= _LEAST_AGREEMENT
