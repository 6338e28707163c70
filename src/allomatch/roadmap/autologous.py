"""The first step: whether the patient's own stored cells could be used (SEMANTICS section 6).

The disease and its status are looked up in the table of indications, word for word: what the table does not have is asked about,
never guessed. Cells count if they were harvested in remission or with the disease sufficiently reduced; the doses of all
harvests that count are added. Everything that cannot be used is named as a :class:`Problem`, and the rest is still judged.
It supports professionals and decides nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import combinations
from typing import Literal

from allomatch.roadmap.case import Harvest, Patient, Problem
from allomatch.roadmap.policies import ANY, NOT_IN_CELLS, Indication, Policies, Status
from allomatch.roadmap.policies_check import plain_text

__all__ = ["AutologousAnswer", "HarvestAnswer", "age_in_years", "assess_autologous", "usable_weight"]

Answer = Literal["eligible", "possible", "not indicated", "ask"]


@dataclass(frozen=True, slots=True)
class HarvestAnswer:
    """What is said of one harvest.

    Attributes:
        number: Its place in the case, from 1.
        answer: ``"counts"``, ``"ask"`` (something must be found out first) or ``"cannot be used"``.
        cd34_e6_per_kg: Its dose, 1e6 CD34+ cells per kg; None if it is not known.
        reasons: Why, in words.
    """

    number: int
    answer: Literal["counts", "ask", "cannot be used"]
    cd34_e6_per_kg: float | None
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class AutologousAnswer:
    """The answer of the first step.

    Attributes:
        answer: ``"eligible"``, ``"possible"``, ``"not indicated"``, or ``"ask"`` where disease or status are not in the table.
        reasons: Why, in words, each with its source.
        harvests: What is said of each harvest, in order.
        cd34_e6_per_kg: The dose of all harvests that count, 1e6 CD34+ cells per kg.
        indication: The row of the table; None if there is none.
        problems: What of the case could not be used.
        policy_version: By which rules.
    """

    answer: Answer
    reasons: tuple[str, ...]
    harvests: tuple[HarvestAnswer, ...]
    cd34_e6_per_kg: float
    indication: Indication | None
    problems: tuple[Problem, ...]
    policy_version: str


def assess_autologous(
    patient: Patient, harvests: Sequence[Harvest], policies: Policies, today: date
) -> AutologousAnswer:
    """Say whether the patient's own cells could be used.

    Args:
        patient: The patient; diagnosis, status, weight and birth date matter here.
        harvests: The cells in store.
        policies: The rules.
        today: The day that ages and times in store are counted to.

    Returns:
        The answer. Nothing is raised for what is wrong in the case: see its ``problems``.

    Example:
        >>> from allomatch import Phenotype
        >>> boy = Patient(Phenotype("A*01:01+A*02:01"), date(2010, 5, 1), diagnosis="HL", disease_status="1st relapse, CR2")
        >>> stored = Harvest(date(2026, 3, 2), "peripheral blood", cd34_e6_per_kg=5.4, viability=0.96, disease_status="CR2")
        >>> assess_autologous(boy, [stored], Policies.default(), date(2026, 11, 1)).answer
        'eligible'
    """
    problems: list[Problem] = []
    age = age_in_years(patient.birth_date, today, policies.oldest_age)
    table = policies.table(age)
    weight = usable_weight(patient, policies, problems)
    disease = None if patient.diagnosis is None else policies.disease(patient.diagnosis, table)
    indication = None
    if disease is not None:
        indication = policies.indication(disease, table, patient.disease_status)
    now = indication.status if indication is not None else None
    if now is not None and now.name == ANY:
        now = _word_for_now(patient.disease_status, now, disease, table, policies)
    statuses = [
        None if each.disease_status is None else policies.status(each.disease_status, disease, table)
        for each in harvests
    ]
    contradictions = _contradictions(harvests, statuses, now, patient.birth_date, today)
    answers = []
    for number, harvest in enumerate(harvests, 1):
        judge = _Judge(patient, harvest, number, policies, today, weight, statuses[number - 1], now)
        answers.append(judge.answer(contradictions.get(number), harvests[: number - 1]))
        problems += judge.problems
    total = math.fsum(each.cd34_e6_per_kg or 0.0 for each in answers if each.answer == "counts")
    answer, reasons = _whole(patient, disease, table, indication, now, age, answers, total, policies, problems)
    return AutologousAnswer(
        answer, tuple(reasons), tuple(answers), total, indication, tuple(problems), policies.version
    )


def age_in_years(birth_date: date | None, today: date, oldest: float) -> float | None:
    """Return an age in whole years; None if it is not known, or cannot be: a birth after today, or too long ago."""
    if birth_date is None or birth_date > today:
        return None
    age = today.year - birth_date.year - ((today.month, today.day) < (birth_date.month, birth_date.day))
    return float(age) if age <= oldest else None


def usable_weight(patient: Patient, policies: Policies, problems: list[Problem]) -> float | None:
    """Return the patient's weight in kg, or None; a weight that cannot be is added to the problems."""
    weight = patient.weight_kg
    if weight is None:
        return None
    least, most = policies.value("autologous", "weight_kg")
    if least <= weight <= most:
        return weight
    problems.append(
        Problem(
            "impossible weight",
            "patient",
            "weight_kg",
            repr(weight),
            f"the patient's weight is {weight!r} kg; it must be from {least} to {most}: correct it, no dose was divided by it",
        )
    )
    return None


