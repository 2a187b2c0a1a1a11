"""Doing what a page says, in order, in a folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from material import MATERIAL
from pages import Block, Command, Page
from told import unsaid

LONGEST = 1200
"""Seconds of one command."""
APART = ("LEAVEN_RUNS", "LEAVEN_STORE", "LEAVEN_DATA", "LEAVEN_METRICS", "LEAVEN_NOTIFY", "PYTEST_CURRENT_TEST")


def follow(page: Page, folder: Path, runs: Path | None = None) -> int:
    """Follow a page in `folder`; returns how many commands and programs were executed.

    Args:
        runs: a folder of results that pages share, so that what one has trained the next finds.

    Raises AssertionError with page, line and what was printed where something ends otherwise than the page says.
    """
    if runs is not None:
        (folder / "runs").symlink_to(runs)
    with ExitStack() as stack:
        variables: dict[str, str] = {}
        for need in page.needs:
            opened = MATERIAL[need](folder)
            variables |= stack.enter_context(opened) if opened else {}
        return sum(_follow(part, folder, variables) for part in page.parts)


def _follow(part: Command | Block, folder: Path, variables: Mapping[str, str]) -> bool:
    """Whether something was executed."""
    if isinstance(part, Block) and part.title:
        _write(part, folder / part.title)
        return False
    if part.reason:
        return False
    if isinstance(part, Command):
        code, printed = _run(["bash", "-o", "pipefail", "-c", part.text], folder, variables)
        place = f"{part.page}:{part.line}: {part.text}"
        assert code == part.exit, f"{place}\nends with {code}, not {part.exit}:\n{printed}"
        missing = None if part.shown is None else unsaid(part.shown, printed)
        assert missing is None, f"{place}\ndid not print\n{missing}\nbut:\n{printed}"
    else:
        code, printed = _run([sys.executable, "-c", part.text], folder, variables)
        assert code == 0, f"{part.page}:{part.line}: the program ends with {code}:\n{printed}"
    return True


def _write(block: Block, path: Path) -> None:
    """A file as the page has it, or, of a diff, the file with its lines changed. A diff fits in one place only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if block.language != "diff":
        path.write_text(block.text, encoding="utf-8")
        return
    rows = block.text.splitlines(keepends=True)
    old = "".join(row[1:] for row in rows if row[0] in " -")
    new = "".join(row[1:] for row in rows if row[0] in " +")
    held = path.read_text(encoding="utf-8")
    assert held.count(old) == 1, f"{block.page}:{block.line}: these lines stand {held.count(old)} times in {path.name}"
    path.write_text(held.replace(old, new), encoding="utf-8")


def _run(command: list[str], folder: Path, variables: Mapping[str, str]) -> tuple[int, str]:
    """Exit code and what was printed. Nothing that was begun outlives it."""
    environment = {name: value for name, value in os.environ.items() if name not in APART}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
        "PYTHONUNBUFFERED": "1",
        "HF_HUB_OFFLINE": "1",
        "no_proxy": "127.0.0.1,localhost",
    }
    environment |= variables
    if (folder / "leaven").is_dir():
        environment["PYTHONPATH"] = str(folder)  # the page changes the checkout: its copy is what runs
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        printed, _ = process.communicate(timeout=LONGEST)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        printed, _ = process.communicate()
        return -1, printed.decode(errors="replace") + f"\n(stopped after {LONGEST} s)"
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    return process.returncode, printed.decode(errors="replace")
