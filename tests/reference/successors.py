"""Names that were: what a name of before April 2010, or a renamed or deleted one, is called now.

What: `version_2` applies the rule of 2010, `Successors` the official tables (`Nomenclature_2009.txt`,
`Deleted_alleles.txt`). Invariants: a successor is a name, not yet looked up in the release; who follows successors must
stop at a name that comes up twice. Why this way: each table is a dictionary from name to name, as the file has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from .names import GENES, Name, parse_name

# "identical to corrected sequence of A*11:02:01:01", "renamed A*02:1040", "partial of newly named B*07:436": the first
# name behind the first of these words.
_SUCCESSOR = re.compile(r"(?:identical to|renamed|newly named)\b.*?((?:Cw|[A-Z]+[0-9]?)\*[0-9:]+[NLSCAQ]?)")
_CONTINUED = {("A", "92"): "02", ("B", "95"): "15"}  # A*92nn and B*95nn continue A*02 and B*15 from 101


def version_2(name: Name) -> Name | None:
    """The name of a V2 name by the rule of April 2010 (Marsh et al., Tissue Antigens 2010;75:291).

    Two digits are a field; A*9201 is A*02:101 and B*9501 is B*15:101. None if the number of digits is odd or a field 00.
    """
    digits = name.fields[0]
    if len(digits) % 2:
        return None
    fields = [digits[i : i + 2] for i in range(0, len(digits), 2)]
    if "00" in fields:
        return None
    if (continued := _CONTINUED.get((name.locus, fields[0]))) is not None:
        fields[:2] = [continued, str(100 + int(fields[1]))]
    return Name(name.locus, tuple(fields), "allele", name.suffix)


class Successors:
    """The tables of one release."""

    def __init__(self, old_lines: Iterable[str], deleted_lines: Iterable[str]) -> None:
        """Reads lines like `Cw*0401  C*04:01:01:01` and `HLA06674,A*01:34N,Sequence ... renamed A*01:01:38L`.

        Args:
            old_lines: Lines of `Nomenclature_2009.txt`; `None` as the new name is one that was deleted before.
            deleted_lines: Lines of `Deleted_alleles.txt` without comments.
        """
        self._of_version_2: dict[Name, Name | None] = {}
        for line in old_lines:
            old, _, new = line.partition(" ")
            if "*" in old and _is_of_a_gene(old):
                self._of_version_2[parse_name(old)] = None if new.strip() == "None" else parse_name(new)
        self._deleted: dict[Name, Name | None] = {}
        for line in deleted_lines:
            _, old, description = line.split(",", 2)
            if "*" not in old or not _is_of_a_gene(old):
                continue
            found = _SUCCESSOR.search(description)
            successor = parse_name(found.group(1)) if found else None
            name = parse_name(old)
            self._deleted[name] = successor
            if name.kind == "V2" and (converted := version_2(name)) is not None:
                self._deleted.setdefault(converted, successor)

        # C*03:99:01 is now C*01:169:01: what was reported as C*03:99 is C*01:169. Whole names come first.
        for name, successor in list(self._deleted.items()):
            if successor is not None and name.kind == successor.kind == "allele" and len(name.fields) > 2:
                self._deleted.setdefault(parse_name(name.two_field), parse_name(successor.two_field))

    def deleted(self, name: Name) -> Name | None:
        """The successor of a deleted name, or of the two fields that it began with; None if it has none."""
        return self._deleted.get(name)

    @property
    def old_names(self) -> list[Name]:
        """All names that the tables have, in order."""
        return sorted({**self._of_version_2, **self._deleted})

    def version_2(self, name: Name) -> Name | None:
        """The name of a V2 name: by the official table, by the deleted names, else by the rule; None if by none."""
        new = self._of_version_2.get(name)
        if new is not None:
            return new
        if name in self._deleted:
            return self._deleted[name]
        return None if name in self._of_version_2 else version_2(name)


def is_cut(name: Name, longer: Name) -> bool:
    """Whether an allele name stands for another one: it begins so, and the suffix is the same, or left out but for N."""
    if name.kind != "allele" or longer.kind != "allele" or name.locus != longer.locus:
        return False
    begins = longer.fields[: len(name.fields)] == name.fields
    return begins and (longer.suffix == name.suffix if name.suffix else longer.suffix != "N")


def _is_of_a_gene(text: str) -> bool:
    """Whether a name is of one of our genes; the files have MICA, TAP, HFE and the like too."""
    return text.split("*")[0] in (*GENES, "Cw")
