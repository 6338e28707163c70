"""Sharing: which haplotypes of the patient each relative has, over all ways of descent; typed or not, one by one and jointly.

What: identical (both haplotypes shared at every locus), haploidentical (one at every locus at least), by descent; and identical by
chance: the same alleles though not the same chromosomes. People of whom nothing is known and who have no typed descendants are
free: their meioses are summed over exactly, any number of recombinations, once for each way that the others allow. Invariants:
the three probabilities of a person sum to 1; joint probabilities respect who is whose child. Why by locus: a recombinant child
shares one haplotype here and the other there, and has a haplotype's alleles all along.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from allomatch.roadmap.family_typings import UNKNOWN, HaplotypeWeights, Pattern
from allomatch.roadmap.inheritance import Descent, Family, Labels

__all__ = ["Sharing", "Shares", "share"]

Masks = npt.NDArray[np.bool_]
# Free people of one branch whose joint probability is summed over subsets; of more the likeliest count.
_MOST_JOINT = 8
_NOBODY = -1
# Haplotypes that nobody was typed for: less probable likenesses, and those beyond so many, count as unlike.
_NEGLIGIBLE = 1e-8
_MOST_UNSEEN = 256


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
        any_haploidentical: That someone usable shares a haplotype at least.
        uncounted: Free people beyond the number of those whose joint probability is exact.
    """

    people: dict[str, Shares] = field(default_factory=dict)
    any_identical: float = 0.0
    any_haploidentical: float = 0.0
    uncounted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Branch:
    """Free people who are each other's parents or children, parents first."""

    people: tuple[str, ...]
    usable: tuple[int, ...]
    parents: tuple[tuple[str, str] | None, ...]
    bits: dict[tuple[int, int], int]  # of a person and a side: the meiosis, where it matters
    rates: tuple[tuple[float, ...], ...]  # by bit, by interval
    shape: tuple[object, ...]  # branches of one shape have equal probabilities


def _common(own: Labels, labels: Labels, at: int) -> int:
    """Return how many chromosomes two people share at a locus, 0 to 2."""
    a, b = own[0][at], own[1][at]
    one, other = labels[0][at], labels[1][at]
    return max((one == a) + (other == b), (one == b) + (other == a))


class _View:
    """A way of descent as the patient's relatives see it: at each locus, what every chromosome has of the patient."""

    def __init__(self, own: Labels, codes: Mapping[int, tuple[int, ...]], compared: Sequence[bool]) -> None:
        self.own = own
        self.codes = codes
        self.compared = compared

    def shares(self, locus: int, one: int, other: int) -> int:
        """Return how many of the patient's chromosomes two are, 0 to 2."""
        first, second = self.own[0][locus], self.own[1][locus]
        return max((one == first) + (other == second), (one == second) + (other == first))

    def alike(self, locus: int, one: int, other: int, compared: bool = True) -> bool:
        """Whether two chromosomes have the patient's alleles; by descent where nothing can be compared."""
        if not (compared and self.compared[locus]):
            return self.shares(locus, one, other) == 2
        a, b = self.code(locus, one), self.code(locus, other)
        return bool((a & 1 and b & 2) or (a & 2 and b & 1))

    def code(self, locus: int, chromosome: int) -> int:
        """Return 1 if a chromosome has the allele of the patient's first one, 2 of the second, 3 of both, 0 of none."""
        found = self.codes.get(chromosome)
        return 0 if found is None else found[locus]


_Seen = tuple[int, tuple[int, ...], tuple[int, ...]]  # a chromosome, its codes, its alleles if some are not known


