"""The oracle's counts: the rules of SEMANTICS section 2, row by row, then by their definition on random cases.

What: the null table, the counts of resolved genotypes, ambiguity, untyped loci, the open world of XX codes, and a
lemma by which brute force stays feasible. Why: the core is held against these numbers.
"""

from __future__ import annotations

import random
from functools import cache
from itertools import product

import pytest

from reference.match import (
    Alternative,
    Category,
    Choices,
    Counts,
    NullPolicy,
    counts_of,
    match,
    match_locus,
    resolutions,
    resolved_counts,
    shrunk,
)
from reference.nomenclature import Meaning, Name, Nomenclature, Release, TwoField, UnknownNameError
from reference.phenotype import parse_phenotype
from reference.truth import existing_data_dir, has_releases, needs_data, needs_older_releases

Pair = tuple[str, str]
POLICIES: tuple[NullPolicy, ...] = ("explicit", "possible")


@cache
def release(number: str) -> Release:
    return Release(existing_data_dir(), number)


def counts(
    patient: Pair | str,
    donor: Pair | str,
    nom: Nomenclature | None = None,
    policy: NullPolicy = "explicit",
    locus: str = "A",
    shrink: bool = True,
) -> Counts:
    """The counts of two typings of one locus, each a pair or a genotype list."""
    p, d = parse_phenotype({locus: patient}), parse_phenotype({locus: donor})
    return match_locus(p.typing(locus), d.typing(locus), nom or TwoField(), policy, shrink)


def exactly(mismatches: int, gvh: int, hvg: int) -> Counts:
    return Counts(mismatches, mismatches, gvh, gvh, hvg, hvg)


# --- the null table, row by row -------------------------------------------------------------------------------------

MAC_GFJM = "02:01/02:105/02:125N"

# Patient, donor, then (category, least) under `explicit` and under `possible`.
NULL_TABLE: list[tuple[Pair, Pair, tuple[Category, int], tuple[Category, int]]] = [
    (("03:01", "01:11N"), ("03:01", "03:01"), ("match", 0), ("match", 0)),
    (("03:01", "01:11N"), ("03:01", "02:125N"), ("match", 0), ("match", 0)),
    (("03:01", "01:11N"), ("03:01", MAC_GFJM), ("mismatch", 1), ("potential", 0)),
    (("03:01", "03:01"), ("03:01", "02:XX"), ("mismatch", 1), ("potential", 0)),
    (("03:01", "03:01"), ("03:01", "01:01:01G"), ("mismatch", 1), ("potential", 0)),
    (("01:11N", "02:125N"), ("03:01", "03:01"), ("mismatch", 2), ("mismatch", 2)),
]
G_GROUP_ROW = 4  # which alleles of a G group are null is known from the files alone


@pytest.mark.parametrize("row", [i for i in range(len(NULL_TABLE)) if i != G_GROUP_ROW])
def test_null_table_two_field(row: int) -> None:
    patient, donor, *expected = NULL_TABLE[row]
    for policy, (category, least) in zip(POLICIES, expected, strict=True):
        found = counts(patient, donor, policy=policy)
        assert (found.category, found.least) == (category, least)


@needs_older_releases
@pytest.mark.parametrize("row", range(len(NULL_TABLE)))
def test_null_table_release(row: int) -> None:
    patient, donor, *expected = NULL_TABLE[row]
    for policy, (category, least) in zip(POLICIES, expected, strict=True):
        for nom in (release("3.33.0"), release("3.58.0")):
            found = counts(patient, donor, nom, policy)
            assert (found.category, found.least) == (category, least)


