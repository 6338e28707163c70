"""The family step says what brute force says.

What: for random families, haplotypes, and typings of every ambiguity, each relative's probabilities, the joint ones, the patient's
haplotypes. Why: the step sums by linked chromosomes and by locus, the oracle over everything.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from itertools import product

import pyarrow as pa
import pytest
from hypothesis import assume, given, reject, settings
from hypothesis import strategies as st

import allomatch as am
from allomatch.roadmap import inheritance
from allomatch.roadmap.case import Patient, Relative
from allomatch.roadmap.family import DEFAULT_FAMILY_POLICY, FamilyAnswer, FamilyPolicy, assess_family
from reference import family as oracle

LOCI = ("A", "B", "DRB1")
ALLELES = {"A": ("01:01", "02:01", "03:01"), "B": ("07:02", "08:01", "35:01"), "DRB1": ("03:01", "15:01", "01:01")}
NOM = am.Nomenclature.two_field()
COUPLE = ("mother", "father")
# By family: everyone's relation, parents before children; and who are whose parents.
FAMILIES: dict[str, tuple[dict[str, str], dict[str, tuple[str, str]]]] = {
    "siblings": ({"mother": "mother", "father": "father", "s": "sister"}, {"patient": COUPLE, "s": COUPLE}),
    "three siblings": (
        {"mother": "mother", "father": "father", "s": "sister", "t": "brother"},
        {"patient": COUPLE, "s": COUPLE, "t": COUPLE},
    ),
    "child": ({"mother": "mother", "father": "father", "c": "son"}, {"patient": COUPLE, "c": ("partner", "patient")}),
    "half": (
        {"mother": "mother", "father": "father", "h": "maternal half-brother"},
        {"patient": COUPLE, "h": ("mother", "other")},
    ),
    "aunt": (
        {
            "gm": "maternal grandmother",
            "gf": "maternal grandfather",
            "mother": "mother",
            "father": "father",
            "x": "maternal aunt",
        },
        {"mother": ("gm", "gf"), "x": ("gm", "gf"), "patient": COUPLE},
    ),
    "nephew": (
        {"mother": "mother", "father": "father", "s": "sister", "n": "nephew"},
        {"patient": COUPLE, "s": COUPLE, "n": ("s", "other")},
    ),
    "two half": (
        {"mother": "mother", "father": "father", "h": "maternal half-brother", "i": "maternal half-sister"},
        {"patient": COUPLE, "h": ("mother", "other"), "i": ("mother", "third")},
    ),
    "half on both sides": (
        {"mother": "mother", "father": "father", "h": "maternal half-brother", "j": "paternal half-sister"},
        {"patient": COUPLE, "h": ("mother", "other"), "j": ("third", "father")},
    ),
    "grandparents": (
        {
            "gm": "maternal grandmother",
            "gf": "maternal grandfather",
            "mother": "mother",
            "father": "father",
            "s": "sister",
        },
        {"mother": ("gm", "gf"), "patient": COUPLE, "s": COUPLE},
    ),
    "grandchild": (
        {"mother": "mother", "father": "father", "c": "son", "g": "granddaughter"},
        {"patient": COUPLE, "c": ("partner", "patient"), "g": ("other", "c")},
    ),
    "cousin": (
        {"mother": "mother", "father": "father", "x": "maternal aunt", "k": "maternal cousin"},
        {"mother": ("gm", "gf"), "x": ("gm", "gf"), "patient": COUPLE, "k": ("x", "other")},
    ),
}
MANY = {
    "five siblings": (
        {"mother": "mother", **dict.fromkeys(("s", "t"), "sister"), **dict.fromkeys(("u", "v"), "brother")},
        {"patient": COUPLE, **dict.fromkeys("stuv", COUPLE)},
    ),
    "siblings and half-siblings": (
        {"s": "sister", "h": "maternal half-brother", "i": "maternal half-sister"},
        {"patient": COUPLE, "s": COUPLE, "h": ("mother", "other"), "i": ("mother", "third")},
    ),
    "children": (
        {"mother": "mother", **dict.fromkeys(("c", "d", "e"), "son")},
        {"patient": COUPLE, **dict.fromkeys("cde", ("partner", "patient"))},
    ),
    "siblings and a nephew": (
        {"father": "father", "s": "sister", "t": "brother", "n": "nephew"},
        {"patient": COUPLE, "s": COUPLE, "t": COUPLE, "n": ("s", "other")},
    ),
}
LISTED = tuple(FAMILIES)
FAMILIES |= MANY
SMALL = ("siblings", "child", "half")  # those of which every recombination can be tried at once
# Whose parents may both be outside the core, if both are untyped: of whom chance counts as independent in joint probabilities.
LOWER = {"n": "s", "g": "c", "k": "x"}
NAMED = {"n": "s", "g": "c", "k": "x"}  # whom someone names as parent


def everyone(name: str) -> list[str]:
    people, children = FAMILIES[name]
    order: list[str] = []
    for one in (*people, "patient"):
        for parent in (*children.get(one, ()), one):
            for elder in (*children.get(parent, ()), parent):
                if elder not in order:
                    order.append(elder)
    return order


Typings = dict[str, dict[str, tuple[list[str], list[str]]]]  # by person, by locus: the alleles of two positions
Rows = dict[tuple[str, ...], Fraction]
Case = tuple[str, Typings, Rows, frozenset[str], frozenset[str]]


@st.composite
def cases(draw: st.DrawFn, names: tuple[str, ...], most: int, size: int = 2) -> Case:
    """A family, its typings, a frequency set, whose typings are written in phase, and who cannot donate."""
    name = draw(st.sampled_from(names))
    haplotypes = draw(
        st.lists(
            st.tuples(*(st.sampled_from(ALLELES[locus]) for locus in LOCI[:size])),
            min_size=2,
            max_size=most,
            unique=True,
        )
    )
    shares = [Fraction(draw(st.integers(1, 9)), 20) for _ in haplotypes]
    have: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {}
    children = FAMILIES[name][1]
    for person in everyone(name):
        if person in children:
            bits = [draw(st.tuples(st.booleans(), st.booleans())) for _ in range(2)]
            cut = draw(st.integers(1, size))
            bits = [(b[0],) * cut + ((b[0] if draw(st.integers(0, 7)) else b[1]),) * (size - cut) for b in bits]
            first, second = (
                tuple(have[parent][b[at]][at] for at in range(size))
                for parent, b in zip(children[person], bits, strict=True)
            )
            have[person] = first, second
        else:
            have[person] = draw(st.sampled_from(haplotypes)), draw(st.sampled_from(haplotypes))
    typings = {}
    for person in ("patient", *FAMILIES[name][0]):
        if person != "patient" and draw(st.integers(0, 2)) == 0:
            continue
        typings[person] = {
            locus: tuple(
                sorted({side[at], draw(st.sampled_from((side[at], *ALLELES[locus])))}) for side in have[person]
            )
            for at, locus in enumerate(LOCI[:size])
            if draw(st.integers(0, 5))
        }
    phased = frozenset(person for person in typings if len(typings[person]) > 1 and draw(st.integers(0, 3)) == 0)
    # Parents share a haplotype always: what is asked of anybody is only worth asking where some do not count.
    unavailable = frozenset(person for person in FAMILIES[name][0] if draw(st.booleans()))
    return name, typings, dict(zip(haplotypes, shares, strict=True)), phased, unavailable


def phenotype(typing: dict[str, tuple[list[str], list[str]]], phased: bool) -> am.Phenotype:
    if phased:
        sides = ("~".join("/".join(f"{x}*{a}" for a in both[side]) for x, both in typing.items()) for side in (0, 1))
        return am.Phenotype("+".join(sides))
    return am.Phenotype(
        "^".join(f"{'/'.join(f'{x}*{a}' for a in p)}+{'/'.join(f'{x}*{a}' for a in q)}" for x, (p, q) in typing.items())
    )


def frequencies(rows: Rows) -> am.HaplotypeFrequencies:
    columns = {locus: [f"{locus}*{haplotype[at]}" for haplotype in rows] for at, locus in enumerate(loci_of(rows))}
    return am.HaplotypeFrequencies.from_arrow(
        pa.table({**columns, "frequency": [float(f) for f in rows.values()]}), population="drawn"
    )


def loci_of(rows: Rows) -> tuple[str, ...]:
    return LOCI[: len(next(iter(rows)))]


def expected(case: Case, policy: FamilyPolicy, crossovers: int | None) -> oracle.Answer:
    name, typings, rows, phased, unavailable = case
    loci = loci_of(rows)
    people, children = FAMILIES[name]
    sexes = {"mother": "F", "father": "M", "gm": "F", "gf": "M", "s": "F", "x": "F", "c": "M", "patient": "M"}
    rate = {sex: tuple(Fraction(r) for r in policy.rates(loci, sex)) for sex in ("F", "M", None)}
    made = {
        child: oracle.Child(mother, father, rate[sexes.get(mother)], rate[sexes.get(father)])
        for child, (mother, father) in children.items()
    }
    allowed = {
        person: [
            None
            if locus not in typing
            else frozenset((a, b) for p, q in (typing[locus], typing[locus][::-1]) for a in p for b in q)
            for locus in loci
        ]
        for person, typing in typings.items()
        if typing
    }
    sides = {
        person: tuple(
            [frozenset(typings[person][x][side]) if x in typings[person] else None for x in loci] for side in (0, 1)
        )
        for person in phased
    }
    counted = {"patient", *allowed}
    for _ in range(3):
        counted |= {parent for person in counted for parent in children.get(person, ())}
    return oracle.assess(
        everyone(name),
        made,
        allowed,
        rows,
        set(people) - unavailable,
        counted=counted,
        crossovers=crossovers,
        phased=sides,
    )


def found_in(case: Case, policy: FamilyPolicy) -> FamilyAnswer:
    name, typings, rows, phased, unavailable = case
    relatives = [
        Relative(
            relation,
            phenotype(typings[one], one in phased) if typings.get(one) else None,
            id=one,
            available=one not in unavailable,
            parents=(NAMED[one],) if one in NAMED else (),
        )
        for one, relation in FAMILIES[name][0].items()
    ]
    patient = Patient(
        phenotype(typings["patient"], "patient" in phased) if typings["patient"] else am.Phenotype(""), sex="M"
    )
    return assess_family(patient, relatives, NOM, loci=loci_of(rows), frequencies=frequencies(rows), policy=policy)


CLOSE = {"rel": 1e-9, "abs": 1e-11}


@settings(max_examples=50, deadline=None)
@given(case=cases(LISTED, 2))
def test_without_recombination(case: Case) -> None:
    name, typings, rows = case[:3]
    policy = replace(DEFAULT_FAMILY_POLICY, recombination={"A-B": 0.0})
    right = expected(case, policy, None)
    assume(right.likelihood > 0)
    found = found_in(case, policy)
    for one in FAMILIES[name][0]:
        shares = right.people[one]
        assert found[one].p_identical == pytest.approx(float(shares.identical), **CLOSE)
        assert found[one].p_haploidentical == pytest.approx(float(shares.haploidentical), **CLOSE)
        assert found[one].p_other == pytest.approx(float(shares.other), **CLOSE)
        assert found[one].p_identical_by_chance == pytest.approx(float(shares.by_chance), **CLOSE)
    compare_jointly(case, found, right)
    assert found.recombination_mass == 0
    if set(typings["patient"]) == set(loci_of(rows)):
        assert found.phase_probability is not None
        best: dict[tuple[oracle.Haplotype, ...], Fraction] = {}
        for pair, weight in right.pairs.items():
            key = tuple(sorted(pair))
            best[key] = best.get(key, Fraction(0)) + weight
        assert found.phase_probability == pytest.approx(float(max(best.values())), **CLOSE)


@settings(max_examples=25, deadline=None)
@given(case=cases(SMALL, 2), rate=st.sampled_from([0.01, 0.2]), ratio=st.sampled_from([1.0, 1.8]))
def test_with_recombination(case: Case, rate: float, ratio: float) -> None:
    compare_with_recombination(case, replace(DEFAULT_FAMILY_POLICY, recombination={"A-B": rate}, maternal_ratio=ratio))


@settings(max_examples=15, deadline=None)
@given(
    case=cases(tuple(sorted(set(LISTED) - {*SMALL, "cousin", "grandchild", "nephew"})), 2),
    rate=st.sampled_from([0.01, 0.2]),
)
def test_with_recombination_of_more_people(case: Case, rate: float) -> None:
    # Where nothing is known the oracle lists everything there is, most of the time; `test_with_recombination` has such families.
    assume(sum(any(typing) for typing in case[1].values()) > 1)
    compare_with_recombination(case, replace(DEFAULT_FAMILY_POLICY, recombination={"A-B": rate}))


@settings(max_examples=10, deadline=None)
@given(case=cases(("siblings",), 2, 3))
def test_three_loci(case: Case) -> None:
    compare_with_recombination(case, replace(DEFAULT_FAMILY_POLICY, recombination={"A-B": 0.1, "B-DRB1": 0.05}))


@contextmanager
def leaves(summed: bool) -> Iterator[None]:
    """People without children are summed over one by one, or all are listed, whichever is less work."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inheritance, "_WAYS_A_SUM", 0 if summed else 1 << 40)
        yield


