"""The plan as a whole: where the road ends, what is listed as wrong, and its shape as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allomatch as am
from allomatch import demo
from allomatch.cli_roadmap import demo_frequencies
from allomatch.errors import FileMissingError
from allomatch.roadmap import Harvest, Patient, Plan, Policies, RegistrySource, Relative, Roadmap
from allomatch.roadmap import case_file as files
from allomatch.roadmap.family_answer import DEFAULT_FAMILY_POLICY
from allomatch.roadmap.family_step import family_policy

FOLDER = Path(files.__file__).parent
PLAN_SCHEMA = json.loads((FOLDER / "plan.schema.json").read_text())
CASE_SCHEMA = json.loads((FOLDER / "case.schema.json").read_text())
NAMES = am.Nomenclature.two_field()
TODAY = date(2026, 11, 24)
A = ["A*01:01", "C*07:01", "B*08:01", "DRB1*03:01", "DQB1*02:01"]
B = ["A*03:01", "C*07:02", "B*07:02", "DRB1*15:01", "DQB1*06:02"]
C = ["A*02:01", "C*05:01", "B*44:02", "DRB1*04:01", "DQB1*03:01"]
D = ["A*24:02", "C*04:01", "B*35:01", "DRB1*01:01", "DQB1*05:01"]
E = ["A*29:02", "C*16:01", "B*44:03", "DRB1*07:01", "DQB1*02:02"]


def typed(one: list[str], other: list[str]) -> am.Phenotype:
    return am.Phenotype("^".join(f"{x}+{y}" for x, y in zip(one, other, strict=True)))


PATIENT = Patient(
    typed(A, C), birth_date=date(1991, 6, 2), sex="F", diagnosis="AML", disease_status="CR1 (adverse risk)"
)


def checked(plan: Plan) -> dict[str, Any]:
    """The plan as JSON, after a round through text, in the shape that it promises."""
    values: dict[str, Any] = json.loads(json.dumps(plan.to_dict(), allow_nan=False))
    jsonschema.Draft202012Validator(PLAN_SCHEMA).validate(values)
    return values


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> am.Registry:
    batches = list(demo.draw_donors(demo.load_haplotypes(), 30_000, seed=7))
    path = tmp_path_factory.mktemp("demo") / "demo.allo"
    return am.Registry.build(path, pa.Table.from_batches(batches), nomenclature=NAMES)[0]


def planned(name: str, registry: am.Registry | None = None) -> Plan:
    case = files.read_case(files.example_path(name))
    sources = [] if registry is None else [RegistrySource("demo", registry, domestic_ions=case.home_ions)]
    return Roadmap(
        case.patient,
        harvests=case.harvests,
        family=case.family,
        registries=sources,
        nomenclature=NAMES,
        frequencies=None if registry is None else demo_frequencies(demo.load_haplotypes()),
        today=case.today,
        problems=case.problems,
    ).plan()


def test_schemas_are_schemas() -> None:
    for schema in (PLAN_SCHEMA, CASE_SCHEMA):
        jsonschema.Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("name", files.EXAMPLES)
def test_the_examples_are_cases(name: str) -> None:
    values = json.loads(files.example_path(name).read_text())
    jsonschema.Draft202012Validator(CASE_SCHEMA).validate(values)
    assert values["about"].startswith("Made up.")
    assert files.read_case(files.example_path(name)).problems == ()


def test_the_lymphoma_ends_with_the_patients_own_cells() -> None:
    plan = planned("lymphoma")
    checked(plan)
    assert [step.answer for step in plan.steps] == ["eligible", "type relatives", "not asked"]
    assert (plan.recommended.step, plan.recommended.options) == ("autologous", ("harvest 1", "harvest 2"))
    assert plan.problems == ()
    # One untyped sister, an untyped mother: 1/4, less what recombination takes.
    assert plan["autologous"].chance_next == pytest.approx(0.25, abs=0.02)


def test_the_leukaemia_ends_in_the_family() -> None:
    plan = planned("leukaemia")
    values = checked(plan)
    assert [step.answer for step in plan.steps] == ["not indicated", "identical donor", "not asked"]
    assert (plan.recommended.step, plan.recommended.options) == ("family", ("sister-1",))
    members = {each["id"]: each for each in values["steps"][1]["detail"]["members"]}
    assert members["sister-1"]["category"] == "identical"
    assert members["brother-1"]["category"] == members["mother"]["category"] == "haploidentical"
    assert members["aunt-1"]["category"] is None
    assert "(father)" in members  # drawn, and nobody to be asked:
    assert {option.id for option in plan["family"].options} == {
        "mother",
        "sister-1",
        "brother-1",
        "brother-2",
        "aunt-1",
    }


def test_grades_of_donors_say_whose_they_are() -> None:
    for diagnosis, status, words in (
        ("AML", "CR2", "the table of indications grades: MSD S/II, MMAD S/II (Greco"),
        ("CLL", "Richter transformation", "the table of indications grades: MSD S/II, MMAD S/II (Snowden"),
        (
            "HL",
            "Sensitive relapse, no previous auto-HCT",
            "the table of indications grades: MSD D/III, MMAD GNR/III (The EBMT",
        ),
        ("MS", "any", "a table of indications not in force graded: MSD D/III (EBMT"),
    ):
        plan = Roadmap(replace(PATIENT, diagnosis=diagnosis, disease_status=status), today=TODAY).plan()
        assert any(each.startswith(words) for each in plan["family"].reasons)
        checked(plan)
    bare = Roadmap(replace(PATIENT, diagnosis="SLE", disease_status="any"), today=TODAY).plan()
    assert not any("graded" in each or "grades" in each for each in bare["family"].reasons)


def test_a_twin_is_outside_the_tables_of_indications() -> None:
    twin = Roadmap(PATIENT, family=[Relative("identical twin", id="twin-1")], today=TODAY).plan()
    sister = Roadmap(PATIENT, family=[Relative("sister", id="sister-1")], today=TODAY).plan()
    for name in ("autologous", "family"):
        assert any("twin-1 is an identical twin, a syngeneic donor" in each for each in twin[name].reasons)
        assert not any("syngeneic" in each for each in sister[name].reasons)


def test_the_patient_without_family_ends_in_the_registries(registry: am.Registry) -> None:
    plan = planned("mixed", registry)
    values = checked(plan)
    assert [step.answer for step in plan.steps[:2]] == ["not indicated", "no family"]
    assert plan["registries"].answer in ("probable donors", "possible donors")
    assert plan.recommended.step == "registries"
    assert plan.recommended.options
    chance = plan["family"].chance_next
    assert chance is not None
    assert 0 < chance < 1
    # Beside the figure, not only where the donors are: no set stands for one side.
    assert "no frequencies are labelled for Moroccan" in plan["family"].next_reason
    said = " ".join(plan["registries"].reasons)
    assert "no frequencies are labelled for Moroccan" in said
    assert "CAU stand for the patient's Belgian side" in said
    searches = values["steps"][2]["detail"]["searches"]
    assert [(each["place"], each["kind"]) for each in searches[:2]] == [("home", "adults"), ("world", "adults")]
    assert any(each["p_match"] is not None for search in searches for each in search["best"])
    words = plan.explain()
    assert "demo, home, adults 10/10: donors that may match at" in words
    assert "demo, world, cord 6/6: " in words
    assert all(each["reason"] in words for each in values["steps"][2]["detail"]["requests"])
    # Whole matches come before others, adults before units.
    kinds = ["cord" in option.what for option in plan["registries"].options]
    assert kinds == sorted(kinds)


def test_the_plan_says_what_it_is() -> None:
    plan = planned("leukaemia")
    for text in (plan.explain(), plan.to_html(), plan._repr_html_(), json.dumps(plan.to_dict())):
        assert "supports professionals and decides nothing" in text
        assert plan.policy_version in text


def test_rules_about_families_are_those_of_the_family_step() -> None:
    assert family_policy(Policies.default()) == DEFAULT_FAMILY_POLICY
    own = Policies.default().replaced({"family": {"version": "x", "child_min_parent_age": 14.0}}, version="y")
    assert family_policy(own).child_min_parent_age == 14.0
    with pytest.raises(am.ArgumentError, match="luck"):
        Policies.default().replaced({"family": {"luck": 1}}, version="y")


def test_without_a_donor_a_haploidentical_relative_is_to_be_discussed() -> None:
    mother = Relative("mother", typed(A, B), id="mother", available=True, birth_date=date(1963, 1, 1))
    plan = Roadmap(PATIENT, family=[mother], nomenclature=NAMES, today=TODAY).plan()
    checked(plan)
    assert plan["family"].answer == "haploidentical donor"
    assert (plan.recommended.step, plan.recommended.options) == ("family", ("mother",))
    nobody = Roadmap(PATIENT, nomenclature=NAMES, today=TODAY).plan()
    assert nobody.recommended.step is None
    checked(nobody)


def test_where_the_road_ends_can_be_changed() -> None:
    mother = Relative("mother", typed(A, B), id="mother", available=True)
    own = Policies.default().replaced(
        {"recommend": {"family": {"value": ["haploidentical donor"], "source": "ours"}}}, version="haplo first"
    )
    plan = Roadmap(PATIENT, family=[mother], nomenclature=NAMES, policies=own, today=TODAY).plan()
    assert (plan.recommended.step, plan.policy_version) == ("family", "haplo first")
    assert "ours" in plan.recommended.reason


def test_possible_own_cells_are_discussed_where_nothing_else_is() -> None:
    lymphoma = replace(PATIENT, diagnosis="HL", disease_status="Refractory disease")
    plan = Roadmap(lymphoma, nomenclature=NAMES, today=TODAY).plan()
    assert plan["autologous"].answer == "possible"
    assert (plan.recommended.step, plan.recommended.options) == ("autologous", ())
    assert "to be discussed" in plan.recommended.reason
    checked(plan)


def test_a_relative_who_cannot_donate_is_not_recommended() -> None:
    sister = Relative("sister", typed(A, C), id="sister-1", available=True, medical_reasons_against=("hepatitis B",))
    plan = Roadmap(PATIENT, family=[sister], nomenclature=NAMES, today=TODAY).plan()
    assert plan["family"].answer != "identical donor"
    assert plan.recommended.step != "family"
    assert "hepatitis B" in plan.to_html()


def test_a_relative_who_looks_identical_at_few_loci_is_to_be_typed_further() -> None:
    few = am.Phenotype("A*01:01+A*02:01^B*08:01+B*44:02")
    sister = Relative("sister", few, id="sister-1", available=True)
    plan = Roadmap(
        PATIENT, family=[sister], nomenclature=NAMES, frequencies=demo_frequencies(demo.load_haplotypes()), today=TODAY
    ).plan()
    checked(plan)
    (member,) = (each for each in plan["family"].detail.members if each.id == "sister-1")
    assert member.category == "identical"
    assert member.p_identical + member.p_identical_by_chance < 0.95
    assert plan["family"].answer == "type relatives"
    assert any(reason.startswith("sister-1 is HLA-identical with probability") for reason in plan["family"].reasons)
    assert (plan.recommended.step, plan.recommended.options) == ("family", ("sister-1",))
    bolder = Policies.default().replaced(
        {"recommend": {"least_identical_probability": {"value": 0.5, "source": "ours"}}}, version="bold"
    )
    plan = Roadmap(
        PATIENT,
        family=[sister],
        nomenclature=NAMES,
        frequencies=demo_frequencies(demo.load_haplotypes()),
        policies=bolder,
        today=TODAY,
    ).plan()
    assert plan["family"].answer == "identical donor"


def planned_family(*family: Relative, phenotype: am.Phenotype = PATIENT.phenotype, **options: Any) -> Plan:
    one = Roadmap(
        replace(PATIENT, phenotype=phenotype), family=family, nomenclature=NAMES, today=TODAY, **options
    ).plan()
    checked(one)
    return one


def test_nobody_who_mismatches_as_typed_is_an_identical_donor() -> None:
    """By descent identical, at one locus typed as nobody in the family can be: a sample to be checked, no donor yet."""
    parents = Relative("mother", typed(C, D), id="m"), Relative("father", typed(A, B), id="f")
    brother = Relative("brother", typed(["A*33:01", *A[1:]], C), id="b", available=True)
    plan = planned_family(*parents, brother)
    assert [each.code for each in plan.problems] == ["Mendelian error"]
    assert plan["family"].answer == "type relatives"
    assert plan.recommended.options == ("b",)
    assert any("b is HLA-identical by descent and mismatched as typed" in each for each in plan["family"].reasons)
    # A null allele that is only possible does not count, so that who has it mismatches with who may have it.
    null = ["A*24:09N", *C[1:]]
    may = am.Phenotype(typed(A, null).gl.replace("A*24:09N", "A*24:XX"))
    plan = planned_family(Relative("brother", may, id="b", available=True), phenotype=typed(A, null))
    assert (plan["family"].answer, plan.recommended.options) == ("type relatives", ("b",))


def test_who_shares_nothing_at_a_locus_as_typed_is_no_haploidentical_donor_yet() -> None:
    """A mother whose DRB1 is that of nobody in the family: by descent she shares a haplotype, by her typing she does not."""
    mother = Relative(
        "mother", typed([*C[:3], "DRB1*11:01", C[4]], [*D[:3], "DRB1*13:01", D[4]]), id="m", available=True
    )
    plan = planned_family(mother)
    assert [each.code for each in plan.problems] == ["Mendelian error"]
    assert (plan["family"].answer, plan.recommended.options) == ("type relatives", ("m",))
    assert "m is haploidentical by descent and not as typed: check the sample, type again" in plan["family"].reasons
    with_father = planned_family(mother, Relative("father", typed(A, B), id="f", available=True))
    assert (with_father["family"].answer, with_father.recommended.options) == ("haploidentical donor", ("f",))


def test_who_may_still_be_identical_is_typed_before_a_haploidentical_relative_is_taken() -> None:
    """A sister of whom one locus is open, and more likely haploidentical than identical."""
    sister = Relative("sister", typed(A, C), id="s", available=True)
    for locus in ("C", "B"):
        open_ = am.Phenotype("^".join(each for each in typed(A, C).gl.split("^") if not each.startswith(f"{locus}*")))
        father = Relative("father", typed(C, C), id="f", available=True)
        plan = planned_family(father, replace(sister, phenotype=open_))
        (member,) = (each for each in plan["family"].detail.members if each.id == "s")
        assert (member.category, member.match.mismatches) == ("haploidentical", 0)
        assert member.p_identical + member.p_identical_by_chance == pytest.approx(0.5, abs=0.001)
        assert (plan["family"].answer, plan.recommended.options) == ("type relatives", ("s",))
        assert any("s may still be HLA-identical (probability" in each for each in plan["family"].reasons)


def test_who_is_next_to_never_identical_is_not_typed_before_a_haploidentical_donor() -> None:
    """An untyped mother is identical by chance alone."""
    half = Relative("maternal half-sister", typed(C, D), id="h", available=True)
    plan = planned_family(half, Relative("mother", id="m"))
    (member,) = (each for each in plan["family"].detail.members if each.id == "m")
    assert 0 < member.p_identical_by_chance < 0.01
    assert (plan["family"].answer, plan.recommended.options) == ("haploidentical donor", ("h",))
    bolder = {"recommend": {"least_probability_to_type": {"value": 0, "source": "ours"}}}
    eager = planned_family(half, Relative("mother", id="m"), policies=Policies.default().replaced(bolder, version="b"))
    assert eager["family"].answer == "type relatives"


def test_the_surely_identical_lead() -> None:
    few = Relative("sister", am.Phenotype("A*01:01+A*02:01"), id="few", available=True)
    plan = planned_family(few, Relative("brother", typed(A, C), id="sure", available=True))
    assert (plan["family"].answer, plan.recommended.options) == ("identical donor", ("sure",))
    assert plan["family"].options[0].id == "sure"


def test_typings_too_much_for_the_sum_are_no_untyped_people() -> None:
    """Of cousins typed at high resolution with two mismatches at a locus nothing is open: nobody is to type them again."""
    cousins = [
        Relative("maternal cousin", typed(*each), id=f"c{number}")
        for number, each in enumerate([(B, D), (D, E), (B, E), (E, D)])
    ]
    half = [
        Relative("paternal cousin", typed(*each), id=f"h{n}")
        for n, each in enumerate([(A, D), (E, D), ([C[0], *A[1:]], E)])
    ]
    small = Policies.default().replaced({"family": {"most_steps": 3000}}, version="small")
    found = planned_family(*half, policies=small)["family"].detail
    assert "family too large" in {each.code for each in found.problems}
    assert found.type_first == ()  # nothing is left to be typed
    plan = planned_family(*cousins, policies=small)
    assert "family too large" in {each.code for each in plan.problems}
    assert {each.category for each in plan["family"].detail.members if each.id.startswith("c")} == {"other"}
    assert plan["family"].detail.p_any_haploidentical == 0
    assert (plan["family"].answer, plan.recommended.step) == ("no donor", None)
    assert not any("untyped" in each.answer for each in plan["family"].options)


def test_a_typed_twin_is_the_patients_typing() -> None:
    family = Relative("identical twin", PATIENT.phenotype, id="t"), Relative("sister", typed(A, C), id="s")
    plan = planned_family(*family, Relative("brother", typed(B, D), id="b"), phenotype=am.Phenotype(""))
    found = {each.id: each.category for each in plan["family"].detail.members}
    assert (found["s"], found["b"]) == ("identical", "other")
    assert plan["family"].detail.type_first == ()


def test_a_phase_that_is_not_settled_is_said() -> None:
    plan = planned_family(Relative("sister", id="s"))
    assert any("not settled (probability 0.0625)" in each for each in plan["family"].reasons)
    assert "has the probability 0.062" in plan.to_html()
    parents = [Relative("mother", typed(C, D), id="m"), Relative("father", typed(A, B), id="f")]
    assert not any("not settled" in each for each in planned_family(*parents)["family"].reasons)


def test_the_order_of_what_is_discussed_is_a_rule() -> None:
    half = Relative("mother", typed(C, D), id="m", available=True)
    lymphoma = replace(PATIENT, diagnosis="HL", disease_status="Refractory disease")
    plan = Roadmap(lymphoma, family=[half], nomenclature=NAMES, today=TODAY).plan()
    assert plan.recommended.step == "family"
    own = {"recommend": {"discuss": {"value": ["possible", "haploidentical donor"], "source": "ours"}}}
    rules = Policies.default().replaced(own, version="own first")
    assert (
        Roadmap(lymphoma, family=[half], nomenclature=NAMES, policies=rules, today=TODAY).plan().recommended.step
        == "autologous"
    )


@pytest.mark.parametrize(
    ("loci", "compared", "said"),
    [
        (("A", "B", "C", "DRB1", "DQB1"), 5, None),
        (("A", "B", "C", "DRB1"), 4, "DQB1: relatives are compared at 8/8"),
        (("A", "B", "DRB1"), 5, "C, DQB1: there relatives count by descent alone"),
    ],
)  # fmt: skip
def test_relatives_are_compared_where_the_patient_is_typed(
    loci: tuple[str, ...], compared: int, said: str | None
) -> None:
    """At a locus at which the patient is not typed nobody looks the same: a father with the patient's alleles would be half."""
    few = am.Phenotype("^".join(PATIENT.phenotype[locus] for locus in loci))
    father = Relative("father", PATIENT.phenotype, id="f", available=True)
    step = Roadmap(replace(PATIENT, phenotype=few), family=[father], nomenclature=NAMES, today=TODAY).plan()["family"]
    assert len(step.detail.loci) == compared
    reasons = [each for each in step.reasons if "patient is not typed" in each]
    assert reasons == ([] if said is None else [f"the patient is not typed at {said}; type the patient there too"])
    # Of few loci looking the same says too little.
    assert step.answer == ("identical donor" if len(loci) == compared else "haploidentical donor")


