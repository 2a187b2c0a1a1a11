"""A model of Hugging Face on torch, asked by the protocol of `leaven.evaluate.model`.

Questions whose input is a prefix of another's in their group share its row (four one-token answers cost one row); rows
are sorted by length and padded on the right, where a causal model does not see it; the output layer is computed only at
the positions that are asked about, log-softmax in float32. Answers depend on their group alone but for rounding, which
differs between batches of other shapes (about 1e-5 nats a token in float32).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from leaven.evaluate import hugging_folder as folder
from leaven.evaluate.hugging_generate import cache_bytes, continue_batch, position_bytes
from leaven.evaluate.hugging_score import Row, Scorer, rows_of
from leaven.evaluate.hugging_words import HuggingWords, load_words
from leaven.evaluate.model import Answer, Ask, Keep, KeepText, Limited, Question, fitted
from leaven.evaluate.stops import cut, first_stop, settled
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import read_json
from leaven.ground.progress import Progress

Start = Literal["own", "eot", "none"]
"""What stands before every context: what the tokenizer puts there, the token that ends a document, or nothing."""

UNSAID = 2048
"""Longest input of a model that names no length, as lm-eval has it."""
LENGTHS = ("n_positions", "max_position_embeddings", "n_ctx")
"""Where configurations name it, in lm-eval's order."""
VERSION = "hugging/3"
"""Part of the identity: raise it when equal models would be asked otherwise."""


@dataclass(frozen=True)
class Limits:
    """Sizes of a batch on one kind of device.

    Args:
        tokens: padded tokens of a batch. numbers: logits that exist at once, but those of one row at least.
        prompts: most prompts continued together, if memory holds their keys and values.
    """

    tokens: int
    numbers: int
    prompts: int


LIMITS = {
    "cpu": Limits(tokens=2048, numbers=1 << 25, prompts=16),
    "cuda": Limits(tokens=32768, numbers=1 << 29, prompts=128),
}


