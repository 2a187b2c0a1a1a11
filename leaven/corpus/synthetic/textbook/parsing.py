"""Exercises on reading small formats: rows of data (see `exercise`)."""

from __future__ import annotations

import re

from leaven.corpus.synthetic.family import MARKS
from leaven.corpus.synthetic.textbook.exercise import Exercise, rows, span
from leaven.corpus.synthetic.textbook.kinds import ROMAN

row = rows("parsing")
_MARKS = tuple(mark for mark in MARKS if mark != " ")

PARSING: tuple[Exercise, ...] = (
    row(
        "settings",
        "settings -> dict[str, int]",
        (_MARKS[:6], ("=", "~", "<", "@", "!", "^"), span(-1, 20)),
        "read_settings parse_settings options",
        "$x holds settings apart by $p, each a name, $q and a number; a name alone means $r. Return them as a dict. | "
        "Parse $x: split it at $p, then every part at $q into a name and a whole number, with $r where there is no "
        "number. Later settings win.",
        """
        result = {}
        for part in $x.split($p):
            name, found, number = part.partition($q)
            result[name] = int(number) if found else $r
        return result
        """,
        lambda p, q, r, x: {(w := [*part.split(q), r])[0]: int(w[1]) for part in x.split(p)},
    ),
    row(
        "depth_within",
        "brackets -> bool",
        (span(1, 4), span(0, 3)),
        "depth_within well_nested balanced",
        "Are the brackets of $x balanced and nested at most $p deep, with at least $q pairs? | "
        "Return whether every bracket of $x is closed by its own kind in the right order, no more than $p are ever "
        "open "
        "at once, and there are $q or more pairs.",
        """
        waiting = []
        for char in $x:
            if char in '([':
                waiting.append(')' if char == '(' else ']')
                if len(waiting) > $p:
                    return False
            elif not waiting or waiting.pop() != char:
                return False
        return not waiting and len($x) >= 2 * $q
        """,
        lambda p, q, x: _depth(x) in range(p + 1) and len(x) // 2 >= q,
        laws="not $f($x) or len($x) % 2 == 0",
    ),
    row(
        "postfix",
        "sums -> int",
        (span(2, 60),),
        "postfix evaluate calculate",
        "Evaluate $x, numbers and the signs +, - and * in postfix order, with every result taken modulo $p. | "
        "A number in $x goes on a stack; a sign takes the two top numbers off and puts the result, modulo $p, back. "
        "Return what is left.",
        """
        stack = []
        for token in $x:
            if token not in ('+', '-', '*'):
                stack.append(int(token) % $p)
                continue
            second, first = stack.pop(), stack.pop()
            if token == '+':
                value = first + second
            elif token == '-':
                value = first - second
            else:
                value = first * second
            stack.append(value % $p)
        return stack[-1]
        """,
        lambda p, x: _postfix(x) % p,
        laws="0 <= $f($x) < $p",
    ),
    row(
        "numbers_inside",
        "runs -> int",
        (span(0, 12), span(1, 20)),
        "numbers_inside sum_numbers find_numbers",
        "Add up the numbers above $p that are written in $x, and multiply the sum by $q. | "
        "Find each stretch of digits in $x, read it as a number, and return $q times the sum of those greater than $p.",
        """
        total = 0
        digits = ''
        for char in $x + ' ':
            if char.isdigit():
                digits += char
            elif digits:
                if int(digits) > $p:
                    total += int(digits)
                digits = ''
        return total * $q
        """,
        lambda p, q, x: q * sum(n for n in map(int, re.findall("[0-9]+", x)) if not n <= p),
        laws="$f($x) % $q == 0",
    ),
    row(
        "unpack_runs",
        "runs -> str",
        (span(1, 9), _MARKS),
        "unpack_runs expand unroll",
        "$x holds letters, each followed by how often it is repeated. Write them out, no letter more than $p times, "
        "with "
        "$q after each group. | Expand $x, in which a number stands after every letter, to that many copies of the "
        "letter but at most $p; end every group by $q.",
        """
        result = ''
        place = 0
        while place < len($x):
            letter = $x[place]
            place += 1
            start = place
            while place < len($x) and $x[place].isdigit():
                place += 1
            result += letter * min($p, int($x[start:place])) + $q
        return result
        """,
        lambda p, q, x: re.sub(r"([a-z])(\d+)", lambda m: (m[1] * int(m[2]))[:p] + q, x),
    ),
    row(
        "roman_value",
        "roman -> int",
        (span(0, 200),),
        "roman_value from_roman read_numeral",
        "Return the value of the Roman numeral $x, plus $p. | "
        "Read $x as a Roman numeral, in which a smaller letter before a larger one is subtracted, and add $p.",
        """
        values = {'I': 1, 'V': 5, 'X': 10, 'L': 50, 'C': 100, 'D': 500, 'M': 1000}
        total = $p
        for place, letter in enumerate($x):
            value = values[letter]
            if place + 1 < len($x) and values[$x[place + 1]] > value:
                total -= value
            else:
                total += value
        return total
        """,
        lambda p, x: p + _roman(x),
        laws="$f($x) > $p",
    ),
    row(
        "strip_comment",
        "text -> list[str]",
        (_MARKS, span(1, 5)),
        "strip_comment code_words before_mark",
        "Drop everything from the first $p of $x on and return the words before it that have at least $q characters. | "
        "In $x a comment begins at $p. Return the words of $q or more characters that stand before the comment.",
        """
        kept = []
        word = ''
        for char in $x + $p:
            if char == $p or char == ' ':
                if word and len(word) >= $q:
                    kept.append(word)
                word = ''
                if char == $p:
                    break
            else:
                word += char
        return kept
        """,
        lambda p, q, x: [w for w in x.split(p)[0].split(" ") if w[q - 1 :]],
        laws="all(len(w) >= $q and $p not in w for w in $f($x))",
    ),
)


def _depth(x: str) -> int:
    """How deep the brackets are nested; -1 where they do not match."""
    if not x:
        return 0
    without_innermost = re.sub(r"\(\)|\[\]", "", x)
    outer = -1 if without_innermost == x else _depth(without_innermost)
    return outer if outer < 0 else outer + 1


def _postfix(tokens: list[str]) -> int:
    def value(end: int) -> tuple[int, int]:
        """The value of the expression that ends before `end`, and where it begins."""
        token = tokens[end - 1]
        if token.isdigit():
            return int(token), end - 1
        second, middle = value(end - 1)
        first, start = value(middle)
        return {"+": first + second, "-": first - second, "*": first * second}[token], start

    return value(len(tokens))[0]


def _roman(text: str) -> int:
    for value, letters in ROMAN:
        if text.startswith(letters):
            return value + _roman(text[len(letters) :])
    return 0
