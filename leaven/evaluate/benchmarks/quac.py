"""QuAC as a choice between answers: leaven's own definition.

A document is one question of a dialogue about a section of an article. Its answer (the one that the dialogue's teacher
gave) is ranked against up to three answers to other questions of the dialogue.

* Questions that the text does not answer (CANNOTANSWER) are left out: there is no span to rank. CANNOTANSWER is never
  among the choices, and in the dialogue so far it reads "I don't know."
* An answer that holds one of the question's known answers, or is held by one, is not taken: it may be right.
* Answers to later questions come first, because those to earlier ones stand in the dialogue that is shown and a model
  that repeats what it read would prefer them; among each, and for the order of the choices, a hash decides.
* Questions with no other answer left are left out.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from leaven.evaluate.short import normalise

UNANSWERED = "CANNOTANSWER"
SPOKEN = "I don't know."
OTHERS = 3
"""Most wrong answers of a question."""


def ranked(documents: Any) -> Any:
    """The documents as choices: `passage`, `dialogue`, `choices` and `gold` are added.

    Args:
        documents: a `datasets.Dataset` with title, section, context, question, answers, orig_answer, history (the
        questions before it with their answers, as question and answer) and, where it has one, id.
    """
    rows = [dict(row) for row in documents]
    dialogues: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        dialogues[_dialogue(row)].append(place)
    made = []
    for place, row in enumerate(rows):
        found = _document(row, place, rows, dialogues[_dialogue(row)])
        if found:
            made.append(found)
    return type(documents).from_list(made)


def _dialogue(row: dict[str, Any]) -> tuple[str, ...]:
    """Which dialogue a question is of: a turn's id is the dialogue's, "_q#" and a number."""
    head, mark, _ = str(row.get("id") or "").rpartition("_q#")
    return (head,) if mark else (row["title"], row["section"], row["context"])


def _document(row: dict[str, Any], place: int, rows: Sequence[dict[str, Any]], dialogue: Sequence[int]) -> Any:
    right = row["orig_answer"].strip()
    if right == UNANSWERED:
        return None
    name = str(row.get("id") or place)
    later = [rows[other]["orig_answer"].strip() for other in dialogue if other > place]
    earlier = [rows[other]["orig_answer"].strip() for other in dialogue if other < place]
    known = [right, *(answer.strip() for answer in row["answers"])]
    others: dict[str, str] = {}
    for answers in (later, earlier):
        for answer in sorted(set(answers), key=lambda text: _hash(name, "taken", text)):
            if answer != UNANSWERED and normalise(answer) not in others and not _alike(answer, known):
                others[normalise(answer)] = answer
    wrong = list(others.values())[:OTHERS]
    if not wrong:
        return None
    choices = sorted([right, *wrong], key=lambda text: _hash(name, "order", text))
    return {
        "id": name,
        "title": row["title"],
        "section": row["section"],
        "passage": row["context"].removesuffix(UNANSWERED).rstrip(),
        "dialogue": "".join(
            f"Question: {turn['question']}\nAnswer: {_spoken(turn['answer'])}\n" for turn in row["history"]
        ),
        "question": row["question"],
        "choices": choices,
        "gold": choices.index(right),
    }


def _alike(answer: str, known: Sequence[str]) -> bool:
    """Whether an answer holds a known one or is held by it, word for word; or nothing is left of it."""
    one = f" {normalise(answer)} "
    others = [f" {normalise(text)} " for text in known if text != UNANSWERED]
    return not one.strip() or any(other in one or one in other for other in others if other.strip())


def _spoken(answer: str) -> str:
    return SPOKEN if answer.strip() == UNANSWERED else answer.strip()


def _hash(*parts: str) -> bytes:
    return hashlib.sha256("\x00".join(parts).encode()).digest()
