"""Figure and section on transfer: the effect of each variant at each size, and what that says of larger models.

Up is better in every panel. A line joins a variant's effects from size to size; where it goes over to the other
direction it is crossed out, boldly where that happens between sizes with clear signs. The section says in sentences and
tables how well the smaller sizes decided for the larger ones; its numbers are those of `verdict.json`'s "transfer".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from leaven.report import words
from leaven.report.canvas import INK, LINE, PAPER, SOFT, Entry
from leaven.report.chart import Chart, Panel, key
from leaven.report.contents import Contents, Row
from leaven.report.markup import Html, Node, bullets, details, paragraph, table, tag
from leaven.report.palette import Look, looks

HEIGHT = 3.0
APART = 0.035
"""Variants at one size stand this share of the axis apart, so that intervals can be told from each other."""


def chart(contents: Contents) -> Chart | None:
    """The figure, or None where no effect is known at two sizes."""
    measures = [measure for measure in contents.transfer.get("measures") or [] if measure.get("effects")]
    if not measures:
        return None
    names = _variants(contents, measures)
    look = looks([*contents.variants, *(name for name in names if name not in contents.variants)])
    sizes = contents.transfer.get("sizes") or []
    flips = [flip for measure in measures for flip in measure.get("flips") or []]
    return Chart(
        name="transfer",
        title="Effects from size to size",
        sentence=str(contents.transfer.get("said") or ""),
        note=(
            f"Dots: effect against {contents.transfer.get('baseline')} at each size, up is better; lines: 95 % "
            "intervals, not corrected for multiplicity; hollow: a single seed, so no interval."
            + (
                " A cross marks where an effect goes over to the other direction, a bold one where it does so between "
                "sizes at which its signs are clear."
                if flips
                else ""
            )
        ),
        panels=[
            Panel(partial(_draw, measure=measure, names=names, look=look, sizes=sizes), HEIGHT, _alt(measure))
            for measure in measures
        ],
        head=["variant", "measure", "size", "parameters", "effect and interval", "seeds"],
        rows=[
            [
                str(row.get("variant")),
                str(measure.get("name")),
                str(row.get("size")),
                words.amount(row.get("parameters")),
                words.effect(row.get("effect"), row.get("low"), row.get("high"), str(measure.get("unit") or "")),
                words.amount(row.get("seeds")),
            ]
            for measure in measures
            for row in measure["effects"]
        ],
        numbers=(3, 4, 5),
        legend=key(names, look),
        entries=[Entry(name, look[name].color, look[name].marker) for name in names],
    )


def section(contents: Contents) -> Html | None:
    """What the sizes say together, or None for a study of one size."""
    found = contents.transfer
    if not found:
        return None
    measures = found.get("measures") or []
    return tag(
        "section",
        tag("h2", "From size to size"),
        paragraph(words.sentence(found.get("said") or ""), class_="says"),
        bullets([words.sentence(measure.get("said") or "") for measure in measures]),
        _folded("How well smaller sizes decided", _decisions(measures)),
        _folded("Signs, and how effects change with size", _signs(measures)),
        _folded("Drawn on to a larger size", _ahead(measures)),
        _folded("How sure the smaller sizes were", _calibration(found.get("calibration") or [])),
        id="transfer-sizes",
    )


def _folded(title: str, body: Sequence[Node]) -> Node:
    return details(title, *body, class_="data") if body else None


def _variants(contents: Contents, measures: Sequence[Row]) -> list[str]:
    """Variants with effects, in the study's order."""
    named = dict.fromkeys(str(row.get("variant")) for measure in measures for row in measure["effects"])
    place = {name: i for i, name in enumerate(contents.variants)}
    return sorted(named, key=lambda name: place.get(name, len(place)))


def _decisions(measures: Sequence[Row]) -> list[Node]:
    rows = [
        [
            str(measure.get("name")),
            f"{pair.get('from')} → {pair.get('to')}",
            f"{words.number(pair.get('right'), 0 if float(pair.get('right') or 0).is_integer() else 1)} of "
            f"{words.amount(pair.get('pairs'))}",
            _share(pair.get("accuracy"), pair.get("low"), pair.get("high")),
            words.number(pair.get("spearman"), 2),
            str((pair.get("regret") or {}).get("pick") or ""),
            f"{words.number((pair.get('regret') or {}).get('value'), 4)} "
            f"({words.percent((pair.get('regret') or {}).get('share'), 0)} of the spread)",
        ]
        for measure in measures
        for pair in measure.get("pairs") or []
    ]
    if not rows:
        return []
    head = ["measure", "sizes", "pairs ordered alike", "share and interval", "rank correlation", "its pick", "regret"]
    return [
        paragraph(
            "A pair of variants is ordered alike where both sizes say the same is better; ties at the larger size do "
            "not count. Intervals take the variants as a sample of such variants. Regret is how much worse than the "
            "best the smaller size's pick scores at the larger one."
        ),
        table(head, rows, caption="Decisions of smaller sizes for larger ones", numbers=(2, 3, 4, 6)),
        *_gaps(measures),
    ]


