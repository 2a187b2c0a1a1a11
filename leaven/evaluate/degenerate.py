"""Whether a text is empty, repeats itself, or loops at its end: what likelihood and style both fall for.

Rules of ours, on the text with its white space collapsed. Measured on texts taken at random places, with the distinct
8-character windows alone (fewer than half distinct, white space as it is) in brackets: of 1,622 texts of 100 to 2,000
characters of held-out books, pages and textbooks 0 % (0) are flagged; of the Python standard library's code 0 % (0.3)
at 100 characters, 0 % (1.9) at 500 and 0.2 % (11) at 2,000; of its test files, which do repeat themselves, 0.3 % (0.4),
0.9 % (9.8) and 3.6 % (47); of text-davinci-003's answers to AlpacaEval's 805 instructions 0.5 % (1.1), of alpaca-7b's
0.5 % (1.4). Where the second half of 100 to 2,000 characters is a loop of up to 100 characters, 84 to 94 % (7 to 83)
are found, and with a number counting in the loop 86 to 100 % (0 to 29); what is missed are mostly loops of white space.
"""

from __future__ import annotations

import re

SHORTEST, LONGEST = 8, 16
"""Characters of the windows that are compared: a sixteenth of the text, between these. Short ones call long code
repetitive, whose names and indentation come back."""
TIMES, LEAST, SHARE = 3, 32, 0.25
"""A loop at the end: what comes so many times at least, in so many characters and so much of the text at least."""
SPACE = re.compile(r"\s+")
NUMBER = re.compile(r"\d+")
LETTER = re.compile(r"[^\W\d_]")


def degenerate(text: str) -> bool:
    """Whether a text is empty, mostly repeats itself, or ends in a loop.

    Texts of less than two windows are not called repetitive. Linear in the text.
    """
    text = SPACE.sub(" ", text.strip())
    return not text or _repeats(text) or _loops(text)


def _repeats(text: str) -> bool:
    """Fewer than half of its windows are distinct: a loop of any period up to half the text, also one that has ended
    or varies a little."""
    size = min(LONGEST, max(SHORTEST, len(text) // 16))
    windows = [text[place : place + size] for place in range(len(text) - size + 1)]
    return len(text) >= 2 * size and 2 * len(set(windows)) < len(windows)


def _loops(text: str) -> bool:
    """Whether the end of the text is a loop, however good its beginning. Lines that differ in a number alone are one
    line, unless they have no word: a list of numbers is none."""
    numbered = NUMBER.sub("0", text)
    return _ends(text) or (_ends(numbered) and bool(LETTER.search(numbered[-LEAST:])))


def _ends(text: str) -> bool:
    return _repeated(text) >= max(LEAST, SHARE * len(text))


def _repeated(text: str) -> int:
    """Characters of the longest end of the text that is one piece `TIMES` times or more, the last of them perhaps not
    whole; 0 where there is none."""
    # the Z function of the text turned round: how much of it comes again `period` characters further (Gusfield 1997)
    turned = text[::-1]
    size, longest = len(turned), 0
    again = [0] * size
    left = right = 0
    for period in range(1, size):
        same = min(right - period, again[period - left]) if period < right else 0
        while period + same < size and turned[same] == turned[period + same]:
            same += 1
        again[period] = same
        if period + same > right:
            left, right = period, period + same
        if same + period >= TIMES * period:
            longest = max(longest, same + period)
    return longest
