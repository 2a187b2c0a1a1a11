"""The prompts step: prompts of a set, framed, each with the sources of the corpus in which it occurs.

Written: `prompts.jsonl`, rows {id, text, instruction, category?, overlap?}: `text` is what a model is given,
`instruction` what a judge reads; and `prompts.json`, what was found and chosen. Equal files, plan and corpus, equal
bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from leaven.evaluate.item import write_lines
from leaven.evaluate.prompts.choose import Chosen, choose, first, keyed
from leaven.evaluate.prompts.find import VERSION, Located, find_set
from leaven.evaluate.prompts.frame import framed, stop_of
from leaven.evaluate.prompts.overlap import occurrences
from leaven.evaluate.prompts.plan import PromptPlan
from leaven.evaluate.prompts.read import Prompt
from leaven.ground.errors import BadInput
from leaven.ground.files import write_json
from leaven.ground.progress import Progress, silent


def count_prompts(plan: PromptPlan, places: Sequence[str]) -> int | None:
    """How many prompts a plan gives where none occurs in training documents; None where the set is still on the hub.

    Raises as `survey_prompts`.
    """
    located = find_set(plan.set, places)
    if located.remote is not None:
        return None
    return len(first(choose(plan, located).prompts, plan.limit, plan.seed))


def build_prompts(
    plan: PromptPlan,
    places: Sequence[str],
    out: Path,
    *,
    corpus: Path | None = None,
    kinds: Mapping[str, str] = MappingProxyType({}),
    expected: str | None = None,
    progress: Progress = silent,
) -> None:
    """Write the prompts of a plan.

    Args:
        places: where known sets are looked for: folders, mapping files, `hub`.
        out: an existing, empty folder.
        corpus: a corpus step's folder; without it nobody knows where prompts occur.
        kinds: source → its kind in the study.
        expected: what `survey_prompts` said when this was planned.

    Raises:
        BadInput: as `survey_prompts`; the files are others than were expected; every prompt occurs in the training
            documents and is to be dropped.
        LeavenError: as `survey_prompts`.
    """
    located = find_set(plan.set, places)
    if expected is not None and located.fingerprint() != expected:
        raise BadInput(
            "the prompts are not those that were there when this was planned", where=located.origin, fix="Run it again."
        )
    chosen = choose(plan, located, progress)
    sources: list[str] = []
    where: dict[str, list[str]] = {}
    kept, dropped = first(chosen.prompts, plan.limit, plan.seed), list[Prompt]()
    if corpus is not None:
        every = chosen.prompts if plan.overlapping == "drop" else kept
        sources, where = occurrences(every, corpus, plan.frame, progress)
        if plan.overlapping == "drop":
            kept, dropped = _clean(chosen.prompts, where, plan)
    if not kept:
        raise BadInput(
            f"every prompt of {plan.set} occurs in the training documents",
            field="overlapping",
            fix="Take another set, or keep them: overlapping: keep.",
        )
    write_lines(out / "prompts.jsonl", (_row(plan, prompt, where.get(prompt.id)) for prompt in kept))
    overlap = {
        source: {
            "kind": kinds.get(source, ""),
            "prompts": sum(source in where[prompt.id] for prompt in (*kept, *dropped)),
        }
        for source in sources
    }
    about = _about(plan, located, chosen, len(kept), len(dropped))
    searched = len(kept) + len(dropped) if corpus is not None else 0
    write_json(out / "prompts.json", about | {"searched": searched, "overlap": overlap})


def _clean(
    prompts: Sequence[Prompt], where: Mapping[str, Sequence[str]], plan: PromptPlan
) -> tuple[list[Prompt], list[Prompt]]:
    """As many prompts as the limit asks for that occur nowhere, and those that were passed over for it."""
    kept: set[str] = set()
    dropped: set[str] = set()
    for prompt in keyed(prompts, plan.seed):
        if len(kept) == plan.limit:
            break
        (dropped if where[prompt.id] else kept).add(prompt.id)
    return [one for one in prompts if one.id in kept], [one for one in prompts if one.id in dropped]


def _row(plan: PromptPlan, prompt: Prompt, sources: list[str] | None) -> dict[str, Any]:
    row: dict[str, Any] = {
        "id": prompt.id,
        "text": framed(plan.frame, prompt.instruction, prompt.context),
        "instruction": prompt.shown,
    }
    if prompt.category:
        row["category"] = prompt.category
    if sources is not None:
        row["overlap"] = sources
    return row


def _about(plan: PromptPlan, located: Located, chosen: Chosen, kept: int, dropped: int) -> dict[str, Any]:
    """What a page tells of the prompts; no path of this computer.

    `read` rows of the files; `rows` of them, those of the set; `asked` of these, those that `where` leaves; `empty` and
    `duplicates` of these; `chosen` were written. `overlap` counts among the `searched`: those written and, of "drop",
    those passed over (`dropped`).
    """
    known = located.known
    return {
        "version": VERSION,
        "set": known.name if known else Path(plan.set).name,
        "origin": located.origin,
        "source": known.source if known else None,
        "licence": known.licence if known else None,
        "fingerprint": located.fingerprint(),
        "read": chosen.read,
        "rows": chosen.rows,
        "asked": chosen.asked,
        "empty": chosen.empty,
        "duplicates": chosen.duplicates,
        "dropped": dropped,
        "chosen": kept,
        "where": {name: list(values) for name, values in plan.where.items()},
        "limit": plan.limit,
        "seed": plan.seed,
        "overlapping": plan.overlapping,
        "frame": plan.frame,
        "stop": list(stop_of(plan.frame)),
        "notes": chosen.notes(located),
    }
