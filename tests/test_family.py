"""Families: what is known without computing, what is wrong with a case, and what is said in words.

What: Mendel's fractions, parents who share a haplotype, twins, impossible families, ages, phase, whom to type first, and every
bad input. Why beside the oracle: these are facts that anyone can check by hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pytest

import allomatch as am
from allomatch.chances import sibling_likelihood
from allomatch.roadmap.case import Patient, Relative
from allomatch.roadmap.descent import Family
from allomatch.roadmap.family import DEFAULT_FAMILY_POLICY, FamilyAnswer, FamilyPolicy, assess_family
from allomatch.roadmap.family_typings import HaplotypeWeights, read_typings
from allomatch.roadmap.inheritance import descents
from reference.truth import existing_data_dir, needs_data

NOM = am.Nomenclature.two_field()
MENDEL = replace(DEFAULT_FAMILY_POLICY, recombination={})
TODAY = date(2026, 1, 1)
A = ["A*01:01", "C*07:01", "B*08:01", "DRB1*03:01", "DQB1*02:01"]
B = ["A*02:01", "C*07:02", "B*07:02", "DRB1*15:01", "DQB1*06:02"]
C = ["A*03:01", "C*04:01", "B*35:01", "DRB1*01:01", "DQB1*05:01"]
D = ["A*24:02", "C*03:04", "B*40:01", "DRB1*04:01", "DQB1*03:02"]
E = ["A*29:02", "C*16:01", "B*44:03", "DRB1*07:01", "DQB1*02:02"]


def typed(one: Sequence[str], other: Sequence[str]) -> am.Phenotype:
    return am.Phenotype("^".join(f"{a}+{b}" for a, b in zip(one, other, strict=True)))


def family(
    patient: am.Phenotype | Patient, *relatives: Relative, policy: FamilyPolicy = MENDEL, **options: object
) -> FamilyAnswer:
    case = patient if isinstance(patient, Patient) else Patient(patient)
    return assess_family(case, relatives, NOM, policy=policy, today=TODAY, **options)  # type: ignore[arg-type]


def codes(answer: FamilyAnswer) -> list[str]:
    return [problem.code for problem in answer.problems]


# --- Mendel ---


@pytest.mark.parametrize(
    ("relation", "identical", "haploidentical"),
    [
        ("sister", 0.25, 0.5), ("brother", 0.25, 0.5), ("fraternal twin", 0.25, 0.5), ("identical twin", 1, 0),
        ("mother", 0, 1), ("father", 0, 1), ("son", 0, 1), ("daughter", 0, 1),
        ("maternal aunt", 0, 0.5), ("paternal uncle", 0, 0.5), ("maternal half-sister", 0, 0.5), ("paternal half-brother", 0, 0.5),
        ("paternal grandmother", 0, 0.5), ("maternal grandfather", 0, 0.5), ("granddaughter", 0, 0.5), ("nephew", 0, 0.5),
        ("paternal cousin", 0, 0.25),
    ],
)  # fmt: skip
def test_untyped_relatives_share_what_mendel_says(relation: str, identical: float, haploidentical: float) -> None:
    for patient in (typed(A, B), am.Phenotype("")):
        one = family(patient, Relative(relation)).members[0]
        assert one.p_identical == pytest.approx(identical)
        assert one.p_haploidentical == pytest.approx(haploidentical)
        assert one.p_other == pytest.approx(1 - identical - haploidentical)
        assert one.category is None
        assert one.match is None


@pytest.mark.parametrize("n", [1, 2, 5])
def test_n_siblings(n: int) -> None:
    answer = family(typed(A, B), *[Relative("sister")] * n)
    assert answer.p_any_identical == pytest.approx(1 - 0.75**n) == sibling_likelihood(n)
    assert answer.p_any_haploidentical == pytest.approx(1 - 0.25**n)


def test_joint_chances_are_no_product_where_relatives_depend_on_each_other() -> None:
    # Both cousins are children of one aunt: she shares a haplotype or not.
    aunt = Relative("maternal aunt", id="aunt", available=False)
    cousins = [Relative("maternal cousin", parents=("aunt",)) for _ in range(2)]
    answer = family(typed(A, B), aunt, *cousins)
    assert answer.p_any_haploidentical == pytest.approx(0.5 * 0.75)
    assert answer.p_any_haploidentical != pytest.approx(1 - 0.75**2)


def test_recombination_costs_an_untyped_sibling_some_of_the_quarter() -> None:
    policy = replace(DEFAULT_FAMILY_POLICY, recombination={"A-B": 0.02}, maternal_ratio=1.0)
    answer = family(am.Phenotype("A*01:01+A*02:01^B*08:01+B*07:02"), Relative("sister"), policy=policy, loci=["A", "B"])
    # Of each parent both or neither of two meioses changes.
    assert answer.members[0].p_identical == pytest.approx(0.25 * (0.98**2 + 0.02**2) ** 2, abs=2e-4)
    assert 0 < answer.recombination_mass < 0.02**2 + 1e-12


def test_typed_siblings_reveal_the_parents() -> None:
    answer = family(typed(A, B), Relative("sister", typed(C, D)), Relative("brother", typed(A, D)), Relative("sister"))
    assert [one.category for one in answer.members[:2]] == ["other", "haploidentical"]
    assert answer["brother-1"].shared == "a"  # no parent says which side
    assert {one for member in answer.members[:3] for one in member.haplotypes if one} == {"a", "c", "d"}
    assert answer["sister-2"].p_identical == pytest.approx(0.25)
    assert set(answer.haplotype_text["a"].split("~")) == set(A)
    assert answer.phase_probability == pytest.approx(1.0, abs=1e-5)


def test_the_side_of_a_shared_haplotype_is_named_once_a_parent_is_typed() -> None:
    answer = family(
        typed(A, B), Relative("mother", typed(B, D)), Relative("sister", typed(B, C)), Relative("brother", typed(A, D))
    )
    assert answer["sister-1"].shared == "b (maternal)"
    assert answer["brother-1"].shared == "a (paternal)"
    assert answer["mother-1"].shared == "b (maternal)"
    assert any("NIMA" in word for word in answer["brother-1"].warnings)
    assert any("NIPA" in word for word in answer["sister-1"].warnings)
    assert any("mother as donor" in word for word in answer["mother-1"].warnings)


def test_tolerance_is_said_of_whom_it_was_described_in() -> None:
    answer = family(
        typed(A, B),
        Relative("mother", typed(B, D)),
        Relative("brother", typed(A, D)),
        Relative("maternal aunt", typed(B, D)),
    )
    said = {name: next(w for w in answer[name].warnings if "NIMA" in w) for name in ("brother-1", "maternal-aunt-1")}
    assert "in siblings less acute GvHD" in said["brother-1"]
    assert "in siblings (van Rood 2002), not in a maternal aunt" in said["maternal-aunt-1"]


def test_a_homozygous_parent_makes_siblings_alike_by_chance() -> None:
    answer = family(
        typed(A, B),
        Relative("father", typed(A, A)),
        Relative("mother", typed(B, C)),
        Relative("sister"),
        Relative("brother", typed(A, B)),
    )
    assert answer["sister-1"].p_identical == pytest.approx(0.25)
    assert answer["sister-1"].p_identical_by_chance == pytest.approx(0.25)
    assert answer["brother-1"].category == "identical"
    assert answer["brother-1"].p_identical == pytest.approx(0.5)
    assert answer["brother-1"].p_identical_by_chance == pytest.approx(0.5)
    assert answer["brother-1"].match is not None
    assert answer["brother-1"].match.greatest == 0
    alone = family(
        typed(A, B), Relative("father", typed(A, A)), Relative("mother", typed(B, C)), *[Relative("sister")] * 2
    )
    assert alone.p_any_identical == pytest.approx(0.75)  # half for each, and independent


@pytest.mark.parametrize(
    ("brother", "by_chance"), [(None, 0.25), ("A*01:01+A*02:01", 0.0), ("A*01:01+A*02:01^B*08:01+B*07:02", 0.5)]
)
def test_at_untyped_loci_of_a_typed_relative_descent_alone_counts(brother: str | None, by_chance: float) -> None:
    """As docs/family.md has it: what is said is at least true, and typing there can only add to it."""
    father = Relative("father", am.Phenotype("A*01:01+A*01:01^B*08:01+B*08:01"))
    mother = Relative("mother", am.Phenotype("A*02:01+A*03:01^B*07:02+B*35:01"))
    one = Relative("brother", am.Phenotype(brother) if brother else None, id="b")
    patient = am.Phenotype("A*01:01+A*02:01^B*08:01+B*07:02")
    found = family(patient, father, mother, one, loci=["A", "B"])["b"]
    assert found.p_identical == pytest.approx(0.5 if brother else 0.25)
    assert found.p_identical_by_chance == pytest.approx(by_chance)
    assert any("not typed at B: there descent alone counts" in each for each in found.reasons) == (by_chance == 0)


def test_parents_who_share_a_haplotype() -> None:
    parents = Relative("father", typed(A, B)), Relative("mother", typed(A, B))
    answer = family(typed(A, B), *parents, Relative("sister"))
    assert answer["sister-1"].p_identical == pytest.approx(0.25)
    assert answer["sister-1"].p_identical_by_chance == pytest.approx(0.25)
    answer = family(typed(A, A), *parents, Relative("sister"))
    assert answer["sister-1"].p_identical + answer["sister-1"].p_identical_by_chance == pytest.approx(0.25)
    assert answer["father-1"].category == "haploidentical"
    assert answer["father-1"].match is not None
    assert (answer["father-1"].match.gvh, answer["father-1"].match.hvg) == (0, 5)


def test_parents_may_look_identical_by_chance() -> None:
    answer = family(typed(A, B), Relative("father", typed(A, B)))
    assert answer["father-1"].category == "identical"
    assert (answer["father-1"].p_identical, answer["father-1"].p_identical_by_chance) == (0, pytest.approx(1))
    assert any("by chance" in reason for reason in answer["father-1"].reasons)


def test_a_twin_is_the_patient() -> None:
    answer = family(typed(A, B), Relative("identical twin", typed(A, B)), Relative("identical twin sister"))
    assert answer["identical-twin-1"].category == "identical"
    assert answer.p_any_identical == 1
    assert answer["identical-twin-sister-1"].p_identical == 1
    # A twin's typing is the patient's: at high resolution it settles it.
    coarse = am.Phenotype("^".join(f"{a.split(':')[0]}:XX+{b.split(':')[0]}:XX" for a, b in zip(A, B, strict=True)))
    assert (
        "A*01:01"
        in family(coarse, Relative("identical twin", typed(A, B))).haplotype_text["a"]
        + family(coarse, Relative("identical twin", typed(A, B))).haplotype_text["b"]
    )
    other = family(typed(A, B), Relative("identical twin", typed(C, D)))
    assert codes(other) == ["Mendelian error"]
    assert not other["identical-twin-1"].typed


# --- errors of inheritance ---


def test_a_typing_that_cannot_be_is_named_and_left_out() -> None:
    answer = family(
        typed(A, B),
        Relative("mother", typed(B, D)),
        Relative("father", typed(A, C)),
        Relative("brother", typed(E, E)),
        Relative("sister"),
    )
    (problem,) = answer.problems
    assert (problem.code, problem.where) == ("Mendelian error", "relative brother-1")
    assert "A*29:02" in problem.message
    assert "mother-1 has A*02:01+A*24:02" in problem.message
    assert not answer["brother-1"].typed
    assert answer["brother-1"].match is not None  # still compared
    assert answer["sister-1"].p_identical == pytest.approx(0.25)
    assert answer["mother-1"].category == "haploidentical"


def test_one_wrong_locus_leaves_the_others() -> None:
    wrong = [*D[:4], "DQB1*04:02"]
    answer = family(
        typed(A, B),
        Relative("mother", typed(B, D)),
        Relative("father", typed(A, C)),
        Relative("brother", typed(A, wrong)),
    )
    (problem,) = answer.problems
    assert (problem.code, problem.where, problem.field) == ("Mendelian error", "relative brother-1", "DQB1")
    assert answer["brother-1"].typed
    assert answer["brother-1"].category == "haploidentical"


def test_a_father_who_is_none_is_the_smallest_explanation() -> None:
    children = [Relative("sister", typed(A, D)), Relative("brother", typed(C, B))]
    answer = family(typed(A, B), Relative("mother", typed(B, D)), Relative("father", typed(E, E)), *children)
    assert [(p.code, p.where) for p in answer.problems] == [("Mendelian error", "relative father-1")]
    assert answer["sister-1"].category == "haploidentical"


def test_a_recombinant_is_told_from_an_error() -> None:
    mixed = [*B[:2], *D[2:]]  # the mother's haplotypes, changed over between C and B
    people = Relative("mother", typed(B, D)), Relative("father", typed(A, C)), Relative("brother", typed(A, mixed))
    answer = family(typed(A, B), *people, Relative("sister", typed(A, D)), policy=DEFAULT_FAMILY_POLICY)
    (problem,) = answer.problems
    assert (problem.code, problem.value) == ("recombination", "C-B")
    assert answer["brother-1"].typed
    assert answer["brother-1"].category == "haploidentical"
    strict = family(typed(A, B), *people, Relative("sister", typed(A, D)))
    assert codes(strict) == ["Mendelian error"]


# --- typings ---


def test_ambiguous_typings_are_resolved_by_the_family() -> None:
    coarse = am.Phenotype("^".join(f"{a.split(':')[0]}:XX+{b.split(':')[0]}:XX" for a, b in zip(A, B, strict=True)))
    answer = family(coarse, Relative("mother", typed(B, D)), Relative("father", typed(A, C)))
    assert answer.patient_haplotypes == ("~".join(A), "~".join(B))
    assert answer.phase_probability == pytest.approx(1)


def test_written_phase_is_used() -> None:
    phased = am.Phenotype("~".join(A) + "+" + "~".join(B))
    answer = family(phased)
    assert answer.patient_haplotypes is not None
    assert set(answer.patient_haplotypes) == {"~".join(A), "~".join(B)}
    assert answer.phase_probability == pytest.approx(1)
    assert family(typed(A, B)).phase_probability == pytest.approx(1 / 16)
    said = family(typed(A, B), Relative("sister", typed(A, B), phase_known=True))
    assert codes(said) == ["phase not written"]


def test_frequencies_decide_between_phases() -> None:
    table = pa.table({**{a.split("*")[0]: [a, b] for a, b in zip(A, B, strict=True)}, "frequency": [0.5, 0.4]})
    answer = family(typed(A, B), frequencies=am.HaplotypeFrequencies.from_arrow(table, population="X"))
    assert answer.phase_probability == pytest.approx(1)
    assert answer.population == "frequencies of X"
    unknown = family(typed(A, C), frequencies=am.HaplotypeFrequencies.from_arrow(table, population="X"))
    assert "do not represent" in unknown.population
    assert unknown.phase_probability == pytest.approx(1 / 16)


def test_frequency_sets_by_ethnicity() -> None:
    table = pa.table({**{a.split("*")[0]: [a, b] for a, b in zip(A, B, strict=True)}, "frequency": [0.5, 0.4]})
    sets = am.FrequencySets([am.HaplotypeFrequencies.from_arrow(table, population="X", ethnicity="X")])
    assert family(Patient(typed(A, B), ethnicities=("X",)), frequencies=sets).population == "frequencies of X"
    assert "no frequency set" in family(Patient(typed(A, B), ethnicities=("Y",)), frequencies=sets).population


# --- whom to type ---


def test_siblings_are_typed_before_aunts_and_nobody_who_may_not_donate() -> None:
    answer = family(
        typed(A, B), Relative("maternal aunt"), Relative("brother"), Relative("sister", available=False),
        Relative("sister", medical_reasons_against=("pregnancy",)),
    )  # fmt: skip
    assert [one.id for one in answer.type_first] == ["brother-1", "maternal-aunt-1"]
    assert answer.type_first[0].value == pytest.approx(0.25 + 0.5 * 0.5)
    assert answer.p_any_identical == pytest.approx(0.25)
    assert "not available" in answer["sister-1"].reasons
    assert "medical reason against: pregnancy" in answer["sister-2"].reasons
    assert not answer["sister-2"].usable


def test_nothing_is_gained_once_an_identical_donor_is_known() -> None:
    answer = family(typed(A, B), Relative("mother", typed(B, D)), Relative("brother", typed(A, B)), Relative("sister"))
    assert answer.type_first[0].value == pytest.approx(0, abs=1e-3)


# --- bad input ---


@pytest.mark.parametrize(
    ("relatives", "code"),
    [
        ([Relative("mother-in-law")], "not a blood relative"),
        ([Relative("stepfather")], "not a blood relative"),
        ([Relative("wife")], "not a blood relative"),
        ([Relative("neighbour")], "unknown relation"),
        ([Relative("")], "unknown relation"),
        ([Relative("aunt")], "side not said"),
        ([Relative("twin")], "zygosity not said"),
        ([Relative("mother", typed(A, C)), Relative("mother", typed(B, D))], "two mothers"),
        ([Relative("paternal grandfather"), Relative("paternal grandfather")], "two paternal grandfathers"),
        ([Relative("sister", id="x"), Relative("brother", id="x")], "duplicate id"),
        ([Relative("sister", id="(mother)")], "reserved id"),
        ([Relative("son", birth_date=date(1970, 1, 1))], "child older than its parent"),
        ([Relative("mother", age=30)], "child older than its parent"),
        ([Relative("maternal grandmother", age=41)], "parent too young"),
        ([Relative("sister", birth_date=date(2030, 1, 1))], "born in the future"),
        ([Relative("sister", birth_date=date(2000, 1, 1), age=40)], "contradictory ages"),
        ([Relative("sister", sex="M")], "contradictory sex"),
        ([Relative("sibling", sex="X")], "unknown sex"),
        ([Relative("identical twin sister")], "contradictory sex"),
        ([Relative("fraternal twin", birth_date=date(1999, 1, 1))], "twins of different ages"),
        ([Relative("maternal cousin", parents=("nobody",))], "unknown parent"),
        ([Relative("sister", age=121)], "impossible age"),
        ([Relative("sister", age=float("nan"))], "impossible age"),
        ([Relative("sister", birth_date=date(1900, 1, 1))], "impossible age"),
        ([Relative("sister", age=-1)], "born in the future"),
        ([Relative("sister", am.Phenotype("DPB1*04:01+DPB1*02:01"))], "no common locus"),
    ],
)  # fmt: skip
def test_bad_input_is_named_and_the_rest_assessed(relatives: list[Relative], code: str) -> None:
    patient = Patient(typed(A, B), birth_date=date(1985, 6, 1), sex="M")
    answer = family(patient, *relatives, Relative("brother", typed(A, B), id="good"))
    assert code in codes(answer)
    named = [problem for problem in answer.problems if problem.code == code]
    assert all(
        problem.message and problem.field and problem.where.startswith(("relative ", "patient")) for problem in named
    )
    assert answer["good"].category == "identical"
    assert len(answer.members) >= len(relatives) + 1  # nobody is dropped


@pytest.mark.parametrize(
    ("relative", "rule", "code"),
    [
        (Relative("mother", age=70), {"oldest_age": 65}, "impossible age"),
        (Relative("mother", age=60), {"child_min_parent_age": 25}, "parent too young"),
        (Relative("sister", birth_date=date(1990, 1, 1), age=35), {"ages_differ_by": 0.5}, "contradictory ages"),
        (Relative("fraternal twin", birth_date=date(1985, 6, 2)), {"twins_born_within_days": 0}, "twins of different ages"),
    ],
)  # fmt: skip
def test_which_ages_are_slips_is_a_rule(relative: Relative, rule: dict[str, float], code: str) -> None:
    patient = Patient(typed(A, B), birth_date=date(1985, 6, 1))
    assert code not in codes(family(patient, relative))
    assert code in codes(family(patient, relative, policy=replace(MENDEL, **rule)))  # type: ignore[arg-type]


def test_from_when_on_haplotypes_are_known_is_a_rule() -> None:
    brother = Relative("brother", typed(A, C), id="b")
    for settled in (0.95, 1.0):
        policy = replace(DEFAULT_FAMILY_POLICY, settled_probability=settled)
        answer = family(typed(A, B), brother, policy=policy)
        assert answer.phase_probability is not None
        assert 0.95 < answer.phase_probability < 1
        assert any("phase not settled" in each for each in answer["b"].warnings) == (settled == 1)


def test_two_mothers_are_both_left_out() -> None:
    answer = family(typed(A, B), Relative("mother", typed(A, C)), Relative("mother", typed(B, D)), Relative("sister"))
    assert [answer[name].usable for name in ("mother-1", "mother-2")] == [False, False]
    assert answer["sister-1"].p_identical == pytest.approx(0.25)


def test_names_that_a_release_lacks(tmp_path: object) -> None:
    bad = am.Phenotype("A*02:ZZZZZZ+A*01:01^B*08:01+B*07:02")
    answer = family(typed(A, B), Relative("brother", bad), Relative("sister", typed(A, B)))
    assert "unreadable typing" in codes(answer)
    assert answer["sister-1"].category == "identical"
    assert answer["brother-1"].p_identical > 0


def test_an_untyped_patient_is_named() -> None:
    answer = family(am.Phenotype(""), Relative("sister", typed(A, B)))
    assert codes(answer) == ["patient untyped"]
    assert answer.patient_haplotypes is None
    assert answer["sister-1"].p_identical == pytest.approx(0.25)


def test_a_family_that_is_too_large_loses_its_most_distant_typings() -> None:
    policy = replace(MENDEL, most_steps=60)
    relatives = [Relative("sister", typed(*two)) for two in ((A, B), (C, D), (A, D))]
    answer = family(typed(A, B), *relatives, Relative("maternal cousin", typed(E, B)), policy=policy)
    (first, *_) = answer.problems
    assert (first.code, first.where) == ("family too large", "relative maternal-cousin-1")
    assert "most_steps" in first.message
    with pytest.raises(am.ResourceError, match="higher resolution"):
        family(typed(A, B), policy=replace(MENDEL, most_steps=1))


def test_wrong_arguments() -> None:
    with pytest.raises(am.ArgumentError, match="frequencies"):
        family(typed(A, B), frequencies=3)
    with pytest.raises(am.ArgumentError, match="A-X"):
        FamilyPolicy(recombination={"A-X": 0.1})
    for name in ("maternal_ratio", "allele_weight", "most_recombinations", "most_steps", "settled_probability"):
        with pytest.raises(am.ArgumentError, match=f"{name} is 0; it must be"):
            replace(DEFAULT_FAMILY_POLICY, **{name: 0})  # type: ignore[arg-type]
    with pytest.raises(am.ArgumentError, match="9/9"):
        family(typed(A, B), loci="9/9")


def test_the_policy_says_its_version_and_sources() -> None:
    assert family(typed(A, B), policy=replace(MENDEL, version="mine")).policy_version == "mine"
    rates = DEFAULT_FAMILY_POLICY.rates(("A", "B"), None)
    assert rates[0] == pytest.approx(0.0085, abs=1e-4)  # A-C and C-B
    mother, father = (DEFAULT_FAMILY_POLICY.rates(("B", "DRB1"), sex)[0] for sex in "FM")
    assert mother / father == pytest.approx(1.8)
    assert (mother + father) / 2 == pytest.approx(0.0094)
    assert DEFAULT_FAMILY_POLICY.sources


@needs_data
def test_a_real_set_and_a_family_of_eight() -> None:
    nom = am.Nomenclature.load("3.58.0")
    cau = am.HaplotypeFrequencies.read(existing_data_dir() / "haplotypes" / "CAU.csv.gz")
    relatives = [
        Relative("mother", typed(B, D)), Relative("sister", typed(A, D)), Relative("brother", typed(C, B)), Relative("sister"),
        Relative("brother"), Relative("maternal aunt", typed(D, E)), Relative("paternal uncle"), Relative("maternal cousin"),
    ]  # fmt: skip
    answer = assess_family(Patient(typed(A, B)), relatives, nom, frequencies=cau)
    assert answer.population == "frequencies of CAU"
    assert answer["sister-1"].category == answer["brother-1"].category == "haploidentical"
    assert answer["sister-2"].p_identical == pytest.approx(0.24, abs=0.01)
    assert answer.phase_probability == pytest.approx(1, abs=1e-3)
    assert not answer.problems


def test_two_populations_are_averaged() -> None:
    def one(name: str, shares: list[float]) -> am.HaplotypeFrequencies:
        table = pa.table({"A": ["A*01:01", "A*02:01", "A*03:01"], "frequency": shares})
        return am.HaplotypeFrequencies.from_arrow(table, population=name, ethnicity=name)

    sets = am.FrequencySets([one("X", [0.5, 0.25, 0.25]), one("Y", [0.2, 0.4, 0.4])])
    patient = Patient(am.Phenotype("A*01:01+A*02:01"), ethnicities=("X", "Y"))
    relatives = Relative("sister", am.Phenotype("A*01:01+A*02:01")), Relative("brother")
    both = family(patient, *relatives, loci=["A"], frequencies=sets)
    mean = family(patient, *relatives, loci=["A"], frequencies=one("Z", [0.35, 0.325, 0.325]))
    assert both.population == "frequencies of X and Y"
    for name in ("sister-1", "brother-1"):
        assert both[name].p_identical == pytest.approx(mean[name].p_identical)
        assert both[name].p_identical_by_chance == pytest.approx(mean[name].p_identical_by_chance)
    # By hand: identical 1/4; alike with one haplotype in common 1/4 (a + b), with none 1/4 (2 a b).
    a, b = 0.35, 0.325
    assert both["sister-1"].p_identical == pytest.approx(1 / (1 + a + b + 2 * a * b))


def test_the_patient_is_left_out_last() -> None:
    mixed = [*B[:2], *D[2:]]
    people = Relative("mother", typed(B, D)), Relative("father", typed(A, C)), Relative("brother", typed(A, mixed))
    (problem,) = family(typed(A, B), *people).problems
    assert (problem.code, problem.where) == ("Mendelian error", "relative brother-1")
    assert "patient" in problem.message  # who else it could be
    assert "together they need more than 2 recombinations" in problem.message


def test_after_a_typed_twin_nobody_is_worth_typing() -> None:
    answer = family(typed(A, B), Relative("identical twin", typed(A, B)), Relative("sister"))
    assert answer.type_first[0].value == 0


def test_chromosomes_that_meet_again_in_one_person_are_one() -> None:
    # A child of a brother and a sister, homozygous: by descent from one chromosome with 1/4 f against 3/4 f f by chance.
    names = ("gm", "gf", "s", "b", "child")
    parents = {"s": ("gm", "gf"), "b": ("gm", "gf"), "child": ("s", "b")}
    typings = read_typings({"child": am.Phenotype("A*01:01+A*01:01")}, ["A"], NOM, (), "child")
    rates = dict.fromkeys(parents, ((), ()))
    inbred = Family(names, parents, typings.pairs, {}, rates)
    ways = descents(inbred, HaplotypeWeights(typings, (), 0.05), 1, most_crossovers=1, most=10_000)
    total = sum(way.weight for way in ways)
    one = sum(way.weight for way in ways if way.labels["child"][0] == way.labels["child"][1])
    assert one / total == pytest.approx(0.25 * 0.05 / (0.25 * 0.05 + 0.75 * 0.05**2))
    other = read_typings({"child": am.Phenotype("A*01:01+A*02:01")}, ["A"], NOM, (), "child")
    ways = descents(
        replace(inbred, pairs=other.pairs), HaplotypeWeights(other, (), 0.05), 1, most_crossovers=1, most=10_000
    )
    assert all(way.labels["child"][0] != way.labels["child"][1] for way in ways)


def test_any_number_of_untyped_cousins_is_joint() -> None:
    # All are children of one uncle: he has a haplotype of the patient's or not.
    uncle = Relative("paternal uncle", id="u", available=False)
    answer = family(typed(A, B), uncle, *[Relative("paternal cousin", parents=("u",))] * 12)
    assert not answer.problems
    assert answer["paternal-cousin-12"].p_haploidentical == pytest.approx(0.25)
    assert answer.p_any_haploidentical == pytest.approx(0.5 * (1 - 0.5**12))


@pytest.mark.parametrize("relation", ["niece", "grandchild", "maternal cousin"])
def test_descendants_who_are_not_available_count_for_nothing(relation: str) -> None:
    answer = family(typed(A, B), Relative(relation, available=False), policy=DEFAULT_FAMILY_POLICY)
    assert answer.members[0].p_haploidentical > 0.2
    assert (answer.p_any_identical, answer.p_any_haploidentical) == pytest.approx((0, 0), abs=1e-12)


def test_a_locus_that_the_frequencies_lack() -> None:
    table = pa.table({"A": ["A*01:01", "A*02:01"], "B": ["B*08:01", "B*07:02"], "frequency": [0.5, 0.4]})
    answer = family(typed(A, B), frequencies=am.HaplotypeFrequencies.from_arrow(table, population="X"))
    assert answer.phase_probability == pytest.approx(1 / 8)  # A and B are settled, C, DRB1, DQB1 are not
    assert answer.population == "frequencies of X"


def test_who_contradicts_the_family_counts_for_nothing_until_that_is_settled() -> None:
    stranger = Relative("sister", typed(E, E))
    answer = family(
        typed(A, B), Relative("mother", typed(B, D)), Relative("father", typed(A, C)), stranger, Relative("sister")
    )
    assert codes(answer) == ["Mendelian error"]
    assert not answer["sister-1"].usable
    assert [one.id for one in answer.type_first] == ["sister-2"]
    assert answer.p_any_identical == pytest.approx(0.25)


def test_parents_that_are_named() -> None:
    mother = Relative("mother", typed(B, D), id="M")
    aunt = Relative("maternal aunt", typed(D, E), id="A")
    half = Relative("half-sister", typed(D, E), parents=("M",))
    cousin = Relative("cousin", parents=("A",))
    answer = family(typed(A, B), mother, aunt, half, cousin, Relative("sister", parents=("A",)))
    assert answer["half-sister-1"].relation == "maternal half-sister"
    assert answer["half-sister-1"].category == "other"
    assert answer["cousin-1"].parents[0] == "A"
    assert answer["cousin-1"].p_haploidentical == pytest.approx(0, abs=1e-3)  # the aunt has nothing of the patient's
    assert codes(answer) == ["parents not used"]


KIN = [
    Relative("mother", id="M"), Relative("father", id="F"), Relative("sister", id="S"), Relative("maternal half-brother", id="H"),
    Relative("maternal aunt", id="A"), Relative("paternal uncle", id="U"), Relative("son", id="K"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("relation", "parents", "wrong"),
    [
        ("niece", ("S",), None), ("niece", ("H",), None), ("niece", ("A",), "A"), ("niece", ("M",), "M"), ("niece", ("K",), "K"),
        ("niece", ("patient",), "patient"), ("niece", ("mother",), "mother"), ("niece", ("S", "H"), "H"),
        ("niece", ("S", "A"), "A"),
        ("maternal cousin", ("A",), None), ("maternal cousin", ("U",), "U"), ("maternal cousin", ("S",), "S"),
        ("maternal cousin", ("M",), "M"), ("cousin", ("mother",), None), ("cousin", ("A",), None),
        ("maternal half-sister", ("M",), None), ("maternal half-sister", ("mother",), None),
        ("maternal half-sister", ("M", "F"), "F"), ("maternal half-sister", ("mother", "father"), "father"),
        ("maternal half-sister", ("F",), "F"), ("maternal half-sister", ("A",), "A"),
        ("half-sister", ("M",), None), ("granddaughter", ("K",), None), ("granddaughter", ("S",), "S"),
    ],
)  # fmt: skip
def test_parents_that_contradict_the_relation(relation: str, parents: tuple[str, ...], wrong: str | None) -> None:
    answer = family(typed(A, B), *KIN, Relative(relation, id="X", parents=parents))
    named = [problem for problem in answer.problems if problem.code == "contradictory parents"]
    assert [(each.where, each.field, each.value) for each in named] == (
        [("relative X", "parents", wrong)] if wrong else []
    )
    if wrong:
        assert f"{wrong!r}" in named[0].message
        assert f"a parent of 'X' ({answer['X'].relation})" in named[0].message
        assert {"A": "'A' (maternal aunt)", "F": "'F' (father)"}.get(wrong, wrong) in named[0].message
    assert "unknown parent" not in codes(answer)
    # The relation holds: the answer is that of someone of whom the others alone are named.
    others = tuple(parent for parent in parents if parent != wrong)
    plain = family(typed(A, B), *KIN, Relative(relation, id="X", parents=others))
    assert answer["X"].p_haploidentical == plain["X"].p_haploidentical


def test_half_siblings_of_both_parents_are_none() -> None:
    answer = family(typed(A, B), *KIN, Relative("half-sister", id="X", parents=("M", "F")))
    (found,) = answer.problems
    assert (found.code, found.where) == ("contradictory parents", "relative X")
    assert "say 'sister'" in found.message
    assert not answer["X"].usable


def test_other_sets_of_loci() -> None:
    gl = "^".join(f"{a}+{b}" for a, b in zip(A, B, strict=True)) + "^DPB1*04:01+DPB1*02:01"
    for loci in ("6/6", "8/8", "12/12", ["DRB1"], ["DPB1", "A"]):
        answer = family(am.Phenotype(gl), Relative("brother", am.Phenotype(gl)), loci=loci)
        assert answer["brother-1"].category == "identical"
        assert not answer.problems


def test_a_patient_whose_typing_cannot_be_read() -> None:
    answer = family(
        am.Phenotype("A*02:ZZZZZZ+A*01:01^B*08:01+B*07:02"), Relative("brother", typed(A, B)), Relative("sister")
    )
    assert ("unreadable typing", "patient") in {(p.code, p.where) for p in answer.problems}
    assert answer["sister-1"].p_identical > 0.2


def test_letters_of_the_untyped_are_those_that_are_known() -> None:
    """Which grandparent gave the mother's haplotype is a toss of a coin; that the mother has b is sure."""
    aunt = family(typed(A, B), Relative("maternal aunt", typed(B, C), id="aunt"), Relative("mother", id="m"))
    assert aunt["(maternal grandmother)"].haplotypes == aunt["(maternal grandfather)"].haplotypes == (None, None)
    assert aunt["m"].haplotypes[0] == "b"
    sister = family(typed(A, B), Relative("sister", typed(A, C), id="s"))
    assert {*sister["(mother)"].haplotypes, *sister["(father)"].haplotypes} == {"a", "b", None}
    assert len(set(sister["s"].haplotypes) & {"a", "b"}) == 1


