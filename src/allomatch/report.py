"""The report: a plan as one self-contained HTML page, from the plain values of :meth:`allomatch.roadmap.Plan.to_dict`.

Nothing is loaded and nothing runs: no script, no network, no outside font or picture; the page forbids it to itself. It prints to
A4, and can be read without seeing it: tables have captions and headed rows and columns, drawings have titles and descriptions,
every colour is written as a word or letter too, and all text has a contrast of at least 4.5. Every text that came from outside is
escaped. The page says that it supports professionals and decides nothing.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from allomatch.report_pedigree import UNKNOWN_COLOUR, haplotype_colour, pedigree_svg
from allomatch.report_text import shown as _t

__all__ = ["COLOURS", "fragment_of", "html_of"]

# Text on ground, by what it says; all pairs have a contrast of at least 4.5 (tests/test_report.py).
COLOURS: dict[str, tuple[str, str]] = {
    "page": ("#1a1a1a", "#ffffff"),
    "quiet": ("#4a4f55", "#ffffff"),
    "head": ("#1a1a1a", "#e8edf3"),
    "match": ("#0d3317", "#d5efdb"),
    "potential": ("#3d2e00", "#fff0c2"),
    "mismatch": ("#4a0d0c", "#f9d0cf"),
    "permissive": ("#14264d", "#dde7fb"),
    "good": ("#ffffff", "#1d6b34"),
    "open": ("#ffffff", "#7a5200"),
    "poor": ("#ffffff", "#5f6368"),
    "note": ("#3d2e00", "#fff7de"),
}
_GOOD = {"eligible", "identical donor", "probable donors"}
_OPEN = {
    "possible",
    "ask",
    "type relatives",
    "haploidentical donor",
    "possible donors",
    "unlikely donors",
    "mismatched donors",
    "cord blood",
}
_BAR = "#1f5fa8"
_IDS = re.compile(r' (id|aria-labelledby)="([^"]*)"')
_SHORT = {"autologous": "Own cells", "family": "Family", "registries": "Stem cell bank"}


def html_of(plan: Mapping[str, Any]) -> str:
    """Return a plan as a whole page.

    Args:
        plan: As :meth:`allomatch.roadmap.Plan.to_dict` gives it.
    """
    title = f"allomatch: roadmap of {_t(plan['made'])}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="referrer" content="no-referrer">'
        f"<title>{title}</title><style>{_PAPER}{_style()}</style></head><body>{_body(plan)}</body></html>\n"
    )


def fragment_of(plan: Mapping[str, Any]) -> str:
    """Return a plan as a part of a page, for notebooks: it brings its own style, and its ids are of no other plan."""
    body = _body(plan)
    own = f"{zlib.crc32(body.encode()):08x}"
    # What was entered has its quotation marks escaped, so that these are ours.
    body = _IDS.sub(lambda found: f' {found[1]}="{" ".join(f"{each}-{own}" for each in found[2].split())}"', body)
    return f'<div class="allomatch"><style>{_style()}</style>{body}</div>'


def _body(plan: Mapping[str, Any]) -> str:
    steps = {step["name"]: step for step in plan["steps"]}
    sections = [
        _patient(plan["patient"]),
        _step(1, steps["autologous"], _own(steps["autologous"]["detail"])),
        _step(2, steps["family"], _family(steps["family"]["detail"], plan["patient"])),
        _step(3, steps["registries"], _registries(steps["registries"]["detail"])),
        _problems(plan["problems"]),
    ]
    return (
        f'<div class="allomatch-page"><header><h1>Roadmap to stem cells</h1><p class="note" role="note"><strong>{_t(plan["about"])}'
        f"</strong></p></header><main>{_road(plan)}{''.join(sections)}</main>"
        f"<footer class='quiet'><p>Made {_t(plan['made'])} by allomatch "
        f"{_t(plan['allomatch'])}, rules {_t(plan['policy_version'])}, nomenclature {_t(plan['nomenclature'])}. "
        "Probabilities are from 0 to 1.</p></footer></div>"
    )


# ---- parts ----------------------------------------------------------------------------------------------------------------


def _known(value: object) -> str:
    return "not known" if value in (None, "", []) else _t(value)


def _kind(answer: str) -> str:
    return "good" if answer in _GOOD else "open" if answer in _OPEN else "poor"


def _list(items: Sequence[object]) -> str:
    return f"<ul>{''.join(f'<li>{_t(each)}</li>' for each in items)}</ul>" if items else ""


def _table(caption: str, heads: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "") -> str:
    """Return a table of ready cells; the first cell of a row heads it. Heads and caption are escaped here."""
    head = "".join(f'<th scope="col">{_t(each)}</th>' for each in heads)
    body = "".join(f'<tr><th scope="row">{row[0]}</th>{"".join(map(_cell, row[1:]))}</tr>' for row in rows)
    table = f"<caption>{_t(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide"><table class="{kind}">{table}</table></div>'


def _cell(text: str) -> str:
    return text if text.startswith("<td ") else f"<td>{text}</td>"


def _bar(p: float | None, what: str) -> str:
    """Return a probability as a bar and a number."""
    if p is None:
        return "not known"
    width = 80 * min(1.0, max(0.0, p))
    return (
        f'<span class="bar"><svg role="img" width="82" height="12" viewBox="0 0 82 12"><title>{_t(what)}: {p:.3f}</title>'
        '<rect x="0.5" y="0.5" width="81" height="11" fill="#fff" stroke="#333"/>'
        f'<rect x="1" y="1" width="{width:.1f}" height="10" fill="{_BAR}"/></svg> {p:.3f}</span>'
    )


def _road(plan: Mapping[str, Any]) -> str:
    """Return the three steps as a road."""
    ends = plan["recommended"]["step"]
    parts, told = [], []

    def line(x: int, y: int, ink: str, text: str, more: str = "") -> str:
        return f'<text x="{x}" y="{y}" text-anchor="middle" fill="{ink}" class="road{more}">{_t(text)}</text>'

    for at, step in enumerate(plan["steps"]):
        x = 10 + 240 * at
        ink, ground = COLOURS[_kind(step["answer"])]
        here = step["name"] == ends
        told.append(f"step {at + 1}, {step['title']}: {step['answer']}{', to be discussed first' if here else ''}")
        if at:
            parts.append(f'<path d="M{x - 32} 60h24m-9 -6l9 6l-9 6" fill="none" stroke="#111" stroke-width="3"/>')
        parts.append(
            f'<rect x="{x}" y="14" width="200" height="92" rx="10" fill="{ground}" stroke="#111" '
            f'stroke-width="{5 if here else 1}"/>'
            + line(x + 100, 40, ink, f"{at + 1}. {_SHORT[step['name']]}")
            + line(x + 100, 66, ink, step["answer"], " strong")
            + line(x + 100, 92, ink, "discuss this first" if here else "")
        )
    titles = {step["name"]: step["title"] for step in plan["steps"]}
    options = ", ".join(plan["recommended"]["options"])
    where = titles.get(ends, "nothing yet") + (f" ({options})" if options else "")
    return (
        '<section aria-labelledby="road"><h2 id="road">The road</h2><svg class="roadmap" role="img" viewBox="0 0 700 120" '
        'aria-labelledby="road-title road-desc" xmlns="http://www.w3.org/2000/svg">'
        '<title id="road-title">Three steps as a road</title>'
        f'<desc id="road-desc">{_t("; ".join(told))}</desc>{"".join(parts)}</svg>'
        f"<p><strong>To be discussed first:</strong> {_t(where)}. {_t(plan['recommended']['reason'])}.</p></section>"
    )


def _patient(patient: Mapping[str, Any]) -> str:
    rows = [
        ("Typing", _known(patient["phenotype"]).replace("^", "<br>")),
        ("Age, years", _known(None if patient["age_years"] is None else f"{patient['age_years']:.0f}")),
        ("Sex", _known(patient["sex"])),
        ("Weight, kg", _known(patient["weight_kg"])),
        ("CMV", _known(patient["cmv"])),
        ("ABO", _known(patient["abo"])),
        ("Ethnicities", _known(", ".join(patient["ethnicities"]))),
        ("Diagnosis", _known(patient["diagnosis"])),
        ("Disease status", _known(patient["disease_status"])),
    ]
    table = _table("What is known of the patient", ("What", "Value"), rows)
    return f'<section aria-labelledby="patient"><h2 id="patient">The patient</h2>{table}</section>'


def _step(number: int, step: Mapping[str, Any], inside: str) -> str:
    name = f"step-{number}"
    following = step["next"]
    chance = "" if following["p"] is None else " " + _bar(following["p"], "chance that the next step finds better")
    return (
        f'<section aria-labelledby="{name}" data-step="{_t(step["name"])}"><h2 id="{name}">{number}. {_t(step["title"])}: '
        f'<span class="badge {_kind(step["answer"])}">{_t(step["answer"])}</span></h2>{_list(step["reasons"])}{inside}'
        f"<p><strong>What comes next:</strong> {_t(following['reason'])}{chance}</p></section>"
    )


def _own(detail: Mapping[str, Any] | None) -> str:
    if detail is None or not detail["harvests"]:
        return ""
    rows = [
        (
            f"Harvest {each['number']}",
            _t(each["answer"]),
            "not known" if each["cd34_e6_per_kg"] is None else f"{each['cd34_e6_per_kg']:.2f}",
            _list(each["reasons"]),
        )
        for each in detail["harvests"]
    ]
    return _table("Cells in store", ("Harvest", "Answer", "1e6 CD34+ per kg", "Reasons"), rows)


def _chip(letter: str | None) -> str:
    if letter is None:
        return '<span class="chip unknown">?</span>'
    return f'<span class="chip" style="background:{haplotype_colour(letter)}">{_t(letter)}</span>'


def _category(member: Mapping[str, Any]) -> str:
    shares = f"<br>shares {_t(member['shared'])}" if member["shared"] else ""
    return f'<span class="word">{_t(member["category"] or "untyped")}</span>{shares}'


def _family(detail: Mapping[str, Any] | None, patient: Mapping[str, Any]) -> str:
    if detail is None:
        return ""
    # As of everyone, the maternal one first: a is the patient's paternal haplotype, b the maternal one.
    letters = ("b", "a") if detail["patient_haplotypes"] is not None else (None, None)
    drawing = pedigree_svg(detail["members"], patient["sex"], letters)
    rows = [
        (
            _t(each["id"]),
            _t(each["relation"]),
            " ".join(_chip(letter) for letter in each["haplotypes"]),
            _category(each),
            _bar(each["p_identical"], f"{each['id']} is HLA-identical by descent"),
            _bar(each["p_identical_by_chance"], f"{each['id']} is HLA-identical by chance"),
            _bar(each["p_haploidentical"], f"{each['id']} is haploidentical by descent"),
            "yes" if each["usable"] else "no",
            _list([*each["reasons"], *each["warnings"]]),
        )
        for each in detail["members"]
    ]
    heads = (
        "Relative",
        "Relation",
        "Haplotypes",
        "Category",
        "P(identical by descent)",
        "P(identical by chance)",
        "P(haploidentical by descent)",
        "Usable",
        "Reasons and warnings",
    )
    told = _table("The relatives", heads, rows)
    if detail["haplotypes"]:
        names = [(_chip(letter), _t(text).replace("~", " ~ ")) for letter, text in sorted(detail["haplotypes"].items())]
        p = detail["phase_probability"]
        sure = "" if p is None else f"; that a and b are the patient's has the probability {p:.3f}"
        told += _table(f"The haplotypes, most likely{sure}", ("Letter", "Alleles"), names)
    if detail["type_first"]:
        asked = [
            (
                _t(each["id"]),
                _bar(each["p_identical"], f"{each['id']} is HLA-identical"),
                _bar(each["p_haploidentical"], f"{each['id']} is haploidentical"),
                _t(each["reason"]),
            )
            for each in detail["type_first"]
        ]
        told += _table(
            "Whom to type first",
            ("Relative", "P(identical, by descent or chance)", "P(haploidentical else)", "Reason"),
            asked,
        )
    legend = '<figcaption class="quiet">Letters and colours name haplotypes; dashed: untyped.</figcaption>'
    return f'<figure class="wide">{drawing}{legend}</figure>{told}'


def _registries(detail: Mapping[str, Any] | None) -> str:
    if detail is None or not detail["searches"]:
        return ""
    rows = [
        (
            f"{_t(each['source'])}, {_t(each['place'])}",
            _t(_searched(each)),
            "; ".join(f"{_t(level)}: {count}" for level, count in each["levels"].items()) or "not asked",
            str(each["probable"]) if each["asked"] else "",
            _list(each["reasons"]),
        )
        for each in detail["searches"]
    ]
    told = _table(
        "The registries, in the order in which they were asked",
        ("Registry", "Search", "Donors that may match", "Probable among those listed", "Reasons"),
        rows,
    )
    told += "".join(_match_list(each) for each in detail["searches"] if each["best"])
    if detail["requests"]:
        asked = [
            (
                "the patient" if each["whom"] == "patient" else "the donor",
                _t(each["donor_id"]),
                _t(each["locus"]),
                _bar(each["p_match"], "whole match now"),
                _bar(each["p_if_matched"], "whole match if this locus matches"),
                "not known" if each["bits"] is None else f"{each['bits']:.3f}",
                _t(each["reason"]),
            )
            for each in detail["requests"]
        ]
        heads = ("Whom", "For donor", "Locus", "P(match) now", "P(match) if it matches", "Bits", "Reason")
        told += _table("Typing to ask for, what tells most first", heads, asked)
    return told


def _searched(search: Mapping[str, Any]) -> str:
    """Return what was searched: adults at some loci, or by a rule for cord blood, whose name says so."""
    kind, loci = str(search["kind"]), str(search["loci"])
    return loci if loci.startswith(kind) else f"{kind} {loci}".strip()


def _standing(donor: Mapping[str, Any], whole: bool) -> str:
    """Return what the typings say for certain, and in between what the probability makes of it."""
    if donor["greatest"] == 0:
        return "certain match" if whole else "no mismatch at these loci"
    return "mismatch" if donor["mismatches"] else str(donor["likelihood"] or "potential match")


def _match_list(search: Mapping[str, Any]) -> str:
    loci = [each["locus"] for each in search["best"][0]["by_locus"]]
    rows = []
    for donor in search["best"]:
        facts = {**donor["attributes"], **{name: dose for name, dose in donor["doses"].items() if dose is not None}}
        shown = ", ".join(
            f"{_t(name)} {_t(format(value, '.3g') if isinstance(value, float) else value)}"
            for name, value in facts.items()
        )
        rows.append(
            (
                f"{_t(donor['rank'])}. {_t(donor['donor_id'])}",
                _t(_standing(donor, whole="/" in search["loci"])),
                _bar(donor["p_match"], f"{donor['donor_id']} has no mismatch"),
                *(_locus(each) for each in donor["by_locus"]),
                shown,
                f"<details><summary>why</summary>{_list(donor['reasons'])}</details>",
            )
        )
    caption = f"Best of {search['source']}, {search['place']}: {_searched(search)}"
    return _table(caption, ("Donor", "Match", "P(match)", *loci, "Further", "Reasons"), rows, "matches")


def _locus(each: Mapping[str, Any]) -> str:
    category = str(each["category"])
    kind = (
        category
        if category in ("match", "potential")
        else "permissive"
        if category.startswith("permissive")
        else "mismatch"
    )
    span = (
        str(each["mismatches"])
        if each["mismatches"] == each["greatest"]
        else f"{each['mismatches']}-{each['greatest']}"
    )
    chance = "" if each["p_match"] is None else f"<br>P {each['p_match']:.3f}"
    donor = str(each["donor"]) or "untyped"
    donor = donor if len(donor) <= 60 else donor[:57] + "..."
    return f'<td class="{kind}" data-locus="{_t(each["locus"])}">{_t(category)} ({span})<br><small>{_t(donor)}</small>{chance}</td>'


def _problems(problems: Sequence[Mapping[str, Any]]) -> str:
    if not problems:
        return '<section aria-labelledby="problems"><h2 id="problems">Problems of the case</h2><p>None was found.</p></section>'
    rows = [
        (_t(each["code"]), _t(each["where"]), _t(each["field"]), _t(each["value"]), _t(each["message"]))
        for each in problems
    ]
    table = _table("What could not be used", ("Problem", "Where", "Field", "Value", "What to do"), rows)
    return f'<section aria-labelledby="problems"><h2 id="problems">Problems of the case</h2>{table}</section>'


def _style() -> str:
    """Return the style; ``&`` stands for the page, so that nothing outside it changes."""
    kinds = [f"& .{name}{{color:{ink};background:{ground}}}" for name, (ink, ground) in COLOURS.items()]
    return (_CSS + "".join(kinds) + _PRINT).replace("&", ".allomatch-page").replace("\n", "")


_PAPER = "@page{size:A4;margin:14mm}"
_CSS = f"""
.allomatch-page{{color:{COLOURS["page"][0]};background:{COLOURS["page"][1]};font:15px/1.45 system-ui,sans-serif;
max-width:1100px;margin:0 auto;padding:12px}}
& h1{{font-size:1.6em}}
& h2{{font-size:1.25em;border-bottom:2px solid #333;padding-bottom:3px}}
& .note{{padding:8px 12px;border:1px solid #7a5200}}
& table{{border-collapse:collapse;margin:10px 0;font-size:.88em}}
& caption{{text-align:left;font-weight:bold;padding:4px 0}}
& th,& td{{border:1px solid #8a9099;padding:4px 6px;text-align:left;vertical-align:top;overflow-wrap:break-word}}
& td small{{display:inline-block;min-width:7em;overflow-wrap:anywhere}}
& thead th{{color:{COLOURS["head"][0]};background:{COLOURS["head"][1]}}}
& td ul{{margin:0;padding-left:16px;min-width:16em}}
& .wide{{overflow-x:auto}}
& figure{{margin:8px 0}}
& figcaption,& footer{{font-size:.88em}}
& .badge{{padding:1px 8px;border-radius:6px}}
& .bar{{white-space:nowrap}}
& svg.roadmap{{width:100%;max-width:700px;height:auto}}
& svg text{{font-family:system-ui,sans-serif}}
& .road{{font-size:13px}}
& .strong{{font-weight:bold;font-size:16px}}
& .who{{font-size:12px;font-weight:bold}}
& .what{{font-size:11px}}
& .letter{{font-size:12px;font-weight:bold;fill:#fff}}
& .chip{{display:inline-block;min-width:18px;text-align:center;color:#fff;border-radius:3px;font-weight:bold}}
& .chip.unknown{{background:{UNKNOWN_COLOUR}}}
"""
_PRINT = """@media print{
&{max-width:none;font-size:11px;padding:0}
& .wide{overflow:visible}
& table{font-size:9px}
& th,& td{padding:2px 3px}
& td,& th[scope=row]{overflow-wrap:anywhere;min-width:5.2em}
& th[scope=row]{min-width:7.9em}
& td ul{min-width:15em}
& .word{overflow-wrap:normal}
& table.matches th:last-child,& table.matches td:last-child{display:none}
& td small{min-width:5em}
& .bar{white-space:normal}
& .bar svg{width:56px}
& tr,& figure,& svg{break-inside:avoid}
& h2{break-after:avoid}
& svg.pedigree{max-width:100%;height:auto}
& *{-webkit-print-color-adjust:exact;print-color-adjust:exact}
}"""
