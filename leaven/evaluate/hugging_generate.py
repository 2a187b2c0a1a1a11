"""Continuations by a model of Hugging Face: `transformers` keeps keys and values, the choices are made here.

Prompts are padded on the left; positions follow from the attention mask. A continuation depends on its ask alone, but
for rounding: neighbours in a batch change the padding, and a sum of floats in another order may turn a tie. How many
prompts share a batch follows from the memory that is free, so it is not the same everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from leaven.evaluate.hugging_draw import Draws
from leaven.evaluate.model import Ask
from leaven.evaluate.stops import settled

BEHIND = 8
"""Tokens more than a stop has bytes that are looked at for it: a token of no text does not hide one."""
EVERY = 8
"""Tokens after which a text is looked at for a match of the pattern, which may begin anywhere in it: looking costs the
decoding of all that was written."""

CPU = 1 << 30
"""Bytes of keys and values at most, on a processor."""
SHARE = 0.5
"""The same on CUDA, of the memory that is free beside the weights: the rest is for activations, and for the copies
that growing caches make."""
LAYERS = 128
"""Taken for the number of layers where neither the model's cache nor its configuration tells what a position takes."""


class Ends:
    """Says where each continuation ends: before an end token, after its most tokens, or once its text has a stop.

    A criterion of stopping. `running` tells which rows go on, `written` the tokens of each continuation.

    Args:
        decode: the text of a few tokens, where stops are looked for.
        matched: whether the text of a row's tokens has a match of the pattern that can no longer change.
    """

    def __init__(
        self,
        asks: Sequence[Ask],
        ends: frozenset[int],
        decode: Callable[[Sequence[int]], str],
        matched: Callable[[int, Sequence[int]], bool] | None = None,
    ) -> None:
        self.written: list[list[int]] = [[] for _ in asks]
        self.running = [True] * len(asks)
        self._asks, self._ends, self._decode, self._matched = asks, ends, decode, matched
        self._reach = [BEHIND + max((len(stop.encode()) for stop in ask.stops), default=0) for ask in asks]

    def __call__(self, input_ids: Any, scores: Any, **options: Any) -> Any:
        """Whether each of the B rows has ended, as booleans [B]; called after each token."""
        import torch

        for row, token in enumerate(input_ids[:, -1].tolist()):
            if self.running[row]:
                self.running[row] = self._goes_on(row, token)
        return torch.tensor([not running for running in self.running], device=input_ids.device)

    def _goes_on(self, row: int, token: int) -> bool:
        if token in self._ends:
            return False
        ids, ask = self.written[row], self._asks[row]
        ids.append(token)
        if len(ids) >= ask.tokens:
            return False
        if ask.stops and settled(self._decode(ids[-self._reach[row] :]), ask.stops):
            return False
        return not (self._matched and len(ids) % EVERY == 0 and self._matched(row, ids))


def continue_batch(
    network: Any,
    prompts: Sequence[Sequence[int]],
    asks: Sequence[Ask],
    ends: frozenset[int],
    decode: Callable[[Sequence[int]], str],
    device: str,
    matched: Callable[[int, Sequence[int]], bool] | None = None,
) -> list[list[int]] | None:
    """The tokens of each continuation, without end tokens; None where the device's memory does not hold the batch.

    The longest prompt and the most tokens of any ask must fit the model together: rows that have ended go on until the
    last one has, and their positions with them.
    """
    import torch
    from transformers import GenerationConfig, LogitsProcessorList, StoppingCriteriaList

    longest, new = max(map(len, prompts)), max(ask.tokens for ask in asks)
    tokens_BT = torch.zeros((len(prompts), longest), dtype=torch.long)
    mask_BT = torch.zeros_like(tokens_BT)
    for row, prompt in enumerate(prompts):
        tokens_BT[row, longest - len(prompt) :] = torch.tensor(prompt)
        mask_BT[row, longest - len(prompt) :] = 1
    until = Ends(asks, ends, decode, matched)
    try:
        with torch.inference_mode():
            network.generate(
                input_ids=tokens_BT.to(device),
                attention_mask=mask_BT.to(device),
                generation_config=GenerationConfig(max_new_tokens=new, do_sample=False, use_cache=True, pad_token_id=0),
                logits_processor=LogitsProcessorList([Draws(asks, until.running)]),
                stopping_criteria=StoppingCriteriaList([until]),
            )
    except torch.OutOfMemoryError:
        return None
    return until.written


def position_bytes(network: Any, device: str) -> int:
    """Bytes of the keys and values of one position: 2 · layers · heads of keys · their size · bytes of a number.

    Looked up in the cache that the model makes of two tokens, because configurations name these sizes in many ways
    (one head of keys for all, compressed ones, layers that share them). Of a model whose cache holds no keys, twice
    the layers by the width of its embedding.
    """
    import torch

    with torch.inference_mode():
        cache = network(input_ids=torch.tensor([[1, 2]], device=device), use_cache=True).get("past_key_values")
    found = [getattr(layer, name, None) for layer in getattr(cache, "layers", ()) for name in ("keys", "values")]
    total = sum(part.numel() * part.element_size() for part in found if part is not None)
    layers = getattr(network.config.get_text_config(), "num_hidden_layers", LAYERS)
    width = network.get_input_embeddings().weight.shape[-1]
    return total // 2 or int(2 * layers * width * network.dtype.itemsize)


def cache_bytes(device: str) -> int:
    """Bytes that keys and values may take on the device, once the weights are there."""
    import torch

    if device == "cpu":
        return CPU
    free, _ = torch.cuda.mem_get_info(device)
    idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return int(SHARE * (free + idle))
