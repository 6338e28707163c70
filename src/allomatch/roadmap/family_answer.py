"""The family's answer as data, and the policy behind it: every number that is a convention, with its source.

Plain frozen data: what is known and what follows, in words and numbers. Probabilities are 0 to 1.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from allomatch.errors import problem
from allomatch.match import Match
from allomatch.roadmap.case import Problem

__all__ = [
    "DEFAULT_FAMILY_POLICY",
    "FamilyAnswer",
    "FamilyPolicy",
    "MemberAnswer",
    "TypingAdvice",
]

# Along chromosome 6, from the telomere.
CHROMOSOME = ("A", "C", "B", "DRB345", "DRB3", "DRB4", "DRB5", "DRB1", "DQA1", "DQB1", "DPA1", "DPB1")
# Loci of whose distance to a neighbour nothing is said lie where that neighbour does.
_BESIDE = {"DRB345": "DRB1", "DRB3": "DRB1", "DRB4": "DRB1", "DRB5": "DRB1", "DQA1": "DQB1", "DPA1": "DPB1"}


@dataclass(frozen=True, slots=True)
class FamilyPolicy:
    """The conventions of the family step.

    Attributes:
        version: Of these values; it is in every answer.
        recombination: Between neighbouring loci (``"A-C"``) the probability that one meiosis recombines, mean of both sexes.
            Loci between them are taken to lie beside their neighbour; intervals that are not named never recombine.
        maternal_ratio: How much more often a mother's meiosis recombines than a father's.
        most_recombinations: In one family; more are taken for a wrong typing or relation.
        child_min_parent_age: Years; a parent who is less older than a child is a problem.
        adult_age: Years; younger donors are minors, which is said.
        oldest_age: Years; of someone older the date or the age is a slip.
        ages_differ_by: Years; an age that differs by more from that of the date of birth is a problem.
        twins_born_within_days: Days; twins born further apart are a problem.
        settled_probability: From which probability on the patient's pair of haplotypes, or whose they are, is taken for known.
        allele_weight: Frequency of any one allele of the family where no frequency set says it.
        value_identical: What an identical donor is worth, for the order of typing.
        value_haploidentical: What a haploidentical one is worth.
        most_steps: Haplotypes and steps of the sum; of a family with more, the typings of the most distant are left out.
        sources: Where the values are from.
    """

    version: str = "family-1"
    recombination: Mapping[str, float] = field(
        default_factory=lambda: MappingProxyType(
            {"A-C": 0.008, "C-B": 0.0005, "B-DRB1": 0.0094, "DRB1-DQB1": 0.0001, "DQB1-DPB1": 0.0074}
        )
    )
    maternal_ratio: float = 1.8
    most_recombinations: int = 2
    child_min_parent_age: float = 12.0
    adult_age: float = 18.0
    oldest_age: float = 120.0
    ages_differ_by: float = 1.5
    twins_born_within_days: float = 7.0
    settled_probability: float = 0.95
    allele_weight: float = 0.05
    value_identical: float = 1.0
    value_haploidentical: float = 0.5
    most_steps: int = 100_000
    sources: tuple[str, ...] = (
        "recombination B-DRB1 and DRB1-DPB1 (here DQB1-DPB1): Martin, Mann, Carrington, Hum Mol Genet "
        "1995;4:423 (59 CEPH pedigrees: "
        "0.94 % and 0.74 %; none between DRB1 and DQB1: 0.0001 is ours, so that one is not called impossible)",
        "recombination A-C 0.008, C-B 0.0005: ours, from 1 % per megabase (which Martin et al. 1995 name the "
        "standard) over some 1.3 and 0.08 megabases less a "
        "part; of 162 meioses of larger families, 4 between A and C and none between C and B (Hum Immunol "
        "2019;80:644, table 5)",
        "mothers recombine 1.8 times as often as fathers: Thomsen et al., Eur J Immunogenet 1994;21:33 (1332 families)",
        "non-inherited maternal antigens, in siblings: van Rood et al., Blood 2002;99:1572",
        "mother as donor: Stern et al., Blood 2008;112:2990 (better, T-cell depleted); Wang et al., Blood "
        "2014;124:843 (worse)",
        "ages that are slips, weight of an allele, from when on haplotypes are taken for known, values of donors for the order "
        "of typing: ours, conventions",
    )

    def __post_init__(self) -> None:
        for name, rate in self.recombination.items():
            ends = name.split("-")
            if len(ends) != 2 or not all(end in CHROMOSOME for end in ends) or not 0 <= rate < 0.5:
                raise problem(
                    "ValueOutOfRange",
                    f"recombination {name!r}: {rate!r} cannot be used; give neighbouring loci such as 'A-C' and "
                    "a probability below 0.5",
                )
        for value, fits, wanted in (
            ("maternal_ratio", self.maternal_ratio > 0, "above 0"),
            ("allele_weight", 0 < self.allele_weight < 1, "between 0 and 1"),
            ("most_recombinations", self.most_recombinations >= 1, "at least 1"),
            ("most_steps", self.most_steps >= 1, "at least 1"),
            ("settled_probability", 0.5 < self.settled_probability <= 1, "above 0.5 and at most 1"),
        ):
            if not fits:
                raise problem("ValueOutOfRange", f"{value} is {getattr(self, value)!r}; it must be {wanted}")

    def rates(self, loci: Sequence[str], sex: str | None) -> tuple[float, ...]:
        """Return the probability that a parent's meiosis recombines between each locus and the next.

        Loci that are left out are passed over as Haldane (J Genet 1919) has it: an odd number of changes counts.

        Args:
            loci: In the order along the chromosome.
            sex: Of the parent; None: the mean.
        """
        share = {"F": 2 * self.maternal_ratio / (1 + self.maternal_ratio), "M": 2 / (1 + self.maternal_ratio)}.get(
            sex or "", 1.0
        )
        at: dict[str, float] = {}
        along = 0.0
        for first, second in sorted(
            (name.split("-") for name in self.recombination), key=lambda ends: CHROMOSOME.index(ends[0])
        ):
            at.setdefault(first, along)
            rate = min(0.499, self.recombination[f"{first}-{second}"] * share)
            along = at[first] - math.log(1 - 2 * rate) / 2
            at[second] = along
        places = [at.get(locus, at.get(_BESIDE.get(locus, ""), along)) for locus in loci]
        return tuple((1 - math.exp(-2 * max(0.0, b - a))) / 2 for a, b in itertools.pairwise(places))


DEFAULT_FAMILY_POLICY = FamilyPolicy()


@dataclass(frozen=True, slots=True)
class MemberAnswer:
    """One relative.

    Attributes:
        id: Given, or relation and number; an unobserved person who connects others is in brackets.
        relation: To the patient.
        sex: ``"F"``, ``"M"`` or None.
        typed: Whether a typing is used and can be compared with the patient's.
        parents: Ids of mother and father; ``"patient"`` is the patient; none of founders.
        haplotypes: Labels of the maternal and the paternal one in the likeliest inheritance; ``a`` is the patient's paternal
            one, ``b`` the maternal one; None: not known.
        category: Of the typed ``"identical"`` (by descent or by chance), ``"haploidentical"`` (by descent, or the typing has one of
            the patient's haplotypes for certain) or ``"other"``, whichever is likeliest; else None.
        shared: Of the haploidentical which of the patient's haplotypes: ``"a (paternal)"``; no side where it is not settled.
        p_identical: Both haplotypes shared at every locus, by descent.
        p_haploidentical: One shared at every locus.
        p_other: Neither.
        p_identical_by_chance: The patient's alleles, not by descent: of the untyped at all loci, by inheritance and frequencies; of
            the typed where both are typed, and by descent at the other loci (docs/family.md).
        match: Patient against this person, both directions; None of the untyped.
        usable: Whether this person may be a donor as far as is known.
        reasons: Why, in words.
        warnings: What a physician is to know of this donor.
    """

    id: str
    relation: str
    sex: str | None
    typed: bool
    parents: tuple[str, ...]
    haplotypes: tuple[str | None, str | None]
    category: str | None
    shared: str | None
    p_identical: float
    p_haploidentical: float
    p_other: float
    p_identical_by_chance: float
    match: Match | None
    usable: bool
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TypingAdvice:
    """An untyped relative who could be typed.

    Attributes:
        id: Who.
        p_identical: That they turn out identical, by descent or by chance.
        p_haploidentical: That they turn out haploidentical.
        value: Expected gain over the best donor who is known, in the policy's values.
        reason: In words.
    """

    id: str
    p_identical: float
    p_haploidentical: float
    value: float
    reason: str


@dataclass(frozen=True, slots=True)
class FamilyAnswer:
    """The family step.

    Attributes:
        members: The relatives in the order given, then the people who connect them.
        type_first: Whom to type, best first.
        p_any_identical: That at least one usable member has the patient's HLA at the loci, all that is known taken into account.
        p_any_haploidentical: That at least one shares a haplotype by descent, or has the patient's alleles.
        patient_haplotypes: The likeliest pair, labels a and b; None if nothing is known.
        haplotype_text: By label, the likeliest alleles, ``?`` where not known.
        phase_probability: Of that pair.
        problems: What of the case could not be used.
        loci: Those compared, along the chromosome.
        recombination_mass: Prior probability of more recombinations than were summed over, 0 to 1.
        policy_version: Of :class:`FamilyPolicy`.
        population: Whose frequencies, or in words why none.
    """

    members: tuple[MemberAnswer, ...]
    type_first: tuple[TypingAdvice, ...]
    p_any_identical: float
    p_any_haploidentical: float
    patient_haplotypes: tuple[str, str] | None
    haplotype_text: Mapping[str, str]
    phase_probability: float | None
    problems: tuple[Problem, ...]
    loci: tuple[str, ...]
    recombination_mass: float
    policy_version: str
    population: str = ""

    def __getitem__(self, name: str) -> MemberAnswer:
        for member in self.members:
            if member.id == name:
                return member
        raise KeyError(f"there is no relative {name!r}; there are {', '.join(member.id for member in self.members)}")

    def explain(self) -> str:
        """Return the family in words, a line a member."""
        lines = [
            f"at least one identical: {self.p_any_identical:.4f}, at least one haploidentical: "
            f"{self.p_any_haploidentical:.4f} "
            f"({self.population}; policy {self.policy_version}; supports professionals, decides nothing)"
        ]
        for one in self.members:
            lines.append(f"  {one.id}: {'; '.join((*one.reasons, *one.warnings))}")
        lines += [f"  type first: {one.id}: {one.reason}" for one in self.type_first[:3]]
        return "\n".join([*lines, *(f"  problem: {one.message}" for one in self.problems)])
