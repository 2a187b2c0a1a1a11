"""A synthetic study of five variants and three seeds, with everything a report can meet: names in Unicode, an excluded
task, every verdict, a shared tree of stages, and a completion that tries to run script."""

from __future__ import annotations

import copy
import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leaven.ground.canonical import key64
from leaven.report.page import write_report

from .votes import strengths

HOSTILE = (
    '<script>alert(1)</script><img src=x onerror="alert(2)"></pre></article><svg onload=alert(3)>'
    "<style>body{display:none}</style><!-- &lt; \x00\x1b[31m \u202egnp.exe <a href='javascript:alert(4)'>here</a>"
)
FIXED: dict[str, Any] = json.loads((Path(__file__).parent / "study.json").read_text(encoding="utf-8"))
"""What is declared and not made: variants, mixtures, measures, their scores and verdicts, the suite, costs."""
SOURCES, VARIANTS, MIXTURES = FIXED["sources"], FIXED["variants"], FIXED["mixtures"]


def _identity(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def _rng(*parts: object) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=key64("report fixture", *parts)))


def _stages() -> list[dict[str, Any]]:
    """(node, parent, mixture, tokens, kind, variants): the expanded tree, once per seed."""
    tree = [
        ("text", None, "text", 2_000_000, "pretrain", ["text-only", "text-only, no code in cooldown"]),
        ("text/finish", "text", "finish", 200_000, "cooldown", ["text-only"]),
        ("text/finish_text", "text", "finish_text", 200_000, "cooldown", ["text-only, no code in cooldown"]),
        ("balanced", None, "balanced", 1_000_000, "pretrain", ["balanced-only", "balanced→text"]),
        ("balanced/more", "balanced", "balanced", 1_000_000, "pretrain", ["balanced-only"]),
        ("balanced/more/finish", "balanced/more", "finish", 200_000, "cooldown", ["balanced-only"]),
        ("balanced/text", "balanced", "mostly_text", 1_000_000, "continue", ["balanced→text"]),
        ("balanced/text/finish", "balanced/text", "finish", 200_000, "cooldown", ["balanced→text"]),
        ("code", None, "code", 1_000_000, "pretrain", ["code→text"]),
        ("code/text", "code", "mostly_text", 1_000_000, "continue", ["code→text"]),
        ("code/text/finish", "code/text", "finish", 200_000, "cooldown", ["code→text"]),
        ("reference", None, "balanced", 3_000_000, "pretrain", []),  # the judge's own model: no variant's
    ]
    made: list[dict[str, Any]] = []
    for seed in (1, 2, 3):
        seen: dict[str, dict[str, float]] = {}
        for name, parent, mixture, tokens, kind, variants in tree:
            weights = MIXTURES[mixture]
            rng = _rng(name, seed)
            points = 12 if tokens > 500_000 else 5
            grid = np.linspace(0, 1, points + 1)[1:]
            curve: dict[str, list[float]] = {
                "step": [int(250 * x) for x in grid],
                "tokens": [int(tokens * x) for x in grid],
                "learning_rate": [3e-3 * (1 - 0.9 * x) for x in grid],
                "train_loss": [3.0 - x for x in grid],
            }
            before = seen.get(parent or "", {})
            seen[name] = {}
            for source, floor in (("text", 2.2), ("web_code", 1.4), ("markup", 1.8)):
                share = weights.get(source, 0.0)
                goal = floor + (1.2 if source != "text" else 0.5) * (1 - share) ** 3
                begin = before.get(source, 8.0)
                fall = goal + (begin - goal) * np.exp(-(9 if parent is None else 5) * grid**0.6)
                values = fall + 0.012 * rng.standard_normal(points)
                curve[f"bpb_{source}"] = [round(float(v), 5) for v in values]
                seen[name][source] = float(values[-1])
            planned = {source: round(tokens * weight) for source, weight in weights.items()}
            made.append(
                {
                    "name": f"{name}/seed-{seed}",
                    "variants": variants,
                    "seed": seed,
                    "kind": kind,
                    "mixture": weights,
                    "tokens": tokens,
                    "ledger": {
                        source: {"rows": n // 128, "tokens": n, "epochs_begun": 1} for source, n in planned.items()
                    },
                    "planned": planned,
                    "learning_rate": {"first": 3e-3, "last": 1e-6 if kind == "cooldown" else 3e-4},
                    "parent": f"{parent}/seed-{seed}" if parent else None,
                    "identity": _identity(name, seed),
                    "seconds": tokens / 40_000,
                    "curve": curve,
                }
            )
    return made


def _verdict() -> dict[str, Any]:
    names = list(VARIANTS)
    comparisons, scores, noise = [], [], []
    for asked in FIXED["measures"]:
        measure, better, primary, unit = asked["name"], asked["better"], asked["primary"], asked["unit"]
        means = FIXED["scores"][measure]
        spread = 0.006 if measure.endswith("byte") else 0.012
        for variant, mean in zip(names, means, strict=True):
            for point, shift in (("before cooldown", 0.03 if better == "lower" else -0.02), ("final", 0.0)):
                seeds = [float(mean + shift + spread * x) for x in _rng(measure, variant, point).standard_normal(3)]
                scores.append(
                    {
                        "variant": variant,
                        "point": point,
                        "measure": measure,
                        "mean": float(np.mean(seeds)),
                        "low": float(np.mean(seeds)) - 1.6 * spread,
                        "high": float(np.mean(seeds)) + 1.6 * spread,
                        "seeds": seeds,
                        "items": 400,
                    }
                )
                scores.append({**scores[-1], "task": asked["tasks"][0], "counted": True})
            noise.append(
                {"measure": measure, "variant": variant, "mean": mean, "seed_sd": spread, "item_se": spread / 2}
                | {"paired_seed_sd": 20 * spread, "paired_item_sd": 200 * spread, "clusters": 100}
            )
        for verdict, variant, mean in zip(FIXED["verdicts"][measure], names[1:], means[1:], strict=True):
            value = 100 * (mean - means[0]) / (means[0] if unit == "%" else 1)
            half = {"equivalent": 0.5, "unresolved": 2.6}.get(verdict, 0.25 * abs(value) + 0.2)
            asks = f"about {6 if primary else 9} seeds, or 4 times the items, would settle it"
            comparisons.append(
                {
                    "variant": variant,
                    "baseline": "text-only",
                    "measure": measure,
                    "primary": primary,
                    "verdict": verdict,
                    "effect": value,
                    "low": value - half,
                    "high": value + 1.1 * half,
                    "unit": unit,
                    "p": 0.0004 if verdict in ("better", "worse") else 0.3,
                    "p_holm": 0.0036 if verdict in ("better", "worse") else 0.9,
                    "seeds": 3,
                    "items": 400,
                    "would_resolve": asks if verdict == "unresolved" else "nothing: it is resolved",
                }
            )
    answers = [
        f"{row['variant']} against text-only on {row['measure']}: {row['verdict']}, as the interval shows."
        for row in comparisons
        if row["primary"]
    ]
    counts = [(61, 70, 64, 4), (75, 58, 66, 0), (52, 88, 59, 0), (70, 69, 60, 0)]
    winrates = [
        {
            "variant": variant,
            "baseline": "text-only",
            "wins": wins,
            "losses": losses,
            "ties": ties,
            "errors": errors,
            "prompts": wins + losses + ties + errors,
            "net": 100 * (wins - losses) / 199,
            "low": 100 * (wins - losses) / 199 - 11,
            "high": 100 * (wins - losses) / 199 + 11,
            "unit": "points",
            "p": 0.2,
            "p_holm": 0.5,
            "flips": 21,
            "degenerate": 3,
            "judge": "reference model",
            "judge_what": (
                "a reference model of the same size, trained in this study on all sources, that calls the completion "
                "with the higher likelihood per byte the better one; it is not a reader"
            ),
        }
        for variant, (wins, losses, ties, errors) in zip(names[1:], counts, strict=True)
    ]
    return {
        "study": "pocket",
        "question": "Does a little code leaven a small language model?",
        "baseline": "text-only",
        "alpha": 0.05,
        "method": (
            "Differences are paired on seeds and items; intervals come from a hierarchical bootstrap (seeds, then "
            "items, 2,000 draws), and primary comparisons are corrected together by Holm's method."
        ),
        "proxy_sentence": "proxy scale: transfer to larger models is unproven",
        "measures": FIXED["measures"],
        "excluded": [
            {
                "task": "boolean",
                "measure": "boolean evaluation",
                "reason": "text-only and code→text are not above chance (one-sided 95 %)",
                "values": dict(zip(names, [0.512, 0.561, 0.548, 0.503, 0.507], strict=True)),
                "chance": 0.5,
            }
        ],
        "comparisons": comparisons,
        "winrates": winrates,
        "strengths": strengths(),
        "scores": scores,
        "noise": noise,
        "power": [
            {
                "measure": asked["name"],
                "smallest_effect": 0.6 if asked["unit"] == "%" else 4.1,
                "smallest_effect_quietest": 0.41 if asked["unit"] == "%" else 2.9,
                "unit": asked["unit"],
                "note": "at 80 % power with 3 seeds and 400 items",
            }
            for asked in FIXED["measures"]
        ],
        "answers": answers,
        "point": "final",
        "sizes": [
            {"size": "0.3m", "parameters": 282_000, "baseline": "text-only", "variants": names, "seeds": [1, 2, 3]}
        ],
        "gates": [
            {
                "gate": "diverged",
                "size": "0.3m",
                "variant": "code→text",
                "seed": 2,
                "task": "",
                "said": "its held-out loss at the end is 3.2, those of the other seeds 1.9 and 2.0",
                "effect": "left out",
            }
        ],
        "gates_run": [{"size": "0.3m", "gates": ["diverged", "at chance", "degenerate", "few seeds"]}],
    }


def study_data() -> dict[str, Any]:
    """Everything `write_report` can be given, anew for every caller."""
    stages = _stages()
    text = (
        "study: pocket\nquestion: Does a little code leaven a small language model?\nbaseline: text-only\nvariants:\n"
    )
    text += "".join(f"  {name}: [{', '.join(chain)}]\n" for name, chain in VARIANTS.items())
    outcomes = ("win", "lose", "tie", "win")
    samples = [
        {
            "prompt": f"The module provides a way to open {i} files at once. It",
            "baseline": "text-only",
            "variant": list(VARIANTS)[1 + i % 4],
            "baseline_text": " returns the value of the object that is the object that is the object." * (1 + i % 3),
            "variant_text": HOSTILE
            if i == 1
            else f" reads each file in turn and\n\n    return [{i}, {i + 1}]\n\nwhere the list is sorted.",
            "outcome": outcomes[i % 4],
            "score_a": -1.4 + 0.02 * i,
            "score_b": -1.5,
        }
        for i in range(16)
    ]
    steps = [
        {
            "name": row["name"],
            "kind": "stage",
            "identity": row["identity"],
            "seconds": row["seconds"],
            "cpu": row["seconds"],
        }
        for row in stages
    ]
    steps += [
        {
            "name": f"source {name}",
            "kind": "source",
            "identity": _identity("source", name),
            "seconds": 4.2,
            "cpu": 4.0,
        }
        for name in SOURCES
    ]
    made = {
        "verdict": _verdict(),
        "study": {
            "name": "pocket",
            "question": "Does a little code leaven a small language model?",
            "text": text,
            "variants": VARIANTS,
            "mixtures": MIXTURES,
            "model": FIXED["model"],
            "seeds": [1, 2, 3],
            "baseline": "text-only",
            "settings": FIXED["settings"],
        },
        "stages": stages,
        "samples": samples,
        "steps": steps,
        **{
            name: FIXED[name]
            for name in ("plan", "corpus", "assembly", "left_out", "isolation", "suite", "costs", "provenance")
        },
    }
    return copy.deepcopy(made)


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole report, written once."""
    out = tmp_path_factory.mktemp("report") / "pocket"
    write_report(study_data(), out)
    return out


@pytest.fixture
def data() -> dict[str, Any]:
    return study_data()


@pytest.fixture
def hostile() -> str:
    return HOSTILE
