"""The frequencies and people of the benchmarks of prediction, in the form in which each side reads them.

What: the five-locus set of a population as a file, people and patients as GL strings, and the same for an imputer that
knows no nomenclature: haplotypes and typings as sets of ARD groups, and the files of py-graph-imputation. Invariants:
seeded; people are distinct; both sides have the same haplotypes and what a person's positions allow is allomatch's
reduction of the same text. Why reduced for the others: reading names is measured elsewhere, so their clocks start after it,
and allomatch's before.
"""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from allomatch import HaplotypeFrequencies, Nomenclature, demo
from benchmarks.baselines.plain_imputer import Haplotype, Person
from benchmarks.drawing import SEED
from benchmarks.name_columns import codes_of, gl_of

__all__ = [
    "ambiguous_patients",
    "draw_people",
    "frequencies_of",
    "plain_haplotypes",
    "plain_people",
    "write_for_peer",
]

_FIRST_NUMBER = 50_000_000  # of donors who are in no registry of a run
_MEMBERS = 4  # of an allele code of an ambiguous patient


def frequencies_of(population: str, haplotypes: Mapping[str, demo.Haplotypes]) -> HaplotypeFrequencies:
    """The full set of `ALLOMATCH_DATA` at the five loci if there is one, otherwise the excerpt of the package."""
    data = os.environ.get("ALLOMATCH_DATA")
    path = Path(data or "") / "haplotypes" / f"{population}.csv.gz"
    if data and path.is_file():
        return HaplotypeFrequencies.read(path, ethnicity=population).project(demo.LOCI)
    drawn = haplotypes[population]
    columns = {
        locus: np.array(drawn.alleles[locus], dtype=object)[drawn.codes[:, at]] for at, locus in enumerate(demo.LOCI)
    }
    table = pa.table({**columns, "frequency": drawn.frequencies})
    return HaplotypeFrequencies.from_arrow(table, population, ethnicity=population)


def draw_people(haplotypes: Mapping[str, demo.Haplotypes], population: str, people: int) -> pa.Array:
    """Distinct people of mixed resolution, as GL strings in the order in which they are drawn."""
    found: dict[str, None] = {}
    number = _FIRST_NUMBER
    while len(found) < people:
        # Common typings repeat: after some rounds few new ones would come, and a small excerpt has not very many.
        batches = demo.draw_donors(
            haplotypes, 2 * people, seed=SEED + number, mix={population: 1.0}, first_number=number
        )
        before = len(found)
        for batch in batches:
            found.update(dict.fromkeys(gl_of(batch).to_pylist()))
        number += 1
        if len(found) - before < people // 100 + 1:
            break
    return pa.array(list(found)[:people], pa.string())


def ambiguous_patients(patients: Sequence[str], nomenclature: Nomenclature, known: HaplotypeFrequencies) -> list[str]:
    """The patients with multiple allele codes at A, B and DRB1, of four alleles, the true name among them.

    Where no table of codes is installed, and for names that no such code has, allele strings as they would be.
    """
    random = np.random.default_rng(SEED)
    codes = codes_of(_MEMBERS)
    by_field: dict[str, list[str]] = {}
    for locus in ("A", "B", "DRB1"):
        for name in known.names(locus).to_pylist():
            by_field.setdefault(name.partition(":")[0], []).append(name)

    def string(name: str) -> str:
        field, _, second = name.partition(":")
        if second in codes:
            return f"{field}:{random.choice(codes[second])}"
        others = [other for other in by_field.get(field, []) if other != name]
        return "/".join(sorted([name, *random.permutation(others)[: _MEMBERS - 1]]))

    def blurred(locus: str) -> str:
        if locus.partition("*")[0] not in ("A", "B", "DRB1"):
            return locus
        return "+".join(string(name) for name in locus.split("+"))

    return ["^".join(blurred(locus) for locus in patient.split("^")) for patient in patients]


# ---- for imputers without a nomenclature -------------------------------------------------------------------------------------


def plain_haplotypes(frequencies: HaplotypeFrequencies, nomenclature: Nomenclature) -> dict[Haplotype, float]:
    """Frequencies by ARD groups, in the order of `demo.LOCI`; names that are of no single group are left out."""
    columns = []
    for locus in demo.LOCI:
        groups = _reduced(frequencies.names(locus).to_pylist(), nomenclature)
        names = [group if group is not None and "/" not in group else None for group in groups]
        columns.append([names[code] for code in frequencies.codes(locus).tolist()])
    sums: dict[Haplotype, float] = {}
    for *names, frequency in zip(*columns, frequencies.frequencies.tolist(), strict=True):
        if frequency > 0 and None not in names:
            sums[tuple(names)] = sums.get(tuple(names), 0.0) + frequency
    return sums


