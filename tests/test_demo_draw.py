"""The demo registry is what its benchmarks and examples take it for.

What: the shipped tables (sums, size, names), the mixture of resolutions of drawn donors, that every text still stands
for the allele drawn, and determinism. Invariants: shares are checked at 200,000 donors with a tolerance of more than
five standard deviations, on a fixed seed, so a failure is a change and not bad luck. Why here: every search benchmark
draws its donors from this module; a silent change of the mixture would pass for a change of speed.
"""

from __future__ import annotations

import csv
import gzip
import importlib.util
import os
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from allomatch import demo

ROOT = Path(__file__).resolve().parents[1]
SHIPPED = Path(demo.__file__).resolve().parent / "demo_data"
N = 200_000
TWO_FIELD = re.compile(r"(A|B|C|DRB1|DQB1)\*\d+:\d+[NLSCAQ]?")
TEXT_COLUMNS = [f"{locus}_{position}" for locus in demo.LOCI for position in (1, 2)]


def draw(n: int, haplotypes: dict[str, demo.Haplotypes], **options: Any) -> pa.Table:
    options = {"seed": 7, **options}
    return pa.Table.from_batches(list(demo.draw_donors(haplotypes, n, **options)), schema=demo.DONOR_SCHEMA)


def resolution(text: str) -> str:
    if text.endswith(":XX"):
        return "first field"
    if "/" in text or text.endswith("G"):
        return "ambiguous"
    return "two-field"


@pytest.fixture(scope="module")
def haplotypes() -> dict[str, demo.Haplotypes]:
    return demo.load_haplotypes()


@pytest.fixture(scope="module")
def donors(haplotypes: dict[str, demo.Haplotypes]) -> pa.Table:
    return draw(N, haplotypes)


