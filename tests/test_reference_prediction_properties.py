"""What must hold of the oracle's imputation and predictions, whatever people and sets are drawn.

What: sums are 1, more ambiguity never takes support away, resolved people give 0 or 1 and what matching says, and what
is symmetric stays so. Why: the oracle is held against few facts of others; these hold for all people, and so for the
core as well.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prediction_strategies import PairDraw, PersonDraw, PredictionDraw, pairs, people
from reference.detail import Facts
from reference.haplotypes import FrequencySet, is_null
from reference.imputation import Imputation
from reference.match import match, match_locus
from reference.nomenclature import Nomenclature, Release, TwoField
from reference.phenotype import Block, Phenotype, Typing, parse_phenotype
from reference.prediction import Person, Prediction, posteriors, predict
from reference.truth import existing_data_dir, needs_data
from strategies import Seeded, oracle_release, oracle_two_field, vocabularies, written

WORLDS = [pytest.param("two-field", id="two-field"), pytest.param("3.58.0", id="3.58.0", marks=needs_data)]


def nomenclature(world: str) -> TwoField | Release:
    return oracle_two_field() if world == "two-field" else oracle_release()


_FACTS: dict[str, Facts] = {}


def facts(world: str) -> Facts:
    if world not in _FACTS:
        nom = nomenclature(world)
        _FACTS[world] = Facts.of_release(existing_data_dir(), nom) if isinstance(nom, Release) else Facts()
    return _FACTS[world]


def drawn_pair(data: st.DataObject, world: str) -> tuple[Person, Person, tuple[str, ...]]:
    """Two people, and those of the loci asked for that the sets of both have."""
    nom = nomenclature(world)
    drawn: PairDraw = data.draw(pairs(nom))
    patient, donor = drawn.patient.person(nom), drawn.donor.person(nom)
    return patient, donor, tuple(at for at in drawn.loci if at in patient.loci and at in donor.loci)


def predicted(patient: Person, donor: Person, world: str, loci: tuple[str, ...]) -> Prediction | None:
    """The prediction; None if nothing can be said."""
    if not loci:
        return None
    found = predict(patient, donor, nomenclature(world), loci, facts(world))
    return None if found.mismatches is None else found


def mean(chances: tuple[Fraction, ...]) -> Fraction:
    return sum((k * chance for k, chance in enumerate(chances)), Fraction(0))


@pytest.mark.parametrize("world", WORLDS)
@given(data=st.data())
def test_probabilities_sum_to_one(world: str, data: st.DataObject) -> None:
    patient, donor, loci = drawn_pair(data, world)
    found = predicted(patient, donor, world, loci)
    if found is None:
        return
    assert found.mismatches
    assert found.gvh
    assert found.hvg
    assert found.by_locus
    for chances in (found.mismatches, found.gvh, found.hvg):
        assert len(chances) == 2 * len(loci) + 1
        assert sum(chances) == 1
        assert min(chances) >= 0
    for locus, here in found.by_locus.items():
        for chances in (here.mismatches, here.gvh, here.hvg):
            assert sum(chances) == 1
            assert min(chances) >= 0
        # A mismatch lies somewhere: what the positions share is all there is.
        for positions in (here.patient_positions, here.donor_positions):
            assert sum(positions) == mean(here.mismatches)
            assert all(here.mismatches[2] <= chance <= 1 - here.mismatches[0] for chance in positions)
        if locus == "DPB1":
            assert found.epitopes
            assert sum(found.epitopes.values()) == 1
            assert found.epitopes["matched"] == here.mismatches[0]
    for way in ("mismatches", "gvh", "hvg"):
        assert mean(getattr(found, way)) == sum(mean(getattr(here, way)) for here in found.by_locus.values())


@pytest.mark.parametrize("world", WORLDS)
@given(data=st.data())
def test_patient_and_donor_change_places(world: str, data: st.DataObject) -> None:
    patient, donor, loci = drawn_pair(data, world)
    found, other = predicted(patient, donor, world, loci), predicted(donor, patient, world, loci)
    if found is None or other is None:
        assert found is other
        return
    assert found.by_locus
    assert other.by_locus
    assert (found.mismatches, found.gvh, found.hvg) == (other.mismatches, other.hvg, other.gvh)
    for locus, here in found.by_locus.items():
        there = other.by_locus[locus]
        assert (here.mismatches, here.gvh, here.hvg) == (there.mismatches, there.hvg, there.gvh)
        assert here.patient_positions == there.donor_positions
        assert here.donor_positions == there.patient_positions
    if found.epitopes and other.epitopes:
        assert found.epitopes["non-permissive GvH"] == other.epitopes["non-permissive HvG"]
        assert found.epitopes["permissive"] == other.epitopes["permissive"]


@pytest.mark.parametrize("world", WORLDS)
@given(data=st.data())
def test_order_and_scale_do_not_matter(world: str, data: st.DataObject) -> None:
    patient, donor, loci = drawn_pair(data, world)
    found = predicted(patient, donor, world, loci)
    turned = Phenotype(
        {at: Typing(at, tuple((b, a) for a, b in t.genotypes[::-1])) for at, t in donor.phenotype.typings.items()},
        tuple(Block(b.loci, tuple((k, h) for h, k in b.pairs[::-1])) for b in donor.phenotype.blocks),
    )
    same = replace(donor, phenotype=turned, first=donor.first.normalised())
    if donor.second is not None:
        same = replace(same, first=donor.second, second=donor.first)
    again = predicted(patient, same, world, loci[::-1])
    if found is None or again is None:
        assert found is again
        return
    assert replace(again, loci=found.loci) == found


@pytest.mark.parametrize("world", WORLDS)
@given(data=st.data())
def test_a_second_population_that_is_the_first_changes_nothing(world: str, data: st.DataObject) -> None:
    person = data.draw(people(nomenclature(world))).person(nomenclature(world))
    alone, twice = replace(person, second=None), replace(person, second=person.first)
    assert alone.imputed(nomenclature(world)) == twice.imputed(nomenclature(world))


def widened(data: st.DataObject, phenotype: Phenotype, nom: Nomenclature) -> Phenotype:
    """A phenotype of which more may be true: names, genotypes or pairs of haplotypes added, phase or a locus dropped."""
    kind = data.draw(st.sampled_from(["names", "genotypes", "phase", "untyped"]))
    phased = {at for block in phenotype.blocks for at in block.loci}
    free = [at for at in phenotype.typings if at not in phased]
    if kind == "phase" or not free:
        return Phenotype(phenotype.typings)
    locus = data.draw(st.sampled_from(free))
    typings = dict(phenotype.typings)
    if kind == "untyped":
        del typings[locus]
        return Phenotype(typings, phenotype.blocks)
    first, second = (written(locus, data.draw(st.sampled_from(vocabularies(nom)[locus].names))) for _ in range(2))
    (more,) = parse_phenotype({locus: (first, second)}).typings[locus].genotypes
    if kind == "genotypes":
        typings[locus] = Typing(locus, (*typings[locus].genotypes, more))
    else:
        typings[locus] = Typing(locus, tuple((a | more[0], b) for a, b in typings[locus].genotypes))
    return Phenotype(typings, phenotype.blocks)


def has_support(narrow: Imputation, wide: Imputation) -> bool:
    """Whether every diplotype of the one is one of the other's, with its weight."""
    return narrow.weights.items() <= wide.weights.items()


