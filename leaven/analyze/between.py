"""Two studies side by side: where they speak of the same comparison, how far apart their effects are.

An effect is the same comparison where variant, baseline, measure, unit and size agree. The interval of the difference
is MOVER's: the distances from each estimate to its own limits, added in quadrature (G. Y. Zou and A. Donner, Statistics
in Medicine 27, 2008, "Construction of confidence limits about effect measures"); it takes the two studies as
independent, and where they share steps of training it is told how many, because then it is not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from leaven.analyze.text import effect_text

Row = Mapping[str, Any]
KEYS = ("size", "variant", "baseline", "measure", "unit")
DECLARED = ("question", "corpus", "baseline", "seeds", "model", "settings", "mixtures", "variants")


def between(first: Row, second: Row) -> dict[str, Any]:
    """What two studies say of the same comparisons.

    Args:
        first, second: `{name, verdict, study, steps}`: the content of verdict.json, what the study declared (may be
            empty) and the identities of its stages.

    Returns: `{names, declared: [{field, first, second}], shared, pairs: [...], only_first, only_second, said}`; `pairs`
        hold both effects with intervals and verdicts, their difference with its interval, and what changed.
    """
    rows = [_by_key(each["verdict"]) for each in (first, second)]
    names = [str(first["name"]), str(second["name"])]
    pairs = [_pair(key, rows[0][key], rows[1][key]) for key in rows[0] if key in rows[1]]
    only = [
        [dict(zip(KEYS, key, strict=True)) for key in mine if key not in other] for mine, other in (rows, rows[::-1])
    ]
    shared = sorted(set(first.get("steps") or ()) & set(second.get("steps") or ()))
    return {
        "names": names,
        "declared": _declared(first.get("study") or {}, second.get("study") or {}),
        "stages": [len(set(each.get("steps") or ())) for each in (first, second)],
        "shared": len(shared),
        "pairs": pairs,
        "only_first": only[0],
        "only_second": only[1],
        "said": _said(names, pairs, len(shared)),
    }


def _by_key(verdict: Row) -> dict[tuple[str, ...], Row]:
    """Comparisons at the end that verdicts are about, by what they compare. A study of one size is of no named size, so
    that it meets the same study at another."""
    several = len(verdict.get("sizes") or ()) > 1
    found = {}
    for row in verdict.get("comparisons") or ():
        size = str(row.get("size") or "") if several else ""
        found[size, *(str(row.get(key) or "") for key in KEYS[1:])] = row
    return found


def _without(mine: Mapping[tuple[str, ...], Row], other: Mapping[tuple[str, ...], Row]) -> list[dict[str, str]]:
    return [dict(zip(KEYS, key, strict=True)) for key in mine if key not in other]


def _pair(key: Sequence[str], first: Row, second: Row) -> dict[str, Any]:
    difference = float(second["effect"]) - float(first["effect"])
    below = math.hypot(float(second["effect"]) - float(second["low"]), float(first["high"]) - float(first["effect"]))
    above = math.hypot(float(second["high"]) - float(second["effect"]), float(first["effect"]) - float(first["low"]))
    low, high = difference - below, difference + above
    apart = low > 0 or high < 0
    flips = {str(first.get("verdict")), str(second.get("verdict"))} == {"better", "worse"}
    return {
        **dict(zip(KEYS, key, strict=True)),
        "better": first.get("better"),
        "primary": bool(first.get("primary")) and bool(second.get("primary")),
        **{
            f"{side}_{name}": row.get(name)
            for side, row in (("first", first), ("second", second))
            for name in ("effect", "low", "high", "verdict", "seeds", "items")
        },
        "difference": difference,
        "low": low,
        "high": high,
        "apart": apart,
        "flips": flips,
        "changed": str(first.get("verdict")) != str(second.get("verdict")),
        "said": effect_text(difference, low, high, str(key[-1])),
    }


def _declared(first: Row, second: Row) -> list[dict[str, Any]]:
    """Fields that the two studies state differently, down to the single mixture, variant or setting."""
    rows: list[dict[str, Any]] = []

    def walk(field: str, a: Any, b: Any) -> None:
        if a == b:
            return
        if isinstance(a, Mapping) and isinstance(b, Mapping):
            for key in dict.fromkeys([*a, *b]):
                walk(f"{field}.{key}", a.get(key), b.get(key))
        else:
            rows.append({"field": field, "first": a, "second": b})

    for field in DECLARED:
        if field in first or field in second:
            walk(field, first.get(field), second.get(field))
    return rows


def _said(names: Sequence[str], pairs: Sequence[Row], shared: int) -> str:
    """One sentence on what the two have in common and where they part."""
    if not pairs:
        return f"{names[0]} and {names[1]} have no comparison in common."
    primary = [row for row in pairs if row["primary"]] or pairs
    changed, apart = sum(row["changed"] for row in primary), sum(row["apart"] for row in primary)
    flips = sum(row["flips"] for row in primary)
    kind = "primary comparison" if any(row["primary"] for row in pairs) else "comparison"
    many = f"{len(primary)} {kind}{'' if len(primary) == 1 else 's'} in common"
    turned = f", {flips} of them from better to worse or back" if flips else ""
    share = f"; {shared} stages of training are the same steps, so the two are not independent" if shared else ""
    return (
        f"{many}: {changed} with another verdict{turned}, {apart} whose effects differ by more than both intervals "
        f"allow{share}."
    )
