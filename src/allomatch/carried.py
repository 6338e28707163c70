"""Carried sets: haplotype frequencies under a nomenclature, as the core reads them, each made once.

A set of alleles becomes a set of classes (docs/prediction.md): its names carried to ARD groups, equal haplotypes joined, what
cannot be carried reported. Two populations make one set with two frequencies, for people of mixed ancestry.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from allomatch import _core
from allomatch.errors import problem
from allomatch.frequencies import HaplotypeFrequencies
from allomatch.nomenclature import LOCI, Nomenclature
from allomatch.people import row_table

__all__ = ["Carried", "Populations", "carry", "not_carried", "populations_of"]

# One population, or those of both parents.
Populations = HaplotypeFrequencies | tuple[HaplotypeFrequencies, HaplotypeFrequencies]


@dataclass(frozen=True, slots=True)
class Carried:
    """A set under a nomenclature.

    Attributes:
        core: The set of the core.
        population: Its population, or both as ``"A x B"``.
        loci: Its loci, in the house order.
    """

    core: _core.HaplotypeSet
    population: str
    loci: tuple[str, ...]


_kept: dict[tuple[object, ...], tuple[object, Carried]] = {}
_lock = threading.Lock()
# Sets that are kept; a set of 300,000 haplotypes has some 6 MB, and takes some 50 ms to make again.
_MOST_KEPT = 64


_NOT_CARRIED = pa.schema(
    [
        ("locus", pa.string()),
        ("name", pa.string()),
        ("haplotypes", pa.int64()),
        ("frequency", pa.float64()),
        ("reason", pa.string()),
    ]
)


def not_carried(frequencies: HaplotypeFrequencies, nomenclature: Nomenclature) -> pa.Table:
    """Return the names of a set that a nomenclature cannot carry to one ARD group; their haplotypes are left out of predictions.

    Returns:
        Columns ``locus``, ``name``, ``haplotypes`` (how many have it), ``frequency`` (theirs together), ``reason``. Empty if
        all can be carried. A haplotype with two such names counts at both.

    Example:
        >>> table = pa.table({"A": ["A*01:01", "A*02:XX"], "frequency": [0.6, 0.4]})
        >>> freqs = HaplotypeFrequencies.from_arrow(table, population="X")
        >>> not_carried(freqs, Nomenclature.two_field()).to_pylist()[0]["reason"]
        'it stands for more than one ARD group'
    """
    return row_table(carry(frequencies, nomenclature).core.lost[2], _NOT_CARRIED)


def populations_of(frequencies: object) -> tuple[HaplotypeFrequencies, ...]:
    """Return one or two populations; raises ArgumentError for anything else."""
    if isinstance(frequencies, HaplotypeFrequencies):
        return (frequencies,)
    pair = frequencies if isinstance(frequencies, tuple) else ()
    if len(pair) != 2 or not all(isinstance(each, HaplotypeFrequencies) for each in pair):
        raise problem(
            "WrongType",
            f"frequencies are {frequencies!r:.80}; HaplotypeFrequencies are needed, or a pair of them for a person of two "
            "populations",
        )
    return pair


def carry(frequencies: Populations, nomenclature: Nomenclature, loci: Sequence[str] | None = None) -> Carried:
    """Return a set under a nomenclature, over some of its loci (the others are summed over).

    Raises:
        ArgumentError: No locus is left, or two populations share none.
    """
    populations = populations_of(frequencies)
    shared = [locus for locus in LOCI if all(locus in each.loci for each in populations)]
    wanted = tuple(locus for locus in shared if loci is None or locus in loci)
    if not wanted:
        raise problem(
            "InvalidArgument",
            f"the frequencies of {' and '.join(each.population for each in populations)} have the loci "
            f"{', '.join(dict.fromkeys(x for each in populations for x in each.loci))}; none of them is "
            f"{'shared' if loci is None else 'asked for (' + ', '.join(loci) + ')'}",
        )
    # Objects are compared, not their contents: they never change, and the kept entry keeps them alive.
    key = (*(id(each) for each in populations), id(nomenclature._core), wanted)
    with _lock:
        if key in _kept:
            return _kept[key][1]
    made = _carry(populations, nomenclature, wanted)
    with _lock:
        while len(_kept) >= _MOST_KEPT:
            del _kept[next(iter(_kept))]
        _kept[key] = ((populations, nomenclature), made)
    return made


def _carry(populations: Sequence[HaplotypeFrequencies], nomenclature: Nomenclature, loci: tuple[str, ...]) -> Carried:
    names, codes = [], []
    for locus in loci:
        columns = [each.names(locus) for each in populations]
        unified = pa.chunked_array(columns).combine_chunks().dictionary_encode()
        texts = unified.dictionary.to_pylist()
        places = unified.indices.to_numpy()
        starts = np.cumsum([0, *(len(column) for column in columns)])
        names.append(texts)
        codes.append(
            np.concatenate(
                [
                    places[start : start + len(c)][each.codes(locus)]
                    for each, c, start in zip(populations, columns, starts, strict=False)
                ]
            ).astype(np.uint32)
        )
    first = _usable(populations[0], nomenclature, loci)
    second = None
    if len(populations) == 2:
        other = _usable(populations[1], nomenclature, loci)
        first, second = np.concatenate([first, np.zeros(len(other))]), np.concatenate([np.zeros(len(first)), other])
    core = _core.HaplotypeSet(nomenclature._core, list(loci), names, codes, first, second)
    return Carried(core, " x ".join(each.population for each in populations), loci)


def _usable(
    population: HaplotypeFrequencies, nomenclature: Nomenclature, loci: Sequence[str]
) -> npt.NDArray[np.float64]:
    """Return frequencies, 0 of those haplotypes that cannot be carried at a locus that is left out.

    So a probability does not depend on which loci of a set a question needs.
    """
    frequencies = population.frequencies
    for locus in population.loci:
        if locus not in loci:
            carried = _core.carried_names(nomenclature._core, locus, population.names(locus).to_pylist())
            if not all(carried):
                frequencies = np.where(np.array(carried)[population.codes(locus)], frequencies, 0.0)
    return frequencies
