"""A store with a depot behind it: what one machine publishes another reads, whole and unaltered, or not at all."""

from __future__ import annotations

import json
import threading

import pytest

from leaven.engine.depot import remote as remote_module
from leaven.engine.depot.address import address
from leaven.engine.depot.index import Index
from leaven.engine.depot.mirror import Mirror
from leaven.engine.store import MANIFEST, Store
from leaven.engine.stores import opened, place
from leaven.ground.errors import BadInput, LeavenError


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_another_machine_reads_what_one_published(machine, make):
    one, other = machine("one"), machine("other")
    made = make(one)
    assert other.has(made.identity)
    assert not (other.steps / made.identity).exists()  # nothing is fetched for a question
    assert other.manifest(made.identity) == one.manifest(made.identity)
    assert not (other.steps / made.identity).exists()
    assert contents(other.folder(made.identity)) == contents(one.folder(made.identity))
    other.verify([made.identity])
    assert not list(other.work.iterdir())


def test_manifests_are_told_without_results(machine, make):
    one, other = machine("one"), machine("other")
    made = [make(one, name).identity for name in ("a", "b", "c")]
    here = make(other, "d").identity
    assert [manifest["identity"] for manifest in other.manifests()] == sorted([*made, here])
    assert [path.name for path in other.steps.iterdir()] == [here]


def test_one_file_of_many(machine, make):
    one, other = machine("one"), machine("other")
    made = make(one)
    assert other.file(made.identity, "deep/b.bin").read_bytes() == bytes(range(256))
    assert not (other.steps / made.identity).exists()
    assert not other.file(made.identity, "unheard of").exists()


def test_a_step_sent_in_part_is_no_step_and_is_sent_over(machine, make, step):
    one, other = machine("one"), machine("other")
    identity = step().identity
    one.remote.write(f"steps/{identity}/a.txt", b"half")
    one.remote.write(f"steps/{identity}/stray", b"of an execution that was killed")
    assert not other.has(identity)
    assert not list(other.manifests())
    make(one)
    assert "stray" not in contents(other.folder(identity))
    assert other.folder(identity).joinpath("a.txt").read_bytes() == b"alpha"


def test_a_no_is_asked_again(machine, make):
    one, other = machine("one"), machine("other")
    names = [f"step {number}" for number in range(30)]
    ids = [make(one, name).identity for name in names[:3]]
    assert all(other.has(identity) for identity in ids)
    made = make(one, "late").identity
    assert other.has(made)


def test_many_questions_are_one_listing_and_a_new_step_is_seen_at_once(machine, make, step, monkeypatch):
    one, other = machine("one"), machine("other")
    ids = [step(str(number)).identity for number in range(200)]
    asked = []
    read, files = other.remote.read, other.remote.files
    monkeypatch.setattr(other.remote, "read", lambda name: asked.append(name) or read(name))
    monkeypatch.setattr(other.remote, "files", lambda folder: asked.append(folder) or files(folder))
    assert not any(other.has(identity) for identity in ids)
    assert len(asked) < 15
    make(one, "150")
    assert other.has(ids[150])


def test_a_changed_file_is_not_taken(machine, make):
    one, other = machine("one"), machine("other")
    made = make(one)
    one.remote.write(f"steps/{made.identity}/a.txt", b"alphA")
    with pytest.raises(BadInput, match=r"damaged(.|\n)*remove the whole folder there"):
        other.folder(made.identity)
    assert not (other.steps / made.identity).exists()
    assert not [path for path in other.work.iterdir() if path.name.startswith(".")]


def test_a_step_that_was_removed_and_computed_anew_is_read_as_it_is_now(machine, make, tmp_path):
    one, other = machine("one"), machine("other")
    made = make(one)
    assert other.file(made.identity, "a.txt").read_bytes() == b"alpha"
    one.remove_there(made.identity)
    make(machine("third"), files={"a.txt": b"beta"})
    assert other.file(made.identity, "a.txt").read_bytes() == b"alpha"  # fetched already
    assert other.folder(made.identity).joinpath("a.txt").read_bytes() == b"beta"
    assert not other.file(made.identity, "deep/b.bin").exists()


def test_a_missing_file_is_told(machine, make):
    one, other = machine("one"), machine("other")
    made = make(one)
    one.remote.remove(f"steps/{made.identity}/a.txt")
    with pytest.raises(BadInput, match="there is no such object"):
        other.verify([made.identity], trust_times=False)


@pytest.mark.parametrize("name", ["../../out", "/etc/x", "a/../../b", "manifest.json", ""])
def test_no_name_leads_out_of_the_folder(machine, make, name):
    one, other = machine("one"), machine("other")
    made = make(one)
    manifest = json.loads(one.remote.read(f"steps/{made.identity}/{MANIFEST}"))
    manifest["files"][name] = {"sha256": "0" * 64, "bytes": 1}
    one.remote.write(f"steps/{made.identity}/{MANIFEST}", json.dumps(manifest).encode())
    with pytest.raises(BadInput, match="cannot be one of it"):
        other.folder(made.identity)


def test_a_manifest_of_something_else_is_told(machine, make):
    one, other = machine("one"), machine("other")
    made, wrong = make(one, "a"), make(one, "b")
    one.remote.write(f"steps/{made.identity}/{MANIFEST}", one.remote.read(f"steps/{wrong.identity}/{MANIFEST}"))
    with pytest.raises(BadInput, match="does not describe it"):
        other.folder(made.identity)


