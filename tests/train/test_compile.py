from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys, jax
from pathlib import Path
from leaven.train.compile import use_cache
events = []
jax.monitoring.register_event_listener(lambda name, **_: events.append(name))
use_cache(Path(sys.argv[1]))
jax.jit(lambda x: x * 2 + 1)(3.0).block_until_ready()
print(events.count("/jax/compilation_cache/cache_hits"))
"""


BITS = """
import hashlib, os, sys
os.sched_setaffinity(0, {int(core) for core in sys.argv[1].split(",")})
from leaven.train.compile import use_one_core
use_one_core()
import jax, numpy as np
from leaven.model.config import ModelConfig
from leaven.model.init import flatten, init
from leaven.model.loss import next_token_loss
config = ModelConfig(width=64, layers=1, heads=2, ffn=176, vocab=2048, sequence=32)
tokens = np.random.default_rng(0).integers(0, 2048, (64, 33)).astype(np.int32)
objective = lambda params: next_token_loss(params, config, tokens)[0]
gradients = flatten(jax.jit(jax.grad(objective))(init(config, 0)))
bits = b"".join(np.asarray(value).tobytes() for value in gradients.values())
print(hashlib.sha256(bits).hexdigest())
"""


def run(folder: Path) -> int:
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(folder)], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_a_second_process_finds_what_the_first_compiled_and_the_dead_leave_nothing(tmp_path: Path) -> None:
    # No process has the largest possible id: this folder is what a killed one left, with a torn entry.
    dead = tmp_path / ".4194304"
    dead.mkdir()
    (dead / "jit_torn-cache").write_bytes(b"half")
    assert run(tmp_path) == 0
    assert run(tmp_path) > 0
    assert [path.name for path in tmp_path.iterdir() if path.is_dir()] == []
    assert all(path.name.endswith("-cache") for path in tmp_path.iterdir())
    assert os.listdir(tmp_path)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be chosen on this system")
def test_results_do_not_depend_on_the_number_of_cores() -> None:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("only one core here")
    bits = {
        subprocess.run([sys.executable, "-c", BITS, chosen], capture_output=True, text=True, check=True).stdout
        for chosen in (str(cores[0]), ",".join(map(str, cores)))
    }
    assert len(bits) == 1
