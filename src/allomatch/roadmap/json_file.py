"""JSON that people write, read strictly: what could lose something of it is an error that says where.

A name that is there twice would silently lose one of its values, NaN and Infinity are no JSON: both are refused, as is text that is
not UTF-8. Used for cases and for policies.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NoReturn

from allomatch.errors import problem
from allomatch.releases import access_problem

__all__ = ["read_json"]


def read_json(path: str | os.PathLike[str], what: str) -> Any:
    """Return what a file holds.

    Args:
        path: The file.
        what: What messages call it: ``"the case"``.

    Raises:
        FileAccessError: It cannot be read.
        ArgumentError: It is not JSON in UTF-8.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise problem("WrongType", f"{what} is {path!r:.60}; the path of a file is needed")
    name = f"{what} {str(path)!r}"
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise access_problem(f"cannot read {name}", error, "check the path") from error
    except UnicodeDecodeError as failure:
        reason = f"byte {failure.start} is not UTF-8"
        raise problem("InvalidArgument", f"{name} is not JSON: {reason}; save the file as UTF-8") from failure
    except ValueError as failure:  # a path with a null character
        raise problem("InvalidArgument", f"cannot read {name}: {failure}; check the path") from failure
    if not text.strip():
        raise problem("InvalidArgument", f"{name} is not JSON: it is empty; check that it was written to the end")
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_no_name_twice)
    except RecursionError as failure:
        raise problem("InvalidArgument", f"{name} is not JSON: it is nested too deeply; mend the file") from failure
    except ValueError as failure:
        raise problem("InvalidArgument", f"{name} is not JSON: {failure}; mend the file") from failure


def _no_name_twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name[:60]!r} is given twice in one object; keep one")
        found[name] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
