"""How programs are compiled and run: on one thread, and kept on disk, shared by processes that may be killed.

The library writes cache entries in place, so a process killed while writing would leave a torn entry that every later
one trips over. Here each process works in a folder of its own, made of links to the finished entries, and hands new
entries over by rename.
"""

from __future__ import annotations

import atexit
import os
import shutil
from pathlib import Path

import jax

SUFFIX = "-cache"


def use_one_core() -> None:
    """Compute with one thread, whatever the machine has. Call before jax is first used.

    How a sum is split over threads decides its last bits, so a stage trained with two threads ends in other bytes than
    with one (measured). With this, results follow from the plan alone; a tiny model is no slower for it.
    """
    os.environ["NPROC"] = "1"


def mean_float32() -> None:
    """Accelerators multiply float32 in fewer bits unless told otherwise; here float32 means float32."""
    jax.config.update("jax_default_matmul_precision", "highest")


def use_cache(folder: Path) -> None:
    """Compile through `folder` (created if missing). Call once, before anything is compiled."""
    own = folder / f".{os.getpid()}"
    folder.mkdir(parents=True, exist_ok=True)
    _sweep(folder)
    own.mkdir(exist_ok=True)
    for entry in sorted(folder.glob(f"*{SUFFIX}")):
        if not (own / entry.name).exists():
            os.link(entry, own / entry.name)
    for name, value in (
        ("jax_compilation_cache_dir", str(own)),
        ("jax_persistent_cache_min_compile_time_secs", 0.0),
        ("jax_persistent_cache_min_entry_size_bytes", -1),
        # These would enter the cache folder's name into every program's key.
        ("jax_persistent_cache_enable_xla_caches", "none"),
    ):
        jax.config.update(name, value)  # type: ignore[no-untyped-call]
    atexit.register(shutil.rmtree, own, ignore_errors=True)
    atexit.register(publish, folder)


def publish(folder: Path) -> None:
    """Hand what this process compiled so far to the others. Done at exit too."""
    for entry in sorted((folder / f".{os.getpid()}").glob(f"*{SUFFIX}")):
        if not (folder / entry.name).exists():
            part = entry.with_suffix(".part")
            os.link(entry, part)
            part.replace(folder / entry.name)


def _sweep(folder: Path) -> None:
    """Remove the working folders of processes that no longer live."""
    for own in folder.glob(".[0-9]*"):
        try:
            os.kill(int(own.name[1:]), 0)
        except ProcessLookupError:
            shutil.rmtree(own, ignore_errors=True)
        except PermissionError:
            continue
