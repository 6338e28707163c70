"""Options, data and index of a benchmark run.

What: session fixtures for the donors (a mapped Arrow IPC file), the index built from it, the typing ids that the baselines scan,
and the patients. Invariants: all files of a run lie in one temporary folder, which goes at its end, after a failure,
Ctrl-C or SIGTERM too; nothing is drawn or built before a test needs it. Why the index is built in a process of its own:
so that its peak of memory is its own.
"""

from __future__ import annotations

import os
import platform
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import allomatch
from allomatch import Nomenclature, Registry, _core, demo
from benchmarks import drawing
from benchmarks.building import mapped
from benchmarks.encoding import encode
from benchmarks.measuring import Peak, peak_of

# Bytes of disk a donor: text as Arrow, two indexes at once, the baseline's Parquet, typing ids twice.
_DISK_BYTES_A_DONOR = 500
_LARGE = 5_000_000


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("allomatch benchmarks")
    group.addoption("--donors", type=int, default=1_000_000, help="donors drawn (default 1000000)")
    group.addoption("--patients", type=int, default=50, help="patients searched for (default 50)")
    group.addoption(
        "--baseline-patients",
        type=int,
        default=None,
        help=f"how many of them the baselines search for (default: all up to {_LARGE} donors, 20 above)",
    )
    group.addoption("--threads", type=int, default=_cores(), help="threads, of both sides (default: all cores)")
    group.addoption("--rounds", type=int, default=None, help=f"rounds (default: 5 up to {_LARGE} donors, 3 above)")
    group.addoption("--people", type=int, default=20_000, help="distinct people imputed (default 20000)")
    group.addoption(
        "--ranked-patients",
        type=int,
        default=20,
        help="how many patients are searched for with probabilities (default 20)",
    )
    group.addoption(
        "--peer-haplotypes",
        type=int,
        default=None,
        help="the most frequent so many haplotypes for py-graph-imputation, which takes some 84 KB each (default: all)",
    )
    group.addoption("--work-dir", type=Path, default=None, help="where the temporary folder is made; needs free disk")


@dataclass(frozen=True)
class Settings:
    """What was asked for."""

    donors: int
    patients: int
    baseline_patients: int
    threads: int
    rounds: int
    people: int
    ranked_patients: int
    peer_haplotypes: int | None
    work_dir: Path | None

    @property
    def large(self) -> bool:
        """Whether single rounds are long enough to be measured once or twice only."""
        return self.donors > _LARGE


def _settings(config: pytest.Config) -> Settings:
    option = config.getoption
    donors, patients = option("--donors"), option("--patients")
    counts = ("--donors", "--patients", "--threads", "--people", "--ranked-patients")
    if min(map(option, counts)) < 1:
        raise pytest.UsageError(f"{', '.join(counts[:-1])} and {counts[-1]} must be at least 1")
    baseline = option("--baseline-patients")
    rounds = option("--rounds")
    return Settings(
        donors,
        patients,
        min(patients, (20 if donors > _LARGE else patients) if baseline is None else baseline),
        option("--threads"),
        (3 if donors > _LARGE else 5) if rounds is None else rounds,
        option("--people"),
        min(patients, option("--ranked-patients")),
        option("--peer-haplotypes"),
        option("--work-dir"),
    )


def pytest_configure(config: pytest.Config) -> None:
    # Read once, when Polars is first imported: here and in the processes that build.
    os.environ["POLARS_MAX_THREADS"] = str(_settings(config).threads)


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """Say what a reader of the JSON needs to know: memory, cores, versions, the instruction set chosen."""
    versions: dict[str, str | None] = {}
    for package in ("numpy", "pyarrow", "polars", "duckdb", "Cython", "py-ard", "py-hla-match", "py-graph-imputation"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else None
    machine_info["allomatch"] = {
        "version": allomatch.__version__,
        "kernel": _core.active_kernel(),
        "cores": _cores(),
        "memory_bytes": pages,
        "system": platform.platform(),
        "python": platform.python_version(),
        "packages": versions,
    }


@pytest.fixture(scope="session")
def settings(pytestconfig: pytest.Config) -> Settings:
    return _settings(pytestconfig)


@pytest.fixture(scope="session")
def folder(settings: Settings) -> Iterator[Path]:
    """The temporary folder of the run."""
    place = settings.work_dir or Path(tempfile.gettempdir())
    needed = settings.donors * _DISK_BYTES_A_DONOR
    free = shutil.disk_usage(place).free
    if free < needed:
        pytest.exit(
            f"{settings.donors} donors need {needed >> 20} MiB of disk, {place} has {free >> 20}: give --work-dir", 2
        )

    def interrupted(number: int, frame: object) -> None:
        # pytest takes down its fixtures after Ctrl-C, but not after SIGTERM.
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupted)
    try:
        with tempfile.TemporaryDirectory(prefix="allomatch-bench-", dir=place) as name:
            yield Path(name)
    finally:
        signal.signal(signal.SIGTERM, before)


