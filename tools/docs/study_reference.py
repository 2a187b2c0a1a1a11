"""docs/reference/study.md: every field of the files that people write, from the schema that reads them.

A section for each model of `leaven.study` (and of the mapping file), a row for each field: its type, its default in
YAML, what it means. A field without a sentence is an error: what is not told is not in the grammar.
"""

from __future__ import annotations

import inspect
import re
import types
import typing
from typing import Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from leaven.analyze.imported.mapping import Columns, Mapping, Metric
from leaven.study.amounts import short
from leaven.study.amounts import size as bytes_of
from leaven.study.amounts import tokens as tokens_of
from leaven.study.further import FurtherSize, Sweep
from leaven.study.judging import Judge, Price, Prompts, Template, VerdictLine
from leaven.study.proxy import Proxy
from leaven.study.sources import Corpus, Deduplicate, Endpoint, Hub, Near, Source, TokenizerSpec, Top
from leaven.study.spec import Model, Optimizer, Spike, Study, Training
from leaven.study.stages import Schedule, Stage
from leaven.study.suites import Benchmark, Measure, Pilot, Suite

FILES: dict[str, list[tuple[str, type[BaseModel], str]]] = {
    "A study": [
        ("study", Study, "What a file given to `leaven run` holds."),
        ("model", Model, "A name is enough: `model: 1m`. A field that is given differs from the size's."),
        (
            "further size",
            FurtherSize,
            "`sizes.NAME`. A further size of the model, and what differs from the study there.",
        ),
        ("stage", Stage, "`variants.NAME[i]`. Three words, `pretrain 400B text`, or a mapping with the same names."),
        ("training", Training, "What all stages share; `pretrain`, `continue` and `cooldown` hold a schedule each."),
        ("schedule", Schedule, "In `training` for a kind of stage, in a stage for what differs there."),
        (
            "optimizer",
            Optimizer,
            "`training.optimizer`. AdamW. The paper publishes none of these; the values are the usual ones.",
        ),
        ("spike", Spike, "`training.spike`. Steps whose loss or gradient norm is out of the ordinary."),
        ("sweep", Sweep, "Variants that differ in one share; at least three of the shares differ."),
        ("proxy", Proxy, "What `--size` changes besides the size: a name, a file, or this mapping."),
    ],
    "A corpus": [
        ("corpus", Corpus, "`corpus:` of a study, or a file by itself."),
        (
            "source",
            Source,
            "`sources.NAME`. One of `path`, `hub` and `packages`, or none: then it is generated, or found here.",
        ),
        ("hub", Hub, "`sources.NAME.hub`. Read by ranges; a branch is settled to a commit once."),
        ("endpoint", Endpoint, "`sources.NAME.endpoint`. An OpenAI-compatible server that is asked for problems."),
        ("top", Top, "`sources.NAME.languages`. `languages: {top: 25}` is computed after filtering."),
        ("deduplicate", Deduplicate, "Exact duplicates always go, within and across sources."),
        ("near", Near, "`deduplicate.near`. MinHash; the name of a preset is enough: `near: slimpajama`."),
        ("tokenizer", TokenizerSpec, "Trained on the corpus, or given."),
    ],
    "A suite": [
        ("suite", Suite, "`evaluate:` of a study, or a file by itself."),
        ("benchmark", Benchmark, "`tasks.NAME` of a suite. A benchmark and how a model is asked."),
        ("measure", Measure, "`measures.NAME` of a suite. One thing that verdicts speak of."),
        ("pilot", Pilot, "`measures.NAME.pilot`. The columns of `noise.csv`."),
    ],
    "A judge": [
        ("judge", Judge, "`judge:` of a study, or of a file by itself, beside `data:`."),
        ("prompts", Prompts, "`judge.prompts`. A name or a path is enough: `prompts: alpaca-eval`."),
        ("price", Price, "`judge.price`. US dollars per million tokens."),
        ("template", Template, "`judge.template`. `paper`, `ties`, or a file that holds this."),
        ("verdict line", VerdictLine, "`verdict` of a template. The strings that a verdict is written with."),
    ],
    "A mapping file": [
        ("mapping", Mapping, "Of `leaven verdict --from … --mapping FILE`. Every field may be left out."),
        ("columns", Columns, "Names of columns; several of one role are joined by ` / `."),
        ("metric", Metric, "`metrics.NAME`. A column, a metric of a long table, or the mean of several."),
    ],
}
TITLES = {model: name for sections in FILES.values() for name, model, _ in sections}
PLAIN = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "anything"}
AMOUNTS = {tokens_of: "tokens, e.g. `400B` or `600K`", bytes_of: "bytes, e.g. `12MB` or `4GB`"}
NAMED = {
    "Seeds": "number of seeds, or list of seeds",
    "Peak": "number above 0, or `parent`",
    "Against": "mapping: variant → name or names",
    "Figure": "part of the paper: `2` to `9`, `5a`, `5b`, `table 2`",
}
BOUNDS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}


