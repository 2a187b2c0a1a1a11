"""The model under evaluation: parameters, their shape, and the tokenizer that goes with them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from leaven.corpus.tokenizer import Tokenizer
from leaven.ground.canonical import canonical
from leaven.ground.errors import BadInput
from leaven.ground.files import read_json, sha256_file
from leaven.model.config import ModelConfig
from leaven.model.huggingface import import_folder
from leaven.model.init import flatten
from leaven.model.weights import load_params, stream


@dataclass(frozen=True)
class Subject:
    """What every verb of this room is asked about.

    Args:
        params: the model's parameters, a pytree.
        config: the model's shape; `config.sequence` is the longest input it is shown.
        tokenizer: has `encode`, `decode`, `eot` and `size`.
        weights_sha256, tokenizer_sha256: of the files it was loaded from; empty where there are none.
    """

    params: Any
    config: ModelConfig
    tokenizer: Tokenizer
    weights_sha256: str = ""
    tokenizer_sha256: str = ""

    @classmethod
    def load(cls, stage: Path, tokenizer: Path) -> Subject:
        """The model a stage step left in its folder, with the tokenizer of a tokenizer step's folder.

        Raises BadInput where a file is missing or the vocabularies differ.
        """
        shape, weights, words = stage / "stage.json", stage / "model.safetensors", tokenizer / "tokenizer.json"
        for path in (shape, weights, words):
            if not path.is_file():
                raise BadInput(
                    "file not found", where=path.name, fix=f"Is {path.parent} the folder of a finished step?"
                )
        known = {entry.name for entry in fields(ModelConfig)}
        try:
            declared = read_json(shape)["model"]
            config = ModelConfig(**{name: value for name, value in declared.items() if name in known})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(f"the model's shape cannot be read ({error!r})", where=str(shape)) from None
        read = Tokenizer.load(words)
        _check_words(read, config, words)
        return cls(load_params(weights), config, read, sha256_file(weights), sha256_file(words))

    @classmethod
    def imported(cls, folder: Path) -> Subject:
        """The model of a Hugging Face folder of leaven's architecture (`leaven.model.huggingface`).

        Raises BadInput where it is another model, has no tokenizer, or its tokenizer is not one leaven reads.
        """
        config, params, words = import_folder(folder)
        if words is None:
            raise BadInput("the checkpoint has no tokenizer", where=str(folder), fix="Put tokenizer.json beside it.")
        read = Tokenizer.load(words)
        _check_words(read, config, words)
        return cls(params, config, read, tokenizer_sha256=sha256_file(words))

    def fingerprint(self) -> dict[str, str]:
        """What tells the weights and the tokenizer from any other: the hashes of their files.

        Of a subject made in memory: of the bytes that its weights' file would have, and of what its tokenizer makes of
        every token and of a few texts.
        """
        return {
            "weights": self.weights_sha256 or _hash_of_params(self.params),
            "tokenizer": self.tokenizer_sha256 or _hash_of_words(self.tokenizer),
        }


def _check_words(tokenizer: Tokenizer, config: ModelConfig, path: Path) -> None:
    if tokenizer.size > config.vocab:
        raise BadInput(
            f"the tokenizer has {tokenizer.size} tokens, the model only {config.vocab}",
            where=path.name,
            fix="Use the tokenizer that the model was trained with.",
        )


PROBES = (
    "The quick brown fox, it's said, didn't jump: 3 dogs;\n\n  And\t",
    "def f(x_1):\n    return {'a': [x_1 ** 2]}\n",
)
"""Texts whose tokens tell two tokenizers of one vocabulary apart."""


def _hash_of_params(params: Any) -> str:
    seen = hashlib.sha256()
    for data in stream(flatten(params)):
        seen.update(data)
    return seen.hexdigest()


def _hash_of_words(tokenizer: Any) -> str:
    texts = [tokenizer.decode([token]) for token in range(tokenizer.size)]
    encoded = [list(tokenizer.encode(text)) for text in PROBES]
    return hashlib.sha256(canonical([tokenizer.eot, tokenizer.size, texts, encoded])).hexdigest()
