"""Commands about a study: `leaven run`, `plan`, `status`, `why`, `verdict`, `report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from leaven.columns import width
from leaven.ground.errors import BadInput
from leaven.options import (
    AsJson,
    Compile,
    Data,
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
    places_of,
    prices_of,
    without_code_of,
)
from leaven.sentences import print_json, status_lines, taken_lines, waiting, why_lines

From = Annotated[
    list[Path] | None,
    typer.Option(
        "--from",
        metavar="PATH",
        help="results of runs trained elsewhere: a table (csv, tsv, parquet, json, jsonl), or a folder with tables or "
        "results of lm-eval; may be repeated",
    ),
]
MappingFile = Annotated[
    Path | None, typer.Option("--mapping", metavar="FILE", help="with --from: what columns mean, which metrics count")
]


def _study(
    name: str,
    settings: list[str] | None,
    sources: list[str] | None,
    seeds: int | None,
    size: str | None,
    data: list[str] | None,
    runs: Path,
) -> Any:
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
    return Study(loaded, runs)


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
    jobs: Jobs = None,
    device: Device = "auto",
    pack: Pack = "auto",
    without: Without = None,
    allow_unisolated: Unisolated = False,
    as_json: AsJson = False,
) -> None:
    """Run a study: what exists is used, what is missing is computed, the report is written."""
    lab = _study(study, set_, source, seeds, size, data, runs)
    lab.store.prepare()
    with waiting("looking at the files of this computer", quiet=as_json):
        prepared = lab.prepare(allow_unisolated=allow_unisolated, without_code=without_code_of(without), remember=True)
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


def plan(
    study: StudyName = "pocket",
    set_: Settings = None,
    source: Sources = None,
    seeds: Seeds = None,
    size: Size = None,
    data: Data = None,
    runs: Runs = Path("runs"),
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
    lab = _study(study, set_, source, seeds, size, data, runs)
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


def status(
    study: StudyName = "pocket",
    set_: Settings = None,
    source: Sources = None,
    seeds: Seeds = None,
    size: Size = None,
    data: Data = None,
    runs: Runs = Path("runs"),
    without: Without = None,
    allow_unisolated: Unisolated = False,
    as_json: AsJson = False,
) -> None:
    """How far a study is."""
    lab = _study(study, set_, source, seeds, size, data, runs)
    found = lab.status(allow_unisolated=allow_unisolated, without_code=without_code_of(without))
    if as_json:
        print_json(found)
        return
    print("\n".join(status_lines(found, study)))


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
    data: Data = None,
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
    lab = _study(study, set_, source, seeds, size, data, runs)
    found = lab.why(step, allow_unisolated=allow_unisolated, without_code=without_code_of(without))
    if as_json:
        print_json(found)
        return
    print("\n".join(why_lines(found)))


def verdict(
    study: Annotated[
        str | None,
        typer.Argument(metavar="STUDY", help="a built-in study or the path of a study file (default: pocket)"),
    ] = None,
    from_: From = None,
    mapping: MappingFile = None,
    baseline: Annotated[
        str | None, typer.Option(metavar="NAME", help="with --from: the variant others are compared with")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="with --from: folder of the page (default: RUNS/from-NAME)")
    ] = None,
    set_: Settings = None,
    source: Sources = None,
    seeds: Seeds = None,
    size: Size = None,
    data: Data = None,
    runs: Runs = Path("runs"),
    without: Without = None,
    allow_unisolated: Unisolated = False,
    as_json: AsJson = False,
) -> None:
    """The verdicts of a finished study, or with --from of runs that were trained elsewhere, with their page."""
    if from_:
        useless = {"STUDY": study, "--set": set_, "--source": source, "--seeds": seeds, "--data": data}
        for name, value in (useless | {"--without": without}).items():
            if value is not None:
                raise BadInput("has no effect with --from: the runs are what the files hold", field=name)
        _elsewhere(from_, mapping, baseline, size, out, runs, as_json=as_json)
        return
    for name, given in {"--mapping": mapping, "--baseline": baseline, "--out": out}.items():
        if given is not None:
            raise BadInput("has no effect without --from", field=name)
    lab = _study(study or "pocket", set_, source, seeds, size, data, runs)
    results = lab.finished(allow_unisolated=allow_unisolated, without_code=without_code_of(without))
    if as_json:
        print_json(results.verdict())
    else:
        print("\n".join(results.lines()))


def _elsewhere(
    paths: list[Path],
    mapping: Path | None,
    baseline: str | None,
    size: str | None,
    out: Path | None,
    runs: Path,
    *,
    as_json: bool,
) -> None:
    from leaven.elsewhere import verdict_from

    sizes = [part.strip() for part in (size or "").split(",") if part.strip()]
    with waiting("reading and comparing", quiet=as_json):
        found = verdict_from(paths, baseline=baseline, mapping=mapping, sizes=sizes)
    with waiting("writing the report", quiet=as_json):
        page = found.report(out or found.place(runs))
    if as_json:
        print_json({"report": str(page), "verdict": found.verdict()})
        return
    print("\n".join(taken_lines(found.told, width())))
    print(f"report    {page}")
    print("\n".join(found.lines()))


def report(
    study: StudyName = "pocket",
    set_: Settings = None,
    source: Sources = None,
    seeds: Seeds = None,
    size: Size = None,
    data: Data = None,
    runs: Runs = Path("runs"),
    without: Without = None,
    allow_unisolated: Unisolated = False,
) -> None:
    """Write the page of a finished study anew and print where it is."""
    lab = _study(study, set_, source, seeds, size, data, runs)
    results = lab.finished(allow_unisolated=allow_unisolated, without_code=without_code_of(without))
    print(results.report(anew=True))
