"""What was reported: a GL string or pairs per locus, read into positions of written names.

What: `Phenotype` maps a locus to its `Typing`, a typing is one or more genotypes, a genotype two positions, a position
a set of `Name`s. Invariants: reading needs no nomenclature (whether a name exists is asked later, by `match`); every
item of a typing belongs to its locus; an untyped locus has no entry. Why this way: the text is taken apart by one
split per delimiter of the GL grammar (Milius et al., Tissue Antigens 2013), outermost first: `^` `|` `+` `/`.

Not read yet, hence errors: MACs, serology, NEW, small g, phase (`~`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .nomenclature import LOCI, Name, parse_name

Position = frozenset[Name]
Genotype = tuple[Position, Position]

_SHORT_ITEM = re.compile(r"([0-9]+)([NLSCAQGP]?)")


@dataclass(frozen=True)
class Typing:
    """What was reported at one locus: genotypes of which one is true, in the order of the text."""

    locus: str
    genotypes: tuple[Genotype, ...]


@dataclass(frozen=True)
class Phenotype:
    """The typings of a person, by locus."""

    typings: Mapping[str, Typing]

    def typing(self, locus: str) -> Typing | None:
        """The typing at a locus; None if untyped."""
        return self.typings.get(locus)


def parse_phenotype(source: str | Mapping[str, str | Sequence[str | None]]) -> Phenotype:
    """Reads a GL string, or a mapping from locus to its two positions (or to the locus's part of a GL string).

    Args:
        source: Such as `"A*01:01+A*02:01^B*08:01+B*44:02"` or `{"A": ("01:01", "02:XX"), "B": ("08:01", "")}`. In a
            mapping None and blank text are the same. A blank second position repeats the first; both blank is untyped.

    Raises:
        ValueError: Malformed, more than two positions, a locus twice, an item of another locus, a blank first position
            beside a second one.
    """
    typings: dict[str, Typing] = {}
    seen: set[str] = set()
    for locus, typing in _gl_typings(source) if isinstance(source, str) else _mapped_typings(source):
        if locus in seen:
            raise ValueError(f"locus {locus} is given twice")
        seen.add(locus)
        if typing is not None:
            typings[locus] = typing
    return Phenotype(typings)


def _gl_typings(text: str) -> list[tuple[str, Typing | None]]:
    if not text.strip():
        return []
    found: list[tuple[str, Typing | None]] = []
    for block in text.split("^"):
        # The first item of a block must name the locus; from then on it is known.
        first_item = re.split(r"[|+/]", block)[0]
        locus = parse_name(first_item).locus
        found.append((locus, _typing(block, locus)))
    return found


def _mapped_typings(source: Mapping[str, str | Sequence[str | None]]) -> list[tuple[str, Typing | None]]:
    found: list[tuple[str, Typing | None]] = []
    for key, value in source.items():
        locus = key.strip().upper().removeprefix("HLA-")
        if locus not in LOCI:
            raise ValueError(f"{key!r} is not one of the loci {' '.join(LOCI)}")
        if isinstance(value, str):
            found.append((locus, _typing(value, locus) if value.strip() else None))
        elif len(value) > 2:
            raise ValueError(f"locus {locus}: more than two positions in {list(value)!r}")
        else:
            texts = [text or "" for text in value]
            typed = any(text.strip() for text in texts)
            found.append((locus, Typing(locus, (_genotype(texts, locus),)) if typed else None))
    return found


def _typing(block: str, locus: str) -> Typing:
    return Typing(locus, tuple(_genotype(alternative.split("+"), locus) for alternative in block.split("|")))


def _genotype(texts: Sequence[str], locus: str) -> Genotype:
    if not 1 <= len(texts) <= 2:
        raise ValueError(f"locus {locus}: a genotype has two positions, not {len(texts)}: {'+'.join(texts)!r}")
    first = texts[0]
    second = texts[1] if len(texts) == 2 else ""
    if not first.strip():
        # A lone second position is a broken record rather than a homozygote.
        raise ValueError(f"locus {locus}: the first position is blank in {'+'.join(texts)!r}")
    if not second.strip():
        second = first
    return _position(first, locus), _position(second, locus)


def _position(text: str, locus: str) -> Position:
    names: list[Name] = []
    for item in text.split("/"):
        short = _SHORT_ITEM.fullmatch(item.strip().upper())
        if short is not None and names:
            # `A*01:01/02/07`: a single number inherits locus and first field from the item before it.
            item = f"{names[-1].first_field}:{item.strip()}"
        names.append(parse_name(item, locus))
    return frozenset(names)
