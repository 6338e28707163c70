"""One written item of a typing, as pure syntax: `Name` and `parse_name`.

What: every form of SEMANTICS section 1 (an allele, the groups, XX codes, MACs, antigens, NEW, absence, names of before
2010) is read into a `Name` and written back in one way. Invariants: reading needs no nomenclature, so a `Name` may be
of nothing that exists; `parse_name(str(name), name.locus) == name`. Why this way: one regular expression a form, tried
in turn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from .serology import GENE_OF_DR, LETTERS, LONG_ANTIGENS

GENES = ("A", "B", "C", "DRB1", "DRB3", "DRB4", "DRB5", "DQA1", "DQB1", "DPA1", "DPB1")
# DRB3, DRB4 and DRB5 reported together, two positions for the three of them; a name there says its gene.
DRB345 = "DRB345"
GENES_OF_DRB345 = ("DRB3", "DRB4", "DRB5")
LOCI = (*GENES, DRB345)

Kind = Literal["allele", "G", "P", "XX", "g", "MAC", "serology", "NEW", "absent", "V2"]
KINDS: tuple[Kind, ...] = ("allele", "G", "P", "XX", "g", "MAC", "serology", "NEW", "absent", "V2")

# A field is two digits, or more without a leading zero: 01, 10, 100, 1728. So `A*1:1` and `A*002:01` are malformed.
FIELD = r"(?:0[1-9]|[1-9][0-9]{1,3})"
_STARRED = re.compile(r"([A-Z0-9/]+)\*(.*)", re.DOTALL)
_ALLELE = re.compile(rf"({FIELD}(?::{FIELD}){{1,3}})([NLSCAQ]?)")
_G_GROUP = re.compile(rf"({FIELD}:{FIELD}:{FIELD})G")
_P_GROUP = re.compile(rf"({FIELD}:{FIELD})P")
_SMALL_G = re.compile(rf"({FIELD}:{FIELD})G")  # in any case: a G group has three fields
_CODE = re.compile(rf"({FIELD}):([A-Z]{{2,6}})")
_OLD_CODE = re.compile(r"(0[1-9]|[1-9][0-9])([A-Z]{2,6})")  # before April 2010 no colon: `02GFJM`
_VERSION_2 = re.compile(r"([0-9]{4,8})([NLSCAQ]?)")
_ANTIGEN = re.compile(r"([1-9][0-9]{0,3})(?:\(.*\))?", re.DOTALL)
# What may stand before a name without a star: the letters of an antigen, or the locus.
_LETTERED = re.compile(r"(DRB1|DRB3|DRB4|DRB5|DQA1|DQB1|DPA1|DPB1|DR|DQ|DPW|DP|CW|C|A|B)([0-9].*)", re.DOTALL)
_GENE_OF_LETTERS = {"DR": "DRB1", "DQ": "DQB1", "DP": "DPB1", "DPW": "DPB1", "CW": "C"}


@dataclass(frozen=True, order=True)
class Name:
    """One written item.

    Attributes:
        locus: One of `LOCI`; `DRB345` only for absence there, and for NEW of no gene in particular.
        fields: By kind: allele 2-4 fields, G group 3, P group and small g 2, XX code 1, MAC its first field and its
            letters, serology the number, NEW the first field or nothing, absent nothing, V2 the digits.
        kind: Which form it is.
        suffix: Expression suffix of an allele or a V2 name (N L S C A Q), or empty.
    """

    locus: str
    fields: tuple[str, ...]
    kind: Kind
    suffix: str = ""

    def __str__(self) -> str:
        if self.kind == "serology":
            return LETTERS[self.locus] + self.fields[0]
        if self.kind == "absent":
            return "DRBX*NNNN" if self.locus == DRB345 else f"{self.locus}*NNNN"
        fields = [*self.fields, self.kind] if self.kind in ("XX", "NEW") else self.fields
        ending = self.kind if self.kind in ("G", "P", "g") else self.suffix
        return f"{self.locus}*{':'.join(fields)}{ending}"

    @property
    def first_field(self) -> str:
        """Locus and first field, as in `A*02`; of an allele, a group or a code."""
        return f"{self.locus}*{self.fields[0]}"

    @property
    def two_field(self) -> str:
        """Locus and first two fields: without suffix if expressed, with `N` if null, as in `A*24:02` and `A*24:09N`."""
        return f"{self.locus}*{':'.join(self.fields[:2])}" + ("N" if self.suffix == "N" else "")


def find_locus(text: str) -> str:
    """A locus by its name, in any case: also `Cw`, and `DRBX` and `DRB3/4/5` for DRB345.

    Raises:
        ValueError: It is none of `LOCI`.
    """
    upper = text.strip().upper()
    locus = {"CW": "C", "DRBX": DRB345, "DRB3/4/5": DRB345}.get(upper, upper)
    if locus not in LOCI:
        raise ValueError(f"{text!r} is not one of the loci {' '.join(LOCI)}")
    return locus


@lru_cache(maxsize=200_000)  # only a cache: a name is a value, and a release of them is read over and over
def parse_name(text: str, locus: str | None = None) -> Name:
    """Reads one item, with or without `HLA-`, with or without its locus where that is known, in any case.

    Args:
        text: Such as `HLA-A*02:01`, `a*02:01:01:02l`, `02:01`, `A*02:01:01G`, `A*02:01P`, `A*02:01g`, `A*02:XX`,
            `A*02:GFJM`, `A2`, `A*02:NEW`, `DRBX*NNNN`, `A*0201`.
        locus: The locus if it is known from the context; an item that names another one is an error.

    Raises:
        ValueError: Malformed, another locus than the known one, a locus that is none of `LOCI`, or no locus at all.
    """
    upper = text.strip().upper()
    rest = upper.removeprefix("HLA-")
    if starred := _STARRED.fullmatch(rest):
        gene, body = find_locus(starred.group(1)), starred.group(2)
        name = _after_star(gene, body)
    elif lettered := _LETTERED.fullmatch(rest):
        letters, body = lettered.groups()
        name = _after_letters(letters, body)
    elif rest in ("NNNN", "NE") and rest == upper and locus is None:
        name = Name(DRB345, (), "absent")
    elif rest != upper or locus is None:
        raise ValueError(f"{text!r}: the locus is missing")
    else:
        name = _antigen(locus, rest) or _after_star(locus, rest)
    if name is None:
        raise ValueError(
            f"{text!r} is malformed" + (f" at locus {locus}" if locus else "; it names no locus, or no form")
        )
    return _checked(name, locus, text)


def _checked(name: Name, locus: str | None, text: str) -> Name:
    """The name, if it may stand at the locus."""
    if name.locus == DRB345 and name.kind not in ("absent", "NEW"):
        raise ValueError(f"{text!r} at locus DRB345 does not say which of {' '.join(GENES_OF_DRB345)} it is of")
    if name.kind == "absent" and name.locus not in (DRB345, *GENES_OF_DRB345):
        raise ValueError(f"{text!r} is malformed at locus {name.locus}: only DRB3, DRB4 and DRB5 can be absent")
    if locus == DRB345 and name.locus in GENES_OF_DRB345:
        return Name(DRB345, (), "absent") if name.kind == "absent" else name
    if locus is not None and name.locus != locus:
        raise ValueError(f"{text!r} is not a typing of locus {locus}")
    return name


def _after_star(gene: str, body: str) -> Name | None:
    """What stands after `A*`; None if it is no form."""
    if found := _ALLELE.fullmatch(body):
        return Name(gene, tuple(found.group(1).split(":")), "allele", found.group(2))
    if found := _G_GROUP.fullmatch(body):
        return Name(gene, tuple(found.group(1).split(":")), "G")
    if found := _P_GROUP.fullmatch(body):
        return Name(gene, tuple(found.group(1).split(":")), "P")
    if found := _SMALL_G.fullmatch(body):
        return Name(gene, tuple(found.group(1).split(":")), "g")
    if found := _CODE.fullmatch(body) or _OLD_CODE.fullmatch(body):
        first, code = found.groups()
        if code == "XX":
            return Name(gene, (first,), "XX")
        return Name(gene, (first,), "NEW") if code == "NEW" else Name(gene, (first, code), "MAC")
    if body == "NEW":
        return Name(gene, (), "NEW")
    if body in ("NNNN", "NE"):
        return Name(gene, (), "absent")
    if found := _VERSION_2.fullmatch(body):
        return Name(gene, (found.group(1),), "V2", found.group(2))
    return None


def _after_letters(letters: str, body: str) -> Name | None:
    """What stands after `A`, `Cw`, `DR`, `DRB1` without a star: an antigen, or a name of before 2010."""
    gene = _GENE_OF_LETTERS.get(letters, letters)
    if letters in ("A", "B", "C", *_GENE_OF_LETTERS) and (antigen := _antigen(gene, body)):
        return antigen
    name = _after_star(gene, body)
    return name if name is not None and ":" not in body else None


def _antigen(locus: str, body: str) -> Name | None:
    """The antigen of a number at a locus: `2`, `23(9)`, `2403`; at DRB1 the numbers of DRB3, DRB4, DRB5 go to these."""
    found = _ANTIGEN.fullmatch(body)
    if found is None or locus not in (*LETTERS, DRB345):
        return None
    number = found.group(1)
    gene = locus
    if LETTERS.get(locus, "DR") == "DR":
        gene = GENE_OF_DR.get(number, "DRB1")
    if len(number) == 4 and number not in LONG_ANTIGENS.get(gene, ()):
        return None
    return Name(gene, (number,), "serology")
