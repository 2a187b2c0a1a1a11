"""`leaven corpus …`: a corpus by itself, built and looked at without a study."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leaven.options import AsJson, Jobs, Runs, Settings, Sources, StorePlace
from leaven.sentences import waiting

if TYPE_CHECKING:
    from leaven.corpora import Corpus

app = typer.Typer(
    help="Build a corpus and look at what is in it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

CorpusName = Annotated[
    str, typer.Argument(metavar="CORPUS", help="a built-in corpus, a corpus file, or a study whose corpus is meant")
]
SourceName = Annotated[str, typer.Argument(metavar="SOURCE", help="the name of one of its sources")]


@app.command()
def build(
    corpus: CorpusName = "workstation",
    set_: Settings = None,
    source: Sources = None,
    runs: Runs = Path("runs"),
    store: StorePlace = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Read, filter, deduplicate, decontaminate, tokenize: what exists is used, what is missing is built."""
    from leaven.columns import width
    from leaven.ground.files import read_json
    from leaven.sentences_corpus import overview, say, say_json

    shelf = _corpus(corpus, set_, source, runs, store)
    shelf.store.prepare()
    with waiting("looking at the sources", quiet=as_json):
        prepared = shelf.prepare(remember=True)
    shelf.build(jobs=jobs, quiet=as_json, prepared=prepared)
    path = shelf.folder / "corpus.json"
    found = shelf.stats(prepared=prepared)
    if as_json:
        built = read_json(path)
        sources = {name: {**row, **_brief(found["sources"][name])} for name, row in built["sources"].items()}
        say_json({**built, "sources": sources, "left_out": list(prepared.graph.left_out)})
        return
    say(overview(found, width()))
    say(f"left out  {line}" for line in prepared.graph.left_out)
    say([f"corpus    {path}"])


def _brief(row: dict[str, Any]) -> dict[str, Any]:
    """Of a source what a program that has just built a corpus wants to know."""
    names = ("kind", "files", "seen", "kept", "train", "heldout", "bytes_per_token", "removed")
    return {name: row[name] for name in names if name in row}


@app.command()
def stats(
    corpus: CorpusName = "workstation",
    only: Annotated[str | None, typer.Argument(metavar="[SOURCE]", help="one of its sources, in full")] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(metavar="THRESHOLD=V,V", help="what other values would keep, e.g. starcoder1.max_line=500,2000"),
    ] = None,
    set_: Settings = None,
    source: Sources = None,
    runs: Runs = Path("runs"),
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Documents, bytes, tokens, languages, licences and what was left out, source by source."""
    from leaven.columns import width
    from leaven.sentences_corpus import say, say_json, stats_lines, sweep_lines

    # `--source NAME` names the source that is looked at; `--source NAME=PATH` is what it is everywhere.
    named = [word for word in source or () if "=" not in word]
    asked = [_asked(word) for word in sweep or ()]
    shelf = _corpus(corpus, set_, [word for word in source or () if "=" in word], runs, store)
    one = only or (named[-1] if named else None)
    with waiting("looking at the corpus", quiet=as_json):
        if asked:
            swept = {key: shelf.sweep(key, values, one) for key, values in asked}
        else:
            found = shelf.stats(one)
    if as_json:
        say_json(swept if asked else found)
    elif asked:
        say(sweep_lines(swept, width()))
    else:
        say(stats_lines(found, width(), every=one is not None))


def _asked(word: str) -> tuple[str, list[float]]:
    """`starcoder1.max_line=250,500` as a threshold and its values."""
    from leaven.ground.errors import BadInput

    key, _, values = word.partition("=")
    try:
        return key, [float(value) for value in values.split(",")]
    except ValueError:
        raise BadInput(
            f'"{word}" is not a threshold with values', field="--sweep", fix="Write starcoder1.max_line=250,500,1000."
        ) from None


@app.command()
def inspect(
    corpus: CorpusName,
    name: SourceName,
    document: Annotated[str | None, typer.Option(metavar="ID", help="everything known of one document")] = None,
    token: Annotated[int | None, typer.Option(min=0, help="the document of this token of the shards")] = None,
    split: Annotated[str, typer.Option(help="the side that the token is counted on: train or heldout")] = "train",
    clusters: Annotated[int, typer.Option(min=0, help="clusters of near-duplicates shown")] = 5,
    set_: Settings = None,
    source: Sources = None,
    runs: Runs = Path("runs"),
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Why documents of a source were left out, thresholds, near-duplicates, evaluation items; or one document."""
    from leaven.columns import width
    from leaven.sentences_corpus import document_lines, inspect_lines, say, say_json, token_lines

    shelf = _corpus(corpus, set_, source, runs, store)
    found: Any
    with waiting("looking at the corpus", quiet=as_json):
        if token is not None:
            found = shelf.token(name, token, split=split)
        elif document is not None:
            found = shelf.document(name, document)
        else:
            found = shelf.inspect(name, clusters=clusters)
    if as_json:
        say_json(found)
    elif token is not None:
        say(token_lines(found, width()))
    elif document is not None:
        for row in found:
            say(document_lines(row, width()))
    else:
        say(inspect_lines(found, width()))


@app.command()
def sample(
    corpus: CorpusName,
    name: SourceName,
    n: Annotated[int, typer.Option("-n", min=1, max=1000, help="documents")] = 5,
    seed: Annotated[int, typer.Option(help="the same seed gives the same documents")] = 0,
    dropped: Annotated[
        bool, typer.Option("--dropped", help="only documents that a rule, licence or cap left out")
    ] = False,
    rule: Annotated[
        str, typer.Option(metavar="REASON", help='only what it refuses, e.g. "starcoder1: long line"')
    ] = "",
    language: Annotated[str, typer.Option(help="only documents in this language")] = "",
    set_: Settings = None,
    source: Sources = None,
    runs: Runs = Path("runs"),
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Random documents of a source, each with the rule that leaves it out, or where it is."""
    from leaven.columns import width
    from leaven.sentences_corpus import sample_lines, say, say_json

    shelf = _corpus(corpus, set_, source, runs, store)
    with waiting("looking at the corpus", quiet=as_json):
        found = shelf.sample(name, n, seed=seed, dropped=dropped, rule=rule, language=language)
    if as_json:
        say_json(found)
    else:
        say(sample_lines(found, width()))


@app.command()
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="a corpus, as in the other commands")],
    b: Annotated[str, typer.Argument(metavar="B", help="the corpus that it is compared with")],
    runs: Runs = Path("runs"),
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Two corpora beside each other: their files, the documents they share, languages, what was left out, tokens."""
    from leaven.columns import width
    from leaven.sentences_corpus import diff_lines, say, say_json

    first, second = _corpus(a, None, None, runs, store), _corpus(b, None, None, runs, store)
    with waiting("comparing the documents", quiet=as_json):
        found = first.diff(second)
    if as_json:
        say_json(found)
    else:
        say(diff_lines(found, width()))


def _corpus(name: str, settings: list[str] | None, sources: list[str] | None, runs: Path, store: str | None) -> Corpus:
    from leaven.corpora import Corpus
    from leaven.engine.stores import place
    from leaven.study.load_corpus import load_corpus

    return Corpus(load_corpus(name, settings=settings or (), sources=sources or ()), runs, store=place(store, runs))
