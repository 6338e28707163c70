"""Figures of chances: how they grow with the registries, or year by year (extra ``[plot]``).

What: :func:`plot_curves` draws curves of :mod:`allomatch.chances` with a band of two standard errors. Invariants: populations
differ by marker and dash, never by colour alone; axes say what they show; matplotlib is imported when a figure is asked for and
no earlier, and opens no window, so that all else works without it.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from allomatch.chances_results import LikelihoodCurve
from allomatch.errors import problem
from allomatch.formats import write_whole

__all__ = ["plot_curves", "save_curves"]

# Okabe and Ito's colours, which people with colour-blindness tell apart; the yellow, too light on white, is left out.
_STYLES: tuple[tuple[str, str, Any], ...] = (
    ("#0072B2", "o", "-"),
    ("#D55E00", "s", "--"),
    ("#009E73", "^", "-."),
    ("#CC79A7", "D", ":"),
    ("#56B4E9", "v", (0, (5, 1))),
    ("#000000", "P", (0, (1, 1))),
)
_WORDS = "It supports professionals and decides nothing."
_FORMATS = ("png", "svg", "pdf")


def plot_curves(curves: Sequence[LikelihoodCurve]) -> Any:
    """Draw curves, over years where every point has one, otherwise over the number of donors (logarithmic).

    Args:
        curves: One or more, of the same loci and budget of mismatches.

    Returns:
        A ``matplotlib.figure.Figure`` without a window.

    Raises:
        ArgumentError: matplotlib is not installed; there is no curve; the curves compare different things.
    """
    try:
        from matplotlib.figure import Figure
        from matplotlib.ticker import FuncFormatter
    except ImportError as failure:
        raise problem(
            "InvalidArgument", "figures need matplotlib; install it: pip install 'allomatch[plot]'"
        ) from failure
    if not curves or not all(curve.points for curve in curves):
        raise problem("InvalidArgument", "there is no curve, or one without points; give at least one of each")
    if len({(curve.loci, curve.max_mismatches) for curve in curves}) > 1:
        raise problem(
            "InvalidArgument", "curves of one figure are of the same loci and as many mismatches; draw them apart"
        )
    by_year = all(point.year is not None for curve in curves for point in curve.points)
    figure = Figure(figsize=(7.0, 4.5), layout="constrained")
    axes = figure.subplots()
    lines: list[Any] = []
    for at, curve in enumerate(curves):
        colour, marker, dash = _STYLES[at % len(_STYLES)]
        points = [point for point in curve.points if by_year or point.donors > 0]
        x: list[float] = [point.donors if point.year is None or not by_year else point.year for point in points]
        y = [point.likelihood for point in points]
        low = [max(0.0, point.likelihood - 2 * point.error) for point in points]
        high = [min(1.0, point.likelihood + 2 * point.error) for point in points]
        axes.fill_between(x, low, high, color=colour, alpha=0.2, linewidth=0)
        lines += axes.plot(x, y, color=colour, marker=marker, linestyle=dash)
    loci, most = curves[0].loci, curves[0].max_mismatches
    if not by_year:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel(f"{'year' if by_year else 'donors in all registries'} (the mix of origins unchanged)")
    axes.set_ylabel("probability of an available donor")
    axes.set_ylim(0, 1)
    level = "no mismatch" if most == 0 else f"at most {most} mismatched"
    axes.set_title(f"{', '.join(loci)}: {level}\n{_WORDS}", fontsize=9)
    axes.grid(alpha=0.3)
    # Names are what somebody called a file: no mathematics ($), and none is hidden (_).
    named = axes.legend(lines, [" "] * len(lines), title="patients")
    for text, curve in zip(named.get_texts(), curves, strict=True):
        text.set_parse_math(False)
        text.set_text(curve.population)
    return figure


def save_curves(path: str | os.PathLike[str], curves: Sequence[LikelihoodCurve]) -> None:
    """Draw curves into a file, which is the user's own (0600) and must not exist.

    Args:
        path: Ends in .png, .svg or .pdf.
        curves: As in :func:`plot_curves`.

    Raises:
        ArgumentError: As in :func:`plot_curves`, or the ending is another.
        FileAccessError: The file exists or cannot be written.
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in _FORMATS:
        raise problem("InvalidArgument", f"a figure is .png, .svg or .pdf, not {path.name!r}")
    if path.exists():
        raise problem("AlreadyExists", f"{path} exists; choose another name")
    drawn = io.BytesIO()
    plot_curves(curves).savefig(drawn, format=kind, dpi=150)
    write_whole(path, lambda file: file.write(drawn.getvalue()))
