"""`leaven store …`: what lies in the store, for whom, whether it is whole, what may go, and studies on the move."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leaven.columns import width
from leaven.corpus.look.visible import visible
from leaven.ground.errors import BadInput
from leaven.options import AsJson, Runs, StorePlace
from leaven.sentences import print_json

if TYPE_CHECKING:
    from leaven.engine.keeping.usage import Contents
    from leaven.engine.store import Store
    from leaven.ground.progress import Progress, Row

app = typer.Typer(
    help="What lies in the store, whether it is whole, what may go; studies from and to other machines.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

OfStudy = Annotated[str | None, typer.Option("--study", metavar="STUDY", help="a study that is kept, or STUDY@SET")]
KeptStudy = Annotated[str, typer.Argument(metavar="STUDY", help="a study that is kept, or STUDY@SET")]
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}


@app.command("ls")
def ls(
    study: OfStudy = None,
    kind: Annotated[str | None, typer.Option(help="only steps of this kind, e.g. stage")] = None,
    unused: Annotated[bool, typer.Option("--unused", help="only what no kept study needs")] = False,
    sort: Annotated[str, typer.Option(metavar="study|kind|age|size", help="what comes first")] = "study",
    runs: Runs = Path("runs"),
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """The finished steps: kind, size, age and the studies that need them."""
    from leaven.engine.keeping.usage import contents, listed
    from leaven.sentences_store import listed_lines

    found = contents(_store(store, runs), looking=True)
    _warn(found)
    rows = listed(found, study=study, kind=kind, unused=unused, sort=sort)
    if as_json:
        print_json([{**asdict(step), "studies": names} for step, names in rows])
        return
    _print(listed_lines(rows, width()))


@app.command("du")
def du(runs: Runs = Path("runs"), store: StorePlace = None, as_json: AsJson = False) -> None:
    """Bytes by study (all that it needs, and what it alone needs), by kind, and beside steps."""
    from leaven.engine.keeping.usage import contents, used
    from leaven.sentences_store import used_lines

    place = _store(store, runs)
    looked = contents(place, looking=True)
    _warn(looked)
    found = used(place, looked)
    if as_json:
        print_json(found)
        return
    _print(used_lines(found, width()))


@app.command("verify")
def verify(
    step: Annotated[
        list[str] | None,
        typer.Argument(metavar="[STEP]...", help="names or identities of steps (default: all of them)"),
    ] = None,
    study: OfStudy = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="move damaged steps aside, so that the next run computes them again")
    ] = False,
    runs: Runs = Path("runs"),
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Rehash results and tell every damaged file; exit code 1 if there is one."""
    from leaven.engine.keeping.rehash import asked_for, move_aside, rehash
    from leaven.engine.keeping.usage import contents
    from leaven.sentences_store import verified_lines

    place = _store(store, runs)
    found = contents(place, looking=True)
    _warn(found)
    wanted = asked_for(found, step) if step else sorted({*found.steps, *found.damaged})
    if study is not None:
        mine = found.needed_by(study)
        wanted = [step_id for step_id in wanted if step_id in mine]
    with _progress("rehashing", quiet=as_json) as progress:
        told = rehash(place, found, wanted, progress)
    repaired = None
    if repair and told.damage:
        with place.lock():
            repaired = move_aside(place, told.damage)
    if as_json:
        print_json({**asdict(told), "moved": [], "mended": [], **(asdict(repaired) if repaired else {})})
    else:
        _print(verified_lines(told, repaired))
    raise typer.Exit(1 if told.damage else 0)


