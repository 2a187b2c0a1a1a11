"""What a sceptic would object to in judged preferences, in plain sentences; none where nothing speaks against them.

Every threshold is a constant with its reason. A figure warns only where its whole 95 % interval is beyond the
threshold, so that an honest judge with moderate noise is rarely accused (tests/analyze/test_judge_warnings.py).
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from leaven.analyze.clustered import Interval
from leaven.analyze.length import SEPARATED, Length
from leaven.analyze.orders import Orders
from leaven.analyze.votes import Votes

SCRIPTED = "Made-up answers: not a result (a script answered in the place of a judge)."

ENOUGH = 20
"""Decided votes below which a judge is accused of nothing, and decided prompts below which an outcome is called thin:
of 20, only 15 to 5 or clearer is significant at 5 %."""
POSITION = 0.05
"""How far the first-position rate may lie from 1/2: 0.55 means that a tenth of the decisions went by position."""
FLIPS = 0.4
"""A judge that ignores what it reads flips half of its decisions; GPT-4 between near-equal answers about a third
(Zheng et al., arXiv 2306.05685, Table 2: 35 % inconsistent)."""
AGREEMENT = 0.38
"""Kappa below which the orders hardly agree. A judge that flips 30 % of its decisions between even arms has 0.4; one
that answers at random, 0, and of 100 prompts its interval ends below 0.38 in 97 of 100 runs."""
LONGER = 0.75
"""Share of decisions for the longer: people 0.64, GPT-4 0.65, the most length-bound of AlpacaEval's usable judges
0.76 (its evaluators leaderboard, "Proba. prefer longer")."""
PREFERENCE = 0.005
"""Sign-test p below which answers cannot be random, however low kappa is: kappa is near zero also where one arm is
better on every prompt, but a judge that ignores what it reads cannot favour an arm that changes places."""
CONTROL = 0.01
"""One-sided p of the controls' sign test: telling text from the same words shuffled is easy, so much is asked."""
CONTROLS = 7
"""Fewest controls that can reach CONTROL (2⁻⁷ < 0.01)."""
UNEVEN = 0.2
"""Share by which a seed's outcomes may be fewer than another's before their plain mean needs a word."""
ERRORS = 0.05
"""Share of votes without an answer above which what is missing could matter."""
DOUBT = 0.05
"""Level at which a preference counts as one that a reader would believe."""


def judge_warnings(
    votes: Votes, order: Orders, size: Length, p: float, decided: int, clean: tuple[float, float, float] | None
) -> list[str]:
    """Sentences in the order of their weight.

    Args: `p` of the sign test on votes that the judge was asked for (a rule's decisions say nothing about a judge);
    `decided`: prompts with a winner, by rule or not; `clean`: net win and interval without prompts that were found in
    training documents.
    """
    found = [SCRIPTED] if votes.scripted else []
    found += _controls(votes) + _position(order) + _agreement(order, p) + _length(size, p) + _errors(votes, order)
    found += _uneven(votes)
    if decided < ENOUGH:
        found.append(_few(decided, order, p))
    return found + _overlap(votes, clean)


def _controls(votes: Votes) -> list[str]:
    if not votes.controls:
        return []
    right, wrong, ties = (votes.controls[name] for name in ("right", "wrong", "ties"))
    answered = right + wrong + ties
    if answered < CONTROLS:
        return []
    told = stats.binomtest(right, right + wrong, 0.5, "greater").pvalue <= CONTROL if right + wrong else False
    if told and right > answered / 2:
        return []
    return [
        "The judge cannot tell intact text from the same words shuffled, or the baseline's text is hardly better than "
        f"its words shuffled: the intact text was preferred in {right} of {answered} controls."
    ]


def _position(order: Orders) -> list[str]:
    if order.decided < ENOUGH or order.first is None or order.flip is None:
        return []
    first, flip = order.first, order.flip
    if first.low > 0.5 + POSITION or first.high < 0.5 - POSITION:
        place = "first" if first.value > 0.5 else "second"
        return [
            f"The judge goes by position: {_percent(first)} of its answers chose whichever text stood first (50 % "
            f"without bias), so it favours the {place} place."
        ]
    if flip.low > FLIPS:
        share = _percent(flip)
        return [f"The judge changed its mind in {share} of its decisions when the two texts changed places."]
    return []


