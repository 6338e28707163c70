"""What commands share: options, lines on standard output, complaints on standard error, JSON, progress.

Foreign text (names, ids, file contents) is printed as it is, without markup, and never drives the terminal.
"""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

__all__ = ["AsJson", "ThreadsOption", "complain", "err", "out", "plain", "print_json", "progress_bar", "say"]

out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ThreadsOption = Annotated[int, typer.Option(min=0, help="0 means all cores.")]


def complain(message: str) -> None:
    """Print an error in a line on standard error."""
    err.print(Text(f"allomatch: {plain(message)}", style="red"))


def say(message: str = "", style: str = "") -> None:
    """Print a line as it is: no markup, no highlighting, no control characters."""
    out.print(Text(plain(message), style=style))


def plain(text: str) -> str:
    """Make foreign text safe to print: control characters could forge lines or drive the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def print_json(value: Any) -> None:
    """Print a value as JSON, in one line."""
    print(json.dumps(value))


def progress_bar() -> Progress:
    """Return a bar on standard error; nothing is shown where that is no terminal."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)
