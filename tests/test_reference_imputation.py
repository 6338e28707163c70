"""The oracle's imputation: what a typing allows, which pairs of haplotypes explain it, and sums that others made.

What: the rules one by one, then 400 genotypes with all their diplotypes, then an engine's likelihoods. Why: the core is
held against these sums.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from typing import TypeVar

import pytest

from reference.haplotypes import FrequencySet, carried, class_of, read_freqs
from reference.imputation import Imputation, allowed, impute, weight
from reference.names import parse_name
from reference.nomenclature import Nomenclature, Release, TwoField
from reference.phenotype import parse_phenotype
from reference.truth import engine_cases, existing_data_dir, json_lines, needs_data, needs_truth, truth_dir
from strategies import oracle_release


def frequencies(text: str, nom: Nomenclature | None = None) -> FrequencySet:
    """A set from lines like `A*01:01~B*08:01 0.2`."""
    lines = [line.split() for line in text.strip().splitlines()]
    loci = [name.split("*")[0] for name in lines[0][0].split("~")]
    loci = ["DRB345" if locus.startswith(("DRB3", "DRB4", "DRB5", "DRBX")) else locus for locus in loci]
    rows = [(haplotype.split("~"), Fraction(frequency)) for haplotype, frequency in lines]
    return carried(rows, loci, nom or TwoField())


def diplotypes(found: Imputation) -> dict[str, Fraction]:
    """Weights by `A*01:01~B*08:01 A*02:01~B*07:02`."""
    return {" ".join("~".join(haplotype) for haplotype in pair): w for pair, w in found.weights.items()}


# --- what a position allows -----------------------------------------------------------------------------------------


def allows(position: str, class_: str, nom: Nomenclature, locus: str = "A") -> bool:
    typing = parse_phenotype({locus: (position, "")}).typing(locus)
    assert typing is not None
    return allowed(typing.genotypes[0][0], nom).allows(class_)


ALLOWED = [
    ("01:01", "A*01:01", True),
    ("01:01", "A*01:02", False),
    ("01:01", "A*01:01N", False),
    ("01:01N", "A*01:01N", True),
    ("01:01N", "A*01:01", False),
    ("01:01N", "A*01:11N", False),
    ("01:01P", "A*01:01", True),
    ("01:01P", "A*01:01N", False),
    ("01:01/01:11N", "A*01:11N", True),
    ("01:XX", "A*01:77", True),
    ("01:XX", "A*01:77N", True),
    ("01:XX", "A*02:01", False),
    ("01:NEW", "A*01:77N", True),
    ("01:NEW", "A*02:01", False),
    ("NEW", "A*02:01", True),
    ("NEW", "A*01:77N", True),
    ("A1", "A*01:77", True),
    ("A1", "A*01:77N", False),  # an antigen has a protein
    ("A1/02:XX", "A*01:77N", False),
    ("A1/02:XX", "A*02:77N", True),
]


@pytest.mark.parametrize(("position", "class_", "expected"), ALLOWED)
def test_positions_without_data(position: str, class_: str, expected: bool) -> None:
    assert allows(position, class_, TwoField()) is expected


@needs_data
@pytest.mark.parametrize(
    ("position", "class_", "expected"),
    [
        ("01:01", "A*01:01P", True),
        ("01:37", "A*01:01P", True),
        ("01:01", "A*01:01N", False),
        ("01:01P", "A*01:01N", False),
        ("01:01:01G", "A*01:01N", True),  # its nulls, whatever the null policy
        ("01:01:01G", "A*01:04N", True),
        ("01:01:01G", "A*01:11N", False),
        ("01:01g", "A*01:04N", True),
        ("01:XX", "A*01:11N", True),
        ("02:XX", "A*01:11N", False),
        ("01:NEW", "A*01:11N", True),
        ("01:NEW", "A*02:01P", False),
        ("NEW", "A*02:01P", True),
        ("01:BMMP", "A*01:01N", True),  # 01:01/01:01N
        ("A1", "A*01:01P", True),
        ("A1", "A*01:11N", False),
        ("01:11N", "A*01:11N", True),
        ("01:11N", "A*01:01P", False),
    ],
)
def test_positions_of_a_release(position: str, class_: str, expected: bool) -> None:
    assert allows(position, class_, oracle_release()) is expected


def test_absence_is_itself() -> None:
    assert allows("DRBX*NNNN", "DRBX*NNNN", TwoField(), "DRB345")
    assert not allows("DRBX*NNNN", "DRB4*01:03N", TwoField(), "DRB345")
    assert not allows("DRB4*01:XX", "DRBX*NNNN", TwoField(), "DRB345")
    assert allows("DRBX*NEW", "DRBX*NNNN", TwoField(), "DRB345")


NEW_OF_A_GENE = [
    ("DRB5*NEW", "DRB5*01:01", True),
    ("DRB5*NEW", "DRB5*01:08N", True),
    ("DRB5*NEW", "DRB3*01:01", False),
    ("DRB5*NEW", "DRBX*NNNN", False),
    ("DRB5*02:NEW", "DRB5*01:01", False),
    ("DRBX*NEW", "DRB3*01:01", True),
]


@pytest.mark.parametrize(
    "nom", [pytest.param(TwoField, id="two-field"), pytest.param(oracle_release, marks=needs_data)]
)
@pytest.mark.parametrize(("position", "class_", "expected"), NEW_OF_A_GENE)
def test_new_is_of_its_gene(position: str, class_: str, expected: bool, nom: Callable[[], Nomenclature]) -> None:
    carried = class_of(parse_name(class_, "DRB345"), nom())
    assert carried is not None
    assert allows(position, carried, nom(), "DRB345") is expected


# --- which diplotypes ------------------------------------------------------------------------------------------------

FOUR = """
A*01:01~B*08:01 0.4
A*02:01~B*07:02 0.3
A*01:01~B*07:02 0.2
A*02:01~B*08:01 0.1
"""


def test_weights_are_doubled_if_unlike() -> None:
    found = impute(parse_phenotype("A*01:01+A*02:01^B*08:01+B*07:02"), frequencies(FOUR), TwoField())
    assert diplotypes(found) == {
        "A*01:01~B*08:01 A*02:01~B*07:02": Fraction("0.24"),
        "A*01:01~B*07:02 A*02:01~B*08:01": Fraction("0.04"),
    }
    assert found.genotype_weights() == {(("A*01:01", "A*02:01"), ("B*07:02", "B*08:01")): Fraction("0.28")}
    like = impute(parse_phenotype("A*01:01+A*01:01^B*08:01+B*08:01"), frequencies(FOUR), TwoField())
    assert diplotypes(like) == {"A*01:01~B*08:01 A*01:01~B*08:01": Fraction("0.16")}


def test_phase_is_respected_and_positions_are_not_ordered() -> None:
    for phased in ("A*01:01~B*08:01+A*02:01~B*07:02", "A*02:01~B*07:02+A*01:01~B*08:01"):
        found = impute(parse_phenotype(phased), frequencies(FOUR), TwoField())
        assert set(diplotypes(found)) == {"A*01:01~B*08:01 A*02:01~B*07:02"}
    either = "A*01:01~B*08:01+A*02:01~B*07:02|A*01:01~B*07:02+A*02:01~B*08:01"
    assert len(impute(parse_phenotype(either), frequencies(FOUR), TwoField()).weights) == 2


def test_phase_with_a_locus_that_the_set_lacks() -> None:
    phased = parse_phenotype("A*01:01~C*07:01~B*08:01+A*02:01~C*07:02~B*07:02")
    found = impute(phased, frequencies(FOUR), TwoField())
    assert set(diplotypes(found)) == {"A*01:01~B*08:01 A*02:01~B*07:02"}
    assert found.ignored == ("C",)


def test_alternatives_are_never_mixed() -> None:
    typed = parse_phenotype("A*01:01+A*01:01|A*02:01+A*02:01^B*08:01+B*07:02")
    assert set(diplotypes(impute(typed, frequencies(FOUR), TwoField()))) == {
        "A*01:01~B*07:02 A*01:01~B*08:01",
        "A*02:01~B*07:02 A*02:01~B*08:01",
    }


def test_untyped_loci_are_summed_over() -> None:
    found = impute(parse_phenotype("A*01:01+A*01:01"), frequencies(FOUR), TwoField())
    assert found.total == Fraction("0.6") ** 2
    assert len(found.weights) == 3
    assert impute(parse_phenotype(""), frequencies(FOUR), TwoField()).total == 1


def test_two_populations() -> None:
    a, b = (
        frequencies("A*01:01~B*08:01 0.5\nA*02:01~B*07:02 0.5"),
        frequencies("A*01:01~B*08:01 0.25\nA*03:01~B*07:02 1"),
    )
    found = impute(parse_phenotype(""), a, TwoField(), b)
    assert diplotypes(found) == {
        "A*01:01~B*08:01 A*01:01~B*08:01": Fraction("0.125"),  # one from each
        "A*01:01~B*08:01 A*02:01~B*07:02": Fraction("0.125"),
        "A*01:01~B*08:01 A*03:01~B*07:02": Fraction("0.5"),
        "A*02:01~B*07:02 A*03:01~B*07:02": Fraction("0.5"),
    }
    of_a = frequencies("A*01:01 0.25\nA*03:01 1")
    shared = impute(parse_phenotype("A*01:01+A*01:01^B*99:01+B*99:01"), a, TwoField(), of_a)
    assert (shared.loci, shared.ignored, shared.total) == (("A",), ("B",), Fraction("0.125"))


def test_unrepresented() -> None:
    found = impute(parse_phenotype("A*01:01+A*03:01"), frequencies(FOUR), TwoField())
    assert (found.represented, found.total, found.weights) == (False, 0, {})
    with pytest.raises(ValueError, match="has no multiple allele codes"):
        impute(parse_phenotype("A*01:ZZZZZZ+A*03:01"), frequencies(FOUR), TwoField())


# --- truths ---------------------------------------------------------------------------------------------------------

LOCI = ("A", "B", "C", "DQB1", "DRB1")
T = TypeVar("T")


def assert_best(ours: dict[T, float], best: dict[T, float], person: str) -> None:
    """The best 30 of ours are these, with these weights."""
    assert len(best) == min(30, len(ours)), person
    for name, w in best.items():
        assert math.isclose(ours[name], w, rel_tol=1e-9), (person, name)
    weights = sorted(ours.values(), reverse=True)[: len(best)]
    assert all(
        math.isclose(a, b, rel_tol=1e-9) for a, b in zip(weights, sorted(best.values(), reverse=True), strict=True)
    )


@needs_truth
def test_all_diplotypes_of_400_genotypes() -> None:
    folder = truth_dir()
    assert folder is not None
    loci, rows = read_freqs(folder / "prediction" / "CAU_5locus_ge1e-6.freqs.gz")
    caucasian = carried(rows, loci, TwoField())
    assert len(caucasian.frequencies) == 25_100
    order = [caucasian.loci.index(locus) for locus in LOCI]

    def haplotype(h: tuple[str, ...]) -> str:
        return "~".join(h[i] for i in order)

    people = unrepresented = 0
    for row in json_lines("prediction/exact_cau.jsonl.gz"):
        people += 1
        found = impute(parse_phenotype(row["gl"]), caucasian, TwoField())
        genotypes = {"^".join("+".join(g[i]) for i in order): float(w) for g, w in found.genotype_weights().items()}
        pairs = {frozenset(map(haplotype, pair)): float(w) for pair, w in found.weights.items()}
        assert (len(pairs), len(genotypes)) == (row["n_pairs"], row["n_genotypes"]), row["id"]
        assert math.isclose(found.total, row["total"], rel_tol=1e-9)
        unrepresented += not found.represented
        best_pairs = {frozenset(pair.split(" ")): w for pair, w in row["top_pairs"]}
        assert_best(genotypes, dict(row["top_genotypes"]), row["id"])
        assert_best(pairs, best_pairs, row["id"])
    assert people == 400
    assert 0 < unrepresented < 100


@cache
def old_release() -> Release:
    return Release(existing_data_dir(), "3.33.0")


def engine_set(name: str, nom: Nomenclature) -> FrequencySet:
    folder = truth_dir()
    assert folder is not None
    text = (folder / "engine" / "mpa_genotype_likelihood.json").read_text(encoding="utf-8")
    haplotypes = json.loads(text)["haplotype_sets"][name]
    rows = [([h[locus] for locus in LOCI], Fraction(h["frequency"])) for h in haplotypes]
    return carried(rows, LOCI, nom)


@needs_truth
def test_likelihoods_of_genotypes() -> None:
    seen = 0
    for case in engine_cases("mpa_genotype_likelihood"):
        if "genotype" not in case:
            continue
        seen += 1
        typed = {locus: case["genotype"][locus] for locus in case["allowed_loci"]}
        placed = [locus for locus, pair in typed.items() if "un-represented" in pair]
        for locus in placed:  # that is no name to us; one that the set lacks says the same
            lacked = {"A": "01:01", "B": "07:02", "C": "07:01", "DQB1": "05:01", "DRB1": "01:01"}[locus]
            typed[locus] = [lacked if text == "un-represented" else text for text in typed[locus]]
        for nom in (old_release(), oracle_release()):
            found = impute(parse_phenotype(typed), engine_set(case["haplotypes"], nom), nom)
            assert found.total == Fraction(case["expected_likelihood"]), case["id"]
            assert found.represented is not bool(placed)
    assert seen == 14


@needs_truth
def test_weights_of_diplotypes() -> None:
    for case in engine_cases("mpa_genotype_likelihood"):
        expected = Fraction(case["expected_likelihood"])
        if case["id"] == "fully_homozygous":
            one = FrequencySet(("A",), {("h",): Fraction(case["frequency"])})
            assert weight(("h",), ("h",), one) == expected
        elif "n_diplotypes" in case:
            f1, f2 = Fraction(case["frequency1"]), Fraction(case["frequency2"])
            two = FrequencySet(("A",), {("h",): f1, ("k",): f2})
            assert weight(("h",), ("k",), two) * case["n_diplotypes"] == expected
