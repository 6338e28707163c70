"""Prediction: how likely two people match, given what their typings may hide (SEMANTICS section 4).

The sums are the core's and exact: every pair of haplotypes that explains a typing counts. Probabilities are 0 to 1. A person
whose every locus is one genotype needs no frequencies; one whom no pair of haplotypes explains is *not represented*, and has no
probabilities. docs/prediction.md has the formulas.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from allomatch import _core
from allomatch.carried import Carried, Populations, carry
from allomatch.errors import from_code, problem
from allomatch.match import check_choice, loci_of
from allomatch.nomenclature import LOCI, Nomenclature
from allomatch.notebook import chance, table
from allomatch.people import Columns, bad_rows, cell_errors, columns_of_side, part_of_side
from allomatch.phenotype import Phenotype
from allomatch.positions import EPITOPE_VERDICTS, epitopes_of, position_columns, positions_at

__all__ = [
    "LocusPrediction",
    "MatchPrediction",
    "PredictionTable",
    "predict",
    "predict_table",
]

# ---- pairs ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LocusPrediction:
    """How likely mismatches are at one locus.

    Attributes:
        locus: Which.
        p: Probability of 0, 1 and 2 mismatches; shape (3,), float64.
        gvh: The same for the patient's antigens that the donor lacks.
        hvg: The same for the donor's antigens that the patient lacks.
        patient_positions: For each position of the patient's typing, in canonical order, the probability that it is
            mismatched; shape (2,).
        donor_positions: The same for the donor's.
        tce: At DPB1: probability of each T-cell epitope verdict by its name (``matched``, ``permissive``, ``non-permissive GvH``,
            ``non-permissive HvG``, ``unknown``); elsewhere empty.
    """

    locus: str
    p: npt.NDArray[np.float64]
    gvh: npt.NDArray[np.float64]
    hvg: npt.NDArray[np.float64]
    patient_positions: npt.NDArray[np.float64]
    donor_positions: npt.NDArray[np.float64]
    tce: dict[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name, arrays as lists."""
        return {
            "locus": self.locus,
            "p": self.p.tolist(),
            "gvh": self.gvh.tolist(),
            "hvg": self.hvg.tolist(),
            "patient_positions": self.patient_positions.tolist(),
            "donor_positions": self.donor_positions.tolist(),
            "tce": dict(self.tce),
        }


