"""Cord: the rules for cord blood units, their doses and how a registry's units are told from its adult donors.

Cord blood needs less of a match than adult donors do, and more attention to how many cells a unit holds: A and B are compared by
antigen and DRB1 by allele down to 4/6, or all of A, B, C and DRB1 by allele down to 4/8; and a dose is the unit's total divided
by the patient's weight (Dehn et al., Blood 2019;134:924; Politikos et al., Biol Blood Marrow Transplant 2020;26:2190).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from allomatch import _core
from allomatch.errors import problem
from allomatch.filter import attribute_column
from allomatch.match import MatchLevel

__all__ = ["CORD_PRESETS", "CordPreset", "Doses", "cord_filter", "cord_preset", "doses"]


@dataclass(frozen=True, slots=True)
class CordPreset:
    """What a cord search compares, and how far down it goes.

    Attributes:
        loci: The loci.
        levels: What is compared at each that is not compared by ARD group.
        max_mismatches: The most mismatches that are accepted, and the default.
    """

    loci: tuple[str, ...]
    levels: dict[str, MatchLevel]
    max_mismatches: int


CORD_PRESETS: dict[str, CordPreset] = {
    "cord 6/6": CordPreset(("A", "B", "DRB1"), {"A": "antigen", "B": "antigen"}, 2),
    "cord 8/8": CordPreset(("A", "B", "C", "DRB1"), {}, 4),
}

# What registries write as the type of a cord blood unit, in any case, with blanks, _ or - between the words.
# "C" and "CBU" are the codes of WMDA's and EMDIS's files.
CORD_TYPES = frozenset({"c", "cb", "cbu", "ucb", "cord", "cord blood", "cord blood unit"})

# Attribute -> what it counts; a column of the totals of a unit, in the unit that its name says.
_CELLS = {"tnc_e7": "total nucleated cells, 1e7", "cd34_e6": "CD34+ cells, 1e6"}


def cord_preset(loci: object) -> CordPreset | None:
    """Return the rules that a set of loci names, or None if it is not about cord blood.

    Args:
        loci: As in :meth:`allomatch.Registry.search`.

    Raises:
        ArgumentError: An unknown rule for cord blood.

    Example:
        >>> cord_preset("cord 6/6").max_mismatches
        2
    """
    if not isinstance(loci, str) or not loci.startswith("cord"):
        return None
    if loci not in CORD_PRESETS:
        raise problem("InvalidArgument", f"unknown cord blood rules {loci!r}; known are {', '.join(CORD_PRESETS)}")
    return CORD_PRESETS[loci]


def cord_filter(segment: _core.Segment) -> str:
    """Return a filter that only cord blood units pass.

    Raises:
        ArgumentError: No donor of the registry has a type, so nothing can be told apart.
    """
    stored = segment.attribute("donor_type")
    if stored is None and segment.donor_count > 0:
        raise problem(
            "MissingColumn",
            "no donor of this registry has a donor_type, so cord blood units cannot be told from adult donors; "
            "index the donors with that column ('cord', 'CBU' or 'C' for a unit), or search the loci by name",
        )
    categories = stored[1] if stored is not None and stored[1] is not None else []
    units = [c for c in categories if " ".join(c.lower().replace("_", " ").replace("-", " ").split()) in CORD_TYPES]
    # A text that no donor can have stands for "none of them".
    return f"donor_type in ({', '.join(repr(each) for each in units) or repr('cord')})"


@dataclass(frozen=True, slots=True)
class Doses:
    """A patient's weight and the least doses of cells per kg of it.

    Attributes:
        patient_weight_kg: In kg; None if doses do not matter.
        least: Attribute (total of a unit) -> least dose per kg, in the attribute's unit.
    """

    patient_weight_kg: float | None
    least: dict[str, float]

    def filters(self) -> list[str]:
        """Return a filter for each least dose; a unit whose total is not known passes none."""
        # Totals are stored as float32, and the filter rounds its bound the same way: a unit of exactly the dose passes.
        return [f"{name} >= {dose * self._weight()!r}" for name, dose in self.least.items()]

    def columns(self, segment: _core.Segment, rows: npt.NDArray[np.uint32]) -> dict[str, pa.Array]:
        """Return the doses of some rows per kg: ``tnc_e7_per_kg`` and ``cd34_e6_per_kg`` (float32, null if not known).

        Without a weight, or of what no donor has, there is no column.
        """
        if self.patient_weight_kg is None:
            return {}
        found = {f"{name}_per_kg": attribute_column(segment, name, rows) for name in _CELLS}
        return {name: _divided(column, self._weight()) for name, column in found.items() if column is not None}

    def _weight(self) -> float:
        assert self.patient_weight_kg is not None
        return self.patient_weight_kg


def _divided(column: pa.Array, weight: float) -> pa.Array:
    totals = column.to_numpy(zero_copy_only=False).astype(np.float64)
    return pa.array((totals / weight).astype(np.float32), mask=np.isnan(totals))


def doses(patient_weight_kg: float | None, min_tnc_e7_per_kg: float | None, min_cd34_e6_per_kg: float | None) -> Doses:
    """Check a weight and least doses.

    Args:
        patient_weight_kg: The patient's weight in kg.
        min_tnc_e7_per_kg: Least total nucleated cells, in 1e7 per kg.
        min_cd34_e6_per_kg: Least CD34+ cells, in 1e6 per kg.

    Raises:
        ArgumentError: A number that is not above 0, or a least dose without a weight.

    Example:
        >>> doses(30, 2.5, None).filters()
        ['tnc_e7 >= 75.0']
    """
    given = {"tnc_e7": min_tnc_e7_per_kg, "cd34_e6": min_cd34_e6_per_kg}
    least = {
        name: _above_zero(f"min_{name}_per_kg", dose, f"{_CELLS[name]} per kg, for example 2.5")
        for name, dose in given.items()
        if dose is not None
    }
    if patient_weight_kg is None:
        if least:
            raise problem(
                "InvalidArgument",
                f"{', '.join(f'min_{name}_per_kg' for name in least)} needs patient_weight_kg: a dose is the unit's total "
                "divided by the patient's weight",
            )
        return Doses(None, {})
    return Doses(_above_zero("patient_weight_kg", patient_weight_kg, "kg, for example 30"), least)


def _above_zero(name: str, value: object, example: str) -> float:
    number = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if not 0 < number <= 1e6:
        raise problem("InvalidArgument", f"{name} is {value!r}; it must be a number above 0 ({example})")
    return number
