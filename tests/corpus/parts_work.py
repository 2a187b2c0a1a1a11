"""What the processes of `test_parts` do; a module that they can import."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from leaven.ground.errors import BadInput


def square(item: int, out: Path) -> None:
    (out / "result").write_text(str(item * item))


def refuse(item: int, out: Path) -> None:
    (out / "result").write_text("half")
    if item == 3:
        raise BadInput("three is refused", field="item")


def die(item: int, out: Path) -> None:
    if item == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    (out / "result").write_text(str(item))


def sleep(item: int, out: Path) -> None:
    (out / "pid").write_text(str(os.getpid()))
    time.sleep(600 if item > 1 else 0)
