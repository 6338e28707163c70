"""Names and what they stand for: `Name` (one written item), `TwoField` (no data) and `Release` (the official files).

What: a nomenclature turns a name into its member alleles (`members`), an allele into the ARD group that matching
compares (`ard`), and any name into a coarser one (`reduce`). Invariants: an expressed allele has exactly one ARD group
and a null allele has none; `members` of a Release is never empty (an unknown name raises `UnknownNameError`); names
are read field by field, so `A*02:10` does not extend `A*02:1`. Why this way: all is dictionaries from text to set
of texts, filled by one loop over each file, so that the files themselves are what is tested.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, Protocol

LOCI = ("A", "B", "C", "DRB1", "DRB3", "DRB4", "DRB5", "DQA1", "DQB1", "DPA1", "DPB1")

Kind = Literal["allele", "G", "P", "XX"]
Level = Literal["ard", "P", "G", "two-field", "first-field"]
LEVELS: tuple[Level, ...] = ("ard", "P", "G", "two-field", "first-field")

# A field is two digits, or more without a leading zero: 01, 10, 100, 1728. So `A*1:1` and `A*002:01` are malformed.
_FIELD = r"(?:0[0-9]|[1-9][0-9]{1,3})"
_LOCUS = re.compile(r"(?:(?:HLA-)?([A-Z0-9]+)\*)?(.*)", re.DOTALL)
_ALLELE = re.compile(rf"({_FIELD}(?::{_FIELD}){{1,3}})([NLSCAQ]?)")
_G_GROUP = re.compile(rf"({_FIELD}:{_FIELD}:{_FIELD})G")
_P_GROUP = re.compile(rf"({_FIELD}:{_FIELD})P")
_SMALL_G = re.compile(rf"({_FIELD}:{_FIELD})G")
_XX_CODE = re.compile(rf"({_FIELD}):XX")


class UnknownNameError(ValueError):
    """A well-formed name for which the release has nothing."""


@dataclass(frozen=True, order=True)
class Name:
    """One written item: an allele (2-4 fields, perhaps with a suffix), a G group, a P group or an XX code.

    Attributes:
        locus: One of `LOCI`.
        fields: 2-4 fields of an allele, 3 of a G group, 2 of a P group, 1 of an XX code.
        kind: Which of the four it is.
        suffix: Expression suffix of an allele (N L S C A Q), or empty.
    """

    locus: str
    fields: tuple[str, ...]
    kind: Kind
    suffix: str = ""

    def __str__(self) -> str:
        stem = f"{self.locus}*{':'.join(self.fields)}"
        return stem + {"allele": self.suffix, "G": "G", "P": "P", "XX": ":XX"}[self.kind]

    @property
    def first_field(self) -> str:
        """Locus and first field, as in `A*02`."""
        return f"{self.locus}*{self.fields[0]}"

    @property
    def two_field(self) -> str:
        """Locus and first two fields: without suffix if expressed, with `N` if null, as in `A*24:02` and `A*24:09N`."""
        return f"{self.locus}*{':'.join(self.fields[:2])}" + ("N" if self.suffix == "N" else "")


def parse_name(text: str, locus: str | None = None) -> Name:
    """Reads one item, with or without `HLA-`, with or without its locus where that is known, in any case.

    Args:
        text: Such as `HLA-A*02:01`, `a*02:01:01:02l`, `02:01`, `A*02:01:01G`, `A*02:01P`, `A*02:XX`.
        locus: The locus if it is known from the context; an item that names another one is an error.

    Raises:
        ValueError: Malformed, another locus than the known one, a locus that is none of `LOCI`, or no locus at all.
    """
    upper = text.strip().upper()
    parts = _LOCUS.fullmatch(upper)
    assert parts is not None  # the pattern accepts every text; the groups say what was found
    named, rest = parts.group(1) or locus, parts.group(2)
    if named is None:
        raise ValueError(f"{text!r}: the locus is missing")
    if named not in LOCI:
        raise ValueError(f"{text!r}: {named!r} is not one of the loci {' '.join(LOCI)}")
    if locus is not None and named != locus:
        raise ValueError(f"{text!r} is not a typing of locus {locus}")
    if found := _ALLELE.fullmatch(rest):
        return Name(named, tuple(found.group(1).split(":")), "allele", found.group(2))
    if found := _G_GROUP.fullmatch(rest):
        return Name(named, tuple(found.group(1).split(":")), "G")
    if found := _P_GROUP.fullmatch(rest):
        return Name(named, tuple(found.group(1).split(":")), "P")
    if found := _XX_CODE.fullmatch(rest):
        return Name(named, (found.group(1),), "XX")
    if _SMALL_G.fullmatch(rest):
        # In any case `02:01g` and `02:01G` are one text; official G groups have three fields, so both are small g.
        raise ValueError(f"{text!r} at locus {named}: small g groups are not read by the oracle yet")
    raise ValueError(f"{text!r} is malformed at locus {named}")


class Nomenclature(Protocol):
    """What matching needs to know about names. `TwoField` and `Release` are the two that exist."""

    @property
    def label(self) -> str:
        """`two-field`, or the number of the release."""

    def members(self, name: str | Name) -> frozenset[str]:
        """The alleles that a name stands for."""

    def open_first_field(self, name: str | Name) -> str | None:
        """`A*02` if the name also stands for alleles of that first field which nobody can list, otherwise None."""

    def ard(self, allele: str | Name) -> str | None:
        """The ARD group of an allele; None for a null allele, which has no protein."""

    def ards(self, name: str | Name) -> frozenset[str]:
        """The ARD groups of all expressed members of a name."""

    def is_null(self, name: str | Name) -> bool:
        """Whether all that the name stands for is null."""

    def may_be_null(self, name: str | Name) -> bool:
        """Whether some of what the name stands for is null."""

    def reduce(self, name: str | Name, level: Level) -> str:
        """The name at a coarser level; several results are sorted and joined with `/`."""


def _as_name(name: str | Name) -> Name:
    return parse_name(name) if isinstance(name, str) else name


def _checked(level: Level) -> Level:
    if level not in LEVELS:
        raise ValueError(f"level {level!r} is not one of {' '.join(LEVELS)}")
    return level


class TwoField:
    """The nomenclature that needs no data: alleles compare by their first two fields.

    G and P groups are read by name, as the first two fields of the group's name. A null is known by its suffix only.
    The world is open: an XX code names no allele that could be listed, for there are always further ones of that first
    field, expressed and null (`open_first_field`).
    """

    @property
    def label(self) -> str:
        return "two-field"

    def members(self, name: str | Name) -> frozenset[str]:
        item = _as_name(name)
        return frozenset() if item.kind == "XX" else frozenset({item.two_field})

    def open_first_field(self, name: str | Name) -> str | None:
        item = _as_name(name)
        return item.first_field if item.kind == "XX" else None

    def ard(self, allele: str | Name) -> str | None:
        item = _as_name(allele)
        if item.kind == "XX":
            raise ValueError(f"{item} has no single ARD group")
        return None if item.suffix == "N" else item.two_field

    def ards(self, name: str | Name) -> frozenset[str]:
        return frozenset(member for member in self.members(name) if not member.endswith("N"))

    def is_null(self, name: str | Name) -> bool:
        return _as_name(name).suffix == "N"

    def may_be_null(self, name: str | Name) -> bool:
        item = _as_name(name)
        return item.suffix == "N" or item.kind == "XX"  # among the unnamed alleles of a first field are nulls

    def reduce(self, name: str | Name, level: Level) -> str:
        item = _as_name(name)
        if _checked(level) == "first-field":
            return item.first_field
        if item.kind == "XX" or level in ("P", "G"):
            return str(item)  # no file gives a group, so the name stands for itself
        return item.two_field


class Release:
    """One IPD-IMGT/HLA release, read from `imgt/<release>/`: the world is closed, only listed alleles exist."""

    def __init__(self, folder: Path, release: str) -> None:
        """Reads `Allelelist.txt`, `wmda/hla_nom_p.txt` and `wmda/hla_nom_g.txt` of `folder/imgt/<release>`.

        Args:
            folder: The folder laid out `imgt/<release>/...`.
            release: Such as `3.58.0`.

        Raises:
            OSError: A file is missing.
        """
        self._release = release
        home = folder / "imgt" / release
        # Every name that an allele can be cut to (fields without suffix, per locus) -> the alleles that extend it.
        self._extending: dict[tuple[str, tuple[str, ...]], set[str]] = {}
        self._of_first_field: dict[str, set[str]] = {}
        for text in _listed_alleles(home / "Allelelist.txt"):
            item = parse_name(text)
            for length in range(2, len(item.fields) + 1):
                self._extending.setdefault((item.locus, item.fields[:length]), set()).add(text)
            self._of_first_field.setdefault(item.first_field, set()).add(text)
        self._p_group: dict[str, str] = {}
        self._g_group: dict[str, str] = {}
        self._in_group: dict[str, set[str]] = {}
        for path, group_of in (("hla_nom_p.txt", self._p_group), ("hla_nom_g.txt", self._g_group)):
            for allele, group in _grouped_alleles(home / "wmda" / path):
                group_of[allele] = group
                self._in_group.setdefault(group, set()).add(allele)

    @property
    def label(self) -> str:
        return self._release

    @property
    def alleles(self) -> frozenset[str]:
        """All alleles of the release at `LOCI`."""
        return frozenset().union(*self._of_first_field.values())

    # Only a cache: the dictionaries never change once read. It keeps the tests from expanding A*02:XX a thousand times.
    @cache  # noqa: B019 - a Release lives as long as the test session
    def members(self, name: str | Name) -> frozenset[str]:
        """The alleles of the release that a name stands for.

        An allele name stands for itself and every allele that extends it field by field. With a suffix, only alleles of
        that suffix; without one, every expressed allele and no null.

        Raises:
            UnknownNameError: The release has nothing under this name.
            ValueError: The name is malformed.
        """
        item = _as_name(name)
        if item.kind == "XX":
            found = self._of_first_field.get(item.first_field, set())
        elif item.kind in ("G", "P"):
            found = self._in_group.get(str(item), set())
        elif item.suffix:
            extending = self._extending.get((item.locus, item.fields), set())
            found = {allele for allele in extending if allele.endswith(item.suffix)}
        else:
            extending = self._extending.get((item.locus, item.fields), set())
            found = {allele for allele in extending if not allele.endswith("N")}
            if extending and not found:
                raise UnknownNameError(
                    f"{item} at locus {item.locus}: release {self._release} has only null alleles of this name; "
                    f"write {item}N"
                )
        if not found:
            raise UnknownNameError(f"{item} at locus {item.locus} is unknown in release {self._release}")
        return frozenset(found)

    def open_first_field(self, name: str | Name) -> str | None:
        return None

    def ard(self, allele: str | Name) -> str | None:
        """The P group; outside any P group the first two fields; None if null.

        Raises:
            UnknownNameError: The release has nothing under this name.
            ValueError: The name stands for several ARD groups.
        """
        groups = {self._ard_of_listed(member) for member in self.members(allele)}
        if len(groups) != 1:
            raise ValueError(f"{allele} has no single ARD group in release {self._release}")
        return groups.pop()

    @cache  # noqa: B019 - as above
    def ards(self, name: str | Name) -> frozenset[str]:
        """The ARD groups of all expressed members of a name."""
        return frozenset(g for member in self.members(name) if (g := self._ard_of_listed(member)) is not None)

    def is_null(self, name: str | Name) -> bool:
        return all(member.endswith("N") for member in self.members(name))

    def may_be_null(self, name: str | Name) -> bool:
        return any(member.endswith("N") for member in self.members(name))

    def reduce(self, name: str | Name, level: Level) -> str:
        """The name at a coarser level: each member's own result, sorted and joined with `/` where they are several.

        `P` and `G` give the official group, or the member's own name where the file gives none. `ard` and `two-field`
        give a null its first two fields and `N`, so that it stays apart from every protein.

        Raises:
            UnknownNameError: The release has nothing under this name.
            ValueError: The name is malformed, or the level is unknown.
        """
        _checked(level)
        return "/".join(sorted({self._reduced(member, level) for member in self.members(name)}))

    def _ard_of_listed(self, allele: str) -> str | None:
        if allele.endswith("N"):
            return None
        return self._p_group.get(allele) or parse_name(allele).two_field

    def _reduced(self, allele: str, level: Level) -> str:
        if level == "P":
            return self._p_group.get(allele, allele)
        if level == "G":
            return self._g_group.get(allele, allele)
        if level == "ard":
            return self._ard_of_listed(allele) or parse_name(allele).two_field
        if level == "two-field":
            return parse_name(allele).two_field
        return parse_name(allele).first_field


def _lines(path: Path) -> Iterator[str]:
    """The lines of an official file without its comments."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line


def _listed_alleles(path: Path) -> Iterator[str]:
    """The alleles of `Allelelist.txt` (`AlleleID,Allele`) at `LOCI`; MICA, TAP, HFE and the like are left out."""
    for line in _lines(path):
        _, allele = line.split(",")
        if allele.split("*")[0] in LOCI:
            yield allele


def _grouped_alleles(path: Path) -> Iterator[tuple[str, str]]:
    """Pairs of allele and group from lines like `A*;01:02:02/01:412;01:02P`; lines without a group are left out."""
    for line in _lines(path):
        prefix, members, group = line.split(";")
        if group and prefix.removesuffix("*") in LOCI:
            for member in members.split("/"):
                yield prefix + member, prefix + group
