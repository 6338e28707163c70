"""Random typings: what is drawn, from which names, for the tests that hold the core against the oracle.

What: a `Vocabulary` is the few names of one locus that a test draws from (`two_field_vocabulary`,
`release_vocabulary`); `TypingDraw` draws positions, genotypes and typings in every form of SEMANTICS section 1;
`gl_text` writes a typing and `oracle_phenotype` reads it for the oracle. Invariants: whatever is drawn is
plain text, so that a failing case can be read and pasted; the draws go through `Chooser`, so that hypothesis (which
shrinks) and `random.Random` (which is fast and has a seed) share them. Why few names: overlaps, nulls, homozygosity and
shared groups must be frequent, or nothing is tested.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Protocol, TypeVar

from hypothesis import strategies as st

from reference.mac import MacTable
from reference.names import DRB345, GENES_OF_DRB345
from reference.nomenclature import LOCI, Nomenclature, Release, TwoField, parse_name
from reference.phenotype import Phenotype, parse_phenotype
from reference.serology import LETTERS
from reference.truth import data_dir, existing_data_dir, mac_file

T = TypeVar("T")
Genotype = tuple[str, str]  # two positions as written, mostly without the locus; the second one may be blank
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
    """The names of one locus, without the locus but for antigens and the genes of DRB345.

    Attributes:
        locus: The locus.
        names: Names of every kind that the nomenclature knows, expressed or possibly null.
        nulls: Names of which all members are null.
        unknown: Well-formed names that the nomenclature does not know; none in an open world.
    """

    locus: str
    names: tuple[str, ...]
    nulls: tuple[str, ...]
    unknown: tuple[str, ...] = ()


@cache
def macs() -> MacTable | None:
    """The multiple allele codes that the core finds as well; None where there is no data."""
    return MacTable.read(mac_file()) if data_dir() is not None else None


@cache
def oracle_two_field() -> TwoField:
    """The oracle's nomenclature without data, with the codes that the core finds."""
    return TwoField(macs())


@cache
def oracle_release() -> Release:
    """The oracle's 3.58.0; for tests that have the fixture `release`."""
    return Release(existing_data_dir(), "3.58.0", macs())


# Antigens whose alleles are of the first fields below, or of none of them.
ANTIGENS = {
    "A": "A1 A2 A203 A9 A24 A2403 A23(9)",
    "B": "B7 B703 B15",
    "C": "Cw1 C2 Cw3",
    "DRB1": "DR1 DR103 DR17 DR2",
    "DRB3": "DR52",
    "DRB4": "DR53",
    "DRB5": "DR51",
    "DQB1": "DQ2 DQ1",
}


@cache
def two_field_vocabulary(locus: str) -> Vocabulary:
    """Names of every form in three first fields, so that most pairs overlap somehow."""
    if locus == DRB345:
        return _drb345_vocabulary(two_field_vocabulary)
    names = (
        "01:01 02:01 01:02 01:XX 02:01:01G 01:01P 01:01:01 01:01:01:01 02:XX 24:02 24:02:01:02L 01:02Q 02:01:01:02S "
        "01:1000 02:02:01G 24:XX 1000:01 24:02P 02:01:07C 01:01:09A 02:01g 01:NEW 02:NEW NEW 0101 0201 01010102L "
        + ANTIGENS.get(locus, "")
    )
    nulls = "01:04N 02:01N 24:09:01N 01:01:01:02N 77:01N 0104N"
    if locus in GENES_OF_DRB345:
        nulls += f" {locus}*NNNN"
    codes = "02:AB 01:BMMP 01:AC" if macs() is not None else ""  # 01/02, 01:01/01:01N, 01/03
    unknown = "02:ZZZZZZ 01:TDDF 02011"
    return Vocabulary(locus, (*names.split(), *codes.split()), tuple(nulls.split()), tuple(unknown.split()))


