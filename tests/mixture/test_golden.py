"""Data order pinned across releases: chains of stages, far places of large ones, a thousand sources.

Changing any of these is changing the data of studies already run: it needs a new `order/` version.
"""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from leaven.mixture import stream
from leaven.mixture.shard import Shard
from leaven.mixture.stream import StageStream

from .thousand import WEIGHTS, in_memory, shards

T = 8


def digest(*arrays: np.ndarray) -> str:
    """SHA-256 of whole numbers, whatever type and byte order they are held in."""
    return hashlib.sha256(b"".join(np.ascontiguousarray(array, "<i8").tobytes() for array in arrays)).hexdigest()


@pytest.fixture(scope="module")
def three() -> dict[str, Shard]:
    """Sources of 120, 45 and 7 rows."""
    return {
        name: in_memory(name, rows * T + 1, first)
        for name, rows, first in (("text", 120, 0), ("code", 45, 1000), ("markup", 7, 2000))
    }


def test_the_version_is_that_of_these_hashes():
    assert stream.VERSION == "order/1"


def test_golden_chain(three):
    """Pretrain, continue on another mixture, cool down on a third; a branch that restarts its sources."""
    pretrain = StageStream(three, {"text": 0.9, "code": 0.1}, 100, T, 7)
    onward = StageStream(three, {"text": 0.5, "code": 0.45, "markup": 0.05}, 64, T, 7, pretrain.cursor_after())
    cooldown = StageStream(three, {"code": 0.7, "markup": 0.3}, 33, T, 7, onward.cursor_after())
    restart = StageStream(three, {"code": 0.7, "markup": 0.3}, 33, T, 7)
    assert cooldown.cursor_after() == {"code": 62, "markup": 13, "text": 122}
    assert {
        "pretrain": digest(pretrain.batch(0, 100)),
        "onward": digest(onward.batch(0, 64)),
        "cooldown": digest(cooldown.batch(0, 33)),
        "restart": digest(restart.batch(0, 33)),
    } == GOLDEN_CHAIN


def test_golden_order_of_a_thousand_sources():
    stage = StageStream(shards(T), WEIGHTS, 50_000, T, 11)
    child = StageStream(shards(T), WEIGHTS, 20_003, T, 11, stage.cursor_after())
    assert {
        "beginning": digest(*stage.positions(0, 2000)),
        "middle": digest(*stage.positions(24_321, 25_432)),
        "end": digest(*stage.positions(49_000, 50_000)),
        "child": digest(*child.positions(0, 20_003)),
        "tokens": digest(stage.batch(16_000, 17_000)),
    } == GOLDEN_THOUSAND


def test_golden_places_far_into_a_large_stage(three):
    """Two thousand million samples: the order is not counted up to, so the last is as near as the first."""
    stage = StageStream(three, {"text": 0.7, "code": 0.2, "markup": 0.1}, 2_000_000_000, T, 3)
    assert {start: digest(*stage.positions(start, start + 500)) for start in GOLDEN_FAR} == GOLDEN_FAR


GOLDEN_CHAIN = {
    "pretrain": "6dffe49ce6f52ded02521aef0a0a581c13b6c6fd2d86f6f7a72f59c4d8e87543",
    "onward": "9bc6d78ebce36b980597274514f8248a5acddda5fce13fd616ff37e3582eb6ec",
    "cooldown": "6987cbce9d85495254ad731e42bb3e55a4d94d4862277ac21e6453e79f7c9c4f",
    "restart": "890bbdfe4868bb0f16adb029403abe385af2288a43a68b1ba96f225d6dd55513",
}
GOLDEN_THOUSAND = {
    "beginning": "c5d4befa6de7697ea72ee72dd992cd53be47ea3c4f164c76b6ffad0953df42ab",
    "middle": "ae90a91729c6d79b7177247336ea35775533932bfa8cb450a4e6435459aad252",
    "end": "8834952a1678bbaab6d9a83189812af7572d1769b363bae064dad089b4632770",
    "child": "ea24b56f8900e64c78793a61ff70322e5e4be43f744519fb105f204427f0c994",
    "tokens": "330d8c1fdacce935d6506afa8c15d8642fdcb62e80040af4e7edbb775f6740ee",
}
GOLDEN_FAR = {
    0: "4b41780942416ead951a5fe8bdab6d7c3d068ad1655d7fac3593b7c5f7cc9f5d",
    2**20 - 250: "fcfa0dfbe85acc8be119e4f0f764257e5c15604147c25975b13323b1411c25db",
    2**30 + 17: "3b183f375b73f09fce88f1b8474ce03f079d850cf724295c686cf4f3730e70a3",
    1_999_999_500: "bed87679f5b1ae85a98f06db5de9e40415eb79904069784044644523975748b1",
}
