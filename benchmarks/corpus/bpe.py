"""Training a vocabulary: time, memory, and what size the sample yields.

Usage: python benchmarks/corpus/bpe.py DOCS SCRATCH OUT.json [--samples 20 50 100 200] [--vocabularies 32768 256000]

Samples are in MB, from the beginning of the collection. A vocabulary that the sample cannot fill is a refusal; what was
reached is in the table.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

from measure import machine, measure

HERE = Path(__file__).parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("docs", type=Path)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--samples", type=int, nargs="+", default=[20, 50, 100, 200])
    parser.add_argument("--vocabularies", type=int, nargs="+", default=[32_768, 256_000])
    options = parser.parse_args()
    rows = []
    for vocabulary in options.vocabularies:
        for sample in options.samples:
            words = [HERE / "vocabulary.py", options.docs, options.scratch / "bpe"]
            command = [sys.executable, *words, "--vocabulary", str(vocabulary), "--sample", str(sample * 1_000_000)]
            row = {"vocabulary": vocabulary, "sample_mb": sample}
            try:
                run = measure(command)
                row |= {
                    "seconds": round(run.result["seconds"], 1),
                    "peak_mb": round(run.memory / 1e6),
                    "reached": vocabulary,
                }
            except RuntimeError as error:
                reached = re.search(r"the sample yields (\d+) tokens", str(error))
                if reached is None:
                    raise
                row |= {"reached": int(reached[1]), "refused": True}
            rows.append(row)
            print(row, flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps({"what": "BPE training", "machine": machine(), "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