def _drb345_vocabulary(of_gene: Callable[[str], Vocabulary]) -> Vocabulary:
    """Names of the three genes, each with its gene, and absence."""
    names: list[str] = []
    nulls = ["DRBX*NNNN"] * 4
    unknown: list[str] = []
    for gene in GENES_OF_DRB345:
        words = of_gene(gene)
        names += [written(gene, name) for name in words.names[:6] + words.names[-6:]]
        nulls.append(written(gene, words.nulls[0]))
        unknown += [written(gene, name) for name in words.unknown[:2]]
    return Vocabulary(DRB345, (*names, "DRBX*NEW"), tuple(nulls), tuple(unknown))


@cache
def release_vocabulary(locus: str) -> Vocabulary:
    """Real names at which rules differ, found in the files: see the comments."""
    if locus == DRB345:
        return _drb345_vocabulary(release_vocabulary)
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
    # Small g: of a P group beside which there are nulls, and of the largest one. NEW of a first field, and of any.
    small_g = [g for g in sorted(p_groups) if g.endswith("P") and release.may_be_null(g[:-1] + "g")]
    cut_names += [*(g[:-1] + "g" for g in small_g[:1]), largest[:-1] + "g", f"{some_fields[-1]}:NEW", f"{locus}*NEW"]
    # Antigens: a broad, a split, an associated one; the smallest and the largest.
    antigens = {a for allele in of_locus for a in release.serology.antigens(allele)}
    kinds = {release.serology.relations.subtype(a): a for a in sorted(antigens)}
    by_alleles = sorted(antigens, key=lambda a: (len(release.serology.alleles(a)), a))
    cut_names += [*kinds.values(), *by_alleles[:1], *by_alleles[-1:]]
    # Names that were: of before 2010, deleted, renamed.
    gone = [str(old) for old in release.old_names if old.locus == locus and _known(release, str(old))]
    cut_names += [name for name in gone if not release.is_null(name)][:6]
    nulls += [name for name in gone if release.is_null(name)][:2]
    unknown = [str(old) for old in release.old_names if old.locus == locus and not _known(release, str(old))][:2]
    cut_names += _codes(locus)
    unknown += [f"{locus}*01:ZZZZZZ", f"{locus}*99:AB"]
    # Unknown: names that only nulls extend without their N, another suffix, and what no file has.
    only_null = sorted({a[:-1] for a in of_locus if a.endswith("N")} - set(of_locus) - set(two_fields))
    unknown += [n for n in only_null if n not in cut_names][:2]
    unknown += [two_fields[0] + "L", "99:XX", "98:01", two_fields[0] + ":01:99", "98:01:01G", "98:01P"]
    unknown = [u for u in unknown if not _known(release, _with_locus(locus, u))]
    if locus in GENES_OF_DRB345:
        nulls.append(f"{locus}*NNNN")
    bare = [_bare(names) for names in (cut_names, nulls, unknown)]
    return Vocabulary(locus, *bare)


def _codes(locus: str) -> list[str]:
    """Codes of the locus: some of whose members the release has, with and without nulls; a generic one."""
    table = macs()
    assert table is not None
    found: list[str] = []
    for code in sorted(table.codes):
        members = table.members(code)
        name = f"{locus}*{members[0].split(':')[0] if ':' in members[0] else '01'}:{code}"
        if len(members) < 9 and _known(oracle_release(), name):
            meaning = oracle_release().meaning(name)
            if bool(meaning.dropped) == (len(found) % 2 == 1) and meaning.may_be_null == (len(found) > 1):
                found.append(name)
        if len(found) == 4:
            break
    return found


def _known(nomenclature: Nomenclature, name: str) -> bool:
    try:
        nomenclature.members(name)
    except ValueError:
        return False
    return True


def _with_locus(locus: str, name: str) -> str:
    return name if "*" in name else f"{locus}*{name}"


def _bare(names: Iterable[str]) -> tuple[str, ...]:
    """Each name once, without its locus but for absence."""
    return tuple(dict.fromkeys(name if name.endswith("NNNN") else name.rpartition("*")[2] for name in names))


# What says its locus by itself: an antigen, or a name with its gene.
_SAYS_ITS_LOCUS = re.compile(
    rf"[A-Z0-9]+\*.*|(?:{'|'.join(sorted(set(LETTERS.values()), key=len, reverse=True))}|C)[0-9].*"
)


