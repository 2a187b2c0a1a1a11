"""The unshare level: the same isolation as bubblewrap's, from util-linux (`unshare`, `mount`, `pivot_root`, `setpriv`).

A shell script builds a root in memory, with the system and the interpreter bound read-only, enters it, forgets the
old one, and gives up everything it was. Any step that fails ends the run (`set -e`): the program never starts half
isolated.

* as a user: one user namespace to be allowed to build, a second one inside it to become uid 65534.
* as root: the root is built once with root's own rights (see `stage`); each run enters a copy of it, mounts its own
  /proc and scratch folder, and becomes uid 65534 of the host, then the same two user namespaces. No user namespace
  holds root, because the kernel exempts its root user from the limit on processes wherever it is mapped.

Nested user namespaces: the outer namespace may own exactly one (`max_user_namespaces`), which is the inner one.

The system call filter is not installed here but by the first lines of Python (`seccomp.INSTALL`), which is itself the
first process inside; nothing without the filter is left to be taken over.
"""

from __future__ import annotations

import os
import shlex

from leaven.sandbox.interpreter import Interpreter, system_folders, system_links
from leaven.sandbox.limits import SCRATCH_BYTES
from leaven.sandbox.place import NOBODY, SCRATCH, mount_point
from leaven.sandbox.stage import entering

_NAMESPACES = ("--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--fork", "--kill-child")
_DEVICES = ("null", "zero", "random", "urandom")

_SYSTEM_PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH"
"""`pivot_root` lies in sbin, which an ordinary user's PATH leaves out."""

_NAME = "echo sandbox > /proc/sys/kernel/hostname"

_TABLE = f"{SCRATCH}/table"
"""A table of mounts in the new root. The scratch folder's own mount covers it."""

_LAST = f"""
set -e
{_SYSTEM_PATH}
echo 1 > /proc/sys/user/max_user_namespaces
exec unshare --user --map-user={NOBODY} --map-group={NOBODY} --keep-caps -- \
  setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs --pdeathsig KILL -- "$@"
"""
"""Run by the owner of the outer user namespace, inside the new root: the last user namespace, then no rights at all."""

# --pdeathsig again: the kernel forgets it when the uid changes.
_DROP = (
    f"exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups --inh-caps=-all --pdeathsig KILL -- "
    f'unshare --user --map-root-user -- sh -c {shlex.quote(_LAST)} sh "$@"\n'
)

# If leaven is killed, nothing stays behind.
_WITH_LEAVEN = ("setpriv", "--pdeathsig", "KILL", "--")


def as_user(python: Interpreter, inner: list[str], guard: int | None) -> list[str]:
    """`inner` in namespaces of a user without privileges. `inner` installs its system call filter itself."""
    script = "\n".join([*_tree(python, own=True), f"{{ {_NAME}; }} 2> /dev/null || :", f"cd {SCRATCH}", _LAST])
    return [*_WITH_LEAVEN, "unshare", *_NAMESPACES, "--user", "--map-root-user", "--", "sh", "-c", script, "sh", *inner]


def as_root(python: Interpreter, inner: list[str], guard: int | None) -> list[str]:
    """`inner` in namespaces built by root, as the host's uid 65534. `inner` installs its filter itself.

    Raises:
        LeavenError: the new root cannot be built.
    """
    enter = entering("\n".join(_tree(python, own=False)))
    lines = ["set -e", _SYSTEM_PATH, f"mount -n --all --fstab {_TABLE}", _NAME, f"cd {SCRATCH}", _DROP]
    return [*_WITH_LEAVEN, *enter, "unshare", *_NAMESPACES, "--", "sh", "-c", "\n".join(lines), "sh", *inner]


def _own(root: str = "") -> list[str]:
    """The mounts that every run makes for itself, as rows of a table."""
    return [
        f"proc {root}/proc proc nosuid,nodev,noexec",
        f"scratch {root}{SCRATCH} tmpfs size={SCRATCH_BYTES},nr_inodes=4096,mode=1777,nosuid,nodev",
    ]


def _tree(python: Interpreter, *, own: bool) -> list[str]:
    """The lines that build the new root and enter it; they end in it, with the old root gone.

    One `mount --all` with a table makes nearly all mounts: each command started costs over a millisecond.

    Args:
        own: make the run's own mounts too; else leave their table at `_TABLE`.
    """
    folders = [*system_folders(), *python.folders]
    new = mount_point(folders)
    # --rbind: an unprivileged user may not leave out the mounts below a folder.
    rows = [f"{_escaped(folder)} {_escaped(new + folder)} none rbind,ro,nosuid,nodev" for folder in folders]
    rows += [f"/dev/{name} {new}/dev/{name} none bind" for name in _DEVICES]
    # `umount` reads /proc: a root that is to be copied has one until then.
    rows += _own(new)[: None if own else 1]
    below = "|".join(f"{shlex.quote(new + folder)}/*" for folder in folders)
    made = " ".join(shlex.quote(new + folder) for folder in [*folders, "/proc", "/dev", SCRATCH])
    return [
        "set -e",
        _SYSTEM_PATH,
        "umask 022",
        f"mount -n -t tmpfs -o size=1m,mode=755,nosuid,nodev root {new}",
        f"mkdir -p {made}",
        *(f": > {new}/dev/{name}" for name in _DEVICES),
        f"cp -P {' '.join(links)} {new}/" if (links := system_links()) else ":",
        _written(rows, new),
        f"mount -n --all --fstab {new}{_TABLE}",
        # What is mounted below a folder, read-only too; the kernel wants the flags kept that each already has.
        "while read -r _ _ _ _ point options _; do",
        f'  case "$point" in {below}) mount -n -o "remount,bind,$options,ro,nosuid,nodev" "$point" ;; esac',
        "done < /proc/self/mountinfo",
        ":" if own else _written(_own(), new),
        f"mount -n -o remount,bind,ro,nosuid,nodev {new}",
        f"cd {new}",
        "pivot_root . .",
        "umount -n -l .",
        ":" if own else "umount -n -l /proc",
    ]


def _written(rows: list[str], new: str) -> str:
    return f"printf '%s\\n' {' '.join(map(shlex.quote, rows))} > {new}{_TABLE}"


def _escaped(path: str) -> str:
    """A path as a mount table wants it."""
    return "".join(f"\\{byte:03o}" if byte in b" \t\n\\#" else chr(byte) for byte in os.fsencode(path))
