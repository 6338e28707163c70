"""The donors and patients of a run: drawn from real haplotype frequencies, written as a user would have them.

What: the nomenclature and haplotypes of this machine, the donors as an Arrow IPC file, and patients of every
population. Invariants: seeded, so two runs on the same data have the same donors; typings are plain strings, as they come
out of a registry's database, and only drawn ones that the nomenclature knows. Why a file and not a table: forty million
donors are some ten gigabytes of text, which a mapped file holds and memory need not.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from allomatch import Nomenclature, demo
from allomatch.releases import releases

__all__ = ["SEED", "draw_patients", "newest_nomenclature", "read_haplotypes", "write_donors"]

SEED = 20_240_229


def newest_nomenclature() -> Nomenclature:
    """The newest release that is installed, otherwise the embedded two-field nomenclature."""
    return Nomenclature.load() if releases() else Nomenclature.two_field()


def read_haplotypes(nomenclature: Nomenclature) -> dict[str, demo.Haplotypes]:
    """The full frequency files of `ALLOMATCH_DATA` if there are any, otherwise the excerpt of the package."""
    data = Path(os.environ.get("ALLOMATCH_DATA") or "")
    full = data if os.environ.get("ALLOMATCH_DATA") and (data / "haplotypes").is_dir() else None
    return demo.load_haplotypes(full, known=nomenclature.knows if nomenclature.allele_count else None)


def write_donors(path: Path, haplotypes: Mapping[str, demo.Haplotypes], donors: int) -> None:
    """Draw donors straight into an Arrow IPC file; row i has the donor id number i + 1."""
    typed = {f"{locus}_{position}" for locus in demo.LOCI for position in (1, 2)}
    fields = [pa.field(f.name, pa.string(), f.nullable) if f.name in typed else f for f in demo.DONOR_SCHEMA]
    schema = pa.schema(fields)
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in demo.draw_donors(haplotypes, donors, seed=SEED):
            plain = [
                column.dictionary_decode() if name in typed else column
                for name, column in zip(batch.schema.names, batch.columns, strict=True)
            ]
            writer.write_batch(pa.RecordBatch.from_arrays(plain, schema=schema))
    # On the disk before any clock runs, so that no build shares it with the writing of its input.
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def draw_patients(haplotypes: Mapping[str, demo.Haplotypes], patients: int) -> tuple[list[str], list[str]]:
    """Patients of all populations in turn: their GL strings, and their populations."""
    table = demo.draw_patients(haplotypes, patients, seed=SEED, populations=sorted(haplotypes))
    return table["gl"].to_pylist(), table["population"].to_pylist()
