"""A folder of results appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leaven.ground.errors import LeavenError

PART = ".part-"
STALE = 2 * 86_400
"""Seconds after which a folder in the making is taken for one that a killed process left."""


@contextmanager
def part(home: Path) -> Iterator[Path]:
    """A folder to write in, gone afterwards unless it was moved to its place. What a killed process left goes too."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        for left in home.glob(f"{PART}*"):
            if time.time() - left.stat().st_mtime > STALE:
                shutil.rmtree(left, ignore_errors=True)
        made = Path(tempfile.mkdtemp(prefix=PART, dir=home))
    except OSError as error:
        raise LeavenError(f"nothing can be written to {home}: {error.strerror}") from None
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


def appear(made: Path, folder: Path, *, again: bool = False) -> None:
    """Move what was made to its place. What is there already stays, or is replaced where `again`.

    Raises LeavenError where it cannot be moved and nothing is there.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    made.chmod(0o755)
    try:
        if again and folder.is_dir():
            old = Path(tempfile.mkdtemp(prefix=PART, dir=folder.parent))
            os.rename(folder, old / "old")
            os.rename(made, folder)
            shutil.rmtree(old, ignore_errors=True)
        else:
            os.rename(made, folder)
    except OSError as error:
        if not folder.is_dir():  # another process may have made the same one meanwhile
            raise LeavenError(f"cannot put the results in {folder}: {error.strerror}") from None
