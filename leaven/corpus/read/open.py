"""The one place where the name of an input becomes bytes: a file of this machine, or one of the hub's."""

from __future__ import annotations

from typing import BinaryIO

REMOTE = "hf://"


def is_remote(file: str) -> bool:
    """Whether a name is that of a file on the hub."""
    return file.startswith(REMOTE)


def open_input(file: str) -> BinaryIO:
    """The file, for reading, seekable. Raises OSError where it cannot be had."""
    if is_remote(file):
        from leaven.corpus.hub import open_remote

        return open_remote(file)
    return open(file, "rb")
