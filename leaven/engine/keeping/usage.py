"""Who uses how much of a store: steps with the studies that need them, and bytes by study, by kind and beside steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leaven.engine.keeping import shelf
from leaven.engine.keeping.records import Record, chosen, readable, records
from leaven.engine.keeping.shelf import Lying
from leaven.engine.store import Store
from leaven.ground.errors import BadInput, did_you_mean


@dataclass(frozen=True)
class Contents:
    """A store at one moment. `needed`: a record's label → every step that its study needs, there or not."""

    steps: Mapping[str, Lying]
    damaged: Mapping[str, str]
    records: Sequence[Record]
    needed: Mapping[str, frozenset[str]]
    unreadable: Sequence[str] = ()
    """Records that cannot be read, where they are and why: what they keep is unknown, and looks unused."""

    def studies_of(self, step_id: str) -> list[str]:
        """Names of the studies that need a step."""
        return list(dict.fromkeys(record.name for record in self.records if step_id in self.needed[record.label]))

    def needed_by(self, word: str) -> set[str]:
        """Steps that a study, or STUDY@SET, needs. Raises BadInput where it is not kept."""
        return set().union(*(self.needed[record.label] for record in chosen(self.records, word)))

    def kept(self) -> frozenset[str]:
        """Steps that some study needs."""
        return frozenset().union(*self.needed.values())


def contents(store: Store, *, looking: bool = False) -> Contents:
    """Look at the whole store. `looking`: nothing will be removed by what is found, so that a record that cannot be
    read is told and stops nothing.

    Raises BadInput where a record cannot be read, or where a URL names nothing.
    """
    steps, damaged = shelf.lying(store)
    known, broken = readable(store) if looking else (records(store), [])
    depot = shelf.depot_of(store)
    if depot and not (steps or damaged or known or broken or depot.was_used):
        raise BadInput(
            "there is no store, or nothing in it",
            where=depot.remote.place.url,
            field="--store",
            fix="Correct the URL; a store is made by the first run: leaven run STUDY --store URL.",
        )
    needed = {record.label: frozenset(shelf.closure(record.steps, steps)) for record in known}
    return Contents(steps, damaged, known, needed, [f"{error.where}: {error.what}" for error in broken])


SORTS = ("study", "kind", "age", "size")


def listed(
    found: Contents, *, study: str | None = None, kind: str | None = None, unused: bool = False, sort: str = "study"
) -> list[tuple[Lying, list[str]]]:
    """Steps with the names of the studies that need them.

    Args:
        study: only what this study (or STUDY@SET) needs.
        kind: only steps of this kind.
        unused: only what no study needs.
        sort: by `study`, `kind`, `age` (the oldest first) or `size` (the largest first).

    Raises:
        BadInput: no such study, kind or order.
    """
    if sort not in SORTS:
        raise BadInput(f'steps cannot be sorted by "{sort}"{did_you_mean(sort, SORTS)}', field="--sort")
    kinds = sorted({step.kind for step in found.steps.values()})
    if kind is not None and kind not in kinds:
        raise BadInput(f'no step of kind "{kind}" is in this store{did_you_mean(kind, kinds)}', field="--kind")
    among: set[str] | None = None
    if study is not None:
        among = found.needed_by(study)
    kept = found.kept()
    rows = [
        (step, found.studies_of(step_id))
        for step_id, step in found.steps.items()
        if (among is None or step_id in among)
        and (kind is None or step.kind == kind)
        and not (unused and step_id in kept)
    ]
    keys = {
        "study": lambda row: (row[1] or ["\U0010ffff"], row[0].kind, row[0].names[0], row[0].identity),
        "kind": lambda row: (row[0].kind, row[0].names[0], row[0].identity),
        "age": lambda row: (row[0].finished, row[0].identity),
        "size": lambda row: (-row[0].bytes, row[0].identity),
    }
    return sorted(rows, key=keys[sort])


def used(store: Store, found: Contents) -> dict[str, Any]:
    """Bytes of a store.

    Returns:
        {root, copy, here, steps: {steps, bytes}, studies: [{study, set, remembered, about, steps, there, bytes, own}],
         shared, unused: {steps, bytes}, kinds: [{kind, steps, bytes}], damaged, beside: {name: bytes}}. A study's `own`
        bytes are those that no other record needs; `shared` those that more than one does. Behind a URL, `copy` is this
        machine's folder, and `here` what of the steps it holds.
    """
    wanted = Counter(step_id for needed in found.needed.values() for step_id in needed)
    studies = []
    for record in found.records:
        there = [step_id for step_id in sorted(found.needed[record.label]) if step_id in found.steps]
        studies.append(
            {
                "study": record.name,
                "set": record.set,
                "remembered": record.remembered,
                "about": dict(record.about),
                "steps": len(record.steps),
                "there": len(there),
                "bytes": _bytes(found, there),
                "own": _bytes(found, [step_id for step_id in there if wanted[step_id] == 1]),
            }
        )
    kinds: dict[str, list[str]] = {}
    for step_id, step in found.steps.items():
        kinds.setdefault(step.kind, []).append(step_id)
    unused = [step_id for step_id in found.steps if not wanted[step_id]]
    beside = {name: store.root / name for name in shelf.BESIDE}
    depot = shelf.depot_of(store)
    return {
        "root": depot.remote.place.url if depot else str(store.root),
        "copy": str(store.root) if depot else "",
        "here": shelf.bytes_below(store.steps),
        "steps": {"steps": len(found.steps), "bytes": _bytes(found, list(found.steps))},
        "studies": studies,
        "shared": _bytes(found, [step_id for step_id in found.steps if wanted[step_id] > 1]),
        "unused": {"steps": len(unused), "bytes": _bytes(found, unused)},
        "kinds": [
            {"kind": kind, "steps": len(kinds[kind]), "bytes": _bytes(found, kinds[kind])} for kind in sorted(kinds)
        ],
        "damaged": len(found.damaged),
        "beside": {name: shelf.bytes_below(path) for name, path in beside.items()},
    }


def _bytes(found: Contents, step_ids: Sequence[str]) -> int:
    return sum(found.steps[step_id].bytes for step_id in step_ids)
