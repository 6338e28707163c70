"""``allomatch impute`` and ``allomatch predict``: what typings most likely hide, and how likely two people match."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Any, cast

import pyarrow as pa
import typer

from allomatch.carried import not_carried
from allomatch.cli_nomenclature import ReleaseOption, open_nomenclature
from allomatch.console import AsJson, ThreadsOption, complain, print_json, say
from allomatch.errors import problem
from allomatch.formats import check_table_path, open_table, write_table
from allomatch.frequencies import HaplotypeFrequencies
from allomatch.frequency_sets import FrequencySets
from allomatch.imputation import impute, impute_table
from allomatch.match import PRESETS
from allomatch.nomenclature import Nomenclature
from allomatch.prediction import predict, predict_table
from allomatch.search import Hit, Hits

__all__ = [
    "FrequenciesOption",
    "chances_of",
    "impute_command",
    "open_frequencies",
    "patient_frequencies",
    "predict_command",
    "prediction_facts",
]

FrequenciesOption = Annotated[
    Path, typer.Option(help="Haplotype frequencies: a file, as `allomatch frequencies info` reads it.")
]
PeopleOption = Annotated[
    Path | None, typer.Option(help="A table of people: .csv, .csv.gz or .parquet, with gl or A_1, A_2, ...")
]
OutOption = Annotated[
    Path | None, typer.Option("--out", help="Where the result of a table goes: .parquet or .csv; must not exist.")
]


def open_frequencies(path: Path, nomenclature: Nomenclature) -> HaplotypeFrequencies | FrequencySets:
    """Open a file of frequencies, or a folder of several sets (docs/frequencies.md); say what of them is not used as it is."""
    if path.is_dir() and not any(path.glob("metadata.json")):
        sets = FrequencySets.from_folder(path)
        for each in sets.sets:
            _say_notes(each, nomenclature)
        return sets
    return _open_set(path, nomenclature)


def patient_frequencies(
    sets: HaplotypeFrequencies | FrequencySets | None, ethnicity: str | None, ion: str | None
) -> HaplotypeFrequencies | None:
    """Choose the patient's own of several sets; None: what a search takes by itself."""
    if not isinstance(sets, FrequencySets):
        if ethnicity is not None or ion is not None:
            raise typer.BadParameter("--patient-ethnicity and --patient-ion choose from a folder of --frequencies")
        return None
    if ethnicity is None and ion is None and sets.default is None:
        raise problem(
            "InvalidArgument",
            "the folder of frequencies has no set for everyone; choose the patient's by --patient-ethnicity or --patient-ion",
        )
    return sets.choose(ethnicity, ion)


def prediction_facts(hits: Hits) -> dict[str, Any]:
    """What holds for all hits of a search with frequencies; nothing without any."""
    found = hits.predictions
    return (
        {} if found is None else {"patient_frequencies": found.patient_population, "ignored_loci": list(found.ignored)}
    )


def chances_of(hit: Hit) -> dict[str, Any]:
    """What the frequencies say of a hit; nothing without any."""
    if hit.population is None:
        return {}
    return {
        "likelihood": hit.likelihood,
        "p_mismatches": None if hit.p_mismatches is None else list(hit.p_mismatches),
        "p_by_locus": {locus: list(chances) for locus, chances in hit.p_by_locus.items()},
        "frequencies": hit.population,
    }


def _open_set(path: Path, nomenclature: Nomenclature) -> HaplotypeFrequencies:
    freqs = HaplotypeFrequencies.read(path)
    _say_notes(freqs, nomenclature)
    return freqs


def _say_notes(freqs: HaplotypeFrequencies, nomenclature: Nomenclature) -> None:
    for note in freqs.notes:
        complain(f"frequencies of {freqs.population}: {note}")
    lost = not_carried(freqs, nomenclature).num_rows
    if lost > 0:
        complain(
            f"frequencies of {freqs.population}: haplotypes of {lost:,} names are left out under {nomenclature.release}; "
            "`allomatch frequencies info` lists them"
        )


