"""The case: what is known of a patient, their stored cells, their family and the registries to ask.

Plain data, as a coordinator has it: anything may be missing, nothing is checked here. What is wrong with a case is named by the
step that needs it, as a :class:`Problem` of the plan, and the rest of the plan is still made.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from allomatch.frequencies import HaplotypeFrequencies
from allomatch.frequency_sets import FrequencySets
from allomatch.phenotype import Phenotype
from allomatch.registry import Registry

__all__ = ["Harvest", "Patient", "Problem", "RegistrySource", "Relative"]


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
