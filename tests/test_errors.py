"""Errors as part of the product: stable codes, the builtin a user would catch, a message with value, place and remedy.

What: every code of the core is mapped, documented and raised by something real. Why: scripts branch on the codes and
people act on the messages, so both are tested like any other interface.
"""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa
import pytest

import allomatch as am
from allomatch import errors
from allomatch._core import ERROR_CODES

# What a user would write after `except`, where it is not the builtin of the whole hundred.
BUILTINS: dict[int, type[Exception]] = {1: ValueError, 2: ValueError, 3: ValueError, 4: OSError, 5: RuntimeError}
SPECIAL_BUILTINS: dict[str, type[Exception]] = {
    "ReleaseNotFound": LookupError,
    "FileNotFound": FileNotFoundError,
    "PermissionDenied": PermissionError,
    "AlreadyExists": FileExistsError,
}
GL = "A*01:01+A*02:01"


def raised(call: Callable[[], object]) -> errors.AllomatchError:
    with pytest.raises(errors.AllomatchError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize("name", ERROR_CODES)
def test_every_code_has_a_class_with_the_builtin_to_catch(name: str) -> None:
    code = ERROR_CODES[name]
    error = errors.from_code(code, "the message")
    assert error.code == code
    assert str(error) == "the message"
    assert isinstance(error, errors.AllomatchError)
    assert isinstance(error, BUILTINS[code // 100])
    assert isinstance(error, SPECIAL_BUILTINS.get(name, Exception))
    assert type(error) is not errors.AllomatchError


@pytest.mark.parametrize("name", ERROR_CODES)
def test_errors_survive_pickle_and_copy(name: str) -> None:
    error = errors.from_code(ERROR_CODES[name], "the message")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert (type(twin), twin.code, str(twin)) == (type(error), error.code, str(error))


def test_an_error_reaches_the_parent_process() -> None:
    # A process pool pickles exceptions; one that cannot be unpickled breaks the whole pool.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        error = raised(lambda: pool.submit(am.Phenotype, "A*1").result(timeout=30))
    assert error.code == ERROR_CODES["MalformedTyping"]


def test_codes_are_unique_and_of_their_hundred() -> None:
    codes = list(ERROR_CODES.values())
    assert len(set(codes)) == len(codes)
    assert all(100 <= code < 600 for code in codes)


def test_an_unknown_code_is_still_an_allomatch_error() -> None:
    assert type(errors.from_code(999, "x")) is errors.AllomatchError


def test_public_classes_are_exported() -> None:
    classes = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert classes == set(errors.__all__)


def test_the_page_of_errors_lists_exactly_the_codes() -> None:
    page = Path(__file__).parent.parent / "docs" / "errors.md"
    rows = re.findall(r"^\|\s*(\d{3})\s*\|\s*`?(\w+)`?\s*\|", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert {name: int(code) for code, name in rows} == ERROR_CODES
    assert len(rows) == len(ERROR_CODES)


# --- messages: the value, the place, the remedy ---------------------------------------------------------------------


def nom() -> am.Nomenclature:
    return am.Nomenclature.two_field()


MESSAGES: list[tuple[str, Callable[[Path], object], list[str]]] = [
    ("InvalidArgument", lambda _: am.match(GL, GL, nom(), "9/9"), ["'9/9'", "10/10"]),
    ("InvalidArgument", lambda _: am.match(GL, GL, nom(), ["A"], null_policy="maybe"), ["'maybe'", "explicit"]),  # type: ignore[arg-type]
    ("InvalidArgument", lambda _: nom().reduce("A*01:01", "Q"), ["'Q'", "two-field"]),  # type: ignore[arg-type]
    ("UnknownLocus", lambda _: am.Phenotype("DRB2*01:01+DRB2*01:01"), ["'DRB2'", "DRB1"]),
    ("MissingColumn", lambda p: am.Registry.create(p / "r").add(pa.table({"gl": [GL]})), ["donor_id", "gl"]),
    ("WrongType", lambda p: am.Registry.create(p / "r").add(17), ["int", "pyarrow"]),
    ("MalformedTyping", lambda _: am.Phenotype("A*1+A*02:01"), ["'A*1'", "locus A", "02:01"]),
    ("TooManyAlleles", lambda _: am.Phenotype("A*01:01+A*02:01+A*03:01"), ["locus A", "3", "A*03:01", "two positions"]),
    ("TooManyAlleles", lambda _: am.Phenotype({"B": ("07:02", "08:01", "44:02")}), ["B", "3", "44:02", "pair"]),
    ("LocusTwice", lambda _: am.Phenotype(f"{GL}^{GL}"), ["locus A", "twice", GL, "|"]),
    ("TypingTooLong", lambda _: am.Phenotype("A*01:01/" * 100_000), ["locus A", "at most", "code"]),
    (
        "LocusTwice",
        lambda _: am.Phenotype("^".join(["A*01:01~B*07:02+A*02:01~B*08:01"] * 200_000)),
        ["12 parts", "once"],
    ),
    ("ReleaseNotFound", lambda _: am.Nomenclature.load("9.99.0"), ["9.99.0", "allomatch nomenclature install 9.99.0"]),
    ("NotARegistry", lambda _: am.Registry.open(__file__), ["test_errors.py", "not an allomatch registry", "index"]),
    ("FileNotFound", lambda p: am.Registry.open(p / "none.allo"), ["none.allo", "check the path"]),
    ("AlreadyExists", lambda p: [am.Registry.create(p / "r") for _ in "ab"], ["/r'", "exists", "choose another name"]),
    ("AlreadyExists", lambda p: am.Registry.create(p), ["is a folder", "name a file in it"]),
    ("ReleaseNotFound", lambda p: am.Nomenclature.load(path=p / "no"), ["/no", "no such folder", "official files"]),
    ("ReleaseNotFound", lambda p: am.Nomenclature.load(path=p), ["no Allelelist.txt there", "official files"]),
    ("MissingColumn", lambda p: am.Registry.create(p / "r").add(pa.table({"Donor_ID": ["x"]})), ["rename 'Donor_ID'"]),
    (
        "MissingColumn",
        lambda p: am.Registry.create(p / "r").add(pa.table({"donor_id": ["x"], "A_1": ["01:01"]})),
        ["'A_2'", "'A_1'", "add it, blank where both are alike"],
    ),
]


@pytest.mark.parametrize(("name", "call", "words"), MESSAGES)
def test_a_message_names_value_and_remedy(
    name: str, call: Callable[[Path], object], words: list[str], tmp_path: Path
) -> None:
    error = raised(lambda: call(tmp_path))
    assert error.code == ERROR_CODES[name]
    for word in words:
        assert word in str(error)


def test_a_message_cannot_flood_or_forge_a_log() -> None:
    error = raised(lambda: am.Phenotype("A*01:01+A*x\nallomatch: all is well\x1b[2J" + "y" * 5000))
    assert "\n" not in str(error)
    assert "\x1b" not in str(error)
    assert len(str(error)) < 1000


def test_a_message_of_many_positions_is_short() -> None:
    error = raised(lambda: am.Phenotype({"A": ["01:01"] * 100_000}))
    assert len(str(error)) < 1000


def test_a_path_with_letters_of_a_language_stays_readable(tmp_path: Path) -> None:
    assert "größe.allo" in str(raised(lambda: am.Registry.open(tmp_path / "größe.allo")))


def test_a_long_path_is_shown_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / ("folder" * 40) / "folder" / "last.allo"
    assert f"{str(path)!r}" in str(raised(lambda: am.Registry.open(path)))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no registry")
    assert f"{str(path)!r}" in str(raised(lambda: am.Registry.open(path)))
