"""What a study gives besides its sources: a tokenizer, weights to start from. Looked at before anything runs.

Contents are hashed as those of sources are, and the hashes kept in the same file of the store's cache.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from leaven.corpus.byte_level import check_given
from leaven.corpus.survey import SETTLED
from leaven.ground.errors import BadInput
from leaven.ground.files import sha256_file, write_text
from leaven.model.config import ModelConfig
from leaven.study.corpus_graph import TOKENIZER, Survey
from leaven.study.document import Keys, Where
from leaven.study.document import field as field_of
from leaven.study.expand import start_key
from leaven.study.sources import Corpus
from leaven.study.spec import Study

Row = list[int | str]


@dataclass
class Hashes:
    """Contents of files that were hashed before, by size, time and inode; `path` None remembers nothing."""

    path: Path | None
    known: dict[str, Row] = field(default_factory=dict)

    @staticmethod
    def open(path: Path | None) -> Hashes:
        """A cache that is damaged or not there is empty."""
        try:
            known = json.loads(path.read_text(encoding="utf-8")) if path else {}
        except (OSError, ValueError):
            known = {}
        return Hashes(path, known if isinstance(known, dict) else {})

    def digest(self, file: Path) -> str:
        """SHA-256 of a file."""
        stat, key = file.stat(), os.path.abspath(file)
        stamp: Row = [stat.st_size, stat.st_mtime_ns, stat.st_ino]
        row = self.known.get(key)
        if isinstance(row, list) and row[:3] == stamp and len(row) == 4:
            return str(row[3])
        digest = sha256_file(file)
        if self.path is not None and time.time_ns() - stat.st_mtime_ns > SETTLED:
            self.known[key] = [*stamp, digest]
            self.path.parent.mkdir(parents=True, exist_ok=True)
            write_text(self.path, json.dumps(self.known))
        return digest


def survey_tokenizer(corpus: Corpus, cache: Path | None, where: Where) -> dict[str, Survey]:
    """The tokenizer that a corpus gives, under its name in surveys; nothing where it has one trained."""
    if corpus.tokenizer.path is None:
        return {}
    path, keys = Path(corpus.tokenizer.path), ("corpus", "tokenizer", "path")
    try:
        size = check_given(path).size
        return {TOKENIZER: Survey(Hashes.open(cache).digest(path), 1, path.stat().st_size, vocabulary=size)}
    except BadInput as error:
        raise _told(error, keys, where) from None


def survey_starts(study: Study, model: ModelConfig, cache: Path | None, where: Where) -> dict[str, Survey]:
    """Every folder of weights that a stage starts from, under its name in surveys.

    Raises BadInput where it holds no model, or one of another shape than `model`.
    """
    found: dict[str, Survey] = {}
    for keys, start in _starts(study):
        # Only here: the formats of weights need JAX, and most studies start from nothing.
        from leaven.train import warm_start

        folder = Path(start)
        try:
            files = warm_start.files_of(folder)
            warm_start.check_shape(warm_start.shape_of(folder), model, folder)
            print_of = warm_start.fingerprint(folder, Hashes.open(cache).digest)
        except BadInput as error:
            raise _told(error, keys, where) from None
        found[start_key(start)] = Survey(print_of, len(files), sum(path.stat().st_size for path in files))
    return found


def _starts(study: Study) -> Iterator[tuple[Keys, str]]:
    seen = set()
    for variant, stages in study.variants.items():
        for index, stage in enumerate(stages):
            if stage.start is not None and stage.start not in seen:
                seen.add(stage.start)
                yield ("variants", variant, index, "start"), stage.start


def _told(error: BadInput, keys: Keys, where: Where) -> BadInput:
    """The same error at the line that names the file or folder."""
    what = ": ".join(part for part in (error.where, error.field, error.what) if part)
    return BadInput(what, where=where(keys), field=field_of(keys), fix=error.fix)
