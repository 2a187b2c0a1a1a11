"""Strengths of three or more arms from judged pairs: the Bradley–Terry model (R. Bradley and M. Terry, Biometrika 39,
1952), P(i is preferred to j) = σ(θ_i − θ_j), fitted by maximum likelihood.

A vote is one comparison; a tie counts half a win for each side (R. Davidson's model would need one more parameter for
the same order of arms). A prompt on which a beats b, b beats c and c beats a counts as it is. Everything the likelihood
needs is W[i, j], wins of i over j, so sums of W over resampled prompts are refits of the model.

The estimate exists only where every arm can be reached from every other along wins (L. Ford, American Mathematical
Monthly 64, 1957): an arm that never lost could be any amount stronger. Arms that hang together with the reference in
this sense are estimated among themselves (the rest would sit at ±infinity and leave their differences alone); of the
others it is said why not.

Intervals: a prompt is a cluster of all its pairs and seeds, and prompts are drawn as for every other effect of a
study; the seeds' part is their spread around the joint estimate, in the linearisation that Newton's method steps by.
Treating votes as independent gives intervals that are too narrow (tests/analyze/test_bradley_terry.py shows it).
As for net wins (`winrates.py`), prompts are resampled together with a win and a loss of half a prompt's weight for each
pair that met, so that arms which only tied are not equal for sure; the estimate does not hold them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from leaven.analyze.bootstrap import Floats, picks, widening
from leaven.analyze.clustered import prompt_key
from leaven.analyze.crossed import Crossed, cross
from leaven.analyze.holm import holm
from leaven.analyze.votes import Votes
from leaven.analyze.winrates import PSEUDO
from leaven.ground.errors import LeavenError

MOST_STEPS = 500
"""Newton's method needs five to ten; a strength of 30 (one loss in 10¹³) would take sixty of the bounded steps."""


def strengths(
    votes: Sequence[Votes], arms: Sequence[str], reference: str, draws: int, seed: int
) -> list[dict[str, Any]]:
    """Strengths of all arms against one of them, from all pairs judged.

    Args:
        votes: pairs of arms; those with an arm outside `arms` do not count.
        arms: names in the order of the rows; the reference is one of them and has strength 0.

    Returns rows {arm, reference, strength (log odds against the reference), low, high (95 %), rate, rate_low, rate_high
    (the win rate in % against the reference that it implies, ties half), p (two-sided, of "as strong as the reference",
    from the distribution that the interval is of; at least 1 / draws), p_holm (corrected over the arms that are
    identified, the reference apart), identified, why}; numbers are None where `identified` is False, and `why` says in
    a sentence why. p and p_holm of the reference are None too.

    Raises LeavenError where the reference is no arm and where pairs have unequal seeds.
    """
    if reference not in arms:
        raise LeavenError(f'the reference "{reference}" is none of the arms')
    wins = wins_by_prompt(votes, arms)
    total = wins.sum(axis=(0, 1))
    base = arms.index(reference)
    among = _together(total, base)
    others = [a for a in range(len(arms)) if among[a] and a != base]
    order = np.array([base, *others], dtype=np.int64)
    kept = wins[:, :, order][:, :, :, order]
    kept = kept[:, kept.any(axis=(0, 2, 3))]  # a seed of which nothing was judged says nothing
    alone = int(kept.any(axis=(1, 2, 3)).sum()) < 2
    more = _pseudo(kept, [arms[a] for a in order])
    crossed = _crossed(kept, more, draws, prompt_key(seed)) if others and not alone else []
    known = dict(zip(others, crossed, strict=False))
    p_values = [_p(each, draws) for each in crossed]
    corrected = dict(zip(others, zip(p_values, holm(p_values), strict=True), strict=False))
    judged = {name for pair in votes if pair.outcomes.size for name in (pair.variant, pair.baseline)}
    rows = []
    for a, arm in enumerate(arms):
        row: dict[str, Any] = {"arm": arm, "reference": reference, "strength": None, "low": None, "high": None}
        p, p_holm = corrected.get(a, (None, None))
        why = ""
        if a == base:
            row |= {"strength": 0.0, "low": 0.0, "high": 0.0}
        elif a in known:
            low, high = known[a].interval(0.95)
            row |= {"strength": known[a].estimate, "low": low, "high": high}
        elif among[a]:
            why = f"one judged prompt says nothing of {arm} on others"
        else:
            why = _why(total, arms, a, base, arm in judged)
        for name, of in (("rate", "strength"), ("rate_low", "low"), ("rate_high", "high")):
            row[name] = None if row[of] is None else 100 * float(special.expit(row[of]))
        rows.append({**row, "p": p, "p_holm": p_holm, "identified": not why, "why": why})
    return rows


