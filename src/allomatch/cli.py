"""The command line: ``allomatch demo | index | add | search | match | impute | predict | info | verify | ...``.

Every command says what it did in a few lines, or as JSON with ``--json``. Exit codes: 0 fine, 1 bad input, 2 wrong usage,
3 nothing matched. Errors go to standard error, without a traceback, with donor ids and never names.
"""

from __future__ import annotations

import bisect
import contextlib
import io
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import pyarrow as pa
import pyarrow.csv as pa_csv
import typer
from rich.table import Table
from rich.text import Text

from allomatch import _core, demo
from allomatch.cli_chances import chances_command
from allomatch.cli_estimate import estimate_command
from allomatch.cli_frequencies import frequencies_app
from allomatch.cli_match import match_command
from allomatch.cli_nomenclature import ReleaseOption, nomenclature_app, open_nomenclature
from allomatch.cli_prediction import (
    chances_of,
    impute_command,
    open_frequencies,
    patient_frequencies,
    predict_command,
    prediction_facts,
)
from allomatch.cli_roadmap import plan_of_demo, roadmap_command
from allomatch.console import AsJson, complain, out, plain, print_json, progress_bar, say
from allomatch.cord import CORD_PRESETS
from allomatch.errors import AllomatchError, FileFormatError, code_of, problem
from allomatch.formats import TableFile, open_table
from allomatch.match import PRESETS, MatchLevel, NullPolicy
from allomatch.phenotype import Phenotype
from allomatch.ranking import PatientFactors, RankingPolicy
from allomatch.registry import AddReport, Registry
from allomatch.search import Direction, Hits

__all__ = ["app", "main"]

NOTHING_MATCHED = 3

app = typer.Typer(
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    add_completion=False,
    help="Stem cell donor matching. Decision support, never a decision.",
)
app.add_typer(nomenclature_app, name="nomenclature")
app.add_typer(frequencies_app, name="frequencies")
frequencies_app.command("estimate")(estimate_command)
app.command("match")(match_command)
app.command("impute")(impute_command)
app.command("predict")(predict_command)
app.command("roadmap")(roadmap_command)
app.command("chances")(chances_command)

ThreadsOption = Annotated[int, typer.Option(min=0, help="0 means all cores.")]


# It may have come when the work was just done.
INTERRUPTED = "interrupted; every file is as it was before, or whole"


def main() -> None:
    """Run the command line; the entry point of the ``allomatch`` script."""
    # A terminal that cannot show a character shows its number instead of failing.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = app(standalone_mode=False)
    except AllomatchError as failure:
        complain(f"{failure} (error {failure.code})")
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        complain(INTERRUPTED)
        sys.exit(130)
    except OSError as failure:
        complain(f"{failure}; check the file and the disk (error {code_of('IoFailed')})")
        sys.exit(1)
    except Exception as failure:
        # Wrong usage: the exceptions that the command line library shows itself, with an exit code of their own.
        show = getattr(failure, "show", None)
        if show is None:
            raise
        show()
        sys.exit(getattr(failure, "exit_code", 2))
    if code == 130:
        complain(INTERRUPTED)
    sys.exit(code if isinstance(code, int) else 0)


# ---- demo -----------------------------------------------------------------------------------------------------------------