@dataclass(frozen=True, slots=True)
class _Viewer:
    """What chromosomes have of the patient's alleles, for each way of descent.

    Attributes:
        patient: Whose.
        compared: By locus, whether the patient is typed there.
        weights: Of haplotypes; None: haplotypes that nobody was typed for count as unlike the patient's.
        looked_at: People whose chromosomes matter though nobody's typing may say what is on them.
    """

    patient: str
    compared: Sequence[bool]
    weights: HaplotypeWeights | None
    looked_at: tuple[str, ...]

    def coded(self, patterns: Mapping[int, Pattern], own: Sequence[Pattern]) -> tuple[_Seen, ...]:
        """Return what known chromosomes have of the patient's two haplotypes."""
        found = []
        for chromosome, pattern in patterns.items():
            codes = tuple(
                0 if allele == UNKNOWN else (allele == own[0][at]) + 2 * (allele == own[1][at]) for at, allele in enumerate(pattern)
            )
            partial = any(allele == UNKNOWN and self.compared[at] for at, allele in enumerate(pattern))
            found.append((chromosome, codes, pattern if partial else ()))
        return tuple(found)

    def unseen(self, known: Pattern, own: Sequence[Pattern], least: float) -> list[tuple[tuple[int, ...], float]]:
        """Return what a chromosome of which not all is known may have of the patient's alleles alone, and how probably."""
        assert self.weights is not None
        options = []
        for at, allele in enumerate(known):
            both = {own[0][at], own[1][at]} - {UNKNOWN}
            options.append([allele] if allele != UNKNOWN or not self.compared[at] or not both else sorted(both))
        before = self.weights(known)
        found = []
        for pattern in product(*options):
            chance = self.weights(pattern) / before
            if chance > least:
                codes = tuple((a == own[0][at]) + 2 * (a == own[1][at]) if a != UNKNOWN else 0 for at, a in enumerate(pattern))
                if all(code or not self.compared[at] for at, code in enumerate(codes)):
                    found.append((codes, chance))
        return found

    def __call__(self, descent: Descent, posterior: float) -> list[tuple[_View, float]]:
        """Return what chromosomes have of the patient, with probabilities; equal views are one."""
        own = descent.labels[self.patient]
        size = len(self.compared)
        mine = {chromosome for side in own for at, chromosome in enumerate(side) if self.compared[at]}
        with_patient = next((c for c in descent.components if c and mine & c[0][0].keys()), None)
        if with_patient is None:
            return [(_View(own, {}, self.compared), 1.0)]
        others = [c for c in descent.components if c is not with_patient]
        typed = {chromosome for c in descent.components for chromosome in c[0][0]}
        looked_at = sorted({c for name in self.looked_at for side in descent.labels[name] for c in side})
        blank = (UNKNOWN,) * size
        found: dict[tuple[tuple[int, tuple[int, ...]], ...], float] = {}
        for row, part in with_patient:
            alleles = [tuple(row[side[at]][at] if side[at] in row else UNKNOWN for at in range(size)) for side in own]
            states: dict[tuple[_Seen, ...], float] = {self.coded(row, alleles): part}
            for component in others:
                merged: dict[tuple[_Seen, ...], float] = {}
                for patterns, share_ in component:
                    state = tuple(each for each in self.coded(patterns, alleles) if any(each[1]) or each[2])
                    merged[state] = merged.get(state, 0.0) + share_
                states = {(*a, *b): x * y for a, x in states.items() for b, y in merged.items()}
            for state, weight in states.items():
                plain = {chromosome: codes for chromosome, codes, _ in state}
                unknown = [(c, blank) for c in looked_at if c not in typed]
                unknown += [(c, p) for c, _, p in state if p and c in looked_at]
                ways = [(plain, weight)]
                for chromosome, pattern in unknown if self.weights is not None else ():
                    options = self.unseen(pattern, alleles, _NEGLIGIBLE / max(posterior * weight, _NEGLIGIBLE))
                    rest = 1.0 - sum(chance for _, chance in options)
                    ways = [
                        ({**have, **({chromosome: codes} if codes else {})}, w * chance)
                        for have, w in ways
                        for codes, chance in [*options, ((), rest)]
                        if posterior * w * chance > _NEGLIGIBLE or not codes
                    ]
                    if len(ways) > _MOST_UNSEEN:
                        break  # the rest counts as unlike
                for have, w in ways:
                    key = tuple(sorted(have.items()))
                    found[key] = found.get(key, 0.0) + w
        whole = sum(found.values())
        return [(_View(own, dict(state), self.compared), weight / whole) for state, weight in found.items()]


