"""Time and memory of leaven's whole pipeline as the corpus grows: 0.1, 1 and 10 GB.

Usage: python benchmarks/corpus/scale.py DOCS SCRATCH OUT.json [--sizes 0.1 1 10] [--workers 2]

Real documents first, then copies with a share of their words replaced (`mutate.py`). Each size is made in the scratch
folder, measured once and deleted. 10 GB need about 40 GB of scratch.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from measure import machine, measure, summary
from mutate import mutate

HERE = Path(__file__).parent
FILE_BYTES = 16_000_000
SHARE = 0.3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("docs", type=Path)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.1, 1, 10], help="GB of text")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--vocabulary", type=int, default=32_768)
    options = parser.parse_args()
    data = {"what": "scale", "machine": machine(), "workers": options.workers, "sides": {}}
    for size in options.sizes:
        wanted = int(size * 1e9)
        docs, work = options.scratch / "grown", options.scratch / "ours"
        for folder in (docs, work):
            shutil.rmtree(folder, ignore_errors=True)
        about = mutate(options.docs, docs, wanted, max(2, wanted // FILE_BYTES), SHARE)
        words = ["pipeline", docs, work, "--workers", str(options.workers), "--bands", "25", "--rows", "10"]
        run = measure([sys.executable, HERE / "ours.py", *words, "--vocabulary", str(options.vocabulary)])
        data["sides"][f"leaven {size:g} GB"] = {**summary([run], int(str(about["bytes"]))), "made": about}
        for folder in (docs, work):
            shutil.rmtree(folder, ignore_errors=True)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(data, indent=1) + "\n")
        print(
            f"{size:g} GB: {run.wall:.1f} s, {run.memory / 1e6:.0f} MB, one process {run.single / 1e6:.0f} MB",
            flush=True,
        )


if __name__ == "__main__":
    main()
