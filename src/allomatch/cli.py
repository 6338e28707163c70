"""The command line: ``allomatch demo | index | add | search | info | verify | nomenclature``.

Every command says what it did in a few lines, or as JSON with ``--json``. Exit codes: 0 fine, 1 bad input, 2 wrong usage,
3 nothing matched. Errors go to standard error, without a traceback, with donor ids and never names.
"""

from __future__ import annotations

import bisect
import contextlib
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from allomatch import _core, demo
from allomatch.cord import CORD_PRESETS
from allomatch.errors import AllomatchError, code_of, problem
from allomatch.formats import TableFile, open_table
from allomatch.install import install_macs, install_release
from allomatch.match import PRESETS, NullPolicy, Profile, match
from allomatch.match_table import match_table
from allomatch.nomenclature import Nomenclature
from allomatch.phenotype import Phenotype
from allomatch.registry import AddReport, Registry
from allomatch.releases import mac_file, releases
from allomatch.search import Direction, Hits

__all__ = ["app", "main"]

NOTHING_MATCHED = 3

app = typer.Typer(
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    add_completion=False,
    help="Stem cell donor matching. Decision support, never a decision.",
)
nomenclature_app = typer.Typer(no_args_is_help=True, help="IPD-IMGT/HLA releases on this machine.")
app.add_typer(nomenclature_app, name="nomenclature")
out = Console(soft_wrap=True)
err = Console(stderr=True, soft_wrap=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
ReleaseOption = Annotated[
    str,
    typer.Option(
        "--nomenclature",
        "-n",
        help="A release such as 3.58.0, 'two-field', or 'auto': the newest installed, else two-field.",
    ),
]
ThreadsOption = Annotated[int, typer.Option(min=0, help="0 means all cores.")]


def main() -> None:
    """Run the command line; the entry point of the ``allomatch`` script."""
    # A terminal that cannot show a character shows its number instead of failing.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(standalone_mode=False)
    except AllomatchError as failure:
        _complain(f"{failure} (error {failure.code})")
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        _complain("interrupted; nothing was changed")
        sys.exit(130)
    except OSError as failure:
        _complain(f"{failure}; check the file and the disk (error {code_of('IoFailed')})")
        sys.exit(1)
    except Exception as failure:
        # Wrong usage: the exceptions that the command line library shows itself, with an exit code of their own.
        show = getattr(failure, "show", None)
        if show is None:
            raise
        show()
        sys.exit(getattr(failure, "exit_code", 2))
    if code == 130:
        _complain("interrupted; nothing was changed")
    sys.exit(code if isinstance(code, int) else 0)


def _complain(message: str) -> None:
    err.print(Text(f"allomatch: {_plain(message)}", style="red"))


def _say(message: str = "", style: str = "") -> None:
    """Print a line as it is: no markup, no highlighting, no control characters."""
    out.print(Text(_plain(message), style=style))


def _plain(text: str) -> str:
    """Make foreign text safe to print: control characters could forge lines or drive the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _nomenclature(name: str) -> Nomenclature:
    if name == "two-field" or (name == "auto" and not releases()):
        return Nomenclature.two_field()
    return Nomenclature.load(None if name == "auto" else name)


def _print_json(value: Any) -> None:
    print(json.dumps(value))


def _progress() -> Progress:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=err, transient=True, disable=not err.is_terminal)


# ---- demo -----------------------------------------------------------------------------------------------------------------


@app.command()
def demo_command(
    donors: Annotated[int, typer.Option(min=1, help="How many donors to draw.")] = 1_000_000,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other donors and patients.")] = 1,
    keep: Annotated[Path | None, typer.Option(help="Keep the registry in this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Draw donors of mixed resolution, index them, and search for five patients of different origin.

    Example: allomatch demo --donors 100000
    """
    with tempfile.TemporaryDirectory(prefix="allomatch-demo-") as folder:
        _demo(donors, seed, keep or Path(folder) / "demo.allo", as_json)


# The command is called "demo"; the function cannot be, because that is the module.
app.registered_commands[-1].name = "demo"


def _demo(donors: int, seed: int, path: Path, as_json: bool) -> None:
    nomenclature = _nomenclature("auto")
    data = os.environ.get("ALLOMATCH_DATA")
    full = Path(data) if data and (Path(data) / "haplotypes").is_dir() else None
    haplotypes = demo.load_haplotypes(full, known=nomenclature.knows)
    source = "the full frequency files" if full else "the shipped excerpt of the frequency files"
    if not as_json:
        _say(f"Drawing {donors:,} donors from {source} (Gragert et al. 2013), nomenclature {nomenclature.release}.")

    started = time.perf_counter()
    with _progress() as progress:
        task = progress.add_task("drawing and indexing donors", total=donors)

        def watched() -> Iterator[pa.RecordBatch]:
            for batch in demo.draw_donors(haplotypes, donors, seed=seed):
                yield batch
                progress.advance(task, batch.num_rows)
            progress.update(task, description="sorting and writing the index")

        Registry.build(path, pa.RecordBatchReader.from_batches(demo.DONOR_SCHEMA, watched()), nomenclature=nomenclature)
    built = time.perf_counter() - started
    started = time.perf_counter()
    registry = Registry.open(path, nomenclature=nomenclature)
    opened = time.perf_counter() - started

    patients = demo.draw_patients(haplotypes, len(haplotypes), seed=seed + 1, populations=list(haplotypes)).to_pylist()
    answers = [_demo_patient(registry, patient) for patient in patients]
    info = registry.info()
    summary = {
        "donors": len(registry),
        "phenotypes": info["phenotypes"],
        "nomenclature": nomenclature.release,
        "seconds_to_build": round(built, 3),
        "milliseconds_to_open": round(opened * 1e3, 3),
        "bytes_per_donor": round(info["file_bytes"] / len(registry), 1),
        "hla_bytes_per_donor": round(info["hla_bytes"] / len(registry), 1),
        "kernel": _core.active_kernel(),
    }
    if as_json:
        _print_json({**summary, "patients": answers})
        return
    _say(
        f"Drawn and indexed in {built:.1f} s ({len(registry) / built:,.0f} donors/s), "
        f"{info['phenotypes']:,} distinct phenotypes, "
        f"{summary['bytes_per_donor']} bytes a donor ({summary['hla_bytes_per_donor']} of them HLA). "
        f"Opened in {opened * 1e3:.1f} ms."
    )
    for answer in answers:
        _print_demo_patient(answer)
    _say("Decision support for professionals, never a decision. Donors and patients are drawn, not real.")


def _demo_patient(registry: Registry, patient: dict[str, str]) -> dict[str, Any]:
    phenotype = Phenotype(patient["gl"])
    levels = []
    for budget in range(3):
        started = time.perf_counter()
        hits = registry.search(phenotype, "10/10", max_mismatches=budget)
        levels.append(
            {
                "level": "10/10" if budget == 0 else f">={10 - budget}/10",
                "donors": hits.total,
                "milliseconds": round((time.perf_counter() - started) * 1e3, 3),
            }
        )
    best = registry.search(phenotype, "10/10", max_mismatches=2, limit=10)
    return {**patient, "levels": levels, "best": _rows_of(best)}


def _rows_of(hits: Hits) -> list[dict[str, Any]]:
    return [
        {
            "rank": hit.rank + 1,
            "donor_id": hit.donor_id,
            "mismatches": hit.match.mismatches,
            "greatest": hit.match.greatest,
            "gvh": hit.match.gvh,
            "hvg": hit.match.hvg,
            "reason": hit.match.summary(),
            "not_searched": {
                each.locus: {"mismatches": each.mismatches, "greatest": each.greatest} for each in hit.reported
            },
            **hit.doses,
        }
        for hit in hits
    ]


def _print_demo_patient(answer: dict[str, Any]) -> None:
    _say()
    _say(f"{answer['patient_id']} ({answer['population']}): {answer['gl']}", style="bold")
    found = ", ".join(
        f"{each['level']} {each['donors']:,} donors in {each['milliseconds']:.2f} ms" for each in answer["levels"]
    )
    _say(f"  {found}")
    _print_hits(answer["best"])


def _print_hits(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    doses = [name for name in rows[0] if name.endswith("_per_kg")]
    others = ["not searched"] if rows[0]["not_searched"] else []
    for heading in ("#", "donor", "mismatches", "GvH", "HvG", *doses, *others, "why"):
        table.add_column(heading, no_wrap=heading not in ("why", "not searched"))
    for row in rows:
        amounts = ["?" if row[name] is None else f"{row[name]:.3g}" for name in doses]
        further = [", ".join(f"{locus} {_span(counts)}" for locus, counts in row["not_searched"].items())]
        cells = (str(row["rank"]), row["donor_id"], _span(row), str(row["gvh"]), str(row["hvg"]), *amounts)
        table.add_row(*(Text(_plain(cell)) for cell in (*cells, *further[: len(others)], row["reason"])))
    out.print(table)


def _span(counts: dict[str, Any]) -> str:
    """Write how many mismatches there are, for the table."""
    least, greatest = counts["mismatches"], counts["greatest"]
    return str(least) if least == greatest else f"{least}-{greatest}"


# ---- index, add -----------------------------------------------------------------------------------------------------------


def _with_ragged(report: AddReport, file: TableFile) -> AddReport:
    """Add the rows that were no rows of the table to a report."""
    if not file.ragged:
        return report
    width = len(file.schema)
    # Rows of the file are counted from 0 after the heading (its line is number 1). Those set aside were not counted so far.
    ragged = sorted((number - 2, cells) for number, cells in file.ragged)
    before = [row - i for i, (row, _) in enumerate(ragged)]
    shifted = [row + bisect.bisect_right(before, row) for row in report.errors["row"].to_pylist()]
    table = report.errors.set_column(0, "row", pa.array(shifted, pa.int64()))
    rows = [
        {
            "row": row,
            "donor_id": "",
            "field": "",
            "value": "",
            "code": code_of("MissingValue"),
            "message": f"the row has {cells} cells, the heading {width}; correct the row",
        }
        for row, cells in ragged
    ]
    errors = pa.concat_tables([table, pa.Table.from_pylist(rows, table.schema)]).sort_by("row")
    return AddReport(report.added, report.rejected + len(rows), errors, report.ignored_columns)


def _report(report: AddReport, path: Path, table: Path, seconds: float, as_json: bool) -> None:
    if as_json:
        _print_json(
            {
                "registry": str(path),
                "added": report.added,
                "rejected": report.rejected,
                "seconds": round(seconds, 3),
                "ignored_columns": list(report.ignored_columns),
                "errors": report.errors.slice(0, 1000).to_pylist(),
            }
        )
    else:
        _say(f"{table}: {report.added:,} donors added to {path} in {seconds:.1f} s, {report.rejected:,} rows rejected.")
        for each in report.errors.slice(0, 10).to_pylist():
            where = f"row {each['row']}, donor {each['donor_id'] or '?'}, {each['field'] or 'row'}"
            _say(f"  {where}: {each['message']} (error {each['code']})")
        if report.errors.num_rows > 10:
            _say(f"  ... and {report.errors.num_rows - 10:,} more; --errors FILE writes them all")
        if report.ignored_columns:
            _say(f"  ignored columns: {', '.join(report.ignored_columns)}")
    if report.added == 0 and report.rejected > 0:
        raise typer.Exit(1)


ErrorsOption = Annotated[Path | None, typer.Option(help="Write the rejected rows and their reasons to this CSV file.")]
RequireOption = Annotated[
    str | None,
    typer.Option(
        "--nomenclature", "-n", help="Reject typings that this release does not know; without it only malformed ones."
    ),
]


Write = Callable[[pa.RecordBatchReader], AddReport]


def _index(write: Write, path: Path, table: Path, errors: Path | None, as_json: bool) -> None:
    """Read a table, have it written, and report; the file for the errors is made first, so that it cannot fail last."""
    started = time.perf_counter()
    file = open_table(table)
    with contextlib.ExitStack() as stack:
        sink = None
        if errors is not None:
            try:
                descriptor = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError as failure:
                raise problem("AlreadyExists", f"{str(errors)!r} exists; choose another name for --errors") from failure
            except OSError as failure:
                message = f"cannot make {str(errors)!r} for --errors: {failure.strerror}; choose another folder"
                raise problem(
                    "PermissionDenied" if isinstance(failure, PermissionError) else "FileNotFound", message
                ) from failure
            sink = stack.enter_context(os.fdopen(descriptor, "wb"))
            stack.callback(lambda: errors.unlink() if errors.stat().st_size == 0 else None)
        with _progress() as progress:
            task = progress.add_task("indexing donors", total=None)

            def watched() -> Iterator[pa.RecordBatch]:
                for batch in file.batches:
                    yield batch
                    progress.advance(task, batch.num_rows)

            report = write(pa.RecordBatchReader.from_batches(file.schema, watched()))
        report = _with_ragged(report, file)
        if sink is not None and report.rejected:
            pa_csv.write_csv(report.errors, sink)
            sink.flush()
    _report(report, path, table, time.perf_counter() - started, as_json)


@app.command()
def index(
    table: Annotated[
        Path, typer.Argument(help="A .csv, .csv.gz or .parquet file with donor_id, and gl or A_1, A_2, B_1, ...")
    ],
    registry: Annotated[Path, typer.Argument(help="The registry file to make.")],
    errors: ErrorsOption = None,
    nomenclature: RequireOption = None,
    threads: ThreadsOption = 0,
    as_json: AsJson = False,
) -> None:
    """Make a registry file from a table of donors. Exit code 1, and no file, if there are rows and none is good.

    Example: allomatch index donors.csv home.allo
    """
    required = None if nomenclature is None else _nomenclature(nomenclature)

    def write(rows: pa.RecordBatchReader) -> AddReport:
        report = Registry.build(registry, rows, nomenclature=required, threads=threads)[1]
        if report.added == 0 and report.rejected > 0:
            registry.unlink()
        return report

    _index(write, registry, table, errors, as_json)


@app.command()
def add(
    registry: Annotated[Path, typer.Argument(help="A registry file.")],
    table: Annotated[Path, typer.Argument(help="A .csv, .csv.gz or .parquet file, as for index.")],
    errors: ErrorsOption = None,
    nomenclature: RequireOption = None,
    threads: ThreadsOption = 0,
    as_json: AsJson = False,
) -> None:
    """Add the donors of a table to a registry file.

    Example: allomatch add home.allo new_donors.parquet
    """
    required = None if nomenclature is None else _nomenclature(nomenclature)
    opened = Registry.open(registry, nomenclature=required)
    _index(lambda rows: opened.add(rows, threads=threads), registry, table, errors, as_json)


# ---- search, info, verify -------------------------------------------------------------------------------------------------


@app.command()
def search(
    registry: Annotated[Path, typer.Argument(help="A registry file.")],
    patient: Annotated[str, typer.Option(help="The patient's GL string.")],
    loci: Annotated[
        str, typer.Option(help=f"{', '.join((*PRESETS, *CORD_PRESETS))}, or loci separated by commas.")
    ] = "10/10",
    max_mismatches: Annotated[
        int | None,
        typer.Option("--max-mismatches", "-k", min=0, max=4, help="Default 0; for cord blood as many as are accepted."),
    ] = None,
    direction: Annotated[str, typer.Option(help="both, gvh or hvg.")] = "both",
    where: Annotated[
        str | None, typer.Option(help="A filter: \"sex == 'M' and birth_year >= 1985 and cmv is not null\".")
    ] = None,
    patient_weight_kg: Annotated[float | None, typer.Option(help="Lists doses of cells per kg.")] = None,
    min_tnc_e7_per_kg: Annotated[
        float | None, typer.Option(help="Least total nucleated cells, 1e7 per kg; unknown does not pass.")
    ] = None,
    min_cd34_e6_per_kg: Annotated[
        float | None, typer.Option(help="Least CD34+ cells, 1e6 per kg; unknown does not pass.")
    ] = None,
    report: Annotated[
        str,
        typer.Option(
            help="Loci that hits are compared at besides those searched: all (that the patient is typed at), searched, "
            "or loci separated by commas."
        ),
    ] = "all",
    null_policy: Annotated[str, typer.Option(help="explicit or possible.")] = "explicit",
    nomenclature: ReleaseOption = "auto",
    limit: Annotated[int, typer.Option(min=0, help="How many hits to list.")] = 10,
    offset: Annotated[int, typer.Option(min=0, help="How many hits to skip.")] = 0,
    threads: ThreadsOption = 0,
    as_json: AsJson = False,
) -> None:
    """Print the donors within a budget of mismatches, best first. Exit code 3 if there are none.

    Example: allomatch search home.allo --patient "A*01:01+A*02:01^B*08:01+B*44:02^DRB1*03:01+DRB1*04:01" --loci 6/6 -k 1
    --where "sex == 'M' and birth_year >= 1985"
    """
    policy = cast(NullPolicy, null_policy)  # both words are checked where they are used
    way = cast(Direction, direction)
    opened = Registry.open(registry, nomenclature=_nomenclature(nomenclature), null_policy=policy)
    started = time.perf_counter()
    hits = opened.search(
        patient,
        loci if "/" in loci else _names(loci),
        max_mismatches=max_mismatches,
        direction=way,
        where=where,
        patient_weight_kg=patient_weight_kg,
        min_tnc_e7_per_kg=min_tnc_e7_per_kg,
        min_cd34_e6_per_kg=min_cd34_e6_per_kg,
        report=cast(Literal["all", "searched"], report) if report in ("all", "searched") else _names(report),
        limit=limit,
        offset=offset,
        threads=threads,
    )
    milliseconds = (time.perf_counter() - started) * 1e3
    if as_json:
        _print_json(
            {
                "registry": str(registry),
                "donors": len(opened),
                "nomenclature": opened.nomenclature.release,
                "patient": Phenotype(patient).gl,
                "loci": list(hits.loci),
                "direction": direction,
                "where": where,
                "reported_loci": list(hits.reported),
                "total": hits.total,
                "by_mismatches": hits.counts,
                "milliseconds": round(milliseconds, 3),
                "hits": _rows_of(hits),
            }
        )
    else:
        levels = ", ".join(f"{k} mismatches: {n:,}" for k, n in hits.counts.items())
        _say(
            f"{hits.total:,} of {len(opened):,} donors ({levels}) in {milliseconds:.2f} ms, "
            f"nomenclature {opened.nomenclature.release}."
        )
        if len(hits):
            _print_hits(_rows_of(hits))
    if hits.total == 0:
        raise typer.Exit(NOTHING_MATCHED)


@app.command("match")
def match_command(
    patient: Annotated[str, typer.Option(help="The patient's GL string.")],
    donor: Annotated[str | None, typer.Option(help="The donor's GL string.")] = None,
    donors: Annotated[
        Path | None,
        typer.Option(help="Instead of a donor, a table: .csv, .csv.gz or .parquet, with gl or A_1, A_2, ..."),
    ] = None,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Where the result of a table goes: .parquet or .csv; must not exist.")
    ] = None,
    loci: Annotated[str, typer.Option(help=f"{', '.join(PRESETS)}, or loci separated by commas.")] = "10/10",
    null_policy: Annotated[str, typer.Option(help="explicit or possible.")] = "explicit",
    profile: Annotated[str, typer.Option(help="standard or atlas.")] = "standard",
    nomenclature: ReleaseOption = "auto",
    threads: ThreadsOption = 0,
    as_json: AsJson = False,
) -> None:
    """Compare a patient with a donor in detail, or with every donor of a table.

    Example: allomatch match --patient "A*01:01+A*02:01" --donor "A*01:01:01:01+A*02:XX" --loci A
    """
    if (donor is None) == (donors is None) or (donors is None) != (out_file is None):
        raise typer.BadParameter("give either --donor, or --donors and --out")
    names = _nomenclature(nomenclature)
    wanted = loci if "/" in loci else _names(loci)
    # The words of policy and profile are checked where they are used.
    policy, rules = cast(NullPolicy, null_policy), cast(Profile, profile)
    if donor is not None:
        found = match(patient, donor, names, wanted, null_policy=policy, profile=rules)
        if as_json:
            _print_json(found.to_dict())
        else:
            for line in found.explain().splitlines():
                _say(line)
        return
    assert donors is not None
    assert out_file is not None
    if out_file.suffix not in (".parquet", ".csv"):
        raise problem("InvalidArgument", f"{str(out_file)!r} is neither .parquet nor .csv; choose one of these")
    if out_file.exists():
        raise problem("AlreadyExists", f"{str(out_file)!r} exists; choose another name")
    file = open_table(donors)
    table = pa.Table.from_batches(file.batches, file.schema)
    started = time.perf_counter()
    result = match_table(Phenotype(patient), table, names, wanted, null_policy=policy, profile=rules, threads=threads)
    seconds = time.perf_counter() - started
    rows = result.table
    if "donor_id" in table.column_names:
        rows = rows.add_column(0, "donor_id", table["donor_id"])
    if out_file.suffix == ".csv":
        # The format knows no dictionaries.
        plain = [pa.field(f.name, pa.string() if pa.types.is_dictionary(f.type) else f.type) for f in rows.schema]
        pa_csv.write_csv(rows.cast(pa.schema(plain)), out_file)
    else:
        pq.write_table(rows, out_file)
    if as_json:
        _print_json(
            {
                "donors": rows.num_rows,
                "nomenclature": result.nomenclature,
                "null_policy": result.null_policy,
                "seconds": round(seconds, 3),
                "out": str(out_file),
                "errors": result.errors.to_pylist(),
                "ragged_rows": len(file.ragged),
            }
        )
        return
    _say(f"{rows.num_rows:,} donors compared in {seconds:.2f} s, nomenclature {result.nomenclature}: {out_file}")
    for error in result.errors.slice(0, 5).to_pylist():
        _complain(f"row {error['row']}, {error['field']}: {error['message']} (error {error['code']})")
    if result.errors.num_rows > 5:
        _complain(f"and {result.errors.num_rows - 5:,} more; --json lists them all")
    if file.ragged:
        _complain(f"{len(file.ragged):,} rows have another number of cells than the heading and were left out")


def _names(loci: str) -> list[str]:
    return [name.strip() for name in loci.split(",")]


@app.command()
def info(
    registry: Annotated[Path, typer.Argument(help="A registry file.")],
    nomenclature: ReleaseOption = "auto",
    as_json: AsJson = False,
) -> None:
    """Say what a registry file holds.

    Example: allomatch info home.allo
    """
    opened = Registry.open(registry, nomenclature=_nomenclature(nomenclature))
    facts = opened.info()
    unknown = opened.unknown_typings()
    if as_json:
        _print_json({**facts, "unknown_typings": unknown.to_pylist()})
        return
    _say(
        f"{registry}: {facts['donors']:,} donors, {facts['phenotypes']:,} distinct phenotypes, {facts['file_bytes']:,} bytes."
    )
    typings = ", ".join(f"{locus} {n:,}" for locus, n in facts["typings"].items())
    _say(f"  distinct typings: {typings or 'none'}; trie order {' '.join(facts['trie_order']) or '-'}")
    _say(f"  nomenclature {facts['nomenclature']}: {unknown.num_rows:,} typings unknown, treated as untyped")
    for row in unknown.slice(0, 10).to_pylist():
        _say(f"    {row['typing']} ({row['donors']:,} donors)")


@app.command()
def verify(registry: Annotated[Path, typer.Argument(help="A registry file.")], as_json: AsJson = False) -> None:
    """Check every byte of a registry file. Exit code 1 if it is damaged.

    Example: allomatch verify home.allo
    """
    started = time.perf_counter()
    opened = Registry.open(registry, validate="full")
    seconds = time.perf_counter() - started
    facts = opened.info()
    if as_json:
        _print_json(
            {"registry": str(registry), "sound": True, "blocks": len(facts["blocks"]), "seconds": round(seconds, 3)}
        )
    else:
        _say(
            f"{registry} is sound: {len(facts['blocks'])} blocks, {facts['file_bytes']:,} bytes checked in {seconds:.2f} s."
        )


# ---- nomenclature ---------------------------------------------------------------------------------------------------------


@nomenclature_app.command("list")
def nomenclature_list(as_json: AsJson = False) -> None:
    """List the releases that are installed and the allele codes, from ALLOMATCH_DATA and the user's cache.

    Example: allomatch nomenclature list
    """
    found: dict[str, dict[str, Any]] = {}
    for release, folder in releases().items():
        found[release] = {"folder": str(folder), "alleles": None, "problem": None}
        try:
            found[release]["alleles"] = Nomenclature.load(release).allele_count
        except AllomatchError as failure:
            found[release]["problem"] = str(failure)
    macs = mac_file()
    if as_json:
        _print_json({"releases": found, "macs": None if macs is None else str(macs)})
        return
    for release, facts in found.items():
        state = f"{facts['alleles']:,} alleles" if facts["problem"] is None else f"cannot be read: {facts['problem']}"
        _say(f"{release}  {facts['folder']}  {state}")
    if not found:
        _say("No release is installed; searches use 'two-field'.")
    _say(f"Multiple allele codes: {macs or 'none; allomatch nomenclature install-macs'}")


@nomenclature_app.command("install")
def nomenclature_install(
    release: Annotated[str, typer.Argument(help="For example 3.58.0.")],
    source: Annotated[
        Path | None, typer.Option("--from", help="A folder with the official files, instead of downloading them.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Install a release: download its official files (ANHIG/IMGTHLA), or copy them from a folder.

    Example: allomatch nomenclature install 3.58.0
    """
    with err.status(f"installing {release}") as status:
        folder = install_release(release, source, progress=lambda file: status.update(f"fetching {file}"))
    if as_json:
        _print_json({"release": release, "folder": str(folder)})
    else:
        _say(f"Installed {release} in {folder}.")


@nomenclature_app.command("install-macs")
def nomenclature_install_macs(
    source: Annotated[
        Path | None, typer.Option("--from", help="numer.v3 or alpha.v3, .txt or .zip, instead of downloading it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Install the NMDP's list of multiple allele codes: download it, or copy it from a file.

    Example: allomatch nomenclature install-macs
    """
    with err.status("installing the multiple allele codes") as status:
        path = install_macs(source, progress=lambda file: status.update(f"fetching {file}"))
    if as_json:
        _print_json({"file": str(path)})
    else:
        _say(f"Installed {path}.")


if __name__ == "__main__":
    main()
