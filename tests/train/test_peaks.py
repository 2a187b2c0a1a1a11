from __future__ import annotations

import pytest

from leaven.train.peaks import CHIPS, GB, TPUS, chip_of


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("NVIDIA H200", "H200"),
        ("NVIDIA H200 NVL", "H200-NVL"),
        ("NVIDIA H100 80GB HBM3", "H100"),
        ("NVIDIA H100 PCIe", "H100-PCIe"),
        ("NVIDIA H100 NVL", "H100-NVL"),
        ("NVIDIA A100-SXM4-40GB", "A100-40GB"),
        ("NVIDIA A100-SXM4-80GB", "A100-80GB"),
        ("NVIDIA A100 80GB PCIe", "A100-80GB"),
        ("NVIDIA B200", "B200"),
        ("NVIDIA L4", "L4"),
        ("NVIDIA L40S", "L40S"),
        ("TPU v4", "v4"),
        ("TPU v5 lite", "v5e"),
        ("TPU v5", "v5p"),
        ("TPU v6 lite", "v6e"),
    ],
)
def test_a_device_is_known_by_what_it_calls_itself(kind: str, name: str) -> None:
    assert chip_of(kind) is CHIPS[name]


@pytest.mark.parametrize(
    "kind",
    [
        "cpu",
        "",
        "NVIDIA GeForce RTX 4090",
        "NVIDIA L40",
        "Tesla T4",
        "NVIDIA GH200 480GB",
        "NVIDIA GB200",
        "TPU v9",
        "AMD H100",
    ],
)
def test_others_are_not_taken_for_one(kind: str) -> None:
    assert chip_of(kind) is None


def test_every_entry_is_within_what_such_chips_can_be() -> None:
    assert set(TPUS.values()) == {name for name in CHIPS if name.startswith("v")}
    for chip in CHIPS.values():
        assert 1e14 < chip.flops < 3e15
        assert chip.memory % GB == 0
        assert 16 <= chip.memory // GB <= 192
    # What `nvidia-smi` calls 143,771 MiB and 81,559 MiB.
    assert 0.99 < 143_771 * 2**20 / CHIPS["H200"].memory < 1
    assert 0.99 < 81_559 * 2**20 / CHIPS["H100"].memory < 1
