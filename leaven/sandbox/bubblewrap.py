"""The bubblewrap level: the command line that runs a Python inside `bwrap`.

Invariants: no network, no host file but a read-only system and the interpreter, a private 16 MiB scratch folder as the
only writable place, fresh /proc, minimal /dev, empty environment, uid 65534 without capabilities, no new privileges
(bwrap always sets them), no nested user namespaces, and the system call filter if there is one, which bwrap puts on
itself too. Needs bubblewrap 0.8 (`--disable-userns`).

The kernel exempts its root user from the limit on processes, even behind a mapped uid. A harness that is root therefore
becomes uid 65534 *before* bwrap starts; folders that only root can reach (a Python under root's home) are first made
reachable in a mount namespace of their own, which all runs enter (see `stage`).
"""

from __future__ import annotations

import shlex

from leaven.sandbox.interpreter import ENVIRONMENT, Interpreter, system_folders, system_links
from leaven.sandbox.limits import SCRATCH_BYTES
from leaven.sandbox.place import NOBODY, SCRATCH, mount_point
from leaven.sandbox.stage import entering


def plain(python: Interpreter, inner: list[str], guard: int | None) -> list[str]:
    """`inner` inside bwrap, started as the user who runs leaven. `guard`: descriptor of a system call filter."""
    return _bwrap({folder: folder for folder in python.folders}, inner, guard)


def dropped(python: Interpreter, inner: list[str], guard: int | None) -> list[str]:
    """`inner` inside bwrap, started by root as uid 65534.

    Raises:
        LeavenError: the folders cannot be made reachable.
    """
    if not python.folders:
        drop = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all", "--"]
        return [*drop, *_bwrap({}, inner, guard)]
    place = mount_point(python.folders)
    staged = {folder: f"{place}/{i}" for i, folder in enumerate(python.folders)}
    lines = [f"mount -n -t tmpfs -o size=1m,mode=755 tmpfs {place}", f"mkdir {' '.join(staged.values())}"]
    lines += [f"mount -n --rbind {shlex.quote(folder)} {inside}" for folder, inside in staged.items()]
    # nsenter enters, gives up root and every group, and runs bwrap: one program started instead of five.
    enter = [*entering("\n".join(lines)), f"--setuid={NOBODY}", f"--setgid={NOBODY}", "--"]
    return [*enter, *_bwrap(staged, inner, guard)]


def _bwrap(folders: dict[str, str], inner: list[str], guard: int | None) -> list[str]:
    """`folders`: place inside → place outside."""
    command = ["bwrap", "--unshare-user", "--unshare-all", "--disable-userns", "--die-with-parent", "--new-session"]
    command += ["--cap-drop", "ALL", "--uid", str(NOBODY), "--gid", str(NOBODY), "--hostname", "sandbox"]
    for folder in system_folders():
        command += ["--ro-bind", folder, folder]
    for name, target in system_links().items():
        command += ["--symlink", target, name]
    for inside, outside in folders.items():
        command += ["--ro-bind", outside, inside]
    # /dev and / are memory file systems of unlimited size: read-only, or a program could fill the machine's memory.
    command += ["--proc", "/proc", "--dev", "/dev", "--remount-ro", "/dev"]
    command += ["--size", str(SCRATCH_BYTES), "--tmpfs", SCRATCH, "--chdir", SCRATCH, "--remount-ro", "/", "--clearenv"]
    for name, value in {**ENVIRONMENT, "HOME": SCRATCH, "TMPDIR": SCRATCH}.items():
        command += ["--setenv", name, value]
    if guard is not None:
        command += ["--seccomp", str(guard)]
    return [*command, "--", *inner]
