"""Installing: the official files of a release, and the NMDP's allele codes, put into the user's cache.

Files come from their publishers at pinned addresses, through pooch, or from a local copy. What comes is read as a whole before
it is used, its SHA-256 is recorded beside it, and it takes its name by one rename: whatever ends an install (an error, Ctrl-C,
a kill), there is the old release, the new one or none, never a part of one. Files are the user's own (0600, folders 0700).

A release never changes once it is published, so a second install must give the files of the first. The NMDP adds codes every
working day, so a second download of its list replaces the first.
"""

from __future__ import annotations

import errno
import itertools
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from allomatch import _core
from allomatch.errors import AllomatchError, problem
from allomatch.releases import (
    CHECKSUMS,
    FILES,
    MAC_NAMES,
    access_problem,
    cache_folder,
    checksum,
    is_release,
    mac_text,
    missing_files,
    recorded_checksums,
    release_files,
)

__all__ = ["MAC_ADDRESS", "RELEASE_ADDRESS", "install_macs", "install_release"]

# The branch of a release in the official repository of IPD-IMGT/HLA; {digits} is its name without dots (3.58.0: 3580).
RELEASE_ADDRESS = "https://raw.githubusercontent.com/ANHIG/IMGTHLA/{digits}/"
# The NMDP's list of multiple allele codes in numerical order.
MAC_ADDRESS = "https://hml.nmdp.org/mac/files/"
_MAC_FILE = "numer.v3.zip"

# What a killed install leaves is swept away by a later one, after this time.
_ABANDONED_SECONDS = 24 * 3600

Progress = Callable[[str], None]


def install_release(release: str, source: Path | None = None, *, progress: Progress | None = None) -> Path:
    """Put the official files of a release into the user's cache.

    Args:
        release: For example ``"3.58.0"``.
        source: A folder that holds ``Allelelist.txt``, ``wmda/hla_nom_p.txt``, ``wmda/hla_nom_g.txt`` and the others: a
            checkout of ANHIG/IMGTHLA at that release, or a folder ``imgt/<release>``. ``None`` downloads them from the
            release's branch of that repository. If it was installed before, they must be the same files.
        progress: Called with the name of each file before it is fetched.

    Returns:
        The folder in the cache.

    Raises:
        ReleaseNotFoundError: There is no such release.
        TypingError: A file is not what it should be; nothing is installed then, and an installed release stays.
        FileAccessError: A file is missing, or cannot be fetched or written.
    """
    if not is_release(release):
        raise problem("ReleaseNotFound", f"{release!r} is not the name of a release; it looks like 3.58.0")
    target = cache_folder() / "imgt" / release
    if source is not None and (missing := missing_files(source, release)):
        raise problem(
            "FileNotFound",
            f"{source} lacks {', '.join(missing)}; name a folder with the official files of IPD-IMGT/HLA {release}",
        )
    with _folder_in_the_making(target) as making:
        if source is not None:
            _copy_release(release, source, target, making, progress or _silent)
        else:
            _download_release(release, target, making, progress or _silent)
        # Files that cannot be read are not installed.
        _core.Nomenclature.from_files(release, release_files(making, release))
    return target


def install_macs(source: Path | None = None, *, progress: Progress | None = None) -> Path:
    """Put the NMDP's list of multiple allele codes into the user's cache, in place of the one there.

    Args:
        source: ``numer.v3`` or ``alpha.v3`` as the NMDP publishes it, ``.txt`` or ``.zip``; ``None`` downloads it.
        progress: Called with the name of the file before it is fetched.

    Returns:
        The file in the cache.

    Raises:
        ArgumentError: The file is not named as the NMDP's lists are.
        TypingError: The file holds no codes; nothing is installed then, and an installed list stays.
        FileAccessError: The file is missing, or cannot be fetched or written.
    """
    name = _MAC_FILE if source is None else source.name
    if not any(fnmatch(name, pattern) for pattern in MAC_NAMES):
        raise problem("InvalidArgument", f"{name} is not the name of a list of codes; known are {', '.join(MAC_NAMES)}")
    target = cache_folder() / "mac"
    with _folder_in_the_making(target) as making:
        (progress or _silent)(name)
        if source is None:
            if not _fetch(_publisher(MAC_ADDRESS, making, {name: None}), name):
                raise problem("IoFailed", f"{MAC_ADDRESS}{name} does not exist any more; use --from with a local copy")
        else:
            _write(making / name, _read_source(source))
        _core.MacTable.from_text(str(source or MAC_ADDRESS + name), mac_text(making / name))
    return target / name


def _silent(_: str) -> None:
    pass


