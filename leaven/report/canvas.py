"""Drawings as bytes: one function that draws, three ways out (panel in the page, SVG file, PNG file).

In the page a panel is inline SVG: its text is text in the reader's own font, its colours are variables of the style
sheet, its ids carry the panel's name so that many panels live in one document. As files, text is outlines of DejaVu
Sans, which matplotlib ships, so `→` and `−` look the same everywhere.

Invariants: no pyplot, no clock, no random ids: equal drawings give equal bytes. Nothing in a drawing is parsed as
mathematics, so a `$` in a name is a `$`.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from leaven.report.markup import Html, text
from leaven.report.palette import NEUTRAL, variables

INK, SOFT, FAINT, LINE, BAND, PAPER = (NEUTRAL[name][0] for name in ("ink", "soft", "faint", "line", "band", "paper"))
GAP = "\u00a0" * 5
"""Room between words of a label; plain spaces would fall together in a browser."""
PANEL_INCHES = 5.0
"""Width of a panel: 360 points, the width of a phone, so that its 11 point text is about 11 px there."""

_STYLE = {
    "font.family": ["DejaVu Sans"],
    "font.size": 11.0,
    "text.parse_math": False,
    "text.color": INK,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": FAINT,
    "axes.titlecolor": INK,
    "axes.titlesize": 12.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 10.5,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.unicode_minus": True,
    "axes.formatter.use_mathtext": False,
    "xtick.color": FAINT,
    "xtick.labelcolor": SOFT,
    "xtick.labelsize": 10.5,
    "ytick.color": FAINT,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 11.0,
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "hatch.linewidth": 0.6,
    "svg.hashsalt": "leaven",
    "path.simplify": True,
}

Draw = Callable[[Any], None]


@contextmanager
def _style(**more: Any) -> Iterator[None]:
    with matplotlib.rc_context({**_STYLE, **more}), warnings.catch_warnings():
        # A name may hold characters DejaVu lacks; the page shows them in the reader's fonts, files show a box.
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        # A very long name can leave no room for the axes; the drawing is then cramped, not wrong.
        warnings.filterwarnings("ignore", message="constrained_layout not applied", category=UserWarning)
        yield


def panel(draw: Draw, height: float, *, name: str, alt: str) -> Html:
    """`draw(axes)` as inline SVG, one panel wide and `height` inches high; `alt` says it in words."""
    with _style(**{"svg.fonttype": "none"}):
        figure = Figure(figsize=(PANEL_INCHES, height), layout="constrained")
        draw(figure.add_subplot())
        return _inline(_svg(figure, transparent=True), name, alt)


@dataclass(frozen=True)
class Entry:
    """One entry of a legend: a line with a marker, or a patch where there is no marker."""

    label: str
    color: str
    marker: str = ""


def files(draws: Sequence[tuple[Draw, float]], columns: int, legend: Sequence[Entry] = ()) -> tuple[bytes, bytes]:
    """All panels of a figure on one sheet of `columns`, as (SVG, PNG) bytes.

    Heights are in inches; a row is as high as its highest panel. The page writes legends as text of its own;
    a sheet carries them below its panels.
    """
    with _style(**{"svg.fonttype": "path"}):
        rows = [draws[start : start + columns] for start in range(0, len(draws), columns)]
        heights = [max(height for _, height in row) for row in rows]
        wide = min(columns, len(draws))
        below = 0.3 * -(-len(legend) // (2 * wide)) if legend else 0.0
        figure = Figure(
            figsize=(PANEL_INCHES * wide, sum(heights) + below),
            layout=ConstrainedLayoutEngine(h_pad=0.1, w_pad=0.08),
            facecolor=PAPER,
        )
        grid = figure.add_gridspec(len(rows), wide, height_ratios=heights)
        for i, row in enumerate(rows):
            for j, (draw, _) in enumerate(row):
                draw(figure.add_subplot(grid[i, j]))
        if legend:
            figure.legend(
                handles=[_handle(entry) for entry in legend],
                loc="outside lower left",
                ncols=2 * wide,
                frameon=False,
                fontsize=9.5,
            )
        image = io.BytesIO()
        figure.savefig(image, format="png", dpi=144, metadata={"Software": None})
        figure.set_layout_engine("none")  # laid out once, for both files
        return _svg(figure, transparent=False).encode(), image.getvalue()


def _handle(entry: Entry) -> Any:
    if not entry.marker:
        return Patch(facecolor=entry.color, edgecolor=FAINT, lw=0.6, label=entry.label)
    return Line2D([], [], color=entry.color, marker=entry.marker, lw=1.9, ms=6, label=entry.label)


def _svg(figure: Figure, *, transparent: bool) -> str:
    buffer = io.BytesIO()
    figure.savefig(
        buffer,
        format="svg",
        transparent=transparent,
        metadata={"Date": None, "Creator": None, "Format": None, "Type": None},
    )
    return buffer.getvalue().decode()


_TAG = re.compile(r"<[^<>]*>")
_COLOR = re.compile(r"#[0-9a-f]{6}\b")
_UNSEEN = re.compile(r"<!--.*?-->|<metadata>.*?</metadata>|<defs>\s*<style.*?</style>\s*</defs>", re.DOTALL)


def _inline(svg: str, name: str, alt: str) -> Html:
    """A standalone SVG as an element of the page. Only tags are touched, never what a drawing says."""
    body = _UNSEEN.sub("", svg[svg.index("<svg") :])
    box = re.search(r'viewBox="([0-9. ]+)"', body)
    assert box is not None
    tags = "".join(_TAG.findall(body))
    referred = set(re.findall(r'(?:href="|url\()#([^")]+)', tags))
    known = variables()

    def element(match: re.Match[str]) -> str:
        shown = re.sub(r"\s+", " ", match[0])
        shown = re.sub(r' id="([^"]*)"', lambda hit: hit[0] if hit[1] in referred else "", shown)
        shown = re.sub(r' (id|xlink:href)="(#?)', rf' \1="\2{name}-', shown)
        shown = shown.replace("url(#", f"url(#{name}-")
        shown = re.sub(r"; font-family: [^;\"]*|font-family: [^;\"]*; | transform=\"rotate\(-0 [^\"]*\"", "", shown)
        return _COLOR.sub(lambda hit: f"var(--{known[hit[0]]})" if hit[0] in known else hit[0], shown)

    inner = _TAG.sub(element, body[body.index(">") + 1 :])
    inner = re.sub(r"<g>\s*</g>|<defs>\s*</defs>", "", re.sub(r">\s*\n\s*<", ">\n<", inner))
    return Html(
        f'<svg class="figure" viewBox="{box[1]}" role="img" aria-label="{text(alt)}" '
        f'preserveAspectRatio="xMinYMin meet">{inner.strip()}'
    )
