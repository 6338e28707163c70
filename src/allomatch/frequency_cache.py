"""The cache of frequency sets: Arrow files in the user's cache folder, mapped into memory when they are opened.

A cached set is named ``<what>-<state>-<checksum>.arrow``: what was read (a path and the arguments that matter), the state in
which it was (size, times, as :func:`allomatch.releases.fingerprint` has it), and the CRC-32 of the cached bytes. So a source that
changed has another name, damage is noticed at opening, and the file itself is plain Arrow IPC. A cache is never needed: one that
cannot be read or written is none.
"""

from __future__ import annotations

import hashlib
import zlib
from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from allomatch import _core
from allomatch.errors import AllomatchError
from allomatch.formats import write_whole
from allomatch.releases import cache_folder

__all__ = ["find", "keep", "key_of"]

# Goes up when the same file would be read as something else.
_FORMAT = 1


def key_of(path: Path, population: str | None) -> str | None:
    """Return what a set is kept under; None for what is not kept: a folder, or a document with its data beside it.

    Args:
        path: The file.
        population: The population that was asked for.
    """
    try:
        status = path.stat()
    except OSError:
        return None
    if not path.is_file() or path.suffix.lower() == ".json":
        return None
    what = f"{path.resolve()}\0{population}"
    state = f"{_FORMAT}\0{_core.__version__}\0{status.st_size}\0{status.st_mtime_ns}\0{status.st_ino}"
    return f"{_digest(what)}-{_digest(state)}"


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=12).hexdigest()


def _folder() -> Path:
    return cache_folder() / "frequencies"


def find(key: str) -> pa.Table | None:
    """Return the table that is kept under a key, mapped into memory; None if there is none or it is damaged."""
    with suppress(OSError, pa.ArrowException, ValueError):
        for path in _folder().glob(f"{key}-*.arrow"):
            content = pa.memory_map(str(path)).read_buffer()
            if path.stem.rpartition("-")[2] == f"{zlib.crc32(content):08x}":
                return pa.ipc.open_file(content).read_all()
    return None


def keep(key: str, table: pa.Table) -> None:
    """Keep a table of one chunk under a key, in place of those of earlier states of the same file."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    content = sink.getvalue()
    with suppress(OSError, AllomatchError):
        folder = _folder()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        earlier = list(folder.glob(f"{key.partition('-')[0]}-*.arrow"))
        path = folder / f"{key}-{zlib.crc32(content):08x}.arrow"
        write_whole(path, lambda file: file.write(content))
        for other in earlier:
            if other != path:
                other.unlink(missing_ok=True)
