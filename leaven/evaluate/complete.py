"""The complete step: what a model writes after prompts, for a judge to compare.

Every arm writes under the same rules, whatever kind of model it is: as many tokens at most, the same temperature, the
same stops, and the same random numbers for a prompt and seed, whatever else is in the batch.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.evaluate.degenerate import degenerate
from leaven.evaluate.item import read_lines, write_lines
from leaven.evaluate.model import Ask, Model
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput
from leaven.ground.progress import Progress, silent

__all__ = ["PARAGRAPH", "VERSION", "Rules", "complete", "degenerate"]

VERSION = "complete/2"
"""Part of the key of the random numbers: raise it when an equal prompt would be completed otherwise."""
PARAGRAPH = re.compile(r"(?<=\S)\s*?\n[^\S\n]*\n")
"""Where a completion is cut: at the first empty line after something was written.

A pattern and not the stop "\\n\\n", which would leave nothing of a completion that begins with an empty line. Whether
something was written before an empty line never changes with what follows, so that models stop writing there.
"""
CARRIED = ("instruction", "category", "overlap")
"""What a completion takes over from its prompt, where the prompt has it. An `overlap` that is empty is kept too: the
prompt was sought in training documents and found in none."""


@dataclass(frozen=True)
class Rules:
    """How every arm writes.

    Args:
        tokens: most tokens of a completion.
        temperature: 0 takes the likeliest token each time.
        top_p: draw from the fewest tokens that together have this probability.
        stop: strings before the first of which a completion is cut.
        paragraph: whether it is cut at the first empty line after something was written as well.
        seed: with the prompt's id the key of its random numbers.

    Raises BadInput for rules that nobody can write by.
    """

    tokens: int = 48
    temperature: float = 0.8
    top_p: float = 1.0
    stop: tuple[str, ...] = ()
    paragraph: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        if self.tokens < 1:
            raise BadInput(f"a completion has one token at least, not {self.tokens}", field="tokens")
        if not 0 <= self.temperature < float("inf"):
            raise BadInput(f"must be 0 or more, not {self.temperature}", field="temperature")
        if not 0 < self.top_p <= 1:
            raise BadInput(f"must be above 0 and at most 1, not {self.top_p}", field="top_p")


def complete(model: Model, prompts: Path, out: Path, rules: Rules, progress: Progress = silent) -> None:
    """Write `completions.jsonl`, in the order of the prompts: rows {id, prompt, completion, degenerate, cut}, and
    those of CARRIED that the prompt has.

    `degenerate`: see `leaven.evaluate.degenerate`. `cut`: the completion was broken off at its last token, neither
    ended by the model nor by a stop. A prompt that is too long for the model with its completion loses its beginning
    (`leaven.evaluate.model.fitted`).

    Args:
        prompts: a file of rows {id, text}.
    """
    rows = read_lines(prompts)
    cut: set[int] = set()
    texts = model.generate(
        [_ask(row, rules) for row in rows],
        progress,
        stop=PARAGRAPH if rules.paragraph else None,
        limited=cut.update,
    )
    write_lines(
        out / "completions.jsonl",
        (_row(row, text, place in cut) for place, (row, text) in enumerate(zip(rows, texts, strict=True))),
    )


def _ask(row: Mapping[str, Any], rules: Rules) -> Ask:
    key = key64(VERSION, row["id"], rules.seed)
    return Ask(row["text"], rules.tokens, rules.stop, rules.temperature, rules.top_p, key)


def _row(row: Mapping[str, Any], text: str, cut: bool) -> dict[str, Any]:
    return {
        "id": row["id"],
        "prompt": row["text"],
        "completion": text,
        "degenerate": degenerate(text),
        "cut": cut,
        **{name: row[name] for name in CARRIED if row.get(name) is not None},
    }
