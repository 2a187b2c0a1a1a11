"""Parts: in order, atomic, continued after a kill, gone with their parent."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from leaven.corpus.parts import run_parts
from leaven.ground.errors import BadInput, LeavenError

sys.path.insert(0, str(Path(__file__).parent))
from parts_work import die, refuse, square


@pytest.mark.parametrize("workers", [1, 3])
def test_results_stand_in_the_order_of_the_items(tmp_path: Path, workers: int) -> None:
    parts = run_parts(square, list(range(7)), tmp_path / "parts", workers=workers)
    assert [(part / "result").read_text() for part in parts] == [str(n * n) for n in range(7)]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_refusal_is_raised_and_what_was_finished_stays(tmp_path: Path, workers: int) -> None:
    with pytest.raises(BadInput, match="three is refused"):
        run_parts(refuse, list(range(5)), tmp_path, workers=workers)
    assert (tmp_path / "00000" / "result").read_text() == "half"
    assert not (tmp_path / "00003").exists()


def test_a_killed_worker_is_a_sentence_and_the_rest_is_continued(tmp_path: Path) -> None:
    with pytest.raises(LeavenError, match="Run again"):
        run_parts(die, list(range(4)), tmp_path, workers=2)
    before = {part.name: part.stat().st_mtime_ns for part in tmp_path.iterdir() if part.suffix == ""}
    run_parts(square, list(range(4)), tmp_path, workers=2)
    for name, stamp in before.items():
        assert (tmp_path / name).stat().st_mtime_ns == stamp
    assert (tmp_path / "00002" / "result").read_text() == "4"


def test_workers_die_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); import parts_work\n"
        "from leaven.corpus.parts import run_parts\n"
        "if __name__ == '__main__': run_parts(parts_work.sleep, range(4), Path(sys.argv[2]), workers=2)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path)])
    try:
        deadline = time.monotonic() + 30
        pids: list[Path] = []
        while len(pids) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
            pids = list(tmp_path.glob("*.unfinished/pid"))
        workers = [psutil.Process(int(pid.read_text())) for pid in pids]
        assert workers
    finally:
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive
