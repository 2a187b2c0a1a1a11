"""The folder of a Hugging Face model: found, looked through before anything is loaded, and loaded.

Invariants: nothing is downloaded unless the caller says so; no pickle is read and no code that lies in a folder is run
(`trust_remote_code` is never set); a model of which weights are missing, left over in another shape or quantized is
refused, because `transformers` would fill the gaps with random numbers and go on.
"""

from __future__ import annotations

import contextlib
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from leaven.corpus.hub.snapshot import ask_the_hub, is_offline
from leaven.evaluate.hugging_words import said
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import read_json, sha256_file

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
WORDS = ("tokenizer.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.json", "vocab.txt")
"""A tokenizer is in one of these files; without any, `transformers` may make up an empty one."""
BESIDE = (
    "config.json",
    "generation_config.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "merges.txt",
)
PICKLED = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack")
OTHER_NAME = "the weights are in a file of another name than model.safetensors"
NAME = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?\Z")


@dataclass(frozen=True)
class Files:
    """What a folder has of a model.

    Args:
        config: the object in its `config.json`.
        weights: its safetensors files. others: files of the tokenizer, and configurations.
    """

    folder: Path
    config: dict[str, Any]
    weights: tuple[Path, ...]
    others: tuple[Path, ...]

    def hashes(self) -> dict[str, str]:
        """SHA-256 of every file, by name."""
        return {path.name: sha256_file(path) for path in (*self.weights, *self.others)}


def require() -> None:
    """Raises BadInput where torch or transformers is not installed."""
    for name in ("torch", "transformers"):
        try:
            importlib.import_module(name)
        except ImportError:
            raise BadInput(
                f"models of Hugging Face need {name}, which is not installed", fix="pip install 'leaven[hf]'"
            ) from None


def versions() -> dict[str, str]:
    """Of the libraries that make tokenizer and network of the files: rules of both have changed between versions.

    How a version was built (`+cpu`) is left out.
    """
    return {name: version(name).partition("+")[0] for name in ("torch", "transformers")}


def find_folder(name: str, *, revision: str = "main", download: bool = False) -> Path:
    """The folder `name`, or the snapshot of the hub's model `name` in the hub's cache.

    Args:
        revision: branch, tag or commit of the hub's model.
        download: ask the hub for what is not there. Only for a user who said so.

    Raises:
        BadInput: there is neither; the hub does not have it or wants a log-in.
        LeavenError: the hub cannot be reached.
    """
    if Path(name).is_dir():
        return Path(name)
    if not NAME.match(name):
        raise BadInput("there is no such folder", where=name)
    from huggingface_hub import snapshot_download

    if download:
        ask_the_hub()
        if is_offline():
            raise BadInput(f"{name} is to be downloaded, but HF_HUB_OFFLINE says not to", fix="Unset it.")
    patterns = [*WORDS, *BESIDE, "*.safetensors", INDEX, "*.tiktoken", "tekken.json"]
    try:
        found = snapshot_download(
            name,
            revision=revision,
            local_files_only=not download,
            allow_patterns=patterns,
            ignore_patterns=["*/*", "consolidated*"],
        )
    except Exception as error:  # the library's own, and those of three libraries below it
        raise _explained(error, name, download) from None
    return Path(found)


def _explained(error: Exception, name: str, download: bool) -> LeavenError:
    if not download:
        return BadInput(
            "there is no such folder, and the hub's cache on this computer has no such model",
            where=name,
            fix=f"Download it first (hf download {name}), or allow the download.",
        )
    kind = type(error).__name__
    if kind == "GatedRepoError":
        return BadInput(
            "the model asks its readers to accept conditions first",
            where=name,
            fix="Accept them on the model's page, then log in (hf auth login, or HF_TOKEN in the environment).",
        )
    if kind == "RevisionNotFoundError":
        return BadInput("the model has no such revision", where=name, field="revision")
    if kind in ("RepositoryNotFoundError", "HFValidationError"):
        return BadInput(
            "the hub has no such model, or it is private and you are not logged in",
            where=name,
            fix="Check the name; log in for a private one (hf auth login, or HF_TOKEN in the environment).",
        )
    return LeavenError(f"the hub could not be asked for {name} ({kind})\n  Run again later, or give a folder.")


