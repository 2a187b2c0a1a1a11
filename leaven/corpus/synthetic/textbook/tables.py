"""Exercises on dictionaries: rows of data (see `exercise`)."""

from __future__ import annotations

from collections import Counter

from leaven.corpus.synthetic.family import WORDS
from leaven.corpus.synthetic.textbook.exercise import Exercise, rows, span

row = rows("tables")

TABLES: tuple[Exercise, ...] = (
    row(
        "turn_table",
        "table -> dict[int, list[str]]",
        (span(-10, 40), span(1, 9)),
        "turn_table invert keys_by_value",
        "Return which keys of $x have each value divided by $q (rounded down), in alphabetical order, for values of at "
        "least $p. | Group the keys of $x by value // $q, leaving out values below $p; each group is sorted.",
        """
        result = {}
        for key in sorted($x):
            if $x[key] >= $p:
                group = $x[key] // $q
                result.setdefault(group, []).append(key)
        return result
        """,
        lambda p, q, x: {
            v // q: sorted(k for k in x if x[k] // q == v // q and x[k] >= p) for v in x.values() if not v < p
        },
        laws="sorted(k for g in $f($x).values() for k in g) == sorted(k for k in $x if $x[k] >= $p)",
    ),
    row(
        "add_tables",
        "table table -> dict[str, int]",
        (span(1, 9), span(1, 9)),
        "add_tables combine merge_tables",
        "Return a table with every key of $x or $y, whose value is $p times the one in $x plus $q times the one in $y; "
        "what is missing counts 0. | Combine two tables: values of $x are weighted by $p, values of $y by $q, and "
        "added where a key is in both.",
        """
        result = {}
        for key, value in $x.items():
            result[key] = value * $p
        for key, value in $y.items():
            result[key] = result.get(key, 0) + value * $q
        return result
        """,
        lambda p, q, x, y: {k: p * x.get(k, 0) + q * y.get(k, 0) for k in {**x, **y}},
        laws="set($f($x, $y)) == {*$x, *$y}",
    ),
    row(
        "reduced_total",
        "table -> int",
        (span(20, 200, 5), span(5, 50, 5)),
        "reduced_total bill checkout",
        "Return the sum of the values of $x; from a sum above $p, $q percent of the part above $p (rounded down) are "
        "taken off. | Add up $x. What exceeds $p is reduced by $q percent, rounded down to a whole number.",
        """
        total = sum($x.values())
        if total <= $p:
            return total
        discount = (total - $p) * $q // 100
        return total - discount
        """,
        lambda p, q, x: sum(x.values()) - max(0, sum(x.values()) - p) * q // 100,
        laws="$f($x) <= sum($x.values())",
    ),
    row(
        "top_keys",
        "table -> list[str]",
        (span(1, 4), span(-10, 40)),
        "top_keys highest leaders",
        "Return the keys of the $p highest values of $x that are above $q, the highest first and equal ones by "
        "alphabet. | List the best keys of $x, at most $p, whose values exceed $q; order them by falling value and "
        "then by name.",
        """
        ordered = sorted($x.items(), key=lambda item: (-item[1], item[0]))
        best = []
        for key, value in ordered:
            if value > $q and len(best) < $p:
                best.append(key)
        return best
        """,
        lambda p, q, x: sorted(sorted(k for k in x if x[k] > q), key=lambda k: x[k], reverse=True)[:p],
        laws="len($f($x)) <= $p | all($x[k] > $q for k in $f($x))",
    ),
    row(
        "word_lengths",
        "words -> dict[int, int]",
        (span(1, 12), span(0, 6)),
        "word_lengths length_counts count_lengths",
        "Count how many words of $x have each length, taking $p for all lengths above $p, and leave out counts of "
        "length $q. | Return how often each word length occurs in $x; lengths over $p count as $p, length $q "
        "is ignored.",
        """
        counts = {}
        for word in $x:
            length = min(len(word), $p)
            if length != $q:
                counts[length] = counts.get(length, 0) + 1
        return counts
        """,
        lambda p, q, x: {k: n for k, n in Counter(len(w[:p]) for w in x).items() if k - q},
        laws="sum($f($x).values()) <= len($x)",
    ),
    row(
        "histogram",
        "ints -> dict[int, int]",
        (span(2, 30), span(0, 20)),
        "histogram buckets bin_counts",
        "Count the numbers of $x in buckets of width $p that begin at $q; return bucket start -> count. | "
        "Sort the numbers of $x into ranges $q, $q + $p, $q + 2 * $p ... (also below $q) and count each range that "
        "is not empty.",
        """
        counts = {}
        for value in $x:
            start = (value - $q) // $p * $p + $q
            if start in counts:
                counts[start] += 1
            else:
                counts[start] = 1
        return counts
        """,
        lambda p, q, x: dict(Counter(v - (v - q) % p for v in x)),
        laws="sum($f($x).values()) == len($x) | all((s - $q) % $p == 0 for s in $f($x))",
    ),
    row(
        "adjust_stock",
        "table pairs -> dict[str, int]",
        (span(-5, 5), span(10, 60)),
        "adjust_stock apply_changes update",
        "Apply the changes $y (name and amount) to $x in order; names that $x lacks begin at 0, and no value may leave "
        "the range from $p to $q. | Add each amount of $y to the value of its name in $x and keep the new value "
        "between $p and $q.",
        """
        result = dict($x)
        for name, change in $y:
            value = result.get(name, 0) + change
            if value < $p:
                value = $p
            if value > $q:
                value = $q
            result[name] = value
        return result
        """,
        lambda p, q, x, y: _adjusted(x, y, p, q),
        laws="all($p <= $f($x, $y)[name] <= $q for name, _ in $y)",
    ),
    row(
        "first_places",
        "words -> dict[str, int]",
        (span(0, 40), WORDS),
        "first_places index_words positions",
        "Return the position of the first occurrence of every word of $x except $q, counting from $p. | "
        "Map each word of $x, other than $q, to the number of the place where it first stands; the first place is $p.",
        """
        places = {}
        for place, word in enumerate($x, $p):
            if word == $q or word in places:
                continue
            places[word] = place
        return places
        """,
        lambda p, q, x: {w: p + x.index(w) for w in x if w != q},
        laws="set($f($x)) == set($x) - {$q}",
    ),
)


def _adjusted(x: dict[str, int], changes: list[tuple[str, int]], low: int, high: int) -> dict[str, int]:
    if not changes:
        return x
    (name, change), *rest = changes
    return _adjusted({**x, name: sorted((low, x.get(name, 0) + change, high))[1]}, rest, low, high)
