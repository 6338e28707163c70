"""Oracle: whether own cells may be used, straight from SEMANTICS section 6 and the policies' words, with exact fractions.

It knows nothing of tables and texts: it is told the grade, the burden of the disease now and at each harvest, and the doses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

LEAST = Fraction(2)


@dataclass(frozen=True)
class Cells:
    """A harvest.

    Attributes:
        burden: Of the disease at harvest; None: not known.
        dose: 1e6 CD34+ cells per kg; None: not known.
        doubtful: Whether something else must be found out first.
        impossible: Whether something else rules it out.
    """

    burden: str | None
    dose: Fraction | None
    doubtful: bool = False
    impossible: bool = False


def verdict(cells: Cells) -> str:
    """Say whether a harvest counts."""
    if cells.impossible or cells.burden == "active" or cells.dose == 0:
        return "cannot be used"
    if cells.doubtful or cells.burden is None or cells.dose is None:
        return "ask"
    return "counts"


def dose_that_counts(harvests: Sequence[Cells]) -> Fraction:
    """Add the doses of the harvests that count, 1e6 CD34+ cells per kg."""
    return sum((each.dose for each in harvests if verdict(each) == "counts" and each.dose is not None), Fraction(0))


def answer(grade: str, transcription: str, harvests: Sequence[Cells]) -> str:
    """Say what the first step answers, for a disease and status that the table has; what no table in force has is asked."""
    if transcription != "read":
        return "ask"
    if grade in ("GNR", "NA"):
        return "not indicated"
    best = "eligible" if grade == "S" else "possible"
    dose = dose_that_counts(harvests)
    if any(verdict(each) == "counts" for each in harvests) and dose >= LEAST:
        return best
    return "possible"  # something can be asked, or harvested now or once the disease is reduced
