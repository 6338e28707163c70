"""The oracle's probabilities of a pair, held against an engine's facts, then rule by rule.

What: every prediction fact of Atlas, exactly, and where ours differs on purpose (docs/science.md); certain and
unrepresented people, positions, nulls, epitopes, each by a case whose answer can be seen. Why: the core is held against
these numbers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from functools import cache
from typing import Any

import pytest

from reference.detail import Facts
from reference.haplotypes import FrequencySet, carried
from reference.nomenclature import Nomenclature, Release, TwoField
from reference.phenotype import Phenotype, parse_phenotype
from reference.prediction import (
    EPITOPE_VERDICTS,
    Distribution,
    EpitopeVerdict,
    LocusChances,
    Person,
    Prediction,
    certain_genotype,
    distribution,
    mismatched_positions,
    posteriors,
    predict,
)
from reference.ranking import category
from reference.truth import engine_cases, existing_data_dir, needs_data, needs_truth
from strategies import oracle_release

LOCI = ("A", "B", "C", "DQB1", "DRB1")
HALF = Fraction(1, 2)


# --- facts of another engine ----------------------------------------------------------------------------------------


@cache
def release(number: str) -> Release:
    return oracle_release() if number == "3.58.0" else Release(existing_data_dir(), number)


def engine_set(haplotypes: Sequence[Mapping[str, str]], nom: Nomenclature) -> FrequencySet:
    return carried([([h[at] for at in LOCI], Fraction(h["frequency"])) for h in haplotypes], LOCI, nom)


def engine_phenotype(typed: Mapping[str, Sequence[str | None]], without: Sequence[str] = ()) -> Phenotype:
    return parse_phenotype(
        {at: [(text or "").lstrip("*") for text in pair] for at, pair in typed.items() if at not in without}
    )


def decimals(chance: Fraction) -> Decimal:
    """A probability as the engine's decimals write it: 28 decimal places."""
    with localcontext() as context:
        context.prec = 60
        exact = Decimal(chance.numerator) / Decimal(chance.denominator)
        return exact.quantize(Decimal(1).scaleb(-28), ROUND_HALF_EVEN)


def percents(found: Distribution) -> list[int]:
    return [round(chance * 100) for chance in found]


def assert_as_engine(found: Prediction, expected: Mapping[str, Any], case: str) -> None:
    """The facts of one case, of whichever kind they are."""
    if "all_probabilities_null" in expected:
        assert found.patient_unrepresented is expected["is_patient_unrepresented"], case
        assert found.donor_unrepresented is expected["is_donor_unrepresented"], case
        assert (found.mismatches, found.gvh, found.hvg, found.by_locus) == (None, None, None, None)
        return
    assert found.mismatches is not None, case
    assert found.by_locus is not None, case
    if "decimal" in expected:
        for k, value in expected["decimal"].items():
            assert decimals(found.mismatches[int(k)]) == Decimal(value), case
        for locus, values in expected["per_locus_decimal"].items():
            for k, value in values.items():
                assert decimals(found.by_locus[locus].mismatches[int(k)]) == Decimal(value), (case, locus)
    elif "percent" in expected:
        for k, percent in expected["percent"].items():
            assert percents(found.mismatches)[int(k)] == percent, case
    elif "per_locus_percent" in expected:
        for locus, values in expected["per_locus_percent"].items():
            assert percents(found.by_locus[locus].mismatches) == [values[k] for k in "012"], (case, locus)
    elif "overall_match_count" in expected:
        assert found.mismatches[10 - expected["overall_match_count"]] == 1, case
    else:
        assert sorted(found.loci) == sorted(expected["loci_reported"]), case


def engine_prediction(case: Mapping[str, Any], nom: Nomenclature, without: Sequence[str]) -> Prediction:
    people = [
        Person(engine_phenotype(case[who], without), engine_set(case["hf_sets"][who], nom))
        for who in ("patient", "donor")
    ]
    return predict(people[0], people[1], nom, [at for at in LOCI if at not in case["excluded_loci"]])


