"""The core's search lists exactly the donors that the oracle's brute force lists, in the same order with the same counts.

What: random registries, filled through every form of input, and random requests; the same under every kernel, each in
a process of its own, as `ALLOMATCH_ISA` is read once; registries that are large enough for levels of trie nodes, for
many blocks and for work shared among threads. Why: the trie, the overlap tables, the kernels and the paging are all
ways of not looking at every donor, and each could miss one.

Run as a script this file is the process that answers under a kernel: `answer_all` of the cases in a JSON file. It is long
because that process and the tests must mean the same by a case.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import allomatch
import reference.match
import reference.search
from allomatch import Nomenclature, Registry, _core
from allomatch.search import COUNTS
from reference.match import NullPolicy, Profile
from reference.match import match_locus as true_match_locus
from reference.names import DRB345
from reference.nomenclature import LOCI, Release, TwoField
from reference.phenotype import Phenotype
from reference.phenotype import Typing as OracleTyping
from reference.search import PRESETS, Direction
from reference.truth import has_releases, needs_data
from strategies import (
    UNTYPED,
    Chooser,
    Drawn,
    Seeded,
    Typing,
    TypingDraw,
    gl_string,
    oracle_phenotype,
    oracle_release,
    oracle_two_field,
    vocabularies,
    with_genes_once,
)

Person = dict[str, Typing]
Answer = dict[str, Any]  # of one request: total, counts and hits, or the error

ARROW_FORMS = ("gl", "gl_dictionary", "pairs", "pairs_dictionary", "pairs_large", "gl_batches")
FORMS = (*ARROW_FORMS, "pairs_pandas", "gl_pandas", "pairs_polars", "gl_polars", "pairs_duckdb", "gl_duckdb")
KERNELS: list[str] = _core.supported_kernels()
DIRECTIONS: tuple[Direction, ...] = ("both", "gvh", "hvg")
POLICIES: tuple[NullPolicy, ...] = ("explicit", "possible")
PROFILES: tuple[Profile, ...] = ("standard", "standard", "atlas")


@pytest.fixture(autouse=True)
def _remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oracle remembers pairs of typings, as the registries are full of equal ones; its rules are as they were."""
    monkeypatch.setattr(reference.match, "match_locus", lru_cache(maxsize=200_000)(true_match_locus))


# Every registry file is synced to the disk, which takes longer than all the rest: these are made in memory, if possible.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


@pytest.fixture
def scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield Path(folder)


# ---- drawing ----------------------------------------------------------------------------------------------------------------


def draw_id(chooser: Chooser, number: int) -> str:
    """Ids whose bytewise order is not that of numbers, of letters, of UTF-16 or of their length."""
    kind = chooser.number(0, 9)
    if kind < 5:
        return f"D{number}"
    if kind == 5:
        return f"BE0000000000{number:03}"
    return chooser.pick(["d", "É", "\uffee", "\U0001f9ec", " D", "BE00000", "D\x7f", "Z" * 50]) + str(number)


def draw_case(chooser: Chooser, label: str, requests: int, forms: tuple[str, ...] = FORMS, most: int = 60) -> Answer:
    """A registry and requests to it, as JSON.

    Typings are drawn from a pool a locus: a small one gives donors of equal phenotypes, a large one distinct donors.
    """
    nomenclature = oracle_nomenclature(label)
    words = vocabularies(nomenclature)
    form = chooser.pick(forms)
    typed = sorted({chooser.pick(LOCI) for _ in range(chooser.pick([1, 2, 3, 5, 11, 30]))}, key=LOCI.index)
    pool_size = chooser.pick([1, 2, 3, 6, 20])
    # Rejected by a registry that was made for the release, otherwise kept as untyped.
    unknowns = chooser.number(0, 2) == 0
    pools: dict[str, list[Typing]] = {}
    for locus in typed:
        drawn = [TypingDraw(words[locus], unknowns).typing(chooser) for _ in range(pool_size)]
        pools[locus] = [typing[:1] for typing in drawn] if form.startswith("pairs") else drawn
    donors: list[list[Any]] = []
    # Assigning typings one by one would be too many draws for hypothesis: they follow from one seed.
    assigned = Seeded(chooser.number(0, 10_000))
    few_typed = chooser.number(0, 4) == 0
    for number in range(chooser.number(0, most)):
        person = {locus: assigned.pick(pools[locus]) for locus in typed if not (few_typed and assigned.number(0, 1))}
        donors.append([draw_id(assigned, number), with_genes_once(person)])
    return {
        "nomenclature": label,
        "policy": chooser.pick(POLICIES),
        "profile": chooser.pick(PROFILES),
        "form": form,
        "strict": chooser.number(0, 1) == 1,
        "adds": chooser.number(1, 2),
        "donors": donors,
        "requests": [draw_request(chooser, words, pools) for _ in range(requests)],
    }


