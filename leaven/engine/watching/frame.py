"""A study as a picture of text: header, phases, runs stage by stage, what runs now, curves, failures.

Every line fits the width. Where there is a height, what matters least gives way first: variants with nothing under way,
then the height of the curves, the curves, the phases, the variants. The header and failures stay. Names and notes come
from files and models and are made visible.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from rich.text import Text

from leaven.corpus.look.visible import cells, cut
from leaven.engine.display import PHASES, clock
from leaven.engine.watching.curves import Points, Track
from leaven.engine.watching.outline import Run
from leaven.engine.watching.plot import COLOURS, MARKS, Curve, plot
from leaven.engine.watching.view import BLOCKED, DONE, FAILED, RUNNING, STOPPED, WAITING, At, View
from leaven.study.amounts import short

SIGNS = {DONE: "●", RUNNING: "◐", STOPPED: "◌", FAILED: "✗", BLOCKED: "–", WAITING: "·"}
STYLES = {DONE: "green", RUNNING: "cyan", STOPPED: "yellow", FAILED: "red", BLOCKED: "magenta", WAITING: "dim"}
WORDS = {
    "waiting": "has not been run",
    "killed": "killed; run it again to continue",
    "stopped": "stopped; run it again to continue",
    "unknown": "its store is not here, so nobody knows whether it goes on; --store says where it is",
}
OVERALL = {
    "done": "green",
    "running": "cyan",
    "failed": "red",
    "killed": "yellow",
    "stopped": "yellow",
    "unknown": "yellow",
}
BAR = 22
ROWS = range(5, 13)
"""Rows of a plot: at least, and below which number."""
PLAIN_ROWS = 9
LEAST = 4
"""Lines for what runs and for the variants, before the phases have any."""
MOST = len(MARKS)
"""Curves at once."""


def frame(view: View, tracks: Sequence[Track], count: int, width: int, height: int | None = None) -> list[Text]:
    """The lines of the picture.

    Args:
        tracks: the curves that may be drawn, those that matter most first; `count`: how many there are.
        height: lines there is room for.
    """
    head, phases = _header(view, width), _phases(view, width)
    failures = _failures(view, width, None if height is None else 3)
    fixed = len(head) + 1 + (len(failures) + 1 if failures else 0)
    if height is not None and fixed + len(phases) + LEAST > height:
        phases = []
    fixed += len(phases)
    room = None if height is None else height - fixed
    drawn, rows = _share(len(tracks[:MOST]), room)
    left = None if room is None else room - (rows + 3 + drawn + 2 if drawn else 0)
    running = _running(view, width, None if left is None else max(left // 3 - 1, 1))
    left = None if left is None else left - (len(running) + 1 if running else 0)
    runs = _runs(view, width, None if left is None else left - 1)
    left = None if left is None else left - (len(runs) + 1 if runs else 0)
    if drawn and left is not None:
        rows = min(rows + max(left, 0), ROWS[-1])
    curves = _curves(sorted(tracks[:drawn], key=lambda track: track.place), count, rows, width) if drawn else []
    sections = [phases, runs, running, curves, failures]
    for least in (curves, runs, phases, running):
        if height is not None and len(_joined(head, sections)) > height:
            sections = [section for section in sections if section is not least]
    lines = _joined(head, sections)
    return lines if height is None else lines[:height]


def _joined(head: Sequence[Text], sections: Sequence[Sequence[Text]]) -> list[Text]:
    """The header, and the sections that hold something, each after an empty line."""
    return [*head, *(line for section in sections if section for line in (Text(), *section))]


def _share(tracks: int, room: int | None) -> tuple[int, int]:
    """How many curves are drawn, and the rows of their plot at least."""
    if room is None:
        return tracks, PLAIN_ROWS
    drawn = min(tracks, max(1, room // 5))
    return (drawn, ROWS[0]) if room >= ROWS[0] + drawn + 10 else (0, 0)


def _header(view: View, width: int) -> list[Text]:
    said = [Text(view.study, style="bold"), Text(WORDS.get(view.state, view.state), style=OVERALL.get(view.state, ""))]
    if view.elapsed is not None and view.state != WAITING:
        took = clock(view.elapsed)
        said.append(Text(f"{took} gone" if view.state == RUNNING else f"the last run took {took}"))
    if view.remaining is not None:
        said.append(Text(f"about {clock(view.remaining)} left"))
    if view.process is not None:
        said.append(Text(f"process {view.process}{' on ' * bool(view.host)}{view.host}", style="dim"))
    if view.where:
        said.append(Text(view.where, style="dim"))
    if view.hosts:
        said.append(Text(f"working: {', '.join(view.hosts)}", style="dim"))
    if not view.steps:
        return _flow(said, width)
    counts = [Text(f"{len(view.of(DONE))} of {len(view.steps)} steps")]
    for state in (RUNNING, STOPPED, FAILED, BLOCKED, WAITING):
        if number := len(view.of(state)):
            counts.append(Text(f"{number} {state}", style=STYLES[state]))
    if lost := sum(at.lost for at in view.steps):
        counts.append(Text(f"{lost} begun again after a machine was lost", style="yellow"))
    now, mean = view.speed
    if now or mean:
        words = [f"{short(now)} tok/s now"] if now else []
        counts.append(Text(", ".join([*words, *([f"{short(mean)} tok/s on average"] if mean else [])])))
    return [*_flow(said, width), *_flow(counts, width)]


def _flow(parts: Sequence[Text], width: int) -> list[Text]:
    """Parts with dots between, on as many lines as they take."""
    lines: list[Text] = []
    for part in parts:
        shown = Text(cut(part.plain, width), style=part.style)
        if lines and cells(lines[-1].plain) + 3 + cells(shown.plain) <= width:
            lines[-1] = lines[-1] + Text(" · ", style="dim") + shown
        else:
            lines.append(Text() + shown)
    return lines


def _phases(view: View, width: int) -> list[Text]:
    lines = []
    named = {kind for _, kinds in PHASES for kind in kinds}
    for phase, kinds in (*PHASES, ("others", ())):
        steps = [at for at in view.steps if at.step.kind in kinds or (not kinds and at.step.kind not in named)]
        if not steps:
            continue
        done = sum(at.state == DONE for at in steps)
        partly = sum(at.share or 0.0 for at in steps if at.state in (RUNNING, STOPPED))
        line = Text(f"{phase:<11}") + _bar((done + partly) / len(steps), min(BAR, width - 30))
        line.append(f" {f'{done}/{len(steps)}':>9}")
        for state in (RUNNING, STOPPED, FAILED, BLOCKED):
            if number := sum(at.state == state for at in steps):
                line.append(f"  {number} {state}", style=STYLES[state])
        lines.append(_fitted(line, width))
    return lines


def _bar(share: float, width: int) -> Text:
    full = int(min(max(share, 0.0), 1.0) * width + 1e-9)
    style = STYLES[DONE] if full == width else STYLES[RUNNING]
    return Text.assemble(("━" * full, style), ("─" * (width - full), "dim"))


def _runs(view: View, width: int, most: int | None) -> list[Text]:
    """A line a variant: its stages with each seed, and what follows them. The marks are told above."""
    rows: dict[tuple[str, str], list[Run]] = {}
    for run in view.outline.runs:
        rows.setdefault((run.variant, run.size), []).append(run)
    if not rows or (most is not None and most < 3):
        return []
    sizes = len({size for _, size in rows}) > 1
    names = {key: cut(f"{key[0]}@{key[1]}" if sizes else key[0], max(width // 3, 10)) for key in rows}
    wide = max(cells(name) for name in names.values())
    shown = [*rows]
    if most is not None and len(rows) >= most:
        shown = sorted(rows, key=lambda key: _matters(view, rows[key]))[: most - 2]
    lines = [_marks(width)]
    drawn = {key: [_cell(view, run) for run in rows[key]] for key in shown}
    widest = max(cells(cell.plain) for line in drawn.values() for cell in line)
    for key in [key for key in rows if key in shown]:
        line = Text(names[key] + " " * (wide - cells(names[key])))
        for place, cell in enumerate(drawn[key]):
            if cells(line.plain) + 2 + widest > width - 9 and place < len(drawn[key]) - 1:
                line.append(f"  +{len(drawn[key]) - place} seeds", style="dim")
                break
            line.append("  ").append(cell).append(" " * (widest - cells(cell.plain)))
        line.rstrip()
        lines.append(_fitted(line, width))
    if left := len(rows) - len(shown):
        lines.append(_more(left, "variant"))
    return lines


def _matters(view: View, runs: Sequence[Run]) -> int:
    """How early a variant is shown where there is no room for all: what is under way, what failed, what is to come."""
    order = (RUNNING, FAILED, STOPPED, BLOCKED, WAITING, DONE)
    return min(order.index(view.steps[at].state) for run in runs for at in (*run.stages, *run.after))


def _marks(width: int) -> Text:
    line = Text()
    for state, sign in SIGNS.items():
        line.append(f"{sign} {state}  ", style=STYLES[state])
    line.append("stages│evaluations", style="dim")
    return _fitted(line, width)


def _cell(view: View, run: Run) -> Text:
    """`1 ●◐│·· 43%`: a seed, its stages, what follows them; the share is that of the last of them under way."""
    cell = Text.assemble((f"{run.seed} ", "dim"))
    share = ""
    for index, place in enumerate((*run.stages, *run.after)):
        at = view.steps[place]
        if index == len(run.stages):
            cell.append("│", style="dim")
        cell.append(SIGNS[at.state], style=STYLES[at.state])
        if at.state in (RUNNING, STOPPED) and at.share is not None:
            share = f"{at.share:4.0%}"
    return cell.append(f"{share:<4}", style=STYLES[RUNNING])


def _running(view: View, width: int, most: int | None) -> list[Text]:
    """A line for each step under way: how far, where, and what it says."""
    under_way = view.of(RUNNING) or view.of(STOPPED)
    if not under_way:
        return []
    under_way.sort(key=lambda at: at.step.kind != "stage")
    shown = under_way if most is None or len(under_way) <= most else under_way[: max(most - 1, 1)]
    wide = min(max((cells(cut(at.step.name, width // 2)) for at in shown), default=0), width // 2)
    lines = []
    for at in shown:
        name = cut(at.step.name, wide)
        line = Text(name + " " * (wide - cells(name)) + "  ")
        line = line + _bar(at.share or 0.0, 10) + Text("     " if at.share is None else f" {at.share:4.0%}")
        if at.note:
            line.append(f"  {at.note}")
        if at.where:
            line.append(f"  on {at.where}", style="dim")
        if at.lost:
            line.append(f"  begun again ({at.lost})", style="yellow")
        lines.append(_fitted(line, width))
    if (left := len(under_way) - len(shown)) and (most is None or len(lines) < most):
        lines.append(_more(left, "step"))
    return lines


def _curves(tracks: Sequence[Track], count: int, rows: int, width: int) -> list[Text]:
    """Loss at the left, bits per byte at the right, and a line for each curve below."""
    half = (width - 2) // 2
    end = max(track.end for track in tracks)
    sources = sorted({source for track in tracks for source in track.bpb})
    title = f"bits per byte, mean of {len(sources)}" if len(sources) > 1 else f"bits per byte {' '.join(sources)}"
    signs = _signs(tracks)
    left = plot(_drawn([track.loss for track in tracks], signs), half, rows, "train loss", end)
    right = plot(_drawn([track.mean_bpb() for track in tracks], signs), half, rows, cut(title, half), end)
    lines = []
    for one, other in zip(left, right, strict=True):
        lines.append(Text.assemble(one, " " * (half + 2 - cells(one.plain)), other))
    wide = min(max(cells(cut(track.label, width)) for track in tracks), max(width - 44, 12))
    for sign, track in zip(signs, tracks, strict=True):
        name = cut(track.label, wide)
        line = Text.assemble((MARKS[sign], f"bold {COLOURS[sign]}"), f" {name}{' ' * (wide - cells(name))}")
        if track.loss:
            line.append(f"  loss {track.loss[-1][1]:.3f}")
        last = [f"{source} {points[-1][1]:.3f}" for source, points in track.bpb.items()]
        if last:
            line.append(f"  bpb {', '.join(last)}")
        lines.append(_fitted(line, width))
    if count > len(tracks):
        lines.append(_more(count - len(tracks), "curve"))
    return lines


def _signs(tracks: Sequence[Track]) -> list[int]:
    """Of each curve which letter and colour it has: those of its place in the study, whatever else is drawn; where two
    places share them, the later one has the next that are free."""
    taken: list[int] = []
    first = {track.place % MOST: track.place for track in reversed(tracks)}
    for track in tracks:
        own = track.place % MOST
        free = [sign for sign in range(MOST) if sign not in taken and sign not in first]
        taken.append(own if first[own] == track.place else min(free))
    return taken


def _drawn(all_points: Sequence[Points], signs: Sequence[int]) -> list[Curve]:
    return [Curve(points, COLOURS[sign], MARKS[sign]) for points, sign in zip(all_points, signs, strict=True)]


def _failures(view: View, width: int, most: int | None) -> list[Text]:
    """Of each the first line of why, and how to read all of it."""
    lines = []
    failed = view.of(FAILED)
    for at in failed[:most]:
        first = at.note.split("\n", 1)[0]
        lines.append(_fitted(Text(f"{SIGNS[FAILED]} {at.step.name} failed: {first}", style=STYLES[FAILED]), width))
        lines.append(_fitted(Text(f"  {log_command(view, at)}", style="dim"), width))
    if most is not None and len(failed) > most:
        lines.append(_more(len(failed) - most, "failed step"))
    return lines


def _more(number: int, what: str) -> Text:
    return Text(f"and {number} more {what}{'' if number == 1 else 's'}", style="dim")


def log_command(view: View, at: At) -> str:
    """What shows everything that a step said."""
    return f"leaven logs {shlex.join([at.step.name, '--study', view.study, *view.options])}"


def _fitted(line: Text, width: int) -> Text:
    """The line with everything visible, in at most `width` columns; its colours stay where nothing had to change."""
    shown = cut(line.plain, width)
    if shown == line.plain:
        return line
    if line.plain.startswith(shown[:-1]):
        made = line[: len(shown) - 1]
        made.append(shown[-1])
        return made
    return Text(shown, style=line.style)
