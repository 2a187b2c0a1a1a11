"""`leaven judge`: whose completions a judge prefers, and how sure that is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from leaven.options import AsJson, Data, Device, Runs, Settings, StorePlace, places_of
from leaven.sentences import print_json


def judge(
    arms: Annotated[
        list[str],
        typer.Argument(
            metavar="ARM...",
            help="NAME=WHAT or WHAT: a model (folder, STUDY:STEP, name on the hub) or a file of completions "
            "(.jsonl, .json); the last is the baseline",
        ),
    ],
    by: Annotated[
        str, typer.Option("--judge", metavar="FILE", help="a judge file, a study, or scripted:longer for a try")
    ],
    prompts: Annotated[
        str | None,
        typer.Option(metavar="SET|FILE", help="alpaca-eval, dolly-200, dolly-15k, mt-bench, vicuna, or a file"),
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="so many prompts, chosen by a hash")] = None,
    baseline: Annotated[str | None, typer.Option(metavar="NAME", help="the arm others are compared with")] = None,
    all_pairs: Annotated[bool, typer.Option("--all", help="every arm meets every other")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="calls, tokens and cost; the judge is not asked")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="judge again from the answers that are kept")] = False,
    replies: Annotated[
        Path | None, typer.Option(metavar="FILE", help="the judge's answers (default: runs/judgements/replies.jsonl)")
    ] = None,
    budget: Annotated[float | None, typer.Option(metavar="USD", help="the judge may cost this at most")] = None,
    name: Annotated[str | None, typer.Option(help="of the folder of results")] = None,
    set_: Settings = None,
    data: Data = None,
    backend: Annotated[str, typer.Option(help="jax, torch, or auto: JAX wherever it can")] = "auto",
    download: Annotated[bool, typer.Option("--download", help="models named as on the hub may be downloaded")] = False,
    device: Device = "auto",
    runs: Runs = Path("runs"),
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Compare completions before a judge, in both orders: wins, ties, losses, intervals, and how the judge judged."""
    from leaven.sentences_evaluation import telling
    from leaven.sentences_judging import forecast_lines, tournament_lines
    from leaven.study.load_judge import load_judge
    from leaven.tournament import judge as held
    from leaven.train.devices import share_cores, use

    settings = [f"prompts={{set: {json.dumps(prompts)}}}"] if prompts else []
    settings += [f"prompts.limit={limit}"] if limit else []
    settings += [f"budget={budget}"] if budget is not None else []
    loaded = load_judge(by, settings=[*settings, *(set_ or ())], data=places_of(data))
    share_cores()
    use(device, None)
    with telling(quiet=as_json) as progress:
        found = held(
            arms,
            loaded.judge,
            data=loaded.data,
            baseline=baseline,
            all_pairs=all_pairs,
            runs=runs,
            store=store,
            replies=replies,
            offline=offline,
            only_plan=plan,
            download=download,
            backend=backend,
            name=name,
            tell=lambda forecast: None if as_json and not plan else _say(forecast_lines(forecast, as_json=as_json)),
            progress=progress,
        )
    if found is None:
        return
    if as_json:
        print_json(found.data())
    else:
        print("\n".join(tournament_lines(found)))


def _say(lines: list[str]) -> None:
    print("\n".join(lines), flush=True)
