"""Leaves: typed people without children, summed over one after the other, given the haplotypes of their parents.

What: given the haplotypes of both parents, siblings do not depend on each other. `Leaves` takes a way of descent of all others
and lets one leaf after the other inherit in every way: what remains of one is the alleles that it adds to the founders'
chromosomes and how often it recombined; ways that leave the same are one from then on. Invariants: the same sum as over the ways
of all (the steps forward count every way to a state, those back every way on from it, and both of a leaf's ways give its shares).
Why: of n typed alike there are 4^n ways, but few states; listing them dropped typings that nothing was wrong with.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt

from allomatch.roadmap.descent import Component, Descent, Family, Labels, TooMuchWork
from allomatch.roadmap.family_typings import UNKNOWN, Pattern

__all__ = ["Leaves", "placed", "way_through"]

Numbers = npt.NDArray[np.int64]
Array = npt.NDArray[np.float64]
_LARGEST = 1 << 62
# States cost so much less than haplotypes and steps of the listing.
_STATES = 3
_STEPS = 20
_A_ROW = 10  # what the haplotypes of a state cost, in states
_MANY = 1000  # rows from which impossible haplotypes are left out after each locus, not at the end
_Way = tuple[tuple[int, ...], tuple[int, ...], float, int]  # maternal and paternal bits by locus, odds, recombinations


def way_through(rates: tuple[float, ...], most: int) -> list[tuple[tuple[int, ...], float, int]]:
    """Return ways through a meiosis with few recombinations: bits by locus, odds against none, recombinations."""
    ways: list[tuple[tuple[int, ...], float, int]] = [((bit,), 1.0, 0) for bit in (0, 1)]
    for rate in rates:
        changed = [
            ((*bits, 1 - bits[-1]), odds * rate / (1 - rate), count + 1)
            for bits, odds, count in ways
            if rate > 0 and count < most
        ]
        ways = [((*bits, bits[-1]), odds, count) for bits, odds, count in ways] + changed
    return ways


def _ways(family: Family, name: str, loci: int, most: int) -> list[_Way]:
    maternal, paternal = (way_through(rates[: loci - 1], most) for rates in family.rates[name])
    found = [
        (m, p, odds * other, count + more)
        for (m, odds, count), (p, other, more) in product(maternal, paternal)
        if count + more <= most
    ]
    return sorted(found, key=lambda way: -way[2])


def _inherited(family: Family, labels: Mapping[str, Labels], name: str, way: _Way) -> Labels:
    mother, father = (labels[parent] for parent in family.parents[name])
    one, other = (
        tuple(of[bit][at] for at, bit in enumerate(bits)) for of, bits in ((mother, way[0]), (father, way[1]))
    )
    return one, other


def placed(family: Family, way: Descent, row: Mapping[int, Pattern], most: int) -> Descent:
    """Return a way of descent with labels of the leaves too: of each the likeliest, given the founders' haplotypes."""
    labels = dict(way.labels)
    for name in way.leaves:
        for each in _ways(family, name, len(family.pairs[name]), most):
            own = one, other = _inherited(family, way.labels, name, each)
            first, second = (
                [row[c][at] if c in row else UNKNOWN for at, c in enumerate(side)] for side in (one, other)
            )
            if all(
                pairs is None or two in pairs
                for pairs, two in zip(family.pairs[name], zip(first, second, strict=True), strict=True)
            ) and all(phase.allows(first, second) for phase in family.phases.get(name, ())):
                labels[name] = own
                break
    return replace(way, labels=labels)


@dataclass(slots=True)
class _States:
    """What can be so far: by row the haplotypes of chromosomes as numbers, recombinations, and the odds of the ways there."""

    codes: Numbers
    used: Numbers
    odds: Array  # of all ways; of those with no leaf identical; nor haploidentical


@dataclass(slots=True)
class _Step:
    """From states to the next, by one way of a leaf."""

    source: Numbers
    target: Numbers
    odds: float
    least: int
    alike: npt.NDArray[np.bool_]


