"""The estimation of haplotype frequencies: held against the textbook EM of the oracle, and what must hold of any.

What: from given haplotypes the core takes the same steps as explicit lists of pairs do; from the data alone it ends where the
oracle would stay, and recovers the frequencies that people were drawn from; threads, breaks and resuming change no bit.
"""

from __future__ import annotations

import json
import math
import os
import signal
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import reference.em as oracle
from allomatch import (
    AllomatchError,
    ArgumentError,
    Estimate,
    FileFormatError,
    HaplotypeFrequencies,
    Iteration,
    Nomenclature,
    demo,
    estimate_frequencies,
    estimation,
    estimation_checkpoint,
)
from allomatch.cli import app
from allomatch.errors import FileExistsAlreadyError
from prediction_strategies import PredictionDraw
from reference.haplotypes import Haplotype
from reference.imputation import consistent, evidence
from reference.nomenclature import Nomenclature as OracleNomenclature
from reference.nomenclature import Release, TwoField
from reference.phenotype import parse_phenotype
from reference.truth import existing_data_dir, needs_data
from strategies import Drawn, oracle_release, oracle_two_field

WORLDS = [pytest.param("two-field", id="two-field"), pytest.param("3.58.0", id="3.58.0", marks=needs_data)]
TWO_FIELD = Nomenclature.two_field()


@cache
def worlds(world: str) -> tuple[Nomenclature, TwoField | Release]:
    if world == "two-field":
        return TWO_FIELD, oracle_two_field()
    return Nomenclature.load(world, path=existing_data_dir()), oracle_release()


def as_set(loci: tuple[str, ...], frequencies: dict[Haplotype, float]) -> HaplotypeFrequencies:
    columns = {locus: [h[i] for h in frequencies] for i, locus in enumerate(loci)}
    return HaplotypeFrequencies.from_arrow(pa.table(columns | {"frequency": list(frequencies.values())}), "drawn")


def as_dict(found: HaplotypeFrequencies, loci: tuple[str, ...]) -> dict[Haplotype, float]:
    names = [found.names(locus).to_pylist() for locus in loci]
    rows = zip(*(found.codes(locus).tolist() for locus in loci), strict=True)
    return {
        tuple(names[i][code] for i, code in enumerate(row)): float(f)
        for row, f in zip(rows, found.frequencies, strict=True)
    }


def groups(
    people: list[str], haplotypes: list[Haplotype], loci: tuple[str, ...], nom: OracleNomenclature
) -> list[oracle.Group]:
    """The people typed at some locus, as explicit lists of the pairs of these haplotypes."""
    found = []
    for gl in people:
        blocks = evidence(parse_phenotype(gl), loci, nom)
        if blocks:
            pairs = [(h, k) for h in haplotypes for k in haplotypes if h <= k and consistent(blocks, h, k)]
            found.append(oracle.Group(tuple(pairs)))
    return found


def never_falls(found: Estimate) -> None:
    rows = found.trace.to_pylist()
    for before, after in pairwise(rows):
        if before["stage"] == after["stage"]:
            assert after["log_likelihood"] >= before["log_likelihood"] - 1e-9 * max(1, abs(before["log_likelihood"]))
        else:
            assert after["stage"] == before["stage"] + 1


# --- against the oracle ------------------------------------------------------------------------------------------------


def drawn_people(
    data: st.DataObject, nom: TwoField | Release, most_loci: int = 4
) -> tuple[tuple[str, ...], dict[Haplotype, float], list[str]]:
    """Loci, frequencies of haplotypes that sum to 1, and people whom they likely explain."""
    drawing, chooser = PredictionDraw(nom), Drawn(data.draw)
    some = [("A", "B"), ("A",), ("B", "DRB345"), ("A", "B", "DRB1"), ("B", "DRB1", "DRB345", "DPB1")]
    loci = chooser.pick(some)[:most_loci]
    pools = {locus: drawing.pool(chooser, locus) for locus in ("A", "B", "DRB1", "DRB345", "DPB1")}
    drawn = drawing._carried_set(chooser, pools, list(loci))
    carried = {h: float(f) for h, f in drawn.carried(nom).frequencies.items()}
    total = math.fsum(carried.values())
    people = [drawing.gl(chooser, drawn, None, pools) for _ in range(chooser.number(1, 12))]
    return loci, {h: f / total for h, f in carried.items()}, people


