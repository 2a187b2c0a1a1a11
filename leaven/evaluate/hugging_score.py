"""Log-likelihoods by a network of `transformers`: rows of a batch, padded on the right, where a causal model does not
see it; the output layer is computed only at the positions that are asked about, log-softmax in float32.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from leaven.evaluate.model import Question
from leaven.ground.errors import BadInput, LeavenError

TILE = 256
"""Positions of which log-softmax is computed at once."""
ALIKE = {"torch.float32": 1e-3, "torch.float64": 1e-3}
ALIKE_HALF = 5e-2
"""Differences that are taken for rounding, as shares of the largest logit."""


@dataclass(frozen=True)
class Row:
    """One input and what is asked of it: (group, place in the group, question)."""

    tokens: tuple[int, ...]
    asked: tuple[tuple[int, int, Question], ...]

    @property
    def positions(self) -> int:
        """At most so many positions are asked about."""
        return min(len(self.tokens), sum(len(question.targets) for _, _, question in self.asked))


def rows_of(group: int, questions: Sequence[Question]) -> list[Row]:
    """The distinct inputs of a group that are no prefix of another, with what is asked of each."""
    rows: list[tuple[tuple[int, ...], list[tuple[int, int, Question]]]] = []
    # in descending order everything between an input and its extension extends the input too
    for place in sorted(range(len(questions)), key=lambda place: questions[place].tokens, reverse=True):
        question = questions[place]
        if not rows or rows[-1][0][: len(question.tokens)] != question.tokens:
            rows.append((question.tokens, []))
        rows[-1][1].append((group, place, question))
    return [Row(tokens, tuple(asked)) for tokens, asked in rows]


class Scorer:
    """A network, and what was found out about it.

    Args:
        network: a causal `PreTrainedModel`, on `device`.
        where: what errors call it.

    Attributes:
        vocab: the number of its logits.
        picks: whether its output layer can be computed at some positions only.

    Raises:
        BadInput: the network is not causal, or answers with what is no number.
    """

    def __init__(self, network: Any, device: str, where: str) -> None:
        import torch

        self.network, self.device = network, device
        tokens_BT = torch.tensor([[1, 2, 3, 4], [1, 2, 3, 5]], device=device)
        with torch.inference_mode():
            whole_BTV = network(input_ids=tokens_BT, use_cache=False).logits
            self.vocab = int(whole_BTV.shape[-1])
            near = ALIKE.get(str(whole_BTV.dtype), ALIKE_HALF) * float(whole_BTV.abs().max())
            if not near < float("inf"):
                raise BadInput("the model answers with what is no number: its weights are damaged", where=where)
            if float((whole_BTV[0, :3] - whole_BTV[1, :3]).abs().max()) > near:
                raise BadInput("the model looks ahead: it does not continue texts from left to right", where=where)
            self.picks = self._can_pick(tokens_BT, whole_BTV, near)

    def score(self, batch: Sequence[Row]) -> list[list[tuple[float, bool]]]:
        """(log-likelihood in nats, whether no token is likelier anywhere) of each question of each row.

        In two halves where memory does not hold the whole. Raises LeavenError where it does not hold one row.
        """
        import torch

        try:
            return self._score(batch)
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise LeavenError(
                    f"the device's memory does not hold one input of {len(batch[0].tokens)} tokens\n"
                    "  Ask with a smaller longest input, or on a device with more memory."
                ) from None
        half = len(batch) // 2
        return [*self.score(batch[:half]), *self.score(batch[half:])]

    def _score(self, batch: Sequence[Row]) -> list[list[tuple[float, bool]]]:
        import torch

        length = max(len(row.tokens) for row in batch)
        tokens_BT = np.zeros((len(batch), length), np.int64)
        at: list[int] = []
        targets: list[int] = []
        for line, row in enumerate(batch):
            tokens_BT[line, : len(row.tokens)] = row.tokens
            for _, _, question in row.asked:
                end = line * length + len(question.tokens)
                at += range(end - len(question.targets), end)
                targets += question.targets
        # questions about one position share its logits
        places_P, which_N = np.unique(np.array(at), return_inverse=True)
        with torch.inference_mode():
            logits_PV = self._logits(self._there(tokens_BT), self._there(places_P))
            nats_N, greedy_N = _pick(logits_PV, self._there(which_N), self._there(np.array(targets)))
        ends = np.cumsum([len(question.targets) for row in batch for _, _, question in row.asked])[:-1]
        found = zip(np.split(nats_N, ends), np.split(greedy_N, ends), strict=True)
        each = iter([(float(nats.sum()), bool(greedy.all())) for nats, greedy in found])
        return [[next(each) for _ in row.asked] for row in batch]

    def _there(self, numbers: npt.NDArray[Any]) -> Any:
        import torch

        return torch.from_numpy(numbers).to(self.device)

    def _logits(self, tokens_BT: Any, at_P: Any) -> Any:
        """Logits [P, V] at flat positions of a batch."""
        if not self.picks:
            return self.network(input_ids=tokens_BT, use_cache=False).logits.flatten(0, 1)[at_P]
        return self._picked(tokens_BT, at_P)

    def _picked(self, tokens_BT: Any, at_P: Any) -> Any:
        """The same with the output layer at these positions only: what the model does to its logits after that layer
        is then done to these."""

        def pick(head: Any, states: tuple[Any, ...]) -> tuple[Any, ...]:
            return (states[0].flatten(0, 1)[at_P][None], *states[1:])

        with self.network.get_output_embeddings().register_forward_pre_hook(pick):
            return self.network(input_ids=tokens_BT, use_cache=False).logits[0]

    def _can_pick(self, tokens_BT: Any, whole_BTV: Any, near: float) -> bool:
        at_P = self._there(np.array([1, 6]))
        try:
            some_PV = self._picked(tokens_BT, at_P)
            return bool(some_PV.shape == (2, self.vocab)) and bool(
                (some_PV - whole_BTV.flatten(0, 1)[at_P]).abs().max() <= near
            )
        except (AttributeError, IndexError, RuntimeError, TypeError, ValueError):
            return False  # an architecture that has no such layer or calls it in another way


def _pick(logits_PV: Any, which_N: Any, targets_N: Any) -> tuple[Any, Any]:
    """Log-likelihoods in nats and likeliest flags of targets at positions `which`, as NumPy arrays."""
    import torch

    sums, most = [], []
    for tile_TV in logits_PV.split(TILE):
        scores_TV = tile_TV.float()
        sums.append(scores_TV.logsumexp(-1))
        most.append(scores_TV.argmax(-1))
    picked_N = logits_PV[which_N, targets_N].float()
    nats_N = picked_N - torch.cat(sums)[which_N]
    return nats_N.double().cpu().numpy(), (targets_N == torch.cat(most)[which_N]).cpu().numpy()
