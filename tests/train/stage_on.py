"""A stage of the toy corpus on many devices, or in many processes: run by tests in processes of their own.

`python stage_on.py SETTINGS.json [PROCESS]`, where the settings say corpus, out, work, devices (of each process), model
(devices along the model axis), plan (fields of the stage), stop (calls of progress after which it is interrupted; 0:
never), how (fields of the execution) and, for many processes, processes and port.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path


class Interrupted(BaseException):
    """Not an error that anything could catch on the way."""


def main(settings: dict, process: int) -> None:
    count = settings["devices"]
    os.environ["XLA_FLAGS"] = f"--xla_force_host_platform_device_count={count}"
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax

    if settings.get("processes", 1) > 1:
        from leaven.train.hosts import join

        join(f"127.0.0.1:{settings['port']}", settings["processes"], process)
    from leaven.model.config import ModelConfig
    from leaven.model.execution import Execution
    from leaven.train.mesh import make_mesh
    from leaven.train.plan import StagePlan
    from leaven.train.stage import run_stage

    corpus = Path(settings["corpus"])
    fields = {**settings["plan"], "model": ModelConfig(**settings["plan"]["model"])}
    plan = StagePlan(
        **fields,
        shards={name: corpus / name for name in ("text", "code")},
        tokenizer=corpus / "tokenizer",
    )
    devices = jax.devices()
    mesh = make_mesh(devices, settings.get("model", 1)) if len(devices) > 1 else None
    how = Execution(mesh=mesh, **settings.get("how", {}))
    left = [settings.get("stop", 0)]

    def progress(done: float, total: float, note: str = "", measured: object = None) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise Interrupted

    out, work = Path(settings["out"]), Path(settings["work"])
    for folder in (out, work):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        run_stage(plan, out, work, progress, checkpoint_seconds=0.0, how=how)
    except Interrupted:
        print("interrupted")
    else:
        print(f"done on {len(devices)}")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()), int(sys.argv[2]) if len(sys.argv) > 2 else 0)
