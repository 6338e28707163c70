"""Mendel: which typings of a family cannot all be true, and the fewest to leave out so that the rest can.

What: `find_errors` looks at each locus, then at all together. Invariants: the smallest explanation is chosen: one person before
two, the same person at all loci before different ones, a relative before the patient; of equal ones the closest to the patient
stays. Why leave out and say so: one mixed-up sample must not take the family's other typings with it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from allomatch.roadmap.descent import Family
from allomatch.roadmap.inheritance import locus_possible

__all__ = ["LeftOut", "find_errors", "without"]

_MOST_TOGETHER = 3


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Typings that are left out.

    Attributes:
        person: Whose.
        loci: The loci at which they contradict the others; none: only all loci together do.
        whole: Whether the person's whole typing is left out.
        instead: Who else's could be, by the same number of people.
    """

    person: str
    loci: tuple[int, ...]
    whole: bool
    instead: tuple[str, ...]


def without(family: Family, left_out: Mapping[str, Sequence[int] | None]) -> Family:
    """Return a family without some typings, at some loci or (None) at all."""
    pairs = {}
    for name, own in family.pairs.items():
        gone = left_out.get(name, ())
        pairs[name] = [None if gone is None or at in gone else pair for at, pair in enumerate(own)]
    whole = {name for name, gone in left_out.items() if gone is None}
    phases = {name: phase for name, phase in family.phases.items() if name not in whole and not left_out.get(name)}
    return replace(family, pairs=pairs, phases=phases)


def find_errors(
    family: Family, patient: str, near: Sequence[str], loci: int, most: int, possible: Callable[[Family], bool]
) -> list[LeftOut]:
    """Name the fewest typings without which the rest can be true.

    Args:
        family: Who, and what is known.
        patient: Left out last.
        near: The typed people, the patient's closest first.
        loci: How many.
        most: As in :func:`allomatch.roadmap.inheritance.descents`.
        possible: Whether all loci together can be true.
    """
    candidates: dict[int, list[tuple[str, ...]]] = {}
    for at in range(loci):
        if locus_possible(family, at, most):
            continue
        typed = [name for name in reversed(near) if family.pairs[name][at] is not None]

        def explains(some: Sequence[str], at: int = at) -> bool:
            return locus_possible(without(family, dict.fromkeys(some, (at,))), at, most)

        candidates[at] = _fewest(typed, patient, explains)
    found: list[LeftOut] = []
    gone: dict[str, Sequence[int] | None] = {}
    if candidates:
        # The people who are to blame at the most loci, and then at the fewest sizes.
        count = {
            some: sum(some in each for each in candidates.values()) for each in candidates.values() for some in each
        }
        at_fault: dict[str, list[int]] = {}
        for at, each in candidates.items():
            best = max(each, key=lambda some: (count[some], patient not in some, -each.index(some)))
            for name in best:
                at_fault.setdefault(name, []).append(at)
        for name, where in at_fault.items():
            others = {n for at in where for some in candidates[at] for n in some if len(some) == 1} - {name}
            whole = len(where) > 1 and name != patient
            gone[name] = None if whole else tuple(where)
            found.append(LeftOut(name, tuple(where), whole, tuple(n for n in near if n in others)))
    rest = without(family, gone)
    if possible(rest):
        return found
    typed = [name for name in reversed(near) if any(pair is not None for pair in rest.pairs[name])]
    together = _fewest(typed, patient, lambda some: possible(without(family, {**gone, **dict.fromkeys(some)})))
    for some in together[:1]:
        others = {n for each in together for n in each if len(each) == 1} - set(some)
        found += [LeftOut(name, (), True, tuple(n for n in near if n in others)) for name in some]
    return found


def _fewest(typed: Sequence[str], patient: str, explains: Callable[[Sequence[str]], bool]) -> list[tuple[str, ...]]:
    """Return the smallest sets of people who explain it, those without the patient first."""
    for size in range(1, min(len(typed), _MOST_TOGETHER) + 1):
        found = [some for some in combinations(typed, size) if explains(some)]
        if found:
            return sorted(found, key=lambda some: patient in some)
    return [tuple(name for name in typed if name != patient)]
