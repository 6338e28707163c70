"""NMDP's multiple allele codes: which alleles the letters of a code stand for.

What: `MacTable` is read from `numer.v3` (three lines of heading, then `code TAB members`) or `alpha.v3` (a column before
these: `*` where the code lists full names). Invariants: members are as the file writes them, `01/02N` (generic: second
fields) or `01:01/01:02N` (specific: names). Why this way: a code is a line, and a line is an entry.
"""

from __future__ import annotations

import re
from pathlib import Path

from .names import Name, parse_name

_CODE = re.compile(r"[A-Z]{2,6}")


class MacTable:
    """The codes of one file."""

    def __init__(self, text: str) -> None:
        """Reads the text of a file.

        Lines before the first code are a heading.

        Raises:
            ValueError: A line after the heading is no code with members.
        """
        self._members: dict[str, tuple[str, ...]] = {}
        for number, line in enumerate(text.splitlines(), start=1):
            columns = line.split("\t")
            if len(columns) == 3 and columns[0] in ("*", ""):
                del columns[0]
            if len(columns) != 2 or not _CODE.fullmatch(columns[0]) or not columns[1][:1].isdigit():
                if self._members and line.strip():
                    raise ValueError(f"line {number}: {line!r} is not a code and its members")
                continue
            self._members[columns[0]] = tuple(columns[1].strip().split("/"))

    @classmethod
    def read(cls, path: Path) -> MacTable:
        """Reads a file."""
        return cls(path.read_text(encoding="ascii"))

    @property
    def codes(self) -> frozenset[str]:
        """All codes."""
        return frozenset(self._members)

    def members(self, code: str) -> tuple[str, ...]:
        """The members of a code as written in the file; none if there is no such code."""
        return self._members.get(code, ())

    def expand(self, name: Name) -> tuple[Name, ...]:
        """The names that a MAC stands for.

        Args:
            name: Of kind MAC. A generic code is joined to its first field; of a specific one the first field must be
                that of a member.

        Raises:
            ValueError: There is no such code, or it is specific and lists no name of this first field.
        """
        first, code = name.fields
        members = self.members(code)
        if not members:
            raise ValueError(f"there is no code {code}")
        if not any(":" in member for member in members):
            return tuple(parse_name(f"{first}:{member}", name.locus) for member in members)
        names = tuple(parse_name(member, name.locus) for member in members)
        if not any(member.fields[0] == first for member in names):
            raise ValueError(f"code {code} lists no name that begins {first}: it is {'/'.join(members)}")
        return names
