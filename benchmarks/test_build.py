"""From a table of donors to an index: donors a second, bytes a donor, peak memory; beside it, encoding to Parquet.

What: every way of `building.py` from the same mapped Arrow file of plain strings. Invariants: an index exists
when the clock stops, whole and renamed into place. Time is measured in this process, memory in one of its own. Why
anonymous memory: pages of the mapped input count as resident, but the system takes them back when it needs them.
"""

from __future__ import annotations

import filecmp
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from allomatch import Nomenclature, Registry
from benchmarks.building import WAYS
from benchmarks.conftest import Index, Settings
from benchmarks.measuring import Clock, Peak, peak_of


def _memory(peak: Peak, size: int) -> dict[str, Any]:
    return {
        "fresh_process_s": peak.seconds,
        "anonymous_bytes_before": peak.before,
        "anonymous_bytes_peak": peak.peak,
        "peak_to_output": None if peak.grown is None else peak.grown / size,
    }


def _rounds(settings: Settings) -> int:
    return 1 if settings.large else min(3, settings.rounds)


def _run(benchmark: Any, way: str, donors_file: Path, output: Path, settings: Settings, nomenclature: Any) -> Clock:
    """Build `output` a few times, each from nothing, and leave the last one."""
    clock = Clock()
    benchmark.group = "build"

    def setup() -> tuple[tuple[Any, ...], dict[str, Any]]:
        output.unlink(missing_ok=True)
        # What an earlier round left unwritten goes to the disk now, not during the next one.
        if hasattr(os, "sync"):
            os.sync()
        return (donors_file, output, settings.threads, nomenclature), {}

    benchmark.pedantic(clock.timed(WAYS[way]), setup=setup, rounds=_rounds(settings))
    return clock


def test_allomatch(
    benchmark: Any,
    index: Index,
    registry: Registry,
    donors_file: Path,
    nomenclature: Nomenclature,
    folder: Path,
    settings: Settings,
    about: dict[str, Any],
) -> None:
    output = folder / "again.allo"
    try:
        clock = _run(benchmark, "allomatch", donors_file, output, settings, nomenclature)
        # Same donors, same bytes: and a proof that the round that was timed did the whole work.
        assert filecmp.cmp(output, index.path, shallow=False)
    finally:
        output.unlink(missing_ok=True)
    info = registry.info()
    assert info["donors"] == settings.donors
    benchmark.extra_info.update(
        {
            "work": "build",
            "engine": "allomatch",
            **about,
            "threads": settings.threads,
            **clock.summary(),
            "donors_per_s": settings.donors / float(np.median(clock.seconds)),
            "output_bytes": info["file_bytes"],
            "bytes_a_donor": info["file_bytes"] / settings.donors,
            "hla_bytes_a_donor": info["hla_bytes"] / settings.donors,
            **_memory(index.peak, info["file_bytes"]),
        }
    )


@pytest.mark.parametrize("engine", ["pyarrow", "polars"])
def test_baseline(
    benchmark: Any, engine: str, donors_file: Path, folder: Path, settings: Settings, about: dict[str, Any]
) -> None:
    pytest.importorskip(engine, reason=f"needs {engine}: pip install 'allomatch[bench]'")
    output = folder / f"{engine}.parquet"
    try:
        clock = _run(benchmark, engine, donors_file, output, settings, None)
        output.unlink()
        peak = peak_of([engine, str(donors_file), str(output), "--threads", str(settings.threads)])
        size = output.stat().st_size
    finally:
        output.unlink(missing_ok=True)
    benchmark.extra_info.update(
        {
            "work": "build",
            "engine": engine,
            **about,
            "threads": settings.threads,
            **clock.summary(),
            "donors_per_s": settings.donors / float(np.median(clock.seconds)),
            "output_bytes": size,
            "bytes_a_donor": size / settings.donors,
            **_memory(peak, size),
        }
    )
