"""Log-likelihoods of real benchmarks on two CPU threads: leaven's adapter beside lm-eval's own `hf` backend, in turns.

Usage (in .venv-peers): python benchmarks/evaluation/likelihood.py OUT.json [--sizes 1m 7m] [--items 300]
    [--tasks piqa arc_easy hellaswag boolq] [--sides leaven leaven-pool leaven-torch] [--rounds 5] [--batches 1 4 8 …]
    [--sequence 1024] [--data ../shared/benchdata] [--quiet 0.1] [--wait 0] [--tries 1]
    python benchmarks/evaluation/likelihood.py OUT.json --table

Sides: `leaven` is the JAX model, its rows spread over two devices of the CPU, a thread each; `leaven-pool` the same on
one device with the compiler's own pool of two threads; `leaven-torch` our Hugging Face model behind the same adapter;
`hf` lm-eval's backend. All have the same random weights, exported once, and answer the same lm-eval requests: what is
timed is one call of `loglikelihood` with all requests of a task, tokenization in it.

Every side is a process of its own on the same two cores that waits while another works. First each batch size of `hf`
is tried once on each task and the best is kept. Then, in each round, every side answers every task, odd rounds
backwards. A call waits up to `--wait` seconds for the other processes of the machine to use less than `--quiet` of a
core; where they used more meanwhile, it is made again, up to `--tries` times, and the quietest is kept: OpenMP's
threads wait for each other in loops, so that on a busy machine torch looks many times slower than it is. The first
call of a side on a task, with compilation in it, is told apart. It ends with an error where a log-likelihood of any
side differs from that of `hf` by more than 1e-3 nats.
Prerequisites: `make .venv-peers/.installed`; the benchmark files that `../shared/benchdata/INDEX.md` names.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "training"))

from cpu import THREADS, _busy, _pin, wait  # noqa: E402 (a sibling's folder)
from shapes import SHAPES, weights  # noqa: E402

FILES = {
    "piqa": "piqa/piqa.jsonl",
    "arc_easy": "arc_easy/arc_easy.jsonl",
    "hellaswag": "hellaswag/hellaswag_val.jsonl",
    "boolq": "boolq/boolq.jsonl",
}
SIDES = ("leaven", "leaven-pool", "leaven-torch")
THEIRS = "hf"
NEAR = 1e-3
"""Nats that two computations of a request may differ."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--sizes", nargs="+", default=["1m", "7m"], choices=SHAPES)
    parser.add_argument("--tasks", nargs="+", default=list(FILES), choices=FILES)
    parser.add_argument("--sides", nargs="+", default=list(SIDES), choices=SIDES)
    parser.add_argument("--items", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 4, 8, 16, 32, 64, 128])
    parser.add_argument("--sequence", type=int, default=1024)
    parser.add_argument("--data", type=Path, default=HERE.parents[1] / "../shared/benchdata")
    parser.add_argument("--quiet", type=float, default=0.1)
    parser.add_argument("--wait", type=float, default=0)
    parser.add_argument("--tries", type=int, default=1)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        return serve(args.serve, args.out)
    if not args.table:
        found: list[dict[str, Any]] = json.loads(args.out.read_text()) if args.out.exists() else []
        for size in args.sizes:
            found = [one for one in found if one["size"] != size]
            with tempfile.TemporaryDirectory() as folder:
                found.append(measure(size, Path(folder), args))
            args.out.write_text(json.dumps(found))
    print("\n\n".join(table(one) for one in json.loads(args.out.read_text())))


