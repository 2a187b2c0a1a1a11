"""Continuations by a model of Hugging Face: `transformers` keeps keys and values, the choices are made here.

A token above temperature 0 is drawn by inverting the distribution function at a number of the ask's own stream, so that
a continuation depends on its ask alone, but for rounding: neighbours in a batch change the padding, and a sum of floats
in another order may turn a tie. Prompts are padded on the left; positions follow from the attention mask.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from leaven.evaluate.model import Ask

BEHIND = 8
"""Tokens more than a stop has bytes that are looked at for it: a token of no text does not hide one."""


class Draws:
    """Turns the scores of each ask that has a temperature into its drawn token; a processor of logits."""

    def __init__(self, asks: Sequence[Ask]) -> None:
        self._asks = asks
        self._streams = [np.random.Generator(np.random.Philox(key=ask.key)) for ask in asks]

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Scores [B, V], of which only the drawn token is left where there is a temperature."""
        for row, (ask, stream) in enumerate(zip(self._asks, self._streams, strict=True)):
            if ask.temperature > 0:
                token = draw(scores[row], ask.temperature, ask.top_p, stream.random())
                scores[row] = -float("inf")
                scores[row, token] = 0.0
        return scores


def draw(scores_V: Any, temperature: float, top_p: float, at: float) -> int:
    """The token at the share `at` (from 0 to below 1) of the distribution, in the order of probability.

    Of the tokens only the fewest are left that together have the probability `top_p`.
    """
    import torch

    # on the processor: sums are then the same whatever the device, and V numbers are few
    p_V, order_V = torch.softmax(scores_V.cpu().double() / temperature, -1).sort(descending=True, stable=True)
    sums_V = p_V.cumsum(-1)
    kept = int((sums_V - p_V < top_p).sum())
    place = int(torch.searchsorted(sums_V[:kept], at * sums_V[kept - 1], right=True))
    return int(order_V[min(place, kept - 1)])


class Ends:
    """Says where each continuation ends: before an end token, after its most tokens, or once a stop is in its text.

    A criterion of stopping. `sizes` are the tokens of each continuation, once all have ended.
    """

    def __init__(
        self, asks: Sequence[Ask], prompt: int, most: int, ends: frozenset[int], decode: Callable[[Sequence[int]], str]
    ) -> None:
        self.sizes: list[int | None] = [None] * len(asks)
        self._asks, self._prompt, self._ends, self._decode = asks, prompt, ends, decode
        self._most = [min(ask.tokens, most) for ask in asks]

    def __call__(self, input_ids: Any, scores: Any, **options: Any) -> Any:
        """Whether each of the B rows has ended, as booleans [B]."""
        import torch

        for row, ids in enumerate(input_ids[:, self._prompt :].tolist()):
            if self.sizes[row] is None:
                self.sizes[row] = self._size(row, ids)
        return torch.tensor([size is not None for size in self.sizes], device=input_ids.device)

    def _size(self, row: int, ids: list[int]) -> int | None:
        if ids[-1] in self._ends:
            return len(ids) - 1
        stops = self._asks[row].stops
        if stops:
            tail = self._decode(ids[-(max(len(stop.encode()) for stop in stops) + BEHIND) :])
            if any(stop in tail for stop in stops):
                return len(ids)
        return len(ids) if len(ids) >= self._most[row] else None


def continue_batch(
    network: Any, prompts: Sequence[Sequence[int]], new: int, draws: Draws, ends: Ends, device: str
) -> list[list[int]]:
    """The tokens of each continuation, at most `new`. `ends` is made for the longest prompt's length."""
    import torch
    from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

    longest = max(map(len, prompts))
    tokens_BT = torch.zeros((len(prompts), longest), dtype=torch.long)
    mask_BT = torch.zeros_like(tokens_BT)
    for row, prompt in enumerate(prompts):
        tokens_BT[row, longest - len(prompt) :] = torch.tensor(prompt)
        mask_BT[row, longest - len(prompt) :] = 1
    with torch.inference_mode():
        found = network.generate(
            input_ids=tokens_BT.to(device),
            attention_mask=mask_BT.to(device),
            generation_config=GenerationConfig(max_new_tokens=new, do_sample=False, use_cache=True, pad_token_id=0),
            logits_processor=LogitsProcessorList([draws]),
            stopping_criteria=StoppingCriteriaList([ends]),
        )
    rows = found[:, longest:].tolist()
    return [row[: len(row) if size is None else size] for row, size in zip(rows, ends.sizes, strict=True)]
