"""A task by its name: leaven's own file, a user's, or lm-eval's.

lm-eval's own index reads and parses all of its 14,000 files (4.7 s). Here the names are found in the files' text; a
user's folder, which is smaller, is indexed too where the text does not show the name.

lm-eval's own `humaneval` and `mbpp` download a program when they are loaded and run the model's code without isolation.
They cannot be used; leaven's files of these names come first.
"""

from __future__ import annotations

import difflib
import functools
import os
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leaven.evaluate.benchmarks.taskyaml import TaskYaml, read_task
from leaven.evaluate.harness import quiet
from leaven.ground.errors import BadInput, did_you_mean

OWN = Path(__file__).parent / "tasks"
NAME = re.compile(rb"^(task|group):[ \t]*[\"']?([^\s\[\]{}\"',#]+)[\"']?[ \t]*(?:#.*)?\r?$", re.MULTILINE)
IGNORED = {"__pycache__", ".ipynb_checkpoints"}


@dataclass(frozen=True)
class Named:
    """A task file that was found.

    Args:
        name: lm-eval's name of the task.
        source: whose file it is: `leaven`, `lm-eval` or `included`.
        file: its path below that source's folder, for people and for the record.
    """

    name: str
    source: str
    file: str
    yaml: TaskYaml

    @property
    def metadata(self) -> Mapping[str, Any]:
        found = self.yaml.fields.get("metadata")
        return found if isinstance(found, Mapping) else {}

    def config(self) -> dict[str, Any]:
        """The fields as lm-eval reads them, with the functions imported (which runs the modules' code)."""
        from lm_eval.tasks._yaml_loader import load_yaml

        try:
            with quiet():
                fields: dict[str, Any] = deepcopy(load_yaml(self.yaml.path))
        except Exception as error:
            raise BadInput(
                f"the task's functions cannot be imported ({type(error).__name__}: {error})", where=self.file
            ) from None
        for structural in ("tag", "group", "task_list"):
            fields.pop(structural, None)
        return fields


@dataclass(frozen=True)
class Names:
    """Names in the files of a folder; of several files with a name the first in the order of their paths counts."""

    tasks: dict[str, Path] = field(default_factory=dict)
    groups: dict[str, Path] = field(default_factory=dict)


def find_task(asked: str, include: Sequence[Path] = ()) -> Named:
    """The task called `asked`, or the one in the file at that path.

    Args:
        include: folders of task files of the user's own; they come before lm-eval's files and after leaven's.

    Raises:
        BadInput: there is none, or it is a group or a tag, a Python class, or runs programs without isolation.
    """
    for folder in include:
        if not folder.is_dir():
            raise BadInput("there is no such folder of task files", where=str(folder), field="include")
    if asked.endswith((".yaml", ".yml")) or os.sep in asked:
        return _checked(asked, _by_path(asked, include), "included", "")
    for source, root in _roots(include):
        names = _names(root) if source == "lm-eval" else _scan(root)
        if asked in names.groups:
            raise _several(asked, read_task(names.groups[asked]).fields.get("task"), "group")
        path = names.tasks.get(asked)
        if path is None and source == "included":
            path = _indexed(asked, root)
        if path:
            return _checked(asked, path, source, path.relative_to(root).as_posix())
    raise _unknown(asked, include)


def _roots(include: Sequence[Path]) -> list[tuple[str, Path]]:
    import lm_eval.tasks

    return [
        ("leaven", OWN),
        *(("included", folder) for folder in include),
        ("lm-eval", Path(str(lm_eval.tasks.__file__)).parent),
    ]


def _by_path(asked: str, include: Sequence[Path]) -> Path:
    for folder in (Path(), *include):
        if (folder / asked).expanduser().is_file():
            return (folder / asked).expanduser()
    raise BadInput("there is no such task file", where=asked, fix="give its path, or its folder as `include`")


