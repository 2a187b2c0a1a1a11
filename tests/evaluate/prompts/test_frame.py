"""Frames: an instruction reaches a model whole, whatever it holds, and nothing of it is taken for a field."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaven.evaluate.prompts.frame import FRAME, check_frame, framed, readable, stop_of
from leaven.evaluate.prompts.plan import PromptPlan
from leaven.ground.errors import BadInput

FRAMES = [
    FRAME,
    "Instruction: {instruction}\n\nAnswer:",
    "[INST] {instruction} [/INST]",
    "Below is a task.\n\n### Instruction:\n{instruction}[\n\n### Input:\n{context}]\n\n### Response:\n",
    "Passage: {context}\n\nQ: {instruction}\nA:",
    "{instruction}\n",
]
texts = st.text(st.sampled_from("ab {}[]\n\\instruction"), min_size=1) | st.sampled_from(
    ["{instruction}", "{context}", "[{context}]", "a {0} %s $1 \\1", "\\g<before>"]
)


@pytest.mark.parametrize("frame", FRAMES)
@given(instruction=texts, context=texts | st.just(""))
def test_what_is_asked_is_in_the_frame_once_and_untouched(frame: str, instruction: str, context: str) -> None:
    check_frame(frame)
    mark, other = "\ue000", "\ue001"
    pattern = framed(frame, mark, other if context else "")
    assert framed(frame, instruction, context) == "".join(
        {mark: instruction, other: context}.get(sign, sign) for sign in pattern
    )
    assert (pattern.count(mark), pattern.count(other)) == (1, bool(context))


def test_the_default() -> None:
    assert framed(FRAME, "Why?") == "Question: Why?\n\nAnswer:"
    assert framed(FRAME, "Why?", "A sky.") == "Question: Why?\n\nA sky.\n\nAnswer:"
    assert stop_of(FRAME) == ("\nQuestion:",)


def test_a_context_without_a_place_follows_the_instruction() -> None:
    assert framed("Q: {instruction}\nA:", "Why?", "A sky.") == f"Q: {readable('Why?', 'A sky.')}\nA:"


def test_what_stands_with_a_context_goes_with_it() -> None:
    frame = "[About {context}: ]{instruction} [sic]"
    assert framed(frame, "Why?") == "Why? [sic]"
    assert framed(frame, "Why?", "birds") == "About birds: Why? [sic]"


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        ("Answer:", "{instruction} is missing"),
        ("", "{instruction} is missing"),
        ("{instructions}", 'did you mean "instruction"?'),
        ("{instruction} {prompt}", "unknown field {prompt}"),
        ("[{context}]", "{instruction} is missing"),
    ],
)
def test_a_frame_that_cannot_be_filled(frame: str, said: str) -> None:
    with pytest.raises(BadInput) as error:
        PromptPlan("vicuna", frame=frame)
    assert said in str(error.value)
    assert error.value.field == "frame"


@pytest.mark.parametrize(
    ("frame", "stop"),
    [
        (FRAMES[1], ("\nInstruction:",)),
        (FRAMES[2], ("[INST]",)),
        (FRAMES[3], ("\nBelow is a task.", "\n### Instruction:")),
        (FRAMES[4], ("\nPassage:", "\nQ:")),
        ("[Passage: {context}\n\n]Q: {instruction}\nA:", ("\nQ:", "\nPassage:")),
        ("<|user|>\n{instruction}\n<|assistant|>\n", ("<|user|>",)),
        (FRAMES[5], ()),
    ],
)
def test_a_completion_ends_where_the_next_turn_begins(frame: str, stop: tuple[str, ...]) -> None:
    assert stop_of(frame) == stop


@pytest.mark.parametrize("frame", FRAMES[:-1])
def test_the_next_turn_holds_a_stop(frame: str) -> None:
    two = framed(frame, "One?", "a") + " yes\n" + framed(frame, "Two?", "b")
    assert any(stop in two[len(framed(frame, "One?", "a")) :] for stop in stop_of(frame))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"set": ""}, "set"),
        ({"limit": 0}, "limit"),
        ({"limit": True}, "limit"),
        ({"overlapping": "lose"}, "overlapping"),
        ({"where": {"category": "open_qa"}}, "where.category"),
        ({"where": {"category": ()}}, "where.category"),
    ],
)
def test_plans_that_ask_for_nothing(wrong, field: str) -> None:
    with pytest.raises(BadInput) as error:
        PromptPlan(**{"set": "vicuna", **wrong})
    assert error.value.field == field
