"""Exercises on amounts, rules and sequences: rows of data (see `exercise`)."""

from __future__ import annotations

from fractions import Fraction

from leaven.corpus.synthetic.family import WORDS
from leaven.corpus.synthetic.textbook.exercise import Exercise, rows, span

row = rows("quantities")

QUANTITIES: tuple[Exercise, ...] = (
    row(
        "halving_steps",
        "nat -> int",
        (span(3, 60),),
        "halving_steps count_steps steps_to_one",
        "Halve $x while it is even, otherwise triple it and add one. Count the steps until it is at most 1, but stop "
        "counting at $p. | Return how many times the rule 'half of an even number, three times an odd number plus "
        "one' is applied to $x before 1 or 0 is reached, at most $p.",
        """
        count = 0
        while $x > 1 and count < $p:
            if $x % 2 == 0:
                $x //= 2
            else:
                $x = 3 * $x + 1
            count += 1
        return count
        """,
        lambda p, x: _halving(x, p),
        laws="0 <= $f($x) <= $p",
        pre="$x >= 0",
        post="0 <= _ <= $p",
    ),
    row(
        "word_for_multiples",
        "nat -> str",
        (span(2, 5), span(6, 12), WORDS[:12]),
        "word_for label_number say",
        "Return $r if $x is a multiple of $p but not of $q, 'both' if it is a multiple of $p and $q, and else the "
        "digits "
        "of $x. | Multiples of both $p and $q give 'both', other multiples of $p give $r, all other numbers give "
        "themselves as text.",
        """
        if $x % $p == 0 and $x % $q == 0:
            return 'both'
        if $x % $p == 0:
            return $r
        return str($x)
        """,
        lambda p, q, r, x: ("both" if not x % q else r) if not x % p else f"{x}",
    ),
    row(
        "round_into_range",
        "int -> int",
        (span(2, 12), span(0, 10), span(20, 60, 4)),
        "round_into_range snap fit",
        "Round $x down to a multiple of $p, then keep the result between $q and $r. | "
        "Return the largest multiple of $p that is not above $x, but at least $q and at most $r.",
        """
        rounded = $x - $x % $p
        if rounded < $q:
            return $q
        if rounded > $r:
            return $r
        return rounded
        """,
        lambda p, q, r, x: sorted((q, x // p * p, r))[1],
        laws="$q <= $f($x) <= $r | $f($x) <= max($x, $q)",
        post="$q <= _ <= $r | _ <= max($x, $q)",
    ),
    row(
        "grade",
        "nat -> str",
        (span(10, 90, 5), span(100, 200, 5), WORDS[12:]),
        "grade rate classify",
        "Return 'low' for $x below $p, 'high' for $x of $q or more, and $r for what is between. | "
        "Classify $x: under $p it is 'low', from $p up to but without $q it is $r, from $q on it is 'high'.",
        """
        if $x < $p:
            return 'low'
        if $x >= $q:
            return 'high'
        return $r
        """,
        lambda p, q, r, x: ["low", r, "high"][(x >= p) + (x >= q)],
        laws="($f($x) == 'low') == ($x < $p)",
        post="(_ == 'low') == ($x < $p) | (_ == 'high') == ($x >= $q)",
    ),
    row(
        "next_sums",
        "few -> int",
        (span(0, 30), span(1, 30)),
        "next_sums sequence_item nth_sum",
        "A sequence begins with $p and $q; each further item is the sum of the two before it. Return item $x, counting "
        "from 0. | Return the item with index $x of the sequence $p, $q, ... in which every item is the sum of the "
        "previous two.",
        """
        first, second = $p, $q
        for _ in range($x):
            first, second = second, first + second
        return first
        """,
        lambda p, q, x: [p, q][x] if x < 2 else _fibonacci(x - 1) * p + _fibonacci(x) * q,
        laws="$f($x + 2) == $f($x + 1) + $f($x)",
        pre="0 <= $x <= 12",
        post="_ >= 0",
    ),
    row(
        "two_rates",
        "nat -> int",
        (span(10, 200, 5), span(1, 12), span(13, 20)),
        "two_rates price fee cost",
        "The first $p units cost $q each and every further unit costs $r. Return the cost of $x units. | "
        "Return what $x units cost when units up to $p are priced at $q and all units above at $r.",
        """
        if $x <= $p:
            return $x * $q
        cheap = $p * $q
        return cheap + ($x - $p) * $r
        """,
        lambda p, q, r, x: sum(q if unit < p else r for unit in range(x)),
        laws="$q * $x <= $f($x) <= $r * $x | $f($x) < $f($x + 1)",
        pre="$x >= 0",
        post="_ >= $q * $x | _ <= $r * $x",
    ),
    row(
        "pack",
        "nat -> tuple[int, int, int]",
        (span(2, 12), span(2, 9)),
        "pack boxes split_up",
        "Pack $x items into boxes of $p and full boxes into crates of $q boxes. Return the crates, the boxes left over "
        "and the items left over. | A box holds $p items and a crate holds $q boxes. Return how many crates and boxes "
        "are filled by $x items and how many items remain, as a tuple.",
        """
        boxes, items = divmod($x, $p)
        crates, boxes = divmod(boxes, $q)
        return crates, boxes, items
        """,
        lambda p, q, x: (x // (p * q), x % (p * q) // p, x % p),
        laws="$f($x)[0] * $p * $q + $f($x)[1] * $p + $f($x)[2] == $x | $f($x)[1] < $q and $f($x)[2] < $p",
        pre="$x >= 0",
        post="_[0] * $p * $q + _[1] * $p + _[2] == $x | _[1] < $q and _[2] < $p",
    ),
    row(
        "special_years",
        "nat -> bool",
        (span(2, 8), span(9, 30), span(2, 6)),
        "is_special leap_like counts",
        "A year is special if $p divides it, unless $q divides it too; but every year that $q times $r divides is "
        "special. Is $x special? | Return whether $x is a multiple of $p and not of $q, or a multiple of $q * $r.",
        """
        if $x % ($q * $r) == 0:
            return True
        if $x % $q == 0:
            return False
        return $x % $p == 0
        """,
        lambda p, q, r, x: Fraction(x, q * r).denominator == 1 or (x // p * p == x and x // q * q != x),
    ),
    row(
        "bounces",
        "nat -> int",
        (span(10, 90, 5), span(1, 30)),
        "bounces count_bounces bounce_count",
        "A ball falls from height $x and after each bounce reaches $p percent of the height before, rounded down. "
        "Count "
        "the bounces until it no longer rises above $q. | Starting at $x, take $p percent (rounded down) again and "
        "again, and return how many times that is done until the number is at most $q.",
        """
        count = 0
        while $x > $q:
            $x = $x * $p // 100
            count += 1
        return count
        """,
        lambda p, q, x: _bounces(x, p, q),
        laws="($f($x) == 0) == ($x <= $q)",
        pre="0 <= $x <= 200",
        post="(_ == 0) == ($x <= $q)",
    ),
    row(
        "recurrence",
        "few -> int",
        (span(2, 40), span(1, 40), span(51, 119, 2)),
        "recurrence iterate generator",
        "Start with 1 and $x times replace the number by the remainder of $p times it plus $q by $r. Return the "
        "result. | "
        "Apply the rule v -> ($p * v + $q) mod $r to 1, $x times over, and return where it ends.",
        """
        value = 1
        for _ in range($x):
            value = (value * $p + $q) % $r
        return value
        """,
        lambda p, q, r, x: (p**x + q * sum(p**i for i in range(x))) % r,
        laws="0 <= $f($x) < $r | $f($x + 1) == ($p * $f($x) + $q) % $r",
        pre="0 <= $x <= 8",
        post="0 <= _ < $r",
    ),
)


def _halving(n: int, most: int) -> int:
    return 0 if n <= 1 or not most else 1 + _halving(3 * n + 1 if n & 1 else n >> 1, most - 1)


def _fibonacci(n: int) -> int:
    return n if n < 2 else _fibonacci(n - 1) + _fibonacci(n - 2)


def _bounces(x: int, p: int, q: int) -> int:
    return 0 if x <= q else 1 + _bounces(x * p // 100, p, q)