def draw_request(chooser: Chooser, words: dict[str, Any], pools: dict[str, list[Typing]]) -> Answer:
    kind = chooser.number(0, 5)
    if kind == 0:
        loci: str | list[str] = chooser.pick(sorted(PRESETS))
    else:
        # Mostly loci that donors are typed at.
        from_pools = [locus for locus in pools if chooser.number(0, 3) > 0]
        others = [chooser.pick(LOCI) for _ in range(chooser.pick([0, 0, 0, 1, 2]))]
        loci = list(dict.fromkeys([*from_pools, *others])) or [next(iter(pools))]
        if chooser.number(0, 1):
            loci.reverse()
    named = PRESETS[loci] if isinstance(loci, str) else loci
    patient: Person = {}
    # A relative of the donors at most loci, so that there are hits.
    strangeness = chooser.pick([0, 1, 1, 3])
    for locus in named:
        if locus in pools and chooser.number(0, 5) >= strangeness:
            patient[locus] = chooser.pick(pools[locus])
        elif chooser.number(0, 2) > 0:
            patient[locus] = TypingDraw(words[locus], unknowns=chooser.number(0, 4) == 0).typing(chooser)
    limited = [locus for locus in named if chooser.number(0, 5) == 5]
    return {
        "patient": with_genes_once(patient),
        "loci": loci,
        "max_mismatches": chooser.number(0, 4),
        "per_locus": {locus: chooser.number(0, 2) for locus in limited},
        "direction": chooser.pick(DIRECTIONS),
        "threads": chooser.number(1, 2),
        "page": chooser.pick([1, 2, 3, 7, 100]),
    }


@st.composite
def cases(draw: st.DrawFn, label: str, requests: int = 1) -> Answer:
    return draw_case(Drawn(draw), label, requests)


# ---- the oracle's answers ---------------------------------------------------------------------------------------------------


def oracle_nomenclature(label: str) -> TwoField | Release:
    return oracle_two_field() if label == "two-field" else oracle_release()


@cache
def readable(typing: OracleTyping | None, label: str, profile: Profile = "standard") -> bool:
    """Whether the nomenclature knows some name of every position; all of each, by Atlas's rules."""
    try:
        reference.match.match_locus(typing, None, oracle_nomenclature(label), profile=profile)
    except ValueError:
        return False
    return True


def kept_donors(case: Answer) -> tuple[dict[str, Phenotype], dict[str, int]]:
    """What the registry holds: without unreadable donors if it is strict, otherwise with them untyped at that locus.

    And by locus the number of donors with an unreadable typing.
    """
    kept: dict[str, Phenotype] = {}
    unreadable: dict[str, int] = {}
    for donor_id, person in case["donors"]:
        label = case["nomenclature"]
        typings = oracle_phenotype(person).typings
        if case["strict"] and not all(readable(typing, label) for typing in typings.values()):
            continue
        bad = {locus for locus, typing in typings.items() if not readable(typing, label, case["profile"])}
        assert donor_id not in kept
        kept[donor_id] = Phenotype({locus: typing for locus, typing in typings.items() if locus not in bad})
        for locus in bad:
            unreadable[locus] = unreadable.get(locus, 0) + 1
    return kept, unreadable


