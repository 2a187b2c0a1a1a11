"""What accelerators could do at most: dense bfloat16 operations a second and memory, as their makers publish them.

Sources: NVIDIA's data sheets of each card (where they print a figure with sparsity, half of it) and Google Cloud's
pages on TPU versions. Cards whose sheets give no bfloat16 figure of matrix units have no entry, and a processor has
none: what it could do depends on its clock, which it chooses. Memory is what the sheet calls GB, which is 2³⁰ bytes in
all of them (a card of "80 GB" reports 81,559 MiB); a program gets a little less.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

GB = 2**30


@dataclass(frozen=True)
class Chip:
    """`flops`: dense bfloat16 operations a second. `memory`: bytes."""

    flops: float
    memory: int


CHIPS = {
    "A100-40GB": Chip(312e12, 40 * GB),
    "A100-80GB": Chip(312e12, 80 * GB),
    "L4": Chip(121e12, 24 * GB),
    "L40S": Chip(362e12, 48 * GB),
    "H100": Chip(989e12, 80 * GB),
    "H100-NVL": Chip(835e12, 94 * GB),
    "H100-PCIe": Chip(756e12, 80 * GB),
    "H200": Chip(989e12, 141 * GB),
    "H200-NVL": Chip(835e12, 141 * GB),
    "B200": Chip(2250e12, 180 * GB),
    "v4": Chip(275e12, 32 * GB),
    "v5e": Chip(197e12, 16 * GB),
    "v5p": Chip(459e12, 95 * GB),
    "v6e": Chip(918e12, 32 * GB),
}
"""Without more, `H100` and `H200` are those of SXM boards."""

TPUS = {
    "TPU v4": "v4",
    "TPU v5 lite": "v5e",
    "TPU v5e": "v5e",
    "TPU v5": "v5p",
    "TPU v5p": "v5p",
    "TPU v6 lite": "v6e",
    "TPU v6e": "v6e",
}
"""How TPUs call themselves → the entry."""


def chip_of(device_kind: str) -> Chip | None:
    """The entry of a device that calls itself so, or None. NVIDIA's names hold every word of the entry's."""
    if device_kind in TPUS:
        return CHIPS[TPUS[device_kind]]
    maker, *words = re.split(r"[\s-]+", device_kind.upper())
    if maker != "NVIDIA":
        return None
    fitting = [name for name in CHIPS if {*name.upper().split("-")} <= {*words}]
    return CHIPS[max(fitting, key=len)] if fitting else None
