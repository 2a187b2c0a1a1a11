"""Mistakes that the schema finds, in the words of a person who wrote the file."""

from __future__ import annotations

import re
import typing
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import BaseModel

from leaven.ground.errors import did_you_mean
from leaven.study.document import field
from leaven.study.spec import Study

LONGEST_SHOWN = 60
"""Characters of a wrong value that a message repeats."""


def tell(error: Any, where: Callable[[Sequence[str | int]], str], root: type[BaseModel] = Study) -> str:
    """One of pydantic's errors as `study.yaml:18: field: what is wrong`. `root`: the schema of the file."""
    keys: list[str | int] = [key for key in error["loc"] if not (isinstance(key, str) and key.startswith("function-"))]
    kind, message = error["type"], error["msg"]
    wrong_name = keys[-1:] == ["[key]"]
    if wrong_name:
        keys.pop()
    if (wrong_name and kind != "value_error") or kind == "invalid_key":
        # YAML reads 1, no and null as a number, a truth and nothing; as names they must be quoted.
        message = f"a name must be text; YAML reads this one as {str(error['input']).lower()}: quote it"
        return ": ".join(part for part in (where(keys[:-1]), field(keys[:-1]), message) if part)
    if kind == "extra_forbidden":
        message = f'unknown field "{keys[-1]}"{did_you_mean(str(keys[-1]), _fields_at(keys[:-1], root))}'
    elif kind == "missing":
        message = "the field is missing"
    elif kind in {"value_error", "assertion_error"}:
        message = message.partition(", ")[2]
    elif kind == "literal_error":
        expected = [word.strip("' ") for word in error["ctx"]["expected"].replace(" or ", ", ").split(", ")]
        message = f'"{error["input"]}" is not one of: {", ".join(expected)}'
        near = did_you_mean(str(error["input"]), expected)
        message += near if near.startswith("; did") else ""
    else:
        shown = repr(error["input"])
        shown = shown if len(shown) <= LONGEST_SHOWN else f"{shown[:LONGEST_SHOWN]}…"
        message = f"{message[0].lower()}{message[1:]}, not {shown}".replace(" dictionary", " mapping")
        message = re.sub(r" or instance of \w+", "", message)
    return ": ".join(part for part in (where(keys), field(keys), message) if part)


def _fields_at(keys: Sequence[str | int], root: type[BaseModel]) -> list[str]:
    """Field names the schema has at a key path."""
    kind: Any = root
    for key in keys:
        kind = _unwrap(kind)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            match = [f.annotation for n, f in kind.model_fields.items() if key in (n, f.alias)]
            kind = match[0] if match else None
        else:
            arguments = typing.get_args(kind)
            kind = arguments[-1] if arguments else None
    kind = _unwrap(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [f.alias or name for name, f in kind.model_fields.items()]
    return []


def _unwrap(kind: Any) -> Any:
    """The model inside `Model | None`."""
    for argument in typing.get_args(kind):
        if isinstance(argument, type) and issubclass(argument, BaseModel) and type(None) in typing.get_args(kind):
            return argument
    return kind
