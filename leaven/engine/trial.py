"""Measure, on the device itself, whether many models in one program train faster than one after another.

It runs in a process of its own, because whoever has looked at an accelerator keeps it; and it is over before the first
stage that depends on it starts, because nothing else may use the device meanwhile.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from leaven.engine.devices import Device
from leaven.engine.nursery import die_with_parent
from leaven.engine.packing import Figure
from leaven.ground.errors import BadInput

PATIENCE = 900.0
"""Seconds until it is given up."""
SECONDS = 3.0
"""Of timed calls for each number of models."""

Rate = Callable[[int], float]
"""Number of models → tokens a second of all together. Raises BadInput where memory does not suffice."""


def compare(rate: Rate, most: int) -> tuple[float, dict[int, float]]:
    """Tokens a second of one model, and of `most` together and fewer by halves, until fewer are no faster."""
    alone, together = rate(1), dict[int, float]()
    size = most
    while size >= 2:
        try:
            together[size] = rate(size)
        except BadInput:  # they do not fit
            size //= 2
            continue
        if together[size] < max(together.values()):
            break
        size //= 2
    return alone, together


class Trial:
    """A measurement under way."""

    def __init__(self, program: Mapping[str, Any], most: int, device: Device, cache: Path, log: Path) -> None:
        self.program, self.most, self.device = dict(program), most, device
        self.began = time.monotonic()
        code = "import json, sys; sys.path[:] = json.loads(sys.argv[1]); import leaven.engine.trial as t; t.main()"
        order = {"program": self.program, "most": most, "cache": str(cache)}
        with log.open("ab") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-c", code, json.dumps(sys.path), json.dumps(order)],
                env={**os.environ, "JAX_PLATFORMS": device.setting},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=said,
                start_new_session=True,
            )

    def over(self) -> bool:
        """Whether it has ended; one that takes too long is ended."""
        if time.monotonic() - self.began > PATIENCE:
            self.process.kill()
            self.process.wait()
        return self.process.poll() is not None

    def figure(self) -> Figure | None:
        """What it found; None where it failed."""
        said, _ = self.process.communicate()
        try:
            alone, together = json.loads(said.splitlines()[-1])
            rates = {int(size): float(rate) for size, rate in together.items()}
            return Figure(self.device.kind, float(alone), rates, self.most)
        except (IndexError, ValueError, TypeError, AttributeError):
            return None

    def stop(self) -> None:
        """End it, whatever it is doing."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


def main() -> None:
    """The process: measure, and print one line of JSON."""
    die_with_parent()
    from leaven.model.config import ModelConfig
    from leaven.train.bench import measure
    from leaven.train.compile import use_cache
    from leaven.train.wanted import Wanted

    order = json.loads(sys.argv[2])
    program = order["program"]
    model = ModelConfig(**{**program["model"], "sequence": program["sequence"]})
    use_cache(Path(order["cache"]))

    def rate(models: int) -> float:
        asked = Wanted(model, program["batch"], program["precision"], models=models, seconds=SECONDS)
        return measure(asked).tokens_per_second

    print(json.dumps(compare(rate, order["most"])))
