"""Oracle: what a typing tells about a whole match, by enumerating every outcome at every locus.

Written from the definition of mutual information alone: I(M; L) is the sum over both outcomes of each of
p(m, l) * log2(p(m, l) / (p(m) * p(l))). The joint distribution is a table from "which loci match" to a probability.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

Outcome = tuple[bool, ...]


def marginals(joint: Mapping[Outcome, Fraction], locus: int) -> tuple[Fraction, Fraction]:
    """Return P(all loci match) and P(this locus matches)."""
    whole = sum((p for outcome, p in joint.items() if all(outcome)), Fraction(0))
    here = sum((p for outcome, p in joint.items() if outcome[locus]), Fraction(0))
    return whole, here


def information(joint: Mapping[Outcome, Fraction], locus: int) -> float:
    """Return the mutual information of "all match" and "this locus matches", in bits."""
    cells: dict[tuple[bool, bool], Fraction] = {}
    for outcome, p in joint.items():
        cell = (all(outcome), outcome[locus])
        cells[cell] = cells.get(cell, Fraction(0)) + p
    total = 0.0
    for (m, here), p in cells.items():
        if p == 0:
            continue
        of_m = sum((q for (each, _), q in cells.items() if each == m), Fraction(0))
        of_l = sum((q for (_, each), q in cells.items() if each == here), Fraction(0))
        total += float(p) * math.log2(p / (of_m * of_l))
    return total
