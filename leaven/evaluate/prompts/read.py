"""The rows of a prompt set's files, and the prompt that each of them holds.

Published sets differ in names only: Dolly has instruction, context, category; Aya's suite `inputs`; AlpacaEval
`instruction`, `dataset`; MT-bench and Vicuna `turns`, of which the first is used; Alpaca's form `instruction`, `input`.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.corpus.read.stream import chunks
from leaven.evaluate.data.fit import renamed
from leaven.evaluate.data.read import FORMS, form_of, read
from leaven.evaluate.data.table import Row, Table, Unfit, kind
from leaven.evaluate.prompts.frame import readable
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput

INSTRUCTION = ("instruction", "prompt", "question", "turns", "messages", "conversations", "inputs", "input", "text")
CONTEXT = ("context", "input")
CATEGORY = ("category", "dataset")
ID = ("id", "question_id", "prompt_id")
"""Fields of a row that may hold what is named, the better ones first."""
ASKING = ("user", "human")


@dataclass(frozen=True)
class Prompt:
    """What is asked.

    Args:
        id: the set's own, else a hash of instruction and context.
        context: what the instruction is about; "" where there is nothing.
    """

    id: str
    instruction: str
    context: str = ""
    category: str = ""

    @property
    def shown(self) -> str:
        """What a judge reads."""
        return readable(self.instruction, self.context)


@dataclass(frozen=True)
class Found:
    """A row, the place of it for errors, and its file's field of instructions."""

    row: Row
    where: str
    field: str


def read_set(files: Sequence[tuple[Path, str]], fields: Mapping[str, str]) -> list[Found]:
    """The rows of all files, renamed as `fields` says.

    Raises BadInput where a file cannot be read, or has no field that could hold instructions.
    """
    found: list[Found] = []
    for path, shown in files:
        table = _table(path, shown)
        rows = list(_renamed(table, fields))
        name = next((name for name in INSTRUCTION if name in rows[0]), None)
        if name is None:
            raise BadInput(
                f"no field holds an instruction; the row has {', '.join(map(str, rows[0])) or 'no field'}",
                where=table.where(0),
                fix=f"Name it {', '.join(INSTRUCTION[:-1])} or {INSTRUCTION[-1]}.",
            )
        found += [Found(row, table.where(index), name) for index, row in enumerate(rows)]
    return found


def prompt_of(found: Found) -> Prompt | None:
    """The prompt of a row; None where its instruction is empty. Raises BadInput where it holds something else."""
    row = found.row
    if found.field not in row:
        raise BadInput("the field is missing, which other rows have", where=found.where, field=found.field)
    instruction = _text(row[found.field], found, found.field)
    if not instruction:
        return None
    about = next((name for name in CONTEXT if name != found.field and row.get(name) not in (None, "")), None)
    context = _text(row[about], found, about) if about else ""
    category = next((row[name] for name in CATEGORY if isinstance(row.get(name), str)), "")
    own = next((row[name] for name in ID if _names(row.get(name))), None)
    name = identity([instruction, context])[:16] if own is None else str(own)
    return Prompt(name, instruction, context, category)


def shown_value(value: Any) -> tuple[str, ...]:
    """A field's value as one writes it to choose rows by it; of a list, each of its values."""
    if isinstance(value, list):
        return tuple(text for one in value for text in shown_value(one))
    if isinstance(value, bool) or value is None:
        return ({True: "true", False: "false", None: "null"}[value],)
    return (value,) if isinstance(value, str) else (str(value),)


def _table(path: Path, shown: str) -> Table:
    """`read`, and zstd as well."""
    if not shown.lower().endswith(".zst"):
        return read(path, shown)
    inside = shown[: -len(".zst")]
    form = form_of(inside)
    if form is None or form in (".parquet", ".arrow") or inside.lower().endswith(".gz"):
        raise BadInput("this form of file is not read", where=shown, fix=f"Known endings: {', '.join(FORMS)}.")
    broken: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        unpacked = Path(folder, "unpacked")
        with unpacked.open("wb") as file:
            file.writelines(chunks(str(path), ".zst", broken))
        if broken:
            raise BadInput(f"not a complete zstd file: {next(iter(broken))}", where=shown, fix="Fetch the file again.")
        return read(unpacked, inside)


def _renamed(table: Table, fields: Mapping[str, str]) -> Iterator[Row]:
    for index, row in enumerate(table.rows):
        try:
            yield renamed(row, fields)
        except Unfit as error:
            raise BadInput(error.what, where=table.where(index), field=error.field) from None


def _names(value: Any) -> bool:
    """Whether a value can name a row."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and bool(value.strip()))


def _text(value: Any, found: Found, field: str) -> str:
    """A text without white space around it: the value itself, the first of a list of turns, the first message of a
    user with the system's message before it."""
    if isinstance(value, list):
        if value and all(isinstance(one, dict) for one in value):
            return _asked(value, found, field)
        value = value[0] if value else None
    if isinstance(value, dict):
        return _asked([value], found, field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadInput(f"expected text, found {kind(value)}", where=found.where, field=field)
    return value.replace("\r\n", "\n").replace("\r", "\n").strip()


def _asked(messages: Sequence[Mapping[str, Any]], found: Found, field: str) -> str:
    said: list[str] = []
    for message in messages:
        role = message.get("role", message.get("from", "user"))
        text = message.get("content", message.get("value"))
        if text is not None and not isinstance(text, str):
            raise BadInput(f"expected the text of a message, found {kind(text)}", where=found.where, field=field)
        if role == "system" and text:
            said.append(text)
        elif role in ASKING:
            return "\n\n".join([*said, text or ""]).replace("\r\n", "\n").strip() if text and text.strip() else ""
    raise BadInput("no message is a user's", where=found.where, field=field)
