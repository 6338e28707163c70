"""A family by brute force: every haplotype on every founder chromosome, every meiosis at every locus, exact fractions.

What: `assess` gives for each relative the probabilities to share both, one or none of the patient's haplotypes by descent,
and to have the patient's alleles; and that anyone does. Invariants: nothing is left out but what `crossovers` forbids; a
person's probabilities sum to 1. Why this way: one product of sums over everything a family can be, so that nothing clever
can be wrong; families of a few people, loci and haplotypes only. For speed it does not follow whoever contradicts their
typing any further, and counts in whole numbers until the end. It knows nothing of the names of alleles: a typing is the
set of ordered pairs that it allows.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import product

Allele = str
Haplotype = tuple[Allele, ...]
Allowed = frozenset[tuple[Allele, Allele]]  # at a locus, both orders
Typing = Sequence[Allowed | None]  # None: untyped there
Sided = Sequence[frozenset[Allele] | None]  # by locus, what one of two haplotypes may have
Copy = tuple[int, ...]  # by locus, which founder chromosome


@dataclass(frozen=True)
class Child:
    """Who someone's parents are, and how their meioses recombine between each locus and the next."""

    mother: str
    father: str
    maternal: tuple[Fraction, ...]
    paternal: tuple[Fraction, ...]


@dataclass
class Shares:
    """What someone shares with the patient."""

    identical: Fraction = Fraction(0)
    haploidentical: Fraction = Fraction(0)
    other: Fraction = Fraction(0)
    by_chance: Fraction = Fraction(0)


@dataclass
class Answer:
    """What a family shares with the patient.

    Attributes:
        likelihood: Of all typings; 0: impossible.
        people: By name.
        any_identical: That someone usable shares both haplotypes by descent.
        any_alike: That someone usable has the patient's alleles, by descent or by chance.
        any_haploidentical: That someone usable shares a haplotype at least by descent, or has the patient's alleles.
        pairs: The patient's paternal and maternal haplotype.
    """

    likelihood: Fraction = Fraction(0)
    people: dict[str, Shares] = field(default_factory=dict)
    any_identical: Fraction = Fraction(0)
    any_alike: Fraction = Fraction(0)
    any_haploidentical: Fraction = Fraction(0)
    pairs: dict[tuple[Haplotype, Haplotype], Fraction] = field(default_factory=dict)


def meioses(rates: Sequence[Fraction]) -> Iterator[tuple[tuple[int, ...], Fraction, int]]:
    """Every way through a meiosis: by locus which of the parent's two chromosomes, its probability, how often it changes."""
    for way in product((0, 1), repeat=len(rates) + 1):
        probability, changes = Fraction(1, 2), 0
        for before, after, rate in zip(way, way[1:], rates, strict=False):
            probability *= rate if before != after else 1 - rate
            changes += before != after
        yield way, probability, changes


def whole(numbers: Iterable[Fraction]) -> tuple[list[int], int]:
    """Fractions as whole numbers over one denominator."""
    listed = list(numbers)
    over = math.lcm(*(number.denominator for number in listed))
    return [int(number * over) for number in listed], over


def shared(patient: tuple[int, int], other: tuple[int, int]) -> int:
    """How many of the patient's two chromosomes someone has at a locus."""
    left = list(patient)
    for one in other:
        if one in left:
            left.remove(one)
    return 2 - len(left)


