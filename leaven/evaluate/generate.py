"""Text from a subject: a batch of rows that is kept filled, each continuation a function of its own ask alone.

Rows are written a few tokens at a time. In between the text of each is looked at; those that have met a stop leave,
and waiting prompts take their rows. Asks that are computed alike share a batch: greedy or drawn, and with as many rows
as the memory that one of them may need allows; all of that follows from the ask, the model's shape and the kind of
device.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec

from leaven.evaluate.forward import default_compute
from leaven.evaluate.model import Ask, KeepText, Limited, fitted
from leaven.evaluate.seats import Plan, Prompt, Seats
from leaven.evaluate.stops import cut, first_stop, settled
from leaven.evaluate.subject import Subject
from leaven.ground.progress import Progress, silent
from leaven.model import decode
from leaven.model.config import ModelConfig
from leaven.model.execution import DATA, Execution

__all__ = ["VERSION", "Ask", "generate", "prompt_tokens"]

VERSION = "generate/3"
"""Raise it when an equal ask would be continued otherwise."""

CPU, ACCELERATOR = (16, 256, 8), (128, 16384, 16)
"""Rows of a device at most, prompt positions it reads at once, tokens of a piece.

More rows share the reading of the weights; a lone prompt pays for all of them. On one core a token of 7m costs 340 µs
in a batch of 8, 250 in one of 16 and 211 in one of 32, a token of 1m 50, 44 and 48."""

CACHED = {"cpu": 1 << 30, "other": 12 << 30}
"""Bytes of a device's caches at most, should every row grow to the longest that shares its batch; a row at least."""


def generate(
    subject: Subject,
    asks: Sequence[Ask],
    *,
    stop: re.Pattern[str] | None = None,
    progress: Progress = silent,
    keep: KeepText | None = None,
    limited: Limited | None = None,
    compute: str | None = None,
    devices: Sequence[jax.Device] | None = None,
) -> list[str]:
    """The continuation of each ask, cut before whichever begins first: one of its stops, or a match of `stop`.

    Every prompt stands after the end-of-text token, as a document does in training; `prompt_tokens` says how it is cut
    where it is too long. A continuation ends at the end-of-text token. At temperature 0 it is the likeliest token each
    time, the lowest of equals; else tokens are drawn as `leaven.model.draw` says.

    Args:
        stop: a pattern whose first match stays the first once a character follows it.
        keep: called with places and texts as they are finished.
        limited: called with places of texts that were broken off at their last token.
        compute: float32 or bfloat16; None: float32 on a CPU, bfloat16 elsewhere.
        devices: all local ones where not given.
    """
    found = list(jax.local_devices() if devices is None else devices)
    platform = found[0].platform
    compute = compute or default_compute(platform)
    mesh = Mesh(np.array(found), (DATA,)) if len(found) > 1 else None
    texts = [""] * len(asks)
    done = 0
    exact: AbstractContextManager[Any] = nullcontext()
    if platform != "cpu" and compute == "float32":
        exact = jax.default_matmul_precision("highest")  # accelerators multiply in fewer bits unless told otherwise
    with exact:
        weights = None
        for plan, queue in _batches(subject, asks, platform, compute, mesh):
            if weights is None:
                params = jax.device_put(subject.params, found[0])
                weights = decode.prepared(params, subject.config, Execution(compute=compute))
                if mesh is not None:
                    weights = jax.device_put(weights, NamedSharding(mesh, PartitionSpec()))
            for places, broken in _continue(subject, asks, Seats(weights, plan), queue, stop, texts):
                if limited and broken:
                    limited(broken)
                if keep:
                    keep(places, [texts[place] for place in places])
                done += len(places)
                progress(done, len(asks), "continuations")
    if done < len(asks):
        places = [place for place, ask in enumerate(asks) if ask.tokens < 1]
        if keep:
            keep(places, [""] * len(places))
        progress(len(asks), len(asks), "continuations")
    return texts


def prompt_tokens(subject: Subject, ask: Ask) -> tuple[list[int], int]:
    """What the ask is continued from: the end-of-text token and the prompt, by the rule of `fitted`; most tokens of
    its continuation."""
    return fitted([subject.tokenizer.eot, *subject.tokenizer.encode(ask.prompt)], ask.tokens, subject.config.sequence)


def _batches(
    subject: Subject, asks: Sequence[Ask], platform: str, compute: str, mesh: Mesh | None
) -> Iterator[tuple[Plan, list[Prompt]]]:
    """Asks that are computed alike, the shortest prompts first."""
    kinds: dict[tuple[Any, int], list[Prompt]] = {}
    for place, ask in enumerate(asks):
        if ask.tokens < 1:
            continue
        tokens, new = prompt_tokens(subject, ask)
        prompt = Prompt(place, tuple(tokens), new, ask.temperature, ask.top_p, ask.key)
        kind = "greedy" if ask.temperature <= 0 else "sampled" if ask.top_p >= 1 else "nucleus"
        kinds.setdefault((kind, _rows(subject.config, prompt.whole, platform, compute)), []).append(prompt)
    _, readable, piece = CPU if platform == "cpu" else ACCELERATOR
    for (kind, rows), queue in sorted(kinds.items()):
        plan = Plan(
            subject.config, kind, rows, readable, min(subject.tokenizer.size, subject.config.vocab), piece, mesh
        )
        yield plan, sorted(queue, key=lambda prompt: (prompt.bucket, prompt.place))


def _rows(config: ModelConfig, whole: int, platform: str, compute: str) -> int:
    """Rows of a device whose caches fit: not by the memory that happens to be free, as the last bits of a continuation
    may follow from it."""
    width = 2 if compute == "bfloat16" else 4
    size = 2 * config.layers * config.kv_heads * config.head * width * decode.bucket(whole, decode.BLOCK)
    fitting = max(1, (CACHED["cpu"] if platform == "cpu" else CACHED["other"]) // size)
    most = CPU[0] if platform == "cpu" else ACCELERATOR[0]
    return min(most, 1 << (fitting.bit_length() - 1))


def _continue(
    subject: Subject,
    asks: Sequence[Ask],
    seats: Seats,
    queue: list[Prompt],
    stop: re.Pattern[str] | None,
    texts: list[str],
) -> Iterator[tuple[list[int], list[int]]]:
    """Write the texts of the queue; yields places as they are finished, and those of them that were broken off."""
    waiting, start = queue, 0
    while start < len(waiting) or seats.taken:
        written: list[int] = []
        if start < len(waiting):
            written = seats.admit(waiting[start : start + len(seats.sitting)])
            start += len(written)
        finished, broken = [], []
        for row in written or seats.advance():
            prompt = seats.sitting[row]
            assert prompt is not None
            found = _text(subject, asks[prompt.place], seats.written[row], prompt.new, stop)
            if found is not None:
                texts[prompt.place], unended = found
                finished.append(prompt.place)
                broken += [prompt.place] if unended else []
                seats.leave(row)
        if finished:
            yield finished, broken


def _text(
    subject: Subject, ask: Ask, tokens: Sequence[int], new: int, stop: re.Pattern[str] | None
) -> tuple[str, bool] | None:
    """The finished text, and whether it was broken off; None while it goes on."""
    eot = subject.tokenizer.eot
    ended = eot in tokens
    text = subject.tokenizer.decode(tokens[: tokens.index(eot)] if ended else tokens)
    if not ended and len(tokens) < new and not settled(text, ask.stops, stop):
        return None
    return cut(text, ask.stops, stop), not ended and first_stop(text, ask.stops, stop) is None
