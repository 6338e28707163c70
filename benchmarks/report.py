"""Makes the tables of docs/benchmarks.md from the JSON of benchmark runs.

What: `python -m benchmarks.report RUN.json [RUN.json ...] [--output docs/benchmarks.md]`; one section a run, smallest
first, then how time grows between runs and, for 40 million donors, the aims. Invariants: nothing is measured or judged
here but what the files say, and a table whose results are missing is left out. Why from files: the tables in the
documents are those of a run that is committed beside them, and can be made again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Run", "main", "markdown"]

SEARCHES = ("10/10", ">=9/10", ">=8/10")
SCANS = ("numpy", "polars", "duckdb", "cython")
NAMES = {"numpy": "NumPy", "polars": "Polars", "duckdb": "DuckDB", "cython": "Cython", "pyarrow": "pyarrow"}
AIM_DONORS = 40_000_000
AIM_SEARCH_S = {"10/10": 0.002, ">=9/10": 0.006, ">=8/10": 0.040}
AIM_RATIO, AIM_OPEN_S, AIM_SWITCH_S, AIM_HLA_BYTES, AIM_BUILD, AIM_PEAK = 20, 0.050, 15, 16, 500_000, 3

COLUMNS = {"distinct": "all distinct", "registry": "as a registry has them"}
# Of texts a second, in columns of either kind.
AIM_NAMES = {
    "full names": 5_000_000,
    "ambiguous GL strings": 300_000,
    "multiple allele codes": 1_000_000,
    "XX codes": 100_000,
    "antigens": 100_000,
}
AIM_PAIRS = 1_000_000
AIM_LOAD_S = {"files": 3.0, "binary cache": 0.020}
AIM_RELEASE_BYTES = 60 << 20
AIM_IMPUTED, AIM_IMPUTING_BYTES, AIM_SET_OPEN_S = 20_000, 300 << 20, 0.100
AIM_PREDICTED = {"fully typed patient": 50_000, "ambiguous patient": 5_000}
AIM_RANKED_S = {"all hits": 2.0, "best 100": 0.3}  # at AIM_DONORS
AIM_ESTIMATED_PEOPLE, AIM_ESTIMATED_S = 1_000_000, 600.0

Result = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One run's results (the `extra_info` of every benchmark) and where it was made."""

    source: str
    machine: dict[str, Any]
    commit: dict[str, Any]
    date: str
    results: list[Result]

    @classmethod
    def read(cls, path: Path) -> Run:
        """Read a file of `--benchmark-json`.

        Raises:
            ValueError: It holds no result of these benchmarks.
        """
        content = json.loads(path.read_text(encoding="utf-8"))
        results = [b["extra_info"] for b in content["benchmarks"] if b.get("extra_info", {}).get("work")]
        if not results:
            raise ValueError(f"{path} holds no result of allomatch's benchmarks: make it with --benchmark-json={path}")
        return cls(path.name, content["machine_info"], content["commit_info"], content["datetime"], results)

    @property
    def donors(self) -> int:
        """How many donors were searched; 0 in a run of names alone."""
        return next((int(r["donors"]) for r in self.results if "donors" in r), 0)

    def all(self, **wanted: Any) -> Iterator[Result]:
        """The results with these values."""
        return (r for r in self.results if all(r.get(name) == value for name, value in wanted.items()))

    def one(self, **wanted: Any) -> Result | None:
        """The first result with these values, or None."""
        return next(self.all(**wanted), None)


def _time(seconds: float) -> str:
    if seconds >= 1:
        return f"{seconds:.3g} s" if seconds < 100 else f"{seconds:.0f} s"
    return f"{seconds * 1e3:.3g} ms" if seconds < 0.1 else f"{seconds * 1e3:.0f} ms"


def _ratio(value: float) -> str:
    return f"{value:.2g}x" if value < 10 else f"{value:.0f}x"


