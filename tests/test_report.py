"""The page of a plan: self-contained, accessible, printable, safe whatever was entered; in a real browser where there is one."""

from __future__ import annotations

import copy
import json
import re
import shutil
import struct
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import allomatch as am
from allomatch import demo, report
from allomatch.cli_roadmap import demo_frequencies
from allomatch.report_pedigree import HAPLOTYPE_COLOURS, UNKNOWN_COLOUR, haplotype_colour, pedigree_svg
from allomatch.roadmap import Harvest, Patient, RegistrySource, Relative, Roadmap

NAMES = am.Nomenclature.two_field()
TODAY = date(2026, 11, 24)
A = ["A*03:01", "C*07:02", "B*07:02", "DRB1*15:01", "DQB1*06:02"]
B = ["A*01:01", "C*07:01", "B*08:01", "DRB1*03:01", "DQB1*02:01"]
C = ["A*02:01", "C*05:01", "B*44:02", "DRB1*04:01", "DQB1*03:01"]
VOID = {"meta", "br", "link", "img", "input", "hr"}


# ---- reading a page -------------------------------------------------------------------------------------------------------


@dataclass
class Node:
    tag: str
    attrs: dict[str, str | None]
    children: list[Node] = field(default_factory=list)
    text: str = ""

    def all(self, tag: str | None = None, **attrs: str) -> list[Node]:
        """Elements below, in order, with a tag and attributes."""
        found = []
        for child in self.children:
            wanted = {name.rstrip("_"): value for name, value in attrs.items()}
            if (tag is None or child.tag == tag) and all(child.attrs.get(k) == v for k, v in wanted.items()):
                found.append(child)
            found += child.all(tag, **attrs)
        return found

    @property
    def words(self) -> str:
        return self.text + "".join(child.words for child in self.children)


