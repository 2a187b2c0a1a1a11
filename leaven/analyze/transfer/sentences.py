"""Transfer in words: one sentence for all, a few for each measure, one for each flip; the numbers come from `data`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from leaven.analyze.text import effect_text, listing
from leaven.analyze.transfer.interaction import SIZES
from leaven.analyze.transfer.signs import AGREE, ENOUGH, FLIP, MAYBE, NOTHING, SAME, At

UNPROVEN = "transfer to larger models is unproven"
NAMED = 3
"""So many effects are named; of more, only their number is told."""


def overall(sizes: Sequence[str], measures: Sequence[Mapping[str, Any]], *, proven: bool) -> str:
    """What all measures say together."""
    rows = [(str(measure["name"]), row) for measure in measures for row in measure["signs"]]
    clear = sum(row["state"] != NOTHING for _, row in rows)
    where = f"{len(sizes)} sizes ({', '.join(sizes)})"
    if proven:
        which = "the only effect that is clear anywhere has" if clear == 1 else f"all {clear} clear effects have"
        return f"On {where}, {which} the same clear sign at {ENOUGH} sizes or more."
    if len(sizes) < SIZES:
        return f"Only {where} were trained, {SIZES} are needed: {UNPROVEN}."
    if not clear:
        return f"On {where}, no effect is clear at any size: {UNPROVEN}."
    of: dict[str, list[str]] = {}
    for name, row in rows:
        of.setdefault(row["state"], []).append(f"{row['variant']} on {name}")
    parts = [
        f"{words}: {_named(of[state])}"
        for state, words in (
            (FLIP, "sign flips between sizes"),
            (MAYBE, "sign may flip"),
            (SAME, f"sign clear at fewer than {ENOUGH} sizes"),
            (AGREE, f"same clear sign at {ENOUGH} sizes or more"),
        )
        if state in of
    ]
    return f"On {where}, {UNPROVEN}; {'; '.join(parts)}."


def measure(data: Mapping[str, Any]) -> str:
    """What one measure says: decisions from the smallest size to the largest, signs, slopes, the law drawn on."""
    sentences = []
    if data["pairs"]:
        widest = max(data["pairs"], key=lambda pair: _span(data, pair))
        sentences.append(_decided(data, widest))
    sentences += [flip["said"] for flip in data["flips"] if flip["clear"]]
    states = {row["variant"]: row["state"] for row in data["signs"]}
    turned = dict.fromkeys(flip["variant"] for flip in data["flips"] if states[flip["variant"]] != FLIP)
    if turned:
        sentences.append(f"Signs that differ between sizes without being clear at both: {_named(list(turned))}.")
    unit = data["unit"]
    for variant, slope in data["interaction"].items():
        if slope["low"] > 0 or slope["high"] < 0:
            change = effect_text(slope["slope"], slope["low"], slope["high"], unit)
            sentences.append(f"The effect of {variant} changes by {change} for each tenfold of parameters.")
    if data["interaction"] and not any(s["low"] > 0 or s["high"] < 0 for s in data["interaction"].values()):
        sentences.append("No effect is shown to change with size.")
    return f"{data['name']}: {' '.join(sentences)}" if sentences else f"{data['name']}: no two variants in common."


def _span(data: Mapping[str, Any], pair: Mapping[str, Any]) -> float:
    at = {row["size"]: row["parameters"] for row in data["effects"]}
    return float(at.get(pair["to"], 0)) / float(at.get(pair["from"], 1) or 1)


def _decided(data: Mapping[str, Any], pair: Mapping[str, Any]) -> str:
    """`2m orders 5 of 6 pairs of variants as 8m does (83 % [44, 97]); its pick, a, is the best at 8m.`"""
    small, large, cost = pair["from"], pair["to"], pair["regret"]
    if pair["accuracy"] is None:
        return f"at {large} all variants score alike."
    right = f"{pair['right']:g} of {pair['pairs']}"
    interval = f"{100 * pair['accuracy']:.0f} % [{100 * pair['low']:.0f}, {100 * pair['high']:.0f}]"
    told = f"{small} orders {right} pair{'' if pair['pairs'] == 1 else 's'} of variants as {large} does ({interval})"
    if cost["value"] == 0:
        return f"{told}; its pick, {cost['pick']}, is the best at {large}."
    price = f"{cost['value']:.3g} {'more' if data['better'] == 'lower' else 'less'}"
    rest = f"than the best there, {cost['best']} ({100 * cost['share']:.0f} % of the spread)"
    return f"{told}; its pick, {cost['pick']}, scores {price} at {large} {rest}."


def flip(name: str, variant: str, better: str, unit: str, small: At, large: At, confidence: float) -> str:
    """`a on code: better at 2m (−2.1 % [−2.9, −1.3]) and worse at 8m (…): a flip, both signs are clear.`"""
    parts = [f"{_way(each, better)} at {each.size} ({_effect(each, unit)})" for each in (small, large)]
    sure = "both signs are clear" if small.clear and large.clear else f"a flip with {100 * confidence:.0f} % confidence"
    return f"{variant} on {name}: {parts[0]} and {parts[1]}; {sure}."


def _way(each: At, better: str) -> str:
    return "better" if (each.sign < 0) == (better == "lower") else "worse"


def _effect(each: At, unit: str) -> str:
    if each.low is None or each.high is None:
        return f"{each.effect.estimate:+.2g} {unit}, one seed".replace("-", "−")
    return effect_text(each.effect.estimate, each.low, each.high, unit)


def _named(names: Sequence[str]) -> str:
    return listing(names) if len(names) <= NAMED else f"{len(names)} effects"
