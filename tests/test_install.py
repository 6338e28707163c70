"""Releases and allele codes get into the user's cache whole and unchanged, or not at all: from a server, or from a copy."""

from __future__ import annotations

import gc
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import allomatch as am
from allomatch import install
from allomatch._core import ERROR_CODES
from allomatch.install import install_macs, install_release
from allomatch.releases import CHECKSUMS, FILES, fingerprint, mac_file, mac_text, release_files, releases
from made_up import full_release, small_release

# pooch does not close the connection of a download that failed; the socket goes with its last reference.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

ROLES = {file.role for file in FILES}
CODES = b'"LAST UPDATED: made up"\nCODE\tSUBTYPE\n\nAA\t01/02\nAB\t02:01/03:01\n'


class Publisher:
    """An HTTP server on this machine that serves a folder, and misbehaves where it is told to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.truncated: set[str] = set()
        self.broken: set[str] = set()
        self.stalled: set[str] = set()
        self.asked: list[str] = []
        self.stalling = threading.Event()
        publisher = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                publisher.asked.append(self.path)
                publisher.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        path = self.folder / handler.path.lstrip("/")
        if path.name in self.broken:
            handler.send_error(500)
        elif not path.is_file():
            handler.send_error(404)
        else:
            content = path.read_bytes()
            handler.send_response(200)
            handler.send_header("Content-Length", str(len(content)))
            handler.end_headers()
            if path.name in self.truncated:
                content = content[:-20]
            if path.name in self.stalled:
                handler.wfile.write(content[:-20])
                handler.wfile.flush()
                self.stalling.set()
                handler.rfile.read(1)  # until the client is gone
            else:
                handler.wfile.write(content)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's cache that is empty, and no ALLOMATCH_DATA."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("ALLOMATCH_DATA", raising=False)
    for proxy in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(proxy, raising=False)
    return tmp_path / "cache" / "allomatch"


@pytest.fixture
def publisher(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Publisher]:
    """The publishers' addresses lead to a server on this machine; 3.58.0 and the allele codes are there."""
    serving = Publisher(tmp_path / "published")
    full_release(serving.folder / "3580")
    with zipfile.ZipFile(serving.folder / "numer.v3.zip", "w") as archive:
        archive.writestr("numer.v3.txt", CODES)
    monkeypatch.setattr(install, "RELEASE_ADDRESS", serving.address + "{digits}/")
    monkeypatch.setattr(install, "MAC_ADDRESS", serving.address)
    thread = threading.Thread(target=serving.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield serving
    serving.server.shutdown()
    serving.server.server_close()
    thread.join()
    gc.collect()  # within this module, see pytestmark


def relative_files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


# --- releases from their publisher ------------------------------------------------------------------------------------


def test_the_addresses_are_the_official_ones() -> None:
    assert install.RELEASE_ADDRESS == "https://raw.githubusercontent.com/ANHIG/IMGTHLA/{digits}/"
    assert install.MAC_ADDRESS.startswith("https://hml.nmdp.org/")


def test_a_release_is_downloaded_with_its_checksums(publisher: Publisher, cache: Path) -> None:
    seen: list[str] = []
    folder = install_release("3.58.0", progress=seen.append)
    assert folder == cache / "imgt" / "3.58.0"
    assert releases() == {"3.58.0": folder}
    assert am.Nomenclature.load("3.58.0").allele_count == 4
    assert release_files(folder, "3.58.0") == release_files(publisher.folder / "3580", "3.58.0")
    assert release_files(folder, "3.58.0").keys() == ROLES
    assert set(json.loads((folder / CHECKSUMS).read_text())) == relative_files(folder) - {CHECKSUMS}
    assert len(seen) == len(FILES)


def test_what_is_installed_is_the_users_own(publisher: Publisher, cache: Path) -> None:
    before = os.umask(0o022)
    try:
        install_release("3.58.0")
        install_macs()
    finally:
        os.umask(before)
    for path in cache.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_optional_files_may_be_missing(publisher: Publisher, tmp_path: Path) -> None:
    shutil.rmtree(publisher.folder / "3580")
    small_release(publisher.folder / "3580")
    assert release_files(install_release("3.58.0"), "3.58.0").keys() == {"allele_list", "p_groups", "g_groups"}


@pytest.mark.parametrize("name", ["Allelelist.3580.txt", "allelelist/Allelelist.3580.txt"])
def test_the_allele_list_of_a_branch_may_say_its_release(name: str, publisher: Publisher) -> None:
    published = publisher.folder / "3580"
    (published / name).parent.mkdir(exist_ok=True)
    (published / "Allelelist.txt").rename(published / name)
    assert am.Nomenclature.load("3.58.0", path=published).allele_count == 4
    install_release("3.58.0")
    assert am.Nomenclature.load("3.58.0").allele_count == 4


def test_the_definitions_before_2026_are_taken_where_they_are(publisher: Publisher) -> None:
    published = full_release(publisher.folder / "3640", "3.64.0")
    (published / "wmda/pre2026").mkdir()
    for name in ("rel_dna_ser.txt", "rel_ser_ser.txt"):
        text = (published / "wmda" / name).read_text()
        (published / "wmda/pre2026" / name).write_text(text)
        (published / "wmda" / name).write_text(text + "# by the report of 2026\n")
    folder = install_release("3.64.0")
    for texts in (release_files(published, "3.64.0"), release_files(folder, "3.64.0")):
        assert b"2026" not in texts["dna_serology"] + texts["serology_relations"]
    # Without them, the files of the release itself.
    shutil.rmtree(published / "wmda/pre2026")
    assert b"2026" in release_files(published, "3.64.0")["dna_serology"]


def test_an_unknown_release_is_not_found(publisher: Publisher, cache: Path) -> None:
    with pytest.raises(am.ReleaseNotFoundError, match=r"no IPD-IMGT/HLA release 9\.99\.0 to download.*--from"):
        install_release("9.99.0")
    assert os.listdir(cache / "imgt") == []


@pytest.mark.parametrize("fault", ["truncated", "broken"])
@pytest.mark.parametrize("name", ["Allelelist.txt", "hla_nom_g.txt", "rel_ser_ser.txt", "dpb_tce.csv"])
def test_a_download_that_fails_installs_nothing(fault: str, name: str, publisher: Publisher, cache: Path) -> None:
    getattr(publisher, fault).add(name)
    with pytest.raises(am.FileAccessError, match=rf"{name}.*try again") as caught:
        install_release("3.58.0")
    assert caught.value.code == ERROR_CODES["IoFailed"]
    assert os.listdir(cache / "imgt") == []
    getattr(publisher, fault).clear()
    install_release("3.58.0")
    # Nor does it harm the release that is there.
    getattr(publisher, fault).add(name)
    with pytest.raises(am.FileAccessError):
        install_release("3.58.0")
    assert am.Nomenclature.load("3.58.0").allele_count == 4
    assert os.listdir(cache / "imgt") == ["3.58.0"]


def test_no_network_says_what_to_do(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "RELEASE_ADDRESS", "http://127.0.0.1:1/{digits}/")
    with pytest.raises(am.FileAccessError, match=r"127\.0\.0\.1:1/3580/Allelelist\.txt.*network.*--from"):
        install_release("3.58.0")


def test_a_published_file_of_another_release_is_not_installed(publisher: Publisher, cache: Path) -> None:
    full_release(publisher.folder / "3570", "3.58.0")
    with pytest.raises(am.TypingError, match=r"3\.58\.0"):
        install_release("3.57.0")
    assert os.listdir(cache / "imgt") == []


def test_a_second_download_must_give_the_same_files(publisher: Publisher, cache: Path) -> None:
    folder = install_release("3.58.0")
    published = publisher.folder / "3580/wmda/rel_ser_ser.txt"
    text = published.read_text()
    published.write_text(text.replace("23/24", "23/25"))
    with pytest.raises(am.TypingError, match=rf"rel_ser_ser\.txt.*checksums differ.*remove {folder}"):
        install_release("3.58.0")
    published.unlink()
    with pytest.raises(am.TypingError, match=r"rel_ser_ser\.txt.*checksums differ"):
        install_release("3.58.0")
    assert release_files(folder, "3.58.0")["serology_relations"] == text.encode()
    published.write_text(text)
    install_release("3.58.0")
    assert os.listdir(cache / "imgt") == ["3.58.0"]


def test_a_copy_must_give_the_same_files(publisher: Publisher, cache: Path) -> None:
    folder = install_release("3.58.0")
    source = publisher.folder / "3580"
    install_release("3.58.0", source)
    published = source / "wmda/rel_ser_ser.txt"
    text = published.read_text()
    published.write_text(text.replace("23/24", "23/25"))
    with pytest.raises(am.TypingError, match=rf"{published}.*checksums differ.*remove {folder}"):
        install_release("3.58.0", source)
    published.unlink()
    with pytest.raises(am.TypingError, match=r"rel_ser_ser\.txt.*checksums differ"):
        install_release("3.58.0", source)
    assert release_files(folder, "3.58.0")["serology_relations"] == text.encode()
    # What was not there the first time may come.
    (source / "wmda/rel_ser_ser.txt").write_text(text)
    (folder / "wmda/rel_ser_ser.txt").unlink()
    recorded = json.loads((folder / CHECKSUMS).read_text())
    recorded.pop("wmda/rel_ser_ser.txt")
    (folder / CHECKSUMS).write_text(json.dumps(recorded))
    install_release("3.58.0", source)
    assert "serology_relations" in release_files(folder, "3.58.0")


# --- checked ever after -----------------------------------------------------------------------------------------------


def test_a_file_that_changes_later_is_noticed_when_it_is_read(publisher: Publisher) -> None:
    folder = install_release("3.58.0")
    for path in sorted(folder.rglob("*.[tc][xs][tv]")):
        good = path.read_bytes()
        path.write_bytes(good.replace(b"01", b"02", 1) + b"\n")
        with pytest.raises(am.TypingError, match=rf"{path.name}.*checksum differs; install it again") as caught:
            am.Nomenclature.load("3.58.0")
        assert caught.value.code == ERROR_CODES["BadReleaseFile"]
        path.unlink()
        with pytest.raises((am.FileAccessError, am.ReleaseNotFoundError), match="install"):
            am.Nomenclature.load("3.58.0")
        path.write_bytes(good)
    am.Nomenclature.load("3.58.0")


def test_a_file_that_was_not_installed_is_noticed(publisher: Publisher) -> None:
    (publisher.folder / "3580/Nomenclature_2009.txt").unlink()
    folder = install_release("3.58.0")
    (folder / "Nomenclature_2009.txt").write_text("A*9999 A*02:01\n")
    with pytest.raises(am.TypingError, match=r"Nomenclature_2009\.txt"):
        am.Nomenclature.load("3.58.0")


@pytest.mark.parametrize("damage", ["", "[]", '{"Allelelist.txt": 1}', "\xff"])
def test_damaged_checksums_are_an_error_that_an_install_mends(damage: str, publisher: Publisher) -> None:
    folder = install_release("3.58.0")
    (folder / CHECKSUMS).write_text(damage, encoding="latin-1")
    with pytest.raises(am.TypingError, match=r"checksums\.json is damaged"):
        am.Nomenclature.load("3.58.0")
    install_release("3.58.0")
    am.Nomenclature.load("3.58.0")


def test_a_damaged_release_is_mended_by_another_install(publisher: Publisher) -> None:
    folder = install_release("3.58.0")
    (folder / "Allele_status.txt").write_text("damaged")
    install_release("3.58.0")
    assert release_files(folder, "3.58.0").keys() == ROLES


def test_a_fingerprint_follows_the_files(tmp_path: Path) -> None:
    folder = full_release(tmp_path / "3.58.0")
    first = fingerprint(folder, "3.58.0")
    assert first == fingerprint(folder, "3.58.0") != fingerprint(folder, "3.58.0", folder / "Allelelist.txt")
    text = (folder / "wmda/rel_ser_ser.txt").read_text()
    (folder / "wmda/rel_ser_ser.txt").write_text(text + "\n")
    second = fingerprint(folder, "3.58.0")
    (folder / "tce/dpb_tce.csv").unlink()
    assert len({first, second, fingerprint(folder, "3.58.0")}) == 3


# --- interrupted ------------------------------------------------------------------------------------------------------


def start_install(publisher: Publisher) -> subprocess.Popen[str]:
    """Run an install in a process of its own until it waits for the end of a stalled file."""
    publisher.stalled.add("rel_dna_ser.txt")
    code = (
        f"from allomatch import cli, install\ninstall.RELEASE_ADDRESS = {install.RELEASE_ADDRESS!r}\n"
        "import sys\nsys.argv = ['allomatch', 'nomenclature', 'install', '3.58.0']\ncli.main()"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert publisher.stalling.wait(60), process.communicate(timeout=60)
    return process


@pytest.mark.parametrize("installed", [False, True])
def test_ctrl_c_leaves_no_trace(installed: bool, publisher: Publisher, cache: Path) -> None:
    if installed:
        install_release("3.58.0")
    process = start_install(publisher)
    process.send_signal(signal.SIGINT)
    out, complaint = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "interrupted; every file is as it was before, or whole" in complaint
    assert os.listdir(cache / "imgt") == (["3.58.0"] if installed else [])


@pytest.mark.parametrize("installed", [False, True])
def test_a_killed_install_is_never_used_and_swept_away_later(
    installed: bool, publisher: Publisher, cache: Path
) -> None:
    if installed:
        install_release("3.58.0")
    process = start_install(publisher)
    process.kill()
    process.communicate(timeout=60)
    left = [path for path in (cache / "imgt").iterdir() if path.name != "3.58.0"]
    assert len(left) == 1
    assert list(releases()) == (["3.58.0"] if installed else [])
    publisher.stalled.clear()
    install_release("3.58.0")
    assert am.Nomenclature.load().release == "3.58.0"
    assert left[0].exists()  # another install may be at work there
    yesterday = time.time() - 25 * 3600
    os.utime(left[0], (yesterday, yesterday))
    install_release("3.58.0")
    assert os.listdir(cache / "imgt") == ["3.58.0"]


def test_installs_at_the_same_time_leave_one_whole_release(publisher: Publisher, cache: Path) -> None:
    failures: list[BaseException] = []

    def work() -> None:
        try:
            install_release("3.58.0")
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert os.listdir(cache / "imgt") == ["3.58.0"]
    assert release_files(cache / "imgt/3.58.0", "3.58.0").keys() == ROLES


@pytest.mark.parametrize("where", ["/proc", "/sys", "file"])
def test_a_cache_that_cannot_be_written(
    where: str, publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("where a folder should be")
    monkeypatch.setenv(
        "XDG_CACHE_HOME", str(tmp_path / where)
    )  # an absolute path stands alone; not even root writes there
    for call in (lambda: install_release("3.58.0"), install_macs):
        with pytest.raises(am.FileAccessError, match=r"cannot install .*permissions"):
            call()


# --- multiple allele codes --------------------------------------------------------------------------------------------


def test_codes_are_downloaded_and_replaced(publisher: Publisher, cache: Path) -> None:
    assert mac_file() is None
    path = install_macs()
    assert path == cache / "mac/numer.v3.zip" == mac_file()
    assert mac_text(path) == CODES
    # The list grows every working day.
    with zipfile.ZipFile(publisher.folder / "numer.v3.zip", "w") as archive:
        archive.writestr("numer.v3.txt", CODES + b"AC\t01/03\n")
    assert mac_text(install_macs()) == CODES + b"AC\t01/03\n"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(am.TypingError, match=r"numer\.v3\.zip.*checksum differs"):
        mac_text(path)


@pytest.mark.parametrize("name", ["numer.v3.txt", "alpha.v3.txt", "alpha.v3.zip", "numer.v3.2026.txt"])
def test_codes_from_a_file(name: str, cache: Path, tmp_path: Path) -> None:
    source = tmp_path / name
    if name.endswith("zip"):
        with zipfile.ZipFile(source, "w") as archive:
            archive.writestr("alpha.v3.txt", CODES)
    else:
        source.write_bytes(CODES)
    assert mac_text(install_macs(source)) == CODES
    other = tmp_path / "numer.v3.other.txt"
    other.write_bytes(CODES + b"AC\t01/03\n")
    install_macs(other)
    assert mac_file() == cache / "mac/numer.v3.other.txt"
    assert relative_files(cache / "mac") == {"numer.v3.other.txt", CHECKSUMS}


def test_the_data_folder_comes_first_and_the_whole_list_before_a_part(
    publisher: Publisher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = install_macs()
    mine = tmp_path / "data/mac"
    mine.mkdir(parents=True)
    monkeypatch.setenv("ALLOMATCH_DATA", str(tmp_path / "data"))
    assert mac_file() == installed
    for name in ("alpha.v3.zip", "alpha.v3.txt", "numer.v3.subset.txt", "numer.v3.txt"):
        (mine / name).write_bytes(CODES)
        assert mac_file() == mine / name


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("codes.txt", CODES, "numer.v3"),
        ("numer.v3.txt", b"", "no allele codes"),
        ("numer.v3.txt", b"<html>moved</html>", "no allele codes"),
        ("numer.v3.txt", CODES[:-4], "cut short"),
        ("numer.v3.txt", CODES + b"AC\t01401/02\n", r"numer\.v3\.txt':6: .*01401/02"),
        ("numer.v3.txt", CODES + b"AC\t02:01/02\n", "02:01/02"),
        ("numer.v3.txt", CODES + b"AC\t01/\n", "01/"),
        ("numer.v3.txt", CODES + b"AC\t01NN\n", "01NN"),
        ("numer.v3.txt", CODES + b"AC\t02:01:01/02:02\n", "02:01:01"),
        ("numer.v3.txt", CODES + b"AC\t\n", "AC"),
        ("numer.v3.txt", CODES + b"AA\t01/03\n", "code AA twice"),
        ("numer.v3.txt", CODES.replace(b"01/02", b"65537/02"), "65537"),
        ("numer.v3.zip", CODES, "not a zip file"),
    ],
)
def test_files_that_are_no_list_of_codes(name: str, content: bytes, words: str, cache: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises((am.ArgumentError, am.TypingError), match=words):
        install_macs(tmp_path / name)
    with pytest.raises(FileNotFoundError, match="none"):
        install_macs(tmp_path / "none/numer.v3.txt")
    assert mac_file() is None


def test_zip_files_that_are_damaged_or_hold_something_else(tmp_path: Path) -> None:
    path = tmp_path / "numer.v3.zip"
    for names in ([], ["a.txt", "b.txt"], ["a.csv"]):
        with zipfile.ZipFile(path, "w") as archive:
            for name in names:
                archive.writestr(name, CODES)
        with pytest.raises(am.TypingError, match="not one list of codes"):
            mac_text(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("numer.v3.txt", CODES)
    content = path.read_bytes()
    path.write_bytes(content.replace(CODES, CODES[::-1], 1))
    with pytest.raises(am.TypingError, match="cannot be unpacked"):
        mac_text(path)


def test_a_missing_or_cut_list_of_codes(publisher: Publisher, cache: Path) -> None:
    publisher.truncated.add("numer.v3.zip")
    with pytest.raises(am.FileAccessError, match="try again"):
        install_macs()
    (publisher.folder / "numer.v3.zip").unlink()
    with pytest.raises(am.FileAccessError, match=r"does not exist any more.*--from"):
        install_macs()
    assert mac_file() is None