def _mib(size: float) -> str:
    return f"{size / 2**20:,.0f} MiB"


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(heads) + " |", "| --- |" + " ---: |" * (len(heads) - 1)]
    return [*lines, *("| " + " | ".join(row) + " |" for row in rows), ""]


def _machine(run: Run) -> str:
    ours = run.machine.get("allomatch", {})
    processor = run.machine.get("cpu", {}).get("brand_raw", run.machine.get("processor", "unknown processor"))
    packages = ", ".join(f"{name} {v}" for name, v in ours.get("packages", {}).items() if v)
    memory = f", {_mib(ours['memory_bytes'])}" if ours.get("memory_bytes") else ""
    loads = [r["load"] for r in run.results if r.get("load") is not None]
    busy = f" Load average during the run: {min(loads):.1f} to {max(loads):.1f}." if loads else ""
    changed = " with uncommitted changes" if run.commit.get("dirty") else ""
    return (
        f"{processor}, {ours.get('cores', '?')} cores{memory}; kernel {ours.get('kernel', '?')}; allomatch "
        f"{ours.get('version', '?')}, Python {ours.get('python', '?')}, {packages}. Commit "
        f"{str(run.commit.get('id'))[:12]}{changed}, {run.date[:10]}.{busy}"
    )


def _head(run: Run) -> list[str]:
    first = next(r for r in run.results if "donors" in r)
    drawn = first["haplotypes"]
    files = "the full frequency files" if drawn["full_files"] else "the excerpt of the package"
    return [
        f"## {run.donors:,} donors",
        "",
        f"Drawn from {files} ({drawn['all']:,} haplotypes, seed {first['seed']}): {first['typings']:,} distinct typings, "
        f"{first['phenotypes']:,} distinct phenotypes; nomenclature {first['nomenclature']}. {_machine(run)}",
        "",
    ]


def _rate(value: float) -> str:
    if value >= 1e6:
        return f"{value / 1e6:.3g} M"
    return f"{value / 1e3:.3g} k" if value >= 1e3 else f"{value:.3g}"


def _names(run: Run) -> list[str]:
    """Names reduced, pairs matched in detail, releases loaded: the part of a run that has no donors."""
    rows = []
    for column, words in COLUMNS.items():
        for what in AIM_NAMES:
            ours = {r["way"]: r for r in run.all(work="names", what=what, column=column, engine="allomatch")}
            peer = run.one(work="names", what=what, column=column, engine="py-ard")
            if "one thread" not in ours:
                continue
            single = ours["one thread"]
            rows.append(
                [
                    f"{what}, {words}",
                    f"{single['distinct']:,} in {single['rows']:,}",
                    *(
                        _rate(ours[way]["rate"]) if way in ours else ""
                        for way in ("all threads", "one thread", "one by one")
                    ),
                    f"{_rate(peer['rate'])} (of {peer['rows']:,})" if peer else "",
                    _ratio(single["rate"] / peer["rate"]) if peer else "",
                    f"{peer['agreement']:.1%}" + (f", {peer['refused']:,} refused" if peer["refused"] else "")
                    if peer
                    else "",
                ]
            )
    heads = ["reduced to P groups, texts/s", "texts", "all threads", "one thread", "one call a text"]
    lines = _table([*heads, "py-ard", "one thread / py-ard", "names in common"], rows) if rows else []
    pairs = []
    for ours in run.all(work="pairs", engine="allomatch", way="one thread"):
        both = run.one(work="pairs", what=ours["what"], engine="allomatch", way="all threads")
        peer = run.one(work="pairs", what=ours["what"], engine="py-hla-match")
        pairs.append(
            [
                ours["what"],
                f"{ours['distinct']:,} in {ours['rows']:,}",
                _rate(both["rate"]) if both else "",
                _rate(ours["rate"]),
                f"{_rate(peer['rate'])} (of {peer['rows']:,})" if peer else "",
                _ratio(ours["rate"] / peer["rate"]) if peer else "",
                f"{peer['agreement']:.1%}" + (f", {peer['refused']:,} refused" if peer["refused"] else "")
                if peer
                else "",
            ]
        )
    heads = ["one patient against donors, in detail, pairs/s", "donors", "all threads", "one thread", "py-hla-match"]
    lines += _table([*heads, "one thread / py-hla-match", "same mismatches"], pairs) if pairs else []
    loads = [
        [
            f"load {r['nomenclature']} ({r['alleles']:,} alleles) from {r['what']}",
            _time(r["median_s"]),
            _time(r["p95_s"]),
            f"{r['bytes'] / 2**20:.1f} MiB" if r["bytes"] is not None else "",
        ]
        for r in run.all(work="load")
    ]
    lines += _table(["release, in a fresh process", "median", "p95", "memory kept"], loads) if loads else []
    if not lines:
        return []
    first = next(run.all(work="names"), None) or next(run.all(work="load"))
    return [f"## Names, under {first['nomenclature']}", "", _machine(run), "", *lines]


