"""What a suite file may say: tasks made from the corpus, benchmarks, averages of them, and what a verdict speaks of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from leaven.ground.errors import did_you_mean
from leaven.study.sources import Bytes, Name
from leaven.study.stages import Closed, not_truth


class Pilot(Closed):
    """Noise of a measure in an earlier run, from the columns of its `noise.csv`: what power is worked out from."""

    seed_sd: float = Field(ge=0, description="sd over seeds of the paired effect, in the effect's unit")
    item_sd: float = Field(ge=0, description="item part of the effect's standard error × √clusters")
    clusters: int = Field(ge=1, description="independent items: documents or packages")


class Measure(Closed):
    """One thing the verdict speaks of."""

    tasks: list[str] = Field(min_length=1, description="tasks whose items it is read off; several count alike")
    statistic: Literal[
        "bits_per_byte",
        "accuracy",
        "acc_norm",
        "acc_bytes",
        "exact_match",
        "exact_match_lm_eval",
        "gold_bpb",
        "margin",
        "pass@1",
    ] = Field(description="what is measured of an item")
    better: Literal["lower", "higher"] = Field(description="which way is better")
    effect: Literal["relative", "points", "difference"] = Field(
        description="how effects are told: in % of the baseline, in percentage points, in the unit of the measure"
    )
    margin: float = Field(gt=0, description="smallest effect of interest: the bound of `equivalent`, in % or points")
    primary: bool = Field(default=False, description="whether it is one of the questions that are corrected together")
    pilot: Pilot | None = Field(default=None, description="noise to plan with until a run of one's own tells it")


SHARES = ("accuracy", "acc_norm", "acc_bytes", "exact_match", "exact_match_lm_eval", "pass@1")
BITS = ("gold_bpb", "bits_per_byte", "margin")
"""Scores in bits per byte; those before are shares."""
THEIRS = "lm_eval/"
"""Begins the name of a metric as lm-eval aggregates it."""


def _score_of(value: str) -> str:
    if value in (*SHARES, *BITS) or (value.startswith(THEIRS) and value != THEIRS):
        return value
    known = did_you_mean(value, (*SHARES, *BITS))
    raise ValueError(f'no score "{value}"{known}; or {THEIRS}NAME for a metric of lm-eval\'s')


Score = Annotated[str, AfterValidator(_score_of)]


class Benchmark(Closed):
    """A task with items of its own, and how the model is asked."""

    category: str = Field(description="where tables list it")
    score: Score = Field(description="the measure that stands for the task in averages")
    task: str = Field(default="", description="its name in lm-eval, or the path of an lm-eval task file; else its name")
    limit: Annotated[int, BeforeValidator(not_truth), Field(ge=1)] | None = Field(
        default=None, description="so many items, chosen by a hash of their number"
    )
    samples: int = Field(default=1, ge=1, description="programs written for an item")
    temperature: float = Field(default=0.0, ge=0, description="0: the likeliest token each time")
    top_p: float = Field(default=1.0, gt=0, le=1, description="share of probability that is drawn from")
    k: list[Annotated[int, Field(ge=1)]] = Field(default=[1], min_length=1, description="of pass@k")
    tokens: int | None = Field(default=None, ge=1, description="most tokens it writes for an item")

    @model_validator(mode="after")
    def _possible(self) -> Benchmark:
        if max(self.k) > self.samples:
            raise ValueError(f"pass@{max(self.k)} needs {max(self.k)} samples, not {self.samples}")
        if self.samples > 1 and self.temperature == 0:
            raise ValueError("several samples at temperature 0 would all be the same: give a temperature")
        return self


class Suite(Closed):
    """What is evaluated: tasks made from the corpus, benchmarks, and the measures read off their items."""

    suite: Name = Field(description="its name")
    made: Literal["all", "passages", "none"] = Field(
        default="all", description="tasks made from the corpus: all, held-out passages only, none"
    )
    items: dict[str, Annotated[int, BeforeValidator(not_truth), Field(ge=1)]] = Field(
        default_factory=dict, description="items of a task made from the corpus, where not its default"
    )
    passage_bytes: Bytes = Field(default=60_000, description="held-out bytes of each source scored for bits-per-byte")
    prompts: int = Field(default=100, ge=1, description="held-out prompts that are completed and judged")
    tasks: dict[Name, Benchmark] = Field(default_factory=dict, description="benchmarks")
    include: list[str] = Field(default_factory=list, description="folders of lm-eval task files of your own")
    averages: dict[Name, list[str]] = Field(
        default_factory=dict, description="unweighted means of benchmarks' scores, or of averages named before"
    )
    measures: dict[Name, Measure] = Field(default_factory=dict, description="what verdicts speak of, by name")

    @model_validator(mode="after")
    def _known(self) -> Suite:
        known = set(self.tasks)
        kinds = {name: "" if task.score in SHARES else task.score for name, task in self.tasks.items()}
        for name, members in self.averages.items():
            if not members:
                raise ValueError(f"average {name} has no member")
            for member in members:
                if member not in known:
                    raise ValueError(
                        f'average {name}: "{member}" is no benchmark of this suite, and no average named before it'
                    )
            if name in known:
                raise ValueError(f'"{name}" is a benchmark and an average')
            told = sorted({kinds[member] or "shares of right answers" for member in members})
            if len(told) > 1:
                raise ValueError(f"average {name} mixes {' and '.join(told)}")
            known.add(name)
            kinds[name] = kinds[members[0]]
        return self
