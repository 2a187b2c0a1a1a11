"""The bubblewrap level: the command line that runs a Python inside `bwrap`.

Invariants: no network, no host file but a read-only system and the interpreter, a private 16 MiB scratch folder as the
only writable place, fresh /proc, minimal /dev, empty environment, uid 65534 without capabilities, no new privileges
(bwrap always sets them), no nested user namespaces. Needs bubblewrap 0.8 (`--disable-userns`).

The kernel exempts its root user from the limit on processes, even behind a mapped uid. A harness that is root therefore
becomes uid 65534 *before* bwrap starts; folders that only root can reach (a Python under root's home) are first made
reachable in a private mount namespace.
"""

from __future__ import annotations

import shlex

from leaven.sandbox.interpreter import ENVIRONMENT, Interpreter, system_folders, system_links
from leaven.sandbox.limits import SCRATCH_BYTES
from leaven.sandbox.place import NOBODY, SCRATCH, mount_point

DROP = ("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all", "--")


def plain(python: Interpreter, inner: list[str]) -> list[str]:
    """`inner` inside bwrap, started as the user who runs leaven."""
    return _bwrap({folder: folder for folder in python.folders}, inner)


def dropped(python: Interpreter, inner: list[str]) -> list[str]:
    """`inner` inside bwrap, started by root as uid 65534."""
    if not python.folders:
        return [*DROP, *_bwrap({}, inner)]
    stage = mount_point(python.folders)
    staged = {folder: f"{stage}/{i}" for i, folder in enumerate(python.folders)}
    lines = ["set -e", f"mount -n -t tmpfs -o size=1m,mode=755 tmpfs {stage}", f"mkdir {' '.join(staged.values())}"]
    lines += [f"mount -n --rbind {shlex.quote(folder)} {place}" for folder, place in staged.items()]
    lines += ['exec "$@"']
    script = "\n".join(lines)
    bwrap = _bwrap(staged, inner)
    return ["unshare", "--mount", "--propagation", "private", "--", "sh", "-c", script, "sh", *DROP, *bwrap]


def _bwrap(folders: dict[str, str], inner: list[str]) -> list[str]:
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
    return [*command, "--", *inner]
