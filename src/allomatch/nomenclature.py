"""Nomenclature: IPD-IMGT/HLA releases, and what an HLA name stands for under one.

A release is read from the official files (see :mod:`allomatch.releases`) once; its binary form in the user's cache opens in
milliseconds after that. Without any data there is :meth:`Nomenclature.two_field`. A nomenclature is immutable and may be
shared by threads; several releases may be open side by side.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from allomatch import _core
from allomatch.errors import AllomatchError, FileAccessError, problem
from allomatch.releases import cache_folder, find_release, fingerprint, mac_file, mac_text, release_files

__all__ = ["LEVELS", "LOCI", "Level", "NameWarning", "Nomenclature", "Reduced"]

LOCI: tuple[str, ...] = _core.LOCI
Level = Literal["ard", "P", "G", "g", "two-field", "first-field", "serology"]
LEVELS: tuple[Level, ...] = ("ard", "P", "G", "g", "two-field", "first-field", "serology")


class NameWarning(NamedTuple):
    """Something about the reading of a name that is no error.

    Attributes:
        code: 220 a name of before 2010, 221 a renamed or deleted allele, 222 members that were left out (docs/errors.md).
        message: What was done, in words.
    """

    code: int
    message: str


class Reduced(NamedTuple):
    """A column at a coarser level.

    Attributes:
        values: The reduced texts, a dictionary array of the length of the input; null where the input is blank, null or bad.
        errors: The texts that could not be read: row (the first that has it), rows, value, code, message.
    """

    values: pa.DictionaryArray
    errors: pa.Table


class Nomenclature:
    """What HLA names stand for: under an IPD-IMGT/HLA release, or by their first two fields.

    Matching compares ARD groups (SEMANTICS section 2): the P group of an allele, or outside any P group its first two fields.
    Make one with :meth:`two_field` or :meth:`load`. Names may be alleles, G, P and small g groups, XX codes, multiple allele
    codes, antigens, version 2 names and NEW (SEMANTICS section 1).

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

        Alleles compare by their first two fields; group names are read by name; an XX code is any allele of its first field,
        named or not; the suffix N is null; antigens stand for first fields (a small table of WHO facts); multiple allele codes
        are read where a file of them is installed. Any well-formed name is accepted.
        """
        return cls(_core.Nomenclature.two_field(_macs()))

    @classmethod
    def load(cls, release: str | None = None, *, path: str | os.PathLike[str] | None = None) -> Nomenclature:
        """Open a release: its binary form in the user's cache or, where there is none yet, its official files.

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
        stamp = fingerprint(folder, release)
        compiled = cache_folder() / "compiled" / f"{release}-{stamp}.nom"
        macs = _macs()
        with contextlib.suppress(OSError):
            core = _core.Nomenclature.from_cache(compiled.read_bytes(), stamp, macs)
            if core is not None:
                return cls(core)
        core = _core.Nomenclature.from_files(release, release_files(folder, release), macs)
        _keep(compiled, core.to_cache(stamp))
        return cls(core)

    @property
    def release(self) -> str:
        """The release, ``"3.58.0"`` for example, or ``"two-field"``."""
        return self._core.release

    @property
    def allele_count(self) -> int:
        """Number of alleles of the eleven loci; 0 without data."""
        return self._core.allele_count

    @property
    def has_macs(self) -> bool:
        """Whether a file of multiple allele codes was found; without one, such codes are unknown names."""
        return self._core.has_macs

    @property
    def memory_bytes(self) -> int:
        """Bytes of memory that the tables of the release take (multiple allele codes not counted)."""
        return self._core.memory_bytes

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

    def group_members(self, group: str) -> list[str]:
        """Return the alleles of a P, G or small g group, as :meth:`expand`.

        Args:
            group: For example ``"A*01:01:01G"``, ``"A*01:01P"`` or ``"A*01:01g"``. A P group has no nulls; a G group may; a
                small g group is a P group plus the nulls of the G groups that share an allele with it.

        Raises:
            TypingError: The name is malformed or unknown, or no group.
        """
        text = _name(group)
        if text.strip()[-1:] not in ("P", "p", "G", "g"):
            raise problem(
                "MalformedTyping", f"{group!r} is no group; give for example 'A*01:01P', 'A*01:01:01G', 'A*01:01g'"
            )
        return self._core.expand(text)

    def current_name(self, name: str) -> str:
        """Return the name under which the release has an allele: renamed and deleted alleles and old names are carried on.

        Args:
            name: A name with its locus, such as ``"A*24:01"`` or ``"A*0201"``; a name that the release has is its own.

        Raises:
            TypingError: The name is malformed, or unknown and without a successor (``Deleted_alleles.txt``).

        Example:
            >>> Nomenclature.two_field().current_name("A*0201")
            'A*02:01'
        """
        return self._core.current_name(_name(name))

    def serology(self, name: str) -> list[str]:
        """Return the antigens of the alleles that a name stands for, by number; none if no allele of it has one.

        An allele's antigens are the first column of ``rel_dna_ser.txt`` that names any: unambiguous, possible, assumed,
        expert assigned (SEMANTICS section 1). Without data, first fields.

        Raises:
            TypingError: The name is malformed or unknown.
        """
        return self._core.antigens(_name(name))

    def warnings(self, name: str) -> list[NameWarning]:
        """Return what is to be said of the reading of a name: old and renamed names, members of a code that are left out.

        Example:
            >>> [warning.code for warning in Nomenclature.two_field().warnings("A*0201")]
            [220]
        """
        return [NameWarning(*row) for row in self._core.notes(_name(name))]

    def reduce(self, name: str, level: Level) -> str:
        """Reduce a name, an allele string or a GL string to a level; what a name becomes is joined by ``/``.

        Args:
            name: A text that names its locus: ``A*02:01``, ``A*01:01/02``, ``A*01:01+A*02:01^B*08:01``.
            level: ``"ard"`` (what matching compares), ``"P"`` or ``"G"`` (the official group, or the name itself where the
                files give none), ``"g"`` (the P group's name with g, also for the nulls of its small g group; else two
                fields), ``"two-field"``, ``"first-field"``, ``"serology"`` (antigens; empty if there is none).

        Raises:
            ArgumentError: The level is unknown.
            TypingError: The name is malformed or unknown.

        Example:
            >>> Nomenclature.two_field().reduce("DRB1*04:01:01:01", "two-field")
            'DRB1*04:01'
            >>> Nomenclature.two_field().reduce("A*01:01:01:01/01:02:01", "two-field")
            'A*01:01/A*01:02'
        """
        if level not in LEVELS:
            raise problem("InvalidArgument", f"unknown level {level!r}; known are {', '.join(LEVELS)}")
        return self._core.reduce(_name(name), level)

    def reduce_column(self, texts: Any, level: Level, *, threads: int = 0) -> Reduced:
        """Reduce a column of names, allele strings or GL strings; each distinct text is read once.

        Args:
            texts: A column of text: a pyarrow array or chunked array, a pandas or polars series, a sequence. Every text names its
                locus; a text with ``^``, ``+`` or ``|`` is a GL string and stays one, in canonical order.
            level: As in :meth:`reduce`.
            threads: 0 means all cores.

        Returns:
            The texts at that level and the ones that could not be read; good texts are never stopped by bad ones.

        Raises:
            ArgumentError: The level is unknown, or the column is no text.

        Example:
            >>> nom = Nomenclature.two_field()
            >>> nom.reduce_column(["A*01:01:01:01", "B*7"], "ard").values.to_pylist()
            ['A*01:01', None]
        """
        if level not in LEVELS:
            raise problem("InvalidArgument", f"unknown level {level!r}; known are {', '.join(LEVELS)}")
        indices, offsets, text, errors = self._core.reduce_column(_text_column(texts), level, threads)
        entries = pa.StringArray.from_buffers(len(offsets) - 1, pa.py_buffer(offsets), pa.py_buffer(text))
        codes = pa.array(indices, mask=indices < 0)
        names = ("row", "rows", "value", "code", "message")
        kinds = (pa.int64(), pa.int64(), pa.string(), pa.int32(), pa.string())
        columns = {
            name: pa.array([error[i] for error in errors], kind)
            for i, (name, kind) in enumerate(zip(names, kinds, strict=True))
        }
        return Reduced(pa.DictionaryArray.from_arrays(codes, entries), pa.table(columns))

    def __repr__(self) -> str:
        return f"Nomenclature({self.release!r}, alleles={self.allele_count})"


