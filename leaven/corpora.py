"""A corpus as a Python object: what `leaven corpus` does, without a study.

Its steps are those of any study that uses the same corpus: what one has built, the other finds in the store.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leaven.ground.errors import BadInput, did_you_mean
from leaven.ground.files import read_json, write_json
from leaven.study.load_corpus import LoadedCorpus
from leaven.study.load_corpus import load_corpus as load_file

if TYPE_CHECKING:
    from leaven.corpus.look.judged import Judged
    from leaven.corpus.look.steps import Steps
    from leaven.engine.prepare import PreparedCorpus
    from leaven.engine.store import Store

RUNS = Path("runs")


def load_corpus(
    name: str,
    *,
    settings: Iterable[str] = (),
    sources: Mapping[str, str | Path] | None = None,
    runs: str | Path = RUNS,
    store: str | None = None,
) -> Corpus:
    """A built-in corpus, a corpus file or a study's corpus, with changes.

    Args:
        name: `workstation`, `packages`, the path of a corpus file, or a study.
        settings: `sources.text.max=5MB` and the like.
        sources: the user's own files for a source.
        runs: the folder results go to.
        store: where steps are kept: a folder or a URL; without one, `store` in `runs`.

    Raises:
        BadInput: naming file, line and field.
    """
    from leaven.engine.stores import place

    given = [f"{source}={path}" for source, path in (sources or {}).items()]
    return Corpus(load_file(name, settings=settings, sources=given), Path(runs), store=place(store, Path(runs)))


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

    def __init__(
        self,
        loaded: LoadedCorpus,
        runs: Path = RUNS,
        roots: Mapping[str, Path] | None = None,
        *,
        store: Store | None = None,
    ) -> None:
        from leaven.engine.stores import place

        self.loaded, self.runs, self.roots = loaded, runs, roots
        self.store = store or place(None, runs)
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
        from leaven.engine.devices import PROCESSOR
        from leaven.engine.display import Display
        from leaven.engine.estimate import measured
        from leaven.engine.here import Here
        from leaven.engine.keeping.records import CORPORA
        from leaven.engine.keeping.records import remember as keep
        from leaven.engine.schedule import failures
        from leaven.engine.schedule import run as run_steps
        from leaven.lab import StepsFailed

        self.store.prepare()
        with self.store.lock():
            prepared = prepared or self.prepare(remember=True)
            keep(self.store, f"{CORPORA}{self.name}", prepared.graph.steps.values(), {})
            with Display(quiet=quiet) as display:
                state = run_steps(
                    prepared.graph,
                    self.store,
                    partial(Here, self.store, jobs, False, PROCESSOR),
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
        self._need(prepared, list(prepared.names))
        return self.folders(prepared)

    def _need(self, prepared: PreparedCorpus, steps: Sequence[str]) -> None:
        missing = [name for name in steps if not self.store.has(prepared.names[name])]
        if missing:
            raise BadInput(
                f"{len(missing)} of {len(steps)} steps of corpus {self.name} have not been built (next: {missing[0]})",
                fix=f"Build it first: leaven corpus build {self.loaded.path.name if self.loaded.path else self.name}, "
                "with the same options.",
            )

    def stats(self, source: str | None = None, *, prepared: PreparedCorpus | None = None) -> dict[str, Any]:
        """Counts of every source, or of one, from the reports of the steps that are built.

        Returns:
            `corpus`, `note`, `cut` (characters of a piece, 0: documents are whole), `clusters` (how many, of
            near-duplicates), `contamination` (task → what was found) and `sources`: name → what
            `leaven.corpus.look.counts.counts` tells, its name only where it is not built.

        Raises:
            BadInput: no such source; nothing is built at all.
        """
        from leaven.corpus.look.counts import counts

        prepared = prepared or self.prepare()
        names = list(self.loaded.corpus.sources) if source is None else [source]
        found = {name: self._steps(prepared, name) for name in names if source or self._present(prepared, name)}
        if not any(steps.read or steps.shards for steps in found.values()):
            self._need(prepared, list(prepared.names))
        assembled = next(iter(found.values())).report("corpus")
        return {
            "corpus": self.name,
            "note": self.loaded.corpus.note,
            "cut": self.loaded.corpus.cut,
            "clusters": (assembled.get("near") or {}).get("clusters"),
            "contamination": assembled.get("contamination", {}),
            "sources": {name: counts(steps) for name, steps in found.items()},
        }

    def inspect(self, source: str, *, clusters: int = 10) -> dict[str, Any]:
        """What was left out of a source and why, thresholds in force, near-duplicates, evaluation items.

        Returns:
            The source's `counts`, and `drops` (reason, documents, share, bytes, an example's id), `rules` (ruleset →
            version, description), `thresholds` in force, `changed` (those a study sets), `clusters` (the largest),
            `contamination` (task → what was found).

        Raises:
            BadInput: no such source, or its source step has not been built.
        """
        from leaven.corpus import rules
        from leaven.corpus.look import alike
        from leaven.corpus.look.counts import counts
        from leaven.corpus.look.judged import drops

        steps, judged = self._judged(source)
        chosen = judged.chosen
        included = dict.fromkeys(each for name in chosen.rules for each in (*rules.RULESETS[name].includes, name))
        return {
            "corpus": self.name,
            **counts(steps),
            "drops": drops(judged),
            "rules": {name: [rules.RULESETS[name].version, rules.RULESETS[name].description] for name in included},
            "thresholds": rules.thresholds(chosen.rules, chosen.thresholds),
            "changed": sorted(chosen.thresholds),
            "clusters": alike.clusters(steps.corpus, source)[:clusters] if steps.corpus else None,
            "contamination": alike.contamination(steps.corpus, source) if steps.corpus else None,
        }

    def document(self, source: str, name: str) -> list[dict[str, Any]]:
        """Everything known of the documents of an id; see `leaven.corpus.look.document.one`. Texts as they were read.

        Raises:
            BadInput: no such source or document, or the source step has not been built.
        """
        from leaven.corpus.look.document import one

        steps, judged = self._judged(source)
        return [{**told, "text": document.text} for told, document in one(steps, judged, name)]

    def token(self, source: str, number: int, *, split: str = "train") -> dict[str, Any]:
        """The document of a token of a source's shards, and the text around it; see `leaven.corpus.look.token`.

        Raises:
            BadInput: no such source, split or token, or the shards have not been built.
        """
        from leaven.corpus.look.token import at_token

        prepared = self.prepare()
        steps = self._steps(prepared, source)
        self._need(prepared, ["corpus", "tokenizer", f"shards/{source}"])
        return at_token(steps, split, number)

    def sample(
        self, source: str, n: int = 5, *, seed: int = 0, dropped: bool = False, rule: str = "", language: str = ""
    ) -> dict[str, Any]:
        """Random documents of a source with what became of each; see `leaven.corpus.look.document.sample`.

        Returns:
            `source`, `of` (documents that answer the description) and `documents`, each with its `text`.

        Raises:
            BadInput: no such source, reason or language, or the source step has not been built.
        """
        from leaven.corpus.look.document import sample

        steps, judged = self._judged(source)
        total, found = sample(steps, judged, n, seed=seed, dropped=dropped, rule=rule, language=language)
        rows = [{**told, "text": document.text} for told, document in found]
        return {"corpus": self.name, "source": source, "of": total, "documents": rows}

    def sweep(self, key: str, values: Sequence[float], source: str | None = None) -> dict[str, list[dict[str, Any]]]:
        """Source → what it would keep for each value of a threshold, from scores alone; the value in force first.

        Without a source: of all whose rules have this threshold. See `leaven.corpus.look.sweep`.

        Raises:
            BadInput: no such source or threshold, or a source step has not been built.
        """
        from leaven.corpus import rules
        from leaven.corpus.look.sweep import sweep
        from leaven.corpus.select import Facts

        prepared = self.prepare()
        names = [source] if source else [name for name in self.loaded.corpus.sources if self._present(prepared, name)]
        found: dict[str, list[dict[str, Any]]] = {}
        known: dict[str, Any] = {}
        for name in names:
            steps = self._steps(prepared, name)
            own = rules.thresholds(steps.chosen.rules, steps.chosen.thresholds) if steps.chosen else {}
            known |= own
            if key in own and steps.chosen:
                self._need(prepared, [f"read/{name}"])
                found[name] = sweep(Facts.load(self.folders(prepared).read[name]), steps.chosen, key, values)
        if not found:
            fix = f"Thresholds: {', '.join(known)}." if known else "No source has rules."
            raise BadInput(f'unknown threshold "{key}"{did_you_mean(key, known)}', field="--sweep", fix=fix)
        return found

    def diff(self, other: Corpus) -> dict[str, Any]:
        """This corpus (a) beside another (b): what they were asked to be, and what they are.

        Returns:
            `a`, `b` (names), `fields` (field, a, b), `only_a`, `only_b` (sources), `sources`: name → `documents`
            (only_a, only_b, both, by content) and what `leaven.corpus.look.compare.shifts` tells.

        Raises:
            BadInput: one of them is not built; the message says which.
        """
        from leaven.corpus.look.compare import Contents, differing, identical, shared, shifts

        in_a, in_b = self.prepare(), other.prepare()
        a, b = self._built_steps(in_a), other._built_steps(in_b)
        told_a, told_b = self.stats(prepared=in_a)["sources"], other.stats(prepared=in_b)["sources"]
        same = in_a.names["corpus"] == in_b.names["corpus"]
        sources = {}
        for name in a:
            if name in b:
                documents = identical(told_a[name])
                if not same:
                    documents = shared(Contents.of(*_held(a[name])), Contents.of(*_held(b[name])))
                sources[name] = {"documents": documents, **shifts(told_a[name], told_b[name])}
        return {
            "a": self.name,
            "b": other.name,
            "same": same,
            "fields": differing(self.loaded.corpus.model_dump(), other.loaded.corpus.model_dump()),
            "only_a": [name for name in a if name not in b],
            "only_b": [name for name in b if name not in a],
            "sources": sources,
        }

    def _built_steps(self, prepared: PreparedCorpus) -> dict[str, Steps]:
        self._need(prepared, list(prepared.names))
        present = [name for name in self.loaded.corpus.sources if self._present(prepared, name)]
        return {name: self._steps(prepared, name) for name in present}

    def _judged(self, source: str) -> tuple[Steps, Judged]:
        """A source and its documents before its rules. Raises BadInput where its source step is not built."""
        from leaven.corpus.look.judged import Judged

        prepared = self.prepare()
        steps = self._steps(prepared, source)
        if steps.chosen is None:
            of = self.loaded.corpus.sources[source].of
            raise BadInput(f"source {source} is a control: the documents of {of}, transformed", fix=f"Look at {of}.")
        self._need(prepared, [f"read/{source}", f"source/{source}"])
        return steps, Judged.of(steps)

    def _present(self, prepared: PreparedCorpus, source: str) -> bool:
        return f"shards/{source}" in prepared.names

    def _steps(self, prepared: PreparedCorpus, source: str) -> Steps:
        """The finished steps of a source. Raises BadInput for a source the corpus does not have."""
        from leaven.corpus.look.steps import Steps
        from leaven.corpus.select import Selection

        known = self.loaded.corpus.sources
        if source not in known:
            raise BadInput(f'corpus {self.name} has no source "{source}"{did_you_mean(source, known)}')
        if not self._present(prepared, source):
            said = next((line for line in prepared.graph.left_out if line.startswith(f"source {source}: ")), "")
            raise BadInput(said or f"source {source} is left out")

        def finished(name: str) -> Path | None:
            step = prepared.names.get(name)
            return self.store.folder(step) if step is not None and self.store.has(step) else None

        chosen = None
        if f"source/{source}" in prepared.names:
            fields = prepared.graph.steps[prepared.names[f"source/{source}"]].fields
            chosen = Selection.of(source, fields)
        read, kept = finished(f"read/{source}"), finished(f"source/{source}")
        shards = finished(f"shards/{source}")
        return Steps(source, chosen, read, kept, finished("corpus"), finished("tokenizer"), shards)

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


def _held(steps: Steps) -> tuple[Path, str]:
    """Where a built source's documents are: a control's are those of the source it is of."""
    if steps.corpus is None or steps.shards is None:
        raise ValueError(f"source {steps.name} has not been built")
    return steps.corpus, str(read_json(steps.shards / "shards.json")["of"])
