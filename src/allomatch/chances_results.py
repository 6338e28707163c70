"""The answers about chances: what was found, in words, and as plain values for JSON.

Invariants: probabilities are 0 to 1; one that there is not is NaN here and None in JSON; every answer says the frequencies, the
loci, the release and how many genotypes it rests on, and that it decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from allomatch.errors import problem

__all__ = [
    "CurvePoint",
    "LikelihoodCurve",
    "MatchLikelihood",
    "PoolLikelihood",
    "Recruitment",
    "RoadLikelihood",
]

_WORDS = "It supports professionals and decides nothing."


@dataclass(frozen=True, slots=True)
class PoolLikelihood:
    """What one pool gives.

    Attributes:
        name: The pool.
        population: Whose frequencies.
        donors: How many donors.
        availability: Share who can donate, 0 to 1.
        likelihood: Probability of an available donor in this pool alone, 0 to 1.
        expected_donors: Available donors with so few mismatches that a patient has on average. A few patients with very frequent
            genotypes have most of them.
        lost: Share of the pool's haplotypes that could not be carried to ARD groups; donors of these match no one.
    """

    name: str
    population: str
    donors: int
    availability: float
    likelihood: float
    expected_donors: float
    lost: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name."""
        return {
            "name": self.name,
            "population": self.population,
            "donors": self.donors,
            "availability": self.availability,
            "likelihood": _number(self.likelihood),
            "expected_donors": _number(self.expected_donors),
            "lost": self.lost,
        }


