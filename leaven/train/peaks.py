"""What accelerators could do at most: dense bfloat16 operations a second and memory, as their makers publish them.

Sources: the data sheets of NVIDIA's A100, H100 (SXM), H200 and B200, without sparsity, and Google Cloud's pages on TPU
versions. A processor has no entry: what it could do depends on its clock, which it chooses.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Chip:
    """`flops`: dense bfloat16 operations a second. `memory`: bytes."""

    flops: float
    memory: int


CHIPS = {
    "A100-40GB": Chip(312e12, 40 * 10**9),
    "A100-80GB": Chip(312e12, 80 * 10**9),
    "H100": Chip(989e12, 80 * 10**9),
    "H200": Chip(989e12, 141 * 10**9),
    "B200": Chip(2250e12, 180 * 10**9),
    "v4": Chip(275e12, 32 * 2**30),
    "v5e": Chip(197e12, 16 * 2**30),
    "v5p": Chip(459e12, 95 * 2**30),
    "v6e": Chip(918e12, 32 * 2**30),
}

NAMES = {
    "TPU v4": "v4",
    "TPU v5 lite": "v5e",
    "TPU v5e": "v5e",
    "TPU v5": "v5p",
    "TPU v5p": "v5p",
    "TPU v6 lite": "v6e",
    "TPU v6e": "v6e",
}
"""How devices call themselves → the entry."""


def chip_of(device_kind: str) -> Chip | None:
    """The entry of a device that calls itself so, or None."""
    if device_kind in NAMES:
        return CHIPS[NAMES[device_kind]]
    for name, chip in CHIPS.items():
        family, _, size = name.partition("-")
        if device_kind.startswith("NVIDIA") and family in device_kind and size in device_kind:
            return chip
    return None
