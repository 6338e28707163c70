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
    members = sorted(answer.members, key=lambda each: (_ORDER[each.category], not each.usable, -_alike(each)))
    # People nobody mentioned, who only connect the others, are in brackets: nobody can be asked to donate in their place.
    options = tuple(_option(each) for each in members if not each.id.startswith("("))
    result, leading, why = _verdict(answer, [each for each in members if each.usable], policies)
    said = (
        *reasons,
        f"a usable relative is HLA-identical with probability {answer.p_any_identical:.4f}, at least haploidentical by descent "
        f"with {answer.p_any_haploidentical:.4f}",
        *_limits(family, answer, policies),
        *why,
    )
    return Step("family", title, result, options, said, *following, answer, tuple(dict.fromkeys(leading))[:10])


def _limits(family: Family, answer: FamilyAnswer, policies: Policies) -> list[str]:
    """Return what the patient's own typing leaves open."""
    said = []
    p = answer.phase_probability
    if p is not None and p < policies.values["family"]["settled_probability"]:
        said.append(
            f"which alleles are on one haplotype of the patient is not settled (probability {p:.4f}): letters of haplotypes "
            "are one possibility of several; frequencies and typed parents or children tell more"
        )
    if family.untyped:
        how = f"relatives are compared at {family.loci}"
        if set(family.untyped) & set(PRESETS[family.loci]):
            how = "there relatives count by descent alone"
        said.append(f"the patient is not typed at {', '.join(family.untyped)}: {how}; type the patient there too")
    return said


def _verdict(
    answer: FamilyAnswer, usable: Sequence[MemberAnswer], policies: Policies
) -> tuple[str, list[str], list[str]]:
    """Return the answer of the step, whom it is about, and why.

    Args:
        answer: About the family.
        usable: Who may donate, in the order of the options.
        policies: From which probability on somebody is identical, and worth a typing.
    """
    least = policies.value("recommend", "least_identical_probability")
    worth = policies.value("recommend", "least_probability_to_type")
    said = []
    identical = [each for each in usable if each.category == "identical"]
    sure = [each for each in identical if _alike(each) >= least and not _mismatches(each)]
    for each in identical:
        if _alike(each) < least:
            source = policies.source("recommend", "least_identical_probability")
            more = f"below {least:g}: type at more loci or a higher resolution ({source})"
            said.append(f"{each.id} is HLA-identical with probability {_alike(each):.4f}, {more}")
        elif each not in sure:
            said.append(f"{each.id} is HLA-identical by descent and mismatched as typed: check the sample, type again")
    half = [each for each in usable if each.category == "haploidentical"]
    # By descent a haplotype is shared, and as typed at some locus nothing: one of the samples is wrong.
    doubtful = [each for each in half if each.match is not None and any(one.mismatches == 2 for one in each.match.loci)]
    for each in doubtful:
        said.append(f"{each.id} is haploidentical by descent and not as typed: check the sample, type again")
    if sure:
        return "identical donor", [each.id for each in sure], said
    unsettled = [
        each
        for each in usable
        if each.category in ("haploidentical", "other") and _may_match(each) and _alike(each) >= worth
    ]
    for each in unsettled:
        p = f"{_alike(each):.4f}"
        said.append(f"{each.id} may still be HLA-identical (probability {p}): type at all loci, at high resolution")
    haploidentical = [each.id for each in half if each not in doubtful]
    first = [each for each in answer.type_first if each.p_identical >= worth]
    again = [*identical, *unsettled]
    if not haploidentical and not first and not again:
        # Nobody better is known: whoever may be haploidentical is worth a typing too.
        first, again = list(answer.type_first), doubtful
    if first:
        said.append(f"whom to type first: {'; '.join(f'{each.id}: {each.reason}' for each in first[:3])}")
    if first or again:
        return "type relatives", [*(each.id for each in again), *(each.id for each in first)], said
    return ("haploidentical donor" if haploidentical else "no donor"), haploidentical, said


def _alike(member: MemberAnswer) -> float:
    """Return the probability of the same alleles, by descent or by chance, which is what a transplant needs."""
    return min(1.0, member.p_identical + member.p_identical_by_chance)


def _mismatches(member: MemberAnswer) -> int:
    return 0 if member.match is None else member.match.mismatches


def _may_match(member: MemberAnswer) -> bool:
    return member.match is not None and member.match.mismatches == 0 < member.match.greatest


def _option(member: MemberAnswer) -> Option:
    if member.category is None:
        untyped = "untyped" if member.match is None else "typing not used"
        said = f"{untyped}: haploidentical with probability {member.p_haploidentical:.4f}"
    elif member.category == "haploidentical" and member.shared is not None:
        said = f"haploidentical, shares {member.shared}"
    else:
        said = member.category
    if not member.usable:
        said += ", not usable"
    return Option(
        member.id, member.relation, said, _alike(member), "HLA-identical", (*member.reasons, *member.warnings)
    )
