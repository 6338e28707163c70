"""Tables of haplotypes: an Arrow table of names and frequencies becomes coded columns, one a locus.

A table has either one column a locus (``A``, ``C``, ``DRB3/4/5``...) or one column ``haplotype`` of names joined by ``~``, and a
column ``frequency`` (or ``freq``); ``count`` and ``population`` may stand beside them. What comes out is canonical: loci in the
order of :data:`allomatch.nomenclature.LOCI`, the distinct names of a locus sorted and as the core writes them, haplotypes in the
order of their first row and each one once. Every row is looked at by Arrow and NumPy; Python sees distinct names only, and single
rows where an error must say which one it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from allomatch import _core
from allomatch.errors import AllomatchError, from_code, problem
from allomatch.nomenclature import LOCI

__all__ = ["Codes", "Columns", "Place", "Values", "codes_of", "combine", "read_columns", "summed", "summed_frequencies"]

Codes = npt.NDArray[np.uint32]
Values = npt.NDArray[np.float64]

# A name of a DRB345 column may be of any of these genes, or absence.
_DRB345 = "DRB345"
_ITS_GENES = ("DRB3", "DRB4", "DRB5", _DRB345)
# What a column may be called besides a locus, and what it is.
_ROLES = {
    "haplotype": "haplotype",
    "haplo": "haplotype",
    "frequency": "frequency",
    "freq": "frequency",
    "count": "count",
    "population": "population",
}
# Sums of rounded frequencies may exceed 1 by this much without a word.
_ROUNDING = 1e-3
# A sum of doubles, millions of them, is off by less.
_NOISE = 1e-9
_WAYS = "columns such as A, B, DRB1 with one name each, or one column 'haplotype' with names joined by '~'"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table came from, so that errors can say it.

    Attributes:
        source: A file's path in quotes, or words such as ``"the table"``.
        of_row: What a row, numbered from 0, is called there: ``"line 2"``.
    """

    source: str
    of_row: Callable[[int], str] = lambda row: f"row {row}"

    def row(self, row: int) -> str:
        """Return the words for a row."""
        return f"{self.of_row(row)} of {self.source}"


@dataclass(frozen=True, slots=True)
class Columns:
    """The haplotypes of a table, coded.

    Attributes:
        names: Locus -> its distinct names, sorted; loci in the order of ``LOCI``.
        codes: Locus -> for each haplotype the index of its name.
        frequencies: For each haplotype, 0..1.
        counts: For each haplotype, >= 0 or NaN; None where the table has none.
        population: What a column ``population`` says.
        notes: What was done that a reader would want to know.
    """

    names: dict[str, pa.StringArray]
    codes: dict[str, Codes]
    frequencies: Values
    counts: Values | None
    population: str | None = None
    notes: tuple[str, ...] = ()


def read_columns(table: pa.Table, place: Place, population: str | None = None) -> Columns:
    """Read a table of haplotypes.

    Args:
        table: Its columns are described at the head of this module; the case of their names does not matter.
        place: Where it came from.
        population: Which haplotypes are meant where a column ``population`` tells several apart.

    Raises:
        ArgumentError: A column is missing, of a wrong type or of an unknown locus; a frequency is missing, not a number, or
            not within 0..1; a haplotype lacks a locus that others have.
        TypingError: A name is malformed.
    """
    roles = _roles(table, place)
    notes = []
    if ignored := [name for name, role in roles.items() if role is None]:
        notes.append(f"ignored columns: {', '.join(ignored)}")
    by_role = {role: table[name] for name, role in roles.items() if role is not None}
    said = None
    if "population" in by_role:
        rows, said = _rows_of(_texts(by_role.pop("population"), "population", place), population, place)
        by_role = {role: column.take(pa.array(rows)) for role, column in by_role.items()}
        whole, place = place, Place(place.source, lambda row: whole.of_row(int(rows[row])))

    frequencies = _numbers(by_role["frequency"], "frequency", place)
    counts = _numbers(by_role["count"], "count", place) if "count" in by_role else None
    texts = {role: _texts(column, role, place) for role, column in by_role.items() if role in (*LOCI, "haplotype")}
    coded = _split(texts["haplotype"], place) if "haplotype" in texts else _each(texts, place)

    grouped = combine([codes for _, codes in coded.values()])
    if grouped is not None:
        first, group = grouped
        repeated = np.setdiff1d(np.arange(len(group)), first)
        notes.append(
            f"{len(repeated):,} rows repeat an earlier haplotype, the first of them {place.row(int(repeated[0]))}; "
            "frequencies were summed"
        )
        coded = {locus: (names, codes[first]) for locus, (names, codes) in coded.items()}
        frequencies = summed_frequencies(group, frequencies)
        if (above := frequencies > 1).any():
            row = int(np.argmax(above))
            raise problem(
                "ValueOutOfRange",
                f"the haplotype in {place.row(int(first[row]))} comes again and sums to {frequencies[row]:.6g}; a frequency is "
                "a number from 0 to 1",
            )
        counts = None if counts is None else summed(group, counts)
    if len(frequencies) == 0:
        notes.append("it holds no haplotypes")
    if frequencies.sum() > 1 + _ROUNDING:
        notes.append(f"frequencies sum to {frequencies.sum():.6g}, not to 1; they are used as they are")
    return Columns(
        {locus: names for locus, (names, _) in coded.items()},
        {locus: codes for locus, (_, codes) in coded.items()},
        frequencies,
        counts,
        said,
        tuple(notes),
    )


