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
from typing import Annotated, Any

import typer

from leaven import cli_corpus, cli_training
from leaven.ground.errors import BadInput, LeavenError
from leaven.options import (
    AsJson,
    Compile,
    Device,
    Jobs,
    Pack,
    Runs,
    Seeds,
    Settings,
    Size,
    Sources,
    StudyName,
    Unisolated,
    Without,
)
from leaven.sentences import print_json, status_lines, waiting, why_lines

app = typer.Typer(
    name="leaven",
    help="What code, or any other data, does to a language model in pre-training: from raw files to a verdict.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(cli_corpus.app, name="corpus")
app.command()(cli_training.bench)
app.command()(cli_training.export)


def _study(
    name: str,
    settings: list[str] | None,
    sources: list[str] | None,
    seeds: int | None,
    size: str | None,
    runs: Path,
) -> Any:
    from leaven.lab import Study
    from leaven.study.load import load

    return Study(load(name, settings=settings or (), sources=sources or (), seeds=seeds, size=size), runs)


def _without_code(without: list[str] | None) -> bool:
    for word in without or ():
        if word != "code":
            raise BadInput(
                f'"{word}" cannot be left out',
                field="--without",
                fix="Only code (model-written programs) can.",
            )
    return bool(without)


def _text_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


@app.command()
def run(
    study: StudyName = "pocket",
    set_: Settings = None,
    source: Sources = None,
    seeds: Seeds = None,
    size: Size = None,
    runs: Runs = Path("runs"),
    jobs: Jobs = None,
    device: Device = "auto",
    pack: Pack = "auto",
    without: Without = None,
    allow_unisolated: Unisolated = False,
    as_json: AsJson = False,
) -> None:
    """Run a study: what exists is used, what is missing is computed, the report is written."""
    lab = _study(study, set_, source, seeds, size, runs)
    lab.store.prepare()
    with waiting("looking at the files of this computer", quiet=as_json):
        prepared = lab.prepare(allow_unisolated=allow_unisolated, without_code=_without_code(without), remember=True)
    if not as_json:
        from leaven.ground.version import __version__

        lines = lab.plan(jobs=jobs, device=device, pack=pack, prepared=prepared).lines()
        print(f'leaven {__version__} · study {lab.name} · "{prepared.study.question}"')
        print(*lines, "", sep="\n", flush=True)
    results = lab.run(
        jobs=jobs, allow_unisolated=allow_unisolated, quiet=as_json, device=device, pack=pack, prepared=prepared
    )
    with waiting("writing the report", quiet=as_json):
        page = results.report()
    if as_json:
        print_json({"report": str(page), "new_steps": results.new, "verdict": results.verdict()})
        return
    kinds = [step.kind for step in prepared.graph.steps.values()]
    if not results.new:
        print(f"everything is done ({kinds.count('stage')} stages, {kinds.count('evaluate')} evaluations)")
    print(f"report    {page}")
    print("\n".join(results.lines()))
    path = lab.loaded.path
    if path is not None and _text_of(path) != lab.loaded.document.text.encode():
        print(
            f"note      {path.name} was edited while this ran; these are the results of the file as it was at the start"
            f" (kept as {lab.folder / 'study.yaml'})"
        )


@app.command()
def plan(
    study: StudyName = "pocket",
    set_: Settings = None,
    source: Sources = None,
    seeds: Seeds = None,
    size: Size = None,
    runs: Runs = Path("runs"),
    jobs: Jobs = None,
    device: Device = "auto",
    pack: Pack = "auto",
    compile_: Compile = None,
    model_axis: Annotated[int, typer.Option(min=1, help="with --compile: chips that share each sequence")] = 1,
    without: Without = None,
    allow_unisolated: Unisolated = False,
    as_json: AsJson = False,
) -> None:
    """Steps, shared ancestors and tokens saved, FLOPs, time here, power. Nothing is executed.

    With --compile, the training steps of the study are compiled for TPUs that are not here: memory, FLOPs, traffic.
    """
    if model_axis > 1 and compile_ is None:
        raise BadInput("has no effect without --compile", field="--model-axis")
    lab = _study(study, set_, source, seeds, size, runs)
    with waiting("looking at the files of this computer", quiet=as_json):
        made = lab.plan(
            jobs=jobs, allow_unisolated=allow_unisolated, without_code=_without_code(without), device=device, pack=pack
        )
    compiled = []
    if compile_ is not None:
        with waiting(f"compiling for {compile_}", quiet=as_json):
            compiled = lab.compile_ahead(compile_, model_axis=model_axis)
    if as_json:
        print_json(made.data() | ({"compiled": [step.data() for step in compiled]} if compiled else {}))
        return
    print(f'study     {made.study} · "{made.question}"')
    print("\n".join(made.lines()))
    if compiled:
        from leaven.engine.ahead import lines

        print("\n".join(line for step in compiled for line in lines(step)))
    print("stages    (one seed)")
    print("\n".join(made.tree_lines()))


@app.command()
def status(
    study: StudyName = "pocket",
    set_: Settings = None,
    source: Sources = None,
    seeds: Seeds = None,
    size: Size = None,
    runs: Runs = Path("runs"),
    without: Without = None,
    allow_unisolated: Unisolated = False,
    as_json: AsJson = False,
) -> None:
    """How far a study is."""
    lab = _study(study, set_, source, seeds, size, runs)
    found = lab.status(allow_unisolated=allow_unisolated, without_code=_without_code(without))
    if as_json:
        print_json(found)
        return
    print("\n".join(status_lines(found, study)))


@app.command()
def why(
    step: Annotated[
        str,
        typer.Argument(metavar="STEP", help="[STUDY/]variant/seed-N/stage, another step name, or an identity"),
    ],
    study: Annotated[str, typer.Option(help="a built-in study or the path of a study file")] = "pocket",
    set_: Settings = None,
    source: Sources = None,
    seeds: Seeds = None,
    size: Size = None,
    runs: Runs = Path("runs"),
    without: Without = None,
    allow_unisolated: Unisolated = False,
    as_json: AsJson = False,
) -> None:
    """Why a step is, or is not, in the store: what differs from the nearest that is."""
    from leaven.study.load import built_in

    head, _, rest = step.partition("/")
    if rest and head in built_in():
        study, step = head, rest
    lab = _study(study, set_, source, seeds, size, runs)
    found = lab.why(step, allow_unisolated=allow_unisolated, without_code=_without_code(without))
    if as_json:
        print_json(found)
        return
    print("\n".join(why_lines(found)))


@app.command()
def verdict(
    study: StudyName = "pocket",
    set_: Settings = None,
    source: Sources = None,
    seeds: Seeds = None,
    size: Size = None,
    runs: Runs = Path("runs"),
    without: Without = None,
    allow_unisolated: Unisolated = False,
    as_json: AsJson = False,
) -> None:
    """The verdicts of a finished study."""
    lab = _study(study, set_, source, seeds, size, runs)
    results = lab.finished(allow_unisolated=allow_unisolated, without_code=_without_code(without))
    if as_json:
        print_json(results.verdict())
    else:
        print("\n".join(results.lines()))


@app.command()
def report(
    study: StudyName = "pocket",
    set_: Settings = None,
    source: Sources = None,
    seeds: Seeds = None,
    size: Size = None,
    runs: Runs = Path("runs"),
    without: Without = None,
    allow_unisolated: Unisolated = False,
) -> None:
    """Write the page of a finished study anew and print where it is."""
    lab = _study(study, set_, source, seeds, size, runs)
    results = lab.finished(allow_unisolated=allow_unisolated, without_code=_without_code(without))
    print(results.report(anew=True))


@app.command()
def studies(as_json: AsJson = False) -> None:
    """The built-in studies, a line each."""
    from leaven.study.load import built_in

    found = built_in()
    if as_json:
        print_json(found)
        return
    for name, question in found.items():
        print(f"{name:<16} {question}")


@app.command()
def doctor(runs: Runs = Path("runs"), as_json: AsJson = False) -> None:
    """What this computer can do for leaven: Python, devices, isolation, disk, optional extras."""
    from leaven.engine.doctor import examine

    findings = examine(runs)
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
        print(f"leaven: {error}", file=sys.stderr)
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