def plain_people(texts: Sequence[str], nomenclature: Nomenclature) -> list[Person]:
    """What each position allows, in the order of `demo.LOCI`."""
    positions = sorted({position for text in texts for locus in text.split("^") for position in locus.split("+")})
    allowed = {
        position: frozenset(groups.split("/"))
        for position, groups in zip(positions, _reduced(positions, nomenclature), strict=True)
    }

    def person(text: str) -> Person:
        typed = {locus.partition("*")[0]: locus.split("+") for locus in text.split("^")}
        return [(allowed[typed[locus][0]], allowed[typed[locus][1]]) if locus in typed else None for locus in demo.LOCI]

    return [person(text) for text in texts]


def _reduced(texts: Sequence[str], nomenclature: Nomenclature) -> list[Any]:
    values: list[Any] = nomenclature.reduce_column(texts, "ard").values.to_pylist()
    return values


# ---- for py-graph-imputation -------------------------------------------------------------------------------------------------


def write_for_peer(
    folder: Path, population: str, haplotypes: Mapping[Haplotype, float], people: Sequence[Person]
) -> Path:
    """Write frequencies, subjects and a configuration, as its page on PyPI shows them; return the configuration.

    It takes names as they stand, so an ARD group is called after its first allele, without the P; and what the set does not have is
    left out of a subject's alternatives, since it would look for each in vain.
    """
    for name in ("freqs", "subjects", "conf", "output/csv"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with gzip.open(folder / "freqs" / f"{population}.freqs.gz", "wt", compresslevel=1) as file:
        for haplotype, frequency in sorted(haplotypes.items(), key=lambda item: -item[1]):
            file.write(f"{'~'.join(map(_plain, haplotype))},{frequency * 1e6!r},{frequency!r}\n")
    having = [set(names) for names in zip(*haplotypes, strict=True)]
    with (folder / "subjects" / "people.csv").open("w") as file:
        for number, person in enumerate(people):
            file.write(f"D{number},{_gl(person, having)},{population},{population}\n")
    path = folder / "conf" / "configuration.json"
    path.write_text(json.dumps(_configuration(folder, population), indent=1))
    return path


def _plain(name: str) -> str:
    return name.removesuffix("P")


def _gl(person: Person, having: Sequence[set[str]]) -> str:
    loci = []
    for positions, names in zip(person, having, strict=True):
        if positions is not None:
            texts = ["/".join(sorted(map(_plain, allowed & names or allowed))) for allowed in positions]
            loci.append("+".join(texts))
    return "^".join(loci)


def _configuration(folder: Path, population: str) -> dict[str, Any]:
    """Its minimal configuration, but for paths, ten results as allomatch's, and phased results only (half the work)."""
    loci = ("A", "B", "C", "DQB1", "DRB1")
    return {
        "populations": [population],
        "freq_trim_threshold": 0.1,
        "priority": {"alpha": 0.4999999, "eta": 0, "beta": 1e-7, "gamma": 1e-7, "delta": 0.4999999},
        "UNK_priors": "SR",
        "FULL_LOCI": "ABCQR",
        "loci_map": {locus: at for at, locus in enumerate(loci, 1)},
        "factor_missing_data": 0.0001,
        "Plan_B_Matrix": [
            [[1, 2, 3, 4, 5]],
            [[1, 2, 3], [4, 5]],
            [[1], [2, 3], [4, 5]],
            [[1, 2, 3], [4], [5]],
            [[1], [2, 3], [4], [5]],
            [[1], [2], [3], [4], [5]],
        ],
        "planb": True,
        "number_of_options_threshold": 100_000,
        "epsilon": 1e-3,
        "number_of_results": 10,
        "number_of_pop_results": 100,
        "output_MUUG": False,
        "output_haplotypes": True,
        "freq_data_dir": str(folder / "freqs"),
        "freq_file": str(folder / "output" / "hpf.csv"),
        "graph_files_path": f"{folder / 'output' / 'csv'}/",
        "node_csv_file": "nodes.csv",
        "edges_csv_file": "edges.csv",
        "info_node_csv_file": "info_node.csv",
        "top_links_csv_file": "top_links.csv",
        "imputation_in_file": str(folder / "subjects" / "people.csv"),
        "imputation_out_umug_freq_filename": "people.umug",
        "imputation_out_umug_pops_filename": "people.umug.pops",
        "imputation_out_hap_freq_filename": "people.pmug",
        "imputation_out_hap_pops_filename": "people.pmug.pops",
        "imputation_out_miss_filename": "people.miss",
        "imputation_out_problem_filename": "people.problem",
        "max_haplotypes_number_in_phase": 100,
        "imputation_out_path": str(folder / "output"),
        "pops_count_file": str(folder / "output" / "pop_counts_file.txt"),
    }
