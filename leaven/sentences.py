"""What the commands print, as lines: the data comes from `lab`, the words are here."""

from __future__ import annotations

import contextlib
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from leaven.corpus.look.visible import visible


@contextlib.contextmanager
def waiting(what: str, *, quiet: bool = False) -> Iterator[None]:
    """Show that something is going on that takes seconds: a moving sign on a terminal, nothing elsewhere."""
    from rich.console import Console

    console = Console()
    if quiet or not console.is_terminal:
        yield
        return
    with console.status(what):
        yield


def print_json(data: Any) -> None:
    """Data for programs."""
    print(json.dumps(data, indent=1, ensure_ascii=False))


def status_lines(found: Mapping[str, Any], study: str) -> list[str]:
    """How far a study is, kind by kind, and what a run in progress says."""
    lines = [f"study     {found.get('kept', found['study'])}: {found['done']} of {found['steps']} steps done"]
    lines += [f"  {kind:<10} {row['done']}/{row['steps']}" for kind, row in found["kinds"].items()]
    live = found["running"]
    if live:
        left = f"about {live['remaining_seconds']:.0f} s left"
        lines.append(f"running   process {live['process']}, {live['seconds']:.0f} s gone, {left}")
        for name, row in live["running"].items():
            lines.append(f"  {name} {row['done'] / row['total']:.0%}" if row["total"] else f"  {name}")
    elif found["done"] < found["steps"] and "kept" in found:
        lines.append("not running; leaven run with its study file and options computes the rest")
    elif found["done"] < found["steps"]:
        lines.append(f"not running; leaven run {study} continues it")
    return lines


def taken_lines(told: Sequence[str], most: int) -> list[str]:
    """What was taken as what in a table of somebody else's, a sentence a line, folded to `most` columns."""
    lines: list[str] = []
    for said in told:
        head = " " * 10 if lines else "taken     "
        lines += textwrap.wrap(
            visible(said), most, initial_indent=head, subsequent_indent=" " * 12, break_on_hyphens=False
        )
    return lines


def why_lines(found: Mapping[str, Any]) -> list[str]:
    """Whether a step is in the store and, if not, what differs from the nearest that is."""
    lines = [f"{found['step']}  {found['identity']}", *(f"  the same step as {name}" for name in found["also"])]
    nearest = found["nearest"]
    if found["exists"]:
        return [*lines, f"in the store, finished {found['finished']} ({found['seconds']:.1f} s)"]
    if nearest is None:
        return [*lines, f"not in the store, and no other {found['kind']} step is"]
    which = f"{nearest['name']} ({nearest['identity'][:12]}, {nearest['finished']})"
    lines.append(f"not in the store. nearest: {which}, which differs in")
    return lines + [f"  {row['field']}   {row['nearest']} → {row['this']}" for row in found["differs"]]
