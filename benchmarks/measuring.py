"""Durations of single calls, and the peak memory of a process.

What: `Clock` collects durations and summarises them; `peak_of` runs one way of `building.py` or `imputing.py` in a fresh
process and says how much memory of its own it took. Invariants: seconds and bytes everywhere; what is summarised is every
sample, none is thrown away. Why beside pytest-benchmark: its statistics are of rounds, and a round of searches is many
patients, whose median and 95th percentile are what a user feels; and the peak of a process that has run other work before
is not the peak of a build.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

__all__ = ["Clock", "Peak", "anonymous_bytes", "peak_of"]

T = TypeVar("T")

_ROOT = Path(__file__).resolve().parent.parent
_PAUSE = 0.002  # seconds between two looks at a process's memory


@dataclass
class Clock:
    """Durations of single calls, in seconds, in the order in which they were made."""

    seconds: list[float] = field(default_factory=list)

    def timed(self, call: Callable[..., T]) -> Callable[..., T]:
        """Wrap a call so that its durations are collected here."""

        def run(*args: Any, **kwargs: Any) -> T:
            start = time.perf_counter()
            result = call(*args, **kwargs)
            self.seconds.append(time.perf_counter() - start)
            return result

        return run

    def summary(self) -> dict[str, float | None]:
        """Median, 95th percentile and number of the samples; and how busy the machine was with all that runs on it."""
        return {
            "load": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
            "median_s": float(np.median(self.seconds)),
            "p95_s": float(np.percentile(self.seconds, 95)),
            "samples": len(self.seconds),
        }


@dataclass(frozen=True)
class Peak:
    """What a fresh process took.

    Attributes:
        seconds: Duration of the work alone, imports and the reading of a nomenclature excluded.
        before: Anonymous bytes of the process when the work began; None where the system does not tell.
        peak: Most anonymous bytes seen during the work; pages of mapped files are not among them.
        result: What the work said of itself.
    """

    seconds: float
    before: int | None
    peak: int | None
    result: dict[str, Any]

    @property
    def grown(self) -> int | None:
        """Bytes that the work itself took at its peak."""
        return None if self.before is None or self.peak is None else self.peak - self.before


def anonymous_bytes(pid: int | str = "self") -> int | None:
    """Anonymous resident bytes of a process: its own memory, without the pages of mapped files (Linux only)."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    for line in status.splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * 1024
    return None


def peak_of(arguments: Sequence[str], module: str = "building", environment: Mapping[str, str] | None = None) -> Peak:
    """Run a module of this folder with these arguments in a fresh process and watch its memory from outside.

    Args:
        arguments: Of its command line.
        module: It says "ready", waits for a line, works, and prints a JSON object with its `seconds`.
        environment: Further variables.

    Raises:
        RuntimeError: The process failed; the message ends with what it wrote.
    """
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    process = subprocess.Popen(
        command,
        cwd=_ROOT,
        env={**os.environ, **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        # It says "ready" when all is imported, and waits: what it holds by then is not the work's.
        ready = process.stdout.readline()
        before = anonymous_bytes(process.pid)
        peak = before
        process.stdin.write("go\n" if ready else "")
        process.stdin.close()
        while process.poll() is None:
            now = anonymous_bytes(process.pid)
            peak = max(peak, now) if peak is not None and now is not None else peak
            time.sleep(_PAUSE)
        said = process.stdout.read()
        if process.returncode:
            raise RuntimeError(f"{' '.join(command)} failed with {process.returncode}: {said[-2000:]}")
        result = json.loads(said)
        return Peak(result.pop("seconds"), before, peak, result)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        process.stdout.close()