@app.command()
def demo_command(
    donors: Annotated[int, typer.Option(min=1, help="How many donors to draw.")] = 1_000_000,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, other donors and patients.")] = 1,
    keep: Annotated[Path | None, typer.Option(help="Keep the registry in this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Draw donors of mixed resolution, index them, search for five patients of different origin, and plan one case whole.

    Example: allomatch demo --donors 100000
    """
    with tempfile.TemporaryDirectory(prefix="allomatch-demo-") as folder:
        _demo(donors, seed, keep or Path(folder) / "demo.allo", as_json)


# The command is called "demo"; the function cannot be, because that is the module.
app.registered_commands[-1].name = "demo"


def _demo(donors: int, seed: int, path: Path, as_json: bool) -> None:
    nomenclature = open_nomenclature("auto")
    data = os.environ.get("ALLOMATCH_DATA")
    full = Path(data) if data and (Path(data) / "haplotypes").is_dir() else None
    haplotypes = demo.load_haplotypes(full, known=nomenclature.knows)
    source = "the full frequency files" if full else "the shipped excerpt of the frequency files"
    if not as_json:
        say(f"Drawing {donors:,} donors from {source} (Gragert et al. 2013), nomenclature {nomenclature.release}.")

    started = time.perf_counter()
    with progress_bar() as progress:
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
    plan = plan_of_demo(registry, haplotypes, nomenclature)
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
        print_json({**summary, "patients": answers, "plan": plan.to_dict()})
        return
    say(
        f"Drawn and indexed in {built:.1f} s ({len(registry) / built:,.0f} donors/s), "
        f"{info['phenotypes']:,} distinct phenotypes, "
        f"{summary['bytes_per_donor']} bytes a donor ({summary['hla_bytes_per_donor']} of them HLA). "
        f"Opened in {opened * 1e3:.1f} ms."
    )
    for answer in answers:
        _print_demo_patient(answer)
    say("")
    say(
        "The whole road for one more patient, of a Moroccan and a Belgian parent and without family (allomatch roadmap):"
    )
    for line in plan.explain().splitlines():
        say(line)
    say("Decision support for professionals, never a decision. Donors and patients are drawn, not real.")


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
            "reason": hit.match.summary()
            + "".join(f"; {locus} cannot be read under {hit.match.nomenclature}" for locus in hit.unread),
            "unread_loci": list(hit.unread),
            "not_searched": {
                each.locus: {"mismatches": each.mismatches, "greatest": each.greatest} for each in hit.reported
            },
            **hit.doses,
            **chances_of(hit),
        }
        for hit in hits
    ]


def _print_demo_patient(answer: dict[str, Any]) -> None:
    say()
    say(f"{answer['patient_id']} ({answer['population']}): {answer['gl']}", style="bold")
    found = ", ".join(
        f"{each['level']} {each['donors']:,} donors in {each['milliseconds']:.2f} ms" for each in answer["levels"]
    )
    say(f"  {found}")
    _print_hits(answer["best"])


def _print_hits(rows: list[dict[str, Any]]) -> None:
    if not rows:
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1))
    doses = [name for name in rows[0] if name.endswith("_per_kg")]
    others = ["not searched"] if rows[0]["not_searched"] else []
    chances = ["p0", "p1", "p2"] if "likelihood" in rows[0] else []
    for heading in ("#", "donor", *chances, "mismatches", "GvH", "HvG", *doses, *others, "why"):
        table.add_column(heading, no_wrap=heading not in ("why", "not searched"))
    for row in rows:
        amounts = ["?" if row[name] is None else f"{row[name]:.3g}" for name in doses]
        further = [", ".join(f"{locus} {_span(counts)}" for locus, counts in row["not_searched"].items())]
        values = row["p_mismatches"] if chances else []
        likely = ["-" if values is None or k >= len(values) else f"{values[k]:.3f}" for k in range(len(chances))]
        cells = (str(row["rank"]), row["donor_id"], *likely, _span(row), str(row["gvh"]), str(row["hvg"]), *amounts)
        table.add_row(*(Text(plain(cell)) for cell in (*cells, *further[: len(others)], row["reason"])))
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
    return AddReport(report.added, report.rejected + len(rows), errors, report.warnings, report.ignored_columns)


def _report(report: AddReport, path: Path, table: Path, seconds: float, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "registry": str(path),
                "added": report.added,
                "rejected": report.rejected,
                "seconds": round(seconds, 3),
                "ignored_columns": list(report.ignored_columns),
                "errors": report.errors.slice(0, 1000).to_pylist(),
                "warnings": report.warnings.slice(0, 1000).to_pylist(),
            }
        )
    else:
        made = "" if path.exists() else "; no file was made"
        say(
            f"{table}: {report.added:,} donors added to {path} in {seconds:.1f} s, {report.rejected:,} rows rejected{made}."
        )
        for each in report.errors.slice(0, 10).to_pylist():
            where = f"row {each['row']}, donor {each['donor_id'] or '?'}, {each['field'] or 'row'}"
            say(f"  {where}: {each['message']} (error {each['code']})")
        if report.errors.num_rows > 10:
            say(f"  ... and {report.errors.num_rows - 10:,} more; --errors FILE writes them all")
        for each in report.warnings.slice(0, 10).to_pylist():
            say(f"  warning: {each['rows']:,} rows, first {each['donor_id']}, {each['field']}: {each['message']}")
        if report.warnings.num_rows > 10:
            say(f"  ... and {report.warnings.num_rows - 10:,} more warnings")
        if report.ignored_columns:
            say(f"  ignored columns: {', '.join(report.ignored_columns)}")
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


def _index(write: Write, path: Path, table: Path, errors: Path | None, as_json: bool, *, fresh: bool = False) -> None:
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
        with progress_bar() as progress:
            task = progress.add_task("indexing donors", total=None)

            def watched() -> Iterator[pa.RecordBatch]:
                for batch in file.batches:
                    yield batch
                    progress.advance(task, batch.num_rows)

            report = write(pa.RecordBatchReader.from_batches(file.schema, watched()))
        report = _with_ragged(report, file)
        if fresh and report.added == 0 and report.rejected > 0:
            path.unlink()
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
    required = None if nomenclature is None else open_nomenclature(nomenclature)

    _index(
        lambda rows: Registry.build(registry, rows, nomenclature=required, threads=threads)[1],
        registry,
        table,
        errors,
        as_json,
        fresh=True,
    )


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
    required = None if nomenclature is None else open_nomenclature(nomenclature)
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
    per_locus: Annotated[
        str | None, typer.Option(help="Further limits at single loci, 0 to 2 each: DRB1=0,DQB1=1.")
    ] = None,
    direction: Annotated[str, typer.Option(help="both, gvh or hvg.")] = "both",
    level: Annotated[
        str | None,
        typer.Option(help="What is compared: ard, allele or antigen; or by locus: A=antigen,B=antigen. Default ard."),
    ] = None,
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
    frequencies: Annotated[
        Path | None,
        typer.Option(help="Haplotype frequencies, a file or a folder of sets: adds probabilities, and ranks by them."),
    ] = None,
    patient_ethnicity: Annotated[
        str | None,
        typer.Option(help="Chooses the patient's own of a folder of sets; the default is that for everyone."),
    ] = None,
    patient_ion: Annotated[str | None, typer.Option(help="Likewise: the ION of the patient's registry.")] = None,
    ranking: Annotated[
        Path | None,
        typer.Option(help="A ranking as JSON: keys in order, limits of the categories (docs/prediction.md)."),
    ] = None,
    patient_cmv: Annotated[str | None, typer.Option(help="P or N, for the ranking.")] = None,
    patient_abo: Annotated[str | None, typer.Option(help="A, B, AB or O, for the ranking.")] = None,
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
    names = open_nomenclature(nomenclature)
    opened = Registry.open(registry, nomenclature=names, null_policy=policy)
    sets = None if frequencies is None else open_frequencies(frequencies, names)
    limits = {} if per_locus is None else _limits(per_locus)
    started = time.perf_counter()
    hits = opened.search(
        patient,
        loci if "/" in loci else _names(loci),
        max_mismatches=max_mismatches,
        per_locus=limits,
        direction=way,
        level=_level(level),
        where=where,
        patient_weight_kg=patient_weight_kg,
        min_tnc_e7_per_kg=min_tnc_e7_per_kg,
        min_cd34_e6_per_kg=min_cd34_e6_per_kg,
        report=cast(Literal["all", "searched"], report) if report in ("all", "searched") else _names(report),
        frequencies=sets,
        patient_frequencies=patient_frequencies(sets, patient_ethnicity, patient_ion),
        ranking=None if ranking is None else _ranking(ranking),
        patient_factors=PatientFactors(cmv=patient_cmv, abo=patient_abo),
        limit=limit,
        offset=offset,
        threads=threads,
    )
    milliseconds = (time.perf_counter() - started) * 1e3
    person = Phenotype(patient)
    untyped = [locus for locus in hits.loci if not person[locus]]
    if as_json:
        print_json(
            {
                "registry": str(registry),
                "donors": len(opened),
                "nomenclature": opened.nomenclature.release,
                "patient": person.gl,
                "patient_warnings": [warning._asdict() for warning in hits.patient_warnings],
                "patient_untyped": untyped,
                "loci": list(hits.loci),
                "levels": hits.levels,
                "per_locus": limits,
                "direction": direction,
                "where": where,
                "reported_loci": list(hits.reported),
                "total": hits.total,
                "by_mismatches": hits.counts,
                "milliseconds": round(milliseconds, 3),
                **prediction_facts(hits),
                "hits": _rows_of(hits),
            }
        )
    else:
        levels = ", ".join(f"{k} mismatches: {n:,}" for k, n in hits.counts.items())
        say(
            f"{hits.total:,} of {len(opened):,} donors ({levels}) in {milliseconds:.2f} ms, "
            f"nomenclature {opened.nomenclature.release}."
        )
        for warning in hits.patient_warnings:
            say(f"  warning: the patient's {warning.locus}: {warning.message}")
        if untyped:
            say(f"  warning: the patient is not typed at {', '.join(untyped)}: any donor may match there")
        if facts := prediction_facts(hits):
            silent = f"; they say nothing of {', '.join(facts['ignored_loci'])}" if facts["ignored_loci"] else ""
            say(f"Probabilities: frequencies of {facts['patient_frequencies']} for the patient{silent}.")
        if len(hits):
            _print_hits(_rows_of(hits))
    if hits.total == 0:
        raise typer.Exit(NOTHING_MATCHED)


def _ranking(path: Path) -> RankingPolicy:
    try:
        return RankingPolicy.from_json(path.read_text())
    except (OSError, UnicodeError) as failure:
        raise problem("FileNotFound", f"cannot read the ranking {str(path)!r}: {failure}; check the path") from failure


def _level(text: str | None) -> MatchLevel | dict[str, MatchLevel] | None:
    """Read ``antigen`` or ``A=antigen,B=antigen``; the words are checked where they are used."""
    if text is None or "=" not in text:
        return cast(MatchLevel | None, text)
    parts = [part.partition("=") for part in text.split(",")]
    return {locus.strip(): cast(MatchLevel, level.strip()) for locus, _, level in parts}


def _limits(text: str) -> dict[str, int]:
    """Read ``DRB1=0,DQB1=1``; loci and ranges are checked where they are used."""
    limits: dict[str, int] = {}
    for part in text.split(","):
        locus, _, most = (each.strip() for each in part.partition("="))
        if not (most.isascii() and most.isdigit()) or locus in limits:
            message = (
                f"--per-locus is {text!r}: {part.strip()!r} is no limit of a locus of its own; write DRB1=0,DQB1=1"
            )
            raise problem("InvalidArgument", message)
        limits[locus] = int(most)
    return limits


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
    opened = Registry.open(registry, nomenclature=open_nomenclature(nomenclature))
    facts = opened.info()
    unknown = opened.unknown_typings()
    if as_json:
        print_json({**facts, "unknown_typings": unknown.to_pylist()})
        return
    say(
        f"{registry}: {facts['donors']:,} donors, {facts['phenotypes']:,} distinct phenotypes, {facts['file_bytes']:,} bytes."
    )
    typings = ", ".join(f"{locus} {n:,}" for locus, n in facts["typings"].items())
    say(f"  distinct typings: {typings or 'none'}; trie order {' '.join(facts['trie_order']) or '-'}")
    say(f"  nomenclature {facts['nomenclature']}: {unknown.num_rows:,} typings unknown, treated as untyped")
    for row in unknown.slice(0, 10).to_pylist():
        say(f"    {row['typing']} ({row['donors']:,} donors)")


@app.command()
def verify(registry: Annotated[Path, typer.Argument(help="A registry file.")], as_json: AsJson = False) -> None:
    """Check every byte of a registry file. Exit code 1 if it is damaged.

    Example: allomatch verify home.allo
    """
    started = time.perf_counter()
    try:
        opened = Registry.open(registry, validate="full")
    except FileFormatError as failure:
        if as_json:
            print_json({"registry": str(registry), "sound": False, "code": failure.code, "message": str(failure)})
        raise
    seconds = time.perf_counter() - started
    facts = opened.info()
    if as_json:
        print_json(
            {"registry": str(registry), "sound": True, "blocks": len(facts["blocks"]), "seconds": round(seconds, 3)}
        )
    else:
        say(
            f"{registry} is sound: {len(facts['blocks'])} blocks, {facts['file_bytes']:,} bytes checked in {seconds:.2f} s."
        )
