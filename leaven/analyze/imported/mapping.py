"""The mapping file: what the columns of somebody else's table mean, and what is asked of them.

Every field may be left out; then it is guessed where a guess is safe, and asked for where it is not. Pure data; unknown
fields are errors that name line and field, as in study files.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator

from leaven.ground.errors import BadInput
from leaven.study import document
from leaven.study.mistakes import tell
from leaven.study.stages import Closed


def _listed(value: Any) -> Any:
    return value if value is None or isinstance(value, list | tuple | dict) else (value,)


def _worded(value: Any) -> Any:
    """YAML reads a step or a size such as 40000 as a number; here it is a name."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Word = Annotated[str, BeforeValidator(_worded)]
Names = Annotated[tuple[Word, ...], BeforeValidator(_listed)]
"""One name or several; `*` stands for any characters where columns or metrics are named."""


class Columns(Closed):
    """Columns of the table by what they hold; several columns of one role are joined by " / "."""

    variant: Names | None = Field(default=None, description="what was trained on: the recipe, the arm")
    seed: Names | None = Field(default=None, description="the seed's label")
    size: str | None = Field(default=None, description="size of the model, or its parameters")
    point: str | None = Field(default=None, description="step or checkpoint")
    metric: str | None = Field(default=None, description="a long table: what is measured")
    task: str | None = Field(default=None, description="a long table: on what")
    value: str | None = Field(default=None, description="a long table: the number")
    se: str | None = Field(default=None, description="standard error of the value under resampled items")
    n: str | None = Field(default=None, description="items behind a value")
    item: str | None = Field(default=None, description="rows are single items, and this is their id")
    group: str | None = Field(default=None, description="items that rise and fall together: a document, a passage")
    weight: str | None = Field(default=None, description="of an item: the metric is Σ value / Σ weight (bits, bytes)")


class Metric(Closed):
    """One thing that is compared: a column, a metric of a long table, or an average of several."""

    of: Names | None = Field(default=None, description="columns or metrics it is the mean of; without it its own name")
    better: Literal["lower", "higher"] | None = Field(
        default=None, description="which way is better; needed where its name does not tell"
    )
    effect: Literal["relative", "points", "difference"] | None = Field(
        default=None,
        description="how effects are told: in % of the baseline, in percentage points, in its unit; without "
        "it by the scale",
    )
    margin: float = Field(default=0.0, ge=0, description="smallest effect of interest, in % or points or units")
    primary: bool | None = Field(
        default=None, description="whether it is corrected with the others; where none says so, all are"
    )
    scale: Literal["share", "percent", "bits per byte", "other"] | None = Field(
        default=None, description="share: 0 to 1; percent: 0 to 100"
    )
    chance: float | None = Field(default=None, ge=0, description="score of guessing, in the scale of the values")


class Mapping(Closed):
    """A mapping file."""

    study: str = Field(
        default="imported", description="names the page and its folder; without it the first file's name"
    )
    question: str = Field(default="", description="what the page asks")
    columns: Columns = Field(default=Columns(), description="columns by what they hold; others go by their names")
    metrics: dict[str, Metric | None] = Field(
        default_factory=dict,
        description="only these count; without it every metric whose name tells which way is better",
    )
    baseline: Word | None = Field(default=None, description="the variant that others are compared with")
    variants: tuple[Word, ...] | None = Field(default=None, description="variants that count, in this order")
    sizes: dict[Word, int] | None = Field(default=None, description="sizes that count, and their parameters")
    point: Word | None = Field(default=None, description="the point of training verdicts are about; default the last")
    where: dict[str, Names] = Field(default_factory=dict, description="rows that count: column → values")
    shares: dict[str, Names] = Field(default_factory=dict, description="source → columns with its share of the data")
    sweep: str | None = Field(default=None, description="source whose share is asked for; one of `shares`")
    model: str | None = Field(
        default=None, description="lm-eval: pattern of a model's name with (?P<variant>…), (?P<seed>…), (?P<size>…)"
    )
    models: dict[str, dict[Literal["variant", "seed", "size"], Word]] = Field(
        default_factory=dict, description="lm-eval: model's name → variant, seed, size"
    )
    items: Literal["same", "common"] = Field(
        default="same", description="common: items that not every run has are left out instead of refused"
    )
    alpha: float = Field(default=0.05, gt=0, lt=0.5, description="level of the tests; intervals hold 1 − alpha")
    draws: int = Field(default=2000, ge=100, le=100_000, description="resamples of the bootstrap")
    seed: int = Field(default=0, ge=0, description="of the analysis' random numbers")

    @field_validator("model")
    @classmethod
    def _a_pattern(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                found = re.compile(value).groupindex
            except re.error as error:
                raise ValueError(f"this is no pattern: {error}") from None
            if "variant" not in found:
                raise ValueError("the pattern names no variant: write (?P<variant>…)")
        return value

    @field_validator("metrics")
    @classmethod
    def _parts(cls, value: dict[str, Metric | None]) -> dict[str, Metric | None]:
        for name, metric in value.items():
            if metric is not None and metric.of is not None and not metric.of:
                raise ValueError(f"{name} is the mean of nothing")
        return value

    def model_post_init(self, context: Any, /) -> None:
        if self.sweep is not None and self.shares and self.sweep not in self.shares:
            raise ValueError(f'sweep: "{self.sweep}" is none of the shares: {", ".join(self.shares)}')


def load(path: Path) -> Mapping:
    """Read a mapping file. Raises BadInput naming file, line and field of every mistake."""
    found = document.read(path)
    try:
        return Mapping.model_validate(found.data)
    except ValidationError as error:
        raise BadInput("\n".join(dict.fromkeys(tell(e, found.where, Mapping) for e in error.errors()))) from None
    except ValueError as error:
        raise BadInput(str(error), where=found.name) from None
