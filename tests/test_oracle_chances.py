"""Chances are the oracle's: exact sums over every patient and every donor.

What: for random sets (nulls, absence, groups, names that cannot be carried, mixed ancestry), loci, budgets, sizes and
availabilities, and for single patients with ambiguous typings: the likelihood of all pools and of each, expected donors,
curves, recruiting, the road. Why: patterns, tables and subtractions replace a sum over all donors, and no donor may be
lost or counted twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache

import pyarrow as pa
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import allomatch as am
from allomatch import chances
from prediction_strategies import LOCI, PredictionDraw, SetDraw, people
from reference import chances as reference
from reference.nomenclature import Release, TwoField
from reference.prediction import posteriors
from reference.truth import needs_data
from strategies import Drawn, oracle_release, oracle_two_field

WORLDS = [pytest.param("two-field", id="two-field"), pytest.param("3.58.0", id="3.58.0", marks=needs_data)]
CLOSE = {"rel": 1e-9, "abs": 1e-13}


def oracle_of(world: str) -> TwoField | Release:
    return oracle_two_field() if world == "two-field" else oracle_release()


@cache
def core_of(world: str) -> am.Nomenclature:
    return am.Nomenclature.two_field() if world == "two-field" else am.Nomenclature.load(world)


@dataclass(frozen=True)
class Asked:
    """Two populations, pools of both, loci and a budget."""

    sets: tuple[SetDraw, SetDraw]
    pools: tuple[tuple[int, int, str], ...]  # which set, donors, availability
    loci: tuple[str, ...]
    most: int

    def frequencies(self, which: int) -> am.HaplotypeFrequencies:
        return frequencies(self.sets[which], ("one", "two")[which])

    def registries(self) -> list[chances.DonorPool]:
        return [
            chances.DonorPool(self.frequencies(which), donors, float(Fraction(availability)), f"pool {at}")
            for at, (which, donors, availability) in enumerate(self.pools)
        ]

    def expected_pools(self, nom: TwoField | Release) -> list[reference.Pool]:
        return [
            reference.Pool(self.sets[which].carried(nom), donors, Fraction(availability))
            for which, donors, availability in self.pools
        ]


def frequencies(drawn: SetDraw, name: str) -> am.HaplotypeFrequencies:
    columns: dict[str, list[str] | list[float]] = {
        locus: [names[i] for names, _ in drawn.rows] for i, locus in enumerate(drawn.loci)
    }
    return am.HaplotypeFrequencies.from_arrow(
        pa.table({**columns, "frequency": [float(frequency) for _, frequency in drawn.rows]}), population=name
    )


@st.composite
def questions(draw: st.DrawFn, nom: TwoField | Release) -> Asked:
    chooser, of = Drawn(draw), PredictionDraw(nom)
    names = {locus: of.pool(chooser, locus) for locus in LOCI}
    some = tuple(locus for locus in LOCI if chooser.number(0, 2)) or ("A",)
    first, second = (of._carried_set(chooser, names, some) for _ in range(2))
    pools = tuple(
        (chooser.number(0, 1), chooser.pick([0, 1, 2, 7]), chooser.pick(["1", "0.5", "0.01", "0"]))
        for _ in range(chooser.number(1, 3))
    )
    loci = tuple(locus for locus in some if chooser.number(0, 2)) or some[:1]
    return Asked((first, second), pools, loci, chooser.number(0, min(4, 2 * len(loci))))


@pytest.mark.parametrize("world", WORLDS)
@given(data=st.data(), mixed=st.booleans())
def test_populations(data: st.DataObject, world: str, mixed: bool) -> None:
    asked = data.draw(questions(oracle_of(world)))
    nom, core = oracle_of(world), core_of(world)
    first, second = (each.carried(nom) for each in asked.sets)
    patients = reference.population(asked.loci, first, second if mixed else None)
    pools = asked.expected_pools(nom)
    theirs = (asked.frequencies(0), asked.frequencies(1)) if mixed else asked.frequencies(0)
    found = chances.match_likelihood(theirs, asked.registries(), asked.loci, asked.most, nomenclature=core)
    assert (found.error, found.loci, found.max_mismatches) == (0, asked.loci, asked.most)
    assert found.likelihood == pytest.approx(
        float(reference.likelihood(patients, asked.loci, pools, asked.most)), **CLOSE
    )
    for pool, answer in zip(pools, found.pools, strict=True):
        alone = reference.likelihood(patients, asked.loci, [pool], asked.most)
        assert answer.likelihood == pytest.approx(float(alone), **CLOSE)
        donors = (
            pool.donors
            * pool.availability
            * sum(
                p * reference.matching(genotype, asked.loci, pool.frequencies, asked.most)
                for genotype, p in patients.items()
            )
        )
        assert answer.expected_donors == pytest.approx(float(donors), **CLOSE)
        left_out = pool.frequencies.not_carried.frequency
        assert answer.lost == pytest.approx(float(left_out / (left_out + pool.frequencies.total())), abs=1e-8)
    lost = [
        s.not_carried.frequency / (s.not_carried.frequency + s.total()) for s in (first, second if mixed else first)
    ]
    assert found.lost == pytest.approx(float(sum(lost) / 2), abs=1e-8)


@pytest.mark.parametrize("world", WORLDS)
@given(data=st.data())
def test_one_patient(data: st.DataObject, world: str) -> None:
    nom, core = oracle_of(world), core_of(world)
    drawn = data.draw(people(nom))
    person = drawn.person(nom)
    asked = data.draw(questions(nom))
    loci = [locus for locus in LOCI if locus in person.loci]
    if len(loci) > 1 and data.draw(st.booleans()):
        loci = loci[1:]
    assume(loci)
    # Donors of the patient's own populations, since others would nearly never match.
    asked = replace(asked, sets=(drawn.first, drawn.second or drawn.first))
    most = data.draw(st.integers(0, min(4, 2 * len(loci))))
    theirs = frequencies(drawn.first, "theirs")
    both = theirs if drawn.second is None else (theirs, frequencies(drawn.second, "others"))
    # A set that cannot be carried at all has no person to explain.
    expected = posteriors(person, loci, nom)
    found = chances.patient_likelihood(drawn.gl, both, asked.registries(), core, loci, most)
    assert found.represented == (expected is not None)
    if expected is None:
        assert found.to_dict()["likelihood"] is None
        assert "no probability" in found.explain()
        return
    wanted = reference.likelihood(expected, loci, asked.expected_pools(nom), most)
    assert found.likelihood == pytest.approx(float(wanted), **CLOSE)


@given(data=st.data(), recruits=st.integers(0, 5), siblings=st.integers(0, 4))
def test_what_follows_from_it(data: st.DataObject, recruits: int, siblings: int) -> None:
    nom, core = oracle_of("two-field"), core_of("two-field")
    asked = data.draw(questions(nom))
    pools, registries = asked.expected_pools(nom), asked.registries()
    loci, most = asked.loci, asked.most
    people_of = [reference.population(loci, each.carried(nom)) for each in asked.sets]

    values = chances.recruitment_value(
        [(asked.frequencies(0), 3), (asked.frequencies(1), 1)], registries, recruits, loci, most, nomenclature=core
    )
    assert [each.gain for each in values] == sorted((each.gain for each in values), reverse=True)
    for each in values:
        at = [pool.label for pool in registries].index(each.pool)
        more = [
            reference.Pool(pool.frequencies, pool.donors + recruits * (i == at), pool.availability)
            for i, pool in enumerate(pools)
        ]
        gains = [
            reference.likelihood(patients, loci, more, most) - reference.likelihood(patients, loci, pools, most)
            for patients in people_of
        ]
        assert [gain for _, gain in each.by_population] == pytest.approx([float(gain) for gain in gains], **CLOSE)
        assert each.gain == pytest.approx(float((3 * gains[0] + gains[1]) / 4), **CLOSE)

    road = chances.road_likelihood(
        siblings,
        registries[:1],
        registries[1:],
        asked.frequencies(0),
        loci=loci,
        max_mismatches=most,
        nomenclature=core,
    )
    family = 1 - Fraction(3, 4) ** siblings
    home, elsewhere = reference.road(people_of[0], loci, family, pools[:1], pools[1:], most)
    assert (road.family, road.home, road.world) == pytest.approx(
        (float(family), float(home), float(elsewhere)), **CLOSE
    )
    assert road.family + road.home + road.world + road.nobody == pytest.approx(1)

    whole = sum(pool.donors for pool in pools)
    if whole:
        curve = chances.likelihood_curve(
            asked.frequencies(0), registries, [0, whole, 3 * whole], loci, most, nomenclature=core
        )
        wanted = [
            reference.likelihood(
                people_of[0],
                loci,
                [reference.Pool(p.frequencies, times * p.donors, p.availability) for p in pools],
                most,
            )
            for times in (0, 1, 3)
        ]
        assert [point.likelihood for point in curve.points] == pytest.approx([float(x) for x in wanted], **CLOSE)
