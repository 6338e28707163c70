"""The baselines answer the same question: all return exactly the rows of a plain Python loop.

What: random ids and verdicts, sizes around chunk and thread bounds, every budget. Invariants: seeded, small. Why: a
baseline that is wrong is a comparison that is worth nothing, however fast.
"""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from . import NAMES, Scan, scan_classes

LOCI = ("A", "B", "C", "DRB1", "DQB1")


def random_question(
    rows: int, typings: int, seed: int, loci: tuple[str, ...] = LOCI
) -> tuple[dict[str, NDArray[np.int32]], dict[str, NDArray[np.uint8]]]:
    rng = np.random.default_rng(seed)
    columns = {locus: rng.integers(0, typings, rows, dtype=np.int32) for locus in loci}
    verdicts = {locus: rng.choice(np.arange(3, dtype=np.uint8), typings, p=(0.3, 0.3, 0.4)) for locus in loci}
    return columns, verdicts


@pytest.fixture(scope="module", params=NAMES)
def scan_class(request: pytest.FixtureRequest) -> type[Scan]:
    needed = {"polars": ["polars"], "duckdb": ["duckdb"], "cython": ["Cython", "setuptools"]}
    for package in needed.get(request.param, []):
        pytest.importorskip(package, reason=f"needs {package}: pip install 'allomatch[bench]'")
    scan = scan_classes([request.param])[request.param]
    assert scan.name == request.param
    return scan


@pytest.mark.parametrize("rows", [1, 2, 1000, (1 << 16) + 1, 150_000])
def test_every_scan_finds_the_rows_of_a_plain_loop(scan_class: type[Scan], rows: int) -> None:
    columns, verdicts = random_question(rows, typings=500, seed=rows)
    totals = [sum(int(verdicts[locus][columns[locus][row]]) for locus in LOCI) for row in range(rows)]
    scan = scan_class(columns)
    for budget in (0, 1, 2, 3, 10):
        found = scan.search(verdicts, budget)
        assert found.dtype == np.int64
        assert found.tolist() == [row for row, total in enumerate(totals) if total <= budget]


def test_one_scan_answers_many_patients(scan_class: type[Scan]) -> None:
    columns, first = random_question(5000, typings=50, seed=1)
    _, second = random_question(0, typings=50, seed=2)
    scan = scan_class(columns)
    before = scan.search(first, 2)
    between = scan.search(second, 2)
    assert before.tolist() != between.tolist()
    assert scan.search(first, 2).tolist() == before.tolist()


def test_edges(scan_class: type[Scan]) -> None:
    columns, verdicts = random_question(0, typings=3, seed=1)
    assert scan_class(columns).search(verdicts, 10).tolist() == []
    columns, _ = random_question(100, typings=3, seed=1)
    none = {locus: np.full(3, 2, dtype=np.uint8) for locus in LOCI}
    assert scan_class(columns).search(none, 4).tolist() == []
    assert scan_class(columns).search(none, 10).tolist() == list(range(100))


def test_fewer_loci(scan_class: type[Scan]) -> None:
    columns, verdicts = random_question(1000, typings=20, seed=3, loci=("A", "B", "DRB1"))
    totals = sum(verdicts[locus][ids].astype(int) for locus, ids in columns.items())
    assert scan_class(columns).search(verdicts, 1).tolist() == np.flatnonzero(totals <= 1).tolist()