def impute_command(
    frequencies: FrequenciesOption,
    person: Annotated[str | None, typer.Option(help="The person's GL string.")] = None,
    people: PeopleOption = None,
    out_file: OutOption = None,
    best: Annotated[int, typer.Option(min=0, help="How many pairs of haplotypes to list.")] = 10,
    nomenclature: ReleaseOption = "auto",
    threads: ThreadsOption = 0,
    as_json: AsJson = False,
) -> None:
    """List the pairs of haplotypes that explain a person's typings, or those of every person of a table.

    Example: allomatch impute --frequencies CAU.csv.gz --person "A*01:01+A*02:XX^B*08:01+B*07:02"
    """
    _one_or_table("person", person, "people", people, out_file)
    names = open_nomenclature(nomenclature)
    freqs = _open_set(frequencies, names)
    if person is not None:
        found = impute(person, freqs, names, best=best)
        if as_json:
            print_json(
                {
                    "represented": found.represented,
                    "likelihood": found.total,
                    "diplotype_count": found.diplotype_count,
                    "lost": found.lost,
                    "loci": list(found.loci),
                    "ignored": list(found.ignored),
                    "population": found.population,
                    "nomenclature": found.nomenclature,
                    "diplotypes": found.diplotypes.to_pylist(),
                }
            )
        else:
            for line in found.explain().splitlines():
                say(line)
        return
    check_table_path(cast(Path, out_file))
    table = _table(cast(Path, people))
    started = time.perf_counter()
    result = impute_table(table, freqs, names, best=best, threads=threads)
    seconds = time.perf_counter() - started
    rows = result.table
    if cast(Path, out_file).suffix == ".csv":
        # The best pair alone: a cell holds no list.
        first = [pairs[0] if pairs else None for pairs in rows["diplotypes"].to_pylist()]
        rows = rows.drop_columns(["diplotypes"])
        for name in ("first", "second", "posterior"):
            kind = pa.float64() if name == "posterior" else pa.string()
            rows = rows.append_column(name, pa.array([pair and pair[name] for pair in first], kind))
    _write(cast(Path, out_file), table, rows)
    unrepresented = sum(1 for total in result.table["total"].to_pylist() if total == 0)
    _report("people", rows.num_rows, unrepresented, result.errors, seconds, cast(Path, out_file), as_json)


def predict_command(
    frequencies: FrequenciesOption,
    patient: Annotated[str, typer.Option(help="The patient's GL string.")],
    donor: Annotated[str | None, typer.Option(help="The donor's GL string.")] = None,
    donors: PeopleOption = None,
    out_file: OutOption = None,
    donor_frequencies: Annotated[
        Path | None, typer.Option(help="Those of the donors, if they are of another population.")
    ] = None,
    loci: Annotated[str, typer.Option(help=f"{', '.join(PRESETS)}, or loci separated by commas.")] = "10/10",
    direction: Annotated[str, typer.Option(help="Of a table: both, gvh or hvg.")] = "both",
    nomenclature: ReleaseOption = "auto",
    threads: ThreadsOption = 0,
    as_json: AsJson = False,
) -> None:
    """Predict the mismatches of a patient and a donor, or of every donor of a table.

    Example: allomatch predict --frequencies CAU.csv.gz --patient "A*01:01+A*02:01" --donor "A*01:01+A*02:XX" --loci A
    """
    _one_or_table("donor", donor, "donors", donors, out_file)
    names = open_nomenclature(nomenclature)
    freqs = _open_set(frequencies, names)
    theirs = None if donor_frequencies is None else _open_set(donor_frequencies, names)
    wanted = loci if "/" in loci else [locus.strip() for locus in loci.split(",")]
    if donor is not None:
        found = predict(patient, donor, freqs, names, wanted, donor_frequencies=theirs)
        if as_json:
            print_json(found.to_dict())
        else:
            for line in found.explain().splitlines():
                say(line)
        return
    check_table_path(cast(Path, out_file))
    table = _table(cast(Path, donors))
    started = time.perf_counter()
    result = predict_table(
        patient, table, freqs, names, wanted, donor_frequencies=theirs, direction=direction, threads=threads
    )
    seconds = time.perf_counter() - started
    _write(cast(Path, out_file), table, result.table)
    missing = result.table["p0"].null_count - len(set(result.errors["row"].to_pylist()))
    _report("donors", table.num_rows, missing, result.errors, seconds, cast(Path, out_file), as_json)


def _one_or_table(one: str, person: str | None, many: str, table: Path | None, out_file: Path | None) -> None:
    if (person is None) == (table is None) or (table is None) != (out_file is None):
        raise typer.BadParameter(f"give either --{one}, or --{many} and --out")


def _table(path: Path) -> pa.Table:
    file = open_table(path)
    table = pa.Table.from_batches(file.batches, file.schema)
    if file.ragged:
        complain(f"{len(file.ragged):,} rows have another number of cells than the heading and were left out")
    return table


def _write(path: Path, people: pa.Table, rows: pa.Table) -> None:
    for name in ("donor_id", "id"):
        if name in people.column_names and name not in rows.column_names:
            rows = rows.add_column(0, name, people[name])
    write_table(path, rows)


def _report(
    what: str, count: int, unrepresented: int, errors: pa.Table, seconds: float, path: Path, as_json: bool
) -> None:
    facts: dict[str, Any] = {
        what: count,
        "unrepresented": unrepresented,
        "seconds": round(seconds, 3),
        "out": str(path),
        "errors": errors.to_pylist(),
    }
    if as_json:
        print_json(facts)
        return
    say(f"{count:,} {what} in {seconds:.2f} s, {unrepresented:,} of them not represented: {path}")
    for error in errors.slice(0, 5).to_pylist():
        complain(f"row {error['row']}, {error['field']}: {error['message']} (error {error['code']})")
    if errors.num_rows > 5:
        complain(f"and {errors.num_rows - 5:,} more; --json lists them all")
