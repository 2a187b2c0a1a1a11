"""What can happen to a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import strategies as st


@contextmanager
def damaged(path: Path, data: st.DataObject) -> Iterator[None]:
    """For a while the file is cut at any length, has any byte changed, or is gone."""
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1), "at")
    match data.draw(st.sampled_from(["cut", "flip", "gone"]), "damage"):
        case "cut":
            path.write_bytes(whole[:at])
        case "flip":
            mask = data.draw(st.integers(1, 255), "mask")
            path.write_bytes(whole[:at] + bytes([whole[at] ^ mask]) + whole[at + 1 :])
        case _:
            path.unlink()
    try:
        yield
    finally:
        path.write_bytes(whole)
