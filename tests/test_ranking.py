"""Searches with probabilities: values are those of `predict`, order is the oracle's, a page is the same as all and then cut.

What: small registries of mixed resolution, drawn from a small set; the default policy and others; frequency sets chosen donor by
donor; probabilities of all hits and of the best n; categories; policies as data. Why: the best n are found without
predicting what cannot reach them, and that must not change the answer.
"""

from __future__ import annotations

import json
import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import allomatch as am
from allomatch.ranking import DEFAULT_KEYS
from reference.ranking import PatientFactors, Ranked, ranked

NOM = am.Nomenclature.two_field()
LOCI = ["A", "B", "DRB1"]
NAMES = {
    "A": ["01:01", "02:01", "02:05", "03:01", "01:11N"],
    "B": ["07:02", "08:01", "44:02"],
    "DRB1": ["03:01", "04:01"],
}
# The oracle's names of the keys.
ORACLE_KEYS = {
    "at_most_0": ["p0"],
    "at_most_1": ["p1"],
    "at_most_2": ["p2"],
    "mismatches": ["potential"],
    "greatest": [],
    "b_leader": ["leader"],
}


def drawn_set(seed: int, **labels: str) -> am.HaplotypeFrequencies:
    rng = random.Random(seed)
    rows = {"A": [], "B": [], "DRB1": [], "frequency": []}
    for _ in range(25):
        for locus in LOCI:
            rows[locus].append(f"{locus}*{rng.choice(NAMES[locus])}")
        rows["frequency"].append(rng.random() ** 4)
    total = sum(rows["frequency"])
    rows["frequency"] = [f / total for f in rows["frequency"]]
    return am.HaplotypeFrequencies.from_arrow(pa.table(rows), population=f"set {seed}", **labels)


def drawn_position(rng: random.Random, locus: str) -> str:
    name = rng.choice(NAMES[locus])
    kind = rng.random()
    if kind < 0.5:
        return f"{locus}*{name}"
    if kind < 0.75:
        return f"{locus}*{name.split(':')[0]}:XX"
    return "/".join(sorted({f"{locus}*{name}", f"{locus}*{rng.choice(NAMES[locus])}"}))


def drawn_donors(seed: int, n: int) -> pa.Table:
    rng = random.Random(seed)
    rows: dict[str, list[object]] = {
        name: [] for name in ("donor_id", "gl", "birth_year", "sex", "cmv", "abo", "ethnicity")
    }
    for i in range(n):
        typed = [locus for locus in LOCI if rng.random() < 0.85] or ["A"]
        rows["gl"].append("^".join("+".join(drawn_position(rng, locus) for _ in range(2)) for locus in typed))
        rows["donor_id"].append(f"D{rng.randrange(10**6):06d}-{i}")
        rows["birth_year"].append(rng.choice([1980, 1990, None]))
        rows["sex"].append(rng.choice(["M", "F", None]))
        rows["cmv"].append(rng.choice(["P", "N", None, *"GMBHOQU", "positive"]))
        rows["abo"].append(rng.choice(["A", "O", None]))
        rows["ethnicity"].append(rng.choice(["x", "y", None]))
    return pa.table(rows)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> am.Registry:
    path = tmp_path_factory.mktemp("ranking") / "small.allo"
    return am.Registry.build(path, drawn_donors(5, 300), nomenclature=NOM)[0]


@pytest.fixture(scope="module")
def donors() -> dict[str, dict[str, object]]:
    return {row["donor_id"]: row for row in drawn_donors(5, 300).to_pylist()}


PATIENTS = [
    "A*01:01+A*02:01^B*07:02+B*08:01^DRB1*03:01+DRB1*04:01",
    "A*02:01+A*02:01^B*44:02+B*44:02^DRB1*03:01+DRB1*03:01",
    "A*02:XX+A*03:01^B*07:02+B*44:02^DRB1*03:01+DRB1*04:01",
    "A*01:11N+A*02:01^B*07:02+B*08:01",
]


def oracle_order(hits: am.Hits, donors: dict[str, dict[str, object]], patient: str, policy: list[str]) -> list[str]:
    """The order of all hits by the oracle, from the comparison and prediction of each pair."""
    cau = drawn_set(1)
    entries = []
    for donor_id in hits.donor_ids.to_pylist():
        row = donors[donor_id]
        compared = am.match(patient, str(row["gl"]), NOM, LOCI)
        likely = am.predict(patient, str(row["gl"]), cau, NOM, LOCI)
        detail = am.match(patient, str(row["gl"]), NOM, [*LOCI, "DPB1"])
        leader = detail["B"].leader
        mismatched = None if leader is None else leader.mismatched
        entries.append(
            Ranked(
                donor_id,
                compared.mismatches,
                compared.greatest,
                None if likely.p_mismatches is None else tuple(Fraction(float(p)) for p in likely.p_mismatches),
                tuple(grade for locus in LOCI for grade in detail[locus].grades),
                detail["DPB1"].tce.verdict if detail["DPB1"].tce is not None else "unknown",
                None if mismatched is None or None in mismatched else mismatched[0] == mismatched[1],
                mismatched is not None,
                {name: row[name] for name in ("birth_year", "cmv", "abo", "sex") if row[name] is not None},
            )
        )
    return [entry.donor_id for entry in ranked(entries, PatientFactors(cmv="N", abo="O"), policy)]


