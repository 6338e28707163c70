"""Random typings: what is drawn, from which names, for the tests that hold the core against the oracle.

What: a `Vocabulary` is the few names of one locus that a test draws from (`two_field_vocabulary`,
`release_vocabulary`); `TypingDraw` draws positions, genotypes and typings in every form of SEMANTICS section 1 that is
read; `oracle_typing` and `gl_text` are the same typing for the oracle and for the core. Invariants: whatever is drawn is
plain text, so that a failing case can be read and pasted; the draws go through `Chooser`, so that hypothesis (which
shrinks) and `random.Random` (which is fast and has a seed) share them. Why few names: overlaps, nulls, homozygosity and
shared groups must be frequent, or nothing is tested.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol, TypeVar

from hypothesis import strategies as st

from reference.nomenclature import LOCI, Nomenclature, Release, TwoField, parse_name
from reference.phenotype import Phenotype, parse_phenotype
from reference.truth import existing_data_dir

T = TypeVar("T")
Genotype = tuple[str, str]  # two positions as written, without the locus; the second one may be blank
Typing = tuple[Genotype, ...]  # genotype alternatives; none: untyped
UNTYPED: Typing = ()


class Chooser(Protocol):
    """Where chance comes from."""

    def pick(self, options: Sequence[T]) -> T: ...

    def number(self, least: int, most: int) -> int: ...


class Seeded:
    """Chance from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def pick(self, options: Sequence[T]) -> T:
        return options[self._random.randrange(len(options))]

    def number(self, least: int, most: int) -> int:
        return self._random.randint(least, most)


class Drawn:
    """Chance from hypothesis; the first option and the least number are what it shrinks to."""

    def __init__(self, draw: st.DrawFn) -> None:
        self._draw = draw

    def pick(self, options: Sequence[T]) -> T:
        return options[self._draw(st.integers(0, len(options) - 1))]

    def number(self, least: int, most: int) -> int:
        return self._draw(st.integers(least, most))


@dataclass(frozen=True)
class Vocabulary:
    """The names of one locus, without the locus.

    Attributes:
        locus: The locus.
        names: Alleles, groups and XX codes that the nomenclature knows, expressed or possibly null.
        nulls: Names of which all members are null.
        unknown: Well-formed names that the nomenclature does not know; none in an open world.
    """

    locus: str
    names: tuple[str, ...]
    nulls: tuple[str, ...]
    unknown: tuple[str, ...] = ()


def two_field_vocabulary(locus: str) -> Vocabulary:
    """Names of every form in three first fields, so that most pairs overlap somehow."""
    names = (
        "01:01 02:01 01:02 01:XX 02:01:01G 01:01P 01:01:01 01:01:01:01 02:XX 24:02 24:02:01:02L 01:02Q 02:01:01:02S "
        "01:1000 02:02:01G 24:XX 1000:01 24:02P 02:01:07C 01:01:09A"
    )
    return Vocabulary(locus, tuple(names.split()), ("01:04N", "02:01N", "24:09:01N", "01:01:01:02N", "77:01N"))


@cache
def oracle_release() -> Release:
    """The oracle's 3.58.0; for tests that have the fixture `release`."""
    return Release(existing_data_dir(), "3.58.0")


@cache
def release_vocabulary(locus: str) -> Vocabulary:
    """Real names at which rules differ, found in the files: see the comments."""
    release = oracle_release()
    of_locus = sorted(a for a in release.alleles if a.startswith(locus + "*"))
    p_groups: dict[str, list[str]] = {}
    g_groups: dict[str, list[str]] = {}
    for allele in of_locus:
        p_groups.setdefault(release.reduce(allele, "P"), []).append(allele)
        g_groups.setdefault(release.reduce(allele, "G"), []).append(allele)
    two_fields = sorted({parse_name(a).two_field for a in of_locus if not a.endswith("N")})
    cut_names: list[str] = []
    nulls: list[str] = []
    # Names that are there everywhere: the first alleles, in all lengths.
    cut_names += [two_fields[0], two_fields[1], of_locus[0], ":".join(of_locus[0].split(":")[:3])]
    # P groups over several first fields, with a member of each: other names, the same protein where it counts.
    for group in sorted(g for g in p_groups if g.endswith("P")):
        fields = {parse_name(member).first_field: member for member in p_groups[group]}
        if len(fields) > 1:
            cut_names += [group, *sorted(fields.values())[:2]]
            break
    # A large P group, and two of its members by their two fields.
    largest = max((g for g in p_groups if g.endswith("P")), key=lambda g: (len(p_groups[g]), g))
    members = sorted({parse_name(m).two_field for m in p_groups[largest]})
    cut_names += [largest, members[0], members[-1]]
    # G groups that hold nulls and expressed alleles, with a member of both kinds; G groups that hold nulls only.
    held = [
        g
        for g in sorted(g_groups)
        if g.endswith("G")
        and any(m.endswith("N") for m in g_groups[g])
        and not all(m.endswith("N") for m in g_groups[g])
    ]
    for group in held[:2]:
        null = next(m for m in g_groups[group] if m.endswith("N"))
        expressed = next(m for m in g_groups[group] if not m.endswith("N"))
        cut_names += [group, expressed, parse_name(expressed).two_field]
        nulls.append(null)
        # An expressed name beside a null of the same two fields: `A*01:01` and `A*01:01N`.
        same = {parse_name(m).two_field for m in g_groups[group] if not m.endswith("N")}
        nulls += sorted({parse_name(null).two_field} & {t + "N" for t in same})
    nulls += [g for g in sorted(g_groups) if g.endswith("G") and all(m.endswith("N") for m in g_groups[g])][:2]
    # Questionable, low and secreted alleles: in full, cut with the suffix, cut without; some are outside any P group.
    for suffix in "LSQ":
        marked = [a for a in of_locus if a.endswith(suffix)][:2]
        for allele in marked:
            cut_names += [allele, parse_name(allele).two_field, parse_name(allele).two_field + suffix]
    # XX codes: a small first field with a null, the smallest one, and the largest one.
    sizes: dict[str, list[str]] = {}
    for allele in of_locus:
        sizes.setdefault(parse_name(allele).first_field, []).append(allele)
    by_size = sorted(sizes, key=lambda f: (len(sizes[f]), f))
    with_null = [f for f in by_size if any(a.endswith("N") for a in sizes[f])]
    some_fields = [parse_name(cut_names[0]).first_field, with_null[0], by_size[0], by_size[-1]]
    # A first field of nulls only is null itself (DPB1 has some).
    for first_field in some_fields:
        (nulls if all(a.endswith("N") for a in sizes[first_field]) else cut_names).append(first_field + ":XX")
    nulls += [a for a in of_locus if a.endswith("N")][:3]
    # Unknown: names that only nulls extend without their N, another suffix, and what no file has.
    only_null = sorted({a[:-1] for a in of_locus if a.endswith("N")} - set(of_locus) - set(two_fields))
    unknown = [n for n in only_null if n not in cut_names][:2]
    unknown += [two_fields[0] + "L", "99:XX", "98:01", two_fields[0] + ":01:99", "98:01:01G", "98:01P"]
    unknown = [u for u in unknown if not _known(release, _with_locus(locus, u))]
    bare = [_bare(names) for names in (cut_names, nulls, unknown)]
    return Vocabulary(locus, *bare)


