"""The algorithms behind each step kind, by version (`kind`, and `kind:…` where a step has kinds of its own).

Part of identity: change what an algorithm computes, change its version here, and exactly the steps that used it (and
what follows from them) run again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

VERSIONS: dict[str, tuple[str, ...]] = {
    "read": (
        "read/1",
        "languages/1",
        "detect/1",
        "licence/1",
        "licence names/1",
        "licence texts/1",
        "licence scope/1",
        "scores/1",
        "regex+entropy/1",
    ),
    "read:text": ("prose/1",),
    "read:web_code": ("docstrings/1",),
    "read:adjacent": ("commits/1", "issues/1", "notebooks/1", "notebook-scripts/1", "threads/1"),
    "read:synthetic": ("synthetic/1", "textbook/1", "verified/1", "endpoint/1", "ask/1", "held out/1"),
    "read:facts": ("facts/1",),
    "source": ("rules/1", "selection/1", "licence/1", "sample/2"),
    "corpus": (
        "dedup/exact/1",
        "minhash/1",
        "components/1",
        "keepers/1",
        "contamination/1",
        "licence/1",
        "split/group/2",
        "order/2",
    ),
    "tokenizer": ("bpe/1",),
    "tokenizer:given": ("given/1",),
    "shards": ("encode/1",),
    "shards:identifiers": ("control/identifiers/1",),
    "shards:lines": ("control/lines/2",),
    "shards:comments_only": ("control/comments_only/1",),
    "shards:no_comments": ("control/no_comments/1",),
    "shards:whitespace": ("control/whitespace/1",),
    "suite": ("suite/3", "facts/1", "synthetic/1"),
    "import": ("import/1",),
    "stage": (
        "stage/2",
        "step/2",
        "spike/1",
        "order/1",
        "apportion/1",
        "cohere/1",
        "init/1",
        "adamw/1",
        "schedule/1",
    ),
    "evaluate": ("scores/2", "adapter/3", "likelihood/3", "generate/3"),
    "prompts": ("prompts/1",),
    "complete": ("complete/2", "generate/3"),
    "judge": ("judge/2",),
    "verdict": ("verdict/3",),
}


def versions_of(kind: str, fields: Mapping[str, Any]) -> list[str]:
    """The versions that a step's identity names."""
    return [*VERSIONS[kind], *VERSIONS.get(f"{kind}:{fields.get('kind') or fields.get('transform')}", ())]
