"""A process that does nothing but save, killed at any time: what it acknowledged is there, and it is what it was."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from leaven.train.checkpoint import latest_good

from .checkpoints_work import check

KILLS = 20


def test_after_every_kill_the_last_acknowledged_checkpoint_or_a_newer_one_is_there(tmp_path: Path) -> None:
    program = [sys.executable, str(Path(__file__).with_name("checkpoints_work.py")), "nursery"]
    draw = random.Random(1)
    acknowledged = 0
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as nursery:
        assert nursery.stdin is not None
        assert nursery.stdout is not None
        for kill in range(KILLS):
            nursery.stdin.write(f"{tmp_path}\n")
            process, saves = 0, 0
            for line in nursery.stdout:
                word, _, number = line.rstrip().partition(" ")
                if word == "dead":
                    break
                if word == "pid":
                    process = int(number)
                else:
                    saves, acknowledged = saves + 1, int(number)
                # Every fourth is killed as it starts or reads, the others as they save.
                if saves == (kill % 4 > 0):
                    time.sleep(draw.uniform(0, 0.1))
                    os.kill(process, signal.SIGKILL)
            assert check(latest_good(tmp_path)) >= acknowledged
        nursery.stdin.close()
        assert nursery.wait(timeout=60) == 0
    assert acknowledged > KILLS
