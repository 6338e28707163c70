"""The oracle's frequency sets: how names become classes, what is merged and left out, which set is taken.

What: the rules of carrying one by one, the real files, and an engine's facts on merging and choosing. Why: every
probability rests on these sums.
"""

from __future__ import annotations

from fractions import Fraction

import pytest

from reference.haplotypes import FrequencySet, Haplotype, NotCarried, carried, choose, class_of, merged, read_csv
from reference.nomenclature import Nomenclature, TwoField, parse_name
from reference.truth import engine_cases, existing_data_dir, needs_data, needs_truth
from strategies import oracle_release


def class_of_text(text: str, nom: Nomenclature) -> str | None:
    return class_of(parse_name(text), nom)


@pytest.mark.parametrize(
    ("name", "class_"),
    [
        ("A*01:01", "A*01:01"),
        ("A*01:01:01G", "A*01:01"),
        ("A*01:01P", "A*01:01"),
        ("A*01:01g", "A*01:01"),
        ("A*24:02:01:02L", "A*24:02"),
        ("A*01:01:01:02N", "A*01:01N"),
        ("A*01:01N", "A*01:01N"),
        ("A*0101", "A*01:01"),
        ("DRBX*NNNN", "DRBX*NNNN"),
        ("DRB4*NNNN", "DRB4*NNNN"),
        ("A*01:XX", None),
        ("A*01:NEW", None),
        ("A*NEW", None),
        ("A2", None),
        ("A*01:ZZZZZZ", None),
    ],
)
def test_classes_without_data(name: str, class_: str | None) -> None:
    assert class_of_text(name, TwoField()) == class_


@needs_data
@pytest.mark.parametrize(
    ("name", "class_"),
    [
        ("A*01:01", "A*01:01P"),
        ("A*01:01:01G", "A*01:01P"),  # some of it are null
        ("A*01:01g", "A*01:01P"),
        ("A*01:01P", "A*01:01P"),
        ("A*01:37", "A*01:01P"),  # another name, the same ARD
        ("A*01:01:01:02N", "A*01:01N"),
        ("A*01:04N", "A*01:04N"),  # in the G group, but a null named is a null
        ("A*24:09N", "A*24:09N"),
        ("A*0101", "A*01:01P"),  # carried by renaming
        ("B*07:44", "B*07:44N"),  # renamed
        ("DRBX*NNNN", "DRBX*NNNN"),
        ("A*01:XX", None),
        ("A*01:NEW", None),
        ("DPB1*1041:XX", "DPB1*1041:01N"),  # one class, so it is carried
        ("DPB1*1041:NEW", None),
        ("A*01:01:999", None),
        ("A*01:11", None),  # only a null extends it
        ("A2", None),
    ],
)
def test_classes_of_a_release(name: str, class_: str | None) -> None:
    assert class_of_text(name, oracle_release()) == class_


@needs_data
def test_a_group_of_nulls_alone_is_a_null() -> None:
    release = oracle_release()
    nulls = sorted(g for g in release.groups if g.endswith("G") and release.is_null(g))
    found = {group: class_of_text(group, release) for group in nulls}
    assert any(found.values())
    for group, class_ in found.items():
        names = {parse_name(member).two_field for member in release.members(group)}
        assert class_ == (names.pop() if len(names) == 1 else None)


def test_what_cannot_be_carried_is_left_out_and_counted() -> None:
    rows = [
        (("A*01:01", "B*08:01"), Fraction("0.2")),
        (("A*01:01:01G", "B*08:01"), Fraction("0.1")),  # the same, so it is merged
        (("A*01:01", "B*07:02"), Fraction(0)),  # dropped
        (("A*01:XX", "B*08:01"), Fraction("0.3")),
        (("A*01:XX", "B*08:NEW"), Fraction("0.05")),
    ]
    found = carried(rows, ("A", "B"), TwoField())
    assert found.frequencies == {("A*01:01", "B*08:01"): Fraction("0.3")}
    assert found.not_carried == NotCarried(("A*01:XX", "B*08:NEW"), 2, Fraction("0.35"))
    assert found.normalised().frequencies == {("A*01:01", "B*08:01"): Fraction(1)}


def test_negative_frequencies_are_errors() -> None:
    with pytest.raises(ValueError, match="negative"):
        merged([(("A*01:01",), Fraction(-1))])
    with pytest.raises(ValueError, match="locus B"):
        carried([(("A*01:01",), Fraction(1))], ("B",), TwoField())


@needs_data
@pytest.mark.parametrize("population", ["NAM", "API"])
def test_the_real_files_are_carried_without_rounding(population: str) -> None:
    loci, rows = read_csv(existing_data_dir() / "haplotypes" / f"{population}.csv.gz")
    assert loci == ("A", "C", "B", "DRB345", "DRB1", "DQB1")
    written = sum((frequency for _, frequency in rows), Fraction(0))
    for nom in (TwoField(), oracle_release()):
        found = carried(rows, loci, nom)
        assert found.total() + found.not_carried.frequency == written
        assert "DRBX*NNNN" in found.classes("DRB345")
        if isinstance(nom, TwoField):
            assert found.not_carried == NotCarried()
        else:
            # Names of their time. What is lost is rare.
            assert found.not_carried.frequency < Fraction("0.01")
            assert all(class_of_text(name, nom) is None for name in found.not_carried.names)


@needs_truth
@pytest.mark.parametrize("case", [0, 1])
def test_merging_over_left_out_loci(case: int) -> None:
    facts = engine_cases("mpa_frequency_consolidation")[case]
    loci = ("A", "B", "C", "DQB1", "DRB1")
    whole = FrequencySet(loci, {tuple(h[:-1]): Fraction(h[-1]) for h in facts["haplotypes"]})
    for query in facts["queries"]:
        kept = [locus for locus in loci if locus not in query["excluded"]]
        asked: Haplotype = tuple(c for locus, c in zip(loci, query["haplotype"], strict=True) if locus in kept)
        assert whole.projected(kept).frequencies.get(asked, 0) == query["expected"]


@needs_truth
def test_the_set_chosen() -> None:
    cases = engine_cases("mpa_hf_selection")
    for case in cases:
        available, (ion, ethnicity) = [tuple(s) for s in case["available_sets"]], case["request"]
        if case["expected_set"] == {"error": True}:
            with pytest.raises(ValueError, match="no frequency set"):
                choose(available, ion, ethnicity)
        else:
            assert choose(available, ion, ethnicity) == tuple(case["expected_set"])
    assert len(cases) == 10


def test_the_set_of_an_ethnicity_comes_after_that_of_an_ion() -> None:
    available = [("4", None), (None, "CAU"), (None, None)]
    assert choose(available, "4", "CAU") == ("4", None)
    assert choose(available, "5", "CAU") == (None, "CAU")
    assert choose(available, "5", "cau") == (None, None)
    with pytest.raises(ValueError, match="ION 5"):
        choose(available[:2], "5", None)