@pytest.fixture(scope="session")
def nomenclature() -> Nomenclature:
    return drawing.newest_nomenclature()


@pytest.fixture(scope="session")
def haplotypes(nomenclature: Nomenclature) -> dict[str, demo.Haplotypes]:
    return drawing.read_haplotypes(nomenclature)


@pytest.fixture(scope="session")
def donors_file(folder: Path, haplotypes: dict[str, demo.Haplotypes], settings: Settings) -> Path:
    path = folder / "donors.arrow"
    drawing.write_donors(path, haplotypes, settings.donors)
    return path


@pytest.fixture(scope="session")
def donors(donors_file: Path) -> pa.Table:
    """The donors, mapped."""
    return mapped(donors_file)


@dataclass(frozen=True)
class Index:
    """The index of the run, and what building it took in a process of its own."""

    path: Path
    peak: Peak


@pytest.fixture(scope="session")
def index(folder: Path, donors_file: Path, settings: Settings) -> Index:
    path = folder / "donors.allo"
    return Index(path, peak_of(["allomatch", str(donors_file), str(path), "--threads", str(settings.threads)]))


@pytest.fixture(scope="session")
def registry(index: Index, nomenclature: Nomenclature) -> Registry:
    return Registry.open(index.path, nomenclature=nomenclature)


@pytest.fixture(scope="session")
def patients(haplotypes: dict[str, demo.Haplotypes], settings: Settings) -> list[str]:
    """GL strings; the populations take turns, so that any first part of them has all."""
    return drawing.draw_patients(haplotypes, settings.patients)[0]


@dataclass(frozen=True)
class Encoded:
    """The donors as a scan needs them.

    Attributes:
        path: Arrow IPC file, uncompressed, of one int32 column of typing ids a locus.
        typings: Locus -> the two texts of every typing id.
    """

    path: Path
    typings: dict[str, list[tuple[str | None, str | None]]]

    def columns(self) -> dict[str, np.ndarray]:
        """Locus -> typing ids, int32, in memory (not mapped)."""
        table = mapped(self.path)
        return {name: np.array(table[name].chunk(0).to_numpy()) for name in table.column_names}


@pytest.fixture(scope="session")
def encoded(folder: Path, donors: pa.Table) -> Encoded:
    typings: dict[str, list[tuple[str | None, str | None]]] = {}
    columns: dict[str, pa.Array] = {}
    for locus in demo.LOCI:
        of_locus = encode(donors, locus)
        columns[locus], typings[locus] = pa.array(of_locus.ids), of_locus.typings
    path = folder / "typing_ids.arrow"
    table = pa.table(columns)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return Encoded(path, typings)


@pytest.fixture(scope="session")
def about(
    settings: Settings, nomenclature: Nomenclature, haplotypes: dict[str, demo.Haplotypes], registry: Registry
) -> dict[str, Any]:
    """What every result says of its data."""
    info = registry.info()
    return {
        "donors": settings.donors,
        "phenotypes": info["phenotypes"],
        "typings": sum(info["typings"].values()),
        "nomenclature": nomenclature.release,
        "haplotypes": {
            "all": sum(len(part) for part in haplotypes.values()),
            "full_files": not any(part.source.startswith("shipped") for part in haplotypes.values()),
        },
        "seed": drawing.SEED,
    }


def pytest_report_header(config: pytest.Config) -> str:
    given = _settings(config)
    return (
        f"allomatch benchmarks: {given.donors:,} donors, {given.patients} patients ({given.baseline_patients} for the "
        f"baselines), {given.threads} threads, kernel {_core.active_kernel()}, Python {sys.version.split()[0]}"
    )
