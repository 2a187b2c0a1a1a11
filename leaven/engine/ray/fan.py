"""Parts of one step over a Ray cluster: the step's own process does parts, and so does every free core elsewhere.

The step's process claims parts from the end of the list and the cluster's tasks from its beginning, so that they meet
and nobody waits for a machine that is busy: tasks that have not begun when nothing is left are withdrawn. A part is
claimed once, by a machine that has this code and sees this store; what a lost one had claimed is done here in the end.
Which machine did what shows in no byte.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any

from leaven.corpus import parts
from leaven.engine.nursery import ONE_THREAD, SAME_RESULTS
from leaven.engine.ray.connect import nowhere
from leaven.engine.ray.node import store_probe
from leaven.engine.ray.travel import pack, unpack
from leaven.engine.sameness import differences, fingerprint, machine
from leaven.engine.store import Store
from leaven.engine.stores import opened

IN_FLIGHT = 256
"""Tasks submitted and not heard of at most: each holds its item."""
WAIT = 0.5
"""Seconds between two looks, when there is nothing left to do here."""


class Claims:
    """Who does which part; lives as a Ray actor while a step fans out."""

    def __init__(self) -> None:
        self.of: dict[int, str] = {}

    def take(self, number: int, who: str) -> bool:
        return self.of.setdefault(number, who) == who


class RayFan:
    """`leaven.corpus.parts.fan` of a step's process on a node of the cluster at `address`. `options`: of Ray's tasks,
    which keep them from machines that were left out."""

    def __init__(
        self, address: str, store: Store, where: Mapping[str, Any], options: Mapping[str, Any] = MappingProxyType({})
    ) -> None:
        self.address, self.store, self.where, self.options = address, store, dict(where), dict(options)

    def __call__(
        self, work: Callable[[Any, Path], None], todo: Sequence[tuple[Any, Path]], told: Callable[[int], None]
    ) -> None:
        import ray

        if not ray.is_initialized():
            with nowhere():
                ray.init(address=self.address, log_to_driver=False, logging_level="ERROR")
        # Where this process is: a machine that goes away takes no claims of steps elsewhere along.
        strategies, node = ray.util.scheduling_strategies, ray.get_runtime_context().get_node_id()
        mine = strategies.NodeAffinitySchedulingStrategy(node, soft=False)
        claims = ray.remote(num_cpus=0, scheduling_strategy=mine)(Claims).remote()
        task = ray.remote(num_cpus=1, max_retries=0, **self.options)(_elsewhere)
        ours = {"code": fingerprint(), "seen": seen(self.where)}
        waiting: dict[Any, int] = {}
        away: set[int] = set()  # claimed there; tasks of others may wait for cores that steps like this one hold
        next_away, next_here, here = 0, len(todo) - 1, f"here {os.getpid()}"
        try:
            while True:
                while next_away <= next_here and len(waiting) < IN_FLIGHT:
                    item, part = todo[next_away]
                    given = pack((work, item, part), self.store)
                    waiting[task.remote(claims, next_away, given, self.where, ours)] = next_away
                    next_away += 1
                done, _ = ray.wait(list(waiting), num_returns=len(waiting), timeout=0) if waiting else ([], [])
                self._take(done, waiting, todo)
                if next_here < 0:
                    break
                if ray.get(claims.take.remote(next_here, here)):
                    parts.do_part(work, *todo[next_here])
                else:
                    away.add(next_here)
                told(sum(part.is_dir() for _, part in todo))
                next_here -= 1
            while left := [ref for ref, number in waiting.items() if number in away]:
                done, _ = ray.wait(left, num_returns=1, timeout=WAIT)
                self._take(done, waiting, todo)
                told(sum(part.is_dir() for _, part in todo))
        finally:
            for ref in waiting:
                ray.cancel(ref, force=True)
            ray.kill(claims)
        for item, part in todo:
            if not part.is_dir():  # claimed by a machine that was lost
                parts.do_part(work, item, part)
        told(len(todo))

    def _take(self, done: Sequence[Any], waiting: dict[Any, int], todo: Sequence[tuple[Any, Path]]) -> None:
        import ray

        for ref in done:
            part = todo[waiting.pop(ref)][1]
            try:
                end = ray.get(ref)
            except (
                ray.exceptions.RayError
            ):  # a machine that was lost or has no leaven; what fails in a part is returned
                continue
            if isinstance(end, Exception):
                raise end
            if end:
                self.store.borrow(part)


def _elsewhere(
    claims: Any, number: int, given: bytes, where: Mapping[str, Any], ours: Mapping[str, Any]
) -> bool | Exception:
    """One part on some node: whether it was ours to do, or why it failed. `ours`: the code that may do it, and what is
    seen of the store."""
    if differences(ours["code"], fingerprint()) or ours["seen"] != seen(where):
        return False
    import ray

    context = ray.get_runtime_context()
    if not ray.get(claims.take.remote(number, context.get_task_id())):
        return False
    try:
        pool().submit(_do, given, dict(where)).result()
    except Exception as error:
        return error
    return True


def seen(where: Mapping[str, Any]) -> str:
    """What the driver wrote into a store on a shared path, for those who see it; nothing of a store elsewhere."""
    if "url" in where:
        return "elsewhere"
    try:
        return store_probe(Path(where["root"])).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return f"not seen by {machine()}"


_POOL: list[ProcessPoolExecutor] = []


def pool() -> ProcessPoolExecutor:
    """A process with the environment that steps have, kept by this process of Ray for the parts to come."""
    if not _POOL:
        # Python must not import a random.py of the folder that the cluster was started from.
        os.environ |= {**ONE_THREAD, **SAME_RESULTS, "PYTHONSAFEPATH": "1"}
        cores, context = sorted(os.sched_getaffinity(0)), parts.context_of_parts()
        _POOL.append(ProcessPoolExecutor(1, mp_context=context, initializer=parts.begin, initargs=(cores,)))
    return _POOL[0]


def _do(given: bytes, where: Mapping[str, Any]) -> None:
    store = opened(where)
    work, item, part = unpack(given, store)
    if not part.is_dir():
        part.parent.mkdir(parents=True, exist_ok=True)
        parts.do_part(work, item, part)
    store.lend(part)