def _gaps(measures: Sequence[Row]) -> list[Node]:
    """The same pairs by how far apart they lie at the larger size."""
    rows = [
        [
            str(measure.get("name")),
            f"{pair.get('from')} → {pair.get('to')}",
            _between(row.get("low"), row.get("high")),
            words.amount(row.get("pairs")),
            words.percent(row.get("accuracy"), 0),
        ]
        for measure in measures
        for pair in measure.get("pairs") or []
        for row in pair.get("by_gap") or []
    ]
    head = ["measure", "sizes", "gap at the larger size", "pairs", "ordered alike"]
    return [table(head, rows, caption="Decisions by how far apart the variants are", numbers=(3, 4))] if rows else []


def _signs(measures: Sequence[Row]) -> list[Node]:
    rows = []
    for measure in measures:
        unit = str(measure.get("unit") or "")
        for row in measure.get("signs") or []:
            slope = (measure.get("interaction") or {}).get(row.get("variant")) or {}
            rows.append(
                [
                    str(measure.get("name")),
                    str(row.get("variant")),
                    str(row.get("state")),
                    f"{words.amount(row.get('clear'))} of {words.amount(row.get('sizes'))}",
                    words.effect(slope.get("slope"), slope.get("low"), slope.get("high"), unit),
                    words.probability(slope.get("p")) if slope else words.MISSING,
                    _chance(row.get("holds")),
                ]
            )
    if not rows:
        return []
    flips = [words.sentence(flip.get("said") or "") for measure in measures for flip in measure.get("flips") or []]
    source = next(
        (row["prior"].get("source") for measure in measures for row in measure.get("signs") or [] if row.get("prior")),
        None,
    )
    head = ["measure", "variant", "state", "clear at", "change per tenfold of parameters", "p of none", "P(sign holds)"]
    return [
        bullets(flips, class_="warnings") if flips else None,
        paragraph(
            "A sign is clear where the 95 % interval excludes zero. The change is the slope of the effect over the "
            "logarithm of parameters, on three sizes or more; it speaks of a straight line through these sizes, "
            "and its p is not corrected for the number of effects."
            + (
                " P(sign holds) is the chance that the largest size's sign is that of a larger model: how often signs "
                f"of such gaps held in public runs ({source}), and how sure the sign is here."
                if source
                else ""
            )
        ),
        table(head, rows, caption="Signs of effects over sizes", numbers=(3, 4, 5, 6)),
    ]


def _ahead(measures: Sequence[Row]) -> list[Node]:
    rows, refused = [], []
    for measure in measures:
        ahead = measure.get("extrapolation") or {}
        if ahead.get("refused"):
            refused.append(f"{measure.get('name')}: {words.sentence(ahead['refused'])}")
        for row in ahead.get("left_out") or []:
            refused.append(f"{measure.get('name')}, {row.get('variant')}: {words.sentence(row.get('why') or '')}")
        for row in ahead.get("variants") or []:
            rows.append(
                [
                    str(measure.get("name")),
                    str(row.get("variant")),
                    words.amount(ahead.get("parameters")),
                    f"{words.number(row.get('value'))} "
                    f"[{words.number(row.get('low'))}, {words.number(row.get('high'))}]",
                    words.effect(row.get("effect"), row.get("effect_low"), row.get("effect_high"), "%"),
                    f"{words.number(row.get('exponent'))}{', at a bound' if row.get('bounded') else ''}",
                ]
            )
    if not rows and not refused:
        return []
    return [
        paragraph(
            "A floor plus a power of the parameters, fitted to each variant's scores and drawn on to ten times the "
            "largest size. The intervals hold the noise between seeds and nothing of what a law with three parameters "
            "gets wrong; such ladders have not chosen recipes better than the largest size alone."
        ),
        table(
            ["measure", "variant", "parameters", "score and interval", "effect and interval", "exponent"],
            rows,
            caption="Scores drawn on by a power law",
            numbers=(2, 3, 4, 5),
        )
        if rows
        else None,
        bullets(refused) if refused else None,
    ]


def _calibration(found: Sequence[Row]) -> list[Node]:
    rows = [
        [
            f"{row.get('from')} → {row.get('to')}",
            words.amount(row.get("pairs")),
            words.percent(row.get("predicted"), 0),
            words.percent(row.get("observed"), 0),
            words.number(row.get("brier"), 3),
            "; ".join(
                f"{words.percent(each.get('low'), 0)} to {words.percent(each.get('high'), 0)}: "
                f"{words.percent(each.get('observed'), 0)} of {words.amount(each.get('pairs'))}"
                for each in row.get("bins") or []
            ),
        ]
        for row in found
    ]
    if not rows:
        return []
    head = ["sizes", "pairs", "predicted right", "were right", "Brier score", "right, by what was predicted"]
    return [
        paragraph(
            "How many decisions should be right if noise between the smaller size's seeds were all that stands between "
            "the sizes, and how many were; all measures together. A coin's Brier score is 0.25."
        ),
        table(head, rows, caption="Calibration of decisions", numbers=(1, 2, 3, 4)),
    ]