@settings(max_examples=40, deadline=None)
@given(case=cases((*SMALL, "three siblings", "two half", "half on both sides", "nephew", "grandparents"), 2),
       rate=st.sampled_from([0.0, 0.01, 0.2]))  # fmt: skip
def test_people_without_children_one_by_one(case: Case, rate: float) -> None:
    with leaves(summed=True):
        compare_with_recombination(case, replace(DEFAULT_FAMILY_POLICY, recombination={"A-B": rate}))


@settings(max_examples=5, deadline=None)
@given(case=cases(("siblings",), 2, 3))
def test_three_loci_one_by_one(case: Case) -> None:
    with leaves(summed=True):
        compare_with_recombination(case, replace(DEFAULT_FAMILY_POLICY, recombination={"A-B": 0.1, "B-DRB1": 0.05}))


PAIR = {"A": (["01:01"], ["02:01"]), "B": (["07:02"], ["08:01"])}
LOW = {"A": (["01:01", "03:01"], ["02:01"]), "B": (["07:02", "35:01"], ["08:01"])}
ONLY_A = {"A": (["01:01"], ["02:01"])}
HOMOZYGOUS = {"A": (["01:01"], ["01:01"]), "B": (["07:02"], ["07:02"])}


@pytest.mark.parametrize(
    ("family", "typings", "unavailable"),
    [
        pytest.param("five siblings", dict.fromkeys("stuv", PAIR), "", id="alike"),
        pytest.param("five siblings", dict.fromkeys("stu", PAIR), "stu", id="alike, one untyped"),
        pytest.param("five siblings", {"s": PAIR, "t": LOW, "u": ONLY_A, "v": LOW}, "s", id="mixed resolution"),
        pytest.param("five siblings", {"mother": LOW, "s": PAIR, "t": HOMOZYGOUS}, "st", id="mother and some siblings"),
        pytest.param("five siblings", {"s": HOMOZYGOUS, "t": HOMOZYGOUS, "u": HOMOZYGOUS}, "", id="all others alike"),
        pytest.param("siblings and half-siblings", dict.fromkeys("shi", PAIR), "", id="half-siblings"),
        pytest.param("siblings and half-siblings", {"s": LOW, "h": PAIR, "i": ONLY_A}, "s", id="half-siblings, mixed"),
        pytest.param("children", {"c": PAIR, "d": PAIR, "e": LOW}, "ce", id="children"),
        pytest.param("siblings and a nephew", {"s": PAIR, "t": PAIR, "n": LOW}, "", id="a sibling with a child"),
    ],
)
@pytest.mark.parametrize("rate", [0.0, 0.1])
def test_many_people_without_children(family: str, typings: Typings, unavailable: str, rate: float) -> None:
    rows = {("01:01", "07:02"): Fraction(2, 5), ("02:01", "08:01"): Fraction(2, 5), ("01:01", "08:01"): Fraction(1, 5)}
    if rate:
        del rows["01:01", "08:01"]  # two haplotypes are enough for brute force, and for recombinations to show
    # Parents share a haplotype always: that anybody does is worth asking without them.
    case = (family, {"patient": PAIR, **typings}, rows, frozenset[str](), frozenset({*unavailable, *COUPLE}))
    policy = replace(DEFAULT_FAMILY_POLICY, recombination={"A-B": rate})
    right = expected(case, policy, 1)
    for summed in (True, False):
        with leaves(summed):
            compare_to(right, case, policy)


