"""The plan: own cells, then the family, then the registries, each answering with options, reasons and what comes next.

A plan is data. Each step's answer comes from its own file; here they are put in order, the step at which the road ends is named by
the policies, and everything becomes words (:meth:`Plan.explain`), JSON (:meth:`Plan.to_dict`, shape in ``plan.schema.json``) or a
page (:meth:`Plan.to_html`). A case with mistakes still has a plan: every mistake is listed in :attr:`Plan.problems`. A plan
supports professionals and decides nothing; it says so itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from allomatch import report
from allomatch._core import __version__
from allomatch.errors import problem
from allomatch.frequencies import HaplotypeFrequencies
from allomatch.frequency_sets import FrequencySets
from allomatch.nomenclature import Nomenclature
from allomatch.roadmap import family_step, plan_parts
from allomatch.roadmap.autologous import AutologousAnswer, age_in_years, assess_autologous
from allomatch.roadmap.case import Harvest, Patient, Problem, RegistrySource, Relative, check_items
from allomatch.roadmap.next_step import chance_of_registries
from allomatch.roadmap.pedigree import PATIENT, impossible_age
from allomatch.roadmap.policies import Indication, Policies
from allomatch.roadmap.registry_step import DonorOption, RegistryAnswer, assess_registries
from allomatch.roadmap.steps import Option, Step

__all__ = ["ABOUT", "Plan", "Recommendation", "Roadmap"]

ABOUT = (
    "This plan supports professionals and decides nothing. It applies the rules of the named version to what was entered; every "
    "typing, dose and indication must be confirmed by the transplant centre before anything is done."
)
_SPOKEN = 8  # options of a step in words; data and page have all
_DISCUSSED = {
    "type relatives": "type the relatives first",
    "haploidentical donor": "no identical relative and no matched donor: a haploidentical relative, weighed against mismatched "
    "donors",
    "unlikely donors": "no probable donor: unlikely donors",
    "mismatched donors": "no probable donor: mismatched donors",
    "cord blood": "no probable donor: cord blood",
    "possible": "no relative and no donor yet: the patient's own cells",
}
_TITLES = {
    "autologous": "The patient's own cells",
    "family": "The family",
    "registries": "The international stem cell bank",
}


@dataclass(frozen=True, slots=True)
class Recommendation:
    """Where the road ends, to be discussed.

    Attributes:
        step: ``"autologous"``, ``"family"`` or ``"registries"``; None: nowhere yet, something must be asked first.
        options: Ids of the options of that step.
        reason: Why, in words.
    """

    step: str | None
    options: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The three steps for one patient.

    Attributes:
        steps: Own cells, family, registries.
        recommended: Where the road ends by the policies.
        problems: What of the case could not be used, each once.
        patient: The patient.
        age: Of the patient, in years; None if it is not known.
        made: The day.
        nomenclature: The release that names were read under.
        policy_version: By which rules.
    """

    steps: tuple[Step, ...]
    recommended: Recommendation
    problems: tuple[Problem, ...]
    patient: Patient
    age: float | None
    made: date
    nomenclature: str
    policy_version: str

    def __getitem__(self, name: str) -> Step:
        """Return a step by its name."""
        return next(step for step in self.steps if step.name == name)

    def explain(self) -> str:
        """Return the plan in words."""
        lines = [ABOUT, f"rules {self.policy_version}, nomenclature {self.nomenclature}, {self.made}", ""]
        for number, step in enumerate(self.steps, 1):
            lines.append(f"{number}. {step.title}: {step.answer}")
            lines += [f"   {reason}" for reason in step.reasons]
            if isinstance(step.detail, RegistryAnswer):
                lines += [f"   {search.explain()}" for search in step.detail.searches]
                lines += [f"   typing to ask for: {each.reason}" for each in step.detail.requests]
            for option in step.options[:_SPOKEN]:
                chance = "" if option.p is None else f", {option.p_of} with probability {option.p:.4f}"
                lines.append(f"   - {option.id} ({option.what}): {option.answer}{chance}")
            if len(step.options) > _SPOKEN:
                lines.append(f"   - and {len(step.options) - _SPOKEN} more")
            p = step.chance_next
            lines.append(f"   next: {step.next_reason}" + ("" if p is None else f" (probability {p:.4f})"))
        lines += ["", f"to be discussed first: {self.recommended.step or 'nothing yet'}: {self.recommended.reason}"]
        lines += [f"problem, {each.where}, {each.field}: {each.message}" for each in self.problems]
        # What was entered makes no lines of its own.
        return "\n".join(" ".join(line.splitlines()) for line in lines)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain values, in the shape of ``plan.schema.json``."""
        return {
            "schema": "allomatch-plan-1",
            "about": ABOUT,
            "made": self.made.isoformat(),
            "allomatch": __version__,
            "nomenclature": self.nomenclature,
            "policy_version": self.policy_version,
            "patient": plan_parts.patient_dict(self.patient, self.age),
            "recommended": {
                "step": self.recommended.step,
                "options": list(self.recommended.options),
                "reason": self.recommended.reason,
            },
            "steps": [plan_parts.step_dict(step) for step in self.steps],
            "problems": [plan_parts.problem_dict(each) for each in self.problems],
        }

    def to_html(self) -> str:
        """Return the plan as one self-contained page (:mod:`allomatch.report`)."""
        return report.html_of(self.to_dict())

    def _repr_html_(self) -> str:
        return report.fragment_of(self.to_dict())


class Roadmap:
    """A case, ready to be planned.

    Args:
        patient: The patient.
        harvests: The patient's own cells in store.
        family: The relatives.
        registries: The registries, open; home ones are marked or have domestic IONs.
        nomenclature: What names stand for; None: :meth:`Nomenclature.two_field`.
        frequencies: Haplotype frequencies, for untyped relatives and for probabilities of donors; None: none.
        policies: The rules; None: those shipped.
        today: The day ages are counted to; None: today.
        problems: What was found wrong before, as the case was read; the plan lists it too.

    Example:
        >>> from allomatch import Phenotype
        >>> patient = Patient(Phenotype("A*01:01+A*02:01"), date(1991, 6, 2), diagnosis="AML", disease_status="CR2")
        >>> plan = Roadmap(patient).plan()
        >>> [(step.name, step.answer) for step in plan.steps]
        [('autologous', 'possible'), ('family', 'no family'), ('registries', 'not asked')]
    """

    def __init__(
        self,
        patient: Patient,
        *,
        harvests: Sequence[Harvest] = (),
        family: Sequence[Relative] = (),
        registries: Sequence[RegistrySource] = (),
        nomenclature: Nomenclature | None = None,
        frequencies: HaplotypeFrequencies | FrequencySets | None = None,
        policies: Policies | None = None,
        today: date | None = None,
        problems: Sequence[Problem] = (),
    ) -> None:
        check_items("patient", [patient], Patient)
        for name, values, kind in (
            ("harvests", harvests, Harvest),
            ("family", family, Relative),
            ("registries", registries, RegistrySource),
            ("problems", problems, Problem),
        ):
            check_items(name, values, kind)
        for name, value, kinds in (
            ("nomenclature", nomenclature, (Nomenclature,)),
            ("frequencies", frequencies, (HaplotypeFrequencies, FrequencySets)),
            ("policies", policies, (Policies,)),
        ):
            if value is not None and not isinstance(value, kinds):
                needed = " or ".join(each.__name__ for each in kinds)
                raise problem("WrongType", f"{name} is {value!r:.80}; {needed} is needed, or None")
        if today is not None and (not isinstance(today, date) or isinstance(today, datetime)):
            raise problem("WrongType", f"today is {today!r:.80}; a datetime.date is needed, or None")
        self._patient = patient
        self._harvests = tuple(harvests)
        self._family = tuple(family)
        self._registries = tuple(registries)
        self._nomenclature = nomenclature or Nomenclature.two_field()
        self._frequencies = frequencies
        self._policies = policies or Policies.default()
        self._today = today or date.today()
        self._problems = tuple(problems)

    def plan(self, *, threads: int = 0) -> Plan:
        """Take the three steps.

        Args:
            threads: For the searches; 0 means all cores.
        """
        patient, rules = self._patient, self._policies
        problems = [*_patient_problems(patient, self._today, rules.oldest_age), *_relative_problems(self._family)]
        own = assess_autologous(patient, self._harvests, rules, self._today)
        family = family_step.take(patient, self._family, self._nomenclature, self._frequencies, rules, self._today)
        found = assess_registries(
            patient, self._registries, self._nomenclature, self._frequencies, rules, self._today, threads=threads
        )
        expected = chance_of_registries(
            patient, self._registries, self._nomenclature, self._frequencies, rules, self._today
        )
        twin = _twin_words(family, rules)
        steps = (
            _own_step(own, family, twin),
            family_step.step(
                family, _TITLES["family"], [*_graded(own.indication, ("MSD", "MMAD")), *twin], expected, rules
            ),
            _registry_step(found, _graded(own.indication, ("MUD", "MMAD"))),
        )
        unique = dict.fromkeys((*self._problems, *problems, *own.problems, *family.problems, *found.problems))
        return Plan(
            steps,
            _recommend(steps, rules),
            tuple(unique),
            patient,
            age_in_years(patient.birth_date, self._today, rules.oldest_age),
            self._today,
            self._nomenclature.release,
            rules.version,
        )


def _relative_problems(family: Sequence[Relative]) -> list[Problem]:
    """Return codes of relatives that are none; the family step names everything else."""
    problems = []
    for number, one in enumerate(family, 1):
        where = f"relative {one.id or number}"
        for name, values in (("cmv", ("P", "N")), ("abo", ("A", "B", "AB", "O"))):
            value = getattr(one, name)
            if value is not None and value not in values:
                message = f"{where}: {name} is {value!r}; it may be {', '.join(values)}: correct it, it was not used"
                problems.append(Problem(f"unknown {name}", where, name, str(value), message))
    return problems


def _patient_problems(patient: Patient, today: date, oldest: float) -> list[Problem]:
    """Return what is wrong with the patient's own facts."""
    problems = []
    if patient.birth_date is not None and patient.birth_date > today:
        message = (
            f"the patient is born {patient.birth_date}, after today ({today}); correct the date: no age was counted"
        )
        problems.append(Problem("birth in the future", "patient", "birth_date", str(patient.birth_date), message))
    years = None if patient.birth_date is None else (today - patient.birth_date).days / 365.25
    impossible = impossible_age(PATIENT, years, oldest, dated=True)
    if impossible is not None:
        problems.append(impossible)
    known = {"sex": ("F", "M"), "cmv": ("P", "N"), "abo": ("A", "B", "AB", "O")}
    for name, values in known.items():
        value = getattr(patient, name)
        if value is not None and value not in values:
            message = f"the patient's {name} is {value!r}; it may be {', '.join(values)}: correct it, it was not used"
            problems.append(Problem(f"unknown {name}", "patient", name, str(value), message))
    if not patient.phenotype.loci:
        message = "the patient is typed at no locus; type the patient before relatives and donors are compared"
        problems.append(Problem("patient not typed", "patient", "phenotype", "", message))
    return problems


