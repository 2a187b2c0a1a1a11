"""The paper's Figures 2 to 6 from a study's own scores, in its order and manner, with intervals and its values beside.

Where a study's measure is the paper's own (accuracy of its suite, in per cent), the published value is a diamond on
our bar; where it is another (bits per byte), the paper has a panel of its own: its numbers are single runs without
intervals and in another unit, so they may be set beside ours and not be subtracted from them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from leaven.analyze.published.paper_results import Number, of_part
from leaven.report import words
from leaven.report.canvas import SOFT, Entry
from leaven.report.chart import Chart, Panel
from leaven.report.contents import Contents, Row
from leaven.report.markup import Html, Node, tag
from leaven.report.palette import Look, looks
from leaven.report.paper_arms import FINAL, Arm, Shown, arms, asked, published, score, shown
from leaven.report.paper_bars import THEIRS, Bar, Group, Line, grouped, height, over_share
from leaven.report.paper_sentences import said_of, told

TITLES = {
    "2": "Starting from code",
    "3": "Two sizes",
    "4": "The share of code",
    "5a": "Kinds of code",
    "5b": "Synthetic code in the mix, after continuing on text",
    "6": "Code in the cooldown",
}
NONE = "no intervals published"
BITS = "bits per byte"
PAPER_SIZES = {"470m", "2.8b"}
HEIGHT = 3.0
"""Of a panel of lines, in inches."""


def charts(contents: Contents) -> list[Chart]:
    """The figures that the study repeats and has scores for, in the paper's order."""
    made = [_MAKE[name](contents, name) for name in asked(contents)]
    return [drawing for drawing in made if drawing is not None]


def _first(contents: Contents) -> tuple[str, Contents]:
    """The first size and what is there of it."""
    return contents.each_size[0]


def _categories(part: str) -> list[str]:
    return list(dict.fromkeys(number.category for number in of_part(part)))


def _bars(contents: Contents, name: str) -> Chart | None:
    """Figures 2, 5 and 6: a panel for each category, a bar for each variant; the paper's own panel beside ours."""
    part = f"figure {name}"
    size, here = _first(contents)
    found, measures = arms(here, part), shown(here, _categories(part))
    found = [arm for arm in found if any(score(here, arm, measure) for measure in measures)]
    if len(found) < 2 or not measures:
        return None
    colors, panels = _colors(found, part), []
    for measure in measures:
        group = _group(here, part, found, measure)
        panels.append(_panel([group], colors, measure.name, _unit(measure), _below(measure, group)))
        if not measure.same:
            theirs = _published_group("", part, found, measure.category)
            panels.append(_panel([theirs], colors, _title(measure.category, "470M"), "%", NONE))
    said = said_of(here, found, measures)
    return _chart(name, said, measures, panels, {}, _rows(here, part, found, measures, size))


def _scale(contents: Contents, name: str) -> Chart | None:
    """Figure 3: both sizes side by side."""
    part = "figure 3"
    each = contents.each_size
    if len(each) < 2:
        return None
    found, measures = arms(each[-1][1], part), shown(each[0][1], _categories(part))
    if not found or not measures:
        return None
    colors, panels = _colors(found, part), []
    at = {size: [_at(here, arm) for arm in found] for size, here in each}
    for measure in measures:
        groups = [_group(here, part, at[size], measure, label=size, size=size) for size, here in each]
        below = " · ".join(dict.fromkeys(_below(measure, group) for group in groups if _below(measure, group)))
        panels.append(_panel(groups, colors, measure.name, _unit(measure), below))
        if not (measure.same and set(at) >= PAPER_SIZES):
            theirs = [_published_group(s.upper(), part, found, measure.category, s) for s in sorted(PAPER_SIZES)[::-1]]
            panels.append(_panel(theirs, colors, _title(measure.category), "%", NONE))
    like = {each[0][0]: "470m", each[-1][0]: "2.8b"} | {size: size for size in PAPER_SIZES}
    rows = [row for size, here in each for row in _rows(here, part, at[size], measures, size, among=like.get(size))]
    said = told(contents.transfer, measures) or str(contents.transfer.get("said") or "")
    said = said or " ".join(_at_size(size, said_of(here, at[size], measures)) for size, here in each)
    return _chart(name, words.sentence(said), measures, panels, colors, rows)


def _at_size(size: str, said: str) -> str:
    return f"At {size}, {said[0].lower()}{said[1:]}"


def _at(contents: Contents, arm: Arm) -> Arm:
    """The arm at another size: at the same point where that was evaluated, else before a cooldown, else at its end."""
    there = {row.get("point") for row in contents.scores if row.get("variant") == arm.variant}
    point = next((point for point in (arm.point, "before cooldown") if point in there), FINAL)
    return Arm(arm.variant, point, arm.published)


