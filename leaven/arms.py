"""What meets in a tournament: a model that writes completions, or a file of completions that were written elsewhere.

A word on the command line is `NAME=WHAT` or `WHAT`; WHAT is a model (see `leaven.subjects`) or a file: leaven's own
completions.jsonl, AlpacaEval's outputs (a list of {instruction, output, generator}), FastChat's answers
({question_id, choices: [{turns}]}), or lines with a prompt and a text.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from leaven.evaluate.prompts.frame import readable
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput

PROMPT = ("instruction", "prompt", "question", "input", "text")
CONTEXT = ("context", "input")
"""Of an instruction: belongs to it, as in the sets of prompts."""
TEXT = ("completion", "output", "response", "answer", "generation")
ID = ("id", "question_id", "prompt_id")
ENDINGS = (".json", ".jsonl", ".json.gz", ".jsonl.gz")
LARGEST = 1 << 30
"""Bytes of a file of completions at most, unpacked."""


@dataclass(frozen=True)
class Written:
    """One completion of a file: `prompt` is "" where the file names its prompts by id only; `own`: whether the id is
    the file's, and not a hash of the prompt."""

    id: str
    prompt: str
    text: str
    own: bool = True


@dataclass(frozen=True)
class Arm:
    """One side of a tournament. `file` where its completions are written already, else `model`: a word for
    `leaven.subjects.find_model`."""

    name: str
    model: str = ""
    file: Path | None = None


def arms_of(words: Sequence[str]) -> list[Arm]:
    """The arms that words on the command line mean, in their order.

    Raises BadInput where fewer than two are named, two have one name, or a file does not exist.
    """
    arms: list[Arm] = []
    for word in words:
        given, equals, what = word.partition("=")
        name = given if equals and "/" not in given else ""
        what = what if name else word
        path = Path(what).expanduser()
        if what.endswith(ENDINGS):
            if not path.is_file():
                raise BadInput("there is no such file of completions", where=what)
            arms.append(Arm(name or _stem(path), file=path))
        else:
            arms.append(Arm(name, model=what))
    arms = _labelled(arms)
    names = [arm.name for arm in arms]
    if len(arms) < 2:
        raise BadInput("a comparison needs two arms at least", field="ARM", fix="e.g. leaven judge new=m/ old=n/ …")
    for name in names:
        if names.count(name) > 1:
            raise BadInput(f'two arms are called "{name}"', field="ARM", fix="Name them: new=PATH old=PATH.")
        if "/" in name or not name.isprintable():
            raise BadInput(f'"{name}" cannot name an arm: no slash, no control character', field="ARM")
    return arms


def _stem(path: Path) -> str:
    name = path.name
    for ending in sorted(ENDINGS, key=len, reverse=True):
        name = name.removesuffix(ending)
    return path.resolve().parent.name if name == "completions" else name


def _labelled(arms: Sequence[Arm]) -> list[Arm]:
    """Arms with names: of steps what they do not have in common, `text-only` and `code→text` of one study's."""
    nameless = [arm for arm in arms if not arm.name]
    parts = {arm.model: _parts(arm.model) for arm in nameless}
    steps = [found for found in parts.values() if len(found) > 1]
    if len(steps) > 1 and len({len(found) for found in steps}) == 1:
        differ = [place for place, words in enumerate(zip(*steps, strict=True)) if len(set(words)) > 1]
        for model, found in parts.items():
            if len(found) > 1 and differ:
                parts[model] = [found[place] for place in differ]
    return [arm if arm.name else replace(arm, name=" ".join(parts[arm.model])) for arm in arms]


def _parts(what: str) -> list[str]:
    study, colon, step = what.partition(":")
    return [Path(study).stem or study, *step.split("/")] if colon and step else [Path(what).name or what]


def read_written(path: Path) -> list[Written]:
    """The completions in a file, in its order. Raises BadInput with file and row."""
    found, seen = [], set()
    for number, row in enumerate(_rows(path), start=1):
        where = f"{path.name}:{number}"
        if not isinstance(row, Mapping):
            raise BadInput("a row is not a mapping of fields to values", where=where)
        prompt, text, name = _prompt(row), _text(row), _first(row, ID, plain=True)
        if text is None:
            raise BadInput(f"a row has no text: none of {', '.join(TEXT)}, choices", where=where)
        if prompt is None and name is None:
            raise BadInput(f"a row names no prompt: none of {', '.join((*PROMPT, *ID))}", where=where)
        key = name if name is not None else identity(prompt)[:16]
        if key in seen:
            what = f"two rows have the id {key[:80]}" if name is not None else "a prompt is completed twice"
            raise BadInput(what, where=where, fix="Give every row an id of its own." if name is None else "")
        seen.add(key)
        found.append(Written(key, prompt or "", text, name is not None))
    if not found:
        raise BadInput("the file holds no completion", where=str(path))
    return found


def _rows(path: Path) -> list[Any]:
    try:
        with gzip.open(path) if path.name.endswith(".gz") else path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise BadInput(f"the file is larger than {LARGEST >> 30} GiB", where=str(path))
        text = data.decode("utf-8-sig")
        if text.lstrip().startswith("["):
            rows = json.loads(text)
            return list(rows)
        return [_line(line, f"{path.name}:{n}") for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"cannot read the file: {error}", where=str(path)) from None
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not a JSON list and not JSON lines: {error}", where=str(path)) from None


def _line(line: str, where: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"not JSON: {error}", where=where) from None


def _prompt(row: Mapping[str, Any]) -> str | None:
    """What was asked, with the context that belongs to an instruction."""
    prompt = _first(row, PROMPT)
    context = _first(row, CONTEXT) if _first(row, PROMPT[:3]) is not None else None
    return prompt if prompt is None else readable(prompt, (context or "").strip())


def _text(row: Mapping[str, Any]) -> str | None:
    choices = row.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], Mapping):
        turns = choices[0].get("turns")
        if isinstance(turns, list) and turns and isinstance(turns[0], str):
            return turns[0].encode("utf-8", "replace").decode()
    found = _first(row, TEXT)
    if found is None and isinstance(row.get("text"), str) and _first(row, PROMPT[:-1]) is not None:
        return _first(row, ("text",))
    return found


def _first(row: Mapping[str, Any], names: Sequence[str], *, plain: bool = False) -> str | None:
    """The first of the fields that holds text; `plain`: or a whole number."""
    for name in names:
        value = row.get(name)
        if isinstance(value, str) or (plain and isinstance(value, int) and not isinstance(value, bool)):
            return str(value).encode("utf-8", "replace").decode()  # JSON can name half a character
    return None
