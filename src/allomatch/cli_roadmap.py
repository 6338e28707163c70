"""``allomatch roadmap``: a case file becomes a plan, in words, as JSON or as a page."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import typer

from allomatch import demo
from allomatch.cli_nomenclature import ReleaseOption, open_nomenclature
from allomatch.cli_prediction import open_frequencies
from allomatch.console import AsJson, ThreadsOption, print_json, say
from allomatch.errors import AllomatchError, problem
from allomatch.formats import write_whole
from allomatch.frequencies import HaplotypeFrequencies
from allomatch.frequency_sets import FrequencySets
from allomatch.nomenclature import Nomenclature
from allomatch.registry import Registry
from allomatch.roadmap.case import Problem, RegistrySource
from allomatch.roadmap.case_file import EXAMPLES, Case, example_path, read_case
from allomatch.roadmap.plan import Plan, Roadmap
from allomatch.roadmap.policies import Policies

__all__ = ["demo_frequencies", "plan_of_demo", "roadmap_command"]

_DEMO_SEED = 7
_DEMO_DONORS = 100_000


def roadmap_command(
    case: Annotated[str, typer.Argument(help=f"A case file (JSON), or a shipped example: {', '.join(EXAMPLES)}.")],
    html: Annotated[Path | None, typer.Option(help="Write the plan as a page: a file of your own, replaced.")] = None,
    registry: Annotated[
        list[Path] | None, typer.Option(help="A registry file to search besides those of the case; may be given again.")
    ] = None,
    demo_donors: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=10_000_000,
            help="Draw and search this many made-up donors with the shipped frequencies; by default none, and "
            f"{_DEMO_DONORS:,} for the shipped example without a family.",
        ),
    ] = None,
    frequencies: Annotated[
        Path | None, typer.Option(help="Haplotype frequencies: a file or a folder; instead of those of the case.")
    ] = None,
    policies: Annotated[Path | None, typer.Option(help="Rules of your own: a changed copy of policies.json.")] = None,
    nomenclature: ReleaseOption = "auto",
    threads: ThreadsOption = 0,
    as_json: AsJson = False,
) -> None:
    """Plan a case: own cells, then the family, then the registries. Supports professionals and decides nothing.

    Example: allomatch roadmap mixed --html plan.html
    """
    is_example = case in EXAMPLES and not Path(case).exists()
    given = read_case(example_path(case) if is_example else Path(case))
    names = open_nomenclature(nomenclature)
    if demo_donors is None:
        # The example that ends at the registries has none to ask.
        demo_donors = _DEMO_DONORS if is_example and not given.family and not registry else 0
    with ExitStack() as stack:
        freqs: HaplotypeFrequencies | FrequencySets | None = None
        problems = list(given.problems)
        if frequencies is not None:
            freqs = open_frequencies(frequencies, names)
        elif given.frequencies is not None:
            try:
                freqs = open_frequencies(given.frequencies, names)
            except AllomatchError as failure:
                place = str(given.frequencies)
                problems.append(Problem("no frequencies", "case", "frequencies", place, f"the case: {failure}"))
        elif demo_donors:
            freqs = demo_frequencies(demo.load_haplotypes())
        sources = _sources(given, registry or [], names, problems)
        if demo_donors:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="allomatch-")))
            batches = list(demo.draw_donors(demo.load_haplotypes(), demo_donors, seed=_DEMO_SEED))
            drawn, _ = Registry.build(folder / "demo.allo", pa.Table.from_batches(batches), nomenclature=names)
            sources.append(RegistrySource("demo (made-up donors)", drawn, domestic_ions=given.home_ions))
        plan = Roadmap(
            given.patient,
            harvests=given.harvests,
            family=given.family,
            registries=sources,
            nomenclature=names,
            frequencies=freqs,
            policies=None if policies is None else Policies.read(policies),
            today=given.today,
            problems=problems,
        ).plan(threads=threads)
    if html is not None:
        if html.suffix.lower() not in (".html", ".htm"):
            raise problem("InvalidArgument", f"{str(html)!r} is not named .html; name the page so")
        page = plan.to_html().encode()
        write_whole(html, lambda file: file.write(page))
    if as_json:
        print_json(plan.to_dict())
        return
    for line in plan.explain().splitlines():
        say(line)
    if html is not None:
        say(f"page: {html}")


def plan_of_demo(registry: Registry, haplotypes: dict[str, demo.Haplotypes], nomenclature: Nomenclature) -> Plan:
    """Plan the shipped case without family over a registry of made-up donors, with the frequencies that they were drawn from."""
    given = read_case(example_path("mixed"))
    return Roadmap(
        given.patient,
        registries=[RegistrySource("demo (made-up donors)", registry, domestic_ions=given.home_ions)],
        nomenclature=nomenclature,
        frequencies=demo_frequencies(haplotypes),
        today=given.today,
        problems=given.problems,
    ).plan()


def demo_frequencies(haplotypes: dict[str, demo.Haplotypes]) -> FrequencySets:
    """Return the demo's frequencies as sets by population; CAU, the largest, stands for everyone else."""
    sets = {}
    for name, one in haplotypes.items():
        columns = {
            locus: [one.alleles[locus][code].partition("*")[2] for code in one.codes[:, at].tolist()]
            for at, locus in enumerate(demo.LOCI)
        }
        table = pa.table({**columns, "frequency": one.frequencies})
        sets[name] = HaplotypeFrequencies.from_arrow(table, population=name, ethnicity=name)
    return FrequencySets(sets.values(), default=sets["CAU"])


def _sources(case: Case, further: list[Path], names: Nomenclature, problems: list[Problem]) -> list[RegistrySource]:
    """Open the registries; one that a case names and that cannot be opened is a problem of the case."""
    sources = []
    for each in case.sources:
        ions = each.domestic_ions or case.home_ions
        try:
            registry = Registry.open(each.file, nomenclature=names)
            theirs = None if each.frequencies is None else open_frequencies(each.frequencies, names)
        except AllomatchError as failure:
            where = f"registry {each.name}"
            problems.append(Problem("cannot be searched", where, "file", str(each.file), f"{where}: {failure}"))
            continue
        sources.append(RegistrySource(each.name, registry, each.domestic, ions, each.what, theirs))
    sources += [
        RegistrySource(path.stem, Registry.open(path, nomenclature=names), domestic_ions=case.home_ions)
        for path in further
    ]
    return sources
