"""How noisy each arm is: the spread between seeds and the uncertainty from items, arm by arm.

Never pooled over arms: the noise depends on the mixture (a 25-fold range was seen for code bits-per-byte, METHODS.md
§2.2). The paired columns are what comparisons rest on and what a later study's power is planned from.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from leaven.analyze.decision import Comparison
from leaven.analyze.results import Sampled


def noise_rows(
    size: str, measure: str, variants: Mapping[str, Sampled], comparisons: Mapping[str, Comparison]
) -> list[dict[str, Any]]:
    """One row a variant: `seed_sd` (ddof 1, of the per-seed statistics; None with one seed), `item_se` of the mean over
    seeds (the bootstrap's, clustered), in the statistic's scale; and against its first baseline, in the comparison's
    unit, the sd of paired per-seed effects `paired_seed_sd` and the item part's se × √clusters `paired_item_sd`, None
    where nobody counted the items, as in scores with nothing but a standard error: 0 would say that there is no such
    noise."""
    rows = []
    for variant, sampled in variants.items():
        crossed, pair = sampled.crossed(), comparisons.get(variant)
        rows.append(
            {
                "size": size,
                "measure": measure,
                "variant": variant,
                "mean": crossed.estimate,
                "seed_sd": crossed.seed_se * math.sqrt(crossed.seeds) if crossed.seeds > 1 else None,
                "item_se": crossed.total_item_se,
                "paired_seed_sd": pair.effect.seed_se * math.sqrt(pair.effect.seeds)
                if pair and pair.effect.seeds > 1
                else None,
                "paired_item_sd": pair.effect.item_se * math.sqrt(pair.clusters) if pair and pair.clusters else None,
                "unit": pair.unit if pair else "",
                "seeds": crossed.seeds,
                "items": sampled.items,
                "clusters": sampled.clusters,
            }
        )
    return rows