@pytest.mark.parametrize("world", WORLDS)
@given(data=st.data())
def test_more_ambiguity_never_takes_support_away(world: str, data: st.DataObject) -> None:
    nom = nomenclature(world)
    patient, donor, loci = drawn_pair(data, world)
    wider = replace(donor, phenotype=widened(data, donor.phenotype, nom))
    assert has_support(donor.imputed(nom), wider.imputed(nom))
    # Nor does any outcome become impossible, if the person is not one whom only certainty could tell.
    found, wide = predicted(patient, donor, world, loci), predicted(patient, wider, world, loci)
    if found is not None and donor.imputed(nom).represented:
        assert wide is not None
        assert found.mismatches
        assert wide.mismatches
        assert all(b > 0 for a, b in zip(found.mismatches, wide.mismatches, strict=True) if a > 0)


def resolved(data: st.DataObject, of: FrequencySet) -> Phenotype:
    """A person of two haplotypes of a set, by the names of their classes."""
    h, k = (data.draw(st.sampled_from(sorted(of.frequencies))) for _ in range(2))
    return parse_phenotype({at: pair for at, *pair in zip(of.loci, h, k, strict=True)})


@pytest.mark.parametrize("world", WORLDS)
@given(data=st.data())
def test_resolved_people_give_0_or_1_as_matching_counts(world: str, data: st.DataObject) -> None:
    nom = nomenclature(world)
    drawn: PersonDraw = data.draw(people(nom))
    of = drawn.first.carried(nom)
    patient, donor = Person(resolved(data, of), of), Person(resolved(data, of), of)
    found = predict(patient, donor, nom, of.loci)
    counts = match(patient.phenotype, donor.phenotype, nom, of.loci)
    assert found.mismatches
    assert found.gvh
    assert found.hvg
    assert found.by_locus
    for chances, count in (
        (found.mismatches, counts.total.least),
        (found.gvh, counts.total.gvh_least),
        (found.hvg, counts.total.hvg_least),
    ):
        assert set(chances) <= {0, 1}
        assert chances[count] == 1
    for locus in of.loci:
        assert found.by_locus[locus].mismatches[counts.loci[locus].least] == 1


