"""Weights trained elsewhere, made into what a first stage can have as its parent.

A folder is either a stage of leaven (`stage.json`, `model.safetensors`) or a Hugging Face model (`config.json`,
safetensors, `leaven.model.huggingface`). What comes of it holds weights only: no optimizer, no learning rate, no place
in any source. That is what tells a warm-start from a branch.
Invariants: weights are taken only where every dimension and constant but the length of a sequence is the study's, and
where token numbers mean the same; the bytes written depend on the content of the folder and not on where it lies.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import asdict, fields
from pathlib import Path

from leaven.corpus.byte_level import difference, read_byte_level
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import read_json, sha256_file, write_bytes, write_json
from leaven.model import cohere
from leaven.model.config import ModelConfig
from leaven.model.huggingface import import_folder
from leaven.model.init import Params, flatten, shapes
from leaven.model.tensors import read_object
from leaven.model.weights import load_params, save_params

VERSION = "import/1"
STAGE, CONFIG, TOKENIZER = "stage.json", "config.json", "tokenizer.json"
FREE = ("sequence",)
"""Fields of a shape that may differ: no weight depends on them."""


def files_of(folder: Path) -> list[Path]:
    """The files that decide what is taken, in order of their names. Raises BadInput where there is no such folder."""
    if not folder.is_dir():
        raise BadInput("there is no such folder", where=str(folder))
    named = {STAGE, CONFIG, TOKENIZER, "model.safetensors.index.json"}
    found = [path for path in folder.iterdir() if path.name in named or path.suffix == ".safetensors"]
    return sorted((path for path in found if path.name != "optimizer.safetensors"), key=lambda path: path.name)


def fingerprint(folder: Path, digest: Callable[[Path], str] = sha256_file) -> str:
    """Of a folder's weights, shape and tokenizer, by content. `digest` gives a file's SHA-256."""
    rows = [[path.name, digest(path)] for path in files_of(folder)]
    tokenizer = tokenizer_of(folder)
    if tokenizer is not None and tokenizer.parent != folder:
        rows.append([TOKENIZER, digest(tokenizer)])
    return identity([VERSION, rows])


def shape_of(folder: Path) -> ModelConfig:
    """The shape of the model in a folder, without reading its weights. Raises BadInput."""
    if (folder / STAGE).is_file():
        about = read_object(folder / STAGE)
        known = {entry.name for entry in fields(ModelConfig)}
        try:
            return ModelConfig(**{name: value for name, value in about["model"].items() if name in known})
        except (KeyError, TypeError, AttributeError) as error:
            raise BadInput(f"its model's shape cannot be read ({error})", where=str(folder / STAGE)) from None
    if (folder / CONFIG).is_file():
        return cohere.from_config(read_object(folder / CONFIG), str(folder / CONFIG))
    raise BadInput(
        f"this is no model: there is neither {STAGE} (a stage of leaven) nor {CONFIG} (Hugging Face)",
        where=str(folder),
    )


def check_shape(found: ModelConfig, wanted: ModelConfig, folder: Path) -> None:
    """Raises BadInput naming every dimension and constant in which a folder's model is not the study's."""
    ours, theirs = asdict(wanted), asdict(found)
    other = [name for name in ours if ours[name] != theirs[name] and name not in FREE]
    if not other:
        return
    told = ", ".join(f"{name} {theirs[name]} (the study: {ours[name]})" for name in other)
    wish = ", ".join(f"{name}: {theirs[name]}" for name in other if name != "vocab")
    fix = [f"Give the study its shape: model: {{…, {wish}}}."] if wish else []
    fix += ["The vocabulary is that of the tokenizer: give the study the one of the weights."] * ("vocab" in other)
    raise BadInput(f"the weights are of another shape: {told}", where=str(folder), fix=" ".join(fix))


def tokenizer_of(folder: Path) -> Path | None:
    """The `tokenizer.json` of a folder or, where it is a step of a store, that of its tokenizer step."""
    places = [folder / TOKENIZER]
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # no step of a store
        places.append(folder.resolve().parent / read_json(folder / "manifest.json")["inputs"]["tokenizer"] / TOKENIZER)
    return next((path for path in places if path.is_file()), None)


def import_weights(folder: Path, model: ModelConfig, tokenizer: Path, out: Path, expected: str = "") -> None:
    """Write `model.safetensors` (float32), `stage.json` and `tokenizer.json` into `out`.

    Args:
        folder: of a stage of leaven, or of a Hugging Face `CohereForCausalLM`.
        model: the study's shape.
        tokenizer: folder of the study's tokenizer.
        expected: fingerprint that the folder had when the study was planned.

    Raises:
        BadInput: another model, another shape, another tokenizer, files that are missing or damaged.
        LeavenError: the folder has changed since the study was planned.
    """
    check_shape(shape_of(folder), model, folder)
    _check_tokenizer(tokenizer_of(folder), tokenizer / TOKENIZER, folder)
    is_stage = (folder / STAGE).is_file()
    params = load_params(folder / "model.safetensors") if is_stage else import_folder(folder)[1]
    _check_params(params, model, folder)
    save_params(out / "model.safetensors", params)
    if expected and fingerprint(folder) != expected:
        raise LeavenError(f"{folder} has changed since the study was planned\n  Run again.")
    write_bytes(out / TOKENIZER, (tokenizer / TOKENIZER).read_bytes())
    about = {
        "model": asdict(model),
        "kind": "import",
        "steps": 0,
        "tokens": 0,
        "cursor": {},
        "ledger": {},
        "optimizer": None,
        "learning_rate": None,
        "versions": {"import": VERSION},
    }
    write_json(out / STAGE, about)


def _check_params(params: Params, model: ModelConfig, folder: Path) -> None:
    found = {name: (tuple(value.shape), str(value.dtype)) for name, value in flatten(params).items()}
    for name, shape in shapes(model).items():
        if found.pop(name, None) != (shape, "float32"):
            raise BadInput(f"the weights have no {name} of shape {shape} in float32", where=str(folder))
    if found:
        raise BadInput(f"the weights have {next(iter(found))}, which the model does not", where=str(folder))


def _check_tokenizer(theirs: Path | None, ours: Path, folder: Path) -> None:
    """Raises BadInput unless a token's number means the same to the weights and to the study."""
    if theirs is None:
        raise BadInput(
            "the weights come without their tokenizer, so nobody knows what their tokens mean",
            where=str(folder),
            fix=f"Put the {TOKENIZER} that they were trained with into the folder.",
        )
    other = difference(read_byte_level(theirs), read_byte_level(ours))
    if other:
        raise BadInput(
            f"the weights were trained with another tokenizer than the study's: {other}",
            where=str(folder),
            fix=f"Give the study theirs: corpus.tokenizer: {{path: {theirs}}}.",
        )
