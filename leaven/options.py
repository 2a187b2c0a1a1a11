"""The options that commands share, so that each means one thing everywhere."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leaven.ground.errors import BadInput

if TYPE_CHECKING:
    from leaven.engine.executors import Where
    from leaven.lab import Study

StudyName = Annotated[str, typer.Argument(metavar="STUDY", help="a built-in study or the path of a study file")]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="FIELD=VALUE",
        help="change a field, e.g. mixtures.code.markup=0.4; budgets are those of the study as written, at any --size",
    ),
]
Sources = Annotated[
    list[str] | None,
    typer.Option("--source", metavar="SOURCE=PATH", help="your own files for a source, e.g. text=books/"),
]
Seeds = Annotated[int | None, typer.Option(help="number of seeds")]
Size = Annotated[
    str | None, typer.Option(help="model size, e.g. 0.3m; a study with a `proxy` has its budgets scaled to it")
]
PLACES = "LEAVEN_DATA"
Data = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="DIR|FILE|hub",
        help="where benchmarks are: a folder, a mapping file, or hub (then they may be downloaded); may be repeated "
        f"[env var: {PLACES}, several with {os.pathsep} between]",
    ),
]
Runs = Annotated[Path, typer.Option(help="folder that results go to", envvar="LEAVEN_RUNS")]
StorePlace = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="DIR|URL",
        help="where steps are kept: a folder, s3://bucket/path, gs://… (default: store in the folder of --runs)",
        envvar="LEAVEN_STORE",
    ),
]
On = Annotated[
    str,
    typer.Option(
        "--on", metavar="WHERE", help="where steps execute: local, local-cluster:N, ray, ray://HOST[:PORT] or slurm"
    ),
]
Shared = Annotated[
    list[Path] | None,
    typer.Option(
        "--shared",
        metavar="DIR",
        help="folder that every machine of the cluster sees under this path: sources in it are read there; may be "
        "repeated",
    ),
]
Hosts = Annotated[int, typer.Option(min=1, help="machines of the cluster that train one stage together")]
Slurm = Annotated[
    list[str] | None,
    typer.Option("--slurm", metavar="KEY=VALUE", help="a parameter of the jobs, e.g. partition=gpu; may be repeated"),
]
Metrics = Annotated[
    str,
    typer.Option(
        metavar="KINDS",
        help="where curves are sent besides events.jsonl: tensorboard, wandb, mlflow, or several by commas",
        envvar="LEAVEN_METRICS",
    ),
]
Notify = Annotated[
    str,
    typer.Option(
        metavar="COMMAND", help="a command that is told, as JSON, of failures and of the end", envvar="LEAVEN_NOTIFY"
    ),
]
Jobs = Annotated[int | None, typer.Option(min=1, help="steps at once at most (default: one a core, as memory allows)")]
Device = Annotated[
    str, typer.Option(metavar="auto|cpu|gpu|tpu", help="what models are computed on (default: an accelerator if found)")
]
Pack = Annotated[
    str,
    typer.Option(
        metavar="auto|off|N",
        help="stages of one shape in one program: where that is measured to be faster, never, or up to N",
    ),
]
Compile = Annotated[
    str | None,
    typer.Option("--compile", metavar="TOPOLOGY", help="compile for TPUs that are not here, e.g. v5e:8x8"),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, for programs")]
Without = Annotated[
    list[str] | None,
    typer.Option("--without", metavar="code", help="leave tasks out: code = programs that models wrote"),
]
Unisolated = Annotated[
    bool,
    typer.Option("--allow-unisolated", help="execute model-written programs without isolation, at your own risk"),
]


def without_code_of(without: list[str] | None) -> bool:
    """Whether `--without code` was given. Raises BadInput for anything else that it says."""
    for word in without or ():
        if word != "code":
            raise BadInput(
                f'"{word}" cannot be left out',
                field="--without",
                fix="Only code (model-written programs) can.",
            )
    return bool(without)


def places_of(data: list[str] | None) -> list[str]:
    """Where benchmarks are: as the command line says, else as the environment does."""
    return data or [place for place in os.environ.get(PLACES, "").split(os.pathsep) if place]


def prices_of(prices: list[str] | None) -> dict[str, float]:
    """USD of a chip-hour by hardware, from `HARDWARE=USD`. Raises BadInput."""
    found = {}
    for text in prices or ():
        name, _, usd = text.partition("=")
        try:
            found[name.strip()] = float(usd)
        except ValueError:
            raise BadInput(
                f'"{text}" gives no price', field="--price", fix="USD of a chip-hour: --price H100=2.5."
            ) from None
    return found


def asked_study(
    name: str,
    settings: list[str] | None,
    sources: list[str] | None,
    seeds: int | None,
    size: str | None,
    data: list[str] | None,
    runs: Path,
    store: str | None = None,
) -> Study:
    """The study that a command line means. Raises BadInput."""
    from leaven.engine.stores import place, require
    from leaven.lab import Study
    from leaven.model.config import parameters_of_sizes
    from leaven.study.load import load

    loaded = load(
        name,
        settings=settings or (),
        sources=sources or (),
        seeds=seeds,
        size=size,
        data=places_of(data),
        parameters=parameters_of_sizes,
    )
    placed = place(store, runs)
    require(placed)
    return Study(loaded, runs, store=placed)


def where_of(on: str, shared: list[Path] | None, hosts: int, slurm: list[str] | None) -> Where:
    """Where steps execute. Raises BadInput, also where what it takes is not installed."""
    from leaven.engine.executors import Where

    where = Where(on, tuple(shared or ()), hosts, pairs_of(slurm, "--slurm", "partition=gpu"))
    where.require()
    return where


def pairs_of(words: list[str] | None, option: str, example: str) -> dict[str, str]:
    """`KEY=VALUE` as a mapping. Raises BadInput."""
    found = {}
    for word in words or ():
        key, equals, value = word.partition("=")
        if not equals or not key.strip():
            raise BadInput(f'"{word}" is no KEY=VALUE', field=option, fix=f"For example: {option} {example}.")
        found[key.strip()] = value
    return found