class Reader(HTMLParser):
    """Builds the tree, and fails where a browser would have to mend."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.top = Node("", {})
        self.open = [self.top]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, dict(attrs))
        assert len(node.attrs) == len(attrs), f"an attribute twice in {tag}"
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Node(tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes {self.open[-1].tag}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].text += data


def parsed(html: str) -> Node:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == [reader.top], "an element is not closed"
    return reader.top


# ---- a plan with everything in it -----------------------------------------------------------------------------------------


def typed(one: list[str], other: list[str]) -> am.Phenotype:
    return am.Phenotype("^".join(f"{x}+{y}" for x, y in zip(one, other, strict=True)))


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    batches = list(demo.draw_donors(demo.load_haplotypes(), 30_000, seed=7))
    path = tmp_path_factory.mktemp("demo") / "demo.allo"
    registry = am.Registry.build(path, pa.Table.from_batches(batches), nomenclature=NAMES)[0]
    patient = Patient(
        typed(A, B), date(1991, 6, 2), "F", 60.0, "P", "O", ("Belgian",), "LBCL", "Chemosensitive early relapse, >=CR2"
    )
    family = [
        Relative("mother", typed(A, C), id="mother", available=True),
        Relative("sister", typed(A, B), id="sister-1", available=False),
        Relative("brother", typed(B, C), id="brother-1", available=True),
        Relative("brother", id="brother-2", available=True),
        Relative("maternal aunt", id="aunt-1"),
        Relative("maternal cousin", id="cousin-1", parents=("aunt-1",)),
        Relative("paternal half-sister", id="half-1"),
        Relative("daughter", id="daughter-1"),
        Relative("niece", id="niece-1", parents=("sister-1",)),
        Relative("paternal grandmother", id="grandmother-1"),
        Relative("neighbour", id="nobody"),
    ]
    harvests = [Harvest(date(2026, 1, 5), "bone marrow", cd34_e6=100.0, viability=0.9, disease_status="CR1")]
    values = Roadmap(
        patient,
        harvests=harvests,
        family=family,
        registries=[RegistrySource("demo", registry, domestic_ions=("1081",))],
        nomenclature=NAMES,
        frequencies=demo_frequencies(demo.load_haplotypes()),
        today=TODAY,
    ).plan()
    plain: dict[str, Any] = json.loads(json.dumps(values.to_dict()))
    assert plain["problems"]
    assert plain["steps"][2]["detail"]["requests"]
    return plain


@pytest.fixture(scope="module")
def page(plan: dict[str, Any]) -> Node:
    return parsed(report.html_of(plan))


def test_the_page_brings_everything_and_runs_nothing(plan: dict[str, Any], page: Node) -> None:
    html = report.html_of(plan)
    assert not [node for node in page.all() if node.tag in ("script", "link", "img", "iframe", "object", "form", "a")]
    for node in page.all():
        assert not [name for name in node.attrs if name.startswith("on") or name in ("src", "href", "action", "srcset")]
    assert set(re.findall(r"https?://[^\s\"'<]*", html)) <= {"http://www.w3.org/2000/svg"}
    (style,) = page.all("style")
    assert "url(" not in style.text
    assert "@import" not in style.text
    (policy,) = page.all("meta", http_equiv="") or page.all("meta", **{"http-equiv": "Content-Security-Policy"})
    assert str(policy.attrs["content"]).startswith("default-src 'none'")


def test_the_page_can_be_read_without_seeing_it(page: Node) -> None:
    (root,) = page.all("html")
    assert root.attrs["lang"] == "en"
    assert [len(page.all(tag)) for tag in ("title", "h1", "main")] == [2 + len(page.all("svg")) - 1, 1, 1]
    ids = [str(node.attrs["id"]) for node in page.all() if "id" in node.attrs]
    assert len(ids) == len(set(ids))
    for node in page.all():
        for name in str(node.attrs.get("aria-labelledby") or "").split():
            assert name in ids
    for picture in page.all("svg"):
        assert picture.attrs["role"] == "img"
        assert picture.children[0].tag == "title"
        assert picture.children[0].words.strip()
    for name in ("roadmap", "pedigree"):
        (drawing,) = page.all("svg", class_=name)
        assert drawing.children[1].tag == "desc"
        assert len(drawing.children[1].words) > 20


def test_tables_have_captions_and_heads(page: Node) -> None:
    tables = page.all("table")
    assert len(tables) >= 9
    for table in tables:
        assert table.children[0].tag == "caption"
        assert table.children[0].words.strip()
        (head,) = table.all("thead")
        columns = head.all("th")
        assert columns
        assert all(each.attrs.get("scope") == "col" and each.words.strip() for each in columns)
        (body,) = table.all("tbody")
        for row in body.children:
            assert row.tag == "tr"
            assert (row.children[0].tag, row.children[0].attrs.get("scope")) == ("th", "row")
            assert row.children[0].words.strip()
            assert len(row.children) == len(columns)
            assert all(cell.tag == "td" for cell in row.children[1:])


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.1 defines it."""
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    for name, (ink, ground) in report.COLOURS.items():
        assert contrast(ink, ground) >= 4.5, name
    for colour in (*HAPLOTYPE_COLOURS, UNKNOWN_COLOUR):
        assert contrast("#ffffff", colour) >= 4.5, colour
    assert len({haplotype_colour(letter) for letter in "abcdefgh"}) == 8


def test_the_page_prints_to_a4(page: Node) -> None:
    (style,) = page.all("style")
    assert "@page{size:A4" in style.text
    assert "@media print" in style.text


def test_everything_of_the_plan_is_on_the_page(plan: dict[str, Any], page: Node) -> None:
    words = page.words
    assert plan["about"] in words
    assert plan["policy_version"] in words
    for step in plan["steps"]:
        assert step["answer"] in words
        assert all(reason in words for reason in step["reasons"])
        assert step["next"]["reason"] in words
    for each in plan["problems"]:
        assert each["message"] in words
    own, family, found = (step["detail"] for step in plan["steps"])
    assert all(reason in words for each in own["harvests"] for reason in each["reasons"])
    for member in family["members"]:
        assert member["id"] in words
        assert all(each in words for each in (*member["reasons"], *member["warnings"]))
        assert f"{member['p_identical']:.3f}" in words
    for search in found["searches"]:
        for donor in search["best"]:
            assert donor["donor_id"] in words
            assert all(f"{each['category']} (" in words for each in donor["by_locus"])
            if donor["p_match"] is not None:
                assert f"{donor['p_match']:.3f}" in words
    assert all(each["reason"] in words for each in found["requests"])


def test_loci_have_colours_and_words(plan: dict[str, Any], page: Node) -> None:
    cells = [node for node in page.all("td") if "data-locus" in node.attrs]
    wanted = [
        each for search in plan["steps"][2]["detail"]["searches"] for d in search["best"] for each in d["by_locus"]
    ]
    assert len(cells) == len(wanted)
    for cell, each in zip(cells, wanted, strict=True):
        assert cell.attrs["data-locus"] == each["locus"]
        kind = each["category"] if each["category"] in ("match", "potential") else "mismatch"
        assert cell.attrs["class"] == kind
        assert cell.words.startswith(each["category"])


