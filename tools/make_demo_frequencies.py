"""Make the tables of `allomatch.demo` from the full frequency files and the nomenclature releases.

What: `python tools/make_demo_frequencies.py DATA_DIR [--mass 0.95] [--out src/allomatch/demo_data]` reads
`DATA_DIR/haplotypes/*.csv.gz` (Gragert et al., Human Immunology 2013; 74:1313) and three IPD-IMGT/HLA releases under
`DATA_DIR/imgt`, and writes the four files of `demo_data`: `frequencies.csv.gz` (the most frequent haplotypes of each
population), `companions.csv` (allele names that occur in the frequency files and are valid in all three releases),
`g_groups.csv` (a few official G group names) and `README.md`.

Invariants: the same input gives the same bytes (rows sorted, gzip without time or name); every population keeps the
same share of its mass, and its frequencies are whole multiples of 1e-8 that sum to exactly 1; every shipped name is
valid in every checked release; the whole folder stays within 500 KB.

Why this way: equal mass rather than an equal number of rows, because a diverse population needs more haplotypes to
be as well represented; multiples of 1e-8 because short numbers compress and still sum exactly. Only names are taken
from the releases (their licence asks not to be mirrored), and only to check or to name what the frequencies contain.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import re
from collections import defaultdict
from pathlib import Path

POPULATIONS = ("CAU", "AFA", "HIS", "API", "NAM")
LOCI = ("A", "C", "B", "DRB1", "DQB1")
RELEASES = ("3.58.0", "3.50.0", "3.33.0")
UNIT = 100_000_000
LARGEST_FOLDER = 500_000
MOST_GROUPS = 150

Haplotype = tuple[str, str, str, str, str]
_NAME = re.compile(r"(\w+)\*(\d+):(\d+)(?::\d+)*([NLSCAQ]?)$")


def read_population(path: Path) -> dict[Haplotype, float]:
    """Sum a frequency file over DRB3/4/5; rows of frequency 0 are left out."""
    table: dict[Haplotype, float] = defaultdict(float)
    with gzip.open(path, "rt", encoding="ascii", newline="") as stream:
        for row in csv.DictReader(stream):
            frequency = float(row["frequency"])
            if frequency > 0:
                table[(row["A"], row["C"], row["B"], row["DRB1"], row["DQB1"])] += frequency
    return dict(table)


def excerpt(table: dict[Haplotype, float], mass: float, valid: set[str]) -> tuple[dict[Haplotype, int], float]:
    """Keep the most frequent haplotypes until `mass` of the whole is kept; return units of 1e-8 and the share kept.

    Haplotypes with a name outside `valid` are passed over. The units are rounded by largest remainder, so that they
    sum to exactly `UNIT`.
    """
    total = sum(table.values())
    kept: dict[Haplotype, float] = {}
    sum_kept = 0.0
    for haplotype, frequency in sorted(table.items(), key=lambda item: (-item[1], item[0])):
        if sum_kept >= mass * total:
            break
        if all(name in valid for name in haplotype):
            kept[haplotype] = frequency
            sum_kept += frequency
    exact = {haplotype: frequency / sum_kept * UNIT for haplotype, frequency in kept.items()}
    units = {haplotype: int(value) for haplotype, value in exact.items()}
    missing = UNIT - sum(units.values())
    by_remainder = sorted(exact, key=lambda haplotype: (units[haplotype] - exact[haplotype], haplotype))
    for haplotype in by_remainder[:missing]:
        units[haplotype] += 1
    return units, sum_kept / total


def two_field_names(data: Path, release: str) -> set[str]:
    """Two-field names that a release supports without doubt.

    Without suffix if one allele of these two fields has none; with a suffix if all of them bear it (`B*15:01N`, for
    one null allele among the many of B*15:01, is not a name that every reader accepts).
    """
    suffixes: dict[str, set[str]] = defaultdict(set)
    with (data / "imgt" / release / "Allelelist.txt").open(encoding="ascii") as stream:
        for line in stream:
            fields = re.split(r"[, ]", line.strip())
            match = _NAME.match(fields[1]) if len(fields) > 1 else None
            if match is not None and match[1] in LOCI:
                suffixes[f"{match[1]}*{match[2]}:{match[3]}"].add(match[4])
    names = {stem for stem, found in suffixes.items() if "" in found}
    return names | {stem + min(found) for stem, found in suffixes.items() if len(found) == 1}


def g_groups(data: Path, release: str) -> dict[str, set[str]]:
    """Two-field name without suffix -> the G groups that have a not-null allele of that name as a member."""
    groups: dict[str, set[str]] = defaultdict(set)
    with (data / "imgt" / release / "wmda" / "hla_nom_g.txt").open(encoding="ascii") as stream:
        for line in stream:
            fields = line.strip().split(";")
            if line.startswith("#") or len(fields) != 3 or not fields[2]:
                continue
            for member in fields[1].split("/"):
                if not member.endswith("N"):
                    groups[fields[0] + ":".join(member.rstrip("LSCAQ").split(":")[:2])].add(fields[0] + fields[2])
    return dict(groups)


def order(name: str) -> tuple[int, int, int, str]:
    """Sort key: locus, then the fields as numbers."""
    match = _NAME.match(name)
    if match is None:
        raise ValueError(f"{name!r} is not a two-field allele name")
    return LOCI.index(match[1]), int(match[2]), int(match[3]), match[4]


def deterministic_gzip(text: str) -> bytes:
    """Compress without time stamp and file name, so that equal text gives equal bytes."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as stream:
        stream.write(text.encode("ascii"))
    return buffer.getvalue()