@pytest.mark.parametrize("patient", PATIENTS)
@pytest.mark.parametrize("keys", [DEFAULT_KEYS, ("age", "at_most_1", "sex"), ("cmv", "abo", "grades")], ids=" ".join)
def test_order_is_the_oracles(
    registry: am.Registry, donors: dict[str, dict[str, object]], patient: str, keys: tuple[str, ...]
) -> None:
    policy = am.RankingPolicy(keys=keys)
    factors = am.PatientFactors(cmv="N", abo="O")
    hits = registry.search(
        patient, LOCI, max_mismatches=4, frequencies=drawn_set(1), ranking=policy, patient_factors=factors
    )
    assert hits.total > 50
    of_oracle = [name for key in keys for name in ORACLE_KEYS.get(key, [key])]
    assert hits.donor_ids.to_pylist() == oracle_order(hits, donors, patient, of_oracle)


@pytest.mark.parametrize("patient", PATIENTS)
def test_probabilities_are_those_of_the_pair(
    registry: am.Registry, donors: dict[str, dict[str, object]], patient: str
) -> None:
    cau = drawn_set(1)
    hits = registry.search(patient, LOCI, max_mismatches=2, frequencies=cau)
    table = hits.to_arrow().to_pylist()
    assert len(table) == hits.total > 10
    for row, hit in zip(table, hits, strict=True):
        likely = am.predict(patient, str(donors[row["donor_id"]]["gl"]), cau, NOM, LOCI)
        if likely.p_mismatches is None:
            assert row["p0"] is None
            assert hit.p_mismatches is None
            continue
        assert [row[f"p{k}"] for k in range(7)] == pytest.approx(likely.p_mismatches.tolist(), rel=1e-12, abs=1e-15)
        for locus in LOCI:
            assert [row[f"p{k}_{locus}"] for k in range(3)] == pytest.approx(
                likely[locus].p.tolist(), rel=1e-12, abs=1e-15
            )
        assert hit.p_mismatches == tuple(row[f"p{k}"] for k in range(7))
        assert f"{hit.p_mismatches[0]:.4f}" in hit.explain()
        assert row["likelihood"] == hit.likelihood == hits.policy.likelihood(row["p0"], row["mismatches"])
        assert row["frequencies"] == "set 1"


@pytest.mark.parametrize("patient", PATIENTS)
def test_positions_are_those_of_the_pair(
    registry: am.Registry, donors: dict[str, dict[str, object]], patient: str
) -> None:
    cau = drawn_set(1)
    found = registry.search(patient, LOCI, max_mismatches=2, frequencies=cau).position_probabilities().to_pylist()
    assert len(found) > 10
    for row in found:
        likely = am.predict(patient, str(donors[row["donor_id"]]["gl"]), cau, NOM, LOCI)
        if likely.p_mismatches is None:
            assert row["A_patient_1"] is None
            continue
        for locus in LOCI:
            for who, chances in (
                ("patient", likely[locus].patient_positions),
                ("donor", likely[locus].donor_positions),
            ):
                assert [row[f"{locus}_{who}_{k}"] for k in (1, 2)] == chances.tolist()


def test_positions_need_frequencies(registry: am.Registry) -> None:
    with pytest.raises(am.ArgumentError, match="search with frequencies"):
        registry.search(PATIENTS[0], LOCI).position_probabilities()


@pytest.mark.parametrize("patient", PATIENTS)
@pytest.mark.parametrize("direction", ["both", "gvh", "hvg"])
def test_a_page_is_a_part_of_the_whole(registry: am.Registry, patient: str, direction: str) -> None:
    arguments = {"max_mismatches": 4, "frequencies": drawn_set(1), "direction": direction}
    whole = registry.search(patient, LOCI, **arguments).to_arrow()
    for offset, limit in ((0, 1), (0, 7), (3, 20), (0, 100), (250, 100), (0, 0), (10**9, 5)):
        page = registry.search(patient, LOCI, **arguments, offset=offset, limit=limit).to_arrow()
        assert page.equals(whole.slice(offset, limit)), (offset, limit)