def combine(columns: Sequence[npt.NDArray[Any]]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]] | None:
    """Group rows that are equal in all columns.

    Args:
        columns: Codes, one or more columns of one length.

    Returns:
        The first row of each group, ascending, and for each row its group; None if no two rows are equal.

    Example:
        >>> first, group = combine([np.array([3, 1, 3]), np.array([0, 0, 0])])
        >>> first.tolist(), group.tolist()
        ([0, 1], [0, 1, 0])
    """
    key = np.zeros(len(columns[0]), np.int64)
    values = 1  # keys lie below this
    for codes in columns:
        size = int(codes.max(initial=0)) + 1
        if values * size >= 1 << 62:
            distinct, key = np.unique(key, return_inverse=True)
            values = len(distinct)
        key = key * size + codes
        values *= size
    in_order = np.sort(key)
    if not np.any(in_order[1:] == in_order[:-1]):
        return None
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    by_row = np.argsort(first)
    number = np.empty_like(by_row)
    number[by_row] = np.arange(len(by_row))
    return first[by_row], number[group]


def summed(group: npt.NDArray[np.int64], values: Values) -> Values:
    """Sum values by group, in the order of the rows, so that the same rows give the same bits."""
    return np.asarray(np.bincount(group, weights=values), np.float64)


def summed_frequencies(group: npt.NDArray[np.int64], frequencies: Values) -> Values:
    """Sum frequencies as :func:`summed`; what rounding alone took above 1 is 1, so that it can be read back."""
    values = summed(group, frequencies)
    return np.where((values > 1) & (values < 1 + _NOISE), 1.0, values)


def codes_of(column: pa.Array) -> tuple[pa.Array, Codes]:
    """Return the distinct values of a column without nulls, in the order of their first row, and each row's index."""
    coded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    return coded.dictionary, coded.indices.to_numpy(zero_copy_only=False).astype(np.uint32)


def _roles(table: pa.Table, place: Place) -> dict[str, str | None]:
    """Return what each column is: a locus, a word of ``_ROLES``, or None if it is to be ignored."""
    roles: dict[str, str | None] = {}
    names = table.column_names
    for name in names:
        role = _ROLES.get(name.strip().lower()) or _locus_named(name)
        if names.count(name) > 1 or (role is not None and role in roles.values()):
            raise problem("InvalidArgument", f"{place.source} has two columns for {role or name!r}; keep one of them")
        if role is None and _holds_names(table[name]):
            raise problem(
                "UnknownLocus", f"column {name!r} of {place.source} holds names of no locus; use {', '.join(LOCI)}"
            )
        roles[name] = role
    if "frequency" not in roles.values():
        raise problem(
            "MissingColumn",
            f"{place.source} has no column 'frequency' or 'freq'; it has {', '.join(map(repr, roles)) or 'no columns'}",
        )
    loci = [role for role in roles.values() if role in LOCI]
    if not loci and "haplotype" not in roles.values():
        raise problem("MissingColumn", f"{place.source} has no names; give {_WAYS}")
    if loci and "haplotype" in roles.values():
        raise problem(
            "InvalidArgument", f"{place.source} has a column 'haplotype' and columns {', '.join(loci)}; give {_WAYS}"
        )
    _refuse_both(loci, place.source)
    return roles


def _locus_named(column: str) -> str | None:
    """Return the locus that a column is called after."""
    name = column.strip().upper().removeprefix("HLA-")
    if name in ("DRB3/4/5", "DRBX"):
        return _DRB345
    return name if name in LOCI else None


