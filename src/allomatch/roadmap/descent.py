"""Descent: the people of a family whose genes matter, and one way in which their haplotypes can have come down.

Plain frozen data between the sums (`inheritance`, `leaves`) and what is read from them (`looks`, `family_words`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from allomatch.roadmap.family_typings import Pairs, Pattern, Phase

__all__ = ["Component", "Descent", "Family", "Labels", "LinkedRow", "Table", "TooMuchWork"]

# By locus the founder chromosome that is the maternal, the paternal one.
Labels = tuple[tuple[int, ...], tuple[int, ...]]
LinkedRow = tuple[dict[int, Pattern], float]
Table = Sequence[tuple[tuple[Pattern, ...], float]]


class TooMuchWork(Exception):  # noqa: N818 - no error of the package's users: the family is made smaller and tried again
    """There are more ways than are worth listing."""


@dataclass(frozen=True, slots=True)
class Family:
    """The people whose genes matter, and what is known of them.

    Attributes:
        people: Names, parents before children.
        parents: By name: mother and father; nothing for founders.
        pairs: By name of the typed: by locus the ordered pairs of alleles; None where untyped.
        phases: By name: loci in phase.
        rates: By name of a child: by parent (mother, father), by interval between loci the probability to recombine.
        patient: Whose relatives they are.
        leaves: Typed people without children who are summed over one by one, not listed: by name whether they may donate.
    """

    people: tuple[str, ...]
    parents: Mapping[str, tuple[str, str]]
    pairs: Mapping[str, Sequence[Pairs | None]]
    phases: Mapping[str, tuple[Phase, ...]]
    rates: Mapping[str, tuple[tuple[float, ...], tuple[float, ...]]]
    patient: str = ""
    leaves: Mapping[str, bool] = field(default_factory=dict)

    def without_leaves(self) -> Family:
        """Return the others."""
        gone = self.leaves.keys()
        return replace(
            self,
            people=tuple(name for name in self.people if name not in gone),
            parents={name: both for name, both in self.parents.items() if name not in gone},
            pairs={name: pairs for name, pairs in self.pairs.items() if name not in gone},
            leaves={},
        )


@dataclass(frozen=True, slots=True)
class Component:
    """Founder chromosomes that typings link.

    Attributes:
        chromosomes: Which.
        rows: Haplotypes by chromosome, with their probability; these sum to 1. Ways that differ in names share the table.
    """

    chromosomes: tuple[int, ...]
    rows: Table

    def __iter__(self) -> Iterator[LinkedRow]:
        for patterns, share in self.rows:
            yield dict(zip(self.chromosomes, patterns, strict=True)), share

    def likeliest(self) -> dict[int, Pattern]:
        """Return the likeliest haplotypes."""
        return dict(zip(self.chromosomes, max(self.rows, key=lambda row: row[1])[0], strict=True))


@dataclass(frozen=True, slots=True)
class Descent:
    """One way in which the haplotypes came down; of the leaves every way in which they have.

    Attributes:
        weight: Its likelihood, up to a factor that all have.
        labels: By name, the founder chromosomes; nothing of leaves.
        components: Of each set of founder chromosomes that typings link.
        crossovers: How many recombinations it needs.
        leaves: By leaf the probabilities to share both of the patient's chromosomes, one at least, and all alleles.
        unlike: By haplotypes of the first component the probabilities of these and of no leaf who may donate that
            has the patient's alleles; that has them or shares a haplotype. Nothing without leaves.
    """

    weight: float
    labels: dict[str, Labels]
    components: tuple[Component, ...]
    crossovers: int
    leaves: Mapping[str, tuple[float, float, float]] = field(default_factory=dict)
    unlike: tuple[tuple[float, float], ...] = ()

    def without(self, at: int) -> Descent | None:
        """Return the part in which no leaf is identical (0), or haploidentical (1); None if there is none."""
        if not self.unlike:
            return self
        whole = sum(both[at] for both in self.unlike)
        if not whole:
            return None
        first, *rest = self.components
        rows = [(row, both[at] / whole) for (row, _), both in zip(first.rows, self.unlike, strict=True) if both[at]]
        part = replace(first, rows=rows)
        return replace(self, weight=self.weight * whole, components=(part, *rest), unlike=())
