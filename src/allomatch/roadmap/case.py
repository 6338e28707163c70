"""The case: what is known of a patient, their stored cells, their family and the registries to ask.

Plain data, as a coordinator has it: anything may be missing. What is wrong with a case is named by the step that needs it, as a
:class:`Problem` of the plan, and the rest of the plan is still made. Only a value of the wrong type is an error here, where it is
given: that is a slip of a program, not of a case (a case file never gets so far, see ``case_file``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from numbers import Integral, Real
from typing import Any, Literal

from allomatch.errors import problem
from allomatch.frequencies import HaplotypeFrequencies
from allomatch.frequency_sets import FrequencySets
from allomatch.phenotype import Phenotype
from allomatch.registry import Registry

__all__ = ["Harvest", "Patient", "Problem", "RegistrySource", "Relative", "check_items"]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something of a case that cannot be used, and what to do about it.

    Attributes:
        code: A stable word for the kind: ``"negative dose"``, ``"two mothers"``, ``"unknown relation"``...
        where: The part of the case: ``"patient"``, ``"harvest 2"``, ``"relative sister-1"``, ``"registry Belgium"``.
        field: The attribute.
        value: What stands there, as text.
        message: Value, place and remedy in one sentence. Never a name.
    """

    code: str
    where: str
    field: str
    value: str
    message: str


@dataclass(frozen=True, slots=True)
class Patient:
    """The person who needs stem cells.

    Attributes:
        phenotype: The typing.
        birth_date: For the ages of relatives, and where a rule asks for the patient's age.
        sex: ``"F"`` or ``"M"``.
        weight_kg: For doses per kg.
        cmv: ``"P"`` or ``"N"``.
        abo: ``"A"``, ``"B"``, ``"AB"`` or ``"O"``.
        ethnicities: Of both parents' sides where they differ: they choose the frequency sets.
        diagnosis: A key of the table of indications; anything else is asked about, never guessed.
        disease_status: Now, as the table of indications names it.
    """

    phenotype: Phenotype
    birth_date: date | None = None
    sex: str | None = None
    weight_kg: float | None = None
    cmv: str | None = None
    abo: str | None = None
    ethnicities: tuple[str, ...] = ()
    diagnosis: str | None = None
    disease_status: str | None = None

    def __post_init__(self) -> None:
        _check(self, _TYPING, "phenotype")
        _check(self, _DAY, "birth_date")
        _check(self, _TEXT, "sex", "cmv", "abo", "diagnosis", "disease_status")
        _check(self, _NUMBER, "weight_kg")
        _check(self, _TEXTS, "ethnicities")


@dataclass(frozen=True, slots=True)
class Harvest:
    """One collection of the patient's own cells.

    Attributes:
        collected: The date.
        source: ``"peripheral blood"``, ``"bone marrow"`` or ``"cord blood"``.
        cd34_e6_per_kg: CD34+ cells, 1e6 per kg of the patient's weight at harvest.
        cd34_e6: CD34+ cells in all, 1e6; divided by the patient's weight where the dose per kg is not given.
        viability: Share of the cells alive, 0 to 1.
        disease_status: At harvest, in the words of `Patient.disease_status`.
        storage: Where and how; free text.
    """

    collected: date | None = None
    source: str | None = None
    cd34_e6_per_kg: float | None = None
    cd34_e6: float | None = None
    viability: float | None = None
    disease_status: str | None = None
    storage: str | None = None

    def __post_init__(self) -> None:
        _check(self, _DAY, "collected")
        _check(self, _TEXT, "source", "disease_status", "storage")
        _check(self, _NUMBER, "cd34_e6_per_kg", "cd34_e6", "viability")


@dataclass(frozen=True, slots=True)
class Relative:
    """One member of the family.

    Attributes:
        relation: To the patient: ``"sister"``, ``"mother"``, ``"maternal aunt"``, ``"identical twin"``... (`policies.RELATIONS`).
        phenotype: The typing; None: untyped.
        id: What answers call this person; by default relation and number. Never a name.
        phase_known: Whether it is known which alleles are on one haplotype; the typing is then a GL string with ``~`` between
            the alleles of a haplotype.
        available: Whether this person can be asked to be typed and to donate; None: not known.
        birth_date: The date of birth.
        age: In years, where there is no date of birth.
        sex: ``"F"`` or ``"M"``, where the relation does not say.
        cmv: As the patient's.
        abo: As the patient's.
        medical_reasons_against: Reasons not to donate; any makes this person typed for information only.
        parents: Ids of relatives who are this person's parents, where the relation leaves it open: of a cousin or a
            niece, the aunt, uncle or sibling; of a half-sibling, ``("mother",)`` or ``("father",)``.
    """

    relation: str
    phenotype: Phenotype | None = None
    id: str | None = None
    phase_known: bool = False
    available: bool | None = None
    birth_date: date | None = None
    age: float | None = None
    sex: str | None = None
    cmv: str | None = None
    abo: str | None = None
    medical_reasons_against: tuple[str, ...] = ()
    parents: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check(self, _WORD, "relation")
        _check(self, _TYPING_OR_NONE, "phenotype")
        _check(self, _DAY, "birth_date")
        _check(self, _TEXT, "id", "sex", "cmv", "abo")
        _check(self, _NUMBER, "age")
        _check(self, _FLAG, "phase_known")
        _check(self, _FLAG_OR_NONE, "available")
        _check(self, _TEXTS, "medical_reasons_against", "parents")