class _Branches:
    """The free people, and the probability that some of them share something, given a way of descent."""

    def __init__(self, parents: Mapping[str, tuple[str, str]], rates: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]],
                 free: Sequence[str], core: Collection[str], usable: Collection[str]) -> None:  # fmt: skip
        groups: list[list[str]] = []
        for name in free:
            if name not in parents:
                continue
            near = [g for g in groups if any(parent in g for parent in parents[name])]
            groups = [g for g in groups if g not in near] + [[n for g in near for n in g] + [name]]
        self.branches = []
        for group in groups:
            people = tuple(name for name in free if name in group)
            bits: dict[tuple[int, int], int] = {}
            for at, name in enumerate(people):
                for side, parent in enumerate(parents[name]):
                    if parent in core or parent in people:
                        bits[at, side] = len(bits)
            by_bit = tuple(rates[people[at]][side] for at, side in bits)
            usable_here = tuple(at for at, name in enumerate(people) if name in usable)
            shape = (
                tuple(
                    tuple(p if p in core else people.index(p) if p in people else _NOBODY for p in parents[name])
                    for name in people
                ),
                by_bit,
            )
            self.branches.append(
                _Branch(people, usable_here, tuple(parents[name] for name in people), bits, by_bit, shape)
            )
        self.core = core
        self._known: dict[tuple[object, ...], float] = {}
        self._masks: dict[tuple[object, ...], tuple[Masks, Masks, Masks]] = {}
        self._ids: dict[tuple[object, ...], int] = {}

    def masks(self, branch: _Branch, descent: Descent, view: _View, locus: int) -> tuple[Masks, Masks, Masks]:
        """Return by person and state of the meioses: identical, shares one at least, alike; bool, shape (people, states)."""
        edge = sorted({parent for both in branch.parents if both for parent in both if parent in self.core})
        labels = tuple((name, descent.labels[name][0][locus], descent.labels[name][1][locus]) for name in edge)
        codes = tuple(view.code(locus, c) for _, *both in labels for c in both)
        key = (branch.shape, labels, codes, view.own[0][locus], view.own[1][locus], view.compared[locus])
        found = self._masks.get(key)
        if found is None:
            at_edge = {name: both for name, *both in labels}
            states = 1 << len(branch.bits)
            found = tuple(np.zeros((len(branch.people), states), bool) for _ in range(3))  # type: ignore[assignment]
            assert found is not None
            for state in range(states):
                carried: list[list[int]] = []
                for at, both in enumerate(branch.parents):
                    assert both is not None
                    own = []
                    for side, parent in enumerate(both):
                        bit = branch.bits.get((at, side))
                        if bit is None:
                            own.append(_NOBODY)
                        else:
                            of_parent = at_edge[parent] if parent in self.core else carried[branch.people.index(parent)]
                            own.append(of_parent[state >> bit & 1])
                    carried.append(own)
                    shared = view.shares(locus, *own)
                    found[0][at, state], found[1][at, state] = shared == 2, shared >= 1
                    found[2][at, state] = view.alike(locus, *own)
            self._masks[key] = found
            self._ids[id(found),] = len(self._ids)
        return found

    def chance(
        self, branch: _Branch, masks: Sequence[tuple[Masks, Masks, Masks]], which: int, people: tuple[int, ...]
    ) -> float:
        """Return the probability that all of some people share, at every locus, what a kind of mask says."""
        key = (branch.shape, tuple(self._ids[id(m),] for m in masks), which, people)
        found = self._known.get(key)
        if found is not None:
            return found
        count = len(branch.bits)
        odds = np.full((2,) * count, 0.5**count)
        for locus, each in enumerate(masks):
            if locus:
                for bit, rates in enumerate(branch.rates):
                    rate = rates[locus - 1]
                    if rate > 0:
                        axis = count - 1 - bit
                        odds = (1 - rate) * odds + rate * np.flip(odds, axis)
            odds = odds * np.logical_and.reduce(each[which][list(people)], axis=0).reshape((2,) * count)
        self._known[key] = result = float(odds.sum())
        return result

    def none(self, branch: _Branch, masks: Sequence[tuple[Masks, Masks, Masks]], which: int) -> float:
        """Return the probability that none of the usable people shares it, by inclusion and exclusion."""
        likely = [at for at in branch.usable if self.chance(branch, masks, which, (at,)) > 0]
        likely = sorted(likely, key=lambda at: -self.chance(branch, masks, which, (at,)))[:_MOST_JOINT]
        total = 1.0
        for size in range(1, len(likely) + 1):
            for some in combinations(sorted(likely), size):
                total += (-1) ** size * self.chance(branch, masks, which, some)
        return max(0.0, total)


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
    typed_at = {name: [pair is not None for pair in pairs] for name, pairs in family.pairs.items()}
    loci = len(next(iter(rates.values()))[0]) + 1
    compared = typed_at.get(patient, [False] * loci)
    free = [name for name in order if name not in family.people]
    branches = _Branches(parents, rates, free, set(family.people), usable)
    edges = {p for name in free for p in parents.get(name, ()) if p in family.people}
    viewer = _Viewer(patient, compared, weights, tuple(sorted(edges | {name for name in family.people if name not in family.pairs})))
    result = Sharing({name: Shares() for name in order if name != patient})
    none_identical = none_haploidentical = 0.0
    for descent in descents:
        own_side = descent.labels[patient]
        counts = {
            name: [_common(own_side, descent.labels[name], at) for at in range(loci)] for name in family.people if name != patient
        }
        for view, share_ in viewer(descent, descent.weight / total):
            weight = descent.weight * share_ / total
            no_identical, no_haploidentical = weight, weight
            for name, shared in counts.items():
                one, other = descent.labels[name]
                own = typed_at.get(name, [True] * loci)
                alike = all(view.alike(at, one[at], other[at], own[at]) for at in range(loci))
                person = result.people[name]
                person.identical += weight * (min(shared) == 2)
                person.haploidentical += weight * (min(shared) == 1)
                person.alike += weight * alike
                if name in usable:
                    no_identical *= not alike
                    no_haploidentical *= min(shared) == 0 and not alike
            for branch in branches.branches:
                masks = [branches.masks(branch, descent, view, at) for at in range(loci)]
                for at, name in enumerate(branch.people):
                    both, least, alike_ = (branches.chance(branch, masks, which, (at,)) for which in range(3))
                    person = result.people[name]
                    person.identical += weight * both
                    person.haploidentical += weight * (least - both)
                    person.alike += weight * alike_
                if branch.usable:
                    if no_identical:
                        no_identical *= branches.none(branch, masks, 2)
                    if no_haploidentical:
                        no_haploidentical *= branches.none(branch, masks, 1)
            none_identical += no_identical
            none_haploidentical += no_haploidentical
    result.any_identical = min(1.0, max(0.0, 1 - none_identical))
    result.any_haploidentical = min(1.0, max(0.0, 1 - none_haploidentical))
    result.uncounted = tuple(
        branch.people[at]
        for branch in branches.branches
        if len(branch.usable) > _MOST_JOINT
        for at in branch.usable[_MOST_JOINT:]
    )
    return result