@pytest.fixture(scope="module")
def data() -> Path:
    folder = os.environ.get("ALLOMATCH_DATA")
    if not folder:
        pytest.skip("needs ALLOMATCH_DATA: run `allomatch nomenclature install 3.58.0` (also 3.50.0, 3.33.0)")
    return Path(folder)


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    path = ROOT / "tools" / "make_demo_frequencies.py"
    spec = importlib.util.spec_from_file_location("make_demo_frequencies", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def shipped_rows() -> Iterator[dict[str, str]]:
    with gzip.open(SHIPPED / "frequencies.csv.gz", "rt", encoding="ascii", newline="") as stream:
        yield from csv.DictReader(stream)


class TestShippedTables:
    def test_frequencies_sum_to_exactly_one(self) -> None:
        sums: dict[str, Decimal] = {}
        for row in shipped_rows():
            assert Decimal(row["frequency"]) > 0
            sums[row["population"]] = sums.get(row["population"], Decimal(0)) + Decimal(row["frequency"])
        assert sums == dict.fromkeys(("CAU", "AFA", "HIS", "API", "NAM"), Decimal(1))

    def test_size_and_names(self) -> None:
        assert sum(path.stat().st_size for path in SHIPPED.iterdir() if path.is_file()) <= 500_000
        assert (SHIPPED / "frequencies.csv.gz").read_bytes()[4:8] == bytes(4), "gzip carries a time stamp"
        for row in shipped_rows():
            for locus in demo.LOCI:
                assert TWO_FIELD.fullmatch(row[locus])
                assert row[locus].startswith(f"{locus}*")

    def test_g_groups_contain_their_alleles_in_every_release(self, data: Path, tool: ModuleType) -> None:
        with (SHIPPED / "g_groups.csv").open(encoding="ascii", newline="") as stream:
            rows = [(row["allele"], row["g_group"]) for row in csv.DictReader(stream)]
        assert 50 <= len(rows) <= 150
        for release in ("3.58.0", "3.50.0", "3.33.0"):
            groups = tool.g_groups(data, release)
            assert [row for row in rows if row[1] not in groups.get(row[0], ())] == []

    def test_the_tool_makes_the_shipped_bytes(self, data: Path, tool: ModuleType, tmp_path: Path) -> None:
        tool.make(data, tmp_path, 0.95)
        for path in tmp_path.iterdir():
            assert path.read_bytes() == (SHIPPED / path.name).read_bytes(), path.name


class TestLoadHaplotypes:
    def test_shipped(self, haplotypes: dict[str, demo.Haplotypes]) -> None:
        assert list(haplotypes) == ["AFA", "API", "CAU", "HIS", "NAM"]
        for population, table in haplotypes.items():
            assert table.population == population
            assert table.codes.shape == (len(table), len(demo.LOCI))
            assert abs(table.frequencies.sum() - 1) < 1e-12
            assert (np.diff(table.frequencies) <= 0).all()
            assert table.dropped_mass == 0
            assert not table.frequencies.flags.writeable
        # The commonest European haplotype is known to everyone in the field.
        assert haplotypes["CAU"].names(0) == ("A*01:01", "B*08:01", "C*07:01", "DRB1*03:01", "DQB1*02:01")

    def test_known_drops_and_reports(self, haplotypes: dict[str, demo.Haplotypes]) -> None:
        before = haplotypes["CAU"]
        mass = before.frequencies[[before.names(i)[1] == "B*08:01" for i in range(len(before))]].sum()
        after = demo.load_haplotypes(known=lambda name: name != "B*08:01")["CAU"]
        assert after.dropped_names == ("B*08:01",)
        assert after.dropped_mass == pytest.approx(mass)
        assert "B*08:01" not in {name for i in range(len(after)) for name in after.names(i)}
        assert "B*08:01" not in after.companions["B*08"]
        assert after.frequencies.sum() == pytest.approx(1)

    def test_a_folder_sums_out_further_loci(self, tmp_path: Path) -> None:
        write_population(
            tmp_path,
            "ONE",
            "A*01:01,C*07:01,B*08:01,DRB3*01:01,DRB1*03:01,DQB1*02:01,0.25,1",
            "A*01:01,C*07:01,B*08:01,DRB3*02:02,DRB1*03:01,DQB1*02:01,0.5,1",
            "A*02:01,C*07:01,B*08:01,DRB3*02:02,DRB1*03:01,DQB1*02:01,2.5E-1,1",
            "A*03:01,C*07:01,B*08:01,DRB3*02:02,DRB1*03:01,DQB1*02:01,0,0",
        )
        table = demo.load_haplotypes(tmp_path)["ONE"]
        assert [table.names(i)[0] for i in range(len(table))] == ["A*01:01", "A*02:01"]
        assert table.frequencies.tolist() == [0.75, 0.25]

    @pytest.mark.parametrize("frequency", ["-0.1", "", "nan", "x"])
    def test_a_bad_frequency_names_the_file(self, tmp_path: Path, frequency: str) -> None:
        row = f"A*01:01,C*07:01,B*08:01,DRB3*01:01,DRB1*03:01,DQB1*02:01,{frequency},1"
        write_population(tmp_path, "BAD", row)
        with pytest.raises(ValueError, match=r"BAD\.csv\.gz"):
            demo.load_haplotypes(tmp_path)

    def test_a_bad_name_names_the_column(self, tmp_path: Path) -> None:
        write_population(tmp_path, "BAD", "A*01:01,C*07:01,Bw4,DRB3*01:01,DRB1*03:01,DQB1*02:01,1,1")
        with pytest.raises(ValueError, match=r"'Bw4' in column B"):
            demo.load_haplotypes(tmp_path)

    def test_nothing_there(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError, match="haplotypes"):
            demo.load_haplotypes(tmp_path)

    def test_full_files(self, data: Path) -> None:
        full = demo.load_haplotypes(data)
        assert list(full) == ["AFA", "API", "CAU", "HIS", "NAM"]
        assert len(full["CAU"]) == 266_308
        assert all(abs(table.total - 1) < 1e-4 for table in full.values())
        assert len(draw(1000, full)) == 1000


def write_population(folder: Path, population: str, *rows: str) -> None:
    (folder / "haplotypes").mkdir(exist_ok=True)
    with gzip.open(folder / "haplotypes" / f"{population}.csv.gz", "wt", encoding="ascii") as stream:
        stream.write("\n".join(["A,C,B,DRB3/4/5,DRB1,DQB1,frequency,count", *rows, ""]))


class TestDonors:
    def test_schema_and_validity(self, donors: pa.Table) -> None:
        donors.validate(full=True)
        assert donors.schema == demo.DONOR_SCHEMA
        assert donors.num_rows == N

    def test_ids_are_unique(self, donors: pa.Table) -> None:
        ids = donors["donor_id"].to_pylist()
        assert len(set(ids)) == N
        assert all(re.fullmatch(r"[A-Z]{2}\d{8}", donor_id) for donor_id in ids[:1000])
        assert [int(donor_id[2:]) for donor_id in ids[-3:]] == [N - 2, N - 1, N]

    def test_shares_of_the_mixture(self, donors: pa.Table) -> None:
        rows = donors.select(["A_1", "A_2", "B_1", "DRB1_2"]).to_pylist()
        # At B no first field of the commoner populations is without a choice of strings; A*43 and the like have none.
        found = [resolution(row["B_1"]) for row in rows]
        for name, share in (("two-field", 0.45), ("ambiguous", 0.30), ("first field", 0.25)):
            assert found.count(name) / N == pytest.approx(share, abs=0.006)
        for row, kind in zip(rows[:20_000], found[:20_000], strict=True):
            kinds = {resolution(text) for text in row.values()}
            assert kinds == {kind} or kinds <= {"two-field", "ambiguous"}

    def test_untyped_loci(self, donors: pa.Table) -> None:
        for locus, share in (("A", 0.0), ("B", 0.0), ("DRB1", 0.0), ("C", 0.25), ("DQB1", 0.35)):
            first, second = (donors[f"{locus}_{position}"].is_null() for position in (1, 2))
            assert first.equals(second), f"{locus} is typed in one position only"
            assert first.to_numpy().mean() == pytest.approx(share, abs=0.006)
        both = np.logical_and(donors["C_1"].is_null().to_numpy(), donors["DQB1_1"].is_null().to_numpy())
        assert both.mean() == pytest.approx(0.25 * 0.35, abs=0.006)

    def test_every_text_stands_for_the_allele_drawn(self, haplotypes: dict[str, demo.Haplotypes]) -> None:
        """With one haplotype to draw, each position's allele is known."""
        names = ("A*02:01", "B*15:01", "C*07:02", "DRB1*04:01", "DQB1*03:02")
        only = demo.Haplotypes(
            population="ONE",
            alleles={locus: (name,) for locus, name in zip(demo.LOCI, names, strict=True)},
            codes=np.zeros((1, 5), dtype=np.int32),
            frequencies=np.ones(1),
            source="test",
            companions=haplotypes["CAU"].companions,
            g_groups=haplotypes["CAU"].g_groups,
        )
        table = draw(20_000, {"ONE": only}, mix={"ONE": 1.0})
        for locus, name in zip(demo.LOCI, names, strict=True):
            first = name.split(":")[0]
            texts = {text for position in (1, 2) for text in table[f"{locus}_{position}"].unique().to_pylist()} - {None}
            assert {name, f"{first}:XX", only.g_groups[name]} <= texts
            strings = [text for text in texts if "/" in text]
            assert 8 <= len(strings) <= 25
            for text in strings:
                members = text.split("/")
                assert name in members
                assert all(TWO_FIELD.fullmatch(member) and member.startswith(f"{first}:") for member in members)
                assert len(set(members)) == len(members)

    def test_texts_are_of_their_locus_and_first_field(self, donors: pa.Table) -> None:
        for column in TEXT_COLUMNS:
            locus = column[:-2]
            for text in donors[column].unique().to_pylist():
                if text is not None:
                    members = text.split("/")
                    assert all(member.startswith(f"{locus}*") for member in members)
                    assert len({member.split(":")[0] for member in members}) == 1

    def test_an_allele_without_companions(self) -> None:
        lonely = demo.Haplotypes(
            population="ONE",
            alleles={locus: (f"{locus}*99:01",) for locus in demo.LOCI},
            codes=np.zeros((1, 5), dtype=np.int32),
            frequencies=np.ones(1),
            source="test",
        )
        table = draw(2000, {"ONE": lonely}, mix={"ONE": 2.0})
        assert set(table["A_1"].to_pylist()) == {"A*99:01", "A*99:XX"}

    def test_attributes(self, donors: pa.Table) -> None:
        assert set(donors["sex"].unique().to_pylist()) == {"F", "M"}
        assert set(donors["cmv"].unique().to_pylist()) == {"P", "N", "U"}
        assert set(donors["abo"].unique().to_pylist()) == {"A", "B", "AB", "O"}
        assert set(donors["rh"].unique().to_pylist()) == {"P", "N"}
        ion = donors["ion"].to_numpy()
        assert ion.min() >= 1000
        assert ion.max() <= 9999
        cord = np.array(donors["donor_type"].to_pylist()) == "cord"
        assert cord.mean() == pytest.approx(0.02, abs=0.002)
        assert (np.array(donors["status"].to_pylist()) == "available").mean() > 0.9
        for dose, low, high in (("tnc_e7", 50, 400), ("cd34_e6", 0.2, 80)):
            assert (donors[dose].is_null().to_numpy() == ~cord).all()
            values = donors[dose].drop_null().to_numpy()
            assert low <= values.min()
            assert values.max() <= high
        years = donors["birth_year"].to_numpy()
        assert years[~cord].min() >= 1964
        assert years[~cord].max() <= 2006
        found = donors["ethnicity"].to_pylist()
        for population, share in demo.DEFAULT_MIX.items():
            assert found.count(population) / N == pytest.approx(share, abs=0.006)

    def test_haplotypes_are_drawn_by_their_frequency(self, haplotypes: dict[str, demo.Haplotypes]) -> None:
        """The allele frequencies of two-field donors are those of the table."""
        table = haplotypes["AFA"]
        donors = draw(N, haplotypes, mix={"AFA": 1.0})
        j = demo.LOCI.index("DRB1")
        expected = np.bincount(table.codes[:, j], weights=table.frequencies)
        texts = donors["DRB1_1"].to_pylist() + donors["DRB1_2"].to_pylist()
        own = [text for text in texts if resolution(text) == "two-field"]
        for code in np.argsort(-expected)[:10]:
            assert own.count(table.alleles["DRB1"][code]) / len(own) == pytest.approx(expected[code], abs=0.005)


class TestDeterminism:
    def test_batch_size_and_number_do_not_matter(self, haplotypes: dict[str, demo.Haplotypes]) -> None:
        whole = draw(150_000, haplotypes)
        for options in ({"batch_rows": 70_001}, {"batch_rows": 65_536}, {"batch_rows": 1_000_000}):
            assert draw(150_000, haplotypes, **options).equals(whole)
        assert draw(1234, haplotypes, batch_rows=100).equals(whole.slice(0, 1234))

    def test_seed_matters(self, haplotypes: dict[str, demo.Haplotypes]) -> None:
        assert draw(100, haplotypes, seed=1).to_pylist() == draw(100, haplotypes, seed=1).to_pylist()
        assert draw(100, haplotypes, seed=1).to_pylist() != draw(100, haplotypes, seed=2).to_pylist()

    def test_the_order_and_scale_of_the_mix_do_not_matter(self, haplotypes: dict[str, demo.Haplotypes]) -> None:
        one = draw(100, haplotypes, mix={"CAU": 0.75, "NAM": 0.25})
        assert one.to_pylist() == draw(100, haplotypes, mix={"NAM": 1, "CAU": 3, "API": 0}).to_pylist()

    def test_first_number_changes_ids_alone(self, haplotypes: dict[str, demo.Haplotypes]) -> None:
        one, two = draw(10, haplotypes), draw(10, haplotypes, first_number=5001)
        assert two["donor_id"][0].as_py()[2:] == "00005001"
        assert one.drop_columns(["donor_id"]).equals(two.drop_columns(["donor_id"]))

    def test_batches_share_dictionaries(self, haplotypes: dict[str, demo.Haplotypes]) -> None:
        first, *_, last = demo.draw_donors(haplotypes, 1000, seed=1, batch_rows=300)
        assert [first.num_rows, last.num_rows] == [300, 100]
        assert first["A_1"].dictionary.equals(first["A_2"].dictionary)
        assert first["A_1"].dictionary.equals(last["A_1"].dictionary)


class TestEdges:
    def test_none_and_one(self, haplotypes: dict[str, demo.Haplotypes]) -> None:
        assert list(demo.draw_donors(haplotypes, 0, seed=1)) == []
        assert draw(1, haplotypes).num_rows == 1
        assert demo.draw_patients(haplotypes, 0, seed=1).num_rows == 0
        assert demo.draw_patients(haplotypes, 1, seed=1).num_rows == 1

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"n": -1}, "n must be >= 0"),
            ({"batch_rows": 0}, "batch_rows >= 1"),
            ({"seed": -1}, "seed must be >= 0"),
            ({"mix": {}}, "the mix must hold"),
            ({"mix": {"CAU": -1.0}}, "the mix must hold"),
            ({"mix": {"CAU": float("nan")}}, "the mix must hold"),
            ({"mix": {"XYZ": 1.0}}, "population 'XYZ'"),
            ({"n": 100_000_000}, "range of donor ids"),
        ],
    )
    def test_errors_come_at_the_call(
        self, haplotypes: dict[str, demo.Haplotypes], options: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            demo.draw_donors(haplotypes, **{"n": 1, "seed": 1, **options})


class TestPatients:
    def test_gl_strings(self, haplotypes: dict[str, demo.Haplotypes]) -> None:
        patients = demo.draw_patients(haplotypes, 500, seed=3)
        assert patients.column_names == ["patient_id", "population", "gl"]
        assert len(set(patients["patient_id"].to_pylist())) == 500
        assert set(patients["population"].to_pylist()) == set(demo.DEFAULT_MIX)
        for gl in patients["gl"].to_pylist():
            loci = gl.split("^")
            assert [locus.split("*")[0] for locus in loci] == list(demo.LOCI)
            for locus in loci:
                positions = locus.split("+")
                assert len(positions) == 2
                assert all(TWO_FIELD.fullmatch(position) for position in positions)

    def test_populations_take_turns(self, haplotypes: dict[str, demo.Haplotypes]) -> None:
        patients = demo.draw_patients(haplotypes, 5, seed=3, populations=["NAM", "AFA"])
        assert patients["population"].to_pylist() == ["NAM", "AFA", "NAM", "AFA", "NAM"]
        names = {name for i in range(len(haplotypes["NAM"])) for name in haplotypes["NAM"].names(i)}
        assert set(re.split(r"[+^]", patients["gl"][0].as_py())) <= names

    def test_prefix_and_independence_of_donors(self, haplotypes: dict[str, demo.Haplotypes]) -> None:
        few = demo.draw_patients(haplotypes, 10, seed=3).to_pylist()
        assert few == demo.draw_patients(haplotypes, 70_000, seed=3).slice(0, 10).to_pylist()
        with pytest.raises(ValueError, match="populations is empty"):
            demo.draw_patients(haplotypes, 1, seed=3, populations=[])