def test_null_rows_in_full() -> None:
    # A null that counts makes the locus homozygous; one that does not count leaves the position expressed.
    assert counts(("03:01", "01:11N"), ("03:01", MAC_GFJM)) == exactly(1, 0, 1)
    assert counts(("03:01", "01:11N"), ("03:01", MAC_GFJM), policy="possible") == Counts(0, 1, 0, 0, 0, 1)
    # Both null: nothing is expressed, so the graft can attack nothing, and all that the donor has is foreign.
    assert counts(("01:11N", "02:125N"), ("03:01", "03:01")) == exactly(2, 0, 1)
    assert counts(("01:11N", "02:125N"), ("03:01", "24:02")) == exactly(2, 0, 2)
    assert counts(("03:01", "24:02"), ("01:11N", "02:125N")) == exactly(2, 2, 0)
    assert counts(("01:11N", "02:125N"), ("01:11N", "24:09N")) == exactly(0, 0, 0)
    assert counts(("01:11N", ""), ("24:09N", "")) == exactly(0, 0, 0)


def test_string_of_nulls_alone_is_a_definite_null() -> None:
    for policy in POLICIES:
        assert counts(("03:01", "01:11N/02:125N"), ("03:01", ""), policy=policy) == exactly(0, 0, 0)
        assert counts(("03:01", "01:11N/02:125N"), ("03:01", "02:125"), policy=policy) == exactly(1, 0, 1)


def test_null_is_homozygous_for_the_same_resolution_of_the_other_position() -> None:
    # (A*02:01/02:05, null) is 02:01 twice or 02:05 twice, never one of each.
    assert counts(("02:01/02:05", "01:11N"), ("02:01", "02:05")) == exactly(1, 0, 1)
    # A blank second position repeats the text, and its resolutions are free: 02:01 and 02:05 is one of them.
    assert counts(("02:01/02:05", ""), ("02:01", "02:05")) == Counts(0, 1, 0, 0, 0, 1)


def test_expressed_suffixes_are_expressed() -> None:
    for suffix in "LSCAQ":
        assert counts(("24:02" + suffix, "03:01"), ("24:02", "03:01")) == exactly(0, 0, 0)
    assert counts(("24:02N", "03:01"), ("24:02", "03:01")) == exactly(1, 0, 1)


@needs_data
def test_null_alleles_of_a_release() -> None:
    nom = release("3.58.0")
    # A G group of nulls alone is a definite null; so is an XX code of a first field that has only nulls.
    assert counts(("40:155:01G", "07:02"), ("07:02", ""), nom, locus="B") == exactly(0, 0, 0)
    assert counts(("61:XX", "04:01"), ("04:01", ""), nom, locus="DPB1") == exactly(0, 0, 0)
    # A P group has no nulls, so that no policy finds one in it.
    for policy in POLICIES:
        assert counts(("03:01", ""), ("03:01", "01:01P"), nom, policy) == exactly(1, 0, 1)
        assert counts(("03:01", ""), ("03:01", "01:01"), nom, policy) == exactly(1, 0, 1)


# --- counts ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("patient", "donor", "expected"),
    [
        ("ab", "ab", (0, 0, 0)),
        ("ab", "ba", (0, 0, 0)),
        ("ab", "aa", (1, 1, 0)),  # SEMANTICS section 2
        ("aa", "bc", (2, 1, 2)),  # SEMANTICS section 2
        ("aa", "ab", (1, 0, 1)),
        ("aa", "bb", (2, 1, 1)),
        ("ab", "ac", (1, 1, 1)),
        ("ab", "ca", (1, 1, 1)),
        ("ab", "bc", (1, 1, 1)),
        ("ab", "cc", (2, 2, 1)),
        ("ab", "cd", (2, 2, 2)),
        ("aa", "aa", (0, 0, 0)),
        ("", "", (0, 0, 0)),
        ("", "aa", (2, 0, 1)),
        ("", "ab", (2, 0, 2)),
        ("ab", "", (2, 2, 0)),
    ],
)
def test_resolved_counts(patient: str, donor: str, expected: tuple[int, int, int]) -> None:
    assert resolved_counts(tuple(patient), tuple(donor)) == expected


def test_resolved_counts_are_symmetric() -> None:
    genotypes = [(), *((a, b) for a, b in product("abcd", repeat=2) if a <= b)]
    for patient, donor in product(genotypes, repeat=2):
        mismatches, gvh, hvg = resolved_counts(patient, donor)
        assert resolved_counts(donor, patient) == (mismatches, hvg, gvh)
        assert max(gvh, hvg) <= mismatches <= 2
        assert (mismatches == 0) == (patient == donor) == (gvh == hvg == 0)


