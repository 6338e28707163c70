"""Sharing: which haplotypes of the patient each relative has, over all ways of descent; typed or not, one by one and jointly.

What: identical (both haplotypes shared at every locus), haploidentical (one at every locus at least), by descent; and identical by
chance: the same alleles though not the same chromosomes. People of whom nothing is known and who have no typed descendants are
free: their meioses are summed over exactly, any number of recombinations. Invariants: the three probabilities of a person sum to
1; of one person they are exact; joint probabilities respect who is whose child, and what children of the same parents may both
have by chance. Why in two steps: ways of descent in which the untyped look the same are many and are answered once.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from allomatch.roadmap.descent import Descent, Family
from allomatch.roadmap.family_typings import HaplotypeWeights
from allomatch.roadmap.likeness import ALIKE, ONE, Array, Belief, Haplotype, meiosis
from allomatch.roadmap.looks import Look, Looks, Question

__all__ = ["Shares", "Sharing", "share"]

# Joint probabilities keep the rows of founder chromosomes apart that several people may have: so many of one couple,
# and so much work in all; beyond, chance counts as independent of one another's.
_MOST_OF_COUPLE = 1 << 18
_MOST_OF_PARENT = 1 << 22
_MOST_IN_ALL = 1 << 24
_LEAST = 1e-12
Odds = tuple[float, float, float, float]  # of both, one at least, the alleles, one and the alleles


@dataclass(slots=True)
class Shares:
    """What one person shares with the patient; probabilities, 0 to 1."""

    identical: float = 0.0
    haploidentical: float = 0.0
    alike: float = 0.0  # the same alleles, by descent or by chance

    @property
    def other(self) -> float:
        """Shares no haplotype along all loci."""
        return max(0.0, 1.0 - self.identical - self.haploidentical)

    @property
    def by_chance(self) -> float:
        """The same alleles, not by descent."""
        return max(0.0, self.alike - self.identical)


@dataclass(slots=True)
class Sharing:
    """What a family shares with the patient.

    Attributes:
        people: By name.
        any_identical: That someone usable has the same alleles as the patient.
        any_haploidentical: That someone usable shares a haplotype at least, or has the same alleles.
    """

    people: dict[str, Shares] = field(default_factory=dict)
    any_identical: float = 0.0
    any_haploidentical: float = 0.0


@dataclass(frozen=True, slots=True)
class _Couple:
    """Untyped people with the same parents, who are of the core or outsiders; or one untyped person of the core."""

    person: str
    count: int
    usable: bool
    below: int  # the number of the table of their usable descendants


class _Answers:
    """What the untyped share, given a look."""

    def __init__(
        self,
        looks: Looks,
        parents: Mapping[str, tuple[str, str]],
        rates: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]],
        core: Collection[str],
        free: Sequence[str],
        untyped: Sequence[str],
        usable: Collection[str],
    ) -> None:
        self.looks, self.parents, self.rates = looks, parents, rates
        self.loci = looks.loci
        self.left = _MOST_IN_ALL
        self._sides: dict[object, Haplotype] = {}
        self._shares: dict[object, Odds] = {}
        self._none: dict[object, tuple[Array, Array]] = {}
        self.core = core
        people = [*untyped, *(name for name in free if name in parents)]
        self.usable = usable
        self.inner = {name for name in free if name in parents}
        below = {name: [kid for kid in self.inner if name in parents[kid]] for name in self.inner}
        # Those whose parent is outside the core.
        self.lower = {name for name in self.inner if self.inner & set(parents[name])}
        self.tables: list[Array] = [np.ones((1 << self.loci, 1 << self.loci))]
        numbers = {self.tables[0].tobytes(): 0}
        grouped: dict[tuple[Any, ...], list[str]] = {}
        for name in people:
            if name in self.lower:
                continue
            number = 0
            if self.usable_below(name, below):
                table = self.none_below(name, below)
                number = numbers.setdefault(table.tobytes(), len(self.tables))
                if number == len(self.tables):
                    self.tables.append(table)
            if name in usable or number:
                key = (self.kind(name), name in usable, number)
                grouped.setdefault(key, []).append(name)
        self.couples = [
            _Couple(names[0], len(names), of_usable, number) for (_, of_usable, number), names in grouped.items()
        ]

    def kind(self, name: str) -> object:
        """Return what is equal of people who share the same with the patient, whatever that is."""
        if name in self.core:
            return name
        if name not in self.inner:
            return None
        return (*(self.kind(parent) for parent in self.parents[name]), self.rates[name])

    def usable_below(self, name: str, below: Mapping[str, Sequence[str]]) -> bool:
        """Whether someone has a usable descendant."""
        return any(kid in self.usable or self.usable_below(kid, below) for kid in below.get(name, ()))

    def none_below(self, name: str, below: Mapping[str, Sequence[str]]) -> Array:
        """Return the probability that no usable descendant has a chromosome of the patient at every locus.

        By the loci, as bits, at which each of someone's two haplotypes has one. A child's other parent has none.
        """
        size = 1 << self.loci
        found = np.ones((size, size))
        one, other = np.arange(size)[:, None], np.arange(size)[None, :]
        for kid in below.get(name, ()):
            side = self.parents[kid].index(name)
            table = self.none_below(kid, below)
            given = (table[:, 0] if side == 0 else table[0]).copy()
            if kid in self.usable:
                given[size - 1] = 0.0
            none = np.zeros((size, size))
            ways, odds_of = meiosis(self.rates[kid][side])
            for bits, odds in zip(ways @ (1 << np.arange(self.loci)), odds_of, strict=True):
                none += odds * given[(one & ~bits) | (other & bits)]
            found *= none
        return found

    # --- one person ---

    def side(self, look: Look, name: str, side: int) -> tuple[object, Haplotype]:
        """Return what one of someone's two haplotypes has of the patient's, chance averaged; with a key."""
        frame = self.looks.frames[look.frame]
        if name in self.core:  # of the core
            labels = look.of(name)[side]
            key: tuple[Any, ...] = (look.frame, *self.renumbered(look, (labels,)))
            if key not in self._sides:
                self._sides[key] = frame.blended(labels, {c: self.belief(look, c) for c in labels})
            return key, self._sides[key]
        parent, rates = self.parents[name][side], self.rates[name][side]
        if parent in self.core:
            both = look.of(parent)
            key = (look.frame, rates, *self.renumbered(look, both))
            if key not in self._sides:
                beliefs = {c: self.belief(look, c) for labels in both for c in labels}
                self._sides[key] = frame.passed(frame.blended(both[0], beliefs), frame.blended(both[1], beliefs), rates)
            return key, self._sides[key]
        if parent in self.inner:
            (one_key, one), (other_key, other) = (self.side(look, parent, at) for at in (0, 1))
            key = (look.frame, rates, one_key, other_key)
            if key not in self._sides:
                self._sides[key] = frame.passed(one, other, rates)
        else:  # an outsider, of whom nothing is known
            key = (look.frame, rates)
            if key not in self._sides:
                one = other = frame.blended((0,) * self.loci, {0: self.looks.blank(look.frame)})
                self._sides[key] = frame.passed(one, other, rates)
        return key, self._sides[key]

    def renumbered(self, look: Look, sides: Sequence[tuple[int, ...]]) -> tuple[object, object]:
        """Return founder chromosomes by number as they appear, and what each may have."""
        number: dict[int, int] = {}
        shape = tuple(tuple(number.setdefault(c, len(number)) for c in labels) for labels in sides)
        return shape, tuple(look.beliefs[c] for c in number)

    def belief(self, look: Look, chromosome: int) -> Belief:
        return self.looks.beliefs[look.beliefs[chromosome]]

    def shares(self, look: Look, name: str) -> Odds:
        """Return the probabilities of what someone shares whose parents are of the core or outsiders."""
        (one_key, one), (other_key, other) = (self.side(look, name, at) for at in (0, 1))
        key = (one_key, other_key)
        if key not in self._shares:
            self._shares[key] = self.looks.frames[look.frame].shares(one, other)
        return self._shares[key]

    def averaged(self, weighed: Sequence[tuple[Look, float]], name: str) -> Odds:
        """Return the probabilities of what someone shares, over all looks.

        They are products of what each of two haplotypes has, someone's own or those of the parent outside the core: of
        all looks that have one of them in common, the other is averaged first.
        """
        parent = next((p for p in self.parents.get(name, ()) if p in self.inner and name not in self.core), None)
        pairs: dict[tuple[int, object, object], float] = {}
        haplotypes: dict[object, Haplotype] = {}
        of_other: dict[int, Haplotype] = {}
        for look, weight in weighed:
            keys = []
            for at in (0, 1):
                key, haplotype = self.side(look, parent or name, at)
                haplotypes[key] = haplotype
                keys.append(key)
            pair = look.frame, keys[0], keys[1]
            pairs[pair] = pairs.get(pair, 0.0) + weight
            if parent and look.frame not in of_other:
                # The other parent is an outsider, who is the same in every look.
                of_other[look.frame] = self.side(look, name, 1 - self.parents[name].index(parent))[1]
        at = 1 if len({key for _, key, _ in pairs}) <= len({key for *_, key in pairs}) else 2
        sums: dict[tuple[int, object], Array] = {}
        for pair, weight in pairs.items():
            key = pair[0], pair[at]
            if key not in sums:
                sums[key] = np.zeros(self.looks.frames[pair[0]].size)
            other = haplotypes[pair[3 - at]]
            sums[key][other.rows] += weight * other.odds
        found = np.zeros(4)
        for (number, one_key), odds in sums.items():
            frame = self.looks.frames[number]
            rows = np.flatnonzero(odds)
            one, other = haplotypes[one_key], Haplotype(rows, odds[rows])
            if parent:
                one = frame.passed(one, other, self.rates[name][self.parents[name].index(parent)])
                other = of_other[number]
            found += frame.shares(one, other)
        both, share_, alike, share_alike = found.tolist()
        return both, share_, alike, share_alike

    # --- jointly ---

    def none(self, look: Look) -> tuple[float, float]:
        """Return the probabilities that no usable untyped person has the patient's alleles; nor shares a haplotype."""
        carried = {couple: self.carried(look, couple.person) for couple in self.couples}
        times: dict[int, int] = {}
        for couple, sides in carried.items():
            for chromosome in {c for side in sides for c in side if len(self.belief(look, c)) > 1}:
                times[chromosome] = times.get(chromosome, 0) + couple.count
        shared = {chromosome for chromosome, count in times.items() if count > 1}
        found = [1.0, 1.0]
        operands: list[list[Any]] = [[], []]
        used: set[int] = set()
        for couple, sides in carried.items():
            kept, tables = self.none_of(look, couple, self.apart(look, couple, sides, shared, times))
            used |= set(kept)
            for at, table in enumerate(tables):
                if kept:
                    operands[at] += [table, kept]
                else:
                    found[at] *= float(table)
        number = {c: at for at, c in enumerate(sorted(used))}
        for at, terms in enumerate(operands if used else ()):
            terms[1::2] = [[number[c] for c in axes] for axes in terms[1::2]]
            for c in number:
                terms += [self.belief(look, c).odds, [number[c]]]
            # The search for an order costs more than it gains where there is but little.
            found[at] *= float(np.einsum(*terms, [], optimize="greedy" if len(number) > 2 else False))
        return found[0], found[1]

    def carried(self, look: Look, name: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the founder chromosomes that either haplotype of someone may have."""
        if name in self.core:
            sides: Sequence[Sequence[int]] = look.of(name)
        else:
            sides = [
                [c for labels in look.of(parent) for c in labels] if parent in self.core else ()
                for parent in self.parents[name]
            ]
        one, other = (tuple(dict.fromkeys(side)) for side in sides)
        return one, other

    def rows(self, look: Look, chromosomes: Sequence[int]) -> int:
        return math.prod([len(self.belief(look, c)) for c in chromosomes])

    def apart(
        self,
        look: Look,
        couple: _Couple,
        sides: tuple[tuple[int, ...], tuple[int, ...]],
        shared: Collection[int],
        times: Mapping[int, int],
    ) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return the chromosomes whose rows stay apart: those that several people may have, as far as that is feasible."""
        kept = tuple(tuple(c for c in side if c in shared) for side in sides)
        for least in (
            0,
            couple.count,
        ):  # without those that only this couple's children may have, if there are too many
            some = tuple(tuple(c for c in side if times[c] > least) for side in kept)
            fits = self.rows(look, [*some[0], *some[1]]) <= _MOST_OF_COUPLE
            like = len(self.looks.frames[look.frame].like_rows)
            if fits and all(self.rows(look, side) * like <= _MOST_OF_PARENT for side in some):
                return some[0], some[1]
        return (), ()

    def none_of(
        self, look: Look, couple: _Couple, apart: tuple[tuple[int, ...], tuple[int, ...]]
    ) -> tuple[tuple[int, ...], tuple[Array, Array]]:
        """Return, by rows of the chromosomes kept apart, which are returned too, the probabilities of :meth:`none`."""
        (one_key, one), (other_key, other) = (self.side(look, couple.person, at) for at in (0, 1))
        if couple.usable and any(apart):
            labels = [self.labels(look, couple.person, side) for side in (0, 1)]
            number: dict[int, int] = {}
            kept = tuple(tuple(number.setdefault(c, len(number)) for c in side) for side in apart)
            _, beliefs = self.renumbered(look, apart)
            # Whose chromosomes are whose is in the keys of both sides, but not which of them are the same as those kept.
            place = tuple(tuple(number.get(c, -1) for c in side) for both in labels for side in both)
            key: tuple[object, ...] = (couple, one_key, other_key, kept, place, beliefs)
            if key in self._none:
                return (*apart[0], *apart[1]), self._none[key]
            like = len(self.looks.frames[look.frame].like_rows)
            sizes = [self.rows(look, side) for side in apart]
            work = sizes[0] * sizes[1] + like * sum(size for size in sizes if size > 1)
            if work <= self.left:
                self.left -= work
                self._none[key] = self.none_by_rows(look, couple, apart, (one, other))
                return (*apart[0], *apart[1]), self._none[key]
        if couple.below:
            key = (couple, one_key, other_key)
            if key not in self._none:
                self._none[key] = self.none_by_rows(look, couple, ((), ()), (one, other))
            return (), self._none[key]
        _, share_, alike, both = self.shares(look, couple.person)
        chances = 1 - alike, 1 - share_ - alike + both
        none = [np.array(max(0.0, each) ** couple.count if couple.usable else 1.0) for each in chances]
        return (), (none[0], none[1])

    def labels(self, look: Look, name: str, side: int) -> tuple[tuple[int, ...], ...]:
        """Return the chromosomes of someone of the core, or both of the parent's; none of outsiders'."""
        if name in self.core:
            return (look.of(name)[side],)
        parent = self.parents[name][side]
        return look.of(parent) if parent in self.core else ()

    def ways(self, look: Look, name: str, side: int) -> list[tuple[tuple[int, ...], float]]:
        """Return every haplotype of founder chromosomes that someone may have, with its odds; none of outsiders'."""
        if name in self.core:
            return [(look.of(name)[side], 1.0)]
        parent = self.parents[name][side]
        if parent not in self.core:
            return []
        both = look.of(parent)
        ways, odds = meiosis(self.rates[name][side])
        return [
            (tuple(both[bit][at] for at, bit in enumerate(way)), odd)
            for way, odd in zip(ways.astype(int).tolist(), odds.tolist(), strict=True)
        ]

    def none_by_rows(
        self,
        look: Look,
        couple: _Couple,
        apart: tuple[tuple[int, ...], tuple[int, ...]],
        averaged: tuple[Haplotype, Haplotype],
    ) -> tuple[Array, Array]:
        """Return what :meth:`none_of` does, summed anew."""
        frame = self.looks.frames[look.frame]
        below = self.tables[couple.below]
        bits = np.arange(len(below))
        # Which chromosomes are the patient's does not depend on what is on them.
        first, second = (np.bincount(frame.by_descent[h.rows], h.odds, len(below)) for h in averaged)
        no_one = (bits[:, None] | bits[None, :]) != len(below) - 1
        half = float(first @ (below * no_one if couple.usable else below) @ second)
        shape = [len(self.belief(look, c)) for side in apart for c in side]
        if not couple.usable:
            return np.ones(shape), np.full(shape, max(0.0, half) ** couple.count)
        tables, columns = [], []
        for at, (kept, side) in enumerate(zip(apart, averaged, strict=True)):
            if kept:
                ways = self.ways(look, couple.person, at)
                table = frame.by_rows(ways, {c: self.belief(look, c) for labels, _ in ways for c in labels}, kept)
                some = np.flatnonzero(table.any(axis=0))
                columns.append(frame.like_rows[some])
                tables.append(table[:, some])
            else:
                like = frame.never_unlike[side.rows]
                columns.append(side.rows[like])
                tables.append(side.odds[None, like])
        if not couple.below and min(len(table) for table in tables) == 1:
            # One side is a single row: each locus in turn is faster than each pair of rows.
            at = 0 if len(tables[1]) == 1 else 1
            beside = averaged[1 - at]
            asked = [frame.asked(question, beside)[columns[at]] for question in (ALIKE, ALIKE | ONE)]
            alike, both = (tables[at] @ each for each in asked)
            found = [1.0 - alike, half - (alike - both)]
        else:
            answers = frame.bits(*columns)
            yes = (answers & ALIKE > 0).astype(float)
            only = yes * (answers & ONE == 0)
            if couple.below:
                only *= below[frame.by_descent[columns[0]][:, None], frame.by_descent[columns[1]]]
            found = [1.0 - tables[0] @ yes @ tables[1].T, half - tables[0] @ only @ tables[1].T]
        a, b = (np.clip(table, 0.0, 1.0).reshape(shape) ** couple.count for table in found)
        return a, b


def _likely(weighed: Mapping[Look, float]) -> list[tuple[Look, float]]:
    """Return the likeliest looks first, without those that are together less probable than `_LEAST`."""
    found = sorted(weighed.items(), key=lambda item: -item[1])
    rest = 0.0
    while found and rest + found[-1][1] < _LEAST:
        rest += found.pop()[1]
    return [(look, weight / (1 - rest)) for look, weight in found]


def share(
    descents: Sequence[Descent],
    family: Family,
    patient: str,
    parents: Mapping[str, tuple[str, str]],
    rates: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]],
    order: Sequence[str],
    usable: Collection[str],
    weights: HaplotypeWeights | None,
) -> Sharing:
    """Sum over all ways of descent.

    Args:
        descents: The ways, of the people in `family`.
        family: The people of whom something is known, and their ancestors.
        patient: Whose relatives.
        parents: Of everyone but founders.
        rates: As :class:`Family` has them, of everyone but founders.
        order: Everyone, parents before children.
        usable: Who counts in the joint probabilities.
        weights: The frequencies of haplotypes that nobody was typed for; None: they count as unlike the patient's.
    """
    total = sum(descent.weight for descent in descents)
    loci = len(next(iter(rates.values()))[0]) + 1
    core = set(family.people)
    free = [name for name in order if name not in core]
    untyped = [name for name in family.people if name not in family.pairs and name != patient]
    leaves = descents[0].leaves if descents else {}
    typed = [name for name in family.people if name in family.pairs and name != patient and name not in leaves]
    # By person outside the core: who of the core is a parent, or a parent's parent.
    edges: dict[str, set[str]] = {}
    for name in free:
        near = [{p} if p in core else edges.get(p, set()) for p in parents.get(name, ())]
        edges[name] = {p for each in near for p in each}
    asked: dict[Question, list[str]] = {Question((), (name,)): [name] for name in typed}
    for name in [*untyped, *(name for name in free if name in parents)]:
        looked_at = tuple(p for p in family.people if p in edges.get(name, {name}))
        asked.setdefault(Question(looked_at, ()), []).append(name)
    some = {p for name in free if name in usable for p in edges[name]} | {name for name in untyped if name in usable}
    together = Question(tuple(p for p in family.people if p in some), tuple(name for name in typed if name in usable))
    looks = Looks(family, patient, loci, weights)
    answers = _Answers(looks, parents, rates, core, free, untyped, usable)
    least = _LEAST * total / max(1, sum(len(each.rows) for descent in descents for each in descent.components))

    def weighed(ways: Sequence[Descent], question: Question) -> list[tuple[Look, float]]:
        return _likely({look: weight / total for look, weight in looks(ways, question, least).items()})

    likely_of = {question: weighed(descents, question) for question in asked}
    # Where a leaf is identical, or haploidentical, there is nothing left to ask of the others.
    jointly = [
        weighed([part for way in descents if (part := way.without(at))], together)
        for at in ((0, 1) if leaves else (0,))
    ]
    result = Sharing({name: Shares() for name in order if name != patient})
    none_by_chance = [1.0, 1.0]
    for question, names in asked.items():
        kinds: dict[object, list[str]] = {}
        for name in names:
            kinds.setdefault(answers.kind(name), []).append(name)
        likely = likely_of[question]
        for same in kinds.values():
            if question.typed:
                typed_ = [(weight, *look.typed[0]) for look, weight in likely]
                both = sum(weight for weight, least, _ in typed_ if least == 2)
                one = sum(weight for weight, least, _ in typed_ if least)
                alike = sum(weight for weight, _, is_alike in typed_ if is_alike)
            else:
                both, one, alike, of_both = answers.averaged(likely, same[0])
                if same[0] in answers.lower:
                    # By chance through a parent who is no relative: each child for itself.
                    count = sum(name in usable for name in same)
                    none_by_chance[0] *= (1 - alike) ** count
                    none_by_chance[1] *= (1 - (alike - of_both) / (1 - one)) ** count if one < 1 else 1.0
            for name in same:
                result.people[name] = Shares(both, one - both, alike)
    for name in leaves:
        both, one, alike = (sum(d.weight * d.leaves[name][at] for d in descents) / total for at in range(3))
        result.people[name] = Shares(both, one - both, alike)
    none = [0.0, 0.0]
    known: dict[Look, tuple[float, float]] = {}
    for at in (0, 1):
        # The likeliest first: should there be too many, the others are less exact.
        for look, weight in jointly[at if leaves else 0]:
            if any(alike or (at and least) for least, alike in look.typed):
                continue
            if look not in known:
                known[look] = answers.none(look)
            none[at] += weight * known[look][at]
    result.any_identical = min(1.0, max(0.0, 1 - none[0] * none_by_chance[0]))
    result.any_haploidentical = min(1.0, max(0.0, 1 - none[1] * none_by_chance[1]))
    return result
