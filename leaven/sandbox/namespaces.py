"""The unshare level: the same isolation as bubblewrap's, from util-linux (`unshare`, `mount`, `pivot_root`, `setpriv`).

A shell script builds a root in memory, with the system and the interpreter bound read-only, enters it, forgets the
old one, and gives up everything it was. Any step that fails ends the run (`set -e`): the program never starts half
isolated.

* as a user: one user namespace to be allowed to build, a second one inside it to become uid 65534.
* as root: built with root's own rights, then uid 65534 of the host, then the same two user namespaces. No user
  namespace holds root, because the kernel exempts its root user from the limit on processes wherever it is mapped.

Nested user namespaces: the outer namespace may own exactly one (`max_user_namespaces`), which is the inner one.
"""

from __future__ import annotations

import os
import shlex

from leaven.sandbox.interpreter import Interpreter, system_folders, system_links
from leaven.sandbox.limits import SCRATCH_BYTES
from leaven.sandbox.place import NOBODY, SCRATCH, mount_point

_NAMESPACES = ("--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--fork", "--kill-child")
_DEVICES = ("null", "zero", "random", "urandom")

_SYSTEM_PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin; export PATH"
"""`pivot_root` lies in sbin, which an ordinary user's PATH leaves out."""

_LAST = f"""
set -e
{_SYSTEM_PATH}
echo 1 > /proc/sys/user/max_user_namespaces
exec unshare --user --map-user={NOBODY} --map-group={NOBODY} --keep-caps -- \
  setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs --pdeathsig KILL -- \
  sh -c '"$@"; exit $?' sh "$@"
"""
"""Run by the owner of the outer user namespace, inside the new root: the last user namespace, then no rights at all.
The shell stays as first process, because `unshare --fork` of util-linux 2.38 loses which signal ended its child."""


def as_user(python: Interpreter, inner: list[str]) -> list[str]:
    """`inner` in namespaces of a user without privileges."""
    return [*_start("--user", "--map-root-user"), _build(python) + _LAST, "sh", *inner]


def as_root(python: Interpreter, inner: list[str]) -> list[str]:
    """`inner` in namespaces built by root, as the host's uid 65534."""
    # --pdeathsig again: the kernel forgets it when the uid changes.
    drop = (
        f"exec setpriv --reuid={NOBODY} --regid={NOBODY} --clear-groups --inh-caps=-all --pdeathsig KILL -- "
        f'unshare --user --map-root-user -- sh -c {shlex.quote(_LAST)} sh "$@"\n'
    )
    return [*_start(), _build(python) + drop, "sh", *inner]


def _start(*more: str) -> list[str]:
    # --pdeathsig: if leaven is killed, nothing stays behind.
    return ["setpriv", "--pdeathsig", "KILL", "--", "unshare", *_NAMESPACES, *more, "--", "sh", "-c"]


def _build(python: Interpreter) -> str:
    """The script that builds the new root and enters it; it ends in the scratch folder with the old root gone.

    One `mount --all` with a table of its own makes nearly all mounts: each command started costs over a millisecond.
    """
    folders = [*system_folders(), *python.folders]
    new = mount_point(folders)
    # --rbind: an unprivileged user may not leave out the mounts below a folder.
    table = [f"{_escaped(folder)} {_escaped(new + folder)} none rbind,ro,nosuid,nodev" for folder in folders]
    table += [f"/dev/{name} {new}/dev/{name} none bind" for name in _DEVICES]
    table += [
        f"proc {new}/proc proc nosuid,nodev,noexec",
        f"scratch {new}{SCRATCH} tmpfs size={SCRATCH_BYTES},nr_inodes=4096,mode=1777,nosuid,nodev",
    ]
    below = "|".join(f"{shlex.quote(new + folder)}/*" for folder in folders)
    made = " ".join(shlex.quote(new + folder) for folder in [*folders, "/proc", "/dev", SCRATCH])
    lines = [
        "set -e",
        _SYSTEM_PATH,
        "umask 022",
        "hostname sandbox 2> /dev/null || :",
        f"mount -n -t tmpfs -o size=1m,mode=755,nosuid,nodev root {new}",
        f"mkdir -p {made}",
        *(f": > {new}/dev/{name}" for name in _DEVICES),
        f"cp -P {' '.join(links)} {new}/" if (links := system_links()) else ":",
        # The table lies where the scratch folder will cover it.
        f"printf '%s\\n' {' '.join(map(shlex.quote, table))} > {new}{SCRATCH}/table",
        f"mount -n --all --fstab {new}{SCRATCH}/table",
        # What is mounted below a folder, read-only too; the kernel wants the flags kept that each already has.
        "while read -r _ _ _ _ point options _; do",
        f'  case "$point" in {below}) mount -n -o "remount,bind,$options,ro,nosuid,nodev" "$point" ;; esac',
        "done < /proc/self/mountinfo",
        f"mount -n -o remount,bind,ro,nosuid,nodev {new}",
        f"cd {new}",
        "pivot_root . .",
        "umount -n -l .",
        f"cd {SCRATCH}",
    ]
    return "\n".join(lines) + "\n"


def _escaped(path: str) -> str:
    """A path as a mount table wants it."""
    return "".join(f"\\{byte:03o}" if byte in b" \t\n\\#" else chr(byte) for byte in os.fsencode(path))
