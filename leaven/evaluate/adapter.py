"""The language model lm-eval talks to, over any model under evaluation.

Conventions, all lm-eval's own unless marked:

* trailing white space of a context belongs to the continuation (`_encode_pair`); the pair is encoded as one
  string and cut where the encoded context ends; the bytes of a score are those of the tokens actually scored;
* a context that has no tokens is the model's `empty` token (where it is nothing but white space: ours, lm-eval fails);
  every context starts with the model's `start` (ours: in training each document follows an end-of-text token; lm-eval
  leaves that to the model);
* contexts are cut from the left to the longest input, and the pair is kept in `truncated`; a continuation longer than
  that is scored in windows (ours: lm-eval fails);
* where a token reaches over the cut, so that the encoded context is no prefix of the encoded whole, the context's own
  tokens are shown and what the whole has after as many tokens is scored; the pair is kept in `uneven`. A continuation
  swallowed whole by such a token is scored by that token (ours: lm-eval would score nothing);
* a pair with nothing to score is refused (lm-eval fails);
* where a task does not say how much to generate it is 256 tokens, or half of the longest input if that is less (the
  latter ours).

Requests of one document that follow one another are one group, answered together and kept together; so are requests
with one context where lm-eval does not tell the document.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from lm_eval.api.model import LM

from leaven.evaluate.likelihood import windows
from leaven.evaluate.model import Answer, Ask, Model, Question, fitted
from leaven.evaluate.native import Native
from leaven.evaluate.requests import RequestCache, key_of
from leaven.evaluate.settings import read_settings
from leaven.evaluate.subject import Subject
from leaven.ground.canonical import key64
from leaven.ground.errors import BadInput
from leaven.ground.progress import Progress, silent

VERSION = "adapter/3"
"""Part of every key under which answers are kept: raise it when an equal request would be asked otherwise."""

Pair = tuple[str, str]
"""Context and continuation."""


class Adapter(LM):  # type: ignore[misc]
    """A model as an lm-eval model.

    Args:
        cache: where answers are kept, of this model.

    Attributes:
        truncated: pairs whose context was cut.
        uneven: pairs cut inside a token, and the bytes of what was scored.
    """

    def __init__(self, model: Model, progress: Progress = silent, cache: RequestCache | None = None) -> None:
        super().__init__()
        if cache is not None and cache.identity != model.identity:
            raise BadInput(
                f"the request cache is of the model {cache.identity}, not of {model.identity}", field="cache"
            )
        self.model = model
        self.progress = progress
        self.cache = cache
        self.truncated: set[Pair] = set()
        self.uneven: dict[Pair, int] = {}
        self.cut: set[str] = set()
        self._tokens: dict[tuple[str, ...], int] = {}

    @property
    def tokenizer_name(self) -> str:
        """What lm-eval keeps its own built requests under."""
        return f"leaven-{self.model.identity}"

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """Raises BadInput: what is evaluated here continues text; it has no turns of a conversation."""
        raise BadInput(
            "this model has no chat template: it continues text", field="apply_chat_template", fix="Leave it out."
        )

    def scored_bytes(self, context: str, continuation: str) -> int:
        """UTF-8 bytes of what was scored of a pair: the continuation and the white space its context ended with; less
        (or more) where one token held the end of one and the beginning of the other."""
        even = len(continuation.encode()) + len(context[len(context.rstrip()) :].encode())
        return self.uneven.get((context, continuation), even)

    def scored_tokens(self, *texts: str) -> int:
        """Tokens that were scored of a pair (context, continuation), or of a rolling text, asked before."""
        return self._tokens[texts]

    def loglikelihood(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:
        """[(log-likelihood in nats, greedy)] of each request's (context, continuation).

        Raises BadInput for a pair with nothing to score.
        """
        pairs = [request.args for request in requests]
        return self._score(pairs, [_document(request) for request in requests])

    def score(self, pairs: Sequence[Pair]) -> list[tuple[float, bool]]:
        """The same of pairs that no task of lm-eval asks for; those of one context that follow one another are one
        group."""
        return self._score(pairs, [None] * len(pairs))

    def loglikelihood_rolling(self, requests: Sequence[Any]) -> list[float]:
        """Log-likelihood in nats of each request's (text,) after the model's start."""
        texts = [request.args[0] for request in requests]
        encoded = [self.model.tokenizer.encode(text) for text in texts]
        self._tokens |= {(text,): len(tokens) for text, tokens in zip(texts, encoded, strict=True)}
        before = self.model.start or (self.model.empty,)
        asked = [[windows(before, tokens, self.model.longest)] for tokens in encoded]
        return [found.nats for (found,) in self._answers("rolling", [[text] for text in texts], asked)]

    def generate_until(self, requests: Sequence[Any]) -> list[str]:
        """The continuation of each request's (context, settings), cut before the first stop.

        Settings are those that `leaven.evaluate.settings` reads. Where tokens are drawn, the random numbers follow from
        the request's text, its settings and how often its document has asked it before.
        """
        repeats: Counter[Any] = Counter()
        asks = []
        for request in requests:
            context, given = request.args
            settings = read_settings(given, self.model.longest, _where(request))
            same = (_document(request), getattr(request, "idx", None), context, settings)
            repeat, repeats[same] = repeats[same], repeats[same] + 1
            key = key64(VERSION, context, settings.as_list(), repeat) if settings.temperature else 0
            asks.append(Ask(context, settings.tokens, settings.stops, settings.temperature, settings.top_p, key))
        return self.write(asks)

    def write(self, asks: Sequence[Ask]) -> list[str]:
        """The continuation of each ask, kept as likelihoods are. Prompts that had to be cut are kept in `cut`."""
        most = self.model.longest
        for one in asks:
            tokens = [*self.model.start, *self.model.tokenizer.encode(one.prompt)] or [self.model.empty]
            if len(fitted(tokens, one.tokens, most)[0]) < len(tokens):
                self.cut.add(one.prompt)

        def ask(places: list[int], keep: Callable[[Sequence[int], Sequence[Any]], None]) -> list[str]:
            return self.model.generate([asks[place] for place in places], self.progress, keep)

        arguments = [[one.prompt, one.tokens, list(one.stops), one.temperature, one.top_p, one.key] for one in asks]
        return self._kept("generate", arguments, ask)

    def _score(self, pairs: Sequence[Pair], documents: Sequence[Any]) -> list[tuple[float, bool]]:
        cut = self._encode(pairs, documents)
        for pair, (context, target) in zip(pairs, cut, strict=True):
            self._tokens[pair] = len(target)
            if len(context) + len(target) - 1 > self.model.longest:
                self.truncated.add(pair)
        asked = [windows(context, target, self.model.longest) for context, target in cut]
        together = [
            list(places)
            for _, places in groupby(
                range(len(pairs)),
                lambda place: ("context", pairs[place][0]) if documents[place] is None else documents[place],
            )
        ]
        answers = self._answers(
            "loglikelihood",
            [[list(pairs[place]) for place in places] for places in together],
            [[asked[place] for place in places] for places in together],
        )
        return [(found.nats, found.greedy) for group in answers for found in group]

    def _encode(
        self, pairs: Sequence[Pair], documents: Sequence[Any] | None = None
    ) -> list[tuple[list[int], list[int]]]:
        """Tokens of context (with the start in front) and continuation of each pair."""
        tokenizer, start = self.model.tokenizer, self.model.start
        heads = [context.rstrip() for context, _ in pairs]
        encoded = {head: tokenizer.encode(head) for head in dict.fromkeys(heads)}
        cut = []
        for place, (pair, head) in enumerate(zip(pairs, heads, strict=True)):
            # one by one: encoding a batch starts a thread's task for each text, which costs more than the text
            whole = tokenizer.encode("".join(pair)) if len("".join(pair)) > len(head) else []
            if not whole:
                document = documents[place] if documents else None
                raise BadInput(
                    f"the continuation of {_ending(pair[0])} is empty: there is nothing to score",
                    where=f"{document[0]}, document {document[1]}" if document else "",
                    fix="Every answer needs at least one character that the tokenizer encodes.",
                )
            context = encoded[head]
            size = min(len(context), len(whole) - 1)
            if whole[: len(context)] != context or size < len(context):
                self.uneven[pair] = tokenizer.count_bytes(whole[size:])
            shown = context if size == len(context) else whole[:size]
            cut.append(([*start, *shown] if shown or start else [self.model.empty], whole[size:]))
        return cut

    def _answers(
        self, kind: str, arguments: Sequence[Any], groups: Sequence[Sequence[Sequence[Question]]]
    ) -> list[list[Answer]]:
        """For each group and each of its requests the sum over the request's questions."""

        def ask(places: list[int], keep: Callable[[Sequence[int], Sequence[Any]], None]) -> list[Any]:
            flat = [[question for questions in groups[place] for question in questions] for place in places]

            def keep_sums(which: Sequence[int], answers: Sequence[Sequence[Answer]]) -> None:
                keep(which, [_sums(groups[places[i]], found) for i, found in zip(which, answers, strict=True)])

            found = self.model.answer(flat, self.progress, keep_sums if self.cache else None)
            return [_sums(groups[place], answers) for place, answers in zip(places, found, strict=True)]

        return [[Answer(nats, greedy) for nats, greedy in sums] for sums in self._kept(kind, arguments, ask)]

    def _kept(
        self,
        kind: str,
        arguments: Sequence[Any],
        ask: Callable[[list[int], Callable[[Sequence[int], Sequence[Any]], None]], list[Any]],
    ) -> list[Any]:
        """The value of each request or group: from the cache, or asked for, once for equal arguments."""
        keys = [key_of(kind, [VERSION, argument]) for argument in arguments]
        values = self.cache.get(keys) if self.cache else {}
        missing = {key: place for place, key in reversed(list(enumerate(keys))) if key not in values}
        places = sorted(missing.values())

        def keep(which: Sequence[int], found: Sequence[Any]) -> None:
            if self.cache:
                self.cache.put({keys[places[i]]: value for i, value in zip(which, found, strict=True)})

        if places:
            values |= {keys[place]: value for place, value in zip(places, ask(places, keep), strict=True)}
        return [values[key] for key in keys]


