"""Shards in the formats of other houses.

datatrove (0.10): `<name>.ds` holds the ids as they are, `<name>.ds.index` the u64 end of every document in tokens,
`<name>.ds.metadata` three lines: tokenizer and bytes of an id, tokens, tokens for people. leaven's own files have no
header either, so the export copies bytes.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from leaven.ground.files import read_json, write_text


def export_datatrove(shards: Path, split: str, out: Path, name: str = "", tokenizer: str = "leaven") -> Path:
    """Write a split of a shards folder as `<name>.ds` with its index and metadata into the folder `out`.

    Args:
        shards: folder of a shards step.
        split: "train" or "heldout".
        out: made where absent.
        name: of the files without `.ds`; default `<source>_<split>`.
        tokenizer: what the metadata call the tokenizer; its path where the reader is to load it.

    Returns the `.ds` file.
    """
    about = read_json(shards / "shards.json")
    tokens = about["splits"][split]["tokens"]
    out.mkdir(parents=True, exist_ok=True)
    target = out / f"{name or about['source'] + '_' + split}.ds"
    shutil.copyfile(shards / f"{split}.bin", target)
    shutil.copyfile(shards / f"{split}.idx", target.with_name(f"{target.name}.index"))
    size = np.dtype(about["dtype"]).itemsize
    write_text(target.with_name(f"{target.name}.metadata"), f"{tokenizer}|{size}\n{tokens}\n{_for_people(tokens)}")
    return target


def _for_people(tokens: int) -> str:
    for power, prefix in ((9, "G"), (6, "M"), (3, "k")):
        if tokens >= 10**power:
            return f"{tokens / 10**power:.3g} {prefix}T"
    return f"{tokens} T"
