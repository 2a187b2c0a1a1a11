"""What the command line changes in a study's data before it is checked: `--set FIELD=VALUE`, `--source NAME=PATH`.

A name may hold dots itself (`sizes.2.8b.rate`): of the names that are there, the longest that fits is meant.

Data of a file is copied on the way to the field that changes; what was read from the file stays as it was.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from leaven.ground.errors import BadInput, did_you_mean
from leaven.study.document import Keys

COMMAND_LINE = "command line"


def set_field(data: dict[str, Any], setting: str) -> Keys:
    """Apply `dotted.field=value` (a YAML value) and return the keys it changed. Raises BadInput."""
    path, equals, value = setting.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise BadInput(
            f'"{setting}" is not FIELD=VALUE',
            where=COMMAND_LINE,
            field="--set",
            fix="e.g. --set mixtures.code.markup=0.4",
        )
    here: Any = data
    steps: list[str | int] = []
    while True:
        key = _longest(here, keys)
        keys = keys[key.count(".") + 1 :]
        step = _step(here, key, path)
        if not keys:
            break
        steps.append(step)
        child = here.get(step, {}) if isinstance(here, dict) else here[step]
        here[step] = dict(child) if isinstance(child, dict) else list(child) if isinstance(child, list) else child
        here = here[step]
    here[step] = _value(value)
    return (*steps, step)


def _longest(here: Any, keys: list[str]) -> str:
    """As many of the keys as make a name that is there; else the first."""
    names = [".".join(keys[:end]) for end in range(len(keys), 1, -1)] if isinstance(here, dict) else []
    return next((name for name in names if name in here), keys[0])


def _step(here: Any, key: str, path: str) -> str | int:
    """The key or index that `key` means in `here`."""
    if isinstance(here, dict):
        return key
    if isinstance(here, list):
        if key.isascii() and key.isdigit() and int(key) < len(here):
            return int(key)
        raise BadInput(
            f'there is no entry "{key}"; the list has entries 0 to {len(here) - 1}', where=COMMAND_LINE, field=path
        )
    raise BadInput(
        f'there is no field "{key}" in {here!r}', where=COMMAND_LINE, field=path, fix="Set the whole of it instead."
    )


def _value(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return text  # the schema will say what it wanted instead


def set_source(data: dict[str, Any], source: str) -> Keys:
    """Apply `name=PATH` and return the keys it changed. Raises BadInput."""
    name, equals, path = source.partition("=")
    if not equals or not name or not path:
        raise BadInput(
            f'"{source}" is not SOURCE=PATH',
            where=COMMAND_LINE,
            field="--source",
            fix="e.g. --source text=books/",
        )
    corpus = data.get("corpus")
    known = corpus.get("sources") if isinstance(corpus, dict) else None
    if not isinstance(corpus, dict) or not isinstance(known, dict) or name not in known:
        names = known if isinstance(known, dict) else {}
        raise BadInput(f'unknown source "{name}"{did_you_mean(name, names)}', where=COMMAND_LINE, field="--source")
    given = Path(path).expanduser() if path.startswith("~/") else Path(path)
    try:
        given.stat()
    except (OSError, ValueError) as error:
        reason = "does not exist" if isinstance(error, FileNotFoundError) else f"cannot be read: {error}"
        raise BadInput(f"{path[:200]} {reason}", where=COMMAND_LINE, field=f"--source {name}") from None
    kept = known[name] if isinstance(known[name], dict) else {}
    kept = {field: value for field, value in kept.items() if field not in ("hub", "packages")}
    data["corpus"] = {**corpus, "sources": {**known, name: {**kept, "path": str(given)}}}
    return ("corpus", "sources", name, "path")
