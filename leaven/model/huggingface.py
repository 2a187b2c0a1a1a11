"""Folders of the Hugging Face ecosystem: written so that `transformers` loads them as they are, and read back.

A written folder holds `config.json`, `generation_config.json`, weights as safetensors (cut into several files with an
index where they are large) and, with a tokenizer, `tokenizer.json`, `tokenizer_config.json` and
`special_tokens_map.json`. It needs no code of ours and no network.
Invariants: equal models give equal bytes; a folder appears whole or not at all; one tensor at a time is converted, so
that memory does not grow with the model; what is read is never executed (no pickle) and never lies outside the folder.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from leaven.ground.errors import BadInput
from leaven.ground.files import sync_folder, write_json
from leaven.model import cohere
from leaven.model.config import ModelConfig
from leaven.model.init import Params, flatten, shapes
from leaven.model.tensors import DTYPES, SHARD_BYTES, read_object, read_tensors, write_tensors

END_OF_TEXT = "<|endoftext|>"


def export_folder(
    params: Params,
    config: ModelConfig,
    tokenizer_json: Path | None,
    folder: Path,
    *,
    dtype: str = "float32",
    end: str = END_OF_TEXT,
    shard_bytes: int = SHARD_BYTES,
) -> None:
    """Write a folder that `AutoModelForCausalLM.from_pretrained` and `AutoTokenizer.from_pretrained` load.

    Args:
        params: leaves are arrays of any kind (in memory, on devices, mapped from a file); each is cut layer by layer.
        tokenizer_json: a Hugging Face `tokenizer.json`, copied as it is; None: weights without words.
        folder: made by this call; an empty one may be there.
        dtype: `float32` (exact) or `bfloat16` (rounded to nearest).
        end: the token that ends a text; it also begins and pads one.
        shard_bytes: largest file of weights.

    Raises:
        BadInput: the folder is in the way, the weights are not of this shape, the tokenizer does not fit them.
    """
    if dtype not in DTYPES:
        raise BadInput(f'"{dtype}" is not one of {", ".join(DTYPES)}', field="dtype")
    _check_params(params, config)
    token = None if tokenizer_json is None else _end_token(tokenizer_json, config, end)
    with _appearing(Path(folder)) as part:
        write_json(part / "config.json", cohere.to_config(config, dtype, token))
        ids = {"bos_token_id": token, "eos_token_id": token, "pad_token_id": token}
        write_json(part / "generation_config.json", ids)
        if tokenizer_json is not None:
            shutil.copyfile(tokenizer_json, part / "tokenizer.json")
            write_json(part / "tokenizer_config.json", _tokenizer_config(config, end))
            write_json(part / "special_tokens_map.json", {"bos_token": end, "eos_token": end, "pad_token": end})
        write_tensors(part, params, config, dtype, shard_bytes)


def import_folder(folder: Path) -> tuple[ModelConfig, Params, Path | None]:
    """Read a `CohereForCausalLM` folder: its shape, its weights in float32, and its `tokenizer.json` if there is one.

    Weights may be in one file or several, in float32, bfloat16 or float16.

    Raises:
        BadInput: it is another model or another form of weights; a file is missing or damaged; names or shapes of
            weights are not those of the configuration.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise BadInput("there is no such folder", where=str(folder))
    config = cohere.from_config(read_object(folder / "config.json"), str(folder / "config.json"))
    params = read_tensors(folder, config)
    tokenizer = folder / "tokenizer.json"
    return config, params, tokenizer if tokenizer.is_file() else None


def _check_params(params: Params, config: ModelConfig) -> None:
    found = {name: tuple(np.shape(value)) for name, value in flatten(params).items()}
    expected = shapes(config)
    for name in sorted({*found, *expected}):
        if found.get(name) != expected.get(name):
            raise BadInput(f"has shape {found.get(name)}, not {expected.get(name)}", where="weights", field=name)


def _end_token(path: Path, config: ModelConfig, end: str) -> int:
    """The id of `end`. Raises BadInput where the tokenizer does not have it, or has more tokens than the model."""
    data = read_object(path)
    try:
        added = {token["content"]: token["id"] for token in data["added_tokens"]}
        last = max([*data["model"]["vocab"].values(), *added.values()])
        number = added[end]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise BadInput(f"this is not a tokenizer with the token {end}", where=str(path)) from None
    if last >= config.vocab:
        raise BadInput(f"the tokenizer has {last + 1} tokens, the model only {config.vocab}", where=str(path))
    return int(number)


def _tokenizer_config(config: ModelConfig, end: str) -> dict[str, Any]:
    """Their wrapper of `tokenizer.json`, told to add, clean and strip nothing.

    `split_special_tokens`: the end token written out in a text is ordinary text there as here, so that no text can
    end itself. Where it is meant, its id is given. `padding_side`: what is continued ends where the others end.
    """
    return {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": config.sequence,
        "bos_token": end,
        "eos_token": end,
        "pad_token": end,
        "add_bos_token": False,
        "add_eos_token": False,
        "clean_up_tokenization_spaces": False,
        "split_special_tokens": True,
        "padding_side": "left",
        "model_input_names": ["input_ids", "attention_mask"],
    }


@contextlib.contextmanager
def _appearing(folder: Path) -> Iterator[Path]:
    """A new folder beside `folder` that takes its place once it is whole and durable."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise BadInput(
            "there is something already",
            where=str(folder),
            fix="Give the name of a folder that does not exist; nothing is ever overwritten.",
        )
    folder = folder.resolve()
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        part.mkdir()
    except OSError as error:
        raise BadInput(f"cannot be made: {error.strerror}", where=str(folder)) from None
    try:
        yield part
        for path in part.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        sync_folder(part)
        part.rename(folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
