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

# What an antigen's number stands behind, by locus; DQA1 and DPA1 have no antigens, those of DPB1 no alleles in the files.
LETTERS = {
    "A": "A",
    "B": "B",
    "C": "Cw",
    "DRB1": "DR",
    "DRB3": "DR",
    "DRB4": "DR",
    "DRB5": "DR",
    "DQB1": "DQ",
    "DPB1": "DP",
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


# Without data: WHO's antigens and the first fields of the alleles that have them (Holdsworth et al. 2009, as above).
# Most have the number of their first field; a broad has those of its splits.
_WHO_SPLITS = {
    "A9": "A23 A24", "A10": "A25 A26 A34 A66", "A19": "A29 A30 A31 A32 A33 A74", "A28": "A68 A69",
    "B5": "B51 B52", "B12": "B44 B45", "B16": "B38 B39", "B17": "B57 B58", "B21": "B49 B50", "B22": "B54 B55 B56",
    "DQ1": "DQ5 DQ6", "DR2": "DR15 DR16", "DR5": "DR11 DR12", "DR6": "DR13 DR14",
}  # fmt: skip
_NUMBERED = {
    "A": "1 2 3 11 23 24 25 26 29 30 31 32 33 34 36 43 66 68 69 74 80",
    "B": "7 8 13 14 15 18 27 35 37 38 39 40 41 42 44 45 46 47 48 49 50 51 52 53 54 55 56 57 58 59 67 73 78 81 82",
    "Cw": "1 2 3 4 5 6 7 8",
    "DQ": "2 3 4 5 6",
    "DR": "1 3 4 7 8 9 10 11 12 13 14 15 16",
}
_OTHERWISE = {
    "A203": "02", "A210": "02", "A2403": "24",
    "B703": "07", "B64": "14", "B65": "14", "B62": "15", "B63": "15", "B75": "15", "B76": "15", "B77": "15",
    "B70": "15", "B71": "15", "B72": "15", "B2708": "27", "B3901": "39", "B3902": "39", "B60": "40", "B61": "40",
    "B4005": "40", "B5102": "51", "B5103": "51",
    "Cw9": "03", "Cw10": "03", "DQ7": "03", "DQ8": "03", "DQ9": "03",
    "DR103": "01", "DR17": "03", "DR18": "03", "DR1403": "14", "DR1404": "14",
    "DR51": "01 02", "DR52": "01 02 03", "DR53": "01",
}  # fmt: skip


def antigen_first_fields(antigen: str, locus: str) -> frozenset[str]:
    """The first fields, `A*23`, of the alleles that have an antigen; none if it is no WHO antigen."""
    fields = {letters + number: f"{int(number):02}" for letters, n in _NUMBERED.items() for number in n.split()}
    fields |= _OTHERWISE
    antigens = _WHO_SPLITS.get(antigen, antigen).split()
    return frozenset(f"{locus}*{field}" for a in antigens for field in fields.get(a, "").split())


def first_field_antigen(first_field: str) -> str:
    """The antigen of `A*24` without data, `A24`: the coarsest of those that alleles of this first field have, or none.

    B*15 is B15, as its splits (and B70) are not told apart by a first field; C*12 has none.
    """
    locus, field = first_field.split("*")
    letters = LETTERS.get(locus, "")
    if locus in GENE_OF_DR.values():
        (antigen,) = (letters + number for number, gene in GENE_OF_DR.items() if gene == locus)
        return antigen if first_field in antigen_first_fields(antigen, locus) else ""
    number = str(int(field))
    return letters + number if number in _NUMBERED.get(letters, "").split() else ""
