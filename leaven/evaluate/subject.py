"""The model under evaluation: parameters, their shape, and the tokenizer that goes with them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from leaven.corpus.tokenizer import Tokenizer
from leaven.ground.errors import BadInput
from leaven.ground.files import read_json
from leaven.model.config import ModelConfig
from leaven.model.weights import load_params


@dataclass(frozen=True)
class Subject:
    """What every verb of this room is asked about.

    Args:
        params: the model's parameters, a pytree.
        config: the model's shape; `config.sequence` is the longest input it is shown.
        tokenizer: has `encode`, `decode`, `eot` and `size`.
    """

    params: Any
    config: ModelConfig
    tokenizer: Tokenizer

    @classmethod
    def load(cls, stage: Path, tokenizer: Path) -> Subject:
        """The model a stage step left in its folder, with the tokenizer of a tokenizer step's folder.

        Raises BadInput where a file is missing or the vocabularies differ.
        """
        for path in (stage / "stage.json", stage / "model.safetensors", tokenizer / "tokenizer.json"):
            if not path.is_file():
                raise BadInput(
                    "file not found", where=path.name, fix=f"Is {path.parent} the folder of a finished step?"
                )
        shape = read_json(stage / "stage.json")["model"]
        known = {entry.name for entry in fields(ModelConfig)}
        config = ModelConfig(**{name: value for name, value in shape.items() if name in known})
        words = Tokenizer.load(tokenizer / "tokenizer.json")
        if words.size > config.vocab:
            raise BadInput(
                f"the tokenizer has {words.size} tokens, the model only {config.vocab}",
                where="tokenizer.json",
                fix="Use the tokenizer of the study the stage belongs to.",
            )
        return cls(load_params(stage / "model.safetensors"), config, words)
