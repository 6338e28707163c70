"""Likeness: what a haplotype has of the patient's, locus by locus, by descent or by chance, and how probably.

What: at each locus a chromosome has one of the patient's two (by descent), an allele of the patient's on another chromosome (by
chance), or neither: a mark. A :class:`Belief` has the probability of each row of marks for a founder's chromosome; `Frame.passed`
and `Frame.by_rows` pass them on through a meiosis with any number of recombinations; `Frame.shares` asks of a person with two
independent haplotypes. Invariants: the rows of a haplotype sum to 1; nothing is left out but rows of less than 1e-13. Why
rows and not loci: alleles of one haplotype depend on each other in the population. Alleles that the patient lacks are all one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
import numpy.typing as npt

from allomatch.roadmap.family_typings import UNKNOWN, HaplotypeWeights, Pattern

__all__ = ["ALIKE", "BOTH", "FIRST", "NEITHER", "ONE", "SECOND", "Array", "Belief", "Frame", "Haplotype", "meiosis"]

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]
# Marks: neither; the patient's chromosome with the first, the second allele; the first, second allele on another one.
NEITHER, FIRST, SECOND, LIKE_FIRST, LIKE_SECOND = range(5)
# Answers about the two haplotypes of a person at a locus, as bits: both by descent; one at least; the patient's alleles.
BOTH, ONE, ALIKE = 1, 2, 4
_UNTYPED, _HOMOZYGOUS, _HETEROZYGOUS = 3, 4, 5  # how many marks a locus has
_LEAST = 1e-13
_FEW_PAIRS = 30_000  # pairs of rows that are looked at one by one; of more, each locus in turn
Ways = tuple[npt.NDArray[np.bool_], Array]


@dataclass(frozen=True, slots=True)
class Belief:
    """What a founder's chromosome may have of the patient's.

    Attributes:
        marks: By row, by locus.
        odds: Of the rows; they sum to 1.
        known: By locus the mark, or -1; nothing of a blend.
    """

    marks: Rows
    odds: Array
    known: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.odds)


@dataclass(frozen=True, slots=True)
class Haplotype:
    """What a haplotype may have: rows of marks, each as one number, and their odds."""

    rows: Rows
    odds: Array


@lru_cache(maxsize=256)
def meiosis(rates: tuple[float, ...]) -> Ways:
    """Return every way through a meiosis: by way, by locus which of a parent's two haplotypes; and their odds."""
    ways = np.array(list(product((False, True), repeat=len(rates) + 1)))
    odds = np.full(len(ways), 0.5)
    for at, rate in enumerate(rates):
        odds *= np.where(ways[:, at] != ways[:, at + 1], rate, 1 - rate)
    return ways[odds > 0], odds[odds > 0]


