"""Imputation: what a person's typings most likely hide (SEMANTICS section 4).

The pairs of haplotypes of a frequency set that explain the typings, each with its probability. The sums are the core's and
exact. docs/prediction.md has the formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from allomatch import _core
from allomatch.carried import Carried, Populations, carry
from allomatch.errors import problem
from allomatch.match import check_choice, loci_of
from allomatch.nomenclature import LOCI, Nomenclature
from allomatch.people import bad_rows, cell_errors, columns_of_side, part_of_side
from allomatch.phenotype import Phenotype

__all__ = ["Imputation", "ImputedTable", "impute", "impute_table"]


class Imputation:
    """The pairs of haplotypes that a person may have.

    Attributes:
        phenotype: Whose.
        loci: Loci of the haplotypes.
        ignored: Loci at which the person is typed and the frequencies say nothing.
        population: Whose frequencies.
        nomenclature: The release that the names were read under.
        total: The sum of all weights, f(h) f(k), twice that for unlike h and k: the likelihood of the typings.
        diplotype_count: How many pairs of haplotypes explain the typings.
        diplotypes: Those that were asked for, best first: columns ``first``, ``second`` (haplotypes, such as
            ``A*01:01P~B*08:01P``), ``weight``, ``posterior`` (float64, 0..1).
    """

    def __init__(
        self, phenotype: Phenotype, carried: Carried, nomenclature: str, best: int | None, person: _core.People
    ) -> None:
        self.phenotype = phenotype
        self.loci = carried.loci
        self.ignored = tuple(person.ignored())
        self.population = carried.population
        self.nomenclature = nomenclature
        self._carried = carried
        self._person = person
        totals, counts, _, first, second, posteriors = person.impute(2**32 - 1 if best is None else best, 1)
        self.total = float(totals[0])
        self.diplotype_count = int(counts[0])
        self.diplotypes = pa.table(
            {
                "first": _haplotypes(carried, first),
                "second": _haplotypes(carried, second),
                "weight": posteriors * self.total,
                "posterior": posteriors,
            }
        )

    @property
    def represented(self) -> bool:
        """Whether any pair of haplotypes explains the typings."""
        return self.total > 0

    @property
    def lost(self) -> float:
        """The posterior mass of the pairs that are not listed, 0..1; 0 if all are listed."""
        if self.diplotypes.num_rows == self.diplotype_count:
            return 0.0
        return max(0.0, 1.0 - float(np.sum(self.diplotypes["posterior"].to_numpy())))

    @cached_property
    def genotypes(self) -> pa.Table:
        """Every genotype, phase left out, best first: columns ``genotype`` (a GL string), ``weight``, ``posterior``.

        Raises:
            ResourceError: There are more than 100 million pairs of haplotypes.
        """
        return self.genotypes_over(self.loci)

    def genotypes_over(self, loci: str | Sequence[str]) -> pa.Table:
        """Return :attr:`genotypes` over some of the loci, the others summed over."""
        named = loci_of(loci)
        for locus in named:
            if locus not in self.loci:
                raise problem(
                    "InvalidArgument", f"locus {locus} is not among those of the haplotypes, {', '.join(self.loci)}"
                )
        if not self.represented:
            return pa.table({"genotype": pa.array([], pa.string()), "weight": np.zeros(0), "posterior": np.zeros(0)})
        classes, weights = self._person.genotypes(named)
        parts: list[npt.NDArray[np.object_]] = []
        for at, locus in enumerate(named):
            names = np.array(self._carried.core.names()[self._carried.core.loci.index(locus)], dtype=object)
            parts.append(names[classes[:, at, 0]] + "+" + names[classes[:, at, 1]])
        texts = parts[0]
        for part in parts[1:]:
            texts = texts + "^" + part
        return pa.table(
            {"genotype": pa.array(texts, pa.string()), "weight": weights, "posterior": weights / self.total}
        )

    def explain(self) -> str:
        """Return in words what the person most likely has."""
        where = f"frequencies of {self.population}, nomenclature {self.nomenclature}"
        if not self.represented:
            return f"not represented: no pair of haplotypes explains the typings ({where})"
        lines = [f"{self.diplotype_count:,} pairs of haplotypes explain the typings ({where})"]
        for row in self.diplotypes.slice(0, 5).to_pylist():
            lines.append(f"  {row['posterior']:.4f}  {row['first']}  {row['second']}")
        if self.ignored:
            lines.append(f"  the frequencies say nothing of {', '.join(self.ignored)}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return (
            f"Imputation(represented={self.represented}, diplotypes={self.diplotype_count}, "
            f"population={self.population!r}, total={self.total:.6g})"
        )


def _haplotypes(carried: Carried, numbers: npt.NDArray[np.uint32]) -> pa.Array:
    """Return haplotypes as text, their loci in the house order; each distinct one is written once."""
    distinct, of_each = np.unique(numbers, return_inverse=True)
    classes = carried.core.classes(distinct)
    order = carried.core.loci
    columns = []
    for locus in carried.loci:
        at = order.index(locus)
        columns.append(pa.array(carried.core.names()[at], pa.string()).take(pa.array(classes[:, at])))
    return pc.binary_join_element_wise(*columns, "~").take(pa.array(of_each))


def impute(
    person: Phenotype | str,
    frequencies: Populations,
    nomenclature: Nomenclature,
    *,
    best: int | None = None,
) -> Imputation:
    """Find every pair of haplotypes that explains a person's typings, with its probability.

    Args:
        person: A phenotype or GL string. Untyped loci of the frequencies are summed over; phase (``~``) is respected.
        frequencies: Those of the person's population; of two parents' populations a pair.
        nomenclature: Both the typings and the frequencies are carried to its ARD groups.
        best: List the best so many pairs only (all are counted, and the mass of the others is ``lost``); ``None``: all.

    Raises:
        TypingError: A typing is malformed, or the nomenclature knows none of the names of one of its positions.
        ArgumentError: Something else than frequencies, or a number out of range.
        ResourceError: ``best`` is None and there are more than 100 million pairs.

    Example:
        >>> import pyarrow as pa
        >>> from allomatch import HaplotypeFrequencies
        >>> table = pa.table({"haplotype": ["A*01:01~B*08:01", "A*02:01~B*07:02", "A*02:05~B*07:02"], "frequency": [0.5, 0.3, 0.1]})
        >>> freqs = HaplotypeFrequencies.from_arrow(table, population="X")
        >>> who = impute("A*01:01+A*02:XX^B*08:01+B*07:02", freqs, Nomenclature.two_field())
        >>> [round(p, 4) for p in who.diplotypes["posterior"].to_pylist()]
        [0.75, 0.25]
        >>> who.diplotypes["second"].to_pylist()
        ['A*02:01~B*07:02', 'A*02:05~B*07:02']
    """
    check_choice("nomenclature", nomenclature, Nomenclature)
    person = person if isinstance(person, Phenotype) else Phenotype(person)
    _check_count("best", best)
    carried = carry(frequencies, nomenclature)
    return Imputation(person, carried, nomenclature.release, best, _core.People(carried.core, person._core))


@dataclass(frozen=True, slots=True)
class ImputedTable:
    """Many people imputed.

    Attributes:
        table: One row a person: ``total`` (float64, 0 if not represented), ``diplotype_count`` (uint64), ``lost`` (float64, the
            posterior mass not listed), ``diplotypes``: a list of the best pairs, each ``first``, ``second``, ``posterior``.
            All are null in a row that could not be read.
        errors: Why: row (from 0), field, value, code (docs/errors.md), message.
        population: Whose frequencies.
        nomenclature: The release that the names were read under.
    """

    table: pa.Table
    errors: pa.Table
    population: str
    nomenclature: str


def impute_table(
    people: Any, frequencies: Populations, nomenclature: Nomenclature, *, best: int = 10, threads: int = 0
) -> ImputedTable:
    """Impute many people, each distinct phenotype once.

    Args:
        people: A column of GL strings, or a table with a column ``gl`` or columns ``A_1``, ``A_2`` and so on.
        frequencies: As in :func:`impute`, for all of them.
        nomenclature: As in :func:`impute`.
        best: List the best so many pairs of each person; 0: none, only totals and counts.
        threads: 0 means all cores; the result does not depend on it.
    """
    check_choice("nomenclature", nomenclature, Nomenclature)
    _check_count("best", best)
    carried = carry(frequencies, nomenclature)
    columns = columns_of_side("people", people, LOCI)
    rows = 1 if isinstance(columns, Phenotype) else len(next(iter(columns.values())))
    read = _core.People(carried.core, part_of_side(columns, 0, rows), rows, threads)
    totals, counts, offsets, first, second, posteriors = read.impute(best, threads)
    bad = bad_rows(read.errors, rows)
    listed = pa.StructArray.from_arrays(
        [_haplotypes(carried, first), _haplotypes(carried, second), pa.array(posteriors)],
        names=["first", "second", "posterior"],
    )
    sums = np.add.reduceat(np.append(posteriors, 0.0), offsets[:-1]) if rows else np.zeros(0)
    sums = np.where(np.diff(offsets) > 0, sums, 0.0)
    lost = np.where(totals > 0, np.where(np.diff(offsets) == counts, 0.0, np.maximum(0.0, 1 - sums)), 0.0)
    lists = pa.ListArray.from_arrays(pa.array(offsets.astype(np.int32)), listed)
    if bad.any():
        lists = pa.array([None if b else v for b, v in zip(bad, lists.to_pylist(), strict=True)], lists.type)
    table = pa.table(
        {
            "total": pa.array(totals, mask=bad),
            "diplotype_count": pa.array(counts, mask=bad),
            "lost": pa.array(lost, mask=bad),
            "diplotypes": lists,
        }
    )
    return ImputedTable(table, cell_errors(read.errors), carried.population, nomenclature.release)


def _check_count(name: str, count: int | None) -> None:
    if count is None:
        return
    if isinstance(count, bool) or not isinstance(count, int) or not 0 <= count < 2**32 - 1:
        raise problem("ValueOutOfRange", f"{name} is {count!r}; a whole number, 0 or more, is needed")