def test_nipa_are_the_fathers() -> None:
    """The other haplotype of a half-sibling by the mother is of another father: neither of the patient's parents has it."""
    half = Relative("maternal half-sister", typed(B, D), id="h")
    answer = family(typed(A, B), half, Relative("mother", typed(B, C)))
    assert answer["h"].category == "haploidentical"
    assert not any("NIPA" in each for each in answer["h"].warnings)
    full = family(typed(A, B), replace(half, relation="sister"), Relative("mother", typed(B, C)))
    assert any("NIPA" in each for each in full["h"].warnings)


# --- what typings alone show ---


def test_who_looks_the_same_is_identical_however_unlikely_descent_makes_it() -> None:
    """With recombination what is summed falls short of 1 by a little; a parent with the patient's alleles has them all the same."""
    answer = family(
        typed(A, B), Relative("father", typed(A, B)), Relative("son", typed(A, B)), policy=DEFAULT_FAMILY_POLICY
    )
    for name in ("father-1", "son-1"):
        assert answer[name].category == "identical"
        assert answer[name].p_identical + answer[name].p_identical_by_chance == 1
    assert (answer.p_any_identical, answer.type_first) == (1, ())
    frequent = family(typed(A, B), Relative("brother", typed(A, B)), policy=DEFAULT_FAMILY_POLICY)["brother-1"]
    assert 0.99 < frequent.p_identical < 1
    assert frequent.p_identical + frequent.p_identical_by_chance == 1


