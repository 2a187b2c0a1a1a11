"""Exercises on numbers and their bits: rows of data (see `exercise`)."""

from __future__ import annotations

from leaven.corpus.synthetic.textbook.exercise import Exercise, rows, span

row = rows("bits")

BITS: tuple[Exercise, ...] = (
    row(
        "low_ones",
        "nat -> int",
        (span(2, 9), span(0, 60)),
        "low_ones count_low_bits ones",
        "Count the ones among the lowest $p bits of $x + $q. | "
        "Return how many of the last $p binary digits of $x plus $q are 1.",
        """
        number = $x + $q
        count = 0
        for place in range($p):
            count += number >> place & 1
        return count
        """,
        lambda p, q, x: bin((x + q) % 2**p).count("1"),
        laws="0 <= $f($x) <= $p | $f($x) == $f($x + 2 ** $p)",
        pre="0 <= $x <= 255",
        post="0 <= _ <= $p",
    ),
    row(
        "turn_bits",
        "nat -> int",
        (span(1, 30), span(9, 24)),
        "turn_bits rotate_bits roll",
        "Rotate the $q-bit number $x to the left by $p places. | "
        "Move the bits of $x, a number of $q bits, $p places to the left; what falls off comes in again on the right.",
        """
        mask = (1 << $q) - 1
        shift = $p % $q
        moved = $x << shift | $x >> ($q - shift)
        return moved & mask
        """,
        lambda p, q, x: int((f"{x:0{q}b}" * 2)[p % q : p % q + q], 2),
        laws="bin($f($x)).count('1') == bin($x).count('1') | 0 <= $f($x) < 2 ** $q",
        pre="0 <= $x < 2 ** $q",
        post="0 <= _ < 2 ** $q",
    ),
    row(
        "set_and_clear",
        "nat -> int",
        (span(0, 4), span(5, 9)),
        "set_and_clear switch_bits flags",
        "Return $x with bit $p set and bit $q cleared; bit 0 is the lowest. | "
        "Turn on the bit of $x that stands for 2 ** $p and turn off the one for 2 ** $q.",
        """
        switched = $x | 1 << $p
        if switched >> $q & 1:
            switched ^= 1 << $q
        return switched
        """,
        lambda p, q, x: x + (0 if x // 2**p % 2 else 2**p) - (2**q if x // 2**q % 2 else 0),
        laws="$f($f($x)) == $f($x) | $f($x) >> $p & 1 == 1 and $f($x) >> $q & 1 == 0",
        pre="0 <= $x <= 1023",
        post="_ >= 0",
    ),
    row(
        "longest_ones",
        "nat -> int",
        (span(0, 250),),
        "longest_ones run_of_ones ones_in_a_row",
        "Return the length of the longest run of ones in the binary form of $x, after every bit that $p has is set in "
        "it too. | How many ones stand side by side at most in the binary digits of $x or-ed with $p?",
        """
        number = $x | $p
        best = current = 0
        while number:
            current = current + 1 if number & 1 else 0
            best = max(best, current)
            number >>= 1
        return best
        """,
        lambda p, x: max(map(len, f"{x | p:b}".split("0"))),
        laws="$f($x) <= max($x, $p).bit_length()",
    ),
    row(
        "mirror_bits",
        "nat -> int",
        (span(3, 20),),
        "mirror_bits reverse_bits flip_order",
        "Reverse the order of the lowest $p bits of $x and drop all others. | "
        "Return the number whose $p binary digits are the last $p binary digits of $x read backwards.",
        """
        result = 0
        for _ in range($p):
            result = result << 1 | $x & 1
            $x >>= 1
        return result
        """,
        lambda p, x: int(f"{x % 2**p:0{p}b}"[::-1], 2),
        laws="$f($f($x)) == $x % 2 ** $p",
        pre="0 <= $x < 64",
        post="_ >= 0",
    ),
    row(
        "pack_pair",
        "nat nat -> int",
        (span(3, 16), span(0, 90)),
        "pack_pair combine_bits join_fields",
        "Keep the lowest $p bits of $y plus $q, and put $x above them. Return the packed number. | "
        "Return $x shifted left by $p bits, with the last $p bits of $y + $q in the free places.",
        """
        mask = (1 << $p) - 1
        low = ($y + $q) & mask
        return $x << $p | low
        """,
        lambda p, q, x, y: x * 2**p + (y + q) % 2**p,
        laws="$f($x, $y) >> $p == $x",
        pre="0 <= $x <= 255 | 0 <= $y <= 255",
        post="_ // 2 ** $p == $x",
    ),
)
