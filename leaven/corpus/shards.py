"""The shards step: one source's documents as token ids.

`<split>.bin` is a flat little-endian array of ids, each document followed by the end of text; `<split>.idx`
holds the END of each document as u64, counted in tokens. No header, no sequence length: what a window is,
the loader decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from leaven.corpus.document import read_documents
from leaven.corpus.tokenizer import Tokenizer
from leaven.ground.files import write_json
from leaven.ground.progress import Progress, silent

BATCH = 512
"""Documents encoded at once."""


def dtype_for(vocab: int) -> str:
    """The smallest of uint16 and uint32 that holds ids below `vocab`."""
    return "uint16" if vocab <= 65_536 else "uint32"


def write_shards(corpus: Path, source: str, tokenizer: Path, out: Path, progress: Progress = silent) -> None:
    """Encode one source of a corpus step into the empty folder `out`.

    Args:
        corpus: folder of the corpus step.
        source: name of one of its sources.
        tokenizer: folder of the tokenizer step.
        out: receives `train.bin`, `train.idx`, `heldout.bin`, `heldout.idx` and `shards.json`.
        progress: told in documents of both splits.
    """
    encoder = Tokenizer.load(tokenizer / "tokenizer.json")
    dtype = dtype_for(encoder.size)
    splits: dict[str, dict[str, Any]] = {}
    for split in ("train", "heldout"):
        texts = (document.text for document in read_documents(corpus / split / f"{source}.parquet"))
        splits[split] = _write_split(texts, encoder, np.dtype(dtype).newbyteorder("<"), out, split, progress)
    write_json(out / "shards.json", {"source": source, "dtype": dtype, "splits": splits})


def _write_split(
    texts: Iterator[str], encoder: Tokenizer, dtype: np.dtype[Any], out: Path, split: str, progress: Progress
) -> dict[str, int]:
    tokens = documents = size = 0
    with (out / f"{split}.bin").open("wb") as ids, (out / f"{split}.idx").open("wb") as ends:
        while batch := list(islice(texts, BATCH)):
            encoded = encoder.encode_many(batch)
            flat = np.concatenate([np.asarray([*document, encoder.eot], dtype) for document in encoded])
            flat.tofile(ids)
            lengths = np.asarray([len(document) + 1 for document in encoded], "<u8")
            (np.cumsum(lengths, dtype="<u8") + np.uint64(tokens)).astype("<u8").tofile(ends)
            tokens += len(flat)
            documents += len(batch)
            size += sum(len(text.encode()) for text in batch)
            progress(documents, documents, split)
    return {"tokens": tokens, "documents": documents, "bytes": size}
