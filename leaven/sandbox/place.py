"""Names that both kinds of sandbox agree on."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from leaven.ground.errors import LeavenError

NOBODY = 65534
"""The user and group inside, and on the host where the harness is root."""

SCRATCH = "/scratch"
"""The private folder a program starts in."""

_MOUNT_POINTS = ("/mnt", "/media", "/srv", "/tmp", "/opt", "/home", "/var")


def mount_point(needed: Iterable[str]) -> str:
    """An existing host folder to mount the new root over (in a private mount namespace: the host sees nothing), which
    hides none of the folders still needed.

    Raises:
        LeavenError: there is none.
    """
    for point in _MOUNT_POINTS:
        if os.path.isdir(point) and not any(Path(folder).is_relative_to(point) for folder in needed):
            return os.path.realpath(point)
    raise LeavenError(f"no folder to build a sandbox in: none of {', '.join(_MOUNT_POINTS)} is free")
