"""Search: the donors of a registry within a budget of mismatches, as columns.

The search itself is the core's; here its arrays become tables. Hits are ordered by fewest mismatches in the direction searched,
then by the most there can be, then by donor id (bytewise), so that the order is stable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from allomatch import _core
from allomatch.cord import Doses
from allomatch.errors import problem
from allomatch.filter import attribute_column
from allomatch.match import LocusMatch, Match, MatchLevel, NullPolicy, Profile, match
from allomatch.nomenclature import LOCI, Nomenclature
from allomatch.phenotype import Phenotype

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Direction", "Hit", "Hits"]

Direction = Literal["both", "gvh", "hvg"]
# The six counts of a comparison, in the order of the core's rows.
COUNTS = ("mismatches", "greatest", "gvh", "gvh_greatest", "hvg", "hvg_greatest")


@dataclass(frozen=True, slots=True)
class Searched:
    """What was searched for, and in what: everything a hit needs to explain itself."""

    patient: Phenotype
    levels: dict[str, MatchLevel]  # of the loci searched, in order
    reported: tuple[str, ...]
    max_mismatches: int
    direction: Direction
    nomenclature: Nomenclature
    null_policy: NullPolicy
    profile: Profile
    doses: Doses
    segment: _core.Segment


@dataclass(frozen=True, slots=True)
class Hit:
    """One donor of a match list.

    Attributes:
        rank: Place in the whole list, from 0.
        donor_id: The donor.
        match: The comparison with the patient at the loci searched.
        reported: The comparison at further loci (``report``), which had no part in the search.
        doses: Cells per kg of the patient, as the columns of :meth:`Hits.to_arrow`; None where the unit's total is not known.
            Empty if the search was given no weight.
    """

    rank: int
    donor_id: str
    match: Match
    reported: tuple[LocusMatch, ...] = ()
    doses: dict[str, float | None] = field(default_factory=dict)

    def explain(self) -> str:
        """Return in words why this donor is here."""
        lines = [f"donor {self.donor_id}, number {self.rank + 1} of the list: {self.match.explain()}"]
        if self.reported:
            lines.append("not searched:")
            lines += ["  " + each.explain() for each in self.reported]
        for name, dose in self.doses.items():
            lines.append(f"{name}: {'not known' if dose is None else format(dose, '.3g')}")
        return "\n".join(lines)


class Hits:
    """The match list: counts of all hits, and columns of those that were listed (``limit``, ``offset``).

    Takes part in the Arrow C stream protocol, so pyarrow, polars, pandas and duckdb read it directly.
    """

    def __init__(self, searched: Searched, result: _core.SearchResult, offset: int) -> None:
        self._searched = searched
        self._result = result
        self._offset = offset

    @property
    def total(self) -> int:
        """Number of donors within the budget, listed or not."""
        return self._result.donors

    @property
    def counts(self) -> dict[int, int]:
        """Mismatches (fewest, in the direction searched) -> number of donors, for 0 up to the budget."""
        by_mismatches = self._result.donors_by_mismatches
        return {k: by_mismatches[k] for k in range(self._searched.max_mismatches + 1)}

    @property
    def loci(self) -> tuple[str, ...]:
        """The loci searched."""
        return tuple(self._searched.levels)

    @property
    def levels(self) -> dict[str, MatchLevel]:
        """Locus searched -> what was compared there: ``"ard"``, ``"allele"`` or ``"antigen"``."""
        return dict(self._searched.levels)

    @property
    def reported(self) -> tuple[str, ...]:
        """The loci that the listed hits were compared at besides those searched; no hit is here because of them."""
        return self._searched.reported

    @property
    def rows(self) -> npt.NDArray[np.uint32]:
        """Row of each listed hit in the registry; shape (n,), uint32, read-only."""
        return self._result.rows

    @property
    def donor_ids(self) -> pa.Array:
        """Donor id of each listed hit, as a large_string Arrow array of length n."""
        offsets, text = self._searched.segment.donor_ids(self.rows)
        return pa.LargeStringArray.from_buffers(len(self.rows), pa.py_buffer(offsets), pa.py_buffer(text))

    def count(self, name: str) -> npt.NDArray[np.uint8]:
        """Return a count of each listed hit, summed over the loci searched.

        Args:
            name: ``mismatches``, ``greatest``, ``gvh``, ``gvh_greatest``, ``hvg`` or ``hvg_greatest``.

        Returns:
            Shape (n,), uint8, 0 to twice the number of loci.
        """
        counts: npt.NDArray[np.uint8] = self._result.totals[self._result.row_phenotypes, _count_index(name)]
        return counts

    def locus_count(self, locus: str, name: str) -> npt.NDArray[np.uint8]:
        """Return a count of each listed hit at one locus, searched or reported; as :meth:`count`, but 0 to 2."""
        which = _count_index(name)
        counts: npt.NDArray[np.uint8]
        if locus in self.loci:
            counts = self._result.by_locus[self._result.row_phenotypes, self.loci.index(locus), which]
        elif locus in self.reported:
            counts = self._result.reported[:, self.reported.index(locus), which]
        else:
            known = ", ".join((*self.loci, *self.reported))
            raise problem("InvalidArgument", f"locus {locus!r} was not compared; compared were {known}")
        return counts

    @property
    def mismatches(self) -> npt.NDArray[np.uint8]:
        """Fewest mismatches of each listed hit; shape (n,), uint8."""
        return self.count("mismatches")

    @property
    def greatest(self) -> npt.NDArray[np.uint8]:
        """Most mismatches of each listed hit; shape (n,), uint8."""
        return self.count("greatest")

    @property
    def unread_loci(self) -> pa.Array:
        """Loci of each listed hit at which the nomenclature cannot read its typing: ``"A"``, ``"A,DRB1"``, or null.

        The hit counts as untyped there (:meth:`allomatch.Registry.unknown_typings` lists the typings).
        """
        flags = self._result.unread
        if len(flags) == 0:
            return pa.nulls(len(self), pa.string())
        distinct, codes = np.unique(flags, return_inverse=True)
        texts = [",".join(locus for bit, locus in enumerate(LOCI) if flag >> bit & 1) or None for flag in distinct]
        return pa.array(texts, pa.string()).take(pa.array(codes))

    def to_arrow(self) -> pa.Table:
        """Return the listed hits as a table.

        Columns: ``donor_id``; the six counts over the loci searched (uint8); for every locus searched, then for every one
        reported, ``<count>_<locus>`` of ``mismatches`` and ``greatest``; the attributes that the registry has; where there are
        typings that the nomenclature cannot read, :attr:`unread_loci`; with a patient's weight ``tnc_e7_per_kg`` and
        ``cd34_e6_per_kg`` (float32). The schema's metadata names the nomenclature, and the loci.
        """
        columns: dict[str, Any] = {"donor_id": self.donor_ids}
        for name in COUNTS:
            columns[name] = self.count(name)
        for locus in (*self.loci, *self.reported):
            for name in ("mismatches", "greatest"):
                columns[f"{name}_{locus}"] = self.locus_count(locus, name)
        for name in _core.ATTRIBUTES:
            column = attribute_column(self._searched.segment, name, self.rows)
            if column is not None:
                columns[name] = column
        if len(self._result.unread) > 0:
            columns["unread_loci"] = self.unread_loci
        columns |= self._searched.doses.columns(self._searched.segment, self.rows)
        metadata = {
            "allomatch.nomenclature": self._searched.nomenclature.release,
            "allomatch.searched": " ".join(f"{locus}:{level}" for locus, level in self.levels.items()),
            "allomatch.reported": " ".join(self.reported),
        }
        return pa.table(columns).replace_schema_metadata(metadata)

    def to_pandas(self) -> pd.DataFrame:
        """Return the listed hits as a pandas data frame, columns as :meth:`to_arrow`."""
        frame: pd.DataFrame = self.to_arrow().to_pandas()
        return frame

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Hit:
        if not -len(self) <= index < len(self):
            raise IndexError(f"hit {index} of {len(self)} listed ones; {self.total} were found")
        index %= len(self)
        searched = self._searched
        donor = Phenotype.from_core(searched.segment.phenotype(int(self.rows[index])))
        compared = match(
            searched.patient,
            donor,
            searched.nomenclature,
            (*self.loci, *searched.reported),
            null_policy=searched.null_policy,
            profile=searched.profile,
            level=searched.levels,
            donor_required=False,
        )
        donor_id = self.donor_ids[index].as_py()
        columns = searched.doses.columns(searched.segment, self.rows[index : index + 1])
        doses = {name: column[0].as_py() for name, column in columns.items()}
        first = len(self.loci)
        by_locus = replace(compared, loci=compared.loci[:first])
        return Hit(self._offset + index, donor_id, by_locus, compared.loci[first:], doses)

    def __iter__(self) -> Iterator[Hit]:
        return (self[i] for i in range(len(self)))

    def explain(self, index: int) -> str:
        """Return in words why a listed hit is where it is."""
        return self[index].explain()

    def __repr__(self) -> str:
        levels = ", ".join(f"{k}: {n}" for k, n in self.counts.items())
        return f"Hits(total={self.total}, by mismatches {{{levels}}}, listed={len(self)})"


def _count_index(name: str) -> int:
    if name not in COUNTS:
        raise problem("InvalidArgument", f"unknown count {name!r}; known are {', '.join(COUNTS)}")
    return COUNTS.index(name)
