"""The core's match detail is the oracle's.

What: everything that `allomatch.match` says of a locus, for random typings of every form under a release and without
data, both null policies and profiles; every pair of a small set of typings of A, B and DPB1; and `match_table` of many
pairs at once, against `match` of each. The oracle reads the core's canonical text, so that both mean the same position
by "first". Why: grades, epitopes and leaders decide between donors of equal counts.
"""

from __future__ import annotations

from functools import cache
from itertools import combinations_with_replacement, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allomatch
from allomatch import LocusMatch, Nomenclature, Phenotype
from allomatch.detail import JOINED
from reference.detail import Facts, LocusDetail, match_detail
from reference.match import NullPolicy, Profile
from reference.names import LOCI
from reference.nomenclature import Release, TwoField
from reference.phenotype import parse_phenotype
from reference.truth import existing_data_dir, needs_data
from strategies import oracle_release, oracle_two_field, release_vocabulary
from strategies import written as written_name

POLICIES: tuple[NullPolicy, ...] = ("explicit", "possible")
PROFILES: tuple[Profile, ...] = ("standard", "atlas")
REFUSED = "refused"

# Names at which details differ, beside those of `release_vocabulary`.
MORE = {
    "A": "A2 A9 A23 A24 A203 A2403 A28 A68 A*02:NEW A*24:NEW A*NEW A*02:01g A*01:AB A*0201 A*24:02:01:02L A*01:01N",
    "B": "B7 B703 B12 B44 B15 B62 B70 B72 B16 B38 B3901 B4005 B*40:05 B*07:02 B*07:65 B*07:371 B*08:01 B*44:02 B*15:XX",
    "C": "Cw3 Cw9 Cw10 Cw7 C*12:02 C*12:03 C*03:NEW C*07:02:01G C*16:01 C*16:58",
    "DRB1": "DR6 DR14 DR1403 DR3 DR17 DR103 DR1 DRB1*01:01 DRB1*01:03 DRB1*03:01 DRB1*14:01 DRB1*14:54 DRB1*04:XX",
    "DRB3": "DR52 DRB3*02:02 DRB3*01:01 DRB3*NNNN",
    "DRB345": "DRB3*01:01 DRB3*02:02 DRB3*01:XX DRB4*01:01 DRB4*01:03:01:02N DRB5*01:01 DRB5*02:02 DRBX*NNNN DRB4*01:XX",
    "DQB1": "DQ1 DQ5 DQ6 DQ3 DQ7 DQB1*03:01 DQB1*03:02 DQB1*06:02 DQB1*06:03 DQB1*05:XX",
    "DPB1": "DPB1*04:01 DPB1*02:01 DPB1*02:02 DPB1*17:01 DPB1*09:01 DPB1*10:01 DPB1*03:01 DPB1*14:01 DPB1*61:01N DPB1*01:01 "
    "DPB1*04:02:01G DPB1*105:01 DPB1*05:01 DPB1*02:XX",
}  # fmt: skip


@cache
def oracle_facts() -> Facts:
    return Facts.of_release(existing_data_dir(), oracle_release())


@cache
def words_of(locus: str) -> tuple[str, ...]:
    """Names of a locus in full."""
    more = MORE.get(locus, "").split()
    if locus == "DRB345":
        return tuple(more)
    words = release_vocabulary(locus)
    return (*more, *(written_name(locus, name) for name in (*words.names, *words.nulls)))


@st.composite
def typing_texts(draw: st.DrawFn, words: tuple[str, ...]) -> str:
    """A typing of a locus as its part of a GL string; empty if untyped."""

    def position() -> str:
        count = draw(st.sampled_from([1, 1, 1, 1, 2, 3]))
        return "/".join(draw(st.sampled_from(words)) for _ in range(count))

    def genotype() -> str:
        first = position()
        return f"{first}+{draw(st.sampled_from([first, position(), position(), position()]))}"

    count = draw(st.sampled_from([1, 1, 1, 1, 1, 2, 0]))
    return "|".join(genotype() for _ in range(count))


