"""What may be expected of the registries before they are asked: the match likelihood of this patient (allomatch.chances).

The pools are the adults of the registries of the case whom a search would list: of each population of the frequency sets, the
donors whose ethnicity says so, the rest with the set for everyone. It is an expectation from frequencies and sizes alone; what a
search then finds is the third step.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from allomatch.chances import DonorPool, patient_likelihood
from allomatch.errors import AllomatchError
from allomatch.frequencies import HaplotypeFrequencies
from allomatch.frequency_sets import FrequencySets
from allomatch.match import PRESETS
from allomatch.nomenclature import Nomenclature
from allomatch.roadmap.case import Patient, Problem, RegistrySource
from allomatch.roadmap.policies import Policies
from allomatch.roadmap.registry_step import adult_filters, patient_populations
from allomatch.roadmap.sources import distinct_sources

__all__ = ["chance_of_registries", "donor_pools"]


def chance_of_registries(
    patient: Patient,
    sources: Sequence[RegistrySource],
    nomenclature: Nomenclature,
    frequencies: HaplotypeFrequencies | FrequencySets | None,
    policies: Policies,
    today: date,
) -> tuple[float | None, str]:
    """Return the probability that the registries hold a wholly matched donor, and in words what it rests on, or why there is none.

    Args:
        patient: The patient.
        sources: The registries of the case.
        nomenclature: What names stand for.
        frequencies: Of the patient, and of donors whose source has none of its own.
        policies: The rules: which loci, which donors, which share of them is available.
        today: For donors' ages.
    """
    what = "the registries: that they hold an available donor without a mismatch"
    if not sources:
        return None, f"{what} cannot be said without registries"
    if frequencies is None:
        return None, f"{what} cannot be said without haplotype frequencies"
    typed = patient.phenotype.loci
    loci = next((name for name in policies.value("registries", "levels") if set(PRESETS[name]) <= set(typed)), None)
    if loci is None:
        return None, f"{what} cannot be said: the patient is typed at {', '.join(typed) or 'nothing'} only"
    ignored: list[Problem] = []  # the registry step names them
    theirs, words = patient_populations(patient, frequencies, policies, ignored)
    if theirs is None:
        return None, f"{what} cannot be said: no frequencies fit the patient"
    share = float(policies.value("registries", "availability"))
    try:
        asked = [source for source in distinct_sources(sources)[0] if source.what != "cord"]
        pools = [
            pool
            for source in asked
            for pool in donor_pools(source, frequencies, share, _adults(source, policies, today))
        ]
        found = patient_likelihood(patient.phenotype, theirs, pools, nomenclature, loci)
    except AllomatchError as failure:
        return None, f"{what} cannot be said: {failure}"
    if not found.represented:
        return None, f"{what} cannot be said: no pair of haplotypes of the frequencies explains the patient's typing"
    donors = sum(pool.donors for pool in pools)
    return found.likelihood, (
        f"{what} ({loci}; {donors:,} adult donors as registered, share available {share:g}; from frequencies and sizes alone, "
        "before any search)" + "".join(f"; {each}" for each in words if each.startswith("no frequencies"))
    )


def _adults(source: RegistrySource, policies: Policies, today: date) -> str:
    return " and ".join(each for some in adult_filters(source.registry, policies, today) for each in some)


def donor_pools(
    source: RegistrySource, frequencies: HaplotypeFrequencies | FrequencySets, availability: float, where: str
) -> list[DonorPool]:
    """Return the donors of a registry that pass a filter, by the frequency set that stands for them."""
    theirs = frequencies if source.frequencies is None else source.frequencies
    counts = source.registry.count_values("ethnicity", where=where)
    if isinstance(theirs, HaplotypeFrequencies):
        return [DonorPool(theirs, sum(counts.values()), availability, f"{source.name}: {theirs.population}")]
    donors: dict[int, int] = {}
    for label, count in counts.items():
        number = theirs.sets.index(theirs.choose(ethnicity=label))
        donors[number] = donors.get(number, 0) + count
    return [
        DonorPool(theirs.sets[number], count, availability, f"{source.name}: {theirs.sets[number].population}")
        for number, count in sorted(donors.items())
    ]