def test_words_for_ethnicities_choose_the_sets_of_relatives_too() -> None:
    brother = Relative("brother", id="brother-1", available=True)

    def chance(ethnicity: str) -> float | None:
        patient = replace(PATIENT, phenotype=am.Phenotype("A*01:XX+A*02:XX^B*08:XX+B*44:XX"), ethnicities=(ethnicity,))
        own = Policies.default().replaced(
            {"registries": {"population_labels": {"value": {"Maya": "HIS"}, "source": "ours"}}}, version="x"
        )
        return (
            Roadmap(
                patient,
                family=[brother],
                nomenclature=NAMES,
                frequencies=demo_frequencies(demo.load_haplotypes()),
                policies=own,
                today=TODAY,
            )
            .plan()["autologous"]
            .chance_next
        )

    assert chance("Maya") == chance("HIS") != chance("CAU")


# What is wrong with a case, and the word that the plan must have for it; the rest is planned all the same.
WRONG: dict[str, tuple[dict[str, Any], list[Any], list[Any], str]] = {
    "no common locus": ({}, [], [Relative("sister", am.Phenotype("DPB1*04:01+DPB1*02:01"), id="s")], "no common locus"),
    "child older than parent": (
        {},
        [],
        [Relative("daughter", typed(A, B), id="d", birth_date=date(1980, 1, 1))],
        "birth_date",
    ),
    "two mothers": ({}, [], [Relative("mother", typed(A, B), id="m"), Relative("mother", id="n")], "two mothers"),
    "negative dose": ({}, [Harvest(date(2026, 1, 1), cd34_e6_per_kg=-2.0)], [], "negative dose"),
    "harvest in the future": ({}, [Harvest(date(2027, 1, 1), cd34_e6_per_kg=2.0)], [], "harvest in the future"),
    "unknown relation": ({}, [], [Relative("neighbour", typed(A, C), id="x")], "unknown relation"),
    "missing weight": ({}, [Harvest(date(2026, 1, 1), cd34_e6=200.0)], [], "missing weight"),
    "contradictory statuses": (
        {},
        [Harvest(date(2026, 1, 1), cd34_e6_per_kg=3.0, disease_status="CR2")],
        [],
        "contradictory statuses",
    ),
    "unborn": ({"birth_date": date(2030, 1, 1)}, [], [], "birth in the future"),
    "sex": ({"sex": "X"}, [], [], "unknown sex"),
    "cmv": ({"cmv": "maybe"}, [], [], "unknown cmv"),
    "abo": ({"abo": "C"}, [], [], "unknown abo"),
    "untyped": ({"phenotype": am.Phenotype({})}, [], [], "patient not typed"),
    "disease": ({"diagnosis": "flu"}, [], [], "unknown disease"),
    "in-law": ({}, [], [Relative("mother-in-law", typed(A, C), id="x")], "not a blood relative"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_listed_and_the_rest_is_planned(name: str) -> None:
    changed, harvests, relatives, word = WRONG[name]
    sister = Relative("sister", typed(A, C), id="fine", available=True)
    patient = replace(PATIENT, **changed)
    plan = Roadmap(patient, harvests=harvests, family=[*relatives, sister], nomenclature=NAMES, today=TODAY).plan()
    values = checked(plan)
    assert any(word in (each.code, each.field) for each in plan.problems), [each.code for each in plan.problems]
    assert all(each.message and each.where for each in plan.problems)
    assert values["problems"]
    assert [step.name for step in plan.steps] == ["autologous", "family", "registries"]
    if name not in ("untyped",):
        assert plan["family"].answer == "identical donor"
        assert "fine" in plan.recommended.options


# ---- anything at all ------------------------------------------------------------------------------------------------------

WORDS = st.sampled_from(
    [
        "",
        " ",
        "AML",
        "HL",
        "CR2",
        "CR1 (adverse risk)",
        "1st relapse, CR2",
        "F",
        "M",
        "P",
        "A",
        "Belgian",
        "<b>",
        "\u00e9\u4e2d",
        "mother",
    ]
)
DAYS = st.none() | st.dates(date(1900, 1, 1), date(2100, 1, 1))
NUMBERS = st.none() | st.sampled_from([-1.0, 0.0, 0.5, 1.0, 3.0, 70.0, 1e9, float("nan"), float("inf")])
TYPINGS = st.sampled_from(
    [
        "",
        "A*01:01+A*02:01",
        "A*01:01+A*02:01^B*08:01+B*44:02",
        "A*01:01/A*01:02+A*02:XX^DRB1*03:01+DRB1*04:01",
        "DPB1*04:01+DPB1*02:01",
        "A*03:01+A*11:01^B*07:02+B*35:01^C*07:02+C*04:01^DRB1*15:01+DRB1*01:01^DQB1*06:02+DQB1*05:01",
        "A*01:01~B*08:01+A*02:01~B*44:02",
    ]
).map(lambda gl: am.Phenotype(gl) if gl else am.Phenotype({}))
PATIENTS = st.builds(
    Patient,
    TYPINGS,
    birth_date=DAYS,
    sex=st.none() | WORDS,
    weight_kg=NUMBERS,
    cmv=st.none() | WORDS,
    abo=st.none() | WORDS,
    ethnicities=st.lists(WORDS, max_size=3).map(tuple),
    diagnosis=st.none() | WORDS,
    disease_status=st.none() | WORDS,
)
HARVESTS = st.builds(
    Harvest,
    collected=DAYS,
    source=st.none() | WORDS,
    cd34_e6_per_kg=NUMBERS,
    cd34_e6=NUMBERS,
    viability=NUMBERS,
    disease_status=st.none() | WORDS,
    storage=st.none() | WORDS,
)
RELATIVES = st.builds(
    Relative,
    st.sampled_from(
        ["mother", "father", "sister", "brother", "maternal aunt", "cousin", "identical twin", "son", "niece", "x"]
    ),
    st.none() | TYPINGS,
    id=st.none() | st.sampled_from(["a", "b", "patient", "<i>"]),
    phase_known=st.booleans(),
    available=st.none() | st.booleans(),
    birth_date=DAYS,
    age=NUMBERS,
    sex=st.none() | WORDS,
    medical_reasons_against=st.lists(WORDS, max_size=1).map(tuple),
    parents=st.lists(st.sampled_from(["a", "b", "mother", "father"]), max_size=2).map(tuple),
)


@settings(max_examples=20)
@given(PATIENTS, st.lists(HARVESTS, max_size=3), st.lists(RELATIVES, max_size=3))
def test_every_case_has_a_plan(patient: Patient, harvests: list[Harvest], relatives: list[Relative]) -> None:
    plan = Roadmap(patient, harvests=harvests, family=relatives, nomenclature=NAMES, today=TODAY).plan()
    checked(plan)
    assert plan.to_html().startswith("<!doctype html>")
    assert plan.explain()
    assert all(each.message for each in plan.problems)
    assert len(set(plan.problems)) == len(plan.problems)


# ---- case files -----------------------------------------------------------------------------------------------------------


def case_with(**more: Any) -> dict[str, Any]:
    return {"schema": "allomatch-case-1", "patient": {"phenotype": "A*01:01+A*02:01"}, **more}


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (case_with(today="yesterday"), "not a date"),
        (case_with(patient={"phenotype": "A*1:1:1:1:1"}), "malformed typing"),
        (case_with(patient={"phenotype": "A*01:01+A*02:01", "weight_kg": "70"}), "not a number"),
        (case_with(patient={"phenotype": 7}), "not a text"),
        (case_with(patient={"phenotype": "A*01:01+A*02:01", "ethnicities": "Belgian"}), "not a list of texts"),
        (case_with(family=[{"relation": "sister", "available": "yes"}]), "not true or false"),
        (case_with(family=[{"relation": "sister", "phenotype": "+"}]), "malformed typing"),
        (case_with(registries=[{"name": "x"}]), "missing file"),
        (case_with(registries=[{"file": "x.allo", "what": "all"}]), "unknown kind"),
        (case_with(registries=[{"file": "x.allo", "domestic_ions": ["12"]}]), "not an ION"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_a_problem(values: dict[str, Any], code: str) -> None:
    case = files.case_of(values, Path())
    assert [each.code for each in case.problems] == [code]
    plan = Roadmap(case.patient, family=case.family, nomenclature=NAMES, today=TODAY, problems=case.problems).plan()
    checked(plan)
    assert case.problems[0] in plan.problems


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "a JSON object is needed"),
        ({"patient": {}}, "allomatch-case-1"),
        ({"schema": "allomatch-case-1"}, "no patient"),
        (case_with(pateint={}), "pateint"),
        (case_with(patient={"phenotype": "", "name": "x"}), "'name'"),
        (case_with(family={}), "a list is needed"),
        (case_with(harvests=[3]), "harvest 1"),
    ],
)
def test_what_is_no_case_is_refused(values: Any, words: str) -> None:
    with pytest.raises(am.ArgumentError, match=words):
        files.case_of(values, Path())


def test_files_that_are_no_cases(tmp_path: Path) -> None:
    with pytest.raises(FileMissingError):
        files.read_case(tmp_path / "none.json")
    for text in ("{", '{"x": NaN}', "[" * 100_000):
        (tmp_path / "bad.json").write_text(text)
        with pytest.raises(am.ArgumentError, match="not JSON"):
            files.read_case(tmp_path / "bad.json")
    with pytest.raises(am.ArgumentError, match="lymphoma"):
        files.example_path("../x")
