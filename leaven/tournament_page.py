"""What the page of a tournament is made from, gathered from its folders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from leaven.contestants import Contest, notes
from leaven.ground.files import sha256_file
from leaven.ground.tables import read_table
from leaven.ground.version import __version__

if TYPE_CHECKING:
    from leaven.judge.question import Judge as Asked

ALPHA = 0.05
SAMPLES = 60
"""Judged prompts of each pair that the page shows."""


def about(asked: Asked, fields: Mapping[str, Any]) -> dict[str, Any]:
    template = getattr(asked, "template", None)
    return {
        "name": asked.name,
        "what": asked.what,
        "scripted": asked.scripted,
        "template": template.id if template else "",
        "gate": fields["gate"],
        "controls": fields["controls"],
    }


def _votes(pair: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every vote of a pair, for programs."""
    columns = read_table(pair["folder"] / "votes.parquet")
    about = {name: pair[name] for name in ("variant", "baseline", "seed")}
    return [about | dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def page(
    contest: Contest,
    fields: Mapping[str, Any],
    asked: Asked,
    baseline: str,
    rows: list[dict[str, Any]],
    found: list[dict[str, Any]],
    cost: Mapping[str, Any],
    judgements: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """What the page is made from."""
    from leaven.judge.sample import sample

    samples = [
        row
        for pair in judgements
        for row in sample(
            pair["folder"], variant=pair["variant"], baseline=pair["baseline"], seed=pair["seed"], limit=SAMPLES
        )
    ]
    title = " against ".join(arm.name for arm in contest.arms) if len(contest.arms) == 2 else "a tournament"
    return {
        "title": f"{title}: {contest.about['set']}",
        "baseline": baseline,
        "arms": [{"name": arm.name, "what": contest.what(arm.name)} for arm in contest.arms],
        "winrates": rows,
        "strengths": found,
        "samples": samples,
        "votes": [row for pair in judgements for row in _votes(pair)],
        "prompts": {**contest.about, "notes": [*(contest.about.get("notes") or ()), *notes(contest)]},
        "judge": about(asked, fields),
        "cost": dict(cost),
        "rules": contest.rules,
        "provenance": {
            "leaven": __version__,
            **{f"completions of {arm.name}": contest.hashes()[arm.name] for arm in contest.arms},
            "prompts": sha256_file(contest.prompts),
        },
        "alpha": ALPHA,
    }