def test_ambiguity_has_a_least_and_a_greatest() -> None:
    assert counts(("01:01", "02:01/02:05"), ("01:01", "02:05/02:06")) == Counts(0, 1, 0, 1, 0, 1)
    assert counts(("01:01", "02:01/02:05"), ("01:01", "02:06/02:07")) == exactly(1, 1, 1)
    assert counts(("01:01/02:01", "01:01/02:01"), ("01:01", "02:01")) == Counts(0, 1, 0, 0, 0, 1)
    # One donor position matches both patient positions, but only one at a time.
    assert counts(("01:01", "02:01"), ("03:01", "01:01/02:01")) == exactly(1, 1, 1)


def test_genotype_alternatives_are_never_mixed() -> None:
    assert counts("01:01+24:02|01:03+24:03", ("01:01", "24:03")) == exactly(1, 1, 1)
    assert counts("01:01/01:03+24:02/24:03", ("01:01", "24:03")) == Counts(0, 2, 0, 2, 0, 2)
    assert counts("01:01+24:02|01:03+24:03", ("01:03", "24:03")) == Counts(0, 2, 0, 2, 0, 2)
    assert counts("01:01+24:02|01:03+24:03", "01:01+24:03|01:03+24:02") == exactly(1, 1, 1)


def test_alternative_with_a_written_null() -> None:
    # Each alternative is resolved by itself: in the second the null is all that the position says, hence definite.
    for policy in POLICIES:
        assert counts("01:01+02:01|01:01+02:01N", ("01:01", ""), policy=policy) == Counts(0, 1, 0, 1, 0, 0)


def test_unknown_names_are_dropped_if_others_remain() -> None:
    class Toy(TwoField):
        def meaning(self, name: str | Name) -> Meaning:
            if str(name) == "A*99:99":
                raise UnknownNameError("A*99:99 at locus A is unknown in release toy")
            return super().meaning(name)

    assert counts(("01:01/99:99", "02:01"), ("01:01", "02:01"), Toy()) == exactly(0, 0, 0)
    with pytest.raises(ValueError, match="A\\*99:99 at locus A is unknown in release toy"):
        counts(("99:99", "02:01"), ("01:01", "02:01"), Toy())


# --- what is not known ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES)
def test_untyped(policy: NullPolicy) -> None:
    assert counts(("01:01", "02:01"), ("", ""), policy=policy) == Counts(0, 2, 0, 2, 0, 2)
    assert counts(("01:01", "01:01"), ("", ""), policy=policy) == Counts(0, 2, 0, 1, 0, 2)
    assert counts(("", ""), ("01:01", "01:01"), policy=policy) == Counts(0, 2, 0, 2, 0, 1)
    assert counts(("", ""), ("", ""), policy=policy) == Counts(0, 2, 0, 2, 0, 2)
    assert counts(("02:XX", "02:XX"), ("", ""), policy=policy) == Counts(0, 2, 0, 2, 0, 2)
    # Untyped may express nothing: only so can it match a locus of two nulls, or lack every antigen of a homozygote.
    assert counts(("01:11N", "02:125N"), ("", ""), policy=policy) == Counts(0, 2, 0, 0, 0, 2)


@needs_data
def test_untyped_release() -> None:
    nom = release("3.58.0")
    assert counts(("01:01", "02:01"), ("", ""), nom) == Counts(0, 2, 0, 2, 0, 2)
    assert counts(("02:XX", ""), ("", ""), nom) == Counts(0, 2, 0, 2, 0, 2)
    assert counts(("01:11N", ""), ("", ""), nom) == Counts(0, 2, 0, 0, 0, 2)


