"""A larger collection out of a smaller one: copies in which words were replaced, so that they are no near-duplicates.

Usage: python benchmarks/corpus/mutate.py DOCS OUT --bytes 1000000000 [--files 64] [--share 0.3]

Copy k of a document has a share of its words replaced by other words of the same length, chosen by a generator that is
seeded with k and the document's id. Of two copies about one 5-gram in thirty agrees, which is below every threshold of
resemblance: they are as different as documents of one project. Copy 0 is the document itself. What was made is written
to OUT.json.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
from collections import Counter
from pathlib import Path

from collect import about_of

WORD = re.compile(r"[A-Za-z]{3,}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("docs", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--bytes", type=int, required=True)
    parser.add_argument("--files", type=int, default=64)
    parser.add_argument("--share", type=float, default=0.3)
    options = parser.parse_args()
    print(json.dumps(mutate(options.docs, options.out, options.bytes, options.files, options.share)))


def mutate(docs: Path, out: Path, most: int, files: int, share: float) -> dict[str, object]:
    """Write about `most` bytes of documents; returns (and writes) what was made."""
    out.mkdir(parents=True, exist_ok=True)
    sources = sorted(docs.glob("*.jsonl"))
    words = vocabulary(sources)
    sinks = [(out / f"{n:05d}.jsonl").open("w", encoding="utf-8") for n in range(files)]
    made = total = copy = 0
    try:
        while total < most:
            for path in sources:
                with path.open(encoding="utf-8") as lines:
                    for line in lines:
                        record = json.loads(line)
                        text = (
                            record["text"] if copy == 0 else mutated(record["text"], copy, record["id"], words, share)
                        )
                        name = f"copy{copy}/{record['id']}"
                        record |= {"id": name, "text": text}
                        record["metadata"]["path"] = name
                        sinks[made % files].write(json.dumps(record, ensure_ascii=False) + "\n")
                        made, total = made + 1, total + len(text.encode())
                        if total >= most:
                            break
                if total >= most:
                    break
            copy += 1
    finally:
        for sink in sinks:
            sink.close()
    about = {"documents": made, "bytes": total, "copies": copy, "files": files, "share": share}
    about["sha256_of_list"] = hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()
    about_of(out).write_text(json.dumps(about, indent=1) + "\n")
    return about


def vocabulary(sources: list[Path]) -> dict[int, list[str]]:
    """Length → the 2,000 commonest words of that length in the first file."""
    with sources[0].open(encoding="utf-8") as lines:
        counts = Counter(word for line in lines for word in WORD.findall(json.loads(line)["text"]))
    found: dict[int, list[str]] = {}
    for word, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0])):
        same = found.setdefault(len(word), [])
        if len(same) < 2000:
            same.append(word)
    return found


def mutated(text: str, copy: int, name: str, words: dict[int, list[str]], share: float) -> str:
    """The text with a share of its words replaced: a function of copy and name."""
    chance = random.Random(f"{copy} {name}")  # seeded by data; this is a benchmark's input, not leaven's

    def other(match: re.Match[str]) -> str:
        word = match[0]
        if chance.random() >= share:
            return word
        same = words.get(len(word))
        return same[int(chance.random() * len(same))] if same else word[::-1]

    return WORD.sub(other, text)


if __name__ == "__main__":
    main()