def test_each_donor_has_the_set_of_its_people(registry: am.Registry, donors: dict[str, dict[str, object]]) -> None:
    sets = am.FrequencySets([drawn_set(1, ethnicity="x"), drawn_set(2, ethnicity="y")], default=drawn_set(3))
    hits = registry.search(PATIENTS[2], LOCI, max_mismatches=3, frequencies=sets)
    seen = set()
    for row in hits.to_arrow().to_pylist():
        donor = donors[row["donor_id"]]
        of_donor = sets.choose(ethnicity=donor["ethnicity"])
        assert row["frequencies"] == of_donor.population
        likely = am.predict(PATIENTS[2], str(donor["gl"]), drawn_set(3), NOM, LOCI, donor_frequencies=of_donor)
        if likely.p_mismatches is None:
            assert row["p0"] is None
        else:
            assert row["p0"] == pytest.approx(likely.p_mismatches[0], rel=1e-12, abs=1e-15)
        seen.add(of_donor.population)
    assert seen == {"set 1", "set 2", "set 3"}
    mixed = registry.search(
        PATIENTS[2], LOCI, max_mismatches=3, frequencies=sets, patient_frequencies=(drawn_set(1), drawn_set(2))
    )
    assert mixed.predictions is not None
    assert mixed.predictions.patient_population == "set 1 x set 2"


def test_loci_without_frequencies_are_ignored(registry: am.Registry) -> None:
    hits = registry.search(PATIENTS[0], LOCI, max_mismatches=2, frequencies=drawn_set(1).project(["A", "B"]), limit=3)
    assert hits.predictions is not None
    assert (hits.predictions.loci, hits.predictions.ignored) == (("A", "B"), ("DRB1",))
    assert hits.predictions.overall.shape == (3, 5)


def test_a_ranking_needs_no_frequencies(registry: am.Registry) -> None:
    youngest = am.RankingPolicy(keys=("age",), name="youngest")
    hits = registry.search(PATIENTS[0], LOCI, max_mismatches=4, ranking=youngest)
    years = hits.to_arrow()["birth_year"].to_pylist()
    assert years == sorted(years, key=lambda year: -(year or 0))
    assert hits.predictions is None
    assert "ranking youngest, by age" in hits.explain(0)
    assert "p0" not in hits.to_arrow().column_names


def test_nobody_is_found(registry: am.Registry) -> None:
    hits = registry.search(
        PATIENTS[0], LOCI, max_mismatches=4, where="birth_year > 2000", frequencies=drawn_set(1), limit=10
    )
    assert (hits.total, len(hits), hits.to_arrow().num_rows) == (0, 0, 0)


def test_an_unrepresented_patient_has_a_list_all_the_same(registry: am.Registry) -> None:
    only = am.HaplotypeFrequencies.from_arrow(
        pa.table({"A": ["A*03:01"], "B": ["B*07:02"], "DRB1": ["DRB1*04:01"], "frequency": [1.0]}), population="one"
    )
    hits = registry.search(PATIENTS[2], LOCI, max_mismatches=2, frequencies=only)
    assert hits.predictions is not None
    assert not hits.predictions.patient_represented
    assert np.isnan(hits.predictions.overall).all()
    assert set(hits.likelihoods.to_pylist()) == {"possible match", "unlikely match"}
    assert hits.mismatches.tolist() == sorted(hits.mismatches.tolist())
    assert "no probabilities" in hits.explain(0)


def test_policies_are_data() -> None:
    policy = am.RankingPolicy(keys=("sex", "age"), probable=0.9, unlikely=0.1, name="mine")
    assert am.RankingPolicy.from_json(policy.to_json()) == policy
    assert am.RankingPolicy.from_dict({}) == am.RankingPolicy()
    assert json.loads(policy.to_json())["keys"] == ["sex", "age"]
    assert [policy.likelihood(p, 0) for p in (0.9, 0.89, 0.1, 0.09)] == [
        "probable match",
        "possible match",
        "possible match",
        "unlikely match",
    ]
    assert [policy.likelihood(None, k) for k in (0, 1)] == ["possible match", "unlikely match"]
    for bad in ({"keys": ["beauty"]}, {"keys": ["age", "age"]}, {"probable": 0.1, "unlikely": 0.2}, {"colour": 1}):
        with pytest.raises(am.ArgumentError):
            am.RankingPolicy.from_dict(bad)
    for text in ("{", "[]"):
        with pytest.raises(am.ArgumentError):
            am.RankingPolicy.from_json(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"keys": 5}',
        '{"keys": null}',
        '{"keys": "age"}',
        '{"keys": {"age": 1}}',
        '{"keys": [["age"]]}',
        '{"keys": [1]}',
        '{"probable": "0.9"}',
        '{"probable": null}',
        '{"probable": true}',
        '{"unlikely": []}',
        '{"unlikely": NaN}',
        '{"name": 5}',
        '{"name": null}',
        b"\xff",
    ],
    ids=str,
)
def test_policies_that_people_edited_wrongly(text: str | bytes) -> None:
    with pytest.raises(am.ArgumentError):
        am.RankingPolicy.from_json(text)  # type: ignore[arg-type]


