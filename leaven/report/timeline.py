"""Figure 5: the tree of stages on a line of tokens; a block spans the variants that share it.

Length is tokens, height is variants, the stripes of a block are its mixture. Behind it stands the same tree as a list,
for readers without the picture.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.patches import Rectangle

from leaven.report import words
from leaven.report.canvas import INK, PAPER, SOFT, Entry
from leaven.report.chart import Chart, Panel, row_labels, wrapped
from leaven.report.contents import Contents
from leaven.report.lineage import Node, every, lanes, tree
from leaven.report.markup import Html, tag
from leaven.report.markup import Node as Markup
from leaven.report.palette import tints

NARROW = 0.2
"""Blocks shorter than this share of the whole are labelled upwards and without their tokens."""


def chart(contents: Contents) -> Chart | None:
    """The figure, or None without stages."""
    roots = tree(contents)
    rows = lanes(roots, contents.variants)
    if not rows:
        return None
    shades = tints(contents.sources)
    nodes = every(roots)
    return Chart(
        name="stages",
        title="The tree of stages",
        sentence=_sentence(contents, nodes),
        note=(
            "Length: tokens; a block spanning several variants was trained once for all of them; stripes: the "
            "shares of the sources in its mixture."
        ),
        panels=[
            Panel(
                partial(
                    _draw,
                    nodes=[node for node in nodes if node.variants],
                    rows=rows,
                    baseline=contents.baseline,
                    shades=shades,
                ),
                0.6 + 0.58 * len(rows),
                f"Stages of {words.count(len(rows), 'variant')} over tokens; the list below tells the same.",
            )
        ],
        head=["stage", "mixture", "shares", "tokens", "variants", "seeds"],
        rows=[
            [
                node.kind,
                node.label,
                shares(node.mixture),
                words.amount(node.tokens),
                "; ".join(node.variants),
                str(len(node.stages)),
            ]
            for node in nodes
        ],
        numbers=(3, 5),
        legend=tag(
            "ul",
            [
                tag("li", tag("span", class_="swatch", style=f"background:var(--{name})"), " ", source)
                for source, (_, name) in shades.items()
            ],
            class_="key",
        ),
        entries=[Entry(source, color) for source, (color, _) in shades.items()],
        data=("stages.csv",),
        columns=1,
        more=tag("details", tag("summary", "The tree as a list"), branch(roots), class_="data"),
    )


def shares(mixture: Mapping[str, float]) -> str:
    """`50 % text, 40 % web_code, 10 % markup`, the largest first."""
    total = sum(mixture.values()) or 1.0
    ordered = sorted(mixture.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{_round(100 * weight / total)} % {name}" for name, weight in ordered)


def _round(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def branch(nodes: Sequence[Node]) -> Html:
    """The tree as nested lists."""

    def item(node: Node) -> Html:
        words_of: list[Markup] = [
            tag("b", node.kind),
            f" {words.amount(node.tokens)} {node.label}",
            tag("span", f" × {words.count(len(node.stages), 'seed')}", class_="soft"),
            tag("span", f" · {'; '.join(node.variants) or 'no variant (reference)'}", class_="soft"),
        ]
        return tag("li", words_of, branch(node.children) if node.children else None)

    return tag("ul", [item(node) for node in nodes], class_="tree")


def _sentence(contents: Contents, nodes: Sequence[Node]) -> str:
    plan = contents.plan
    stages = int(plan.get("stages") or len(contents.stages))
    shared = plan.get("shared_stages")
    if not words.is_number(shared):
        shared = sum(len(node.stages) for node in nodes if len(node.variants) > 1)
    tokens, alone = plan.get("tokens"), plan.get("tokens_without_sharing")
    saved = ""
    if words.is_number(tokens) and words.is_number(alone) and alone > tokens > 0:
        saved = (
            f": {words.amount(tokens)} tokens trained instead of {words.amount(alone)}, "
            f"{100 * (1 - tokens / alone):.0f} % saved"
        )
    return f"{words.count(stages, 'stage')}, of which {shared} shared by more than one variant{saved}."


def _draw(
    axes: Any,
    nodes: Sequence[Node],
    rows: Mapping[str, int],
    baseline: str,
    shades: Mapping[str, tuple[str, str]],
) -> None:
    row_labels(axes, list(rows), emphasis=baseline)
    total = max(node.end for node in nodes) or 1
    for node in nodes:
        lines = sorted(rows[name] for name in node.variants if name in rows)
        for low, high in _runs(lines):
            top, height, left, width = low - 0.42, high - low + 0.84, node.start / total, node.tokens / total
            at, whole = top, sum(node.mixture.values()) or 1.0
            for source, weight in node.mixture.items():
                part = height * weight / whole
                shade = shades.get(source, ("#d9dee3", ""))[0]
                axes.add_patch(Rectangle((left, at), width, part, facecolor=shade, lw=0))
                at += part
            edge = Rectangle((left, top), width, height, facecolor="none", edgecolor=PAPER, lw=3.0)
            axes.add_patch(edge)
            narrow = width < NARROW
            axes.text(
                left + width / 2,
                (low + high) / 2,
                _stacked(node.label) if narrow else f"{words.amount(node.tokens)}\n{wrapped(node.label, 15)}",
                ha="center",
                va="center",
                rotation=90 if narrow else 0,
                fontsize=8.5 if narrow else 10.0,
                color=INK,
                linespacing=1.1,
                clip_on=True,
            )
    axes.set_xlim(0, 1)
    axes.set_xticks([])
    axes.spines["bottom"].set_visible(False)
    axes.set_xlabel(f"tokens → {words.amount(total)}", color=SOFT, loc="right")


def _stacked(label: str) -> str:
    """A label for a narrow block: at most two short lines, broken where its words are."""
    parts = re.split(r"(?<=[_ +-])", label)
    lines = [part.strip()[:9] for part in parts if part.strip()]
    return "\n".join(lines[:2])


def _runs(lines: Sequence[int]) -> list[tuple[int, int]]:
    """Consecutive rows as (first, last)."""
    runs: list[tuple[int, int]] = []
    for line in lines:
        if runs and runs[-1][1] == line - 1:
            runs[-1] = (runs[-1][0], line)
        else:
            runs.append((line, line))
    return runs
