"""From a live lm-eval task to items: every prompt and every answer written out, as lm-eval would ask it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from leaven.evaluate.benchmarks import foreign
from leaven.evaluate.benchmarks.clusters import groups, twins
from leaven.evaluate.benchmarks.forms import MAKERS
from leaven.evaluate.benchmarks.load import Row, compiled_once, live_task
from leaven.evaluate.benchmarks.metrics import guessing, measures
from leaven.evaluate.benchmarks.named import Named
from leaven.evaluate.benchmarks.plan import Benchmark, first
from leaven.evaluate.harness import quiet
from leaven.evaluate.item import Choice, Foreign, Form, Item, Match, Task
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask

OWN_IDS = ("task_id", "id", "idx", "_src_index")
"""Fields that name a document, the better ones first."""
TOKENS = 256
"""Most generated tokens where neither the suite nor the task says: lm-eval's own default."""
SCORES: dict[Form, tuple[str, ...]] = {
    "rolling": ("bits_per_byte",),
    "choice": ("accuracy", "acc_norm", "acc_bytes", "gold_bpb", "margin"),
    "match": ("accuracy", "acc_norm", "acc_bytes", "gold_bpb", "margin"),
    "target": ("accuracy", "gold_bpb"),
    "short": ("exact_match", "exact_match_lm_eval", "gold_bpb"),
    "program": ("pass@1", "gold_bpb"),
}
"""The measures that items of a form have; a foreign task's are those of `metrics.measures`."""
LIKELIHOOD: dict[str, tuple[Form, frozenset[str]]] = {
    "loglikelihood": ("target", frozenset({"acc", "perplexity"})),
    "loglikelihood_rolling": ("rolling", frozenset({"word_perplexity", "byte_perplexity", "bits_per_byte"})),
}
CHOICE = ("acc", "acc_norm", "acc_bytes")
WRITING = ("samples", "temperature", "top_p", "k", "tokens")
"""How a benchmark says that the model writes."""
WRITTEN: dict[Form, tuple[str, ...]] = {"program": WRITING, "short": ("tokens",)}
"""Of these, what a form uses; one that is not named here uses none."""
STOP = "\n"
"""Where every short answer ends."""


@dataclass(frozen=True)
class Documents:
    """The documents of a task.

    Args:
        rows: of the split that is scored.
        shots: of the one that examples are drawn from, where there is one.
        origin: {file or dataset, split, sha256, rows, cut, licence, notes …}.
        overrides: fields of the task that these documents need changed.
    """

    rows: Sequence[Row]
    origin: Mapping[str, Any]
    shots: Sequence[Row] | None = None
    overrides: Mapping[str, Any] | None = None


def freeze(benchmark: Benchmark, named: Named, documents: Documents) -> Task:
    """The items of a benchmark.

    Raises:
        BadInput: the documents do not fit the task; a document has no answer, an empty one, or the same one
        throughout; the benchmark's score is not one that such items have, or it says how the model writes where that
        changes nothing.
    """
    task = live_task(named, named.config(), documents.rows, documents.shots, documents.overrides)
    form = _form(task, named)
    _require_score(benchmark, named, form, task)
    _require_used(benchmark, named, form)
    if form == "short":
        _require_stop(named, task)
    every = list(task.eval_docs)
    kept = first(benchmark.name, len(every), benchmark.limit)
    chosen = [every[place] for place in kept]
    ids = _ids(every, kept)
    items: list[Item] = []
    with quiet(), compiled_once():
        for place, name, group, document in zip(kept, ids, groups(ids, chosen), chosen, strict=True):
            try:
                items.append(_item(task, form, named, document, name, group))
            except BadInput:
                raise
            except Exception as error:
                reason = str(error) if isinstance(error, ValueError) else f"{type(error).__name__}: {error}"
                raise BadInput(f"row {place} makes no item: {reason}", where=f"data of {benchmark.name}") from None
    if form == "match":
        matches = [item for item in items if isinstance(item, Match)]
        if len({item.delimiter for item in matches}) > 1:
            raise BadInput("some contexts end in white space and some do not", where=f"data of {benchmark.name}")
        items = [replace(item, group=group) for item, group in zip(matches, twins(matches), strict=True)]
    settings = _settings(benchmark, task, form, named, items)
    chance = _chance(form, items)
    if form == "foreign":
        with quiet(), compiled_once():
            guessed = guessing(task, chosen)
        if guessed:
            chance = guessed.pop("chance")
            settings["baselines"] = guessed
        settings["lm_eval"] = foreign.frozen(named, documents.overrides or {})
        foreign.check(settings["lm_eval"], [item for item in items if isinstance(item, Foreign)], named.file)
    return Task(
        name=benchmark.name,
        category=benchmark.category,
        form=form,
        measure=benchmark.score,
        chance=chance,
        what=str(named.metadata.get("what") or _what(named)),
        items=tuple(items),
        needs=("isolation",) if form == "program" else (),
        settings=settings,
        origin=_origin(named, documents, task, form, chance, len(every), items),
    )


