"""Which files of a data set are a configuration's split: by the card's `configs`, else by the names of the files.

The rules are those of the library `datasets` (5.2, `data_files.py`), so that a snapshot gives the rows that
`load_dataset` gives, but no script is run, nothing is cached, and a snapshot may hold one split only.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from leaven.evaluate.data.read import form_of
from leaven.evaluate.data.table import Row
from leaven.ground.errors import BadInput

CARD = "README.md"
_ABOUT = {"config.json", "dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json"}
_KEYWORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
_SEP = r"[-._ 0-9]"
_SHARD = re.compile(r"data/([^/]*)-\d{5}-of-\d{5}[^/]*\.[^/]*")


class NotHere(Exception):
    """A data set is there, but what is asked of it is not.

    Args:
        reason: one sentence.
        fix: what to do about it.
    """

    def __init__(self, reason: str, fix: str) -> None:
        self.reason, self.fix = reason, fix
        super().__init__(reason)


@dataclass(frozen=True)
class Card:
    """What a README says of the data.

    Args:
        configs: configuration → split → patterns of paths; a configuration without splits goes by names of files.
        folders: configuration → the folder its paths are below.
        default: the configuration taken where none is named.
        names: (configuration, column) → the names of its classes.
        licence: as the card states it.
    """

    configs: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)
    folders: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None
    names: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    licence: str | None = None


def read_card(text: str, shown: str) -> Card:
    """The card's own data, from the YAML between two `---`. Raises BadInput where it cannot be understood."""
    found = re.match(r"\ufeff?---[ \t]*\r?\n(.*?)\r?\n---[ \t]*(\r?\n|$)", text, re.DOTALL)
    try:
        data = yaml.safe_load(found[1]) if found else None
        if not isinstance(data, dict):
            return Card()
        configs: dict[str, dict[str, tuple[str, ...]]] = {}
        folders: dict[str, str] = {}
        defaults: list[str] = []
        for config in data.get("configs") or []:
            name = str(config["config_name"])
            configs[name] = _patterns(config.get("data_files"))
            folders[name] = str(config.get("data_dir") or "").strip("/")
            if config.get("default"):
                defaults.append(name)
        default = defaults[0] if defaults else "default" if "default" in configs else None
        if default is None and len(configs) == 1:
            default = next(iter(configs))
        infos = data.get("dataset_info") or []
        names = {key: value for info in ([infos] if isinstance(infos, dict) else infos) for key, value in _names(info)}
        licence = data.get("license")
        told = ", ".join(map(str, licence)) if isinstance(licence, list) else licence and str(licence)
        return Card(configs, folders, default, names, told)
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise BadInput(f"the card's configurations cannot be understood: {error}", where=shown) from None


def _patterns(files: Any) -> dict[str, tuple[str, ...]]:
    if files is None:
        return {}
    if isinstance(files, str) or (isinstance(files, list) and all(isinstance(one, str) for one in files)):
        return {"train": (files,) if isinstance(files, str) else tuple(files)}
    return {
        str(one["split"]): (one["path"],) if isinstance(one["path"], str) else tuple(map(str, one["path"]))
        for one in files
    }


def _names(info: Mapping[str, Any]) -> Iterable[tuple[tuple[str, str], tuple[str, ...]]]:
    for feature in info.get("features") or []:
        dtype = feature.get("dtype")
        if isinstance(dtype, dict) and isinstance(dtype.get("class_label"), dict):
            names = dtype["class_label"]["names"]
            ordered = [names[key] for key in sorted(names, key=int)] if isinstance(names, dict) else names
            yield (str(info.get("config_name", "default")), str(feature["name"])), tuple(map(str, ordered))


