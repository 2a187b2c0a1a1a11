"""Where the results of a source's steps are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.corpus.select import Selection
from leaven.ground.files import read_json


@dataclass(frozen=True)
class Steps:
    """The folders of a source's finished steps; None where a step has not been built.

    Attributes:
        name: of the source.
        chosen: what its source step keeps; None for a control, which has shards only.
        corpus, tokenizer: of all sources together.
    """

    name: str
    chosen: Selection | None = None
    read: Path | None = None
    source: Path | None = None
    corpus: Path | None = None
    tokenizer: Path | None = None
    shards: Path | None = None

    def report(self, step: str) -> dict[str, Any]:
        """What a step (`read`, `source`, `corpus`) reports; nothing where it is not built."""
        folder: Path | None = getattr(self, step)
        return {} if folder is None else dict(read_json(folder / "report.json"))
