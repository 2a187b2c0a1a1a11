"""How an LLM judge is asked to compare a pair, and how its answer is read: a template, which is data.

A template is the wording of a request with the places of the three texts, and the verdict strings that a reply may
hold. Built-in ones are files like a user's own (`leaven/studies/templates`): `paper`, which has no tie option, and
`ties`.

The texts put in are untrusted. They are filled in in one pass, so whatever looks like a placeholder in them stays text,
and templates keep them in blocks with headings. Nothing more can be done here: a completion that imitates the
headings, or argues with the judge, is part of what the judge reads, and may fool it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import permutations
from typing import Any

from leaven.ground.canonical import canonical
from leaven.ground.errors import BadInput
from leaven.judge.question import Choice, Question

PLACES = ("prompt", "first", "second")
PLACE = re.compile(r"\{(prompt|first|second)\}")
BEFORE = " \t\r#*_'\"`<“‘"
AFTER = " \t\r*_'\"`>”’."
"""What a verdict may stand in on its line: white space, emphasis, a heading, code, quotes, the format's own angle
brackets, a final stop."""


@dataclass(frozen=True)
class Template:
    """The wording of a request and the verdicts that answer it.

    Args:
        name: of the template, in results and cache keys.
        user: the request, with `{prompt}`, `{first}` and `{second}`.
        first: the verdict for the first completion; `second` and `tie` (None: no such option) are the others.
        system: what comes before it as the system message, if anything.
        begins: what a verdict line begins with.
        anywhere: the last verdict string in a reply counts wherever it stands.
        source: where the wording is from.
    """

    name: str
    user: str
    first: str
    second: str
    tie: str | None = None
    system: str = ""
    begins: str = ""
    anywhere: bool = False
    source: str = ""

    @cached_property
    def id(self) -> str:
        """Part of the key of every cached reply: the name, and a hash of what shapes a request.

        How replies are read is not in it: replies are cached, and read anew each time.
        """
        return f"{self.name}/{hashlib.sha256(canonical([self.system, self.user])).hexdigest()[:12]}"

    def messages(self, question: Question) -> list[dict[str, str]]:
        """The chat messages that ask a question; the completions stand in them as they are."""
        asked = [("system", self.system)] if self.system else []
        return [{"role": role, "content": _filled(text, question)} for role, text in [*asked, ("user", self.user)]]

    def parse(self, reply: str) -> Choice | None:
        """The verdict in a reply, or None.

        The *last* line that offers one counts: it begins with `begins`, or is one of the strings where `begins` is
        empty. But for quotes, emphasis and a final stop (BEFORE, AFTER) it must be `begins` and one of the strings,
        letter by letter: a judge that quotes the format or a completion with a verdict in it is not misread, and one
        that hedges on that line has not decided. With `anywhere` the last of the strings counts. Linear in the reply.
        """
        if self.anywhere:
            places = {choice: reply.rfind(text) for text, choice in self._choices.items()}
            last = max(places, key=lambda choice: places[choice])
            return last if places[last] >= 0 else None
        for line in reversed(reply.split("\n")):
            offered = self._offered(_bare(line))
            if offered is not None:
                return self._choices.get(offered)
        return None

    def _offered(self, line: str) -> str | None:
        """What a line offers as a verdict, None where it offers none."""
        if not self.begins:
            return line if line in self._choices else None
        start = self._start.match(line)
        return _bare(line[start.end() :]) if start else None

    @cached_property
    def _start(self) -> re.Pattern[str]:
        """`begins`; before a colon there may be white space or the end of an emphasis."""
        words = _beginning(self.begins)
        colon = r"[ \t*_]*:" if words.endswith(":") else ""
        return re.compile(re.escape(words.removesuffix(":").rstrip()) + colon)

    @cached_property
    def _choices(self) -> dict[str, Choice]:
        """The verdict strings, as `parse` compares them."""
        texts: list[tuple[str | None, Choice]] = [(self.first, "first"), (self.second, "second"), (self.tie, "tie")]
        shape = str if self.anywhere else _bare
        return {shape(text): choice for text, choice in texts if text is not None}


def template_of(data: Mapping[str, Any]) -> Template:
    """The template that a template file describes; its types are known to be right.

    Raises BadInput for one that could not be filled in, or whose verdicts could be mistaken for each other.
    """
    verdict = data["verdict"]
    template = Template(
        name=data["template"],
        user=data["user"],
        first=verdict["first"],
        second=verdict["second"],
        tie=verdict.get("tie"),
        system=data.get("system", ""),
        begins=verdict.get("begins", ""),
        anywhere=verdict.get("anywhere", False),
        source=data.get("source", ""),
    )
    _check_places(template)
    _check_verdicts(template)
    return template


def _check_places(template: Template) -> None:
    text = template.system + template.user
    for place in PLACES:
        if f"{{{place}}}" not in text:
            others = sorted({name for name in re.findall(r"\{(\w+)\}", text) if name not in PLACES})
            found = f" (it has {', '.join(f'{{{name}}}' for name in others)})" if others else ""
            raise BadInput(
                f"template {template.name} lacks {{{place}}}{found}",
                field="judge.template.user",
                fix="The judge must see {prompt}, {first} and {second}.",
            )


def _check_verdicts(template: Template) -> None:
    given = [text for text in (template.first, template.second, template.tie) if text is not None]
    bare = [text if template.anywhere else _bare(text) for text in given]
    field = "judge.template.verdict"
    if template.anywhere and template.begins:
        raise BadInput(
            "`begins` is for verdicts on a line of their own, and `anywhere` for those that are not", field=field
        )
    for text, compared in zip(given, bare, strict=True):
        if not compared.strip() or "\n" in compared:
            raise BadInput(f"{text!r} cannot be a verdict: it must be words on one line", field=field)
    begins = _beginning(template.begins)
    if "\n" in begins or bool(begins.strip(":")) != bool(template.begins):
        raise BadInput("what a verdict line begins with must be words on one line", field=f"{field}.begins")
    for (one, short), (other, long) in permutations(zip(given, bare, strict=True), 2):
        if short in long if template.anywhere else long.startswith(short):
            raise BadInput(
                f'verdict "{one}" could be mistaken for "{other}"',
                field=field,
                fix="Choose verdicts of which none begins another; quotes, emphasis and a final stop do not count.",
            )


def _filled(text: str, question: Question) -> str:
    # One pass over the template: braces, or whole placeholders, in a completion stay what they are.
    fields = {"prompt": question.prompt, "first": question.first, "second": question.second}
    return PLACE.sub(lambda match: fields[match[1]], text)


def _bare(text: str) -> str:
    """A line, or a verdict, without what may stand around it."""
    return text.lstrip(BEFORE).rstrip(AFTER)


def _beginning(begins: str) -> str:
    """What a line is compared with, itself without what may stand before it."""
    return begins.lstrip(BEFORE).rstrip(" \t*_")
