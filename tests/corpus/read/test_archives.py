"""Archives as people make them, as a break leaves them, and as an attacker would."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import struct
import tarfile
import tracemalloc
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from leaven.corpus.document import Tally
from leaven.corpus.plan import SourcePlan
from leaven.corpus.read.archives import members, named
from leaven.corpus.read.members import RawFile
from leaven.corpus.read.raw import raw_files
from leaven.corpus.read.units import units
from leaven.corpus.tree import Entry

PACK: dict[str, Callable[[bytes], bytes]] = {
    ".tar": bytes,
    ".tar.gz": gzip.compress,
    ".tgz": gzip.compress,
    ".tar.zst": zstandard.compress,
    ".tar.bz2": bz2.compress,
    ".tar.xz": lzma.compress,
}


def code(path: str) -> bool:
    return path.endswith(".py")


def read(path: Path, wanted: Callable[[str], bool] = code) -> tuple[list[RawFile], Counter[str]]:
    skipped: Counter[str] = Counter()
    entry = Entry(path.name, str(path), path.stat().st_size, 0, 0)
    return list(members(entry, skipped, wanted)), skipped


def tar_of(files: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def zip_of(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


FILES = {
    "pkg-1.2/a.py": b"x = 1\n",
    "pkg-1.2/sub/b.py": b"y = 2\n" * 999,
    "pkg-1.2/c.png": b"\0",
    "pkg-1.2/LICENSE": b"MIT",
}
READ = ["pkg-1.2/a.py", "pkg-1.2/sub/b.py", "pkg-1.2/LICENSE"]


@pytest.mark.parametrize("suffix", [*PACK, ".zip", ".whl"])
def test_every_form(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"pkg-1.2{suffix}"
    path.write_bytes(PACK[suffix](tar_of(FILES)) if suffix in PACK else zip_of(FILES))
    found, skipped = read(path)
    assert [(raw.path, raw.data) for raw in found] == [(f"{path.name}/{name}", FILES[name]) for name in READ]
    assert {raw.repository for raw in found} == {"pkg@1.2"}
    assert skipped == {"other kind of file": 1}


NAME = st.text(st.sampled_from("abé-_ "), min_size=1, max_size=120).filter(lambda name: name not in (".", ".."))


@settings(deadline=None, max_examples=80)
@given(
    st.dictionaries(st.lists(NAME, min_size=1, max_size=3).map("/".join), st.binary(max_size=1500), max_size=5),
    st.sampled_from([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT]),
)
def test_a_tar_is_read_as_tarfile_reads_it(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], form: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.tar"
    try:
        path.write_bytes(tar_of(files, form))
    except ValueError:
        return  # a name too long for ustar
    with tarfile.open(path) as archive:
        expected = [(m.name, archive.extractfile(m).read()) for m in archive if m.isreg()]  # type: ignore[union-attr]
    found, skipped = read(path, lambda path: True)
    assert [(raw.path.removeprefix("any.tar/"), raw.data) for raw in found] == expected
    assert not skipped


def test_members_that_are_refused(tmp_path: Path) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:

        def add(name: str, kind: bytes = tarfile.REGTYPE, data: bytes = b"z = 1\n", link: str = "") -> None:
            info = tarfile.TarInfo(name)
            info.type, info.size, info.linkname = kind, len(data) if kind == tarfile.REGTYPE else 0, link
            archive.addfile(info, io.BytesIO(data))

        add("good.py")
        for name in ("../up.py", "a/../../up.py", "/etc/cron.py", "..\\up.py", "C:\\up.py", "a\\..\\up.py"):
            add(name)
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE):
            add("link.py", kind, link="/etc/passwd")
        for kind in (tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE):
            add("device.py", kind)
        add("folder.py", tarfile.DIRTYPE)
        add("./good.py")
        add("inner.tar.gz")
        add("inner.jar")
        add("huge.py", data=b"a" * (4 * 1024 * 1024 + 1))
        add("node_modules/x.py")
        add(".git/hooks/x.py")
        add("last.py")
    path = tmp_path / "bad.tar"
    path.write_bytes(out.getvalue())
    found, skipped = read(path)
    assert [raw.path for raw in found] == ["bad.tar/good.py", "bad.tar/last.py"]
    assert skipped == {
        "path leads out of its archive": 4,
        "absolute path in an archive": 2,
        "link in an archive": 2,
        "device in an archive": 3,
        "second member of one name": 1,
        "archive in an archive": 2,
        "larger than 4 MiB": 1,
    }


def test_members_of_a_zip_that_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("good.py", "../up.py", "/etc/cron.py", "folder/", "inner.zip", ".hidden/x.py"):
            archive.writestr(name, b"x = 1\n")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr("good.py", b"x = 1\n")
        link = zipfile.ZipInfo("link.py")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("huge.py", b"a" * (4 * 1024 * 1024 + 1), zipfile.ZIP_DEFLATED)
        archive.writestr("other.py", b"x", zipfile.ZIP_LZMA)
        archive.writestr("wrong.py", b"known words")
        secret = zipfile.ZipInfo("secret.py")
        archive.writestr(secret, b"x")
        archive.getinfo("secret.py").flag_bits |= 1
    data = path.read_bytes().replace(b"known words", b"other words")
    path.write_bytes(data)
    found, skipped = read(path)
    assert [raw.path for raw in found] == ["bad.zip/good.py"]
    assert skipped == {
        "path leads out of its archive": 1,
        "absolute path in an archive": 1,
        "second member of one name": 1,
        "archive in an archive": 1,
        "link in an archive": 1,
        "larger than 4 MiB": 1,
        "compression of an archive that is not read": 1,
        "damaged archive member": 1,
        "encrypted archive member": 1,
    }


@pytest.mark.parametrize("suffix", [*PACK, ".zip", ".streamed.zip"])
def test_a_truncated_archive_gives_the_members_before_the_break(tmp_path: Path, suffix: str) -> None:
    many = {f"pkg-1.2/m{n:03}.py": f"# {n}\n".encode() + bytes(str(n * 7919), "ascii") * 400 for n in range(900)}
    path = tmp_path / f"pkg{suffix}"
    if suffix == ".streamed.zip":
        out = io.BytesIO()
        out.seek = None  # type: ignore[assignment, method-assign]
        with zipfile.ZipFile(_Unseekable(out), "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in many.items():
                archive.writestr(name, data)
        whole = out.getvalue()
    else:
        whole = PACK[suffix](tar_of(many)) if suffix in PACK else zip_of(many)
    path.write_bytes(whole[: len(whole) * 2 // 3])
    found, skipped = read(path)
    if suffix != ".tar.bz2":
        assert len(found) > 300
    assert [(raw.path.partition("/")[2], raw.data) for raw in found] == list(many.items())[: len(found)]
    assert {reason.partition(" ")[0] for reason in skipped} == {"truncated"}
    assert {raw.repository for raw in found} <= {"pkg@1.2"}


class _Unseekable(io.RawIOBase):
    def __init__(self, out: io.BytesIO) -> None:
        self.out = out

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self.out.write(data)


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".zip"])
def test_what_is_no_archive(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    for data in (b"", b"nothing of the kind" * 99, bytes(range(256)) * 9):
        path.write_bytes(data)
        found, skipped = read(path)
        assert not found
        assert sum(skipped.values()) == (0 if not data and suffix != ".zip" else 1)


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".zip"])
def test_no_byte_that_is_turned_crashes_a_reading(tmp_path: Path, suffix: str) -> None:
    whole = PACK[suffix](tar_of(FILES)) if suffix in PACK else zip_of(FILES)
    path = tmp_path / f"a{suffix}"
    for at in range(0, len(whole), max(1, len(whole) // 300)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x91]) + whole[at + 1 :])
        read(path)


def limits_of(monkeypatch: Any, **changed: int) -> None:
    from leaven.corpus.read import forms

    table = forms.limits() | changed
    for module in ("members", "tar", "zips", "archives"):
        monkeypatch.setattr(f"leaven.corpus.read.{module}.limits", lambda: table)


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.zst", ".tar.xz", ".zip"])
def test_a_bomb_stops_and_keeps_what_came_before(tmp_path: Path, suffix: str, monkeypatch: Any) -> None:
    limits_of(monkeypatch, floor=8 << 20)
    monkeypatch.setattr("leaven.corpus.read.stream.FEEDS", dict.fromkeys((".gz", ".zst", ".xz"), 64))
    files = {"good.py": b"x = 1\n", **{f"bomb{n}.py": bytes(3 << 20) for n in range(20)}, "behind.py": b"y"}
    path = tmp_path / f"bomb{suffix}"
    path.write_bytes(PACK[suffix](tar_of(files)) if suffix in PACK else zip_of(files))
    tracemalloc.start()
    found, skipped = read(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found[0].data == b"x = 1\n"
    assert "bomb.py/behind.py" not in {raw.path for raw in found}
    assert len(found) < 12
    assert skipped == {"archive: unpacks to far more than it holds": 1}
    assert peak < 200 << 20


def test_too_many_members_stop(tmp_path: Path, monkeypatch: Any) -> None:
    limits_of(monkeypatch, members=10)
    path = tmp_path / "many.tar"
    path.write_bytes(tar_of({f"{n}.py": b"x" for n in range(20)}))
    found, skipped = read(path)
    assert len(found) == 10
    assert skipped == {"archive: more than 10 files": 1}


def test_a_header_of_gigabytes_is_passed_over(tmp_path: Path) -> None:
    info = tarfile.TarInfo("long")
    info.type, info.size = b"L", 3 << 20
    data = info.tobuf() + b"n" * (3 << 20) + tar_of({"good.py": b"x"})
    path = tmp_path / "a.tar"
    path.write_bytes(data)
    found, skipped = read(path)
    assert [raw.path for raw in found] == ["a.tar/good.py"]
    assert skipped == {"header of an archive beyond use": 1}
    info.size = 8 << 40
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + b"n" * 5000)
    assert read(path) == ([], Counter({"header of an archive beyond use": 1, "truncated archive": 1}))


def test_sparse_members_and_global_headers(tmp_path: Path) -> None:
    sparse = bytearray(tarfile.TarInfo("sparse.py").tobuf(tarfile.GNU_FORMAT))
    sparse[156:157] = b"S"
    sparse[124:136] = b"%011o\0" % 512
    sparse[482] = 1
    sparse[148:156] = b"        "
    sparse[148:156] = b"%06o\0 " % sum(sparse)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", pax_headers={"comment": "a commit"}) as archive:
        info = tarfile.TarInfo("good.py")
        info.size = 1
        archive.addfile(info, io.BytesIO(b"x"))
    path = tmp_path / "a.tar"
    path.write_bytes(bytes(sparse) + bytes(512) + b"s" * 512 + out.getvalue())
    found, skipped = read(path)
    assert [(raw.path, raw.data) for raw in found] == [("a.tar/good.py", b"x")]
    assert skipped == {"other kind of member": 1}


PKG_INFO = b"Metadata-Version: 2.4\nName: Real-Name\nVersion: 3.0.1\nLicense-Expression: MIT\n\nName: not this\n"
NPM = json.dumps({"name": "@scope/name", "version": "4.5.6", "license": {"type": "ISC"}}).encode()


@pytest.mark.parametrize(
    ("archive", "extra", "repository", "licence"),
    [
        ("x-1.0.tar.gz", {"x-1.0/PKG-INFO": PKG_INFO}, "Real-Name@3.0.1", "MIT"),
        ("x-1.0.tar.gz", {"x-1.0/sub/PKG-INFO": PKG_INFO}, "x@1.0", ""),
        ("x-1.0.tar.gz", {"x-1.0/PKG-INFO": b"Name: \xff\n"}, "x@1.0", ""),
        ("x-1.0.tar.gz", {"x-1.0/PKG-INFO": b"Name: a\n"}, "x@1.0", ""),
        ("x-1.0.tgz", {"package/package.json": NPM}, "@scope/name@4.5.6", "ISC"),
        ("x-1.0.tgz", {"package/package.json": b"[" * 99_999}, "x@1.0", ""),
        ("x-1.0.tgz", {"package/package.json": b"[1]"}, "x@1.0", ""),
        ("x-1.0.tgz", {"package/package.json": b'{"name": ["x"], "version": 1}'}, "x@1.0", ""),
        ("x-1.0-py3-none-any.whl", {"x-1.0.dist-info/METADATA": PKG_INFO}, "Real-Name@3.0.1", "MIT"),
        ("x-1.0-py3-none-any.whl", {}, "x@1.0", ""),
        ("repo-main.zip", {}, "repo-main", ""),
    ],
)
def test_the_package_that_an_archive_is(
    tmp_path: Path, archive: str, extra: dict[str, bytes], repository: str, licence: str
) -> None:
    top = next(iter(extra)).split("/")[0] if extra else archive.split("-py3")[0].removesuffix(".zip")
    files = {f"{top}/a.py": b"x = 1\n", **extra, f"{top}/b.py": b"y = 1\n"}
    path = tmp_path / archive
    path.write_bytes(zip_of(files) if archive.endswith(("zip", "whl")) else gzip.compress(tar_of(files)))
    found, _ = read(path)
    assert [raw.path for raw in found] == [f"{archive}/{top}/a.py", f"{archive}/{top}/b.py"]
    assert {(raw.repository, raw.licence) for raw in found} == {(repository, licence)}


def test_no_more_is_held_back_than_the_limit(tmp_path: Path, monkeypatch: Any) -> None:
    limits_of(monkeypatch, held=100)
    files = {**{f"x-1.0/{n}.py": b"a" * 60 for n in range(9)}, "x-1.0/PKG-INFO": PKG_INFO}
    path = tmp_path / "x-1.0.tar"
    path.write_bytes(tar_of(files))
    found, _ = read(path)
    assert len(found) == 9
    assert {raw.repository for raw in found} == {"x@1.0"}


@pytest.mark.parametrize(
    ("archive", "top", "repository"),
    [
        ("pip/requests-2.1.0.tar.gz", "requests-2.1.0/", "requests@2.1.0"),
        ("a/zope.interface-5.0b1.zip", "", "zope.interface@5.0b1"),
        ("some-tool-v1.2.tgz", "package/", "some-tool@v1.2"),
        ("thing.tar.zst", "src/", "src"),
        ("thing.tar.zst", "lone.py", "thing"),
    ],
)
def test_names_without_metadata(archive: str, top: str, repository: str) -> None:
    assert named(archive, top).repository == repository


def test_an_index_that_is_larger_than_any(tmp_path: Path, monkeypatch: Any) -> None:
    limits_of(monkeypatch, index=100)
    path = tmp_path / "a.zip"
    path.write_bytes(zip_of(FILES))
    assert read(path) == ([], Counter({"index of an archive beyond use": 1}))


def test_a_zip64_index_is_measured(tmp_path: Path, monkeypatch: Any) -> None:
    limits_of(monkeypatch, index=1 << 20)
    end = b"PK\x06\x06" + bytes(36) + struct.pack("<Q", 1 << 40) + bytes(8)
    locator = b"PK\x06\x07" + bytes(4) + struct.pack("<Q", 0) + bytes(4)
    path = tmp_path / "a.zip"
    path.write_bytes(end + locator + b"PK\x05\x06" + bytes(8) + b"\xff" * 8 + bytes(2))
    assert read(path) == ([], Counter({"index of an archive beyond use": 1}))


def test_raw_files_of_an_archive(tmp_path: Path) -> None:
    path = tmp_path / "pkg-1.2.tar.gz"
    path.write_bytes(gzip.compress(tar_of(FILES)))
    plan, tally = SourcePlan("s", "web_code", "path", 1 << 30, path), Tally()
    [unit] = units(plan, [Entry(path.name, str(path), path.stat().st_size, 0, 0)])
    assert [raw.path for raw in raw_files(unit, plan, tally)] == [f"{path.name}/{name}" for name in READ]
    assert tally.files == 3
    assert tally.skipped == {"other kind of file": 1}
    [licence] = raw_files(unit, plan, Tally(), lambda path: False)
    assert licence.data == b"MIT"
