"""Which system calls the filter refuses, and their numbers.

Numbers: Linux `arch/x86/entry/syscalls/syscall_64.tbl` (x86_64) and `include/uapi/asm-generic/unistd.h` (aarch64), as
installed by linux-libc-dev 6.1 (`asm/unistd_64.h`, `asm-generic/unistd.h`). Architecture words: `linux/audit.h`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

REFUSED: Final[dict[str, tuple[int | None, int | None]]] = {
    # Sockets of every family: a network namespace has no wires, but loopback, netlink and AF_ALG are kernel code.
    "socket": (41, 198),
    # Other processes' memory, descriptors and flow.
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    # Namespaces, roots and mounts.
    "unshare": (272, 97),
    "setns": (308, 268),
    "chroot": (161, 51),
    "pivot_root": (155, 41),
    "mount": (165, 40),
    "umount2": (166, 39),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "mount_setattr": (442, 442),
    # Files by handle, past the mounts.
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "fanotify_init": (300, 262),
    # Code in the kernel, and watching it.
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "lookup_dcookie": (212, 18),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "delete_module": (176, 106),
    "kexec_load": (246, 104),
    "kexec_file_load": (320, 294),
    # Keys belong to the user of the host, not to a namespace.
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    # Memory that no limit of a process counts.
    "shmget": (29, 194),
    "shmat": (30, 196),
    "semget": (64, 190),
    "msgget": (68, 186),
    "memfd_secret": (447, 447),
    "move_pages": (279, 239),
    "migrate_pages": (256, 238),
    # The machine as a whole.
    "reboot": (169, 142),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "acct": (163, 89),
    "quotactl": (179, 60),
    "quotactl_fd": (443, 443),
    "syslog": (103, 116),
    "vhangup": (153, 58),
    "settimeofday": (164, 170),
    "clock_settime": (227, 112),
    "clock_adjtime": (305, 266),
    "sethostname": (170, 161),
    "setdomainname": (171, 162),
    "nfsservctl": (180, 42),
    # Old doors that nothing uses any more.
    "personality": (135, 92),
    "iopl": (172, None),
    "ioperm": (173, None),
    "modify_ldt": (154, None),
    "uselib": (134, None),
    "ustat": (136, None),
    "sysfs": (139, None),
    "_sysctl": (156, None),
}
"""Name → number on x86_64 and on aarch64 (None: there is no such call). These answer EPERM: Python turns it into
`PermissionError`, and nothing tries again."""

ABSENT: Final[dict[str, tuple[int | None, int | None]]] = {
    "clone3": (435, 435),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "userfaultfd": (323, 282),
}
"""These answer ENOSYS, as a kernel without them would: the C library and others ask first and have another way. A
filter cannot see `clone3`'s flags, which lie in memory; `clone`'s it can."""

LATEST: Final = 450
"""The last call of Linux 6.1. Later ones answer ENOSYS, whatever they will be."""

NAMESPACE_FLAGS: Final = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET (`linux/sched.h`)."""

AF_UNIX: Final = 1
"""The family whose `socketpair` is allowed: two ends of one process, which asyncio and multiprocessing need."""


@dataclass(frozen=True)
class Machine:
    """A processor's words: `column` is its place in the tables above, `audit` its AUDIT_ARCH_*."""

    column: int
    audit: int
    clone: int
    socketpair: int


MACHINES: Final[dict[str, Machine]] = {
    "x86_64": Machine(column=0, audit=0xC000003E, clone=56, socketpair=53),
    "aarch64": Machine(column=1, audit=0xC00000B7, clone=220, socketpair=199),
}
"""By what `uname -m` says. Both are little-endian with 64-bit words."""