def make(data: Path, out: Path, mass: float) -> None:
    """Write the four files of `out` from the folder `data`; raises ValueError if they would exceed 500 KB."""
    valid = set.intersection(*(two_field_names(data, release) for release in RELEASES))
    full = {population: read_population(data / "haplotypes" / f"{population}.csv.gz") for population in POPULATIONS}

    lines = ["population,A,C,B,DRB1,DQB1,frequency"]
    report = []
    for population, table in full.items():
        units, share = excerpt(table, mass, valid)
        for haplotype in sorted(units, key=lambda names: tuple(order(name) for name in names)):
            lines.append(f"{population},{','.join(haplotype)},{units[haplotype]}e-8")
        report.append(f"| {population} | {len(units):,} | {len(table):,} | {share:.4f} |")
    frequencies = deterministic_gzip("\n".join(lines) + "\n")

    # The names by which an ambiguous typing may be filled: everything the files name, not only what the excerpt keeps,
    # so that an allele has the same strings in a demo from the excerpt and in one from the full files.
    weights: dict[str, float] = defaultdict(float)
    for table in full.values():
        for haplotype, frequency in table.items():
            for name in haplotype:
                weights[name] += frequency
    by_first_field: dict[str, list[str]] = defaultdict(list)
    for name in sorted(weights, key=order):
        if name in valid:
            first, second = name.split(":")
            by_first_field[first].append(second)
    companions = "first_field,second_fields\n" + "".join(
        f"{first},{' '.join(seconds)}\n" for first, seconds in by_first_field.items()
    )

    in_releases = [g_groups(data, release) for release in RELEASES]
    rows: list[tuple[str, str]] = []
    for name in sorted(weights, key=lambda name: (-weights[name], name)):
        shared = set.intersection(*(groups.get(name, set()) for groups in in_releases))
        # A name in two groups (its alleles differ in the ARD) takes the one called after itself.
        own = sorted(shared, key=lambda group: (not group.startswith(name + ":"), len(group), group))
        if own and len(rows) < MOST_GROUPS:
            rows.append((name, own[0]))
    table_of_groups = "allele,g_group\n" + "".join(f"{a},{g}\n" for a, g in sorted(rows, key=lambda r: order(r[0])))

    readme = README.format(
        rows="\n".join(report),
        names=sum(map(len, by_first_field.values())),
        groups=len(rows),
        releases=", ".join(RELEASES),
    )
    files = {
        "frequencies.csv.gz": frequencies,
        "companions.csv": companions.encode("ascii"),
        "g_groups.csv": table_of_groups.encode("ascii"),
        "README.md": readme.encode("utf-8"),
    }
    size = sum(map(len, files.values()))
    if size > LARGEST_FOLDER:
        raise ValueError(f"the tables take {size:,} bytes, more than {LARGEST_FOLDER:,}: choose a smaller --mass")
    out.mkdir(parents=True, exist_ok=True)
    for file_name, content in files.items():
        (out / file_name).write_bytes(content)
        print(f"{file_name}: {len(content):,} bytes")
    print("\n".join(report))


README = """# Tables of the demo registry

Made by `tools/make_demo_frequencies.py`; do not edit by hand. For demonstrations, tests and benchmarks: an excerpt
is not a frequency set for clinical predictions.

| file | what |
| --- | --- |
| `frequencies.csv.gz` | the most frequent A, C, B, DRB1, DQB1 haplotypes of five populations (DRB3/4/5 summed out), renormalised: whole multiples of 1e-8 that sum to 1 in each population |
| `companions.csv` | the {names:,} two-field names that the full frequency files contain and that are valid in IPD-IMGT/HLA {releases}, by first field: what the ambiguous typings of the demo are filled with |
| `g_groups.csv` | for {groups} common alleles, the official name of a G group they belong to in each of these releases |

Source of the frequencies: Gragert L, Madbouly A, Freeman J, Maiers M. Six-locus high resolution HLA haplotype
frequencies derived from mixed-resolution DNA typing for the entire US donor registry. Human Immunology 2013; 74:1313.
CAU European American, AFA African American, HIS Hispanic, API Asian and Pacific Islander, NAM Native American.
Allele and group names are those of the WHO Nomenclature Committee for Factors of the HLA System (IPD-IMGT/HLA: Barker
et al., Nucleic Acids Research 2023).

Each excerpt keeps this much of its population:

| population | haplotypes kept | of | share of the mass kept |
| --- | --- | --- | --- |
{rows}
"""  # noqa: E501 (rows of a Markdown table cannot be wrapped)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the tables of allomatch.demo")
    parser.add_argument("data", type=Path, help="folder laid out like ALLOMATCH_DATA")
    parser.add_argument("--mass", type=float, default=0.95, help="share of each population's mass to keep, 0..1")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).resolve().parents[1] / "src" / "allomatch" / "demo_data"
    )
    arguments = parser.parse_args()
    make(arguments.data, arguments.out, arguments.mass)
