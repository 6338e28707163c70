"""How likely two persons match: sums over all pairs of their genotypes.

What: `predict` gives P(k mismatches), k = 0..2n, the same for GvH and HvG, all of it by locus as well, which position is
the mismatched one, and at DPB1 what the epitopes make of it. Invariants: everything is exact; distributions sum to 1;
nothing is said (None) if a person is neither certain nor represented. Why this way: each locus of each pair of genotypes
is counted by `match.resolved_counts`, which is the rule of matching itself. SEMANTICS sections 2 to 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import Literal

from .detail import Facts
from .haplotypes import Class, FrequencySet, is_null
from .imputation import (
    Allowed,
    Genotype,
    Imputation,
    LocusGenotype,
    allowed,
    impute,
    locus_genotype,
    shared_loci,
)
from .match import Resolution, resolved_counts
from .nomenclature import Nomenclature
from .phenotype import Phenotype, Typing, position_order

Distribution = tuple[Fraction, ...]  # of a count: index k is P(k)
Positions = tuple[Fraction, Fraction]
EpitopeVerdict = Literal["matched", "permissive", "non-permissive GvH", "non-permissive HvG", "unknown"]
EPITOPE_VERDICTS: tuple[EpitopeVerdict, ...] = (
    "matched",
    "permissive",
    "non-permissive GvH",
    "non-permissive HvG",
    "unknown",
)


@dataclass(frozen=True)
class Person:
    """Whose probabilities are asked for.

    Attributes:
        phenotype: What was typed.
        first: The person's frequency set.
        second: The set of the other population of mixed ancestry.
    """

    phenotype: Phenotype
    first: FrequencySet
    second: FrequencySet | None = None

    @property
    def loci(self) -> tuple[str, ...]:
        return shared_loci(self.first, self.second)

    def has_class(self, locus: str, class_: Class) -> bool:
        return any(class_ in s.classes(locus) for s in (self.first, self.second) if s is not None)

    def imputed(self, nom: Nomenclature) -> Imputation:
        return impute(self.phenotype, self.first, nom, self.second)


@dataclass(frozen=True)
class LocusChances:
    """The probabilities of one locus: P(0, 1, 2) of each count, and which position is mismatched, of both persons."""

    mismatches: Distribution
    gvh: Distribution
    hvg: Distribution
    patient_positions: Positions
    donor_positions: Positions


@dataclass(frozen=True)
class Prediction:
    """The probabilities of two persons.

    Attributes:
        loci: The loci that they are of.
        ignored: The loci that were asked for, and that a set lacks.
        patient_unrepresented: Whether the patient is neither certain nor represented.
        donor_unrepresented: Whether the donor is.
        mismatches: P(k mismatches), k = 0..2n; None, like all below, if a person is unrepresented.
        gvh: The same of the patient's antigens that the donor lacks.
        hvg: The reverse.
        by_locus: Each locus by itself.
        epitopes: At DPB1, P(verdict); None if it is not among the loci.
    """

    loci: tuple[str, ...]
    ignored: tuple[str, ...]
    patient_unrepresented: bool
    donor_unrepresented: bool
    mismatches: Distribution | None = None
    gvh: Distribution | None = None
    hvg: Distribution | None = None
    by_locus: Mapping[str, LocusChances] | None = None
    epitopes: Mapping[EpitopeVerdict, Fraction] | None = None


# --- a person's genotypes -------------------------------------------------------------------------------------------


def possible_classes(position: Allowed, person: Person, locus: str) -> frozenset[Class] | None:
    """What a position may be as far as certainty goes (decision 6); None if that cannot be listed.

    Nulls that a group only might hold, beside something expressed, count only where the set has them.
    """
    if position.unlisted:
        return None
    if not position.expressed:
        return position.nulls
    held = {null for null in position.nulls if person.has_class(locus, null)}
    return position.expressed | position.named_nulls | held


def certain_locus(typing: Typing | None, person: Person, nom: Nomenclature) -> LocusGenotype | None:
    """The only genotype that a typing allows; None if there are several (decision 6)."""
    if typing is None:
        return None
    found: set[LocusGenotype] = set()
    for first, second in typing.genotypes:
        a = possible_classes(allowed(first, nom), person, typing.locus)
        b = possible_classes(allowed(second, nom), person, typing.locus)
        if a is None or b is None:
            return None
        found |= {locus_genotype(x, y) for x, y in product(a, b)}
    return found.pop() if len(found) == 1 else None


def certain_genotype(person: Person, loci: Sequence[str], nom: Nomenclature) -> Genotype | None:
    """The genotype of a person of whom no more than one is possible at any of the loci (decision 6)."""
    genotypes = [certain_locus(person.phenotype.typing(locus), person, nom) for locus in loci]
    if any(genotype is None for genotype in genotypes):
        return None
    return tuple(genotype for genotype in genotypes if genotype is not None)


def posteriors(person: Person, loci: Sequence[str], nom: Nomenclature) -> dict[Genotype, Fraction] | None:
    """P(genotype) over the loci, in their order; None if the person is unrepresented."""
    certain = certain_genotype(person, loci, nom)
    if certain is not None:
        return {certain: Fraction(1)}
    imputation = person.imputed(nom)
    if not imputation.represented:
        return None
    asked = tuple(locus for locus in imputation.loci if locus in loci)
    weights = imputation.genotype_weights(asked)
    return {tuple(g[asked.index(locus)] for locus in loci): w / imputation.total for g, w in weights.items()}


# --- counts ---------------------------------------------------------------------------------------------------------


def expressed(genotype: LocusGenotype) -> Resolution:
    """What a genotype expresses: one null is homozygous for the other, two nulls are nothing (SEMANTICS section 2)."""
    proteins = [class_ for class_ in genotype if not is_null(class_)]
    return tuple(proteins * 2) if len(proteins) == 1 else tuple(sorted(proteins))


def distribution(counted: Iterable[tuple[int, Fraction]], most: int) -> Distribution:
    """P(k), k = 0..most, of counts with their probabilities."""
    chances = [Fraction(0)] * (most + 1)
    for count, chance in counted:
        chances[count] += chance
    return tuple(chances)


def mismatched_positions(mine: Resolution, theirs: Resolution) -> Positions:
    """How much of one person's mismatch lies at each position, in the order given (decision 7).

    Two mismatches are both positions. One is the position that the orientation with a match leaves over; if both
    orientations have a match, half of each.
    """
    if not mine or not theirs:
        both = Fraction(0 if mine == theirs else 1)
        return both, both
    (m1, m2), (t1, t2) = mine, theirs
    orientations = [(m1 != t1, m2 != t2), (m1 != t2, m2 != t1)]
    fewest = min(a + b for a, b in orientations)
    best = [pair for pair in orientations if sum(pair) == fewest]
    return Fraction(sum(a for a, _ in best), len(best)), Fraction(sum(b for _, b in best), len(best))


def expressed_at_positions(a: Class, b: Class) -> Resolution:
    """What two positions express, in their order, the null rule applied."""
    if is_null(a) and is_null(b):
        return ()
    if is_null(a) or is_null(b):
        return (b, b) if is_null(a) else (a, a)
    return a, b


def readings(genotype: LocusGenotype, typing: Typing | None, nom: Nomenclature) -> list[tuple[Class, Class]]:
    """Which class may stand at the first, which at the second position of a typing (decision 7); untyped: either."""
    a, b = genotype
    orders = sorted({(a, b), (b, a)})
    if typing is None:
        return orders
    found: list[tuple[Class, Class]] = []
    for x, y in orders:
        for alternative in typing.genotypes:
            first, second = (allowed(position, nom) for position in sorted(alternative, key=position_order))
            if first.allows(x) and second.allows(y):
                found.append((x, y))
                break
    return found


LocusPairs = dict[tuple[LocusGenotype, LocusGenotype], Fraction]  # P of two persons' genotypes at a locus


def position_chances(pairs: LocusPairs, typing: Typing | None, nom: Nomenclature) -> Positions:
    """P(position is mismatched) of each position of a typing; of the pairs, its person is the first."""
    first, second = Fraction(0), Fraction(0)
    for (mine, theirs), chance in pairs.items():
        read = readings(mine, typing, nom)
        for x, y in read:
            at_first, at_second = mismatched_positions(expressed_at_positions(x, y), expressed(theirs))
            first += chance * at_first / len(read)
            second += chance * at_second / len(read)
    return first, second


# --- DPB1 -----------------------------------------------------------------------------------------------------------


def class_epitope(class_: Class, nom: Nomenclature, facts: Facts) -> int | None:
    """The T-cell epitope group of a class: that of its alleles; None if they disagree or have none."""
    groups = {facts.tce.get(member) for member in nom.members(class_) if nom.ard(member) == class_}
    return groups.pop() if len(groups) == 1 else None


def genotype_epitope(genotype: LocusGenotype, nom: Nomenclature, facts: Facts) -> int | None:
    """The lower of a genotype's groups; None if one is unassigned or nothing is expressed (SEMANTICS section 3)."""
    groups = [class_epitope(class_, nom, facts) for class_ in expressed(genotype)]
    known = [group for group in groups if group is not None]
    return min(known) if known and len(known) == len(groups) else None


