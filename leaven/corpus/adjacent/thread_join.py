"""Questions and their answers brought together, for sites larger than memory.

Answers follow their question anywhere in a dump, so posts are first dealt into as many files as keep one of them
small, by the number of their question, and each file is then joined by itself. Names of users are looked up in two
files on disk, one that says where in the other a user's name stands; only what is touched is in memory.
"""

from __future__ import annotations

import json
import os
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from leaven.corpus.adjacent import dump
from leaven.corpus.adjacent.thresholds import table

QUESTION, ANSWER = "1", "2"
_WIDTH = 8


@dataclass(frozen=True, slots=True)
class Post:
    """A question or an answer; numbers as the dump has them, `question` is its own number for a question."""

    question: int
    id: int
    score: int
    owner: str
    name: str
    body: str
    title: str = ""
    tags: str = ""
    accepted: int = 0


def threads(posts: Path, scratch: Path, skipped: Counter[str]) -> Iterator[tuple[Post, list[Post]]]:
    """(question, answers by number) of a dump. Files are left in `scratch`, which the caller clears. Raises OSError."""
    for bucket in sorted(_deal(posts, scratch, skipped)):
        questions: dict[int, Post] = {}
        answers: dict[int, list[Post]] = defaultdict(list)
        with open(bucket, encoding="utf-8") as file:
            for line in file:
                post = Post(*json.loads(line))
                if post.id == post.question:
                    questions[post.question] = post
                else:
                    answers[post.question].append(post)
        bucket.unlink()
        skipped["answer without a question"] += sum(len(a) for q, a in answers.items() if q not in questions)
        for number in sorted(questions):
            yield questions[number], sorted(answers[number], key=lambda post: post.id)
    if not skipped["answer without a question"]:
        del skipped["answer without a question"]


def _deal(posts: Path, scratch: Path, skipped: Counter[str]) -> list[Path]:
    limits = table()["thread"]
    count = max(1, -(-posts.stat().st_size // limits["bucket"]))
    held: dict[int, list[str]] = defaultdict(list)
    size = 0
    files: set[Path] = set()

    def write() -> None:
        for bucket, lines in held.items():
            path = scratch / f"posts-{bucket:06d}"
            files.add(path)
            with open(path, "a", encoding="utf-8") as file:
                file.writelines(lines)
        held.clear()

    for row in dump.rows(posts, skipped):
        post = _post(row, skipped)
        if post is None:
            continue
        line = json.dumps(post) + "\n"
        held[post[0] % count].append(line)
        size += len(line)
        if size > limits["buffer"]:
            write()
            size = 0
    write()
    return list(files)


def _post(row: dict[str, str], skipped: Counter[str]) -> tuple[int, int, int, str, str, str, str, str, int] | None:
    kind = row.get("PostTypeId")
    if kind not in (QUESTION, ANSWER):
        skipped["post that is no question and no answer"] += 1
        return None
    try:
        number = int(row["Id"])
        question = number if kind == QUESTION else int(row["ParentId"])
        score, accepted = int(row.get("Score", "0")), int(row.get("AcceptedAnswerId", "0"))
        body = row["Body"]
    except (KeyError, ValueError):
        skipped["broken row"] += 1
        return None
    if kind == ANSWER and question == number:
        skipped["broken row"] += 1
        return None
    owner, name = row.get("OwnerUserId", ""), row.get("OwnerDisplayName", "")
    return question, number, score, owner, name, body, row.get("Title", ""), row.get("Tags", ""), accepted


class Names:
    """Display names by user number, kept on disk."""

    def __init__(self, users: Path | None, scratch: Path, skipped: Counter[str]) -> None:
        self._index = open(scratch / "users-index", "w+b")  # noqa: SIM115 -- closed by __exit__
        self._names = open(scratch / "users-names", "w+b")  # noqa: SIM115
        if users is None:
            return
        place = 0
        for row in dump.rows(users, skipped):
            number, name = row.get("Id", ""), row.get("DisplayName", "").encode()[: (1 << 16) - 1]
            if number.isascii() and number.isdigit() and int(number) <= table()["thread"]["max_user"] and name:
                self._names.write(len(name).to_bytes(2, "little") + name)
                os.pwrite(self._index.fileno(), (place + 1).to_bytes(_WIDTH, "little"), int(number) * _WIDTH)
                place += len(name) + 2
        self._names.flush()

    def __enter__(self) -> Names:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._index.close()
        self._names.close()

    def of(self, number: str) -> str:
        """The display name of a user, "" where it is unknown."""
        if not (number.isascii() and number.isdigit() and int(number) <= table()["thread"]["max_user"]):
            return ""
        place = int.from_bytes(os.pread(self._index.fileno(), _WIDTH, int(number) * _WIDTH), "little")
        if not place:
            return ""
        size = int.from_bytes(os.pread(self._names.fileno(), 2, place - 1), "little")
        return os.pread(self._names.fileno(), size, place + 1).decode(errors="replace")
