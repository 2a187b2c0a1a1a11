"""Any model judged by a suite: what `leaven eval` does, as functions.

import leaven.evaluation
found = leaven.evaluation.evaluate(["runs/store/ab12…", "owner/name"], "paper", data=["benchmarks/"])
found.categories.above["total"]

The benchmarks are frozen once in a folder of their own, and every model answers exactly its items. A result's folder is
named by the suite's and the model's content: what was evaluated before is read, not asked again. Answers are kept as
they come, so that an interrupted evaluation continues.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput, did_you_mean
from leaven.ground.files import read_json, sha256_file, write_json
from leaven.ground.folders import appear, part
from leaven.ground.progress import Progress, silent
from leaven.ground.version import __version__
from leaven.study.suites import Suite
from leaven.study.versions import VERSIONS
from leaven.subjects import Backend, Found, find_model

if TYPE_CHECKING:
    from leaven.evaluate.categories import Categories
    from leaven.evaluate.model import Model
    from leaven.sandbox.level import Level

FOLDER = "evaluations"


@dataclass(frozen=True)
class Judged:
    """One model's results.

    Args:
        label: what people call it; unique among the models compared.
        identity: hash of its weights, tokenizer and the way it is asked.
        folder: holds `items.parquet`, `details.parquet`, `scores.json` and `model.json`.
        again: whether they were there already.
    """

    label: str
    identity: str
    folder: Path
    scores: dict[str, Any]
    again: bool


@dataclass(frozen=True)
class Evaluation:
    """Several models on one suite.

    Args:
        folder: the frozen suite: `suite.json`, `items/`, `tasks/`.
        about: `suite.json`, its tasks in the suite's order.
    """

    suite: str
    folder: Path
    about: dict[str, Any]
    models: tuple[Judged, ...]
    categories: Categories

    def data(self) -> dict[str, Any]:
        """Plain data for programs."""
        return {
            "suite": self.suite,
            "folder": str(self.folder),
            "left_out": self.about["left_out"],
            "models": {
                model.label: {"identity": model.identity, "folder": str(model.folder), "scores": model.scores}
                for model in self.models
            },
            **self.categories.as_data(),
        }


def evaluate(
    models: Sequence[str],
    suite: Suite,
    *,
    data: Sequence[str],
    tasks: Sequence[str] = (),
    limit: int | None = None,
    runs: Path = Path("runs"),
    store: str | None = None,
    backend: Backend = "auto",
    start: str | None = None,
    longest: int | None = None,
    download: bool = False,
    without_code: bool = False,
    allow_unisolated: bool = False,
    progress: Callable[[str], Progress] = lambda label: silent,
) -> Evaluation:
    """Ask every model every benchmark of a suite.

    Args:
        models: see `leaven.subjects.find_model`, as are `store`, `backend`, `start`, `longest` and `download`.
        suite: from `leaven.study.load_suite`.
        data: where the benchmarks are: folders, mapping files, `hub`.
        tasks: only these benchmarks, or the benchmarks of these categories and averages.
        limit: so many items of each benchmark, chosen by a hash of their number.
        runs: results go to its folder `evaluations`.
        without_code: leave out the tasks whose programs would be executed.
        progress: called with a model's label; gives the progress to tell.

    Raises:
        BadInput: an unknown or unusable model; a suite without benchmarks; an unknown task; malformed data; tasks that
            execute programs where nothing isolates them, unless left out or allowed.
    """
    from leaven.evaluate.categories import categories
    from leaven.sandbox.level import probe

    asked = _chosen(suite, tasks, limit)
    if not data:
        raise BadInput(
            f"suite {suite.suite} asks benchmarks, and nothing says where they are",
            field="--data",
            fix="Give the folder that holds their files, or --data hub to download them.",
        )
    found = _labelled(
        [
            find_model(word, runs=runs, store=store, backend=backend, start=start, longest=longest, download=download)
            for word in models
        ]
    )
    home = runs / FOLDER
    folder = _frozen(asked, data, home, progress("benchmarks"))
    about = read_json(folder / "suite.json")
    about["tasks"] = {name: about["tasks"][name] for name in asked.tasks if name in about["tasks"]}
    level = probe()
    without = sorted(
        name for name, task in about["tasks"].items() if without_code and "isolation" in (task["needs"] or ())
    )
    unsafe = [name for name, task in about["tasks"].items() if "isolation" in task["needs"] and name not in without]
    if unsafe and level.name == "none" and not allow_unisolated:
        raise BadInput(
            f"{', '.join(unsafe)} would execute programs that a model wrote, and nothing here isolates them "
            f"({level.reason})",
            fix="Install bubblewrap; or leave them out: --without code; or at your own risk: --allow-unisolated.",
        )
    judged = tuple(_judge(each, folder, home, level, without, allow_unisolated, progress(each.label)) for each in found)
    primary = {name: task["measure"] for name, task in about["tasks"].items()}
    primary |= {name: benchmark.score for name, benchmark in asked.tasks.items()}
    averages = categories({model.label: model.scores for model in judged}, asked.averages, primary, about["left_out"])
    return Evaluation(asked.suite, folder, about, judged, averages)


def _chosen(suite: Suite, tasks: Sequence[str], limit: int | None) -> Suite:
    """The suite with the benchmarks that are wanted of it."""
    if not suite.tasks:
        raise BadInput(
            f"suite {suite.suite} has no benchmarks: its items are made from a study's corpus",
            field="--suite",
            fix="Run it as part of a study (leaven run), or take paper or proxy.",
        )
    wanted = dict(suite.tasks)
    if tasks:
        groups = {name: _members(suite, name) for name in suite.averages}
        for name, benchmark in suite.tasks.items():
            groups.setdefault(benchmark.category, []).append(name)
        known = [*suite.tasks, *groups]
        for word in tasks:
            if word not in known:
                raise BadInput(f'suite {suite.suite} has no task "{word}"{did_you_mean(word, known)}', field="--task")
        names = {name for word in tasks for name in ([word] if word in suite.tasks else groups[word])}
        wanted = {name: benchmark for name, benchmark in suite.tasks.items() if name in names}
    if limit is not None:
        wanted = {
            name: benchmark.model_copy(update={"limit": min(limit, benchmark.limit or limit)})
            for name, benchmark in wanted.items()
        }
    kept: dict[str, list[str]] = {}
    for name, members in suite.averages.items():
        # an average that is not whole is another quantity
        if all(member in wanted or member in kept for member in members):
            kept[name] = members
    return suite.model_copy(update={"tasks": wanted, "averages": kept})


def _members(suite: Suite, average: str) -> list[str]:
    found: list[str] = []
    for member in suite.averages[average]:
        found += [member] if member in suite.tasks else _members(suite, member)
    return found


def _labelled(found: Sequence[Found]) -> list[Found]:
    """Models with labels of their own."""
    seen: dict[str, int] = {}
    labelled = []
    for each in found:
        seen[each.label] = seen.get(each.label, 0) + 1
        labelled.append(each if seen[each.label] == 1 else replace(each, label=f"{each.label} ({seen[each.label]})"))
    return labelled


def _frozen(suite: Suite, data: Sequence[str], home: Path, progress: Progress) -> Path:
    """The folder of the suite's items, named by its content."""
    from leaven.engine.benchmarks import benchmarks_of
    from leaven.evaluate.made import SuitePlan
    from leaven.evaluate.suite import build_benchmarks

    plan = SuitePlan(
        sources={},
        benchmarks=tuple(benchmarks_of(suite)),
        data=tuple(data),
        include=tuple(map(Path, suite.include)),
        averages=suite.averages,
    )
    with part(home) as made:
        build_benchmarks(plan, made, progress)
        content = {path.relative_to(made).as_posix(): sha256_file(path) for path in made.rglob("*") if path.is_file()}
        folder = home / "suites" / f"{suite.suite}-{identity(content)[:12]}"
        if not folder.is_dir():
            appear(made, folder)
    return folder


def _judge(
    found: Found,
    suite: Path,
    home: Path,
    level: Level,
    without: Sequence[str],
    allow_unisolated: bool,
    progress: Progress,
) -> Judged:
    """One model's results, read where they are there already."""
    from leaven.evaluate.requests import RequestCache
    from leaven.evaluate.run import evaluate as run

    model: Model = found.load()
    asked = identity([VERSIONS["evaluate"], suite.name, list(without)])[:8]
    folder = home / suite.name / f"{model.identity[:16]}-{asked}"
    if (folder / "scores.json").is_file():
        return Judged(found.label, model.identity, folder, read_json(folder / "scores.json"), True)
    with part(home) as made, RequestCache.open(home / "requests", model.identity) as cache:
        run(
            model,
            suite,
            made,
            isolation_level=level,
            allow_unisolated=allow_unisolated,
            without=without,
            cache=cache,
            progress=progress,
        )
        write_json(made / "model.json", {"model": found.label, "identity": model.identity, "leaven": __version__})
        appear(made, folder)
    return Judged(found.label, model.identity, folder, read_json(folder / "scores.json"), False)
