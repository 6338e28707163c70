"""What alleles are compared by, at each level of matching.

What: `groups` gives what a name's expressed alleles may show: at `ard` their ARD groups, at `allele` their proteins (two
fields), at `antigen` their antigens. Invariants: an allele shows one ARD group and one protein; it shows several antigens
only if it is not known which of them it has. Why this way: antigens, too, are things that are equal or not, so that the
counting rules are those of every level.

Antigens, "split or better" (SEMANTICS section 3): an associated antigen shows as the one that it is associated with (A203
as A2), unless that is a broad (B4005 of B21); an allele known only by its broad may have any of its splits, any that is
associated with it, or one that nobody has told apart; an allele without an antigen shows the one that its first field is
numbered by, or else its first field. Without data the first field is all there is.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from .names import Name, parse_name
from .nomenclature import Nomenclature, Release, TwoField
from .serology import LETTERS, Relations

MatchLevel = Literal["ard", "allele", "antigen"]
LEVELS: tuple[MatchLevel, ...] = ("ard", "allele", "antigen")


def groups(name: Name, nom: Nomenclature, level: MatchLevel) -> frozenset[str]:
    """What the expressed alleles of a name may show; of an open first field, only what can be listed."""
    if level == "ard":
        return nom.ards(name)
    expressed = [member for member in nom.members(name) if not member.endswith("N")]
    if level == "allele":
        return frozenset(parse_name(member).two_field for member in expressed)
    if isinstance(nom, TwoField):
        opened = {beginning.removesuffix(":") for beginning in nom.meaning(name).open_fields if beginning.endswith(":")}
        return frozenset(opened | {parse_name(member).first_field for member in expressed})
    assert isinstance(nom, Release)
    return frozenset[str]().union(*(shown_antigens(member, nom) for member in expressed))


@cache
def shown_antigens(allele: str, nom: Release) -> frozenset[str]:
    """The antigens of which an expressed allele of a release shows one."""
    relations = nom.serology.relations
    own = nom.serology.antigens(allele) or frozenset({pseudo_antigen(parse_name(allele), nom)})
    shown: set[str] = set()
    for antigen in own:
        parent = relations.associated_with(antigen)
        shown.add(antigen if parent is None or parent in relations.splits else parent)
        splits = relations.splits.get(antigen, frozenset())
        if not splits & own:
            shown |= splits | (relations.associated.get(antigen, frozenset()) if splits else frozenset())
    return frozenset(shown)


def pseudo_antigen(allele: Name, nom: Release) -> str:
    """What stands for the antigen of an allele that has none."""
    antigen = LETTERS.get(allele.locus, "") + str(int(allele.fields[0]))
    return antigen if antigen in known_antigens(allele.locus, nom) else allele.first_field


@cache
def known_antigens(locus: str, nom: Release) -> frozenset[str]:
    """All antigens of a locus: those of its alleles, and those that the relations name."""
    of_alleles = (nom.serology.antigens(a) for a in nom.alleles if a.startswith(locus + "*"))
    related = _all_related(nom.serology.relations) if locus in ("A", "B", "C", "DRB1", "DQB1") else frozenset[str]()
    return related.union(*of_alleles)


def _all_related(relations: Relations) -> frozenset[str]:
    named = set(relations.splits) | set(relations.associated)
    return frozenset(named.union(*relations.splits.values(), *relations.associated.values()))
