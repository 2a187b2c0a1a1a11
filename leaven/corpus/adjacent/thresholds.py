"""The table of the code-adjacent sources: every threshold, list and probability, by section of `data/adjacent.toml`."""

from __future__ import annotations

import functools
import tomllib
from typing import Any

from leaven.corpus.tables import DATA
from leaven.ground.canonical import identity, key64


@functools.cache
def table() -> dict[str, Any]:
    """All sections; sources and units stand in the file."""
    return tomllib.loads((DATA / "adjacent.toml").read_text(encoding="utf-8"))


@functools.cache
def languages() -> dict[str, dict[str, Any]]:
    """Languages of notebooks: how they comment and how kernels call them."""
    return tomllib.loads((DATA / "notebooks.toml").read_text(encoding="utf-8"))


@functools.cache
def version() -> str:
    """The identity of the table and of the one of notebooks' languages: what they decided is another result once they
    change."""
    return identity([table(), languages()])


def chance(*data: object) -> float:
    """A number in [0, 1) that is a function of `data` alone: what the published code draws at random."""
    return key64("adjacent/1", *data) / 2**64
