"""Search: the donors of a registry within a budget of mismatches, as columns.

The search itself is the core's; here its arrays become tables. Hits are ordered by fewest mismatches in the direction searched,
then by the most there can be, then by donor id (bytewise), so that the order is stable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from allomatch import _core
from allomatch.cord import Doses
from allomatch.errors import problem
from allomatch.filter import attribute_column
from allomatch.match import LocusMatch, Match, MatchLevel, NullPolicy, Profile, match
from allomatch.nomenclature import LOCI, Nomenclature
from allomatch.notebook import Cell, chance, shown, span, table
from allomatch.phenotype import Phenotype, TypingWarning
from allomatch.positions import position_columns
from allomatch.ranked_hits import HitPredictions, Order
from allomatch.ranking import Likelihood, RankingPolicy

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Direction", "Hit", "Hits"]

Direction = Literal["both", "gvh", "hvg"]
# The six counts of a comparison, in the order of the core's rows.
_LEAST = {"both": "mismatches", "gvh": "gvh", "hvg": "hvg"}
COUNTS = ("mismatches", "greatest", "gvh", "gvh_greatest", "hvg", "hvg_greatest")


_MOST_SHOWN = 20  # rows of a table in a notebook


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
    policy: RankingPolicy


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
        p_mismatches: Probability of 0, 1, 2 ... mismatches; None without frequencies, or if a person is not represented.
        p_by_locus: Locus -> probability of 0, 1 and 2 mismatches there; empty likewise.
        likelihood: ``"probable match"``, ``"possible match"`` or ``"unlikely match"``, by the limits of the policy.
        population: Whose frequencies stood for the donor; None without frequencies.
        patient_population: Whose stood for the patient; likewise.
        ignored: Loci searched that the frequencies say nothing of, so that the probabilities are without them.
        policy: The ranking that ordered the hits, if there was one.
        unread: Loci at which the nomenclature cannot read the donor's typing, which counts as untyped there.
    """

    rank: int
    donor_id: str
    match: Match
    reported: tuple[LocusMatch, ...] = ()
    doses: dict[str, float | None] = field(default_factory=dict)
    p_mismatches: tuple[float, ...] | None = None
    p_by_locus: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    likelihood: Likelihood | None = None
    population: str | None = None
    policy: RankingPolicy | None = None
    unread: tuple[str, ...] = ()
    patient_population: str | None = None
    ignored: tuple[str, ...] = ()

    def explain(self) -> str:
        """Return in words why this donor is here."""
        lines = [f"donor {self.donor_id}, number {self.rank + 1} of the list: {self.match.explain()}"]
        lines += [
            f"warning: nomenclature {self.match.nomenclature} cannot read the typing at {locus}, which counts as untyped"
            for locus in self.unread
        ]
        if self.population is not None:
            lines.append(self._explain_prediction())
        if self.policy is not None:
            lines.append(f"order: ranking {self.policy.name}, by {', '.join(self.policy.keys)}, then donor id")
        if self.reported:
            lines.append("not searched:")
            lines += ["  " + each.explain() for each in self.reported]
        for name, dose in self.doses.items():
            lines.append(f"{name}: {'not known' if dose is None else format(dose, '.3g')}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return a table for notebooks: a row a locus searched or reported, with probabilities if there are any."""
        loci = (*self.match.loci, *self.reported)
        predicted = bool(self.p_by_locus)
        rows: list[list[str | Cell]] = []
        for each in loci:
            row: list[str | Cell] = [
                each.locus if each in self.match.loci else f"{each.locus} (not searched)",
                shown(each.patient),
                shown(each.donor),
                Cell(each.category),
                span(each.mismatches, each.greatest),
            ]
            if predicted:
                p = self.p_by_locus.get(each.locus)
                row.append(chance(p[0] if p else None))
            rows.append(row)
        note = f"Nomenclature {self.match.nomenclature}."
        if self.likelihood is not None:
            whole = chance(None if self.p_mismatches is None else self.p_mismatches[0])
            note += f" {self.likelihood}: probability of no mismatch {whole} (frequencies of {self.population})."
        return table(
            f"Donor {self.donor_id}, number {self.rank + 1} of the list: {self.match.summary()}",
            ["locus", "patient", "donor", "category", "mismatches", *(["P(match)"] if predicted else [])],
            rows,
            f"{note} Decision support, never a decision.",
        )

    def _explain_prediction(self) -> str:
        """Return in words how likely the donor matches."""
        whose = f"frequencies of {self.patient_population} for the patient and {self.population} for the donor"
        silent = f"; the frequencies say nothing of {', '.join(self.ignored)}" if self.ignored else ""
        if self.p_mismatches is None:
            return (
                f"{self.likelihood}: no probabilities, as no pair of haplotypes explains the typings ({whose}){silent}"
            )
        chances = ", ".join(f"{p:.4f}" for p in self.p_mismatches[:3])
        least = min(self.p_by_locus, key=lambda locus: self.p_by_locus[locus][0])
        text = f"{self.likelihood}: probability of 0, 1, 2 mismatches {chances} ({whose})"
        if sum(self.p_by_locus[least][1:]) > 0:
            text += f"; least certain at {least}, matched with probability {self.p_by_locus[least][0]:.4f}"
        return text + silent


class Hits:
    """The match list: counts of all hits, and columns of those that were listed (``limit``, ``offset``).

    Takes part in the Arrow C stream protocol, so pyarrow, polars, pandas and duckdb read it directly.
    """

    def __init__(self, searched: Searched, result: _core.SearchResult, offset: int, order: Order | None = None) -> None:
        self._searched = searched
        self._result = result
        self._offset = offset
        self._ranked = order is not None
        self._predictions = None if order is None else order.predictions
        self._predictor = None if order is None else order.predictor
        self._rows, self._row_phenotypes = result.rows, result.row_phenotypes
        self._reported, self._unread = result.reported, result.unread
        if order is not None:
            places = order.places
            self._rows, self._row_phenotypes = self._rows[places], self._row_phenotypes[places]
            self._reported = self._reported[places]
            self._unread = self._unread[places] if len(self._unread) else self._unread
            for array in (self._rows, self._row_phenotypes):
                array.setflags(write=False)

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
    def patient_warnings(self) -> list[TypingWarning]:
        """What was done to read the patient's typings, such as a name of before 2010 (:meth:`allomatch.Phenotype.warnings`)."""
        return self._searched.patient.warnings(self._searched.nomenclature)

    @property
    def reported(self) -> tuple[str, ...]:
        """The loci that the listed hits were compared at besides those searched; no hit is here because of them."""
        return self._searched.reported

    @property
    def rows(self) -> npt.NDArray[np.uint32]:
        """Row of each listed hit in the registry; shape (n,), uint32, read-only."""
        return self._rows

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
        counts: npt.NDArray[np.uint8] = self._result.totals[self._row_phenotypes, _count_index(name)]
        return counts

    def locus_count(self, locus: str, name: str) -> npt.NDArray[np.uint8]:
        """Return a count of each listed hit at one locus, searched or reported; as :meth:`count`, but 0 to 2."""
        which = _count_index(name)
        counts: npt.NDArray[np.uint8]
        if locus in self.loci:
            counts = self._result.by_locus[self._row_phenotypes, self.loci.index(locus), which]
        elif locus in self.reported:
            counts = self._reported[:, self.reported.index(locus), which]
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
    def predictions(self) -> HitPredictions | None:
        """Probabilities of the listed hits; None if the search was given no frequencies."""
        return self._predictions

    def position_probabilities(self) -> pa.Table:
        """Return, of each listed hit, which positions are likely mismatched, and what the epitopes of DPB1 make of it.

        Columns: ``donor_id``, then those of :func:`allomatch.positions.position_columns` for the loci predicted (float64, null
        if the donor or the patient is not represented). Worked out when asked for, each phenotype once.

        Raises:
            ArgumentError: The search was given no frequencies.
        """
        if self._predictions is None or self._predictor is None:
            raise problem("InvalidArgument", "positions need probabilities; search with frequencies=...")
        loci = self._predictions.loci
        phenotypes = self._result.phenotypes[self._row_phenotypes]
        values = self._predictor.positions(phenotypes, self._predictions.codes)
        columns: dict[str, Any] = {"donor_id": self.donor_ids}
        for name, column in position_columns(values, loci).items():
            columns[name] = pa.array(column, mask=np.isnan(column))
        return pa.table(columns)

    @property
    def likelihoods(self) -> pa.Array:
        """``"probable match"``, ``"possible match"`` or ``"unlikely match"`` of each listed hit, by the policy's limits.

        Where the frequencies say nothing of a locus searched, probabilities are those of the others: they count only for hits
        that are certain to match there.
        """
        chances = np.full(len(self), np.nan)
        if self._predictions is not None:
            known = np.ones(len(self), np.bool_)
            for locus in self._predictions.ignored:
                known &= self.locus_count(locus, "greatest") == 0
            chances[known] = self._predictions.overall[known, 0]
        least = self.count(_LEAST[self._searched.direction])
        policy = self._searched.policy
        return pa.array([policy.likelihood(p, int(k)) for p, k in zip(chances, least, strict=True)], pa.string())

    @property
    def policy(self) -> RankingPolicy:
        """The ranking that ordered the hits, if frequencies or a ranking were given; its limits name the likelihoods."""
        return self._searched.policy

    @property
    def unread_loci(self) -> pa.Array:
        """Loci of each listed hit at which the nomenclature cannot read its typing: ``"A"``, ``"A,DRB1"``, or null.

        The hit counts as untyped there (:meth:`allomatch.Registry.unknown_typings` lists the typings).
        """
        flags = self._unread
        if len(flags) == 0:
            return pa.nulls(len(self), pa.string())
        distinct, codes = np.unique(flags, return_inverse=True)
        texts = [",".join(_flagged(flag)) or None for flag in distinct.tolist()]
        return pa.array(texts, pa.string()).take(pa.array(codes))

    def to_arrow(self) -> pa.Table:
        """Return the listed hits as a table.

        Columns: ``donor_id``; the six counts over the loci searched (uint8); for every locus searched, then for every one
        reported, ``<count>_<locus>`` of ``mismatches`` and ``greatest``; with frequencies the probabilities ``p0`` .. ``p<2n>``
        (float64, null if not represented) and ``p0_<locus>`` .. ``p2_<locus>``, ``likelihood``, and
        ``frequencies`` (whose); the attributes that the registry has; where there are
        typings that the nomenclature cannot read, :attr:`unread_loci`; with a patient's weight ``tnc_e7_per_kg`` and
        ``cd34_e6_per_kg`` (float32). The schema's metadata names the nomenclature, and the loci.
        """
        columns: dict[str, Any] = {"donor_id": self.donor_ids}
        for name in COUNTS:
            columns[name] = self.count(name)
        for locus in (*self.loci, *self.reported):
            for name in ("mismatches", "greatest"):
                columns[f"{name}_{locus}"] = self.locus_count(locus, name)
        if self._predictions is not None:
            missing = np.isnan(self._predictions.overall[:, 0])
            for name, values in self._predictions.columns().items():
                columns[name] = pa.array(np.ascontiguousarray(values), mask=missing)
            columns["likelihood"] = self.likelihoods
            codes = pa.array(self._predictions.codes.astype(np.int32))
            columns["frequencies"] = pa.DictionaryArray.from_arrays(codes, pa.array(self._predictions.populations))
        for name in _core.ATTRIBUTES:
            column = attribute_column(self._searched.segment, name, self.rows)
            if column is not None:
                columns[name] = column
        if len(self._unread) > 0:
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

    @overload
    def __getitem__(self, index: SupportsIndex) -> Hit: ...

    @overload
    def __getitem__(self, index: slice) -> list[Hit]: ...

    def __getitem__(self, index: SupportsIndex | slice) -> Hit | list[Hit]:
        """Return a listed hit by its place, from 0, or a list of them by a slice.

        Raises:
            ArgumentError: `index` is no number.
            IndexError: The list has no such place.
        """
        if isinstance(index, slice):
            return [self._hit(place) for place in range(len(self))[index]]
        try:
            place = range(len(self))[index]
        except IndexError:
            raise IndexError(
                f"hit {index!r} of {len(self)} listed ones; {self.total} were found: search with another limit or offset"
            ) from None
        except TypeError:
            message = (
                f"hits[{index!r}]: a hit has a number, from 0; of a donor's id ask donor_ids, of a column to_arrow()"
            )
            raise problem("WrongType", message) from None
        return self._hit(place)

    def _hit(self, index: int) -> Hit:
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
        unread = _flagged(int(self._unread[index])) if len(self._unread) else ()
        hit = Hit(self._offset + index, donor_id, by_locus, compared.loci[first:], doses, unread=unread)
        if self._ranked:
            hit = replace(hit, policy=searched.policy)
        if self._predictions is None:
            return hit
        values = self._predictions.overall[index]
        known = not np.isnan(values[0])
        return replace(
            hit,
            p_mismatches=tuple(values.tolist()) if known else None,
            p_by_locus={
                locus: tuple(self._predictions.at(locus)[index].tolist()) for locus in self._predictions.loci if known
            },
            likelihood=self.likelihoods[index].as_py(),
            population=self._predictions.populations[self._predictions.codes[index]],
            patient_population=self._predictions.patient_population,
            ignored=self._predictions.ignored,
        )

    def __iter__(self) -> Iterator[Hit]:
        return map(self._hit, range(len(self)))

    def explain(self, index: int) -> str:
        """Return in words why a listed hit is where it is."""
        return self[index].explain()

    def _repr_html_(self) -> str:
        """Return a table for notebooks: the first twenty listed hits, a column a locus with its mismatches."""
        first = min(len(self), _MOST_SHOWN)
        least, most = self.mismatches, self.greatest
        loci = (*self.loci, *self.reported)
        by_locus = [(self.locus_count(each, "mismatches"), self.locus_count(each, "greatest")) for each in loci]
        overall = None if self._predictions is None else self._predictions.overall[:first, 0].tolist()
        words = [] if overall is None else self.likelihoods[:first].to_pylist()
        rows: list[list[str | Cell]] = []
        for at, donor in enumerate(self.donor_ids[:first].to_pylist()):
            row: list[str | Cell] = [str(self._offset + at + 1), donor, span(int(least[at]), int(most[at]))]
            if overall is not None:
                row += [chance(overall[at]), Cell(words[at])]
            for low, high in by_locus:
                verdict = "match" if high[at] == 0 else "potential" if low[at] == 0 else "mismatch"
                row.append(Cell(span(int(low[at]), int(high[at])), verdict))
            rows.append(row)
        searched = [each if each in self.loci else f"{each} (not searched)" for each in loci]
        predicted = [] if overall is None else ["P(no mismatch)", "likelihood"]
        listed = "" if first == len(self) else f" The first {first} of {len(self):,} listed; to_arrow() has all."
        return table(
            f"{self.total:,} donors: " + ", ".join(f"{n:,} with {k} mismatches" for k, n in self.counts.items()),
            ["number", "donor", "mismatches", *predicted, *searched],
            rows,
            f"Nomenclature {self._searched.nomenclature.release}.{listed} Decision support, never a decision.",
        )

    def __repr__(self) -> str:
        levels = ", ".join(f"{k}: {n}" for k, n in self.counts.items())
        return f"Hits(total={self.total}, by mismatches {{{levels}}}, listed={len(self)})"


def _flagged(flags: int) -> tuple[str, ...]:
    """Return the loci of a set of bits."""
    return tuple(locus for bit, locus in enumerate(LOCI) if flags >> bit & 1)


def _count_index(name: str) -> int:
    if name not in COUNTS:
        raise problem("InvalidArgument", f"unknown count {name!r}; known are {', '.join(COUNTS)}")
    return COUNTS.index(name)
