"""Match tables: one patient against a column of donors, one donor against patients, or two columns pair by pair.

What :func:`allomatch.match` says of a pair, as columns of bytes: a text is read once and a pair of typings at a locus compared
once, however many rows have them, without any work per row in Python.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from allomatch import _core
from allomatch.detail import CATEGORIES, CONFIDENCES, FIRST_VERDICT, GRADES, JOINED, MARKERS, ORIENTATIONS, VERDICTS
from allomatch.errors import problem
from allomatch.match import NullPolicy, Profile, check_choice, loci_of
from allomatch.nomenclature import Nomenclature
from allomatch.people import bad_rows, columns_of_side, part_of_side, row_table, rows_of_sides
from allomatch.phenotype import Phenotype

__all__ = ["MatchTable", "match_table"]

# Rows that go to the core at once: many, as every batch reads the texts that it has anew, but bounded in memory.
_BATCH_ROWS = 4_194_304

ERROR_SCHEMA = pa.schema(
    [
        ("row", pa.int64()),
        ("side", pa.string()),
        ("field", pa.string()),
        ("value", pa.string()),
        ("code", pa.int32()),
        ("message", pa.string()),
    ]
)
_COUNTS = ("mismatches", "greatest", "gvh", "gvh_greatest", "hvg", "hvg_greatest")
# The core's bytes of a locus, in order (csrc/include/allomatch/detail.hpp).
_BYTES = (
    *_COUNTS,
    *("category", "orientation", "grade_1", "grade_2", "confidence_1", "confidence_2", "antigen_1", "antigen_2"),
    *("verdict", "tce_patient", "tce_donor", "pair_patient", "pair_donor", "one_mismatch"),
    *("mismatched_patient", "mismatched_donor"),
)


@dataclass(frozen=True, slots=True)
class MatchTable:
    """Many pairs compared.

    Attributes:
        table: One row a pair, in the order given; all columns are null in a row that could not be read.
        errors: Why: a table of row (from 0), side (``patient`` or ``donor``), field, value, code (docs/errors.md) and message.
        nomenclature: The release that the names were read under.
        null_policy: What possible null alleles count as.
    """

    table: pa.Table
    errors: pa.Table
    nomenclature: str
    null_policy: NullPolicy


def match_table(
    patients: Phenotype | str | Any,
    donors: Phenotype | str | Any,
    nomenclature: Nomenclature,
    loci: str | Sequence[str] = "10/10",
    *,
    null_policy: NullPolicy = "explicit",
    profile: Profile = "standard",
    donor_required: bool = True,
    threads: int = 0,
) -> MatchTable:
    """Compare many pairs of patients and donors in detail.

    Args:
        patients: One phenotype (or GL string) for all rows, a column of GL strings (a list, or an Arrow, pandas or polars
            column), or a table (anything with the Arrow C stream) with a column ``gl`` or columns ``A_1``, ``A_2`` and so on.
        donors: Likewise; two tables are compared row by row.
        nomenclature: What the names stand for.
        loci: A preset or a list of loci; an untyped locus counts 0 to 2 mismatches.
        null_policy: As in :func:`allomatch.match`.
        profile: As in :func:`allomatch.match`.
        donor_required: As in :func:`allomatch.match`.
        threads: 0 means all cores; the result does not depend on it.

    Returns:
        The columns ``mismatches``, ``greatest``, ``gvh``, ``gvh_greatest``, ``hvg``, ``hvg_greatest`` (uint8, sums over the
        loci), and for each locus, such as A: ``A_mismatches`` and the five others (uint8), ``A_category``, ``A_orientation``,
        ``A_grade_1``, ``A_grade_2``, ``A_confidence_1``, ``A_confidence_2`` (dictionaries), ``A_antigen_1``, ``A_antigen_2``
        (bool, null where it cannot be said). At DPB1 also ``DPB1_tce_patient``, ``DPB1_tce_donor`` (uint8, null if not
        certain), ``DPB1_tce_verdict``, ``DPB1_expression_patient``, ``_donor``, ``_mismatched_patient`` and
        ``_mismatched_donor`` (dictionaries, null if not certain); at B likewise ``B_leader_patient`` and so on.

    Raises:
        ArgumentError: Unknown loci, policy or profile, no typing column, tables of unlike length.
        TypingError: A single phenotype is malformed, or the nomenclature knows none of the names of one of its positions.

    Example:
        >>> donors = ["A*01:01+A*02:01", "A*01:01+A*02:XX", "A*01:01+A*03"]
        >>> result = match_table("A*01:01+A*02:01", donors, Nomenclature.two_field(), ["A"])
        >>> result.table["A_category"].to_pylist()
        ['match', 'potential', None]
        >>> result.errors["row"].to_pylist()
        [2]
    """
    check_choice("nomenclature", nomenclature, Nomenclature)
    check_choice("null_policy", null_policy, str)
    check_choice("profile", profile, str)
    named = loci_of(loci)
    if isinstance(threads, bool) or not isinstance(threads, int) or not 0 <= threads <= 1024:
        raise problem("ValueOutOfRange", f"threads is {threads!r}; give 0 (all cores) to 1024")
    first, second = columns_of_side("patients", patients, named), columns_of_side("donors", donors, named)
    rows = rows_of_sides(first, second)
    tables: list[pa.Table] = []
    errors: list[tuple[int, str, str, str, int, str]] = []
    for begin in range(0, max(rows, 1), _BATCH_ROWS):
        count = min(_BATCH_ROWS, rows - begin)
        bytes_of_loci, rejected = _core.match_table(
            part_of_side(first, begin, count),
            part_of_side(second, begin, count),
            count,
            named,
            nomenclature._core,
            null_policy,
            profile,
            donor_required,
            threads,
        )
        bad = bad_rows(rejected, count)
        tables.append(pa.table(dict(_columns(named, bytes_of_loci, bad if rejected else None))))
        errors += [(row + begin, *rest) for row, *rest in rejected]  # type: ignore[misc]
    return MatchTable(
        pa.concat_tables(tables),
        row_table(errors, ERROR_SCHEMA),
        nomenclature.release,
        null_policy,
    )


# ---- what comes out -------------------------------------------------------------------------------------------------------


def _columns(
    loci: Sequence[str], bytes_of_loci: Sequence[npt.NDArray[np.uint8]], bad: npt.NDArray[np.bool_] | None
) -> Iterator[tuple[str, pa.Array]]:
    """Yield the columns of one batch; `bad` rows are null."""
    for at, name in enumerate(_COUNTS):
        yield name, pa.array(np.add.reduce([locus[at] for locus in bytes_of_loci], dtype=np.uint8), mask=bad)
    for locus, values in zip(loci, bytes_of_loci, strict=True):
        of = dict(zip(_BYTES, values, strict=True))
        for name in _COUNTS:
            yield f"{locus}_{name}", pa.array(of[name], mask=bad)
        for name, words in (
            ("category", CATEGORIES),
            ("orientation", ORIENTATIONS),
            ("grade_1", GRADES),
            ("grade_2", GRADES),
            ("confidence_1", CONFIDENCES),
            ("confidence_2", CONFIDENCES),
        ):
            yield f"{locus}_{name}", _dictionary(of[name], words, bad)
        for name in ("antigen_1", "antigen_2"):
            unknown = of[name] == 2
            yield f"{locus}_{name}", pa.array(of[name] == 1, mask=unknown if bad is None else unknown | bad)
        if locus == "DPB1":
            for name in ("tce_patient", "tce_donor"):
                unknown = of[name] == 0
                yield f"DPB1_{name}", pa.array(of[name], mask=unknown if bad is None else unknown | bad)
            yield "DPB1_tce_verdict", _dictionary(of["verdict"] - FIRST_VERDICT, VERDICTS, bad)
        if locus in MARKERS:
            what = {"B": "leader", "DPB1": "expression"}[locus]
            for who in ("patient", "donor"):
                yield f"{locus}_{what}_{who}", _known(of[f"pair_{who}"], JOINED[locus], bad)
            for who in ("patient", "donor"):
                shown = of[f"mismatched_{who}"] * of["one_mismatch"]
                yield f"{locus}_{what}_mismatched_{who}", _known(shown, MARKERS[locus], bad)


def _dictionary(
    indices: npt.NDArray[np.uint8], words: Sequence[str], nulls: npt.NDArray[np.bool_] | None
) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(indices, mask=nulls), pa.array(words))


def _known(
    numbers: npt.NDArray[np.uint8], words: Sequence[str], bad: npt.NDArray[np.bool_] | None
) -> pa.DictionaryArray:
    """Zero means unknown, and the words follow."""
    nulls = numbers == 0
    if bad is not None:
        nulls |= bad
    return _dictionary(np.where(nulls, 0, numbers - 1).astype(np.uint8), words, nulls)
