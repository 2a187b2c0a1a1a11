"""The few lines that run inside, before and around an untrusted program.

They arrive as `python -c BOOT`; everything else arrives in parts on the pipe that is standard input at first, so that
nothing about a run is in a command line or in a file. Order inside:

1. put another standard input in place (empty), read the first part: limits, filter, program;
2. install the filter where it was sent, set the limits, be the first to go when memory runs out, write "+" to a pipe
   of its own;
3. execute the program as `__main__`;
4. undo what a program could have laid in wait: trace functions off, the builtins put back, in their module and in
   place of a `__builtins__` of its own; write "+";
5. the tests arrive; execute them in the program's names; write "+";
6. the run's secret arrives; write it back.

A run passes only if that pipe carried exactly "+++" and the secret, and the exit code is 0. While the program runs,
neither tests nor secret are inside the sandbox; while the tests run, the secret is not. Steps 3 to 6 are driven from C:
no frame of ours holds the pipe, and a patched builtin or module is never asked.

What this stops: every way to end early (`sys.exit`, `os._exit`, a signal, an exception hook), printing anything,
replacing `print`, `os.write`, `os.read`, `exec` or (in their module, or by a `__builtins__` of its own) the builtins
that the tests use, tracing over the asserts from the program's own level, and any search of memory, frames or objects
for the secret. A process that the program forks loses both pipes at once: it can neither take the tests nor report.

What it does not stop: a program that, written against these lines, asks for the tests and the secret itself; one that
reads the expected values from the frame of the tests that call it; one whose objects compare equal to everything; one
with a global named like a builtin that the tests call (`def abs(x): return -1`; right solutions have such names too, so
they stay). Code that shares an interpreter with its tests has every power that these lines have, so no secret can tell
them apart; a model that writes such programs needs a person to look at it. See `docs/decisions/016-seccomp-filter.md`.
"""

from __future__ import annotations

from leaven.sandbox.limits import Limits
from leaven.sandbox.seccomp import INSTALL

MARK = b"+"
"""Written when the limits hold, when the program has ended, and when the tests have."""

MARKS = 3

BOOT = f"""
import builtins, os, resource, sys
from _collections import deque
from _functools import partial
from _operator import call
from itertools import chain, repeat, starmap
{INSTALL}
def steps():
    parts = open(os.dup(0), "rb")
    null = os.open("/dev/null", os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    pipe, guard, program, tests, secret, space, cpu, file, files, processes = map(int, parts.readline().split())
    os.set_inheritable(pipe, False)
    if guard:
        install(parts.read(guard))
    # The first process of a namespace dies of no signal of its own: it stays behind and says how the program ended.
    child = os.getpid() == 1 and os.fork()
    while child:
        ended, status = os.wait()
        if ended == child:
            code = os.waitstatus_to_exitcode(status)
            os._exit(code if code >= 0 else 128 - code)
    for name, soft, hard in (
        ("AS", space, space), ("CPU", cpu, cpu + 1), ("FSIZE", file, file),
        ("NOFILE", files, files), ("NPROC", processes, processes), ("CORE", 0, 0),
    ):
        kind = getattr(resource, "RLIMIT_" + name)
        top = resource.getrlimit(kind)[1]
        if top != resource.RLIM_INFINITY:
            soft, hard = min(soft, top), min(hard, top)
        resource.setrlimit(kind, (soft, hard))
    # Limits hold for each process, and there may be many: a machine short of memory ends these first.
    try:
        score = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(score, b"1000")
        os.close(score)
    except OSError:
        pass
    builtins.exit = builtins.quit = sys.exit
    main = type(sys)("__main__")
    names = main.__dict__
    names["__builtins__"] = builtins
    # A process that the program forks and does not end goes on into these lines: the pipes are not its own.
    os.register_at_fork(after_in_child=partial(os.close, pipe))
    os.register_at_fork(after_in_child=parts.close)
    sys.modules["__main__"] = main
    source = parts.read(program)
    done = os.write, pipe, b"+"
    call(*done)
    return chain(
        starmap(call, [
            (exec, compile(source, "<program>", "exec"), names),
            (sys.settrace, None),
            (sys.setprofile, None),
            (builtins.__dict__.update, dict(builtins.__dict__)),
            (names.__setitem__, "__builtins__", builtins),
            done,
        ]),
        map(exec, map(compile, map(parts.read, [tests]), repeat("<tests>"), repeat("exec")), repeat(names)),
        starmap(call, [done]),
        map(os.write, repeat(pipe), map(parts.read, [secret])),
    )

deque(steps(), 0)
"""


def message(
    source: str, tests: str, *, pipe: int, secret: bytes, limits: Limits, guard: bytes = b""
) -> tuple[bytes, bytes, bytes]:
    """What `BOOT` reads: at first, after the program, after the tests.

    Characters that UTF-8 cannot hold become "?".

    Args:
        pipe: the descriptor that `BOOT` reports on.
        guard: the system call filter that `BOOT` shall install; empty if there is none, or another installs it.
    """
    program, checks = (text.replace("\r", "").encode(errors="replace") + b"\n" for text in (source, tests))
    numbers = (
        pipe,
        len(guard),
        len(program),
        len(checks),
        len(secret),
        limits.address_space,
        limits.cpu_seconds,
        limits.file_bytes,
        limits.open_files,
        limits.processes,
    )
    return b" ".join(b"%d" % number for number in numbers) + b"\n" + guard + program, checks, secret
