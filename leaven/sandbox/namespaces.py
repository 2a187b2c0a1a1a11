"""The unshare level: the same isolation as bubblewrap's, from util-linux (`unshare`, `mount`, `pivot_root`, `setpriv`).

A shell script builds a root in memory, with the system and the interpreter bound read-only, enters it, forgets the old
one, and gives up everything it was. Any step that fails ends the run (`set -e`): the program never starts half isolated.

* as a user: one user namespace to be allowed to build, a second one inside it to become uid 65534.
* as root: built with root's own rights, then uid 65534 of the host, then the same two user namespaces. No user namespace
  holds root, because the kernel exempts its root user from the limit on processes wherever it is mapped.

Nested user namespaces: the outer namespace may own exactly one (`max_user_namespaces`), which is the inner one.
"""

from __future__ import annotations

import shlex

from leaven.sandbox.interpreter import ENVIRONMENT, Interpreter, system_folders, system_links
from leaven.sandbox.limits import SCRATCH_BYTES
from leaven.sandbox.place import NOBODY, SCRATCH, mount_point

_NAMESPACES = ("--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--fork", "--kill-child")
_DEVICES = ("null", "zero", "random", "urandom")
_DEVICE_LINKS = ("fd", "stdin", "stdout", "stderr")

_LAST = f"""
set -e
echo 1 > /proc/sys/user/max_user_namespaces
exec unshare --user --map-user={NOBODY} --map-group={NOBODY} --keep-caps -- \
  setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all --no-new-privs --pdeathsig KILL -- sh -c '"$@"; exit $?' sh "$@"
"""
"""Run by the owner of the outer user namespace, inside the new root: the last user namespace, then no rights at all. The
shell stays as the first process, because `unshare --fork` of util-linux 2.38 does not pass on which signal ended it."""


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
    environment = [f"{name}={value}" for name, value in {**ENVIRONMENT, "HOME": SCRATCH, "TMPDIR": SCRATCH}.items()]
    # --pdeathsig: if leaven is killed, nothing stays behind.
    death = ["setpriv", "--pdeathsig", "KILL", "--"]
    return ["env", "-i", *environment, *death, "unshare", *_NAMESPACES, *more, "--", "sh", "-c"]


def _build(python: Interpreter) -> str:
    """The script that builds the new root and enters it; it ends in the scratch folder with the old root gone."""
    folders = [*system_folders(), *python.folders]
    new = mount_point(folders)
    bound = "|".join(f"{shlex.quote(new + folder)}|{shlex.quote(new + folder)}/*" for folder in folders)
    made = [*folders, "/proc", "/dev", SCRATCH]
    lines = [
        "set -e",
        "umask 022",
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
        "hostname sandbox 2> /dev/null || :",
        f"mount -n -t tmpfs -o size=1m,mode=755,nosuid,nodev root {new}",
        "mkdir -p " + " ".join(shlex.quote(new + folder) for folder in made),
    ]
    if links := system_links():
        lines.append(f"cp -P {' '.join(links)} {new}/")
    # --rbind: an unprivileged user may not leave out the mounts below a folder.
    lines += [f"mount -n --rbind {shlex.quote(folder)} {shlex.quote(new + folder)}" for folder in folders]
    lines += [
        # Every mount so far, and those below, read-only; the kernel wants the flags kept that each already has.
        "while read -r _ _ _ _ point options _; do",
        f'  case "$point" in {bound}) mount -n -o "remount,bind,$options,ro,nosuid,nodev" "$point" ;; esac',
        "done < /proc/self/mountinfo",
        f"touch {' '.join(f'{new}/dev/{name}' for name in _DEVICES)}",
        f"for name in {' '.join(_DEVICES)}; do mount -n --bind /dev/$name {new}/dev/$name; done",
        f"cp -P {' '.join(f'/dev/{name}' for name in _DEVICE_LINKS)} {new}/dev/",
        f"mount -n -t proc -o nosuid,nodev,noexec proc {new}/proc",
        f"mount -n -t tmpfs -o size={SCRATCH_BYTES},nr_inodes=4096,mode=1777,nosuid,nodev scratch {new}{SCRATCH}",
        f"mount -n -o remount,bind,ro,nosuid,nodev {new}",
        f"cd {new}",
        "pivot_root . .",
        "umount -n -l .",
        f"cd {SCRATCH}",
        "PATH=/usr/bin:/bin",
    ]
    return "\n".join(lines) + "\n"