def _form(task: ConfigurableTask, named: Named) -> Form:
    """Which form asks what the task asks; `foreign` where only lm-eval knows how its answers are scored."""
    from lm_eval.api.metrics import mean

    config = task.config
    if config.doc_to_image is not None or config.doc_to_audio is not None:
        raise BadInput("the task shows more than text", where=named.file)
    said = named.metadata.get("leaven")
    if said in ("short", "program") and task.OUTPUT_TYPE == "generate_until":
        return "short" if said == "short" else "program"
    if said not in (None, "foreign"):
        raise BadInput(
            f"leaven cannot take the task for `{said}`",
            where=named.file,
            field="metadata.leaven",
            fix="give short or program (both with `output_type: generate_until`), foreign, or nothing",
        )
    metrics = task.aggregation()
    plain = all(isinstance(entry["metric"], str) for entry in config.metric_list or ())
    if said or config.process_results is not None or config.filter_list or config.repeats != 1 or not plain:
        return "foreign"
    if task.OUTPUT_TYPE in LIKELIHOOD:
        form, known = LIKELIHOOD[str(task.OUTPUT_TYPE)]
        return form if known >= set(metrics) else "foreign"
    ours = any(name in CHOICE and metrics[name] is mean for name in metrics)
    if task.OUTPUT_TYPE == "multiple_choice" and ours and not task.multiple_target:
        return "match" if task.multiple_input else "choice"
    return "foreign"


def _require_score(benchmark: Benchmark, named: Named, form: Form, task: ConfigurableTask) -> None:
    """Raises BadInput where the score is none that the task gives, as far as that is known before a model is asked."""
    known, more = measures(task) if form == "foreign" else (SCORES[form], False)
    if benchmark.score not in known and not more:
        raise BadInput(
            f"items of {named.name} have no {benchmark.score}",
            field=f"tasks.{benchmark.name}.score",
            fix=f"give one of {', '.join(known)}" if known else "the task computes nothing: give it a metric_list",
        )


def _require_used(benchmark: Benchmark, named: Named, form: Form) -> None:
    default = Benchmark("", "", "")
    for field in WRITING:
        if field in WRITTEN.get(form, ()) or getattr(benchmark, field) == getattr(default, field):
            continue
        why = {
            "short": "it is answered once, by the likeliest token each time",
            "foreign": "its own file says how the model is asked",
        }.get(form, "the model writes nothing in it")
        raise BadInput(
            f"{field} would do nothing for {named.name}: {why}",
            field=f"tasks.{benchmark.name}.{field}",
            fix="leave it out",
        )


def _require_stop(named: Named, task: ConfigurableTask) -> None:
    until = _until(task)
    if STOP not in until:
        raise BadInput(
            f"a short answer ends at the first line break, and the task's does not: {until}",
            where=named.file,
            field="generation_kwargs.until",
            fix='give "\\n" among them; or `metadata: {leaven: foreign}`, so that lm-eval asks and scores it',
        )


def _until(task: ConfigurableTask) -> list[str]:
    until = (task.config.generation_kwargs or {}).get("until", [])
    return [until] if isinstance(until, str) else list(until)


