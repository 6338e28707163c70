"""A search as its definition says: match every donor, keep those within the budget, sort them.

What: `search` returns the hits of one patient among all donors; `PRESETS` are the sets of loci with names. Invariants:
a hit's least mismatches in the direction searched are within the overall and the per-locus limits, and no other donor
is left out; a search for <= k mismatches returns the better ones too. Why this way: no index, no early stop, so that
nothing can be missed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from .match import Counts, Match, NullPolicy, Profile, match
from .nomenclature import Nomenclature
from .phenotype import Phenotype

Direction = Literal["both", "gvh", "hvg"]

PRESETS: dict[str, tuple[str, ...]] = {
    "6/6": ("A", "B", "DRB1"),
    "8/8": ("A", "B", "C", "DRB1"),
    "10/10": ("A", "B", "C", "DRB1", "DQB1"),
    "12/12": ("A", "B", "C", "DRB1", "DQB1", "DPB1"),
}


@dataclass(frozen=True)
class Hit:
    """A donor within the budget.

    Attributes:
        donor_id: The donor.
        mismatches: Least mismatches in the direction searched, over all loci.
        greatest: Greatest mismatches in the direction searched, over all loci.
        match: All counts.
    """

    donor_id: str
    mismatches: int
    greatest: int
    match: Match


def in_direction(counts: Counts, direction: Direction) -> tuple[int, int]:
    """Least and greatest of the count that a direction searches by."""
    if direction == "gvh":
        return counts.gvh_least, counts.gvh_greatest
    if direction == "hvg":
        return counts.hvg_least, counts.hvg_greatest
    return counts.least, counts.greatest


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
        found = match(patient, donor, nom, loci, policy, profile)
        least, greatest = in_direction(found.total, direction)
        within_limits = all(in_direction(found.loci[locus], direction)[0] <= limit for locus, limit in limits.items())
        if least <= max_mismatches and within_limits:
            hits.append(Hit(donor_id, least, greatest, found))
    return sorted(hits, key=lambda hit: (hit.mismatches, hit.greatest, hit.donor_id))
