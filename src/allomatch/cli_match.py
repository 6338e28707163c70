"""The command ``allomatch match``: a patient and a donor in detail, or a patient and every donor of a file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, cast

import pyarrow as pa
import typer

from allomatch.cli_nomenclature import ReleaseOption, open_nomenclature
from allomatch.console import AsJson, ThreadsOption, complain, print_json, say
from allomatch.formats import check_table_path, open_table, write_table
from allomatch.match import PRESETS, NullPolicy, Profile, match
from allomatch.match_table import match_table
from allomatch.nomenclature import Nomenclature
from allomatch.phenotype import Phenotype

__all__ = ["match_command"]


def match_command(
    patient: Annotated[str, typer.Option(help="The patient's GL string.")],
    donor: Annotated[str | None, typer.Option(help="The donor's GL string.")] = None,
    donors: Annotated[
        Path | None,
        typer.Option(help="Instead of a donor, a table: .csv, .csv.gz or .parquet, with gl or A_1, A_2, ..."),
    ] = None,
    out_file: Annotated[
        Path | None, typer.Option("--out", help="Where the result of a table goes: .parquet or .csv; must not exist.")
    ] = None,
    loci: Annotated[str, typer.Option(help=f"{', '.join(PRESETS)}, or loci separated by commas.")] = "10/10",
    null_policy: Annotated[str, typer.Option(help="explicit or possible.")] = "explicit",
    profile: Annotated[str, typer.Option(help="standard or atlas.")] = "standard",
    nomenclature: ReleaseOption = "auto",
    threads: ThreadsOption = 0,
    as_json: AsJson = False,
) -> None:
    """Compare a patient with a donor in detail, or with every donor of a table.

    Example: allomatch match --patient "A*01:01+A*02:01" --donor "A*01:01:01:01+A*02:XX" --loci A
    """
    if (donor is None) == (donors is None) or (donors is None) != (out_file is None):
        raise typer.BadParameter("give either --donor, or --donors and --out")
    names = open_nomenclature(nomenclature)
    wanted = loci if "/" in loci else [locus.strip() for locus in loci.split(",")]
    # The words of policy and profile are checked where they are used.
    policy, rules = cast(NullPolicy, null_policy), cast(Profile, profile)
    if donor is not None:
        found = match(patient, donor, names, wanted, null_policy=policy, profile=rules)
        read = {who: Phenotype(gl).warnings(names) for who, gl in (("patient", patient), ("donor", donor))}
        if as_json:
            warned = {f"{who}_warnings": [each._asdict() for each in warnings] for who, warnings in read.items()}
            print_json(found.to_dict() | warned)
            return
        for line in found.explain().splitlines():
            say(line)
        for who, warnings in read.items():
            for each in warnings:
                say(f"warning: the {who}'s {each.locus}: {each.message}")
    else:
        assert donors is not None
        assert out_file is not None
        _table(patient, donors, out_file, names, wanted, policy, rules, threads, as_json)


def _table(
    patient: str,
    donors: Path,
    out_file: Path,
    names: Nomenclature,
    loci: str | list[str],
    policy: NullPolicy,
    rules: Profile,
    threads: int,
    as_json: bool,
) -> None:
    check_table_path(out_file)
    file = open_table(donors)
    table = pa.Table.from_batches(file.batches, file.schema)
    started = time.perf_counter()
    result = match_table(Phenotype(patient), table, names, loci, null_policy=policy, profile=rules, threads=threads)
    seconds = time.perf_counter() - started
    rows = result.table
    if "donor_id" in table.column_names:
        rows = rows.add_column(0, "donor_id", table["donor_id"])
    write_table(out_file, rows)
    if as_json:
        print_json(
            {
                "donors": rows.num_rows,
                "nomenclature": result.nomenclature,
                "null_policy": result.null_policy,
                "seconds": round(seconds, 3),
                "out": str(out_file),
                "errors": result.errors.to_pylist(),
                "ragged_rows": len(file.ragged),
            }
        )
        return
    say(f"{rows.num_rows:,} donors compared in {seconds:.2f} s, nomenclature {result.nomenclature}: {out_file}")
    for error in result.errors.slice(0, 5).to_pylist():
        complain(f"row {error['row']}, {error['field']}: {error['message']} (error {error['code']})")
    if result.errors.num_rows > 5:
        complain(f"and {result.errors.num_rows - 5:,} more; --json lists them all")
    if file.ragged:
        complain(f"{len(file.ragged):,} rows have another number of cells than the heading and were left out")
