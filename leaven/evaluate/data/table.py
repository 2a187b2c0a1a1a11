"""Rows with the place of each, so that an error can name the line it is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True)
class Table:
    """The rows of one file.

    Args:
        shown: the file as the user knows it.
        numbers: of each row its line (from 1) where the file has lines, else its row (from 1).
        lines: whether the numbers are lines.
    """

    shown: str
    rows: tuple[Row, ...]
    numbers: tuple[int, ...]
    lines: bool = True

    def where(self, index: int) -> str:
        """`piqa.jsonl:18`, or `test.parquet, row 18`."""
        return f"{self.shown}:{self.numbers[index]}" if self.lines else f"{self.shown}, row {self.numbers[index]}"


class Unfit(Exception):
    """A row that is not what a layout or a template expects of it."""

    def __init__(self, field: str, what: str) -> None:
        self.field, self.what = field, what
        super().__init__(f"{field}: {what}")


def text_of(row: Mapping[str, Any], field: str, *, empty: bool = False) -> str:
    """The text in `field`. Raises Unfit where there is none, or nothing but white space."""
    value = value_of(row, field)
    if not isinstance(value, str):
        raise Unfit(field, f"expected text, found {kind(value)}")
    if not empty and not value.strip():
        raise Unfit(field, "the text is empty")
    return value


def texts_of(row: Mapping[str, Any], field: str, *, least: int = 1) -> list[str]:
    """The list of texts in `field`, none of them empty. Raises Unfit otherwise."""
    values = value_of(row, field)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Unfit(field, f"expected a list of texts, found {kind(values)}")
    if len(values) < least:
        raise Unfit(field, f"expected at least {least} texts, found {len(values)}")
    for place, value in enumerate(values):
        if not value.strip():
            raise Unfit(f"{field}[{place}]", "the text is empty")
    return values


def index_of(row: Mapping[str, Any], field: str, count: int, first: int = 0) -> int:
    """The number in `field`, from `first` on and one of `count`. Raises Unfit otherwise."""
    value = value_of(row, field)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unfit(field, f"expected a whole number, found {kind(value)}")
    if not first <= value < first + count:
        hidden = "; a split whose answers are not published has -1 here" if value == -1 else ""
        raise Unfit(field, f"expected {first} to {first + count - 1}, found {value}{hidden}")
    return value


def value_of(row: Mapping[str, Any], field: str) -> Any:
    if field not in row:
        raise Unfit(field, f"the field is missing; the row has {', '.join(map(str, row)) or 'no field'}")
    return row[field]


def kind(value: Any) -> str:
    """What a value is, in a reader's words."""
    names = {bool: "true or false", int: "a whole number", float: "a number", str: "text", dict: "an object"}
    if isinstance(value, list):
        odd = next((item for item in value if not isinstance(item, str)), None)
        return f"a list with {kind(odd)}" if odd is not None else "a list"
    return "nothing" if value is None else names.get(type(value), type(value).__name__)
