"""Exercises on intervals: rows of data (see `exercise`)."""

from __future__ import annotations

from leaven.corpus.synthetic.textbook.exercise import Exercise, rows, span

row = rows("intervals")

INTERVALS: tuple[Exercise, ...] = (
    row(
        "join_spans",
        "spans -> list[tuple[int, int]]",
        (span(0, 30),),
        "join_spans merge_intervals connect",
        "Merge the spans (start, end) of $x that overlap or lie at most $p apart; return them in order. | "
        "Return the spans of $x sorted and with every two united between which there is a gap of no more than $p.",
        """
        joined = []
        for start, end in sorted($x):
            if joined and start - joined[-1][1] <= $p:
                last_start, last_end = joined[-1]
                joined[-1] = (last_start, max(last_end, end))
            else:
                joined.append((start, end))
        return joined
        """,
        lambda p, x: _joined(x, p),
        laws="$f($f($x)) == $f($x) | all(c - b > $p for (a, b), (c, d) in zip($f($x), $f($x)[1:]))",
    ),
    row(
        "covered",
        "spans -> int",
        (span(-20, 10), span(11, 60)),
        "covered covered_length occupied",
        "How many whole numbers from $p to $q lie in at least one span of $x? Both ends of a span belong to it. | "
        "Count the integers between $p and $q, both included, that some (start, end) of $x contains.",
        """
        points = set()
        for start, end in $x:
            first, last = max(start, $p), min(end, $q)
            for point in range(first, last + 1):
                points.add(point)
        return len(points)
        """,
        lambda p, q, x: sum(any(a <= n <= b for a, b in x) for n in range(p, q + 1)),
        laws="0 <= $f($x) <= $q - $p + 1",
    ),
    row(
        "busiest",
        "spans -> int",
        (span(-20, 10), span(11, 60)),
        "busiest most_at_once peak_load",
        "Return the largest number of spans of $x that contain the same whole number between $p and $q. | "
        "How many spans (start, end), ends included, overlap at most in one point from $p to $q?",
        """
        best = 0
        for point in range($p, $q + 1):
            count = 0
            for start, end in $x:
                if start <= point <= end:
                    count += 1
            best = max(best, count)
        return best
        """,
        lambda p, q, x: max(
            (sum(a <= n <= b for a, b in x) for n in {p, *(a for a, _ in x)} if p <= n <= q), default=0
        ),
        laws="0 <= $f($x) <= len($x)",
    ),
    row(
        "free_gaps",
        "spans -> list[tuple[int, int]]",
        (span(1, 15), span(30, 80)),
        "free_gaps holes openings",
        "Return the gaps (end, next start) of length at least $p between the spans of $x, and from the last one to "
        "$q. | "
        "List in order where no span of $x is for $p or more: between spans, and after them up to $q.",
        """
        gaps = []
        reached = None
        for start, end in [*sorted($x), ($q, $q)]:
            if reached is not None and start - reached >= $p:
                gaps.append((reached, start))
            reached = end if reached is None else max(reached, end)
        return gaps
        """,
        lambda p, q, x: [
            (b, c)
            for b in sorted({b for _, b in x})
            for c in [min((a for a, _ in x if a > b), default=q)]
            if c - b >= p and not any(a <= b < e for a, e in x)
        ],
        laws="all(b - a >= $p for a, b in $f($x))",
    ),
    row(
        "clip_spans",
        "spans -> list[tuple[int, int]]",
        (span(-20, 10), span(11, 60)),
        "clip_spans cut_to_window inside_only",
        "Cut every span of $x to the range from $p to $q and leave out those that lie outside. | "
        "Return the part of each (start, end) of $x between $p and $q, in the order of $x, without spans that have "
        "none.",
        """
        inside = []
        for start, end in $x:
            start = max(start, $p)
            end = min(end, $q)
            if start <= end:
                inside.append((start, end))
        return inside
        """,
        lambda p, q, x: [(sorted((p, a, q))[1], sorted((p, b, q))[1]) for a, b in x if b >= p and not a > q],
        laws="all($p <= a <= b <= $q for a, b in $f($x)) | $f($f($x)) == $f($x)",
        post="all($p <= s[0] <= s[1] <= $q for s in _)",
    ),
)


def _joined(x: list[tuple[int, int]], gap: int) -> list[tuple[int, int]]:
    for i, (a, b) in enumerate(x):
        for j, (c, d) in enumerate(x):
            if i < j and max(a, c) - min(b, d) <= gap:
                rest = [one for k, one in enumerate(x) if k not in (i, j)]
                return _joined([*rest, (min(a, c), max(b, d))], gap)
    return sorted(x)
