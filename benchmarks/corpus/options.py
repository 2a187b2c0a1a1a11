"""What the benchmark scripts have in common: their arguments, and the file a result is written to."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from collect import about_of
from measure import machine

PEER = Path(__file__).resolve().parents[2] / ".venv-bench" / "bin" / "python"


def parsed(description: str) -> tuple[argparse.Namespace, int]:
    """The arguments, and the bytes of the collection."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("docs", type=Path, help="folder that collect.py has filled")
    parser.add_argument("scratch", type=Path, help="folder for what is written on the way; emptied by every run")
    parser.add_argument("out", type=Path, help="JSON file for the figures")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--peer", type=Path, default=PEER, help="interpreter that has datatrove")
    parser.add_argument("--vocabulary", type=int, default=32_768)
    options = parser.parse_args()
    options.scratch.mkdir(parents=True, exist_ok=True)
    return options, int(collection(options.docs)["bytes"])


def collection(docs: Path) -> dict[str, Any]:
    about: dict[str, Any] = json.loads(about_of(docs).read_text())
    return about


def write(options: argparse.Namespace, what: str, size: int, runs: dict[str, Any]) -> None:
    """Write the figures and print them."""
    data = {
        "what": what,
        "machine": machine(),
        "bytes": size,
        "documents": collection(options.docs)["documents"],
        "collection": collection(options.docs)["sha256_of_list"],
        "workers": options.workers,
        "rounds": options.rounds,
        "sides": runs,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(data, indent=1) + "\n")
    for name, run in runs.items():
        rest = {key: run[key] for key in ("leaven_is_faster", "ids") if key in run}
        print(
            f"{name:32} {run['seconds']:9.2f} s  {run['mb_per_second']:8.2f} MB/s  {run['peak_mb']:6} MB  {rest or ''}"
        )
