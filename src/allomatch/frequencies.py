"""Haplotype frequencies of a population: reading, writing, and what they are.

A :class:`HaplotypeFrequencies` is what a file says, in canonical text, under no nomenclature: what its names stand for is decided
when it is used (prediction carries them to ARD groups). It is immutable and its arrays are read-only, so that it may be shared by
threads. Frequencies are used as they are: they need not sum to 1.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pyarrow as pa

from allomatch import frequency_cache
from allomatch.errors import problem
from allomatch.frequency_files import FORMATS, Format, format_of, read_file, write_file
from allomatch.frequency_table import Codes, Columns, Place, Values, combine, read_columns, summed, summed_frequencies
from allomatch.nomenclature import LOCI

__all__ = ["HaplotypeFrequencies", "ion_text"]

# Below this, reading the file again costs no more than a few milliseconds.
_WORTH_KEEPING = 10_000
_METADATA = b"allomatch"


def ion_text(ion: str | float | None) -> str | None:
    """Return an issuing organization number as text of four digits; blank is None.

    Example:
        >>> ion_text(42), ion_text("0042"), ion_text(" ")
        ('0042', '0042', None)
    """
    # pandas and NumPy have whole numbers as floats where some are missing.
    if isinstance(ion, (int, np.integer)) or (isinstance(ion, float) and ion.is_integer()):
        return f"{int(ion):04}"
    return _label(ion, "ion")


def _label(text: object, what: str) -> str | None:
    if text is not None and not isinstance(text, str):
        raise problem("WrongType", f"{what} is a text, this is {text!r}")
    return (text or "").strip() or None


class HaplotypeFrequencies:
    """The haplotype frequencies of one population.

    Make one with :meth:`read` or :meth:`from_arrow`.

    Example:
        >>> table = pa.table({"haplotype": ["A*01:01~B*08:01", "A*02:01~B*07:02"], "frequency": [0.6, 0.2]})
        >>> freqs = HaplotypeFrequencies.from_arrow(table, population="CAU")
        >>> freqs.loci, len(freqs), round(freqs.total, 6)
        (('A', 'B'), 2, 0.8)
        >>> freqs.names("A").to_pylist(), freqs.codes("A").tolist()
        (['A*01:01', 'A*02:01'], [0, 1])
    """

    __slots__ = ("_columns", "_labels")

    def __init__(self, columns: Columns, labels: Mapping[str, str]) -> None:
        for array in (*columns.codes.values(), columns.frequencies, columns.counts):
            if array is not None:
                array.setflags(write=False)
        self._columns = columns
        self._labels = dict(labels)

    # --- making ---

    @classmethod
    def read(
        cls,
        path: str | os.PathLike[str],
        population: str | None = None,
        *,
        ethnicity: str | None = None,
        ion: str | int | None = None,
        release: str | None = None,
        cache: bool = True,
    ) -> HaplotypeFrequencies:
        """Read a file.

        What it is, its content says: CSV (one column a locus and ``frequency``, or ``haplotype,count,freq`` with or without that
        heading; UTF-8, commas), gzip'd or not; Parquet; an HFX bundle (zip file or folder) or document. Columns are called
        after their loci, in any order and case, ``DRB3/4/5`` or ``DRB345`` where the three genes share one; in haplotypes the
        names say it, and a single name of DRB3, DRB4 or DRB5 is of DRB345. Names are allele names of any resolution,
        groups, or any other form of a typing at one position (docs/science.md).

        Args:
            path: The file or HFX folder.
            population: What the population is called; the default is what the file says, else its name up to the first
                dot. Where a column ``population`` tells several apart, the one to read.
            ethnicity: Whom the set is for, in the words of the donors' and patients' attribute.
            ion: Whose donors it is for: an issuing organization number.
            release: The IPD-IMGT/HLA release under which the set was made.
            cache: Whether a binary form is kept in the user's cache and opened instead while the file is unchanged.

        Raises:
            FileAccessError: The file does not exist or cannot be read.
            FileFormatError: It is empty, damaged, or in no format that is known.
            ArgumentError: A column or locus is missing or unknown; a frequency is missing or not within 0..1.
            TypingError: A name is malformed; the message says which, and on which line.
        """
        path = Path(path)
        key = frequency_cache.key_of(path, population) if cache else None
        kept = frequency_cache.find(key) if key is not None else None
        if kept is not None:
            read = cls._from_own(kept)
        else:
            file = read_file(path)
            columns = read_columns(file.table, file.place, population)
            said = file.labels | _labels_of(file.table)
            name = population or columns.population or said.get("population") or path.name.partition(".")[0]
            read = cls(columns, said | {"population": name})
            if key is not None and len(read) >= _WORTH_KEEPING:
                frequency_cache.keep(key, read.to_arrow())
        return read.labelled(population, ethnicity=ethnicity, ion=ion, release=release)

    @classmethod
    def from_arrow(
        cls,
        table: Any,
        population: str | None = None,
        *,
        ethnicity: str | None = None,
        ion: str | int | None = None,
        release: str | None = None,
    ) -> HaplotypeFrequencies:
        """Make a set from a table with the columns of a file (see :meth:`read`).

        Args:
            table: A pyarrow table, or anything with the Arrow C stream: pandas, polars, duckdb.
            population: As in :meth:`read`; needed unless the table came from :meth:`to_arrow` or has a column of it.
            ethnicity: As in :meth:`read`.
            ion: As in :meth:`read`.
            release: As in :meth:`read`.

        Raises:
            ArgumentError: As in :meth:`read`, or the population is not known.
            TypingError: A name is malformed.
        """
        try:
            table = table if isinstance(table, pa.Table) else pa.table(table)
        except (pa.ArrowException, TypeError, ValueError) as failure:
            raise problem("WrongType", f"this {type(table).__name__} is no table: {failure}") from failure
        columns = read_columns(table, Place("the table"), population)
        said = _labels_of(table)
        name = population or columns.population or said.get("population")
        if name is None:
            raise problem("InvalidArgument", "the table does not say whose frequencies these are; give population=")
        return cls(columns, said | {"population": name}).labelled(
            population, ethnicity=ethnicity, ion=ion, release=release
        )

    @classmethod
    def _from_own(cls, table: pa.Table) -> HaplotypeFrequencies:
        """Wrap a table that :meth:`to_arrow` made, without a copy."""
        whole = {name: table[name].chunk(0) for name in table.column_names}
        loci = [name for name in whole if name in LOCI]
        columns = Columns(
            {locus: whole[locus].dictionary for locus in loci},
            {locus: whole[locus].indices.to_numpy().view(np.uint32) for locus in loci},
            whole["frequency"].to_numpy(),
            whole["count"].to_numpy() if "count" in whole else None,
            notes=tuple(_own_metadata(table).get("notes", ())),
        )
        return cls(columns, _labels_of(table))

    # --- what it is ---

    @property
    def population(self) -> str:
        """What the population is called."""
        return self._labels["population"]

    @property
    def ethnicity(self) -> str | None:
        """Whom the set is for, in the words of the attribute ``ethnicity``; None: anyone."""
        return self._labels.get("ethnicity")

    @property
    def ion(self) -> str | None:
        """Whose donors the set is for: an issuing organization number; None: anyone's."""
        return self._labels.get("ion")

    @property
    def release(self) -> str | None:
        """The IPD-IMGT/HLA release under which the set was made, if that is known."""
        return self._labels.get("release")

    @property
    def notes(self) -> tuple[str, ...]:
        """What was done at reading that one should know: rows summed, columns ignored, a sum above 1."""
        return self._columns.notes

    @property
    def loci(self) -> tuple[str, ...]:
        """The loci, in the order of :data:`allomatch.nomenclature.LOCI`."""
        return tuple(self._columns.names)

    def __len__(self) -> int:
        """Return the number of haplotypes."""
        return len(self._columns.frequencies)

    def names(self, locus: str) -> pa.StringArray:
        """Return the distinct names at a locus, sorted.

        Args:
            locus: One of :attr:`loci`.
        """
        return self._columns.names[self._known(locus)]

    def codes(self, locus: str) -> Codes:
        """Return for each haplotype the index of its name in :meth:`names`: uint32, shape (n,), read-only.

        Args:
            locus: One of :attr:`loci`.
        """
        return self._columns.codes[self._known(locus)]

    @property
    def frequencies(self) -> Values:
        """The frequencies, 0..1: float64, shape (n,), read-only."""
        return self._columns.frequencies

    @property
    def counts(self) -> Values | None:
        """The counts that stand beside the frequencies: float64, shape (n,), read-only, NaN where missing; None without."""
        return self._columns.counts

    @property
    def total(self) -> float:
        """The sum of the frequencies."""
        return float(self.frequencies.sum())

    def _known(self, locus: str) -> str:
        if locus not in self._columns.names:
            raise problem("UnknownLocus", f"{self.population} has no locus {locus!r}; it has {', '.join(self.loci)}")
        return locus

    # --- what it becomes ---

    def labelled(
        self,
        population: str | None = None,
        *,
        ethnicity: str | None = None,
        ion: str | int | None = None,
        release: str | None = None,
    ) -> HaplotypeFrequencies:
        """Return the set with other labels; the labels that are not given stay. Arrays are shared.

        Args:
            population: As in :meth:`read`.
            ethnicity: As in :meth:`read`.
            ion: As in :meth:`read`.
            release: As in :meth:`read`.
        """
        given = {
            "population": _label(population, "population"),
            "ethnicity": _label(ethnicity, "ethnicity"),
            "ion": ion_text(ion),
            "release": _label(release, "release"),
        }
        changed = {name: value for name, value in given.items() if value is not None}
        return HaplotypeFrequencies(self._columns, self._labels | changed)

    def normalised(self) -> HaplotypeFrequencies:
        """Return the set with frequencies that sum to 1.

        Raises:
            ArgumentError: All of them are 0.
        """
        if not self.total > 0:
            raise problem(
                "InvalidArgument", f"the frequencies of {self.population} sum to 0; they cannot be normalised"
            )
        return self._with(self._columns.names, self._columns.codes, self.frequencies / self.total, self.counts)

    def project(self, loci: Sequence[str]) -> HaplotypeFrequencies:
        """Return the set at some of its loci, frequencies summed over the others.

        Args:
            loci: Some of :attr:`loci`, in any order.

        Raises:
            ArgumentError: The set has no such locus, or none is given.

        Example:
            >>> table = pa.table({"A": ["01:01", "01:01"], "B": ["08:01", "07:02"], "frequency": [0.5, 0.25]})
            >>> HaplotypeFrequencies.from_arrow(table, "CAU").project(["A"]).frequencies.tolist()
            [0.75]
        """
        if isinstance(loci, str) or not loci:
            raise problem("InvalidArgument", f"loci are a list such as ['A', 'B'], this is {loci!r}")
        kept = sorted({self._known(locus) for locus in loci}, key=LOCI.index)
        names, codes = {locus: self.names(locus) for locus in kept}, {locus: self.codes(locus) for locus in kept}
        grouped = combine(list(codes.values()))
        if grouped is None:
            return self._with(names, codes, self.frequencies, self.counts)
        first, group = grouped
        counts = None if self.counts is None else summed(group, self.counts)
        codes = {locus: column[first] for locus, column in codes.items()}
        return self._with(names, codes, summed_frequencies(group, self.frequencies), counts)

    def _with(
        self, names: dict[str, pa.StringArray], codes: dict[str, Codes], frequencies: Values, counts: Values | None
    ) -> HaplotypeFrequencies:
        return HaplotypeFrequencies(Columns(names, codes, frequencies, counts, notes=self.notes), self._labels)

    def to_arrow(self) -> pa.Table:
        """Return a table: a dictionary column a locus, ``frequency``, and ``count`` if there is one; codes are not copied.

        The labels (population, ethnicity, ION, release) and notes travel in the schema's metadata.
        """
        columns: dict[str, pa.Array] = {
            # Signed: pandas takes no other indices.
            locus: pa.DictionaryArray.from_arrays(pa.array(self.codes(locus).view(np.int32)), self.names(locus))
            for locus in self.loci
        }
        columns["frequency"] = pa.array(self.frequencies)
        if self.counts is not None:
            columns["count"] = pa.array(self.counts)
        metadata = json.dumps(self._labels | {"notes": self.notes})
        return pa.table(columns).replace_schema_metadata({_METADATA: metadata})

    def write(self, path: str | os.PathLike[str], format: Format | None = None) -> None:
        """Write the set to a file, which is the user's own (0600) and there only when it is complete.

        Args:
            path: Where; what was there is replaced. A name that ends in ``.gz`` is compressed.
            format: ``"columns"`` (CSV, one column a locus), ``"haplotypes"`` (CSV: ``haplotype,count,freq`` with ``~``) or
                ``"parquet"`` (which keeps ethnicity, ION and release too). The default is by the ending: ``.csv``,
                ``.freqs``, ``.parquet``.

        Raises:
            ArgumentError: The format is unknown, or cannot say what the set is; or a frequency is above 1, as where a set that
                sums to 2 was projected.
            FileAccessError: It cannot be written; what was there stays.
        """
        path = Path(path)
        form = format_of(path) if format is None else format
        if form not in get_args(Format):
            raise problem("InvalidArgument", f"unknown format {form!r}; known are {', '.join(FORMATS)}")
        genes = [locus for locus in self.loci if locus in ("DRB3", "DRB4", "DRB5")]
        if form == "haplotypes" and len(genes) == 1:
            raise problem(
                "InvalidArgument",
                f"a haplotype's single name of {genes[0]} would be read as DRB345; write columns or Parquet instead",
            )
        if form == "haplotypes" and not len(self):
            raise problem(
                "InvalidArgument",
                f"{self.population} has no haplotypes, so that its loci could not be read back; write columns or Parquet instead",
            )
        if (most := self.frequencies.max(initial=0.0)) > 1:
            raise problem(
                "ValueOutOfRange",
                f"a haplotype of {self.population} has the frequency {most:.6g}, above 1; write normalised()",
            )
        write_file(path, self.to_arrow(), form)

    def __reduce__(self) -> tuple[Any, ...]:
        """Let sets cross processes, read-only on the other side too."""
        return HaplotypeFrequencies._from_own, (self.to_arrow().combine_chunks(),)

    def __repr__(self) -> str:
        return f"HaplotypeFrequencies({self.population!r}, {len(self):,} haplotypes of {'~'.join(self.loci)})"


def _own_metadata(table: pa.Table) -> dict[str, Any]:
    """Return what :meth:`HaplotypeFrequencies.to_arrow` wrote beside a table, or nothing."""
    try:
        found = json.loads((table.schema.metadata or {}).get(_METADATA, b"{}"))
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _labels_of(table: pa.Table) -> dict[str, str]:
    found = _own_metadata(table)
    names = ("population", "ethnicity", "ion", "release")
    return {name: found[name] for name in names if isinstance(found.get(name), str)}
