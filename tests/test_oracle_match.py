"""The core's comparison of two phenotypes is the oracle's.

What: all six counts of `allomatch.match` at every locus, for random typings of every form, both null policies, without
data and under a release; every pair of a small set of typings, so that no combination of nulls, homozygosity and
ambiguity is left to chance; and the sums over loci. Why: these counts are what every search and every rank is made of.
"""

from __future__ import annotations

from itertools import combinations_with_replacement, product

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import allomatch
from allomatch import LocusMatch, Match, Nomenclature
from reference.match import Counts, NullPolicy, Profile, match, match_locus
from reference.names import DRB345
from reference.nomenclature import LOCI, Release, TwoField
from reference.search import PRESETS
from reference.truth import needs_data
from strategies import (
    UNTYPED,
    Typing,
    gl_string,
    oracle_phenotype,
    oracle_release,
    oracle_two_field,
    release_vocabulary,
    two_field_vocabulary,
    typings,
    with_genes_once,
    written,
)

POLICIES: tuple[NullPolicy, ...] = ("explicit", "possible")
PROFILES: tuple[Profile, ...] = ("standard", "atlas")
TWO_FIELD = Nomenclature.two_field()
REFUSED = "refused"


def six(found: LocusMatch | Match | Counts) -> tuple[int, ...]:
    if isinstance(found, Counts):
        return (
            found.least,
            found.greatest,
            found.gvh_least,
            found.gvh_greatest,
            found.hvg_least,
            found.hvg_greatest,
        )
    return (found.mismatches, found.greatest, found.gvh, found.gvh_greatest, found.hvg, found.hvg_greatest)


def core_counts(
    patient: Typing,
    donor: Typing,
    locus: str,
    nomenclature: Nomenclature,
    policy: NullPolicy,
    profile: Profile = "standard",
) -> tuple[int, ...] | str:
    texts = [gl_string({locus: typing}) for typing in (patient, donor)]
    try:
        return six(allomatch.match(*texts, nomenclature, [locus], null_policy=policy, profile=profile)[locus])
    except allomatch.TypingError:
        return REFUSED


def oracle_counts(
    patient: Typing,
    donor: Typing,
    locus: str,
    nomenclature: TwoField | Release,
    policy: NullPolicy,
    profile: Profile = "standard",
) -> tuple[int, ...] | str:
    read = [oracle_phenotype({locus: typing}).typing(locus) for typing in (patient, donor)]
    try:
        return six(match_locus(*read, nomenclature, policy, profile=profile))
    except ValueError:
        return REFUSED


@pytest.mark.parametrize("policy", POLICIES)
@settings(max_examples=800)
@given(*[typings(two_field_vocabulary("A"))] * 2)
@example((("01:XX", "02:XX"),), (("01:04N", "01:XX"),))
@example((("01:XX", ""),), UNTYPED)
@example((("01:04N", "02:01N"),), UNTYPED)
@example((("01:01N", "01:01/02:01"),), (("01:01", ""), ("02:01", "01:04N/02:01")))
@example((("01:NEW", "NEW"),), (("01:XX", "02:NEW"),))
@example((("A9", "A24"),), (("24:XX", "0101"),))
def test_two_field(policy: NullPolicy, patient: Typing, donor: Typing) -> None:
    expected = oracle_counts(patient, donor, "A", oracle_two_field(), policy)
    assert expected != REFUSED
    assert core_counts(patient, donor, "A", TWO_FIELD, policy) == expected
    by_atlas = oracle_counts(patient, donor, "A", oracle_two_field(), policy, "atlas")
    assert core_counts(patient, donor, "A", TWO_FIELD, policy, "atlas") == by_atlas


@pytest.mark.parametrize("locus", [locus for locus in LOCI if locus != "A"])
def test_two_field_at_other_loci(locus: str) -> None:
    @settings(max_examples=100)
    @given(*[typings(two_field_vocabulary(locus), unknowns=True)] * 2)
    def holds(patient: Typing, donor: Typing) -> None:
        for policy, profile in product(POLICIES, PROFILES):
            expected = oracle_counts(patient, donor, locus, oracle_two_field(), policy, profile)
            assert core_counts(patient, donor, locus, TWO_FIELD, policy, profile) == expected

    holds()


# Under a release the strategy is chosen in the test, as the files may not be there when the tests are collected.
@needs_data
@pytest.mark.parametrize("locus", LOCI)
def test_release(locus: str, release: Nomenclature) -> None:
    words = release_vocabulary(locus)

    @settings(max_examples=200 if locus in ("A", "B", "DPB1") else 80)
    @given(typings(words, unknowns=True), typings(words, unknowns=True))
    def holds(patient: Typing, donor: Typing) -> None:
        for policy, profile in product(POLICIES, PROFILES):
            expected = oracle_counts(patient, donor, locus, oracle_release(), policy, profile)
            assert core_counts(patient, donor, locus, release, policy, profile) == expected

    holds()


