"""Putting a proxy block into a study: its parts take the place of the study's, before the study is checked.

Corpus, suite, judge, seeds and places of data are replaced as a whole, mixtures and variants by name, `model` and
`training` field by field. A study that judges nothing judges nothing at any size. What was put in is blamed on the file
that the block stands in.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from leaven.ground.errors import BadInput
from leaven.study.document import Document, Keys, Where
from leaven.study.mistakes import tell
from leaven.study.proxy import Proxy

WHOLE = ("corpus", "evaluate", "data", "judge", "seeds")
NAMED = ("mixtures", "variants")
FIELDS = ("model", "training")


@dataclass(frozen=True)
class Laid:
    """What a block put into a study.

    Attributes:
        document, at: the file that the block stands in, and where in it.
        home: the folder that its relative paths start from.
        keys: what it put there, as key paths that are the same in the study and in the block.
    """

    document: Document
    at: Keys
    home: Path
    keys: list[Keys] = field(default_factory=list)

    def where(self, keys: Keys) -> str | None:
        """`pocket.yaml:12` of a key path of the study; None where the block put nothing there."""
        for put in self.keys:
            if keys[: len(put)] == put:
                return self.document.where((*self.at, *keys))
        return None


def lay(content: dict[str, Any], laid: Laid, where: Where, given: Collection[str] = ()) -> Proxy:
    """Put the study's proxy block into it, and return what it says of budgets. Raises BadInput.

    `given`: fields that the command line has replaced as a whole; they stay.
    """
    block = content["proxy"]
    try:
        proxy = Proxy.model_validate(block)
    except ValidationError as error:
        told = [tell({**e, "loc": ("proxy", *e["loc"])}, where) for e in error.errors()]
        raise BadInput("\n".join(dict.fromkeys(told))) from None
    judged = content.get("judge")
    silent = not judged or (isinstance(judged, dict) and judged.get("kind") == "none")
    for name in WHOLE:
        if block.get(name) is not None and name not in given and not (name == "judge" and silent):
            content[name] = block[name]
            laid.keys.append((name,))
    for name in NAMED:
        if block.get(name):
            held = content.get(name)
            content[name] = {**(held if isinstance(held, dict) else {}), **block[name]}
            laid.keys.extend((name, each) for each in block[name])
    for name in FIELDS:
        if block.get(name):
            held = content.get(name)
            held = {"size": held} if name == "model" and isinstance(held, str) else held
            content[name] = _merged(held if isinstance(held, dict) else {}, block[name], (name,), laid.keys)
    if "seeds" in block:
        content["sizes"] = without_seeds(content.get("sizes"))
    return proxy


def without_seeds(sizes: Any) -> Any:
    """Further sizes that have the study's seeds, because these were given anew."""
    if not isinstance(sizes, dict):
        return sizes if sizes is not None else {}
    return {
        name: {key: value for key, value in size.items() if key != "seeds"} if isinstance(size, dict) else size
        for name, size in sizes.items()
    }


def _merged(held: Mapping[str, Any], given: Mapping[str, Any], at: Keys, keys: list[Keys]) -> dict[str, Any]:
    found = dict(held)
    for name, value in given.items():
        here = (*at, name)
        if isinstance(value, dict) and isinstance(found.get(name), dict):
            found[name] = _merged(found[name], value, here, keys)
        else:
            found[name] = value
            keys.append(here)
    return found