def look_through(folder: Path) -> Files:
    """The files of a model's folder, each of them whole.

    Raises:
        BadInput: a file is missing or damaged; the weights are pickled, quantized or those of an adapter; the model
            needs code of its own.
    """
    if not (folder / "config.json").is_file():
        raise BadInput("this is no folder of a model: it has no config.json", where=str(folder))
    config = _read_object(folder / "config.json")
    # a model that transformers knows by itself may name code too, which is then not needed
    refused = {"quantization_config": "quantized weights are not read", "transformers_weights": OTHER_NAME}
    if not _is_known(config.get("model_type")):
        refused["auto_map"] = "the model needs code that comes with it, which is never run"
    for field, why in refused.items():
        if config.get(field):
            raise BadInput(why, where=str(folder / "config.json"), field=field)
    if (folder / "adapter_config.json").exists():
        raise BadInput(
            "this folder holds an adapter, which is a part of a model",
            where=str(folder),
            fix="Merge it into its model and save the whole.",
        )
    weights = _weights(folder)
    words = [folder / name for name in WORDS if (folder / name).is_file()]
    words += sorted([*folder.glob("*.tiktoken"), *folder.glob("tekken.json")])
    if not words:
        raise BadInput(
            "the folder has no tokenizer",
            where=str(folder),
            fix="Save the tokenizer beside the model (tokenizer.save_pretrained).",
        )
    others = [*words, *(folder / name for name in BESIDE if (folder / name).is_file())]
    return Files(folder, config, tuple(weights), tuple(others))


def _is_known(kind: Any) -> bool:
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING_NAMES

    return kind in CONFIG_MAPPING_NAMES


def _weights(folder: Path) -> list[Path]:
    """The files of weights. Raises BadInput unless all are there and none ends early."""
    import safetensors

    names = [WEIGHTS]
    if not (folder / WEIGHTS).is_file():
        if not (folder / INDEX).is_file():
            raise _no_weights(folder)
        named = _read_object(folder / INDEX).get("weight_map")
        if not isinstance(named, dict) or not named:
            raise BadInput("this is no index of weights: it has no weight_map", where=str(folder / INDEX))
        names = sorted(set(map(str, named.values())))
    for name in names:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise BadInput(f"{name!r} is not a safetensors file of this folder", where=str(folder / INDEX))
        if not (folder / name).is_file():
            raise BadInput(
                f"{name} is missing, one of {len(names)} files of weights",
                where=str(folder),
                fix="The model was copied or downloaded half: do it again.",
            )
        try:
            with safetensors.safe_open(folder / name, framework="numpy"):
                pass  # opening compares the length that the header tells with the file's
        except (OSError, safetensors.SafetensorError) as error:
            raise BadInput(
                f"these weights cannot be read: {said(error)}",
                where=str(folder / name),
                fix="The model was copied or downloaded half: do it again.",
            ) from None
    return [folder / name for name in names]


def _no_weights(folder: Path) -> BadInput:
    found = sorted(path.name for pattern in PICKLED for path in folder.glob(pattern))
    if found:
        return BadInput(
            f"the weights are in {found[0]}, not in safetensors; reading such a file can run any program",
            where=str(folder),
            fix="Save the model as safetensors where it comes from (save_pretrained does).",
        )
    return BadInput(f"there is neither {WEIGHTS} nor {INDEX}", where=str(folder))


def load_config(files: Files) -> Any:
    """The model's `PretrainedConfig`. Raises BadInput where transformers does not know such a model."""
    from transformers import AutoConfig

    try:
        return AutoConfig.from_pretrained(str(files.folder), local_files_only=True, trust_remote_code=False)
    except Exception as error:  # an unknown architecture, a field of a wrong kind
        raise _unknown(files, error) from None


def load_network(files: Files, device: str) -> Any:
    """The model, ready to be asked: on CUDA in the type its weights are stored in, elsewhere in float32.

    Raises BadInput where transformers cannot make it of exactly these weights.
    """
    import torch
    from transformers import AutoModelForCausalLM, GenerationConfig

    where = str(files.folder)
    try:
        network, told = AutoModelForCausalLM.from_pretrained(
            where,
            dtype="auto" if device.startswith("cuda") else torch.float32,
            use_safetensors=True,
            local_files_only=True,
            trust_remote_code=False,
            output_loading_info=True,
        )
    except Exception as error:  # an unknown architecture, a field of a wrong kind, a tensor of a wrong shape
        raise _unknown(files, error) from None
    absent = sorted(told["missing_keys"]) or sorted(str(key[0]) for key in told["mismatched_keys"])
    if absent:
        raise BadInput(
            f"weights are missing or of another shape: {', '.join(absent[:3])}{', …' if len(absent) > 3 else ''}",
            where=where,
            fix="Only whole language models are judged: is one saved there without its head?",
        )
    if network.config.is_encoder_decoder:
        raise BadInput(
            "the model reads and writes by two networks; only one that continues texts is judged", where=where
        )
    network.generation_config = GenerationConfig()  # penalties and temperatures that were saved are nobody's question
    return network.eval().to(device)


def _unknown(files: Files, error: Exception) -> BadInput:
    return BadInput(
        f"transformers cannot load the model ({said(error)})",
        where=str(files.folder),
        field=str(files.config.get("model_type", "")),
        fix="Only language models that the installed transformers knows by itself are read.",
    )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and nothing below an error from transformers: what is wrong arrives as an exception."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _read_object(path: Path) -> dict[str, Any]:
    try:
        data = read_json(path)
    except (OSError, ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise BadInput("this is not a JSON object", where=str(path))
    return data
