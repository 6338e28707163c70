"""What a step of the plan is: an answer, options, reasons, and the chance that the next step finds better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Option", "Step"]


@dataclass(frozen=True, slots=True)
class Option:
    """Something that a step offers.

    Attributes:
        id: A harvest, a relative or a donor.
        what: The kind, in words.
        answer: What it is good for, in words.
        p: A probability, 0 to 1; None if there is none.
        p_of: What it is the probability of.
        reasons: In words.
    """

    id: str
    what: str
    answer: str
    p: float | None
    p_of: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the plan.

    Attributes:
        name: ``"autologous"``, ``"family"`` or ``"registries"``.
        title: For people.
        answer: The answer of the step.
        options: What it offers, best first.
        reasons: In words.
        chance_next: Probability that the next step finds better, 0 to 1; None where it cannot be said.
        next_reason: Of what that is the probability, or why there is none.
        detail: The step's own answer: an AutologousAnswer, a FamilyAnswer (None without a family) or a RegistryAnswer.
        leading: Ids of the options that the answer is about.
    """

    name: str
    title: str
    answer: str
    options: tuple[Option, ...]
    reasons: tuple[str, ...]
    chance_next: float | None
    next_reason: str
    detail: Any
    leading: tuple[str, ...] = ()