def _predictions(run: Run) -> list[str]:
    """People imputed, donors predicted, searches with probabilities."""
    single = run.one(work="imputation", engine="allomatch", way="one thread")
    imputed = [
        [
            f"{r['engine']}, {r['way']}",
            f"{r['haplotypes_of_set']:,}",
            f"{r['people']:,}",
            _rate(r["rate"]),
            _mib(r["anonymous_bytes_grown"]) if r.get("anonymous_bytes_grown") else "",
            _ratio(single["rate"] / r["rate"]) if single and r["engine"] != "allomatch" else "",
            f"{r['agreement']:.1%} of {r['answered']:,}" if r.get("agreement") is not None else "",
        ]
        for r in run.all(work="imputation")
    ]
    heads = ["imputation, best 10", "haplotypes", "distinct people", "people/s", "memory", "one thread / it"]
    lines = _table([*heads, "same best pair"], imputed) if imputed else []
    predicted = [
        [
            f"{r['what']}, {r['way']}",
            f"{r['distinct']:,}",
            _rate(r["rate"]),
            _rate(r["slowest_rate"]),
            f"{r['unrepresented_share']:.1%}",
            f"{r['patients']} x {r['samples'] // r['patients']}",
        ]
        for r in run.all(work="prediction")
    ]
    heads = [
        "prediction, one patient against donors",
        "distinct donors",
        "donors/s",
        "slowest",
        "without probabilities",
    ]
    lines += _table([*heads, "patients x rounds"], predicted) if predicted else []
    plain = run.one(work="ranked search", what="plain")
    ranked = [
        [
            r["what"],
            f"{r['hits_median']:,.0f}",
            f"{r['hits_most']:,}",
            _time(r["median_s"]),
            _time(r["p95_s"]),
            _ratio(r["median_s"] / plain["median_s"]) if plain and r is not plain else "",
            f"{r['patients']} x {r['samples'] // r['patients']}",
        ]
        for r in run.all(work="ranked search")
    ]
    heads = [f">=8/10 search of {run.donors:,} donors, ranked by probability", "hits, median", "most", "median", "p95"]
    lines += _table([*heads, "it / plain", "patients x rounds"], ranked) if ranked else []
    return [f"## Prediction, from {run.source}", "", _machine(run), "", *lines] if lines else []


def _estimations(run: Run) -> list[str]:
    """Frequencies estimated, and iterations beside those of a textbook EM."""
    rows = [
        [
            "from typings to frequencies",
            f"{r['people']:,}",
            f"{r['haplotypes']:,}",
            _time(r["median_s"]),
            _rate(r["people"] / r["median_s"]),
            "",
        ]
        for r in run.all(work="whole estimation")
    ]
    for r in run.all(work="em"):
        alone, textbook = r["people_a_second_and_iteration_one_thread"], r["textbook_people_a_second_and_iteration"]
        rows += [
            ["an iteration, one thread", f"{r['people']:,}", f"{r['haplotypes']:,}", "", _rate(alone), ""],
            ["an iteration, plain Python", "", f"{r['haplotypes']:,}", "", _rate(textbook), _ratio(r["ratio"])],
        ]
    heads = ["frequencies by EM", "people", "haplotypes", "time", "people/s", "one thread / it"]
    return [f"## Frequencies, from {run.source}", "", _machine(run), "", *_table(heads, rows)] if rows else []


