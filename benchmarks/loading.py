"""Loads a release in a fresh process, and says how long it took and what memory it keeps.

What: `load(release, folder, cache)` runs `python -m benchmarks.loading` with the user's cache in `cache`. Invariants: imports and
the interpreter are not counted; memory is anonymous memory, after the load less before. Why a process each: the second load of a
process finds memory and code that the first one paid for.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

__all__ = ["load"]

_ROOT = Path(__file__).resolve().parent.parent


def load(release: str, folder: Path, cache: Path) -> dict[str, Any]:
    """Seconds, bytes kept and number of alleles of one load; `cache` empty: from the files, afterwards from its binary form."""
    command = [sys.executable, "-m", "benchmarks.loading", release, str(folder)]
    environment = {**os.environ, "XDG_CACHE_HOME": str(cache)}
    done = subprocess.run(command, cwd=_ROOT, env=environment, capture_output=True, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def main() -> None:
    """Load once and print what it took."""
    from allomatch import Nomenclature
    from benchmarks.measuring import anonymous_bytes

    Nomenclature.two_field()  # reads the allele codes, which are not the release's
    gc.collect()
    before = anonymous_bytes()
    start = time.perf_counter()
    nomenclature = Nomenclature.load(sys.argv[1], path=sys.argv[2])
    seconds = time.perf_counter() - start
    gc.collect()
    after = anonymous_bytes()
    print(
        json.dumps(
            {
                "seconds": seconds,
                "bytes": None if before is None or after is None else after - before,
                "alleles": nomenclature.allele_count,
            }
        )
    )


if __name__ == "__main__":
    main()