class Frame:
    """The patient's genotype, by which all others are marked.

    Attributes:
        shape: How many marks each locus has.
        answers: By locus, for the marks of two haplotypes: bits.
    """

    def __init__(self, alleles: Sequence[tuple[int, int] | None], same: Sequence[bool]) -> None:
        """Take the patient's alleles, None where nothing can be compared, and where both are on one chromosome."""
        self.alleles = alleles
        self.shape = tuple(
            _UNTYPED if two is None else _HOMOZYGOUS if two[0] == two[1] else _HETEROZYGOUS for two in alleles
        )
        self.size = int(np.prod(self.shape))
        self.strides = np.array([int(np.prod(self.shape[at + 1 :])) for at in range(len(self.shape))], np.int64)
        self.answers = [_answers(size, one) for size, one in zip(self.shape, same, strict=True)]
        marks = np.indices(self.shape).reshape(len(self.shape), -1)
        # By row: whether there is something of the patient's at every locus; where it is by descent, as bits.
        self.never_unlike = (marks != NEITHER).all(axis=0)
        self.like_rows = np.flatnonzero(self.never_unlike)
        self._like_strides = np.array(
            [int(np.prod([size - 1 for size in self.shape[at + 1 :]])) for at in range(len(self.shape))], np.int64
        )
        descends = (marks == FIRST) | (marks == SECOND)
        self.by_descent: Rows = (descends << np.arange(len(self.shape))[:, None]).sum(axis=0)

    def believe(self, marks: Sequence[int], pattern: Pattern, weights: HaplotypeWeights | None) -> Belief:
        """Return what a chromosome may have, given known marks and alleles; without frequencies the unknown (-1) is unlike."""
        unknown = [at for at, mark in enumerate(marks) if mark < 0]
        if not unknown or weights is None:
            return Belief(np.array([[max(mark, NEITHER) for mark in marks]], np.int64), np.ones(1), tuple(marks))
        options = [(UNKNOWN, *dict.fromkeys(self.alleles[at] or ())) for at in unknown]
        odds = np.empty([len(each) for each in options])
        for place, alleles in zip(np.ndindex(odds.shape), product(*options), strict=True):
            full = list(pattern)
            for at, allele in zip(unknown, alleles, strict=True):
                full[at] = allele
            odds[place] = weights(tuple(full))
        odds /= weights(pattern)
        for axis in range(odds.ndim):  # any allele, less the patient's: neither
            part = np.moveaxis(odds, axis, 0)
            part[0] -= part[1:].sum(axis=0)
        flat = odds.reshape(-1)
        kept = flat > _LEAST
        found = np.tile(np.array(marks, np.int64), (flat.size, 1))
        places = np.indices(odds.shape).reshape(odds.ndim, -1).T
        found[:, unknown] = np.where(places > 0, places + (LIKE_FIRST - 1), NEITHER)
        return Belief(found[kept], flat[kept] / flat[kept].sum(), tuple(marks))

    def blend(self, parts: Sequence[tuple[Belief, float]]) -> Belief:
        """Return what a chromosome may have that is one of several beliefs, with odds."""
        rows = np.concatenate([one.marks @ self.strides for one, _ in parts])
        both = self.gathered(rows, np.concatenate([one.odds * odds for one, odds in parts]))
        return Belief(self.marks(both.rows), both.odds, ())

    def marks(self, rows: Rows) -> Rows:
        """Return the marks of rows; shape (rows, loci)."""
        found: Rows = rows[:, None] // self.strides % np.array(self.shape)
        return found

    def gathered(self, rows: Rows, odds: Array) -> Haplotype:
        """Return a haplotype with each row once."""
        sums: Array = np.bincount(rows.reshape(-1), weights=odds.reshape(-1), minlength=self.size).astype(float)
        kept = np.flatnonzero(sums)
        return Haplotype(kept, sums[kept])

    def blended(self, labels: Sequence[int], beliefs: Mapping[int, Belief]) -> Haplotype:
        """Return a haplotype that is a mosaic of founder chromosomes."""
        rows, odds = np.zeros(1, np.int64), np.ones(1)
        for chromosome in dict.fromkeys(labels):
            used = self.strides * [label == chromosome for label in labels]
            one = beliefs[chromosome]
            part = self.gathered(one.marks @ used, one.odds)
            rows = (rows[:, None] + part.rows).reshape(-1)
            odds = (odds[:, None] * part.odds).reshape(-1)
        return Haplotype(rows, odds)

    def passed(self, one: Haplotype, other: Haplotype, rates: tuple[float, ...]) -> Haplotype:
        """Return what a child gets of a parent with two independent haplotypes."""
        ways, odds = meiosis(rates)
        if len(one.rows) * len(other.rows) * len(ways) <= 2 * _FEW_PAIRS:
            first = (~ways * self.strides) @ self.marks(one.rows).T
            second = (ways * self.strides) @ self.marks(other.rows).T
            both = odds[:, None, None] * one.odds[:, None] * other.odds
            return self.gathered(first[:, :, None] + second[:, None, :], both)
        loci = range(len(self.shape))
        first, second = (
            np.bincount(each.rows, weights=each.odds, minlength=self.size).reshape(self.shape) for each in (one, other)
        )
        found = np.zeros(self.shape)
        for way, of_way in zip(ways, odds, strict=True):
            left = first.sum(axis=tuple(at for at in loci if way[at]), keepdims=True)
            right = second.sum(axis=tuple(at for at in loci if not way[at]), keepdims=True)
            found += of_way * left * right
        return self.gathered(np.arange(self.size), found)

    def by_rows(
        self,
        ways: Sequence[tuple[Sequence[int], float]],
        beliefs: Mapping[int, Belief],
        apart: Sequence[int],
    ) -> Array:
        """Return how probably a haplotype has each row of which no mark is `NEITHER`; the rows of some chromosomes apart.

        Args:
            ways: By locus the founder chromosome, with the odds.
            beliefs: By chromosome.
            apart: Chromosomes whose rows stay apart; the others are averaged.

        Returns:
            Shape (rows of the chromosomes apart, the first one's first; `like_rows`).
        """
        sizes = [len(beliefs[c]) for c in apart]
        places = np.indices(sizes).reshape(len(apart), -1)
        index, weight = [], []
        for labels, odds in ways:
            own = np.zeros(places.shape[1], np.int64)
            like = np.ones(places.shape[1], bool)
            rows, shares = np.zeros(1, np.int64), np.full(1, odds)
            for chromosome in dict.fromkeys(labels):
                used = np.array([label == chromosome for label in labels])
                one = beliefs[chromosome]
                good = (one.marks[:, used] != NEITHER).all(axis=1)
                number = (one.marks - 1) @ (self._like_strides * used)
                if chromosome in apart:
                    at = places[list(apart).index(chromosome)]
                    own += number[at]
                    like &= good[at]
                else:
                    sums = np.bincount(number[good], one.odds[good])
                    part = np.flatnonzero(sums)
                    rows = (rows[:, None] + part).reshape(-1)
                    shares = (shares[:, None] * sums[part]).reshape(-1)
            kept = np.flatnonzero(like)
            index.append(((kept * len(self.like_rows) + own[kept])[:, None] + rows).reshape(-1))
            weight.append(np.tile(shares, len(kept)))
        sums = np.bincount(np.concatenate(index), np.concatenate(weight), places.shape[1] * len(self.like_rows))
        return sums.reshape(-1, len(self.like_rows)).astype(float)

    def bits(self, ones: Rows, others: Rows) -> npt.NDArray[np.uint8]:
        """Return the answers that hold at every locus, for rows of two haplotypes; shape (ones, others)."""
        found = np.full((len(ones), len(others)), BOTH | ONE | ALIKE, np.uint8)
        first, second = self.marks(ones), self.marks(others)
        for at, table in enumerate(self.answers):
            found &= table[first[:, at]][:, second[:, at]]
        return found

    def shares(self, one: Haplotype, other: Haplotype) -> tuple[float, float, float, float]:
        """Return how probably someone shares both chromosomes, one at least, the alleles, one and the alleles."""
        bits = np.arange(1 << len(self.shape))
        first, second = (np.bincount(self.by_descent[h.rows], h.odds, len(bits)) for h in (one, other))
        # At least the loci of `missing` from the other haplotype, for those that the one has by descent.
        missing = len(bits) - 1 - bits
        at_least = ((bits & missing[:, None]) == missing[:, None]) @ second
        like = [self.never_unlike[h.rows] for h in (one, other)]
        ones, others = one.rows[like[0]], other.rows[like[1]]
        some, more = one.odds[like[0]], other.odds[like[1]]
        if len(ones) * len(others) > _FEW_PAIRS:
            both, alike, one_alike = (
                float(some @ self.asked(question, Haplotype(others, more))[ones])
                for question in (BOTH, ALIKE, ONE | ALIKE)
            )
        else:
            found = self.bits(ones, others)
            both, alike, one_alike = (
                float(some @ (found & question == question) @ more) for question in (BOTH, ALIKE, ONE | ALIKE)
            )
        return both, float(first @ at_least), alike, one_alike

    def asked(self, question: int, other: Haplotype) -> Array:
        """Return by row of a haplotype how probably the answer is yes beside another."""
        found = np.bincount(other.rows, weights=other.odds, minlength=self.size).reshape(self.shape)
        for table in self.answers:
            # Each step takes the first axis and puts the new one last: after all, the axes are in order again.
            found = np.tensordot(found, table & question == question, axes=([0], [1]))
        return found.reshape(-1).astype(float)


@lru_cache(maxsize=16)
def _answers(size: int, one_chromosome: bool) -> npt.NDArray[np.uint8]:
    """Return for the marks of two haplotypes at a locus which answers are yes, as bits."""
    of_first, of_second = {FIRST, LIKE_FIRST}, {SECOND, LIKE_SECOND}
    if size == _HOMOZYGOUS or one_chromosome:
        of_first = of_second = {FIRST, SECOND, LIKE_FIRST}
    found = np.zeros((size, size), np.uint8)
    for a, b in product(range(size), repeat=2):
        both = {a, b} == ({FIRST} if one_chromosome else {FIRST, SECOND})
        alike = (a in of_first and b in of_second) or (a in of_second and b in of_first)
        if size == _UNTYPED:
            alike = both
        found[a, b] = BOTH * both + ONE * (a in (FIRST, SECOND) or b in (FIRST, SECOND)) + ALIKE * alike
    return found
