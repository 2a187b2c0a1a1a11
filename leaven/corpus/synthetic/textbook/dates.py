"""Exercises on dates and times: rows of data (see `exercise`)."""

from __future__ import annotations

from datetime import date, timedelta

from leaven.corpus.synthetic.textbook.exercise import Exercise, rows, span

row = rows("dates")
_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")

DATES: tuple[Exercise, ...] = (
    row(
        "later_clock",
        "clock -> str",
        (span(1, 1439),),
        "later_clock add_minutes clock_after",
        "Return the time of day $p minutes after $x, as HH:MM. | "
        "$x is a time like '09:30'. Add $p minutes and start again at 00:00 after 23:59.",
        """
        hours, minutes = $x.split(':')
        total = int(hours) * 60 + int(minutes) + $p
        total %= 24 * 60
        return f'{total // 60:02d}:{total % 60:02d}'
        """,
        lambda p, x: _midnight(x, p),
        laws="len($f($x)) == 5 | int($f($x)[:2]) < 24 and int($f($x)[3:]) < 60",
    ),
    row(
        "minutes_open",
        "clock clock -> int",
        (span(5, 11), span(12, 22)),
        "minutes_open shared_minutes within_hours",
        "How many minutes between the times $x and $y, whichever is first, lie between $p and $q o'clock? | "
        "Return the length in minutes of the part from the earlier to the later of $x and $y (as HH:MM) that falls "
        "in the hours from $p:00 to $q:00.",
        """
        def minutes(moment):
            return int(moment[:2]) * 60 + int(moment[3:])
        first, last = sorted((minutes($x), minutes($y)))
        first = max(first, $p * 60)
        last = min(last, $q * 60)
        return max(0, last - first)
        """,
        lambda p, q, x, y: len(
            range(
                max(_minute(min(x, y)), 60 * p), max(max(_minute(min(x, y)), 60 * p), min(_minute(max(x, y)), 60 * q))
            )
        ),
        laws="$f($x, $y) == $f($y, $x) | 0 <= $f($x, $y) <= ($q - $p) * 60",
    ),
    row(
        "days_later",
        "day -> str",
        (span(1, 400),),
        "days_later add_days date_after",
        "Return the date $p days after $x, both written as YYYY-MM-DD. | "
        "Add $p days to the date $x, without the datetime module, and return the new date in the same form.",
        """
        year, month, day = map(int, $x.split('-'))
        day += $p
        while True:
            leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
            lengths = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
            if day <= lengths[month - 1]:
                return f'{year:04d}-{month:02d}-{day:02d}'
            day -= lengths[month - 1]
            month += 1
            if month > 12:
                year, month = year + 1, 1
        """,
        lambda p, x: (date.fromisoformat(x) + timedelta(days=p)).isoformat(),
        laws="$f($x) > $x or $x > '9998'",
    ),
    row(
        "weekday_after",
        "day -> str",
        (span(0, 365),),
        "weekday_after day_name which_weekday",
        "Return the weekday ('Mon' to 'Sun') $p days after the date $x (YYYY-MM-DD). | "
        "Which day of the week is it $p days after $x? Answer with its first three letters.",
        """
        year, month, day = map(int, $x.split('-'))
        if month < 3:
            month, year = month + 12, year - 1
        number = day + 13 * (month + 1) // 5 + year + year // 4 - year // 100 + year // 400
        names = ['Sat', 'Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri']
        return names[(number + $p) % 7]
        """,
        lambda p, x: _WEEK[(date.fromisoformat(x).toordinal() + p - 1) % 7],
        laws="len($f($x)) == 3",
    ),
    row(
        "fiscal_quarter",
        "day -> tuple[int, int]",
        (span(1, 12), span(-3, 3)),
        "fiscal_quarter business_quarter quarter_of",
        "A business year begins in month $p and is named after the calendar year it begins in, plus $q. Return (year, "
        "quarter) for the date $x (YYYY-MM-DD). | Return the name of the business year of $x and the number of its "
        "quarter, 1 to 4, when years begin with month $p and are called by their first calendar year + $q.",
        """
        year, month = int($x[:4]), int($x[5:7])
        if month < $p:
            year -= 1
            month += 12
        quarter = (month - $p) // 3 + 1
        return year + $q, quarter
        """,
        lambda p, q, x: (
            (12 * int(x[:4]) + int(x[5:7]) - p) // 12 + q,
            (12 * int(x[:4]) + int(x[5:7]) - p) % 12 // 3 + 1,
        ),
        laws="1 <= $f($x)[1] <= 4",
    ),
)


def _minute(clock: str) -> int:
    return 60 * int(clock[:2]) + int(clock[3:])


def _midnight(clock: str, later: int) -> str:
    hours, minutes = divmod(_minute(clock) + later, 60)
    return f"{hours % 24:0>2}:{minutes:0>2}"