def _searches(run: Run) -> list[str]:
    rows = []
    beside = []
    for what in SEARCHES:
        ours = run.one(work="search", what=what, engine="allomatch", way="all threads")
        if ours is None:
            continue
        single = run.one(work="search", what=what, engine="allomatch", way="one thread")
        table = run.one(work="search", what=what, engine="allomatch", way="as a table")
        rows.append(
            [
                what,
                f"{ours['hits_median']:,.0f}",
                f"{ours['hits_most']:,}",
                _time(ours["median_s"]),
                _time(ours["p95_s"]),
                _time(single["median_s"]) if single else "",
                _time(table["median_s"]) if table else "",
                f"{ours['patients']} x {ours['samples'] // ours['patients']}",
            ]
        )
        scans = {name: run.one(work="search", what=what, engine=name) for name in SCANS}
        if "ratios" in ours:
            cells = [
                f"{_time(scan['median_s'])} ({_ratio(ours['ratios'][name])})" if scan and name in ours["ratios"] else ""
                for name, scan in scans.items()
            ]
            counts = {str(scan["patients"]) for scan in scans.values() if scan}
            beside.append(
                [what, *cells, f"{_ratio(ours['ratio'])} ({NAMES[ours['fastest_baseline']]})", "/".join(counts)]
            )
    lines = []
    if rows:
        threads = next(run.all(work="search", engine="allomatch", way="all threads"))["threads"]
        heads = ["search, all hits", "hits, median", "most", f"median, {threads} threads", "p95", "median, 1 thread"]
        lines += _table([*heads, "median with table", "patients x rounds"], rows)
    if beside:
        heads = [
            "beside it, median (ratio)",
            *(NAMES[name] for name in SCANS),
            "fastest baseline / allomatch",
            "patients",
        ]
        lines += _table(heads, beside)
    return lines


def _builds(run: Run) -> list[str]:
    rows = []
    for result in run.all(work="build"):
        ours = result["engine"] == "allomatch"
        peak = result["anonymous_bytes_peak"]
        rows.append(
            [
                "index" if ours else f"{NAMES[result['engine']]}: encode, write Parquet",
                _time(result["median_s"]),
                f"{result['donors_per_s']:,.0f}",
                _mib(peak) if peak else "",
                f"{result['peak_to_output']:.2g}" if peak else "",
                f"{result['bytes_a_donor']:.1f}",
                f"{result['hla_bytes_a_donor']:.1f}" if ours else "",
            ]
        )
    heads = [
        "build from Arrow",
        "median",
        "donors/s",
        "peak memory",
        "peak / output",
        "bytes a donor",
        "of it HLA",
    ]
    return _table(heads, rows) if rows else []


def _opens(run: Run) -> list[str]:
    rows = [
        [
            r["what"] if r["engine"] == "allomatch" else f"baseline: {r['what']}",
            _time(r["median_s"]),
            _time(r["p95_s"]),
        ]
        for r in run.all(work="open")
    ]
    return _table(["open, files cached", "median", "p95"], rows) if rows else []


