"""Likelihoods of token sequences: many small questions put to the model in a few large batches of a few
shapes.

A question asks for the log-likelihood of the last k targets of an input. Questions whose input is a prefix of
another's share that input's row (a causal model gives a position the same answer whatever follows), so the
four one-token answers of a probe cost one row. Rows are sorted by length and padded to few lengths, so that
few programs are compiled; the output layer is computed only at the positions somebody asked for.

`reference` is the plain form: one question, one full forward pass, no padding. The tests hold the two against
each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from leaven.evaluate.subject import Subject
from leaven.ground.progress import Progress, silent
from leaven.model.config import ModelConfig
from leaven.model.transformer import hidden, logits

BATCH_TOKENS = 2048
"""Padded tokens of a batch. Measured at 0.3M parameters on one core: 1,024 and 2,048 are alike, 8,192 is a
third slower, because the activations fall out of the cache."""
TILE_NUMBERS = 1 << 18
"""Logits that exist at once (1 MiB in float32, which stays in a core's cache), but 16 positions at least."""


@dataclass(frozen=True)
class Question:
    """`targets` are the tokens that follow the last `len(targets)` positions of `tokens`."""

    tokens: tuple[int, ...]
    targets: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """Log-likelihood in nats, and whether no token is likelier than the target at any of its places."""

    nats: float
    greedy: bool


def lengths(sequence: int) -> list[int]:
    """The padded lengths: 32, 64, 96, 128, 192, 256, … (powers of two and halfway between) up to the model's
    sequence length."""
    steps = [32, *(1 << power for power in range(6, sequence.bit_length()))]
    both = {length for step in steps for length in (step, step + step // 2) if length < sequence and length != 48}
    return [*sorted(both), sequence]


def windows(context: Sequence[int], continuation: Sequence[int], longest: int) -> list[Question]:
    """The questions that together score `continuation` after `context`, each token once.

    The context (never empty) is cut from the left to fit. A continuation longer than `longest` is scored in
    consecutive windows of `longest` targets; the last window, which has fewer, sees as much context as fits.
    With the end-of-text token as context this is lm-eval's rolling likelihood (its windows made disjoint).
    """
    every = [*context, *continuation]
    first = len(context)
    questions = []
    for start in range(first, len(every), longest):
        end = min(start + longest, len(every))
        questions.append(Question(tuple(every[max(0, end - 1 - longest) : end - 1]), tuple(every[start:end])))
    return questions


def answer(subject: Subject, questions: Sequence[Question], progress: Progress = silent) -> list[Answer]:
    """The answers, in the questions' order. Questions longer than the model's sequence length raise
    ValueError.
    """
    longest = subject.config.sequence
    if any(
        len(question.tokens) > longest or not 0 < len(question.targets) <= len(question.tokens)
        for question in questions
    ):
        raise ValueError(
            f"a question must have at most {longest} tokens, and no more targets than tokens, but one at least"
        )
    rows, row_of = _rows(questions)
    nats = np.zeros(len(questions))
    greedy = np.ones(len(questions), bool)
    asked: list[list[int]] = [[] for _ in rows]
    for place, row in enumerate(row_of):
        asked[row].append(place)
    total = sum(map(len, rows))
    done = 0
    for length, members in _batches(rows, longest):
        batch = max(1, BATCH_TOKENS // length)
        tokens = np.zeros((batch, length), np.int32)
        at: list[np.ndarray] = []
        targets: list[int] = []
        owners: list[int] = []
        for line, row in enumerate(members):
            tokens[line, : len(rows[row])] = rows[row]
            for place in asked[row]:
                question = questions[place]
                end = line * length + len(question.tokens)
                at.append(np.arange(end - len(question.targets), end))
                targets += question.targets
                owners += [place] * len(question.targets)
        found, likeliest = _evaluate(
            subject.params, subject.config, tokens, np.concatenate(at), np.array(targets, np.int32)
        )
        np.add.at(nats, owners, found)
        np.logical_and.at(greedy, owners, likeliest)
        done += sum(len(rows[row]) for row in members)
        progress(done, total, "tokens")
    return [Answer(float(value), bool(flag)) for value, flag in zip(nats, greedy, strict=True)]


def reference(subject: Subject, question: Question) -> Answer:
    """One question, one forward pass."""
    # NumPy from here on: JAX would compile every slice for every number of targets
    scores_TV = np.asarray(_plain(subject.params, np.array([question.tokens], np.int32), config=subject.config))
    chosen_KV = scores_TV[-len(question.targets) :]
    picked_K = chosen_KV[np.arange(len(question.targets)), question.targets]
    return Answer(float(picked_K.sum()), bool((picked_K >= chosen_KV.max(-1)).all()))


@partial(jax.jit, static_argnames="config")
def _plain(params: Any, tokens_1T: Any, *, config: ModelConfig) -> jax.Array:
    return jax.nn.log_softmax(logits(params, config, hidden(params, config, tokens_1T))[0].astype(jnp.float32))


def _rows(questions: Sequence[Question]) -> tuple[list[tuple[int, ...]], list[int]]:
    """The distinct inputs that are no prefix of another input, and for each question its row.

    In lexicographic order everything between an input and its extension extends the input too, so looking at
    the row made last is enough.
    """
    row_of = [0] * len(questions)
    rows: list[tuple[int, ...]] = []
    for place in sorted(range(len(questions)), key=lambda place: questions[place].tokens, reverse=True):
        tokens = questions[place].tokens
        if not rows or rows[-1][: len(tokens)] != tokens:
            rows.append(tokens)
        row_of[place] = len(rows) - 1
    return rows, row_of


def _batches(rows: Sequence[tuple[int, ...]], longest: int) -> list[tuple[int, list[int]]]:
    """Rows in full batches of one padded length each; what does not fill a batch joins the next longer rows."""
    batches: list[tuple[int, list[int]]] = []
    queue = sorted(range(len(rows)), key=lambda row: (len(rows[row]), row))
    waiting: list[int] = []
    for length in lengths(longest):
        size = max(1, BATCH_TOKENS // length)
        ready = next((place for place, row in enumerate(queue) if len(rows[row]) > length), len(queue))
        waiting, queue = waiting + queue[:ready], queue[ready:]
        whole = len(waiting) if not queue else len(waiting) - len(waiting) % size
        batches += [(length, waiting[start : min(start + size, whole)]) for start in range(0, whole, size)]
        waiting = waiting[whole:]
        if not queue and not waiting:
            break
    return batches


def _evaluate(
    params: Any, config: ModelConfig, tokens_BT: np.ndarray, at_N: np.ndarray, targets_N: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Log-likelihoods (nats) and likeliest flags at N flat positions of a batch."""
    tile = max(16, min(128, TILE_NUMBERS // config.vocab))
    tiles = -(-len(at_N) // tile)
    # the arrays' size depends on the batch's shape alone (several questions may ask at one position: whole multiples)
    capacity = -(-tokens_BT.size // tile) * tile
    found, likeliest = [], []
    for start in range(0, tiles * tile, capacity):
        part = slice(start, start + capacity)
        size = len(at_N[part])
        at_P, targets_P = np.zeros(capacity, np.int32), np.zeros(capacity, np.int32)
        at_P[:size], targets_P[:size] = at_N[part], targets_N[part]
        nats_P, greedy_P = _forward(params, tokens_BT, at_P, targets_P, -(-size // tile), config=config, tile=tile)
        found.append(np.asarray(nats_P)[:size])
        likeliest.append(np.asarray(greedy_P)[:size])
    return np.concatenate(found), np.concatenate(likeliest)


@partial(jax.jit, static_argnames=("config", "tile"))
def _forward(
    params: Any, tokens_BT: Any, at_P: Any, targets_P: Any, tiles: Any, *, config: ModelConfig, tile: int
) -> tuple[jax.Array, jax.Array]:
    states_ND = hidden(params, config, tokens_BT).reshape(-1, config.width)

    def one_tile(i: Any, carry: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        at_t = jax.lax.dynamic_slice(at_P, (i * tile,), (tile,))
        targets_t = jax.lax.dynamic_slice(targets_P, (i * tile,), (tile,))
        scores_tV = logits(params, config, states_ND[at_t][None])[0].astype(jnp.float32)
        picked_t = jnp.take_along_axis(scores_tV, targets_t[:, None], 1)[:, 0]
        nats_t = picked_t - jax.nn.logsumexp(scores_tV, -1)
        greedy_t = picked_t >= scores_tV.max(-1)  # not argmax, which is slow on CPU
        nats_P, greedy_P = carry
        return (
            jax.lax.dynamic_update_slice(nats_P, nats_t, (i * tile,)),
            jax.lax.dynamic_update_slice(greedy_P, greedy_t, (i * tile,)),
        )

    start = (jnp.zeros(at_P.shape, jnp.float32), jnp.zeros(at_P.shape, bool))
    found: tuple[jax.Array, jax.Array] = jax.lax.fori_loop(0, tiles, one_tile, start)
    return found
