"""What a page may find before its first command: `<!-- page: needs writing code -->`. Each is made on this computer."""

from __future__ import annotations

import csv
import json
import os
import pydoc_data.topics
import random
import re
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pages import DOCS, ROOT, Block, read


def writing(folder: Path) -> None:
    """Prose: what Python's own help says of its topics, a text file each (about 700 KB)."""
    (folder / "writing").mkdir()
    for name, text in sorted(pydoc_data.topics.topics.items()):
        (folder / "writing" / f"{name}.txt").write_text(text, encoding="utf-8")


def code(folder: Path) -> None:
    """Programs: packages of Python's standard library (about 2 MB)."""
    library = Path(sysconfig.get_paths()["stdlib"])
    for name in (
        "asyncio",
        "concurrent",
        "email",
        "html",
        "http",
        "importlib",
        "json",
        "logging",
        "unittest",
        "urllib",
    ):
        for path in sorted((library / name).rglob("*.py")):
            if "test" not in path.parent.name:
                target = folder / "code" / path.relative_to(library)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)


def results(folder: Path) -> None:
    """results.csv: three recipes, three seeds, a loss and an accuracy with its standard error."""
    draw = random.Random(8)
    with (folder / "results.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["recipe", "seed", "metric", "value", "stderr"])
        for recipe, loss, right in (("no-code", 1.0, 0.42), ("code-25", 0.972, 0.43), ("code-90", 1.043, 0.38)):
            for seed in (1, 2, 3):
                table.writerow([recipe, seed, "val_bpb", f"{loss + draw.gauss(0, 0.001):.4f}", ""])
                table.writerow([recipe, seed, "arc_easy:acc", f"{right + draw.gauss(0, 0.004):.4f}", "0.0100"])


def benchmarks(folder: Path) -> None:
    """benchmarks/: public benchmark files."""
    (folder / "benchmarks").symlink_to(_shared("benchdata"))


def published(folder: Path) -> None:
    """published/: others' published results; regmix/: those of RegMix."""
    (folder / "published").symlink_to(_shared("published"))
    (folder / "regmix").symlink_to(_shared("published") / "regmix" / "data")


def _shared(name: str) -> Path:
    """A folder of data outside the project; the page is skipped where there is none."""
    found = Path(os.environ.get("LEAVEN_SHARED", ROOT / "../shared")) / name
    if not found.is_dir():
        pytest.skip(f"{name} is not beside the checkout and LEAVEN_SHARED does not name it")
    return found.resolve()


def noise(folder: Path) -> None:
    """noise.csv: of two recipes with three seeds, for measures named as pocket's."""
    with (folder / "runs.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["variant", "seed", "prose bits-per-byte", "code bits-per-byte"])
        table.writerows(
            [n, seed, 2 + seed * part / 500, 3 - seed**part / 300]
            for n, part in (("a", 1), ("b", 2))
            for seed in (1, 2, 3)
        )
    _python(folder, "import leaven; leaven.verdict_from('runs.csv', baseline='a').noise().to_csv('noise.csv')")


def study(folder: Path) -> None:
    """mine.yaml, writing/ and code/, as the tutorial has them."""
    writing(folder)
    code(folder)
    tutorial = read(DOCS / "tutorial.md")
    found = next(part for part in tutorial.parts if isinstance(part, Block) and part.title == "mine.yaml")
    (folder / "mine.yaml").write_text(found.text, encoding="utf-8")


def finished(folder: Path) -> None:
    """The tutorial's study, run. Pages share a store, so only the first waits for it."""
    study(folder)
    _python(folder, "import leaven; leaven.load('mine.yaml').run(quiet=True).report()")


def _python(folder: Path, program: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LEAVEN_")}
    subprocess.run([sys.executable, "-c", program], cwd=folder, env=environment, check=True)


def checkout(folder: Path) -> None:
    """leaven/ and tests/, a copy of what is tested: the page changes it, and its commands run the copy."""
    for name in ("leaven", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copyfile(ROOT / "pyproject.toml", folder / "pyproject.toml")


class _Judge(BaseHTTPRequestHandler):
    """Prefers the answer with more different words; understands leaven's template `paper`."""

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        question = request["messages"][-1]["content"]
        first, second = re.split(r"Answer \([AB]\):", question)[1:3]
        better = "A" if len(set(first.split())) >= len(set(second.split("\n\n")[0].split())) else "B"
        verdict = f"Preferred: Answer ({better})"
        answer = {"message": {"content": f"Compared.\n{verdict}"}, "finish_reason": "stop"}
        body = json.dumps({"choices": [answer]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        return


@contextmanager
def judge_server(folder: Path) -> Iterator[dict[str, str]]:
    """JUDGE_URL: a chat server on this computer."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Judge) as http:
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield {"JUDGE_URL": f"http://127.0.0.1:{http.server_port}/v1"}
        finally:
            http.shutdown()
            thread.join()


RAY = """
import sys
from ray.cluster_utils import Cluster

node = {"num_cpus": 1, "object_store_memory": 80_000_000}
cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
cluster.add_node(**node)
print(cluster.address, flush=True)
sys.stdin.read()
cluster.shutdown()
"""


@contextmanager
def ray(folder: Path) -> Iterator[dict[str, str]]:
    """RAY_ADDRESS: a cluster of two nodes on this computer, of a process of its own."""
    pytest.importorskip("ray", reason="Ray is not installed")
    command = [sys.executable, "-c", RAY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            address = ""
            for line in process.stdout:  # Ray says other things too
                address = line.strip()
                if re.fullmatch(r"[\w.]+:\d+", address):
                    break
            yield {"RAY_ADDRESS": address}
        finally:
            process.stdin.close()
            process.wait(60)


Material = Callable[[Path], "AbstractContextManager[dict[str, str]] | None"]
MATERIAL: dict[str, Material] = {
    f.__name__: f
    for f in (writing, code, study, finished, results, noise, benchmarks, published, checkout, judge_server, ray)
}
"""Makes something in a page's folder; what it returns is open while the page is followed, and gives variables."""
