"""A judge that decides nothing is given up early: its replies are paid for, and say nothing.

What counts are the questions that come first, not those that ended first, so that whether a judge is given up depends
on its replies alone, and the kept ones give the same end again. No others are asked before one of these is decided.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

from leaven.ground.chat import Reply, one_line
from leaven.ground.errors import LeavenError
from leaven.ground.pace import GLANCE
from leaven.judge.question import Verdict
from leaven.judge.template import Template

HOPELESS = 10
"""Questions, the first ones, of which a judge that is of any use decides at least one."""


def first_asked(keys: Iterable[str], verdicts: Mapping[str, Verdict]) -> list[str]:
    """The first HOPELESS questions, without those that an outage ended: it says nothing of a judge."""
    return list(islice((key for key in keys if key not in verdicts or verdicts[key].reason != "outage"), HOPELESS))


def is_hopeless(first: Sequence[str], verdicts: Mapping[str, Verdict]) -> bool:
    """Whether HOPELESS questions have ended, all of them without a verdict."""
    ended = [key for key in first if key in verdicts and verdicts[key].choice == "error"]
    return len(first) == len(ended) == HOPELESS


class Trial:
    """Lets threads ask the first questions, and the others when one of those is decided: until then it waits.

    Args:
        keys: of all questions, each once. verdicts: those that are known.
    """

    def __init__(self, keys: Iterable[str], verdicts: Mapping[str, Verdict]) -> None:
        self._keys, self._verdicts = list(keys), dict(verdicts)
        self._changed = threading.Condition()
        self._look()

    def _look(self) -> None:
        self._first = first_asked(self._keys, self._verdicts)
        self.hopeless = is_hopeless(self._first, self._verdicts)
        self._passed = any(key in self._verdicts and self._verdicts[key].choice != "error" for key in self._first)

    def wait(self, key: str, stopped: Callable[[], bool]) -> bool:
        """Wait until a question may be asked; false where none may any more, or `stopped` says so."""
        with self._changed:
            while not (stopped() or self.hopeless):
                if self._passed or key in self._first:
                    return True
                self._changed.wait(GLANCE)
            return False

    def ended(self, key: str, verdict: Verdict) -> None:
        with self._changed:
            if not self._passed:
                self._verdicts[key] = verdict
                self._look()
                self._changed.notify_all()


def given_up(
    name: str, template: Template, section: str, reasons: Sequence[str], replies: Sequence[Reply], told: str, spent: str
) -> LeavenError:
    """What to tell of a judge that decided nothing.

    Args:
        section: of the user's file that describes it.
        reasons: why each of the questions has no verdict.
        replies: to them.
        told: what the endpoint says where it takes no question, if known.
        spent: so far, in words.
    """
    why = ", ".join(f"{count} {reason}" for reason, count in sorted(Counter(reasons).items()))
    lines = [f"judge {name} decided none of the first {len(reasons)} questions ({why}), so no more are asked"]
    if replies:
        # A reply that says something and does not refuse shows best what is wrong.
        shown = max(replies, key=lambda reply: (bool(reply.text.strip()), not reply.refused))
        lines.append(f'One of its replies: "{one_line(shown.text)}"')
        lines.append(f"Template {template.name} expects {_expected(template)}.")
    if "rejected" in reasons and told:
        lines.append(f"Last, {told}.")
    if spent:
        lines.append(f"Spent so far: {spent}. The replies are kept.")
    return LeavenError("\n  ".join([*lines, _advice(section, reasons, replies)]))


def _expected(template: Template) -> str:
    if template.anywhere:
        return f'"{template.first}" or "{template.second}" in it'
    return f'a last line "{" ".join(part for part in (template.begins, template.first) if part)}"'


def _advice(section: str, reasons: Sequence[str], replies: Sequence[Reply]) -> str:
    if not replies:
        return f"Look at {section}.decoding and {section}.model: the endpoint takes none of these requests."
    broken = sum(reply.finish == "length" for reply in replies)
    if broken:
        return (
            f"{broken} of {len(replies)} replies broke off at their greatest length: raise max_tokens in "
            f"{section}.decoding."
        )
    if set(reasons) == {"refusal"}:
        return f"Take another {section}.model, other prompts, or a {section}.template that it does not refuse."
    return f"Take another {section}.template (its `verdict` says how replies are read) or another {section}.model."
