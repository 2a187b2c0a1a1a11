"""Commands that run a study or say what running it would take: `leaven run`, `leaven plan`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leaven.ground.errors import BadInput
from leaven.options import (
    AsJson,
    Compile,
    Data,
    Device,
    Hosts,
    Jobs,
    Metrics,
    Notify,
    On,
    Pack,
    Runs,
    Seeds,
    Settings,
    Shared,
    Size,
    Slurm,
    Sources,
    StorePlace,
    StudyName,
    Unisolated,
    Without,
    asked_study,
    prices_of,
    where_of,
    without_code_of,
)
from leaven.sentences import print_json, waiting


def _text_of(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def run(
    study: StudyName = "pocket",
    set_: Settings = None,
    source: Sources = None,
    seeds: Seeds = None,
    size: Size = None,
    data: Data = None,
    runs: Runs = Path("runs"),
    store: StorePlace = None,
    jobs: Jobs = None,
    device: Device = "auto",
    pack: Pack = "auto",
    on: On = "local",
    shared: Shared = None,
    hosts: Hosts = 1,
    slurm: Slurm = None,
    metrics: Metrics = "",
    notify: Notify = "",
    without: Without = None,
    allow_unisolated: Unisolated = False,
    as_json: AsJson = False,
) -> None:
    """Run a study: what exists is used, what is missing is computed, the report is written."""
    where = where_of(on, shared, hosts, slurm)
    lab = asked_study(study, set_, source, seeds, size, data, runs, store)
    lab.store.prepare()
    with waiting("looking at the files of this computer", quiet=as_json):
        prepared = lab.prepare(allow_unisolated=allow_unisolated, without_code=without_code_of(without), remember=True)
    if not as_json:
        from leaven.ground.version import __version__

        if where.is_local:
            lines = lab.plan(jobs=jobs, device=device, pack=pack, prepared=prepared).lines()
        else:
            lines = lab.plan(device="cpu", pack="off", prepared=prepared).lines(on)
        print(f'leaven {__version__} · study {lab.name} · "{prepared.study.question}"')
        print(*lines, "", sep="\n", flush=True)
    results = lab.run(
        jobs=jobs,
        allow_unisolated=allow_unisolated,
        quiet=as_json,
        device=device,
        pack=pack,
        prepared=prepared,
        where=where,
        metrics=metrics,
        notify=notify,
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


def plan(
    study: StudyName = "pocket",
    set_: Settings = None,
    source: Sources = None,
    seeds: Seeds = None,
    size: Size = None,
    data: Data = None,
    runs: Runs = Path("runs"),
    store: StorePlace = None,
    jobs: Jobs = None,
    device: Device = "auto",
    pack: Pack = "auto",
    compile_: Compile = None,
    model_axis: Annotated[int, typer.Option(min=1, help="with --compile: chips that share each sequence")] = 1,
    mfu: Annotated[
        float | None,
        typer.Option(help="share of the peak that training elsewhere reaches (default: published figures)"),
    ] = None,
    devices: Annotated[
        int | None, typer.Option(help="devices elsewhere that train together (default: v5e 256, else 8)")
    ] = None,
    price: Annotated[
        list[str] | None, typer.Option(metavar="HARDWARE=USD", help="of a chip-hour, e.g. H100=2.5; may be repeated")
    ] = None,
    pilot: Annotated[
        str | None,
        typer.Option(
            metavar="FILE|STUDY", help="whose noise power is worked out from: a noise.csv, or a finished study"
        ),
    ] = None,
    without: Without = None,
    allow_unisolated: Unisolated = False,
    as_json: AsJson = False,
) -> None:
    """Steps, shared ancestors and tokens saved, FLOPs; time here, cost elsewhere; power. Nothing is executed.

    What cannot be looked at now, such as data sets of the hub without a network, is planned as the study declares it.
    With --compile, the training steps of the study are compiled for TPUs that are not here: memory, FLOPs, traffic.
    """
    if model_axis > 1 and compile_ is None:
        raise BadInput("has no effect without --compile", field="--model-axis")
    lab = asked_study(study, set_, source, seeds, size, data, runs, store)
    with waiting("looking at the files of this computer", quiet=as_json):
        made = lab.plan(
            jobs=jobs,
            allow_unisolated=allow_unisolated,
            without_code=without_code_of(without),
            device=device,
            pack=pack,
            mfu=mfu,
            devices=devices,
            prices=prices_of(price),
            pilot=pilot,
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