def _holds_names(column: pa.ChunkedArray) -> bool:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)) or len(column) == 0:
        return False
    return "*" in (column[0].as_py() or "")


def _refuse_both(loci: Sequence[str], source: str) -> None:
    if _DRB345 in loci and not set(_ITS_GENES[:3]).isdisjoint(loci):
        raise problem(
            "InvalidArgument",
            f"{source} has DRB345 (DRB3/4/5) and DRB3, DRB4 or DRB5 beside it; give one or the others",
        )


def _rows_of(texts: pa.Array, population: str | None, place: Place) -> tuple[npt.NDArray[np.int64], str | None]:
    """Choose the rows of a population; without a choice there must be one only."""
    found, codes = codes_of(texts)
    named: list[str] = found.to_pylist()
    if population is None and len(named) > 1:
        raise problem(
            "InvalidArgument",
            f"{place.source} holds several populations ({_some(named)}); name one: population={named[0]!r}",
        )
    if population is None or not named:
        return np.arange(len(texts)), named[0] if named else population
    if population not in named:
        raise problem("InvalidArgument", f"{place.source} holds no population {population!r}; it has {_some(named)}")
    return np.flatnonzero(codes == named.index(population)), population


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:10])) + (f" and {len(names) - 10:,} more" if len(names) > 10 else "")


def _texts(column: pa.ChunkedArray, name: str, place: Place) -> pa.Array:
    """Make one Arrow array of utf8 of a column of text; a missing value is an error."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    tests = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view)
    if not any(test(kind) for test in tests) and not (pa.types.is_null(kind) and len(column) == 0):
        raise problem("WrongType", f"column {name!r} of {place.source} holds {column.type}; it must hold texts")
    texts = pa.concat_arrays(pc.cast(column, pa.string()).chunks or [pa.array([], pa.string())])
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid as failure:
        raise problem(
            "InvalidText", f"column {name!r} of {place.source} holds texts that are not UTF-8; save them so"
        ) from failure
    if texts.null_count:
        row = pc.index(pc.is_null(texts), True).as_py()
        raise _blank(name, place.row(row))
    return texts


def _blank(name: str, where: str) -> AllomatchError:
    return problem("MissingValue", f"no {name} in {where}; give one (absence at DRB345 is written DRBX*NNNN)")


def _numbers(column: pa.ChunkedArray, name: str, place: Place) -> Values:
    """Read frequencies (0..1) or counts (0 and more, or missing)."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        values = _parsed(pc.utf8_trim_whitespace(pc.cast(column, pa.string())), name, place)
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind) or len(column) == 0:
        values = pc.cast(column, pa.float64())
    else:
        raise problem("WrongType", f"column {name!r} of {place.source} holds {column.type}; it must hold numbers")
    numbers: Values = pc.fill_null(values, float("nan")).to_numpy()
    if name == "frequency":
        good = (numbers >= 0) & (numbers <= 1)
        must = "a frequency is a number from 0 to 1"
    else:
        good = (numbers >= 0) & (numbers < np.inf) | np.isnan(numbers)
        must = "a count is a number and not negative"
    if not good.all():
        row = int(np.argmin(good))
        given = column[row].as_py()
        said = "is missing" if given is None or given == "" else f"is {_shown(given)}"
        raise problem("ValueOutOfRange", f"the {name} in {place.row(row)} {said}; {must}")
    return numbers


def _parsed(texts: pa.ChunkedArray, name: str, place: Place) -> pa.ChunkedArray:
    texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)
    try:
        return pc.cast(texts, pa.float64())
    except pa.ArrowInvalid:
        for row, text in enumerate(texts.to_pylist()):
            try:
                pc.cast(pa.scalar(text, pa.string()), pa.float64())
            except pa.ArrowInvalid as failure:
                raise problem(
                    "ValueOutOfRange",
                    f"the {name} in {place.row(row)} is {_shown(text)}; write a number such as 1.25e-06",
                ) from failure
        raise


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _each(texts: Mapping[str, pa.Array], place: Place) -> dict[str, tuple[pa.StringArray, Codes]]:
    """Read one column a locus."""
    coded = {}
    for locus in sorted(texts, key=LOCI.index):
        found, codes = codes_of(texts[locus])
        names = []
        for number, text in enumerate(found.to_pylist()):
            try:
                typing = _core.Phenotype.from_pairs([(locus, text, "")]).typing(locus)
            except AllomatchError as failure:
                raise _located(failure, codes, number, place) from failure
            if not typing:
                raise _blank(f"name at {locus}", place.row(int(np.argmax(codes == number))))
            names.append(typing.partition("+")[0])
        coded[locus] = _sorted(names, codes)
    return coded