@pytest.mark.parametrize("world", WORLDS)
@given(data=st.data())
def test_the_steps_are_those_of_explicit_pairs(world: str, data: st.DataObject) -> None:
    nom, oracle_nom = worlds(world)
    loci, frequencies, people = drawn_people(data, oracle_nom)
    start = as_set(loci, frequencies)
    try:
        found = estimate_frequencies(people, nom, loci, start=start, min_frequency=0, tolerance=0, max_iterations=6)
    except ArgumentError:
        # Nobody is explained, or everybody is unreadable: the last test of bad arguments has these.
        return
    left_out = set(found.errors["row"].to_pylist())
    good = [gl for row, gl in enumerate(people) if row not in left_out]
    everyone = groups(good, list(frequencies), loci, oracle_nom)
    assert found.people == len(everyone)
    assert found.people + found.untyped + len(left_out) == len(people)
    explained = [group for group in everyone if group.diplotypes]
    assert found.unrepresented == len(everyone) - len(explained)
    path = [row["log_likelihood"] for row in found.trace.to_pylist() if row["stage"] == 1]
    assert path
    expected = dict(frequencies)
    for step, likelihood in enumerate(path):
        assert likelihood == pytest.approx(oracle.log_likelihood(explained, expected), rel=1e-9, abs=1e-9)
        if step + 1 < len(path):
            expected = oracle.step(explained, expected)
    assert as_dict(found.frequencies, loci) == pytest.approx(
        {h: f for h, f in expected.items() if f > 0}, rel=1e-9, abs=1e-12
    )
    never_falls(found)


@pytest.mark.parametrize("world", WORLDS)
@settings(max_examples=50)
@given(data=st.data())
def test_an_estimate_from_the_data_alone_is_where_the_oracle_stays(world: str, data: st.DataObject) -> None:
    nom, oracle_nom = worlds(world)
    # Without a least frequency every allele of a code goes with every other: two loci are enough.
    loci, _, people = drawn_people(data, oracle_nom, most_loci=2)
    try:
        found = estimate_frequencies(people, nom, loci, min_frequency=0, tolerance=1e-9, max_iterations=3000)
    except ArgumentError:
        return
    left_out = set(found.errors["row"].to_pylist())
    estimated = as_dict(found.frequencies, loci)
    if len(estimated) > 40:  # explicit pairs of these take too long
        return
    everyone = groups([gl for i, gl in enumerate(people) if i not in left_out], list(estimated), loci, oracle_nom)
    explained = [group for group in everyone if group.diplotypes]
    assert math.fsum(estimated.values()) == pytest.approx(1)
    assert found.unrepresented == len(everyone) - len(explained)
    here = oracle.log_likelihood(explained, estimated)
    assert found.log_likelihood == pytest.approx(here, rel=1e-9, abs=1e-9)
    if found.converged:
        assert oracle.log_likelihood(explained, oracle.step(explained, estimated)) - here <= 1e-6 * abs(here) + 1e-9
    never_falls(found)


# --- what is recovered -------------------------------------------------------------------------------------------------


@cache
def population(haplotypes: int) -> demo.Haplotypes:
    """The most frequent haplotypes of Europeans in the shipped excerpt, as all that there are."""
    whole = demo.load_haplotypes()["CAU"]
    kept = whole.frequencies[:haplotypes] / whole.frequencies[:haplotypes].sum()
    return replace(whole, codes=whole.codes[:haplotypes], frequencies=kept)


