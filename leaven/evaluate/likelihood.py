"""Likelihoods of token sequences: many small questions put to the model in a few large batches of a few shapes.

A question asks for the log-likelihood of the last k targets of an input. The questions of a group share rows as
`leaven.evaluate.branches` says, rows are padded to few lengths (`leaven.evaluate.rows`), and batches of them go through
the model on every device there is (`leaven.evaluate.forward`).

`reference` is the plain form: one question, one full forward pass, no padding. The tests hold the two against each
other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpy.typing as npt

from leaven.evaluate.branches import rows_for
from leaven.evaluate.forward import Ready, start
from leaven.evaluate.model import Answer, Keep, Question
from leaven.evaluate.rows import Row, Shape, batches, fill, rows_of_batch
from leaven.ground.progress import Progress, silent
from leaven.model.config import ModelConfig
from leaven.model.init import Params
from leaven.model.transformer import hidden, logits

VERSION = "likelihood/3"
"""Part of a model's identity: raise it when an equal question would be answered differently."""

AHEAD = 2
"""Batches under way before the answers of the first are fetched, so that the device need not wait."""


def windows(context: Sequence[int], continuation: Sequence[int], longest: int) -> list[Question]:
    """The questions that together score `continuation` after `context`, each token once.

    The context (never empty) is cut from the left to fit. A continuation longer than `longest` is scored in
    consecutive windows of `longest` targets; the last window, which has fewer, sees as much context as fits.
    With the end-of-text token as context this is lm-eval's rolling likelihood (its windows made disjoint).
    """
    every = [*context, *continuation]
    first = len(context)
    questions = []
    for begin in range(first, len(every), longest):
        end = min(begin + longest, len(every))
        questions.append(Question(tuple(every[max(0, end - 1 - longest) : end - 1]), tuple(every[begin:end])))
    return questions


@dataclass(frozen=True)
class _Found:
    """Of every question asked, group after group: its nats so far, whether each target so far was a likeliest one, and
    where each group begins."""

    nats: npt.NDArray[np.float64]
    greedy: npt.NDArray[np.bool_]
    starts: npt.NDArray[np.int64]

    def answers(self, group: int) -> list[Answer]:
        span = slice(self.starts[group], self.starts[group + 1])
        return [Answer(float(nats), bool(flag)) for nats, flag in zip(self.nats[span], self.greedy[span], strict=True)]


def answer(
    model: Ready, groups: Sequence[Sequence[Question]], progress: Progress = silent, keep: Keep | None = None
) -> list[list[Answer]]:
    """The answers to each group, in order. Raises ValueError for a question longer than the longest input, or without
    targets, or with more targets than tokens.
    """
    _check(groups, model.longest)
    starts = np.cumsum([0, *(len(group) for group in groups)])
    found = _Found(np.zeros(starts[-1]), np.ones(starts[-1], bool), starts)
    placed = [(place, row) for place, group in enumerate(groups) for row in rows_for(group, model.longest)]
    rows = [row for _, row in placed]
    left = np.bincount([place for place, _ in placed], minlength=len(groups))
    total, done = sum(len(row.tokens) for row in rows), 0
    cut = batches(rows, model.longest, model.tokens, model.devices, model.one_program)
    for members in _computed(model, [(shape, [placed[row] for row in members]) for shape, members in cut], found):
        for place, _ in members:
            left[place] -= 1
        whole = [place for place in dict.fromkeys(place for place, _ in members) if not left[place]]
        if keep is not None and whole:
            keep(whole, [found.answers(place) for place in whole])
        done += sum(len(row.tokens) for _, row in members)
        progress(done, total, "tokens")
    return [found.answers(place) for place in range(len(groups))]


Placed = tuple[int, Row]
"""A row and the place of its group."""


def _computed(model: Ready, cut: Sequence[tuple[Shape, list[Placed]]], found: _Found) -> Iterator[list[Placed]]:
    """Compute batches, add what they find to `found`, and yield the rows of each once that is done."""
    under_way: deque[tuple[list[Placed], list[Any]]] = deque()
    for shape, members in cut:
        under_way.append((members, _begun(model, shape, members, found)))
        if len(under_way) == AHEAD:
            yield _finished(*under_way.popleft(), found)
    while under_way:
        yield _finished(*under_way.popleft(), found)


def _begun(model: Ready, shape: Shape, members: Sequence[Placed], found: _Found) -> list[Any]:
    """A batch under way: for each pass the owners of what is asked on each device, and what will be answered."""
    size = rows_of_batch(shape.length, model.tokens)
    parts = [members[device * size : (device + 1) * size] for device in range(model.devices)]
    rows_n3BT = np.stack([fill([row for _, row in part], shape.length, size) for part in parts])
    asked = [_asked(part, shape.length, found) for part in parts]
    # The arrays' size depends on the shape alone. Several questions may ask at one position: then several passes.
    capacity = -(-size * shape.length // model.tile) * model.tile
    passes = []
    for first in range(0, max(one.shape[1] for one in asked), capacity):
        now = [one[:, first : first + capacity] for one in asked]
        asked_n2P = np.zeros((model.devices, 2, capacity), np.int32)
        asked_n2P[:, 0] = -1
        for line, one in zip(asked_n2P, now, strict=True):
            line[:, : one.shape[1]] = one[:2]
        passes.append(([one[2] for one in now], start(model, shape.forked, rows_n3BT, asked_n2P)))
    return passes


def _finished(members: list[Placed], passes: Sequence[Any], found: _Found) -> list[Placed]:
    for owners, (nats_nP, greedy_nP) in passes:
        for whose, nats_P, greedy_P in zip(owners, np.asarray(nats_nP), np.asarray(greedy_nP), strict=True):
            np.add.at(found.nats, whose, nats_P[: len(whose)])
            np.logical_and.at(found.greedy, whose, greedy_P[: len(whose)])
    return members


def _asked(part: Sequence[Placed], length: int, found: _Found) -> npt.NDArray[np.int64]:
    """Flat positions, targets and owners of everything asked in the rows of one device: [3, asked]."""
    at: list[int] = []
    targets: list[int] = []
    owners: list[int] = []
    for line, (place, row) in enumerate(part):
        first = int(found.starts[place])
        for asked in row.asked:
            at += [line * length + column for column in asked.at]
            targets += asked.targets
            owners += [first + asked.question] * len(asked.targets)
    return np.array([at, targets, owners], np.int64)


def _check(groups: Sequence[Sequence[Question]], longest: int) -> None:
    for question in (question for group in groups for question in group):
        if len(question.tokens) > longest or not 0 < len(question.targets) <= len(question.tokens):
            raise ValueError(
                f"a question must have at most {longest} tokens, and no more targets than tokens, but one at least"
            )


def reference(params: Params, config: ModelConfig, question: Question) -> Answer:
    """One question, one forward pass."""
    # NumPy from here on: JAX would compile every slice for every number of targets
    scores_TV = np.asarray(_plain(params, np.array([question.tokens], np.int32), config=config))
    chosen_KV = scores_TV[-len(question.targets) :]
    picked_K = chosen_KV[np.arange(len(question.targets)), question.targets]
    return Answer(float(picked_K.sum()), bool((chosen_KV.argmax(-1) == question.targets).all()))


@partial(jax.jit, static_argnames="config")
def _plain(params: Any, tokens_1T: Any, *, config: ModelConfig) -> jax.Array:
    return jax.nn.log_softmax(logits(params, config, hidden(params, config, tokens_1T))[0].astype(jnp.float32))
