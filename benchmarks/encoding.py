"""Donors' text as typing ids, and verdict tables for them: what the baseline scans are given ready-made.

What: `encode` turns the two text columns of a locus into one int32 typing id a donor; `Verdicts` says for every typing id
how few mismatches it may have against a patient. Invariants: a typing is an unordered pair of texts; ids count up from
the most frequent typing; `verdict[id]` is exactly allomatch's own count. Why like this: ids ordered by frequency keep
the frequent verdicts within a few cache lines, and unordered pairs halve the tables, so that the scans are as fast
as they can be; and a registry with one donor a typing gives the verdicts of a whole dictionary in one search.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from allomatch import Nomenclature, Registry

__all__ = ["EncodedLocus", "Verdicts", "encode"]

Text = str | None


@dataclass(frozen=True)
class EncodedLocus:
    """The typings of a locus.

    Attributes:
        ids: Shape (donors,), int32: the typing of each donor.
        typings: The two texts of each id, most frequent first; (None, None) is untyped.
    """

    ids: NDArray[np.int32]
    typings: list[tuple[Text, Text]]


def _codes(column: pa.ChunkedArray, known: dict[Text, int]) -> NDArray[np.int32]:
    """Codes of a text column; `known` grows by its new texts."""
    encoded = column.dictionary_encode().unify_dictionaries()  # one dictionary for all chunks
    codes = np.empty(len(column), dtype=np.int32)
    if not encoded.num_chunks:
        return codes
    texts: list[Text] = [*encoded.chunk(0).dictionary.to_pylist(), None]
    common = np.array([known.setdefault(text, len(known)) for text in texts], dtype=np.int32)
    at = 0
    for chunk in encoded.chunks:
        indices = chunk.indices.fill_null(len(texts) - 1).to_numpy()
        common.take(indices, out=codes[at : at + len(chunk)], mode="clip")
        at += len(chunk)
    return codes


def encode(donors: pa.Table, locus: str) -> EncodedLocus:
    """Encode the columns `<locus>_1` and `<locus>_2`."""
    known: dict[Text, int] = {}
    first, second = (_codes(donors[f"{locus}_{position}"], known) for position in (1, 2))
    texts = list(known)
    keys = np.minimum(first, second).astype(np.int64) * len(texts) + np.maximum(first, second)
    del first, second
    pairs = pa.array(keys).dictionary_encode()
    del keys
    indices = pairs.indices.to_numpy()
    order = np.argsort(-np.bincount(indices, minlength=len(pairs.dictionary)), kind="stable")
    rank = np.empty(len(order), dtype=np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    of_id = pairs.dictionary.to_numpy()[order]
    typings = [(texts[key // len(texts)], texts[key % len(texts)]) for key in of_id.tolist()]
    return EncodedLocus(rank[indices], typings)


class Verdicts:
    """Verdict tables of one patient after another, from one small registry a locus: a donor for every typing id."""

    def __init__(self, typings: dict[str, list[tuple[Text, Text]]], folder: Path, nomenclature: Nomenclature) -> None:
        self._registries: dict[str, Registry] = {}
        self._sizes = {locus: len(pairs) for locus, pairs in typings.items()}
        for locus, pairs in typings.items():
            table: dict[str, Any] = {
                "donor_id": pa.array(np.arange(len(pairs))),
                f"{locus}_1": pa.array([first for first, _ in pairs], pa.string()),
                f"{locus}_2": pa.array([second for _, second in pairs], pa.string()),
            }
            registry = Registry.create(folder / f"typings_{locus}.allo", nomenclature=nomenclature)
            report = registry.add(pa.table(table))
            if report.rejected:
                raise RuntimeError(f"{locus}: typings were rejected: {report.errors.slice(0, 3).to_pylist()}")
            self._registries[locus] = registry

    def of(self, patient: str) -> dict[str, NDArray[np.uint8]]:
        """Locus -> uint8, shape (typings,): fewest mismatches (0, 1, 2) of each typing id."""
        return {locus: self._of_locus(patient, locus) for locus in self._registries}

    def _of_locus(self, patient: str, locus: str) -> NDArray[np.uint8]:
        # Two mismatches are all that a locus can have, so every typing is a hit.
        hits = self._registries[locus].search(patient, [locus], max_mismatches=2)
        verdicts = np.full(self._sizes[locus], 255, dtype=np.uint8)
        verdicts[hits.donor_ids.cast(pa.int64()).to_numpy()] = hits.mismatches
        if hits.total != len(verdicts) or (verdicts > 2).any():
            raise RuntimeError(f"{locus}: {hits.total} verdicts for {len(verdicts)} typings")
        return verdicts

    def of_all(self, patients: Sequence[str]) -> list[dict[str, NDArray[np.uint8]]]:
        """The verdict tables of several patients."""
        return [self.of(patient) for patient in patients]
