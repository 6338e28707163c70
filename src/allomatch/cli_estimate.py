"""The command ``allomatch frequencies estimate``: haplotype frequencies from a table of people."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer

from allomatch.cli_nomenclature import ReleaseOption, open_nomenclature
from allomatch.console import AsJson, ThreadsOption, complain, print_json, progress_bar, say
from allomatch.errors import problem
from allomatch.estimation import Iteration, estimate_frequencies
from allomatch.formats import open_table
from allomatch.frequencies import HaplotypeFrequencies
from allomatch.frequency_files import format_of, write_file
from allomatch.match import PRESETS

__all__ = ["estimate_command"]

_LISTED = 5


def estimate_command(
    people: Annotated[Path, typer.Argument(help="A table: .csv, .csv.gz or .parquet, with gl or A_1, A_2, ...")],
    out_file: Annotated[Path, typer.Argument(help="Where the frequencies go: .csv, .freqs (also .gz) or .parquet.")],
    loci: Annotated[
        str | None, typer.Option(help=f"{', '.join(PRESETS)}, or loci separated by commas. Default: 10/10.")
    ] = None,
    population: Annotated[str, typer.Option(help="What the population is called.")] = "estimated",
    nomenclature: ReleaseOption = "auto",
    start: Annotated[
        Path | None, typer.Option(help="Frequencies to start from, among whose haplotypes it is chosen.")
    ] = None,
    min_frequency: Annotated[
        float | None, typer.Option(help="Rarer haplotypes are left out. Default: half a copy among all people.")
    ] = None,
    tolerance: Annotated[float, typer.Option(help="Relative rise of the log-likelihood that ends it.")] = 1e-6,
    max_iterations: Annotated[int, typer.Option(help="Most iterations with all loci.")] = 200,
    bootstrap: Annotated[int, typer.Option(help="Replicates for standard errors.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the bootstrap.")] = 0,
    checkpoint: Annotated[Path | None, typer.Option(help="Keeps the state after each iteration.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the checkpoint if it is there.")] = False,
    threads: ThreadsOption = 0,
    as_json: AsJson = False,
) -> None:
    """Estimate the haplotype frequencies of a population from its people's typings.

    Example: allomatch frequencies estimate people.csv CAU.csv.gz --population CAU --loci A,B,DRB1
    """
    form = format_of(out_file)
    if out_file.exists():
        raise problem("AlreadyExists", f"{str(out_file)!r} exists; choose another name")
    if bootstrap and form == "haplotypes":
        raise problem("InvalidArgument", f"{str(out_file)!r} has no place for standard errors; choose .csv or .parquet")
    names = open_nomenclature(nomenclature)
    wanted = loci if loci is None or "/" in loci else [locus.strip() for locus in loci.split(",")]
    file = open_table(people)
    table = pa.Table.from_batches(file.batches, file.schema)
    began = time.perf_counter()
    with progress_bar() as bar:
        task = bar.add_task("reading people", total=None)

        def show(iteration: Iteration) -> None:
            which = "" if iteration.replicate is None else f"replicate {iteration.replicate + 1}, "
            bar.update(
                task,
                description=f"{which}{'~'.join(iteration.loci)}, iteration {iteration.iteration}: "
                f"{iteration.haplotypes:,} haplotypes, log-likelihood {iteration.log_likelihood:.2f}",
            )

        try:
            found = estimate_frequencies(
                table,
                names,
                wanted,
                population=population,
                start=None if start is None else HaplotypeFrequencies.read(start),
                min_frequency=min_frequency,
                tolerance=tolerance,
                max_iterations=max_iterations,
                bootstrap=bootstrap,
                seed=seed,
                threads=threads,
                progress=show,
                checkpoint=checkpoint,
                resume=resume,
            )
        except KeyboardInterrupt:
            if checkpoint is not None and checkpoint.exists():
                complain(f"{str(checkpoint)!r} has the state after the last iteration; --resume goes on from it")
            raise
    seconds = time.perf_counter() - began
    write_file(out_file, found.to_arrow(), form)
    if as_json:
        print_json(
            {
                "people": found.people,
                "haplotypes": len(found.frequencies),
                "log_likelihood": found.log_likelihood,
                "iterations": found.iterations,
                "converged": found.converged,
                "unrepresented": found.unrepresented,
                "untyped": found.untyped,
                "min_frequency": found.min_frequency,
                "nomenclature": found.nomenclature,
                "seconds": round(seconds, 3),
                "out": str(out_file),
                "errors": found.errors.to_pylist(),
                "ragged_rows": len(file.ragged),
            }
        )
        return
    say(
        f"{len(found.frequencies):,} haplotypes from {found.people:,} people in {seconds:.1f} s, "
        f"nomenclature {found.nomenclature}: {out_file}"
    )
    say(
        f"  log-likelihood {found.log_likelihood:.2f} after {found.iterations} iterations, "
        f"{'converged' if found.converged else 'not converged'}; least frequency {found.min_frequency:.3g}"
    )
    if found.unrepresented or found.untyped:
        say(f"  {found.unrepresented:,} people are not represented, {found.untyped:,} are typed at none of the loci")
    for error in found.errors.slice(0, _LISTED).to_pylist():
        complain(f"row {error['row']}, {error['field']}: {error['message']} (error {error['code']}); left out")
    if found.errors.num_rows > _LISTED:
        complain(f"and {found.errors.num_rows - _LISTED:,} more; --json lists them all")
    if file.ragged:
        complain(f"{len(file.ragged):,} rows have another number of cells than the heading and were left out")
