"""Registry files against everything that happens to files: damage, death, full disks, folders that refuse.

What: a file is whole or not there, the old one stays whatever stops the new one, and any damage is named. Real
processes are killed, interrupted and run out of space. Why: donors typed over forty years are in these files.
"""

from __future__ import annotations

import os
import random
import resource
import signal
import stat
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import allomatch as am
from allomatch._core import ERROR_CODES

GL = "A*01:01+A*02:01"
ROOT = os.geteuid() == 0


def donors(n: int = 40) -> pa.Table:
    return pa.table(
        {
            "donor_id": [f"D{i}" for i in range(n)],
            "gl": [
                f"A*{i % 7 + 1:02}:01+A*02:{i % 5 + 1:02}|A*01:01+A*03:01^B*07:02+B*08:{i % 3 + 1:02}" for i in range(n)
            ],
            "birth_year": [None if i % 4 == 0 else 1950 + i % 50 for i in range(n)],
            "tnc_e7": [None if i % 2 else float(i) for i in range(n)],
            "sex": ["FM"[i % 2] for i in range(n)],
            "ethnicity": [f"group {i % 11}" for i in range(n)],
        }
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A registry of 40 donors, alone in its folder."""
    folder = tmp_path / "home"
    folder.mkdir()
    am.Registry.create(folder / "r.allo").add(donors())
    return folder / "r.allo"


@pytest.fixture
def one_more() -> pa.Table:
    return pa.table({"donor_id": ["one more"], "gl": [GL]})


def code_of_opening(path: Path, validate: Any = "full") -> int:
    with pytest.raises(am.FileFormatError) as caught:
        am.Registry.open(path, validate=validate)
    assert repr(str(path)) in str(caught.value)
    return caught.value.code


def only_file(path: Path) -> bool:
    return os.listdir(path.parent) == [path.name]


# --- damage ---------------------------------------------------------------------------------------------------------


def blocks_of(path: Path) -> dict[str, tuple[int, int]]:
    layout: dict[str, tuple[int, int]] = am.Registry.open(path)._snapshot.segment.layout()["blocks"]
    return layout


def test_every_block_with_a_flipped_bit_is_named(path: Path) -> None:
    whole = path.read_bytes()
    blocks = blocks_of(path)
    assert len(blocks) > 20
    chance = random.Random(1)
    broken = path.with_name("broken.allo")
    for name, (offset, size) in blocks.items():
        assert size > 0
        for place in {offset, offset + size - 1, offset + chance.randrange(size)}:
            damaged = bytearray(whole)
            damaged[place] ^= 1 << chance.randrange(8)
            broken.write_bytes(damaged)
            with pytest.raises(am.FileFormatError) as caught:
                am.Registry.open(broken, validate="full")
            assert caught.value.code == ERROR_CODES["ChecksumMismatch"]
            assert f"block '{name}'" in str(caught.value)
            assert "restore" in str(caught.value)


SEARCH_DAMAGED = """
import sys, allomatch as am
print("adding", flush=True)
for path in sys.argv[1:]:
    print(path, flush=True)
    try:
        registry = am.Registry.open(path)
        hits = registry.search("A*01:01+A*02:01^B*07:02+B*08:01", ["A", "B"], max_mismatches=4)
        hits.to_arrow().to_pylist()
        [hit.explain() for hit in hits]
        registry.unknown_typings()
    except (am.AllomatchError, UnicodeDecodeError):
        pass
print("survived")
"""


def test_a_damaged_file_that_was_opened_without_validation_never_crashes(path: Path) -> None:
    # The default trusts the large blocks: what it finds there may be wrong, but must not take the process down.
    whole = path.read_bytes()
    copies = []
    for number, (name, (offset, size)) in enumerate(blocks_of(path).items()):
        for place, bit in ((offset + size // 2, 0x80), (offset + size - 1, 0x80), (offset + number % size, 1)):
            damaged = bytearray(whole)
            damaged[place] ^= bit
            copies.append(path.with_name(f"{name}.{place}.{bit}"))
            copies[-1].write_bytes(damaged)
    code = [sys.executable, "-c", SEARCH_DAMAGED, *map(str, copies)]
    done = subprocess.run(code, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, (done.returncode, done.stdout.splitlines()[-1], done.stderr[-300:])
    assert done.stdout.endswith("survived\n")


def test_every_bit_of_the_head_and_the_whole_directory_counts(path: Path) -> None:
    whole = path.read_bytes()
    directory = struct.unpack_from("<Q", whole, 24)[0]
    assert directory + 64 * len(blocks_of(path)) == len(whole)
    broken = path.with_name("broken.allo")
    flips = [(place, 1 << bit) for place in range(64) for bit in range(8)]
    flips += [(place, 1 << place % 8) for place in range(directory, len(whole), 7)]
    kinds = set()
    for place, bit in flips:
        damaged = bytearray(whole)
        damaged[place] ^= bit
        broken.write_bytes(damaged)
        kinds.add(code_of_opening(broken, "header"))
    assert kinds == {ERROR_CODES[name] for name in ("NotARegistry", "NewerFormat", "ChecksumMismatch")}


def test_a_flipped_bit_between_the_blocks_is_found(path: Path) -> None:
    # verify says "every byte": padding is zeros.
    whole = path.read_bytes()
    used = {0}
    for offset, size in blocks_of(path).values():
        used.update(range(offset, offset + size))
    directory = struct.unpack_from("<Q", whole, 24)[0]
    padding = next(place for place in range(64, directory) if place not in used)
    damaged = bytearray(whole)
    damaged[padding] ^= 1
    path.write_bytes(damaged)
    assert code_of_opening(path) in (ERROR_CODES["ChecksumMismatch"], ERROR_CODES["CorruptFile"])


@pytest.mark.parametrize("validate", ["header", "full"])
def test_a_file_cut_short_or_continued(path: Path, validate: str) -> None:
    whole = path.read_bytes()
    broken = path.with_name("broken.allo")
    chance = random.Random(2)
    lengths = [*range(0, 130), len(whole) - 1, len(whole) - 64, *(chance.randrange(len(whole)) for _ in range(60))]
    for length in lengths:
        broken.write_bytes(whole[:length])
        expected = "NotARegistry" if length < 8 else "TruncatedFile"
        assert code_of_opening(broken, validate) == ERROR_CODES[expected], length
    broken.write_bytes(whole + b"\0")
    assert code_of_opening(broken, validate) == ERROR_CODES["TruncatedFile"]


def test_a_file_full_of_holes(path: Path) -> None:
    # What a file system may leave after a power cut: the right length, and zeros.
    whole = path.read_bytes()
    path.write_bytes(bytes(len(whole)))
    assert code_of_opening(path, "header") == ERROR_CODES["NotARegistry"]
    path.write_bytes(whole[:64] + bytes(len(whole) - 64))
    assert code_of_opening(path, "header") == ERROR_CODES["ChecksumMismatch"]


def test_a_newer_version_says_upgrade(path: Path) -> None:
    whole = bytearray(path.read_bytes())
    for version in (2, 3, 2**32 - 1):
        struct.pack_into("<I", whole, 8, version)
        path.write_bytes(whole)
        with pytest.raises(am.FileFormatError, match=f"version {version}.*upgrade") as caught:
            am.Registry.open(path)
        assert caught.value.code == ERROR_CODES["NewerFormat"]


@pytest.mark.parametrize(
    "content",
    [b"", b"\0", b"PAR1" + bytes(100), b"donor_id,gl\nD1,A*01:01+A*02:01\n", b"ALLOSEG", b"alloseg\n" + bytes(200)],
)
def test_a_file_that_is_not_ours(content: bytes, path: Path, one_more: pa.Table) -> None:
    registry = am.Registry.open(path)
    path.write_bytes(b"")  # not in place: the mapping of the open registry is of the old bytes
    path.unlink()
    path.write_bytes(content)
    assert code_of_opening(path, "header") == ERROR_CODES["NotARegistry"]
    with pytest.raises(am.FileFormatError):
        registry.add(one_more)
    assert path.read_bytes() == content
    assert only_file(path)


def test_adding_to_a_damaged_file_is_refused_and_changes_nothing(path: Path, one_more: pa.Table) -> None:
    registry = am.Registry.open(path)
    offset, _ = blocks_of(path)["donors.ids.text"]
    damaged = bytearray(path.read_bytes())
    damaged[offset] ^= 1
    path.unlink()
    path.write_bytes(damaged)
    with pytest.raises(am.FileFormatError, match=r"donors\.ids\.text"):
        registry.add(one_more)
    assert path.read_bytes() == damaged


# --- names, folders, permissions ------------------------------------------------------------------------------------


def test_a_file_is_private_and_alone(path: Path, one_more: pa.Table) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    am.Registry.open(path).add(one_more)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert only_file(path)


def test_a_private_file_even_under_a_generous_umask(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        am.Registry.create(tmp_path / "r.allo").add(donors())
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "r.allo").stat().st_mode) == 0o600


def test_create_never_replaces(path: Path) -> None:
    whole = path.read_bytes()
    with pytest.raises(FileExistsError) as caught:
        am.Registry.create(path)
    assert isinstance(caught.value, am.FileAccessError)
    assert caught.value.code == ERROR_CODES["AlreadyExists"]
    assert path.read_bytes() == whole


def test_a_missing_folder_or_file(tmp_path: Path) -> None:
    for call in (am.Registry.create, am.Registry.open):
        with pytest.raises(FileNotFoundError, match="nowhere") as caught:
            call(tmp_path / "nowhere" / "r.allo")
        assert isinstance(caught.value, am.FileAccessError)
    assert os.listdir(tmp_path) == []


def test_a_folder_is_not_a_registry(tmp_path: Path) -> None:
    with pytest.raises(am.AllomatchError, match="is not a file"):
        am.Registry.open(tmp_path)
    with pytest.raises(am.FileAccessError, match="is a folder; name a file in it"):
        am.Registry.create(tmp_path)


def test_a_pipe_is_not_a_registry(tmp_path: Path) -> None:
    # Opening a pipe for reading waits for a writer that never comes.
    os.mkfifo(tmp_path / "pipe")
    code = "import sys, allomatch as am\ntry: am.Registry.open(sys.argv[1])\nexcept am.AllomatchError as e: print(e)"
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "pipe")], capture_output=True, text=True, timeout=60
    )
    assert "is not a file" in done.stdout


def test_names_of_every_kind(tmp_path: Path, one_more: pa.Table) -> None:
    for name in ("größe 😀.allo", "a b", "-r", "x" * 255, "tab\t", "[red]"):
        registry = am.Registry.create(tmp_path / name)
        registry.add(one_more)
        assert len(am.Registry.open(tmp_path / name, validate="full")) == 1


def test_a_name_that_is_not_utf_8(tmp_path: Path, one_more: pa.Table) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.allo")
    am.Registry.create(path).add(one_more)
    assert len(am.Registry.open(path)) == 1
    assert os.listdir(os.fsencode(tmp_path)) == [b"\xff.allo"]


def test_a_name_with_nul_is_refused(tmp_path: Path) -> None:
    # Cut at the NUL, it would be another file.
    for call in (am.Registry.create, am.Registry.open):
        with pytest.raises(am.ArgumentError):
            call(f"{tmp_path}/a\0b")
    assert os.listdir(tmp_path) == []


def test_a_name_that_is_no_path(tmp_path: Path) -> None:
    for wrong in (None, 5, ["r.allo"]):
        with pytest.raises((am.ArgumentError, TypeError)):
            am.Registry.open(wrong)  # type: ignore[arg-type]


def test_adding_through_a_link_keeps_the_link(path: Path, tmp_path: Path, one_more: pa.Table) -> None:
    link = tmp_path / "link.allo"
    link.symlink_to(path)
    registry = am.Registry.open(link)
    registry.add(one_more)
    assert len(registry) == 41
    assert link.is_symlink()
    assert len(am.Registry.open(path)) == 41


def test_a_link_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError):
        am.Registry.open(tmp_path / "link")
    with pytest.raises(am.FileAccessError):
        am.Registry.create(tmp_path / "link")
    assert os.listdir(tmp_path) == ["link"]


def test_an_open_registry_keeps_its_snapshot(path: Path, one_more: pa.Table) -> None:
    registry = am.Registry.open(path)
    before = registry.search("", ["A"], max_mismatches=2).to_arrow()
    am.Registry.open(path).add(one_more)
    assert registry.search("", ["A"], max_mismatches=2).to_arrow().equals(before)
    path.unlink()
    assert registry.search("", ["A"], max_mismatches=2).to_arrow().equals(before)
    assert len(registry) == 40
    with pytest.raises(FileNotFoundError):
        registry.add(one_more)
    assert os.listdir(path.parent) == []


def as_nobody(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run code as a user whom permissions bind (root is above them), whose cache cannot be entered, and who has no data."""
    environment = {name: value for name, value in os.environ.items() if name != "ALLOMATCH_DATA"}
    drop = "import os, sys, allomatch as am, pyarrow as pa\nif os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
    command = [sys.executable, "-c", drop + code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)


def let_everyone_through(folder: Path) -> None:
    """Make a temporary folder and those above it passable for the other user."""
    for each in (folder, *folder.parents):
        if each.stat().st_uid != os.geteuid() or each == Path("/"):
            break
        each.chmod(each.stat().st_mode | 0o055)


@pytest.mark.skipif(
    os.environ.get("ASAN_OPTIONS") is not None, reason="sanitizers report at exit what nobody may write"
)
@pytest.mark.parametrize("what", ["add to a folder", "create in a folder", "open a file"])
def test_a_folder_or_file_that_refuses(what: str, path: Path) -> None:
    let_everyone_through(path.parent)
    whole = path.read_bytes()
    if what == "add to a folder":
        path.chmod(0o644)
        action = 'am.Registry.open(sys.argv[1]).add(pa.table({"donor_id": ["x"], "gl": ["A*01:01+A*02:01"]}))'
    elif what == "create in a folder":
        action = 'am.Registry.create(sys.argv[1] + ".new")'
    else:
        path.chmod(0o000)
        action = "am.Registry.open(sys.argv[1])"
    path.parent.chmod(0o555)
    try:
        done = as_nobody(f"try: {action}\nexcept PermissionError as e: print(type(e).__name__, e.code, e)", str(path))
    finally:
        path.parent.chmod(0o755)
        path.chmod(0o600)
    assert done.stderr == ""
    assert done.stdout.startswith(f"FilePermissionError {ERROR_CODES['PermissionDenied']} ")
    assert path.name in done.stdout
    assert "permissions" in done.stdout
    assert path.read_bytes() == whole
    assert only_file(path)


# --- no space -------------------------------------------------------------------------------------------------------


BIG_ADD = """
import resource, sys, allomatch as am, pyarrow as pa
path, limit = sys.argv[1], int(sys.argv[2])
registry = am.Registry.open(path)
if limit: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
n = 60_000
try:
    registry.add(pa.table({"donor_id": [f"{i:060}" for i in range(n)], "gl": ["A*01:01+A*02:01"] * n}))
except OSError as error:
    print(type(error).__name__, error.code, error)
    assert len(registry) == 40 and registry.search("", ["A"], max_mismatches=2).total == 40
registry.add(pa.table({"donor_id": ["one more"], "gl": ["A*01:01+A*02:01"]}))  # the lock is free again
"""


def run_big_add(path: Path, limit: int) -> str:
    done = subprocess.run(
        [sys.executable, "-c", BIG_ADD, str(path), str(limit)], capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    return done.stdout


def check_refused_for_space(output: str, path: Path) -> None:
    assert output.startswith(f"FileAccessError {ERROR_CODES['IoFailed']} ")
    assert path.name in output
    assert "free some space" in output or "File too large" in output
    assert "nothing was changed" in output
    assert len(am.Registry.open(path, validate="full")) == 41
    assert only_file(path)


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="this system limits no file sizes")
@pytest.mark.parametrize("limit", [65_536, 1_000_000, 3_900_000])
def test_a_file_size_limit(limit: int, path: Path) -> None:
    check_refused_for_space(run_big_add(path, limit), path)


def test_a_full_disk(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(disk)]
    if not ROOT or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("needs the right to mount a small tmpfs; the limit of file sizes is tested in any case")
    try:
        path = disk / "r.allo"
        am.Registry.create(path).add(donors())
        check_refused_for_space(run_big_add(path, 0), path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        (disk / "rest").write_bytes(bytes(os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize))
        with pytest.raises(am.FileAccessError) as caught:
            am.Registry.create(disk / "other.allo")
        assert caught.value.code == ERROR_CODES["IoFailed"]
        assert sorted(os.listdir(disk)) == ["r.allo", "rest"]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


# --- death and interruption -----------------------------------------------------------------------------------------


# Adds rows that are distinct enough to take a while; says "adding" when it begins.
LONG = 2_000_000
LONG_ADD = """
import sys, time, numpy as np, pyarrow as pa, allomatch as am
path, n = sys.argv[1], int(sys.argv[2])
def column(locus, names, seed):
    texts = pa.array([f"{locus}*{i % 60 + 1:02}:{i // 60 + 1:02}" for i in range(names)])
    indices = np.random.default_rng(seed).integers(0, names, n).astype(np.int32)
    return pa.DictionaryArray.from_arrays(pa.array(indices), texts)
columns = {"donor_id": pa.array(np.arange(n))}
for k, locus in enumerate(("A", "B", "C", "DRB1", "DQB1")):
    columns[f"{locus}_1"], columns[f"{locus}_2"] = column(locus, 300, k), column(locus, 300, 10 + k)
table = pa.table(columns)
registry = am.Registry.open(path)
print("adding", flush=True)
started = time.monotonic()
try:
    registry.add(table)
    print("done", time.monotonic() - started, flush=True)
except KeyboardInterrupt:
    print("KeyboardInterrupt", time.monotonic() - started, flush=True)
if len(am.Registry.open(path)) == 40:
    print(registry.add(pa.table({"donor_id": ["one more"], "gl": ["A*01:01+A*02:01"]})).added)
"""


def started(code: str, *arguments: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "adding\n"
    return process


def test_killed_at_any_moment_the_old_file_stays(path: Path) -> None:
    whole = path.read_bytes()
    n = 150_000
    with started(LONG_ADD, str(path), str(n)) as process:
        seconds = float(process.communicate(timeout=60)[0].split()[1])
    assert len(am.Registry.open(path)) == 40 + n
    chance = random.Random(3)
    survived = 0
    for share in (0.1, 0.6, 0.85, 0.95):
        path.unlink()
        path.write_bytes(whole)
        with started(LONG_ADD, str(path), str(n)) as process:
            time.sleep(seconds * (share + chance.uniform(-0.05, 0.05)))
            process.kill()
            process.communicate(timeout=60)
        assert only_file(path)
        survived += path.read_bytes() == whole
        assert len(am.Registry.open(path, validate="full")) in (40, 40 + n)
    assert survived > 0


def test_ctrl_c_just_after_the_file_was_replaced(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    registry = am.Registry.open(path)
    take = registry._take

    def interrupted(segment: Any) -> Any:
        monkeypatch.undo()
        signal.raise_signal(signal.SIGINT)
        return take(segment)

    monkeypatch.setattr(registry, "_take", interrupted)
    with pytest.raises(KeyboardInterrupt):
        registry.add(pa.table({"donor_id": ["one more"], "gl": ["A*01:01+A*02:01"]}))
    assert len(registry) == len(am.Registry.open(path)) == 41
    assert "one more" in registry.search("A*01:01+A*02:01", ["A"]).donor_ids.to_pylist()


def test_a_path_of_bytes(tmp_path: Path) -> None:
    registry, _ = am.Registry.build(os.fsencode(tmp_path / "r.allo"), pa.table({"donor_id": ["D"], "gl": [""]}))
    assert (registry.path, len(am.Registry.open(os.fsencode(registry.path)))) == (tmp_path / "r.allo", 1)


def test_damaged_ids_of_a_file_that_nobody_checked(tmp_path: Path) -> None:
    path = tmp_path / "r.allo"
    am.Registry.build(path, pa.table({"donor_id": ["Donor-1"], "gl": ["A*01:01+A*02:01"]}))
    path.write_bytes(path.read_bytes().replace(b"Donor-1", b"Donor-\xb1"))
    hits = am.Registry.open(path).search("A*01:01+A*02:01", ["A"])
    for read in (lambda: hits.donor_ids, lambda: hits[0], hits.to_arrow):
        with pytest.raises(am.FileFormatError, match="allomatch verify") as raised:
            read()
        assert raised.value.code == ERROR_CODES["CorruptFile"]


@pytest.mark.parametrize("share", [0.2, 0.6])
def test_ctrl_c_stops_a_long_add(share: float, path: Path, long_add_seconds: float) -> None:
    for _ in range(4):
        whole = path.read_bytes()
        with started(LONG_ADD, str(path), str(LONG)) as process:
            time.sleep(long_add_seconds * share)
            sent = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert process.stdout
            line = process.stdout.readline()
            waited = time.monotonic() - sent
            rest, errors = process.communicate(timeout=60)
        assert errors == ""
        assert only_file(path)
        if line.startswith("KeyboardInterrupt"):
            assert waited < max(1.0, 0.5 * long_add_seconds)
        count = len(am.Registry.open(path, validate="full"))
        if count == 41:
            assert line.startswith("KeyboardInterrupt")
            assert rest == "1\n"
            return
        # The machine was faster than when it was measured, and all was in the file already: again, and earlier.
        assert count == 40 + LONG
        path.unlink()
        path.write_bytes(whole)
        share *= 0.6
    pytest.fail("the add was never interrupted before its end")


@pytest.fixture(scope="module")
def long_add_seconds(tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long the long add takes undisturbed."""
    path = tmp_path_factory.mktemp("long") / "r.allo"
    am.Registry.create(path)
    with started(LONG_ADD, str(path), str(LONG)) as process:
        out, errors = process.communicate(timeout=120)
    assert errors == ""
    return float(out.split()[1])


LONG_SEARCH = """
import os, signal, sys, threading, time, numpy as np, pyarrow as pa, allomatch as am
n = 1_000_000
path = sys.argv[1]
registry = am.Registry.create(path)
codes = np.arange(n)
columns = {"donor_id": pa.array(codes)}
for k, locus in enumerate(("A", "B", "C")):
    texts = pa.array([f"{locus}*{i // 90 + 1:02}:{i % 90 + 1:02}" for i in range(100)])
    digits = (codes // 100**k % 100).astype(np.int32)
    columns[f"{locus}_1"] = columns[f"{locus}_2"] = pa.DictionaryArray.from_arrays(pa.array(digits), texts)
registry.add(pa.table(columns))
def search():
    begun = time.monotonic()
    registry.search("", ["A", "B", "C"], max_mismatches=0, threads=1)
    return time.monotonic() - begun
search()
whole = min(search() for _ in range(2))
threading.Timer(whole * 0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
begun = time.monotonic()
try:
    for _ in range(20): search()
    print("never stopped")
except KeyboardInterrupt:
    print("KeyboardInterrupt", whole, time.monotonic() - begun)
"""


def test_ctrl_c_stops_a_long_search(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LONG_SEARCH, str(tmp_path / "r.allo")], capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    word, whole, taken = done.stdout.split()
    assert word == "KeyboardInterrupt"
    assert float(taken) < max(0.95 * float(whole), 0.3)


def test_an_interrupted_stream_leaves_the_old_file(path: Path) -> None:
    whole = path.read_bytes()
    registry = am.Registry.open(path)
    schema = pa.schema([("donor_id", pa.string()), ("gl", pa.string())])

    def batches() -> Iterator[pa.RecordBatch]:
        yield pa.record_batch({"donor_id": ["x"], "gl": [GL]})
        raise KeyboardInterrupt  # as Ctrl-C does; real signals are sent to processes of their own, above

    with pytest.raises(KeyboardInterrupt):
        registry.add(pa.RecordBatchReader.from_batches(schema, batches()))
    assert path.read_bytes() == whole
    assert len(registry) == 40
    assert only_file(path)
