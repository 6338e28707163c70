"""Checkpoints of an estimation: the state after an iteration, in a file, and back.

A checkpoint is an ``.npz`` file of plain numbers (no pickle), private (0600), under its name only when it is complete. It says
which people, alleles and options it belongs to; an estimation goes on from no other.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from allomatch.errors import problem
from allomatch.formats import write_whole
from allomatch.releases import access_problem

__all__ = ["load_checkpoint", "save_checkpoint"]

# kind, block, stage, iteration, iterations, converged, log-likelihood; columns; their classes; frequencies; allele frequencies
State = tuple[tuple[Any, ...], list[int], list[Any], Any, list[Any]]

# What NumPy and zipfile raise at bytes that are not what they were. RuntimeError: a flag that says they are encrypted, or
# (NotImplementedError) packed in a way that is not known; TypeError and AttributeError: a single array, which is no archive.
_DAMAGE = (KeyError, ValueError, TypeError, AttributeError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


def save_checkpoint(path: Path, owner: str, state: State, trace: Sequence[tuple[Any, ...]]) -> None:
    """Write a state and the iterations so far.

    Args:
        path: The file; what was there is replaced.
        owner: Whose state it is; :func:`load_checkpoint` must be given the same text.
        state: As the core gives it.
        trace: Rows of numbers, the last columns of which are the columns of the stage as bits.

    Raises:
        FileAccessError: It cannot be written; what was there stays.
    """
    numbers, columns, classes, frequencies, alleles = state
    arrays: dict[str, Any] = {
        "owner": np.frombuffer(owner.encode(), np.uint8),
        "counts": np.array(numbers[:-1], np.int64),
        "log_likelihood": np.array(numbers[-1], np.float64),
        "columns": np.array(columns, np.int64),
        "frequencies": frequencies,
        "trace": np.array(trace, np.float64),
    }
    arrays |= {f"classes_{i}": column for i, column in enumerate(classes)}
    arrays |= {f"alleles_{i}": column for i, column in enumerate(alleles)}
    write_whole(path, lambda file: np.savez(file, **arrays))


def load_checkpoint(path: Path, owner: str) -> tuple[State, list[tuple[Any, ...]]]:
    """Read what :func:`save_checkpoint` wrote.

    Raises:
        FileAccessError: It cannot be read.
        FileFormatError: It is no checkpoint, or damaged.
        ArgumentError: It belongs to other people or options.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        said = arrays["owner"].tobytes().decode()
        counts = [int(value) for value in arrays["counts"]]
        kind, block, stage, iteration, iterations, converged = counts
        columns = [int(column) for column in arrays["columns"]]
        alleles = [arrays[f"alleles_{i}"] for i in range(sum(name.startswith("alleles_") for name in arrays))]
        classes = [arrays[f"classes_{i}"] for i in range(len(columns))]
        numbers = (kind, block, stage, iteration, iterations, bool(converged), float(arrays["log_likelihood"]))
        state = (numbers, columns, classes, arrays["frequencies"], alleles)
        trace = [tuple(row) for row in arrays["trace"].reshape(-1, 6).tolist()]
    except _DAMAGE as failure:
        raise problem(
            "CorruptFile", f"{str(path)!r} is no checkpoint of an estimation, or it is damaged ({failure}); delete it"
        ) from failure
    except OSError as failure:
        raise access_problem(f"cannot read {str(path)!r}", failure, "check its permissions") from failure
    if said != owner:
        raise problem(
            "InvalidArgument",
            f"{str(path)!r} is the checkpoint of an estimation of other people or with other options ({said}; this is {owner}); "
            "give the same again, or another checkpoint",
        )
    return state, trace
