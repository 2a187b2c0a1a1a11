"""Texts to one flat array of ids: tiktoken's buffers, copied once, never a Python list of numbers.

The ids are those of the Hugging Face tokenizer of the same file (tested against each other, hostile text included).
tiktoken releases the interpreter while it works, so threads share one vocabulary and scale with cores.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from leaven.corpus.tokenizer import Tokenizer

PORTION = 1 << 18
"""UTF-8 bytes, about, that a thread takes at a time."""


@dataclass(frozen=True)
class Encoded:
    """Documents as ids.

    Attributes:
        ids: (tokens,) every document's ids, each document followed by the end of text.
        ends: (documents,) u64: where each document ends, its end of text included, in tokens from the beginning of
            `ids`.
    """

    ids: npt.NDArray[Any]
    ends: npt.NDArray[np.uint64]


def encode_flat(tokenizer: Tokenizer, texts: Sequence[str], dtype: npt.DTypeLike = "<u4", threads: int = 1) -> Encoded:
    """Encode texts. The result does not depend on `threads`.

    Args:
        tokenizer: whose ids fit `dtype`.
        texts: any Unicode; a special token written out in a text is ordinary text.
        dtype: of the ids.
        threads: at most so many encode at once.
    """
    if threads <= 1:
        arrays = [tokenizer.encode_array(text) for text in texts]
    else:
        with ThreadPoolExecutor(threads) as pool:
            portions = pool.map(lambda portion: [tokenizer.encode_array(text) for text in portion], _portions(texts))
            arrays = [array for portion in portions for array in portion]
    lengths = np.fromiter((len(array) + 1 for array in arrays), np.uint64, len(arrays))
    ends = np.cumsum(lengths, dtype=np.uint64)
    ids = np.empty(int(ends[-1]) if len(ends) else 0, dtype)
    begin = 0
    for array in arrays:
        end = begin + len(array)
        ids[begin:end] = array
        ids[end] = tokenizer.eot
        begin = end + 1
    return Encoded(ids, ends)


def _portions(texts: Iterable[str]) -> Iterator[list[str]]:
    portion: list[str] = []
    size = 0
    for text in texts:
        portion.append(text)
        size += len(text)
        if size >= PORTION:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion
