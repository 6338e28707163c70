"""Case files: a case as JSON, in the shape of ``case.schema.json``, read into the data classes of a case.

A value that cannot be read (a date that is no date, a typing that is malformed) is a :class:`Problem` and counts as not known, so
that the rest of the plan is still made. A name that a case does not have is an error, because it may be a slip that would
lose something. Reading opens no registry: their files are only named. Three made-up cases are shipped (:func:`example_path`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal, cast

from allomatch.errors import AllomatchError, problem
from allomatch.phenotype import Phenotype
from allomatch.roadmap.case import Harvest, Patient, Problem, Relative
from allomatch.roadmap.json_file import read_json

__all__ = ["EXAMPLES", "Case", "SourceFile", "example_path", "read_case"]

EXAMPLES = ("lymphoma", "leukaemia", "mixed")
_FOLDER = Path(__file__).with_name("cases")
_CASE = ("schema", "about", "today", "patient", "harvests", "family", "registries", "home_ions", "frequencies")
_PATIENT = (
    "phenotype",
    "birth_date",
    "sex",
    "weight_kg",
    "cmv",
    "abo",
    "ethnicities",
    "diagnosis",
    "disease_status",
)
_HARVEST = ("collected", "source", "cd34_e6_per_kg", "cd34_e6", "viability", "disease_status", "storage")
_RELATIVE = (
    "relation",
    "phenotype",
    "id",
    "phase_known",
    "available",
    "birth_date",
    "age",
    "sex",
    "cmv",
    "abo",
    "medical_reasons_against",
    "parents",
)
_SOURCE = ("name", "file", "domestic", "domestic_ions", "what", "frequencies")


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A registry that a case names.

    Attributes:
        name: What answers call it.
        file: The registry file; relative to the case.
        domestic: As in :class:`RegistrySource`.
        domestic_ions: Likewise.
        what: Likewise.
        frequencies: A file or folder of frequencies of its donors; None: those of the case.
    """

    name: str
    file: Path
    domestic: bool
    domestic_ions: tuple[str, ...]
    what: Literal["adults", "cord", "both"]
    frequencies: Path | None


@dataclass(frozen=True, slots=True)
class Case:
    """A case as it was read.

    Attributes:
        patient: The patient.
        harvests: Cells in store.
        family: The relatives.
        sources: The registries named.
        home_ions: Issuing organizations of the home country, for registries that are given beside the case.
        frequencies: A file or folder of frequencies; None if none is named.
        today: The day that the case is planned for; None: the day it is planned.
        problems: What could not be read.
    """

    patient: Patient
    harvests: tuple[Harvest, ...]
    family: tuple[Relative, ...]
    sources: tuple[SourceFile, ...]
    home_ions: tuple[str, ...]
    frequencies: Path | None
    today: date | None
    problems: tuple[Problem, ...]


def example_path(name: str) -> Path:
    """Return the file of a shipped case: ``"lymphoma"``, ``"leukaemia"`` or ``"mixed"``.

    Example:
        >>> read_case(example_path("lymphoma")).patient.diagnosis
        'Hodgkin lymphoma'
    """
    if name not in EXAMPLES:
        raise problem("InvalidArgument", f"there is no example {name!r}; there are {', '.join(EXAMPLES)}")
    return _FOLDER / f"{name}.json"


def read_case(path: Path) -> Case:
    """Read a case file.

    Raises:
        FileAccessError: It cannot be read.
        ArgumentError: It is not JSON, is not a case, or has names that a case does not have.
    """
    return case_of(read_json(path, "the case"), path.parent)


def case_of(values: Any, folder: Path) -> Case:
    """Make a case of plain values; files are relative to the folder."""
    top = _Part("case", values, _CASE)
    if top.values.get("schema") != "allomatch-case-1":
        raise problem(
            "InvalidArgument", f'schema is {top.values.get("schema")!r}; a case says "schema": "allomatch-case-1"'
        )
    if "patient" not in top.values:
        raise problem("InvalidArgument", 'the case has no patient; give at least {"patient": {"phenotype": "..."}}')
    part = _Part("patient", top.values["patient"], _PATIENT, top.problems)
    patient = Patient(
        part.phenotype() or Phenotype({}),
        birth_date=part.day("birth_date"),
        sex=part.text("sex"),
        weight_kg=part.number("weight_kg"),
        cmv=part.text("cmv"),
        abo=part.text("abo"),
        ethnicities=part.texts("ethnicities"),
        diagnosis=part.text("diagnosis"),
        disease_status=part.text("disease_status"),
    )
    harvests = tuple(_harvest(each) for each in top.parts("harvests", "harvest", _HARVEST))
    family = tuple(_relative(each, number) for number, each in enumerate(top.parts("family", "relative", _RELATIVE), 1))
    sources = tuple(
        source for each in top.parts("registries", "registry", _SOURCE) if (source := _source(each, folder)) is not None
    )
    frequencies = top.text("frequencies")
    return Case(
        patient,
        harvests,
        family,
        sources,
        top.ions("home_ions"),
        None if frequencies is None else folder / frequencies,
        top.day("today"),
        tuple(top.problems),
    )


def _harvest(part: _Part) -> Harvest:
    return Harvest(
        collected=part.day("collected"),
        source=part.text("source"),
        cd34_e6_per_kg=part.number("cd34_e6_per_kg"),
        cd34_e6=part.number("cd34_e6"),
        viability=part.number("viability"),
        disease_status=part.text("disease_status"),
        storage=part.text("storage"),
    )


def _relative(part: _Part, number: int) -> Relative:
    relation = part.text("relation")
    # What would keep someone from donating and cannot be read does so until it is asked about: it is among the problems.
    available = part.flag("available")
    if available is None and part.values.get("available") is not None:
        available = False
    against = part.texts("medical_reasons_against")
    if not against and part.values.get("medical_reasons_against") not in (None, [], ""):
        against = ("reasons that could not be read: ask for them",)
    return Relative(
        relation if relation is not None else "not given",
        part.phenotype(),
        id=part.text("id") or f"{(relation or 'relative').replace(' ', '-')}-{number}",
        phase_known=part.flag("phase_known") or False,
        available=available,
        birth_date=part.day("birth_date"),
        age=part.number("age"),
        sex=part.text("sex"),
        cmv=part.text("cmv"),
        abo=part.text("abo"),
        medical_reasons_against=against,
        parents=part.texts("parents"),
    )


def _source(part: _Part, folder: Path) -> SourceFile | None:
    file, what = part.text("file"), part.text("what") or "both"
    if file is None:
        part.problem("missing file", "file", "", "name the file of the registry; it was not searched")
        return None
    if what not in ("adults", "cord", "both"):
        part.problem("unknown kind", "what", what, "it may be adults, cord or both; both were searched")
        what = "both"
    theirs = part.text("frequencies")
    ions = part.ions("domestic_ions")
    return SourceFile(
        part.text("name") or Path(file).stem,
        folder / file,
        part.flag("domestic") or False,
        ions,
        cast(Literal["adults", "cord", "both"], what),
        None if theirs is None else folder / theirs,
    )


class _Part:
    """An object of the file, its values taken by name and kind."""

    def __init__(self, where: str, values: Any, known: tuple[str, ...], problems: list[Problem] | None = None) -> None:
        self.where = where
        self.problems: list[Problem] = [] if problems is None else problems
        if not isinstance(values, Mapping):
            raise problem("WrongType", f"{where} is {values!r:.60}; a JSON object is needed")
        for name in values:
            if name not in known:
                raise problem(
                    "InvalidArgument",
                    f"{where} has {name!r:.60}, which a case does not have; it may be {', '.join(known)}",
                )
        self.values = values

    def problem(self, code: str, name: str, value: object, remedy: str) -> None:
        message = f"{self.where}: {name} is {str(value)[:80]!r}; {remedy}"
        self.problems.append(Problem(code, self.where, name, str(value)[:200], message))

    def parts(self, name: str, each: str, known: tuple[str, ...]) -> list[_Part]:
        values = self.values.get(name)
        if values is None:
            return []
        if not isinstance(values, list):
            raise problem("WrongType", f"{self.where}: {name} is {values!r:.60}; a list is needed")
        return [_Part(f"{each} {number}", value, known, self.problems) for number, value in enumerate(values, 1)]

    def text(self, name: str) -> str | None:
        value = self.values.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            return None
        if not isinstance(value, str):
            self.problem("not a text", name, value, "a text is needed: it was not used")
            return None
        return value.strip()

    def texts(self, name: str) -> tuple[str, ...]:
        value = self.values.get(name)
        if value is None:
            return ()
        items = value if isinstance(value, list) else [value]
        if not isinstance(value, list) or not all(isinstance(each, str) for each in items):
            self.problem("not a list of texts", name, value, "a list of texts is needed: what is none was not used")
        return tuple(each.strip() for each in items if isinstance(each, str) and each.strip())

    def number(self, name: str) -> float | None:
        value = self.values.get(name)
        if value is None:
            return None
        try:
            number = math.nan if isinstance(value, bool) or not isinstance(value, (int, float)) else float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            self.problem("not a number", name, value, "a number is needed: it was not used")
            return None
        return number

    def flag(self, name: str) -> bool | None:
        value = self.values.get(name)
        if value is not None and not isinstance(value, bool):
            self.problem("not true or false", name, value, "true or false is needed: it was not used")
            return None
        return value

    def day(self, name: str) -> date | None:
        value = self.text(name)
        if value is None:
            return None
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.problem("not a date", name, value, "a date such as 2024-05-31 is needed: it was not used")
            return None

    def ions(self, name: str) -> tuple[str, ...]:
        found = []
        for value in self.texts(name):
            if value.isascii() and value.isdigit() and len(value) == 4:
                found.append(value)
            else:
                self.problem("not an ION", name, value, "four digits are needed: it was not used")
        return tuple(found)

    def phenotype(self) -> Phenotype | None:
        value = self.text("phenotype")
        if value is None:
            return None
        try:
            return Phenotype(value)
        except AllomatchError as failure:
            self.problem("malformed typing", "phenotype", value, f"{failure}: counted as untyped")
            return None
