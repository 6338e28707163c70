"""The counting rules, found by trying out every resolution of both sides.

What: `match_locus` and `match` give the least and the greatest number of mismatches, GvH and HvG antigens. Invariants:
a resolved locus is either two ARD groups or nothing expressed; least <= greatest; alleles of different genotype
alternatives are never mixed. Why this way: `resolved_counts` is the rule for two known genotypes, in six lines, and all
else only lists what each side may be. SEMANTICS section 2 is the source of every rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

from .levels import LEVELS, MatchLevel, groups
from .nomenclature import Meaning, Name, Nomenclature, TwoField, UnknownNameError
from .phenotype import Phenotype, Position, Typing

NullPolicy = Literal["explicit", "possible"]
Profile = Literal["standard", "atlas"]
Category = Literal["match", "potential", "mismatch"]
Resolution = tuple[str, ...]  # two ARD groups in alphabetical order, or nothing: ()

# How many nameless groups stand for "any other". Proof that four are enough: two resolved genotypes hold at most four
# different groups, and every count depends only on which of them are equal. So whatever further groups a pair of true
# genotypes holds, they can be renamed one by one to four stand-ins without changing a count.
UNNAMED = ("?1", "?2", "?3", "?4")


@dataclass(frozen=True)
class Counts:
    """Least and greatest mismatches, GvH and HvG antigens; at one locus each is 0..2, over loci their sums."""

    least: int
    greatest: int
    gvh_least: int
    gvh_greatest: int
    hvg_least: int
    hvg_greatest: int

    @property
    def category(self) -> Category:
        """`match` if nothing can mismatch, `potential` if both are possible, otherwise `mismatch`."""
        if self.greatest == 0:
            return "match"
        return "potential" if self.least == 0 else "mismatch"


@dataclass(frozen=True)
class Choices:
    """What one position may be: one of these ARD groups, or null if `null`."""

    groups: frozenset[str]
    null: bool

    def all(self) -> list[str | None]:
        """Every choice, null written as None."""
        return [*sorted(self.groups), *([None] if self.null else [])]


Alternative = tuple[Choices, Choices]  # one genotype: its two positions


@dataclass(frozen=True)
class Match:
    """The counts at every locus and their sums."""

    loci: dict[str, Counts]
    total: Counts


def resolved_counts(patient: Resolution, donor: Resolution) -> tuple[int, int, int]:
    """Mismatches, GvH and HvG of two resolved genotypes (after the null rule)."""
    # An antigen that is there twice counts once in its vector, hence sets. Nothing expressed has no antigen to count.
    gvh = len(set(patient) - set(donor))
    hvg = len(set(donor) - set(patient))
    if not patient or not donor:
        return (0 if patient == donor else 2), gvh, hvg
    (p1, p2), (d1, d2) = patient, donor
    matches = max((p1 == d1) + (p2 == d2), (p1 == d2) + (p2 == d1))
    return 2 - matches, gvh, hvg


def resolutions(alternative: Alternative) -> set[Resolution]:
    """Every resolved genotype that one alternative allows, the null rule applied."""
    found: set[Resolution] = set()
    for first, second in product(alternative[0].all(), alternative[1].all()):
        if first is None and second is None:
            found.add(())
        elif first is None or second is None:
            expressed = first or second
            assert expressed is not None
            found.add((expressed, expressed))
        else:
            found.add((min(first, second), max(first, second)))
    return found


def shrunk(patient: Alternative, donor: Alternative) -> tuple[Alternative, Alternative]:
    """The same two genotypes with groups dropped that cannot change the least or the greatest of any count.

    Lemma: call two groups alike if they are choices of exactly the same ones of the four positions. Of a set of groups
    that are alike and belong to n positions, any n may be kept and the others dropped. Proof: take any resolution of
    both sides before the null rule. Of these groups it holds at most n different ones, one for each position that can
    take one. Give each its own one of the kept n: that is again a resolution, as they are choices of the same
    positions; and the same choices are equal as before, so that every count is the same. So no value of a count is
    lost, and as dropping choices adds none, least and greatest stay.
    """
    positions = [*patient, *donor]
    alike: dict[tuple[int, ...], list[str]] = {}
    for group in sorted(set().union(*(position.groups for position in positions))):
        belongs_to = tuple(i for i, position in enumerate(positions) if group in position.groups)
        alike.setdefault(belongs_to, []).append(group)
    kept = {group for belongs_to, groups in alike.items() for group in groups[: len(belongs_to)]}
    p1, p2, d1, d2 = (Choices(position.groups & kept, position.null) for position in positions)
    return (p1, p2), (d1, d2)


def counts_of(patient: Iterable[Alternative], donor: Iterable[Alternative], shrink: bool = True) -> Counts:
    """Least and greatest of each count over all resolutions of all alternatives of both sides.

    Args:
        patient: The patient's genotype alternatives.
        donor: The donor's.
        shrink: Drop choices first that cannot matter (`shrunk`); False tries out literally everything.
    """
    seen: set[tuple[int, int, int]] = set()
    for p, d in product(list(patient), list(donor)):
        if shrink:
            p, d = shrunk(p, d)
        seen.update(resolved_counts(*pair) for pair in product(resolutions(p), resolutions(d)))
    mismatches, gvh, hvg = zip(*seen, strict=True)
    return Counts(min(mismatches), max(mismatches), min(gvh), max(gvh), min(hvg), max(hvg))


def match_locus(
    patient: Typing | None,
    donor: Typing | None,
    nom: Nomenclature,
    policy: NullPolicy = "explicit",
    shrink: bool = True,
    profile: Profile = "standard",
    level: MatchLevel = "ard",
) -> Counts:
    """The counts at one locus.

    Args:
        patient: The patient's typing; None if untyped.
        donor: The donor's typing; None if untyped.
        nom: The nomenclature that reads both.
        policy: `explicit`: a null that is only possible does not count; `possible`: it is one of the resolutions.
        shrink: See `counts_of`.
        profile: `atlas`: NEW matches nothing, and an unknown member makes its MAC or string unknown.
        level: What is compared (`levels`).

    Raises:
        ValueError: Of a position, the nomenclature knows no name.
    """
    if policy not in ("explicit", "possible"):
        raise ValueError(f"null policy {policy!r} is not one of explicit possible")
    if profile not in ("standard", "atlas"):
        raise ValueError(f"profile {profile!r} is not one of standard atlas")
    if level not in LEVELS:
        raise ValueError(f"level {level!r} is not one of {' '.join(LEVELS)}")
    positions = [
        p for typing in (patient, donor) if typing is not None for genotype in typing.genotypes for p in genotype
    ]
    named = frozenset[str]().union(*(named_groups(position, nom, level) for position in positions))

    def choices(position: Position, side: str) -> Choices:
        new_of = side if profile == "atlas" else None
        return position_choices(position, nom, policy, named, new_of, level)

    def alternatives(typing: Typing | None, side: str) -> list[Alternative]:
        if typing is None:
            return [untyped]
        return [(choices(first, side), choices(second, side)) for first, second in typing.genotypes]

    # Untyped may be anything: all that either side can be, and more; also nothing expressed, whatever the policy.
    everything = [c for side in ("patient", "donor") for position in positions for c in choices(position, side).groups]
    untyped = (Choices(frozenset([*UNNAMED, *everything]), null=True),) * 2
    if profile == "atlas":
        for position in positions:
            if dropped := unknown_members(position, nom):
                raise ValueError("; ".join(dropped))
    return counts_of(alternatives(patient, "patient"), alternatives(donor, "donor"), shrink)


def match(
    patient: Phenotype,
    donor: Phenotype,
    nom: Nomenclature,
    loci: Sequence[str],
    policy: NullPolicy = "explicit",
    profile: Profile = "standard",
    levels: Mapping[str, MatchLevel] | None = None,
) -> Match:
    """The counts at each locus and their sums; the sum of the leasts is the potential count.

    The sums are exact: loci are resolved independently of each other, so all can be least, or greatest, at once.
    `levels` says what is compared at loci that are not compared by ARD group.

    Raises:
        ValueError: No locus, a locus twice, or a position that the nomenclature cannot read.
    """
    if not loci or len(set(loci)) != len(loci):
        raise ValueError(f"loci must be named once each: {list(loci)!r}")
    by_locus = {
        locus: match_locus(
            patient.typing(locus),
            donor.typing(locus),
            nom,
            policy,
            profile=profile,
            level=(levels or {}).get(locus, "ard"),
        )
        for locus in loci
    }
    each = list(by_locus.values())
    total = Counts(
        sum(c.least for c in each),
        sum(c.greatest for c in each),
        sum(c.gvh_least for c in each),
        sum(c.gvh_greatest for c in each),
        sum(c.hvg_least for c in each),
        sum(c.hvg_greatest for c in each),
    )
    return Match(by_locus, total)


def known_names(position: Position, nom: Nomenclature) -> list[Name]:
    """The names of a position that the nomenclature knows; unknown ones are dropped if others remain.

    Raises:
        ValueError: None of the names is known.
    """
    known = [name for name in sorted(position) if _why_unknown(name, nom) is None]
    if not known:
        raise ValueError("; ".join(unknown_members(position, nom)))
    return known


def unknown_members(position: Position, nom: Nomenclature) -> list[str]:
    """What is unknown of a position: its names, and the members of its MACs; why, for each."""
    unknown: list[str] = []
    for name in sorted(position):
        why = _why_unknown(name, nom)
        unknown += nom.meaning(name).dropped if why is None else (why,)
    return unknown


def _why_unknown(name: Name, nom: Nomenclature) -> str | None:
    try:
        nom.meaning(name)
    except UnknownNameError as error:
        return str(error)
    return None


def position_choices(
    position: Position,
    nom: Nomenclature,
    policy: NullPolicy,
    named: frozenset[str],
    new_of: str | None = None,
    level: MatchLevel = "ard",
) -> Choices:
    """What a position may be: its members' groups at a level, and null if that counts.

    Args:
        position: The written names.
        nom: The nomenclature.
        policy: Whether a null counts that is only possible.
        named: The groups which either side's names stand for; an open-world XX code may be any of its first field.
        new_of: Whose position it is if a NEW is unlike everything else, also unlike the other side's; None if it may
            be any allele of its first field as well.
        level: What is compared.
    """
    choices: set[str] = set()
    may_be_null = False
    for name in known_names(position, nom):
        meaning = nom.meaning(name)
        if meaning.new and new_of is not None:
            choices |= {f"new of the {new_of}{unnamed}" for unnamed in UNNAMED}
            continue
        choices |= groups(name, nom, level) | _unnamed(meaning, nom, level)
        # Any allele of an open first field: those that either side names, and four that nobody has named.
        choices |= {group for group in named if group.startswith(tuple(meaning.open_fields))}
        # A NEW of any first field may also be the new one that the other side says its first field of.
        choices |= {group for group in named if NEW in group and group.startswith(tuple(meaning.new))}
        may_be_null = may_be_null or meaning.may_be_null
    if not choices:
        return Choices(frozenset(), null=True)  # all of it is null: no policy can make it express anything
    return Choices(frozenset(choices), null=may_be_null and policy == "possible")


NEW = "new"


def _unnamed(meaning: Meaning, nom: Nomenclature, level: MatchLevel) -> set[str]:
    """Four stand-ins for the alleles of each open first field, and four for those not yet named."""
    beginnings = [*meaning.open_fields, *(beginning + NEW for beginning in meaning.new)]
    if level == "antigen" and isinstance(nom, TwoField):
        # A first field is one antigen, also of its alleles that nobody has named.
        beginnings = [beginning for beginning in beginnings if ":" not in beginning]
    return {f"{beginning}{unnamed}" for beginning in beginnings for unnamed in UNNAMED}


def named_groups(position: Position, nom: Nomenclature, level: MatchLevel = "ard") -> frozenset[str]:
    of_names = (
        groups(name, nom, level) | _unnamed(nom.meaning(name), nom, level) for name in known_names(position, nom)
    )
    return frozenset[str]().union(*of_names)