def test_ways_alike_for_those_asked_about_but_not_for_others() -> None:
    """An aunt and a grandmother: the grandfather's alleles differ between ways in which the patient has the same."""
    typings = {"patient": (["01:01"], ["02:01"]), "gm": (["03:01"], ["01:01"]), "x": (["01:01"], ["01:01"])}
    rows = {("01:01",): Fraction(2, 5), ("02:01",): Fraction(2, 5), ("03:01",): Fraction(1, 5)}
    case = ("aunt", {name: {"A": pair} for name, pair in typings.items()}, rows, frozenset[str](), frozenset(COUPLE))
    policy = replace(DEFAULT_FAMILY_POLICY, recombination={})
    compare_to(expected(case, policy, None), case, policy)


@pytest.mark.parametrize("rate", [0.0, 0.1])
def test_a_typing_in_phase_of_whom_is_summed_over(rate: float) -> None:
    rows = {(a, b): Fraction(n, 10) for n, (a, b) in enumerate(product(("01:01", "02:01"), ("07:02", "08:01")), 1)}
    case = ("siblings", {"patient": PAIR, "s": PAIR}, rows, frozenset({"s"}), frozenset(COUPLE))
    with leaves(summed=True):
        compare_with_recombination(case, replace(DEFAULT_FAMILY_POLICY, recombination={"A-B": rate}))


