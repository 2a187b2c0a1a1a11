"""A suite by itself: a built-in one, a suite file, or the suite of a study."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from leaven.ground.errors import BadInput, did_you_mean
from leaven.study import document
from leaven.study.changes import set_field
from leaven.study.document import Document
from leaven.study.load import BUILT_IN, Where, built_in, load, suite_beside
from leaven.study.mistakes import tell
from leaven.study.stages import Closed
from leaven.study.suites import Suite

FOLDER = BUILT_IN / "suites"


class _File(Closed):
    """What a suite file is when it is read alone."""

    evaluate: Suite


@dataclass(frozen=True)
class LoadedSuite:
    """A suite, and where its fields stand."""

    suite: Suite
    where: Callable[[Sequence[str | int]], str]
    data: tuple[str, ...] = ()
    """Where the study that it is of says that benchmarks are."""


def built_in_suites() -> list[str]:
    """Names of the built-in suites."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_suite(name: str, *, settings: Iterable[str] = (), data: Iterable[str] = ()) -> LoadedSuite:
    """Read a suite and apply what the command line changes in it.

    Args:
        name: a built-in suite, the path of a suite file, or a study whose suite is meant.
        settings: `tasks.mbpp.samples=20`; fields of the suite, with or without `evaluate.` before them.
        data: where benchmarks are, instead of where a study says.

    Raises:
        BadInput: with file, line and field.
    """
    settings = [s if s.startswith("evaluate.") else f"evaluate.{s}" for s in settings]
    if name in built_in_suites():
        return _read(document.read(FOLDER / f"{name}.yaml"), BUILT_IN, settings, data)
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} and path.exists():
        doc = document.read(path)
        if isinstance(doc.data, dict) and "suite" in doc.data:
            return _read(doc, path.parent, settings, data)
    if name in built_in() or path.suffix in {".yaml", ".yml"}:
        study = load(name, settings=settings, data=data)
        return LoadedSuite(study.study.evaluate, study.where, tuple(study.study.data))
    raise BadInput(
        f'no suite "{name[:200]}"{did_you_mean(name, dict.fromkeys([*built_in_suites(), *built_in()]))}',
        fix="Name a built-in suite or study, or the path of a suite or study file.",
    )


def _read(doc: Document, folder: Path, settings: Iterable[str], places: Iterable[str]) -> LoadedSuite:
    data = {"evaluate": suite_beside(doc.data, folder)}
    changed = [set_field(data, setting) for setting in settings]
    where = Where(doc, {"evaluate": doc}, changed)
    try:
        suite = _File.model_validate(data).evaluate
    except ValidationError as error:
        raise BadInput("\n".join(dict.fromkeys(tell(e, where) for e in error.errors()))) from None
    return LoadedSuite(suite, where, tuple(places))
