"""Frequencies estimated from people of mixed resolution, and the textbook EM over explicit pairs beside it.

What: 20,000 people of one population at five loci, from their typings to frequencies; then iterations from these frequencies, as
people a second, and the same of a plain-Python EM (tests/reference/em.py) on a few of the people. Invariants: both sides begin
with the same frequencies and must report the same log-likelihood of the same people. Why a few: the pairs of one person with XX
codes are hundreds of thousands. Why without data: the textbook reads typings under the embedded nomenclature in no time.
"""

from __future__ import annotations

import time
from itertools import combinations_with_replacement
from typing import Any

import pyarrow as pa
import pytest

import reference.em as textbook
from allomatch import Nomenclature, demo, estimate_frequencies
from benchmarks import drawing
from benchmarks.conftest import Settings
from benchmarks.measuring import Clock
from reference.imputation import candidates, consistent, evidence
from reference.nomenclature import TwoField
from reference.phenotype import parse_phenotype

_PEOPLE = 20_000
_PEER_PEOPLE = 100
_ITERATIONS = 20
_LOCI = demo.LOCI


def _drawn(haplotypes: dict[str, demo.Haplotypes], count: int) -> pa.Table:
    """Typings of people of one population: the Europeans, if there are any."""
    population = "CAU" if "CAU" in haplotypes else sorted(haplotypes)[0]
    one = {population: haplotypes[population]}
    drawn = pa.Table.from_batches(demo.draw_donors(one, count, seed=drawing.SEED, mix={population: 1.0}))
    return drawn.select([f"{locus}_{position}" for locus in _LOCI for position in (1, 2)])


@pytest.fixture(scope="module")
def people(haplotypes: dict[str, demo.Haplotypes]) -> pa.Table:
    return _drawn(haplotypes, _PEOPLE)


def test_whole_estimation(
    benchmark: Any, haplotypes: dict[str, demo.Haplotypes], nomenclature: Nomenclature, settings: Settings
) -> None:
    """From typings under the newest release to frequencies, once: what `--people 1000000` waits for."""
    everyone = _drawn(haplotypes, settings.people)
    clock = Clock()

    def estimate() -> Any:
        return estimate_frequencies(everyone, nomenclature, _LOCI, threads=settings.threads)

    benchmark.group = "EM, from typings to frequencies"
    found = benchmark.pedantic(clock.timed(estimate), rounds=1)
    assert found.errors.num_rows == 0
    benchmark.extra_info.update(
        {
            "work": "whole estimation",
            "engine": "allomatch",
            "threads": settings.threads,
            "people": everyone.num_rows,
            "haplotypes": len(found.frequencies),
            "converged": found.converged,
            "nomenclature": found.nomenclature,
            **clock.summary(),
        }
    )


def _gl(row: dict[str, str | None]) -> str:
    typed = [locus for locus in _LOCI if row[f"{locus}_1"]]
    return "^".join(f"{row[f'{locus}_1']}+{row[f'{locus}_2']}" for locus in typed)


def test_em(benchmark: Any, people: pa.Table, settings: Settings) -> None:
    nomenclature = Nomenclature.two_field()
    clock = Clock()

    def estimate() -> Any:
        return estimate_frequencies(people, nomenclature, _LOCI, threads=settings.threads)

    benchmark.group = "EM"
    found = benchmark.pedantic(clock.timed(estimate), rounds=1)
    assert found.errors.num_rows == 0

    def seconds_of(iterations: int) -> float:
        began = time.perf_counter()
        estimate_frequencies(
            people,
            nomenclature,
            start=found.frequencies,
            tolerance=0,
            min_frequency=0,
            max_iterations=iterations,
            threads=1,
        )
        return time.perf_counter() - began

    # What reading takes is in both.
    ours = _ITERATIONS * people.num_rows / max(seconds_of(1 + _ITERATIONS) - seconds_of(1), 1e-9)

    names = [found.frequencies.names(locus).to_pylist() for locus in found.frequencies.loci]
    codes = zip(*(found.frequencies.codes(locus).tolist() for locus in found.frequencies.loci), strict=True)
    frequencies = {
        tuple(names[i][code] for i, code in enumerate(row)): float(f)
        for row, f in zip(codes, found.frequencies.frequencies, strict=True)
    }
    few = [_gl(row) for row in people.slice(0, _PEER_PEOPLE).to_pylist()]
    groups = []
    began = time.perf_counter()
    for gl in few:
        blocks = evidence(parse_phenotype(gl), found.frequencies.loci, TwoField())
        pairs = combinations_with_replacement(candidates(blocks, frequencies), 2)
        groups.append(textbook.Group(tuple((h, k) for h, k in pairs if consistent(blocks, h, k))))
    listed = len(few) / (time.perf_counter() - began)
    began = time.perf_counter()
    for _ in range(_ITERATIONS):
        textbook.step(groups, frequencies)
    peer = _ITERATIONS * len(few) / (time.perf_counter() - began)

    same = estimate_frequencies(few, nomenclature, start=found.frequencies, min_frequency=0, max_iterations=1)
    start = same.trace["log_likelihood"][0].as_py()
    assert start == pytest.approx(textbook.log_likelihood(groups, frequencies), rel=1e-9)
    benchmark.extra_info.update(
        {
            "work": "em",
            "engine": "allomatch",
            "threads": settings.threads,
            "people": people.num_rows,
            "haplotypes": len(found.frequencies),
            "iterations": found.trace.num_rows,
            "people_a_second_and_iteration_one_thread": ours,
            "textbook_people_a_second_and_iteration": peer,
            "textbook_people_a_second_listing_pairs": listed,
            "ratio": ours / peer,
            "nomenclature": found.nomenclature,
            **clock.summary(),
        }
    )
    print(
        f"\n{people.num_rows:,} people: {clock.seconds[0]:.1f} s; an iteration {ours:,.0f} people/s on one thread, "
        f"plain Python {peer:,.0f} (of {len(few)}, whose pairs it lists at {listed:,.0f} people/s): "
        f"{ours / peer:,.0f} times as fast"
    )
