"""A corpus as a Python object: what `leaven corpus` does, without a study.

Its steps are those of any study that uses the same corpus: what one has built, the other finds in the store.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leaven.ground.errors import BadInput
from leaven.ground.files import read_json, write_json
from leaven.study.load_corpus import LoadedCorpus
from leaven.study.load_corpus import load_corpus as load_file

if TYPE_CHECKING:
    from leaven.engine.prepare import PreparedCorpus

RUNS = Path("runs")


def load_corpus(
    name: str,
    *,
    settings: Iterable[str] = (),
    sources: Mapping[str, str | Path] | None = None,
    runs: str | Path = RUNS,
) -> Corpus:
    """A built-in corpus, a corpus file or a study's corpus, with changes.

    Args:
        name: `workstation`, `packages`, the path of a corpus file, or a study.
        settings: `sources.text.max=5MB` and the like.
        sources: the user's own files for a source.
        runs: the folder results go to.

    Raises:
        BadInput: naming file, line and field.
    """
    given = [f"{source}={path}" for source, path in (sources or {}).items()]
    return Corpus(load_file(name, settings=settings, sources=given), Path(runs))


@dataclass(frozen=True)
class Folders:
    """Where the results of a corpus's steps are; a folder that does not exist has not been built."""

    read: Mapping[str, Path]
    source: Mapping[str, Path]
    corpus: Path
    tokenizer: Path
    shards: Mapping[str, Path]


class Corpus:
    """A corpus on this computer."""

    def __init__(self, loaded: LoadedCorpus, runs: Path = RUNS, roots: Mapping[str, Path] | None = None) -> None:
        from leaven.engine.store import Store

        self.loaded, self.runs, self.roots = loaded, runs, roots
        self.store = Store(runs / "store")
        self.folder = runs / "corpora" / loaded.name

    @property
    def name(self) -> str:
        return self.loaded.name

    def prepare(self, *, remember: bool = False) -> PreparedCorpus:
        """Look at the raw files and expand the corpus's part of the graph."""
        from leaven.engine.prepare import prepare_corpus

        return prepare_corpus(self.loaded, self.store, remember=remember, roots=self.roots)

    def build(self, *, jobs: int | None = None, quiet: bool = False, prepared: PreparedCorpus | None = None) -> Folders:
        """Build what the store does not hold; goes on where an earlier build stopped.

        Raises:
            BadInput: a source's files cannot be used.
            LeavenError: a step failed; everything that does not depend on it has finished.
        """
        from leaven.engine.display import Display
        from leaven.engine.estimate import measured
        from leaven.engine.schedule import failures
        from leaven.engine.schedule import run as run_steps
        from leaven.lab import StepsFailed

        self.store.prepare()
        with self.store.lock():
            prepared = prepared or self.prepare(remember=True)
            with Display(quiet=quiet) as display:
                state = run_steps(
                    prepared.graph,
                    self.store,
                    jobs=jobs,
                    rates=measured(self.store.manifests()),
                    watch=display.watch,
                )
            if state.failed:
                raise StepsFailed(failures(state), state)
        folders = self.folders(prepared)
        self._write_manifest(folders)
        return folders

    def folders(self, prepared: PreparedCorpus | None = None) -> Folders:
        """Where results are, built or not."""
        prepared = prepared or self.prepare()
        named = {name: self.store.folder(step) for name, step in prepared.names.items()}

        def of(kind: str) -> dict[str, Path]:
            return {name.partition("/")[2]: path for name, path in named.items() if name.startswith(kind + "/")}

        return Folders(of("read"), of("source"), named["corpus"], named["tokenizer"], of("shards"))

    def built(self) -> Folders:
        """Where the results of a finished build are. Raises BadInput if a step is missing."""
        prepared = self.prepare()
        missing = [name for name, step in prepared.names.items() if not self.store.has(step)]
        if missing:
            raise BadInput(
                f"{len(missing)} of {len(prepared.names)} steps of corpus {self.name} have not been built "
                f"(next: {missing[0]})",
                fix=f"Build it first: leaven corpus build {self.loaded.path.name if self.loaded.path else self.name}, "
                "with the same options.",
            )
        return self.folders(prepared)

    def _write_manifest(self, folders: Folders) -> None:
        """`corpus.json`: where each source's shards, documents and report are, relative to the file's own folder."""
        self.folder.mkdir(parents=True, exist_ok=True)

        def from_here(path: Path) -> str:
            return os.path.relpath(path, self.folder)

        data: dict[str, Any] = {
            "corpus": self.name,
            "documents": from_here(folders.corpus),
            "tokenizer": from_here(folders.tokenizer / "tokenizer.json"),
            "sources": {
                name: {"shards": from_here(path), **read_json(path / "shards.json")["splits"]}
                for name, path in folders.shards.items()
            },
        }
        write_json(self.folder / "corpus.json", data)
