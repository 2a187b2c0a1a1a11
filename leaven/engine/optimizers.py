"""A study's optimizer fields as the training room names them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from leaven.train.optimizer import OptimizerConfig


def optimizer_of(fields: Mapping[str, Any]) -> OptimizerConfig:
    """Of a stage's `optimizer` fields."""
    return OptimizerConfig(
        b1=fields["beta1"],
        b2=fields["beta2"],
        eps=fields["epsilon"],
        weight_decay=fields["weight_decay"],
        clip=fields["clip"],
        decay=fields["decay"],
    )
