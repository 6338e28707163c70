"""Ranked hits: the probabilities of a search's hits, and their order under a policy.

Every hit is predicted with the frequency set of its donor, each distinct phenotype and set once. Where only the best n hits
are listed, hits that cannot be among them are not predicted: a donor whose typings leave at least m mismatches has probability
0 of fewer, so while there are n donors with a whole percent for fewer than m, the others wait behind them. The answer is the
same as if all were predicted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from allomatch import _core
from allomatch.carried import Carried, Populations, carry, populations_of
from allomatch.errors import problem
from allomatch.filter import attribute_column
from allomatch.frequencies import HaplotypeFrequencies
from allomatch.frequency_sets import FrequencySets
from allomatch.nomenclature import Nomenclature
from allomatch.phenotype import Phenotype
from allomatch.ranking import KEYS, NEED_DETAILS, PatientFactors, Ranked, RankingPolicy, attributes_of

__all__ = ["HitPredictions", "Order", "Predictor", "RegistryReaders", "order_hits"]

Rows = npt.NDArray[np.uint32]


class RegistryReaders:
    """The readers of one segment, one for each set that its donors were predicted with."""

    def __init__(self, segment: _core.Segment, nomenclature: Nomenclature, profile: str) -> None:
        self.segment = segment
        self.nomenclature = nomenclature
        self._profile = profile
        self._readers: dict[int, tuple[_core.HaplotypeSet, _core.RegistryReader]] = {}
        self._bounds: _core.SearchIndex | None = None

    def of(self, carried: Carried) -> _core.RegistryReader:
        """Return the reader for a set, made when first asked for."""
        kept = self._readers.get(id(carried.core))
        if kept is None:
            kept = (carried.core, _core.RegistryReader(self.segment, carried.core))
            self._readers[id(carried.core)] = kept
        return kept[1]

    @property
    def bounds(self) -> _core.SearchIndex | None:
        """An index that counts possible nulls, which frequencies know of; None where a NEW never matches."""
        if self._profile == "atlas":
            return None
        if self._bounds is None:
            self._bounds = _core.SearchIndex(self.segment, self.nomenclature._core, "possible")
        return self._bounds


@dataclass(frozen=True, slots=True)
class HitPredictions:
    """Probabilities of listed hits.

    Attributes:
        loci: The loci predicted.
        ignored: Loci that were searched and that the frequencies say nothing of.
        values: A row a hit: 2 * loci + 1 probabilities of 0, 1, 2 ... mismatches, then 3 for each locus; NaN where the donor or
            the patient is not represented.
        populations: Whose frequencies may have stood for a donor.
        codes: Of each hit, which of these did; shape (n,).
        patient_population: Whose stood for the patient.
        patient_represented: Whether the patient has probabilities.
    """

    loci: tuple[str, ...]
    ignored: tuple[str, ...]
    values: npt.NDArray[np.float64]
    populations: tuple[str, ...]
    codes: npt.NDArray[np.uint16]
    patient_population: str
    patient_represented: bool

    @property
    def overall(self) -> npt.NDArray[np.float64]:
        """Probability of k mismatches; shape (n, 2 * loci + 1)."""
        return self.values[:, : 2 * len(self.loci) + 1]

    def at(self, locus: str) -> npt.NDArray[np.float64]:
        """Probability of 0, 1 and 2 mismatches at a locus; shape (n, 3)."""
        start = 2 * len(self.loci) + 1 + 3 * self.loci.index(locus)
        return self.values[:, start : start + 3]

    def columns(self) -> dict[str, npt.NDArray[np.float64]]:
        """Return probabilities by name: ``p0``, ``p1`` ... overall, and ``p0_A``, ``p1_A``, ``p2_A`` ... by locus."""
        columns = {f"p{k}": self.overall[:, k] for k in range(self.overall.shape[1])}
        for locus in self.loci:
            columns |= {f"p{k}_{locus}": self.at(locus)[:, k] for k in range(3)}
        return columns


class Predictor:
    """A patient, ready to be predicted against the donors of a registry."""

    def __init__(
        self,
        readers: RegistryReaders,
        patient: Phenotype,
        loci: Sequence[str],
        frequencies: HaplotypeFrequencies | FrequencySets,
        patient_frequencies: Populations | None,
        direction: str,
        tail: float,
        threads: int,
        *,
        by_ard: bool,
    ) -> None:
        nomenclature = readers.nomenclature
        self._by_ard = by_ard  # otherwise the typings' counts are of something else, and no bound
        if isinstance(frequencies, FrequencySets):
            self._choice: FrequencySets | None = frequencies
            if patient_frequencies is None and frequencies.default is None:
                raise problem(
                    "InvalidArgument",
                    "there is no frequency set for everyone; give the patient's own, for example "
                    "patient_frequencies=sets.choose(ethnicity, ion)",
                )
            populations = list(frequencies.sets)
            theirs: Populations = frequencies.choose() if patient_frequencies is None else patient_frequencies
        else:
            self._choice = None
            if len(populations_of(frequencies)) != 1:
                raise problem(
                    "WrongType",
                    "donors have one population each; give a pair of populations as patient_frequencies, for the patient alone",
                )
            populations = [frequencies]
            theirs = frequencies if patient_frequencies is None else patient_frequencies
        typed = {*readers.segment.layout()["order"], *patient.loci, *loci}
        self._readers = readers
        self._patient = patient
        self._direction = direction
        self._threads = threads
        self._sets = [carry(each, nomenclature, sorted(typed)) for each in populations]
        mine = carry(theirs, nomenclature, sorted(typed))
        self.loci = tuple(locus for locus in loci if all(locus in each.loci for each in (*self._sets, mine)))
        if not self.loci:
            raise problem(
                "InvalidArgument",
                f"the frequencies of {mine.population} have the loci {', '.join(mine.loci)}; none of those searched "
                f"({', '.join(loci)}) is in every set that is used",
            )
        self.ignored = tuple(locus for locus in loci if locus not in self.loci)
        self._person = _core.People(mine.core, patient._core)
        self.patient = _core.PredictedPerson(self._person, self.loci, tail)
        self.population = mine.population

    @property
    def width(self) -> int:
        """Values of a hit."""
        return 5 * len(self.loci) + 1

    @property
    def populations(self) -> tuple[str, ...]:
        """Of the sets that donors may have, in the order of :meth:`choose`."""
        return tuple(each.population for each in self._sets)

    def choose(self, rows: Rows) -> npt.NDArray[np.uint16]:
        """Return for each donor which set is its."""
        if self._choice is None or len(self._sets) == 1:
            return np.zeros(len(rows), np.uint16)
        columns = [attribute_column(self._readers.segment, name, rows) for name in ("ethnicity", "ion")]
        return self._choice.choose_columns(columns[0], columns[1], len(rows))

    def predict(self, phenotypes: Rows, codes: npt.NDArray[np.uint16]) -> npt.NDArray[np.float64]:
        """Return a row of values for each phenotype under its set."""
        values = np.full((len(phenotypes), self.width), np.nan)
        for which, reader in self._by_set(codes):
            values[which] = reader.predict(self.patient, phenotypes[which], self._direction, self._threads)
        return values

    def positions(self, phenotypes: Rows, codes: npt.NDArray[np.uint16]) -> npt.NDArray[np.float64]:
        """Return a row of values for each phenotype under its set, as `allomatch.positions` names them."""
        values = np.full((len(phenotypes), 4 * len(self.loci) + 5 * ("DPB1" in self.loci)), np.nan)
        for which, reader in self._by_set(codes):
            values[which] = reader.predict_positions(self._person, self.loci, phenotypes[which], self._threads)
        return values

    def _by_set(self, codes: npt.NDArray[np.uint16]) -> Iterator[tuple[npt.NDArray[np.int64], _core.RegistryReader]]:
        """Yield for each set that is used the places of its donors, and their reader."""
        for code in np.unique(codes):
            yield np.flatnonzero(codes == code), self._readers.of(self._sets[code])

    def least(self, phenotypes: Rows) -> npt.NDArray[np.uint8] | None:
        """Return mismatches that each phenotype has at least, at the loci predicted; None if there is no such bound."""
        index = self._readers.bounds
        if index is None or not self._by_ard:
            return None
        counts = _core.count_phenotypes(index, self._patient._core, self.loci, phenotypes, self._threads)
        return counts[:, {"both": 0, "gvh": 2, "hvg": 4}[self._direction]]


@dataclass(frozen=True, slots=True)
class Order:
    """Which hits are listed, in order.

    Attributes:
        places: Of each listed hit, its place in the search's own list; shape (n,).
        predictions: Of each listed hit; None without frequencies.
        predictor: What made them, for what is asked of listed hits later.
    """

    places: npt.NDArray[np.int64]
    predictions: HitPredictions | None
    predictor: Predictor | None


def order_hits(
    index: _core.SearchIndex,
    result: _core.SearchResult,
    readers: RegistryReaders,
    patient: Phenotype,
    loci: tuple[str, ...],
    direction: str,
    predictor: Predictor | None,
    policy: RankingPolicy,
    factors: PatientFactors,
    page: tuple[int, int | None],
    threads: int,
) -> Order:
    """Order the hits of a search that listed all of them, and return one page."""
    offset, limit = page
    found = len(result.rows)
    end = found if limit is None else min(found, offset + limit)
    way = {"both": 0, "gvh": 2, "hvg": 4}[direction]
    hits = _Hits(index, result, readers.segment, patient, loci, way, factors, threads)
    places = np.arange(found)
    of_hit = np.zeros(0, np.int64)
    values = None
    if predictor is not None and found:
        codes = predictor.choose(result.rows)
        items, of_hit = np.unique(
            result.row_phenotypes.astype(np.uint64) << np.uint64(16) | codes.astype(np.uint64), return_inverse=True
        )
        phenotypes = result.phenotypes[(items >> np.uint64(16)).astype(np.int64)]
        item_codes = (items & np.uint64(0xFFFF)).astype(np.uint16)
        values, known = _predict_enough(predictor, policy, hits, phenotypes, item_codes, of_hit, end)
        places = np.flatnonzero(known[of_hit])
    if end > 0:
        places = _sorted(hits, policy, values, of_hit, predictor, places, end)
    places = places[offset:end]
    if predictor is None:
        return Order(places, None, None)
    listed = np.full((len(places), predictor.width), np.nan) if values is None else values[of_hit[places]]
    of_set = predictor.choose(result.rows[places])
    predictions = HitPredictions(
        predictor.loci,
        predictor.ignored,
        listed,
        predictor.populations,
        of_set,
        predictor.population,
        predictor.patient.represented,
    )
    return Order(places, predictions, predictor)


@dataclass(frozen=True, slots=True)
class _Hits:
    """A search's hits, and what keys may ask of them."""

    index: _core.SearchIndex
    result: _core.SearchResult
    segment: _core.Segment
    patient: Phenotype
    loci: tuple[str, ...]
    way: int
    factors: PatientFactors
    threads: int

    def counts(self, places: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
        """Fewest and most mismatches; shape (n, 2)."""
        return self.result.totals[self.result.row_phenotypes[places], self.way : self.way + 2]

    def details(self, places: npt.NDArray[np.int64], keys: Sequence[str]) -> dict[str, npt.NDArray[np.uint8]]:
        """The details that the keys need, each phenotype compared once."""
        needed = dict.fromkeys(locus for key in keys if key in NEED_DETAILS for locus in NEED_DETAILS[key](self.loci))
        if not needed:
            return {}
        distinct, of_place = np.unique(self.result.row_phenotypes[places], return_inverse=True)
        tables = _core.detail_of_phenotypes(
            self.index, self.patient._core, list(needed), self.result.phenotypes[distinct], self.threads
        )
        return {locus: table[:, of_place] for locus, table in zip(needed, tables, strict=True)}


def _predict_enough(
    predictor: Predictor,
    policy: RankingPolicy,
    hits: _Hits,
    phenotypes: Rows,
    codes: npt.NDArray[np.uint16],
    of_hit: npt.NDArray[np.int64],
    end: int,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Predict the phenotypes that the first `end` hits may have; return values, and which were predicted."""
    values = np.full((len(phenotypes), predictor.width), np.nan)
    known = np.zeros(len(phenotypes), dtype=bool)
    depth = policy.depth_of_bounds()
    least = predictor.least(phenotypes) if depth > 0 and end < len(of_hit) else None
    if least is None:
        values[:] = predictor.predict(phenotypes, codes)
        return values, np.ones(len(phenotypes), dtype=bool)
    overall = 2 * len(predictor.loci) + 1
    fewest = hits.counts(np.arange(len(of_hit)))[:, 0]
    for m in range(depth):
        stratum = np.flatnonzero(~known & (least <= m))
        values[stratum] = predictor.predict(phenotypes[stratum], codes[stratum])
        known[stratum] = True
        percents = np.rint(100 * values[:, : min(m + 1, overall)].sum(axis=1))
        # Hits with a place before all that have none: a percent or more, or typings that allow it where nothing is known.
        ahead = known[of_hit] & np.where(np.isnan(percents[of_hit]), fewest <= m, percents[of_hit] >= 1)
        if np.count_nonzero(ahead) >= end:
            return values, known
    rest = np.flatnonzero(~known)
    values[rest] = predictor.predict(phenotypes[rest], codes[rest])
    return values, np.ones(len(phenotypes), dtype=bool)


def _sorted(
    hits: _Hits,
    policy: RankingPolicy,
    values: npt.NDArray[np.float64] | None,
    of_hit: npt.NDArray[np.int64],
    predictor: Predictor | None,
    places: npt.NDArray[np.int64],
    end: int,
) -> npt.NDArray[np.int64]:
    """Return the first `end` places in the policy's order; keys that cost a comparison are asked of ties only."""
    overall = 0 if predictor is None else 2 * len(predictor.loci) + 1
    # Of keys that come after one that needs details, only hits that are still in question are asked.
    split = next((i for i, key in enumerate(policy.keys) if key in NEED_DETAILS), len(policy.keys))
    stages = [policy.keys[:split], policy.keys]
    for keys in stages if split < len(policy.keys) else stages[1:]:
        rows = hits.result.rows[places]
        counts = hits.counts(places)
        ranked = Ranked(
            None if values is None else values[of_hit[places], :overall],
            counts[:, 0],
            counts[:, 1],
            hits.details(places, keys),
            hits.loci,
            attributes_of(hits.segment, rows, keys),
            hits.factors,
        )
        columns = [KEYS[key](ranked) for key in keys]
        ranks = hits.segment.donor_ranks[rows].astype(np.float64)  # whole numbers below 2^32
        order = np.lexsort([ranks, *reversed(columns)])
        if keys is not policy.keys and end < len(places) and columns:
            # The last one that is listed, and all that are level with it.
            last = order[end - 1]
            level = np.ones(len(order), dtype=bool)
            for column in columns:
                level &= column == column[last]
            ahead = np.zeros(len(order), dtype=bool)
            ahead[order[:end]] = True
            places = places[ahead | level]
        else:
            places = places[order]
    return places[:end]
