"""One task, one model: every form of item asked in its own way, a record of each item.

Likelihood forms go through lm-eval over the suite's own task file. Short answers and programs are written by the model
directly, and the likelihood of their known answer is asked through the same adapter, so that it is cut, cached and
counted alike.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from leaven.evaluate import programs
from leaven.evaluate.adapter import Adapter
from leaven.evaluate.answers import (
    bits,
    characters,
    choice_measures,
    likeliest,
    passage_measures,
    program_measures,
    short_measures,
    target_measures,
)
from leaven.evaluate.harness import Sample, run_tasks
from leaven.evaluate.item import Answerable, Foreign, Form, Item, Passage, Program, Short, Target
from leaven.evaluate.model import Ask
from leaven.evaluate.record import FOREIGN, Record, Records, Scored, lm_eval_measures
from leaven.evaluate.short import LmEvalRule, first_line
from leaven.ground.errors import LeavenError
from leaven.ground.progress import Progress, between, silent
from leaven.sandbox.level import Level

ANSWER_TOKENS = 32
"""Most tokens of a short answer where the task does not say."""


@dataclass(frozen=True)
class Asking:
    """Whom and where to ask.

    Args:
        suite: a suite step's folder.
        space: an existing folder for lm-eval's temporary files.
    """

    lm: Adapter
    suite: Path
    space: Path
    level: Level
    allow_unisolated: bool = False

    def records(
        self, task: str, form: Form, items: Sequence[Item], settings: Mapping[str, Any], progress: Progress = silent
    ) -> list[Record]:
        """A record of each item, in their order; of a foreign task `Records`. Raises LeavenError where a likelihood is
        not a number."""
        self.lm.progress = progress
        if form == "program":
            found = self._programs(task, [item for item in items if isinstance(item, Program)], settings, progress)
        elif form == "short":
            found = self._short(task, [item for item in items if isinstance(item, Short)], settings, progress)
        elif form == "foreign":
            found = self._foreign(task, [item for item in items if isinstance(item, Foreign)])
        else:
            found = self._likelihoods(task, items)
        _require_numbers(task, found, self.lm.model.identity)
        return found

    def _likelihoods(self, task: str, items: Sequence[Item]) -> list[Record]:
        samples = run_tasks(self.lm, self.suite, [task], self.space)[task]
        if [item.id for item in items] != [sample.item for sample in samples]:
            raise AssertionError(f"the samples of {task} are not its items in order")
        return [self._likelihood(item, sample) for item, sample in zip(items, samples, strict=True)]

    def _likelihood(self, item: Item, sample: Sample) -> Record:
        theirs = lm_eval_measures(sample.metrics)
        if isinstance(item, Passage):
            size, tokens = len(item.text.encode()), self.lm.scored_tokens(item.text)
            scored = Scored(sample.nats, (len(item.text),), (size,), (tokens,), sample.greedy)
            return Record(item, passage_measures(item, sample.nats[0]) | theirs, scored)
        if isinstance(item, Target):
            scored = self._scored(item.pairs, [len(item.target)], sample.nats, sample.greedy)
            return Record(item, target_measures(scored.nats[0], scored.bytes[0], scored.greedy[0]) | theirs, scored)
        assert isinstance(item, Answerable)
        scored = self._scored(item.pairs, characters(item), sample.nats, sample.greedy)
        measures = choice_measures(item, scored.nats, scored.bytes)
        return Record(item, measures | theirs, scored, predicted=likeliest(scored.nats))

    def _short(
        self, task: str, items: Sequence[Short], settings: Mapping[str, Any], progress: Progress
    ) -> list[Record]:
        limit = settings.get("tokens") or ANSWER_TOKENS
        self.lm.progress = between(progress, 0.0, 0.8)
        texts = self.lm.write([Ask(item.context, limit, ("\n",)) for item in items])
        self.lm.progress = between(progress, 0.8, 1.0)
        gold = self._gold([item.pairs for item in items], [len(item.answers[0]) for item in items])
        gold = [self._written(item.context, scored) for item, scored in zip(items, gold, strict=True)]
        rule = LmEvalRule.of(settings)
        return [
            Record(
                item,
                short_measures(item, first_line(text), scored.nats[0], scored.bytes[0], rule),
                scored,
                texts=(first_line(text),),
            )
            for item, text, scored in zip(items, texts, gold, strict=True)
        ]

    def _programs(
        self, task: str, items: Sequence[Program], settings: Mapping[str, Any], progress: Progress
    ) -> list[Record]:
        self.lm.progress = between(progress, 0.0, 0.7)
        attempts = programs.attempt(
            task,
            items,
            settings,
            self.lm.write,
            self.level,
            allow_unisolated=self.allow_unisolated,
            progress=between(progress, 0.7, 0.9),
        )
        self.lm.progress = between(progress, 0.9, 1.0)
        gold = self._gold([item.pairs for item in items], [len(item.solution) for item in items])
        gold = [self._written(item.prompt, scored) for item, scored in zip(items, gold, strict=True)]
        found = []
        for attempt, scored in zip(attempts, gold, strict=True):
            measures = program_measures(attempt.texts, attempt.passed, settings.get("k") or (1,))
            if scored.nats:
                measures["gold_bpb"] = bits(scored.nats[0]) / scored.bytes[0]
            found.append(
                Record(
                    attempt.item,
                    measures,
                    scored,
                    texts=attempt.texts,
                    outcomes=attempt.outcomes,
                    level=attempt.level,
                )
            )
        return found

    def _foreign(self, task: str, items: Sequence[Foreign]) -> Records:
        from leaven.evaluate.benchmarks.foreign import run_foreign

        samples, aggregates = run_foreign(self.lm, self.suite, task, self.space)
        if [item.id for item in items] != [sample.item for sample in samples]:
            raise AssertionError(f"the samples of {task} are not its items in order")
        averaged = [aggregate.name for aggregate in aggregates if aggregate.plain]
        found = Records(aggregates=aggregates)
        for item, sample in zip(items, samples, strict=True):
            theirs = lm_eval_measures(sample.metrics)
            ours = {
                column: theirs[f"lm_eval/{name}"]
                for name, column in FOREIGN.items()
                if name in averaged and f"lm_eval/{name}" in theirs
            }
            found.append(Record(item, ours | theirs, Scored(nats=sample.nats), texts=sample.texts))
        return found

    def _gold(self, pairs: Sequence[Sequence[tuple[str, str]]], lengths: Sequence[int]) -> list[Scored]:
        """The likelihood of each known answer; nothing where none is known."""
        answers = iter(self.lm.score([pair for asked in pairs for pair in asked]))
        found = []
        for asked, length in zip(pairs, lengths, strict=True):
            told = [next(answers) for _ in asked]
            found.append(
                self._scored(
                    asked, [length] * len(told), tuple(nats for nats, _ in told), tuple(greedy for _, greedy in told)
                )
            )
        return found

    def _written(self, prompt: str, scored: Scored) -> Scored:
        """What was scored of an item; it is truncated where its prompt was cut to be continued, too."""
        return replace(scored, truncated=scored.truncated or prompt in self.lm.cut)

    def _scored(
        self,
        pairs: Sequence[tuple[str, str]],
        lengths: Sequence[int],
        nats: tuple[float, ...],
        greedy: tuple[bool, ...],
    ) -> Scored:
        try:
            tokens = tuple(self.lm.scored_tokens(*pair) for pair in pairs)
        except KeyError as pair:
            raise AssertionError(f"a task file asks another text than its items hold: not {pair}") from None
        sizes = tuple(self.lm.scored_bytes(*pair) for pair in pairs)
        if 0 in sizes:
            raise LeavenError(f"the tokenizer makes tokens of no bytes of {pairs[sizes.index(0)][1]!r}")
        return Scored(
            nats,
            tuple(lengths),
            sizes,
            tokens,
            greedy,
            truncated=any(pair in self.lm.truncated for pair in pairs),
            uneven=any(pair in self.lm.uneven for pair in pairs),
        )


def _require_numbers(task: str, records: Sequence[Record], identity: str) -> None:
    nats = [value for record in records for value in record.scored.nats]
    wrong = sum(not math.isfinite(value) for value in nats)
    if wrong:
        raise LeavenError(
            f"the model has diverged: {wrong} of {len(nats)} log-likelihoods of {task} are not numbers "
            f"(model {identity})\n  Its scores would mean nothing; nothing was written."
        )
