"""Ctrl-C in a study whose judge is paid for every answer: what is under way is kept, and nothing is paid for twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time

from leaven.ground.replies import ReplyCache

INTERRUPTIBLE = (
    sys.executable,
    "-c",
    "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])",
)
"""Before a command: a shell that starts the tests with `&` has Ctrl-C ignored, by them and all that they start."""


def test_answers_under_way_are_kept(server, study_file, tmp_path):
    slow = threading.Event()

    def answer(request):
        if slow.is_set():
            time.sleep(1.0)
        return server.says("Comparison: x\nPreferred: Answer (A)")

    server.default = answer
    slow.set()
    judge = f"judge={{kind: endpoint, url: '{server.url}', model: m, completion: 8, at_once: 2, controls: 0}}"
    command = [
        *INTERRUPTIBLE,
        sys.executable,
        "-m",
        "leaven.cli",
        "run",
        str(study_file),
        "--seeds",
        "1",
        "--set",
        judge,
    ]
    environment = {**os.environ, "no_proxy": "127.0.0.1"}
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    ) as first:
        deadline = time.monotonic() + 300
        while not server.requests and first.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        first.send_signal(signal.SIGINT)
        output = first.communicate(timeout=60)[0]
    assert first.returncode == 130, output
    asked = len(server.requests)
    cache = ReplyCache(next((tmp_path / "runs").rglob("judge/replies.jsonl")))
    spent = cache.spent("micro")
    assert 0 < spent.replies == asked
    assert spent.unanswered == 0

    slow.clear()
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=300)
    assert again.returncode == 0, again.stdout + again.stderr
    assert cache.spent("micro").replies == len(server.requests)
