"""From a file (or the name of a built-in) to a `Study`, with every mistake named by file, line and field."""

from __future__ import annotations

import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from leaven.ground.errors import BadInput, did_you_mean
from leaven.study import document
from leaven.study.document import Document, Keys, field
from leaven.study.mixtures import flatten
from leaven.study.spec import Study

BUILT_IN = Path(__file__).parent.parent / "studies"


@dataclass(frozen=True)
class Loaded:
    """A study, the text it came from, the file it was read from (None for a built-in), and where its fields stand."""

    study: Study
    document: Document
    path: Path | None
    where: Callable[[Sequence[str | int]], str]
    """`study.yaml:18` of a key path, `command line` where that changed it."""


def built_in() -> dict[str, str]:
    """Name and question of every built-in study."""
    return {path.stem: str(document.read(path).data.get("question", "")) for path in sorted(BUILT_IN.glob("*.yaml"))}


def load(
    name: str,
    *,
    settings: Iterable[str] = (),
    sources: Iterable[str] = (),
    seeds: int | None = None,
    size: str | None = None,
) -> Loaded:
    """Read a study and apply what the command line changes in it.

    Args:
        name: a built-in study or the path of a study file.
        settings: `dotted.field=value` (YAML values), e.g. `mixtures.code.markup=0.4`.
        sources: `source=PATH`: the user's own files for a source.
        seeds, size: shorthands for `seeds` and `model.size`.

    Raises:
        BadInput: with file, line and field.
    """
    doc, path = _find(name)
    data = dict(doc.data)
    parts: dict[str, Document] = {}
    for part, folder in (("corpus", "corpora"), ("evaluate", "suites")):
        if isinstance(data.get(part), str):
            parts[part] = _part(data[part], folder, part, doc, path)
            data[part] = parts[part].data
    changed: list[Keys] = []
    for setting in settings:
        changed.append(_set(data, setting))
    for source in sources:
        changed.append(_set_source(data, source))
    if seeds is not None:
        data["seeds"] = seeds
        changed.append(("seeds",))
    if size is not None:
        model = data.get("model")
        data["model"] = {**model, "size": size} if isinstance(model, dict) else size
        changed.append(("model",))
    where = _Where(doc, parts, changed)
    try:
        study = Study.model_validate(data)
    except ValidationError as error:
        raise BadInput("\n".join(_tell(e, where) for e in error.errors())) from None
    _check(study, where)
    return Loaded(study, doc, path, where)


def _find(name: str) -> tuple[Document, Path | None]:
    built = BUILT_IN / f"{name}.yaml"
    if "/" not in name and built.exists():
        return document.read(built), None
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} or path.exists():
        return document.read(path), path.resolve()
    raise BadInput(
        f'no study "{name}"{did_you_mean(name, built_in())}',
        fix="Name a built-in study (leaven studies lists them) or the path of a study file.",
    )


def _part(name: str, folder: str, part: str, doc: Document, path: Path | None) -> Document:
    """A corpus or suite named in a study: a built-in, or a file beside the study's."""
    known = sorted(p.stem for p in (BUILT_IN / folder).glob("*.yaml"))
    if name in known:
        return document.read(BUILT_IN / folder / f"{name}.yaml")
    beside = (path.parent if path else Path()) / name
    if name.endswith((".yaml", ".yml")):
        return document.read(beside)
    raise BadInput(f'unknown {part} "{name}"{did_you_mean(name, known)}', where=doc.where((part,)), field=part)


@dataclass(frozen=True)
class _Where:
    """Which file and line a key path came from: a command-line change, a part's own file, or the study's."""

    doc: Document
    parts: Mapping[str, Document]
    changed: Sequence[Keys]

    def __call__(self, keys: Sequence[str | int]) -> str:
        for change in self.changed:
            if tuple(keys[: len(change)]) == change or change[: len(keys)] == tuple(keys):
                return "command line"
        if keys and keys[0] in self.parts:
            return self.parts[str(keys[0])].where(keys[1:])
        return self.doc.where(keys)


def _set(data: dict[str, Any], setting: str) -> Keys:
    path, equals, value = setting.partition("=")
    keys = path.strip().split(".")
    if not equals or not all(keys):
        raise BadInput(
            f'"{setting}" is not FIELD=VALUE',
            where="command line",
            field="--set",
            fix="e.g. --set mixtures.code.markup=0.4",
        )
    try:
        parsed = yaml.safe_load(value)
    except yaml.YAMLError:
        parsed = value
    here: Any = data
    steps: list[str | int] = []
    for key in keys[:-1]:
        step: str | int = int(key) if isinstance(here, list) and key.isdigit() else key
        steps.append(step)
        if isinstance(here, dict):
            child = here.get(str(step), {})
            here[str(step)] = (
                dict(child) if isinstance(child, dict) else list(child) if isinstance(child, list) else child
            )
            here = here[str(step)]
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            child = here[step]
            here[step] = dict(child) if isinstance(child, dict) else child
            here = here[step]
        else:
            raise BadInput("there is no such field", where="command line", field=path)
    last = keys[-1]
    if isinstance(here, dict):
        here[last] = parsed
    elif isinstance(here, list) and last.isdigit() and int(last) < len(here):
        here[int(last)] = parsed
    else:
        raise BadInput("there is no such field", where="command line", field=path)
    return (*steps, int(last) if last.isdigit() and isinstance(here, list) else last)


