"""What is released: wheel and sdist hold the whole package, install into a clean environment and run a study there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from leaven.ground.version import __version__

ROOT = Path(__file__).parents[1]
pytestmark = pytest.mark.long


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """What a command says. Its environment is that of a user who has installed nothing else."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LEAVEN_", "JAX_"))}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """Files of the repository, without what is not committed."""
    if not (ROOT / ".git").exists():
        pytest.skip("no repository to compare with")
    return run("git", "ls-files", cwd=ROOT).splitlines()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory, tracked: list[str]) -> tuple[Path, Path]:
    """A wheel, built from an sdist, built from the files of the repository."""
    source = tmp_path_factory.mktemp("source")
    for name in tracked:
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", out, ".", cwd=source)
    return next(out.glob("*.whl")), next(out.glob("*.tar.gz"))


def test_the_wheel_holds_the_whole_package_and_nothing_else(built: tuple[Path, Path], tracked: list[str]) -> None:
    wheel, _ = built
    assert wheel.name == f"leaven-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == {name for name in tracked if name.startswith("leaven/")}
    assert "leaven/py.typed" in names


def test_the_sdist_holds_what_is_needed_to_test_it(built: tuple[Path, Path], tracked: list[str]) -> None:
    _, sdist = built
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    left_out = {name for name in tracked if name not in names}
    assert {name for name in left_out if not name.startswith(".")} <= {"MANIFEST.in"}


def test_a_clean_environment_runs_pocket(built: tuple[Path, Path], tmp_path: Path) -> None:
    wheel, _ = built
    run(sys.executable, "-m", "venv", tmp_path / "venv", cwd=tmp_path)
    programs = tmp_path / "venv/bin"
    run(programs / "pip", "install", "-q", "-c", ROOT / "constraints.txt", wheel, cwd=tmp_path)
    place = {"HOME": str(tmp_path), "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}"}
    assert "pocket" in run("leaven", "studies", cwd=tmp_path, **place)
    said = json.loads(run("leaven", "run", "pocket", "--json", cwd=tmp_path, **place))
    assert Path(tmp_path, said["report"]).stat().st_size > 100_000
    assert {row["variant"] for row in said["verdict"]["comparisons"]} >= {"balanced-only", "code→text", "no-code"}
    where = run(programs / "python", "-c", "import leaven; print(leaven.__file__)", cwd=tmp_path)
    assert str(tmp_path) in where