def small_typings(positions: list[str]) -> list[Typing]:
    """Every genotype of these positions, some genotype lists, and untyped."""
    genotypes = list(combinations_with_replacement(positions, 2))
    lists: list[Typing] = [(genotypes[i], genotypes[-1 - i]) for i in range(0, len(genotypes) // 2, 3)]
    return [*((genotype,) for genotype in genotypes), *lists, UNTYPED]


@pytest.mark.parametrize("policy", POLICIES)
def test_every_pair_of_small_typings(policy: NullPolicy) -> None:
    small = small_typings(["01:01", "01:02", "02:01", "09:01N", "01:01/02:01", "01:01/01:04N", "01:XX"])
    for patient, donor in product(small, repeat=2):
        expected = oracle_counts(patient, donor, "B", oracle_two_field(), policy)
        assert core_counts(patient, donor, "B", TWO_FIELD, policy) == expected, (patient, donor)


@needs_data
@pytest.mark.parametrize("policy", POLICIES)
def test_every_pair_of_small_typings_of_a_release(policy: NullPolicy, release: Nomenclature) -> None:
    # A*02:65P is in two first fields; A*01:01:01G has a null; A*01:01 without N has none; A*43:XX is one allele.
    small = small_typings(["02:65", "74:21", "01:01", "01:01:01G", "01:01:01:02N", "01:01N/02:65P", "01:147Q", "43:XX"])
    for patient, donor in product(small, repeat=2):
        expected = oracle_counts(patient, donor, "A", oracle_release(), policy)
        assert expected != REFUSED
        assert core_counts(patient, donor, "A", release, policy) == expected, (patient, donor)


@needs_data
@pytest.mark.parametrize("locus", LOCI)
def test_names_that_a_release_lacks_are_refused(locus: str, release: Nomenclature) -> None:
    words = release_vocabulary(locus)
    first = "DRBX*NNNN" if locus == DRB345 else words.names[0]  # which makes it a typing of DRB345
    good: Typing = ((first, words.names[0]),)
    for name in words.unknown:
        bad: Typing = ((first, name),)
        for pair in ((good, bad), (bad, good), (UNTYPED, bad)):
            assert oracle_counts(*pair, locus, oracle_release(), "explicit") == REFUSED
            assert core_counts(*pair, locus, release, "explicit") == REFUSED, pair
        # Beside a known one the name is dropped.
        mixed: Typing = ((first, f"{name}/{written(locus, words.names[1])}"),)
        expected = oracle_counts(mixed, good, locus, oracle_release(), "explicit")
        assert core_counts(mixed, good, locus, release, "explicit") == expected != REFUSED


def test_a_null_is_meant_only_by_its_suffix() -> None:
    """Names that only nulls extend mean nothing without their N, under a release; an open world cannot know."""
    null: Typing = (("01:11N", "02:01"),)
    bare: Typing = (("01:11", "02:01"),)
    for pair in ((null, bare), (bare, null), (null, null), (bare, bare)):
        assert core_counts(*pair, "A", TWO_FIELD, "explicit") == oracle_counts(
            *pair, "A", oracle_two_field(), "explicit"
        )


@st.composite
def people(draw: st.DrawFn) -> dict[str, Typing]:
    loci = draw(st.permutations(LOCI))[:7]
    return with_genes_once({locus: draw(typings(two_field_vocabulary(locus))) for locus in loci})


@settings(max_examples=60)
@given(
    people(),
    people(),
    st.one_of(st.sampled_from(sorted(PRESETS)), st.lists(st.sampled_from(LOCI), min_size=1, unique=True)),
    st.sampled_from(POLICIES),
)
def test_sums_over_loci(
    patient: dict[str, Typing], donor: dict[str, Typing], loci: str | list[str], policy: NullPolicy
) -> None:
    named = PRESETS[loci] if isinstance(loci, str) else loci
    expected = match(oracle_phenotype(patient), oracle_phenotype(donor), oracle_two_field(), named, policy)
    found = allomatch.match(gl_string(patient), gl_string(donor), TWO_FIELD, loci, null_policy=policy)
    assert [each.locus for each in found.loci] == list(named)
    assert {each.locus: six(each) for each in found.loci} == {k: six(v) for k, v in expected.loci.items()}
    assert {each.locus: each.category for each in found.loci} == {k: v.category for k, v in expected.loci.items()}
    assert (six(found), found.category) == (six(expected.total), expected.total.category)


@pytest.mark.parametrize("donor", ["DRB5*NEW", "DRB3*NEW", "DRB4*NEW", "DRB3*01:NEW"])
@pytest.mark.parametrize("patient", ["DRBX*NNNN", "DRB5*NEW", "DRB3*01:NEW", "DRB5*01:01"])
def test_a_new_allele_is_of_its_gene(patient: str, donor: str) -> None:
    of_patient, of_donor = ((("DRB3*01:01", other),) for other in (patient, donor))
    for policy, profile in product(POLICIES, PROFILES):
        expected = oracle_counts(of_patient, of_donor, "DRB345", oracle_two_field(), policy, profile)
        assert core_counts(of_patient, of_donor, "DRB345", TWO_FIELD, policy, profile) == expected
