"""Commands about trained models: `leaven export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leaven.options import AsJson, Runs, Seeds, Settings, Size, Sources
from leaven.sentences import print_json, waiting

if TYPE_CHECKING:
    from leaven.exchange import Exported


def export(
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="STUDY STEP FOLDER",
            help="a study, a stage of it as `leaven why` takes it, and the folder to make; "
            "or the folder of a stage's results and the folder to make",
        ),
    ],
    dtype: Annotated[str, typer.Option(help="type of the weights: float32 (exact) or bfloat16")] = "float32",
    tokenizer: Annotated[
        Path | None, typer.Option(help="tokenizer.json for a stage's folder that does not know its own")
    ] = None,
    set_: Settings = None,
    source: Sources = None,
    seeds: Seeds = None,
    size: Size = None,
    runs: Runs = Path("runs"),
    as_json: AsJson = False,
) -> None:
    """Write a trained stage as a Hugging Face folder: AutoModelForCausalLM.from_pretrained(FOLDER) loads it."""
    from leaven.exchange import export_stage, export_step
    from leaven.ground.errors import BadInput

    if len(words) == 2:
        made = export_stage(words[0], words[1], tokenizer=tokenizer, dtype=dtype)
    elif len(words) == 3:
        from leaven.lab import Study
        from leaven.study.load import load

        if tokenizer is not None:
            raise BadInput("a step of a study has the study's own tokenizer", field="--tokenizer")
        loaded = load(words[0], settings=set_ or (), sources=source or (), seeds=seeds, size=size)
        with waiting("looking at the files of this computer", quiet=as_json):
            made = export_step(Study(loaded, runs), words[1], words[2], dtype=dtype)
    else:
        raise BadInput(
            f"{len(words)} words, where two or three are needed",
            fix="Write leaven export STUDY STEP FOLDER, or leaven export STAGE_FOLDER FOLDER.",
        )
    if as_json:
        print_json(made.data())
    else:
        print("\n".join(_lines(made)))


def _lines(made: Exported) -> list[str]:
    data = made.data()
    loads = "AutoModelForCausalLM and AutoTokenizer" if data["tokenizer"] else "AutoModelForCausalLM (no tokenizer)"
    return [
        f"exported  {made.name} ({made.parameters:,} parameters, {made.dtype})",
        f"folder    {made.folder}: {', '.join(data['files'])}",
        f"load it   transformers: {loads}.from_pretrained({str(made.folder)!r})",
    ]
