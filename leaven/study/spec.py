"""The schema of a study file. Every choice the paper leaves open is a field here with a stated default.

Pure data: nothing in this file touches a disk, an array or another room.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from leaven.study.further import Against, Figure, FurtherSize, Point, Seeds, Sweep, listed
from leaven.study.judging import Judge
from leaven.study.proxy import Proxy
from leaven.study.sources import LONGEST_NAME, Corpus, Name
from leaven.study.stages import Closed, Schedule, Stage, not_truth, times
from leaven.study.suites import Suite

Weight = Annotated[float, BeforeValidator(not_truth)]


class Model(Closed):
    """Model shape. `size` names a row of the size table (`leaven.model.config.SIZES`); a field given here differs."""

    size: str = Field(default="0.3m", description="a row of the table of sizes")
    sequence: int | None = Field(default=None, ge=16, description="tokens; without it the size's")
    width: int | None = Field(default=None, ge=1, description="channels of a token; without it the size's")
    layers: int | None = Field(default=None, ge=1, description="without it the size's")
    heads: int | None = Field(default=None, ge=1, description="heads of queries; without it the size's")
    kv_heads: int | None = Field(default=None, ge=1, description="heads of keys and values; without it as many")
    ffn: int | None = Field(default=None, ge=1, description="width of the feed-forward part")
    rope_theta: float | None = Field(default=None, gt=0, description="base of the rotary wavelengths")
    norm_eps: float | None = Field(default=None, gt=0, description="added to the variance in LayerNorm")
    logit_scale: float | None = Field(default=None, gt=0, description="factor on the logits")

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        return {"size": value} if isinstance(value, str) else value

    def changed(self) -> dict[str, int | float]:
        """What differs from the size, by the names of `leaven.model.config.ModelConfig`; the sequence is apart."""
        return {name: value for name, value in self if value is not None and name not in ("size", "sequence")}


class Optimizer(Closed):
    """AdamW. Defaults are unpublished in the paper (PAPER, open choices): the field's common values."""

    name: Literal["adamw"] = Field(default="adamw", description="the one there is")
    beta1: float = Field(default=0.9, ge=0, lt=1, description="decay of the first moment")
    beta2: float = Field(default=0.95, ge=0, lt=1, description="decay of the second moment")
    epsilon: float = Field(default=1e-8, gt=0, description="added to the root of the second moment")
    weight_decay: float = Field(default=0.1, ge=0, description="decoupled, times the learning rate")
    clip: float = Field(default=1.0, ge=0, description="largest global gradient norm; 0 clips nothing")
    decay: Literal["matrices", "matrices+embedding"] = Field(
        default="matrices", description="what weight decay acts on"
    )


class Spike(Closed):
    """A step is out of the ordinary where its loss or the norm of its gradient exceeds mean + sigma · sd of the last
    `window` steps. A loss that is not a number stops the stage, except under `skip`."""

    window: int = Field(default=128, ge=2, description="steps that a step is compared with")
    sigma: float = Field(default=6.0, gt=0, description="standard deviations above their mean")
    policy: Literal["record", "skip", "stop"] = Field(
        default="record", description="what follows: it is listed, its update is skipped too, or the stage stops"
    )
    patience: int = Field(default=10, ge=0, description="skip: updates skipped in a row before the stage stops")


class Training(Closed):
    batch: int | None = Field(default=None, ge=1, description="sequences in a batch; without it the size's")
    precision: Literal["float32", "bfloat16"] | None = Field(
        default=None,
        description="of activations and products, without it the size's; weights are kept in float32 in either",
    )
    repeat: float = Field(default=4.0, gt=0, description="how often a source may be repeated over a run")
    curve: int = Field(default=50, ge=1, description="steps between two points of the held-out curve")
    z_loss: float = Field(default=0.0, ge=0, description="weight of mean(logsumexp²) of the logits; 0: none")
    document_mask: bool = Field(default=False, description="whether attention stays within a document")
    spike: Spike = Field(default=Spike(), description="what a step out of the ordinary is, and what follows")
    optimizer: Optimizer = Field(default=Optimizer(), description="AdamW and its constants")
    pretrain: Schedule = Field(default=Schedule(), description="schedule of stages of this kind")
    continue_: Schedule = Field(
        default=Schedule(peak="parent"), alias="continue", description="schedule of stages of this kind"
    )
    cooldown: Schedule = Field(
        default=Schedule(schedule="linear", peak="parent", final=1e-6), description="schedule of stages of this kind"
    )


