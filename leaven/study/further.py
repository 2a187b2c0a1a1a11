"""What a study asks beyond its variants: further sizes of the model, a sweep of shares, parts of the paper it repeats.

Pure data, as the whole of a study file.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, field_validator

from leaven.ground.errors import did_you_mean
from leaven.study.sources import Name
from leaven.study.stages import Closed, not_truth

Point = Literal["final", "before cooldown"]
"""A point of training at which arms are compared; where a chain has no cooldown, both are its end."""
FIGURES = ("2", "3", "4", "5a", "5b", "6", "7", "8", "9", "table 2")
"""Parts of arXiv 2408.10914 that a study may repeat."""
MOST_SEEDS = 1000
"""A count beyond this is a seed written where a number of seeds belongs."""


def listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _count_of_seeds(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise ValueError("a study needs at least one seed")
        if value > MOST_SEEDS:
            raise ValueError(f"{value} seeds are more than {MOST_SEEDS}; list seeds as [7, 8, 9]")
        return list(range(1, value + 1))
    return value


def _distinct(value: list[int]) -> list[int]:
    if len(set(value)) != len(value):
        raise ValueError("seeds must differ from one another")
    return value


Seeds = Annotated[
    list[Annotated[int, BeforeValidator(not_truth), Field(ge=0, lt=2**32)]],
    Field(min_length=1),
    BeforeValidator(_count_of_seeds),
    AfterValidator(_distinct),
]
"""Seeds as a list, or how many: 3 is [1, 2, 3]."""


def _figure(value: Any) -> Any:
    name = str(value).strip().lower() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if name not in FIGURES:
        near = did_you_mean(name, FIGURES) if name else ""
        raise ValueError(f'"{value}" is no part of the paper that a study repeats{near}')
    return name


Figure = Annotated[str, BeforeValidator(_figure)]

Against = dict[Name, Annotated[list[str], BeforeValidator(listed)]]
"""Variant → what it is compared with, the first before all others."""


class FurtherSize(Closed):
    """A further size of the model: what differs from the study there. Corpus, tokenizer, suite, budgets, batches and
    every other choice are the study's."""

    variants: list[str] | None = Field(default=None, min_length=1, description="without it all of the study's")
    baseline: str | None = Field(default=None, description="without it the study's")
    seeds: Seeds | None = Field(default=None, description="without it the study's")
    cooldown: bool = Field(default=True, description="false: chains end before their cooldown")
    rate: float = Field(default=1.0, gt=0, description="factor on every stated peak learning rate")
    against: Against | None = Field(
        default=None, description="without it the study's, as far as it speaks of variants that are trained here"
    )

    @field_validator("variants")
    @classmethod
    def _once(cls, value: list[str] | None) -> list[str] | None:
        if value is not None and len(set(value)) != len(value):
            raise ValueError("a variant is named twice")
        return value


class Sweep(Closed):
    """Variants that differ in the share of one mixture or source: what a best share is sought from. At least three of
    the shares differ (`leaven.study.sweeps`)."""

    of: str = Field(description="the mixture or source whose share of the tokens differs")
    variants: list[str] = Field(default_factory=list, description="without it all of the study's")

    @field_validator("variants")
    @classmethod
    def _once(cls, value: list[str]) -> list[str]:
        if len(set(value)) != len(value):
            raise ValueError("a variant is named twice")
        return value
