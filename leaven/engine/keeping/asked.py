"""What is known of a kept study without its sources, such as one that came from another machine: its verdict, its page
and how far it is. Its record says which steps are its own, so nothing is looked at but the store and its folder.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from leaven.analyze.text import render_lines
from leaven.engine.keeping.page import PAGE, set_of_page
from leaven.engine.keeping.records import Record, chosen, readable
from leaven.engine.store import Store
from leaven.ground.errors import BadInput, did_you_mean
from leaven.ground.files import read_json
from leaven.study.load import built_in


def kept_study(store: Store, word: str) -> Record | None:
    """The record that a command line means; None where it means a built-in study or a study file.

    Args:
        word: the name of a study, whose latest set is meant, or STUDY@SET.

    Raises:
        BadInput: it is none of these.
    """
    path = Path(word)
    built = built_in()
    # A name is too long to be a file's long before it is too long to be asked for.
    if word in built or path.suffix in (".yaml", ".yml") or (len(word) < 1000 and path.is_file()):
        return None
    known, _ = readable(store)
    names = dict.fromkeys(record.name for record in known)
    if word in names or word.rpartition("@")[0] in names:
        return chosen(known, word)[-1]
    raise BadInput(
        f'no study "{word[:200]}"{did_you_mean(word[:200], [*built, *names])}',
        field="STUDY",
        fix="Name a built-in study (leaven studies lists them), the path of a study file, or a study that the store "
        f"keeps (leaven store du lists them; this one is {_name_of(store)}).",
    )


def verdict_of(store: Store, record: Record) -> tuple[dict[str, Any], list[str]]:
    """The verdict of a kept study: the content of verdict.json, and its lines for a terminal.

    Raises:
        BadInput: it has none, or none that this version can show.
        LeavenError: it is damaged.
    """
    verdicts = [step_id for step_id, (kind, _) in record.steps.items() if kind == "verdict"]
    if not verdicts:
        raise BadInput(f"{record.label} is no study: it has no verdict", field="STUDY")
    if not store.has(verdicts[0]):
        raise BadInput(
            f"the verdict of {record.label} is not in this store",
            where=_name_of(store),
            fix="Run its study file with its options, or import it from where it was run.",
        )
    store.verify(verdicts[:1])
    try:
        found = read_json(store.file(verdicts[0], "verdict.json"))
        return found, render_lines(found)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise BadInput(
            f"the verdict of {record.label} cannot be read by this version of leaven ({type(error).__name__})",
            where=str(store.folder(verdicts[0])),
        ) from None


def page_of(runs: Path, record: Record) -> Path:
    """The page of a kept study. Raises BadInput where it is not there: it takes the sources to write it."""
    folder = runs / record.name
    made_from = set_of_page(folder)
    if made_from == record.set:
        return folder / PAGE
    found = f"the page there is of {record.name}@{made_from}" if made_from else "there is no whole page"
    raise BadInput(
        f"{record.label} has no page here: {found}",
        where=str(folder),
        field="STUDY",
        fix=f"leaven report with its study file and options writes it, where its sources are; leaven verdict "
        f"{record.label} tells what was found.",
    )


def how_far(store: Store, folder: Path, name: str, steps: Iterable[tuple[str, str, str]]) -> dict[str, Any]:
    """How far a study is: steps in the store, and what a run in progress says.

    Args:
        folder: that of the study in RUNS.
        steps: identity, kind and name of each.

    Returns:
        {study, kinds: {kind: {steps, done}}, steps, done, running, started_steps}.
    """
    kinds: dict[str, dict[str, int]] = {}
    started = []
    for step_id, kind, step_name in steps:
        row = kinds.setdefault(kind, {"steps": 0, "done": 0})
        row["steps"] += 1
        if store.has(step_id):
            row["done"] += 1
        elif (store.work / step_id / "state").exists():
            started.append(step_name)
    return {
        "study": name,
        "kinds": kinds,
        "steps": sum(row["steps"] for row in kinds.values()),
        "done": sum(row["done"] for row in kinds.values()),
        "running": _running(store, folder),
        "started_steps": started,
    }


def status_of(store: Store, runs: Path, record: Record) -> dict[str, Any]:
    """`how_far` of a kept study; `kept` names its set."""
    steps = [(step_id, kind, name) for step_id, (kind, name) in record.steps.items()]
    return how_far(store, runs / record.name, record.name, steps) | {"kept": record.label}


def _name_of(store: Store) -> str:
    return str(store.where().get("url", store.root))


def _running(store: Store, folder: Path) -> dict[str, Any] | None:
    """What a run of this study says of itself, if it is under way."""
    holder = store.holder()
    if holder is None:
        return None
    try:
        live: dict[str, Any] | None = read_json(folder / "status.json")
    except (OSError, ValueError):
        return None
    # Left by an earlier run of this study, where another one is using the store.
    return None if not live or live["ended"] or live["process"] != holder else live
