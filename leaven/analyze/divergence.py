"""Seeds whose training broke: left out of their arm and of every pair they are part of, with the reason told.

What a run ends with is compared with the other seeds of its own variant and size: the mean of its held-out losses and
its training loss, both from the last row of its curve. Never with other variants, whose losses differ for good reason.
Where most seeds of an arm are broken the others are no measure; so an arm whose seeds end far apart is flagged, and so
are runs that end no better than by guessing tokens, or well above the lowest loss of their own curve.

The bounds are from the loss curves of the 28 PolyPythias runs (METHODS.md §2.2), which all trained through: in blocks
of 1,000 steps the largest excess over the median of a run's siblings is 15 %, the seeds of a size are never more than
19 % apart, and none of them would be left out. Leaving out runs by their outcome biases what is left, so only what is
plainly broken goes; what is odd but may be luck is flagged and stays.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from leaven.analyze.gates import LEFT_OUT, Effect, Gate
from leaven.analyze.text import listing
from leaven.ground.files import read_json

BROKEN = 0.20
"""Excess over the median of the other seeds, as a share of it, from which a run may have diverged."""
SPREADS = 10.0
"""How many robust standard deviations of the other seeds the excess must also be."""
ODD, ODD_SPREADS = 0.10, 5.0
"""The same for a run that is flagged."""
FEWEST = 2
"""Other seeds without which nobody can say which run is the broken one."""
GUESSING = 0.95
"""Share of the logarithm of the vocabulary, in nats, from which a run has learned nothing: that of any token alike."""


@dataclass(frozen=True)
class Ending:
    """How a stage ended: `losses` (`training loss` in nats; `held-out loss`, the mean over sources in bits per byte),
    None for what is no finite number; `lowest` training loss of its curve; `guessing`, the loss of guessing tokens."""

    losses: Mapping[str, float | None]
    lowest: float | None
    guessing: float | None


def diverged(stages: Sequence[Mapping[str, Any]]) -> list[Gate]:
    """Gates on the runs of `{size, variant, seed, folder}`, where the folder is that of a run's last training stage.

    A folder without a curve says nothing, and its run is left alone.
    """
    arms: dict[tuple[str, str], dict[int, Ending]] = {}
    for stage in stages:
        found = ending(Path(stage["folder"]))
        if found:
            arms.setdefault((str(stage["size"]), str(stage["variant"])), {})[int(stage["seed"])] = found
    return [gate for (size, variant), runs in sorted(arms.items()) for gate in _arm(size, variant, runs)]


def ending(folder: Path) -> Ending | None:
    """How the stage in this folder ended; None without a curve."""
    path = folder / "curve.parquet"
    if not path.is_file():
        return None
    rows = pq.read_table(path).to_pylist()
    if not rows:
        return None
    held_out = [value for name, value in rows[-1].items() if name.startswith("bpb_")]
    losses: dict[str, float | None] = {"training loss": _finite(rows[-1].get("train_loss"))}
    if held_out:
        whole = [value for value in map(_finite, held_out) if value is not None]
        losses["held-out loss"] = math.fsum(whole) / len(whole) if len(whole) == len(held_out) else None
    trained = [value for row in rows if (value := _finite(row.get("train_loss"))) is not None]
    about = read_json(folder / "stage.json") if (folder / "stage.json").is_file() else {}
    tokens = int((about.get("model") or {}).get("vocab") or 0)
    return Ending(losses, min(trained, default=None), math.log(tokens) if tokens > 1 else None)


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _arm(size: str, variant: str, runs: Mapping[int, Ending]) -> list[Gate]:
    gates = []
    for seed in sorted(runs):
        found = _run(seed, runs)
        if found:
            effect, why = found
            said = f"{variant} seed {seed}: its final {why}" + (
                "; its pairs are left out" if effect == LEFT_OUT else ""
            )
            gates.append(Gate("diverged", size, variant, seed, "", said, effect))
    told = {gate.seed for gate in gates}
    apart = _apart({seed: run for seed, run in runs.items() if seed not in told})
    if apart:
        gates.append(Gate("diverged", size, variant, None, "", f"{variant}: {apart}", "flagged"))
    gone = {gate.seed for gate in gates if gate.effect == LEFT_OUT}
    return gates + _alone(size, variant, {seed: run for seed, run in runs.items() if seed not in gone})


def _run(seed: int, runs: Mapping[int, Ending]) -> tuple[Effect, str] | None:
    """The worst finding on one seed: what leaves it out before what flags it."""
    worst: tuple[Effect, str] | None = None
    for what, value in sorted(runs[seed].losses.items()):
        others = [other for s, run in runs.items() if s != seed and (other := run.losses.get(what)) is not None]
        found = judge(value, others)
        if found and (worst is None or (found[0] == LEFT_OUT != worst[0])):
            worst = found[0], f"{what} {found[1]}"
    return worst


def _apart(runs: Mapping[int, Ending]) -> str:
    """What is said of seeds that end so far apart that some must be broken, though none stands out; "" otherwise."""
    furthest, said = 1 + BROKEN, ""
    for what in sorted({what for run in runs.values() for what in run.losses}):
        values = {seed: value for seed, run in runs.items() if (value := run.losses.get(what)) is not None}
        low, high = min(values, key=values.__getitem__, default=None), max(values, key=values.__getitem__, default=None)
        if low is not None and high is not None and values[low] > 0 and values[high] / values[low] > furthest:
            furthest = values[high] / values[low]
            said = (
                f"the final {what} of its seeds is from {values[low]:.3g} (seed {low}) to {values[high]:.3g} (seed "
                f"{high}), {100 * (furthest - 1):.0f} % apart; which of them broke cannot be told, and all count"
            )
    return said


def _alone(size: str, variant: str, runs: Mapping[int, Ending]) -> list[Gate]:
    """Runs that their own curve or vocabulary shows to be odd, whatever the other seeds did; one gate for each kind."""
    kinds: dict[str, list[int]] = {}
    for seed, run in sorted(runs.items()):
        value = run.losses.get("training loss")
        if value is None:
            continue
        if run.guessing is not None and value >= GUESSING * run.guessing:
            kinds.setdefault(f"is that of guessing tokens ({run.guessing:.3g} nats): nothing was learned", []).append(
                seed
            )
        elif run.lowest is not None and value > (1 + ODD) * run.lowest:
            kinds.setdefault(f"is more than {100 * ODD:.0f} % above the lowest of its own curve", []).append(seed)
    return [
        Gate("diverged", size, variant, seeds[0] if len(seeds) == 1 else None, "", said, "flagged")
        for what, seeds in kinds.items()
        for said in [
            f"{variant} seed{'' if len(seeds) == 1 else 's'} {listing(list(map(str, seeds)))}: the final training loss "
            f"{what}"
        ]
    ]


def judge(value: float | None, others: Sequence[float]) -> tuple[Effect, str] | None:
    """("left out" or "flagged", why) for a final loss among the other seeds' losses, or None for an ordinary one."""
    if value is None:
        return LEFT_OUT, "is not a number"
    if not others:
        return None
    middle = float(np.median(others))
    spread = 1.4826 * float(np.median(np.abs(np.asarray(others) - middle)))
    excess = value / middle - 1
    if excess <= ODD or value - middle <= ODD_SPREADS * spread:
        return None
    count = "the other seed's" if len(others) == 1 else f"the median of the other {len(others)} seeds"
    why = f"is {100 * excess:.0f} % above {count} ({value:.3g} against {middle:.3g})"
    if excess > BROKEN and value - middle > SPREADS * spread and len(others) >= FEWEST:
        return LEFT_OUT, why
    return "flagged", why
