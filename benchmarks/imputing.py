"""The ways to impute people, each in a fresh process, so that `measuring.peak_of` can watch its memory.

What: `python -m benchmarks.imputing WAY FOLDER` with the files that `test_prediction.py` wrote there. Invariants: when it
says "ready", the packages (and allomatch's nomenclature) are loaded and no frequency is; `seconds` are those of the people
alone; what was answered is in the result or in a file beside, so that the test can compare. Why cut by the clock: the
others would take minutes to hours for all people.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import pickle
import re
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow as pa

__all__ = ["BEST", "OTHERS_SECONDS", "WAYS"]

BEST = 10
OTHERS_SECONDS = 20.0

Answer = dict[str, Any]


def _allomatch(folder: Path, threads: int) -> Answer:
    """Open the set from its cache and impute all people."""
    from allomatch import HaplotypeFrequencies, impute_table

    start = time.perf_counter()
    frequencies = HaplotypeFrequencies.read(folder / "set.csv")
    impute_table(["A*01:01+A*01:01"], frequencies, _NOMENCLATURE[0], best=0, threads=1)  # carries the set
    opened = time.perf_counter()
    people = pa.ipc.open_file(pa.memory_map(str(folder / "people.arrow"))).read_all()["gl"]
    done = impute_table(people, frequencies, _NOMENCLATURE[0], best=BEST, threads=threads)
    assert done.errors.num_rows == 0
    return {"seconds": time.perf_counter() - opened, "open_s": opened - start, "people": len(people)}


def _plain(folder: Path, threads: int) -> Answer:
    """Index the haplotypes and impute one person after the other for a while."""
    from benchmarks.baselines.plain_imputer import PlainImputer

    imputer = PlainImputer(pickle.loads((folder / "haplotypes.pickle").read_bytes()))
    people = pickle.loads((folder / "people.pickle").read_bytes())
    answers = []
    start = time.perf_counter()
    for person in people:
        answers.append(imputer.impute(person, BEST))
        if time.perf_counter() - start > OTHERS_SECONDS:
            break
    seconds = time.perf_counter() - start
    named = [
        (total, pairs, [(weight, imputer.names[h], imputer.names[k]) for weight, h, k in best])
        for total, pairs, best in answers
    ]
    (folder / "plain-answers.pickle").write_bytes(pickle.dumps(named))
    return {"seconds": seconds, "people": len(answers)}


def _peer_graph(folder: Path, threads: int) -> Answer:
    """Make py-graph-imputation's files of nodes and edges."""
    from graph_generation.generate_hpf import produce_hpf
    from grim.grim import graph_freqs

    start = time.perf_counter()
    configuration = str(folder / "peer" / "conf" / "configuration.json")
    with contextlib.redirect_stdout(sys.stderr):
        produce_hpf(conf_file=configuration)
        graph_freqs(conf_file=configuration)
    return {"seconds": time.perf_counter() - start}


class _Enough(BaseException):
    """No Exception: whoever goes on after one person's error must not go on after this."""


class _Watch:
    """Stands for the standard output: py-graph-imputation says there whom it has begun, as "12 Subject: D12 ..."."""

    def __init__(self) -> None:
        self._begun: list[tuple[int, float]] = []

    def write(self, text: str) -> int:
        said = re.match(r"(\d+) Subject:", text)
        if said:
            self._begun.append((int(said[1]), time.perf_counter()))
            if self._begun[-1][1] - self._begun[0][1] > OTHERS_SECONDS:
                raise _Enough
        return len(text)

    def flush(self) -> None:
        pass

    def answer(self) -> Answer:
        """People from the beginning of the first one to that of the last one."""
        if len({number for number, _ in self._begun}) < 2:
            raise RuntimeError("py-graph-imputation began fewer than two people; see its output")
        last = self._begun[-1][0]
        end = next(at for number, at in self._begun if number == last)
        return {"seconds": end - self._begun[0][1], "people": last - self._begun[0][0]}


def _peer(folder: Path, threads: int) -> Answer:
    """Read py-graph-imputation's graph and impute for a while."""
    from grim.grim import impute

    watch = _Watch()
    with contextlib.suppress(_Enough), contextlib.redirect_stdout(watch):
        impute(conf_file=str(folder / "peer" / "conf" / "configuration.json"))
    return watch.answer()


WAYS = {"allomatch": _allomatch, "plain": _plain, "peer-graph": _peer_graph, "peer": _peer}
_NOMENCLATURE: list[Any] = []


def _load(way: str) -> None:
    """What is not counted: imports, and allomatch's nomenclature."""
    if way == "allomatch":
        from benchmarks.drawing import newest_nomenclature

        _NOMENCLATURE.append(newest_nomenclature())
    elif way.startswith("peer"):
        import grim.grim  # noqa: F401


def main() -> None:
    """Do one way: say "ready", wait for a line, work, print what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=list(WAYS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--threads", type=int, default=0)
    given = parser.parse_args()
    del sys.argv[1:]  # py-graph-imputation reads them too
    _load(given.way)
    print("ready", flush=True)
    sys.stdin.readline()
    print(json.dumps(WAYS[given.way](given.folder, given.threads)))


if __name__ == "__main__":
    main()
