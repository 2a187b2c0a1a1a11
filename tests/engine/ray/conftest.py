"""Ray clusters of several nodes, each a set of processes on loopback."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from leaven.ground.files import sha256_file

HERE = Path(__file__).parent


class Cluster:
    """`cluster.py` in a process of its own."""

    def __init__(self) -> None:
        folder = tempfile.mkdtemp(prefix="lv-")  # Ray's sockets lie there: names of at most 107 bytes
        environment = {**os.environ, "RAY_TMPDIR": folder, "RAY_USAGE_STATS_ENABLED": "0"}
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "cluster.py"), folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            text=True,
            start_new_session=True,  # what ends the tests by their group leaves it to see its input end
        )
        self.address = self.client = ""
        self.raylets: list[int] = []

    def _ask(self, asked: dict[str, Any]) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        said = json.loads(self.process.stdout.readline())
        self.address, self.client, self.raylets = said["address"], said["client"], said["raylets"]

    def add(self, **options: Any) -> None:
        self._ask({"add": options})

    def kill(self, number: int) -> None:
        self._ask({"kill": number})

    def steps(self, node: int | None = None) -> list[psutil.Process]:
        """Processes of steps, and what they are forked from; of all nodes or of one."""
        root = self.process.pid if node is None else self.raylets[node]
        return [process for process in psutil.Process(root).children(recursive=True) if is_nursery(process)]

    def close(self) -> None:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


def is_nursery(process: psutil.Process) -> bool:
    try:
        return "leaven.engine.nursery" in " ".join(process.cmdline())
    except psutil.Error:
        return False


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Without a node yet."""
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed")
    made = Cluster()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def two_nodes() -> Iterator[str]:
    """The address of a cluster whose processes can import what lies in this folder. The test itself joins it."""
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(HERE), *([before] if before else [])])
    made = Cluster()
    try:
        made.add()
        made.add()
        yield made.address
    finally:
        ray.shutdown()
        made.close()
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


@pytest.fixture(scope="session")
def small(study_text) -> str:
    """The micro study with one seed, two variants and no judge, and stages that take long enough to be killed."""
    text = study_text.replace("seeds: 2", "seeds: 1").replace("repeat: 40", "repeat: 400")
    text = text.replace("  no-code: [pretrain 5120 prose, cooldown 2560 prose]\n", "").replace("5120", "32K")
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith("judge:"))


@pytest.fixture
def drive(small, material, tmp_path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a driver of the study: where it runs, and the cluster's address."""
    path, started = tmp_path / "micro.yaml", []
    path.write_text(small, encoding="utf-8")

    def start(on: str, address: str = "", runs: str = "runs", hosts: int = 1) -> subprocess.Popen[str]:
        environment = {**os.environ, "RAY_ADDRESS": address} if address else dict(os.environ)
        command = [sys.executable, str(HERE / "drive.py"), str(path), on, str(tmp_path / runs), str(material)]
        with (tmp_path / f"{runs}.log").open("a") as log:
            started.append(
                subprocess.Popen(
                    [*command, str(hosts)], cwd=tmp_path, env=environment, stdout=log, stderr=log, text=True
                )
            )
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def calm(small, material, tmp_path_factory) -> dict[str, str]:
    """What the study's results are, as this computer computes them by itself."""
    folder = tmp_path_factory.mktemp("calm")
    (folder / "micro.yaml").write_text(small, encoding="utf-8")
    command = [sys.executable, str(HERE / "drive.py"), str(folder / "micro.yaml"), "local", str(folder / "runs")]
    subprocess.run([*command, str(material)], cwd=folder, check=True, capture_output=True)
    return results_of(folder / "runs")


def results_of(runs: Path) -> dict[str, str]:
    """sha256 of every result by step and file."""
    return {
        f"{path.parent.name}/{path.name}": sha256_file(path)
        for path in (runs / "store/steps").rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


def executions(runs: Path) -> dict[str, int]:
    """How often each step was begun, by what its log says."""
    begun = {}
    for path in (runs / "store/logs").glob("*.log"):
        lines = path.read_text(encoding="utf-8").splitlines()
        begun[path.stem] = sum(line.startswith("— ") for line in lines)
    return begun