@needs_truth
@pytest.mark.parametrize("number", ["3.33.0", "3.58.0"])
def test_match_probabilities_of_an_engine(number: str) -> None:
    cases = engine_cases("mpa_probability")
    assert len(cases) == 33
    for case in cases:
        # Loci left out are no evidence there; to us they are, so that here they are left untyped (see below).
        found = engine_prediction(case, release(number), case["excluded_loci"])
        assert_as_engine(found, case["expected"], case["id"])


@needs_truth
def test_what_is_typed_at_loci_not_asked_for_is_evidence() -> None:
    """Ours differs: DQB1 and C are typed, and what they say of A is not thrown away because they are not counted."""
    cases = {case["id"]: case for case in engine_cases("mpa_probability")}
    for case_id, theirs, ours in (("excluded_sum_DQB1", 39, 25), ("excluded_sum_DQB1_C", 38, 25)):
        case = cases[case_id]
        assert case["expected"] == {"percent": {"0": theirs}}
        found = engine_prediction(case, release("3.33.0"), ())
        assert found.mismatches is not None
        assert percents(found.mismatches)[0] == ours
        assert set(found.loci).isdisjoint(case["excluded_loci"])


@needs_truth
def test_representation_of_an_engine() -> None:
    """Run with 3.58.0, which has A*11:361 and A*01:01:115."""
    nom = release("3.58.0")
    cases = engine_cases("mpa_representation")
    unknown = [case for case in cases if "9999:9999" in case["patient_and_donor"]["A"]]
    assert (len(cases), len(unknown)) == (7, 1)
    for case in cases:
        person = Person(engine_phenotype(case["patient_and_donor"]), engine_set(case["hf_set"], nom))
        if case in unknown:
            # Ours differs: what no release has is an error, not a person whom nothing explains.
            assert case["expected_unrepresented"] is True
            with pytest.raises(ValueError, match="9999:9999"):
                predict(person, person, nom, LOCI)
            continue
        found = predict(person, person, nom, LOCI)
        assert found.patient_unrepresented is found.donor_unrepresented is case["expected_unrepresented"], case["note"]


@needs_truth
def test_sums_over_pairs_of_genotypes() -> None:
    cases = [case for case in engine_cases("mpa_calculator") if "pairs" in case]
    assert len(cases) == 3
    for case in cases:
        total = Fraction(case["sum_patient_likelihoods"]) * Fraction(case["sum_donor_likelihoods"])
        chances = [
            Fraction(pair["patient_likelihood"]) * Fraction(pair["donor_likelihood"]) / total for pair in case["pairs"]
        ]
        counts = [pair["mismatches"] for pair in case["pairs"]]
        overall = distribution([(sum(c.values()), p) for c, p in zip(counts, chances, strict=True)], 10)
        for k, value in case["expected"]["p"].items():
            assert decimals(overall[int(k)]) == Decimal(value), case["id"]
        for locus, value in case["expected"].get("p0_per_locus", {}).items():
            at_locus = distribution([(c[locus], p) for c, p in zip(counts, chances, strict=True)], 2)
            assert decimals(at_locus[0]) == Decimal(value), (case["id"], locus)


@needs_truth
def test_categories_of_an_engine() -> None:
    """Its words by our limits: whole percents of 100 and of 0, which 0.995 and 0.005 round to."""
    ours = {"Exact": "probable", "Potential": "possible", "Mismatch": "unlikely"}
    single = [case for case in engine_cases("mpa_calculator") if case["id"] == "category"]
    positional = [case for case in engine_cases("mpa_calculator") if case["id"] == "positional_categories"]
    assert (len(single), len(positional)) == (4, 9)
    for case in single:
        assert category(Fraction(str(case["p0"]))) == ours[case["expected_category"]]
    for case in positional:
        # Of a locus: both positions match, and at least one does.
        p0, p1, _ = (Fraction(str(chance)) for chance in case["p"])
        assert [category(p0), category(p0 + p1)] == [ours[word] for word in case["expected"]]