def measure(size: str, folder: Path, args: argparse.Namespace) -> dict[str, Any]:
    """All figures of one size. Ends the program where two sides answer differently."""
    requests = {task: read(args.data / FILES[task], args.items) for task in args.tasks}
    (folder / "requests.json").write_text(json.dumps(requests))
    export(size, args.sequence, requests, folder)
    with contextlib.ExitStack() as stack:
        sides = {name: stack.enter_context(worker(name, folder)) for name in [*args.sides, THEIRS]}
        tried: dict[str, dict[int, float]] = {task: {} for task in args.tasks}
        for task in args.tasks:
            for batch in args.batches:
                tried[task][batch] = call(sides[THEIRS], args, task=task, batch=batch)["seconds"]
        best = {task: min(tried[task], key=tried[task].__getitem__) for task in args.tasks}
        asked = {(name, task): {"task": task, "batch": best[task]} for name in sides for task in args.tasks}
        calls: dict[str, Any] = {name: {task: [] for task in args.tasks} for name in sides}
        expected = {task: call(sides[THEIRS], args, **asked[THEIRS, task])["nats"] for task in args.tasks}
        first: dict[str, dict[str, float]] = {name: {} for name in args.sides}
        apart: dict[str, dict[str, float]] = {name: {} for name in args.sides}
        for name in args.sides:
            for task in args.tasks:
                told = call(sides[name], args, **asked[name, task])
                first[name][task] = told["seconds"]
                apart[name][task] = max(abs(a - b) for a, b in zip(told["nats"], expected[task], strict=True))
                if not apart[name][task] <= NEAR:
                    sys.exit(f"{name} and {THEIRS} differ by {apart[name][task]} nats on {task} at {size}")
        for turn in range(args.rounds):
            for task in args.tasks:
                for name in list(sides) if turn % 2 == 0 else [*sides][::-1]:
                    told = call(sides[name], args, **asked[name, task])
                    calls[name][task].append({key: told[key] for key in ("seconds", "others")})
                    print(f"{size} round {turn} {task:10} {name:13} {told['seconds']:7.2f} s", flush=True)
    counts = {task: [len({item for item, _, _ in requests[task]}), len(requests[task])] for task in args.tasks}
    return {
        "size": size,
        "parameters": SHAPES[size].parameters,
        "vocab": SHAPES[size].vocab,
        "sequence": args.sequence,
        "counts": counts,
        "tried": tried,
        "best": best,
        "first": first,
        "apart": apart,
        "calls": calls,
    }


def read(path: Path, items: int) -> list[tuple[int, str, str]]:
    """(item, context, continuation) of the first items of a benchmark: cloze form, no template."""
    requests = []
    for item, line in enumerate(path.read_text(encoding="utf-8").split("\n")[:items]):
        if line:
            row = json.loads(line)
            # hellaswag goes on with the sentence; the others are questions
            context = row["query"] if "hellaswag" in path.name else row["query"].rstrip() + "\nAnswer:"
            requests += [(item, context.rstrip(), " " + choice) for choice in row["choices"]]
    return requests


def export(size: str, sequence: int, requests: Mapping[str, Sequence[Any]], folder: Path) -> None:
    """The model of a size, with a tokenizer made of the benchmarks' own text, as a Hugging Face folder."""
    from leaven.corpus.document import Document, write_documents
    from leaven.corpus.tokenizer import train_tokenizer
    from leaven.model.config import ModelConfig
    from leaven.model.huggingface import export_folder
    from leaven.model.init import nest

    shape = SHAPES[size]
    texts = ["".join(pair) for asked in requests.values() for _, *pair in asked]
    for side in ("train", "heldout"):
        (folder / side).mkdir()
        documents = [Document(str(n), text, "p", str(n)) for n, text in enumerate(texts)]
        write_documents(folder / side / "text.parquet", documents)
    (folder / "words").mkdir()
    train_tokenizer(folder, folder / "words", vocab=shape.vocab)
    config = ModelConfig(
        width=shape.width, layers=shape.layers, heads=shape.heads, ffn=shape.ffn, vocab=shape.vocab, sequence=sequence
    )
    export_folder(nest(weights(shape)), config, folder / "words" / "tokenizer.json", folder / "model")