def says_its_locus(text: str) -> bool:
    """Whether a name is written without a locus in front of it."""
    return _SAYS_ITS_LOCUS.fullmatch(text) is not None


def written(locus: str, text: str) -> str:
    """A name with its locus."""
    return text if says_its_locus(text) else f"{locus}*{text}"


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
        first, *others = (self.name(chooser) for _ in range(chooser.number(2, 4)))
        # Digits alone behind a '/' are a short item, not a name of before 2010.
        items = [first, *(written(self.words.locus, o) if o[:4].isdigit() else o for o in others)]
        if kind in (18, 19) and self.words.unknown:
            # Unknown names beside known ones are dropped.
            items.insert(chooser.number(1, len(items)), written(self.words.locus, chooser.pick(self.words.unknown)))
        if kind > 22:
            # Short items inherit the first field of the item before.
            short = [self._short(chooser, items[0])]
            items[1:1] = [s for s in short if s]
        return "/".join(items)

    def _short(self, chooser: Chooser, before: str) -> str:
        """`04N` of `01:04N`: a name of two fields and of the same first field as `before`; antigens' numbers."""
        if re.fullmatch(r"[A-Z][a-z]?[0-9]+|DR[0-9]+|DQ[0-9]+", before) and self.words.locus != DRB345:
            return chooser.pick([n.lstrip("ABCDQRw") for n in self.words.names if says_its_locus(n) and "(" not in n])
        first_field = before.split(":")[0] + ":"
        known = (*self.words.names, *self.words.nulls)
        same = [n.partition(":")[2] for n in known if n.startswith(first_field) and n.count(":") == 1]
        same = [s for s in same if re.fullmatch(r"[0-9]+[NLSCAQP]?", s)]
        return chooser.pick(same) if same else ""

    def genotype(self, chooser: Chooser) -> Genotype:
        first = self.position(chooser)
        kind = chooser.number(0, 9)
        return first, "" if kind == 8 else first if kind == 9 else self.position(chooser)

    def typing(self, chooser: Chooser) -> Typing:
        kind = chooser.number(0, 11)
        if kind == 11:
            return UNTYPED
        drawn = [self.genotype(chooser) for _ in range(chooser.number(2, 3) if kind > 8 else 1)]
        if self.words.locus == DRB345 and not (_is_of_drb345(drawn) and _is_of_drb345(drawn[:1])):
            drawn[0] = (drawn[0][0], "DRBX*NNNN")
        return tuple(drawn)


def _is_of_drb345(genotypes: Iterable[Genotype]) -> bool:
    """Whether a GL string of these would be of DRB345: one position of one gene is of that gene only."""
    return DRB345 in parse_phenotype(gl_text(DRB345, tuple(genotypes))).typings


@st.composite
def typings(draw: st.DrawFn, words: Vocabulary, unknowns: bool = False) -> Typing:
    """Typings of one locus."""
    return TypingDraw(words, unknowns).typing(Drawn(draw))


def gl_text(locus: str, typing: Typing) -> str:
    """The locus's part of a GL string; empty if untyped."""

    def position(text: str) -> str:
        first, slash, rest = text.partition("/")
        return written(locus, first) + slash + rest

    return "|".join(position(a) + ("+" + position(b) if b else "") for a, b in typing)


def with_genes_once(person: dict[str, Typing]) -> dict[str, Typing]:
    """Without DRB3, DRB4 and DRB5 where DRB345 is of one of them: a GL string would give that gene twice."""
    if DRB345 in person and len(parse_phenotype(gl_text(DRB345, person[DRB345])).typings) > 1:
        return {locus: typing for locus, typing in person.items() if locus not in GENES_OF_DRB345}
    return person


def gl_string(person: dict[str, Typing]) -> str:
    """A GL string; empty if nothing is typed."""
    return "^".join(gl_text(locus, typing) for locus, typing in person.items() if typing)


def oracle_phenotype(person: dict[str, Typing]) -> Phenotype:
    """The same for the oracle."""
    return parse_phenotype(gl_string(person))
