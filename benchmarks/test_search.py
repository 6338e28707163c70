"""10/10, >=9/10 and >=8/10 searches that return all hits; beside them, four scans of the same donors.

What: the baselines first, one after another (each is freed before the next is loaded), then allomatch. Invariants: truth
before speed: for every patient that both sides searched for, a baseline must have found exactly allomatch's donors, with
its mismatch counts. Every single search is timed; medians and 95th percentiles are over all of them, ratios over the same
patients on both sides. Why the ratio is a lower bound: a baseline is given typing ids and verdict tables ready-made and
returns row numbers; allomatch's clock covers the patient's text, verdicts, walk, counts and the order of the hits.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from numpy.typing import NDArray

from allomatch import Hits, Nomenclature, Registry
from benchmarks.baselines import NAMES, Scan, scan_classes
from benchmarks.conftest import Encoded, Settings
from benchmarks.encoding import Verdicts
from benchmarks.measuring import Clock

BUDGETS = (0, 1, 2)
WHAT = ("10/10", ">=9/10", ">=8/10")

Tables = dict[str, NDArray[np.uint8]]


class Truth:
    """What allomatch finds, as rows of the input and their fewest mismatches; asked for once a patient and budget."""

    def __init__(self, registry: Registry, patients: list[str]) -> None:
        self._registry = registry
        self._patients = patients
        self._kept: dict[tuple[int, int], tuple[NDArray[np.int64], NDArray[np.uint8]]] = {}

    def of(self, patient: int, budget: int) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
        """Rows, ascending, and the mismatches of each."""
        if (patient, budget) not in self._kept:
            hits = self._registry.search(self._patients[patient], "10/10", max_mismatches=budget)
            # Ids are two letters and the number of the row, from 1.
            rows = pc.utf8_slice_codeunits(hits.donor_ids, 2).cast(pa.int64()).to_numpy() - 1
            order = np.argsort(rows)
            self._kept[patient, budget] = rows[order], hits.mismatches[order]
        return self._kept[patient, budget]


@pytest.fixture(scope="module")
def truth(registry: Registry, patients: list[str]) -> Truth:
    return Truth(registry, patients)


@pytest.fixture(scope="module")
def columns(encoded: Encoded) -> Iterator[dict[str, NDArray[np.int32]]]:
    """The typing ids in memory, for as long as a baseline needs them."""
    loaded = encoded.columns()
    yield loaded
    loaded.clear()
    gc.collect()


@pytest.fixture(scope="module")
def verdicts(
    encoded: Encoded, folder: Path, nomenclature: Nomenclature, patients: list[str], settings: Settings
) -> list[Tables]:
    return Verdicts(encoded.typings, folder, nomenclature).of_all(patients[: settings.baseline_patients])


@pytest.fixture(scope="module")
def scan(request: pytest.FixtureRequest, columns: dict[str, NDArray[np.int32]], settings: Settings) -> Iterator[Scan]:
    name = request.param
    needed = {"polars": ["polars"], "duckdb": ["duckdb"], "cython": ["Cython", "setuptools"]}
    for package in needed.get(name, []):
        pytest.importorskip(package, reason=f"needs {package}: pip install 'allomatch[bench]'")
    options = {"threads": settings.threads} if name in ("duckdb", "cython") else {}
    loaded = [scan_classes([name])[name](columns, **options)]
    yield loaded[0]
    loaded.clear()
    gc.collect()


@pytest.fixture(scope="session")
def baseline_seconds() -> dict[tuple[str, int], NDArray[np.float64]]:
    """(baseline, budget) -> durations, shape (rounds, patients): allomatch's tests divide them."""
    return {}


def _of_patients(clock: Clock, patients: int) -> NDArray[np.float64]:
    return np.array(clock.seconds).reshape(-1, patients)


