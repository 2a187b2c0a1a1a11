"""Which rows of a set are its prompts, which of them a plan asks for, and how many a limit leaves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from leaven.evaluate.prompts.find import Located
from leaven.evaluate.prompts.plan import PromptPlan
from leaven.evaluate.prompts.read import Found, Prompt, prompt_of, read_set, shown_value
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput, did_you_mean
from leaven.ground.progress import Progress, silent

MOST_SHOWN = 20
"""Values of a field that an error lists."""


@dataclass(frozen=True)
class Chosen:
    """The prompts that a plan asks for, before its limit.

    Args:
        prompts: in the order of the files, every id and every text once.
        read: rows of the files. rows: of them, those of the set. asked: of these, those that `where` leaves.
        empty: rows of those that ask nothing. duplicates: rows that ask what an earlier one does.
    """

    prompts: tuple[Prompt, ...]
    read: int
    rows: int
    asked: int
    empty: int
    duplicates: int

    def notes(self, located: Located) -> list[str]:
        """What a reader must know of the set as it was found."""
        known = located.known
        if known is None or self.rows == known.rows:
            return []
        return [f"{self.rows:,} rows, where the published {known.name} has {known.rows:,}"]


def choose(plan: PromptPlan, located: Located, progress: Progress = silent) -> Chosen:
    """The prompts of a set that a plan asks for.

    Raises BadInput where a file cannot be read, `where` names a field or value that is not there, two different prompts
    have the same id, or nothing is left.
    """
    found = read_set(located.fetched(progress), located.fields)
    named = located.known.name if located.known else plan.set
    rows = found
    for field, values in (located.known.only if located.known else {}).items():
        if any(field in one.row for one in rows):
            rows = [one for one in rows if _is(one, field, values)]
            if not rows:
                raise BadInput(f"no row has {field} {' or '.join(values)}, as those of {named} have", where=plan.set)
    asked = _where(rows, plan.where)
    places: dict[str, str] = {}
    texts: set[tuple[str, str]] = set()
    prompts: list[Prompt] = []
    empty = 0
    for one in asked:
        prompt = prompt_of(one)
        if prompt is None:
            empty += 1
            continue
        if (prompt.instruction, prompt.context) in texts:
            continue
        texts.add((prompt.instruction, prompt.context))
        if places.setdefault(prompt.id, one.where) != one.where:
            raise BadInput(
                f'the id "{prompt.id}" is that of another prompt already ({places[prompt.id]})',
                where=one.where,
                fix="Give every prompt an id of its own, or none.",
            )
        prompts.append(prompt)
    if not prompts:
        raise BadInput(f"every instruction of {named} is empty", where=asked[0].where)
    return Chosen(tuple(prompts), len(found), len(rows), len(asked), empty, len(asked) - empty - len(prompts))


def first(prompts: Sequence[Prompt], limit: int | None, seed: int) -> list[Prompt]:
    """At most `limit` prompts, those whose keys are smallest, in their order: a higher limit adds prompts and drops
    none, and whether a prompt is taken does not depend on where it stands."""
    if limit is None or limit >= len(prompts):
        return list(prompts)
    kept = {prompt.id for prompt in keyed(prompts, seed)[:limit]}
    return [prompt for prompt in prompts if prompt.id in kept]


def keyed(prompts: Sequence[Prompt], seed: int) -> list[Prompt]:
    """All prompts in the order in which a limit takes them."""
    return sorted(prompts, key=lambda prompt: (key64("prompts/limit", seed, prompt.id), prompt.id))


def _is(found: Found, field: str, values: Sequence[str]) -> bool:
    return field in found.row and any(value in values for value in shown_value(found.row[field]))


def _where(rows: list[Found], where: Mapping[str, Sequence[str]]) -> list[Found]:
    kept = rows
    for field, values in where.items():
        have = Counter(value for one in rows if field in one.row for value in shown_value(one.row[field]))
        if not any(field in one.row for one in rows):
            fields = list(dict.fromkeys(str(name) for one in rows for name in one.row))
            raise BadInput(
                f"no row has this field{did_you_mean(field, fields)}",
                field=f"where.{field}",
                fix=f"The fields are: {', '.join(fields)}.",
            )
        for value in values:
            if value not in have:
                raise BadInput(
                    f'no row has the value "{value}"', field=f"where.{field}", fix=f"The values are: {_values(have)}."
                )
        kept = [one for one in kept if _is(one, field, values)]
    if not kept:
        raise BadInput(f"no row has all of it at once: {', '.join(where)}", field="where", fix="Ask for less.")
    return kept


def _values(have: Counter[str]) -> str:
    """`open_qa (3,742), brainstorming (1,766), …`."""
    listed = [f"{value[:40]} ({count:,})" for value, count in have.most_common(MOST_SHOWN)]
    return ", ".join(listed) + (f" and {len(have) - MOST_SHOWN:,} more" if len(have) > MOST_SHOWN else "")
