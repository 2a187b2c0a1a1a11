"""Text from a subject: prompts in batches of few shapes, each continuation a function of its own prompt and
key alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from leaven.evaluate.subject import Subject
from leaven.ground.progress import Progress, silent
from leaven.model import decode

BATCH = 32
"""Prompts continued together. A part batch repeats its last prompt, so that every batch of a length has one
shape.
"""


@dataclass(frozen=True)
class Ask:
    """A prompt to continue.

    Args:
        tokens: most tokens of the continuation.
        stops: strings before the first of which the continuation is cut.
        temperature: 0 takes the likeliest token each time.
        key: 64-bit key of the random numbers, used where the temperature is above 0.
    """

    prompt: str
    tokens: int
    stops: tuple[str, ...] = ()
    temperature: float = 0.0
    key: int = 0


def generate(
    subject: Subject, asks: Sequence[Ask], *, stop: re.Pattern[str] | None = None, progress: Progress = silent
) -> list[str]:
    """The continuation of each ask, cut before its stops and before the first match of `stop`.

    Every prompt stands after the end-of-text token, as a document does in training, and is cut from the left
    so that it and its continuation fit the model's sequence length. A continuation ends at the end-of-text
    token.
    """
    tokenizer, sequence = subject.tokenizer, subject.config.sequence
    encoded = [tokenizer.encode(ask.prompt) for ask in asks]
    prompts = []
    for ask, tokens in zip(asks, encoded, strict=True):
        room = sequence - min(ask.tokens, sequence - 1)
        prompts.append([tokenizer.eot, *tokens][-room:])
    queue = sorted(
        range(len(asks)), key=lambda place: (asks[place].tokens, asks[place].temperature, len(prompts[place]), place)
    )
    texts = [""] * len(asks)
    done = 0
    while done < len(queue):
        first = asks[queue[done]]
        shape = (first.tokens, first.temperature, decode.bucket(len(prompts[queue[done]])))
        batch = [
            place
            for place in queue[done : done + BATCH]
            if (asks[place].tokens, asks[place].temperature, decode.bucket(len(prompts[place]))) == shape
        ]
        full = batch + batch[-1:] * (BATCH - len(batch))
        found = decode.generate(
            subject.params,
            subject.config,
            [prompts[place] for place in full],
            min(first.tokens, sequence - 1),
            stop=tokenizer.eot,
            temperature=first.temperature,
            keys=[asks[place].key for place in full],
        )
        for place, tokens in zip(batch, found, strict=False):
            texts[place] = _cut(tokenizer.decode(tokens), asks[place].stops, stop)
        done += len(batch)
        progress(done, len(asks), "continuations")
    return texts


def _cut(text: str, stops: Sequence[str], pattern: re.Pattern[str] | None) -> str:
    for stop in stops:
        text = text.partition(stop)[0]
    if pattern:
        text = pattern.split(text, maxsplit=1)[0]
    # the bytes of a character that the last token began
    return text.rstrip("\ufffd")
