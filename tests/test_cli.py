"""The command line as a script meets it: exit codes, JSON on standard output, errors on standard error, files.

What: every command through `main`, as the installed `allomatch` calls it; signals, pipes and encodings through real
processes. Exit codes: 0 fine, 1 bad input, 2 wrong usage, 3 nothing matched. Why: what a nightly job cannot rely on, it
cannot use; and a traceback is never an answer. One long file: every command runs through one fixture, over one registry.
"""

from __future__ import annotations

import csv
import gzip
import json
import os
import random
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import typer.main

import allomatch as am
from allomatch import cli
from allomatch._core import ERROR_CODES
from made_up import full_release

GL = "A*01:01+A*02:01"
GOOD = f"donor_id,gl\nD1,{GL}\nD2,A*01:01+A*03:01\nD3,A*11:01+A*24:02\n"
PATIENT = ("--patient", GL, "--loci", "A")


@dataclass
class Ran:
    code: int
    out: str
    err: str

    def json(self) -> Any:
        assert self.out, self.err
        return json.loads(self.out)


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Runs `main` in a folder of its own, without releases; an exception that gets out of it fails the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ALLOMATCH_DATA", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / ".cache"))
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str | Path) -> Ran:
        monkeypatch.setattr(sys, "argv", ["allomatch", *map(str, arguments)])
        capsys.readouterr()
        code: Any = 0
        try:
            cli.main()
        except SystemExit as leave:
            code = leave.code
        streams = capsys.readouterr()
        assert "Traceback" not in streams.err
        return Ran(code or 0, streams.out, streams.err)

    return call


@pytest.fixture
def home(run: Run) -> Path:
    """A registry of three donors, made by the command."""
    Path("good.csv").write_text(GOOD)
    assert run("index", "good.csv", "home.allo").code == 0
    return Path("home.allo")


def refused(ran: Ran, name: str, *words: str) -> None:
    """Exit code 1 and one line on standard error, with the code and the words."""
    assert (ran.code, ran.out) == (1, "")
    assert f"(error {ERROR_CODES[name]})" in ran.err
    assert ran.err.strip().count("\n") == 0
    assert ran.err.startswith("allomatch: ")
    for word in words:
        assert word in ran.err


# --- every command --------------------------------------------------------------------------------------------------


def commands() -> dict[str, Any]:
    """Every command by its full name."""
    group: Any = typer.main.get_command(cli.app)
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            found |= {f"{name} {below}": each for below, each in command.commands.items()}
        else:
            found[name] = command
    return found


def test_the_commands_are_there() -> None:
    assert {"demo", "index", "add", "search", "info", "verify", "nomenclature list"} <= set(commands())


@pytest.mark.parametrize("name", commands())
def test_every_command_has_help_with_an_example_and_json(name: str, run: Run) -> None:
    ran = run(*name.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    assert f"allomatch {name}" in ran.out
    assert "Example:" in ran.out
    assert "--json" in ran.out


@pytest.mark.parametrize("name", commands())
def test_every_example_is_right_usage(name: str) -> None:
    # The parser of the command takes the example's options and arguments.
    command = commands()[name]
    example = re.search(r"Example: allomatch (.*)", command.help)
    assert example is not None
    words = [each.strip('"') for each in re.findall(r'"[^"]*"|\S+', example[1])]
    assert words[: len(name.split())] == name.split()
    command.make_context(name, words[len(name.split()) :])


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("search",),
        ("search", "home.allo"),
        ("search", "home.allo", *PATIENT, "-k", "5"),
        ("search", "home.allo", *PATIENT, "-k", "-1"),
        ("search", "home.allo", *PATIENT, "-k", "one"),
        ("search", "home.allo", *PATIENT, "--limit", "-1"),
        ("search", "home.allo", *PATIENT, "--offset", "-1"),
        ("search", "home.allo", *PATIENT, "--nonsense"),
        ("index", "good.csv"),
        ("index", "good.csv", "x.allo", "--threads", "-1"),
        ("demo", "--donors", "0"),
        ("demo", "--seed", "-1"),
        ("nomenclature", "install"),
        ("verify", "a", "b"),
    ],
)
def test_wrong_usage_is_2_and_says_so_on_standard_error(arguments: tuple[str, ...], home: Path, run: Run) -> None:
    ran = run(*arguments)
    assert (ran.code, ran.out) == (2, "")
    assert "Error" in ran.err


def test_no_arguments_show_the_help(run: Run) -> None:
    ran = run()
    assert ran.code in (0, 2)
    assert "Usage: " in ran.out + ran.err


# --- index and add --------------------------------------------------------------------------------------------------


