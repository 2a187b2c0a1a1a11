"""What the commands about training print, as lines: the data comes from `train`, the words are here."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from leaven.ground.progress import Progress, Row, silent

if TYPE_CHECKING:
    from leaven.train.speed import Speed


@contextlib.contextmanager
def told(*, quiet: bool = False) -> Iterator[Progress]:
    """Progress as one moving line on standard error, where that is a terminal; nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield silent
        return
    from rich.console import Console

    with Console(stderr=True).status("looking at the devices") as status:

        def tell(done: float, total: float, note: str = "", measured: Row | None = None) -> None:
            of = f" of {total:.0f}" if total else ""
            status.update(f"{note}{f', {done:.0f}{of} calls done' if done else ''} (since {time.strftime('%H:%M:%S')})")

        yield tell


def bench_lines(size: str, speed: Speed, note: str = "") -> list[str]:
    """One measurement."""
    many = f"{speed.models} models at once, each of " if speed.models > 1 else ""
    spread = f"{speed.devices} × " if speed.devices > 1 else ""
    threads = f", {_count(speed.threads, 'thread')}" if speed.threads else ""
    per_call = f"{_count(speed.calls, 'call')}, {_count(speed.steps, 'step')}"
    program = f"; the program takes {_bytes(speed.program_bytes)} by its compiler" if speed.program_bytes else ""
    whose = {"device": "of the fullest device", "process": "of this whole process, compiler and all"}[speed.peak_of]
    parts = f", {speed.model_parts} along the model axis" if speed.model_parts > 1 else ""
    lines = [
        f"size      {size}: {many}{speed.parameters:,} parameters, vocabulary {speed.vocabulary:,}",
        f"step      {many}{_count(speed.batch, 'sequence')} of {speed.sequence:,} = "
        f"{speed.batch * speed.sequence * speed.models:,} tokens",
        f"device    {spread}{speed.device}{threads}",
        f"executed  {speed.precision}, attention {speed.attention}, remat {speed.remat}, "
        f"{_count(speed.accumulate, 'micro-batch')}, loss tiles of {speed.tile:,} tokens{parts}",
        f"speed     {_rate(speed.tokens_per_second)} tokens/s (slowest {_rate(speed.slowest)}, fastest "
        f"{_rate(speed.fastest)}; {per_call}), {_seconds(speed.seconds_per_step)} a step",
        f"FLOPs     {speed.flops_formula}, a token; recomputation not counted",
        f"          {speed.flops_numbers} = {speed.flops_per_token:,.0f}",
        f"          {_flops(speed.flops_per_second)}",
        f"MFU       {_mfu(speed)}",
        f"memory    {_bytes(speed.peak_bytes)} at most {whose}{program}",
        f"compile   {_seconds(speed.compile_seconds)}, after {_seconds(speed.trace_seconds)} of tracing; in no rate",
        f"input     waited for {speed.input_wait:.2%} of the time",
    ]
    if speed.loss is None:
        lines.append("note      the loss is not a number: rates on such weights may be flattering")
    return [*lines, f"note      {note}"] if note else lines


def _mfu(speed: Speed) -> str:
    if speed.mfu is None or speed.peak_flops is None:
        return f'unknown: no published peak of a "{speed.device}" is on record'
    return f"{speed.mfu:.1%} of {_flops(speed.peak_flops)}, the published peak in bfloat16"


def _count(number: int, word: str) -> str:
    ending = "es" if word.endswith("ch") else "s"
    return f"{number:,} {word}{'' if number == 1 else ending}"


def _rate(value: float) -> str:
    return f"{value:,.0f}"


def _flops(value: float) -> str:
    for power, letter in ((15, "P"), (12, "T"), (9, "G"), (6, "M")):
        if value >= 10**power:
            return f"{value / 10**power:.3g} {letter}FLOP/s"
    return f"{value:.3g} FLOP/s"


def _bytes(value: int) -> str:
    for power, unit in ((9, "GB"), (6, "MB")):
        if value >= 10**power:
            return f"{value / 10**power:.3g} {unit}"
    return f"{value:,} bytes"


def _seconds(value: float) -> str:
    return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.3g} ms"