def epitope_verdict(patient: LocusGenotype, donor: LocusGenotype, nom: Nomenclature, facts: Facts) -> EpitopeVerdict:
    """What two resolved genotypes at DPB1 are to each other (SEMANTICS section 3, decision 8)."""
    if resolved_counts(expressed(patient), expressed(donor))[0] == 0:
        return "matched"
    p, d = genotype_epitope(patient, nom, facts), genotype_epitope(donor, nom, facts)
    if p is None or d is None:
        return "unknown"
    if p == d:
        return "permissive"
    return "non-permissive GvH" if p < d else "non-permissive HvG"


# --- a pair ---------------------------------------------------------------------------------------------------------


def predict(
    patient: Person, donor: Person, nom: Nomenclature, loci: Sequence[str], facts: Facts | None = None
) -> Prediction:
    """The probabilities of two persons over the loci that the sets of both have (decision 5).

    Args:
        patient: The patient.
        donor: The donor.
        nom: The nomenclature that the sets were carried to.
        loci: The loci asked for.
        facts: The epitope groups; none are known without.

    Raises:
        ValueError: No locus is left, or a typing cannot be read.
    """
    asked = tuple(locus for locus in loci if locus in patient.loci and locus in donor.loci)
    ignored = tuple(locus for locus in loci if locus not in asked)
    if not asked:
        raise ValueError(f"of the loci {' '.join(loci)} the frequency sets of both persons have none")
    ps, ds = posteriors(patient, asked, nom), posteriors(donor, asked, nom)
    if ps is None or ds is None:
        return Prediction(asked, ignored, ps is None, ds is None)
    # Whole genotypes: every pair, its probability, and its counts at each locus; and what meets at each locus.
    counted: list[tuple[Fraction, list[tuple[int, int, int]]]] = []
    meeting: list[LocusPairs] = [{} for _ in asked]
    for (p, p_chance), (d, d_chance) in product(ps.items(), ds.items()):
        at_loci = [resolved_counts(expressed(a), expressed(b)) for a, b in zip(p, d, strict=True)]
        counted.append((p_chance * d_chance, at_loci))
        for pairs, both in zip(meeting, zip(p, d, strict=True), strict=True):
            pairs[both] = pairs.get(both, Fraction(0)) + p_chance * d_chance
    overall = [
        distribution(((sum(counts[way] for counts in at_loci), w) for w, at_loci in counted), 2 * len(asked))
        for way in range(3)
    ]
    by_locus: dict[str, LocusChances] = {}
    for i, locus in enumerate(asked):
        ways = [distribution(((at_loci[i][way], w) for w, at_loci in counted), 2) for way in range(3)]
        swapped = {(d_here, p_here): chance for (p_here, d_here), chance in meeting[i].items()}
        by_locus[locus] = LocusChances(
            ways[0],
            ways[1],
            ways[2],
            position_chances(meeting[i], patient.phenotype.typing(locus), nom),
            position_chances(swapped, donor.phenotype.typing(locus), nom),
        )
    epitopes = None
    if "DPB1" in asked:
        epitopes = dict.fromkeys(EPITOPE_VERDICTS, Fraction(0))
        for (p_here, d_here), chance in meeting[asked.index("DPB1")].items():
            epitopes[epitope_verdict(p_here, d_here, nom, facts or Facts())] += chance
    return Prediction(asked, ignored, False, False, overall[0], overall[1], overall[2], by_locus, epitopes)
