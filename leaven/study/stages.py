"""A stage as it is written: `continue 200B mostly_text`, or a mapping with the same three words and any training field.

Kinds are the paper's: `pretrain` starts from random weights, or from weights trained elsewhere (`start`), `continue`
and `cooldown` are children of the stage before them. A branch is not a resume: what a child carries from its parent is
declared (`carry`, `cursor`).
"""

from __future__ import annotations

from fractions import Fraction
from pathlib import PurePath
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationInfo, field_validator, model_validator

from leaven.study.amounts import short
from leaven.study.amounts import tokens as parse_tokens

StageKind = Literal["pretrain", "continue", "cooldown"]
Tokens = Annotated[int, BeforeValidator(parse_tokens), Field(gt=0)]


def _peak(value: Any) -> Any:
    try:
        rate = value if value == "parent" else float(value)
    except (TypeError, ValueError):
        rate = -1.0
    if rate != "parent" and not 0 < rate < float("inf"):
        raise ValueError(f'"{value}" is neither a learning rate above zero nor `parent`')
    return rate


Peak = Annotated[float | Literal["parent"], BeforeValidator(_peak)]
"""One message for both forms: a union would blame each of them."""


def not_truth(value: Any) -> Any:
    """YAML reads `yes` and `on` as true, which pydantic would take for 1."""
    if isinstance(value, bool):
        raise ValueError(f"a number or a name is wanted here, not {str(value).lower()}")
    return value


class Closed(BaseModel):
    """A part of the study file: unknown fields are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields.get(info.field_name or "")
        may_be_truth = field is None or field.annotation is bool or bool in get_args(field.annotation)
        return value if may_be_truth else not_truth(value)


class Schedule(Closed):
    """Learning rate over one stage. `peak: parent` begins where the parent stage's learning rate ended: the stage reads
    it from the parent's results, so it cannot be copied wrongly."""

    schedule: Literal["constant", "cosine", "linear", "wsd"] = Field(
        default="constant", description="the curve between peak and final; wsd: constant, then a linear decay"
    )
    peak: Peak = Field(default=0.01, description="highest learning rate, or `parent`")
    rate: float = Field(default=1.0, gt=0, description="factor on a stated peak; what `parent` gives stays as it is")
    final: float | None = Field(
        default=None, ge=0, description="learning rate after the last step (cosine, linear, wsd)"
    )
    warmup: int = Field(default=0, ge=0, description="steps of linear warm-up from zero")
    decay: float = Field(default=0.2, gt=0, le=1, description="wsd: the last share of the steps that decays")
    carry: Literal["weights", "weights+optimizer"] = Field(
        default="weights+optimizer", description="what a child takes from its parent's results"
    )
    cursor: Literal["continue", "restart"] = Field(
        default="continue",
        description="whether a child goes on where its ancestors stopped in each source, or starts over",
    )


def times(peak: float | Literal["parent"], rate: float) -> float | Literal["parent"]:
    """A stated peak times `rate`, as decimals are multiplied by hand; `parent` stays."""
    return peak if peak == "parent" or rate == 1 else float(Fraction(str(peak)) * Fraction(str(rate)))


class Stage(Closed):
    """One stretch of training: a kind, a token budget, a mixture, and what differs from `training:` for it."""

    kind: StageKind = Field(description="pretrain begins a chain, the others are children of the stage before them")
    tokens: Tokens = Field(description="budget; whole batches of it are trained")
    mixture: str = Field(description="a mixture of the study, or one source by itself")
    schedule: Schedule | None = Field(default=None, description="what differs from its kind's in `training`")
    start: str | None = Field(
        default=None, description="first stage only: a folder of weights trained elsewhere, in place of random ones"
    )

    @model_validator(mode="before")
    @classmethod
    def _from_words(cls, value: Any) -> Any:
        if isinstance(value, str):
            words = value.split()
            if len(words) != 3:
                raise ValueError(
                    f'"{value}" is not "<pretrain|continue|cooldown> <tokens> <mixture>", e.g. "pretrain 400B text"'
                )
            return {"kind": words[0], "tokens": words[1], "mixture": words[2]}
        return value

    def words(self) -> str:
        start = f" from {PurePath(self.start).name}" if self.start else ""
        return f"{self.kind} {short(self.tokens)} {self.mixture}{start}"
