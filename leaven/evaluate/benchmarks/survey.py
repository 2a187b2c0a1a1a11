"""What a suite's benchmarks would be built from, before anything is built: for the identity of a study's suite."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from leaven.evaluate.benchmarks.load import data_of, own_files
from leaven.evaluate.benchmarks.named import find_task
from leaven.evaluate.benchmarks.plan import Benchmark
from leaven.evaluate.data.places import Wanted, survey
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput
from leaven.ground.files import sha256_file


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
        found: list[str | None] = [sha256_file(file) for file in own_files(named, data.split)]
    else:
        known = str(named.metadata.get("data", named.name))
        splits = [data.split, *([data.shots] if data.shots and data.shots != data.split else [])]
        found = [survey(Wanted(known, data.dataset, data.config, split), places) for split in splits]
    if None in found:
        return None
    return identity([named.name, named.source, named.file, named.yaml.sha256, found])