def _differs(row: Indication, policies: Policies) -> bool:
    """Whether the table of the other age has this disease, and answers otherwise or knows other statuses of it."""
    other = "children" if row.table == "adults" else "adults"
    disease = policies.disease(row.disease, other)
    if disease is None:
        return False
    found = policies.indication(disease, other, row.status.name)
    return found is None or (found.autologous, found.transcription) != (row.autologous, row.transcription)


def _word_for_now(word: str | None, row: Status, disease: str | None, table: str, policies: Policies) -> Status | None:
    """Return the status now of a patient whose row is for any: such a row does not say how the disease is."""
    found = row if word is None else policies.status(word, disease, table)
    return None if found is not None and found.name == ANY and found.burden != NOT_IN_CELLS else found


def _contradictions(
    harvests: Sequence[Harvest], statuses: Sequence[Status | None], now: Status | None, birth: date | None, today: date
) -> dict[int, str]:
    """Name the statuses of harvests that cannot both be, for both of them: nobody can say which is wrong."""
    found: dict[int, str] = {}
    for (i, one), (j, other) in combinations(enumerate(harvests), 2):
        days = one.collected, other.collected
        words = one.disease_status, other.disease_status
        if days[0] is None or days[1] is None or words[0] is None or words[1] is None:
            continue
        if any(day > today or (birth is not None and day < birth) for day in (days[0], days[1])):
            continue
        said = [
            f"harvest {at + 1} of {day} has status {word!r}" for at, day, word in zip((i, j), days, words, strict=True)
        ]
        if days[0] == days[1]:
            if not _same(words[0], words[1], statuses[i], statuses[j]):
                for at in (i, j):
                    found.setdefault(at + 1, f"{' and '.join(said)}, on the same day; find out which is right")
            continue
        first, second = (i, j) if days[0] < days[1] else (j, i)
        before, after = statuses[first], statuses[second]
        # One that comes after the patient's status now is known to be the wrong one.
        if (
            before is not None
            and after is not None
            and before.after(after)
            and not (now is not None and before.after(now))
        ):
            for at in (i, j):
                found.setdefault(at + 1, f"{' and '.join(said)}, in the wrong order; find out which is right")
    return found


def _same(one: str, other: str, first: Status | None, second: Status | None) -> bool:
    """Whether two words may be for one status."""
    if first is None or second is None:
        return plain_text(one) == plain_text(other)
    return first.burden == second.burden and not first.after(second) and not second.after(first)


def _plainly(harvest: Harvest) -> Harvest:
    """Return a harvest of which the same words are the same texts."""
    status = harvest.disease_status
    return harvest if status is None else replace(harvest, disease_status=plain_text(status))


def _in_words(burden: str) -> str:
    return "in remission" if burden == "remission" else burden


