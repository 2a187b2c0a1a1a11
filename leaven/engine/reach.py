"""Which steps need what only the computer of the driver has, and which may run on any machine of a cluster.

A step's raw files were looked at on the driver's computer, so elsewhere the same path may be another file or none. What
the user says every machine sees under one path (`--shared`), what the hub holds and what is generated may be read
anywhere. What holds a key and pays for answers stays at home, where its replies are kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from leaven.study.step import Step

ANYWHERE = frozenset({"hub"})
"""Words in the place of a path that are none."""
LISTS, TABLES = ("data", "include"), ("decontaminate", "against", "tasks")
"""Names in `Step.execution` under which several paths may stand, one after another or by task."""
NO_PATHS = frozenset(
    {"at_once", "budget", "hub", "key", "model", "most_calls", "per_minute", "price", "repeat", "revision", "scope"}
    | {"timeout", "tries", "url"}
)
"""Names in `Step.execution` that stand for no file that a step reads by its path. A judge's `model` on this computer is
one (or stands in its hub cache), so its steps stay at home."""


def at_home(step: Step, shared: Sequence[Path] = ()) -> str:
    """Why a step has to run on the driver's computer; empty where it may run anywhere.

    `shared`: folders that every machine sees under the same path.
    """
    fields = step.fields
    if step.kind == "read":
        if fields["origin"] in ("workstation", "packages"):
            return "it reads what this computer has installed"
        if fields.get("endpoint"):
            return "it asks an endpoint with this computer's key"
        if "reached" in fields:
            return "it checks what it writes by the means of this computer"
    if step.kind == "judge" and fields.get("judge") == "endpoint":
        return "it asks an endpoint with this computer's key"
    if step.kind == "judge" and fields.get("judge") == "local":
        return "it reads a model of this computer"
    for path in _paths(step):
        if not any(_below(path, folder) for folder in shared):
            return f"it reads {path}"
    return ""


def absolute(step: Step) -> Step:
    """The same step with the paths it reads written in full: another machine starts it in another folder."""
    execution = dict(step.execution)
    for name in ("path", "set"):
        if _is_path(name, execution.get(name)):
            execution[name] = os.path.abspath(execution[name])
    for name in LISTS:
        if isinstance(execution.get(name), list):
            execution[name] = [os.path.abspath(word) if _is_path(name, word) else word for word in execution[name]]
    for name in TABLES:
        if isinstance(execution.get(name), Mapping):
            rows = execution[name].items()
            execution[name] = {key: os.path.abspath(word) if _is_path(name, word) else word for key, word in rows}
    return replace(step, execution=execution) if execution != step.execution else step


def _paths(step: Step) -> Iterator[str]:
    execution: Mapping[str, Any] = step.execution
    words = [(name, execution.get(name)) for name in ("path", "set")]
    words += [(name, word) for name in LISTS for word in execution.get(name) or ()]
    words += [(name, word) for name in TABLES for word in (execution.get(name) or {}).values()]
    yield from (word for name, word in words if isinstance(word, str) and _is_path(name, word))


def _is_path(name: str, word: Any) -> bool:
    """Tasks and sets of prompts are known by name, or are files of the user's own, which have a folder or an ending."""
    if not isinstance(word, str) or word in ANYWHERE:
        return False
    if name == "tasks":
        return word.endswith((".yaml", ".yml")) or os.sep in word
    return name != "set" or os.sep in word or bool(os.path.splitext(word)[1])


def _below(path: str, folder: Path) -> bool:
    return Path(os.path.abspath(path)).is_relative_to(os.path.abspath(folder))
