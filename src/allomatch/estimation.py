"""Estimation: haplotype frequencies from the phenotypes of a population's people, by maximum likelihood (EM).

What is computed, from which sources, and what is left out on the way: docs/estimation.md. The core iterates; this module reads
the people, keeps the checkpoint, and turns what comes out into :class:`HaplotypeFrequencies`.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from allomatch import _core
from allomatch.carried import carry
from allomatch.errors import ArgumentError, problem
from allomatch.estimation_checkpoint import load_checkpoint, save_checkpoint
from allomatch.frequencies import HaplotypeFrequencies
from allomatch.match import check_choice, loci_of
from allomatch.nomenclature import Nomenclature
from allomatch.people import cell_errors, columns_of_side, part_of_side
from allomatch.phenotype import Phenotype

__all__ = ["Estimate", "Iteration", "estimate_frequencies"]

Values = npt.NDArray[np.float64]

TRACE_SCHEMA = pa.schema(
    [
        ("stage", pa.int32()),
        ("iteration", pa.int32()),
        ("loci", pa.string()),
        ("haplotypes", pa.int64()),
        ("log_likelihood", pa.float64()),
        ("unrepresented", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Iteration:
    """What is known after an iteration, of the frequencies that it began with.

    Attributes:
        stage: Counts from 1. A stage ends where haplotypes are left out or added; within one the log-likelihood never falls.
        iteration: Counts from 0 in each stage.
        loci: The loci of the stage's haplotypes.
        haplotypes: How many there are.
        log_likelihood: The natural logarithm of the probability of the typings of all people who are represented.
        unrepresented: Number of people whom no two of the haplotypes explain.
        replicate: None, or the number of the bootstrap replicate, from 0.
    """

    stage: int
    iteration: int
    loci: tuple[str, ...]
    haplotypes: int
    log_likelihood: float
    unrepresented: float
    replicate: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """Estimated haplotype frequencies, and how they came about.

    Attributes:
        frequencies: The set, most frequent haplotypes first; it sums to 1. Names are ARD groups, or null alleles.
        log_likelihood: Of these frequencies, over the people who are represented.
        iterations: Iterations with all loci.
        converged: Whether the log-likelihood had become steady before ``max_iterations``.
        people: Number of people who were counted.
        untyped: Number of people left out because they are typed at none of the loci.
        unrepresented: Number of those counted whom no two of the haplotypes explain: what they have is rarer than
            ``min_frequency``, or stands for no allele that was seen.
        min_frequency: The least frequency of a haplotype.
        standard_errors: By bootstrap, in the order of the frequencies; None if none was asked for.
        trace: One row an iteration: stage, iteration, loci, haplotypes, log_likelihood, unrepresented.
        errors: Rows that were left out: row (from 0), field, value, code (docs/errors.md), message.
        nomenclature: The release that the typings were read under.
    """

    frequencies: HaplotypeFrequencies
    log_likelihood: float
    iterations: int
    converged: bool
    people: int
    untyped: int
    unrepresented: int
    min_frequency: float
    standard_errors: Values | None
    trace: pa.Table
    errors: pa.Table
    nomenclature: str

    def to_arrow(self) -> pa.Table:
        """Return the frequencies as a table, with a column ``standard_error`` if there are any."""
        table = self.frequencies.to_arrow()
        if self.standard_errors is not None:
            table = table.append_column("standard_error", pa.array(self.standard_errors))
        return table


def estimate_frequencies(
    phenotypes: Any,
    nomenclature: Nomenclature,
    loci: str | Sequence[str] | None = None,
    *,
    population: str = "estimated",
    start: HaplotypeFrequencies | None = None,
    min_frequency: float | None = None,
    tolerance: float = 1e-6,
    max_iterations: int = 200,
    bootstrap: int = 0,
    seed: int = 0,
    threads: int = 0,
    progress: Callable[[Iteration], object] | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    resume: bool = False,
) -> Estimate:
    """Estimate the haplotype frequencies of a population from people of any typing resolution.

    Equal phenotypes count once with their number. Ctrl-C ends the call within 0.1 s; with a checkpoint it can be resumed.

    Args:
        phenotypes: A table (pyarrow, pandas, polars, duckdb) with a column ``gl`` or columns ``A_1``, ``A_2`` and so on, or a
            column of GL strings. People of one population, unrelated: Hardy-Weinberg equilibrium is assumed.
        nomenclature: What names stand for.
        loci: A preset such as ``"10/10"``, or loci; the default is those of `start`, else ``"10/10"``.
        population: What the population is called.
        start: Frequencies to start from; then its haplotypes are all that there are. By default they are found in the data.
        min_frequency: Haplotypes that are rarer in the end are left out, 0..1. The default is half a copy among all people:
            1 / (4 n).
        tolerance: The estimate has converged when an iteration raises the log-likelihood by no more than this part of it.
        max_iterations: Most iterations with all loci.
        bootstrap: Number of replicates for standard errors: people are drawn again with replacement and the frequencies
            estimated anew from the estimate, among its haplotypes. 0: no standard errors.
        seed: Of the bootstrap.
        threads: 0 means all cores; the result does not depend on it.
        progress: Called after each iteration.
        checkpoint: A file that keeps the state after each iteration (0600), for `resume`. It stays when the call is over.
        resume: Whether to go on from the checkpoint, to the same bits as without a break; if there is no such file yet, the
            estimation starts. Replicates of the bootstrap are not kept.

    Returns:
        The frequencies, the course of the estimation, and the rows that could not be read and were left out.

    Raises:
        ArgumentError: An argument is out of range; nobody is typed at a locus; `start` lacks a locus or explains nobody; the
            checkpoint exists and `resume` is not asked for, or it is of another estimation.
        FileAccessError: The checkpoint cannot be read or written.
        FileFormatError: The checkpoint is damaged.

    Example:
        >>> people = ["A*01:01+A*02:01^B*08:01+B*07:02"] * 4 + ["A*01:01+A*01:01^B*08:01+B*08:01"]
        >>> found = estimate_frequencies(people, Nomenclature.two_field(), ["A", "B"])
        >>> found.frequencies.names("B").to_pylist(), found.frequencies.frequencies.round(3).tolist()
        (['B*07:02', 'B*08:01'], [0.6, 0.4])
    """
    check_choice("nomenclature", nomenclature, Nomenclature)
    check_choice("population", population, str)
    if start is not None:
        check_choice("start", start, HaplotypeFrequencies)
    _check_number("tolerance", tolerance, 0, 1)
    _check_count("max_iterations", max_iterations, 1, 1_000_000)
    _check_count("bootstrap", bootstrap, 0, 100_000)
    _check_count("seed", seed, 0, 2**63 - 1)
    _check_count("threads", threads, 0, 1024)
    if min_frequency is not None:
        _check_number("min_frequency", min_frequency, 0, 1)
    if resume and checkpoint is None:
        raise problem("InvalidArgument", "resume=True needs checkpoint=, the file to go on from")
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None and path.exists() and not resume:
        raise problem(
            "AlreadyExists", f"the checkpoint {str(path)!r} exists; give resume=True to go on from it, or delete it"
        )
    if loci is None:
        loci = "10/10" if start is None else start.loci
    named = loci_of(loci)

    people, errors = _read(phenotypes, nomenclature, named, start, threads)
    counted = round(float(people.weights.sum()))
    least = 1 / (4 * counted) if min_frequency is None else float(min_frequency)
    make = _core.Estimation if start is None else _core.Estimation.from_set
    estimation = make(people, least, tolerance, max_iterations, threads)
    trace = _run(estimation, people, least, tolerance, max_iterations, _digest(start), progress, path, resume)

    classes, frequencies = _haplotypes(estimation, people)
    order = np.argsort(-frequencies, kind="stable")
    standard_errors = None
    if bootstrap:
        values = _replicates(
            estimation, people, classes, (bootstrap, seed), (tolerance, max_iterations, threads), progress
        )
        # Of a single replicate there is no spread to tell.
        standard_errors = values.std(axis=0, ddof=1 if bootstrap > 1 else 0)[order]
        standard_errors.setflags(write=False)
    last = trace[-1]
    release = nomenclature.release
    return Estimate(
        frequencies=HaplotypeFrequencies.from_arrow(
            _table(people, classes[order], frequencies[order]),
            population,
            release=release if release != "two-field" else None,
        ),
        log_likelihood=last.log_likelihood,
        iterations=estimation.iterations,
        converged=estimation.converged,
        people=counted,
        untyped=people.untyped,
        unrepresented=round(last.unrepresented),
        min_frequency=least,
        standard_errors=standard_errors,
        trace=pa.table(
            [
                [it.stage for it in trace],
                [it.iteration for it in trace],
                ["~".join(it.loci) for it in trace],
                [it.haplotypes for it in trace],
                [it.log_likelihood for it in trace],
                [it.unrepresented for it in trace],
            ],
            schema=TRACE_SCHEMA,
        ),
        errors=errors,
        nomenclature=release,
    )


def _check_number(name: str, value: object, least: float, most: float) -> None:
    good = isinstance(value, (int, float)) and not isinstance(value, bool) and least <= value < most
    if not good or math.isnan(float(value)):  # type: ignore[arg-type]
        raise problem(
            "ValueOutOfRange", f"{name} is {value!r}; give a number from {least} up to, not including, {most}"
        )


def _check_count(name: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise problem("ValueOutOfRange", f"{name} is {value!r}; give a whole number from {least} to {most}")


def _read(
    phenotypes: Any,
    nomenclature: Nomenclature,
    loci: tuple[str, ...],
    start: HaplotypeFrequencies | None,
    threads: int,
) -> tuple[_core.EmPeople, pa.Table]:
    """Read the people, and the errors of rows that are left out."""
    carried = None
    if start is not None:
        missing = [locus for locus in loci if locus not in start.loci]
        if missing:
            raise problem(
                "InvalidArgument",
                f"the frequencies to start from have the loci {', '.join(start.loci)} and lack {', '.join(missing)}; ask for "
                "their loci",
            )
        carried = carry(start, nomenclature, loci).core
        if len(carried) == 0:
            raise problem("InvalidArgument", f"no haplotype of {start.population} is left to start from")
    side = columns_of_side("phenotypes", phenotypes, loci)
    if isinstance(side, Phenotype):
        raise problem("WrongType", "phenotypes are a single one; frequencies are estimated from a table of people")
    rows = len(next(iter(side.values())))
    people = _core.EmPeople(part_of_side(side, 0, rows), rows, nomenclature._core, loci, carried, threads)
    return people, cell_errors(people.errors)


def _digest(start: HaplotypeFrequencies | None) -> str:
    """Return what tells starting values apart."""
    if start is None:
        return "no start"
    digest = hashlib.blake2b(start.frequencies.tobytes(), digest_size=8)
    for locus in start.loci:
        digest.update("\0".join((locus, *start.names(locus).to_pylist())).encode())
        digest.update(start.codes(locus).tobytes())
    return f"start {digest.hexdigest()}"


def _run(
    estimation: _core.Estimation,
    people: _core.EmPeople,
    least: float,
    tolerance: float,
    max_iterations: int,
    started: str,
    progress: Callable[[Iteration], object] | None,
    path: Path | None,
    resume: bool,
) -> list[Iteration]:
    """Iterate to the end, from the checkpoint if there is one."""
    loci = people.loci
    owner = f"{people.fingerprint:016x} {'~'.join(loci)} {least!r} {tolerance!r} {max_iterations} {started}"
    steps: list[tuple[Any, ...]] = []
    if path is not None and resume and path.exists():
        state, steps = load_checkpoint(path, owner)
        estimation.restore(state)
    trace = [_iteration(step, loci) for step in steps]
    while not estimation.finished:
        stage, iteration, columns, haplotypes, log_likelihood, unrepresented = estimation.step()
        bits = sum(1 << column for column in columns)
        steps.append((stage, iteration, bits, haplotypes, log_likelihood, unrepresented))
        trace.append(_iteration(steps[-1], loci))
        if path is not None:
            save_checkpoint(path, owner, estimation.state(), steps)
        if progress is not None:
            progress(trace[-1])
    return trace


def _iteration(step: tuple[Any, ...], loci: Sequence[str]) -> Iteration:
    stage, iteration, bits, haplotypes, log_likelihood, unrepresented = step
    of_stage = tuple(locus for column, locus in enumerate(loci) if int(bits) >> column & 1)
    return Iteration(int(stage), int(iteration), of_stage, int(haplotypes), float(log_likelihood), float(unrepresented))


def _haplotypes(estimation: _core.Estimation, people: _core.EmPeople) -> tuple[npt.NDArray[np.uint16], Values]:
    """Return the classes of each haplotype, shape (n, loci) in the order of ``people.loci``, sorted, and the frequencies."""
    _, columns, classes, frequencies, _ = estimation.state()
    table = np.column_stack([classes[columns.index(column)] for column in range(len(people.loci))])
    order = np.lexsort(table.T[::-1])
    return np.ascontiguousarray(table[order]), frequencies[order]


def _table(people: _core.EmPeople, classes: npt.NDArray[np.uint16], frequencies: Values) -> pa.Table:
    columns = {}
    for column, (locus, names) in enumerate(zip(people.loci, people.alleles, strict=True)):
        used, codes = np.unique(classes[:, column], return_inverse=True)
        of_locus = pa.array([names[number] for number in used], pa.string())
        columns[locus] = pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), of_locus)
    # Rounding may leave the frequency of a single haplotype above 1.
    return pa.table(columns | {"frequency": pa.array(np.minimum(frequencies, 1.0))})


def _replicates(
    estimation: _core.Estimation,
    people: _core.EmPeople,
    classes: npt.NDArray[np.uint16],
    draws: tuple[int, int],
    options: tuple[float, int, int],
    progress: Callable[[Iteration], object] | None,
) -> Values:
    """Return the frequencies of each bootstrap replicate, shape (replicates, haplotypes)."""
    count, seed = draws
    row = np.dtype((np.void, classes.dtype.itemsize * classes.shape[1]))
    # Big-endian bytes sort as the numbers do.
    known = np.ascontiguousarray(classes.astype(">u2")).view(row).ravel()
    values = np.zeros((count, len(classes)))
    for replicate in range(count):
        again, step = _drawn_again(estimation, people, np.random.default_rng([seed, replicate]), options)
        while step is not None:
            stage, iteration, columns, haplotypes, log_likelihood, unrepresented = step
            if progress is not None:
                of_stage = tuple(people.loci[column] for column in sorted(columns))
                progress(Iteration(stage, iteration, of_stage, haplotypes, log_likelihood, unrepresented, replicate))
            step = None if again.finished else again.step()
        found, frequencies = _haplotypes(again, people)
        keys = np.ascontiguousarray(found.astype(">u2")).view(row).ravel()
        values[replicate, np.searchsorted(known, keys)] = frequencies
    return values


def _drawn_again(
    estimation: _core.Estimation,
    people: _core.EmPeople,
    random: np.random.Generator,
    options: tuple[float, int, int],
) -> tuple[_core.Estimation, tuple[int, int, list[int], int, float, float] | None]:
    """Start a replicate; return it with its first step.

    A draw of only such people as the haplotypes do not explain says nothing of their frequencies: another one is made.
    """
    weights = people.weights
    total = round(float(weights.sum()))
    while True:
        drawn = random.multinomial(total, weights / total).astype(np.float64)
        again = _core.Estimation.resampled(people, estimation, drawn, *options)
        try:
            return again, again.step()
        except ArgumentError:
            continue
