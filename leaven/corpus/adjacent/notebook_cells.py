"""The cells of a notebook of any format: JSON of today's, and of formats 2 and 3 with their worksheets.

Old notebooks are brought to one shape while they are read: a heading becomes Markdown, HTML counts as text, code that
stands in `input` is source, and a result that stood in the output itself is a result. Format 1 is refused by name.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from leaven.corpus.document import Dropped

OLDEST = 2
Kind = Literal["code", "markdown"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell with words in it.

    Attributes:
        kind: code or text.
        source: as written, without blank lines around it.
        printed: what its first output printed (`text` of a stream), "" for none.
        shown: what its first output showed as plain text, "" for none.
    """

    kind: Kind
    source: str
    printed: str = ""
    shown: str = ""


@dataclass(frozen=True, slots=True)
class Notebook:
    """Cells in order, the language that its kernel or cells name ("" for none), and its metadata as JSON."""

    cells: tuple[Cell, ...]
    language: str
    metadata: str


def read(text: str) -> Notebook:
    """The notebook in `text`. Raises Dropped for what is none and for format 1."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Dropped("broken notebook") from error
    if not isinstance(data, Mapping):
        raise Dropped("broken notebook")
    version = data.get("nbformat")
    if isinstance(version, int) and version < OLDEST:
        raise Dropped("notebook of format 1")
    found = data.get("cells")
    if not isinstance(found, list):
        sheets = data.get("worksheets")
        if not isinstance(sheets, list):
            raise Dropped("broken notebook")
        held = [sheet.get("cells") for sheet in sheets if isinstance(sheet, Mapping)]
        found = [cell for cells in held if isinstance(cells, list) for cell in cells]
    raw = [cell for cell in found if isinstance(cell, Mapping)]
    metadata = data.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    language = _kernel(metadata) or _spoken(raw)
    cells = tuple(cell for cell in map(_cell, raw) if cell is not None)
    return Notebook(cells, language, json.dumps(metadata))


def _cell(raw: Mapping[str, Any]) -> Cell | None:
    kind = raw.get("cell_type")
    source = _joined(raw.get("source", raw.get("input"))).strip("\n")
    if not source.strip():
        return None
    if kind == "code":
        printed, shown = _output(raw.get("outputs"))
        return Cell("code", source, printed, shown)
    if kind == "heading":
        level = raw.get("level")
        return Cell("markdown", "#" * (level if isinstance(level, int) and 1 <= level <= 6 else 1) + " " + source)
    return Cell("markdown", source) if kind in ("markdown", "html") else None


def _output(outputs: object) -> tuple[str, str]:
    """(printed, shown) of the first output."""
    first = outputs[0] if isinstance(outputs, list) and outputs else None
    if not isinstance(first, Mapping):
        return "", ""
    text = _joined(first.get("text"))
    if first.get("output_type") in ("pyout", "display_data"):
        return "", text
    data = first.get("data")
    return text, _joined(data.get("text/plain")) if isinstance(data, Mapping) else ""


def _joined(source: object) -> str:
    parts = source if isinstance(source, list) else [source]
    text = "".join(part for part in parts if isinstance(part, str)).replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        text = text.replace("\0", "")
    # JSON may hold half of a surrogate pair, which is no text.
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _kernel(metadata: Mapping[str, Any]) -> str:
    for name, keys in (("kernelspec", ("language",)), ("language_info", ("name",)), ("kernelspec", ("name",))):
        part = metadata.get(name)
        if isinstance(part, Mapping):
            for key in keys:
                value = part.get(key)
                if isinstance(value, str) and value.strip():
                    return value.strip().lower()
    return ""


def _spoken(cells: list[Mapping[str, Any]]) -> str:
    """The language that every code cell names, as they do in formats 2 and 3."""
    said = [cell.get("language") for cell in cells if cell.get("cell_type") == "code"]
    named = {word if isinstance(word, str) else None for word in said}
    only = named.pop() if len(named) == 1 else None
    return only.strip().lower() if isinstance(only, str) else ""
