"""Which model a word means: a stage of leaven, a stage of a study, a Hugging Face folder, a name on the hub.

A stage, and a folder of the architecture that leaven trains, are asked on JAX; every other model on torch, through the
extra `hf`. Nothing is downloaded unless the caller says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from leaven.corpus.hub.snapshot import cache_folder
from leaven.ground.errors import BadInput

if TYPE_CHECKING:
    from leaven.evaluate.model import Model

Backend = Literal["auto", "jax", "torch"]
HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")


@dataclass(frozen=True)
class Found:
    """A model that was found, not yet loaded.

    Args:
        label: what people call it: the folder's or the step's name, the hub's name.
        load: reads the weights.
    """

    label: str
    load: Callable[[], Model]


def find_model(
    word: str,
    *,
    runs: Path = Path("runs"),
    store: str | None = None,
    backend: Backend = "auto",
    start: str | None = None,
    longest: int | None = None,
    download: bool = False,
) -> Found:
    """The model that `word` means.

    Args:
        word: the folder of a stage's results or of a Hugging Face model; `STUDY:STEP`, e.g.
            `pocket:code→text/seed-1/cooldown`; the hub's name of a model, e.g. `owner/name`.
        runs: the folder that results of studies go to.
        store: where their steps are kept: a folder or a URL; without one, `store` in `runs`.
        backend: `jax` and `torch` insist on one; `auto` takes JAX wherever it can.
        start: what stands before every context: `eot`, `none`, or `own` (what a Hugging Face tokenizer itself puts
            there); by default `eot` for leaven's models and `own` for others.
        longest: most tokens of an input, where that is to be less than the model's own.
        download: whether a name on the hub may be downloaded.

    Raises:
        BadInput: no such model, or one that cannot be judged as it is.
    """
    path = Path(word)
    if path.is_dir():
        if (path / "stage.json").is_file():
            return _stage(path, _name(path), backend, start, longest)
        if (path / "config.json").is_file():
            return _folder(path, backend, start, longest)
        raise BadInput(
            "this folder holds no model: neither stage.json (a stage of leaven) nor config.json (Hugging Face)",
            where=word,
        )
    study, colon, step = word.partition(":")
    if colon and step:
        return _step(study, step, runs, store, backend, start, longest)
    if HUB_NAME.fullmatch(word) and not path.exists():
        if not (download or (cache_folder() / f"models--{word.replace('/', '--')}").is_dir()):
            raise BadInput(
                f"there is no folder {word} here, and no model of that name in the hub's cache",
                where=word,
                fix="Give the folder of a stage or of a Hugging Face model; or --download, if it is a name on the hub.",
            )
        return _hugging(word, word, backend, start, longest, download=download)
    raise BadInput(
        "there is no such model",
        where=word,
        fix="Give the folder of a stage or of a Hugging Face model, STUDY:STEP, or the hub's name of a model.",
    )


def _name(path: Path) -> str:
    name = path.resolve().name
    return name[:12] if re.fullmatch(r"[0-9a-f]{32,}", name) else name


def _stage(path: Path, label: str, backend: Backend, start: str | None, longest: int | None) -> Found:
    from leaven.train.warm_start import tokenizer_of

    if backend == "torch":
        raise BadInput(
            "a stage of leaven is asked on JAX",
            where=str(path),
            field="--backend",
            fix="Export it first: leaven export STAGE_FOLDER FOLDER, then give FOLDER.",
        )
    words = tokenizer_of(path)
    if words is None:
        raise BadInput(
            "the checkpoint has no tokenizer, so nobody knows what its tokens mean",
            where=str(path),
            fix="Put its tokenizer.json beside model.safetensors.",
        )
    started = _started(start, ("eot", "none"), "eot")

    def load() -> Model:
        from leaven.evaluate.native import Native
        from leaven.evaluate.subject import Subject

        return Native(Subject.load(path, words.parent), start=started, longest=longest)  # type: ignore[arg-type]

    return Found(label, load)


def _step(
    study: str, step: str, runs: Path, store: str | None, backend: Backend, start: str | None, longest: int | None
) -> Found:
    from leaven.engine.stores import place
    from leaven.lab import Study
    from leaven.study.load import load

    lab = Study(load(study), runs, store=place(store, runs))
    found = lab.prepare().graph.find(step)
    if found.kind != "stage":
        raise BadInput(f"{found.name} is a {found.kind} step; only a stage has weights", field=step)
    if not lab.store.has(found.identity):
        raise BadInput(f"{found.name} has not been run", field=step, fix=f"Run it first: leaven run {study}")
    lab.store.verify([found.identity, found.inputs["tokenizer"]])
    label = f"{lab.name}:{found.name}"
    return _stage(lab.store.folder(found.identity), label, backend, start, longest)


def _folder(path: Path, backend: Backend, start: str | None, longest: int | None) -> Found:
    """A Hugging Face folder: on JAX where it is of leaven's architecture and its tokenizer is one leaven reads."""
    from leaven.train.warm_start import shape_of

    if backend != "torch":
        from leaven.corpus.byte_level import read_byte_level

        try:
            shape_of(path)
            if not (path / "tokenizer.json").is_file():
                raise BadInput("it has no tokenizer.json", where=str(path))
            read_byte_level(path / "tokenizer.json")
        except BadInput:
            if backend == "jax":
                raise
        else:
            return _imported(path, start, longest)
    return _hugging(str(path), _name(path), backend, start, longest, download=False)


def _imported(path: Path, start: str | None, longest: int | None) -> Found:
    started = _started(start, ("eot", "none"), "eot")

    def load() -> Model:
        from leaven.evaluate.native import Native
        from leaven.evaluate.subject import Subject

        return Native(Subject.imported(path), start=started, longest=longest)  # type: ignore[arg-type]

    return Found(_name(path), load)


def _hugging(
    name: str, label: str, backend: Backend, start: str | None, longest: int | None, *, download: bool
) -> Found:
    if backend == "jax":
        raise BadInput("a model on the hub is asked on torch; give a folder for JAX", where=name, field="--backend")
    started = _started(start, ("own", "eot", "none"), "own")

    def load() -> Model:
        from leaven.evaluate.hugging import Hugging

        return Hugging.load(name, start=started, longest=longest, download=download)  # type: ignore[arg-type]

    return Found(label, load)


def _started(given: str | None, known: tuple[str, ...], default: str) -> str:
    if given is not None and given not in known:
        raise BadInput(f'"{given}" cannot stand before contexts of this model', field="--start", fix=", ".join(known))
    return given or default
