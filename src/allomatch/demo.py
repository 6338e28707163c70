"""Donors and patients that look like a registry's, drawn from haplotype frequencies.

What: `load_haplotypes` reads the small frequency table shipped with the package, or the full files of a data folder;
`draw_donors` draws donors of mixed typing resolution with the usual attributes, as Arrow record batches;
`draw_patients` draws fully typed patients as GL strings. For demonstrations, tests and benchmarks.

Invariants: this module uses NumPy and pyarrow and nothing else of allomatch, so it can feed any part of it. A drawn
row depends on the haplotypes, the seed, the mix and the row's number, not on how many rows are asked for or on the
batch size: donors are drawn in blocks of a fixed size, each with a random stream of its own. Only raw bits of the
generator are used, whose stream NumPy guarantees across its versions. Both haplotypes of a person come from one
population. A text at a locus always stands for the allele drawn: as itself, in an allele string, in the official
G group, or in the XX code of its first field. The strings of an allele depend on its name alone, so two draws share
their typings, as registries do.

Why this way: the difficulty of a search depends on how many distinct typings and phenotypes the donors have, and that
comes from real haplotypes and from skewed pools of ambiguous typings; names or pools chosen evenly would give
a registry unlike any. Forty million donors have to be drawn within a minute or so, hence no Python loop over donors:
one guide table turns uniform numbers into haplotypes, and one table per locus turns (resolution, allele, random byte)
into a text. The file is longer than most because reading, texts and drawing share one set of invariants and nothing
else of allomatch may come in between.

Source of the frequencies: Gragert et al., Human Immunology 2013; 74:1313 (`demo_data/README.md`). Countries, issuing
organisation numbers, attributes and their shares are invented.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import NormalDist
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]
import pyarrow.compute as pc  # type: ignore[import-untyped, unused-ignore]
import pyarrow.csv as pa_csv  # type: ignore[import-untyped, unused-ignore]
from numpy.typing import NDArray

__all__ = [
    "DEFAULT_MIX",
    "DONOR_SCHEMA",
    "LOCI",
    "Haplotypes",
    "draw_donors",
    "draw_patients",
    "load_haplotypes",
]

LOCI = ("A", "B", "C", "DRB1", "DQB1")
"""The loci of a drawn person, in the order of columns and GL strings."""

DEFAULT_MIX: Mapping[str, float] = MappingProxyType({"CAU": 0.62, "HIS": 0.13, "AFA": 0.10, "API": 0.12, "NAM": 0.03})
"""Share of each population among the donors: roughly the world's registries, whose donors are mostly European."""

_TYPING_COLUMNS = tuple(f"{locus}_{position}" for locus in LOCI for position in (1, 2))
_TEXT = pa.dictionary(pa.int32(), pa.string())
DONOR_SCHEMA: Any = pa.schema(
    [pa.field("donor_id", pa.string(), nullable=False)]
    + [pa.field(name, _TEXT) for name in _TYPING_COLUMNS]
    + [
        pa.field("birth_year", pa.int16()),
        pa.field("sex", _TEXT),
        pa.field("cmv", _TEXT),
        pa.field("abo", _TEXT),
        pa.field("rh", _TEXT),
        pa.field("ion", pa.int16()),
        pa.field("ethnicity", _TEXT),
        pa.field("donor_type", _TEXT),
        pa.field("status", _TEXT),
        pa.field("tnc_e7", pa.float32()),
        pa.field("cd34_e6", pa.float32()),
    ]
)
"""Arrow schema of the batches of `draw_donors` (`tnc_e7` in 1e7 nucleated cells, `cd34_e6` in 1e6 CD34+ cells)."""

# How donors are typed: shares of the donors. C and DQB1 came late to routine typing, hence their gaps.
_TWO_FIELD, _AMBIGUOUS, _FIRST_FIELD = 0, 1, 2
_SHARE_TWO_FIELD, _SHARE_AMBIGUOUS = 0.45, 0.30
_SHARE_UNTYPED = {"C": 0.25, "DQB1": 0.35}
_SHARE_CORD = 0.02

# The pool of ambiguous texts of one allele: 10 to 20 strings, the i-th (from 0) with weight 1 / (i + 1) ** skew, and
# the G group. Chosen so that 40 million donors drawn from the full files are as hard to search as a real registry:
# with seed 1 they have 656,022 distinct typings (unordered pairs of texts at a locus, over the five loci) and
# 24,701,419 distinct phenotypes; with skew 1 it would be 1.4 million typings and as many phenotypes.
_POOL_SMALLEST, _POOL_LARGEST = 10, 20
_POOL_SKEW = 2.5
_SHARE_G_GROUP = 0.2
_STRING_SIZES = (2, 2, 2, 3, 3, 3, 4, 4, 5, 5, 6, 7, 8, 10, 12, 16)
_SLOTS = 256  # a text is chosen by one random byte