def test_a_donor_is_called_what_the_typings_say_for_certain(plan: dict[str, Any]) -> None:
    """A probability decides only between a match and a mismatch: a donor with a mismatch is no unlikely match."""
    search = next(each for each in plan["steps"][2]["detail"]["searches"] if each["best"])
    donor = search["best"][0]
    for least, greatest, likelihood, loci, said in (
        (0, 0, "probable match", "10/10", "certain match"),
        (0, 0, "probable match", "A, B", "no mismatch at these loci"),
        (1, 2, "unlikely match", "10/10", "mismatch"),
        (0, 2, "unlikely match", "10/10", "unlikely match"),
        (0, 2, None, "10/10", "potential match"),
    ):
        one = {**donor, "mismatches": least, "greatest": greatest, "likelihood": likelihood}
        changed = copy.deepcopy(plan)
        changed["steps"][2]["detail"]["searches"] = [{**search, "loci": loci, "best": [one]}]
        page = parsed(report.html_of(changed))
        (table,) = (each for each in page.all("table") if each.attrs.get("class") == "matches")
        assert table.all("td")[0].words == said


def test_bars_are_as_long_as_their_numbers(page: Node) -> None:
    bars = [node for node in page.all("span") if node.attrs.get("class") == "bar"]
    assert len(bars) > 20
    for bar in bars:
        (rect,) = (each for each in bar.all("rect") if each.attrs["fill"] == "#1f5fa8")
        number = float(bar.text)
        assert float(str(rect.attrs["width"])) == pytest.approx(80 * number, abs=0.1)
        assert bar.all("title")[0].words.endswith(f"{number:.3f}")


def test_the_road_shows_where_it_ends(plan: dict[str, Any], page: Node) -> None:
    (road,) = page.all("svg", class_="roadmap")
    assert "discuss this first" in road.words
    heavy = [each.attrs["stroke-width"] for each in road.all("rect")]
    assert heavy == ["5" if step["name"] == plan["recommended"]["step"] else "1" for step in plan["steps"]]


# ---- the pedigree ---------------------------------------------------------------------------------------------------------


def people_of(svg: Node) -> dict[str, tuple[float, float, list[str]]]:
    found = {}
    for person in svg.all("g", class_="person"):
        who = person.all("text", class_="who")[0]
        letters = [each.words for each in person.all("text", class_="letter")]
        found[str(person.attrs["data-id"])] = (float(str(who.attrs["x"])), float(str(who.attrs["y"])), letters)
    return found


def test_the_pedigree_has_everyone_once_and_nobody_on_top_of_another(plan: dict[str, Any], page: Node) -> None:
    (svg,) = page.all("svg", class_="pedigree")
    people = people_of(svg)
    members = plan["steps"][1]["detail"]["members"]
    assert set(people) == {*(member["id"] for member in members), "patient"}
    assert len(svg.all("g", class_="person")) == len(members) + 1
    width, height = float(str(svg.attrs["width"])), float(str(svg.attrs["height"]))
    spots = [(x, y) for x, y, _ in people.values()]
    for at, (x, y) in enumerate(spots):
        assert 0 <= x <= width
        assert 0 <= y <= height
        for other in spots[at + 1 :]:
            assert y != other[1] or abs(x - other[0]) >= 119.9
    for member in members:
        assert member["id"] in svg.children[1].words
        for parent in member["parents"]:
            assert people[parent][1] < people[member["id"]][1], (parent, member["id"])
    # Partners stand side by side, so that no line goes through somebody else.
    for member in members:
        for one, other in [member["parents"]] if member["parents"] else []:
            (x, y, _), (x2, y2, _) = people[one], people[other]
            between = [n for n, spot in people.items() if spot[1] == y and min(x, x2) < spot[0] < max(x, x2)]
            assert y == y2
            assert not between, (one, other, between)
    patient = people["patient"]
    for sibling in ("sister-1", "brother-1", "brother-2"):
        assert people[sibling][1] == patient[1]
    assert people["daughter-1"][1] > patient[1]
    assert people["grandmother-1"][1] < people["mother"][1]


