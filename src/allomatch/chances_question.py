"""The question about chances: which donors, at which loci, with how many mismatches.

What: :class:`DonorPool` is what the user says of donors; :class:`Question` checks all of it once and evaluates it for patients.
Invariants: probabilities of pools are kept as logarithms of "none of them", which add, so that neither many donors nor rare
genotypes lose digits; an index of a population is made once and kept.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allomatch.carried import Carried, Populations, carry, populations_of
from allomatch.chances_donors import DonorIndex
from allomatch.chances_patients import Patients, drawn, of_phenotype
from allomatch.chances_results import CurvePoint, LikelihoodCurve, MatchLikelihood, PoolLikelihood
from allomatch.errors import problem
from allomatch.frequencies import HaplotypeFrequencies
from allomatch.match import check_choice, loci_of
from allomatch.nomenclature import Nomenclature
from allomatch.phenotype import Phenotype

__all__ = [
    "DonorPool",
    "Pools",
    "Question",
    "check_count",
    "check_draws",
    "check_list",
    "check_share",
    "check_weight",
    "times",
]

Values = npt.NDArray[np.float64]

MOST_DONORS = 10_000_000_000
"""More than there are people; with more, a size is a slip, and numbers of hundreds of digits are none that can be computed with."""

_MOST_MISMATCHES = 4
_MOST_WEIGHT = 1e12  # the sum of any number of them can be computed with
_FEWEST_DRAWS = 16
_MOST_DRAWS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class DonorPool:
    """Donors of one population.

    Attributes:
        frequencies: Their haplotype frequencies.
        donors: How many there are.
        availability: The share of those asked who can donate, 0 to 1.
        name: What answers call the pool; by default the population.
    """

    frequencies: HaplotypeFrequencies
    donors: int
    availability: float = 1.0
    name: str = ""

    def __post_init__(self) -> None:
        check_choice("frequencies", self.frequencies, HaplotypeFrequencies)
        check_choice("name", self.name, str)
        check_count("the size of a pool", self.donors)
        check_share("the availability of a pool", self.availability)

    @property
    def label(self) -> str:
        """The name, or the population."""
        return self.name or self.frequencies.population


Pools = Sequence[DonorPool | tuple[HaplotypeFrequencies, int] | tuple[HaplotypeFrequencies, int, float]]


@functools.cache
def _default_nomenclature() -> Nomenclature:
    return Nomenclature.two_field()


@functools.lru_cache(maxsize=32)
def _index(carried: Carried, loci: tuple[str, ...], total: float) -> DonorIndex:
    """Return the index of a set, each made once: tables of a set of 300,000 haplotypes take some 50 ms."""
    return DonorIndex(carried, loci, total)


@dataclass(frozen=True, slots=True)
class Question:
    """Which donors, at which loci, with how many mismatches; make one with :meth:`of`."""

    pools: tuple[DonorPool, ...]
    loci: tuple[str, ...]
    max_mismatches: int
    nomenclature: Nomenclature

    @classmethod
    def of(
        cls, registries: Pools, loci: str | Sequence[str], max_mismatches: int, nomenclature: Nomenclature | None
    ) -> Question:
        """Check what was asked (arguments as in :func:`allomatch.chances.match_likelihood`)."""
        names = _default_nomenclature() if nomenclature is None else nomenclature
        check_choice("nomenclature", names, Nomenclature)
        named = loci_of(loci)
        most = min(_MOST_MISMATCHES, 2 * len(named))
        if isinstance(max_mismatches, bool) or not isinstance(max_mismatches, int) or not 0 <= max_mismatches <= most:
            raise problem("ValueOutOfRange", f"max_mismatches is {max_mismatches!r}; 0 to {most} are possible")
        check_list("registries", registries)
        pools = tuple(_pool(each) for each in registries)
        for pool in pools:
            _check_loci(pool.frequencies, named)
        return cls(pools, named, max_mismatches, names)

    def patients(self, frequencies: Populations, draws: int, seed: int) -> Patients:
        """Return the patients of a population, all or drawn."""
        check_draws(draws, seed)
        for each in populations_of(frequencies):
            _check_loci(each, self.loci)
        return drawn(frequencies, self.nomenclature, self.loci, int(draws), int(seed))

    def patient(self, phenotype: Phenotype | str, frequencies: Populations) -> Patients:
        """Return the genotypes that one patient may have."""
        for each in populations_of(frequencies):
            _check_loci(each, self.loci)
        person = phenotype if isinstance(phenotype, Phenotype) else Phenotype(phenotype)
        return of_phenotype(person, frequencies, self.nomenclature, self.loci)

    def matching(self, patients: Patients) -> Values:
        """Return the probability that one donor has few enough mismatches: shape (genotypes, pools)."""
        q = np.zeros((len(patients), len(self.pools)))
        for at, pool in enumerate(self.pools):
            q[:, at] = self._index(pool).at_most(self.max_mismatches, patients.genotypes, patients.names)
        return q

    def _index(self, pool: DonorPool) -> DonorIndex:
        carried = carry(pool.frequencies, self.nomenclature, self.loci)
        return _index(carried, self.loci, pool.frequencies.total)

    def log_missed(self, q: Values) -> Values:
        """Return log(1 - a q), that one donor is none: shape (genotypes, pools)."""
        availability = np.array([pool.availability for pool in self.pools])
        with np.errstate(divide="ignore"):  # 1 - a q is 0 where everyone matches and can donate
            return np.asarray(np.log1p(-availability * q), np.float64)

    def log_none(self, log_missed: Values) -> Values:
        """Return the log of the probability that a pool holds no available donor: shape (genotypes, pools)."""
        logs = np.zeros(log_missed.shape)
        for at, pool in enumerate(self.pools):
            logs[:, at] = times(pool.donors, log_missed[:, at])
        return logs

    def likelihood(self, patients: Patients) -> MatchLikelihood:
        """Return the average over patients."""
        q = self.matching(patients)
        none = self.log_none(self.log_missed(q))
        average, error = patients.mean(-np.expm1(none.sum(axis=1)))
        parts = []
        for at, pool in enumerate(self.pools):
            alone, _ = patients.mean(-np.expm1(none[:, at]))
            donors = patients.mean(q[:, at])[0] * pool.donors * pool.availability
            if not len(patients):
                alone = donors = math.nan
            parts.append(
                PoolLikelihood(
                    pool.label,
                    pool.frequencies.population,
                    int(pool.donors),
                    float(pool.availability),
                    alone,
                    float(donors),
                    self._index(pool).lost,
                )
            )
        if not len(patients):
            average = error = math.nan
        return MatchLikelihood(
            average,
            error,
            len(patients),
            self.loci,
            self.max_mismatches,
            tuple(parts),
            patients.population,
            self.nomenclature.release,
            patients.lost,
            patients.strata is None,
        )

    def curve(self, patients: Patients, points: Sequence[CurvePoint], version: str) -> LikelihoodCurve:
        """Return the points with their likelihoods, the mix of the pools unchanged."""
        whole = sum(pool.donors for pool in self.pools)
        if not whole:
            raise problem(
                "InvalidArgument", "the pools have no donors, so that their mix is not known; give their sizes"
            )
        # That one donor of the mix is none: the geometric mean over all.
        one = self.log_none(self.log_missed(self.matching(patients))).sum(axis=1) / whole
        found = [
            CurvePoint(p.donors, *patients.mean(-np.expm1(times(p.donors, one))), p.year, p.source) for p in points
        ]
        return LikelihoodCurve(
            tuple(found),
            self.loci,
            self.max_mismatches,
            patients.population,
            self.nomenclature.release,
            len(patients),
            version,
        )


def times(donors: int, log_missed: Values) -> Values:
    """Return the log of the probability that so many donors are none; 0 donors are none for certain."""
    return np.asarray(donors * log_missed, np.float64) if donors else np.zeros(len(log_missed))


def _pool(given: object) -> DonorPool:
    if isinstance(given, DonorPool):
        return given
    if isinstance(given, tuple) and len(given) in (2, 3):
        return DonorPool(*given)
    raise problem("WrongType", f"a pool is {given!r:.80}; a DonorPool or (frequencies, donors, availability) is needed")


def _check_loci(frequencies: HaplotypeFrequencies, loci: Sequence[str]) -> None:
    missing = [locus or "''" for locus in loci if locus not in frequencies.loci]
    if missing:
        raise problem(
            "InvalidArgument",
            f"the frequencies of {frequencies.population} have no {', '.join(missing)}; they have "
            f"{', '.join(frequencies.loci)}; ask for some of these",
        )


def check_count(what: str, value: object, least: int = 0, most: int | None = MOST_DONORS) -> None:
    """Raise ArgumentError unless a value is a whole number in a range."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < least or (most is not None and value > most):  # type: ignore[operator]
        upto = f"{least} or more" if most is None else f"{least} to {most:,}"
        raise problem("ValueOutOfRange", f"{what} is {_shown(value)}; a whole number, {upto}, is needed")


