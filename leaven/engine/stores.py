"""Which store a run, a command or a step's process means."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from leaven.engine.store import Store


def opened(where: Mapping[str, Any]) -> Store:
    """The store that `Store.where` told of, in another process or on another machine."""
    return Store(Path(where["root"]))


def place(store: str | None, runs: Path) -> Store:
    """The store that a command line means: RUNS/store, or the folder that it names."""
    return Store(Path(store) if store else runs / "store")
