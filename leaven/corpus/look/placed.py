"""On which side of a corpus some documents are: a look at the ids of its files, at no text."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from leaven.corpus.files import document_files

SIDES = ("train", "heldout")
PIECE = re.compile(r"#[0-9]+$")
"""How the id of a document that was cut ends."""


@dataclass(frozen=True)
class Placed:
    """A document, or a piece of one, in a corpus."""

    side: str
    id: str


def placed(corpus: Path, source: str, names: Collection[str]) -> dict[str, list[Placed]]:
    """Where documents are, by their ids in the corpus without the number of a piece; empty lists for those nowhere."""
    found: dict[str, list[Placed]] = {name: [] for name in names}
    wanted = pa.array(sorted(found), pa.string())
    for side in SIDES:
        for path in document_files(corpus, side, source):
            with pq.ParquetFile(path) as stored:
                for batch in stored.iter_batches(batch_size=1 << 16, columns=["id"]):
                    ids = batch.column("id")
                    whole = pc.replace_substring_regex(ids, pattern=PIECE.pattern, replacement="")
                    here = pc.or_(pc.is_in(ids, value_set=wanted), pc.is_in(whole, value_set=wanted))
                    for full in ids.filter(here).to_pylist():
                        found[full if full in found else PIECE.sub("", full)].append(Placed(side, full))
    return found
