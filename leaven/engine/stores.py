"""Which store a run, a command or a step's process means."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from leaven.engine.depot.address import address, how_to_install, is_url
from leaven.engine.store import Store
from leaven.ground.errors import BadInput


def opened(where: Mapping[str, Any]) -> Store:
    """The store that `Store.where` told of, in another process or on another machine; `cache`: where programs that
    this machine compiles are kept."""
    root = Path(where["root"])
    if "url" in where:
        from leaven.engine.depot.mirror import Mirror

        store: Store = Mirror(root, address(where["url"]), sends=True)
    else:
        store = Store(root)
    if "cache" in where:
        store.cache = Path(where["cache"])
    return store


def packages_of(where: Mapping[str, Any]) -> tuple[str, ...]:
    """What processes that open this store import besides leaven; a nursery does it once, before it forks."""
    if "url" not in where:
        return ()
    from leaven.engine.depot.mirror import PACKAGES

    return PACKAGES.get(address(where["url"]).protocol, ())


def place(store: str | None, runs: Path) -> Store:
    """The store that a command line means: RUNS/store, the folder that it names, or, for a URL, RUNS/store as this
    machine's copy of what is there. Nothing is asked over a network yet. Raises BadInput."""
    if not store:
        return Store(runs / "store")
    if not is_url(store):
        return Store(Path(store).expanduser(), "--store DIR")
    from leaven.engine.depot.mirror import Mirror

    return Mirror(runs / "store", address(store))


def require(store: Store) -> None:
    """Before anything is looked at: what the store needs is installed. Raises BadInput."""
    for package in store.packages():
        if find_spec(package) is None:
            found = address(store.where()["url"])
            raise BadInput(
                f"stores at {found.protocol}:// need a package that is not installed: {package}",
                field="--store",
                fix=how_to_install(found),
            )
