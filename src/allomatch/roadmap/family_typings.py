"""What a family's typings say: alleles that no typing tells apart are one, and how frequent haplotypes of them are.

What: `read_typings` asks the core which pairs of alleles each typing allows at each locus, among the alleles of the frequency set
and those of the family; `HaplotypeWeights` has the frequency of a haplotype of which some loci are known. Invariants: two
alleles have one number only if every typing of the family treats them alike, so nothing is lost; -1 is "not known". Why:
what an ambiguous typing means is the core's to say, in one place; and a family knows ten alleles of a locus, not thousands.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allomatch import _core
from allomatch.carried import Carried
from allomatch.errors import TypingError
from allomatch.nomenclature import Nomenclature
from allomatch.phenotype import Phenotype

__all__ = ["FamilyTypings", "HaplotypeWeights", "Phase", "Unreadable", "read_typings"]

UNKNOWN = -1
# Alleles of an open typing (an XX code, an antigen) that are tried beside those of the set and the family.
_MOST_OF_ONE = 60
_MOST_APART = 8
_MOST_COUNTED = 4_000_000  # codes below this are summed by counting
Pairs = frozenset[tuple[int, int]]
Pattern = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Phase:
    """Loci reported as two haplotypes: what the first and the second may be at each."""

    loci: tuple[int, ...]
    first: tuple[frozenset[int], ...]
    second: tuple[frozenset[int], ...]

    def allows(self, one: Sequence[int], other: Sequence[int]) -> bool:
        """Whether two haplotypes, alleles by locus of the family, are these two; what is not known may be anything."""

        def fits(haplotype: Sequence[int], side: tuple[frozenset[int], ...]) -> bool:
            return all(haplotype[at] in allowed for at, allowed in zip(self.loci, side, strict=True))

        return (fits(one, self.first) and fits(other, self.second)) or (
            fits(one, self.second) and fits(other, self.first)
        )


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A typing at a locus that means nothing here."""

    person: str
    locus: str
    value: str
    reason: str


@dataclass(slots=True)
class FamilyTypings:
    """What all typings of a family say.

    Attributes:
        loci: In the order along the chromosome.
        names: By locus, the allele of each number; several joined by ``/``, shortened.
        pairs: By person, by locus: the ordered pairs of alleles that the typing allows; None where untyped.
        phases: By person: loci in phase.
        unreadable: What could not be read, and was left out.
        set_numbers: By locus, by frequency set: the number of each of its alleles.
    """

    loci: tuple[str, ...]
    names: list[list[str]]
    pairs: dict[str, list[Pairs | None]]
    phases: dict[str, tuple[Phase, ...]]
    unreadable: tuple[Unreadable, ...]
    set_numbers: list[list[npt.NDArray[np.int64]]]


