"""Numbers as people read them: signs, intervals, amounts, probabilities. Pure text, no HTML.

The minus sign is U+2212, so that negative numbers align with positive ones; a missing or infinite number is `–`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeGuard

MISSING = "–"


def is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def number(value: Any, digits: int = 3) -> str:
    """`value` with `digits` decimals."""
    return f"{value:,.{digits}f}".replace("-", "−") if is_number(value) else MISSING


def signed(value: Any, digits: int = 1) -> str:
    """`+0.2` or `−6.1`; zero after rounding has no sign."""
    if not is_number(value):
        return MISSING
    shown = f"{value:+,.{digits}f}".replace("-", "−")
    return shown[1:] if not any(digit in shown for digit in "123456789") else shown


def decimals(*values: Any) -> int:
    """How many decimals numbers of this spread deserve: two significant digits of the narrowest difference."""
    known = sorted({float(value) for value in values if is_number(value)})
    gaps = [high - low for low, high in pairwise(known) if high > low]
    if not gaps:
        return 1
    return min(4, max(1, 1 - math.floor(math.log10(min(gaps)))))


def unit(word: str) -> str:
    return {"points": " points", "%": " %"}.get(word, f" {word}" if word else "")


def effect(value: Any, low: Any, high: Any, word: str) -> str:
    """`+0.2 % [−0.4, +0.8]`; one to four decimals, as the width of the interval deserves."""
    if not is_number(value):
        return MISSING
    digits = max(1, min(3, decimals(low, high) - 1))
    shown = f"{signed(value, digits)}{unit(word)}"
    return f"{shown} {interval(low, high, digits)}" if is_number(low) and is_number(high) else shown


def interval(low: Any, high: Any, digits: int) -> str:
    return f"[{signed(low, digits)}, {signed(high, digits)}]"


def probability(value: Any) -> str:
    """`p < 0.001` or `p = 0.034`."""
    if not is_number(value):
        return MISSING
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}" if value < 0.1 else f"p = {value:.2f}"


def amount(value: Any) -> str:
    """A count in three digits and a suffix from ten thousand on: `2.05M`, `400B`, `812`, `9,600`."""
    if not is_number(value):
        return MISSING
    for size, suffix in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "K")):
        if abs(value) >= max(size, 1e4) * 0.9995:
            return f"{_three(value / size)}{suffix}"
    return f"{value:,.0f}"


def _three(value: float) -> str:
    """Three significant digits without an exponent or trailing zeros."""
    digits = max(0, 2 - math.floor(math.log10(abs(value)))) if value else 0
    shown = f"{value:.{digits}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def flops(value: Any) -> str:
    """Floating-point operations as `1.3 × 10^13`, in superscript digits."""
    if not is_number(value) or value <= 0:
        return MISSING
    power = math.floor(math.log10(value))
    if round(value / 10**power, 1) >= 10:
        power += 1
    raised = str(power).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))
    return f"{value / 10**power:.1f} × 10{raised}"


def size(value: Any) -> str:
    """Bytes in decimal units: `14.2 MB`."""
    if not is_number(value):
        return MISSING
    for step, suffix in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if abs(value) >= step:
            return f"{value / step:.1f} {suffix}"
    return f"{value:.0f} B"


def duration(value: Any) -> str:
    """Seconds as `8.4 s`, `3 min 20 s` or `5 h 12 min`."""
    if not is_number(value):
        return MISSING
    if round(value, 1) < 60:
        return f"{value:.1f} s"
    minutes, seconds = divmod(round(value), 60)
    if minutes < 60:
        return f"{minutes} min {seconds:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours:,} h {minutes:02d} min"


def percent(value: Any, digits: int = 1) -> str:
    """A share in [0, 1] as a percentage."""
    return f"{number(100 * value, digits)} %" if is_number(value) else MISSING


def count(how_many: int, one: str, many: str = "") -> str:
    """`1 seed`, `3 seeds`."""
    return f"{how_many:,} {one if how_many == 1 else many or one + 's'}"


def listing(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} and {words[-1]}"


def sentence(words: Any) -> str:
    """`words` ending in a full stop."""
    shown = str(words).strip()
    if not shown:
        return ""
    return shown if shown[-1] in ".?!:" else f"{shown}."
