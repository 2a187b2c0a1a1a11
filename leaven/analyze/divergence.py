"""Seeds whose training broke: left out of their arm and of every pair they are part of, with the reason told.

What a run ends with is compared with the other seeds of its own variant and size: the mean of its held-out losses and
its training loss, both from the last row of its curve. Never with other variants, whose losses differ for good reason.

The bounds are from the loss curves of the 28 PolyPythias runs (METHODS.md §2.2), which all trained through: in blocks
of 1,000 steps the largest excess over the median of a run's siblings is 15 %, and none of them would be left out.
Leaving out runs by their outcome biases what is left, so only what is plainly broken goes; what is odd but may be luck
is flagged and stays.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from leaven.analyze.gates import LEFT_OUT, Effect, Gate

BROKEN = 0.20
"""Excess over the median of the other seeds, as a share of it, from which a run may have diverged."""
SPREADS = 10.0
"""How many robust standard deviations of the other seeds the excess must also be."""
ODD, ODD_SPREADS = 0.10, 5.0
"""The same for a run that is flagged."""
FEWEST = 2
"""Other seeds without which nobody can say which run is the broken one."""


def diverged(stages: Sequence[Mapping[str, Any]]) -> list[Gate]:
    """Gates on the runs of `{size, variant, seed, folder}`, where the folder is that of a run's last training stage.

    A folder without a curve says nothing, and its run is left alone.
    """
    arms: dict[tuple[str, str], dict[int, dict[str, float | None]]] = {}
    for stage in stages:
        found = final_losses(Path(stage["folder"]))
        if found:
            arms.setdefault((str(stage["size"]), str(stage["variant"])), {})[int(stage["seed"])] = found
    return [gate for (size, variant), runs in sorted(arms.items()) for gate in _arm(size, variant, runs)]


def final_losses(folder: Path) -> dict[str, float | None]:
    """`training loss` in nats and `held-out loss`, the mean over sources in bits per byte, at the end of a stage; None
    for what is no finite number. Empty without a curve."""
    path = folder / "curve.parquet"
    if not path.is_file():
        return {}
    table = pq.read_table(path)
    if not table.num_rows:
        return {}
    last = table.slice(table.num_rows - 1).to_pylist()[0]
    held_out = [value for name, value in last.items() if name.startswith("bpb_")]
    found: dict[str, float | None] = {"training loss": _finite(last.get("train_loss"))}
    if held_out:
        whole = [value for value in map(_finite, held_out) if value is not None]
        found["held-out loss"] = math.fsum(whole) / len(whole) if len(whole) == len(held_out) else None
    return found


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _arm(size: str, variant: str, runs: Mapping[int, Mapping[str, float | None]]) -> list[Gate]:
    gates = []
    for seed in sorted(runs):
        for what, value in sorted(runs[seed].items()):
            others = [other for s in runs if s != seed and (other := runs[s].get(what)) is not None]
            found = judge(value, others)
            if found:
                effect, why = found
                name = f"{variant} seed {seed}"
                said = f"{name}: its final {what} {why}" + ("; its pairs are left out" if effect == LEFT_OUT else "")
                gates.append(Gate("diverged", size, variant, seed, "", said, effect))
                break
    return gates


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