@dataclass(frozen=True, slots=True)
class MatchPrediction:
    """How likely a patient and a donor match.

    Attributes:
        loci: The loci predicted.
        ignored: Loci that were asked for and that the frequencies say nothing of.
        p_mismatches: Probability of k mismatches, k = 0..2n; shape (2n + 1,), float64. None if either person is not represented.
        gvh: The same for the patient's antigens that the donor lacks.
        hvg: The same for the donor's antigens that the patient lacks.
        by_locus: The same of each locus; empty if either person is not represented.
        patient_represented: Whether the patient is certain, or some pair of haplotypes explains the typings.
        donor_represented: The same of the donor.
        patient_population: Whose frequencies stood for the patient.
        donor_population: Whose for the donor.
        nomenclature: The release that the names were read under.
        lost: Posterior mass of the patient's genotypes that were left out (``tail``).
    """

    loci: tuple[str, ...]
    ignored: tuple[str, ...]
    p_mismatches: npt.NDArray[np.float64] | None
    gvh: npt.NDArray[np.float64] | None
    hvg: npt.NDArray[np.float64] | None
    by_locus: tuple[LocusPrediction, ...]
    patient_represented: bool
    donor_represented: bool
    patient_population: str
    donor_population: str
    nomenclature: str
    lost: float = 0.0

    @property
    def represented(self) -> bool:
        """Whether there are probabilities."""
        return self.p_mismatches is not None

    def at_most(self, k: int) -> float | None:
        """Return the probability of at most k mismatches; None without probabilities."""
        return None if self.p_mismatches is None else float(np.sum(self.p_mismatches[: k + 1]))

    def __getitem__(self, locus: str) -> LocusPrediction:
        for each in self.by_locus:
            if each.locus == locus:
                return each
        raise problem(
            "InvalidArgument",
            f"there is no prediction at locus {locus!r}; predicted are {', '.join(self.loci) if self.by_locus else 'none'}",
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name, arrays as lists."""
        return {
            "loci": list(self.loci),
            "ignored": list(self.ignored),
            "p_mismatches": None if self.p_mismatches is None else self.p_mismatches.tolist(),
            "gvh": None if self.gvh is None else self.gvh.tolist(),
            "hvg": None if self.hvg is None else self.hvg.tolist(),
            "by_locus": [each.to_dict() for each in self.by_locus],
            "patient_represented": self.patient_represented,
            "donor_represented": self.donor_represented,
            "patient_population": self.patient_population,
            "donor_population": self.donor_population,
            "nomenclature": self.nomenclature,
            "lost": self.lost,
        }

    def explain(self) -> str:
        """Return in words how likely the two match, and why."""
        whose = f"frequencies of {self.patient_population} for the patient and {self.donor_population} for the donor"
        where = f"{whose}, nomenclature {self.nomenclature}"
        if self.p_mismatches is None:
            who = [
                name
                for name, ok in (("the patient", self.patient_represented), ("the donor", self.donor_represented))
                if not ok
            ]
            return f"no probabilities: no pair of haplotypes explains the typings of {' and '.join(who)} ({where})"
        p = self.p_mismatches
        lines = [
            f"probability of 0, 1, 2 mismatches over {len(p) - 1} positions: "
            + ", ".join(f"{x:.4f}" for x in p[:3])
            + f" ({where})"
        ]
        for each in self.by_locus:
            text = f"  {each.locus}: matched with probability {each.p[0]:.4f}"
            if each.p[1] + each.p[2] > 0:  # p[0] may be below 1 by rounding alone
                likely = int(np.argmax(each.donor_positions)) + 1
                text += (
                    f", one mismatch {each.p[1]:.4f}, two {each.p[2]:.4f}; the donor's position {likely} most likely"
                )
            if each.tce:
                text += "; " + ", ".join(f"{name} {x:.4f}" for name, x in each.tce.items())
            lines.append(text)
        if self.ignored:
            lines.append(f"  the frequencies say nothing of {', '.join(self.ignored)}")
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        """Return a table for notebooks: P(0), P(1), P(2) mismatches of all loci together and of each."""
        rows = []
        if self.p_mismatches is not None:
            rows = [["all", *map(chance, self.p_mismatches[:3])]]
            rows += [[each.locus, *map(chance, each.p)] for each in self.by_locus]
        what = "Probability of mismatches" if rows else "No probabilities: no pair of haplotypes explains the typings"
        ignored = f" They say nothing of {', '.join(self.ignored)}." if self.ignored else ""
        return table(
            what,
            ["locus", "none", "one", "two"],
            rows,
            f"Frequencies of {self.patient_population} for the patient and {self.donor_population} for the donor, nomenclature "
            f"{self.nomenclature}.{ignored} Decision support, never a decision.",
        )


def predict(
    patient: Phenotype | str,
    donor: Phenotype | str,
    frequencies: Populations,
    nomenclature: Nomenclature,
    loci: str | Sequence[str] = "10/10",
    *,
    donor_frequencies: Populations | None = None,
    tail: float = 0.0,
) -> MatchPrediction:
    """Predict the mismatches of one patient and one donor.

    Args:
        patient: A phenotype or GL string.
        donor: A phenotype or GL string.
        frequencies: Those of the patient's population (of two parents' populations a pair), and of the donor's unless
            ``donor_frequencies`` are given.
        nomenclature: Typings and frequencies are carried to its ARD groups.
        loci: A preset or a list; those that the frequencies lack are ignored, and said so. Other typed loci are evidence too.
        donor_frequencies: Those of the donor's population.
        tail: Leave out the patient's least likely genotypes while they have this much probability together; 0: none. Nothing is
            left out where the donor's are listed instead, of a patient of more than 1,024 pairs of haplotypes.

    Raises:
        TypingError: A typing is malformed, or the nomenclature knows none of the names of one of its positions.
        ArgumentError: No locus is left, or an argument is out of range.
        ResourceError: Both have more than 100 million pairs of haplotypes.

    Example:
        >>> import pyarrow as pa
        >>> from allomatch import HaplotypeFrequencies
        >>> table = pa.table({"haplotype": ["A*01:01~B*08:01", "A*02:01~B*07:02", "A*02:05~B*07:02"], "frequency": [0.5, 0.3, 0.1]})
        >>> freqs = HaplotypeFrequencies.from_arrow(table, population="X")
        >>> patient, donor = "A*01:01+A*02:01^B*08:01+B*07:02", "A*01:01+A*02:XX^B*08:01+B*07:02"
        >>> likely = predict(patient, donor, freqs, Nomenclature.two_field(), ["A", "B"])
        >>> likely.p_mismatches.round(4).tolist()
        [0.75, 0.25, 0.0, 0.0, 0.0]
    """
    check_choice("nomenclature", nomenclature, Nomenclature)
    patient = patient if isinstance(patient, Phenotype) else Phenotype(patient)
    donor = donor if isinstance(donor, Phenotype) else Phenotype(donor)
    carried, donors, named, ignored = _sets(frequencies, donor_frequencies, nomenclature, loci)
    first = _core.People(carried.core, patient._core)
    second = _core.People(donors.core, donor._core)
    person = _core.PredictedPerson(first, named, _tail(tail))
    both, gvh, hvg = (_predict_one(person, second, way) for way in ("both", "gvh", "hvg"))
    donor_represented = _core.PredictedPerson(second, named).represented
    represented = person.represented and donor_represented
    n = len(named)
    by_locus = []
    if represented:
        values = _core.predict_positions(first, named, second, 1)[0]
        verdicts = dict(zip(EPITOPE_VERDICTS, epitopes_of(values, named).tolist(), strict=False))
        for at, locus in enumerate(named):
            here = slice(2 * n + 1 + 3 * at, 2 * n + 4 + 3 * at)
            by_locus.append(
                LocusPrediction(
                    locus,
                    both[here],
                    gvh[here],
                    hvg[here],
                    *positions_at(values, named, locus),
                    dict(verdicts) if locus == "DPB1" else {},
                )
            )
    top = slice(0, 2 * n + 1)
    return MatchPrediction(
        named,
        ignored,
        both[top] if represented else None,
        gvh[top] if represented else None,
        hvg[top] if represented else None,
        tuple(by_locus),
        person.represented,
        donor_represented,
        carried.population,
        donors.population,
        nomenclature.release,
        person.lost,
    )


def _predict_one(patient: _core.PredictedPerson, donor: _core.People, direction: str) -> npt.NDArray[np.float64]:
    values, errors = _core.predict(patient, donor, direction, 1)
    for *_, code, message in errors:
        raise from_code(code, message)
    row: npt.NDArray[np.float64] = values[0]
    return row


# ---- columns --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PredictionTable:
    """One patient against many donors.

    Attributes:
        table: One row a donor: ``p0`` .. ``p<2n>`` (float64, probability of that many mismatches) and for each locus such as A
            ``A_p0``, ``A_p1``, ``A_p2``; where they were asked for, those of :func:`~allomatch.positions.position_columns`. All
            null where the donor or the patient is not represented, or the row could not be read.
        errors: Rows that could not be read: row (from 0), field, value, code (docs/errors.md), message.
        loci: The loci predicted.
        ignored: Loci that were asked for and that the frequencies say nothing of.
        patient_represented: Whether the patient has probabilities.
        nomenclature: The release that the names were read under.
    """

    table: pa.Table
    errors: pa.Table
    loci: tuple[str, ...]
    ignored: tuple[str, ...]
    patient_represented: bool
    nomenclature: str


def predict_table(
    patient: Phenotype | str,
    donors: Any,
    frequencies: Populations,
    nomenclature: Nomenclature,
    loci: str | Sequence[str] = "10/10",
    *,
    donor_frequencies: Populations | None = None,
    direction: str = "both",
    positions: bool = False,
    tail: float = 0.0,
    threads: int = 0,
) -> PredictionTable:
    """Predict the mismatches of one patient and a column of donors; each distinct phenotype once.

    Args:
        patient: A phenotype or GL string.
        donors: A column of GL strings, or a table with a column ``gl`` or columns ``A_1``, ``A_2`` and so on.
        frequencies: As in :func:`predict`.
        nomenclature: As in :func:`predict`.
        loci: As in :func:`predict`.
        donor_frequencies: Those of all the donors.
        direction: What is counted: ``"both"``, ``"gvh"`` or ``"hvg"``.
        positions: Whether to say also which positions are likely mismatched, and what the epitopes of DPB1 make of it; of
            these nothing is left out (``tail``).
        tail: As in :func:`predict`.
        threads: 0 means all cores; the bits do not depend on it.
    """
    check_choice("nomenclature", nomenclature, Nomenclature)
    check_choice("direction", direction, str)
    patient = patient if isinstance(patient, Phenotype) else Phenotype(patient)
    carried, others, named, ignored = _sets(frequencies, donor_frequencies, nomenclature, loci)
    person = _core.People(carried.core, patient._core)
    predicted = _core.PredictedPerson(person, named, _tail(tail))
    columns: Phenotype | Columns = columns_of_side("donors", donors, LOCI)
    rows = 1 if isinstance(columns, Phenotype) else len(next(iter(columns.values())))
    read = _core.People(others.core, part_of_side(columns, 0, rows), rows, threads)
    values, not_predicted = _core.predict(predicted, read, direction, threads)
    errors = sorted([*read.errors, *not_predicted], key=lambda error: error[0])
    mask = np.isnan(values[:, 0]) | bad_rows(errors, rows)
    n = len(named)
    names = [f"p{k}" for k in range(2 * n + 1)] + [f"{locus}_p{k}" for locus in named for k in range(3)]
    by_name = dict(zip(names, np.ascontiguousarray(values.T), strict=True))
    if positions:
        by_name |= position_columns(_core.predict_positions(person, named, read, threads), named)
    table = pa.table({name: pa.array(column, mask=mask) for name, column in by_name.items()})
    return PredictionTable(table, cell_errors(errors), named, ignored, predicted.represented, nomenclature.release)


# ---- what they share ------------------------------------------------------------------------------------------------------


def _sets(
    frequencies: Populations,
    donor_frequencies: Populations | None,
    nomenclature: Nomenclature,
    loci: str | Sequence[str],
) -> tuple[Carried, Carried, tuple[str, ...], tuple[str, ...]]:
    """Return the patient's and the donors' sets, the loci that both have, and those that are ignored."""
    carried = carry(frequencies, nomenclature)
    others = carried if donor_frequencies is None else carry(donor_frequencies, nomenclature)
    asked = loci_of(loci)
    named = tuple(locus for locus in asked if locus in carried.loci and locus in others.loci)
    if not named:
        raise problem(
            "InvalidArgument",
            f"the frequencies of {carried.population} have the loci {', '.join(carried.loci)}; none of "
            f"{', '.join(asked)} is among them",
        )
    return carried, others, named, tuple(locus for locus in asked if locus not in named)


def _tail(tail: float) -> float:
    if isinstance(tail, bool) or not isinstance(tail, (int, float)) or not 0 <= tail < 1:
        raise problem("ValueOutOfRange", f"tail is {tail!r}; it is a probability, 0 (nothing is left out) to below 1")
    return float(tail)