# --- rule by rule ---------------------------------------------------------------------------------------------------


def frequencies(text: str, nom: Nomenclature | None = None, loci: str | None = None) -> FrequencySet:
    """A set from `A*01:01~B*08:01 0.2, ...`."""
    lines = [line.split() for line in text.split(",")]
    found = loci.split() if loci else [name.split("*")[0] for name in lines[0][0].split("~")]
    return carried([(h.split("~"), Fraction(f)) for h, f in lines], found, nom or TwoField())


def pair(patient: str, donor: str, of: FrequencySet, loci: str, nom: Nomenclature | None = None) -> Prediction:
    people = [Person(parse_phenotype(text), of) for text in (patient, donor)]
    return predict(people[0], people[1], nom or TwoField(), loci.split())


def at(found: Prediction, locus: str) -> LocusChances:
    assert found.by_locus is not None
    return found.by_locus[locus]


THREE = "A*01:01 0.5, A*02:01 0.3, A*03:01 0.2"


def test_a_pair_by_hand() -> None:
    # The donor is 01:01+01:01 with 0.25, 01:01+02:01 with 2 * 0.15, so 5/11 and 6/11.
    found = pair("A*01:01+A*02:01", "A*01:01+A*01:01/A*02:01", frequencies(THREE), "A")
    assert found.mismatches == (Fraction(6, 11), Fraction(5, 11), 0)
    assert found.gvh == (Fraction(6, 11), Fraction(5, 11), 0)
    assert found.hvg == (1, 0, 0)
    assert at(found, "A").mismatches == found.mismatches
    # (01, 02) against (01, 01): either of the donor's positions may be the one that matches.
    assert at(found, "A").donor_positions == (Fraction(5, 22), Fraction(5, 22))
    assert at(found, "A").patient_positions == (0, Fraction(5, 11))


def test_loci_are_counted_together_and_not_as_if_independent() -> None:
    two = frequencies("A*01:01~B*08:01 0.5, A*02:01~B*07:02 0.5")
    found = pair("A*01:01+A*01:01^B*08:01+B*08:01", "A*01:01/A*02:01+A*01:01", two, "A B")
    # The other haplotype is whole: either both loci match or both have a mismatch.
    assert found.mismatches == (Fraction(1, 3), 0, Fraction(2, 3), 0, 0)
    assert at(found, "A").mismatches == at(found, "B").mismatches == (Fraction(1, 3), Fraction(2, 3), 0)


def test_loci_that_a_set_lacks_are_ignored_and_named() -> None:
    a, b = frequencies("A*01:01~B*08:01~C*07:01 1"), frequencies("A*01:01~B*08:01 1")
    typed = parse_phenotype("A*01:01+A*01:01^B*08:01+B*08:01^C*07:01+C*07:01")
    found = predict(Person(typed, a), Person(typed, b), TwoField(), ("A", "B", "C", "DQB1"))
    assert (found.loci, found.ignored, found.mismatches) == (("A", "B"), ("C", "DQB1"), (1, 0, 0, 0, 0))
    with pytest.raises(ValueError, match="have none"):
        predict(Person(typed, a), Person(typed, b), TwoField(), ("C", "DQB1"))


# --- certain, unrepresented


def is_certain(typed: str, of: FrequencySet, nom: Nomenclature | None = None, loci: str = "A") -> bool:
    return certain_genotype(Person(parse_phenotype(typed), of), loci.split(), nom or TwoField()) is not None


def test_a_certain_person_needs_no_haplotype() -> None:
    found = pair("A*24:02+A*25:01", "A*24:02+A*24:02", frequencies(THREE), "A")
    assert (found.patient_unrepresented, found.donor_unrepresented) == (False, False)
    assert found.mismatches == (0, 1, 0)
    # At another locus the person is not certain, but that locus is not asked for.
    two = frequencies("A*01:01~B*08:01 1")
    typed = "A*24:02+A*25:01^B*08:XX+B*08:01"
    assert pair(typed, typed, two, "A").mismatches == (1, 0, 0)
    assert pair(typed, typed, two, "A B").mismatches is None


