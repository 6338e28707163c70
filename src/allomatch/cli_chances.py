"""``allomatch chances``: how likely patients of a population, or one patient, have a donor in registries of given sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from allomatch import chances
from allomatch.chances_plot import save_curves
from allomatch.cli_nomenclature import ReleaseOption, open_nomenclature
from allomatch.console import AsJson, print_json, say
from allomatch.frequencies import HaplotypeFrequencies
from allomatch.match import PRESETS

__all__ = ["chances_command"]

PoolOption = Annotated[
    list[str],
    typer.Option(
        "--pool",
        help="Donors, FILE:NUMBER or FILE:NUMBER:AVAILABILITY (0 to 1); once for each population of a registry.",
    ),
]


def chances_command(
    patients: Annotated[Path, typer.Option(help="Haplotype frequencies of the patients' population.")],
    pool: PoolOption,
    patient: Annotated[
        str | None, typer.Option(help="One patient's GL string; default: all of the population.")
    ] = None,
    loci: Annotated[str, typer.Option(help=f"{', '.join(PRESETS)}, or loci separated by commas.")] = "8/8",
    mismatches: Annotated[int, typer.Option(min=0, max=4, help="How many mismatches a donor may have.")] = 0,
    sizes: Annotated[
        str | None, typer.Option(help="Instead: a curve over sizes of all pools together, such as 1000000,10000000.")
    ] = None,
    over_time: Annotated[
        bool, typer.Option("--over-time", help="Instead: a curve over the sizes of the world's registries by year.")
    ] = False,
    recruit: Annotated[
        int | None, typer.Option(min=0, help="Instead: what so many new donors of each pool would be worth.")
    ] = None,
    siblings: Annotated[
        int | None, typer.Option(min=0, help="Instead: the family first, then the pools, then --world-pool.")
    ] = None,
    world_pool: Annotated[list[str] | None, typer.Option(help="As --pool: who is asked after them.")] = None,
    figure: Annotated[
        Path | None, typer.Option(help="Of a curve: a .png, .svg or .pdf to draw; must not exist.")
    ] = None,
    draws: Annotated[int, typer.Option(min=16, help="Patient genotypes that are evaluated at most.")] = chances.DRAWS,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = chances.SEED,
    nomenclature: ReleaseOption = "auto",
    as_json: AsJson = False,
) -> None:
    """Say how likely patients have an available donor. It supports professionals and decides nothing.

    Example: allomatch chances --patients CAU.csv.gz --pool CAU.csv.gz:7770000:0.51 --pool AFA.csv.gz:735000:0.23 --loci 8/8
    """
    instead = [sizes is not None, over_time, recruit is not None, siblings is not None]
    if sum(instead) > 1:
        raise typer.BadParameter("give one of --sizes, --over-time, --recruit and --siblings")
    if world_pool and siblings is None:
        raise typer.BadParameter("--world-pool goes with --siblings")
    if patient is not None and any(instead[:3]):
        raise typer.BadParameter("--patient goes with none of --sizes, --over-time and --recruit")
    if figure is not None and sizes is None and not over_time:
        raise typer.BadParameter("--figure goes with --sizes or --over-time")
    names = open_nomenclature(nomenclature)
    opened: dict[Path, HaplotypeFrequencies] = {}
    theirs = _opened(patients, opened)
    pools = [_pool(text, opened) for text in pool]
    wanted = loci if "/" in loci else [locus.strip() for locus in loci.split(",")]
    asked: dict[str, Any] = {"nomenclature": names, "draws": draws, "seed": seed}
    found: Any
    if sizes is not None or over_time:
        curve = (
            chances.likelihood_over_time(theirs, pools, loci=wanted, max_mismatches=mismatches, **asked)
            if sizes is None
            else chances.likelihood_curve(theirs, pools, _sizes(sizes), wanted, mismatches, **asked)
        )
        if figure is not None:
            save_curves(figure, [curve])
        found = curve
    elif recruit is not None:
        values = chances.recruitment_value([(theirs, 1.0)], pools, recruit, wanted, mismatches, **asked)
        if as_json:
            print_json({"recruitment": [each.to_dict() for each in values]})
            return
        # Each says that it decides nothing: once, at the end, will do.
        lines = [line for each in values for line in each.explain().splitlines()]
        for line in reversed(dict.fromkeys(reversed(lines))):
            say(line)
        return
    elif siblings is not None:
        world = [_pool(text, opened) for text in world_pool or []]
        found = chances.road_likelihood(
            siblings, pools, world, theirs, phenotype=patient, loci=wanted, max_mismatches=mismatches, **asked
        )
    elif patient is not None:
        found = chances.patient_likelihood(patient, theirs, pools, names, wanted, mismatches)
    else:
        found = chances.match_likelihood(theirs, pools, wanted, mismatches, **asked)
    if as_json:
        print_json(found.to_dict())
        return
    for line in found.explain().splitlines():
        say(line)
    if figure is not None:
        say(f"figure: {figure}")


def _opened(path: Path, opened: dict[Path, HaplotypeFrequencies]) -> HaplotypeFrequencies:
    """Read each file once."""
    if path not in opened:
        opened[path] = HaplotypeFrequencies.read(path)
    return opened[path]


def _pool(text: str, opened: dict[Path, HaplotypeFrequencies]) -> chances.DonorPool:
    """Read FILE:NUMBER or FILE:NUMBER:AVAILABILITY; the file's name may hold colons."""
    parts = text.rsplit(":", 2)
    # Of "a:5:1" either "a" or "a:5" is the file.
    if len(parts) == 3 and parts[1].isdecimal() and not Path(text.rpartition(":")[0]).exists():
        path, number, availability = parts
    else:
        path, _, number = text.rpartition(":")
        availability = "1"
    try:
        donors, share = int(number), float(availability)
    except ValueError as failure:
        raise _not_a_pool(text) from failure
    if not path:
        raise _not_a_pool(text)
    return chances.DonorPool(_opened(Path(path), opened), donors, share)


def _not_a_pool(text: str) -> typer.BadParameter:
    return typer.BadParameter(
        f"a pool is FILE:NUMBER or FILE:NUMBER:AVAILABILITY, such as CAU.csv.gz:7770000:0.51, not {text!r:.80}"
    )


def _sizes(text: str) -> list[int]:
    try:
        return [int(each) for each in text.split(",")]
    except ValueError as failure:
        raise typer.BadParameter(f"sizes are whole numbers separated by commas, not {text!r:.80}") from failure