@cache
def people_of(count: int, seed: int = 1) -> pa.Table:
    drawn = demo.draw_donors({"CAU": population(250)}, count, seed=seed, mix={"CAU": 1.0})
    return pa.Table.from_batches(drawn).select([f"{locus}_{i}" for locus in demo.LOCI for i in (1, 2)])


def same(a: Estimate, b: Estimate) -> None:
    """The same bits."""
    assert a.frequencies.to_arrow().drop_columns([]).equals(b.frequencies.to_arrow())
    assert np.array_equal(a.frequencies.frequencies, b.frequencies.frequencies)
    assert a.trace.equals(b.trace)
    assert (a.log_likelihood, a.iterations, a.converged) == (b.log_likelihood, b.iterations, b.converged)


def test_frequencies_are_recovered_from_people_drawn_from_them() -> None:
    count = 12_000
    truth = {population(250).names(h): float(f) for h, f in enumerate(population(250).frequencies)}
    found = estimate_frequencies(people_of(count), TWO_FIELD, population="CAU")
    estimated = as_dict(found.frequencies, demo.LOCI)
    estimated = {tuple(name.partition("*")[2] for name in h): f for h, f in estimated.items()}
    plain = {tuple(name.rpartition("*")[2] for name in h): f for h, f in truth.items()}
    for haplotype, f in plain.items():
        if f >= 0.002:
            # Half of the people are ambiguous: their copies count for less than copies that were seen.
            assert abs(estimated.get(haplotype, 0) - f) <= 5 * math.sqrt(2 * f / (2 * count)), haplotype
    assert sum(estimated.get(h, 0) for h in plain) > 0.9
    assert found.frequencies.population == "CAU"
    assert found.converged
    assert found.people == count
    assert found.unrepresented < 0.02 * count
    assert found.frequencies.frequencies.min() >= found.min_frequency == 1 / (4 * count)
    assert found.frequencies.total == pytest.approx(1)
    assert np.all(np.diff(found.frequencies.frequencies) <= 0)
    never_falls(found)


def test_alleles_of_a_single_locus_are_counted() -> None:
    people = ["A*01:01+A*02:01"] * 5 + ["A*01:01+A*01:01"] * 2 + ["A*03:01+A*02:01"]
    found = estimate_frequencies(people, TWO_FIELD, ["A"])
    assert as_dict(found.frequencies, ("A",)) == pytest.approx(
        {("A*01:01",): 9 / 16, ("A*02:01",): 6 / 16, ("A*03:01",): 1 / 16}
    )
    assert found.log_likelihood == pytest.approx(
        5 * math.log(2 * 54 / 256) + 2 * math.log(81 / 256) + math.log(2 * 6 / 256)
    )


def test_phase_decides() -> None:
    people = ["A*01:01~B*08:01+A*02:01~B*07:02"] * 3
    found = estimate_frequencies(people, TWO_FIELD, ["A", "B"])
    assert as_dict(found.frequencies, ("A", "B")) == pytest.approx(
        {("A*01:01", "B*08:01"): 0.5, ("A*02:01", "B*07:02"): 0.5}
    )
    # Of two diplotypes, one goes with the others; the two that only the alternatives together have are not there.
    either = "A*01:01~B*08:01~C*07:01+A*02:01~B*07:02~C*07:02|A*01:01~B*07:02~C*07:01+A*02:01~B*08:01~C*07:02"
    found = estimate_frequencies(
        [either, "A*01:01~B*08:01~C*07:01+A*02:01~B*07:02~C*07:02"], TWO_FIELD, ["A", "B", "C"], min_frequency=0.01
    )
    assert as_dict(found.frequencies, ("A", "C", "B")) == pytest.approx(
        {("A*01:01", "C*07:01", "B*08:01"): 0.5, ("A*02:01", "C*07:02", "B*07:02"): 0.5}
    )


# --- threads, breaks, resuming -----------------------------------------------------------------------------------------


