"""Which source does sample i come from: a low-discrepancy interleave with random access.

The k-th draw (k = 0 … n_s − 1) of a source with quota n_s has the ideal time (2k + 1) / (2 n_s) in (0, 1):
the middle of its share of the stage. All draws of all sources, sorted by (time, source index), are the stage.
Hence
  * totals are exact: source s appears exactly n_s times;
  * a source's draws come in order, so sample i is (source, local) with local counting 0, 1, 2, …;
  * at the time of any prefix every source is within half a draw of its ideal count. Counted by samples
    instead of time, a prefix of i samples holds source s within 1/2 + S n_s / (2 N) draws of i n_s / N, for S
    sources and N samples.

Sorting needs no fractions: floor(2**64 · time) orders times as the rationals do, ties included, because two
different times are at least 1 / (2 n_s n_t) apart. Random access needs no sorting of the whole stage: a
prefix by time is known in closed form, and holds within S/2 of its proportional number of samples, so only
stop − start + 2S draws are sorted.

Bound: fewer than 2**31 samples a stage (4.4T tokens at 2,048 a sample), which keeps every product within 64
bits.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MOST_SAMPLES = 2**31 - 1
"""With n, p ≤ 2**31 − 1 the largest intermediate, 2 n p + N, stays below 2**63."""

Ints = npt.NDArray[np.int64]


def slots(quotas: Sequence[int] | Ints, start: int, stop: int) -> tuple[npt.NDArray[np.int32], Ints]:
    """The samples [start, stop) of a stage whose source s is drawn `quotas[s]` times.

    Returns (source index i32[n], local draw number i64[n]), n = stop − start. The cost is that of sorting n +
    2S keys. Raises ValueError where the range is outside the stage or the stage is larger than MOST_SAMPLES.
    """
    n_S = np.asarray(quotas, np.int64)
    if n_S.ndim != 1 or (n_S < 0).any():
        raise ValueError("quotas are a list of counts, zero or above")
    total = sum(n_S.tolist())
    if total > MOST_SAMPLES:
        raise ValueError(f"{total} samples in one stage; the order is exact up to {MOST_SAMPLES}")
    if not 0 <= start <= stop <= total:
        raise ValueError(f"samples [{start}, {stop}) of a stage of {total}")
    if start == stop:
        return np.empty(0, np.int32), np.empty(0, np.int64)

    slack = (len(n_S) + 1) // 2
    low_S = _drawn_before(n_S, max(0, start - slack), total)
    high_S = _drawn_before(n_S, min(total, stop + slack), total)
    source, local = _ranges(low_S, high_S)
    order = np.lexsort((source, _time_key(local, n_S[source])))
    first = start - int(low_S.sum())
    chosen = order[first : first + stop - start]
    return source[chosen].astype(np.int32), local[chosen]


def _drawn_before(n_S: Ints, p: int, total: int) -> Ints:
    """How many draws of each source have a time below p / total: the k with (2k + 1) · total < 2 n p."""
    return (2 * n_S * p + total - 1) // (2 * total)


def _ranges(low_S: Ints, high_S: Ints) -> tuple[Ints, Ints]:
    """Every (s, k) with low_S[s] ≤ k < high_S[s], as two flat arrays."""
    count_S = high_S - low_S
    source = np.repeat(np.arange(len(count_S)), count_S)
    first_S = np.cumsum(count_S) - count_S
    return source, np.arange(len(source)) - first_S[source] + low_S[source]


def _time_key(local: Ints, n: Ints) -> npt.NDArray[np.uint64]:
    """floor(2**64 · (2k + 1) / (2n)) by long division in base 2**32: both remainders are below 2n < 2**32."""
    whole = (2 * n).astype(np.uint64)
    shift = np.uint64(32)
    high, rest = np.divmod((2 * local + 1).astype(np.uint64) << shift, whole)
    return (high << shift) | ((rest << shift) // whole)
