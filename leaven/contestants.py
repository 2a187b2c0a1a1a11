"""The completions that meet in a tournament, all of the same prompts.

Prompts come from the judge's set; where every arm is a file, the files' own prompts do. A model's completions are kept
under its content, the prompts' and the rules': they are written once.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from leaven.arms import Arm, Written, read_written
from leaven.engine.judging import frame_ends, plan_of
from leaven.evaluate.complete import VERSION, Rules, complete
from leaven.evaluate.degenerate import degenerate
from leaven.evaluate.item import read_lines, write_lines
from leaven.evaluate.prompts.build import build_prompts
from leaven.evaluate.prompts.survey import survey_prompts
from leaven.ground.canonical import identity
from leaven.ground.errors import BadInput
from leaven.ground.files import read_json, sha256_file, write_json
from leaven.ground.folders import appear, part
from leaven.ground.progress import Progress
from leaven.study.judging import Judge
from leaven.subjects import find_model

COMPLETIONS, PROMPTS, ABOUT = "completions.jsonl", "prompts.jsonl", "prompts.json"


@dataclass(frozen=True)
class Contest:
    """Arms and the prompts that they complete.

    Args:
        prompts: `prompts.jsonl` of rows {id, text, instruction?, category?, overlap?}.
        about: `prompts.json` beside it.
        rules: of the models' completions; empty where nothing was written here.
        folders: of each arm's completions.
    """

    arms: tuple[Arm, ...]
    judge: Judge
    prompts: Path
    about: Mapping[str, Any]
    rules: Mapping[str, Any]
    folders: dict[str, Path] = field(default_factory=dict)

    @property
    def count(self) -> int:
        return len(read_lines(self.prompts))

    def folder(self, name: str) -> Path:
        return self.folders[name]

    def place(self, name: str) -> int:
        """The number of an arm, which can name a folder whatever the arm is called."""
        return [arm.name for arm in self.arms].index(name) + 1

    def hashes(self) -> dict[str, str]:
        """SHA-256 of every arm's completions."""
        return {arm.name: sha256_file(self.folders[arm.name] / COMPLETIONS) for arm in self.arms}

    def what(self, name: str) -> str:
        """Where an arm's completions come from, in words."""
        arm = next(arm for arm in self.arms if arm.name == name)
        return f"completions in {arm.file.name}" if arm.file else f"model {Path(arm.model).name or arm.model}"

    def copy(self, out: Path) -> None:
        """Every arm's completions, for the results' folder."""
        for arm in self.arms:
            target = out / str(self.place(arm.name))
            target.mkdir(parents=True)
            shutil.copy(self.folders[arm.name] / COMPLETIONS, target)


def the_prompts(arms: Sequence[Arm], judge: Judge, data: Sequence[str], home: Path, progress: Progress) -> Contest:
    """The contest of these arms, its prompts found and frozen.

    Raises BadInput where a model is to complete held-out beginnings (they are of a study's corpus), or the set cannot
    be had.
    """
    files = all(arm.file for arm in arms)
    if judge.heldout and not files:
        raise BadInput(
            "nothing says which prompts the models are to complete",
            field="--prompts",
            fix="Name a set (alpaca-eval, dolly-200, …) or a file: --prompts FILE.jsonl.",
        )
    with part(home) as made:
        if judge.heldout:
            _prompts_of_file(arms[0], made)
        else:
            plan = plan_of(judge.prompts)
            build_prompts(plan, list(data), made, expected=survey_prompts(plan, list(data)), progress=progress)
        key = identity({path.name: sha256_file(path) for path in sorted(made.iterdir()) if path.is_file()})[:16]
        folder = home / "prompts" / key
        if not folder.is_dir():
            appear(made, folder)
    stop, paragraph = judge.ends(frame_ends(judge))
    rules = Rules(judge.longest, judge.temperature, judge.top_p, stop, paragraph, 1)
    told = {} if files else dict(rules.__dict__)
    return Contest(tuple(arms), judge, folder / PROMPTS, read_json(folder / ABOUT), told)