def test_xx_open_world() -> None:
    assert counts(("02:01", "03:01"), ("02:XX", "03:01")) == Counts(0, 1, 0, 1, 0, 1)
    assert counts(("02:01", "03:01"), ("01:XX", "03:01")) == exactly(1, 1, 1)
    # Of an XX code against itself all may match and all may differ, for there is always one more allele.
    assert counts(("02:XX", "02:XX"), ("02:XX", "02:XX")) == Counts(0, 2, 0, 2, 0, 2)
    assert counts(("02:XX", "03:XX"), ("02:XX", "03:XX")) == Counts(0, 2, 0, 2, 0, 2)
    assert counts(("02:XX", "03:XX"), ("02:XX", "24:XX")) == Counts(1, 2, 1, 2, 1, 2)
    assert counts(("02:XX", "01:11N"), ("02:01", "02:05")) == Counts(1, 2, 0, 1, 1, 2)
    assert counts(("02:XX", ""), ("02:01", "02:05")) == Counts(0, 2, 0, 2, 0, 2)


def test_xx_needs_further_unnamed_alleles() -> None:
    # Both name 02:01 and 02:05 and nothing else of A*02: without unnamed alleles (02:XX, 02:XX) could not miss both.
    assert counts("02:01+02:05", ("02:XX", "")).greatest == 2
    assert counts("02:01+02:05", ("02:XX", "")).hvg_greatest == 2
    # Three different unnamed alleles at once: two of the patient, and the donor has neither.
    assert counts(("02:XX", "02:XX"), ("02:XX", "02:XX")).gvh_greatest == 2


@needs_data
def test_xx_closed_world() -> None:
    nom = release("3.58.0")
    # A*43 has few alleles and one P group: of the XX code only what the release lists.
    listed = nom.ards("A*43:XX")
    assert len(listed) == len({nom.ard(a) for a in nom.members("A*43:XX")} - {None})
    assert counts(("01:01", "01:01"), ("01:XX", "01:XX"), nom) == Counts(0, 2, 0, 1, 0, 2)
    assert counts(("81:XX", "81:XX"), ("81:XX", "81:XX"), nom, locus="B").least == 0
    assert counts(("1726:XX", ""), ("02:01", ""), nom, locus="DPB1") == exactly(0, 0, 0)  # DPB1*1726 is in 02:01P alone


# --- the lemma ------------------------------------------------------------------------------------------------------


def random_choices(rng: random.Random, groups: str) -> Choices:
    chosen = frozenset(rng.sample(groups, rng.randint(0, len(groups))))
    return Choices(chosen, null=not chosen or rng.random() < 0.3)


@pytest.mark.parametrize("seed", range(4))
def test_shrinking_changes_no_count(seed: int) -> None:
    rng = random.Random(seed)
    dropped = 0
    for _ in range(250):
        alternatives: list[Alternative] = [
            (random_choices(rng, "abcdefgh"), random_choices(rng, "abcdefgh")) for _ in range(rng.choice([2, 2, 3]))
        ]
        patient, donor = alternatives[:1], alternatives[1:]
        assert counts_of(patient, donor) == counts_of(patient, donor, shrink=False)
        small = shrunk(patient[0], donor[0])
        dropped += sum(len(c.groups) for c in patient[0]) - sum(len(c.groups) for c in small[0])
    assert dropped > 100  # the lemma had something to do


@pytest.mark.parametrize("seed", range(3))
def test_shrinking_typings_changes_no_count(seed: int) -> None:
    rng = random.Random(seed)
    items = ["01:01", "01:02", "02:01", "02:05", "02:06", "02:07", "01:11N", "02:XX", "01:XX", "02:01/05/06/07N"]
    for _ in range(100):
        patient, donor = ((rng.choice(items), rng.choice([*items, ""])) for _ in range(2))
        for policy in POLICIES:
            full = counts(patient, donor, policy=policy, shrink=False)
            assert counts(patient, donor, policy=policy) == full
            # Who is the patient changes only the direction.
            back = counts(donor, patient, policy=policy)
            assert back == Counts(
                full.least, full.greatest, full.hvg_least, full.hvg_greatest, full.gvh_least, full.gvh_greatest
            )


