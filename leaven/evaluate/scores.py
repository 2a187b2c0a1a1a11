"""From records to a task's entry in `scores.json`: measures with their errors, and what to hold them against.

Standard errors here describe one model on one set of items (`leaven.evaluate.spread`). Seeds are the analysis'
business.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from leaven.evaluate.baselines import (
    NONE,
    PROGRAMS,
    Baselines,
    beats,
    bound,
    choice_baselines,
    guessed,
    text_baselines,
)
from leaven.evaluate.item import Answerable, Form, Short, Target
from leaven.evaluate.record import Record, Records
from leaven.evaluate.short import first_line, normalise
from leaven.evaluate.spread import clusters, mean, ratio

SUMMARY = {
    "correct": "accuracy",
    "acc_lm_eval": "acc_lm_eval",
    "acc_norm": "acc_norm",
    "acc_bytes": "acc_bytes",
    "exact_match": "exact_match",
    "exact_match_lm_eval": "exact_match_lm_eval",
    "gold_bpb": "gold_bpb",
    "margin": "margin",
    "passed": "pass@1",
}
"""The name a measure of items has when it is averaged over a task; `pass@k` keeps its own."""
MOST_BITS = 500
"""A perplexity of 2 to so many bits says nothing that the bits do not."""
SHOWN = 80
"""Characters of a frequent answer that `always` shows."""


def summarise(form: Form, records: Sequence[Record], described: Mapping[str, Any]) -> dict[str, Any]:
    """A task's entry in `scores.json`.

    {measure: {value, n, se}} and: `score` (the primary measure's), `chance`, `constant`, `majority` and the largest of
    them, `bound`; `above_chance_hint` (one-sided 95 %, this model alone; the analysis pools seeds before it excludes a
    task); `degenerate` (share of ties, or of empty or repeating texts); `predicted` and `always` (what the model says
    most often); `truncated` and `uneven` items; `clusters` of the standard errors; `decontamination`; `cut` and `notes`
    of where the items come from.

    A foreign task has lm-eval's own number of each metric as `lm_eval/<metric>`, by its own aggregation; `se` only
    where that is a plain mean.

    Args:
        records: of a foreign task `Records`.
        described: the task's entry in `suite.json`.
    """
    labels = clusters([record.item.group for record in records])
    entry = _measures(form, records, labels)
    notes = _notes(records)
    baselines = _foreign_baselines(described) if form == "foreign" else _baselines(form, records)
    level = bound(baselines)
    primary = str(described["measure"])
    entry |= {"score": {"measure": primary, **entry.get(primary, {"value": None})}, **baselines, "bound": level}
    entry |= {
        "above_chance_hint": _hint(entry, primary, level),
        "degenerate": _degenerate(form, records),
        "clusters": len(set(labels)),
        "truncated": sum(record.scored.truncated for record in records),
        "uneven": sum(record.scored.uneven for record in records),
        "decontamination": decontamination(described.get("overlap") or {}, len(records)),
        **_said(form, records, (described.get("settings") or {}).get("labels")),
        **_provenance(described.get("origin") or {}, notes),
    }
    if form == "program":
        entry["isolation"] = records[0].level
    return entry


def _measures(form: Form, records: Sequence[Record], labels: Sequence[int]) -> dict[str, Any]:
    columns: dict[str, list[float]] = {}
    places: dict[str, list[int]] = {}
    for label, record in zip(labels, records, strict=True):
        for name, value in record.measures.items():
            columns.setdefault(name, []).append(value)
            places.setdefault(name, []).append(label)
    entry = {
        SUMMARY.get(name, name): mean(values, places[name])
        for name, values in columns.items()
        if name in SUMMARY or name.startswith("pass@")
    }
    for aggregate in records.aggregates if isinstance(records, Records) else ():
        name = f"lm_eval/{aggregate.name}"
        if aggregate.value is None:
            continue
        alike = aggregate.plain and len(columns.get(name, ())) == aggregate.n
        error = mean(columns[name], places[name])["se"] if alike else None
        entry[name] = {"value": aggregate.value, "n": aggregate.n, "se": error}
    if "bits" in columns:
        entry["bits_per_byte"] = ratio(columns["bits"], columns["bytes"], places["bits"])
    if form == "target":
        entry |= _perplexity(columns["bits"], places["bits"])
    return entry


def _perplexity(bits: Sequence[float], labels: Sequence[int]) -> dict[str, Any]:
    """2 to the mean bits of a target (lm-eval's `perplexity`), its error by the delta method; nothing where that is no
    number a computer holds."""
    found = mean(bits, labels)
    if found["value"] > MOST_BITS:
        return {}
    value = 2.0 ** found["value"]
    error = None if found["se"] is None else value * math.log(2) * found["se"]
    return {"perplexity": {"value": value, "n": found["n"], "se": error}}


def _baselines(form: Form, records: Sequence[Record]) -> Baselines:
    items = [record.item for record in records]
    answerable = [item for item in items if isinstance(item, Answerable)]
    if answerable:
        return choice_baselines(answerable)
    if form == "program":
        return PROGRAMS
    if form in ("short", "target"):
        return text_baselines(
            [
                item.answers if isinstance(item, Short) else (item.target,)
                for item in items
                if isinstance(item, Short | Target)
            ]
        )
    return NONE


def _foreign_baselines(described: Mapping[str, Any]) -> Baselines:
    """What the suite says of guessing: the items themselves are known to lm-eval only."""
    given = (described.get("settings") or {}).get("baselines") or {}
    return NONE | {"chance": described.get("chance"), **given}


def _notes(records: Sequence[Record]) -> list[str]:
    """What lm-eval's numbers lack, by name."""
    aggregates = records.aggregates if isinstance(records, Records) else ()
    numbers = {name for record in records for name in record.measures}
    whole = [one.name for one in aggregates if one.value is not None and f"lm_eval/{one.name}" not in numbers]
    found = [f"of the task as a whole only, not of its items: {', '.join(whole)}"] if whole else []
    return [*found, *(f"lm-eval gives no {one.name}: {one.why}" for one in aggregates if one.value is None)]


def _hint(entry: Mapping[str, Any], primary: str, level: float | None) -> bool | None:
    """Of the primary measure where guessing scores on it, else of the accuracy that stands beside it."""
    beside = ("accuracy", "exact_match", "pass@1")
    name = primary if guessed(primary) else next((name for name in beside if name in entry), "")
    score = entry.get(name)
    return beats(score["value"], score["se"], score["n"], level) if score and level is not None else None


def _degenerate(form: Form, records: Sequence[Record]) -> float:
    name = "tied" if form in ("choice", "match") else "degenerate"
    return math.fsum(record.measures.get(name, 0.0) for record in records) / len(records)


def _said(form: Form, records: Sequence[Record], names: Sequence[str] | None) -> dict[str, Any]:
    """`predicted`, the share of each place (or label) that was likeliest, and `always`, the most frequent prediction:
    a model that always gives one answer shows here."""
    if form in ("choice", "match"):
        shares = predicted_shares([record.predicted for record in records if record.predicted is not None], names)
        return {"predicted": shares, "always": _most(Counter(shares))}
    if form == "short":
        texts = [normalise(first_line(text)) for record in records for text in record.texts]
    elif form == "program":
        texts = [text.strip() for record in records for text in record.texts]
    else:
        return {}
    counts = Counter(texts)
    return {"always": _most(Counter({text: count / len(texts) for text, count in counts.items()}))}


def predicted_shares(predicted: Sequence[int], names: Sequence[str] | None = None) -> dict[str, float]:
    """How often each position was the first likeliest, by its label where all items have the same ones."""
    said = [names[place].strip() if names and place < len(names) else str(place) for place in sorted(predicted)]
    return {answer: count / len(predicted) for answer, count in Counter(said).items()}


def _most(shares: Counter[str]) -> dict[str, Any]:
    """The most frequent answer; of several the first in order, so that equal records give equal bytes."""
    answer = min(shares, key=lambda text: (-shares[text], text))
    return {"answer": answer[:SHOWN], "share": shares[answer]}


def decontamination(overlap: Mapping[str, Any], n: int) -> dict[str, Any]:
    """Whether the items were looked for in the training documents, and what was found.

    `of` candidates `dropped` were removed, and `occurring` of the items that are asked do occur. `decontaminated`: of a
    benchmark, whether the corpus left out the documents that hold its items.
    """
    if not overlap:
        return {"searched": False, "decontaminated": None, "occurring": None, "dropped": None, "of": n}
    return {
        "searched": True,
        "decontaminated": overlap.get("decontaminated"),
        "occurring": overlap.get("occurring", 0),
        "dropped": overlap.get("dropped", 0),
        "of": overlap.get("candidates", n),
    }


def _provenance(origin: Mapping[str, Any], notes: Sequence[str]) -> dict[str, Any]:
    found = {"cut": (origin.get("data") or {}).get("cut"), "notes": [*(origin.get("notes") or ()), *notes]}
    return {name: value for name, value in found.items() if value}
