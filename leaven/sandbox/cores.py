"""How many processors this process may keep busy."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path, PurePosixPath

GROUPS = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")


def cores(groups: Path = GROUPS, own: Path = OWN) -> int:
    """The processors this process may run on, or fewer if a control group grants less of their time; at least one.

    A quota of a group holds for every group below it, so the smallest of all of them counts. A part of a processor
    counts as none: a program too many only makes the others slower.

    Args:
        groups: where the control groups are mounted (version 2: `cpu.max`; version 1: `cpu.cfs_quota_us`).
        own: which groups this process is in; a container often sees its own as the root.
    """
    shares = [float(len(os.sched_getaffinity(0)))]
    for folder, version in _folders(groups, own):
        with contextlib.suppress(OSError, ValueError, ZeroDivisionError):
            if version == 2:
                quota, period = (folder / "cpu.max").read_text().split()
            else:
                quota, period = ((folder / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
            # "max" is no number, and -1 no quota: no limit.
            if int(quota) > 0:
                shares.append(int(quota) / int(period))
    return max(1, int(min(shares)))


def _folders(groups: Path, own: Path) -> list[tuple[Path, int]]:
    """The groups that bind this process, from its own to the root, each with the version of its files."""
    found = [(groups, 2), (groups / "cpu", 1)]
    with contextlib.suppress(OSError):
        for line in own.read_text().splitlines():
            # number:controllers:path; version 2 has no controllers
            _, controllers, path = line.split(":", 2)
            inside = PurePosixPath(path.lstrip("/"))
            for part in (inside, *inside.parents):
                if not controllers:
                    found.append((groups / part, 2))
                elif "cpu" in controllers.split(","):
                    found.append((groups / "cpu" / part, 1))
    return found
