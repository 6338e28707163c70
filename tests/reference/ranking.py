"""The order of hits: a list of keys, compared one after the other.

What: `DEFAULT` is SEMANTICS section 5 as data, `ranked` sorts by any such list, `category` is the coordinator's word for a
chance. Invariants: every key maps a hit to a number of which less is better, so that what is unknown has a place, and
the order is total; ties break by donor id. Why this way: a policy is only names of keys, and each key one short function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from .detail import Grade, Verdict, grade_rank

Category = Literal["probable", "possible", "unlikely"]


@dataclass(frozen=True)
class Ranked:
    """A hit as far as its place depends on it.

    Attributes:
        donor_id: The donor.
        least: Fewest mismatches that the typings allow.
        greatest: Most mismatches that they allow.
        p_mismatches: P(k mismatches), k = 0..2n; None if a person is unrepresented, or without frequencies.
        grades: Of both positions at each locus searched.
        dpb1: The epitopes' verdict.
        leader_matched: Whether the leaders match, with one mismatch at B; None if that is not known.
        one_b_mismatch: Whether B is mismatched at one position.
        attributes: `birth_year`, `cmv`, `abo`, `sex`, `parous`, `last_contact` (as in 2024-05-31), where known.
    """

    donor_id: str
    least: int
    greatest: int
    p_mismatches: tuple[Fraction, ...] | None = None
    grades: tuple[Grade, ...] = ()
    dpb1: Verdict = "unknown"
    leader_matched: bool | None = None
    one_b_mismatch: bool = False
    attributes: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class PatientFactors:
    """What of the patient donor factors are compared to."""

    cmv: str | None = None
    abo: str | None = None


Key = Callable[[Ranked, PatientFactors], float]


def percent(chance: Fraction) -> int:
    """The probability class of a chance: whole percents, half to even."""
    return round(chance * 100)


def at_most(k: int) -> Key:
    """More percents of P(<= k mismatches) first.

    Without probabilities the potential counts say what they can: certain, impossible, or else between none and one percent.
    """

    def key(hit: Ranked, _: PatientFactors) -> float:
        if hit.p_mismatches is not None:
            return -percent(sum(hit.p_mismatches[: k + 1], Fraction(0)))
        return -100 if hit.greatest <= k else 0 if hit.least > k else -0.5

    return key


def potential(hit: Ranked, _: PatientFactors) -> float:
    """Fewer least mismatches first, then fewer greatest ones: neither is ever above 99."""
    return 100 * hit.least + hit.greatest


def grades(hit: Ranked, _: PatientFactors) -> float:
    """The greater sum of ranks first, as in the choice of an orientation."""
    return -sum(grade_rank(grade) for grade in hit.grades)


def dpb1(hit: Ranked, _: PatientFactors) -> float:
    """Matched, permissive, unknown, non-permissive in HvG direction, then in GvH direction."""
    order: list[Verdict] = ["matched", "permissive", "unknown", "non-permissive HvG", "non-permissive GvH"]
    return order.index(hit.dpb1)


def leader(hit: Ranked, _: PatientFactors) -> float:
    """Where B has one mismatch: leaders that match before unknown ones before others."""
    return three(hit.leader_matched) if hit.one_b_mismatch else 0


def three(good: bool | None) -> int:
    """Yes, unknown, no."""
    return 0 if good is True else 1 if good is None else 2


def same(mine: object, theirs: object) -> bool | None:
    """Whether two attributes are the same; None if one is unknown."""
    return None if mine is None or theirs is None else mine == theirs


def age(hit: Ranked, _: PatientFactors) -> float:
    """Younger first, unknown last."""
    year = hit.attributes.get("birth_year")
    return -year if isinstance(year, int) else 1


def cmv(hit: Ranked, patient: PatientFactors) -> float:
    """The patient's status first, then unknown ones; a donor's code says what was found of IgG and IgM (EMDIS, D_CMV)."""
    if hit.attributes.get("cmv") in (
        "P",
        "G",
        "M",
        "B",
        "H",
    ):  # one of them found, IgG, IgM, both, IgG (IgM not tested)
        return three(same("P", patient.cmv))
    if hit.attributes.get("cmv") in ("N", "O"):  # neither found; IgG not found, IgM not tested
        return three(same("N", patient.cmv))
    return three(None)  # Q, questionable, and words that are no code


def abo(hit: Ranked, patient: PatientFactors) -> float:
    """The patient's group first, then unknown ones."""
    return three(same(hit.attributes.get("abo"), patient.abo))


def sex(hit: Ranked, _: PatientFactors) -> float:
    """Men and women who never were pregnant first, then those of unknown sex, then other women."""
    known = hit.attributes.get("sex")
    if known is None:
        return three(None)
    return three(known == "M" or hit.attributes.get("parous") is False)


def last_contact(hit: Ranked, _: PatientFactors) -> float:
    """The latest first, unknown last."""
    day = hit.attributes.get("last_contact")
    return -int(str(day).replace("-", "")) if day is not None else 1


KEYS: dict[str, Key] = {
    **{f"p{k}": at_most(k) for k in range(5)},
    "potential": potential,
    "grades": grades,
    "dpb1": dpb1,
    "leader": leader,
    "age": age,
    "cmv": cmv,
    "abo": abo,
    "sex": sex,
    "last_contact": last_contact,
}

# SEMANTICS section 5, in its order.
DEFAULT: tuple[str, ...] = tuple(KEYS)


def ranked(
    hits: Iterable[Ranked], patient: PatientFactors | None = None, policy: Sequence[str] = DEFAULT
) -> list[Ranked]:
    """Hits in the order of a policy, ties by donor id.

    Raises:
        ValueError: A key is unknown.
    """
    if unknown := [key for key in policy if key not in KEYS]:
        raise ValueError(f"{unknown} are none of the keys {' '.join(KEYS)}")
    factors = patient or PatientFactors()
    return sorted(hits, key=lambda hit: ([KEYS[key](hit, factors) for key in policy], hit.donor_id))


def category(
    chance: Fraction, probable: Fraction = Fraction("0.995"), unlikely: Fraction = Fraction("0.005")
) -> Category:
    """The coordinator's word for a chance; the limits themselves are `probable` and `unlikely`."""
    if chance >= probable:
        return "probable"
    return "unlikely" if chance <= unlikely else "possible"
