"""A study travels with every identity; an archive that was tampered with changes nothing where it arrives."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.engine.keeping import parcel, shelf
from leaven.engine.keeping.export import export
from leaven.engine.keeping.importing import bring
from leaven.engine.keeping.records import records, remember, undated
from leaven.engine.keeping.usage import contents
from leaven.engine.store import Store
from leaven.ground.errors import BadInput


@pytest.fixture(scope="module")
def sent(shop_class, tmp_path_factory):
    """A study in a file, and the shop it came from."""
    home = tmp_path_factory.mktemp("sent")
    shop = shop_class(home / "runs")
    shop.study("other", corpus=2)
    shop.study()
    file = home / "micro.tar.zst"
    export(shop.store, shop.runs, "micro", file)
    return shop, file


def members(path):
    """Name → content of every member, as any other program reads them."""
    data = path.read_bytes()
    if path.suffix == ".zst":
        data = zstandard.ZstdDecompressor().decompressobj().decompress(data)
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive}


def pack(path, files, kinds=None):
    """Write an archive as somebody else might."""
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.type, info.linkname = (kinds or {}).get(name, (tarfile.REGTYPE, ""))
            archive.addfile(info, io.BytesIO(data) if info.type == tarfile.REGTYPE else None)


def forged(path, files, **changes):
    """An archive whose index fits its members, whatever these are."""
    index = json.loads(files["index.json"])
    index["files"] = {
        name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        for name, data in files.items()
        if name != "index.json"
    }
    index |= changes
    rest = {name: files[name] for name in sorted(index["files"]) if name in files}
    pack(path, {"index.json": json.dumps(index).encode(), **rest})


def files_of(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_study_arrives_whole(sent, make_shop):
    shop, file = sent
    there = make_shop("there")
    told = bring(there.store, there.runs, file)
    assert (told.new, told.there, told.missing, told.folder_is_new) == (5, 0, 0, True)
    mine = contents(shop.store).needed_by("micro")
    assert there.there() == mine
    assert files_of(there.store.steps) == {
        name: data for name, data in files_of(shop.store.steps).items() if name.split("/")[0] in mine
    }
    assert files_of(there.runs / "micro") == files_of(shop.runs / "micro")
    there.store.verify(sorted(mine), trust_times=False)
    kept = [undated(record) for record in records(shop.store) if record.name == "micro"]
    assert kept == [undated(record) for record in records(there.store)]
    assert all(record.remembered for record in records(there.store))
    assert not list((there.store.root / "importing").iterdir())


def test_equal_contents_give_equal_bytes_and_any_tar_reads_them(sent, tmp_path):
    shop, file = sent
    again = tmp_path / "again.tar.zst"
    os.utime(shop.runs / "micro" / "report.html", (1, 1))
    export(shop.store, shop.runs, "micro", again)
    assert again.read_bytes() == file.read_bytes()
    plain = tmp_path / "micro.tar"
    told = export(shop.store, shop.runs, "micro", plain)
    assert members(plain) == members(file)
    assert plain.stat().st_size == told.size
    assert members(plain)["study/report.html"] == b"<p>micro, 2 seeds</p>"


def test_a_run_that_does_nothing_between_two_exports_changes_nothing(shop, monkeypatch, tmp_path):
    for number, second in enumerate(("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")):
        monkeypatch.setattr("leaven.engine.keeping.records._now", lambda second=second: second)
        shop.study()
        assert [record.remembered for record in records(shop.store)] == [second]
        export(shop.store, shop.runs, "micro", tmp_path / f"{number}.tar")
    assert (tmp_path / "0.tar").read_bytes() == (tmp_path / "1.tar").read_bytes()


def test_what_arrives_counts_as_last_run_unless_it_was_run_here(sent, make_shop, monkeypatch):
    _, file = sent
    there = make_shop("there")
    monkeypatch.setattr("leaven.engine.keeping.records._now", lambda: "2026-01-01T00:00:00Z")
    bring(there.store, there.runs, file)
    monkeypatch.setattr("leaven.engine.keeping.records._now", lambda: "2026-01-02T00:00:00Z")
    bring(there.store, there.runs, file)
    assert [record.remembered for record in records(there.store)] == ["2026-01-01T00:00:00Z"]


@pytest.mark.parametrize("torn", [False, True])
def test_the_page_travels_only_with_the_set_that_it_was_made_from(shop, make_shop, tmp_path, torn):
    shop.study(seeds=2)
    shop.study(seeds=3)
    older, newer = sorted(records(shop.store), key=lambda record: len(record.steps))
    if torn:
        (shop.runs / "micro" / "report.key").unlink()
    told = export(shop.store, shop.runs, older.label, tmp_path / "older.tar")
    there = make_shop("older")
    arrived = bring(there.store, there.runs, tmp_path / "older.tar")
    assert (
        told.notes
        == arrived.notes
        == ("the page and tables in its folder are not those of this set and are not in it",)
    )
    assert files_of(there.runs / "micro") == {"study.yaml": b"study: micro\n"}
    assert json.loads(members(tmp_path / "older.tar")["index.json"])["notes"] == list(told.notes)
    told = export(shop.store, shop.runs, newer.label, tmp_path / "newer.tar")
    assert ("study/report.html" in members(tmp_path / "newer.tar"), told.notes == ()) == (not torn, not torn)


def test_the_list_of_a_corpus_travels_only_with_its_steps(shop, tmp_path):
    mine = shop.study("corpora/one", folder=False)
    home = shop.runs / "corpora" / "one"
    home.mkdir(parents=True)
    (home / "corpus.json").write_text(json.dumps({"tokenizer": f"../../store/steps/{mine.find('tokenizer').identity}"}))
    assert not export(shop.store, shop.runs, "corpora/one", tmp_path / "own.tar").notes
    assert "study/corpus.json" in members(tmp_path / "own.tar")
    (home / "corpus.json").write_text(json.dumps({"tokenizer": f"../../store/steps/{'0' * 32}"}))
    assert export(shop.store, shop.runs, "corpora/one", tmp_path / "other.tar").notes
    assert "study/corpus.json" not in members(tmp_path / "other.tar")


def test_a_second_import_finds_everything_there(sent, make_shop):
    _, file = sent
    there = make_shop("there")
    bring(there.store, there.runs, file)
    (there.runs / "micro" / "report.html").write_text("newer")
    told = bring(there.store, there.runs, file)
    assert (told.new, told.there, told.folder_is_new) == (0, 5, False)
    assert (there.runs / "micro" / "report.html").read_text() == "newer"


def test_back_where_it_came_from_after_a_collection(sent):
    shop, file = sent
    graph = shop.study(folder=False)
    shelf.remove(shop.store, shop.store.folder(next(iter(graph.steps))))
    assert bring(shop.store, shop.runs, file).new == 1


def test_kinds_that_are_left_out_are_missing_there(shop, make_shop, tmp_path):
    shop.study()
    told = export(shop.store, shop.runs, "micro", tmp_path / "light.tar.zst", without=["stage"])
    assert (told.steps, told.left_out) == (3, 2)
    there = make_shop("there")
    assert bring(there.store, there.runs, tmp_path / "light.tar.zst").missing == 2


def test_a_study_that_is_not_finished_travels_as_far_as_it_is(shop, make_shop, tmp_path):
    graph = shop.study()
    shelf.remove(shop.store, shop.store.folder(graph.find("verdict").identity))
    assert export(shop.store, shop.runs, "micro", tmp_path / "part.tar").missing == 1
    there = make_shop("there")
    assert bring(there.store, there.runs, tmp_path / "part.tar").missing == 1


def test_a_name_that_is_taken_asks_for_another(sent, make_shop):
    _, file = sent
    there = make_shop("there")
    there.study(corpus=9)
    with pytest.raises(BadInput, match="--as NAME"):
        bring(there.store, there.runs, file)
    told = bring(there.store, there.runs, file, name="theirs")
    assert (told.folder, told.record.name) == (there.runs / "theirs", "theirs")
    assert (there.runs / "theirs" / "report.html").is_file()
    assert {record.name for record in records(there.store)} == {"micro", "theirs"}
    for name in ("../x", "store", "", "a/b", ".hidden"):
        with pytest.raises(BadInput, match="cannot name a folder"):
            bring(there.store, there.runs, file, name=name)


def test_a_step_with_other_results_is_an_error(sent, make_shop):
    _, file = sent
    there = make_shop("there")
    there.publish = lambda step, finished: _publish_other(there, step)
    there.study(folder=False, kept=False)
    before = files_of(there.runs)
    with pytest.raises(BadInput, match=r"is there already with other results: told\.json differs"):
        bring(there.store, there.runs, file)
    assert set(files_of(there.runs)) - set(before) <= {"store/keeping.lock"}


def _publish_other(shop, step):
    out, _ = shop.store.begin(step.identity)
    (out / "told.json").write_text("other")
    (out / "deep").mkdir()
    (out / "deep" / "result.bin").write_bytes(step.identity.encode() * 100)
    shop.store.publish(step, {"seconds": 1.0, "finished": "2026-01-01T00:00:00Z"})


def test_what_cannot_be_exported(shop, tmp_path):
    graph = shop.study()
    for file, words, says in (
        ("x.zip", {}, "has no name of an archive"),
        ("x.tar", {"without": ["stages"]}, 'did you mean "stage"'),
        ("x.tar", {"without": ["verdict"]}, "cannot be left out"),
    ):
        with pytest.raises(BadInput, match=says):
            export(shop.store, shop.runs, "micro", tmp_path / file, **words)
    victim = shop.store.folder(next(iter(graph.steps))) / "told.json"
    victim.write_text("[]")
    with pytest.raises(BadInput, match=r"told\.json: is not what it was when it was written"):
        export(shop.store, shop.runs, "micro", tmp_path / "x.tar")
    victim.write_text("{} ")
    with pytest.raises(BadInput, match="is not what it was when it was written"):
        export(shop.store, shop.runs, "micro", tmp_path / "x.tar")
    assert not list(tmp_path.glob("*.tar")) + list(tmp_path.glob(".*.part"))
    (tmp_path / "x.tar").touch()
    with pytest.raises(BadInput, match="is there already"):
        export(shop.store, shop.runs, "micro", tmp_path / "x.tar")


def test_long_names_travel(shop, make_shop, tmp_path):
    shop.study()
    name = "é" * 60 + ".csv"
    (shop.runs / "micro" / "data" / ("d" * 200)).mkdir()
    (shop.runs / "micro" / "data" / ("d" * 200) / name).write_text("a,b")
    export(shop.store, shop.runs, "micro", tmp_path / "x.tar")
    there = make_shop("there")
    bring(there.store, there.runs, tmp_path / "x.tar")
    assert (there.runs / "micro" / "data" / ("d" * 200) / name).read_text() == "a,b"


def add(name, data=b"x"):
    return lambda files: files | {name: data}


def drop(end):
    return lambda files: {name: data for name, data in files.items() if not name.endswith(end)}


def swap(end, data):
    return lambda files: {name: data if name.endswith(end) else old for name, old in files.items()}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (add("../../escaped"), "names a file that no study has"),
        (add("/etc/escaped"), "names a file that no study has"),
        (add(f"steps/{'a' * 32}/../../../escaped"), "names a file that no study has"),
        (add(f"steps/{'a' * 32}/./escaped"), "names a file that no study has"),
        (add(f"steps/{'a' * 32}//escaped"), "names a file that no study has"),
        (add("steps/notanidentity/escaped"), "names a file that no study has"),
        (add("work/escaped"), "names a file that no study has"),
        (add("study/status.json"), "names a file that no study has"),
        (add("study/data/x\\y"), "names a file that no study has"),
        (add("study/report.html/x"), "names a file that no study has"),
        (lambda files: add("study/data/a/b")(add("study/data/a")(files)), "names a file below a file"),
        (add(f"steps/{'a' * 32}/told.json"), "its manifest cannot be read"),
        (add(f"steps/{'a' * 32}/manifest.json"), "cannot be read"),
        (swap("told.json", b"{ }"), "does not hold the files that the step's manifest names"),
        (drop("told.json"), "does not hold the files that the step's manifest names"),
        (swap("manifest.json", b"[" * 100_000), "cannot be used"),
        (drop("kept.json"), "does not name kept.json"),
        (swap("kept.json", b"{}"), "this record of what is kept cannot be read"),
    ],
)
def test_an_archive_whose_index_was_forged_with_it(sent, make_shop, tmp_path, change, says):
    _, file = sent
    there = make_shop("there")
    before = files_of(tmp_path)
    forged(tmp_path / "forged.tar", change(members(file)))
    with pytest.raises(BadInput, match=says):
        bring(there.store, there.runs, tmp_path / "forged.tar")
    (tmp_path / "forged.tar").unlink()
    assert files_of(tmp_path) == before
    assert not there.there()


def test_a_step_of_nobody_and_a_manifest_of_another_identity(sent, make_shop, tmp_path):
    shop, file = sent
    there = make_shop("there")
    files = members(file)
    stranger = next(iter(shop.there() - contents(shop.store).needed_by("micro")))
    own = {f"steps/{stranger}/{name}": data for name, data in files_of(shop.store.folder(stranger)).items()}
    forged(tmp_path / "forged.tar", files | own)
    with pytest.raises(BadInput, match="is not one of the study's"):
        bring(there.store, there.runs, tmp_path / "forged.tar")
    name = next(name for name in files if name.endswith("manifest.json"))
    told = json.loads(files[name])
    told["fields"]["size"] = 10**6
    forged(tmp_path / "forged.tar", files | {name: json.dumps(told).encode()})
    with pytest.raises(BadInput, match="its manifest does not describe it"):
        bring(there.store, there.runs, tmp_path / "forged.tar")
    assert not there.there()


@pytest.mark.parametrize(
    "kind",
    [
        (tarfile.SYMTYPE, "/etc/passwd"),
        (tarfile.LNKTYPE, "index.json"),
        (tarfile.CHRTYPE, ""),
        (tarfile.FIFOTYPE, ""),
        (tarfile.DIRTYPE, ""),
        (tarfile.GNUTYPE_SPARSE, ""),
        (tarfile.GNUTYPE_LONGNAME, ""),
        (tarfile.XHDTYPE, ""),
    ],
)
def test_members_that_are_no_plain_files(sent, make_shop, tmp_path, kind):
    _, file = sent
    there = make_shop("there")
    pack(tmp_path / "forged.tar", members(file), {"study/report.html": kind})
    with pytest.raises(BadInput, match="is not a plain file"):
        bring(there.store, there.runs, tmp_path / "forged.tar")
    assert not there.there()


def test_sizes_hashes_order_and_ends_are_those_of_the_index(sent, make_shop, tmp_path):
    _, file = sent
    there = make_shop("there")
    files = members(file)
    turned = dict(reversed(files.items()))
    longer = files | {"study/report.html": files["study/report.html"] + b"more"}
    other = files | {"study/report.html": files["study/report.html"].upper()}
    less = {name: files[name] for name in list(files)[:-1]}
    more = files | {"zzz": b"more"}
    for changed, says in (
        (turned, "its index does not come first"),
        (longer, "its index names 'study/report.html'"),
        (other, "does not have the hash that its index gives"),
        (less, "where it holds nothing more"),
        (more, "holds more than its index names"),
    ):
        pack(tmp_path / "forged.tar", changed)
        with pytest.raises(BadInput, match=says):
            bring(there.store, there.runs, tmp_path / "forged.tar")
    pack(tmp_path / "forged.tar", files)
    huge = json.loads(files["index.json"])
    huge["files"]["study/report.html"]["bytes"] = 10**18
    pack(tmp_path / "forged.tar", files | {"index.json": json.dumps(huge).encode()})
    with pytest.raises(BadInput, match="do not fit"):
        bring(there.store, there.runs, tmp_path / "forged.tar")
    assert not there.there()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_damaged_or_cut_file_is_refused_or_is_what_it_was(tmp_path_factory, data):
    """Whatever byte of an archive is changed: nothing arrives, or exactly what was sent."""
    home = tmp_path_factory.mktemp("damaged")
    shop = _small(home)
    suffix = data.draw(st.sampled_from((".tar", ".tar.zst")))
    share, other, cut = data.draw(st.integers(0, 9999)), data.draw(st.integers(1, 255)), data.draw(st.booleans())
    export(shop, home, "micro", home / f"x{suffix}")
    good = (home / f"x{suffix}").read_bytes()
    place = share * len(good) // 10_000
    end = b"" if cut else bytes([good[place] ^ other]) + good[place + 1 :]
    (home / "bad").write_bytes(good[:place] + end)
    there = Store(home / "there" / "store")
    try:
        bring(there, home / "there", home / "bad")
    except BadInput:
        assert shelf.identities(there) == []
        assert records(there) == []
        return
    assert files_of(there.steps) == files_of(shop.steps)


def _small(home):
    from leaven.study.step import Graph

    store, graph = Store(home / "store"), Graph()
    store.prepare()
    step = graph.steps[graph.add("verdict", "verdict", {"study": "micro"}, {})]
    out, _ = store.begin(step.identity)
    (out / "verdict.json").write_text("{}")
    store.publish(step, {"seconds": 1.0, "finished": "2026-01-01T00:00:00Z"})
    remember(store, "micro", [step], {})
    return store


def test_an_index_names_only_what_an_export_writes():
    for path in ("study/data/\ud800", "study/data/\0", f"study/data/{'x' * 256}", "study/data/.."):
        told = {"form": 1, "leaven": "", "study": "", "set": "", "left_out": []}
        told["files"] = {path: {"sha256": "", "bytes": 0}, "kept.json": {"sha256": "", "bytes": 0}}
        with pytest.raises(ValueError, match="names a file that no study has"):
            parcel.read_index(json.dumps(told).encode())
    for told in (b"{}", b"[]", b"null", b"{", b"\xff", b"[" * 100_000, b'{"form": 1, "files": []}'):
        with pytest.raises(ValueError, match=r"."):
            parcel.read_index(told)


@pytest.mark.parametrize(
    ("size", "about", "seconds"),
    [(10**400, None, None), (None, {"sizes": 5}, None), (None, {"question": {"a": 1}}, None), (None, None, "Infinity")],
)
def test_numbers_and_words_that_nothing_can_be_made_of(sent, make_shop, tmp_path, size, about, seconds):
    _, file = sent
    there = make_shop("there")
    files = members(file)
    index = json.loads(files["index.json"])

    def put(name, data):
        files[name] = data
        index["files"][name] = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}

    if about:
        put("kept.json", json.dumps(json.loads(files["kept.json"]) | {"about": about}).encode())
    if seconds:
        name = next(name for name in files if name.endswith("manifest.json"))
        put(name, files[name].replace(b'"seconds": 1.0', f'"seconds": {seconds}'.encode()))
        assert seconds.encode() in files[name]
    if size:
        index["files"]["kept.json"]["bytes"] = size
    files["index.json"] = json.dumps(index).encode()
    pack(tmp_path / "forged.tar", files)
    with pytest.raises(BadInput):
        bring(there.store, there.runs, tmp_path / "forged.tar")
    assert not there.there()