def test_who_is_certain() -> None:
    of = frequencies("A*01:01 0.5, A*02:01N 0.5")
    assert is_certain("A*01:01+A*03:01:01:01", of)
    assert is_certain("A*01:01+A*01:11N", of)  # one null, that the set lacks
    assert is_certain("A*01:01+A*03:01|A*03:01:01G+A*01:01:02", of)  # twice the same genotype
    assert not is_certain("A*01:01+A*03:01/A*03:11N", of)  # a null by name counts, whether the set has it or not
    assert not is_certain("A*01:01+A*03:01/A*02:01N", of)
    assert not is_certain("A*01:01+A*03:11N/A*03:12N", of)  # two nulls
    assert not is_certain("A*01:01+A*03:01/A*03:02", of)
    assert not is_certain("A*01:01+A*03:01|A*01:01+A*01:01", of)
    for open_name in ("A*01:XX", "A*01:NEW", "A*NEW", "A1", "A*01:01/A*02:XX"):
        assert not is_certain(f"A*01:01+{open_name}", of)
    assert not is_certain("", of)
    # Single alternatives at each position, in either order: (01, 03) or (03, 01) is one genotype.
    assert is_certain("A*01:01+A*03:01|A*03:01+A*01:01", of)


@needs_data
def test_groups_are_certain_but_for_nulls_that_the_set_has() -> None:
    nom = oracle_release()
    typed = "A*01:01:01G+A*02:01:01:01"
    assert is_certain(typed, frequencies(THREE, nom), nom)
    assert is_certain(typed, frequencies(THREE + ", A*01:11N 0.1", nom), nom)  # it is in another group
    assert not is_certain(typed, frequencies(THREE + ", A*01:04N 0.1", nom), nom)
    assert not is_certain("A*01:BMMP+A*02:01", frequencies(THREE, nom), nom)  # 01:01/01:01N: the code names it
    assert not is_certain("A*01:01:01G/A*01:04N+A*02:01", frequencies(THREE, nom), nom)
    assert is_certain("A*01:01P+A*02:01", frequencies(THREE + ", A*01:04N 0.1", nom), nom)
    # Of its first field only a null is known; a new one may be anything.
    at_dpb1 = frequencies("DPB1*04:01 1", nom)
    assert is_certain("DPB1*1041:XX+DPB1*04:01", at_dpb1, nom, "DPB1")
    assert not is_certain("DPB1*1041:NEW+DPB1*04:01", at_dpb1, nom, "DPB1")


def test_unrepresented_people_have_no_probabilities() -> None:
    typed, unknown = "A*01:01+A*02:01", "A*01:01+A*24:02/A*25:01"
    for patient, donor in ((typed, unknown), (unknown, typed), (unknown, unknown)):
        found = pair(patient, donor, frequencies(THREE), "A")
        assert (found.patient_unrepresented, found.donor_unrepresented) == (patient == unknown, donor == unknown)
        assert (found.mismatches, found.gvh, found.hvg, found.by_locus, found.epitopes) == (None,) * 5


def test_posteriors_are_over_the_loci_asked_for_in_their_order() -> None:
    two = frequencies("A*01:01~B*08:01 0.5, A*02:01~B*07:02 0.5")
    person = Person(parse_phenotype("A*01:01+A*02:01/A*01:01"), two)
    assert posteriors(person, ("B", "A"), TwoField()) == {
        (("B*08:01", "B*08:01"), ("A*01:01", "A*01:01")): Fraction(1, 3),
        (("B*07:02", "B*08:01"), ("A*01:01", "A*02:01")): Fraction(2, 3),
    }


# --- nulls


