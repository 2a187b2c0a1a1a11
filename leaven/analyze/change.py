"""What would change a verdict: for every state, the sentence a sceptic needs.

Better, worse: how large a bias, or how much more noise, would undo it. Equivalent: which smallest effect of interest,
or which bias, would. Unresolved: what would resolve it (`power.resolve_sentence`). Each is worked out at the level at
which Holm's procedure tests this hypothesis while all others of the family stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence

from leaven.analyze.crossed import Crossed

MOST_TIMES = 10.0
"""Beyond so many times the noise seen, how many is of no interest."""


def last_level(p_values: Sequence[float], i: int, alpha: float) -> float:
    """The largest p at which Holm would still reject hypothesis `i`, the others being what they are.

    Holm rejects in the order of p until one fails: were hypothesis `i` moved behind the k others that are rejected
    without it, it would be tested at alpha / (m − k).
    """
    size = len(p_values)
    others = sorted(p for j, p in enumerate(p_values) if j != i)
    passed = 0
    while passed < len(others) and others[passed] <= alpha / (size - passed):
        passed += 1
    return alpha / (size - passed)


def difference_undone(effect: Crossed, level: float, unit: str, verdict: str) -> str:
    """Of a difference that is significant at `level`: the bias and the noise that would undo it."""
    low, high = effect.interval(1 - level)
    nearer = low if effect.estimate > 0 else high
    if nearer == 0 or (nearer > 0) != (effect.estimate > 0):
        return "any bias would undo it: it stands at the edge of what is significant"
    times = abs(effect.estimate) / abs(effect.estimate - nearer) if effect.estimate != nearer else MOST_TIMES
    noise = f"noise {times:.1f} times" if times < MOST_TIMES else f"noise more than {MOST_TIMES:.0f} times"
    side = "in its favour" if verdict == "better" else "against it"
    return f"a bias of {abs(nearer):.2g} {unit} {side}, or {noise} what was seen, would undo it"


def equivalence_undone(effect: Crossed, level: float, margin: float, unit: str) -> str:
    """Of an equivalence that TOST claims at `level`: the margin and the bias that would undo it."""
    low, high = effect.quantile(level), effect.quantile(1 - level)
    least = max(abs(low), abs(high))
    return (
        f"a smallest effect of interest below {least:.2g} {unit}, or a bias of {max(margin - least, 0.0):.2g} {unit}, "
        "would undo it"
    )
