"""Cells as names and as numbers; what is neither is named with its place.

Names come from anywhere and go to terminals, pages and spreadsheets, so what could harm one of them is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from leaven.analyze.bootstrap import Floats
from leaven.ground.errors import BadInput

LONGEST_NAME = 500
"""Characters of a name (variant, metric, seed); a file's cell may be longer where it is not one."""
MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "-", "#n/a"})
FORMULA = re.compile(r"^(?:[=@\t\r]|[+\-].*[|!])")
"""What a spreadsheet would run when it opens our tables (the OWASP list of CSV injection, less names as "+code")."""

Where = Callable[[int], str]
"""Place of a row, counted from 0."""


def names(column: pd.Series[Any], what: str, where: Where) -> pd.Categorical:
    """A column of names; "" where there is none. Raises BadInput for a name that is too long or a formula."""
    words = column if isinstance(column.dtype, pd.CategoricalDtype) else pd.Series(pd.Categorical(_texts(column)))
    categories = [str(word).strip() for word in words.cat.categories]
    for place, word in enumerate(categories):
        if len(word) > LONGEST_NAME:
            said = f"a name of {len(word):,} characters; at most {LONGEST_NAME} make sense"
        elif FORMULA.match(word):
            said = f"a spreadsheet would run {word[:40]!r} as a formula"
        else:
            continue
        row = int(np.flatnonzero(words.cat.codes.to_numpy() == place)[0]) if place in words.cat.codes.to_numpy() else 0
        raise BadInput(said, where=where(row), field=what, fix="Rename it in the table.")
    known = list(dict.fromkeys(["", *categories]))
    turn = {word: place for place, word in enumerate(known)}
    codes = np.array([turn[word] for word in categories] + [0], dtype=np.int64)[words.cat.codes.to_numpy()]
    return pd.Categorical.from_codes(codes, categories=known)


def _texts(column: pd.Series[Any]) -> list[str]:
    """Numbers as a person would write them: 3, not 3.0."""
    texts = []
    for value in column:
        if value is None or (isinstance(value, float) and np.isnan(value)) or value is pd.NaT:
            texts.append("")
        elif isinstance(value, float) and value.is_integer():
            texts.append(str(int(value)))
        else:
            texts.append(str(value))
    return texts


def numbers(column: pd.Series[Any], what: str, where: Where) -> Floats:
    """A column of numbers [rows], NaN where there is none. Raises BadInput for words and for infinity written out."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        try:
            return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
        except (TypeError, ValueError):
            column = pd.Series(pd.Categorical(_texts(column)))
    values = np.full(len(column.cat.categories) + 1, np.nan)
    codes = column.cat.codes.to_numpy()
    for place, word in enumerate(column.cat.categories):
        text = str(word).strip()
        if text.lower() in MISSING:
            continue
        try:
            values[place] = float(text.replace("_", "x"))  # Python takes 1_000 for a number; no table means that
        except ValueError:
            rows = np.flatnonzero(codes == place)
            if rows.size:
                fix = "Write numbers with a decimal point." if re.fullmatch(r"-?\d+,\d+", text) else ""
                raise BadInput(f"{text[:60]!r} is no number", where=where(int(rows[0])), field=what, fix=fix) from None
    found: Floats = values[codes]
    return found


def is_numeric(column: pd.Series[Any]) -> bool:
    """Whether a column holds numbers and nothing else, and at least one."""
    try:
        return bool(np.isfinite(numbers(column, "", str)).any())
    except BadInput:
        return False
