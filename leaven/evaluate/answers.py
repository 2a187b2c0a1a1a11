"""From what a model answered to the measures of an item.

A choice is correct only if its likelihood is strictly the highest: a tie is a failure to choose (and a model that
answers everything alike scores 0, not 100 %). lm-eval takes the first of the likeliest; that is kept beside it as
`acc_lm_eval`. Likelihoods are summed, and divided by the characters of the choice without its delimiter for `acc_norm`
(lm-eval's definition) and by the UTF-8 bytes that were scored for `acc_bytes`. Of an item that asks for the context all
answers score the same string, so the three are one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from leaven.evaluate.complete import degenerate
from leaven.evaluate.item import Answerable, Choice, Passage, Short
from leaven.evaluate.passk import pass_at_k
from leaven.evaluate.short import LmEvalRule, exact_match


def passage_measures(item: Passage, nats: float) -> dict[str, float]:
    return {"bits": bits(nats), "bytes": float(len(item.text.encode()))}


def choice_measures(item: Answerable, nats: Sequence[float], sizes: Sequence[int]) -> dict[str, float]:
    """`correct`, `acc_lm_eval`, `acc_norm`, `acc_bytes` (0 or 1), `tied`, `gold_bpb` (bits per byte of the right
    answer) and `margin` (bits per byte by which the right answer is cheaper than the cheapest wrong one).

    Args:
        nats: log-likelihood of each answer.
        sizes: bytes that each of them scored.
    """
    bpb = [bits(value) / size for value, size in zip(nats, sizes, strict=True)]
    per_character = [value / length for value, length in zip(nats, characters(item), strict=True)]
    others = [value for place, value in enumerate(bpb) if place != item.gold]
    return {
        "correct": float(_alone(nats, item.gold)),
        "acc_lm_eval": float(likeliest(nats) == item.gold),
        "acc_norm": float(_alone(per_character, item.gold)),
        "acc_bytes": float(_alone([-value for value in bpb], item.gold)),
        "tied": float(sum(value == max(nats) for value in nats) > 1),
        "gold_bpb": bpb[item.gold],
        **({"margin": min(others) - bpb[item.gold]} if others else {}),
    }


def target_measures(nats: float, size: int, greedy: bool) -> dict[str, float]:
    """`correct` (the model would have written the target), and what the target costs."""
    cost = bits(nats)
    return {"correct": float(greedy), "gold_bpb": cost / size, "bits": cost, "bytes": float(size)}


def short_measures(item: Short, text: str, nats: float, size: int, rule: LmEvalRule | None) -> dict[str, float]:
    """`exact_match`, `gold_bpb` of the first known answer, `degenerate`, and `exact_match_lm_eval` where lm-eval has a
    rule for the task.

    Args:
        text: greedy, up to its first newline.
    """
    measures = {"exact_match": float(exact_match(text, item.answers))}
    if rule:
        measures["exact_match_lm_eval"] = float(rule.match(text, item.answers))
    return {**measures, "gold_bpb": bits(nats) / size, "degenerate": float(degenerate(text))}


def program_measures(texts: Sequence[str], passed: Sequence[bool], k: Sequence[int]) -> dict[str, float]:
    """`passed` (pass@1), `pass@k` of the other k, and the share of samples that are `degenerate`."""
    n, right = len(passed), sum(passed)
    return {
        "passed": pass_at_k(n, right, 1),
        **{f"pass@{few}": pass_at_k(n, right, few) for few in k if 1 < few <= n},
        "degenerate": sum(map(degenerate, texts)) / n,
    }


def characters(item: Answerable) -> list[int]:
    """Characters of each answer, without the delimiter."""
    if isinstance(item, Choice):
        return [len(choice) for choice in item.choices]
    return [len(item.text)] * len(item.contexts)


def bits(nats: float) -> float:
    return -nats / math.log(2)


def likeliest(nats: Sequence[float]) -> int:
    """The first place of the highest likelihood."""
    return max(range(len(nats)), key=lambda place: nats[place])


def _alone(values: Sequence[float], gold: int) -> bool:
    """Whether `gold` is the only best place."""
    return all(values[gold] > value for place, value in enumerate(values) if place != gold)