FAMILIES = {
    "sister alone": [Relative("sister", id="s")],
    "mother alone": [Relative("mother", id="m")],
    "twin": [Relative("identical twin", id="twin")],
    "two mothers": [Relative("mother", id="m1"), Relative("mother", id="m2"), Relative("sister", id="s")],
    "half on both sides": [
        Relative("mother", id="m"), Relative("father", id="f"), Relative("maternal half-sister", id="h1"),
        Relative("maternal half-brother", id="h2"), Relative("paternal half-brother", id="h3"), Relative("brother", id="b"),
    ],
    "children": [Relative("daughter", id="d"), Relative("son", id="c"), Relative("grandson", id="g"), Relative("mother", id="m")],
    "wide words": [
        Relative("sister", id="WWWWWWWWWWWWWWWW"), Relative("brother", id="MWMWMW MWMWMWMWM"),
        Relative("sister", id="s-1 (of the first marriage)"),
    ],
    "far": [
        Relative("maternal grandmother", id="gm"), Relative("paternal half-sister", id="ph"), Relative("maternal uncle", id="u"),
        Relative("maternal half-sister", id="mh"), Relative("identical twin", id="twin"), Relative("nephew", id="n"),
        Relative("niece", id="n2", parents=("mh",)), Relative("maternal cousin", id="c1"), Relative("paternal cousin", id="c2"),
        Relative("maternal aunt", id="a"), Relative("daughter", id="d"), Relative("granddaughter", id="gd", parents=("d",)),
    ],
}  # fmt: skip


Box = tuple[float, float, float, float]


def boxes_of(svg: Node) -> list[tuple[str, Box]]:
    """Signs, boxes of haplotypes and words, as they are drawn; words by a width that no letter of a browser goes beyond."""
    found = []
    for person in svg.all("g", class_="person"):
        name = str(person.attrs["data-id"])
        (x, y, _) = people_of(svg)[name]
        found.append((name, (x - 9, y - 57 - 9, x + 9, y - 57 + 9)))
        for rect in person.all("rect"):
            if rect.attrs["width"] == "22":
                left, top = float(str(rect.attrs["x"])), float(str(rect.attrs["y"]))
                found.append((name, (left, top, left + 22, top + 18)))
        for line in [*person.all("text", class_="who"), *person.all("text", class_="what")]:
            at, half = float(str(line.attrs["y"])), min(50.0, 6.25 * len(line.words))
            found.append((name, (x - half, at - 10, x + half, at + 2)))
    return found


def segments_of(svg: Node) -> list[tuple[float, float, float, float]]:
    """The straight pieces of the lines of a pedigree."""
    found, x, y = [], 0.0, 0.0
    (path,) = (each for each in svg.children if each.tag == "path")
    for sign, numbers in re.findall(r"([MHVL])([-\d. ]+)", str(path.attrs["d"])):
        values = [float(each) for each in numbers.split()]
        ends = {"M": values, "L": values, "H": [values[0], y], "V": [x, values[0]]}[sign]
        if sign != "M":
            found.append((min(x, ends[0]), min(y, ends[1]), max(x, ends[0]), max(y, ends[1])))
        x, y = ends
    return found


def drawn(family: list[Relative]) -> tuple[dict[str, Any], Node]:
    plan = Roadmap(Patient(typed(A, B), date(1991, 6, 2), "F"), family=family, today=TODAY).plan().to_dict()
    (svg,) = parsed(report.html_of(plan)).all("svg", class_="pedigree")
    return plan["steps"][1]["detail"], svg


@pytest.mark.parametrize("name", FAMILIES)
def test_no_line_goes_through_a_person_and_everyone_hangs_on_one(name: str) -> None:
    detail, svg = drawn(FAMILIES[name])
    people, boxes, segments = people_of(svg), boxes_of(svg), segments_of(svg)
    for one in segments:
        for who, box in boxes:
            inside = one[0] < box[2] and box[0] < one[2] and one[1] < box[3] and box[1] < one[3]
            assert not inside, (who, one, box)
    # Lines of different couples do not lie on each other.
    flat = [each for each in segments if each[1] == each[3]]
    for at, one in enumerate(flat):
        for other in flat[at + 1 :]:
            assert one[1] != other[1] or one[2] <= other[0] or other[2] <= one[0], (one, other)
    # Everyone with parents hangs on a line from above, the patient too: parents stand in for those not given.
    hanging = {round(one[0]) for one in segments if one[0] == one[2]}
    for who in ("patient", *(each["id"] for each in detail["members"] if each["parents"])):
        x, y, _ = people[who]
        ends = [one for one in segments if one[0] == one[2] == x and y - 57 - 21 <= one[3] <= y - 57 - 16]
        assert len(ends) == 1, (who, hanging)


