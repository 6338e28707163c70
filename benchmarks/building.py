"""The ways from a table of donors to something that can be searched: allomatch's index, or encoded columns in Parquet.

What: `WAYS[name](donors, output, threads)` reads the donors' Arrow IPC file and writes `output`; run as a program, it
does one way in a fresh process, so that `measuring.peak_of` can watch its memory. Invariants: every way reads the same
mapped file of plain strings and leaves one file; none keeps anything. Why these baselines: before columns can be scanned
their text has to become numbers, so encoding every text column and writing Parquet is the least that a user would
do. It is less work than an index: nothing is validated, sorted or checksummed, and no duplicate donor is found.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

__all__ = ["WAYS", "mapped"]

_ROWS_OF_A_GROUP = 1_000_000


def mapped(path: Path) -> pa.Table:
    """The table of an Arrow IPC file, without reading it: its columns are views of the mapped file."""
    return pa.ipc.open_file(pa.memory_map(str(path))).read_all()


def _is_typing(name: str) -> bool:
    return name.endswith(("_1", "_2"))


def allomatch_index(donors: Path, output: Path, threads: int, nomenclature: Any = None) -> dict[str, Any]:
    """Build an index. Rows with a typing that the nomenclature does not know would be rejected; there must be none."""
    from allomatch import Registry

    registry = Registry.create(output, nomenclature=nomenclature)
    report = registry.add(mapped(donors), threads=threads)
    if report.rejected:
        raise RuntimeError(
            f"{report.rejected} of the drawn donors were rejected: {report.errors.slice(0, 3).to_pylist()}"
        )
    return {"donors": report.added}


def pyarrow_parquet(donors: Path, output: Path, threads: int, nomenclature: Any = None) -> dict[str, Any]:
    """Encode every typing column to int32 codes with pyarrow and write Parquet."""
    pa.set_cpu_count(threads)
    table = mapped(donors)
    columns = {
        name: table[name].dictionary_encode() if _is_typing(name) else table[name] for name in table.column_names
    }
    pq.write_table(pa.table(columns), output, row_group_size=_ROWS_OF_A_GROUP)
    return {"donors": table.num_rows}


def polars_parquet(donors: Path, output: Path, threads: int, nomenclature: Any = None) -> dict[str, Any]:
    """Encode every typing column to categories (32-bit codes) with Polars and write Parquet; POLARS_MAX_THREADS counts."""
    import polars as pl

    lazy = pl.scan_ipc(donors)
    typed = [name for name in lazy.collect_schema().names() if _is_typing(name)]
    lazy.with_columns(pl.col(typed).cast(pl.Categorical)).sink_parquet(output)
    return {}


WAYS: dict[str, Callable[..., dict[str, Any]]] = {
    "allomatch": allomatch_index,
    "pyarrow": pyarrow_parquet,
    "polars": polars_parquet,
}


def main() -> None:
    """Do one way: say "ready", wait for a line, work, print what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=list(WAYS))
    parser.add_argument("donors", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--threads", type=int, default=0)
    given = parser.parse_args()
    nomenclature = None
    if given.way == "allomatch":
        from benchmarks.drawing import newest_nomenclature

        nomenclature = newest_nomenclature()
    elif given.way == "polars":
        import polars  # noqa: F401  (imported before the clock starts)
    print("ready", flush=True)
    sys.stdin.readline()
    start = time.perf_counter()
    result = WAYS[given.way](given.donors, given.output, given.threads, nomenclature)
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, **result}))


if __name__ == "__main__":
    main()
