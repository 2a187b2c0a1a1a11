"""Slurm of two nodes on this machine: its own folder, key and ports; every process of it ends with the tests."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

DAEMONS = ("munged", "slurmctld", "slurmd")
PATIENCE = 60.0
CONFIGURATION = """\
ClusterName=test
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
KillWait=2
SchedulerParameters=bf_interval=1,sched_interval=1
NodeName=a NodeHostname=localhost NodeAddr=127.0.0.1 Port={a} CPUs=2 RealMemory=8000 State=UNKNOWN
NodeName=b NodeHostname=localhost NodeAddr=127.0.0.1 Port={b} CPUs=2 RealMemory=8000 State=UNKNOWN
PartitionName=all Nodes=a,b Default=YES MaxTime=INFINITE State=UP
"""


def _ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [listener.getsockname()[1] for listener in sockets]
    finally:
        for listener in sockets:
            listener.close()


def _wait_for(answer: str, *command: str) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        said = subprocess.run(command, capture_output=True, text=True)
        if answer in said.stdout:
            return
        assert time.monotonic() < until, said
        time.sleep(0.2)


@pytest.fixture(scope="session")
def slurm() -> Iterator[Path]:
    """The folder of a running Slurm; SLURM_CONF names its configuration, LEAVEN_SCRATCH what its jobs keep to hand."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    missing = [name for name in (*DAEMONS, "sbatch") if shutil.which(name, path=path) is None]
    if missing:
        pytest.skip(f"{missing[0]} is not installed (Debian: slurm-wlm, munge)")
    if os.getuid() != 0:
        pytest.skip("Slurm's daemons are started as root")
    # A socket's path may have no more than 107 bytes, which pytest's folders can exceed.
    folder = Path(tempfile.mkdtemp(prefix="slurm-"))
    folder.chmod(0o755)
    (folder / "state").mkdir()
    (folder / "munge.key").write_bytes(secrets.token_bytes(128))
    (folder / "munge.key").chmod(0o600)
    controller, a, b = _ports(3)
    configuration = folder / "slurm.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, controller=controller, a=a, b=b))
    environment = {**os.environ, "PATH": path, "SLURM_CONF": str(configuration)}
    munge = [f"--{name}={folder}/munge.{name[0]}" for name in ("log-file", "pid-file")]
    changed = {"SLURM_CONF": str(configuration), "LEAVEN_SCRATCH": str(folder / "scratch")}
    before = {name: os.environ.get(name) for name in changed}
    processes: list[subprocess.Popen[bytes]] = []

    def daemon(*command: str) -> None:
        with (folder / "daemons.log").open("ab") as log:
            processes.append(subprocess.Popen(command, env=environment, stdout=log, stderr=log))

    try:
        daemon(
            "munged",
            "--foreground",
            "--force",
            f"--socket={folder}/munge.sock",
            f"--key-file={folder}/munge.key",
            f"--seed-file={folder}/munge.seed",
            *munge,
        )
        os.environ.update(changed)
        daemon("slurmctld", "-D", "-c")
        daemon("slurmd", "-D", "-N", "a")
        daemon("slurmd", "-D", "-N", "b")
        _wait_for("2", "sinfo", "-h", "-t", "idle", "-o", "%D")
        yield folder
    finally:
        if len(processes) > 1:
            subprocess.run(["scancel", "--me"], capture_output=True, env=environment, timeout=PATIENCE)
            until = time.monotonic() + 20
            while time.monotonic() < until and _queued(environment):
                time.sleep(0.2)
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
        shutil.rmtree(folder, ignore_errors=True)


def _queued(environment: dict[str, str]) -> bool:
    return bool(subprocess.run(["squeue", "-h"], capture_output=True, env=environment).stdout.strip())


@pytest.fixture(scope="session")
def toy(tmp_path_factory) -> ModuleType:
    """Stages of a toy corpus, from the tests of gangs; `toy.store(root)` is a store that has their inputs."""
    path = Path(__file__).parents[1] / "test_gang.py"
    spec = importlib.util.spec_from_file_location("gangs", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    corpus = module.toy().corpus.__wrapped__(tmp_path_factory)
    module.store = lambda root: module.store_at(root, corpus)
    return module