def _growth(runs: Sequence[Run]) -> list[str]:
    """How the times of the smallest run grow to those of the largest."""
    small, large = runs[0], runs[-1]
    rows = []
    for what in SEARCHES:
        for engine in ("allomatch", *SCANS):
            way = {"way": "all threads"} if engine == "allomatch" else {}
            pair = [run.one(work="search", what=what, engine=engine, **way) for run in (small, large)]
            if pair[0] is None or pair[1] is None:
                continue
            times = [result["median_s"] for result in pair if result]
            hits = [result["hits_median"] for result in pair if result]
            rows.append(
                [
                    f"{what}, {NAMES.get(engine, engine)}",
                    *map(_time, times),
                    _ratio(times[1] / times[0]),
                    f"{hits[0]:,.0f} -> {hits[1]:,.0f}",
                ]
            )
    if not rows:
        return []
    title = f"## From {small.donors:,} to {large.donors:,} donors ({_ratio(large.donors / small.donors)})"
    heads = ["median", f"{small.donors:,}", f"{large.donors:,}", "grows", "hits, median"]
    return [title, "", *_table(heads, rows)]


def _aims_of_names(run: Run) -> list[list[str]]:
    rows: list[list[str]] = []

    def add(what: str, aim: str, measured: str, met: bool) -> None:
        rows.append([what, aim, measured, "met" if met else "**missed**"])

    for what, aim in AIM_NAMES.items():
        for column, words in COLUMNS.items():
            if r := run.one(work="names", what=what, column=column, engine="allomatch", way="all threads"):
                add(f"{what}, {words}, a second", f">= {_rate(aim)}", _rate(r["rate"]), r["rate"] >= aim)
    for r in run.all(work="pairs", engine="allomatch", way="all threads"):
        add(
            f"pairs in detail, {r['what']}, a second",
            f">= {_rate(AIM_PAIRS)}",
            _rate(r["rate"]),
            r["rate"] >= AIM_PAIRS,
        )
    for source, seconds in AIM_LOAD_S.items():
        if r := run.one(work="load", what=source):
            add(f"release from {source}", f"<= {_time(seconds)}", _time(r["median_s"]), r["median_s"] <= seconds)
            if r["bytes"] is not None:
                met = r["bytes"] <= AIM_RELEASE_BYTES
                add(f"memory of a release from {source}", f"<= {_mib(AIM_RELEASE_BYTES)}", _mib(r["bytes"]), met)
    return rows


def _aims_of_prediction(run: Run) -> list[list[str]]:
    rows: list[list[str]] = []

    def add(what: str, aim: str, measured: str, met: bool) -> None:
        rows.append([what, aim, measured, "met" if met else "**missed**"])

    if r := run.one(work="imputation", engine="allomatch", way="all threads"):
        add("people imputed a second", f">= {_rate(AIM_IMPUTED)}", _rate(r["rate"]), r["rate"] >= AIM_IMPUTED)
    if r := run.one(work="imputation", engine="allomatch", way="fresh process"):
        add("set from its cache", f"<= {_time(AIM_SET_OPEN_S)}", _time(r["median_s"]), r["median_s"] <= AIM_SET_OPEN_S)
        if (size := r["anonymous_bytes_grown"]) is not None:
            size += r["mapped_bytes"]
            add("memory of set and run", f"<= {_mib(AIM_IMPUTING_BYTES)}", _mib(size), size <= AIM_IMPUTING_BYTES)
    for what, aim in AIM_PREDICTED.items():
        if r := run.one(work="prediction", what=what, way="all threads"):
            add(f"donors predicted a second, {what}", f">= {_rate(aim)}", _rate(r["rate"]), r["rate"] >= aim)
    for what, seconds in AIM_RANKED_S.items() if run.donors >= AIM_DONORS else ():
        if r := run.one(work="ranked search", what=what):
            median = r["median_s"]
            add(f">=8/10 with probabilities, {what}", f"<= {_time(seconds)}", _time(median), median <= seconds)
    return rows


def _aims_of_estimation(run: Run) -> list[list[str]]:
    r = run.one(work="whole estimation")
    if r is None or r["people"] < AIM_ESTIMATED_PEOPLE:
        return []
    aim, took = AIM_ESTIMATED_S, r["median_s"]
    return [[f"EM of {r['people']:,} people", f"<= {_time(aim)}", _time(took), "met" if took <= aim else "**missed**"]]


