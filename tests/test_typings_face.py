"""Every form of a typing, seen from the face: names, columns of names, warnings, releases side by side, serology beside DNA."""

import stat
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pytest

import allomatch as am
from allomatch.registry import WARNING_SCHEMA
from reference.truth import existing_data_dir, needs_data, needs_older_releases


@pytest.fixture(scope="module")
def newest() -> am.Nomenclature:
    return am.Nomenclature.load("3.58.0")


@needs_data
def test_one_name(newest: am.Nomenclature) -> None:
    assert newest.reduce("A*01:01:01:02N", "g") == "A*01:01g"  # a null of the G group A*01:01:01G
    assert newest.reduce("A*01:11N", "g") == "A*01:11N"
    assert newest.reduce("B*15:01", "serology") == "B62"
    assert newest.serology("A*24:03") == ["A2403"]
    assert newest.serology("A*01:11N") == newest.serology("A*02:NEW") == newest.serology("DRB3*NNNN") == []
    assert newest.reduce("A*02:01/24:03", "serology") == "A2/A2403"
    gl = "A*01:01:01:01/01:02/24:02+A*02:01^B*07:02"
    assert newest.reduce(gl, "ard") == "A*01:01P/A*01:02P/A*24:02P+A*02:01P^B*07:02P+B*07:02P"
    assert newest.current_name("A*02:01:08") == "A*02:1040"
    assert newest.current_name("Cw*0702") == "C*07:02"
    assert "A*01:01:01:02N" in newest.group_members("A*01:01g")
    assert "A*01:01:01:02N" not in newest.group_members("A*01:01P")
    assert newest.is_null("DRBX*NNNN")
    for text, code in (("A*0201", 220), ("A*01:34N", 221), ("A*02:01", None)):
        assert [warning.code for warning in newest.warnings(text)] == ([] if code is None else [code])


@needs_older_releases
def test_an_allele_that_an_older_file_of_p_groups_leaves_out_is_in_the_group_of_its_protein() -> None:
    older = am.Nomenclature.load("3.33.0", path=existing_data_dir())
    for name in ("B*40:01", "C*02:02", "DQB1*06:02"):
        assert older.reduce(name, "ard") == f"{name}P"
        locus = name.partition("*")[0]
        assert am.match(f"{name}+{name}", f"{name}+{name}", older, [locus]).greatest == 0


@pytest.mark.parametrize(
    "several", ["A*01:01/02", "A*01:01+A*02:01", "A*01:01^B*07:02", "A*01:01~B*07:02", "A*01:01|A2"]
)
def test_several_names_are_not_one(several: str) -> None:
    nomenclature = am.Nomenclature.two_field()
    for ask in (nomenclature.expand, nomenclature.is_null, nomenclature.current_name, nomenclature.serology):
        with pytest.raises(am.TypingError, match="several names; give one"):
            ask(several)


@needs_data
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("A*02:ZZZZZZ", "the list of allele codes beside IPD-IMGT/HLA 3.58.0 has no ZZZZZZ"),
        ("A*68:AA", "AA"),
        ("A99", "no such antigen"),
        ("A*99:NEW", "no such first field"),
        ("A*2401", "no such allele"),  # deleted, and nothing came after it
        ("A*02:01:01:9999", "no such allele"),  # good fields do not excuse a bad one
        ("A*99:99g", "no such small g group"),
    ],
)
def test_unknown_names_name_the_value_and_the_release(newest: am.Nomenclature, name: str, words: str) -> None:
    if name == "A*68:AA":
        assert newest.expand(name)  # generic codes go with any first field
        return
    with pytest.raises(am.TypingError, match=r"3\.58\.0") as raised:
        newest.expand(name)
    assert words in str(raised.value)
    assert raised.value.code == 202


