"""Where a corpus step keeps the documents of a source: one Parquet file, or a folder of them in the order of names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from leaven.corpus.document import Document, read_documents
from leaven.ground.errors import LeavenError

SUFFIX = ".parquet"


def document_files(corpus: Path, side: str, source: str) -> list[Path]:
    """The files that, read one after the other, hold the documents of a source in their order.

    Args:
        corpus: folder of a corpus step.
        side: "train" or "heldout".
        source: name of a source.

    Raises:
        LeavenError: the corpus has no such source.
    """
    single, folder = corpus / side / f"{source}{SUFFIX}", corpus / side / source
    if single.is_file():
        return [single]
    if folder.is_dir():
        return sorted(folder.glob(f"[0-9]*{SUFFIX}"))
    raise LeavenError(f"the corpus has no {side} documents of source {source} (neither {single.name} nor {source}/)")


def sources_of(corpus: Path, side: str = "train") -> list[str]:
    """Names of the sources that a corpus step has documents of, sorted."""
    found = (corpus / side).iterdir() if (corpus / side).is_dir() else ()
    return sorted(
        path.name if path.is_dir() else path.name.removesuffix(SUFFIX)
        for path in found
        if not path.name.startswith(".") and (path.is_dir() or path.name.endswith(SUFFIX))
    )


def documents_of(corpus: Path, side: str, source: str) -> Iterator[Document]:
    """The documents of a source, in order, a batch at a time."""
    for path in document_files(corpus, side, source):
        yield from read_documents(path)
