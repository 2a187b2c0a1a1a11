"""Exercises on machines with a state: rows of data (see `exercise`)."""

from __future__ import annotations

from itertools import groupby, pairwise

from leaven.corpus.synthetic.family import WORDS
from leaven.corpus.synthetic.textbook.exercise import Exercise, rows, span

row = rows("machines")

MACHINES: tuple[Exercise, ...] = (
    row(
        "walk_robot",
        "moves -> tuple[int, int]",
        (span(1, 6), span(1, 6), span(4, 20)),
        "walk_robot follow final_place",
        "A robot starts at (0, 0). The letters of $x move it: L and R by $p to the left and right, U and D by $q up "
        "and "
        "down; a move that would take it further than $r from 0 in either direction is left out. Return where it "
        "ends. | "
        "Follow $x from the origin, $p per L or R and $q per U or D (up is positive), ignoring moves after which a "
        "coordinate would be beyond -$r or $r.",
        """
        x, y = 0, 0
        steps = {'L': (-$p, 0), 'R': ($p, 0), 'U': (0, $q), 'D': (0, -$q)}
        for move in $x:
            dx, dy = steps[move]
            if abs(x + dx) <= $r and abs(y + dy) <= $r:
                x += dx
                y += dy
        return x, y
        """,
        lambda p, q, r, x: (_along(x, "LR", p, r), _along(x, "DU", q, r)),
        laws="max(map(abs, $f($x))) <= $r | $f($x)[0] % $p == 0 and $f($x)[1] % $q == 0",
    ),
    row(
        "signal_colour",
        "nat -> str",
        (span(5, 60, 5), span(2, 9), span(10, 60, 5)),
        "signal_colour light_at which_light",
        "A light is green for $p seconds, yellow for $q and red for $r, over and over. Which colour does it have $x "
        "seconds after it turned green? | Return 'green', 'yellow' or 'red' for second $x of a light whose phases last "
        "$p, $q and $r seconds in this order.",
        """
        left = $x % ($p + $q + $r)
        for colour, length in (('green', $p), ('yellow', $q), ('red', $r)):
            if left < length:
                return colour
            left -= length
        return 'red'
        """,
        lambda p, q, r, x: (["green"] * p + ["yellow"] * q + ["red"] * r)[x % (p + q + r)],
        laws="$f($x) == $f($x + $p + $q + $r)",
        pre="$x >= 0",
        post="_ in ('green', 'yellow', 'red')",
    ),
    row(
        "sell",
        "nats -> tuple[int, int]",
        (span(5, 90), span(1, 9)),
        "sell vending coins_in",
        "A machine sells one item as soon as $p or more is in it and then keeps $p; it holds at most $q items. Return "
        "the "
        "items sold and the money left after the coins $x. | Put the coins $x in one by one. Whenever the sum reaches "
        "$p and some of $q items are left, one is sold and $p is taken off. Return (sold, sum).",
        """
        sold, money = 0, 0
        for coin in $x:
            money += coin
            while money >= $p and sold < $q:
                money -= $p
                sold += 1
        return sold, money
        """,
        lambda p, q, x: (min(q, sum(x) // p), sum(x) - p * min(q, sum(x) // p)),
        laws="$f($x)[0] * $p + $f($x)[1] == sum($x) | $f($x)[0] <= $q",
        pre="all(v >= 0 for v in $x) | len($x) <= 4",
        post="_[0] <= $q",
    ),
    row(
        "round_robin",
        "nats -> list[int]",
        (span(3, 60), span(0, 30)),
        "round_robin finish_order schedule",
        "Jobs need the times $x. By turns each gets $p; a job whose rest is at most $q is finished at once and leaves. "
        "Return the job numbers, from 0, in the order in which they finish. | Go over the jobs with times $x round and "
        "round, taking $p off each; list the indices of the jobs as their time falls to $q or less.",
        """
        waiting = list(enumerate($x))
        finished = []
        while waiting:
            job, rest = waiting.pop(0)
            rest -= $p
            if rest <= $q:
                finished.append(job)
            else:
                waiting.append((job, rest))
        return finished
        """,
        lambda p, q, x: [i for _, i in sorted((max(1, -(-(v - q) // p)), i) for i, v in enumerate(x))],
        laws="sorted($f($x)) == list(range(len($x)))",
    ),
    row(
        "steady_values",
        "ints -> list[int]",
        (span(1, 3), span(1, 25)),
        "steady_values debounce settled",
        "Return the values of $x at which it has stayed within $q of the item before for exactly $p steps in a row. | "
        "Count steps between neighbours in $x that are at most $q; the count starts again at a larger step. List the "
        "item wherever the count reaches $p.",
        """
        found = []
        count = 0
        for before, value in zip($x, $x[1:]):
            if abs(value - before) <= $q:
                count += 1
                if count == $p:
                    found.append(value)
            else:
                count = 0
        return found
        """,
        lambda p, q, x: [
            run[p - 1][1]
            for quiet, group in groupby([(abs(b - a) <= q, b) for a, b in pairwise(x)], lambda s: s[0])
            for run in [[*group]]
            if quiet and len(run) >= p
        ],
        laws="all(v in $x for v in $f($x))",
    ),
    row(
        "heater",
        "ints -> list[bool]",
        (span(0, 15), span(16, 40)),
        "heater thermostat switch_states",
        "A heater is off at first, turns on at a reading below $p and off at one above $q. Return whether it is on "
        "after "
        "each reading of $x. | For every temperature of $x tell whether a switch is on that goes on under $p, goes off "
        "over $q and stays as it is between; it begins off.",
        """
        states = []
        on = False
        for reading in $x:
            if reading < $p:
                on = True
            elif reading > $q:
                on = False
            states.append(on)
        return states
        """,
        lambda p, q, x: [next((v < p for v in reversed(x[: i + 1]) if v < p or v > q), False) for i in range(len(x))],
        laws="len($f($x)) == len($x)",
        post="len(_) == len($x)",
    ),
    row(
        "lift",
        "nats -> int",
        (span(0, 60), span(1, 9)),
        "lift elevator travelled",
        "A lift waits on floor $p and visits the floors $x in order; every visit to a floor it is not yet on takes $q "
        "seconds more than the number of floors passed. Return the time. | Sum the distances from $p along the floors "
        "$x, adding $q for each stop that is not on the floor of the stop before.",
        """
        time, here = 0, $p
        for floor in $x:
            if floor != here:
                time += abs(floor - here) + $q
                here = floor
        return time
        """,
        lambda p, q, x: sum(max(a, b) - min(a, b) + q for a, b in zip([p, *x], x, strict=False) if a - b),
        laws="$f($x) >= 0 | $f($x + $x[-1:]) == $f($x)",
        post="_ >= 0",
    ),
    row(
        "cells",
        "bits -> str",
        (span(1, 254), span(1, 4)),
        "cells automaton evolve",
        "Apply rule $p to the row of cells $x, $q times. A cell and its two neighbours (the row is closed to a ring) "
        "read "
        "as a binary number; the new cell is that bit of $p. | Let $x, a ring of 0 and 1, develop for $q steps of the "
        "elementary cellular automaton $p.",
        """
        cells = [int(char) for char in $x]
        for _ in range($q):
            new = []
            for place, cell in enumerate(cells):
                left, right = cells[place - 1], cells[(place + 1) % len(cells)]
                pattern = left * 4 + cell * 2 + right
                new.append($p >> pattern & 1)
            cells = new
        return ''.join(str(cell) for cell in cells)
        """,
        lambda p, q, x: _evolved(x, f"{p:08b}"[::-1], q),
        laws="len($f($x)) == len($x) and set($f($x)) <= {'0', '1'}",
    ),
    row(
        "ticket_queue",
        "pairs -> list[str]",
        (span(-20, 40), WORDS),
        "ticket_queue serve call_names",
        "People with the entries (name, priority) of $x come one by one. Those with a priority of at least $p go to "
        "the "
        "front of the queue, others to its end; then $q comes last. Return the names in the order of the queue. | "
        "Build a queue from $x: put a name first if its number is $p or more and last if not; end with $q.",
        """
        queue = []
        for name, priority in $x:
            if priority >= $p:
                queue.insert(0, name)
            else:
                queue.append(name)
        queue.append($q)
        return queue
        """,
        lambda p, q, x: [n for n, v in x[::-1] if not v < p] + [n for n, v in x if v < p] + [q],
        laws="sorted($f($x)) == sorted([n for n, _ in $x] + [$q])",
    ),
)


def _along(moves: str, letters: str, step: int, most: int) -> int:
    place = 0
    for move in moves:
        new = place + step * (letters.index(move) * 2 - 1) if move in letters else place
        place = new if -most <= new <= most else place
    return place


def _evolved(cells: str, rule: str, times: int) -> str:
    if not times:
        return cells
    ring = cells[-1] + cells + cells[0]
    return _evolved("".join(rule[int(ring[i : i + 3], 2)] for i in range(len(cells))), rule, times - 1)