def _split(texts: pa.Array, place: Place) -> dict[str, tuple[pa.StringArray, Codes]]:
    """Read names joined by ``~``; the locus of each is known by the name itself, so their order is free."""
    parts = pc.split_pattern(texts, "~")
    lengths = pc.list_value_length(parts).to_numpy(zero_copy_only=False)
    if len(lengths) == 0:
        raise problem("InvalidArgument", f"{place.source} holds no haplotypes, so that its loci cannot be known")
    if (differs := lengths != lengths[0]).any():
        row = int(np.argmax(differs))
        raise problem(
            "InvalidArgument",
            f"the haplotype in {place.row(row)} has {lengths[row]} names and the one in {place.row(0)} has {lengths[0]}: "
            f"{_shown(texts[row].as_py())}; every haplotype needs the same loci",
        )
    found, flat = codes_of(pc.list_flatten(parts))
    rows = flat.reshape(len(texts), lengths[0])
    names, loci = [], []
    for number, text in enumerate(found.to_pylist()):
        try:
            locus, name = _named(text)
        except AllomatchError as failure:
            raise _located(failure, (rows == number).any(axis=1), True, place) from failure
        names.append(name)
        loci.append(LOCI.index(locus))

    kinds = np.array(loci)[rows]
    genes = [LOCI.index(gene) for gene in _ITS_GENES]
    if np.isin(kinds[0], genes).sum() == 1:
        kinds[np.isin(kinds, genes)] = LOCI.index(_DRB345)
    order = np.argsort(kinds[0])
    if (kinds == kinds[0]).all():
        rows = rows[:, order]
    else:
        rows = np.take_along_axis(rows, np.argsort(kinds, axis=1, kind="stable"), axis=1)
        kinds.sort(axis=1)
        order = np.arange(len(order))
    wanted = kinds[0][order]
    if (differs := (kinds[:, order] != wanted).any(axis=1)).any() or (wanted[1:] == wanted[:-1]).any():
        row = int(np.argmax(differs))
        raise problem(
            "InvalidArgument",
            f"the haplotype {_shown(texts[row].as_py())} in {place.row(row)} must have one name at each of "
            f"{', '.join(LOCI[locus] for locus in dict.fromkeys(wanted.tolist()))}, as the others do",
        )
    columns = [LOCI[locus] for locus in wanted]
    _refuse_both(columns, place.source)
    coded = {}
    for column, locus in enumerate(columns):
        used, codes = _compact(rows[:, column], len(names))
        here = [names[number] for number in used]
        coded[locus] = _sorted([_at(locus, name) for name in here], codes)
    return coded


def _named(text: str) -> tuple[str, str]:
    """Return the locus and the canonical form of a name that says its locus."""
    if any(sign in text for sign in "+^|"):
        raise problem("MalformedTyping", f"malformed name {_shown(text)}: a haplotype has one name at a locus")
    if text.upper().startswith("DRB3/4/5*"):
        text = "DRBX" + text[8:]
    phenotype = _core.Phenotype.from_gl(text)
    for locus in LOCI:
        if typing := phenotype.typing(locus):
            return locus, typing.partition("+")[0]
    raise problem("MalformedTyping", "an empty name; write for example A*02:01~B*07:02")


def _at(locus: str, name: str) -> str:
    """Return a name as the locus DRB345 writes it: the absence of any of its genes is one and the same."""
    return "DRBX*NNNN" if locus == _DRB345 and name.endswith("*NNNN") else name


def _compact(codes: Codes, size: int) -> tuple[npt.NDArray[np.int64], Codes]:
    """Return the codes that occur, ascending, and the column renumbered by them."""
    used = np.flatnonzero(np.bincount(codes, minlength=size))
    number = np.zeros(size, np.uint32)
    number[used] = np.arange(len(used))
    return used, number[codes]


def _sorted(names: Sequence[str], codes: Codes) -> tuple[pa.StringArray, Codes]:
    """Sort names and make them distinct, and renumber the codes with them."""
    distinct = sorted(set(names))
    number = {name: code for code, name in enumerate(distinct)}
    table = np.array([number[name] for name in names], np.uint32)
    return pa.array(distinct, pa.string()), table[codes] if len(table) else codes


def _located(failure: AllomatchError, codes: npt.NDArray[Any], number: Any, place: Place) -> AllomatchError:
    """Return the error of a name with the first row that has it."""
    return from_code(failure.code, f"{place.row(int(np.argmax(codes == number)))}: {failure}")
