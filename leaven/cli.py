"""The commands. Exit codes: 0 done, 1 a step failed, 2 bad input, 130 interrupted, 143 terminated.

After the last two, running again continues.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer

from leaven import (
    cli_audit,
    cli_comparison,
    cli_corpus,
    cli_evaluation,
    cli_judging,
    cli_run,
    cli_store,
    cli_study,
    cli_training,
    cli_validation,
    cli_watch,
)
from leaven.corpus.look.visible import visible
from leaven.ground.errors import LeavenError
from leaven.options import AsJson, Runs, StorePlace
from leaven.sentences import print_json


def _version(asked: bool) -> None:
    if asked:
        from leaven.ground.version import __version__

        print(f"leaven {__version__}")
        raise typer.Exit


app = typer.Typer(
    name="leaven",
    help="What code, or any other data, does to a language model in pre-training: from raw files to a verdict.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _all(
    version: Annotated[
        bool, typer.Option("--version", help="the version, and end", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """What is asked of leaven itself, before any command."""


for command in (
    cli_run.run,
    cli_run.plan,
    cli_study.status,
    cli_study.why,
    cli_study.verdict,
    cli_study.report,
    cli_watch.watch,
    cli_watch.logs,
    cli_training.bench,
    cli_training.export,
):
    app.command()(command)
app.command("eval")(cli_evaluation.eval_)
app.command()(cli_judging.judge)
app.command()(cli_validation.validate)
app.command()(cli_audit.audit)
app.command()(cli_comparison.compare)
app.add_typer(cli_corpus.app, name="corpus")
app.add_typer(cli_store.app, name="store")


@app.command()
def studies(as_json: AsJson = False) -> None:
    """The built-in studies, a line each."""
    from leaven.study.load import built_in

    found = built_in()
    if as_json:
        print_json(found)
        return
    width = max(map(len, found))
    for name, question in found.items():
        print(f"{name:<{width}} {question}")


@app.command()
def doctor(runs: Runs = Path("runs"), store: StorePlace = None, as_json: AsJson = False) -> None:
    """What this computer can do for leaven: Python, devices, isolation, disk, optional extras."""
    from leaven.engine.doctor import examine
    from leaven.engine.stores import place

    findings = examine(place(store, runs).root)
    if as_json:
        print_json([finding.__dict__ for finding in findings])
        return
    for finding in findings:
        print(f"{'ok' if finding.well else 'NO':<3} {finding.what:<13} {finding.found}")
        if not finding.well:
            print(f"    {'':<13} {finding.advice}")


BEYOND_US = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
"""What disks and permissions refuse: the user's to change, so a sentence and no traceback."""


def main() -> None:
    """The console script: errors become sentences and exit codes."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no → shows a ?
    received = []

    def terminate(number: int, frame: FrameType | None) -> None:
        received.append(number)
        raise KeyboardInterrupt  # everything is put away as after Ctrl-C

    signal.signal(signal.SIGTERM, terminate)
    try:
        code = app(sys.argv[1:] or ["--help"], standalone_mode=False)
        if code == 130:
            raise KeyboardInterrupt  # typer took it for itself and returned
        sys.stdout.flush()
        sys.exit(code or 0)
    except typer.Exit as done:
        sys.exit(done.exit_code)
    except LeavenError as error:
        # Names in a user's files may hold what would steer the terminal.
        print("\n".join(map(visible, f"leaven: {error}".split("\n"))), file=sys.stderr)
        sys.exit(error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        print("\ninterrupted; nothing is lost: run again to continue", file=sys.stderr)
        sys.exit(143 if received else 130)
    except BrokenPipeError:
        # Whoever was reading has had enough (`leaven plan | head -1`); click ends with 1 then, and so do we.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except OSError as error:
        if error.errno not in BEYOND_US:
            raise
        print(f"leaven: {error.strerror}: {error.filename or 'standard output'}", file=sys.stderr)
        sys.exit(1)
    except Exception as error:
        if hasattr(error, "format_message"):  # a mistake on the command line, told by the parser
            print(f"leaven: {error.format_message()}\n  leaven --help lists the commands.", file=sys.stderr)
            sys.exit(2)
        raise


if __name__ == "__main__":
    main()
