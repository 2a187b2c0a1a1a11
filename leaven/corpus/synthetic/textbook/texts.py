"""Exercises on texts: rows of data (see `exercise`)."""

from __future__ import annotations

import re
from itertools import groupby, takewhile

from leaven.corpus.synthetic.family import LETTERS, MARKS
from leaven.corpus.synthetic.textbook.exercise import Exercise, rows, span

row = rows("texts")
_MARKS = tuple(mark for mark in MARKS if mark != " ")

TEXTS: tuple[Exercise, ...] = (
    row(
        "shift_letters",
        "text -> str",
        (span(1, 25), _MARKS),
        "shift_letters encode caesar",
        "Replace each small letter of $x by the one $p places later in the alphabet, going on at 'a' after 'z', and "
        "every space by $q. | Encode $x: small letters move $p places forward around the alphabet, spaces become $q, "
        "everything else stays.",
        """
        result = ''
        for char in $x:
            if 'a' <= char <= 'z':
                place = (ord(char) - ord('a') + $p) % 26
                char = chr(ord('a') + place)
            elif char == ' ':
                char = $q
            result += char
        return result
        """,
        lambda p, q, x: x.translate(
            {
                ord(c): q if c == " " else "abcdefghijklmnopqrstuvwxyz"[(i + p) % 26]
                for i, c in enumerate((*LETTERS, " "))
            }
        ),
        laws="len($f($x)) == len($x) | ' ' not in $f($x)",
        post="len(_) == len($x)",
    ),
    row(
        "pack_runs",
        "letters -> str",
        (span(2, 5), _MARKS),
        "pack_runs compress run_lengths",
        "Double every letter of $x and put $q after each run of equal letters that is then at least $p long. | "
        "Write each letter of $x twice; behind every stretch of $p or more equal letters in the result write $q.",
        """
        doubled = ''.join(char * 2 for char in $x)
        result = ''
        length = 0
        for place, char in enumerate(doubled):
            result += char
            length += 1
            if place + 1 == len(doubled) or doubled[place + 1] != char:
                if length >= $p:
                    result += $q
                length = 0
        return result
        """,
        lambda p, q, x: "".join(
            c * (2 * n) + (q if 2 * n >= p else "") for c, n in [(c, len([*run])) for c, run in groupby(x)]
        ),
        laws="$f($x).replace($q, '') == ''.join(c + c for c in $x)",
    ),
    row(
        "long_words_up",
        "text -> str",
        (span(2, 6), _MARKS),
        "long_words_up shout_long emphasise",
        "Put the words of $x that have more than $p characters in capitals and join all words by $q. | "
        "Split $x at white space, write words longer than $p in upper case, and return the words with $q between.",
        """
        words = []
        for word in $x.split():
            if len(word) > $p:
                word = word.upper()
            words.append(word)
        return $q.join(words)
        """,
        lambda p, q, x: re.sub(r"\s+", q, re.sub(rf"\S{{{p + 1},}}", lambda m: m[0].upper(), x.strip())),
        laws="' ' not in $f($x)",
    ),
    row(
        "shorten",
        "text -> str",
        (span(4, 30), ("...", "~", "--", "*", ">>")),
        "shorten cut_text abbreviate",
        "Return $x if it has at most $p characters; otherwise its beginning and $q, $p characters together. | "
        "Cut $x so that it is no longer than $p with $q at the end; texts that fit already stay as they are.",
        """
        if len($x) <= $p:
            return $x
        room = $p - len($q)
        return $x[:room] + $q
        """,
        lambda p, q, x: (x[: p - len(q)] + q) if x[p:] else x,
        laws="len($f($x)) <= $p | $f($f($x)) == $f($x)",
        post="len(_) <= $p | _ == $x or len(_) == $p",
    ),
    row(
        "letter_score",
        "letters -> int",
        (span(1, 20), span(1, 20)),
        "letter_score score_word value_of",
        "Each vowel of $x counts $p and each other letter $q; two equal letters in a row count nothing the second "
        "time. "
        "Return the sum. | Score $x: $p for a, e, i, o or u, $q for any other character, 0 for one that repeats the "
        "character before it.",
        """
        score = 0
        previous = ''
        for char in $x:
            if char != previous:
                score += $p if char in 'aeiou' else $q
            previous = char
        return score
        """,
        lambda p, q, x: sum(p if c in {*"aeiou"} else q for c, _ in groupby(x)),
        laws="$f($x) <= max($p, $q) * len($x)",
        post="_ >= 0",
    ),
    row(
        "initials",
        "text -> str",
        (span(1, 5), _MARKS),
        "initials acronym first_letters",
        "Return the first letters, in capitals, of the words of $x with at least $p characters, with $q after each. | "
        "Make an acronym of $x out of its words of $p or more characters; write $q behind every letter.",
        """
        result = ''
        for word in $x.split():
            if len(word) >= $p:
                result += word[0].upper() + $q
        return result
        """,
        lambda p, q, x: "".join(f"{w[0].upper()}{q}" for w in re.findall(r"\S+", x) if not len(w) < p),
        laws="len($f($x)) % 2 == 0",
    ),
    row(
        "mark_groups",
        "letters -> str",
        (span(1, 6), _MARKS),
        "mark_groups separate insert_marks",
        "Put $q between groups of $p letters of $x, counted from the right. | "
        "Split $x from its end into pieces of $p letters and join them by $q; the first piece may be shorter.",
        """
        pieces = []
        end = len($x)
        while end > 0:
            pieces.append($x[max(0, end - $p):end])
            end -= $p
        return $q.join(reversed(pieces))
        """,
        lambda p, q, x: "".join(
            c + (q if (len(x) - i - 1) % p == 0 and i + 1 < len(x) else "") for i, c in enumerate(x)
        ),
        laws="$f($x).replace($q, '') == $x",
        post="len(_) >= len($x)",
    ),
    row(
        "blank_every",
        "letters -> str",
        (span(2, 6), span(0, 5), _MARKS[:5]),
        "blank_every mask_letters hide",
        "Replace the letters of $x at indices $q, $q + $p, $q + 2 * $p and so on by $r. | "
        "Beginning at index $q, put $r in place of every letter of $x whose index is a multiple of $p further on.",
        """
        letters = list($x)
        place = $q
        while place < len(letters):
            letters[place] = $r
            place += $p
        return ''.join(letters)
        """,
        lambda p, q, r, x: "".join(r if i >= q and (i - q) % p == 0 else c for i, c in enumerate(x)),
        laws="len($f($x)) == len($x) | $f($f($x)) == $f($x)",
        post="len(_) == len($x)",
    ),
    row(
        "common_start",
        "words -> str",
        (span(1, 9), LETTERS),
        "common_start shared_prefix prefix_of_all",
        "Put $q before each word of $x and return the longest beginning all share, at most $p characters. | "
        "After writing $q in front of every word of $x, find what all words start with, up to $p characters.",
        """
        words = [$q + word for word in $x]
        if not words:
            return ''
        shared = words[0][:$p]
        for word in words[1:]:
            while not word.startswith(shared):
                shared = shared[:-1]
        return shared
        """,
        lambda p, q, x: "".join(
            c[0] for c in takewhile(lambda c: len({*c}) == 1, zip(*(q + w for w in x), strict=False))
        )[:p],
        laws="len($f($x)) <= $p | all(($q + w).startswith($f($x)) for w in $x)",
    ),
    row(
        "rails",
        "letters -> str",
        (span(2, 7), _MARKS),
        "rails zigzag fence",
        "Write $x in a zigzag down and up over $p rows and return the rows read one after the other, joined by $q. | "
        "Spread the letters of $x over $p rails, moving down to the last rail and up to the first by turns; return the "
        "rails with $q between.",
        """
        rails = [''] * $p
        rail, step = 0, 1
        for char in $x:
            rails[rail] += char
            if rail + step not in range($p):
                step = -step
            rail += step
        return $q.join(rails)
        """,
        lambda p, q, x: q.join(
            "".join(c for i, c in enumerate(x) if min(i % (2 * p - 2), -i % (2 * p - 2)) == row) for row in range(p)
        ),
        laws="sorted($f($x)) == sorted($x + $q * ($p - 1))",
        post="len(_) == len($x) + $p - 1",
    ),
    row(
        "wrap_words",
        "text -> list[str]",
        (span(5, 40),),
        "wrap_words lines_of fill",
        "Break $x into lines of at most $p characters, filling each as far as whole words allow; a longer word stands "
        "alone. | Return the words of $x as lines, with single spaces between words, so that no line but one of a "
        "single long word has more than $p characters.",
        """
        lines = []
        for word in $x.split():
            if lines and len(lines[-1]) + 1 + len(word) <= $p:
                lines[-1] += ' ' + word
            else:
                lines.append(word)
        return lines
        """,
        lambda p, x: _filled(x.split(), p),
        laws="' '.join($f($x)).split() == $x.split() | all(len(l) <= $p or ' ' not in l for l in $f($x))",
    ),
)


def _filled(words: list[str], width: int) -> list[str]:
    if not words:
        return []
    fits = [k for k in range(1, len(words) + 1) if len(" ".join(words[:k])) <= width] or [1]
    return [" ".join(words[: fits[-1]]), *_filled(words[fits[-1] :], width)]
