"""Problems written by a model behind an OpenAI-compatible endpoint, and verified one by one.

Request number i asks for a topic, a difficulty, a structure and a twist that are a function of (seed, i). Every reply
is kept at once in an append-only file, so that a build that was interrupted goes on from there, and one that was
finished is made again without a network. The result does not depend on how many requests are under way.

Programs from an endpoint are hostile until shown otherwise: each is looked at as data (see `answer`), and then executed
in the sandbox alone, never with others.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from leaven.corpus.document import Dropped, Tally
from leaven.corpus.synthetic.answer import problem, table
from leaven.corpus.synthetic.problem import Problem
from leaven.ground.canonical import identity, key64
from leaven.ground.chat import Chat, OutageError, RejectedError, Reply
from leaven.ground.errors import BadInput, LeavenError
from leaven.ground.replies import ReplyCache

_PLACES = {"topics": "topic", "difficulties": "difficulty", "structures": "structure", "twists": "twist"}
"""List of seeds → its place in the template."""


@dataclass(frozen=True)
class Writer:
    """Who is asked for problems, and how often.

    Args:
        chat: where and how to ask.
        replies: those so far.
        budget: requests at most.
        at_once: requests under way at the same time.
    """

    chat: Chat
    replies: ReplyCache
    budget: int = 1000
    at_once: int = 4

    @classmethod
    def of(cls, options: Mapping[str, Any], folder: Path) -> Writer:
        """From a source's options: `url`, `model`, and perhaps `key` (the name of an environment variable),
        `temperature`, `max_tokens`, `budget`, `at_once`; replies are kept in `folder`.

        Raises:
            BadInput: an option is missing or cannot be used.
            LeavenError: the file of replies cannot be read.
        """
        unusable = [name for name in ("url", "model") if not isinstance(options.get(name), str) or not options[name]]
        if unusable:
            raise BadInput("missing or not a text", field=f"endpoint.{unusable[0]}")
        try:
            decoding = {
                "temperature": float(options.get("temperature", 0.8)),
                "max_tokens": int(options.get("max_tokens", 2048)),
            }
            budget, at_once = int(options.get("budget", 1000)), int(options.get("at_once", 4))
        except (TypeError, ValueError):
            raise BadInput("temperature, max_tokens, budget and at_once are numbers", field="endpoint") from None
        if budget < 1 or at_once < 1:
            raise BadInput("budget and at_once are at least 1", field="endpoint")
        chat = Chat(
            url=options["url"], model=options["model"], key_name=options.get("key") or None, decoding=decoding,
            who="source", section="endpoint",
        )  # fmt: skip
        return cls(chat, ReplyCache(folder / "replies.jsonl", who="source"), budget, at_once)

    def key(self, seed: int, number: int) -> str:
        """Of a reply: everything that shaped the request. The address is no part of it, so that a file of replies may
        be handed on."""
        asked = [table()["asked"]["version"], seed, number, messages(seed, number)]
        return identity([self.chat.model, dict(self.chat.decoding), *asked])


def messages(seed: int, number: int) -> list[dict[str, str]]:
    """Request `number`."""
    asked, wanted = table()["asked"], wish(seed, number)
    text = asked["user"].format(**{_PLACES[name]: word for name, word in wanted.items()})
    return [{"role": "system", "content": asked["system"].strip()}, {"role": "user", "content": text.strip()}]


def wish(seed: int, number: int) -> dict[str, str]:
    """What request `number` asks for: one of each list of seeds."""
    lists: Mapping[str, Sequence[str]] = table()["seeds"]
    return {name: lists[name][key64("endpoint/1", seed, number, name) % len(lists[name])] for name in _PLACES}


def written(writer: Writer, seed: int, first: int, count: int, tally: Tally) -> Iterator[Problem]:
    """The problems in the replies to requests `first` to `first + count - 1`, in this order; counts the others.

    Raises:
        BadInput: the endpoint's configuration is at fault.
        LeavenError: it does not answer, or a reply cannot be kept. What was answered is kept.
    """
    for number, reply in enumerate(_replies(writer, seed, range(first, first + count)), first):
        if reply.refused:
            tally.dropped[f"endpoint: {reply.finish if reply.finish == 'rejected' else 'refused'}"] += 1
            continue
        if reply.finish == "length":
            tally.dropped["endpoint: reply cut off"] += 1
            continue
        try:
            yield problem(reply.text, f"endpoint: {wish(seed, number)['topics']}")
        except Dropped as reason:
            tally.dropped[f"endpoint: {reason}"] += 1


def _replies(writer: Writer, seed: int, numbers: range) -> list[Reply]:
    stopped = threading.Event()

    def ask(number: int) -> Reply:
        key = writer.key(seed, number)
        kept = writer.replies.replies(key)
        if kept:
            return kept[0]
        if stopped.is_set():
            raise OutageError("stopped")
        try:
            reply = writer.chat.ask(messages(seed, number), stopped)
        except RejectedError:
            # Kept as an answer, so that the build can be made again without a network.
            reply = Reply("", "rejected", refused=True)
        except BaseException:
            stopped.set()
            raise
        writer.replies.add(key, reply)
        return reply

    with ThreadPoolExecutor(writer.at_once, thread_name_prefix="endpoint") as pool:
        futures = [pool.submit(ask, number) for number in numbers]
        try:
            return [future.result() for future in futures]
        except OutageError:
            troubles = [error for future in futures if (error := future.exception()) and str(error) != "stopped"]
            trouble = troubles[0] if troubles else LeavenError("the endpoint was given up")
            if isinstance(trouble, BadInput) or not isinstance(trouble, LeavenError):
                raise trouble from None
            raise LeavenError(f"{trouble}\n  The answers so far are kept; run again to go on from there.") from None
        finally:
            stopped.set()
