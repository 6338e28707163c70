"""Antigens: which ones an allele has, how they relate, and which alleles an antigen stands for.

What: `Relations` is `rel_ser_ser.txt` (broads, their splits, associated antigens), `Serology` adds `rel_dna_ser.txt`
(the antigens of each allele). Invariants: an antigen is written with its letters, `A23`, `Cw9`, `DR17`; a null allele
has none; an allele's antigens are those of the first column that names one. Why this way: alleles with the same
antigens are asked once whether they are meant, so that the rule stands in one place (`Serology.means`).

Source: the files of a release (Holdsworth et al., The HLA dictionary 2008, Tissue Antigens 2009;73:95).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

Subtype = Literal["broad", "split", "associated", "not split"]

# What an antigen's number stands behind, by locus; DQA1 and DPA1 have no antigens.
LETTERS = {
    "A": "A",
    "B": "B",
    "C": "Cw",
    "DRB1": "DR",
    "DRB3": "DR",
    "DRB4": "DR",
    "DRB5": "DR",
    "DQB1": "DQ",
}
GENE_OF_DR = {"51": "DRB5", "52": "DRB3", "53": "DRB4"}  # every other DR antigen is of DRB1

# WHO antigens of four digits; any other four digits without a star are a version 2 name.
LONG_ANTIGENS = {
    "A": ("2403",),
    "B": ("2708", "3901", "3902", "4005", "5102", "5103"),
    "DRB1": ("1403", "1404"),
}


def antigen_order(antigen: str) -> tuple[str, int]:
    """By letters, then by number: `A2` before `A23`."""
    letters = antigen.rstrip("0123456789")
    return letters, int(antigen.removeprefix(letters))


def joined(antigens: Iterable[str]) -> str:
    """Sorted by number and joined with `/`; empty if there are none."""
    return "/".join(sorted(antigens, key=antigen_order))


class Relations:
    """Who is a split or an associated antigen of whom."""

    def __init__(self, lines: Iterable[str]) -> None:
        """Reads lines like `A;9;23/24;` and `B;21;49/50;4005`: broad, its splits, its associated antigens.

        Args:
            lines: The lines of `rel_ser_ser.txt` without comments.
        """
        self.splits: dict[str, frozenset[str]] = {}
        self.associated: dict[str, frozenset[str]] = {}
        for line in lines:
            letters, number, splits, associated = line.split(";")
            if splits:
                self.splits[letters + number] = frozenset(letters + s for s in splits.split("/"))
            if associated:
                self.associated[letters + number] = frozenset(letters + a for a in associated.split("/"))

    def broad(self, antigen: str) -> str | None:
        """The broad that an antigen is a split of; None if it is no split."""
        return next((broad for broad, splits in self.splits.items() if antigen in splits), None)

    def associated_with(self, antigen: str) -> str | None:
        """The antigen that this one is associated with; None if it is no associated antigen."""
        return next((parent for parent, associated in self.associated.items() if antigen in associated), None)

    def subtype(self, antigen: str) -> Subtype:
        if antigen in self.splits:
            return "broad"
        if self.broad(antigen) is not None:
            return "split"
        return "associated" if self.associated_with(antigen) is not None else "not split"

    def below(self, antigen: str) -> frozenset[str]:
        """The antigen, its splits, its associated antigens and those of its splits: all that show as this antigen."""
        splits = self.splits.get(antigen, frozenset())
        parents = {antigen} | splits
        return frozenset(parents.union(*(self.associated.get(parent, frozenset()) for parent in parents)))

    def relatives(self, antigen: str) -> frozenset[str]:
        """All that is below the antigen, and the antigens that it is below itself."""
        above = {self.broad(antigen), self.associated_with(antigen)}
        above |= {self.broad(parent) for parent in above if parent is not None}
        return self.below(antigen) | {parent for parent in above if parent is not None}


class Serology:
    """The antigens of a release: `wmda/rel_dna_ser.txt` and `wmda/rel_ser_ser.txt`."""

    def __init__(self, dna_lines: Iterable[str], relation_lines: Iterable[str]) -> None:
        """Reads lines like `A*;24:03:01:01;2403;;;` and those of `Relations`.

        The columns after the name: unambiguous, possible, assumed, expert. `0` is a null and `?` is not known.

        Args:
            dna_lines: The lines of `rel_dna_ser.txt` without comments.
            relation_lines: Those of `rel_ser_ser.txt`.
        """
        self.relations = Relations(relation_lines)
        self._columns: dict[str, list[frozenset[str]]] = {}
        for line in dna_lines:
            prefix, name, *columns = line.strip().split(";")
            letters = LETTERS.get(prefix.removesuffix("*"))
            if letters is not None:
                self._columns[prefix + name] = [
                    frozenset(letters + number for number in column.split("/") if number not in ("", "0", "?"))
                    for column in columns
                ]
        self._alleles_by_antigens: dict[frozenset[str], set[str]] = {}
        for allele in self._columns:
            self._alleles_by_antigens.setdefault(self.antigens(allele), set()).add(allele)

    def antigens(self, allele: str) -> frozenset[str]:
        """The antigens of an allele: those of the first column that names any; none for a null allele.

        Args:
            allele: A full name of the release.
        """
        if allele.endswith("N"):
            return frozenset()
        return next((column for column in self._columns.get(allele, []) if column), frozenset())

    def all_antigens(self, allele: str) -> frozenset[str]:
        """The antigens of an allele in all columns together (as Atlas takes them)."""
        return frozenset[str]().union(*self._columns.get(allele, []))

    def expert_only(self, allele: str) -> bool:
        """Whether only the last column, an expert's opinion, names an antigen."""
        *observed, expert = self._columns[allele]
        return bool(expert) and not any(observed)

    def means(self, antigen: str, own: frozenset[str]) -> bool:
        """Whether a person reported with this antigen may have an allele with these antigens (SEMANTICS section 1)."""
        if own & self.relations.below(antigen):
            return True
        # Reported as A23: an allele of which it is known only that it is an A9 may be meant.
        broad = self.relations.broad(antigen)
        return broad is not None and broad in own and not own & self.relations.splits[broad]

    def alleles(self, antigen: str) -> frozenset[str]:
        """All alleles that an antigen stands for; none if no allele has it."""
        meant = [alleles for own, alleles in self._alleles_by_antigens.items() if self.means(antigen, own)]
        return frozenset[str]().union(*meant)


def lines(path: Path) -> list[str]:
    """The lines of an official file without its comments."""
    return [line for line in path.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
