"""The smallest end-to-end check; CI also runs it against the built wheel."""

import pyarrow as pa

import allomatch as am
from allomatch import _core


def test_extension_and_package_have_one_version() -> None:
    from importlib.metadata import version

    assert am.__version__ == _core.__version__ == version("allomatch")


def test_from_a_table_to_a_match_list(tmp_path) -> None:
    table = pa.table(
        {
            "donor_id": ["D1", "D2", "D3"],
            "A_1": ["01:01", "01:01", "24:02"],
            "A_2": ["02:01", "02:XX", "24:02"],
            "birth_year": [1990, 2000, None],
        }
    )
    report = am.Registry.create(tmp_path / "home.allo").add(table)
    assert (report.added, report.rejected) == (3, 0)
    hits = am.Registry.open(tmp_path / "home.allo", validate="full").search("A*01:01+A*02:01", ["A"], max_mismatches=1)
    assert hits.to_arrow().select(["donor_id", "mismatches", "greatest", "birth_year"]).to_pydict() == {
        "donor_id": ["D1", "D2"],
        "mismatches": [0, 0],
        "greatest": [0, 1],
        "birth_year": [1990, 2000],
    }


def test_the_demo_data_is_in_the_package() -> None:
    from allomatch import demo

    assert set(demo.load_haplotypes()) == {"CAU", "AFA", "HIS", "API", "NAM"}
