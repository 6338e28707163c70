"""Filters on attributes as their definition says: a tree of tests, judged donor by donor in three-valued logic.

What: `truth` of a filter for one donor's attributes is True, False or None (unknown); a donor passes if it is True.
Invariants: a test of an attribute that is not known is unknown, except `IsNull`; logic is Kleene's, as in SQL. Why this
way: trees need no parser, so that the tests write their own texts of them and a common misreading cannot hide.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass

Value = int | float | str
Attributes = Mapping[str, Value | None]  # an attribute that is not there is not known either

SIGNS = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Compare:
    """`column sign value`."""

    column: str
    sign: str
    value: Value


@dataclass(frozen=True)
class OneOf:
    """`column in (values)`."""

    column: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class IsNull:
    """`column is null`."""

    column: str


@dataclass(frozen=True)
class Not:
    """`not inner`."""

    inner: Filter


@dataclass(frozen=True)
class And:
    """`left and right`."""

    left: Filter
    right: Filter


@dataclass(frozen=True)
class Or:
    """`left or right`."""

    left: Filter
    right: Filter


Filter = Compare | OneOf | IsNull | Not | And | Or


def truth(test: Filter, attributes: Attributes) -> bool | None:
    """Whether a filter is true for a donor; None if that is not known."""
    match test:
        case IsNull(column):
            return attributes.get(column) is None
        case Compare(column, sign, value):
            known = attributes.get(column)
            return None if known is None else bool(SIGNS[sign](known, value))
        case OneOf(column, values):
            known = attributes.get(column)
            return None if known is None else known in values
        case Not(inner):
            judged = truth(inner, attributes)
            return None if judged is None else not judged
        case And(left, right):
            both = (truth(left, attributes), truth(right, attributes))
            return False if False in both else None if None in both else True
        case Or(left, right):
            both = (truth(left, attributes), truth(right, attributes))
            return True if True in both else None if None in both else False
