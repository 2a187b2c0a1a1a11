"""A study with the user's own prose and a chat endpoint as its judge, from files to verdict."""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from leaven.ground.tables import read_table
from leaven.lab import load

SECRET = "key-that-must-never-be-written"
SHARED = Path(os.environ.get("LEAVEN_SHARED", "../shared")) / "text" / "other.heldout.jsonl.zst"


class FirstIsBetter(http.server.BaseHTTPRequestHandler):
    """A judge with a position bias and nothing else: the protocol must make a tie of every vote."""

    asked = 0
    keys: frozenset[str] = frozenset()

    def do_POST(self):
        type(self).asked += 1
        type(self).keys = self.keys | {self.headers.get("Authorization", "")}
        self.rfile.read(int(self.headers["Content-Length"]))
        message = {"role": "assistant", "content": "Comparison: the first one.\nPreferred: Answer (A)"}
        body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def endpoint():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), FirstIsBetter)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def test_an_endpoint_judges_models_of_the_users_own_prose(endpoint, study_file, material, tmp_path):
    prose = SHARED.resolve() if SHARED.exists() else material / "text"
    judge = f"judge={{kind: endpoint, url: '{endpoint}', model: some-model, key: TEST_JUDGE_KEY, completion: 8}}"
    changes = {"settings": [judge], "sources": {"text": prose}, "seeds": 1}
    command = [sys.executable, "-m", "leaven.cli", "run", str(study_file), "--seeds", "1"]
    command += ["--set", judge, "--source", f"text={prose}"]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=400, env={**os.environ, "TEST_JUDGE_KEY": SECRET}
    )
    assert done.returncode == 0, done.stdout + done.stderr

    study = load(str(study_file), **changes, runs=tmp_path / "runs")
    graph = study.prepare().graph
    outcomes = []
    for step in graph.of_kind("judge"):
        votes = read_table(study.store.folder(step.identity) / "votes.parquet")
        outcomes += [outcome for outcome, rule in zip(votes["outcome"], votes["by_rule"], strict=True) if not rule]
    assert outcomes
    assert set(outcomes) == {"tie"}  # both orders were asked and disagree
    assert FirstIsBetter.asked >= len(outcomes)  # equal pairs of two steps share their replies
    assert FirstIsBetter.keys == {f"Bearer {SECRET}"}
    for path in [*tmp_path.rglob("*")]:
        if path.is_file():
            assert SECRET.encode() not in path.read_bytes(), f"the key was written to {path.name}"
    assert SECRET not in done.stdout + done.stderr

    # Everything else exists, the replies are kept: judging again asks nobody.
    for step in graph.of_kind("judge"):
        subprocess.run(["rm", "-r", str(study.store.folder(step.identity))], check=True)
    before = FirstIsBetter.asked
    again = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=400)
    assert again.returncode == 0, again.stderr
    assert FirstIsBetter.asked == before
