"""Haplotype frequencies from phenotypes: textbook expectation-maximisation over explicit lists of diplotypes.

What: `diplotypes` lists all pairs of haplotypes that explain a phenotype, `starting_values` are where to begin, `step`
is one iteration, `log_likelihood` what no step lets fall, `estimate` all of it. Invariants: frequencies sum to 1; a
haplotype that explains nobody has none. Why this way: the lists are written out once, so that an iteration is two loops
(Excoffier and Slatkin, Molecular Biology and Evolution 1995;12:921; Kollman et al., Human Immunology 2007;68:950).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from .haplotypes import Class, Haplotype
from .imputation import Diplotype, consistent, evidence
from .nomenclature import Nomenclature
from .phenotype import Phenotype

Frequencies = dict[Haplotype, float]
Start = Literal["uniform", "shares"]


@dataclass(frozen=True)
class Group:
    """People whose phenotypes allow the same diplotypes.

    Attributes:
        diplotypes: All of them.
        people: How many people these are.
    """

    diplotypes: tuple[Diplotype, ...]
    people: int = 1


def diplotypes(
    phenotype: Phenotype, classes: Mapping[str, Iterable[Class]], nom: Nomenclature
) -> tuple[Diplotype, ...]:
    """All diplotypes that explain a phenotype.

    Args:
        phenotype: What was typed.
        classes: The loci of a haplotype, in order, with the classes that there are at each.
        nom: The nomenclature.
    """
    blocks = evidence(phenotype, tuple(classes), nom)
    haplotypes = sorted(product(*classes.values()))
    return tuple((h, k) for h in haplotypes for k in haplotypes if h <= k and consistent(blocks, h, k))


def weight(diplotype: Diplotype, frequencies: Mapping[Haplotype, float]) -> float:
    """f*f, 2*f1*f2 if unlike (decision 3)."""
    h, k = diplotype
    return frequencies.get(h, 0.0) * frequencies.get(k, 0.0) * (1 if h == k else 2)


def starting_values(groups: Sequence[Group], start: Start = "shares") -> Frequencies:
    """Frequencies to begin with, of every haplotype in the lists.

    Args:
        groups: The people.
        start: `uniform`: all the same; `shares`: what each person's diplotypes give if all of them are as likely.

    Raises:
        ValueError: No haplotype explains anybody.
    """
    haplotypes = sorted({h for group in groups for diplotype in group.diplotypes for h in diplotype})
    if not haplotypes:
        raise ValueError("no haplotype explains anybody")
    if start == "uniform":
        return dict.fromkeys(haplotypes, 1 / len(haplotypes))
    counts = dict.fromkeys(haplotypes, 0.0)
    for group in groups:
        for h, k in group.diplotypes:
            counts[h] += group.people / len(group.diplotypes)
            counts[k] += group.people / len(group.diplotypes)
    return normalised(counts)


def normalised(counts: Mapping[Haplotype, float]) -> Frequencies:
    total = math.fsum(counts.values())
    return {h: count / total for h, count in counts.items()}


def step(groups: Sequence[Group], frequencies: Mapping[Haplotype, float]) -> Frequencies:
    """One iteration: the expected number of copies of each haplotype, given the frequencies; as new frequencies.

    People whom no haplotype with a frequency explains say nothing.
    """
    copies = dict.fromkeys(frequencies, 0.0)
    for group in groups:
        weights = [weight(diplotype, frequencies) for diplotype in group.diplotypes]
        total = math.fsum(weights)
        if total == 0:
            continue
        for (h, k), w in zip(group.diplotypes, weights, strict=True):
            if w > 0:
                copies[h] += group.people * w / total
                copies[k] += group.people * w / total
    return normalised(copies)


def log_likelihood(groups: Sequence[Group], frequencies: Mapping[Haplotype, float]) -> float:
    """The sum over people of the logarithm of the probability of their phenotype; without those nothing explains."""
    totals = [(group.people, math.fsum(weight(d, frequencies) for d in group.diplotypes)) for group in groups]
    return math.fsum(people * math.log(total) for people, total in totals if total > 0)


def estimate(
    groups: Sequence[Group], start: Start | Frequencies = "shares", least_gain: float = 1e-9, most_steps: int = 10_000
) -> tuple[Frequencies, list[float]]:
    """Steps until the log-likelihood gains less than `least_gain`; the frequencies, and the log-likelihoods so far."""
    explained = [group for group in groups if group.diplotypes]
    frequencies = dict(start) if isinstance(start, dict) else starting_values(explained, start)
    likelihoods = [log_likelihood(explained, frequencies)]
    for _ in range(most_steps):
        frequencies = step(explained, frequencies)
        likelihoods.append(log_likelihood(explained, frequencies))
        if likelihoods[-1] - likelihoods[-2] < least_gain:
            break
    return frequencies, likelihoods
