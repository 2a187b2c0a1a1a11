"""Verdicts of studies that repeat parts of the paper: scores made up near its own, with intervals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from leaven.ground.canonical import key64

ACCURACY = [
    {"name": "reasoning", "statistic": "accuracy", "better": "higher", "primary": True, "tasks": ["boolq"]},
    {"name": "world knowledge", "statistic": "exact_match", "better": "higher", "primary": True, "tasks": ["triviaqa"]},
    {"name": "code", "statistic": "pass@1", "better": "higher", "primary": True, "tasks": ["humaneval"]},
]
BITS = [
    {
        "name": "prose bits-per-byte",
        "statistic": "bits_per_byte",
        "better": "lower",
        "primary": True,
        "tasks": ["bpb_text"],
    },
    {
        "name": "code bits-per-byte",
        "statistic": "bits_per_byte",
        "better": "lower",
        "primary": True,
        "tasks": ["bpb_code"],
    },
    {"name": "fact recall", "statistic": "accuracy", "better": "higher", "primary": False, "tasks": ["facts"]},
]
SUITE = {"bpb_text": {"category": "language"}, "bpb_code": {"category": "code"}, "facts": {"category": "knowledge"}}
LEVELS = {
    "reasoning": (0.51, 0.015),
    "world knowledge": (0.09, 0.008),
    "code": (0.06, 0.02),
    "prose bits-per-byte": (2.2, 0.03),
    "code bits-per-byte": (1.6, 0.25),
    "fact recall": (0.6, 0.15),
}
"""A measure's level and how far variants lie apart."""


def scores(
    variants: Sequence[str], measures: Iterable[Mapping[str, Any]], points: Sequence[str] = ("final",), size: str = ""
) -> list[dict[str, Any]]:
    """Rows as `verdict.json` has them."""
    rows = []
    for measure in measures:
        level, spread = LEVELS[str(measure["name"])]
        for variant in variants:
            for point in points:
                rng = np.random.Generator(np.random.Philox(key=key64("paper study/1", variant, measure["name"], size)))
                mean = level + spread * float(rng.standard_normal()) + (0.01 if point == "final" else 0.0)
                seeds = [mean - 0.1 * spread, mean, mean + 0.1 * spread]
                row = {"variant": variant, "point": point, "measure": measure["name"], "task": "", "size": size}
                rows.append(
                    row | {"mean": mean, "low": mean - 0.5 * spread, "high": mean + 0.6 * spread, "seeds": seeds}
                )
    return rows


def study(
    figures: Sequence[str],
    variants: Sequence[str],
    measures: Sequence[Mapping[str, Any]] = tuple(ACCURACY),
    *,
    points: Sequence[str] = ("final",),
    baseline: str = "",
    sizes: Sequence[str] = ("470m",),
    **verdict: Any,
) -> dict[str, Any]:
    """What `write_report` is given."""
    base = baseline or variants[0]
    return {
        "study": {"name": "study", "question": "Why?", "variants": dict.fromkeys(variants)},
        "suite": SUITE,
        "verdict": {
            "baseline": base,
            "variants": list(variants),
            "measures": list(measures),
            "figures": list(figures),
            "sizes": [{"size": size, "baseline": base, "variants": list(variants)} for size in sizes],
            "scores": [row for size in sizes for row in scores(variants, measures, points, size)],
            **verdict,
        },
    }


HEADLINE = ["text-only", "balanced-only", "balanced→text", "code→text"]
SHARES = {"0 %": 0.0, "25 %": 0.25, "50 %": 0.5, "75 %": 0.75, "90 %": 0.9, "100 %": 1.0}
CODES = ["code", "code+markup", "code+adjacent", "code+synth"]
CONTINUED = ["balanced→text without synth", "balanced+synth→text"]
COOLED = ["no cooldown", "cooldown without code", "cooldown with code"]
BOTH = ("before cooldown", "final")
STUDIES = {
    "initialization": study(["2", "9"], [*HEADLINE, "text-only 200B"], points=BOTH, point="before cooldown"),
    "scale": study(["3"], HEADLINE[1:], sizes=("470m", "2.8b")),
    "proportion": study(["4"], list(SHARES), sweep={"of": "code", "variants": list(SHARES), "shares": SHARES}),
    "quality": study(["5a", "5b"], [*CODES, *CONTINUED]),
    "cooldown": study(["6", "7"], COOLED),
    "initialization, pocket": study(["2", "9"], HEADLINE, BITS, points=BOTH, point="before cooldown"),
    "scale, pocket": study(["3"], HEADLINE[1:], BITS, sizes=("0.3m", "1m")),
    "proportion, pocket": study(
        ["4"], list(SHARES), BITS, sweep={"of": "code", "variants": list(SHARES), "shares": SHARES}
    ),
    "quality, pocket": study(["5a", "5b"], [*CODES, *CONTINUED], BITS),
    "cooldown, pocket": study(["6", "7"], COOLED, BITS),
}
"""As the built-in studies are: with the paper's suite, and at a proxy size."""
