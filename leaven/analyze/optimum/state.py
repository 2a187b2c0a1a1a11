"""Whether a best share can be named: identified, at an edge, or not identified; and the sentence that says it.

The rules, for a 95 % interval of the best share within the range of shares that ran:

* *not identified*: the interval holds more than half of the range (METHODS.md §2.5 asks for "spans the range"; half is
  where an interval stops telling a low share from a high one), or single runs at fewer than five shares, or all shares
  score the same to the last digit.
* *at an edge*: otherwise, it reaches the lowest or the highest share that ran. The best may lie there or, where more or
  less was possible, beyond.
* *identified*: otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass

IDENTIFIED, EDGE, NOT_IDENTIFIED = "identified", "at an edge", "not identified"
WIDE = 0.5
"""Part of the range above which an interval names no share."""
TOUCH = 0.01
"""An interval that comes this near an end, in parts of the range, reaches it: the grid has steps of 0.01."""
SINGLE = 5
"""Fewest shares from which single runs tell noise from shape."""


@dataclass(frozen=True)
class Best:
    """The best share `best` with its interval, within the shares `least` … `most` that ran."""

    best: float
    low: float
    high: float
    least: float
    most: float

    @property
    def at_least(self) -> bool:
        return self.low <= self.least + TOUCH * (self.most - self.least)

    @property
    def at_most(self) -> bool:
        return self.high >= self.most - TOUCH * (self.most - self.least)


def state(found: Best, seeds: int = 2, shares: int = SINGLE) -> tuple[str, str]:
    """(state, why)."""
    if seeds < 2 and shares < SINGLE:
        return NOT_IDENTIFIED, f"single runs at {shares} shares do not tell noise from shape: run at least 3 seeds"
    width = (found.high - found.low) / (found.most - found.least)
    single = "; single runs: noise is judged by how smoothly the points lie" if seeds < 2 else ""
    if width > WIDE:
        return NOT_IDENTIFIED, f"the interval holds {100 * width:.0f} % of the range that was tried{single}"
    if found.at_least or found.at_most:
        which = "lowest" if found.at_least else "highest"
        return EDGE, f"the interval reaches the {which} share that was tried, {percent(_end(found))}{single}"
    return IDENTIFIED, f"the interval holds {100 * width:.0f} % of the range and neither of its ends{single}"


def sentence(name: str, of: str, found: Best, stated: str, *, flat: bool = False) -> str:
    """What a decision maker reads of one measure; `flat`: all shares score the same."""
    if flat:
        return f"{name}: the best share of {of} is not identified; all shares that ran score the same."
    span = f"{percent(found.low)} to {percent(found.high)}"
    if stated == IDENTIFIED:
        return f"{name}: best at {percent(found.best)} {of}, 95 % interval {span}."
    if stated == NOT_IDENTIFIED:
        return f"{name}: the best share of {of} is not identified; anything from {span} may be best."
    if found.at_least:
        beyond = "" if found.least <= 0 else ", and less than was tried may be better still"
        only = found.high <= found.least + TOUCH * (found.most - found.least)
        top = f"{percent(found.least)} is best" if only else f"at most {percent(found.high)} {of} is best"
        if found.best > found.least + TOUCH * (found.most - found.least):
            return (
                f"{name}: {top} (best guess {percent(found.best)}); the least that was tried is not ruled out{beyond}."
            )
        return f"{name}: the less {of} the better; {top}{beyond}."
    beyond = "" if found.most >= 1 else ", and more than was tried may be better still"
    all_of_it = found.low >= found.most - TOUCH * (found.most - found.least)
    floor = f"{percent(found.most)} is best" if all_of_it else f"at least {percent(found.low)} is best"
    if found.best < found.most - TOUCH * (found.most - found.least):
        return f"{name}: {floor} (best guess {percent(found.best)}); the most that was tried is not ruled out{beyond}."
    return f"{name}: the more {of} the better; {floor}{beyond}."


def percent(share: float) -> str:
    """A share as people say it: `25 %`, `2.5 %`, `0 %`."""
    hundred = 100 * share
    return f"{hundred:.0f} %" if hundred >= 10 or abs(hundred - round(hundred)) < 0.05 else f"{hundred:.1f} %"


def _end(found: Best) -> float:
    return found.least if found.at_least else found.most
