"""Random frequency sets and people whom they likely explain, for the tests of imputation and prediction.

What: `SetDraw` is a frequency set as it would be written in a file, `PairDraw` a patient, a donor and their sets;
`PredictionDraw` draws them over the vocabularies of `strategies`, `pairs` and `people` are its hypothesis strategies.
Invariants: all of it is plain text, so that a failing case can be pasted; a set has at least one haplotype that can be
carried. Why this way: a random phenotype is nearly always unrepresented, so that most people are drawn as two haplotypes
of a set, whose names are then blurred: into strings, groups, XX codes, NEW, genotype lists, phase, untyped loci.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from hypothesis import strategies as st

from reference.haplotypes import FrequencySet, carried, class_of, is_null
from reference.names import DRB345, parse_name
from reference.nomenclature import Nomenclature
from reference.phenotype import parse_phenotype
from reference.prediction import Person
from strategies import Chooser, Drawn, TypingDraw, Vocabulary, gl_text, vocabularies, written

# DPB1 for its epitopes, DRB345 for absence; the others differ only in their names.
LOCI = ("A", "B", "DRB1", DRB345, "DPB1")
FREQUENCIES = ("0.25", "0.1", "0.5", "0.01", "3e-5", "1.7e-9", "0")


@dataclass(frozen=True)
class SetDraw:
    """A frequency set as written: rows of a name for each locus, and a frequency."""

    loci: tuple[str, ...]
    rows: tuple[tuple[tuple[str, ...], str], ...]

    def carried(self, nom: Nomenclature) -> FrequencySet:
        return carried([(names, Fraction(frequency)) for names, frequency in self.rows], self.loci, nom)


@dataclass(frozen=True)
class PersonDraw:
    """A GL string, the person's set, and that of another population for mixed ancestry."""

    gl: str
    first: SetDraw
    second: SetDraw | None = None

    def person(self, nom: Nomenclature) -> Person:
        second = None if self.second is None else self.second.carried(nom)
        return Person(parse_phenotype(self.gl), self.first.carried(nom), second)


@dataclass(frozen=True)
class PairDraw:
    """Two people, and the loci asked for."""

    patient: PersonDraw
    donor: PersonDraw
    loci: tuple[str, ...]


