"""A YAML file that remembers its lines, so that an error can name the one it is about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from leaven.ground.errors import BadInput

Keys = tuple[str | int, ...]
Where = Callable[[Sequence[str | int]], str]
"""`study.yaml:18` of a key path."""


@dataclass(frozen=True)
class Document:
    """A parsed file: its data, and the line (from 1) of every key path in it."""

    name: str
    text: str
    data: Any
    lines: dict[Keys, int]

    def where(self, keys: Sequence[str | int]) -> str:
        """`study.yaml:18` for the nearest enclosing key whose line is known."""
        path = tuple(keys)
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.name}:{self.lines[path]}" if path in self.lines else self.name


def field(keys: Sequence[str | int]) -> str:
    """`variants.balanced→text[1]` from a key path."""
    text = ""
    for key in keys:
        text += f"[{key}]" if isinstance(key, int) else f".{key}" if text else str(key)
    return text


def read(path: Path, name: str | None = None) -> Document:
    """Read a YAML file. Raises BadInput if it is missing, not UTF-8, not YAML, or repeats a key."""
    name = name or path.name
    try:
        text = path.read_bytes().decode("utf-8")
    except OSError as error:
        raise BadInput(f"cannot read the file: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError as error:
        raise BadInput(f"not UTF-8 text (byte {error.start})", where=str(path)) from None
    return parse(text, name)


def parse(text: str, name: str) -> Document:
    loader = None
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        lines: dict[Keys, int] = {}
        if node is not None:
            _walk(node, (), lines, name)
        data = loader.construct_document(node) if node is not None else None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}" if mark else name
        raise BadInput(f"not valid YAML: {error.problem or error.context}", where=where) from None
    except yaml.YAMLError as error:
        raise BadInput(f"not valid YAML: {error}", where=name) from None
    except ValueError as error:  # a date that does not exist, a number of thousands of digits
        raise BadInput(f"a value cannot be read: {error}", where=name, fix="Quote it if it is text.") from None
    except RecursionError:
        raise BadInput("lists or mappings are nested too deeply, or hold themselves", where=name) from None
    finally:
        if loader is not None:
            loader.dispose()
    if not isinstance(data, dict):
        raise BadInput("the file is not a mapping of fields to values", where=name)
    return Document(name, text, data, lines)


def _walk(node: yaml.Node, path: Keys, lines: dict[Keys, int], name: str) -> None:
    lines.setdefault(path, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            label = str(key.value)
            here = (*path, label)
            if label in seen:
                raise BadInput("the field is given twice", where=f"{name}:{key.start_mark.line + 1}", field=field(here))
            seen.add(label)
            lines[here] = key.start_mark.line + 1
            _walk(value, here, lines, name)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[(*path, index)] = value.start_mark.line + 1
            _walk(value, (*path, index), lines, name)
