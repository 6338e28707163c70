"""The third step: who is searched in which order, when to stop, what is counted, and which typing would tell most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import allomatch as am
from allomatch.roadmap import Patient, Policies, RegistrySource
from allomatch.roadmap.next_step import chance_of_registries, donor_pools
from allomatch.roadmap.registry_step import RegistryAnswer, assess_registries, patient_populations
from allomatch.roadmap.typing_advice import bits_of_typing, entropy
from reference import typing_advice as oracle

TODAY = date(2026, 11, 24)
RULES = Policies.default()
NAMES = am.Nomenclature.two_field()
ONE = {"A": "01:01", "B": "08:01", "C": "07:01", "DRB1": "03:01", "DQB1": "02:01"}
TWO = {"A": "02:01", "B": "44:02", "C": "05:01", "DRB1": "04:01", "DQB1": "03:01"}
OTHER = {"A": "02:05", "B": "44:03", "C": "16:01", "DRB1": "07:01", "DQB1": "02:02"}
GL = "^".join(f"{locus}*{ONE[locus]}+{locus}*{TWO[locus]}" for locus in ONE)
PATIENT = Patient(am.Phenotype(GL), weight_kg=50.0, ethnicities=("X",))


def donor(name: str, changed: Mapping[str, str | None] | None = None, **facts: Any) -> dict[str, Any]:
    """A donor like the patient, but for some second positions; None: untyped there."""
    row: dict[str, Any] = {"donor_id": name, "donor_type": "adult", "birth_year": 1990, "ion": 2000}
    row |= {"tnc_e7": None, "cd34_e6": None, "ethnicity": None, "status": None} | facts
    for locus in ONE:
        second = (changed or {}).get(locus, TWO[locus])
        row |= {f"{locus}_1": None if second is None else ONE[locus], f"{locus}_2": second}
    return row


def source(folder: Path, rows: list[dict[str, Any]], name: str = "all", **more: Any) -> RegistrySource:
    table = pa.Table.from_pylist(rows)
    registry, report = am.Registry.build(folder / f"{name}.allo", table, nomenclature=NAMES)
    assert report.rejected == 0, report.errors.to_pylist()
    return RegistrySource(name, registry, **more)


def frequencies(name: str = "X") -> am.HaplotypeFrequencies:
    haplotypes = [ONE, TWO, {**TWO, "DQB1": "03:02"}, {**TWO, "A": "02:05"}, OTHER]
    table = pa.table(
        {
            **{locus: [each[locus] for each in haplotypes] for locus in ONE},
            "frequency": [0.3, 0.2, 0.1, 0.05, 0.35],
        }
    )
    return am.HaplotypeFrequencies.from_arrow(table, population=name, ethnicity=name)


def assess(
    sources: list[RegistrySource],
    patient: Patient = PATIENT,
    freqs: am.HaplotypeFrequencies | am.FrequencySets | None = None,
    rules: Policies = RULES,
) -> RegistryAnswer:
    return assess_registries(patient, sources, NAMES, freqs, rules, TODAY)


def expectation(
    sources: list[RegistrySource], freqs: am.HaplotypeFrequencies | am.FrequencySets | None, rules: Policies = RULES
) -> tuple[float | None, str]:
    return chance_of_registries(PATIENT, sources, NAMES, freqs, rules, TODAY)


def asked(answer: RegistryAnswer) -> list[tuple[str, str, str, bool]]:
    return [(each.source, each.place, each.kind, each.asked) for each in answer.searches]


def test_home_comes_first_whichever_way_it_is_marked(tmp_path: Path) -> None:
    world = source(tmp_path, [donor("W1")], "world", what="adults")
    home = source(tmp_path, [donor("H1")], "home", domestic=True, what="adults")
    found = assess([world, home])
    assert [each[:2] for each in asked(found)] == [("home", "home"), ("world", "world")]
    both = source(
        tmp_path, [donor("B1", ion=1081), donor("D1", ion=1011), donor("U1", ion=None)], "both", what="adults"
    )
    found = assess([replace(both, domestic_ions=("1081",))])
    ids = [[option.hit.donor_id for option in each.best] for each in found.searches]
    assert ids == [["B1"], ["D1", "U1"]]  # nobody is searched twice, and nobody whose ION is not known is lost


def test_a_word_that_is_no_cmv_is_not_used(tmp_path: Path) -> None:
    rows = [donor("D1", cmv="P"), donor("D2", cmv=None), donor("D3", cmv="N")]
    found = assess([source(tmp_path, rows, what="adults")], replace(PATIENT, cmv="?", abo="0"), frequencies())
    assert [option.hit.donor_id for option in found.searches[0].best] == ["D1", "D2", "D3"]


def test_enough_donors_at_home_stop_the_road(tmp_path: Path) -> None:
    stop = RULES.value("registries", "stop_probable_donors")
    home = source(tmp_path, [donor(f"H{n}") for n in range(stop)], "home", domestic=True)
    world = source(tmp_path, [donor("W1")], "world")
    found = assess([home, world])
    assert asked(found) == [
        ("home", "home", "adults", True),
        ("world", "world", "adults", False),
        ("home", "home", "cord", False),
        ("world", "world", "cord", False),
    ]
    assert "are enough" in found.searches[1].reasons[0]
    fewer = source(tmp_path, [donor(f"H{n}") for n in range(stop - 1)], "fewer", domestic=True)
    assert all(each.asked for each in assess([fewer, world]).searches if each.kind == "adults")
    never = RULES.replaced({"registries": {"stop_probable_donors": {"value": 0, "source": "ours"}}}, version="x")
    assert all(each.asked for each in assess([home, world], rules=never).searches if each.kind == "adults")


def test_a_file_that_is_given_twice_is_searched_once(tmp_path: Path) -> None:
    one = source(tmp_path, [donor("D1"), donor("C1", donor_type="cord", tnc_e7=200.0)], "one")
    (tmp_path / "link.allo").symlink_to(tmp_path / "one.allo")
    linked = RegistrySource("other", am.Registry.open(tmp_path / "link.allo", nomenclature=NAMES), domestic=True)
    alone = assess([one])
    both = assess([one, linked, one])
    assert both.searches == alone.searches
    assert alone.problems == ()
    said = [(each.code, each.where) for each in both.problems]
    assert said == [("registry given twice", f"registry {name}") for name in ("other", "other", "one", "one")]
    assert (
        "under two names, 'one' and 'other'; its adult donors were searched once, as 'one', in the world, not at home"
        in (both.problems[0].message)
    )
    assert "is given again; its adult donors" in both.problems[2].message
    # Each kind once is no mistake, and what is left of a second naming is searched.
    halves = [replace(one, what="adults"), replace(one, what="cord")]
    assert asked(assess(halves)) == asked(alone)
    assert assess(halves).problems == ()
    rest = assess([replace(one, what="adults"), linked])
    assert asked(rest) == [
        ("one", "world", "adults", True),
        ("other", "home", "cord", True),
        ("other", "home", "cord", True),
    ]
    assert [each.code for each in rest.problems] == ["registry given twice"]
    # Nor are its donors expected twice.
    x = frequencies()
    expected = expectation([one], x)
    assert expectation([one, linked, one], x) == expected
    assert expectation(halves, x) == expected


def test_two_files_of_one_name_are_named(tmp_path: Path) -> None:
    one, two = source(tmp_path, [donor("D1")], "one"), source(tmp_path, [donor("D2")], "two")
    found = assess([one, replace(two, name="one")])
    assert [each.code for each in found.problems] == ["one name for two registries"]
    assert [each.asked for each in found.searches if each.kind == "adults"] == [True, True]
    assert assess([one, two]).problems == ()


def test_donors_whom_two_registries_list_count_once(tmp_path: Path) -> None:
    stop = RULES.value("registries", "stop_probable_donors")
    home = source(tmp_path, [donor(f"G{n}") for n in range(stop - 1)], "home", domestic=True, what="adults")
    copied = source(tmp_path, [donor(f"G{n}") for n in range(stop - 1)], "copied", domestic=True, what="adults")
    world = source(tmp_path, [donor("W")], "world", what="adults")
    found = assess([home, copied, world])
    assert [each.probable for each in found.searches] == [stop - 1, 0, 1]
    assert asked(found)[-1] == ("world", "world", "adults", True)  # not stopped by people who were counted twice
    (named,) = found.problems
    assert (named.code, named.where, named.value) == ("donors in two registries", "registry copied", "G0, G1")
    assert "as 'home' does" in named.message
    assert found.answer == "probable donors"


def test_levels_count_donors_within_them(tmp_path: Path) -> None:
    rows = [
        donor("D1"),
        donor("D2", {"A": "02:05"}),
        donor("D3", {"A": "02:05", "B": "44:03"}),
        donor("D4", {"A": "02:05", "B": "44:03", "C": "16:01"}),
        donor("C1", {"A": "02:05"}, donor_type="cord", tnc_e7=200.0, cd34_e6=10.0),
        donor("old", birth_year=1950),
        donor("ageless", birth_year=None),
    ]
    found = assess([source(tmp_path, rows)])
    adults = found.searches[0]
    assert adults.levels == {"10/10": 2, ">=9/10": 3, ">=8/10": 4}
    assert any(each.startswith("1 more are younger than 18 or older than 60") for each in adults.reasons)
    assert [each.hit.donor_id for each in adults.best] == ["D1", "ageless", "D2", "D3"]
    six, eight = (each for each in found.searches if each.kind == "cord")
    assert six.levels == {"6/6": 1, ">=5/6": 1, ">=4/6": 1}  # A by antigen: the unit matches
    assert eight.levels == {"8/8": 0, ">=7/8": 1, ">=6/8": 1, ">=5/8": 1, ">=4/8": 1}
    assert found.answer == "probable donors"


def test_cord_blood_needs_cells(tmp_path: Path) -> None:
    rows = [
        donor("D", {"A": "11:01", "B": "44:03", "C": "16:01"}),
        donor("small", donor_type="cord", tnc_e7=100.0),
        donor("unknown", donor_type="cord"),
        donor("large", donor_type="cord", tnc_e7=125.0, cd34_e6=5.0),
    ]
    everything = source(tmp_path, rows)
    found = assess([everything])
    assert found.answer == "cord blood"
    cord = next(each for each in found.searches if each.kind == "cord")
    (best,) = cord.best
    assert best.hit.donor_id == "large"
    assert best.hit.doses["tnc_e7_per_kg"] == pytest.approx(2.5)
    assert any("CD34+ cells 0.1e6 per kg, 0.15e6 are asked for" in each for each in best.reasons)
    light = assess([everything], replace(PATIENT, weight_kg=None))
    assert [each.code for each in light.problems] == ["missing weight"]
    cord = next(each for each in light.searches if each.kind == "cord")
    assert {each.hit.donor_id for each in cord.best} == {"small", "unknown", "large"}


def test_the_answer_is_the_best_that_was_found(tmp_path: Path) -> None:
    freqs = frequencies()
    open_at_a = donor("open", {"A": "02:XX"})
    assert assess([]).answer == "not asked"
    cases = {
        "possible donors": [donor("D", {"DQB1": None, "A": None})],
        "mismatched donors": [donor("D", {"A": "11:01"})],
        "no donor": [donor("D", {"A": "11:01", "B": "44:03", "C": "16:01"})],
        "probable donors": [donor("D")],
    }
    for number, (expected, rows) in enumerate(cases.items()):
        assert assess([source(tmp_path, rows, f"s{number}")]).answer == expected
    assert assess([source(tmp_path, [open_at_a], "open")]).answer == "possible donors"  # without frequencies
    assert assess([source(tmp_path, [open_at_a], "open2")], freqs=freqs).answer == "probable donors"  # with them


def test_the_typing_that_tells_most_comes_first(tmp_path: Path) -> None:
    rows = [
        donor("A-open", {"A": "02:XX"}),
        donor("Q-open", {"DQB1": None}),
        donor("both", {"A": "02:XX", "DQB1": None}),
    ]
    found = assess([source(tmp_path, rows)], freqs=frequencies())
    assert found.requests
    assert [each.bits for each in found.requests] == sorted((each.bits for each in found.requests), reverse=True)
    by = {(each.donor_id, each.locus): each for each in found.requests}
    only = by["Q-open", "DQB1"]
    # One open locus decides everything: the match now is that of the locus, and certain afterwards.
    assert only.p_match == pytest.approx(only.p_locus) == pytest.approx(0.2 / 0.3)
    assert only.p_if_matched == pytest.approx(1.0)
    assert only.bits == pytest.approx(entropy(2 / 3))
    assert only.reason.startswith("typing DQB1 of Q-open")
    for each in found.requests:
        assert each.p_match is not None
        assert 0 <= (each.bits or 0) <= entropy(each.p_match) + 1e-12
    limited = RULES.replaced({"registries": {"advice": {"value": 1, "source": "ours"}}}, version="x")
    assert len(assess([source(tmp_path, rows, "again")], freqs=frequencies(), rules=limited).requests) == 1


def test_without_frequencies_typing_is_asked_for_without_a_figure(tmp_path: Path) -> None:
    found = assess([source(tmp_path, [donor("D", {"DQB1": None}), donor("E")])])
    (only,) = found.requests
    assert (only.donor_id, only.locus, only.bits) == ("D", "DQB1", None)
    assert "untyped" in only.reason


@given(
    st.integers(2, 4).flatmap(
        lambda loci: st.lists(st.integers(0, 5), min_size=2**loci, max_size=2**loci).filter(lambda each: sum(each) > 0)
    )
)
def test_information_is_that_of_its_definition(weights: list[int]) -> None:
    loci = len(weights).bit_length() - 1
    joint = {
        tuple(bool(number >> at & 1) for at in range(loci)): Fraction(weight, sum(weights))
        for number, weight in enumerate(weights)
    }
    for locus in range(loci):
        whole, here = oracle.marginals(joint, locus)
        told = bits_of_typing(float(whole), float(here))
        assert told == pytest.approx(oracle.information(joint, locus), abs=1e-9)
        assert -1e-12 <= told <= entropy(float(whole)) + 1e-12


def test_two_sides_have_two_sets_of_frequencies() -> None:
    x, y = frequencies("X"), frequencies("Y")
    sets = am.FrequencySets([x, y], default=x)
    problems: list[Any] = []
    pair, words = patient_populations(replace(PATIENT, ethnicities=("Y", "X")), sets, RULES, problems)
    assert pair == (y, x)
    assert len(words) == 2
    one, words = patient_populations(replace(PATIENT, ethnicities=("Moroccan", "Y")), sets, RULES, problems)
    assert one == (x, y)
    assert "no frequencies are labelled for Moroccan" in words[0]
    assert patient_populations(replace(PATIENT, ethnicities=()), sets, RULES, problems)[0] is x
    assert patient_populations(replace(PATIENT, ethnicities=("X",)), x, RULES, problems)[0] is x
    assert patient_populations(PATIENT, None, RULES, problems)[0] is None
    assert problems == []
    patient_populations(replace(PATIENT, ethnicities=("X", "Y", "Z")), sets, RULES, problems)
    patient_populations(replace(PATIENT, ethnicities=("Z",)), am.FrequencySets([x]), RULES, problems)
    assert [each.code for each in problems] == ["too many ethnicities", "no frequencies"]


def test_what_may_be_expected_of_the_registries(tmp_path: Path) -> None:
    rows = [donor(f"D{n}", ethnicity="X") for n in range(3)] + [donor("E", ethnicity="Z"), donor("F")]
    rows[0]["ethnicity"], rows[4]["ethnicity"] = "X", None
    everybody = source(tmp_path, rows)
    x, y = frequencies("X"), frequencies("Y")
    sets = am.FrequencySets([x, y], default=y)
    pools = donor_pools(everybody, sets, 0.5, "birth_year > 1900")
    assert [(pool.frequencies.population, pool.donors, pool.availability) for pool in pools] == [
        ("X", 3, 0.5),
        ("Y", 2, 0.5),
    ]
    # Of the haplotypes only the two that the patient has make the patient's typing: 2 * 0.3 * 0.2 of all donors.
    chance, words = expectation([everybody], x)
    assert chance == pytest.approx(1 - (1 - 0.12) ** 5)
    assert "5 adult donors as registered" in words
    # Who would not be listed does not count: units, the old, the deleted, and whoever is asked for cord blood alone.
    rows += [
        donor("cord", donor_type="cord", tnc_e7=200.0),
        donor("old", birth_year=1930),
        donor("gone", status="Permanently_Unavailable"),
    ]
    assert expectation([source(tmp_path, rows, "more")], x)[0] == chance
    assert expectation([source(tmp_path, rows, "units", what="cord")], x)[0] == 0.0
    half = RULES.replaced({"registries": {"availability": {"value": 0.5, "source": "ours"}}}, version="x")
    assert expectation([everybody], x, half)[0] == pytest.approx(1 - (1 - 0.06) ** 5)
    for patient, sources, freqs, word in (
        (PATIENT, [], x, "without registries"),
        (PATIENT, [everybody], None, "without haplotype frequencies"),
        (replace(PATIENT, phenotype=am.Phenotype("A*01:01+A*02:01")), [everybody], x, "typed at A only"),
        (
            replace(PATIENT, phenotype=am.Phenotype(GL.replace("A*01:01", "A*66:XX"))),
            [everybody],
            x,
            "no pair of haplotypes",
        ),
    ):
        chance, words = chance_of_registries(patient, sources, NAMES, freqs, RULES, TODAY)
        assert chance is None
        assert word in words


def test_a_patient_typed_at_few_loci(tmp_path: Path) -> None:
    everybody = source(tmp_path, [donor("D")], what="adults")

    def typed(*loci: str) -> RegistryAnswer:
        gl = "^".join(each for each in GL.split("^") if each.partition("*")[0] in loci)
        return assess([everybody], replace(PATIENT, phenotype=am.Phenotype(gl) if gl else am.Phenotype({})))

    assert typed("A", "B", "C", "DRB1").searches[0].levels == {"8/8": 1, ">=7/8": 1}
    few = typed("A", "B", "DRB1")
    assert few.searches[0].levels == {"6/6": 1, ">=5/6": 1}
    assert [each.code for each in few.problems] == ["patient not typed"]
    assert typed("A").answer == typed().answer == "ask"


def test_a_registry_that_cannot_be_searched_stops_nothing(tmp_path: Path) -> None:
    untyped = [{key: value for key, value in donor("D").items() if key != "donor_type"}]
    odd = am.Registry.open(source(tmp_path, untyped).registry.path)
    release = RegistrySource("odd", odd, what="both")
    found = assess([release])
    assert found.searches[0].levels["10/10"] == 1
    assert [each.code for each in found.problems] == ["cannot be searched"]  # nobody is known to be a unit
    assert "donor_type" in found.problems[0].message
    units = replace(release, what="cord")
    assert assess([units]).answer == "ask"  # nothing was searched, so nothing can be said of donors
    assert all("could not be searched" in each.reasons[0] for each in assess([units]).searches)


def test_the_order_of_donors_is_a_rule_too(tmp_path: Path) -> None:
    assert am.RankingPolicy.from_dict(RULES.value("registries", "ranking")) == am.RankingPolicy()
    rows = [donor("A-old", birth_year=1970), donor("B-young", {"A": "02:05"}, birth_year=2000)]
    everybody = source(tmp_path, rows, what="adults")
    by_age = am.RankingPolicy(keys=("age",), name="youngest").to_dict()
    young = RULES.replaced({"registries": {"ranking": {"value": by_age, "source": "ours"}}}, version="x")
    assert [each.hit.donor_id for each in assess([everybody]).searches[0].best] == ["A-old", "B-young"]
    best = assess([everybody], rules=young).searches[0].best
    assert [each.hit.donor_id for each in best] == ["B-young", "A-old"]
    assert any("ranking youngest" in each for each in best[0].reasons)


def test_a_locus_that_the_frequencies_lack_is_not_taken_for_matched(tmp_path: Path) -> None:
    table = pa.table(
        {"haplotype": ["A*01:01~B*08:01~DRB1*03:01", "A*02:01~B*44:02~DRB1*04:01"], "frequency": [0.5, 0.5]}
    )
    some = am.HaplotypeFrequencies.from_arrow(table, population="some")
    open_there = [donor(f"D{n}", {"C": None, "DQB1": None}) for n in range(3)]
    other_there = donor("M", {"C": "16:01"})
    home = source(tmp_path, [*open_there, other_there], "home", domestic=True, what="adults")
    world = source(tmp_path, [donor("W")], "world", what="adults")
    found = assess([home, world], freqs=some)
    assert [(each.asked, each.probable) for each in found.searches] == [(True, 0), (True, 1)]
    by = {option.hit.donor_id: option for each in found.searches for option in each.best}
    assert {name: option.p_match for name, option in by.items()} == {
        "D0": None,
        "D1": None,
        "D2": None,
        "M": 0.0,
        "W": 1.0,
    }
    assert [by[name].hit.likelihood for name in ("D0", "M", "W")] == [
        "possible match",
        "unlikely match",
        "probable match",
    ]
    assert {(each.donor_id, each.locus) for each in found.requests} <= {
        (f"D{n}", at) for n in range(3) for at in ("C", "DQB1")
    }
    assert "the frequencies say nothing of C" in found.requests[0].reason


def test_the_patient_is_to_be_typed_where_the_patients_typing_is_open(tmp_path: Path) -> None:
    vague = replace(PATIENT, phenotype=am.Phenotype(GL.replace("A*02:01", "A*02:XX")))
    everybody = source(tmp_path, [donor("D1"), donor("D2"), donor("D3", {"A": "02:XX"})], what="adults")
    for freqs in (frequencies(), None):
        found = assess([everybody], vague, freqs)
        assert [(each.whom, each.donor_id, each.locus) for each in found.requests if each.whom == "patient"] == [
            ("patient", "D1", "A")
        ]
        own = next(each for each in found.requests if each.whom == "patient")
        assert own.reason.startswith("typing A of the patient, whose own is open: ")
        theirs = next(each for each in found.requests if each.whom == "donor")
        assert theirs.donor_id == "D3"
        assert ("a guide only" in theirs.reason) == (freqs is not None)
    only = assess([source(tmp_path, [donor("D1")], "one", what="adults")], vague, frequencies()).requests[0]
    # The donor is known: typing the patient settles it, and tells what there is to tell.
    assert only.bits == pytest.approx(entropy(only.p_match or 0.0))


def test_fewer_loci_than_a_whole_match_stop_nothing(tmp_path: Path) -> None:
    home = source(tmp_path, [donor(f"D{n}", {"C": "16:01"}) for n in range(3)], "home", domestic=True, what="adults")
    world = source(tmp_path, [donor("W")], "world", what="adults")
    for loci, name, level in (
        (("A", "B", "DRB1", "DQB1"), "A, B, DRB1, DQB1", "8 of 8"),
        (("A", "B", "DRB1"), "6/6", "6/6"),
    ):
        gl = "^".join(each for each in GL.split("^") if each.partition("*")[0] in loci)
        found = assess([home, world], replace(PATIENT, phenotype=am.Phenotype(gl)))
        assert (found.answer, [each.asked for each in found.searches]) == ("possible donors", [True, True])
        assert [(each.loci, next(iter(each.levels)), each.probable) for each in found.searches] == [
            (name, level, 0)
        ] * 2
        assert any("nobody counts as a whole match" in each for each in found.reasons)


def test_who_was_listed_with_a_lesser_typing_counts_where_it_is_known(tmp_path: Path) -> None:
    vague = source(tmp_path, [donor("G", {"A": "02:XX"})], "vague", domestic=True, what="adults")
    exact = source(tmp_path, [donor("G")], "exact", what="adults")
    assert [each.probable for each in assess([vague, exact]).searches] == [0, 1]
    turned = [replace(exact, domestic=True), replace(vague, domestic=False)]
    assert [each.probable for each in assess(turned).searches] == [1, 0]
    same_name = assess([exact, replace(source(tmp_path, [donor("G")], "copy", what="adults"), name="exact")])
    assert [each.probable for each in same_name.searches] == [1, 0]
    assert [each.code for each in same_name.problems] == ["one name for two registries", "donors in two registries"]
    assert "as another file of this name does" in same_name.problems[1].message
    # One request, whichever registry the donor is in.
    twice = assess([vague, source(tmp_path, [donor("G", {"A": "02:XX"})], "again", what="adults")])
    assert [(each.donor_id, each.locus) for each in twice.requests] == [("G", "A")]


def test_donors_who_cannot_be_had_stop_nothing(tmp_path: Path) -> None:
    rows = [donor(f"D{n}", status=status) for n, status in enumerate(["deleted", "TEMPORARILY_UNAVAILABLE", "TU"])]
    home = source(
        tmp_path, [*rows, donor("R", status="reserved"), donor("O", status="it's odd")], "home", domestic=True
    )
    found = assess([home, source(tmp_path, [donor("W")], "world", what="adults")])
    assert [option.hit.donor_id for option in found.searches[0].best] == ["O", "R"]
    assert any(each.startswith("3 more cannot be had by their status") for each in found.searches[0].reasons)
    assert all(each.asked for each in found.searches if each.kind == "adults")


def test_donors_who_hardly_match_do_not_end_the_road(tmp_path: Path) -> None:
    rare = am.HaplotypeFrequencies.from_arrow(
        pa.table(
            {**{at: [ONE[at], TWO[at], {**TWO, "DQB1": "03:02"}[at]] for at in ONE}, "frequency": [0.5, 0.01, 0.49]}
        ),
        population="rare",
    )
    found = assess([source(tmp_path, [donor("D", {"DQB1": None})], what="adults")], freqs=rare)
    assert found.searches[0].best[0].p_match == pytest.approx(0.02)
    assert found.answer == "unlikely donors"
    assert found.answer not in RULES.value("recommend", "registries")
