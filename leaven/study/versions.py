"""The algorithms behind each step kind, by version. Part of identity: change what an algorithm computes, change its
version here, and exactly the steps that used it (and what follows from them) run again.
"""

from __future__ import annotations

VERSIONS: dict[str, tuple[str, ...]] = {
    "source": ("extract/1", "rules/paper/1", "synthetic/1", "facts/1"),
    "corpus": ("dedup/exact/1", "split/group/1"),
    "tokenizer": ("bpe/1",),
    "shards": ("encode/1",),
    "suite": ("suite/2", "facts/1", "synthetic/1"),
    "stage": ("stage/1", "step/1", "order/1", "apportion/1", "cohere/1", "init/1", "adamw/1", "schedule/1"),
    "evaluate": ("scores/1", "adapter/1"),
    "complete": ("complete/1",),
    "judge": ("judge/1",),
    "verdict": ("verdict/1",),
}
