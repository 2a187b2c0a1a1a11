"""Judged prompts won, tied and lost, as stacked bars (the paper's Figures 7 to 9, and its own bars beside them).

A bar is 100 % of the votes with an outcome, one for each prompt and seed; errors are no outcome, lie outside of it and
are counted beside it. A pair of which nothing has an outcome has no bar and no number. The
judge is named as what it is, in the sentence, in the note and in every table: a likelihood comparison by a small
reference model is not a reader's preference.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from leaven.report import palette, paper_preference, words
from leaven.report.canvas import INK, LINE, PAPER, SOFT
from leaven.report.chart import Chart, Panel, row_labels, wrapped
from leaven.report.contents import Contents, Row
from leaven.report.markup import Node
from leaven.report.scripted import MEANING, WORD, any_scripted, is_scripted, stamp, titled

WON, TIED, LOST = palette.VERDICT["better"], palette.NEUTRAL["line"], palette.VERDICT["worse"]
SHARES = (("wins", "win", WON, PAPER), ("ties", "tie", TIED, INK), ("losses", "lose", LOST, PAPER))
"""Column, word, colour of its bar, colour of what is written in it."""
NARROW = 8.0
"""Shares below this many per cent are not written into their bar; they are in the table."""
LONGEST = 30
"""Characters of a line of a title."""
NOTHING = "no outcome"


def chart(contents: Contents) -> Chart | None:
    """The figure, or None where nothing was judged."""
    rows = [row for row in contents.winrates if judged(row) or row.get("errors")]
    if not rows:
        return None
    groups = [
        (size, here, *split(here, found))
        for size, here in contents.each_size
        if (found := [row for row in rows if row in here.winrates])
    ]
    several = len(contents.sizes) > 1
    panels = [
        Panel(partial(_draw, rows=some, pairs=pairs, size=size), _height(some, pairs, size=size), _alt(some, at(size)))
        for size, _, against, others in groups
        for some, pairs in ((against, False), (others, True))
        if some
    ]
    theirs = paper_preference.published(contents)
    panels += [
        Panel(partial(_draw, rows=p.rows, title=p.title), _height(p.rows, title=p.title), _alt(p.rows, p.title))
        for p in theirs
    ]
    title = "completions preferred by the judge" if any_scripted(contents) else TITLE
    return Chart(
        name="winrates",
        title=titled(contents, paper_preference.titled(contents, title)),
        sentence=_sentence(groups),
        note=(
            f"The judge: {judge(rows)} Both orders were judged; what the order decided counts as a tie. "
            f"{_unit(rows)} Errors are no outcome and stand apart from the 100 %. Right: the net win, wins less losses "
            f"in points{', averaged over seeds' if seeds(rows) > 1 else ''}, with its 95 % interval, and the win rate "
            "when a tie counts as half."
            f"{PUBLISHED if theirs else ''}"
        ),
        panels=panels,
        head=[
            *(["size"] if several else []),
            "variant",
            "against",
            "wins",
            "ties",
            "losses",
            "errors",
            "net win and interval",
            "ties as half",
            "p, Holm",
            "changed with order",
            "degenerate",
            *(["judge"] if any_scripted(contents) else []),
        ],
        rows=[
            [
                *([size] if several else []),
                str(row.get("variant")),
                str(row.get("baseline")),
                *(_with_share(row, column) for column, *_ in SHARES),
                str(row.get("errors") or 0),
                net(row),
                half(row),
                probability(row),
                words.amount(row.get("flips")),
                words.amount(row.get("degenerate")),
                *([WORD if is_scripted(row) else "judge"] if any_scripted(contents) else []),
            ]
            for size, _, against, others in groups
            for row in (*against, *others)
        ]
        + [_published_line(contents, each.figure, row) for each in theirs for row in each.rows],
        numbers=range(2 + several, 11 + several),
        data=("winrates.csv", "samples.jsonl"),
        columns=1,
    )


def at(size: str) -> str:
    return f"at {size}" if size else ""


TITLE = "Completions preferred by the judge"
PUBLISHED = (
    " The paper's bars are as it published them: Command-R+ judged 199 prompts of one run an arm. Their intervals "
    "follow from the counts and know of prompts only."
)


def split(contents: Contents, rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """Pairs with the baseline, and pairs of two others."""
    baseline = contents.baseline or str(rows[0].get("baseline"))
    against = [row for row in rows if str(row.get("baseline")) == baseline]
    return against, [row for row in rows if str(row.get("baseline")) != baseline]


def judge(rows: Sequence[Row]) -> str:
    """What every judge of these rows is, in its own sentence."""
    said = dict.fromkeys(words.sentence(row.get("judge_what") or row.get("judge") or "not described") for row in rows)
    return " ".join(said)


def judged(row: Row) -> int:
    """Votes with an outcome, one for each prompt and seed: errors are none."""
    return sum(_count(row, column) for column, *_ in SHARES)


def _count(row: Row, column: str) -> int:
    found = row.get(column)
    return int(found) if words.is_number(found) else 0


def seeds(rows: Sequence[Row]) -> int:
    """How many votes a prompt has."""
    return max((int(row["seeds"]) for row in rows if words.is_number(row.get("seeds"))), default=1)


def unit(rows: Sequence[Row]) -> str:
    """What is counted: prompts, or votes where a prompt has several."""
    return "votes" if seeds(rows) > 1 else "prompts"


def tally(row: Row) -> str:
    """`199 prompts`, or `120 votes on 60 prompts`: those with an outcome."""
    many = f"{words.amount(judged(row))} {unit([row])}"
    on = row.get("prompts")
    return f"{many} on {words.amount(on)} prompts" if seeds([row]) > 1 and words.is_number(on) else many


def share(row: Row, column: str) -> float:
    """Per cent of the votes with an outcome."""
    return 100 * _count(row, column) / (judged(row) or 1)


def net(row: Row) -> str:
    """Wins less losses in percentage points. A row without `unit` holds shares in [−1, 1]."""
    return words.effect(*_net(row), "points") if judged(row) else NOTHING


def _net(row: Row) -> tuple[float | None, float | None, float | None]:
    scale = 1 if row.get("unit") in ("points", "%") else 100
    value, low, high = (scale * row[key] if words.is_number(row.get(key)) else None for key in ("net", "low", "high"))
    return value, low, high


def half(row: Row) -> str:
    """The win rate when a tie counts as half a win, in per cent, with its interval where there is one."""
    value, low, high = row.get("half"), row.get("half_low"), row.get("half_high")
    if not judged(row):
        return NOTHING
    if not words.is_number(value):
        return f"{share(row, 'wins') + share(row, 'ties') / 2:.1f} %"
    if not (words.is_number(low) and words.is_number(high)):
        return f"{value:.1f} %"
    return f"{value:.1f} % [{low:.1f}, {high:.1f}]"


def probability(row: Row) -> str:
    """The corrected p; without an outcome there is nothing to test."""
    return words.probability(row.get("p_holm", row.get("p"))) if judged(row) else words.MISSING


def leaning(row: Row, alpha: float) -> int:
    """+1 where the variant is preferred, −1 where its baseline is, 0 where neither can be told.

    The p-value knows these trained models only, and the interval, which holds the seeds, is not corrected: both count.
    """
    p, low, high = row.get("p_holm", row.get("p")), row.get("low"), row.get("high")
    if not words.is_number(p) or p > alpha:
        return 0
    return 1 if words.is_number(low) and low > 0 else -1 if words.is_number(high) and high < 0 else 0


def _unit(rows: Sequence[Row]) -> str:
    many = seeds(rows)
    if many < 2:
        return "One vote for each prompt."
    return f"One vote for each prompt and seed, {many} for a prompt; shares are of votes."


def _sentence(groups: Sequence[tuple[str, Contents, Sequence[Row], Sequence[Row]]]) -> str:
    """Whom the judge prefers where neither the interval nor the corrected p leaves a doubt; the rest it cannot tell."""
    marked = [f"{WORD}. {MEANING}"] if any(any_scripted(here) for _, here, _, _ in groups) else []
    return " ".join([*marked, *(said for group in groups for said in _told(*group))])


def _told(size: str, contents: Contents, against: Sequence[Row], others: Sequence[Row]) -> list[str]:
    """Sentences on one size."""
    both = [*against, *others]
    name, who = str(both[0].get("judge") or "unnamed"), "script" if any_scripted(contents) else "judge"
    head = f"At {size} the" if size else "The"
    said = [f"{head} {who} ({name}) {_preferred(contents, against)}."] if any(map(judged, against)) else []
    known = [row for row in others if judged(row)]
    if known:
        apart = sum(leaning(row, contents.alpha) != 0 for row in known)
        said.append(f"Of {words.count(len(known), 'pair')} of two others it separates {apart or 'none'}.")
    silent = [f"{row.get('variant')} against {row.get('baseline')}" for row in both if not judged(row)]
    if silent:
        said.append(f"There is {NOTHING} for {words.listing(silent)}{f' {at(size)}' if size else ''}.")
    return said


def _preferred(contents: Contents, against: Sequence[Row]) -> str:
    rows = [row for row in against if judged(row)]
    ahead = [str(row.get("variant")) for row in rows if leaning(row, contents.alpha) > 0]
    behind = [str(row.get("variant")) for row in rows if leaning(row, contents.alpha) < 0]
    baseline = rows[0].get("baseline")
    said = []
    if ahead:
        said.append(f"prefers {words.listing(ahead)} over {baseline}")
    if behind:
        said.append(f"prefers {baseline} over {words.listing(behind)}")
    rest = len(rows) - len(ahead) - len(behind)
    tail = f", and cannot separate {words.count(rest, 'other variant')} from it" if rest else ""
    return f"{words.listing(said)}{tail}" if said else f"separates no variant from {baseline}"


def _with_share(row: Row, column: str) -> str:
    return f"{_count(row, column)} ({share(row, column):.1f} %)" if judged(row) else str(_count(row, column))


def _published_line(contents: Contents, figure: str, row: Row) -> list[Node]:
    """A bar of the paper in the table behind the figure."""
    cells: list[Node] = [] if len(contents.sizes) < 2 else ["470M"]
    cells += [f"the paper, Figure {figure}: {row['variant']}", str(row["baseline"])]
    cells += [_with_share(row, column) for column, *_ in SHARES]
    cells += [words.MISSING, net(row), half(row), *(words.MISSING for _ in range(3))]
    return [*cells, *(["judge"] if any_scripted(contents) else [])]


def _alt(rows: Sequence[Row], title: str = "") -> str:
    said = "; ".join(
        f"{row.get('variant')} against {row.get('baseline')} "
        + ", ".join(f"{_count(row, column)} {column}" for column, *_ in SHARES)
        + f", {_count(row, 'errors')} errors, net {net(row)}"
        for row in rows
    )
    mark = f"{WORD}, not a result. {MEANING} " if any(is_scripted(row) for row in rows) else ""
    return f"{mark}Judged {unit(rows)}{', ' + title if title else ''}: {said}."


def _labels(rows: Sequence[Row], pairs: bool) -> list[str]:
    if not pairs:
        return [wrapped(row.get("variant")) for row in rows]
    sides = [(row.get("variant"), f"vs {row.get('baseline')}") for row in rows]
    return ["\n".join(wrapped(side) for side in each) for each in sides]


def _title(rows: Sequence[Row], pairs: bool, size: str = "") -> str:
    marked = f"{WORD}: " if any(is_scripted(row) for row in rows) else ""
    title = "pairs of two others" if pairs else f"against {rows[0].get('baseline')}"
    return wrapped(f"{marked}{title}{f', {at(size)}' if size else ''}", LONGEST)


def _height(rows: Sequence[Row], pairs: bool = False, title: str = "", size: str = "") -> float:
    """Inches; rows are of one height, which the longest label sets."""
    lines = max(label.count("\n") + 1 for label in _labels(rows, pairs))
    above = wrapped(title, LONGEST) if title else _title(rows, pairs, size)
    return 1.0 + len(rows) * max(0.64, 0.17 * lines + 0.1) + 0.2 * above.count("\n")


def _draw(axes: Any, rows: Sequence[Row], pairs: bool = False, title: str = "", size: str = "") -> None:
    row_labels(axes, [str(row.get("variant")) for row in rows])
    axes.set_yticks(range(len(rows)), _labels(rows, pairs), linespacing=1.0)
    axes.set_ylim(len(rows) - 0.4, -0.72)
    for y, row in enumerate(rows):
        _bar(axes, y, row)
        _beside(axes, y, row)
    for x, side, (_, word, color, _) in zip((0, 50, 100), ("left", "center", "right"), SHARES, strict=True):
        name = SOFT if word == "tie" else color[0]
        axes.text(x, -0.4, word, ha=side, va="bottom", color=name, fontsize=10.5, fontweight="bold")
    stamp(axes, [y for y, row in enumerate(rows) if is_scripted(row) and judged(row)])
    axes.set_xlim(0, 100)
    axes.set_xticks(range(0, 101, 25))
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="x", color=LINE, length=3)
    axes.set_xlabel(f"% of judged {unit(rows)}", color=SOFT)
    shown = wrapped(title, LONGEST) if title else _title(rows, pairs, size)
    axes.set_title(shown, fontweight="bold" if any(is_scripted(row) for row in rows) else "normal")


def _bar(axes: Any, y: int, row: Row) -> None:
    """One bar: full where a judge spoke, hatched where a script did; errors are told below it."""
    left = 0.0
    for column, _, color, written in SHARES:
        part = share(row, column)
        if part and is_scripted(row):
            axes.barh(y, part, left=left, height=0.56, facecolor=PAPER, edgecolor=color[0], hatch="////", zorder=2)
        elif part:
            axes.barh(y, part, left=left, height=0.56, color=color[0], edgecolor=PAPER, lw=1.4, zorder=2)
            if part >= NARROW:
                middle, look = left + part / 2, {"color": written, "fontsize": 11, "zorder": 3}
                axes.text(middle, y, f"{part:.0f}", ha="center", va="center_baseline", **look)
        left += part
    if not judged(row):
        told = f"{WORD}: {NOTHING}" if is_scripted(row) else NOTHING
        axes.text(50, y, told, ha="center", va="center_baseline", color=SOFT, fontsize=11)
    errors = _count(row, "errors")
    if errors:
        axes.text(0, y + 0.32, f"{words.count(errors, 'error')} apart", va="top", color=SOFT, fontsize=9.8)


def _beside(axes: Any, y: int, row: Row) -> None:
    """Right of the bar: the net win, its interval, and the rate with ties as half."""
    if not judged(row):
        return
    value, low, high = _net(row)
    digits = max(1, min(3, words.decimals(low, high) - 1))
    rate = row.get("half")
    shown = rate if words.is_number(rate) else share(row, "wins") + share(row, "ties") / 2
    known = words.is_number(low) and words.is_number(high)
    lines = [words.interval(low, high, digits) if known else "", f"ties half {shown:.1f} %"]
    where = {"transform": axes.get_yaxis_transform(), "ha": "left"}
    top = f"net {words.signed(value, digits)}"
    axes.text(1.03, y - 0.04, top, va="bottom", fontsize=11.0, fontweight="bold", color=INK, **where)
    below = "\n".join(line for line in lines if line)
    axes.text(1.03, y, below, va="top", fontsize=9.8, color=SOFT, linespacing=1.15, **where)