def test_without_a_file_of_codes_the_error_says_how_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("ALLOMATCH_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    nomenclature = am.Nomenclature.two_field()
    assert not nomenclature.has_macs
    with pytest.raises(am.TypingError, match="install-macs"):
        nomenclature.reduce("A*02:GFJM", "ard")


def test_antigens_without_data_stand_for_first_fields() -> None:
    nomenclature = am.Nomenclature.two_field()
    patient = "A*23:01+A*24:02"
    assert am.match(patient, "A9+A9", nomenclature, ["A"]).mismatches == 0
    assert am.match(patient, "A9+A10", nomenclature, ["A"]).mismatches == 1
    assert am.match(patient, "A23+A24", nomenclature, ["A"])["A"].category == "potential"
    with pytest.raises(am.TypingError, match="no such antigen"):
        am.match(patient, "A99+A9", nomenclature, ["A"])


@needs_data
def test_columns_of_names_and_gl_strings(newest: am.Nomenclature) -> None:
    texts = ["A*01:01:01:01", "A*01:01:01:01", None, "", "x", "A*02:01:01:01+HLA-A*01:01:01:01^B7+B*07:02", "A*99:99"]
    for column in (texts, pa.array(texts), pa.chunked_array([texts[:2], texts[2:]]), pl.Series(texts)):
        reduced = newest.reduce_column(column, "two-field")
        values = reduced.values.to_pylist()
        assert values[:5] == ["A*01:01", "A*01:01", None, None, None]
        assert values[5].startswith("A*01:01+A*02:01^B*07:02+B*07:02/")
        assert values[6] is None
        assert reduced.errors["row"].to_pylist() == [4, 6]
        assert reduced.errors["code"].to_pylist() == [200, 202]
    encoded = pa.array(texts).dictionary_encode()
    assert newest.reduce_column(encoded, "ard", threads=1).values.to_pylist()[0] == "A*01:01P"
    assert newest.reduce_column([], "ard").values.to_pylist() == []
    for level in am.nomenclature.LEVELS:
        one = newest.reduce_column(["B*15:01:01:01"], level).values.to_pylist()
        assert one == [newest.reduce("B*15:01:01:01", level)], level
    for bad in (5, [1, 2], "A*01:01"):
        with pytest.raises(am.ArgumentError):
            newest.reduce_column(bad, "ard")


def _reduced_alone(nomenclature: am.Nomenclature, text: str) -> tuple[str | None, int | None]:
    try:
        return nomenclature.reduce(text, "P"), None
    except am.TypingError as error:
        return None, error.code


@needs_data
@pytest.mark.parametrize("threads", [1, 2])
def test_a_long_column_is_what_its_texts_are_alone(newest: am.Nomenclature, threads: int) -> None:
    """Texts are reduced some thousand at once, with positions in common; the bad ones among them are errors of their own."""
    random = np.random.default_rng(7)
    good = {
        "A": ["A*01:01:01:01", "A*02:01:01:01/A*02:05", "A*02:XX", "A*01:01:01G", "A*24:02/23", "A2"],
        "B": ["B*07:02", "B*08:01:01", "B*44:02P", "B7", "B*15:01/15:02N"],
        "DRB3": ["DRB3*01:01", "DRB3*02:02"],
    }
    bad = ["A*99:99", "B*7:02", "A*01:01+A*02:01+A*03:01", "C"]

    def part(locus: str) -> str:
        def position() -> str:
            return str(random.choice(bad if random.random() < 0.02 else good[locus]))

        genotypes = [f"{position()}+{position()}" for _ in range(1 + int(random.random() < 0.2))]
        return "|".join(genotypes)

    texts = [f"{part('B')}^{part('A')}" + (f"^{part('DRB3')}" if i % 3 else "") for i in range(3000)]
    texts[5:5] = ["A*01:01", "A*99:99", "B*07:02~A*01:01+B*08:01~A*02:01", "A*01:01+A*02:01|"]
    reduced = newest.reduce_column(texts, "P", threads=threads)
    expected = [_reduced_alone(newest, text) for text in texts]
    assert reduced.values.to_pylist() == [value for value, _ in expected]
    codes = {text: code for text, (_, code) in zip(texts, expected, strict=True) if code is not None}
    assert set(codes) == {text for text in texts if any(name in text for name in bad) or text.endswith("|")}
    assert 100 < len(codes) < 1000
    assert dict(zip(reduced.errors["value"].to_pylist(), reduced.errors["code"].to_pylist(), strict=True)) == codes
    assert codes[texts[8]] == 200  # a genotype is missing


@needs_data
def test_the_binary_form_of_a_release(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    names = ["A*02:01", "B*15:XX", "A*01:01:01G", "DRB1*04:01P", "A2", "A*0201", "DQB1*06:02g", "A*01:34N"]
    first = am.Nomenclature.load("3.58.0")
    (kept,) = (tmp_path / "allomatch" / "compiled").glob("*.nom")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    again = am.Nomenclature.load("3.58.0")
    assert first.allele_count == again.allele_count
    for name in names:
        for level in am.nomenclature.LEVELS:
            assert first.reduce(name, level) == again.reduce(name, level)
    content = kept.read_bytes()
    for damaged in (content[: len(content) // 2], content[:-1] + b"\0\0", b"", content[:100] + b"?" + content[101:]):
        kept.write_bytes(damaged)
        assert am.Nomenclature.load("3.58.0").reduce("A*02:01:01:01", "P") == "A*02:01P"
        assert kept.read_bytes() == content  # written anew
    kept.unlink()
    kept.parent.chmod(0o500)
    assert am.Nomenclature.load("3.58.0").reduce("A*02:01:01:01", "P") == "A*02:01P"
    kept.parent.chmod(0o700)


def test_the_binary_form_of_the_allele_codes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("ALLOMATCH_DATA", str(tmp_path))
    text = tmp_path / "mac" / "numer.v3.txt"
    text.parent.mkdir()
    text.write_text("AB\t01/02\n")

    def alleles(name: str = "A*01:AB") -> list[str]:
        return am.Nomenclature.two_field().expand(name)

    assert alleles() == ["A*01:01", "A*01:02"]
    (kept,) = (tmp_path / "cache" / "allomatch" / "compiled").glob("*.mac")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    content = kept.read_bytes()
    assert len(content) == 16 + 12 + 9  # head, one entry, the text
    for damaged in (content[:-1], b"", content[:20] + b"?" + content[21:]):
        kept.unlink()
        kept.write_bytes(damaged)
        am.nomenclature._read_macs.cache_clear()
        assert alleles() == ["A*01:01", "A*01:02"]
        assert kept.read_bytes() == content  # written anew
    # Another list has a form of its own, and is read at once.
    text.write_text("AB\t01/02/03\n")
    assert alleles() == ["A*01:01", "A*01:02", "A*01:03"]
    # The form is what is read where there is one.
    text.write_text("CD\t01/02\n")
    assert alleles("A*01:CD") == ["A*01:01", "A*01:02"]
    am.nomenclature._read_macs.cache_clear()
    monkeypatch.setattr("allomatch.nomenclature.mac_text", lambda path: pytest.fail(f"{path} is read again"))
    assert alleles("A*01:CD") == ["A*01:01", "A*01:02"]


@needs_older_releases
def test_another_release_over_the_same_registry(tmp_path: Path) -> None:
    new, old = am.Nomenclature.load("3.58.0"), am.Nomenclature.load("3.33.0")
    table = pa.table(
        {
            "donor_id": ["known", "newer"],
            "gl": ["A*02:01+A*01:01^B*07:02+B*08:01", "A*02:1040+A*01:01^B*07:02+B*08:01"],
        }
    )
    path = tmp_path / "two.allo"
    am.Registry.build(path, table, nomenclature=new)
    patient = "A*02:1040+A*01:01^B*07:02+B*08:01"
    hits = am.Registry.open(path, nomenclature=new).search(patient, ["A", "B"], max_mismatches=1)
    assert hits.donor_ids.to_pylist() == ["known", "newer"]  # one P group
    assert hits.unread_loci.to_pylist() == [None, None]
    assert "unread_loci" not in hits.to_arrow().column_names
    registry = am.Registry.open(path, nomenclature=old)
    hits = registry.search("A*02:01+A*01:01^B*07:02+B*08:01", ["A", "B"])
    assert hits.donor_ids.to_pylist() == ["known", "newer"]
    assert hits.to_arrow()["unread_loci"].to_pylist() == [None, "A"]
    assert hits.to_arrow()["greatest"].to_pylist() == [0, 2]
    assert registry.unknown_typings().to_pylist() == [{"locus": "A", "typing": "A*01:01+A*02:1040", "donors": 1}]
    # The flag is on each hit, in words too, and also where the locus is not searched.
    for loci in (["A", "B"], ["B"]):
        known, newer = registry.search("A*02:01+A*01:01^B*07:02+B*08:01", loci)
        assert (known.unread, newer.unread) == ((), ("A",))
        assert "3.33.0 cannot read the typing at A, which counts as untyped" in newer.explain()
        assert "cannot read" not in known.explain()


@needs_data
def test_warnings_of_rows_that_go_in(newest: am.Nomenclature, tmp_path: Path) -> None:
    gl = [
        "A*0201+A*01:01",
        "A*0201+A*0201",
        "A*01:34N+A*02:01",
        "A*02:01/A*99:99+A*01:01|A*02:01+A*03:01",
        "A*01:01~B*07:02+A*02:01~B*08:01",
        "A*02:17:01",
        "A*02:01/A*99:98+A*02:01/A*99:98",
    ]
    registry = am.Registry.create(tmp_path / "w.allo", nomenclature=newest)
    report = registry.add(pa.table({"donor_id": [str(i) for i in range(7)], "gl": gl}))
    assert (report.added, report.rejected) == (7, 0)
    assert report.warnings.schema == WARNING_SCHEMA
    rows = report.warnings.to_pylist()
    assert [(row["rows"], row["row"], row["donor_id"], row["field"], row["code"]) for row in rows] == [
        (2, 0, "0", "A", 220),
        (1, 2, "2", "A", 221),
        (1, 3, "3", "A", 222),
        (1, 4, "4", "gl", 224),
        (1, 5, "5", "A", 221),  # homozygous: once
        (1, 6, "6", "A", 222),
    ]
    assert "A*01:01:38L" in rows[1]["message"]
    assert "A*99:99" in rows[2]["message"]
    assert registry.add(pa.table({"donor_id": ["9"], "gl": ["A*02:01+A*01:01"]})).warnings.num_rows == 0


@needs_data
def test_warnings_do_not_count_rows_that_were_refused(newest: am.Nomenclature, tmp_path: Path) -> None:
    table = pa.table(
        {
            "donor_id": ["sex", "there", "first", "first", "again"],
            "gl": ["A*0201+A*01:01", "A*0201", "A*0201", "A*0201~B*07:02", "A*0201~B*07:02+A*0201~B*08:01"],
            "sex": ["?", "F", "F", "F", "M"],
        }
    )
    registry = am.Registry.create(tmp_path / "w.allo", nomenclature=newest)
    registry.add(pa.table({"donor_id": ["there"], "gl": ["A*02:01"]}))
    report = registry.add(table)
    assert (report.added, report.rejected) == (2, 3)
    rows = [(row["rows"], row["row"], row["donor_id"], row["field"]) for row in report.warnings.to_pylist()]
    assert rows == [(2, 2, "first", "A"), (1, 4, "again", "gl")]
    # An old name at a gene that is DRB345 too is one warning.
    report = registry.add(pa.table({"donor_id": ["genes"], "gl": ["DRB3*0101+DRB3*0202"]}))
    assert [row["field"] for row in report.warnings.to_pylist()] == ["DRB3", "DRB3"]
    beside = {"donor_id": ["1", "2", "there"], "sex": ["?", "F", "F"], "A_1": ["02:01"] * 3, "A_2": [""] * 3}
    report = registry.add(pa.table(beside | {"A_ser_1": ["A1"] * 3, "A_ser_2": [""] * 3}))
    rows = [(row["rows"], row["row"], row["donor_id"], row["field"]) for row in report.warnings.to_pylist()]
    assert (report.added, rows) == (1, [(1, 1, "2", "A_ser")])


@pytest.mark.parametrize("form", ["gl", "gl beside phase", "genes", "drb345"])
def test_donors_whose_positions_of_drb345_are_of_one_gene(form: str, tmp_path: Path) -> None:
    """Given by a GL string, by its gene or by DRB345: a search may ask for either locus."""
    pairs = [("01:01", "02:02"), ("01:01", "01:01"), ("01:01", ""), ("02:02", "")]
    if form == "gl":
        columns = {"gl": ["+".join(f"DRB3*{one}" for one in pair if one) for pair in pairs]}
    elif form == "gl beside phase":
        columns = {"gl": ["A*01:01~B*07:02^" + "+".join(f"DRB3*{one}" for one in pair if one) for pair in pairs]}
    elif form == "genes":
        columns = {f"DRB3_{i + 1}": [pair[i] for pair in pairs] for i in (0, 1)}
    else:
        columns = {f"DRB345_{i + 1}": [f"DRB3*{pair[i]}" if pair[i] else "" for pair in pairs] for i in (0, 1)}
    registry, report = am.Registry.build(tmp_path / "d.allo", pa.table({"donor_id": ["a", "b", "c", "d"]} | columns))
    assert report.added == 4
    patient = "DRB3*01:01+DRB3*02:02"
    # A second position that was not said is at DRB345 the first one again, at DRB3 perhaps another gene.
    for locus, open_ones in (("DRB3", ""), ("DRB345", "" if form == "drb345" else "cd")):
        hits = registry.search(patient, [locus], max_mismatches=2)
        least = dict(zip(hits.donor_ids.to_pylist(), hits.locus_count(locus, "mismatches").tolist(), strict=True))
        assert least == {"a": 0, **{each: 0 if each in open_ones else 1 for each in "bcd"}}


def test_serology_beside_dna(tmp_path: Path) -> None:
    table = pa.table(
        {
            "donor_id": ["dna", "both", "against", "antigens", "blank", "broken"],
            "A_1": ["02:01", "02:01", "02:01", "", "", "02:01"],
            "A_2": ["24:02", "24:02", "24:02", None, "", "24:02"],
            "A_ser_1": [None, "A2", "1", "2", "", "A2(5"],
            "A_ser_2": ["", "9", "24", "A9", None, ""],
            "B_ser_1": ["7"] * 6,
            "B_ser_2": [""] * 6,
        }
    )
    registry, report = am.Registry.build(tmp_path / "s.allo", table)
    assert (report.added, report.rejected) == (6, 0)
    rows = report.warnings.to_pylist()
    assert [(row["donor_id"], row["field"], row["code"]) for row in rows] == [
        ("against", "A_ser", 223),
        ("broken", "A_ser", 200),
    ]
    assert "A1+A24" in rows[0]["message"]
    assert "A*02:01+A*24:02" in rows[0]["message"]
    hits = registry.search("A*02:01+A*24:02^B*07:02+B*07:02", ["A", "B"])
    kept = {row["donor_id"]: (row["serology_A"], row["serology_B"]) for row in hits.to_arrow().to_pylist()}
    assert kept == {
        "dna": (None, "7"),
        "both": ("A2+9", "7"),
        "against": ("1+24", "7"),
        "antigens": ("2+A9", "7"),
        "blank": (None, "7"),
        "broken": ("A2(5", "7"),
    }
    greatest = dict(zip(hits.donor_ids.to_pylist(), hits.locus_count("A", "greatest").tolist(), strict=True))
    assert greatest == {"dna": 0, "both": 0, "against": 0, "broken": 0, "antigens": 2, "blank": 2}


def test_contradictions_are_one_warning_however_many_batches_there_are(tmp_path: Path) -> None:
    batch = {"A_1": ["02:01", "02:01"], "A_2": ["", ""], "A_ser_1": ["A1", "A2"], "A_ser_2": ["", ""]}
    batches = [pa.RecordBatch.from_pydict({"donor_id": ids, **batch}) for ids in (["0", "1"], ["2", "3"], ["4", "5"])]
    _, report = am.Registry.build(tmp_path / "b.allo", pa.Table.from_batches(batches))
    assert [(row["rows"], row["row"], row["donor_id"]) for row in report.warnings.to_pylist()] == [(3, 0, "0")]


@pytest.mark.parametrize("column", ["donor_id", "A_1", "A_2", "A_ser_1", "A_ser_2"])
@pytest.mark.parametrize("dictionary", [False, True])
def test_a_text_beside_serology_that_is_not_utf8_is_a_bad_row(column: str, dictionary: bool, tmp_path: Path) -> None:
    columns = {
        "donor_id": [b"D0", b"D1", b"D2"],
        "A_1": [b"02:01"] * 3,
        "A_2": [b"24:02"] * 3,
        "A_ser_1": [b"A1"] * 3,
        "A_ser_2": [b"24"] * 3,
    }
    columns[column][1] += b"\xff"
    arrays = {name: pa.array(cells, pa.binary()) for name, cells in columns.items()}
    if dictionary:
        arrays[column] = arrays[column].dictionary_encode()
    registry, report = am.Registry.build(tmp_path / "u.allo", pa.table(arrays))
    assert (report.added, report.rejected) == (2, 1)
    assert {error["row"] for error in report.errors.to_pylist()} == {1}
    assert registry.search("A*02:01+A*24:02", ["A"]).donor_ids.to_pylist() == ["D0", "D2"]
    first = report.warnings.to_pylist()[0]
    assert (first["row"], first["donor_id"], first["field"], first["code"]) == (0, "D0", "A_ser", 223)


@needs_data
def test_dna_that_cannot_be_read_is_not_the_fault_of_the_serology_beside_it(
    newest: am.Nomenclature, tmp_path: Path
) -> None:
    table = pa.table({"donor_id": ["0"], "A_1": ["02:ZZZZ"], "A_2": [""], "A_ser_1": ["A2"], "A_ser_2": [""]})
    for name, nomenclature, rejected in (("strict", newest, 1), ("open", None, 0)):
        report = am.Registry.build(tmp_path / f"{name}.allo", table, nomenclature=nomenclature)[1]
        assert (report.rejected, report.warnings.num_rows) == (rejected, 0)


def test_the_profile_atlas_reads_new_and_unknown_members_as_atlas_does(tmp_path: Path) -> None:
    nomenclature = am.Nomenclature.two_field()
    for profile, least in (("standard", 0), ("atlas", 1)):
        assert (
            am.match("A*02:NEW+A*01:01", "A*02:NEW+A*01:01", nomenclature, ["A"], profile=profile).mismatches == least
        )
    table = pa.table({"donor_id": ["new", "named"], "gl": ["A*02:NEW+A*01:01", "A*02:01+A*01:01"]})
    am.Registry.build(tmp_path / "n.allo", table)
    for profile, found in (("standard", ["named", "new"]), ("atlas", ["named"])):
        registry = am.Registry.open(tmp_path / "n.allo", profile=profile)
        assert registry.search("A*02:01+A*01:01", ["A"]).donor_ids.to_pylist() == found
        assert next(hit.match.mismatches for hit in registry.search("A*02:NEW+A*01:01", ["A"], max_mismatches=1)) == (
            0 if profile == "standard" else 1
        )
    with pytest.raises(am.ArgumentError, match="standard"):
        am.Registry.open(tmp_path / "n.allo", profile="hap-e")


@needs_data
def test_an_unknown_member_voids_a_string_under_atlas(newest: am.Nomenclature) -> None:
    donor = "A*02:01/A*02:9999+A*01:01"
    assert am.match("A*02:01+A*01:01", donor, newest, ["A"])["A"].category == "match"
    with pytest.raises(am.TypingError, match="9999"):
        am.match("A*02:01+A*01:01", donor, newest, ["A"], profile="atlas")
    voided = am.match("A*02:01+A*01:01", donor, newest, ["A"], profile="atlas", donor_required=False)
    assert voided["A"].category == "potential"


def test_drb345_is_a_locus_of_two_positions() -> None:
    nomenclature = am.Nomenclature.two_field()
    one = am.Phenotype("DRB3*01:01+DRB4*01:01")
    assert one.loci == ("DRB345",)
    assert am.Phenotype({"DRB345": ("DRB4*01:01", "DRB3*01:01")}) == one
    for donor, mismatches in (
        ("DRB4*01:01+DRB3*01:01", 0),
        ("DRB3*01:01+DRB3*02:02", 1),
        ("DRB5*01:01+DRB5*01:01", 2),
    ):
        donor_phenotype = am.Phenotype({"DRB345": tuple(donor.split("+"))})
        assert am.match(one, donor_phenotype, nomenclature, ["DRB345"]).mismatches == mismatches
    absent = am.Phenotype("DRB3*01:01+DRBX*NNNN")
    assert absent.gl == "DRBX*NNNN+DRB3*01:01"
    same = am.Phenotype({"DRB345": ("DRB3*01:01", "DRB3*01:01")})
    assert am.match(absent, same, nomenclature, ["DRB345"])["DRB345"].category == "match"
    none = am.Phenotype("DRBX*NNNN+DRBX*NNNN")
    assert am.match(none, none, nomenclature, ["DRB345"]).greatest == 0
    assert am.match(none, absent, nomenclature, ["DRB345"]).mismatches == 2


def test_phase_is_kept_and_matching_ignores_it() -> None:
    phased = am.Phenotype("A*02:01~B*07:02+A*01:01~B*08:01^C*07:01+C*07:02")
    assert phased.gl == "A*01:01~B*08:01+A*02:01~B*07:02^C*07:01+C*07:02"
    assert am.Phenotype(phased.gl) == phased
    assert phased["B"] == "B*07:02+B*08:01"
    assert phased != am.Phenotype("A*02:01~B*08:01+A*01:01~B*07:02^C*07:01+C*07:02")
    assert am.match(phased, "A*02:01+A*01:01^B*08:01+B*07:02", am.Nomenclature.two_field(), ["A", "B"]).greatest == 0
    # Alternatives of pairs of haplotypes: sorted, once each; a locus has what is left without the phase.
    either = am.Phenotype(
        "A*02:01~B*08:01+A*01:01~B*07:02|A*01:01~B*08:01+A*02:01~B*07:02|A*02:01~B*07:02+A*01:01~B*08:01"
    )
    assert either.gl == "A*01:01~B*07:02+A*02:01~B*08:01|A*01:01~B*08:01+A*02:01~B*07:02"
    assert either["A"] == "A*01:01+A*02:01"
    one = am.Phenotype("A*01:01~B*08:01+A*02:01~B*07:02|A*03:01~B*08:01")
    assert one["A"] == "A*01:01+A*02:01|A*03:01+A*03:01"
    for bad in ("A*01:01~B*08:01+A*02:01", "A*01:01~A*02:01", "A*01:01~B*08:01+A*02:01~B*07:02|A*01:01+A*02:01"):
        with pytest.raises(am.TypingError):
            am.Phenotype(bad)


NULL_TABLE = [
    # patient, donor, default, `possible`: SEMANTICS section 2, row by row
    (("03:01", "01:11N"), ("03:01", "03:01"), ("match", 0), ("match", 0)),
    (("03:01", "01:11N"), ("03:01", "02:125N"), ("match", 0), ("match", 0)),
    (("03:01", "01:11N"), ("03:01", "02:GFJM"), ("mismatch", 1), ("potential", 0)),
    (("03:01", "03:01"), ("03:01", "02:XX"), ("mismatch", 1), ("potential", 0)),
    (("03:01", "03:01"), ("03:01", "01:01:01G"), ("mismatch", 1), ("potential", 0)),
    (("01:11N", "02:125N"), ("03:01", "03:01"), ("mismatch", 2), ("mismatch", 2)),
]


@needs_data
@pytest.mark.parametrize("policy", ["explicit", "possible"])
def test_the_table_of_nulls_row_by_row(policy: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = existing_data_dir()
    (tmp_path / "mac").mkdir()
    (tmp_path / "mac" / "numer.v3.txt").write_text("GFJM\t02:01/02:105/02:125N\n")
    monkeypatch.setenv("ALLOMATCH_DATA", str(tmp_path))
    nomenclature = am.Nomenclature.load("3.58.0", path=data)
    donors = [donor for _, donor, _, _ in NULL_TABLE]
    table = pa.table(
        {
            "donor_id": [str(i) for i in range(len(donors))],
            "A_1": [donor[0] for donor in donors],
            "A_2": [donor[1] for donor in donors],
        }
    )
    registry, report = am.Registry.build(
        tmp_path / "nulls.allo",
        table,
        nomenclature=nomenclature,
        null_policy="explicit" if policy == "explicit" else "possible",
    )
    assert report.rejected == 0
    for i, (patient, donor, explicit, possible) in enumerate(NULL_TABLE):
        category, least = explicit if policy == "explicit" else possible
        found = am.match(
            am.Phenotype({"A": patient}),
            am.Phenotype({"A": donor}),
            nomenclature,
            ["A"],
            null_policy="explicit" if policy == "explicit" else "possible",
        )
        assert (found["A"].category, found.mismatches) == (category, least)
        hits = registry.search(am.Phenotype({"A": patient}), ["A"], max_mismatches=2)
        by_donor = dict(zip(hits.donor_ids.to_pylist(), hits.mismatches.tolist(), strict=True))
        assert by_donor[str(i)] == least


def test_a_hit_at_drb345_is_compared_at_drb345(tmp_path: Path) -> None:
    # Both names of one gene: as a GL string this would be a typing of DRB3.
    table = pa.table({"donor_id": ["one"], "DRB345_1": ["DRB3*01:01"], "DRB345_2": ["DRB3*02:02"]})
    registry, report = am.Registry.build(tmp_path / "drb.allo", table)
    assert report.added == 1
    (hit,) = registry.search("DRB3*01:01+DRB4*01:01", ["DRB345"], max_mismatches=1)
    assert (hit.match.mismatches, hit.match["DRB345"].donor) == (1, "DRB3*01:01+DRB3*02:02")
