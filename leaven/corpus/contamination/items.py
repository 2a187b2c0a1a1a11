"""The texts of a task's items, from the file that the task is evaluated on; see `data/benchmarks.toml`."""

from __future__ import annotations

import functools
import gzip
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput, did_you_mean

TABLE = Path(__file__).parents[1] / "data" / "benchmarks.toml"
WORD = re.compile(r"\w+")
FIELD = re.compile(r"(\w+)(?:\[(\w+)\]|\|(docstring))?")
Rule = Literal["ngram", "exact"]
PLAIN: Mapping[str, Any] = {"id": "id", "least": 5, "texts": [{"fields": ["text"], "rule": "ngram"}]}
"""A task that the table does not know: lines with `text`, a text or a list of texts, and perhaps `id`."""


@dataclass(frozen=True)
class Items:
    """What to look for of one task.

    Attributes:
        task: its name.
        texts: one or more of each item.
        ids: the item of each text.
        rules: how each text is looked for; empty: all by "ngram".
        unsearched: items of whose texts none is long enough to tell anything.
    """

    task: str
    texts: tuple[str, ...]
    ids: tuple[str, ...]
    rules: tuple[Rule, ...] = ()
    unsearched: tuple[str, ...] = ()

    def as_data(self) -> dict[str, Any]:
        """As plain data, for another process; `from_data` makes the same again."""
        names = ("texts", "ids", "rules", "unsearched")
        return {"task": self.task, **{name: list(getattr(self, name)) for name in names}}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Items:
        """What `as_data` gave."""
        names = ("texts", "ids", "rules", "unsearched")
        return cls(data["task"], *(tuple(data[name]) for name in names))


@functools.cache
def tasks() -> Mapping[str, Mapping[str, Any]]:
    """The table: task → where its texts are."""
    return tomllib.loads(TABLE.read_text(encoding="utf-8"))


def load(path: Path, task: str) -> Items:
    """The items of a task.

    Args:
        path: its file, or a folder that holds the file by the table's name, directly or in a folder of its own. Files
            are JSON lines, gzipped or not.
        task: a task of the table, or any name for a file whose lines have `text`.

    Raises:
        BadInput: no such file, lines that are not what the table says, or no text to look for.
    """
    row = tasks().get(task, PLAIN)
    file = _file(path, task, row)
    trivial = {text for part in row["texts"] for text in part.get("leave", ())}
    texts: list[str] = []
    ids: list[str] = []
    rules: list[Rule] = []
    unsearched: list[str] = []
    for number, name, record in _records(file, row):
        found = False
        for part in row["texts"]:
            for text in _texts(record, part["fields"], row, f"{file.name}:{number}"):
                if text not in trivial and len(WORD.findall(text)) >= row["least"]:
                    texts.append(text)
                    ids.append(name)
                    rules.append(part["rule"])
                    found = True
        if not found:
            unsearched.append(name)
    if not texts:
        raise BadInput(f'task "{task}" has no text that could be looked for', where=file.name)
    return Items(task, tuple(texts), tuple(ids), tuple(rules), tuple(unsearched))


def identity_of_items(items: Iterable[Items]) -> str:
    """The identity of everything that is looked for, whatever order the tasks are given in."""
    return identity(["items/1", sorted((each.as_data() for each in items), key=lambda data: str(data["task"]))])


def file_of(path: Path, task: str) -> Path:
    """The file with the items of a task: `path` itself, or the file of the table's name in it. Raises BadInput."""
    return _file(path, task, tasks().get(task, PLAIN))


def _file(path: Path, task: str, row: Mapping[str, Any]) -> Path:
    if path.is_file():
        return path
    if not path.is_dir():
        raise BadInput(f'the items of task "{task}" are not there', where=str(path), field=f"decontaminate.{task}")
    if "file" not in row:
        raise BadInput(
            f'"{task}" is no task whose file is known by name{did_you_mean(task, tasks())}',
            where=str(path),
            field=f"decontaminate.{task}",
            fix="Give the file itself: JSON lines with the field text.",
        )
    names: list[str] = [row["file"], f"{row['file']}.gz"]
    for found in (place for name in names for place in (path / name, *sorted(path.glob(f"*/{name}")))):
        if found.is_file():
            return found
    raise BadInput(
        f'the items of task "{task}" are not in this folder',
        where=str(path),
        field=f"decontaminate.{task}",
        fix=f"Put {row['file']} there, or give the file itself.",
    )


def _records(file: Path, row: Mapping[str, Any]) -> Iterator[tuple[int, str, Mapping[str, Any]]]:
    """Number of the line, id of the item, and the item, of the items that count. Lines end with a newline only."""
    opened = gzip.open if file.suffix == ".gz" else open
    first, last = row.get("ids", (None, None))
    try:
        with opened(file, "rb") as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError):
                    record = None
                if not isinstance(record, dict):
                    raise BadInput("not a JSON object", where=f"{file.name}:{number}")
                name = record.get(row.get("id", ""), number - 1)
                if first is not None and not (isinstance(name, int) and first <= name <= last):
                    continue
                yield number, str(name), record
    except (OSError, EOFError) as error:
        raise BadInput(f"cannot be read to its end: {error}", where=file.name) from error


def _texts(record: Mapping[str, Any], fields: list[str], row: Mapping[str, Any], where: str) -> list[str]:
    """The fields' values joined; of a single field that holds a list, each value."""
    values = [_value(record, field, where) for field in fields]
    if len(values) == 1 and isinstance(values[0], list):
        found = values[0]
    else:
        found = [" ".join(text for value in values for text in (value if isinstance(value, list) else [value]))]
    if "without" in row:
        found = [re.sub(row["without"], "", text) for text in found]
    return [text.strip() for text in found]


def _value(record: Mapping[str, Any], field: str, where: str) -> str | list[str]:
    match = FIELD.fullmatch(field)
    assert match is not None, field
    name, index, take = match.groups()
    value = record.get(name)
    if index is not None:
        chosen = record.get(index)
        if not (isinstance(value, list) and isinstance(chosen, int) and 0 <= chosen < len(value)):
            raise BadInput(f"{index} does not choose one of {name}", where=where, field=field)
        value = value[chosen]
    if isinstance(value, list) and all(isinstance(text, str) for text in value):
        return value
    if not isinstance(value, str):
        raise BadInput("not a text", where=where, field=field)
    return _docstring(value) if take else value


def _docstring(program: str) -> str:
    """The last docstring of a program, without its quotes; the whole program where it has none."""
    quote = '"""' if '"""' in program else "'''"
    parts = program.split(quote)
    return parts[-2] if len(parts) >= 3 else program
