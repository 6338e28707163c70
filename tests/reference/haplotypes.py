"""Frequency sets as plain dictionaries: haplotypes of classes to exact fractions.

What: `carried` takes haplotypes of written names to haplotypes of *classes*, `read_csv` and `read_freqs` read files,
`choose` picks a set. A class is the ARD group of an expressed name, or a null's first two fields with `N`; absence of
DRB3, DRB4 or DRB5 (`DRBX*NNNN`) is a null class as well. Invariants: every class is of one locus, a class is null
exactly if it ends in `N`, every frequency is above 0, equal haplotypes are there once. Why this way: a frequency is the
decimal number that was written, as a `Fraction`, so that nothing of what the core is held against is rounded.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from .names import Name, find_locus, parse_name
from .nomenclature import Nomenclature, UnknownNameError

Class = str
Haplotype = tuple[Class, ...]  # one class for each locus of the set
Row = tuple[Sequence[str], Fraction]  # the names of a haplotype, and its frequency


@dataclass(frozen=True)
class NotCarried:
    """What a nomenclature has no single class for.

    Attributes:
        names: The names, with their locus, sorted.
        haplotypes: How many rows were left out for them.
        frequency: The sum of the frequencies of these rows.
    """

    names: tuple[str, ...] = ()
    haplotypes: int = 0
    frequency: Fraction = Fraction(0)


@dataclass(frozen=True)
class FrequencySet:
    """Haplotype frequencies of one population."""

    loci: tuple[str, ...]
    frequencies: Mapping[Haplotype, Fraction]
    not_carried: NotCarried = field(default_factory=NotCarried)

    def total(self) -> Fraction:
        return sum(self.frequencies.values(), Fraction(0))

    def normalised(self) -> FrequencySet:
        """The same with frequencies that sum to 1 (decision 10: only when asked for)."""
        total = self.total()
        return FrequencySet(self.loci, {h: f / total for h, f in self.frequencies.items()}, self.not_carried)

    def projected(self, loci: Sequence[str]) -> FrequencySet:
        """The same over some of its loci: haplotypes that are equal there are one, their frequencies summed."""
        at = [self.loci.index(locus) for locus in loci]
        rows = ((tuple(h[i] for i in at), f) for h, f in self.frequencies.items())
        return FrequencySet(tuple(loci), merged(rows), self.not_carried)

    def classes(self, locus: str) -> frozenset[Class]:
        """The classes that occur at a locus."""
        at = self.loci.index(locus)
        return frozenset(h[at] for h in self.frequencies)


def is_null(class_: Class) -> bool:
    """Whether a class has no protein: a null allele, or absence."""
    return class_.endswith("N")


def null_classes(name: Name, nom: Nomenclature) -> frozenset[Class]:
    """The null classes that are among what a name stands for (decision 1): of each null the first two fields and `N`."""
    if name.kind == "absent":
        return frozenset({str(name)})
    nulls = [member for member in nom.meaning(name).members if member.endswith("N")]
    return frozenset(parse_name(null).two_field for null in nulls)


def class_of(name: Name, nom: Nomenclature) -> Class | None:
    """The one class of a name of a frequency set (decision 1); None if the nomenclature has none for it, or several.

    A G group or small g with null members counts as its expressed ARD group.
    """
    try:
        meaning = nom.meaning(name)
    except UnknownNameError:
        return None
    if meaning.new:
        return None  # an allele that nobody has named, even where the first field has one class
    expressed, nulls = nom.ards(name), null_classes(name, nom)
    classes = expressed if expressed and name.kind in ("G", "g") else expressed | nulls
    return next(iter(classes)) if len(classes) == 1 else None


def merged(rows: Iterable[tuple[Haplotype, Fraction]]) -> dict[Haplotype, Fraction]:
    """Frequencies by haplotype: equal ones are summed, zeros are dropped (decision 1).

    Raises:
        ValueError: A frequency is negative.
    """
    sums: dict[Haplotype, Fraction] = {}
    for haplotype, frequency in rows:
        if frequency < 0:
            raise ValueError(f"the frequency {frequency} of {'~'.join(haplotype)} is negative")
        if frequency > 0:
            sums[haplotype] = sums.get(haplotype, Fraction(0)) + frequency
    return sums


def carried(rows: Iterable[Row], loci: Sequence[str], nom: Nomenclature) -> FrequencySet:
    """A set of written names as a set of classes (decision 1); rows that cannot be carried are left out and counted.

    Raises:
        ValueError: A name is malformed or of another locus, or a frequency is negative.
    """
    known: dict[tuple[str, str], Class | None] = {}
    kept: list[tuple[Haplotype, Fraction]] = []
    unknown: set[str] = set()
    lost: list[Fraction] = []
    for names, frequency in rows:
        classes: list[Class] = []
        for locus, text in zip(loci, names, strict=True):
            if (locus, text) not in known:
                known[locus, text] = class_of(parse_name(text, locus), nom)
            class_ = known[locus, text]
            if class_ is None:
                unknown.add(str(parse_name(text, locus)))
            else:
                classes.append(class_)
        if len(classes) == len(loci):
            kept.append((tuple(classes), frequency))
        else:
            lost.append(frequency)
    left_out = NotCarried(tuple(sorted(unknown)), len(lost), sum(lost, Fraction(0)))
    return FrequencySet(tuple(loci), merged(kept), left_out)


def choose(
    available: Iterable[tuple[str | None, str | None]], ion: str | None, ethnicity: str | None
) -> tuple[str | None, str | None]:
    """Which set a person's is (decision 9), each as (ION, ethnicity): both, then the ION's, the ethnicity's, the global.

    Raises:
        ValueError: There is none of these, not even a global one.
    """
    sets = set(available)
    for wanted in ((ion, ethnicity), (ion, None), (None, ethnicity), (None, None)):
        if wanted in sets:
            return wanted
    raise ValueError(f"no frequency set for ION {ion} and ethnicity {ethnicity}, and no global one")


# --- reading --------------------------------------------------------------------------------------------------------


def read_csv(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    """The loci and rows of a gzip'd CSV file with a column per locus and `frequency`; other columns are left out."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as lines:
        table = csv.DictReader(lines)
        columns = [column for column in table.fieldnames or () if column not in ("frequency", "count")]
        rows: list[Row] = [([r[c] for c in columns], Fraction(r["frequency"])) for r in table]
    return tuple(find_locus(column) for column in columns), rows


def read_freqs(path: Path) -> tuple[tuple[str, ...], list[Row]]:
    """The loci and rows of a gzip'd file of lines `A*01:01~C*07:01~B*08:01,count,frequency`."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = list(_freqs_rows(lines))
    return tuple(parse_name(name).locus for name in rows[0][0]), rows


def _freqs_rows(lines: Iterable[str]) -> Iterator[Row]:
    for line in lines:
        haplotype, _, frequency = line.strip().split(",")
        yield haplotype.split("~"), Fraction(frequency)