class Leaves:
    """The sum over leaves."""

    def __init__(self, family: Family, weights: Callable[[Pattern], float], loci: int, most: int) -> None:
        """Take the leaves; those whose typing leaves the fewest choices come first, so that there are few states."""
        self.family, self.weights, self.loci = family, weights, loci
        self.left = _STEPS * most
        self.most_states = _STATES * most
        self.names = sorted(
            (name for name in family.leaves if any(pair is not None for pair in family.pairs[name])),
            key=lambda name: math.prod(len(pairs) for pairs in family.pairs[name] if pairs is not None),
        )
        alleles = [
            [allele for pairs in family.pairs.values() for pair in pairs[at] or () for allele in pair]
            for at in range(loci)
        ]
        self.sizes = [max(each, default=0) + 2 for each in alleles]
        self.strides = [math.prod(self.sizes[at + 1 :]) for at in range(loci)]
        if self.names and math.prod(self.sizes) > _LARGEST:
            raise TooMuchWork
        self.pairs = {
            name: [None if p is None else np.array(sorted(p), np.int64).reshape(-1, 2) + 1 for p in family.pairs[name]]
            for name in self.names
        }
        own = family.pairs.get(family.patient, [None] * loci)
        self.compared = {
            name: [own[at] is not None and family.pairs[name][at] is not None for at in range(loci)]
            for name in self.names
        }
        self.typed = any(pair is not None for pair in own)
        self._weight: dict[int, float] = {}

    def __call__(self, ways: Sequence[Descent], crossovers: int) -> list[Descent]:
        """Return ways of descent of the others with all ways of the leaves, by how many recombinations there are in all."""
        if not self.names:
            return list(ways)
        # From each state each leaf inherits in every way: whether that is too much is known first.
        count = [
            2 * _A_ROW + sum(len(_ways(self.family, name, self.loci, left)) for name in self.names)
            for left in range(crossovers + 1)
        ]
        rows = [math.prod(len(each.rows) for each in self.touched(way)[1]) for way in ways]
        if sum(each * count[crossovers - way.crossovers] for each, way in zip(rows, ways, strict=True)) > self.left:
            raise TooMuchWork
        return [each for way in ways for each in self.summed(way, crossovers)]

    def touched(self, way: Descent) -> tuple[set[int], list[Component]]:
        """Return the chromosomes of the leaves' parents and of the patient, and the components that have one of them."""
        near = {parent for name in self.names for parent in self.family.parents[name]}
        near |= {self.family.patient} if self.typed else set()
        wanted = {c for name in near for side in way.labels[name] for c in side}
        return wanted, [each for each in way.components if wanted.intersection(each.chromosomes)]

    def summed(self, way: Descent, crossovers: int) -> list[Descent]:
        """Return one way of descent of the others with all ways of the leaves."""
        family = self.family
        wanted, touched = self.touched(way)
        chromosomes = sorted(wanted.union(*(each.chromosomes for each in touched)))
        self.index = {c: at for at, c in enumerate(chromosomes)}
        rows = [{c: p for row, _ in parts for c, p in row.items()} for parts in product(*touched)]
        blank = (UNKNOWN,) * self.loci
        codes = np.array([[self.code(row.get(c, blank)) for c in chromosomes] for row in rows], np.int64)
        # The weight of the chromosomes that are not touched.
        rest = way.weight / float(self.likelihoods(codes).sum())
        states = _States(codes, np.full(len(codes), way.crossovers, np.int64), np.ones((len(codes), 3)))
        steps: list[list[_Step]] = []
        before: list[Array] = []
        met = {parent for both in family.without_leaves().parents.values() for parent in both}
        for name in self.names:
            before.append(states.odds[:, 0])
            states, taken = self.passed(states, way.labels, name, crossovers, met)
            if not len(states.codes):
                return []
            steps.append(taken)
            met.update(family.parents[name])
        self.left -= _A_ROW * len(states.codes)
        if self.left < 0:
            raise TooMuchWork
        counts = range(way.crossovers, crossovers + 1)
        likelihoods = self.likelihoods(states.codes)
        ahead = np.stack([likelihoods * (states.used == count) for count in counts], axis=1)
        totals = states.odds[:, 0] @ ahead
        shares = self.shares(steps, before, ahead)
        found = []
        for at, count in enumerate(counts):
            if totals[at] > 0:
                odds = states.odds * ahead[:, at, None] / totals[at]
                own = np.flatnonzero(odds[:, 0])
                patterns = {int(code): self.pattern(int(code)) for code in np.unique(states.codes[own])}
                table = [
                    (tuple([patterns[code] for code in row]), share)
                    for row, share in zip(states.codes[own].tolist(), odds[own, 0].tolist(), strict=True)
                ]
                component = Component(tuple(chromosomes), table)
                others = tuple(each for each in way.components if each not in touched)
                unlike = tuple((a, b) for a, b in odds[own, 1:].tolist())
                of_leaves = {}
                for name, sums in shares.items():
                    both, one, alike = (sums[:, at] / totals[at]).tolist()
                    of_leaves[name] = both, one, alike
                found.append(
                    Descent(rest * float(totals[at]), way.labels, (component, *others), count, of_leaves, unlike)
                )
        return found

    def shares(self, steps: Sequence[Sequence[_Step]], before: Sequence[Array], ahead: Array) -> dict[str, Array]:
        """Return by leaf the odds of both, one at least, and alike, by how many recombinations there are in the end."""
        found = {}
        for name, taken, odds in zip(reversed(self.names), reversed(steps), reversed(before), strict=True):
            behind = np.zeros((len(odds), ahead.shape[1]))
            sums = np.zeros((3, ahead.shape[1]))
            for step in taken:
                on = step.odds * ahead[step.target]
                for at in range(ahead.shape[1]):
                    behind[:, at] += np.bincount(step.source, on[:, at], len(odds))
                here = odds[step.source]
                whole = here @ on
                sums[0] += whole * (step.least == 2)
                sums[1] += whole * (step.least >= 1)
                sums[2] += (here * step.alike) @ on
            ahead = behind
            found[name] = sums
        return found

    def passed(
        self, states: _States, labels: Mapping[str, Labels], name: str, crossovers: int, met: set[str]
    ) -> tuple[_States, list[_Step]]:
        """Let a leaf inherit in every way."""
        family = self.family
        steps: list[_Step] = []
        codes, used, odds = [], [], []
        own = labels[family.patient]
        for way in _ways(family, name, self.loci, crossovers):
            # The two chromosomes of a founder of whom there is no other child yet are interchangeable.
            if any(
                bits[0] and parent not in met and parent not in family.parents
                for parent, bits in zip(family.parents[name], way[:2], strict=True)
            ):
                continue
            left = np.flatnonzero(states.used <= crossovers - way[3])
            if not len(left):
                continue
            of_leaf = _inherited(family, labels, name, way)
            source, after = self.extended(states.codes[left], of_leaf, name)
            if not len(after):
                continue
            source = left[source]
            common = [max((a == c) + (b == d), (a == d) + (b == c)) for a, b, c, d in zip(*own, *of_leaf, strict=True)]
            least = min(common)
            alike = self.alike(after, own, of_leaf, common, self.compared[name])
            kept = np.ones((len(after), 3))
            if family.leaves[name]:
                kept[:, 1] = ~alike
                kept[:, 2] = ~alike & (least == 0)
            steps.append(_Step(source, source, way[2], least, alike))
            codes.append(after)
            used.append(states.used[source] + way[3])
            odds.append(states.odds[source] * kept * way[2])
        if not steps:
            return _States(states.codes[:0], states.used[:0], states.odds[:0]), []
        self.left -= sum(map(len, codes))
        if self.left < 0:
            raise TooMuchWork
        every, all_used = np.concatenate(codes), np.concatenate(used)
        first, group = _distinct([all_used, *every.T])
        if len(first) > self.most_states:
            raise TooMuchWork
        ends = np.cumsum([len(each) for each in codes])[:-1]
        for step, target in zip(steps, np.split(group, ends), strict=True):
            step.target = target
        weighed = np.concatenate(odds)
        sums = np.empty((len(first), 3))
        for at in range(3):
            sums[:, at] = np.bincount(group, weighed[:, at], len(first))
        return _States(every[first], all_used[first], sums), steps

    def extended(self, codes: Numbers, labels: Labels, name: str) -> tuple[Numbers, Numbers]:
        """Return states in which someone has founder chromosomes, with the alleles that this adds; and of which state."""
        source = np.arange(len(codes))
        for at, pairs in enumerate(self.pairs[name]):
            if pairs is None:
                continue
            one, other = self.index[labels[0][at]], self.index[labels[1][at]]
            if one == other:
                pairs = pairs[pairs[:, 0] == pairs[:, 1]]
            x, y = self.digits(codes[:, one], at)[:, None], self.digits(codes[:, other], at)[:, None]
            rows, which = np.nonzero(((x == 0) | (x == pairs[:, 0])) & ((y == 0) | (y == pairs[:, 1])))
            source, codes = source[rows], codes[rows]
            new = (x[rows, 0] == 0) * pairs[which, 0]
            codes[:, one] += new * self.strides[at]
            if one != other:
                codes[:, other] += (y[rows, 0] == 0) * pairs[which, 1] * self.strides[at]
            if len(codes) > _MANY:
                kept = self.likelihoods(codes[:, sorted({one, other})]) > 0
                source, codes = source[kept], codes[kept]
            if len(codes) > self.most_states:
                raise TooMuchWork
        kept = self.likelihoods(codes) > 0
        for phase in self.family.phases.get(name, ()):
            first, second = (
                np.stack([self.digits(codes[:, self.index[side[at]]], at) - 1 for at in range(self.loci)], axis=1)
                for side in labels
            )
            kept &= np.array(
                [phase.allows(a, b) for a, b in zip(first.tolist(), second.tolist(), strict=True)], np.bool_
            )
        return source[kept], codes[kept]

    def alike(
        self, codes: Numbers, own: Labels, labels: Labels, common: Sequence[int], compared: Sequence[bool]
    ) -> npt.NDArray[np.bool_]:
        """Return by state whether someone has the patient's alleles; at loci that are not compared both chromosomes."""
        found = np.ones(len(codes), np.bool_)
        for at in range(self.loci):
            if common[at] == 2:
                continue
            if not compared[at]:
                return np.zeros(len(codes), np.bool_)
            a, b, x, y = (self.digits(codes[:, self.index[side[at]]], at) for side in (*own, *labels))
            found &= ((a == x) & (b == y)) | ((a == y) & (b == x))
        return found

    # --- haplotypes as numbers ---

    def code(self, pattern: Pattern) -> int:
        """Return the number of a haplotype: digits by locus, 0 where it is not known."""
        return sum((allele + 1) * stride for allele, stride in zip(pattern, self.strides, strict=True))

    def pattern(self, code: int) -> Pattern:
        """Return the haplotype of a number."""
        return tuple(code // stride % size - 1 for stride, size in zip(self.strides, self.sizes, strict=True))

    def digits(self, codes: Numbers, at: int) -> Numbers:
        """Return what haplotypes have at a locus: 0, or the allele and one."""
        found: Numbers = codes // self.strides[at] % self.sizes[at]
        return found

    def likelihoods(self, codes: Numbers) -> Array:
        """Return by state the product of the frequencies of haplotypes."""
        found = np.ones(len(codes))
        for column in codes.T:
            distinct, where = np.unique(column, return_inverse=True)
            for code in distinct.tolist():
                if code not in self._weight:
                    self._weight[code] = self.weights(self.pattern(code))
            found *= np.array([self._weight[code] for code in distinct.tolist()])[where]
        return found


def _distinct(columns: Sequence[Numbers]) -> tuple[Numbers, Numbers]:
    """Return the first of each distinct row, and for each row which one it is."""
    key = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        distinct, where = np.unique(column, return_inverse=True)
        if len(distinct) > 1:
            key = np.unique(key * len(distinct) + where, return_inverse=True)[1]
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    return first, group
