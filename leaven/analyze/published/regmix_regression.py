"""RegMix: what a regression of the Pile-CC loss on the shares of 1M runs predicts of mixtures it has not seen.

The ridge is the one that leaven fits to swarms (`leaven.analyze.optimum.features`). Least squares on the plain shares
is no part of leaven: the field's simplest rival, computed here for comparison. The numbers beside which ours are put
are METHODS.md §8.2 and EVALUATION.md §8.

What had to be found out: of n training runs the mean is over ten subsets, the first n of ten permutations that a single
`default_rng(0)` makes for n = 32, 64, 128 and 256 in turn; all 512 are fitted once.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from leaven.analyze.bootstrap import Floats
from leaven.analyze.optimum.features import ridge
from leaven.analyze.published.check import Check, beside
from leaven.analyze.published.sheet import aligned, read_sheet
from leaven.analyze.transfer.agreement import spearman

TRAIN = "train_{}_1m.csv"
TESTS = {"1M": "test_{}_1m.csv", "60M": "test_{}_60m.csv", "1B": "test_{}_1B.csv"}
LOSS, SHARE = "metric/the_pile_pile_cc_val_loss", "train_the_pile_"
SUBSETS = 10
LEARNED = {
    32: (".919", ".912"),
    64: (".970", ".965"),
    128: (".982", ".977"),
    256: (".986", ".982"),
    512: (".987", ".983"),
}
"""Training runs -> rank correlation of predictions and losses at 1M and at 60M."""
PLAIN = {"1M": ("90.21", "90.16"), "60M": ("89.33", "89.24"), "1B": ("87.66", "87.86")}
"""Least squares with an intercept and without: 100 × rank correlation."""

Swarm = tuple[Floats, Floats]
"""Shares [runs × sources] and losses [runs]."""


def regression(folder: Path) -> list[Check]:
    """All figures of `data` in a folder; none where it lacks one of its files. BadInput for a file that is wrong."""
    names = [name.format(kind) for name in (TRAIN, *TESTS.values()) for kind in ("mixture", "pile_loss")]
    if not all((folder / "data" / name).is_file() for name in names):
        return []
    train = _swarm(folder, TRAIN)
    tests = {size: _swarm(folder, name) for size, name in TESTS.items()}
    source = "METHODS.md §8.2, from data/{train,test}_{mixture,pile_loss}_*.csv"
    found = []
    for count, ours in _learned(train, [tests["1M"], tests["60M"]]).items():
        for size, printed, rho in zip(("1M", "60M"), LEARNED[count], ours, strict=True):
            found.append(
                beside("ridge on mixtures", f"{count} runs, at {size}: rank correlation", source, printed, rho)
            )
    shares, losses = train
    for place, kind in enumerate(("with an intercept", "without")):
        fitted = np.linalg.lstsq(_plain(shares, kind), losses, rcond=None)[0]
        for size, (unseen, measured) in tests.items():
            rho = 100 * spearman(_plain(unseen, kind) @ fitted, measured)
            what = f"{kind}, at {size}: 100 × rank correlation"
            found.append(beside("least squares on mixtures", what, source, PLAIN[size][place], rho))
    return found


def _learned(train: Swarm, tests: list[Swarm]) -> dict[int, list[float]]:
    """Training runs -> mean rank correlation on each test."""
    generator = np.random.default_rng(0)
    shares, losses = train
    found = {}
    for count in LEARNED:
        rows = []
        for _ in range(SUBSETS if count < len(losses) else 1):
            chosen = generator.permutation(len(losses))[:count]
            law = ridge(shares[chosen], losses[chosen])
            rows.append([spearman(law.predict(unseen), measured) for unseen, measured in tests])
        found[count] = [float(value) for value in np.mean(rows, axis=0)]
    return found


def _plain(shares: Floats, kind: str) -> Floats:
    return shares if kind == "without" else np.concatenate([np.ones((len(shares), 1)), shares], axis=1)


def _swarm(folder: Path, name: str) -> Swarm:
    mixtures = read_sheet(folder, f"data/{name.format('mixture')}")
    losses = aligned(mixtures, read_sheet(folder, f"data/{name.format('pile_loss')}"), "index")
    sources = [column for column in mixtures.head if column.startswith(SHARE)]
    return np.stack([mixtures.numbers(column) for column in sources], axis=1), losses.numbers(LOSS)
