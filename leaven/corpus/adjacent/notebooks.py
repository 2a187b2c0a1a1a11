"""Code-adjacent documents: notebooks as structured text, and the commits of a checkout (see `commits.py`).

Notebooks follow StarCoder's structured form: `<jupyter_start>`, then cells in order with neighbours of one
type merged, a leading code group and a trailing text group left out, and of each code cell only the first
textual output, cut.
"""

from __future__ import annotations

import json
from itertools import groupby
from typing import Any

from leaven.corpus.document import Dropped
from leaven.corpus.tables import rules

START, TEXT, CODE, OUTPUT, EMPTY = (
    "<jupyter_start>",
    "<jupyter_text>",
    "<jupyter_code>",
    "<jupyter_output>",
    "<empty_output>",
)


def extract(text: str) -> str:
    """The document made of a notebook's JSON. Raises Dropped for broken, old, foreign and empty ones."""
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Dropped("broken notebook") from error
    if not isinstance(notebook, dict):
        raise Dropped("broken notebook")
    if "worksheets" in notebook or (isinstance(notebook.get("nbformat"), int) and notebook["nbformat"] < 4):
        raise Dropped("old notebook format")
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        raise Dropped("broken notebook")
    if "py" not in json.dumps(notebook.get("metadata", {})).lower():
        raise Dropped("notebook not in Python")
    groups = [(kind, list(members)) for kind, members in groupby(map(_cell, cells), key=lambda cell: cell[0]) if kind]
    if groups and groups[0][0] == "code":
        groups = groups[1:]
    if groups and groups[-1][0] == "markdown":
        groups = groups[:-1]
    document = START + "".join(_render(kind, members) for kind, members in groups)
    if len(document) < rules()["notebook"]["min_characters"]:
        raise Dropped("too short")
    return document


def _cell(cell: Any) -> tuple[str, str, str]:
    """(type, source, first textual output) of a cell; type "" for anything that is neither text nor code."""
    if not isinstance(cell, dict):
        return "", "", ""
    source = _joined(cell.get("source")).strip()
    kind = cell.get("cell_type")
    if not source or kind not in ("markdown", "code"):
        return "", "", ""
    return str(kind), source, _output(cell.get("outputs")) if kind == "code" else ""


def _output(outputs: Any) -> str:
    for output in outputs if isinstance(outputs, list) else []:
        if isinstance(output, dict):
            data = output.get("data")
            plain = data.get("text/plain") if isinstance(data, dict) else None
            text = _joined(output.get("text", plain)).strip()
            if text:
                limit = rules()["notebook"]["max_output"]
                return text if len(text) <= limit else text[:limit] + "[...]"
    return ""


def _joined(source: Any) -> str:
    if isinstance(source, list):
        return "".join(part for part in source if isinstance(part, str))
    return source if isinstance(source, str) else ""


def _render(kind: str, members: list[tuple[str, str, str]]) -> str:
    source = "\n\n".join(member[1] for member in members)
    if kind == "markdown":
        return TEXT + source
    outputs = [member[2] for member in members if member[2]]
    return CODE + source + (OUTPUT + outputs[0] if outputs else EMPTY)
