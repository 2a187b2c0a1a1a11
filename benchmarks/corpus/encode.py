"""Encoding: leaven beside Hugging Face tokenizers with the same `tokenizer.json`, all cores on both sides.

Usage: python benchmarks/corpus/encode.py DOCS SCRATCH OUT.json [--rounds 3] [--vocabulary 32768]

Both sides work in this process on the same batches of 1,000 documents, in turns. leaven's time is from texts to one
flat array of ids; Hugging Face's is `encode_batch` alone, without reading the ids out of its objects. Ids are compared
one by one in the first round.
"""

from __future__ import annotations

import gc
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from options import parsed, write
from tokenizers import Tokenizer as HubTokenizer
from vocabulary import read

from leaven.corpus.encode import encode_flat
from leaven.corpus.tokenizer import Tokenizer

BATCH = 1000


def main() -> None:
    options, size = parsed(__doc__ or "")
    file = vocabulary(options.docs, options.scratch, options.vocabulary)
    texts = [document.text for document in read(options.docs)]
    batches = [texts[begin : begin + BATCH] for begin in range(0, len(texts), BATCH)]
    ours, hub, cores = Tokenizer.load(file), HubTokenizer.from_file(str(file)), len(os.sched_getaffinity(0))
    hub.encode_special_tokens = True  # else it makes the end of text of "<|endoftext|>" written out in a document
    seconds: dict[str, list[float]] = {}
    same = total = 0

    def clocked(name: str, work: Any) -> Any:
        begin = time.perf_counter()
        result = work()
        spent[name] = spent.get(name, 0.0) + time.perf_counter() - begin
        return result

    for turn in range(options.rounds):
        spent: dict[str, float] = {}
        for batch in batches:
            found = clocked("leaven", lambda batch=batch: encode_flat(ours, batch, threads=cores))
            slow = clocked("encode_batch", lambda batch=batch: hub.encode_batch(batch, add_special_tokens=False))
            if turn == 0:
                begin = 0
                for encoding, end in zip(slow, found.ends.tolist(), strict=True):
                    same += bool(np.array_equal(found.ids[begin : end - 1], np.asarray(encoding.ids, np.uint32)))
                    begin = end
                total += len(found.ids)
            del slow
            fast = clocked(
                "encode_batch_fast", lambda batch=batch: hub.encode_batch_fast(batch, add_special_tokens=False)
            )
            del fast
            gc.collect()
        for name, value in spent.items():
            seconds.setdefault(name, []).append(value)
        print(f"round {turn + 1}", {name: round(value, 2) for name, value in spent.items()}, flush=True)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    runs: dict[str, Any] = {}
    for name, middle in medians.items():
        runs[name if name == "leaven" else f"Hugging Face {name}"] = {
            "seconds": round(middle, 3),
            "rounds": [round(value, 3) for value in seconds[name]],
            "mb_per_second": round(size / 1e6 / middle, 3),
            "peak_mb": "",
            "leaven_is_faster": round(middle / medians["leaven"], 2),
        }
    runs["leaven"]["ids"] = f"{same} of {len(texts)} documents identical, {total - len(texts)} tokens"
    write(options, f"encoding, vocabulary {options.vocabulary}", size, runs)
    if same != len(texts):
        sys.exit("ids differ")


def vocabulary(docs: Path, scratch: Path, size: int) -> Path:
    """The shared tokenizer of that size; trained on 20 MB (100 MB for more than 100,000 tokens) once."""
    folder = scratch / f"vocabulary-{size}"
    if not (folder / "tokenizer.json").exists():
        sample = 20_000_000 if size <= 100_000 else 200_000_000
        command = [sys.executable, Path(__file__).with_name("vocabulary.py"), docs, folder]
        subprocess.run([*map(str, command), "--vocabulary", str(size), "--sample", str(sample)], check=True)
    return folder / "tokenizer.json"


if __name__ == "__main__":
    main()