def test_threads_change_no_bit() -> None:
    one, *others = (estimate_frequencies(people_of(4000), TWO_FIELD, "8/8", threads=n) for n in (1, 2, 3))
    for other in others:
        same(one, other)


class StopHereError(Exception):
    pass


def stopping(after: int) -> Callable[[Iteration], None]:
    left = iter(range(after))

    def progress(iteration: Iteration) -> None:
        if next(left, None) is None:
            raise StopHereError

    return progress


@pytest.mark.parametrize("after", [0, 7, 45, 60])
def test_an_estimation_resumes_to_the_same_bits(tmp_path: Path, after: int) -> None:
    whole = estimate_frequencies(people_of(1000), TWO_FIELD, "6/6")
    assert whole.trace.num_rows > 61
    path = tmp_path / "state"
    with pytest.raises(StopHereError):
        estimate_frequencies(people_of(1000), TWO_FIELD, "6/6", checkpoint=path, progress=stopping(after))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again: list[Iteration] = []
    resumed = estimate_frequencies(
        people_of(1000), TWO_FIELD, "6/6", checkpoint=path, resume=True, progress=again.append
    )
    same(whole, resumed)
    assert len(again) == whole.trace.num_rows - after - 1
    # And once more, when there is nothing left to do.
    same(whole, estimate_frequencies(people_of(1000), TWO_FIELD, "6/6", checkpoint=path, resume=True))
    assert [file.name for file in tmp_path.iterdir()] == ["state"]


def test_ctrl_c_ends_it_and_the_checkpoint_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "state"

    def interrupt(number: int, frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)

    def without_end() -> None:
        # Within some iteration, or in the reading: both must hear it.
        signal.setitimer(signal.ITIMER_REAL, 0.15)
        while True:
            path.unlink(missing_ok=True)
            estimate_frequencies(people_of(4000), TWO_FIELD, checkpoint=path)

    try:
        with pytest.raises(KeyboardInterrupt):
            without_end()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    resumed = estimate_frequencies(people_of(4000), TWO_FIELD, checkpoint=path, resume=True)
    same(estimate_frequencies(people_of(4000), TWO_FIELD), resumed)


