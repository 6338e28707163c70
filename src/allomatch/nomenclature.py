"""Nomenclature: IPD-IMGT/HLA releases, and what an HLA name stands for under one.

A release is read from the official files. They are looked for in the folder that ``ALLOMATCH_DATA`` names and in the user's
cache, both laid out ``imgt/<release>/...``; they are never shipped with the package (licence CC BY-ND). Without any data
there is :meth:`Nomenclature.two_field`. A nomenclature is immutable and may be shared by threads.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import Literal

import platformdirs

from allomatch import _core
from allomatch.errors import problem

__all__ = ["LEVELS", "LOCI", "Level", "Nomenclature", "install", "releases"]

LOCI: tuple[str, ...] = _core.LOCI
Level = Literal["ard", "P", "G", "two-field", "first-field"]
LEVELS: tuple[Level, ...] = ("ard", "P", "G", "two-field", "first-field")

# What a release folder must hold to be read.
_FILES = ("Allelelist.txt", "wmda/hla_nom_p.txt", "wmda/hla_nom_g.txt")


def _folders() -> list[Path]:
    """Folders that may hold ``<release>/`` folders, in the order in which they are asked."""
    folders = []
    if data := os.environ.get("ALLOMATCH_DATA"):
        folders.append(Path(data) / "imgt")
    folders.append(Path(platformdirs.user_cache_dir("allomatch")) / "imgt")
    return folders


def _is_release(name: str) -> bool:
    return re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+", name) is not None


def releases() -> dict[str, Path]:
    """Return the releases that are installed, oldest first.

    Returns:
        Release -> folder, from ``ALLOMATCH_DATA`` first and then the user's cache.

    Example:
        >>> isinstance(releases(), dict)
        True
    """
    found: dict[str, Path] = {}
    for folder in _folders():
        if not folder.is_dir():
            continue
        for entry in folder.iterdir():
            if _is_release(entry.name) and all((entry / file).is_file() for file in _FILES):
                found.setdefault(entry.name, entry)
    return {name: found[name] for name in sorted(found, key=lambda name: tuple(map(int, name.split("."))))}


def install(release: str, source: Path) -> Path:
    """Copy the official files of a release into the user's cache.

    Args:
        release: For example ``"3.58.0"``.
        source: A folder that holds ``Allelelist.txt``, ``wmda/hla_nom_p.txt`` and ``wmda/hla_nom_g.txt``: a checkout of
            ANHIG/IMGTHLA at that release, or a folder ``imgt/<release>``.

    Returns:
        The folder in the cache.

    Raises:
        TypingError: The release name or a file is not what it should be; nothing is installed then.
        FileAccessError: A file is missing or cannot be copied.
    """
    if not _is_release(release):
        raise problem("ReleaseNotFound", f"{release!r} is not the name of a release; it looks like 3.58.0")
    missing = [file for file in _FILES if not (source / file).is_file()]
    if missing:
        raise problem(
            "FileNotFound",
            f"{source} lacks {', '.join(missing)}; name a folder with the official files of IPD-IMGT/HLA {release}",
        )
    Nomenclature.load(release, path=source)  # files that cannot be read are not installed
    target = Path(platformdirs.user_cache_dir("allomatch")) / "imgt" / release
    partial = target.with_name(f".{release}.{os.getpid()}.partial")
    try:
        for file in _FILES:
            (partial / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / file, partial / file)
        if target.exists():
            # The old copy steps aside first, so that there is never half a release under the name.
            old = partial.with_suffix(".old")
            target.rename(old)
            shutil.rmtree(old)
        partial.rename(target)
    except OSError as error:
        raise problem("IoFailed", f"cannot install release {release} in {target}: {error}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


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
        folder, release = _locate(release, None if path is None else Path(path))
        texts = []
        for file in _FILES:
            try:
                texts.append((folder / file).read_bytes())
            except OSError as error:
                kind = {FileNotFoundError: "FileNotFound", PermissionError: "PermissionDenied"}.get(
                    type(error), "IoFailed"
                )
                raise problem(
                    kind, f"cannot read {folder / file}: {error.strerror}; install the release again"
                ) from error
        return cls(_core.Nomenclature.from_files(release, *texts))

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


def _locate(release: str | None, path: Path | None) -> tuple[Path, str]:
    """Return the folder and the name of a release; see :meth:`Nomenclature.load`."""
    if path is not None:
        name = release or path.name
        for folder in (path, path / name, path / "imgt" / name):
            if (folder / _FILES[0]).is_file():
                return folder, name
        raise problem("ReleaseNotFound", f"{path} holds no IPD-IMGT/HLA release {name}: no {_FILES[0]} there")
    installed = releases()
    if release is None and installed:
        release = next(reversed(installed))
    if release in installed:
        return installed[release], release
    wanted = release or "3.58.0"
    raise problem(
        "ReleaseNotFound",
        f"IPD-IMGT/HLA release {wanted} is not installed (installed: {', '.join(installed) or 'none'}; looked in "
        f"{', '.join(map(str, _folders()))}); run 'allomatch nomenclature install {wanted} --from FOLDER' with a copy of its "
        "official files, or set ALLOMATCH_DATA",
    )
