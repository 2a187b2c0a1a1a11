"""The algorithms behind each step kind, by version (`kind`, and `kind:fields.kind` where a step has kinds of its own).

Part of identity: change what an algorithm computes, change its version here, and exactly the steps that used it (and
what follows from them) run again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VERSIONS: dict[str, tuple[str, ...]] = {
    "read": ("read/1",),
    "read:text": ("fields/1", "redact/1"),
    "read:instruct": ("fields/1", "redact/1"),
    "read:web_code": ("fields/1", "docstrings/1", "redact/1"),
    "read:markup": ("fields/1", "redact/1"),
    "read:adjacent": ("commits/1", "issues/1", "notebooks/2", "threads/1", "redact/1"),
    "read:synthetic": ("synthetic/1",),
    "read:facts": ("facts/1",),
    "source": ("rules/2", "languages/1", "licences/1", "sample/1"),
    "corpus": ("dedup/exact/1", "minhash/1", "components/1", "contamination/1", "split/group/1", "order/1"),
    "tokenizer": ("bpe/1",),
    "shards": ("encode/1", "control/1"),
    "suite": ("suite/2", "facts/1", "synthetic/1"),
    "stage": ("stage/1", "step/1", "order/1", "apportion/1", "cohere/1", "init/1", "adamw/1", "schedule/1"),
    "evaluate": ("scores/1", "adapter/1"),
    "complete": ("complete/1",),
    "judge": ("judge/1",),
    "verdict": ("verdict/1",),
}


def versions_of(kind: str, fields: Mapping[str, Any]) -> list[str]:
    """The versions that a step's identity names."""
    return [*VERSIONS[kind], *VERSIONS.get(f"{kind}:{fields.get('kind')}", ())]
