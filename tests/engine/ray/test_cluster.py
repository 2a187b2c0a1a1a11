"""A study on Ray clusters of several nodes, with machines and drivers that go away: the bytes of one computer."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

import leaven

from .conftest import executions, is_nursery, results_of

pytestmark = pytest.mark.peer
PATIENCE = 600


def until(true: Callable[[], object], what: str, patience: float = PATIENCE) -> None:
    deadline = time.monotonic() + patience
    while not true():
        assert time.monotonic() < deadline, f"not within {patience} s: {what}"
        time.sleep(0.05)


def finished(runs: Path) -> int:
    return sum(1 for _ in (runs / "store/steps").glob("*/manifest.json"))


def training(runs: Path) -> list[Path]:
    """Stages that have begun and not ended."""
    return list((runs / "store/work").glob("*/state"))


def ends(process: subprocess.Popen[str], log: Path, code: int = 0) -> None:
    assert process.wait(PATIENCE) == code, log.read_text(encoding="utf-8")


def test_three_nodes(cluster, drive, calm, tmp_path):
    for _ in range(3):
        cluster.add()
    ends(drive("ray", cluster.address), tmp_path / "runs.log")
    assert results_of(tmp_path / "runs") == calm
    assert set(executions(tmp_path / "runs").values()) == {1}


def test_the_client_of_ray_from_elsewhere(cluster, drive, calm, tmp_path):
    cluster.add()
    cluster.add()
    ends(drive(cluster.client), tmp_path / "runs.log")
    assert results_of(tmp_path / "runs") == calm
    assert set(executions(tmp_path / "runs").values()) == {1}


def test_a_node_that_goes_away_and_one_that_comes(cluster, drive, calm, tmp_path):
    """The second node is killed while it executes; a third takes its place."""
    runs = tmp_path / "runs"
    cluster.add()
    cluster.add()
    driver = drive("ray", cluster.address)
    until(lambda: finished(runs) >= 12 and training(runs), "a stage begins")
    cluster.kill(1)
    cluster.add(num_cpus=2)
    until(lambda: cluster.steps(2), "the new node has a step")
    ends(driver, tmp_path / "runs.log")
    assert results_of(runs) == calm
    begun = executions(runs)
    lost = json.loads((runs / "micro/status.json").read_text())["lost"]
    assert sum(lost.values()) >= 1
    assert sum(begun.values()) <= len(begun) + sum(lost.values())


def test_a_driver_that_is_killed_and_started_again(cluster, drive, calm, tmp_path):
    runs = tmp_path / "runs"
    cluster.add()
    cluster.add()
    driver = drive("ray", cluster.address)
    until(lambda: finished(runs) >= 12 and training(runs), "a stage begins")
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    under_way = len(list((runs / "store/work").glob("*/lock")))
    until(lambda: not cluster.steps(), "the steps of the killed driver end", 30)
    ends(drive("ray", cluster.address), tmp_path / "runs.log")
    assert results_of(runs) == calm
    begun = executions(runs)
    assert max(begun.values()) <= 2
    assert sum(begun.values()) <= len(begun) + under_way


def test_an_interrupt_leaves_nothing_behind(cluster, drive, tmp_path):
    runs = tmp_path / "runs"
    cluster.add()
    cluster.add()
    driver = drive("ray", cluster.address)
    until(lambda: training(runs), "a stage begins")
    driver.send_signal(signal.SIGINT)
    ends(driver, tmp_path / "runs.log", 130)
    until(lambda: not cluster.steps(), "the steps end", 20)
    assert not (runs / "store/.seen").exists()


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGINT])
def test_a_cluster_of_our_own_ends_with_its_driver(sign, drive, tmp_path):
    pytest.importorskip("ray")
    runs = tmp_path / "runs"
    driver = drive("local-cluster:2")
    until(lambda: training(runs) or driver.poll() is not None, "a stage begins")
    family = psutil.Process(driver.pid).children(recursive=True)
    assert sum("raylet" in process.name() for process in family) == 2
    assert any(is_nursery(process) for process in family)
    driver.send_signal(sign)
    driver.wait(60)
    until(lambda: not any(alive(process) for process in family), "all of it ends", 20)


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def test_a_stage_on_two_machines(cluster, drive, calm, tmp_path):
    """Trained by two processes, over two machines, its order is that of one process and its weights nearly so."""
    runs = tmp_path / "runs"
    cluster.add(num_cpus=2)
    cluster.add(num_cpus=2)
    ends(drive("ray", cluster.address, hosts=2), tmp_path / "runs.log")
    assert {name.split("/")[0] for name in results_of(runs)} == {name.split("/")[0] for name in calm}
    manifests = [json.loads(path.read_text()) for path in (runs / "store/steps").glob("*/manifest.json")]
    stages = [manifest for manifest in manifests if manifest["kind"] == "stage"]
    assert stages
    assert {manifest["made"]["processes"] for manifest in stages} == {2}


def test_a_machine_with_other_code_that_comes_later_is_left_out(cluster, drive, calm, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(Path(leaven.__file__).parent, other / "leaven", ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "leaven/engine/worker.py").open("a") as file:
        file.write("# changed\n")
    runs = tmp_path / "runs"
    cluster.add()
    driver = drive("ray", cluster.address)
    until(lambda: finished(runs) >= 3, "some steps")
    cluster.add(env_vars={"PYTHONPATH": str(other)})
    ends(driver, tmp_path / "runs.log")
    assert results_of(runs) == calm
    assert "a machine is left out" in (tmp_path / "runs.log").read_text()
    # from the start, it stops a run before anything is done
    ends(drive("ray", cluster.address, runs="second"), tmp_path / "second.log", 2)
    assert "leaven's files are" in (tmp_path / "second.log").read_text()
    assert finished(tmp_path / "second") == 0


def test_a_step_that_fails_and_one_that_always_kills_itself(cluster, tmp_path):
    cluster.add()
    script = Path(__file__).parent / "one_step.py"
    environment = {**os.environ, "RAY_ADDRESS": cluster.address}
    said = subprocess.run([sys.executable, str(script), str(tmp_path)], env=environment, capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    told = json.loads(said.stdout)
    assert [message["event"] for message in told["wrong"]] == ["where", "failed", "exit"]
    assert told["wrong"][1]["code"] == 1
    assert [message["event"] for message in told["killed"]] == ["lost"] * 3 + ["failed", "exit"]
    assert "4 times without another checkpoint" in told["killed"][-2]["note"]


def test_nobody_is_there(drive, tmp_path):
    pytest.importorskip("ray")
    os.environ.pop("RAY_ADDRESS", None)
    for number, (on, address, says) in enumerate(
        [
            ("ray", "127.0.0.1:9", "there is no Ray cluster at 127.0.0.1:9"),
            ("ray://127.0.0.1:9", "", "there is no Ray cluster at 127.0.0.1:9"),
        ]
    ):
        ends(drive(on, address, runs=f"runs{number}"), tmp_path / f"runs{number}.log", 2)
        assert says in (tmp_path / f"runs{number}.log").read_text()


STRANGER = "import ray, sys; ray.init(address=sys.argv[1], log_to_driver=False, logging_level='ERROR'); print('joined')"


def test_nobody_else_joins_a_cluster_of_our_own(monkeypatch, tmp_path):
    pytest.importorskip("ray")
    from leaven.engine.ray.local_cluster import LocalCluster, lock

    for name in ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):  # what `lock` sets goes with the test
        monkeypatch.setenv(name, "")
    lock()
    ours = LocalCluster(1)
    try:
        command = [sys.executable, "-c", STRANGER, ours.address]
        joined = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=PATIENCE)
        assert "joined" in joined.stdout, joined.stderr
        monkeypatch.delenv("RAY_AUTH_MODE")
        monkeypatch.delenv("RAY_AUTH_TOKEN")
        stranger = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=PATIENCE)
        assert stranger.returncode
        assert "joined" not in stranger.stdout
    finally:
        ours.close()


def test_a_supervisor_that_is_killed_leaves_nothing_behind():
    pytest.importorskip("ray")
    from leaven.engine.ray.local_cluster import LocalCluster

    ours = LocalCluster(1)
    family = psutil.Process(ours.process.pid).children(recursive=True)
    assert family
    ours.process.kill()
    ours.close()
    assert not [process for process in family if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
