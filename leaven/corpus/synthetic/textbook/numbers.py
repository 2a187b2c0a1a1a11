"""Exercises on numbers: rows of data (see `exercise`)."""

from __future__ import annotations

from math import gcd

from leaven.corpus.synthetic.textbook.exercise import Exercise, rows, span

row = rows("numbers")

NUMBERS: tuple[Exercise, ...] = (
    row(
        "digit_total",
        "nat -> int",
        (span(2, 16), span(1, 20)),
        "digit_total weighted_digits digit_score",
        "Write $x in base $p and return $q times the sum of its digits. | "
        "Add up the digits that $x has in base $p, then multiply the sum by $q.",
        """
        total = 0
        while $x > 0:
            total += $x % $p
            $x //= $p
        return total * $q
        """,
        lambda p, q, x: q * sum(_digits(x, p)),
        laws="$f($x) % $q == 0 | $f($x) >= 0 | ($f($x) - $q * $x) % ($p - 1) == 0",
        pre="0 <= $x <= 5000",
        post="_ >= 0 | _ % $q == 0",
    ),
    row(
        "divisors_between",
        "nat -> list[int]",
        (span(1, 12), span(12, 60)),
        "divisors_between some_divisors divisors",
        "Return the divisors of $x from $p to $q, the largest first. | "
        "List every number between $p and $q, both included, that divides $x, in falling order.",
        """
        found = []
        for candidate in range($q, $p - 1, -1):
            if $x % candidate == 0:
                found.append(candidate)
        return found
        """,
        lambda p, q, x: [d for d in reversed(range(p, q + 1)) if gcd(d, x) == d],
        laws="all($x % d == 0 and $p <= d <= $q for d in $f($x)) | $f($x) == sorted(set($f($x)), reverse=True)",
    ),
    row(
        "common_divisor",
        "nat -> int",
        (span(6, 120), span(1, 9)),
        "common_divisor scaled_gcd shared_divisor",
        "Return the greatest common divisor of $x and $p, times $q. | "
        "Find the largest number that divides both $x and $p and multiply it by $q.",
        """
        first, second = $x, $p
        while second:
            first, second = second, first % second
        return first * $q
        """,
        lambda p, q, x: q * gcd(x, p),
        laws="$p % ($f($x) // $q) == 0 and $x % ($f($x) // $q) == 0",
        pre="0 <= $x <= 300",
        post="_ >= $q | _ <= $p * $q",
    ),
    row(
        "power_remainder",
        "few -> int",
        (span(2, 30), span(7, 97)),
        "power_remainder modular_power last_part",
        "Return the remainder of $p to the power $x by $q, by repeated squaring. | "
        "Raise $p to the power $x and return what is left after dividing by $q.",
        """
        result, base = 1, $p % $q
        while $x > 0:
            if $x % 2 == 1:
                result = result * base % $q
            base = base * base % $q
            $x //= 2
        return result % $q
        """,
        lambda p, q, x: pow(p, x, q),
        laws="0 <= $f($x) < $q | $f($x + 1) == $f($x) * $p % $q",
        pre="0 <= $x <= 20",
        post="0 <= _ < $q",
    ),
    row(
        "prime_line",
        "few -> bool",
        (span(1, 12), span(0, 40)),
        "is_prime_line prime_at check_prime",
        "Is $p times $x plus $q a prime number? | Return whether $p * $x + $q is prime.",
        """
        number = $p * $x + $q
        if number < 2:
            return False
        divisor = 2
        while divisor * divisor <= number:
            if number % divisor == 0:
                return False
            divisor += 1
        return True
        """,
        lambda p, q, x: sum((p * x + q) % d == 0 for d in range(1, p * x + q + 1)) == 2,
    ),
    row(
        "base_digits",
        "nat -> list[int]",
        (span(2, 16), span(2, 9)),
        "base_digits to_base digits_of",
        "Return the digits of $x in base $p, the highest first, with zeros in front where there are fewer than $q. | "
        "Write $x in base $p as a list of digits, filled up with leading zeros to at least $q places.",
        """
        digits = []
        while $x > 0:
            digits.append($x % $p)
            $x //= $p
        while len(digits) < $q:
            digits.append(0)
        return digits[::-1]
        """,
        lambda p, q, x: ([0] * q + _digits(x, p))[min(len(_digits(x, p)), q) :],
        laws="len($f($x)) >= $q | all(0 <= d < $p for d in $f($x)) | "
        "sum(d * $p ** i for i, d in enumerate(reversed($f($x)))) == $x",
        pre="0 <= $x <= 1000",
        post="len(_) >= $q",
    ),
    row(
        "multiples_below",
        "nat -> int",
        (span(2, 9), span(10, 25)),
        "multiples_below sum_of_multiples add_multiples",
        "Sum the positive numbers below $x that are multiples of $p or of $q. | "
        "Add up every number from 1 to $x - 1 that $p or $q divides, each once.",
        """
        total = 0
        for number in range(1, $x):
            if number % $p == 0 or number % $q == 0:
                total += number
        return total
        """,
        lambda p, q, x: sum({*range(p, x, p), *range(q, x, q)}),
        laws="$f($x) <= $f($x + 1)",
    ),
    row(
        "whole_root",
        "nat -> int",
        ((2, 3, 4), span(0, 60)),
        "whole_root root_of integer_root",
        "Return the largest whole number whose power $p is at most $x plus $q. | "
        "Find the greatest integer k such that k to the power $p does not exceed $x + $q.",
        """
        root = 0
        while (root + 1) ** $p <= $x + $q:
            root += 1
        return root
        """,
        lambda p, q, x: max(k for k in range(40) if k**p <= x + q),
        laws="$f($x) ** $p <= $x + $q < ($f($x) + 1) ** $p",
    ),
)


def _digits(n: int, base: int) -> list[int]:
    return [*_digits(n // base, base), n % base] if n >= base else [n]
