"""The corpus room's data tables: the thresholds of prose and of what is read here, and the identity of all of them.

Thresholds live in `data/*.toml`, not in code, so that a ruleset is one file with a version that identities
can name.
"""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

from leaven.ground.canonical import identity
from leaven.ground.files import sha256_file

DATA = Path(__file__).parent / "data"


@functools.cache
def rules() -> dict[str, Any]:
    """Every threshold, by section; see `data/rules.toml` for units and sources."""
    return tomllib.loads((DATA / "rules.toml").read_text(encoding="utf-8"))


@functools.cache
def identity_of_tables() -> str:
    """The identity of every table: whatever they decided is another result once they change."""
    return identity([[path.relative_to(DATA).as_posix(), sha256_file(path)] for path in sorted(DATA.rglob("*.*"))])
