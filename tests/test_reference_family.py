"""The family oracle says what Mendel says, and what can be summed by hand.

Why: it judges the family step; nobody judges it but these.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from reference.family import Answer, Child, assess, meioses

HALF, QUARTER = Fraction(1, 2), Fraction(1, 4)
COUPLE = ("mother", "father")
FOUR = {(letter,): QUARTER for letter in "abcd"}


def het(one: str, other: str) -> frozenset[tuple[str, str]]:
    return frozenset({(one, other), (other, one)})


def child(mother: str = "mother", father: str = "father", rate: Fraction | None = None) -> Child:
    rates = () if rate is None else (rate,)
    return Child(mother, father, rates, rates)


def siblings(typings: dict, haplotypes: dict, n: int = 1, **options: object) -> Answer:
    rate = options.pop("rate", None)
    names = [f"s{i}" for i in range(n)]
    children = {name: child(rate=rate) for name in ("patient", *names)}  # type: ignore[arg-type]
    return assess([*COUPLE, *children], children, typings, haplotypes, names, **options)  # type: ignore[arg-type]


def test_a_meiosis_is_all_ways_through_it() -> None:
    ways = list(meioses((Fraction(1, 10), Fraction(1, 5))))
    assert len(ways) == 8
    assert sum(probability for _, probability, _ in ways) == 1
    assert next(p for way, p, _ in ways if way == (0, 1, 1)) == HALF * Fraction(1, 10) * Fraction(4, 5)
    assert {changes for *_, changes in ways} == {0, 1, 2}


@pytest.mark.parametrize("n", [1, 2])
def test_siblings(n: int) -> None:
    answer = siblings({}, {("a",): Fraction(1)}, n)
    shares = answer.people["s0"]
    assert (shares.identical, shares.haploidentical, shares.other) == (QUARTER, HALF, QUARTER)
    assert answer.any_identical == 1 - Fraction(3, 4) ** n
    assert answer.any_alike == answer.any_identical  # of an untyped patient nothing can be compared
    assert siblings({"patient": [het("a", "a")]}, {("a",): Fraction(1)}, n).any_alike == 1  # there is but one allele


def test_parents_share_one_haplotype_and_grandparents_half() -> None:
    order = ["gm", "gf", "mother", "father", "patient"]
    children = {"mother": child("gm", "gf"), "patient": child()}
    answer = assess(order, children, {}, {("a",): Fraction(1)}, order[:4])
    assert answer.people["mother"].haploidentical == 1
    assert answer.people["gm"].haploidentical == HALF
    assert answer.people["gm"].other == HALF


def test_a_homozygous_father() -> None:
    typings = {"mother": [het("b", "c")], "father": [het("a", "a")], "patient": [het("a", "b")]}
    shares = siblings(typings, FOUR).people["s0"]
    assert (shares.identical, shares.by_chance) == (QUARTER, QUARTER)


def test_a_likelihood_by_hand() -> None:
    # A patient a/b of parents nobody typed: 2 f(a) f(b).
    rows = {("a",): Fraction(1, 5), ("b",): Fraction(3, 10), ("c",): HALF}
    assert siblings({"patient": [het("a", "b")]}, rows).likelihood == 2 * Fraction(1, 5) * Fraction(3, 10)


def test_impossible() -> None:
    answer = siblings({"mother": [het("a", "b")], "patient": [het("c", "d")]}, FOUR)
    assert answer.likelihood == 0


def test_recombination_by_hand() -> None:
    rate = Fraction(1, 10)
    rows = {("a", "b"): Fraction(1)}
    both = (1 - rate) ** 2 + rate**2  # of one parent's two meioses, both or none changes
    assert siblings({}, rows, rate=rate).people["s0"].identical == QUARTER * both**2
    few = siblings({}, rows, rate=rate, counted=("patient", "s0"), crossovers=0)
    assert few.likelihood == (1 - rate) ** 4
    assert few.people["s0"].identical == QUARTER


def test_phase_is_settled_by_a_parent() -> None:
    rows = {(x, y): Fraction(1, 4) for x in "ab" for y in "cd"}
    patient = [het("a", "b"), het("c", "d")]
    alone = siblings({"patient": patient}, rows, rate=Fraction(0))
    assert alone.pairs[("a", "c"), ("b", "d")] == QUARTER
    with_mother = siblings({"patient": patient, "mother": [het("a", "a"), het("c", "c")]}, rows, rate=Fraction(0))
    assert with_mother.pairs == {(("b", "d"), ("a", "c")): 1}