def test_keys_may_be_a_list_and_stay_as_they_are() -> None:
    keys = ["age", "sex"]
    policy = am.RankingPolicy(keys=keys)  # type: ignore[arg-type]
    keys.append("beauty")
    assert policy == am.RankingPolicy(keys=("age", "sex"))
    assert hash(policy) == hash(am.RankingPolicy(keys=("age", "sex")))


def test_a_ranking_and_factors_must_be_such(registry: am.Registry) -> None:
    for ranking in ("age", {"keys": ["age"]}, 5):
        with pytest.raises(am.ArgumentError, match="RankingPolicy is needed"):
            registry.search(PATIENTS[0], LOCI, ranking=ranking)  # type: ignore[arg-type]
    with pytest.raises(am.ArgumentError, match="PatientFactors is needed"):
        registry.search(PATIENTS[0], LOCI, patient_factors={"cmv": "P"})  # type: ignore[arg-type]
    for name, value in (("cmv", "positive"), ("cmv", 1), ("abo", "0"), ("abo", "a")):
        with pytest.raises(am.ArgumentError, match=f"{name} is {value!r}"):
            am.PatientFactors(**{name: value})  # type: ignore[arg-type]


def test_frequencies_must_be_frequencies(registry: am.Registry, tmp_path: Path) -> None:
    with pytest.raises(am.ArgumentError, match="HaplotypeFrequencies or FrequencySets are needed"):
        registry.search(PATIENTS[0], LOCI, frequencies=str(tmp_path))  # type: ignore[arg-type]
    with pytest.raises(am.ArgumentError, match="none of those searched"):
        registry.search(PATIENTS[0], ["DRB1"], frequencies=drawn_set(1).project(["A"]))


def test_an_empty_set_of_the_patient_is_not_passed_over(registry: am.Registry) -> None:
    empty = am.HaplotypeFrequencies.from_arrow(drawn_set(1).to_arrow().slice(0, 0), population="empty")
    patient = PATIENTS[2]
    hits = registry.search(patient, LOCI, max_mismatches=2, frequencies=drawn_set(1), patient_frequencies=empty)
    assert hits.predictions is not None
    assert (hits.predictions.patient_population, hits.predictions.patient_represented) == ("empty", False)
    assert np.isnan(hits.predictions.overall).all()


def test_words_name_no_mismatch_where_there_is_none(registry: am.Registry) -> None:
    # The sums' rounding leaves a little less than 1 at B.
    freqs = am.HaplotypeFrequencies.from_arrow(
        pa.table({"A": ["01:01", "02:01", "02:05"], "B": ["08:01", "07:02", "07:02"], "frequency": [0.5, 0.3, 0.1]}),
        "X",
    )
    person = "A*01:01+A*02:XX^B*08:01+B*07:02"
    found = am.predict(person, person, freqs, NOM, ["A", "B"])
    assert found["B"].p[0] < 1
    at_a, at_b = found.explain().splitlines()[1:]
    assert "the donor's position 2 most likely" in at_a
    assert at_b == "  B: matched with probability 1.0000"
    alone = am.predict("A*01:01+A*02:01", "A*01:01+A*02:01", freqs, NOM, ["A", "B"])
    assert "B: matched with probability" in alone.explain()


def test_a_hit_says_whose_frequencies_stood_for_whom_and_where_they_are_silent(registry: am.Registry) -> None:
    mine, theirs = drawn_set(1), drawn_set(2).project(["A", "B"])
    hits = registry.search(PATIENTS[0], LOCI, max_mismatches=2, frequencies=theirs, patient_frequencies=mine, limit=3)
    for hit in hits:
        assert (hit.patient_population, hit.population, hit.ignored) == ("set 1", "set 2", ("DRB1",))
        text = hit.explain()
        assert "(frequencies of set 1 for the patient and set 2 for the donor)" in text
        assert "the frequencies say nothing of DRB1" in text
    plain = registry.search(PATIENTS[0], LOCI, max_mismatches=2, limit=1)[0]
    assert (plain.patient_population, plain.ignored) == (None, ())


def test_a_patient_without_a_set_is_told_how_to_give_one(registry: am.Registry) -> None:
    sets = am.FrequencySets([drawn_set(1, ethnicity="x"), drawn_set(2, ethnicity="y")])
    with pytest.raises(am.ArgumentError, match=r"no frequency set for everyone; .*patient_frequencies="):
        registry.search(PATIENTS[0], LOCI, frequencies=sets)