def _known(value: int | None) -> int:
    if value is None:
        raise ValueError("the study leaves this to its model's size and has not been settled")
    return value


class Study(Closed):
    """A question, a corpus, a model size, variants, seeds, a baseline, an evaluation suite."""

    study: str = Field(max_length=LONGEST_NAME, description="names the folder that results go to")
    question: str = Field(description="what the page asks and answers")
    corpus: Corpus = Field(description="a built-in corpus, a corpus file, or the mapping itself")
    model: Model = Field(default=Model(), description="the first size of the model")
    sizes: dict[Name, FurtherSize] = Field(default_factory=dict, description="further sizes of the model, by name")
    seeds: Seeds = Field(description="how many (3 is [1, 2, 3]), or which")
    mixtures: dict[Name, dict[str, Weight]] = Field(
        default_factory=dict, description="weights, by tokens, of sources or other mixtures; their sum does not matter"
    )
    training: Training = Field(default=Training(), description="what all stages share")
    variants: dict[Name, list[Stage]] = Field(min_length=1, description="chains of stages, by name")
    baseline: str = Field(description="the variant that others are compared with")
    compare: Point = Field(default="final", description="the point of training that verdicts are about")
    against: Against = Field(
        default_factory=dict,
        description="what a variant is compared with instead of the baseline, the first before all others; [] nothing",
    )
    sweep: Sweep | None = Field(default=None, description="variants among which a best share is sought")
    figures: list[Figure] = Field(default_factory=list, description="parts of the paper that this study repeats")
    evaluate: Suite = Field(description="a built-in suite, a suite file, or the mapping itself")
    data: Annotated[list[str], BeforeValidator(listed)] = Field(
        default_factory=list, description="where benchmarks are looked for: folders, mapping files, `hub`"
    )
    judge: Judge = Field(default=Judge(kind="none"), description="who compares completions")
    proxy: Proxy | None = Field(default=None, description="what --size changes besides the size")
    stand_in: bool | None = Field(
        default=None, description="whether its models stand in for larger ones; without it: none has a billion weights"
    )

    @field_validator("study")
    @classmethod
    def _folder(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", value):
            raise ValueError(f'"{value}" cannot name a folder: begin with a letter or digit, then also _, - and .')
        if value == "store":
            raise ValueError('"store" is where steps are kept; call the study something else')
        return value

    @property
    def sweeps(self) -> list[str]:
        """The variants of the sweep, in its order; none where there is no sweep."""
        return [] if self.sweep is None else self.sweep.variants or list(self.variants)

    def against_of(self, variant: str) -> list[str]:
        """What a variant is compared with, the first before all others: the baseline unless the study says else."""
        return self.against.get(variant, [] if variant == self.baseline else [self.baseline])

    def settled(self, *, sequence: int, batch: int, precision: str) -> Study:
        """The study with these in place of what it leaves to its model's size."""
        model = self.model.model_copy(update={"sequence": self.model.sequence or sequence})
        own = self.training
        training = {"batch": own.batch or batch, "precision": own.precision or precision}
        return self.model_copy(update={"model": model, "training": own.model_copy(update=training)})

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to the size."""
        return None not in (self.model.sequence, self.training.batch, self.training.precision)

    @property
    def sequence(self) -> int:
        """Tokens of a sequence. Raises ValueError before `settled`."""
        return _known(self.model.sequence)

    @property
    def batch(self) -> int:
        """Sequences of a batch. Raises ValueError before `settled`."""
        return _known(self.training.batch)

    def schedule_of(self, stage: Stage) -> Schedule:
        """The schedule of a stage: its kind's in `training`, with the fields that the stage itself gives. Its peak is
        the one that is trained with: `rate` is in it."""
        default = {
            "pretrain": self.training.pretrain,
            "continue": self.training.continue_,
            "cooldown": self.training.cooldown,
        }[stage.kind]
        own = stage.schedule
        given = {} if own is None else {name: getattr(own, name) for name in own.model_fields_set}
        found = default.model_copy(update=given)
        return found.model_copy(update={"peak": times(found.peak, found.rate), "rate": 1.0})

    def reference_stage(self) -> Stage:
        """The one stage of the judge's reference model: warmed up, then decayed to nothing."""
        base = self.training.pretrain
        schedule = Schedule(schedule="wsd", peak=base.peak, final=1e-6, warmup=base.warmup, decay=0.2)
        return Stage(kind="pretrain", tokens=self.judge.tokens, mixture=str(self.judge.mixture), schedule=schedule)
