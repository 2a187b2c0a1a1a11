"""Tokens drawn from the logits of a batch on torch, all its rows at once and where the logits are.

A token is found by inverting its row's distribution function at a number of the ask's own stream, so that it depends on
its row and that number alone. Probabilities are float32, their sums float64: a float32 sum over 256k tokens may be off
by more than most of the tokens are worth, and on a GPU its last bits differ from run to run.

Shapes: R rows, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from leaven.evaluate.model import Ask

COLDEST = 1e-6
"""Temperatures below it are taken for it: the logits that they divide must stay finite."""


class Draws:
    """Leaves only the drawn token of each row that has a temperature and has not ended; a processor of logits.

    Args:
        running: whether each row goes on, kept up to date by its owner.
    """

    def __init__(self, asks: Sequence[Ask], running: Sequence[bool]) -> None:
        self._asks, self._running = asks, running
        self._streams = [np.random.Generator(np.random.Philox(key=ask.key)) for ask in asks]

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """Scores [B, V] of the next token. The n-th token of a row takes the n-th number of its ask's stream."""
        rows = [row for row, ask in enumerate(self._asks) if ask.temperature > 0 and self._running[row]]
        if rows:
            tokens_R = draw(
                scores[rows],
                [self._asks[row].temperature for row in rows],
                [self._asks[row].top_p for row in rows],
                [self._streams[row].random() for row in rows],
            )
            scores[rows] = -float("inf")
            scores[rows, tokens_R] = 0.0
        return scores


def draw(scores_RV: Any, temperatures: Sequence[float], tops: Sequence[float], at: Sequence[float]) -> Any:
    """Token ids [R]: of each row the one at the share `at` (from 0 to below 1) of softmax(scores / temperature).

    Where `top` is below 1 only the nucleus is drawn from (arXiv 1904.09751), as in `leaven.model.draw`: tokens in the
    order of their probability, equals in that of their ids, as long as those before have together less than `top`; the
    first one always. Other rows are not sorted: their tokens come in the order of the ids.
    """
    import torch

    def there(numbers: Sequence[float], kind: Any = torch.float64) -> Any:
        return torch.tensor(numbers, dtype=kind, device=scores_RV.device)[:, None]

    p_RV = torch.softmax(scores_RV.float() / there(temperatures, torch.float32).clamp(min=COLDEST), -1)
    found_R = torch.zeros(len(p_RV), dtype=torch.long, device=p_RV.device)
    whole = [row for row, top in enumerate(tops) if top >= 1]
    if whole:
        sums_RV = p_RV[whole].cumsum(-1, dtype=torch.float64)
        found_R[whole] = _invert(sums_RV, sums_RV[:, -1:], there([at[row] for row in whole]))
    cut = [row for row, top in enumerate(tops) if top < 1]
    if cut:
        sorted_RV, order_RV = p_RV[cut].sort(dim=-1, descending=True, stable=True)
        sums_RV = sorted_RV.cumsum(-1, dtype=torch.float64)
        kept_R1 = (sums_RV - sorted_RV < there([tops[row] for row in cut])).sum(-1, keepdim=True).clamp(min=1)
        places_R = _invert(sums_RV, sums_RV.gather(-1, kept_R1 - 1), there([at[row] for row in cut]))
        found_R[cut] = order_RV.gather(-1, places_R[:, None])[:, 0]
    return found_R


def _invert(sums_RV: Any, total_R1: Any, at_R1: Any) -> Any:
    """The first place [R] of each row whose sum is above the share `at` of the total."""
    import torch

    # in float64 a share below 1 of the total is below the total, so this place has a probability; the bound is for
    # scores that are no numbers
    places_R1 = torch.searchsorted(sums_RV, at_R1 * total_R1, right=True)
    return places_R1.clamp(max=sums_RV.shape[-1] - 1)[:, 0]