def test_resolutions_apply_the_null_rule() -> None:
    a, ab = Choices(frozenset("a"), null=False), Choices(frozenset("ab"), null=True)
    null = Choices(frozenset(), null=True)
    assert resolutions((a, null)) == {("a", "a")}
    assert resolutions((null, null)) == {()}
    assert resolutions((a, ab)) == {("a", "a"), ("a", "b")}
    assert resolutions((ab, null)) == {("a", "a"), ("b", "b"), ()}


# --- several loci ---------------------------------------------------------------------------------------------------


def test_match_sums_over_loci() -> None:
    patient = parse_phenotype("A*01:01+A*02:01^B*07:02+B*08:01^C*07:01+C*07:02")
    donor = parse_phenotype("A*01:01+A*01:01^B*07:02+B*08:XX")
    found = match(patient, donor, TwoField(), ("A", "B", "C"))
    assert found.loci["A"] == exactly(1, 1, 0)
    assert found.loci["B"] == Counts(0, 1, 0, 1, 0, 1)
    assert found.loci["C"] == Counts(0, 2, 0, 2, 0, 2)
    assert found.total == Counts(1, 4, 1, 4, 0, 3)
    assert [found.loci[locus].category for locus in "ABC"] == ["mismatch", "potential", "potential"]
    with pytest.raises(ValueError, match="once"):
        match(patient, donor, TwoField(), ("A", "A"))
    with pytest.raises(ValueError, match="loci"):
        match(patient, donor, TwoField(), ())
    with pytest.raises(ValueError, match="null policy"):
        match(patient, donor, TwoField(), ("A",), "atlas")  # type: ignore[arg-type]


# --- NEW, absence, unknown members, and the rules of Atlas ----------------------------------------------------------


@pytest.mark.parametrize("policy", POLICIES)
def test_new_matches_nothing_certainly(policy: NullPolicy) -> None:
    null = int(policy == "possible")
    for nom in (None, *([release("3.58.0")] if has_releases("3.58.0") else [])):
        assert counts(("02:NEW", "01:01"), ("02:01", "01:01"), nom, policy).least == 0
        assert counts(("02:NEW", "01:01"), ("02:01", "01:01"), nom, policy).greatest == 1
        assert counts(("02:NEW", "01:01"), ("02:NEW", "01:01"), nom, policy).greatest == 1
        assert counts(("02:NEW", ""), ("02:NEW", ""), nom, policy) == Counts(0, 2, 0, 2, 0, 2)
        assert counts(("NEW", "01:01"), ("02:NEW", "01:01"), nom, policy).least == 0
        assert counts(("02:NEW", "01:01"), ("02:XX", "01:01"), nom, policy).least == 0
        # An expressed allele of another first field is none of A*02; it may be homozygous for the other one if null.
        assert counts(("02:NEW", "01:01"), ("03:01", "01:01"), nom, policy).least == 1
        assert counts(("02:NEW", "01:01"), ("01:01", "01:01"), nom, policy).least == 1 - null
        assert counts(("NEW", "01:01"), ("03:01", "01:01"), nom, policy).category == "potential"


def test_new_of_unlike_first_fields_share_nothing() -> None:
    assert counts(("02:NEW", "01:01"), ("03:NEW", "01:01")).least == 1
    assert counts(("10:NEW", "01:01"), ("100:NEW", "01:01")).least == 1
    assert counts(("NEW", "01:01"), ("NEW", "01:01")) == Counts(0, 1, 0, 1, 0, 1)


