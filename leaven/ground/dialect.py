"""How chat endpoints are spoken to: a conversation to the data of a request, the data of an answer to a reply.

Two dialects. `openai`: chat completions as hosted services, vLLM, llama.cpp and Ollama speak them, read liberally, as
their answers differ in what they leave out. `cohere`: the chat API of Cohere, version 2, and version 1 where the
address says so (both as its public reference and its Python client describe them).
"""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Dialect = Literal["openai", "cohere"]

RESERVED = frozenset({"model", "messages", "message", "preamble", "chat_history", "stream", "n"})
"""What decoding parameters may not set: the question, and answers in another form than one text."""

_COHERE_DECODING = {"top_p": "p", "top_k": "k", "stop": "stop_sequences", "max_completion_tokens": "max_tokens"}
"""Decoding parameters that Cohere calls by another name."""

_COHERE_FINISH = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop",
    "MAX_TOKENS": "length",
    "ERROR_LIMIT": "length",
    "ERROR_TOXIC": "content_filter",
}
_FAILED = frozenset({"error", "timeout", "user_cancel"})
"""Finish reasons, in lower case, that come instead of an answer."""


@dataclass(frozen=True)
class Usage:
    """Tokens `given` to the model and `written` by it, as the endpoint counts (and bills) them."""

    given: int
    written: int


@dataclass(frozen=True)
class Reply:
    """What the model wrote. `finish` is why it ended, in OpenAI's words where they exist ("stop", "length",
    "content_filter"); `refused` where the endpoint says that it refused; `usage` where it counts tokens."""

    text: str
    finish: str = ""
    refused: bool = False
    usage: Usage | None = None


class NoReply(Exception):
    """The answer holds no reply; says what it holds instead."""


def address(dialect: Dialect, url: str) -> str:
    """Where requests go, for the URL of an API with its version (`https://host/v1`), or of its chat itself."""
    url = url.rstrip("/")
    if dialect == "openai":
        return url if url.endswith("/chat/completions") else f"{url}/chat/completions"
    if url.endswith("/chat"):
        return url
    return f"{url}/chat" if _version(url) else f"{url}/v2/chat"


def request(
    dialect: Dialect, url: str, model: str, messages: Sequence[Mapping[str, str]], decoding: Mapping[str, Any]
) -> dict[str, Any]:
    """The data of a request to `url`, as `address` gives it.

    Raises ValueError for a conversation that does not end with the user, to Cohere's first version.
    """
    if dialect == "openai":
        return {**decoding, "model": model, "messages": [dict(message) for message in messages]}
    body = {_COHERE_DECODING.get(name, name): value for name, value in decoding.items()}
    if isinstance(body.get("stop_sequences"), str):
        body["stop_sequences"] = [body["stop_sequences"]]
    body["model"] = model
    if _version(url) != "v1":
        return {**body, "messages": [dict(message) for message in messages]}
    if not messages or messages[-1]["role"] != "user":
        raise ValueError("a conversation with Cohere's chat v1 ends with the user")
    roles = {"user": "USER", "assistant": "CHATBOT"}
    turns = [message for message in messages[:-1] if message["role"] != "system"]
    preamble = "\n\n".join(message["content"] for message in messages if message["role"] == "system")
    if preamble:
        body["preamble"] = preamble
    if turns:
        body["chat_history"] = [{"role": roles[turn["role"]], "message": turn["content"]} for turn in turns]
    return {**body, "message": messages[-1]["content"]}


def reply(dialect: Dialect, data: Any) -> Reply:
    """The reply in the data of an answer. Raises NoReply."""
    if not isinstance(data, dict):
        raise NoReply("no object")
    found = _openai(data) if dialect == "openai" else _cohere(data)
    if found.finish in _FAILED:
        raise NoReply(f"finish reason {found.finish}")
    return found


def said(data: Any) -> str | None:
    """What the data of an error says in words: {"error": {"message"}}, {"error"}, {"message"} or {"detail"}."""
    if isinstance(data, dict):
        for found in (data.get("error"), data.get("message"), data.get("detail")):
            if isinstance(found, dict):
                found = found.get("message")
            if isinstance(found, str):
                return found
    return None


def _openai(data: dict[str, Any]) -> Reply:
    choices = data.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise NoReply("no choices")
    message = choices[0].get("message")
    if not isinstance(message, dict):
        raise NoReply("no message")
    content, finish = message.get("content"), _word(choices[0].get("finish_reason"))
    parts = content if isinstance(content, list) else []
    refused = bool(message.get("refusal")) or any(isinstance(part, dict) and part.get("refusal") for part in parts)
    usage = _usage(data.get("usage"), ("prompt_tokens", "input_tokens"), ("completion_tokens", "output_tokens"))
    return Reply(_text(content), finish, refused or finish == "content_filter", usage)


def _cohere(data: dict[str, Any]) -> Reply:
    """Version 2 answers with a message, version 1 with a text; tokens stand under `usage` or `meta`."""
    if isinstance(data.get("message"), dict):
        text = _text(data["message"].get("content"))
    elif isinstance(data.get("text"), str):
        text = data["text"]
    else:
        raise NoReply("no message")
    finish = _word(data.get("finish_reason"))
    finish = _COHERE_FINISH.get(finish.upper(), finish.lower())
    counts = data.get("usage") or data.get("meta")
    counts = counts if isinstance(counts, dict) else {}
    names = ("input_tokens",), ("output_tokens",)
    usage = _usage(counts.get("billed_units"), *names) or _usage(counts.get("tokens"), *names)
    return Reply(text, finish, finish == "content_filter", usage)


def _text(content: Any) -> str:
    """The text of a message's content: a text, None (nothing, or only thoughts), or a list of parts, of which those
    that are text count."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise NoReply("content that is no text")
    parts = [{"text": part} if isinstance(part, str) else part for part in content]
    if not all(isinstance(part, dict) for part in parts):
        raise NoReply("content that is no text")
    texts: list[Any] = [part.get("text") for part in parts if part.get("type", "text") in ("text", "output_text")]
    if not all(isinstance(text, str) for text in texts):
        raise NoReply("content that is no text")
    return "".join(texts)


def _word(finish: Any) -> str:
    return finish if isinstance(finish, str) else ""


def _usage(counts: Any, given: Sequence[str], written: Sequence[str]) -> Usage | None:
    """The first of each names that is a number of tokens; None where one is missing."""
    if not isinstance(counts, dict):
        return None
    read, wrote = (
        next((n for name in names if (n := tokens(counts.get(name))) is not None), None) for names in (given, written)
    )
    return None if read is None or wrote is None else Usage(read, wrote)


def tokens(count: Any) -> int | None:
    """A number of tokens, which some endpoints give as a float; None for anything else."""
    if isinstance(count, bool) or not isinstance(count, int | float) or not 0 <= count < 2**53 or count != int(count):
        return None
    return int(count)


def _version(url: str) -> str:
    """The version in an address: its last path segment of the form v1, v2, …; "" where there is none."""
    segments = urllib.parse.urlsplit(url).path.split("/")
    return next((segment for segment in reversed(segments) if re.fullmatch(r"v\d+", segment)), "")
