"""The whole way from JSONL to token files: leaven beside an equivalent datatrove pipeline.

Usage: python benchmarks/corpus/pipeline.py DOCS SCRATCH OUT.json [--rounds 3] [--workers 2] [--peer PYTHON]

read → StarCoder's rules and the paper's four → near-duplicates (5-grams, 25 bands of 10) → encode with one given
vocabulary → token files. datatrove runs twice: as it comes (English words by spaCy), and with words cut by a regular
expression. leaven does more here: it keeps the score of every rule, removes exact duplicates, splits off held-out
documents, puts documents in a global order, trains the tokenizer, which datatrove is given, and writes provenance. All
of it is in its time.
"""

from __future__ import annotations

import sys
from pathlib import Path

from encode import vocabulary
from measure import in_turns, summary
from options import parsed, write

HERE = Path(__file__).parent


def main() -> None:
    options, size = parsed(__doc__ or "")
    file = vocabulary(options.docs, options.scratch, options.vocabulary)
    common = ["--bands", "25", "--rows", "10", "--workers", str(options.workers)]
    ours = [sys.executable, HERE / "ours.py", "pipeline", options.docs, options.scratch / "ours", *common]
    peer = [options.peer, HERE / "peer.py", "pipeline", options.docs, options.scratch / "peer", *common]
    sides = {
        "leaven": [*ours, "--vocabulary", str(options.vocabulary)],
        "datatrove spacy": [*peer, "--tokenizer", file, "--words", "spacy"],
        "datatrove regex": [*peer, "--tokenizer", file, "--words", "regex"],
    }
    runs = {name: summary(found, size) for name, found in in_turns(sides, options.rounds).items()}
    for run in runs.values():
        run["leaven_is_faster"] = round(run["seconds"] / runs["leaven"]["seconds"], 2)
    write(options, "whole pipeline", size, runs)


if __name__ == "__main__":
    main()