def _copy_release(release: str, source: Path, installed: Path, making: Path, progress: Progress) -> None:
    recorded = _recorded_or_none(installed)
    texts = release_files(source, release)
    for file in FILES:
        found = file.find(source, release)
        known = next((recorded[path] for path in file.named(release) if path in recorded), None)
        if known is not None and (found is None or checksum(texts[file.role]) != known):
            raise _changed(str(found or source / file.paths[0]), installed)
        if found is not None:
            progress(found.name)
            _write(making / found.relative_to(source), texts[file.role])


def _download_release(release: str, installed: Path, making: Path, progress: Progress) -> None:
    recorded = _recorded_or_none(installed)
    address = RELEASE_ADDRESS.format(digits=release.replace(".", ""))
    publisher = _publisher(
        address, making, {path: recorded.get(path) for file in FILES for path in file.named(release)}
    )
    for file in FILES:
        progress(file.paths[0])
        try:
            found = any(_fetch(publisher, path) for path in file.named(release))
        except ValueError as error:  # pooch's word for a checksum that differs
            raise _changed(address + file.paths[0], installed) from error
        if file.required and not found:
            raise problem(
                "ReleaseNotFound",
                f"{address}{file.paths[0]} does not exist, so there is no IPD-IMGT/HLA release {release} to download; "
                "see https://github.com/ANHIG/IMGTHLA/branches, or use --from with a copy of its official files",
            )
    if lost := [path for path in recorded if not (making / path).exists()]:
        raise _changed(address + lost[0], installed)


def _recorded_or_none(installed: Path) -> dict[str, str]:
    """Return what an earlier install recorded, if that can still be read: an install must be able to mend a damaged one."""
    try:
        return recorded_checksums(installed) or {}
    except AllomatchError:
        return {}


def _changed(address: str, installed: Path) -> AllomatchError:
    return problem(
        "BadReleaseFile",
        f"{address} is not what was installed first: checksums differ; if its publisher says that it was "
        f"corrected, remove {installed} and install it again",
    )


def _publisher(address: str, folder: Path, known: dict[str, str | None]) -> Any:
    """Return a pooch that downloads files below an address into a folder, and checks them where their SHA-256 is known."""
    import pooch  # slow to import, and needed only here

    pooch.get_logger().setLevel("ERROR")  # it would report every file, and a checksum to write down
    return pooch.create(path=folder, base_url=address, registry=known)


def _fetch(publisher: Any, path: str) -> bool:
    """Download one file; False if its publisher does not have it. A file of another checksum is a ValueError."""
    import requests  # what pooch downloads with

    try:
        publisher.fetch(path)
    except requests.RequestException as error:
        if error.response is not None and error.response.status_code == 404:
            return False
        raise problem(
            "IoFailed",
            f"cannot download {publisher.get_url(path)}: {error}; check the network and try again, or use --from with a "
            "local copy",
        ) from error
    return True


@contextmanager
def _folder_in_the_making(target: Path) -> Iterator[Path]:
    """Yield an empty folder; when the block is left without an error, it gets its checksums and becomes `target`."""
    making: Path | None = None
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _sweep(target.parent)
        making = Path(tempfile.mkdtemp(prefix=".partial-", dir=target.parent))
        yield making
        recorded = {path.relative_to(making).as_posix(): checksum(path.read_bytes()) for path in _files(making)}
        _write(making / CHECKSUMS, json.dumps(recorded, indent=2).encode())
        for path in making.rglob("*"):
            path.chmod(0o700 if path.is_dir() else 0o600)
        _give_name(making, target)
    except AllomatchError:
        raise
    except OSError as error:
        raise access_problem(
            f"cannot install {target}", error, "free disk space or mend the permissions of the cache"
        ) from error
    finally:
        if making is not None:
            shutil.rmtree(making, ignore_errors=True)


def _give_name(making: Path, target: Path) -> None:
    """Rename `making` to `target`, in place of what is there, also while other installs do the same."""
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=target.parent) as aside:
        for attempt in itertools.count():
            # The old copy steps aside first, so that there is never half of one under the name.
            with suppress(FileNotFoundError):
                target.rename(Path(aside) / str(attempt))
            try:
                making.rename(target)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
                # Another install took the name in between, so that one is done: the number of attempts is theirs.
            else:
                return


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _read_source(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise access_problem(f"cannot read {path}", error, "name a file that can be read") from error


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(content)


def _sweep(folder: Path) -> None:
    """Remove what installs that were killed left behind; one that is still at work is younger."""
    for partial in folder.glob(".partial-*"):
        with suppress(FileNotFoundError):  # it may be done by now
            if time.time() - partial.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(partial, ignore_errors=True)
