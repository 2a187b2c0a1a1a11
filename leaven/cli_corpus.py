"""`leaven corpus …`: a corpus by itself, built and looked at without a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leaven.options import AsJson, Jobs, Runs, Settings, Sources
from leaven.sentences import print_json, waiting

app = typer.Typer(
    help="Build a corpus and look at what is in it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

CorpusName = Annotated[
    str, typer.Argument(metavar="CORPUS", help="a built-in corpus, a corpus file, or a study whose corpus is meant")
]


@app.command()
def build(
    corpus: CorpusName = "workstation",
    set_: Settings = None,
    source: Sources = None,
    runs: Runs = Path("runs"),
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Read, filter, deduplicate, decontaminate, tokenize: what exists is used, what is missing is built."""
    shelf = _corpus(corpus, set_, source, runs)
    shelf.store.prepare()
    with waiting("looking at the sources", quiet=as_json):
        prepared = shelf.prepare(remember=True)
    shelf.build(jobs=jobs, quiet=as_json, prepared=prepared)
    path = shelf.folder / "corpus.json"
    if as_json:
        from leaven.ground.files import read_json

        print_json(read_json(path))
        return
    for line in prepared.graph.left_out:
        print(f"left out  {line}")
    print(f"corpus    {path}")


def _corpus(name: str, settings: list[str] | None, sources: list[str] | None, runs: Path):  # type: ignore[no-untyped-def]
    from leaven.corpora import Corpus
    from leaven.study.load_corpus import load_corpus

    return Corpus(load_corpus(name, settings=settings or (), sources=sources or ()), runs)
