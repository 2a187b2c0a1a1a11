"""The method of verdicts on runs trained elsewhere, as a paragraph: what is known of such runs, and what is not."""

from __future__ import annotations

from collections.abc import Sequence

from leaven.analyze.evidence import Evidence
from leaven.analyze.request import Request


def method(asked: Request, judged: Sequence[Evidence], *, draws_of_items: bool) -> str:
    family = sum(
        1
        for one in judged
        for variant, baselines in asked.at(one.size).against.items()
        if one.measure.primary and variant in one.arms and baselines and baselines[0] in one.arms
    )
    head = "Results of runs that were trained and evaluated elsewhere were read from the files listed on this page."
    if not family:
        return f"{head} No single pair of variants was tested."
    sizes = " of all sizes" if len(asked.sizes) > 1 else ""
    noise = any(arm.draws.std(axis=0).any() for one in judged for arm in one.arms.values())
    items = (
        "resampled items (whole groups at once, the same draws in every arm and seed) where results of single items "
        "were given, and the standard errors of scores elsewhere; two arms' standard errors were taken as independent "
        "and as shared by the seeds of an arm, so that they add and do not shrink with seeds, which is wider than a "
        "comparison on the same items"
    )
    without = "no error of items was given, so intervals hold the spread of seeds only"
    return (
        f"{head} Every variant was compared with {asked.baseline} within seeds of the same label; whether such runs "
        "share initialisation or data order is not known, and nothing rests on it. An effect in % is 100 · (variant / "
        "baseline − 1), both averaged over seeds; elsewhere it is their difference. Its error combines the spread of "
        "the paired per-seed effects, as a t with one degree of freedom fewer than seeds, and "
        f"{items if noise or draws_of_items else without}. Intervals are 95 % and not corrected for multiplicity. "
        f"Better and worse: the two-sided test is significant at {asked.alpha:g} after Holm's correction over the "
        f"{family} primary comparison{'' if family == 1 else 's'}{sizes}; equivalent: two one-sided tests, corrected "
        "by Holm as a family of their own, place the effect within the smallest effect of interest; unresolved "
        "otherwise. One seed never gives a verdict. Secondary comparisons are corrected among themselves and are "
        "exploratory. A task counts only if every variant beats the score of guessing, one-sided at 95 %, where that "
        "score was given."
    )
