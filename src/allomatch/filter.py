"""Filter: which donors a search may return, by their attributes (``where=``).

A filter is a text, read and run by the core (its grammar is in docs/science.md and csrc/include/allomatch/filter.hpp), or a
``pyarrow.compute.Expression``, which Arrow evaluates under its own rules. Either sees only the donors whose typings match, never
the whole registry, and only donors for which it is true pass: what is not known passes no test.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from allomatch import _core
from allomatch.errors import AllomatchError, problem

__all__ = ["CoreFilter", "attribute_column", "core_filters", "rows_passing"]

# What the core takes: a text that it compiles, or a function from rows (uint32) to whether each passes (bool).
CoreFilter = str | Callable[[npt.NDArray[np.uint32]], npt.NDArray[np.bool_]]

_ARROW_TYPES = {"int16": pa.int16(), "float32": pa.float32(), "category": pa.string()}
_ROW = "allomatch.row"


def core_filters(where: str | pc.Expression | None, segment: _core.Segment) -> list[CoreFilter]:
    """Return what the core needs for ``where``; a text is checked when it is used.

    Args:
        where: As in :meth:`allomatch.Registry.search`.
        segment: The donors.

    Raises:
        ArgumentError: Another type, or an Arrow expression that the columns do not allow.
    """
    if where is None:
        return []
    if isinstance(where, str):
        # A text that is not Unicode is refused by the core, which says where.
        return [where.encode("utf-8", "surrogatepass").decode("utf-8", "replace")]
    if isinstance(where, pc.Expression):
        return [_ArrowFilter(where, segment)]
    raise problem(
        "WrongType",
        f"where is {where!r}; give a text such as \"sex == 'F' and birth_year >= 1985\", or a pyarrow.compute.Expression",
    )


def rows_passing(where: str | pc.Expression | None, segment: _core.Segment) -> npt.NDArray[np.bool_]:
    """Return which donors of a whole registry pass; shape (donors,).

    Args:
        where: As in :meth:`allomatch.Registry.search`.
        segment: The donors.

    Raises:
        ArgumentError: As `core_filters`; or the text cannot be used.
    """
    passed = np.ones(segment.donor_count, np.bool_)
    for each in core_filters(where, segment):
        if isinstance(each, str):
            passed &= _core.rows_passing(segment, each)
        else:
            passed &= each(np.arange(segment.donor_count, dtype=np.uint32))
    return passed


class _ArrowFilter:
    """An Arrow expression over the attributes of some rows."""

    def __init__(self, expression: pc.Expression, segment: _core.Segment) -> None:
        self._expression = expression
        self._segment = segment
        # Arrow does not say which columns an expression uses, but it writes their names; one too many costs only time.
        written = re.sub(r'"(?:[^"\\]|\\.)*"', '""', str(expression))
        if "FieldPath(" in written:
            raise self._unusable("it names a column by its place")
        self._names = [name for name in _core.ATTRIBUTES if re.search(rf"\b{name}\b", written)]
        # Names and types are checked here, once, with no row at all.
        self(np.array([], np.uint32))

    def __call__(self, rows: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
        from pyarrow import acero  # loads pandas if it is there: a third of the time that `import allomatch` would take

        columns: dict[str, pa.Array] = {_ROW: pa.array(np.arange(len(rows), dtype=np.uint32))}
        columns |= {name: self._plain_column(name, rows) for name in self._names}
        source = acero.Declaration("table_source", acero.TableSourceNodeOptions(pa.table(columns)))
        judge = acero.ProjectNodeOptions([self._expression, pc.field(_ROW)], ["passes", _ROW])
        try:
            # The core has its own threads.
            judged = acero.Declaration("project", judge, [source]).to_table(use_threads=False)
        except (pa.ArrowException, ValueError, TypeError, KeyError, NotImplementedError) as failure:
            # Of "No match for x in ...", the list of columns is ours to give.
            raise self._unusable(str(failure).split("\n")[0].split(f" in {_ROW}")[0]) from failure
        if not pa.types.is_boolean(judged.column("passes").type):
            raise self._unusable(f"it is a {judged.column('passes').type}, not true or false")
        passed = np.zeros(len(rows), np.bool_)
        passed[judged.column(_ROW).to_numpy()] = judged.column("passes").fill_null(False).to_numpy()
        return passed

    def _plain_column(self, name: str, rows: npt.NDArray[np.uint32]) -> pa.Array:
        """Return an attribute as numbers or plain texts: not every function of Arrow takes dictionaries."""
        stored = self._segment.attribute(name)
        if stored is None:
            return pa.nulls(len(rows), _ARROW_TYPES[_core.ATTRIBUTES[name]])
        values, categories = stored
        if categories is None:
            return attribute_column(self._segment, name, rows)
        codes = np.minimum(values[rows], len(categories))  # all others are null
        return pa.array([*categories, None], pa.string()).take(pa.array(codes))

    def _unusable(self, reason: str) -> AllomatchError:
        kind = "MissingColumn" if "FieldRef" in reason else "InvalidArgument"
        shown = str(self._expression)
        shown = shown if len(shown) <= 200 else shown[:197] + "..."
        return problem(
            kind, f"filter {shown!r} cannot be used: {reason}; the columns are {', '.join(_core.ATTRIBUTES)}, by name"
        )


def attribute_column(segment: _core.Segment, name: str, rows: npt.NDArray[np.uint32]) -> pa.Array | None:
    """Return an attribute of some rows as an Arrow array, or None if no donor has it.

    Args:
        segment: The donors.
        name: One of the attributes.
        rows: Shape (n,), uint32.

    Returns:
        Length n: int16, float32 or dictionary<int32, string>; null where it is not known.
    """
    stored = segment.attribute(name)
    if stored is None:
        return None
    values, categories = stored
    taken = values[rows]
    if categories is not None:
        mask = taken >= len(categories)
        codes = pa.array(np.where(mask, 0, taken).astype(np.int32), mask=mask)
        return pa.DictionaryArray.from_arrays(codes, pa.array(categories, pa.string()))
    mask = np.isnan(taken) if taken.dtype == np.float32 else taken == np.iinfo(np.int16).min
    return pa.array(taken, mask=mask)
