"""What a verdict hands over to the optimum: seeds by number, and the baselines that are known."""

from __future__ import annotations

import numpy as np

from leaven.analyze import wider
from leaven.analyze.evidence import Evidence
from leaven.analyze.request import parse_request
from leaven.analyze.results import Sampled

SHARES = {"0 %": 0.0, "50 %": 0.5, "75 %": 0.75, "100 %": 1.0}
MEASURE = {
    "name": "prose",
    "tasks": ["t"],
    "statistic": "gold_bpb",
    "better": "lower",
    "effect": "relative",
    "margin": 1.0,
    "primary": True,
}


def optimum(seeds, repeats):
    asked = parse_request(
        {
            "study": "s",
            "baseline": "0 %",
            "variants": list(SHARES),
            "seeds": [1, 2, 3],
            "draws": 200,
            "measures": [MEASURE],
            "sweep": {"of": "code", "variants": list(SHARES), "shares": SHARES, "repeats": repeats},
        }
    )
    level = {1: 0.0, 2: 4.0, 3: -3.0}
    rng, arms = np.random.default_rng(0), {}
    for variant, share in SHARES.items():
        own = np.array([(share - 0.6) ** 2 + level[seed] + 0.002 * rng.standard_normal() for seed in seeds[variant]])
        arms[variant] = Sampled(seeds[variant], own, own + np.zeros((200, 1)), 50, 50)
    found = wider.optimum(asked, [Evidence("", "final", asked.measures[0], arms, ("t",))])
    assert found is not None
    return found


def test_seeds_pair_by_number():
    whole, part = (1, 2, 3), (2, 3)
    found = optimum({"0 %": whole, "50 %": part, "75 %": whole, "100 %": whole}, None)
    row = found["measures"][0]
    assert (row["seeds"], row["points"][1]["seeds"]) == (2, row["points"][1]["seeds"][:2])
    assert row["points"][0]["high"] - row["points"][0]["low"] < 0.5
    crossed = {"0 %": (1, 2), "50 %": (2, 3), "75 %": (1, 2), "100 %": (1, 2)}
    assert "nothing is paired" in optimum(crossed, None)["measures"][0]["why"]


def test_known_baselines_are_handed_over_and_no_others_promised():
    seeds = dict.fromkeys(SHARES, (1, 2, 3))
    table = optimum(seeds, None)["confirm"]
    assert table["baselines"] == {"study's": 0.0}
    assert table["gain"] > 0
    ours = optimum(seeds, {variant: {"code": 2 * share} for variant, share in SHARES.items()})["confirm"]
    assert ours["baselines"] == {"study's": 0.0, "stratified": 0.5}
    assert "natural" not in str(ours)
