"""Opening an index, and its first answer; beside it, reading the typing ids that a scan needs.

What: files that the system has in its cache. Invariants: every round opens anew. "first answer" is what a program waits
for that opens, searches once and ends: it includes what the index puts off until it is first asked. Why these baselines:
a scan needs its columns in memory; mapping them costs nothing until the first scan reads them all.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from allomatch import Nomenclature, Registry
from allomatch.releases import releases
from benchmarks.building import mapped
from benchmarks.conftest import Encoded, Index, Settings
from benchmarks.measuring import Clock


def _measure(
    benchmark: Any, call: Callable[[], object], name: str, engine: str, settings: Settings, about: dict[str, Any]
) -> None:
    call()
    clock = Clock()
    benchmark.group = "open"
    benchmark.pedantic(clock.timed(call), rounds=5 if settings.large else 20)
    benchmark.extra_info.update({"work": "open", "what": name, "engine": engine, **about, **clock.summary()})


@pytest.mark.parametrize("what", ["open", "open, all checked", "open, first answer"])
def test_allomatch(
    benchmark: Any,
    what: str,
    index: Index,
    nomenclature: Nomenclature,
    patients: list[str],
    settings: Settings,
    about: dict[str, Any],
) -> None:
    def call() -> object:
        if what == "open, all checked":
            return Registry.open(index.path, nomenclature=nomenclature, validate="full")
        registry = Registry.open(index.path, nomenclature=nomenclature)
        if what == "open, first answer":
            return registry.search(patients[0], "10/10", threads=settings.threads)
        return registry

    _measure(benchmark, call, what, "allomatch", settings, about)


def test_release_switch(
    benchmark: Any,
    index: Index,
    nomenclature: Nomenclature,
    patients: list[str],
    settings: Settings,
    about: dict[str, Any],
) -> None:
    """Another release over the same donors, from its cache to the first answer: only typings are read anew."""
    others = [each for each in releases() if each != nomenclature.release]
    if not others:
        pytest.skip("only one release is installed: allomatch nomenclature install RELEASE, or set ALLOMATCH_DATA")

    def call() -> object:
        registry = Registry.open(index.path, nomenclature=Nomenclature.load(others[-1]))
        return registry.search(patients[0], "10/10", threads=settings.threads)

    _measure(benchmark, call, "another release, first answer", "allomatch", settings, about)


def _read_mapped(path: Path) -> object:
    return mapped(path)


def _read_arrow(path: Path) -> object:
    table = mapped(path)
    return {name: np.array(table[name].chunk(0).to_numpy()) for name in table.column_names}


def _read_parquet(path: Path) -> object:
    table = pq.read_table(path)
    return {name: table[name].to_numpy() for name in table.column_names}


@pytest.mark.parametrize(
    ("what", "read"),
    [
        ("map Arrow typing ids", _read_mapped),
        ("read Arrow typing ids", _read_arrow),
        ("read Parquet typing ids", _read_parquet),
    ],
    ids=["map-arrow", "read-arrow", "read-parquet"],
)
def test_baseline(
    benchmark: Any,
    what: str,
    read: Callable[[Path], object],
    encoded: Encoded,
    folder: Path,
    settings: Settings,
    about: dict[str, Any],
) -> None:
    path = encoded.path
    if read is _read_parquet:
        path = folder / "typing_ids.parquet"
        pq.write_table(mapped(encoded.path), path, row_group_size=1_000_000)
    try:
        _measure(benchmark, lambda: read(path), what, "pyarrow", settings, about)
    finally:
        if path != encoded.path:
            path.unlink()