def test_a_typing_that_is_too_much_for_the_sum_still_shows_who_is_identical() -> None:
    cousins = [
        Relative("maternal cousin", typed(one, other), id=name) for name, one, other in (("c", A, B), ("d", D, E))
    ]
    answer = family(typed(A, B), *cousins, policy=replace(DEFAULT_FAMILY_POLICY, most_steps=2000))
    assert codes(answer) == ["family too large"] * 2
    assert (answer["c"].typed, answer["c"].category) == (True, "identical")
    assert (answer["c"].p_identical, answer["c"].p_identical_by_chance, answer.p_any_identical) == (0, 1, 1)
    assert "c" not in {each.id for each in answer.type_first}
    # Whoever has other alleles for certain is not identical, whatever an untyped cousin would be.
    coarse = typed(*([f"{allele.split(':')[0]}:XX" for allele in each] for each in (A, C)))
    brother, sister = Relative("brother", coarse, id="b"), Relative("sister", id="s")
    small = replace(DEFAULT_FAMILY_POLICY, most_steps=300)
    dropped = family(typed(A, B), brother, sister, policy=small)
    assert codes(dropped) == ["family too large"]
    assert dropped["b"].p_identical == 0
    assert dropped["b"].p_haploidentical + dropped["b"].p_other == pytest.approx(1)
    alone = family(typed(A, B), replace(brother, available=False), sister, policy=small)
    assert dropped.p_any_identical == pytest.approx(alone.p_any_identical)
    assert dropped.p_any_haploidentical > alone.p_any_haploidentical


