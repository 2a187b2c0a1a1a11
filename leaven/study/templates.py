"""Judge templates: built in by name, or files of the user's own, put in the place of their names."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from leaven.ground.errors import BadInput, did_you_mean
from leaven.study import document
from leaven.study.judging import Template, is_file
from leaven.study.mistakes import tell

FOLDER = Path(__file__).parent.parent / "studies" / "templates"
DEFAULT = "paper"


def built_in_templates() -> list[str]:
    """Names of the built-in templates."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def read_template(name: str, where: str, beside: Path) -> dict[str, Any]:
    """The mapping of a template: a built-in one, or a file (relative paths start from `beside`).

    Raises BadInput with file, line and field.
    """
    if name in built_in_templates():
        path = FOLDER / f"{name}.yaml"
    elif name.endswith((".yaml", ".yml")):
        path = beside / Path(name).expanduser()
    else:
        raise BadInput(
            f'unknown template "{name}"{did_you_mean(name, built_in_templates())}',
            where=where,
            field="judge.template",
            fix=f"Name one of {', '.join(built_in_templates())}, or the path of a template file (.yaml).",
        )
    doc = document.read(path)

    def line(keys: Sequence[str | int]) -> str:
        return doc.where(keys[2:])

    try:
        Template.model_validate(doc.data)
    except ValidationError as error:
        told = [tell({**e, "loc": ("judge", "template", *e["loc"])}, line) for e in error.errors()]
        raise BadInput("\n".join(dict.fromkeys(told))) from None
    return dict(doc.data)


def judge_beside(judge: Any, folder: Path, where: str) -> Any:
    """A judge whose template stands in the place of its name, and whose relative paths start from the folder of its
    file: a template, prompts of one's own, a local model.

    `where`: the line that names the template, for messages.
    """
    if not isinstance(judge, dict):
        return judge
    judge = dict(judge)
    if judge.get("kind") in ("endpoint", "local"):
        judge.setdefault("template", DEFAULT)
    if isinstance(judge.get("template"), str):
        judge["template"] = read_template(judge["template"], where, folder)
    prompts = judge.get("prompts")
    if isinstance(prompts, str):  # as a mapping, so that single fields of it can be set
        judge["prompts"] = {"set": _from(folder, prompts) if is_file(prompts) else prompts}
    elif isinstance(prompts, dict) and isinstance(prompts.get("set"), str) and is_file(prompts["set"]):
        judge["prompts"] = {**prompts, "set": _from(folder, prompts["set"])}
    model = judge.get("model")
    if judge.get("kind") == "local" and isinstance(model, str) and (folder / Path(model).expanduser()).is_dir():
        judge["model"] = _from(folder, model)
    return judge


def _from(folder: Path, path: str) -> str:
    return str(folder / Path(path).expanduser())
