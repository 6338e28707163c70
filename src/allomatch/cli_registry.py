"""The commands ``allomatch index | add | info | verify``: registry files from tables, and what they hold."""

from __future__ import annotations

import bisect
import contextlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.csv as pa_csv
import typer

from allomatch.cli_nomenclature import ReleaseOption, open_nomenclature
from allomatch.console import AsJson, ThreadsOption, print_json, progress_bar, say
from allomatch.errors import FileFormatError, code_of, problem
from allomatch.formats import TableFile, open_table
from allomatch.registry import AddReport, Registry

__all__ = ["add_command", "index_command", "info_command", "verify_command"]


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


def index_command(
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


def add_command(
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


def info_command(
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


def verify_command(registry: Annotated[Path, typer.Argument(help="A registry file.")], as_json: AsJson = False) -> None:
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
