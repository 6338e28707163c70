"""The first step of the roadmap against its oracle, and every mistake a case may hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allomatch import Phenotype
from allomatch.errors import ArgumentError
from allomatch.roadmap import Harvest, Patient, Policies
from allomatch.roadmap.autologous import AutologousAnswer, age_in_years, assess_autologous
from allomatch.roadmap.policies import Indication
from reference import autologous as oracle

TODAY = date(2026, 11, 24)
RULES = Policies.default()
GL = Phenotype("A*01:01+A*02:01")
BOY = Patient(GL, birth_date=date(2010, 4, 17), weight_kg=58, diagnosis="HL", disease_status="1st relapse, CR2")
GOOD = Harvest(date(2026, 9, 14), "peripheral blood", cd34_e6_per_kg=3.0, viability=0.95, disease_status="CR2")

# Words for the status at harvest -> burden; none of them comes after a second remission.
STATUSES = {"CR": "remission", "CR1": "remission", "VGPR": "sufficiently reduced", "PR": "sufficiently reduced",
            "at diagnosis": "active", "progressive disease": "active", "refractory": "active"}  # fmt: skip
# Every row of both tables that has a grade and belongs to a course in which the statuses above may have come before.
ROWS = [
    (table, row)
    for table, age in (("adults", 40), ("children", 10))
    for disease in RULES.values["indications"]["tables"][table]
    for row in RULES.indications(disease, table)
    if row.autologous is not None and (row.status.course is None or row.status.course >= 1)
]
KINDS = {(row.autologous, row.transcription, row.status.burden) for _, row in ROWS}


def assess(patient: Patient = BOY, *harvests: Harvest) -> AutologousAnswer:
    return assess_autologous(patient, harvests, RULES, TODAY)


@given(
    # Every kind of row as often as any other: of some there are two or three in a hundred.
    at=st.sampled_from(sorted(KINDS)).flatmap(
        lambda kind: st.sampled_from(
            [(t, row) for t, row in ROWS if (row.autologous, row.transcription, row.status.burden) == kind]
        )
    ),
    drawn=st.lists(
        st.tuples(
            st.sampled_from([None, *STATUSES]),
            st.none() | st.integers(0, 60),
            st.sampled_from([None, Fraction(1, 2), Fraction(9, 10)]),
            st.booleans(),
            st.sampled_from([1, 100, 4000]),
        ),
        max_size=4,
    ),
)
def test_the_answer_is_that_of_the_rules_in_plain_words(
    at: tuple[str, Indication], drawn: list[tuple[str | None, int | None, Fraction | None, bool, int]]
) -> None:
    table, row = at
    years = 40 if table == "adults" else 12
    patient = Patient(
        GL, date(TODAY.year - years, 1, 1), weight_kg=50, diagnosis=row.disease, disease_status=row.status.name
    )
    harvests, cells, courses = [], [], []
    for number, (status, tenths, alive, in_all, days) in enumerate(drawn):
        dose = None if tenths is None else Fraction(tenths, 8)  # eighths: exact in floating point too
        given_dose = None if dose is None else float(dose)
        stored = Harvest(
            TODAY - timedelta(days + number),  # no two on one day
            "bone marrow",
            cd34_e6_per_kg=None if in_all else given_dose,
            cd34_e6=given_dose * 50 if in_all and given_dose is not None else None,
            viability=None if alive is None else float(alive),
            disease_status=status,
        )
        doubtful = days == 4000 or alive == Fraction(1, 2)
        known = None if status is None else RULES.status(status, row.disease, table)
        assert (known is None) == (status is None)
        late = known is not None and None not in (known.course, row.status.course) and known.course > row.status.course  # type: ignore[operator]
        harvests.append(stored)
        burden = None if known is None or late else known.burden
        cells.append(oracle.Cells(burden, dose, doubtful))
        courses.append((stored.collected, None if known is None else known.course, late))
    # A later course before an earlier one: both are doubtful, unless the first is wrong by itself.
    for (a, (day, course, late)), (b, (later, other, _)) in permutations(enumerate(courses), 2):
        if day < later and course is not None and other is not None and course > other and not late:
            cells[a], cells[b] = replace(cells[a], doubtful=True), replace(cells[b], doubtful=True)
    found = assess_autologous(patient, harvests, RULES, TODAY)
    assert found.indication == row
    assert [each.answer for each in found.harvests] == [oracle.verdict(each) for each in cells]
    expected = oracle.answer(str(row.autologous), row.transcription, cells)
    assert found.answer == expected
    assert found.cd34_e6_per_kg == float(oracle.dose_that_counts(cells))
    assert found.reasons
    assert found.policy_version == RULES.version


def test_doses_of_harvests_that_count_are_added() -> None:
    one = replace(GOOD, cd34_e6_per_kg=1.25)
    assert assess(BOY, one).answer == "possible"
    two = assess(BOY, one, replace(one, collected=date(2026, 9, 15)))
    assert (two.answer, two.cd34_e6_per_kg) == ("eligible", 2.5)
    assert "below the preferred 5e6" in " ".join(two.reasons)
    assert "reaches the preferred" in " ".join(assess(BOY, replace(GOOD, cd34_e6_per_kg=5.0)).reasons)


def test_exactly_the_least_dose_is_enough() -> None:
    assert assess(BOY, replace(GOOD, cd34_e6_per_kg=2.0)).answer == "eligible"
    assert assess(BOY, replace(GOOD, cd34_e6_per_kg=1.999)).answer == "possible"


def test_a_total_is_divided_by_the_weight() -> None:
    found = assess(replace(BOY, weight_kg=50.0), replace(GOOD, cd34_e6_per_kg=None, cd34_e6=125.0))
    assert found.harvests[0].cd34_e6_per_kg == 2.5


BAD: dict[str, tuple[dict[str, Any], dict[str, Any], str, str, str]] = {
    # what is changed of the patient, of the harvest; code, field, verdict of the harvest
    "negative dose": ({}, {"cd34_e6_per_kg": -1.0}, "negative dose", "cd34_e6_per_kg", "cannot be used"),
    "negative total": ({}, {"cd34_e6_per_kg": None, "cd34_e6": -5.0}, "negative dose", "cd34_e6", "cannot be used"),
    "no number": ({}, {"cd34_e6_per_kg": float("nan")}, "impossible dose", "cd34_e6_per_kg", "cannot be used"),
    "future": ({}, {"collected": date(2027, 1, 1)}, "harvest in the future", "collected", "cannot be used"),
    "before birth": ({}, {"collected": date(2009, 1, 1)}, "harvest before birth", "collected", "cannot be used"),
    "missing weight": ({"weight_kg": None}, {"cd34_e6_per_kg": None, "cd34_e6": 300.0}, "missing weight", "cd34_e6", "ask"),
    "no weight": ({"weight_kg": 0.0}, {}, "impossible weight", "weight_kg", "counts"),
    "percent": ({}, {"viability": 95.0}, "impossible viability", "viability", "ask"),
    "source": ({}, {"source": "skin"}, "unknown source", "source", "ask"),
    "status at harvest": ({}, {"disease_status": "fine"}, "unknown status", "disease_status", "ask"),
    "later than now": ({}, {"disease_status": "CR3"}, "contradictory statuses", "disease_status", "ask"),
    "disease": ({"diagnosis": "flu"}, {}, "unknown disease", "diagnosis", "counts"),
    "status now": ({"disease_status": "better"}, {}, "unknown status", "disease_status", "counts"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_is_named_and_the_rest_is_judged(name: str) -> None:
    of_patient, of_harvest, code, field, verdict = BAD[name]
    patient = replace(BOY, **of_patient)
    found = assess(patient, replace(GOOD, **of_harvest), replace(GOOD, collected=date(2026, 9, 15)))
    (problem,) = [each for each in found.problems if each.code == code]
    assert problem.field == field
    assert problem.message
    assert found.harvests[0].answer == verdict
    assert found.harvests[1].answer == "counts"
    assert found.cd34_e6_per_kg >= 3.0
    expected = "ask" if field in of_patient and field != "weight_kg" else "eligible"
    assert found.answer == expected


def test_two_statuses_on_one_day_contradict_each_other() -> None:
    found = assess(BOY, GOOD, replace(GOOD, disease_status="refractory"))
    assert [(each.code, each.where) for each in found.problems] == [
        ("contradictory statuses", "harvest 1"),
        ("contradictory statuses", "harvest 2"),
    ]
    # Nobody can say which is right, so the order of the list says nothing; the refractory one is of no use in any case.
    assert [each.answer for each in found.harvests] == ["ask", "cannot be used"]
    first = assess(BOY, GOOD, replace(GOOD, disease_status="CR1"))
    assert [each.answer for each in first.harvests] == ["ask", "ask"]
    turned = assess(BOY, replace(GOOD, disease_status="refractory"), GOOD)
    assert [each.answer for each in turned.harvests] == ["cannot be used", "ask"]
    assert found.answer == turned.answer == "possible"


@pytest.mark.parametrize(("one", "other"), [("CR2", "cr2"), ("CR", "CR2"), ("PR", "VGPR"), ("better", "Better ")])
def test_words_for_one_status_do_not_contradict_each_other(one: str, other: str) -> None:
    found = assess(BOY, replace(GOOD, disease_status=one), replace(GOOD, disease_status=other, cd34_e6_per_kg=2.5))
    assert "contradictory statuses" not in {each.code for each in found.problems}


def test_statuses_in_the_wrong_order_contradict_each_other() -> None:
    first = replace(GOOD, collected=date(2025, 9, 14), disease_status="CR2")
    second = replace(GOOD, disease_status="CR1")
    for harvests in ((first, second), (second, first)):
        found = assess(BOY, *harvests)
        assert [each.code for each in found.problems] == ["contradictory statuses"] * 2
        assert [each.answer for each in found.harvests] == ["ask", "ask"]
    assert assess(BOY, replace(first, disease_status="CR1"), replace(second, disease_status="CR2")).problems == ()
    # A day that cannot be says nothing of the order.
    future = assess(
        BOY, replace(first, collected=date(2027, 1, 1), disease_status="CR1"), replace(second, disease_status="CR2")
    )
    assert [each.code for each in future.problems] == ["harvest in the future"]


@pytest.mark.parametrize(
    ("diagnosis", "now", "then", "contradictory"),
    [
        ("HL", "CR1", "relapse", True),
        ("HL", "Chemosensitive relapse, no prior auto-HCT", "CR3", False),
        ("LBCL", "Chemosensitive late relapse, >=CR2", "CR3", False),
        ("MM", "Upfront", "CR2", True),
        ("germ cell tumours", "First line", "CR1", False),
    ],
)
def test_courses(diagnosis: str, now: str, then: str, contradictory: bool) -> None:
    """A relapse comes after the first remission, and at least the second one may be the third."""
    patient = replace(BOY, birth_date=date(1980, 1, 1), diagnosis=diagnosis, disease_status=now)
    found = {each.code for each in assess(patient, replace(GOOD, disease_status=then)).problems}
    assert ("contradictory statuses" in found) == contradictory


def test_a_relapse_may_follow_any_remission() -> None:
    patient = replace(
        BOY, birth_date=date(1980, 1, 1), diagnosis="LBCL", disease_status="Chemosensitive late relapse, >=CR2"
    )
    third = replace(GOOD, collected=date(2020, 1, 1), disease_status="CR3")
    found = assess(patient, third, replace(GOOD, disease_status="chemosensitive relapse"))
    assert found.problems == ()
    assert (found.answer, found.cd34_e6_per_kg) == ("eligible", 6.0)
    wrong = assess(patient, third, replace(GOOD, disease_status="CR1"))
    assert [each.code for each in wrong.problems] == ["contradictory statuses"] * 2


def test_a_row_for_any_status_is_for_every_one() -> None:
    autoimmune = replace(BOY, diagnosis="AD")
    for status in (None, "any", "active for years"):
        found = assess(replace(autoimmune, disease_status=status), replace(GOOD, disease_status="relapse"))
        assert found.answer == "possible", status
        assert found.problems == ()
        assert found.harvests[0].answer == "counts"  # no cells carry it, whatever the word
    # Where other rows are apart it is said that the status is none of them; without a status nobody can say which.
    lupus = replace(BOY, birth_date=date(1980, 1, 1), diagnosis="SLE", disease_status="quiet")
    assert any("'quiet' is none of the statuses that the table has apart" in each for each in assess(lupus).reasons)
    tumours = replace(BOY, diagnosis="germ cell tumours", disease_status="CR2")
    assert assess(tumours).answer == "possible"
    assert assess(replace(tumours, disease_status=None)).answer == "ask"
    # Such a row says nothing of the disease now; the status may.
    tumour = replace(BOY, diagnosis="brain tumours")
    later = "the status of the disease now is not known; cells could be harvested once it is sufficiently reduced"
    for status in (None, "any", "who knows"):
        assert later in assess(replace(tumour, disease_status=status)).reasons, status
    now = assess(replace(tumour, disease_status="CR1"))
    assert "the disease now is in remission; cells could be harvested" in now.reasons
    assert any("contradictory" in each.code for each in assess(replace(tumour, disease_status="CR1"), GOOD).problems)


def test_the_same_harvest_in_other_letters_is_the_same() -> None:
    found = assess(BOY, GOOD, replace(GOOD, disease_status=" cr2"))
    assert [each.code for each in found.problems] == ["harvest given twice"]


def test_no_cells_are_no_harvest_that_counts() -> None:
    for none in (replace(GOOD, cd34_e6_per_kg=0.0), replace(GOOD, cd34_e6_per_kg=None, cd34_e6=0)):
        assert assess(BOY, none).harvests[0].answer == "cannot be used"
    for weight in (None, 58):
        for dose, total in ((0, 174.0), (3.0, 0)):
            found = assess(replace(BOY, weight_kg=weight), replace(GOOD, cd34_e6_per_kg=dose, cd34_e6=total))
            assert [each.code for each in found.problems] == ["contradictory doses"]
            assert found.harvests[0].answer == "ask"


@pytest.mark.parametrize(("total", "fits"), [(174.0, True), (3.0, True), (1.0, False), (3000.0, False)])
def test_a_dose_and_a_total_imply_a_weight(total: float, fits: bool) -> None:
    found = assess(replace(BOY, weight_kg=None), replace(GOOD, cd34_e6=total))
    assert [each.code for each in found.problems] == ([] if fits else ["contradictory doses"])


def test_numbers_of_other_kinds_are_numbers() -> None:
    found = assess(
        replace(BOY, weight_kg=np.float32(58)), replace(GOOD, cd34_e6_per_kg=Fraction(7, 2), viability=np.float64(0.9))
    )
    assert found.cd34_e6_per_kg == 3.5
    assert all(type(each) in (float, int) for each in (GOOD.viability, found.cd34_e6_per_kg))
    for one, name in ((BOY, "weight_kg"), (GOOD, "cd34_e6"), (GOOD, "viability")):
        made = replace(one, **{name: np.int64(1)})
        assert type(getattr(made, name)) is int
        with pytest.raises(ArgumentError, match=rf"{type(one).__name__}\.{name} is beyond 1e308"):
            replace(one, **{name: 10**400})


@pytest.mark.parametrize(
    ("patient", "word"), [({"diagnosis": None}, "diagnosis"), ({"disease_status": None}, "status")]
)
def test_what_is_not_known_is_asked(patient: dict[str, None], word: str) -> None:
    found = assess(replace(BOY, **patient), GOOD)
    assert found.answer == "ask"
    assert word in found.reasons[0]


def test_without_an_age_nobody_is_judged_by_the_table_of_adults_alone() -> None:
    for born in (None, date(1850, 1, 1), date(2030, 1, 1)):
        patient = Patient(GL, born, diagnosis="AML", disease_status="CR2")
        found = assess(patient, GOOD)
        assert found.answer == "ask", born
        assert "missing birth date" in {each.code for each in found.problems}
    assert assess(replace(patient, birth_date=date(1980, 1, 1)), GOOD).answer == "possible"
    # A disease of which only one table knows needs no age; a status that only children's has is told with it.
    assert (
        assess(Patient(GL, diagnosis="MM", disease_status="Upfront"), replace(GOOD, disease_status="PR")).answer
        == "eligible"
    )
    child = assess(Patient(GL, diagnosis="HL", disease_status="1st relapse, CR2"), GOOD)
    assert (child.answer, "no date of birth is known" in child.reasons[0]) == ("ask", True)


def test_without_cells_the_answer_says_so() -> None:
    assert assess(BOY).answer == "possible"
    assert "no cells are in store" in assess(BOY).reasons


def test_cells_may_be_harvested_once_active_disease_is_reduced() -> None:
    """Active disease is no reason against own cells where the table grades them for it; what is in store may not count."""
    adult = replace(BOY, birth_date=date(1980, 1, 1), diagnosis="HL", disease_status="Refractory")
    for harvests in ((), (replace(GOOD, disease_status="refractory"),)):
        found = assess(adult, *harvests)
        assert found.answer == "possible"
        assert "the disease now is active; cells could be harvested once it is sufficiently reduced" in found.reasons


def test_a_grade_of_an_older_source_says_that_a_newer_one_was_not_read() -> None:
    adult = replace(BOY, birth_date=date(1980, 1, 1), disease_status="Chemosensitive relapse, no prior auto-HCT")
    found = assess(adult, GOOD)
    assert found.answer == "eligible"
    assert "standard of care (S, evidence I; The EBMT Handbook" in found.reasons[0]
    assert any("the report of 2025 is newer" in each for each in found.reasons)


@pytest.mark.parametrize(
    ("born", "diagnosis", "status"),
    [(date(1980, 1, 1), "MS", "Active relapsing, failing disease-modifying therapy"), (BOY.birth_date, "AD", "any")],
)
def test_cells_of_autoimmune_disease_may_be_harvested_while_it_is_active(
    born: date, diagnosis: str, status: str
) -> None:
    patient = replace(BOY, birth_date=born, diagnosis=diagnosis, disease_status=status)
    assert assess(patient).answer == "possible"
    assert "the disease now is not in the cells; cells could be harvested" in assess(patient).reasons
    found = assess(patient, replace(GOOD, disease_status=status))
    assert found.harvests[0].answer == "counts"
    assert found.answer == {"MS": "eligible", "AD": "possible"}[diagnosis]


def test_a_child_with_ewings_sarcoma_is_told_by_the_newest_report() -> None:
    child = replace(BOY, diagnosis="Ewing's sarcoma", disease_status="High risk or >CR1")
    found = assess(child, replace(GOOD, disease_status="VGPR"))
    assert (found.answer, found.cd34_e6_per_kg) == ("possible", 3.0)
    said = " ".join(found.reasons)
    assert "clinical option (CO; Greco" in said
    assert "2022 had S/II" in said


@pytest.mark.parametrize(
    ("diagnosis", "status", "words"),
    [
        ("MS", "any", "MS D/III GNR/III CO/II"),
        ("SSc", "any", "Second-line option"),
        ("MCL", "CR1", "should be questioned in low-risk patients"),
        ("POEMS", "Disseminated disease", "after suitable induction therapy"),
        ("Ewing sarcoma", "any", "potential clinical option in selected adult"),
        ("FL", "First chemosensitive relapse", "Montoto"),
        ("WM", "First response", "not an appropriate treatment option"),
        ("PTCL", "Refractory", "not recommended"),
        ("MM", "Relapse, no autologous transplantation before", "should be considered standard"),
    ],
)
def test_what_no_table_in_force_says_is_asked_about(diagnosis: str, status: str, words: str) -> None:
    adult = replace(BOY, birth_date=date(1980, 1, 1), diagnosis=diagnosis, disease_status=status)
    found = assess(adult, replace(GOOD, disease_status="CR1"))
    assert (found.answer, found.problems) == ("ask", ())
    assert any(words in each for each in found.reasons)
    assert "no table of indications" in found.reasons[0]


@pytest.mark.parametrize(
    ("source", "words"),
    [("peripheral blood", None), ("bone marrow", "2e8 nucleated"), ("cord blood", "1.5e7 nucleated")],
)
def test_marrow_and_cord_blood_have_doses_of_their_own(source: str, words: str | None) -> None:
    found = assess(BOY, replace(GOOD, source=source))
    said = " ".join(found.harvests[0].reasons)
    assert (words or "German") in said or words is None
    assert ("German Medical Association" in said) == (words is not None)
    assert found.answer == "eligible"  # SEMANTICS section 6 asks of the CD34+ dose alone


def test_rules_can_be_replaced() -> None:
    change = {"autologous": {"min_cd34_e6_per_kg": {"value": 4.0, "source": "ours"}}}
    stricter = RULES.replaced(change, version="centre 1")
    found = assess_autologous(BOY, [GOOD], stricter, TODAY)
    assert (found.answer, found.policy_version) == ("possible", "centre 1")


@pytest.mark.parametrize(
    ("born", "age"),
    [(date(2010, 11, 24), 16.0), (date(2010, 11, 25), 15.0), (date(2026, 11, 25), None), (None, None)],
)
def test_ages(born: date | None, age: float | None) -> None:
    assert age_in_years(born, TODAY, 120) == age
