"""Requests and answers of chat endpoints, as those who serve them write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.ground.dialect import NoReply, Reply, Usage, address, reply, request, said

TALK = [
    {"role": "system", "content": "Judge."},
    {"role": "user", "content": "First?"},
    {"role": "assistant", "content": "Yes."},
    {"role": "user", "content": "Second?"},
]
SAMPLED = {"temperature": 0, "max_tokens": 9, "top_p": 0.5, "top_k": 4, "stop": "END"}

ADDRESSES = [
    ("openai", "https://h/v1", "https://h/v1/chat/completions"),
    ("openai", "https://h/v1/chat/completions/", "https://h/v1/chat/completions"),
    ("cohere", "https://h/v2", "https://h/v2/chat"),
    ("cohere", "https://h/v1/", "https://h/v1/chat"),
    ("cohere", "https://h/v2/chat", "https://h/v2/chat"),
    ("cohere", "https://h", "https://h/v2/chat"),
    ("cohere", "https://v1.h/here", "https://v1.h/here/v2/chat"),
]


@pytest.mark.parametrize(("dialect", "url", "expected"), ADDRESSES)
def test_where_requests_go(dialect, url, expected):
    assert address(dialect, url) == expected


def test_openai_is_asked_with_the_messages_and_the_decoding_as_they_are():
    asked = request("openai", "https://h/v1/chat/completions", "m", TALK, SAMPLED)
    assert asked == {**SAMPLED, "model": "m", "messages": TALK}


def test_cohere_v2_is_asked_with_the_messages_and_its_own_names():
    assert request("cohere", "https://h/v2/chat", "m", TALK, SAMPLED) == {
        "model": "m", "messages": TALK, "temperature": 0, "max_tokens": 9, "p": 0.5, "k": 4, "stop_sequences": ["END"],
    }  # fmt: skip


def test_cohere_v1_is_asked_with_a_preamble_a_history_and_a_message():
    assert request("cohere", "https://h/v1/chat", "m", TALK, {"temperature": 0}) == {
        "model": "m",
        "temperature": 0,
        "preamble": "Judge.",
        "chat_history": [{"role": "USER", "message": "First?"}, {"role": "CHATBOT", "message": "Yes."}],
        "message": "Second?",
    }
    assert request("cohere", "https://h/v1/chat", "m", TALK[1:2], {}) == {"model": "m", "message": "First?"}
    with pytest.raises(ValueError, match="ends with the user"):
        request("cohere", "https://h/v1/chat", "m", TALK[:3], {})


def choice(message, finish="stop", **more):
    return {"choices": [{"index": 0, "message": message, "finish_reason": finish}], **more}


OPENAI = {
    "hosted": (
        choice(
            {"role": "assistant", "content": "hi", "refusal": None, "annotations": []},
            usage={"prompt_tokens": 19, "completion_tokens": 10, "completion_tokens_details": {"reasoning_tokens": 0}},
        ),
        Reply("hi", "stop", usage=Usage(19, 10)),
    ),
    "vLLM": (
        choice(
            {"role": "assistant", "content": "hi", "reasoning_content": "B? No, A.", "tool_calls": []},
            stop_reason=None, usage={"prompt_tokens": 7, "total_tokens": 9, "completion_tokens": 2},
        ),
        Reply("hi", "stop", usage=Usage(7, 2)),
    ),
    "vLLM, cut while thinking": (
        choice({"role": "assistant", "content": None, "reasoning": "Hm"}, "length"), Reply("", "length")
    ),
    "llama.cpp": (choice({"role": "assistant", "content": "hi"}, timings={"prompt_n": 1}), Reply("hi", "stop")),
    "Ollama": (
        choice({"role": "assistant", "content": "hi"}, system_fingerprint="fp_ollama", usage={"prompt_tokens": 26.0,
               "completion_tokens": 3.0}),
        Reply("hi", "stop", usage=Usage(26, 3)),
    ),
    "parts": (
        choice({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "A?"}]},
                            {"type": "text", "text": "h"}, {"type": "output_text", "text": "i"}, "!"]}),
        Reply("hi!", "stop"),
    ),
    "no finish": (choice({"content": "hi"}, None), Reply("hi")),
    "strange finish": (choice({"content": "hi"}, {"type": "eos"}), Reply("hi")),
    "refused": (choice({"content": "", "refusal": "I will not."}), Reply("", "stop", refused=True)),
    "refused in a part": (
        choice({"content": [{"type": "refusal", "refusal": "No."}]}), Reply("", "stop", refused=True)
    ),
    "filtered": (choice({"content": "x"}, "content_filter"), Reply("x", "content_filter", refused=True)),
    "other names for tokens": (
        choice({"content": "hi"}, usage={"input_tokens": 1, "output_tokens": 2}), Reply("hi", "stop", usage=Usage(1, 2))
    ),
    **{
        f"usage {usage!r:.30}": (choice({"content": "hi"}, usage=usage), Reply("hi", "stop"))
        for usage in (None, [], "many", {"prompt_tokens": 3}, {"prompt_tokens": 1, "completion_tokens": None},
                      {"prompt_tokens": -1, "completion_tokens": 1}, {"prompt_tokens": True, "completion_tokens": 1},
                      {"prompt_tokens": 1.5, "completion_tokens": 1}, {"prompt_tokens": 10**30, "completion_tokens": 1},
                      {"prompt_tokens": float("nan"), "completion_tokens": 1})
    },
}  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), OPENAI.values(), ids=OPENAI)
def test_openai_answers(data, expected):
    assert reply("openai", data) == expected


COUNTS = {
    "billed_units": {"input_tokens": 17, "output_tokens": 12},
    "tokens": {"input_tokens": 215, "output_tokens": 12},
}
TEXT = {"role": "assistant", "content": [{"type": "text", "text": "hi"}]}

COHERE = {
    "v2": (
        {"id": "1", "message": TEXT, "finish_reason": "COMPLETE", "usage": COUNTS},
        Reply("hi", "stop", usage=Usage(17, 12)),
    ),
    "v2 with meta": (
        {"message": TEXT, "finish_reason": "COMPLETE", "meta": COUNTS}, Reply("hi", "stop", usage=Usage(17, 12))
    ),
    "v2 without bills": (
        {"message": TEXT, "finish_reason": "STOP_SEQUENCE", "usage": {"tokens": COUNTS["tokens"]}},
        Reply("hi", "stop", usage=Usage(215, 12)),
    ),
    "v2 thinking": (
        {"message": {"content": [{"type": "thinking", "thinking": "B?"}, *TEXT["content"]]}},
        Reply("hi"),
    ),
    "v2 cut": ({"message": TEXT, "finish_reason": "MAX_TOKENS"}, Reply("hi", "length")),
    "v2 toxic": (
        {"message": TEXT, "finish_reason": "ERROR_TOXIC"}, Reply("hi", "content_filter", refused=True)
    ),
    "v1": (
        {"text": "hi", "generation_id": "1", "chat_history": [], "finish_reason": "COMPLETE", "meta": COUNTS},
        Reply("hi", "stop", usage=Usage(17, 12)),
    ),
    "v1 full": ({"text": "hi", "finish_reason": "ERROR_LIMIT", "meta": None}, Reply("hi", "length")),
    "v1 toxic": ({"text": "", "finish_reason": "ERROR_TOXIC"}, Reply("", "content_filter", refused=True)),
    "tools": ({"message": {"content": None}, "finish_reason": "TOOL_CALL"}, Reply("", "tool_call")),
}  # fmt: skip


@pytest.mark.parametrize(("data", "expected"), COHERE.values(), ids=COHERE)
def test_cohere_answers(data, expected):
    assert reply("cohere", data) == expected


@pytest.mark.parametrize("finish", ["ERROR", "TIMEOUT", "USER_CANCEL"])
def test_an_answer_that_ended_in_an_error_is_none(finish):
    with pytest.raises(NoReply, match=f"finish reason {finish.lower()}"):
        reply("cohere", {"message": TEXT, "finish_reason": finish})
    with pytest.raises(NoReply, match="finish reason error"):
        reply("openai", choice({"content": "so far"}, "error"))


@pytest.mark.parametrize(
    "data",
    [None, [], "", 3, {}, {"choices": []}, {"choices": {}}, {"choices": [3]}, {"choices": [{"text": "old"}]},
     {"choices": [{"message": "hi"}]}, choice({"content": 3}), choice({"content": {"text": "x"}}),
     choice({"content": [3]}), choice({"content": [{"type": "text"}]}), {"error": {"message": "busy"}},
     {"message": "hi"}, {"text": 3}],
)  # fmt: skip
def test_what_is_no_reply(data):
    for dialect in ("openai", "cohere"):
        with pytest.raises(NoReply):
            reply(dialect, data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "text", "type", "finish_reason", "usage", "meta", "billed_units",
                 "prompt_tokens", "completion_tokens", "input_tokens", "output_tokens", "refusal", "error"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)  # fmt: skip


@given(data=JSON, dialect=st.sampled_from(["openai", "cohere"]))
def test_whatever_an_answer_holds_it_is_a_reply_or_none(data, dialect):
    said(data)
    try:
        found = reply(dialect, data)
    except NoReply:
        return
    assert isinstance(found.text, str)
    assert isinstance(found.finish, str)
    assert isinstance(found.refused, bool)


@pytest.mark.parametrize(
    ("data", "words"),
    [({"error": {"message": "busy", "code": 1}}, "busy"), ({"error": "busy"}, "busy"), ({"message": "busy"}, "busy"),
     ({"detail": "busy"}, "busy"), ({"error": {"code": 1}, "message": "busy"}, "busy"), ({"error": 3}, None),
     ([], None)],
)  # fmt: skip
def test_what_an_error_says(data, words):
    assert said(data) == words
