"""Cells as names and as numbers; what is neither is named with its place.

Names come from anywhere and go to terminals, pages and spreadsheets, so what could harm one of them is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
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

GROUPED = re.compile(r"^[+-]?\d{1,3}(?:,\d{3})+(?:\.\d+)?$")
"""Thousands apart by commas."""
LIKE_A_NUMBER = re.compile(r"^[+-]?[\d.,]*\d[\d.,]*\s*%?$")

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
    """A column of numbers [rows], NaN where there is none. Raises BadInput for words.

    A % behind every number is dropped, and so are commas between thousands where they cannot be decimal ones.
    """
    if not isinstance(column.dtype, pd.CategoricalDtype):
        try:
            return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
        except (TypeError, ValueError, OverflowError):
            column = pd.Series(pd.Categorical(_texts(column)))
    texts = [str(word).strip() for word in column.cat.categories]
    values = np.full(len(texts) + 1, np.nan)
    codes = column.cat.codes.to_numpy()
    wrong = []
    for place, word in enumerate(_plain(texts)):
        if texts[place].lower() in MISSING:
            continue
        try:
            values[place] = float(word.replace("_", "x"))  # Python takes 1_000 for a number; no table means that
        except ValueError:
            wrong.append(place)
    rows = np.flatnonzero(np.isin(codes, wrong))
    if rows.size:
        text = texts[codes[rows[0]]]
        raise BadInput(f"{text[:60]!r} is no number", where=where(int(rows[0])), field=what, fix=_advice(text))
    found: Floats = values[codes]
    return found


def _plain(texts: Sequence[str]) -> list[str]:
    """Cells without signs of per cent and commas between thousands, where the whole column has them."""
    filled = [text for text in texts if text.lower() not in MISSING]
    if filled and all(text.endswith("%") for text in filled):
        texts = [text.removesuffix("%").rstrip() for text in texts]
        filled = [text.removesuffix("%").rstrip() for text in filled]
    commas = [text for text in filled if "," in text]
    # 1,002 may be a little more than one; 1,002.5 and 1,000,000 may not.
    sure = any("." in text or text.count(",") > 1 for text in commas)
    if sure and all(GROUPED.match(text) for text in commas):
        return [text.replace(",", "") for text in texts]
    return list(texts)


def _advice(text: str) -> str:
    if LIKE_A_NUMBER.match(text):
        return "Write all numbers of a column alike, with a decimal point and without commas."
    return "Leave the cell empty where a run has no value: the run is named then."


def mostly_numbers(column: pd.Series[Any]) -> bool:
    """Whether most cells that hold anything hold numbers, however they are written."""
    if not isinstance(column.dtype, pd.CategoricalDtype):
        column = pd.Series(pd.Categorical(_texts(column)))
    filled = like = 0
    for word, count in column.value_counts().items():
        text = str(word).strip()
        if text.lower() not in MISSING:
            filled += int(count)
            like += int(count) * _is_number(text)
    return 2 * like > filled


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return bool(LIKE_A_NUMBER.match(text))
    return True


def is_numeric(column: pd.Series[Any]) -> bool:
    """Whether a column holds numbers and nothing else, and at least one."""
    try:
        return bool(np.isfinite(numbers(column, "", str)).any())
    except BadInput:
        return False