def _sweep(contents: Contents, name: str) -> Chart | None:
    """Figure 4: lines over the share of code."""
    part = "figure 4"
    size, here = _first(contents)
    swept = contents.verdict.get("sweep") or {}
    place = {str(key): 100 * float(value) for key, value in (swept.get("shares") or {}).items()}
    published_at = {number.variant: 100 * (number.share or 0.0) for number in of_part(part)}
    found = [arm for arm in arms(here, part) if arm.variant in place or (not place and arm.published)]
    found.sort(key=lambda arm: place.get(arm.variant, published_at.get(arm.published, 0.0)))
    at = {arm.variant: place.get(arm.variant, published_at.get(arm.published, 0.0)) for arm in found}
    measures = shown(here, _categories(part))
    marks = looks([measure.name for measure in measures])
    panels = []
    for measure in measures:
        line = _line(here, found, measure, at, marks[measure.name])
        if line is None:
            continue
        theirs = _published_line(part, measure.category)
        of = f"% of {swept.get('of') or 'code'}{', ' + way if (way := _way(measure)) else ''}"
        panels.append(_lines([line, theirs] if measure.same else [line], measure.name, of, _unit(measure)))
        if not measure.same:
            panels.append(_lines([theirs], _title(measure.category, "470M"), f"% of code, {NONE}", "%"))
    if not panels:
        return None
    said = told(contents.optimum, measures) or said_of(here, found, measures)
    return _chart(name, said, measures, panels, {}, _rows(here, part, found, measures, size))


_MAKE: dict[str, Callable[[Contents, str], Chart | None]] = {
    "2": _bars,
    "3": _scale,
    "4": _sweep,
    "5a": _bars,
    "5b": _bars,
    "6": _bars,
}


def _chart(
    name: str,
    said: str,
    measures: Sequence[Shown],
    panels: Sequence[Panel],
    legend: dict[str, Look],
    rows: Sequence[Sequence[Node]],
) -> Chart:
    """`legend`: colours that the panels do not name themselves."""
    lines = name == "4"
    notes = [
        f"{'Lines' if lines else 'Lines in the bars'}: 95 % intervals over seeds and items. A difference can be surer "
        "than they look: verdicts pair runs on the same seeds and items, and intervals that meet decide nothing."
    ]
    if not lines and not all(measure.share for measure in measures):
        where = "of the baseline" if name != "3" else "of the baseline at that size"
        notes.append(f"Bars of bits per byte begin at the score {where} (thin line); down is better.")
    if any(measure.same for measure in measures):
        what = "Dashed lines" if lines else "Diamonds, and numbers in brackets"
        notes.append(f"{what}: what the paper published, of one run and without an interval.")
    if not all(measure.same for measure in measures):
        notes.append("The paper's panels show other measures of other models: compare the pattern, not the height.")
    if lines:
        notes.append("The paper's points were read off its drawing (±0.05).")
    return Chart(
        name=f"paper-figure-{name}",
        title=f"{TITLES[name]} (the paper's Figure {name})",
        sentence=said,
        note=" ".join(notes),
        panels=panels,
        head=["variant", "size", "at", "measure", "this study", "the paper", "of what"],
        rows=rows,
        numbers=(4, 5),
        legend=_legend(legend) if legend else None,
        entries=[Entry(label, look.color) for label, look in legend.items()],
        data=("scores.csv",),
    )


def _legend(colors: dict[str, Look]) -> Html:
    return tag(
        "ul",
        [
            tag("li", tag("span", class_="swatch", style=f"background:var(--{look.name})"), " ", label)
            for label, look in colors.items()
        ],
        class_="key",
    )


def _colors(found: Sequence[Arm], part: str) -> dict[str, Look]:
    """One look for each arm, and for each variant of the paper that the study has no arm of."""
    known = {arm.published for arm in found}
    return looks([*(arm.variant for arm in found), *_alone(known, part)])


def _alone(known: set[str], part: str) -> list[str]:
    """The paper's variants, where none of the study's is called like one of them."""
    return [] if known - {""} else list(dict.fromkeys(number.variant for number in of_part(part)))


def _title(category: str, size: str = "") -> str:
    return f"the paper{f' ({size})' if size else ''}: {category}"


def _unit(measure: Shown) -> str:
    return "%" if measure.share else BITS if measure.measure.get("statistic") in BITS_OF else "score"


BITS_OF = ("bits_per_byte", "gold_bpb")


def _way(measure: Shown) -> str:
    return "down is better" if measure.measure.get("better") == "lower" else ""


def _below(measure: Shown, group: Group) -> str:
    """What stands under a panel: which way is better, and whose the diamonds are."""
    theirs = f"{THEIRS}, no interval" if any(bar.theirs is not None for bar in group.bars) else ""
    return " · ".join(word for word in (_way(measure), theirs) if word)