def _aims(run: Run) -> list[str]:
    if run.donors < AIM_DONORS:
        return []
    rows: list[list[str]] = []

    def add(what: str, aim: str, measured: str, met: bool) -> None:
        rows.append([what, aim, measured, "met" if met else "**missed**"])

    for what in SEARCHES:
        result = run.one(work="search", what=what, engine="allomatch", way="all threads")
        if result:
            aim = AIM_SEARCH_S[what]
            add(f"{what}, median", f"<= {_time(aim)}", _time(result["median_s"]), result["median_s"] <= aim)
            if "ratio" in result:
                met = result["ratio"] >= AIM_RATIO
                add(f"{what}, fastest baseline / allomatch", f">= {AIM_RATIO}x", _ratio(result["ratio"]), met)
    build = run.one(work="build", engine="allomatch")
    if build:
        hla, speed, peak = build["hla_bytes_a_donor"], build["donors_per_s"], build["peak_to_output"]
        add("HLA (trie, postings, typings), bytes a donor", f"<= {AIM_HLA_BYTES}", f"{hla:.1f}", hla <= AIM_HLA_BYTES)
        add("build, donors/s", f">= {AIM_BUILD:,}", f"{speed:,.0f}", speed >= AIM_BUILD)
        if peak is not None:
            add("build, peak memory / index", f"<= {AIM_PEAK}", f"{peak:.2f}", peak <= AIM_PEAK)
    opened = run.one(work="open", what="open")
    if opened:
        add("open, cached", f"<= {_time(AIM_OPEN_S)}", _time(opened["median_s"]), opened["median_s"] <= AIM_OPEN_S)
    switched = run.one(work="open", what="another release, first answer")
    if switched:
        took = switched["median_s"]
        add("another release, first answer", f"<= {_time(AIM_SWITCH_S)}", _time(took), took <= AIM_SWITCH_S)
    return [f"## The aims, at {run.donors:,} donors", "", *_table(["work", "aim", "measured", ""], rows)]


def markdown(runs: Sequence[Run]) -> str:
    """The tables of some runs; those of more donors come later."""
    runs = sorted(runs, key=lambda run: run.donors)
    lines = [
        "# Benchmarks",
        "",
        "Made by `python -m benchmarks.report` from the JSON of "
        + ", ".join(f"`{run.source}`" for run in runs)
        + "; `benchmarks/README.md` says what was measured and how to read it.",
        "",
    ]
    of_donors = [run for run in runs if any(run.one(work=work) for work in ("search", "build", "open"))]
    if of_donors:
        lines += _aims(of_donors[-1])
    for run in runs:
        if aims := _aims_of_names(run):
            lines += ["## The aims, for names", "", *_table(["work", "aim", "measured", ""], aims)]
        if aims := _aims_of_prediction(run):
            lines += ["## The aims, for prediction", "", *_table(["work", "aim", "measured", ""], aims)]
        if aims := _aims_of_estimation(run):
            lines += ["## The aims, for frequencies", "", *_table(["work", "aim", "measured", ""], aims)]
    for run in of_donors:
        lines += [*_head(run), *_searches(run), *_builds(run), *_opens(run)]
    if len(of_donors) > 1:
        lines += _growth(of_donors)
    for run in runs:
        lines += [*_names(run), *_predictions(run), *_estimations(run)]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Read the files named on the command line and print or write the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.report", description="Tables from benchmark runs.")
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN.json", help="made with --benchmark-json")
    parser.add_argument("--output", type=Path, help="Markdown file to write; without it the tables are printed")
    given = parser.parse_args()
    text = markdown([Run.read(path) for path in given.runs])
    if given.output is None:
        print(text, end="")
    else:
        given.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