def _text_column(texts: Any) -> pa.Array:
    """Make one Arrow array of utf8, or of a dictionary of utf8, of a column of text."""
    if isinstance(texts, (str, bytes)):
        raise problem("WrongType", "a column of texts is needed, this is one text; give a list")
    try:
        column = texts if isinstance(texts, (pa.Array, pa.ChunkedArray)) else None
        if column is None:
            column = (
                pa.chunked_array(texts) if hasattr(texts, "__arrow_c_stream__") else pa.array(texts, from_pandas=True)
            )
        if isinstance(column, pa.ChunkedArray):
            column = column.combine_chunks()
            column = pa.concat_arrays(column.chunks) if isinstance(column, pa.ChunkedArray) else column
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        texts_of = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_null)
        if not any(test(kind) for test in texts_of):
            raise TypeError(f"it holds {kind}")
        if pa.types.is_dictionary(column.type) and column.dictionary.null_count == 0:
            return pa.DictionaryArray.from_arrays(
                pc.cast(column.indices, pa.int32()), pc.cast(column.dictionary, pa.string())
            )
        return pc.cast(column, pa.string())
    except (pa.ArrowException, TypeError, ValueError) as failure:
        raise problem("WrongType", f"this {type(texts).__name__} is no column of text: {failure}") from failure


def _macs() -> _core.MacTable | None:
    """Return the table of multiple allele codes that is installed, read once for every state of its file."""
    path = mac_file()
    if path is None:
        return None
    try:
        status = path.stat()
    except OSError:
        return None
    return _read_macs(path, status.st_size, status.st_mtime_ns, status.st_ino)


@lru_cache(maxsize=2)
def _read_macs(path: Path, size: int, changed: int, inode: int) -> _core.MacTable:
    """Open the binary form of the table in the user's cache or, where there is none yet, read its text and keep that form."""
    stamp = hashlib.blake2b(f"{path.resolve()}\0{size}\0{changed}\0{inode}".encode(), digest_size=16).hexdigest()
    compiled = cache_folder() / "compiled" / f"{stamp}.mac"
    with contextlib.suppress(FileAccessError):
        macs = _core.MacTable.from_cache(str(compiled))
        if macs is not None:
            return macs
    macs = _core.MacTable.from_text(str(path), mac_text(path))
    _keep(compiled, macs.to_cache())
    return macs


def _keep(path: Path, content: bytes) -> None:
    """Write a binary form into the cache, whole or not at all; a cache that cannot be written is no error."""
    with contextlib.suppress(OSError, AllomatchError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)  # private from the start
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(name).replace(path)
        except OSError:
            Path(name).unlink(missing_ok=True)


def _name(name: str) -> str:
    if not isinstance(name, str):
        raise problem("WrongType", f"an HLA name is text, this is {name!r}; give for example 'A*02:01'")
    return name.encode(errors="backslashreplace").decode()  # half a character is no name, and says so
