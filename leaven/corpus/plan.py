"""What a source is to be built from, as plain data: the part of a source's identity that corpus code reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

Kind = Literal["text", "web_code", "markup", "adjacent", "synthetic", "instruct", "facts"]
Origin = Literal["workstation", "path", "hub", "packages", "generated"]


@dataclass(frozen=True)
class SourcePlan:
    """One source.

    Attributes:
        name: the source's name in the study.
        kind: which extraction applies.
        origin: "workstation" (installed files of this computer), "path" (files of the user's), "hub" (a data set of the
            Hugging Face hub), "packages" (the pinned list of released packages) or "generated".
        path: the user's file or directory; only with origin "path".
        max_bytes: most UTF-8 bytes of text kept; a fair sample by keyed hash where there is more.
        fingerprint: what `survey` found before anything was built; checked again while reading. "" checks
            nothing.
        seed: of the sample and of generated documents.
        hub: `{"dataset": …, "revision": 40-hex commit, "files": glob}`; only with origin "hub".
        shape: name of a preset of field mapping (`slimpajama`, `stack1`, `stack2`, `starcoder`, `dolly`, …), "" for
            plain records.
        fields: role → dotted path in a record, over the shape's: `text`, `id`, `path`, `language`, `licence`,
            `repository`, `stars`, `subset`, `group`; for kind instruct also `instruction`, `context`, `response`.
        leave: role → values: records that have one of them are left out, counted.
        form: adjacent: "commits", "commitpack", "issues", "notebooks", "scripts" or "threads"; "" takes what is found.
        rules: names of rulesets whose scores are kept.
        redact: whether secrets and personal data are replaced before anything is stored.
        docstrings: "keep", or "remove" from Python where prose and code are compared.
        options: `count` (synthetic, facts), `restatements` (facts), `max_commits`, `range` = "faithful" | "fixed"
            (adjacent), `verify` (synthetic: "tests", "properties", "contracts"), `endpoint` (synthetic: url, model, key
            name), `group` = "folder" (path: held-out unit is the first folder instead of the document).
    """

    name: str
    kind: Kind
    origin: Origin
    max_bytes: int
    path: Path | None = None
    fingerprint: str = ""
    seed: int = 0
    hub: Mapping[str, Any] = field(default_factory=dict)
    shape: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    leave: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    form: str = ""
    rules: tuple[str, ...] = ()
    redact: bool = False
    docstrings: Literal["keep", "remove"] = "keep"
    options: Mapping[str, Any] = field(default_factory=dict)
