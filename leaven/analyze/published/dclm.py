"""DataComp-LM (mlfoundations/dclm @ 361714b, MIT): do its small scales choose the data sets that 7B chooses?

Two tables say different things. `evals.csv` (exp_data, METHODS.md §8.6) and the model database (EVALUATION.md §8) hold
different runs; of both, runs of one data set at one scale are averaged, hyper-parameters mixed, and every pair of data
sets that two scales share is a decision. The database's own averages are audited too: the plain mean of 22 tasks, and
`Core`, the mean of (accuracy − guessing)/(1 − guessing), which follows from neither file of guessing levels throughout.

What had to be found out:

* evals.csv: the data set is what stands before the architecture in the evaluation's *file name*, the scale is the
  architecture's, and a run counts where the name says `mult=1` (or `1p0`). This was searched for: by the columns
  `dataset` and `mult` a 7B run of fineweb_edu has no name and drops out, and none of 918 combinations of score, average
  and filter over the columns gave the numbers of 400M → 7B. Of three rules over names, this one gives all nine numbers.
* database: rows with exactly the tokens of the 1x scales, by the column `Dataset`, scored by `Core`; the plainest of 48
  rules looked at.
* `Core` counts as following where it does within 1e-6.

Other rules are no less sensible and give other accuracies, which is why each check's note says what they give.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from leaven.analyze.bootstrap import Floats
from leaven.analyze.published.check import Check, beside, compare, unchecked
from leaven.analyze.published.sheet import Sheet, read_sheet
from leaven.analyze.transfer.agreement import pairs_of, spearman
from leaven.evaluate.categories import categories
from leaven.ground.errors import BadInput

EVALS, DATABASE = "evals.csv", "DCLM_model_database.csv"
AGGREGATES, GUESSING = "additional_aggregation.json", ("eval_meta_data_v1.csv", "eval_meta_data.csv")
NAME = re.compile(
    r"(?:evaluation_)?(?P<data>.*?)-(?P<model>open_lm_1b|open_lm_7b|d=1024_l=24_h=8).*?mult=(?P<mult>[0-9p]+)"
)
SCALE = {"d=1024_l=24_h=8": "400M", "open_lm_1b": "1B", "open_lm_7b": "7B"}
AT = {"400M": ("411616256", "8232325120"), "1B": ("1439795200", "28795904000"), "7B": ("6889410560", "137788211200")}
"""Parameters and tokens of the 1x scales in the database."""
EVALS_SAY = (("400M", "1B", "12", ".667", ".51"), ("400M", "7B", "12", ".788", ".75"), ("1B", "7B", "15", ".80", ".77"))
DATABASE_SAYS = (("400M", "7B", "11", "55", "84"), ("1B", "7B", "17", "136", "77"))
FOLLOWS = 1e-6
ERROR = 5e-10
"""The largest difference of the database's plain means from ours: half a unit of their ninth digit, and round-off."""

Scores = Mapping[str, Mapping[str, float]]
"""Scale -> data set -> mean score."""


def checks(folder: Path) -> list[Check]:
    """All figures that the files of a folder allow; none where it holds neither table. BadInput for a wrong file."""
    found: list[Check] = []
    if (folder / EVALS).is_file():
        found += _evals(read_sheet(folder, EVALS))
    if (folder / DATABASE).is_file():
        sheet = read_sheet(folder, DATABASE)
        found += _database(sheet) + _averages(folder, sheet)
    return found


def _evals(sheet: Sheet) -> list[Check]:
    source = f"METHODS.md §8.6, from {EVALS}"
    named = [NAME.match(file) for file in sheet.texts("file")]
    values = sheet.numbers("top:Core_v2")
    means = _means(
        (SCALE[match["model"]], match["data"], value)
        for match, value in zip(named, values, strict=True)
        if match and match["mult"] in ("1", "1p0")
    )
    scale = {float(parameters): name for name, (parameters, _) in AT.items()}
    sizes, mults, sets = sheet.numbers("params"), sheet.numbers("mult"), sheet.texts("dataset")
    by_columns = _means(
        (scale[size], name, value)
        for size, mult, name, value in zip(sizes, mults, sets, values, strict=True)
        if size in scale and mult == 1 and name
    )
    found = []
    for small, large, count, accuracy, rho in EVALS_SAY:
        here, there = _shared(means, small, large, sheet.name)
        decided, what = pairs_of(here, there).accuracy, f"{small} → {large}"
        note = f"by the columns dataset and mult: {_told(by_columns, small, large, sheet.name)}"
        found += [
            beside("evaluations, Core_v2", f"{what}: data sets", source, count, len(here)),
            beside("evaluations, Core_v2", f"{what}: decision accuracy", source, accuracy, decided, note=note),
            beside("evaluations, Core_v2", f"{what}: rank correlation", source, rho, spearman(here, there)),
        ]
    return found


