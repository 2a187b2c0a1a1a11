"""A chat model of Hugging Face on this computer as the judge: no network, no key, no bill.

It is asked by its own chat template, greedily, so that one reply to a question is all there is to have. Its replies are
kept under the content of its files, whatever they were called and wherever they ran: an interrupted run goes on from
there, and a finished one is read again without the weights. Questions are asked in batches of like length; in another
batch a sum of floats may come out differently in its last bits, and with it, rarely, a reply. What is kept stands.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path

from leaven.evaluate import hugging_folder as folder
from leaven.evaluate.hugging import Hugging, end_tokens, longest_input
from leaven.evaluate.hugging_words import load_words
from leaven.evaluate.model import Ask, fitted
from leaven.ground.canonical import canonical, identity
from leaven.ground.chat import Reply
from leaven.ground.errors import LeavenError
from leaven.ground.progress import Progress, Row, silent
from leaven.ground.replies import ReplyCache
from leaven.judge.chat_template import OPTIONS, ChatForm, words_for
from leaven.judge.question import Question, Verdict
from leaven.judge.template import Template

VERSION = "local/1"
"""Part of the key of every reply: raise it when an equal question would be asked otherwise."""
TOKENS = 512
NOTE = "questions answered by the judge"


class Local:
    """A chat model as a judge; made by `Local.load`.

    Args:
        label: what people call the model.
        form: how it is asked; takes the texts `prompt`, `first` and `second`.
        longest: most tokens of a question and its reply.
        tokens: most tokens of a reply, and of a question's room half at most.
        offline: nothing is asked; every answer has to be in the cache.
    """

    scripted = False

    def __init__(
        self,
        label: str,
        files: folder.Files,
        form: ChatForm,
        template: Template,
        cache: ReplyCache,
        *,
        longest: int,
        tokens: int = TOKENS,
        offline: bool = False,
    ) -> None:
        self.label = label
        self.template = template
        self._files, self._form, self._cache = files, form, cache
        self._longest, self._tokens, self._offline = longest, tokens, offline

    @classmethod
    def load(
        cls,
        name: str | Path,
        template: Template,
        cache: ReplyCache,
        *,
        revision: str = "main",
        tokens: int = TOKENS,
        download: bool = False,
        offline: bool = False,
    ) -> Local:
        """The model in a folder, or of that name in the hub's cache on this computer. Its weights are read when the
        first question is asked that the cache does not answer.

        Args:
            revision: branch, tag or commit of the hub's model; main where it is empty.
            download: ask the hub for what is missing; only where the user said so.

        Raises:
            BadInput: torch or transformers is not installed; there is no such model, it cannot be used as it is, or
                it has no chat template.
            LeavenError: the hub cannot be reached.
        """
        folder.require()
        revision = revision or "main"
        with folder.quiet():
            found = folder.find_folder(str(name), revision=revision, download=download)
            files = folder.look_through(found)
            words = load_words(files.folder, next(iter(end_tokens(files)), None))
            longest = longest_input(folder.load_config(files))
            form = _form(words.tokenizer, template, str(name))
        label = Path(name).resolve().name if Path(name).is_dir() else f"{name}@{revision}".removesuffix("@main")
        return cls(label, files, form, template, cache, longest=longest, tokens=tokens, offline=offline)

    @property
    def name(self) -> str:
        return f"local:{self.label}"

    @property
    def what(self) -> str:
        ties = " or its own verdict of a tie in either" if self.template.tie is not None else ""
        return (
            f"the language model {self.label}, run here and asked greedily in both orders which of two completions is "
            f"better (template {self.template.id}); only agreement of the two orders wins, and a tie is their "
            f"disagreement{ties}"
        )

    @cached_property
    def _identity(self) -> str:
        """Of the model's files: weights, shape, tokenizer, chat template. Not of the libraries or the device."""
        return identity({"version": VERSION, "files": self._files.hashes(), "options": OPTIONS})

    @cached_property
    def _model(self) -> Hugging:
        return Hugging.load(self._files.folder, start="none", longest=self._longest)

    def key(self, question: Question) -> str:
        """The cache key: sha256 of the model's files, the template, the length of a reply and the three texts."""
        asked = [question.prompt, question.first, question.second]
        return hashlib.sha256(canonical([self._identity, self.template.id, self._tokens, *asked])).hexdigest()

    def compare(self, questions: Sequence[Question], progress: Progress = silent) -> list[Verdict]:
        """One verdict for each question; equal ones are asked once.

        A question is an error where its reply holds `no verdict`, where it is `too long` for the model (nothing is cut
        away), or where it holds `control tokens` that cannot be encoded as text.

        Raises LeavenError where memory does not hold a question, the cache cannot be written, or something is missing
        offline; BadInput where the weights cannot be used.
        """
        distinct = {self.key(question): question for question in questions}
        verdicts: dict[str, Verdict] = {}
        waiting: dict[str, list[int]] = {}
        for key, question in distinct.items():
            kept = self._cache.replies(key)
            tokens = None if kept else self._encoded(question)
            if kept:
                verdicts[key] = self._verdict(kept[0].text)
            elif tokens is None:
                verdicts[key] = Verdict("error", reason="control tokens")
            elif len(fitted(tokens, self._tokens, self._longest)[0]) < len(tokens):
                verdicts[key] = Verdict("error", reason="too long")
            else:
                waiting[key] = tokens
        if waiting and self._offline:
            raise LeavenError(
                f"{len(waiting)} of {len(distinct)} questions are not among the kept replies of {self.name}, and "
                "nothing is asked offline"
            )
        progress(len(verdicts), len(distinct), NOTE)
        if waiting:
            answered = len(verdicts)

            def told(done: float, total: float, note: str = "", measured: Row | None = None) -> None:
                progress(answered + done, len(distinct), NOTE)

            self._ask(waiting, verdicts, told)
        return [verdicts[self.key(question)] for question in questions]

    def _encoded(self, question: Question) -> list[int] | None:
        return self._form.encode({"prompt": question.prompt, "first": question.first, "second": question.second})

    def _ask(self, waiting: Mapping[str, list[int]], verdicts: dict[str, Verdict], progress: Progress) -> None:
        """Add the verdicts of what waits. Replies are kept as soon as their batch is written."""
        keys = list(waiting)
        broken: set[int] = set()

        def keep(places: Sequence[int], texts: Sequence[str]) -> None:
            for place, text in zip(places, texts, strict=True):
                self._cache.add(keys[place], Reply(text, "length" if place in broken else "stop"))
                verdicts[keys[place]] = self._verdict(text)

        asks = [Ask("", self._tokens) for _ in keys]
        self._model.generate_after(
            list(waiting.values()), asks, progress, keep, limited=broken.update, ends=self._form.ends
        )

    def _verdict(self, reply: str) -> Verdict:
        choice = self.template.parse(reply)
        if choice is None:
            return Verdict("error", reason="no verdict", replies=(reply,))
        return Verdict(choice, replies=(reply,))


def _form(tokenizer: object, template: Template, where: str) -> ChatForm:
    words = words_for(("prompt", "first", "second"), template.system + template.user)
    return ChatForm(tokenizer, template.messages(Question(**words)), words, where)
