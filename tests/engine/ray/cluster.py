"""A Ray cluster on loopback for one test, told what to do by lines of JSON; ends, with all in it, when its input does.

In: {"add": {…}} adds a node (options of Ray's), {"kill": n} kills the n-th node and everything it started, all at once.
Out, for each: {"address", "client", "raylets"}, the last the process of each node that starts its workers.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import sys
from typing import Any

import psutil

from leaven.engine.ray.local_cluster import SUBREAPER, _end_all

NODE = {"num_cpus": 1, "memory": 4_000_000_000, "object_store_memory": 80_000_000, "include_dashboard": False}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def kill(node: Any) -> None:
    """As a machine goes away: all of it, in no order."""
    family = []
    for started in (one.process for many in node.all_processes.values() for one in many):
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(started.pid)
            family += [process, *process.children(recursive=True)]
    for process in family:
        with contextlib.suppress(psutil.Error):
            process.kill()


def main(folder: str) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(SUBREAPER, 1)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    said = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        from ray.cluster_utils import Cluster

        cluster, client, nodes = Cluster(shutdown_at_exit=False), free_port(), []
        for line in sys.stdin:
            asked = json.loads(line)
            if "kill" in asked:
                kill(nodes[asked["kill"]])
            else:
                first = {} if nodes else {"ray_client_server_port": client}
                nodes.append(cluster.add_node(**{**NODE, **first, **asked["add"]}))
            raylets = [node.all_processes["raylet"][0].process.pid for node in nodes]
            answer = {"address": cluster.address, "client": f"ray://127.0.0.1:{client}", "raylets": raylets}
            print(json.dumps(answer), file=said, flush=True)
    finally:
        _end_all()
        shutil.rmtree(folder, ignore_errors=True)
        os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1])
