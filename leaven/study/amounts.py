"""Amounts as people write them: tokens (`400B`, `1.2M`), bytes (`12MB`), shares (`2%`)."""

from __future__ import annotations

import re
from fractions import Fraction

_TOKENS = {"": 1, "K": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


def _parse(text: str, units: dict[str, int], example: str) -> int:
    match = re.fullmatch(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)\s*", text)
    unit = match.group(2).upper() if match else ""
    if not match or unit not in units:
        raise ValueError(f'"{text}" is not an amount like {example}')
    value = Fraction(match.group(1)) * units[unit]
    if value.denominator != 1:
        raise ValueError(f'"{text}" is not a whole number')
    return int(value)


def tokens(amount: str | int) -> int:
    """A token budget: `400B`, `1.2M`, `600K`, `5000`. Raises ValueError."""
    return amount if isinstance(amount, int) else _parse(amount, _TOKENS, "400B, 1.2M or 600K")


def size(amount: str | int) -> int:
    """A number of bytes: `12MB`, `4GB`, `5000`. Decimal units. Raises ValueError."""
    if isinstance(amount, int):
        return amount
    return _parse(amount if not amount.strip().isdigit() else amount + "B", _BYTES, "12MB or 4GB")


def short(amount: float) -> str:
    """The other way: 1200000 → `1.2M`, 31.2e9 → `31.2B`."""
    for unit, factor in (("T", 1e12), ("B", 1e9), ("M", 1e6), ("K", 1e3)):
        if abs(amount) >= factor * 0.9995:  # what rounds to 1.00 of a unit is written in that unit
            return f"{amount / factor:.3g}{unit}"
    return f"{amount:.3g}"
