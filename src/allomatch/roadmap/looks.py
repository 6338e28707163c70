"""Looks: what of a way of descent decides what some people share with the patient; equal looks are answered once.

What: a :class:`Question` is about some people; a :class:`Look` has, of a way of descent and the haplotypes on the founders'
chromosomes, the chromosomes that these people, or the parents of the untyped, have, and what each may have of the patient's.
Invariants: the weights of a question's looks sum to 1; founder chromosomes are numbered as they appear. Why by question: sets
of chromosomes that typings link are independent, and few matter to any one person; all together are too many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from allomatch.roadmap.descent import Component, Descent, Family, Labels, LinkedRow, Table
from allomatch.roadmap.family_typings import UNKNOWN, HaplotypeWeights, Pattern
from allomatch.roadmap.likeness import ALIKE, BOTH, FIRST, LIKE_FIRST, NEITHER, SECOND, Belief, Frame

__all__ = ["Look", "Looks", "Question"]

# Ways in which families that share no chromosome with the patient look like the patient; beyond, they count as unlike.
_MOST_STATES = 4096
_Marks = tuple[tuple[int, int], ...]  # by locus, of the patient's two chromosomes

# By what chromosomes may have, and whether some typed people are alike: the odds.
_States = dict[tuple[tuple[int, ...], tuple[bool, ...]], float]


@dataclass(frozen=True, slots=True)
class Question:
    """Whom a question is about.

    Attributes:
        looked_at: People of the core whose chromosomes decide it: the untyped, and parents of those outside the core.
        typed: The typed who are asked about.
    """

    looked_at: tuple[str, ...]
    typed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """What decides the answer to a question.

    Attributes:
        frame: The number of the patient's genotype.
        names: The people looked at.
        labels: Their founder chromosomes, numbered as they appear.
        beliefs: By chromosome, the number of what it may have.
        typed: Of the typed: the least number of chromosomes shared at a locus, and whether all alleles are the patient's.
    """

    frame: int
    names: tuple[str, ...] = field(compare=False)
    labels: tuple[Labels, ...]
    beliefs: tuple[int, ...]
    typed: tuple[tuple[int, bool], ...]

    def of(self, name: str) -> Labels:
        """Return the founder chromosomes of someone looked at."""
        return self.labels[self.names.index(name)]


def _common(own: Labels, labels: Labels, at: int) -> int:
    """Return how many chromosomes two people share at a locus, 0 to 2."""
    a, b = own[0][at], own[1][at]
    one, other = labels[0][at], labels[1][at]
    return max((one == a) + (other == b), (one == b) + (other == a))


class Looks:
    """Ways of descent as looks.

    Attributes:
        frames: By number.
        beliefs: By number.
        asked: By typed person, by locus: what is asked, `ALIKE` or `BOTH`.
        alike: Whether typed people have the patient's alleles, by what they carry.
    """

    def __init__(
        self,
        family: Family,
        patient: str,
        loci: int,
        weights: HaplotypeWeights | None,
    ) -> None:
        self.patient, self.loci, self.weights = patient, loci, weights
        typed_at = {name: [pair is not None for pair in pairs] for name, pairs in family.pairs.items()}
        self.compared = typed_at.get(patient, [False] * loci)
        # The typed are compared where both are; elsewhere by descent.
        self.asked = {
            name: [ALIKE if own and compared else BOTH for own, compared in zip(typed, self.compared, strict=True)]
            for name, typed in typed_at.items()
        }
        self.frames: list[Frame] = []
        self.beliefs: list[Belief] = []
        self._frames: dict[object, int] = {}
        self._beliefs: dict[object, int] = {}
        self._believed: dict[object, int] = {}
        self._blended: dict[object, int] = {}
        self._framed: dict[object, tuple[int, _Marks]] = {}
        self.alike: dict[object, bool] = {}
        self._renamed: dict[tuple[Labels, ...], tuple[tuple[Labels, ...], dict[int, int]]] = {}
        self._restricted: dict[object, tuple[Table, Table]] = {}

    def frame(self, own: Labels, row: Mapping[int, Pattern]) -> tuple[int, _Marks]:
        """Return the number of the patient's genotype, and by locus the marks of the patient's two chromosomes."""
        read = (own, tuple([row.get(c) for c in dict.fromkeys([*own[0], *own[1]])]))
        if read in self._framed:
            return self._framed[read]
        genotype: list[tuple[int, int] | None] = []
        marks = []
        for at, (one, other) in enumerate(zip(*own, strict=True)):
            two = (row[one][at], row[other][at]) if self.compared[at] else None
            # Of two alleles the lesser is the first, in whichever phase they are.
            swapped = two is not None and two[0] > two[1]
            genotype.append(two[::-1] if swapped and two is not None else two)
            marks.append((FIRST, FIRST) if one == other else (SECOND, FIRST) if swapped else (FIRST, SECOND))
        key = tuple(genotype), tuple(a == b for a, b in zip(*own, strict=True))
        if key not in self._frames:
            self._frames[key] = len(self.frames)
            self.frames.append(Frame(*key))
        self._framed[read] = self._frames[key], tuple(marks)
        return self._framed[read]

    def belief(self, frame: int, descends: tuple[int, ...], pattern: Pattern, unlike: bool = False) -> int:
        """Return the number of what a chromosome may have, of which at some loci descent says the mark (elsewhere 0)."""
        key = (frame, descends, pattern, unlike)
        found = self._believed.get(key)
        if found is None:
            marks = list(descends)
            for at, two in enumerate(self.frames[frame].alleles):
                if descends[at] == NEITHER and two is not None:
                    allele = pattern[at]
                    marks[at] = (
                        -1 if allele == UNKNOWN else two.index(allele) + LIKE_FIRST if allele in two else NEITHER
                    )
            weights = None if unlike else self.weights
            known = (tuple(marks), pattern) if min(marks) < 0 and weights is not None else tuple(marks)
            if (frame, known) not in self._beliefs:
                self._beliefs[frame, known] = len(self.beliefs)
                self.beliefs.append(self.frames[frame].believe(marks, pattern, weights))
            found = self._believed[key] = self._beliefs[frame, known]
        return found

    def blended(self, frame: int, parts: Sequence[tuple[int, float]]) -> int:
        """Return the number of what a chromosome may have that is one of several beliefs, with odds."""
        if len(parts) == 1:
            return parts[0][0]
        key = (frame, tuple(parts))
        found = self._blended.get(key)
        if found is None:
            one = self.frames[frame].blend([(self.beliefs[number], odds) for number, odds in parts])
            found = self._blended[key] = len(self.beliefs)
            self.beliefs.append(one)
        return found

    def blank(self, frame: int) -> Belief:
        """Return what a chromosome may have of which nothing is known."""
        return self.beliefs[self.belief(frame, (NEITHER,) * self.loci, (UNKNOWN,) * self.loci)]

    def __call__(self, descents: Sequence[Descent], question: Question, least: float) -> dict[Look, float]:
        """Return how ways of descent may look, with weights; without haplotypes of less weight than `least`.

        Ways in which the patient and those of the question have the same are read once: all else is summed over first.
        """
        tables: dict[object, dict[tuple[Pattern, ...], float]] = {}
        firsts: dict[object, tuple[dict[str, Labels], tuple[int, ...], list[Component]]] = {}
        people = (self.patient, *question.looked_at, *question.typed)
        for descent in descents:
            labels, number = self.renamed(tuple([descent.labels[name] for name in people]))
            parts = []
            for each in descent.components:
                kept = sorted([(number[c], at) for at, c in enumerate(each.chromosomes) if c in number])
                if kept:
                    names = tuple([name for name, _ in kept])
                    parts.append(Component(names, self.restricted(each.rows, tuple([at for _, at in kept]))))
            # Ways that differ in one component only, the largest, are one: the sum over it.
            largest = max(parts, key=lambda part: len(part.rows), default=Component((), [((), 1.0)]))
            rest = [part for part in parts if part is not largest]
            key: object = labels, largest.chromosomes, frozenset([(part.chromosomes, id(part.rows)) for part in rest])
            if key not in tables:
                tables[key], firsts[key] = {}, (dict(zip(people, labels, strict=True)), largest.chromosomes, rest)
            table = tables[key]
            for patterns, share in largest.rows:
                table[patterns] = table.get(patterns, 0.0) + descent.weight * share
        found: dict[Look, float] = {}
        for key, (of_people, names, rest) in firsts.items():
            weight = sum(tables[key].values())
            rows = [(patterns, share / weight) for patterns, share in tables[key].items()]
            components = [list(part) for part in (Component(names, rows), *rest) if part.chromosomes]
            for look, share in _Reading(self, of_people, components, least / weight).looks(question):
                found[look] = found.get(look, 0.0) + weight * share
        return found

    def renamed(self, labels: tuple[Labels, ...]) -> tuple[tuple[Labels, ...], dict[int, int]]:
        """Return founder chromosomes by number as they appear, and the numbers."""
        if labels not in self._renamed:
            number: dict[int, int] = {}
            found = []
            for sides in labels:
                one, other = (tuple([number.setdefault(c, len(number)) for c in side]) for side in sides)
                found.append((one, other))
            self._renamed[labels] = tuple(found), number
        return self._renamed[labels]

    def restricted(self, rows: Table, kept: tuple[int, ...]) -> Table:
        """Return the haplotypes of some chromosomes, the others summed over; the same table for the same."""
        key = id(rows), kept
        if key not in self._restricted:
            sums: dict[tuple[Pattern, ...], float] = {}
            for patterns, share in rows:
                some = tuple([patterns[at] for at in kept])
                sums[some] = sums.get(some, 0.0) + share
            self._restricted[key] = rows, list(sums.items())  # `rows` too: while they are kept, no others have their id
        return self._restricted[key][1]


class _Reading:
    """Ways of descent in which the patient and those of a question have the same."""

    def __init__(
        self, looks: Looks, labels: Mapping[str, Labels], components: Sequence[Sequence[LinkedRow]], least: float
    ) -> None:
        self.looks_, self.labels, self.least = looks, labels, least
        self.own = own = labels[looks.patient]
        self.blank = (UNKNOWN,) * looks.loci
        self._descends: dict[tuple[int, _Marks], tuple[int, ...]] = {}
        self._carried: dict[str, tuple[int, ...]] = {}
        mine = {c for side in own for at, c in enumerate(side) if looks.compared[at]}
        self.mine = {c for side in own for c in side}
        self.with_patient: Sequence[LinkedRow] = next((c for c in components if mine & c[0][0].keys()), ())
        self.others = [c for c in components if c is not self.with_patient]
        self.rows: list[tuple[int, _Marks, Mapping[int, Pattern], float]] = [
            (*looks.frame(own, row), row, share) for row, share in self.with_patient or [({}, 1.0)] if share >= least
        ]
        genotypes: dict[int, tuple[int, _Marks, Mapping[int, Pattern], float]] = {}
        for frame, marks, row, share in self.rows:
            before = genotypes.get(frame, (frame, marks, row, 0.0))
            genotypes[frame] = (*before[:3], before[3] + share)
        self.by_genotype = list(genotypes.values())

    def believed(
        self, frame: int, marks: _Marks, chromosome: int, row: Mapping[int, Pattern], unlike: bool = False
    ) -> int:
        key = chromosome, marks
        descends = self._descends.get(key)
        if descends is None:
            descends = self._descends[key] = tuple(
                two[0] if chromosome == a else two[1] if chromosome == b else NEITHER
                for two, a, b in zip(marks, *self.own, strict=True)
            )
        return self.looks_.belief(frame, descends, row.get(chromosome, self.blank), unlike)

    def alike(self, frame: int, marks: _Marks, name: str, row: Mapping[int, Pattern]) -> bool:
        """Whether a typed person has the patient's alleles."""
        looks = self.looks_
        labels = self.labels[name]
        chromosomes = self._carried.get(name)
        if chromosomes is None:
            chromosomes = self._carried[name] = tuple(dict.fromkeys([*labels[0], *labels[1]]))
        numbers = tuple([self.believed(frame, marks, c, row) for c in chromosomes])
        key = (frame, name, labels, numbers)
        found = looks.alike.get(key)
        if found is None:
            of = {c: looks.beliefs[number].known for c, number in zip(chromosomes, numbers, strict=True)}
            answers = looks.frames[frame].answers
            found = looks.alike[key] = all(
                answers[at][max(of[a][at], 0), max(of[b][at], 0)] & asked
                for at, (a, b, asked) in enumerate(zip(*labels, looks.asked[name], strict=True))
            )
        return found

    def looks(self, question: Question) -> Iterator[tuple[Look, float]]:
        labels = self.labels
        number: dict[int, int] = {}
        looked = []
        for name in question.looked_at:
            one, other = (tuple([number.setdefault(c, len(number)) for c in side]) for side in labels[name])
            looked.append((one, other))
        wanted = list(number)
        counts = [min(_common(self.own, labels[name], at) for at in range(self.looks_.loci)) for name in question.typed]
        # Who shares both chromosomes everywhere is alike; of the others their alleles say it, all on linked chromosomes.
        doubtful = [name for name, count in zip(question.typed, counts, strict=True) if count < 2]
        placed = {name: self.component(name) for name in doubtful}
        in_mine = [c for c in wanted if self.with_patient and c in self.with_patient[0][0]]
        of_mine = [name for name in doubtful if placed[name] < 0]
        found: dict[tuple[int, _Marks], _States] = {}
        # Which of the patient's chromosomes has which allele matters only to those who have one.
        rows = self.rows if in_mine or of_mine or self.mine.intersection(wanted) else self.by_genotype
        for frame, marks, row, share in rows:
            states = found.setdefault((frame, marks), {})
            state = (
                tuple([self.believed(frame, marks, c, row) for c in in_mine]),
                tuple([self.alike(frame, marks, name, row) for name in of_mine]),
            )
            states[state] = states.get(state, 0.0) + share
        touched = [
            (component, [c for c in wanted if c in component[0][0]], [n for n in doubtful if placed[n] == at])
            for at, component in enumerate(self.others)
        ]
        touched = [each for each in touched if each[1] or each[2]]
        seen = [*in_mine, *(c for _, some, _ in touched for c in some)]
        order = [*of_mine, *(name for *_, some in touched for name in some)]
        rest = [c for c in wanted if c not in seen]
        merged: dict[int, list[_States]] = {}
        for (frame, marks), states in found.items():
            states = self.fewer(frame, states)
            if frame not in merged:
                merged[frame] = [self.merged(frame, marks, *each) for each in touched]
            for each, (_, chromosomes, names) in zip(merged[frame], touched, strict=True):
                if len(found) * len(states) * len(each) > _MOST_STATES:
                    unlike = tuple([self.believed(frame, marks, c, {}, unlike=True) for c in chromosomes])
                    each = {(unlike, (False,) * len(names)): 1.0}
                states = {((*a, *c), (*b, *d)): x * y for (a, b), x in states.items() for (c, d), y in each.items()}
            blank = {c: self.believed(frame, marks, c, {}) for c in rest}
            for (beliefs, alike), share in states.items():
                of = dict(zip(seen, beliefs, strict=True)) | blank
                says = dict(zip(order, alike, strict=True))
                typed = tuple(
                    [(count, says.get(name, True)) for name, count in zip(question.typed, counts, strict=True)]
                )
                yield Look(frame, question.looked_at, tuple(looked), tuple([of[c] for c in wanted]), typed), share

    def component(self, name: str) -> int:
        """Return the component in which a typed person's chromosomes are; -1: the patient's."""
        own = {
            c
            for side in self.labels[name]
            for c, asked in zip(side, self.looks_.asked[name], strict=True)
            if asked == ALIKE
        }
        return next((at for at, each in enumerate(self.others) if own & each[0][0].keys()), -1)

    def merged(
        self,
        frame: int,
        marks: _Marks,
        component: Sequence[LinkedRow],
        chromosomes: Sequence[int],
        names: Sequence[str],
    ) -> _States:
        """Return what some chromosomes of a component may have, and whether some of its people are alike."""
        found: _States = {}
        for row, share in component:
            if share < self.least:
                continue
            state = (
                tuple([self.believed(frame, marks, c, row) for c in chromosomes]),
                tuple([self.alike(frame, marks, name, row) for name in names]),
            )
            found[state] = found.get(state, 0.0) + share
        return self.fewer(frame, found)

    def fewer(self, frame: int, states: _States) -> _States:
        """Return states of which those are one that differ in one chromosome alone: it may have what it has in any."""
        if len(states) == 1:
            return states
        kinds = [len(set(each)) for each in zip(*(beliefs for beliefs, _ in states), strict=True)]
        if not kinds:
            return states
        at = max(range(len(kinds)), key=kinds.__getitem__)
        groups: dict[tuple[tuple[int, ...], tuple[int, ...], tuple[bool, ...]], list[tuple[int, float]]] = {}
        for (beliefs, alike), share in states.items():
            groups.setdefault((beliefs[:at], beliefs[at + 1 :], alike), []).append((beliefs[at], share))
        found: _States = {}
        for (before, after, alike), parts in groups.items():
            whole = sum(share for _, share in parts)
            one = self.looks_.blended(frame, [(number, share / whole) for number, share in parts])
            found[(*before, one, *after), alike] = whole
        return found
