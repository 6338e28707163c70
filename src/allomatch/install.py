"""Installing: the official files of a release, and the NMDP's allele codes, put into the user's cache.

Files come from their publishers at pinned addresses, through pooch, or from a local copy. What comes is read as a whole before
it is used, its SHA-256 is recorded beside it, and it takes its name by one rename: whatever ends an install (an error, Ctrl-C,
a kill), there is the old release, the new one or none, never a part of one. Files are the user's own (0600, folders 0700).
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from allomatch.errors import problem
from allomatch.nomenclature import Nomenclature
from allomatch.releases import (
    CHECKSUMS,
    FILES,
    access_problem,
    cache_folder,
    checksum,
    is_release,
    missing_files,
    release_files,
)

__all__ = ["install_release"]

# What a killed install leaves is swept away by a later one, after this time.
_ABANDONED_SECONDS = 24 * 3600


def install_release(release: str, source: Path) -> Path:
    """Copy the official files of a release into the user's cache.

    Args:
        release: For example ``"3.58.0"``.
        source: A folder that holds ``Allelelist.txt``, ``wmda/hla_nom_p.txt``, ``wmda/hla_nom_g.txt`` and the others: a
            checkout of ANHIG/IMGTHLA at that release, or a folder ``imgt/<release>``.

    Returns:
        The folder in the cache.

    Raises:
        TypingError: The release name or a file is not what it should be; nothing is installed then.
        FileAccessError: A file is missing or cannot be copied.
    """
    if not is_release(release):
        raise problem("ReleaseNotFound", f"{release!r} is not the name of a release; it looks like 3.58.0")
    if missing := missing_files(source, release):
        raise problem(
            "FileNotFound",
            f"{source} lacks {', '.join(missing)}; name a folder with the official files of IPD-IMGT/HLA {release}",
        )
    Nomenclature.load(release, path=source)  # files that cannot be read are not installed
    texts = release_files(source, release)
    with _folder_in_the_making(cache_folder() / "imgt" / release) as making:
        for file in FILES:
            if file.role in texts:
                found = file.find(source, release)
                assert found is not None
                _write(making / found.relative_to(source), texts[file.role])
    return cache_folder() / "imgt" / release


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
        if target.exists():
            # The old copy steps aside first, so that there is never half of one under the name.
            aside = Path(tempfile.mkdtemp(prefix=".partial-", dir=target.parent))
            target.rename(aside / target.name)
            shutil.rmtree(aside)
        making.rename(target)
    except OSError as error:
        raise access_problem(
            f"cannot install {target}", error, "free disk space or mend the permissions of the cache"
        ) from error
    finally:
        if making is not None:
            shutil.rmtree(making, ignore_errors=True)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.write_bytes(content)


def _sweep(folder: Path) -> None:
    """Remove what installs that were killed left behind; one that is still at work is younger."""
    for partial in folder.glob(".partial-*"):
        with_age = time.time() - partial.stat().st_mtime
        if with_age > _ABANDONED_SECONDS:
            shutil.rmtree(partial, ignore_errors=True)