def _sums(requests: Sequence[Sequence[Question]], answers: Sequence[Answer]) -> list[list[Any]]:
    """[nats, greedy] of each request of a group, over its questions: plain JSON values."""
    each = iter(answers)
    sums = []
    for questions in requests:
        parts = [next(each) for _ in questions]
        sums.append([math.fsum(part.nats for part in parts), all(part.greedy for part in parts)])
    return sums


def _document(request: Any) -> tuple[str, int] | None:
    """The task and document of an lm-eval request, where it tells them."""
    name, number = getattr(request, "task_name", None), getattr(request, "doc_id", None)
    return None if name is None or number is None else (name, number)


def _where(request: Any) -> str:
    document = _document(request)
    return f"{document[0]}, document {document[1]}" if document else ""


def _ending(context: str) -> str:
    return repr(context if len(context) <= 40 else f"…{context[-40:]}")


def score_completions(subject: Subject, pairs: Sequence[Pair], progress: Progress = silent) -> list[tuple[float, int]]:
    """(bits, bytes) of each completion given its prompt. An empty completion costs 0 bits for 0 bytes."""
    asked = [(place, pair) for place, pair in enumerate(pairs) if pair[1]]
    lm = Adapter(Native(subject), progress)
    scores = [(0.0, 0)] * len(pairs)
    for (place, pair), (nats, _) in zip(asked, lm.score([pair for _, pair in asked]), strict=True):
        scores[place] = (-nats / math.log(2), lm.scored_bytes(*pair))
    return scores
