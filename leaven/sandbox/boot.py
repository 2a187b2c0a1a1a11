"""The few lines that run inside, before and around an untrusted program.

They arrive as `python -c BOOT`; the program, its tests, the limits and the run's secret arrive on standard input,
so that nothing about a run is in a command line or in a file. Order inside:

1. read standard input to its end (the program finds it empty), set the limits, report "+" on a pipe of its own;
2. execute the program as `__main__`;
3. undo what a program could have laid in wait: trace functions off, the builtins put back;
4. execute the tests in the program's names;
5. report the secret.

A run passes only if that pipe carried exactly "+" and the secret, and the exit code is 0. What this stops: every
way to end early (`sys.exit`, `os._exit`, a signal, an exception hook), printing anything, knowing the format,
replacing `print`, `sys.stdout`, `os.write`, `exec`, a builtin the tests use, tracing over the asserts, and reading
the callers' frames: the five calls are driven from C, and no frame and no namespace names the secret. What it does
not stop: a program that searches its own memory for the secret (`gc`, /proc/self/mem), or whose objects compare
equal to everything. Tests that run in the program's own interpreter cannot be stronger; a model that writes such
programs needs a person to look at it.
"""

from __future__ import annotations

from leaven.sandbox.limits import Limits

STARTED = b"+"

BOOT = """
import builtins, os, resource, sys
from _operator import call
from itertools import starmap

def steps():
    head, _, body = sys.stdin.buffer.read().partition(b"\\n")
    pipe, secret, size, space, cpu, file, files, processes = head.split()
    pipe, size = int(pipe), int(size)
    cpu = int(cpu)
    for name, soft, hard in (
        ("AS", int(space), int(space)), ("CPU", cpu, cpu + 1), ("FSIZE", int(file), int(file)),
        ("NOFILE", int(files), int(files)), ("NPROC", int(processes), int(processes)), ("CORE", 0, 0),
    ):
        kind = getattr(resource, "RLIMIT_" + name)
        top = resource.getrlimit(kind)[1]
        if top != resource.RLIM_INFINITY:
            soft, hard = min(soft, top), min(hard, top)
        resource.setrlimit(kind, (soft, hard))
    builtins.exit = builtins.quit = sys.exit
    os.write(pipe, b"+")
    main = type(sys)("__main__")
    names = main.__dict__
    names["__builtins__"] = builtins
    sys.modules["__main__"] = main
    program = compile(body[:size], "<program>", "exec")
    tests = compile(body[size:], "<tests>", "exec")
    return iter([
        (exec, program, names),
        (sys.settrace, None),
        (sys.setprofile, None),
        (builtins.__dict__.update, dict(builtins.__dict__)),
        (exec, tests, names),
        (os.write, pipe, secret),
    ])

any(False for _ in starmap(call, steps()))
"""


def message(source: str, tests: str, *, pipe: int, secret: bytes, limits: Limits) -> bytes:
    """What `BOOT` reads: one line of numbers, then program and tests. Characters that UTF-8 cannot hold become
    "?"."""
    program = source.replace("\r", "").encode(errors="replace") + b"\n"
    numbers = (
        len(program),
        limits.address_space,
        limits.cpu_seconds,
        limits.file_bytes,
        limits.open_files,
        limits.processes,
    )
    head = b" ".join([b"%d" % pipe, secret, *(b"%d" % number for number in numbers)])
    return head + b"\n" + program + tests.replace("\r", "").encode(errors="replace") + b"\n"
