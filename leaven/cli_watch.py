"""Commands that look at a study from outside: `leaven watch`, `logs`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leaven.columns import width
from leaven.ground.errors import BadInput
from leaven.options import AsJson, Runs, StorePlace
from leaven.sentences import print_json


def watch(
    study: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[STUDY]...",
            help="built-in studies, study files, or folders in RUNS (default: what was heard of last)",
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="one picture, and end")] = False,
    runs: Runs = Path("runs"),
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """How a study goes: its steps, curves, speed, remaining time and failures, on a terminal until q is pressed.

    It reads what the run writes and does not touch it: it can be begun and ended at any time, also before the run
    begins and after it was killed. Where the output is no terminal, one picture is printed.
    """
    from rich.console import Console

    from leaven.engine.watching.follow import Follower, folder_of, kept_in, options_of, ran
    from leaven.engine.watching.live import Watched, picture
    from leaven.engine.watching.live import watch as show

    folders = [folder_of(word, runs) for word in study] if study else ran(runs)[:1]
    if not folders:
        raise BadInput("no study was run here", where=str(runs), fix="Name one, or give the folder: --runs DIR.")
    watched = [
        Watched(Follower(folder, kept_in(folder, runs, store), options_of(folder, runs, store)))
        for folder in dict.fromkeys(folders)
    ]
    console = Console(highlight=False)
    if as_json:
        print_json([one.data() for one in watched])
    elif console.is_terminal and not once:
        show(watched, console)
    else:
        across = console.width if console.is_terminal else width()
        for line in picture(watched, across):
            console.print(line, soft_wrap=True)


def logs(
    step: Annotated[
        str, typer.Argument(metavar="STEP", help="[STUDY/]variant/seed-N/stage, another step name, or an identity")
    ],
    study: Annotated[
        str | None, typer.Option(help="a built-in study, a study file, or a folder in RUNS (default: all in RUNS)")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="go on while the step runs")] = False,
    tail: Annotated[int | None, typer.Option(min=0, metavar="N", help="only the last N lines of what there is")] = None,
    runs: Runs = Path("runs"),
    store: StorePlace = None,
) -> None:
    """What a step said: its log, of every time that it was executed."""
    from leaven.engine.watching import logs as reading
    from leaven.engine.watching.follow import folder_of, kept_in

    folder = folder_of(study, runs) if study else None
    meant = reading.find(step, runs, kept_in(folder, runs, store), folder)
    kept = kept_in(meant.folder, runs, store)
    path = kept.log_of(meant.identity)
    if not path.exists() and not (follow and not reading.ended(meant, kept)):
        told = "it was made on another machine" if kept.has(meant.identity) else "it has not been started"
        raise BadInput(f"{meant.name} has no log here: {told}", where=str(path), field="STEP")
    begin = reading.start_of(path, tail) if path.exists() else 0
    over = (lambda: reading.ended(meant, kept)) if follow else (lambda: True)
    for line in reading.follow(lambda: kept.log_of(meant.identity), begin, over):
        print(line, flush=follow)