def read_typings(
    typings: Mapping[str, Phenotype],
    loci: Sequence[str],
    nomenclature: Nomenclature,
    carried: Sequence[Carried],
    apart: str,
) -> FamilyTypings:
    """Read the typings of a family.

    Args:
        typings: By person.
        loci: In the order along the chromosome.
        nomenclature: What the names stand for.
        carried: The frequency sets, if there are any.
        apart: Whose possible alleles keep numbers of their own, where they are few: what others share with this person.
    """
    pairs: dict[str, list[Pairs | None]] = {name: [] for name in typings}
    sides: dict[str, list[tuple[frozenset[int], frozenset[int]] | None]] = {name: [] for name in typings}
    unreadable: list[Unreadable] = []
    names: list[list[str]] = []
    numbers: list[list[npt.NDArray[np.int64]]] = []
    phased = {name: _phased_texts(typings[name].gl) for name in typings}
    for locus in loci:
        of_sets = [set_.core.names()[set_.core.loci.index(locus)] if locus in set_.loci else [] for set_ in carried]
        known = [name for of_set in of_sets for name in of_set]
        alleles = _alleles(locus, [typing[locus] for typing in typings.values()], known, nomenclature)
        one = _core.HaplotypeSet(
            nomenclature._core,
            [locus],
            [alleles],
            [np.arange(len(alleles), dtype=np.uint32)],
            np.full(len(alleles), 1.0 / len(alleles)),
        )
        classes = one.names()[0]
        matrices: dict[str, npt.NDArray[np.bool_]] = {}
        masks: dict[str, tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]] = {}
        for name, typing in typings.items():
            if not typing[locus]:
                continue
            try:
                matrices[name] = _allowed(one, locus, typing[locus], len(classes))
                if locus in phased[name]:
                    texts = phased[name][locus][1:]
                    masks[name] = tuple(_allowed(one, locus, f"{t}+{t}", len(classes)).any(axis=1) for t in texts)  # type: ignore[assignment]
            except TypingError as failure:
                unreadable.append(Unreadable(name, locus, typing[locus], str(failure)))
                matrices.pop(name, None)
        # One number for alleles that all typings treat alike.
        columns = [*matrices.values(), *(mask[:, None] for both in masks.values() for mask in both)]
        signatures = np.hstack(columns) if columns else np.zeros((len(classes), 1), bool)
        if apart in matrices and (few := np.flatnonzero(matrices[apart].any(axis=1))).size <= _MOST_APART:
            own = np.zeros((len(classes), few.size), bool)
            own[few, np.arange(few.size)] = True
            signatures = np.hstack([signatures, own])
        first, group = _distinct_rows(signatures)
        names.append([_joined([classes[i] for i in np.flatnonzero(group == g)]) for g in range(len(first))])
        at = {name: number for number, name in enumerate(classes)}
        numbers.append([np.array([group[at[name]] for name in of_set], np.int64) for of_set in of_sets])
        for name in typings:
            matrix = matrices.get(name)
            where = None if matrix is None else np.argwhere(matrix[np.ix_(first, first)])
            pairs[name].append(None if where is None else frozenset((int(a), int(b)) for a, b in where))
            sides[name].append(
                None
                if name not in masks or matrix is None
                else (
                    frozenset(int(g) for g in group[masks[name][0]]),
                    frozenset(int(g) for g in group[masks[name][1]]),
                )
            )
    phases = {}
    for name, found in sides.items():
        blocks: dict[int, dict[int, tuple[frozenset[int], frozenset[int]]]] = {}
        for place, side in enumerate(found):
            if side is not None:
                blocks.setdefault(phased[name][loci[place]][0], {})[place] = side
        phases[name] = tuple(
            Phase(tuple(b), tuple(side[0] for side in b.values()), tuple(side[1] for side in b.values()))
            for b in blocks.values()
            if len(b) > 1
        )
    return FamilyTypings(tuple(loci), names, pairs, phases, tuple(unreadable), numbers)


def _distinct_rows(rows: npt.NDArray[np.bool_]) -> tuple[list[int], npt.NDArray[np.int64]]:
    """Return the first of each distinct row, and for each row which one it is."""
    first: list[int] = []
    number: dict[bytes, int] = {}
    group = np.empty(len(rows), np.int64)
    for at, row in enumerate(np.packbits(rows, axis=1)):
        key = row.tobytes()
        if key not in number:
            number[key] = len(first)
            first.append(at)
        group[at] = number[key]
    return first, group


def _allowed(one: _core.HaplotypeSet, locus: str, typing: str, size: int) -> npt.NDArray[np.bool_]:
    """Return which ordered pairs of a locus's alleles a typing allows; bool, shape (size, size)."""
    people = _core.People(one, Phenotype(typing)._core)
    if people.errors:
        raise TypingError(people.errors[0][4], people.errors[0][5])
    found = people.genotypes([locus])[0][:, 0, :] if len(people) else np.zeros((0, 2), np.uint16)
    matrix = np.zeros((size, size), bool)
    matrix[found[:, 0], found[:, 1]] = True
    return matrix | matrix.T


def _alleles(locus: str, typings: Sequence[str], of_set: Sequence[str], nomenclature: Nomenclature) -> list[str]:
    """Return the alleles of a set and those that typings name, and of open typings some."""
    found = dict.fromkeys(of_set)
    for token in dict.fromkeys(token for typing in typings for token in re.split(r"[+|/~]", typing) if token):
        try:
            carried = _core.carried_names(nomenclature._core, locus, [token])[0]
            reduced = [token] if carried else nomenclature._core.reduce(token, "ard")
        except TypingError:
            continue  # said by whoever reads the typing
        found |= dict.fromkeys(reduced[:_MOST_OF_ONE])
        fields = re.search(r"\*(\d+):", token)
        if not carried:
            stems = [fields.group(1)] if fields else [f"{number:02}" for number in range(1, 100)]
            found |= dict.fromkeys(f"{locus}*{stem}:01" for stem in stems)
    listed = list(found)
    try:
        good = _core.carried_names(nomenclature._core, locus, listed)
    except TypingError:
        good = [_carries(nomenclature, locus, name) for name in listed]
    kept = [name for name, one in zip(listed, good, strict=True) if one]
    return kept or [f"{locus}*01:01"]