def _prompts_of_file(arm: Arm, out: Path) -> None:
    """The prompts that the first file names."""
    assert arm.file is not None
    written = read_written(arm.file)
    if any(not row.prompt for row in written):
        raise BadInput(
            "the file names its prompts by id only", where=str(arm.file), fix="Give their set or file: --prompts."
        )
    write_lines(out / PROMPTS, ({"id": row.id, "text": row.prompt} for row in written))
    name = f"the prompts of {arm.file.name}"
    about = {"set": name, "origin": "", "rows": len(written), "chosen": len(written), "searched": 0, "overlap": {}}
    write_json(out / ABOUT, about)


def complete_all(
    contest: Contest,
    home: Path,
    *,
    store: str | None = None,
    backend: str,
    download: bool,
    progress: Callable[[str], Progress],
) -> None:
    """Have every arm's completions in a folder: written by its model, or brought into our form.

    Raises BadInput where a model cannot be used, or a file lacks a completion of a prompt.
    """
    rows = read_lines(contest.prompts)
    for arm in contest.arms:
        if arm.file is not None:
            contest.folders[arm.name] = _brought(arm, arm.file, rows, home)
            continue
        subject = find_model(arm.model, runs=home.parent, store=store, backend=backend, download=download)  # type: ignore[arg-type]
        model = subject.load()
        rules = Rules(**contest.rules)
        key = identity([VERSION, sha256_file(contest.prompts), dict(contest.rules), model.identity])[:16]
        folder = home / "completions" / key
        if not folder.is_dir():
            with part(home) as made:
                complete(model, contest.prompts, made, rules, progress(arm.name))
                appear(made, folder)
        contest.folders[arm.name] = folder


def _brought(arm: Arm, file: Path, rows: Sequence[Mapping[str, Any]], home: Path) -> Path:
    """A file's completions of these prompts, matched by the prompt's text, else by its id."""
    written = read_written(file)
    by_text: dict[str, list[Written]] = {}
    for each in written:
        if each.prompt:
            by_text.setdefault(each.prompt.strip(), []).append(each)
    by_id = {} if by_text else {each.id: each for each in written}
    found: list[tuple[Mapping[str, Any], Written]] = []
    missing = []
    for row in rows:
        mine = _of_text(row, by_text, file) or by_id.get(str(row["id"]))
        if mine is None:
            missing.append(row)
        else:
            found.append((row, mine))
    if missing:
        first = str(missing[0].get("instruction") or missing[0]["text"])
        raise BadInput(
            f"{len(missing)} of {len(rows)} prompts have no completion here; the first: "
            f"{json.dumps(first[:80], ensure_ascii=False)}",
            where=str(file),
            fix="Every arm must complete the same prompts; --prompts names the set that is meant.",
        )
    lines = [
        {
            "id": row["id"],
            "prompt": row["text"],
            "completion": mine.text,
            "degenerate": degenerate(mine.text),
            **{name: row[name] for name in ("instruction", "category", "overlap") if name in row},
        }
        for row, mine in found
    ]
    with part(home) as made:
        write_lines(made / COMPLETIONS, lines)
        folder = home / "completions" / sha256_file(made / COMPLETIONS)[:16]
        if not folder.is_dir():
            appear(made, folder)
    return folder


def _of_text(row: Mapping[str, Any], by_text: Mapping[str, Sequence[Written]], file: Path) -> Written | None:
    """The completion whose prompt reads as this one; of several that do, the one with its id."""
    for name in ("instruction", "text"):
        same = by_text.get(str(row.get(name) or "").strip(), ())
        if len(same) == 1:
            return same[0]
        if same:
            mine = [each for each in same if each.own and each.id == str(row["id"])]
            if len(mine) == 1:
                return mine[0]
            raise BadInput(
                f"{len(same)} rows have the prompt {json.dumps(str(row[name])[:60], ensure_ascii=False)}, and none of "
                f"them the id {row['id']}",
                where=str(file),
                fix="Give rows with equal prompts the ids of the set.",
            )
    return None


def notes(contest: Contest) -> list[str]:
    """What a reader must know of how files were matched with the prompts."""
    said = []
    for arm in contest.arms:
        if arm.file is None:
            continue
        written = read_written(arm.file)
        more = len(written) - contest.count
        if more > 0:
            said.append(f"{arm.name} completes {more:,} more prompts than were judged")
        if not any(each.prompt for each in written):
            said.append(f"{arm.name} names its prompts by id only: that they are these prompts was taken on trust")
    return said
