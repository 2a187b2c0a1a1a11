"""One published figure beside what leaven makes of the same data."""

from __future__ import annotations

from dataclasses import dataclass

ROUNDOFF = 1e-9
"""Relative. Figures printed with all their digits still depend on the order in which numbers were added."""


@dataclass(frozen=True)
class Check:
    """Attributes:
    group: the kind of figure, e.g. "rates from the annotations".
    what: which figure, e.g. "alpaca-7b by alpaca_eval_gpt4: win_rate".
    source: where it is published: a file and its line, or a document.
    published, ours: None where there is no such number; `published` is what was printed, never what follows from it.
    tolerance: what rounding explains, in the figure's unit.
    ok: |published − ours| ≤ tolerance; None where it could not be checked, and `note` says why.
    note: what a reader should know beside it.
    defect: why the published figure itself is wrong, where that is documented. Such a check fails nothing.
    elsewhere: what another program makes of the same published figures. Nobody published this one: it stands beside
        them as a cross-check and is no part of any sum, unless it differs.
    """

    group: str
    what: str
    source: str
    published: float | None
    ours: float | None
    tolerance: float
    ok: bool | None
    note: str = ""
    defect: str = ""
    elsewhere: str = ""


def rounding(printed: str) -> float:
    """How far a number may lie from its printed digits: half a unit of the last one, and round-off.

    "26.5" may stand for anything from 26.45 to 26.55, "396" for 395.5 to 396.5. Zeros at the end that a program left
    out make it look coarser than it is, never finer.
    """
    mantissa, _, exponent = printed.strip().lower().partition("e")
    places = len(mantissa.partition(".")[2]) - int(exponent or 0)
    return 0.5 * 10.0**-places + ROUNDOFF * max(1.0, abs(float(printed)))


def compare(
    group: str,
    what: str,
    source: str,
    printed: str,
    ours: float,
    *,
    tolerance: float | None = None,
    note: str = "",
    defect: str = "",
) -> Check:
    """A check of a printed number, within its rounding unless told otherwise.

    Args: `defect`: what is documented of this very figure; kept only where it does not agree.
    """
    published = float(printed)
    within = rounding(printed) if tolerance is None else tolerance
    ok = abs(published - ours) <= within
    return Check(group, what, source, published, ours, within, ok, note, "" if ok else defect)


def beside(group: str, what: str, source: str, elsewhere: str, ours: float, *, note: str = "") -> Check:
    """A cross-check of what nobody published with another program's number, within its rounding; "< 1" is a bound."""
    if elsewhere.startswith("<"):
        ok, within = ours < float(elsewhere.removeprefix("<")), 0.0
    else:
        within = rounding(elsewhere)
        ok = abs(float(elsewhere) - ours) <= within
    return Check(group, what, source, None, ours, within, ok, note, elsewhere=elsewhere)


def unchecked(group: str, what: str, source: str, why: str, published: float | None = None) -> Check:
    """A figure, or a number of them, that nothing here can recompute."""
    return Check(group, what, source, published, None, 0.0, None, why)
