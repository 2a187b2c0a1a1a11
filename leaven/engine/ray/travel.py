"""Work and its items on the way to another machine, where the same store lies in another folder.

Every path below the store's root, as a path or as a string, travels as its place in the store; the machine it arrives
on puts its own root before it and sees to it that what the path names is there.
"""

from __future__ import annotations

import io
import os
import pickle
from pathlib import Path, PurePath
from typing import Any

from leaven.engine.store import Store


class _Packer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, store: Store) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self.store, self.root = store, str(store.root.resolve())
        self.lent: set[Path] = set()

    def persistent_id(self, thing: Any) -> tuple[bool, str] | None:
        if not isinstance(thing, str | PurePath):
            return None
        path = os.fspath(thing)
        if not path.startswith(self.root + os.sep):
            return None
        if Path(path).is_relative_to(self.root + os.sep + self.store.work.name):
            self.lent.add(Path(path))
        return isinstance(thing, str), os.path.relpath(path, self.root)


class _Unpacker(pickle.Unpickler):
    def __init__(self, data: bytes, store: Store) -> None:
        super().__init__(io.BytesIO(data))
        self.store = store

    def persistent_load(self, id: tuple[bool, str]) -> Any:
        was_text, relative = id
        path = self.store.root.resolve() / relative
        top, _, rest = relative.partition(os.sep)
        if top == self.store.steps.name:
            self.store.folder(rest.partition(os.sep)[0])
        elif top == self.store.work.name:
            self.store.borrow(path)
        return str(path) if was_text else path


def pack(thing: Any, store: Store) -> bytes:
    """`thing` for another machine; what it names among the unfinished work of this one is lent."""
    buffer = io.BytesIO()
    packer = _Packer(buffer, store)
    packer.dump(thing)
    for path in sorted(packer.lent):
        store.lend(path)
    return buffer.getvalue()


def unpack(data: bytes, store: Store) -> Any:
    """What `pack` was given, with the paths of this machine. Only for what this run has packed itself."""
    return _Unpacker(data, store).load()