def _item(task: ConfigurableTask, form: Form, named: Named, document: Row, name: str, group: str) -> Item:
    """Raises ValueError where the document holds no such item."""
    context = task.fewshot_context(
        doc=document, num_fewshot=task.config.num_fewshot or 0, gen_prefix=task.doc_to_prefix(document)
    )
    if form == "foreign":
        return foreign.item(task, document, context, name, group)
    made = task.construct_requests(doc=document, ctx=context, metadata=(task.config.task, 0, 1))
    asked = [instance.arguments for instance in (made if isinstance(made, list) else [made])]
    return MAKERS[form](task, named, document, asked, name, group)


def _ids(documents: Sequence[Row], kept: Sequence[int]) -> list[str]:
    """Their own ids where all of them have one and no two the same, else their places."""
    for field in OWN_IDS:
        values = [document.get(field) for document in documents]
        names = [str(value) for value in values if isinstance(value, str | int) and str(value)]
        if len(set(names)) == len(documents):
            return [names[place] for place in kept]
    return [str(place) for place in kept]


def _chance(form: Form, items: Sequence[Item]) -> float | None:
    if form in ("rolling", "foreign"):
        return None
    sizes = [len(item.pairs) for item in items if isinstance(item, Choice | Match)]
    return sum(1 / size for size in sizes) / len(sizes) if sizes else 0.0


def _settings(
    benchmark: Benchmark, task: ConfigurableTask, form: Form, named: Named, items: Sequence[Item]
) -> dict[str, Any]:
    settings: dict[str, Any] = {}
    answers = {item.choices for item in items if isinstance(item, Choice)}
    if len(answers) == 1:
        settings["labels"] = list(next(iter(answers)))
    if form in ("short", "program"):
        given = task.config.generation_kwargs or {}
        settings |= {
            "until": _until(task),
            "tokens": benchmark.tokens or int(given.get("max_gen_toks", TOKENS)),
            "samples": benchmark.samples,
            "temperature": benchmark.temperature,
            "top_p": benchmark.top_p,
        }
    if form == "program":
        settings["k"] = list(benchmark.k)
    if form == "short":
        settings["lm_eval"] = {
            "until": list(named.metadata.get("until", settings["until"])),
            "exact_match": {
                name: value
                for entry in task.config.metric_list or ()
                if entry["metric"] == "exact_match"
                for name, value in entry.items()
                if name not in ("metric", "aggregation", "higher_is_better")
            },
        }
    return settings


def _what(named: Named) -> str:
    owner = {"leaven": "leaven's", "lm-eval": "lm-eval's"}.get(named.source, "the user's")
    return f"{owner} task {named.name}"


def _origin(
    named: Named,
    documents: Documents,
    task: ConfigurableTask,
    form: Form,
    chance: float | None,
    n: int,
    items: Sequence[Item],
) -> dict[str, Any]:
    data = dict(documents.origin)
    notes = [str(note) for note in data.pop("notes", None) or ()]
    licence = data.pop("licence", None)
    if len(items) < n:
        notes.append(f"{len(items)} of {n} items, chosen by the hash of their place")
    twice = sum(len(set(item.choices)) < len(item.choices) for item in items if isinstance(item, Choice))
    if twice:
        notes.append(f"{twice} items have a choice twice")
    unused = sorted(set(task.aggregation()) - {*CHOICE}) if form in ("choice", "match") else []
    if unused:
        notes.append(f"not computed: {', '.join(unused)}")
    if form == "foreign" and chance is None:
        notes.append("no chance level known")
    changed = dict(documents.overrides or {})
    return {
        "task": named.name,
        "version": str(named.metadata.get("version", "")),
        "source": named.source,
        "file": named.file,
        "lm_eval": version("lm_eval"),
        "template": identity([named.yaml.sha256, changed]) if changed else named.yaml.sha256,
        "shots": int(task.config.num_fewshot or 0),
        "data": data,
        "licence": licence,
        "notes": notes,
    }