def _agreement(order: Orders, p: float) -> list[str]:
    kappa = order.kappa
    if order.answered < ENOUGH or kappa is None or kappa.high >= AGREEMENT or p < PREFERENCE:
        return []
    if kappa.high < 0:
        # A judge of one place for all prompts has κ = 0: its answers' frequencies explain it.
        return [
            "The judge contradicts itself: its two orders disagree more often than random answers would, so it goes by "
            f"place, here by the first and there by the second: κ = {kappa.value:.2f} [{kappa.low:.2f}, "
            f"{kappa.high:.2f}]; random answers give 0."
        ]
    return [
        "The judge does not agree with itself: beyond chance its two orders agree by κ = "
        f"{kappa.value:.2f} [{kappa.low:.2f}, {kappa.high:.2f}]; random answers give 0."
    ]


def _few(decided: int, order: Orders, p: float) -> str:
    """Of few prompts neither an honest judge nor a random one can be excluded: a remark, not an accusation."""
    count = "No prompt was" if decided == 0 else "Only 1 prompt was" if decided == 1 else f"Only {decided} prompts were"
    said = f"{count} decided: fewer than {ENOUGH} can hardly tell a preference"
    if order.kappa is None or order.kappa.low > 0 or p < PREFERENCE or _agreement(order, p):
        return f"{said}."
    return f"{said}, and so few prompts cannot tell this judge from one that answers at random."


def _length(size: Length, p: float) -> list[str]:
    longer, slope, zero = size.longer, size.slope, size.zero_gap
    if size.decided < ENOUGH or longer is None:
        return []
    share = f"the longer text won {_percent(longer)} of its decisions"
    if longer.low > LONGER and slope is None:
        # Where one arm is both longer and better throughout, the judge may be right.
        head = "The judge goes by length" if size.why == SEPARATED else "Length cannot be told from quality"
        why = size.why.partition(":")[0]
        return [f"{head}: {share}; at equal lengths nothing can be said, since {why}."]
    if longer.low > LONGER and slope is not None and slope.low > 0 and zero is not None:
        return [f"The judge goes by length: {share}; at equal lengths the variant wins {_percent(zero)}."]
    if slope is not None and zero is not None and slope.low > 0 and p < DOUBT and zero.low <= 0.5 <= zero.high:
        return [
            "Length alone may explain the preference: longer texts win more often, and at equal lengths the variant "
            f"wins {_percent(zero)}."
        ]
    return []


def _errors(votes: Votes, order: Orders) -> list[str]:
    if order.error_rate is None or order.error_rate <= ERRORS:
        return []
    return [
        f"{100 * order.error_rate:.0f} % of the votes hold no answer (unreadable, refused or lost) and are left out; "
        "the rest may not stand for them."
    ]


def _uneven(votes: Votes) -> list[str]:
    counts = (~np.isnan(votes.outcomes)).sum(axis=1)
    if counts.min() >= (1 - UNEVEN) * counts.max():
        return []
    return [
        f"The seeds have unequally many outcomes ({counts.min()} to {counts.max()}): the net win is the plain mean of "
        "the seeds' net wins, and the counts added up give another number."
    ]


def _overlap(votes: Votes, clean: tuple[float, float, float] | None) -> list[str]:
    if not votes.overlap or not any(votes.overlap):
        return []
    count, prompts = sum(bool(names) for names in votes.overlap), len(votes.overlap)
    sources = ", ".join(dict.fromkeys(name for names in votes.overlap for name in names.split(", ") if name))
    head = f"{count} of {prompts} prompts were found in training documents ({sources})"
    if clean is None:
        return [f"{head}: without them nothing is left that could be told."]
    net, low, high = clean
    return [f"{head}; without them the net win is {net:+.1f} points [{low:+.1f}, {high:+.1f}]."]


def _percent(share: Interval) -> str:
    return f"{100 * share.value:.0f} % [{100 * share.low:.0f}, {100 * share.high:.0f}]"