def test_nulls_are_counted_as_the_haplotypes_alleles() -> None:
    of = frequencies("A*01:01 0.5, A*02:01 0.25, A*01:04N 0.25")
    # 01:01 with 01:XX is 01:01 twice (0.25) or 01:01 with the null (0.25): both express 01:01 alone.
    assert pair("A*01:01+A*01:01", "A*01:01+A*01:XX", of, "A").mismatches == (1, 0, 0)
    assert pair("A*02:01+A*02:01", "A*02:01+A*01:04N", of, "A").mismatches == (1, 0, 0)
    # Nothing expressed matches nothing expressed, and mismatches twice whatever is.
    assert pair("A*01:04N+A*01:04N", "A*01:04N+A*01:11N", of, "A").mismatches == (1, 0, 0)
    nothing = pair("A*01:04N+A*01:04N", "A*01:01+A*02:01", of, "A")
    assert (nothing.mismatches, nothing.gvh, nothing.hvg) == ((0, 0, 1), (1, 0, 0), (0, 0, 1))
    assert at(nothing, "A").donor_positions == at(nothing, "A").patient_positions == (1, 1)


def test_absence_is_a_null() -> None:
    of = frequencies("DRB3*01:01 0.5, DRBX*NNNN 0.5", loci="DRB345")
    found = pair("DRB3*01:01+DRBX*NNNN", "DRBX*NNNN+DRBX*NEW", of, "DRB345")
    # DRBX*NEW may be anything: DRB3*01:01 in 2 of 3 cases, absence in one.
    assert found.mismatches == (Fraction(2, 3), 0, Fraction(1, 3))


# --- positions


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        (("a", "b"), ("a", "b"), (0, 0)),
        (("a", "b"), ("b", "a"), (0, 0)),
        (("a", "b"), ("a", "c"), (0, 1)),
        (("b", "a"), ("a", "c"), (1, 0)),
        (("a", "b"), ("c", "d"), (1, 1)),
        (("a", "a"), ("a", "b"), (HALF, HALF)),
        (("a", "b"), ("a", "a"), (0, 1)),
        (("a", "b"), ("b", "b"), (1, 0)),
        (("a", "a"), ("b", "b"), (1, 1)),
        ((), (), (0, 0)),
        ((), ("a", "a"), (1, 1)),
        (("a", "b"), (), (1, 1)),
    ],
)
def test_which_position_is_mismatched(
    mine: tuple[str, ...], theirs: tuple[str, ...], expected: tuple[Fraction, Fraction]
) -> None:
    assert mismatched_positions(mine, theirs) == expected


def test_positions_are_in_canonical_order() -> None:
    found = pair("A*01:01+A*03:01", "A*02:01+A*01:01", frequencies(THREE), "A")
    assert at(found, "A").donor_positions == (0, 1)
    assert at(found, "A").patient_positions == (0, 1)


def test_where_either_haplotype_may_stand_it_is_half_each() -> None:
    # Both strings hold 01:01 and 02:01; of the donor's genotypes, (01:01, 02:01) can be read in both orders.
    both = "A*01:01/A*02:01"
    found = pair("A*01:01+A*01:01", f"{both}+{both}", frequencies("A*01:01 0.5, A*02:01 0.5"), "A")
    assert found.mismatches == (Fraction(1, 4), Fraction(1, 2), Fraction(1, 4))
    assert at(found, "A").donor_positions == (HALF, HALF)
    # Here it can be read in one: the string is the second position.
    found = pair("A*01:01+A*01:01", "A*01:01+A*01:01/A*02:01", frequencies("A*01:01 0.5, A*02:01 0.5"), "A")
    assert at(found, "A").donor_positions == (0, Fraction(2, 3))
    # Untyped: either.
    found = pair("A*01:01+A*01:01", "", frequencies("A*01:01 0.5, A*02:01 0.5"), "A")
    assert at(found, "A").donor_positions == (HALF, HALF)


# --- DPB1

