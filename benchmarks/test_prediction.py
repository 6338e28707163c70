"""Imputation and prediction, and searches with probabilities; beside imputation, a plain Python imputer and py-graph-imputation.

What: people a second, distinct donors a second, and durations of single searches. Invariants: people and donors are
distinct, so that no work is shared between them; truth before speed: on the people that both imputed, the plain imputer
must have found allomatch's totals, numbers of pairs and best weights, and the best hundred hits of a search must be the
first hundred of all hits. Why one population for imputation: its set is the largest there is, which the aims are for;
searches choose by the donor's ethnicity.
"""

from __future__ import annotations

import importlib.util
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from allomatch import (
    FrequencySets,
    HaplotypeFrequencies,
    Hits,
    ImputedTable,
    Nomenclature,
    Registry,
    demo,
    impute_table,
    predict_table,
)
from benchmarks import prediction_data
from benchmarks.baselines.plain_imputer import Haplotype
from benchmarks.conftest import Settings
from benchmarks.imputing import BEST
from benchmarks.measuring import Clock, Peak, peak_of

_POPULATION = "CAU"
_OTHERS_PEOPLE = 5_000  # more than either of them gets through
_PREDICTED = 20_000
_PATIENTS = 5
_OPENINGS = 5
# Of anonymous memory; it fails where there is less, after minutes.
_PEER_BYTES_A_HAPLOTYPE = 84_000
_SEARCHES = {"plain": (False, None), "all hits": (True, None), "best 100": (True, 100)}


@dataclass(frozen=True)
class Imputed:
    """The people and the set of the run.

    Attributes:
        folder: Where the ways of `imputing.py` find both.
        people: GL strings.
        frequencies: The set.
        environment: Where processes keep their caches.
    """

    folder: Path
    people: pa.Array
    frequencies: HaplotypeFrequencies
    environment: dict[str, str]


