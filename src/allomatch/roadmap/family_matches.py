"""What typings alone show of relatives, whatever the inheritance: who matches the patient, and who has one of the haplotypes.

What: of every relative the match with the patient where both can be read, and of some what is certain from it. Invariants: certain
is only what every resolution of both typings says at every locus compared; an untyped locus makes nothing certain. Why: two people
who look the same are the same to a graft, however far apart in the family and however large the sum over it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from allomatch.match import Match, match
from allomatch.nomenclature import Nomenclature
from allomatch.phenotype import Phenotype

__all__ = ["Matches", "carries"]


@dataclass(frozen=True, slots=True)
class Matches:
    """What typings show.

    Attributes:
        of: By relative the match with the patient; none of those without a typing, or with one that cannot be read.
        doubtful: Relatives of whose typing some was left out as wrong: nothing is certain of them.
        unsummed: Relatives whose typing the sum over inheritances did not see, because it would have been too large.
        half: Of relatives whose typing has one of the patient's haplotypes for certain, which: ``"a"`` or ``"b"``.
    """

    of: Mapping[str, Match]
    doubtful: Collection[str]
    unsummed: Collection[str]
    half: Mapping[str, str]

    def compared(self, name: str) -> bool:
        """Whether there is a locus at which this relative and the patient are typed."""
        found = self.of.get(name)
        return found is not None and any(each.patient and each.donor for each in found.loci)

    def alike(self, name: str) -> bool:
        """Whether this relative has the patient's alleles for certain."""
        found = self.of.get(name)
        return found is not None and found.greatest == 0 and name not in self.doubtful

    def unlike(self, name: str) -> bool:
        """Whether this relative has other alleles than the patient for certain, which the sum did not see."""
        found = self.of.get(name)
        return found is not None and found.mismatches > 0 and name in self.unsummed and name not in self.doubtful

    def apart(self, name: str) -> bool:
        """Whether this relative has no haplotype of the patient for certain, which the sum did not see."""
        found = self.of.get(name)
        return self.unlike(name) and found is not None and any(each.mismatches == 2 for each in found.loci)

    def open(self, name: str) -> bool:
        """Whether there is something left to type: a locus that either is not typed at, or that may match or not."""
        found = self.of.get(name)
        return found is None or found.mismatches != found.greatest


def carries(haplotype: str, typing: Phenotype, loci: Collection[str], nomenclature: Nomenclature) -> bool:
    """Whether a typing has a haplotype's allele at every locus, for certain.

    Args:
        haplotype: Alleles joined by ``~``; with one that is not known (``?``) or a long list (``...``) nothing is certain.
        typing: Of one person.
        loci: Those compared.
        nomenclature: What the names stand for.

    Example:
        >>> rules = Nomenclature.two_field()
        >>> typing = Phenotype("A*01:01+A*02:01^B*08:01+B*07:02")
        >>> [carries(each, typing, ["A", "B"], rules) for each in ("A*01:01~B*07:02", "A*01:01~B*44:02", "A*01:01~B*?")]
        [True, False, False]
    """
    if "?" in haplotype or "..." in haplotype:
        return False
    twice = Phenotype("^".join(f"{each}+{each}" for each in haplotype.split("~")))
    # Against somebody who has an allele twice, having it once leaves one mismatch.
    return all(each.greatest <= 1 for each in match(twice, typing, nomenclature, list(loci)).loci)
