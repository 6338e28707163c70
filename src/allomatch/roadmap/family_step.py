"""The second step: what the answer about the family (:mod:`allomatch.roadmap.family`) means for the plan.

The genetics are all there; here an answer becomes one of ``"identical donor"``, ``"type relatives"``, ``"haploidentical donor"``,
``"no donor"`` and ``"no family"``, with the relatives as options in the order in which one would look at them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from allomatch.frequencies import HaplotypeFrequencies
from allomatch.frequency_sets import FrequencySets
from allomatch.match import PRESETS
from allomatch.nomenclature import Nomenclature
from allomatch.roadmap.case import Patient, Problem, Relative
from allomatch.roadmap.family import FamilyAnswer, FamilyPolicy, MemberAnswer, assess_family
from allomatch.roadmap.policies import Policies
from allomatch.roadmap.steps import Option, Step

__all__ = ["Family", "step", "take"]

_ORDER = {"identical": 0, None: 1, "haploidentical": 2, "other": 3}


@dataclass(frozen=True, slots=True)
class Family:
    """The family, assessed; no answer if there is none.

    Attributes:
        answer: What is known of it.
        problems: What of it could not be used.
        loci: Where relatives are compared: the first set of the policies' levels that the patient is typed for, else the first.
        untyped: Those of the first at which the patient is not typed.
    """

    answer: FamilyAnswer | None
    problems: tuple[Problem, ...]
    loci: str
    untyped: tuple[str, ...]


def take(
    patient: Patient,
    relatives: Sequence[Relative],
    nomenclature: Nomenclature,
    frequencies: HaplotypeFrequencies | FrequencySets | None,
    policies: Policies,
    today: date,
) -> Family:
    """Assess the family under the rules of the policies."""
    levels = list(policies.value("registries", "levels"))
    typed = patient.phenotype.loci
    untyped = tuple(locus for locus in PRESETS[levels[0]] if locus not in typed)
    # At a locus at which the patient is not typed descent alone counts, and whoever looks the same would not be the same.
    loci = next((each for each in levels if set(PRESETS[each]) <= set(typed)), levels[0])
    if not relatives:
        return Family(None, (), loci, untyped)
    policy = family_policy(policies)
    labels = policies.value("registries", "population_labels")
    patient = replace(patient, ethnicities=tuple(labels.get(each, each) for each in patient.ethnicities))
    answer = assess_family(
        patient, relatives, nomenclature, loci=loci, frequencies=frequencies, policy=policy, today=today
    )
    return Family(answer, answer.problems, loci, untyped)


def family_policy(policies: Policies) -> FamilyPolicy:
    """Return the rules about families that the policies hold."""
    values = policies.values["family"]
    return FamilyPolicy(**{**values, "sources": tuple(values["sources"])})


def step(
    family: Family, title: str, reasons: Sequence[str], following: tuple[float | None, str], policies: Policies
) -> Step:
    """Return the step of the plan.

    Args:
        family: The family.
        title: Of the step.
        reasons: What is said first.
        following: What may be expected of the next step (:mod:`allomatch.roadmap.next_step`).
        policies: The rules: from which probability on a typed relative is an identical donor.
    """
    answer = family.answer
    if answer is None:
        said = (*reasons, "no relatives are known: ask for brothers, sisters, parents and children first")
        return Step("family", title, "no family", (), said, *following, None)
    members = sorted(answer.members, key=lambda each: (_ORDER[each.category], not each.usable, -each.p_identical))
    # People nobody mentioned, who only connect the others, are in brackets: nobody can be asked to donate in their place.
    options = tuple(_option(each) for each in members if not each.id.startswith("("))
    usable = [each for each in members if each.usable]
    first = "; ".join(f"{each.id}: {each.reason}" for each in answer.type_first[:3])
    said = (
        *reasons,
        f"a usable relative is HLA-identical with probability {answer.p_any_identical:.4f}, at least haploidentical by descent "
        f"with {answer.p_any_haploidentical:.4f}",
    )
    if family.untyped:
        how = f"relatives are compared at {family.loci}"
        if set(family.untyped) & set(PRESETS[family.loci]):
            how = "there relatives count by descent alone"
        said = (*said, f"the patient is not typed at {', '.join(family.untyped)}: {how}; type the patient there too")
    least = policies.value("recommend", "least_identical_probability")
    identical = [each for each in usable if each.category == "identical"]
    unsure = [each for each in identical if each.p_identical + each.p_identical_by_chance < least]
    source = policies.source("recommend", "least_identical_probability")
    for each in unsure:
        p = each.p_identical + each.p_identical_by_chance
        more = "type at more loci or a higher resolution"
        said = (*said, f"{each.id} is HLA-identical with probability {p:.4f}, below {least:g}: {more} ({source})")
    if len(identical) > len(unsure):
        result = "identical donor"
    elif unsure:
        result = "type relatives"
    elif any(each.p_identical > 0 for each in answer.type_first):
        result = "type relatives"
        said = (*said, f"whom to type first: {first}")
    elif any(each.category == "haploidentical" for each in usable):
        result = "haploidentical donor"
    elif answer.type_first:
        result = "type relatives"
        said = (*said, f"whom to type first: {first}")
    else:
        result = "no donor"
    return Step("family", title, result, options, said, *following, answer)


def _option(member: MemberAnswer) -> Option:
    if member.category is None:
        said = f"untyped: haploidentical with probability {member.p_haploidentical:.4f}"
    elif member.category == "haploidentical" and member.shared is not None:
        said = f"haploidentical, shares {member.shared}"
    else:
        said = member.category
    if not member.usable:
        said += ", not usable"
    # The same alleles are what a transplant needs, by descent or by chance; the reasons tell the two apart.
    p = min(1.0, member.p_identical + member.p_identical_by_chance)
    return Option(member.id, member.relation, said, p, "HLA-identical", (*member.reasons, *member.warnings))
