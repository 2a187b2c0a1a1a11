"""Work for parts that other processes must be able to import."""

from __future__ import annotations

import os
import time
from pathlib import Path

from leaven.ground.errors import BadInput


def square(item: tuple[int, Path, str], out: Path) -> None:
    number, factor, folder = item
    assert str(factor.parent) == folder
    time.sleep(0.3)
    (out / "value").write_text(str(int(factor.read_text()) * number * number))
    (out / "process").write_text(str(os.getpid()))


def refuse(number: int, out: Path) -> None:
    if number == 3:
        raise BadInput("line 7 cannot be read", field="text", fix="Mend it.")
    (out / "value").write_text(str(number))
