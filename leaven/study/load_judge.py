"""A judge by itself: a judge file, or the judge of a study."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field, ValidationError

from leaven.ground.errors import BadInput, did_you_mean
from leaven.study import document
from leaven.study.changes import COMMAND_LINE, set_field
from leaven.study.further import listed
from leaven.study.judging import Judge
from leaven.study.load import Where, built_in, listed_beside, load
from leaven.study.mistakes import tell
from leaven.study.stages import Closed
from leaven.study.templates import judge_beside

SCRIPTED = "scripted:"
"""Before the name of a script: a judge that needs no file."""


class _File(Closed):
    """What a judge file is."""

    judge: Judge
    data: Annotated[list[str], BeforeValidator(listed)] = Field(default_factory=list)


@dataclass(frozen=True)
class LoadedJudge:
    """A judge, where prompts are looked for, and where its fields stand."""

    judge: Judge
    data: tuple[str, ...]
    where: Callable[[Sequence[str | int]], str]


def load_judge(name: str, *, settings: Iterable[str] = (), data: Iterable[str] = ()) -> LoadedJudge:
    """Read a judge and apply what the command line changes in it.

    Args:
        name: a judge file (`judge:` and, if need be, `data:`), a study whose judge is meant, or `scripted:longer`.
        settings: `prompts=alpaca-eval`, `at_once=16`; fields of the judge, with or without `judge.` before them.
        data: where prompts are looked for, instead of where the file says.

    Raises:
        BadInput: with file, line and field.
    """
    settings = [s if s.startswith("judge.") else f"judge.{s}" for s in settings]
    path = Path(name)
    if name.startswith(SCRIPTED):
        text = f"judge: {{kind: scripted, script: {name.removeprefix(SCRIPTED)!r}}}"
        return _read(document.parse(text, COMMAND_LINE), Path(), settings, data)
    if path.suffix in {".yaml", ".yml"}:
        doc = document.read(path)
        if "study" not in doc.data:
            return _read(doc, path.resolve().parent, settings, data)
    elif name not in built_in():
        raise BadInput(
            f'no judge "{name[:200]}"{did_you_mean(name, built_in())}',
            field="--judge",
            fix="Give a judge file (judge: {kind: endpoint, url: …, model: …}), a study, or scripted:longer for a try.",
        )
    study = load(name, settings=settings, data=data)
    return LoadedJudge(study.study.judge, tuple(study.study.data), study.where)


def _read(doc: document.Document, folder: Path, settings: Iterable[str], data: Iterable[str]) -> LoadedJudge:
    settings = list(settings)
    content = listed_beside(dict(doc.data), "data", folder)
    if "judge" in content and not any(s.partition("=")[0].strip() == "judge.template" for s in settings):
        content["judge"] = judge_beside(content["judge"], folder, doc.where(("judge", "template")))
    changed = [set_field(content, setting) for setting in settings]
    if "judge" in content:
        content["judge"] = judge_beside(content["judge"], Path(), COMMAND_LINE)
    if given := list(data):
        content["data"] = given
    where = Where(doc, {}, changed)
    try:
        found = _File.model_validate(content)
    except ValidationError as error:
        raise BadInput("\n".join(dict.fromkeys(tell(e, where) for e in error.errors()))) from None
    return LoadedJudge(found.judge, tuple(found.data), where)
