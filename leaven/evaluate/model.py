"""What every kind of model under evaluation answers: likelihoods of token sequences, and continuations of prompts.

`leaven.evaluate.subject` is a model of leaven's own format on JAX, `leaven.evaluate.hugging` one of Hugging Face's on
torch. The adapter and everything above it know this protocol only, so both are asked in exactly the same way.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from leaven.ground.progress import Progress


@dataclass(frozen=True)
class Question:
    """`targets` are the tokens that follow the last `len(targets)` positions of `tokens`."""

    tokens: tuple[int, ...]
    targets: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """Log-likelihood in nats, and whether the targets are what the model would write: at each place the likeliest
    token, of equals the one with the lowest number."""

    nats: float
    greedy: bool


@dataclass(frozen=True)
class Ask:
    """A prompt to continue.

    Args:
        tokens: most tokens of the continuation.
        stops: strings before the first of which the continuation is cut.
        temperature: 0 takes the likeliest token each time.
        top_p: where the temperature is above 0, draw from the fewest tokens that together have this probability.
        key: 64-bit key of the random numbers, used where the temperature is above 0.
    """

    prompt: str
    tokens: int
    stops: tuple[str, ...] = ()
    temperature: float = 0.0
    top_p: float = 1.0
    key: int = 0


def fitted(prompt: Sequence[int], tokens: int, longest: int) -> tuple[list[int], int]:
    """What a prompt of token ids is continued from, and most tokens of its continuation, in an input of `longest`.

    A continuation has a claim on half of the input at most: the prompt is cut from the left to leave it that, and what
    a short prompt leaves is the continuation's as well.
    """
    kept = list(prompt[-(longest - min(tokens, longest // 2)) :])
    return kept, min(tokens, longest - len(kept))


class Words(Protocol):
    """A tokenizer."""

    @property
    def eot(self) -> int:
        """The token that ends a document."""
        ...

    @property
    def size(self) -> int: ...

    def encode(self, text: str) -> list[int]:
        """Tokens of the text alone: nothing is put in front or behind."""
        ...

    def decode(self, ids: Sequence[int]) -> str: ...

    def count_bytes(self, ids: Sequence[int]) -> int:
        """UTF-8 bytes that the tokens stand for."""
        ...


Keep = Callable[[Sequence[int], Sequence[Sequence[Answer]]], None]
"""Called with places of groups that have just been answered, and the answers of each."""
KeepText = Callable[[Sequence[int], Sequence[str]], None]
"""Called with places of prompts that have just been continued, and the texts."""
Limited = Callable[[Sequence[int]], None]
"""Called with places of prompts whose continuations were broken off: they had all their tokens, and no end or stop was
among them. Called before a `KeepText` of the same places."""


class Model(Protocol):
    """A model under evaluation."""

    @property
    def identity(self) -> str:
        """What its answers may be kept under: a hash of the weights, the shape, the tokenizer and the way it is asked
        (precision, start)."""
        ...

    @property
    def tokenizer(self) -> Words: ...

    @property
    def longest(self) -> int:
        """Most tokens of an input."""
        ...

    @property
    def start(self) -> tuple[int, ...]:
        """What stands before every context: a token, a few, or nothing."""
        ...

    @property
    def empty(self) -> int:
        """The token that stands for a context where there would be none at all."""
        ...

    def answer(
        self, groups: Sequence[Sequence[Question]], progress: Progress, keep: Keep | None = None
    ) -> list[list[Answer]]:
        """The answers to each group of questions, in their order.

        A group is what is asked about one context (the choices of an item), so that a model may read the context once.
        Its answers depend on the group alone, never on what else is asked, to the last bit on one kind of device.
        Raises ValueError for a question of more than `longest` tokens, or without targets, or with more than tokens.
        """
        ...

    def generate(
        self,
        asks: Sequence[Ask],
        progress: Progress,
        keep: KeepText | None = None,
        *,
        stop: re.Pattern[str] | None = None,
        limited: Limited | None = None,
    ) -> list[str]:
        """The continuations, cut before their stops, in the asks' order. Each depends on its own ask alone.

        `stop` is a pattern before the first match of which every continuation is cut as well; it must be one whose
        first match stays the first once a character follows it, so that writing may end there.
        """
        ...