def files_of(paths: Iterable[str], card: Card, dataset: str, config: str | None, split: str) -> tuple[str, ...]:
    """The paths, of all those of a data set, that are `split` of `config`, in order.

    Raises NotHere where the data set has no such configuration or split, or no data that can be read.
    """
    data = sorted(path for path in paths if _is_data(path))
    if not data:
        raise NotHere(
            f"{dataset} holds no data files that can be read: scripts that load a data set are not run",
            "Fetch the data from where its script does, and name the file in data.yaml.",
        )
    splits = _splits(data, card, dataset, config)
    if split not in splits:
        raise NotHere(f"{dataset} has no split {split}; it has {', '.join(sorted(splits)) or 'none'}", _OTHER)
    if not splits[split]:
        raise NotHere(f"of {dataset} the files of the split {split} are not here", "Fetch the whole data set again.")
    return splits[split]


_OTHER = "Name the file that holds it in data.yaml."


def _splits(data: Sequence[str], card: Card, dataset: str, config: str | None) -> dict[str, tuple[str, ...]]:
    name = config if config is not None else card.default
    if not card.configs:
        if name is None or (name == "default" and not _below(data, name)):
            return _by_names(data, "")
        if not _below(data, name):
            raise NotHere(
                f"{dataset} has no configuration {name}: it has no card that names one, and no folder {name}",
                "Fetch the data set's README.md with it.",
            )
        return _by_names(data, name)
    if name is None or name not in card.configs:
        raise NotHere(
            f"{dataset} has no configuration {name or 'that is the default'}; it has {', '.join(sorted(card.configs))}",
            "Give one of them as dataset_name in the task's file.",
        )
    folder = card.folders[name]
    if not card.configs[name]:
        return _by_names(data, folder)
    return {
        split: tuple(dict.fromkeys(path for pattern in patterns for path in matching(data, pattern, folder)))
        for split, patterns in card.configs[name].items()
    }


def matching(paths: Sequence[str], pattern: str, folder: str = "") -> list[str]:
    """The paths that a pattern of a card means, which is relative to `folder`."""
    whole = re.compile(_regex("/".join(part for part in (folder, pattern.removeprefix("./")) if part)))
    return [path for path in paths if whole.fullmatch(path)]


def _regex(pattern: str) -> str:
    """`*`, `?` and `[…]` stay inside a folder, `**/` is any number of folders, `**` at the end anything below."""
    parts = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", pattern)
    words = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(
        words.get(part) or (re.sub(r"^\[!", "[^", part) if part[:1] == "[" and part[-1:] == "]" else re.escape(part))
        for part in parts
    )


def _by_names(data: Sequence[str], folder: str) -> dict[str, tuple[str, ...]]:
    """Split → its paths: by `data/train-00000-of-00001…`, else by folders, else by file names, else all is train."""
    shards: dict[str, list[str]] = {}
    folders: dict[str, list[str]] = {}
    named: dict[str, list[str]] = {}
    below = _below(data, folder)
    for path in below:
        inside = path.removeprefix(f"{folder}/") if folder else path
        *above, name = inside.split("/")
        if shard := _SHARD.fullmatch(inside):
            shards.setdefault(shard[1], []).append(path)
        for split, words in _KEYWORDS.items():
            word = "|".join(words)
            if any(re.search(rf"(?:^|{_SEP})(?:{word})(?:$|{_SEP})", part) for part in above):
                folders.setdefault(split, []).append(path)
            if re.search(rf"(?:^|{_SEP})(?:{word}){_SEP}", name):
                named.setdefault(split, []).append(path)
    found = shards or folders or named or {"train": below}
    return {split: tuple(taken) for split, taken in found.items()}


def _below(paths: Sequence[str], folder: str) -> list[str]:
    return [path for path in paths if path.startswith(f"{folder}/")] if folder else list(paths)


def _is_data(path: str) -> bool:
    parts = path.split("/")
    hidden = any(part.startswith((".", "__")) for part in parts)
    return form_of(parts[-1]) is not None and parts[-1] not in _ABOUT and not hidden


def with_classes(rows: Iterable[Row], card: Card, config: str | None) -> list[Row]:
    """Class names become the numbers that the hub's rows have in their place."""
    name = config if config is not None else card.default or "default"
    classes = {column: names for (one, column), names in card.names.items() if one == name}
    return [
        {
            column: classes[column].index(value) if column in classes and value in classes[column] else value
            for column, value in row.items()
        }
        for row in rows
    ]