@pytest.mark.parametrize("untyped", [0, 2])
def test_eight_siblings_typed_alike(untyped: int) -> None:
    """Given the parents' alleles, siblings do not depend on each other: each is typed so with the same probability."""
    shares = {"01:01": Fraction(1, 2), "02:01": Fraction(1, 3), "03:01": Fraction(1, 6)}
    total, identical, sharing, none = Fraction(0), Fraction(0), Fraction(0), Fraction(0)
    for alleles in product(shares, repeat=4):
        weight = math.prod(shares[allele] for allele in alleles)
        ways = [(i, j) for i, j in product((0, 1), (2, 3)) if sorted((alleles[i], alleles[j])) == ["01:01", "02:01"]]
        for own in ways:  # the patient's; of each sibling one of the four
            of_eight = weight * Fraction(len(ways), 4) ** 8
            total += of_eight
            identical += of_eight / len(ways)
            sharing += of_eight * sum(len({*own} & {*other}) == 1 for other in ways) / len(ways)
            none += of_eight * Fraction(4 - len(ways), 4) ** untyped
    typing = am.Phenotype("A*01:01+A*02:01")
    typed = [Relative("sister", typing, available=False) for _ in range(8)]
    answer = assess_family(
        Patient(typing),
        [*typed, *[Relative("brother")] * untyped],
        NOM,
        loci=["A"],
        frequencies=frequencies({(allele,): share for allele, share in shares.items()}),
    )
    assert not answer.problems
    for one in answer.members[:8]:
        assert one.p_identical == pytest.approx(float(identical / total), **CLOSE)
        assert one.p_haploidentical == pytest.approx(float(sharing / total), **CLOSE)
        assert one.p_identical + one.p_identical_by_chance == pytest.approx(1, **CLOSE)
    assert answer.p_any_identical == pytest.approx(float(1 - none / total), **CLOSE)


