"""The oracle's order of hits: every key of the default policy by itself, and the order in which they decide.

What: two hits that differ in one thing, for each thing; policies that leave keys out or turn them round; words for chances.
Why: the core's ranking is held against this one.
"""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference.ranking import DEFAULT, KEYS, PatientFactors, Ranked, category, ranked

PATIENT = PatientFactors(cmv="N", abo="A")


def chances(*percents: float) -> tuple[Fraction, ...]:
    return tuple(Fraction(str(p)) / 100 for p in percents)


# Better before worse; each pair differs in the key named, and in what comes after it turned the other way round.
ORDERED: list[tuple[str, Ranked, Ranked]] = [
    ("p0", Ranked("z", 0, 2, chances(60, 30, 10)), Ranked("a", 0, 1, chances(50, 50, 0))),
    ("p1", Ranked("z", 0, 2, chances(60, 30, 10)), Ranked("a", 0, 2, chances(60, 20, 20))),
    # The same whole percent is the same class, and the next key decides.
    ("potential", Ranked("z", 0, 1, chances("60.4", "39.6")), Ranked("a", 1, 1, chances("60.41", "39.59"))),
    ("potential", Ranked("z", 0, 5), Ranked("a", 0, 6)),  # up to 4 mismatches the keys before tell
    ("grades", Ranked("z", 0, 0, grades=("gDNA", "protein")), Ranked("a", 0, 0, grades=("protein", "protein"))),
    ("dpb1", Ranked("z", 0, 0, dpb1="permissive"), Ranked("a", 0, 0, dpb1="non-permissive HvG")),
    (
        "leader",
        Ranked("z", 1, 1, leader_matched=True, one_b_mismatch=True),
        Ranked("a", 1, 1, leader_matched=False, one_b_mismatch=True, attributes={"birth_year": 2000}),
    ),
    (
        "age",
        Ranked("z", 0, 0, attributes={"birth_year": 1999}),
        Ranked("a", 0, 0, attributes={"birth_year": 1998, "cmv": "N"}),
    ),
    (
        "cmv",
        Ranked("z", 0, 0, attributes={"cmv": "N"}),
        Ranked("a", 0, 0, attributes={"cmv": "P", "abo": "A"}),
    ),
    ("abo", Ranked("z", 0, 0, attributes={"abo": "A"}), Ranked("a", 0, 0, attributes={"abo": "O", "sex": "M"})),
    (
        "sex",
        Ranked("z", 0, 0, attributes={"sex": "M"}),
        Ranked("a", 0, 0, attributes={"sex": "F", "last_contact": "2024-05-31"}),
    ),
    (
        "last_contact",
        Ranked("z", 0, 0, attributes={"last_contact": "2024-05-31"}),
        Ranked("a", 0, 0, attributes={"last_contact": "2023-12-31"}),
    ),
    ("donor id", Ranked("a", 0, 0), Ranked("z", 0, 0)),
]


@pytest.mark.parametrize(("key", "better", "worse"), ORDERED, ids=[key for key, *_ in ORDERED])
def test_each_key_decides_before_the_next(key: str, better: Ranked, worse: Ranked) -> None:
    assert ranked([worse, better], PATIENT) == [better, worse]
    if key in KEYS:
        # Without it, and those before it, the other one is not behind by it any more.
        policy = [other for other in DEFAULT if other != key]
        assert ranked([worse, better], PATIENT, policy) == [worse, better]


def test_the_order_of_values_within_a_key() -> None:
    def order(hits: list[Ranked]) -> None:
        for some in permutations(hits):
            assert ranked(some, PATIENT) == hits

    verdicts = ("matched", "permissive", "unknown", "non-permissive HvG", "non-permissive GvH")
    order([Ranked("d", 0, 0, dpb1=verdict) for verdict in verdicts])  # type: ignore[arg-type]
    order([Ranked("d", 0, 0, attributes=known) for known in ({"cmv": "N"}, {}, {"cmv": "P"})])
    order([Ranked("d", 0, 0, attributes=known) for known in ({"birth_year": 2000}, {"birth_year": 1970}, {})])
    sexes = [{"sex": "M"}, {}, {"sex": "F"}]
    order([Ranked("d", 0, 0, attributes=known) for known in sexes])
    never = Ranked("a", 0, 0, attributes={"sex": "F", "parous": False})
    assert ranked([Ranked("b", 0, 0, attributes={"sex": "M"}), never])[0] == never
    order([Ranked("d", 1, 1, leader_matched=known, one_b_mismatch=True) for known in (True, None, False)])


def test_leaders_count_only_where_b_has_one_mismatch() -> None:
    hits = [Ranked(i, 1, 1, leader_matched=known) for i, known in (("a", False), ("b", None), ("c", True))]
    assert ranked(hits[::-1]) == hits


def test_without_probabilities_the_potential_counts_decide() -> None:
    # Certain before half, half before a tenth, a tenth before nobody knows, that before never.
    hits = [
        Ranked("e", 0, 0),
        Ranked("d", 0, 2, chances(50, 50, 0)),
        Ranked("c", 0, 2, chances(10, 90, 0)),
        Ranked("b", 0, 2),
        Ranked("a", 1, 1, chances(0, 100, 0)),
    ]
    for some in permutations(hits):
        assert ranked(some) == hits


def test_policies_are_data() -> None:
    old, young = (Ranked(i, 0, n, attributes={"birth_year": y}) for i, n, y in (("b", 0, 1970), ("a", 1, 2000)))
    assert ranked([old, young]) == [old, young]
    assert ranked([old, young], policy=("age", "potential")) == [young, old]
    assert ranked([old, young], policy=()) == [young, old]
    with pytest.raises(ValueError, match=r"\['height'\] are none of the keys"):
        ranked([], policy=("age", "height"))


@given(
    st.lists(st.sampled_from([hit for _, *pair in ORDERED for hit in pair]), max_size=8),
    st.randoms(use_true_random=False),
)
def test_the_order_is_total(hits: list[Ranked], chance: random.Random) -> None:
    numbered = [replace(hit, donor_id=f"{hit.donor_id}{i}") for i, hit in enumerate(hits)]
    shuffled = list(numbered)
    chance.shuffle(shuffled)
    assert ranked(shuffled, PATIENT) == ranked(numbered, PATIENT)


def test_words_for_chances() -> None:
    assert [category(Fraction(p)) for p in ("1", "0.995", "0.9949", "0.0051", "0.005", "0")] == [
        "probable",
        "probable",
        "possible",
        "possible",
        "unlikely",
        "unlikely",
    ]
    assert category(Fraction("0.8"), probable=Fraction("0.75")) == "probable"
    assert category(Fraction("0.05"), unlikely=Fraction("0.1")) == "unlikely"