@dataclass(frozen=True, slots=True)
class MatchLikelihood:
    """How likely at least one available donor is.

    Attributes:
        likelihood: 0 to 1; NaN if a single patient is not represented.
        error: Standard error of the likelihood by drawing patients; 0: nothing was drawn. It says nothing of how sure the
            frequencies, sizes and availabilities are, and too little where nearly every drawn patient has a donor.
        draws: How many patient genotypes it is the average of.
        loci: The loci compared.
        max_mismatches: How many mismatches a donor may have.
        pools: Each pool by itself.
        population: Whose patients.
        nomenclature: The release that names were read under.
        lost: Share of the patients' haplotypes that could not be carried to ARD groups and are left out.
        exact: Whether every genotype is there; False: some were drawn, and ``error`` is an estimate.
    """

    likelihood: float
    error: float
    draws: int
    loci: tuple[str, ...]
    max_mismatches: int
    pools: tuple[PoolLikelihood, ...]
    population: str
    nomenclature: str
    lost: float = 0.0
    exact: bool = True

    @property
    def represented(self) -> bool:
        """Whether there is a probability; False: no pair of haplotypes explains the patient's typings."""
        return not math.isnan(self.likelihood)

    def __getitem__(self, name: str) -> PoolLikelihood:
        for pool in self.pools:
            if pool.name == name:
                return pool
        raise problem(
            "InvalidArgument", f"there is no pool {name!r}; there are {', '.join(p.name for p in self.pools) or 'none'}"
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name; a likelihood that there is not is None."""
        return {
            "about": _WORDS,
            "likelihood": _number(self.likelihood),
            "error": _number(self.error),
            "draws": self.draws,
            "loci": list(self.loci),
            "max_mismatches": self.max_mismatches,
            "pools": [pool.to_dict() for pool in self.pools],
            "population": self.population,
            "nomenclature": self.nomenclature,
            "lost": self.lost,
            "exact": self.exact,
        }

    def explain(self) -> str:
        """Return in words how likely a donor is, and what it rests on."""
        level = _level(self.loci, self.max_mismatches)
        where = f"frequencies of {self.population} for the patient, nomenclature {self.nomenclature}"
        if not self.represented:
            return f"no probability, the patient is not represented: no pair of haplotypes explains the typings ({where}). {_WORDS}"
        how = (
            f"standard error {self.error:.4f} from {self.draws:,} drawn genotypes"
            if not self.exact
            else f"exact over {self.draws:,} genotypes"
        )
        lines = [f"probability of an available donor, {level}: {self.likelihood:.4f} ({how}; {where})"]
        for pool in self.pools:
            lines.append(
                f"  {pool.name}: {pool.donors:,} donors, {pool.availability:.2f} of them available: alone "
                f"{pool.likelihood:.4f}; {pool.expected_donors:.3g} such donors on average"
            )
            if pool.lost > 0:
                lines[-1] += f"; {pool.lost:.4f} of its haplotypes could not be carried, and match no one"
        if self.lost > 0:
            lines.append(f"  {self.lost:.4f} of the patients' haplotypes could not be carried and are left out")
        lines.append(f"  Frequencies, sizes and availabilities are taken as given. {_WORDS}")
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One point of a curve.

    Attributes:
        donors: How many donors all pools have together.
        likelihood: Probability of an available donor.
        error: Its standard error by drawing.
        year: Of which year the size is; None: of none.
        source: Where the size is from; empty: it was asked for.
    """

    donors: int
    likelihood: float
    error: float
    year: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class LikelihoodCurve:
    """How the chances grow with the registries, their mix of origins unchanged.

    Attributes:
        points: In the order asked for.
        loci: The loci compared.
        max_mismatches: How many mismatches a donor may have.
        population: Whose patients.
        nomenclature: The release that names were read under.
        draws: How many patient genotypes; the same at every point.
        version: Of the figures, where sizes are the project's own; otherwise empty.
    """

    points: tuple[CurvePoint, ...]
    loci: tuple[str, ...]
    max_mismatches: int
    population: str
    nomenclature: str
    draws: int
    version: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name."""
        return {
            "about": _WORDS,
            "points": [
                {
                    "donors": p.donors,
                    "likelihood": _number(p.likelihood),
                    "error": _number(p.error),
                    "year": p.year,
                    "source": p.source,
                }
                for p in self.points
            ],
            "loci": list(self.loci),
            "max_mismatches": self.max_mismatches,
            "population": self.population,
            "nomenclature": self.nomenclature,
            "draws": self.draws,
            "version": self.version,
        }

    def explain(self) -> str:
        """Return the points in words."""
        lines = [
            f"probability of an available donor for {self.population}, {_level(self.loci, self.max_mismatches)}, "
            f"by size, the mix of origins unchanged (nomenclature {self.nomenclature}):"
        ]
        for p in self.points:
            when = "" if p.year is None else f" ({p.year}; {p.source})"
            lines.append(f"  {p.donors:,} donors{when}: {p.likelihood:.4f}, standard error {p.error:.4f}")
        return "\n".join([*lines, f"  {_WORDS}"])


@dataclass(frozen=True, slots=True)
class Recruitment:
    """What new donors of one origin are worth.

    Attributes:
        pool: To which pool they are added.
        recruits: How many.
        gain: How much the probability of a donor grows on average over the mix of patients.
        error: Standard error of the gain by drawing.
        by_population: The gain of each patient population.
        loci: The loci compared.
        max_mismatches: How many mismatches a donor may have.
        nomenclature: The release that names were read under.
        draws: How many patient genotypes it is the average of.
    """

    pool: str
    recruits: int
    gain: float
    error: float
    by_population: tuple[tuple[str, float], ...]
    loci: tuple[str, ...]
    max_mismatches: int
    nomenclature: str
    draws: int

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name."""
        return {
            "about": _WORDS,
            "pool": self.pool,
            "recruits": self.recruits,
            "gain": self.gain,
            "error": self.error,
            "by_population": dict(self.by_population),
            "loci": list(self.loci),
            "max_mismatches": self.max_mismatches,
            "nomenclature": self.nomenclature,
            "draws": self.draws,
        }

    def explain(self) -> str:
        """Return in words what they are worth."""
        lines = [
            f"{self.recruits:,} more donors of {self.pool}: {self.gain:+.6f} to the probability of an available donor, "
            f"{_level(self.loci, self.max_mismatches)} (standard error {self.error:.6f}; nomenclature {self.nomenclature})"
        ]
        if len(self.by_population) > 1:
            lines += [f"  for patients of {name}: {gain:+.6f}" for name, gain in self.by_population]
        return "\n".join([*lines, f"  {_WORDS}"])


@dataclass(frozen=True, slots=True)
class RoadLikelihood:
    """How likely the family, then home, then the world helps; the four outcomes sum to 1.

    Attributes:
        family: A sibling (or whoever the given probability is of) is identical.
        home: Nobody of the family, but a donor of the home registries; NaN, as the rest, if a single patient is not represented.
        world: Neither, but a donor of the others.
        nobody: None of them.
        home_error: Standard error of ``home`` by drawing.
        world_error: The same of ``world``.
        loci: The loci compared.
        max_mismatches: How many mismatches a donor of a registry may have.
        population: Whose patients.
        nomenclature: The release that names were read under.
        draws: How many patient genotypes it is the average of.
    """

    family: float
    home: float
    world: float
    nobody: float
    home_error: float
    world_error: float
    loci: tuple[str, ...]
    max_mismatches: int
    population: str
    nomenclature: str
    draws: int

    @property
    def represented(self) -> bool:
        """Whether there are probabilities of donors; False: no pair of haplotypes explains the patient's typings."""
        return not math.isnan(self.home)

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name; those that there are not are None."""
        values = {name: getattr(self, name) for name in self.__slots__}
        return {"about": _WORDS} | {
            name: list(value) if isinstance(value, tuple) else _number(value) if isinstance(value, float) else value
            for name, value in values.items()
        }

    def explain(self) -> str:
        """Return in words how far the road is likely to lead."""
        if not self.represented:
            return (
                f"the family helps with probability {self.family:.4f}\n"
                f"  else, at home or elsewhere, {_level(self.loci, self.max_mismatches)}: no probability, the patient is not "
                "represented: no pair of haplotypes explains the typings\n"
                f"  (frequencies of {self.population}, nomenclature {self.nomenclature}). {_WORDS}"
            )
        lines = [
            f"the family helps with probability {self.family:.4f}",
            f"  else a donor at home, {_level(self.loci, self.max_mismatches)}: {self.home:.4f}",
            f"  else a donor elsewhere in the world: {self.world:.4f}",
            f"  none of them: {self.nobody:.4f}",
            f"  (frequencies of {self.population}, nomenclature {self.nomenclature}; standard errors by drawing "
            f"{self.home_error:.4f} and {self.world_error:.4f}). {_WORDS}",
        ]
        return "\n".join(lines)


def _level(loci: Sequence[str], max_mismatches: int) -> str:
    most = "no mismatch" if max_mismatches == 0 else f"at most {max_mismatches} of {2 * len(loci)} mismatched"
    return f"{most} at {', '.join(loci)}"


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value
