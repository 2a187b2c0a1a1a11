"""One benchmark of a suite: which task it is, how many items of it, and how the model is asked."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Benchmark:
    """An entry of a suite's `tasks`.

    Args:
        score: the measure that stands for it: accuracy, acc_norm, acc_bytes, exact_match, exact_match_lm_eval, pass@1,
        gold_bpb, bits_per_byte or margin.
        task: lm-eval's name of the task, or the path of a task file; the benchmark's own name where empty.
        limit: so many items, chosen by `first`; all of them where None.
        samples: texts that the model writes for an item.
        k: of pass@k.
        tokens: most tokens of a text; the task's own bound where None.
    """

    name: str
    category: str
    score: str
    task: str = ""
    limit: int | None = None
    samples: int = 1
    temperature: float = 0.0
    top_p: float = 1.0
    k: tuple[int, ...] = (1,)
    tokens: int | None = None

    @property
    def asked(self) -> str:
        """The task as it is looked for."""
        return self.task or self.name


def first(name: str, n: int, limit: int | None) -> list[int]:
    """The places of the items that are kept of `n`: those whose sha256("<name>:<place>") is smallest, in their order.

    Raising the limit adds items and drops none.
    """
    if limit is None or limit >= n:
        return list(range(n))
    return sorted(sorted(range(n), key=lambda place: hashlib.sha256(f"{name}:{place}".encode()).digest())[:limit])
