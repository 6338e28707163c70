"""The core against results that this project did not make: 400 imputed genotypes, and an engine's match probabilities.

The oracle is held to the same files (test_reference_imputation.py, test_reference_prediction.py) and the core to the oracle; here
nothing of ours stands between the core and what others found.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

import allomatch as am
from reference.truth import engine_cases, json_lines, needs_truth, truth_dir

LOCI = ("A", "B", "C", "DQB1", "DRB1")
CLOSE = {"rel": 1e-9}


def in_order(genotype: str) -> str:
    """A genotype with the alleles of each locus sorted, the loci too."""
    return "^".join(sorted("+".join(sorted(part.split("+"))) for part in genotype.split("^")))


def haplotype(text: str) -> str:
    return "~".join(sorted(text.split("~")))


@needs_truth
def test_400_genotypes() -> None:
    folder = truth_dir()
    assert folder is not None
    freqs = am.HaplotypeFrequencies.read(folder / "prediction" / "CAU_5locus_ge1e-6.freqs.gz", "CAU")
    nom = am.Nomenclature.two_field()
    rows = list(json_lines("prediction/exact_cau.jsonl.gz"))
    assert len(rows) == 400
    column = am.impute_table([row["gl"] for row in rows], freqs, nom, best=30).table.to_pylist()
    for row, mine in zip(rows, column, strict=True):
        assert mine["diplotype_count"] == row["n_pairs"], row["id"]
        assert mine["total"] == pytest.approx(row["total"], **CLOSE), row["id"]
        if row["n_pairs"] == 0:
            continue
        best = sorted((w for _, w in row["top_pairs"]), reverse=True)
        assert [pair["posterior"] * mine["total"] for pair in mine["diplotypes"]] == pytest.approx(best, **CLOSE)
        # Of equal weights either may be the thirtieth; those above are the same pairs.
        theirs = {
            frozenset(map(haplotype, pair.split(" "))) for pair, w in row["top_pairs"] if w > best[-1] * (1 + 1e-9)
        }
        ours = {frozenset({haplotype(pair["first"]), haplotype(pair["second"])}) for pair in mine["diplotypes"]}
        assert theirs <= ours, row["id"]
        one = am.impute(row["gl"], freqs, nom)
        genotypes = {in_order(each["genotype"]): each["weight"] for each in one.genotypes.to_pylist()}
        assert len(genotypes) == row["n_genotypes"], row["id"]
        for genotype, weight in row["top_genotypes"]:
            assert genotypes[in_order(genotype)] == pytest.approx(weight, **CLOSE), (row["id"], genotype)


def engine_set(haplotypes: list[Mapping[str, str]]) -> am.HaplotypeFrequencies:
    columns: dict[str, Any] = {locus: [f"{locus}*{row[locus].lstrip('*')}" for row in haplotypes] for locus in LOCI}
    columns["frequency"] = [float(row["frequency"]) for row in haplotypes]
    return am.HaplotypeFrequencies.from_arrow(pa.table(columns), population="engine")


@needs_truth
@pytest.mark.parametrize("release", ["3.33.0", "3.58.0"])
def test_match_probabilities_of_an_engine(release: str) -> None:
    nom = am.Nomenclature.load(release)
    seen = 0
    for case in engine_cases("mpa_probability"):
        asked = [locus for locus in LOCI if locus not in case["excluded_loci"]]
        # Loci left out are no evidence there (docs/science.md); so here they are left untyped.
        people = [
            am.Phenotype(
                {
                    locus: [(text or "").lstrip("*") for text in case[who][locus]]
                    for locus in asked
                    if locus in case[who]
                }
            )
            for who in ("patient", "donor")
        ]
        found = am.predict(
            people[0],
            people[1],
            engine_set(case["hf_sets"]["patient"]),
            nom,
            asked,
            donor_frequencies=engine_set(case["hf_sets"]["donor"]),
        )
        expected = case["expected"]
        if "all_probabilities_null" in expected:
            assert found.p_mismatches is None, case["id"]
            assert (not found.patient_represented, not found.donor_represented) == (
                expected["is_patient_unrepresented"],
                expected["is_donor_unrepresented"],
            )
            seen += 1
            continue
        assert found.p_mismatches is not None, case["id"]
        for k, value in expected.get("decimal", {}).items():
            assert found.p_mismatches[int(k)] == pytest.approx(float(Decimal(value)), **CLOSE), case["id"]
        for locus, values in expected.get("per_locus_decimal", {}).items():
            for k, value in values.items():
                assert found[locus].p[int(k)] == pytest.approx(float(Decimal(value)), **CLOSE), (case["id"], locus)
        # Whole percents: a half is rounded either way, and a double may stand on either side of it.
        for k, percent in expected.get("percent", {}).items():
            assert abs(100 * found.p_mismatches[int(k)] - percent) <= 0.5 + 1e-9, case["id"]
        for locus, values in expected.get("per_locus_percent", {}).items():
            for k in range(3):
                assert abs(100 * found[locus].p[k] - values[str(k)]) <= 0.5 + 1e-9, (case["id"], locus)
        if "overall_match_count" in expected:
            assert found.p_mismatches[10 - expected["overall_match_count"]] == pytest.approx(1.0), case["id"]
        if "loci_reported" in expected:
            assert sorted(found.loci) == sorted(expected["loci_reported"]), case["id"]
        seen += 1
    assert seen == 33
