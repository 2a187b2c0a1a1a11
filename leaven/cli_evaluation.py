"""`leaven eval`: any model on a suite of benchmarks."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from leaven.ground.errors import BadInput
from leaven.options import (
    AsJson,
    Data,
    Device,
    Runs,
    Settings,
    StorePlace,
    Unisolated,
    Without,
    places_of,
    without_code_of,
)
from leaven.sentences import print_json


def eval_(
    models: Annotated[
        list[str],
        typer.Argument(
            metavar="MODEL...",
            help="folders of stages or of Hugging Face models, STUDY:STEP, or names on the hub; several are compared",
        ),
    ],
    suite: Annotated[str, typer.Option(help="a built-in suite (paper, proxy), a suite file, or a study")] = "paper",
    data: Data = None,
    task: Annotated[
        list[str] | None, typer.Option("--task", help="only this task, category or average; may be repeated")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="so many items of each task, chosen by a hash")] = None,
    set_: Settings = None,
    backend: Annotated[str, typer.Option(help="jax, torch, or auto: JAX wherever it can")] = "auto",
    start: Annotated[
        str | None,
        typer.Option(help="what stands before every context: eot, none, own (default: eot; own for other models)"),
    ] = None,
    longest: Annotated[
        int | None, typer.Option(min=2, help="tokens of an input at most (default: the model's)")
    ] = None,
    download: Annotated[bool, typer.Option("--download", help="models named as on the hub may be downloaded")] = False,
    device: Device = "auto",
    without: Without = None,
    allow_unisolated: Unisolated = False,
    runs: Runs = Path("runs"),
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Ask models the benchmarks of a suite: scores with standard errors, categories by the paper's formulas."""
    from leaven.evaluation import FOLDER, evaluate
    from leaven.sentences_evaluation import evaluation_lines, telling
    from leaven.study.load_suite import load_suite
    from leaven.train.compile import use_cache
    from leaven.train.devices import share_cores, use

    if backend not in ("auto", "jax", "torch"):
        raise BadInput(f'unknown backend "{backend}"', field="--backend", fix="auto, jax or torch")
    asked = load_suite(suite, settings=set_ or (), data=places_of(data))
    share_cores()
    use(device, None)
    with contextlib.suppress(OSError):  # results may lie where nothing can be written
        use_cache(runs / FOLDER / "xla")
    with telling(quiet=as_json) as progress:
        found = evaluate(
            models,
            asked.suite,
            data=asked.data,
            tasks=task or (),
            limit=limit,
            runs=runs,
            store=store,
            backend=backend,  # type: ignore[arg-type]
            start=start,
            longest=longest,
            download=download,
            without_code=without_code_of(without),
            allow_unisolated=allow_unisolated,
            progress=progress,
        )
    if as_json:
        print_json(found.data())
    else:
        print("\n".join(evaluation_lines(found)))