@pytest.mark.parametrize("policy", POLICIES)
def test_absent_genes(policy: NullPolicy) -> None:
    def at_drb345(patient: Pair, donor: Pair) -> Counts:
        return counts(patient, donor, policy=policy, locus="DRB345")

    absent, drb3, drb4 = "DRBX*NNNN", "DRB3*01:01", "DRB4*01:03"
    assert at_drb345((drb3, drb4), (drb4, drb3)) == exactly(0, 0, 0)
    assert at_drb345((drb3, drb4), (drb3, "DRB4*01:01")) == exactly(1, 1, 1)
    assert at_drb345((drb3, "DRB4*01:XX"), (drb3, drb4)).category == "potential"
    assert at_drb345(("DRB3*01:01", absent), ("DRB4*01:01", absent)) == exactly(2, 1, 1)  # one name, two genes
    # Absence is no protein, like a null.
    assert at_drb345((drb3, absent), (drb3, drb3)) == exactly(0, 0, 0)
    assert at_drb345((drb3, absent), (drb3, "DRB4*01:03:01:02N")) == exactly(0, 0, 0)
    assert at_drb345((drb3, absent), (drb3, drb4)) == exactly(1, 0, 1)
    assert at_drb345((absent, absent), (absent, "")) == exactly(0, 0, 0)
    assert at_drb345((absent, absent), (drb3, drb4)) == exactly(2, 0, 2)
    # Absence is a result, untyped is none.
    assert at_drb345((absent, absent), ("", "")) == Counts(0, 2, 0, 0, 0, 2)
    assert at_drb345(("DR52", absent), ("DR52", absent)) == Counts(0, 2, 0, 1, 0, 1)


def test_antigens_match_by_their_alleles() -> None:
    assert counts(("A2", "01:01"), ("02:05", "01:01")) == Counts(0, 1, 0, 1, 0, 1)
    assert counts(("A9", "01:01"), ("24:02", "01:01")) == Counts(0, 1, 0, 1, 0, 1)
    assert counts(("A9", "01:01"), ("A24", "01:01")).category == "potential"
    assert counts(("A23", "01:01"), ("A24", "01:01")).least == 1
    assert counts(("A9", "A9"), ("23:01", "24:02")).least == 0
    # An antigen is expressed, whatever the policy.
    for policy in POLICIES:
        assert counts(("A2", "01:01"), ("01:01", "01:01"), policy=policy).least == 1


@needs_data
def test_antigens_match_by_their_alleles_in_a_release() -> None:
    nom = release("3.58.0")
    assert counts(("A9", "01:01"), ("24:02", "01:01"), nom).category == "potential"
    assert counts(("A23", "01:01"), ("A24", "01:01"), nom).category == "potential"  # A*24:19 is known as A9 alone
    assert counts(("A23", "01:01"), ("24:02", "01:01"), nom).least == 1
    assert counts(("B5102", "07:02"), ("51:01", "07:02"), nom, locus="B").least == 1
    assert counts(("B51", "07:02"), ("51:02", "07:02"), nom, locus="B").least == 0


@needs_data
def test_old_names_match_as_the_new_ones() -> None:
    nom = release("3.58.0")
    for old, new in [("0201", "02:01"), ("9201", "02:101"), ("23:69", "23:01:01:01"), ("01:34N", "01:01:38L")]:
        assert counts((old, "03:01"), (new, "03:01"), nom) == exactly(0, 0, 0)
    # B*07:44 turned out to be a null.
    assert counts(("07:44", "08:01"), ("08:01", "08:01"), nom, locus="B") == exactly(0, 0, 0)


def test_rules_of_atlas() -> None:
    def by_atlas(patient: Pair, donor: Pair) -> Counts:
        p, d = parse_phenotype({"A": patient}), parse_phenotype({"A": donor})
        return match_locus(p.typing("A"), d.typing("A"), TwoField(), profile="atlas")

    assert by_atlas(("NEW", "01:01"), ("02:01", "01:01")) == exactly(1, 1, 1)
    assert by_atlas(("02:NEW", "01:01"), ("02:NEW", "01:01")) == exactly(1, 1, 1)
    assert by_atlas(("NEW", "NEW"), ("02:XX", "01:XX")).least == 2
    assert by_atlas(("NEW", "01:01"), ("", "")) == Counts(0, 2, 0, 2, 0, 2)
    assert by_atlas(("01:11N", "02:125N"), ("24:09N", "02:125N")) == exactly(0, 0, 0)
    with pytest.raises(ValueError, match="no multiple allele codes"):
        by_atlas(("02:01/02:AB", "01:01"), ("02:01", "01:01"))
    assert counts(("02:01/02:AB", "01:01"), ("02:01", "01:01")) == exactly(0, 0, 0)
    with pytest.raises(ValueError, match="profile"):
        match_locus(None, None, TwoField(), profile="hap-e")  # type: ignore[arg-type]