def wins_by_prompt(votes: Sequence[Votes], arms: Sequence[str]) -> Floats:
    """W [prompt × seed × arm × arm]: wins of the one arm over the other, ties as a half for each, errors as nothing.

    Columns of pairs are joined by the prompts' ids; a pair that lacks a prompt has no votes on it.
    """
    pairs = [pair for pair in votes if pair.variant in arms and pair.baseline in arms]
    names = [_names(pair) for pair in pairs]
    places = {name: place for place, name in enumerate(sorted({name for each in names for name in each}))}
    seeds = {pair.outcomes.shape[0] for pair in pairs} or {1}
    if len(seeds) > 1:
        raise LeavenError(f"pairs of arms are judged with unequal numbers of seeds: {sorted(seeds)}")
    wins = np.zeros((len(places), seeds.pop(), len(arms), len(arms)))
    for pair, each in zip(pairs, names, strict=True):
        columns = np.array([places[name] for name in each], dtype=np.int64)
        judged = ~np.isnan(pair.outcomes.T)
        won = np.where(judged, (1 + np.nan_to_num(pair.outcomes.T)) / 2, 0.0)
        a, b = arms.index(pair.variant), arms.index(pair.baseline)
        wins[columns, :, a, b] += won
        wins[columns, :, b, a] += judged - won
    return wins


def _names(pair: Votes) -> list[tuple[str, int]]:
    """One name a column; prompts that share an id, or have none, are told apart by their order."""
    prompts = pair.prompts or ("",) * pair.outcomes.shape[1]
    met: Counter[str] = Counter()
    names: list[tuple[str, int]] = []
    for prompt in prompts:
        names.append((prompt, met[prompt]))
        met[prompt] += 1
    return names


def _pseudo(wins: Floats, arms: Sequence[str]) -> Floats:
    """Rows to resample beside wins [prompt × seed × arm × arm]: for each pair that met, a win and a loss of half weight
    in every seed. In the order of the arms' names, so that no result depends on the order they are given in."""
    met = wins.sum(axis=(0, 1))
    sides = sorted(
        zip(*np.nonzero(met + met.T), strict=True), key=lambda side: (*sorted(arms[a] for a in side), arms[side[0]])
    )
    rows = np.zeros((len(sides), *wins.shape[1:]))
    for row, (a, b) in zip(rows, sides, strict=True):
        row[:, a, b] = PSEUDO
    return rows


def _p(crossed: Crossed, draws: int) -> float:
    """Two-sided p of "as strong as the reference"; no less than the draws can tell."""
    below = crossed.cdf(0.0)
    return min(1.0, max(2 * min(below, 1 - below), 1 / draws))


def fit(wins: Floats) -> Floats:
    """Maximum-likelihood strengths θ [… × arm], the first arm 0, of wins [… × arm × arm] that meet Ford's condition.

    Newton's method, each step shortened so that no two arms move apart by more than a half: within that distance the
    curvature changes by at most e^½ < 2, so that every step raises the likelihood (F. Bach, Electronic Journal of
    Statistics 4, 2010).
    """
    strength = np.zeros(wins.shape[:-1])
    for _ in range(MOST_STEPS):
        step = _step(wins, strength)
        reach = step.max(axis=-1) - step.min(axis=-1)
        strength += step / np.maximum(1.0, 2 * reach)[..., None]
        if float(reach.max(initial=0.0)) < 1e-9:
            break
    return strength


def _step(wins: Floats, strength: Floats) -> Floats:
    """Newton's step [… × arm] from these strengths, the first arm staying: information⁻¹ · score."""
    score = _score(wins, strength)
    step = np.zeros_like(score)
    step[..., 1:] = np.linalg.solve(_information(wins, strength), score[..., 1:, None])[..., 0]
    return step