def test_index_add_search_info_verify(home: Path, run: Run) -> None:
    assert stat.S_IMODE(home.stat().st_mode) == 0o600
    Path("more.csv").write_text(f"donor_id,gl\nD4,{GL}\n")
    added = run("add", home, "more.csv", "--json")
    assert added.json()["added"] == 1
    ran = run("search", home, *PATIENT, "--json")
    assert [hit["donor_id"] for hit in ran.json()["hits"]] == ["D1", "D4"]
    assert run("info", home, "--json").json()["donors"] == 4
    verified = run("verify", home, "--json").json()
    assert verified["sound"] is True
    for words in (["info", home], ["verify", home], ["search", home, *PATIENT], ["nomenclature", "list"]):
        ran = run(*words)
        assert ran.code == 0
        assert ran.out
        assert ran.err == ""


def csv_bytes(text: str, encoding: str = "utf-8") -> bytes:
    return text.encode(encoding)


GOOD_INPUTS: dict[str, tuple[str, bytes]] = {
    "plain": ("x.csv", csv_bytes(GOOD)),
    "byte order mark": ("x.csv", csv_bytes(GOOD, "utf-8-sig")),
    "windows line ends": ("x.csv", csv_bytes(GOOD.replace("\n", "\r\n"))),
    "no last line end": ("x.csv", csv_bytes(GOOD.rstrip())),
    "blank lines": ("x.csv", csv_bytes(GOOD.replace("\nD2", "\n\n\nD2"))),
    "all quoted": ("x.csv", csv_bytes(re.sub(r"[^,\n]+", r'"\g<0>"', GOOD))),
    "gzip": ("x.csv.gz", gzip.compress(csv_bytes(GOOD))),
    "gzip in two members": ("x.csv.gz", gzip.compress(csv_bytes(GOOD[:30])) + gzip.compress(csv_bytes(GOOD[30:]))),
    "upper-case name": ("X.CSV", csv_bytes(GOOD)),
    "pairs": ("x.csv", b"donor_id,A_1,A_2\nD1,01:01,02:01\nD2,01:01,03:01\nD3,11:01,24:02\n"),
    "quoted line ends": (
        "x.csv",
        f'donor_id,gl,note\nD1,{GL},"a\nb ""c"""\nD2,A*01:01+A*03:01,\nD3,A*11:01+A*24:02,"\n"\n'.encode(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD_INPUTS)
def test_good_input(name: str, run: Run) -> None:
    file, content = GOOD_INPUTS[name]
    Path(file).write_bytes(content)
    ran = run("index", file, "r.allo", "--json")
    assert ran.code == 0, ran.err
    assert (ran.json()["added"], ran.json()["rejected"]) == (3, 0)
    found = run("search", "r.allo", *PATIENT, "--json").json()["hits"]
    assert [hit["donor_id"] for hit in found] == ["D1"]


def test_line_ends_within_values_at_any_place_of_a_large_file(run: Run) -> None:
    # Readers split a large file into blocks; a quoted line end may lie at the split.
    with Path("x.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["donor_id", "note", "gl"])
        for i in range(30_000):
            rows.writerow([f"D{i}", "first\nsecond, 'third'\n" * (i % 5), GL])
    ran = run("index", "x.csv", "r.allo", "--json")
    assert (ran.code, ran.json()["added"], ran.json()["rejected"]) == (0, 30_000, 0)


def test_parquet(run: Run) -> None:
    table = pa.table({"donor_id": [1, 2], "gl": [GL, "bad"], "birth_year": [1980, None], "note": ["x", "y"]})
    pq.write_table(table, "x.parquet")
    ran = run("index", "x.parquet", "r.allo", "--json")
    assert ran.code == 0
    answer = ran.json()
    assert (answer["added"], answer["rejected"], answer["ignored_columns"]) == (1, 1, ["note"])
    assert answer["errors"][0]["donor_id"] == "2"


def test_header_only_makes_an_empty_registry(run: Run) -> None:
    Path("x.csv").write_text("donor_id,gl\n")
    assert run("index", "x.csv", "r.allo", "--json").json()["added"] == 0
    assert run("search", "r.allo", *PATIENT).code == 3
    assert run("info", "r.allo", "--json").json()["donors"] == 0


BAD_INPUTS: dict[str, tuple[str, bytes, tuple[str, ...]]] = {
    "empty": ("x.csv", b"", ("x.csv", "mpty")),
    "semicolons": ("x.csv", csv_bytes(GOOD.replace(",", ";")), ("donor_id", "comma")),
    "no donor_id": ("x.csv", b"id,gl\n1,A*01:01+A*02:01\n", ("donor_id", "missing")),
    "no typings": ("x.csv", b"donor_id\n1\n", ("gl", "A_1")),
    "column twice": ("x.csv", b"donor_id,gl,gl\n1,2,3\n", ("'gl'", "twice")),
    "half a pair": ("x.csv", b"donor_id,A_1\n1,01:01\n", ("A_2", "missing")),
    "UTF-16": ("x.csv", csv_bytes(GOOD, "utf-16"), ("x.csv", "UTF-8")),
    "Latin-1 in the heading": ("x.csv", csv_bytes("donor_id,größe,gl\nD1,1," + GL + "\n", "latin-1"), ("x.csv", "UTF-8")),
    "not gzip": ("x.csv.gz", csv_bytes(GOOD), ("x.csv.gz",)),
    "gzip cut short": ("x.csv.gz", gzip.compress(random.Random(1).randbytes(300))[:150], ("x.csv.gz",)),
    "gzip cut short later": (
        "x.csv.gz",
        gzip.compress(csv_bytes("donor_id,gl\n" + "".join(f"D{i * 7919 % 100003},{GL}\n" for i in range(99_999))))[:-40_000],
        ("x.csv.gz",),
    ),
    "empty gzip": ("x.csv.gz", b"", ("x.csv.gz",)),
    "not Parquet": ("x.parquet", csv_bytes(GOOD), ("x.parquet",)),
    "empty Parquet": ("x.parquet", b"", ("x.parquet",)),
    "another format": ("x.txt", csv_bytes(GOOD), ("x.txt", ".csv", ".parquet")),
    "a value across blocks": ("x.csv", b"donor_id,gl\nD1,\"" + b"x" * 40_000_000 + b"\"\n", ("x.csv",)),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_input_is_1_and_leaves_no_registry(name: str, run: Run) -> None:
    file, content, words = BAD_INPUTS[name]
    Path(file).write_bytes(content)
    ran = run("index", file, "r.allo")
    assert ran.code == 1
    assert ran.err.strip().startswith("allomatch: ")
    assert "(error " in ran.err
    for word in words:
        assert word in ran.err
    assert sorted(os.listdir()) == [file]


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_damaged_parquet_leaves_no_registry(share: float, run: Run) -> None:
    ids = [f"D{i * 7919 % 100003}" for i in range(50_000)]
    pq.write_table(pa.table({"donor_id": ids, "gl": [GL] * 50_000}), "x.parquet", row_group_size=5_000)
    content = bytearray(Path("x.parquet").read_bytes())
    place = int(len(content) * share)
    content[place : place + 2_000] = random.Random(2).randbytes(2_000)
    Path("x.parquet").write_bytes(content)
    ran = run("index", "x.parquet", "r.allo")
    if ran.code == 0:  # what was hit may not have been read, or makes bad rows
        assert run("verify", "r.allo").code == 0
    else:
        assert ran.code == 1
        assert "(error " in ran.err
        assert os.listdir() == ["x.parquet"]


def test_missing_input_and_folders(run: Run) -> None:
    Path("x.csv").write_text(GOOD)
    refused(run("index", "none.csv", "r.allo"), "FileNotFound", "none.csv")
    refused(run("index", ".", "r.allo"), "FileNotFound")
    refused(run("index", "x.csv", "nowhere/r.allo"), "FileNotFound", "nowhere/r.allo")
    refused(run("add", "none.allo", "x.csv"), "FileNotFound", "none.allo")
    for command in ("info", "verify"):
        refused(run(command, "none.allo"), "FileNotFound", "none.allo")
        refused(run(command, "x.csv"), "NotARegistry", "x.csv")
    refused(run("search", "none.allo", *PATIENT), "FileNotFound", "none.allo")
    assert os.listdir() == ["x.csv"]


def test_index_does_not_replace_a_file(home: Path, run: Run) -> None:
    before = home.read_bytes()
    refused(run("index", "good.csv", home), "AlreadyExists", "home.allo", "exists")
    refused(run("demo", "--donors", "10", "--keep", home, "--json"), "AlreadyExists", "home.allo")
    assert home.read_bytes() == before


def test_index_without_one_good_row_leaves_no_registry(run: Run) -> None:
    Path("x.csv").write_text("donor_id,gl\nD1,bad\n")
    ran = run("index", "x.csv", "r.allo")
    assert ran.code == 1
    assert "D1" in ran.out + ran.err
    assert os.listdir() == ["x.csv"]


def test_add_that_fails_leaves_the_registry(home: Path, run: Run) -> None:
    before = home.read_bytes()
    Path("x.csv").write_bytes(b'donor_id,gl\nD8,A*01:01+A*02:01\n"D9')
    run("add", home, "x.csv.gz")
    Path("x.csv.gz").write_bytes(gzip.compress(csv_bytes(GOOD.replace("D", "E")))[:-12])
    ran = run("add", home, "x.csv.gz")
    assert ran.code == 1
    assert home.read_bytes() == before


BAD_ROWS = (
    "donor_id,name,gl,birth_year,sex\n"
    f"D1,Jane Roe,{GL},1980,F\n"
    f"D2,Max Doe,A*1+A*02:01,1980,F\n"
    f",Ann Poe,{GL},1980,F\n"
    f"D4,Joe Loe,{GL},19800,x\n"
    f"D1,Sue Moe,{GL},1980,F\n"
    f'"D6, ""six""",Tim Woe,A*01:01+A*02:01+A*03:01,,\n'
    f"D7,Kim Koe,{GL}^{GL},,\n"
)


def test_errors_go_to_a_private_file_that_is_complete(run: Run) -> None:
    Path("x.csv").write_text(BAD_ROWS)
    ran = run("index", "x.csv", "r.allo", "--errors", "errors.csv", "--json")
    assert ran.code == 0
    assert (ran.json()["added"], ran.json()["rejected"]) == (1, 6)
    assert stat.S_IMODE(Path("errors.csv").stat().st_mode) == 0o600
    with Path("errors.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {int(row["row"]) for row in rows} == {1, 2, 3, 4, 5, 6}
    assert [(row["field"], int(row["code"])) for row in rows if row["row"] == "3"] == [
        ("birth_year", 105),
        ("sex", 105),
    ]
    assert {row["donor_id"] for row in rows} == {"D2", "", "D4", "D1", 'D6, "six"', "D7"}
    assert {int(row["code"]) for row in rows} == {200, 104, 105, 106, 201, 203}
    assert [int(row["row"]) for row in rows] == sorted(int(row["row"]) for row in rows)
    everything = Path("errors.csv").read_text() + ran.out + ran.err
    assert not re.search("Roe|Doe|Poe|Loe|Moe|Woe|Koe", everything)
    assert [error["row"] for error in ran.json()["errors"]] == [int(row["row"]) for row in rows]


def test_no_errors_file_when_there_are_no_errors_and_none_is_replaced(run: Run) -> None:
    Path("x.csv").write_text(GOOD)
    assert run("index", "x.csv", "r.allo", "--errors", "errors.csv").code == 0
    if Path("errors.csv").exists():  # an empty table is as good
        assert Path("errors.csv").read_text().count("\n") <= 1
        Path("errors.csv").unlink()
    Path("errors.csv").write_text("mine")
    refused(run("index", "x.csv", "r2.allo", "--errors", "errors.csv"), "AlreadyExists", "errors.csv")
    assert Path("errors.csv").read_text() == "mine"
    assert not Path("r2.allo").exists()


def test_an_errors_file_that_cannot_be_written_is_known_before_the_work(run: Run) -> None:
    Path("x.csv").write_text(BAD_ROWS)
    refused(run("index", "x.csv", "r.allo", "--errors", "nowhere/errors.csv"), "FileNotFound", "nowhere/errors.csv")
    assert os.listdir() == ["x.csv"]


def test_ragged_rows_are_bad_rows_and_show_no_names(run: Run) -> None:
    Path("x.csv").write_text(f"donor_id,name,gl\nD1,Jane Roe,{GL}\nD2,Max Doe\nD3,Ann Poe,{GL},more\nD4,Joe Loe,{GL}\n")
    ran = run("index", "x.csv", "r.allo", "--json")
    assert not re.search("Roe|Doe|Poe|Loe", ran.out + ran.err)
    assert ran.code == 0
    answer = ran.json()
    assert (answer["added"], answer["rejected"]) == (2, 2)
    assert [error["row"] for error in answer["errors"]] == [1, 2]


def test_ragged_rows_alone_make_no_registry(run: Run) -> None:
    Path("x.csv").write_text(f"donor_id,name,gl\nD2,Max Doe\nD3,Ann Poe,{GL},more\n")
    ran = run("index", "x.csv", "r.allo")
    assert (ran.code, Path("r.allo").exists()) == (1, False)
    assert "2 rows rejected; no file was made" in ran.out


def test_bytes_that_are_not_utf_8_are_bad_rows(run: Run) -> None:
    text = f"donor_id,ethnicity,name,gl\nD1,Zürich,x,{GL}\nD2,x,Jürgen,{GL}\nDü3,x,x,{GL}\nD4,x,x,{GL}\nD5,x,x,Ü\n"
    Path("x.csv").write_bytes(text.encode("latin-1"))
    ran = run("index", "x.csv", "r.allo", "--errors", "errors.csv", "--json")
    assert ran.code == 0
    assert [(error["row"], error["code"]) for error in ran.json()["errors"]] == [(0, 205), (2, 205), (4, 205)]
    assert all("UTF-8" in error["message"] for error in ran.json()["errors"])
    assert Path("errors.csv").read_text(encoding="utf-8").count("\n") >= 4


def test_more_errors_than_json_lists_are_said_to_be_so(run: Run) -> None:
    Path("x.csv").write_text("donor_id,gl\n" + "".join(f"D{i},bad\n" for i in range(1500)) + f"good,{GL}\n")
    ran = run("index", "x.csv", "r.allo", "--json", "--errors", "e.csv")
    assert ran.json()["rejected"] == 1500
    assert len(ran.json()["errors"]) == 1000
    assert Path("e.csv").read_text().count("\n") == 1501
    ran = run("add", "r.allo", "x.csv")
    assert "1,491 more" in ran.out
    assert len(ran.out.splitlines()) < 20


def test_row_errors_cannot_forge_lines_or_colours(run: Run) -> None:
    Path("x.csv").write_text('donor_id,gl\n"D1\n  row 7, donor forged: all well\x1b[31m",bad\nD2,"A*01:01+\x1b[2J"\n')
    ran = run("index", "x.csv", "r.allo")
    assert "\x1b" not in ran.out
    assert not any(line.startswith("  row 7") for line in ran.out.splitlines())


def test_require_a_release(run: Run) -> None:
    Path("x.csv").write_text(GOOD)
    refused(run("index", "x.csv", "r.allo", "-n", "9.99.0"), "ReleaseNotFound", "allomatch nomenclature install 9.99.0")
    refused(run("add", "r.allo", "x.csv", "-n", "9.99.0"), "ReleaseNotFound")
    assert os.listdir() == ["x.csv"]


# --- search ---------------------------------------------------------------------------------------------------------


def test_nothing_matched_is_3(home: Path, run: Run) -> None:
    ran = run("search", home, "--patient", "A*68:01+A*68:02", "--loci", "A")
    assert (ran.code, ran.err) == (3, "")
    assert ran.out.startswith("0 of 3 donors")
    ran = run("search", home, "--patient", "A*68:01+A*68:02", "--loci", "A", "--json")
    assert ran.code == 3
    assert (ran.json()["total"], ran.json()["hits"]) == (0, [])


def test_limits_at_single_loci(home: Path, run: Run) -> None:
    assert run("search", home, *PATIENT, "-k", "2", "--per-locus", "A=1", "--json").json()["total"] == 2
    assert run("search", home, *PATIENT, "-k", "2", "--per-locus", " A = 0 ", "--json").json()["per_locus"] == {"A": 0}
    for bad, words in (("A", "'A' is no limit"), ("A=x", "DRB1=0"), ("A=1,A=1", "of its own"), ("A=3", "0 to 2")):
        refused(run("search", home, *PATIENT, "--per-locus", bad), "InvalidArgument", words)
    refused(run("search", home, *PATIENT, "--per-locus", "B=1"), "InvalidArgument", "'B', which is not searched")


def test_how_a_patient_was_read_is_said(home: Path, run: Run) -> None:
    old = ("search", home, "--patient", "A*0101+A*02:01", "--loci", "A,B")
    said = run(*old).out
    assert "the patient's A: A*0101 is a name of before April 2010; it is read as A*01:01" in said
    assert "the patient is not typed at B: any donor may match there" in said
    values = run(*old, "--json").json()
    assert [(each["locus"], each["value"], each["code"]) for each in values["patient_warnings"]] == [
        ("A", "A*0101", 220)
    ]
    assert values["patient_untyped"] == ["B"]
    assert "warning" not in run("search", home, *PATIENT).out
    pair = ("match", "--patient", GL, "--donor", "A*0101+A*02:01", "--loci", "A")
    assert "warning: the donor's A: A*0101 is a name of before April 2010" in run(*pair).out
    assert [len(run(*pair, "--json").json()[f"{who}_warnings"]) for who in ("patient", "donor")] == [0, 1]


def test_offset_and_limit(home: Path, run: Run) -> None:
    def page(*words: str) -> list[str]:
        ran = run("search", home, *PATIENT, "-k", "2", "--json", *words)
        assert ran.code == 0
        assert ran.json()["total"] == 3
        assert [hit["rank"] for hit in ran.json()["hits"]] == sorted(hit["rank"] for hit in ran.json()["hits"])
        return [hit["donor_id"] for hit in ran.json()["hits"]]

    whole = page()
    assert whole == ["D1", "D2", "D3"]
    assert page("--limit", "0") == []
    assert page("--limit", "2") + page("--offset", "2") == whole
    assert page("--offset", "99") == []  # not 3: donors matched, the page is beyond them
    assert run("search", home, *PATIENT, "-k", "2", "--json", "--offset", "1").json()["hits"][0]["rank"] == 2


@pytest.mark.parametrize("loci", ["6/6", "8/8", "10/10", "12/12", "A", "A,B", " A , DRB1 ", "DPA1,a"])
def test_lists_of_loci(loci: str, home: Path, run: Run) -> None:
    # Names of loci are read in any case; the same locus twice is an error.
    ran = run("search", home, "--patient", GL, "--loci", loci, "-k", "4", "--json")
    assert ran.code == 0, ran.err
    assert set(ran.json()["loci"]) <= set(am.nomenclature.LOCI)


@pytest.mark.parametrize(
    ("words", "name", "shown"),
    [
        (("--patient", "bad"), "MalformedTyping", "'bad'"),
        (("--patient", GL, "--loci", "9/9"), "InvalidArgument", "9/9"),
        (("--patient", GL, "--loci", "A,Z"), "UnknownLocus", "'Z'"),
        (("--patient", GL, "--loci", "A,A"), "InvalidArgument", "twice"),
        (("--patient", GL, "--loci", "A,"), "UnknownLocus", "''"),
        (("--patient", GL, "--direction", "up"), "InvalidArgument", "gvh"),
        (("--patient", GL, "--null-policy", "up"), "InvalidArgument", "explicit"),
        (("--patient", GL, "-n", "9.99.0"), "ReleaseNotFound", "allomatch nomenclature install 9.99.0"),
    ],
)
def test_a_search_that_cannot_be(words: tuple[str, ...], name: str, shown: str, home: Path, run: Run) -> None:
    refused(run("search", home, *words), name, shown)


def test_a_typing_that_cannot_be_read_is_flagged(run: Run) -> None:
    pq.write_table(pa.table({"donor_id": ["D1", "D2"], "gl": ["A*01:01+A*02:ZZZZZZ", "A*01:01+A*02:01"]}), "x.parquet")
    assert run("index", "x.parquet", "r.allo").code == 0
    words = ("search", "r.allo", "--patient", "A*01:01+A*02:01", "--loci", "A", "-n", "two-field")
    shown = " ".join(run(*words).out.split())  # however wide the terminal
    assert shown.count("A cannot be read under two-field") == 1
    flags = {hit["donor_id"]: hit["unread_loci"] for hit in run(*words, "--json").json()["hits"]}
    assert flags == {"D1": ["A"], "D2": []}


def test_ids_are_printed_as_they_are(run: Run) -> None:
    # Square brackets are colours to the printer, unless it is told otherwise.
    ids = ["[/x]", "[bold]b", "[red]c[/red]", ":smile:", "😀", "a,b", "[link=http://x]y"]
    pq.write_table(pa.table({"donor_id": ids, "gl": [GL] * len(ids)}), "x.parquet")
    assert run("index", "x.parquet", "r.allo").code == 0
    ran = run("search", "r.allo", *PATIENT)
    assert ran.code == 0
    for each in ids:
        assert each in ran.out
    assert {hit["donor_id"] for hit in run("search", "r.allo", *PATIENT, "--json").json()["hits"]} == set(ids)


def test_control_characters_of_ids_do_not_reach_the_terminal(run: Run) -> None:
    ids = ["a\x1b[31m", "b\nforged line", "c\rback"]
    pq.write_table(pa.table({"donor_id": ids, "gl": [GL] * len(ids)}), "x.parquet")
    assert run("index", "x.parquet", "r.allo").code == 0
    ran = run("search", "r.allo", *PATIENT)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f]", ran.out)
    assert not any(line.startswith("forged") for line in ran.out.splitlines())
    assert {hit["donor_id"] for hit in run("search", "r.allo", *PATIENT, "--json").json()["hits"]} == set(ids)


@pytest.mark.parametrize("name", ["[red]r.allo", "[bold].allo", "größe.allo"])
def test_names_of_files_are_printed_as_they_are(name: str, home: Path, run: Run) -> None:
    home.rename(name)
    assert name in run("info", name).out
    assert name in run("verify", name).out
    Path("[blue]x.csv").write_text(f"donor_id,gl\nD9,{GL}\n")
    ran = run("add", name, "[blue]x.csv")
    assert "[blue]x.csv" in ran.out
    assert name in ran.out


def test_verify_names_the_damage(home: Path, run: Run) -> None:
    offset, _ = am.Registry.open(home)._snapshot.segment.layout()["blocks"]["donors.ids.text"]
    content = bytearray(home.read_bytes())
    content[offset] ^= 1
    home.write_bytes(content)
    refused(run("verify", home), "ChecksumMismatch", "donors.ids.text")
    ran = run("verify", home, "--json")
    said = ran.json()
    assert (ran.code, said["sound"], said["code"]) == (1, False, ERROR_CODES["ChecksumMismatch"])
    assert said["message"] in ran.err
    assert "donors.ids.text" in said["message"]
    refused(run("add", home, "good.csv"), "ChecksumMismatch", "donors.ids.text")


# --- nomenclature ---------------------------------------------------------------------------------------------------


def test_nomenclature_install_list_and_use(home: Path, run: Run) -> None:
    source = Path("official")
    (source / "wmda").mkdir(parents=True)
    (source / "Allelelist.txt").write_text("AlleleID,Allele\nHLA1,A*01:01\nHLA2,A*02:01\nHLA3,A*03:01\n")
    for group in "pg":
        lines = "".join(f"A*;{first}:01;\n" for first in ("01", "02", "03"))
        (source / "wmda" / f"hla_nom_{group}.txt").write_text(lines)
    assert run("nomenclature", "list", "--json").json() == {"releases": {}, "macs": None}
    ran = run("nomenclature", "install", "3.58.0", "--from", source)
    assert (ran.code, ran.err) == (0, "")
    assert list(run("nomenclature", "list", "--json").json()["releases"]) == ["3.58.0"]
    assert "3.58.0" in run("nomenclature", "list").out
    ran = run("search", home, *PATIENT, "--json")
    assert ran.json()["nomenclature"] == "3.58.0"  # the newest installed one
    assert run("info", home, "--json").json()["unknown_typings"][0]["typing"] == "A*11:01+A*24:02"
    refused(run("search", home, "--patient", "A*77:01+A*01:01", "--loci", "A"), "UnknownName", "A*77:01", "3.58.0")
    (source / "wmda" / "hla_nom_p.txt").unlink()
    refused(run("nomenclature", "install", "3.57.0", "--from", source), "FileNotFound", "hla_nom_p.txt")
    refused(run("nomenclature", "install", "newest", "--from", source), "ReleaseNotFound", "newest")
    assert list(run("nomenclature", "list", "--json").json()["releases"]) == ["3.58.0"]


def test_nomenclature_show(run: Run) -> None:
    assert run("nomenclature", "install", "3.58.0", "--from", full_release(Path("official"))).code == 0
    answer = run("nomenclature", "show", "A*03:01", "--json").json()
    assert answer == {
        "name": "A*03:01",
        "nomenclature": "3.58.0",
        "current_name": "A*03:01",
        "null": False,
        "ard": ["A*03:01"],
        "P": ["A*03:01"],
        "G": ["A*03:01"],
        "g": ["A*03:01"],
        "two-field": ["A*03:01"],
        "first-field": ["A*03"],
        "serology": ["A3"],
        "alleles": ["A*03:01:01"],
        "warnings": [],
    }
    shown = run("nomenclature", "show", "A*0101").out
    for words in (
        "A*0101 under 3.58.0",
        "now called    A*01:01\n",
        "antigens      A1\n",
        "1 allele: A*01:01\n",
        "warning: ",
    ):
        assert words in shown
    shown = run("nomenclature", "show", "A*03:01:02N").out
    assert "antigens      none\n" in shown
    assert "protein       none\n" in shown
    assert "2 alleles: A*03:01:01/A*03:01:02N\n" in run("nomenclature", "show", "A*03:XX").out
    assert run("nomenclature", "show", "B44", "-n", "two-field", "--json").json()["alleles"] == ["B44"]
    refused(run("nomenclature", "show", "A*77:01"), "UnknownName", "A*77:01", "3.58.0")
    refused(run("nomenclature", "show", "A*\x1b[31m"), "MalformedTyping")
    assert run("nomenclature", "show").code == 2


# --- demo -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("donors", [1, 1000])
def test_demo(donors: int, run: Run) -> None:
    ran = run("demo", "--donors", str(donors), "--json")
    assert ran.code == 0
    answer = ran.json()
    assert answer["donors"] == donors
    assert len(answer["patients"]) == 5
    for patient in answer["patients"]:
        counts = [level["donors"] for level in patient["levels"]]
        assert counts == sorted(counts)
    # One case whole, over the same registry.
    assert [step["name"] for step in answer["plan"]["steps"]] == ["autologous", "family", "registries"]
    searched = [
        each for each in answer["plan"]["steps"][2]["detail"]["searches"] if each["asked"] and each["kind"] == "adults"
    ]
    assert {each["place"] for each in searched} == {"home", "world"}
    assert os.listdir() == []


def test_demo_in_words_and_kept(run: Run) -> None:
    ran = run("demo", "--donors", "300", "--keep", "kept.allo")
    assert (ran.code, ran.err) == (0, "")
    assert "never a decision" in ran.out
    assert stat.S_IMODE(Path("kept.allo").stat().st_mode) == 0o600
    assert run("info", "kept.allo", "--json").json()["donors"] == 300


# --- as a process ---------------------------------------------------------------------------------------------------


def process(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": os.environ} | options
    code = "import sys; from allomatch.cli import main; print('started', file=sys.stderr, flush=True); main()"
    return subprocess.Popen([sys.executable, "-c", code, *arguments], **options)


@pytest.fixture
def large_csv(tmp_path: Path) -> Iterator[Path]:
    """Some seconds of work."""
    block = "".join(f"%d{i:04},{GL}\n" for i in range(10_000))
    path = tmp_path / "large.csv"
    with path.open("w") as file:
        file.write("donor_id,gl\n")
        for k in range(100, 300):
            file.write(block.replace("%d", str(k)))
    yield path
    path.unlink()


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_index_leaves_nothing(signum: int, large_csv: Path) -> None:
    # Stopped as soon as the file is there, if that is before the end: then it should not have been there.
    path = large_csv.parent / "r.allo"
    with process("index", "large.csv", "r.allo", cwd=large_csv.parent) as running:
        while running.poll() is None and not path.exists():
            time.sleep(0.002)
        running.send_signal(signum)
        running.communicate(timeout=30)
    assert not path.exists() or len(am.Registry.open(path, validate="full")) == 2_000_000
    assert set(os.listdir(large_csv.parent)) <= {"large.csv", "r.allo"}


def test_an_interrupted_index_says_so(large_csv: Path) -> None:
    for wait in (0.4, 0.2, 0.05):
        with process("index", "large.csv", "r.allo", cwd=large_csv.parent) as running:
            assert running.stderr
            assert running.stderr.readline() == "started\n"
            time.sleep(wait)
            running.send_signal(signal.SIGINT)
            err = running.communicate(timeout=10)[1]
        if running.returncode != 0:
            break
        (large_csv.parent / "r.allo").unlink()  # it was faster
    assert running.returncode == 130
    assert "Traceback" not in err
    assert "interrupted" in err
    assert os.listdir(large_csv.parent) == ["large.csv"]


def test_an_interrupted_demo_keeps_nothing(tmp_path: Path) -> None:
    with process("demo", "--donors", "3000000", "--keep", "kept.allo", cwd=tmp_path) as running:
        assert running.stdout
        assert "Drawing" in running.stdout.readline()
        time.sleep(0.5)
        running.send_signal(signal.SIGINT)
        err = running.communicate(timeout=10)[1]
    assert running.returncode == 130
    assert "Traceback" not in err
    assert os.listdir(tmp_path) == []


def test_a_reader_that_leaves_is_no_error(home: Path) -> None:
    with process("search", str(home), *PATIENT, "-k", "2", "--json") as running:
        assert running.stdout
        running.stdout.close()
        assert running.stderr
        err = running.stderr.read()
    assert "Traceback" not in err
    assert "Exception" not in err


def test_an_ascii_terminal(run: Run) -> None:
    pq.write_table(pa.table({"donor_id": ["D😀"], "gl": [GL]}), "x.parquet")
    assert run("index", "x.parquet", "r.allo").code == 0
    for words in ([], ["--json"]):
        env = os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
        with process("search", "r.allo", *PATIENT, *words, env=env) as running:
            out, err = running.communicate(timeout=30)
        assert (running.returncode, err) == (0, "started\n")
        assert "D" in out


def test_the_installed_script_and_its_exit_code(home: Path) -> None:
    script = Path(sys.executable).with_name("allomatch")
    if not script.exists():
        pytest.skip("the package is not installed with its scripts; pip install it")
    done = subprocess.run([script, "search", home, "--patient", "A*68:01+A*68:01", "--loci", "A"], capture_output=True)
    assert (done.returncode, done.stderr) == (3, b"")
    for way in ([script], [sys.executable, "-m", "allomatch"]):
        done = subprocess.run([*way, "info", "none.allo"], capture_output=True, text=True)
        assert done.returncode == 1
        assert done.stderr.startswith("allomatch: ")
