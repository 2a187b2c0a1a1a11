"""leaven's side of the comparisons.

Usage (in leaven's own environment):
    python ours.py minhash DOCS SCRATCH [--bands 14 --rows 8] [--workers 2]
    python ours.py pipeline DOCS SCRATCH [--bands …] [--rows …] [--workers 2] [--vocabulary 32768]

Prints one line of JSON at the end, like `peer.py`. `minhash` reads the same JSONL and writes the kept documents as
JSONL too. `pipeline` is `leaven corpus build` of a corpus file that is written into the scratch folder.
"""

from __future__ import annotations

import argparse
import functools
import json
import shutil
import time
from pathlib import Path

import numpy as np

import leaven
from leaven.corpus.dedup.components import components
from leaven.corpus.dedup.keepers import keep
from leaven.corpus.dedup.minhash import band_keys, signatures
from leaven.corpus.dedup.near import Near, preset
from leaven.corpus.parts import run_parts
from leaven.ground.files import read_json

BATCH = 256
"""Documents whose texts are in memory together."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["minhash", "pipeline"])
    parser.add_argument("docs", type=Path)
    parser.add_argument("scratch", type=Path)
    parser.add_argument("--bands", type=int, default=14)
    parser.add_argument("--rows", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--vocabulary", type=int, default=32_768)
    options = parser.parse_args()
    if options.scratch.exists():
        shutil.rmtree(options.scratch)
    options.scratch.mkdir(parents=True)
    bands, rows = options.bands, options.rows
    begin = time.perf_counter()
    if options.what == "minhash":
        near = preset("datatrove", bands=bands, rows=rows, permutations=bands * rows)
        result = minhash(options.docs, options.scratch, near, options.workers)
    else:
        result = pipeline(options.docs.resolve(), options.scratch, bands, rows, options.workers, options.vocabulary)
    print(json.dumps({"seconds": time.perf_counter() - begin, **result}))


CORPUS = """corpus: benchmark
sources:
  code:
    kind: web_code
    path: {docs}
    fields: {{text: text, id: id, path: metadata.path, language: metadata.language}}
    rules: [paper]
    max: 1000GB
deduplicate: {{near: {{tokens: stack2, verify: none, bands: {bands}, rows: {rows}, permutations: {permutations}}}}}
heldout_max: 1MB
tokenizer: {{vocabulary: {vocabulary}, sample: 20MB}}
"""


def pipeline(docs: Path, scratch: Path, bands: int, rows: int, workers: int, vocabulary: int) -> dict[str, object]:
    """Build the corpus; seconds of each step, and what came out."""
    file = scratch / "corpus.yaml"
    words = {"docs": docs, "bands": bands, "rows": rows, "permutations": bands * rows, "vocabulary": vocabulary}
    file.write_text(CORPUS.format(**words))
    corpus = leaven.load_corpus(str(file), runs=scratch / "runs")
    folders = corpus.build(jobs=workers, quiet=True)
    steps = {"read": folders.read["code"], "source": folders.source["code"], "corpus": folders.corpus}
    steps |= {"tokenizer": folders.tokenizer, "shards": folders.shards["code"]}
    report = read_json(folders.shards["code"] / "shards.json")
    return {
        "stages": {
            name: round(read_json(folder / "manifest.json")["made"]["seconds"], 2) for name, folder in steps.items()
        },
        "reports": {name: read_json(folder / "report.json") for name, folder in steps.items() if name != "shards"},
        "kept": report["splits"]["train"]["documents"],
        "tokens": report["splits"]["train"]["tokens"],
    }


def minhash(docs: Path, scratch: Path, near: Near, workers: int) -> dict[str, object]:
    """Signatures and bands of every file, components of all, and the kept documents of every file."""
    files = sorted(docs.glob("*.jsonl"))
    begin = time.perf_counter()
    signed = run_parts(functools.partial(sign, near=near), files, scratch / "signed", workers=workers)
    middle = time.perf_counter()
    kept = keep(components([part / "bands.npy" for part in signed]))
    found = time.perf_counter()
    starts = np.cumsum([0, *(np.load(part / "bands.npy", mmap_mode="r").shape[1] for part in signed)])
    items = [(file, kept[starts[n] : starts[n + 1]]) for n, file in enumerate(files)]
    run_parts(write, items, scratch / "kept", workers=workers)
    end = time.perf_counter()
    stages = {"signatures": middle - begin, "components": found - middle, "keep": end - found}
    return {
        "removed": int((~kept).sum()),
        "kept": int(kept.sum()),
        "stages": {name: round(seconds, 2) for name, seconds in stages.items()},
    }


def sign(file: Path, out: Path, near: Near) -> None:
    bands = []
    texts: list[str] = []
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            texts.append(json.loads(line)["text"])
            if len(texts) == BATCH:
                bands.append(band_keys(signatures(texts, near), near))
                texts = []
    if texts:
        bands.append(band_keys(signatures(texts, near), near))
    np.save(out / "bands.npy", np.concatenate(bands).T)


def write(item: tuple[Path, np.ndarray], out: Path) -> None:
    file, kept = item
    with file.open("rb") as lines, (out / "documents.jsonl").open("wb") as sink:
        sink.writelines(line for line, good in zip(lines, kept.tolist(), strict=True) if good)


if __name__ == "__main__":
    main()
