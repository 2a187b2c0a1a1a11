"""A store on S3 (moto's server on loopback), also when requests fail: nothing is lost, nothing is wrong."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import uuid

import pytest

from leaven.engine.depot.address import address
from leaven.engine.depot.digest import digest
from leaven.engine.depot.mirror import Mirror
from leaven.engine.depot.patience import Patience
from leaven.engine.depot.remote import Remote
from leaven.engine.depot.writing import PIECE
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import sha256_file

from .faulty import FAULTS, proxy, s3_server
from .test_lease import what_holds_on_any_depot

pytestmark = [
    pytest.mark.peer,
    # Sockets of aiohttp and of the proxy that are cut on purpose.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:botocore"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:aiobotocore"),
]
SECRET = "wJalrXUtnFEMIK7MDENGbPxRfiCY"


@pytest.fixture(scope="module")
def server():
    pytest.importorskip("s3fs")
    pytest.importorskip("moto")
    with s3_server() as url:
        yield url


@pytest.fixture
def credentials(monkeypatch, server):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ENDPOINT_URL", server)


@pytest.fixture
def bucket(credentials) -> str:
    import s3fs

    name = f"bucket-{uuid.uuid4().hex[:12]}"
    s3fs.S3FileSystem(skip_instance_cache=True).mkdir(name)
    return name


@pytest.fixture
def url(bucket) -> str:
    return f"s3://{bucket}/folder"


@pytest.fixture
def patience() -> Patience:
    return Patience(60.0, lambda seconds: None)


def large(path, size: int) -> bytes:
    data = random.Random(0).randbytes(size)
    path.write_bytes(data)
    return data


def test_a_long_file_goes_in_pieces_and_its_sum_is_known_without_reading_it_back(url, tmp_path, patience):
    remote = Remote(address(url), patience)
    for size in (0, 10, PIECE - 1, PIECE, 2 * PIECE - 1, 2 * PIECE, 2 * PIECE + 1, 3 * PIECE + 7):
        large(tmp_path / "data", size)
        remote.send(tmp_path / "data", f"sums/{size}")
        assert remote.files("sums")[str(size)].proves(digest(tmp_path / "data")), size
        remote.get(f"sums/{size}", tmp_path / "back", sha256_file(tmp_path / "data"))


def test_a_manifest_is_made_once(url, patience):
    remote = Remote(address(url), patience)
    assert remote.create("x", b"first")
    assert not remote.create("x", b"second")
    assert remote.read("x") == b"first"


def test_verbs_on_what_is_not_there(url, patience, tmp_path):
    remote = Remote(address(url), patience)
    assert not remote.exists("x")
    assert not remote.files("x")
    remote.remove("x")
    with pytest.raises(FileNotFoundError):
        remote.read("x")
    with pytest.raises(FileNotFoundError):
        remote.get("x", tmp_path / "x")


def test_every_fault_in_every_verb(url, server, bucket, make, patience, tmp_path, monkeypatch):
    files = {f"file{number}": random.Random(number).randbytes(3000) for number in range(12)}
    with proxy(server, every=3) as faulty:
        monkeypatch.setenv("AWS_ENDPOINT_URL", faulty.url)
        one, other = (Mirror(tmp_path / name, address(url), patience, sends=True) for name in ("one", "other"))
        one.prepare()
        for number in range(8):
            made = make(one, str(number), files)
            assert other.has(made.identity)
            for name, data in files.items():
                assert other.folder(made.identity).joinpath(name).read_bytes() == data
        for number in range(8):
            one.remote.remove(f"steps/{make(other, str(number), files).identity}/file1")
        failed = set(faulty.failed)
    assert {verb for verb, _ in failed} >= {"GET", "HEAD", "PUT"}
    for verb in ("GET", "PUT"):
        assert {way for one_verb, way in failed if one_verb == verb} == set(FAULTS)


def test_a_long_file_through_faults(url, server, patience, tmp_path, monkeypatch):
    large(tmp_path / "data", 3 * PIECE + 7)
    with proxy(server, every=4) as faulty:
        monkeypatch.setenv("AWS_ENDPOINT_URL", faulty.url)
        remote = Remote(address(url), patience)
        for _ in range(2):
            remote.send(tmp_path / "data", "data")
            remote.get("data", tmp_path / "back", sha256_file(tmp_path / "data"))
        assert remote.files("")["data"].proves(digest(tmp_path / "data"))
        assert {verb for verb, _ in faulty.failed} >= {"GET", "PUT"}


def test_a_missing_bucket_is_told_at_once(credentials, tmp_path):
    mirror = Mirror(tmp_path, address("s3://nobody-has-this/folder"))
    with pytest.raises(BadInput, match=r"nobody-has-this/folder: --store: there is no such bucket"):
        mirror.prepare()
    with pytest.raises(BadInput, match="there is no such bucket"):
        mirror.has("0" * 32)


def test_missing_credentials_are_told_at_once(bucket, tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(BadInput, match=r"access is refused(.|\n)*AWS_PROFILE"):
        Mirror(tmp_path, address(f"s3://{bucket}/folder")).prepare()


def test_a_server_that_is_not_there_is_told_when_patience_ends(bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(LeavenError, match=r"failed \d+ times(.|\n)*Run again") as told:
        Mirror(tmp_path, address(f"s3://{bucket}/folder"), Patience(2.0)).prepare()
    assert SECRET not in str(told.value)


def results_of(store) -> dict[str, str]:
    return {
        f"{path.relative_to(store / 'steps')}": sha256_file(path)
        for path in (store / "steps").rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


def run(study_file, folder, *options: str) -> subprocess.CompletedProcess[str]:
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "leaven.cli", "run", str(study_file), *options]
    return subprocess.run(command, cwd=folder, env=dict(os.environ), capture_output=True, text=True, check=False)


def test_leases_and_what_is_set_aside(machine, make):
    what_holds_on_any_depot(machine, make)


@pytest.mark.long
def test_a_study_on_a_store_that_fails_ends_with_the_bytes_of_a_local_one(
    study_file, tmp_path, url, server, monkeypatch, patience
):
    local = run(study_file, tmp_path / "local")
    assert local.returncode == 0, local.stderr
    with proxy(server, every=7) as faulty:
        monkeypatch.setenv("AWS_ENDPOINT_URL", faulty.url)
        monkeypatch.setenv("LEAVEN_SYNC", "0.5")
        far = run(study_file, tmp_path / "far", "--store", url)
        assert far.returncode == 0, far.stdout + far.stderr
        assert len(faulty.failed) > 100
        monkeypatch.setenv("AWS_ENDPOINT_URL", server)
        again = run(study_file, tmp_path / "third", "--store", url)
        assert again.returncode == 0, again.stdout + again.stderr
    assert results_of(tmp_path / "far/runs/store") == results_of(tmp_path / "local/runs/store")
    assert not list((tmp_path / "third/runs/store/logs").iterdir())  # nothing was executed there
    mirror = Mirror(tmp_path / "fourth", address(url), patience)
    steps = mirror.index.all()
    for identity in steps:
        mirror.folder(identity)
    assert results_of(tmp_path / "fourth") == results_of(tmp_path / "local/runs/store")
    assert not mirror.remote.files("work")
    for output in (
        far.stdout,
        far.stderr,
        *(path.read_text() for path in (tmp_path / "far/runs/store/logs").iterdir()),
    ):
        assert SECRET not in output
