"""What a source is to be built from, as plain data: the part of a source step's identity that corpus code
reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Kind = Literal["text", "web_code", "markup", "adjacent", "synthetic", "facts"]
Origin = Literal["workstation", "path", "generated"]


@dataclass(frozen=True)
class SourcePlan:
    """One source.

    Attributes:
        name: the source's name in the study.
        kind: which rules and which extraction apply.
        origin: "workstation" (installed files of this computer), "path" (files of the user's) or "generated".
        path: the user's file or directory; only with origin "path".
        max_bytes: most UTF-8 bytes of text kept; a fair sample by keyed hash where there is more.
        fingerprint: what `survey` found before anything was built; checked again while reading. "" checks
            nothing.
        seed: of the sample and of generated documents.
        options: `count` (synthetic, facts), `restatements` (facts), `max_commits` (adjacent),
            `group` = "folder" (path: held-out unit is the first folder instead of the document).
    """

    name: str
    kind: Kind
    origin: Origin
    max_bytes: int
    path: Path | None = None
    fingerprint: str = ""
    seed: int = 0
    options: Mapping[str, Any] = field(default_factory=dict)