def _group(
    contents: Contents, part: str, found: Sequence[Arm], measure: Shown, label: str = "", size: str = ""
) -> Group:
    """The bars of one measure; bits per byte begin at the baseline's score, the first arm's where it has none."""
    bars = []
    for arm in found:
        row = score(contents, arm, measure)
        theirs = published(part, arm.published, measure.category, size) if measure.same and arm.published else None
        low, high = (_scaled(row, key, measure) for key in ("low", "high"))
        bars.append(Bar(arm.variant, _scaled(row, "mean", measure), low, high, theirs.value if theirs else None))
    starts = {bar.arm: bar.value for bar in bars if bar.value is not None}
    start = 0.0 if measure.share else starts.get(contents.baseline, next(iter(starts.values()), 0.0))
    return Group(label, bars, start, 1 if measure.share else 3)


def _published_group(label: str, part: str, found: Sequence[Arm], category: str, size: str = "") -> Group:
    """The paper's own bars, under the names that the study has for them."""
    names = {arm.variant: arm.published for arm in found if arm.published}
    names |= {name: name for name in _alone(set(names.values()), part)}
    known = [(ours, published(part, theirs, category, size)) for ours, theirs in names.items()]
    return Group(label, [Bar(name, number.value) for name, number in known if number is not None])


def _scaled(row: Row | None, key: str, measure: Shown) -> float | None:
    value = None if row is None else row.get(key)
    return measure.factor * float(value) if words.is_number(value) else None


def _panel(groups: Sequence[Group], colors: dict[str, Look], title: str, unit: str, below: str) -> Panel:
    said = "; ".join(
        (f"{group.label}: " if group.label else "")
        + ", ".join(
            f"{bar.arm} {words.number(bar.value, group.digits)}"
            + (f" (the paper {words.number(bar.theirs, 1)})" if bar.theirs is not None else "")
            for bar in group.bars
            if bar.value is not None
        )
        for group in groups
    )
    draw = partial(grouped, groups=groups, looks=colors, title=title, unit=unit, below=below)
    return Panel(draw, height(groups), f"Bars, {title}, {unit}. {said}.")


def _line(contents: Contents, found: Sequence[Arm], measure: Shown, place: dict[str, float], look: Look) -> Line | None:
    points = []
    for arm in found:
        row = score(contents, arm, measure)
        value = _scaled(row, "mean", measure)
        if value is not None:
            points.append((place[arm.variant], value, _scaled(row, "low", measure), _scaled(row, "high", measure)))
    return Line("this study", look.color, look.marker, points) if len(points) > 1 else None


def _published_line(part: str, category: str) -> Line:
    found = [number for number in of_part(part) if number.category == category]
    return Line("the paper", SOFT, "D", [(100 * (n.share or 0.0), n.value, None, None) for n in found], dashed=True)


def _lines(lines: Sequence[Line], title: str, below: str, unit: str) -> Panel:
    said = "; ".join(
        f"{line.label}: " + ", ".join(f"{words.number(y, 2)} at {x:.0f} %" for x, y, _, _ in line.points)
        for line in lines
    )
    draw = partial(over_share, lines=lines, title=title, of=below, unit=unit)
    return Panel(draw, HEIGHT, f"Lines, {title}, {unit}, over {below}. {said}.")


def _rows(
    contents: Contents, part: str, found: Sequence[Arm], measures: Sequence[Shown], size: str, among: str | None = ""
) -> list[list[Node]]:
    """The numbers behind a figure: ours with its interval, the paper's with what is known of it.

    `among`: the paper's size beside this one, "" for any, None for none.
    """
    rows: list[list[Node]] = []
    for arm in found:
        for measure in measures:
            row = score(contents, arm, measure)
            known = arm.published and among is not None
            theirs = published(part, arm.published, measure.category, among or "") if known else None
            if row is not None or theirs is not None:
                about: list[Node] = [arm.variant, size or words.MISSING, arm.point, measure.name]
                rows.append([*about, _ours(row, measure), *_theirs(theirs)])
    return rows


def _ours(row: Row | None, measure: Shown) -> str:
    value, low, high = (_scaled(row, key, measure) for key in ("mean", "low", "high"))
    if value is None:
        return words.MISSING
    digits = 1 if measure.share else 3
    unit = " %" if measure.share else ""
    shown_ = f"{words.number(value, digits)}{unit}"
    return shown_ if low is None else f"{shown_} [{words.number(low, digits)}, {words.number(high, digits)}]"


def _theirs(number: Number | None) -> list[str]:
    if number is None:
        return [words.MISSING, words.MISSING]
    return [f"{number.shown} %", f"{number.category}, {number.size.upper()}, {number.part}, {number.kind}"]
