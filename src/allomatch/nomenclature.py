"""Nomenclature: IPD-IMGT/HLA releases, and what an HLA name stands for under one.

A release is read from the official files (see :mod:`allomatch.releases`). Without any data there is
:meth:`Nomenclature.two_field`. A nomenclature is immutable and may be shared by threads.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from allomatch import _core
from allomatch.errors import problem
from allomatch.releases import find_release, release_files

__all__ = ["LEVELS", "LOCI", "Level", "Nomenclature"]

LOCI: tuple[str, ...] = _core.LOCI
Level = Literal["ard", "P", "G", "two-field", "first-field"]
LEVELS: tuple[Level, ...] = ("ard", "P", "G", "two-field", "first-field")


class Nomenclature:
    """What HLA names stand for: under an IPD-IMGT/HLA release, or by their first two fields.

    Matching compares ARD groups (SEMANTICS section 2): the P group of an allele, or outside any P group its first two fields.
    Make one with :meth:`two_field` or :meth:`load`.

    Example:
        >>> nom = Nomenclature.two_field()
        >>> nom.reduce("HLA-A*01:01:01:01", "ard")
        'A*01:01'
    """

    def __init__(self, core: _core.Nomenclature) -> None:
        self._core = core

    @classmethod
    def two_field(cls) -> Nomenclature:
        """Return the embedded nomenclature, which needs no data.

        Alleles compare by their first two fields; G and P group names are read by name; an XX code is any allele of its first
        field, named or not; the suffix N is null. Any well-formed name is accepted.
        """
        return cls(_core.Nomenclature.two_field())

    @classmethod
    def load(cls, release: str | None = None, *, path: str | os.PathLike[str] | None = None) -> Nomenclature:
        """Read a release from its official files.

        Args:
            release: For example ``"3.58.0"``; ``None`` means the newest one that is installed.
            path: A folder with the files of this release (``Allelelist.txt``, ``wmda/...``), or one laid out
                ``imgt/<release>/`` or ``<release>/``; ``None`` looks in ``ALLOMATCH_DATA`` and in the user's cache.

        Raises:
            ReleaseNotFoundError: The release is not there; the message gives the install command.
            TypingError: A file cannot be read as what it should be.
            FileAccessError: A file cannot be opened.
        """
        folder, release = find_release(release, None if path is None else Path(path))
        files = release_files(folder, release)
        return cls(_core.Nomenclature.from_files(release, files["allele_list"], files["p_groups"], files["g_groups"]))

    @property
    def release(self) -> str:
        """The release, ``"3.58.0"`` for example, or ``"two-field"``."""
        return self._core.release

    @property
    def allele_count(self) -> int:
        """Number of alleles of the eleven loci; 0 without data."""
        return self._core.allele_count

    def knows(self, name: str) -> bool:
        """Say whether a well-formed name means anything here.

        Args:
            name: A name with its locus, such as ``"A*02:01"``, ``"A*02:XX"`` or ``"A*01:01:01G"``.

        Raises:
            TypingError: The name is malformed.
        """
        return self._core.knows(_name(name))

    def is_null(self, name: str) -> bool:
        """Say whether every allele that the name stands for is null (suffix N: no protein).

        Args:
            name: A name with its locus.

        Raises:
            TypingError: The name is malformed or unknown.

        Example:
            >>> Nomenclature.two_field().is_null("A*01:11N")
            True
        """
        return self._core.is_null(_name(name))

    def expand(self, name: str) -> list[str]:
        """Return the full names of the release that a name stands for, sorted; without data, the name itself.

        Args:
            name: A name with its locus. A cut name stands for all alleles that extend it; nulls only if it ends in N.

        Raises:
            TypingError: The name is malformed or unknown.
        """
        return self._core.expand(_name(name))

    def reduce(self, name: str, level: Level) -> str:
        """Reduce a name to a level; several results are joined by ``/``.

        Args:
            name: A name with its locus.
            level: ``"ard"`` (what matching compares), ``"P"`` or ``"G"`` (the official group, or the name itself where the
                files give none), ``"two-field"``, ``"first-field"``.

        Raises:
            ArgumentError: The level is unknown.
            TypingError: The name is malformed or unknown.

        Example:
            >>> Nomenclature.two_field().reduce("DRB1*04:01:01:01", "two-field")
            'DRB1*04:01'
        """
        if level not in LEVELS:
            raise problem("InvalidArgument", f"unknown level {level!r}; known are {', '.join(LEVELS)}")
        return "/".join(self._core.reduce(_name(name), level))

    def __repr__(self) -> str:
        return f"Nomenclature({self.release!r}, alleles={self.allele_count})"


def _name(name: str) -> str:
    if not isinstance(name, str):
        raise problem("WrongType", f"an HLA name is text, this is {name!r}; give for example 'A*02:01'")
    return name.encode(errors="backslashreplace").decode()  # half a character is no name, and says so
