"""Which devices a process computes on, and with how many threads: said before JAX is first used."""

from __future__ import annotations

import contextlib
import os

import jax

from leaven.ground.errors import BadInput
from leaven.train.compile import use_one_core

DEVICES = ("auto", "cpu", "gpu", "tpu")
INSTALL = {
    "gpu": "pip install 'jax[cuda13]', or 'jax[cuda12]' for an older driver; leaven doctor says what is found.",
    "tpu": "On a machine with a TPU: pip install 'jax[tpu]'; leaven doctor says what is found.",
}


def use(device: str = "auto", threads: int | None = None) -> None:
    """Compute on a kind of device (`auto`: the best that JAX finds) and with so many threads of the processor.

    Raises BadInput for a kind that is not there.
    """
    if device not in DEVICES:
        raise BadInput(f'"{device}" is not one of {", ".join(DEVICES)}', field="--device")
    if threads == 1:
        use_one_core()
    elif threads is not None:
        os.environ["NPROC"] = str(threads)
    if device == "cpu":
        jax.config.update("jax_platforms", "cpu")  # type: ignore[no-untyped-call]
    try:
        found = jax.devices()[0].platform
    except RuntimeError as error:
        raise BadInput(f"JAX finds no device: {error}", field="--device", fix="Unset JAX_PLATFORMS.") from None
    if device not in ("auto", found):
        raise BadInput(f"JAX finds no {device} here, only a {found}", field="--device", fix=INSTALL.get(device, ""))


MOST_SHARES = 8
"""Devices that the processor is shared into at most: each computes rows of its own, and a batch has only so many."""


def share_cores() -> None:
    """Let JAX see each core of the processor as a device, up to `MOST_SHARES`, for work that is spread over rows: two
    devices with a thread each are a fifth faster than one with two (measured). Where JAX was used before, its devices
    are what they are.
    """
    cores = len(os.sched_getaffinity(0))
    with contextlib.suppress(RuntimeError):
        jax.config.update("jax_num_cpu_devices", min(cores, MOST_SHARES))  # type: ignore[no-untyped-call]
