"""The paper's scores (arXiv 2408.10914v1, Table 2 and Figures 2 to 6), each with where it stands and how exactly known.

The paper gives no score of a single task, no seed and no interval: what can be set beside other results is category
averages in per cent, within the rounding of a printed number or the reading of a drawing. The same checkpoint stands in
several parts of the paper, partly under other names: `model` is one name for it, so that a search over published
scores does not count it twice. Win rates (Figures 7 to 9) are in `paper_winrates`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import yaml

from leaven.analyze.published.check import Check, compare

REASONING, KNOWLEDGE, CODE = "reasoning", "world knowledge", "code"
LANGUAGE, TOTAL = "natural language", "total"
PARTS_OF = {LANGUAGE: (REASONING, KNOWLEDGE), TOTAL: (REASONING, KNOWLEDGE, CODE)}
"""Averages of averages. The formulas are not in the paper; they give its Table 2 (`checks`)."""


@dataclass(frozen=True)
class Number:
    """A published score.

    Attributes:
        part: "table 2", "figure 2" … "figure 6".
        variant, size, point: as this part calls it; `point` is initialization, before cooldown or final.
        category: reasoning, world knowledge, code, natural language or total.
        value: in per cent; `within`: how far the score may lie from it; `kind`: printed, digitised or computed.
        model: the checkpoint, under one name in all parts; `inferred`: the paper does not say that it is the same.
        share: of code, in a sweep.
        text, code: tokens of the stage, in Table 2.
        also: other names of the variant.
    """

    part: str
    variant: str
    size: str
    point: str
    category: str
    value: float
    within: float
    kind: str
    model: str
    inferred: bool = False
    share: float | None = None
    text: str = ""
    code: str = ""
    also: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """What a study may call this variant at this point, the most particular name first."""
        ending = {"before cooldown": "before cooldown", "initialization": "init"}.get(self.point)
        return [*self.also, *([f"{self.variant} {ending}"] if ending else []), self.variant]

    @property
    def low(self) -> float:
        return max(0.0, self.value - self.within)

    @property
    def high(self) -> float:
        return self.value + self.within

    @property
    def shown(self) -> str:
        """The digits that it is known by."""
        return f"{self.value:.2f}".removesuffix("0")


@cache
def numbers() -> tuple[Number, ...]:
    """Every published score, in the order of the paper's parts."""
    file = resources.files("leaven.analyze.published").joinpath("paper_results.yaml")
    data = yaml.safe_load(file.read_text(encoding="utf-8"))
    return tuple(
        Number(
            part=part["part"],
            variant=row["variant"],
            size=part["size"],
            point=row["point"],
            category=category,
            value=float(score),
            within=float(part["within"]),
            kind=part["kind"],
            model=row.get("model") or f"{row['variant']}, {row['point']}",
            inferred=bool(row.get("inferred")),
            share=row.get("share"),
            text=row.get("text", ""),
            code=row.get("code", ""),
            also=tuple(row.get("also", ())),
        )
        for part in data["parts"]
        for row in part["rows"]
        for category, score in zip(part["categories"], row["scores"], strict=True)
    )


def of_part(part: str) -> list[Number]:
    """The scores of one part of the paper."""
    return [number for number in numbers() if number.part == part]


def mean(category: str, parts: Iterable[Number]) -> Number:
    """An average of published averages, e.g. natural language of reasoning and knowledge; no more exact than they."""
    found = list(parts)
    first = found[0]
    return Number(
        first.part,
        first.variant,
        first.size,
        first.point,
        category,
        sum(number.value for number in found) / len(found),
        sum(number.within for number in found) / len(found),
        "computed",
        first.model,
        first.inferred,
        first.share,
    )


_ARROW = re.compile(r"\s*(?:→|->|=>|⟶)\s*")


def plain(name: str) -> str:
    """A variant's name without what people write differently: case, spaces, arrows, `synthetic` for `synth`."""
    folded = _ARROW.sub("→", name.strip().lower()).replace("_", "-").replace("synthetic", "synth")
    share = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%(?:\s*code)?", folded)
    return f"{share[1]} % code" if share else re.sub(r"\s+", " ", folded).replace(" + ", "+")


def matched(number: Number, names: Iterable[str]) -> str:
    """The variant of a study that a published score is of, by its name; "" where the study has none."""
    known = {plain(name): name for name in names}
    return next((known[plain(name)] for name in number.names if plain(name) in known), "")


def checks(folder: Path | None = None) -> list[Check]:
    """Table 2's averages of averages from its categories, and the same checkpoint in two parts of the paper."""
    found = []
    table = of_part("table 2")
    for number in table:
        if number.category not in PARTS_OF:
            continue
        parts = [n for n in table if n.model == number.model and n.category in PARTS_OF[number.category]]
        ours = mean(number.category, parts)
        found.append(
            compare(
                f"{number.category} average",
                f"table 2, {number.model}: {number.category}",
                "arXiv 2408.10914v1, table 2",
                number.shown,
                ours.value,
                tolerance=number.within + ours.within + 1e-9,
            )
        )
    return found + _shown_twice()


def _shown_twice() -> list[Check]:
    """Checkpoints that two parts show must have one score."""
    first: dict[tuple[str, str, str], Number] = {}
    found = []
    for number in numbers():
        key = number.size, number.category, number.model
        known = first.setdefault(key, number)
        if known is number:
            continue
        found.append(
            compare(
                "one checkpoint in two parts",
                f"{number.part} {number.variant} = {known.part} {known.variant}, {known.point}: {number.category}",
                f"arXiv 2408.10914v1, {number.part}",
                number.shown,
                known.value,
                tolerance=number.within + known.within + 1e-9,
                note="inferred: the paper does not say that they are one model" if number.inferred else "",
            )
        )
    return found
