"""Every example in the README and in the docstrings is run."""

import doctest
import importlib
import os
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import allomatch

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
FREQUENCIES = (ROOT / "docs/frequencies.md").read_text()
PREDICTION = (ROOT / "docs/prediction.md").read_text()
ESTIMATION = (ROOT / "docs/estimation.md").read_text()
CHANCES = (ROOT / "docs/chances.md").read_text()
ROADMAP = (ROOT / "docs/roadmap.md").read_text()


MODULES = [m.name for m in pkgutil.walk_packages(allomatch.__path__, "allomatch.") if not m.name.endswith("._core")]


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def blocks(language: str, page: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page, re.M | re.S)


@pytest.mark.parametrize(
    "page",
    [README, FREQUENCIES, PREDICTION, ESTIMATION, CHANCES, ROADMAP],
    ids=["README", "frequencies", "prediction", "estimation", "chances", "roadmap"],
)
def test_a_page_prints_what_it_says(page: str, tmp_path) -> None:
    script = "\n".join(blocks("python", page))
    environment = {k: v for k, v in os.environ.items() if k != "ALLOMATCH_DATA"} | {"XDG_CACHE_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    promised = re.findall(r"^print\(.*\)\s+# (.+)$", script, re.M)
    assert len(promised) == script.count("print(") > 0
    assert done.stdout.splitlines() == promised


def test_the_case_file_of_the_roadmap(tmp_path) -> None:
    (case,) = blocks("json", ROADMAP)
    path = tmp_path / "case.json"
    path.write_text(case)
    command = [sys.executable, "-m", "allomatch", "roadmap", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (promised,) = re.findall(r"Its plan ends with `(.*?)`", ROADMAP)
    (line,) = (each for each in done.stdout.splitlines() if each.startswith("to be discussed first"))
    assert line.startswith(promised)
    assert "problem, " not in done.stdout


def test_readme_shell(tmp_path) -> None:
    """The shell blocks but the first (the two make commands, which CI runs) are run in order in an empty folder."""
    commands = [line[2:] for block in blocks("console")[1:] for line in block.splitlines() if line.startswith("$ ")]
    assert commands
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for command in commands:
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"


def test_readme_opens_with_the_two_commands() -> None:
    commands = [line.split("#")[0].strip() for line in blocks("console")[0].splitlines()]
    assert commands == ["$ make demo", "$ make test"]
