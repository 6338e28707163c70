"""How likely registries hold a donor: sums over all patients and, for each, over all donors that there can be.

What: `matching` is the probability that one donor of a pool has at most k mismatches with a genotype, `likelihood` that at
least one available donor of all pools has, `population` the genotypes of a population with their probabilities. Invariants:
everything is exact, including (1 - a q)^n; what cannot be carried is part of the donors, and matches no one, and is not
part of the patients. Why this way: every pair of haplotypes is a donor, counted by the rule of matching itself.
SEMANTICS sections 2 and 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product

from .haplotypes import FrequencySet, Haplotype
from .imputation import Genotype, locus_genotype
from .match import resolved_counts
from .prediction import expressed

Genotypes = Mapping[Genotype, Fraction]


@dataclass(frozen=True)
class Pool:
    """Donors of one population: how many, and the share of them that is available."""

    frequencies: FrequencySet
    donors: int
    availability: Fraction


def mismatches(patient: Genotype, donor: Genotype) -> int:
    """The mismatches at all loci, in both directions at once."""
    return sum(resolved_counts(expressed(p), expressed(d))[0] for p, d in zip(patient, donor, strict=True))


def genotype(h: Haplotype, k: Haplotype) -> Genotype:
    return tuple(locus_genotype(a, b) for a, b in zip(h, k, strict=True))


def population(loci: Sequence[str], first: FrequencySet, second: FrequencySet | None = None) -> Genotypes:
    """Every genotype of people with one haplotype of each population, both of the first if there is no second."""
    sides = [each.projected(loci).normalised().frequencies for each in (first, second or first)]
    found: dict[Genotype, Fraction] = {}
    for (h, f), (k, g) in product(sides[0].items(), sides[1].items()):
        found[genotype(h, k)] = found.get(genotype(h, k), Fraction(0)) + f * g
    return found


def matching(patient: Genotype, loci: Sequence[str], donors: FrequencySet, most: int) -> Fraction:
    """The probability that a donor has at most so many mismatches; donors whose names are lost have too many."""
    total = donors.total() + donors.not_carried.frequency
    haplotypes = donors.projected(loci).frequencies
    return sum(
        (
            f * g / total**2
            for (h, f), (k, g) in product(haplotypes.items(), repeat=2)
            if mismatches(patient, genotype(h, k)) <= most
        ),
        Fraction(0),
    )


def none(patient: Genotype, loci: Sequence[str], pools: Sequence[Pool], most: int) -> Fraction:
    """The probability that there is no available donor for a genotype."""
    found = Fraction(1)
    for pool in pools:
        found *= (1 - pool.availability * matching(patient, loci, pool.frequencies, most)) ** pool.donors
    return found


def likelihood(patients: Genotypes, loci: Sequence[str], pools: Sequence[Pool], most: int) -> Fraction:
    """The probability of at least one available donor, over all patients."""
    return sum((p * (1 - none(patient, loci, pools, most)) for patient, p in patients.items()), Fraction(0))


def road(
    patients: Genotypes, loci: Sequence[str], family: Fraction, home: Sequence[Pool], world: Sequence[Pool], most: int
) -> tuple[Fraction, Fraction]:
    """The probabilities that home helps where the family does not, and the world where neither does."""
    at_home = elsewhere = Fraction(0)
    for patient, p in patients.items():
        without = none(patient, loci, home, most)
        at_home += p * (1 - family) * (1 - without)
        elsewhere += p * (1 - family) * without * (1 - none(patient, loci, world, most))
    return at_home, elsewhere