@dataclass(frozen=True, slots=True)
class RegistrySource:
    """A registry that can be searched.

    Attributes:
        name: What answers call it.
        registry: It, open.
        domestic: Whether it is the home registry, which comes first.
        domestic_ions: Issuing organizations of which the donors in it are domestic, where one file holds the world.
        what: ``"adults"``, ``"cord"`` or ``"both"``.
        frequencies: Frequency sets of its donors, as :meth:`allomatch.Registry.search` takes them.
    """

    name: str
    registry: Registry
    domestic: bool = False
    domestic_ions: tuple[str, ...] = ()
    what: Literal["adults", "cord", "both"] = "both"
    frequencies: HaplotypeFrequencies | FrequencySets | None = None

    def __post_init__(self) -> None:
        _check(self, _WORD, "name")
        _check(self, _REGISTRY, "registry")
        _check(self, _FLAG, "domestic")
        _check(self, _IONS, "domestic_ions")
        _check(self, _WHAT, "what")
        _check(self, _FREQUENCIES, "frequencies")


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a field may hold, and how to say it."""

    holds: Callable[[Any], bool]
    needed: str


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_day(value: object) -> bool:
    # A datetime is a date to Python and cannot be compared with one.
    return isinstance(value, date) and not isinstance(value, datetime)


def _is_list_of(holds: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, (tuple, list)) and all(holds(each) for each in value)


def _or_none(kind: _Kind) -> _Kind:
    return _Kind(lambda value: value is None or kind.holds(value), f"{kind.needed}, or None")


_WORD = _Kind(_is_text, "a text")
_TEXT = _or_none(_WORD)
_NUMBER = _or_none(_Kind(_is_number, "a number such as 64.5"))
_DAY = _or_none(_Kind(_is_day, "a datetime.date such as date(1991, 6, 2)"))
_FLAG = _Kind(lambda value: isinstance(value, bool), "True or False")
_FLAG_OR_NONE = _or_none(_FLAG)
_TEXTS = _Kind(_is_list_of(_is_text), "a tuple of texts such as ('one',)")
_TYPING = _Kind(lambda value: isinstance(value, Phenotype), "a Phenotype such as Phenotype('A*01:01+A*02:01')")
_TYPING_OR_NONE = _or_none(_TYPING)
_REGISTRY = _Kind(lambda value: isinstance(value, Registry), "a Registry such as Registry.open('home.allo')")
_IONS = _Kind(
    _is_list_of(lambda value: _is_text(value) and len(value) == 4 and value.isascii() and value.isdigit()),
    "a tuple of texts of four digits such as ('1081',)",
)
_WHAT = _Kind(lambda value: value in ("adults", "cord", "both"), "'adults', 'cord' or 'both'")
_FREQUENCIES = _or_none(
    _Kind(
        lambda value: isinstance(value, (HaplotypeFrequencies, FrequencySets)), "HaplotypeFrequencies or FrequencySets"
    )
)


def _check(one: object, kind: _Kind, *fields: str) -> None:
    """Raise ArgumentError unless fields hold what they may."""
    for name in fields:
        value = getattr(one, name)
        if not kind.holds(value):
            where = f"{type(one).__name__}.{name}"
            raise problem("WrongType", f"{where} is {value!r:.80}; it must be {kind.needed}")
        if kind is _NUMBER and value is not None:
            object.__setattr__(one, name, _plain_number(value, f"{type(one).__name__}.{name}"))


def _plain_number(value: Real, where: str) -> float:
    """Return an int or a float of the same value: reasons, JSON and sums know no others."""
    try:
        number = float(value)
    except OverflowError:
        raise problem("ValueOutOfRange", f"{where} is beyond 1e308; it must be {_NUMBER.needed}") from None
    return int(value) if isinstance(value, Integral) else number


def check_items(what: str, values: object, kind: type) -> None:
    """Raise ArgumentError unless values are a sequence of a kind.

    Args:
        what: What they are called.
        values: Such as the relatives of a case.
        kind: Of each.

    Example:
        >>> check_items("family", [Relative("sister")], Relative)
    """
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise problem("WrongType", f"{what} is {values!r:.80}; a list of {kind.__name__} is needed")
    for number, each in enumerate(values, 1):
        if not isinstance(each, kind):
            raise problem("WrongType", f"{what}, number {number}, is {each!r:.80}; a {kind.__name__} is needed")