def _database(sheet: Sheet) -> list[Check]:
    source = f"EVALUATION.md §8, from {DATABASE}"
    scale = {parameters: name for name, (parameters, _) in AT.items()}
    rows = [
        (scale[size], tokens, name, value)
        for size, tokens, name, value in zip(
            sheet.texts("params"), sheet.texts("tokens"), sheet.texts("Dataset"), sheet.numbers("Core"), strict=True
        )
        if size in scale
    ]
    means = _means((size, name, value) for size, tokens, name, value in rows if tokens == AT[size][1])
    any_tokens = _means((size, name, value) for size, _, name, value in rows)
    found = []
    for small, large, sets, pairs, accuracy in DATABASE_SAYS:
        here, there = _shared(means, small, large, sheet.name)
        decided, what = pairs_of(here, there), f"{small} → {large}"
        share = 100 * decided.accuracy
        note = f"with runs of any number of tokens: {_told(any_tokens, small, large, sheet.name)}"
        found += [
            beside("model database, Core", f"{what}: data sets", source, sets, len(here)),
            beside("model database, Core", f"{what}: pairs", source, pairs, len(decided.agreed)),
            beside("model database, Core", f"{what}: decision accuracy, %", source, accuracy, share, note=note),
        ]
    return found


def _told(means: Scores, small: str, large: str, where: str) -> str:
    """`0.855 of 11 data sets`."""
    here, there = _shared(means, small, large, where)
    return f"{pairs_of(here, there).accuracy:.3f} of {len(here)} data sets"


def _averages(folder: Path, sheet: Sheet) -> list[Check]:
    """The database's averages by the functions that make leaven's category scores."""
    if not (folder / AGGREGATES).is_file():
        return [unchecked("averages of tasks", "low_variance_datasets", DATABASE, f"{AGGREGATES} is not in the folder")]
    tasks = _tasks(folder)
    scored = sheet.where(lambda row: bool(row.get("Core", "").strip()))
    values = np.stack([scored.numbers(task) for task in tasks], axis=1)
    whole = ~np.isnan(values).any(axis=1)
    printed = scored.texts("low_variance_datasets")
    mean = _mean_of(tasks, values[whole])
    found = [
        compare(
            "averages of tasks", "low_variance_datasets", f"{DATABASE}:{line}", digits, float(ours), tolerance=ERROR
        )
        for line, digits, ours in zip(np.array(scored.lines)[whole], np.array(printed)[whole], mean, strict=True)
    ]
    source = f"EVALUATION.md §8, from {DATABASE}"
    found.append(beside("rows of averages", "rows with low_variance_datasets", source, "328", float(whole.sum())))
    core = scored.numbers("Core")[whole]
    for file, expected in zip(GUESSING, ("121", "0"), strict=True):
        if not (folder / file).is_file():
            found.append(unchecked("rows of averages", f"Core by {file}", DATABASE, f"{file} is not in the folder"))
            continue
        guess = _guessing(folder, file, tasks)
        apart = np.abs(_mean_of(tasks, (values[whole] - guess) / (1 - guess)) - core)
        follow = float((apart <= FOLLOWS).sum())
        note = f"{(apart <= 5e-4).sum()} within 0.0005; the others differ by at most {apart.max():.3f}"
        found.append(
            beside("rows of averages", f"rows whose Core follows from {file}", source, expected, follow, note=note)
        )
        if file == GUESSING[0]:
            found.append(
                beside("rows of averages", "largest difference of the others", source, "0.006", float(apart.max()))
            )
    return found


def _tasks(folder: Path) -> list[str]:
    try:
        data: Any = json.loads((folder / AGGREGATES).read_text("utf-8"))
        tasks = [str(task) for task in data["low_variance_datasets"]]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadInput(f"no list of tasks: {error}", where=AGGREGATES, field="low_variance_datasets") from None
    if not tasks:
        raise BadInput("no task", where=AGGREGATES, field="low_variance_datasets")
    return tasks


def _guessing(folder: Path, file: str, tasks: Sequence[str]) -> Floats:
    """What guessing scores on each task, as a share."""
    sheet = read_sheet(folder, file)
    levels = dict(zip(sheet.texts("Eval Task"), sheet.numbers("Random baseline"), strict=True))
    lacking = [task for task in tasks if np.isnan(levels.get(task, np.nan))]
    if lacking:
        raise BadInput(f"no random baseline of {lacking[0]}", where=file, field="Random baseline")
    return np.array([levels[task] for task in tasks]) / 100


def _mean_of(tasks: Sequence[str], values: Floats) -> Floats:
    """The average of the tasks [rows × tasks] -> [rows], as leaven's category scores are made."""
    models = {
        str(i): {task: {"accuracy": {"value": float(v), "se": None}} for task, v in zip(tasks, row, strict=True)}
        for i, row in enumerate(values)
    }
    found = categories(models, {"mean": list(tasks)}, dict.fromkeys(tasks, "accuracy")).every["mean"]
    return np.array([found[name].value for name in models], dtype=np.float64)


def _means(runs: Iterable[tuple[str, str, float]]) -> Scores:
    """The mean of the runs of each scale and data set; runs without a score do not count."""
    scores: dict[str, dict[str, list[float]]] = {scale: {} for scale in AT}
    for scale, name, value in runs:
        if not np.isnan(value):
            scores[scale].setdefault(name, []).append(float(value))
    return {scale: {name: float(np.mean(values)) for name, values in sets.items()} for scale, sets in scores.items()}


def _shared(means: Scores, small: str, large: str, where: str) -> tuple[Floats, Floats]:
    """Scores of the data sets that both scales have."""
    names = [name for name in means[small] if name in means[large]]
    if len(names) < 2:
        raise BadInput(f"{small} and {large} share fewer than two data sets", where=where)
    return np.array([means[small][name] for name in names]), np.array([means[large][name] for name in names])
