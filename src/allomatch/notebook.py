"""Small HTML tables for notebooks: what ``_repr_html_`` of results is made of.

Invariants: every text is escaped, so that a donor id can be no markup and turns no line around; tables have a caption, header
cells with a scope, and no script, class or id that could meet the page's own; colour only underlines a word that says the same.
Long texts are cut, since the object itself has the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from allomatch.report_text import shown as escaped

__all__ = ["Cell", "chance", "shown", "span", "table"]

_LONGEST = 60
# Backgrounds on which black text has a contrast of more than 12 to 1.
_SHADES = {
    "match": "#d8f0dc",
    "potential": "#fff2cc",
    "permissive mismatch": "#fff2cc",
    "probable match": "#d8f0dc",
    "possible match": "#fff2cc",
}
_OTHER = "#f9d9dc"


@dataclass(frozen=True, slots=True)
class Cell:
    """A verdict: its words, on a background that goes with it.

    Attributes:
        text: The words.
        verdict: What the background is chosen by, such as ``"potential"``; by default the words.
    """

    text: str
    verdict: str = ""


def table(caption: str, headings: Sequence[str], rows: Sequence[Sequence[str | Cell]], note: str = "") -> str:
    """Return a table; the first cell of a row is its header.

    Args:
        caption: What it shows.
        headings: Of the columns.
        rows: Cells, as many as headings.
        note: A line below.

    Example:
        >>> table("typing", ["locus", "names"], [["A", "A*01:01 <b>"]])[-47:]
        '<td>A*01:01 &lt;b&gt;</td></tr></tbody></table>'
    """
    head = "".join(f'<th scope="col">{escaped(heading)}</th>' for heading in headings)
    body = "".join(
        f'<tr><th scope="row">{escaped(_text(row[0]))}</th>{"".join(map(_cell, row[1:]))}</tr>' for row in rows
    )
    below = f"<p><small>{escaped(note)}</small></p>" if note else ""
    return f"<table><caption>{escaped(caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{below}"


def shown(text: str) -> str:
    """Return a text, cut if it is long; what is blank is untyped."""
    if not text:
        return "untyped"
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def span(least: int, greatest: int) -> str:
    """Return a count that may be one of several: ``"1"``, ``"0 to 2"``."""
    return str(least) if least == greatest else f"{least} to {greatest}"


def chance(p: float | None) -> str:
    """Return a probability with four decimals; one that there is not is a dash."""
    return "-" if p is None or p != p else f"{p:.4f}"


def _text(cell: str | Cell) -> str:
    return cell.text if isinstance(cell, Cell) else cell


def _cell(cell: str | Cell) -> str:
    if isinstance(cell, str):
        return f"<td>{escaped(cell)}</td>"
    shade = _SHADES.get(cell.verdict or cell.text, _OTHER)
    return f'<td style="background:{shade};color:#000">{escaped(cell.text)}</td>'
