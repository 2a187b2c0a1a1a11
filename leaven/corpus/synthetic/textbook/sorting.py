"""Exercises on sorting and sorted lists: rows of data (see `exercise`)."""

from __future__ import annotations

from leaven.corpus.synthetic.family import WORDS
from leaven.corpus.synthetic.textbook.exercise import Exercise, rows, span

row = rows("sorting")

SORTING: tuple[Exercise, ...] = (
    row(
        "by_remainder",
        "ints -> list[int]",
        (span(2, 40),),
        "by_remainder sort_by_remainder order",
        "Sort $x by the remainder of each number by $p; equal remainders are in rising order. | "
        "Order the numbers of $x by what is left after dividing by $p and, where that is equal, by size.",
        """
        buckets = [[] for _ in range($p)]
        for value in sorted($x):
            buckets[value % $p].append(value)
        result = []
        for bucket in buckets:
            result += bucket
        return result
        """,
        lambda p, x: sorted(x, key=lambda v: (v % p, v)),
        laws="sorted($f($x)) == sorted($x) | $f($f($x)) == $f($x)",
    ),
    row(
        "shortest_words",
        "words -> list[str]",
        (span(1, 5), WORDS),
        "shortest_words order_words by_length",
        "Add $q to $x, sort by length and then by alphabet, and return the first $p. | "
        "Return the $p shortest words of $x and $q together, words of one length in alphabetical order.",
        """
        words = $x + [$q]
        words.sort()
        words.sort(key=len)
        return words[:$p]
        """,
        lambda p, q, x: [w for _, w in sorted((len(w), w) for w in [q, *x])][:p],
        laws="len($f($x)) == min($p, len($x) + 1)",
        post="len(_) == min($p, len($x) + 1)",
    ),
    row(
        "merge_sorted",
        "sorted sorted -> list[int]",
        (span(-10, 60),),
        "merge_sorted merge combine_sorted",
        "Merge the sorted lists $x and $y into one sorted list without numbers above $p. | "
        "Both $x and $y are in rising order. Return all their numbers that are at most $p, in rising order.",
        """
        merged = []
        i = j = 0
        while i < len($x) or j < len($y):
            if j == len($y) or (i < len($x) and $x[i] <= $y[j]):
                value = $x[i]
                i += 1
            else:
                value = $y[j]
                j += 1
            if value > $p:
                break
            merged.append(value)
        return merged
        """,
        lambda p, x, y: sorted(v for v in x + y if not v > p),
        laws="$f($x, $y) == sorted($f($x, $y)) | $f($x, $y) == $f($y, $x)",
        post="all(v <= $p for v in _) | len(_) <= len($x) + len($y)",
    ),
    row(
        "ranks",
        "ints -> list[int]",
        (span(0, 20), (1, 2, 3, 4, 5)),
        "ranks places standing",
        "Return for every item of $x how many items are larger by at least $q, plus $p. | "
        "Give each item of $x its rank: $p plus the number of items that exceed it by $q or more.",
        """
        ranks = []
        for value in $x:
            rank = $p
            for other in $x:
                if other - value >= $q:
                    rank += 1
            ranks.append(rank)
        return ranks
        """,
        lambda p, q, x: [p + len([w for w in sorted(x) if w >= v + q]) for v in x],
        laws="len($f($x)) == len($x) | all($p <= r < $p + len($x) for r in $f($x))",
        post="len(_) == len($x)",
    ),
    row(
        "nearest_first",
        "ints -> list[int]",
        (span(-20, 60), span(1, 8)),
        "nearest_first closest sort_by_distance",
        "Return the $q items of $x nearest to $p, the nearest first; of two equally near ones the smaller comes "
        "first. | "
        "Sort $x by distance from $p, smaller numbers first where distances are equal, and keep the first $q.",
        """
        left = sorted($x)
        result = []
        while left and len(result) < $q:
            best = left[0]
            for value in left:
                if abs(value - $p) < abs(best - $p):
                    best = value
            left.remove(best)
            result.append(best)
        return result
        """,
        lambda p, q, x: sorted(x, key=lambda v: (abs(v - p), v))[:q],
        laws="len($f($x)) == min($q, len($x)) | all(v in $x for v in $f($x))",
    ),
    row(
        "insert_two",
        "sorted -> list[int]",
        (span(-20, 10), span(11, 40)),
        "insert_two add_in_order insert_sorted",
        "Insert $p and $q into the sorted list $x so that it stays sorted. | "
        "The numbers of $x rise. Return a new list that has $p and $q too and still rises.",
        """
        result = list($x)
        for new in ($p, $q):
            place = 0
            while place < len(result) and result[place] < new:
                place += 1
            result.insert(place, new)
        return result
        """,
        lambda p, q, x: sorted([*x, p, q]),
        laws="$f($x) == sorted($f($x)) | len($f($x)) == len($x) + 2",
        post="len(_) == len($x) + 2 | $p in _ and $q in _",
    ),
    row(
        "some_passes",
        "ints -> list[int]",
        (span(1, 4), span(0, 9)),
        "some_passes bubble_passes partly_sorted",
        "Return $x after $p passes of bubble sort, where neighbours are exchanged only if the left one is larger by "
        "more "
        "than $q. | Go over $x from left to right $p times and each time swap neighbours whose left number exceeds "
        "the right one by over $q.",
        """
        result = list($x)
        for _ in range($p):
            for place in range(len(result) - 1):
                if result[place] - result[place + 1] > $q:
                    result[place], result[place + 1] = result[place + 1], result[place]
        return result
        """,
        lambda p, q, x: x if not p else _pass(_passes(p - 1, q, x), q),
        laws="sorted($f($x)) == sorted($x)",
        post="len(_) == len($x)",
    ),
    row(
        "best_entries",
        "pairs -> list[str]",
        (span(-20, 50),),
        "best_entries winners ranking",
        "Return the names of $x whose number is at least $p, the highest number first and equal ones in their old "
        "order. | Each entry of $x is a name and a score. List the names with scores of $p or more by falling score, "
        "ties as given.",
        """
        chosen = []
        for name, score in $x:
            if score < $p:
                continue
            place = 0
            while place < len(chosen) and chosen[place][1] >= score:
                place += 1
            chosen.insert(place, (name, score))
        return [name for name, _ in chosen]
        """,
        lambda p, x: [name for name, score in sorted(x, key=lambda e: -e[1]) if not score < p],
        laws="len($f($x)) == sum(1 for _, score in $x if score >= $p)",
    ),
)


def _pass(x: list[int], gap: int) -> list[int]:
    if len(x) < 2:
        return x
    first, second, *rest = x
    low, high = (second, first) if first - second > gap else (first, second)
    return [low, *_pass([high, *rest], gap)]


def _passes(times: int, gap: int, x: list[int]) -> list[int]:
    return x if not times else _pass(_passes(times - 1, gap, x), gap)
