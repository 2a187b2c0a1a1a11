"""Programs that try to pass without being right."""

from __future__ import annotations

import pytest

from leaven.sandbox.level import Level
from leaven.sandbox.pool import run_many
from leaven.sandbox.run import Outcome

TESTS = "assert f(2) == 3"

CHEATS: dict[str, str] = {
    "sys.exit": "import sys; sys.exit(0)",
    "os._exit": "import os; os._exit(0)",
    "exit in the function": "import os\ndef f(x): os._exit(0)",
    "raise SystemExit": "def f(x): raise SystemExit",
    "exec something else": "import os; os.execv('/usr/bin/true', ['true'])",
    "print a token": "print('+' + '0' * 32); print('passed'); import os; os._exit(0)",
    "write to every file descriptor": """
import os
for fd in range(1, 64):
    try: os.write(fd, b"+" + b"0" * 32)
    except OSError: pass
os._exit(0)
""",
    "an exception hook": "import sys, os; sys.excepthook = lambda *a: os._exit(0)",
    "exit at exit": "import atexit, os; atexit.register(lambda: os._exit(0))\ndef f(x): return 0",
    "patch the builtins": """
import builtins, os, sys
builtins.print = builtins.exec = builtins.compile = lambda *a, **k: None
builtins.AssertionError = SystemExit
os.write = lambda *a: 0
sys.stdout = None
def f(x): return 0
""",
    "trace over the asserts": """
import sys
def trace(frame, event, arg):
    if frame.f_code.co_filename == "<tests>": sys.exit(0)
    return trace
sys.settrace(trace)
sys._getframe().f_trace = trace
def f(x): return 0
""",
    "find the secret in the frames": """
import sys, os, re
def f(x):
    frame, seen = sys._getframe(), []
    while frame:
        seen += [repr(frame.f_locals), repr(frame.f_globals), repr(frame.f_code.co_consts)]
        frame = frame.f_back
    for frame in sys._current_frames().values(): seen += [repr(frame.f_locals)]
    seen += [repr(vars(m)) for m in list(sys.modules.values())] + [open("/proc/self/cmdline").read()]
    found = re.findall(r"\\b[0-9a-f]{32}\\b", " ".join(seen))
    for secret in found:
        for fd in range(3, 64):
            try: os.write(fd, secret.encode())
            except OSError: pass
    os._exit(0)
""",
    "read standard input again": """
import os
for path in ("/proc/self/fd/0", "/dev/stdin"):
    try: print(open(path).read())
    except OSError: pass
def f(x): os._exit(0)
""",
    "a background child that reports later": """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(0.05)
        os.write(1, b"0" * 32)
    os._exit(0)
def f(x): return 0
""",
}


@pytest.fixture(scope="module")
def outcomes(level: Level) -> dict[str, Outcome]:
    programs = [(source, TESTS) for source in CHEATS.values()]
    return dict(zip(CHEATS, run_many(programs, level=level, workers=3), strict=True))


@pytest.mark.parametrize("name", CHEATS)
def test_nothing_passes_without_being_right(name: str, outcomes: dict[str, Outcome]) -> None:
    assert outcomes[name].status == "failed", outcomes[name]
