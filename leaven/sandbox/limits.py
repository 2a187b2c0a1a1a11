"""What one untrusted program may use.

The kernel's limits hold per process, not per program: 32 processes may together hold 32 times the address space. What
bounds the program as a whole is the number of processes, the wall clock, and the size of its scratch folder. A machine
that runs out of memory nevertheless is told to end these processes before any other (`oom_score_adj`).
"""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1 << 20

SCRATCH_BYTES = 16 * MEBIBYTE
"""Size of the private scratch folder: the only place an isolated program can write to."""


@dataclass(frozen=True)
class Limits:
    """Limits of one run. The defaults are those under which the 164 and 974 canonical solutions of HumanEval and MBPP
    pass. CPU time, not wall time, shall decide over slow programs, so that a busy machine changes no score: the wall
    clock starts with the program, not with its interpreter, and `pool.run_many` gives a program that it stopped
    another run, alone and with more of it.

    Args:
        address_space: bytes of virtual memory per process.
        cpu_seconds: CPU seconds per process; SIGXCPU then, SIGKILL one second later.
        file_bytes: largest file.
        open_files: open file descriptors per process.
        processes: processes and threads. Counted per user namespace since Linux 5.14, per host user before; the
            kernel never applies it to the host's root user (see `Level.detail` for where that matters).
        wall_seconds: everything is killed this long after the program began.
        start_seconds: everything is killed this long after the interpreter was asked for, if the program has not begun
            by then.
        output_bytes: most bytes read of standard output and of standard error each; a program that writes more
            is killed.
    """

    address_space: int = 1024 * MEBIBYTE
    cpu_seconds: int = 5
    file_bytes: int = MEBIBYTE
    open_files: int = 64
    processes: int = 32
    wall_seconds: float = 10.0
    start_seconds: float = 60.0
    output_bytes: int = 64 * 1024
