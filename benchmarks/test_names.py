"""Names and GL strings reduced to P groups: allomatch on a column and one by one, and py-ard beside it.

What: rates in texts a second, of distinct texts and of a column as a registry has it. Invariants: both read the same release
and the same codes; their answers are compared on what py-ard got through: the names in common over the names of both, and
too few in common fail the benchmark (those that differ are known: docs/science.md). Why a sample for py-ard: it would take
hours for what allomatch does in a second; it is given a warm-up, and the cache that its manual advises, where texts repeat.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from allomatch import Nomenclature, demo
from allomatch.releases import find_release
from benchmarks import name_columns
from benchmarks.conftest import Settings
from benchmarks.loading import load
from benchmarks.measuring import Clock
from benchmarks.peers import py_ard

_REGISTRY_ROWS = 1_000_000
_REGISTRY_GL_STRINGS = 200_000
_ONE_BY_ONE = 2_000
_PEER_SECONDS = 5.0
_LEAST_AGREEMENT = 0.8


@pytest.fixture(scope="session")
def release(nomenclature: Nomenclature) -> Nomenclature:
    if nomenclature.allele_count == 0:
        pytest.skip("names are reduced under a release: allomatch nomenclature install 3.58.0, or ALLOMATCH_DATA")
    return nomenclature


@pytest.fixture(scope="session")
def columns(release: Nomenclature, haplotypes: dict[str, demo.Haplotypes]) -> Callable[[str, str], pa.Array]:
    """Columns by kind and whether they are "distinct" or as a "registry" has them; made once."""
    made: dict[tuple[str, str], pa.Array] = {}

    def column(kind: str, repeats: str) -> pa.Array:
        if (kind, repeats) not in made:
            made[kind, repeats] = (
                name_columns.distinct(kind, release)
                if repeats == "distinct"
                else name_columns.registry(
                    kind,
                    release,
                    haplotypes,
                    _REGISTRY_GL_STRINGS if kind == "ambiguous GL strings" else _REGISTRY_ROWS,
                )
            )
        return made[kind, repeats]

    return column


@pytest.fixture(scope="session")
def peer_folder(folder: Path) -> Path:
    return folder / "py-ard"


def _alleles(text: str) -> frozenset[str]:
    return frozenset(re.split(r"[/+^|]", text))


KINDS = pytest.mark.parametrize("kind", name_columns.KINDS)
REPEATS = pytest.mark.parametrize("repeats", ["distinct", "registry"])


@KINDS
@REPEATS
@pytest.mark.parametrize("way", ["all threads", "one thread", "one by one"])
def test_allomatch(
    benchmark: Any,
    kind: str,
    repeats: str,
    way: str,
    release: Nomenclature,
    columns: Callable[[str, str], pa.Array],
    settings: Settings,
) -> None:
    column = columns(kind, repeats)
    threads = settings.threads if way == "all threads" else 1
    if way == "one by one":
        texts = column.slice(0, _ONE_BY_ONE).to_pylist()

        def reduce() -> Any:
            return [release.reduce(text, "P") for text in texts]
    else:
        texts = column

        def reduce() -> Any:
            return release.reduce_column(texts, "P", threads=threads)

    assert release.reduce_column(column, "P").errors.num_rows == 0
    clock = Clock()
    started = time.perf_counter()
    reduce()
    rounds = max(
        3, min(60, int(1 / (time.perf_counter() - started)))
    )  # a second of milliseconds: their median is steady
    benchmark.group = f"{kind}, {repeats}"
    benchmark.pedantic(clock.timed(reduce), rounds=rounds)
    summary = clock.summary()
    benchmark.extra_info.update(
        {
            "work": "names",
            "what": kind,
            "column": repeats,
            "engine": "allomatch",
            "way": way,
            "threads": threads,
            "rows": len(texts),
            "distinct": pc.count_distinct(column).as_py(),
            "rate": len(texts) / float(summary["median_s"] or 1),
            "nomenclature": release.release,
            **summary,
        }
    )


@KINDS
@REPEATS
def test_py_ard(
    benchmark: Any,
    kind: str,
    repeats: str,
    release: Nomenclature,
    columns: Callable[[str, str], pa.Array],
    peer_folder: Path,
) -> None:
    pytest.importorskip("pyard", reason="pip install 'allomatch[bench]'")
    ard = py_ard(release.release, peer_folder, cache_size=None if repeats == "distinct" else 1_000_000)
    texts = columns(kind, repeats).to_pylist()
    answers: list[str | None] = []

    def answer(text: str) -> str | None:
        try:
            return str(ard.redux(text, "P"))
        except Exception:  # it refuses some: its exceptions share no base
            return None

    def some(start: int) -> float:
        """Reduce texts from `start` on for a while; seconds of it."""
        answers.clear()
        began = time.perf_counter()
        for text in texts[start:]:
            answers.append(answer(text))
            if (spent := time.perf_counter() - began) > _PEER_SECONDS:
                break
        return spent

    start = 0
    if repeats == "registry":
        some(0)
        start = len(answers) % len(texts)
    benchmark.group = f"{kind}, {repeats}"
    seconds = benchmark.pedantic(some, args=(start,), rounds=1)
    ours = release.reduce_column(texts[start : start + len(answers)], "P").values
    read = [
        (mine.as_py(), theirs)
        for mine, theirs in zip(ours, answers, strict=True)
        if theirs is not None and mine.is_valid
    ]
    shares = [len(a & b) / len(a | b) for a, b in ((_alleles(mine), _alleles(theirs)) for mine, theirs in read)]
    agreement = sum(shares) / max(len(shares), 1)
    benchmark.extra_info.update(
        {
            "work": "names",
            "what": kind,
            "column": repeats,
            "engine": "py-ard",
            "way": "one by one",
            "threads": 1,
            "rows": len(answers),
            "refused": len(answers) - len(read),
            "agreement": round(agreement, 4),
            "rate": len(answers) / seconds,
            "nomenclature": release.release,
        }
    )
    assert agreement >= _LEAST_AGREEMENT


@pytest.mark.parametrize("source", ["files", "binary cache"])
def test_load(benchmark: Any, source: str, release: Nomenclature, folder: Path) -> None:
    where, name = find_release(release.release, None)
    cache = folder / "cache-of-loads"
    if source == "binary cache":
        load(name, where, cache)
    loads = []

    def once() -> None:
        if source == "files":
            shutil.rmtree(cache, ignore_errors=True)
        loads.append(load(name, where, cache))

    benchmark.group = "load"
    benchmark.pedantic(once, rounds=5)
    clock = Clock([one["seconds"] for one in loads])
    held = [one["bytes"] for one in loads if one["bytes"] is not None]
    benchmark.extra_info.update(
        {
            "work": "load",
            "what": source,
            "engine": "allomatch",
            "alleles": loads[0]["alleles"],
            "bytes": max(held) if held else None,
            "memory_bytes": release.memory_bytes,
            "nomenclature": name,
            **clock.summary(),
        }
    )
