"""Exercises on lists: rows of data (see `exercise`)."""

from __future__ import annotations

from itertools import accumulate, combinations, pairwise

from leaven.corpus.synthetic.textbook.exercise import Exercise, rows, span

row = rows("lists")

LISTS: tuple[Exercise, ...] = (
    row(
        "turn_list",
        "ints -> list[int]",
        (span(1, 40),),
        "turn_list rotate shift_left",
        "Move the first item of $x to its end, $p times over, and return the new list. | "
        "Rotate $x to the left by $p places.",
        """
        if not $x:
            return []
        cut = $p % len($x)
        return $x[cut:] + $x[:cut]
        """,
        lambda p, x: [x[(i + p) % len(x)] for i in range(len(x))],
        laws="sorted($f($x)) == sorted($x)",
        post="len(_) == len($x)",
    ),
    row(
        "chunk_sums",
        "ints -> list[int]",
        (span(2, 6), span(-9, 20)),
        "chunk_sums sum_groups block_totals",
        "Cut $x into consecutive groups of $p (the last may be shorter) and return the sum of each, plus $q. | "
        "Return a list with one number for every $p items of $x: their sum increased by $q.",
        """
        sums = []
        for start in range(0, len($x), $p):
            group = $x[start:start + $p]
            sums.append(sum(group) + $q)
        return sums
        """,
        lambda p, q, x: [q + sum(v for i, v in enumerate(x) if i // p == k) for k in range(-(-len(x) // p))],
        laws="len($f($x)) == -(-len($x) // $p) | sum($f($x)) == sum($x) + $q * len($f($x))",
        post="len(_) == -(-len($x) // $p)",
    ),
    row(
        "window_peaks",
        "ints -> list[int]",
        (span(2, 5), span(1, 9)),
        "window_peaks sliding_maximum window_max",
        "For every $p neighbouring items of $x return the largest of them, times $q. | "
        "Slide a window of $p items over $x and list the maximum in each position, multiplied by $q.",
        """
        peaks = []
        for start in range(len($x) - $p + 1):
            largest = $x[start]
            for value in $x[start + 1:start + $p]:
                if value > largest:
                    largest = value
            peaks.append(largest * $q)
        return peaks
        """,
        lambda p, q, x: [sorted(part)[-1] * q for part in zip(*(x[i:] for i in range(p)), strict=False)],
        laws="len($f($x)) == max(0, len($x) - $p + 1) | all(v % $q == 0 for v in $f($x))",
        post="len(_) == max(0, len($x) - $p + 1)",
    ),
    row(
        "pairs_with_sum",
        "ints -> int",
        (span(-10, 60), span(1, 6)),
        "pairs_with_sum count_pairs matching_pairs",
        "Count the pairs of items of $x, at most $q places apart, whose sum is above $p. | "
        "How many pairs of positions in $x that differ by no more than $q hold numbers that add up to more than $p?",
        """
        count = 0
        for i in range(len($x)):
            for j in range(i + 1, min(len($x), i + $q + 1)):
                if $x[i] + $x[j] > $p:
                    count += 1
        return count
        """,
        lambda p, q, x: len([1 for (i, a), (j, b) in combinations(enumerate(x), 2) if j - i <= q and not a + b <= p]),
        laws="0 <= $f($x) <= len($x) * $q",
    ),
    row(
        "lagged_steps",
        "ints -> list[int]",
        (span(1, 4), span(1, 20)),
        "lagged_steps differences changes",
        "Return, for each item of $x from index $p on, its difference from the item $p places before, times $q. | "
        "List how much every item of $x grew over the one $p positions earlier, multiplied by $q.",
        """
        steps = []
        for place in range($p, len($x)):
            growth = $x[place] - $x[place - $p]
            steps.append(growth * $q)
        return steps
        """,
        lambda p, q, x: [q * (b - a) for a, b in zip(x, x[p:], strict=False)],
        laws="len($f($x)) == max(0, len($x) - $p)",
        post="len(_) == max(0, len($x) - $p)",
    ),
    row(
        "smaller_first",
        "ints -> list[int]",
        (span(-20, 50),),
        "smaller_first partition split_around",
        "Return the items of $x below $p followed by all others, each part in its old order. | "
        "Reorder $x so that numbers under $p come first; do not change the order otherwise.",
        """
        below, others = [], []
        for value in $x:
            if value < $p:
                below.append(value)
            else:
                others.append(value)
        return below + others
        """,
        lambda p, x: sorted(x, key=lambda v: v >= p),
        laws="sorted($f($x)) == sorted($x) | $f($f($x)) == $f($x)",
        post="len(_) == len($x) | all(b >= $p for a, b in zip(_, _[1:]) if a >= $p)",
    ),
    row(
        "drop_every",
        "ints -> list[int]",
        (span(2, 7), span(0, 6)),
        "drop_every leave_out thin",
        "Return $x without every item whose index, less $q, is a multiple of $p; indices below $q stay. | "
        "Starting at index $q, leave out each item of $x that is $p places after the last one left out.",
        """
        kept = []
        for place, value in enumerate($x):
            if place >= $q and (place - $q) % $p == 0:
                continue
            kept.append(value)
        return kept
        """,
        lambda p, q, x: [v for i, v in enumerate(x) if i not in range(q, len(x), p)],
        laws="len($f($x)) == len($x) - len(range($q, len($x), $p))",
        post="len(_) <= len($x)",
    ),
    row(
        "take_turns",
        "ints ints -> list[int]",
        (span(1, 5), span(1, 5)),
        "take_turns interleave weave",
        "Take $p items from $x, then $q from $y, and so on by turns until both are used up. | "
        "Weave two lists: $p items of $x are followed by $q items of $y, again and again, to the end of both.",
        """
        result = []
        i = j = 0
        while i < len($x) or j < len($y):
            result += $x[i:i + $p] + $y[j:j + $q]
            i += $p
            j += $q
        return result
        """,
        lambda p, q, x, y: [v for i in range(len(x) + len(y)) for v in x[i * p : i * p + p] + y[i * q : i * q + q]],
        laws="sorted($f($x, $y)) == sorted($x + $y)",
        post="len(_) == len($x) + len($y)",
    ),
    row(
        "reset_total",
        "nats -> list[int]",
        (span(5, 150),),
        "reset_total running_total restarting_sum",
        "Return the running totals of $x, where the total starts again from zero after it has gone above $p. | "
        "Add up $x item by item and list each total; whenever one exceeds $p, the next begins anew.",
        """
        totals = []
        total = 0
        for value in $x:
            total += value
            totals.append(total)
            if total > $p:
                total = 0
        return totals
        """,
        lambda p, x: [*accumulate(x, lambda a, b: b if a > p else a + b)],
        laws="len($f($x)) == len($x) | all(t >= v for t, v in zip($f($x), $x))",
        post="len(_) == len($x)",
    ),
    row(
        "prefix_within",
        "nats -> int",
        (span(5, 200), span(0, 5)),
        "prefix_within fitting_prefix how_many_fit",
        "Return how many items from the front of $x can be taken before their sum, plus $q for each, exceeds $p. | "
        "Each item costs its value and $q more. Count how many of $x, in order, can be bought for $p.",
        """
        spent = 0
        for count, value in enumerate($x):
            spent += value + $q
            if spent > $p:
                return count
        return len($x)
        """,
        lambda p, q, x: max(k for k in range(len(x) + 1) if sum(x[:k]) + q * k <= p),
        laws="0 <= $f($x) <= len($x) | sum($x[:$f($x)]) + $q * $f($x) <= $p",
        pre="all(v >= 0 for v in $x)",
        post="0 <= _ <= len($x)",
    ),
    row(
        "top_distinct",
        "ints -> list[int]",
        (span(1, 5), span(1, 12)),
        "top_distinct largest_values best",
        "Return the $p largest different values of $x, the largest first, each times $q. | "
        "List the top $p values of $x without repeats in falling order, multiplied by $q.",
        """
        distinct = []
        for value in sorted($x, reverse=True):
            if value not in distinct:
                distinct.append(value)
        return [value * $q for value in distinct[:$p]]
        """,
        lambda p, q, x: [q * v for v in sorted(set(x))[::-1][:p]],
        laws="len($f($x)) == min($p, len(set($x))) | $f($x) == sorted($f($x), reverse=True)",
        post="len(_) <= $p",
    ),
    row(
        "keep_first_copies",
        "ints -> list[int]",
        (span(1, 4), span(0, 20)),
        "keep_first_copies limit_repeats trim_repeats",
        "Keep at most $p copies of each value of $x, the first ones, and leave out values below $q. | "
        "Return $x without items under $q and without every occurrence of a value after its first $p.",
        """
        seen = {}
        kept = []
        for value in $x:
            seen[value] = seen.get(value, 0) + 1
            if value >= $q and seen[value] <= $p:
                kept.append(value)
        return kept
        """,
        lambda p, q, x: [v for i, v in enumerate(x) if x[:i].count(v) < p and not v < q],
        laws="all($f($x).count(v) <= $p and v >= $q for v in $f($x)) | $f($f($x)) == $f($x)",
        post="all(v >= $q for v in _)",
    ),
    row(
        "peaks",
        "ints -> list[int]",
        (span(0, 30),),
        "peaks local_peaks summits",
        "Return the indices of the items of $x that are more than $p above both neighbours. | "
        "List the positions in $x, without the first and the last, that exceed the items before and after by more "
        "than $p.",
        """
        found = []
        for place in range(1, len($x) - 1):
            left, here, right = $x[place - 1:place + 2]
            if here - left > $p and here - right > $p:
                found.append(place)
        return found
        """,
        lambda p, x: [i + 1 for i, ((a, b), (_, c)) in enumerate(pairwise(pairwise(x))) if min(b - a, b - c) > p],
        laws="all(0 < i < len($x) - 1 for i in $f($x))",
    ),
    row(
        "close_groups",
        "sorted -> list[tuple[int, int]]",
        (span(1, 40),),
        "close_groups clusters group_near",
        "Join neighbours of the sorted list $x that are at most $p apart; return the first and last number of each "
        "group. | Split the rising numbers $x wherever the next is more than $p larger, and list each part as a pair "
        "of its ends.",
        """
        groups = []
        for value in $x:
            if groups and value - groups[-1][1] <= $p:
                groups[-1] = (groups[-1][0], value)
            else:
                groups.append((value, value))
        return groups
        """,
        lambda p, x: [
            *zip(
                [v for i, v in enumerate(x) if not i or v - x[i - 1] > p],
                [v for i, v in enumerate(x) if i + 1 == len(x) or x[i + 1] - v > p],
                strict=True,
            )
        ],
        laws="all(a <= b for a, b in $f($x)) | all(c - b > $p for (a, b), (c, d) in zip($f($x), $f($x)[1:]))",
    ),
)
