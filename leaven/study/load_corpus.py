"""A corpus by itself: a built-in one, a corpus file, or the corpus of a study."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from leaven.ground.errors import BadInput, did_you_mean
from leaven.study import document
from leaven.study.changes import set_field, set_source
from leaven.study.document import Document
from leaven.study.load import BUILT_IN, Where, beside, built_in, load
from leaven.study.mistakes import tell
from leaven.study.sources import Corpus
from leaven.study.stages import Closed

FOLDER = BUILT_IN / "corpora"


class _File(Closed):
    """What a corpus file is when it is read alone."""

    corpus: Corpus


@dataclass(frozen=True)
class LoadedCorpus:
    """A corpus, and where its fields stand. `path` is None for a built-in."""

    name: str
    corpus: Corpus
    path: Path | None
    where: Callable[[Sequence[str | int]], str]


def built_in_corpora() -> list[str]:
    """Names of the built-in corpora."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_corpus(name: str, *, settings: Iterable[str] = (), sources: Iterable[str] = ()) -> LoadedCorpus:
    """Read a corpus and apply what the command line changes in it.

    Args:
        name: a built-in corpus, the path of a corpus file, or a study whose corpus is meant.
        settings: `sources.text.max=5MB`; fields of the corpus, with or without `corpus.` before them.
        sources: `source=PATH`.

    Raises:
        BadInput: with file, line and field.
    """
    settings = [s if s.startswith("corpus.") else f"corpus.{s}" for s in settings]
    if name in built_in_corpora():
        return _read(document.read(FOLDER / f"{name}.yaml"), BUILT_IN, None, settings, sources)
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} and path.exists():
        doc = document.read(path)
        if isinstance(doc.data, dict) and "sources" in doc.data:
            return _read(doc, path.parent, path.resolve(), settings, sources)
    if name in built_in() or path.suffix in {".yaml", ".yml"}:
        study = load(name, settings=settings, sources=sources)
        return LoadedCorpus(study.study.corpus.corpus, study.study.corpus, study.path, study.where)
    raise BadInput(
        f'no corpus "{name[:200]}"{did_you_mean(name, [*built_in_corpora(), *built_in()])}',
        fix="Name a built-in corpus or study, or the path of a corpus or study file.",
    )


def _read(
    doc: Document, folder: Path, path: Path | None, settings: Iterable[str], sources: Iterable[str]
) -> LoadedCorpus:
    data = {"corpus": beside(doc.data, folder)}
    changed = [set_field(data, setting) for setting in settings]
    changed += [set_source(data, source) for source in sources]
    where = Where(doc, {"corpus": doc}, changed)
    try:
        corpus = _File.model_validate(data).corpus
    except ValidationError as error:
        raise BadInput("\n".join(dict.fromkeys(tell(e, where) for e in error.errors()))) from None
    return LoadedCorpus(corpus.corpus, corpus, path, where)