def said(found: LocusMatch | LocusDetail) -> dict[str, Any]:
    """All that is said of a locus, in the same words for both."""
    if isinstance(found, LocusMatch):
        split = found.leader or found.expression
        return {
            "counts": (found.mismatches, found.greatest, found.gvh, found.gvh_greatest, found.hvg, found.hvg_greatest),
            "category": found.category,
            "orientation": found.orientation,
            "grades": found.grades,
            "confidences": found.confidences,
            "antigens": found.antigen_matches,
            "epitopes": found.tce and (found.tce.patient, found.tce.donor, found.tce.verdict),
            "two-way": split and (split.patient, split.donor, split.mismatched, split.matched),
        }
    c, e, d = found.counts, found.epitopes, found.dimorphism
    return {
        "counts": (c.least, c.greatest, c.gvh_least, c.gvh_greatest, c.hvg_least, c.hvg_greatest),
        "category": found.category,
        "orientation": found.paired.orientation,
        "grades": found.grades,
        "confidences": found.paired.confidences,
        "antigens": found.paired.antigens,
        "epitopes": e and (e.patient, e.donor, e.verdict),
        "two-way": d and (written(d.patient), written(d.donor), d.mismatched, d.matched),
    }


def written(values: tuple[str, str] | None) -> str | None:
    """`("M", "T")` as `MT`, `("high", "low")` as `high/low`."""
    if values is None:
        return None
    return next(text for texts in JOINED.values() for text in texts if text in ("".join(values), "/".join(values)))


def core_says(
    patient: str, donor: str, locus: str, nomenclature: Nomenclature, policy: NullPolicy, profile: Profile = "standard"
) -> dict[str, Any] | str:
    try:
        return said(allomatch.match(patient, donor, nomenclature, [locus], null_policy=policy, profile=profile)[locus])
    except allomatch.TypingError:
        return REFUSED


def oracle_says(
    patient: str,
    donor: str,
    locus: str,
    nomenclature: TwoField | Release,
    policy: NullPolicy,
    profile: Profile = "standard",
) -> dict[str, Any] | str:
    # Reading sorts: the oracle is given the text that the core makes of it.
    p, d = (parse_phenotype({locus: Phenotype(text)[locus]}).typing(locus) for text in (patient, donor))
    facts = oracle_facts() if isinstance(nomenclature, Release) else Facts()
    try:
        return said(match_detail(p, d, locus, nomenclature, facts, policy, profile))
    except ValueError:
        return REFUSED


@needs_data
@pytest.mark.parametrize("locus", LOCI)
def test_release(locus: str, release: Nomenclature) -> None:
    words = words_of(locus)

    @settings(max_examples=300 if locus in ("A", "B", "DRB345", "DPB1") else 100)
    @given(typing_texts(words), typing_texts(words), st.sampled_from(POLICIES), st.sampled_from(PROFILES))
    def holds(patient: str, donor: str, policy: NullPolicy, profile: Profile) -> None:
        expected = oracle_says(patient, donor, locus, oracle_release(), policy, profile)
        assert core_says(patient, donor, locus, release, policy, profile) == expected

    holds()


@needs_data
@pytest.mark.parametrize("locus", ["A", "B", "DRB345", "DPB1"])
def test_two_field(locus: str) -> None:
    words = words_of(locus)
    plain = Nomenclature.two_field()

    @settings(max_examples=200)
    @given(typing_texts(words), typing_texts(words), st.sampled_from(POLICIES), st.sampled_from(PROFILES))
    def holds(patient: str, donor: str, policy: NullPolicy, profile: Profile) -> None:
        expected = oracle_says(patient, donor, locus, oracle_two_field(), policy, profile)
        assert core_says(patient, donor, locus, plain, policy, profile) == expected

    holds()


SMALL = {
    "A": "A*02:01:01:01 A*02:01 A*02:65 A*01:01:01:02N A*01:01:01G A2 A*02:NEW",
    "B": "B*07:02 B*44:02 B*07:65 B*15:01 B62 B*44:19N",
    "DPB1": "DPB1*04:01 DPB1*02:01 DPB1*09:01 DPB1*03:01 DPB1*61:01N DPB1*105:01",
}


@needs_data
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("locus", SMALL)
def test_every_pair_of_small_typings(locus: str, policy: NullPolicy, release: Nomenclature) -> None:
    small = [f"{a}+{b}" for a, b in combinations_with_replacement(SMALL[locus].split(), 2)]
    for patient, donor in product(small, repeat=2):
        expected = oracle_says(patient, donor, locus, oracle_release(), policy)
        assert expected != REFUSED
        assert core_says(patient, donor, locus, release, policy) == expected, (patient, donor)
