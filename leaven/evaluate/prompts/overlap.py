"""In which sources of a corpus prompts occur: each with its context, as instruction data has it.

A prompt of 13 words or more occurs where any 13 of them in order do (see `leaven.evaluate.overlap`). A shorter one
occurs where its lines are consecutive lines of a document; capitals, punctuation and empty lines do not count, and the
document may have a label such as "Question:" before it: that with which the corpus room renders instructions
(`corpus/data/shapes.toml`), that of the plan's frame, or a common one.

With a context the two are one text: an instruction such as "Summarize this paragraph" that is asked of another text is
another prompt. A short prompt that shares its line with more than a label is not found. One of a word or two, or
without a letter, is sought letter for letter where something is asked (`verbatim`).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from leaven.corpus.files import sources_of
from leaven.corpus.plan import SourcePlan
from leaven.corpus.read import shapes
from leaven.evaluate.overlap import WORD, N, Traces, training_texts
from leaven.evaluate.prompts.read import Prompt
from leaven.evaluate.prompts.verbatim import Verbatim, says_little
from leaven.ground.progress import Progress, silent

LABELS = ("question", "q", "instruction", "prompt", "input", "user", "human", "problem", "task")
_EMBEDDED = re.compile(r"(?<=\S)\s+(?:Context|Input|Passage)\s*:\s*(?=\S)")
"""Where a set has put a context into its instruction."""


def occurrences(
    prompts: Sequence[Prompt], corpus: Path, frame: str, progress: Progress = silent
) -> tuple[list[str], dict[str, list[str]]]:
    """The sources of the corpus, all of which are searched, and {id of a prompt: those in which it occurs}.

    Args:
        corpus: a corpus step's folder; its training documents are read.
    """
    label = _plain(frame.partition("{instruction}")[0].rpartition("\n")[2])
    labels = (*LABELS, label) if label else LABELS
    sought = {prompt.id: list(_sought(prompt, labels)) for prompt in prompts}
    little = Verbatim({prompt.id: _little(prompt) for prompt in prompts}, labels)
    traces = Traces(text for texts in sought.values() for text in texts)
    names = sources_of(corpus)
    for done, name in enumerate(names):
        progress(done, len(names), f"searching {name} for the prompts")
        traces.search(name, map(_plain, training_texts(corpus, name)))
        if little:
            little.search(name, training_texts(corpus, name))
    progress(len(names), len(names), f"searched {len(names)} sources for the prompts")
    found = {name: {source for text in texts for source in traces.found(text)} for name, texts in sought.items()}
    return names, {name: sorted({*sources, *little.found(name)}) for name, sources in found.items()}


def _sought(prompt: Prompt, labels: Sequence[str]) -> Iterator[str]:
    """The texts of words of which any in a document is the prompt; none where its words say little."""
    for text in _texts(prompt):
        if not says_little(text):
            plain = _plain(text)
            yield plain
            if len(WORD.findall(plain)) < N:
                yield from (f"{label} {plain}" for label in labels)
    if not says_little(prompt.shown):
        yield from (_plain(_rendered(template, prompt)) for template in _templates())


def _little(prompt: Prompt) -> tuple[list[str], list[str]]:
    """Of a prompt that says little what it is behind a label, and what in the corpus room's records."""
    records = [_rendered(template, prompt) for template in _templates()] if says_little(prompt.shown) else []
    # a rendering that adds nothing would be any line
    return list(filter(says_little, _texts(prompt))), [one for one in records if one.strip() != prompt.shown.strip()]


def _texts(prompt: Prompt) -> list[str]:
    """What a reader sees of a prompt, and, where its set has put a context into the instruction, without that word."""
    texts = [prompt.shown]
    if not prompt.context:
        texts += ["\n".join(_EMBEDDED.split(prompt.instruction, 1))]
    return list(dict.fromkeys(texts))


def _plain(text: str) -> str:
    """A text as lines of its words, in lower case; lines without one left out."""
    lines = (" ".join(WORD.findall(line)) for line in text.lower().split("\n"))
    return "\n".join(line for line in lines if line)


Parts = tuple[tuple[str, str, str], ...]


@functools.cache
def _templates() -> tuple[Parts, ...]:
    """How the corpus room renders instructions, up to where the response begins."""
    plans = (SourcePlan("prompts", "instruct", "path", 0, shape=name) for name in shapes.names())
    found = dict.fromkeys(shape.parts for plan in plans if (shape := shapes.shape(plan)).template)
    return tuple(_asking(parts) for parts in found)


def _asking(parts: Parts) -> Parts:
    """A template's parts up to the last that holds what is asked."""
    last = max(place for place, (_, role, _) in enumerate(parts) if role in ("instruction", "context"))
    return parts[: last + 1]


def _rendered(parts: Parts, prompt: Prompt) -> str:
    given = {"instruction": prompt.instruction, "context": prompt.context}
    return "".join(
        f"{before}{given.get(role, '')}{after}" for before, role, after in parts if not role or given.get(role)
    )
