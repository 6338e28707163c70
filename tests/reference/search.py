"""A search as its definition says: match every donor, keep those within the budget, sort them.

What: `search` returns the hits of one patient among all donors; `PRESETS` are the sets of loci with names. Invariants:
a hit's least mismatches in the direction searched are within the overall and the per-locus limits, it passes the filter
and the least doses, and no other donor is left out; a search for <= k mismatches returns the better ones
too. Why this way: no index, no early stop, so that nothing can be missed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from .filter import Attributes, Filter, truth
from .levels import MatchLevel
from .match import Counts, Match, NullPolicy, Profile, match, match_locus
from .nomenclature import Nomenclature
from .phenotype import Phenotype

Direction = Literal["both", "gvh", "hvg"]

PRESETS: dict[str, tuple[str, ...]] = {
    "6/6": ("A", "B", "DRB1"),
    "8/8": ("A", "B", "C", "DRB1"),
    "10/10": ("A", "B", "C", "DRB1", "DQB1"),
    "12/12": ("A", "B", "C", "DRB1", "DQB1", "DPB1"),
}

# What a cord blood unit's donor_type may be, in lower case and with blanks between the words.
CORD_TYPES = {"c", "cb", "cbu", "ucb", "cord", "cord blood", "cord blood unit"}


@dataclass(frozen=True)
class Hit:
    """A donor within the budget.

    Attributes:
        donor_id: The donor.
        mismatches: Least mismatches in the direction searched, over all loci.
        greatest: Greatest mismatches in the direction searched, over all loci.
        match: All counts.
        reported: Counts at loci that were not searched.
    """

    donor_id: str
    mismatches: int
    greatest: int
    match: Match
    reported: dict[str, Counts]


def in_direction(counts: Counts, direction: Direction) -> tuple[int, int]:
    """Least and greatest of the count that a direction searches by."""
    if direction == "gvh":
        return counts.gvh_least, counts.gvh_greatest
    if direction == "hvg":
        return counts.hvg_least, counts.hvg_greatest
    return counts.least, counts.greatest


def is_cord(attributes: Attributes) -> bool:
    """Whether a donor is a cord blood unit."""
    written = str(attributes.get("donor_type") or "").lower()
    return " ".join(written.replace("_", " ").replace("-", " ").split()) in CORD_TYPES


def has_doses(attributes: Attributes, weight_kg: str, least_per_kg: Mapping[str, str]) -> bool:
    """Whether a unit's totals, divided by the patient's weight, reach the least doses; an unknown total does not.

    Args:
        attributes: The unit's.
        weight_kg: The patient's weight, in decimal digits: nothing is rounded.
        least_per_kg: `tnc_e7`, `cd34_e6` -> the least dose, in decimal digits.
    """
    for name, least in least_per_kg.items():
        total = attributes.get(name)
        if total is None or Fraction(str(total)) / Fraction(weight_kg) < Fraction(least):
            return False
    return True


def search(
    patient: Phenotype,
    donors: Mapping[str, Phenotype],
    nom: Nomenclature,
    loci: str | Sequence[str] = "10/10",
    max_mismatches: int = 0,
    per_locus_limits: Mapping[str, int] | None = None,
    direction: Direction = "both",
    policy: NullPolicy = "explicit",
    profile: Profile = "standard",
    attributes: Mapping[str, Attributes] | None = None,
    where: Filter | None = None,
    cord_only: bool = False,
    weight_kg: str = "1",
    least_per_kg: Mapping[str, str] | None = None,
    report: Sequence[str] = (),
    levels: Mapping[str, MatchLevel] | None = None,
) -> list[Hit]:
    """All donors within the budget, best first.

    Args:
        patient: The patient.
        donors: All donors by id.
        nom: The nomenclature that reads them.
        loci: A preset's name, or the loci themselves.
        max_mismatches: The most that the leasts may sum to, in the direction searched.
        per_locus_limits: The most that the least may be at single loci; a locus without a limit has only the budget.
        direction: `both` counts mismatches, `gvh` patient antigens the donor lacks, `hvg` the reverse.
        policy: The null policy.
        profile: Whose rules (`match_locus`).
        attributes: By donor id; a donor without has none known.
        where: The filter that a hit must pass.
        cord_only: Whether hits must be cord blood units.
        weight_kg: The patient's weight, see `has_doses`.
        least_per_kg: Least doses, see `has_doses`.
        report: Loci at which hits are compared besides those searched, by ARD group.
        levels: What is compared at loci that are not compared by ARD group.

    Returns:
        Hits ordered by mismatches in the direction searched, then their greatest count, then donor id.

    Raises:
        ValueError: An unknown preset or direction, a negative budget, a limit that is not 0..2 or not at a locus
            that is searched, or a typing that cannot be read.
    """
    if isinstance(loci, str):
        if loci not in PRESETS:
            raise ValueError(f"{loci!r} is not one of the presets {' '.join(PRESETS)}")
        loci = PRESETS[loci]
    if direction not in ("both", "gvh", "hvg"):
        raise ValueError(f"direction {direction!r} is not one of both gvh hvg")
    if max_mismatches < 0:
        raise ValueError(f"max_mismatches {max_mismatches} is negative")
    limits = dict(per_locus_limits or {})
    for locus, limit in limits.items():
        if locus not in loci or not 0 <= limit <= 2:
            raise ValueError(
                f"limit {limit} at locus {locus}: limits are 0..2, at the loci searched ({' '.join(loci)})"
            )
    hits: list[Hit] = []
    for donor_id, donor in donors.items():
        known = (attributes or {}).get(donor_id, {})
        passes = where is None or truth(where, known) is True
        passes = passes and (is_cord(known) or not cord_only) and has_doses(known, weight_kg, least_per_kg or {})
        found = match(patient, donor, nom, loci, policy, profile, levels)
        least, greatest = in_direction(found.total, direction)
        within_limits = all(in_direction(found.loci[locus], direction)[0] <= limit for locus, limit in limits.items())
        if least <= max_mismatches and within_limits and passes:
            others = {
                at: match_locus(patient.typing(at), donor.typing(at), nom, policy, profile=profile) for at in report
            }
            hits.append(Hit(donor_id, least, greatest, found, others))
    return sorted(hits, key=lambda hit: (hit.mismatches, hit.greatest, hit.donor_id))
