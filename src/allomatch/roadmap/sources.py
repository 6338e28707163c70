"""The registries of a case, each once: a file that is given twice would be searched, counted and listed twice.

Of one file the first naming holds, for what it searches (adults, cord blood or both); what a later one would search again is left
out and named as a :class:`Problem`. A file is known by itself, whatever its path is called. Two files that hold the same donors
cannot be known before they are searched: the registry step names donors whom two of them list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from allomatch.roadmap.case import Problem, RegistrySource

__all__ = ["distinct_sources"]

_Kind = Literal["adults", "cord"]


def distinct_sources(sources: Sequence[RegistrySource]) -> tuple[list[RegistrySource], list[Problem]]:
    """Return registries of which nothing is searched twice, and what was left out for that.

    Args:
        sources: As the case names them.
    """
    kept: list[RegistrySource] = []
    problems: list[Problem] = []
    first: dict[tuple[object, _Kind], RegistrySource] = {}
    files: dict[str, object] = {}
    for source in sources:
        file = _file(source.registry.path)
        if files.setdefault(source.name, file) != file:
            problems.append(_one_name(source))
        wanted: tuple[_Kind, ...] = ("adults", "cord") if source.what == "both" else (source.what,)
        new = [kind for kind in wanted if (file, kind) not in first]
        for kind in wanted:
            earlier = first.setdefault((file, kind), source)
            if kind not in new:
                problems.append(_twice(source, earlier, kind))
        if len(new) == len(wanted):
            kept.append(source)
        elif new:
            kept.append(replace(source, what=new[0]))
    return kept, problems


def _file(path: Path) -> object:
    """Return what tells files apart: the file itself where it can be seen, whatever links lead to it."""
    try:
        seen = path.stat()
    except OSError:  # an open registry stays readable when its file is gone
        return path.absolute()
    return seen.st_dev, seen.st_ino


def _twice(source: RegistrySource, earlier: RegistrySource, kind: _Kind) -> Problem:
    what = "adult donors" if kind == "adults" else "cord blood units"
    where = f"registry {source.name}"
    named = "again" if source.name == earlier.name else f"under two names, {earlier.name!r} and {source.name!r}"
    place = _place(earlier)
    ruled = f", {place}" if place == _place(source) else f", {place}, not {_place(source)}"
    message = (
        f"{where}: the file {source.registry.path.name!r} is given {named}; its {what} were searched once, as {earlier.name!r}"
        f"{ruled}: name a registry once"
    )
    return Problem("registry given twice", where, "registry", str(source.registry.path), message)


def _place(source: RegistrySource) -> str:
    if source.domestic:
        return "at home"
    return f"home ION {', '.join(source.domestic_ions)}" if source.domestic_ions else "in the world"


def _one_name(source: RegistrySource) -> Problem:
    where = f"registry {source.name}"
    message = f"{where}: two files have this name; give them names of their own, so that answers tell them apart"
    return Problem("one name for two registries", where, "name", source.name, message)
