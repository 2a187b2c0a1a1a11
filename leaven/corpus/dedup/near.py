"""What counts as a near duplicate: a published setting, as data.

Two documents are near duplicates if the sets of their n-grams resemble each other (Jaccard) by at least a threshold.
MinHash estimates that with `permutations` minima; `bands` of `rows` of them are grouped, and documents that agree in a
whole band become candidates: a pair of resemblance s does so with probability 1 − (1 − s^rows)^bands
(Leskovec, Rajaraman and Ullman, Mining of Massive Datasets, chapter 3).
"""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from leaven.ground.errors import BadInput, did_you_mean

Tokens = Literal["starcoder1", "stack2", "slimpajama", "words"]
TABLE = Path(__file__).parents[1] / "data" / "near.toml"
TOKENS = ("starcoder1", "stack2", "slimpajama", "words")
VERSION = "minhash/1"


@dataclass(frozen=True)
class Near:
    """A setting of near-duplicate removal; see `data/near.toml` for the published ones.

    Attributes:
        tokens: how a text becomes tokens.
        ngram: consecutive tokens of a shingle.
        permutations: minima of a signature.
        bands: groups of minima.
        rows: minima in a band; `bands * rows` is at most `permutations`.
        threshold: least Jaccard resemblance of near duplicates, in (0, 1].
        min_tokens: documents with fewer tokens have no shingles; at least `ngram`.
        short: what becomes of those. "keep", the default: they are nobody's near duplicate, since nothing is known of
            their resemblance and exact copies are found by their content key. "faithful": they all share the empty
            signature, so that all but one are removed, as in the published programs.
        seed: of the hash functions.
    """

    tokens: Tokens
    ngram: int
    permutations: int
    bands: int
    rows: int
    threshold: float
    min_tokens: int
    short: Literal["keep", "faithful"] = "keep"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.tokens not in TOKENS:
            raise BadInput(f'no tokens are called "{self.tokens}"{did_you_mean(self.tokens, TOKENS)}', field="tokens")
        if self.short not in ("keep", "faithful"):
            raise BadInput(f'"{self.short}" is neither "keep" nor "faithful"', field="short")
        for name in ("ngram", "permutations", "bands", "rows"):
            if getattr(self, name) < 1:
                raise BadInput("must be at least 1", field=name)
        if self.bands * self.rows > self.permutations:
            raise BadInput(
                f"{self.bands} bands of {self.rows} rows need {self.bands * self.rows} permutations",
                field="permutations",
            )
        if not 0 < self.threshold <= 1:
            raise BadInput("must be above 0 and at most 1", field="threshold")
        if self.min_tokens < self.ngram:
            raise BadInput(f"a document of fewer than {self.ngram} tokens has no {self.ngram}-gram", field="min_tokens")

    def identity(self) -> dict[str, Any]:
        """Everything that decides which documents are near duplicates, as canonical data."""
        return {"version": VERSION, **asdict(self)}

    def caught(self, resemblance: float) -> float:
        """The probability that a pair of this resemblance shares a band."""
        return float(1 - (1 - resemblance**self.rows) ** self.bands)


@functools.cache
def presets() -> Mapping[str, Near]:
    """The published settings by name."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    return {name: Near(**{key: value for key, value in row.items() if key != "source"}) for name, row in table.items()}


def preset(name: str, **changes: Any) -> Near:
    """A published setting, with some fields changed.

    Changing `threshold` or `permutations` without `bands` and `rows` sets these to `optimal_bands`.

    Raises:
        BadInput: no such setting or field, or a value that cannot be.
    """
    if name not in presets():
        raise BadInput(f'no near-duplicate setting is called "{name}"{did_you_mean(name, presets())}')
    near = presets()[name]
    for field in changes:
        if not hasattr(near, field):
            raise BadInput("unknown field of near-duplicate removal" + did_you_mean(field, asdict(near)), field=field)
    if {"threshold", "permutations"} & set(changes) and not {"bands", "rows"} & set(changes):
        bands, rows = optimal_bands(
            changes.get("threshold", near.threshold), changes.get("permutations", near.permutations)
        )
        changes = {**changes, "bands": bands, "rows": rows}
    if "ngram" in changes and "min_tokens" not in changes:
        changes = {**changes, "min_tokens": max(near.min_tokens, changes["ngram"])}
    return replace(near, **changes)


@functools.cache
def optimal_bands(threshold: float, permutations: int, false_positives: float = 0.5) -> tuple[int, int]:
    """Bands and rows that err least, as datasketch and BigCode define it: the areas of false positives below the
    threshold and false negatives above it under the probability curve, weighted.

    Args:
        threshold: Jaccard, in (0, 1).
        permutations: bands times rows is at most this.
        false_positives: weight of their area; false negatives have the rest.
    """
    nodes, weights = np.polynomial.legendre.leggauss(64)

    def points(low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
        return low + (nodes + 1) * (high - low) / 2, weights * (high - low) / 2

    below, below_weight = points(0.0, threshold)
    above, above_weight = points(threshold, 1.0)
    best, found = np.inf, (1, 1)
    for bands in range(1, permutations + 1):
        rows = np.arange(1, permutations // bands + 1)[:, None]
        positives = (1 - (1 - below**rows) ** bands) @ below_weight
        negatives = ((1 - above**rows) ** bands) @ above_weight
        error = false_positives * positives + (1 - false_positives) * negatives
        place = int(np.argmin(error))
        if error[place] < best:
            best, found = float(error[place]), (bands, place + 1)
    return found