def _score(wins: Floats, strength: Floats) -> Floats:
    """The log likelihood's gradient [… × arm]: wins less the wins expected of these strengths."""
    rate = special.expit(strength[..., :, None] - strength[..., None, :])
    gradient: Floats = (wins - (wins + np.swapaxes(wins, -1, -2)) * rate).sum(axis=-1)
    return gradient


def _information(wins: Floats, strength: Floats) -> Floats:
    """Its negative second derivatives [… × arm − 1 × arm − 1], the first arm left out."""
    rate: Floats = special.expit(strength[..., :, None] - strength[..., None, :])
    between = (wins + np.swapaxes(wins, -1, -2)) * rate * (1 - rate)
    every: Floats = np.eye(wins.shape[-1]) * between.sum(axis=-1)[..., None] - between
    inner: Floats = every[..., 1:, 1:]
    return inner


def _crossed(wins: Floats, more: Floats, draws: int, key: int) -> list[Crossed]:
    """A confidence distribution for every arm but the first, of wins [prompt × seed × arm × arm], resampled together
    with `more` of such rows."""
    prompts, seeds, arms, _ = wins.shape
    total = wins.sum(axis=(0, 1))
    best = fit(total)
    inverse = np.linalg.inv(_information(total, best))

    def apart(each: Floats) -> Floats:
        """What the single seeds say beyond the joint estimate [… × seed × arm], from their wins."""
        pull = _score(each, best)
        pull = pull - pull.mean(axis=-2, keepdims=True)
        step: Floats = np.zeros_like(pull)
        step[..., 1:] = seeds * pull[..., 1:] @ inverse
        return step

    drawn = []
    rows = np.concatenate([wins, more])
    for chunk in picks(len(rows), draws, key):
        counts = np.stack([np.bincount(row, minlength=len(rows)) for row in chunk]).astype(np.float64)
        each = (counts @ rows.reshape(len(rows), -1)).reshape(len(chunk), seeds, arms, arms)
        joint = each.sum(axis=1)
        # A draw in which some arm never lost has no estimate; one more average prompt gives it one.
        joint[~_reached(joint).all(axis=(-1, -2))] += total / prompts
        drawn.append(fit(joint)[:, None, :] + apart(each))
    by_seed = best + apart(wins.sum(axis=0))
    resampled = best + widening(prompts) * (np.concatenate(drawn) - best)
    return [cross(by_seed[:, a], resampled[:, :, a], float(best[a])) for a in range(1, arms)]


def _reached(wins: Floats) -> NDArray[np.bool_]:
    """[… × arm × arm]: whether a chain of wins leads from the one arm to the other."""
    reached: NDArray[np.bool_] = (wins > 0) | np.eye(wins.shape[-1], dtype=bool)
    for _ in range(max(1, int(wins.shape[-1] - 1).bit_length())):
        ways = reached.astype(np.float64)
        reached = (ways @ ways) > 0
    return reached


def _together(wins: Floats, reference: int) -> NDArray[np.bool_]:
    """Which arms [A] have finite strengths against the reference: Ford's condition."""
    reached = _reached(wins)
    together: NDArray[np.bool_] = reached[reference] & reached[:, reference]
    return together


def _why(wins: Floats, arms: Sequence[str], arm: int, reference: int, judged: bool) -> str:
    """In a sentence, why an arm has no strength against the reference; `judged`: it was in a pair that was judged."""
    reached = _reached(wins)
    name, other = arms[arm], arms[reference]
    if not (wins[arm].any() or wins[:, arm].any()):
        return f"{name} was judged, without an outcome" if judged else f"{name} was judged against none of these arms"
    up, down = bool(reached[arm, reference]), bool(reached[reference, arm])
    if not up and not down:
        return f"no chain of wins or ties leads from {name} to {other} or back, so nothing compares them"
    verb, bound = ("lost", "upper") if up else ("won", "lower")
    # The group that is cut off: every arm that chains of wins join with this one on its side of the gap.
    beyond = reached[:, arm] if up else reached[arm]
    met = (wins + wins.T)[beyond].sum(axis=0) > 0
    group = [each for a, each in enumerate(arms) if beyond[a]]
    rest = ", ".join(each for a, each in enumerate(arms) if met[a] and not beyond[a])
    if len(group) == 1:
        return f"{name} never {verb} or tied against {rest}, so its strength has no {bound} bound"
    return (
        f"none of {', '.join(group)} ever {verb} or tied against {rest}, so the strength of {name} has no {bound} bound"
    )
