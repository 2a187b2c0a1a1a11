"""How an instruction is put before a base model, and where what the model writes to it ends.

A frame is a text with `{instruction}` and perhaps `{context}`; what stands with `{context}` in `[…]` goes with it where
an instruction has none. Everything is filled in at once: what an instruction holds is never taken for a field.
"""

from __future__ import annotations

import re

from leaven.ground.errors import BadInput, did_you_mean

FRAME = "Question: {instruction}[\n\n{context}]\n\nAnswer:"
"""The default. The paper does not say how it asked; this is the form in which the corpus room writes instruction data
(`corpus/data/shapes.toml`), so that a model that has read some knows it."""
FIELDS = ("instruction", "context")
_PART = re.compile(r"\[(?P<before>[^\[\]{}]*)\{context\}(?P<after>[^\[\]{}]*)\]|\{(?P<field>\w+)\}")
_HERE = "\0"
_FIX = "For example: 'Instruction: {instruction}[\\n\\n{context}]\\n\\nAnswer:'."


def check_frame(frame: str) -> None:
    """Raises BadInput for a frame without {instruction}, or with a field that nothing fills."""
    if not isinstance(frame, str):
        raise BadInput(f"expected text, found {frame!r}", field="frame", fix=_FIX)
    for match in _PART.finditer(frame):
        name = match["field"]
        if name is not None and name not in FIELDS:
            raise BadInput(f"unknown field {{{name}}}{did_you_mean(name, FIELDS)}", field="frame", fix=_FIX)
    if "{instruction}" not in frame:
        raise BadInput("{instruction} is missing: no model would see what is asked", field="frame", fix=_FIX)


def readable(instruction: str, context: str) -> str:
    """An instruction with its context, as a reader and a judge see it."""
    return f"{instruction}\n\n{context}" if context else instruction


def framed(frame: str, instruction: str, context: str = "") -> str:
    """The frame filled in. Where it has no place for a context, the context follows the instruction."""
    given = {"instruction": instruction, "context": context}
    if "{context}" not in frame:
        given["instruction"] = readable(instruction, context)

    def put(match: re.Match[str]) -> str:
        if match["field"] is not None:
            return given[match["field"]]
        return f"{match['before']}{context}{match['after']}" if context else ""

    return _PART.sub(put, frame)


def stop_of(frame: str) -> tuple[str, ...]:
    """The strings that begin the frame's next turn: its first line, and the line that the instruction is on.

    Words count at the beginning of a line only, since they may stand in an answer; a sign such as `[INST]` anywhere. A
    frame that begins with the instruction has none, and a completion ends by its length alone.
    """
    ends: list[str] = []
    for context in ("", _HERE):
        head = framed(frame, _HERE, context).partition(_HERE)[0]
        lines = [line.strip() for line in head.split("\n") if line.strip()]
        ends += [lines[0], lines[-1]] if lines else []
    return tuple(dict.fromkeys(end if end[0] in "<[" else f"\n{end}" for end in ends))
