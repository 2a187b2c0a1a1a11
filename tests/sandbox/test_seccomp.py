"""The filter, read by a small interpreter of classic BPF: every call of every processor gets the verdict it should."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.sandbox import level as levels
from leaven.sandbox.level import Level, attempt, filters, none
from leaven.sandbox.run import run_program
from leaven.sandbox.seccomp import filter_program, machine
from leaven.sandbox.syscalls import ABSENT, LATEST, MACHINES, NAMESPACE_FLAGS, REFUSED

ALLOW, KILL = 0x7FFF0000, 0x80000000
PERMISSION, MISSING = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS


def verdict(name: str, number: int, first: int = 0, audit: int | None = None) -> int:
    """What the kernel would do with a call, by the rules of `linux/filter.h`."""
    code = filter_program(name)
    assert code is not None
    data = struct.pack("<IIQ6Q", number, MACHINES[name].audit if audit is None else audit, 0, first, *[0] * 5)
    steps = list(struct.iter_unpack("<HBBI", code))
    place = held = 0
    while True:
        op, yes, no, value = steps[place]
        if op == 0x06:
            return value
        if op == 0x20:
            held = int.from_bytes(data[value : value + 4], "little")
            place += 1
        else:
            true = {0x15: held == value, 0x25: held > value, 0x45: bool(held & value)}[op]
            place += 1 + (yes if true else no)


@pytest.mark.parametrize("name", MACHINES)
def test_every_call_has_its_verdict(name: str) -> None:
    known = MACHINES[name]
    refused = {numbers[known.column] for numbers in REFUSED.values()}
    absent = {numbers[known.column] for numbers in ABSENT.values()}
    assert not refused & absent - {None}
    for number in range(LATEST + 100):
        if number in refused or number == known.socketpair:
            assert verdict(name, number) == PERMISSION
        elif number in absent or number > LATEST:
            assert verdict(name, number) == MISSING
        else:
            assert verdict(name, number) == ALLOW


@pytest.mark.parametrize("name", MACHINES)
def test_clone_and_socketpair_are_judged_by_their_first_argument(name: str) -> None:
    known = MACHINES[name]
    thread, fork = 0x003D0F00, 0x01200011  # the flags of the C library's threads and of its fork
    assert verdict(name, known.clone, thread) == verdict(name, known.clone, fork) == ALLOW
    for bit in (1 << i for i in range(32)):
        assert verdict(name, known.clone, fork | bit) == (PERMISSION if bit & NAMESPACE_FLAGS else ALLOW)
    assert verdict(name, known.socketpair, 1) == ALLOW
    assert {verdict(name, known.socketpair, family) for family in (0, 2, 10, 16, 30, 38)} == {PERMISSION}
    # The kernel reads 32 bits: what stands above them changes nothing.
    assert verdict(name, known.socketpair, 1 << 32 | 2) == PERMISSION
    assert verdict(name, known.clone, 1 << 32 | 0x10000000) == PERMISSION


@given(st.sampled_from(sorted(MACHINES)), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
def test_another_processors_calls_end_the_process(name: str, number: int, audit: int) -> None:
    assert verdict(name, number, audit=audit) == KILL or audit == MACHINES[name].audit
    assert verdict(name, number | 1 << 30) == MISSING  # x32


def test_the_numbers_are_those_of_the_kernels_headers() -> None:
    x86 = Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
    generic = Path("/usr/include/asm-generic/unistd.h")
    if not x86.exists() or not generic.exists():
        pytest.skip("the kernel's headers for x86_64 are not installed (linux-libc-dev)")
    for column, header in enumerate((x86, generic)):
        numbers = {n: int(v) for n, v in re.findall(r"#define __NR(?:3264)?_(\w+)\s+(\d+)", header.read_text())}
        known = list(MACHINES.values())[column]
        assert (known.clone, known.socketpair) == (numbers["clone"], numbers["socketpair"])
        assert {name: pair[column] for name, pair in {**REFUSED, **ABSENT}.items()} == {
            name: numbers.get(name) for name in {**REFUSED, **ABSENT}
        }


def test_what_programs_need_goes_on(level: Level) -> None:
    source = """
import asyncio, subprocess, threading, multiprocessing, os, sys, time, tempfile, random
async def one(): await asyncio.sleep(0.001); return 1
assert asyncio.run(one()) == 1
assert subprocess.run([sys.executable, "-S", "-c", "print(2)"], capture_output=True).stdout == b"2\\n"
ends = multiprocessing.Pipe()
if os.fork() == 0:
    ends[0].send("three"); os._exit(0)
assert ends[1].recv() == "three"
thread = threading.Thread(target=time.sleep, args=(0.001,)); thread.start(); thread.join()
tempfile.NamedTemporaryFile().write(b"x"); random.SystemRandom().random(); os.memfd_create("x")
"""
    outcome = run_program(source, level=level)
    assert outcome.passed, outcome.stderr


def test_an_unknown_processor_has_no_filter_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert filter_program("mips") is None
    monkeypatch.setattr(levels, "machine", lambda: "mips")
    for name in ("bubblewrap", "unshare"):
        found = attempt(name)
        if isinstance(found, Level):
            assert not found.filter
            assert found.label == name
            assert "no system call filter: the system calls of mips are not known" in found.detail
            assert run_program("x = 1", level=found).level == name


def test_a_filter_that_stops_nothing_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """The probe asks for a socket; a filter that lets it through is not believed."""
    monkeypatch.setattr(levels, "filter_program", lambda name: struct.pack("<HBBI", 6, 0, 0, ALLOW))
    for name in ("bubblewrap", "unshare"):
        found = attempt(name)
        if isinstance(found, Level):
            assert not found.filter
            assert "lets a socket through" in found.detail


def test_the_filter_is_on_where_it_can_be(level: Level) -> None:
    assert level.filter == (machine() in MACHINES), level.detail
    assert level.label == (f"{level.name}+seccomp" if level.filter else level.name)
    outside, inside = filters(level)
    assert bool(outside) == (level.filter and level.name == "bubblewrap")
    assert bool(inside) == (level.filter and level.name == "unshare")
    assert filters(none()) == (b"", b"")
    said = run_program("print(open('/proc/self/status').read().split('Seccomp:')[1].split()[0])", level=level).stdout
    assert said == ("2\n" if level.filter else "0\n")
