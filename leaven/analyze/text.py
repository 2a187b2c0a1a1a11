"""Verdicts in words: the terminal's block and one plain sentence per comparison."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 120
"""Columns of the terminal's block."""
MOST = 8
"""Decimals; numbers are rounded to as many digits."""


def listing(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} and {words[-1]}"


def decimals(low: float, high: float) -> int:
    """Decimals that show an interval's width to one or two digits: 0 for [−60, +12], 1 for [−9.0, −3.2], 4 for
    [−0.0012, −0.0004]. Without a width (what is left of it by rounding is none), those that show the number."""
    half, most = abs(high - low) / 2, max(abs(low), abs(high))
    if half > 1e-7 * most:
        return next((places for places in range(MOST) if half >= (0.3 * 10.0 ** (1 - places) if places else 10)), MOST)
    return next((places for places in range(1, MOST) if most >= 10.0**-places), 1)


def signed(value: float, places: int) -> str:
    """`+0.2`, `−41`, and `0.0` for what rounds to zero."""
    text = f"{abs(value):.{places}f}"
    if float(text) == 0:
        return text
    return f"{'+' if value > 0 else '−'}{text}"


def effect_text(effect: float, low: float, high: float, unit: str) -> str:
    """`+0.2 % [−0.4, +0.8]`."""
    places = decimals(low, high)
    return f"{signed(effect, places)} {unit} [{signed(low, places)}, {signed(high, places)}]"


def p_text(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"


def answer(comparison: Mapping[str, Any]) -> str:
    """One sentence on one row of `comparisons`: what was compared, the verdict, the effect with its interval, the seeds
    it rests on, and what would change it."""
    row = comparison
    corrected = f"{p_text(row['p_holm'])} after correction"
    margin = f"±{row['margin']:g} {row['unit']}"
    names = f"{_at(row)}{row['variant']} against {row['baseline']} on {row['measure']}"
    count = row.get("seeds")
    seeds = f" over {count} seed{'' if count == 1 else 's'}" if count else ""
    effect = f"{_effect(row)}{seeds}"
    change = f"; {row['would_change']}" if row.get("would_change") else ""
    if row["verdict"] == "equivalent":
        also = f", though the difference is real ({corrected})" if row["real"] else ""
        return f"{names}: equivalent, {effect}; it lies within {margin}{also}{change}."
    ratio = f"; {row['ratio']}" if row.get("ratio") else ""
    if row["verdict"] in ("better", "worse"):
        small = "; whether it exceeds " + margin + " is open" if _straddles(row) else ""
        return f"{names}: {row['verdict']}, {effect} ({row['better']} is better; {corrected}{small}){ratio}{change}."
    return f"{names}: unresolved, {effect} ({corrected}){ratio}; {row['would_resolve']}."


def _effect(row: Mapping[str, Any]) -> str:
    return effect_text(row["effect"], row["low"], row["high"], row["unit"])


def _straddles(row: Mapping[str, Any]) -> bool:
    """Whether part of the interval is smaller than the smallest effect of interest."""
    return bool(min(abs(row["low"]), abs(row["high"])) < row["margin"])


def render_lines(verdict: Mapping[str, Any]) -> list[str]:
    """The verdict block of the terminal: primary comparisons by size and variant, further baselines, judged pairs,
    optimum and transfer, what was flagged and what was left out."""
    primary = [row for row in verdict["comparisons"] if row["primary"]]
    count = f"{len(primary)} primary comparison{'' if len(primary) == 1 else 's'}"
    sizes = list(dict.fromkeys(str(row.get("size") or "") for row in primary))
    over = f" of {len(sizes)} sizes" if len(sizes) > 1 else ""
    none = "no primary comparison" if verdict["comparisons"] else "nothing can be compared"
    corrected = f"Holm over {count}{over}" if primary else none
    lines = [f"verdict (95 % intervals, {corrected}; baseline {verdict['baseline']})"]
    main = {str(row["measure"]) for row in primary}
    further = [row for row in verdict["comparisons"] if row.get("role") == "other baseline" and row["measure"] in main]
    shown = [*primary, *further]
    widths = _widths(shown, verdict)
    for size in sizes:
        lines += [f"  {size}"] if len(sizes) > 1 else []
        lines += _rows(verdict, [row for row in shown if str(row.get("size") or "") == size], widths)
    indent = widths[0]
    lines += judged_lines(verdict["winrates"])
    scripted = any(row.get("scripted") for row in verdict["winrates"])
    lines += strength_lines(verdict.get("strengths") or [], scripted=scripted)
    for label, sentences in (
        ("optimum", _told(verdict.get("optimum"), main)),
        ("transfer", _told(verdict.get("transfer"), main)),
        ("flagged", flagged(verdict)),
        ("left out", left_out(verdict)),
    ):
        for sentence in sentences:
            lines += _folded(f"  {label:<{indent}}  ", sentence)
            label = ""
    if verdict["proxy_sentence"]:
        lines.append(f"  {verdict['proxy_sentence']}")
    return lines


def _name(row: Mapping[str, Any], baseline: str) -> str:
    """The variant, with its baseline where that is not the study's."""
    return str(row["variant"]) if row["baseline"] == baseline else f"{row['variant']} / {row['baseline']}"


def _widths(rows: Sequence[Mapping[str, Any]], verdict: Mapping[str, Any]) -> tuple[int, int, int]:
    names = [_name(row, verdict["baseline"]) for row in rows]
    columns = names, [str(row["measure"]) for row in rows], [str(row["verdict"]) for row in rows]
    first, second, third = (max(map(len, column), default=0) for column in columns)
    return max(first, len("left out")), second, third


def _rows(verdict: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], widths: tuple[int, int, int]) -> list[str]:
    """A line for each comparison, by variant and baseline, whose name stands on the first of its lines."""
    lines: list[str] = []
    names = [_name(row, verdict["baseline"]) for row in rows]
    for name in dict.fromkeys(names):
        shown = name
        for row in (row for row, own in zip(rows, names, strict=True) if own == name):
            measure, word, effect = str(row["measure"]), str(row["verdict"]), _effect(row)
            line = f"  {shown:<{widths[0]}}  {measure:<{widths[1]}}  {word:<{widths[2]}}  {effect}".rstrip()
            fits = len(line) <= WIDTH
            lines += [line] if fits else _folded(f"  {shown:<{widths[0]}}  ", f"{measure}  {word}  {effect}")
            shown = ""
    return lines


