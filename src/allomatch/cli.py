"""The command line: ``allomatch demo | index | add | search | match | impute | predict | info | verify | ...``.

Every command says what it did in a few lines, or as JSON with ``--json``. Exit codes: 0 fine, 1 bad input, 2 wrong usage,
3 nothing matched. Errors go to standard error, without a traceback, with donor ids and never names.
"""

from __future__ import annotations

import io
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer

from allomatch import _core, demo
from allomatch.cli_chances import chances_command
from allomatch.cli_estimate import estimate_command
from allomatch.cli_frequencies import frequencies_app
from allomatch.cli_match import match_command
from allomatch.cli_nomenclature import nomenclature_app, open_nomenclature
from allomatch.cli_prediction import impute_command, predict_command
from allomatch.cli_registry import add_command, index_command, info_command, verify_command
from allomatch.cli_roadmap import plan_of_demo, roadmap_command
from allomatch.cli_search import print_hits, rows_of, search_command
from allomatch.console import AsJson, complain, print_json, progress_bar, say
from allomatch.errors import AllomatchError, code_of
from allomatch.phenotype import Phenotype
from allomatch.registry import Registry

__all__ = ["app", "main"]

app = typer.Typer(
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    add_completion=False,
    help="Stem cell donor matching. Decision support, never a decision.",
)


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
    return {**patient, "levels": levels, "best": rows_of(best)}


def _print_demo_patient(answer: dict[str, Any]) -> None:
    say()
    say(f"{answer['patient_id']} ({answer['population']}): {answer['gl']}", style="bold")
    found = ", ".join(
        f"{each['level']} {each['donors']:,} donors in {each['milliseconds']:.2f} ms" for each in answer["levels"]
    )
    say(f"  {found}")
    print_hits(answer["best"])


# In the order of the help.
app.command("demo")(demo_command)
app.command("index")(index_command)
app.command("add")(add_command)
app.command("search")(search_command)
app.command("match")(match_command)
app.command("impute")(impute_command)
app.command("predict")(predict_command)
app.command("info")(info_command)
app.command("verify")(verify_command)
app.command("roadmap")(roadmap_command)
app.command("chances")(chances_command)
app.add_typer(nomenclature_app, name="nomenclature")
app.add_typer(frequencies_app, name="frequencies")
frequencies_app.command("estimate")(estimate_command)