def test_a_haplotype_of_the_patient_on_one_of_other_origin_makes_haploidentical() -> None:
    """The half-brother has A of his own father, and of the mother what the patient has not."""
    parents = Relative("mother", typed(B, C)), Relative("father", typed(A, D))
    half = Relative("maternal half-brother", typed(C, A), id="h")
    answer = family(typed(A, B), *parents, half)
    assert (answer["h"].category, answer["h"].shared, answer["h"].p_other) == ("haploidentical", None, 1)
    assert any("haplotype a at every locus, by descent or by chance" in each for each in answer["h"].reasons)
    alone = family(typed(A, B), *(replace(each, available=False) for each in parents), half)
    assert (alone.p_any_identical, alone.p_any_haploidentical) == (0, 0)  # of those by descent
    # One allele of the haplotype missing, or one that is only possible: nothing is certain.
    for last in ("DQB1*05:01", "DQB1*02:XX"):
        other = replace(half, phenotype=typed(C, [*A[:4], last]))
        assert family(typed(A, B), *parents, other)["h"].category == "other", last


def test_who_is_typed_at_none_of_the_patients_loci_is_to_be_typed_there() -> None:
    sister = Relative("sister", am.Phenotype("A*01:01+A*02:01"))
    apart = family(am.Phenotype("B*08:01+B*07:02"), sister, loci=["A", "B"])
    untyped = family(am.Phenotype(""), Relative("sister", typed(A, B)))
    for answer in (apart, untyped):
        assert (answer["sister-1"].typed, answer["sister-1"].category) == (False, None)
        assert [each.id for each in answer.type_first] == ["sister-1"]
    assert any("not typed at the patient's loci" in each for each in apart["sister-1"].reasons)


def test_what_settles_the_phase_is_what_is_not_typed_yet() -> None:
    brother = Relative("brother", typed(A, B), id="b")
    one = family(typed(A, B), brother)["b"]
    assert any("typing a parent would settle it" in each for each in one.warnings)
    parents = [Relative(each, typed(A, B)) for each in ("mother", "father")]
    both = family(typed(A, B), *parents, brother)["b"]
    assert not any("typing a parent" in each for each in both.warnings)