def _carries(nomenclature: Nomenclature, locus: str, name: str) -> bool:
    try:
        return bool(_core.carried_names(nomenclature._core, locus, [name])[0])
    except TypingError:
        return False


def _phased_texts(gl: str) -> dict[str, tuple[int, str, str]]:
    """Return by locus the number of its phased block, and its texts on the block's two haplotypes."""
    found: dict[str, tuple[int, str, str]] = {}
    for block, part in enumerate(gl.split("^")):
        if "~" in part and "|" not in part:
            two = [side.split("~") for side in part.split("+")]
            if len(two) == 2 and len(two[0]) == len(two[1]):
                for first, second in zip(*two, strict=True):
                    found[first.partition("*")[0]] = (block, first, second)
    return found


def _joined(names: Sequence[str]) -> str:
    return "/".join(names) if len(names) <= 3 else f"{names[0]}/.../{names[-1]}"


class HaplotypeWeights:
    """How frequent haplotypes are of which some loci are known.

    Of a frequency set: the sum over its haplotypes that fit, divided by the sum of all. At loci that it lacks, and everywhere
    without a set: `allele_weight` for each known allele, whichever it is.
    """

    def __init__(self, typings: FamilyTypings, carried: Sequence[Carried], allele_weight: float) -> None:
        self._weight = allele_weight
        self._known: dict[Pattern, float] = {}
        self._sums: dict[tuple[int, ...], list[dict[int, float]]] = {}
        self._sizes = [len(names) for names in typings.names]
        self._of_set = (
            tuple(at for at, locus in enumerate(typings.loci) if all(locus in one.loci for one in carried))
            if carried
            else ()
        )
        self._codes: list[tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]] = []
        for number, one in enumerate(carried if self._of_set else ()):
            classes = one.core.classes(np.arange(len(one.core), dtype=np.uint32))
            columns = [
                typings.set_numbers[at][number][classes[:, one.core.loci.index(typings.loci[at])]]
                for at in self._of_set
            ]
            code = np.zeros(len(classes), np.int64)
            for at, column in zip(self._of_set, columns, strict=True):
                code = code * self._sizes[at] + column
            distinct, sums = _summed(code, one.core.frequencies)
            split = np.empty((len(distinct), len(self._of_set)), np.int64)
            for place in range(len(self._of_set) - 1, -1, -1):
                size = self._sizes[self._of_set[place]]
                split[:, place], distinct = distinct % size, distinct // size
            self._codes.append((split, sums / sums.sum()))

    def __call__(self, pattern: Pattern) -> float:
        """Return the frequency of a haplotype, 0 to 1; ``-1`` where its allele is not known."""
        found = self._known.get(pattern)
        if found is None:
            found = self._known[pattern] = self._of(pattern)
        return found

    def _of(self, pattern: Pattern) -> float:
        subset = tuple(place for place, at in enumerate(self._of_set) if pattern[at] != UNKNOWN)
        others = sum(allele != UNKNOWN for allele in pattern) - len(subset)
        weight = self._weight**others
        if not subset:
            return weight
        if subset not in self._sums:
            self._sums[subset] = [self._sum_over(subset, *one) for one in self._codes]
        code = 0
        for place in subset:
            code = code * self._sizes[self._of_set[place]] + pattern[self._of_set[place]]
        return weight * sum(one.get(code, 0.0) for one in self._sums[subset]) / len(self._codes)

    def _sum_over(
        self, subset: tuple[int, ...], split: npt.NDArray[np.int64], shares: npt.NDArray[np.float64]
    ) -> dict[int, float]:
        code = np.zeros(len(split), np.int64)
        for place in subset:
            code = code * self._sizes[self._of_set[place]] + split[:, place]
        distinct, sums = _summed(code, shares)
        return dict(zip(distinct.tolist(), sums.tolist(), strict=True))


def _summed(
    codes: npt.NDArray[np.int64], values: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return the distinct codes, and the sum of the values of each."""
    if codes.size and codes.max() < _MOST_COUNTED:
        sums = np.bincount(codes, weights=values)
        distinct = np.flatnonzero(sums).astype(np.int64)
        return distinct, sums[distinct].astype(np.float64)
    distinct, where = np.unique(codes, return_inverse=True)
    return distinct, np.bincount(where, weights=values).astype(np.float64)