@pytest.fixture(scope="session")
def imputed(
    folder: Path, haplotypes: dict[str, demo.Haplotypes], nomenclature: Nomenclature, settings: Settings
) -> Imputed:
    place = folder / "imputing"
    place.mkdir()
    frequencies = prediction_data.frequencies_of(_POPULATION, haplotypes)
    frequencies.write(place / "set.csv")
    people = prediction_data.draw_people(haplotypes, _POPULATION, settings.people)
    table = pa.table({"gl": people})
    with pa.OSFile(str(place / "people.arrow"), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    return Imputed(place, people, frequencies, {"XDG_CACHE_HOME": str(place / "cache")})


@pytest.fixture(scope="session")
def of_people(imputed: Imputed, nomenclature: Nomenclature) -> dict[str, Any]:
    """What every result of imputation says of its data."""
    return {
        "work": "imputation",
        "population": _POPULATION,
        "haplotypes_of_set": len(imputed.frequencies),
        "drawn": len(imputed.people),
        "nomenclature": nomenclature.release,
    }


@pytest.mark.parametrize("way", ["all threads", "one thread"])
def test_imputation(
    benchmark: Any,
    way: str,
    imputed: Imputed,
    nomenclature: Nomenclature,
    settings: Settings,
    of_people: dict[str, Any],
) -> None:
    threads = settings.threads if way == "all threads" else 1
    clock = Clock()

    def impute() -> ImputedTable:
        return impute_table(imputed.people, imputed.frequencies, nomenclature, best=BEST, threads=threads)

    found = impute()
    assert found.errors.num_rows == 0
    benchmark.group = "imputation"
    benchmark.pedantic(clock.timed(impute), rounds=3)
    summary = clock.summary()
    pairs = found.table["diplotype_count"].to_numpy()
    benchmark.extra_info.update(
        {
            **of_people,
            "engine": "allomatch",
            "way": way,
            "threads": threads,
            "people": len(imputed.people),
            "unrepresented": int(np.count_nonzero(pairs == 0)),
            "pairs_median": float(np.median(pairs)),
            "pairs_most": int(pairs.max()),
            "rate": len(imputed.people) / float(summary["median_s"] or 1),
            **summary,
        }
    )


def test_opening_and_memory(benchmark: Any, imputed: Imputed, settings: Settings, of_people: dict[str, Any]) -> None:
    arguments = ["allomatch", str(imputed.folder), "--threads", str(settings.threads)]
    peaks: list[Peak] = []

    def run() -> None:
        peaks.append(peak_of(arguments, "imputing", imputed.environment))

    run()  # fills the cache
    peaks.clear()
    benchmark.group = "imputation"
    benchmark.pedantic(run, rounds=_OPENINGS)
    opened = Clock([peak.result["open_s"] for peak in peaks])
    grown = [peak.grown for peak in peaks if peak.grown is not None]
    mapped = sum(path.stat().st_size for path in imputed.folder.glob("cache/**/frequencies/*.arrow"))
    benchmark.extra_info.update(
        {
            **of_people,
            "engine": "allomatch",
            "way": "fresh process",
            "people": len(imputed.people),
            "rate": len(imputed.people) / float(np.median([peak.seconds for peak in peaks])),
            "anonymous_bytes_grown": max(grown) if grown else None,
            "mapped_bytes": mapped,
            **opened.summary(),
        }
    )


@pytest.fixture(scope="session")
def plain_haplotypes(imputed: Imputed, nomenclature: Nomenclature) -> dict[Haplotype, float]:
    return prediction_data.plain_haplotypes(imputed.frequencies, nomenclature)


def test_plain_python(
    benchmark: Any,
    imputed: Imputed,
    plain_haplotypes: dict[Haplotype, float],
    nomenclature: Nomenclature,
    of_people: dict[str, Any],
) -> None:
    texts = imputed.people.slice(0, _OTHERS_PEOPLE)
    people = prediction_data.plain_people(texts.to_pylist(), nomenclature)
    (imputed.folder / "haplotypes.pickle").write_bytes(pickle.dumps(plain_haplotypes))
    (imputed.folder / "people.pickle").write_bytes(pickle.dumps(people))
    peaks: list[Peak] = []
    benchmark.group = "imputation"
    benchmark.pedantic(lambda: peaks.append(peak_of(["plain", str(imputed.folder)], "imputing")), rounds=1)

    done = peaks[0].result["people"]
    theirs = pickle.loads((imputed.folder / "plain-answers.pickle").read_bytes())
    ours = impute_table(texts.slice(0, done), imputed.frequencies, nomenclature, best=BEST).table
    assert ours["diplotype_count"].to_pylist() == [pairs for _, pairs, _ in theirs]
    np.testing.assert_allclose(ours["total"].to_numpy(), [total for total, _, _ in theirs], rtol=1e-9)
    for mine, (total, _, best) in zip(ours["diplotypes"].to_pylist(), theirs, strict=True):
        np.testing.assert_allclose(
            [pair["posterior"] for pair in mine], [weight / total for weight, _, _ in best], rtol=1e-9
        )
    benchmark.extra_info.update(
        {
            **of_people,
            "engine": "plain Python",
            "way": "one by one",
            "threads": 1,
            "people": done,
            "rate": done / peaks[0].seconds,
            "anonymous_bytes_grown": peaks[0].grown,
            "load": os.getloadavg()[0],
        }
    )


def test_py_graph_imputation(
    benchmark: Any,
    imputed: Imputed,
    plain_haplotypes: dict[Haplotype, float],
    nomenclature: Nomenclature,
    settings: Settings,
    of_people: dict[str, Any],
) -> None:
    if importlib.util.find_spec("grim") is None:
        pytest.skip("pip install 'allomatch[bench]'")
    best = sorted(plain_haplotypes.items(), key=lambda item: -item[1])
    chosen = dict(best[: settings.peer_haplotypes or len(best)])
    free = _available_bytes()
    needed = _PEER_BYTES_A_HAPLOTYPE * len(chosen)
    if free is not None and free < needed:
        pytest.skip(
            f"py-graph-imputation needs some {needed >> 20:,} MiB for {len(chosen):,} haplotypes, {free >> 20:,} are free: "
            "--peer-haplotypes gives it the most frequent so many"
        )
    texts = imputed.people.slice(0, _OTHERS_PEOPLE)
    people = prediction_data.plain_people(texts.to_pylist(), nomenclature)
    prediction_data.write_for_peer(imputed.folder / "peer", _POPULATION, chosen, people)
    peaks: list[Peak] = []
    benchmark.group = "imputation"
    graph = peak_of(["peer-graph", str(imputed.folder)], "imputing")
    benchmark.pedantic(lambda: peaks.append(peak_of(["peer", str(imputed.folder)], "imputing")), rounds=1)
    done = peaks[0].result["people"]
    answered, agreement = _agreement(
        imputed.folder / "peer" / "output" / "people.pmug", chosen, texts, done, nomenclature
    )
    benchmark.extra_info.update(
        {
            **of_people,
            "engine": "py-graph-imputation",
            "way": "one by one",
            "threads": 1,
            "haplotypes_of_set": len(chosen),
            "people": done,
            "answered": answered,
            "agreement": agreement,
            "rate": done / peaks[0].seconds,
            "anonymous_bytes_grown": peaks[0].grown,
            "graph_s": graph.seconds,
            "load": os.getloadavg()[0],
        }
    )


def _available_bytes() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _agreement(
    output: Path, chosen: dict[Haplotype, float], texts: pa.Array, done: int, nomenclature: Nomenclature
) -> tuple[int, float | None]:
    """How many people it answered, and at how many of them allomatch's best pair, under the same set, has its best one's names."""
    theirs: dict[int, frozenset[frozenset[str]]] = {}
    for line in output.read_text().splitlines():
        person, pair, _, rank = line.split(",")
        if rank == "0" and int(person[1:]) < done:
            theirs[int(person[1:])] = frozenset(frozenset(each.split("~")) for each in pair.split("+"))
    table = pa.table({"haplotype": ["~".join(each) for each in chosen], "frequency": list(chosen.values())})
    frequencies = HaplotypeFrequencies.from_arrow(table, _POPULATION)
    ours = impute_table(texts.slice(0, done), frequencies, nomenclature, best=1).table["diplotypes"].to_pylist()

    def names(pair: dict[str, Any]) -> frozenset[frozenset[str]]:
        return frozenset(
            frozenset(name.removesuffix("P") for name in pair[side].split("~")) for side in ("first", "second")
        )

    both = [(names(ours[person][0]), pair) for person, pair in theirs.items() if ours[person]]
    return len(theirs), sum(mine == pair for mine, pair in both) / len(both) if both else None


# ---- prediction --------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def of_patients(haplotypes: dict[str, demo.Haplotypes]) -> list[str]:
    """Patients of the population, fully typed."""
    drawn = demo.draw_patients(haplotypes, _PATIENTS, seed=prediction_data.SEED, populations=[_POPULATION])
    return list(drawn["gl"].to_pylist())


@pytest.mark.parametrize("patient", ["fully typed", "ambiguous"])
@pytest.mark.parametrize("way", ["all threads", "one thread"])
def test_prediction(
    benchmark: Any,
    patient: str,
    way: str,
    imputed: Imputed,
    of_patients: list[str],
    nomenclature: Nomenclature,
    settings: Settings,
) -> None:
    threads = settings.threads if way == "all threads" else 1
    texts = of_patients
    if patient == "ambiguous":
        texts = prediction_data.ambiguous_patients(texts, nomenclature, imputed.frequencies)
    donors = imputed.people.slice(0, _PREDICTED)
    clock = Clock()

    def predict(text: str) -> float:
        result = predict_table(text, donors, imputed.frequencies, nomenclature, threads=threads)
        assert result.patient_represented
        assert result.errors.num_rows == 0
        return result.table["p0"].null_count / len(donors)

    timed = clock.timed(predict)
    unknown: list[float] = []

    def all_patients() -> None:
        unknown.clear()
        unknown.extend(timed(text) for text in texts)

    benchmark.group = f"prediction, {patient} patient"
    benchmark.pedantic(all_patients, rounds=3, warmup_rounds=1)
    del clock.seconds[: len(texts)]
    summary = clock.summary()
    benchmark.extra_info.update(
        {
            "work": "prediction",
            "what": f"{patient} patient",
            "engine": "allomatch",
            "way": way,
            "threads": threads,
            "patients": len(texts),
            "distinct": len(donors),
            "unrepresented_share": float(np.mean(unknown)),
            "rate": len(donors) / float(summary["median_s"] or 1),
            "slowest_rate": len(donors) / max(clock.seconds),
            "nomenclature": nomenclature.release,
            **summary,
        }
    )


# ---- search ------------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def frequency_sets(haplotypes: dict[str, demo.Haplotypes]) -> FrequencySets:
    """Every population's own; the donors' ethnicity chooses."""
    sets = {name: prediction_data.frequencies_of(name, haplotypes) for name in sorted(haplotypes)}
    return FrequencySets(sets.values(), default=sets[_POPULATION])


@pytest.mark.parametrize("what", list(_SEARCHES))
def test_search(
    benchmark: Any,
    what: str,
    registry: Registry,
    patients: list[str],
    haplotypes: dict[str, demo.Haplotypes],
    frequency_sets: FrequencySets,
    settings: Settings,
    about: dict[str, Any],
) -> None:
    probabilities, limit = _SEARCHES[what]
    searched = patients[: settings.ranked_patients]
    populations = sorted(haplotypes)
    clock = Clock()

    def search(number: int, limit: int | None) -> Hits:
        given: dict[str, Any] = {}
        if probabilities:
            own = frequency_sets.choose(populations[number % len(populations)])  # the populations take turns
            given = {"frequencies": frequency_sets, "patient_frequencies": own}
        return registry.search(
            searched[number], "10/10", max_mismatches=2, limit=limit, threads=settings.threads, **given
        )

    counts = []
    for number in range(len(searched)):
        everything = search(number, None)
        counts.append(everything.total)
        if limit is not None:
            assert search(number, limit).donor_ids.equals(everything.donor_ids.slice(0, limit))
        del everything
    timed: Callable[[int, int | None], Hits] = clock.timed(search)

    def all_patients() -> None:
        for number in range(len(searched)):
            timed(number, limit)

    benchmark.group = "search with probabilities"
    benchmark.pedantic(all_patients, rounds=settings.rounds)
    seconds = np.array(clock.seconds).reshape(-1, len(searched))
    benchmark.extra_info.update(
        {
            "work": "ranked search",
            "what": what,
            "engine": "allomatch",
            **about,
            "threads": settings.threads,
            "patients": len(searched),
            "hits_median": float(np.median(counts)),
            "hits_most": max(counts),
            "hits": counts,
            "patient_median_s": np.median(seconds, axis=0).round(7).tolist(),
            **clock.summary(),
        }
    )
