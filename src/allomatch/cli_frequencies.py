"""``allomatch frequencies``: what a file of haplotype frequencies holds, and the same in another format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, cast

import numpy as np
import typer

from allomatch.carried import not_carried
from allomatch.cli_nomenclature import ReleaseOption, open_nomenclature
from allomatch.console import AsJson, complain, print_json, say
from allomatch.errors import problem
from allomatch.frequencies import HaplotypeFrequencies
from allomatch.frequency_files import FORMATS, Format

__all__ = ["frequencies_app"]

frequencies_app = typer.Typer(no_args_is_help=True, help="Haplotype frequencies of populations.")

_LISTED = 10

PopulationOption = Annotated[
    str | None, typer.Option(help="The population's name; of a file with several, the one to read.")
]


@frequencies_app.command("info")
def frequencies_info(
    file: Annotated[Path, typer.Argument(help="CSV (also gzip'd), Parquet, or an HFX bundle, document or folder.")],
    population: PopulationOption = None,
    nomenclature: ReleaseOption = "auto",
    as_json: AsJson = False,
) -> None:
    """Show what a file of haplotype frequencies holds: loci, names, the sum, the most frequent, what a release cannot carry.

    Example: allomatch frequencies info CAU.csv.gz
    """
    freqs = HaplotypeFrequencies.read(file, population)
    names = open_nomenclature(nomenclature)
    lost = not_carried(freqs, names)
    most = np.argsort(-freqs.frequencies, kind="stable")[:_LISTED]
    facts: dict[str, Any] = {
        "file": str(file),
        "population": freqs.population,
        "ethnicity": freqs.ethnicity,
        "ion": freqs.ion,
        "release": freqs.release,
        "loci": {locus: len(freqs.names(locus)) for locus in freqs.loci},
        "haplotypes": len(freqs),
        "total": freqs.total,
        "most_frequent": [
            {
                "haplotype": "~".join(freqs.names(locus)[int(freqs.codes(locus)[row])].as_py() for locus in freqs.loci),
                "frequency": float(freqs.frequencies[row]),
            }
            for row in most
        ],
        "notes": list(freqs.notes),
        "nomenclature": names.release,
        "not_carried": lost.to_pylist(),
    }
    if as_json:
        print_json(facts)
        return
    labels = [f"{label} {facts[label]}" for label in ("ethnicity", "ion", "release") if facts[label] is not None]
    say(
        f"{freqs.population}: {len(freqs):,} haplotypes, frequencies sum to {freqs.total:.6g}{''.join(', ' + x for x in labels)}"
    )
    say(f"  names: {', '.join(f'{locus} {names:,}' for locus, names in facts['loci'].items())}")
    for row in facts["most_frequent"]:
        say(f"  {row['frequency']:.6f}  {row['haplotype']}")
    for row in lost.slice(0, _LISTED).to_pylist():
        complain(
            f"{row['name']} is left out of predictions under {names.release}: {row['reason']} ({row['haplotypes']:,} "
            f"haplotypes, {row['frequency']:.3g} together)"
        )
    if lost.num_rows > _LISTED:
        complain(f"{lost.num_rows - _LISTED:,} more names are left out; --json lists them all")
    for note in freqs.notes:
        complain(note)


@frequencies_app.command("convert")
def frequencies_convert(
    file: Annotated[Path, typer.Argument(help="What is read, as by 'info'.")],
    out_file: Annotated[
        Path, typer.Argument(help="Where it goes: .csv, .freqs (also .gz) or .parquet; must not exist.")
    ],
    population: PopulationOption = None,
    form: Annotated[
        str | None, typer.Option("--format", help=f"{', '.join(FORMATS)}; the default is by the ending of the name.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write a file of haplotype frequencies in another format, in canonical names, repeated haplotypes summed.

    Example: allomatch frequencies convert bundle.hfx CAU.csv.gz
    """
    if out_file.exists():
        raise problem("AlreadyExists", f"{str(out_file)!r} exists; choose another name")
    freqs = HaplotypeFrequencies.read(file, population)
    freqs.write(out_file, cast(Format | None, form))  # the word is checked there
    if as_json:
        print_json({"haplotypes": len(freqs), "total": freqs.total, "out": str(out_file), "notes": list(freqs.notes)})
        return
    say(f"{len(freqs):,} haplotypes of {freqs.population}: {out_file}")
    for note in freqs.notes:
        complain(note)