def _graded(row: Indication | None, kinds: Sequence[str]) -> list[str]:
    """Return the grades of donors, and whether the table that has them is in force."""
    said = [] if row is None else [f"{kind} {row.allogeneic[kind]}" for kind in kinds if kind in row.allogeneic]
    if row is None or not said:
        return []
    which = (
        "a table of indications not in force graded"
        if row.transcription == "stated"
        else "the table of indications grades"
    )
    return [f"{which}: {', '.join(said)} ({row.source})"]


def _twin_words(family: family_step.Family, rules: Policies) -> list[str]:
    """Return what the tables of indications say of patients who have an identical twin; nothing of those who have none."""
    members = () if family.answer is None else family.answer.members
    twins = [each.id for each in members if each.relation.startswith("identical twin")]
    if not twins:
        return []
    said, source = rules.value("indications", "syngeneic"), rules.source("indications", "syngeneic")
    return [f'{", ".join(twins)} is an identical twin, a syngeneic donor: "{said}" ({source})']


def _own_step(own: AutologousAnswer, family: family_step.Family, twin: Sequence[str]) -> Step:
    options = tuple(
        Option(
            f"harvest {each.number}",
            "stored cells",
            each.answer if each.cd34_e6_per_kg is None else f"{each.answer}, {each.cd34_e6_per_kg:.2f}e6 CD34+ per kg",
            None,
            "",
            each.reasons,
        )
        for each in own.harvests
    )
    chance, words = None, "the family: no relatives are known, so nothing can be said of an identical one"
    if family.answer is not None:
        chance, words = family.answer.p_any_identical, "the family: that a usable relative is HLA-identical"
    return Step("autologous", _TITLES["autologous"], own.answer, options, (*own.reasons, *twin), chance, words, own)