def test_people_without_children_are_named_and_labelled_alike() -> None:
    """A recombination is said, and haplotypes are labelled, of whom is summed over as of whom is listed."""

    def typed(*haplotypes: str) -> am.Phenotype:
        return am.Phenotype("^".join("+".join(pair) for pair in zip(*(h.split("~") for h in haplotypes), strict=True)))

    a, b, c, d = "A*01:01~B*08:01", "A*02:01~B*07:02", "A*03:01~B*35:01", "A*24:02~B*44:02"
    relatives = [
        Relative("mother", typed(b, d)), Relative("father", typed(a, c)), Relative("sister", typed(a, d)),
        Relative("brother", typed("A*01:01~B*35:01", b)), Relative("brother", typed(c, d)),
    ]  # fmt: skip
    answers = []
    for summed in (True, False):
        with leaves(summed):
            answers.append(assess_family(Patient(typed(a, b)), relatives, NOM, loci=["A", "B"]))
    one, other = answers
    assert [(p.code, p.where) for p in one.problems] == [("recombination", "relative brother-1")]
    assert one.problems == other.problems
    assert [member.haplotypes for member in one.members] == [member.haplotypes for member in other.members]
    assert one["sister-1"].haplotypes == ("d", "a") or one["sister-1"].haplotypes == ("c", "a")


