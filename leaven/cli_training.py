"""Commands about training and trained models: `leaven bench`, `leaven export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from leaven.ground.errors import BadInput
from leaven.options import AsJson, Compile, Runs, Seeds, Settings, Size, Sources, StorePlace
from leaven.sentences import print_json, waiting

if TYPE_CHECKING:
    from leaven.exchange import Exported


def bench(
    size: Annotated[str, typer.Argument(metavar="SIZE", help="a model size, e.g. 7m, 470m")] = "1m",
    batch: Annotated[
        int | None, typer.Option(help="sequences of a step (default: the size's, or as many as take seconds)")
    ] = None,
    sequence: Annotated[int | None, typer.Option(help="tokens of a sequence (default: the size's)")] = None,
    vocabulary: Annotated[int | None, typer.Option(help="tokens there are (default: the size's)")] = None,
    precision: Annotated[str | None, typer.Option(help="float32 or bfloat16 (default: the size's)")] = None,
    models: Annotated[int, typer.Option(help="models trained at once in one program")] = 1,
    model_axis: Annotated[int, typer.Option(help="devices that share each sequence: the mesh's model axis")] = 1,
    calls: Annotated[int | None, typer.Option(help="timed calls (default: as many as take ten seconds)")] = None,
    attention: Annotated[
        str | None, typer.Option(help="cudnn, splash, blocked, reference (default: by device)")
    ] = None,
    remat: Annotated[
        str | None, typer.Option(help="none, projections, block: what is recomputed (default: by memory)")
    ] = None,
    accumulate: Annotated[int | None, typer.Option(help="micro-batches of a step (default: by memory)")] = None,
    tile: Annotated[int | None, typer.Option(help="tokens of a tile of the loss (default: by memory)")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, gpu, tpu")] = "auto",
    threads: Annotated[
        int | None, typer.Option(min=1, help="of the processor (default: all; a study's stages use 1)")
    ] = None,
    compile_: Compile = None,
    as_json: AsJson = False,
) -> None:
    """Train a size on random tokens and say how fast, with its FLOPs, memory, compile time and wait for input.

    With --compile, nothing is trained: the size's step is compiled for TPUs that are not here.
    """
    if compile_ is not None:
        _refuse_measuring(attention, remat, accumulate, tile, calls, threads, models if models != 1 else None)
        _compile(size, compile_, batch, sequence, vocabulary, precision, model_axis, as_json)
        return
    from leaven.sentences_training import bench_lines, told
    from leaven.train.bench import measure
    from leaven.train.devices import use
    from leaven.train.wanted import wanted

    use(device, threads)
    fixed = {"attention": attention, "remat": remat, "accumulate": accumulate, "tile": tile}
    with told(quiet=as_json) as progress:
        asked = wanted(
            size,
            batch=batch,
            sequence=sequence,
            vocabulary=vocabulary,
            precision=precision,
            models=models,
            model_parts=model_axis,
            fixed={name: value for name, value in fixed.items() if value is not None},
            calls=calls,
        )
        speed = measure(asked, progress)
    if as_json:
        print_json({"size": size, **speed.data(), "note": asked.note})
    else:
        print("\n".join(bench_lines(size, speed, asked.note)))


def _refuse_measuring(*given: object) -> None:
    """Raises BadInput where an option was given that only a measurement heeds."""
    names = ("--attention", "--remat", "--accumulate", "--tile", "--calls", "--threads", "--models")
    said = [name for name, value in zip(names, given, strict=True) if value is not None]
    if said:
        raise BadInput(
            f"would have no effect with --compile: {', '.join(said)}",
            fix="The compiler is asked for the way that a run would choose; leave them out.",
        )


def _compile(
    size: str,
    topology: str,
    batch: int | None,
    sequence: int | None,
    vocabulary: int | None,
    precision: str | None,
    model_parts: int,
    as_json: bool,
) -> None:
    """Print what the TPU compiler says of a size's step."""
    from leaven.engine.ahead import compile_size, lines

    with waiting(f"compiling {size} for {topology}", quiet=as_json):
        made = compile_size(size, topology, batch, sequence, vocabulary, precision, model_parts)
    if as_json:
        print_json(made.data())
    else:
        print("\n".join(lines(made)))


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
    store: StorePlace = None,
    as_json: AsJson = False,
) -> None:
    """Write a trained stage as a Hugging Face folder: AutoModelForCausalLM.from_pretrained(FOLDER) loads it."""
    from leaven.exchange import export_stage, export_step

    if len(words) == 2:
        made = export_stage(words[0], words[1], tokenizer=tokenizer, dtype=dtype)
    elif len(words) == 3:
        from leaven.engine.stores import place
        from leaven.lab import Study
        from leaven.model.config import parameters_of_sizes
        from leaven.study.load import load

        if tokenizer is not None:
            raise BadInput("a step of a study has the study's own tokenizer", field="--tokenizer")
        loaded = load(
            words[0],
            settings=set_ or (),
            sources=source or (),
            seeds=seeds,
            size=size,
            parameters=parameters_of_sizes,
        )
        with waiting("looking at the files of this computer", quiet=as_json):
            made = export_step(Study(loaded, runs, store=place(store, runs)), words[1], words[2], dtype=dtype)
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
    loads = "AutoModelForCausalLM and AutoTokenizer" if data["tokenizer"] else "AutoModelForCausalLM"
    words = "" if data["tokenizer"] else "; there was no tokenizer to go with it"
    return [
        f"exported  {made.name} ({made.parameters:,} parameters, {made.dtype})",
        f"folder    {made.folder}: {', '.join(data['files'])}",
        f"load it   transformers: {loads}.from_pretrained({str(made.folder)!r}){words}",
    ]