def expected_answers(case: Answer) -> list[Answer]:
    donors, unreadable = kept_donors(case)
    label = case["nomenclature"]
    nomenclature = oracle_nomenclature(label)
    answers: list[Answer] = [{"unreadable": unreadable}]
    for request in case["requests"]:
        loci = PRESETS[request["loci"]] if isinstance(request["loci"], str) else request["loci"]
        patient = oracle_phenotype(request["patient"])
        if not all(readable(patient.typing(locus), label, case["profile"]) for locus in loci):
            answers.append({"error": "TypingError"})
            continue
        hits = reference.search.search(
            patient,
            donors,
            nomenclature,
            loci,
            request["max_mismatches"],
            request["per_locus"],
            request["direction"],
            case["policy"],
            case["profile"],
        )
        by_mismatches = [sum(hit.mismatches == k for hit in hits) for k in range(request["max_mismatches"] + 1)]
        listed = [
            [
                hit.donor_id,
                list(vars(hit.match.total).values()),
                [[c.least, c.greatest] for c in hit.match.loci.values()],
            ]
            for hit in hits
        ]
        answers.append({"total": len(hits), "counts": by_mismatches, "hits": listed})
    return answers


# ---- the core's answers -----------------------------------------------------------------------------------------------------


def donor_table(form: str, donors: list[list[Any]]) -> Any:
    """A table of donors in one of `FORMS`."""
    columns: dict[str, list[str | None]] = {"donor_id": [donor_id for donor_id, _ in donors]}
    if form.startswith("gl"):
        # Blank and null mean the same: nothing typed.
        columns["gl"] = [gl_string(person) or (None if i % 2 else "") for i, (_, person) in enumerate(donors)]
    else:
        loci = [locus for locus in LOCI if any(locus in person for _, person in donors)] or ["A"]
        for locus in loci:
            pairs = [person.get(locus) or [("", "")] for _, person in donors]
            for side in (0, 1):
                texts = [pair[0][side] for pair in pairs]
                columns[f"{locus}_{side + 1}"] = [t or ("", " ", None)[i % 3] for i, t in enumerate(texts)]
    kind = pa.large_string() if form.endswith("large") else pa.string()
    table = pa.table({name: pa.array(values, kind) for name, values in columns.items()})
    if form.endswith("dictionary"):
        for i, name in enumerate(table.column_names[1:], start=1):
            table = table.set_column(i, name, table.column(name).combine_chunks().dictionary_encode())
    elif form.endswith("batches"):
        return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=7))
    elif form.endswith("pandas"):
        return table.to_pandas()
    elif form.endswith("polars"):
        import polars as pl

        return pl.from_arrow(table)
    elif form.endswith("duckdb"):
        import duckdb

        return duckdb.from_arrow(table)
    return table


def answers_of_core(case: Answer, folder: Path) -> list[Answer]:
    two_field = case["nomenclature"] == "two-field"
    nomenclature = Nomenclature.two_field() if two_field else core_release()
    path = folder / "donors.allo"
    made = Registry.create(path, nomenclature=nomenclature if case["strict"] else None, null_policy=case["policy"])
    donors = case["donors"]
    half = len(donors) // case["adds"]
    for part in [donors[:half], donors[half:]] if case["adds"] == 2 else [donors]:
        report = made.add(donor_table(case["form"], part), threads=case["adds"])
        assert report.added + report.rejected == len(part)
    validate = "full" if len(donors) % 2 else "header"
    read_by = None if two_field and len(donors) % 3 else nomenclature  # two-field is the default
    registry = Registry.open(
        path, nomenclature=read_by, null_policy=case["policy"], profile=case["profile"], validate=validate
    )
    path.unlink()
    unknown = registry.unknown_typings().group_by("locus").aggregate([("donors", "sum")])
    unreadable = dict(zip(unknown.column("locus").to_pylist(), unknown.column("donors_sum").to_pylist(), strict=True))
    return [{"unreadable": unreadable}, *(answer(registry, request) for request in case["requests"])]


