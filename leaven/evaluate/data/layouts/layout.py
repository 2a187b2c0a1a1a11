"""A layout: how the rows of one public form of a file become the documents that an lm-eval template expects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from leaven.evaluate.data.forms import FORMS
from leaven.evaluate.data.table import Row, Unfit, value_of

Turn = Callable[[Row], list[Row]]


@dataclass(frozen=True)
class Layout:
    """One form of a file.

    Args:
        needs: fields by which a row is recognised.
        turn: a row of the file → its documents (one, but for files that nest them). Raises Unfit.
        form: the name in FORMS of what comes out; "" takes the task's own.
        notes: how the prompts differ from those over lm-eval's own source, whichever rows there are.
        remark: what is to be told of single rows ("…", counted over the file), "" where nothing is.
        keep: (document, split) → whether it is of that split, where one file holds several; None keeps all.
        overrides: fields of lm-eval's task that must change for these documents.
        refused: why the file cannot stand for the benchmark at all; "" where it can.
    """

    name: str
    needs: tuple[str, ...]
    turn: Turn
    form: str = ""
    notes: tuple[str, ...] = ()
    remark: Callable[[Row], str] | None = None
    keep: Callable[[Row, str], bool] | None = None
    overrides: Mapping[str, Any] = field(default_factory=dict)
    refused: str = ""

    def expects(self, form: str) -> tuple[str, ...]:
        """Fields that a row must have; `form` is the task's own, "" where it is not known."""
        return self.needs or (FORMS[form].fields if form else ())

    def documents(self, row: Row, form: str) -> list[Row]:
        """The row's documents, checked; `form` is the task's own, "" where it is not known. Raises Unfit."""
        for name in self.needs:
            value_of(row, name)
        made = self.turn(row)
        if checked := self.form or form:
            for document in made:
                FORMS[checked].check(document)
        return made


def unwrapped(text: str, before: str, after: str, field: str) -> str:
    """`text` without what an upstream template put around it. Raises Unfit where that is not there."""
    if not (text.startswith(before) and text.endswith(after) and len(text) > len(before) + len(after)):
        raise Unfit(field, f"expected {before + '…' + after!r}, found {shortened(text)!r}")
    return text[len(before) : len(text) - len(after)]


def shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:28]} … {text[-28:]}"
