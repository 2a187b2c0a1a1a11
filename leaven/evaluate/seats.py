"""The rows of a batch that is kept filled: who sits where, and what the device is told of it.

Shapes: n devices with `rows` rows each, all n · rows of them R; N prompts read at once on each device.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jax.sharding import Mesh

from leaven.model import decode
from leaven.model.config import ModelConfig
from leaven.model.draw import Draws, Kind


@dataclass(frozen=True)
class Prompt:
    """A prompt that waits for a row.

    Args:
        place: the number it is known by.
        tokens: at least one.
        new: most tokens of the continuation, at least one.
    """

    place: int
    tokens: tuple[int, ...]
    new: int
    temperature: float
    top_p: float
    key: int

    @property
    def bucket(self) -> int:
        """The length it is read at."""
        return decode.bucket(len(self.tokens))

    @property
    def whole(self) -> int:
        """Positions that it and its continuation take."""
        return len(self.tokens) + self.new


@dataclass(frozen=True)
class Plan:
    """What the programs of a batch are compiled for.

    Args:
        rows: of each device.
        readable: prompt positions that a device reads at once, rounded down to whole prompts, one at least.
        words: tokens that may be drawn: those below it.
        piece: most tokens of a piece.
        mesh: the devices, where there are several.
    """

    config: ModelConfig
    kind: Kind
    rows: int
    readable: int
    words: int
    piece: int
    mesh: Mesh | None

    @property
    def devices(self) -> int:
        return 1 if self.mesh is None else int(self.mesh.size)

    def together(self, bucket: int) -> int:
        """Prompts of a padded length that a device reads at once: a number that follows from the length alone."""
        return max(1, min(self.readable // bucket, self.rows))


class Seats:
    """The batch. A seat is a row; whoever sits in it leaves when the caller says so.

    Attributes:
        sitting: the prompt of each row, None where it is free.
        written: tokens of each row's continuation so far.
    """

    def __init__(self, weights: Any, plan: Plan) -> None:
        self._weights, self._plan = weights, plan
        count = plan.devices * plan.rows
        self.sitting: list[Prompt | None] = [None] * count
        self.written: list[list[int]] = [[] for _ in range(count)]
        self._draws = _no_draws(count)
        self._last = np.zeros(count, np.int32)
        self._positions = np.zeros(count, np.int32)
        self._size = 0
        self._caches: Any = None

    @property
    def taken(self) -> list[int]:
        return [row for row, prompt in enumerate(self.sitting) if prompt is not None]

    def admit(self, waiting: Sequence[Prompt]) -> list[int]:
        """Read as many of the prompts, from the first on, as are read at once with it; returns their rows.

        None are read while too few rows are free to be worth it, unless nobody sits.
        """
        together = self._plan.together(waiting[0].bucket)
        alike = next((i for i, prompt in enumerate(waiting) if prompt.bucket != waiting[0].bucket), len(waiting))
        free = self._free(together)
        wanted = min(alike, max(together, self._plan.devices * together // 2))
        if len(free) < wanted and self.taken:
            return []
        seated = list(zip(free, waiting[:alike], strict=False))
        self._read(seated, waiting[0].bucket, together)
        return [row for row, _ in seated]

    def advance(self) -> list[int]:
        """Write a piece in every row that is taken; returns them."""
        plan, taken = self._plan, self.taken
        left = {row: prompt.new - len(self.written[row]) for row in taken if (prompt := self.sitting[row])}
        steps = min(plan.piece, max(left.values()))
        self._fit(max(int(self._positions[row]) + min(steps, left[row]) for row in taken))
        self._caches, more = decode.proceed(
            self._weights,
            self._caches,
            self._last,
            self._positions,
            self._draws,
            np.int32(steps),
            config=plan.config,
            kind=plan.kind,
            words=plan.words,
            most=plan.piece,
            mesh=plan.mesh,
        )
        found = np.asarray(more)
        for row in taken:
            self._write(row, found[row, : min(steps, left[row])].tolist())
        return taken

    def leave(self, row: int) -> None:
        """Free a row."""
        self.sitting[row] = None
        self.written[row] = []
        self._positions[row] = 0

    def _write(self, row: int, tokens: list[int]) -> None:
        self.written[row] += tokens
        self._last[row] = tokens[-1]
        self._positions[row] += len(tokens)
        self._draws.counts[row] += len(tokens)

    def _free(self, together: int) -> list[int]:
        """Free rows, at most `together` of a device, the emptiest devices first."""
        rows = self._plan.rows
        free = [
            [row for row in range(first, first + rows) if self.sitting[row] is None]
            for first in range(0, len(self.sitting), rows)
        ]
        return [row for device in sorted(free, key=len, reverse=True) for row in device[:together]]

    def _read(self, seated: Sequence[tuple[int, Prompt]], bucket: int, together: int) -> None:
        plan = self._plan
        count = plan.devices * together
        tokens, lengths = np.zeros((count, bucket), np.int32), np.ones(count, np.int32)
        rows = np.full(count, plan.rows, np.int32)
        draws = _no_draws(count)
        lines: list[int] = []
        filled = [0] * plan.devices
        for row, prompt in seated:
            device = row // plan.rows
            line = device * together + filled[device]
            filled[device] += 1
            lines.append(line)
            size = len(prompt.tokens)
            tokens[line, :size], lengths[line], rows[line] = prompt.tokens, size, row % plan.rows
            key = decode.key_words([prompt.key])[0]
            for kept, at in ((draws, line), (self._draws, row)):
                kept.keys[at], kept.temperatures[at], kept.tops[at] = key, prompt.temperature, prompt.top_p
            self.sitting[row], self.written[row] = prompt, []
            self._positions[row], self._draws.counts[row] = size - 1, 0
        self._fit(max(bucket, int(self._positions.max()) + 1))
        read, first = decode.begin(
            self._weights,
            tokens,
            lengths,
            draws,
            config=plan.config,
            kind=plan.kind,
            words=plan.words,
            mesh=plan.mesh,
        )
        self._caches = decode.seat(self._caches, read, rows, mesh=plan.mesh)
        found = np.asarray(first)
        for (row, _), line in zip(seated, lines, strict=True):
            self._write(row, [int(found[line])])

    def _fit(self, needed: int) -> None:
        """Make the caches hold `needed` positions, or half of what they hold where that is enough."""
        plan, size = self._plan, decode.bucket(needed, decode.BLOCK)
        if self._caches is None:
            dtype = self._weights["embedding"].dtype
            self._caches = decode.empty(config=plan.config, rows=plan.rows, size=size, dtype=dtype, mesh=plan.mesh)
        elif size != self._size:
            self._caches = decode.resize(self._caches, size=size, mesh=plan.mesh)
        self._size = size


def _no_draws(count: int) -> Draws:
    """Of rows in which nobody sits."""
    ones = np.ones(count, np.float32)
    return Draws(np.zeros((count, 2), np.uint32), np.zeros(count, np.int32), ones, ones.copy())
