"""py-ard and py-hla-match, fed from the release and the allele codes of this machine.

What: `py_ard(...)` and `py_hla_match(...)` return them ready to be asked. Invariants: nothing is fetched from the network; both
read the release that allomatch reads, so that their answers can be compared. Why through `urllib`: py-ard makes its database from
what it downloads, and takes no folder of files; an opener that answers its requests from the folder needs no change to it.
"""

from __future__ import annotations

import email.message
import io
import json
import os
import urllib.error
import urllib.request
import urllib.response
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from allomatch.releases import find_release, mac_file, mac_text

__all__ = ["py_ard", "py_hla_match"]


class _FromFolder(urllib.request.BaseHandler):
    """Answers what py-ard asks of GitHub and the NMDP."""

    handler_order = 100  # before those of the network

    def __init__(self, folder: Path, release: str, macs: Path | None) -> None:
        self._folder = folder
        self._digits = release.replace(".", "")
        self._macs = macs

    def _content(self, url: str) -> bytes | None:
        if url.startswith("https://api.github.com/"):  # the branches of the official repository
            return json.dumps([{"name": self._digits}]).encode()
        if "/mac/" in url:
            packed = io.BytesIO()
            with zipfile.ZipFile(packed, "w") as archive:
                archive.writestr("numer.v3.txt", mac_text(self._macs) if self._macs else b"\n\n\n")
            return packed.getvalue()
        name = url.split("/ANHIG/IMGTHLA/")[-1].split("/", 1)[1]
        path = self._folder / ("Allelelist.txt" if name.startswith("allelelist/") else name)
        return path.read_bytes() if path.is_file() else None

    def https_open(self, request: urllib.request.Request) -> urllib.response.addinfourl:
        content = self._content(request.full_url)
        head = email.message.Message()
        if content is None:
            raise urllib.error.HTTPError(request.full_url, 404, "not in the folder", head, io.BytesIO())
        answer = urllib.response.addinfourl(io.BytesIO(content), head, request.full_url, 200)
        answer.msg = "OK"  # type: ignore[attr-defined]
        return answer


@contextmanager
def _offline(release: str) -> Iterator[None]:
    folder, release = find_release(release, None)
    urllib.request.install_opener(urllib.request.build_opener(_FromFolder(folder, release, mac_file())))
    rc = os.environ.get("PYARD_RC")
    os.environ["PYARD_RC"] = "no"  # not the settings of whoever runs this
    try:
        yield
    finally:
        urllib.request.install_opener(urllib.request.build_opener())
        if rc is None:
            del os.environ["PYARD_RC"]
        else:
            os.environ["PYARD_RC"] = rc


def py_ard(release: str, folder: Path, cache_size: int | None = None) -> Any:
    """py-ard for a release; the first call in a folder makes its database, half a minute.

    Args:
        release: For example ``"3.58.0"``.
        folder: Where its database is kept.
        cache_size: How many reductions it remembers; None for its default, 1,000.
    """
    import pyard

    folder.mkdir(parents=True, exist_ok=True)
    with _offline(release):
        given = {} if cache_size is None else {"cache_size": cache_size}
        return pyard.init(release.replace(".", ""), data_dir=str(folder), load_mac=True, **given)


def py_hla_match(release: str, folder: Path) -> Any:
    """The module `py_hla_match.matching`, set to a release; it uses py-ard's database in `folder`."""
    from py_hla_match import config, matching

    py_ard(release, folder)
    with _offline(release):
        config.set_config(config.HLAMatchConfig(ard_imgt_version=release.replace(".", ""), ard_data_dir=str(folder)))
        matching.get_ard_instance()
    return matching
