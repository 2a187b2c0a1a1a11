"""Which files stand for which task: `data.yaml`, or the built-in `files.yaml`, whose head explains the grammar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from leaven.evaluate.data.layouts import LAYOUTS
from leaven.ground.errors import BadInput, did_you_mean

BUILT_IN = Path(__file__).with_name("files.yaml")
_KEYS = (
    *("file", "labels", "layout", "split", "fields", "config", "rows", "duplicates", "licence", "source", "notes"),
)
_EXAMPLE = "piqa: {file: piqa.jsonl, layout: foundry-piqa, split: validation}"


@dataclass(frozen=True)
class Entry:
    """One file that can stand for a task, under several possible names.

    Args:
        where: line of the mapping, for errors.
        names: paths relative to the mapping's folder.
        split: which split the file is; None serves any.
        published: rows of the published file; None where that is not known.
        kept: whether equal rows are kept.
    """

    where: str
    names: tuple[str, ...]
    labels: tuple[str, ...] = ()
    layout: str = "rows"
    split: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    config: str | None = None
    published: int | None = None
    kept: bool = False
    licence: str | None = None
    source: str | None = None
    notes: tuple[str, ...] = ()


def read_mapping(path: Path, shown: str) -> dict[str, tuple[Entry, ...]]:
    """The tasks of a mapping file. Raises BadInput naming file, line and field."""
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise BadInput(f"cannot read the file: {error.strerror}", where=shown) from None
    except UnicodeDecodeError as error:
        raise BadInput(f"not UTF-8 text (byte {error.start})", where=shown) from None
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        if not isinstance(node, yaml.MappingNode):
            raise BadInput("expected tasks, each with its file", where=shown, fix=f"For example: {_EXAMPLE}")
        found: dict[str, tuple[Entry, ...]] = {}
        for name, value in _items(node, loader, shown, ""):
            nodes = value.value if isinstance(value, yaml.SequenceNode) else [value]
            if not nodes:
                raise BadInput("no file is given", where=_where(shown, value), field=name, fix=_EXAMPLE)
            found[name] = tuple(
                _entry(one, loader, shown, f"{name}[{n}]" if len(nodes) > 1 else name) for n, one in enumerate(nodes)
            )
        return found
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = f"{shown}:{mark.line + 1}" if mark else shown
        raise BadInput(f"not valid YAML: {error.problem or error.context}", where=line) from None
    except (yaml.YAMLError, ValueError) as error:
        raise BadInput(f"not valid YAML: {error}", where=shown) from None
    except RecursionError:
        raise BadInput("lists or mappings are nested too deeply", where=shown) from None
    finally:
        loader.dispose()


@cache
def built_in() -> Mapping[str, tuple[Entry, ...]]:
    """The public files of known benchmarks."""
    return read_mapping(BUILT_IN, BUILT_IN.name)


def _entry(node: yaml.Node, loader: yaml.SafeLoader, shown: str, name: str) -> Entry:
    where = _where(shown, node)
    if isinstance(node, yaml.ScalarNode) and isinstance(path := loader.construct_object(node), str) and path:
        return Entry(where, (path,))
    if not isinstance(node, yaml.MappingNode):
        raise BadInput("expected a path, or file and layout", where=where, field=name, fix=f"For example: {_EXAMPLE}")
    given: dict[str, Any] = {}
    lines: dict[str, str] = {}
    for key, value in _items(node, loader, shown, name):
        if key not in _KEYS:
            raise BadInput(
                f'unknown field "{key}"{did_you_mean(key, _KEYS)}', where=_where(shown, value), field=f"{name}.{key}"
            )
        given[key], lines[key] = loader.construct_object(value, deep=True), _where(shown, value)

    def wrong(key: str, expected: str) -> BadInput:
        return BadInput(f"expected {expected}, found {given[key]!r}", where=lines[key], field=f"{name}.{key}")

    def words(key: str) -> tuple[str, ...]:
        value = given.get(key, [])
        values = value if isinstance(value, list) else [value]
        if not all(isinstance(word, str) and word for word in values):
            raise wrong(key, "text, or a list of texts")
        return tuple(values)

    def word(key: str) -> str | None:
        if key in given and (not isinstance(given[key], str) or not given[key]):
            raise wrong(key, "text" + (f' (put it in quotes: "{given[key]}")' if isinstance(given[key], int) else ""))
        return given.get(key)

    if not words("file"):
        raise BadInput("no file is given", where=where, field=f"{name}.file", fix=f"For example: {_EXAMPLE}")
    layout = word("layout") or "rows"
    if layout not in LAYOUTS:
        raise BadInput(
            f'unknown layout "{layout}"{did_you_mean(layout, LAYOUTS)}', where=lines["layout"], field=f"{name}.layout"
        )
    fields = given.get("fields", {})
    if not isinstance(fields, dict) or not all(isinstance(t, str) and t for pair in fields.items() for t in pair):
        raise wrong("fields", "{template field: file field}")
    rows = given.get("rows")
    if rows is not None and (isinstance(rows, bool) or not isinstance(rows, int) or rows < 1):
        raise wrong("rows", "how many rows the published file has")
    if given.get("duplicates", "kept") != "kept":
        raise wrong("duplicates", "kept")
    return Entry(
        where,
        words("file"),
        words("labels"),
        layout,
        word("split"),
        dict(fields),
        word("config"),
        rows,
        "duplicates" in given,
        word("licence"),
        word("source"),
        words("notes"),
    )


def _items(node: yaml.MappingNode, loader: yaml.SafeLoader, shown: str, name: str) -> list[tuple[str, yaml.Node]]:
    """Keys and values; a key that is no text, or is given twice, is refused by its line."""
    items: list[tuple[str, yaml.Node]] = []
    for key, value in node.value:
        where, dotted = _where(shown, key), f"{name}.{key.value}".lstrip(".")
        if not isinstance(key, yaml.ScalarNode) or not isinstance(loader.construct_object(key), str):
            raise BadInput("expected a name", where=where, field=name, fix="Put it in quotes.")
        if any(key.value == other for other, _ in items):
            raise BadInput("the field is given twice", where=where, field=dotted)
        items.append((key.value, value))
    return items


def _where(shown: str, node: yaml.Node) -> str:
    return f"{shown}:{node.start_mark.line + 1}"