@app.command("gc")
def gc(
    forget: Annotated[
        list[str] | None, typer.Option(metavar="STUDY", help="keep this study (or STUDY@SET) no longer; repeatable")
    ] = None,
    newest: Annotated[
        int | None, typer.Option(min=1, help="of each study keep only the sets last run, so many")
    ] = None,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="AGE", help="only what is older, e.g. 30d, 12h")
    ] = None,
    cache: Annotated[bool, typer.Option("--cache", help="compiled programs and hashes of raw files, too")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="remove without asking")] = False,
    runs: Runs = Path("runs"),
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Remove what no kept study needs, after showing it. Without --yes, and nobody to ask, nothing is removed."""
    from leaven.engine.keeping.collect import Rule, collect, plan
    from leaven.sentences_store import collection_lines

    place = _store(store, runs)
    rule = Rule(tuple(forget or ()), newest, _age(older_than), cache)
    found = plan(place, runs, rule)
    anything = bool(found.leaving or found.forgotten)
    if as_json:
        went = collect(place, runs, rule, found) if yes and anything else None
        shown = went or found
        print_json(
            {
                "removed": went is not None,
                "leaving": [{**asdict(each), "path": str(each.path)} for each in shown.leaving],
                "forgotten": [record.label for record in shown.forgotten],
                "bytes": shown.bytes,
                "kept": shown.kept,
            }
        )
        return
    _print(collection_lines(found, width()))
    if not anything:
        return
    if not yes and not sys.stdin.isatty():
        print("nothing was removed; --yes removes it")
        return
    if yes or typer.confirm("remove this?"):
        _print(collection_lines(collect(place, runs, rule, found), width(), gone=True))


@app.command("export")
def export(
    study: KeptStudy,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="the archive to write: NAME.tar.zst, or NAME.tar")],
    without: Annotated[
        list[str] | None, typer.Option(metavar="KIND", help="kinds of steps to leave out, e.g. stage; repeatable")
    ] = None,
    runs: Runs = Path("runs"),
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Write a study into one file: its steps, its page, and the hash of every file."""
    from leaven.engine.keeping.export import export as write
    from leaven.sentences_store import exported_lines

    with _progress("exporting", quiet=as_json) as progress:
        found = write(_store(store, runs), runs, study, file, without=without or (), progress=progress)
    if as_json:
        told = {name: value for name, value in vars(found).items() if name != "record"}
        print_json(told | {"file": str(found.file), "study": found.record.name, "set": found.record.set})
        return
    _print(exported_lines(found))


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="an archive that leaven store export wrote")],
    as_: Annotated[str | None, typer.Option("--as", metavar="NAME", help="another name for the study here")] = None,
    runs: Runs = Path("runs"),
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Make a study from another machine part of the store; everything is checked before any of it appears."""
    from leaven.engine.keeping.importing import bring
    from leaven.sentences_store import imported_lines

    with _progress("checking", quiet=as_json) as progress:
        found = bring(_store(store, runs, may_be_new=True), runs, file, name=as_, progress=progress)
    if as_json:
        told = {name: value for name, value in vars(found).items() if name != "record"}
        print_json(told | {"folder": str(found.folder), "study": found.record.name, "set": found.record.set})
        return
    _print(imported_lines(found))


def _store(store: str | None, runs: Path, *, may_be_new: bool = False) -> Store:
    """Raises BadInput where there is none: a store that is not there would be whole, and empty."""
    from leaven.engine.stores import place

    made = place(store, runs)
    if not may_be_new and "url" not in made.where() and not made.steps.is_dir():
        raise BadInput("there is no store", where=str(made.root), fix="Say where it is: --runs DIR or --store PATH.")
    return made


def _warn(found: Contents) -> None:
    """Of records that cannot be read, beside whatever is asked for."""
    for record in found.unreadable:
        print(
            visible(f"warning   {record}; what it keeps is unknown and looks unused, and gc removes nothing"),
            file=sys.stderr,
        )


def _age(words: str | None) -> float:
    """Seconds of `30d`. Raises BadInput."""
    if words is None:
        return 0.0
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhdw])", words.strip(), re.ASCII)
    if not found:
        raise BadInput(f'"{words}" is no age', field="--older-than", fix="A number and s, m, h, d or w: 30d.")
    return float(found[1]) * UNITS[found[2]]


@contextmanager
def _progress(what: str, *, quiet: bool) -> Iterator[Progress]:
    """How far a verb is, on a terminal; nothing elsewhere."""
    from rich.console import Console
    from rich.progress import Progress as Bar

    from leaven.ground.progress import silent

    console = Console()
    if quiet or not console.is_terminal:
        yield silent
        return
    with Bar(console=console, transient=True) as bar:
        task = bar.add_task(what, total=None)

        def show(done: float, total: float, note: str = "", measured: Row | None = None) -> None:
            bar.update(task, completed=done, total=total)

        yield show


def _print(lines: list[str]) -> None:
    print("\n".join(map(visible, lines)))
