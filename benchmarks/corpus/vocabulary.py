"""A tokenizer for the comparisons: trained by leaven on the beginning of the collection, used by every side.

Usage: python benchmarks/corpus/vocabulary.py DOCS OUT [--vocabulary 32768] [--sample 20000000]

Prints one line of JSON: seconds, vocabulary.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from leaven.corpus.document import Document, write_documents
from leaven.corpus.tokenizer import train_tokenizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("docs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--vocabulary", type=int, default=32_768)
    parser.add_argument("--sample", type=int, default=20_000_000)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=options.out) as folder:
        for side, documents in (("train", read(options.docs)), ("heldout", iter(()))):
            (Path(folder) / side).mkdir()
            write_documents(Path(folder) / side / "code.parquet", documents)
        begin = time.perf_counter()
        train_tokenizer(Path(folder), options.out, vocab=options.vocabulary, sample_bytes=options.sample)
        print(json.dumps({"seconds": time.perf_counter() - begin, "vocabulary": options.vocabulary}))


def read(docs: Path) -> Iterator[Document]:
    for path in sorted(docs.glob("*.jsonl")):
        with path.open(encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                about = record["metadata"]
                yield Document(record["id"], record["text"], about["path"], record["id"], about["language"])


if __name__ == "__main__":
    main()