def _set_source(data: dict[str, Any], source: str) -> Keys:
    name, equals, path = source.partition("=")
    if not equals or not name or not path:
        raise BadInput(
            f'"{source}" is not SOURCE=PATH',
            where="command line",
            field="--source",
            fix="e.g. --source text=books/",
        )
    corpus = data.get("corpus")
    corpus = corpus if isinstance(corpus, dict) else {}
    known = corpus.get("sources", {})
    if name not in known:
        raise BadInput(f'unknown source "{name}"{did_you_mean(name, known)}', where="command line", field="--source")
    if not Path(path).exists():
        raise BadInput(f"{path} does not exist", where="command line", field=f"--source {name}")
    data["corpus"] = {**corpus, "sources": {**known, name: {**known[name], "path": path}}}
    return ("corpus", "sources", name, "path")


def _tell(error: Any, where: _Where) -> str:
    keys: list[str | int] = [key for key in error["loc"] if not (isinstance(key, str) and key.startswith("function-"))]
    kind, message = error["type"], error["msg"]
    if kind == "extra_forbidden":
        message = f'unknown field "{keys[-1]}"{did_you_mean(str(keys[-1]), _fields_at(keys[:-1]))}'
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
        message = f"{message[0].lower()}{message[1:]}, not {error['input']!r}"
    return ": ".join(part for part in (where(keys), field(keys), message) if part)


def _fields_at(keys: Sequence[str | int]) -> list[str]:
    """Field names the schema has at a key path."""
    kind: Any = Study
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


def _check(study: Study, where: _Where) -> None:
    """What a schema cannot say: names that must exist, stages that must follow one another."""
    sources = study.corpus.sources
    if study.baseline not in study.variants:
        raise BadInput(
            f'unknown variant "{study.baseline}"{did_you_mean(study.baseline, study.variants)}',
            where=where(("baseline",)),
            field="baseline",
        )
    for name in study.mixtures:
        try:
            flatten(name, study.mixtures, sources)
        except BadInput as error:
            keys = error.field.split(".") if error.field else ["mixtures", name]
            raise BadInput(error.what, where=where(keys), field=error.field, fix=error.fix) from None
    least = study.training.batch * study.model.sequence
    for variant, stages in study.variants.items():
        if not stages:
            raise BadInput(
                "a variant needs at least one stage",
                where=where(("variants", variant)),
                field=f"variants.{variant}",
            )
        for index, stage in enumerate(stages):
            at: Keys = ("variants", variant, index)
            place: dict[str, str] = {"where": where(at), "field": field(at)}
            known = [*study.mixtures, *sources]
            if stage.mixture not in known:
                raise BadInput(f'unknown mixture "{stage.mixture}"{did_you_mean(stage.mixture, known)}', **place)
            if (stage.kind == "pretrain") != (index == 0):
                raise BadInput(
                    f"{stage.kind} cannot be stage {index + 1} of a variant",
                    **place,
                    fix="A variant begins with pretrain; continue and cooldown follow it.",
                )
            if stage.tokens < least:
                raise BadInput(
                    f"{stage.tokens} tokens are less than one batch of "
                    f"{study.training.batch} × {study.model.sequence} = {least} tokens",
                    **place,
                    fix="Raise the budget or lower training.batch.",
                )
            schedule = stage.schedule or getattr(
                study.training, "continue_" if stage.kind == "continue" else stage.kind
            )
            if index == 0 and schedule.peak == "parent":
                raise BadInput(
                    "pretrain has no parent to take its learning rate from",
                    **place,
                    fix="Give training.pretrain.peak a number.",
                )
            steps = stage.tokens // least
            if schedule.warmup > steps:
                raise BadInput(
                    f"a warm-up of {schedule.warmup} steps does not fit the {steps} steps of the stage",
                    **place,
                    fix=f"Lower training.{stage.kind}.warmup or raise the budget.",
                )
            if schedule.schedule != "constant" and schedule.final is None:
                raise BadInput(
                    f"a {schedule.schedule} schedule needs `final`",
                    **place,
                    fix=f"Set training.{stage.kind}.final.",
                )
    if study.judge.mixture is not None and study.judge.mixture not in {*study.mixtures, *sources}:
        raise BadInput(
            f'unknown mixture "{study.judge.mixture}"',
            where=where(("judge", "mixture")),
            field="judge.mixture",
        )
