"""Notebooks become structured text; old and broken ones are refused by name."""

from __future__ import annotations

import json
from typing import Any

import pytest

from leaven.corpus.adjacent.notebooks import extract
from leaven.corpus.document import Dropped

PYTHON = {"kernelspec": {"language": "python"}}


def cell(kind: str, source: Any, outputs: Any = None) -> dict[str, Any]:
    return {"cell_type": kind, "source": source} | ({"outputs": outputs or []} if kind == "code" else {})


def notebook(*cells: Any, **fields: Any) -> str:
    return json.dumps({"nbformat": 4, "metadata": PYTHON, "cells": list(cells)} | fields)


def test_structure() -> None:
    text = extract(
        notebook(
            cell("code", "import leading"),
            cell("markdown", ["# Title\n", "text " * 60]),
            cell("raw", "left out"),
            cell("code", "a = 1", [{"output_type": "display_data", "data": {"image/png": "x"}}]),
            cell("code", "print(a)", [{"text": ["1\n"]}, {"text": "2"}]),
            cell("code", "  "),
            cell("markdown", "middle"),
            cell("code", "b", [{"data": {"text/plain": "x" * 2000}}]),
            cell("markdown", "trailing"),
        )
    )
    head, _, rest = text.partition("<jupyter_code>")
    assert head == "<jupyter_start><jupyter_text># Title\n" + ("text " * 60).strip()
    assert rest == (
        "a = 1\n\nprint(a)<jupyter_output>1<jupyter_text>middle<jupyter_code>b<jupyter_output>" + "x" * 1000 + "[...]"
    )


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{broken", "broken notebook"),
        ("[" * 100_000, "broken notebook"),
        ("[]", "broken notebook"),
        (notebook(cells=None), "broken notebook"),
        (notebook(nbformat=3), "old notebook format"),
        (notebook(worksheets=[]), "old notebook format"),
        (notebook(metadata={"kernelspec": {"language": "R"}}), "notebook not in"),
        (notebook(cell("code", "a"), 5, {"cell_type": "code"}, cell("markdown", {"a": 1})), "too short"),
    ],
)
def test_refusals(text: str, reason: str) -> None:
    with pytest.raises(Dropped, match=reason):
        extract(text)
