"""What was measured of training: rates, the operations they are worth by a printed formula, memory, compile time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from leaven.model.config import ModelConfig, count_parameters

FORMULA = "6 × (parameters − norms) + 6 × layers × width × sequence"
"""What `leaven.model.config.flops_per_token` computes, in words; nothing is counted for recomputation."""


@dataclass(frozen=True)
class Speed:
    """Of `models` models of one shape trained at once on `devices` devices.

    Rates are of all models on all devices together: `tokens_per_second` of the median call, `slowest` and `fastest` of
    those two. Seconds are of the wall; `trace_seconds` pass before the compiler, `compile_seconds` in it; `input_wait`
    is a share of the timed seconds. `mfu` is a share of `peak_flops`, the devices' published peak in bfloat16, None
    where that is not known. `program_bytes` is the compiler's account of the step on one device (None where it gives
    none), `peak_bytes` the largest memory so far of a device or, where devices do not tell, of this process: `peak_of`
    says which. `threads`: of the processor, None on other devices. `loss`: nats per token of the last step, None if not
    a number. `kernels`: functions of libraries that the program calls.
    """

    parameters: int
    vocabulary: int
    models: int
    batch: int
    sequence: int
    precision: str
    attention: str
    remat: str
    accumulate: int
    tile: int
    platform: str
    device: str
    devices: int
    model_parts: int
    threads: int | None
    calls: int
    steps: int
    seconds_per_step: float
    tokens_per_second: float
    slowest: float
    fastest: float
    flops_per_token: float
    flops_formula: str
    flops_numbers: str
    flops_per_second: float
    peak_flops: float | None
    mfu: float | None
    peak_bytes: int
    peak_of: str
    program_bytes: int | None
    trace_seconds: float
    compile_seconds: float
    input_wait: float
    loss: float | None
    kernels: tuple[str, ...]

    def data(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def numbers(model: ModelConfig) -> str:
    """`FORMULA` with the model's numbers put in."""
    norms = (model.layers + 1) * model.width
    weights = f"6 × ({count_parameters(model):,} − {norms:,})"
    return f"{weights} + 6 × {model.layers} × {model.width:,} × {model.sequence:,}"