def test_the_pedigree_shows_what_is_shared(page: Node) -> None:
    (svg,) = page.all("svg", class_="pedigree")
    people = people_of(svg)
    letters = {name: set(each[2]) for name, each in people.items()}
    assert letters["patient"] == letters["sister-1"] == {"a", "b"}
    assert len(letters["mother"] & {"a", "b"}) == 1
    assert len(letters["brother-1"] & letters["patient"]) == 1
    assert "?" in letters["brother-2"]
    fills = {
        (text.words, str(box.attrs["fill"]))
        for person in svg.all("g", class_="person")
        for box, text in zip(
            [each for each in person.all("rect") if each.attrs.get("rx") == "3"],
            person.all("text", class_="letter"),
            strict=True,
        )
    }
    assert len({letter for letter, _ in fills}) == len(fills)  # a letter has one colour
    for letter, fill in fills:
        assert fill == (UNKNOWN_COLOUR if letter == "?" else haplotype_colour(letter))


def test_a_pedigree_of_nobody() -> None:
    svg = parsed(pedigree_svg([], None, (None, None)))
    assert list(people_of(svg)) == ["patient"]


# ---- whatever was entered -------------------------------------------------------------------------------------------------

HOSTILE = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "' onmouseover='alert(1)",
    "</style><script>x</script>",
    "</title></svg></table><b>",
    "&lt;script&gt; & &amp;#60;",
    "]]><!--",
    "\x00\x1b[31m\u202e\ud7ff",
]  # fmt: skip


def texts_of(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from texts_of(each, (*path, key))
    elif isinstance(value, list):
        for key, each in enumerate(value):
            yield from texts_of(each, (*path, key))


def put(value: Any, path: tuple[Any, ...], text: str) -> None:
    for key in path[:-1]:
        value = value[key]
    value[path[-1]] = text


def assert_harmless(html: str, plan: dict[str, Any]) -> None:
    page = parsed(html)
    allowed = {node.tag for node in parsed(report.html_of(plan)).all()}
    for node in page.all():
        assert node.tag in allowed, node.tag
        assert not [name for name in node.attrs if name.startswith("on") or name in ("src", "href")], node.attrs
    assert len(page.all("style")) == 1
    assert not page.all("script")
    assert all(sign.isprintable() or sign == "\n" for sign in html)


def test_fragments_of_two_plans_share_a_page(plan: dict[str, Any]) -> None:
    """Ids are of the whole page: a heading of one plan must not name the section of another; paper is the page's own."""
    other = {**plan, "made": "2026-01-01"}
    fragments = [parsed(report.fragment_of(each)) for each in (plan, other)]
    ids = [[str(node.attrs["id"]) for node in each.all() if "id" in node.attrs] for each in fragments]
    assert len(ids[0]) == len(set(ids[0])) > 5
    assert not set(ids[0]) & set(ids[1])
    for fragment, own in zip(fragments, ids, strict=True):
        named = {one for n in fragment.all() for one in str(n.attrs.get("aria-labelledby") or "").split()}
        assert named <= set(own)
        assert len(named) > 5
    assert "@page" not in report.fragment_of(plan)
    assert "@page" in report.html_of(plan)


@pytest.mark.parametrize("text", HOSTILE)
def test_every_text_is_escaped(plan: dict[str, Any], text: str) -> None:
    hostile = copy.deepcopy(plan)
    fixed = {"name"}  # of a step: the page looks it up by this word
    for path, _ in texts_of(plan):
        if not (len(path) == 3 and path[0] == "steps" and path[2] in fixed):
            put(hostile, path, text)
    assert_harmless(report.html_of(hostile), plan)
    assert_harmless(report.fragment_of(hostile), plan)


def test_every_text_by_itself_is_shown_as_it_was_written(plan: dict[str, Any]) -> None:
    text = "<script>alert(1)</script>"
    small = copy.deepcopy(plan)
    detail = small["steps"][2]["detail"]
    detail["searches"] = detail["searches"][:1]
    detail["searches"][0]["best"] = detail["searches"][0]["best"][:1]
    for path, _ in texts_of(small):
        changed = copy.deepcopy(small)
        if path[-1] == "name" and path[0] == "steps" and len(path) == 3:
            continue
        put(changed, path, text)
        html = report.html_of(changed)
        assert "<script" not in html, path


def test_names_of_attributes_are_escaped_too(plan: dict[str, Any]) -> None:
    changed = copy.deepcopy(plan)
    search = next(each for each in changed["steps"][2]["detail"]["searches"] if each["best"])
    search["levels"] = {"<script>1</script>": 3}
    search["best"][0]["attributes"] = {"<script>2</script>": "<script>3</script>"}
    changed["steps"][1]["detail"]["haplotypes"] = {"<script>4</script>": "<b>~<i>"}
    assert_harmless(report.html_of(changed), plan)


def test_hostile_cases_from_end_to_end() -> None:
    text = "<script>alert(1)</script>"
    patient = Patient(
        typed(A, B), sex=text, cmv=text, abo=text, ethnicities=(text,), diagnosis=text, disease_status=text
    )
    relative = Relative(
        text, None, id=text, sex=text, cmv=text, abo=text, medical_reasons_against=(text,), parents=(text,)
    )
    sister = Relative("sister", typed(A, B), id=text + "2", available=True, medical_reasons_against=(text,))
    harvest = Harvest(TODAY, text, 3.0, viability=2.0, disease_status=text, storage=text)
    found = Roadmap(patient, harvests=[harvest], family=[relative, sister], nomenclature=NAMES, today=TODAY).plan()
    html = found.to_html()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    parsed(html)


# ---- a real browser -------------------------------------------------------------------------------------------------------

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None,
    reason="no chromium on PATH: install it (Debian: apt-get install chromium) to see the page in a real browser",
)