def _registry_step(found: RegistryAnswer, reasons: Sequence[str]) -> Step:
    best = [each for search in found.searches for each in search.best]
    # Adults before cord blood, whole matches before others; within these the order of the searches.
    best.sort(key=lambda each: (each.kind == "cord", each.hit.match.mismatches > 0))
    return Step(
        "registries",
        _TITLES["registries"],
        found.answer,
        tuple(_donor(each) for each in best),
        (*reasons, *found.reasons),
        None,
        "this is the last step: more donors join every day, search again",
        found,
    )


def _donor(option: DonorOption) -> Option:
    hit = option.hit
    # "10/10" and "8/8" are matches; the same of fewer loci is not.
    certain = "certain match" if option.whole else "no mismatch at these loci"
    # The typings say first what is certain; only between a match and a mismatch a probability decides.
    said = certain if hit.match.greatest == 0 else hit.match.category
    if hit.match.category == "potential":
        said = hit.likelihood or said
    kind = "cord blood unit" if option.kind == "cord" else "donor"
    return Option(
        hit.donor_id,
        f"{kind} of {option.source}, {option.place}, {option.loci}",
        f"{said}: {hit.match.summary()}",
        option.p_match,
        "no mismatch",
        option.reasons,
    )


def _recommend(steps: Sequence[Step], rules: Policies) -> Recommendation:
    """Return where the road ends: at the first step whose answer the policies name; else what is left to be discussed."""
    for step in steps:
        if step.answer in rules.value("recommend", step.name):
            options = plan_parts.leading(step)
            reason = f"{step.answer} ({rules.source('recommend', step.name)})"
            asked = [each for each in steps if each.answer == "ask" and each is not step]
            if asked:
                reason += f"; to be asked as well: {', '.join(each.title for each in asked)}"
            family = next(each for each in steps if each.name == "family")
            if step.name == "registries" and family.answer == "type relatives":
                reason += f"; before that, type {', '.join(plan_parts.leading(family))}"
            return Recommendation(step.name, options, reason)
    source = rules.source("recommend", "discuss")
    for answer in rules.value("recommend", "discuss"):
        for step in steps:
            options = plan_parts.leading(step)
            if step.answer == answer and (options or step.name == "autologous"):
                return Recommendation(step.name, options, f"{_DISCUSSED[answer]}, to be discussed ({source})")
    return Recommendation(None, (), "no step has an option yet: see the reasons and the problems")