def check_list(what: str, values: object) -> None:
    """Raise ArgumentError unless values are a list or the like."""
    if not isinstance(values, (Sequence, np.ndarray)) or isinstance(values, str):
        raise problem("WrongType", f"{what} is {_shown(values)}; a list is needed")


def check_draws(draws: object, seed: object) -> None:
    """Raise ArgumentError unless so many genotypes can be drawn, by this seed."""
    check_count("the number of draws", draws, _FEWEST_DRAWS, _MOST_DRAWS)
    check_count("the seed", seed, most=None)


def _shown(value: object) -> str:
    """Cut what would fill a screen; Python refuses to write a number of more than 4,300 digits at all."""
    try:
        text = repr(value)
    except ValueError:
        return "a number of thousands of digits"
    return text if len(text) <= 40 else f"{text[:37]}... ({len(text)} characters)"


def check_share(what: str, value: object) -> None:
    """Raise ArgumentError unless a value is a number from 0 to 1."""
    number = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
    if not number or not 0 <= value <= 1:  # type: ignore[operator]
        raise problem("ValueOutOfRange", f"{what} is {_shown(value)}; a number from 0 to 1 is needed")


def check_weight(what: str, value: float) -> None:
    """Raise ArgumentError unless a number can be the weight of one of several: 0 to 1e12."""
    if not 0 <= value <= _MOST_WEIGHT:
        raise problem("ValueOutOfRange", f"{what} is {_shown(value)}; 0 to {_MOST_WEIGHT:g} is possible")
