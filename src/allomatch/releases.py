"""Releases: where the official files of IPD-IMGT/HLA and of the NMDP lie on this machine.

They are looked for in the folder that ``ALLOMATCH_DATA`` names and in the user's cache, both laid out ``imgt/<release>/...``
and ``mac/...``; they are never shipped with the package (licence CC BY-ND). A folder that was installed holds the SHA-256 of
its files beside them (:data:`CHECKSUMS`): these are checked whenever the files are read, so that a damaged or edited file is
an error and never another meaning. A folder without them (a checkout, ``ALLOMATCH_DATA``) is its owner's business.
"""

from __future__ import annotations

import fnmatch
import hashlib
import io
import json
import os
import re
import zipfile
from pathlib import Path
from typing import NamedTuple

import platformdirs

from allomatch.errors import AllomatchError, problem

__all__ = [
    "CHECKSUMS",
    "FILES",
    "MAC_NAMES",
    "ReleaseFile",
    "access_problem",
    "cache_folder",
    "checksum",
    "find_release",
    "fingerprint",
    "is_release",
    "mac_file",
    "mac_text",
    "missing_files",
    "recorded_checksums",
    "release_files",
    "releases",
]

CHECKSUMS = "checksums.json"

# What the NMDP calls its lists, best first: in numerical or alphabetical order, text before zip files.
MAC_NAMES = ("numer.v3*.txt", "alpha.v3*.txt", "numer.v3*.zip", "alpha.v3*.zip")

# More than ten times the NMDP's list of today; a zip file that says more is refused before it fills the memory.
_MOST_MAC_BYTES = 1 << 31
_MACS_AGAIN = "run 'allomatch nomenclature install-macs' again"


class ReleaseFile(NamedTuple):
    """A file of a release, by its role.

    Attributes:
        role: What it is for the core, for example ``"p_groups"``.
        paths: Where it may lie in a release's folder, first come first served; ``{digits}`` is the release without dots.
        required: Whether a release cannot be read without it.
    """

    role: str
    paths: tuple[str, ...]
    required: bool = False

    def find(self, folder: Path, release: str) -> Path | None:
        """Return the file of this role in a folder, or None."""
        candidates = (folder / path for path in self.named(release))
        return next((path for path in candidates if os.path.lexists(path)), None)

    def named(self, release: str) -> tuple[str, ...]:
        """Return the paths for a release, the dots of whose name are left out in file names."""
        return tuple(path.format(digits=release.replace(".", "")) for path in self.paths)


# From 3.64 on, wmda/rel_*.txt follow the 2026 nomenclature report; the files by the definitions before it, which are what
# the rules of serology were written for, lie under wmda/pre2026/.
FILES: tuple[ReleaseFile, ...] = (
    ReleaseFile(
        "allele_list", ("Allelelist.txt", "Allelelist.{digits}.txt", "allelelist/Allelelist.{digits}.txt"), True
    ),
    ReleaseFile("p_groups", ("wmda/hla_nom_p.txt",), True),
    ReleaseFile("g_groups", ("wmda/hla_nom_g.txt",), True),
    ReleaseFile("deleted", ("Deleted_alleles.txt",)),
    ReleaseFile("status", ("Allele_status.txt",)),
    ReleaseFile("old_names", ("Nomenclature_2009.txt",)),
    ReleaseFile("dna_serology", ("wmda/pre2026/rel_dna_ser.txt", "wmda/rel_dna_ser.txt")),
    ReleaseFile("serology_relations", ("wmda/pre2026/rel_ser_ser.txt", "wmda/rel_ser_ser.txt")),
    ReleaseFile("tce", ("tce/dpb_tce.csv",)),
)


def cache_folder() -> Path:
    """Return the user's cache: ``imgt/<release>/`` and ``mac/`` as installed, ``compiled/`` for their binary forms."""
    return Path(platformdirs.user_cache_dir("allomatch"))


def _data_folders() -> list[Path]:
    """Return the folders that may hold ``imgt/`` and ``mac/``, in the order in which they are asked."""
    data = os.environ.get("ALLOMATCH_DATA")
    return [Path(data), cache_folder()] if data else [cache_folder()]


def is_release(name: str) -> bool:
    """Say whether a text is the name of a release.

    Example:
        >>> is_release("3.58.0"), is_release("3.58")
        (True, False)
    """
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
    for data in _data_folders():
        folder = data / "imgt"
        if not folder.is_dir():
            continue
        for entry in folder.iterdir():
            if is_release(entry.name) and not missing_files(entry, entry.name):
                found.setdefault(entry.name, entry)
    return {name: found[name] for name in sorted(found, key=lambda name: tuple(map(int, name.split("."))))}


def missing_files(folder: Path, release: str) -> list[str]:
    """Return the required files that a folder lacks."""
    found = {file: file.find(folder, release) for file in FILES if file.required}
    return [file.paths[0] for file, path in found.items() if path is None or not path.is_file()]


