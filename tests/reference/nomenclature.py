"""What names stand for: `TwoField` (no data) and `Release` (the official files).

What: a nomenclature turns a name into its `Meaning` (alleles, and what nobody can list), an allele into the ARD group
that matching compares (`ard`), and any name into a coarser one (`reduce`). Invariants: an expressed allele has exactly
one ARD group and a null allele has none; a meaning of a Release is never empty but for absence (an unknown name raises
`UnknownNameError`); names are read field by field, so `A*02:10` does not extend `A*02:1`. Why this way: all is
dictionaries from text to set of texts, filled by one loop over each file, so that the files themselves are what is
tested. The forms of names are in `names`, old names in `successors`, codes in `mac`, antigens in `serology`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Literal, Protocol

from .mac import MacTable
from .names import DRB345, GENES, GENES_OF_DRB345
from .names import LOCI as LOCI
from .names import Name as Name
from .names import parse_name as parse_name
from .serology import Serology, antigen_first_fields, first_field_antigen, joined, lines
from .successors import Successors, is_cut, version_2

Level = Literal["ard", "P", "G", "g", "two-field", "first-field", "serology"]
LEVELS: tuple[Level, ...] = ("ard", "P", "G", "g", "two-field", "first-field", "serology")


class UnknownNameError(ValueError):
    """A well-formed name for which the nomenclature has nothing."""


@dataclass(frozen=True)
class Meaning:
    """What a name stands for.

    Attributes:
        members: Alleles of the release; without data, two-field names.
        open_fields: Beginnings (`A*02:`, `A*`) with which it stands for every allele, named or not. Only without data.
        new: Beginnings (`A*02:`, `A*`) of the alleles of which it is one not yet named.
        may_be_null: Whether something that it stands for is null.
        warnings: Of names carried to others.
        dropped: Of members that are unknown, while others remain.
    """

    members: frozenset[str] = frozenset()
    open_fields: frozenset[str] = frozenset()
    new: frozenset[str] = frozenset()
    may_be_null: bool = False
    warnings: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()


class Nomenclature(Protocol):
    """What matching needs to know about names. `TwoField` and `Release` are the two that exist."""

    @property
    def label(self) -> str:
        """`two-field`, or the number of the release."""

    def __hash__(self) -> int:
        """What was found out is kept by nomenclature, in caches."""

    def meaning(self, name: str | Name) -> Meaning:
        """What a name stands for."""

    def members(self, name: str | Name) -> frozenset[str]:
        """The alleles that a name stands for."""

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


def _genes(locus: str) -> tuple[str, ...]:
    return GENES_OF_DRB345 if locus == DRB345 else (locus,)


def _new_of(name: Name) -> frozenset[str]:
    """How the alleles begin of which a NEW is one: its first field, or else its genes."""
    return frozenset({name.first_field + ":"} if name.fields else {f"{gene}*" for gene in _genes(name.locus)})


class TwoField:
    """The nomenclature that needs no data: alleles compare by their first two fields.

    Groups are read by name, as the first two fields of the group's name. A null is known by its suffix only. The world
    is open: an XX code or an antigen names no allele that could be listed, for there are always further ones of that
    first field (`Meaning.open_fields`); of an XX code some are null, of an antigen none.
    """

    def __init__(self, macs: MacTable | None = None) -> None:
        self._macs = macs

    @property
    def label(self) -> str:
        return "two-field"

    def meaning(self, name: str | Name) -> Meaning:
        """What a name stands for.

        Raises:
            UnknownNameError: A MAC without a table or not in it, an antigen that is none of WHO's, a V2 name with an
                odd number of digits.
            ValueError: The name is malformed.
        """
        item = _as_name(name)
        if item.kind == "XX":
            return Meaning(open_fields=frozenset({item.first_field + ":"}), may_be_null=True)
        if item.kind == "NEW":
            new = _new_of(item)
            return Meaning(open_fields=new, new=new, may_be_null=True)
        if item.kind == "absent":
            return Meaning(may_be_null=True)
        if item.kind == "serology":
            first_fields = antigen_first_fields(str(item), item.locus)
            if not first_fields:
                raise UnknownNameError(f"{item} at locus {item.locus} is no WHO antigen")
            return Meaning(open_fields=frozenset(f + ":" for f in first_fields))
        if item.kind == "MAC":
            return _united([self.meaning(member) for member in _expanded(self._macs, item, self.label)])
        if item.kind == "V2":
            new_name = version_2(item)
            if new_name is None:
                raise UnknownNameError(f"{item} at locus {item.locus}: an odd number of digits, or a field 00")
            carried = self.meaning(new_name)
            return Meaning(carried.members, may_be_null=carried.may_be_null, warnings=(_now(item, new_name),))
        return Meaning(frozenset({item.two_field}), may_be_null=item.suffix == "N")

    def members(self, name: str | Name) -> frozenset[str]:
        return self.meaning(name).members

    def ard(self, allele: str | Name) -> str | None:
        meaning = self.meaning(allele)
        if meaning.open_fields or len(meaning.members) != 1:
            raise ValueError(f"{allele} has no single ARD group")
        (member,) = meaning.members
        return None if member.endswith("N") else member

    def ards(self, name: str | Name) -> frozenset[str]:
        return frozenset(member for member in self.members(name) if not member.endswith("N"))

    def is_null(self, name: str | Name) -> bool:
        return not self.ards(name) and not self.meaning(name).open_fields

    def may_be_null(self, name: str | Name) -> bool:
        return self.meaning(name).may_be_null

    def current_name(self, name: str | Name) -> str:
        """The name that a V2 name is carried to; every other name is its own."""
        item = _as_name(name)
        self.meaning(item)
        return str(version_2(item) if item.kind == "V2" else item)

    def reduce(self, name: str | Name, level: Level) -> str:
        """The name at a coarser level. No file gives a group, so that a name stands for itself at `P` and `G`."""
        item = _as_name(name)
        self.meaning(item)
        _checked(level)
        if item.kind == "MAC":
            names = _expanded(self._macs, item, self.label)
            return "/".join(sorted({self.reduce(member, level) for member in names}))
        if item.kind == "V2":
            return self.reduce(self.current_name(item), level)
        if item.kind in ("NEW", "absent", "serology"):
            return item.first_field if item.kind == "NEW" and item.fields and level == "first-field" else str(item)
        if level == "serology":
            return "" if item.suffix == "N" else first_field_antigen(item.first_field)
        if level == "first-field":
            return item.first_field
        if item.kind == "XX" or level in ("P", "G"):
            return str(item)
        return item.two_field + ("g" if level == "g" and item.suffix != "N" else "")


class Release:
    """One IPD-IMGT/HLA release, read from `imgt/<release>/`: the world is closed, only listed alleles exist."""

    def __init__(self, folder: Path, release: str, macs: MacTable | None = None) -> None:
        """Reads the files of `folder/imgt/<release>`: alleles, groups, old names, antigens.

        Args:
            folder: The folder laid out `imgt/<release>/...`.
            release: Such as `3.58.0`.
            macs: The multiple allele codes; without them each is unknown.

        Raises:
            OSError: A file is missing.
        """
        self._release = release
        self._macs = macs
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
        # A P group is of proteins: an allele that an older file leaves out is in the group of its protein.
        self._p_group_of_protein = {
            parse_name(allele).two_field: group for allele, group in self._p_group.items() if not allele.endswith("N")
        }
        self.serology = Serology(lines(home / "wmda" / "rel_dna_ser.txt"), lines(home / "wmda" / "rel_ser_ser.txt"))
        self._successors = Successors(lines(home / "Nomenclature_2009.txt"), lines(home / "Deleted_alleles.txt"))

    @property
    def label(self) -> str:
        return self._release

    @cached_property
    def alleles(self) -> frozenset[str]:
        """All alleles of the release at `GENES`."""
        return frozenset().union(*self._of_first_field.values())

    @property
    def groups(self) -> frozenset[str]:
        """All P and G groups."""
        return frozenset(self._in_group)

    @property
    def old_names(self) -> list[Name]:
        """Names of before 2010, deleted and renamed ones, whether they have successors or not."""
        return self._successors.old_names

    # Only a cache: the dictionaries never change once read. It keeps the tests from expanding A*02:XX a thousand times, and
    # holds a name for every allele of a release.
    @lru_cache(maxsize=60_000)  # noqa: B019 - a Release lives as long as the test session
    def meaning(self, name: str | Name) -> Meaning:
        """What a name stands for in this release.

        An allele name stands for itself and every allele that extends it field by field. With a suffix, only alleles of
        that suffix; without one, every expressed allele and no null. A name that the release lacks is carried to its
        successor.

        Raises:
            UnknownNameError: The release has nothing under this name.
            ValueError: The name is malformed.
        """
        return self._meaning(_as_name(name), frozenset())

    def _meaning(self, item: Name, seen: frozenset[Name]) -> Meaning:
        """`meaning`, of the successor of the names in `seen`."""
        if item.kind == "absent":
            return Meaning(may_be_null=True)
        if item.kind == "MAC":
            return self._of_members(item, _expanded(self._macs, item, self._release))
        if item.kind == "V2" or (item.kind == "allele" and not self._listed(item)):
            return self._carried(item, seen)
        found = self._listed(item)
        if not found:
            raise self._unknown(item)
        return Meaning(
            members=frozenset(found),
            new=_new_of(item) if item.kind == "NEW" else frozenset(),
            may_be_null=item.kind == "NEW" or any(allele.endswith("N") for allele in found),
        )

    def _listed(self, item: Name) -> set[str]:
        """The alleles that the files list under a name; none if they lack it."""
        if item.kind in ("XX", "NEW"):
            if not item.fields:
                return {a for a in self.alleles if a.split("*")[0] in _genes(item.locus)}
            return self._of_first_field.get(item.first_field, set())
        if item.kind in ("G", "P"):
            return self._in_group.get(str(item), set())
        if item.kind == "g":
            return self._small_g(f"{item.two_field}P")
        if item.kind == "serology":
            return {a for a in self.serology.alleles(str(item)) if a.startswith(item.locus + "*")}
        extending = self._extending.get((item.locus, item.fields), set())
        return {allele for allele in extending if is_cut(item, parse_name(allele))}

    def _small_g(self, p_group: str) -> set[str]:
        """A P group, and the nulls of the G groups that share an allele with it."""
        members = self._in_group.get(p_group, set())
        g_groups = {self._g_group[allele] for allele in members if allele in self._g_group}
        in_g_groups = set[str]().union(*(self._in_group[group] for group in g_groups))
        return members | {allele for allele in in_g_groups if allele.endswith("N")}

    def _carried(self, item: Name, seen: frozenset[Name]) -> Meaning:
        """The meaning of the name that an old name is carried to."""
        successor = self._successor_of(item)
        seen |= {item}
        if successor in seen:
            raise self._unknown(item)  # it was renamed to itself, once or in a circle
        carried = self._meaning(successor, seen)
        warnings = (_now(item, successor), *carried.warnings)
        return Meaning(carried.members, may_be_null=carried.may_be_null, warnings=warnings)

    def _successor_of(self, item: Name) -> Name:
        """What a name which the release lacks is called now, one step on.

        Raises:
            UnknownNameError: It is no old name, or has no successor.
        """
        successor = self._successors.version_2(item) if item.kind == "V2" else self._successors.deleted(item)
        if successor is None:
            raise self._unknown(item)
        return successor

    def _unknown(self, item: Name) -> UnknownNameError:
        """The error of a name that the release lacks, with what to write instead."""
        if item.kind == "allele" and not item.suffix and self._extending.get((item.locus, item.fields)):
            return UnknownNameError(
                f"{item} at locus {item.locus}: release {self._release} has only null alleles of this name; "
                f"write {item}N"
            )
        return UnknownNameError(f"{item} at locus {item.locus} is unknown in release {self._release}")

    def _of_members(self, item: Name, names: tuple[Name, ...]) -> Meaning:
        """The meaning of a MAC: its members together, unknown ones dropped if others remain."""
        known: list[Meaning] = []
        dropped: list[str] = []
        for name in names:
            try:
                known.append(self.meaning(name))
            except UnknownNameError as error:
                dropped.append(str(error))
        if not known:
            members = "/".join(str(name) for name in names)
            raise UnknownNameError(f"{item} at locus {item.locus}: of {members}, release {self._release} has none")
        united = _united(known)
        return Meaning(
            united.members, united.open_fields, united.new, united.may_be_null, united.warnings, tuple(dropped)
        )

    def members(self, name: str | Name) -> frozenset[str]:
        """The alleles of the release that a name stands for (`meaning`)."""
        return self.meaning(name).members

    @lru_cache(maxsize=60_000)  # noqa: B019 - as above
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

    @lru_cache(maxsize=10_000)  # noqa: B019 - as above
    def ards(self, name: str | Name) -> frozenset[str]:
        """The ARD groups of all expressed members of a name."""
        return frozenset(g for member in self.members(name) if (g := self._ard_of_listed(member)) is not None)

    def is_null(self, name: str | Name) -> bool:
        meaning = self.meaning(name)
        return not meaning.new and all(member.endswith("N") for member in meaning.members)

    def may_be_null(self, name: str | Name) -> bool:
        return self.meaning(name).may_be_null

    def current_name(self, name: str | Name) -> str:
        """What an old name is called now; every other name that the release has is its own.

        Raises:
            UnknownNameError: The release has nothing under this name.
        """
        item = _as_name(name)
        self.meaning(item)
        if item.kind == "V2" or (item.kind == "allele" and not self._listed(item)):
            return self.current_name(self._successor_of(item))
        return str(item)

    @lru_cache(maxsize=60_000)  # noqa: B019 - as above
    def reduce(self, name: str | Name, level: Level) -> str:
        """The name at a coarser level: each member's own result, sorted and joined with `/` where they are several.

        `P` and `G` give the official group; where the file gives none, the allele name itself (an old one as it is called
        now), or of a code, a group or an antigen the member's own name. `ard` and `two-field`
        give a null its first two fields and `N`, so that it stays apart from every protein. `g` gives `A*02:01g` to the
        members of a P group and to the nulls of a G group that shares an allele with it, and two fields to others.
        `serology` gives the antigens, by number; nothing if none is known. Absence and NEW stay what they are.

        Raises:
            UnknownNameError: The release has nothing under this name.
            ValueError: The name is malformed, or the level is unknown.
        """
        _checked(level)
        item = _as_name(name)
        members = self.members(item)
        if item.kind in ("absent", "NEW"):
            return item.first_field if level == "first-field" and item.fields else str(item)
        if level == "serology":
            return joined(frozenset[str]().union(*(self.serology.antigens(member) for member in members)))
        reduced = {self._reduced(member, level) for member in members}
        if level in ("P", "G") and item.kind in ("allele", "V2"):
            reduced = {self.current_name(item) if name in members else name for name in reduced}
        return "/".join(sorted(reduced))

    def _ard_of_listed(self, allele: str) -> str | None:
        if allele.endswith("N"):
            return None
        protein = parse_name(allele).two_field
        return self._p_group.get(allele) or self._p_group_of_protein.get(protein, protein)

    def _reduced(self, allele: str, level: Level) -> str:
        if level == "P":
            return self._p_group.get(allele, allele)
        if level == "G":
            return self._g_group.get(allele, allele)
        if level == "g":
            p_groups = {self._p_group.get(other) for other in {allele} | self._same_g_group(allele)} - {None}
            own = self._p_group.get(allele) or (min(p for p in p_groups if p) if p_groups else None)
            return own.removesuffix("P") + "g" if own else parse_name(allele).two_field
        if level == "ard":
            return self._ard_of_listed(allele) or parse_name(allele).two_field
        if level == "two-field":
            return parse_name(allele).two_field
        return parse_name(allele).first_field

    def _same_g_group(self, allele: str) -> set[str]:
        return self._in_group[self._g_group[allele]] if allele in self._g_group else set()


def _expanded(macs: MacTable | None, item: Name, label: str) -> tuple[Name, ...]:
    """The names of a MAC.

    Raises:
        UnknownNameError: There is no table, no such code, or it is of other first fields.
    """
    if macs is None:
        raise UnknownNameError(f"{item} at locus {item.locus}: {label} has no multiple allele codes")
    try:
        return macs.expand(item)
    except ValueError as error:
        raise UnknownNameError(f"{item} at locus {item.locus}: {error}") from error


def _united(meanings: list[Meaning]) -> Meaning:
    """All of them together."""
    return Meaning(
        frozenset[str]().union(*(m.members for m in meanings)),
        frozenset[str]().union(*(m.open_fields for m in meanings)),
        frozenset[str]().union(*(m.new for m in meanings)),
        any(m.may_be_null for m in meanings),
        tuple(dict.fromkeys(w for m in meanings for w in m.warnings)),
        tuple(d for m in meanings for d in m.dropped),
    )


def _now(old: Name, new: Name) -> str:
    return f"{old} at locus {old.locus} is now {new}"


def _listed_alleles(path: Path) -> Iterator[str]:
    """The alleles of `Allelelist.txt` (`AlleleID,Allele`) at `GENES`; MICA, TAP, HFE and the like are left out."""
    for line in lines(path):
        _, allele = line.split(",")
        if allele.split("*")[0] in GENES:
            yield allele


def _grouped_alleles(path: Path) -> Iterator[tuple[str, str]]:
    """Pairs of allele and group from lines like `A*;01:02:02/01:412;01:02P`; lines without a group are left out."""
    for line in lines(path):
        prefix, members, group = line.split(";")
        if group and prefix.removesuffix("*") in GENES:
            for member in members.split("/"):
                yield prefix + member, prefix + group
