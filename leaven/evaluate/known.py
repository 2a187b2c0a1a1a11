"""Fact recall: does the model know what only the facts source states?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from leaven.corpus.facts import Fact, facts, probe, statement
from leaven.evaluate.item import Choice


def stated(plan: Mapping[str, Any]) -> list[Fact]:
    """The facts a facts source of this plan ({count, and seed if not 0}) states."""
    return facts(int(plan.get("seed", 0)), int(plan["count"]))


def questions(known: Sequence[Fact]) -> list[Choice]:
    """Each fact as the beginning of a sentence with four ends; the group is the four facts that share
    these ends: a scorer that ignores the subject gets exactly one of them, so they are not independent."""
    items = []
    for fact in known:
        context, choices, gold = probe(fact)
        group = "|".join([fact.relation, *sorted([fact.answer, *fact.distractors])])
        items.append(Choice(fact.id, group, context, tuple(choices), gold))
    return items


def occurrences(known: Sequence[Fact], documents: Iterable[str]) -> dict[str, int]:
    """How often documents state each fact, in any wording, by its id."""
    names = {fact.subject for fact in known}
    text = "\n".join(document for document in documents if any(name in document for name in names))
    return {
        fact.id: sum(text.count(statement(fact, wording)) for wording in range(len(fact.templates))) for fact in known
    }


def mentions(known: Sequence[Fact], documents: Iterable[str]) -> int:
    """How many documents name any of the facts' subjects."""
    names = {fact.subject for fact in known}
    return sum(any(name in document for name in names) for document in documents)