def test_the_first_result_stays(machine, make):
    one, other = machine("one"), machine("other")
    make(one)
    kept = one.remote.read(f"steps/{make(other).identity}/{MANIFEST}")
    assert kept == (one.steps / make(one).identity / MANIFEST).read_bytes()


def test_two_different_results_are_an_error_that_names_both(machine, make, step, tmp_path):
    one, other = machine("one"), machine("other")
    made = make(one)
    with pytest.raises(LeavenError, match=r"two different results: a.txt") as told:
        make(other, files={"a.txt": b"beta"})
    assert str(tmp_path / "other") in str(told.value)
    assert one.remote.place.url in str(told.value)
    assert machine("third").folder(made.identity).joinpath("a.txt").read_bytes() == b"alpha"


def test_two_writers_at_once(machine, make, step):
    machines = [machine(str(number)) for number in range(6)]
    ready, errors = threading.Barrier(len(machines)), []

    def work(store):
        try:
            ready.wait()
            make(store)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(store,)) for store in machines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert contents(machine("reader").folder(step().identity))["a.txt"] == b"alpha"


def test_a_run_sends_what_only_this_machine_has_and_a_look_does_not(machine, make, url, tmp_path, patience):
    made = make(Store(tmp_path / "runs"))
    looking = Mirror(tmp_path / "runs", address(url), patience)
    assert looking.has(made.identity)
    assert not machine("other").has(made.identity)
    looking.prepare()
    assert looking.has(made.identity)
    assert machine("third").has(made.identity)


def test_what_could_not_be_sent_is_sent_later(machine, make, monkeypatch):
    one, other = machine("one"), machine("other")

    def down(*_):
        raise LeavenError("the network is down")

    monkeypatch.setattr(one.remote, "send", down)
    with pytest.raises(LeavenError, match="down"):
        make(one)
    monkeypatch.undo()
    assert not other.has(make(Store(one.root), "elsewhere").identity)
    identity = next(manifest["identity"] for manifest in one.manifests() if manifest["names"] == ["one"])
    assert one.has(identity)
    assert other.has(identity)


def test_a_file_that_arrives_cut_off_is_sent_again(machine, make, monkeypatch, url):
    if url.startswith("file"):
        pytest.skip("folders of this machine are written without fsspec")
    one, other = machine("one"), machine("other")
    system, _ = one.remote._system()
    sent, put = [], type(system).put_file

    def torn(self, source, target, **how):
        put(self, source, target, **how)
        first = target not in sent
        sent.append(target)
        if first and target.endswith("a.txt"):
            self.pipe_file(target, self.cat_file(target)[:-1] + b"!")
        if first and target.endswith("b.bin"):
            self.pipe_file(target, self.cat_file(target)[:-1])

    monkeypatch.setattr(type(system), "put_file", torn)
    made = make(one)
    assert len(sent) == 5
    assert contents(other.folder(made.identity)) == contents(one.folder(made.identity))


def test_a_store_that_keeps_nothing_is_told(machine, make, monkeypatch):
    one = machine("one")
    monkeypatch.setattr(one.remote, "send", lambda source, name: one.remote.write(name, b"?"))
    with pytest.raises(LeavenError, match="sent 3 times"):
        make(one)
    assert not machine("other").has(make(Store(one.root), "one").identity)


def test_other_processes_open_the_same(machine, make, url, patience):
    one = machine("one")
    made = make(one)
    where = json.loads(json.dumps(one.where()))
    store = opened({**where, "root": where["root"] + "-far", "cache": "/somewhere/cache"})
    assert isinstance(store, Mirror)
    assert store.remote.place.url == url
    assert str(store.cache) == "/somewhere/cache"
    assert store.has(made.identity)
    assert type(opened(Store(one.root).where())) is Store


def test_the_command_line_means(tmp_path):
    assert place(None, tmp_path).root == tmp_path / "store"
    assert type(place(str(tmp_path / "elsewhere"), tmp_path)) is Store
    mirror = place("memory://bucket/folder/", tmp_path)
    assert isinstance(mirror, Mirror)
    assert not mirror.sends
    assert (mirror.root, mirror.remote.place.url) == (tmp_path / "store", "memory://bucket/folder")


def test_removing_there(machine, make):
    one, other = machine("one"), machine("other")
    made = make(one)
    assert other.manifest(made.identity)
    other.remove_there(made.identity)
    assert not other.has(made.identity)
    assert not one.remote.files(f"steps/{made.identity}")


def test_a_process_of_its_own_opens_its_own(machine, monkeypatch):
    one = machine("one")
    before = one.remote._system()[0]
    assert one.remote._system()[0] is before
    monkeypatch.setattr(remote_module.os, "getpid", lambda: -1)
    assert one.remote._system()[0] is not before


class Slow:
    """A depot without steps whose listings take long, and the clock that sees it."""

    def __init__(self):
        self.now, self.lists, self.reads = 0.0, 0, 0

    def files(self, folder):
        self.now, self.lists = self.now + 5.0, self.lists + 1
        return {}

    def read(self, name):
        self.now, self.reads = self.now + 0.02, self.reads + 1
        raise FileNotFoundError(name)


def test_a_slow_listing_answers_many_questions_and_few_questions_make_none():
    slow = Slow()
    index = Index(slow, lambda step_id, data: None, lambda: slow.now)
    assert not any(index.has(f"{number:032x}") for number in range(1000))
    assert (slow.lists, slow.reads) == (1, 8)
    slow = Slow()
    index = Index(slow, lambda step_id, data: None, lambda: slow.now)
    for number in range(100):  # now and then
        slow.now += 3
        assert not index.has(f"{number:032x}")
    assert (slow.lists, slow.reads) == (0, 100)
