"""A tournament at a server that misbehaves, killed again and again: that nothing is lost, judged or paid for twice.

Usage (from the root of the repository): .venv/bin/python benchmarks/judge/faults.py OUT.json [--prompts 2000]
    [--kills 3] [--seeds 1 2 3]

Every seed: the faultless tournament; then, for a server that keeps its answers under their idempotency keys (all of
them, or only those that it billed) and for one that knows no keys, the same tournament under faults
(tests/judge/faults/server.py), with SIGKILLs at random moments and restarts, and its replay with the server gone.
Results have to be equal byte for byte; what was billed, and what the journal knows of it, is written to OUT.json.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.judge.faults import drive


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--prompts", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    args = parser.parse_args()
    found: list[dict[str, Any]] = []
    for seed in args.seeds:
        with tempfile.TemporaryDirectory() as folder:
            results = drive.without_faults(Path(folder), args.prompts)
            for keys in ("kept", "answers", "unknown"):
                record = drive.prove(Path(folder), args.prompts, keys=keys, seed=seed, kills=args.kills)
                drive.check(record, results)
                found.append({name: value for name, value in record.items() if name not in ("results", "replayed")})
                args.out.write_text(json.dumps(found, indent=1) + "\n")
                print(json.dumps(found[-1]), flush=True)


if __name__ == "__main__":
    main()
