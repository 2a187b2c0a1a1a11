"""Two studies side by side: where they speak of the same comparison, how far apart their effects are.

An effect is the same comparison where variant, baseline, measure, unit and size agree; two studies of one size each are
compared whatever their sizes. The interval of the difference
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
OF_VERDICT = ("baseline", "seeds")
"""Fields that the verdict knows too, for results of runs that no study file declares."""
UNKNOWN = "not known"


def between(first: Row, second: Row) -> dict[str, Any]:
    """What two studies say of the same comparisons.

    Args:
        first, second: `{name, verdict, study, steps}`: the content of verdict.json, what the study declared (may be
            empty) and the identities of its stages.

    Returns: `{names, declared: [{field, first, second}], shared, pairs: [...], only_first, only_second, said}`; `pairs`
        hold both effects with intervals and verdicts, their difference with its interval, and what changed. A
        difference is None where an effect is, its interval also where an effect has none.
    """
    several = any(len(each["verdict"].get("sizes") or ()) > 1 for each in (first, second))
    rows = [_by_key(each["verdict"], several=several) for each in (first, second)]
    names = [str(first["name"]), str(second["name"])]
    pairs = [_pair(key, rows[0][key], rows[1][key]) for key in rows[0] if key in rows[1]]
    only = [
        [dict(zip(KEYS, key, strict=True)) for key in mine if key not in other] for mine, other in (rows, rows[::-1])
    ]
    shared = sorted(set(first.get("steps") or ()) & set(second.get("steps") or ()))
    return {
        "names": names,
        "declared": _declared(*(_stated(each) for each in (first, second))),
        "stages": [len(set(each.get("steps") or ())) for each in (first, second)],
        "shared": len(shared),
        "pairs": pairs,
        "only_first": only[0],
        "only_second": only[1],
        "said": _said(names, pairs, len(shared)),
    }


def plain(value: Any) -> str:
    """A stated value in words: `code 0.8, text 0.2`, `1, 2, 3`, `a → b`, `–` where nothing is stated."""
    if value is None:
        return "–"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {plain(held)}" for name, held in value.items())
    if isinstance(value, list | tuple):
        joint = ", " if all(isinstance(held, int | float) for held in value) else " → "
        return joint.join(plain(held) for held in value)
    return str(value)


def _by_key(verdict: Row, *, several: bool) -> dict[tuple[str, ...], Row]:
    """Comparisons at the end that verdicts are about, by what they compare; `several`: with the size."""
    sizes = verdict.get("sizes") or ()
    own = str(sizes[0].get("size") or "") if sizes else ""
    found = {}
    for row in verdict.get("comparisons") or ():
        size = str(row.get("size") or own) if several else ""
        found[size, *(str(row.get(key) or "") for key in KEYS[1:])] = row
    return found


def _pair(key: Sequence[str], first: Row, second: Row) -> dict[str, Any]:
    ends = [[_number(row.get(name)) for name in ("effect", "low", "high")] for row in (first, second)]
    (a, a_low, a_high), (b, b_low, b_high) = ends
    difference = low = high = None
    said = UNKNOWN
    if a is not None and b is not None:
        difference = b - a
        said = f"{difference:+.3g} {key[-1]}, no interval".replace("-", "−")
        if a_low is not None and a_high is not None and b_low is not None and b_high is not None:
            low = difference - math.hypot(b - b_low, a_high - a)
            high = difference + math.hypot(b_high - b, a - a_low)
            said = effect_text(difference, low, high, str(key[-1]))
    apart = low is not None and high is not None and (low > 0 or high < 0)
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
        "said": said,
    }


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and math.isfinite(value) else None


def _stated(study: Row) -> dict[str, Any]:
    """What the study declares, and what only its verdict knows of it."""
    declared = dict(study.get("study") or {})
    return {name: study["verdict"][name] for name in OF_VERDICT if study["verdict"].get(name)} | declared


def _declared(first: Row, second: Row) -> list[dict[str, Any]]:
    """Fields that the two studies state differently, down to the single mixture, variant or setting."""
    rows: list[dict[str, Any]] = []

    def walk(field: str, a: Any, b: Any) -> None:
        if a == b:
            return
        if any(isinstance(each, Mapping) and each for each in (a, b)) and all(
            each is None or isinstance(each, Mapping) for each in (a, b)
        ):
            here, there = a or {}, b or {}
            for key in dict.fromkeys([*here, *there]):
                walk(f"{field}.{key}", here.get(key), there.get(key))
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
