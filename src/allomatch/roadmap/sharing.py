"""Sharing: which haplotypes of the patient each relative has, over all ways of descent; typed or not, one by one and jointly.

What: identical (both haplotypes shared at every locus), haploidentical (one at every locus at least), by descent; and identical by
chance: the same alleles though not the same chromosomes. People of whom nothing is known and who have no typed descendants are
free: their meioses are summed over exactly, any number of recombinations, once for each way that the others allow. Invariants:
the three probabilities of a person sum to 1; joint probabilities respect who is whose child. Why by locus: a recombinant child
shares one haplotype here and the other there, and has a haplotype's alleles all along.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from allomatch.roadmap.family_typings import UNKNOWN, HaplotypeWeights, Pattern
from allomatch.roadmap.inheritance import Descent, Family, Labels

__all__ = ["Shares", "Sharing", "share"]

Masks = npt.NDArray[np.bool_]
# What is shared: both haplotypes, one at least, the alleles of both.
_BOTH, _ONE, _ALIKE = range(3)
# Free people, and meioses, of one branch whose joint probability is exact.
_MOST_JOINT = 8
_MOST_BITS = 12
# Usable people of one branch of whom it is exact that none shares a haplotype nor has the patient's alleles by chance.
_MOST_EITHER = 5
_NOBODY = -1
# Haplotypes that nobody was typed for: less probable likenesses, and those beyond so many, count as unlike.
_NEGLIGIBLE = 1e-8
_MOST_UNSEEN = 256
_MOST_WAYS = 200  # the likeliest ways of descent, of which such haplotypes are looked at
_MOST_STATES = 64  # of one way
_MOST_UNSEEN_RARE = 16  # of the ways that need a recombination
# Ways in which families that share no chromosome with the patient look like the patient; beyond, they count as unlike.
_MOST_STATES = 4096


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
        split: Free people of branches so large that they count as independent of each other in the joint probabilities.
    """

    people: dict[str, Shares] = field(default_factory=dict)
    any_identical: float = 0.0
    any_haploidentical: float = 0.0
    split: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Branch:
    """Free people who are each other's parents or children, parents first."""

    people: tuple[str, ...]
    answered: tuple[int, ...]  # those whom this branch is for
    usable: tuple[int, ...]
    parents: tuple[tuple[str, str], ...]
    bits: dict[tuple[int, int], int]  # of a person and a side: the meiosis, where it matters
    rates: tuple[tuple[float, ...], ...]  # by bit, by interval
    shape: tuple[object, ...]  # branches of one shape have equal probabilities
    edge: tuple[str, ...]  # parents who are not free


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

    def alike(self, locus: int, one: int, other: int, compared: bool = True) -> bool:
        """Whether two chromosomes have the patient's alleles; by descent where nothing can be compared."""
        if not (compared and self.compared[locus]):
            return {one, other} == {self.own[0][locus], self.own[1][locus]}
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
    _likenesses: dict[tuple[Pattern, tuple[Pattern, ...]], list[tuple[tuple[int, ...], float]]] = field(
        default_factory=dict
    )

    def coded(self, patterns: Mapping[int, Pattern], own: Sequence[Pattern]) -> tuple[_Seen, ...]:
        """Return what known chromosomes have of the patient's two haplotypes."""
        found = []
        for chromosome, pattern in patterns.items():
            codes = tuple(
                0 if allele == UNKNOWN else (allele == own[0][at]) + 2 * (allele == own[1][at])
                for at, allele in enumerate(pattern)
            )
            partial = any(allele == UNKNOWN and self.compared[at] for at, allele in enumerate(pattern))
            found.append((chromosome, codes, pattern if partial else ()))
        return tuple(found)

    def unseen(self, known: Pattern, own: Sequence[Pattern], least: float) -> list[tuple[tuple[int, ...], float]]:
        """Return what a chromosome of which not all is known may have of the patient's alleles alone, and how probably."""
        key = (known, tuple(own))
        if key not in self._likenesses:
            self._likenesses[key] = self.likenesses(known, own)
        return [(codes, chance) for codes, chance in self._likenesses[key] if chance > least]

    def likenesses(self, known: Pattern, own: Sequence[Pattern]) -> list[tuple[tuple[int, ...], float]]:
        assert self.weights is not None
        options = []
        for at, allele in enumerate(known):
            both = {own[0][at], own[1][at]} - {UNKNOWN}
            options.append([allele] if allele != UNKNOWN or not self.compared[at] or not both else sorted(both))
        before = self.weights(known)
        found = []
        for pattern in product(*options):
            chance = self.weights(pattern) / before
            if chance > 0:
                codes = tuple(
                    (a == own[0][at]) + 2 * (a == own[1][at]) if a != UNKNOWN else 0 for at, a in enumerate(pattern)
                )
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
        looked_at = tuple(dict.fromkeys(c for name in self.looked_at for side in descent.labels[name] for c in side))
        most = _MOST_UNSEEN if not descent.crossovers else _MOST_UNSEEN_RARE
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
                if len(with_patient) * len(states) * len(merged) > _MOST_STATES:
                    merged = {(): sum(merged.values())}
                states = {(*a, *b): x * y for a, x in states.items() for b, y in merged.items()}
            for state, weight in states.items():
                plain = {chromosome: codes for chromosome, codes, _ in state}
                unknown = [(c, blank) for c in looked_at if c not in typed]
                unknown += [(c, p) for c, _, p in state if p and c in looked_at]
                ways = [(plain, weight)]
                for chromosome, pattern in unknown if self.weights is not None and len(states) <= _MOST_STATES else ():
                    options = self.unseen(pattern, alleles, _NEGLIGIBLE / max(posterior * weight, _NEGLIGIBLE))
                    rest = 1.0 - sum(chance for _, chance in options)
                    ways = [
                        ({**have, **({chromosome: codes} if codes else {})}, w * chance)
                        for have, w in ways
                        for codes, chance in [*options, ((), rest)]
                        if posterior * w * chance > _NEGLIGIBLE or not codes
                    ]
                    if len(ways) > most:
                        break  # the rest counts as unlike
                for have, w in ways:
                    key = tuple(sorted(have.items()))
                    found[key] = found.get(key, 0.0) + w
        whole = sum(found.values())
        return [(_View(own, dict(state), self.compared), weight / whole) for state, weight in found.items()]


