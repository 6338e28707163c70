"""Positions: which position of a typing is the mismatched one, and what the epitopes of DPB1 make of a pair, as probabilities.

The core gives a row of numbers for each pair of people: four for each locus (the patient's first and second position, the
donor's), then five for DPB1 if it is among the loci. Here they get their names. SEMANTICS sections 3 and 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from allomatch.detail import Verdict

__all__ = ["EPITOPE_VERDICTS", "epitopes_of", "position_columns", "positions_at"]

EPITOPE_VERDICTS: tuple[Verdict, ...] = ("matched", "permissive", "non-permissive GvH", "non-permissive HvG", "unknown")
Values = npt.NDArray[np.float64]


def positions_at(values: Values, loci: Sequence[str], locus: str) -> tuple[Values, Values]:
    """Return the probabilities that the patient's and the donor's positions of a locus are mismatched; shape (..., 2) each."""
    at = 4 * loci.index(locus)
    return values[..., at : at + 2], values[..., at + 2 : at + 4]


def epitopes_of(values: Values, loci: Sequence[str]) -> Values:
    """Return the probabilities of the verdicts at DPB1, as `EPITOPE_VERDICTS`; shape (..., 5), or (..., 0) without DPB1."""
    return values[..., 4 * len(loci) :]


def position_columns(values: Values, loci: Sequence[str]) -> dict[str, Values]:
    """Return the probabilities of many pairs by name.

    ``A_patient_1``, ``A_patient_2``, ``A_donor_1``, ``A_donor_2``: of each position at A in canonical order, that it is
    mismatched; and so on for every locus. With DPB1 the verdicts ``DPB1_matched``, ``DPB1_permissive``,
    ``DPB1_non_permissive_gvh``, ``DPB1_non_permissive_hvg`` and ``DPB1_unknown``.

    Args:
        values: A row a pair; shape (n, 4 * loci), with DPB1 5 more.
        loci: The loci, in the order of the values.
    """
    columns: dict[str, Values] = {}
    for locus in loci:
        for who, chances in zip(("patient", "donor"), positions_at(values, loci, locus), strict=True):
            columns |= {f"{locus}_{who}_{k + 1}": np.ascontiguousarray(chances[:, k]) for k in range(2)}
    if "DPB1" in loci:
        for verdict, chance in zip(EPITOPE_VERDICTS, epitopes_of(values, loci).T, strict=True):
            name = verdict.lower().replace("-", "_").replace(" ", "_")
            columns[f"DPB1_{name}"] = np.ascontiguousarray(chance)
    return columns
