"""Ranking: in which order hits are listed (SEMANTICS section 5), as data that a user can change.

A policy is a list of keys, compared one after the other; every key gives each hit a number of which less is better, and what is
not known has a place of its own. Ties break by donor id, so the order is stable. Probabilities are compared in whole percents,
so that donors who are as good as equal are told apart by the keys that follow.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from allomatch import _core
from allomatch.detail import GRADES, VERDICTS
from allomatch.errors import problem

__all__ = ["DEFAULT_KEYS", "FACTORS", "KEYS", "Likelihood", "PatientFactors", "RankingPolicy"]

Likelihood = Literal["probable match", "possible match", "unlikely match"]
Floats = npt.NDArray[np.float64]

# SEMANTICS section 5. The registry has no date of last contact, which the rules name last.
DEFAULT_KEYS = (
    "at_most_0",
    "at_most_1",
    "at_most_2",
    "mismatches",
    "greatest",
    "grades",
    "dpb1",
    "b_leader",
    "age",
    "cmv",
    "abo",
    "sex",
)

# What of the patient is compared, and the words for it.
FACTORS: dict[str, tuple[str, ...]] = {"cmv": ("P", "N"), "abo": ("A", "B", "AB", "O")}
# A donor's code -> the patient's word that it is as. CMV as in the EMDIS data dictionary (field D_CMV): P IgG or IgM positive,
# not told apart; G IgG alone; M IgM alone; B both; H IgG, IgM not tested; N neither; O no IgG, IgM not tested; Q questionable.
_MEANINGS: dict[str, dict[str, str]] = {
    "cmv": dict.fromkeys("PGMBH", "P") | dict.fromkeys("NO", "N"),
    "abo": {word: word for word in FACTORS["abo"]},
    "sex": {"M": "M", "F": "F"},
}


@dataclass(frozen=True, slots=True)
class PatientFactors:
    """What of the patient the donors' attributes are compared with.

    Attributes:
        cmv: ``"P"`` or ``"N"``; None: not known, and nobody's CMV counts.
        abo: ``"A"``, ``"B"``, ``"AB"`` or ``"O"``; likewise.

    Raises:
        ArgumentError: It is none of these.
    """

    cmv: str | None = None
    abo: str | None = None

    def __post_init__(self) -> None:
        """Check the words: one that no donor has would put those of whom nothing is known first."""
        for name, words in FACTORS.items():
            value = getattr(self, name)
            if value is not None and value not in words:
                raise problem(
                    "InvalidArgument",
                    f"the patient's {name} is {value!r}; it may be {', '.join(words)}, or None if not known",
                )


@dataclass(frozen=True, slots=True)
class RankingPolicy:
    """An order of hits, and the limits of the coordinators' categories.

    Attributes:
        keys: Names of keys (:data:`KEYS`), the first one decides first.
        probable: A match (no mismatch) at least this likely is a ``"probable match"``; 0..1. This limit and the next are ours.
        unlikely: One less likely than this is an ``"unlikely match"``; 0..1. In between, and where there are no probabilities
            and the typings exclude nothing, it is a ``"possible match"``.
        name: What the policy is called; answers name it.

    Raises:
        ArgumentError: An unknown key, one twice, or limits out of range.

    Example:
        >>> policy = RankingPolicy(keys=("mismatches", "age"), name="youngest")
        >>> RankingPolicy.from_json(policy.to_json()) == policy
        True
    """

    keys: tuple[str, ...] = DEFAULT_KEYS
    probable: float = 0.75
    unlikely: float = 0.05
    name: str = "allomatch-1"

    def __post_init__(self) -> None:
        """Check the keys, the limits and the name."""
        if not isinstance(self.keys, (list, tuple)):
            raise problem("WrongType", f"keys of a ranking are {self.keys!r:.80}; a list of texts is needed")
        object.__setattr__(self, "keys", tuple(self.keys))
        for key in self.keys:
            if not isinstance(key, str) or key not in KEYS:
                raise problem("InvalidArgument", f"unknown key of a ranking {key!r}; known are {', '.join(KEYS)}")
            if self.keys.count(key) > 1:
                raise problem("InvalidArgument", f"key {key!r} is twice in the ranking; name it once")
        if not isinstance(self.name, str):
            raise problem("WrongType", f"name of a ranking is {self.name!r:.80}; a text is needed")
        for name in ("unlikely", "probable"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise problem("WrongType", f"{name} is {value!r:.80}; a number from 0 to 1 is needed")
        if not 0 <= self.unlikely <= self.probable <= 1:
            raise problem(
                "ValueOutOfRange",
                f"unlikely is {self.unlikely!r} and probable is {self.probable!r}; 0 <= unlikely <= probable <= 1 is needed",
            )

    def to_dict(self) -> dict[str, Any]:
        """Return the policy as plain values."""
        return {"name": self.name, "keys": list(self.keys), "probable": self.probable, "unlikely": self.unlikely}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> RankingPolicy:
        """Make a policy of plain values; what is left out is as in the default one."""
        known = {"name", "keys", "probable", "unlikely"}
        for name in values:
            if name not in known:
                raise problem(
                    "InvalidArgument", f"unknown part of a ranking {name!r}; known are {', '.join(sorted(known))}"
                )
        return cls(**values)

    def to_json(self) -> str:
        """Return the policy as JSON."""
        return json.dumps(self.to_dict(), indent=1)

    @classmethod
    def from_json(cls, text: str) -> RankingPolicy:
        """Read a policy that :meth:`to_json` wrote, or a person edited."""
        try:
            values = json.loads(text)
        except ValueError as failure:  # also what is not UTF-8
            raise problem("InvalidArgument", f"a ranking cannot be read: {failure}; it is a JSON object") from failure
        if not isinstance(values, dict):
            raise problem("WrongType", f"a ranking is a JSON object, not a {type(values).__name__}")
        return cls.from_dict(values)

    def likelihood(self, p0: float | None, least: int) -> Likelihood:
        """Return the coordinators' category of a donor.

        Args:
            p0: Probability of no mismatch; None or NaN without probabilities.
            least: Fewest mismatches that the typings allow.
        """
        if p0 is None or np.isnan(p0):
            return "possible match" if least == 0 else "unlikely match"
        p0 = round(p0, 12)  # what the sums' rounding may have taken away decides nothing
        return "probable match" if p0 >= self.probable else "unlikely match" if p0 < self.unlikely else "possible match"

    def depth_of_bounds(self) -> int:
        """Return how many of the first keys are ``at_most_0``, ``at_most_1`` ... in this order."""
        depth = 0
        while depth < len(self.keys) and self.keys[depth] == f"at_most_{depth}":
            depth += 1
        return depth


@dataclass(frozen=True, slots=True)
class Ranked:
    """Some hits, as far as their places depend on it: a row each.

    Attributes:
        p: Probability of 0, 1, 2 ... mismatches, NaN where there are none; shape (n, 2 * loci + 1). None without frequencies.
        least: Fewest mismatches in the direction searched; shape (n,).
        greatest: Most; shape (n,).
        details: The core's bytes of each searched locus and DPB1, by name: shape (bytes, n).
        loci: The loci searched.
        attributes: Name -> values and categories, as the segment gives them, of these rows.
        patient: The patient's factors.
    """

    p: Floats | None
    least: npt.NDArray[np.uint8]
    greatest: npt.NDArray[np.uint8]
    details: Mapping[str, npt.NDArray[np.uint8]]
    loci: tuple[str, ...]
    attributes: Mapping[str, tuple[npt.NDArray[Any], list[str] | None]]
    patient: PatientFactors = field(default_factory=PatientFactors)


# ---- keys: of each hit a number, less is better --------------------------------------------------------------------------


def _at_most(k: int) -> Callable[[Ranked], Floats]:
    """More percents of P(<= k mismatches) first; without probabilities what the typings say: certain, impossible, or between."""

    def key(hits: Ranked) -> Floats:
        typings = np.where(hits.greatest <= k, -100.0, np.where(hits.least > k, 0.0, -0.5))
        if hits.p is None:
            return typings
        percents = -np.rint(100 * hits.p[:, : k + 1].sum(axis=1))
        return np.where(np.isnan(percents), typings, percents)

    return key


def _grades(hits: Ranked) -> Floats:
    """The greater sum of grades first, best grade highest."""
    total = np.zeros(len(hits.least))
    for locus in hits.loci:
        total -= _WORTH[hits.details[locus][_GRADE_1]] + _WORTH[hits.details[locus][_GRADE_2]]
    return total


def _dpb1(hits: Ranked) -> Floats:
    """Matched, permissive, unknown, non-permissive in HvG direction, then in GvH direction."""
    order = ("matched", "permissive", "unknown", "non-permissive HvG", "non-permissive GvH")
    places = np.array([0.0, *(float(order.index(verdict)) for verdict in VERDICTS)])
    ordered: Floats = places[hits.details["DPB1"][_VERDICT]]
    return ordered


def _b_leader(hits: Ranked) -> Floats:
    """Where B has one mismatch: equal leaders of the mismatched alleles, then unknown ones, then unlike ones."""
    if "B" not in hits.details:
        return np.zeros(len(hits.least))
    of = hits.details["B"]
    patient, donor = of[_MISMATCHED_PATIENT], of[_MISMATCHED_DONOR]
    unlike = np.where((patient == 0) | (donor == 0), 1.0, np.where(patient == donor, 0.0, 2.0))
    return np.where(of[_ONE_MISMATCH] != 0, unlike, 0.0)


def _age(hits: Ranked) -> Floats:
    """Younger first, unknown last."""
    if "birth_year" not in hits.attributes:
        return np.zeros(len(hits.least))
    years = hits.attributes["birth_year"][0].astype(np.float64)
    return np.where(years == np.iinfo(np.int16).min, 1.0, -years)


def _equal_to(name: str, wanted: Callable[[PatientFactors], str | None]) -> Callable[[Ranked], Floats]:
    """Those that have what the patient has, then unknown ones, then the others."""

    def key(hits: Ranked) -> Floats:
        theirs = wanted(hits.patient)
        if name not in hits.attributes or theirs is None:
            return np.zeros(len(hits.least))
        return _preferred(hits, name, theirs)

    return key


def _preferred(hits: Ranked, name: str, best: str) -> Floats:
    codes, categories = hits.attributes[name]
    meant = [_MEANINGS[name].get(text) for text in categories or []]
    places = [1.0 if word is None else 0.0 if word == best else 2.0 for word in meant]
    ordered: Floats = np.array([*places, 1.0])[np.minimum(codes, len(places))]
    return ordered


def _sex(hits: Ranked) -> Floats:
    """Men first, then unknown, then women (the registry does not know who was pregnant)."""
    return _preferred(hits, "sex", "M") if "sex" in hits.attributes else np.zeros(len(hits.least))


KEYS: dict[str, Callable[[Ranked], Floats]] = {
    **{f"at_most_{k}": _at_most(k) for k in range(5)},
    "mismatches": lambda hits: hits.least.astype(np.float64),
    "greatest": lambda hits: hits.greatest.astype(np.float64),
    "grades": _grades,
    "dpb1": _dpb1,
    "b_leader": _b_leader,
    "age": _age,
    "cmv": _equal_to("cmv", lambda patient: patient.cmv),
    "abo": _equal_to("abo", lambda patient: patient.abo),
    "sex": _sex,
}
# Keys that need a comparison in detail, and where.
NEED_DETAILS: dict[str, Callable[[tuple[str, ...]], tuple[str, ...]]] = {
    "grades": lambda loci: loci,
    "dpb1": lambda loci: ("DPB1",),
    "b_leader": lambda loci: ("B",) if "B" in loci else (),
}
# The attribute that a key looks at.
NEED_ATTRIBUTES = {"age": "birth_year", "cmv": "cmv", "abo": "abo", "sex": "sex"}

# Bytes of a locus (csrc/include/allomatch/detail.hpp).
_GRADE_1, _GRADE_2, _VERDICT, _ONE_MISMATCH, _MISMATCHED_PATIENT, _MISMATCHED_DONOR = 8, 9, 14, 19, 20, 21
# The core numbers grades by their worth; what takes the place of a mismatch at DPB1 is worth as much (key dpb1 tells them apart).
_WORTH = np.array([0.0 if "permissive" in grade else float(at) for at, grade in enumerate(GRADES)])


def attributes_of(segment: _core.Segment, rows: npt.NDArray[np.uint32], keys: Sequence[str]) -> dict[str, Any]:
    """Return the attributes of some rows that keys look at."""
    found = {}
    for key in keys:
        name = NEED_ATTRIBUTES.get(key)
        stored = None if name is None else segment.attribute(name)
        if name is not None and stored is not None:
            found[name] = (stored[0][rows], stored[1])
    return found
