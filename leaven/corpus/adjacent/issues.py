"""Issues and pull requests as conversations: `<issue_start>Title: …` and what was said, by StarCoder's rules.

Records are those of bigcode/the-stack-github-issues: `events`, each with `action`, `author`, and what was said in
`text` (or, as collected, `comment` or `description`), `repo`, `issue_id`, `issue_number`; the title stands in an
event or in the record. A record that holds only `content` has been through these rules and is taken as it is. The
names of the fields beside `events`' own are recalled, not verified: whichever are absent cost nothing.

Rendering as in StarCoder 2, §5.3 (arXiv 2402.19173): `<issue_closed>` stands where the issue was closed.

Sources: bigcode-dataset preprocessing/filtering_issues.py, utils/utils_issues.py.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from leaven.corpus.adjacent.conversation import CLOSED, COMMENT, START, Comment, anonymous, refusal, shortened
from leaven.corpus.adjacent.mail import without_mail
from leaven.corpus.adjacent.records import Unusable, text_of, word_of
from leaven.corpus.adjacent.thresholds import table
from leaven.corpus.document import Document, Dropped, Tally
from leaven.corpus.plan import SourcePlan
from leaven.ground.canonical import key64

VERSION = "issues/1"


def from_record(record: Mapping[str, Any], plan: SourcePlan, tally: Tally) -> Document | None:
    """The document of a record, or None (counted in `tally`).

    `plan.options["range"]` = "faithful" reproduces the published defects: a suffix of bots' names that no name can
    match, calls of bots that are only seen from the second bot on, answers by mail that are said twice, and names
    replaced inside words.
    """
    tally.files += 1
    faithful = plan.options.get("range") == "faithful"
    try:
        if record.get("events") is None:
            text, title = text_of(record, "content"), ""
        else:
            title, comments = _conversation(record["events"], text_of(record, "title", ""))
            text = render(title, _judged(comments, faithful))
    except Unusable as reason:
        tally.skipped[str(reason)] += 1
        return None
    except Dropped as rule:
        tally.dropped[str(rule)] += 1
        return None
    home = word_of(record, "repo", "repo_name")
    name = word_of(record, "issue_id", "issue_number", "id") or f"{key64(text):016x}"
    path = f"{home or plan.name}/issues/{name}"
    labels = {"number": number} if (number := word_of(record, "issue_number")) else {}
    return Document(path, text, path, home or path, licence=word_of(record, "license"), repository=home, labels=labels)


def render(title: str, comments: Sequence[Comment]) -> str:
    """The text of an issue whose authors are numbered already."""
    parts = [f"{START}Title: {title}\n" if title else START]
    spoken = False
    for comment in comments:
        if comment.action == "closed":
            parts.append(CLOSED)
        if comment.text:
            parts.append(f"{COMMENT if spoken else ''}{comment.author}: {comment.text}")
            spoken = True
    return "".join(parts)


def _judged(comments: list[Comment], faithful: bool) -> list[Comment]:
    """The comments that stay, by all rules in their published order. Raises Dropped."""
    if sum(len(comment.text) for comment in comments) > table()["issue"]["largest"]:
        raise Dropped("issue: too large")
    cleaned = [Comment(c.author, shortened(without_mail(c.text, faithful)), c.action) for c in comments]
    people = without_bots(cleaned, faithful)
    if not people:
        raise Dropped("issue: bots only")
    reason = refusal(people, "issue")
    if reason is not None:
        raise Dropped(reason)
    return anonymous(people, faithful)


def without_bots(comments: Sequence[Comment], faithful: bool) -> list[Comment]:
    """Comments of people, without those that do nothing but call a bot: they come right before its answer and name
    it or begin with a slash."""
    kept: list[Comment] = []
    removed = -1
    for number, comment in enumerate(comments):
        if not is_bot(comment.author, faithful):
            kept.append(comment)
            continue
        called = removed > 0 if faithful else True
        if kept and called and removed < number - 1:
            said = comments[number - 1].text
            if comment.author in said or said.startswith("/"):
                kept.pop()
        removed = number
    return kept


def is_bot(author: str, faithful: bool) -> bool:
    """Whether a user's name is that of a program, by names, words and endings of the table."""
    keywords, suffixes, published, names = _bots()
    lower = author.lower()
    return (
        author in names
        or any(word in lower for word in keywords)
        or lower.endswith(published if faithful else suffixes)
    )


@functools.cache
def _bots() -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...], frozenset[str]]:
    limits = table()["issue"]
    published = tuple(limits["bot_suffixes"])
    lowered = tuple(suffix.lower() for suffix in published)
    return tuple(limits["bot_keywords"]), lowered, published, frozenset(limits["bot_names"])


def _conversation(events: object, title: str) -> tuple[str, list[Comment]]:
    """(title, comments) of a record's events. Raises Unusable."""
    if not isinstance(events, list):
        raise Unusable("record: events is not a list")
    comments = []
    for event in events:
        if not isinstance(event, Mapping):
            raise Unusable("record: an event is not a record")
        said = text_of(event, "text", "") or text_of(event, "comment", "") or text_of(event, "description", "")
        comments.append(Comment(text_of(event, "author", ""), said, word_of(event, "action")))
        title = title or text_of(event, "title", "")
    return " ".join(title.split()), comments
