"""Exercises on recursion: rows of data (see `exercise`)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import Any

from leaven.corpus.synthetic.textbook.exercise import Exercise, rows, span

row = rows("recursion")

RECURSION: tuple[Exercise, ...] = (
    row(
        "deep_sum",
        "nested -> int",
        (span(2, 12), span(0, 20)),
        "deep_sum nested_total weigh_tree",
        "$x is a list of numbers and further such lists. Sum its numbers, each increased by $q and multiplied by $p "
        "once "
        "for every list around it but the outermost. | Add up all numbers n of the nested list $x, counting "
        "(n + $q) * $p ** depth, where depth is 0 in $x itself.",
        """
        total = 0
        for item in $x:
            if isinstance(item, list):
                total += $p * $f(item)
            else:
                total += item + $q
        return total
        """,
        lambda p, q, x: sum((n + q) * p**d for n, d in _leaves(x)),
    ),
    row(
        "flatten_to",
        "nested -> list[int]",
        (span(-5, 15), span(1, 9)),
        "flatten_to all_numbers unnest",
        "Return all numbers above $p of the nested list $x from left to right, however deep, each times $q. | "
        "Flatten $x, a list of numbers and lists, keep what is greater than $p and multiply it by $q.",
        """
        numbers = []
        for item in $x:
            if isinstance(item, list):
                numbers += $f(item)
            elif item > $p:
                numbers.append(item * $q)
        return numbers
        """,
        lambda p, q, x: [n * q for n, _ in _leaves(x) if not n <= p],
        laws="all(v % $q == 0 and v > $p * $q for v in $f($x))",
    ),
    row(
        "deepest_above",
        "nested -> int",
        (span(-5, 15),),
        "deepest_above max_depth depth_of",
        "Return the greatest depth at which the nested list $x holds a number above $p, 1 being $x itself, or 0 if "
        "there is none. | How many lists are around the number greater than $p that lies deepest in $x? Return 0 "
        "without such a number.",
        """
        depth = 0
        for item in $x:
            if isinstance(item, list):
                inner = $f(item)
                if inner > 0:
                    depth = max(depth, inner + 1)
            elif item > $p:
                depth = max(depth, 1)
        return depth
        """,
        lambda p, x: max((d + 1 for n, d in _leaves(x) if n > p), default=0),
        laws="$f($x) >= 0 | $f([$x]) == ($f($x) + 1 if $f($x) else 0)",
    ),
    row(
        "climb",
        "few -> int",
        (span(2, 6), span(11, 99)),
        "climb stairs ways_up",
        "In how many ways can $x stairs be climbed by steps of 1 and $p? Return the number modulo $q. | "
        "Count the sequences of ones and ${p}s that add up to $x, and return the remainder by $q.",
        """
        ways = [1]
        for stair in range(1, $x + 1):
            count = ways[stair - 1]
            if stair >= $p:
                count += ways[stair - $p]
            ways.append(count)
        return ways[$x] % $q
        """,
        lambda p, q, x: _ways(x, p) % q,
        laws="0 <= $f($x) < $q",
        pre="0 <= $x <= 10",
        post="0 <= _ < $q",
    ),
    row(
        "subsets_with_sum",
        "nats -> int",
        (span(5, 150),),
        "subsets_with_sum count_subsets choices",
        "Count the ways to choose items of $x, none included, whose sum is at most $p. | "
        "How many of all selections of positions in $x add up to no more than $p? The empty selection counts.",
        """
        def choose(place, left):
            if left < 0:
                return 0
            if place == len($x):
                return 1
            return choose(place + 1, left) + choose(place + 1, left - $x[place])
        return choose(0, $p)
        """,
        lambda p, x: sum(
            sum(v for v, taken in zip(x, choice, strict=True) if taken) <= p
            for choice in product((0, 1), repeat=len(x))
        ),
        laws="1 <= $f($x) <= 2 ** len($x)",
    ),
    row(
        "pay_ways",
        "nat -> int",
        (span(2, 9), span(10, 40)),
        "pay_ways change_ways coin_ways",
        "In how many ways can $x be paid with coins of 1, $p and $q? The order does not matter. | "
        "Count the triples of numbers of coins worth 1, $p and $q that make $x together.",
        """
        ways = [1] + [0] * $x
        for coin in (1, $p, $q):
            for amount in range(coin, $x + 1):
                ways[amount] += ways[amount - coin]
        return ways[$x]
        """,
        lambda p, q, x: sum((x - big) // p + 1 for big in range(0, x + 1, q)),
        laws="$f($x) >= 1 | $f($x) <= $f($x + 1)",
        pre="0 <= $x <= 12",
        post="_ >= 1",
    ),
    row(
        "find_place",
        "sorted -> int",
        (span(-30, 60),),
        "find_place binary_search insertion_place",
        "Return how many numbers of the sorted list $x are below $p, by halving the list. | "
        "Find, with a binary search, the first position in the rising list $x at which $p could be inserted.",
        """
        low, high = 0, len($x)
        while low < high:
            middle = (low + high) // 2
            if $x[middle] < $p:
                low = middle + 1
            else:
                high = middle
        return low
        """,
        lambda p, x: len([v for v in x if not v >= p]),
        laws="all(v < $p for v in $x[:$f($x)]) and all(v >= $p for v in $x[$f($x):])",
        post="0 <= _ <= len($x)",
    ),
    row(
        "edit_cost",
        "letters letters -> int",
        (span(1, 9), span(1, 9)),
        "edit_cost change_cost distance",
        "Return the least cost to turn $x into $y when inserting or removing a letter costs $p and replacing one $q. | "
        "What is the cheapest way from $x to $y? Each letter put in or taken out costs $p, each letter exchanged "
        "for another costs $q.",
        """
        costs = [j * $p for j in range(len($y) + 1)]
        for i, first in enumerate($x, 1):
            previous = costs
            costs = [i * $p]
            for j, second in enumerate($y, 1):
                best = previous[j - 1] + (0 if first == second else $q)
                best = min(best, previous[j] + $p, costs[j - 1] + $p)
                costs.append(best)
        return costs[-1]
        """,
        lambda p, q, x, y: _edit(x, y, p, q),
        laws="$f($x, $y) == $f($y, $x) | $f($x, $x) == 0",
    ),
)


def _leaves(tree: Sequence[Any], depth: int = 0) -> list[tuple[int, int]]:
    return [leaf for item in tree for leaf in (_leaves(item, depth + 1) if isinstance(item, list) else [(item, depth)])]


def _ways(stairs: int, step: int) -> int:
    if stairs < step:
        return 1
    return _ways(stairs - 1, step) + _ways(stairs - step, step)


def _edit(x: str, y: str, move: int, swap: int) -> int:
    """Alignments by their number of kept letters and of replaced ones: the cheapest over the rows of a full table."""
    table = {(0, 0): 0}
    for total in range(1, len(x) + len(y) + 1):
        for i in range(max(0, total - len(y)), min(total, len(x)) + 1):
            j = total - i
            ways = []
            if i:
                ways.append(table[i - 1, j] + move)
            if j:
                ways.append(table[i, j - 1] + move)
            if i and j:
                ways.append(table[i - 1, j - 1] + swap * (x[i - 1] != y[j - 1]))
            table[i, j] = min(ways)
    return table[len(x), len(y)]
