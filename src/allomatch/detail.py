"""Detail: what is said of one locus of a pair beside its counts.

Grades, confidences and antigen matches stand at the patient's two positions, in the order of the canonical typing, each beside
the donor's position that it is paired with (docs/science.md, "Pairwise detail"). The rules are the core's; this module
gives its numbers their names.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

__all__ = [
    "CATEGORIES",
    "CONFIDENCES",
    "GRADES",
    "ORIENTATIONS",
    "VERDICTS",
    "Category",
    "Confidence",
    "Epitopes",
    "Grade",
    "LocusDetail",
    "Orientation",
    "TwoWay",
    "Verdict",
]

Grade = Literal[
    "mismatch",
    "expressed vs null",
    "unknown",
    "broad",
    "split",
    "associated",
    "null vs null",
    "P group",
    "G group",
    "protein",
    "cDNA",
    "gDNA",
    "permissive",
    "non-permissive",
]
Confidence = Literal["mismatch", "potential", "exact", "definite"]
Orientation = Literal["direct", "crossed"]
Category = Literal["match", "potential", "mismatch", "permissive mismatch", "non-permissive GvH", "non-permissive HvG"]
Verdict = Literal["unknown", "matched", "permissive", "non-permissive GvH", "non-permissive HvG"]

# In the order of the core's numbers (csrc/include/allomatch/detail.hpp).
GRADES: tuple[Grade, ...] = Grade.__args__  # type: ignore[attr-defined]
CONFIDENCES: tuple[Confidence, ...] = Confidence.__args__  # type: ignore[attr-defined]
ORIENTATIONS: tuple[Orientation, ...] = Orientation.__args__  # type: ignore[attr-defined]
CATEGORIES: tuple[Category, ...] = Category.__args__  # type: ignore[attr-defined]
VERDICTS: tuple[Verdict, ...] = Verdict.__args__  # type: ignore[attr-defined]
# The core's verdicts begin with "none", at other loci than DPB1.
FIRST_VERDICT = 1
# The two values of a two-way split, in the order of the core, by locus; and how two of them are written together.
MARKERS = {"B": ("M", "T"), "DPB1": ("high", "low")}
JOINED = {"B": ("MM", "MT", "TT"), "DPB1": ("high/high", "high/low", "low/low")}

_SAME = {
    "gDNA": "the same allele",
    "cDNA": "the same coding sequence",
    "protein": "the same protein",
    "G group": "the same G group",
    "P group": "the same P group",
    "associated": "the same associated antigen",
    "split": "the same antigen",
    "broad": "the same broad antigen",
    "null vs null": "null on both sides",
    "unknown": "not known",
    "expressed vs null": "expressed on one side only",
    "mismatch": "mismatched",
    "permissive": "permissively mismatched",
    "non-permissive": "non-permissively mismatched",
}


@dataclass(frozen=True, slots=True)
class Epitopes:
    """The T-cell epitope groups at DPB1 (tce/dpb_tce.csv, version 2).

    Attributes:
        patient: The patient's group, 1 (most immunogenic) to 3; None if it is not certain.
        donor: The donor's.
        verdict: What a mismatch is: permissive if the groups agree, otherwise non-permissive in the direction of the
            lower group; ``"matched"`` if no mismatch is possible.
    """

    patient: int | None
    donor: int | None
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class TwoWay:
    """A two-way split: the leaders of B (M or T), or the expression of DPB1 (high or low).

    Attributes:
        patient: The patient's two values, as in ``"MT"`` or ``"high/low"``; None if one is not certain.
        donor: The donor's.
        mismatched: If exactly one position is mismatched, the values of the patient's and of the donor's mismatched allele.
    """

    patient: str | None
    donor: str | None
    mismatched: tuple[str | None, str | None] | None

    @property
    def matched(self) -> bool | None:
        """Whether the two mismatched alleles have the same value; None if that is not known, or not exactly one is mismatched."""
        if self.mismatched is None or None in self.mismatched:
            return None
        return self.mismatched[0] == self.mismatched[1]

    def explain(self, what: str) -> str:
        """Return the split in words."""
        words = f"{what} patient {self.patient or 'unknown'}, donor {self.donor or 'unknown'}"
        if self.mismatched is not None:
            first, second = (value or "unknown" for value in self.mismatched)
            same = {True: "matched", False: "not matched", None: "not known to match"}[self.matched]
            words += f" (of the mismatched alleles {first} and {second}: {same})"
        return words


@dataclass(frozen=True, slots=True)
class LocusDetail:
    """What is said of one locus beside its counts.

    Attributes:
        orientation: ``"direct"`` if the patient's first position is paired with the donor's first.
        grades: Of the patient's positions, each with the donor's that it is paired with; the best that is possible.
        confidences: How sure it is that these match.
        antigen_matches: Whether these share an antigen; None if it cannot be said.
        tce: At DPB1.
        leader: At B.
        expression: At DPB1.
    """

    orientation: Orientation
    grades: tuple[Grade, Grade]
    confidences: tuple[Confidence, Confidence]
    antigen_matches: tuple[bool | None, bool | None]
    tce: Epitopes | None
    leader: TwoWay | None
    expression: TwoWay | None

    @classmethod
    def of(cls, locus: str, numbers: tuple[Any, ...]) -> LocusDetail:
        """Name the numbers of the core."""
        crossed, grades, confidences, antigens, verdict, tce, pairs, one_mismatch, mismatched = numbers
        split = None
        if locus in MARKERS:
            # Zero means unknown, and the names follow.
            singles, both = (None, *MARKERS[locus]), (None, *JOINED[locus])
            shown = (singles[mismatched[0]], singles[mismatched[1]]) if one_mismatch else None
            split = TwoWay(both[pairs[0]], both[pairs[1]], shown)
        return cls(
            ORIENTATIONS[crossed],
            (GRADES[grades[0]], GRADES[grades[1]]),
            (CONFIDENCES[confidences[0]], CONFIDENCES[confidences[1]]),
            (_ANTIGENS[antigens[0]], _ANTIGENS[antigens[1]]),
            Epitopes(tce[0] or None, tce[1] or None, VERDICTS[verdict - FIRST_VERDICT]) if locus == "DPB1" else None,
            split if locus == "B" else None,
            split if locus == "DPB1" else None,
        )

    def explain(self) -> str:
        """Return the two positions, the epitopes, leaders and expression in words."""
        if self.grades == ("unknown", "unknown"):
            words = "positions not known"
        else:
            words = "; ".join(
                f"position {i + 1} {_SAME[self.grades[i]]}"
                + (f", {self.confidences[i]}" if self.confidences[i] != "mismatch" else "")
                + (", antigen matched" if self.confidences[i] == "mismatch" and self.antigen_matches[i] else "")
                for i in (0, 1)
            )
            words += f" ({self.orientation})"
        if self.tce is not None:
            groups = f"patient {self.tce.patient or 'unknown'}, donor {self.tce.donor or 'unknown'}"
            words += f"; T-cell epitope groups {groups}: {self.tce.verdict}"
        if self.leader is not None:
            words += "; " + self.leader.explain("leaders")
        if self.expression is not None:
            words += "; " + self.expression.explain("expression")
        return words


_ANTIGENS = (False, True, None)