def page() -> str:
    """The whole page. Raises ValueError for a field without a sentence."""
    lines = [
        "# The study file, field by field",
        "",
        "<!-- Written by tools/docs from the schema (make references). Do not edit. -->",
        "",
        "A study names a corpus and a suite, or holds them. An unknown field is an error that names file, line and the",
        "likely meaning, and so is a value that cannot be. Amounts are decimal: `600K` tokens are 600,000, `4GB` are",
        "4,000,000,000 bytes. Relative paths begin at the folder of the file that they stand in. How fields work",
        "together: [studies](../studies.md), [corpora](../corpus.md), [training](../training.md),",
        "[evaluation](../evaluation.md), [judging](../judge.md), [runs trained elsewhere](../import.md).",
    ]
    for file, sections in FILES.items():
        lines += ["", f"## {file}"]
        for name, model, said in sections:
            lines += ["", f"### {name}", "", said, "", *_table(model)]
    return "\n".join(lines) + "\n"


def _table(model: type[BaseModel]) -> list[str]:
    rows = ["| field | type | default | meaning |", "|---|---|---|---|"]
    hints = typing.get_type_hints(model, include_extras=True)
    aliases = _annotations(model)
    for name, field in model.model_fields.items():
        if not field.description:
            raise ValueError(f"{model.__name__}.{name} has no description")
        kind = NAMED.get(aliases[name]) or _type(hints[name])
        bounds = [f"{sign} {value:,g}" for key, sign in BOUNDS.items() if (value := _bound(field, key)) is not None]
        kind += f", {', '.join(bounds)}" if bounds and not kind.startswith(("tokens", "bytes")) else ""
        rows.append(f"| `{field.alias or name}` | {kind} | {_default(field)} | {_told(field.description)} |")
    return rows


def _annotations(model: type[BaseModel]) -> dict[str, str]:
    """The annotation of each field as it is written, without what makes it optional."""
    return {name: str(text).removesuffix(" | None") for name, text in inspect.get_annotations(model).items()}


def _bound(field: FieldInfo, key: str) -> float | None:
    return next((getattr(each, key) for each in field.metadata if getattr(each, key, None) is not None), None)


def _type(kind: Any) -> str:
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        for mark in inner[1:]:
            if isinstance(mark, BeforeValidator) and mark.func in AMOUNTS:
                return AMOUNTS[mark.func]
        return _type(inner[0])
    if origin in (typing.Union, types.UnionType):
        return " or ".join(dict.fromkeys(_type(each) for each in inner if each is not type(None)))
    if origin is Literal:
        return " or ".join(f"`{each}`" if each != "" else "nothing" for each in inner)
    if origin in (list, tuple):
        listed = _type(inner[0])
        return f"list of {listed}s" if listed in PLAIN.values() else f"list of {listed}"
    if origin in (dict, typing.get_origin(dict[str, int])):
        return f"mapping: {_type(inner[0])} → {_type(inner[1])}"
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return f"[{TITLES[kind]}](#{TITLES[kind].replace(' ', '-')})"
    return PLAIN[kind]


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**needed**"
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined or value is None or value in ("", [], {}, ()):
        return "–"
    if isinstance(value, int) and bytes_of in (getattr(mark, "func", None) for mark in field.metadata):
        return f"`{short(value)}B`"
    if isinstance(value, BaseModel) and not value.model_dump(exclude_defaults=True):
        return "its defaults"
    return f"`{_yaml(value)}`"


def _yaml(value: Any) -> str:
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_defaults=True, by_alias=True)
    text = yaml.safe_dump(value, default_flow_style=True, allow_unicode=True, width=10_000, sort_keys=False)
    return text.strip().removesuffix("...").strip()


def _told(text: str) -> str:
    """A sentence in a cell of a table."""
    return re.sub(r"(\{[^}]*\}|\bkind: \w+)", r"`\1`", text).replace("``", "`").replace("|", "&#124;")