@dataclass(slots=True)
class _Judge:
    """One harvest, being judged."""

    patient: Patient
    harvest: Harvest
    number: int
    policies: Policies
    today: date
    weight: float | None
    status: Status | None
    now: Status | None
    problems: list[Problem] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    open: bool = False  # something must be found out first
    bad: bool = False

    def answer(self, contradiction: str | None, before: Sequence[Harvest]) -> HarvestAnswer:
        self._when()
        if contradiction is not None:
            self.open = True
            self._problem("contradictory statuses", "disease_status", self.harvest.disease_status, contradiction)
        self._twice(before)
        self._source()
        self._status()
        dose = self._dose()
        self._viability(dose)
        verdict: Literal["counts", "ask", "cannot be used"] = (
            "cannot be used" if self.bad else "ask" if self.open else "counts"
        )
        return HarvestAnswer(self.number, verdict, dose, tuple(self.reasons))

    def _problem(self, code: str, attribute: str, value: object, message: str) -> None:
        self.problems.append(Problem(code, f"harvest {self.number}", attribute, str(value), message))
        self.reasons.append(message)

    def _when(self) -> None:
        day, birth = self.harvest.collected, self.patient.birth_date
        if day is None:
            self.open = True
            self.reasons.append("the day of the harvest is not known: ask for it")
            return
        if day > self.today:
            self.bad = True
            self._problem(
                "harvest in the future",
                "collected",
                day,
                f"harvest {self.number} is dated {day}, after today ({self.today}); correct the date",
            )
        elif birth is not None and day < birth:
            self.bad = True
            self._problem(
                "harvest before birth",
                "collected",
                day,
                f"harvest {self.number} is dated {day}, before the patient's birth ({birth}); correct one of the dates",
            )
        else:
            years = (self.today - day).days / 365.25
            limit = self.policies.value("autologous", "ask_after_years")
            if years > limit:
                self.open = True
                self.reasons.append(
                    f"{years:.0f} years in store, more than {limit}: have the cells tested before they are counted on "
                    f"({self.policies.source('autologous', 'ask_after_years')})"
                )

    def _twice(self, before: Sequence[Harvest]) -> None:
        same = [_plainly(each) for each in before]
        if _plainly(self.harvest) in same:
            self.bad = True
            self._problem(
                "harvest given twice",
                "collected",
                self.harvest.collected,
                f"harvest {self.number} says the same as harvest {same.index(_plainly(self.harvest)) + 1} in everything and is not "
                "counted again; if they are two, say so in their storage",
            )
        if self.harvest.storage is not None:
            self.reasons.append(f"stored: {self.harvest.storage}")

    def _source(self) -> None:
        known = self.policies.value("autologous", "sources")
        source = self.harvest.source
        if source is not None and source not in known:
            self.open = True
            self._problem(
                "unknown source",
                "source",
                source,
                f"harvest {self.number} is from {source!r}; known are {', '.join(known)}: write one of these",
            )

    def _status(self) -> None:
        name = self.harvest.disease_status
        if name is None:
            self.open = True
            self.reasons.append("the status of the disease at harvest is not known: ask for it")
            return
        status = self.status
        if status is None:
            self.open = True
            self._problem(
                "unknown status",
                "disease_status",
                name,
                f"harvest {self.number} has status {name!r}, which the rules do not have; write it as the table of "
                "indications does, or add it to the statuses of the policies",
            )
            return
        if self.now is not None and status.after(self.now):
            self.open = True
            self._problem(
                "contradictory statuses",
                "disease_status",
                name,
                f"harvest {self.number} was made in {name!r}, which comes after the patient's status now "
                f"({self.now.name!r}); correct one of them",
            )
            return
        if status.burden in self.policies.value("autologous", "burdens"):
            self.reasons.append(f"harvested in {name!r}: the disease was {_in_words(status.burden)}")
        else:
            self.bad = True
            self.reasons.append(
                f"harvested in {name!r}: the disease was {status.burden}, the cells may carry it "
                f"({self.policies.source('autologous', 'burdens')})"
            )

    def _dose(self) -> float | None:
        given, total = self.harvest.cd34_e6_per_kg, self.harvest.cd34_e6
        for name, value in (("cd34_e6_per_kg", given), ("cd34_e6", total)):
            if value is not None and not (0 <= value < math.inf):
                self.bad = True
                self._problem(
                    "negative dose" if value < 0 else "impossible dose",
                    name,
                    value,
                    f"harvest {self.number} has {name} {value!r}; a dose is a number, 0 or more: correct it",
                )
                return None
        most = self.policies.value("autologous", "most_cd34_e6_per_kg")
        of_total = None if total is None or self.weight is None else total / self.weight
        for name, dose, value in (("cd34_e6_per_kg", given, given), ("cd34_e6", of_total, total)):
            if dose is not None and dose > most:
                self.bad = True
                self._problem(
                    "impossible dose",
                    name,
                    value,
                    f"harvest {self.number} has {name} {value!r}, {dose:.3g}e6 CD34+ cells per kg, more than {most:g}e6; the "
                    "unit is 1e6 cells: correct it",
                )
                return None
        if given is not None and total is not None and of_total is None:
            least, heaviest = self.policies.value("autologous", "weight_kg")
            if not least * given <= total <= heaviest * given:
                self.open = True
                self._problem(
                    "contradictory doses",
                    "cd34_e6_per_kg",
                    given,
                    f"harvest {self.number} has {given:g}e6 CD34+ cells per kg and {total:g}e6 in all, which is of nobody who "
                    f"weighs {least:g} to {heaviest:g} kg; find out which is right",
                )
        if given is not None and of_total is not None:
            factor = self.policies.value("autologous", "doses_differ_by")
            if max(given, of_total) > factor * min(given, of_total):
                self.open = True
                self._problem(
                    "contradictory doses",
                    "cd34_e6_per_kg",
                    given,
                    f"harvest {self.number} has {given:g}e6 CD34+ cells per kg as stated and {of_total:.2f}e6 by its total and the "
                    "patient's weight; find out which is right",
                )
        others = self.policies.value("autologous", "other_doses")
        if self.harvest.source in others:
            self.reasons.append(
                f"the rule of CD34+ cells is one of peripheral blood; of {self.harvest.source} "
                f"{others[self.harvest.source]} are asked for: ask the laboratory "
                f"({self.policies.source('autologous', 'other_doses')})"
            )
        if {given, total} <= {0, None} and (given, total) != (None, None):
            self.bad = True
            self.reasons.append("no CD34+ cells: there is nothing to be used")
            return 0.0
        if given is not None:
            self.reasons.append(f"{given:g}e6 CD34+ cells per kg, as stated")
            return given
        if total is None:
            self.open = True
            self.reasons.append("the number of CD34+ cells is not known: ask for it")
            return None
        if self.weight is None:
            self.open = True
            self._problem(
                "missing weight",
                "cd34_e6",
                total,
                f"harvest {self.number} has {total:g}e6 CD34+ cells in all and the patient's weight is not known; give the "
                "patient's weight_kg, or the dose per kg",
            )
            return None
        self.reasons.append(
            f"{total:g}e6 CD34+ cells in all for {self.weight:g} kg: {total / self.weight:.2f}e6 per kg"
        )
        return total / self.weight

    def _viability(self, dose: float | None) -> None:
        alive = self.harvest.viability
        if alive is None:
            self.reasons.append("viability is not known: ask for it")
            return
        if not 0 <= alive <= 1:
            self.open = True
            self._problem(
                "impossible viability",
                "viability",
                alive,
                f"harvest {self.number} has viability {alive!r}; it is a share from 0 to 1 (90 percent is 0.9): correct it",
            )
            return
        least = self.policies.value("autologous", "min_viability")
        words = f"{100 * alive:.0f} of 100 cells alive"
        if dose is not None:
            words += f", {dose * alive:.2f}e6 living CD34+ cells per kg if these are as the others"
        if alive < least:
            self.open = True
            words += f": below {least:g}, ask the laboratory ({self.policies.source('autologous', 'min_viability')})"
        self.reasons.append(words)


