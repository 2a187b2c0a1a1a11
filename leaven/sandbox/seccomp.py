"""The system call filter: a second wall behind the namespaces, in classic BPF.

What a program can ask of the kernel is what it can find faults in. The filter takes away what no solution to a
programming problem needs; see `syscalls` for the list and `docs/decisions/016-seccomp-filter.md` for the reasons.

The architecture is checked first: a call in another one's numbers (32-bit code) ends the process. Numbers above
`LATEST` answer ENOSYS; those of the x32 ABI, which have bit 30 set, are among them.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from leaven.sandbox.syscalls import ABSENT, AF_UNIX, LATEST, MACHINES, NAMESPACE_FLAGS, REFUSED, Machine

# linux/bpf_common.h and linux/seccomp.h
_LOAD, _IF_EQUAL, _IF_ABOVE, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x06
_ALLOW, _ERRNO, _KILL_PROCESS = 0x7FFF0000, 0x00050000, 0x80000000
_AT_NUMBER, _AT_ARCHITECTURE, _AT_FIRST_ARGUMENT = 0, 4, 16
"""Offsets in `struct seccomp_data`; of the first argument the lower 32 bits, which hold the flags and families."""

INSTALL = """
def install(code):
    import ctypes
    rules = ctypes.create_string_buffer(code, len(code))
    program = (ctypes.c_uint64 * 2)(len(code) // 8, ctypes.addressof(rules))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(22, 2, program, 0, 0):
        raise OSError(ctypes.get_errno(), "no system call filter")
"""
"""Python that puts a filter on its own process, for good: `prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, …)` with a
`struct sock_fprog`. The process must have given up new privileges before."""


@dataclass(frozen=True)
class _Step:
    """One instruction; `yes` and `no` are where a jump goes: the name of an outcome, a count of steps to leave out."""

    code: int
    value: int
    yes: str | int = 0
    no: str | int = 0


def machine() -> str:
    """What this computer calls its processor."""
    return os.uname().machine


def filter_program(name: str) -> bytes | None:
    """The filter for processor `name` as an array of `struct sock_filter`; None where its calls are not known."""
    known = MACHINES.get(name)
    return None if known is None else _assemble(_steps(known))


@contextlib.contextmanager
def piped(code: bytes) -> Iterator[int | None]:
    """A descriptor from which `code` can be read once; None if it is empty."""
    if not code:
        yield None
        return
    source, sink = os.pipe()
    try:
        with open(sink, "wb") as file:
            # It fits in a pipe's buffer, so nobody needs to read yet.
            file.write(code)
        yield source
    finally:
        os.close(source)


def _steps(known: Machine) -> list[_Step]:
    refused = [numbers[known.column] for numbers in REFUSED.values()]
    absent = [numbers[known.column] for numbers in ABSENT.values()]
    return [
        _Step(_LOAD, _AT_ARCHITECTURE),
        _Step(_IF_EQUAL, known.audit, no="kill"),
        _Step(_LOAD, _AT_NUMBER),
        _Step(_IF_ABOVE, LATEST, yes="absent"),
        *(_Step(_IF_EQUAL, number, yes="refused") for number in refused if number is not None),
        *(_Step(_IF_EQUAL, number, yes="absent") for number in absent if number is not None),
        _Step(_IF_EQUAL, known.clone, no=2),
        _Step(_LOAD, _AT_FIRST_ARGUMENT),
        _Step(_IF_ANY_BIT, NAMESPACE_FLAGS, yes="refused", no="allow"),
        _Step(_IF_EQUAL, known.socketpair, no="allow"),
        _Step(_LOAD, _AT_FIRST_ARGUMENT),
        _Step(_IF_EQUAL, AF_UNIX, yes="allow", no="refused"),
    ]


def _assemble(steps: Sequence[_Step]) -> bytes:
    outcomes = {
        "allow": _ALLOW,
        "refused": _ERRNO | errno.EPERM,
        "absent": _ERRNO | errno.ENOSYS,
        "kill": _KILL_PROCESS,
    }
    places = {name: len(steps) + i for i, name in enumerate(outcomes)}

    def jump(here: int, target: str | int) -> int:
        # A jump counts from the next instruction, and is one byte: `struct` refuses a filter that has grown too long.
        return target if isinstance(target, int) else places[target] - here - 1

    made = [struct.pack("<HBBI", s.code, jump(i, s.yes), jump(i, s.no), s.value) for i, s in enumerate(steps)]
    made += [struct.pack("<HBBI", _RETURN, 0, 0, value) for value in outcomes.values()]
    return b"".join(made)