def browse(folder: Path, html: str, *arguments: str) -> bytes:
    assert CHROMIUM is not None
    place = folder / "page.html"
    place.write_text(html, encoding="utf-8")
    profile = folder / "profile"
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--hide-scrollbars",
        f"--user-data-dir={profile}",
    ]
    done = subprocess.run([*command, *arguments, place.as_uri()], check=True, capture_output=True, timeout=120)
    return done.stdout


@needs_chromium
def test_a_browser_reads_the_same_page(tmp_path: Path, plan: dict[str, Any], page: Node) -> None:
    seen = parsed(browse(tmp_path, report.html_of(plan), "--dump-dom").decode())
    for tag in ("table", "caption", "th", "td", "svg", "section", "li"):
        assert len(seen.all(tag)) == len(page.all(tag)), tag
    assert seen.all("main")[0].words == page.all("main")[0].words


@needs_chromium
def test_a_browser_runs_nothing_that_was_entered(tmp_path: Path, plan: dict[str, Any]) -> None:
    hostile = copy.deepcopy(plan)
    for path, _ in texts_of(plan):
        if not (len(path) == 3 and path[0] == "steps" and path[2] == "name"):
            put(hostile, path, "<script>document.title='run'</script><img src=x onerror=\"document.title='run'\">")
    seen = parsed(browse(tmp_path, report.html_of(hostile), "--dump-dom").decode())
    assert seen.all("head")[0].all("title")[0].words != "run"
    assert not seen.all("script")
    assert not seen.all("img")


@needs_chromium
def test_a_browser_draws_the_page(tmp_path: Path, plan: dict[str, Any]) -> None:
    picture = tmp_path / "page.png"
    browse(tmp_path, report.html_of(plan), "--window-size=1100,1600", f"--screenshot={picture}")
    data = picture.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    assert width >= 1000  # newer ones count their frame into the window
    assert height >= 1200
    pixels, at = b"", 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        if data[at + 4 : at + 8] == b"IDAT":
            pixels += data[at + 8 : at + 8 + size]
        at += 12 + size
    assert len(set(zlib.decompress(pixels))) > 50  # not one colour


@needs_chromium
def test_a_browser_prints_a4(tmp_path: Path, plan: dict[str, Any]) -> None:
    printed = tmp_path / "page.pdf"
    browse(tmp_path, report.html_of(plan), f"--print-to-pdf={printed}")
    data = printed.read_bytes()
    assert data.startswith(b"%PDF")
    boxes = re.findall(rb"/MediaBox\s*\[\s*0\s+0\s+([\d.]+)\s+([\d.]+)", data)
    assert boxes
    for wide, high in boxes:
        assert (float(wide), float(high)) == (pytest.approx(595, abs=1.5), pytest.approx(842, abs=1.5))