@cache
def core_release() -> Nomenclature:
    return Nomenclature.load("3.58.0", path=os.environ["ALLOMATCH_DATA"])


def answer(registry: Registry, request: Answer) -> Answer:
    """The whole list, after a look whether the pages put together are the same."""
    searched = {
        "max_mismatches": request["max_mismatches"],
        "per_locus": request["per_locus"],
        "direction": request["direction"],
        "threads": request["threads"],
    }
    patient = gl_string({locus: tuple(map(tuple, typing)) for locus, typing in request["patient"].items()})
    try:
        hits = registry.search(patient, request["loci"], **searched)
    except allomatch.TypingError:
        return {"error": "TypingError"}
    listed = listed_hits(hits)
    page = request["page"]
    for offset in range(0, hits.total + page, page):
        some = registry.search(patient, request["loci"], **searched, limit=page, offset=offset)
        assert listed_hits(some) == listed[offset : offset + page]
        assert (some.total, some.counts) == (hits.total, hits.counts)
        if offset > 10 * page:
            break
    rest = registry.search(patient, request["loci"], **searched, offset=len(listed) // 2)
    assert listed_hits(rest) == listed[len(listed) // 2 :]
    if listed:
        # A hit explains itself by a comparison of its own.
        last = hits[-1]
        assert [last.donor_id, [getattr(last.match, name) for name in COUNTS]] == listed[-1][:2]
    assert list(hits.counts) == list(range(request["max_mismatches"] + 1))
    return {"total": hits.total, "counts": list(hits.counts.values()), "hits": listed}


def listed_hits(hits: allomatch.Hits) -> list[Any]:
    totals = np.column_stack([hits.count(name) for name in COUNTS])
    by_locus = [[hits.locus_count(locus, name) for name in ("mismatches", "greatest")] for locus in hits.loci]
    each = np.array(by_locus).transpose(2, 0, 1)
    return [[i, *counts] for i, *counts in zip(hits.donor_ids.to_pylist(), totals.tolist(), each.tolist(), strict=True)]


def first_difference(found: list[Answer], expected: list[Answer], case: Answer) -> str:
    """Where two lists of answers part, for people."""
    for request, a, b in zip(case["requests"], found[1:], expected[1:], strict=True):
        if a != b:
            gl = gl_string({locus: tuple(map(tuple, typing)) for locus, typing in request["patient"].items()})
            donors = {donor_id: gl_string(person) for donor_id, person in case["donors"]}
            return f"patient {gl}\nrequest {request}\ncore   {a}\noracle {b}\ndonors {donors}"
    return f"core {found[0]}\noracle {expected[0]}"


# ---- tests ------------------------------------------------------------------------------------------------------------------


def check(case: Answer) -> None:
    expected = expected_answers(case)
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        found = answers_of_core(case, Path(folder))
    assert found == expected, first_difference(found, expected, case)


@settings(max_examples=150)
@given(cases("two-field"))
def test_two_field(case: Answer) -> None:
    check(case)


@needs_data
def test_release(release: Nomenclature) -> None:
    @settings(max_examples=150)
    @given(cases("3.58.0"))
    def holds(case: Answer) -> None:
        check(case)

    holds()


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_input(form: str) -> None:
    for seed in range(3):
        check(draw_case(Seeded(seed), "two-field", 2, (form,)))


@needs_data
def test_unreadable_typings_explain_themselves(release: Nomenclature, scratch: Path) -> None:
    """A donor that a search lists as untyped is explained as untyped."""
    registry = Registry.create(scratch / "donors.allo")
    # One position that nobody can read makes all of the typing untyped, also where the other one mismatches.
    registry.add(pa.table({"donor_id": ["D1", "D2", "D3"], "gl": ["A*98:01+A*01:01", "A*03:01+A*98:01", "A*03:01"]}))
    hits = Registry.open(scratch / "donors.allo", nomenclature=release).search("A*01:01", ["A"])
    assert hits.donor_ids.to_pylist() == ["D1", "D2"]
    assert (hits.mismatches.tolist(), hits.greatest.tolist()) == ([0, 0], [2, 2])
    assert hits.explain(0)
    assert hits.explain(1)


CASES_A_KERNEL = 180


@cache
def fixed_cases() -> list[Answer]:
    labels = ["two-field", "two-field", "3.58.0"] if has_releases("3.58.0") else ["two-field"]
    return [draw_case(Seeded(s), labels[s % len(labels)], 2, ARROW_FORMS) for s in range(CASES_A_KERNEL)]


@cache
def expected_of_fixed_cases() -> list[list[Answer]]:
    return [expected_answers(case) for case in fixed_cases()]


def run_under(kernel: str, job: Answer, folder: Path) -> Any:
    """What `main` of this file answers to a job in a process that runs a kernel."""
    question = folder / "question.json"
    question.write_text(json.dumps(job), encoding="utf-8")
    environment = {**os.environ, "ALLOMATCH_ISA": kernel, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, __file__, str(question), str(folder / "answer.json")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    answered = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    assert answered["kernel"] == kernel
    return answered["answers"]


@pytest.mark.parametrize("kernel", KERNELS)
def test_every_kernel(kernel: str, scratch: Path) -> None:
    expected = expected_of_fixed_cases()
    found = run_under(kernel, {"cases": fixed_cases()}, scratch)
    for case, a, b in zip(fixed_cases(), found, expected, strict=True):
        assert a == b, first_difference(a, b, case)


def test_the_fixed_cases_are_worth_running() -> None:
    """Chance could leave out what they are for."""
    answers = [each for answers in expected_of_fixed_cases() for each in answers[1:]]
    assert sum("error" in each for each in answers) > 3 or not has_releases("3.58.0")
    totals = [each["total"] for each in answers if "error" not in each]
    assert sum(total == 0 for total in totals) > 10
    assert sum(total > 5 for total in totals) > 100
    least = [hit[1] for each in answers if "error" not in each for hit in each["hits"]]
    # Hits of every budget, and counts that are certain, ambiguous, and different by direction.
    assert {counts[0] for counts in least} >= {0, 1, 2, 3, 4}
    assert sum(counts[0] < counts[1] for counts in least) > 700
    assert sum(counts[0] == counts[1] for counts in least) > 100
    assert sum(counts[2] != counts[4] for counts in least) > 100


# ---- large registries -------------------------------------------------------------------------------------------------------


class Large:
    """A registry of `donors` rows whose typings come from a pool a locus; the oracle counts each typing of a pool once."""

    def __init__(self, seed: int, donors: int, pools: dict[str, list[Typing]], people: int = 0) -> None:
        chance = np.random.default_rng(seed)
        self.pools = pools
        # Squared, so that some typings are frequent and others rare, as in life.
        self.typing = {
            locus: (len(pool) * chance.random(donors) ** 1.5).astype(np.int32) for locus, pool in pools.items()
        }
        self.ids = np.array([f"R{number:07}" for number in chance.permutation(donors)])
        if people:
            # Few people, many of them there several times, and some nearly so.
            person = chance.integers(0, people, donors)
            for locus in pools:
                changed = chance.random(donors) < 0.02
                self.typing[locus] = np.where(changed, self.typing[locus], self.typing[locus][person])

    def phenotypes(self) -> int:
        """Number of donors that differ in meaning."""
        columns = []
        for locus, pool in self.pools.items():
            meanings = [frozenset(map(frozenset, self._positions(locus, typing))) for typing in pool]
            number = {each: i for i, each in enumerate(dict.fromkeys(meanings))}
            columns.append(np.array([number[each] for each in meanings])[self.typing[locus]])
        return len(np.unique(np.column_stack(columns), axis=0))

    @staticmethod
    def _positions(locus: str, typing: Typing) -> list[frozenset[Any]]:
        read = oracle_phenotype({locus: typing}).typing(locus)
        return [frozenset(position) for position in read.genotypes[0]] if read else []

    def table(self) -> pa.Table:
        columns: dict[str, Any] = {"donor_id": pa.array(self.ids)}
        for locus, pool in self.pools.items():
            for side in (0, 1):
                texts = pa.array([typing[0][side] if typing else "" for typing in pool])
                columns[f"{locus}_{side + 1}"] = pa.DictionaryArray.from_arrays(pa.array(self.typing[locus]), texts)
        return pa.table(columns)

    def digest(self, request: Answer) -> list[Any]:
        """Number of hits and digest of the list, by the definition: count every donor, keep, sort."""
        donor_counts = []
        whole = oracle_phenotype(request["patient"])
        for locus in request["loci"]:
            patient = whole.typing(locus)
            if locus in self.pools:
                rows = [self._oracle(locus, patient, typing) for typing in self.pools[locus]]
                donor_counts.append(np.array(rows, np.uint8)[self.typing[locus]])
            else:
                row = np.array(self._oracle(locus, patient, UNTYPED), np.uint8)
                donor_counts.append(np.tile(row, (len(self.ids), 1)))
        return digest_of(self.ids, np.stack(donor_counts, axis=1), request)

    @staticmethod
    def _oracle(locus: str, patient: Any, typing: Typing) -> list[int]:
        donor = oracle_phenotype({locus: typing}).typing(locus)
        return list(vars(reference.match.match_locus(patient, donor, oracle_two_field())).values())


def digest_of(ids: npt.NDArray[Any], counts: npt.NDArray[np.uint8], request: Answer) -> list[Any]:
    """Of all donors' counts (donor, locus, count): who is a hit, in order, and a digest of ids and counts."""
    searched = 2 * DIRECTIONS.index(request["direction"])
    totals = counts.sum(axis=1, dtype=np.uint8)
    limits = [request["per_locus"].get(locus, 2) for locus in request["loci"]]
    hit = (totals[:, searched] <= request["max_mismatches"]) & (counts[:, :, searched] <= limits).all(axis=1)
    rows = np.flatnonzero(hit)
    rows = rows[np.lexsort((ids[rows], totals[rows, searched + 1], totals[rows, searched]))]
    return [len(rows), sha256("\n".join(ids[rows]).encode(), totals[rows].tobytes(), counts[rows, :, :2].tobytes())]


def sha256(*pieces: bytes) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def answer_large(job: Answer) -> Answer:
    """Builds the registry anew with the kernel's checksums, and answers every request with 1, 2 and 3 threads."""
    path = Path(job["path"])
    with pa.memory_map(job["table"]) as file:
        table = pa.ipc.open_file(file).read_all()
    Registry.create(path).add(table, threads=job["threads"])
    registry = Registry.open(path, validate="full")
    answers = []
    for request in job["requests"]:
        digests = []
        for threads in (1, 2, 3):
            hits = registry.search(
                gl_string({locus: tuple(map(tuple, typing)) for locus, typing in request["patient"].items()}),
                request["loci"],
                max_mismatches=request["max_mismatches"],
                per_locus=request["per_locus"],
                direction=request["direction"],
                threads=threads,
            )
            totals = np.column_stack([hits.count(name) for name in COUNTS])
            by_locus = [[hits.locus_count(locus, name) for name in ("mismatches", "greatest")] for locus in hits.loci]
            each = np.ascontiguousarray(np.array(by_locus).transpose(2, 0, 1))
            text = "\n".join(hits.donor_ids.to_pylist()).encode()
            digests.append([hits.total, sha256(text, totals.tobytes(), each.tobytes())])
        answers.append(digests)
    info = registry.info()
    return {
        "levels": info["trie_node_levels"],
        "phenotypes": info["phenotypes"],
        "file": sha256(path.read_bytes()),
        "requests": answers,
    }


def large_requests(chooser: Chooser, large: Large, count: int) -> list[Answer]:
    pools = large.pools
    requests = []
    for number in range(count):
        # All loci in any order, some of them, and one that nobody is typed at.
        loci = [locus for locus in pools if number % 2 == 0 or chooser.number(0, 1)] or [chooser.pick(list(pools))]
        if chooser.number(0, 2) == 0 and "DPA1" not in loci:
            loci.append("DPA1")
        patient = {locus: chooser.pick(pools[locus]) for locus in loci if locus in pools and chooser.number(0, 5)}
        if number % 3 == 0:
            donor = chooser.number(0, len(large.ids) - 1)
            patient = {locus: pools[locus][large.typing[locus][donor]] for locus in loci if locus in pools}
        requests.append(
            {
                "patient": patient,
                "loci": loci[:: chooser.pick([1, -1])],
                "max_mismatches": number % 5,
                "per_locus": {locus: chooser.number(0, 2) for locus in loci if chooser.number(0, 3) == 0},
                "direction": DIRECTIONS[number % 3] if number % 4 else "both",
            }
        )
    return requests


def typing_pool(locus: str, size: int, seed: int, first_fields: int = 12) -> list[Typing]:
    """Typings of one genotype: mostly plain alleles, and a share of every other form."""
    chooser = Seeded(seed)
    draw = TypingDraw(vocabularies(oracle_two_field())[locus])
    pool: list[Typing] = []
    for number in range(size):
        # Of unlike genes: of one, it would have to be the typing of that gene too.
        genes = ("DRB3*", "DRB4*") if locus == DRB345 else ("", "")
        alleles = [f"{gene}{chooser.number(1, first_fields):02}:{chooser.number(1, 9):02}" for gene in genes]
        drawn = draw.typing(chooser)[:1] if number % 6 == 5 else ((alleles[0], alleles[1]),)
        pool.append(tuple((first, "DRBX*NNNN") for first, _ in drawn) if locus == DRB345 and number % 6 == 5 else drawn)
    return pool


FEW_ALLELES = "two levels of five loci"
LARGE: dict[str, tuple[int, dict[str, int], int, int]] = {
    # Donors, sizes of the pools, number of people that most donors are copies of, levels of trie nodes that follow.
    "two levels": (20_000, {"A": 30, "B": 30, "DRB1": 20}, 0, 2),
    # As in a registry of many millions: nodes of two loci, and three loci in the rows below them.
    FEW_ALLELES: (20_000, {"A": 40, "B": 40, "C": 30, "DRB1": 40, "DQB1": 12}, 0, 2),
    # More nodes below the top than a thread is given at once, and more than a block.
    "many nodes": (110_000, {"A": 190, "B": 180, "DRB1": 8}, 0, 2),
    "four levels": (25_000, {"A": 12, "B": 10, "C": 8, "DRB1": 6, "DQB1": 4}, 0, 4),
    "one level": (20_000, {"A": 300, "B": 300, "C": 250, "DRB1": 250, "DQB1": 20}, 0, 1),
    "one locus": (20_000, {"A": 500}, 0, 0),
    # More typings than rows are sorted by at once.
    "all loci": (5_000, dict.fromkeys(LOCI, 70), 300, 3),
}


@pytest.mark.parametrize("name", LARGE)
def test_large_registries(name: str, scratch: Path) -> None:
    donors, sizes, people, levels = LARGE[name]
    # Few alleles: most donors share one with the patient at a locus, so that mismatches come one by one.
    first_fields = 1 if name == FEW_ALLELES else 12
    pools = {locus: typing_pool(locus, size, seed, first_fields) for seed, (locus, size) in enumerate(sizes.items())}
    large = Large(7, donors, pools, people)
    requests = large_requests(Seeded(11), large, 12)
    expected = [large.digest(request) for request in requests]
    assert sum(count > 0 for count, _ in expected) > 3
    check_large(large.table(), requests, expected, (levels, large.phenotypes()), scratch)


def check_large(
    table: pa.Table, requests: list[Answer], expected: list[list[Any]], size: tuple[int, int], folder: Path
) -> None:
    """Every kernel and number of threads gives the expected digests, and the same file."""
    with pa.OSFile(str(folder / "table.arrow"), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    files = set()
    for number, kernel in enumerate(KERNELS):
        job = {
            "path": str(folder / f"{kernel}.allo"),
            "table": str(folder / "table.arrow"),
            "threads": number + 1,
            "requests": requests,
        }
        found = run_under(kernel, job, folder)
        assert (found["levels"], found["phenotypes"]) == size
        for request, a, b in zip(requests, found["requests"], expected, strict=True):
            assert a == [b] * 3, (kernel, request)
        files.add(found["file"])
    assert len(files) == 1


def test_more_phenotypes_than_a_slice(scratch: Path) -> None:
    """No level of nodes and so many phenotypes that threads share them out; counted here by the rule itself."""
    donors = 140_000
    chance = np.random.default_rng(3)
    # Two positions of 700 alleles each at A: nearly every donor has a typing of its own.
    number = {"A": chance.integers(0, 700, (donors, 2)), "B": chance.integers(0, 5, (donors, 2))}
    names = pa.array([f"{field // 90 + 1:02}:{field % 90 + 10}" for field in range(700)])
    ids = np.array([f"R{i:07}" for i in chance.permutation(donors)])
    columns: dict[str, Any] = {"donor_id": pa.array(ids)}
    for locus, pair in number.items():
        for side in (0, 1):
            indices = pa.array(pair[:, side].astype(np.int32))
            columns[f"{locus}_{side + 1}"] = pa.DictionaryArray.from_arrays(indices, names)
    requests = []
    expected = []
    for row, (budget, direction) in enumerate([(0, "both"), (1, "both"), (1, "gvh"), (2, "hvg"), (3, "both")]):
        patient = {locus: pair[row] for locus, pair in number.items()}
        loci = ["A", "B"] if row % 2 else ["B", "A"]
        texts = {locus: ((str(names[int(a)]), str(names[int(b)])),) for locus, (a, b) in patient.items()}
        request = {
            "patient": texts,
            "loci": loci,
            "max_mismatches": budget,
            "per_locus": {"B": 0} if row == 3 else {},
            "direction": direction,
        }
        counts = np.stack([plain_counts(patient[locus], number[locus]) for locus in loci], axis=1)
        requests.append(request)
        expected.append(digest_of(ids, counts, request))
        for sample in chance.integers(0, donors, 50):
            for place, locus in enumerate(loci):
                a, b = number[locus][sample]
                typing: Typing = ((str(names[int(a)]), str(names[int(b)])),)
                patient_typing = oracle_phenotype(texts).typing(locus)
                assert counts[sample, place].tolist() == Large._oracle(locus, patient_typing, typing)
    whole = np.column_stack([np.sort(pair, axis=1) for pair in number.values()])
    check_large(pa.table(columns), requests, expected, (0, len(np.unique(whole, axis=0))), scratch)


def plain_counts(patient: npt.NDArray[Any], donors: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """The six counts of known genotypes, shape (donor, count)."""
    p1, p2 = patient
    d1, d2 = donors.T
    direct = (p1 == d1).astype(int) + (p2 == d2)
    crossed = (p1 == d2).astype(int) + (p2 == d1)
    both = 2 - np.maximum(direct, crossed)
    gvh = ((p1 != d1) & (p1 != d2)).astype(int) + ((p2 != p1) & (p2 != d1) & (p2 != d2))
    hvg = ((d1 != p1) & (d1 != p2)).astype(int) + ((d2 != d1) & (d2 != p1) & (d2 != p2))
    return np.column_stack([both, both, gvh, gvh, hvg, hvg]).astype(np.uint8)


def main(question: str, answer_path: str) -> None:
    job = json.loads(Path(question).read_text(encoding="utf-8"))
    if "cases" in job:
        with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
            answers: Any = [answers_of_core(case, Path(folder)) for case in job["cases"]]
    else:
        answers = answer_large(job)
    found = {"kernel": _core.active_kernel(), "answers": answers}
    Path(answer_path).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
