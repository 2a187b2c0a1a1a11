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
    for path in _paths(step):
        if not any(_below(path, folder) for folder in shared):
            return f"it reads {path}"
    return ""


def absolute(step: Step) -> Step:
    """The same step with the paths it reads written in full: another machine starts it in another folder."""
    if not any(True for _ in _paths(step)):
        return step
    execution = dict(step.execution)
    for name in ("path", "model"):
        if isinstance(execution.get(name), str) and _is_path(step, name, execution[name]):
            execution[name] = os.path.abspath(execution[name])
    for name in ("data", "include"):
        if isinstance(execution.get(name), list):
            execution[name] = [word if word in ANYWHERE else os.path.abspath(word) for word in execution[name]]
    for name in ("decontaminate", "against"):
        if execution.get(name):
            execution[name] = {task: os.path.abspath(path) for task, path in execution[name].items()}
    return replace(step, execution=execution)


def _paths(step: Step) -> Iterator[str]:
    execution: Mapping[str, Any] = step.execution
    for name in ("path", "model"):
        word = execution.get(name)
        if isinstance(word, str) and _is_path(step, name, word):
            yield word
    for name in ("data", "include"):
        if step.kind in ("suite", "prompts"):
            yield from (word for word in execution.get(name) or () if word not in ANYWHERE)
    for name in ("decontaminate", "against"):
        yield from (execution.get(name) or {}).values()


def _is_path(step: Step, name: str, word: str) -> bool:
    """Of a judge, `model` may be a folder, a model of the hub, or what an endpoint calls its own."""
    return name == "path" or (step.kind == "judge" and step.fields.get("judge") == "local" and os.path.isdir(word))


def _below(path: str, folder: Path) -> bool:
    return Path(os.path.abspath(path)).is_relative_to(os.path.abspath(folder))