def _known(nomenclature: Nomenclature, name: str) -> bool:
    try:
        nomenclature.members(name)
    except ValueError:
        return False
    return True


def _with_locus(locus: str, name: str) -> str:
    return name if "*" in name else f"{locus}*{name}"


def _bare(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, without its locus."""
    return tuple(dict.fromkeys(name.rpartition("*")[2] for name in names))


def vocabularies(nomenclature: Nomenclature) -> dict[str, Vocabulary]:
    """A vocabulary for every locus."""
    make = two_field_vocabulary if isinstance(nomenclature, TwoField) else release_vocabulary
    return {locus: make(locus) for locus in LOCI}


@dataclass(frozen=True)
class TypingDraw:
    """Draws typings of one locus.

    Attributes:
        words: The names.
        unknowns: Whether a position may be a name that the nomenclature does not know, and no other.
    """

    words: Vocabulary
    unknowns: bool = False

    def name(self, chooser: Chooser) -> str:
        return chooser.pick(self.words.nulls if chooser.number(0, 5) == 5 else self.words.names)

    def position(self, chooser: Chooser) -> str:
        kind = chooser.number(0, 29)
        if kind < 18:
            return self.name(chooser)
        if kind > 26 and self.unknowns and self.words.unknown:
            return chooser.pick(self.words.unknown)
        items = [self.name(chooser) for _ in range(chooser.number(2, 4))]
        if kind in (18, 19) and self.words.unknown:
            # Unknown names beside known ones are dropped.
            items.insert(chooser.number(0, len(items)), chooser.pick(self.words.unknown))
        if kind > 22:
            # Short items inherit the first field of the item before.
            short = [self._short(chooser, items[0])]
            items[1:1] = [s for s in short if s]
        return "/".join(items)

    def _short(self, chooser: Chooser, before: str) -> str:
        """`04N` of `01:04N`: a name of two fields and of the same first field as `before`."""
        first_field = before.split(":")[0] + ":"
        known = (*self.words.names, *self.words.nulls)
        same = [n.partition(":")[2] for n in known if n.startswith(first_field) and n.count(":") == 1]
        same = [s for s in same if s != "XX" and not s.endswith("G")]
        return chooser.pick(same) if same else ""

    def genotype(self, chooser: Chooser) -> Genotype:
        first = self.position(chooser)
        kind = chooser.number(0, 9)
        return first, "" if kind == 8 else first if kind == 9 else self.position(chooser)

    def typing(self, chooser: Chooser) -> Typing:
        kind = chooser.number(0, 11)
        if kind == 11:
            return UNTYPED
        return tuple(self.genotype(chooser) for _ in range(chooser.number(2, 3) if kind > 8 else 1))


@st.composite
def typings(draw: st.DrawFn, words: Vocabulary, unknowns: bool = False) -> Typing:
    """Typings of one locus."""
    return TypingDraw(words, unknowns).typing(Drawn(draw))


def gl_text(locus: str, typing: Typing) -> str:
    """The locus's part of a GL string; empty if untyped."""

    def position(text: str) -> str:
        return f"{locus}*{text}"

    return "|".join(position(a) + ("+" + position(b) if b else "") for a, b in typing)


def gl_string(person: dict[str, Typing]) -> str:
    """A GL string; empty if nothing is typed."""
    return "^".join(gl_text(locus, typing) for locus, typing in person.items() if typing)


def oracle_phenotype(person: dict[str, Typing]) -> Phenotype:
    """The same for the oracle."""
    return parse_phenotype(gl_string(person))