def find_release(release: str | None, path: Path | None) -> tuple[Path, str]:
    """Return the folder and the name of a release.

    Args:
        release: For example ``"3.58.0"``; ``None`` means the newest one that is installed.
        path: A folder with the files of this release, or one laid out ``imgt/<release>/`` or ``<release>/``; ``None`` looks
            in ``ALLOMATCH_DATA`` and in the user's cache.

    Raises:
        ReleaseNotFoundError: The release is not there; the message gives the install command.
    """
    if path is not None:
        name = release or path.name
        for folder in (path, path / name, path / "imgt" / name):
            if FILES[0].find(folder, name) is not None:
                return folder, name
        found = f"no {FILES[0].paths[0]} there" if path.is_dir() else "no such folder"
        raise problem(
            "ReleaseNotFound",
            f"{path} holds no IPD-IMGT/HLA release {name}: {found}; name the folder of its official files, or one laid out "
            "imgt/<release>/",
        )
    installed = releases()
    if release is None and installed:
        release = next(reversed(installed))
    if release in installed:
        return installed[release], release
    wanted = release or "3.58.0"
    raise problem(
        "ReleaseNotFound",
        f"IPD-IMGT/HLA release {wanted} is not installed (installed: {', '.join(installed) or 'none'}; looked in "
        f"{', '.join(str(data / 'imgt') for data in _data_folders())}); run 'allomatch nomenclature install {wanted}', or "
        f"'allomatch nomenclature install {wanted} --from FOLDER' with a copy of its official files, or set ALLOMATCH_DATA",
    )


def release_files(folder: Path, release: str) -> dict[str, bytes]:
    """Read the files of a release.

    Args:
        folder: Its folder, see :func:`find_release`.
        release: Its name.

    Returns:
        Role (see :data:`FILES`) -> bytes; an optional file that is not there is left out.

    Raises:
        FileAccessError: A required file is missing, or a file cannot be read.
        TypingError: A file is not what was installed.
    """
    recorded = recorded_checksums(folder)
    texts = {}
    for file in FILES:
        path = file.find(folder, release)
        if path is not None:
            texts[file.role] = _read_checked(path, folder, recorded)
        elif file.required or (recorded is not None and not recorded.keys().isdisjoint(file.named(release))):
            raise problem("FileNotFound", f"{folder} lacks {file.paths[0]}; install the release again")
    return texts


def fingerprint(folder: Path, release: str, *others: Path) -> str:
    """Return a text that changes when a file of a release does; it reads no file, so it costs microseconds.

    Args:
        folder: The folder of the release.
        release: Its name.
        others: Further files, such as that of the MACs.

    Returns:
        32 hexadecimal digits from the names, sizes and times of change; what a binary form is filed under.
    """
    digest = hashlib.blake2b(digest_size=16)
    for path in (*(file.find(folder, release) for file in FILES), *others):
        if path is not None:
            try:
                status = path.stat()
            except OSError as error:
                raise access_problem(
                    f"cannot read {path}", error, "install it again or mend its permissions"
                ) from error
            digest.update(f"{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ino}\n".encode())
    return digest.hexdigest()


def mac_file() -> Path | None:
    """Return the NMDP's list of multiple allele codes, from ``ALLOMATCH_DATA`` first and then the user's cache, or None.

    In a folder the first of :data:`MAC_NAMES` is taken, of several the one with the shortest name.
    """
    for data in _data_folders():
        try:
            names = [path.name for path in (data / "mac").iterdir()]
        except OSError:  # not there, or not to be entered: then no codes are known, which typings with codes say
            continue
        for pattern in MAC_NAMES:
            found = sorted(fnmatch.filter(names, pattern), key=lambda name: (len(name), name))
            if found:
                return data / "mac" / found[0]
    return None


def mac_text(path: Path) -> bytes:
    """Read a list of multiple allele codes, zipped or not.

    Args:
        path: ``numer.v3`` or ``alpha.v3``, text or a zip file that holds the text.

    Raises:
        FileAccessError: The file cannot be read.
        TypingError: It is not what was installed, or not a zip file with one list in it.
    """
    content = _read_checked(path, path.parent, recorded_checksums(path.parent))
    if not zipfile.is_zipfile(io.BytesIO(content)):
        if path.suffix == ".zip":
            raise problem("BadReleaseFile", f"{path} is not a zip file; {_MACS_AGAIN}")
        return content
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            texts = [member for member in archive.infolist() if member.filename.endswith(".txt")]
            if len(texts) != 1 or texts[0].file_size > _MOST_MAC_BYTES:
                raise problem(
                    "BadReleaseFile", f"{path} holds {len(texts)} texts, not one list of codes; {_MACS_AGAIN}"
                )
            return archive.read(texts[0])
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError) as error:
        raise problem("BadReleaseFile", f"{path} cannot be unpacked: {error}; {_MACS_AGAIN}") from error


def checksum(content: bytes) -> str:
    """Return what :data:`CHECKSUMS` records of a file: its SHA-256 in hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def recorded_checksums(folder: Path) -> dict[str, str] | None:
    """Return the checksums beside the files of an installed folder, by relative path; None where none were recorded."""
    path = folder / CHECKSUMS
    if not path.exists():
        return None
    try:
        recorded = json.loads(_read(path))
    except ValueError:
        recorded = None
    if not isinstance(recorded, dict) or not all(isinstance(value, str) for value in recorded.values()):
        raise problem("BadReleaseFile", f"{path} is damaged; install it again")
    return recorded


def _read_checked(path: Path, folder: Path, recorded: dict[str, str] | None) -> bytes:
    content = _read(path)
    if recorded is not None and recorded.get(path.relative_to(folder).as_posix()) != checksum(content):
        raise problem(
            "BadReleaseFile", f"{path} is not the file that was installed: its checksum differs; install it again"
        )
    return content


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise access_problem(f"cannot read {path}", error, "install it again or mend its permissions") from error


def access_problem(what: str, error: OSError, remedy: str) -> AllomatchError:
    """Make the error of a file operation that the system refused."""
    kinds = {FileNotFoundError: "FileNotFound", PermissionError: "PermissionDenied"}
    return problem(kinds.get(type(error), "IoFailed"), f"{what}: {error.strerror or error}; {remedy}")
