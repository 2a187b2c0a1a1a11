"""Which noise a study is planned with: a pilot that is given, this store's own past, the suite's figures, or others'.

In this order, measure by measure: the nearer a pilot is to the study, the more it says of it. A measure of a finished
study counts where it reads the same tasks with the same statistic and effect, whatever it is called; of several, the
one of the nearest size (by ratio of parameters) counts, then the one of more seeds.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.analyze.measures import STATISTICS
from leaven.analyze.noise_published import published_noise
from leaven.analyze.pilot import Noise, pooled, read_noise
from leaven.engine.store import Store
from leaven.ground.errors import BadInput, LeavenError, did_you_mean
from leaven.model.config import ModelConfig, count_parameters
from leaven.study.suites import Measure

NOISE = "noise.csv"
Finder = Callable[[str, Measure, str, int], Noise | None]
"""(name of a measure, the measure, name of a size, its parameters) → the noise it is planned with."""


def unit_of(measure: Measure) -> str:
    """In which a measure's effects are told, as the verdict tells them."""
    return "%" if measure.effect == "relative" else STATISTICS[measure.statistic].points[1]


def finder(store: Store, given: str | None = None) -> Finder:
    """Where noise is looked for.

    Args:
        store: whose finished studies count.
        given: a file of the form of `noise.csv`, or the name of a study that was finished in this store.

    Raises BadInput where what is given is neither, or holds no noise.
    """
    past = list(_past(store))
    pilot = _given(given, store, past) if given else None

    def find(name: str, measure: Measure, size: str, parameters: int) -> Noise | None:
        unit = unit_of(measure)
        if pilot is not None and (told := pilot(size).get(name)):
            if told.unit != unit:
                raise BadInput(
                    f"{name} is in {told.unit or 'no unit'} there and in {unit} in this study", field="--pilot"
                )
            return told
        if own := _nearest(past, measure, unit, parameters):
            return own
        if measure.pilot:
            fixed = measure.pilot
            return Noise(fixed.seed_sd, fixed.item_sd, fixed.clusters, unit, "the suite's pilot")
        return published_noise(measure.statistic, measure.effect, measure.tasks, parameters)

    return find


@dataclass(frozen=True)
class Past:
    """A measure of a finished study at one size."""

    study: str
    about: tuple[Any, ...]
    parameters: int
    seeds: int
    noise: Noise


def _about(measure: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(measure["tasks"]), measure["statistic"], measure["effect"]


def _nearest(past: list[Past], measure: Measure, unit: str, parameters: int) -> Noise | None:
    about = _about(measure.model_dump())
    fitting = [row for row in past if row.about == about and row.noise.unit == unit]
    if not fitting:
        return None
    return min(fitting, key=lambda row: (abs(math.log(row.parameters / parameters)), -row.seeds)).noise


def _past(store: Store) -> Iterator[Past]:
    """Every measure of every finished study of a store, in the order of the steps' identities."""
    for manifest in store.manifests():
        if manifest["kind"] != "verdict":
            continue
        rows, fields = _rows(store.folder(manifest["identity"]) / NOISE), manifest["fields"]
        sizes = _sizes(manifest, store)
        for size, parameters in sizes.items():
            words = f"{fields['study']} in this store{f' at {size}' if size else ''}"
            kept = [row for row in rows if len(sizes) == 1 or (row.get("size") or "") == size]
            found = pooled(kept, words)
            for measure in fields["measures"]:
                if measure["name"] in found:
                    seeds = max(int(row["seeds"] or 0) for row in kept if row["measure"] == measure["name"])
                    yield Past(fields["study"], _about(measure), parameters, seeds, found[measure["name"]])


def _rows(path: Path) -> list[dict[str, str]]:
    """A store's file is whole or not there; one of an older form has nothing to say."""
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError):
        return []
    return rows if rows and "paired_seed_sd" in rows[0] else []


def _sizes(manifest: Mapping[str, Any], store: Store) -> dict[str, int]:
    """Sizes of a finished study and their parameters; of one that does not say, by a model it evaluated."""
    told = manifest["fields"].get("sizes")
    if told:
        return {str(row["size"]): int(row["parameters"]) for row in told}
    for role, step_id in manifest["inputs"].items():
        if role.startswith("evaluate:"):
            try:
                stage = store.manifest(store.manifest(step_id)["inputs"]["stage"])
                return {"": count_parameters(ModelConfig(**stage["fields"]["model"]))}
            except (LeavenError, KeyError, TypeError):
                return {}
    return {}


def _given(given: str, store: Store, past: list[Past]) -> Callable[[str], Mapping[str, Noise]]:
    """What `--pilot` names, by size."""
    path = Path(given)
    if path.is_file():
        read_noise(path)  # told now, whatever size is asked for first
        return lambda size: read_noise(path, size)
    names = {row.study for row in past}
    if given not in names:
        raise BadInput(
            f'no file and no finished study "{given}"{did_you_mean(given, names)}',
            field="--pilot",
            fix=f"Give a noise.csv{f', or one of {chr(44).join(sorted(names))}' if names else ''}.",
        )
    found = {
        str(manifest["identity"]): manifest
        for manifest in store.manifests()
        if manifest["kind"] == "verdict" and manifest["fields"]["study"] == given
    }
    newest = max(found, key=lambda step_id: (found[step_id]["made"]["finished"], step_id))
    rows = _rows(store.folder(newest) / NOISE)
    return lambda size: pooled(rows, f"the study {given}", size)
