from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.ground.canonical import identity
from leaven.ground.files import read_json
from leaven.model.weights import encode
from leaven.train.checkpoint import Checkpoint, Pace, latest_common, latest_good, save

from .checkpoints_work import arrays_of, check, state_of
from .damage import damaged


def make(step: int) -> Checkpoint:
    return Checkpoint(step, arrays_of(step), state_of(step))


def files(*steps: int) -> list[str]:
    return sorted(f"step-{step:09d}.{suffix}" for step in steps for suffix in ("json", "safetensors"))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_is_saved_is_loaded_and_the_last_two_are_kept(tmp_path: Path) -> None:
    assert latest_good(tmp_path) is None
    assert latest_good(tmp_path / "nowhere") is None
    for step in (5, 10, 20):
        save(tmp_path, make(step))
    assert check(latest_good(tmp_path)) == 20
    assert names(tmp_path) == files(10, 20)


def test_arrays_whole_on_one_device_are_one_plain_file_and_a_note(tmp_path: Path) -> None:
    save(tmp_path, make(7))
    data = (tmp_path / "step-000000007.safetensors").read_bytes()
    assert data == encode(arrays_of(7))
    note = {"step": 7, "state": state_of(7), "sha256": hashlib.sha256(data).hexdigest()}
    assert read_json(tmp_path / "step-000000007.json") == {**note, "seal": identity(note)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("work")
    for step in (10, 20):
        save(folder, make(step))
    return folder


@settings(deadline=None)
@given(st.data())
def test_a_damaged_checkpoint_is_passed_over(folder: Path, data: st.DataObject) -> None:
    path = folder / data.draw(st.sampled_from(files(20)))
    with damaged(path, data):
        # White space of a note may change without harm; what comes back is what was saved all the same.
        assert check(latest_good(folder)) in ((10, 20) if path.suffix == ".json" else (10,))


def test_a_note_of_another_step_is_not_believed(folder: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    shutil.copytree(folder, work)
    for suffix in ("json", "safetensors"):
        shutil.copy(work / f"step-000000010.{suffix}", work / f"step-000000020.{suffix}")
    assert check(latest_good(work)) == 10


def test_what_was_passed_over_is_dropped_by_the_next_save(tmp_path: Path) -> None:
    for step in (10, 20):
        save(tmp_path, make(step))
    (tmp_path / "step-000000020.safetensors").write_bytes(b"")
    save(tmp_path, make(15))
    assert names(tmp_path) == files(10, 15)
    assert check(latest_good(tmp_path)) == 15


def test_what_a_killed_writer_left_is_dropped_and_the_rest_of_the_folder_stays(tmp_path: Path) -> None:
    save(tmp_path, make(1))
    left = (".step-000000001.json.7.part", ".step-000000002.safetensors.7.part", "step-000000003.1-of-2.safetensors")
    others = ("diverged.json", "step-notes.txt", ".other.part")
    for name in (*left, *others):
        (tmp_path / name).write_bytes(b"x")
    save(tmp_path, make(2))
    assert names(tmp_path) == sorted([*files(1, 2), *others])


def test_the_note_appears_when_all_it_names_is_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    really, replace = os.fsync, Path.replace

    def sync(handle: int) -> None:
        path = Path(os.readlink(f"/proc/self/fd/{handle}"))
        events.append("folder" if path == tmp_path else path.name.split(".")[2])
        really(handle)

    def rename(path: Path, target: Path) -> Path:
        events.append(f"{target.suffix} appears")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", rename)
    save(tmp_path, make(1))
    assert events == ["safetensors", ".safetensors appears", "folder", "json", ".json appears", "folder"]


def test_state_that_no_note_can_hold_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        save(tmp_path, Checkpoint(1, arrays_of(1), {"last": float("nan")}))
    assert names(tmp_path) == []


def test_the_newest_step_that_is_good_everywhere(tmp_path: Path) -> None:
    places = [tmp_path / name for name in "abc"]
    for place in places:
        place.mkdir()
    assert latest_common(places) is None
    for place, steps in zip(places, ((10, 20), (10, 20), (20, 30)), strict=True):
        for step in steps:
            save(place, make(step))
    found = latest_common(places)
    assert found is not None
    assert [check(checkpoint) for checkpoint in found] == [20, 20, 20]
    (places[1] / "step-000000020.safetensors").write_bytes(b"")
    assert latest_common(places) is None
    assert [check(checkpoint) for checkpoint in latest_common(places[:2]) or []] == [10, 10]


@given(st.floats(0.1, 1000), st.lists(st.tuples(st.floats(0, 100), st.floats(0, 100)), min_size=1, max_size=20))
def test_saving_takes_its_share_of_the_time_and_no_more(seconds: float, laps: list[tuple[float, float]]) -> None:
    now, saving, last, waits = 0.0, 0.0, 0.0, []
    pace = Pace(seconds, last=now)
    for training, took in laps:
        now += training
        if pace.due(now):
            waits.append(now - last)
            pace.saved(now, now + took)
            now = last = now + took
            saving += took
    assert all(wait >= seconds for wait in waits)
    # All but the last save have been followed by thirty times their duration.
    assert (saving - pace.took) * 31 <= now * (1 + 1e-9)


def test_a_save_is_due_after_its_seconds_and_at_every_call_for_none() -> None:
    pace = Pace(5, last=100)
    assert [pace.due(now) for now in (104.9, 105, 200)] == [False, True, True]
    pace.saved(105, 106)
    assert [pace.due(now) for now in (111, 135.9, 136)] == [False, False, True]
    always = Pace(0)
    always.saved(0, np.inf)
    assert always.due(0)