def _told(part: Mapping[str, Any] | None, measures: set[str]) -> list[str]:
    """The sentences of the analysis of a sweep or of sizes: on the whole, on each of these measures, and what to run
    next."""
    if not part:
        return []
    whole = [part["said"]] if isinstance(part.get("said"), str) else []
    each = [row.get("said") for row in part.get("measures") or [] if row["name"] in measures]
    more = [(part.get(name) or {}).get("said") for name in ("pareto", "repetition", "confirm")]
    return list(dict.fromkeys(str(sentence) for sentence in [*whole, *each, *more] if sentence))


def flagged(verdict: Mapping[str, Any]) -> list[str]:
    """What gates flagged, and near-zero baselines."""
    size = _at if _several(verdict) else _nowhere
    gates = [f"{size(row)}{row['said']}" for row in verdict.get("gates") or [] if row["effect"] == "flagged"]
    ratios = [
        f"{size(row)}{row['variant']} on {row['measure']}: {row['ratio']}"
        for row in verdict["comparisons"]
        if row.get("ratio")
    ]
    return list(dict.fromkeys([*gates, *ratios]))


def _several(verdict: Mapping[str, Any]) -> bool:
    return len(verdict.get("sizes") or []) > 1


def judged_lines(winrates: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each judged pair and each of its warnings.

    Every line on a scripted judge begins with SCRIPTED, so that not even a part of it reads like a result.
    """
    if not winrates:
        return []
    judges = listing(list(dict.fromkeys(str(row["judge"]) for row in winrates)))
    count = f"{len(winrates)} judged pair{'' if len(winrates) == 1 else 's'}"
    made_up = any(row.get("scripted") for row in winrates)
    head = f"made-up answers, no result: {count}" if made_up else count
    lines = _labelled("SCRIPTED  " if made_up else "  ", f"{head}, Holm over all; judge: {judges}")
    for row in winrates:
        label = "SCRIPTED  " if row.get("scripted") else "  "
        lines += _labelled(label, _pair_text(row))
        for warning in row.get("warnings") or []:
            lines += _labelled(label, f"  warning: {warning}")
    return lines


def _pair_text(row: Mapping[str, Any]) -> str:
    """`a against b: won 40, tied 30, lost 30, errors 2; net +10 points [−8, +28], half 55.0 %, p = 0.28`; without an
    outcome `…; no outcome`."""
    counts = f"won {row['wins']}, tied {row['ties']}, lost {row['losses']}, errors {row['errors']}"
    head = f"{row['variant']} against {row['baseline']}: {counts}"
    if row["net"] is None:
        return f"{head}; no outcome"
    net = effect_text(row["net"], row["low"], row["high"], "points")
    half = f"half {row.get('half', 50 + row['net'] / 2):.1f} %"
    return f"{head}; net {net}, {half}, {p_text(row['p_holm'])}"


def strength_lines(strengths: Sequence[Mapping[str, Any]], *, scripted: bool) -> list[str]:
    """A line for each arm but the reference: log odds, the win rate they imply and p, or why there are none.

    Args: `strengths`: rows of `bradley_terry.strengths`; `scripted`: a script answered, so that every line says so.
    """
    if not strengths:
        return []
    label = "SCRIPTED  " if scripted else "  "
    others = [row for row in strengths if row["arm"] != row["reference"]]
    count = sum(bool(row["identified"]) for row in others)
    head = "made-up answers, no result: strengths" if scripted else "strengths"
    corrected = f"; Holm over {count} arm{'' if count == 1 else 's'}" if count else ""
    lines = _labelled(
        label, f"{head} from all pairs (Bradley–Terry), log odds against {strengths[0]['reference']}{corrected}"
    )
    for row in others:
        lines += _labelled(label, f"{row['arm']}: {_strength_text(row)}")
    return lines


def _strength_text(row: Mapping[str, Any]) -> str:
    """`+0.31 [+0.10, +0.52], implied win rate 57.7 % [52.5, 62.7], p = 0.012`; `not identified: …` without a place."""
    if not row["identified"]:
        return f"not identified: {row['why']}"
    odds = f"{signed(row['strength'], 2)} [{signed(row['low'], 2)}, {signed(row['high'], 2)}]"
    rate = f"implied win rate {row['rate']:.1f} % [{row['rate_low']:.1f}, {row['rate_high']:.1f}]"
    return f"{odds}, {rate}, {p_text(row['p_holm'])}"


def _labelled(label: str, words: str) -> list[str]:
    """`words` on as many lines as they need, the label before each of them."""
    return textwrap.wrap(words, WIDTH, initial_indent=label, subsequent_indent=f"{label}    ", break_on_hyphens=False)


def _folded(label: str, words: str) -> list[str]:
    """`words` after the label, on as many lines of at most WIDTH columns as they need."""
    room = max(WIDTH - len(label), 40)
    first, *rest = textwrap.wrap(words, room, break_on_hyphens=False) or [""]
    return [label + first, *(" " * len(label) + "  " + line for line in textwrap.wrap(" ".join(rest), room - 2))]


def left_out(verdict: Mapping[str, Any]) -> list[str]:
    """`boolean (text-only not above chance: 51.2 % of 50 %)`, and whatever else does not count."""
    size = _at if _several(verdict) else _nowhere
    tasks = [f"{size(row)}{row['task']} ({row['reason']})" for row in verdict["excluded"]]
    gone = [row for row in verdict.get("gates") or [] if row["effect"] == "left out" and row["gate"] != "at chance"]
    return list(dict.fromkeys([*tasks, *(f"{size(row)}{row['said']}" for row in gone), *verdict["left_out"]]))


def _at(row: Mapping[str, Any]) -> str:
    return f"{row['size']}: " if row.get("size") else ""


def _nowhere(row: Mapping[str, Any]) -> str:
    """Of a study of one size, whose name needs no repeating."""
    return ""
