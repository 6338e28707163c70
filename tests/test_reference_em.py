"""The oracle's EM: an iteration by hand, the likelihood, and frequencies that come back from the people they made.

What: steps whose result can be worked out, hypothesis on small samples, and a sample in the exact proportions of known
frequencies. Why: the core's EM is held against this one.
"""

from __future__ import annotations

import math
from itertools import combinations_with_replacement, pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prediction_strategies import PersonDraw, people
from reference.em import Group, Start, diplotypes, estimate, log_likelihood, starting_values, step, weight
from reference.haplotypes import Haplotype
from reference.imputation import impute
from reference.nomenclature import TwoField
from reference.phenotype import parse_phenotype
from strategies import oracle_two_field

CLASSES = {"A": ["A*01:01", "A*02:01"], "B": ["B*07:02", "B*08:01"]}
STARTS: tuple[Start, ...] = ("uniform", "shares")
AB, AC, BB, BC = product(CLASSES["A"], CLASSES["B"])  # 01~07, 01~08, 02~07, 02~08


def group(text: str, people: int = 1) -> Group:
    return Group(diplotypes(parse_phenotype(text), CLASSES, TwoField()), people)


def test_diplotypes_of_a_phenotype() -> None:
    assert group("A*01:01+A*02:01^B*07:02+B*08:01").diplotypes == ((AB, BC), (AC, BB))
    assert group("A*01:01~B*07:02+A*02:01~B*08:01").diplotypes == ((AB, BC),)
    assert group("A*01:01+A*01:01").diplotypes == ((AB, AB), (AB, AC), (AC, AC))
    assert len(group("").diplotypes) == 10
    assert group("A*03:01").diplotypes == ()


def test_a_step_by_hand() -> None:
    # One person in two phases, one who is 01~07 twice. From all the same, the phases are as likely.
    groups = [group("A*01:01+A*02:01^B*07:02+B*08:01"), group("A*01:01^B*07:02")]
    start = starting_values(groups, "uniform")
    assert start == dict.fromkeys((AB, AC, BB, BC), 0.25)
    once = step(groups, start)
    assert once == {AB: 2.5 / 4, AC: 0.5 / 4, BB: 0.5 / 4, BC: 0.5 / 4}
    # Now 01~07 with 02~08 is (5 * 1) to (1 * 1) as likely as the other phase.
    twice = step(groups, once)
    assert twice == pytest.approx({AB: (2 + 5 / 6) / 4, AC: 1 / 24, BB: 1 / 24, BC: 5 / 24})
    assert log_likelihood(groups, start) == pytest.approx(math.log(4 / 16) + math.log(1 / 16))
    # In the end there is one phase: 01~07 in 3 of 4 haplotypes.
    found, likelihoods = estimate(groups)
    assert found == pytest.approx({AB: 0.75, AC: 0, BB: 0, BC: 0.25}, abs=1e-6)
    assert likelihoods[-1] == pytest.approx(math.log(2 * 0.75 * 0.25) + math.log(0.75**2))


def test_starting_values() -> None:
    # The people count, and each of a person's diplotypes the same.
    groups = [group("A*01:01+A*02:01^B*07:02+B*08:01", 3), group("A*01:01^B*07:02", 1)]
    assert starting_values(groups) == {AB: 3.5 / 8, AC: 1.5 / 8, BB: 1.5 / 8, BC: 1.5 / 8}
    with pytest.raises(ValueError, match="anybody"):
        starting_values([group("A*03:01")])


def test_people_whom_nothing_explains_say_nothing() -> None:
    some = [group("A*01:01^B*07:02+B*08:01", 2)]
    assert estimate([*some, group("A*03:01", 5)]) == estimate(some)
    # Nor does a haplotype that was given no frequency come back.
    start = {AB: 0.5, AC: 0.0, BB: 0.0, BC: 0.5}
    assert estimate([*some, group("A*01:01+A*02:01^B*07:02+B*08:01")], start)[0] == {AB: 0.5, AC: 0, BB: 0, BC: 0.5}


@pytest.mark.parametrize("start", STARTS)
def test_known_frequencies_come_back(start: Start) -> None:
    truth: dict[Haplotype, int] = {AB: 40, AC: 10, BB: 15, BC: 35}
    # Everybody that there would be among ten thousand people, typed without phase.
    groups: list[Group] = []
    for h, k in combinations_with_replacement(truth, 2):
        unphased = "^".join("+".join(pair) for pair in zip(h, k, strict=True))
        groups.append(group(unphased, truth[h] * truth[k] * (1 if h == k else 2)))
    assert sum(g.people for g in groups) == 10_000
    found, _ = estimate(groups, start, least_gain=1e-12)
    assert found == pytest.approx({h: n / 100 for h, n in truth.items()}, abs=1e-4)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["A*01:01", "A*01:01+A*02:01", "A*02:01", "A*01:01+A*01:01/A*02:01", ""]),
            st.sampled_from(["B*07:02", "B*07:02+B*08:01", "B*08:01", "B*07:XX+B*08:01|B*08:01", ""]),
            st.integers(1, 9),
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from(STARTS),
)
def test_the_likelihood_never_falls(sample: list[tuple[str, str, int]], start: Start) -> None:
    groups = [group("^".join(part for part in (a, b) if part), n) for a, b, n in sample]
    found, likelihoods = estimate(groups, start, most_steps=50)
    assert math.fsum(found.values()) == pytest.approx(1)
    for before, after in pairwise(likelihoods):
        assert after >= before - 1e-9 * abs(before)


@given(people(oracle_two_field()))
def test_weights_are_those_of_imputation(drawn: PersonDraw) -> None:
    """With the classes of a set, the diplotypes of EM that have a weight are the set's, and the weights are the same."""
    nom = oracle_two_field()
    person = drawn.person(nom)
    classes = {at: sorted(person.first.classes(at)) for at in person.loci if at in person.first.loci}
    if math.prod(map(len, classes.values())) > 60 or person.second is not None:
        return
    frequencies = {h: float(f) for h, f in person.first.frequencies.items()}
    found = {d: weight(d, frequencies) for d in diplotypes(person.phenotype, classes, nom)}
    expected = impute(person.phenotype, person.first, nom).weights
    assert {d for d, w in found.items() if w > 0} == set(expected)
    assert {d: found[d] for d in expected} == pytest.approx({d: float(w) for d, w in expected.items()}, rel=1e-12)
