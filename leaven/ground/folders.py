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
    """Move what was made to its place. What is there already stays, or is replaced where `again`: the caller knows that
    it is an earlier state of the same.

    Raises LeavenError where it cannot be moved and nothing is there; what was there before is there again.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    made.chmod(0o755)
    try:
        if again and folder.is_dir():
            _replace(made, folder)
        else:
            os.rename(made, folder)
    except OSError as error:
        if again or not folder.is_dir():  # else another process has made the same one meanwhile
            raise LeavenError(f"cannot put the results in {folder}: {error.strerror}") from None


def _replace(made: Path, folder: Path) -> None:
    aside = Path(tempfile.mkdtemp(prefix=PART, dir=folder.parent))
    try:
        os.rename(folder, aside / "old")
        try:
            os.rename(made, folder)
        except OSError:
            os.rename(aside / "old", folder)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)
