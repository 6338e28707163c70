"""What a typing hides: every pair of haplotypes that explains a phenotype, with its weight.

What: `Allowed` is what one position may be, `evidence` all that a phenotype says at the loci of a set, `consistent`
whether two haplotypes fit it, `impute` all pairs that do. Invariants: weights are exact and above 0; a diplotype is
written in alphabetical order and there once; evidence never depends on frequencies. Why this way: an unphased locus is a
block of one locus, so that phase needs no rule of its own; pairs are tried out one by one. SEMANTICS section 4.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, lru_cache
from itertools import combinations_with_replacement

from .haplotypes import Class, FrequencySet, Haplotype, is_null, null_classes
from .match import known_names
from .names import DRB345, Name
from .nomenclature import Nomenclature
from .phenotype import Phenotype, Position

Diplotype = tuple[Haplotype, Haplotype]  # in alphabetical order
LocusGenotype = tuple[Class, Class]  # in alphabetical order
Genotype = tuple[LocusGenotype, ...]  # one for each locus


# --- what a position may be -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Allowed:
    """What one position may be.

    Attributes:
        expressed: ARD groups.
        nulls: Null classes.
        named_nulls: Those of them that stand there by name, also in a code, and not only inside a group.
        open_fields: Beginnings (`A*02:`) of any further ARD groups. Only without data.
        open_null_fields: Beginnings of any further null classes. Only without data.
        unlisted: Whether it may be what nobody can list: it is NEW, or has open fields.
        anything: Whether it may be any class whatever, also absence.
    """

    expressed: frozenset[Class]
    nulls: frozenset[Class]
    named_nulls: frozenset[Class]
    open_fields: frozenset[str]
    open_null_fields: frozenset[str]
    unlisted: bool
    anything: bool

    def allows(self, class_: Class) -> bool:
        if self.anything:
            return True
        if is_null(class_):
            return class_ in self.nulls or class_.startswith(tuple(self.open_null_fields))
        return class_ in self.expressed or class_.startswith(tuple(self.open_fields))


# Only a cache: hypothesis asks of the same few positions again and again, and an XX code has thousands of members.
@lru_cache(maxsize=10_000)
def allowed(position: Position, nom: Nomenclature) -> Allowed:
    """What a position may be (decision 2): its ARD groups, and each null among its members whatever the null policy.

    NEW is the XX code of its first field, or any allele of its gene; of no gene (`DRBX*NEW`) it may be anything.

    Raises:
        ValueError: None of its names is known.
    """
    names = known_names(position, nom)
    meanings = [(name, nom.meaning(name)) for name in names]
    return Allowed(
        expressed=_union(nom.ards(name) for name in names),
        nulls=_union(null_classes(name, nom) for name in names),
        named_nulls=_union(null_classes(name, nom) for name in names if name.kind not in GROUP_KINDS),
        open_fields=_union(meaning.open_fields for _, meaning in meanings),
        open_null_fields=_union(meaning.open_fields for _, meaning in meanings if meaning.may_be_null),
        unlisted=any(meaning.open_fields or meaning.new for _, meaning in meanings),
        anything=any(_is_any_new(name) for name in names),
    )


def _is_any_new(name: Name) -> bool:
    return name.kind == "NEW" and name.locus == DRB345


def _union(sets: Iterable[frozenset[str]]) -> frozenset[str]:
    return frozenset[str]().union(*sets)


GROUP_KINDS = ("G", "g", "P", "XX", "NEW", "serology")


# --- evidence -------------------------------------------------------------------------------------------------------

Side = tuple[Allowed, ...]  # what a haplotype may be at the loci of a block


@dataclass(frozen=True)
class BlockEvidence:
    """What is known of loci in phase; of a locus without phase, a block of that locus alone.

    Attributes:
        at: Where the loci of the block stand in a haplotype.
        pairs: The alternatives, of which one is true: both sides of each.
    """

    at: tuple[int, ...]
    pairs: tuple[tuple[Side, Side], ...]


def evidence(phenotype: Phenotype, loci: Sequence[str], nom: Nomenclature) -> list[BlockEvidence]:
    """What a phenotype says of haplotypes of these loci: of those that it types (decision 3)."""
    blocks: list[BlockEvidence] = []
    phased: set[str] = set()
    for block in phenotype.blocks:
        phased |= set(block.loci)
        kept = [i for i, locus in enumerate(block.loci) if locus in loci]
        pairs = [[tuple(allowed(side[i], nom) for i in kept) for side in pair] for pair in block.pairs]
        blocks.append(BlockEvidence(tuple(loci.index(block.loci[i]) for i in kept), tuple((a, b) for a, b in pairs)))
    for locus, typing in phenotype.typings.items():
        if locus in loci and locus not in phased:
            alternatives = tuple(((allowed(a, nom),), (allowed(b, nom),)) for a, b in typing.genotypes)
            blocks.append(BlockEvidence((loci.index(locus),), alternatives))
    return blocks


def fits(haplotype: Haplotype, side: Side, at: Sequence[int]) -> bool:
    """Whether a haplotype may be one side of a block."""
    return all(position.allows(haplotype[i]) for i, position in zip(at, side, strict=True))


def block_explained(block: BlockEvidence, h: Haplotype, k: Haplotype) -> bool:
    """Whether some alternative allows h on one side and k on the other, the same way round at all loci (decision 3)."""
    return any(
        (fits(h, first, block.at) and fits(k, second, block.at))
        or (fits(k, first, block.at) and fits(h, second, block.at))
        for first, second in block.pairs
    )


def consistent(blocks: Sequence[BlockEvidence], h: Haplotype, k: Haplotype) -> bool:
    """Whether two haplotypes explain all that is typed (decision 3)."""
    return all(block_explained(block, h, k) for block in blocks)


# --- imputation -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Imputation:
    """All that a frequency set says of a phenotype.

    Attributes:
        loci: The loci of the haplotypes.
        weights: By diplotype; all of those that explain the phenotype.
        ignored: Loci typed that the set lacks.
    """

    loci: tuple[str, ...]
    weights: dict[Diplotype, Fraction]
    ignored: tuple[str, ...]

    @cached_property
    def total(self) -> Fraction:
        """The likelihood: the sum of all weights."""
        return sum(self.weights.values(), Fraction(0))

    @property
    def represented(self) -> bool:
        return self.total > 0

    def genotype_weights(self, loci: Sequence[str] | None = None) -> dict[Genotype, Fraction]:
        """The weights of genotypes over some loci (by default all): diplotypes collapsed over phase (decision 4)."""
        at = [self.loci.index(locus) for locus in self.loci if loci is None or locus in loci]
        weights: dict[Genotype, Fraction] = {}
        for (h, k), weight in self.weights.items():
            genotype = tuple(locus_genotype(h[i], k[i]) for i in at)
            weights[genotype] = weights.get(genotype, Fraction(0)) + weight
        return weights


def locus_genotype(a: Class, b: Class) -> LocusGenotype:
    return min(a, b), max(a, b)


def weight(h: Haplotype, k: Haplotype, first: FrequencySet, second: FrequencySet | None = None) -> Fraction:
    """The weight of a diplotype: f*f, 2*f1*f2 if unlike; of two populations one haplotype from each (decision 3)."""
    if second is None:
        f = first.frequencies.get
        return f(h, Fraction(0)) * f(k, Fraction(0)) * (1 if h == k else 2)
    a, b = first.frequencies.get, second.frequencies.get
    if h == k:
        return a(h, Fraction(0)) * b(h, Fraction(0))
    return a(h, Fraction(0)) * b(k, Fraction(0)) + a(k, Fraction(0)) * b(h, Fraction(0))


def candidates(blocks: Sequence[BlockEvidence], haplotypes: Iterable[Haplotype]) -> list[Haplotype]:
    """The haplotypes each of whose classes some side allows at its locus; no other one is in any consistent diplotype."""
    left = list(haplotypes)
    for block in blocks:
        for j, i in enumerate(block.at):
            sides = [side[j] for pair in block.pairs for side in pair]
            fitting = {class_ for class_ in {h[i] for h in left} if any(side.allows(class_) for side in sides)}
            left = [h for h in left if h[i] in fitting]
    return sorted(left)


def impute(
    phenotype: Phenotype, first: FrequencySet, nom: Nomenclature, second: FrequencySet | None = None
) -> Imputation:
    """All diplotypes that explain a phenotype, with their weights; loci that are untyped are summed over.

    Args:
        phenotype: What was typed.
        first: The person's frequency set.
        nom: The nomenclature that the set was carried to.
        second: The set of the other population of mixed ancestry; both are taken over the loci that they share.

    Raises:
        ValueError: Of a position, the nomenclature knows no name.
    """
    loci = shared_loci(first, second)
    if second is not None:
        first, second = first.projected(loci), second.projected(loci)
    blocks = evidence(phenotype, loci, nom)
    haplotypes = set(first.frequencies) | set(second.frequencies if second is not None else ())
    weights = {
        (h, k): w
        for h, k in combinations_with_replacement(candidates(blocks, haplotypes), 2)
        if consistent(blocks, h, k) and (w := weight(h, k, first, second)) > 0
    }
    return Imputation(loci, weights, tuple(locus for locus in phenotype.typings if locus not in loci))


def shared_loci(first: FrequencySet, second: FrequencySet | None) -> tuple[str, ...]:
    """The loci of a person's set, or of both sets."""
    return tuple(locus for locus in first.loci if second is None or locus in second.loci)
