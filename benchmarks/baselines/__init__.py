"""What a user would write instead of allomatch: plain scans over encoded columns that answer the same question.

What: `numpy_scan`, `polars_scan`, `duckdb_scan` and `cython_scan`, each with a class `Scan` (see the protocol below);
`scan_classes()` gives them by name, and builds the Cython one at first use.

Invariants: all four return the same rows (`test_baselines_agree.py`). Each is given the same encoding and ready-made
verdict tables, so the clock covers the scan alone; loading (`__init__`) is outside it. Columns given to a scan must
not be changed afterwards.

Why so: the interning of typings and the verdict tables are allomatch's idea, not a user's; a baseline that matched
every donor's text would be a straw man. What is left to beat is the best that a scan can do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["NAMES", "Scan", "scan_classes"]

NAMES = ("numpy", "polars", "duckdb", "cython")


class Scan(Protocol):
    """Finds the donors within a budget of mismatches by looking at every donor."""

    name: str

    def __init__(self, columns: dict[str, NDArray[np.int32]]) -> None:
        """Load the donors.

        Args:
            columns: Locus -> typing ids of the donors, int32, shape (n,), contiguous. One to five loci.
        """

    def search(self, verdicts: dict[str, NDArray[np.uint8]], max_mismatches: int) -> NDArray[np.int64]:
        """Find the donors whose least mismatches sum to at most `max_mismatches` over the loci.

        Args:
            verdicts: Locus -> uint8, shape (typings of the locus,): element `id` is the least number of mismatches
                (0, 1, 2) of that typing against the patient, ambiguous and untyped ones included.
            max_mismatches: Budget, 0..10.

        Returns:
            Row indexes, ascending, int64.
        """
        ...


def scan_classes(names: Sequence[str] = NAMES) -> dict[str, type[Scan]]:
    """The scans by name; a missing package is the ImportError of its scan."""
    classes: dict[str, type[Scan]] = {}
    for name in names:
        # Imported one by one, so that a run of one scan does not need the packages (and threads) of the others.
        if name == "numpy":
            from .numpy_scan import Scan as NumpyScan

            classes[name] = NumpyScan
        elif name == "polars":
            from .polars_scan import Scan as PolarsScan

            classes[name] = PolarsScan
        elif name == "duckdb":
            from .duckdb_scan import Scan as DuckdbScan

            classes[name] = DuckdbScan
        elif name == "cython":
            from .build import load

            classes[name] = load("cython_scan").Scan
        else:
            raise ValueError(f"no scan named {name!r}: choose among {', '.join(NAMES)}")
    return classes