def _checked(asked: str, path: Path, source: str, file: str) -> Named:
    read = read_task(path)
    name, file = read.fields.get("task"), file or path.name
    if "group" in read.fields or isinstance(name, list):
        raise _several(asked, name, "group")
    if "class" in read.fields:
        raise BadInput(
            "the task is a Python class of lm-eval, which loads its data by itself",
            where=file,
            fix="write it as an lm-eval task file",
        )
    if not isinstance(name, str):
        raise BadInput("the file names no task", where=file, field="task")
    if read.fields.get("unsafe_code"):
        raise BadInput(
            "the task has lm-eval run what the model writes, without isolation",
            where=file,
            field="unsafe_code",
            fix="write the task with `metadata: {leaven: program}`: leaven runs the programs in its sandbox "
            "(humaneval and mbpp are there)",
        )
    return Named(name, source, file, read)


def _several(asked: str, members: Any, kind: str) -> BadInput:
    found = members if isinstance(members, list) else [members] if members else []
    names = [str(member.get("task", member.get("group", ""))) if isinstance(member, dict) else str(member)
             for member in found]  # fmt: skip
    return BadInput(
        f'"{asked}" is a {kind} of tasks: {", ".join(names)}',
        field="task",
        fix="name each task that you want, and average them under `averages`",
    )


def _indexed(asked: str, folder: Path) -> Path | None:
    """The file of a name that no file's text shows plainly, by lm-eval's own index: every file parsed, with its
    includes. Raises BadInput for a tag."""
    from lm_eval.tasks._index import TaskIndex

    with quiet():
        entry = TaskIndex.build([folder]).get(asked)
    if entry and entry.yaml_path is None:
        raise _several(asked, sorted(entry.tags), "tag")
    return entry.yaml_path if entry else None


def _unknown(asked: str, include: Sequence[Path]) -> BadInput:
    """What is known about a name that no file has: lm-eval's tags, and names like it."""
    listed = re.compile(rb"^(?:tag:.*|[ \t]*-[ \t]*[\"']?)\b" + re.escape(asked.encode()) + rb"\b", re.MULTILINE)
    _, root = _roots(())[-1]
    mentions = [Path(path) for path in _files(str(root)) if listed.search(Path(path).read_bytes())]
    tagged = [fields["task"] for fields in map(_fields, mentions) if asked in _tags(fields) and "task" in fields]
    if tagged:
        return _several(asked, sorted(map(str, tagged)), "tag")
    names = [name for folder in include for name in _scan(folder).tasks] + list(_names(root).tasks)
    near = difflib.get_close_matches(asked, _own_names(), n=1, cutoff=0.6) or difflib.get_close_matches(
        asked, names, n=1, cutoff=0.6
    )
    return BadInput(
        f'there is no task "{asked}"{did_you_mean(asked, near)}',
        field="task",
        fix="name a task of lm-eval, or one of your own: its path, or its folder as `include`",
    )


def _fields(path: Path) -> Mapping[str, Any]:
    """A task file's fields; none where it cannot be read, as lm-eval's index passes over it."""
    try:
        return read_task(path).fields
    except BadInput:
        return {}


def _tags(fields: Mapping[str, Any]) -> list[Any]:
    tags = fields.get("tag")
    return tags if isinstance(tags, list) else [tags]


def _own_names() -> list[str]:
    """leaven's tasks and those of its suites: likelier to be meant than any of lm-eval's 14,000."""
    return sorted({*_scan(OWN).tasks, *COMMON})


COMMON = (
    "arc_challenge", "arc_easy", "boolq", "cb", "copa", "hellaswag", "lambada_openai", "mmlu", "openbookqa", "piqa",
    "sciq", "social_iqa", "storycloze_2016", "storycloze_2018", "wikitext", "winogrande",
)  # fmt: skip


@functools.cache
def _names(root: Path) -> Names:
    return _scan(root)


def _scan(root: Path) -> Names:
    names = Names()
    for path in _files(str(root)):
        with open(path, "rb") as file:
            found = dict(NAME.findall(file.read()))
        if b"group" in found:
            names.groups.setdefault(found[b"group"].decode(errors="replace"), Path(path))
        elif b"task" in found:
            names.tasks.setdefault(found[b"task"].decode(errors="replace"), Path(path))
    return names


def _files(root: str) -> list[str]:
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if name not in IGNORED]
        found += [os.path.join(folder, name) for name in files if name.endswith(".yaml")]
    return sorted(found)
