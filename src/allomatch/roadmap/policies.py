"""Policies: every rule of the roadmap as data, each with its source, under one version that answers carry.

The rules live in ``policies.json`` beside this file and nowhere in code: indications, doses, statuses, limits, and at which answer
the road ends. A user replaces some (:meth:`Policies.replaced`) or all of them (:meth:`Policies.read`) and gives the result a
version of their own, so that an answer always says by which rules it was made. They support professionals and decide nothing.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allomatch.errors import AllomatchError, from_code, problem
from allomatch.formats import write_whole
from allomatch.roadmap.json_file import read_json
from allomatch.roadmap.policies_check import check_policies, plain_text

__all__ = ["ANY", "NOT_IN_CELLS", "Indication", "Policies", "Status"]

ANY = "any"
"""The status of a row that is for every status."""
NOT_IN_CELLS = "not in the cells"
"""The burden of a disease that no harvest could carry."""

_SHIPPED = Path(__file__).with_name("policies.json")


@dataclass(frozen=True, slots=True)
class Status:
    """A status of the disease.

    Attributes:
        name: As the rules write it.
        burden: ``"remission"``, ``"sufficiently reduced"``, ``"active"`` or, of a disease that no harvest could carry,
            ``"not in the cells"``.
        course: 0 at diagnosis, 1 in the first remission, 2 in the second ...; None: it may be any.
        or_later: Whether it may be any later one too.
    """

    name: str
    burden: str
    course: int | None
    or_later: bool = False

    def after(self, other: Status) -> bool:
        """Whether this status can only come after another."""
        if self.course is None or other.course is None or other.or_later:
            return False
        return self.course > other.course


@dataclass(frozen=True, slots=True)
class Indication:
    """One row of the table of indications.

    Attributes:
        table: ``"adults"`` or ``"children"``.
        disease: The key of the disease.
        name: Its name.
        status: The status of the disease that the row is for.
        autologous: ``"S"``, ``"CO"``, ``"D"``, ``"GNR"`` or ``"NA"``; None where the table says nothing.
        evidence: ``"I"``, ``"II"`` or ``"III"``; None where it is not stated.
        allogeneic: Kind of donor (``"MSD"``, ``"MUD"``, ``"MMAD"``) -> grade and evidence as the table writes them.
        transcription: ``"read"`` from the source; ``"stated"``: no source in force grades it, what a superseded one or
            others say is in `statements`.
        source: The paper that the grades are from, or would be from.
        statements: What others say, each with whose words they are.
        note: What else is to be known of the row or else of its source, such as what another report says; empty if nothing.
    """

    table: str
    disease: str
    name: str
    status: Status
    autologous: str | None
    evidence: str | None
    allogeneic: dict[str, str]
    transcription: str
    source: str
    statements: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Policies:
    """The rules of the roadmap.

    Attributes:
        values: Everything, as ``policies.json`` has it. Not to be changed in place: use :meth:`replaced`.

    Example:
        >>> rules = Policies.default()
        >>> rules.value("autologous", "min_cd34_e6_per_kg")
        2.0
        >>> stricter = rules.replaced({"autologous": {"min_cd34_e6_per_kg": {"value": 2.5, "source": "ours"}}}, version="centre 1")
        >>> stricter.value("autologous", "min_cd34_e6_per_kg"), stricter.version
        (2.5, 'centre 1')
    """

    values: Mapping[str, Any]

    def __post_init__(self) -> None:
        """Check that every rule is there, is of the kind it should be, and has a source (policies.schema.json)."""
        check_policies(self.values)

    @classmethod
    def default(cls) -> Policies:
        """Return the rules that allomatch ships."""
        return cls(_shipped())

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Policies:
        """Read rules from a JSON file: a whole copy of ``policies.json``, changed.

        Raises:
            FileAccessError: The file cannot be read.
            ArgumentError: It is not JSON, a rule is missing or of another kind.
        """
        values = read_json(path, "the policies")
        try:
            rules = cls(values)
        except AllomatchError as failure:
            raise from_code(failure.code, f"in the policies {str(path)!r}: {failure}") from failure
        shipped = cls.default()
        if rules.version == shipped.version and rules.values != shipped.values:
            raise problem(
                "InvalidArgument",
                f"the policies {str(path)!r} are changed and still called {rules.version!r}; give them a version of their own",
            )
        return rules

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the rules as JSON, to be changed and read again."""
        write_whole(Path(path), lambda file: file.write((json.dumps(self.to_dict(), indent=1) + "\n").encode()))

    def to_dict(self) -> dict[str, Any]:
        """Return the rules as plain values."""
        plain: dict[str, Any] = json.loads(json.dumps(self.values))
        return plain

    def replaced(self, changes: Mapping[str, Any], *, version: str) -> Policies:
        """Return these rules with some changed.

        Args:
            changes: The part of the tree that changes; mappings are merged, everything else takes the place of what was there.
            version: What the changed rules are called; answers carry it.

        Raises:
            ArgumentError: The version is that of these rules, or a rule is of another kind.
        """
        if not isinstance(changes, Mapping):
            raise problem(
                "WrongType", f"changes are {changes!r:.60}; a mapping such as {{'autologous': {{...}}}} is needed"
            )
        if version == self.version:
            raise problem("InvalidArgument", f"version {version!r} is that of the unchanged rules; choose another one")
        return Policies(_merged(self.to_dict(), {**changes, "version": version}))

    @property
    def version(self) -> str:
        """What answers name these rules."""
        return str(self.values["version"])

    @property
    def oldest_age(self) -> float:
        """In years, what is possible; of someone older the date or the age is a slip."""
        return float(self.values["family"]["oldest_age"])

    def value(self, part: str, name: str) -> Any:
        """Return the value of a rule, in the unit that the file states."""
        return self.values[part][name]["value"]

    def source(self, part: str, name: str) -> str:
        """Return where a rule comes from."""
        return str(self.values[part][name]["source"])

    def table(self, age: float | None) -> str:
        """Return which table of indications is for a person of this age in years; adults' where it is not known."""
        child = age is not None and age < self.value("indications", "child_below_years")
        return "children" if child else "adults"

    def disease(self, name: str, table: str) -> str | None:
        """Return the key of a disease by its key, name or a synonym, in any case; None: the table does not have it."""
        wanted = plain_text(name)
        for key, disease in self.values["indications"]["tables"][table].items():
            if wanted in (plain_text(key), plain_text(disease["name"]), *map(plain_text, disease["synonyms"])):
                return str(key)
        return None

    def indications(self, disease: str, table: str) -> tuple[Indication, ...]:
        """Return the rows of a disease, by its key."""
        entry = self.values["indications"]["tables"][table][disease]
        sources = self.values["indications"]["sources"]
        rows = []
        for row in entry["rows"]:
            grade, _, evidence = (row["autologous"] or "").partition("/")
            rows.append(
                Indication(
                    table,
                    disease,
                    entry["name"],
                    Status(row["status"], row["burden"], row["course"], row.get("or_later", False)),
                    grade or None,
                    evidence or None,
                    dict(row.get("allogeneic", {})),
                    row["transcription"],
                    sources[row["source"]]["citation"],
                    tuple(
                        f'{sources[one["source"]]["citation"]}: "{one["says"]}"' for one in row.get("statements", ())
                    ),
                    row.get("note", sources[row["source"]].get("note", "")),
                )
            )
        return tuple(rows)

    def indication(self, disease: str, table: str, status: str | None) -> Indication | None:
        """Return the row of a disease, by its key, for a status or a synonym of it, in any case.

        A row for any status is that of every status that has no other; without a status, if it is the only one.
        None: there is none.
        """
        entry = self.values["indications"]["tables"][table][disease]
        found = self.indications(disease, table)
        for row, one in zip(entry["rows"], found, strict=True):
            words = map(plain_text, (row["status"], *row.get("synonyms", ())))
            if status is not None and plain_text(status) in words:
                return one
        whichever = next((one for one in found if one.status.name == ANY), None)
        return whichever if status is not None or len(found) == 1 else None

    def status(self, name: str, disease: str | None, table: str) -> Status | None:
        """Return what a status means: of the disease's own first, then of the words for all; None: it is not known."""
        rows = () if disease is None else self.indications(disease, table)
        found = None if disease is None else self.indication(disease, table, name)
        if found is not None and (found.status.name != ANY or plain_text(name) == ANY):
            return found.status
        if rows and all(row.status.burden == NOT_IN_CELLS for row in rows):
            # A disease that no cells carry is in none of them, whatever the word.
            return Status(name, NOT_IN_CELLS, None)
        for word, entry in self.values["statuses"]["values"].items():
            if plain_text(word) == plain_text(name):
                return Status(word, entry["burden"], entry["course"], entry.get("or_later", False))
        return None


def _shipped() -> dict[str, Any]:
    values: dict[str, Any] = json.loads(_SHIPPED.read_text(encoding="utf-8"))
    return values


def _merged(base: dict[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in changes.items():
        both = isinstance(value, Mapping) and isinstance(base.get(key), dict)
        base[key] = _merged(base[key], value) if both else value
    return base
