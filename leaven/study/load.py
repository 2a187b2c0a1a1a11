"""From a file (or the name of a built-in) to a `Study`, with every mistake named by file, line and field."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from leaven.ground.errors import BadInput, did_you_mean
from leaven.study import document
from leaven.study.changes import COMMAND_LINE, set_field, set_source
from leaven.study.check import check
from leaven.study.document import Document, Keys
from leaven.study.mistakes import tell
from leaven.study.proxies import Laid, lay, without_seeds
from leaven.study.scaling import Parameters, Scaled, scaled
from leaven.study.spec import Model, Study
from leaven.study.templates import judge_beside

BUILT_IN = Path(__file__).parent.parent / "studies"
PARTS = {"corpus": "corpora", "evaluate": "suites"}
"""Parts of a study that may be named instead of written out, and the folder of their built-ins."""


@dataclass(frozen=True)
class Loaded:
    """A study, the text it came from, the file it was read from (None for a built-in), and where its fields stand."""

    study: Study
    document: Document
    path: Path | None
    where: Callable[[Sequence[str | int]], str]
    """`study.yaml:18` of a key path, `command line` where that changed it."""
    scaling: str = ""
    """How budgets and sizes follow from the size that was asked for; empty where they are as written."""
    left_out: tuple[str, ...] = ()
    """A sentence for each further size for which no size stands at the one that was asked for."""


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
    data: Iterable[str] = (),
    parameters: Parameters | None = None,
) -> Loaded:
    """Read a study and apply what the command line changes in it.

    A study with a proxy block that is asked for at another size than its own has the block put in before anything else
    on the command line is applied, and its budgets scaled (`leaven.study.scaling`) after all of it: budgets on the
    command line are those of the study as it is written. Further sizes that the command line names stay as they are
    named; those of the file become sizes in the proportion that they had.

    Args:
        name: a built-in study or the path of a study file.
        settings: `dotted.field=value` (YAML values), e.g. `mixtures.code.markup=0.4`.
        sources: `source=PATH`: the user's own files for a source.
        seeds, size: shorthands for `seeds` (at every size) and `model.size`.
        data: where benchmarks are looked for, instead of where the study says.
        parameters: of every named size, by vocabulary; needed where budgets are scaled.

    Raises:
        BadInput: with file, line and field.
    """
    doc, path = _find(name)
    content = dict(doc.data)
    settings = list(settings)
    # A part that is replaced as a whole is read before single fields of it are changed.
    whole = [s for s in settings if s.partition("=")[0].strip() in (*PARTS, "proxy")]
    changed = [set_field(content, setting) for setting in whole]
    parts: dict[str, Document] = {}
    home = path.parent if path else Path()
    laid = Laid(doc, ("proxy",), home)
    if isinstance(content.get("proxy"), str):
        given = ("proxy",) in changed
        named = COMMAND_LINE if given else doc.where(("proxy",))
        parts["proxy"], holder = _part(content["proxy"], "proxies", "proxy", named, Path() if given else home)
        laid = Laid(parts["proxy"], (), holder)
        content["proxy"] = parts["proxy"].data
        changed = [keys for keys in changed if keys != ("proxy",)]
    written, proxy = _size_of(content), None
    if size is not None and size != written and isinstance(content.get("proxy"), dict):
        of_block = [s for s in settings if s.startswith("proxy.")]
        settings = [s for s in settings if s not in of_block]
        changed += [set_field(content, setting) for setting in of_block]
        if "variants" in content:
            content["variants"] = _starts_beside(content["variants"], home)
        proxy = lay(content, laid, Where(doc, parts, changed), [str(keys[0]) for keys in changed if len(keys) == 1])
    else:
        _no_proxy(content, [s for s in (*whole, *settings) if s.partition("=")[0].strip().split(".")[0] == "proxy"])
    homes = {keys[0]: laid.home for keys in laid.keys}
    for part, folder in PARTS.items():
        if isinstance(content.get(part), str):
            given = (part,) in changed
            where_named = COMMAND_LINE if given else laid.where((part,)) or doc.where((part,))
            beside_it = Path() if given else homes.get(part, home)
            parts[part], holder = _part(content[part], folder, part, where_named, beside_it)
            content[part] = parts[part].data
            changed = [keys for keys in changed if keys != (part,)]
        else:
            holder = homes.get(part, home)
        if part == "corpus":
            content[part] = beside(content.get(part), holder)
        else:
            content[part] = suite_beside(content.get(part), holder)
    content = listed_beside(content, "data", homes.get("data", home))
    if "variants" in content:
        content["variants"] = _starts_beside(content["variants"], homes.get("variants", home))
    if "judge" in content and not any(s.partition("=")[0].strip() == "judge.template" for s in settings):
        content["judge"] = judge_beside(
            content["judge"],
            homes.get("judge", home),
            laid.where(("judge", "template")) or doc.where(("judge", "template")),
        )
    held = content.get("sizes")
    changed += [set_field(content, setting) for setting in settings if setting not in whole]
    changed += [set_source(content, source) for source in sources]
    if "judge" in content:  # once more: what the command line names starts from here
        content["judge"] = judge_beside(content["judge"], Path(), COMMAND_LINE)
    if data:
        content["data"] = list(data)
        changed.append(("data",))
    if seeds is not None:
        content["seeds"] = seeds
        content["sizes"] = without_seeds(content.get("sizes"))
        changed.append(("seeds",))
    if size is not None:
        model = content.get("model")
        content["model"] = {**model, "size": size} if isinstance(model, dict) else size
        changed.append(("model",))
    where = Where(doc, parts, changed, laid)
    try:
        study = Study.model_validate(content)
    except ValidationError as error:
        raise BadInput("\n".join(dict.fromkeys(tell(e, where) for e in error.errors()))) from None
    found = Scaled(study, "", ())
    if proxy is not None:
        if parameters is None:
            raise ValueError("budgets are scaled by parameters, which were not given")
        kept = held if isinstance(held, dict) and ("sizes",) not in changed else {}
        found = scaled(study, written, proxy, parameters, [name for name in study.sizes if name not in kept], where)
    check(found.study, where, scaling=found.told)
    return Loaded(found.study, doc, path, where, found.told, found.left_out)


def _no_proxy(content: Mapping[str, Any], settings: Sequence[str]) -> None:
    """Raises BadInput where the command line changes what would not be used."""
    if settings and content.get("proxy") is not None:
        field = settings[0].partition("=")[0].strip()
        raise BadInput(
            "has no effect without --size, or at the size that the study is written for",
            where=COMMAND_LINE,
            field=f"--set {field}",
            fix="Give --size, e.g. --size 0.3m, or leave it out.",
        )


def _size_of(content: Mapping[str, Any]) -> str:
    """The size that a study is written for, before the schema has read it."""
    model = content.get("model")
    given = model.get("size") if isinstance(model, dict) else model
    return given if isinstance(given, str) else Model().size


def _find(name: str) -> tuple[Document, Path | None]:
    known = built_in()
    if name in known:
        return document.read(BUILT_IN / f"{name}.yaml"), None
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} or os.path.exists(path):
        return document.read(path), path.resolve()
    raise BadInput(
        f'no study "{name[:200]}"{did_you_mean(name, known)}',
        fix="Name a built-in study (leaven studies lists them) or the path of a study file.",
    )


def _part(name: str, folder: str, part: str, where: str, beside: Path) -> tuple[Document, Path]:
    """A corpus or suite named in a study (a built-in, or a file beside the study's) and the folder it stands in."""
    known = sorted(p.stem for p in (BUILT_IN / folder).glob("*.yaml"))
    if name in known:
        return document.read(BUILT_IN / folder / f"{name}.yaml"), BUILT_IN
    if name.endswith((".yaml", ".yml")):
        return document.read(beside / name), (beside / name).parent
    raise BadInput(f'unknown {part} "{name}"{did_you_mean(name, known)}', where=where, field=part)


def beside(corpus: Any, folder: Path) -> Any:
    """A corpus whose relative paths (sources, evaluation items, tokenizer) start from the folder of its file."""
    sources = corpus.get("sources") if isinstance(corpus, dict) else None
    if not isinstance(corpus, dict) or not isinstance(sources, dict):
        return corpus
    found = {}
    for name, source in sources.items():
        path = source.get("path") if isinstance(source, dict) else None
        found[name] = {**source, "path": str(folder / Path(path).expanduser())} if isinstance(path, str) else source
    items = corpus.get("decontaminate")
    if isinstance(items, dict):
        corpus = {
            **corpus,
            "decontaminate": {task: str(folder / Path(str(p)).expanduser()) for task, p in items.items()},
        }
    tokenizer = corpus.get("tokenizer")
    if isinstance(tokenizer, dict) and isinstance(tokenizer.get("path"), str):
        corpus = {**corpus, "tokenizer": {**tokenizer, "path": str(folder / Path(tokenizer["path"]).expanduser())}}
    return {**corpus, "sources": found}


def _starts_beside(variants: Any, folder: Path) -> Any:
    """Variants whose stages start from weights beside the study's file where they name a relative path."""

    def stage(given: Any) -> Any:
        start = given.get("start") if isinstance(given, dict) else None
        return {**given, "start": str(folder / Path(start).expanduser())} if isinstance(start, str) else given

    if not isinstance(variants, dict):
        return variants
    return {
        name: [stage(s) for s in stages] if isinstance(stages, list) else stages for name, stages in variants.items()
    }


def suite_beside(suite: Any, folder: Path) -> Any:
    """A suite whose own lm-eval task files and folders of them start from the folder of its file."""
    suite = listed_beside(suite, "include", folder)
    tasks = suite.get("tasks") if isinstance(suite, dict) else None
    if not isinstance(tasks, dict):
        return suite

    def benchmark(given: Any) -> Any:
        task = given.get("task") if isinstance(given, dict) else None
        if not (isinstance(task, str) and task.endswith((".yaml", ".yml"))):
            return given
        return {**given, "task": str(folder / Path(task).expanduser())}

    return {**suite, "tasks": {name: benchmark(given) for name, given in tasks.items()}}


def listed_beside(given: Any, key: str, folder: Path) -> Any:
    """A mapping whose paths under `key` start from the folder of its file; `hub` is no path."""
    places = given.get(key) if isinstance(given, dict) else None
    places = [places] if isinstance(places, str) else places
    if not isinstance(places, list):
        return given
    found = [p if p == "hub" or not isinstance(p, str) else str(folder / Path(p).expanduser()) for p in places]
    return {**given, key: found}


@dataclass(frozen=True)
class Where:
    """Which file and line a key path came from: a command-line change, a part's own file, or the study's."""

    doc: Document
    parts: Mapping[str, Document]
    changed: Sequence[Keys]
    laid: Laid | None = None
    """What a proxy block put into the study."""

    def __call__(self, keys: Sequence[str | int]) -> str:
        for change in self.changed:
            if tuple(keys[: len(change)]) == change or change[: len(keys)] == tuple(keys):
                return COMMAND_LINE
        if keys and keys[0] in self.parts:
            return self.parts[str(keys[0])].where(keys[1:])
        put = self.laid.where(tuple(keys)) if self.laid else None
        if put is not None:
            return put
        return self.doc.where(keys)
