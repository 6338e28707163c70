"""Phenotypes: the typings of a person, from a GL string or from pairs of positions.

Reading needs no nomenclature (SEMANTICS section 1); the canonical text is sorted and free of duplicates, so equal typings are
equal texts. A phenotype is immutable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from allomatch import _core
from allomatch.errors import problem
from allomatch.nomenclature import LOCI, Nomenclature
from allomatch.notebook import shown, table

__all__ = ["Phenotype", "TypingWarning"]


class TypingWarning(NamedTuple):
    """What was done to read a position of a person's typing that is no error.

    Attributes:
        locus: Where.
        value: The position, as it was typed.
        code: As :class:`allomatch.nomenclature.NameWarning`.
        message: What was done, in words.
    """

    locus: str
    value: str
    code: int
    message: str


def _utf8(text: str) -> str:
    """Return a text that can be encoded; half a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError as failure:
        raise problem("InvalidText", f"{text!r} holds half a character; correct the text") from failure
    return text


class Phenotype:
    """The typings of a person at up to eleven loci.

    DRB3, DRB4 and DRB5 share the two positions of DRB345. A person both of whose positions are known to be of one gene
    (``DRB3*01:01+DRB3*02:02``) is typed at that gene and at DRB345; one position of a gene alone (``DRB3*01:01``) says
    nothing of the other chromosome, and is of that gene only.

    Args:
        typings: A GL string (``^`` loci, ``|`` genotypes, ``+`` positions, ``/`` alleles), or a mapping from locus to a pair of
            position texts. In a pair the locus may be left out (``"02:01"``), a blank second position means homozygous, both
            blank means untyped.

    Raises:
        TypingError: Malformed text, more than two positions, a locus given twice, DRB345 of one gene beside another
            typing of its genes.
        ArgumentError: An unknown locus, or something else than text.

    Example:
        >>> Phenotype("A*02:01+A*01:01^B*08:01/B*08:02+B*44:02").gl
        'A*01:01+A*02:01^B*08:01/B*08:02+B*44:02'
        >>> Phenotype({"A": ("01:01", "02:XX"), "DRB1": ("03:01", "")})["DRB1"]
        'DRB1*03:01+DRB1*03:01'
    """

    __slots__ = ("_core",)

    def __init__(self, typings: str | Mapping[str, Sequence[str | None]]) -> None:
        if isinstance(typings, str):
            self._core = _core.Phenotype.from_gl(_utf8(typings))
            return
        if not isinstance(typings, Mapping):
            raise problem(
                "WrongType",
                f"a phenotype is a GL string or a mapping from locus to a pair of positions, not a {type(typings).__name__}",
            )
        pairs = []
        for locus, positions in typings.items():
            if not isinstance(positions, Sequence) or isinstance(positions, str) or len(positions) != 2:
                count = len(positions) if isinstance(positions, (list, tuple)) else 1
                raise problem(
                    "TooManyAlleles" if count > 2 else "MalformedTyping",
                    f"locus {locus} is given {count} positions ({repr(positions)[:80]}); give a pair, such as ('01:01', '02:01')",
                )
            # pandas writes "no value" as a float that is unlike itself.
            texts = ["" if position is None or position != position else position for position in positions]
            if not isinstance(locus, str) or not all(isinstance(text, str) for text in texts):
                raise problem(
                    "WrongType", f"locus {locus!r} is given {positions!r}; positions are text, or None for blank"
                )
            pairs.append((_utf8(locus), _utf8(texts[0]), _utf8(texts[1])))
        self._core = _core.Phenotype.from_pairs(pairs)

    @classmethod
    def from_core(cls, core: _core.Phenotype) -> Phenotype:
        """Wrap a phenotype of the compiled core; for the package's own use."""
        phenotype = cls.__new__(cls)
        phenotype._core = core
        return phenotype

    @property
    def gl(self) -> str:
        """The canonical GL string, which reads back as this phenotype; empty if nothing is typed."""
        return self._core.to_gl()

    @property
    def loci(self) -> tuple[str, ...]:
        """The loci that are typed, in the order of :data:`allomatch.nomenclature.LOCI`."""
        return tuple(locus for locus in LOCI if self._core.typing(locus))

    def warnings(self, nomenclature: Nomenclature) -> list[TypingWarning]:
        """Return what a nomenclature did to read the typings: old and renamed names, members that were left out.

        Example:
            >>> [warning.message for warning in Phenotype("A*0201+A*03:01").warnings(Nomenclature.two_field())]
            ['A*0201 is a name of before April 2010; it is read as A*02:01']
        """
        return list(dict.fromkeys(TypingWarning(*note) for note in nomenclature._core.phenotype_notes(self._core)))

    def __getitem__(self, locus: str) -> str:
        """Return the canonical typing at a locus; empty if untyped. Raises ArgumentError for an unknown locus."""
        return self._core.typing(locus)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Phenotype) and self.gl == other.gl

    def __hash__(self) -> int:
        return hash(self.gl)

    def __repr__(self) -> str:
        return f"Phenotype({self.gl!r})"

    def _repr_html_(self) -> str:
        """Return a table for notebooks: a row a genotype, several at a locus of alternatives."""
        rows = []
        for locus in self.loci:
            for genotype in self[locus].split("|"):
                first, _, second = genotype.partition("+")
                rows.append([locus, shown(first), shown(second)])
        return table(
            "Phenotype", ["locus", "first position", "second position"], rows, "" if rows else "No locus is typed."
        )