@pytest.mark.parametrize("world", WORLDS)
@given(data=st.data())
def test_nothing_is_likely_that_the_typings_exclude(world: str, data: st.DataObject) -> None:
    """The counts of matching, where a possible null counts, are the bounds of what may have a probability."""
    patient, donor, loci = drawn_pair(data, world)
    found = predicted(patient, donor, world, loci)
    if found is None:
        return
    assert found.by_locus
    nom = nomenclature(world)
    for locus in loci:
        typings = [person.phenotype.typing(locus) for person in (patient, donor)]
        counts = match_locus(typings[0], typings[1], nom, "possible")
        here = found.by_locus[locus]
        for chances, least, greatest in (
            (here.mismatches, counts.least, counts.greatest),
            (here.gvh, counts.gvh_least, counts.gvh_greatest),
            (here.hvg, counts.hvg_least, counts.hvg_greatest),
        ):
            assert all(least <= k <= greatest for k, chance in enumerate(chances) if chance > 0), locus


@pytest.mark.parametrize("world", WORLDS)
@given(data=st.data())
def test_untyped_loci_may_as_well_be_summed_in_the_set(world: str, data: st.DataObject) -> None:
    nom = nomenclature(world)
    person = data.draw(people(nom)).person(nom)
    typed = [at for at in person.loci if person.phenotype.typing(at) is not None]
    whole = person.imputed(nom)
    second = None if person.second is None else person.second.projected(typed)
    summed = replace(person, first=person.first.projected(typed), second=second).imputed(nom)
    assert whole.total == summed.total
    assert whole.genotype_weights(typed) == {
        tuple(g[summed.loci.index(at)] for at in whole.loci if at in typed): w
        for g, w in summed.genotype_weights().items()
    }


@pytest.mark.parametrize("world", WORLDS)
@given(data=st.data())
def test_posteriors_sum_to_one_and_are_of_the_typing(world: str, data: st.DataObject) -> None:
    nom: Nomenclature = nomenclature(world)
    person = data.draw(people(nom)).person(nom)
    found = posteriors(person, person.loci, nom)
    if found is None:
        assert not person.imputed(nom).represented
        return
    assert sum(found.values()) == 1
    # Whoever is typed by this genotype alone is consistent with it, or else certain.
    for genotype in found:
        alone = parse_phenotype({at: list(pair) for at, pair in zip(person.loci, genotype, strict=True)})
        assert posteriors(replace(person, phenotype=alone), person.loci, nom) == {genotype: 1}


def test_the_draws_reach_what_they_are_for() -> None:
    """Most people are represented, and blocks, lists, nulls, absence and mixed ancestry are among them."""
    nom = oracle_two_field()
    seen = dict.fromkeys(["represented", "certain", "between", "~", "|", "NEW", "XX", "NNNN", "null", "mixed"], 0)
    for seed in range(200):
        drawn = PredictionDraw(nom).pair(Seeded(seed))
        patient, person = drawn.patient.person(nom), drawn.donor.person(nom)
        found = predicted(patient, person, "two-field", tuple(a for a in patient.loci if a in person.loci))
        seen["represented"] += person.imputed(nom).represented
        seen["between"] += found is not None and any(0 < p < 1 for p in found.mismatches or ())
        for mark in ("~", "|", "NEW", "XX", "NNNN"):
            seen[mark] += mark in drawn.donor.gl
        seen["null"] += any(is_null(c) and "NNNN" not in c for h in person.first.frequencies for c in h)
        seen["mixed"] += drawn.donor.second is not None
        seen["certain"] += bool(person.loci) and len(posteriors(person, person.loci, nom) or ()) == 1
    assert seen["represented"] > 120, seen
    assert min(seen.values()) > 15, seen
