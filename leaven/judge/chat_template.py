"""A model's own chat template, filled with untrusted texts: token ids that no completion can steer.

`transformers` renders a conversation to one text and encodes that, so that a completion which holds `<|im_end|>` closes
the judge's turn and may write its own verdict. Here the template is rendered once, with words in the places of the
texts. Where a control token is written out in a text that is put in, or on its border, what was rendered is encoded in
pieces, none of which holds it whole; without any it is encoded exactly as `transformers` does. The result is checked:
it has the control tokens of the template, and no other.

Control tokens are the special tokens and every other token that was added to the vocabulary (`<think>`, `<tool_call>`),
but for those of white space alone, which some models have for indentation.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from leaven.evaluate.hugging_words import SPACE, said
from leaven.ground.errors import BadInput

OPTIONS = {"enable_thinking": False, "date_string": "26 Jul 2024"}
"""Given to every template, of which some know them: a verdict within few tokens leaves no room for a train of thought,
and a question must not depend on the day it is asked. The date is the one that those templates fall back on."""
FRONT = "\n"
"""Stands before a piece from the middle of a text while it is encoded: some tokenizers put a space before whatever they
take for a beginning."""

Messages = Sequence[Mapping[str, str]]


def words_for(names: Sequence[str], apart: str) -> dict[str, str]:
    """A word for the place of each text, by the text's name. None of them stands in `apart`, and nothing that templates
    do changes them: letters and digits."""
    mark = hashlib.sha256(apart.encode()).hexdigest()[:16]
    while mark in apart:
        mark = hashlib.sha256(mark.encode()).hexdigest()[:16]
    return {name: f"place{mark}{name}" for name in names}


class ChatForm:
    """A conversation that ends where the model's turn begins, with places for texts.

    Args:
        tokenizer: a `PreTrainedTokenizerBase`.
        messages: the conversation, with a word for each place: a system message, if any, and the user's.
        words: those words, by the names of the texts.
        where: what errors call the model.

    Attributes:
        ends: the control token by which the template ends the model's turn, where it does.

    Raises:
        BadInput: the model has no chat template, or one that does not render these messages as they are.
    """

    def __init__(self, tokenizer: Any, messages: Messages, words: Mapping[str, str], where: str) -> None:
        self._tokenizer = tokenizer
        _require_template(tokenizer, where)
        self._control = _control_tokens(tokenizer)
        shown, rendered = self._rendered(messages, where)
        names = {word: name for name, word in words.items()}
        place = re.compile(f"({'|'.join(map(re.escape, names))})")
        if place.findall(rendered) != place.findall("\n".join(message["content"] for message in shown)):
            raise BadInput("the model's chat template changes the texts that it is given", where=where)
        self._parts = [names.get(part, part) for part in place.split(rendered)]
        """What the template wrote; at odd places, the names of texts."""
        self._expected = self._controls(self._encode(rendered))
        self.ends = self._turn_ends(shown)

    def encode(self, texts: Mapping[str, str]) -> list[int] | None:
        """The conversation with the texts, by their names, in their places.

        None where one of them holds a control token that cannot be kept out: it is a single character, or it is not
        written out but arises where the tokenizer puts characters for others.
        """
        parts = [texts[part] if number % 2 else part for number, part in enumerate(self._parts)]
        text = "".join(parts)
        cuts = self._cuts(text, parts)
        first, *others = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
        ids = self._encode(first)
        for piece in others:
            ids += self._encode_within(piece)
        return ids if self._controls(ids) == self._expected else None

    def _cuts(self, text: str, parts: Sequence[str]) -> list[int]:
        """A place inside of every control token in the text that the template did not write itself; the template's
        own tokens are never cut."""
        starts = [0]
        for part in parts:
            starts.append(starts[-1] + len(part))
        own = list(zip(starts[::2], starts[1::2], strict=True))
        begun = starts[1:-1:2]
        cuts = set()
        for token in self._control.values():
            for start in _found(token, text):
                end = start + len(token)
                if len(token) > 1 and not any(first <= start and end <= last for first, last in own):
                    # where it begins in what the template wrote, on the border
                    cuts.add(min((place for place in begun if start < place < end), default=start + 1))
        return sorted(cuts)

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self._tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]
        return list(ids)

    def _encode_within(self, text: str) -> list[int]:
        """A piece from the middle of a text."""
        front, whole = self._encode(FRONT), self._encode(FRONT + text)
        return whole[len(front) :] if whole[: len(front)] == front else self._encode(text)

    def _controls(self, ids: Sequence[int]) -> list[int]:
        return [token for token in ids if token in self._control]

    def _rendered(self, messages: Messages, where: str) -> tuple[Messages, str]:
        """The messages as the template takes them, and its text. A system message that it refuses, or passes over,
        stands before the user's text instead."""
        system = "".join(message["content"] for message in messages if message["role"] == "system")
        merged = [{"role": "user", "content": "\n\n".join(message["content"] for message in messages)}]
        if system:
            with contextlib.suppress(Exception):  # a template is a program of somebody else's
                text = self._render(messages, ask=True)
                if system.strip() in text:
                    return messages, text
        try:
            return merged, self._render(merged, ask=True)
        except Exception as error:
            raise BadInput(f"the model's chat template cannot be used ({said(error)})", where=where) from None

    def _render(self, messages: Messages, *, ask: bool) -> str:
        text: str = self._tokenizer.apply_chat_template(
            [dict(message) for message in messages], tokenize=False, add_generation_prompt=ask, **OPTIONS
        )
        return text

    def _turn_ends(self, messages: Messages) -> frozenset[int]:
        """The control token that comes next after what the model answers, found by an answer of one word. Not every
        configuration names it as an end."""
        [word] = words_for(["answer"], str(messages)).values()
        try:
            text = self._render([*messages, {"role": "assistant", "content": word}], ask=False)
        except Exception:  # it was asked for questions only
            return frozenset()
        behind = text.rpartition(word)[2].lstrip()
        first = self._encode(behind)[:1] if behind else []
        return frozenset(self._controls(first))


def _require_template(tokenizer: Any, where: str) -> None:
    try:
        tokenizer.get_chat_template()
    except ValueError:  # there is none, or there are several and none for chats
        raise BadInput(
            "the model has no chat template, so nobody knows how it is asked",
            where=where,
            field="chat_template",
            fix="Name a model that was tuned to answer (…-Instruct, …-Chat, …-it), or put its chat_template.jinja "
            "beside its tokenizer.",
        ) from None


def _control_tokens(tokenizer: Any) -> dict[int, str]:
    """The texts of control tokens. The token of what is unknown is none, as any text may hold it, unless it is used as
    another as well."""
    added = {int(token): str(about.content) for token, about in tokenizer.added_tokens_decoder.items()}
    special = dict(zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True))
    control = {token: text for token, text in {**special, **added}.items() if text.replace(SPACE, " ").strip()}
    unknown = tokenizer.unk_token_id
    if unknown not in {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}:
        control.pop(unknown, None)
    return control


def _found(token: str, text: str) -> Iterator[int]:
    """Every place of the token in the text, those within each other too."""
    place = text.find(token)
    while place >= 0:
        yield place
        place = text.find(token, place + 1)
