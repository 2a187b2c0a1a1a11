"""lm-eval task files as data: includes followed, functions named but not imported.

lm-eval's own loader either imports every `!function` at once (some of them download programs when they are imported) or
turns it into a string that looks like any other. This one keeps them apart, so that a file can be judged, hashed and
written out again before any of its code runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from leaven.ground.errors import BadInput


@dataclass(frozen=True)
class Function:
    """`!function utils.process_docs`, found in a task file of `folder`."""

    folder: Path
    name: str

    @property
    def file(self) -> Path | None:
        """The module beside the task file; None where the name is that of an installed module."""
        module = self.folder / f"{self.name.rpartition('.')[0].replace('.', '/')}.py"
        return module if module.is_file() else None


@dataclass(frozen=True)
class TaskYaml:
    """A task file and its includes merged, the including file's fields winning.

    Args:
        fields: with `Function` where the file says `!function`.
        sha256: of the bytes of the task file, its includes and the modules beside them.
    """

    path: Path
    fields: Mapping[str, Any]
    sha256: str


def read_task(path: Path) -> TaskYaml:
    """Read a task file. Raises BadInput where it, or a file that it includes, is missing or malformed."""
    seen: list[Path] = []
    fields = _merged(path.resolve(), seen)
    modules = {module for function in functions(fields) if (module := function.file)}
    hashes = [hashlib.sha256(file.read_bytes()).hexdigest() for file in (*seen, *sorted(modules))]
    return TaskYaml(path.resolve(), fields, hashlib.sha256("\n".join(hashes).encode()).hexdigest())


def functions(value: Any) -> list[Function]:
    """Every function named anywhere in `value`."""
    if isinstance(value, Function):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [function for part in parts for function in functions(part)]


def replaced(value: Any, change: Callable[[Function], Any]) -> Any:
    """`value` with every function changed."""
    if isinstance(value, Function):
        return change(value)
    if isinstance(value, dict):
        return {name: replaced(part, change) for name, part in value.items()}
    return [replaced(part, change) for part in value] if isinstance(value, list) else value


def _merged(path: Path, seen: list[Path]) -> dict[str, Any]:
    if path in seen:
        raise BadInput("the file includes itself", where=path.name)
    seen.append(path)
    fields = _fields(path)
    includes = fields.pop("include", [])
    merged: dict[str, Any] = {}
    for include in includes if isinstance(includes, list) else [includes]:
        below = _merged((path.parent / str(include)).resolve(), seen)
        below.pop("task_list", None)
        merged |= below
    return merged | fields


def _fields(path: Path) -> dict[str, Any]:
    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        pass

    def construct(loader: yaml.SafeLoader, node: yaml.Node) -> Function:
        return Function(path.parent, str(loader.construct_scalar(node)))  # type: ignore[arg-type]

    Loader.add_constructor("!function", construct)
    try:
        fields = yaml.load(path.read_bytes(), Loader=Loader)
    except OSError as error:
        raise BadInput(f"the file cannot be read ({error.strerror})", where=str(path)) from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        raise BadInput(
            f"the file is not YAML ({getattr(error, 'problem', None) or error})",
            where=path.name if line is None else f"{path.name}:{line + 1}",
        ) from None
    if not isinstance(fields, dict):
        raise BadInput("the file holds no fields of a task", where=path.name)
    return fields
