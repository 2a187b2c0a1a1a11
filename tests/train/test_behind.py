from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from leaven.train import behind
from leaven.train.behind import Saver
from leaven.train.checkpoint import Checkpoint, Draft, Pace, Written, latest_good, save, write

from .checkpoints_work import arrays_of, check, state_of


def make(step: int) -> Checkpoint:
    return Checkpoint(step, {name: jnp.asarray(value) for name, value in arrays_of(step).items()}, state_of(step))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Gate:
    """Lets the writing thread through when told to."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.open = threading.Event()
        patch.setattr(behind, "write", self._write)

    def _write(self, folder: Path, plan: Draft) -> Written:
        assert self.open.wait(60)
        return write(folder, plan)


def test_a_state_given_up_to_the_next_step_is_saved_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    checkpoint = make(10)
    arrays, state = dict(checkpoint.arrays), state_of(10)
    norm = np.array(arrays.pop("params.norm"))
    with Saver(tmp_path, Pace(0)) as saver:
        saver.save(Checkpoint(10, {**arrays, "params.norm": norm}, state))
        state["losses"].append(0.0)
        norm[:] = 7
        step = partial(jax.jit, donate_argnums=0)(lambda tree: jax.tree.map(lambda x: x * 0 + 7, tree))
        arrays = step(arrays)
        jax.block_until_ready(arrays)
        assert contents(tmp_path) == {}
        gate.open.set()
    assert check(latest_good(tmp_path)) == 10
    aside = tmp_path / "aside"
    aside.mkdir()
    save(aside, Checkpoint(10, arrays_of(10), state_of(10)))
    assert contents(aside) == {path.name: path.read_bytes() for path in tmp_path.glob("step*")}


def test_one_save_at_a_time_and_it_exists_when_settled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate(monkeypatch)
    pace = Pace(1e-9)
    with Saver(tmp_path, pace) as saver:
        assert saver.due()
        saver.save(make(10))
        assert not saver.due()
        saver.settle()
        assert latest_good(tmp_path) is None
        gate.open.set()
        while latest_good(tmp_path) is None:
            saver.settle()
        assert check(latest_good(tmp_path)) == 10
        assert pace.took > 0
        with ThreadPoolExecutor(1) as other:
            gate.open.clear()
            saver.save(make(20))
            third = other.submit(saver.save, make(30))
            assert not third.done()
            gate.open.set()
            third.result(60)
        assert check(latest_good(tmp_path)) == 20
    assert check(latest_good(tmp_path)) == 30


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
@pytest.mark.parametrize(("folder", "kept"), [(".", 10), ("nowhere", 0)])
def test_an_error_in_training_still_ends_the_save(tmp_path: Path, folder: str, kept: int, error: Any) -> None:
    def train() -> None:
        with Saver(tmp_path / folder, Pace(0)) as saver:
            saver.save(make(10))
            raise error

    with pytest.raises(error):
        train()
    assert check(latest_good(tmp_path)) == kept
