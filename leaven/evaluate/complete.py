"""The complete step: what a model writes after held-out beginnings, for a judge to compare.

Every arm writes under the same rules: as many tokens at most, the same temperature, the same stop, and the
same random numbers for a prompt and seed, whatever else is in the batch.
"""

from __future__ import annotations

import re
from pathlib import Path

from leaven.evaluate.generate import Ask, generate
from leaven.evaluate.item import read_lines, write_lines
from leaven.evaluate.subject import Subject
from leaven.ground.canonical import key64
from leaven.ground.progress import Progress, silent

VERSION = "complete/1"
PARAGRAPH = re.compile(r"(?<=\S)\s*?\n[^\S\n]*\n")
"""Where a completion is cut: at the first empty line after something was written."""
WINDOW = 8
"""Characters of the windows that `degenerate` compares."""


def complete(
    subject: Subject,
    prompts: Path,
    out: Path,
    *,
    tokens: int = 48,
    temperature: float = 0.8,
    seed: int,
    progress: Progress = silent,
) -> None:
    """Write `completions.jsonl` ({id, prompt, completion, degenerate}), in the order of the prompts.

    Args:
        prompts: a suite step's `prompts.jsonl`.
        tokens: most tokens of a completion. A prompt is cut from the left so that both fit the model's
        sequence length.
        temperature: 0 takes the likeliest token.
        seed: with the prompt's id the key of its random numbers.
    """
    rows = read_lines(prompts)
    asks = [Ask(row["text"], tokens, temperature=temperature, key=key64(VERSION, row["id"], seed)) for row in rows]
    written = [PARAGRAPH.split(text, 1)[0] for text in generate(subject, asks, stop=PARAGRAPH, progress=progress)]
    write_lines(
        out / "completions.jsonl",
        (
            {"id": row["id"], "prompt": row["text"], "completion": text, "degenerate": degenerate(text)}
            for row, text in zip(rows, written, strict=True)
        ),
    )


def degenerate(text: str) -> bool:
    """Whether a text is empty or mostly repeats itself: fewer than half of its 8-character windows are
    distinct.

    Texts of less than two windows are not called repetitive. (Ours; a loop of any period up to half the text
    is found, and running English has more than nine distinct windows in ten.)
    """
    text = text.strip()
    windows = [text[place : place + WINDOW] for place in range(len(text) - WINDOW + 1)]
    return not text or (len(text) >= 2 * WINDOW and 2 * len(set(windows)) < len(windows))
