"""What is said where a cluster cannot be reached or used; Ray itself is not needed for it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

from leaven.engine.ray import connect, local_cluster
from leaven.ground.errors import BadInput


@pytest.fixture
def listening():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_ray_that_is_not_installed(monkeypatch):
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(connect, "import_module", missing)
    with pytest.raises(BadInput, match=r'Ray is not installed\n  pip install "leaven\[cluster\]"'):
        connect.Connection("ray")


def test_an_address_where_somebody_listens(listening):
    assert connect.probed("auto") == "auto"
    assert connect.probed(f"ray://127.0.0.1:{listening}") == f"ray://127.0.0.1:{listening}"
    assert connect.probed(f"127.0.0.1:{listening}") == f"127.0.0.1:{listening}"


def test_the_port_of_the_client_need_not_be_said(listening, monkeypatch):
    monkeypatch.setattr(connect, "CLIENT_PORT", listening)
    assert connect.probed("ray://127.0.0.1") == f"ray://127.0.0.1:{listening}"


def test_nobody_listens():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        port = server.getsockname()[1]
    with pytest.raises(BadInput, match=f"no Ray cluster at 127.0.0.1:{port}: Connection refused"):
        connect.probed(f"ray://127.0.0.1:{port}")


@pytest.mark.parametrize("target", ["ray://:10001", "host", "ray://host:many", "ray://"])
def test_what_is_no_address(target):
    with pytest.raises(BadInput, match="is no address of a Ray cluster"):
        connect.probed(target)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("Could not find any running Ray instance. Please", "no Ray cluster is running on this computer"),
        ("Version mismatch: The cluster was started with: Ray: 2.9 Python: 3.10", "another version of Ray or Python"),
        ("Python minor versions differ between client and server", "another version of Ray or Python"),
        ("something\n  else", "cannot be joined: something else"),
    ],
)
def test_what_ray_says_is_told_in_a_sentence(said, told):
    assert told in str(connect.refused(RuntimeError(said), "ray://host:10001", "2.60.0"))


def test_the_device_of_a_cluster():
    cores, gpus = {"CPU": 8.0}, {"CPU": 8.0, "GPU": 10.0, "accelerator_type:A": 2.0, "accelerator_type:B": 1.0}
    small, large = {"GPU": 1.0, "accelerator_type:A": 1.0}, {"GPU": 8.0, "accelerator_type:B": 1.0}
    chips = {"TPU": 16.0, "accelerator_type:C": 1.0}
    assert connect.wanted("auto", cores) == ("cpu", "")
    assert connect.wanted("auto", gpus) == ("gpu", "")
    assert connect.wanted("auto", gpus, [small, small, large]) == ("gpu", "B")
    assert connect.wanted("auto", {**gpus, "TPU": 16.0}, [small, large, chips]) == ("gpu", "B")
    assert connect.wanted("tpu", {**gpus, "TPU": 16.0}, [small, large, chips]) == ("tpu", "C")
    assert connect.wanted("cpu", gpus) == ("cpu", "")
    assert connect.wanted("auto", {"TPU": 4.0}) == ("tpu", "")
    with pytest.raises(BadInput, match="the cluster has no TPU"):
        connect.wanted("tpu", gpus)
    with pytest.raises(BadInput, match='"npu" is not one of'):
        connect.wanted("npu", gpus)


def test_a_device_that_jax_cannot_use_is_an_error_only_where_it_was_asked_for():
    said = {"host": "far", "why": "it sees only the processor"}
    assert "far has an accelerator" in connect.described(said, "auto").note
    with pytest.raises(BadInput, match="JAX cannot use it on far"):
        connect.described(said, "gpu")
    named = connect.described({"host": "far", "device": {"platform": "gpu", "kind": "A", "count": 8}}, "gpu")
    assert (named.platform, named.kind) == ("gpu", "A")


@pytest.fixture
def no_token(monkeypatch):
    monkeypatch.setattr(local_cluster, "find_spec", lambda name: None)
    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


def test_a_cluster_of_our_own_has_a_token_of_its_own(no_token):
    local_cluster.lock()
    token = os.environ["RAY_AUTH_TOKEN"]
    assert (os.environ["RAY_AUTH_MODE"], len(token)) == ("token", 64)
    local_cluster.lock()
    assert os.environ["RAY_AUTH_TOKEN"] == token


def test_a_ray_that_has_no_tokens_is_refused(no_token, monkeypatch):
    monkeypatch.setattr(local_cluster, "find_spec", lambda name: True if name == "ray" else None)
    with pytest.raises(BadInput, match="let everybody in the network run code"):
        local_cluster.lock()


def test_ray_is_joined_from_an_empty_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with connect.nowhere():
        assert not os.listdir()
        assert os.getcwd() != str(tmp_path)
    assert os.getcwd() == str(tmp_path)


def test_what_a_killed_supervisor_leaves_is_ended(tmp_path):
    code = "import time; time.sleep(60)"
    ours, renamed, other = (
        subprocess.Popen(
            [sys.executable, "-c", code], env={**os.environ, "RAY_TMPDIR": str(folder)}, start_new_session=True
        )
        for folder in (tmp_path, "", tmp_path / "other")
    )
    try:
        local_cluster._end_strays(renamed.pid, tmp_path)
        assert (ours.wait(10), renamed.wait(10)) == (-9, -9)
        assert other.poll() is None
    finally:
        for process in (ours, renamed, other):
            process.kill()
            process.wait()
