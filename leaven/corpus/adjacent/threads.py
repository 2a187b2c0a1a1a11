"""Threads of StackExchange as conversations, from a site's dump or from SlimPajama's records.

Of a dump: the question with its title, then the accepted answer, then the others by score; each answer says its
score, as in StarCoder 2 (arXiv 2402.19173, §5.5: `<issue_start>…<issue_comment>…` and `Upvotes: n [selected answer]`;
it has no titles and a random order). What is kept follows the rules for issues (DATA.md §2.3), and a question needs
an answer. Users are `username_i`, also where a comment names one with an @. SlimPajama's threads are text already:
`Q: …`, `A: …`.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from leaven.corpus.adjacent import dump
from leaven.corpus.adjacent.conversation import COMMENT, START, Comment, numbered, refusal, shortened
from leaven.corpus.adjacent.html_text import text_of_html
from leaven.corpus.adjacent.records import Unusable, text_of, word_of
from leaven.corpus.adjacent.thread_join import Names, Post, threads
from leaven.corpus.adjacent.thresholds import table
from leaven.corpus.document import Document, Dropped, Tally
from leaven.corpus.plan import SourcePlan
from leaven.ground.canonical import key64

VERSION = "threads/1"
SLIMPAJAMA = "RedPajamaStackExchange"
_TAGS = re.compile(r"[^<>|\s]+")
LICENCE = "CC-BY-SA-4.0"
"""Of all dumps since 2018; earlier posts came under versions 2.5 and 3.0 of the same licence."""


def documents(posts: Path, plan: SourcePlan, tally: Tally, scratch: Path | None = None) -> Iterator[Document]:
    """The threads of a dump's `Posts.xml`, by groups of questions.

    Args:
        posts: the file; a `Users.xml` beside it gives the names that comments call users by. A dump's other files are
            counted and give nothing.
        plan: `name` begins the documents' ids.
        tally: broken rows and threads that a rule refuses are counted here.
        scratch: an empty folder for about as many bytes as the dump has; a temporary one by default.
    """
    try:
        root = dump.root_of(posts)
    except OSError:
        tally.skipped["unreadable"] += 1
        return
    if root != "posts":
        tally.skipped[f"dump of {root}" if root.isalpha() else "not a dump of posts"] += 1
        return
    users = posts.with_name("Users.xml")
    with tempfile.TemporaryDirectory(dir=scratch, prefix="threads-") as folder:
        place = Path(folder)
        with Names(users if users.is_file() else None, place, tally.skipped) as names:
            for question, answers in threads(posts, place, tally.skipped):
                try:
                    yield thread(question, answers, names, plan.name)
                except Dropped as rule:
                    tally.dropped[str(rule)] += 1


def thread(question: Post, answers: Sequence[Post], names: Names, site: str) -> Document:
    """The document of one thread. Raises Dropped."""
    if len(answers) < table()["thread"]["min_answers"]:
        raise Dropped("thread: no answer")
    ordered = sorted(answers, key=lambda post: (post.id != question.accepted, -post.score, post.id))
    posts = [question, *ordered]
    authors = [post.owner or post.name or f"post {post.id}" for post in posts]
    comments = [Comment(a, shortened(text_of_html(p.body))) for a, p in zip(authors, posts, strict=True)]
    reason = refusal(comments, "thread")
    if reason is not None:
        raise Dropped(reason)
    numbers = numbered(authors)
    called = {names.of(p.owner) or p.name: numbers[a] for a, p in zip(authors, posts, strict=True)}
    mask = _mask(called)
    parts = []
    for post, comment in zip(posts, comments, strict=True):
        said = f"{numbers[comment.author]}: {mask(comment.text)}"
        if post is question:
            title = " ".join(question.title.split())
            parts.append(f"{START}Title: {title}\n{said}" if title else START + said)
        else:
            selected = " [selected answer]" if post.id == question.accepted else ""
            parts.append(f"{COMMENT}{said}\nUpvotes: {post.score}{selected}")
    text = "".join(parts)
    path = f"{site}/questions/{question.id}"
    labels = {"score": str(question.score), "tags": " ".join(_TAGS.findall(question.tags))}
    return Document(path, text, path, path, licence=LICENCE, labels=labels)


def _mask(called: Mapping[str, str]) -> Callable[[str], str]:
    """What replaces `@name` by the user's number; sites let people leave out the spaces of a name."""
    known: dict[str, str] = {}
    for name, number in called.items():
        for form in (name, name.replace(" ", "")):
            if form:
                known.setdefault(form.lower(), number)
    if not known:
        return str
    longest_first = sorted(known, key=lambda name: (-len(name), name))
    pattern = re.compile("@(" + "|".join(map(re.escape, longest_first)) + r")(?!\w)", re.IGNORECASE)
    return lambda text: pattern.sub(lambda match: "@" + known.get(match[1].lower(), match[1]), text)


def of_text(document: Document) -> Document:
    """A thread that is text already (SlimPajama's form), as it is. Raises Dropped for one without words."""
    if not document.text.strip():
        raise Dropped("too short")
    return document


def from_record(record: Mapping[str, Any], plan: SourcePlan, tally: Tally) -> Document | None:
    """The thread in a record of SlimPajama, or None (counted): one of another set, or without text."""
    tally.files += 1
    meta = record.get("meta")
    known = isinstance(meta, Mapping) and meta.get("redpajama_set_name")
    if known != SLIMPAJAMA:
        tally.skipped["record of another set"] += 1
        return None
    try:
        text = text_of(record, "text")
        name = word_of(record, "id") or f"{key64(text):016x}"
        return of_text(Document(f"{plan.name}/{name}", text, f"{plan.name}/{name}", f"{plan.name}/{name}"))
    except Unusable as reason:
        tally.skipped[str(reason)] += 1
    except Dropped as rule:
        tally.dropped[str(rule)] += 1
    return None
