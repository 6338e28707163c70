"""Whom the chances are of: the genotypes of a population, all of them or drawn in strata, or those that one patient may have.

What: :class:`Patients` is a list of genotypes with weights that sum to 1, over which :meth:`Patients.mean` averages and says how
far the average may be off by drawing. Invariants: where there are no more pairs of haplotypes than draws, every pair is there and
nothing is off; otherwise draws are seeded, and every stratum has at least four, so that its variance can be estimated.

Why strata: whether a patient has a donor depends most on how frequent both haplotypes are. Haplotypes are put in the order of
their frequency and cut into slices of equal probability; a stratum is a slice for the first haplotype and a slice for the second.
Frequent haplotypes fill slices of their own, where nothing varies.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allomatch import _core
from allomatch.carried import Carried, Populations, carry, populations_of
from allomatch.errors import problem
from allomatch.nomenclature import Nomenclature
from allomatch.phenotype import Phenotype

__all__ = ["Patients", "drawn", "of_phenotype"]

Numbers = npt.NDArray[np.int64]
Values = npt.NDArray[np.float64]

_PER_STRATUM = 4
_ROUNDING = 1e-9  # of sums in another order


@dataclass(frozen=True, slots=True)
class Patients:
    """Genotypes with weights.

    Attributes:
        population: Whose.
        names: Class names of each locus.
        genotypes: Shape (n, loci, 2): indices into ``names``.
        weights: Shape (n,); they sum to 1, or there are none.
        strata: The stratum of each row; None: nothing was drawn.
        lost: Share of the population's haplotypes that cannot be carried to single ARD groups; they are left out.
    """

    population: str
    names: list[list[str]]
    genotypes: Numbers
    weights: Values
    strata: Numbers | None
    lost: float = 0.0

    def __len__(self) -> int:
        return len(self.weights)

    def mean(self, values: Values) -> tuple[float, float]:
        """Return the average of a value of each row, and its standard error by drawing (0 if nothing was drawn)."""
        average = float(self.weights @ values)
        if self.strata is None:
            return average, 0.0
        count = np.bincount(self.strata)
        share = np.bincount(self.strata, weights=self.weights)
        middle = np.bincount(self.strata, weights=values) / count
        spread = np.bincount(self.strata, weights=(values - middle[self.strata]) ** 2) / (count - 1)
        return average, float(np.sqrt(np.sum(share**2 * spread / count)))


def drawn(frequencies: Populations, nomenclature: Nomenclature, loci: Sequence[str], draws: int, seed: int) -> Patients:
    """Return the patients of a population: every pair of haplotypes if there are no more than draws, otherwise so many drawn.

    Args:
        frequencies: Those of the patients; of two parents' populations a pair.
        nomenclature: What carries them to ARD groups.
        loci: The loci compared.
        draws: At most this many genotypes; at least 16.
        seed: Of the generator.
    """
    sides = [_side(each, nomenclature, loci) for each in populations_of(frequencies)]
    names = [sorted({name for side in sides for name in side.names[at]}) for at in range(len(loci))]
    tables = [side.renumbered(names) for side in sides]
    (classes, f), (others, g) = tables[0], tables[-1]
    lost = sum(side.lost for side in sides) / len(sides)
    population = " x ".join(side.population for side in sides)
    one = len(sides) == 1
    pairs = len(f) * (len(f) + 1) // 2 if one else len(f) * len(g)
    if pairs <= draws:
        first, second = np.triu_indices(len(f)) if one else np.indices((len(f), len(g))).reshape(2, -1)
        weights = f[first] * g[second] * np.where((first != second) & one, 2.0, 1.0)
        strata = None
    else:
        slices = int(np.sqrt(draws / _PER_STRATUM))
        per_stratum = draws // slices**2
        strata = np.repeat(np.arange(slices**2), per_stratum)
        random = np.random.default_rng(seed).random((2, len(strata)))
        first = _chosen(f, (strata // slices + random[0]) / slices)
        second = _chosen(g, (strata % slices + random[1]) / slices)
        weights = np.full(len(strata), 1.0 / len(strata))
    genotypes = np.stack([classes[first], others[second]], axis=2)
    return Patients(population, names, genotypes, weights, strata, lost)


def of_phenotype(
    phenotype: Phenotype, frequencies: Populations, nomenclature: Nomenclature, loci: Sequence[str]
) -> Patients:
    """Return the genotypes that one patient may have, by their posterior probability (SEMANTICS section 4).

    Returns:
        No row if the patient is not represented, nor of one ARD group at every locus.
    """
    carried = carry(frequencies, nomenclature)
    person = _core.PredictedPerson(_core.People(carried.core, phenotype._core), list(loci))
    alleles, genotypes, probabilities = person.possibilities()
    return Patients(carried.population, alleles, genotypes.astype(np.int64), probabilities, None)


@dataclass(frozen=True, slots=True)
class _Side:
    """The haplotypes of one population."""

    population: str
    names: list[list[str]]
    classes: Numbers
    frequencies: Values
    lost: float

    def renumbered(self, names: Sequence[Sequence[str]]) -> tuple[Numbers, Values]:
        """Return the classes as indices into other names, most frequent haplotype first."""
        order = np.argsort(-self.frequencies, kind="stable")
        columns = []
        for at, own in enumerate(self.names):
            number = {name: n for n, name in enumerate(names[at])}
            columns.append(np.array([number[name] for name in own], np.int64)[self.classes[order, at]])
        return np.stack(columns, axis=1), self.frequencies[order]


def _side(population: Populations, nomenclature: Nomenclature, loci: Sequence[str]) -> _Side:
    carried: Carried = carry(population, nomenclature, loci)
    core = carried.core
    order = [core.loci.index(locus) for locus in loci]
    frequencies = np.asarray(core.frequencies, np.float64)
    held = np.flatnonzero(frequencies > 0)
    total = float(frequencies.sum())
    if not total > 0:
        raise problem(
            "InvalidArgument",
            f"no haplotype of {carried.population} has a frequency above 0 and can be carried to ARD groups; "
            "not_carried() says why",
        )
    classes = core.classes(held.astype(np.uint32))[:, order].astype(np.int64)
    whole = sum(each.total for each in populations_of(population))
    return _Side(
        carried.population,
        [core.names()[at] for at in order],
        classes,
        frequencies[held] / total,
        1.0 - total / whole if total < whole * (1 - _ROUNDING) else 0.0,
    )


def _chosen(frequencies: Values, uniform: Values) -> Numbers:
    """Return the haplotypes that uniform numbers fall on."""
    upto = np.cumsum(frequencies)
    return np.minimum(np.searchsorted(upto / upto[-1], uniform, side="right"), len(frequencies) - 1)
