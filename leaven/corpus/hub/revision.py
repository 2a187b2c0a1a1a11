"""Which commit a name of a revision stands for, settled once."""

from __future__ import annotations

from pathlib import Path

from leaven.corpus.hub import snapshot
from leaven.corpus.hub.address import checked, is_commit
from leaven.corpus.hub.client import endpoint, explained, is_transient, library
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.files import read_json, write_json

TIMEOUT = 30.0
"""Seconds for the hub to answer."""


def resolve(dataset: str, revision: str | None, *, offline: bool = False, record: Path | None = None) -> str:
    """The commit (40 hex digits) that `revision` stands for.

    Args:
        dataset: `owner/name`.
        revision: a commit, a branch, a tag; None is the data set's main branch.
        offline: ask only the local cache. `HF_HUB_OFFLINE` does the same.
        record: a JSON file in which the answer for a name that may move is kept: once settled, it stays.

    Raises:
        BadInput: no such data set or revision, no right to read it, or offline and not known here.
        LeavenError: the hub cannot be reached.
    """
    checked(dataset)
    if revision is not None and is_commit(revision):
        return revision
    key = f"{dataset}@{revision or 'main'}"
    known = _recorded(record)
    if is_commit(known.get(key)):
        return known[key]
    commit = _from_cache(dataset, revision) if offline or snapshot.is_offline() else _from_hub(dataset, revision)
    if record is not None:
        record.parent.mkdir(parents=True, exist_ok=True)
        write_json(record, known | {key: commit})
    return commit


def _from_cache(dataset: str, revision: str | None) -> str:
    if commit := snapshot.ref(dataset, revision or "main"):
        return commit
    here = snapshot.commits(dataset)
    fix = (
        f"Snapshots that are here: revision: {' or '.join(here[:3])}."
        if here
        else f"Where there is a network: hf download {dataset} --repo-type dataset."
    )
    raise BadInput(f"which commit of {dataset} {revision or 'main'} is cannot be told offline", fix=fix)


def _from_hub(dataset: str, revision: str | None) -> str:
    hub = library()
    try:
        found = hub.HfApi(endpoint=endpoint()).dataset_info(
            dataset, revision=revision or "main", expand=["sha"], timeout=TIMEOUT
        )
    except Exception as error:
        failure = explained(error, dataset, f"revision {revision or 'main'}")
        here = snapshot.ref(dataset, revision or "main") if is_transient(error) else None
        if here and not isinstance(failure, BadInput):
            raise LeavenError(f"{failure}\n  A snapshot of it that is here: revision: {here}") from None
        raise failure from None
    if not is_commit(found.sha):
        raise LeavenError(f"the hub did not say at which commit {dataset} is; give the commit as revision")
    return str(found.sha)


def _recorded(record: Path | None) -> dict[str, str]:
    try:
        known = read_json(record) if record is not None else {}
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
