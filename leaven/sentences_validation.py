"""What `leaven validate` prints, as lines: the data comes from `leaven.validation`, the words are here."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from leaven.columns import table, width, wrapped
from leaven.validation import STATES, state

if TYPE_CHECKING:
    from leaven.analyze.published.check import Check
    from leaven.validation import Checked, Validation

MOST = 36
"""Figures of one kind that are listed one by one; of more, only those that do not agree."""


def validation_lines(found: Validation) -> list[str]:
    """Every set: how many figures agree, the figures themselves where they are few, and all that do not."""
    lines: list[str] = []
    for each in found.sets:
        lines += [*_set(each), ""]
    for name, needs in found.missing.items():
        lines += wrapped("not checked  ", [f"{name}: its files were not given (--data): {needs}"], most=width())
    counts = found.counts
    checked = sum(counts.values()) - counts["not checked"] - counts["beside"]
    parts = [f"{counts['reproduced']:,} of {checked:,} figures reproduced within rounding"] if checked else []
    parts += [f"{counts['documented']:,} documented as wrong where published"] if counts["documented"] else []
    parts += [f"{counts['not reproduced']:,} not reproduced"] if counts["not reproduced"] else []
    crossed = f"cross-check{'' if counts['beside'] == 1 else 's'} of figures that nobody published agree"
    parts += [f"{counts['beside']:,} {crossed}"] if counts["beside"] else []
    return [*lines, *wrapped("in all       ", parts, most=width())]


def _set(found: Checked) -> list[str]:
    groups: dict[str, list[Check]] = {}
    for check in found.checks:
        groups.setdefault(check.group, []).append(check)
    counted = {group: Counter(map(state, checks)) for group, checks in groups.items()}
    checked = {group: each for group, each in counted.items() if each["not checked"] < each.total()}
    states = [name for name in STATES if any(each[name] for each in checked.values())]
    rows = [[group, *(each[name] or "" for name in states)] for group, each in checked.items()]
    lines = [f"{found.name}: {found.what}{f' · {found.folder}' if found.folder else ''}"]
    lines += table(["figures", *map(_word, states)], rows, numbers=range(1, 1 + len(states)), most=width())
    shown = [
        check
        for checks in groups.values()
        for check in checks
        if check.ok is not None and (len(checks) <= MOST or not check.ok)
    ]
    if shown:
        head = ["figure", "published" if not any(c.elsewhere for c in shown) else "published, or (elsewhere)"]
        head += ["ours", "within", ""]
        rows = [[c.what, _theirs(c), _ours(c), _tolerance(c.tolerance), _word(state(c))] for c in shown]
        lines += ["", *table(head, rows, numbers=(1, 2, 3), most=width())]
    notes = [line for check in found.checks for line in _notes(check, listed=check in shown)]
    return [*lines, "", *notes] if notes else lines


def _notes(check: Check, *, listed: bool) -> list[str]:
    """What must be said of a figure in words."""
    said = state(check)
    if said == "not checked":
        return wrapped("not checked  ", [f"{check.what}, {check.source}: {check.note}"], most=width())
    if said == "documented":
        return wrapped("documented   ", [f"{check.what}, {check.source}: {check.defect}", *_also(check)], most=width())
    if said == "not reproduced":
        return wrapped("differs      ", [f"{check.what}, {check.source}", *_also(check)], most=width())
    return wrapped("beside       ", [f"{check.what}: {check.note}"], most=width()) if listed and check.note else []


def _word(said: str) -> str:
    """A state as the tables call it: what stands beside others' numbers agrees with them."""
    return "agrees" if said == "beside" else said


def _also(check: Check) -> list[str]:
    return [check.note] if check.note else []


def _theirs(check: Check) -> str:
    """The published figure; in brackets what another program makes of published ones."""
    return f"({check.elsewhere})" if check.elsewhere else _number(check.published)


def _ours(check: Check) -> str:
    """A number that is below a bound, as another program's is, is said to be so."""
    return check.elsewhere if check.ok and check.elsewhere.startswith("<") else _number(check.ours)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.8g}"


def _tolerance(value: float) -> str:
    return "0" if value == 0 else f"{value:.1g}"