@contextlib.contextmanager
def worker(side: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """The process of a side, loaded and waiting for tasks."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": str(THREADS),
        "NPROC": str(THREADS),
        "JAX_PLATFORMS": "cpu",
        "HF_HUB_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    command = [sys.executable, __file__, str(folder), "--serve", side]
    with (folder / f"{side}.log").open("w") as log:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            preexec_fn=_pin,
        )
        try:
            receive(process, folder / f"{side}.log")
            yield process
        finally:
            process.stdin.close()
            process.wait()


def receive(process: subprocess.Popen[str], log: Path | None = None) -> dict[str, Any]:
    line = process.stdout.readline()
    if not line:
        sys.exit(f"a side ended early:\n{log.read_text()[-3000:] if log else ''}")
    answer: dict[str, Any] = json.loads(line)
    return answer


def call(process: subprocess.Popen[str], args: argparse.Namespace, **asked: Any) -> dict[str, Any]:
    """The answer of a side to one task: seconds, nats, and `others`, the cores' worth of work of other processes
    meanwhile. The first that is quiet enough, or the quietest of all tries."""
    runs: list[dict[str, Any]] = []
    for _ in range(args.tries):
        wait(args.quiet, args.wait)
        busy = _busy()
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        told = receive(process)
        runs.append({**told, "others": max(0.0, _busy() - busy - told["worked"]) / told["seconds"]})
        if runs[-1]["others"] <= args.quiet:
            break
    return min(runs, key=lambda one: float(one["others"]))


def serve(side: str, folder: Path) -> None:
    """Answer tasks named on the standard input until it ends."""
    from lm_eval.api.instance import Instance

    asked = json.loads((folder / "requests.json").read_text())
    requests = {
        task: [
            Instance("loglikelihood", {}, (context, text), place, metadata=(task, item, 1))
            for place, (item, context, text) in enumerate(pairs)
        ]
        for task, pairs in asked.items()
    }
    answers = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        lm = load(side, folder / "model")
        print(json.dumps({"ready": side}), file=answers, flush=True)
        for line in sys.stdin:
            task = json.loads(line)
            if side == THEIRS:
                lm.batch_size_per_gpu = task["batch"]
            begin, worked = time.perf_counter(), time.process_time()
            found = lm.loglikelihood(requests[task["task"]])
            told = {"seconds": time.perf_counter() - begin, "worked": time.process_time() - worked}
            print(json.dumps({**told, "nats": [nats for nats, _ in found]}), file=answers, flush=True)


def load(side: str, folder: Path) -> Any:
    """A side's lm-eval model. Nothing stands before contexts, as `hf` has it."""
    if side in ("leaven", "leaven-pool"):
        import jax

        jax.config.update("jax_num_cpu_devices", THREADS if side == "leaven" else 1)
        from leaven.evaluate.adapter import Adapter
        from leaven.evaluate.native import Native
        from leaven.evaluate.subject import Subject

        return Adapter(Native(Subject.imported(folder), start="none"))
    import torch

    torch.set_num_threads(THREADS)
    if side == THEIRS:
        from lm_eval.models.huggingface import HFLM

        return HFLM(pretrained=str(folder), device="cpu", dtype="float32", batch_size=1)
    from leaven.evaluate.adapter import Adapter
    from leaven.evaluate.hugging import Hugging

    return Adapter(Hugging.load(folder, start="none", device="cpu"))


def table(one: Mapping[str, Any]) -> str:
    """A size's figures as Markdown; a ratio is of medians, then the least and greatest within a round."""
    head = (
        f"{one['size']}: {one['parameters']:,} parameters, vocabulary {one['vocab']:,}, inputs up to {one['sequence']}"
    )
    lines = [
        f"#### {head}",
        "",
        "| task | items | requests | hf, best batch | side | seconds | times as fast | first |",
    ]
    lines += ["|---|--:|--:|--:|---|--:|--:|--:|"]
    sides = [name for name in one["calls"] if name != THEIRS]
    for task, (items, requests) in one["counts"].items():
        theirs = seconds(one, THEIRS, task)
        for name in sides:
            mine = seconds(one, name, task)
            rounds = sorted(a / b for a, b in zip(theirs, mine, strict=True))
            lines.append(
                f"| {task} | {items} | {requests} | {statistics.median(theirs):.2f} s, {one['best'][task]} | {name} "
                f"| {statistics.median(mine):.2f} | {statistics.median(theirs) / statistics.median(mine):.2f} "
                f"({rounds[0]:.2f} … {rounds[-1]:.2f}) | {one['first'][name][task]:.1f} s |"
            )
    whole = {name: sum(statistics.median(seconds(one, name, task)) for task in one["counts"]) for name in one["calls"]}
    for name in sides:
        lines.append(
            f"| all | {sum(n for n, _ in one['counts'].values())} | {sum(n for _, n in one['counts'].values())} "
            f"| {whole[THEIRS]:.2f} s | {name} | {whole[name]:.2f} | {whole[THEIRS] / whole[name]:.2f} "
            f"| {sum(one['first'][name].values()):.1f} s |"
        )
    apart = max(value for side in one["apart"].values() for value in side.values())
    busiest = max(run["others"] for side in one["calls"].values() for runs in side.values() for run in runs)
    tried = "; ".join(
        f"{task} " + ", ".join(f"{batch}: {took:.2f}" for batch, took in one["tried"][task].items())
        for task in one["counts"]
    )
    lines += [
        "",
        f"Log-likelihoods differ by {apart:.1e} nats at most. Other processes used {busiest:.2f} cores at most.",
    ]
    return "\n".join([*lines, f"Seconds of hf by batch size: {tried}."])


def seconds(one: Mapping[str, Any], side: str, task: str) -> list[float]:
    return [run["seconds"] for run in one["calls"][side][task]]


if __name__ == "__main__":
    main()