EPITOPES = {
    "DPB1*09:01": 1,
    "DPB1*10:01": 1,
    "DPB1*03:01": 2,
    "DPB1*04:01": 3,
    "DPB1*02:01": 3,
    "DPB1*99:01": 0,
}


@pytest.mark.parametrize(
    ("patient", "donor", "verdict"),
    [
        ("09:01+04:01", "04:01+09:01", "matched"),
        ("09:01+04:01", "10:01+04:01", "permissive"),  # both 1
        ("09:01+04:01", "03:01+04:01", "non-permissive GvH"),
        ("03:01+04:01", "10:01+04:01", "non-permissive HvG"),
        ("04:01+04:01", "02:01+04:01", "permissive"),
        ("04:01+01:01", "02:01+04:01", "unknown"),  # 01:01 has no group
        ("04:01+09:01N", "04:01+04:01", "matched"),
        ("04:01+09:01N", "02:01+02:01", "permissive"),
        ("09:01N+10:01N", "02:01+02:01", "unknown"),
        ("09:01N+10:01N", "02:01N+02:01N", "matched"),
    ],
)
def test_epitopes_of_resolved_genotypes(patient: str, donor: str, verdict: EpitopeVerdict) -> None:
    facts = Facts(tce={name: group for name, group in EPITOPES.items() if group})
    people = [
        Person(parse_phenotype({"DPB1": tuple(text.split("+"))}), frequencies("DPB1*04:01 1"))
        for text in (patient, donor)
    ]
    found = predict(people[0], people[1], TwoField(), ("DPB1",), facts)
    assert found.epitopes == {v: Fraction(v == verdict) for v in EPITOPE_VERDICTS}


@needs_data
def test_epitopes_of_a_release() -> None:
    nom = oracle_release()
    facts = Facts.of_release(existing_data_dir(), nom)
    of = frequencies("DPB1*04:01 0.5, DPB1*02:01 0.25, DPB1*09:01 0.25", nom)
    people = [Person(parse_phenotype(text), of) for text in ("DPB1*04:01+DPB1*04:01", "DPB1*04:01")]
    donor = Person(parse_phenotype(""), of)
    found = predict(people[0], donor, nom, ("DPB1",), facts)
    # 04:01 twice 1/4; 09:01 in it 7/16; the rest has groups 3 and 3.
    assert found.epitopes == {
        "matched": Fraction(1, 4),
        "permissive": Fraction(5, 16),
        "non-permissive GvH": 0,
        "non-permissive HvG": Fraction(7, 16),
        "unknown": 0,
    }
    assert predict(donor, people[0], nom, ("DPB1",), facts).epitopes == {
        **found.epitopes,
        "non-permissive GvH": Fraction(7, 16),
        "non-permissive HvG": 0,
    }
    assert predict(people[0], donor, nom, ("DPB1",)).epitopes == {
        **dict.fromkeys(EPITOPE_VERDICTS, Fraction(0)),
        "matched": Fraction(1, 4),
        "unknown": Fraction(3, 4),
    }


# --- mixed ancestry


def test_mixed_ancestry() -> None:
    a, b = frequencies("A*01:01 0.5, A*02:01 0.5"), frequencies("A*01:01 0.25, A*03:01 0.75")
    donor = Person(parse_phenotype(""), a, b)
    found = predict(Person(parse_phenotype("A*01:01+A*01:01"), a), donor, TwoField(), ("A",))
    # One from each: 01:01 twice 1/8, once 1/2 * 3/4 + 1/2 * 1/4, never 3/8.
    assert found.mismatches == (Fraction(1, 8), Fraction(1, 2), Fraction(3, 8))


@needs_data
def test_nulls_of_either_population_may_be_in_a_group() -> None:
    nom = oracle_release()
    a, with_null = frequencies(THREE, nom), frequencies("A*01:04N 1", nom)
    typed = parse_phenotype("A*01:01:01G+A*02:01")
    assert certain_genotype(Person(typed, a), ("A",), nom) is not None
    assert certain_genotype(Person(typed, a, with_null), ("A",), nom) is None
