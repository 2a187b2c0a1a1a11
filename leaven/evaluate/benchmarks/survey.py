"""What a suite's benchmarks would be built from, before anything is built: for the identity of a study's suite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from leaven.evaluate.benchmarks.build import wanted
from leaven.evaluate.benchmarks.load import data_of, own_hashes
from leaven.evaluate.benchmarks.named import find_task
from leaven.evaluate.benchmarks.plan import Benchmark
from leaven.evaluate.data.places import survey
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput


def fingerprint(benchmark: Benchmark, places: Sequence[str], include: Sequence[Path] = ()) -> str | None:
    """The identity of a benchmark's task file, of what it includes, and of its data; None where its data is nowhere
    to be found.

    Raises BadInput where the task is unknown, or a place does not exist.
    """
    try:
        named = find_task(benchmark.asked, include)
    except BadInput as error:
        field = f"evaluate.tasks.{benchmark.name}" + (f".{error.field}" if error.field else "")
        raise BadInput(error.what, where=error.where, field=field, fix=error.fix) from None
    data = data_of(named)
    if data.dataset is None:
        found: list[str | None] = list(own_hashes(named))
    else:
        found = [survey(wanted(named, data, split, benchmark.name), places) for split in data.splits]
    if None in found:
        return None
    return identity([named.name, named.source, named.file, named.yaml.sha256, found])
