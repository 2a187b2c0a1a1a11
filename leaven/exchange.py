"""Trained models as folders that other programs load: a stage of a study, or the folder of a stage by itself.

leaven.exchange.export_step(leaven.load("pocket"), "code→text/seed-1/cooldown", "model/")

Invariants: what is exported was checked against the hashes of its manifest where it has one; weights are read where
they are cut, so that memory does not grow with the model.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leaven.ground.errors import BadInput
from leaven.ground.files import read_json

if TYPE_CHECKING:
    from leaven.lab import Study


@dataclass(frozen=True)
class Exported:
    """What was written, and of what."""

    name: str
    folder: Path
    parameters: int
    dtype: str
    tokenizer: Path | None
    """The `tokenizer.json` that was copied."""

    def data(self) -> dict[str, Any]:
        return {
            "exported": self.name,
            "folder": str(self.folder),
            "parameters": self.parameters,
            "dtype": self.dtype,
            "tokenizer": self.tokenizer is not None,
            "files": sorted(path.name for path in self.folder.iterdir()),
        }


def export_step(study: Study, word: str, folder: str | Path, *, dtype: str = "float32") -> Exported:
    """Export a finished stage of a study, with the study's tokenizer, as a Hugging Face folder.

    Args:
        word: the step as `leaven why` takes it: `variant/seed-N/stage`, or the beginning of an identity.
        folder: must not exist, or be empty. `dtype`: `float32` or `bfloat16`.

    Raises:
        BadInput: no such step; not a stage; not finished; damaged; the folder is in the way.
    """
    graph = study.prepare().graph
    step = graph.find(word.removeprefix(f"{study.name}/"))
    if step.kind != "stage":
        raise BadInput(
            f"{step.name} is a {step.kind} step; only a stage has weights",
            field="STEP",
            fix=f"A stage of this study: {next(graph.of_kind('stage')).name}.",
        )
    if not study.store.has(step.identity):
        raise BadInput(
            f"{step.name} has not been run",
            field="STEP",
            fix=f"Run it first: leaven run {study.loaded.path or study.name}, same options.",
        )
    needed = [step.identity, step.inputs["tokenizer"]]
    study.store.verify(needed)
    stage, tokenizer = map(study.store.folder, needed)
    return _export(step.name, stage, tokenizer / "tokenizer.json", Path(folder), dtype)


def export_stage(
    stage: str | Path, folder: str | Path, *, tokenizer: str | Path | None = None, dtype: str = "float32"
) -> Exported:
    """Export the stage whose results are in the folder `stage`.

    Args:
        tokenizer: a `tokenizer.json` or the folder of one; by default the one in the stage's folder or, where the
            stage is a step of a store, the one of its tokenizer step. Without any, weights only.

    Raises:
        BadInput: a file is missing, damaged or no tokenizer; the folder is in the way.
    """
    stage = Path(stage)
    if not (stage / "stage.json").is_file():
        raise BadInput("this is no folder of a stage: it has no stage.json", where=str(stage))
    return _export(str(stage), stage, _tokenizer(stage, tokenizer), Path(folder), dtype)


def _tokenizer(stage: Path, given: str | Path | None) -> Path | None:
    if given is not None:
        path = Path(given)
        path = path / "tokenizer.json" if path.is_dir() else path
        if not path.is_file():
            raise BadInput("there is no such tokenizer", where=str(path))
        return path
    places = [stage / "tokenizer.json"]
    try:
        made_with = read_json(stage / "manifest.json")["inputs"]["tokenizer"]
        places.append(stage.resolve().parent / made_with / "tokenizer.json")
    except (OSError, ValueError, KeyError, TypeError):
        pass  # no step of a store
    return next((path for path in places if path.is_file()), None)


def _export(name: str, stage: Path, tokenizer: Path | None, folder: Path, dtype: str) -> Exported:
    from leaven.model.config import ModelConfig, count_parameters
    from leaven.model.huggingface import export_folder
    from leaven.model.tensors import mapped

    try:
        shape = read_json(stage / "stage.json")["model"]
        known = {entry.name for entry in fields(ModelConfig)}
        config = ModelConfig(**{field: value for field, value in shape.items() if field in known})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadInput(f"its model's shape cannot be read ({error})", where=str(stage / "stage.json")) from None
    with mapped(stage / "model.safetensors") as params:
        export_folder(params, config, tokenizer, folder, dtype=dtype, end=_end(tokenizer))
    return Exported(name, folder, count_parameters(config), dtype, tokenizer)


def _end(tokenizer: Path | None) -> str:
    """What the token at the end of a document is called."""
    from leaven.corpus.byte_level import ENDS

    if tokenizer is None:
        return ENDS[0]
    try:
        names = {token["content"] for token in read_json(tokenizer)["added_tokens"]}
    except (OSError, ValueError, KeyError, TypeError):
        raise BadInput("this is not a tokenizer", where=str(tokenizer)) from None
    return next((name for name in ENDS if name in names), ENDS[0])