class Hugging:
    """A causal language model that `transformers` knows, with its tokenizer.

    Made by `Hugging.load`; `network` is the `PreTrainedModel`, `longest` and `start` as in `leaven.evaluate.model`.
    """

    def __init__(
        self, files: folder.Files, network: Any, words: HuggingWords, device: str, longest: int, start: tuple[int, ...]
    ) -> None:
        self.network, self.tokenizer, self.longest, self.start = network, words, longest, start
        self.empty = words.eot if words.begin is None else words.begin
        self._files, self._device = files, device
        self.identity = identity(
            {
                "version": VERSION,
                "libraries": folder.versions(),
                "files": files.hashes(),
                "dtype": str(network.dtype),
                "start": list(start),
                "longest": longest,
            }
        )
        self._limits = LIMITS[device.partition(":")[0]]
        self._ends = frozenset([words.eot, *end_tokens(files)])
        self._scorer = Scorer(network, device, str(files.folder))

    @classmethod
    def load(
        cls,
        name: str | Path,
        *,
        revision: str = "main",
        download: bool = False,
        start: Start = "own",
        longest: int | None = None,
        device: str | None = None,
    ) -> Hugging:
        """The model in a folder, or of that name in the hub's cache on this computer.

        Args:
            revision: of the hub's model. download: ask the hub for what is missing; only where the user said so.
            longest: most tokens of an input, where that is to be less than the model's own.
            device: `cpu`, `cuda` or `cuda:N`; by default CUDA where torch sees it.

        Raises:
            BadInput: torch or transformers is not installed; there is no such model, or it cannot be judged as it is.
            LeavenError: the hub cannot be reached.
        """
        folder.require()
        import torch

        if longest is not None and longest < 2:
            raise BadInput(f"an input must have room for two tokens, not {longest}", field="longest")
        device = device or ("cuda" if torch.cuda.is_available() else "cpu")
        if device.partition(":")[0] not in LIMITS or (device != "cpu" and not torch.cuda.is_available()):
            raise BadInput(f"torch has no device {device} here", field="device")
        with folder.quiet():
            files = folder.look_through(folder.find_folder(str(name), revision=revision, download=download))
            words = load_words(files.folder, next(iter(end_tokens(files)), None))
            network = folder.load_network(files, device)
            most = longest_input(network.config)
            front = {"own": words.front, "eot": (words.eot,), "none": ()}[start]
            return cls(files, network, words, device, most if longest is None else min(most, longest), front)

    def answer(
        self, groups: Sequence[Sequence[Question]], progress: Progress, keep: Keep | None = None
    ) -> list[list[Answer]]:
        """See `leaven.evaluate.model.Model.answer`. Raises BadInput for a token that the model does not have,
        LeavenError where the device's memory does not hold one row."""
        self._check(groups)
        nats = [np.zeros(len(group)) for group in groups]
        greedy = [np.ones(len(group), bool) for group in groups]
        left = [len(group) for group in groups]
        rows = [row for place, group in enumerate(groups) for row in rows_of(place, group)]
        total, done = sum(len(row.tokens) for row in rows), 0
        for batch in self._batches(rows):
            for row, found in zip(batch, self._scorer.score(batch), strict=True):
                for (group, place, _), (value, likeliest) in zip(row.asked, found, strict=True):
                    nats[group][place], greedy[group][place] = value, likeliest
                    left[group] -= 1
            if keep is not None:
                ready = sorted({group for row in batch for group, _, _ in row.asked if not left[group]})
                keep(ready, [_answers(nats[group], greedy[group]) for group in ready])
            done += sum(len(row.tokens) for row in batch)
            progress(done, total, "tokens")
        return [_answers(*found) for found in zip(nats, greedy, strict=True)]

    def generate(
        self,
        asks: Sequence[Ask],
        progress: Progress,
        keep: KeepText | None = None,
        *,
        stop: re.Pattern[str] | None = None,
        limited: Limited | None = None,
    ) -> list[str]:
        """See `leaven.evaluate.model.Model.generate`. A prompt is cut from the left so that it and its continuation
        fit `longest`; a continuation ends at any token that the model's configuration calls an end. Where memory does
        not hold a batch, it and those after it are made smaller. Raises LeavenError where it does not hold one ask."""
        prompts = [[*self.start, *self.tokenizer.encode(ask.prompt)] or [self.empty] for ask in asks]
        return self.generate_after(prompts, asks, progress, keep, stop=stop, limited=limited)

    def generate_after(
        self,
        prompts: Sequence[Sequence[int]],
        asks: Sequence[Ask],
        progress: Progress,
        keep: KeepText | None = None,
        *,
        stop: re.Pattern[str] | None = None,
        limited: Limited | None = None,
        ends: frozenset[int] = frozenset(),
    ) -> list[str]:
        """The same after prompts of token ids, of which one at least each; those in the asks are not looked at.

        `ends` are tokens at which a continuation ends besides the model's own.
        """
        fitting = [fitted(prompt, ask.tokens, self.longest) for prompt, ask in zip(prompts, asks, strict=True)]
        prompts = [tokens for tokens, _ in fitting]
        for prompt in prompts:
            self._check_known(prompt)
        asks = [replace(ask, tokens=new) for ask, (_, new) in zip(asks, fitting, strict=True)]
        texts = [""] * len(asks)
        nothing = [place for place, ask in enumerate(asks) if ask.tokens < 1]
        if keep is not None and nothing:
            keep(nothing, [""] * len(nothing))
        # the longest first: where memory does not suffice, that is known at once
        queue = sorted(
            (place for place, ask in enumerate(asks) if ask.tokens > 0),
            key=lambda place: (-asks[place].tokens, -len(prompts[place]), place),
        )
        each = position_bytes(self.network, self._device) if queue else 0
        room = cache_bytes(self._device) // each if queue else 0
        while queue:
            batch, positions = self._together(queue, asks, prompts, room)
            chosen, given = [asks[place] for place in batch], [prompts[place] for place in batch]
            matched = self._matching(given, stop) if stop else None
            with folder.quiet():
                found = continue_batch(
                    self.network, given, chosen, self._ends | ends, self.tokenizer.decode, self._device, matched
                )
            if found is None:
                if len(batch) == 1:
                    raise _too_large(chosen[0], given[0])
                room = positions // 2
                continue
            broken = []
            for place, tokens in zip(batch, found, strict=True):
                text, stops = self.tokenizer.continuation(prompts[place], tokens), asks[place].stops
                texts[place] = cut(text, stops, stop)
                if len(tokens) >= asks[place].tokens and first_stop(text, stops, stop) is None:
                    broken.append(place)
            if limited is not None and broken:
                limited(broken)
            if keep is not None:
                keep(batch, [texts[place] for place in batch])
            queue = queue[len(batch) :]
            progress(len(asks) - len(queue), len(asks), "continuations")
        return texts

    def _together(
        self, queue: Sequence[int], asks: Sequence[Ask], prompts: Sequence[Sequence[int]], room: int
    ) -> tuple[list[int], int]:
        """The first of the queue that fit `room` positions, one at least, and the positions that they take.

        The longest prompt and the most tokens fit the model together; `fitted` sees to that for each ask alone.
        """
        batch: list[int] = []
        width, new = 0, asks[queue[0]].tokens
        for place in queue[: self._limits.prompts]:
            wider = max(width, len(prompts[place]) + new)
            if batch and (wider > self.longest or (len(batch) + 1) * wider > room):
                break
            batch.append(place)
            width = wider
        return batch, len(batch) * width

    def _matching(
        self, prompts: Sequence[Sequence[int]], stop: re.Pattern[str]
    ) -> Callable[[int, Sequence[int]], bool]:
        """Whether what a row has written has a match of the pattern which nothing that follows can change."""
        return lambda row, tokens: settled(self.tokenizer.continuation(prompts[row], tokens), (), stop)

    def _check(self, groups: Sequence[Sequence[Question]]) -> None:
        for question in (question for group in groups for question in group):
            if len(question.tokens) > self.longest or not 0 < len(question.targets) <= len(question.tokens):
                raise ValueError(
                    f"a question must have at most {self.longest} tokens, and no more targets than tokens, but one at "
                    "least"
                )
            self._check_known(question.tokens)
            self._check_known(question.targets)

    def _check_known(self, tokens: Sequence[int]) -> None:
        if max(tokens) >= self._scorer.vocab:
            raise BadInput(
                f"the tokenizer gives a token that the model of {self._scorer.vocab} tokens does not have",
                where=str(self._files.folder),
            )

    def _batches(self, rows: Sequence[Row]) -> Iterator[list[Row]]:
        """Rows of similar lengths, the longest first, as many as the limits allow."""
        batch: list[Row] = []
        asked = 0
        for row in sorted(rows, key=lambda row: (-len(row.tokens), row.tokens)):
            asked += row.positions
            full = batch and (
                (len(batch) + 1) * len(batch[0].tokens) > self._limits.tokens
                or asked * self._scorer.vocab > self._limits.numbers
            )
            if full:
                yield batch
                batch, asked = [], row.positions
            batch.append(row)
        if batch:
            yield batch


def _answers(nats: Any, greedy: Any) -> list[Answer]:
    return [Answer(float(value), bool(flag)) for value, flag in zip(nats, greedy, strict=True)]


def _too_large(ask: Ask, prompt: Sequence[int]) -> LeavenError:
    shown = ask.prompt if len(ask.prompt) <= 60 else f"{ask.prompt[:60]}…"
    return LeavenError(
        f"the device's memory does not hold one prompt of {len(prompt)} tokens and a continuation of {ask.tokens}: "
        f"{shown!r}\n  Ask with a smaller longest input, or on a device with more memory."
    )


def end_tokens(files: folder.Files) -> list[int]:
    """Tokens that the configurations call ends of a text, in their order."""
    path = files.folder / "generation_config.json"
    beside = read_json(path) if path.is_file() else {}
    found: list[int] = []
    for given in (files.config.get("eos_token_id"), beside.get("eos_token_id")):
        found += [given] if isinstance(given, int) else given or []
    return found


def longest_input(config: Any) -> int:
    text = config.get_text_config()
    return next((int(found) for name in LENGTHS if (found := getattr(text, name, None))), UNSAID)
