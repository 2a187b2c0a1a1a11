"""Running code for a number of lines rather than for a time: the same answer on a busy machine."""

from __future__ import annotations

import sys
from types import CodeType, FrameType
from typing import Any


class TooManyStepsError(BaseException):
    """The code ran more lines than it may. Not an Exception, so that code which catches those does not catch it."""


def run(codes: list[CodeType], most: int) -> int:
    """Execute code objects one after the other in one namespace; how many lines they ran.

    Raises TooManyStepsError after `most` lines, and whatever the code raises.
    """
    left = most

    def each(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal left
        if event == "line":
            left -= 1
            if left < 0:
                raise TooManyStepsError
        return each

    names: dict[str, Any] = {"__name__": "__main__"}
    before = sys.gettrace()
    sys.settrace(each)
    try:
        for code in codes:
            exec(code, names)
    finally:
        sys.settrace(before)
    return most - left
