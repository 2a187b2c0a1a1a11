"""The benchmarks of a study's suite, before anything runs: do they exist, and where is their data?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from leaven.engine.declared import Unseen
from leaven.evaluate.benchmarks.plan import Benchmark
from leaven.evaluate.data.places import HUB
from leaven.evaluate.made import DEFAULT_ITEMS
from leaven.ground.errors import BadInput, did_you_mean
from leaven.study.corpus_graph import Survey
from leaven.study.expand import benchmark_key
from leaven.study.load import Loaded
from leaven.study.spec import Study
from leaven.study.suites import THEIRS, Suite

PASSAGES = "bpb_"
FORMS = {"multiple_choice": "choice", "loglikelihood": "target", "loglikelihood_rolling": "rolling"}
"""Form of an lm-eval task's items by its `output_type`; other tasks say theirs."""


def benchmarks_of(suite: Suite) -> list[Benchmark]:
    """The suite's benchmarks as the evaluation room knows them."""
    return [
        Benchmark(name=name, **{**benchmark.model_dump(), "k": tuple(benchmark.k)})
        for name, benchmark in suite.tasks.items()
    ]


def survey_benchmarks(loaded: Loaded, unseen: Unseen | None = None) -> dict[str, Survey]:
    """The fingerprint and the form of every benchmark whose data is found, under its name in surveys; also of those
    that the hub may have, where it cannot be asked and `unseen` allows to take the study's word for them.

    Raises BadInput where a benchmark is unknown, a place of data does not exist, or a score or a measure is one that
    a benchmark's items do not have.
    """
    suite = loaded.study.evaluate
    if not suite.tasks:
        return {}
    from leaven.evaluate.benchmarks.survey import fingerprint  # lm-eval takes a second to import

    include = [Path(folder) for folder in suite.include]
    unseen = unseen or Unseen()
    local = [place for place in loaded.study.data if place != HUB]
    found = {}
    forms: dict[str, str] = {}
    for benchmark in benchmarks_of(suite):
        try:
            forms[benchmark.name] = _form(benchmark, include)
            look = partial(fingerprint, benchmark, loaded.study.data, include)
            here = fingerprint(benchmark, local, include) if unseen.down else None
            print_ = here or unseen.look(f"benchmark {benchmark.name}", look, _declared, hub=HUB in loaded.study.data)
        except BadInput as error:
            where = error.where or loaded.where(("evaluate", "tasks", benchmark.name))
            raise BadInput(error.what, where=where, field=error.field, fix=error.fix) from None
        if print_ is not None:
            found[benchmark_key(benchmark.name)] = Survey(print_, 0, 0, form=forms[benchmark.name])
    _check_measures(loaded, forms)
    return found


def _declared(print_: str) -> str | None:
    return print_


def _form(benchmark: Benchmark, include: Sequence[Path]) -> str:
    """The form of a benchmark's items, as far as its task file tells; "" where only lm-eval knows.

    Raises BadInput where such items do not have the benchmark's score.
    """
    from leaven.evaluate.benchmarks.freeze import SCORES
    from leaven.evaluate.benchmarks.named import find_task

    named = find_task(benchmark.asked, include)
    fields = named.yaml.fields
    form = str(named.metadata.get("leaven", ""))
    if not form and not any(fields.get(key) for key in ("process_results", "filter_list", "repeats")):
        form = FORMS.get(str(fields.get("output_type", "")), "")
    measures = {str(name): scores for name, scores in SCORES.items()}.get(form)
    if measures and benchmark.score not in measures and not benchmark.score.startswith(THEIRS):
        raise BadInput(
            f"items of {named.name} have no {benchmark.score}",
            field=f"evaluate.tasks.{benchmark.name}.score",
            fix=f"Give one of {', '.join(measures)}.",
        )
    return form


def _check_measures(loaded: Loaded, forms: Mapping[str, str]) -> None:
    from leaven.evaluate.benchmarks.freeze import SCORES

    known = {str(form): scores for form, scores in SCORES.items()}
    for name, measure in loaded.study.evaluate.measures.items():
        for task in measure.tasks:
            scores = known.get(forms.get(task, ""))
            if scores and measure.statistic not in scores:
                raise BadInput(
                    f"items of {task} have no {measure.statistic}",
                    where=loaded.where(("evaluate", "measures", name, "statistic")),
                    field=f"evaluate.measures.{name}.statistic",
                    fix=f"Give one of {', '.join(scores)}, or leave {task} out of this measure.",
                )


def left_out(study: Study, surveys: Iterable[str]) -> list[str]:
    """A sentence for the benchmarks whose data was not found."""
    absent = [name for name in study.evaluate.tasks if benchmark_key(name) not in surveys]
    if not absent:
        return []
    return [f"{', '.join(absent)}: no data in the places given (--data); the suite is evaluated without them"]


def check_tasks(loaded: Loaded) -> None:
    """Every task that the suite section names must exist. Raises BadInput."""
    suite = loaded.study.evaluate
    made = _made(suite, loaded.study.corpus.sources)
    named: list[tuple[tuple[str, ...], str, list[str]]]
    named = [
        (("evaluate", "items", task), task, [task for task in made if task in DEFAULT_ITEMS]) for task in suite.items
    ]
    for name, measure in suite.measures.items():
        named += [(("evaluate", "measures", name, "tasks"), task, [*made, *suite.tasks]) for task in measure.tasks]
    for keys, task, choices in named:
        if task not in choices:
            what = f'no task "{task}"{did_you_mean(task, choices)}'
            raise BadInput(what, where=loaded.where(keys), field=".".join(keys))
    for task in suite.tasks:
        if task in made:
            raise BadInput(
                f'"{task}" is also the name of a task made from the corpus',
                where=loaded.where(("evaluate", "tasks", task)),
                field=f"evaluate.tasks.{task}",
                fix="Call it otherwise and give its lm-eval name as `task`.",
            )


def _made(suite: Suite, sources: Mapping[str, object]) -> list[str]:
    """Names of the tasks that could be made from a corpus."""
    passages = [f"{PASSAGES}{source}" for source in sources]
    return {"none": [], "passages": passages, "all": [*DEFAULT_ITEMS, "facts", *passages]}[suite.made]
