"""Every damaged file is told, whatever its times say; repairing moves whole steps aside and loses nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from leaven.engine.keeping.rehash import asked_for, move_aside, rehash
from leaven.engine.keeping.usage import contents
from leaven.ground.errors import BadInput, LeavenError


def look(shop, *words):
    found = contents(shop.store)
    return rehash(shop.store, found, asked_for(found, words) if words else sorted({*found.steps, *found.damaged}))


def test_a_whole_store(shop):
    shop.study()
    told = look(shop)
    assert (told.steps, told.files, told.damage, told.strangers) == (5, 10, (), ())


def test_every_damage_is_told_and_times_are_not_trusted(shop):
    graph = shop.study()
    first, second, third, fourth, _ = list(graph.steps)
    shop.store.verify(list(graph.steps))
    changed = shop.store.folder(first) / "deep/result.bin"
    before = changed.stat()
    with changed.open("r+b") as file:
        file.write(b"X")
    os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))
    (shop.store.folder(second) / "told.json").unlink()
    (shop.store.folder(second) / "deep/result.bin").write_bytes(b"")
    (shop.store.folder(third) / "manifest.json").write_text("{")
    (shop.store.folder(fourth) / "told.json").unlink()
    (shop.store.folder(fourth) / "told.json").symlink_to("deep/result.bin")
    (shop.store.folder(fourth) / "stranger").write_text("")
    shop.store.verify([first])  # a run trusts size and time
    told = look(shop)
    assert {(each.identity, each.file, each.what.split()[0]) for each in told.damage} == {
        (first, "deep/result.bin", "was"),
        (second, "deep/result.bin", "was"),
        (second, "told.json", "is"),
        (third, "", "its"),
        (fourth, "told.json", "is"),
    }
    assert told.strangers == (f"{fourth}/stranger",)
    moved = [Path(path) for path in move_aside(shop.store, told.damage).moved]
    assert shop.there() == {list(graph.steps)[4]}
    assert sorted(path.name for path in moved) == sorted(f"{each}.1" for each in (first, second, third, fourth))
    shop.publish(graph.steps[first])
    assert not look(shop).damage


def test_some_steps_by_name_and_identity(shop):
    graph = shop.study()
    assert look(shop, "verdict", next(iter(graph.steps))[:8]).steps == 2
    with pytest.raises(BadInput, match='no step "verdct" in this store; did you mean "verdict"?'):
        look(shop, "verdct")


def test_a_step_that_is_being_worked_on_is_not_moved(shop):
    graph = shop.study()
    step_id = next(iter(graph.steps))
    (shop.store.folder(step_id) / "told.json").unlink()
    (shop.store.work / step_id).mkdir()
    (shop.store.work / step_id / "job.json").write_text("{}")
    with pytest.raises(LeavenError, match="is being worked on"):
        move_aside(shop.store, look(shop).damage)
    assert step_id in shop.there()
