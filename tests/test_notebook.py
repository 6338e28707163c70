"""Tables for notebooks: well-formed, accessible, escaped, and saying what the object says.

What: the HTML of a phenotype, a match, hits, a hit and a prediction is parsed. Why: a notebook trusts it, and donor ids are foreign
text.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest

import allomatch as am
from allomatch.notebook import Cell, chance, span, table

EVIL = '<img src=x onerror="alert(1)">&\'"'
NOM = am.Nomenclature.two_field()
PATIENT = "A*01:01+A*02:01^B*08:01+B*07:02"
DONOR = "A*01:01+A*02:XX^B*08:01+B*44:02"
FREQUENCIES = am.HaplotypeFrequencies.from_arrow(
    pa.table(
        {
            "haplotype": ["A*01:01~B*08:01", "A*02:01~B*07:02", "A*02:05~B*44:02", "A*02:01~B*44:02"],
            "frequency": [0.5, 0.3, 0.1, 0.1],
        }
    ),
    population="X<Y",
)


@dataclass
class Read(HTMLParser):
    """What a browser would see; tags that are not closed in order fail."""

    caption: str = ""
    rows: list[list[tuple[str, str | None, str, str]]] = field(default_factory=list)  # tag, scope, style, text
    tags: set[str] = field(default_factory=set)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []

    @classmethod
    def of(cls, html: str) -> Read:
        read = cls()
        read.feed(html)
        read.close()
        assert read.open == []
        return read

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.open.append(tag)
        given = dict(attrs)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append((tag, given.get("scope"), given.get("style") or "", ""))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.open[-1] == "caption":
            self.caption += data
        elif self.open[-1] in ("td", "th"):
            tag, scope, style, text = self.rows[-1][-1]
            self.rows[-1][-1] = (tag, scope, style, text + data)

    def cells(self) -> list[list[str]]:
        return [[text for *_, text in row] for row in self.rows]


def luminance(colour: str) -> float:
    values = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in values]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def accessible(html: str) -> Read:
    """Parse a table and hold it to the rules of all of them."""
    read = Read.of(html)
    assert read.tags <= {"table", "caption", "thead", "tbody", "tr", "th", "td", "p", "small"}
    assert read.caption
    head, *body = read.rows
    assert all((tag, scope) == ("th", "col") for tag, scope, _, _ in head)
    for row in body:
        assert len(row) == len(head)
        assert row[0][:2] == ("th", "row")
        for _, _, style, text in row:
            if style:
                assert text, "a colour alone says nothing"
                shade = style.split("background:")[1][:7]
                assert (luminance(shade) + 0.05) / 0.05 > 7  # WCAG AAA for black text
    return read


def found(tmp_path: Path, **more: object) -> am.Hits:
    donors = pa.table({"donor_id": [f"{EVIL}{n:02}" for n in range(25)], "gl": [PATIENT] * 5 + [DONOR] * 20})
    registry, _ = am.Registry.build(tmp_path / "r.allo", donors, nomenclature=NOM)
    return registry.search(PATIENT, ["A", "B"], max_mismatches=1, **more)


def test_what_turns_the_direction_of_writing_is_shown_as_its_code(tmp_path: Path) -> None:
    donors = pa.table({"donor_id": ["d\u202e1", "d\x072"], "gl": [PATIENT] * 2})
    registry, _ = am.Registry.build(tmp_path / "r.allo", donors, nomenclature=NOM)
    page = registry.search(PATIENT, ["A", "B"])._repr_html_()
    assert "d\\u202e1" in page
    assert "d\\x072" in page
    assert not {"\u202e", "\x07"} & set(page)


def test_phenotype() -> None:
    read = accessible(am.Phenotype("A*01:01+A*02:01|A*01:02+A*02:06^B*08:01+B*08:01")._repr_html_())
    assert read.cells()[1:] == [
        ["A", "A*01:01", "A*02:01"],
        ["A", "A*01:02", "A*02:06"],
        ["B", "B*08:01", "B*08:01"],
    ]
    long = am.Phenotype({"A": ("/".join(f"A*01:{n:02}" for n in range(1, 40)), "A*02:01")})
    assert all(len(cell) <= 60 for row in accessible(long._repr_html_()).cells() for cell in row)
    assert "No locus is typed" in accessible(am.Phenotype({"A": ("", "")})._repr_html_()).text


def test_match() -> None:
    compared = am.match(PATIENT, DONOR, NOM, ["A", "B"])
    read = accessible(compared._repr_html_())
    assert [row[0] for row in read.cells()[1:]] == ["A", "B", "all"]
    assert [row[3] for row in read.cells()[1:]] == [each.category for each in compared.loci] + [compared.category]
    assert read.cells()[2][4:] == ["1", "1", "1"]
    assert read.cells()[3][4] == span(compared.mismatches, compared.greatest) == "1 to 2"
    # Another verdict, another colour, and other words.
    assert read.rows[1][3][2] != read.rows[2][3][2]


def test_hits_and_a_hit(tmp_path: Path) -> None:
    hits = found(tmp_path)
    read = accessible(hits._repr_html_())
    assert len(read.rows) == 21
    assert "first 20 of 25" in read.text
    assert "25 donors" in read.caption
    assert read.cells()[1] == ["1", hits[0].donor_id, "0", "0", "0"]
    assert read.cells()[20][2:] == ["1 to 2", "0 to 1", "1"]
    hit = accessible(hits[0]._repr_html_())
    assert EVIL in hit.caption
    assert hit.cells()[1][:4] == ["A", "A*01:01+A*02:01", "A*01:01+A*02:01", "match"]


def test_hits_with_probabilities(tmp_path: Path) -> None:
    hits = found(tmp_path, frequencies=FREQUENCIES)
    read = accessible(hits._repr_html_())
    head, first = read.cells()[:2]
    assert (first[head.index("likelihood")], first[head.index("P(no mismatch)")]) == ("probable match", "1.0000")
    assert read.cells()[20][head.index("likelihood")] == "unlikely match"
    hit = accessible(hits[20]._repr_html_())
    assert "P(match)" in hit.cells()[0]
    assert "unlikely match" in hit.text
    assert "X<Y" in hit.text
    assert hit.cells()[1][-1] == chance(hits[20].p_by_locus["A"][0])


def test_what_was_not_searched_says_so(tmp_path: Path) -> None:
    donors = pa.table({"donor_id": ["D"], "gl": [PATIENT]})
    registry, _ = am.Registry.build(tmp_path / "r.allo", donors, nomenclature=NOM)
    hits = registry.search(PATIENT, ["A"])
    assert "B (not searched)" in accessible(hits._repr_html_()).cells()[0]
    assert accessible(hits[0]._repr_html_()).cells()[2][0] == "B (not searched)"


def test_prediction() -> None:
    likely = am.predict(PATIENT, DONOR, FREQUENCIES, NOM, ["A", "B"])
    read = accessible(likely._repr_html_())
    assert read.cells()[1] == ["all", *map(chance, likely.p_mismatches[:3])]
    assert [row[0] for row in read.cells()[1:]] == ["all", "A", "B"]
    assert "X<Y" in read.text
    unknown = am.predict(PATIENT, "A*66:XX+A*66:XX", FREQUENCIES, NOM, ["A", "B"])
    assert "No probabilities" in accessible(unknown._repr_html_()).caption


@pytest.mark.parametrize("where", ["caption", "heading", "header", "cell", "verdict", "note"])
def test_everything_is_escaped(where: str) -> None:
    texts = dict.fromkeys(("caption", "heading", "header", "cell", "verdict", "note"), "x") | {where: EVIL}
    html = table(
        texts["caption"],
        [texts["heading"], "b", "c"],
        [[texts["header"], texts["cell"], Cell(texts["verdict"])]],
        texts["note"],
    )
    assert "<img" not in html
    assert EVIL in accessible(html).text


def test_a_hit_without_likelihood_is_shown(tmp_path: Path) -> None:
    hit = replace(found(tmp_path)[0], likelihood="possible match", population=EVIL)
    assert "probability of no mismatch - (" in accessible(hit._repr_html_()).text
