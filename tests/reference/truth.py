"""Where the release files and the expected results lie, and the mark for tests that need them.

What: `data_dir()` is the folder named by `ALLOMATCH_DATA` (laid out `imgt/<release>/...`), `truth_dir()` is the folder
`truth` beside it. Invariants: no path of any one machine stands in the tests; a missing folder skips a test with the
remedy as the reason, and is never an error at import. Why: the files may not be shipped with the project.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest


def data_dir() -> Path | None:
    """The folder laid out `imgt/<release>/...`; None where `ALLOMATCH_DATA` is not set or not such a folder."""
    named = os.environ.get("ALLOMATCH_DATA", "").strip()
    folder = Path(named)
    return folder if named and (folder / "imgt").is_dir() else None


def truth_dir() -> Path | None:
    """The folder of expected results beside the data, or None where there is none."""
    folder = data_dir()
    if folder is None:
        return None
    beside = folder.resolve().parent / "truth"
    return beside if beside.is_dir() else None


def has_releases(*numbers: str) -> bool:
    """Whether the data has all of these releases."""
    folder = data_dir()
    return folder is not None and all((folder / "imgt" / number).is_dir() for number in numbers)


needs_data = pytest.mark.skipif(
    not has_releases("3.58.0"),
    reason="needs IPD-IMGT/HLA files: set ALLOMATCH_DATA to a folder laid out imgt/<release>/ "
    "(or run `allomatch nomenclature install 3.58.0`)",
)

needs_older_releases = pytest.mark.skipif(
    not has_releases("3.33.0", "3.50.0", "3.58.0"),
    reason="needs IPD-IMGT/HLA files 3.33.0, 3.50.0 and 3.58.0: set ALLOMATCH_DATA to a folder laid out "
    "imgt/<release>/ (or run `allomatch nomenclature install 3.58.0`, and the same for the others)",
)

needs_truth = pytest.mark.skipif(
    truth_dir() is None or not has_releases("3.33.0", "3.50.0", "3.58.0"),
    reason="needs expected results and IPD-IMGT/HLA files 3.33.0, 3.50.0 and 3.58.0: set ALLOMATCH_DATA to a folder "
    "laid out imgt/<release>/ with truth/ beside it (`allomatch nomenclature install 3.58.0` gets the files alone)",
)


def existing_data_dir() -> Path:
    """`data_dir()`, for tests already marked `needs_data`."""
    folder = data_dir()
    assert folder is not None, "mark the test with needs_data"
    return folder


def mac_file() -> Path:
    """NMDP's multiple allele codes in the data."""
    (found,) = (existing_data_dir() / "mac").glob("numer.v3*")
    return found


def json_lines(relative: str) -> Iterator[dict[str, Any]]:
    """The rows of a gzip'd JSON-lines file of the truth folder, such as `names/alleles.jsonl.gz`."""
    folder = truth_dir()
    assert folder is not None, "mark the test with needs_truth"
    with gzip.open(folder / relative, "rt", encoding="utf-8") as lines:
        for line in lines:
            row: dict[str, Any] = json.loads(line)
            yield row


def engine_cases(name: str) -> list[dict[str, Any]]:
    """The cases of `engine/<name>.json` of the truth folder."""
    folder = truth_dir()
    assert folder is not None, "mark the test with needs_truth"
    cases: list[dict[str, Any]] = json.loads((folder / "engine" / f"{name}.json").read_text(encoding="utf-8"))["cases"]
    return cases
