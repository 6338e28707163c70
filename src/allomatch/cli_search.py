"""The command ``allomatch search``, and match lists as rows and as tables on a terminal."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer
from rich.table import Table
from rich.text import Text

from allomatch.cli_nomenclature import ReleaseOption, open_nomenclature
from allomatch.cli_prediction import chances_of, open_frequencies, patient_frequencies, prediction_facts
from allomatch.console import AsJson, ThreadsOption, out, plain, print_json, say
from allomatch.cord import CORD_PRESETS
from allomatch.errors import problem
from allomatch.match import PRESETS, MatchLevel, NullPolicy
from allomatch.phenotype import Phenotype
from allomatch.ranking import PatientFactors, RankingPolicy
from allomatch.registry import Registry
from allomatch.search import Direction, Hits

__all__ = ["print_hits", "rows_of", "search_command"]

NOTHING_MATCHED = 3


def search_command(
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
                "hits": rows_of(hits),
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
            print_hits(rows_of(hits))
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


def rows_of(hits: Hits) -> list[dict[str, Any]]:
    """Return the listed hits as rows for JSON; ranks are counted from 1."""
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


def print_hits(rows: list[dict[str, Any]]) -> None:
    """Print such rows as a table."""
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