def test_ctrl_c_in_the_middle_of_a_checkpoint_leaves_no_other_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened = os.open

    def interrupted(path: Any, flags: int, mode: int = 0o777, **more: Any) -> int:
        handle = opened(path, flags, mode, **more)
        if ".partial-" in str(path):
            os.close(handle)
            raise KeyboardInterrupt
        return handle

    monkeypatch.setattr(os, "open", interrupted)
    with pytest.raises(KeyboardInterrupt):
        estimate_frequencies(["A*01:01+A*02:01"], TWO_FIELD, ["A"], checkpoint=tmp_path / "state")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_command_says_how_to_go_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("gl\nA*01:01+A*02:01\nA*01:01+A*01:01\n")
    command = ["frequencies", "estimate", str(tmp_path / "people.csv"), str(tmp_path / "out.csv"), "--loci", "A"]
    command += ["--nomenclature", "two-field"]
    state = tmp_path / "state"

    def interrupt(*arguments: object) -> None:
        estimation_checkpoint.save_checkpoint(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(estimation, "save_checkpoint", interrupt)
        done = CliRunner().invoke(app, [*command, "--checkpoint", str(state)])
    assert done.exit_code == 130
    assert f"{str(state)!r} has the state after the last iteration; --resume goes on from it" in done.stderr
    assert not (tmp_path / "out.csv").exists()
    assert CliRunner().invoke(app, [*command, "--checkpoint", str(state), "--resume"]).exit_code == 0


def test_checkpoints_are_of_one_estimation(tmp_path: Path) -> None:
    path = tmp_path / "state"
    people = ["A*01:01+A*02:01", "A*02:01+A*03:01"]
    estimate_frequencies(people, TWO_FIELD, ["A"], checkpoint=path)
    with pytest.raises(FileExistsAlreadyError, match="resume=True"):
        estimate_frequencies(people, TWO_FIELD, ["A"], checkpoint=path)
    for others, tolerance in ((people[:1], 1e-6), (people, 1e-5)):
        with pytest.raises(ArgumentError, match="other people or"):
            estimate_frequencies(others, TWO_FIELD, ["A"], checkpoint=path, resume=True, tolerance=tolerance)
    for damaged in (b"", path.read_bytes()[:-200], b"PK" + path.read_bytes()[2:500]):
        path.write_bytes(damaged)
        with pytest.raises(FileFormatError, match="checkpoint"):
            estimate_frequencies(people, TWO_FIELD, ["A"], checkpoint=path, resume=True)
    with pytest.raises(ArgumentError, match="checkpoint="):
        estimate_frequencies(people, TWO_FIELD, ["A"], resume=True)


def test_a_checkpoint_is_of_the_values_it_started_from(tmp_path: Path) -> None:
    people = ["A*01:01+A*02:01^B*08:01+B*07:02"] * 9 + ["A*01:01+A*01:01^B*08:01+B*08:01"]
    pairs = [(a, b) for a in ("A*01:01", "A*02:01") for b in ("B*07:02", "B*08:01")]

    def start(*frequencies: float) -> HaplotypeFrequencies:
        return as_set(("A", "B"), dict(zip(pairs, frequencies, strict=True)))

    path = tmp_path / "state"
    one, other = start(0.1, 0.4, 0.4, 0.1), start(0.4, 0.1, 0.1, 0.4)
    found = estimate_frequencies(people, TWO_FIELD, start=one, checkpoint=path)
    same(found, estimate_frequencies(people, TWO_FIELD, start=start(0.1, 0.4, 0.4, 0.1), checkpoint=path, resume=True))
    for values in (other, None):
        with pytest.raises(ArgumentError, match="other options"):
            estimate_frequencies(people, TWO_FIELD, ["A", "B"], start=values, checkpoint=path, resume=True)


def test_no_damage_of_a_checkpoint_is_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "state"
    people = ["A*01:01+A*02:01", "A*02:01+A*03:01"]
    found = estimate_frequencies(people, TWO_FIELD, ["A"], checkpoint=path)
    whole = path.read_bytes()
    directory = whole.index(b"PK\x01\x02")  # of the zip file
    for at in (*range(directory, directory + 60), *range(0, directory, 37)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        with suppress(FileFormatError):
            same(found, estimate_frequencies(people, TWO_FIELD, ["A"], checkpoint=path, resume=True))
    with path.open("wb") as file:
        np.save(file, np.zeros(3))
    with pytest.raises(FileFormatError, match="checkpoint"):
        estimate_frequencies(people, TWO_FIELD, ["A"], checkpoint=path, resume=True)


# --- starting values, standard errors ----------------------------------------------------------------------------------


def test_starting_values_are_the_candidates() -> None:
    people = ["A*01:01+A*02:01^B*08:01+B*07:02"] * 4 + ["A*03:01+A*03:01^B*08:01+B*08:01"]
    start = as_set(("A", "B"), {("A*01:01", "B*08:01"): 0.3, ("A*02:01", "B*07:02"): 0.1, ("A*01:01", "B*07:02"): 0.1})
    found = estimate_frequencies(people, TWO_FIELD, start=start)
    assert as_dict(found.frequencies, ("A", "B")) == {
        ("A*01:01", "B*08:01"): pytest.approx(0.5),
        ("A*02:01", "B*07:02"): pytest.approx(0.5),
    }
    assert (found.people, found.unrepresented) == (5, 1)
    with pytest.raises(ArgumentError, match="lack C"):
        estimate_frequencies(people, TWO_FIELD, ["A", "B", "C"], start=start)
    with pytest.raises(ArgumentError, match="explain any"):
        estimate_frequencies(people[-1:], TWO_FIELD, start=start)


def test_standard_errors_are_those_of_counts() -> None:
    people = ["A*01:01+A*02:01"] * 60 + ["A*01:01+A*01:01"] * 30 + ["A*02:01+A*02:01"] * 30
    seen: list[Iteration] = []
    found = estimate_frequencies(people, TWO_FIELD, ["A"], bootstrap=300, seed=3, progress=seen.append)
    assert found.standard_errors is not None
    assert found.standard_errors == pytest.approx([math.sqrt(0.25 / 240)] * 2, rel=0.2)
    assert {iteration.replicate for iteration in seen} == {None, *range(300)}
    again = estimate_frequencies(people, TWO_FIELD, ["A"], bootstrap=300, seed=3, threads=2)
    assert again.standard_errors is not None
    assert np.array_equal(found.standard_errors, again.standard_errors)
    assert found.to_arrow()["standard_error"].to_pylist() == found.standard_errors.tolist()


def test_a_haplotype_that_a_replicate_lacks_counts_as_none() -> None:
    rare = [f"A*{n:02}:01+A*01:01^B*{n:02}:01+B*08:01" for n in range(2, 12)]
    found = estimate_frequencies(
        [*rare, *["A*01:01+A*01:01^B*08:01+B*08:01"] * 20], TWO_FIELD, ["A", "B"], bootstrap=200
    )
    assert found.standard_errors is not None
    # One copy among 60: about the square root of one copy.
    assert found.standard_errors[1:] == pytest.approx([1 / 60] * 10, rel=0.35)


def test_a_replicate_of_people_whom_nothing_explains_is_drawn_anew() -> None:
    start = as_set(("A",), {("A*01:01",): 0.5, ("A*02:01",): 0.5})
    # Every fourth draw of two is of the second one alone.
    people = ["A*01:01+A*02:01", "A*03:01+A*03:01"]
    found = estimate_frequencies(people, TWO_FIELD, ["A"], start=start, bootstrap=40)
    assert found.standard_errors is not None
    assert found.standard_errors.tolist() == [0, 0]


# --- what is seen, what is left out ------------------------------------------------------------------------------------


def test_rows_that_cannot_be_read_are_reported_and_left_out() -> None:
    people = pa.table({"A_1": ["01:01", "rubbish", "02:01", None], "A_2": ["02:01", "01:01", "", None]})
    found = estimate_frequencies(people, TWO_FIELD, ["A"])
    assert [(e["row"], e["field"], e["code"]) for e in found.errors.to_pylist()] == [(1, "A", 200)]
    assert (found.people, found.untyped) == (2, 1)
    assert as_dict(found.frequencies, ("A",)) == {("A*02:01",): 0.75, ("A*01:01",): 0.25}


@needs_data
def test_names_that_the_release_lacks_are_reported_and_left_out(release: Nomenclature) -> None:
    found = estimate_frequencies(["A*01:01+A*02:01", "A*01:9999+A*02:01"], release, ["A"])
    assert [(e["row"], e["field"]) for e in found.errors.to_pylist()] == [(1, "A")]
    assert found.people == 1
    assert found.frequencies.release == "3.58.0"


def test_codes_stand_for_the_alleles_that_are_seen() -> None:
    people = ["A*02:01+A*02:06"] * 3 + ["A*02:XX+A*02:01", "A*24:XX+A*02:01"]
    found = estimate_frequencies(people, TWO_FIELD, ["A"], min_frequency=0)
    assert {h[0] for h in as_dict(found.frequencies, ("A",))} == {"A*02:01", "A*02:06"}
    # Nobody says which alleles of A*24 there are.
    assert found.unrepresented == 1


@needs_data
def test_a_code_of_nothing_seen_brings_its_own_alleles(release: Nomenclature) -> None:
    found = estimate_frequencies(["A*02:01+A*80:XX"] * 4, release, ["A"], min_frequency=0)
    estimated = as_dict(found.frequencies, ("A",))
    assert found.unrepresented == 0
    assert estimated[("A*02:01P",)] == pytest.approx(0.5)
    assert all(h[0].startswith(("A*02:01P", "A*80:")) and not h[0].endswith("N") for h in estimated)


@needs_data
def test_a_null_allele_is_seen_where_it_is_named(release: Nomenclature) -> None:
    coded, named = "A*01:01:01G+A*02:01", "A*01:11N+A*02:01"
    assert "01:01:01" in release.reduce("A*01:01:01:02N", "G")
    without = estimate_frequencies([coded] * 3, release, ["A"])
    assert {h[0] for h in as_dict(without.frequencies, ("A",))} == {"A*01:01P", "A*02:01P"}
    with_null = estimate_frequencies([coded] * 3 + [named], release, ["A"])
    assert ("A*01:11N",) in as_dict(with_null.frequencies, ("A",))


@pytest.mark.parametrize(
    ("people", "options", "words"),
    [
        (["A*01:01+A*02:01"], {"loci": ["A", "B"]}, "nobody has a typing of locus B"),
        ([], {"loci": ["A"]}, "nobody has a typing of locus A"),
        (["nonsense"], {"loci": ["A"]}, "nobody"),
        (["A*01:01+A*02:01"], {"loci": ["A"], "min_frequency": 0.6}, "smaller least frequency"),
        (["A*01:01+A*02:01"], {"loci": ["A"], "min_frequency": -1}, "min_frequency"),
        (["A*01:01+A*02:01"], {"loci": ["A"], "min_frequency": float("nan")}, "min_frequency"),
        (["A*01:01+A*02:01"], {"loci": ["A"], "tolerance": "much"}, "tolerance"),
        (["A*01:01+A*02:01"], {"loci": ["A"], "max_iterations": 0}, "max_iterations"),
        (["A*01:01+A*02:01"], {"loci": ["A"], "bootstrap": -1}, "bootstrap"),
        (["A*01:01+A*02:01"], {"loci": ["A"], "threads": -1}, "threads"),
        (["A*01:01+A*02:01"], {"loci": ["A"], "start": "CAU"}, "start"),
        (["A*01:01+A*02:01"], {"loci": ["E"]}, "E"),
        ("A*01:01+A*02:01", {"loci": ["A"]}, "single"),
        (pa.table({"B_1": ["07:02"], "B_2": ["08:01"]}), {"loci": ["A"]}, "A_1"),
    ],
)
def test_bad_arguments_say_what_is_wrong(people: object, options: dict[str, object], words: str) -> None:
    with pytest.raises(AllomatchError, match=words) as raised:
        estimate_frequencies(people, TWO_FIELD, **options)  # type: ignore[arg-type]
    assert isinstance(raised.value, ArgumentError)


def test_an_estimate_that_has_not_converged_says_so() -> None:
    found = estimate_frequencies(people_of(1000), TWO_FIELD, "6/6", max_iterations=3)
    assert not found.converged
    assert found.iterations == 3
    never_falls(found)


# --- the command line --------------------------------------------------------------------------------------------------


def test_the_command_writes_frequencies(tmp_path: Path) -> None:
    table, out = tmp_path / "people.csv", tmp_path / "CAU.csv"
    table.write_text("donor_id,A_1,A_2\nx,01:01,02:01\ny,02:01,02:01\nz,oops,02:01\n")
    arguments = ["frequencies", "estimate", str(table), str(out), "--loci", "A", "-n", "two-field", "--json"]
    result = CliRunner().invoke(app, [*arguments, "--population", "CAU", "--bootstrap", "5"])
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert (facts["people"], facts["haplotypes"], len(facts["errors"])) == (2, 2, 1)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    written = HaplotypeFrequencies.read(out, cache=False)
    assert as_dict(written, ("A",)) == {("A*02:01",): 0.75, ("A*01:01",): 0.25}
    assert "standard_error" in out.read_text().splitlines()[0]
    again = CliRunner().invoke(app, arguments)
    assert isinstance(again.exception, FileExistsAlreadyError)
