"""Exercises on matrices: rows of data (see `exercise`)."""

from __future__ import annotations

from leaven.corpus.synthetic.textbook.exercise import Exercise, rows, span

row = rows("matrices")

MATRICES: tuple[Exercise, ...] = (
    row(
        "tilt",
        "matrix -> list[list[int]]",
        (span(-9, 20), span(1, 20)),
        "tilt add_slope incline",
        "Add $p times the row number and $q times the column number, both from 0, to every entry of $x. | "
        "Return a matrix like $x where the entry in row i and column j is larger by $p * i + $q * j.",
        """
        result = []
        for i, row in enumerate($x):
            new = []
            for j, value in enumerate(row):
                new.append(value + $p * i + $q * j)
            result.append(new)
        return result
        """,
        lambda p, q, x: [[p * i + q * j + x[i][j] for j in range(len(x[0]))] for i in range(len(x))],
        laws="$f($x)[0][0] == $x[0][0] | len($f($x)) == len($x)",
        post="len(_) == len($x)",
    ),
    row(
        "flip_scale",
        "matrix -> list[list[int]]",
        (span(2, 40), span(-9, 20)),
        "flip_scale transpose_times swap_axes",
        "Return the transpose of $x with each entry multiplied by $p and increased by $q. | "
        "Exchange rows and columns of $x and replace every value v by v * $p + $q.",
        """
        result = []
        for j in range(len($x[0])):
            column = []
            for row in $x:
                column.append(row[j] * $p + $q)
            result.append(column)
        return result
        """,
        lambda p, q, x: [[q + p * v for v in column] for column in zip(*x, strict=True)],
        laws="len($f($x)) == len($x[0]) and len($f($x)[0]) == len($x)",
    ),
    row(
        "frame_sum",
        "matrix -> int",
        (span(1, 20), span(1, 20)),
        "frame_sum border_weight edges_and_inside",
        "Sum the entries of $x, where those on the border count $p times and those inside $q times. | "
        "Return $p times the sum of the outer rows and columns of $x plus $q times the sum of all other entries.",
        """
        total = 0
        last_row, last_column = len($x) - 1, len($x[0]) - 1
        for i, row in enumerate($x):
            for j, value in enumerate(row):
                border = i in (0, last_row) or j in (0, last_column)
                total += value * ($p if border else $q)
        return total
        """,
        lambda p, q, x: p * sum(map(sum, x)) + (q - p) * sum(sum(r[1:-1]) for r in x[1:-1]),
    ),
    row(
        "quarter_turns",
        "matrix -> list[list[int]]",
        (span(1, 7), span(-20, 40)),
        "quarter_turns rotate_matrix spin",
        "Turn $x clockwise by $p quarter turns and add $q to every entry. | "
        "Rotate the matrix $x to the right $p times by 90 degrees, then increase each of its entries by $q.",
        """
        turned = [[value + $q for value in row] for row in $x]
        for _ in range($p % 4):
            columns = []
            for j in range(len(turned[0])):
                columns.append([row[j] for row in reversed(turned)])
            turned = columns
        return turned
        """,
        lambda p, q, x: [[v + q for v in r] for r in _turned(x, p)],
        laws="sorted(v for r in $f($x) for v in r) == sorted(v + $q for r in $x for v in r)",
    ),
    row(
        "diagonal_sum",
        "matrix -> int",
        (span(-2, 2), span(1, 40)),
        "diagonal_sum slanted_total diagonal",
        "Return $q times the sum of the entries of $x whose column number is their row number plus $p. | "
        "Add the entries of $x on the diagonal that lies $p columns to the right of the main one (to the left if "
        "negative) and multiply by $q.",
        """
        total = 0
        for i in range(len($x)):
            j = i + $p
            if 0 <= j < len($x[i]):
                total += $x[i][j]
        return total * $q
        """,
        lambda p, q, x: sum(v * q for i, r in enumerate(x) for j, v in enumerate(r) if j - i == p),
        laws="$f($x) % $q == 0",
    ),
    row(
        "islands",
        "matrix -> int",
        (span(-5, 15), span(1, 3)),
        "islands count_regions areas",
        "Count the regions of at least $q entries of $x above $p that touch each other by an edge. | "
        "Entries greater than $p are land. Return how many pieces of land $x has that consist of $q or more entries, "
        "joined horizontally or vertically.",
        """
        seen = set()
        def size(i, j):
            if not (0 <= i < len($x) and 0 <= j < len($x[0])):
                return 0
            if (i, j) in seen or $x[i][j] <= $p:
                return 0
            seen.add((i, j))
            return 1 + size(i - 1, j) + size(i + 1, j) + size(i, j - 1) + size(i, j + 1)
        count = 0
        for i in range(len($x)):
            for j in range(len($x[0])):
                if size(i, j) >= $q:
                    count += 1
        return count
        """,
        lambda p, q, x: _regions({(i, j) for i, r in enumerate(x) for j, v in enumerate(r) if v > p}, q),
        laws="0 <= $f($x) * $q <= len($x) * len($x[0])",
    ),
    row(
        "best_row",
        "matrix -> int",
        (span(-10, 60),),
        "best_row richest_row strongest_row",
        "Return the index of the row of $x with the largest sum, the first of equal ones, or -1 if no sum is above "
        "$p. | "
        "Which row of $x has the greatest total over $p? Return its number from 0, the smallest if several tie, and "
        "-1 where there is none.",
        """
        best, best_sum = -1, $p
        for number, row in enumerate($x):
            total = sum(row)
            if total > best_sum:
                best, best_sum = number, total
        return best
        """,
        lambda p, x: next((i for i, r in enumerate(x) if sum(r) == max(map(sum, x)) and sum(r) > p), -1),
        laws="-1 <= $f($x) < len($x)",
        pre="all(len(row) > 0 for row in $x)",
        post="-1 <= _ < len($x)",
    ),
    row(
        "spiral",
        "matrix -> list[int]",
        (span(1, 12), span(-9, 20)),
        "spiral unwind snail",
        "Read $x in a clockwise spiral from the upper left corner; return the first $p entries, each plus $q. | "
        "Walk around $x along its border inwards (right, down, left, up), list at most $p entries and add $q to each.",
        """
        left = [list(row) for row in $x]
        walked = []
        while left and len(walked) < $p:
            walked += left.pop(0)
            left = [list(column) for column in zip(*left)][::-1]
        return [value + $q for value in walked[:$p]]
        """,
        lambda p, q, x: [v + q for v in _walk(x)[:p]],
        laws="len($f($x)) == min($p, len($x) * len($x[0]))",
    ),
)


def _turned(x: list[list[int]], times: int) -> list[list[int]]:
    return x if not times else _turned([list(column) for column in zip(*x[::-1], strict=True)], times - 1)


def _regions(land: set[tuple[int, int]], least: int) -> int:
    count = 0
    while land:
        region = {min(land)}
        while (
            more := {(i + a, j + b) for i, j in region for a, b in ((0, 1), (1, 0), (0, -1), (-1, 0))} & land - region
        ):
            region |= more
        land = land - region
        count += len(region) >= least
    return count


def _walk(x: list[list[int]]) -> list[int]:
    inside, found = {(i, j): v for i, r in enumerate(x) for j, v in enumerate(r)}, []
    here, turn = (0, -1), 0
    while inside:
        i, j = here
        ahead = [(i, j + 1), (i + 1, j), (i, j - 1), (i - 1, j)][turn % 4]
        if ahead in inside:
            found.append(inside.pop(ahead))
            here = ahead
        else:
            turn += 1
    return found
