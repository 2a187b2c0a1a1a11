"""Near-duplicate removal: leaven beside datatrove, as it comes and with its words cut cheaply.

Usage: python benchmarks/corpus/near_dedup.py DOCS SCRATCH OUT.json [--rounds 3] [--workers 2] [--peer PYTHON]

Each side reads the same JSONL, computes MinHash signatures of the same size over 5-grams of words, finds components and
writes the kept documents. Settings: 14 bands of 8 (datatrove's default) and 25 bands of 10 (The Stack's).
"""

from __future__ import annotations

import sys
from pathlib import Path

from measure import in_turns, summary
from options import parsed, write

SETTINGS = {"14x8": ("14", "8"), "25x10": ("25", "10")}
HERE = Path(__file__).parent


def main() -> None:
    options, size = parsed(__doc__ or "")
    sides = {}
    for setting, (bands, rows) in SETTINGS.items():
        common = ["--bands", bands, "--rows", rows, "--workers", str(options.workers)]
        place = options.scratch
        sides[f"leaven {setting}"] = [
            sys.executable, HERE / "ours.py", "minhash", options.docs, place / "ours", *common
        ]  # fmt: skip
        for words in ("spacy", "regex", "split"):
            if words != "spacy" or setting == "14x8":
                sides[f"datatrove {setting} {words}"] = [
                    options.peer, HERE / "peer.py", "minhash", options.docs, place / "peer", "--words", words, *common
                ]  # fmt: skip
    runs = {name: summary(found, size) for name, found in in_turns(sides, options.rounds).items()}
    for name, run in runs.items():
        if name.startswith("datatrove"):
            ours = runs[f"leaven {name.split()[1]}"]
            run["leaven_is_faster"] = round(run["seconds"] / ours["seconds"], 2)
    write(options, "near-duplicate removal", size, runs)


if __name__ == "__main__":
    main()