def _details(seconds: NDArray[np.float64], hits: list[int]) -> dict[str, Any]:
    return {
        "patients": seconds.shape[1],
        "hits_median": float(np.median(hits)),
        "hits_most": max(hits),
        "hits": hits,
        "best_round_median_s": float(np.median(seconds.min(axis=0))),  # least disturbed by other work
        "patient_median_s": np.median(seconds, axis=0).round(7).tolist(),
    }


@pytest.mark.parametrize("budget", BUDGETS, ids=WHAT)
@pytest.mark.parametrize("scan", NAMES, indirect=True)
def test_baseline(
    benchmark: Any,
    scan: Scan,
    budget: int,
    columns: dict[str, NDArray[np.int32]],
    verdicts: list[Tables],
    truth: Truth,
    settings: Settings,
    about: dict[str, Any],
    baseline_seconds: dict[tuple[str, int], NDArray[np.float64]],
) -> None:
    expected = [truth.of(patient, budget) for patient in range(len(verdicts))]
    clock = Clock()
    search = clock.timed(scan.search)
    found: list[NDArray[np.int64]] = []

    def all_patients() -> None:
        found.clear()
        found.extend(search(tables, budget) for tables in verdicts)

    scan.search(verdicts[0], budget)
    benchmark.group = f"search {WHAT[budget]}"
    benchmark.pedantic(all_patients, rounds=1 if settings.large else min(3, settings.rounds))

    for patient, (rows, mismatches) in enumerate(expected):
        assert len(found[patient]) == len(rows), f"patient {patient}: {len(found[patient])} hits, allomatch {len(rows)}"
        np.testing.assert_array_equal(found[patient], rows)
        sums = sum(verdicts[patient][locus][ids[rows]] for locus, ids in columns.items())
        np.testing.assert_array_equal(sums, mismatches)

    seconds = _of_patients(clock, len(verdicts))
    baseline_seconds[scan.name, budget] = seconds
    benchmark.extra_info.update(
        {
            "work": "search",
            "what": WHAT[budget],
            "engine": scan.name,
            **about,
            "threads": 1 if scan.name == "numpy" else settings.threads,
            **clock.summary(),
            **_details(seconds, [len(rows) for rows in found]),
        }
    )


@pytest.mark.parametrize("budget", BUDGETS, ids=WHAT)
@pytest.mark.parametrize("way", ["all threads", "one thread", "as a table"])
def test_allomatch(
    benchmark: Any,
    way: str,
    budget: int,
    registry: Registry,
    patients: list[str],
    settings: Settings,
    about: dict[str, Any],
    baseline_seconds: dict[tuple[str, int], NDArray[np.float64]],
) -> None:
    threads = 1 if way == "one thread" else settings.threads
    clock = Clock()

    def answer(patient: str) -> Hits:
        hits = registry.search(patient, "10/10", max_mismatches=budget, threads=threads)
        if way == "as a table":
            hits.to_arrow()  # donor ids, all counts and attributes: what a user shows or writes
        return hits

    search = clock.timed(answer)
    totals: list[int] = []

    def all_patients() -> None:
        totals.clear()
        for patient in patients:
            totals.append(len(search(patient)))

    for patient in patients:
        answer(patient)
    benchmark.group = f"search {WHAT[budget]}"
    benchmark.pedantic(all_patients, rounds=settings.rounds)

    seconds = _of_patients(clock, len(patients))
    benchmark.extra_info.update(
        {
            "work": "search",
            "what": WHAT[budget],
            "engine": "allomatch",
            "way": way,
            **about,
            "threads": threads,
            **clock.summary(),
            **_details(seconds, totals),
        }
    )
    # The same patients on both sides.
    ratios = {
        name: float(np.median(of_baseline) / np.median(seconds[:, : of_baseline.shape[1]]))
        for (name, of_budget), of_baseline in baseline_seconds.items()
        if of_budget == budget
    }
    if ratios:
        fastest = min(ratios, key=ratios.__getitem__)
        benchmark.extra_info.update({"ratios": ratios, "fastest_baseline": fastest, "ratio": ratios[fastest]})