def test_a_wrong_typing_among_many_siblings() -> None:
    typing, wrong = am.Phenotype("A*01:01+A*02:01^B*07:02+B*08:01"), am.Phenotype("A*11:01+A*24:02^B*44:02+B*51:01")
    parents = [Relative("mother", typing), Relative("father", typing)]
    siblings = [Relative("sister", typing) for _ in range(9)]
    answer = assess_family(Patient(typing), [*parents, *siblings, Relative("brother", wrong)], NOM, loci=["A", "B"])
    assert [(p.code, p.where) for p in answer.problems] == [("Mendelian error", "relative brother-1")]


def compare_with_recombination(case: Case, policy: FamilyPolicy) -> None:
    right = expected(case, policy, 1)
    if not right.likelihood:
        reject()
    compare_to(right, case, policy)


def compare_to(right: oracle.Answer, case: Case, policy: FamilyPolicy) -> None:
    name = case[0]
    found = found_in(case, policy)
    for one in FAMILIES[name][0]:
        shares = right.people[one]
        assert found[one].p_identical == pytest.approx(float(shares.identical), **CLOSE)
        assert found[one].p_haploidentical == pytest.approx(float(shares.haploidentical), **CLOSE)
        assert found[one].p_other == pytest.approx(float(shares.other), **CLOSE)
        assert found[one].p_identical_by_chance == pytest.approx(float(shares.by_chance), **CLOSE)
    compare_jointly(case, found, right)


def compare_jointly(case: Case, found: FamilyAnswer, right: oracle.Answer) -> None:
    name, typings, _, _, unavailable = case
    if any(one in FAMILIES[name][0] and one not in unavailable and not typings.get(one) and not typings.get(parent)
           for one, parent in LOWER.items()):  # fmt: skip
        # Chance through two outsiders in a row counts as independent: no more is sure than what descent says.
        assert found.p_any_identical >= float(right.any_identical) - 1e-9
        return
    assert found.p_any_identical == pytest.approx(float(right.any_alike), **CLOSE)
    assert found.p_any_haploidentical == pytest.approx(float(right.any_haploidentical), **CLOSE)


@pytest.mark.parametrize("rate", [0.01, 0.2])
def test_chance_where_a_typing_says_nothing_of_a_recombined_chromosome(rate: float) -> None:
    """A sister typed at B only may have a chromosome of the patient's at A, which her typing does not make unknown."""
    rows = {("01:01", "07:02"): Fraction(3, 5), ("01:01", "08:01"): Fraction(2, 5)}
    typings: Typings = {
        "patient": {"A": (["01:01"], ["01:01"]), "B": (["07:02"], ["08:01"])},
        "s": {"B": (["07:02"], ["08:01"])},
    }
    for family in ("siblings", "three siblings"):
        case = (family, typings, rows, frozenset[str](), frozenset({"s"}))
        compare_with_recombination(case, replace(DEFAULT_FAMILY_POLICY, recombination={"A-B": rate}))


@pytest.mark.parametrize(
    ("family", "available", "by_descent"),
    [
        ("three siblings", ("s",), Fraction(3, 4)),
        ("three siblings", ("s", "t"), Fraction(15, 16)),
        ("aunt", ("x",), Fraction(1, 2)),
        ("aunt", ("x", "gf"), Fraction(3, 4)),
    ],
)
@pytest.mark.parametrize("second", ["01", "02"])
def test_haploidentical_by_descent_or_alike_by_chance(
    family: str, available: tuple[str, ...], by_descent: Fraction, second: str
) -> None:
    """Relatives may have the patient's alleles from other chromosomes: few haplotypes, and nobody typed but the patient."""
    names = ALLELES["A"][:2], ALLELES["B"][:2]
    rows = {(names[0][0], names[1][0]): Fraction(3, 4), (names[0][1], names[1][1]): Fraction(1, 4)}
    at = int(second) - 1
    typing = {locus: ([alleles[0]], [alleles[at]]) for locus, alleles in zip(("A", "B"), names, strict=True)}
    unavailable = frozenset(FAMILIES[family][0]) - set(available)
    case = (family, {"patient": typing}, rows, frozenset[str](), unavailable)
    policy = replace(DEFAULT_FAMILY_POLICY, recombination={"A-B": 0.0})
    right = expected(case, policy, None)
    assert by_descent < right.any_haploidentical < 1  # chance adds something
    assert found_in(case, policy).p_any_haploidentical == pytest.approx(float(right.any_haploidentical), **CLOSE)
