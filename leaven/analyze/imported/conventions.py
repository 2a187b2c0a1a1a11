"""What columns and metrics are usually called, and what follows from a name; nothing follows from an unusual one.

A guess is taken only where a name leaves no doubt, and every guess is told, so a wrong one is seen.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

ROLES: dict[str, tuple[str, ...]] = {
    "variant": ("variant", "recipe", "arm", "treatment", "condition", "mixture", "mix", "data", "dataset", "model"),
    "seed": ("seed", "random seed", "train seed", "replicate", "rep"),
    "size": ("size", "model size", "params", "parameters", "n params", "num params", "scale"),
    "point": ("point", "step", "steps", "checkpoint", "iteration", "training step"),
    "metric": ("metric", "measure", "metric name"),
    "task": ("task", "benchmark", "task name", "eval"),
    "value": ("value", "score", "result"),
    "se": ("se", "stderr", "std err", "standard error", "sem"),
    "n": ("n", "n items", "num items", "items", "n samples", "num examples"),
    "item": ("item", "item id", "doc id", "example", "example id", "question id", "instance id"),
    "group": ("group", "cluster", "passage", "document"),
    "weight": ("weight", "bytes", "denominator"),
}
"""Roles of columns by their usual names, the likeliest first. "run" and "id" say nothing and are in none."""


def _set(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


LOWER = _set("loss nll ppl perplexity bpb bpc error wer cer brier ter crossentropy regret toxicity entropy")
HIGHER = _set(
    "acc accuracy em f1 bleu rouge rougel chrf mcc auc auroc pass core winrate recall precision match solved correct"
)
SHARES = _set("acc accuracy em f1 pass match auc auroc recall precision solved correct")
"""Words in the name of a metric that settle which way is better, and those of metrics between 0 and 1."""

ERROR = re.compile(r"^(?P<of>.+?)[ _.:/-]*(?:std[ _]?err|stderr|standard[ _]error|[ _.:]se|[ _.:]sem)(?P<filter>,.+)?$")
ERROR_FIRST = re.compile(r"^(?:stderr|std[ _]err|se|sem)[ _.:/](?P<of>.+)$")
SHARE = re.compile(r"^share[ _.:/-](?P<a>.+)$|^(?P<b>.+)[ _.:/-]share$")
_PART = "ratio|fraction|frac|proportion"
PART = re.compile(rf"^(?:{_PART})[ _.:/-](?P<a>.+)$|^(?P<b>.+)[ _.:/-](?:{_PART})$")
"""Columns that may hold a source's share, and as well anything else: `code_ratio`, `repetition_ratio`."""
COUNT = re.compile(r"(\d+(?:\.\d+)?)\s*([kmbt])(?:$|[^a-z])", re.IGNORECASE)
UNITS = {"k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12}
BASELINE = re.compile(r"^(?:the[ _-])?(?:baseline|control|reference|base)$", re.IGNORECASE)


def plain(name: str) -> str:
    """`Random_Seed` as `random seed`."""
    return re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()


def words(name: str) -> list[str]:
    found = plain(name).split()
    pairs = [a + b for a, b in pairwise(found)]  # cross_entropy, win rate
    return [*found, *pairs]


def direction(name: str) -> str:
    """ "lower", "higher", or "" where the name does not say which is better."""
    said = set(words(name))
    if {"bits", "per"} <= said or {"bits", "byte"} <= said:
        return "lower"
    lower, higher = bool(said & LOWER), bool(said & HIGHER)
    return "" if lower == higher else "lower" if lower else "higher"


def in_bits(name: str) -> bool:
    said = set(words(name))
    return "bpb" in said or {"bits", "per", "byte"} <= said


def is_share(name: str) -> bool:
    return bool(set(words(name)) & SHARES)


def error_of(column: str, columns: Sequence[str]) -> str:
    """The column whose standard errors this one holds, "" where it holds none: `acc_stderr,none` → `acc,none`."""
    found = ERROR_FIRST.match(column.lower()) or ERROR.match(column.lower())
    if not found:
        return ""
    wanted = plain(found["of"] + (found.groupdict().get("filter") or ""))
    return next((other for other in columns if other != column and plain(other) == wanted), "")


def share_of(column: str) -> tuple[str, bool]:
    """The source whose share a column holds, and whether its name leaves no doubt: `code_share` → `code`. "" for
    another column, also one that a metric's name is in: `match_ratio`."""
    for pattern, sure in ((SHARE, True), (PART, False)):
        found = pattern.match(column)
        if found and (sure or not direction(column)):
            return found["a"] or found["b"], sure
    return "", False


def parameters(size: str) -> int:
    """Parameters that a size's name states: 150M, open_lm_1b, 1439795200; 0 where it states none."""
    try:
        count = float(size)
    except ValueError:
        found = COUNT.findall(size)
        count = float(found[-1][0]) * UNITS[found[-1][1].lower()] if found else 0
    return round(count) if 1000 <= count < 1e15 else 0


def natural(word: str) -> tuple[tuple[int, float, str], ...]:
    """Order of names with numbers in them: seed 2 before seed 10."""
    parts = re.split(r"(\d+)", word)
    return tuple((0, float(part), "") if part.isdigit() else (1, 0.0, part) for part in parts if part)
