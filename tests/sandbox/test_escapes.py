"""Programs that try to reach the host. Each prints ESCAPED where it got what it wanted: none may."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from leaven.sandbox.level import Level
from leaven.sandbox.pool import run_many
from leaven.sandbox.run import Outcome

TESTS = "assert f(2) == 3"

ESCAPES: dict[str, str] = {
    "tcp to the host's loopback": """
import socket
try:
    socket.create_connection(("127.0.0.1", PORT), 0.5); print("ESCAPED")
except OSError: pass
""",
    "tcp to the outside": """
import socket
try:
    socket.create_connection(("192.0.2.1", 80), 0.5); print("ESCAPED")
except OSError: pass
""",
    "abstract unix socket of the host": """
import socket
try:
    s = socket.socket(socket.AF_UNIX); s.connect("\\0ABSTRACT"); print("ESCAPED")
except OSError: pass
""",
    "read the user table": """
for path in ("/etc/passwd", "/etc/hostname", "../../../etc/passwd", "/proc/1/root/etc/passwd",
            "/proc/self/root/etc/passwd"):
    try:
        open(path).read(); print("ESCAPED")
    except OSError: pass
""",
    "read a canary of the host": """
for path in ("CANARY", "/proc/1/root" + "CANARY", "/proc/self/cwd/.." + "CANARY"):
    try:
        if "canary" in open(path).read(): print("ESCAPED")
    except OSError: pass
""",
    "list the project": """
import os
try:
    if os.listdir("CHECKOUT"): print("ESCAPED")
except OSError: pass
""",
    "write to the system": """
for path in ("/usr/bin/x", "/x", "/dev/x", "/dev/shm/x", "/lib/x",
            "/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger"):
    try:
        open(path, "w").write("x"); print("ESCAPED")
    except OSError: pass
""",
    "write to the interpreter's library": """
import os
try:
    open(os.path.dirname(os.__file__) + "/os.py", "a").write("#"); print("ESCAPED")
except OSError: pass
""",
    "a link out of the scratch folder": """
import os
os.symlink("/etc", "link")
try:
    open("link/passwd").read(); print("ESCAPED")
except OSError: pass
""",
    "chroot out": """
import os
try:
    os.mkdir("d"); os.chroot("d"); print("ESCAPED")
except OSError: pass
""",
    "mount": """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
for flags in (0, 4096, 32 | 4096):
    if libc.mount(b"none", b"/scratch", b"tmpfs", flags, None) == 0: print("ESCAPED")
if libc.umount2(b"/usr", 2) == 0: print("ESCAPED")
""",
    "a nested user namespace": """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x10000000) == 0: print("ESCAPED")
if libc.unshare(0x00020000) == 0: print("ESCAPED")
""",
    "become root": """
import os
for attempt in (lambda: os.setuid(0), lambda: os.setgid(0), lambda: os.setresuid(0, 0, 0), lambda: os.setgroups([0])):
    try:
        attempt(); print("ESCAPED")
    except OSError: pass
if os.getuid() != 65534: print("ESCAPED")
""",
    "regain rights through a setuid program": """
import subprocess
for command in (["su", "-c", "id"], ["mount", "--bind", "/usr", "/scratch"], ["unshare", "-r", "true"]):
    try:
        if subprocess.run(command, capture_output=True, timeout=2).returncode == 0: print("ESCAPED")
    except (OSError, subprocess.TimeoutExpired): pass
""",
    "kill the parent and everybody": """
import os, signal
if os.getppid() not in (0, 1): print("ESCAPED")
for pid in (HARNESS, -1):
    try:
        os.kill(pid, signal.SIGUSR1) if pid > 0 else None
        if pid > 0: print("ESCAPED")
    except OSError: pass
""",
    "see the host's processes": """
import os
if len([p for p in os.listdir("/proc") if p.isdigit()]) > 4: print("ESCAPED")
for pid in ("1", "self"):
    if b"pytest" in open(f"/proc/{pid}/cmdline", "rb").read(): print("ESCAPED")
""",
    "trace the parent": """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
if libc.ptrace(16, HARNESS, 0, 0) == 0: print("ESCAPED")
""",
    "read the environment": """
import os
seen = dict(os.environ)
for pid in ("1", "self"):
    try: seen[pid] = open(f"/proc/{pid}/environ").read()
    except OSError: pass
if "canary" in str(seen): print("ESCAPED")
""",
    "an inherited file": """
import os
for fd in range(3, 64):
    try:
        if b"canary" in os.pread(fd, 100, 0): print("ESCAPED")
    except OSError: pass
""",
    "raise the limits": """
import resource
for kind, want in ((resource.RLIMIT_CPU, 100), (resource.RLIMIT_AS, 1 << 40), (resource.RLIMIT_NPROC, 10000)):
    try:
        resource.setrlimit(kind, (want, want)); print("ESCAPED")
    except (OSError, ValueError): pass
""",
    "fill the disk": """
import os
try:
    for i in range(200):
        open(f"big{i}", "wb").write(b"x" * (1 << 20))
    print("ESCAPED")
except OSError: pass
try:
    open("one", "wb").write(b"x" * (8 << 20)); print("ESCAPED")
except OSError: pass
""",
    "open many files": """
try:
    held = [open("/dev/null") for _ in range(500)]; print("ESCAPED")
except OSError: pass
""",
}


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Things of the host that a program must not reach: a port, a socket, a file, a variable, an open file."""
    canary = tmp_path_factory.mktemp("host") / "canary.txt"
    canary.write_text("canary")
    os.chmod(canary, 0o644)
    handle = os.open(canary, os.O_RDONLY)
    os.set_inheritable(handle, True)
    before = signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    os.environ["LEAVEN_TEST_SECRET"] = "canary"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(socket.AF_UNIX) as unix:
        name = f"leaven-test-{os.getpid()}"
        unix.bind("\0" + name)
        unix.listen()
        yield {
            "PORT": str(server.getsockname()[1]),
            "ABSTRACT": name,
            "CANARY": str(canary),
            "CHECKOUT": str(Path(__file__).parents[2]),
            "HARNESS": str(os.getpid()),
        }
    del os.environ["LEAVEN_TEST_SECRET"]
    signal.signal(signal.SIGUSR1, before)
    os.close(handle)


@pytest.fixture(scope="module")
def outcomes(level: Level, host: dict[str, str]) -> dict[str, Outcome]:
    programs = []
    for source in ESCAPES.values():
        for word, value in host.items():
            source = source.replace(word, value)
        programs.append((source + "\nprint('tried')", TESTS))
    return dict(zip(ESCAPES, run_many(programs, level=level, workers=3), strict=True))


@pytest.mark.parametrize("name", ESCAPES)
def test_nothing_gets_out(name: str, outcomes: dict[str, Outcome]) -> None:
    outcome = outcomes[name]
    assert outcome.status == "failed"
    assert outcome.stdout == "tried\n", outcome
    assert "NameError" in outcome.stderr