# Rows are drawn in blocks of this size. A multiple of 8, so that each kind of random number fills whole 64-bit words.
_BLOCK = 1 << 16
_BYTE_PLANES = 16
_SHORT_PLANES = 8
_WORDS = 2 * _BLOCK + (_BYTE_PLANES + 2 * _SHORT_PLANES) * _BLOCK // 8
_DONOR_STREAM, _PATIENT_STREAM = 0, 1
_LARGEST_NUMBER = 99_999_999  # donor ids have eight digits

_SEX = (("F", 0.57), ("M", 0.43))
_CMV = (("P", 0.35), ("N", 0.40), ("U", 0.25))
_ABO = (("O", 0.44), ("A", 0.40), ("B", 0.12), ("AB", 0.04))
_RH = (("P", 0.86), ("N", 0.14))
_STATUS = (("available", 0.93), ("temporarily_unavailable", 0.05), ("reserved", 0.02))
_DONOR_TYPE = ("adult", "cord")

# (country, invented issuing organisation number, weight) by population; the last entry serves populations of others.
_ORGANISATIONS: Mapping[str, tuple[tuple[str, int, float], ...]] = {
    "CAU": (
        ("DE", 1011, 0.22), ("DE", 1012, 0.08), ("US", 2011, 0.20), ("PL", 1021, 0.12), ("GB", 1031, 0.07),
        ("GB", 1032, 0.05), ("IT", 1041, 0.06), ("FR", 1051, 0.05), ("NL", 1061, 0.05), ("SE", 1071, 0.04),
        ("BE", 1081, 0.03), ("AU", 4011, 0.03),
    ),
    "HIS": (("BR", 2031, 0.45), ("US", 2011, 0.30), ("ES", 1091, 0.09), ("MX", 2041, 0.08), ("AR", 2051, 0.08)),
    "AFA": (("US", 2011, 0.70), ("GB", 1031, 0.10), ("ZA", 5011, 0.10), ("BR", 2031, 0.07), ("FR", 1051, 0.03)),
    "API": (
        ("IN", 3011, 0.27), ("CN", 3021, 0.25), ("US", 2011, 0.18), ("JP", 3031, 0.12), ("KR", 3041, 0.08),
        ("TW", 3051, 0.06), ("SG", 3061, 0.04),
    ),
    "NAM": (("US", 2011, 0.75), ("CA", 2021, 0.20), ("MX", 2041, 0.05)),
    "": (("US", 2011, 0.50), ("DE", 1011, 0.30), ("GB", 1031, 0.20)),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Haplotypes:
    """The haplotype frequencies of one population, most frequent first.

    Attributes:
        population: Name of the population, for example `CAU`.
        alleles: For each locus of `LOCI`, the two-field names that `codes` refers to.
        codes: Shape (n, 5), int32, read-only: row h, column j is the index into `alleles[LOCI[j]]` of haplotype h.
        frequencies: Shape (n,), float64, read-only: positive, not increasing, sum 1.
        source: Where they were read from.
        total: Sum of the frequencies as read, before anything was dropped and the rest renormalised.
        dropped_mass: Share of `total`, 0..1, of haplotypes dropped because `known` refused one of their names.
        dropped_names: The names that were refused, sorted.
        companions: First field (`A*02`) -> two-field names that an ambiguous typing may be filled with.
        g_groups: Two-field name -> name of a G group that contains it.
    """

    population: str
    alleles: Mapping[str, tuple[str, ...]]
    codes: NDArray[np.int32]
    frequencies: NDArray[np.float64]
    source: str
    total: float = 1.0
    dropped_mass: float = 0.0
    dropped_names: tuple[str, ...] = ()
    companions: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    g_groups: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        """Number of haplotypes."""
        return len(self.frequencies)

    def names(self, row: int) -> tuple[str, ...]:
        """The allele names of haplotype `row`, in the order of `LOCI`."""
        return tuple(self.alleles[locus][code] for locus, code in zip(LOCI, self.codes[row].tolist(), strict=True))


def load_haplotypes(data: Path | None = None, *, known: Callable[[str], bool] | None = None) -> dict[str, Haplotypes]:
    """Read the haplotype frequencies of every population.

    Args:
        data: None for the excerpt shipped with the package; otherwise a folder laid out like `ALLOMATCH_DATA`, whose
            `haplotypes/<POPULATION>.csv.gz` are read. Further loci (DRB3/4/5) are summed out, rows of frequency 0
            dropped.
        known: Called once per distinct allele name. Haplotypes with a name for which it returns False are dropped,
            and the rest renormalised: names in frequency files are of their time, and a release may not know them.

    Returns:
        Population name -> haplotypes, in the alphabetical order of the names. `dropped_mass` and `dropped_names` of
        each say what `known` removed.

    Raises:
        FileNotFoundError: `data` has no frequency file.
        ValueError: A file lacks a column, holds a frequency that is negative or not a number, or nothing is left of it.
    """
    companions, g_groups = _read_companions(), _read_g_groups()
    if known is not None:
        companions = {
            first: kept for first, names in companions.items() if (kept := tuple(n for n in names if known(n)))
        }
    tables: dict[str, tuple[Any, str]] = {}
    if data is None:
        path = _DEMO_DATA / "frequencies.csv.gz"
        table = _read_csv(path, ("population",))
        for population in sorted(table["population"].unique().to_pylist()):
            tables[population] = (table.filter(pc.equal(table["population"], population)), f"shipped {path.name}")
    else:
        folder = Path(data) / "haplotypes"
        for path in sorted(folder.glob("*.csv.gz")):
            tables[path.name.removesuffix(".csv.gz")] = (_read_csv(path), str(path))
        if not tables:
            raise FileNotFoundError(
                f"no frequency files {folder / '<POPULATION>.csv.gz'}: give a folder laid out like ALLOMATCH_DATA, "
                "or None for the excerpt shipped with allomatch"
            )
    return {
        population: _haplotypes(population, table, source, known, companions, g_groups)
        for population, (table, source) in tables.items()
    }


def draw_donors(
    haplotypes: Mapping[str, Haplotypes],
    n: int,
    *,
    seed: int,
    mix: Mapping[str, float] = DEFAULT_MIX,
    batch_rows: int = 250_000,
    first_number: int = 1,
) -> Iterator[Any]:
    """Draw donors of mixed typing resolution.

    45 % of the donors have two-field names, 30 % allele strings or G groups, 25 % XX codes at all their loci; apart
    from that C is untyped for 25 % and DQB1 for 35 % of them. Rows 0..m-1 are the same for every `n` >= m and every
    `batch_rows`.

    Args:
        haplotypes: Frequencies by population, from `load_haplotypes`.
        n: Number of donors, >= 0.
        seed: Seed, >= 0.
        mix: Share of each population, >= 0; normalised to sum 1. Its populations must be in `haplotypes`.
        batch_rows: Rows of a batch, >= 1; the last one may have fewer.
        first_number: Number in the first donor id. Ids count up from there, and an id's eight digits are unique
            within the draw: a second draw that starts where the first ended can go into the same registry.

    Returns:
        Iterator of `pyarrow.RecordBatch` with `DONOR_SCHEMA`; every batch shares its dictionaries with the others.
        Without rows there are no batches. `cmv` is P, N or U (unknown), `rh` is P or N; untyped loci are null in
        both positions; `tnc_e7` and `cd34_e6` are null for adults.

    Raises:
        ValueError: A number is out of its range, or the mix is empty or names a population without haplotypes.
    """
    if n < 0 or batch_rows < 1:
        raise ValueError(f"n must be >= 0 and batch_rows >= 1, not {n} and {batch_rows}")
    if first_number < 0 or first_number + n - 1 > _LARGEST_NUMBER:
        raise ValueError(
            f"first_number={first_number} with n={n} leaves the range of donor ids 0..{_LARGEST_NUMBER}: draw fewer"
        )
    sampler = _Sampler(haplotypes, mix, seed, _DONOR_STREAM)  # checks seed and mix now, not at the first batch
    return _donor_batches(sampler, n, batch_rows, first_number)


def draw_patients(
    haplotypes: Mapping[str, Haplotypes], n: int, *, seed: int, populations: Sequence[str] | None = None
) -> Any:
    """Draw fully typed patients, independent of the donors of the same seed.

    Args:
        haplotypes: Frequencies by population, from `load_haplotypes`.
        n: Number of patients, >= 0.
        seed: Seed, >= 0.
        populations: None to draw each patient's population by `DEFAULT_MIX` (its populations in `haplotypes`);
            otherwise patient i is of `populations[i % len(populations)]`, so that every population is equally present.

    Returns:
        `pyarrow.Table` of n rows with string columns `patient_id` (`P00000001`), `population` and `gl`: two-field
        names at all five loci, `A*01:01+A*02:01^B*08:01+...`, the lower name first.

    Raises:
        ValueError: A number is out of its range, or a population has no haplotypes.
    """
    if not 0 <= n <= _LARGEST_NUMBER:
        raise ValueError(f"n must be 0..{_LARGEST_NUMBER}, not {n}")
    if populations is None:
        mix: Mapping[str, float] = {name: share for name, share in DEFAULT_MIX.items() if name in haplotypes}
    elif populations:
        mix = dict.fromkeys(populations, 1.0)
    else:
        raise ValueError("populations is empty: name at least one, or give None for the default mix")
    sampler = _Sampler(haplotypes, mix, seed, _PATIENT_STREAM)
    names = np.empty((len(LOCI), 2, n), dtype=object)
    of_population = np.empty(n, dtype=np.int64)
    forced = None if populations is None else np.array([sampler.populations.index(name) for name in populations])
    for at, block, start, stop in _pieces(n, n or 1):
        rows = slice(at, at + stop - start)
        drawn = None if forced is None else forced[np.arange(at, rows.stop) % len(forced)]
        pair = sampler.pairs(sampler.random(block), start, stop, drawn)
        of_population[rows] = pair[0][:, len(LOCI)]
        for j, locus in enumerate(LOCI):
            texts = np.array(sampler.alleles[locus], dtype=object)
            # Codes follow the order of the names, so the smaller code is the lower name.
            names[j, 0, rows] = texts[np.minimum(pair[0][:, j], pair[1][:, j])]
            names[j, 1, rows] = texts[np.maximum(pair[0][:, j], pair[1][:, j])]
    at_loci = [
        pc.binary_join_element_wise(pa.array(names[j, 0], pa.string()), pa.array(names[j, 1], pa.string()), "+")
        for j in range(len(LOCI))
    ]
    population_names = pa.array(sampler.populations, pa.string())
    return pa.table(
        {
            "patient_id": pa.array([f"P{i:08d}" for i in range(1, n + 1)], pa.string()),
            "population": population_names.take(pa.array(of_population)),
            "gl": pc.binary_join_element_wise(*at_loci, "^"),
        }
    )


# --- reading -----------------------------------------------------------------------------------------------------

_DEMO_DATA = Path(__file__).resolve().parent / "demo_data"


def _second_field(name: str) -> tuple[int, str]:
    """Sort key of a two-field name within its first field: `02:125N` after `02:16`."""
    second = name.partition(":")[2]
    digits = second.rstrip("NLSCAQ")
    return int(digits), second[len(digits) :]


def _name_order(name: str) -> tuple[str, int, str]:
    """Sort key of the two-field names of a locus."""
    return (name.partition(":")[0], *_second_field(name))


def _read_companions() -> dict[str, tuple[str, ...]]:
    with (_DEMO_DATA / "companions.csv").open(encoding="ascii", newline="") as stream:
        return {
            row["first_field"]: tuple(f"{row['first_field']}:{second}" for second in row["second_fields"].split())
            for row in csv.DictReader(stream)
        }


def _read_g_groups() -> dict[str, str]:
    with (_DEMO_DATA / "g_groups.csv").open(encoding="ascii", newline="") as stream:
        return {row["allele"]: row["g_group"] for row in csv.DictReader(stream)}


def _read_csv(path: Path, further: tuple[str, ...] = ()) -> Any:
    """Read the loci, the frequency and `further` columns of a compressed CSV file; the errors name the file."""
    names = (*further, *LOCI)
    options = pa_csv.ConvertOptions(
        include_columns=[*names, "frequency"],
        column_types={**dict.fromkeys(names, _TEXT), "frequency": pa.float64()},
    )
    try:
        with gzip.open(path, "rb") as stream:
            content = stream.read()
        # One thread: the order of the rows, and with it the last bit of a sum, must not depend on the machine.
        table = pa_csv.read_csv(
            pa.py_buffer(content), read_options=pa_csv.ReadOptions(use_threads=False), convert_options=options
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError, gzip.BadGzipFile, EOFError) as error:
        raise ValueError(
            f"{path} is not a frequency file with columns {', '.join(names)} and frequency: {error}"
        ) from error
    frequencies = table["frequency"].to_numpy()
    # A missing value arrives as NaN, and fails the comparison like a negative one.
    bad = np.flatnonzero(~((frequencies >= 0) & np.isfinite(frequencies)))
    if len(bad):
        raise ValueError(f"{path}, line {bad[0] + 2}: frequency {frequencies[bad[0]]} is not a number >= 0")
    return table.unify_dictionaries().combine_chunks()


def _haplotypes(
    population: str,
    table: Any,
    source: str,
    known: Callable[[str], bool] | None,
    companions: Mapping[str, tuple[str, ...]],
    g_groups: Mapping[str, str],
) -> Haplotypes:
    frequencies = table["frequency"].to_numpy()
    total = float(frequencies.sum())
    keep = frequencies > 0
    alleles: dict[str, tuple[str, ...]] = {}
    codes = np.empty((len(frequencies), len(LOCI)), dtype=np.int64)
    refused: set[str] = set()
    for j, locus in enumerate(LOCI):
        column = table[locus].combine_chunks()
        texts: list[str] = column.dictionary.to_pylist()
        indices = column.indices.to_numpy(zero_copy_only=False)
        malformed = [text for text in texts if not text.startswith(f"{locus}*") or ":" not in text]
        if malformed or column.null_count:
            raise ValueError(
                f"{source}: {malformed[0] if malformed else 'an empty field'!r} in column {locus} is not "
                f"an allele name like {locus}*01:01"
            )
        used = np.unique(indices)
        alleles[locus] = tuple(sorted((texts[i] for i in used), key=_name_order))
        rank = {text: i for i, text in enumerate(alleles[locus])}
        codes[:, j] = np.array([rank.get(text, -1) for text in texts], dtype=np.int64)[indices]
        if known is not None:
            accepted = np.array([known(text) for text in alleles[locus]], dtype=bool)
            refused.update(text for text, good in zip(alleles[locus], accepted, strict=True) if not good)
            keep &= accepted[codes[:, j]]
    dropped = float(frequencies[(frequencies > 0) & ~keep].sum())
    codes, frequencies = codes[keep], frequencies[keep]
    if not len(frequencies):
        raise ValueError(f"{source}: no haplotype of {population} is left ({len(refused)} names unknown)")

    # One row per five-locus haplotype. The key orders as the names do, so equal frequencies have a defined order.
    key = np.zeros(len(codes), dtype=np.int64)
    for j, locus in enumerate(LOCI):
        key = key * len(alleles[locus]) + codes[:, j]
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    sums = np.bincount(group, weights=frequencies, minlength=len(first))
    order = np.argsort(-sums, kind="stable")
    sums, codes = sums[order] / sums.sum(), codes[first[order]].astype(np.int32)
    sums.setflags(write=False)
    codes.setflags(write=False)
    return Haplotypes(
        population=population,
        alleles=MappingProxyType(alleles),
        codes=codes,
        frequencies=sums,
        source=source,
        total=total,
        dropped_mass=dropped / total,
        dropped_names=tuple(sorted(refused)),
        companions=MappingProxyType(dict(companions)),
        g_groups=MappingProxyType(dict(g_groups)),
    )


# --- texts of a typing -------------------------------------------------------------------------------------------


def _shares_of_slots(weights: Sequence[float], slots: int) -> list[int]:
    """Split `slots` by weight (largest remainder), at least one each."""
    free = slots - len(weights)
    exact = [weight / sum(weights) * free for weight in weights]
    counts = [int(value) for value in exact]
    by_remainder = sorted(range(len(weights)), key=lambda i: (counts[i] - exact[i], i))
    for i in by_remainder[: free - sum(counts)]:
        counts[i] += 1
    return [count + 1 for count in counts]


def _ambiguous_texts(allele: str, companions: Sequence[str], g_group: str | None) -> list[tuple[str, int]]:
    """The ambiguous texts that may stand for an allele, each with its number of the 256 slots.

    An allele whose first field has no other name is left with its G group, or itself.
    """
    locus_and_first = allele.partition(":")[0]
    others = [name for name in companions if name != allele and name.partition(":")[0] == locus_and_first]
    raw = np.random.PCG64(zlib.crc32(allele.encode())).random_raw(_POOL_LARGEST * (1 + max(_STRING_SIZES)) + 1)
    words = iter(raw.tolist())
    wanted = _POOL_SMALLEST + next(words) % (_POOL_LARGEST - _POOL_SMALLEST + 1)
    strings: dict[str, None] = {}
    for _ in range(wanted if others else 0):
        members = {allele}
        for _ in range(_STRING_SIZES[next(words) % len(_STRING_SIZES)] - 1):
            # Squared: low numbers, the long-known and mostly commoner alleles, are in more codes.
            members.add(others[int((next(words) / 2**64) ** 2 * len(others))])
        strings["/".join(sorted(members, key=_second_field))] = None
    texts = list(strings)
    weights = [(i + 1) ** -_POOL_SKEW for i in range(len(texts))]
    if g_group is not None:
        weights.append(sum(weights) * _SHARE_G_GROUP / (1 - _SHARE_G_GROUP) or 1.0)
        texts.append(g_group)
    if not texts:
        texts, weights = [allele], [1.0]
    return list(zip(texts, _shares_of_slots(weights, _SLOTS), strict=True))


def _text_table(
    alleles: Sequence[str], companions: Mapping[str, Sequence[str]], g_groups: Mapping[str, str]
) -> tuple[list[str], NDArray[np.int32]]:
    """The distinct texts of a locus, and the table that chooses among them.

    Returns:
        The texts, and an int32 array of shape (3 * len(alleles) * 256,): element (resolution, allele, byte) is the
        index of the text.
    """
    texts: dict[str, int] = {}
    table = np.empty((3, len(alleles), _SLOTS), dtype=np.int32)
    own: dict[str, list[str]] = {}
    for name in alleles:
        own.setdefault(name.partition(":")[0], []).append(name)
    for i, allele in enumerate(alleles):
        first = allele.partition(":")[0]
        table[_TWO_FIELD, i] = texts.setdefault(allele, len(texts))
        table[_FIRST_FIELD, i] = texts.setdefault(f"{first}:XX", len(texts))
        pool = _ambiguous_texts(allele, companions.get(first) or own[first], g_groups.get(allele))
        table[_AMBIGUOUS, i] = np.repeat(
            [texts.setdefault(text, len(texts)) for text, _ in pool], [slots for _, slots in pool]
        )
    return list(texts), table.reshape(-1)


def _choice(options: Sequence[tuple[str, float]]) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """The names of the options, and a table from a random byte to one of them."""
    counts = _shares_of_slots([weight for _, weight in options], _SLOTS)
    return tuple(name for name, _ in options), np.repeat(np.arange(len(options), dtype=np.int32), counts)


# --- drawing -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Random:
    """The random numbers of one block."""

    first: NDArray[np.float64]  # (block,), 0 <= u < 1: population and first haplotype
    second: NDArray[np.float64]  # (block,), 0 <= u < 1: second haplotype
    bytes: NDArray[np.uint8]  # (16, block)
    shorts: NDArray[np.uint16]  # (8, block)


class _Sampler:
    """Turns random numbers into pairs of haplotypes of a mix of populations.

    The haplotypes of all populations lie on one line of length 1, each as long as its share of the mix times its
    frequency. A point of the line gives the first haplotype and with it the population, a point of that population's
    stretch the second. A guide table of equal buckets answers most points at once (bucket inside one haplotype), the
    others by binary search: exact, and the frequent haplotypes stay in the processor's cache.
    """

    def __init__(self, haplotypes: Mapping[str, Haplotypes], mix: Mapping[str, float], seed: int, stream: int) -> None:
        if seed < 0:
            raise ValueError(f"seed must be >= 0, not {seed}")
        shares = {name: float(share) for name, share in sorted(mix.items())}
        if not all(0 <= share < float("inf") for share in shares.values()) or not sum(shares.values()) > 0:
            raise ValueError(f"the mix must hold shares >= 0, one of them above 0, not {dict(mix)}")
        shares = {name: share / sum(shares.values()) for name, share in shares.items() if share > 0}
        for name in shares:
            if name not in haplotypes:
                raise ValueError(
                    f"the mix names population {name!r}, but haplotypes are given for "
                    f"{', '.join(sorted(haplotypes)) or 'none'}: choose a mix of these"
                )
        self.populations = list(shares)
        self._seed = seed
        self._stream = stream
        self._latest: tuple[int, _Random] | None = None
        parts = [haplotypes[name] for name in self.populations]

        self.alleles = {
            locus: sorted({text for part in parts for text in part.alleles[locus]}, key=_name_order) for locus in LOCI
        }
        self.companions: dict[str, list[str]] = {}
        self.g_groups: dict[str, str] = {}
        for part in parts:
            self.g_groups.update(part.g_groups)
            for first, names in part.companions.items():
                known = self.companions.setdefault(first, [])
                known.extend(name for name in names if name not in known)
        for names_of_first in self.companions.values():
            names_of_first.sort(key=_second_field)

        # Five codes and the population, padded to 16 bytes: one cache line holds all that a draw needs.
        self._rows = np.zeros((sum(map(len, parts)), 8), dtype=np.uint16)
        at = 0
        for p, part in enumerate(parts):
            rows = slice(at, at + len(part))
            for j, locus in enumerate(LOCI):
                rank = {text: i for i, text in enumerate(self.alleles[locus])}
                to_common = np.array([rank[text] for text in part.alleles[locus]], dtype=np.uint16)
                self._rows[rows, j] = to_common[part.codes[:, j]]
            self._rows[rows, len(LOCI)] = p
            at = rows.stop

        ends = np.cumsum([len(part) for part in parts])
        self._line = np.cumsum(
            np.concatenate([part.frequencies * share for part, share in zip(parts, shares.values(), strict=True)])
        )
        self._line /= self._line[-1]
        self._high = self._line[ends - 1]
        self._low = np.concatenate([[0.0], self._high[:-1]])
        buckets = 1 << max(12, int(4 * len(self._line) - 1).bit_length())
        edges = np.arange(buckets + 1) / buckets
        at_left = np.searchsorted(self._line, edges[:-1], side="right")
        before_right = np.searchsorted(self._line, edges[1:], side="left")
        self._buckets = buckets
        self._guide = np.where(at_left == before_right, at_left, -1).astype(np.int32)

    def random(self, block: int) -> _Random:
        """The random numbers of a block; the latest one is kept, since batches cut blocks in two."""
        if self._latest is None or self._latest[0] != block:
            sequence = np.random.SeedSequence(self._seed, spawn_key=(self._stream, block))
            raw = np.random.SFC64(sequence).random_raw(_WORDS)
            points = (raw[: 2 * _BLOCK] >> np.uint64(11)).astype(np.float64) * 2.0**-53
            # Little-endian on every machine, so that a draw is the same everywhere.
            octets = raw[2 * _BLOCK :].astype("<u8", copy=False).view(np.uint8)
            shorts = octets[_BYTE_PLANES * _BLOCK :].view("<u2").astype(np.uint16, copy=False)
            self._latest = (
                block,
                _Random(
                    first=points[:_BLOCK],
                    second=points[_BLOCK:],
                    bytes=octets[: _BYTE_PLANES * _BLOCK].reshape(_BYTE_PLANES, _BLOCK),
                    shorts=shorts.reshape(_SHORT_PLANES, _BLOCK),
                ),
            )
        return self._latest[1]

    def _find(self, points: NDArray[np.float64]) -> NDArray[np.uint16]:
        found = self._guide.take((points * self._buckets).astype(np.int32))
        open_ = np.flatnonzero(found < 0)
        found[open_] = np.searchsorted(self._line, points[open_], side="right")
        return self._rows.take(found, axis=0)

    def pairs(
        self, random: _Random, start: int, stop: int, populations: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        """The two haplotypes of rows start..stop-1 of a block.

        Args:
            random: The block's random numbers.
            start: First row within the block.
            stop: One past the last.
            populations: Shape (stop - start,): the population of each row, where the line is not to choose it.

        Returns:
            Two arrays of shape (stop - start, 8), uint16: the codes at the loci of `LOCI`, then the population.
        """
        points = random.first[start:stop]
        if populations is not None:
            points = self._within(points, populations)
        first = self._find(points)
        second = self._find(self._within(random.second[start:stop], first[:, len(LOCI)]))
        return first, second

    def _within(self, points: NDArray[np.float64], populations: NDArray[Any]) -> NDArray[np.float64]:
        """Move points of 0..1 into the stretches of their populations."""
        low, high = self._low.take(populations), self._high.take(populations)
        moved: NDArray[np.float64] = low + points * (high - low)
        # Rounding may reach the end of the stretch, which belongs to the next population.
        np.minimum(moved, np.nextafter(high, 0.0), out=moved)
        return moved


def _pieces(n: int, batch_rows: int) -> Iterator[tuple[int, int, int, int]]:
    """Cut rows 0..n-1 at the bounds of blocks and batches: (first row, block, start and stop within the block)."""
    at = 0
    while at < n:
        stop = min(n, (at // _BLOCK + 1) * _BLOCK, (at // batch_rows + 1) * batch_rows)
        start = at % _BLOCK
        yield at, at // _BLOCK, start, start + stop - at
        at = stop


def _cord_tables() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Quantiles of a banked unit's cells (1e7) and of its share of CD34+ cells (1e6 per 1e7), both log-normal.

    Each has 1024 entries. Banks keep units of about 0.5 to 4 billion cells, some 0.3 % of them CD34+.
    """
    normal = np.array([NormalDist().inv_cdf((i + 0.5) / 1024) for i in range(1024)])
    cells = np.clip(130 * np.exp(0.4 * normal), 50, 400).astype(np.float32)
    return cells, (0.03 * np.exp(0.5 * normal)).astype(np.float32)


class _DonorTables:
    """What turns a pair of haplotypes and random numbers into the columns of a donor."""

    def __init__(self, sampler: _Sampler) -> None:
        self.texts: dict[str, Any] = {}
        self.text_of: dict[str, NDArray[np.int32]] = {}
        for locus in LOCI:
            texts, self.text_of[locus] = _text_table(sampler.alleles[locus], sampler.companions, sampler.g_groups)
            self.texts[locus] = pa.array(texts, pa.string())
        bounds = np.array([_SHARE_TWO_FIELD, _SHARE_TWO_FIELD + _SHARE_AMBIGUOUS])
        self.resolution = np.searchsorted(bounds, np.arange(1 << 12) / (1 << 12), side="right").astype(np.int32)
        self.untyped = {locus: np.uint16(round(share * 65536)) for locus, share in _SHARE_UNTYPED.items()}
        self.cord = np.uint16(round(_SHARE_CORD * 65536))

        self.choices = {"sex": _choice(_SEX), "cmv": _choice(_CMV), "abo": _choice(_ABO), "rh": _choice(_RH)}
        self.choices["status"] = _choice(_STATUS)
        # Adults are 18 to 60 with twice as many young as old, cord blood units are as old as banking at scale.
        ages = np.linspace(1.0, 2.0, 43)
        adult = np.repeat(np.arange(1964, 2007), _shares_of_slots(ages.tolist(), 1024))
        cord = 1998 + np.arange(1024) * 26 // 1024
        self.birth_year = np.concatenate([adult, cord]).astype(np.int16)
        self.cells, self.cd34_share = _cord_tables()

        organisations = [_ORGANISATIONS.get(name, _ORGANISATIONS[""]) for name in sampler.populations]
        flat = [organisation for of_population in organisations for organisation in of_population]
        chosen, at = [], 0
        for of_population in organisations:
            counts = _shares_of_slots([weight for _, _, weight in of_population], 1024)
            chosen.append(np.repeat(np.arange(at, at + len(of_population)), counts))
            at += len(of_population)
        self.organisation = np.concatenate(chosen).astype(np.int32)
        self.ion = np.array([ion for _, ion, _ in flat], dtype=np.int16)
        letters = np.array([list(country.encode()) for country, _, _ in flat], dtype=np.uint8)
        self.country = letters.view(np.uint16)[:, 0]
        self.digits = np.array([list(b"%04d" % i) for i in range(10_000)], dtype=np.uint8).view(np.uint32)[:, 0]
        self.dictionaries = {
            **{name: pa.array(options, pa.string()) for name, (options, _) in self.choices.items()},
            "ethnicity": pa.array(sampler.populations, pa.string()),
            "donor_type": pa.array(_DONOR_TYPE, pa.string()),
        }


def _donor_batches(sampler: _Sampler, n: int, batch_rows: int, first_number: int) -> Iterator[Any]:
    tables = _DonorTables(sampler) if n else None
    columns: dict[str, NDArray[Any]] = {}
    for at, block, start, stop in _pieces(n, batch_rows):
        assert tables is not None
        in_batch = at % batch_rows
        if in_batch == 0:
            columns = _new_columns(min(batch_rows, n - at))
        _fill(
            {name: column[in_batch : in_batch + stop - start] for name, column in columns.items()},
            sampler,
            tables,
            sampler.random(block),
            start,
            stop,
            first_number + at,
        )
        if in_batch + stop - start == len(columns["ids"]):
            yield _record_batch(columns, tables)


def _new_columns(rows: int) -> dict[str, NDArray[Any]]:
    """Uninitialised arrays for a batch: the Arrow columns will own them without a copy."""
    columns: dict[str, NDArray[Any]] = {"ids": np.empty((rows, 5), dtype=np.uint16)}
    columns.update({f"typed_{locus}": np.empty(rows, dtype=bool) for locus in _SHARE_UNTYPED})
    for name in DONOR_SCHEMA.names[1:]:
        type_ = DONOR_SCHEMA.field(name).type
        columns[name] = np.empty(rows, dtype=np.int32 if pa.types.is_dictionary(type_) else type_.to_pandas_dtype())
    return columns


def _fill(
    columns: Mapping[str, NDArray[Any]],
    sampler: _Sampler,
    tables: _DonorTables,
    random: _Random,
    start: int,
    stop: int,
    number: int,
) -> None:
    """Draw rows start..stop-1 of a block into slices of the columns; `number` is the first row's number."""
    pair = sampler.pairs(random, start, stop)
    octets, shorts = random.bytes[:, start:stop], random.shorts[:, start:stop]
    population = pair[0][:, len(LOCI)].astype(np.int32)

    resolution = tables.resolution.take(shorts[0] >> 4)
    # Only an ambiguous text is chosen by the byte; without it the other two read one entry an allele, in cache.
    chooses = np.where(resolution == _AMBIGUOUS, np.uint8(255), np.uint8(0))
    plane = 0
    for j, locus in enumerate(LOCI):
        base = resolution * np.int32(len(sampler.alleles[locus]))
        for position in (0, 1):
            key = base + pair[position][:, j]
            key <<= 8
            key |= octets[plane] & chooses
            np.take(tables.text_of[locus], key, out=columns[f"{locus}_{position + 1}"], mode="clip")
            plane += 1
    for offset, locus in enumerate(_SHARE_UNTYPED):
        np.greater_equal(shorts[1 + offset], tables.untyped[locus], out=columns[f"typed_{locus}"])

    for name, (_, table) in tables.choices.items():
        np.take(table, octets[plane], out=columns[name], mode="clip")
        plane += 1
    cord = shorts[3] < tables.cord
    columns["donor_type"][:] = cord
    columns["ethnicity"][:] = population
    np.take(tables.birth_year, (cord.astype(np.int32) << 10) + (shorts[4] >> 6), out=columns["birth_year"], mode="clip")
    organisation = tables.organisation.take((population << 10) + (shorts[5] >> 6))
    np.take(tables.ion, organisation, out=columns["ion"], mode="clip")
    ids = columns["ids"]
    ids[:, 0] = tables.country.take(organisation)
    thousands, rest = np.divmod(np.arange(number, number + stop - start, dtype=np.int32), np.int32(10_000))
    ids[:, 1:3] = tables.digits.take(thousands).view(np.uint16).reshape(-1, 2)
    ids[:, 3:5] = tables.digits.take(rest).view(np.uint16).reshape(-1, 2)

    columns["tnc_e7"].fill(0)
    columns["cd34_e6"].fill(0)
    units = np.flatnonzero(cord)
    cells = tables.cells.take(shorts[6, units] >> 6)
    columns["tnc_e7"][units] = cells
    columns["cd34_e6"][units] = cells * tables.cd34_share.take(shorts[7, units] >> 6)


def _bitmap(valid: NDArray[np.bool_]) -> Any:
    return pa.py_buffer(np.packbits(valid, bitorder="little"))


def _record_batch(columns: Mapping[str, NDArray[Any]], tables: _DonorTables) -> Any:
    """Wrap the arrays of a batch as Arrow columns."""
    rows = len(columns["ids"])
    offsets = np.arange(0, 10 * (rows + 1), 10, dtype=np.int32)
    arrays = [pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(columns["ids"]))]
    cord = _bitmap(columns["donor_type"].astype(bool))
    validity = {f"{locus}_{p}": _bitmap(columns[f"typed_{locus}"]) for locus in _SHARE_UNTYPED for p in (1, 2)}
    validity.update({"tnc_e7": cord, "cd34_e6": cord})
    for name in DONOR_SCHEMA.names[1:]:
        type_ = DONOR_SCHEMA.field(name).type
        stored = type_.index_type if pa.types.is_dictionary(type_) else type_
        array = pa.Array.from_buffers(stored, rows, [validity.get(name), pa.py_buffer(columns[name])])
        if pa.types.is_dictionary(type_):
            dictionary = tables.texts[name[:-2]] if name in _TYPING_COLUMNS else tables.dictionaries[name]
            array = pa.DictionaryArray.from_arrays(array, dictionary, safe=False)  # the tables hold valid indices only
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=DONOR_SCHEMA)
