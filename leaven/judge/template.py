"""How an LLM judge is asked to compare a pair, and how its answer is read.

The structure is the paper's (arXiv 2408.10914, App. B), in our own words: a role that looks for the less
wrong output; the question; four criteria; the instruction and the two answers; a short comparison first and
then, on a line of its own, exactly one of two verdict strings. There is no tie option: a tie is two orders
that disagree.
"""

from __future__ import annotations

import re

from leaven.judge.question import Choice, Question

TEMPLATE_ID = "pair/1"
"""Part of the key of every cached reply: another wording needs another id."""

SYSTEM = "You compare two outputs written for the same instruction and choose the preferable, less wrong one."

USER = """Of the two answers to the instruction below, which is the better one?

Judge by these criteria:
1. Its reasoning holds.
2. It does what the instruction asks.
3. What it states is factually right and can be understood.
4. It reads as fluent and grammatical language.

Instruction: {prompt}

Answer (A): {first}

Answer (B): {second}

First compare the two answers briefly: say which one you prefer, and why. After that, on a new line, write
exactly one of the two verdicts, 'Preferred: Answer (A)' or 'Preferred: Answer (B)'. Keep to this format:

Comparison: <your short comparison>
Preferred: <'Answer (A)' or 'Answer (B)'>"""

VERDICT_LINE = re.compile(r"^[ \t*_]*Preferred[ \t]*:(?P<rest>.*)$", re.MULTILINE)
ANSWER = re.compile(r"""[\s*_'"`<]*Answer \((?P<letter>[AB])\)[\s*_'"`>.]*""")


def messages(question: Question) -> list[dict[str, str]]:
    """The chat messages that ask a question."""
    # One pass over the template: braces, or whole placeholders, in a completion stay what they are.
    fields = {"prompt": question.prompt, "first": question.first, "second": question.second}
    user = re.sub(r"\{(prompt|first|second)\}", lambda match: fields[match[1]], USER)
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": user}]


def parse(reply: str) -> Choice | None:
    """The verdict in a reply, or None.

    The *last* line that starts with `Preferred:` counts, and it must hold `Answer (A)` or `Answer (B)` and
    nothing else but quotes and emphasis: a judge that quotes the format, or an answer that contains a verdict,
    is not misread, and one that hedges on that line has not decided.
    """
    lines = list(VERDICT_LINE.finditer(reply))
    answer = ANSWER.fullmatch(lines[-1]["rest"]) if lines else None
    if answer is None:
        return None
    return "first" if answer["letter"] == "A" else "second"