def assess(
    order: Sequence[str],
    children: Mapping[str, Child],
    typings: Mapping[str, Typing],
    frequencies: Mapping[Haplotype, Fraction],
    usable: Collection[str],
    *,
    patient: str = "patient",
    counted: Collection[str] = (),
    crossovers: int | None = None,
    phased: Mapping[str, tuple[Sided, Sided]] | None = None,
) -> Answer:
    """Sum over everything. Frequencies need not sum to 1. Chance is compared where both are typed, or the other is untyped.

    `phased` has, of people whose typing says so, what is together on either haplotype.
    """
    loci = len(next(iter(frequencies)))
    haplotypes = dict(zip(frequencies, whole(frequencies.values())[0], strict=True))
    one = sum(haplotypes.values())
    ways: dict[str, list[list[tuple[tuple[int, ...], int, int]]]] = {}
    denominator = 1
    for name in order:
        if name in children:
            child = children[name]
            ways[name] = []
            for rates in (child.maternal, child.paternal):
                listed = [each for each in meioses(rates) if each[1]]
                numbers, over = whole([each[1] for each in listed])
                ways[name].append([(way, n, changes) for (way, _, changes), n in zip(listed, numbers, strict=True)])
                denominator *= over
        else:
            denominator *= one * one
    answer = Answer(people={name: Shares() for name in order if name != patient})
    compared = {
        name: [
            at
            for at in range(loci)
            if typings.get(patient, [None] * loci)[at] is not None
            and (name not in typings or typings[name][at] is not None)
        ]
        for name in order
    }

    def fits(name: str, both: tuple[Haplotype, Haplotype]) -> bool:
        """Whether someone's typing allows a maternal and a paternal haplotype."""
        for at, pairs in enumerate(typings.get(name, ())):
            if pairs is not None and (both[0][at], both[1][at]) not in pairs:
                return False
        sides = (phased or {}).get(name)
        return sides is None or any(
            all(
                allowed is None or both[order_[side]][at] in allowed
                for side in (0, 1)
                for at, allowed in enumerate(sides[side])
            )
            for order_ in ((0, 1), (1, 0))
        )

    def visit(
        at: int,
        have: dict[str, tuple[Copy, Copy]],
        alleles: dict[str, tuple[Haplotype, Haplotype]],
        weight: int,
        changes: int,
    ) -> None:
        """Place everyone from the one at `at` on, in every way."""
        if crossovers is not None and changes > crossovers:
            return
        if at == len(order):
            count(have, alleles, weight)
            return
        name = order[at]
        if name not in children:
            for (one_, n), (other, k) in product(haplotypes.items(), repeat=2):
                if n * k and fits(name, (one_, other)):
                    own = (2 * at,) * loci, (2 * at + 1,) * loci
                    visit(at + 1, {**have, name: own}, {**alleles, name: (one_, other)}, weight * n * k, changes)
            return
        for (m, pm, cm), (p, pp, cp) in product(*ways[name]):
            mother, father = children[name].mother, children[name].father
            maternal = tuple(have[mother][bit][i] for i, bit in enumerate(m))
            paternal = tuple(have[father][bit][i] for i, bit in enumerate(p))
            x = tuple(alleles[mother][bit][i] for i, bit in enumerate(m))
            y = tuple(alleles[father][bit][i] for i, bit in enumerate(p))
            if fits(name, (x, y)):
                more = cm + cp if name in counted else 0
                visit(
                    at + 1,
                    {**have, name: (maternal, paternal)},
                    {**alleles, name: (x, y)},
                    weight * pm * pp,
                    changes + more,
                )

    # What is asked of a way in which everything can be (the patient's alleles; of each other person, on how many chromosomes
    # they are sure to agree, and whether they look alike), and the weight of all such ways.
    tally: Counter[tuple[tuple[Haplotype, Haplotype], tuple[tuple[int, bool], ...]]] = Counter()

    def count(have: dict[str, tuple[Copy, Copy]], alleles: dict[str, tuple[Haplotype, Haplotype]], here: int) -> None:
        """Add one way in which everything can be."""
        own = alleles[patient][1], alleles[patient][0]
        seen = []
        for name in answer.people:
            counts = [
                shared((have[patient][0][at], have[patient][1][at]), (have[name][0][at], have[name][1][at]))
                for at in range(loci)
            ]
            alike = all(
                sorted((alleles[name][0][at], alleles[name][1][at]))
                == sorted((alleles[patient][0][at], alleles[patient][1][at]))
                if at in compared[name]
                else counts[at] == 2
                for at in range(loci)
            )
            seen.append((min(counts), alike))
        tally[own, tuple(seen)] += here

    visit(0, {}, {}, 1, 0)
    for (own, seen), here in tally.items():
        answer.likelihood += here
        answer.pairs[own] = answer.pairs.get(own, Fraction(0)) + here
        someone, someone_alike, someone_half = False, False, False
        for (name, shares), (least, alike) in zip(answer.people.items(), seen, strict=True):
            if least == 2:
                shares.identical += here
            elif least == 1:
                shares.haploidentical += here
            else:
                shares.other += here
            if alike and least < 2:
                shares.by_chance += here
            if name in usable:
                someone |= least == 2
                someone_alike |= alike
                someone_half |= least >= 1 or alike
        answer.any_identical += here * someone
        answer.any_alike += here * someone_alike
        answer.any_haploidentical += here * someone_half
    if answer.likelihood:
        for shares in answer.people.values():
            for what in ("identical", "haploidentical", "other", "by_chance"):
                setattr(shares, what, getattr(shares, what) / answer.likelihood)
        answer.any_identical /= answer.likelihood
        answer.any_alike /= answer.likelihood
        answer.any_haploidentical /= answer.likelihood
        answer.pairs = {pair: weight / answer.likelihood for pair, weight in answer.pairs.items()}
        answer.likelihood /= denominator
    return answer
