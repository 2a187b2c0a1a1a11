"""How a stage is computed on the devices that are here: the mesh, the kernels, what is recomputed.

None of it is part of a stage's identity. On the CPU a stage has one device, so that its bytes do not depend on the
machine; on accelerators it takes all of them, over every process that joined.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from leaven.model.execution import Execution
from leaven.model.loss import tile_of
from leaven.train.compile import mean_float32
from leaven.train.memory import choose
from leaven.train.mesh import make_mesh
from leaven.train.plan import StagePlan
from leaven.train.together import first_says

KERNELS = {"gpu": "cudnn", "tpu": "splash", "cpu": "blocked"}
"""Attention by platform."""


def here(plan: StagePlan, model_parts: int = 1, **fixed: Any) -> Execution:
    """`Execution` of a plan on `jax.devices()`. Raises BadInput where its memory does not suffice.

    `fixed`: fields that are decided already (attention, remat, accumulate, tile); the others are chosen to fit them.
    """
    devices = _sharing(jax.devices(), plan.batch, model_parts)
    platform = devices[0].platform
    if platform == "cpu" and len(devices) == 1:
        return Execution(compute=plan.precision, **fixed)
    mean_float32()
    mesh = make_mesh(devices, model_parts) if len(devices) > 1 else None
    attention = fixed.pop("attention", kernel_of(platform, plan.precision))
    fitting = choose(
        plan.model,
        plan.batch,
        plan.sequence,
        data=len(devices) // model_parts,
        model=model_parts,
        # Of the other processes' devices nothing is known here, and all must choose alike.
        memory_bytes=first_says(memory_of(jax.local_devices()[0])),
        platform=platform,
        compute=plan.precision,
        **fixed,
    )
    return Execution(
        attention=attention,
        compute=plan.precision,
        tile=fitting.tile,
        remat=fitting.remat,
        accumulate=fitting.accumulate,
        mesh=mesh,
    )


def side_by_side(plan: StagePlan, models: int) -> Execution:
    """`Execution` of `models` plans of one shape in one program, on the first device."""
    device = jax.devices()[0]
    if device.platform == "cpu":
        return Execution(compute=plan.precision)
    mean_float32()
    tile = tile_of(plan.batch * plan.sequence, plan.model.vocab * models, device.platform, memory_of(device))
    return Execution(compute=plan.precision, tile=tile)


def kernel_of(platform: str, precision: str) -> str:
    """Attention's kernel. cuDNN's computes in sixteen bits only, and Splash in float32 takes minutes to compile."""
    return KERNELS.get(platform, "blocked") if precision == "bfloat16" else "blocked"


def _sharing(devices: Sequence[jax.Device], batch: int, model_parts: int) -> Sequence[jax.Device]:
    """As many of the devices as a batch spreads over evenly; with several processes all of them, or none would wait."""
    if jax.process_count() > 1:
        return devices
    fitting = [n for n in range(model_parts, len(devices) + 1, model_parts) if batch % (n // model_parts) == 0]
    return devices[: max(fitting)] if fitting else devices


def memory_of(device: jax.Device) -> int:
    """Bytes that a device lets a program have; a CPU device its share of nothing in particular: 16 GiB."""
    stats = device.memory_stats() or {}
    return int(stats.get("bytes_limit", 16 * 2**30))
