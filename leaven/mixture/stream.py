"""The samples of one stage, as a pure function of (seed, weights, cursor, sample index).

sample i → (source, local draw) by the interleave of `order`; draw d = cursor of the source + local;
epoch = d // rows; row = the keyed permutation of (seed, source, epoch) at d mod rows. There is no iterator
state: any range of samples can be asked for at any time, on any number of hosts, and is always the same.
Every epoch has its own order, and an epoch is finished before the next begins, across the stages of a chain
too where the cursor continues.

Training asks for a few rows at a time, and numpy is fast at many: places are computed in aligned blocks, of which the
last two are kept. That is a cache of the function, never state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput, LeavenError, did_you_mean
from leaven.mixture.apportion import apportion
from leaven.mixture.order import slots
from leaven.mixture.permute import permute
from leaven.mixture.shard import Shard

VERSION = "order/1"
"""Apportionment, interleave and permutation: part of a stage's identity and of every shuffle's key."""

COUNT_AT_ONCE = 1 << 20
"""Samples that the ledger counts at a time, to bound its memory."""

BLOCK = 1 << 14
"""Samples whose places are computed at once: from here on the time of one no longer falls."""

MANY = 10
"""Rows of one source in a call from which on gathering them together is faster than copying one by one."""

Ints = npt.NDArray[np.int64]
Places = tuple[npt.NDArray[np.int32], Ints, Ints]
"""Of n samples: index into the sorted drawn sources i32[n], epoch i64[n], row i64[n]."""


@dataclass(frozen=True)
class StageStream:
    """The samples of a stage.

    Args:
        shards: the train split of every source with a weight above zero.
        weights: source → weight; tokens, and so samples, are shared out in this proportion.
        samples: windows in the stage, batch × steps.
        sequence: targets a window, T.
        seed: the study's seed of this run.
        cursor: rows of each source already drawn by the ancestors (continue); empty to restart every source.

    Raises BadInput for unusable weights, an unknown source, or a source without a single whole window.
    """

    shards: Mapping[str, Shard]
    weights: Mapping[str, float]
    samples: int
    sequence: int
    seed: int
    cursor: Mapping[str, int] = field(default_factory=dict)
    quotas: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "quotas", apportion(self.weights, self.samples))
        for name in self._drawn:
            if name not in self.shards:
                raise BadInput(f'unknown source "{name}"{did_you_mean(name, self.shards)}')
            if self.shards[name].rows(self.sequence) == 0:
                raise BadInput(
                    f"source {name} has {len(self.shards[name].tokens)} tokens, fewer than one window "
                    f"of {self.sequence + 1}",
                    fix="Give the source more text, or lower the sequence length.",
                )

    @cached_property
    def _drawn(self) -> list[str]:
        """The sources with at least one sample, sorted: a source index is a place in this list."""
        return [name for name, quota in self.quotas.items() if quota > 0]

    @cached_property
    def _rows(self) -> Ints:
        return np.array([self.shards[name].rows(self.sequence) for name in self._drawn], np.int64)

    @cached_property
    def _cursor(self) -> Ints:
        return np.array([self.cursor.get(name, 0) for name in self._drawn], np.int64)

    @cached_property
    def _quotas(self) -> Ints:
        return np.array([self.quotas[name] for name in self._drawn], np.int64)

    @cached_property
    def _keys(self) -> dict[tuple[int, int], int]:
        """Keys of the permutations met so far; a cache, never state."""
        return {}

    def _key(self, source: int, epoch: int) -> int:
        if (source, epoch) not in self._keys:
            self._keys[source, epoch] = key64(VERSION, self.seed, self._drawn[source], epoch)
        return self._keys[source, epoch]

    @cached_property
    def _windows(self) -> list[npt.NDArray[Any]]:
        """Views of all the windows of every drawn source."""
        return [self.shards[name].overlapping(self.sequence) for name in self._drawn]

    @cached_property
    def _recent(self) -> list[tuple[int, Places]]:
        """The last two blocks of places, by number. Replaced as a whole: threads may read at the same time."""
        return []

    def positions(self, start: int, stop: int) -> Places:
        """(index into the sorted drawn sources i32[n], epoch i64[n], row i64[n]) of the samples [start, stop).

        The arrays are not for writing. Raises ValueError outside the stage.
        """
        first, last = start // BLOCK, (stop - 1) // BLOCK
        if not 0 <= start < stop <= self.samples or last - first > 1:
            return self._compute(start, stop)
        source, epoch, row = self._block(first)
        if last > first:
            more = self._block(last)
            source, epoch = np.concatenate((source, more[0])), np.concatenate((epoch, more[1]))
            row = np.concatenate((row, more[2]))
        here = slice(start - first * BLOCK, stop - first * BLOCK)
        return source[here], epoch[here], row[here]

    def _block(self, number: int) -> Places:
        for known, places in self._recent:
            if known == number:
                return places
        places = self._compute(number * BLOCK, min(self.samples, (number + 1) * BLOCK))
        for array in places:
            array.flags.writeable = False
        self._recent[:] = [*self._recent[-1:], (number, places)]
        return places

    def _compute(self, start: int, stop: int) -> Places:
        """The positions themselves. Raises ValueError outside the stage."""
        source, local = slots(self._quotas, start, stop)
        rows_n = self._rows[source]
        epoch, place = np.divmod(self._cursor[source] + local, rows_n)
        pairs, which = np.unique(epoch * len(self._drawn) + source, return_inverse=True)
        keys = np.array([self._key(p % len(self._drawn), p // len(self._drawn)) for p in pairs.tolist()], np.uint64)
        return source, epoch, permute(keys, self._rows[pairs % len(self._drawn)], place, which)

    def locate(self, i: int) -> tuple[str, int, int]:
        """(source, epoch, row) of sample i. Raises ValueError outside the stage."""
        source, epoch, row = self.positions(i, i + 1)
        return self._drawn[int(source[0])], int(epoch[0]), int(row[0])

    def batch(self, start: int, stop: int) -> npt.NDArray[np.int32]:
        """The tokens of the samples [start, stop), i32 [stop − start, sequence + 1]. Raises ValueError outside."""
        source, _, row = self.positions(start, stop)
        return self._read(source, row)

    def rows(self, samples: npt.ArrayLike) -> npt.NDArray[np.int32]:
        """The tokens of any samples i64[n] in any order: i32 [n, sequence + 1].

        This is how one of several hosts reads its part of a batch, and nothing else. Raises ValueError outside.
        """
        wanted = np.asarray(samples, np.int64)
        if len(wanted) and not 0 <= wanted.min() <= wanted.max() < self.samples:
            raise ValueError(f"samples {wanted.min()} to {wanted.max()} of a stage of {self.samples}")
        source, row = np.empty(len(wanted), np.int32), np.empty(len(wanted), np.int64)
        number = wanted // BLOCK
        for block in np.unique(number).tolist():
            here = number == block
            sources, _, rows = self._block(block)
            source[here], row[here] = sources[wanted[here] - block * BLOCK], rows[wanted[here] - block * BLOCK]
        return self._read(source, row)

    def _read(self, source_n: npt.NDArray[np.int32], row_n: Ints) -> npt.NDArray[np.int32]:
        """Copy windows: of a source with many of them in one call, of the others one by one."""
        tokens = np.empty((len(source_n), self.sequence + 1), np.int32)
        count_S = np.bincount(source_n, minlength=len(self._drawn))
        order = np.argsort(source_n, kind="stable")
        end_S = np.cumsum(count_S)
        for s in np.flatnonzero(count_S >= MANY).tolist():
            at = order[end_S[s] - count_S[s] : end_S[s]]
            tokens[at] = self._windows[s][row_n[at]]
        alone = order[count_S[source_n[order]] < MANY]
        for at, s, row in zip(alone.tolist(), source_n[alone].tolist(), row_n[alone].tolist(), strict=True):
            tokens[at] = self._windows[s][row]
        return tokens

    def planned(self) -> dict[str, int]:
        """Tokens of each source as apportioned, before anything is drawn."""
        return {name: quota * self.sequence for name, quota in self.quotas.items()}

    def ledger(self, stop: int | None = None) -> dict[str, dict[str, int]]:
        """What the first `stop` samples (all of them by default) drew, counted from the order itself.

        source → {rows, tokens, epochs_begun}; `epochs_begun` counts passes over the whole chain of stages
        that the cursor knows, so 1 means that no row was seen twice.
        """
        end = self.samples if stop is None else stop
        drawn_S = np.zeros(len(self._drawn), np.int64)
        for start in range(0, end, COUNT_AT_ONCE):
            source, _ = slots(self._quotas, start, min(end, start + COUNT_AT_ONCE))
            drawn_S += np.bincount(source, minlength=len(drawn_S))
        begun_S = -(-(self._cursor + drawn_S) // self._rows)
        nothing = {"rows": 0, "tokens": 0, "epochs_begun": 0}
        counted = {
            name: {"rows": int(rows), "tokens": int(rows) * self.sequence, "epochs_begun": int(begun)}
            for name, rows, begun in zip(self._drawn, drawn_S, begun_S, strict=True)
        }
        return {name: counted.get(name, dict(nothing)) for name in self.quotas}

    def cursor_after(self) -> dict[str, int]:
        """What a child of this stage continues from: rows drawn of every source over the whole chain."""
        after = {name: self.cursor.get(name, 0) + self.quotas.get(name, 0) for name in {*self.cursor, *self.quotas}}
        return dict(sorted(after.items()))

    def audit(self) -> None:
        """Raise LeavenError unless the order realises, source by source, the tokens apportioned."""
        realised = {name: entry["tokens"] for name, entry in self.ledger().items()}
        if realised != self.planned():
            raise LeavenError(f"the order realises {realised} tokens, {self.planned()} were apportioned")
