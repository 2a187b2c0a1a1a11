"""Figures that others published, recomputed by the functions that leaven's own results go through.

A set of figures is a function from the folder with its files to checks, no check where the folder has none of them; a
new set is a module with such a function and a line in `SETS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from leaven.analyze.published import (
    alpaca_eval,
    dclm,
    nanochat_seeds,
    paper_readings,
    paper_results,
    paper_weak_points,
    paper_winrates,
    polypythias,
    regmix,
    unavailable,
)
from leaven.analyze.published.check import Check


@dataclass(frozen=True)
class Published:
    """`what` is published, and the files it `needs` ("" where everything is built in)."""

    what: str
    needs: str
    checks: Callable[[Path], list[Check]]


SETS: Mapping[str, Published] = {
    "paper_winrates": Published("win rates of the paper, figures 7 to 9", "", paper_winrates.checks),
    "paper_scores": Published(
        "averages of the paper's table 2, and its checkpoints in several figures", "", paper_results.checks
    ),
    "paper_claims": Published("what the paper's text makes of its scores", "", paper_readings.checks),
    "paper_weak_points": Published(
        "what follows from the paper's scores and is not in it", "", paper_weak_points.checks
    ),
    "alpaca_eval": Published(
        "leaderboards of AlpacaEval",
        "leaderboards and annotations of github.com/tatsu-lab/alpaca_eval",
        alpaca_eval.checks,
    ),
    "regmix": Published(
        "RegMix: what 1M-parameter proxies say about 60M",
        "data/test_pile_loss_{1m,60m}.csv of github.com/sail-sg/regmix",
        regmix.checks,
    ),
    "nanochat_seeds": Published(
        "nanochat: the noise of twenty seeds",
        "pr807_20seeds.csv, the table of karpathy/nanochat#807",
        nanochat_seeds.checks,
    ),
    "polypythias": Published(
        "PolyPythias: the noise of Pythia's seeds",
        "train_loss_blocks1000.csv and downstream_by_seed.csv, from github.com/EleutherAI/pythia",
        polypythias.checks,
    ),
    "dclm": Published(
        "DataComp-LM: decisions of small scales for 7B, and averages of tasks",
        "evals.csv, DCLM_model_database.csv, eval_meta_data*.csv and additional_aggregation.json of "
        "github.com/mlfoundations/dclm",
        dclm.checks,
    ),
    "unavailable": Published("reference numbers whose runs could not be had", "", unavailable.checks),
}
