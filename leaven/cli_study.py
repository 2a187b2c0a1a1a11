"""Commands about a study that ran or is running: `leaven status`, `why`, `verdict`, `report`.

A study that the store keeps, such as one that was imported, is asked for by its name alone: no source is looked at.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from leaven.columns import width
from leaven.corpus.look.visible import visible
from leaven.ground.errors import BadInput
from leaven.options import (
    AsJson,
    Data,
    Runs,
    Seeds,
    Settings,
    Size,
    Sources,
    StorePlace,
    Unisolated,
    Without,
    asked_study,
    without_code_of,
)
from leaven.sentences import print_json, status_lines, taken_lines, waiting, why_lines

if TYPE_CHECKING:
    from leaven.engine.keeping.records import Record
    from leaven.engine.store import Store

AskedStudy = Annotated[
    str,
    typer.Argument(metavar="STUDY", help="a built-in study, the path of a study file, or a study that the store keeps"),
]
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


def status(
    study: AskedStudy = "pocket",
    set_: Settings = None,
    source: Sources = None,
    seeds: Seeds = None,
    size: Size = None,
    data: Data = None,
    runs: Runs = Path("runs"),
    store: StorePlace = None,
    without: Without = None,
    allow_unisolated: Unisolated = False,
    as_json: AsJson = False,
) -> None:
    """How far a study is."""
    place, record = _kept(study, runs, store, _changes(set_, source, seeds, size, data, without))
    if record is not None:
        from leaven.engine.keeping.asked import status_of

        found = status_of(place, runs, record)
    else:
        lab = asked_study(study, set_, source, seeds, size, data, runs, store)
        found = lab.status(allow_unisolated=allow_unisolated, without_code=without_code_of(without))
    if as_json:
        print_json(found)
        return
    print("\n".join(map(visible, status_lines(found, study))))


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
    store: StorePlace = None,
    without: Without = None,
    allow_unisolated: Unisolated = False,
    as_json: AsJson = False,
) -> None:
    """Why a step is, or is not, in the store: what differs from the nearest that is."""
    from leaven.study.load import built_in

    head, _, rest = step.partition("/")
    if rest and head in built_in():
        study, step = head, rest
    lab = asked_study(study, set_, source, seeds, size, data, runs, store)
    found = lab.why(step, allow_unisolated=allow_unisolated, without_code=without_code_of(without))
    if as_json:
        print_json(found)
        return
    print("\n".join(why_lines(found)))


def verdict(
    study: Annotated[
        str | None,
        typer.Argument(
            metavar="STUDY",
            help="a built-in study, the path of a study file, or a study that the store keeps (default: pocket)",
        ),
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
    store: StorePlace = None,
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
    place, record = _kept(study or "pocket", runs, store, _changes(set_, source, seeds, size, data, without))
    if record is not None:
        from leaven.engine.keeping.asked import verdict_of

        found, lines = verdict_of(place, record)
        if as_json:
            print_json(found)
        else:
            print("\n".join(map(visible, lines)))
        return
    lab = asked_study(study or "pocket", set_, source, seeds, size, data, runs, store)
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
    study: AskedStudy = "pocket",
    set_: Settings = None,
    source: Sources = None,
    seeds: Seeds = None,
    size: Size = None,
    data: Data = None,
    runs: Runs = Path("runs"),
    store: StorePlace = None,
    without: Without = None,
    allow_unisolated: Unisolated = False,
) -> None:
    """Write the page of a finished study anew and print where it is; of a study that the store keeps, print only."""
    _, record = _kept(study, runs, store, _changes(set_, source, seeds, size, data, without))
    if record is not None:
        from leaven.engine.keeping.asked import page_of

        print(page_of(runs, record))
        return
    lab = asked_study(study, set_, source, seeds, size, data, runs, store)
    results = lab.finished(allow_unisolated=allow_unisolated, without_code=without_code_of(without))
    print(results.report(anew=True))


def _changes(
    set_: list[str] | None,
    source: list[str] | None,
    seeds: int | None,
    size: str | None,
    data: list[str] | None,
    without: list[str] | None,
) -> dict[str, Any]:
    """What of a study the command line changes."""
    given = {"--set": set_, "--source": source, "--seeds": seeds, "--size": size, "--data": data}
    return {name: value for name, value in (given | {"--without": without}).items() if value is not None}


def _kept(word: str, runs: Path, store: str | None, changes: dict[str, Any]) -> tuple[Store, Record | None]:
    """The store, and the study that it keeps under a name which is no built-in's and no file's. Raises BadInput."""
    from leaven.engine.keeping.asked import kept_study
    from leaven.engine.stores import place

    placed = place(store, runs)
    record = kept_study(placed, word)
    if record is not None and changes:
        raise BadInput(
            f"has no effect on {record.label}: a study that the store keeps is asked for as it was run",
            field=next(iter(changes)),
            fix="Name its study file instead, or another of its sets: leaven store du lists them.",
        )
    return placed, record
