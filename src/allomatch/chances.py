"""Chances: how likely it is that registries hold a donor for a patient (SEMANTICS section 7).

What: for patients of a population (or one patient), registries by population, size and availability, the loci of 8/8, 10/10 and
so on and up to k mismatches, the probability of at least one available donor: the average over patient genotypes of
1 - prod over pools (1 - a q)^n, where q is the probability that a donor of the pool has at most k mismatches with this genotype.
From it: curves over size and time, the value of recruiting, and the chance that the family, then home, then the world helps.

Invariants: q is exact (:mod:`allomatch.chances_donors`); averages say their standard error by drawing, and that alone:
frequencies, sizes and availabilities are taken as given, and are less sure than that. Differences and curves use the same
patients at every point. Everything here supports professionals who plan and counsel; it decides nothing, and promises no
donor. docs/chances.md has the formulas, what it was held against, and what five broad populations cannot tell apart.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from allomatch.carried import Populations
from allomatch.chances_question import (
    DonorPool,
    Pools,
    Question,
    check_count,
    check_draws,
    check_list,
    check_share,
    check_weight,
    times,
)
from allomatch.chances_results import (
    CurvePoint,
    LikelihoodCurve,
    MatchLikelihood,
    PoolLikelihood,
    Recruitment,
    RoadLikelihood,
)
from allomatch.errors import problem
from allomatch.nomenclature import Nomenclature
from allomatch.phenotype import Phenotype
from allomatch.registry_sizes import VERSION, WORLD_DONORS, WorldTotal

__all__ = [
    "CurvePoint",
    "DonorPool",
    "LikelihoodCurve",
    "MatchLikelihood",
    "PoolLikelihood",
    "Recruitment",
    "RoadLikelihood",
    "likelihood_curve",
    "likelihood_over_time",
    "match_likelihood",
    "patient_likelihood",
    "recruitment_value",
    "road_likelihood",
    "sibling_likelihood",
]

DRAWS = 4096
"""Patient genotypes that are evaluated at most unless said otherwise."""
SEED = 20_140_724
"""Of the draws: the same question has the same answer."""


def match_likelihood(
    patient_frequencies: Populations,
    registries: Pools,
    loci: str | Sequence[str] = "8/8",
    max_mismatches: int = 0,
    *,
    nomenclature: Nomenclature | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
) -> MatchLikelihood:
    """Return how likely a patient of a population has an available donor.

    Args:
        patient_frequencies: Those of the patients; of two parents' populations a pair.
        registries: The pools of donors, as :class:`DonorPool` or (frequencies, donors, availability).
        loci: A preset such as ``"8/8"`` or a list; all frequencies must have them.
        max_mismatches: 0 to 4, over all loci, either direction (SEMANTICS section 2).
        nomenclature: What carries all names to ARD groups; the default compares two fields, without any files.
        draws: At most so many patient genotypes are evaluated, at least 16; the average is exact if there are no more.
        seed: Of the draws.

    Raises:
        ArgumentError: An argument is out of range, or frequencies lack a locus.

    Example:
        >>> import pyarrow as pa
        >>> from allomatch import HaplotypeFrequencies
        >>> table = pa.table({"haplotype": ["A*01:01~B*08:01", "A*02:01~B*07:02"], "frequency": [0.9, 0.1]})
        >>> freqs = HaplotypeFrequencies.from_arrow(table, population="X")
        >>> one = match_likelihood(freqs, [(freqs, 10, 0.5)], ["A", "B"])
        >>> round(one.likelihood, 4), one.error
        (0.9159, 0.0)
    """
    asked = Question.of(registries, loci, max_mismatches, nomenclature)
    return asked.likelihood(asked.patients(patient_frequencies, draws, seed))


def patient_likelihood(
    phenotype: Phenotype | str,
    patient_frequencies: Populations,
    registries: Pools,
    nomenclature: Nomenclature | None = None,
    loci: str | Sequence[str] = "8/8",
    max_mismatches: int = 0,
) -> MatchLikelihood:
    """Return how likely one patient has an available donor, over all genotypes that the typings may hide.

    Args:
        phenotype: The patient's, or a GL string. Every typed locus is evidence, whether it is compared or not.
        patient_frequencies: Those of the patient's population; of two parents' populations a pair.
        registries: As in :func:`match_likelihood`.
        nomenclature: As in :func:`match_likelihood`.
        loci: As in :func:`match_likelihood`.
        max_mismatches: As in :func:`match_likelihood`.

    Returns:
        With ``error`` 0, since nothing is drawn; ``represented`` is False if no pair of haplotypes explains the typings.

    Example:
        >>> import pyarrow as pa
        >>> from allomatch import HaplotypeFrequencies
        >>> table = pa.table({"haplotype": ["A*01:01~B*08:01", "A*02:01~B*07:02"], "frequency": [0.9, 0.1]})
        >>> freqs = HaplotypeFrequencies.from_arrow(table, population="X")
        >>> one = patient_likelihood("A*01:01+A*02:XX^B*08:01+B*07:02", freqs, [DonorPool(freqs, 10)], loci=["A", "B"])
        >>> round(one.likelihood, 4)
        0.8626
    """
    asked = Question.of(registries, loci, max_mismatches, nomenclature)
    return asked.likelihood(asked.patient(phenotype, patient_frequencies))


def likelihood_curve(
    patient_frequencies: Populations,
    registries: Pools,
    sizes: Sequence[int],
    loci: str | Sequence[str] = "8/8",
    max_mismatches: int = 0,
    *,
    nomenclature: Nomenclature | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
) -> LikelihoodCurve:
    """Return the chances at several sizes of all registries together.

    Args:
        patient_frequencies: As in :func:`match_likelihood`.
        registries: Whose mix of origins is kept; their sizes count as shares only.
        sizes: How many donors in all, 0 or more each.
        loci: As in :func:`match_likelihood`.
        max_mismatches: As in :func:`match_likelihood`.
        nomenclature: As in :func:`match_likelihood`.
        draws: As in :func:`match_likelihood`.
        seed: As in :func:`match_likelihood`.
    """
    check_list("sizes", sizes)
    for size in sizes:
        check_count("a size", size)
    asked = Question.of(registries, loci, max_mismatches, nomenclature)
    points = [CurvePoint(int(size), math.nan, math.nan) for size in sizes]
    return asked.curve(asked.patients(patient_frequencies, draws, seed), points, "")


def likelihood_over_time(
    patient_frequencies: Populations,
    registries: Pools,
    totals: Sequence[WorldTotal] = WORLD_DONORS,
    loci: str | Sequence[str] = "8/8",
    max_mismatches: int = 0,
    *,
    nomenclature: Nomenclature | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
) -> LikelihoodCurve:
    """Return the chances at the size that the world's registries had, year by year.

    Args:
        patient_frequencies: As in :func:`match_likelihood`.
        registries: Whose mix of origins is kept, which is a simplification: the mix changed over the years.
        totals: Years and sizes; by default :data:`allomatch.registry_sizes.WORLD_DONORS`.
        loci: As in :func:`match_likelihood`.
        max_mismatches: As in :func:`match_likelihood`.
        nomenclature: As in :func:`match_likelihood`.
        draws: As in :func:`match_likelihood`.
        seed: As in :func:`match_likelihood`.
    """
    check_list("totals", totals)
    for total in totals:
        if not isinstance(total, WorldTotal):
            raise problem("WrongType", f"a total is {total!r:.80}; a WorldTotal(year, donors, source) is needed")
        check_count(f"the total of {total.year}", total.donors)
    asked = Question.of(registries, loci, max_mismatches, nomenclature)
    points = [CurvePoint(total.donors, math.nan, math.nan, total.year, total.source) for total in totals]
    version = VERSION if totals is WORLD_DONORS else ""
    return asked.curve(asked.patients(patient_frequencies, draws, seed), points, version)


def recruitment_value(
    patients: Sequence[tuple[Populations, float]],
    registries: Pools,
    recruits: int,
    loci: str | Sequence[str] = "8/8",
    max_mismatches: int = 0,
    *,
    nomenclature: Nomenclature | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
) -> tuple[Recruitment, ...]:
    """Return what so many new donors of each origin would be worth, best first.

    The new donors are of the pool's population and as available as its others.

    Args:
        patients: Populations of patients and their shares, which are divided by their sum.
        registries: As in :func:`match_likelihood`; each is one origin to recruit from.
        recruits: How many donors are added to one of them.
        loci: As in :func:`match_likelihood`.
        max_mismatches: As in :func:`match_likelihood`.
        nomenclature: As in :func:`match_likelihood`.
        draws: As in :func:`match_likelihood`, of each population.
        seed: As in :func:`match_likelihood`.
    """
    check_count("the number of recruits", recruits)
    check_list("patients", patients)
    for each in patients:
        if not isinstance(each, tuple) or len(each) != 2 or not isinstance(each[1], (int, float, np.number)):
            raise problem("WrongType", f"patients are (frequencies, share), not {each!r:.80}")
        check_weight("a share of patients", each[1])
    shares = np.array([share for _, share in patients], np.float64)
    if not shares.sum() > 0:
        raise problem(
            "ValueOutOfRange", f"the shares of patients are {shares.tolist()}; give some, 0 or more, not all 0"
        )
    shares = shares / shares.sum()
    asked = Question.of(registries, loci, max_mismatches, nomenclature)
    gains: list[list[tuple[str, float, float]]] = [[] for _ in asked.pools]
    genotypes = []
    for number, (frequencies, _) in enumerate(patients):
        # Each population has draws of its own: the errors of the parts add up as independent ones do.
        people = asked.patients(frequencies, draws, seed + number)
        genotypes.append(len(people))
        missed = asked.log_missed(asked.matching(people))
        nobody = np.exp(asked.log_none(missed).sum(axis=1))
        for at in range(len(asked.pools)):
            # L(n + r) - L(n) = prod (1 - a q)^n (1 - (1 - a q)^r): no difference of close numbers.
            gains[at].append((people.population, *people.mean(nobody * -np.expm1(times(int(recruits), missed[:, at])))))
    found = [
        Recruitment(
            pool.label,
            int(recruits),
            float(sum(share * gain for share, (_, gain, _) in zip(shares, of_pool, strict=True))),
            math.sqrt(sum((share * error) ** 2 for share, (_, _, error) in zip(shares, of_pool, strict=True))),
            tuple((name, gain) for name, gain, _ in of_pool),
            asked.loci,
            asked.max_mismatches,
            asked.nomenclature.release,
            sum(genotypes),
        )
        for pool, of_pool in zip(asked.pools, gains, strict=True)
    ]
    return tuple(sorted(found, key=lambda each: -each.gain))


def sibling_likelihood(siblings: int) -> float:
    """Return the probability that at least one of so many siblings of both parents is HLA-identical: 1 - (3/4)^n.

    By descent alone: each inherits both haplotypes of the patient with probability 1/4. Parents who share haplotypes make it
    more likely; the family step of the roadmap counts that.

    Example:
        >>> sibling_likelihood(2)
        0.4375
    """
    check_count("the number of siblings", siblings)
    return float(1.0 - 0.75 ** int(siblings))


def road_likelihood(
    siblings: int,
    home: Pools,
    world: Pools,
    patient_frequencies: Populations,
    *,
    phenotype: Phenotype | str | None = None,
    family: float | None = None,
    loci: str | Sequence[str] = "8/8",
    max_mismatches: int = 0,
    nomenclature: Nomenclature | None = None,
    draws: int = DRAWS,
    seed: int = SEED,
) -> RoadLikelihood:
    """Return how likely the family, then the home registries, then the others help.

    Whether a sibling inherited the same haplotypes does not depend on how frequent they are, so that the family's chance is
    the same for every genotype; those of home and world do depend on it, and are taken together for each.

    Args:
        siblings: Untyped siblings of both parents who could donate.
        home: The pools of the home registries.
        world: The pools of all others.
        patient_frequencies: As in :func:`match_likelihood`.
        phenotype: Of one patient; None: patients of the population.
        family: Probability that the family helps, 0 to 1, if it is known better (the family step of the roadmap); it replaces
            ``siblings``.
        loci: As in :func:`match_likelihood`.
        max_mismatches: As in :func:`match_likelihood`; the family is identical or does not help.
        nomenclature: As in :func:`match_likelihood`.
        draws: As in :func:`match_likelihood`.
        seed: As in :func:`match_likelihood`.
    """
    check_draws(draws, seed)  # of one patient nothing is drawn, and a slip is a slip
    helped = sibling_likelihood(siblings)
    if family is not None:
        check_share("family", family)
        helped = float(family)
    nearby = Question.of(home, loci, max_mismatches, nomenclature)
    far = Question.of(world, loci, max_mismatches, nomenclature)
    people = (
        nearby.patients(patient_frequencies, draws, seed)
        if phenotype is None
        else nearby.patient(phenotype, patient_frequencies)
    )
    none_home, none_far = (each.log_none(each.log_missed(each.matching(people))).sum(axis=1) for each in (nearby, far))
    left = 1.0 - helped
    at_home, home_error = people.mean(left * -np.expm1(none_home))
    elsewhere, world_error = people.mean(left * np.exp(none_home) * -np.expm1(none_far))
    nobody = max(0.0, left - at_home - elsewhere)
    if not len(people):
        at_home = elsewhere = nobody = home_error = world_error = math.nan
    return RoadLikelihood(
        helped,
        at_home,
        elsewhere,
        nobody,
        home_error,
        world_error,
        nearby.loci,
        max_mismatches,
        people.population,
        nearby.nomenclature.release,
        len(people),
    )