def _whole(
    patient: Patient,
    disease: str | None,
    table: str,
    indication: Indication | None,
    now: Status | None,
    age: float | None,
    answers: Sequence[HarvestAnswer],
    total: float,
    policies: Policies,
    problems: list[Problem],
) -> tuple[Answer, list[str]]:
    """Return the answer of the step and its reasons."""
    if patient.diagnosis is None:
        return "ask", ["the diagnosis is not known: ask for it, then look it up"]
    unaged = "" if age is not None else "; the table is that of adults, as no date of birth is known: give it"
    if disease is None:
        message = (
            f"the table of indications ({table}) has no disease {patient.diagnosis!r}; ask a physician, or add the disease to "
            f"the policies: nothing was guessed{unaged}"
        )
        problems.append(Problem("unknown disease", "patient", "diagnosis", patient.diagnosis, message))
        return "ask", [message]
    rows = policies.indications(disease, table)
    known = "; ".join(row.status.name for row in rows)
    if indication is None:
        if patient.disease_status is None:
            return "ask", [f"the status of {rows[0].name} is not known: ask for it; the table has {known}"]
        message = (
            f"the table of indications ({table}) has no status {patient.disease_status!r} of {rows[0].name}; it has {known}: "
            f"ask which it is{unaged}"
        )
        problems.append(Problem("unknown status", "patient", "disease_status", patient.disease_status, message))
        return "ask", [message]
    grades = policies.values["indications"]["grades"]
    if age is None and _differs(indication, policies):
        message = (
            "the patient's age is not known, and the tables of children and adults differ for this disease: give the date of "
            "birth"
        )
        problems.append(Problem("missing birth date", "patient", "birth_date", str(patient.birth_date), message))
        return "ask", [message]
    where = f"{indication.name}, {indication.status.name} ({table}{'' if age is not None else ', age not known'})"
    beside = [f"said elsewhere: {each}" for each in indication.statements]
    status = patient.disease_status
    if indication.status.name == ANY and status is not None and plain_text(status) != ANY and len(rows) > 1:
        beside.insert(
            0, f"{status!r} is none of the statuses that the table has apart ({known}): if it means one, write it so"
        )
    if indication.note:
        beside.insert(0, f"note: {indication.note}")
    if indication.transcription == "stated":
        # Graded by no source in force: whatever is said, it decides nothing.
        reason = (
            f"{where}: no table of indications that the rules have grades it; ask a physician ({indication.source})"
        )
        return "ask", [reason, *beside]
    if indication.autologous is None:
        return "ask", [
            f"{where}: the table says nothing of the patient's own cells; ask a physician ({indication.source})",
            *beside,
        ]
    grade = indication.autologous
    evidence = "" if indication.evidence is None else f", evidence {indication.evidence}"
    reasons = [
        f"{where}: the table says of the patient's own cells: {grades[grade]} ({grade}{evidence}; {indication.source})"
    ]
    answer: Answer = policies.value("autologous", "answers")[grade]
    reasons += beside
    if answer == "not indicated":
        return answer, reasons
    least = policies.value("autologous", "min_cd34_e6_per_kg")
    preferred = policies.value("autologous", "preferred_cd34_e6_per_kg")
    counted = [each for each in answers if each.answer == "counts"]
    unsure = [each for each in answers if each.answer == "ask"]
    if counted and total >= least:
        enough = "reaches" if total >= preferred else "is below"
        reasons.append(
            f"{total:.2f}e6 CD34+ cells per kg in {len(counted)} harvest(s) that count; at least {least:g}e6 are needed, "
            f"it {enough} the preferred {preferred:g}e6 ({policies.source('autologous', 'min_cd34_e6_per_kg')})"
        )
        return answer, reasons
    if counted:
        reasons.append(
            f"{total:.2f}e6 CD34+ cells per kg in {len(counted)} harvest(s) that count, fewer than the {least:g}e6 needed "
            f"({policies.source('autologous', 'min_cd34_e6_per_kg')})"
        )
    elif not answers:
        reasons.append("no cells are in store")
    else:
        reasons.append("no harvest in store counts as it is known now")
    if unsure:
        reasons.append(f"to be asked about: {', '.join(f'harvest {each.number}' for each in unsure)}")
    burden = None if now is None else now.burden
    later = "" if burden in policies.value("autologous", "burdens") else " once it is sufficiently reduced"
    known_now = "status of the disease now is not known" if burden is None else f"disease now is {_in_words(burden)}"
    reasons.append(f"the {known_now}; cells could be harvested{later}")
    return "possible", reasons
