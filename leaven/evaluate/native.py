"""A model of leaven's own format under evaluation: `leaven.evaluate.model.Model` over a subject, on JAX."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import cached_property
from typing import Literal

import jax

from leaven.evaluate import generate, likelihood
from leaven.evaluate.forward import Ready, default_compute, ready
from leaven.evaluate.model import Answer, Ask, Keep, KeepText, Limited, Question, Words
from leaven.evaluate.subject import Subject
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput
from leaven.ground.progress import Progress, silent

Start = Literal["eot", "none"]


class Native:
    """A subject, ready to be asked.

    Args:
        compute: type of activations: float32 or bfloat16. None: float32 on a CPU, bfloat16 elsewhere.
        start: what stands before every context: the end-of-text token, as before every document in training, or
            nothing. Nothing is for comparison with lm-eval's `hf` model, which puts nothing before a context that is
            not empty; it concerns likelihoods, and a continuation is written after the end-of-text token either way.
        longest: most tokens of an input, where that is to be fewer than the model's sequence.
        devices: what answers; all local devices where not given.

    Raises:
        BadInput: `longest` is not between 1 and the model's sequence, or `compute` or `start` is unknown.
    """

    def __init__(
        self,
        subject: Subject,
        *,
        compute: str | None = None,
        start: Start = "eot",
        longest: int | None = None,
        devices: Sequence[jax.Device] | None = None,
    ) -> None:
        sequence = subject.config.sequence
        if longest is not None and not 1 <= longest <= sequence:
            raise BadInput(f"must be between 1 and {sequence}, the model's sequence, not {longest}", field="longest")
        if start not in ("eot", "none"):
            raise BadInput(f'"{start}" is not one of eot, none', field="start")
        self.subject = subject
        self.longest = sequence if longest is None else longest
        self.compute = compute or default_compute((devices or jax.local_devices())[0].platform)
        self.start = (subject.tokenizer.eot,) if start == "eot" else ()
        self.empty = subject.tokenizer.eot
        self.devices = devices

    @property
    def tokenizer(self) -> Words:
        return self.subject.tokenizer

    @cached_property
    def identity(self) -> str:
        """Of the weights, the shape, the tokenizer, the precision, the start and the way questions are computed."""
        return identity(
            {
                **self.subject.fingerprint(),
                "config": asdict(self.subject.config),
                "compute": self.compute,
                "start": list(self.start),
                "longest": self.longest,
                "versions": [likelihood.VERSION, generate.VERSION],
            }
        )

    @cached_property
    def _ready(self) -> Ready:
        """Made when the first question is asked: a model that is only asked for text needs no second copy."""
        subject = self.subject
        return ready(subject.params, subject.config, compute=self.compute, longest=self.longest, devices=self.devices)

    def answer(
        self, groups: Sequence[Sequence[Question]], progress: Progress = silent, keep: Keep | None = None
    ) -> list[list[Answer]]:
        """See `leaven.evaluate.model.Model`."""
        return likelihood.answer(self._ready, groups, progress, keep)

    def generate(
        self,
        asks: Sequence[Ask],
        progress: Progress = silent,
        keep: KeepText | None = None,
        *,
        stop: re.Pattern[str] | None = None,
        limited: Limited | None = None,
    ) -> list[str]:
        """See `leaven.evaluate.model.Model`."""
        return generate.generate(
            replace(self.subject, config=replace(self.subject.config, sequence=self.longest)),
            asks,
            stop=stop,
            progress=progress,
            keep=keep,
            limited=limited,
            compute=self.compute,
            devices=self.devices,
        )