@dataclass(frozen=True)
class PredictionDraw:
    """Draws people of one nomenclature.

    Attributes:
        nom: The nomenclature.
        most_haplotypes: Of a set; the fewer, the more often two people share some.
    """

    nom: Nomenclature
    most_haplotypes: int = 8

    def words(self, locus: str) -> Vocabulary:
        return vocabularies(self.nom)[locus]

    def pool(self, chooser: Chooser, locus: str) -> list[str]:
        """A few names of a locus from which sets are made: most can be carried, some are null."""
        expressed, nulls, others = _by_carrying(self.nom, locus)
        names = [chooser.pick(expressed) for _ in range(chooser.number(1, 4))]
        if chooser.number(0, 2) == 2:
            names.append(chooser.pick(nulls))
        if chooser.number(0, 9) == 9:
            names.append(chooser.pick(others))
        return names

    def set(self, chooser: Chooser, pools: dict[str, list[str]], loci: Sequence[str]) -> SetDraw:
        rows = [
            (tuple(chooser.pick(pools[locus]) for locus in loci), chooser.pick(FREQUENCIES))
            for _ in range(chooser.number(1, self.most_haplotypes))
        ]
        # A haplotype that comes again is summed; above 1 it is refused.
        sums: dict[tuple[str, ...], Fraction] = {}
        for names, frequency in rows:
            sums[names] = sums.get(names, Fraction(0)) + Fraction(frequency)
        rows = [row for row in rows if sums[row[0]] <= 1] or rows[:1]
        return SetDraw(tuple(loci), tuple(rows))

    # --- people

    def blurred(self, chooser: Chooser, locus: str, name: str) -> str:
        """A position that may be what a name is, and more."""
        class_ = class_of(parse_name(name, locus), self.nom)
        kind = chooser.number(0, 9)
        if kind < 3 or class_ is None or class_.endswith("NNNN"):
            return name
        first_field = parse_name(class_).first_field
        gene = class_.split("*")[0]
        if kind == 3:
            return f"{first_field}:XX"
        if kind == 4:
            return chooser.pick([f"{locus}*NEW", f"{gene}*NEW", f"{first_field}:NEW"])
        if kind == 5 and not is_null(class_):
            return class_
        others = [written(locus, n) for n in (*self.words(locus).names, *self.words(locus).nulls)]
        others = [n for n in others if not re.match(r"[A-Z]+[a-z]?[0-9]+$", n)]  # antigens inherit what precedes them
        return "/".join([name, *(chooser.pick(others) for _ in range(chooser.number(1, 3)))])

    def typing(self, chooser: Chooser, locus: str, names: tuple[str, str]) -> str:
        """The locus's part of a GL string that likely explains two names; empty if untyped."""
        kind = chooser.number(0, 15)
        if kind == 15:
            return ""
        if kind == 14:
            return gl_text(locus, TypingDraw(self.words(locus)).typing(chooser))
        first, second = (self.blurred(chooser, locus, name) for name in names)
        genotypes = [f"{first}+{second}"] if chooser.number(0, 1) else [f"{second}+{first}"]
        if kind > 10:
            decoys = TypingDraw(self.words(locus))
            genotypes.insert(chooser.number(0, 1), gl_text(locus, (decoys.genotype(chooser),)))
        return "|".join(genotypes)

    def block(self, chooser: Chooser, loci: Sequence[str], names: Sequence[tuple[str, str]]) -> str:
        """Loci in phase: one or two alternatives, one of them likely true."""

        def sides() -> str:
            pairs = [[self.blurred(chooser, locus, n[i]) for locus, n in zip(loci, names, strict=True)] for i in (0, 1)]
            return "+".join("~".join(side) for side in pairs)

        return "|".join(sides() for _ in range(chooser.number(1, 2)))

    def gl(self, chooser: Chooser, first: SetDraw, second: SetDraw | None, pools: dict[str, list[str]]) -> str:
        """A GL string that the sets likely explain, with loci that they lack; one in four as names and no more."""
        h, k = self._haplotype(chooser, first), self._haplotype(chooser, second or first)
        names = {locus: (h[locus], k.get(locus, h[locus])) for locus in h}
        for locus in LOCI:
            if locus not in names and chooser.number(0, 5) == 5:
                names[locus] = (chooser.pick(pools[locus]), chooser.pick(pools[locus]))
        if chooser.number(0, 3) == 3:
            return "^".join("+".join(pair) for pair in names.values())
        parts: list[str] = []
        loci = list(names)
        if len(loci) > 1 and chooser.number(0, 3) == 3:
            phased, loci = loci[:2], loci[2:]
            parts.append(self.block(chooser, phased, [names[locus] for locus in phased]))
        parts += [self.typing(chooser, locus, names[locus]) for locus in loci]
        return "^".join(part for part in parts if part and _readable(part))

    def _haplotype(self, chooser: Chooser, of: SetDraw) -> dict[str, str]:
        """The names of a row, by locus, of one that has a frequency."""
        rows = [names for names, frequency in of.rows if frequency != "0"]
        return dict(zip(of.loci, chooser.pick(rows), strict=True))

    def pair(self, chooser: Chooser) -> PairDraw:
        pools = {locus: self.pool(chooser, locus) for locus in LOCI}
        some = [locus for locus in LOCI if chooser.number(0, 1)] or [LOCI[0]]
        first = self._carried_set(chooser, pools, some)
        other = self._carried_set(
            chooser, pools, [*some[:-1], chooser.pick(LOCI)] if chooser.number(0, 3) == 3 else some
        )
        people: list[PersonDraw] = []
        for of in (first, chooser.pick([first, other])):
            second = other if chooser.number(0, 4) == 4 else None
            people.append(PersonDraw(self.gl(chooser, of, second, pools), of, second))
        return PairDraw(people[0], people[1], tuple(dict.fromkeys([*some, *other.loci])))

    def weak_pair(self, chooser: Chooser) -> PairDraw:
        """A person of whom nothing or one locus is known, in a set of many haplotypes, and one of few genotypes."""
        loci = LOCI[:3]
        pools = {locus: self._unlike(chooser, locus) for locus in loci}
        # Distinct haplotypes in no order: steps that have no factor in common with their number.
        every = list(itertools.product(*pools.values()))
        start = chooser.number(0, len(every) - 1)
        rows = tuple(
            (every[(start + 101 * i) % len(every)], chooser.pick(FREQUENCIES[3:6])) for i in range(min(len(every), 64))
        )
        sets = [SetDraw(loci, rows), SetDraw(loci, rows[: len(rows) // 2])]
        first, second = (self._haplotype(chooser, chooser.pick(sets)) for _ in range(2))
        names = {locus: (first[locus], second[locus]) for locus in loci}
        known = chooser.pick(["", "", "", *loci])
        # A locus that the set lacks says nothing.
        weak = self.typing(chooser, known, names[known]) if known else ""
        blurred = chooser.pick(["", *loci])
        parts = [self.typing(chooser, at, of) if at == blurred else "+".join(of) for at, of in names.items()]
        if chooser.number(0, 1):  # other haplotypes would explain it without the phase
            parts = [self.block(chooser, loci[:2], [names[at] for at in loci[:2]])]
        strong = "^".join(part for part in parts if part and _readable(part))
        people = [
            PersonDraw(gl, sets[0], sets[1] if chooser.number(0, 3) == 3 else None)
            for gl in (weak if weak and _readable(weak) else "C*01:02+C*07:02", strong)
        ]
        if chooser.number(0, 1):
            people.reverse()
        return PairDraw(people[0], people[1], loci[: chooser.number(2, 3)])

    def _unlike(self, chooser: Chooser, locus: str) -> list[str]:
        """Names of a locus that matching tells apart, one null among them."""
        expressed, nulls, _ = _by_carrying(self.nom, locus)
        by_class = {class_of(parse_name(name, locus), self.nom): name for name in expressed}
        return [*by_class.values(), *nulls[: chooser.number(1, 2)]]

    def _carried_set(self, chooser: Chooser, pools: dict[str, list[str]], loci: Sequence[str]) -> SetDraw:
        """A set of which something can be carried."""
        drawn = self.set(chooser, pools, tuple(dict.fromkeys(loci)))
        if drawn.carried(self.nom).frequencies:
            return drawn
        plain = tuple(_by_carrying(self.nom, at)[0][0] for at in drawn.loci)
        return SetDraw(drawn.loci, (*drawn.rows, (plain, "0.1")))


@cache
def _by_carrying(nom: Nomenclature, locus: str) -> tuple[list[str], list[str], list[str]]:
    """The names of a vocabulary with an expressed class, with a null class, and with no single one."""
    words = vocabularies(nom)[locus]
    expressed: list[str] = []
    nulls: list[str] = []
    others: list[str] = []
    for name in (written(locus, text) for text in (*words.names, *words.nulls)):
        class_ = class_of(parse_name(name, locus), nom)
        (others if class_ is None else nulls if is_null(class_) else expressed).append(name)
    return expressed, nulls, others


def _readable(part: str) -> bool:
    """Whether a part of a GL string is one: a short item may have come to stand behind a name that it cannot follow."""
    try:
        parse_phenotype(part)
    except ValueError:
        return False
    return True


@st.composite
def pairs(draw: st.DrawFn, nom: Nomenclature) -> PairDraw:
    """Two people with their sets."""
    return PredictionDraw(nom).pair(Drawn(draw))


@st.composite
def weak_pairs(draw: st.DrawFn, nom: Nomenclature) -> PairDraw:
    """Two people, one of whom is hardly typed, and sets of many haplotypes."""
    return PredictionDraw(nom).weak_pair(Drawn(draw))


@st.composite
def people(draw: st.DrawFn, nom: Nomenclature) -> PersonDraw:
    """A person with the set, or the sets."""
    return PredictionDraw(nom).pair(Drawn(draw)).patient