def _chance(value: Any) -> str:
    """A chance of what has not been seen, in whole per cent: never 100."""
    return "> 99 %" if words.is_number(value) and value >= 0.995 else words.percent(value, 0)


def _share(value: Any, low: Any, high: Any) -> str:
    if not words.is_number(value):
        return words.MISSING
    return f"{words.percent(value, 0)} [{words.number(100 * low, 0)}, {words.number(100 * high, 0)}]"


def _between(low: Any, high: Any) -> str:
    if not words.is_number(high):
        return f"from {words.number(100 * low, 2)} %"
    return f"{words.number(100 * low, 2)} to {words.number(100 * high, 2)} %"


def _alt(measure: Row) -> str:
    unit = str(measure.get("unit") or "")
    said = "; ".join(
        f"{row.get('variant')} at {row.get('size')} "
        f"{words.effect(row.get('effect'), row.get('low'), row.get('high'), unit)}"
        for row in measure["effects"]
    )
    return f"Effects on {measure.get('name')} over sizes: {said}."


def _draw(axes: Any, measure: Row, names: Sequence[str], look: Mapping[str, Look], sizes: Sequence[Row]) -> None:
    at = [float(row["parameters"]) for row in sizes]
    span = math.log10(max(at) / min(at)) or 1.0
    axes.axhline(0, color=INK, lw=1.0, zorder=1)
    axes.yaxis.grid(True, color=LINE, lw=0.6, zorder=0)
    axes.set_axisbelow(True)
    for place, name in enumerate(names):
        rows = sorted(
            (row for row in measure["effects"] if row.get("variant") == name), key=lambda row: float(row["parameters"])
        )
        if not rows:
            continue
        shift = (place - (len(names) - 1) / 2) * APART * span
        x = [math.log10(float(row["parameters"])) + shift for row in rows]
        y = [float(row["effect"]) for row in rows]
        color, marker = look[name].color, look[name].marker
        axes.plot(x, y, color=color, lw=1.5, zorder=3)
        for left, right, below, above, row, after in zip(x, x[1:], y, y[1:], rows, rows[1:], strict=False):
            flip = _flip(measure, rows, row, after)
            if flip is not None and below != 0 and below * above <= 0:  # crossed out where the line meets zero
                share = below / (below - above)
                size, width = (11, 2.4) if flip.get("clear") else (8, 1.1)
                axes.plot([left + share * (right - left)], [0], "x", ms=size, mew=width, color=color, zorder=5)
        for at_x, row in zip(x, rows, strict=True):
            known = words.is_number(row.get("low")) and words.is_number(row.get("high"))
            if known:
                axes.plot([at_x, at_x], [row["low"], row["high"]], color=color, lw=1.8, solid_capstyle="butt", zorder=2)
            axes.plot(
                [at_x], [row["effect"]], marker, ms=6.5, mec=color, mew=1.5, mfc=color if known else PAPER, zorder=4
            )
    ticks = [math.log10(value) for value in at]
    axes.set_xticks(ticks, [str(row["size"]) for row in sizes])
    pad = 0.12 * span + APART * span * len(names) / 2
    axes.set_xlim(min(ticks) - pad, max(ticks) + pad)
    axes.locator_params(axis="y", nbins=6)
    axes.yaxis.set_major_formatter(lambda value, _: words.signed(value, 3).rstrip("0").rstrip(".") or "0")
    axes.tick_params(axis="y", labelcolor=SOFT, labelsize=10.5)
    if measure.get("better") == "lower":
        axes.invert_yaxis()
    axes.set_title(str(measure.get("name")))
    axes.set_xlabel("parameters, logarithmic", color=SOFT)
    unit = str(measure.get("unit") or "")
    axes.set_ylabel(f"change{', ' + unit if unit else ''} · better →", color=SOFT)


def _flip(measure: Row, rows: Sequence[Row], small: Row, large: Row) -> Row | None:
    """The flip of a variant, whose effects are `rows`, between sizes that hold these two neighbours."""
    place = {row.get("size"): at for at, row in enumerate(rows)}
    for flip in measure.get("flips") or []:
        if flip.get("variant") == small.get("variant") and {flip.get("from"), flip.get("to")} <= set(place):
            first, last = place[flip["from"]], place[flip["to"]]
            if first <= place[small.get("size")] and place[large.get("size")] <= last:
                found: Row = flip
                return found
    return None
