"""Parts over a Ray cluster: every part once, here or elsewhere, with paths of whoever does it; errors as at home."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
pytest.importorskip("ray", reason="Ray is not installed")
pytestmark = [
    pytest.mark.peer,
    # Ray leaves sockets and streams of its own processes to the garbage collector.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture
def fan(two_nodes, tmp_path):
    from leaven.engine.ray.fan import RayFan
    from leaven.engine.store import Store

    store = Store(tmp_path / "store")
    store.prepare()
    return RayFan(two_nodes, store, store.where())


def test_every_part_is_done_once_here_or_elsewhere(fan, monkeypatch):
    from fan_work import square

    from leaven.corpus import parts

    monkeypatch.setattr(parts, "fan", fan)
    state = fan.store.work / "step" / "state"
    told = []
    given = state / "given"
    given.mkdir(parents=True)
    (given / "factor").write_text("3")
    items = [(number, given / "factor", str(given)) for number in range(40)]
    done = parts.run_parts(square, items, state / "parts", progress=lambda n, of, note="": told.append((n, of)))
    assert [(part / "value").read_text() for part in done] == [str(3 * number * number) for number in range(40)]
    workers = {(part / "process").read_text() for part in done}
    assert str(os.getpid()) in workers
    assert len(workers) > 1, "nothing was done elsewhere"
    assert told[0] == (0, 40)
    assert told[-1] == (40, 40)
    again = {part: (part / "process").stat().st_mtime_ns for part in done}
    parts.run_parts(square, items, state / "parts")
    assert again == {part: (part / "process").stat().st_mtime_ns for part in done}


def test_what_a_part_raises_is_raised_here(fan, monkeypatch):
    from fan_work import refuse

    from leaven.corpus import parts
    from leaven.ground.errors import BadInput

    monkeypatch.setattr(parts, "fan", fan)
    with pytest.raises(BadInput, match="cannot be read") as error:
        parts.run_parts(refuse, list(range(8)), fan.store.work / "parts")
    assert error.value.field == "text"
    finished = sorted(path.name for path in (fan.store.work / "parts").iterdir() if "unfinished" not in path.name)
    assert "00003" not in finished


def test_paths_below_the_store_travel_as_places_in_it(tmp_path):
    from leaven.engine.ray.travel import pack, unpack
    from leaven.engine.store import Store

    here, there = Store(tmp_path / "here"), Store(tmp_path / "there")
    for store in (here, there):
        store.prepare()
    thing = {"path": here.work / "x/state", "text": str(here.work / "y"), "other": Path("/elsewhere"), "n": [1, "two"]}
    assert unpack(pack(thing, here), there) == {
        "path": (there.work / "x/state").resolve(),
        "text": str((there.work / "y").resolve()),
        "other": Path("/elsewhere"),
        "n": [1, "two"],
    }
