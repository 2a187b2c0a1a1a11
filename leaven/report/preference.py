"""Figure 3: judged prompts won, tied and lost against the baseline, as stacked bars (the paper's Figures 7 to 9).

The judge is named as what it is, in the sentence, in the note and in every table: a likelihood comparison by a small
reference model is not a reader's preference.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from leaven.report import palette, words
from leaven.report.canvas import INK, LINE, PAPER, SOFT
from leaven.report.chart import Chart, Panel, beside, row_labels, rows_height
from leaven.report.contents import Contents, Row, part

SHARES = (
    ("wins", "win", "better"),
    ("ties", "tie", "band"),
    ("losses", "lose", "worse"),
    ("errors", "error", "line"),
)


def chart(contents: Contents) -> Chart | None:
    """The figure, or None where nothing was judged."""
    rows = [row for row in contents.winrates if _total(row)]
    if not rows:
        return None
    names = [str(row.get("variant")) for row in rows]
    return Chart(
        name="winrates",
        title="Completions preferred by the judge",
        sentence=_sentence(rows, float(part(contents.verdict, "alpha", 0.05))),
        note=(
            f"The judge: {judge(rows)} Both orders were judged; what the order decided counts as a tie. "
            "One vote for each prompt and seed. Right: wins less losses in points, and its 95 % interval. Unlabelled "
            "grey at the end: errors."
        ),
        panels=[Panel(lambda axes: _draw(axes, rows), rows_height(names, each=0.42, around=0.75), _alt(rows))],
        head=[
            "variant",
            "wins",
            "ties",
            "losses",
            "errors",
            "net and interval",
            "p, Holm",
            "changed with order",
            "degenerate",
        ],
        rows=[
            [
                str(row.get("variant")),
                *(str(row.get(column) or 0) for column, _, _ in (SHARES[0], SHARES[1], SHARES[2], SHARES[3])),
                net(row),
                words.probability(row.get("p_holm", row.get("p"))),
                words.amount(row.get("flips")),
                words.amount(row.get("degenerate")),
            ]
            for row in rows
        ],
        numbers=range(1, 9),
        data=("winrates.csv", "samples.jsonl"),
        columns=1,
    )


def judge(rows: Sequence[Row]) -> str:
    """What every judge of these rows is, in its own sentence."""
    said = dict.fromkeys(words.sentence(row.get("judge_what") or row.get("judge") or "not described") for row in rows)
    return " ".join(said)


def net(row: Row) -> str:
    """Wins less losses in percentage points. A row without `unit` holds shares in [−1, 1]."""
    scale = 1 if row.get("unit") in ("points", "%") else 100
    found = [scale * row[key] if words.is_number(row.get(key)) else None for key in ("net", "low", "high")]
    return words.effect(found[0], found[1], found[2], "points")


def _total(row: Row) -> int:
    return sum(int(row.get(column) or 0) for column, _, _ in SHARES)


def _sentence(rows: Sequence[Row], alpha: float) -> str:
    """Whom the judge prefers where neither the interval nor the corrected p leaves a doubt; the rest it cannot tell.

    The p-value knows these trained models only, and the interval, which holds the seeds, is not corrected: both count.
    """
    ahead, behind = [], []
    for row in rows:
        low, high, p = row.get("low"), row.get("high"), row.get("p_holm", row.get("p"))
        if not words.is_number(p) or p > alpha:
            continue
        if words.is_number(low) and low > 0:
            ahead.append(str(row.get("variant")))
        elif words.is_number(high) and high < 0:
            behind.append(str(row.get("variant")))
    name, baseline = str(rows[0].get("judge") or "unnamed"), rows[0].get("baseline")
    said = []
    if ahead:
        said.append(f"prefers {words.listing(ahead)} over {baseline}")
    if behind:
        said.append(f"prefers {baseline} over {words.listing(behind)}")
    rest = len(rows) - len(ahead) - len(behind)
    if not said:
        return f"The judge ({name}) separates no variant from {baseline}."
    tail = f", and cannot separate {words.count(rest, 'other variant')} from it" if rest else ""
    return f"The judge ({name}) {words.listing(said)}{tail}."


def _alt(rows: Sequence[Row]) -> str:
    said = "; ".join(
        f"{row.get('variant')} " + ", ".join(f"{row.get(column) or 0} {column}" for column, _, _ in SHARES)
        for row in rows
    )
    return f"Judged prompts: {said}."


def _draw(axes: Any, rows: Sequence[Row]) -> None:
    row_labels(axes, [str(row.get("variant")) for row in rows])
    colors = {
        "better": palette.VERDICT["better"][0],
        "worse": palette.VERDICT["worse"][0],
        "band": palette.NEUTRAL["line"][0],
        "line": palette.NEUTRAL["faint"][0],
    }
    for y, row in enumerate(rows):
        total, left = _total(row), 0.0
        for column, word, color in SHARES:
            share = 100 * int(row.get(column) or 0) / total
            if share:
                axes.barh(y, share, left=left, height=0.56, color=colors[color], edgecolor=PAPER, lw=1.2)
                if share >= 9:
                    shown = f"{word} {share:.0f}" if y == 0 and share >= 18 else f"{share:.0f}"
                    fill = INK if color == "band" else PAPER
                    axes.text(left + share / 2, y, shown, ha="center", va="center", color=fill, fontsize=10.5)
            left += share
        beside(axes, y, net(row).replace(" points ", "\n"), color=SOFT)
    axes.set_xlim(0, 100)
    axes.tick_params(axis="x", color=LINE)
    axes.set_title(f"against {rows[0].get('baseline')}, % of votes", fontweight="normal")
