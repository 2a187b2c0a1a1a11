"""What `--size` changes in a study besides the size: the same protocol with what a smaller computer has.

A study of 470 million parameters and 400 billion tokens asks the same question of a model of 0.3 million, with other
sources, another suite, other learning rates and budgets that follow from one stated rule: what stands for `of` tokens
gets `tokens_per_parameter` tokens for every parameter of the first size, embedding and all, with the vocabulary that it
is trained with. Batches and learning rates hold for sizes up to `largest`; beyond it they must be chosen anew.

The parts are checked when they are used, as parts of the study they are put into.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from leaven.study.stages import Closed, Tokens


class Proxy(Closed):
    proxy: str = Field(default="", description="its name")
    tokens_per_parameter: float = Field(gt=0, description="tokens that stand for `of`, per parameter of the first size")
    of: Tokens = Field(description="a budget of the study as it is written")
    largest: str | None = Field(default=None, description="the largest size that its batches and rates are meant for")
    corpus: str | dict[str, Any] | None = Field(default=None, description="in place of the study's")
    evaluate: str | dict[str, Any] | None = Field(default=None, description="in place of the study's")
    data: str | list[str] | None = Field(default=None, description="in place of the study's")
    judge: dict[str, Any] | None = Field(default=None, description="in place of the study's, if that judges at all")
    seeds: int | list[int] | None = Field(default=None, description="in place of the study's")
    model: dict[str, Any] = Field(default_factory=dict, description="fields of `model` in place of the study's")
    training: dict[str, Any] = Field(default_factory=dict, description="fields of `training` in place of the study's")
    mixtures: dict[str, dict[str, Any]] = Field(default_factory=dict, description="in place of those of the same name")
    variants: dict[str, list[Any]] = Field(default_factory=dict, description="in place of those of the same name")
