"""Serology reported beside DNA: which of the two a donor is searched by, and where they contradict each other.

DNA decides (SEMANTICS section 1). A donor without DNA at a locus is typed by the serology; beside DNA the serology is kept as an
attribute, ``serology_A`` for example, and is compared with it: a contradiction is a warning, never an error.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from allomatch import _core
from allomatch.errors import AllomatchError, code_of
from allomatch.nomenclature import Nomenclature
from allomatch.phenotype import Phenotype

__all__ = [
    "SEROLOGY_LOCI",
    "Contradiction",
    "SerologyWarning",
    "merge_serology",
    "serology_columns",
    "warnings_of",
]

SEROLOGY_LOCI = ("A", "B", "C", "DRB1", "DQB1")

# rows, row, donor_id, field, value, code, message: as WARNING_SCHEMA of allomatch.registry.
SerologyWarning = tuple[int, int, str, str, str, int, str]


@dataclass(frozen=True)
class Contradiction:
    """One contradiction, and the rows of a batch that have it.

    Attributes:
        about: Field, value, code and message.
        rows: In ascending order.
        donor_ids: Of the rows, as they were given.
    """

    about: tuple[str, str, int, str]
    rows: list[int]
    donor_ids: list[bytes | None]


def serology_columns(locus: str) -> tuple[str, str]:
    """Return the names of the columns of a locus' antigens.

    Example:
        >>> serology_columns("DRB1")
        ('DRB1_ser_1', 'DRB1_ser_2')
    """
    return f"{locus}_ser_1", f"{locus}_ser_2"


def merge_serology(arrays: dict[str, pa.Array], nomenclature: Nomenclature, first_row: int) -> list[Contradiction]:
    """Replace the columns of antigens in a batch by what they are for: typings, and the attributes that keep them.

    Args:
        arrays: The columns of a batch by name; changed in place. ``A_ser_1`` and ``A_ser_2`` go, ``A_1`` and ``A_2`` are filled
            where both are blank, and ``serology_A`` comes.
        nomenclature: Under which DNA and serology are compared.
        first_row: Of the batch in the whole input.

    Returns:
        The distinct contradictions of the batch.
    """
    found: list[Contradiction] = []
    for locus in SEROLOGY_LOCI:
        names = serology_columns(locus)
        if names[0] not in arrays:
            continue
        antigens = [_text(arrays.pop(name)) for name in names]
        rows = len(antigens[0])
        blank = pa.array([""], pa.string()).take(pa.array([0] * rows, pa.int32()))
        dna = [_text(arrays[f"{locus}_{i}"]) if f"{locus}_{i}" in arrays else blank for i in (1, 2)]
        by_dna = pc.or_(pc.not_equal(dna[0], ""), pc.not_equal(dna[1], ""))
        by_antigens = pc.or_(pc.not_equal(antigens[0], ""), pc.not_equal(antigens[1], ""))
        for i in (1, 2):
            arrays[f"{locus}_{i}"] = pc.if_else(by_dna, dna[i - 1], antigens[i - 1])
        both_antigens = pc.binary_join_element_wise(antigens[0], antigens[1], "+")
        joined = pc.if_else(pc.equal(antigens[1], ""), antigens[0], both_antigens)
        arrays[f"serology_{locus}"] = pc.if_else(by_antigens, joined, None)
        # As bytes: a text that is not UTF-8 is a bad row, which the core refuses, and must not stop the good ones.
        table = pa.table(
            {
                "dna_1": dna[0].cast(pa.binary()),
                "dna_2": dna[1].cast(pa.binary()),
                "serology": joined.cast(pa.binary()),
                "donor_id": arrays["donor_id"].cast(pa.string()).cast(pa.binary()),
                "row": pa.array(range(first_row, first_row + rows), pa.int64()),
            }
        ).filter(pc.and_(by_dna, by_antigens))
        distinct = table.group_by(["dna_1", "dna_2", "serology"], use_threads=False).aggregate(
            [("row", "list"), ("donor_id", "list")]
        )
        for pair in distinct.to_pylist():
            try:
                first, second, serology = (pair[name].decode() for name in ("dna_1", "dna_2", "serology"))
            except UnicodeDecodeError:
                continue  # an error of its own
            code, message = _contradiction(locus, (first, second), serology, nomenclature)
            if code:
                about = (f"{locus}_ser", serology, code, message)
                found.append(Contradiction(about, pair["row_list"], pair["donor_id_list"]))
    return found


def warnings_of(contradictions: Sequence[Contradiction], rejected: Container[int]) -> list[SerologyWarning]:
    """Make one warning of the contradictions of all batches that differ in their rows alone, of rows that went in.

    Args:
        contradictions: In the order of their batches.
        rejected: Rows that did not go in.
    """
    found: dict[tuple[str, str, int, str], tuple[int, int, str]] = {}
    for each in contradictions:
        kept = [(row, donor) for row, donor in zip(each.rows, each.donor_ids, strict=True) if row not in rejected]
        if kept:
            row, donor_id = kept[0]
            before, first, donor = found.get(each.about, (0, row, (donor_id or b"").decode(errors="backslashreplace")))
            found[each.about] = (before + len(kept), first, donor)
    return [(*rows, *about) for about, rows in found.items()]


def _text(column: pa.Array) -> pa.Array:
    """Decode and trim a column of text, as the core trims it and whether it is UTF-8 or not; null is blank."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return pc.ascii_trim_whitespace(pc.fill_null(column.cast(pa.string()), ""))


def _contradiction(locus: str, dna: Sequence[str], serology: str, nomenclature: Nomenclature) -> tuple[int, str]:
    """Return the code and the words of what is wrong between DNA and serology; 0 if nothing is."""
    written = "+".join(text for text in dna if text)

    def compared(typed: Phenotype, other: Phenotype) -> Any:
        return _core.match_locus(typed._core, other._core, locus, nomenclature._core, "possible", donor_required=True)

    try:
        typed = Phenotype({locus: dna})
        compared(typed, typed)
    except AllomatchError:
        return 0, ""  # DNA that cannot be read is not the fault of the serology: the row says so itself
    first, _, second = serology.partition("+")
    try:
        antigens = Phenotype({locus: (first, second)})
        counts = compared(typed, antigens)
    except AllomatchError as problem:
        return problem.code, f"the serology beside {written} is not used: {problem}"
    if counts[0] == 0:
        return 0, ""
    return code_of("SerologyContradicts"), (
        f"the serology {antigens[locus]} does not go with {typed[locus]} at locus {locus} under {nomenclature.release}; "
        "the DNA decides"
    )