class _Branches:
    """The free people, and the probability that some of them share something, given a way of descent."""

    def __init__(
        self,
        parents: Mapping[str, tuple[str, str]],
        rates: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]],
        free: Sequence[str],
        core: Collection[str],
        usable: Collection[str],
    ) -> None:
        self.parents, self.rates, self.core, self.usable = parents, rates, core, usable
        groups: list[list[str]] = []
        for name in free:
            if name in parents:
                near = [g for g in groups if any(parent in g for parent in parents[name])]
                groups = [g for g in groups if g not in near] + [[n for g in near for n in g] + [name]]
        self.branches: list[_Branch] = []
        self.split: list[str] = []
        for group in groups:
            people = tuple(name for name in free if name in group)
            branch = self.made(people, people)
            if len(branch.bits) <= _MOST_BITS and len(branch.usable) <= _MOST_JOINT:
                self.branches.append(branch)
            else:
                self.split += people
                self.branches += [self.made(self.line(name, people), (name,)) for name in people]
        self._found: dict[tuple[object, ...], tuple[tuple[float, ...], float]] = {}
        self._found_none: dict[tuple[object, ...], float] = {}

    def line(self, name: str, people: Sequence[str]) -> tuple[str, ...]:
        """Return a person with the ancestors that are among some people."""
        wanted = {name}
        for one in reversed(people):
            if one in wanted:
                wanted |= set(self.parents[one])
        return tuple(one for one in people if one in wanted)

    def made(self, people: tuple[str, ...], answered: tuple[str, ...]) -> _Branch:
        bits: dict[tuple[int, int], int] = {}
        for at, name in enumerate(people):
            for side, parent in enumerate(self.parents[name]):
                if parent in self.core or parent in people:
                    bits[at, side] = len(bits)
        by_bit = tuple(self.rates[people[at]][side] for at, side in bits)
        both = tuple(self.parents[name] for name in people)
        shape = (
            tuple(
                tuple(p if p in self.core else people.index(p) if p in people else _NOBODY for p in two) for two in both
            ),
            by_bit,
        )
        edge = tuple(sorted({parent for two in both for parent in two if parent in self.core}))
        own = tuple(at for at, name in enumerate(people) if name in answered)
        usable = tuple(at for at in own if people[at] in self.usable)
        return _Branch(people, own, usable, both, bits, by_bit, shape, edge)

    def carried(self, branch: _Branch, descent: Descent, loci: int) -> npt.NDArray[np.int64]:
        """Return which chromosomes people have, by state of the meioses; shape (loci, people, 2, states)."""
        states = np.arange(1 << len(branch.bits))
        found = np.full((loci, len(branch.people), 2, len(states)), _NOBODY, np.int64)
        for (at, side), bit in branch.bits.items():
            parent = branch.parents[at][side]
            if parent in self.core:
                above = np.array(descent.labels[parent], np.int64).T[:, :, None]
            else:
                above = found[:, branch.people.index(parent)]
            found[:, at, side] = np.where(states >> bit & 1, above[:, 1], above[:, 0])
        return found

    def masks(self, branch: _Branch, descent: Descent, view: _View, which: int) -> Masks:
        """Return who shares something: both, one at least, the alleles; bool, shape (loci, people, states)."""
        loci = len(view.compared)
        carried = self.carried(branch, descent, loci)
        one, other = carried[:, :, 0], carried[:, :, 1]
        first, second = (np.array(side)[:, None, None] for side in view.own)
        shared = np.maximum((one == first) * 1 + (other == second), (one == second) * 1 + (other == first))
        if which != _ALIKE:
            return np.asarray(shared >= (1 if which == _ONE else 2))
        codes = np.zeros(
            (loci, 2 + max([0, *view.codes, int(carried.max(initial=0))])), np.int64
        )  # the last is nobody's
        for chromosome, code in view.codes.items():
            codes[:, chromosome] = code
        at = np.arange(loci)[:, None, None]
        a, b = codes[at, one], codes[at, other]
        alike = ((a & 1) & (b >> 1)) | ((a >> 1) & (b & 1))
        return np.where(np.array(view.compared)[:, None, None], alike > 0, shared == 2)

    def chances(self, branch: _Branch, descent: Descent, view: _View, which: int) -> tuple[tuple[float, ...], float]:
        """Return the probability for each person answered for, and that none of the usable shares it."""
        edge = tuple(descent.labels[name] for name in branch.edge)
        codes = None
        if which == _ALIKE:
            codes = tuple(view.codes.get(c) for c in dict.fromkeys(c for both in edge for side in both for c in side))
        key = (branch.shape, branch.answered, branch.usable, which, edge, view.own, codes)
        found = self._found.get(key)
        if found is None:
            masks = self.masks(branch, descent, view, which)
            each = self.odds(branch, masks)
            likely = [at for at in branch.usable if each[at] > 0]
            found = tuple(float(each[at]) for at in branch.answered), self.none(branch, masks, likely)
            self._found[key] = found
        return found

    @staticmethod
    def odds(branch: _Branch, masks: Masks) -> npt.NDArray[np.float64]:
        """Return the probabilities that masks hold at every locus; masks (loci, n, states), result (n,)."""
        _, count, states = masks.shape
        odds = np.full((count, states), 1.0 / states)
        for locus, mask in enumerate(masks):
            for bit, rates in enumerate(branch.rates if locus else ()):
                rate = rates[locus - 1]
                if rate > 0:
                    pairs = odds.reshape(-1, 2, 1 << bit)
                    odds = ((1 - rate) * pairs + rate * pairs[:, ::-1]).reshape(count, states)
            odds = odds * mask
        return np.asarray(odds.sum(axis=1))

    def none_either(self, branch: _Branch, descent: Descent, view: _View) -> float:
        """Return the probability that none of the usable shares a haplotype, by descent, or has the patient's alleles.

        Where chance adds nothing it is what descent says. Of more people than `_MOST_EITHER` it is a bound: at most this.
        """
        edge = tuple(descent.labels[name] for name in branch.edge)
        codes = tuple(view.codes.get(c) for c in dict.fromkeys(c for both in edge for side in both for c in side))
        key = ("either", branch.shape, branch.usable, edge, view.own, codes)
        found = self._found_none.get(key)
        if found is None:
            one, alike = (self.masks(branch, descent, view, which) for which in (_ONE, _ALIKE))
            both = one & alike
            by_descent, by_alleles, by_both = (self.odds(branch, masks) for masks in (one, alike, both))
            likely = [at for at in branch.usable if by_descent[at] > 0 or by_alleles[at] > 0]
            if all(by_alleles[at] <= by_both[at] for at in likely):
                found = self.none(branch, one, likely)
            elif len(likely) > _MOST_EITHER:
                found = min(self.none(branch, one, likely), self.none(branch, alike, likely))
            else:
                # 1 - one - alike + both of each person, multiplied out.
                factors = [[(1, None), (-1, one[:, at]), (-1, alike[:, at]), (1, both[:, at])] for at in likely]
                found = 0.0
                for term in product(*factors):
                    held = [mask for _, mask in term if mask is not None]
                    sign = float(np.prod([factor for factor, _ in term]))
                    together = np.logical_and.reduce(held)[:, None] if held else None
                    found += sign * (1.0 if together is None else float(self.odds(branch, together)[0]))
                found = max(0.0, found)
            self._found_none[key] = found
        return found

    def none(self, branch: _Branch, masks: Masks, likely: Sequence[int]) -> float:
        """Return the probability that none of some people shares it, by inclusion and exclusion."""
        total = 1.0
        for size in range(1, len(likely) + 1):
            together = np.stack([masks[:, list(some)].all(axis=1) for some in combinations(likely, size)], axis=1)
            total += (-1) ** size * float(self.odds(branch, together).sum())
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
    everywhere = [True] * loci
    free = [name for name in order if name not in family.people]
    branches = _Branches(parents, rates, free, set(family.people), usable)
    edges = {p for name in free for p in parents.get(name, ()) if p in family.people}
    unseen = edges | {name for name in family.people if name not in family.pairs}
    near = [name for name in (*parents[patient], *family.people) if name in unseen]
    viewer = _Viewer(patient, compared, weights, tuple(dict.fromkeys(near)))
    result = Sharing({name: Shares() for name in order if name != patient})
    none_identical = none_haploidentical = 0.0
    rare = replace(viewer, weights=None)
    for number, descent in enumerate(descents):
        own_side = descent.labels[patient]
        counts = {
            name: min(_common(own_side, descent.labels[name], at) for at in range(loci))
            for name in family.people
            if name != patient
        }
        plain = _View(own_side, {}, compared)
        by_descent = [
            (branch, branches.chances(branch, descent, plain, _BOTH), branches.chances(branch, descent, plain, _ONE))
            for branch in branches.branches
        ]
        for view, share_ in (viewer if number < _MOST_WAYS else rare)(descent, descent.weight / total):
            weight = descent.weight * share_ / total
            no_identical, no_haploidentical = weight, weight
            for name, least_shared in counts.items():
                one, other = descent.labels[name]
                own = typed_at.get(name, everywhere)
                alike = least_shared == 2 or all(view.alike(at, one[at], other[at], own[at]) for at in range(loci))
                person = result.people[name]
                person.identical += weight * (least_shared == 2)
                person.haploidentical += weight * (least_shared == 1)
                person.alike += weight * alike
                if name in usable:
                    no_identical *= not alike
                    no_haploidentical *= least_shared == 0 and not alike
            for branch, (both, _), (least, _) in by_descent:
                alike_, none_alike = branches.chances(branch, descent, view, _ALIKE)
                for at, two, one_, like in zip(branch.answered, both, least, alike_, strict=True):
                    person = result.people[branch.people[at]]
                    person.identical += weight * two
                    person.haploidentical += weight * (one_ - two)
                    person.alike += weight * like
                no_identical *= none_alike
                no_haploidentical *= branches.none_either(branch, descent, view)
            none_identical += no_identical
            none_haploidentical += no_haploidentical
    result.any_identical = min(1.0, max(0.0, 1 - none_identical))
    result.any_haploidentical = min(1.0, max(0.0, 1 - none_haploidentical))
    result.split = tuple(branches.split)
    return result
