"""From a live lm-eval task to items: every prompt and every answer written out, byte for byte what lm-eval would ask.

lm-eval moves white space from the end of a context to the front of the continuation when it encodes them
(`TemplateLM._encode_pair`); here it is moved before, into the item's `delimiter`. So the bytes scored are those in the
file, and acc_norm is divided by the length of the choice alone, as lm-eval does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from leaven.evaluate.benchmarks import foreign
from leaven.evaluate.benchmarks.clusters import groups, twins
from leaven.evaluate.benchmarks.load import Row, compiled_once, live_task
from leaven.evaluate.benchmarks.named import Named
from leaven.evaluate.benchmarks.plan import Benchmark, first
from leaven.evaluate.harness import quiet
from leaven.evaluate.item import Choice, Foreign, Form, Item, Match, Passage, Program, Short, Target, Task
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
"""The measures that items of a form have; a foreign task's are lm-eval's."""
LIKELIHOOD: dict[str, tuple[Form, frozenset[str]]] = {
    "loglikelihood": ("target", frozenset({"acc", "perplexity"})),
    "loglikelihood_rolling": ("rolling", frozenset({"word_perplexity", "byte_perplexity", "bits_per_byte"})),
}
CHOICE = ("acc", "acc_norm", "acc_bytes")


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
        throughout; the benchmark's score is not one that such items have.
    """
    task = live_task(named, named.config(), documents.rows, documents.shots, documents.overrides)
    form = _form(task, named)
    if form in SCORES and benchmark.score not in SCORES[form]:
        raise BadInput(
            f"items of {named.name} have no {benchmark.score}",
            field=f"tasks.{benchmark.name}.score",
            fix=f"give one of {', '.join(SCORES[form])}",
        )
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
    if form == "foreign":
        settings["lm_eval"] = foreign.frozen(named, documents.overrides or {})
        foreign.check(settings["lm_eval"], [item for item in items if isinstance(item, Foreign)], named.file)
    return Task(
        name=benchmark.name,
        category=benchmark.category,
        form=form,
        measure=benchmark.score,
        chance=_chance(form, items),
        what=str(named.metadata.get("what") or _what(named)),
        items=tuple(items),
        needs=("isolation",) if form == "program" else (),
        settings=settings,
        origin=_origin(named, documents, task, form, len(every), items),
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


def parted(context: str, continuation: str) -> tuple[str, str]:
    """The pair with the white space at the end of the context moved to the front of the continuation."""
    stripped = context.rstrip()
    return stripped, context[len(stripped) :] + continuation


def _choice(task: ConfigurableTask, named: Named, document: Row, asked: list[Any], name: str, group: str) -> Choice:
    choices = [_text(choice, "a choice") for choice in task.doc_to_choice(document)]
    if len(set(choices)) < 2:
        raise ValueError("its choices are all the same" if len(choices) > 1 else "it has fewer than two choices")
    context, continuation = parted(*asked[0])
    gold = task.doc_to_target(document)
    if isinstance(gold, str) and gold in choices:
        gold = choices.index(gold)
    return Choice(
        name, group, context, tuple(choices), _place(gold, choices), continuation[: len(continuation) - len(choices[0])]
    )


def _match(task: ConfigurableTask, named: Named, document: Row, asked: list[Any], name: str, group: str) -> Match:
    contexts = task.doc_to_choice(document)
    text = _text(task.doc_to_target(document), "its text")
    pairs = [parted(*pair) for pair in asked[: len(contexts)]]
    if len({continuation for _, continuation in pairs}) > 1:
        raise ValueError("its contexts end in different white space")
    if len({context for context, _ in pairs}) < 2:
        raise ValueError("its contexts are all the same")
    delimiter = pairs[0][1][: len(pairs[0][1]) - len(text)]
    gold = _place(task.doc_to_text(document), contexts)
    return Match(name, group, tuple(context for context, _ in pairs), text, gold, delimiter)


def _target(task: ConfigurableTask, named: Named, document: Row, asked: list[Any], name: str, group: str) -> Target:
    context, target = asked[0]
    stripped, moved = parted(context, "")
    return Target(name, group, stripped, _text(target, "its target"), moved)


def _rolling(task: ConfigurableTask, named: Named, document: Row, asked: list[Any], name: str, group: str) -> Passage:
    return Passage(name, group, _text(asked[0][0], "its text"))


def _short(task: ConfigurableTask, named: Named, document: Row, asked: list[Any], name: str, group: str) -> Short:
    found = task.doc_to_target(document)
    answers = [answer for answer in dict.fromkeys(found if isinstance(found, list) else [found]) if answer]
    if not all(isinstance(answer, str) for answer in answers):
        raise ValueError("an answer is not a text")
    if "answer" in named.metadata:
        likeliest = _field(task, named.metadata["answer"], document)
        if likeliest in answers:
            answers = [likeliest, *(answer for answer in answers if answer != likeliest)]
    return Short(name, group, asked[0][0], tuple(answers), task.config.target_delimiter)


def _program(task: ConfigurableTask, named: Named, document: Row, asked: list[Any], name: str, group: str) -> Program:
    solution = _field(task, named.metadata["solution"], document) if "solution" in named.metadata else ""
    return Program(name, group, asked[0][0], _text(task.doc_to_target(document), "its tests"), solution)


Maker = Callable[["ConfigurableTask", Named, Row, list[Any], str, str], Item]
MAKERS: dict[Form, Maker] = {
    "choice": _choice,
    "match": _match,
    "target": _target,
    "rolling": _rolling,
    "short": _short,
    "program": _program,
}


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{what} is {value!r} and not a text")
    if not value.strip():
        raise ValueError(f"{what} is empty")
    return value


def _place(gold: Any, choices: Sequence[Any]) -> int:
    if not isinstance(gold, int) or not 0 <= gold < len(choices):
        raise ValueError(f"its right answer is {gold!r}, of {len(choices)} choices")
    return int(gold)


def _field(task: ConfigurableTask, template: Any, document: Row) -> str:
    """A field of the document, or a template over it."""
    found = document[template] if template in task.features else task.resolve_field(document, str(template))
    return str(found or "")


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
        until = given.get("until", [])
        settings |= {
            "until": [until] if isinstance(until, str) else list(until),
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
    named: Named, documents: Documents, task: ConfigurableTask, form: Form, n: int, items: Sequence[Item]
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
