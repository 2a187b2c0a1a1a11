"""Several processes, on one machine or many, training one stage together.

Each sees its own devices, computes the order of every batch and reads only its own rows; the mesh spans them all. They
share a file system: checkpoints are written by all of them, results by the first.
"""

from __future__ import annotations

import os

import jax

from leaven.ground.errors import LeavenError


def join(coordinator: str | None = None, processes: int | None = None, process: int | None = None) -> None:
    """Join the other processes. Call before anything else of JAX is used, in every process alike.

    Args:
        coordinator: HOST:PORT of the first process; with all three left out, what the cluster (Slurm, a TPU pod) says.

    Raises:
        LeavenError: the others were not found.
    """
    if os.environ.get("JAX_PLATFORMS", "") == "cpu":
        # Processes of CPU devices have no network of their own: gloo is what jaxlib brings for them.
        jax.config.update("jax_cpu_collectives_implementation", "gloo")
    # Told where to meet, a process has all devices of its machine; Slurm's word would leave it one for each task.
    found = None if coordinator is None else "deactivate"
    try:
        jax.distributed.initialize(coordinator, processes, process, cluster_detection_method=found)
    except (RuntimeError, ValueError) as error:
        raise LeavenError(f"process {process} of {processes} cannot join {coordinator}: {error}") from error


def part() -> None:
    """Leave when all others leave, however long one of them still writes. Raises LeavenError where one is gone."""
    try:
        jax.distributed.shutdown()
    except RuntimeError as error:
        raise LeavenError(f"a process that trained with this one was lost: {error}") from error
