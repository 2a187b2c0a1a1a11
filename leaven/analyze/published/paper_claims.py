"""Every figure that the paper's text derives from its scores, as data: what is printed, where, and what it is said of.

A claim holds the figures of one comparison. Its sides are checkpoints as the sentence names them, also where the
numbers say otherwise; what a figure really is of is found by `paper_readings`, so nothing of it is written down here.
Where a place in the paper is known only as text or box of a section, that is what stands there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from leaven.analyze.published.check import rounding

FORMULAS = ("gain", "drop", "times", "net", "value", "rises")
UNITS = {"gain": " %", "drop": " % less", "times": "×", "net": " points", "value": " %", "rises": ""}
TOPICS = ("initialization", "scale", "share of code", "quality", "cooldown", "recipe")


@dataclass(frozen=True)
class Figure:
    """A printed figure: `printed` digits, and the sides it is said to be of: `new` and, where it has one, `base`."""

    printed: str
    category: str
    size: str
    base_size: str
    new: str
    base: str

    @property
    def value(self) -> float | None:
        """None where only a direction is said."""
        return None if self.printed.startswith(">") else float(self.printed)

    @property
    def within(self) -> float:
        """Half a unit of its last digit."""
        return 0.0 if self.value is None else rounding(self.printed)


@dataclass(frozen=True)
class Claim:
    """What one sentence says. `part`: where its scores stand, if a checkpoint is shown in several parts."""

    id: str
    topic: str
    where: str
    says: str
    formula: str
    part: str
    figures: tuple[Figure, ...]

    @property
    def unit(self) -> str:
        return UNITS[self.formula]


@cache
def claims() -> tuple[Claim, ...]:
    """All claims, in the order of the paper's sections."""
    file = resources.files("leaven.analyze.published").joinpath("paper_claims.yaml")
    return tuple(_claim(row) for row in yaml.safe_load(file.read_text(encoding="utf-8"))["claims"])


def _claim(row: dict[str, Any]) -> Claim:
    size = row.get("size", "470m")
    figures = tuple(
        Figure(
            printed=figure["printed"],
            category=figure.get("category") or row["category"],
            size=size,
            base_size=row.get("base_size", size),
            new=figure["new"],
            base=figure.get("base") or row.get("base", ""),
        )
        for figure in row["figures"]
    )
    return Claim(row["id"], row["topic"], row["where"], row["says"], row["formula"], row.get("part", ""), figures)
